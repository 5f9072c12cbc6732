/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_CONSUMER_H
#define DSR_LIB_CONSUMER_H

#include <disruptor/consumer.h>
#include <disruptor/processor.h>
#include <disruptor/snapshot.h>
#include <disruptor/workers.h>

#include "batch.h"
#include "pace.h"
#include "ring.h"
#include "wait.h"

struct dsr_consumer;
struct dsr_graph;
struct dsr_member;

/**
 * struct dsr_lane - one walk along the ring
 *
 * A consumer has one, in a page that its own thread touched first. A worker may
 * get those of others in its group, who have ended.
 */
struct dsr_lane {
	struct dsr_batch batch; /* first: the batch calls know only this */
	struct dsr_pace pace;
	struct dsr_hold hold;
	struct dsr_consumer *consumer; /* who walks it now */
	struct dsr_lane *next;         /* of its lanes, or of those that wait for one who does */
	uint32_t index;                /* of its group's */
	int64_t first;                 /* where the batch began */
	int64_t left;                  /* striped and keyed: events that the batch may still have */
	int64_t hand_end;              /* claiming: all before it, from batch.next on, is in hand */
};

/**
 * struct dsr_group - what the workers of a group share
 *
 * The first part is constant; the rest is under the lock, @orphan_count and
 * @taken's value are atomic.
 */
struct dsr_group {
	enum dsr_sharing sharing;
	uint32_t count;
	dsr_key_fn key;
	void *key_context;
	struct dsr_sequence *taken; /* claiming: all up to here is some worker's */

	pthread_mutex_t lock;
	uint32_t live;            /* workers that have not ended */
	uint32_t resting;         /* of these, see nothing more to come */
	struct dsr_lane *orphans; /* lanes of the others */
	int64_t orphan_count;
};

/* The consumers that one follows, as it knows them: none: it reads the stamps. */
struct dsr_barrier {
	uint32_t count;
	struct dsr_sequence **sequences; /* in the order to read them */
	uint32_t member_count;
	struct dsr_member **members;
};

/* What a look found for a consumer to do. */
enum dsr_look {
	DSR_LOOK_READY,   /* an event */
	DSR_LOOK_SKIP,    /* within consumer.c: nothing there, and nothing will be */
	DSR_LOOK_IDLE,    /* nothing is published */
	DSR_LOOK_GATED,   /* something is, but those that it follows are not there */
	DSR_LOOK_DRAINED, /* and nothing will be */
	DSR_LOOK_HALTED,  /* it is to stop, whatever is left */
};

/**
 * struct dsr_consumer - a place in the ring, and who stands there
 *
 * Made before its thread, which then has it for itself, but for @stop, which
 * others set, and the counters and the waiter's, which others read.
 */
struct dsr_consumer {
	char name[DSR_NAME_MAX + 1];
	enum dsr_consumer_kind kind;
	uint32_t index; /* in its group */
	uint32_t max_batch;
	struct dsr_ring *ring;
	struct dsr_graph *graph;
	struct dsr_member *member;
	struct dsr_group *group;       /* NULL: it shares with nobody */
	struct dsr_sequence *sequence; /* its own */
	struct dsr_lane *own;
	int64_t start; /* first sequence */

	struct dsr_lane *lanes DSR_ALIGNED(DSR_CACHELINE);
	struct dsr_barrier barrier;
	int64_t settled; /* all before it is done with by those in the barrier */
	bool resting;
	struct dsr_waiter waiter;
	int64_t batches;
	int64_t retries;
	int64_t errors;
	struct dsr_region region; /* its lane lies there */

	int64_t stop DSR_ALIGNED(DSR_CACHELINE);
};

/* Takes the lane's page, on @node (region.h). 0 or -ENOMEM. */
int dsr_consumer_prepare(struct dsr_consumer *c, int node);
/* It begins: its sequence, start and barrier are set. */
void dsr_consumer_begin(struct dsr_consumer *c);
void dsr_consumer_free(struct dsr_consumer *c);

/*
 * Looks once for something to do, without waiting. READY: @lane has an event at
 * its batch.next. IDLE and GATED: @target tells what has to change.
 */
enum dsr_look dsr_consumer_look(struct dsr_consumer *c, struct dsr_lane **lane,
				struct dsr_target *target);

/* Should it stop between two events? */
static inline bool dsr_consumer_is_halted(const struct dsr_consumer *c)
{
	/* [NOTICE<-HALT] What was done before the halt is seen by on_stop(). */
	return dsr_unlikely(dsr_load_acquire(&c->ring->state) & DSR_RING_HALTED) ||
	       /* [NOTICE<-HALT] likewise */
	       dsr_unlikely(dsr_load_acquire(&c->stop));
}

/* The lane is ready: its batch begins, of @most events. Here, for an event waits for it. */
static inline void dsr_lane_begin(struct dsr_lane *lane, int64_t most)
{
	const struct dsr_consumer *c = lane->consumer;

	lane->first = lane->batch.next;
	if (dsr_likely(!c->group))
		dsr_batch_begin(&lane->batch, most, c->barrier.count ? c->settled : 0);
	else if (c->group->sharing == DSR_SHARE_CLAIM)
		dsr_batch_begin(&lane->batch, most, lane->hand_end);
}

/* The same, counted: of at most @size events, of the *@depth that are there. Returns how many. */
int64_t dsr_lane_begin_counted(struct dsr_lane *lane, int64_t size, int64_t *depth);
/* What was taken of the batch goes back; what was not is there again. */
void dsr_lane_done(struct dsr_lane *lane);
/* Behind dsr_batch_release() for workers: what was taken goes back at once. */
void dsr_lane_release(struct dsr_lane *lane);
/* All that was not released is there again. */
void dsr_lane_rewind(struct dsr_lane *lane);

/* Behind dsr_batch_next() and dsr_batch_more() for workers: has the batch one more? */
bool dsr_lane_find(struct dsr_lane *lane);

/* It ends: its lanes go to others of its group, or it leaves the graph. Its own thread. */
void dsr_consumer_leave(struct dsr_consumer *c);

#endif
