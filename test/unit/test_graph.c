/* SPDX-License-Identifier: MIT */
/* Who follows whom: graphs of every shape, what flows through them, and how they end. */
#include "graph.h"

TestSuite(graph, .timeout = 60);

enum { CAPACITY = 8, EVENTS = 200 };

/* a, b behind it, c behind both; each looks for the marks of those before. */
struct chain {
	struct stage a, b, c;
};

static void chain_init(struct chain *g)
{
	stage_init(&g->a, 0, 0);
	stage_init(&g->b, 1, LOOK(0));
	stage_init(&g->c, 2, LOOK(0) | LOOK(1));
}

static struct dsr_disruptor *chain_start_at(struct chain *g, bool many, uint64_t capacity,
					    int64_t first)
{
	struct dsr_builder *b = build_sheets(many, capacity);

	dsr_first_sequence(b, first);
	add_stage(b, &g->a, "a", NULL);
	add_stage(b, &g->b, "b", DSR_AFTER("a"));
	add_stage(b, &g->c, "c", DSR_AFTER("b"));
	return start(b);
}

static struct dsr_disruptor *chain_start(struct chain *g, bool many)
{
	return chain_start_at(g, many, CAPACITY, 0);
}

static void expect_chain(const struct chain *g, uint64_t count, int reason)
{
	expect_stage(&g->a, count, reason);
	expect_stage(&g->b, count, reason);
	expect_stage(&g->c, count, reason);
}

static void run_events(struct dsr_builder *b)
{
	struct dsr_disruptor *d = start(b);

	put_mixed(producer_of(d), CAPACITY, EVENTS);
	finish(d);
}

CASE_BOTH(graph, parallel_handlers_each_see_all)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage s[4];

	for (int i = 0; i < 4; i++) {
		stage_init(&s[i], i, 0);
		s[i].handler.max_batch = (uint32_t)i;
		add_stage(b, &s[i], NULL, NULL);
	}
	run_events(b);
	for (int i = 0; i < 4; i++)
		expect_stage(&s[i], EVENTS, 0);
}

CASE_BOTH(graph, then_follows_all_of_the_stage_before)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage s[6];

	for (int i = 0; i < 6; i++)
		stage_init(&s[i], i, i < 2 ? 0 : LOOK(0) | LOOK(1));
	s[3].looks |= LOOK(2);
	s[4].looks |= LOOK(2);
	s[5].looks |= LOOK(2) | LOOK(3) | LOOK(4);
	add_stage(b, &s[0], NULL, NULL);
	add_stage(b, &s[1], NULL, NULL);
	expect(dsr_then(b), 0);
	add_stage(b, &s[2], NULL, NULL);
	expect(dsr_then(b), 0);
	add_stage(b, &s[3], NULL, NULL);
	add_stage(b, &s[4], NULL, NULL);
	expect(dsr_then(b), 0);
	add_stage(b, &s[5], NULL, NULL);
	run_events(b);
	for (int i = 0; i < 6; i++)
		expect_stage(&s[i], EVENTS, 0);
}

/* One of the second stage names the first, one names nobody; the third follows both. */
CASE_BOTH(graph, then_follows_those_too_that_name_their_own)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage first, named, loose, last;
	struct dsr_disruptor *d;

	stage_init(&first, 0, 0);
	stage_init(&named, 1, LOOK(0));
	stage_init(&loose, 2, 0);
	stage_init(&last, 3, LOOK(0) | LOOK(1) | LOOK(2));
	stage_hold(&first, 0, 1);
	add_stage(b, &first, "first", NULL);
	expect(dsr_then(b), 0);
	add_stage(b, &named, "named", DSR_AFTER("first"));
	add_stage(b, &loose, "loose", nobody);
	expect(dsr_then(b), 0);
	add_stage(b, &last, "last", NULL);
	d = start(b);
	put_held(producer_of(d), &first.seen);
	wait_saw(&loose, 1);
	cr_assert(!has_seen_more(&named));
	cr_assert(!has_seen_more(&last));
	let_go(&first);
	wait_saw(&last, 1);
	finish(d);
	expect_stage(&named, 1, 0);
	expect_stage(&last, 1, 0);
}

CASE_BOTH(graph, after_follows_those_it_names)
{
	struct chain g;
	struct dsr_disruptor *d;

	chain_init(&g);
	d = chain_start(&g, many);
	put_mixed(producer_of(d), CAPACITY, EVENTS);
	finish(d);
	expect_chain(&g, EVENTS, 0);
}

CASE_BOTH(graph, after_names_those_that_come_later)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct chain g;

	chain_init(&g);
	add_stage(b, &g.c, "c", DSR_AFTER("b", "a"));
	add_stage(b, &g.b, "b", DSR_AFTER("a"));
	add_stage(b, &g.a, "a", NULL);
	run_events(b);
	expect_chain(&g, EVENTS, 0);
}

/* Forward from the first stage into the second. */
CASE_BOTH(graph, after_names_one_of_a_later_stage)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage early, late;

	stage_init(&early, 0, LOOK(1));
	stage_init(&late, 1, 0);
	add_stage(b, &early, "early", DSR_AFTER("late"));
	expect(dsr_then(b), 0);
	add_stage(b, &late, "late", nobody);
	run_events(b);
	expect_stage(&early, EVENTS, 0);
	expect_stage(&late, EVENTS, 0);
}

CASE(graph, names_are_copied)
{
	struct dsr_builder *b = build_sheets(false, CAPACITY);
	char first[] = "first", after[] = "first";
	const char *names[] = {after, NULL};
	struct stage one, two;

	stage_init(&one, 0, 0);
	stage_init(&two, 1, LOOK(0));
	add_stage(b, &two, "two", names);
	memset(after, 'x', sizeof(after) - 1);
	names[0] = "two";
	add_stage(b, &one, first, NULL);
	memset(first, 'x', sizeof(first) - 1);
	run_events(b);
	expect_stage(&one, EVENTS, 0);
	expect_stage(&two, EVENTS, 0);
}

/* A journaler beside a chain of two, and one who sees what all of them changed. */
CASE_BOTH(graph, branch_and_join)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage journal, decode, apply, answer;

	stage_init(&journal, 0, 0);
	stage_init(&decode, 1, 0);
	stage_init(&apply, 2, LOOK(1));
	stage_init(&answer, 3, LOOK(0) | LOOK(1) | LOOK(2));
	add_stage(b, &journal, "journal", NULL);
	add_stage(b, &decode, "decode", NULL);
	add_stage(b, &apply, "apply", DSR_AFTER("decode"));
	add_stage(b, &answer, "answer", DSR_AFTER("journal", "apply"));
	run_events(b);
	expect_stage(&journal, EVENTS, 0);
	expect_stage(&decode, EVENTS, 0);
	expect_stage(&apply, EVENTS, 0);
	expect_stage(&answer, EVENTS, 0);
}

/* The branches do not wait for each other, and the join for both. */
CASE_BOTH(graph, branches_go_each_at_its_pace)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage journal, decode, apply, answer;
	struct dsr_disruptor *d;

	stage_init(&journal, 0, 0);
	stage_init(&decode, 1, 0);
	stage_init(&apply, 2, LOOK(1));
	stage_init(&answer, 3, LOOK(0) | LOOK(1) | LOOK(2));
	stage_hold(&journal, 2, 3);
	add_stage(b, &journal, "journal", NULL);
	add_stage(b, &decode, "decode", NULL);
	add_stage(b, &apply, "apply", DSR_AFTER("decode"));
	add_stage(b, &answer, "answer", DSR_AFTER("journal", "apply"));
	d = start(b);
	put(producer_of(d), CAPACITY);
	wait_held(&journal);
	wait_saw(&apply, CAPACITY);
	wait_saw(&answer, 2);
	cr_assert(!has_seen_more(&answer));
	let_go(&journal);
	wait_saw(&answer, CAPACITY - 2);
	finish(d);
	expect_stage(&answer, CAPACITY, 0);
}

CASE_BOTH(graph, diamond)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage s[4];

	for (int i = 0; i < 4; i++)
		stage_init(&s[i], i, 0);
	s[1].looks = s[2].looks = LOOK(0);
	s[3].looks = LOOK(0) | LOOK(1) | LOOK(2);
	add_stage(b, &s[0], "top", NULL);
	add_stage(b, &s[1], "left", DSR_AFTER("top"));
	add_stage(b, &s[2], "right", DSR_AFTER("top"));
	add_stage(b, &s[3], "bottom", DSR_AFTER("left", "right"));
	run_events(b);
	for (int i = 0; i < 4; i++)
		expect_stage(&s[i], EVENTS, 0);
}

/* To name more than is needed, or one twice, changes nothing. */
CASE_BOTH(graph, needless_names_change_nothing)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	stage_hold(&g.b, 0, 1);
	add_stage(b, &g.a, "a", NULL);
	add_stage(b, &g.b, "b", DSR_AFTER("a", "a"));
	add_stage(b, &g.c, "c", DSR_AFTER("a", "b", "a", "b"));
	d = start(b);
	p = producer_of(d);
	put_held(p, &g.b.seen);
	put(p, CAPACITY - 1);
	wait_saw(&g.a, CAPACITY);
	cr_assert(!has_seen_more(&g.c));
	let_go(&g.b);
	put_mixed(p, CAPACITY, EVENTS - CAPACITY);
	finish(d);
	expect_chain(&g, EVENTS, 0);
}

/* Marks so many events, each of which has the mark of the one before. */
static void poll_marked(struct dsr_poller *poller, int id, int64_t from, int n)
{
	struct dsr_batch *batch;
	struct sheet *sheet;

	while (n) {
		if (dsr_poll(poller, 3, &batch) != DSR_POLL_EVENTS)
			sched_yield();
		else
			while ((sheet = dsr_batch_next(batch))) {
				expect(dsr_batch_sequence(batch), from);
				cr_assert(is_marked(sheet, from, id - 1));
				sheet->mark[id] = mark_of(from++, id);
				n--;
			}
	}
	/* And gives the last ones back. */
	expect(dsr_poll(poller, 3, &batch), DSR_POLL_IDLE);
}

/* A group of three and a poller, as stages: each event has one worker's mark. */
CASE_BOTH(graph, groups_and_pollers_have_their_place)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct dsr_handler handlers[3];
	struct stage first, work[3], last;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	stage_init(&first, 0, 0);
	stage_init(&last, 3, LOOK(0) | LOOK(1) | LOOK(2));
	for (int i = 0; i < 3; i++) {
		stage_init(&work[i], 1, LOOK(0));
		handlers[i] = stage_handler(&work[i], NULL, NULL);
	}
	add_stage(b, &first, "first", NULL);
	expect(add_group(b, "work", handlers, 3, DSR_AFTER("first")), 0);
	expect(add_poller(b, "look", DSR_AFTER("work")), 0);
	add_stage(b, &last, "last", DSR_AFTER("look"));
	d = start(b);
	p = producer_of(d);
	for (int i = 0; i < EVENTS; i += CAPACITY) {
		put(p, CAPACITY);
		poll_marked(dsr_poller_find(d, "look"), 2, i, CAPACITY);
	}
	finish(d);
	expect_stage(&first, EVENTS, 0);
	expect_stage(&last, EVENTS, 0);
	expect(work[0].seen.count + work[1].seen.count + work[2].seen.count, EVENTS);
	expect(work[0].wrong + work[1].wrong + work[2].wrong, 0);
}

enum { CROWD = 110, CROWD_EVENTS = 60 };

static void crowd_name(char *name, int i)
{
	snprintf(name, DSR_NAME_MAX + 1, "one-of-%u", (unsigned int)i % 1000);
}

/* A hundred in a row, each of which looks for the mark of the one before. */
static void run_row(bool many, enum dsr_wait wait)
{
	static struct stage s[CROWD];
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	char name[DSR_NAME_MAX + 1], before[DSR_NAME_MAX + 1];
	struct dsr_disruptor *d;

	for (int i = 0; i < CROWD; i++) {
		stage_init(&s[i], i, 0);
		s[i].handler.wait = wait;
		s[i].crowd = i;
		crowd_name(name, i);
		add_stage(b, &s[i], name, i ? DSR_AFTER(before) : NULL);
		memcpy(before, name, sizeof(before));
	}
	d = start(b);
	put_mixed(producer_of(d), CAPACITY, CROWD_EVENTS);
	finish(d);
	for (int i = 0; i < CROWD; i++)
		expect_stage(&s[i], CROWD_EVENTS, 0);
}

CASE_BOTH(graph, a_hundred_in_a_row_that_yield)
{
	run_row(many, DSR_WAIT_YIELD);
}

CASE_BOTH(graph, a_hundred_in_a_row_that_park)
{
	run_row(many, DSR_WAIT_PARK);
}

/* A hundred side by side, and one behind all of them. */
static void run_side_by_side(bool many, enum dsr_wait wait)
{
	static struct stage s[CROWD], last;
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	const char *after[CROWD + 1] = {NULL};
	char names[CROWD][DSR_NAME_MAX + 1];
	struct dsr_disruptor *d;

	for (int i = 0; i < CROWD; i++) {
		stage_init(&s[i], i, 0);
		s[i].handler.wait = wait;
		crowd_name(names[i], i);
		after[i] = names[i];
		add_stage(b, &s[i], names[i], NULL);
	}
	stage_init(&last, CROWD, 0);
	last.handler.wait = wait;
	last.crowd = CROWD;
	add_stage(b, &last, "last", after);
	d = start(b);
	put_mixed(producer_of(d), CAPACITY, CROWD_EVENTS);
	finish(d);
	for (int i = 0; i < CROWD; i++)
		expect_stage(&s[i], CROWD_EVENTS, 0);
	expect_stage(&last, CROWD_EVENTS, 0);
}

CASE_BOTH(graph, a_hundred_side_by_side_that_yield)
{
	run_side_by_side(many, DSR_WAIT_YIELD);
}

CASE_BOTH(graph, a_hundred_side_by_side_that_park)
{
	run_side_by_side(many, DSR_WAIT_PARK);
}

enum { MANY = 300 };

static void add_many(struct dsr_builder *b, struct seen *s, int i, const char *const *after)
{
	struct dsr_handler handler = seen_handler(&s[i]);
	char name[DSR_NAME_MAX + 1];

	crowd_name(name, i);
	handler.name = name;
	handler.after = after;
	handler.wait = DSR_WAIT_PARK;
	expect(dsr_handle_events(b, &handler), 0);
}

/* Side by side; in a row; in stages of ten; and one, all the others behind it, and a last one. */
static void add_shape(struct dsr_builder *b, struct seen *s, int shape)
{
	static const int stages[] = {MANY, 1, 10};

	for (int i = 0; i < MANY; i++) {
		if (shape < 3 ? i && i % stages[shape] == 0 : i == 1 || i == MANY - 1)
			expect(dsr_then(b), 0);
		add_many(b, s, i, NULL);
	}
}

CASE_BOTH(graph, three_hundred_in_four_shapes)
{
	static struct seen s[MANY];

	/* Two for each kind of producer: so many threads take their time. */
	for (int shape = many ? 2 : 0, last = shape + 1; shape <= last; shape++) {
		struct dsr_builder *b = build(many, 64);
		struct dsr_disruptor *d;

		for (int i = 0; i < MANY; i++)
			seen_init(&s[i], 0);
		add_shape(b, s, shape);
		d = start(b);
		put_mixed(producer_of(d), 64, 200);
		finish(d);
		for (int i = 0; i < MANY; i++) {
			expect(s[i].count, 200);
			expect(s[i].gaps, 0);
			expect(s[i].reason, 0);
		}
	}
}

/* What is not a graph. */

static void expect_said(const struct dsr_builder *b, const char *word)
{
	const char *message = dsr_builder_message(b);

	cr_assert(strstr(message, word) != NULL, "no \"%s\" in \"%s\"", word, message);
}

/* The mistake is kept, and whatever comes then answers it. */
static void expect_stuck(struct dsr_builder *b, int error)
{
	struct dsr_handler handler = {.on_event = seen_event, .name = "later"};
	struct dsr_disruptor *d = (void *)b;
	char first[512];

	snprintf(first, sizeof(first), "%s", dsr_builder_message(b));
	cr_assert_str_neq(first, "");
	expect(dsr_then(b), error);
	expect(dsr_handle_events(b, &handler), error);
	expect(add_group(b, "late-g", &handler, 1, NULL), error);
	expect(add_poller(b, "late-p", NULL), error);
	expect(dsr_default_on_error(b, dsr_error_skip, NULL), error);
	expect(dsr_start(b, &d), error);
	cr_assert(d == NULL);
	cr_assert_str_eq(dsr_builder_message(b), first);
	expect(dsr_builder_destroy(b), 0);
}

/* Only the start can tell; no handler of these has run, no thread is left. */
static void expect_no_graph(struct dsr_builder *b, const struct stage *stages, int n, int error)
{
	int before = tasks();
	struct dsr_disruptor *d = (void *)b;

	expect(dsr_start(b, &d), error);
	cr_assert(d == NULL);
	for (int i = 0; i < n; i++) {
		expect(stages[i].seen.starts, 0);
		expect(stages[i].seen.stops, 0);
	}
	await_tasks(before);
}

static void stages_init(struct stage *s, int n)
{
	for (int i = 0; i < n; i++)
		stage_init(&s[i], i, 0);
}

CASE_BOTH(graph, unknown_name)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage s[3];

	stages_init(s, 3);
	add_stage(b, &s[0], "alpha", NULL);
	add_stage(b, &s[1], "seeker", DSR_AFTER("alpha", "ghost"));
	add_stage(b, &s[2], "omega", DSR_AFTER("seeker"));
	expect_no_graph(b, s, 3, -ENOENT);
	expect_said(b, "seeker");
	expect_said(b, "ghost");
	expect_stuck(b, -ENOENT);
}

/* A worker is not a consumer that one could follow, and neither is half a name. */
CASE(graph, names_of_no_consumer)
{
	static const char *const names[] = {"group-0", "worker", "grou", "groups", "", "Group"};
	struct stage s[3];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct dsr_builder *b = build_sheets(false, CAPACITY);
		struct dsr_handler handlers[2];

		stages_init(s, 3);
		handlers[0] = stage_handler(&s[0], NULL, NULL);
		handlers[1] = stage_handler(&s[1], "worker", NULL);
		expect(add_group(b, "group", handlers, 2, NULL), 0);
		add_stage(b, &s[2], "seeker", DSR_AFTER(names[i]));
		expect_no_graph(b, s, 3, -ENOENT);
		expect_said(b, names[i]);
		expect_said(b, "seeker");
		expect_stuck(b, -ENOENT);
	}
}

CASE(graph, poller_and_group_with_an_unknown_name)
{
	struct dsr_builder *b = build_sheets(false, CAPACITY);
	struct dsr_handler handler;
	struct stage s[1];

	stages_init(s, 1);
	expect(add_poller(b, "seeker", DSR_AFTER("ghost")), 0);
	expect_no_graph(b, s, 0, -ENOENT);
	expect_said(b, "seeker");
	expect_stuck(b, -ENOENT);
	b = build_sheets(false, CAPACITY);
	handler = stage_handler(&s[0], NULL, NULL);
	expect(add_group(b, "seeker", &handler, 1, DSR_AFTER("ghost")), 0);
	expect_no_graph(b, s, 1, -ENOENT);
	expect_said(b, "ghost");
	expect_stuck(b, -ENOENT);
}

/* One of the circle's is named, and nobody else. */
static void expect_circle(struct dsr_builder *b, const struct stage *s, int n, const char *one,
			  const char *or_other)
{
	const char *message;

	expect_no_graph(b, s, n, -ELOOP);
	message = dsr_builder_message(b);
	cr_assert(strstr(message, one) || strstr(message, or_other), "neither %s nor %s in \"%s\"",
		  one, or_other, message);
	cr_assert(strstr(message, "alpha") == NULL, "%s", message);
	cr_assert(strstr(message, "omega") == NULL, "%s", message);
	expect_stuck(b, -ELOOP);
}

CASE_BOTH(graph, circle_of_two)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage s[2];

	stages_init(s, 2);
	add_stage(b, &s[0], "hen", DSR_AFTER("egg"));
	add_stage(b, &s[1], "egg", DSR_AFTER("hen"));
	expect_circle(b, s, 2, "hen", "egg");
}

CASE(graph, circle_of_one)
{
	struct dsr_builder *b = build_sheets(false, CAPACITY);
	struct stage s[2];

	stages_init(s, 2);
	add_stage(b, &s[0], "alpha", NULL);
	add_stage(b, &s[1], "snake", DSR_AFTER("alpha", "snake"));
	expect_circle(b, s, 2, "snake", "snake");
}

/* Behind a circle, and before it, are handlers that are none of it. */
CASE_BOTH(graph, circle_with_a_tail)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage s[6];

	stages_init(s, 6);
	add_stage(b, &s[0], "omega-2", DSR_AFTER("omega-1"));
	add_stage(b, &s[1], "omega-1", DSR_AFTER("hen"));
	add_stage(b, &s[2], "alpha-1", NULL);
	add_stage(b, &s[3], "hen", DSR_AFTER("egg", "alpha-1"));
	add_stage(b, &s[4], "egg", DSR_AFTER("hen"));
	add_stage(b, &s[5], "alpha-2", NULL);
	expect_circle(b, s, 6, "hen", "egg");
}

CASE(graph, circle_through_stages)
{
	struct dsr_builder *b = build_sheets(false, CAPACITY);
	struct stage s[3];

	stages_init(s, 3);
	add_stage(b, &s[0], "alpha", NULL);
	add_stage(b, &s[1], "hen", DSR_AFTER("egg"));
	expect(dsr_then(b), 0);
	add_stage(b, &s[2], "egg", NULL);
	expect_circle(b, s, 3, "hen", "egg");
}

CASE(graph, circle_of_a_group_and_a_poller)
{
	struct dsr_builder *b = build_sheets(false, CAPACITY);
	struct dsr_handler handler;
	struct stage s[1];

	stages_init(s, 1);
	handler = stage_handler(&s[0], NULL, NULL);
	expect(add_group(b, "hen", &handler, 1, DSR_AFTER("egg")), 0);
	expect(add_poller(b, "egg", DSR_AFTER("hen")), 0);
	expect_circle(b, s, 1, "hen", "egg");
}

CASE_BOTH(graph, stage_of_nobody)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage s;

	expect(dsr_then(b), -EINVAL);
	expect_stuck(b, -EINVAL);
	b = build_sheets(many, CAPACITY);
	stage_init(&s, 0, 0);
	add_stage(b, &s, "first", NULL);
	expect(dsr_then(b), 0);
	expect(dsr_then(b), -EINVAL);
	expect_stuck(b, -EINVAL);
	expect(s.seen.starts, 0);
	expect(dsr_then(NULL), -ENOMEM);
}

CASE(graph, started_builder_has_no_more_stages)
{
	struct dsr_builder *b = build_sheets(false, CAPACITY);
	struct dsr_disruptor *d;
	struct stage s;

	stage_init(&s, 0, 0);
	add_stage(b, &s, "first", NULL);
	d = start(b);
	expect(dsr_then(b), -EALREADY);
	expect(add_poller(b, "late", NULL), -EALREADY);
	finish(d);
}

enum kind { HANDLER, POLLER, GROUP, WORKER, KINDS };

/* Adds one who has that name. */
static int add_named(struct dsr_builder *b, enum kind kind, const char *name, const char *group)
{
	struct dsr_handler handlers[2] = {{.on_event = seen_event}, {.on_event = seen_event}};

	switch (kind) {
	case HANDLER:
		handlers[0].name = name;
		return dsr_handle_events(b, &handlers[0]);
	case POLLER:
		return add_poller(b, name, NULL);
	case WORKER:
		handlers[1].name = name;
		name = group;
		break;
	default:
		break;
	}
	return add_group(b, name, handlers, 2, NULL);
}

/* No two alike, whatever they are. */
CASE(graph, names_that_are_taken)
{
	for (enum kind first = 0; first < KINDS; first++)
		for (enum kind second = 0; second < KINDS; second++) {
			struct dsr_builder *b = build(false, CAPACITY);

			expect(add_named(b, first, "twin", "one"), 0);
			expect(add_named(b, second, "twin", "two"), -EEXIST);
			expect_said(b, "twin");
			expect_stuck(b, -EEXIST);
		}
}

CASE(graph, names_that_are_taken_within_a_group)
{
	struct dsr_handler handlers[2] = {{.on_event = seen_event, .name = "twin"},
					  {.on_event = seen_event, .name = "twin"}};
	struct dsr_workers workers = {.name = "one", .handlers = handlers, .count = 2};
	struct dsr_builder *b = build(false, CAPACITY);

	expect(dsr_handle_with_workers(b, &workers), -EEXIST);
	expect_said(b, "twin");
	expect_stuck(b, -EEXIST);
	/* A worker with its group's own name. */
	b = build(false, CAPACITY);
	expect(add_named(b, WORKER, "twin", "twin"), -EEXIST);
	expect_said(b, "twin");
	expect_stuck(b, -EEXIST);
	/* Names given by default are names. */
	b = build(false, CAPACITY);
	expect(add_named(b, GROUP, "twin", NULL), 0);
	expect(add_named(b, HANDLER, "twin-1", NULL), -EEXIST);
	expect_said(b, "twin-1");
	expect_stuck(b, -EEXIST);
	b = build(false, CAPACITY);
	expect(add_named(b, POLLER, "twin-0", NULL), 0);
	expect(add_named(b, GROUP, "twin", NULL), -EEXIST);
	expect_said(b, "twin-0");
	expect_stuck(b, -EEXIST);
}

/* What a program of the future hands over: longer structs, with nothing more set or with. */
struct grown {
	union {
		struct dsr_handler handler;
		struct dsr_workers workers;
		struct dsr_poller_options options;
	};
	int64_t more;
};

struct grown_handler {
	struct dsr_handler handler;
	int64_t more;
};

static int add_grown(struct dsr_builder *b, enum kind kind, int64_t more)
{
	struct grown_handler handlers[2] = {{.handler = {.on_event = seen_event}},
					    {.handler = {.on_event = seen_event}}};
	struct grown grown;
	void *tail;

	memset(&grown, 0, sizeof(grown));
	switch (kind) {
	case HANDLER:
		grown.handler = handlers[0].handler;
		grown.more = more;
		return dsr_handle_events_sized(b, &grown.handler, sizeof(grown));
	case POLLER:
		grown.options.name = "poller";
		tail = &grown.options + 1;
		memcpy(tail, &more, sizeof(more));
		return dsr_add_poller_sized(b, &grown.options,
					    sizeof(grown.options) + sizeof(more));
	default:
		grown.workers = (struct dsr_workers){
			.name = "group", .handlers = &handlers[0].handler, .count = 2};
		tail = &grown.workers + 1;
		if (kind == GROUP)
			memcpy(tail, &more, sizeof(more));
		else
			handlers[1].more = more;
		return dsr_handle_with_workers_sized(b, &grown.workers,
						     sizeof(grown.workers) + sizeof(more),
						     sizeof(handlers[0]));
	}
}

CASE(graph, structs_may_have_grown)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		struct dsr_builder *b = build(false, CAPACITY);

		expect(add_grown(b, kind, 0), 0);
		finish(start(b));
		b = build(false, CAPACITY);
		expect(add_grown(b, kind, 1), -E2BIG);
		expect_stuck(b, -E2BIG);
	}
}

/* The handler as it was before it could follow anybody. */
CASE(graph, structs_may_be_of_the_past)
{
	struct dsr_builder *b = build_sheets(false, CAPACITY);
	struct stage s;

	stage_init(&s, 0, 0);
	s.handler.after = DSR_AFTER("ghost");
	expect(dsr_handle_events_sized(b, &s.handler, offsetof(struct dsr_handler, tuning)), 0);
	run_events(b);
	expect_stage(&s, EVENTS, 0);
}

/* How it flows. */

/* While a is held in an event, b has seen all before it, and not that one. */
CASE_BOTH(graph, follower_stays_behind)
{
	enum { HELD = 20 };
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	stage_hold(&g.a, 0, HELD);
	d = chain_start(&g, many);
	p = producer_of(d);
	for (int i = 0; i < HELD; i++) {
		put(p, 1);
		wait_held(&g.a);
		cr_assert(!has_seen_more(&g.b));
		cr_assert(!has_seen_more(&g.c));
		let_go(&g.a);
		wait_saw(&g.c, 1);
		wait_saw(&g.b, 1);
	}
	finish(d);
	expect_chain(&g, HELD, 0);
}

/* The same with a full ring: there is more for b to run on to. */
CASE_BOTH(graph, follower_stays_behind_in_a_full_ring)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	stage_hold(&g.b, 0, CAPACITY);
	d = chain_start(&g, many);
	p = producer_of(d);
	put(p, CAPACITY);
	wait_saw(&g.a, CAPACITY);
	for (int i = 0; i < CAPACITY; i++) {
		wait_held(&g.b);
		cr_assert(!has_seen_more(&g.c));
		let_go(&g.b);
		wait_saw(&g.c, 1);
	}
	finish(d);
	expect_chain(&g, CAPACITY, 0);
}

/* Those before it are far ahead, and do not count. */
CASE_BOTH(graph, last_stage_holds_the_producer)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	g.a.whole = g.b.whole = g.c.whole = true;
	stage_hold(&g.c, 0, 4);
	d = chain_start(&g, many);
	p = producer_of(d);
	expect(put_until_full(p, 0), CAPACITY);
	wait_held(&g.c);
	wait_saw(&g.a, CAPACITY);
	wait_saw(&g.b, CAPACITY);
	expect(put_until_full(p, CAPACITY), 0);
	for (int i = 0; i < 3; i++) {
		let_go(&g.c);
		wait_held(&g.c);
		expect(put_until_full(p, CAPACITY + i), 1);
	}
	let_go(&g.c);
	finish(d);
	expect_chain(&g, CAPACITY + 3, 0);
}

/* A first stage that is held holds the last one, and so the producer: no sooner, no later. */
CASE_BOTH(graph, first_stage_holds_the_producer_through_the_last)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	g.a.whole = g.b.whole = g.c.whole = true;
	stage_hold(&g.a, 0, 1);
	d = chain_start(&g, many);
	p = producer_of(d);
	expect(put_until_full(p, 0), CAPACITY);
	wait_held(&g.a);
	expect(put_until_full(p, CAPACITY), 0);
	let_go(&g.a);
	put_whole(p, CAPACITY);
	finish(d);
	expect_chain(&g, 2 * CAPACITY, 0);
}

CASE_BOTH(graph, slowest_branch_holds_the_producer)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage first, fast, slow;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	stage_init(&first, 0, 0);
	stage_init(&fast, 1, LOOK(0));
	stage_init(&slow, 2, LOOK(0));
	stage_hold(&slow, 1, 2);
	fast.handler.max_batch = 1;
	add_stage(b, &first, "first", NULL);
	expect(dsr_then(b), 0);
	add_stage(b, &fast, "fast", NULL);
	add_stage(b, &slow, "slow", NULL);
	d = start(b);
	p = producer_of(d);
	put(p, 2);
	wait_held(&slow);
	/* It is done with event 0, and no more; the fast one, too, by the time it sees another. */
	wait_saw(&fast, 2);
	expect(put_until_full(p, 2), CAPACITY - 1);
	wait_saw(&fast, CAPACITY - 1);
	expect(put_until_full(p, CAPACITY + 1), 0);
	let_go(&slow);
	put(p, CAPACITY);
	finish(d);
	expect_stage(&first, 2 * CAPACITY + 1, 0);
	expect_stage(&fast, 2 * CAPACITY + 1, 0);
	expect_stage(&slow, 2 * CAPACITY + 1, 0);
}

/* One claim, of which event by event is published, 'p', or aborted, 'a'. */
static void play(struct dsr_producer *p, const char *script)
{
	claim(p, (uint32_t)strlen(script));
	for (; *script; script++)
		expect(*script == 'p' ? dsr_publish_n(p, 1) : dsr_abort_n(p, 1), 1);
}

/* Event 0, then the script's, then one more. */
static void expect_played(const struct stage *s, const char *script)
{
	uint64_t n = 1;

	expect(s->seen.sequence[0], 0);
	for (int i = 0; script[i]; i++)
		if (script[i] == 'p') {
			expect(s->seen.sequence[n], 1 + i);
			expect(s->seen.value[n], 1 + i);
			n++;
		}
	expect(s->seen.sequence[n], 1 + (int64_t)strlen(script));
	expect(s->seen.count, n + 1);
	expect(s->wrong, 0);
	expect(s->seen.reason, 0);
}

/* What is aborted nobody sees, wherever it lies in whose batch. */
static void run_script(bool many, const char *script, int held)
{
	struct stage *stages[3];
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	stages[0] = &g.a;
	stages[1] = &g.b;
	stages[2] = &g.c;
	/* In event 0 only, so that the whole script is one batch for it then. */
	stages[held]->hold_to = 1;
	d = chain_start(&g, many);
	p = producer_of(d);
	put(p, 1);
	wait_held(stages[held]);
	play(p, script);
	let_go(stages[held]);
	put(p, 1);
	finish(d);
	for (int i = 0; i < 3; i++)
		expect_played(stages[i], script);
}

static void run_scripts(bool many, int held)
{
	static const char *const scripts[] = {
		"apppppp", "ppppppa", "aaaaaaa", "paapaap", "pappppa",
		"aapaaaa", "pppaaaa", "apapapa", "a",       "",
	};

	for (size_t i = 0; *scripts[i]; i++)
		run_script(many, scripts[i], held);
}

CASE_BOTH(graph, aborted_events_are_not_seen_by_the_first)
{
	run_scripts(many, 0);
}

CASE_BOTH(graph, aborted_events_are_not_seen_in_the_middle)
{
	run_scripts(many, 1);
}

CASE_BOTH(graph, aborted_events_are_not_seen_by_the_last)
{
	run_scripts(many, 2);
}

/* Laps of nothing else: every stage goes past them, and gives them back. */
CASE_BOTH(graph, laps_of_aborted_events)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	d = chain_start(&g, many);
	p = producer_of(d);
	for (int lap = 0; lap < 20; lap++) {
		claim(p, CAPACITY);
		expect(dsr_abort(p), CAPACITY);
	}
	put(p, 1);
	wait_saw(&g.c, 1);
	claim(p, 1);
	expect(dsr_abort(p), 1);
	finish(d);
	expect_chain(&g, 1, 0);
	expect(g.c.seen.last, 20 * CAPACITY);
}

/* Claims that wait when the end comes are never events, at no stage. */
CASE_BOTH(graph, cancelled_claims_are_not_seen)
{
	struct caller callers[3];
	int count = many ? 3 : 1;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	stage_hold(&g.c, 0, 1);
	d = chain_start(&g, many);
	p = producer_of(d);
	put(p, CAPACITY);
	wait_held(&g.c);
	expect(dsr_producer_release(p), 0);
	for (int i = 0; i < count; i++)
		caller_begin(&callers[i], d, 1 + (uint32_t)i * 3, 1000);
	for (int i = 0; i < count; i++)
		caller_await_waiting(&callers[i]);
	expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
	for (int i = 0; i < count; i++) {
		caller_join(&callers[i]);
		expect(callers[i].error, -ECANCELED);
		expect(callers[i].claimed, 0);
	}
	let_go(&g.c);
	finish(d);
	expect_chain(&g, CAPACITY, 0);
}

/* Where batches ended, as one letter an event: '-' within, 'E' at the end. */
static void expect_ends(const struct stage *s, const char *ends)
{
	char got[SEEN_MAX + 1] = "";

	for (uint64_t i = 0; i < s->seen.count && i < SEEN_MAX; i++)
		got[i] = s->seen.end[i] ? 'E' : '-';
	cr_assert_str_eq(got, ends, "batches end at %s, not at %s", got, ends);
}

/* When the witness, which follows the first one too, has seen an event, all is there for b. */
static void run_batches(bool many, uint32_t max_batch, const char *ends)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage first, follower, witness;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	stage_init(&first, 0, 0);
	stage_init(&follower, 1, LOOK(0));
	stage_init(&witness, 2, LOOK(0));
	follower.hold_to = 1;
	follower.handler.max_batch = max_batch;
	add_stage(b, &first, "first", NULL);
	add_stage(b, &follower, "follower", DSR_AFTER("first"));
	add_stage(b, &witness, "witness", DSR_AFTER("first"));
	d = start(b);
	p = producer_of(d);
	put(p, 1);
	wait_held(&follower);
	put(p, CAPACITY - 1);
	wait_saw(&witness, CAPACITY);
	let_go(&follower);
	finish(d);
	expect_stage(&follower, CAPACITY, 0);
	expect_ends(&follower, ends);
}

CASE_BOTH(graph, followers_have_batches)
{
	run_batches(many, 0, "E------E");
	run_batches(many, 1, "EEEEEEEE");
	run_batches(many, 3, "E--E--EE");
	run_batches(many, 7, "E------E");
}

/* Published is more than it may see yet: its batch ends where those before it are. */
CASE_BOTH(graph, batch_of_a_follower_ends_where_the_first_is)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage first, follower, witness;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	stage_init(&first, 0, 0);
	stage_init(&follower, 1, LOOK(0));
	stage_init(&witness, 2, LOOK(0));
	stage_hold(&first, 4, 5);
	follower.hold_to = 1;
	add_stage(b, &first, "first", NULL);
	add_stage(b, &follower, "follower", DSR_AFTER("first"));
	add_stage(b, &witness, "witness", DSR_AFTER("first"));
	d = start(b);
	p = producer_of(d);
	put(p, 1);
	wait_held(&follower);
	put(p, CAPACITY - 1);
	wait_held(&first);
	wait_saw(&witness, 4);
	let_go(&follower);
	wait_saw(&follower, 4);
	cr_assert(!has_seen_more(&follower));
	/* 0; 1, 2, 3: and it was told that this is the end. */
	cr_assert(follower.seen.end[0] && follower.seen.end[3]);
	cr_assert(!follower.seen.end[1] && !follower.seen.end[2]);
	let_go(&first);
	finish(d);
	expect_stage(&follower, CAPACITY, 0);
}

/* Its most counts events, and what was aborted between them is none. */
CASE_BOTH(graph, batch_of_a_follower_counts_events)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage first, follower, witness;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	stage_init(&first, 0, 0);
	stage_init(&follower, 1, LOOK(0));
	stage_init(&witness, 2, LOOK(0));
	follower.hold_to = 1;
	follower.handler.max_batch = 2;
	add_stage(b, &first, "first", NULL);
	add_stage(b, &follower, "follower", DSR_AFTER("first"));
	add_stage(b, &witness, "witness", DSR_AFTER("first"));
	d = start(b);
	p = producer_of(d);
	put(p, 1);
	wait_held(&follower);
	play(p, "apappap");
	wait_saw(&witness, 5);
	let_go(&follower);
	finish(d);
	/* 0; 2, 4; 5, 7 */
	expect_ends(&follower, "E-E-E");
	expect(follower.seen.last, 7);
}

/* What lies behind aborted events, and is not for it yet, does not make its batch go on. */
CASE_BOTH(graph, batch_of_a_follower_ends_before_aborted_events)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage first, follower;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	stage_init(&first, 0, 0);
	stage_init(&follower, 1, LOOK(0));
	stage_hold(&first, 5, 6);
	follower.hold_to = 1;
	add_stage(b, &first, "first", NULL);
	add_stage(b, &follower, "follower", DSR_AFTER("first"));
	d = start(b);
	p = producer_of(d);
	put(p, 1);
	wait_held(&follower);
	play(p, "pppa");
	await_position(d, "first", 4);
	put(p, 3);
	wait_held(&first);
	let_go(&follower);
	wait_saw(&follower, 4);
	cr_assert(!has_seen_more(&follower));
	expect_ends(&follower, "E--E");
	let_go(&first);
	finish(d);
	expect(follower.seen.count, 7);
	expect(follower.wrong, 0);
}

/* The last one gives slots back in the middle of its batch. */
CASE_BOTH(graph, follower_releases_within_a_batch)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage first, last, witness;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	stage_init(&first, 0, 0);
	stage_init(&last, 1, LOOK(0));
	stage_init(&witness, 2, LOOK(0));
	last.seen.answer = DSR_RELEASE;
	last.seen.answer_at = 3;
	last.hold_to = 5;
	first.whole = last.whole = witness.whole = true;
	witness.handler.max_batch = 1;
	add_stage(b, &first, "first", NULL);
	add_stage(b, &last, "last", DSR_AFTER("first"));
	add_stage(b, &witness, "witness", DSR_AFTER("first"));
	d = start(b);
	p = producer_of(d);
	put_whole(p, 1);
	wait_held(&last);
	put_whole(p, CAPACITY - 1);
	wait_saw(&witness, CAPACITY);
	for (int i = 0; i < 3; i++) {
		let_go(&last);
		wait_held(&last);
	}
	/* In event 3 of the batch 1 to 7: event 0 has come back. */
	expect(put_until_full(p, CAPACITY), 1);
	let_go(&last);
	wait_held(&last);
	/* In event 4, and 3 was released, with those before it. */
	expect(put_until_full(p, CAPACITY + 1), 3);
	let_go(&last);
	finish(d);
	expect_stage(&last, CAPACITY + 4, 0);
	expect_stage(&witness, CAPACITY + 4, 0);
}

/* One in the middle lets its follower on, before its batch is over. */
CASE_BOTH(graph, release_lets_followers_on)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	g.b.seen.answer = DSR_RELEASE;
	g.b.seen.answer_at = 3;
	g.b.hold_to = 5;
	d = chain_start(&g, many);
	p = producer_of(d);
	put(p, 1);
	wait_held(&g.b);
	put(p, CAPACITY - 1);
	wait_saw(&g.a, CAPACITY);
	for (int i = 0; i < 3; i++) {
		let_go(&g.b);
		wait_held(&g.b);
	}
	let_go(&g.b);
	wait_held(&g.b);
	/* b is in event 4. */
	wait_saw(&g.c, 4);
	cr_assert(!has_seen_more(&g.c));
	let_go(&g.b);
	finish(d);
	expect_chain(&g, CAPACITY, 0);
}

/* Small rings, and many laps. */
CASE_BOTH(graph, goes_round_and_round)
{
	for (uint64_t capacity = 1; capacity <= 16; capacity *= 2) {
		struct dsr_disruptor *d;
		struct chain g;

		chain_init(&g);
		g.b.handler.max_batch = 1;
		d = chain_start_at(&g, many, capacity, 3 * (int64_t)capacity - 1);
		put_mixed(producer_of(d), capacity, 5 * EVENTS);
		finish(d);
		expect_chain(&g, 5 * EVENTS, 0);
	}
}

CASE_BOTH(graph, goes_up_to_the_last_sequence)
{
	for (uint64_t capacity = 1; capacity <= 8; capacity *= 2) {
		struct dsr_disruptor *d;
		struct dsr_producer *p;
		struct chain g;

		chain_init(&g);
		d = chain_start_at(&g, many, capacity, DSR_SEQUENCE_MAX - 19);
		p = producer_of(d);
		for (int i = 0; i < 20; i++)
			put(p, 1);
		expect(dsr_claim_n(p, 1, DSR_FOREVER), -EOVERFLOW);
		expect(dsr_claim_n(p, 1, DSR_NOW), -EOVERFLOW);
		wait_saw(&g.c, 20);
		finish(d);
		expect_chain(&g, 20, 0);
		expect(g.c.seen.last, DSR_SEQUENCE_MAX);
	}
}

/* Aborted up to the end, with followers that have to step over it. */
CASE_BOTH(graph, aborts_up_to_the_last_sequence)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	d = chain_start_at(&g, many, CAPACITY, DSR_SEQUENCE_MAX - 7);
	p = producer_of(d);
	play(p, "papppaaa");
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -EOVERFLOW);
	finish(d);
	expect(g.c.seen.count, 4);
	expect(g.c.seen.last, DSR_SEQUENCE_MAX - 3);
	expect(g.c.wrong, 0);
}

/* How it ends. */

static const int endings[] = {DSR_STOP, -EIO};

/* A first one that ends after event 2: those behind it follow the producer. */
CASE_BOTH(graph, first_one_ends)
{
	for (int i = 0; i < 2; i++) {
		struct dsr_disruptor *d;
		struct chain g;

		chain_init(&g);
		g.a.seen.answer = endings[i];
		g.a.seen.answer_at = 2;
		g.b.looks = 0;
		g.c.looks = LOOK(1);
		d = chain_start(&g, many);
		put_mixed(producer_of(d), CAPACITY, EVENTS);
		finish(d);
		expect_stage(&g.a, 3, endings[i]);
		expect_stage(&g.b, EVENTS, 0);
		expect_stage(&g.c, EVENTS, 0);
	}
}

/* One between them ends: the last follows the first, and no further than that one is. */
CASE_BOTH(graph, middle_one_ends)
{
	for (int i = 0; i < 2; i++) {
		struct dsr_disruptor *d;
		struct dsr_producer *p;
		struct chain g;

		chain_init(&g);
		g.b.seen.answer = endings[i];
		g.b.seen.answer_at = 2;
		g.c.looks = LOOK(0);
		stage_hold(&g.a, 10, 11);
		d = chain_start(&g, many);
		p = producer_of(d);
		put(p, 3);
		wait_for(&g.b.stopped);
		put(p, 7);
		wait_saw(&g.c, 10);
		put(p, CAPACITY);
		wait_held(&g.a);
		cr_assert(!has_seen_more(&g.c));
		let_go(&g.a);
		wait_saw(&g.c, CAPACITY);
		put_mixed(p, CAPACITY, EVENTS);
		finish(d);
		expect_stage(&g.a, EVENTS + 10 + CAPACITY, 0);
		expect_stage(&g.b, 3, endings[i]);
		expect_stage(&g.c, EVENTS + 10 + CAPACITY, 0);
	}
}

/* The last one ends: the one before it holds the producer now, to the slot. */
CASE_BOTH(graph, last_one_ends)
{
	for (int i = 0; i < 2; i++) {
		struct dsr_disruptor *d;
		struct dsr_producer *p;
		struct chain g;

		chain_init(&g);
		g.c.seen.answer = endings[i];
		g.a.whole = g.b.whole = g.c.whole = true;
		stage_hold(&g.b, 1, 2);
		d = chain_start(&g, many);
		p = producer_of(d);
		put_whole(p, 2);
		wait_for(&g.c.stopped);
		wait_held(&g.b);
		/* b is in event 1, so that 1 to 8 may be there. */
		put_whole(p, CAPACITY - 1);
		expect(put_until_full(p, CAPACITY + 1), 0);
		let_go(&g.b);
		put_whole(p, EVENTS);
		finish(d);
		expect_stage(&g.a, EVENTS + CAPACITY + 1, 0);
		expect_stage(&g.b, EVENTS + CAPACITY + 1, 0);
		expect_stage(&g.c, 1, endings[i]);
	}
}

/* All before the last one, in any order: in the end it follows the producer alone. */
CASE_BOTH(graph, all_but_the_last_end)
{
	for (int i = 0; i < 2; i++) {
		struct dsr_disruptor *d;
		struct chain g;

		chain_init(&g);
		g.a.seen.answer = g.b.seen.answer = DSR_STOP;
		g.a.seen.answer_at = i ? 5 : 50;
		g.b.seen.answer_at = i ? 50 : 5;
		g.b.looks = g.c.looks = 0;
		d = chain_start(&g, many);
		put_mixed(producer_of(d), CAPACITY, EVENTS);
		finish(d);
		expect_stage(&g.a, i ? 6 : 51, DSR_STOP);
		expect_stage(&g.b, i ? 51 : 6, DSR_STOP);
		expect_stage(&g.c, EVENTS, 0);
	}
}

/* Nobody is left: producers go round and round. */
CASE_BOTH(graph, all_end)
{
	for (int i = 0; i < 2; i++) {
		struct dsr_disruptor *d;
		struct dsr_producer *p;
		struct chain g;

		chain_init(&g);
		g.a.seen.answer = g.b.seen.answer = g.c.seen.answer = endings[i];
		g.a.seen.answer_at = 2;
		g.b.seen.answer_at = 1;
		g.c.looks = 0;
		d = chain_start(&g, many);
		p = producer_of(d);
		put_mixed(p, CAPACITY, EVENTS);
		wait_for(&g.a.stopped);
		wait_for(&g.b.stopped);
		wait_for(&g.c.stopped);
		put_mixed(p, CAPACITY, EVENTS);
		finish(d);
		expect_stage(&g.a, 3, endings[i]);
		expect_stage(&g.b, 2, endings[i]);
		expect_stage(&g.c, 1, endings[i]);
	}
}

/* One branch of a join ends: the join follows what is left, and what that branch followed. */
CASE_BOTH(graph, branch_ends)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct stage top, left, right, bottom;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	stage_init(&top, 0, 0);
	stage_init(&left, 1, LOOK(0));
	stage_init(&right, 2, 0);
	stage_init(&bottom, 3, LOOK(0) | LOOK(2));
	left.seen.answer = DSR_STOP;
	stage_hold(&top, 4, 5);
	add_stage(b, &top, "top", NULL);
	add_stage(b, &left, "left", DSR_AFTER("top"));
	add_stage(b, &right, "right", NULL);
	add_stage(b, &bottom, "bottom", DSR_AFTER("left", "right"));
	d = start(b);
	p = producer_of(d);
	put(p, CAPACITY);
	wait_for(&left.stopped);
	wait_held(&top);
	wait_saw(&right, CAPACITY);
	wait_saw(&bottom, 4);
	cr_assert(!has_seen_more(&bottom));
	let_go(&top);
	put_mixed(p, CAPACITY, EVENTS);
	finish(d);
	expect_stage(&left, 1, DSR_STOP);
	expect_stage(&bottom, EVENTS + CAPACITY, 0);
}

CASE_BOTH(graph, shutdown_drains_every_stage)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	stage_hold(&g.a, 0, 1);
	stage_hold(&g.c, 0, 1);
	d = chain_start(&g, many);
	p = producer_of(d);
	put_held(p, &g.a.seen);
	put(p, CAPACITY - 1);
	expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -ECANCELED);
	let_go(&g.a);
	wait_held(&g.c);
	expect(dsr_shutdown(d, 1000 * 1000), -ETIMEDOUT);
	expect(g.c.seen.stops, 0);
	let_go(&g.c);
	finish(d);
	expect_chain(&g, CAPACITY, 0);
}

/* A claim that was granted before is drained through all of them. */
CASE_BOTH(graph, shutdown_waits_for_an_open_claim)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	d = chain_start(&g, many);
	p = producer_of(d);
	put(p, 3);
	claim(p, 4);
	expect(dsr_close(d), 0);
	expect(dsr_close(d), 0);
	wait_saw(&g.c, 3);
	expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
	expect(dsr_publish_n(p, 1), 1);
	wait_saw(&g.c, 1);
	expect(dsr_abort_n(p, 1), 1);
	expect(dsr_publish(p), 2);
	finish(d);
	expect(g.c.seen.count, 6);
	expect(g.c.seen.last, 6);
	expect(g.c.wrong, 0);
	expect(g.c.seen.reason, 0);
	expect(dsr_close(NULL), -EINVAL);
}

static void *claim_and_go(void *d)
{
	struct dsr_producer *p = dsr_producer(d);

	return p && dsr_claim_n(p, 1, DSR_FOREVER) == 3 ? p : NULL;
}

/* The thread is gone, its claim is open: consumers stop there, and producers a lap behind it. */
CASE(graph, claim_that_is_never_dealt_with)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct dsr_snapshot *s;
	struct chain g;
	pthread_t thread;
	void *lost;

	chain_init(&g);
	d = chain_start(&g, true);
	p = producer_of(d);
	put(p, 3);
	expect(pthread_create(&thread, NULL, claim_and_go, d), 0);
	expect(pthread_join(thread, &lost), 0);
	cr_assert(lost != NULL);
	put(p, CAPACITY - 1);
	wait_saw(&g.c, 3);
	expect(dsr_claim_n(p, 1, 1000 * 1000), -ETIMEDOUT);
	expect(dsr_snapshot_take(d, &s), 0);
	expect(s->hole, 3);
	expect(s->published, 2);
	dsr_snapshot_free(s);
	cr_assert(!has_seen_more(&g.c));
	expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
	expect(dsr_halt(d), 0);
	finish(d);
	expect_stage(&g.a, 3, -ECANCELED);
	expect_stage(&g.c, 3, -ECANCELED);
}

CASE_BOTH(graph, halt_stops_every_stage)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	stage_hold(&g.a, 5, 6);
	stage_hold(&g.b, 3, 4);
	stage_hold(&g.c, 1, 2);
	d = chain_start(&g, many);
	p = producer_of(d);
	put(p, CAPACITY);
	wait_held(&g.a);
	wait_held(&g.b);
	wait_held(&g.c);
	expect(dsr_halt(d), 0);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -ECANCELED);
	let_go(&g.a);
	let_go(&g.b);
	let_go(&g.c);
	finish(d);
	expect_stage(&g.a, 6, -ECANCELED);
	expect_stage(&g.b, 4, -ECANCELED);
	expect_stage(&g.c, 2, -ECANCELED);
}

/* Stages that have nothing to do, and wait in every way there is. */
CASE_BOTH(graph, halt_reaches_those_that_wait)
{
	static const enum dsr_wait waits[] = {DSR_WAIT_DEFAULT, DSR_WAIT_YIELD,  DSR_WAIT_SLEEP,
					      DSR_WAIT_PARK,    DSR_WAIT_PHASED, DSR_WAIT_MONITOR};

	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		struct dsr_disruptor *d;
		struct chain g;

		chain_init(&g);
		g.a.handler.wait = g.b.handler.wait = g.c.handler.wait = waits[i];
		d = chain_start(&g, many);
		put(producer_of(d), 3);
		wait_saw(&g.c, 3);
		expect(dsr_halt(d), 0);
		finish(d);
		expect_chain(&g, 3, -ECANCELED);
	}
}

/* One in the middle wants all to stop. */
CASE_BOTH(graph, stop_all_stops_every_stage)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct chain g;

	chain_init(&g);
	g.b.seen.answer = DSR_STOP_ALL;
	g.b.seen.answer_at = 2;
	stage_hold(&g.a, 4, 5);
	g.b.handler.max_batch = 1;
	d = chain_start(&g, many);
	p = producer_of(d);
	put(p, CAPACITY);
	wait_held(&g.a);
	wait_for(&g.b.stopped);
	let_go(&g.a);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -ECANCELED);
	finish(d);
	expect_stage(&g.a, 5, -ECANCELED);
	expect_stage(&g.b, 3, DSR_STOP_ALL);
	expect(g.c.seen.reason, -ECANCELED);
	expect(g.c.seen.stops, 1);
	cr_assert(g.c.seen.count <= 3);
}

/* Fails to start in the last stage: those before have begun, and are stopped again. */
CASE_BOTH(graph, stage_that_cannot_start)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct dsr_disruptor *d = (void *)b;
	int before = tasks();
	struct chain g;

	chain_init(&g);
	g.c.seen.start_error = -EIO;
	add_stage(b, &g.a, "a", NULL);
	add_stage(b, &g.b, "b", DSR_AFTER("a"));
	add_stage(b, &g.c, "culprit", DSR_AFTER("b"));
	expect(dsr_start(b, &d), -EIO);
	cr_assert(d == NULL);
	expect_said(b, "culprit");
	expect(g.a.seen.starts, g.a.seen.stops);
	expect(g.b.seen.starts, g.b.seen.stops);
	expect(g.c.seen.stops, 0);
	expect(g.a.seen.count + g.b.seen.count + g.c.seen.count, 0);
	await_tasks(before);
	expect(dsr_builder_destroy(b), 0);
}

/* Claims from within a handler of the same ring. */

struct inner {
	struct stage stage;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	int64_t at;      /* claims in this event */
	int64_t claimed; /* what it was answered, for ever */
	int64_t timed;   /* and with a timeout */
	sem_t about;
};

static int claim_inside(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct inner *in = state;
	int result = stage_event(event, sequence, end_of_batch, &in->stage);

	if (sequence != in->at)
		return result;
	in->p = dsr_producer(in->d);
	if (!in->p)
		return -ENOMEM;
	sem_post(&in->about);
	in->claimed = dsr_claim_n(in->p, 1, DSR_FOREVER);
	in->timed = dsr_claim_n(in->p, 1, INT64_C(3600) * 1000 * 1000 * 1000);
	if (in->claimed >= 0)
		fill(in->p, in->claimed, in->timed >= 0 ? 2 : 1);
	dsr_publish(in->p);
	dsr_producer_release(in->p);
	return result;
}

static void inner_init(struct inner *in, int id, uint64_t looks, int64_t at)
{
	memset(in, 0, sizeof(*in));
	stage_init(&in->stage, id, looks);
	in->stage.handler.on_event = claim_inside;
	in->stage.handler.state = in;
	in->stage.handler.max_batch = 1;
	in->at = at;
	sem_init(&in->about, 0, 0);
}

/* a, the one that claims, and c; the ring is full when it does. */
static struct dsr_disruptor *start_inner(bool many, struct chain *g, struct inner *in)
{
	struct dsr_builder *b = build_sheets(many, CAPACITY);
	struct dsr_producer *p;

	add_stage(b, &g->a, "a", NULL);
	add_stage(b, &in->stage, "b", DSR_AFTER("a"));
	add_stage(b, &g->c, "c", DSR_AFTER("b"));
	in->d = start(b);
	p = producer_of(in->d);
	put(p, CAPACITY);
	expect(dsr_producer_release(p), 0);
	return in->d;
}

/* It holds the last stage, which holds the producer: itself. */
CASE_BOTH(graph, claim_in_the_middle_would_wait_for_itself)
{
	struct dsr_disruptor *d;
	struct inner in;
	struct chain g;

	chain_init(&g);
	inner_init(&in, 1, LOOK(0), 0);
	stage_hold(&g.a, 0, 1);
	d = start_inner(many, &g, &in);
	/* Not before the ring is full and the handle is free. */
	wait_held(&g.a);
	let_go(&g.a);
	wait_saw(&g.c, CAPACITY);
	finish(d);
	expect(in.claimed, -EDEADLK);
	expect(in.timed, -EDEADLK);
	expect_stage(&in.stage, CAPACITY, 0);
	expect_stage(&g.a, CAPACITY, 0);
	expect_stage(&g.c, CAPACITY, 0);
}

/* What it waits for is a later stage, that is not in need of it. */
CASE_BOTH(graph, claim_in_the_middle_waits_for_a_later_stage)
{
	struct dsr_disruptor *d;
	struct inner in;
	struct chain g;

	chain_init(&g);
	inner_init(&in, 1, LOOK(0), 2);
	stage_hold(&g.a, 0, 1);
	stage_hold(&g.c, 0, 1);
	d = start_inner(many, &g, &in);
	wait_held(&g.a);
	let_go(&g.a);
	wait_held(&g.c);
	wait_for(&in.about);
	let_go(&g.c);
	/* In event 2, it can have the slots of 0 and 1, when c is done with them. */
	wait_saw(&g.c, CAPACITY + (many ? 1 : 2));
	finish(d);
	expect(in.claimed, CAPACITY);
	expect(in.timed, many ? -EBUSY : CAPACITY + 1);
	expect_stage(&g.a, many ? CAPACITY + 1 : CAPACITY + 2, 0);
}

/* From ring to ring. */

struct link {
	struct dsr_disruptor *d, *next;
	struct dsr_producer *p;
	uint64_t count, wrong;
	int reason, ended;
};

static int pass_on(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct link *link = state;
	int64_t value = *(int64_t *)event, *copy;

	(void)end_of_batch;
	link->wrong += value != sequence;
	link->count++;
	if (!link->next)
		return DSR_CONTINUE;
	if (!link->p)
		link->p = dsr_producer(link->next);
	copy = link->p ? dsr_claim(link->p) : NULL;
	if (!copy)
		return -EPIPE;
	*copy = value;
	dsr_publish(link->p);
	return DSR_CONTINUE;
}

/* All that there was has been passed on: the next ring may end, and is waited for. */
static void end_next(void *state, int reason)
{
	struct link *link = state;

	link->reason = reason;
	if (link->next)
		link->ended = dsr_shutdown(link->next, DSR_FOREVER);
}

CASE_BOTH(graph, end_of_a_ring_is_passed_on)
{
	enum { LINKS = 4 };
	struct link links[LINKS] = {{.count = 0}};

	for (int i = LINKS - 1; i >= 0; i--) {
		struct dsr_builder *b = build(many, 4);

		links[i].next = i + 1 < LINKS ? links[i + 1].d : NULL;
		dsr_handle_events(b, &(struct dsr_handler){.on_event = pass_on,
							   .on_stop = end_next,
							   .state = &links[i],
							   .wait = DSR_WAIT_YIELD});
		links[i].d = start(b);
	}
	put_mixed(producer_of(links[0].d), 4, EVENTS);
	expect(dsr_shutdown(links[0].d, DSR_FOREVER), 0);
	for (int i = 0; i < LINKS; i++) {
		expect(links[i].count, EVENTS);
		expect(links[i].wrong, 0);
		expect(links[i].reason, 0);
		expect(links[i].ended, 0);
		expect(dsr_shutdown(links[i].d, DSR_NOW), -EALREADY);
		expect(dsr_destroy(links[i].d), 0);
	}
}

/* The one in the middle is halted: who is before it fails, and who is behind it is drained. */
CASE_BOTH(graph, halt_in_the_middle_is_passed_on)
{
	enum { LINKS = 3 };
	struct link links[LINKS] = {{.count = 0}};
	struct dsr_producer *p;

	for (int i = LINKS - 1; i >= 0; i--) {
		struct dsr_builder *b = build(many, 4);

		links[i].next = i + 1 < LINKS ? links[i + 1].d : NULL;
		dsr_handle_events(b, &(struct dsr_handler){.on_event = pass_on,
							   .on_stop = end_next,
							   .state = &links[i],
							   .wait = DSR_WAIT_YIELD});
		links[i].d = start(b);
	}
	p = producer_of(links[0].d);
	put_mixed(p, 4, EVENTS);
	expect(dsr_halt(links[1].d), 0);
	put_mixed(p, 4, EVENTS);
	expect(dsr_shutdown(links[0].d, DSR_FOREVER), 0);
	expect(links[0].reason, -EPIPE);
	expect(links[1].reason, -ECANCELED);
	expect(links[2].reason, 0);
	expect(links[2].count, links[1].count);
	cr_assert(links[1].count <= links[0].count && links[0].count <= 2 * EVENTS);
	for (int i = 0; i < LINKS; i++) {
		expect(links[i].wrong, 0);
		expect(links[i].ended, 0);
		expect(dsr_shutdown(links[i].d, DSR_NOW), -EALREADY);
		expect(dsr_destroy(links[i].d), 0);
	}
}
