/* SPDX-License-Identifier: MIT */
/* How handlers and producers pass the time, what wakes them, and what may not. */
#include <signal.h>

#include "conformance.h"

TestSuite(wait, .timeout = 60);

enum { CAPACITY = 4 };

static const int64_t hour = INT64_C(3600) * 1000 * 1000 * 1000;

/* A handler of @s that waits so. */
static struct dsr_handler waiting(struct seen *s, enum dsr_wait wait)
{
	struct dsr_handler handler = seen_handler(s);

	handler.wait = wait;
	handler.tuning = tuning_of(wait);
	return handler;
}

static struct dsr_disruptor *start_one(bool many, uint32_t capacity, struct dsr_handler handler)
{
	struct dsr_builder *b = build(many, capacity);

	expect(dsr_handle_events(b, &handler), 0);
	return start(b);
}

static struct dsr_disruptor *start_waiting(bool many, struct seen *s, enum dsr_wait wait,
					   uint64_t holds)
{
	seen_init(s, holds);
	return start_one(many, CAPACITY, waiting(s, wait));
}

/* One behind the other; the first is held at its first @holds events. */
static struct dsr_disruptor *start_two(bool many, uint32_t capacity, struct seen seen[2],
				       struct dsr_wait_tuning tuning, enum dsr_wait wait,
				       uint64_t holds)
{
	struct dsr_builder *b = build(many, capacity);

	for (int i = 0; i < 2; i++) {
		struct dsr_handler handler;

		seen_init(&seen[i], i ? 0 : holds);
		handler = waiting(&seen[i], wait);
		handler.tuning = tuning;
		expect(dsr_handle_events(b, &handler), 0);
		if (i == 0)
			expect(dsr_then(b), 0);
	}
	return start(b);
}

static void expect_all(const struct seen *s, uint64_t count)
{
	expect(s->count, count);
	expect(s->gaps, 0);
	expect(s->stops, 1);
	for (uint64_t i = 0; i < count && i < SEEN_MAX; i++)
		expect(s->value[i], s->sequence[i]);
}

/**
 * struct blocked - a thread with one claim
 * @wait, @tuning, @n, @timeout: how it claims
 * @got: what the claim returned; INT64_MIN: it has not yet
 */
struct blocked {
	struct dsr_disruptor *d;
	enum dsr_wait wait;
	struct dsr_wait_tuning tuning;
	uint32_t n;
	int64_t timeout;
	int64_t got;
	int tid;
	sem_t ready;
	pthread_t thread;
};

static void *claim_and_publish(void *argument)
{
	struct blocked *c = argument;
	struct dsr_producer *p = dsr_producer(c->d);
	int64_t first = -ENOMEM;

	c->tid = (int)syscall(SYS_gettid);
	if (p && dsr_producer_tune_wait(p, c->wait, &c->tuning) < 0)
		first = -EINVAL;
	sem_post(&c->ready);
	if (p && first != -EINVAL)
		first = dsr_claim_n(p, c->n, c->timeout);
	if (first >= 0) {
		fill(p, first, c->n);
		dsr_publish(p);
	}
	if (p)
		dsr_producer_release(p);
	dsr_store_release(&c->got, first);
	return NULL;
}

static void blocked_begin(struct blocked *c, struct dsr_disruptor *d)
{
	c->d = d;
	c->got = INT64_MIN;
	sem_init(&c->ready, 0, 0);
	expect(pthread_create(&c->thread, NULL, claim_and_publish, c), 0);
	wait_for(&c->ready);
}

static bool parks(enum dsr_wait wait)
{
	return wait == DSR_WAIT_PARK || wait == DSR_WAIT_PHASED;
}

/* Inside its claim, as far as that can be seen from outside. */
static void blocked_await_waiting(struct blocked *c)
{
	uint64_t begin = naps_of(c->tid);

	if (parks(c->wait))
		await_asleep(c->tid);
	else if (c->wait == DSR_WAIT_SLEEP)
		while (begin != UINT64_MAX && naps_of(c->tid) < begin + 4)
			sched_yield();
	else
		for (int i = 0; i < 10; i++)
			sched_yield();
	expect(dsr_load_acquire(&c->got), INT64_MIN);
}

static void blocked_join(struct blocked *c)
{
	expect(pthread_join(c->thread, NULL), 0);
	sem_destroy(&c->ready);
}

static struct blocked blocked_by(enum dsr_wait wait, uint32_t n, int64_t timeout)
{
	return (struct blocked){
		.wait = wait, .tuning = tuning_of(wait), .n = n, .timeout = timeout};
}

/* Full, and held at its first event; no handle is out. */
static void fill_up(struct dsr_disruptor *d, struct seen *s)
{
	struct dsr_producer *p = producer_of(d);

	put_held(p, s);
	put_until_full(p);
	expect(dsr_producer_release(p), 0);
}

static void handle_waiting(bool many, enum dsr_wait wait)
{
	struct seen seen[2];
	struct dsr_disruptor *d = start_two(many, CAPACITY, seen, tuning_of(wait), wait, 0);
	struct dsr_producer *p = producer_of(d);

	for (uint32_t i = 0; i < 100; i++) {
		/* Every now and then they have time to go all the way to sleep. */
		if (i % 25 == 0 && parks(wait))
			await_all_asleep(d);
		put(p, 1 + i % CAPACITY);
	}
	finish(d);
	expect_all(&seen[0], 250);
	expect_all(&seen[1], 250);
}

#define CASE_HANDLERS(name, strategy)           \
	CASE_BOTH(wait, handlers_##name)        \
	{                                       \
		handle_waiting(many, strategy); \
	}

EACH_WAIT(CASE_HANDLERS)

/* With nothing ever published. */
static struct dsr_waits waits_of(struct dsr_disruptor *d, uint32_t index)
{
	struct dsr_snapshot *snapshot;
	struct dsr_waits waits;

	expect(dsr_snapshot_take(d, &snapshot), 0);
	cr_assert(index < snapshot->consumer_count);
	waits = snapshot->consumers[index].waited;
	dsr_snapshot_free(snapshot);
	return waits;
}

static void end_waiting(enum dsr_wait wait)
{
	for (int way = 0; way < 3; way++) {
		struct seen seen[2];
		struct dsr_disruptor *d = start_two(true, CAPACITY, seen, tuning_of(wait), wait, 0);

		if (parks(wait))
			await_all_asleep(d);
		if (way == 1)
			expect(dsr_halt(d), 0);
		if (way == 2)
			for (int i = 1; i >= 0; i--)
				expect(dsr_detach(d, i ? "processor-1" : "processor-0",
						  DSR_FOREVER),
				       0);
		finish(d);
		for (int i = 0; i < 2; i++) {
			expect_all(&seen[i], 0);
			expect(seen[i].reason, way == 0 ? 0 : -ECANCELED);
		}
	}
}

#define CASE_ENDS(name, strategy)      \
	CASE(wait, ends_##name)        \
	{                              \
		end_waiting(strategy); \
	}

EACH_WAIT(CASE_ENDS)

/* It has not got as far as to sleep, or to yield, and never would. */
CASE(wait, ends_while_it_spins)
{
	static const enum dsr_wait waits[] = {DSR_WAIT_YIELD, DSR_WAIT_SLEEP, DSR_WAIT_PARK,
					      DSR_WAIT_PHASED};

	for (int i = 0; i < 3 * 4; i++) {
		struct seen s;
		struct dsr_handler handler;
		struct dsr_disruptor *d;
		struct dsr_waits waits_then;

		seen_init(&s, 0);
		handler = waiting(&s, waits[i / 3]);
		handler.tuning.spins = INT32_MAX;
		d = start_one(false, CAPACITY, handler);
		while (waits_of(d, 0).waits < 1)
			sched_yield();
		waits_then = waits_of(d, 0);
		expect(waits_then.yields + waits_then.naps + waits_then.parks, 0);
		if (i % 3 == 1)
			expect(dsr_halt(d), 0);
		if (i % 3 == 2)
			expect(dsr_detach(d, "processor-0", DSR_FOREVER), 0);
		finish(d);
		expect_all(&s, 0);
		expect(s.reason, i % 3 ? -ECANCELED : 0);
	}
}

static void produce_waiting(bool many, enum dsr_wait wait)
{
	for (uint32_t n = 1; n <= CAPACITY; n += CAPACITY - 1) {
		struct blocked c = blocked_by(wait, n, n == 1 ? DSR_FOREVER : hour);
		struct seen s;
		struct dsr_disruptor *d = start_waiting(many, &s, DSR_WAIT_YIELD, 1);

		fill_up(d, &s);
		blocked_begin(&c, d);
		blocked_await_waiting(&c);
		sem_post(&s.go);
		blocked_join(&c);
		expect(c.got, CAPACITY);
		finish(d);
		expect_all(&s, CAPACITY + n);
	}
}

static void give_up_waiting(bool many, enum dsr_wait wait)
{
	struct blocked c = blocked_by(wait, 2, 2 * 1000 * 1000);
	struct seen s;
	struct dsr_disruptor *d = start_waiting(many, &s, DSR_WAIT_YIELD, 1);

	fill_up(d, &s);
	blocked_begin(&c, d);
	blocked_join(&c);
	expect(c.got, -ETIMEDOUT);
	c = blocked_by(wait, 2, DSR_FOREVER);
	blocked_begin(&c, d);
	blocked_await_waiting(&c);
	expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
	/* The handler still holds the ring. */
	blocked_join(&c);
	expect(c.got, -ECANCELED);
	sem_post(&s.go);
	finish(d);
	expect_all(&s, CAPACITY);
}

#define CASE_PRODUCERS(name, strategy)           \
	CASE_BOTH(wait, producers_##name)        \
	{                                        \
		produce_waiting(many, strategy); \
		give_up_waiting(many, strategy); \
	}

EACH_WAIT(CASE_PRODUCERS)

/* One that waits for its first event: how, by the time that it sleeps. */
static struct dsr_waits first_wait(enum dsr_wait wait, struct dsr_wait_tuning tuning)
{
	struct seen s;
	struct dsr_handler handler;
	struct dsr_waits waits;
	struct dsr_disruptor *d;

	seen_init(&s, 0);
	handler = waiting(&s, wait);
	handler.tuning = tuning;
	d = start_one(false, CAPACITY, handler);
	if (parks(wait))
		await_asleep(tid_of(d, 0));
	else
		while (waits_of(d, 0).naps < 3)
			sched_yield();
	waits = waits_of(d, 0);
	put(producer_of(d), 3);
	finish(d);
	expect_all(&s, 3);
	expect(waits.waits, 1);
	return waits;
}

static void expect_first_wait(enum dsr_wait wait, int32_t spins, int32_t yields, uint64_t wanted)
{
	struct dsr_wait_tuning tuning = {.spins = spins, .yields = yields, .nap = 1000};
	struct dsr_waits waits = first_wait(wait, tuning);

	expect(waits.yields, wanted);
	expect(waits.parks, parks(wait) ? 1 : 0);
	expect(waits.naps > 0, !parks(wait));
}

/* So many, the default for zero, and none below. */
CASE(wait, tuning_says_how_often)
{
	static const int32_t spins[] = {0, -1, INT32_MIN, 1, 50};

	for (int i = 0; i < 5; i++) {
		expect_first_wait(DSR_WAIT_PHASED, spins[i], 7, 7);
		expect_first_wait(DSR_WAIT_PHASED, spins[i], 0, 100);
		expect_first_wait(DSR_WAIT_PHASED, spins[i], -1, 0);
		expect_first_wait(DSR_WAIT_SLEEP, spins[i], 5, 5);
		expect_first_wait(DSR_WAIT_SLEEP, spins[i], 0, 100);
		expect_first_wait(DSR_WAIT_SLEEP, spins[i], INT32_MIN, 0);
		expect_first_wait(DSR_WAIT_PARK, spins[i], 0, 0);
		/* Not a parameter of it. */
		expect_first_wait(DSR_WAIT_PARK, spins[i], 9, 0);
	}
}

/* Who spins, or yields, does nothing else. */
CASE(wait, others_do_not_sleep)
{
	static const enum dsr_wait waits[] = {DSR_WAIT_BUSY_SPIN, DSR_WAIT_PAUSE, DSR_WAIT_MONITOR,
					      DSR_WAIT_YIELD};

	for (int i = 0; i < 4; i++) {
		struct seen s;
		struct dsr_disruptor *d = start_waiting(false, &s, waits[i], 0);
		struct dsr_waits waited;

		do {
			sched_yield();
			waited = waits_of(d, 0);
		} while (waited.waits < 1 || (waits[i] == DSR_WAIT_YIELD && waited.yields < 50));
		expect(waited.waits, 1);
		expect(waited.naps, 0);
		expect(waited.parks, 0);
		finish(d);
	}
}

/* Parameters at their limits, or that are not the strategy's, do no harm. */
CASE_BOTH(wait, any_tuning_works)
{
	static const struct dsr_wait_tuning tunings[] = {
		{.spins = 1, .yields = 1, .nap = 1},
		{.spins = -1, .yields = -1, .nap = -1},
		{.spins = INT32_MIN, .yields = INT32_MIN, .nap = INT64_MIN},
		{.spins = -1, .yields = 3, .nap = 1000},
		{.spins = 3, .yields = -1, .nap = 1},
	};

	for (int wait = DSR_WAIT_DEFAULT; wait < DSR_WAIT_CUSTOM; wait++)
		for (int i = 0; i < 5; i++) {
			struct seen seen[2];
			struct dsr_disruptor *d =
				start_two(many, CAPACITY, seen, tunings[i], (enum dsr_wait)wait, 0);
			struct dsr_producer *p = producer_of(d);

			expect(dsr_producer_tune_wait(p, (enum dsr_wait)wait, &tunings[i]), 0);
			for (uint32_t n = 0; n < 40; n++)
				put(p, 1 + n % CAPACITY);
			finish(d);
			expect_all(&seen[1], 100);
		}
}

/**
 * struct turns - what a custom strategy was called with
 * @progress: counts what the thread has had to do; NULL: it never had
 * @before:   that, at the call before
 * @next:     the number that is to come if there was nothing in between
 * @wrong:    numbers that were not
 * @reached:  posted at number @at of each wait
 */
struct turns {
	const uint64_t *progress;
	uint64_t before;
	uint64_t next;
	int64_t wrong;
	uint64_t calls;
	uint64_t at;
	sem_t reached;
};

static void count_turn(uint64_t number, void *context)
{
	struct turns *t = context;

	if (t->progress && *t->progress != t->before) {
		t->before = *t->progress;
		t->next = 0;
	}
	t->wrong += number != t->next;
	t->next = number + 1;
	t->calls++;
	if (number == t->at)
		sem_post(&t->reached);
	sched_yield();
}

CASE(wait, custom_turns_are_counted)
{
	enum { ROUNDS = 20 };
	struct turns t = {.at = 9};
	struct seen s;
	struct dsr_handler handler;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	sem_init(&t.reached, 0, 0);
	seen_init(&s, 0);
	t.progress = &s.count;
	handler = waiting(&s, DSR_WAIT_CUSTOM);
	handler.tuning = (struct dsr_wait_tuning){.turn = count_turn, .context = &t};
	d = start_one(false, CAPACITY, handler);
	p = producer_of(d);
	for (int i = 0; i < ROUNDS; i++) {
		wait_for(&t.reached);
		put(p, 1);
	}
	wait_for(&t.reached);
	finish(d);
	expect_all(&s, ROUNDS);
	expect(t.wrong, 0);
	cr_assert(t.calls >= 10 * (ROUNDS + 1));
}

/* Turns of a producer, each claim from 0 on, while the handler is held. */
CASE_BOTH(wait, custom_turns_of_a_producer_are_counted)
{
	struct turns t = {.at = 9};
	struct seen s;
	struct dsr_handler handler;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	sem_init(&t.reached, 0, 0);
	seen_init(&s, 5);
	handler = waiting(&s, DSR_WAIT_YIELD);
	handler.max_batch = 1;
	d = start_one(many, CAPACITY, handler);
	p = producer_of(d);
	put_held(p, &s);
	put_until_full(p);
	expect(dsr_producer_release(p), 0);
	for (uint64_t round = 1; round < 5; round++) {
		struct blocked c = blocked_by(DSR_WAIT_CUSTOM, 1, DSR_FOREVER);

		c.tuning = (struct dsr_wait_tuning){.turn = count_turn, .context = &t};
		t.next = 0;
		blocked_begin(&c, d);
		wait_for(&t.reached);
		sem_post(&s.go);
		wait_for(&s.arrived);
		blocked_join(&c);
		expect(c.got, CAPACITY - 1 + (int64_t)round);
	}
	sem_post(&s.go);
	finish(d);
	expect(t.wrong, 0);
	cr_assert(t.calls >= 40);
	expect_all(&s, CAPACITY + 4);
}

CASE_BOTH(wait, producer_refuses_what_is_none)
{
	struct dsr_wait_tuning none = {.spins = 1}, custom = {.turn = custom_turn};
	struct seen s;
	struct dsr_disruptor *d = start_waiting(many, &s, DSR_WAIT_YIELD, 0);
	struct dsr_producer *p = producer_of(d);

	for (int wait = DSR_WAIT_DEFAULT; wait < DSR_WAIT_CUSTOM; wait++) {
		expect(dsr_producer_set_wait(p, (enum dsr_wait)wait), 0);
		expect(dsr_producer_tune_wait(p, (enum dsr_wait)wait, NULL), 0);
		expect(dsr_producer_tune_wait(p, (enum dsr_wait)wait, &none), 0);
		expect(dsr_producer_tune_wait(NULL, (enum dsr_wait)wait, &none), -EINVAL);
		expect(dsr_producer_set_wait(NULL, (enum dsr_wait)wait), -EINVAL);
	}
	expect(dsr_producer_tune_wait(p, DSR_WAIT_CUSTOM, &custom), 0);
	expect(dsr_producer_set_wait(p, DSR_WAIT_CUSTOM), -EINVAL);
	expect(dsr_producer_tune_wait(p, DSR_WAIT_CUSTOM, NULL), -EINVAL);
	expect(dsr_producer_tune_wait(p, DSR_WAIT_CUSTOM, &none), -EINVAL);
	expect(dsr_producer_tune_wait(p, (enum dsr_wait)(DSR_WAIT_CUSTOM + 1), &custom), -EINVAL);
	expect(dsr_producer_tune_wait(p, (enum dsr_wait)99, &custom), -EINVAL);
	expect(dsr_producer_tune_wait(p, (enum dsr_wait) - 1, &custom), -EINVAL);
	for (int i = 0; i < 30; i++)
		put(p, CAPACITY);
	finish(d);
	expect_all(&s, 30 * CAPACITY);
}

/* What was refused has not replaced what was there. */
CASE_BOTH(wait, producer_keeps_what_it_had)
{
	struct dsr_wait_tuning custom = {.turn = count_turn};
	struct turns t = {.at = UINT64_MAX};
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	custom.context = &t;
	expect(dsr_add_poller(b, &(struct dsr_poller_options){.name = "poller"}), 0);
	d = start(b);
	p = producer_of(d);
	put_until_full(p);
	expect(dsr_producer_tune_wait(p, DSR_WAIT_CUSTOM, &custom), 0);
	expect(dsr_producer_set_wait(p, (enum dsr_wait)99), -EINVAL);
	expect(dsr_producer_set_wait(p, DSR_WAIT_CUSTOM), -EINVAL);
	/* On a slow machine the deadline may be over before the first turn. */
	for (int i = 0; i < 1000 && !t.calls; i++)
		expect(dsr_claim_n(p, 1, 1000 * 1000), -ETIMEDOUT);
	cr_assert(t.calls > 0);
	expect(t.wrong, 0);
	finish(d);
}

static void expect_refused(struct dsr_handler handler)
{
	struct seen s;
	struct dsr_builder *b = build(false, CAPACITY);
	struct dsr_disruptor *d;

	seen_init(&s, 0);
	handler.on_event = seen_event;
	handler.state = &s;
	handler.name = "culprit";
	expect(dsr_handle_events(b, &handler), -EINVAL);
	cr_assert(strstr(dsr_builder_message(b), "culprit") != NULL, "%s", dsr_builder_message(b));
	handler = waiting(&s, DSR_WAIT_YIELD);
	expect(dsr_handle_events(b, &handler), -EINVAL);
	expect(dsr_start(b, &d), -EINVAL);
	cr_assert(strstr(dsr_builder_message(b), "culprit") != NULL, "%s", dsr_builder_message(b));
	expect(dsr_builder_destroy(b), 0);
}

static int idle_on(int64_t sequence, void *state)
{
	(void)sequence;
	(void)state;
	return DSR_CONTINUE;
}

CASE(wait, builder_refuses_what_is_none)
{
	expect_refused((struct dsr_handler){.wait = DSR_WAIT_CUSTOM});
	expect_refused((struct dsr_handler){.wait = DSR_WAIT_CUSTOM, .tuning = {.spins = 5}});
	expect_refused((struct dsr_handler){.wait = (enum dsr_wait)(DSR_WAIT_CUSTOM + 1)});
	expect_refused((struct dsr_handler){.wait = (enum dsr_wait)99});
	expect_refused((struct dsr_handler){.wait = (enum dsr_wait) - 1});
	expect_refused((struct dsr_handler){.retry_pause = -1});
	expect_refused((struct dsr_handler){.retry_pause = INT64_MIN});
	expect_refused((struct dsr_handler){.on_idle = idle_on});
	expect_refused((struct dsr_handler){.on_idle = idle_on, .idle_after = -1});
	expect_refused((struct dsr_handler){.on_idle = idle_on, .idle_after = INT64_MIN});
}

/* A parked consumer, from here on, in each test: asleep before what is to wake it. */
CASE_BOTH(wait, parked_consumer_wakes_for_an_event)
{
	struct seen s;
	struct dsr_disruptor *d = start_waiting(many, &s, DSR_WAIT_PARK, UINT64_MAX);
	struct dsr_producer *p = producer_of(d);

	for (int i = 0; i < 50; i++) {
		await_asleep(tid_of(d, 0));
		put_held(p, &s);
		sem_post(&s.go);
	}
	finish(d);
	expect_all(&s, 50);
}

/* A ring of one slot, which comes back only when the consumer has stepped over it. */
CASE_BOTH(wait, parked_consumer_wakes_for_an_aborted_slot)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_one(many, 1, waiting(&s, DSR_WAIT_PARK));
	p = producer_of(d);
	for (int i = 0; i < 50; i++) {
		await_asleep(tid_of(d, 0));
		claim(p, 1);
		expect(dsr_abort(p), 1);
		claim(p, 1);
		expect(dsr_abort(p), 1);
	}
	put(p, 1);
	finish(d);
	expect_all(&s, 1);
	expect(s.last, 100);
}

CASE(wait, parked_consumer_wakes_when_a_hole_is_filled)
{
	struct seen s;
	struct dsr_disruptor *d = start_waiting(true, &s, DSR_WAIT_PARK, UINT64_MAX);
	struct dsr_producer *p = producer_of(d), *other = producer_of(d);

	for (int i = 0; i < 20; i++) {
		claim(p, 1);
		put(other, 1);
		await_asleep(tid_of(d, 0));
		expect(s.count, 2 * i);
		expect(dsr_publish(p), 1);
		for (int n = 0; n < 2; n++) {
			wait_for(&s.arrived);
			sem_post(&s.go);
		}
	}
	finish(d);
	expect_all(&s, 40);
}

CASE_BOTH(wait, parked_consumer_wakes_for_the_one_before_it)
{
	struct seen seen[2];
	struct dsr_disruptor *d = start_two(many, CAPACITY, seen, tuning_of(DSR_WAIT_PARK),
					    DSR_WAIT_PARK, UINT64_MAX);
	struct dsr_producer *p = producer_of(d);

	seen[1].holds = UINT64_MAX;
	for (int i = 0; i < 50; i++) {
		put_held(p, &seen[0]);
		await_asleep(tid_of(d, 1));
		expect(seen[1].count, i);
		sem_post(&seen[0].go);
		wait_for(&seen[1].arrived);
		sem_post(&seen[1].go);
	}
	finish(d);
	expect_all(&seen[1], 50);
}

CASE_BOTH(wait, parked_consumer_wakes_for_the_end)
{
	struct seen seen[2];
	struct dsr_disruptor *d;

	for (int way = 0; way < 4; way++) {
		d = start_two(many, CAPACITY, seen, tuning_of(DSR_WAIT_PARK), DSR_WAIT_PARK, 0);
		put(producer_of(d), 2);
		await_all_asleep(d);
		if (way == 1)
			expect(dsr_halt(d), 0);
		if (way == 2)
			expect(dsr_close(d), 0);
		if (way == 3)
			expect(dsr_detach(d, "processor-0", DSR_FOREVER), 0);
		/* The last claim may be open when the end begins. */
		finish(d);
		expect_all(&seen[0], 2);
		expect_all(&seen[1], 2);
		expect(seen[0].reason, way % 2 ? -ECANCELED : 0);
		expect(seen[1].reason, way == 1 ? -ECANCELED : 0);
	}
}

/* The end is known only when the last claim is dealt with; its abort tells it. */
CASE_BOTH(wait, parked_consumer_wakes_for_the_end_behind_a_claim)
{
	struct seen seen[2];
	struct dsr_disruptor *d =
		start_two(many, CAPACITY, seen, tuning_of(DSR_WAIT_PARK), DSR_WAIT_PARK, 0);
	struct dsr_producer *p = producer_of(d);

	claim(p, 2);
	expect(dsr_close(d), 0);
	await_all_asleep(d);
	expect(seen[0].stops, 0);
	expect(dsr_abort(p), 2);
	finish(d);
	expect_all(&seen[0], 0);
	expect_all(&seen[1], 0);
	expect(seen[1].reason, 0);
}

CASE(wait, parked_consumer_wakes_for_the_end_of_the_one_before_it)
{
	struct seen seen[2];
	struct dsr_disruptor *d =
		start_two(false, CAPACITY, seen, tuning_of(DSR_WAIT_PARK), DSR_WAIT_PARK, 1);
	struct dsr_producer *p = producer_of(d);

	seen[0].answer = DSR_STOP;
	seen[1].holds = UINT64_MAX;
	put_held(p, &seen[0]);
	put(p, 2);
	await_asleep(tid_of(d, 1));
	sem_post(&seen[0].go);
	/* It follows nobody from here on. */
	for (int i = 0; i < 3; i++) {
		wait_for(&seen[1].arrived);
		sem_post(&seen[1].go);
	}
	finish(d);
	expect_all(&seen[0], 1);
	expect_all(&seen[1], 3);
}

/* A producer that sleeps in a claim of a full ring, whose consumer is held. */
static struct dsr_disruptor *park_producer(bool many, struct seen *s, struct blocked *c,
					   int64_t timeout)
{
	struct dsr_disruptor *d = start_waiting(many, s, DSR_WAIT_PARK, 1);

	*c = blocked_by(DSR_WAIT_PARK, 1, timeout);
	fill_up(d, s);
	blocked_begin(c, d);
	blocked_await_waiting(c);
	return d;
}

CASE_BOTH(wait, parked_producer_wakes_for_room)
{
	for (int i = 0; i < 20; i++) {
		struct blocked c;
		struct seen s;
		struct dsr_disruptor *d = park_producer(many, &s, &c, i % 2 ? DSR_FOREVER : hour);

		sem_post(&s.go);
		blocked_join(&c);
		expect(c.got, CAPACITY);
		finish(d);
		expect_all(&s, CAPACITY + 1);
	}
}

CASE_BOTH(wait, parked_producer_wakes_for_the_end)
{
	for (int way = 0; way < 3; way++) {
		struct blocked c;
		struct seen s;
		struct dsr_disruptor *d = park_producer(many, &s, &c, way ? DSR_FOREVER : hour);

		switch (way) {
		case 0:
			expect(dsr_close(d), 0);
			break;
		case 1:
			expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
			break;
		default:
			expect(dsr_halt(d), 0);
			break;
		}
		/* Held all the time. */
		blocked_join(&c);
		expect(c.got, -ECANCELED);
		sem_post(&s.go);
		finish(d);
		expect_all(&s, way == 2 ? 1 : CAPACITY);
	}
}

CASE_BOTH(wait, parked_producer_wakes_when_the_consumer_ends)
{
	struct blocked c;
	struct seen s;
	struct dsr_disruptor *d = start_waiting(many, &s, DSR_WAIT_PARK, 1);

	s.answer = DSR_STOP;
	c = blocked_by(DSR_WAIT_PARK, CAPACITY, DSR_FOREVER);
	fill_up(d, &s);
	blocked_begin(&c, d);
	blocked_await_waiting(&c);
	sem_post(&s.go);
	blocked_join(&c);
	expect(c.got, CAPACITY);
	finish(d);
	expect_all(&s, 1);
}

CASE_BOTH(wait, parked_producer_wakes_when_the_slowest_is_detached)
{
	struct blocked c = blocked_by(DSR_WAIT_PARK, 2, DSR_FOREVER);
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_disruptor *d;
	struct dsr_handler handler;
	struct dsr_producer *p;
	struct seen s;

	seen_init(&s, 0);
	handler = waiting(&s, DSR_WAIT_PARK);
	expect(dsr_handle_events(b, &handler), 0);
	expect(dsr_add_poller(b, &(struct dsr_poller_options){.name = "slow"}), 0);
	d = start(b);
	p = producer_of(d);
	expect(put_until_full(p), CAPACITY);
	expect(dsr_producer_release(p), 0);
	blocked_begin(&c, d);
	blocked_await_waiting(&c);
	expect(dsr_detach(d, "slow", DSR_NOW), 0);
	blocked_join(&c);
	expect(c.got, CAPACITY);
	finish(d);
	expect_all(&s, CAPACITY + 2);
}

CASE_BOTH(wait, parked_producer_wakes_for_a_release_within_a_batch)
{
	struct blocked c = blocked_by(DSR_WAIT_PARK, 2, DSR_FOREVER);
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_batch *batch;
	struct dsr_disruptor *d;
	struct dsr_poller *poller;
	struct dsr_producer *p;

	expect(dsr_add_poller(b, &(struct dsr_poller_options){.name = "poller"}), 0);
	d = start(b);
	poller = dsr_poller_find(d, "poller");
	p = producer_of(d);
	expect(put_until_full(p), CAPACITY);
	expect(dsr_producer_release(p), 0);
	expect(dsr_poll(poller, CAPACITY, &batch), DSR_POLL_EVENTS);
	blocked_begin(&c, d);
	blocked_await_waiting(&c);
	cr_assert(dsr_batch_next(batch) != NULL);
	dsr_batch_release(batch);
	/* That was one, and it wants two. */
	blocked_await_waiting(&c);
	cr_assert(dsr_batch_next(batch) != NULL);
	dsr_batch_release(batch);
	blocked_join(&c);
	expect(c.got, CAPACITY);
	finish(d);
}

CASE_BOTH(wait, parked_producer_gives_up_in_time)
{
	struct blocked c = blocked_by(DSR_WAIT_PARK, 1, 20 * 1000 * 1000);
	struct seen s;
	struct dsr_disruptor *d = start_waiting(many, &s, DSR_WAIT_PARK, 1);

	c.tuning.spins = -1;
	fill_up(d, &s);
	for (int i = 0; i < 3; i++) {
		blocked_begin(&c, d);
		blocked_join(&c);
		expect(c.got, -ETIMEDOUT);
	}
	sem_post(&s.go);
	finish(d);
	expect_all(&s, CAPACITY);
}

/* Each sleeps at once whenever it has nothing, so each of these is a race of both sides. */
CASE_BOTH(wait, no_wake_up_is_lost)
{
	enum { EVENTS = 10000 };
	struct dsr_wait_tuning at_once = {.spins = -1, .yields = -1};

	for (uint32_t capacity = 1; capacity <= 4; capacity *= 4) {
		struct seen seen[2];
		struct dsr_disruptor *d =
			start_two(many, capacity, seen, at_once, DSR_WAIT_PARK, 0);
		struct dsr_producer *p = producer_of(d);

		expect(dsr_producer_tune_wait(p, DSR_WAIT_PARK, &at_once), 0);
		for (int i = 0; i < EVENTS; i++)
			put(p, 1);
		finish(d);
		expect_all(&seen[0], EVENTS);
		expect_all(&seen[1], EVENTS);
	}
}

/* Who counts, for a test that waits for each event. */
static int count_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	int64_t *count = state;

	(void)event;
	(void)sequence;
	(void)end_of_batch;
	/* Release: the test goes on behind it. */
	dsr_store_release(count, *count + 1);
	return DSR_CONTINUE;
}

/*
 * One event at a time, each some moments after the one before: the handler is
 * about to fall asleep just when it comes. The look for sleepers has to see it,
 * or it its event.
 */
CASE_BOTH(wait, who_falls_asleep_is_woken)
{
	enum { ROUNDS = 20000 };
	int64_t count = 0;
	struct dsr_handler handler = {.on_event = count_event,
				      .state = &count,
				      .wait = DSR_WAIT_PARK,
				      .tuning = {.spins = -1}};
	struct dsr_disruptor *d = start_one(many, 64, handler);
	struct dsr_producer *p = producer_of(d);

	for (int64_t i = 0; i < ROUNDS; i++) {
		put(p, 1);
		while (dsr_load_acquire(&count) <= i)
			sched_yield();
		for (int64_t n = 0; n < i % 1021; n++)
			dsr_relax();
	}
	finish(d);
	expect(count, ROUNDS);
}

/*
 * Is @tid asleep all the time? Time is what another thread's naps take, which
 * is a handler of the same ring with nothing to do either.
 */
static void expect_sleeps(int tid, int napper)
{
	uint64_t begin = naps_of(tid), naps = naps_of(napper);

	while (naps_of(napper) < naps + 100)
		sched_yield();
	expect(naps_of(tid), begin);
}

CASE(wait, parked_threads_sleep)
{
	static const enum dsr_wait waits[] = {DSR_WAIT_PARK, DSR_WAIT_PHASED, DSR_WAIT_DEFAULT,
					      DSR_WAIT_SLEEP};
	struct blocked c = blocked_by(DSR_WAIT_PARK, 1, DSR_FOREVER);
	struct dsr_builder *b = build(true, CAPACITY);
	struct seen seen[5];
	struct dsr_disruptor *d;

	if (naps_of((int)syscall(SYS_gettid)) == UINT64_MAX)
		cr_skip_test("not here: this kernel does not count a thread's switches");
	for (int i = 0; i < 4; i++) {
		struct dsr_handler handler;

		seen_init(&seen[i], 0);
		handler = waiting(&seen[i], waits[i]);
		expect(dsr_handle_events(b, &handler), 0);
	}
	/* Two that follow: one of a handler that is done, one of a handler that is not. */
	seen_init(&seen[4], 1);
	expect(dsr_handle_events(b, &(struct dsr_handler){.on_event = seen_event,
							  .state = &seen[4],
							  .after = DSR_AFTER("processor-0")}),
	       0);
	d = start(b);
	/* Nothing is there. */
	for (uint32_t i = 0; i < 5; i++)
		if (i != 3)
			await_asleep(tid_of(d, i));
	for (uint32_t i = 0; i < 5; i++)
		if (i != 3)
			expect_sleeps(tid_of(d, i), tid_of(d, 3));
	/* The ring is full, and one of them holds it. */
	fill_up(d, &seen[4]);
	blocked_begin(&c, d);
	for (uint32_t i = 0; i < 4; i++)
		if (i != 3)
			await_asleep(tid_of(d, i));
	await_asleep(c.tid);
	for (uint32_t i = 0; i < 3; i++)
		expect_sleeps(tid_of(d, i), tid_of(d, 3));
	expect_sleeps(c.tid, tid_of(d, 3));
	sem_post(&seen[4].go);
	blocked_join(&c);
	expect(c.got, CAPACITY);
	finish(d);
}

/* Events that a follower cannot have yet are no reason for it to burn. */
CASE(wait, parked_follower_of_a_held_handler_sleeps)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct seen held, napping, follower;
	struct dsr_handler handler;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	if (naps_of((int)syscall(SYS_gettid)) == UINT64_MAX)
		cr_skip_test("not here: this kernel does not count a thread's switches");
	seen_init(&held, 1);
	seen_init(&napping, 0);
	seen_init(&follower, 0);
	handler = waiting(&held, DSR_WAIT_PARK);
	expect(dsr_handle_events(b, &handler), 0);
	handler = waiting(&napping, DSR_WAIT_SLEEP);
	expect(dsr_handle_events(b, &handler), 0);
	expect(dsr_then(b), 0);
	handler = waiting(&follower, DSR_WAIT_PARK);
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	p = producer_of(d);
	put_held(p, &held);
	put_until_full(p);
	await_asleep(tid_of(d, 2));
	expect_sleeps(tid_of(d, 2), tid_of(d, 1));
	expect(follower.count, 0);
	sem_post(&held.go);
	finish(d);
	expect_all(&follower, CAPACITY);
}

static int64_t signals;

static void count_signal(int number)
{
	(void)number;
	dsr_fetch_add(&signals, 1);
}

static void take_signals(void)
{
	struct sigaction action = {.sa_handler = count_signal};

	sigemptyset(&action.sa_mask);
	expect(sigaction(SIGUSR1, &action, NULL), 0);
	signals = 0;
}

/* A thread of the program's may get signals at any time. */
static void interrupt(bool many, enum dsr_wait wait, int64_t timeout)
{
	struct blocked c = blocked_by(wait, 1, timeout);
	struct seen s;
	struct dsr_disruptor *d = start_waiting(many, &s, DSR_WAIT_YIELD, 1);

	take_signals();
	fill_up(d, &s);
	blocked_begin(&c, d);
	for (int64_t i = 0; i < 100; i++) {
		blocked_await_waiting(&c);
		expect(syscall(SYS_tgkill, getpid(), c.tid, SIGUSR1), 0);
		while (dsr_load_relaxed(&signals) <= i)
			sched_yield();
	}
	blocked_await_waiting(&c);
	sem_post(&s.go);
	blocked_join(&c);
	expect(c.got, CAPACITY);
	finish(d);
	expect_all(&s, CAPACITY + 1);
}

CASE_BOTH(wait, signals_do_not_disturb_a_parked_producer)
{
	interrupt(many, DSR_WAIT_PARK, DSR_FOREVER);
	interrupt(many, DSR_WAIT_PARK, hour);
}

CASE_BOTH(wait, signals_do_not_disturb_a_napping_producer)
{
	interrupt(many, DSR_WAIT_SLEEP, DSR_FOREVER);
	interrupt(many, DSR_WAIT_SLEEP, hour);
}

/* Those of the process go to its own threads: this one, here. */
CASE(wait, signals_do_not_reach_a_parked_handler)
{
	struct seen s;
	struct dsr_disruptor *d = start_waiting(false, &s, DSR_WAIT_PARK, 0);
	uint64_t naps;

	take_signals();
	await_asleep(tid_of(d, 0));
	naps = naps_of(tid_of(d, 0));
	for (int64_t i = 0; i < 100; i++) {
		expect(kill(getpid(), SIGUSR1), 0);
		expect(syscall(SYS_tgkill, getpid(), tid_of(d, 0), SIGUSR1), 0);
		while (dsr_load_relaxed(&signals) <= i)
			sched_yield();
	}
	expect(signals, 100);
	expect(naps_of(tid_of(d, 0)), naps);
	put(producer_of(d), 2);
	finish(d);
	expect_all(&s, 2);
	expect(signals, 100);
}

/* Allows so many CPUs from here on. False: there are not so many. */
static bool allow_cpus(int count)
{
	cpu_set_t all, some;

	cr_assert(sched_getaffinity(0, sizeof(all), &all) == 0);
	CPU_ZERO(&some);
	for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&some) < count; cpu++)
		if (CPU_ISSET(cpu, &all))
			CPU_SET(cpu, &some);
	return CPU_COUNT(&some) == count && sched_setaffinity(0, sizeof(some), &some) == 0;
}

static enum dsr_wait wait_of(struct dsr_disruptor *d, uint32_t index)
{
	struct dsr_thread_placement thread;

	expect(dsr_placement_thread(d, index, &thread), 0);
	return thread.wait;
}

/* @count handlers, side by side, with waits of their own; the strategies that are used then. */
static void run_beside(const struct dsr_handler *handlers, uint32_t count, enum dsr_wait *used)
{
	enum { EVENTS = 300 };
	struct dsr_builder *b = build(true, 64);
	struct seen seen[8];
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	for (uint32_t i = 0; i < count; i++) {
		struct dsr_handler handler = handlers[i];

		seen_init(&seen[i], 0);
		handler.on_event = seen_event;
		handler.on_stop = seen_stop;
		handler.state = &seen[i];
		expect(dsr_handle_events(b, &handler), 0);
	}
	d = start(b);
	for (uint32_t i = 0; i < count; i++)
		used[i] = wait_of(d, i);
	p = producer_of(d);
	for (int i = 0; i < EVENTS; i++)
		put(p, 1);
	finish(d);
	for (uint32_t i = 0; i < count; i++)
		expect_all(&seen[i], EVENTS);
}

/* Two of them, which is fewer than most machines have CPUs. */
static void crowd_one_cpu(enum dsr_wait first, enum dsr_wait second)
{
	int pin = DSR_CPU(some_cpu());
	struct dsr_handler handlers[] = {
		{.pin = pin, .wait = first},
		{.pin = pin, .wait = second},
		/* These are not in anybody's way. */
		{.pin = pin, .wait = DSR_WAIT_SLEEP},
		{.pin = pin, .wait = DSR_WAIT_PARK},
		{.pin = pin, .wait = DSR_WAIT_PHASED},
	};
	enum dsr_wait used[5];

	run_beside(handlers, 5, used);
	expect(used[0], DSR_WAIT_YIELD);
	expect(used[1], DSR_WAIT_YIELD);
	expect(used[2], DSR_WAIT_SLEEP);
	expect(used[3], DSR_WAIT_PARK);
	expect(used[4], DSR_WAIT_PHASED);
}

CASE(wait, spinners_of_one_cpu_yield)
{
	crowd_one_cpu(DSR_WAIT_BUSY_SPIN, DSR_WAIT_DEFAULT);
	crowd_one_cpu(DSR_WAIT_MONITOR, DSR_WAIT_PAUSE);
}

CASE(wait, as_many_spinners_as_cpus_yield)
{
	struct dsr_handler handlers[] = {
		{.wait = DSR_WAIT_BUSY_SPIN}, {.wait = DSR_WAIT_PAUSE}, {.wait = DSR_WAIT_DEFAULT}};
	enum dsr_wait used[3];

	if (!allow_cpus(2))
		cr_skip_test("not here: there are no two CPUs");
	run_beside(handlers, 3, used);
	expect(used[0], DSR_WAIT_YIELD);
	expect(used[1], DSR_WAIT_YIELD);
	expect(used[2], DSR_WAIT_PARK);
}

CASE(wait, fewer_spinners_than_cpus_spin)
{
	struct dsr_handler handlers[] = {{.wait = DSR_WAIT_BUSY_SPIN}, {.wait = DSR_WAIT_YIELD}};
	enum dsr_wait used[2];

	if (!allow_cpus(2))
		cr_skip_test("not here: there are no two CPUs");
	run_beside(handlers, 2, used);
	expect(used[0], DSR_WAIT_BUSY_SPIN);
	expect(used[1], DSR_WAIT_YIELD);
	handlers[0] = (struct dsr_handler){.pin = DSR_CPU(some_cpu())};
	run_beside(handlers, 2, used);
	expect(used[0], DSR_WAIT_PAUSE);
	handlers[0] = (struct dsr_handler){.wait = DSR_WAIT_MONITOR};
	run_beside(handlers, 2, used);
	cr_assert(used[0] == DSR_WAIT_MONITOR || used[0] == DSR_WAIT_PAUSE);
}

CASE(wait, spinner_on_the_only_cpu_yields)
{
	struct dsr_handler handlers[] = {{.wait = DSR_WAIT_BUSY_SPIN}, {.wait = DSR_WAIT_CUSTOM}};
	enum dsr_wait used[2];

	handlers[1].tuning = tuning_of(DSR_WAIT_CUSTOM);
	cr_assert(allow_cpus(1));
	run_beside(handlers, 2, used);
	expect(used[0], DSR_WAIT_YIELD);
	expect(used[1], DSR_WAIT_CUSTOM);
}

/**
 * struct idler - a handler that is told when there is nothing
 * @seen:      first, so that it is the state of seen_event() too
 * @sequence:  what on_idle was told, the first SEEN_MAX times; @at: and when
 * @answer:    of the @answer_at-th time, 0 the first
 * @idle:      posted each time
 */
struct idler {
	struct seen seen;
	int64_t sequence[SEEN_MAX];
	int64_t at[SEEN_MAX];
	uint64_t idles;
	uint64_t answer_at;
	int answer;
	sem_t idle;
};

static int note_idle(int64_t sequence, void *state)
{
	struct idler *i = state;
	bool now = i->idles == i->answer_at;

	if (i->idles < SEEN_MAX) {
		i->sequence[i->idles] = sequence;
		i->at[i->idles] = clock_now();
	}
	i->idles++;
	sem_post(&i->idle);
	return now ? i->answer : DSR_CONTINUE;
}

static struct dsr_handler idling(struct idler *i, enum dsr_wait wait, int64_t after)
{
	struct dsr_handler handler;

	memset(i, 0, sizeof(*i));
	seen_init(&i->seen, 0);
	sem_init(&i->idle, 0, 0);
	handler = waiting(&i->seen, wait);
	handler.state = i;
	handler.on_idle = note_idle;
	handler.idle_after = after;
	return handler;
}

/* Until it has had @count events, and has been idle after that. */
static void await_idle_behind(struct idler *i, int64_t count)
{
	while (dsr_load_relaxed((int64_t *)&i->seen.count) < count)
		sched_yield();
	while (sem_trywait(&i->idle) == 0)
		;
	for (int n = 0; n < 3; n++)
		wait_for(&i->idle);
}

/* The n-th time is not before n times have gone by, however late one before was told. */
static void expect_not_too_early(const struct idler *i, int64_t begin, int64_t after)
{
	for (uint64_t n = 0; n < i->idles && n < SEEN_MAX; n++)
		cr_assert(i->at[n] - begin >= (int64_t)(n + 1) * after,
			  "%" PRIu64 " times after %" PRId64 " ns", n + 1, i->at[n] - begin);
}

static void idle_waiting(enum dsr_wait wait)
{
	enum { AFTER = 5 * 1000 * 1000 };
	struct idler i;
	int64_t begin = clock_now();
	struct dsr_disruptor *d = start_one(false, CAPACITY, idling(&i, wait, AFTER));
	struct dsr_producer *p = producer_of(d);
	uint64_t first = 0;

	for (int n = 0; n < 3; n++)
		wait_for(&i.idle);
	put(p, 3);
	await_idle_behind(&i, 3);
	finish(d);
	expect_all(&i.seen, 3);
	for (first = 0; first < i.idles && first < SEEN_MAX && i.sequence[first] == -1; first++)
		;
	cr_assert(first >= 3);
	for (uint64_t n = first; n < i.idles && n < SEEN_MAX; n++)
		cr_assert(i.sequence[n] >= 0 && i.sequence[n] <= 2);
	cr_assert(i.idles > SEEN_MAX || i.sequence[i.idles - 1] == 2);
	expect_not_too_early(&i, begin, AFTER);
}

#define CASE_IDLE(name, strategy)       \
	CASE(wait, idle_##name)         \
	{                               \
		idle_waiting(strategy); \
	}

EACH_WAIT(CASE_IDLE)

/* Long enough is what another thread's naps take: neither at once nor with every turn. */
static void wait_for_an_hour(enum dsr_wait wait)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct idler i;
	struct seen s;
	struct dsr_handler handler = idling(&i, wait, hour);
	struct dsr_disruptor *d;

	expect(dsr_handle_events(b, &handler), 0);
	seen_init(&s, 0);
	handler = waiting(&s, DSR_WAIT_SLEEP);
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	put(producer_of(d), 1);
	while (waits_of(d, 0).waits < 1 || waits_of(d, 1).naps < 100)
		sched_yield();
	finish(d);
	expect_all(&i.seen, 1);
	expect(i.idles, 0);
}

#define CASE_NOT_IDLE(name, strategy)         \
	CASE(wait, not_idle_too_early_##name) \
	{                                     \
		wait_for_an_hour(strategy);   \
	}

EACH_WAIT(CASE_NOT_IDLE)

CASE(wait, idle_before_the_first_sequence)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct idler i;
	struct dsr_handler handler = idling(&i, DSR_WAIT_PARK, 1000);
	struct dsr_disruptor *d;

	expect(dsr_first_sequence(b, 100), 0);
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	wait_for(&i.idle);
	finish(d);
	expect(i.sequence[0], 99);
}

/* As long as there are events it is not: not even after a nanosecond. */
CASE_BOTH(wait, not_idle_while_there_are_events)
{
	struct idler i;
	struct dsr_handler handler = idling(&i, DSR_WAIT_YIELD, 1);
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	handler.max_batch = 1;
	i.seen.holds = 1;
	d = start_one(many, CAPACITY, handler);
	p = producer_of(d);
	put_held(p, &i.seen);
	put_until_full(p);
	expect(dsr_close(d), 0);
	sem_post(&i.seen.go);
	finish(d);
	expect_all(&i.seen, CAPACITY);
	for (uint64_t n = 0; n < i.idles && n < SEEN_MAX; n++)
		cr_assert(i.sequence[n] == -1 || i.sequence[n] == CAPACITY - 1, "%" PRId64,
			  i.sequence[n]);
}

CASE(wait, follower_is_idle_while_it_is_gated)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct seen s;
	struct idler i;
	struct dsr_handler handler;
	struct dsr_disruptor *d;

	seen_init(&s, 2);
	handler = waiting(&s, DSR_WAIT_PARK);
	handler.max_batch = 1;
	expect(dsr_handle_events(b, &handler), 0);
	expect(dsr_then(b), 0);
	handler = idling(&i, DSR_WAIT_PARK, 1000 * 1000);
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	put(producer_of(d), 2);
	wait_for(&s.arrived);
	sem_post(&s.go);
	/* Event 1 is in the first one's hand; the second has had event 0, and no more. */
	wait_for(&s.arrived);
	await_idle_behind(&i, 1);
	for (uint64_t n = 0; n < i.idles && n < SEEN_MAX; n++)
		cr_assert(i.sequence[n] <= 0);
	cr_assert(i.idles > SEEN_MAX || i.sequence[i.idles - 1] == 0);
	expect(i.seen.count, 1);
	sem_post(&s.go);
	finish(d);
	expect_all(&i.seen, 2);
}

/* What comes of an answer: with @reason 1, that it goes on. */
static void answer_idle(int answer, int reason)
{
	struct dsr_builder *b = build(true, CAPACITY);
	struct idler i;
	struct seen other;
	struct dsr_handler handler = idling(&i, DSR_WAIT_PARK, 100 * 1000);
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	i.answer = answer;
	i.answer_at = 1;
	expect(dsr_handle_events(b, &handler), 0);
	seen_init(&other, 0);
	handler = waiting(&other, DSR_WAIT_PARK);
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	/* It may have stopped all by now. */
	p = dsr_producer(d);
	cr_assert(p || answer == DSR_STOP_ALL);
	wait_for(&i.idle);
	wait_for(&i.idle);
	if (reason == 1) {
		wait_for(&i.idle);
		put(p, 1);
	} else {
		while (tid_of(d, 0))
			sched_yield();
	}
	/* It holds nobody back, unless all is over. */
	for (int n = 0; n < 10 && reason != 1 && answer != DSR_STOP_ALL; n++)
		put(p, CAPACITY);
	finish(d);
	expect(i.seen.count, reason == 1 ? 1 : 0);
	expect(i.seen.reason, reason == 1 ? 0 : reason);
	expect(i.seen.stops, 1);
	expect(other.reason, answer == DSR_STOP_ALL ? -ECANCELED : 0);
	if (reason != 1)
		expect(i.idles, 2);
}

CASE(wait, idle_handler_answers)
{
	answer_idle(DSR_CONTINUE, 1);
	answer_idle(DSR_RELEASE, 1);
	answer_idle(DSR_RETRY, 1);
	answer_idle(DSR_STOP, DSR_STOP);
	answer_idle(DSR_STOP_ALL, DSR_STOP_ALL);
	answer_idle(-EIO, -EIO);
	answer_idle(77, -EINVAL);
}

static int forgive(void *event, int64_t sequence, int error, void *state)
{
	int64_t *errors = state;

	(void)event;
	(void)sequence;
	(void)error;
	dsr_fetch_add(errors, 1);
	return DSR_CONTINUE;
}

/* There is no event that it could go on behind: nobody is asked. */
CASE(wait, idle_handler_that_fails_stops)
{
	struct dsr_builder *b = build(true, CAPACITY);
	struct idler i;
	struct dsr_handler handler = idling(&i, DSR_WAIT_PARK, 100 * 1000);
	struct dsr_disruptor *d;
	int64_t errors = 0;

	i.answer = -EIO;
	expect(dsr_default_on_error(b, forgive, &errors), 0);
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	while (tid_of(d, 0))
		sched_yield();
	put(producer_of(d), 2);
	finish(d);
	expect(errors, 0);
	expect(i.idles, 1);
	expect_all(&i.seen, 0);
	expect(i.seen.reason, -EIO);
}

enum { CROWD = 16 };

/* Many more threads than CPUs: it takes a while, and it ends. */
static void crowd(bool many, bool chained, enum dsr_wait wait)
{
	enum { EVENTS = 6000 };
	static struct seen seen[CROWD];
	struct dsr_builder *b = build(many, 64);
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	for (int i = 0; i < CROWD; i++) {
		struct dsr_handler handler;

		seen_init(&seen[i], 0);
		handler = waiting(&seen[i], wait);
		expect(dsr_handle_events(b, &handler), 0);
		if (chained && i < CROWD - 1)
			expect(dsr_then(b), 0);
	}
	d = start(b);
	p = producer_of(d);
	for (int i = 0; i < EVENTS / 4; i++)
		put(p, 4);
	finish(d);
	for (int i = 0; i < CROWD; i++)
		expect_all(&seen[i], EVENTS);
}

/* On two CPUs, or one, whatever there are. */
static void crowd_each_way(bool many, bool chained)
{
	static const enum dsr_wait waits[] = {DSR_WAIT_DEFAULT, DSR_WAIT_YIELD, DSR_WAIT_BUSY_SPIN};

	if (!allow_cpus(2))
		cr_assert(allow_cpus(1));
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		crowd(many, chained, waits[i]);
}

CASE_BOTH(wait, more_threads_than_cpus_side_by_side)
{
	crowd_each_way(many, false);
}

CASE_BOTH(wait, more_threads_than_cpus_in_a_row)
{
	crowd_each_way(many, true);
}
