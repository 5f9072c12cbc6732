/* SPDX-License-Identifier: MIT */
/* Rings by the caches, on whatever machine this is. */
#include "rings.h"
#include "unit.h"

TestSuite(rings, .timeout = 30);

enum { SLOT_BYTES = 64 };

static uint64_t bytes_of(enum ring ring)
{
	uint64_t slots = ring_slots(ring, -1);

	cr_assert(slots > 0 && (slots & (slots - 1)) == 0, "%" PRIu64, slots);
	return slots * SLOT_BYTES;
}

Test(rings, each_is_larger_than_the_one_before)
{
	cr_assert(bytes_of(RING_L1) < bytes_of(RING_L2), "L1 %" PRIu64, bytes_of(RING_L1));
	cr_assert(bytes_of(RING_L2) <= bytes_of(RING_LAST), "L2 %" PRIu64, bytes_of(RING_L2));
	cr_assert(bytes_of(RING_LAST) < bytes_of(RING_MEMORY), "last %" PRIu64,
		  bytes_of(RING_LAST));
}

Test(rings, it_fits_into_half_of_its_cache)
{
	long l1 = sysconf(_SC_LEVEL1_DCACHE_SIZE);

	if (l1 <= 0)
		cr_skip_test("not here: nobody tells how large a cache is");
	cr_assert(bytes_of(RING_L1) <= (uint64_t)l1 / 2, "of %ld", l1);
	cr_assert(bytes_of(RING_L1) > (uint64_t)l1 / 4, "of %ld", l1);
}

Test(rings, memory_has_an_end)
{
	cr_assert(bytes_of(RING_MEMORY) <= UINT64_C(256) << 20, "%" PRIu64, bytes_of(RING_MEMORY));
}
