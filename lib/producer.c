/* SPDX-License-Identifier: MIT */
/*
 * The cold half of claiming: what happens when the handle's cached limit does
 * not cover the claim. Either the limit is old, and a look at the consumers
 * gives a newer one; or the ring is full, and the claim waits or gives up; or
 * the ring is closed.
 *
 * careful, in a handle, sends its claims another way than the plain one:
 *
 * single producer: where membarrier(2) is refused, the limit never goes beyond
 * the claim that was just granted. So the next claim comes here again, and the
 * fence below takes the barrier's place (ring.c, "How a ring closes").
 *
 * many producers: a handle that a handler of the same ring uses. A blocking
 * claim takes first and then waits; if the one to wait for is the caller
 * itself, it has to give up, and what it took is a hole. So such a handle
 * claims by compare-and-swap only. dsr_producer() sets it where it is called on
 * the handler's thread, as it should; if not, the first -EDEADLK sets it, and
 * leaves at most one hole on record.
 */
#include <errno.h>

#include <disruptor/atomic.h>

#include "memory.h"
#include "probe.h"
#include "producer.h"
#include "rcu.h"
#include "wait.h"

int64_t dsr_claim_refuse(struct dsr_producer *p, int error)
{
	p->error = error;
	return error;
}

static int64_t capacity_of(const struct dsr_producer *p)
{
	return (int64_t)p->slots.mask + 1;
}

static bool is_closed(const struct dsr_producer *p)
{
	/* Relaxed: says only that it is over. Where an order matters there is a fence before. */
	return dsr_load_relaxed(&p->ring->closed);
}

/**
 * struct room - one claim that is waiting for it
 * @deadline: when to give up
 * @held:     first sequence that is not free as long as the caller itself, a
 *	      consumer, does not go on
 * @lowest:   who is waited for, as of the last look; NULL: other producers
 */
struct room {
	int64_t deadline;
	int64_t held;
	struct dsr_sequence *lowest;
};

static struct dsr_handle *handle_of(struct dsr_producer *p)
{
	return (struct dsr_handle *)(void *)p;
}

/* What has to change before it is worth another look. */
static struct dsr_target target_of(struct dsr_producer *p, const struct room *room, int64_t first)
{
	struct dsr_target target = {.park = p->published};
	void *event;

	if (room->lowest) {
		target.word = &room->lowest->value;
		target.park = &room->lowest->park;
	} else {
		event = dsr_slots_event(&p->slots, first);
		target.word = dsr_slots_stamp(&p->slots, event);
	}
	/* Relaxed: it is waited for, and then looked at anew. */
	target.stale = dsr_load_relaxed(target.word);
	return target;
}

/*
 * No room for @least from @first on. Would waiting help? Returns 0 to look
 * again, after having passed a turn, or why not to.
 */
static int wait_for_room(struct dsr_producer *p, int64_t first, uint32_t least, struct room *room)
{
	struct dsr_waiter *waiter = &handle_of(p)->waiter;
	struct dsr_target target;

	if (room->deadline == DSR_NOW)
		return -EAGAIN;
	if (waiter->turn == 0)
		room->held = dsr_ring_held(p->ring);
	/* Before its handler returns, a consumer cannot get further than it is. */
	if (room->held - first < least)
		return -EDEADLK;
	/* A turn of spinning is much shorter than a look at the clock, any other much longer. */
	if (room->deadline != DSR_FOREVER &&
	    (waiter->turn % 16 == 0 || waiter->turn >= (uint64_t)waiter->tuning.spins) &&
	    dsr_now() >= room->deadline)
		return -ETIMEDOUT;
	if (waiter->turn == 0)
		DSR_PROBE_BLOCKED(p->ring, first);
	target = target_of(p, room, first);
	dsr_waiter_turn(waiter, &target, room->deadline);
	return 0;
}

/* A look at the gate. Within it, and until the limit is stored, a read-side section. */
static int64_t look(struct dsr_producer *p, struct room *room)
{
	dsr_rcu_read_lock(handle_of(p));
	return dsr_ring_limit(p->ring, &room->lowest);
}

/*
 * How far ahead of its stores a producer asks for lines. Stores wait in order
 * for their lines, the store buffer holds no more than a handful of lines' worth,
 * and the locked instruction by which many producers claim waits until it is
 * empty. So ask early enough for a line to come from another socket meanwhile.
 * With events of 8 and 56 bytes, one producer and many, 512 was as good as 384 to
 * 1024 or better, and up to twice as fast as nothing (bench/README.md).
 *
 * Not where consumers have read all there is again and again, as in a ping-pong:
 * there nothing waits in the store buffer, and the lines are only taken away from
 * who polls them. How it is shows when the limit is looked up, about once a lap.
 */
static void set_ahead(struct dsr_producer *p, int64_t first, int64_t limit)
{
	enum { BYTES = 512, CALM_LAPS = 16 };
	bool is_large = (int64_t)p->slots.stride * capacity_of(p) >= 4 * BYTES;
	int64_t unread = first - (limit - capacity_of(p));

	/* One may just be on its way out. */
	p->calm = unread > 1 ? 0 : p->calm + 1;
	/* In a small ring the consumers are still there. */
	p->ahead = is_large && p->calm <= CALM_LAPS ? BYTES : 0;
}

/*
 * Single producer: announce the claim, then see that the ring was still open.
 * The other order would let a closer miss it.
 */
static bool announce(struct dsr_producer *p, int64_t first, uint32_t n, int64_t limit)
{
	/* [CLAIM->CLOSE] relaxed, both: the fence orders them */
	dsr_store_relaxed(&p->limit, p->careful ? first + n : limit);
	dsr_store_relaxed(&p->next, first + n);
	/*
	 * [CLAIM<-CLOSE] Both stores come before the look: a closer that we do
	 * not see yet stores its limit after ours, and sees our next.
	 */
	dsr_full_fence();
	if (!is_closed(p))
		return true;
	/* Relaxed: the thread that would have read our claim as granted looks again. */
	dsr_store_relaxed(&p->next, first);
	dsr_store_relaxed(&p->limit, 0);
	return false;
}

/*
 * Takes up to @n of what @limit leaves, at least @least; -EAGAIN: wait. In the read-side
 * section.
 */
static int64_t take_single(struct dsr_producer *p, int64_t first, uint32_t n, uint32_t least,
			   int64_t limit)
{
	int64_t room = limit - first;

	if (is_closed(p))
		return -ECANCELED;
	if (room < least)
		return -EAGAIN;
	if (n > room)
		n = (uint32_t)room;
	set_ahead(p, first, limit);
	return announce(p, first, n, limit) ? first : -ECANCELED;
}

static int64_t claim_single(struct dsr_producer *p, int64_t first, uint32_t n, uint32_t least,
			    struct room *room)
{
	/* Relaxed: takes the inline call's announcement back, see dsr_claim_take(). */
	dsr_store_relaxed(&p->next, first);
	for (;;) {
		int64_t limit = look(p, room);
		int64_t taken = take_single(p, first, n, least, limit);
		int err;

		dsr_rcu_read_unlock(handle_of(p));
		if (taken != -EAGAIN)
			return taken;
		if (limit > DSR_SEQUENCE_MAX)
			return -EOVERFLOW;
		if (first - p->open + least > capacity_of(p))
			return room->deadline == DSR_NOW ? -EAGAIN : -EDEADLK;
		err = wait_for_room(p, first, least, room);
		if (err < 0)
			return err;
	}
}

/* The shared cursor is beyond all: was the ring closed, or are the sequences used up? */
static int out_of_range(const struct dsr_producer *p)
{
	/* [CLAIM<-CLOSE] Who met the closer's cursor sees that it is closed. */
	dsr_full_fence();
	return is_closed(p) ? -ECANCELED : -EOVERFLOW;
}

/* In the read-side section of the look that gave @limit. */
static int64_t granted(struct dsr_producer *p, int64_t first, uint32_t n, int64_t limit)
{
	set_ahead(p, first, limit);
	/* Relaxed: others only look how far we are, and an attacher waits for the section's end. */
	dsr_store_relaxed(&p->limit, limit);
	dsr_store_relaxed(&p->open, first);
	dsr_store_relaxed(&p->next, first + n);
	return first;
}

/* One try, as take_single(). */
static int64_t take_free(struct dsr_producer *p, uint32_t n, uint32_t least, int64_t first,
			 int64_t limit)
{
	int64_t room;

	/* First: from the closer's cursor no room can be counted, it would overflow. */
	if (first < 0)
		return out_of_range(p);
	if (is_closed(p))
		return -ECANCELED;
	room = limit - first;
	if (room < least)
		return limit > DSR_SEQUENCE_MAX ? -EOVERFLOW : -EAGAIN;
	if (n > room)
		n = (uint32_t)room;
	/* Relaxed: the order against the consumers came with limit. */
	if (dsr_compare_exchange(p->cursor, first, first + n) != first)
		return -EINTR;
	return granted(p, first, n, limit);
}

/* Many producers, a claim that may give up: take once there is room, never before. */
static int64_t claim_free(struct dsr_producer *p, uint32_t n, uint32_t least, struct room *room)
{
	for (;;) {
		/* Relaxed: a guess, which the compare-and-swap confirms or refuses. */
		int64_t first = dsr_load_relaxed(p->cursor);
		int64_t taken = take_free(p, n, least, first, look(p, room));
		int err;

		dsr_rcu_read_unlock(handle_of(p));
		if (taken == -EINTR)
			continue;
		if (taken != -EAGAIN)
			return taken;
		err = wait_for_room(p, first, least, room);
		if (err < 0)
			return err;
	}
}

/* Nobody will fill [first, first + n): put it on record for the consumers. */
static int64_t cancel(struct dsr_producer *p, int64_t first, uint32_t n, int error)
{
	/* Relaxed: the release of the end, next, orders it. */
	dsr_store_relaxed(&p->skip_first, first);
	/* [CANCEL->SKIP] The record is whole before its end shows it. */
	dsr_store_release(&p->skip_end, first + n);
	dsr_park_wake(p->published);
	return error;
}

/* The same in a ring that goes on. */
static int64_t give_back(struct dsr_producer *p, int64_t first, uint32_t n, int error)
{
	p->careful = 1;
	/* Relaxed: nobody claimed behind us, so nobody has seen it; as if it had not been. */
	if (dsr_compare_exchange(p->cursor, first + n, first) == first + n)
		return error;
	cancel(p, first, n, error);
	dsr_ring_note_skip(p->ring, first + n);
	return error;
}

/* Many producers, a claim that waits for ever: it has [first, first + n) and waits for it. */
static int64_t claim_taken(struct dsr_producer *p, int64_t first, uint32_t n, struct room *room)
{
	/* Below zero: closed; or pushed over the end by others that have failed like this. */
	if (first < 0 || first > DSR_SEQUENCE_MAX)
		return out_of_range(p);
	if (n > DSR_SEQUENCE_MAX + 1 - first)
		return cancel(p, first, (uint32_t)(DSR_SEQUENCE_MAX + 1 - first), -EOVERFLOW);
	for (;;) {
		int64_t limit = look(p, room);
		/* First, or a claim could still succeed when nobody is left to see its events. */
		bool closed = is_closed(p);
		int err;

		if (!closed && first + n <= limit)
			granted(p, first, n, limit);
		dsr_rcu_read_unlock(handle_of(p));
		if (closed)
			return cancel(p, first, n, -ECANCELED);
		if (first + n <= limit)
			return first;
		err = wait_for_room(p, first, n, room);
		if (err < 0)
			return give_back(p, first, n, err);
	}
}

/*
 * @first: single producer: where the announced claim begins; many: where the
 * taken one does, or -1 if nothing was taken.
 */
int64_t dsr_claim_slow(struct dsr_producer *p, int64_t first, uint32_t n, uint32_t least,
		       int64_t timeout)
{
	struct room room = {.deadline = DSR_FOREVER};
	struct dsr_waiter *waiter = &handle_of(p)->waiter;

	if (p->cursor && timeout == DSR_FOREVER && least == n && !p->careful) {
		first = claim_taken(p, first, n, &room);
	} else {
		room.deadline = timeout <= DSR_NOW ? DSR_NOW : dsr_deadline(timeout);
		first = p->cursor ? claim_free(p, n, least, &room)
				  : claim_single(p, first, n, least, &room);
	}
	if (waiter->turn)
		DSR_PROBE_WOKEN(p->ring, first, waiter->turn);
	dsr_waiter_end(waiter);
	if (first >= 0)
		return first;
	/*
	 * A consumer, in any place, may have gone to sleep over a claim that was just
	 * taken back.
	 */
	if (first == -ECANCELED && !p->cursor)
		dsr_ring_wake(p->ring);
	dsr_count(&handle_of(p)->failures);
	return dsr_claim_refuse(p, (int)first);
}

int dsr_producer_check(struct dsr_producer *p)
{
	int64_t self = (int64_t)pthread_self();
	int64_t owner;

	if (!p)
		return -EINVAL;
	/* Relaxed: a handle that is used rightly has one thread, or was handed over by a lock. */
	owner = dsr_load_relaxed(&p->owner);
	if (owner == 0)
		dsr_store_relaxed(&p->owner, self);
	else if (owner != self)
		return (int)dsr_claim_refuse(p, -EPERM);
	return 0;
}

int dsr_producer_tune_wait(struct dsr_producer *p, enum dsr_wait wait,
			   const struct dsr_wait_tuning *tuning)
{
	static const struct dsr_wait_tuning defaults;

	if (!tuning)
		tuning = &defaults;
	if (!p || !dsr_wait_valid(wait, tuning))
		return -EINVAL;
	if (wait == DSR_WAIT_DEFAULT || (p->ring->waits_yield && dsr_wait_spins(wait)))
		wait = DSR_WAIT_YIELD;
	dsr_waiter_set(&handle_of(p)->waiter, wait, tuning);
	return 0;
}

int dsr_producer_set_wait(struct dsr_producer *p, enum dsr_wait wait)
{
	return dsr_producer_tune_wait(p, wait, NULL);
}

static struct dsr_handle *handle_make(struct dsr_ring *ring)
{
	struct dsr_handle *handle;
	struct dsr_region region;
	struct dsr_producer *p;

	if (dsr_region_take(&region, sizeof(*handle), &ring->handle_wish, NULL) < 0)
		return NULL;
	handle = region.memory.base;
	handle->region = region;
	p = &handle->hot;
	p->slots = ring->slots;
	p->ring = ring;
	p->cursor = ring->many ? &ring->cursor : NULL;
	p->published = &ring->published;
	p->next = ring->first;
	p->open = ring->first;
	/* Not looked at the gate yet, so the first claim does. */
	p->limit = 0;
	handle->next = ring->handles;
	ring->handles = handle;
	return handle;
}

struct dsr_producer *dsr_handle_get(struct dsr_ring *ring)
{
	struct dsr_handle *handle;

	pthread_mutex_lock(&ring->lock);
	for (handle = ring->handles; handle && handle->out; handle = handle->next)
		;
	/* Relaxed: written under this lock. */
	if (dsr_load_relaxed(&ring->closed) || (!handle && ring->handles && !ring->many))
		handle = NULL;
	else if (!handle)
		handle = handle_make(ring);
	if (handle) {
		handle->out = true;
		dsr_producer_set_wait(&handle->hot, DSR_WAIT_DEFAULT);
		handle->hot.error = 0;
		/* With a hole on record it must not make another: there is room for one. */
		if (!ring->many)
			handle->hot.careful = ring->careful;
		else if (!handle->hot.skip_end)
			handle->hot.careful = dsr_ring_inside(ring);
		/* Relaxed: written under this lock, or by the one thread that has the handle. */
		dsr_store_relaxed(&handle->hot.owner, 0);
	}
	pthread_mutex_unlock(&ring->lock);
	return handle ? &handle->hot : NULL;
}

int dsr_producer_release(struct dsr_producer *p)
{
	struct dsr_handle *handle = handle_of(p);
	struct dsr_ring *ring;
	int err = 0;

	if (!p)
		return -EINVAL;
	ring = p->ring;
	pthread_mutex_lock(&ring->lock);
	if (!handle->out)
		err = -EINVAL;
	else if (p->open != p->next)
		err = -EBUSY;
	else
		handle->out = false;
	pthread_mutex_unlock(&ring->lock);
	return err;
}

void dsr_handles_free(struct dsr_ring *ring)
{
	while (ring->handles) {
		struct dsr_region region = ring->handles->region;

		ring->handles = ring->handles->next;
		dsr_region_release(&region);
	}
}
