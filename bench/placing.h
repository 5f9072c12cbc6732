/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PLACING_H
#define BENCH_PLACING_H

/**
 * Where a contender that can choose puts its slots, and whether they are there.
 * Only slots move: consumers' sequences lie on their consumer's node, and a
 * producer's line on the producer's, whatever is asked for the slots.
 */

#include <disruptor/disruptor.h>

#include "classes.h"

/**
 * struct placing - part of a course
 * @node:	 of the slots, if @place is not in the roles' terms
 * @nodes:	 of the producer's CPU and of the consumer's; -1: not told
 * @knows_nodes: there are several: where slots are is looked up after each start
 * @reason:	 receives why slots are not where or what they were to be
 */
struct placing {
	enum place place;
	int node;
	enum dsr_pages pages;
	int nodes[2];
	bool knows_nodes;
	char reason[160];
};

/** placing_ask() - of a builder, whose producer is to be on @producer_cpu */
void placing_ask(const struct placing *p, struct dsr_builder *b, int producer_cpu);

/**
 * placing_check() - right after the start
 * @producer: who of the two produces, 0 or 1, as they do in turn in a ping-pong
 *
 * Return: 0; -EXDEV: it is not as it was to be, and @p->reason says how.
 */
int placing_check(struct placing *p, struct dsr_disruptor *d, uint32_t producer);

/** placing_failed() - there is no start, with the builder's own sentence. Return: -EXDEV */
int placing_failed(struct placing *p, const struct dsr_builder *b);

#endif
