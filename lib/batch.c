/* SPDX-License-Identifier: MIT */
/*
 * Keeping a distance
 *
 * A consumer that is as fast as its producer runs into it: it asks for the line
 * that is just being written, gets it half done, and both wait for it once
 * more. Worse, the core reads on speculatively into lines that are not written
 * yet, and each of these crosses twice. So before a consumer goes on it looks
 * PACE_BYTES ahead. If that slot is published, all up to it can be fetched at
 * full speed, many lines at a time. If it is not, but was the last time, events
 * are flowing, and it is worth a short while to let the producer get ahead. If
 * that does not help, the flow is over and the consumer takes what there is,
 * one by one, at once. So a consumer that waits for a single event, as in a
 * ping-pong, never pays; the last few events of a burst may be late by
 * PACE_LOOKS times PACE_PAUSES spin hints, about a microsecond.
 *
 * It is about speed only. Whether an event is there is for its own stamp to
 * say, so the look ahead may be relaxed, and be wrong, as with several producers
 * that publish out of order.
 */
#include <disruptor/batch.h>

#include "batch.h"
#include "consumer.h"

enum {
	PACE_BYTES = 1024,
	PACE_LOOKS = 8,
	PACE_PAUSES = 4,
};

static int64_t *stamp_of(const struct dsr_batch *batch, int64_t sequence)
{
	return dsr_slots_stamp(&batch->slots, dsr_slots_event(&batch->slots, sequence));
}

/* One that is no event lies in the batch, and max_batch counts events. */
static void make_room(struct dsr_batch *batch)
{
	int64_t last = batch->settled ? batch->settled - 1 : DSR_SEQUENCE_MAX;

	if (batch->end <= last)
		batch->end++;
}

void *dsr_batch_skip(struct dsr_batch *batch)
{
	while (batch->next != batch->end) {
		/*
		 * [OBSERVE<-PUBLISH] An aborted slot too: what its producer wrote
		 * there comes before what the next lap's does, which waits for us.
		 */
		int64_t stamp = dsr_load_acquire(stamp_of(batch, batch->next));

		if (stamp == batch->next)
			break;
		if (stamp != ~batch->next && batch->next >= batch->settled)
			return NULL;
		batch->next++;
		make_room(batch);
	}
	return dsr_batch_next(batch);
}

void *dsr_batch_next_lane(struct dsr_batch *batch)
{
	return dsr_lane_find((struct dsr_lane *)(void *)batch) ? dsr_batch_next(batch) : NULL;
}

void dsr_batch_release_lane(struct dsr_batch *batch)
{
	dsr_lane_release((struct dsr_lane *)(void *)batch);
}

bool dsr_batch_more_behind(struct dsr_batch *batch)
{
	int64_t sequence = batch->next;

	if (batch->lane && sequence == batch->end)
		return dsr_lane_find((struct dsr_lane *)(void *)batch);
	for (; !batch->settled || sequence < batch->settled; sequence++) {
		/* Relaxed: nothing is read on the strength of it, dsr_batch_next() looks again. */
		int64_t stamp = dsr_load_relaxed(stamp_of(batch, sequence));

		if (stamp == sequence)
			return true;
		if (stamp != ~sequence && !batch->settled)
			break;
	}
	return false;
}

void dsr_batch_begin(struct dsr_batch *batch, int64_t max_batch, int64_t settled)
{
	int64_t last = settled ? settled - 1 : DSR_SEQUENCE_MAX;

	batch->settled = settled;
	batch->end = batch->next > last - max_batch ? last + 1 : batch->next + max_batch;
	/* The first event is there: nothing to look ahead for. */
	if (batch->paced <= batch->next)
		batch->paced = batch->next + 1;
}

void dsr_batch_set_pace(struct dsr_batch *batch)
{
	int64_t ahead = PACE_BYTES / (int64_t)batch->slots.stride;
	int64_t most = (int64_t)(batch->slots.mask + 1) / 4;

	/* In a small ring the producer would be waiting for us, not we for it. */
	batch->ahead = ahead < most ? ahead : most;
	batch->paced = batch->ahead ? batch->next : INT64_MAX;
}

void dsr_batch_pace(struct dsr_batch *batch)
{
	int64_t left = batch->end - batch->next;
	int64_t far = left > batch->ahead ? batch->next + batch->ahead : batch->end - 1;
	int64_t looks = batch->flowing ? PACE_LOOKS : 0;

	for (;; looks--) {
		/* Relaxed: see above. */
		int64_t stamp = dsr_load_relaxed(stamp_of(batch, far));

		batch->flowing = stamp == far || stamp == ~far;
		if (batch->flowing || looks == 0)
			break;
		for (int i = 0; i < PACE_PAUSES; i++)
			dsr_relax();
	}
	batch->paced = (batch->flowing ? far : batch->next) + 1;
}
