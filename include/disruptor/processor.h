/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_PROCESSOR_H
#define DISRUPTOR_PROCESSOR_H

/**
 * A processor is a thread of the library's that runs a handler of the user's:
 * named, pinned inside itself before it touches anything, waiting the way the
 * handler asks for. All signals are blocked in it, so that they reach the
 * program's own threads.
 */

#include <disruptor/batch.h>
#include <disruptor/wait.h>

DSR_BEGIN_DECLS

/**
 * enum dsr_result - what an event or batch handler returns
 * @DSR_CONTINUE: go on
 * @DSR_RELEASE:  go on, and give the slots up to here back to the producers
 *		  now, not only at the end of the batch
 * @DSR_STOP:	  this handler wants no more. It leaves the gate: producers do not
 *		  wait for it any longer, and what follows it does not either
 * @DSR_STOP_ALL: everybody is to stop, as by dsr_halt()
 * @DSR_RETRY:	  begin this batch again, from its first event or, if some were
 *		  released, from the first that was not. The batch may have
 *		  grown by then. dsr_handler.retry_pause and retry_most say how
 *		  soon and how often
 *
 * A negative errno instead means that the handler failed: dsr_handler.on_error
 * decides what comes of it. Any other value is -EINVAL, the same way.
 */
enum dsr_result {
	DSR_CONTINUE = 0,
	DSR_RELEASE = 1,
	DSR_STOP = 2,
	DSR_STOP_ALL = 3,
	DSR_RETRY = 4,
};

/*
 * Where to pin: to one CPU, or to all CPUs of a node. Numbers are the kernel's
 * and carry their kind, so that zero can mean "not at all".
 *
 * Or to a CPU that dsr_start() chooses (plan.h tells how, and shows what it would
 * be): by the whole graph; near the producer, behind the same last-level cache but
 * not on its core's other thread; or one of those that are kept clear for the like
 * (isolcpus), if there are any. If none is free it is not pinned.
 */
#define DSR_UNPINNED      0
#define DSR_CPU(n)        (0x10000000 | (n))
#define DSR_NODE(n)       (0x20000000 | (n))
#define DSR_AUTOMATIC     0x30000000
#define DSR_NEAR_PRODUCER 0x30000001
#define DSR_ISOLATED      0x30000002

/* Bytes of a handler's name, the kernel's limit for a thread; one more for the end. */
#define DSR_NAME_MAX 15

/**
 * dsr_event_fn - sees one event
 * @event:	  to read and to change; may be kept until @end_of_batch. A halt may
 *		  come before that: what was kept is still there in on_stop() then
 * @sequence:	  its number
 * @end_of_batch: nothing more in this batch: flush what was collected
 * @state:	  the handler's
 *
 * Return: enum dsr_result or a negative errno.
 */
typedef int (*dsr_event_fn)(void *event, int64_t sequence, bool end_of_batch, void *state);

/**
 * dsr_batch_fn - sees a run of events and loops over it itself, see batch.h
 *
 * Called with at least one event to take. Return: as dsr_event_fn.
 */
typedef int (*dsr_batch_fn)(struct dsr_batch *batch, void *state);

/**
 * dsr_error_fn - a handler has failed: what now?
 * @event:    the one that it failed at; of a batch handler, the last one it took.
 *	      If the handler has released it, it is not to be touched
 * @sequence: that event's
 * @error:    the negative errno it returned; -EAGAIN: it asked for DSR_RETRY too often
 * @state:    the handler's; of the builder's default, that one's
 *
 * Called on the handler's thread. What the handler kept of the batch up to @event
 * goes back when it goes on: flush it here. Return: DSR_CONTINUE: go on with the event
 * behind it; DSR_RETRY: begin the batch again, with retry_most
 * counted anew; DSR_STOP or DSR_STOP_ALL, and
 * on_stop() is told @error. A negative errno stops with that one instead.
 */
typedef int (*dsr_error_fn)(void *event, int64_t sequence, int error, void *state);

/* Two policies ready made: go on behind the event, and stop. */
int dsr_error_skip(void *event, int64_t sequence, int error, void *state);
int dsr_error_stop(void *event, int64_t sequence, int error, void *state);

/* The names for dsr_handler.after; in C, good until the end of the block. */
#define DSR_AFTER(...)   ((const char *const[]){__VA_ARGS__, NULL})
#define DSR_AFTER_NOBODY ((const char *const[]){NULL})

/**
 * struct dsr_handler - what a processor runs, and how
 * @on_event:  either this
 * @on_batch:  or this
 * @on_start:  NULL, or called once on the thread, pinned, before any event.
 *	       A negative errno fails dsr_start() or dsr_attach_handler() with it
 * @on_stop:   NULL, or called once on the thread, after the last event; not if
 *	       @on_start failed or was not called, but also if it was and then
 *	       the start, or the attaching, failed. @reason
 *	       is 0: drained; DSR_STOP or DSR_STOP_ALL: the handler's own wish;
 *	       -ECANCELED: halted, or detached; another negative errno: the
 *	       handler failed with it
 * @state:     handed to all of them; used by this one thread only
 * @name:      thread's and report's name, up to DSR_NAME_MAX bytes, no two
 *	       alike; copied. NULL: "processor-0" and so on, "proc-100000" from there
 * @pin:       DSR_CPU(n), DSR_NODE(n), DSR_AUTOMATIC, DSR_NEAR_PRODUCER, DSR_ISOLATED
 *	       or DSR_UNPINNED
 * @wait:      how to wait for events
 * @max_batch: most events of one batch, 1 to the ring's capacity; 0: no limit
 *	       but the capacity. Slots go back batch by batch, so a small value
 *	       lets waiting producers go on sooner and costs a store a batch
 * @tuning:    parameters of @wait
 * @after:     names of handlers, pollers and worker groups, a NULL behind them: it
 *	       sees each event when these are done with it, and sees what they
 *	       changed in it. In the builder they may come later. NULL: it follows
 *	       the builder's stage (dsr_then()); DSR_AFTER_NOBODY: just that
 * @on_batch_start: NULL, or called before each batch, and before each retry of one:
 *	       it will have @size events, of the @depth that are there for it now.
 *	       Costs a look at each event's stamp
 * @on_idle:   NULL, or called when there was nothing to do for @idle_after
 *	       nanoseconds, and again after each such time: @sequence is what the
 *	       handler is done with. Answers as an event handler does, but that
 *	       DSR_RELEASE and DSR_RETRY are as DSR_CONTINUE, and a negative errno
 *	       stops the handler: on_error is about events
 * @idle_after: nanoseconds, above 0 if there is an @on_idle
 * @on_error:  NULL: the builder's default (dsr_default_on_error()), which is to stop
 * @retry_pause: nanoseconds before a batch is begun again
 * @retry_most: so many retries of a batch in a row; one more is an error, -EAGAIN.
 *	       0: no limit
 * @fifo:      0, or the priority, 1 to 99, with which the thread runs under SCHED_FIFO.
 *	       The kernel may refuse (-EPERM: RLIMIT_RTPRIO, CAP_SYS_NICE), and then
 *	       dsr_start() fails. One that spins has its CPU to itself then: whatever
 *	       else runs there, the kernel's own threads included, waits
 *
 * A zero means the default everywhere: clear what you do not set. All of them
 * return: no exception, longjmp(3), pthread_exit(3) or cancellation passes through
 * the library.
 */
struct dsr_handler {
	dsr_event_fn on_event;
	dsr_batch_fn on_batch;
	int (*on_start)(void *state);
	void (*on_stop)(void *state, int reason);
	void *state;
	const char *name;
	int pin;
	enum dsr_wait wait;
	uint32_t max_batch;
	struct dsr_wait_tuning tuning;
	const char *const *after;
	void (*on_batch_start)(int64_t size, int64_t depth, void *state);
	int (*on_idle)(int64_t sequence, void *state);
	int64_t idle_after;
	dsr_error_fn on_error;
	int64_t retry_pause;
	uint32_t retry_most;
	uint32_t fifo;
};

DSR_END_DECLS

#endif
