/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_DISRUPTOR_H
#define DISRUPTOR_DISRUPTOR_H

/**
 * Hands events from thread to thread, with the lowest latency there is: a ring
 * of preallocated slots, producers that fill them in place, consumers that each
 * see every event. The pattern is the LMAX Disruptor's (Thompson, Farley,
 * Barker, Gee, Stewart, 2011). This header brings the whole library.
 *
 *	builder.h    what it is to be        producer.h   claim, publish, abort
 *	processor.h  handlers and threads    batch.h      loop over a run of events
 *	poller.h     without a thread        workers.h    several share the work
 *	consumer.h   they come and go        wait.h       and how they wait
 *	snapshot.h   how it all goes         placement.h  where it all is
 *	topology.h   the machine             plan.h       who goes where, and why
 *	event.h      the same calls, typed
 *
 * Life: dsr_build_*() ... dsr_start(), dsr_producer(), dsr_claim() and
 * dsr_publish() for as long as you like, dsr_shutdown(), dsr_destroy().
 */

#include <disruptor/atomic.h>
#include <disruptor/batch.h>
#include <disruptor/builder.h>
#include <disruptor/compiler.h>
#include <disruptor/consumer.h>
#include <disruptor/error.h>
#include <disruptor/event.h>
#include <disruptor/placement.h>
#include <disruptor/plan.h>
#include <disruptor/poller.h>
#include <disruptor/processor.h>
#include <disruptor/producer.h>
#include <disruptor/sequence.h>
#include <disruptor/slot.h>
#include <disruptor/snapshot.h>
#include <disruptor/topology.h>
#include <disruptor/version.h>
#include <disruptor/wait.h>
#include <disruptor/workers.h>

DSR_BEGIN_DECLS

/**
 * dsr_close() - no more claims, and the handlers stop when all is drained
 *
 * The beginning of dsr_shutdown(), for who must not wait. From here no claim
 * succeeds, and producers that wait in one return -ECANCELED. dsr_shutdown()
 * then joins.
 *
 * Threads: any, a handler's too. Return: 0; -EALREADY: is shut down; -EINVAL.
 */
int dsr_close(struct dsr_disruptor *d);

/**
 * dsr_shutdown() - close, drain, stop, join
 * @timeout: nanoseconds for all of it, DSR_FOREVER, or DSR_NOW: begin, and look
 *
 * Closes the ring as dsr_close(). Every event whose claim succeeded before is
 * still published by its producer and handled; then the handlers' on_stop() runs
 * and the threads are joined. What is left answers -ECANCELED to producers that
 * come late, until dsr_destroy().
 *
 * It does not wait for pollers, which may be the caller's own: they can be
 * polled until they are drained. But a handler that follows one is waited for,
 * so somebody has to poll that one meanwhile.
 *
 * Two things it does not see, and would wait for: that the caller itself is who
 * polls a poller that a handler follows, and that the caller has a claim open,
 * which the handlers wait for. Publish or abort first, and poll until it is
 * drained between calls with a timeout.
 *
 * Threads: any but a handler's own. Return: 0; -ETIMEDOUT: going on, call again;
 * -EALREADY: is shut down; -EDEADLK: called by a handler, which would wait for
 * itself (dsr_close() and dsr_halt() do not wait); -EINVAL.
 */
int dsr_shutdown(struct dsr_disruptor *d, int64_t timeout);

/**
 * dsr_halt() - have every handler stop after its current event, or batch
 *
 * Does not wait, and does not drain: dsr_shutdown() then joins. Claims are
 * closed as there, and dsr_poll() returns -ECANCELED.
 *
 * Threads: any, a handler's too. Return: 0; -EALREADY: is shut down; -EINVAL.
 */
int dsr_halt(struct dsr_disruptor *d);

/**
 * dsr_destroy() - free what is left: events, memory, handles, pollers, builder
 *
 * No thread may use a handle, a poller or an event of it any more, or be in any
 * other call about it.
 *
 * Threads: any. Return: 0, also for NULL; -EBUSY if it is not shut down.
 */
int dsr_destroy(struct dsr_disruptor *d);

/** dsr_capacity() - how many slots the ring has; 0 for NULL. Threads: any. */
uint64_t dsr_capacity(const struct dsr_disruptor *d);

/** dsr_version() - the version of the library that runs, "1.2.3". Threads: any. */
const char *dsr_version(void);

DSR_END_DECLS

#endif
