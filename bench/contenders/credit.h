/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CREDIT_H
#define BENCH_CREDIT_H

/**
 * A bound for queues that have none: they would grow for as long as the producer is
 * ahead, and be measured on memory that the others have not. Each producer has its
 * share of the scenario's slots, and gets it back by the quarter, so that it costs both
 * sides a comparison and seldom more.
 *
 * Where a queue links nodes of the caller's, these come from rings that nobody
 * allocates from or frees to: a producer's next node is free if it has credit for it.
 */

#include "../course.h"

/**
 * struct credit - one producer's
 * @share:   how many events it may have under way, a power of two
 * @put:     how many it has put
 * @limit:   how many it may, as far as it knows
 * @quarter: so many at a time are given back, less 1
 * @got:     how many the consumer has read
 * @done:    the same, as told to the producer
 */
struct credit {
	/* The producer's. */
	uint64_t share DSR_ALIGNED(DSR_CACHELINE);
	uint64_t put;
	uint64_t limit;
	/* The consumer's. */
	uint64_t quarter DSR_ALIGNED(DSR_CACHELINE);
	uint64_t got;
	/* The consumer writes, the producer reads. */
	int64_t done DSR_ALIGNED(DSR_CACHELINE);
};

/* Whose event it is. */
ALWAYS uint32_t credit_of(const uint64_t *event, bool many)
{
	return many ? event[0] >> 48 & (PRODUCERS_MAX - 1) : 0;
}

static inline void credits_open(struct credit *credits, const struct course *course)
{
	uint64_t share = 1;
	uint32_t i;

	while (share * 2 * course->producers <= course->capacity)
		share *= 2;
	for (i = 0; i < PRODUCERS_MAX; i++) {
		credits[i].share = share;
		credits[i].put = 0;
		credits[i].limit = share;
		credits[i].quarter = share < 4 ? 0 : share / 4 - 1;
		credits[i].got = 0;
		credits[i].done = 0;
	}
}

/* How many of @n events may be put. */
ALWAYS uint32_t credit_for(struct credit *c, uint32_t n)
{
	if (c->put + n > c->limit)
		/* [RECLAIM<-CONSUME] The consumer is through with what is put again next. */
		c->limit = (uint64_t)dsr_load_acquire(&c->done) + c->share;
	return c->limit - c->put < n ? (uint32_t)(c->limit - c->put) : n;
}

ALWAYS void credit_take(struct credit *credits, uint32_t producer, uint32_t n)
{
	credits[producer].put += n;
}

/* The number of the slot that a producer fills next, of all that they share out. */
ALWAYS uint64_t credit_slot(const struct credit *credits, uint32_t producer)
{
	const struct credit *c = &credits[producer];

	return producer * c->share + (c->put & (c->share - 1));
}

ALWAYS void credit_return(struct credit *c)
{
	if ((++c->got & c->quarter) == 0)
		/* [CONSUME->RECLAIM] All of these are read. */
		dsr_store_release(&c->done, (int64_t)c->got);
}

#endif
