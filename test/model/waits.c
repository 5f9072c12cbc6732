/* SPDX-License-Identifier: MIT */
/* Scenarios: who waits, sleeps, wakes up, or gives up. */
#include <errno.h>

#include "waits.h"
#include "world.h"

static struct tally one, two;
static struct publisher first, second;
static struct dsr_poller *poller;

static void begin(bool many, uint64_t capacity, bool has_membarrier)
{
	model_allow_membarrier(has_membarrier);
	one = two = (struct tally){0};
	first = second = (struct publisher){0};
	world_build(many, capacity);
}

static void add_sleeper(struct tally *tally, const char *name, const char *const *after)
{
	struct dsr_handler handler = world_handler(tally, name);

	handler.wait = DSR_WAIT_PARK;
	handler.tuning = world_parks_at_once();
	handler.after = after ? after : DSR_AFTER_NOBODY;
	dsr_handle_events(world.builder, &handler);
}

static void add_publisher(struct publisher *publisher, const char *name, int count, bool sleeps)
{
	const struct dsr_wait_tuning tuning = world_parks_at_once();

	*publisher = (struct publisher){.p = world_producer(name), .count = count};
	if (sleeps)
		dsr_producer_tune_wait(publisher->p, DSR_WAIT_PARK, &tuning);
}

static void run(void (*a)(void *), void *for_a, void (*b)(void *), void *for_b)
{
	int threads[2];

	threads[0] = model_thread("producer", a, for_a);
	threads[1] = b ? model_thread("other", b, for_b) : 0;
	model_go();
	model_join(threads[0]);
	if (b)
		model_join(threads[1]);
}

/* The consumer sleeps until an event comes; nobody else would wake it. */
static void sleep_consumer(bool has_membarrier)
{
	begin(false, 2, has_membarrier);
	add_sleeper(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 2, false);
	run(world_publisher, &first, NULL, NULL);
	world_end();
	model_check(one.seen == world_bits(0, 2));
}

void waits_park(void)
{
	sleep_consumer(true);
}

void waits_park_careful(void)
{
	sleep_consumer(false);
}

/* And seen to: main waits for what the consumer did before it shuts down. */
static int64_t is_seen;

static int see_and_tell(void *event, int64_t sequence, bool end, void *state)
{
	int result = world_see(event, sequence, end, state);

	dsr_store_relaxed(&is_seen, 1);
	return result;
}

static void sleep_until_seen(bool has_membarrier)
{
	struct dsr_handler handler;

	begin(false, 2, has_membarrier);
	is_seen = 0;
	handler = world_handler(&one, "consumer");
	handler.on_event = see_and_tell;
	handler.wait = DSR_WAIT_PARK;
	handler.tuning = world_parks_at_once();
	dsr_handle_events(world.builder, &handler);
	world_start();
	add_publisher(&first, "producer", 1, false);
	run(world_publisher, &first, NULL, NULL);
	/* Shutting down wakes everybody, and would hide a wake that was lost. */
	while (!dsr_load_relaxed(&is_seen))
		model_await();
	world_end();
	model_check(one.seen == 1);
}

void waits_park_seen(void)
{
	sleep_until_seen(true);
}

void waits_park_seen_careful(void)
{
	sleep_until_seen(false);
}

/* The producer sleeps until a slot is free. */
static void sleep_producer(bool many, bool has_membarrier)
{
	begin(many, 1, has_membarrier);
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 2, true);
	run(world_publisher, &first, NULL, NULL);
	world_end();
	model_check(one.seen == world_bits(0, 2));
}

void waits_park_producer(void)
{
	sleep_producer(false, true);
}

void waits_park_producer_careful(void)
{
	sleep_producer(false, false);
}

void waits_park_producer_many(void)
{
	sleep_producer(true, true);
}

/* Everybody sleeps. */
void waits_park_all(void)
{
	begin(false, 1, true);
	add_sleeper(&one, "front", NULL);
	add_sleeper(&two, "behind", DSR_AFTER("front"));
	world_start();
	add_publisher(&first, "producer", 2, true);
	run(world_publisher, &first, NULL, NULL);
	world_end();
	model_check(one.seen == world_bits(0, 2) && two.seen == one.seen);
}

void waits_park_workers(void)
{
	struct dsr_handler handlers[2];

	begin(false, 1, true);
	handlers[0] = world_handler(&one, "worker-1");
	handlers[1] = world_handler(&two, "worker-2");
	for (int i = 0; i < 2; i++) {
		handlers[i].wait = DSR_WAIT_PARK;
		handlers[i].tuning = world_parks_at_once();
	}
	dsr_handle_with_workers(world.builder, &(struct dsr_workers){.name = "workers",
								     .handlers = handlers,
								     .count = 2,
								     .after = DSR_AFTER_NOBODY});
	world_start();
	add_publisher(&first, "producer", 2, true);
	run(world_publisher, &first, NULL, NULL);
	world_end();
	model_check((one.seen | two.seen) == world_bits(0, 2) && !(one.seen & two.seen));
}

/* The consumer sleeps when the last handler leaves, when it is halted, and when it is detached. */
void waits_park_halt(void)
{
	begin(false, 1, true);
	add_sleeper(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 1, false);
	run(world_publisher, &first, NULL, NULL);
	model_check(dsr_halt(world.d) == 0);
	world_end();
}

static void detach(void *unused)
{
	(void)unused;
	model_check(dsr_detach(world.d, "consumer", DSR_FOREVER) == 0);
}

/* The producer sleeps over a consumer that leaves. */
void waits_park_detach(void)
{
	begin(false, 1, true);
	add_sleeper(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 2, true);
	run(world_publisher, &first, detach, NULL);
	world_end();
	model_check(first.published == 2);
}

/* A claim that may give up takes what it gets, and nothing if it does not. */
static void publish_in_time(void *publisher)
{
	struct publisher *me = publisher;

	for (int i = 0; i < me->count; i++) {
		int err = world_publish(me->p, 1000);

		model_check(err == 0 || err == -ETIMEDOUT || err == -ECANCELED);
		me->published += err == 0;
	}
}

static void time_out(bool many, bool sleeps)
{
	begin(many, 1, true);
	model_let_time_pass(true);
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 2, sleeps);
	run(publish_in_time, &first, NULL, NULL);
	world_end();
	model_check(one.seen == world_bits(0, first.published));
}

void waits_timed(void)
{
	time_out(false, false);
}

void waits_timed_park(void)
{
	time_out(false, true);
}

void waits_timed_many(void)
{
	time_out(true, false);
}

void waits_timed_many_two(void)
{
	begin(true, 1, true);
	model_let_time_pass(true);
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 1, false);
	add_publisher(&second, "producer-2", 1, false);
	run(publish_in_time, &first, publish_in_time, &second);
	world_end();
	model_check(one.seen == world_bits(0, first.published + second.published));
}

static void begin_poller(int capacity)
{
	begin(false, (uint64_t)capacity, true);
	(void)world_handler(&one, "poller");
	dsr_add_poller(world.builder, &(struct dsr_poller_options){.name = "poller"});
	world_start();
	poller = dsr_poller_find(world.d, "poller");
}

/* Until it is told that all is over. */
static void poll_by_turns(void *unused)
{
	int found;

	(void)unused;
	while ((found = dsr_poll_events(poller, 1, world_see, &one)) != DSR_POLL_DRAINED) {
		model_check(found == DSR_POLL_EVENTS || found == DSR_POLL_IDLE);
		if (found == DSR_POLL_IDLE)
			model_await();
	}
}

static void publish_and_close(void *publisher)
{
	world_publisher(publisher);
	dsr_close(world.d);
}

void waits_poller(void)
{
	begin_poller(1);
	add_publisher(&first, "producer", 2, false);
	run(publish_and_close, &first, poll_by_turns, NULL);
	world_end();
	model_check(one.seen == world_bits(0, 2));
}

/* By a descriptor: readable if there is something to do. */
static void poll_by_descriptor(void *unused)
{
	int fd = dsr_poller_fd(poller), found;

	(void)unused;
	model_check(fd >= 0);
	while ((found = dsr_poll_events(poller, 1, world_see, &one)) != DSR_POLL_DRAINED) {
		model_check(found == DSR_POLL_EVENTS || found == DSR_POLL_IDLE);
		if (found == DSR_POLL_IDLE)
			model_poll(fd);
	}
}

void waits_descriptor(void)
{
	begin_poller(2);
	add_publisher(&first, "producer", 1, false);
	run(publish_and_close, &first, poll_by_descriptor, NULL);
	world_end();
	model_check(one.seen == 1);
}

/* It sees the event before anybody closes, which would ring as well. */
static void poll_for_one(void *unused)
{
	int fd = dsr_poller_fd(poller);

	(void)unused;
	while (dsr_poll_events(poller, 1, world_see, &one) != DSR_POLL_EVENTS)
		model_poll(fd);
}

static void ring_for_one(bool has_membarrier)
{
	begin(false, 2, has_membarrier);
	(void)world_handler(&one, "poller");
	dsr_add_poller(world.builder, &(struct dsr_poller_options){.name = "poller"});
	world_start();
	poller = dsr_poller_find(world.d, "poller");
	add_publisher(&first, "producer", 1, false);
	run(world_publisher, &first, poll_for_one, NULL);
	world_end();
	model_check(one.seen == 1);
}

void waits_descriptor_one(void)
{
	ring_for_one(true);
}

void waits_descriptor_one_careful(void)
{
	ring_for_one(false);
}

/*
 * A handler that publishes to its own ring would wait for itself: it is told so, and what
 * it took is a hole.
 */
static struct dsr_producer *inner;

static int publish_more(void *event, int64_t sequence, bool end, void *state)
{
	int result = world_see(event, sequence, end, state);

	if (sequence == 0)
		model_check(world_publish(inner, DSR_FOREVER) == -EDEADLK);
	return result;
}

void waits_hole(void)
{
	struct dsr_handler handler;

	begin(true, 1, true);
	handler = world_handler(&one, "consumer");
	handler.on_event = publish_more;
	dsr_handle_events(world.builder, &handler);
	world_start();
	inner = world_producer("inner");
	add_publisher(&first, "producer", 2, false);
	run(world_publisher, &first, NULL, NULL);
	world_end();
	model_check(__builtin_popcountll(one.seen) == 2);
}

/* The same, while another consumer sleeps. */
void waits_hole_parked(void)
{
	struct dsr_handler handler;

	begin(true, 1, true);
	handler = world_handler(&one, "consumer");
	handler.on_event = publish_more;
	handler.after = DSR_AFTER_NOBODY;
	dsr_handle_events(world.builder, &handler);
	add_sleeper(&two, "sleeper", NULL);
	world_start();
	inner = world_producer("inner");
	add_publisher(&first, "producer", 2, false);
	run(world_publisher, &first, NULL, NULL);
	world_end();
	model_check(__builtin_popcountll(one.seen) == 2 && one.seen == two.seen);
}
