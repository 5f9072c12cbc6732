/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_BATCH_H
#define DISRUPTOR_BATCH_H

/**
 * A batch is a run of published events, taken by the consumer it belongs to:
 *
 *	struct tick *t;
 *
 *	while ((t = dsr_batch_next(batch)))
 *		total += t->price;
 *
 * It goes on as long as the next event is there, up to the handler's
 * max_batch; nothing is called per event. The slots go back to the producers
 * when the handler returns, all at once, or earlier by dsr_batch_release().
 * A handler that leaves before NULL gives back what it took; the rest begins
 * the next batch.
 *
 * Threads: the consumer's own, inside its handler; a poller's, up to its next poll.
 */

#include <disruptor/slot.h>

DSR_BEGIN_DECLS

/**
 * struct dsr_batch - a consumer's place in the ring
 * @next:     the sequence to look at next
 * @end:      the batch does not go beyond: first sequence + max_batch
 * @current:  the sequence last taken; the first sequence - 1 before
 * @slots:    where the slots are
 * @sequence: where the consumer tells the producers how far it is
 * @paced:    events before it are taken without asking dsr_batch_pace()
 * @settled:  the ones before it are known to be done with by those that the
 *	      consumer follows, or to be its worker's: what is not an event there
 *	      never will be. 0: nobody knows, the stamps have to tell
 * @lane:     a worker's: behind @end there may be more
 *
 * The consumer's own, nobody else's business. Read no field yourself.
 */
struct dsr_batch {
	int64_t next;
	int64_t end;
	int64_t current;
	struct dsr_slots slots;
	struct dsr_sequence *sequence;
	int64_t paced;
	int64_t settled;
	int64_t lane;
	int64_t reserved[5];
};

DSR_STATIC_ASSERT(sizeof(struct dsr_batch) == 120, "inline code was compiled for it");
DSR_STATIC_ASSERT(offsetof(struct dsr_batch, slots) == 24, "inline code was compiled for it");
DSR_STATIC_ASSERT(offsetof(struct dsr_batch, paced) == 56, "inline code was compiled for it");

/* Behind the inline calls: keep a distance, step over aborted slots. Not for direct use. */
void dsr_batch_pace(struct dsr_batch *batch);
DSR_COLD void *dsr_batch_skip(struct dsr_batch *batch);
DSR_COLD void *dsr_batch_next_lane(struct dsr_batch *batch);
DSR_COLD bool dsr_batch_more_behind(struct dsr_batch *batch);
DSR_COLD void dsr_batch_release_lane(struct dsr_batch *batch);

/**
 * dsr_batch_next() - take the next event of the batch
 *
 * Where events have come without a break it may pause for 2 to 4 us, while it measures
 * that they get through faster for it (lib/pace.c): the end of a long burst is late by that.
 *
 * Ordering: what the producer wrote before it published is seen.
 * Return: the event, to read and change until it is released; NULL: no more.
 */
DSR_INLINE void *dsr_batch_next(struct dsr_batch *batch)
{
	int64_t sequence = batch->next;
	void *event = dsr_slots_event(&batch->slots, sequence);

	if (dsr_unlikely(sequence == batch->end))
		return batch->lane ? dsr_batch_next_lane(batch) : NULL;
	if (dsr_unlikely(sequence >= batch->paced))
		dsr_batch_pace(batch);
	/* [OBSERVE<-PUBLISH] The stamp is seen before the event is read. */
	if (dsr_unlikely(dsr_load_acquire(dsr_slots_stamp(&batch->slots, event)) != sequence))
		return dsr_batch_skip(batch);
	batch->current = sequence;
	batch->next = sequence + 1;
	return event;
}

/** dsr_batch_sequence() - the sequence of the event last taken */
DSR_INLINE int64_t dsr_batch_sequence(const struct dsr_batch *batch)
{
	return batch->current;
}

/**
 * dsr_batch_more() - would dsr_batch_next() find an event now?
 *
 * Takes nothing. Once true it stays true until the event is taken.
 */
DSR_INLINE bool dsr_batch_more(struct dsr_batch *batch)
{
	int64_t sequence = batch->next;
	int64_t stamp;

	if (sequence == batch->end)
		return batch->lane ? dsr_batch_more_behind(batch) : false;
	/* Relaxed: no event is read on the strength of it. */
	stamp = dsr_load_relaxed(
		dsr_slots_stamp(&batch->slots, dsr_slots_event(&batch->slots, sequence)));
	if (stamp != sequence && dsr_unlikely(stamp == ~sequence || sequence < batch->settled))
		return dsr_batch_more_behind(batch);
	return stamp == sequence;
}

/**
 * dsr_batch_release() - give the slots of all events taken so far back now
 *
 * The producers may fill them at once: no event taken before, this one
 * included, may be touched any more. A worker of a claiming group that has
 * released all it had taken holds nobody back while it goes on with what it
 * copied (workers.h).
 */
DSR_INLINE void dsr_batch_release(struct dsr_batch *batch)
{
	if (dsr_unlikely(batch->lane)) {
		dsr_batch_release_lane(batch);
		return;
	}
	/*
	 * [CONSUME->RECLAIM] We are done with the events before a producer writes there again.
	 * [CONSUME->FOLLOW] And what we changed in them comes before who follows us reads it.
	 */
	dsr_store_release(&batch->sequence->value, batch->next - 1);
	dsr_park_notify(&batch->sequence->park);
}

DSR_END_DECLS

#endif
