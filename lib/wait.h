/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_WAIT_H
#define DSR_LIB_WAIT_H

#include <disruptor/atomic.h>
#include <disruptor/wait.h>

#include <sched.h>

/* Turns of spinning before a yield, and of yielding before a sleep. */
#define DSR_WAIT_SPINS  100
#define DSR_WAIT_YIELDS 100

bool dsr_wait_valid(enum dsr_wait wait);

/* What @wait comes down to where a thread that spins would keep the other from running. */
enum dsr_wait dsr_wait_on_one_cpu(enum dsr_wait wait);

void dsr_wait_sleep(void);

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t dsr_now(void);

/* When a timeout that begins now is over: now, if it is below zero; DSR_FOREVER stays. */
int64_t dsr_deadline(int64_t timeout);

/* Passes one turn; @turn counts them from 0 since the last event. */
static inline void dsr_wait_turn(enum dsr_wait wait, uint64_t turn)
{
	if (wait == DSR_WAIT_BUSY_SPIN)
		return;
	if (wait == DSR_WAIT_PAUSE || turn < DSR_WAIT_SPINS)
		dsr_relax();
	else if (wait == DSR_WAIT_YIELD || turn < DSR_WAIT_SPINS + DSR_WAIT_YIELDS)
		sched_yield();
	else
		dsr_wait_sleep();
}

#endif
