/* SPDX-License-Identifier: MIT */
/* Consumers that come and go while producers run. */
#include "graph.h"

TestSuite(consumer, .timeout = 60);

enum { CAPACITY = 8, EVENTS = 200 };

/* Who is there from the start, and who comes later. */
struct party {
	struct stage host, guest;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
};

static void guest_init(struct stage *guest, int id, uint64_t looks)
{
	stage_init(guest, id, looks);
	guest->whole = true;
}

static void party_init(struct party *t)
{
	guest_init(&t->host, 0, 0);
	guest_init(&t->guest, 1, 0);
}

static void party_start(struct party *t, bool many)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);

	add_stage(b, &t->host, "host", NULL);
	t->d = start(b);
	t->p = producer_of(t->d);
}

static int64_t attach(struct dsr_disruptor *d, const struct stage *s, const char *name,
		      const char *const *after, int64_t from)
{
	struct dsr_handler handler = stage_handler(s, name, after);

	return dsr_attach_handler(d, &handler, from);
}

static int64_t attach_guest(struct party *t, int64_t from)
{
	return attach(t->d, &t->guest, "guest", NULL, from);
}

/* Saw all from @first up to before @end. */
#define expect_guest(s, first, end, reason) expect_guest_at(s, first, end, reason, __LINE__)

static void expect_guest_at(const struct stage *s, int64_t first, int64_t end, int reason, int line)
{
	expect_stage_at(s, (uint64_t)(end - first), reason, line);
	if (end > first)
		expect_of(s, (uint64_t)s->seen.sequence[0], (uint64_t)first, "first event", line);
}

/* Coming. */

CASE_BOTH(consumer, sees_all_that_is_published_from_now)
{
	struct party t;
	int64_t first;

	party_init(&t);
	party_start(&t, many);
	put_whole(t.p, 5);
	wait_saw(&t.host, 5);
	first = attach_guest(&t, DSR_FROM_NOW);
	cr_assert(first >= 0 && first <= 5, "%" PRId64, first);
	expect(t.guest.seen.starts, 1);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_guest(&t.guest, first, EVENTS + 5, 0);
	expect_guest(&t.host, 0, EVENTS + 5, 0);
}

CASE_BOTH(consumer, sees_all_of_a_ring_that_is_new)
{
	static const int64_t from[] = {DSR_FROM_NOW, DSR_FROM_OLDEST, 100};

	for (int i = 0; i < 3; i++) {
		struct dsr_builder *b = build_sheets(many, CAPACITY);
		struct party t;

		party_init(&t);
		dsr_first_sequence(b, 100);
		add_stage(b, &t.host, "host", NULL);
		t.d = start(b);
		expect(attach_guest(&t, from[i]), 100);
		put_whole(producer_of(t.d), EVENTS);
		finish(t.d);
		expect_guest(&t.guest, 100, 100 + EVENTS, 0);
	}
}

/* It comes before what is claimed is published: published after, so it sees that. */
CASE_BOTH(consumer, sees_what_was_claimed_before)
{
	struct party t;
	int64_t first;

	party_init(&t);
	party_start(&t, many);
	put_whole(t.p, 5);
	wait_saw(&t.host, 5);
	for (int64_t s = claim(t.p, 4); s < 9; s++)
		write_sheet(dsr_event(t.p, s), s);
	expect(dsr_publish_n(t.p, 1), 1);
	first = attach_guest(&t, DSR_FROM_NOW);
	cr_assert(first >= 0 && first <= 6, "%" PRId64, first);
	expect(dsr_publish(t.p), 3);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_guest(&t.guest, first, EVENTS + 9, 0);
	expect_guest(&t.host, 0, EVENTS + 9, 0);
}

/* Producers wait, with claims that are taken already. */
CASE_BOTH(consumer, sees_what_waited_to_be_claimed_before)
{
	struct caller callers[2];
	int count = many ? 2 : 1;
	int64_t first, end = CAPACITY;
	struct party t;

	party_init(&t);
	t.host.whole = t.guest.whole = false;
	stage_hold(&t.host, 0, 1);
	party_start(&t, many);
	put_held(t.p, &t.host.seen);
	put(t.p, CAPACITY - 1);
	expect(dsr_producer_release(t.p), 0);
	for (int i = 0; i < count; i++)
		caller_begin(&callers[i], t.d, 2, 50);
	for (int i = 0; i < count; i++)
		caller_await_waiting(&callers[i]);
	first = attach_guest(&t, DSR_FROM_NOW);
	cr_assert(first >= 0 && first <= CAPACITY, "%" PRId64, first);
	let_go(&t.host);
	for (int i = 0; i < count; i++) {
		caller_join(&callers[i]);
		expect(callers[i].error, 0);
		end += (int64_t)callers[i].claimed;
	}
	finish(t.d);
	expect_guest(&t.guest, first, end, 0);
	expect_guest(&t.host, 0, end, 0);
}

/* The host is in event 12, so that 12 to 19 are there, and nothing else. */
static void start_full(struct party *t, bool many)
{
	party_init(t);
	stage_hold(&t->host, 12, 13);
	party_start(t, many);
	put_whole(t->p, 12 + CAPACITY);
	wait_held(&t->host);
}

CASE_BOTH(consumer, sees_all_from_the_oldest)
{
	struct party t;

	start_full(&t, many);
	expect(attach_guest(&t, DSR_FROM_OLDEST), 12);
	wait_saw(&t.guest, CAPACITY);
	cr_assert(!has_seen_more(&t.guest));
	expect(put_until_full(t.p, 20), 0);
	let_go(&t.host);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_guest(&t.guest, 12, EVENTS + 20, 0);
	expect_guest(&t.host, 0, EVENTS + 20, 0);
}

/* Producers may take any slot that is free: what is oldest is not certain, but what is in it. */
CASE_BOTH(consumer, sees_all_from_the_oldest_of_a_ring_that_is_read)
{
	for (int64_t published = 0; published < 3 * CAPACITY; published++) {
		struct party t;
		int64_t first;

		party_init(&t);
		party_start(&t, many);
		put_whole(t.p, (uint64_t)published);
		wait_saw(&t.host, (uint64_t)published);
		first = attach_guest(&t, DSR_FROM_OLDEST);
		cr_assert(first <= published, "%" PRId64, first);
		cr_assert(first >= 0 && first >= published - CAPACITY, "%" PRId64, first);
		put_whole(t.p, 2 * CAPACITY);
		finish(t.d);
		expect_guest(&t.guest, first, published + 2 * CAPACITY, 0);
	}
}

CASE_BOTH(consumer, sees_all_from_a_sequence)
{
	struct party t;
	int64_t end = 12 + CAPACITY;

	start_full(&t, many);
	for (int64_t from = 12; from <= end; from++) {
		guest_init(&t.guest, 1, 0);
		expect(attach_guest(&t, from), from);
		wait_saw(&t.guest, (uint64_t)(end - from));
		expect(dsr_detach(t.d, "guest", DSR_FOREVER), 0);
		expect_guest(&t.guest, from, end, -ECANCELED);
	}
	guest_init(&t.guest, 1, 0);
	expect(attach_guest(&t, end), end);
	let_go(&t.host);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_guest(&t.guest, end, EVENTS + end, 0);
}

CASE_BOTH(consumer, cannot_begin_outside_the_ring)
{
	static const int64_t outside[] = {0, 11, 21, 1000, DSR_SEQUENCE_MAX, INT64_MAX};
	struct party t;
	int before;

	start_full(&t, many);
	before = tasks();
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
		expect(attach_guest(&t, outside[i]), -ERANGE);
	/* Not a sequence at all. */
	expect(attach_guest(&t, -3), -EINVAL);
	expect(attach_guest(&t, INT64_MIN), -EINVAL);
	await_tasks(before);
	expect(t.guest.seen.stops, t.guest.seen.starts);
	expect(t.guest.seen.count, 0);
	let_go(&t.host);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_guest(&t.host, 0, EVENTS + 20, 0);
}

/* Behind one that was there from the start, and one behind both that came as it did. */
CASE_BOTH(consumer, follows_those_that_are_there)
{
	struct stage late;
	struct party t;
	int64_t first;

	party_init(&t);
	guest_init(&late, 2, LOOK(0) | LOOK(1));
	t.guest.looks = LOOK(0);
	stage_hold(&t.host, 3, 4);
	party_start(&t, many);
	put_whole(t.p, 3);
	wait_saw(&t.host, 3);
	first = attach(t.d, &t.guest, "guest", DSR_AFTER("host"), DSR_FROM_NOW);
	cr_assert(first >= 0 && first <= 3, "%" PRId64, first);
	expect(attach(t.d, &late, "late", DSR_AFTER("guest", "host"), 3), 3);
	put_whole(t.p, 2);
	wait_held(&t.host);
	wait_saw(&t.guest, (uint64_t)(3 - first));
	cr_assert(!has_seen_more(&t.guest));
	cr_assert(!has_seen_more(&late));
	let_go(&t.host);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_guest(&t.guest, first, EVENTS + 5, 0);
	expect_guest(&late, 3, EVENTS + 5, 0);
}

/* The guest begins behind what the host has done, and who follows the guest gets no further. */
CASE_BOTH(consumer, follows_one_that_is_not_there_yet)
{
	static const int64_t from[] = {DSR_FROM_NOW, DSR_FROM_OLDEST};

	for (int i = 0; i < 2; i++) {
		struct stage late;
		struct party t;
		int64_t first;

		party_init(&t);
		guest_init(&late, 2, LOOK(0));
		t.guest.looks = LOOK(0);
		stage_hold(&t.host, 3, 4);
		party_start(&t, many);
		put_whole(t.p, CAPACITY);
		wait_held(&t.host);
		expect(attach(t.d, &t.guest, "guest", DSR_AFTER("host"), CAPACITY), CAPACITY);
		first = attach(t.d, &late, "late", DSR_AFTER("guest"), from[i]);
		cr_assert(first >= 0 && first <= CAPACITY, "%" PRId64, first);
		cr_assert(!has_seen_more(&late));
		cr_assert(!has_seen_more(&t.guest));
		/* The host is in the way of producers as before. */
		expect(put_until_full(t.p, CAPACITY), 3);
		let_go(&t.host);
		put_whole(t.p, EVENTS);
		finish(t.d);
		expect_guest(&t.host, 0, EVENTS + 3 + CAPACITY, 0);
		expect_guest(&t.guest, CAPACITY, EVENTS + 3 + CAPACITY, 0);
		expect_stage(&late, EVENTS + 3 + CAPACITY - first, 0);
	}
}

/* Of these only what it follows has to be done with an event; it itself holds the producers. */
CASE_BOTH(consumer, holds_the_producers_from_the_start)
{
	struct party t;
	int64_t first;

	party_init(&t);
	stage_hold(&t.guest, 5, 6);
	party_start(&t, many);
	put_whole(t.p, 5);
	wait_saw(&t.host, 5);
	first = attach_guest(&t, 5);
	expect(first, 5);
	/* As many as the ring has slots, from the first that it has not seen. */
	put_whole(t.p, CAPACITY);
	wait_held(&t.guest);
	wait_saw(&t.host, CAPACITY);
	expect(put_until_full(t.p, 5 + CAPACITY), 0);
	let_go(&t.guest);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_guest(&t.guest, 5, EVENTS + 5 + CAPACITY, 0);
}

/* Refusals, each of which changes nothing. */

static int64_t attach_group(struct dsr_disruptor *d, const char *name, const char *worker,
			    const struct stage *s, const char *const *after, int64_t from)
{
	struct dsr_handler handlers[2] = {stage_handler(&s[0], NULL, NULL),
					  stage_handler(&s[1], worker, NULL)};
	struct dsr_workers workers = group_of(name, handlers, 2, after);

	return dsr_attach_workers(d, &workers, from);
}

static int64_t attach_poller(struct dsr_disruptor *d, const char *name, const char *const *after,
			     int64_t from, struct dsr_poller **poller)
{
	struct dsr_poller_options options = {.name = name, .after = after};

	return dsr_attach_poller(d, &options, from, poller);
}

/* Each kind of consumer is refused, and leaves no thread and no poller. */
static void expect_refused(struct dsr_disruptor *d, const char *name, const char *const *after,
			   int64_t from, int error)
{
	struct dsr_poller *poller = (void *)d;
	int before = tasks();
	struct stage s[2];

	guest_init(&s[0], 1, 0);
	guest_init(&s[1], 1, 0);
	expect(attach(d, &s[0], name, after, from), error);
	expect(attach_group(d, name, NULL, s, after, from), error);
	expect(attach_poller(d, name, after, from, &poller), error);
	cr_assert(poller == NULL);
	await_tasks(before);
	for (int i = 0; i < 2; i++) {
		expect(s[i].seen.starts, s[i].seen.stops);
		expect(s[i].seen.count, 0);
	}
}

/* A group and a poller beside the host. */
static void start_full_house(struct party *t, struct stage *work, bool many)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct dsr_handler handlers[2];

	party_init(t);
	for (int i = 0; i < 2; i++) {
		guest_init(&work[i], 2, 0);
		handlers[i] = stage_handler(&work[i], NULL, NULL);
	}
	add_stage(b, &t->host, "host", NULL);
	expect(add_group(b, "work", handlers, 2, NULL), 0);
	expect(add_poller(b, "look", NULL), 0);
	t->d = start(b);
	t->p = producer_of(t->d);
}

CASE_BOTH(consumer, names_that_are_taken)
{
	static const char *const taken[] = {"host", "work", "work-0", "work-1", "look"};
	struct stage work[2], s[2];
	struct party t;

	start_full_house(&t, work, many);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		expect_refused(t.d, taken[i], NULL, DSR_FROM_NOW, -EEXIST);
	guest_init(&s[0], 1, 0);
	guest_init(&s[1], 1, 0);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		expect(attach_group(t.d, "guests", taken[i], s, NULL, DSR_FROM_NOW), -EEXIST);
	expect(attach_group(t.d, "guests", "guests", s, NULL, DSR_FROM_NOW), -EEXIST);
	expect(attach_group(t.d, "guests", "guests-0", s, NULL, DSR_FROM_NOW), -EEXIST);
	/* None of which has taken that name. */
	guest_init(&s[0], 1, 0);
	expect(attach(t.d, &s[0], "guests", NULL, 0), 0);
	finish(t.d);
	expect_guest(&s[0], 0, 0, 0);
}

CASE_BOTH(consumer, names_that_nobody_has)
{
	static const char *const unknown[] = {"ghost", "work-0", "hos", "hosts", "", "guest"};
	struct stage work[2];
	struct party t;

	start_full_house(&t, work, many);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		expect_refused(t.d, "guest", DSR_AFTER(unknown[i]), DSR_FROM_NOW, -ENOENT);
		expect_refused(t.d, "guest", DSR_AFTER("host", unknown[i]), 0, -ENOENT);
	}
	finish(t.d);
}

CASE(consumer, what_is_no_consumer)
{
	struct dsr_poller_options options = {.name = "guest", .max_batch = CAPACITY + 1};
	struct dsr_poller *poller;
	struct dsr_handler handler;
	struct dsr_workers workers;
	struct party t;
	int before;

	party_init(&t);
	party_start(&t, false);
	before = tasks();
	expect_refused(t.d, "sixteen-bytes-xy", NULL, DSR_FROM_NOW, -ENAMETOOLONG);
	expect_refused(NULL, "guest", NULL, DSR_FROM_NOW, -EINVAL);
	expect(dsr_attach_handler(t.d, NULL, DSR_FROM_NOW), -EINVAL);
	expect(dsr_attach_workers(t.d, NULL, DSR_FROM_NOW), -EINVAL);
	poller = (void *)&t;
	expect(dsr_attach_poller(t.d, NULL, DSR_FROM_NOW, &poller), -EINVAL);
	cr_assert(poller == NULL);
	expect(dsr_attach_poller(t.d, &options, DSR_FROM_NOW, &poller), -EINVAL);
	options.max_batch = 0;
	expect(dsr_attach_poller(t.d, &options, DSR_FROM_NOW, NULL), -EINVAL);
	handler = stage_handler(&t.guest, "guest", NULL);
	workers = group_of("guests", &handler, 0, NULL);
	expect(dsr_attach_workers(t.d, &workers, DSR_FROM_NOW), -EINVAL);
	handler.on_event = NULL;
	expect(dsr_attach_handler(t.d, &handler, DSR_FROM_NOW), -EINVAL);
	handler.on_event = stage_event;
	handler.max_batch = CAPACITY + 1;
	expect(dsr_attach_handler(t.d, &handler, DSR_FROM_NOW), -EINVAL);
	handler.max_batch = 0;
	handler.pin = DSR_CPU(100000);
	expect(dsr_attach_handler(t.d, &handler, DSR_FROM_NOW), -ENODEV);
	await_tasks(before);
	expect(t.guest.seen.starts, 0);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_guest(&t.host, 0, EVENTS, 0);
}

/* A struct with a field more that is set, and with one that is not. */
CASE(consumer, structs_may_have_grown)
{
	struct {
		struct dsr_handler handler;
		int64_t more;
	} grown;
	struct party t;

	party_init(&t);
	party_start(&t, false);
	memset(&grown, 0, sizeof(grown));
	grown.handler = stage_handler(&t.guest, "guest", NULL);
	grown.more = 1;
	expect(dsr_attach_handler_sized(t.d, &grown.handler, DSR_FROM_NOW, sizeof(grown)), -E2BIG);
	grown.more = 0;
	expect(dsr_attach_handler_sized(t.d, &grown.handler, DSR_FROM_NOW, sizeof(grown)), 0);
	put_whole(t.p, 3);
	finish(t.d);
	expect_guest(&t.guest, 0, 3, 0);
}

CASE_BOTH(consumer, that_cannot_start_leaves_nothing)
{
	struct party t;
	int before;

	party_init(&t);
	party_start(&t, many);
	before = tasks();
	put_whole(t.p, 3);
	t.guest.seen.start_error = -EIO;
	for (int i = 1; i <= 20; i++) {
		expect(attach_guest(&t, DSR_FROM_NOW), -EIO);
		expect(t.guest.seen.starts, i);
	}
	expect(t.guest.seen.stops, 0);
	await_tasks(before);
	expect(dsr_detach(t.d, "guest", DSR_NOW), -ENOENT);
	/* Nobody holds the producer, and the name is free. */
	put_whole(t.p, EVENTS);
	guest_init(&t.guest, 1, 0);
	cr_assert(attach_guest(&t, DSR_FROM_NOW) >= 0);
	finish(t.d);
	expect_guest(&t.host, 0, EVENTS + 3, 0);
	expect(t.guest.wrong, 0);
}

/* One of three workers cannot: the others are stopped again. */
CASE_BOTH(consumer, group_that_cannot_start_leaves_nothing)
{
	struct stage s[2];
	struct party t;
	int before;

	party_init(&t);
	party_start(&t, many);
	before = tasks();
	guest_init(&s[0], 1, 0);
	guest_init(&s[1], 1, 0);
	s[1].seen.start_error = -EIO;
	expect(attach_group(t.d, "guests", NULL, s, NULL, DSR_FROM_NOW), -EIO);
	await_tasks(before);
	expect(s[0].seen.starts, s[0].seen.stops);
	expect(s[1].seen.stops, 0);
	expect(s[0].seen.count, 0);
	put_whole(t.p, EVENTS);
	s[1].seen.start_error = 0;
	cr_assert(attach_group(t.d, "guests", NULL, s, NULL, DSR_FROM_NOW) >= 0);
	finish(t.d);
	expect_guest(&t.host, 0, EVENTS, 0);
}

CASE_BOTH(consumer, comes_too_late)
{
	struct party t;

	party_init(&t);
	stage_hold(&t.host, 0, 1);
	party_start(&t, many);
	put_whole(t.p, 1);
	wait_held(&t.host);
	expect(dsr_close(t.d), 0);
	expect_refused(t.d, "guest", NULL, DSR_FROM_NOW, -ECANCELED);
	expect(dsr_shutdown(t.d, DSR_NOW), -ETIMEDOUT);
	expect_refused(t.d, "guest", NULL, DSR_FROM_OLDEST, -ECANCELED);
	let_go(&t.host);
	expect(dsr_shutdown(t.d, DSR_FOREVER), 0);
	expect_refused(t.d, "guest", NULL, DSR_FROM_NOW, -ECANCELED);
	expect(dsr_destroy(t.d), 0);
	party_init(&t);
	party_start(&t, many);
	expect(dsr_halt(t.d), 0);
	expect_refused(t.d, "guest", NULL, DSR_FROM_NOW, -ECANCELED);
	finish(t.d);
}

/* How its threads are, and what they have of the ring they come to. */

static struct dsr_thread_placement thread_of(struct dsr_disruptor *d, uint32_t index)
{
	struct dsr_thread_placement thread;

	expect(dsr_placement_thread(d, index, &thread), 0);
	return thread;
}

/* The host spins on its CPU; the guest would keep it from running, and yields. */
static void come_to_a_spinner(enum dsr_wait wait, enum dsr_wait used)
{
	struct party t;

	party_init(&t);
	t.host.handler.pin = t.guest.handler.pin = DSR_CPU(some_cpu());
	t.host.handler.wait = DSR_WAIT_PAUSE;
	t.guest.handler.wait = wait;
	party_start(&t, false);
	expect(attach_guest(&t, 0), 0);
	expect(thread_of(t.d, 1).wait, used);
	put_whole(t.p, CAPACITY);
	finish(t.d);
	expect_guest(&t.guest, 0, CAPACITY, 0);
}

CASE(consumer, spinner_that_comes_yields)
{
	come_to_a_spinner(DSR_WAIT_BUSY_SPIN, DSR_WAIT_YIELD);
	come_to_a_spinner(DSR_WAIT_PAUSE, DSR_WAIT_YIELD);
	come_to_a_spinner(DSR_WAIT_MONITOR, DSR_WAIT_YIELD);
	come_to_a_spinner(DSR_WAIT_DEFAULT, DSR_WAIT_YIELD);
	come_to_a_spinner(DSR_WAIT_PARK, DSR_WAIT_PARK);
}

/* It spins where nobody else does: the host waits in another way. */
CASE(consumer, spinner_that_comes_alone_spins)
{
	struct party t;

	if (usable_cpus() < 2)
		cr_skip_test("not here: there is one CPU");
	party_init(&t);
	t.host.handler.pin = t.guest.handler.pin = DSR_CPU(some_cpu());
	t.guest.handler.wait = DSR_WAIT_PAUSE;
	party_start(&t, false);
	expect(attach_guest(&t, 0), 0);
	expect(thread_of(t.d, 1).wait, DSR_WAIT_PAUSE);
	finish(t.d);
}

/* A handler that brings another one at its first event. */
struct pinned_inviter {
	struct stage stage;
	struct party *t;
	int64_t came;
};

static int invite_pinned(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct pinned_inviter *in = state;

	if (sequence == 0)
		in->came = attach_guest(in->t, 0);
	return stage_event(event, sequence, end_of_batch, state);
}

/* It may run where the process may, not only where the one who brought it is pinned. */
CASE(consumer, comes_from_a_pinned_handler)
{
	struct dsr_builder *b = build_sheets(false, CAPACITY);
	struct pinned_inviter in = {.came = -1};
	struct party t;

	if (usable_cpus() < 2)
		cr_skip_test("not here: there is one CPU");
	party_init(&t);
	guest_init(&in.stage, 2, 0);
	in.t = &t;
	in.stage.handler.state = &in;
	in.stage.handler.on_event = invite_pinned;
	in.stage.handler.pin = DSR_CPU(some_cpu());
	add_stage(b, &in.stage, "inviter", NULL);
	t.d = start(b);
	put_whole(producer_of(t.d), 1);
	wait_saw(&in.stage, 1);
	expect(in.came, 0);
	expect(thread_of(t.d, 0).cpus, 1);
	expect(thread_of(t.d, 1).cpus, usable_cpus());
	finish(t.d);
	expect_guest(&t.guest, 0, 1, 0);
}

struct failures {
	int count, error;
	int64_t sequence;
};

static int note_failure(void *event, int64_t sequence, int error, void *state)
{
	struct failures *f = state;

	(void)event;
	f->count++;
	f->error = error;
	f->sequence = sequence;
	return DSR_CONTINUE;
}

CASE_BOTH(consumer, has_the_builders_on_error)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct failures f = {0};
	struct party t;

	party_init(&t);
	t.guest.seen.answer_at = 3;
	t.guest.seen.answer = -EIO;
	expect(dsr_default_on_error(b, note_failure, &f), 0);
	add_stage(b, &t.host, "host", NULL);
	t.d = start(b);
	expect(attach_guest(&t, 0), 0);
	put_whole(producer_of(t.d), EVENTS);
	finish(t.d);
	expect_guest(&t.guest, 0, EVENTS, 0);
	expect(f.count, 1);
	expect(f.error, -EIO);
	expect(f.sequence, 3);
}

static void names_of_guests(struct dsr_disruptor *d, char (*names)[DSR_NAME_MAX + 1], uint32_t n)
{
	struct dsr_snapshot *s;

	expect(dsr_snapshot_take(d, &s), 0);
	expect(s->consumer_count, n + 1);
	for (uint32_t i = 0; i < n; i++)
		strcpy(names[i], s->consumers[i + 1].name);
	dsr_snapshot_free(s);
}

/* Each has a name of its own, by which it goes. */
CASE_BOTH(consumer, without_a_name)
{
	enum { GUESTS = 2 };
	char names[GUESTS][DSR_NAME_MAX + 1];
	struct stage guests[GUESTS];
	struct party t;

	party_init(&t);
	party_start(&t, many);
	for (int i = 0; i < GUESTS; i++) {
		guest_init(&guests[i], i + 1, 0);
		expect(attach(t.d, &guests[i], NULL, NULL, 0), 0);
	}
	names_of_guests(t.d, names, GUESTS);
	for (int i = 0; i < GUESTS; i++)
		cr_assert(names[i][0], "guest %d has no name", i);
	cr_assert_str_neq(names[0], names[1]);
	expect(dsr_detach(t.d, names[1], DSR_FOREVER), 0);
	expect_guest(&guests[1], 0, 0, -ECANCELED);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_guest(&guests[0], 0, EVENTS, 0);
}

/* Going. */

CASE_BOTH(consumer, lets_producers_go_that_it_blocked)
{
	struct caller callers[2];
	int count = many ? 2 : 1;
	struct party t;

	party_init(&t);
	t.host.whole = t.guest.whole = false;
	stage_hold(&t.guest, 0, 1);
	party_start(&t, many);
	expect(attach_guest(&t, DSR_FROM_NOW), 0);
	put(t.p, CAPACITY);
	wait_held(&t.guest);
	wait_saw(&t.host, CAPACITY);
	expect(dsr_producer_release(t.p), 0);
	for (int i = 0; i < count; i++)
		caller_begin(&callers[i], t.d, 1, 50);
	for (int i = 0; i < count; i++)
		caller_await_waiting(&callers[i]);
	/* As long as it is in its event, that is its own. */
	expect(dsr_detach(t.d, "guest", DSR_NOW), -ETIMEDOUT);
	for (int i = 0; i < count; i++)
		caller_await_waiting(&callers[i]);
	let_go(&t.guest);
	expect(dsr_detach(t.d, "guest", DSR_FOREVER), 0);
	expect_guest(&t.guest, 0, 1, -ECANCELED);
	for (int i = 0; i < count; i++) {
		caller_join(&callers[i]);
		expect(callers[i].error, 0);
		expect(callers[i].claimed, 50);
	}
	finish(t.d);
	expect_guest(&t.host, 0, CAPACITY + count * 50, 0);
}

/* A poller that nobody polls. */
CASE_BOTH(consumer, poller_lets_producers_go_that_it_blocked)
{
	struct caller callers[2];
	int count = many ? 2 : 1;
	struct dsr_poller *poller;
	struct party t;

	party_init(&t);
	t.host.whole = false;
	party_start(&t, many);
	expect(attach_poller(t.d, "guest", NULL, DSR_FROM_NOW, &poller), 0);
	cr_assert(poller != NULL);
	cr_assert(dsr_poller_find(t.d, "guest") == poller);
	put(t.p, CAPACITY);
	expect(dsr_producer_release(t.p), 0);
	for (int i = 0; i < count; i++)
		caller_begin(&callers[i], t.d, 3, 30);
	for (int i = 0; i < count; i++)
		caller_await_waiting(&callers[i]);
	expect(dsr_detach(t.d, "guest", DSR_NOW), 0);
	cr_assert(dsr_poller_find(t.d, "guest") == NULL);
	for (int i = 0; i < count; i++) {
		caller_join(&callers[i]);
		expect(callers[i].error, 0);
	}
	finish(t.d);
	expect_guest(&t.host, 0, CAPACITY + count * 30, 0);
}

/* It ends after the event it is at, not at the end of its batch. */
CASE_BOTH(consumer, goes_within_a_batch)
{
	struct party t;

	party_init(&t);
	t.guest.hold_to = 3;
	party_start(&t, many);
	expect(attach_guest(&t, DSR_FROM_NOW), 0);
	put_whole(t.p, 1);
	wait_held(&t.guest);
	put_whole(t.p, CAPACITY - 1);
	for (int i = 0; i < 2; i++) {
		let_go(&t.guest);
		wait_held(&t.guest);
	}
	expect(dsr_detach(t.d, "guest", -1), -ETIMEDOUT);
	expect(dsr_detach(t.d, "guest", DSR_NOW), -ETIMEDOUT);
	expect(dsr_detach(t.d, "guest", 2 * 1000 * 1000), -ETIMEDOUT);
	expect(t.guest.seen.stops, 0);
	let_go(&t.guest);
	expect(dsr_detach(t.d, "guest", DSR_FOREVER - 1), 0);
	expect_guest(&t.guest, 0, 3, -ECANCELED);
	cr_assert(!t.guest.seen.end[2]);
	expect(dsr_detach(t.d, "guest", DSR_FOREVER), -ENOENT);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_guest(&t.host, 0, EVENTS + CAPACITY, 0);
}

/* It has nothing to do, and waits in every way there is. */
CASE_BOTH(consumer, goes_while_it_waits)
{
	static const enum dsr_wait waits[] = {DSR_WAIT_DEFAULT, DSR_WAIT_BUSY_SPIN, DSR_WAIT_PAUSE,
					      DSR_WAIT_YIELD,   DSR_WAIT_SLEEP,     DSR_WAIT_PARK,
					      DSR_WAIT_PHASED,  DSR_WAIT_MONITOR};
	struct party t;

	party_init(&t);
	party_start(&t, many);
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		for (int behind = 0; behind < 2; behind++) {
			guest_init(&t.guest, 1, 0);
			t.guest.handler.wait = waits[i];
			cr_assert(attach(t.d, &t.guest, "guest", behind ? DSR_AFTER("host") : NULL,
					 DSR_FROM_NOW) >= 0);
			put_whole(t.p, 1);
			wait_saw(&t.guest, 1);
			expect(dsr_detach(t.d, "guest", DSR_FOREVER), 0);
			expect(t.guest.seen.stops, 1);
			expect(t.guest.seen.reason, -ECANCELED);
		}
	finish(t.d);
}

/* a, b behind it, c behind both: all from the start. */
struct row {
	struct stage s[3];
	struct dsr_disruptor *d;
	struct dsr_producer *p;
};

static const char *const row_names[] = {"a", "b", "c"};

static void row_init(struct row *r)
{
	for (int i = 0; i < 3; i++)
		guest_init(&r->s[i], i, i ? LOOK(i - 1) : 0);
}

static void row_start(struct row *r, bool many)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);

	for (int i = 0; i < 3; i++)
		add_stage(b, &r->s[i], row_names[i], i ? DSR_AFTER(row_names[i - 1]) : NULL);
	r->d = start(b);
	r->p = producer_of(r->d);
	put_whole(r->p, 3);
	wait_saw(&r->s[2], 3);
}

/* Those that followed it follow what it followed. */
CASE_BOTH(consumer, middle_one_goes)
{
	struct row r;

	row_init(&r);
	stage_hold(&r.s[0], 10, 11);
	r.s[2].looks = LOOK(0);
	row_start(&r, many);
	expect(dsr_detach(r.d, "b", DSR_FOREVER), 0);
	expect_guest(&r.s[1], 0, 3, -ECANCELED);
	put_whole(r.p, 8);
	wait_held(&r.s[0]);
	wait_saw(&r.s[2], 7);
	cr_assert(!has_seen_more(&r.s[2]));
	let_go(&r.s[0]);
	put_whole(r.p, EVENTS);
	finish(r.d);
	expect_guest(&r.s[0], 0, EVENTS + 11, 0);
	expect_guest(&r.s[2], 0, EVENTS + 11, 0);
}

CASE_BOTH(consumer, first_one_goes)
{
	struct row r;

	row_init(&r);
	r.s[1].looks = 0;
	row_start(&r, many);
	expect(dsr_detach(r.d, "a", DSR_FOREVER), 0);
	put_whole(r.p, EVENTS);
	finish(r.d);
	expect_guest(&r.s[0], 0, 3, -ECANCELED);
	expect_guest(&r.s[1], 0, EVENTS + 3, 0);
	expect_guest(&r.s[2], 0, EVENTS + 3, 0);
}

/* The one before it holds the producer now. */
CASE_BOTH(consumer, last_one_goes)
{
	struct row r;

	row_init(&r);
	stage_hold(&r.s[1], 3, 4);
	row_start(&r, many);
	expect(dsr_detach(r.d, "c", DSR_FOREVER), 0);
	expect(put_until_full(r.p, 3), CAPACITY);
	wait_held(&r.s[1]);
	wait_saw(&r.s[0], 3 + CAPACITY);
	expect(put_until_full(r.p, 3 + CAPACITY), 0);
	let_go(&r.s[1]);
	put_whole(r.p, EVENTS);
	finish(r.d);
	expect_guest(&r.s[2], 0, 3, -ECANCELED);
	expect_guest(&r.s[1], 0, EVENTS + 3 + CAPACITY, 0);
}

/* A middle one that does not let go yet: until it has, its follower stays behind it. */
CASE_BOTH(consumer, middle_one_goes_slowly)
{
	struct row r;

	row_init(&r);
	stage_hold(&r.s[1], 3, 4);
	r.s[2].looks = LOOK(0);
	row_start(&r, many);
	put_whole(r.p, 5);
	wait_held(&r.s[1]);
	wait_saw(&r.s[0], 8);
	expect(dsr_detach(r.d, "b", DSR_NOW), -ETIMEDOUT);
	cr_assert(!has_seen_more(&r.s[2]));
	let_go(&r.s[1]);
	expect(dsr_detach(r.d, "b", DSR_FOREVER), 0);
	wait_saw(&r.s[2], 5);
	finish(r.d);
	expect_guest(&r.s[1], 0, 4, -ECANCELED);
	expect_guest(&r.s[2], 0, 8, 0);
}

CASE_BOTH(consumer, that_nobody_knows_cannot_go)
{
	static const char *const unknown[] = {"ghost", "work-0", "hos", "hosts", ""};
	struct stage work[2];
	struct party t;

	start_full_house(&t, work, many);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
		expect(dsr_detach(t.d, unknown[i], DSR_NOW), -ENOENT);
		expect(dsr_detach(t.d, unknown[i], DSR_FOREVER), -ENOENT);
	}
	expect(dsr_detach(t.d, NULL, DSR_FOREVER), -EINVAL);
	expect(dsr_detach(NULL, "host", DSR_FOREVER), -EINVAL);
	expect(dsr_detach(NULL, NULL, DSR_FOREVER), -EINVAL);
	expect(t.host.seen.stops, 0);
	finish(t.d);
}

static int64_t attach_another(struct party *t, const char *name, const char *const *after)
{
	struct stage another;
	int64_t answer;

	guest_init(&another, 2, 0);
	answer = attach(t->d, &another, name, after, DSR_FROM_NOW);
	expect(another.seen.starts, another.seen.stops);
	expect(another.seen.count, 0);
	return answer;
}

CASE_BOTH(consumer, name_is_free_when_it_is_gone)
{
	struct party t;

	party_init(&t);
	party_start(&t, many);
	for (int i = 0; i < 50; i++) {
		guest_init(&t.guest, 1, 0);
		expect(attach_guest(&t, i), i);
		expect(attach_another(&t, "guest", NULL), -EEXIST);
		put_whole(t.p, 1);
		expect(dsr_detach(t.d, "guest", DSR_FOREVER), 0);
		cr_assert(t.guest.seen.count <= 1);
		expect(t.guest.seen.starts, 1);
		expect(t.guest.seen.stops, 1);
		expect(t.guest.seen.reason, -ECANCELED);
		expect(attach_another(&t, "late", DSR_AFTER("guest")), -ENOENT);
	}
	finish(t.d);
	expect_guest(&t.host, 0, 50, 0);
}

/* It went by itself: out of the way, and still known until it is cleared away. */
CASE_BOTH(consumer, that_has_ended_is_cleared_away)
{
	static const int endings[] = {DSR_STOP, -EIO};
	struct party t;

	party_init(&t);
	party_start(&t, many);
	for (int i = 0; i < 2; i++) {
		guest_init(&t.guest, 1, 0);
		t.guest.seen.answer = endings[i];
		cr_assert(attach_guest(&t, DSR_FROM_NOW) >= 0);
		put_whole(t.p, EVENTS);
		wait_for(&t.guest.stopped);
		expect(attach_another(&t, "guest", NULL), -EEXIST);
		expect(dsr_detach(t.d, "guest", DSR_FOREVER), 0);
		expect(dsr_detach(t.d, "guest", DSR_FOREVER), -ENOENT);
		expect_stage(&t.guest, 1, endings[i]);
	}
	finish(t.d);
	expect_guest(&t.host, 0, 2 * EVENTS, 0);
}

/* Nobody is left, producers run free; and one who comes then sees all again. */
CASE_BOTH(consumer, all_go_and_one_comes)
{
	struct stage work[2];
	struct party t;
	int64_t first, published = 0;
	int before = tasks();

	start_full_house(&t, work, many);
	expect(dsr_detach(t.d, "look", DSR_FOREVER), 0);
	expect(dsr_detach(t.d, "host", DSR_FOREVER), 0);
	expect(dsr_detach(t.d, "work", DSR_FOREVER), 0);
	await_tasks(before);
	for (int round = 0; round < 20; round++) {
		put_whole(t.p, 3 * CAPACITY + 1);
		published += 3 * CAPACITY + 1;
		guest_init(&t.guest, 1, 0);
		first = attach_guest(&t, round % 2 ? DSR_FROM_NOW : DSR_FROM_OLDEST);
		cr_assert(first <= published && first >= published - CAPACITY, "%" PRId64, first);
		put_whole(t.p, 2 * CAPACITY);
		published += 2 * CAPACITY;
		wait_saw(&t.guest, (uint64_t)(published - first));
		expect(dsr_detach(t.d, "guest", DSR_FOREVER), 0);
		expect_guest(&t.guest, first, published, -ECANCELED);
	}
	finish(t.d);
	expect(t.host.seen.reason, -ECANCELED);
}

/* Groups and pollers. */

/* The workers have had each sequence from first up to before end, and each once. */
static void expect_shared(const struct stage *s, int64_t first, int64_t end, int reason)
{
	int had[SEEN_MAX] = {0};

	cr_assert(end - first <= SEEN_MAX);
	expect(s[0].seen.count + s[1].seen.count, end - first);
	for (int i = 0; i < 2; i++) {
		for (uint64_t j = 0; j < s[i].seen.count; j++) {
			cr_assert(s[i].seen.sequence[j] >= first && s[i].seen.sequence[j] < end);
			had[s[i].seen.sequence[j] - first]++;
		}
		expect(s[i].wrong, 0);
		expect(s[i].seen.starts, 1);
		expect(s[i].seen.stops, 1);
		expect(s[i].seen.reason, reason);
	}
	for (int64_t i = 0; i < end - first; i++)
		expect(had[i], 1);
}

/* Behind the host, and one behind the group: comes, works, goes. */
CASE_BOTH(consumer, group_comes_and_goes)
{
	enum { SOME = 40 };
	struct stage s[2], late;
	struct party t;

	party_init(&t);
	party_start(&t, many);
	for (int round = 0; round < 10; round++) {
		int64_t first = round * SOME;

		guest_init(&s[0], 1, LOOK(0));
		guest_init(&s[1], 1, LOOK(0));
		guest_init(&late, 2, LOOK(0) | LOOK(1));
		expect(attach_group(t.d, "work", NULL, s, DSR_AFTER("host"), first), first);
		expect(attach(t.d, &late, "late", DSR_AFTER("work"), first), first);
		put_whole(t.p, SOME);
		wait_saw(&late, SOME);
		expect(dsr_detach(t.d, "work", DSR_FOREVER), 0);
		expect_shared(s, first, first + SOME, -ECANCELED);
		expect(dsr_detach(t.d, "late", DSR_FOREVER), 0);
		expect_guest(&late, first, first + SOME, -ECANCELED);
	}
	finish(t.d);
	expect_guest(&t.host, 0, 10 * SOME, 0);
}

/* One worker holds the group, and what follows it; gone, it holds nobody. */
CASE_BOTH(consumer, group_lets_producers_go)
{
	struct stage s[2];
	struct party t;

	party_init(&t);
	party_start(&t, many);
	for (int i = 0; i < 2; i++) {
		guest_init(&s[i], 1, 0);
		stage_hold(&s[i], 0, 2);
	}
	expect(attach_group(t.d, "work", NULL, s, NULL, DSR_FROM_NOW), 0);
	expect(put_until_full(t.p, 0), CAPACITY);
	wait_held(&s[0]);
	wait_held(&s[1]);
	wait_saw(&t.host, CAPACITY);
	expect(dsr_detach(t.d, "work", DSR_NOW), -ETIMEDOUT);
	expect(put_until_full(t.p, CAPACITY), 0);
	let_go(&s[1]);
	expect(dsr_detach(t.d, "work", DSR_NOW), -ETIMEDOUT);
	let_go(&s[0]);
	expect(dsr_detach(t.d, "work", DSR_FOREVER), 0);
	expect(dsr_detach(t.d, "work", DSR_FOREVER), -ENOENT);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_shared(s, 0, 2, -ECANCELED);
	expect_guest(&t.host, 0, EVENTS + CAPACITY, 0);
}

/* Takes so many events, one after the other from @from on. */
static void poll_whole(struct dsr_poller *poller, int64_t from, int64_t n, int after)
{
	struct dsr_batch *batch;
	struct sheet *sheet;

	while (n > 0) {
		int state = dsr_poll(poller, (uint32_t)(n < 5 ? n : 5), &batch);

		cr_assert(state >= 0, "dsr_poll: %d", state);
		if (state != DSR_POLL_EVENTS)
			sched_yield();
		else
			while ((sheet = dsr_batch_next(batch))) {
				expect(dsr_batch_sequence(batch), from);
				cr_assert(!is_torn(sheet, from));
				cr_assert(after < 0 || is_marked(sheet, from, after));
				from++;
				n--;
			}
	}
	expect(n, 0);
}

CASE_BOTH(consumer, poller_comes_and_goes)
{
	struct dsr_poller *poller;
	struct party t;

	party_init(&t);
	party_start(&t, many);
	for (int round = 0; round < 50; round++) {
		int64_t first = attach_poller(t.d, "guest", round % 2 ? DSR_AFTER("host") : NULL,
					      round * CAPACITY, &poller);

		expect(first, round * CAPACITY);
		put_whole(t.p, CAPACITY);
		cr_assert(dsr_try_claim(t.p) == NULL);
		poll_whole(poller, first, CAPACITY, round % 2 ? 0 : -1);
		expect(dsr_detach(t.d, "guest", DSR_FOREVER), 0);
	}
	finish(t.d);
	expect_guest(&t.host, 0, 50 * CAPACITY, 0);
}

/* A batch that was not given back goes with it. */
CASE_BOTH(consumer, poller_goes_with_its_batch)
{
	struct dsr_poller *poller;
	struct dsr_batch *batch;
	struct party t;

	party_init(&t);
	party_start(&t, many);
	expect(attach_poller(t.d, "guest", NULL, DSR_FROM_NOW, &poller), 0);
	put_whole(t.p, CAPACITY);
	expect(dsr_poll(poller, 3, &batch), DSR_POLL_EVENTS);
	cr_assert(dsr_batch_next(batch) != NULL);
	expect(dsr_detach(t.d, "guest", DSR_NOW), 0);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_guest(&t.host, 0, EVENTS + CAPACITY, 0);
}

/* From within. */

/* In event @at, attaches the guest, who has to see what comes then, and has another go. */
struct inviter {
	struct stage stage;
	struct party *t;
	int64_t at, came;
	int went, went_itself, went_at_the_end;
};

static int invite(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct inviter *in = state;

	if (sequence == in->at) {
		in->came = attach_guest(in->t, DSR_FROM_NOW);
		in->went = dsr_detach(in->t->d, "other", DSR_FOREVER);
		in->went_itself = dsr_detach(in->t->d, "inviter", DSR_NOW);
	}
	return stage_event(event, sequence, end_of_batch, state);
}

static void invite_no_more(void *state, int reason)
{
	struct inviter *in = state;

	in->went_at_the_end = dsr_detach(in->t->d, "inviter", DSR_FOREVER);
	stage_stop(state, reason);
}

CASE_BOTH(consumer, handler_attaches_and_detaches_others)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage other;
	struct party t;
	struct inviter in = {.t = &t, .at = 5};

	party_init(&t);
	guest_init(&other, 2, 0);
	guest_init(&in.stage, 3, 0);
	in.stage.handler.on_event = invite;
	in.stage.handler.on_stop = invite_no_more;
	in.stage.handler.state = &in;
	stage_hold(&in.stage, 0, 1);
	add_stage(b, &t.host, "host", NULL);
	add_stage(b, &in.stage, "inviter", NULL);
	add_stage(b, &other, "other", NULL);
	t.d = start(b);
	t.p = producer_of(t.d);
	put_whole(t.p, 1);
	/* What it uses is there. */
	let_go(&in.stage);
	put_whole(t.p, EVENTS);
	wait_saw(&in.stage, EVENTS + 1);
	finish(t.d);
	cr_assert(in.came >= 0 && in.came <= 5 + CAPACITY, "%" PRId64, in.came);
	expect(in.went, 0);
	expect(in.went_itself, -EDEADLK);
	expect(in.went_at_the_end, -EDEADLK);
	expect_guest(&t.guest, in.came, EVENTS + 1, 0);
	expect_guest(&t.host, 0, EVENTS + 1, 0);
	expect_guest(&in.stage, 0, EVENTS + 1, 0);
	expect(other.seen.reason, -ECANCELED);
}

/* A worker, too, is one of its group's threads. */
CASE_BOTH(consumer, worker_cannot_detach_its_group)
{
	struct inviter in[2];
	struct dsr_handler handlers[2];
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct party t;

	party_init(&t);
	for (int i = 0; i < 2; i++) {
		in[i] = (struct inviter){.t = &t, .at = -1};
		guest_init(&in[i].stage, 1, 0);
		in[i].stage.handler.on_stop = invite_no_more;
		in[i].stage.handler.state = &in[i];
		handlers[i] = stage_handler(&in[i].stage, NULL, NULL);
	}
	add_stage(b, &t.host, "host", NULL);
	expect(add_group(b, "inviter", handlers, 2, NULL), 0);
	t.d = start(b);
	put_whole(producer_of(t.d), 10);
	finish(t.d);
	expect(in[0].went_at_the_end, -EDEADLK);
	expect(in[1].went_at_the_end, -EDEADLK);
	expect(in[0].stage.seen.count + in[1].stage.seen.count, 10);
}

/* Brings one along when it starts, and leaves one when it stops. */
struct eager {
	struct stage stage, heir;
	struct party *t;
	int64_t at_start, at_stop;
};

static int attach_at_start(void *state)
{
	struct eager *e = state;

	e->at_start = attach_guest(e->t, DSR_FROM_NOW);
	return seen_start(state);
}

static void attach_at_stop(void *state, int reason)
{
	struct eager *e = state;

	e->at_stop = attach(e->t->d, &e->heir, "heir", NULL, DSR_FROM_NOW);
	stage_stop(state, reason);
}

CASE_BOTH(consumer, comes_from_on_start_and_on_stop)
{
	struct party t;
	struct eager e = {.t = &t};

	party_init(&t);
	guest_init(&e.stage, 2, 0);
	guest_init(&e.heir, 3, 0);
	e.stage.handler.on_start = attach_at_start;
	e.stage.handler.on_stop = attach_at_stop;
	e.stage.handler.state = &e;
	party_start(&t, many);
	expect(attach(t.d, &e.stage, "eager", NULL, DSR_FROM_NOW), 0);
	expect(e.at_start, 0);
	put_whole(t.p, 5);
	wait_saw(&e.stage, 5);
	expect(dsr_detach(t.d, "eager", DSR_FOREVER), 0);
	cr_assert(e.at_stop >= 0 && e.at_stop <= 5, "%" PRId64, e.at_stop);
	put_whole(t.p, EVENTS);
	finish(t.d);
	expect_guest(&e.stage, 0, 5, -ECANCELED);
	expect_guest(&t.guest, 0, EVENTS + 5, 0);
	expect_guest(&e.heir, e.at_stop, EVENTS + 5, 0);
}

/* While producers run. */

struct writers {
	struct writer writer[2];
	int count;
	uint64_t claimed;
};

static void writers_begin(struct writers *w, struct dsr_disruptor *d, bool many)
{
	w->count = many ? 2 : 1;
	for (int i = 0; i < w->count; i++)
		writer_begin(&w->writer[i], d, 1 + 2 * (uint32_t)i);
}

static void writers_join(struct writers *w, int error)
{
	w->claimed = 0;
	for (int i = 0; i < w->count; i++) {
		caller_join(&w->writer[i].caller);
		expect(w->writer[i].caller.error, error);
		w->claimed += w->writer[i].caller.claimed;
	}
}

/* Each after a claim that it got, so that there is no hole. */
static void writers_end(struct writers *w, struct dsr_disruptor *d)
{
	for (int i = 0; i < w->count; i++)
		sem_post(&w->writer[i].stop);
	writers_join(w, 0);
	finish(d);
}

/* A whole run from its first event on, up to where it had to go. */
static void expect_visit(const struct stage *s, int64_t first)
{
	expect_stage(s, s->seen.count, -ECANCELED);
	expect(s->seen.sequence[0], first);
	expect(s->seen.last, first + (int64_t)s->seen.count - 1);
}

/* The host is released as it is: t->p is a writer's, or of the test's own thread. */
static void start_busy(struct party *t, struct writers *w, bool many)
{
	party_start(t, many);
	if (!many)
		expect(dsr_producer_release(t->p), 0);
	writers_begin(w, t->d, many);
}

CASE_BOTH(consumer, comes_and_goes_while_producers_run)
{
	enum { ROUNDS = 1000 };
	struct writers w;
	struct party t;

	party_init(&t);
	start_busy(&t, &w, many);
	for (int round = 0; round < ROUNDS; round++) {
		bool behind = round % 2;
		int64_t first;

		guest_init(&t.guest, 1, behind ? LOOK(0) : 0);
		first = attach(t.d, &t.guest, "guest", behind ? DSR_AFTER("host") : NULL,
			       round % 4 < 2 ? DSR_FROM_NOW : DSR_FROM_OLDEST);
		cr_assert(first >= 0, "round %d: %" PRId64, round, first);
		if (many) {
			int64_t own = dsr_claim_n(t.p, 1, DSR_FOREVER);

			/* Published after it came: nothing of that may be before its first. */
			cr_assert(own >= first);
			write_sheet(dsr_event(t.p, own), own);
			expect(dsr_publish(t.p), 1);
		}
		wait_saw(&t.guest, 1 + (uint64_t)round % 50);
		expect(dsr_detach(t.d, "guest", DSR_FOREVER), 0);
		expect_visit(&t.guest, first);
	}
	writers_end(&w, t.d);
	expect_stage(&t.host, w.claimed + (many ? ROUNDS : 0), 0);
}

CASE_BOTH(consumer, poller_comes_and_goes_while_producers_run)
{
	struct dsr_poller *poller;
	struct writers w;
	struct party t;

	party_init(&t);
	start_busy(&t, &w, many);
	for (int round = 0; round < 100; round++) {
		bool behind = round % 2;
		int64_t first =
			attach_poller(t.d, "guest", behind ? DSR_AFTER("host") : NULL,
				      round % 4 < 2 ? DSR_FROM_NOW : DSR_FROM_OLDEST, &poller);

		cr_assert(first >= 0, "round %d: %" PRId64, round, first);
		poll_whole(poller, first, 1 + round % 50, behind ? 0 : -1);
		expect(dsr_detach(t.d, "guest", DSR_FOREVER), 0);
	}
	writers_end(&w, t.d);
	expect_stage(&t.host, w.claimed, 0);
}

/* The workers' events, sorted into a row without a gap; they saw too many for a table. */
CASE_BOTH(consumer, group_comes_and_goes_while_producers_run)
{
	struct writers w;
	struct party t;
	struct stage s[2], late;

	party_init(&t);
	start_busy(&t, &w, many);
	for (int round = 0; round < 100; round++) {
		int64_t first;

		guest_init(&s[0], 1, LOOK(0));
		guest_init(&s[1], 1, LOOK(0));
		guest_init(&late, 2, LOOK(0) | LOOK(1));
		first = attach_group(t.d, "work", NULL, s, DSR_AFTER("host"), DSR_FROM_NOW);
		cr_assert(first >= 0, "round %d: %" PRId64, round, first);
		first = attach(t.d, &late, "late", DSR_AFTER("work"), DSR_FROM_NOW);
		cr_assert(first >= 0, "round %d: %" PRId64, round, first);
		wait_saw(&late, 1 + (uint64_t)round % 50);
		expect(dsr_detach(t.d, "late", DSR_FOREVER), 0);
		expect_visit(&late, first);
		expect(dsr_detach(t.d, "work", DSR_FOREVER), 0);
		cr_assert(s[0].seen.count + s[1].seen.count >= late.seen.count);
		expect(s[0].wrong + s[1].wrong, 0);
	}
	writers_end(&w, t.d);
	expect_stage(&t.host, w.claimed, 0);
}

/* Nobody holds the producers before it comes. */
CASE_BOTH(consumer, comes_to_producers_that_run_free)
{
	struct writers w;
	struct party t;

	party_init(&t);
	start_busy(&t, &w, many);
	wait_saw(&t.host, CAPACITY);
	expect(dsr_detach(t.d, "host", DSR_FOREVER), 0);
	for (int round = 0; round < 100; round++) {
		int64_t first;

		guest_init(&t.guest, 1, 0);
		first = attach_guest(&t, round % 2 ? DSR_FROM_NOW : DSR_FROM_OLDEST);
		cr_assert(first >= 0, "round %d: %" PRId64, round, first);
		wait_saw(&t.guest, 1 + (uint64_t)round % 50);
		expect(dsr_detach(t.d, "guest", DSR_FOREVER), 0);
		expect_visit(&t.guest, first);
	}
	writers_end(&w, t.d);
	expect_visit(&t.host, 0);
}

/* What it follows goes before it, again and again. */
CASE_BOTH(consumer, one_that_is_followed_goes_while_producers_run)
{
	struct writers w;
	struct party t;
	struct stage late;
	int64_t first, late_first;

	party_init(&t);
	start_busy(&t, &w, many);
	for (int round = 0; round < 100; round++) {
		guest_init(&t.guest, 1, LOOK(0));
		guest_init(&late, 2, LOOK(0));
		first = attach(t.d, &t.guest, "guest", DSR_AFTER("host"), DSR_FROM_NOW);
		late_first = attach(t.d, &late, "late", DSR_AFTER("guest"), DSR_FROM_NOW);
		cr_assert(first >= 0 && late_first >= 0);
		wait_saw(&late, 1 + (uint64_t)round % 20);
		expect(dsr_detach(t.d, "guest", DSR_FOREVER), 0);
		wait_saw(&late, 20);
		expect(dsr_detach(t.d, "late", DSR_FOREVER), 0);
		expect_visit(&t.guest, first);
		expect_visit(&late, late_first);
	}
	writers_end(&w, t.d);
	expect_stage(&t.host, w.claimed, 0);
}

/* Of several producers' last claims some are cancelled: a hole, the same one for all. */
CASE_BOTH(consumer, is_drained_by_shutdown_like_all)
{
	for (int round = 0; round < 20; round++) {
		struct stage late;
		struct writers w;
		struct party t;
		int64_t first, late_first;

		party_init(&t);
		guest_init(&late, 2, LOOK(0) | LOOK(1));
		t.guest.looks = LOOK(0);
		start_busy(&t, &w, many);
		first = attach(t.d, &t.guest, "guest", DSR_AFTER("host"), DSR_FROM_NOW);
		late_first = attach(t.d, &late, "late", DSR_AFTER("guest"), DSR_FROM_NOW);
		cr_assert(first >= 0 && late_first >= 0);
		wait_saw(&late, 1);
		expect(dsr_shutdown(t.d, DSR_FOREVER), 0);
		writers_join(&w, -ECANCELED);
		expect(dsr_destroy(t.d), 0);
		expect(t.host.seen.count, w.claimed);
		expect(t.guest.seen.count, (int64_t)w.claimed - first);
		expect(late.seen.count, (int64_t)w.claimed - late_first);
		expect(t.guest.seen.gaps, t.host.seen.gaps);
		expect(late.seen.last, t.host.seen.last);
		expect(t.host.wrong + t.guest.wrong + late.wrong, 0);
		expect(late.seen.reason, 0);
	}
}

/* Attached, and what is there is drained; a poller is not waited for, and can be polled empty. */
CASE_BOTH(consumer, poller_is_drained_after_shutdown)
{
	struct dsr_poller *poller;
	struct dsr_batch *batch;
	struct party t;

	party_init(&t);
	party_start(&t, many);
	expect(attach_poller(t.d, "guest", NULL, DSR_FROM_NOW, &poller), 0);
	put_whole(t.p, 5);
	expect(dsr_shutdown(t.d, DSR_FOREVER), 0);
	poll_whole(poller, 0, 5, -1);
	expect(dsr_poll(poller, 1, &batch), DSR_POLL_DRAINED);
	expect(dsr_destroy(t.d), 0);
	expect_guest(&t.host, 0, 5, 0);
}

CASE_BOTH(consumer, halt_reaches_it_like_all)
{
	struct party t;

	party_init(&t);
	stage_hold(&t.guest, 2, 3);
	party_start(&t, many);
	expect(attach_guest(&t, DSR_FROM_NOW), 0);
	put_whole(t.p, CAPACITY);
	wait_held(&t.guest);
	expect(dsr_halt(t.d), 0);
	let_go(&t.guest);
	finish(t.d);
	expect_guest(&t.guest, 0, 3, -ECANCELED);
}

/* Two threads, each with a guest of its own. */
struct usher {
	struct dsr_disruptor *d;
	char name[16];
	int rounds, bad;
	pthread_t thread;
};

static void *usher_main(void *argument)
{
	struct usher *u = argument;
	struct stage guest;

	for (int round = 0; round < u->rounds; round++) {
		int64_t first;

		guest_init(&guest, 1 + (u->name[0] == 'b'), LOOK(0));
		first = attach(u->d, &guest, u->name, DSR_AFTER("host"), DSR_FROM_NOW);
		if (first < 0) {
			u->bad++;
			continue;
		}
		wait_saw(&guest, 10);
		u->bad += dsr_detach(u->d, u->name, DSR_FOREVER) != 0;
		u->bad += guest.seen.sequence[0] != first;
		u->bad += guest.seen.gaps || guest.wrong || guest.seen.stops != 1;
		u->bad += guest.seen.reason != -ECANCELED;
	}
	return NULL;
}

CASE_BOTH(consumer, two_threads_attach_and_detach)
{
	struct usher ushers[2] = {{.name = "a"}, {.name = "b"}};
	struct writers w;
	struct party t;

	party_init(&t);
	start_busy(&t, &w, many);
	for (int i = 0; i < 2; i++) {
		ushers[i].d = t.d;
		ushers[i].rounds = 100;
		expect(pthread_create(&ushers[i].thread, NULL, usher_main, &ushers[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		expect(pthread_join(ushers[i].thread, NULL), 0);
		expect(ushers[i].bad, 0);
	}
	writers_end(&w, t.d);
	expect_stage(&t.host, w.claimed, 0);
}

/* Two threads and one name: one of them has it at a time, and both come to an end. */
static void *rival_main(void *argument)
{
	struct usher *u = argument;

	for (int round = 0; round < u->rounds; round++) {
		struct dsr_poller *poller;
		int64_t first = attach_poller(u->d, u->name, NULL, DSR_FROM_NOW, &poller);

		if (first == -EEXIST)
			u->bad += poller != NULL;
		else
			u->bad += first < 0 || dsr_detach(u->d, u->name, DSR_FOREVER) != 0;
	}
	return NULL;
}

CASE_BOTH(consumer, two_threads_attach_one_name)
{
	struct usher ushers[2] = {{.name = "a"}, {.name = "a"}};
	struct writers w;
	struct party t;

	party_init(&t);
	start_busy(&t, &w, many);
	for (int i = 0; i < 2; i++) {
		ushers[i].d = t.d;
		ushers[i].rounds = 200;
		expect(pthread_create(&ushers[i].thread, NULL, rival_main, &ushers[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		expect(pthread_join(ushers[i].thread, NULL), 0);
		expect(ushers[i].bad, 0);
	}
	expect(dsr_detach(t.d, "a", DSR_NOW), -ENOENT);
	writers_end(&w, t.d);
	expect_stage(&t.host, w.claimed, 0);
}

/* The library's own names are used up by who fails, too, and none comes again. */
CASE(consumer, names_that_are_not_given_do_not_repeat)
{
	struct stage guest;
	struct party t;

	party_init(&t);
	party_start(&t, true);
	guest_init(&guest, 1, 0);
	/* The host, which has a name, is number 0. */
	cr_assert(attach(t.d, &guest, NULL, NULL, DSR_FROM_NOW) >= 0);
	expect(dsr_detach(t.d, "processor-1", DSR_FOREVER), 0);
	cr_assert(attach(t.d, &guest, "processor-1", NULL, DSR_FROM_NOW) >= 0);
	for (int i = 3; i < 100001; i++)
		expect(dsr_attach_handler(t.d, NULL, DSR_FROM_NOW), -EINVAL);
	cr_assert(attach(t.d, &guest, NULL, NULL, DSR_FROM_NOW) >= 0);
	expect(dsr_detach(t.d, "proc-100001", DSR_FOREVER), 0);
	finish(t.d);
}

/* It is refused, and the sentence has that word. */
#define expect_told(got, error, word) expect_told_at(got, error, word, #got, __LINE__)

static void expect_told_at(int64_t got, int64_t error, const char *word, const char *what, int line)
{
	const char *message = dsr_attach_message();

	expect_number(got, error, what, line);
	cr_assert(*message && strstr(message, word), "line %d: %s", line, message);
}

static int64_t attach_with(struct dsr_disruptor *d, struct dsr_handler handler)
{
	handler.name = "guest";
	return dsr_attach_handler(d, &handler, DSR_FROM_NOW);
}

CASE_BOTH(consumer, that_is_refused_is_told_why)
{
	struct dsr_handler h;
	struct dsr_poller *poller;
	struct stage s[2];
	struct party t;

	party_init(&t);
	guest_init(&s[0], 1, 0);
	guest_init(&s[1], 1, 0);
	h = stage_handler(&s[0], "guest", NULL);
	expect_told(attach(NULL, &s[0], "guest", NULL, DSR_FROM_NOW), -EINVAL, "NULL");
	party_start(&t, many);
	expect_told(attach(t.d, &s[0], "guest", NULL, -3), -EINVAL, "-3");
	expect_told(attach(t.d, &s[0], "guest", NULL, 1234), -ERANGE,
		    "guest: cannot begin at 1234");
	expect_told(attach(t.d, &s[0], "host", NULL, DSR_FROM_NOW), -EEXIST, "host");
	expect_told(attach(t.d, &s[0], "guest", DSR_AFTER("host", "ghost"), 0), -ENOENT, "ghost");
	expect_told(attach(t.d, &s[0], "sixteen-bytes-xx", NULL, 0), -ENAMETOOLONG,
		    "sixteen-bytes-xx");
	expect_told(dsr_attach_handler(t.d, NULL, DSR_FROM_NOW), -EINVAL, "NULL");
	h.on_event = NULL;
	expect_told(attach_with(t.d, h), -EINVAL, "guest: wants one of on_event");
	h = stage_handler(&s[0], "guest", NULL);
	h.max_batch = CAPACITY + 1;
	expect_told(attach_with(t.d, h), -EINVAL, "guest: max_batch 9");
	h = stage_handler(&s[0], "guest", NULL);
	h.pin = DSR_CPU(0xfffffff);
	expect_told(attach_with(t.d, h), -ENODEV, "guest: there is no CPU 268435455");
	expect_told(attach_group(t.d, "guests", "host", s, NULL, 0), -EEXIST, "host");
	expect_told(attach_group(t.d, "guests", NULL, s, DSR_AFTER("ghost"), 0), -ENOENT, "ghost");
	expect_told(attach_poller(t.d, "host", NULL, 0, &poller), -EEXIST, "host");
	expect_told(attach_poller(t.d, NULL, NULL, 0, &poller), -EINVAL, "poller: has no name");
	expect_told(attach_poller(t.d, "guest", NULL, 0, NULL), -EINVAL, "poller");
	s[1].seen.start_error = -ENOTCONN;
	expect_told(attach_group(t.d, "guests", NULL, s, NULL, 0), -ENOTCONN,
		    "guests-1: its on_start failed");
	s[1].seen.start_error = 0;
	expect(dsr_close(t.d), 0);
	expect_told(attach(t.d, &s[0], "guest", NULL, 0), -ECANCELED, "guest: ");
	finish(t.d);
}

static void *read_message(void *argument)
{
	*(char *)argument = *dsr_attach_message();
	return NULL;
}

/* The message is the thread's own, and about its last call. */
CASE(consumer, that_was_let_in_is_told_nothing)
{
	char first = 'x';
	pthread_t thread;
	struct party t;

	party_init(&t);
	party_start(&t, true);
	expect(*dsr_attach_message(), 0);
	expect_told(attach(t.d, &t.guest, "host", NULL, 0), -EEXIST, "host");
	expect(pthread_create(&thread, NULL, read_message, &first), 0);
	expect(pthread_join(thread, NULL), 0);
	expect(first, 0);
	expect_told(attach(t.d, &t.guest, "guest", DSR_AFTER("ghost"), 0), -ENOENT, "ghost");
	expect(attach_guest(&t, DSR_FROM_NOW), 0);
	expect(*dsr_attach_message(), 0);
	finish(t.d);
}
