/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_PRODUCER_H
#define DISRUPTOR_PRODUCER_H

/**
 * A producer claims slots, fills them in place and publishes them.
 *
 *	struct tick *t = dsr_claim(p);
 *
 *	if (t) {
 *		t->price = 1.5;
 *		dsr_publish(p);
 *	}
 *
 * A handle belongs to one thread at a time. A disruptor built for a single
 * producer has one handle; one built for many gives each thread its own. The
 * calls are the same for both; so is what a consumer sees.
 *
 * What was claimed and is neither published nor aborted yet is the open claim.
 * It is dealt with from its front: dsr_publish_n() and dsr_abort_n() take the
 * next n of it, dsr_publish() and dsr_abort() the rest. On a single producer a
 * further claim adds to the open one, so that a batch can grow as input comes.
 * With several producers somebody else's slots may lie between, so there the
 * open claim has to be dealt with first (-EBUSY).
 *
 * An event keeps what it held one lap ago: fill every field, or clear it. An
 * open claim holds up every consumer behind it: publish or abort soon.
 */

#include <errno.h>

#include <disruptor/slot.h>
#include <disruptor/wait.h>

DSR_BEGIN_DECLS

struct dsr_disruptor;
struct dsr_ring;

/**
 * struct dsr_producer - one thread's way into the ring
 * @next:	first sequence not claimed by this handle
 * @open:	first sequence claimed and not dealt with; @next if none
 * @limit:	sequences below it are free for certain. It may lag behind the
 *		consumers and never leads them: an old value only sends us to
 *		the cold path too early. 0 once the ring is closed
 * @slots:	where the slots are
 * @cursor:	many producers: first sequence nobody has claimed, shared by
 *		all handles; NULL: single producer, @next is all there is
 * @ring:	what the cold path needs
 * @owner:	debug builds: the thread that claims with this handle
 * @error:	why the last claim that failed did
 * @skip_first:	many producers: the claim that was cancelled while it waited, if
 * @skip_end:	any, covers [skip_first, skip_end): nobody will fill these
 * @careful:	single producer: every claim takes the cold path, for its fence;
 *		many: take nothing before there is room (producer.c says when)
 * @ahead:	each stamp asks for the line so many bytes on, to write to it; 0: not
 * @calm:	how many laps in a row consumers had read all there was
 * @published:	where those sleep who wait for a stamp; constant
 *
 * The producing thread writes it all, but for @limit, which shutdown sets to 0
 * once. Shutdown and draining consumers read @next and the skip range; so do
 * dsr_attach_*() with @limit and dsr_snapshot_take() with @open. The
 * page lies on the node of the thread that asked for the handle. Read no field
 * yourself: they are here for the inline calls below.
 */
struct dsr_producer {
	int64_t next;
	int64_t open;
	int64_t limit;
	struct dsr_slots slots;
	int64_t *cursor;
	struct dsr_ring *ring;
	int64_t owner;
	int64_t error;
	int64_t skip_first;
	int64_t skip_end;
	int64_t careful;
	int64_t ahead;
	int64_t calm;
	struct dsr_park *published;
} DSR_ALIGNED(DSR_CACHELINE);

DSR_STATIC_ASSERT(sizeof(struct dsr_producer) == DSR_CACHELINE, "inline code was compiled for it");
DSR_STATIC_ASSERT(offsetof(struct dsr_producer, limit) == 16, "inline code was compiled for it");
DSR_STATIC_ASSERT(offsetof(struct dsr_producer, slots) == 24, "inline code was compiled for it");
DSR_STATIC_ASSERT(offsetof(struct dsr_producer, cursor) == 48, "inline code was compiled for it");

/**
 * dsr_producer() - a handle to claim and publish with
 * @d: a started disruptor
 *
 * Call it on the thread that will produce: the handle's memory is taken there.
 * A single-producer disruptor has one handle, and hands it out again only after
 * dsr_producer_release().
 *
 * Threads: any. Return: NULL if @d is NULL, shut down, out of memory, or a
 * single producer whose handle is out. Handles end with dsr_destroy().
 */
struct dsr_producer *dsr_producer(struct dsr_disruptor *d);

/**
 * dsr_producer_release() - give a handle back
 *
 * The next dsr_producer(), on whichever thread, may return it again. That is
 * also how a handle moves to another thread.
 *
 * Threads: the handle's. Return: 0; -EBUSY with a claim open; -EINVAL.
 */
int dsr_producer_release(struct dsr_producer *p);

/**
 * dsr_producer_tune_wait() - how this handle waits for a free slot
 * @tuning: parameters of @wait, copied; NULL: the defaults
 *
 * Threads: the handle's. Return: 0; -EINVAL, also for DSR_WAIT_CUSTOM without
 * a turn.
 */
int dsr_producer_tune_wait(struct dsr_producer *p, enum dsr_wait wait,
			   const struct dsr_wait_tuning *tuning);

/** dsr_producer_set_wait() - the same with the defaults */
int dsr_producer_set_wait(struct dsr_producer *p, enum dsr_wait wait);

/* Behind the inline calls; not for direct use. */
DSR_COLD int64_t dsr_claim_slow(struct dsr_producer *p, int64_t first, uint32_t n, uint32_t least,
				int64_t timeout);
DSR_COLD int dsr_producer_check(struct dsr_producer *p);
DSR_COLD int64_t dsr_claim_refuse(struct dsr_producer *p, int error);

/* Debug builds: is the handle there, and this thread's? Release builds: no code. */
DSR_INLINE int dsr_producer_guard(struct dsr_producer *p)
{
	return DSR_DEBUG ? dsr_producer_check(p) : 0;
}

/* Fetches for writing. On x86 the compiler has no word for it that every target accepts. */
DSR_INLINE void dsr_prefetch_for_write(void *line)
{
#if defined(__x86_64__)
	__asm__ __volatile__("prefetchw %0" : : "m"(*(char *)line));
#else
	__builtin_prefetch(line, 1);
#endif
}

/*
 * Takes at least @least and at most @n sequences; the first of them, or a
 * negative errno. Only the common case is here.
 *
 * Single producer: @next is announced before @limit is looked at, and the cold
 * path takes it back if the look says no. So a closer that sets @limit to 0,
 * makes every running thread fence with membarrier(2) and then reads @next
 * knows each claim that got through: [CLAIM->CLOSE], see producer.c.
 *
 * Many producers: a claim that waits for ever takes first and then waits if it
 * has to (fetch-add: no loop under contention). One that may give up takes only
 * what is free (compare-and-swap), so that failing leaves no hole. The order
 * against the consumers is in @limit, which this thread computed from an
 * acquire load of theirs, so taking need not order anything.
 */
DSR_INLINE_ALWAYS int64_t dsr_claim_take(struct dsr_producer *p, uint32_t n, uint32_t least,
					 int64_t timeout)
{
	int64_t first;
	int err = dsr_producer_guard(p);

	if (dsr_unlikely(err < 0))
		return err;
	if (dsr_unlikely((uint64_t)n - 1 > p->slots.mask))
		return dsr_claim_refuse(p, -EINVAL);
	if (!p->cursor) {
		first = p->next;
		/* [CLAIM->CLOSE] relaxed: the light fence and membarrier(2) order it */
		dsr_store_relaxed(&p->next, (int64_t)((uint64_t)first + n));
		dsr_light_fence();
		/* [CLAIM<-CLOSE] relaxed, likewise */
		if (dsr_unlikely((uint64_t)first + n > (uint64_t)dsr_load_relaxed(&p->limit)))
			return dsr_claim_slow(p, first, n, least, timeout);
		return first;
	}
	if (dsr_unlikely(p->open != p->next))
		return dsr_claim_refuse(p, -EBUSY);
	if (timeout == DSR_FOREVER && least == n && !p->careful) {
		/* Relaxed: who gets which sequence is all it decides, see above. */
		first = dsr_fetch_add(p->cursor, n);
		if (dsr_unlikely((uint64_t)first + n > (uint64_t)p->limit))
			return dsr_claim_slow(p, first, n, least, timeout);
	} else {
		/* Relaxed: a guess, which the compare-and-swap confirms or refuses. */
		first = dsr_load_relaxed(p->cursor);
		if (dsr_unlikely((uint64_t)first + n > (uint64_t)p->limit) ||
		    dsr_compare_exchange(p->cursor, first, first + n) != first)
			return dsr_claim_slow(p, -1, n, least, timeout);
	}
	/* Relaxed, both: others only look how far we are. */
	dsr_store_relaxed(&p->open, first);
	dsr_store_relaxed(&p->next, first + n);
	return first;
}

/**
 * dsr_event() - the event of a sequence that was claimed
 *
 * Threads: the handle's. Return: the event; it is the caller's until published.
 */
DSR_INLINE void *dsr_event(const struct dsr_producer *p, int64_t sequence)
{
	return dsr_slots_event(&p->slots, sequence);
}

/**
 * dsr_claim_n() - claim n events in a row
 * @n:	     1 to the ring's capacity
 * @timeout: nanoseconds to wait for room, DSR_NOW or DSR_FOREVER (wait.h)
 *
 * All n or none. The n sequences follow each other; dsr_event() finds each
 * event, also across the end of the ring.
 *
 * Threads: the handle's. Return: the first sequence; -EINVAL for n;
 * -EAGAIN (DSR_NOW) or -ETIMEDOUT if there is no room; -ECANCELED once the
 * disruptor is being shut down; -EDEADLK if only the caller could make room (a
 * handler of the same ring, the thread that polls it, or a single producer's open
 * claim); -EBUSY with a
 * claim open, many producers; -EOVERFLOW beyond the last sequence; -EPERM on
 * another thread than the handle's, -EINVAL for a NULL one, debug builds. Nothing
 * is claimed then. Of many producers, -EOVERFLOW for n may leave none of the last
 * sequences for less, and -EDEADLK may use up n, which consumers step over.
 */
DSR_INLINE int64_t dsr_claim_n(struct dsr_producer *p, uint32_t n, int64_t timeout)
{
	return dsr_claim_take(p, n, n, timeout);
}

/**
 * dsr_claim_up_to() - claim as many as there are, at most n, in a row
 * @n: in: 1 to the ring's capacity; out: how many were claimed, at least 1;
 *     as it was if none
 *
 * Waits, if at all, for the first one only. Otherwise as dsr_claim_n().
 */
DSR_INLINE int64_t dsr_claim_up_to(struct dsr_producer *p, uint32_t *n, int64_t timeout)
{
	int64_t first = dsr_claim_take(p, *n, 1, timeout);

	if (dsr_likely(first >= 0))
		*n = (uint32_t)(p->next - first);
	return first;
}

/**
 * dsr_claim_for() - claim one event, waiting so long for room
 * @timeout: as dsr_claim_n()
 *
 * Threads: the handle's. Return: the event, or NULL; then dsr_claim_error()
 * tells why, as dsr_claim_n() would.
 */
DSR_INLINE void *dsr_claim_for(struct dsr_producer *p, int64_t timeout)
{
	int64_t first = dsr_claim_take(p, 1, 1, timeout);

	return dsr_likely(first >= 0) ? dsr_event(p, first) : NULL;
}

/** dsr_claim() - claim one event; NULL only if none will ever be free: shut down, mostly */
DSR_INLINE void *dsr_claim(struct dsr_producer *p)
{
	return dsr_claim_for(p, DSR_FOREVER);
}

/** dsr_try_claim() - claim one event if a slot is free now */
DSR_INLINE void *dsr_try_claim(struct dsr_producer *p)
{
	return dsr_claim_for(p, DSR_NOW);
}

/**
 * dsr_claim_error() - why the last claim on this handle that failed did
 *
 * Threads: the handle's. Return: a negative errno; 0 if none has failed.
 */
DSR_INLINE int dsr_claim_error(const struct dsr_producer *p)
{
	return (int)p->error;
}

/* Stamps the open claim up to @end: with the sequence, or with its complement. */
DSR_INLINE void dsr_claim_stamp(struct dsr_producer *p, int64_t end, int64_t flip)
{
	/* Copies: for all the compiler knows, a stamp may be one of ours. */
	struct dsr_slots slots = p->slots;
	int64_t sequence = p->open, ahead = p->ahead;

	for (; sequence != end; sequence++) {
		void *event = dsr_slots_event(&slots, sequence);

		/* [PUBLISH->OBSERVE] The event is written before its stamp is seen. */
		dsr_store_release(dsr_slots_stamp(&slots, event), sequence ^ flip);
		if (ahead)
			dsr_prefetch_for_write((char *)event + ahead);
	}
	/* Relaxed: others only look how far we are. */
	dsr_store_relaxed(&p->open, end);
	dsr_park_notify(p->published);
}

/* Deals with the whole open claim, one way or the other. */
DSR_INLINE int64_t dsr_claim_settle(struct dsr_producer *p, int64_t flip)
{
	int64_t open, next;
	int err = dsr_producer_guard(p);

	if (dsr_unlikely(err < 0))
		return err;
	open = p->open;
	next = p->next;
	dsr_claim_stamp(p, next, flip);
	return next - open;
}

/* Deals with the first @n of it. */
DSR_INLINE int64_t dsr_claim_settle_n(struct dsr_producer *p, uint32_t n, int64_t flip)
{
	int err = dsr_producer_guard(p);

	if (dsr_unlikely(err < 0))
		return err;
	if (dsr_unlikely((uint64_t)n - 1 >= (uint64_t)(p->next - p->open)))
		return -EINVAL;
	dsr_claim_stamp(p, p->open + n, flip);
	return n;
}

/**
 * dsr_publish() - let the consumers see the open claim
 *
 * In order, one by one; never waits. Allowed after shutdown has begun: a claim
 * that was granted is part of what shutdown drains.
 *
 * Threads: the handle's. Ordering: what this thread wrote before is seen by
 * whoever sees the event. Return: how many; 0 if nothing was open; -EPERM on
 * another thread than the handle's, -EINVAL for a NULL one, debug builds.
 */
DSR_INLINE int64_t dsr_publish(struct dsr_producer *p)
{
	return dsr_claim_settle(p, 0);
}

/**
 * dsr_publish_n() - let the consumers see the first n of the open claim
 *
 * Threads: the handle's. Return: n; -EINVAL if n is 0 or more than is open, and
 * nothing is published; -EPERM as dsr_publish().
 */
DSR_INLINE int64_t dsr_publish_n(struct dsr_producer *p, uint32_t n)
{
	return dsr_claim_settle_n(p, n, 0);
}

/**
 * dsr_abort() - give the open claim up: no handler will see these events
 *
 * The sequences are used up; consumers step over them.
 *
 * Threads: the handle's. Return: as dsr_publish().
 */
DSR_INLINE int64_t dsr_abort(struct dsr_producer *p)
{
	return dsr_claim_settle(p, -1);
}

/** dsr_abort_n() - give up the first n of the open claim; as dsr_publish_n() otherwise */
DSR_INLINE int64_t dsr_abort_n(struct dsr_producer *p, uint32_t n)
{
	return dsr_claim_settle_n(p, n, -1);
}

DSR_END_DECLS

#endif
