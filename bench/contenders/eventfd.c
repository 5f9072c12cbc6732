/* SPDX-License-Identifier: MIT */
/*
 * A plain ring for one producer with an eventfd(2) as the doorbell, as an event loop
 * would have it: a write for each event, or run, adds to the counter, and a read takes
 * all that it has counted, or sleeps. The counter says what there is to read; how far the
 * consumer is it tells by a word of its own, at which the producer waits if need be.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../course.h"

struct queue {
	/* Constant. */
	uint64_t *slots DSR_ALIGNED(DSR_CACHELINE);
	uint64_t mask;
	int bell;
	/* The producer's. */
	uint64_t put DSR_ALIGNED(DSR_CACHELINE);
	uint64_t limit;
	/* The consumer's: what it has heard of and not read yet. */
	uint64_t ready DSR_ALIGNED(DSR_CACHELINE);
	/* The consumer writes, the producer reads. */
	int64_t got DSR_ALIGNED(DSR_CACHELINE);
};

static struct queue *queue_open(const struct course *c, bool latency)
{
	struct queue *q = aligned_alloc(DSR_CACHELINE, sizeof(*q));

	(void)latency;
	if (!q)
		return NULL;
	*q = (struct queue){.mask = c->capacity - 1, .limit = c->capacity};
	q->slots = calloc(c->capacity, c->words * 8);
	q->bell = eventfd(0, EFD_CLOEXEC);
	if (!q->slots || q->bell < 0) {
		if (q->bell >= 0)
			close(q->bell);
		free(q->slots);
		free(q);
		return NULL;
	}
	return q;
}

static void queue_close(struct queue *q)
{
	close(q->bell);
	free(q->slots);
	free(q);
}

/* How many of @n there is room for. */
ALWAYS uint32_t room(struct queue *q, uint32_t n)
{
	if (q->put + n > q->limit)
		/* [RECLAIM<-CONSUME] The consumer has read what is written over next. */
		q->limit = (uint64_t)dsr_load_acquire(&q->got) + q->mask + 1;
	return q->limit - q->put < n ? (uint32_t)(q->limit - q->put) : n;
}

/* The calls themselves order what is written before with what is read after. */
ALWAYS void ring(int bell, uint64_t count)
{
	while (write(bell, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

ALWAYS uint64_t hear(int bell)
{
	uint64_t count = 0;

	while (read(bell, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	return count;
}

#define QUEUE_BLOCKS
#define QUEUE_HAS_RUNS_ONLY
ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	uint32_t i;

	(void)many;
	n = room(q, n);
	if (!n)
		return 0;
	for (i = 0; i < n; i++, q->put++)
		memcpy(q->slots + (q->put & q->mask) * words, events + i * words, words * 8);
	ring(q->bell, n);
	return n;
}

ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	uint64_t got = (uint64_t)dsr_load_relaxed(&q->got);
	uint32_t i;

	(void)many;
	if (!q->ready)
		q->ready = hear(q->bell);
	if (q->ready < n)
		n = (uint32_t)q->ready;
	for (i = 0; i < n; i++, got++)
		memcpy(events + i * words, q->slots + (got & q->mask) * words, words * 8);
	q->ready -= n;
	/* [CONSUME->RECLAIM] All before is read. */
	dsr_store_release(&q->got, (int64_t)got);
	return n;
}

#include "../loops.h"

const struct contender eventfd_contender = {
	.name = "eventfd",
	.slower = 10,
	.stream = stream,
	.pingpong = pingpong,
	.paced = paced,
	.sizes = true,
};
