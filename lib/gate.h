/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_GATE_H
#define DSR_LIB_GATE_H

#include <disruptor/sequence.h>

/**
 * struct dsr_gate - the consumers that a producer must not lap
 *
 * Constant once the disruptor runs: a consumer leaves by moving its sequence to
 * DSR_SEQUENCE_ENDED.
 */
struct dsr_gate {
	struct dsr_sequence *sequences;
	uint32_t count;
};

/* Beyond any limit: no consumer is left. */
#define DSR_GATE_OPEN INT64_MAX

/*
 * First sequence that is not free: each below it may be claimed and written; or
 * DSR_GATE_OPEN. Computed anew from where the consumers are, never added up.
 */
int64_t dsr_gate_limit(const struct dsr_gate *gate, uint64_t capacity);

/* The same as far as one consumer goes. */
int64_t dsr_gate_limit_of(const struct dsr_sequence *consumer, uint64_t capacity);

/* The same for somebody who is done with all up to @done. */
int64_t dsr_gate_limit_after(int64_t done, uint64_t capacity);

#endif
