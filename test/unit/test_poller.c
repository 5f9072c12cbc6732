/* SPDX-License-Identifier: MIT */
/* A consumer without a thread: what it finds, takes and gives back, and its descriptor. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>

#include "conformance.h"

TestSuite(poller, .timeout = 60);

enum { CAPACITY = 8 };

/* A ring with a producer and a poller, and whatever else a test adds before. */
struct rig {
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct dsr_poller *poller;
};

static struct dsr_poller *poller_of(struct dsr_disruptor *d, const char *name)
{
	struct dsr_poller *poller = dsr_poller_find(d, name);

	cr_assert(poller != NULL);
	return poller;
}

static void add_poller(struct dsr_builder *b, const char *name, const char *const *after)
{
	expect(dsr_add_poller(b, &(struct dsr_poller_options){.name = name, .after = after}), 0);
}

static void add_seen(struct dsr_builder *b, const char *name, const char *const *after,
		     struct seen *s)
{
	struct dsr_handler handler = seen_handler(s);

	handler.name = name;
	handler.after = after;
	handler.wait = DSR_WAIT_DEFAULT;
	expect(dsr_handle_events(b, &handler), 0);
}

static struct rig start_rig(struct dsr_builder *b)
{
	struct rig r = {.d = start(b)};

	r.p = producer_of(r.d);
	r.poller = poller_of(r.d, "poller");
	return r;
}

static struct rig start_limited(bool many, uint32_t capacity, int64_t first, uint32_t max_batch)
{
	struct dsr_builder *b = build(many, capacity);

	expect(dsr_first_sequence(b, first), 0);
	expect(dsr_add_poller(b, &(struct dsr_poller_options){.name = "poller",
							      .max_batch = max_batch}),
	       0);
	return start_rig(b);
}

static struct rig start_poller(bool many, uint32_t capacity)
{
	return start_limited(many, capacity, 0, 0);
}

/* Behind a handler that is held at its first @holds events. */
static struct rig start_gated(bool many, uint64_t holds, struct seen *s)
{
	struct dsr_builder *b = build(many, CAPACITY);

	seen_init(s, holds);
	add_seen(b, "handler", NULL, s);
	add_poller(b, "poller", DSR_AFTER("handler"));
	return start_rig(b);
}

/* Takes up to @most of a batch: their sequences, as text. */
static const char *take(struct dsr_batch *batch, int most)
{
	static char text[512];
	size_t length = 0;
	int64_t *event;

	text[0] = '\0';
	while (most-- > 0 && (event = dsr_batch_next(batch))) {
		expect(*event, dsr_batch_sequence(batch));
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%" PRId64,
					   length ? " " : "", dsr_batch_sequence(batch));
	}
	return text;
}

static const char *words_for(int state)
{
	static char text[32];

	switch (state) {
	case DSR_POLL_IDLE:
		return "idle";
	case DSR_POLL_GATED:
		return "gated";
	case DSR_POLL_DRAINED:
		return "drained";
	default:
		snprintf(text, sizeof(text), "%d", state);
		return text;
	}
}

/* One round, and up to @most of it taken. */
static const char *poll_taking(struct dsr_poller *poller, uint32_t round, int most)
{
	struct dsr_batch *batch = NULL;
	int state = dsr_poll(poller, round, &batch);

	return state == DSR_POLL_EVENTS ? take(batch, most) : words_for(state);
}

#define expect_poll(poller, round, wanted) expect_text(poll_taking(poller, round, INT_MAX), wanted)

/* Events, whichever. */
static void expect_some(struct dsr_poller *poller, uint32_t round)
{
	struct dsr_batch *batch;

	expect(dsr_poll(poller, round, &batch), DSR_POLL_EVENTS);
	cr_assert(*take(batch, INT_MAX) != '\0');
}

CASE_BOTH(poller, says_what_is_there)
{
	struct rig r = start_poller(many, CAPACITY);

	expect_poll(r.poller, 10, "idle");
	put(r.p, 3);
	expect_poll(r.poller, 10, "0 1 2");
	expect_poll(r.poller, 10, "idle");
	put(r.p, 1);
	put(r.p, 1);
	expect_poll(r.poller, 1, "3");
	expect_poll(r.poller, 10, "4");
	expect_poll(r.poller, 10, "idle");
	/* Claimed is not published. */
	claim(r.p, 2);
	expect_poll(r.poller, 10, "idle");
	expect(dsr_publish_n(r.p, 1), 1);
	expect_poll(r.poller, 10, "5");
	expect_poll(r.poller, 10, "idle");
	expect(dsr_publish(r.p), 1);
	expect_poll(r.poller, UINT32_MAX, "6");
	finish(r.d);
}

/* What was published behind an open claim is not there yet, and nobody gates it. */
CASE(poller, is_idle_at_a_hole)
{
	struct rig r = start_poller(true, CAPACITY);
	struct dsr_producer *other = producer_of(r.d);

	claim(r.p, 1);
	put(other, 2);
	expect_poll(r.poller, 10, "idle");
	expect(dsr_publish(r.p), 1);
	expect_poll(r.poller, 10, "0 1 2");
	finish(r.d);
}

CASE_BOTH(poller, is_gated_behind_a_held_handler)
{
	struct seen s;
	struct rig r = start_gated(many, 3, &s);

	expect_poll(r.poller, 10, "idle");
	put_held(r.p, &s);
	expect_poll(r.poller, 10, "gated");
	put(r.p, 1);
	expect_poll(r.poller, 10, "gated");
	sem_post(&s.go);
	/* At its second event it is done with the first. */
	wait_for(&s.arrived);
	expect_poll(r.poller, 10, "0");
	expect_poll(r.poller, 10, "gated");
	sem_post(&s.go);
	put(r.p, 1);
	wait_for(&s.arrived);
	expect_poll(r.poller, 10, "1");
	expect_poll(r.poller, 10, "gated");
	sem_post(&s.go);
	expect(dsr_shutdown(r.d, DSR_FOREVER), 0);
	expect_poll(r.poller, 10, "2");
	expect_poll(r.poller, 10, "drained");
	expect(dsr_destroy(r.d), 0);
}

CASE(poller, is_gated_by_the_last_of_two)
{
	struct seen seen[2];
	struct dsr_builder *b = build(false, CAPACITY);
	struct rig r;

	seen_init(&seen[0], 1);
	seen_init(&seen[1], 1);
	add_seen(b, "left", NULL, &seen[0]);
	add_seen(b, "right", NULL, &seen[1]);
	expect(dsr_then(b), 0);
	add_poller(b, "poller", NULL);
	r = start_rig(b);
	put(r.p, 1);
	wait_for(&seen[0].arrived);
	wait_for(&seen[1].arrived);
	expect_poll(r.poller, 10, "gated");
	sem_post(&seen[0].go);
	await_asleep(tid_of(r.d, 0));
	expect_poll(r.poller, 10, "gated");
	sem_post(&seen[1].go);
	await_asleep(tid_of(r.d, 1));
	expect_poll(r.poller, 10, "0");
	expect_poll(r.poller, 10, "idle");
	finish(r.d);
}

static int add_thousand(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)sequence;
	(void)end_of_batch;
	(void)state;
	*(int64_t *)event += 1000;
	return DSR_CONTINUE;
}

CASE_BOTH(poller, sees_what_the_handler_before_it_wrote)
{
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_batch *batch;
	int64_t seen = 0;
	struct rig r;

	expect(dsr_handle_events(b, &(struct dsr_handler){.on_event = add_thousand}), 0);
	expect(dsr_then(b), 0);
	add_poller(b, "poller", NULL);
	r = start_rig(b);
	while (seen < 500) {
		int64_t *event;
		int state;

		put_until_full(r.p);
		state = dsr_poll(r.poller, CAPACITY, &batch);
		if (state != DSR_POLL_EVENTS) {
			cr_assert(state == DSR_POLL_GATED || state == DSR_POLL_IDLE);
			sched_yield();
			continue;
		}
		while ((event = dsr_batch_next(batch)))
			expect(*event, 1000 + seen++);
	}
	finish(r.d);
}

CASE_BOTH(poller, is_drained_when_all_is_taken)
{
	struct rig r = start_poller(many, CAPACITY);

	put(r.p, 5);
	/* It does not wait for a poller. */
	expect(dsr_shutdown(r.d, DSR_FOREVER), 0);
	expect(dsr_shutdown(r.d, DSR_FOREVER), -EALREADY);
	expect_text(poll_taking(r.poller, 2, 2), "0 1");
	/* Handed out is not taken. */
	expect_text(poll_taking(r.poller, 10, 0), "");
	expect_text(poll_taking(r.poller, 10, 2), "2 3");
	expect_text(poll_taking(r.poller, 10, 0), "");
	expect_poll(r.poller, 10, "4");
	expect_poll(r.poller, 10, "drained");
	expect_poll(r.poller, 10, "drained");
	expect(dsr_destroy(r.d), 0);
}

CASE_BOTH(poller, is_drained_if_there_never_was_anything)
{
	struct rig r = start_poller(many, CAPACITY);

	expect(dsr_close(r.d), 0);
	expect_poll(r.poller, 10, "drained");
	finish(r.d);
}

CASE_BOTH(poller, is_not_drained_with_a_claim_open)
{
	struct rig r = start_poller(many, CAPACITY);

	claim(r.p, 3);
	expect(dsr_close(r.d), 0);
	expect_poll(r.poller, 10, "idle");
	expect(dsr_publish_n(r.p, 1), 1);
	expect_poll(r.poller, 10, "0");
	expect_poll(r.poller, 10, "idle");
	expect(dsr_abort_n(r.p, 1), 1);
	expect_poll(r.poller, 10, "idle");
	expect(dsr_publish(r.p), 1);
	expect_poll(r.poller, 10, "2");
	expect_poll(r.poller, 10, "drained");
	finish(r.d);
}

CASE_BOTH(poller, is_drained_behind_aborted_slots)
{
	struct rig r = start_poller(many, CAPACITY);

	put(r.p, 1);
	claim(r.p, 3);
	expect(dsr_close(r.d), 0);
	expect_poll(r.poller, 10, "0");
	expect_poll(r.poller, 10, "idle");
	expect(dsr_abort(r.p), 3);
	expect_poll(r.poller, 10, "drained");
	finish(r.d);
}

CASE_BOTH(poller, of_a_halted_ring_is_cancelled)
{
	struct rig r = start_poller(many, CAPACITY);
	struct dsr_batch *batch = NULL;

	put(r.p, 3);
	expect_text(poll_taking(r.poller, 10, 1), "0");
	expect(dsr_halt(r.d), 0);
	expect(dsr_poll(r.poller, 10, &batch), -ECANCELED);
	cr_assert(batch == NULL);
	expect(dsr_poll_events(r.poller, 10, seen_event, NULL), -ECANCELED);
	expect(dsr_shutdown(r.d, DSR_FOREVER), 0);
	expect(dsr_poll(r.poller, 10, &batch), -ECANCELED);
	expect(dsr_destroy(r.d), 0);
}

/* Nor does a call that fails give back what was taken before it. */
CASE_BOTH(poller, refuses_nonsense_and_changes_nothing)
{
	struct rig r = start_poller(many, CAPACITY);
	struct dsr_batch *batch = NULL;

	put(r.p, CAPACITY);
	expect_text(poll_taking(r.poller, 10, 3), "0 1 2");
	expect(dsr_poll(r.poller, 0, &batch), -EINVAL);
	expect(dsr_poll(r.poller, 10, NULL), -EINVAL);
	expect(dsr_poll(NULL, 10, &batch), -EINVAL);
	cr_assert(batch == NULL);
	expect(dsr_poll_events(r.poller, 0, seen_event, NULL), -EINVAL);
	expect(dsr_poll_events(r.poller, 10, NULL, NULL), -EINVAL);
	expect(dsr_poll_events(NULL, 10, seen_event, NULL), -EINVAL);
	expect(dsr_poller_fd(NULL), -EINVAL);
	expect(put_until_full(r.p), 0);
	expect_poll(r.poller, 10, "3 4 5 6 7");
	expect(put_until_full(r.p), 3);
	finish(r.d);
}

CASE(poller, is_found_by_its_name)
{
	struct seen s;
	struct dsr_builder *b = build(false, CAPACITY);
	struct dsr_disruptor *d;
	char name[] = "copied";

	seen_init(&s, 0);
	add_seen(b, "handler", NULL, &s);
	add_poller(b, name, NULL);
	add_poller(b, "fifteen-bytes-x", DSR_AFTER("handler", "copied"));
	memset(name, 'x', sizeof(name) - 1);
	d = start(b);
	cr_assert(dsr_poller_find(d, "copied") != NULL);
	cr_assert(dsr_poller_find(d, "copied") == dsr_poller_find(d, "copied"));
	cr_assert(dsr_poller_find(d, "fifteen-bytes-x") != NULL);
	cr_assert(dsr_poller_find(d, "fifteen-bytes-x") != dsr_poller_find(d, "copied"));
	cr_assert(dsr_poller_find(d, "handler") == NULL);
	cr_assert(dsr_poller_find(d, "fifteen-bytes") == NULL);
	cr_assert(dsr_poller_find(d, "") == NULL);
	cr_assert(dsr_poller_find(d, NULL) == NULL);
	cr_assert(dsr_poller_find(NULL, "copied") == NULL);
	expect(dsr_detach(d, "copied", DSR_NOW), 0);
	cr_assert(dsr_poller_find(d, "copied") == NULL);
	expect(dsr_detach(d, "copied", DSR_NOW), -ENOENT);
	finish(d);
}

/* The builder's answer, which sticks, and names the one it is about. */
static void expect_refused(const struct dsr_poller_options *options, int error, const char *word)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct dsr_disruptor *d;
	struct seen s;

	seen_init(&s, 0);
	add_seen(b, "taken", NULL, &s);
	expect(dsr_add_poller(b, options), error);
	cr_assert(strstr(dsr_builder_message(b), word) != NULL, "%s", dsr_builder_message(b));
	expect(dsr_start(b, &d), error);
	expect(dsr_builder_destroy(b), 0);
}

CASE(poller, options_are_checked)
{
	expect_refused(&(struct dsr_poller_options){.name = "taken"}, -EEXIST, "taken");
	expect_refused(&(struct dsr_poller_options){.name = "sixteen-bytes-xx"}, -ENAMETOOLONG,
		       "sixteen-bytes-xx");
	expect_refused(&(struct dsr_poller_options){.name = "p", .max_batch = CAPACITY + 1},
		       -EINVAL, "p");
	expect_refused(&(struct dsr_poller_options){.name = NULL}, -EINVAL, "");
	expect_refused(NULL, -EINVAL, "");
}

CASE(poller, cannot_follow_nobody)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct dsr_disruptor *d;

	add_poller(b, "poller", DSR_AFTER("ghost"));
	expect(dsr_start(b, &d), -ENOENT);
	cr_assert(strstr(dsr_builder_message(b), "ghost") != NULL);
	expect(dsr_builder_destroy(b), 0);
}

CASE_BOTH(poller, gives_back_what_was_taken)
{
	struct rig r = start_poller(many, CAPACITY);

	put(r.p, CAPACITY);
	expect_text(poll_taking(r.poller, CAPACITY, 3), "0 1 2");
	expect(put_until_full(r.p), 0);
	expect_text(poll_taking(r.poller, CAPACITY, 2), "3 4");
	expect(put_until_full(r.p), 3);
	/* Nothing of it. */
	expect_text(poll_taking(r.poller, CAPACITY, 0), "");
	expect(put_until_full(r.p), 2);
	expect_poll(r.poller, CAPACITY, "5 6 7 8 9 10 11 12");
	expect(put_until_full(r.p), 0);
	expect_poll(r.poller, CAPACITY, "idle");
	expect(put_until_full(r.p), CAPACITY);
	finish(r.d);
}

CASE_BOTH(poller, releases_within_a_batch)
{
	struct rig r = start_poller(many, CAPACITY);
	struct dsr_batch *batch;

	put(r.p, CAPACITY);
	expect(dsr_poll(r.poller, CAPACITY, &batch), DSR_POLL_EVENTS);
	dsr_batch_release(batch);
	expect(put_until_full(r.p), 0);
	expect_text(take(batch, 3), "0 1 2");
	expect(put_until_full(r.p), 0);
	dsr_batch_release(batch);
	expect(put_until_full(r.p), 3);
	expect_text(take(batch, 2), "3 4");
	expect(put_until_full(r.p), 0);
	/* To its own end, and not into what came since. */
	expect_text(take(batch, 100), "5 6 7");
	dsr_batch_release(batch);
	expect(put_until_full(r.p), 5);
	expect_poll(r.poller, CAPACITY, "8 9 10 11 12 13 14 15");
	finish(r.d);
}

CASE_BOTH(poller, most_and_max_batch_both_limit)
{
	struct rig r = start_limited(many, CAPACITY, 0, 3);

	put(r.p, CAPACITY);
	expect_poll(r.poller, 2, "0 1");
	expect_poll(r.poller, 5, "2 3 4");
	expect_poll(r.poller, UINT32_MAX, "5 6 7");
	finish(r.d);

	r = start_limited(many, CAPACITY, 0, CAPACITY);
	put(r.p, CAPACITY);
	expect_poll(r.poller, 5, "0 1 2 3 4");
	expect_text(poll_taking(r.poller, 1, 0), "");
	put(r.p, 5);
	expect_poll(r.poller, UINT32_MAX, "5 6 7 8 9 10 11 12");
	finish(r.d);
}

/* A batch goes on with what is published while it is looped over, to its most. */
CASE_BOTH(poller, batch_grows_to_its_most)
{
	struct rig r = start_poller(many, CAPACITY);
	struct dsr_batch *batch;

	put(r.p, 1);
	expect(dsr_poll(r.poller, 3, &batch), DSR_POLL_EVENTS);
	expect_text(take(batch, 1), "0");
	expect(dsr_batch_more(batch), false);
	put(r.p, 4);
	expect(dsr_batch_more(batch), true);
	expect_text(take(batch, 1), "1");
	expect_text(take(batch, 100), "2");
	expect(dsr_batch_more(batch), false);
	expect_poll(r.poller, 3, "3 4");
	finish(r.d);
}

/* At one less than the ring, at the ring, and at one more; from each of its slots. */
static void go_to_the_brink(bool many, uint32_t capacity, uint32_t n)
{
	struct rig r = start_poller(many, capacity);
	int64_t next = 0;

	for (uint32_t lap = 0; lap < 3 * capacity + 1; lap++) {
		struct dsr_batch *batch;
		int64_t *event, end = next + n;

		put(r.p, n);
		if (n == capacity)
			expect(dsr_claim_n(r.p, 1, DSR_NOW), -EAGAIN);
		expect(dsr_poll(r.poller, capacity + 1, &batch), DSR_POLL_EVENTS);
		while ((event = dsr_batch_next(batch)))
			expect(*event, next++);
		expect(next, end);
		if (n == capacity)
			expect(dsr_claim_n(r.p, 1, DSR_NOW), -EAGAIN);
		expect_poll(r.poller, 1, "idle");
	}
	finish(r.d);
}

CASE_BOTH(poller, works_at_the_brink_of_the_ring)
{
	for (uint32_t capacity = 1; capacity <= 8; capacity *= 2)
		for (uint32_t n = capacity > 2 ? capacity - 2 : 1; n <= capacity; n++)
			go_to_the_brink(many, capacity, n);
}

CASE_BOTH(poller, gates_from_the_start_until_it_is_detached)
{
	for (uint32_t capacity = 1; capacity <= 8; capacity *= 2) {
		struct rig r = start_poller(many, capacity);

		/* Nobody has ever asked it for anything. */
		expect(put_until_full(r.p), capacity);
		expect(dsr_claim_n(r.p, 1, 1000), -ETIMEDOUT);
		expect(put_until_full(r.p), 0);
		expect(dsr_detach(r.d, "poller", DSR_NOW), 0);
		for (int i = 0; i < 20; i++)
			put(r.p, capacity);
		finish(r.d);
	}
}

CASE_BOTH(poller, detached_one_lets_blocked_producers_go)
{
	struct rig r = start_poller(many, CAPACITY);
	struct caller c;

	expect(put_until_full(r.p), CAPACITY);
	expect(dsr_producer_release(r.p), 0);
	caller_begin(&c, r.d, 2, 20);
	caller_await_waiting(&c);
	expect(dsr_detach(r.d, "poller", DSR_FOREVER), 0);
	caller_join(&c);
	expect(c.error, 0);
	expect(c.claimed, 20);
	finish(r.d);
}

CASE_BOTH(poller, lets_blocked_producers_go_with_what_it_gives_back)
{
	struct rig r = start_poller(many, CAPACITY);
	struct caller c;

	expect(put_until_full(r.p), CAPACITY);
	expect(dsr_producer_release(r.p), 0);
	caller_begin(&c, r.d, 3, 3);
	caller_await_waiting(&c);
	expect_text(poll_taking(r.poller, CAPACITY, 3), "0 1 2");
	expect_text(poll_taking(r.poller, CAPACITY, 0), "");
	caller_join(&c);
	expect(c.error, 0);
	expect(c.claimed, 3);
	finish(r.d);
}

CASE_BOTH(poller, handler_behind_it_waits_for_it)
{
	struct seen s;
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_batch *batch;
	int64_t *event;
	struct rig r;

	seen_init(&s, 0);
	add_poller(b, "poller", NULL);
	add_seen(b, "handler", DSR_AFTER("poller"), &s);
	r = start_rig(b);
	put(r.p, 6);
	await_all_asleep(r.d);
	expect(s.count, 0);
	expect(dsr_poll(r.poller, 10, &batch), DSR_POLL_EVENTS);
	for (int i = 0; i < 4 && (event = dsr_batch_next(batch)); i++) {
		*event += 1000;
		if (i == 1)
			dsr_batch_release(batch);
	}
	/* What was released, and nothing of what was only taken. */
	while (s.count < 2)
		await_all_asleep(r.d);
	expect(s.count, 2);
	expect_poll(r.poller, 10, "4 5");
	while (s.count < 4)
		await_all_asleep(r.d);
	expect(s.count, 4);
	expect_poll(r.poller, 10, "idle");
	finish(r.d);
	expect(s.count, 6);
	expect(s.gaps, 0);
	for (int64_t i = 0; i < 6; i++)
		expect(s.value[i], i < 4 ? 1000 + i : i);
}

CASE_BOTH(poller, shutdown_waits_for_a_handler_behind_it)
{
	struct seen s;
	struct dsr_builder *b = build(many, CAPACITY);
	struct rig r;

	seen_init(&s, 0);
	add_poller(b, "poller", NULL);
	add_seen(b, "handler", DSR_AFTER("poller"), &s);
	r = start_rig(b);
	put(r.p, 3);
	expect(dsr_shutdown(r.d, DSR_NOW), -ETIMEDOUT);
	expect_poll(r.poller, 2, "0 1");
	expect(dsr_shutdown(r.d, DSR_NOW), -ETIMEDOUT);
	expect_poll(r.poller, 2, "2");
	expect(dsr_shutdown(r.d, 1000 * 1000), -ETIMEDOUT);
	expect_poll(r.poller, 2, "drained");
	expect(dsr_shutdown(r.d, DSR_FOREVER), 0);
	expect(s.count, 3);
	expect(s.reason, 0);
	expect_poll(r.poller, 2, "drained");
	expect(dsr_destroy(r.d), 0);
}

/* The slowest holds the ring. */
CASE_BOTH(poller, two_see_each_event)
{
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_poller *other;
	struct rig r;

	add_poller(b, "poller", NULL);
	add_poller(b, "other", NULL);
	r = start_rig(b);
	other = poller_of(r.d, "other");
	put(r.p, CAPACITY);
	expect_poll(r.poller, 100, "0 1 2 3 4 5 6 7");
	expect_poll(r.poller, 100, "idle");
	expect(put_until_full(r.p), 0);
	expect_poll(other, 2, "0 1");
	expect(put_until_full(r.p), 0);
	expect_poll(other, 2, "2 3");
	expect(put_until_full(r.p), 2);
	expect_poll(r.poller, 100, "8 9");
	expect_poll(other, 100, "4 5 6 7 8 9");
	finish(r.d);
}

CASE_BOTH(poller, one_follows_the_other)
{
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_poller *second;
	struct rig r;

	add_poller(b, "second", DSR_AFTER("poller"));
	add_poller(b, "poller", DSR_AFTER(NULL));
	r = start_rig(b);
	second = poller_of(r.d, "second");
	expect_poll(second, 10, "idle");
	put(r.p, 4);
	expect_poll(second, 10, "gated");
	expect_poll(r.poller, 3, "0 1 2");
	/* Taken is not done with. */
	expect_poll(second, 10, "gated");
	expect_poll(r.poller, 10, "3");
	expect_poll(second, 2, "0 1");
	expect_poll(second, 10, "2");
	expect_poll(second, 10, "gated");
	expect_poll(r.poller, 10, "idle");
	expect_poll(second, 10, "3");
	expect_poll(second, 10, "idle");
	expect(put_until_full(r.p), CAPACITY);
	expect(dsr_close(r.d), 0);
	expect_poll(second, 10, "gated");
	expect_poll(r.poller, 10, "4 5 6 7 8 9 10 11");
	expect_poll(r.poller, 10, "drained");
	expect_poll(second, 10, "4 5 6 7 8 9 10 11");
	expect_poll(second, 10, "drained");
	finish(r.d);
}

CASE_BOTH(poller, aborted_slots_are_invisible)
{
	struct rig r = start_poller(many, CAPACITY);

	claim(r.p, 7);
	expect(dsr_publish_n(r.p, 1), 1);
	expect(dsr_abort_n(r.p, 2), 2);
	expect(dsr_publish_n(r.p, 2), 2);
	expect(dsr_abort(r.p), 2);
	expect_poll(r.poller, 2, "0 3");
	expect_poll(r.poller, 2, "4");
	expect_poll(r.poller, 2, "idle");
	/* Those behind the last event are free, too. */
	expect(put_until_full(r.p), CAPACITY);
	expect_poll(r.poller, 100, "7 8 9 10 11 12 13 14");
	finish(r.d);
}

CASE_BOTH(poller, only_aborted_slots_are_nothing)
{
	struct rig r = start_poller(many, CAPACITY);

	for (int lap = 0; lap < 5; lap++) {
		expect(dsr_claim_n(r.p, CAPACITY, DSR_NOW), lap * CAPACITY);
		expect(dsr_abort(r.p), CAPACITY);
		expect(dsr_claim_n(r.p, 1, DSR_NOW), -EAGAIN);
		expect_poll(r.poller, 1, "idle");
	}
	claim(r.p, 3);
	expect(dsr_abort(r.p), 3);
	put(r.p, 1);
	expect_poll(r.poller, 1, "43");
	finish(r.d);
}

CASE_BOTH(poller, aborted_slots_behind_a_handler_are_invisible)
{
	struct seen s;
	struct rig r = start_gated(many, 1, &s);

	put_held(r.p, &s);
	claim(r.p, 6);
	expect(dsr_abort_n(r.p, 2), 2);
	expect(dsr_publish_n(r.p, 1), 1);
	expect(dsr_abort(r.p), 3);
	expect_poll(r.poller, 10, "gated");
	sem_post(&s.go);
	await_all_asleep(r.d);
	expect_poll(r.poller, 10, "0 3");
	expect_poll(r.poller, 10, "idle");
	expect(put_until_full(r.p), CAPACITY);
	finish(r.d);
	expect(s.count, 2 + CAPACITY);
}

/* What @on_event of dsr_poll_events() saw, an 'E' behind the last of a batch. */
struct notes {
	char text[256];
	size_t length;
	int64_t at; /* at this sequence @answer, once */
	int answer;
	struct dsr_producer *p; /* behind @at: how many slots are free? */
	uint32_t free;
};

static int note(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct notes *n = state;
	int answer = DSR_CONTINUE;

	n->length += (size_t)snprintf(n->text + n->length, sizeof(n->text) - n->length,
				      "%s%" PRId64 "%s", n->length ? " " : "", sequence,
				      end_of_batch ? "E" : "");
	if (*(int64_t *)event != sequence)
		n->length +=
			(size_t)snprintf(n->text + n->length, sizeof(n->text) - n->length, "!");
	if (n->p && sequence == n->at + 1)
		n->free = put_until_full(n->p);
	if (sequence == n->at) {
		answer = n->answer;
		n->answer = DSR_CONTINUE;
	}
	return answer;
}

static void expect_round_at(struct rig *r, struct notes *n, uint32_t most, int state,
			    const char *wanted, int line)
{
	n->text[0] = '\0';
	n->length = 0;
	expect_number(dsr_poll_events(r->poller, most, note, n), state, "dsr_poll_events()", line);
	expect_text_at(n->text, wanted, line);
}

#define expect_round(r, n, most, state, wanted) expect_round_at(r, n, most, state, wanted, __LINE__)

CASE_BOTH(poller, calls_for_each_event)
{
	struct rig r = start_poller(many, CAPACITY);
	struct notes n = {.at = -1};

	expect_round(&r, &n, 10, DSR_POLL_IDLE, "");
	put(r.p, 3);
	expect_round(&r, &n, 2, DSR_POLL_EVENTS, "0 1E");
	expect_round(&r, &n, 2, DSR_POLL_EVENTS, "2E");
	expect_round(&r, &n, 2, DSR_POLL_IDLE, "");
	claim(r.p, 5);
	expect(dsr_abort_n(r.p, 1), 1);
	expect(dsr_publish_n(r.p, 2), 2);
	expect(dsr_abort(r.p), 2);
	expect_round(&r, &n, 10, DSR_POLL_EVENTS, "4 5E");
	put(r.p, 1);
	expect(dsr_close(r.d), 0);
	expect_round(&r, &n, 10, DSR_POLL_EVENTS, "8E");
	expect_round(&r, &n, 10, DSR_POLL_DRAINED, "");
	finish(r.d);
}

CASE(poller, calls_for_nothing_while_it_is_gated)
{
	struct seen s;
	struct rig r = start_gated(false, 1, &s);
	struct notes n = {.at = -1};

	put_held(r.p, &s);
	expect_round(&r, &n, 10, DSR_POLL_GATED, "");
	sem_post(&s.go);
	expect(dsr_shutdown(r.d, DSR_FOREVER), 0);
	expect_round(&r, &n, 10, DSR_POLL_EVENTS, "0E");
	expect_round(&r, &n, 10, DSR_POLL_DRAINED, "");
	expect(dsr_destroy(r.d), 0);
}

CASE_BOTH(poller, calls_obey_max_batch)
{
	struct rig r = start_limited(many, CAPACITY, 0, 3);
	struct notes n = {.at = -1};

	put(r.p, CAPACITY);
	expect_round(&r, &n, 100, DSR_POLL_EVENTS, "0 1 2E");
	/* Its slots are back when it returns. */
	expect(put_until_full(r.p), 3);
	expect_round(&r, &n, 2, DSR_POLL_EVENTS, "3 4E");
	finish(r.d);
}

CASE_BOTH(poller, stop_ends_the_round_after_the_event)
{
	struct rig r = start_poller(many, CAPACITY);
	struct notes n = {.at = 1, .answer = DSR_STOP};

	put(r.p, CAPACITY);
	expect_round(&r, &n, 100, DSR_POLL_EVENTS, "0 1");
	expect(put_until_full(r.p), 2);
	expect_round(&r, &n, 100, DSR_POLL_EVENTS, "2 3 4 5 6 7 8 9E");
	expect(put_until_full(r.p), CAPACITY);
	finish(r.d);
}

CASE_BOTH(poller, release_gives_slots_back_at_once)
{
	struct rig r = start_poller(many, CAPACITY);
	struct notes n = {.at = 2, .answer = DSR_RELEASE, .p = r.p};

	put(r.p, CAPACITY);
	/* Three more are put at event 3. */
	expect_round(&r, &n, 5, DSR_POLL_EVENTS, "0 1 2 3 4E");
	expect(n.free, 3);
	expect_round(&r, &n, 100, DSR_POLL_EVENTS, "5 6 7 8 9 10E");
	n = (struct notes){.at = 11, .answer = DSR_CONTINUE, .p = r.p};
	put(r.p, CAPACITY);
	expect_round(&r, &n, 5, DSR_POLL_EVENTS, "11 12 13 14 15E");
	expect(n.free, 0);
	finish(r.d);
}

static void refuse_an_event(bool many, int64_t at, int answer, int state)
{
	struct rig r = start_poller(many, CAPACITY);
	struct notes n = {.at = at, .answer = answer};

	put(r.p, CAPACITY);
	expect_round(&r, &n, 100, state, at == 0 ? "0" : "0 1 2");
	/* Those before it are done with, and it comes again. */
	expect(put_until_full(r.p), at);
	expect_round(&r, &n, 2, DSR_POLL_EVENTS, at == 0 ? "0 1E" : "2 3E");
	expect(put_until_full(r.p), 2);
	finish(r.d);
}

CASE_BOTH(poller, event_that_failed_comes_again)
{
	refuse_an_event(many, 2, -EIO, -EIO);
	refuse_an_event(many, 0, -EIO, -EIO);
	refuse_an_event(many, 2, -EAGAIN, -EAGAIN);
	refuse_an_event(many, 2, -ECANCELED, -ECANCELED);
}

CASE_BOTH(poller, other_answers_are_refused)
{
	refuse_an_event(many, 2, DSR_STOP_ALL, -EINVAL);
	refuse_an_event(many, 2, DSR_RETRY, -EINVAL);
	refuse_an_event(many, 2, 5, -EINVAL);
	refuse_an_event(many, 0, INT_MAX, -EINVAL);
}

CASE_BOTH(poller, both_ways_to_poll_are_one)
{
	struct rig r = start_poller(many, CAPACITY);
	struct notes n = {.at = 4, .answer = DSR_STOP};

	put(r.p, CAPACITY);
	expect_text(poll_taking(r.poller, 5, 2), "0 1");
	expect_round(&r, &n, 100, DSR_POLL_EVENTS, "2 3 4");
	expect(put_until_full(r.p), 5);
	expect_text(poll_taking(r.poller, 3, 3), "5 6 7");
	expect_round(&r, &n, 100, DSR_POLL_EVENTS, "8 9 10 11 12E");
	finish(r.d);
}

CASE_BOTH(poller, its_thread_may_publish)
{
	struct rig r = start_poller(many, CAPACITY);
	int64_t next = 0;

	put(r.p, 2);
	while (next < 1000) {
		struct dsr_batch *batch;
		int64_t *event;

		expect(dsr_poll(r.poller, 3, &batch), DSR_POLL_EVENTS);
		while ((event = dsr_batch_next(batch))) {
			int64_t *more = dsr_try_claim(r.p);

			expect(*event, next++);
			cr_assert(more != NULL);
			*more = next + 1;
			expect(dsr_publish(r.p), 1);
		}
	}
	/* Full, by its own doing: that is for try to say. */
	put_until_full(r.p);
	cr_assert(dsr_try_claim(r.p) == NULL);
	expect(dsr_claim_error(r.p), -EAGAIN);
	finish(r.d);
}

CASE_BOTH(poller, its_thread_would_wait_for_itself)
{
	struct rig r = start_poller(many, CAPACITY);
	uint32_t n = 2;

	put(r.p, 1);
	expect_poll(r.poller, 1, "0");
	expect(put_until_full(r.p), CAPACITY - 1);
	expect(dsr_claim_n(r.p, 1, DSR_FOREVER), -EDEADLK);
	expect(dsr_claim_n(r.p, CAPACITY, DSR_FOREVER), -EDEADLK);
	expect(dsr_claim_up_to(r.p, &n, DSR_FOREVER), -EDEADLK);
	expect(n, 2);
	cr_assert(dsr_claim(r.p) == NULL);
	expect(dsr_claim_error(r.p), -EDEADLK);
	expect(dsr_claim_n(r.p, 1, INT64_C(3600) * 1000 * 1000 * 1000), -EDEADLK);
	expect(dsr_claim_n(r.p, 1, DSR_NOW), -EAGAIN);
	expect(dsr_publish(r.p), 0);
	/* And goes on, over whatever the claims have used up. */
	expect_poll(r.poller, 100, "1 2 3 4 5 6 7");
	for (int i = 0; i < 3 * CAPACITY; i++) {
		expect_poll(r.poller, 100, "idle");
		claim(r.p, CAPACITY);
		expect(dsr_abort_n(r.p, CAPACITY - 1), CAPACITY - 1);
		expect(dsr_publish(r.p), 1);
		expect_some(r.poller, 100);
	}
	finish(r.d);
}

/* Another thread's poller holds the ring: that is no reason not to wait. */
CASE_BOTH(poller, other_threads_wait_for_it)
{
	struct rig r = start_poller(many, CAPACITY);
	struct caller c;

	put(r.p, 1);
	expect_poll(r.poller, 1, "0");
	put_until_full(r.p);
	expect(dsr_producer_release(r.p), 0);
	caller_begin(&c, r.d, 1, 1);
	caller_await_waiting(&c);
	expect_poll(r.poller, 1, "1");
	caller_join(&c);
	expect(c.error, 0);
	expect(c.claimed, 1);
	finish(r.d);
}

static bool readable(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	return poll(&pollfd, 1, 0) == 1 && (pollfd.revents & POLLIN);
}

static void await_readable(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	while (poll(&pollfd, 1, -1) != 1)
		;
}

static int fd_of(struct dsr_poller *poller)
{
	int fd = dsr_poller_fd(poller);

	cr_assert(fd >= 0, "dsr_poller_fd: %d", fd);
	return fd;
}

CASE_BOTH(poller, fd_is_readable_until_there_is_nothing)
{
	struct rig r = start_poller(many, CAPACITY);
	int fd = fd_of(r.poller);

	expect_poll(r.poller, 10, "idle");
	expect(readable(fd), false);
	for (int round = 0; round < 20; round++) {
		claim(r.p, 3);
		expect(readable(fd), false);
		expect(dsr_publish(r.p), 3);
		expect(readable(fd), true);
		expect_some(r.poller, 2);
		expect(readable(fd), true);
		expect_some(r.poller, 2);
		/* All is taken, and it has not been said that there is nothing. */
		expect(readable(fd), true);
		expect(readable(fd), true);
		expect_poll(r.poller, 2, "idle");
		expect(readable(fd), false);
		expect_poll(r.poller, 2, "idle");
		expect(readable(fd), false);
	}
	finish(r.d);
}

CASE_BOTH(poller, fd_is_readable_while_it_is_polled_by_call)
{
	struct rig r = start_poller(many, CAPACITY);
	struct notes n = {.at = 1, .answer = -EIO};
	int fd = fd_of(r.poller);

	expect_round(&r, &n, 10, DSR_POLL_IDLE, "");
	expect(readable(fd), false);
	put(r.p, 2);
	expect_round(&r, &n, 10, -EIO, "0 1E");
	expect(readable(fd), true);
	expect_round(&r, &n, 10, DSR_POLL_EVENTS, "1E");
	expect(readable(fd), true);
	expect_round(&r, &n, 10, DSR_POLL_IDLE, "");
	expect(readable(fd), false);
	finish(r.d);
}

CASE_BOTH(poller, fd_that_comes_late_is_readable)
{
	struct rig r = start_poller(many, CAPACITY);
	int fd;

	expect_poll(r.poller, 10, "idle");
	put(r.p, 1);
	fd = fd_of(r.poller);
	expect(readable(fd), true);
	expect_poll(r.poller, 10, "0");
	expect_poll(r.poller, 10, "idle");
	expect(readable(fd), false);
	finish(r.d);
}

CASE_BOTH(poller, fd_tells_of_an_event_behind_aborted_slots)
{
	struct rig r = start_poller(many, CAPACITY);
	int fd = fd_of(r.poller);

	for (int round = 0; round < 3 * CAPACITY; round++) {
		expect_poll(r.poller, 10, "idle");
		expect(readable(fd), false);
		claim(r.p, 3);
		expect(dsr_abort_n(r.p, 2), 2);
		if (round % 2)
			expect_poll(r.poller, 10, "idle");
		expect(dsr_publish(r.p), 1);
		expect(readable(fd), true);
		expect_some(r.poller, 10);
	}
	finish(r.d);
}

CASE(poller, fd_tells_when_a_hole_is_filled)
{
	struct rig r = start_poller(true, CAPACITY);
	struct dsr_producer *other = producer_of(r.d);
	int fd = fd_of(r.poller);

	expect_poll(r.poller, 10, "idle");
	claim(r.p, 1);
	put(other, 1);
	expect_poll(r.poller, 10, "idle");
	expect(readable(fd), false);
	expect(dsr_publish(r.p), 1);
	expect(readable(fd), true);
	expect_poll(r.poller, 10, "0 1");
	finish(r.d);
}

CASE_BOTH(poller, fd_tells_that_those_before_it_are_done)
{
	struct seen s;
	struct rig r = start_gated(many, 3, &s);
	int fd = fd_of(r.poller);

	expect_poll(r.poller, 10, "idle");
	for (int i = 0; i < 3; i++) {
		put_held(r.p, &s);
		expect_poll(r.poller, 10, "gated");
		expect(readable(fd), false);
		sem_post(&s.go);
		await_readable(fd);
		expect_text(poll_taking(r.poller, 10, 10), i == 0 ? "0" : i == 1 ? "1" : "2");
		expect_poll(r.poller, 10, "idle");
	}
	finish(r.d);
}

static void end_by_fd(bool many, int (*end)(struct dsr_disruptor *d), const char *wanted)
{
	struct rig r = start_poller(many, CAPACITY);
	int fd = fd_of(r.poller);

	expect_poll(r.poller, 10, "idle");
	expect(readable(fd), false);
	expect(end(r.d), 0);
	expect(readable(fd), true);
	expect_poll(r.poller, 10, wanted);
	expect(readable(fd), true);
	expect_poll(r.poller, 10, wanted);
	finish(r.d);
}

CASE_BOTH(poller, fd_tells_the_end)
{
	char cancelled[16];

	snprintf(cancelled, sizeof(cancelled), "%d", -ECANCELED);
	end_by_fd(many, dsr_close, "drained");
	end_by_fd(many, dsr_halt, cancelled);
}

/* The last claim decides whether there is an event or the end. */
CASE_BOTH(poller, fd_tells_the_end_behind_the_last_claim)
{
	for (int aborts = 0; aborts < 2; aborts++) {
		struct rig r = start_poller(many, CAPACITY);
		int fd = fd_of(r.poller);

		claim(r.p, 1);
		expect(dsr_close(r.d), 0);
		expect_poll(r.poller, 10, "idle");
		expect(readable(fd), false);
		expect(aborts ? dsr_abort(r.p) : dsr_publish(r.p), 1);
		expect(readable(fd), true);
		if (!aborts)
			expect_poll(r.poller, 10, "0");
		expect_poll(r.poller, 10, "drained");
		finish(r.d);
	}
}

CASE(poller, fd_is_the_same_until_it_is_closed)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct dsr_poller *other;
	struct rig r;
	int fd, other_fd;

	add_poller(b, "poller", NULL);
	add_poller(b, "other", NULL);
	r = start_rig(b);
	other = poller_of(r.d, "other");
	fd = fd_of(r.poller);
	other_fd = fd_of(other);
	cr_assert(fd != other_fd);
	expect(fd_of(r.poller), fd);
	expect_poll(r.poller, 1, "idle");
	expect_poll(other, 1, "idle");
	put(r.p, 1);
	expect(readable(fd), true);
	expect(readable(other_fd), true);
	expect_poll(r.poller, 1, "0");
	expect_poll(r.poller, 1, "idle");
	expect(readable(fd), false);
	expect(readable(other_fd), true);
	expect(fd_of(r.poller), fd);
	expect(fd_of(other), other_fd);
	cr_assert(fcntl(fd, F_GETFD) >= 0);
	expect(dsr_detach(r.d, "poller", DSR_NOW), 0);
	expect(fcntl(fd, F_GETFD), -1);
	expect(errno, EBADF);
	finish(r.d);
	expect(fcntl(other_fd, F_GETFD), -1);
	expect(errno, EBADF);
}

/* A thread that sleeps in epoll_wait() whenever there is nothing. */
struct sleeper {
	struct dsr_poller *poller;
	int fd;
	int64_t taken; /* shared */
	int64_t wrong;
	int64_t sleeps;
	int end;
	pthread_t thread;
};

static int take_round(struct sleeper *s)
{
	struct dsr_batch *batch;
	int state = dsr_poll(s->poller, 3, &batch);
	int64_t *event;

	while (state == DSR_POLL_EVENTS && (event = dsr_batch_next(batch))) {
		s->wrong += *event != s->taken;
		/* Counted with release: the publisher goes on when it has seen it. */
		dsr_store_release(&s->taken, s->taken + 1);
	}
	return state;
}

static void *sleep_by_epoll(void *argument)
{
	struct sleeper *s = argument;
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int state = DSR_POLL_IDLE;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &event) < 0) {
		s->end = -errno;
		return NULL;
	}
	while (state != DSR_POLL_DRAINED && state >= 0) {
		state = take_round(s);
		if (state == DSR_POLL_IDLE || state == DSR_POLL_GATED) {
			s->sleeps++;
			while (epoll_wait(epoll, &event, 1, -1) < 1)
				;
		}
	}
	s->end = state;
	close(epoll);
	return NULL;
}

static void sleep_and_wake(struct rig r, int64_t rounds)
{
	struct sleeper s = {.poller = r.poller, .fd = fd_of(r.poller)};

	expect(pthread_create(&s.thread, NULL, sleep_by_epoll, &s), 0);
	for (int64_t i = 0; i < rounds; i++) {
		put(r.p, 1);
		/* Now and then two in a row; else the next one races with its falling asleep. */
		while (i % 7 && dsr_load_acquire(&s.taken) <= i)
			sched_yield();
	}
	expect(dsr_shutdown(r.d, DSR_FOREVER), 0);
	expect(pthread_join(s.thread, NULL), 0);
	expect(s.end, DSR_POLL_DRAINED);
	expect(s.taken, rounds);
	expect(s.wrong, 0);
	cr_assert(s.sleeps > 0);
	expect(dsr_destroy(r.d), 0);
}

CASE_BOTH(poller, fd_loses_no_wake_up)
{
	sleep_and_wake(start_poller(many, CAPACITY), 20000);
}

CASE_BOTH(poller, fd_loses_no_wake_up_behind_a_handler)
{
	struct seen s;

	sleep_and_wake(start_gated(many, 0, &s), 5000);
	expect(s.count, 5000);
}

CASE_BOTH(poller, goes_across_the_end_of_the_ring)
{
	struct rig r = start_limited(many, CAPACITY, 3 * CAPACITY - 3, 0);

	put(r.p, CAPACITY);
	expect_poll(r.poller, 100, "21 22 23 24 25 26 27 28");
	expect_poll(r.poller, 100, "idle");
	put(r.p, CAPACITY - 1);
	expect_poll(r.poller, 100, "29 30 31 32 33 34 35");
	finish(r.d);
}

/* As many as @n at most; how many there were. */
static int64_t take_up_to(struct dsr_poller *poller, uint32_t n, int64_t *next)
{
	struct dsr_batch *batch;
	int64_t *event, count = 0;
	int state = dsr_poll(poller, n, &batch);

	if (state != DSR_POLL_EVENTS)
		return -state;
	for (; (event = dsr_batch_next(batch)); count++) {
		expect(*event, *next);
		expect(dsr_batch_sequence(batch), (*next)++);
	}
	return count;
}

CASE_BOTH(poller, ends_with_the_last_sequence)
{
	struct rig r = start_limited(many, 4, DSR_SEQUENCE_MAX - 9, 0);
	int64_t next = DSR_SEQUENCE_MAX - 9;

	put(r.p, 4);
	expect(take_up_to(r.poller, 100, &next), 4);
	expect_poll(r.poller, UINT32_MAX, "idle");
	put(r.p, 4);
	expect(take_up_to(r.poller, UINT32_MAX, &next), 4);
	expect_poll(r.poller, 4, "idle");
	put(r.p, 2);
	expect(take_up_to(r.poller, 4, &next), 2);
	expect(next, DSR_SEQUENCE_MAX + 1);
	expect_poll(r.poller, 4, "idle");
	expect(dsr_claim_n(r.p, 1, DSR_NOW), -EOVERFLOW);
	expect_poll(r.poller, 4, "idle");
	expect(dsr_close(r.d), 0);
	expect_poll(r.poller, 4, "drained");
	finish(r.d);
}

static void *poll_once(void *argument)
{
	struct rig *r = argument;
	struct dsr_batch *batch = NULL;

	if (dsr_poll(r->poller, 2, &batch) == DSR_POLL_EVENTS)
		for (int i = 0; i < 2; i++)
			if (!dsr_batch_next(batch))
				return NULL;
	return batch;
}

/* From thread to thread, as long as it is one at a time. */
CASE_BOTH(poller, may_be_used_by_one_thread_after_the_other)
{
	struct rig r = start_poller(many, CAPACITY);

	put(r.p, CAPACITY);
	expect_poll(r.poller, 2, "0 1");
	for (int i = 0; i < 2; i++) {
		pthread_t thread;
		void *taken = NULL;

		expect(pthread_create(&thread, NULL, poll_once, &r), 0);
		expect(pthread_join(thread, &taken), 0);
		cr_assert(taken != NULL);
	}
	expect_poll(r.poller, 100, "6 7");
	expect(put_until_full(r.p), 6);
	finish(r.d);
}

/* Takes what is there, and passes it on, if there is where to. How many. */
static int64_t pass_all(struct dsr_poller *poller, struct dsr_producer *next)
{
	struct dsr_batch *batch;
	int64_t n = 0;

	while (dsr_poll(poller, 2, &batch) == DSR_POLL_EVENTS)
		for (; dsr_batch_next(batch); n++)
			if (next)
				put(next, 1);
	return n;
}

/*
 * Through one epoll, from one ring to the other; neither's events are a reason against the
 * other's.
 */
CASE_BOTH(poller, one_thread_polls_two_rings)
{
	enum { EVENTS = 1000 };
	struct rig a = start_poller(many, CAPACITY), b = start_poller(many, CAPACITY);
	int64_t sent = 1, passed = 0, taken = 0;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &a};

	cr_assert(epoll >= 0);
	expect(epoll_ctl(epoll, EPOLL_CTL_ADD, fd_of(a.poller), &event), 0);
	event.data.ptr = &b;
	expect(epoll_ctl(epoll, EPOLL_CTL_ADD, fd_of(b.poller), &event), 0);
	put(a.p, 1);
	expect_poll(a.poller, 1, "0");
	put_until_full(b.p);
	/* It holds an event of the one, and waits for room in the other. */
	expect(dsr_claim_n(b.p, 1, 1000 * 1000), -ETIMEDOUT);
	expect(pass_all(b.poller, NULL), CAPACITY);
	while (taken < EVENTS) {
		while (sent < EVENTS + 1 && sent < taken + 4) {
			put(a.p, 1);
			sent++;
		}
		expect(epoll_wait(epoll, &event, 1, -1), 1);
		if (event.data.ptr == &a)
			passed += pass_all(a.poller, b.p);
		else
			taken += pass_all(b.poller, NULL);
	}
	expect(passed, EVENTS);
	expect(taken, EVENTS);
	finish(a.d);
	finish(b.d);
	expect(close(epoll), 0);
}
