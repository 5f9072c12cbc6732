/* SPDX-License-Identifier: MIT */
/* How a disruptor ends, from every side; and the calls that only tell. */
#include "unit.h"

TestSuite(disruptor, .timeout = 60);

enum { CAPACITY = 4 };

CASE_BOTH(disruptor, shutdown_drains)
{
	for (uint32_t left = 0; left <= CAPACITY; left++) {
		struct seen s;
		struct dsr_disruptor *d;
		struct dsr_producer *p;

		seen_init(&s, 1);
		d = start_seen(many, CAPACITY, &s);
		p = producer_of(d);
		for (uint32_t i = 0; i < left; i++)
			put(p, 1);
		/* Held at its first event, if there is one: the end comes while all lie there. */
		if (left)
			expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
		sem_post(&s.go);
		expect(dsr_shutdown(d, DSR_FOREVER), 0);
		expect(s.count, left);
		expect(s.gaps, 0);
		expect(s.starts, 1);
		expect(s.stops, 1);
		expect(s.reason, 0);
		expect(dsr_destroy(d), 0);
	}
}

CASE_BOTH(disruptor, ends_without_a_producer)
{
	struct seen s;

	seen_init(&s, 0);
	finish(start_seen(many, CAPACITY, &s));
	expect(s.count, 0);
	expect(s.stops, 1);
	expect(s.reason, 0);
}

CASE_BOTH(disruptor, is_shut_down_once)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_seen(many, CAPACITY, &s);
	p = producer_of(d);
	put(p, 1);
	expect(dsr_destroy(d), -EBUSY);
	expect(dsr_shutdown(d, DSR_FOREVER), 0);
	expect(dsr_shutdown(d, DSR_FOREVER), -EALREADY);
	expect(dsr_shutdown(d, DSR_NOW), -EALREADY);
	expect(dsr_halt(d), -EALREADY);
	/* Who comes late is told so, until the end. */
	cr_assert(dsr_producer(d) == NULL);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -ECANCELED);
	expect(dsr_claim_n(p, 2, DSR_FOREVER), -ECANCELED);
	expect(dsr_claim_n(p, 1, DSR_NOW), -ECANCELED);
	expect(dsr_claim_n(p, CAPACITY, 1000), -ECANCELED);
	cr_assert(dsr_claim(p) == NULL);
	expect(dsr_claim_error(p), -ECANCELED);
	expect(dsr_publish(p), 0);
	expect(dsr_abort(p), 0);
	expect(dsr_producer_release(p), 0);
	cr_assert(dsr_producer(d) == NULL);
	expect(dsr_capacity(d), CAPACITY);
	expect(dsr_destroy(d), 0);
	expect(s.count, 1);
	expect(s.stops, 1);
}

CASE_BOTH(disruptor, producer_that_is_blocked_is_cancelled)
{
	for (uint32_t n = 1; n <= CAPACITY; n += CAPACITY - 1) {
		struct seen s;
		struct dsr_disruptor *d;
		struct dsr_producer *p;
		struct caller c;

		seen_init(&s, 1);
		d = start_seen(many, CAPACITY, &s);
		p = producer_of(d);
		put_held(p, &s);
		put(p, CAPACITY - 1);
		expect(dsr_producer_release(p), 0);
		caller_begin(&c, d, n, 1000);
		caller_await_waiting(&c);
		expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
		/* While the handler holds the ring: nothing but the end has let it go. */
		caller_join(&c);
		expect(c.error, -ECANCELED);
		expect(c.claimed, 0);
		sem_post(&s.go);
		finish(d);
		expect(s.count, CAPACITY);
		expect(s.gaps, 0);
		expect(s.reason, 0);
	}
}

/* Each with its own claim on record, one batch behind the other. */
CASE(disruptor, producers_that_are_blocked_are_all_cancelled)
{
	enum { CALLERS = 6 };
	struct caller callers[CALLERS];
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 1);
	d = start_seen(true, CAPACITY, &s);
	p = producer_of(d);
	put_held(p, &s);
	put(p, CAPACITY - 1);
	for (uint32_t i = 0; i < CALLERS; i++)
		caller_begin(&callers[i], d, 1 + i % CAPACITY, 1000);
	for (uint32_t i = 0; i < CALLERS; i++)
		caller_await_waiting(&callers[i]);
	expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
	for (uint32_t i = 0; i < CALLERS; i++) {
		caller_join(&callers[i]);
		expect(callers[i].error, -ECANCELED);
		expect(callers[i].claimed, 0);
	}
	sem_post(&s.go);
	finish(d);
	expect(s.count, CAPACITY);
	expect(s.gaps, 0);
}

CASE_BOTH(disruptor, producers_that_run_lose_nothing)
{
	for (int round = 0; round < 20; round++) {
		struct caller callers[3];
		uint32_t count = many ? 3 : 1;
		uint64_t claimed = 0;
		struct seen s;
		struct dsr_disruptor *d;

		seen_init(&s, 1);
		d = start_seen(many, CAPACITY, &s);
		for (uint32_t i = 0; i < count; i++)
			caller_begin(&callers[i], d, 1 + i, UINT64_MAX);
		wait_for(&s.arrived);
		sem_post(&s.go);
		expect(dsr_shutdown(d, DSR_FOREVER), 0);
		for (uint32_t i = 0; i < count; i++) {
			caller_join(&callers[i]);
			expect(callers[i].error, -ECANCELED);
			claimed += callers[i].claimed;
		}
		expect(dsr_destroy(d), 0);
		expect(s.count, claimed);
	}
}

CASE_BOTH(disruptor, deadline_goes_by_and_shutdown_goes_on)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 1);
	d = start_seen(many, CAPACITY, &s);
	p = producer_of(d);
	put_held(p, &s);
	put(p, 2);
	expect(dsr_shutdown(d, INT64_MIN), -ETIMEDOUT);
	expect(dsr_shutdown(d, -1), -ETIMEDOUT);
	expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
	expect(dsr_shutdown(d, 2 * 1000 * 1000), -ETIMEDOUT);
	/* It has begun with the first of these. */
	expect(dsr_claim_n(p, 1, DSR_NOW), -ECANCELED);
	cr_assert(dsr_producer(d) == NULL);
	expect(dsr_destroy(d), -EBUSY);
	expect(s.stops, 0);
	sem_post(&s.go);
	expect(dsr_shutdown(d, DSR_FOREVER - 1), 0);
	expect(dsr_destroy(d), 0);
	expect(s.count, 3);
	expect(s.reason, 0);
}

CASE_BOTH(disruptor, claim_that_was_granted_is_drained)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_seen(many, CAPACITY, &s);
	p = producer_of(d);
	put(p, 2);
	claim(p, 4);
	expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
	expect(dsr_destroy(d), -EBUSY);
	expect(dsr_publish_n(p, 1), 1);
	expect(dsr_abort_n(p, 1), 1);
	expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), many ? -EBUSY : -ECANCELED);
	expect(dsr_publish(p), 2);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -ECANCELED);
	finish(d);
	expect(s.count, 5);
	expect(s.last, 5);
	expect(s.reason, 0);
}

CASE_BOTH(disruptor, halt_stops_after_the_event)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 1);
	d = start_seen(many, CAPACITY, &s);
	p = producer_of(d);
	put_held(p, &s);
	put(p, CAPACITY - 1);
	expect(dsr_halt(d), 0);
	expect(dsr_halt(d), 0);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -ECANCELED);
	expect(dsr_destroy(d), -EBUSY);
	sem_post(&s.go);
	finish(d);
	expect(s.count, 1);
	expect(s.stops, 1);
	expect(s.reason, -ECANCELED);
}

/* Held within a batch that has more events: it ends there. */
CASE_BOTH(disruptor, halt_stops_within_a_batch)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 2);
	d = start_seen(many, CAPACITY, &s);
	p = producer_of(d);
	put_held(p, &s);
	put(p, CAPACITY - 1);
	sem_post(&s.go);
	wait_for(&s.arrived);
	expect(dsr_halt(d), 0);
	sem_post(&s.go);
	finish(d);
	expect(s.count, 2);
	expect(s.end[1], false);
	expect(s.reason, -ECANCELED);
}

struct batch_taker {
	int batches, events, reason;
	sem_t arrived, go;
};

static int take_batch(struct dsr_batch *batch, void *state)
{
	struct batch_taker *t = state;

	if (t->batches++ == 0) {
		sem_post(&t->arrived);
		wait_for(&t->go);
	}
	/* Two at a time, so that there is another batch that must not come. */
	for (int i = 0; i < 2 && dsr_batch_next(batch); i++)
		t->events++;
	return DSR_CONTINUE;
}

static void stop_taker(void *state, int reason)
{
	struct batch_taker *t = state;

	t->reason = reason;
}

CASE_BOTH(disruptor, halt_stops_after_the_batch)
{
	struct batch_taker t = {.batches = 0};
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	sem_init(&t.arrived, 0, 0);
	sem_init(&t.go, 0, 0);
	dsr_handle_events(b, &(struct dsr_handler){
				     .on_batch = take_batch, .on_stop = stop_taker, .state = &t});
	d = start(b);
	p = producer_of(d);
	put(p, 1);
	wait_for(&t.arrived);
	put(p, CAPACITY - 1);
	expect(dsr_halt(d), 0);
	sem_post(&t.go);
	finish(d);
	expect(t.batches, 1);
	expect(t.events, 2);
	expect(t.reason, -ECANCELED);
}

CASE_BOTH(disruptor, halt_does_not_wait_for_an_open_claim)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_seen(many, CAPACITY, &s);
	p = producer_of(d);
	put(p, 1);
	claim(p, 2);
	expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
	expect(dsr_halt(d), 0);
	expect(dsr_shutdown(d, DSR_FOREVER), 0);
	expect(s.reason, -ECANCELED);
	/* Late, and harmless. */
	expect(dsr_publish(p), 2);
	expect(dsr_destroy(d), 0);
	cr_assert(s.count <= 1);
}

CASE_BOTH(disruptor, halt_cancels_producers_that_are_blocked)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct caller c;

	seen_init(&s, 1);
	d = start_seen(many, CAPACITY, &s);
	p = producer_of(d);
	put_held(p, &s);
	put(p, CAPACITY - 1);
	expect(dsr_producer_release(p), 0);
	caller_begin(&c, d, 1, 1000);
	caller_await_waiting(&c);
	expect(dsr_halt(d), 0);
	caller_join(&c);
	expect(c.error, -ECANCELED);
	sem_post(&s.go);
	finish(d);
	expect(s.count, 1);
	expect(s.reason, -ECANCELED);
}

/* What a handler gets that ends its own disruptor, within an event and at its end. */
struct ender {
	struct dsr_disruptor *d;
	int count;
	int shutdown, shutdown_now, halt, stop_shutdown, reason;
	bool halts;
	sem_t go;
};

static int end_inside(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct ender *e = state;

	(void)event;
	(void)sequence;
	(void)end_of_batch;
	if (e->count++ == 0) {
		wait_for(&e->go);
		e->shutdown = dsr_shutdown(e->d, DSR_FOREVER);
		e->shutdown_now = dsr_shutdown(e->d, DSR_NOW);
		e->halt = e->halts ? dsr_halt(e->d) : 0;
	}
	return DSR_CONTINUE;
}

static void end_in_on_stop(void *state, int reason)
{
	struct ender *e = state;

	e->reason = reason;
	e->stop_shutdown = dsr_shutdown(e->d, DSR_FOREVER);
}

static struct ender run_ender(bool many, bool halts)
{
	struct ender e = {.halts = halts};
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_producer *p;

	sem_init(&e.go, 0, 0);
	dsr_handle_events(b, &(struct dsr_handler){.on_event = end_inside,
						   .on_stop = end_in_on_stop,
						   .state = &e});
	e.d = start(b);
	p = producer_of(e.d);
	put(p, CAPACITY);
	sem_post(&e.go);
	/* Before this one is over, the handler may have halted it, or not yet. */
	if (!halts)
		put(p, CAPACITY);
	finish(e.d);
	return e;
}

CASE_BOTH(disruptor, handler_cannot_wait_for_itself)
{
	struct ender e = run_ender(many, false);

	expect(e.shutdown, -EDEADLK);
	expect(e.shutdown_now, -EDEADLK);
	expect(e.stop_shutdown, -EDEADLK);
	/* And has not begun it: the ring went on. */
	expect(e.count, 2 * CAPACITY);
	expect(e.reason, 0);
}

CASE_BOTH(disruptor, handler_may_halt)
{
	struct ender e = run_ender(many, true);

	expect(e.shutdown, -EDEADLK);
	expect(e.halt, 0);
	expect(e.count, 1);
	expect(e.reason, -ECANCELED);
}

/* Several at once: one of them joins, and each says what is true. */
struct closer {
	struct dsr_disruptor *d;
	pthread_t thread;
	int answer;
};

static void *close_it(void *argument)
{
	struct closer *c = argument;

	c->answer = dsr_shutdown(c->d, DSR_FOREVER);
	return NULL;
}

CASE_BOTH(disruptor, is_shut_down_by_several_threads)
{
	enum { CLOSERS = 4 };
	struct closer closers[CLOSERS];
	struct seen s;
	struct dsr_disruptor *d;
	int joined = 0;

	seen_init(&s, 1);
	d = start_seen(many, CAPACITY, &s);
	put_held(producer_of(d), &s);
	for (int i = 0; i < CLOSERS; i++) {
		closers[i].d = d;
		expect(pthread_create(&closers[i].thread, NULL, close_it, &closers[i]), 0);
	}
	sem_post(&s.go);
	for (int i = 0; i < CLOSERS; i++) {
		expect(pthread_join(closers[i].thread, NULL), 0);
		joined += closers[i].answer == 0;
		cr_assert(closers[i].answer == 0 || closers[i].answer == -EALREADY);
	}
	expect(joined, 1);
	expect(dsr_destroy(d), 0);
	expect(s.stops, 1);
}

CASE_BOTH(disruptor, starts_again_and_again)
{
	for (int i = 0; i < 50; i++) {
		struct seen s;
		struct dsr_disruptor *d;

		seen_init(&s, 0);
		d = start_seen(many, CAPACITY, &s);
		if (i % 2)
			put(producer_of(d), CAPACITY);
		finish(d);
		expect(s.count, i % 2 ? CAPACITY : 0);
	}
}

CASE_BOTH(disruptor, several_live_side_by_side)
{
	enum { RINGS = 5 };
	struct seen seen[RINGS];
	struct dsr_disruptor *d[RINGS];
	struct dsr_producer *p[RINGS];

	for (int i = 0; i < RINGS; i++) {
		seen_init(&seen[i], 0);
		d[i] = start_seen(many, CAPACITY, &seen[i]);
		p[i] = producer_of(d[i]);
	}
	for (int round = 0; round < 20; round++)
		for (uint32_t i = 0; i < RINGS; i++)
			put(p[i], 1 + i % CAPACITY);
	for (int i = 0; i < RINGS; i++) {
		finish(d[i]);
		expect(seen[i].count, 20 * (1 + i % CAPACITY));
		expect(seen[i].gaps, 0);
	}
}

CASE(disruptor, null_is_not_a_value)
{
	expect(dsr_shutdown(NULL, DSR_FOREVER), -EINVAL);
	expect(dsr_halt(NULL), -EINVAL);
	expect(dsr_destroy(NULL), 0);
	expect(dsr_capacity(NULL), 0);
	cr_assert(dsr_producer(NULL) == NULL);
}

CASE(disruptor, version_is_the_headers)
{
	char text[64];

	cr_assert_str_eq(dsr_version(), DSR_VERSION);
	snprintf(text, sizeof(text), "%d.%d.%d", DSR_VERSION_MAJOR, DSR_VERSION_MINOR,
		 DSR_VERSION_PATCH);
	cr_assert_str_eq(dsr_version(), text);
}

CASE(disruptor, errors_have_words)
{
	static const int errors[] = {
		0,       -EAGAIN,       -ETIMEDOUT,  -ECANCELED, -EDEADLK, -EBUSY,  -EALREADY,
		-EPERM,  -ENODEV,       -EOPNOTSUPP, -EOVERFLOW, -ENOEXEC, -EINVAL, -E2BIG,
		-EEXIST, -ENAMETOOLONG, -ENOMEM,     -ENOENT,    -ELOOP,   -ERANGE,
	};
	const char *unknown = dsr_strerror(INT32_MIN);

	cr_assert(unknown && *unknown);
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		const char *text = dsr_strerror(errors[i]);

		cr_assert(text && *text);
		cr_assert_str_neq(text, unknown);
		/* What it means here, not what it means to the system. */
		cr_assert_str_neq(text, strerrordesc_np(-errors[i]));
		for (size_t j = 0; j < i; j++)
			cr_assert_str_neq(text, dsr_strerror(errors[j]));
		/* A constant: the same one the next time. */
		cr_assert(text == dsr_strerror(errors[i]));
	}
	/* A handler's own error, counts and sequences, and what is nothing. */
	cr_assert_str_neq(dsr_strerror(-EIO), unknown);
	cr_assert_str_eq(dsr_strerror(1), dsr_strerror(0));
	cr_assert_str_eq(dsr_strerror(INT32_MAX), dsr_strerror(0));
	cr_assert_str_eq(dsr_strerror(-4000), unknown);
	cr_assert_str_eq(dsr_strerror(-5000), unknown);
}

/* Every call between two looks at errno; what they return does not matter here. */
#define keeps_errno(call)                                                                          \
	do {                                                                                       \
		errno = 12345;                                                                     \
		(void)(call);                                                                      \
		cr_assert(errno == 12345, "line %d: " #call " sets errno to %d", __LINE__, errno); \
	} while (0)

static void refuse_with_errno(bool many)
{
	struct dsr_handler handler = {.on_event = seen_event, .pin = DSR_CPU(100000)};
	struct dsr_disruptor *d;
	struct dsr_builder *b;

	keeps_errno(b = build(many, 3));
	keeps_errno(dsr_handle_events(b, &handler));
	keeps_errno(dsr_start(b, &d));
	keeps_errno(dsr_builder_message(b));
	keeps_errno(dsr_builder_destroy(b));
	b = build(many, CAPACITY);
	keeps_errno(dsr_handle_events(b, &handler));
	keeps_errno(dsr_start(b, &d));
	keeps_errno(dsr_builder_destroy(b));
	b = build(many, CAPACITY);
	handler.pin = DSR_UNPINNED;
	keeps_errno(dsr_place_slots(b, DSR_NODE(900), DSR_REQUIRE));
	keeps_errno(dsr_handle_events(b, &handler));
	keeps_errno(dsr_start(b, &d));
	keeps_errno(dsr_builder_destroy(b));
	/* More than there is. */
	b = many ? dsr_build_multi_producer(DSR_CAPACITY_MAX, 30000)
		 : dsr_build_single_producer(DSR_CAPACITY_MAX, 30000);
	keeps_errno(dsr_handle_events(b, &handler));
	keeps_errno(dsr_start(b, &d));
	keeps_errno(dsr_builder_destroy(b));
}

static void claim_with_errno(struct dsr_disruptor *d, struct seen *s)
{
	struct dsr_producer *p, *other;
	uint32_t n = 2;

	keeps_errno(p = dsr_producer(d));
	keeps_errno(other = dsr_producer(d));
	keeps_errno(dsr_producer_set_wait(p, DSR_WAIT_SLEEP));
	keeps_errno(claim(p, 1));
	keeps_errno(dsr_publish(p));
	wait_for(&s->arrived);
	keeps_errno(dsr_claim_n(p, CAPACITY - 1, DSR_NOW));
	keeps_errno(fill(p, 1, CAPACITY - 1));
	keeps_errno(dsr_publish_n(p, 2));
	keeps_errno(dsr_abort(p));
	keeps_errno(dsr_try_claim(p));
	keeps_errno(dsr_claim_for(p, 1000 * 1000));
	keeps_errno(dsr_claim_up_to(p, &n, DSR_NOW));
	keeps_errno(dsr_claim_n(p, 0, DSR_NOW));
	sem_post(&s->go);
	keeps_errno(dsr_claim(p));
	keeps_errno(dsr_producer_release(p));
	keeps_errno(dsr_abort_n(p, 1));
	keeps_errno(dsr_producer_release(p));
	keeps_errno(dsr_producer_release(other));
}

static void read_with_errno(struct dsr_disruptor *d)
{
	struct dsr_thread_placement thread;
	struct dsr_placement report;
	struct dsr_snapshot *snapshot;
	struct dsr_range range;
	char text[512];

	keeps_errno(dsr_placement_read(d, &report));
	for (uint32_t i = 0; i <= report.ranges; i++)
		keeps_errno(dsr_placement_range(d, i, &range));
	for (uint32_t i = 0; i <= report.threads; i++)
		keeps_errno(dsr_placement_thread(d, i, &thread));
	keeps_errno(dsr_placement_lost(d));
	keeps_errno(dsr_placement_text(d, text, sizeof(text)));
	keeps_errno(dsr_placement_json(d, text, sizeof(text)));
	keeps_errno(dsr_snapshot_take(NULL, &snapshot));
	keeps_errno(dsr_snapshot_take(d, &snapshot));
	keeps_errno(dsr_snapshot_text(snapshot, text, sizeof(text)));
	keeps_errno(dsr_snapshot_text(NULL, text, sizeof(text)));
	keeps_errno(dsr_snapshot_free(snapshot));
	keeps_errno(dsr_strerror(-4000));
	keeps_errno(dsr_strerror(-EIO));
}

CASE_BOTH(disruptor, errno_is_left_alone)
{
	struct seen s;
	struct dsr_handler handler;
	struct dsr_disruptor *d, *again;
	struct dsr_builder *b;

	refuse_with_errno(many);
	seen_init(&s, 1);
	handler = seen_handler(&s);
	handler.pin = DSR_CPU(some_cpu());
	b = build(many, CAPACITY);
	keeps_errno(dsr_event_alignment(b, 16));
	keeps_errno(dsr_handle_events(b, &handler));
	keeps_errno(dsr_start(b, &d));
	keeps_errno(dsr_start(b, &again));
	keeps_errno(dsr_builder_destroy(b));
	claim_with_errno(d, &s);
	read_with_errno(d);
	keeps_errno(dsr_destroy(d));
	keeps_errno(dsr_shutdown(d, DSR_NOW));
	keeps_errno(dsr_shutdown(d, 1000));
	keeps_errno(dsr_halt(d));
	keeps_errno(dsr_shutdown(d, DSR_FOREVER));
	keeps_errno(dsr_shutdown(d, DSR_FOREVER));
	keeps_errno(dsr_close(d));
	keeps_errno(dsr_destroy(d));
}

static void topology_with_errno(void)
{
	struct dsr_topology *t;
	struct dsr_node_info node;
	struct dsr_cpu_info cpu;
	char text[512];

	keeps_errno(dsr_topology_read("/nonexistent", &t));
	keeps_errno(dsr_topology_free(t));
	keeps_errno(dsr_topology_read(NULL, &t));
	keeps_errno(dsr_topology_nodes(t));
	keeps_errno(dsr_topology_cpus(t));
	keeps_errno(dsr_topology_node(t, 0, &node));
	keeps_errno(dsr_topology_node(t, 100000, &node));
	keeps_errno(dsr_topology_cpu(t, 0, &cpu));
	keeps_errno(dsr_topology_cpu(t, 100000, &cpu));
	keeps_errno(dsr_topology_distance(t, 0, 100000));
	keeps_errno(dsr_topology_text(t, text, sizeof(text)));
	keeps_errno(dsr_topology_json(t, text, sizeof(text)));
	keeps_errno(dsr_topology_free(t));
}

static void plan_with_errno(struct dsr_builder *b)
{
	struct dsr_plan *plan;
	struct dsr_seat seat;
	char text[512];

	keeps_errno(dsr_plan_make(NULL, NULL, &plan));
	keeps_errno(dsr_plan_make(b, NULL, &plan));
	keeps_errno(dsr_plan_seats(plan));
	keeps_errno(dsr_plan_seat(plan, 0, &seat));
	keeps_errno(dsr_plan_seat(plan, 100000, &seat));
	keeps_errno(dsr_plan_text(plan, text, sizeof(text)));
	keeps_errno(dsr_plan_json(plan, text, sizeof(text)));
	keeps_errno(dsr_plan_free(plan));
}

static int seen_by_poller(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)event;
	(void)sequence;
	(void)end_of_batch;
	(void)state;
	return DSR_CONTINUE;
}

/* Nothing there, something, and with a descriptor both once more. */
static void poll_with_errno(struct dsr_disruptor *d, struct dsr_producer *p, struct dsr_poller *l)
{
	struct dsr_batch *batch;
	int state;

	keeps_errno(dsr_poller_find(d, "nobody"));
	keeps_errno(dsr_poller_find(d, NULL));
	keeps_errno(dsr_poll(l, 0, &batch));
	keeps_errno(dsr_poll(NULL, 1, &batch));
	keeps_errno(dsr_poller_fd(NULL));
	for (int i = 0; i < 2; i++) {
		keeps_errno(dsr_poll(l, 1, &batch));
		keeps_errno(dsr_poll_events(l, 1, seen_by_poller, NULL));
		put(p, 2);
		/* Gated for a while: the worker is before it. */
		do
			keeps_errno(state = dsr_poll(l, 1, &batch));
		while (state != DSR_POLL_EVENTS);
		keeps_errno(dsr_batch_next(batch));
		keeps_errno(dsr_batch_release(batch));
		keeps_errno(dsr_poll_events(l, 1, seen_by_poller, NULL));
		keeps_errno(dsr_poll_events(l, 1, NULL, NULL));
		keeps_errno(dsr_poller_fd(l));
	}
	/* Nothing is left: what comes then has the whole ring. */
	do {
		keeps_errno(state = dsr_poll(l, CAPACITY, &batch));
		while (state == DSR_POLL_EVENTS && dsr_batch_next(batch))
			;
	} while (state != DSR_POLL_IDLE);
	keeps_errno(dsr_poll(l, 1, &batch));
}

static void attach_poller_with_errno(struct dsr_disruptor *d)
{
	struct dsr_poller_options options = {.name = "guest"};
	struct dsr_poller *poller;

	keeps_errno(dsr_attach_poller(d, &options, DSR_FROM_NOW, &poller));
	keeps_errno(dsr_poller_fd(poller));
	keeps_errno(dsr_attach_poller(d, &options, DSR_FROM_NOW, &poller));
	keeps_errno(dsr_attach_poller(d, NULL, DSR_FROM_NOW, &poller));
	keeps_errno(dsr_detach(d, "guest", DSR_FOREVER));
}

static void attach_with_errno(struct dsr_disruptor *d, struct dsr_handler handler)
{
	struct dsr_workers workers = {.name = "guest", .handlers = &handler, .count = 1};

	handler.name = NULL;
	keeps_errno(dsr_attach_workers(d, &workers, DSR_FROM_NOW));
	keeps_errno(dsr_attach_workers(d, &workers, DSR_FROM_NOW));
	keeps_errno(dsr_attach_workers(d, NULL, DSR_FROM_NOW));
	keeps_errno(dsr_detach(d, "guest", DSR_FOREVER));
	handler.name = "guest";
	keeps_errno(dsr_attach_handler(d, &handler, DSR_FROM_NOW));
	keeps_errno(dsr_attach_handler(d, &handler, DSR_FROM_NOW));
	keeps_errno(dsr_detach(d, "guest", DSR_NOW));
	keeps_errno(dsr_detach(d, "guest", DSR_FOREVER));
	keeps_errno(dsr_detach(d, "guest", DSR_FOREVER));
	keeps_errno(dsr_detach(d, NULL, DSR_FOREVER));
	keeps_errno(dsr_attach_handler(d, &handler, INT64_MAX));
	handler.pin = DSR_CPU(100000);
	keeps_errno(dsr_attach_handler(d, &handler, DSR_FROM_NOW));
	handler.pin = DSR_UNPINNED;
	handler.after = DSR_AFTER("nobody");
	keeps_errno(dsr_attach_handler(d, &handler, DSR_FROM_NOW));
	attach_poller_with_errno(d);
}

/* The poller holds the ring that is full. */
static void wait_with_errno(struct dsr_producer *p)
{
	static const enum dsr_wait waits[] = {DSR_WAIT_YIELD, DSR_WAIT_SLEEP, DSR_WAIT_PARK,
					      DSR_WAIT_PHASED};

	put(p, CAPACITY);
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		keeps_errno(dsr_producer_set_wait(p, waits[i]));
		keeps_errno(dsr_claim_for(p, 1000 * 1000));
	}
	keeps_errno(dsr_producer_set_wait(p, (enum dsr_wait)1000));
}

static struct dsr_builder *build_with_errno(bool many, const struct dsr_handler *handler)
{
	struct dsr_workers workers = {.name = "work", .handlers = handler, .count = 1};
	struct dsr_poller_options options = {.name = "look"};
	struct dsr_builder *b = build(many, CAPACITY);

	keeps_errno(dsr_first_sequence(b, 100));
	keeps_errno(dsr_event_lifecycle(b, NULL, NULL, NULL));
	keeps_errno(dsr_default_on_error(b, dsr_error_skip, NULL));
	keeps_errno(dsr_place_slots(b, DSR_ANYWHERE, DSR_PREFER));
	keeps_errno(dsr_place_sequences(b, DSR_ANYWHERE, DSR_PREFER));
	keeps_errno(dsr_place_producers(b, DSR_ANYWHERE, DSR_PREFER));
	keeps_errno(dsr_place_pages(b, DSR_PAGES_TRANSPARENT, DSR_PREFER));
	keeps_errno(dsr_place_locked(b, DSR_PREFER));
	keeps_errno(dsr_producer_at(b, DSR_UNPINNED));
	keeps_errno(dsr_handle_with_workers(b, &workers));
	keeps_errno(dsr_then(b));
	keeps_errno(dsr_add_poller(b, &options));
	return b;
}

/* The same of all that consumers come with, and of those who plan. */
CASE_BOTH(disruptor, errno_is_left_alone_by_consumers)
{
	struct seen s;
	struct dsr_handler handler;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct dsr_poller *l;
	struct dsr_builder *b;

	topology_with_errno();
	seen_init(&s, 0);
	handler = seen_handler(&s);
	b = build_with_errno(many, &handler);
	plan_with_errno(b);
	keeps_errno(dsr_start(b, &d));
	plan_with_errno(b);
	p = producer_of(d);
	keeps_errno(l = dsr_poller_find(d, "look"));
	poll_with_errno(d, p, l);
	attach_with_errno(d, handler);
	read_with_errno(d);
	wait_with_errno(p);
	keeps_errno(dsr_close(d));
	keeps_errno(dsr_close(d));
	keeps_errno(dsr_claim(p));
	keeps_errno(dsr_attach_handler(d, &handler, DSR_FROM_NOW));
	finish(d);
}

/* The same of a builder that takes no more, and of none. */
CASE_BOTH(disruptor, errno_is_left_alone_by_refusals)
{
	struct dsr_builder *builders[] = {build(many, 3), NULL};

	for (int i = 0; i < 2; i++) {
		struct dsr_builder *b = builders[i];

		keeps_errno(dsr_handle_with_workers(b, NULL));
		keeps_errno(dsr_add_poller(b, NULL));
		keeps_errno(dsr_then(b));
		keeps_errno(dsr_default_on_error(b, NULL, NULL));
		keeps_errno(dsr_first_sequence(b, -1));
		keeps_errno(dsr_place_pages(b, (enum dsr_pages)1000, DSR_PREFER));
		keeps_errno(dsr_place_locked(b, DSR_REQUIRE));
		plan_with_errno(b);
		keeps_errno(dsr_builder_destroy(b));
	}
}
