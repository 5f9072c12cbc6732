/* SPDX-License-Identifier: MIT */
/*
 * DPDK's rte_ring in memory of our own: it needs no environment for that. Its
 * producers wait for each other in turn, spinning; where there are more of them
 * than CPUs, they run in its mode for that, "relaxed tail sync".
 */
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdlib.h>
#include <string.h>

#include "../course.h"

struct queue {
	bool relaxed DSR_ALIGNED(DSR_CACHELINE);
	struct rte_ring ring DSR_ALIGNED(DSR_CACHELINE);
};

static struct queue *queue_open(const struct course *c, bool latency)
{
	ssize_t bytes = rte_ring_get_memsize_elem(c->words * 8, c->capacity);
	bool relaxed = c->producers > c->cpu_count;
	unsigned int flags = RING_F_SC_DEQ;
	struct queue *q;

	(void)latency;
	if (bytes < 0)
		return NULL;
	bytes += (ssize_t)offsetof(struct queue, ring);
	q = aligned_alloc(DSR_CACHELINE, ((size_t)bytes + DSR_CACHELINE) & ~(DSR_CACHELINE - 1ul));
	if (!q)
		return NULL;
	memset(q, 0, (size_t)bytes);
	q->relaxed = relaxed;
	flags |= !c->many ? RING_F_SP_ENQ : relaxed ? RING_F_MP_RTS_ENQ : 0;
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
	if (!many)
		return rte_ring_sp_enqueue_burst_elem(&q->ring, events, words * 8, n, NULL);
	if (q->relaxed)
		return rte_ring_mp_rts_enqueue_burst_elem(&q->ring, events, words * 8, n, NULL);
	return rte_ring_mp_enqueue_burst_elem(&q->ring, events, words * 8, n, NULL);
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
	.paced = paced,
	.sizes = true,
};
