/* SPDX-License-Identifier: MIT */
/* Scenarios: events on their way, from one producer or more to consumers of all kinds. */
#include <errno.h>

#include "flow.h"
#include "world.h"

static struct tally one, two;
static struct publisher first, second;

static void begin(bool many, uint64_t capacity)
{
	one = two = (struct tally){0};
	first = second = (struct publisher){0};
	world_build(many, capacity);
}

/* With all handles that they need, and all that runs beside them. */
static void run(void (*a)(void *), void (*b)(void *))
{
	int threads[2] = {0};

	if (a)
		threads[0] = model_thread("producer", a, &first);
	if (b)
		threads[1] = model_thread("producer-2", b, &second);
	model_go();
	for (int i = 0; i < 2; i++)
		if (threads[i])
			model_join(threads[i]);
}

static void run_single(int count)
{
	first.p = world_producer("producer");
	first.count = count;
	run(world_publisher, NULL);
	world_end();
}

void flow_single(void)
{
	begin(false, 2);
	world_add(&one, "consumer", NULL);
	world_start();
	run_single(3);
	model_check(one.seen == world_bits(0, 3));
}

/* Without membarrier(2) each claim takes the cold path and fences there. */
void flow_single_careful(void)
{
	model_allow_membarrier(false);
	begin(false, 1);
	world_add(&one, "consumer", NULL);
	world_start();
	run_single(2);
	model_check(one.seen == world_bits(0, 2));
}

/* A consumer that spins without a word to anybody. */
void flow_spin(void)
{
	struct dsr_handler handler;

	begin(false, 1);
	handler = world_handler(&one, "consumer");
	handler.wait = DSR_WAIT_BUSY_SPIN;
	dsr_handle_events(world.builder, &handler);
	world_start();
	run_single(2);
	model_check(one.seen == world_bits(0, 2));
}

/* A claim that grows; part of it is published, part of it given up. */
static void publish_in_parts(void *unused)
{
	(void)unused;
	model_check(dsr_claim_n(first.p, 2, DSR_FOREVER) == 0);
	world_fill(first.p, 0);
	world_fill(first.p, 1);
	model_check(dsr_publish_n(first.p, 1) == 1);
	model_check(dsr_abort(first.p) == 1);
	model_check(dsr_claim_n(first.p, 1, DSR_FOREVER) == 2);
	model_check(dsr_claim_n(first.p, 1, DSR_FOREVER) == 3);
	world_fill(first.p, 2);
	world_fill(first.p, 3);
	model_check(dsr_abort_n(first.p, 1) == 1);
	model_check(dsr_publish(first.p) == 1);
}

void flow_batch(void)
{
	begin(false, 2);
	world_add(&one, "consumer", NULL);
	world_start();
	first.p = world_producer("producer");
	run(publish_in_parts, NULL);
	world_end();
	model_check(one.seen == (1 | 1 << 3));
}

void flow_many(void)
{
	begin(true, 2);
	world_add(&one, "consumer", NULL);
	world_start();
	first = (struct publisher){.p = world_producer("producer"), .count = 2};
	second = (struct publisher){.p = world_producer("producer-2"), .count = 1};
	run(world_publisher, world_publisher);
	world_end();
	model_check(one.seen == world_bits(0, 3));
}

/* By compare-and-swap, as many as there are; and what does not fit is not taken. */
static void publish_what_fits(void *publisher)
{
	struct publisher *me = publisher;
	uint32_t n = 2;
	int64_t at = dsr_claim_up_to(me->p, &n, DSR_NOW);

	me->published = 0;
	model_check(at >= 0 || at == -EAGAIN);
	if (at < 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		world_fill(me->p, at + i);
	me->published = (int)n;
	dsr_publish(me->p);
}

static void publish_and_abort(void *publisher)
{
	struct publisher *me = publisher;
	int64_t at = dsr_claim_n(me->p, 1, DSR_FOREVER);

	world_fill(me->p, at);
	dsr_abort(me->p);
	world_publish(me->p, DSR_FOREVER);
}

void flow_many_up_to(void)
{
	begin(true, 2);
	world_add(&one, "consumer", NULL);
	world_start();
	first.p = world_producer("producer");
	second.p = world_producer("producer-2");
	run(publish_what_fits, publish_and_abort);
	world_end();
	model_check(__builtin_popcountll(one.seen) == first.published + 1);
}

void flow_two_consumers(void)
{
	begin(false, 1);
	world_add(&one, "consumer-1", NULL);
	world_add(&two, "consumer-2", NULL);
	world_start();
	run_single(2);
	model_check(one.seen == world_bits(0, 2) && two.seen == one.seen);
}

/* What the first one changes in an event the second one sees, and the next lap nobody. */
static void add_chain(void)
{
	one.mark = 1;
	two.behind = 1;
	two.mark = 2;
	world_add(&one, "front", NULL);
	world_add(&two, "behind", DSR_AFTER("front"));
}

void flow_chain(void)
{
	begin(false, 2);
	add_chain();
	world_start();
	run_single(3);
	model_check(one.seen == world_bits(0, 3) && two.seen == one.seen);
}

void flow_chain_abort(void)
{
	begin(false, 2);
	add_chain();
	world_start();
	first.p = world_producer("producer");
	run(publish_in_parts, NULL);
	world_end();
	model_check(one.seen == (1 | 1 << 3) && two.seen == one.seen);
}

static void add_workers(enum dsr_sharing sharing, struct dsr_handler handlers[2])
{
	struct dsr_workers workers = {
		.name = "workers",
		.handlers = handlers,
		.count = 2,
		.sharing = sharing,
		.after = DSR_AFTER_NOBODY,
	};

	handlers[0] = world_handler(&one, "worker-1");
	handlers[1] = world_handler(&two, "worker-2");
	dsr_handle_with_workers(world.builder, &workers);
}

static void check_shared(int64_t count)
{
	model_check(!(one.seen & two.seen));
	model_check((one.seen | two.seen) == world_bits(0, count));
}

void flow_workers(void)
{
	struct dsr_handler handlers[2];

	begin(false, 1);
	add_workers(DSR_SHARE_CLAIM, handlers);
	world_start();
	run_single(2);
	check_shared(2);
}

void flow_workers_two_slots(void)
{
	struct dsr_handler handlers[2];

	begin(false, 2);
	add_workers(DSR_SHARE_CLAIM, handlers);
	world_start();
	run_single(3);
	check_shared(3);
}

void flow_workers_stripe(void)
{
	struct dsr_handler handlers[2];

	begin(false, 2);
	add_workers(DSR_SHARE_STRIPE, handlers);
	world_start();
	run_single(3);
	check_shared(3);
}

/* Who follows a group sees what its workers changed. */
void flow_workers_chain(void)
{
	static struct tally behind;
	struct dsr_handler handlers[2];

	begin(false, 2);
	one.mark = two.mark = 1;
	behind = (struct tally){.behind = 1};
	add_workers(DSR_SHARE_CLAIM, handlers);
	world_add(&behind, "behind", DSR_AFTER("workers"));
	world_start();
	run_single(2);
	check_shared(2);
	model_check(behind.seen == world_bits(0, 2));
}

/* A handler that keeps its own copy gives the slots back before it returns. */
static int release_early(struct dsr_batch *batch, void *state)
{
	struct event *e;

	while ((e = dsr_batch_next(batch))) {
		world_see(e, dsr_batch_sequence(batch), !dsr_batch_more(batch), state);
		dsr_batch_release(batch);
	}
	return DSR_CONTINUE;
}

void flow_release(void)
{
	struct dsr_handler handler;

	begin(false, 1);
	handler = world_handler(&one, "consumer");
	handler.on_event = NULL;
	handler.on_batch = release_early;
	dsr_handle_events(world.builder, &handler);
	world_start();
	run_single(2);
	model_check(one.seen == world_bits(0, 2));
}

void flow_workers_release(void)
{
	struct dsr_handler handlers[2];

	begin(false, 1);
	handlers[0] = world_handler(&one, "worker-1");
	handlers[1] = world_handler(&two, "worker-2");
	for (int i = 0; i < 2; i++) {
		handlers[i].on_event = NULL;
		handlers[i].on_batch = release_early;
	}
	dsr_handle_with_workers(world.builder, &(struct dsr_workers){.name = "workers",
								     .handlers = handlers,
								     .count = 2,
								     .after = DSR_AFTER_NOBODY});
	world_start();
	run_single(2);
	check_shared(2);
}

/* The last sequences there are, and what comes then. */
static void publish_to_the_end(void *publisher)
{
	world_publisher(publisher);
	model_check(first.error == -EOVERFLOW);
}

static void go_to_the_end(bool many)
{
	begin(many, 1);
	world.first = DSR_SEQUENCE_MAX - 1;
	dsr_first_sequence(world.builder, world.first);
	world_add(&one, "consumer", NULL);
	world_start();
	first = (struct publisher){.p = world_producer("producer"), .count = 3};
	run(publish_to_the_end, NULL);
	world_end();
	model_check(one.seen == world_bits(0, 2));
}

void flow_last_sequences(void)
{
	go_to_the_end(false);
}

void flow_last_sequences_many(void)
{
	go_to_the_end(true);
}
