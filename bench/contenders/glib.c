/* SPDX-License-Identifier: MIT */
/*
 * GLib's GAsyncQueue: a list of pointers under a mutex, and a condition that consumers
 * wait at. The events that the pointers show lie in the producers' own rings (credit.h).
 * Runs are put, and taken, in one go under its lock.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "credit.h"

struct queue {
	GAsyncQueue *pointers DSR_ALIGNED(DSR_CACHELINE);
	uint64_t *events;
	struct credit credits[PRODUCERS_MAX];
};

static struct queue *queue_open(const struct course *c, bool latency)
{
	struct queue *q = aligned_alloc(DSR_CACHELINE, sizeof(*q));

	(void)latency;
	if (!q)
		return NULL;
	q->events = calloc(c->capacity, c->words * 8);
	if (!q->events) {
		free(q);
		return NULL;
	}
	q->pointers = g_async_queue_new();
	credits_open(q->credits, c);
	return q;
}

static void queue_close(struct queue *q)
{
	g_async_queue_unref(q->pointers);
	free(q->events);
	free(q);
}

#define QUEUE_BLOCKS
#define QUEUE_HAS_RUNS_ONLY
ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	uint32_t producer = credit_of(events, many), i;
	uint64_t *filled[BATCH_MAX];

	n = credit_for(&q->credits[producer], n);
	for (i = 0; i < n; i++) {
		filled[i] = q->events + credit_slot(q->credits, producer) * words;
		credit_take(q->credits, producer, 1);
		memcpy(filled[i], events + i * words, words * 8);
	}
	if (!n)
		return 0;
	g_async_queue_lock(q->pointers);
	for (i = 0; i < n; i++)
		g_async_queue_push_unlocked(q->pointers, filled[i]);
	g_async_queue_unlock(q->pointers);
	return n;
}

/* Sleeps until there is something. */
ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	uint64_t *filled[BATCH_MAX];
	uint32_t i, done = 1;

	g_async_queue_lock(q->pointers);
	filled[0] = (uint64_t *)g_async_queue_pop_unlocked(q->pointers);
	while (done < n && (filled[done] = g_async_queue_try_pop_unlocked(q->pointers)))
		done++;
	g_async_queue_unlock(q->pointers);
	for (i = 0; i < done; i++) {
		memcpy(events + i * words, filled[i], words * 8);
		credit_return(&q->credits[credit_of(filled[i], many)]);
	}
	return done;
}

#include "../loops.h"

const struct contender glib_contender = {
	.name = "GAsyncQueue",
	.slower = 10,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.paced = paced,
	.sizes = true,
};
