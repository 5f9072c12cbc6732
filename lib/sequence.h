/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_SEQUENCE_H
#define DSR_LIB_SEQUENCE_H

#include <disruptor/sequence.h>

#include "park.h"
#include "region.h"

/* So many sequences, beside each other; never moved and never freed while the ring is there. */
struct dsr_sequence_block {
	struct dsr_sequence_block *next;
	struct dsr_sequence *sequences;
	uint64_t used; /* a bit for each */
	uint32_t count;
	struct dsr_region region; /* of its own, unless it is the ring's first */
};

enum { DSR_SEQUENCES_A_BLOCK = 32 };

/**
 * struct dsr_sequences - all sequences of a ring
 *
 * One that is given back may be handed out again, but it stays a sequence, so
 * that who still has a pointer, a sleeper say, may look at it and is woken.
 */
struct dsr_sequences {
	pthread_mutex_t lock;
	struct dsr_sequence_block *blocks; /* under lock */
	struct dsr_bells bells;
	struct dsr_wish wish; /* for more of them */
	bool careful;
};

int dsr_sequences_init(struct dsr_sequences *pool, bool careful);
void dsr_sequences_fini(struct dsr_sequences *pool);

/* Uses these first: @count of them, on memory that is somebody else's. */
int dsr_sequences_add(struct dsr_sequences *pool, struct dsr_sequence *sequences, uint32_t count);

/* One that stands at @value; NULL: no memory. */
struct dsr_sequence *dsr_sequences_get(struct dsr_sequences *pool, int64_t value);
void dsr_sequences_put(struct dsr_sequences *pool, struct dsr_sequence *sequence);

/* Wakes whoever sleeps over any of them. */
void dsr_sequences_wake(struct dsr_sequences *pool);

#endif
