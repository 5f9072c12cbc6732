/* SPDX-License-Identifier: MIT */
/* Concurrency Kit's ck_ring, with the events in the ring. It has no call for several at once. */
#include <ck_ring.h>
#include <stdlib.h>
#include <string.h>

#include "../course.h"

/* Its calls are made for a type. */
#define EVENT(n)                   \
	struct event##n {          \
		uint64_t words[n]; \
	};                         \
	CK_RING_PROTOTYPE(event##n, event##n)
EVENT(1)
EVENT(4)
EVENT(7)
EVENT(8)
EVENT(15)
EVENT(31)
EVENT(127)
EVENT(512)

struct queue {
	ck_ring_t ring DSR_ALIGNED(DSR_CACHELINE);
	void *slots DSR_ALIGNED(DSR_CACHELINE);
};

static struct queue *queue_open(const struct course *c, bool latency)
{
	struct queue *q = aligned_alloc(DSR_CACHELINE, sizeof(*q));
	size_t bytes = (size_t)c->capacity * c->words * 8;

	(void)latency;
	if (!q)
		return NULL;
	ck_ring_init(&q->ring, c->capacity);
	bytes = (bytes + DSR_CACHELINE - 1) & ~(DSR_CACHELINE - 1ul);
	q->slots = aligned_alloc(DSR_CACHELINE, bytes);
	if (!q->slots) {
		free(q);
		return NULL;
	}
	memset(q->slots, 0, bytes);
	return q;
}

static void queue_close(struct queue *q)
{
	free(q->slots);
	free(q);
}

#define PUT(n)                                                                     \
	(many ? ck_ring_enqueue_mpsc_event##n(&q->ring, q->slots,                  \
					      (struct event##n *)(uintptr_t)event) \
	      : ck_ring_enqueue_spsc_event##n(&q->ring, q->slots,                  \
					      (struct event##n *)(uintptr_t)event))
#define GET(n)                                                                              \
	(many ? ck_ring_dequeue_mpsc_event##n(&q->ring, q->slots, (struct event##n *)event) \
	      : ck_ring_dequeue_spsc_event##n(&q->ring, q->slots, (struct event##n *)event))

/* By size: known when a loop is compiled up to 7 words. */
#define SIZED(words, CALL)            \
	((words) == 1     ? CALL(1)   \
	 : (words) == 4   ? CALL(4)   \
	 : (words) == 7   ? CALL(7)   \
	 : (words) == 8   ? CALL(8)   \
	 : (words) == 15  ? CALL(15)  \
	 : (words) == 31  ? CALL(31)  \
	 : (words) == 127 ? CALL(127) \
			  : CALL(512))

ALWAYS bool queue_put(struct queue *q, const uint64_t *event, uint32_t words, bool many)
{
	return SIZED(words, PUT);
}

ALWAYS bool queue_get(struct queue *q, uint64_t *event, uint32_t words, bool many)
{
	return SIZED(words, GET);
}

#include "../loops.h"

const struct contender ck_contender = {
	.name = "ck_ring",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.in_turn = true,
	.paced = paced,
	.sizes = true,
};
