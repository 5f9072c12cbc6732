/* SPDX-License-Identifier: MIT */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

/*
 * What scenarios have in common: a disruptor with small plain events, handlers that
 * write down what they saw, threads that publish.
 */

#include <disruptor/disruptor.h>

#include "model.h"

/* Plain, so that a read that races with the next lap's write is seen. */
struct event {
	int64_t number; /* the sequence, written by who claimed it */
	int64_t mark;   /* who was here last, of those that write */
};

/**
 * struct tally - what a handler saw
 * @seen:   a bit for each sequence, from world.first on
 * @mark:   not 0: it writes this into each event
 * @behind: not 0: the mark that it has to find there
 * @stop_at: below zero: never; else it wants no more after that one
 * @answer: what it returns then
 */
struct tally {
	const char *name;
	uint64_t seen;
	int64_t last;
	int64_t mark, behind;
	int64_t stop_at;
	int answer;
	int reason; /* of on_stop() */
	bool stopped;
};

struct world {
	struct dsr_builder *builder;
	struct dsr_disruptor *d;
	int64_t first;
};

extern struct world world;

enum { SEEN_BY_NONE = 0, NEVER = -1 };

/* A builder for @capacity events. */
void world_build(bool many, uint64_t capacity);
/* A handler that fills @tally, which is cleared but for what @like says. */
struct dsr_handler world_handler(struct tally *tally, const char *name);
/* The same in the builder, waiting by sched_yield(). */
void world_add(struct tally *tally, const char *name, const char *const *after);
/* How a handler goes to sleep at once. */
struct dsr_wait_tuning world_parks_at_once(void);
/* Starts it, and gives names for the trace. */
void world_start(void);
/* A handle, with names. */
struct dsr_producer *world_producer(const char *name);
/* Shuts down, checks that all is given back. The scenario's own threads have ended. */
void world_end(void);
/* The last step of it, when all threads have been joined by other means. */
void world_destroy(void);

/* Claims one and publishes it. 0, or why not. */
int world_publish(struct dsr_producer *p, int64_t timeout);
/* Writes the event of a claimed sequence. */
void world_fill(struct dsr_producer *p, int64_t sequence);
int world_see(void *event, int64_t sequence, bool end_of_batch, void *state);
void world_stopped(void *state, int reason);

/* Bits for @count sequences from @first on. */
uint64_t world_bits(int64_t first, int64_t count);

/* A thread of its own that publishes so many; on a handle that exists already. */
struct publisher {
	struct dsr_producer *p;
	int count;
	int published; /* out */
	int error;     /* out: of the claim that failed; 0: none did */
};

void world_publisher(void *publisher);

#endif
