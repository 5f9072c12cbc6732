/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_WAIT_H
#define DISRUPTOR_WAIT_H

/**
 * How a thread passes the time until its turn comes. There are two policies,
 * and they are apart: how a handler waits for events (struct dsr_handler) and
 * how a producer waits for a free slot (dsr_producer_set_wait()).
 */

#include <disruptor/compiler.h>

/**
 * enum dsr_wait - wait strategies, from the fastest to the cheapest
 * @DSR_WAIT_DEFAULT:	handler pinned to a CPU: pause; any other handler: sleep;
 *			producer: yield
 * @DSR_WAIT_BUSY_SPIN:	look again at once. Burns its CPU; wants it for itself
 * @DSR_WAIT_PAUSE:	busy spin with the core's spin hint between two looks. Faster
 *			where it was measured (bench/README.md): looks under way when
 *			the line comes have to be undone. Leaves more to a sibling
 *			hyperthread, too
 * @DSR_WAIT_YIELD:	spin 100 turns with the hint, then sched_yield() every turn.
 *			Burns a CPU that nobody else wants
 * @DSR_WAIT_SLEEP:	spin 100 turns, yield 100, then sleep 50 us every turn.
 *			Burns next to nothing; wakes up to about 110 us late
 *
 * Where the process may use a single CPU only, whoever spins there keeps the
 * other side from running: busy spin and pause become yield, and
 * dsr_placement_read() says so.
 */
enum dsr_wait {
	DSR_WAIT_DEFAULT,
	DSR_WAIT_BUSY_SPIN,
	DSR_WAIT_PAUSE,
	DSR_WAIT_YIELD,
	DSR_WAIT_SLEEP,
};

/* Timeouts, in nanoseconds of CLOCK_MONOTONIC from the call on. What is below zero is over: DSR_NOW. */
#define DSR_NOW     INT64_C(0)
#define DSR_FOREVER INT64_MAX

#endif
