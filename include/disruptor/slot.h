/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_SLOT_H
#define DISRUPTOR_SLOT_H

/**
 * A slot is an event followed, in its last 8 bytes, by a stamp.
 *
 * The stamp is the whole handshake between producers and consumers. Publishing
 * sequence s stores s there; a consumer that waits for s polls that very word.
 * So one cache line crosses from core to core (event and stamp together, as
 * long as the event has at most 56 bytes) where a ring with a cursor moves two,
 * the cursor's and the event's. It also makes one and many producers alike to
 * a consumer: whoever filled the slot, in whichever order, the stamp says so.
 * FastForward (Giacomoni et al., PPoPP 2008) put the "full" mark into the slot
 * first, for queues of pointers; a full 64-bit sequence per slot lets every
 * consumer look at its own pace.
 *
 * A claim that is given up stamps ~s: no sequence, so the test for s needs no
 * second look unless it fails. A fresh slot holds INT64_MIN, which is neither
 * for any s that a consumer can wait for, DSR_SEQUENCE_MAX + 1 included.
 *
 * Stride: event and stamp, rounded up to a power of two below 64 bytes and to
 * a multiple of 64 above, so that small slots never straddle a line and large
 * ones never share one.
 */

#include <disruptor/atomic.h>
#include <disruptor/sequence.h>

DSR_BEGIN_DECLS

#define DSR_STAMP_NONE INT64_MIN

/**
 * struct dsr_slots - where the slots are; copied into every handle that uses them
 * @base:   slot 0
 * @mask:   capacity - 1
 * @stride: bytes from slot to slot
 *
 * Threads: written before any thread sees it, constant after.
 */
struct dsr_slots {
	char *base;
	uint64_t mask;
	uint64_t stride;
};

/* The event of @sequence. No check: whether it may be touched is the caller's knowledge. */
DSR_INLINE void *dsr_slots_event(const struct dsr_slots *slots, int64_t sequence)
{
	return slots->base + ((uint64_t)sequence & slots->mask) * slots->stride;
}

/* The stamp of the slot that begins at @event. */
DSR_INLINE int64_t *dsr_slots_stamp(const struct dsr_slots *slots, void *event)
{
	return (int64_t *)(void *)((char *)event + slots->stride - sizeof(int64_t));
}

DSR_END_DECLS

#endif
