/* SPDX-License-Identifier: MIT */
/* rte_ring with "head/tail sync": a producer begins when the one before it is done. */
#include "rte.h"

static struct queue *queue_open(const struct course *c, bool latency)
{
	(void)latency;
	return rte_open(c, RING_F_MP_HTS_ENQ);
}

static void queue_close(struct queue *q)
{
	free(q);
}

#define QUEUE_HAS_RUNS_ONLY
ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	(void)many;
	return rte_ring_mp_hts_enqueue_burst_elem(&q->ring, events, words * 8, n, NULL);
}

ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	(void)many;
	return rte_ring_sc_dequeue_burst_elem(&q->ring, events, words * 8, n, NULL);
}

#include "../loops.h"

const struct contender rte_hts_contender = {
	.name = "rte_ring HTS",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.many_only = true,
	.in_turn = true,
	.extra = true,
};
