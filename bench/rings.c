/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include <disruptor/topology.h>

#include "rings.h"

enum { SLOT_BYTES = 64 };

/* What most machines have at least, where nobody tells. */
#define L1_BYTES   (UINT64_C(32) << 10)
#define L2_BYTES   (UINT64_C(512) << 10)
#define LAST_BYTES (UINT64_C(8) << 20)
/* More is not more out of the caches, and takes long to fill. */
#define MOST_BYTES (UINT64_C(256) << 20)

static uint64_t told(int name, uint64_t otherwise)
{
	long bytes = sysconf(name);

	return bytes > 0 ? (uint64_t)bytes : otherwise;
}

/* From the kernel: the C library may add up those of all groups of cores. */
static uint64_t last_bytes(int cpu)
{
	struct dsr_topology *t;
	struct dsr_cpu_info info;
	uint64_t bytes = 0;
	uint32_t i;

	if (dsr_topology_read(NULL, &t) < 0)
		return LAST_BYTES;
	for (i = 0; i < dsr_topology_cpus(t) && !bytes; i++)
		if (dsr_topology_cpu(t, i, &info) == 0 && (cpu < 0 || info.id == cpu))
			bytes = info.cache_bytes;
	dsr_topology_free(t);
	return bytes ? bytes : LAST_BYTES;
}

static uint64_t ring_bytes(enum ring ring, int cpu)
{
	switch (ring) {
	case RING_L1:
		return told(_SC_LEVEL1_DCACHE_SIZE, L1_BYTES) / 2;
	case RING_L2:
		return told(_SC_LEVEL2_CACHE_SIZE, L2_BYTES) / 2;
	case RING_LAST:
		return last_bytes(cpu) / 2;
	default:
		return last_bytes(cpu) * 4;
	}
}

uint32_t ring_slots(enum ring ring, int cpu)
{
	uint64_t bytes = ring_bytes(ring, cpu), slots = 1;

	if (bytes > MOST_BYTES)
		bytes = MOST_BYTES;
	while (slots * 2 * SLOT_BYTES <= bytes)
		slots *= 2;
	return (uint32_t)slots;
}
