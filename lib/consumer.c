/* SPDX-License-Identifier: MIT */
/*
 * How a consumer finds its next event.
 *
 * One that follows nobody reads the stamps. One that follows others reads their
 * sequences, and takes the lowest for its own limit; behind that, a slot's stamp
 * tells only whether there is an event: aborted and cancelled claims are gone
 * past by everybody. One look at the sequences serves until its limit is
 * reached.
 *
 * When one of those it follows has ended, the graph has put into its place what
 * it followed itself. That is so before its sequence says DSR_SEQUENCE_ENDED, so
 * whoever reads that gets its barrier anew.
 *
 * Sharing
 *
 * Striped and keyed workers each walk along the whole ring, on a lane with a
 * sequence of its own, and stop where an event is theirs. The lowest of their
 * sequences is the group's position: each event up to it was its worker's, or
 * was gone past by it.
 *
 * Claiming workers share one sequence, taken: all up to it is somebody's. A
 * worker takes what is published already, by compare-and-swap, so none is left
 * waiting for an event that nobody publishes. Its own sequence says what it has
 * in hand: one less than its first event not done with, or DSR_SEQUENCE_IDLE. The
 * group's position is the lowest of taken and these. Who computes it reads taken
 * first; who takes stores its own sequence before. So whoever sees an event
 * taken also sees the worker that has it, or that it is done with: [TAKE->SHARE].
 * (LMAX's WorkProcessor, which claims before there is an event, had to learn the
 * order of these two the hard way.) A worker that loses the race had announced
 * too low a sequence for a moment. That makes others wait a moment, too, and
 * never go too far; but positions computed one after the other may go back, so
 * nobody may rely on having seen a higher one. A worker that has released all it
 * had in hand is idle from there on, even if its handler has not returned: it
 * takes again as any idle one does.
 *
 * A worker that ends leaves its lane to the others of its group, with what is
 * left of its share. The lane keeps its sequence: moving events to another
 * worker's sequence could be missed by who reads one after the other. Workers
 * that see the end wait for each other, as one of them may still leave something
 * behind.
 */
#include <errno.h>
#include <stdlib.h>

#include <disruptor/atomic.h>

#include "batch.h"
#include "consumer.h"
#include "graph.h"
#include "memory.h"

static int64_t *stamp_of(const struct dsr_consumer *c, int64_t sequence)
{
	return dsr_slots_stamp(&c->ring->slots, dsr_slots_event(&c->ring->slots, sequence));
}

static bool is_stripe(const struct dsr_consumer *c)
{
	return c->group && c->group->sharing == DSR_SHARE_STRIPE;
}

static bool is_claiming(const struct dsr_consumer *c)
{
	return c->group && c->group->sharing == DSR_SHARE_CLAIM;
}

/* Stores the sequence, and wakes who waits for it. */
static void move_to(struct dsr_sequence *sequence, int64_t value)
{
	/*
	 * [CONSUME->RECLAIM] Done with the events before producers write there again.
	 * [CONSUME->FOLLOW] And what was changed in them comes before who follows reads it.
	 */
	dsr_store_release(&sequence->value, value);
	dsr_park_notify(&sequence->park);
}

/* How far behind the producers it keeps: only who reads what they are writing has to. */
static void set_pace(struct dsr_consumer *c)
{
	struct dsr_batch *batch = &c->own->batch;

	batch->paced = INT64_MAX;
	if (!c->group && !c->barrier.count)
		dsr_pace_begin(&c->own->pace, batch);
}

static void follow_anew(struct dsr_consumer *c)
{
	dsr_graph_follow(c->graph, c);
	if (!c->barrier.count)
		set_pace(c);
}

/* How far that one is. */
static int64_t read_one(const struct dsr_sequence *sequence)
{
	/*
	 * [FOLLOW<-CONSUME] What they changed in the events is read after it.
	 * [SHARE<-TAKE] And what a group has taken, before who of it has it.
	 */
	return dsr_load_acquire(&sequence->value);
}

/* Where those that it follows are: false if one of them has ended, and the barrier is new. */
static bool read_barrier(struct dsr_consumer *c, struct dsr_target *target)
{
	struct dsr_sequence *lowest = c->barrier.sequences[0];
	int64_t done = read_one(lowest), highest = done;
	uint32_t i;

	/* Most follow one: a load, and nothing to compare. */
	for (i = 1; i < c->barrier.count; i++) {
		struct dsr_sequence *sequence = c->barrier.sequences[i];
		int64_t value = read_one(sequence);

		if (value > highest)
			highest = value;
		if (value < done) {
			done = value;
			lowest = sequence;
		}
	}
	if (dsr_unlikely(highest == DSR_SEQUENCE_ENDED)) {
		follow_anew(c);
		return false;
	}
	*target = (struct dsr_target){&lowest->value, done, &lowest->park};
	if (done >= c->settled)
		c->settled = done + 1;
	return true;
}

/* There is no event at @sequence yet. Why not? */
static enum dsr_look look_at_state(struct dsr_consumer *c, int64_t sequence)
{
	/*
	 * [NOTICE<-SEAL] [NOTICE<-HALT] Where the end is, which claims were
	 * cancelled: all written before the state says to look.
	 */
	int64_t state = dsr_load_acquire(&c->ring->state);

	if (dsr_unlikely(dsr_load_acquire(&c->stop))) /* [NOTICE<-HALT] */
		return DSR_LOOK_HALTED;
	if (dsr_likely(!state))
		return DSR_LOOK_IDLE;
	switch (dsr_ring_verdict(c->ring, state, sequence)) {
	case DSR_SKIP:
		return DSR_LOOK_SKIP;
	case DSR_DRAINED:
		return DSR_LOOK_DRAINED;
	case DSR_HALTED:
		return DSR_LOOK_HALTED;
	case DSR_GO_ON:
		break;
	}
	return DSR_LOOK_IDLE;
}

static enum dsr_look peek_at_stamp(struct dsr_consumer *c, int64_t sequence,
				   struct dsr_target *target)
{
	const int64_t *word = stamp_of(c, sequence);
	/* [OBSERVE<-PUBLISH] The stamp is seen before the event is read. */
	int64_t stamp = dsr_load_acquire(word);

	if (stamp == sequence)
		return DSR_LOOK_READY;
	*target = (struct dsr_target){word, stamp, &c->ring->published};
	if (stamp == ~sequence)
		return DSR_LOOK_SKIP;
	return look_at_state(c, sequence);
}

static enum dsr_look peek_behind(struct dsr_consumer *c, int64_t sequence,
				 struct dsr_target *target)
{
	enum dsr_look look;
	int64_t stamp;

	if (sequence >= c->settled) {
		while (c->barrier.count && !read_barrier(c, target))
			;
		if (!c->barrier.count)
			return peek_at_stamp(c, sequence, target);
	}
	/*
	 * [OBSERVE<-PUBLISH] Where those that are followed have been, it is known
	 * already; where not, it is only to tell idle from gated.
	 */
	stamp = dsr_load_acquire(stamp_of(c, sequence));
	if (sequence < c->settled)
		return stamp == sequence ? DSR_LOOK_READY : DSR_LOOK_SKIP;
	look = look_at_state(c, sequence);
	/* A hole is for those in front to go past. */
	if (look == DSR_LOOK_SKIP)
		return DSR_LOOK_GATED;
	if (look != DSR_LOOK_IDLE)
		return look;
	return stamp == sequence || stamp == ~sequence ? DSR_LOOK_GATED : DSR_LOOK_IDLE;
}

/* What is at @sequence? SKIP: go past it. */
static inline enum dsr_look peek(struct dsr_consumer *c, int64_t sequence,
				 struct dsr_target *target)
{
	return c->barrier.count ? peek_behind(c, sequence, target)
				: peek_at_stamp(c, sequence, target);
}

/* The lane's next own sequence from its next one on, as far as that is known without a look. */
static int64_t aligned(const struct dsr_lane *lane)
{
	int64_t next = lane->batch.next, count, ahead;

	if (!is_stripe(lane->consumer))
		return next;
	count = lane->consumer->group->count;
	ahead = ((int64_t)lane->index - next % count + count) % count;
	return ahead > DSR_SEQUENCE_MAX + 1 - next ? DSR_SEQUENCE_MAX + 1 : next + ahead;
}

static bool is_mine(const struct dsr_lane *lane, int64_t sequence)
{
	const struct dsr_group *g = lane->consumer->group;

	if (!g || g->sharing == DSR_SHARE_CLAIM)
		return true;
	if (g->sharing == DSR_SHARE_STRIPE)
		return sequence % g->count == lane->index;
	return g->key(dsr_slots_event(&lane->batch.slots, sequence), g->key_context) % g->count ==
	       lane->index;
}

/* Walks to the lane's next event; READY: it is at batch.next, and nothing behind it is known. */
static enum dsr_look walk(struct dsr_lane *lane, struct dsr_target *target)
{
	struct dsr_consumer *c = lane->consumer;
	struct dsr_batch *batch = &lane->batch;

	for (;;) {
		enum dsr_look look;

		batch->next = aligned(lane);
		look = peek(c, batch->next, target);
		if (look == DSR_LOOK_READY && is_mine(lane, batch->next))
			return look;
		if (look != DSR_LOOK_READY && look != DSR_LOOK_SKIP)
			return look;
		batch->next++;
	}
}

static bool find(struct dsr_lane *lane, struct dsr_target *target, enum dsr_look *look)
{
	struct dsr_batch *batch = &lane->batch;

	*look = walk(lane, target);
	batch->end = batch->next;
	if (*look != DSR_LOOK_READY)
		return false;
	batch->end++;
	batch->settled = batch->end;
	lane->left--;
	return true;
}

bool dsr_lane_find(struct dsr_lane *lane)
{
	struct dsr_target target;
	enum dsr_look look;

	if (is_claiming(lane->consumer) || lane->left <= 0)
		return false;
	return find(lane, &target, &look);
}

/* Nobody but the walker of the lane stores its sequence. */
static int64_t position(const struct dsr_lane *lane)
{
	/* Relaxed: our own store. */
	return dsr_load_relaxed(&lane->batch.sequence->value);
}

static void show_progress(const struct dsr_lane *lane)
{
	int64_t done = lane->batch.next - 1;

	if (done > position(lane))
		move_to(lane->batch.sequence, done);
}

static enum dsr_look look_for_own(struct dsr_lane *lane, struct dsr_target *target)
{
	enum dsr_look look;

	lane->left = lane->consumer->max_batch;
	find(lane, target, &look);
	show_progress(lane);
	return look;
}

static enum dsr_look look_for_any(struct dsr_lane *lane, struct dsr_target *target)
{
	struct dsr_batch *batch = &lane->batch;

	for (;;) {
		enum dsr_look look = peek(lane->consumer, batch->next, target);

		if (look != DSR_LOOK_SKIP) {
			/* Who follows, or waits for room, learns what was gone past. */
			if (look != DSR_LOOK_READY)
				show_progress(lane);
			return look;
		}
		batch->next++;
	}
}

/* From @first on, how many can be taken? 0: @look tells why none. */
static int64_t takeable(struct dsr_consumer *c, int64_t first, struct dsr_target *target,
			enum dsr_look *look)
{
	int64_t n;

	*look = DSR_LOOK_IDLE;
	for (n = 0; n < c->max_batch; n++) {
		*look = peek(c, first + n, target);
		if (*look != DSR_LOOK_READY && *look != DSR_LOOK_SKIP)
			break;
	}
	return n;
}

/* Goes to the first event of what is in hand; false if there is none. */
static bool has_in_hand(struct dsr_lane *lane)
{
	struct dsr_batch *batch = &lane->batch;

	for (; batch->next < lane->hand_end; batch->next++) {
		/* [OBSERVE<-PUBLISH] It was seen when it was taken, maybe by another worker. */
		int64_t stamp = dsr_load_acquire(stamp_of(lane->consumer, batch->next));

		if (stamp == batch->next)
			return true;
	}
	return false;
}

static enum dsr_look look_for_free(struct dsr_lane *lane, struct dsr_target *target)
{
	struct dsr_consumer *c = lane->consumer;
	struct dsr_sequence *own = lane->batch.sequence;
	int64_t *taken = &c->group->taken->value;

	for (;;) {
		enum dsr_look look;
		int64_t last, n;

		if (has_in_hand(lane))
			return DSR_LOOK_READY;
		if (position(lane) != DSR_SEQUENCE_IDLE)
			move_to(own, DSR_SEQUENCE_IDLE);
		/* Another worker's, who has ended: there will be nothing more on it. */
		if (lane != c->own)
			return DSR_LOOK_DRAINED;
		/* Relaxed: a guess, which the compare-and-swap confirms or refuses. */
		last = dsr_load_relaxed(taken);
		n = takeable(c, last + 1, target, &look);
		if (n == 0)
			return look;
		/* [CONSUME->FOLLOW] A value like any other of it, so that no release is cut off. */
		dsr_store_release(&own->value, last);
		/* [TAKE->SHARE] What is in hand can be seen before it can be seen as taken. */
		if (dsr_compare_exchange_release(taken, last, last + n) != last)
			continue;
		dsr_park_notify(&c->group->taken->park);
		lane->batch.next = last + 1;
		lane->hand_end = last + 1 + n;
	}
}

static void put_last(struct dsr_consumer *c, struct dsr_lane *lane)
{
	struct dsr_lane **at;

	for (at = &c->lanes; *at; at = &(*at)->next)
		;
	*at = lane;
	lane->next = NULL;
}

/* Takes the lanes of workers that have ended. */
static void adopt(struct dsr_consumer *c)
{
	struct dsr_group *g = c->group;
	struct dsr_lane *lane;

	pthread_mutex_lock(&g->lock);
	while ((lane = g->orphans)) {
		g->orphans = lane->next;
		lane->consumer = c;
		put_last(c, lane);
		dsr_ring_enter(&lane->hold);
		/* Relaxed: written under the lock, and looked at again and again. */
		dsr_store_relaxed(&g->orphan_count, 0);
		if (c->resting)
			g->resting--;
		c->resting = false;
	}
	pthread_mutex_unlock(&g->lock);
}

/* A worker sees the end on all its lanes. Do the others, too? */
static enum dsr_look rest(struct dsr_consumer *c, struct dsr_target *target)
{
	struct dsr_group *g = c->group;
	bool is_over;

	pthread_mutex_lock(&g->lock);
	if (!c->resting && !g->orphans) {
		g->resting++;
		c->resting = true;
	}
	/* One may have ended since we looked for what it leaves. */
	is_over = !g->orphans && g->resting == g->live;
	pthread_mutex_unlock(&g->lock);
	if (is_over) {
		dsr_ring_wake(c->ring);
		return DSR_LOOK_DRAINED;
	}
	target->park = &c->ring->published;
	return DSR_LOOK_IDLE;
}

static enum dsr_look look_along(struct dsr_lane *lane, struct dsr_target *target)
{
	struct dsr_consumer *c = lane->consumer;

	if (!c->group)
		return look_for_any(lane, target);
	return is_claiming(c) ? look_for_free(lane, target) : look_for_own(lane, target);
}

/* Each lane in turn, another one first each time. */
static enum dsr_look look_at_each(struct dsr_consumer *c, struct dsr_lane **found,
				  struct dsr_target *target)
{
	enum dsr_look best = DSR_LOOK_DRAINED;
	struct dsr_lane **at = &c->lanes, *lane;

	while ((lane = *at)) {
		enum dsr_look look = look_along(lane, target);

		if (look == DSR_LOOK_READY) {
			*found = lane;
			*at = lane->next;
			put_last(c, lane);
			return look;
		}
		if (look == DSR_LOOK_HALTED)
			return look;
		if (look < best)
			best = look;
		at = &lane->next;
	}
	return best;
}

/*
 * Each lane may have read the barrier anew: what the last one found is what to
 * wait for only if it is all that the others could have found.
 */
static enum dsr_look look_at_lanes(struct dsr_consumer *c, struct dsr_lane **found,
				   struct dsr_target *target)
{
	enum dsr_look look;
	int64_t settled;

	do {
		settled = c->settled;
		look = look_at_each(c, found, target);
	} while ((look == DSR_LOOK_IDLE || look == DSR_LOOK_GATED) && c->settled != settled);
	return look;
}

enum dsr_look dsr_consumer_look(struct dsr_consumer *c, struct dsr_lane **lane,
				struct dsr_target *target)
{
	enum dsr_look look;

	if (dsr_likely(!c->group)) {
		*lane = c->own;
		return look_for_any(c->own, target);
	}
	/* Relaxed: if it is not seen now, then after the wake that comes with it. */
	if (dsr_unlikely(dsr_load_relaxed(&c->group->orphan_count)))
		adopt(c);
	look = look_at_lanes(c, lane, target);
	return look == DSR_LOOK_DRAINED ? rest(c, target) : look;
}

int64_t dsr_lane_begin_counted(struct dsr_lane *lane, int64_t size, int64_t *depth)
{
	struct dsr_consumer *c = lane->consumer;
	struct dsr_batch *batch = &lane->batch;
	int64_t last = batch->next > DSR_SEQUENCE_MAX - (int64_t)batch->slots.mask
			       ? DSR_SEQUENCE_MAX + 1
			       : batch->next + (int64_t)batch->slots.mask + 1;
	int64_t sequence, end = batch->next, count = 0;
	struct dsr_target target;

	dsr_lane_begin(lane, size);
	*depth = 0;
	for (sequence = batch->next; sequence < last; sequence++) {
		enum dsr_look look = peek(c, sequence, &target);

		if (look != DSR_LOOK_READY && look != DSR_LOOK_SKIP)
			break;
		if (look == DSR_LOOK_SKIP)
			continue;
		++*depth;
		if (count < size && (!is_claiming(c) || sequence < lane->hand_end) &&
		    is_mine(lane, sequence)) {
			count++;
			end = sequence + 1;
		}
	}
	/* No more and no less than was counted. */
	lane->left = count - 1;
	if (!c->group || is_claiming(c)) {
		batch->end = end;
		batch->settled = end;
	}
	return count;
}

/* Is there an event left of what is in hand? What is none never will be one. */
static bool has_more_in_hand(const struct dsr_lane *lane)
{
	int64_t sequence;

	for (sequence = lane->batch.next; sequence < lane->hand_end; sequence++)
		/* Relaxed: nothing is read on the strength of it, has_in_hand() looks again. */
		if (dsr_load_relaxed(stamp_of(lane->consumer, sequence)) == sequence)
			return true;
	return false;
}

void dsr_lane_release(struct dsr_lane *lane)
{
	struct dsr_batch *batch = &lane->batch;

	/* With nothing in hand it is where look_for_free() takes anew, only earlier. */
	if (is_claiming(lane->consumer) && !has_more_in_hand(lane))
		move_to(batch->sequence, DSR_SEQUENCE_IDLE);
	else
		move_to(batch->sequence, batch->next - 1);
}

void dsr_lane_done(struct dsr_lane *lane)
{
	struct dsr_consumer *c = lane->consumer;
	struct dsr_batch *batch = &lane->batch;

	if (dsr_likely(!c->group)) {
		move_to(batch->sequence, batch->next - 1);
	} else if (!is_claiming(c)) {
		batch->next = aligned(lane);
		show_progress(lane);
	} else if (batch->next < lane->hand_end) {
		show_progress(lane);
	} else {
		move_to(batch->sequence, DSR_SEQUENCE_IDLE);
	}
}

void dsr_lane_rewind(struct dsr_lane *lane)
{
	struct dsr_consumer *c = lane->consumer;
	int64_t done = position(lane);
	struct dsr_lane **at;

	/* Else all was released: nothing is there again. */
	if (done != DSR_SEQUENCE_IDLE)
		lane->batch.next = done + 1;
	/* It comes first again: no other lane's batch in between. */
	for (at = &c->lanes; *at != lane; at = &(*at)->next)
		;
	*at = lane->next;
	lane->next = c->lanes;
	c->lanes = lane;
}

/* What is left of a worker's lane; false: nothing that anybody would miss. */
static bool is_orphan(struct dsr_lane *lane)
{
	dsr_lane_done(lane);
	return !is_claiming(lane->consumer) || lane->batch.next < lane->hand_end;
}

/* Returns true if others of the group go on. */
static bool leave_group(struct dsr_consumer *c)
{
	struct dsr_group *g = c->group;
	struct dsr_lane *lane;
	bool go_on;

	pthread_mutex_lock(&g->lock);
	if (c->resting)
		g->resting--;
	g->live--;
	go_on = g->live > 0;
	while (go_on && (lane = c->lanes)) {
		c->lanes = lane->next;
		if (!is_orphan(lane))
			continue;
		lane->next = g->orphans;
		g->orphans = lane;
		/* Relaxed: those who are to see it are woken behind it. */
		dsr_store_relaxed(&g->orphan_count, 1);
	}
	pthread_mutex_unlock(&g->lock);
	if (go_on)
		dsr_ring_wake(c->ring);
	return go_on;
}

void dsr_consumer_leave(struct dsr_consumer *c)
{
	if (!c->group || !leave_group(c))
		dsr_graph_leave(c->graph, c->member);
	/* Relaxed: for observers. */
	dsr_store_relaxed(&c->waiter.state, DSR_STATE_ENDED);
}

/*
 * Not where a producer's handle lies in its page: loads from there would wait for
 * stores to here, whose address has the same lower bits.
 */
enum { LANE_OFFSET = 1920, LANE_BYTES = LANE_OFFSET + sizeof(struct dsr_lane) };

int dsr_consumer_prepare(struct dsr_consumer *c, int node)
{
	const struct dsr_wish wish = {.node = node};
	int err = dsr_region_take(&c->region, LANE_BYTES, &wish, NULL);

	if (err < 0)
		return err;
	c->own = (void *)((char *)c->region.memory.base + LANE_OFFSET);
	c->own->index = c->index;
	c->own->consumer = c;
	return 0;
}

void dsr_consumer_begin(struct dsr_consumer *c)
{
	struct dsr_lane *lane = c->own;
	struct dsr_batch *batch = &lane->batch;

	batch->next = c->start;
	batch->end = c->start;
	lane->hand_end = c->start;
	batch->current = c->start - 1;
	batch->slots = c->ring->slots;
	batch->sequence = c->sequence;
	batch->lane = c->group != NULL;
	lane->hold.ring = c->ring;
	lane->hold.sequence = c->sequence;
	lane->hold.taken = is_claiming(c) ? c->group->taken : NULL;
	c->lanes = lane;
	c->settled = c->start;
	set_pace(c);
}

void dsr_consumer_free(struct dsr_consumer *c)
{
	free(c->barrier.sequences);
	free(c->barrier.members);
	dsr_region_release(&c->region);
}
