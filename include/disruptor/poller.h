/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_POLLER_H
#define DISRUPTOR_POLLER_H

/**
 * A poller is a consumer without a thread: the program's own thread asks it for
 * events when it has time for them.
 *
 *	struct dsr_batch *batch;
 *	struct tick *t;
 *
 *	if (dsr_poll(poller, 64, &batch) == DSR_POLL_EVENTS) {
 *		while ((t = tick_batch_next(batch)))
 *			total += t->price;
 *		dsr_batch_release(batch);
 *	}
 *
 * It has a place in the graph like any handler: it sees every event, after the
 * ones that it follows, and others may follow it. It holds the producers back
 * from the moment it exists, polled or not, until dsr_detach() or
 * dsr_destroy().
 *
 * Threads: one at a time may use a poller.
 */

#include <disruptor/batch.h>
#include <disruptor/processor.h>

DSR_BEGIN_DECLS

struct dsr_disruptor;
struct dsr_poller;

/**
 * struct dsr_poller_options - a poller's name and place
 * @name:      up to DSR_NAME_MAX bytes, no two consumers alike; copied
 * @after:     NULL, or the names of what it follows, as dsr_handler.after
 * @max_batch: most events of one dsr_poll(), 1 to the ring's capacity; 0: no
 *	       limit but the call's
 */
struct dsr_poller_options {
	const char *name;
	const char *const *after;
	uint32_t max_batch;
	uint32_t reserved; /* 0 */
};

/**
 * enum dsr_poll_state - what dsr_poll() found
 * @DSR_POLL_IDLE:    nothing is published
 * @DSR_POLL_GATED:   something is, but those that the poller follows are not
 *		      done with it
 * @DSR_POLL_EVENTS:  at least one event
 * @DSR_POLL_DRAINED: nothing, and nothing will come: the disruptor was shut
 *		      down and all its events are taken
 */
enum dsr_poll_state {
	DSR_POLL_IDLE = 0,
	DSR_POLL_GATED = 1,
	DSR_POLL_EVENTS = 2,
	DSR_POLL_DRAINED = 3,
};

/**
 * dsr_poller_find() - the poller of that name
 *
 * Threads: any. Return: NULL if there is none.
 */
struct dsr_poller *dsr_poller_find(struct dsr_disruptor *d, const char *name);

/**
 * dsr_poll() - what is there now?
 * @most:  take so many events at most; at least 1
 * @batch: receives the batch to loop over, if there are events. It is the
 *	   poller's, and good until the next dsr_poll() or dsr_detach()
 *
 * Never waits. What was taken of the batch before goes back to the producers,
 * if dsr_batch_release() did not do so earlier; what was not taken is there
 * again. An event must not be touched any more after that. So to see whether
 * something is there, poll and take nothing.
 *
 * Threads: the poller's. Ordering: what the producer wrote before it published,
 * and what consumers that the poller follows wrote, is seen. Return: enum
 * dsr_poll_state; -ECANCELED: halted; -EINVAL.
 */
int dsr_poll(struct dsr_poller *poller, uint32_t most, struct dsr_batch **batch);

/**
 * dsr_poll_events() - call @on_event for what is there now
 * @most: at most so many times; at least 1
 *
 * An event is done with when @on_event returns DSR_CONTINUE or DSR_RELEASE,
 * which also gives its slot back, or DSR_STOP, which ends the round after it.
 * If it returns a negative errno, the round ends, that event is not done with
 * and comes first the next time.
 *
 * Threads: the poller's. Return: enum dsr_poll_state; the negative errno;
 * -ECANCELED: halted; -EINVAL, also for any other answer.
 */
int dsr_poll_events(struct dsr_poller *poller, uint32_t most, dsr_event_fn on_event, void *state);

/**
 * dsr_poller_fd() - a file descriptor that is readable when it is time to poll
 *
 * For epoll, poll, select or io_uring beside other descriptors. It becomes
 * readable when there is an event for the poller, or the end, and stays so until
 * dsr_poll() or dsr_poll_events() answers DSR_POLL_IDLE or DSR_POLL_GATED: so
 * poll after the descriptor was found readable, once or as often as you like,
 * and no event is missed. Do not read from it. It is closed with the poller.
 *
 * The first call makes it; from there on a round that finds nothing costs a
 * fence on all threads of the process (membarrier(2)), and the first event after
 * such a round a system call of its producer.
 *
 * Threads: the poller's. Return: the descriptor; -EINVAL; what eventfd(2) says.
 */
int dsr_poller_fd(struct dsr_poller *poller);

DSR_END_DECLS

#endif
