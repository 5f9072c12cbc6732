/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_GATE_H
#define DSR_LIB_GATE_H

#include <disruptor/sequence.h>

/**
 * struct dsr_gate - the consumers that a producer must not lap
 *
 * Those that nobody follows. Of a claiming group, what it has taken comes before
 * its workers' own sequences, and is read first (consumer.c tells why).
 *
 * Constant while a reader can have it: the graph makes a new one and waits for a
 * grace period (graph.c).
 */
struct dsr_gate {
	uint32_t count;
	struct dsr_sequence *sequences[];
};

/* Beyond any limit: no consumer is left. */
#define DSR_GATE_OPEN INT64_MAX

/*
 * First sequence that is not free: each below it may be claimed and written; or
 * DSR_GATE_OPEN. Computed anew from where the consumers are, never added up.
 * @lowest receives whose sequence says so, or NULL.
 */
int64_t dsr_gate_limit(const struct dsr_gate *gate, uint64_t capacity,
		       struct dsr_sequence **lowest);

/* The same as far as one consumer goes. */
int64_t dsr_gate_limit_of(const struct dsr_sequence *consumer, uint64_t capacity);

/* The same for somebody who is done with all up to @done. */
int64_t dsr_gate_limit_after(int64_t done, uint64_t capacity);

#endif
