/* SPDX-License-Identifier: MIT */
/*
 * liburcu's wfcqueue: a list that producers append to with one exchange, and whose
 * nodes the caller brings. They are as large as a slot with a stamp would be, and come
 * from the producers' own rings (credit.h): what malloc() costs is not in the figures.
 * The only consumer needs no lock. Runs are spliced: off a list of the producer's own
 * on to the queue, and off the queue, all that there is at once.
 */
#define _LGPL_SOURCE /* Inline, as a program that is fast would have it. */
#include <stdlib.h>
#include <string.h>
#include <urcu/wfcqueue.h>

#include "credit.h"

struct node {
	struct cds_wfcq_node link;
	uint64_t event[];
};

struct list {
	struct __cds_wfcq_head head DSR_ALIGNED(DSR_CACHELINE);
	struct cds_wfcq_tail tail DSR_ALIGNED(DSR_CACHELINE);
};

struct queue {
	char *nodes DSR_ALIGNED(DSR_CACHELINE);
	size_t stride;
	struct list shared;
	/* What the consumer has spliced off. */
	struct list taken;
	struct credit credits[PRODUCERS_MAX];
};

static size_t stride_of(uint32_t words)
{
	size_t bytes = sizeof(struct node) + words * 8, stride = 16;

	if (bytes > 64)
		return (bytes + 63) / 64 * 64;
	while (stride < bytes)
		stride *= 2;
	return stride;
}

static struct queue *queue_open(const struct course *c, bool latency)
{
	struct queue *q = aligned_alloc(DSR_CACHELINE, sizeof(*q));
	size_t stride = stride_of(c->words), bytes = c->capacity * stride;

	(void)latency;
	if (!q)
		return NULL;
	memset(q, 0, sizeof(*q));
	q->stride = stride;
	q->nodes = aligned_alloc(DSR_CACHELINE, (bytes + DSR_CACHELINE) & ~(DSR_CACHELINE - 1ul));
	if (!q->nodes) {
		free(q);
		return NULL;
	}
	memset(q->nodes, 0, bytes);
	__cds_wfcq_init(&q->shared.head, &q->shared.tail);
	__cds_wfcq_init(&q->taken.head, &q->taken.tail);
	credits_open(q->credits, c);
	return q;
}

static void queue_close(struct queue *q)
{
	free(q->nodes);
	free(q);
}

ALWAYS struct cds_wfcq_node *fill(struct queue *q, uint32_t producer, const uint64_t *event,
				  uint32_t words)
{
	uint64_t i = credit_slot(q->credits, producer);
	struct node *node = (struct node *)(void *)(q->nodes + i * q->stride);

	credit_take(q->credits, producer, 1);
	cds_wfcq_node_init(&node->link);
	memcpy(node->event, event, words * 8);
	return &node->link;
}

ALWAYS bool queue_put(struct queue *q, const uint64_t *event, uint32_t words, bool many)
{
	uint32_t producer = credit_of(event, many);

	if (!credit_for(&q->credits[producer], 1))
		return false;
	cds_wfcq_enqueue(&q->shared.head, &q->shared.tail, fill(q, producer, event, words));
	return true;
}

/* Takes the first of a list that nobody else takes from. */
ALWAYS bool take(struct queue *q, struct list *list, uint64_t *event, uint32_t words, bool many)
{
	struct cds_wfcq_node *link = __cds_wfcq_dequeue_nonblocking(&list->head, &list->tail);
	struct node *node = caa_container_of(link, struct node, link);

	/* A producer was stopped halfway: what it appends is not linked yet. */
	if (!link || link == CDS_WFCQ_WOULDBLOCK)
		return false;
	memcpy(event, node->event, words * 8);
	credit_return(&q->credits[credit_of(event, many)]);
	return true;
}

ALWAYS bool queue_get(struct queue *q, uint64_t *event, uint32_t words, bool many)
{
	/* What was spliced comes first; only runs do that. */
	return take(q, &q->taken, event, words, many) || take(q, &q->shared, event, words, many);
}

#define QUEUE_HAS_RUNS
ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	uint32_t producer = credit_of(events, many), i;
	struct list run;

	n = credit_for(&q->credits[producer], n);
	__cds_wfcq_init(&run.head, &run.tail);
	for (i = 0; i < n; i++)
		cds_wfcq_enqueue(&run.head, &run.tail,
				 fill(q, producer, events + i * words, words));
	__cds_wfcq_splice_nonblocking(&q->shared.head, &q->shared.tail, &run.head, &run.tail);
	return n;
}

ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	uint32_t done = 0;

	if (cds_wfcq_empty(&q->taken.head, &q->taken.tail))
		__cds_wfcq_splice_nonblocking(&q->taken.head, &q->taken.tail, &q->shared.head,
					      &q->shared.tail);
	while (done < n && take(q, &q->taken, events + done * words, words, many))
		done++;
	return done;
}

#include "../loops.h"

const struct contender wfcqueue_contender = {
	.name = "liburcu wfcqueue",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.paced = paced,
	.sizes = true,
};
