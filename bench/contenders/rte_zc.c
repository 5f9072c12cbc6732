/* SPDX-License-Identifier: MIT */
/*
 * rte_ring without copies: both sides get the place of a run in the ring, and write and
 * read the events there. Of its modes for many producers only "head/tail sync" has that.
 */
#include "rte.h"

#include <errno.h>
#include <rte_ring_peek_zc.h>

#include "../threads.h"

ALWAYS uint64_t fill(void *place, uint32_t n, uint32_t words, uint64_t tag)
{
	uint64_t *event = place;

	for (; n--; event += words)
		event_fill(event, words, tag++);
	return tag;
}

ALWAYS void produce(struct queue *q, const struct course *c, uint32_t words, uint64_t tag,
		    uint64_t end)
{
	struct rte_ring_zc_data run;

	while (tag != end) {
		uint32_t n = end - tag < c->batch ? (uint32_t)(end - tag) : c->batch;

		n = rte_ring_enqueue_zc_burst_elem_start(&q->ring, words * 8, n, &run, NULL);
		if (!n) {
			pass(c->yield);
			continue;
		}
		tag = fill(run.ptr1, run.n1, words, tag);
		tag = fill(run.ptr2, n - run.n1, words, tag);
		rte_ring_enqueue_zc_elem_finish(&q->ring, n);
	}
}

ALWAYS void check(struct checker *c, const void *place, uint32_t n, uint32_t words, bool many)
{
	const uint64_t *event = place;

	for (; n--; event += words)
		event_check(c, event, words, many);
}

/* What there is, at most @most. 0: there will be nothing. */
ALWAYS uint32_t await(struct queue *q, const struct course *c, uint32_t words, uint32_t most,
		      const struct finish *finish, struct rte_ring_zc_data *run)
{
	bool over = false;
	uint32_t n;

	while ((n = rte_ring_dequeue_zc_burst_elem_start(&q->ring, words * 8, most, run, NULL)) ==
	       0) {
		if (over)
			return 0;
		over = finish_is_over(finish);
		pass(c->yield);
	}
	return n;
}

ALWAYS void consume(struct queue *q, const struct course *c, uint32_t words, bool many,
		    const struct finish *finish, struct checker *out)
{
	uint64_t left = (c->warmup + c->events) * c->producers, nexts[PRODUCERS_MAX] = {0};
	uint32_t most = c->batch == 1 ? 1 : BATCH_MAX, n;
	struct checker checker = {0, 0, 0, nexts};
	struct rte_ring_zc_data run;

	for (; left && (n = await(q, c, words, most, finish, &run)); left -= n) {
		check(&checker, run.ptr1, run.n1, words, many);
		check(&checker, run.ptr2, n - run.n1, words, many);
		rte_ring_dequeue_zc_elem_finish(&q->ring, n);
		if (n > left)
			break;
	}
	*out = checker;
	out->wrong += left;
}

static void produce_part(void *queue, const struct course *c, uint64_t tag, uint64_t end)
{
	if (c->words == 1)
		produce(queue, c, 1, tag, end);
	else if (c->words == 4)
		produce(queue, c, 4, tag, end);
	else if (c->words == 7)
		produce(queue, c, 7, tag, end);
	else
		produce(queue, c, c->words, tag, end);
}

static void consume_all(void *queue, const struct course *c, const struct finish *finish,
			struct checker *out)
{
	if (c->words == 1)
		consume(queue, c, 1, c->many, finish, out);
	else if (c->words == 4)
		consume(queue, c, 4, c->many, finish, out);
	else if (c->words == 7)
		consume(queue, c, 7, c->many, finish, out);
	else
		consume(queue, c, c->words, c->many, finish, out);
}

static int stream(const struct course *c, struct outcome *outcome)
{
	struct queue *q = rte_open(c, c->many ? RING_F_MP_HTS_ENQ : RING_F_SP_ENQ);
	int err;

	if (!q)
		return -ENOMEM;
	err = threads_stream(c, q, produce_part, consume_all, outcome);
	if (err == 0)
		outcome->wrong += rte_ring_count(&q->ring);
	free(q);
	return err;
}

const struct contender rte_zc_contender = {
	.name = "rte_ring zero copy",
	.slower = 1,
	.stream = stream,
	.many = true,
	.in_turn = true,
	.extra = true,
	.sizes = true,
};
