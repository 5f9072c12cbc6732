/* SPDX-License-Identifier: MIT */
#include <disruptor/batch.h>

#include "batch.h"
#include "consumer.h"

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
