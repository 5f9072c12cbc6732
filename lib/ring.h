/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_RING_H
#define DSR_LIB_RING_H

#include <pthread.h>

#include <disruptor/producer.h>

#include "gate.h"
#include "sequence.h"
#include "wait.h"

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

/* A producer's handle, in pages of its own. */
struct dsr_handle {
	struct dsr_producer hot;
	struct dsr_waiter waiter; /* the producer's, for room */
	int64_t reads;            /* of the gate, begun and ended: odd within one */
	int64_t failures;         /* claims that failed, for observers */
	struct dsr_handle *next;  /* constant */
	struct dsr_region region; /* constant: where it lies */
	bool out;                 /* under dsr_ring.lock: somebody has it */
};

/*
 * What a consumer holds of a ring: nobody gets a lap past @sequence; nor, while a
 * claiming worker has nothing in hand, past @taken, which it moves on with others.
 */
struct dsr_hold {
	struct dsr_hold *next;
	const struct dsr_ring *ring;
	const struct dsr_sequence *sequence;
	const struct dsr_sequence *taken; /* NULL: it is no claiming worker */
	int64_t thread;                   /* a poller's: who polled last */
};

/**
 * struct dsr_ring - what producers and consumers share, beside the slots
 *
 * Four parts, each on its own lines, by who writes them.
 */
struct dsr_ring {
	/* dsr_start() writes; constant once a second thread runs. */
	struct dsr_slots slots;
	struct dsr_sequences pool; /* its inside is under its own lock */
	int64_t first;
	bool many;
	bool careful;     /* no membarrier(2): who publishes, and who claims, fences */
	bool waits_yield; /* who spins keeps the others from running */
	struct dsr_wish handle_wish;

	/*
	 * Written when the ring closes, for each hole and when consumers come or
	 * go, so hardly ever while they run; read by everybody who waits. Plain
	 * fields are under the lock, or ordered by @state.
	 */
	int64_t closed DSR_ALIGNED(DSR_CACHELINE); /* claims are over */
	int64_t state;
	int64_t gate;          /* struct dsr_gate *, the graph's; read under RCU */
	const int64_t *end_at; /* where to read the first sequence that will not come */
	int64_t end;           /* many producers: it is here */
	int64_t skips_end;     /* no cancelled claim from here on, while the ring is open */
	int64_t swept; /* all up to here is published or will not be; read without consumers */
	pthread_mutex_t lock; /* handles, pollers, closing, sweeping */
	struct dsr_handle *handles;
	struct dsr_hold *polled; /* the pollers' */

	/* Who goes to sleep over a stamp writes it; every publisher reads it. */
	struct dsr_park published DSR_ALIGNED(DSR_CACHELINE);

	/* Every producer of many writes it with every claim. */
	int64_t cursor DSR_ALIGNED(DSR_CACHELINE);
	char pad[DSR_CACHELINE - sizeof(int64_t)];
};

_Static_assert(offsetof(struct dsr_ring, closed) % DSR_CACHELINE == 0, "own lines");
_Static_assert(offsetof(struct dsr_ring, published) % DSR_CACHELINE == 0, "own lines");
_Static_assert(offsetof(struct dsr_ring, cursor) % DSR_CACHELINE == 0, "own lines");
_Static_assert(sizeof(struct dsr_ring) == offsetof(struct dsr_ring, cursor) + DSR_CACHELINE,
	       "nothing beside the cursor");

/* Bytes from slot to slot; 0 if the event is too large to count. */
uint64_t dsr_ring_stride(uint64_t event_size, uint64_t alignment);

/* The gate, and where more sequences and handles are to go, are still to be set. */
int dsr_ring_init(struct dsr_ring *ring, bool many, uint64_t capacity, int64_t first);
void dsr_ring_fini(struct dsr_ring *ring);

/* Stamps every slot as fresh. @ring->slots must be set. */
void dsr_ring_clear(struct dsr_ring *ring);

/*
 * First sequence that is not free, for a producer. @lowest receives the consumer
 * that it waits for; NULL: there is none, it waits for other producers. Any
 * thread, within dsr_rcu_read_lock().
 */
int64_t dsr_ring_limit(struct dsr_ring *ring, struct dsr_sequence **lowest);

/* The gate is about to be empty, and all up to @done is published or will not be. */
void dsr_ring_abandon(struct dsr_ring *ring, int64_t done);

/*
 * Where a consumer may begin that every producer's next look at the gate will
 * find, a grace period after it was put there: from the oldest event that none
 * of them may overwrite to the first that is not published, which takes a look at
 * all in between (@now may be NULL). -ECANCELED: closed.
 */
int dsr_ring_window(struct dsr_ring *ring, int64_t *oldest, int64_t *now);

/* No claim succeeds from here on; consumers learn where the end is. Any thread, any number. */
void dsr_ring_close(struct dsr_ring *ring);
void dsr_ring_halt(struct dsr_ring *ring);
void dsr_ring_note_skip(struct dsr_ring *ring, int64_t end);

/* Whoever sleeps, over whatever: look again. */
void dsr_ring_wake(struct dsr_ring *ring);

/* A consumer found neither event nor abort at @sequence, and @state was not 0. */
enum dsr_verdict dsr_ring_verdict(struct dsr_ring *ring, int64_t state, int64_t sequence);

/* First sequence that nobody has claimed; for observers. With the lock held. */
int64_t dsr_ring_claimed(const struct dsr_ring *ring);

/*
 * From @sequence on, the first one before @end that is not published and may still be.
 * Lock held.
 */
int64_t dsr_ring_settled(const struct dsr_ring *ring, int64_t sequence, int64_t end);

/* The calling thread is one of @ring's consumers from here on. */
void dsr_ring_belong(const struct dsr_ring *ring);
/* ... and has this in hand beside what it had. */
void dsr_ring_enter(struct dsr_hold *hold);
/* ... and has nothing any more, though it is still one of its threads. */
void dsr_ring_let_go(void);
/* Is the caller one of @ring's? */
bool dsr_ring_inside(const struct dsr_ring *ring);
/*
 * First sequence that is not free as long as the caller does not go on; DSR_GATE_OPEN: no
 * matter.
 */
int64_t dsr_ring_held(struct dsr_ring *ring);

#endif
