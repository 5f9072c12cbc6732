/* SPDX-License-Identifier: MIT */
/*
 * A consumer that keeps off its producer where events flow: it sees each of them all the
 * same. That it is faster for it is for the benchmark to say.
 */
#include "unit.h"

enum { FLOW = 100000, TRICKLE = 5000 };

struct reader {
	int64_t next;
	uint64_t count, wrong;
} DSR_ALIGNED(DSR_CACHELINE);

static void look_at(struct reader *r, int64_t sequence, const int64_t *event)
{
	/* Every 64th, but for the first, was aborted. */
	if (r->next % 64 == 63)
		r->next++;
	r->wrong += sequence != r->next || *event != sequence;
	r->next = sequence + 1;
	r->count++;
}

static int on_batch(struct dsr_batch *batch, void *state)
{
	const int64_t *event;

	while ((event = dsr_batch_next(batch)))
		look_at(state, dsr_batch_sequence(batch), event);
	return DSR_CONTINUE;
}

static int on_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)end_of_batch;
	look_at(state, sequence, event);
	return DSR_CONTINUE;
}

static void put_flow(struct dsr_producer *p, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		int64_t sequence = dsr_claim_n(p, 1, DSR_FOREVER);

		cr_assert(sequence >= 0, "%" PRId64, sequence);
		*(int64_t *)dsr_event(p, sequence) = sequence;
		expect(sequence % 64 == 63 ? dsr_abort(p) : dsr_publish(p), 1);
	}
}

/* So many events, from @first on. */
static void flow(bool many, uint64_t capacity, int64_t first, uint32_t count,
		 const struct dsr_handler *like)
{
	struct dsr_builder *b = many ? dsr_build_multi_producer(capacity, 56)
				     : dsr_build_single_producer(capacity, 56);
	struct reader r = {.next = first};
	struct dsr_handler handler = *like;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	handler.state = &r;
	expect(dsr_first_sequence(b, first), 0);
	expect(dsr_handle_events(b, &handler), 0);
	expect(dsr_start(b, &d), 0);
	p = dsr_producer(d);
	put_flow(p, count);
	if (first)
		expect(dsr_claim_n(p, 1, DSR_FOREVER), -EOVERFLOW);
	expect(dsr_shutdown(d, DSR_FOREVER), 0);
	expect(dsr_destroy(d), 0);
	expect(r.wrong, 0);
	expect(r.count, count - (first + count) / 64 + first / 64);
}

static const struct dsr_handler kinds[] = {
	{.on_batch = on_batch, .wait = DSR_WAIT_YIELD},
	{.on_event = on_event, .wait = DSR_WAIT_YIELD},
	{.on_batch = on_batch, .wait = DSR_WAIT_PARK, .max_batch = 200},
};

CASE_BOTH(pace, flow_is_seen_whole)
{
	for (int i = 0; i < 3; i++)
		flow(many, 4096, 0, FLOW, &kinds[i]);
}

/* Less than it looks ahead, and less than it would pause for. */
CASE_BOTH(pace, flow_in_a_small_ring_is_seen_whole)
{
	static const uint64_t capacities[] = {1, 4, 16, 64, 256};

	for (int i = 0; i < 5; i++)
		flow(many, capacities[i], 0, TRICKLE, &kinds[i % 2]);
}

CASE_BOTH(pace, flow_ends_at_the_last_sequence)
{
	for (int i = 0; i < 3; i++)
		flow(many, 1024, DSR_SEQUENCE_MAX + 1 - FLOW, FLOW, &kinds[i]);
}
