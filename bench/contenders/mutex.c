/* SPDX-License-Identifier: MIT */
/* A ring under a mutex, with a condition variable each for "not empty" and "not full". */
#include <stdlib.h>
#include <string.h>

#include "../course.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	uint64_t put, got, mask;
	uint64_t *slots;
} DSR_ALIGNED(DSR_CACHELINE);

static struct queue *queue_open(const struct course *c, bool latency)
{
	struct queue *q = aligned_alloc(DSR_CACHELINE, sizeof(*q));
	size_t bytes = (size_t)c->capacity * c->words * 8;

	(void)latency;
	if (!q)
		return NULL;
	memset(q, 0, sizeof(*q));
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->filled, NULL);
	pthread_cond_init(&q->emptied, NULL);
	q->mask = c->capacity - 1;
	/* Touched, or the run would pay for its pages. */
	q->slots = malloc(bytes);
	if (!q->slots) {
		free(q);
		return NULL;
	}
	memset(q->slots, 0, bytes);
	return q;
}

static void queue_close(struct queue *q)
{
	pthread_cond_destroy(&q->emptied);
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
	free(q->slots);
	free(q);
}

#define QUEUE_BLOCKS
#define QUEUE_HAS_RUNS_ONLY
ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	uint32_t done;

	(void)many;
	pthread_mutex_lock(&q->lock);
	while (q->put - q->got > q->mask)
		pthread_cond_wait(&q->emptied, &q->lock);
	for (done = 0; done < n && q->put - q->got <= q->mask; done++, q->put++)
		memcpy(q->slots + (q->put & q->mask) * words, events + done * words, words * 8);
	pthread_cond_signal(&q->filled);
	pthread_mutex_unlock(&q->lock);
	return done;
}

ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	uint32_t done;

	(void)many;
	pthread_mutex_lock(&q->lock);
	while (q->put == q->got)
		pthread_cond_wait(&q->filled, &q->lock);
	for (done = 0; done < n && q->put != q->got; done++, q->got++)
		memcpy(events + done * words, q->slots + (q->got & q->mask) * words, words * 8);
	pthread_cond_broadcast(&q->emptied);
	pthread_mutex_unlock(&q->lock);
	return done;
}

#include "../loops.h"

const struct contender mutex_contender = {
	.name = "mutex and condition",
	.slower = 10,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.paced = paced,
	.sizes = true,
};
