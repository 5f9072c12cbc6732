/* SPDX-License-Identifier: MIT */
/* Scenarios: consumers that come and go, and how it all ends. */
#include <errno.h>

#include "endings.h"
#include "world.h"

static struct tally one, two, late;
static struct publisher first, second;
static int threads[4], thread_count;

static void begin(bool many, uint64_t capacity)
{
	one = two = late = (struct tally){0};
	first = second = (struct publisher){0};
	thread_count = 0;
	world_build(many, capacity);
}

static void add_thread(const char *name, void (*body)(void *), void *argument)
{
	threads[thread_count++] = model_thread(name, body, argument);
}

static void add_publisher(struct publisher *publisher, const char *name, int count)
{
	*publisher = (struct publisher){.p = world_producer(name), .count = count};
	add_thread(name, world_publisher, publisher);
}

static void join(void)
{
	for (int i = 0; i < thread_count; i++)
		model_join(threads[i]);
}

/* What was granted is seen, and nothing else. */
static void check_drained(void)
{
	int published = first.published + second.published;

	model_check(one.seen == world_bits(0, published));
	model_check(one.reason == 0);
	model_check(!first.error || first.error == -ECANCELED);
	model_check(!second.error || second.error == -ECANCELED);
}

/* Main shuts down while the others still publish. */
static void shut_down_meanwhile(void)
{
	model_go();
	model_check(dsr_shutdown(world.d, DSR_FOREVER) == 0);
	join();
	world_destroy();
}

void endings_close(void)
{
	begin(false, 2);
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 2);
	shut_down_meanwhile();
	check_drained();
}

void endings_close_careful(void)
{
	model_allow_membarrier(false);
	begin(false, 2);
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 2);
	shut_down_meanwhile();
	check_drained();
}

/* The claim waits for room when the end comes. */
void endings_close_full(void)
{
	begin(false, 1);
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 2);
	shut_down_meanwhile();
	check_drained();
}

/* The consumer sleeps, over a claim that may be taken back. */
void endings_close_parked(void)
{
	struct dsr_handler handler;

	begin(false, 1);
	handler = world_handler(&one, "consumer");
	handler.wait = DSR_WAIT_PARK;
	handler.tuning = world_parks_at_once();
	dsr_handle_events(world.builder, &handler);
	world_start();
	add_publisher(&first, "producer", 1);
	shut_down_meanwhile();
	check_drained();
}

/* Of many, claims may have been taken that nobody will fill. */
static void check_drained_with_holes(void)
{
	int published = first.published + second.published;

	model_check(__builtin_popcountll(one.seen) == published);
	model_check(one.reason == 0);
}

void endings_close_many(void)
{
	begin(true, 1);
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 2);
	shut_down_meanwhile();
	check_drained_with_holes();
}

void endings_close_many_two(void)
{
	begin(true, 1);
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 1);
	add_publisher(&second, "producer-2", 1);
	shut_down_meanwhile();
	check_drained_with_holes();
}

/* Who is told to stop sees what was done before. */
static int before_halt;

static void see_halt(void *state, int reason)
{
	world_stopped(state, reason);
	if (reason == -ECANCELED)
		model_check(before_halt == 1);
}

static void halt_meanwhile(void)
{
	model_go();
	before_halt = 1;
	model_check(dsr_halt(world.d) == 0);
	join();
	world_end();
	model_check(one.reason == -ECANCELED);
	model_check((one.seen & ~world_bits(0, first.published)) == 0);
	model_check(!first.error || first.error == -ECANCELED);
}

static void add_halted(void)
{
	struct dsr_handler handler = world_handler(&one, "consumer");

	before_halt = 0;
	handler.on_stop = see_halt;
	handler.after = DSR_AFTER_NOBODY;
	dsr_handle_events(world.builder, &handler);
}

void endings_halt(void)
{
	begin(false, 1);
	add_halted();
	world_start();
	add_publisher(&first, "producer", 2);
	halt_meanwhile();
}

void endings_halt_many(void)
{
	begin(true, 1);
	add_halted();
	world_start();
	add_publisher(&first, "producer", 2);
	halt_meanwhile();
}

/* A handler that wants no more leaves; producers go on without it, lap after lap. */
void endings_leave(void)
{
	begin(false, 1);
	one = (struct tally){.stop_at = 0, .answer = DSR_STOP};
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 3);
	model_go();
	join();
	world_end();
	model_check(one.seen == 1 && one.reason == DSR_STOP);
	model_check(first.published == 3);
}

/* Without consumers producers keep each other from lapping who still writes. */
void endings_leave_many(void)
{
	begin(true, 1);
	one = (struct tally){.stop_at = 0, .answer = DSR_STOP};
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 2);
	add_publisher(&second, "producer-2", 1);
	model_go();
	join();
	world_end();
	model_check(one.seen == 1);
}

/* The first of a chain leaves, and the second sees all events. */
void endings_leave_front(void)
{
	begin(false, 1);
	one = (struct tally){.stop_at = 0, .answer = DSR_STOP};
	world_add(&one, "front", NULL);
	world_add(&two, "behind", DSR_AFTER("front"));
	world_start();
	add_publisher(&first, "producer", 2);
	model_go();
	join();
	world_end();
	model_check(one.seen == 1 && two.seen == world_bits(0, 2));
}

/* The second of a chain leaves: the first one gates from then on. */
void endings_leave_behind(void)
{
	begin(false, 1);
	two = (struct tally){.stop_at = 0, .answer = DSR_STOP};
	world_add(&one, "front", NULL);
	world_add(&two, "behind", DSR_AFTER("front"));
	world_start();
	add_publisher(&first, "producer", 2);
	model_go();
	join();
	world_end();
	model_check(two.seen == 1 && one.seen == world_bits(0, 2));
}

/* A worker leaves; the others see the rest. */
void endings_leave_group(void)
{
	struct dsr_handler handlers[2];

	begin(false, 2);
	one = (struct tally){.stop_at = 0, .answer = DSR_STOP};
	handlers[0] = world_handler(&one, "worker-1");
	handlers[1] = world_handler(&two, "worker-2");
	handlers[0].max_batch = 2;
	dsr_handle_with_workers(world.builder, &(struct dsr_workers){.name = "workers",
								     .handlers = handlers,
								     .count = 2,
								     .after = DSR_AFTER_NOBODY});
	world_start();
	add_publisher(&first, "producer", 2);
	model_go();
	join();
	world_end();
	model_check((one.seen & two.seen) == 0);
	model_check((one.seen | two.seen) == world_bits(0, 2));
}

/* One more handler comes while events flow, and sees all from where it begins. */
static int64_t began;

static void attach(void *unused)
{
	struct dsr_handler handler = world_handler(&late, "late");

	(void)unused;
	began = dsr_attach_handler(world.d, &handler, DSR_FROM_OLDEST);
	model_check(began >= 0 || began == -ECANCELED);
}

static void check_late(int count)
{
	model_check(one.seen == world_bits(0, count));
	model_check(began < 0 || late.seen == (world_bits(0, count) & ~world_bits(0, began)));
}

void endings_attach(void)
{
	begin(false, 1);
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 2);
	add_thread("attacher", attach, NULL);
	model_go();
	join();
	world_end();
	check_late(2);
}

void endings_attach_many(void)
{
	begin(true, 2);
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 3);
	add_thread("attacher", attach, NULL);
	model_go();
	join();
	world_end();
	check_late(3);
}

/*
 * A poller: a place in the ring without a thread, so few steps. Nobody polls it until all
 * is over.
 */
static struct dsr_poller *poller;

static void attach_poller(void *unused)
{
	(void)unused;
	began = dsr_attach_poller(world.d, &(struct dsr_poller_options){.name = "late"},
				  DSR_FROM_OLDEST, &poller);
	model_check(began >= 0);
}

static int see_late(void *event, int64_t sequence, bool end, void *state)
{
	return world_see(event, sequence, end, state);
}

/* The producer may be held up by the poller: it takes what there is, and goes on. */
static void poll_all(int64_t from, int64_t until)
{
	while (from < until) {
		int found;

		late.last = -1;
		found = dsr_poll_events(poller, 1, see_late, &late);
		model_check(found == DSR_POLL_EVENTS || found == DSR_POLL_IDLE ||
			    found == DSR_POLL_GATED);
		if (found == DSR_POLL_EVENTS)
			from++;
		else
			model_await();
	}
}

static void attach_and_poll(void *unused)
{
	attach_poller(unused);
	poll_all(began, 3);
	model_check(dsr_detach(world.d, "late", DSR_FOREVER) == 0);
}

void endings_attach_poller(void)
{
	begin(false, 1);
	(void)world_handler(&late, "late");
	world_add(&one, "consumer", NULL);
	world_start();
	add_publisher(&first, "producer", 3);
	add_thread("attacher", attach_and_poll, NULL);
	model_go();
	join();
	world_end();
	check_late(3);
}

/* A consumer is taken away while it runs. */
static void detach(void *unused)
{
	(void)unused;
	before_halt = 1;
	model_check(dsr_detach(world.d, "consumer", DSR_FOREVER) == 0);
}

void endings_detach(void)
{
	begin(false, 1);
	add_halted();
	world_add(&two, "other", NULL);
	world_start();
	add_publisher(&first, "producer", 2);
	add_thread("detacher", detach, NULL);
	model_go();
	join();
	world_end();
	model_check(two.seen == world_bits(0, 2));
	model_check((one.seen & ~two.seen) == 0);
}

/* Nobody is left when it is gone. */
void endings_detach_last(void)
{
	begin(false, 1);
	add_halted();
	world_start();
	add_publisher(&first, "producer", 2);
	add_thread("detacher", detach, NULL);
	model_go();
	join();
	world_end();
	model_check(first.published == 2);
}

/* In front of another one, which then follows the producer itself. */
void endings_detach_front(void)
{
	begin(false, 1);
	add_halted();
	world_add(&two, "behind", DSR_AFTER("consumer"));
	world_start();
	add_publisher(&first, "producer", 2);
	add_thread("detacher", detach, NULL);
	model_go();
	join();
	world_end();
	model_check(two.seen == world_bits(0, 2));
}
