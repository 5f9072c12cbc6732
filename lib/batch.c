/* SPDX-License-Identifier: MIT */
#include <disruptor/batch.h>

static int64_t *stamp_of(const struct dsr_batch *batch, int64_t sequence)
{
	return dsr_slots_stamp(&batch->slots, dsr_slots_event(&batch->slots, sequence));
}

void *dsr_batch_skip(struct dsr_batch *batch)
{
	for (;;) {
		/*
		 * [OBSERVE<-PUBLISH] An aborted slot too: what its producer wrote
		 * there comes before what the next lap's does, which waits for us.
		 */
		int64_t stamp = dsr_load_acquire(stamp_of(batch, batch->next));

		if (stamp == batch->next)
			break;
		if (stamp != ~batch->next)
			return NULL;
		/* max_batch counts events: what is not one does not count. */
		batch->next++;
		if (batch->end <= DSR_SEQUENCE_MAX)
			batch->end++;
	}
	return dsr_batch_next(batch);
}

bool dsr_batch_more_behind(const struct dsr_batch *batch)
{
	int64_t sequence = batch->next;

	/* Relaxed: nothing is read on the strength of it, dsr_batch_next() looks again. */
	while (dsr_load_relaxed(stamp_of(batch, sequence)) == ~sequence)
		sequence++;
	return dsr_load_relaxed(stamp_of(batch, sequence)) == sequence;
}
