/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_PARK_H
#define DSR_LIB_PARK_H

#include <pthread.h>

#include <disruptor/sequence.h>

/* Who waits by a file descriptor, and where; all under dsr_bells.lock but @fd. */
struct dsr_bell {
	struct dsr_bell *next;
	struct dsr_park *park; /* armed there; NULL: not armed */
	int fd;
};

/* All bells of a ring. */
struct dsr_bells {
	pthread_mutex_t lock;
	struct dsr_bell *first; /* under lock */
	int64_t armed;          /* how many */
};

int dsr_bells_init(struct dsr_bells *bells);
void dsr_bells_fini(struct dsr_bells *bells);

/* Makes the descriptor: 0 or a negative errno. Not armed yet, and readable: look first. */
int dsr_bell_init(struct dsr_bells *bells, struct dsr_bell *bell);
void dsr_bell_fini(struct dsr_bells *bells, struct dsr_bell *bell);

/* Not readable, and armed at @park: look once more after it. */
void dsr_bell_arm(struct dsr_bells *bells, struct dsr_bell *bell, struct dsr_park *park);
/* There is something to do: readable, whether or not it was armed. */
void dsr_bell_ring(struct dsr_bells *bells, struct dsr_bell *bell);
bool dsr_bell_is_armed(struct dsr_bells *bells, struct dsr_bell *bell);

/* @careful: there is no membarrier(2), so who wakes has to fence. */
void dsr_park_init(struct dsr_park *park, struct dsr_bells *bells, bool careful);

/*
 * Counts the caller as one who sleeps here, for every change from now on. Look once more
 * after it.
 */
void dsr_park_enter(struct dsr_park *park);
void dsr_park_leave(struct dsr_park *park);

/* To be taken before the last look ... */
int64_t dsr_park_ticket(const struct dsr_park *park);
/* ... and handed in here: sleeps until a wake later than the ticket, a signal or @deadline. */
void dsr_park_sleep(struct dsr_park *park, int64_t ticket, int64_t deadline);

#endif
