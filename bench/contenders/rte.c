/* SPDX-License-Identifier: MIT */
/*
 * DPDK's rte_ring, by its element calls. Its producers wait for each other in turn,
 * spinning; where there are more of them than CPUs, they run in its mode for that,
 * "relaxed tail sync".
 */
#include "rte.h"

static struct queue *queue_open(const struct course *c, bool latency)
{
	bool relaxed = c->producers > c->cpu_count;
	struct queue *q = rte_open(c, !c->many ? RING_F_SP_ENQ : relaxed ? RING_F_MP_RTS_ENQ : 0);

	(void)latency;
	if (q)
		q->relaxed = relaxed;
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
