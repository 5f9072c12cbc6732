/* SPDX-License-Identifier: MIT */
/*
 * The checker checked: small programs whose outcomes under C11 are known. Each has
 * to have exactly these, no more and no less. An outcome is what two loads saw,
 * "10" for 1 and 0; the loads of a test are written in order.
 *
 * These are compiled as the library is, so the whole way from a call of atomic.h
 * to the model is in it.
 */
#include <stdio.h>
#include <string.h>

#include <disruptor/atomic.h>

#include "checker.h"

enum { OUTCOMES_MAX = 32 };

static int64_t x, y, z;
static int plain;
static int64_t seen[4];

static char outcomes[OUTCOMES_MAX][8];
static int outcome_count;

/* The calls of atomic.h do without these. */
static void fence_acquire(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static void fence_release(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void record(int loads)
{
	char text[8] = "";

	for (int i = 0; i < loads; i++)
		text[i] = (char)('0' + seen[i]);
	for (int i = 0; i < outcome_count; i++)
		if (strcmp(outcomes[i], text) == 0)
			return;
	strcpy(outcomes[outcome_count++], text);
}

#define BODY(name) static void name(void *unused)
#define UNUSED     (void)unused

/* Store buffering. */
BODY(sb_a)
{
	UNUSED;
	dsr_store_relaxed(&x, 1);
	seen[0] = dsr_load_relaxed(&y);
}

BODY(sb_b)
{
	UNUSED;
	dsr_store_relaxed(&y, 1);
	seen[1] = dsr_load_relaxed(&x);
}

BODY(sb_fence_a)
{
	UNUSED;
	dsr_store_relaxed(&x, 1);
	dsr_full_fence();
	seen[0] = dsr_load_relaxed(&y);
}

BODY(sb_fence_b)
{
	UNUSED;
	dsr_store_relaxed(&y, 1);
	dsr_full_fence();
	seen[1] = dsr_load_relaxed(&x);
}

BODY(sb_barrier_b)
{
	UNUSED;
	dsr_store_relaxed(&y, 1);
	memory_barrier(NULL);
	seen[1] = dsr_load_relaxed(&x);
}

BODY(sb_light_a)
{
	UNUSED;
	dsr_store_relaxed(&x, 1);
	dsr_light_fence();
	seen[0] = dsr_load_relaxed(&y);
}

/* Acquire and release do not order a store before a load. */
BODY(sb_acq_rel_a)
{
	UNUSED;
	dsr_store_release(&x, 1);
	seen[0] = dsr_load_acquire(&y);
}

BODY(sb_acq_rel_b)
{
	UNUSED;
	dsr_store_release(&y, 1);
	seen[1] = dsr_load_acquire(&x);
}

/* Message passing. */
BODY(mp_write)
{
	UNUSED;
	dsr_store_relaxed(&x, 1);
	dsr_store_relaxed(&y, 1);
}

BODY(mp_write_release)
{
	UNUSED;
	dsr_store_relaxed(&x, 1);
	dsr_store_release(&y, 1);
}

BODY(mp_write_fence)
{
	UNUSED;
	dsr_store_relaxed(&x, 1);
	fence_release();
	dsr_store_relaxed(&y, 1);
}

BODY(mp_read)
{
	UNUSED;
	seen[0] = dsr_load_relaxed(&y);
	seen[1] = dsr_load_relaxed(&x);
}

BODY(mp_read_acquire)
{
	UNUSED;
	seen[0] = dsr_load_acquire(&y);
	seen[1] = dsr_load_relaxed(&x);
}

BODY(mp_read_fence)
{
	UNUSED;
	seen[0] = dsr_load_relaxed(&y);
	fence_acquire();
	seen[1] = dsr_load_relaxed(&x);
}

/* Coherence: who reads one word twice never sees it go back. */
BODY(co_write)
{
	UNUSED;
	dsr_store_relaxed(&x, 1);
	dsr_store_relaxed(&x, 2);
}

BODY(co_read)
{
	UNUSED;
	seen[0] = dsr_load_relaxed(&x);
	seen[1] = dsr_load_relaxed(&x);
}

/* Independent reads of independent writes. */
BODY(iriw_x)
{
	UNUSED;
	dsr_store_release(&x, 1);
}

BODY(iriw_y)
{
	UNUSED;
	dsr_store_release(&y, 1);
}

BODY(iriw_a)
{
	UNUSED;
	seen[0] = dsr_load_acquire(&x);
	seen[1] = dsr_load_acquire(&y);
}

BODY(iriw_b)
{
	UNUSED;
	seen[2] = dsr_load_acquire(&y);
	seen[3] = dsr_load_acquire(&x);
}

BODY(iriw_fence_a)
{
	UNUSED;
	seen[0] = dsr_load_acquire(&x);
	dsr_full_fence();
	seen[1] = dsr_load_acquire(&y);
}

BODY(iriw_fence_b)
{
	UNUSED;
	seen[2] = dsr_load_acquire(&y);
	dsr_full_fence();
	seen[3] = dsr_load_acquire(&x);
}

/* Read-modify-writes: both count, and none sees the other's place. */
BODY(rmw_a)
{
	UNUSED;
	seen[0] = dsr_fetch_add(&x, 1);
}

BODY(rmw_b)
{
	UNUSED;
	seen[1] = dsr_fetch_add(&x, 1);
}

BODY(cas_a)
{
	UNUSED;
	seen[0] = dsr_compare_exchange(&x, 0, 1);
}

BODY(cas_b)
{
	UNUSED;
	seen[1] = dsr_compare_exchange(&x, 0, 2);
}

/* Two words, written before a third is: release sequences. */
BODY(rs_write)
{
	UNUSED;
	dsr_store_relaxed(&x, 1);
	dsr_store_release(&y, 1);
}

BODY(rs_write_on)
{
	UNUSED;
	dsr_store_relaxed(&x, 1);
	dsr_store_release(&y, 1);
	dsr_store_relaxed(&y, 2);
}

BODY(rs_modify)
{
	UNUSED;
	seen[0] = dsr_fetch_add(&y, 2);
}

BODY(rs_read)
{
	UNUSED;
	seen[1] = dsr_load_acquire(&y);
	seen[2] = dsr_load_relaxed(&x);
}

/* What is known by one word is known by the next. */
BODY(wrc_pass)
{
	UNUSED;
	seen[0] = dsr_load_acquire(&x);
	dsr_store_release(&y, 1);
}

BODY(wrc_read)
{
	UNUSED;
	seen[1] = dsr_load_acquire(&y);
	seen[2] = dsr_load_relaxed(&x);
}

BODY(wrc_write)
{
	UNUSED;
	dsr_store_relaxed(&x, 1);
}

/* Plain data behind a flag: a race, or none. */
BODY(plain_write)
{
	UNUSED;
	plain = 1;
	dsr_store_relaxed(&x, 1);
}

BODY(plain_write_release)
{
	UNUSED;
	plain = 1;
	dsr_store_release(&x, 1);
}

BODY(plain_read)
{
	UNUSED;
	seen[0] = dsr_load_relaxed(&x) && plain;
}

BODY(plain_read_acquire)
{
	UNUSED;
	seen[0] = dsr_load_acquire(&x) && plain;
}

/* Fences order what is atomic; a race stays a race. */
BODY(plain_fence_a)
{
	UNUSED;
	plain = 1;
	dsr_full_fence();
	seen[0] = dsr_load_relaxed(&x);
}

BODY(plain_fence_b)
{
	UNUSED;
	dsr_store_relaxed(&x, 1);
	dsr_full_fence();
	seen[1] = plain;
}

BODY(wait_for_x)
{
	UNUSED;
	while (!dsr_load_relaxed(&x))
		model_await();
	seen[0] = 1;
}

BODY(write_x)
{
	UNUSED;
	dsr_store_relaxed(&x, 1);
}

BODY(write_z)
{
	UNUSED;
	dsr_store_relaxed(&z, 1);
}

#define FAILS "!"

static const struct litmus {
	const char *name;
	void (*bodies[4])(void *);
	int loads;
	const char *wanted; /* in any order; FAILS: the checker has to complain */
} tests[] = {
	{"store buffering", {sb_a, sb_b}, 2, "00 01 10 11"},
	{"store buffering, fences", {sb_fence_a, sb_fence_b}, 2, "01 10 11"},
	{"store buffering, one fence", {sb_fence_a, sb_b}, 2, "00 01 10 11"},
	{"store buffering, membarrier", {sb_light_a, sb_barrier_b}, 2, "01 10 11"},
	{"store buffering, light and full fence", {sb_light_a, sb_fence_b}, 2, "00 01 10 11"},
	{"store buffering, acquire and release", {sb_acq_rel_a, sb_acq_rel_b}, 2, "00 01 10 11"},
	{"message passing", {mp_write, mp_read}, 2, "00 01 10 11"},
	{"message passing, release", {mp_write_release, mp_read}, 2, "00 01 10 11"},
	{"message passing, acquire", {mp_write, mp_read_acquire}, 2, "00 01 10 11"},
	{"message passing, both", {mp_write_release, mp_read_acquire}, 2, "00 01 11"},
	{"message passing, fences", {mp_write_fence, mp_read_fence}, 2, "00 01 11"},
	{"message passing, fence to acquire", {mp_write_fence, mp_read_acquire}, 2, "00 01 11"},
	{"message passing, release to fence", {mp_write_release, mp_read_fence}, 2, "00 01 11"},
	{"message passing, one fence", {mp_write, mp_read_fence}, 2, "00 01 10 11"},
	{"coherence", {co_write, co_read}, 2, "00 01 02 11 12 22"},
	{"independent reads",
	 {iriw_x, iriw_y, iriw_a, iriw_b},
	 4,
	 "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1010 1011 1100 1101 1110 1111"},
	{"independent reads, fences",
	 {iriw_x, iriw_y, iriw_fence_a, iriw_fence_b},
	 4,
	 "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 1111"},
	{"fetch and add", {rmw_a, rmw_b}, 2, "01 10"},
	{"compare and swap", {cas_a, cas_b}, 2, "01 20"},
	{"release sequence",
	 {rs_write, rs_modify, rs_read},
	 3,
	 "000 001 011 020 021 100 101 111 131"},
	{"no release sequence", {rs_write_on, rs_read}, 3, "000 001 011 020 021"},
	{"write to read causality",
	 {wrc_write, wrc_pass, wrc_read},
	 3,
	 "000 001 010 011 100 101 111"},
	{"plain data", {plain_write, plain_read_acquire}, 1, FAILS},
	{"plain data, no acquire", {plain_write_release, plain_read}, 1, FAILS},
	{"plain data, both", {plain_write_release, plain_read_acquire}, 1, "0 1"},
	{"plain data, fences", {plain_fence_a, plain_fence_b}, 2, FAILS},
	{"a wait that ends", {wait_for_x, write_x}, 1, "1"},
	{"a wait without end", {wait_for_x, write_z}, 1, FAILS},
};

static const struct litmus *current;

static void run(void)
{
	int threads[4], count = 0;

	x = y = z = 0;
	plain = 0;
	memset(seen, 0, sizeof(seen));
	for (; count < 4 && current->bodies[count]; count++)
		threads[count] = model_thread((const char *[]){"a", "b", "c", "d"}[count],
					      current->bodies[count], NULL);
	model_go();
	for (int i = 0; i < count; i++)
		model_join(threads[i]);
	model_end();
	record(current->loads);
}

static bool is_as_wanted(const struct search_result *result)
{
	int wanted = 0;

	if (strcmp(current->wanted, FAILS) == 0)
		return result->failed;
	for (const char *at = current->wanted; at; at = strchr(at + 1, ' '))
		wanted++;
	for (int i = 0; i < outcome_count; i++)
		if (!strstr(current->wanted, outcomes[i]))
			return false;
	return !result->failed && result->complete && outcome_count == wanted;
}

static const struct search_bounds all = {.delays = -1, .stale = -1};
/* So wide that it has to find the same. Without sleep sets, so not for four threads. */
static const struct search_bounds bounded = {.delays = 4, .stale = 4};

static bool test(const struct litmus *litmus, const struct search_bounds *bounds)
{
	struct search_result result;
	bool good;

	current = litmus;
	outcome_count = 0;
	trace_silence(strcmp(litmus->wanted, FAILS) == 0);
	result = search_run(run, bounds);
	trace_silence(false);
	good = is_as_wanted(&result);
	if (good)
		return true;
	printf("# wanted: %s\n# found:", litmus->wanted);
	for (int i = 0; i < outcome_count; i++)
		printf(" %s", outcomes[i]);
	printf("%s\n", result.failed ? " a failure" : "");
	return false;
}

int model_litmus(void)
{
	int count = sizeof(tests) / sizeof(tests[0]), bad = 0;

	for (int i = 0; i < count; i++) {
		bool good =
			test(&tests[i], &all) && (tests[i].bodies[3] || test(&tests[i], &bounded));

		printf("%sok %d - litmus: %s\n", good ? "" : "not ", i + 1, tests[i].name);
		bad += !good;
	}
	printf("1..%d\n", count);
	return bad;
}
