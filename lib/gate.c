/* SPDX-License-Identifier: MIT */
#include <disruptor/atomic.h>

#include "gate.h"

int64_t dsr_gate_limit_after(int64_t done, uint64_t capacity)
{
	/* At the end of the sequences the sum would overflow; nothing lies there. */
	if (done > DSR_SEQUENCE_MAX - (int64_t)capacity)
		return DSR_SEQUENCE_MAX + 1;
	return done + 1 + (int64_t)capacity;
}

int64_t dsr_gate_limit_of(const struct dsr_sequence *consumer, uint64_t capacity)
{
	/*
	 * [RECLAIM<-CONSUME] The consumer's reads of its slots are over before
	 * the caller writes there.
	 */
	int64_t done = dsr_load_acquire(&consumer->value);

	return done >= DSR_SEQUENCE_IDLE ? DSR_GATE_OPEN : dsr_gate_limit_after(done, capacity);
}

int64_t dsr_gate_limit(const struct dsr_gate *gate, uint64_t capacity, struct dsr_sequence **lowest)
{
	int64_t limit = DSR_GATE_OPEN;
	uint32_t i;

	*lowest = NULL;
	for (i = 0; i < gate->count; i++) {
		int64_t other = dsr_gate_limit_of(gate->sequences[i], capacity);

		if (other < limit) {
			limit = other;
			*lowest = gate->sequences[i];
		}
	}
	return limit;
}
