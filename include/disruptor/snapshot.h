/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_SNAPSHOT_H
#define DISRUPTOR_SNAPSHOT_H

/**
 * A running disruptor, seen from outside: how far everybody is, who holds up
 * whom, how often and how each side had to wait.
 *
 * The observer pays for it. Positions are read from the words that the threads
 * work with anyway; counters are counted where a thread waits or ends a batch,
 * each on its own thread's lines.
 */

#include <disruptor/processor.h>

DSR_BEGIN_DECLS

struct dsr_disruptor;

/**
 * struct dsr_waits - how often a thread waited, and how
 * @waits:  times that there was nothing to do at the first look
 * @yields: sched_yield()
 * @naps:   sleeps for a given time
 * @parks:  sleeps until woken
 */
struct dsr_waits {
	uint64_t waits;
	uint64_t yields;
	uint64_t naps;
	uint64_t parks;
};

enum dsr_consumer_kind {
	DSR_KIND_HANDLER,
	DSR_KIND_WORKER,
	DSR_KIND_POLLER,
};

/**
 * enum dsr_consumer_state - what it is doing
 * @DSR_STATE_RUNNING: in its handler, or on the way there; poller: has events
 * @DSR_STATE_WAITING: looks for events; poller: had none
 * @DSR_STATE_PARKED:  asleep until woken; poller: its descriptor will tell
 * @DSR_STATE_ENDED:   holds nobody back any more
 */
enum dsr_consumer_state {
	DSR_STATE_RUNNING,
	DSR_STATE_WAITING,
	DSR_STATE_PARKED,
	DSR_STATE_ENDED,
};

/**
 * struct dsr_consumer_snapshot - one handler, worker or poller
 * @name:     its own; @group: the worker group's, "" if it is of none
 * @kind, @state: above
 * @gates:    the producers wait for it; others only for what follows it
 * @sequence: it is done with all up to here that is its to do. An idle worker of
 *	      a claiming group: with all that the group has taken
 *	      -1 once it has ended
 * @lag:      published beyond that
 * @batches:  batches it was given
 * @waited:   how it waited for events
 * @retries:  batches it began again
 * @errors:   negative answers of its handler
 */
struct dsr_consumer_snapshot {
	char name[DSR_NAME_MAX + 1];
	char group[DSR_NAME_MAX + 1];
	enum dsr_consumer_kind kind;
	enum dsr_consumer_state state;
	bool gates;
	int64_t sequence;
	int64_t lag;
	uint64_t batches;
	struct dsr_waits waited;
	uint64_t retries;
	uint64_t errors;
	uint64_t reserved[4];
};

/**
 * struct dsr_producer_snapshot - one handle
 * @out:      somebody has it; else it was given back
 * @open:     first sequence claimed and not dealt with
 * @next:     behind the last one; nothing is open if they are equal
 * @waited:   how it waited for room
 * @failures: claims that failed
 */
struct dsr_producer_snapshot {
	bool out;
	int64_t open;
	int64_t next;
	struct dsr_waits waited;
	uint64_t failures;
	uint64_t reserved[4];
};

/**
 * struct dsr_snapshot - all of it
 * @capacity:  slots
 * @claimed:   the last sequence claimed, waiting claims of many producers included
 * @published: all up to here is published or will not be
 * @done:      all up to here may be written again: the slowest consumer's position
 * @remaining: slots that could be claimed now; 0 once the ring is closed
 * @closed:    claims are over
 * @slowest:   who that consumer is; "" if there is none
 * @hole:      the first sequence that is claimed and not published; -1: none
 * @hole_age:  nanoseconds since a snapshot first saw it so; 0: none did before
 * @consumers, @consumer_count: in the order they were added
 * @producers, @producer_count: in no order
 */
struct dsr_snapshot {
	uint64_t capacity;
	int64_t claimed;
	int64_t published;
	int64_t done;
	int64_t remaining;
	bool closed;
	char slowest[DSR_NAME_MAX + 1];
	int64_t hole;
	int64_t hole_age;
	uint32_t consumer_count;
	uint32_t producer_count;
	struct dsr_consumer_snapshot *consumers;
	struct dsr_producer_snapshot *producers;
};

/**
 * dsr_snapshot_take() - look at it all
 * @out: receives the snapshot; NULL on failure
 *
 * Positions are read one after the other while the threads run on, so that of
 * one that is read later may be ahead. Never waits for a handler. Looks at each
 * stamp between @done and @claimed at most, and keeps attaching, detaching and
 * claims that begin to wait from going on meanwhile: not for a hot path.
 *
 * Threads: any, a handler's too. Return: 0; -ENOMEM; -EINVAL.
 */
int dsr_snapshot_take(struct dsr_disruptor *d, struct dsr_snapshot **out);

/** dsr_snapshot_free() - nothing for NULL */
void dsr_snapshot_free(struct dsr_snapshot *snapshot);

/**
 * dsr_snapshot_text() - for people, a line for each consumer and producer
 * @text: takes at most @size bytes, its end included; may be NULL if @size is 0
 *
 * Return: the length of the whole text, as snprintf(); -EINVAL.
 */
int dsr_snapshot_text(const struct dsr_snapshot *snapshot, char *text, size_t size);

DSR_END_DECLS

#endif
