/* SPDX-License-Identifier: MIT */
#ifndef TEST_UNIT_CONFORMANCE_H
#define TEST_UNIT_CONFORMANCE_H

/**
 * What the tests of all kinds of consumers share: the ways to wait, threads
 * that are known to sleep, and rings that are filled to the brim.
 */

#include <inttypes.h>
#include <time.h>

#include "unit.h"

/* X(name, strategy) for each; custom ones need a turn, see custom_turn(). */
#define EACH_WAIT(X)                     \
	X(default, DSR_WAIT_DEFAULT)     \
	X(busy_spin, DSR_WAIT_BUSY_SPIN) \
	X(pause, DSR_WAIT_PAUSE)         \
	X(yield, DSR_WAIT_YIELD)         \
	X(sleep, DSR_WAIT_SLEEP)         \
	X(park, DSR_WAIT_PARK)           \
	X(phased, DSR_WAIT_PHASED)       \
	X(monitor, DSR_WAIT_MONITOR)     \
	X(custom, DSR_WAIT_CUSTOM)

static inline void custom_turn(uint64_t number, void *context)
{
	(void)number;
	(void)context;
	sched_yield();
}

/* The defaults of @wait, as far as there are any. */
static inline struct dsr_wait_tuning tuning_of(enum dsr_wait wait)
{
	return (struct dsr_wait_tuning){.turn = wait == DSR_WAIT_CUSTOM ? custom_turn : NULL};
}

/* Does it burn its CPU until its turn comes? */
static inline bool is_spinning(enum dsr_wait wait)
{
	return wait == DSR_WAIT_BUSY_SPIN || wait == DSR_WAIT_PAUSE || wait == DSR_WAIT_MONITOR;
}

/* Texts are compared where a list of numbers would be hard to read in a message. */
#define expect_text(got, wanted) expect_text_at(got, wanted, __LINE__)

static inline void expect_text_at(const char *got, const char *wanted, int line)
{
	cr_assert(strcmp(got, wanted) == 0, "line %d: \"%s\", not \"%s\"", line, got, wanted);
}

static inline int tid_of(struct dsr_disruptor *d, uint32_t index)
{
	struct dsr_thread_placement thread;

	expect(dsr_placement_thread(d, index, &thread), 0);
	return thread.tid;
}

/*
 * Until the thread has ended, or sleeps and goes on sleeping: several looks in a
 * row find it asleep, and it has not run in between.
 */
static inline void await_asleep(int tid)
{
	uint64_t before = UINT64_MAX;

	for (int same = 0; same < 3; sched_yield()) {
		char state[32];
		uint64_t now = naps_of(tid);

		if (!read_status(tid, "State", state, sizeof(state)))
			return;
		same = state[0] == 'S' && now == before ? same + 1 : 0;
		before = now;
	}
}

/*
 * Until all threads sleep: held by a test, or parked with nothing to do. Twice,
 * for one that was looked at early may have been woken by one that still ran.
 */
static inline void await_all_asleep(struct dsr_disruptor *d)
{
	struct dsr_placement report;

	expect(dsr_placement_read(d, &report), 0);
	for (uint32_t i = 0; i < 2 * report.threads; i++) {
		int tid = tid_of(d, i % report.threads);

		if (tid)
			await_asleep(tid);
	}
}

/* Puts events until there is no room. How many went in. */
static inline uint32_t put_until_full(struct dsr_producer *p)
{
	uint32_t count = 0;
	int64_t first;

	while ((first = dsr_claim_n(p, 1, DSR_NOW)) >= 0) {
		fill(p, first, 1);
		expect(dsr_publish(p), 1);
		/* A ring that nobody holds would go on for ever. */
		cr_assert(++count <= 10000, "the ring is never full");
	}
	expect(first, -EAGAIN);
	return count;
}

/* For lower bounds only: how long a thing takes at most is nobody's to say. */
static inline int64_t clock_now(void)
{
	struct timespec now;

	cr_assert(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

#endif
