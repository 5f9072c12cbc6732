/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RTE_H
#define BENCH_RTE_H

/** DPDK's rte_ring in memory of our own: it needs no environment for that. */

#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <stdlib.h>
#include <string.h>

#include "../course.h"

struct queue {
	bool relaxed DSR_ALIGNED(DSR_CACHELINE);
	struct rte_ring ring DSR_ALIGNED(DSR_CACHELINE);
};

/* @flags: how its producers come along with each other */
static inline struct queue *rte_open(const struct course *c, unsigned int flags)
{
	ssize_t bytes = rte_ring_get_memsize_elem(c->words * 8, c->capacity);
	struct queue *q;

	if (bytes < 0)
		return NULL;
	bytes += (ssize_t)offsetof(struct queue, ring);
	q = aligned_alloc(DSR_CACHELINE, ((size_t)bytes + DSR_CACHELINE) & ~(DSR_CACHELINE - 1ul));
	if (!q)
		return NULL;
	memset(q, 0, (size_t)bytes);
	if (rte_ring_init(&q->ring, "bench", c->capacity, flags | RING_F_SC_DEQ) < 0) {
		free(q);
		return NULL;
	}
	return q;
}

#endif
