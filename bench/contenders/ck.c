/* SPDX-License-Identifier: MIT */
/* Concurrency Kit's ck_ring, with the events in the ring. It has no call for several at once. */
#include <ck_ring.h>
#include <stdlib.h>
#include <string.h>

#include "../course.h"

struct event1 {
	uint64_t words[1];
};
struct event4 {
	uint64_t words[4];
};
struct event7 {
	uint64_t words[7];
};
CK_RING_PROTOTYPE(event1, event1)
CK_RING_PROTOTYPE(event4, event4)
CK_RING_PROTOTYPE(event7, event7)

struct queue {
	ck_ring_t ring DSR_ALIGNED(DSR_CACHELINE);
	void *slots DSR_ALIGNED(DSR_CACHELINE);
};

static struct queue *queue_open(const struct course *c, bool latency)
{
	struct queue *q = aligned_alloc(DSR_CACHELINE, sizeof(*q));

	(void)latency;
	if (!q)
		return NULL;
	ck_ring_init(&q->ring, c->capacity);
	q->slots = aligned_alloc(DSR_CACHELINE, (size_t)c->capacity * 64);
	if (q->slots)
		memset(q->slots, 0, (size_t)c->capacity * 64);
	return q;
}

static void queue_close(struct queue *q)
{
	free(q->slots);
	free(q);
}

#define PUT(type)                                                                                \
	(many ? ck_ring_enqueue_mpsc_##type(&q->ring, q->slots, (struct type *)(uintptr_t)event) \
	      : ck_ring_enqueue_spsc_##type(&q->ring, q->slots, (struct type *)(uintptr_t)event))
#define GET(type)                                                                     \
	(many ? ck_ring_dequeue_mpsc_##type(&q->ring, q->slots, (struct type *)event) \
	      : ck_ring_dequeue_spsc_##type(&q->ring, q->slots, (struct type *)event))

ALWAYS bool queue_put(struct queue *q, const uint64_t *event, uint32_t words, bool many)
{
	return words == 1 ? PUT(event1) : words == 4 ? PUT(event4) : PUT(event7);
}

ALWAYS bool queue_get(struct queue *q, uint64_t *event, uint32_t words, bool many)
{
	return words == 1 ? GET(event1) : words == 4 ? GET(event4) : GET(event7);
}

#include "../loops.h"

const struct contender ck_contender = {
	.name = "ck_ring",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.in_turn = true,
};
