/* SPDX-License-Identifier: MIT */
/*
 * What the machine can do: not a queue to use. For latency one line each way
 * that the other side polls, two mailboxes. For throughput a ring whose last word
 * says by its own value that it is new: no stamp, no sequence, and the consumer
 * tells how far it is once in a quarter of the ring only.
 */
#include <stdlib.h>

#include "../course.h"

struct queue {
	/* Constant. */
	char *base DSR_ALIGNED(DSR_CACHELINE);
	uint64_t mask, stride;
	bool latency;
	/* The producer's. */
	uint64_t put DSR_ALIGNED(DSR_CACHELINE);
	uint64_t limit;
	/* The consumer's. */
	uint64_t got DSR_ALIGNED(DSR_CACHELINE);
	/* The consumer writes, the producer reads. */
	int64_t done DSR_ALIGNED(DSR_CACHELINE);
};

static struct queue *queue_open(const struct course *c, bool latency)
{
	uint64_t stride = c->words == 7 ? 64 : c->words * 8;
	uint64_t slots = latency ? 1 : c->capacity;
	struct queue *q = aligned_alloc(DSR_CACHELINE, sizeof(*q));
	size_t bytes = (slots * stride + DSR_CACHELINE - 1) / DSR_CACHELINE * DSR_CACHELINE;

	if (!q)
		return NULL;
	*q = (struct queue){.mask = slots - 1, .stride = stride, .latency = latency};
	q->limit = slots;
	q->base = aligned_alloc(DSR_CACHELINE, bytes);
	if (!q->base) {
		free(q);
		return NULL;
	}
	for (size_t i = 0; i < bytes; i++)
		q->base[i] = 0;
	return q;
}

static void queue_close(struct queue *q)
{
	free(q->base);
	free(q);
}

ALWAYS bool has_room(struct queue *q)
{
	if (q->latency || q->put < q->limit)
		return true;
	/* [RECLAIM<-CONSUME] The consumer has read what is written over next. */
	q->limit = (uint64_t)dsr_load_acquire(&q->done) + q->mask + 1;
	return q->put < q->limit;
}

ALWAYS bool queue_put(struct queue *q, const uint64_t *event, uint32_t words, bool many)
{
	uint64_t *slot = (uint64_t *)(void *)(q->base + (q->put & q->mask) * q->stride);
	uint32_t k;

	(void)many;
	if (!has_room(q))
		return false;
	for (k = 0; k + 1 < words; k++)
		slot[k] = event[k];
	/* [PUBLISH->OBSERVE] One more than it is: never the 0 that was there at first. */
	dsr_store_release((int64_t *)&slot[words - 1], (int64_t)event[words - 1] + 1);
	q->put++;
	return true;
}

ALWAYS bool queue_get(struct queue *q, uint64_t *event, uint32_t words, bool many)
{
	uint64_t *slot = (uint64_t *)(void *)(q->base + (q->got & q->mask) * q->stride);
	/* [OBSERVE<-PUBLISH] The last word is seen before the others are read. */
	uint64_t last = (uint64_t)dsr_load_acquire((int64_t *)&slot[words - 1]);
	uint32_t k;

	(void)many;
	if (last != q->got + words)
		return false;
	for (k = 0; k + 1 < words; k++)
		event[k] = slot[k];
	event[words - 1] = last - 1;
	q->got++;
	if (!q->latency && (q->got & q->mask >> 2) == 0)
		/* [CONSUME->RECLAIM] All before is read. */
		dsr_store_release(&q->done, (int64_t)q->got);
	return true;
}

#include "../loops.h"

/*
 * Larger events are written and read in place: with the copies that a queue makes of them
 * it would not be the least that they cost.
 */
ALWAYS uint64_t *slot_of(struct queue *q, uint64_t n)
{
	return (uint64_t *)(void *)(q->base + (n & q->mask) * q->stride);
}

static void produce_in_place(void *queue, const struct course *c, uint64_t tag, uint64_t end)
{
	struct queue *q = queue;
	uint32_t last = c->words - 1;

	for (; tag != end; tag++, q->put++) {
		uint64_t *slot = slot_of(q, q->put);

		while (!has_room(q))
			pass(c->yield);
		event_fill(slot, last, tag);
		/* [PUBLISH->OBSERVE] One more than it is, as above. */
		dsr_store_release((int64_t *)&slot[last], (int64_t)(tag + last + 1));
	}
}

static void consume_in_place(void *queue, const struct course *c, const struct finish *finish,
			     struct checker *out)
{
	struct queue *q = queue;
	struct checker checker = {0, 0, 0, NULL};
	uint64_t end = c->warmup + c->events;
	uint32_t last = c->words - 1;

	/* It cannot lose one and go on: who waits in vain waits for the producer, too. */
	(void)finish;
	for (; q->got != end; q->got++) {
		uint64_t *slot = slot_of(q, q->got);

		/* [OBSERVE<-PUBLISH] The last word is seen before the others are read. */
		while ((uint64_t)dsr_load_acquire((int64_t *)&slot[last]) != q->got + c->words)
			pass(c->yield);
		event_check(&checker, slot, last, false);
		checker.sum += slot[last] - 1;
		if ((q->got & q->mask >> 2) == 0)
			/* [CONSUME->RECLAIM] All before is read. */
			dsr_store_release(&q->done, (int64_t)q->got);
	}
	*out = checker;
}

static int stream_floor(const struct course *c, struct outcome *outcome)
{
	struct queue *q;
	int err;

	if (c->words <= 7)
		return stream(c, outcome);
	q = queue_open(c, false);
	if (!q)
		return -ENOMEM;
	err = threads_stream(c, q, produce_in_place, consume_in_place, outcome);
	queue_close(q);
	return err;
}

const struct contender floor_contender = {
	.name = "floor",
	.slower = 1,
	.stream = stream_floor,
	.pingpong = pingpong,
	.paced = paced,
	.sizes = true,
};
