/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_WORKERS_H
#define DISRUPTOR_WORKERS_H

/**
 * A worker group is a consumer of several threads that share the work: each
 * event goes to exactly one of them. To the graph it is one consumer with one
 * name: it may follow others, and others that follow it see an event as soon as
 * its worker, and those of all events before, are done with it.
 *
 * A worker is a processor (processor.h). One that ends before the others, by its
 * own wish or by an error, leaves what is its to them: nothing is lost as long
 * as one of them is there. But what it had taken of its batch counts as done, the
 * event that it failed at included: no other worker sees that one. An on_error()
 * that answers DSR_RETRY has the same worker begin its batch again. The group ends
 * with its last worker.
 *
 * Workers that park are all woken by an event, by one system call: one of them
 * has it and the others go back to sleep. With many workers and few events
 * that is most of what the group costs; have fewer of them then.
 *
 * A worker that copies an event may give it back early, by dsr_batch_release() or
 * DSR_RELEASE, and go on with the copy. In a claiming group it then holds nobody
 * back, for the others take what comes. In a striped or keyed one producers wait
 * for it a lap later: nobody else goes past what may be its next event.
 *
 * A claim by a worker that has released all does not wait for the group to take
 * more, which the worker itself may have to do: that is -EDEADLK.
 */

#include <disruptor/processor.h>

DSR_BEGIN_DECLS

/**
 * enum dsr_sharing - who gets which event
 * @DSR_SHARE_CLAIM:  who is free takes the next. Evens out work of any length;
 *		      the workers contend for one word
 * @DSR_SHARE_STRIPE: worker i of n gets the sequences s with s % n == i. No
 *		      contention; for work of much the same length
 * @DSR_SHARE_KEY:    the worker is chosen by the event's key, so events of one
 *		      key stay in order. No contention; each worker looks at
 *		      every event's key
 */
enum dsr_sharing {
	DSR_SHARE_CLAIM,
	DSR_SHARE_STRIPE,
	DSR_SHARE_KEY,
};

/**
 * dsr_key_fn - the key of an event
 *
 * Called on each worker's thread, also while another one handles the event: it
 * reads what no worker changes. Equal keys go to one worker.
 */
typedef uint64_t (*dsr_key_fn)(const void *event, void *context);

/**
 * struct dsr_workers - a group, and how it shares
 * @name:	 up to DSR_NAME_MAX bytes, no two consumers alike; copied
 * @handlers:	 one for each worker, each with a state, a pin and a wait strategy of
 *		 its own; copied. @after is the group's business and has to be NULL
 *		 there. A NULL name becomes the group's with "-0", "-1" and so on,
 *		 cut in front of that to fit. A zero max_batch is 1 here: more let a
 *		 worker take, or keep, that
 *		 many events before what follows sees the first of them
 * @count:	 how many, 1 to DSR_WORKERS_MAX
 * @sharing:	 who gets which event
 * @key:	 DSR_SHARE_KEY: the key; NULL otherwise
 * @key_context: handed to it
 * @after:	 NULL, or the names of what the group follows, as dsr_handler.after
 */
struct dsr_workers {
	const char *name;
	const struct dsr_handler *handlers;
	uint32_t count;
	enum dsr_sharing sharing;
	dsr_key_fn key;
	void *key_context;
	const char *const *after;
};

#define DSR_WORKERS_MAX 1024

DSR_END_DECLS

#endif
