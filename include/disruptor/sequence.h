/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_SEQUENCE_H
#define DISRUPTOR_SEQUENCE_H

/**
 * Sequences number the events of a ring: 0, 1, 2 and on, or from wherever
 * dsr_first_sequence() put the start. They are int64_t so that a call can
 * return either a sequence or a negative errno in one register. At a thousand
 * million events a second they last 292 years; a claim beyond
 * DSR_SEQUENCE_MAX is -EOVERFLOW and nothing wraps.
 */

#include <disruptor/compiler.h>

#define DSR_SEQUENCE_MAX (INT64_MAX - 2)

/* A consumer that has ended stands here: past everything, so that it holds nobody back. */
#define DSR_SEQUENCE_ENDED INT64_MAX

/**
 * struct dsr_sequence - how far one consumer has come
 * @value: the highest sequence it is done with; one less than the first
 *	   sequence before it has done any
 *
 * Alone on its lines: its consumer writes it once per batch, every producer
 * reads it when it runs out of room.
 */
struct dsr_sequence {
	int64_t value;
	char pad[DSR_CACHELINE - sizeof(int64_t)];
} DSR_ALIGNED(DSR_CACHELINE);

DSR_STATIC_ASSERT(sizeof(struct dsr_sequence) == DSR_CACHELINE, "one sequence, its own lines");

#endif
