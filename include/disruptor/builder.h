/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_BUILDER_H
#define DISRUPTOR_BUILDER_H

/**
 * A builder collects what a disruptor is to be. Mistakes stick: the first one
 * is kept, later calls change nothing, and dsr_start() returns it, so no call
 * before needs a check. dsr_builder_message() tells it in a sentence that names
 * the handler or the value.
 *
 * A builder that could not be allocated is NULL; every call takes that and
 * answers -ENOMEM. One that has become a disruptor answers -EALREADY.
 *
 * Threads: one at a time.
 */

#include <disruptor/placement.h>
#include <disruptor/poller.h>
#include <disruptor/processor.h>
#include <disruptor/workers.h>

DSR_BEGIN_DECLS

struct dsr_builder;
struct dsr_disruptor;

/* The most slots of a ring. */
#define DSR_CAPACITY_MAX (UINT64_C(1) << 31)

/* The strictest alignment of an event: a cache line. */
#define DSR_ALIGNMENT_MAX 64

struct dsr_builder *dsr_builder_create(int abi, bool many, uint64_t capacity, size_t event_size);
int dsr_handle_events_sized(struct dsr_builder *b, const struct dsr_handler *handler, size_t size);
int dsr_handle_with_workers_sized(struct dsr_builder *b, const struct dsr_workers *workers,
				  size_t size, size_t handler_size);
int dsr_add_poller_sized(struct dsr_builder *b, const struct dsr_poller_options *options,
			 size_t size);

/**
 * dsr_build_single_producer() - begin a disruptor that one thread publishes to
 * @capacity:	slots, a power of two, at most DSR_CAPACITY_MAX
 * @event_size: bytes of an event, at least 1
 *
 * Return: a builder, which becomes the disruptor's once that has started and
 * ends with dsr_destroy(); before, or after a failed start, it ends with
 * dsr_builder_destroy(). NULL: no memory.
 */
DSR_INLINE struct dsr_builder *dsr_build_single_producer(uint64_t capacity, size_t event_size)
{
	return dsr_builder_create(DSR_ABI, false, capacity, event_size);
}

/** dsr_build_multi_producer() - begin a disruptor that any number of threads publish to */
DSR_INLINE struct dsr_builder *dsr_build_multi_producer(uint64_t capacity, size_t event_size)
{
	return dsr_builder_create(DSR_ABI, true, capacity, event_size);
}

/**
 * dsr_event_alignment() - events begin at multiples of so many bytes
 * @alignment: a power of two, at most DSR_ALIGNMENT_MAX. Default: 8
 *
 * DSR_EVENT() asks for the type's own. Return: 0, or the builder's error.
 */
int dsr_event_alignment(struct dsr_builder *b, size_t alignment);

/**
 * dsr_event_lifecycle() - prepare each event once, and clear it away once
 * @init:    NULL, or called once per slot in order, index 0 first, on the thread
 *	     that calls dsr_start(), on memory that is already placed and all
 *	     zero. A negative errno fails dsr_start() with it
 * @fini:    NULL, or called once per slot that was prepared, by dsr_destroy()
 *	     or by the dsr_start() that failed
 * @context: handed to both
 *
 * Return: 0, or the builder's error.
 */
int dsr_event_lifecycle(struct dsr_builder *b,
			int (*init)(void *event, uint64_t index, void *context),
			void (*fini)(void *event, uint64_t index, void *context), void *context);

/**
 * dsr_first_sequence() - begin counting here instead of at 0
 * @first: 0 to DSR_SEQUENCE_MAX: where a journal ended that goes on, say
 *
 * Return: 0, or the builder's error.
 */
int dsr_first_sequence(struct dsr_builder *b, int64_t first);

/**
 * dsr_place_slots() - which node the events lie on, and how badly
 * @where: DSR_CONSUMER_NODE, DSR_NODE(n), DSR_PRODUCER_NODE, DSR_MIDDLE_NODE,
 *	   DSR_INTERLEAVED or DSR_ANYWHERE (placement.h)
 * @how:   DSR_PREFER or DSR_REQUIRE
 *
 * Without further calls the consumers' sequences go with the slots (with interleaved
 * ones: to the consumer's node, if that can be had), each producer's line to the node of
 * the thread that got its handle; a single producer's to where dsr_producer_at() says.
 * Interleaved memory
 * lies over all nodes that the process may use; required, each page is on one of them.
 *
 * Return: 0, or the builder's error.
 */
int dsr_place_slots(struct dsr_builder *b, int where, enum dsr_strictness how);

/** dsr_place_sequences() - the same for the consumers' sequences; not DSR_INTERLEAVED */
int dsr_place_sequences(struct dsr_builder *b, int where, enum dsr_strictness how);

/** dsr_place_producers() - and for producers' lines; required, dsr_producer() is NULL without */
int dsr_place_producers(struct dsr_builder *b, int where, enum dsr_strictness how);

/**
 * dsr_place_pages() - which pages the slots are made of
 * @how: DSR_PREFER or DSR_REQUIRE
 *
 * Return: 0, or the builder's error.
 */
int dsr_place_pages(struct dsr_builder *b, enum dsr_pages pages, enum dsr_strictness how);

/**
 * dsr_place_locked() - keep slots and sequences in memory, come what may (mlock(2))
 * @how: DSR_PREFER or DSR_REQUIRE: the limit on locked memory may be in the way
 *
 * Return: 0, or the builder's error.
 */
int dsr_place_locked(struct dsr_builder *b, enum dsr_strictness how);

/**
 * dsr_producer_at() - where the producer's thread is, or will be
 * @pin: DSR_CPU(n), DSR_NODE(n), or DSR_UNPINNED: nobody knows
 *
 * The thread is the program's, and the library does not pin it. It keeps others off
 * that CPU, and handlers near it that are to be near (DSR_NEAR_PRODUCER). Without
 * this call the producer is taken to be where the caller of dsr_start() is, if that
 * one is pinned to a CPU, or to a node's.
 *
 * Return: 0, or the builder's error.
 */
int dsr_producer_at(struct dsr_builder *b, int pin);

/**
 * dsr_handle_events() - add a handler that sees every event, on a thread of its own
 * @handler: copied
 *
 * Called again, it adds another one beside the first: each sees every event,
 * and a slot is free again when all are done with it.
 *
 * Return: 0, or the builder's error.
 */
DSR_INLINE int dsr_handle_events(struct dsr_builder *b, const struct dsr_handler *handler)
{
	return dsr_handle_events_sized(b, handler, sizeof(*handler));
}

/**
 * dsr_handle_with_workers() - add a worker group: each event goes to one of them
 * @workers: copied, its handlers too
 *
 * Return: 0, or the builder's error.
 */
DSR_INLINE int dsr_handle_with_workers(struct dsr_builder *b, const struct dsr_workers *workers)
{
	return dsr_handle_with_workers_sized(b, workers, sizeof(*workers),
					     sizeof(*workers->handlers));
}

/**
 * dsr_add_poller() - add a consumer without a thread; dsr_poller_find() gets it later
 * @options: copied
 *
 * Return: 0, or the builder's error.
 */
DSR_INLINE int dsr_add_poller(struct dsr_builder *b, const struct dsr_poller_options *options)
{
	return dsr_add_poller_sized(b, options, sizeof(*options));
}

/**
 * dsr_then() - what is added from here on follows all that was added since the last call
 *
 *	dsr_handle_events(b, &journal);
 *	dsr_handle_events(b, &replicate);
 *	dsr_then(b);
 *	dsr_handle_events(b, &apply);	// after both
 *
 * What names its own predecessors (dsr_handler.after) follows these alone, and
 * is part of the stage all the same. Together they make any graph without a
 * cycle. One who follows b, which follows a, need not be told about a.
 *
 * Return: 0, or the builder's error: -EINVAL if nothing was added.
 */
int dsr_then(struct dsr_builder *b);

/**
 * dsr_default_on_error() - what comes of a failed handler that has no on_error
 * @on_error: dsr_error_stop unless set otherwise
 * @state:    handed to it instead of the handler's; it is called on each of their threads
 *
 * Return: 0, or the builder's error.
 */
int dsr_default_on_error(struct dsr_builder *b, dsr_error_fn on_error, void *state);

/**
 * dsr_start() - make the disruptor
 * @d: receives it; NULL on failure
 *
 * Checks that the graph is one: -ENOENT if a handler follows a name that nobody
 * has, -ELOOP if handlers follow each other in a circle. Places the memory,
 * starts and pins the threads and returns when each of them is in its loop; or
 * takes everything back and returns why not.
 *
 * Return: 0; the builder's error; -ENOENT and -ELOOP as above; -EALREADY if it has been
 * started; -ENOMEM;
 * -EAGAIN: no more threads; -ENODEV or -EPERM: a CPU or node is not to be had;
 * what on_start() or init() returned; with DSR_REQUIRE also -EOPNOTSUPP and what
 * mbind(2) says. dsr_builder_message() has the sentence.
 */
int dsr_start(struct dsr_builder *b, struct dsr_disruptor **d);

/**
 * dsr_builder_message() - the first mistake, in words; "" if there is none
 *
 * Return: a string that lives as long as the builder; never NULL.
 */
const char *dsr_builder_message(const struct dsr_builder *b);

/**
 * dsr_builder_destroy() - end a builder that did not become a disruptor
 *
 * Return: 0, also for NULL; -EBUSY if it did.
 */
int dsr_builder_destroy(struct dsr_builder *b);

DSR_END_DECLS

#endif
