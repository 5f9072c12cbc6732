/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RUST_H
#define BENCH_RUST_H

/**
 * Rust's queues: rust.rs makes each of them known by its calls, one for a run of
 * events. A contender's file says which kind it is, and includes loops.h.
 *
 *	RUST_KIND	one of enum rust_kind
 *	RUST_UNBOUNDED	its producers have credit (credit.h)
 */

#include <stdlib.h>

#include "credit.h"

enum rust_kind { RUST_ARRAY, RUST_CHANNEL, RUST_MPSC, RUST_SYNC_MPSC };

/* As struct Calls in rust.rs. */
struct rust_calls {
	void *(*open)(size_t capacity, size_t producers);
	void (*close)(void *queue);
	size_t (*put)(const void *queue, size_t producer, const uint64_t *events, size_t n);
	size_t (*get)(const void *queue, uint64_t *events, size_t n);
};

struct rust_calls rust_calls(uint32_t kind, uint32_t words);

struct queue {
	struct rust_calls calls DSR_ALIGNED(DSR_CACHELINE);
	void *rust;
	struct credit credits[PRODUCERS_MAX];
};

static struct queue *queue_open(const struct course *c, bool latency)
{
	struct queue *q = aligned_alloc(DSR_CACHELINE, sizeof(*q));

	(void)latency;
	if (!q)
		return NULL;
	q->calls = rust_calls(RUST_KIND, c->words);
	q->rust = q->calls.open(c->capacity, c->producers);
	credits_open(q->credits, c);
	return q;
}

static void queue_close(struct queue *q)
{
	q->calls.close(q->rust);
	free(q);
}

#define QUEUE_HAS_RUNS_ONLY
ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	uint32_t producer = credit_of(events, many);

	(void)words;
#ifdef RUST_UNBOUNDED
	n = credit_for(&q->credits[producer], n);
	credit_take(q->credits, producer, n);
#endif
	return n ? (uint32_t)q->calls.put(q->rust, producer, events, n) : 0;
}

ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	uint32_t done = (uint32_t)q->calls.get(q->rust, events, n);

#ifdef RUST_UNBOUNDED
	uint32_t i;

	for (i = 0; i < done; i++)
		credit_return(&q->credits[credit_of(events + i * words, many)]);
#else
	(void)words;
	(void)many;
#endif
	return done;
}

#endif
