/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_RING_H
#define DSR_LIB_RING_H

#include <pthread.h>

#include <disruptor/producer.h>

#include "gate.h"

/* What dsr_ring.state tells the consumers, bit by bit; 0 while all is normal. */
enum {
	DSR_RING_SKIPS = 1,  /* a cancelled claim is on record: look there before waiting on */
	DSR_RING_SEALED = 2, /* no sequence from *end_at on will come */
	DSR_RING_HALTED = 4, /* stop, whatever is left */
};

/* What a consumer that finds no event is to do about its sequence. */
enum dsr_verdict {
	DSR_GO_ON,
	DSR_SKIP,
	DSR_DRAINED,
	DSR_HALTED,
};

/* A producer's handle, in a page of its own. */
struct dsr_handle {
	struct dsr_producer hot;
	struct dsr_handle *next; /* under dsr_ring.lock */
	bool out;                /* under dsr_ring.lock: somebody has it */
};

/**
 * struct dsr_ring - what producers and consumers share, beside the slots
 *
 * Three parts, each on its own lines, by who writes them.
 */
struct dsr_ring {
	/* dsr_start() writes; constant once a second thread runs. */
	struct dsr_slots slots;
	struct dsr_gate gate;
	int64_t first;
	bool many;
	bool careful; /* no membarrier(2): single producers fence on every claim */
	bool one_cpu; /* who spins keeps the others from running */

	/*
	 * Written when the ring closes and for each hole, so hardly ever while
	 * consumers run; read by everybody who waits. Plain fields are under
	 * the lock, or ordered by @state.
	 */
	int64_t closed DSR_ALIGNED(DSR_CACHELINE); /* claims are over */
	int64_t state;
	const int64_t *end_at; /* where to read the first sequence that will not come */
	int64_t end;           /* many producers: it is here */
	int64_t skips_end;     /* no cancelled claim from here on, while the ring is open */
	int64_t swept; /* all up to here is published or will not be; read without consumers */
	pthread_mutex_t lock; /* handles, closing, sweeping */
	struct dsr_handle *handles;

	/* Every producer of many writes it with every claim. */
	int64_t cursor DSR_ALIGNED(DSR_CACHELINE);
	char pad[DSR_CACHELINE - sizeof(int64_t)];
};

_Static_assert(offsetof(struct dsr_ring, closed) % DSR_CACHELINE == 0, "own lines");
_Static_assert(offsetof(struct dsr_ring, cursor) % DSR_CACHELINE == 0, "own lines");
_Static_assert(sizeof(struct dsr_ring) == offsetof(struct dsr_ring, cursor) + DSR_CACHELINE,
	       "nothing beside the cursor");

/* Bytes from slot to slot; 0 if the event is too large to count. */
uint64_t dsr_ring_stride(uint64_t event_size, uint64_t alignment);

int dsr_ring_init(struct dsr_ring *ring, bool many, uint64_t capacity, int64_t first);
void dsr_ring_fini(struct dsr_ring *ring);

/* Stamps every slot as fresh. @ring->slots must be set. */
void dsr_ring_clear(struct dsr_ring *ring);

/* First sequence that is not free, for a producer. Any thread. */
int64_t dsr_ring_limit(struct dsr_ring *ring);

/* The consumer at @own has ended: nobody waits for it any more. Its own thread. */
void dsr_ring_leave(struct dsr_ring *ring, struct dsr_sequence *own);

/* No claim succeeds from here on; consumers learn where the end is. Any thread, any number. */
void dsr_ring_close(struct dsr_ring *ring);
void dsr_ring_halt(struct dsr_ring *ring);
void dsr_ring_note_skip(struct dsr_ring *ring, int64_t end);

/* A consumer found neither event nor abort at @sequence, and @state was not 0. */
enum dsr_verdict dsr_ring_verdict(struct dsr_ring *ring, int64_t state, int64_t sequence);

/* The calling thread is, or is no longer, the consumer at @own of @ring. */
void dsr_ring_enter(const struct dsr_ring *ring, const struct dsr_sequence *own);
/* The caller's own position if it is a consumer of @ring, else NULL. */
const struct dsr_sequence *dsr_ring_inside(const struct dsr_ring *ring);

#endif
