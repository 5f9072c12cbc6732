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
 *		  wait for it any longer
 *
 * A negative errno instead means that the handler failed. It stops like
 * DSR_STOP, and on_stop() is told the errno. Any other value is -EINVAL, the
 * same way.
 */
enum dsr_result {
	DSR_CONTINUE = 0,
	DSR_RELEASE = 1,
	DSR_STOP = 2,
};

/*
 * Where to pin: to one CPU, or to all CPUs of a node. Numbers are the kernel's
 * and carry their kind, so that zero can mean "not at all".
 */
#define DSR_UNPINNED 0
#define DSR_CPU(n)   (0x10000000 | (n))
#define DSR_NODE(n)  (0x20000000 | (n))

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
 * struct dsr_handler - what a processor runs, and how
 * @on_event:  either this
 * @on_batch:  or this
 * @on_start:  NULL, or called once on the thread, pinned, before any event.
 *	       A negative errno fails dsr_start() with it
 * @on_stop:   NULL, or called once on the thread, after the last event. @reason
 *	       is 0: drained; DSR_STOP: the handler's own wish; -ECANCELED: halted;
 *	       another negative errno: the handler failed with it
 * @state:     handed to all four; used by this one thread only
 * @name:      thread's and report's name, up to DSR_NAME_MAX bytes, no two
 *	       alike; copied. NULL: "processor-0" and so on
 * @pin:       DSR_CPU(n), DSR_NODE(n) or DSR_UNPINNED
 * @wait:      how to wait for events
 * @max_batch: most events of one batch, 1 to the ring's capacity; 0: no limit
 *	       but the capacity. Slots go back batch by batch, so a small value
 *	       lets waiting producers go on sooner and costs a store a batch
 *
 * A zero means the default everywhere: clear what you do not set.
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
};

DSR_END_DECLS

#endif
