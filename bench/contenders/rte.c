/* SPDX-License-Identifier: MIT */
/* DPDK's rte_ring in memory of our own: it needs no environment for that. */
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdlib.h>
#include <string.h>

#include "../course.h"

struct queue {
	struct rte_ring ring;
};

static struct queue *queue_open(const struct course *c, bool latency)
{
	ssize_t bytes = rte_ring_get_memsize_elem(c->words * 8, c->capacity);
	unsigned int flags = RING_F_SC_DEQ | (c->many ? 0 : RING_F_SP_ENQ);
	struct queue *q;

	(void)latency;
	if (bytes < 0)
		return NULL;
	q = aligned_alloc(DSR_CACHELINE, ((size_t)bytes + DSR_CACHELINE) & ~(DSR_CACHELINE - 1ul));
	if (!q)
		return NULL;
	memset(q, 0, (size_t)bytes);
	if (rte_ring_init(&q->ring, "bench", c->capacity, flags) < 0) {
		free(q);
		return NULL;
	}
	return q;
}

static void queue_close(struct queue *q)
{
	free(q);
}

#define QUEUE_HAS_RUNS_ONLY
ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	return many ? rte_ring_mp_enqueue_burst_elem(&q->ring, events, words * 8, n, NULL)
		    : rte_ring_sp_enqueue_burst_elem(&q->ring, events, words * 8, n, NULL);
}

ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	(void)many;
	return rte_ring_sc_dequeue_burst_elem(&q->ring, events, words * 8, n, NULL);
}

#include "../loops.h"

const struct contender rte_contender = {
	.name = "rte_ring",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
};
