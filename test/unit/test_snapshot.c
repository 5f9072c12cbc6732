/* SPDX-License-Identifier: MIT */
/* What an observer sees: exact while everything is held still, and never in the way. */
#include "graph.h"

TestSuite(snapshot, .timeout = 60);

enum { CAPACITY = 8, EVENTS = 200 };

static struct dsr_snapshot *take(struct dsr_disruptor *d)
{
	struct dsr_snapshot *s = NULL;

	expect(dsr_snapshot_take(d, &s), 0);
	cr_assert(s != NULL);
	return s;
}

static const struct dsr_consumer_snapshot *of(const struct dsr_snapshot *s, const char *name)
{
	for (uint32_t i = 0; i < s->consumer_count; i++)
		if (strcmp(s->consumers[i].name, name) == 0)
			return &s->consumers[i];
	cr_assert(false, "no %s", name);
	return NULL;
}

static void expect_text(const char *got, const char *wanted)
{
	cr_assert_str_eq(got, wanted, "\"%s\", not \"%s\"", got, wanted);
}

/* The ring's own numbers. */
#define expect_ring(s, claimed, published, done, remaining) \
	expect_ring_at(s, claimed, published, done, remaining, __LINE__)

static void expect_ring_at(const struct dsr_snapshot *s, int64_t claimed, int64_t published,
			   int64_t done, int64_t remaining, int line)
{
	expect(s->capacity, CAPACITY);
	expect_number(s->claimed, claimed, "claimed", line);
	expect_number(s->published, published, "published", line);
	expect_number(s->done, done, "done", line);
	expect_number(s->remaining, remaining, "remaining", line);
}

#define expect_hole(s, at) expect_number((s)->hole, at, "hole", __LINE__)

/* One look at a single number of a consumer or of the producer that is the only one. */
static uint64_t batches_of(struct dsr_disruptor *d, const char *name)
{
	struct dsr_snapshot *s = take(d);
	uint64_t batches = of(s, name)->batches;

	dsr_snapshot_free(s);
	return batches;
}

static enum dsr_consumer_state state_of(struct dsr_disruptor *d, const char *name)
{
	struct dsr_snapshot *s = take(d);
	enum dsr_consumer_state state = of(s, name)->state;

	dsr_snapshot_free(s);
	return state;
}

static void await_state(struct dsr_disruptor *d, const char *name, enum dsr_consumer_state state)
{
	while (state_of(d, name) != state)
		sched_yield();
}

/* "front", and "rear" behind it. */
struct pair {
	struct stage front, rear;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
};

static void pair_init(struct pair *t)
{
	stage_init(&t->front, 0, 0);
	stage_init(&t->rear, 1, LOOK(0));
}

static void pair_start(struct pair *t, bool many)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);

	add_stage(b, &t->front, "front", NULL);
	add_stage(b, &t->rear, "rear", DSR_AFTER("front"));
	t->d = start(b);
	t->p = producer_of(t->d);
}

/* front is in event 4, rear in event 2, and 0 to 4 are published. */
static void pair_start_held(struct pair *t, bool many)
{
	pair_init(t);
	stage_hold(&t->front, 4, 5);
	stage_hold(&t->rear, 2, 3);
	pair_start(t, many);
	put(t->p, 5);
	wait_held(&t->front);
	wait_held(&t->rear);
}

static void pair_finish_held(struct pair *t)
{
	let_go(&t->front);
	let_go(&t->rear);
	finish(t->d);
}

CASE_BOTH(snapshot, ring_that_is_new)
{
	static const int64_t firsts[] = {0, 100};

	for (int i = 0; i < 2; i++) {
		struct dsr_builder *b = build_sheets(many, CAPACITY);
		struct dsr_disruptor *d;
		struct dsr_snapshot *s;
		struct stage one;
		int64_t before = firsts[i] - 1;

		stage_init(&one, 0, 0);
		dsr_first_sequence(b, firsts[i]);
		add_stage(b, &one, "one", NULL);
		d = start(b);
		s = take(d);
		expect_ring(s, before, before, before, CAPACITY);
		expect_hole(s, -1);
		expect(s->hole_age, 0);
		expect(s->closed, false);
		expect_text(s->slowest, "one");
		expect(s->consumer_count, 1);
		expect(s->producer_count, 0);
		expect(s->consumers[0].sequence, before);
		expect(s->consumers[0].lag, 0);
		expect(s->consumers[0].batches, 0);
		dsr_snapshot_free(s);
		finish(d);
	}
}

CASE_BOTH(snapshot, positions_are_exact_while_all_is_held)
{
	const struct dsr_consumer_snapshot *front, *rear;
	struct dsr_snapshot *s;
	struct pair t;

	pair_start_held(&t, many);
	s = take(t.d);
	front = of(s, "front");
	rear = of(s, "rear");
	expect_ring(s, 4, 4, 1, CAPACITY - 3);
	expect_hole(s, -1);
	expect(s->closed, false);
	expect_text(s->slowest, "rear");
	expect(s->consumer_count, 2);
	expect(front->sequence, 3);
	expect(front->lag, 1);
	expect(front->gates, false);
	expect(front->kind, DSR_KIND_HANDLER);
	expect(front->state, DSR_STATE_RUNNING);
	expect_text(front->group, "");
	expect(rear->sequence, 1);
	expect(rear->lag, 3);
	expect(rear->gates, true);
	expect(rear->state, DSR_STATE_RUNNING);
	dsr_snapshot_free(s);
	pair_finish_held(&t);
}

/* Whatever was promised: so many claims succeed, and no more. */
CASE_BOTH(snapshot, remaining_is_what_can_be_claimed)
{
	struct dsr_snapshot *s;
	struct pair t;

	pair_start_held(&t, many);
	for (int i = 0; i < CAPACITY - 3; i++) {
		s = take(t.d);
		expect_ring(s, 4 + i, 4 + i, 1, CAPACITY - 3 - i);
		dsr_snapshot_free(s);
		cr_assert(dsr_try_claim(t.p) != NULL);
		fill(t.p, 5 + i, 1);
		expect(dsr_publish(t.p), 1);
	}
	s = take(t.d);
	expect_ring(s, 1 + CAPACITY, 1 + CAPACITY, 1, 0);
	expect(of(s, "front")->lag, CAPACITY - 2);
	expect(of(s, "rear")->lag, CAPACITY);
	dsr_snapshot_free(s);
	cr_assert(dsr_try_claim(t.p) == NULL);
	pair_finish_held(&t);
}

/* Only looked at: a look costs a producer nothing, and changes nothing for it. */
CASE_BOTH(snapshot, looking_changes_nothing)
{
	struct pair t;

	pair_start_held(&t, many);
	claim(t.p, 3);
	for (int i = 0; i < 20; i++)
		dsr_snapshot_free(take(t.d));
	expect(dsr_publish_n(t.p, 1), 1);
	dsr_snapshot_free(take(t.d));
	expect(dsr_publish(t.p), 2);
	expect(put_until_full(t.p, CAPACITY), 2);
	pair_finish_held(&t);
	/* 0 to 9, which it destroyed, or the count would be here. */
	expect_stage(&t.rear, 10, 0);
}

CASE_BOTH(snapshot, open_claim_is_a_hole)
{
	struct dsr_snapshot *s;
	struct pair t;
	int64_t age;

	pair_start_held(&t, many);
	claim(t.p, 3);
	s = take(t.d);
	expect_ring(s, 7, 4, 1, CAPACITY - 6);
	expect_hole(s, 5);
	expect(s->hole_age, 0);
	expect(of(s, "rear")->lag, 3);
	dsr_snapshot_free(s);
	s = take(t.d);
	expect_hole(s, 5);
	age = s->hole_age;
	cr_assert(age > 0, "%" PRId64, age);
	dsr_snapshot_free(s);
	s = take(t.d);
	cr_assert(s->hole_age > age, "%" PRId64, s->hole_age);
	dsr_snapshot_free(s);
	/* The next one is another one. */
	expect(dsr_publish_n(t.p, 1), 1);
	s = take(t.d);
	expect_ring(s, 7, 5, 1, CAPACITY - 6);
	expect_hole(s, 6);
	expect(s->hole_age, 0);
	dsr_snapshot_free(s);
	/* What is aborted will never be published, and holds up nobody. */
	expect(dsr_abort_n(t.p, 1), 1);
	s = take(t.d);
	expect_ring(s, 7, 6, 1, CAPACITY - 6);
	expect_hole(s, 7);
	dsr_snapshot_free(s);
	expect(dsr_publish(t.p), 1);
	s = take(t.d);
	expect_ring(s, 7, 7, 1, CAPACITY - 6);
	expect_hole(s, -1);
	expect(s->hole_age, 0);
	dsr_snapshot_free(s);
	pair_finish_held(&t);
}

/* What others published behind it does not close it. */
CASE(snapshot, hole_between_several_producers)
{
	struct dsr_producer *other;
	struct dsr_snapshot *s;
	struct pair t;

	pair_start_held(&t, true);
	other = producer_of(t.d);
	expect(claim(t.p, 1), 5);
	put(other, 2);
	s = take(t.d);
	expect_ring(s, 7, 4, 1, CAPACITY - 6);
	expect_hole(s, 5);
	dsr_snapshot_free(s);
	expect(claim(other, 1), 8);
	expect(dsr_publish(t.p), 1);
	s = take(t.d);
	expect_ring(s, 8, 7, 1, CAPACITY - 7);
	expect_hole(s, 8);
	expect(s->hole_age, 0);
	dsr_snapshot_free(s);
	expect(dsr_abort(other), 1);
	s = take(t.d);
	expect_ring(s, 8, 8, 1, CAPACITY - 7);
	expect_hole(s, -1);
	dsr_snapshot_free(s);
	pair_finish_held(&t);
}

static const struct dsr_producer_snapshot *open_at(const struct dsr_snapshot *s, int64_t open)
{
	for (uint32_t i = 0; i < s->producer_count; i++)
		if (s->producers[i].open == open)
			return &s->producers[i];
	cr_assert(false, "nobody is open at %" PRId64, open);
	return NULL;
}

CASE_BOTH(snapshot, producers_and_their_claims)
{
	const struct dsr_producer_snapshot *p;
	struct dsr_snapshot *s;
	struct pair t;

	pair_start_held(&t, many);
	claim(t.p, 3);
	expect(dsr_publish_n(t.p, 1), 1);
	s = take(t.d);
	expect(s->producer_count, 1);
	p = s->producers;
	expect(p->out, true);
	expect(p->open, 6);
	expect(p->next, 8);
	expect(p->failures, 0);
	dsr_snapshot_free(s);
	expect(dsr_publish(t.p), 2);
	s = take(t.d);
	expect(s->producers->open, 8);
	expect(s->producers->next, 8);
	dsr_snapshot_free(s);
	expect(dsr_producer_release(t.p), 0);
	s = take(t.d);
	expect(s->producer_count, 1);
	expect(s->producers->out, false);
	dsr_snapshot_free(s);
	pair_finish_held(&t);
}

CASE(snapshot, several_producers)
{
	const struct dsr_producer_snapshot *p;
	struct dsr_producer *other;
	struct dsr_snapshot *s;
	struct pair t;

	pair_start_held(&t, true);
	other = producer_of(t.d);
	expect(claim(t.p, 1), 5);
	expect(claim(other, 2), 6);
	s = take(t.d);
	expect(s->producer_count, 2);
	p = open_at(s, 5);
	expect(p->out, true);
	expect(p->next, 6);
	p = open_at(s, 6);
	expect(p->out, true);
	expect(p->next, 8);
	dsr_snapshot_free(s);
	expect(dsr_publish(other), 2);
	expect(dsr_producer_release(other), 0);
	s = take(t.d);
	expect(open_at(s, 5)->out, true);
	expect(open_at(s, 8)->out, false);
	dsr_snapshot_free(s);
	expect(dsr_publish(t.p), 1);
	pair_finish_held(&t);
}

CASE_BOTH(snapshot, claims_that_fail_are_counted)
{
	struct dsr_snapshot *s;
	struct pair t;
	uint32_t n = 3;

	pair_start_held(&t, many);
	put(t.p, CAPACITY - 3);
	for (int i = 0; i < 3; i++)
		cr_assert(dsr_try_claim(t.p) == NULL);
	expect(dsr_claim_n(t.p, 2, DSR_NOW), -EAGAIN);
	expect(dsr_claim_up_to(t.p, &n, DSR_NOW), -EAGAIN);
	s = take(t.d);
	expect(s->producers->failures, 5);
	dsr_snapshot_free(s);
	expect(dsr_claim_n(t.p, 1, 1000 * 1000), -ETIMEDOUT);
	s = take(t.d);
	expect(s->producers->failures, 6);
	cr_assert(s->producers->waited.waits >= 1);
	expect_ring(s, 1 + CAPACITY, 1 + CAPACITY, 1, 0);
	dsr_snapshot_free(s);
	pair_finish_held(&t);
}

/* Until the only producer sleeps in a claim. */
static void await_nap(struct dsr_disruptor *d)
{
	bool naps = false;

	while (!naps) {
		struct dsr_snapshot *s = take(d);

		naps = s->producers->waited.naps >= 1;
		dsr_snapshot_free(s);
		sched_yield();
	}
}

/* A producer that is blocked: its claim is taken, of many, and how it waits can be seen. */
CASE_BOTH(snapshot, claim_that_waits)
{
	struct dsr_snapshot *s;
	struct caller c;
	struct pair t;

	pair_start_held(&t, many);
	put(t.p, CAPACITY - 3);
	expect(dsr_producer_release(t.p), 0);
	caller_begin(&c, t.d, 1, 1);
	await_nap(t.d);
	s = take(t.d);
	expect_ring(s, 1 + CAPACITY + many, 1 + CAPACITY, 1, 0);
	expect_hole(s, many ? 2 + CAPACITY : -1);
	expect(s->producer_count, 1);
	expect(s->producers->out, true);
	cr_assert(s->producers->waited.waits >= 1);
	expect(s->producers->waited.parks, 0);
	dsr_snapshot_free(s);
	let_go(&t.front);
	let_go(&t.rear);
	caller_join(&c);
	expect(c.error, 0);
	finish(t.d);
}

CASE_BOTH(snapshot, slowest_is_named)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	static const char *const names[] = {"x", "y", "z"};
	struct stage stages[3];
	struct dsr_disruptor *d;
	struct dsr_snapshot *s;

	for (int i = 0; i < 3; i++) {
		stage_init(&stages[i], i, 0);
		stage_hold(&stages[i], i == 1 ? 2 : 3, i == 1 ? 6 : 4);
		add_stage(b, &stages[i], names[i], NULL);
	}
	d = start(b);
	put(producer_of(d), 6);
	for (int i = 0; i < 3; i++)
		wait_held(&stages[i]);
	s = take(d);
	expect_text(s->slowest, "y");
	expect(s->done, 1);
	for (int i = 0; i < 3; i++)
		expect(of(s, names[i])->gates, true);
	dsr_snapshot_free(s);
	for (int i = 0; i < 2; i++) {
		let_go(&stages[1]);
		wait_held(&stages[1]);
	}
	/* In event 4, before the others now. */
	s = take(d);
	cr_assert(strcmp(s->slowest, "x") == 0 || strcmp(s->slowest, "z") == 0, "%s", s->slowest);
	expect(s->done, 2);
	expect(of(s, "y")->sequence, 3);
	dsr_snapshot_free(s);
	let_go(&stages[0]);
	let_go(&stages[2]);
	let_go(&stages[1]);
	let_go(&stages[1]);
	finish(d);
}

static void expect_gates(struct dsr_disruptor *d, const char *gates)
{
	struct dsr_snapshot *s = take(d);
	char got[16] = "";

	for (uint32_t i = 0; i < s->consumer_count; i++)
		got[i] = s->consumers[i].gates ? 'g' : '-';
	expect_text(got, gates);
	dsr_snapshot_free(s);
}

/* Only those that nobody follows hold the producers; who comes and goes changes that. */
CASE_BOTH(snapshot, gates_are_the_last_ones)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct dsr_handler handler;
	struct stage s[5];
	struct dsr_disruptor *d;

	for (int i = 0; i < 5; i++)
		stage_init(&s[i], i, 0);
	add_stage(b, &s[0], "top", NULL);
	add_stage(b, &s[1], "left", DSR_AFTER("top"));
	add_stage(b, &s[2], "right", DSR_AFTER("top"));
	add_stage(b, &s[3], "bottom", DSR_AFTER("left", "right"));
	d = start(b);
	expect_gates(d, "---g");
	handler = stage_handler(&s[4], "guest", DSR_AFTER("left"));
	expect(dsr_attach_handler(d, &handler, DSR_FROM_NOW), 0);
	expect_gates(d, "---gg");
	expect(dsr_detach(d, "bottom", DSR_FOREVER), 0);
	expect_gates(d, "--gg");
	expect(dsr_detach(d, "guest", DSR_FOREVER), 0);
	expect_gates(d, "-gg");
	expect(dsr_detach(d, "left", DSR_FOREVER), 0);
	expect_gates(d, "-g");
	expect(dsr_detach(d, "right", DSR_FOREVER), 0);
	expect_gates(d, "g");
	expect(dsr_detach(d, "top", DSR_FOREVER), 0);
	expect_gates(d, "");
	finish(d);
}

CASE_BOTH(snapshot, ring_without_consumers)
{
	struct dsr_snapshot *s;
	struct pair t;

	pair_init(&t);
	pair_start(&t, many);
	expect(dsr_detach(t.d, "front", DSR_FOREVER), 0);
	expect(dsr_detach(t.d, "rear", DSR_FOREVER), 0);
	put_mixed(t.p, CAPACITY, EVENTS);
	s = take(t.d);
	expect(s->consumer_count, 0);
	expect(s->claimed, EVENTS - 1);
	expect(s->published, EVENTS - 1);
	expect_text(s->slowest, "");
	expect_hole(s, -1);
	dsr_snapshot_free(s);
	finish(t.d);
}

/* One that has ended is still told of, and is in nobody's way. */
CASE_BOTH(snapshot, consumer_that_has_ended)
{
	struct dsr_snapshot *s;
	struct pair t;

	pair_init(&t);
	t.rear.seen.answer = DSR_STOP;
	stage_hold(&t.front, 3, 4);
	pair_start(&t, many);
	put(t.p, 4);
	wait_for(&t.rear.stopped);
	wait_held(&t.front);
	s = take(t.d);
	expect(s->consumer_count, 2);
	expect(of(s, "rear")->state, DSR_STATE_ENDED);
	expect(of(s, "rear")->gates, false);
	expect(of(s, "rear")->batches, 1);
	expect(of(s, "rear")->errors, 0);
	expect(of(s, "front")->gates, true);
	expect_text(s->slowest, "front");
	expect_ring(s, 3, 3, 2, CAPACITY - 1);
	dsr_snapshot_free(s);
	let_go(&t.front);
	finish(t.d);
}

CASE_BOTH(snapshot, consumers_that_wait)
{
	static const enum dsr_wait waits[] = {DSR_WAIT_YIELD, DSR_WAIT_SLEEP, DSR_WAIT_PARK};

	for (int i = 0; i < 3; i++) {
		bool parks = waits[i] == DSR_WAIT_PARK;
		struct dsr_snapshot *s;
		struct pair t;

		pair_init(&t);
		t.front.handler.wait = t.rear.handler.wait = waits[i];
		pair_start(&t, many);
		put(t.p, 3);
		wait_saw(&t.rear, 3);
		await_state(t.d, "front", parks ? DSR_STATE_PARKED : DSR_STATE_WAITING);
		await_state(t.d, "rear", parks ? DSR_STATE_PARKED : DSR_STATE_WAITING);
		s = take(t.d);
		expect_ring(s, 2, 2, 2, CAPACITY);
		for (uint32_t j = 0; j < 2; j++) {
			expect(s->consumers[j].sequence, 2);
			expect(s->consumers[j].lag, 0);
			cr_assert(s->consumers[j].waited.waits >= 1);
			cr_assert(!parks || s->consumers[j].waited.parks >= 1);
			cr_assert(parks || s->consumers[j].waited.parks == 0);
		}
		dsr_snapshot_free(s);
		finish(t.d);
	}
}

/* Each is told of in the order in which it came, workers one by one. */
CASE_BOTH(snapshot, kinds_and_groups)
{
	static const char *const names[] = {"front", "work-0", "second", "look", "rear"};
	static const char *const groups[] = {"", "work", "work", "", ""};
	static const enum dsr_consumer_kind kinds[] = {DSR_KIND_HANDLER, DSR_KIND_WORKER,
						       DSR_KIND_WORKER, DSR_KIND_POLLER,
						       DSR_KIND_HANDLER};
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct dsr_handler handlers[2];
	struct stage stages[4];
	struct dsr_disruptor *d;
	struct dsr_snapshot *s;

	for (int i = 0; i < 4; i++)
		stage_init(&stages[i], i, 0);
	handlers[0] = stage_handler(&stages[1], NULL, NULL);
	handlers[1] = stage_handler(&stages[2], "second", NULL);
	add_stage(b, &stages[0], "front", NULL);
	expect(add_group(b, "work", handlers, 2, DSR_AFTER("front")), 0);
	expect(add_poller(b, "look", DSR_AFTER("work")), 0);
	add_stage(b, &stages[3], "rear", DSR_AFTER("look"));
	d = start(b);
	s = take(d);
	expect(s->consumer_count, 5);
	for (int i = 0; i < 5; i++) {
		expect_text(s->consumers[i].name, names[i]);
		expect_text(s->consumers[i].group, groups[i]);
		expect(s->consumers[i].kind, kinds[i]);
		expect(s->consumers[i].gates, i == 4);
	}
	dsr_snapshot_free(s);
	finish(d);
}

/* Two workers, each in an event of its own: the one in event 0 is the slowest. */
CASE_BOTH(snapshot, workers_that_are_held)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct dsr_handler handlers[2];
	struct stage stages[2];
	struct dsr_disruptor *d;
	struct dsr_snapshot *s;
	const struct dsr_consumer_snapshot *one, *two;

	for (int i = 0; i < 2; i++) {
		stage_init(&stages[i], 0, 0);
		stage_hold(&stages[i], 0, 2);
		handlers[i] = stage_handler(&stages[i], NULL, NULL);
	}
	expect(add_group(b, "work", handlers, 2, NULL), 0);
	d = start(b);
	put(producer_of(d), 4);
	wait_held(&stages[0]);
	wait_held(&stages[1]);
	s = take(d);
	one = of(s, "work-0");
	two = of(s, "work-1");
	expect_ring(s, 3, 3, -1, CAPACITY - 4);
	expect(one->sequence + two->sequence, -1);
	cr_assert(one->sequence == -1 || two->sequence == -1);
	expect(one->lag, 3 - one->sequence);
	expect(two->lag, 3 - two->sequence);
	expect(one->state, DSR_STATE_RUNNING);
	expect(two->state, DSR_STATE_RUNNING);
	cr_assert(one->gates && two->gates);
	expect_text(s->slowest, one->sequence < 0 ? "work-0" : "work-1");
	dsr_snapshot_free(s);
	let_go(&stages[0]);
	let_go(&stages[1]);
	finish(d);
	expect(stages[0].seen.count + stages[1].seen.count, 4);
}

CASE_BOTH(snapshot, poller_and_its_batch)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct dsr_poller *poller;
	struct dsr_disruptor *d;
	struct dsr_snapshot *s;
	struct dsr_batch *batch;

	expect(add_poller(b, "look", NULL), 0);
	d = start(b);
	poller = dsr_poller_find(d, "look");
	cr_assert(poller != NULL);
	put(producer_of(d), 5);
	expect(dsr_poll(poller, 3, &batch), DSR_POLL_EVENTS);
	for (int i = 0; i < 3; i++)
		cr_assert(dsr_batch_next(batch) != NULL);
	s = take(d);
	expect_ring(s, 4, 4, -1, CAPACITY - 5);
	expect(s->consumers[0].state, DSR_STATE_RUNNING);
	expect(s->consumers[0].sequence, -1);
	expect(s->consumers[0].lag, 5);
	expect(s->consumers[0].batches, 1);
	expect(s->consumers[0].gates, true);
	expect_text(s->slowest, "look");
	dsr_snapshot_free(s);
	dsr_batch_release(batch);
	s = take(d);
	expect_ring(s, 4, 4, 2, CAPACITY - 2);
	expect(s->consumers[0].lag, 2);
	dsr_snapshot_free(s);
	expect(dsr_poll(poller, 3, &batch), DSR_POLL_EVENTS);
	while (dsr_batch_next(batch))
		;
	expect(dsr_poll(poller, 3, &batch), DSR_POLL_IDLE);
	s = take(d);
	expect_ring(s, 4, 4, 4, CAPACITY);
	expect(s->consumers[0].state, DSR_STATE_WAITING);
	expect(s->consumers[0].batches, 2);
	dsr_snapshot_free(s);
	finish(d);
}

/* Counters. */

CASE_BOTH(snapshot, batches_are_counted)
{
	struct pair t;
	uint64_t front, rear;

	pair_start_held(&t, many);
	front = batches_of(t.d, "front");
	rear = batches_of(t.d, "rear");
	/* Of one event each, the one it is in included or not, and no others. */
	cr_assert(front == 4 || front == 5, "%" PRIu64, front);
	expect(front - rear, 2);
	expect(batches_of(t.d, "front"), front);
	let_go(&t.front);
	let_go(&t.rear);
	put(t.p, 3);
	expect(dsr_shutdown(t.d, DSR_FOREVER), 0);
	expect(batches_of(t.d, "front"), 8);
	expect(batches_of(t.d, "rear"), 8);
	expect(dsr_destroy(t.d), 0);
}

/* 0; 1 to 3; 4 and 5, and what is aborted in no batch. */
CASE_BOTH(snapshot, batches_of_several_are_counted)
{
	struct pair t;

	pair_init(&t);
	t.front.handler.max_batch = 3;
	t.front.hold_to = 1;
	pair_start(&t, many);
	put(t.p, 1);
	wait_held(&t.front);
	put(t.p, 5);
	claim(t.p, 2);
	expect(dsr_abort(t.p), 2);
	let_go(&t.front);
	expect(dsr_shutdown(t.d, DSR_FOREVER), 0);
	expect(batches_of(t.d, "front"), 3);
	expect(dsr_destroy(t.d), 0);
}

/* At an event that is held, it has answered so many times with something else. */
struct moody {
	struct stage stage;
	int answer, times;
	int64_t at;
};

static int moody_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct moody *m = state;

	if (sequence == m->at && m->times) {
		m->times--;
		/* A mistake's event is passed by; the next one is the next mistake. */
		m->at += m->answer < 0;
		return m->answer;
	}
	return stage_event(event, sequence, end_of_batch, state);
}

static struct dsr_disruptor *start_moody(struct moody *m, bool many, int answer, int times)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct dsr_disruptor *d;

	memset(m, 0, sizeof(*m));
	stage_init(&m->stage, 0, 0);
	stage_hold(&m->stage, 5, 6);
	m->stage.handler.on_event = moody_event;
	m->stage.handler.state = m;
	m->stage.handler.on_error = dsr_error_skip;
	m->answer = answer;
	m->times = times;
	m->at = 1;
	add_stage(b, &m->stage, "moody", NULL);
	d = start(b);
	put(producer_of(d), 6);
	wait_held(&m->stage);
	return d;
}

CASE_BOTH(snapshot, retries_are_counted)
{
	struct dsr_disruptor *d;
	struct dsr_snapshot *s;
	struct moody m;

	d = start_moody(&m, many, DSR_RETRY, 3);
	s = take(d);
	expect(s->consumers[0].retries, 3);
	expect(s->consumers[0].errors, 0);
	dsr_snapshot_free(s);
	let_go(&m.stage);
	finish(d);
	expect_stage(&m.stage, 6, 0);
}

CASE_BOTH(snapshot, errors_are_counted)
{
	struct dsr_disruptor *d;
	struct dsr_snapshot *s;
	struct moody m;

	d = start_moody(&m, many, -EIO, 2);
	s = take(d);
	expect(s->consumers[0].errors, 2);
	expect(s->consumers[0].retries, 0);
	dsr_snapshot_free(s);
	let_go(&m.stage);
	finish(d);
	/* All but 1 and 2. */
	expect(m.stage.seen.count, 4);
}

/* The end. */

CASE_BOTH(snapshot, ring_that_is_closed)
{
	struct dsr_snapshot *s;
	struct pair t;

	pair_start_held(&t, many);
	claim(t.p, 2);
	expect(dsr_close(t.d), 0);
	s = take(t.d);
	expect(s->closed, true);
	expect_ring(s, 6, 4, 1, 0);
	expect_hole(s, 5);
	dsr_snapshot_free(s);
	expect(dsr_publish(t.p), 2);
	s = take(t.d);
	expect_ring(s, 6, 6, 1, 0);
	expect_hole(s, -1);
	dsr_snapshot_free(s);
	let_go(&t.front);
	let_go(&t.rear);
	expect(dsr_shutdown(t.d, DSR_FOREVER), 0);
	s = take(t.d);
	expect(s->closed, true);
	expect(s->claimed, 6);
	expect(s->published, 6);
	expect(s->remaining, 0);
	expect(s->consumer_count, 2);
	expect(s->consumers[0].state, DSR_STATE_ENDED);
	expect(s->consumers[1].state, DSR_STATE_ENDED);
	dsr_snapshot_free(s);
	expect(dsr_destroy(t.d), 0);
}

/* From within, in event 4, where its own numbers are exact. */
struct observer {
	struct stage stage;
	struct dsr_disruptor *d;
	struct dsr_snapshot *s;
	int answer;
};

static int observe(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct observer *o = state;
	int result = stage_event(event, sequence, end_of_batch, state);

	if (sequence == 4)
		o->answer = dsr_snapshot_take(o->d, &o->s);
	return result;
}

CASE_BOTH(snapshot, is_taken_by_a_handler)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct observer o = {.answer = -1};

	stage_init(&o.stage, 0, 0);
	stage_hold(&o.stage, 4, 5);
	o.stage.handler.on_event = observe;
	o.stage.handler.state = &o;
	add_stage(b, &o.stage, "observer", NULL);
	o.d = start(b);
	put(producer_of(o.d), 6);
	wait_held(&o.stage);
	let_go(&o.stage);
	/* It has looked when it sees the next one. */
	wait_saw(&o.stage, 6);
	expect(dsr_shutdown(o.d, DSR_FOREVER), 0);
	expect(o.answer, 0);
	expect_ring(o.s, 5, 5, 3, CAPACITY - 2);
	expect(o.s->consumers[0].state, DSR_STATE_RUNNING);
	expect(o.s->consumers[0].sequence, 3);
	expect(o.s->consumers[0].lag, 2);
	expect(dsr_destroy(o.d), 0);
	/* It is the caller's, and outlives what it was taken of. */
	expect_text(o.s->consumers[0].name, "observer");
	dsr_snapshot_free(o.s);
}

CASE_BOTH(snapshot, each_is_its_own)
{
	struct dsr_snapshot *before, *after;
	struct dsr_handler handler;
	struct stage guest;
	struct pair t;

	pair_start_held(&t, many);
	stage_init(&guest, 2, 0);
	before = take(t.d);
	handler = stage_handler(&guest, "guest", NULL);
	expect(dsr_attach_handler(t.d, &handler, 5), 5);
	claim(t.p, 2);
	after = take(t.d);
	expect_ring(before, 4, 4, 1, CAPACITY - 3);
	expect_ring(after, 6, 4, 1, CAPACITY - 5);
	expect(before->consumer_count, 2);
	expect(after->consumer_count, 3);
	expect(of(after, "guest")->sequence, 4);
	expect(of(after, "guest")->lag, 0);
	expect(of(after, "guest")->gates, true);
	dsr_snapshot_free(before);
	expect_text(after->consumers[2].name, "guest");
	dsr_snapshot_free(after);
	expect(dsr_publish(t.p), 2);
	expect(dsr_detach(t.d, "guest", DSR_FOREVER), 0);
	after = take(t.d);
	expect(after->consumer_count, 2);
	dsr_snapshot_free(after);
	pair_finish_held(&t);
}

CASE(snapshot, null_is_not_a_value)
{
	struct dsr_snapshot *s = (void *)&s;
	char text[8];
	struct pair t;

	pair_init(&t);
	pair_start(&t, false);
	expect(dsr_snapshot_take(NULL, &s), -EINVAL);
	cr_assert(s == NULL);
	expect(dsr_snapshot_take(t.d, NULL), -EINVAL);
	expect(dsr_snapshot_take(NULL, NULL), -EINVAL);
	dsr_snapshot_free(NULL);
	expect(dsr_snapshot_text(NULL, text, sizeof(text)), -EINVAL);
	expect(dsr_snapshot_text(NULL, NULL, 0), -EINVAL);
	s = take(t.d);
	expect(dsr_snapshot_text(s, NULL, 8), -EINVAL);
	dsr_snapshot_free(s);
	finish(t.d);
}

/* The whole text if there is room, and as much of it as there is if not, like snprintf()'s. */
static void expect_cut_off(const struct dsr_snapshot *s, const char *text, int length)
{
	char cut[8192];

	expect(dsr_snapshot_text(s, NULL, 0), length);
	for (int size = 0; size <= length + 1; size++) {
		memset(cut, '#', sizeof(cut));
		expect(dsr_snapshot_text(s, cut, (size_t)size), length);
		expect(cut[size], '#');
		if (size) {
			expect(strlen(cut), size - 1);
			expect(strncmp(cut, text, (size_t)size - 1), 0);
		}
	}
}

CASE_BOTH(snapshot, text_is_for_people)
{
	static const char *const words[] = {"front", "rear", "work", "work-0", "work-1", "look"};
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct dsr_handler handlers[2];
	struct stage stages[4];
	struct dsr_disruptor *d;
	struct dsr_snapshot *s;
	int length, lines = 0;
	char text[8190];

	for (int i = 0; i < 4; i++)
		stage_init(&stages[i], i, 0);
	handlers[0] = stage_handler(&stages[1], NULL, NULL);
	handlers[1] = stage_handler(&stages[2], NULL, NULL);
	add_stage(b, &stages[0], "front", NULL);
	expect(add_group(b, "work", handlers, 2, NULL), 0);
	expect(add_poller(b, "look", NULL), 0);
	add_stage(b, &stages[3], "rear", NULL);
	d = start(b);
	claim(producer_of(d), 2);
	s = take(d);
	length = dsr_snapshot_text(s, text, sizeof(text));
	cr_assert(length > 0 && length < (int)sizeof(text), "%d", length);
	expect(strlen(text), length);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		cr_assert(strstr(text, words[i]) != NULL, "no %s in:\n%s", words[i], text);
	for (int i = 0; i < length; i++)
		lines += text[i] == '\n';
	/* A line for each consumer and producer. */
	cr_assert(lines >= 6, "%d lines:\n%s", lines, text);
	expect_cut_off(s, text, length);
	dsr_snapshot_free(s);
	expect(dsr_halt(d), 0);
	finish(d);
}

/* While producers run and others come and go: it neither stops nor goes backwards. */
struct coming {
	struct dsr_disruptor *d;
	sem_t stop;
	int bad;
	pthread_t thread;
};

static void *come_and_go(void *argument)
{
	struct coming *c = argument;
	struct stage guest;

	while (sem_trywait(&c->stop) < 0) {
		struct dsr_handler handler;

		stage_init(&guest, 2, 0);
		handler = stage_handler(&guest, "guest", DSR_AFTER("front"));
		c->bad += dsr_attach_handler(c->d, &handler, DSR_FROM_NOW) < 0;
		wait_saw(&guest, 1);
		c->bad += dsr_detach(c->d, "guest", DSR_FOREVER) != 0;
	}
	return NULL;
}

static void expect_further(const struct dsr_snapshot *before, const struct dsr_snapshot *after)
{
	cr_assert(after->claimed >= before->claimed);
	cr_assert(after->published >= before->published);
	cr_assert(after->remaining >= 0 && after->remaining <= CAPACITY);
	cr_assert(of(after, "front")->sequence >= of(before, "front")->sequence);
	cr_assert(of(after, "rear")->sequence >= of(before, "rear")->sequence);
	cr_assert(of(after, "front")->batches >= of(before, "front")->batches);
	cr_assert(after->consumer_count == 2 || after->consumer_count == 3);
}

CASE_BOTH(snapshot, is_taken_while_all_run)
{
	struct dsr_snapshot *before, *after;
	struct coming coming = {.bad = 0};
	struct writer writer;
	struct pair t;

	pair_init(&t);
	pair_start(&t, many);
	expect(dsr_producer_release(t.p), 0);
	writer_begin(&writer, t.d, 3);
	coming.d = t.d;
	sem_init(&coming.stop, 0, 0);
	expect(pthread_create(&coming.thread, NULL, come_and_go, &coming), 0);
	before = take(t.d);
	for (int i = 0; i < 300; i++) {
		after = take(t.d);
		expect_further(before, after);
		dsr_snapshot_free(before);
		before = after;
	}
	dsr_snapshot_free(before);
	sem_post(&coming.stop);
	expect(pthread_join(coming.thread, NULL), 0);
	expect(coming.bad, 0);
	sem_post(&writer.stop);
	caller_join(&writer.caller);
	finish(t.d);
	expect_stage(&t.rear, writer.caller.claimed, 0);
}
