/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_WAIT_H
#define DSR_LIB_WAIT_H

#include <time.h>

#include <disruptor/sequence.h>
#include <disruptor/snapshot.h>
#include <disruptor/wait.h>

/**
 * struct dsr_target - what is waited for
 * @word:  the word that has to change
 * @stale: what it was at the last look
 * @park:  where its change is told
 */
struct dsr_target {
	const int64_t *word;
	int64_t stale;
	struct dsr_park *park;
};

/* Indexes of dsr_waiter.counts, the order of struct dsr_waits. */
enum { DSR_COUNT_WAITS, DSR_COUNT_YIELDS, DSR_COUNT_NAPS, DSR_COUNT_PARKS, DSR_COUNTS };

/**
 * struct dsr_waiter - one thread's strategy, and where it is in it
 *
 * The thread's own, but for @state and @counts, which observers read.
 */
struct dsr_waiter {
	enum dsr_wait how;
	struct dsr_wait_tuning tuning; /* no defaults left in it */
	uint64_t turn;                 /* since the last time that there was something to do */
	struct dsr_park *park;         /* counted as a sleeper there; NULL: nowhere */
	int64_t ticket;
	int64_t state; /* enum dsr_consumer_state */
	int64_t counts[DSR_COUNTS];
};

/* Does the strategy exist, and is its tuning one? */
bool dsr_wait_valid(enum dsr_wait wait, const struct dsr_wait_tuning *tuning);

/* Does it keep a CPU to itself? */
bool dsr_wait_spins(enum dsr_wait wait);

/* What it is to do from now on; not within a wait. A cleared one is ready for it. */
void dsr_waiter_set(struct dsr_waiter *w, enum dsr_wait how, const struct dsr_wait_tuning *tuning);

/* Passes one turn, until @deadline at the most; the caller then looks again. */
void dsr_waiter_turn(struct dsr_waiter *w, const struct dsr_target *target, int64_t deadline);

/* It is counted as a sleeper, and is none any more. */
void dsr_waiter_leave(struct dsr_waiter *w);

/*
 * There was something to do, or it is over: after any number of turns, none
 * included. Here, for it lies between an event's coming and its handler.
 */
static inline void dsr_waiter_end(struct dsr_waiter *w)
{
	if (dsr_unlikely(w->park != NULL))
		dsr_waiter_leave(w);
	if (w->turn)
		/* Relaxed: for observers. */
		dsr_store_relaxed(&w->state, DSR_STATE_RUNNING);
	w->turn = 0;
}

static inline void dsr_count(int64_t *counter)
{
	/* Relaxed: it has one writer, and is read by observers who may be a moment late. */
	dsr_store_relaxed(counter, dsr_load_relaxed(counter) + 1);
}

void dsr_waiter_read(const struct dsr_waiter *w, struct dsr_waits *out);

/* Passes the @turn-th turn of waiting for something that is about to happen. */
void dsr_pass_time(uint64_t turn);

/* Until @deadline. */
void dsr_sleep_until(int64_t deadline);

/* As the system's calls want it. */
static inline struct timespec dsr_timespec(int64_t nanoseconds)
{
	return (struct timespec){
		.tv_sec = (time_t)(nanoseconds / INT64_C(1000000000)),
		.tv_nsec = (long)(nanoseconds % INT64_C(1000000000)),
	};
}

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t dsr_now(void);

/* When a timeout that begins now is over: now, if it is below zero; DSR_FOREVER stays. */
int64_t dsr_deadline(int64_t timeout);

#endif
