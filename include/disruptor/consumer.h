/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_CONSUMER_H
#define DISRUPTOR_CONSUMER_H

/**
 * Consumers that come and go while producers run.
 *
 * A consumer is a handler on its thread, a poller, or a worker group; all have a
 * name and a place in the graph. What the builder was told is there from the
 * start. More can be attached later, behind any that is there, and any can be
 * detached again. Producers are neither stopped nor slowed down meanwhile, and
 * nobody else misses an event or sees one twice.
 *
 * How this is safe is told in lib/graph.c.
 */

#include <disruptor/poller.h>
#include <disruptor/workers.h>

DSR_BEGIN_DECLS

/*
 * Where a consumer that is attached begins, beside a sequence:
 * DSR_FROM_NOW: every event that is published after the call has returned, and
 *		 maybe some that were published, or claimed, before;
 * DSR_FROM_OLDEST: the oldest event that is certainly still in the ring, and that
 *		 those that it follows have seen, too.
 */
#define DSR_FROM_NOW    INT64_C(-1)
#define DSR_FROM_OLDEST INT64_C(-2)

int64_t dsr_attach_handler_sized(struct dsr_disruptor *d, const struct dsr_handler *handler,
				 int64_t from, size_t size);
int64_t dsr_attach_workers_sized(struct dsr_disruptor *d, const struct dsr_workers *workers,
				 int64_t from, size_t size, size_t handler_size);
int64_t dsr_attach_poller_sized(struct dsr_disruptor *d, const struct dsr_poller_options *options,
				int64_t from, struct dsr_poller **poller, size_t size);

/**
 * dsr_attach_handler() - a handler more, on a thread of its own
 * @handler: as for dsr_handle_events(); without @after it follows nobody. Give it
 *	     a name, to detach it by
 * @from:    DSR_FROM_NOW, DSR_FROM_OLDEST, or a sequence between the two
 *
 * Its on_start() has returned, and it holds the producers back, when the call
 * returns. If the event or a consumer that it follows is gone, it is not
 * attached; should that show only after its on_start(), its on_stop() is called.
 *
 * Threads: any, a handler's too. Return: the first sequence that it sees;
 * -ENOENT: no consumer of a name in @after; -ERANGE: @from is not in the ring;
 * -ECANCELED: the disruptor is shut down; otherwise as dsr_handle_events() and
 * dsr_start(), -EINVAL also for a @from below 0 that is none of the two.
 * dsr_attach_message() tells more.
 */
DSR_INLINE int64_t dsr_attach_handler(struct dsr_disruptor *d, const struct dsr_handler *handler,
				      int64_t from)
{
	return dsr_attach_handler_sized(d, handler, from, sizeof(*handler));
}

/** dsr_attach_workers() - a worker group more; otherwise as dsr_attach_handler() */
DSR_INLINE int64_t dsr_attach_workers(struct dsr_disruptor *d, const struct dsr_workers *workers,
				      int64_t from)
{
	return dsr_attach_workers_sized(d, workers, from, sizeof(*workers),
					sizeof(*workers->handlers));
}

/**
 * dsr_attach_poller() - a poller more
 * @poller: receives it; NULL on failure
 *
 * Otherwise as dsr_attach_handler().
 */
DSR_INLINE int64_t dsr_attach_poller(struct dsr_disruptor *d,
				     const struct dsr_poller_options *options, int64_t from,
				     struct dsr_poller **poller)
{
	return dsr_attach_poller_sized(d, options, from, poller, sizeof(*options));
}

/**
 * dsr_attach_message() - why the caller's last dsr_attach_*() failed
 *
 * A sentence that names the consumer, and what of it was refused. Each thread has
 * its own, good until it attaches the next.
 *
 * Threads: any. Return: the sentence; "" if it did not fail, never NULL.
 */
const char *dsr_attach_message(void);

/**
 * dsr_detach() - take a consumer away
 * @name:    a handler's, a poller's or a worker group's
 * @timeout: nanoseconds to wait for its threads, DSR_NOW or DSR_FOREVER
 *
 * A handler stops after the event, or the batch, that it is at; on_stop() is
 * told -ECANCELED, and its thread is joined. Producers that only it held up go
 * on, and those that followed it follow what it followed. The name is free again.
 * One that had ended by itself is cleared away, too.
 *
 * A poller, and its batch, must not be in use, and is gone.
 *
 * Within a handler give it a timeout: two that detach each other would wait for
 * each other for ever.
 *
 * Threads: any; for a handler or group not from one of its own threads. Return:
 * 0; -ENOENT; -ETIMEDOUT: it was told to stop and has not yet, call again;
 * -EDEADLK: from one of its own threads; -EINVAL.
 */
int dsr_detach(struct dsr_disruptor *d, const char *name, int64_t timeout);

DSR_END_DECLS

#endif
