/* SPDX-License-Identifier: MIT */
/*
 * The ring: slots, the shared cursor of many producers, and how it all ends.
 *
 * How a ring closes
 *
 * Closing has to find out which claims were granted, to the last one, so that
 * shutdown drains exactly these and no event is lost; and it must cost the
 * running producers nothing.
 *
 * Many producers share a cursor. One exchange takes its value, the first
 * sequence that nobody was granted, and leaves a negative number behind: the
 * next claim sees that it is beyond any limit, goes the cold way and learns
 * there that it is over.
 *
 * A single producer has no such word: it claims by a plain store to next, which
 * only its own thread reads. So its claim goes: store next, then load limit
 * and take next back if limit says no. The closer sets limit to 0, then runs
 * membarrier(2), and only then lets the consumers look at next. Either the
 * claim's load comes after the barrier and sees 0, or its store came before it
 * and is visible: [CLAIM->CLOSE]. What a consumer may still see is a next that
 * is just being taken back; it is one too far for an instant, so the consumer
 * looks again. The producer keeps the compiler from turning the two accesses
 * around and pays nothing else. Where membarrier(2) is refused, limit is kept
 * so low that each claim takes the cold path, which has a fence of its own.
 * (The asymmetric fence is known from Linux's sys_membarrier(2), C++'s P1202
 * and liburcu, which calls it the same.)
 *
 * Cancelled claims
 *
 * A waiting claim of many producers has taken its sequences already. When it is
 * cancelled, nobody will stamp them, and it cannot stamp them itself before the
 * consumers are done with the previous lap: it would keep a producer waiting
 * that was just told to go. So it leaves a record in its handle, and the
 * consumers, who look there once the ring is not in its normal state, step over
 * these slots as if they were stamped: [CANCEL->SKIP].
 *
 * When nobody reads
 *
 * Consumers also keep producers apart. What one of them has gone past was
 * published, so whoever is granted that slot a lap later has it alone. When the
 * last consumer has left, because its handler wanted no more, failed or was
 * halted, producers do that walk themselves, in the cold path and under the
 * lock: swept goes past what is published, aborted or cancelled, and no claim
 * gets further than a lap beyond it.
 */
#include <errno.h>

#include <disruptor/atomic.h>

#include "membarrier.h"
#include "ring.h"

uint64_t dsr_ring_stride(uint64_t event_size, uint64_t alignment)
{
	uint64_t stride = 16;

	if (event_size > UINT64_MAX / 2)
		return 0;
	event_size += sizeof(int64_t);
	if (event_size > 64)
		return (event_size + 63) / 64 * 64;
	while (stride < event_size || stride < alignment)
		stride *= 2;
	return stride;
}

int dsr_ring_init(struct dsr_ring *ring, bool many, uint64_t capacity, int64_t first)
{
	int err = -pthread_mutex_init(&ring->lock, NULL);

	if (err < 0)
		return err;
	ring->slots.mask = capacity - 1;
	ring->many = many;
	ring->careful = !dsr_membarrier_register();
	ring->first = first;
	ring->cursor = first;
	ring->end = first;
	ring->swept = first - 1;
	ring->end_at = &ring->end;
	err = dsr_sequences_init(&ring->pool, ring->careful);
	if (err < 0)
		pthread_mutex_destroy(&ring->lock);
	else
		dsr_park_init(&ring->published, &ring->pool.bells, ring->careful);
	return err;
}

void dsr_ring_fini(struct dsr_ring *ring)
{
	dsr_sequences_fini(&ring->pool);
	pthread_mutex_destroy(&ring->lock);
}

void dsr_ring_clear(struct dsr_ring *ring)
{
	uint64_t i;

	for (i = 0; i <= ring->slots.mask; i++)
		*dsr_slots_stamp(&ring->slots, dsr_slots_event(&ring->slots, (int64_t)i)) =
			DSR_STAMP_NONE;
}

/* The first sequence that nobody was granted, of many producers. */
static int64_t close_cursor(struct dsr_ring *ring)
{
	uint64_t end;

	/* [CLOSE->CLAIM] Who meets the cursor left behind also sees that the ring is closed. */
	dsr_full_fence();
	end = (uint64_t)dsr_exchange(&ring->cursor, INT64_MIN);
	/* Claims that failed with -EOVERFLOW have pushed it on, beyond the sign even. */
	return end > DSR_SEQUENCE_MAX + 1 ? DSR_SEQUENCE_MAX + 1 : (int64_t)end;
}

static void close_single(struct dsr_ring *ring)
{
	struct dsr_handle *handle = ring->handles;

	if (!handle)
		return;
	/*
	 * [CLOSE->CLAIM] A cold path that found the ring open has stored its
	 * limit before this fence, so that ours is the later one and stays.
	 */
	dsr_full_fence();
	dsr_store_relaxed(&handle->hot.limit, 0);
	/* [CLOSE<-CLAIM] Claims that did not see the 0 have made their next visible. */
	dsr_heavy_fence();
	ring->end_at = &handle->hot.next;
}

/* Closes it, if it is not yet, and tells the consumers so: at once, or they might see only half. */
static void close_and_tell(struct dsr_ring *ring, int64_t what)
{
	pthread_mutex_lock(&ring->lock);
	/* Relaxed: written under this lock only. */
	if (!dsr_load_relaxed(&ring->closed)) {
		dsr_store_relaxed(&ring->closed, 1);
		if (ring->many)
			ring->end = close_cursor(ring);
		else
			close_single(ring);
	}
	/*
	 * [SEAL->NOTICE] Where the end is to be read comes before that there is one.
	 * [HALT->NOTICE] What the caller did before is seen by on_stop().
	 */
	dsr_store_release(&ring->state, dsr_load_relaxed(&ring->state) | what);
	pthread_mutex_unlock(&ring->lock);
	dsr_ring_wake(ring);
}

void dsr_ring_close(struct dsr_ring *ring)
{
	close_and_tell(ring, DSR_RING_SEALED);
}

void dsr_ring_halt(struct dsr_ring *ring)
{
	close_and_tell(ring, DSR_RING_SEALED | DSR_RING_HALTED);
}

void dsr_ring_note_skip(struct dsr_ring *ring, int64_t end)
{
	pthread_mutex_lock(&ring->lock);
	if (ring->skips_end < end)
		/* Relaxed: the state, next, orders it. */
		dsr_store_relaxed(&ring->skips_end, end);
	/* [SEAL->NOTICE] The record, in a handle, comes before the hint to look for it. */
	dsr_store_release(&ring->state, dsr_load_relaxed(&ring->state) | DSR_RING_SKIPS);
	pthread_mutex_unlock(&ring->lock);
	dsr_park_wake(&ring->published);
}

void dsr_ring_wake(struct dsr_ring *ring)
{
	dsr_park_wake(&ring->published);
	dsr_sequences_wake(&ring->pool);
}

/* With the lock held. */
static bool was_cancelled(const struct dsr_ring *ring, int64_t sequence)
{
	struct dsr_handle *handle;
	bool found = false;

	for (handle = ring->handles; handle && !found; handle = handle->next) {
		/* [SKIP<-CANCEL] The end is seen before the first is read. */
		int64_t end = dsr_load_acquire(&handle->hot.skip_end);

		found = sequence < end && sequence >= dsr_load_relaxed(&handle->hot.skip_first);
	}
	return found;
}

/* With the lock held: is nobody writing there any more? */
static bool is_settled(const struct dsr_ring *ring, int64_t sequence)
{
	void *event = dsr_slots_event(&ring->slots, sequence);
	/* [OBSERVE<-PUBLISH] Who published there has written before the next lap does. */
	int64_t stamp = dsr_load_acquire(dsr_slots_stamp(&ring->slots, event));

	return stamp == sequence || stamp == ~sequence || was_cancelled(ring, sequence);
}

int64_t dsr_ring_settled(const struct dsr_ring *ring, int64_t sequence, int64_t end)
{
	while (sequence < end && is_settled(ring, sequence))
		sequence++;
	return sequence;
}

static int64_t sweep(struct dsr_ring *ring)
{
	int64_t swept;

	pthread_mutex_lock(&ring->lock);
	ring->swept = dsr_ring_settled(ring, ring->swept + 1, DSR_SEQUENCE_MAX + 1) - 1;
	swept = ring->swept;
	pthread_mutex_unlock(&ring->lock);
	return swept;
}

int64_t dsr_ring_limit(struct dsr_ring *ring, struct dsr_sequence **lowest)
{
	uint64_t capacity = ring->slots.mask + 1;
	/* [SNAPSHOT<-ATTACH] The set is whole, and its sequences are where they begin. */
	const struct dsr_gate *gate = (void *)(intptr_t)dsr_load_acquire(&ring->gate);
	int64_t limit = dsr_gate_limit(gate, capacity, lowest);

	return limit == DSR_GATE_OPEN ? dsr_gate_limit_after(sweep(ring), capacity) : limit;
}

void dsr_ring_abandon(struct dsr_ring *ring, int64_t done)
{
	pthread_mutex_lock(&ring->lock);
	if (ring->swept < done)
		ring->swept = done;
	pthread_mutex_unlock(&ring->lock);
}

int dsr_ring_window(struct dsr_ring *ring, int64_t *oldest, int64_t *now)
{
	int64_t capacity = (int64_t)ring->slots.mask + 1;
	struct dsr_handle *handle;
	int err = 0;

	pthread_mutex_lock(&ring->lock);
	/* Relaxed: written under this lock. */
	if (dsr_load_relaxed(&ring->closed))
		err = -ECANCELED;
	*oldest = ring->first;
	for (handle = ring->handles; handle; handle = handle->next) {
		/*
		 * Relaxed: limits of before the grace period are visible by it. Those
		 * since then go no further than the new consumer lets them.
		 */
		int64_t limit = dsr_load_relaxed(&handle->hot.limit);

		if (limit - capacity > *oldest)
			*oldest = limit - capacity;
	}
	if (now)
		*now = dsr_ring_settled(ring, *oldest, DSR_SEQUENCE_MAX + 1);
	pthread_mutex_unlock(&ring->lock);
	return err;
}

int64_t dsr_ring_claimed(const struct dsr_ring *ring)
{
	/* Relaxed: for observers, who may be a moment late. */
	if (!ring->many)
		return ring->handles ? dsr_load_relaxed(&ring->handles->hot.next) : ring->first;
	return dsr_load_relaxed(&ring->closed) ? ring->end : dsr_load_relaxed(&ring->cursor);
}

enum dsr_verdict dsr_ring_verdict(struct dsr_ring *ring, int64_t state, int64_t sequence)
{
	bool cancelled;

	if (state & DSR_RING_HALTED)
		return DSR_HALTED;
	/*
	 * Relaxed: a single producer's next was made visible by the closer, and
	 * the acquire load that gave @state came after; of many producers, end
	 * was written before it. Unsigned: a next that is just being taken back
	 * may lie beyond all sequences.
	 */
	if (state & DSR_RING_SEALED &&
	    (uint64_t)sequence >= (uint64_t)dsr_load_relaxed(ring->end_at))
		return DSR_DRAINED;
	/*
	 * Relaxed: written before the state said so. While the ring runs, holes are few
	 * and past.
	 */
	if (!(state & DSR_RING_SEALED) && sequence >= dsr_load_relaxed(&ring->skips_end))
		return DSR_GO_ON;
	pthread_mutex_lock(&ring->lock);
	cancelled = was_cancelled(ring, sequence);
	pthread_mutex_unlock(&ring->lock);
	return cancelled ? DSR_SKIP : DSR_GO_ON;
}

static __thread const struct dsr_ring *inside;
static __thread struct dsr_hold *held;

void dsr_ring_belong(const struct dsr_ring *ring)
{
	inside = ring;
}

void dsr_ring_enter(struct dsr_hold *hold)
{
	hold->next = held;
	held = hold;
}

void dsr_ring_let_go(void)
{
	held = NULL;
}

bool dsr_ring_inside(const struct dsr_ring *ring)
{
	return inside == ring;
}

static int64_t lower(int64_t limit, const struct dsr_hold *hold)
{
	uint64_t capacity = hold->ring->slots.mask + 1;
	int64_t other = dsr_gate_limit_of(hold->sequence, capacity);

	if (other == DSR_GATE_OPEN && hold->taken)
		other = dsr_gate_limit_of(hold->taken, capacity);
	return other < limit ? other : limit;
}

int64_t dsr_ring_held(struct dsr_ring *ring)
{
	int64_t self = (int64_t)pthread_self(), limit = DSR_GATE_OPEN;
	const struct dsr_hold *hold;

	if (dsr_ring_inside(ring))
		for (hold = held; hold; hold = hold->next)
			limit = lower(limit, hold);
	pthread_mutex_lock(&ring->lock);
	for (hold = ring->polled; hold; hold = hold->next)
		/* Relaxed: the thread's own, or another's. */
		if (dsr_load_relaxed(&hold->thread) == self)
			limit = lower(limit, hold);
	pthread_mutex_unlock(&ring->lock);
	return limit;
}
