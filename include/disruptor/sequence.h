/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_SEQUENCE_H
#define DISRUPTOR_SEQUENCE_H

/**
 * Sequences number the events of a ring: 0, 1, 2 and on, or from wherever
 * dsr_first_sequence() put the start. They are int64_t so that a call can
 * return either a sequence or a negative errno in one register. At a thousand
 * million events a second they last 292 years; a claim beyond
 * DSR_SEQUENCE_MAX is -EOVERFLOW and nothing wraps.
 */

#include <disruptor/atomic.h>

DSR_BEGIN_DECLS

#define DSR_SEQUENCE_MAX (INT64_MAX - 2)

/*
 * Past everything, so that they hold nobody back: where a consumer stands that
 * has ended, and a worker of a claiming group that has nothing in hand.
 */
#define DSR_SEQUENCE_ENDED INT64_MAX
#define DSR_SEQUENCE_IDLE  (INT64_MAX - 1)

struct dsr_bells;

/**
 * struct dsr_park - where threads sleep until the word beside it changes
 * @waiters: how many; sleepers count themselves, whoever changes the word looks
 * @wakes:   counts the times that they were woken: the futex
 * @bells:   those that wait by file descriptor; constant
 *
 * lib/park.c tells how nobody sleeps through a change and how looking costs no
 * more than one load.
 */
struct dsr_park {
	int64_t waiters;
	int64_t wakes;
	struct dsr_bells *bells;
};

/**
 * struct dsr_sequence - how far one consumer has come
 * @value: the highest sequence it is done with; one less than the first
 *	   sequence before it has done any
 * @park:  who waits for it to come further
 *
 * Alone on its lines: its consumer writes @value once per batch; producers that
 * run out of room read it, and consumers that follow. Only who goes to sleep
 * over it writes @park.
 */
struct dsr_sequence {
	int64_t value;
	struct dsr_park park;
	char pad[DSR_CACHELINE - sizeof(int64_t) - sizeof(struct dsr_park)];
} DSR_ALIGNED(DSR_CACHELINE);

DSR_STATIC_ASSERT(sizeof(struct dsr_sequence) == DSR_CACHELINE, "one sequence, its own lines");
DSR_STATIC_ASSERT(offsetof(struct dsr_sequence, park) == 8, "inline code was compiled for it");

/* Behind the inline calls: wakes who sleeps there. Not for direct use. */
DSR_COLD void dsr_park_wake(struct dsr_park *park);

/* After the word was changed: is anybody to be woken? */
DSR_INLINE void dsr_park_notify(struct dsr_park *park)
{
	/*
	 * [WAKE<-PARK] The change before the look; relaxed, the light fence and the
	 * sleeper's membarrier(2) order it.
	 */
	dsr_light_fence();
	if (dsr_unlikely(dsr_load_relaxed(&park->waiters)))
		dsr_park_wake(park);
}

DSR_END_DECLS

#endif
