/* SPDX-License-Identifier: MIT */
/* What a builder takes and refuses, and what it says about it; slots' init and fini. */
#include "unit.h"

TestSuite(builder, .timeout = 60);

static int nothing(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)event;
	(void)sequence;
	(void)end_of_batch;
	(void)state;
	return DSR_CONTINUE;
}

static int nothing_batch(struct dsr_batch *batch, void *state)
{
	(void)state;
	while (dsr_batch_next(batch))
		;
	return DSR_CONTINUE;
}

static struct dsr_handler named(const char *name)
{
	return (struct dsr_handler){.on_event = nothing, .name = name};
}

/* The mistake is kept, told with @word in it, and returned by whatever comes then. */
static void expect_stuck(struct dsr_builder *b, int error, const char *word)
{
	struct dsr_handler handler = named("later");
	struct dsr_disruptor *d = (void *)b;
	char first[512];

	cr_assert(b != NULL);
	snprintf(first, sizeof(first), "%s", dsr_builder_message(b));
	cr_assert(strstr(first, word) != NULL, "no \"%s\" in \"%s\"", word, first);
	expect(dsr_event_alignment(b, 3), error);
	expect(dsr_event_alignment(b, 8), error);
	expect(dsr_event_lifecycle(b, NULL, NULL, NULL), error);
	expect(dsr_first_sequence(b, -1), error);
	expect(dsr_place_slots(b, DSR_ANYWHERE, DSR_PREFER), error);
	expect(dsr_handle_events(b, NULL), error);
	expect(dsr_handle_events(b, &handler), error);
	expect(dsr_start(b, &d), error);
	cr_assert(d == NULL);
	cr_assert_str_eq(dsr_builder_message(b), first);
	expect(dsr_builder_destroy(b), 0);
}

static void expect_ring_refused(uint64_t capacity, size_t size, int error, const char *word)
{
	expect_stuck(dsr_build_single_producer(capacity, size), error, word);
	expect_stuck(dsr_build_multi_producer(capacity, size), error, word);
}

/* Refused as the second handler, so that there is one to be mixed up with. */
static void expect_handler_refused(struct dsr_handler handler, int error, const char *word)
{
	struct dsr_builder *b = build(false, 8);
	struct dsr_handler good = named("good");

	expect(dsr_handle_events(b, &good), 0);
	expect(dsr_handle_events(b, &handler), error);
	expect_stuck(b, error, word);
}

CASE(builder, capacity_is_a_power_of_two_up_to_the_most)
{
	expect_ring_refused(0, 8, -EINVAL, "capacity 0");
	expect_ring_refused(3, 8, -EINVAL, "capacity 3");
	expect_ring_refused(UINT64_MAX, 8, -EINVAL, "18446744073709551615");
	expect_ring_refused(UINT64_C(1) << 63, 8, -EOVERFLOW, "9223372036854775808");
	expect_ring_refused(DSR_CAPACITY_MAX * 2, 8, -EOVERFLOW, "4294967296");
}

CASE(builder, most_capacity_is_a_builder)
{
	struct dsr_builder *b = build(false, DSR_CAPACITY_MAX);

	cr_assert_str_eq(dsr_builder_message(b), "");
	expect(dsr_builder_destroy(b), 0);
}

CASE(builder, event_size_can_be_addressed)
{
	expect_ring_refused(8, 0, -EINVAL, "event size");
	expect_ring_refused(8, SIZE_MAX, -EOVERFLOW, "18446744073709551615");
	expect_ring_refused(8, SIZE_MAX - 8, -EOVERFLOW, "addressed");
	expect_ring_refused(8, (size_t)1 << 62, -EOVERFLOW, "4611686018427387904");
	expect_ring_refused(1, (size_t)1 << 47, -EOVERFLOW, "addressed");
}

/* Beyond any machine's memory, and within what can be addressed. */
CASE(builder, more_memory_than_there_is_fails_the_start)
{
	struct dsr_builder *b = dsr_build_single_producer(DSR_CAPACITY_MAX, 32 * 1024);
	struct dsr_handler handler = named("alone");
	struct dsr_disruptor *d = (void *)b;

	expect(dsr_handle_events(b, &handler), 0);
	expect(dsr_start(b, &d), -ENOMEM);
	cr_assert(d == NULL);
	expect_stuck(b, -ENOMEM, "slots");
}

CASE(builder, alignment_is_a_power_of_two_up_to_a_line)
{
	static const size_t bad[] = {0, 3, 65, 128, SIZE_MAX};
	struct dsr_builder *b;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char word[32];

		b = build(true, 8);
		snprintf(word, sizeof(word), "alignment %zu", bad[i]);
		expect(dsr_event_alignment(b, bad[i]), -EINVAL);
		expect_stuck(b, -EINVAL, word);
	}
	b = build(true, 8);
	for (size_t good = 1; good <= DSR_ALIGNMENT_MAX; good *= 2)
		expect(dsr_event_alignment(b, good), 0);
	expect(dsr_builder_destroy(b), 0);
}

CASE(builder, first_sequence_is_a_sequence)
{
	struct dsr_builder *b = build(false, 8);

	expect(dsr_first_sequence(b, 0), 0);
	expect(dsr_first_sequence(b, DSR_SEQUENCE_MAX), 0);
	expect(dsr_first_sequence(b, -1), -EINVAL);
	expect_stuck(b, -EINVAL, "first sequence -1");
	b = build(false, 8);
	expect(dsr_first_sequence(b, DSR_SEQUENCE_MAX + 1), -EINVAL);
	expect_stuck(b, -EINVAL, "9223372036854775806");
}

CASE(builder, slots_have_a_place_that_exists)
{
	static const int bad[] = {1, -1, DSR_CPU(0), DSR_ANYWHERE | 8, INT32_MIN};
	struct dsr_builder *b;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		b = build(false, 8);
		expect(dsr_place_slots(b, bad[i], DSR_PREFER), -EINVAL);
		expect_stuck(b, -EINVAL, "slots");
	}
	b = build(false, 8);
	expect(dsr_place_slots(b, DSR_CONSUMER_NODE, DSR_PREFER), 0);
	expect(dsr_place_slots(b, DSR_ANYWHERE, DSR_REQUIRE), 0);
	expect(dsr_place_slots(b, DSR_NODE(0), DSR_REQUIRE), 0);
	expect(dsr_place_slots(b, DSR_NODE(0), (enum dsr_strictness)2), -EINVAL);
	expect_stuck(b, -EINVAL, "strictness 2");
}

CASE(builder, handler_has_one_function)
{
	struct dsr_handler both = named("both"), none = {.name = "none"};
	struct dsr_builder *b = build(false, 8);

	both.on_batch = nothing_batch;
	expect_handler_refused(both, -EINVAL, "both");
	expect_handler_refused(none, -EINVAL, "none");
	expect(dsr_handle_events(b, NULL), -EINVAL);
	expect_stuck(b, -EINVAL, "handler 0");
}

CASE(builder, handler_names)
{
	struct dsr_builder *b = build(false, 8);
	char name[] = "fifteen-bytes-x";
	struct dsr_handler handler = named(name);

	cr_assert(strlen(name) == DSR_NAME_MAX);
	expect(dsr_handle_events(b, &handler), 0);
	/* It was copied: this is another one. */
	name[0] = 'F';
	expect(dsr_handle_events(b, &handler), 0);
	expect(dsr_handle_events(b, &handler), -EEXIST);
	expect_stuck(b, -EEXIST, "Fifteen-bytes-x");
	expect_handler_refused(named("sixteen-bytes-xy"), -ENAMETOOLONG, "sixteen-bytes-xy");
	expect_handler_refused(named("good"), -EEXIST, "good");
	/* Names given by default are names. */
	b = build(false, 8);
	handler = named("processor-1");
	expect(dsr_handle_events(b, &handler), 0);
	handler = named(NULL);
	expect(dsr_handle_events(b, &handler), -EEXIST);
	expect_stuck(b, -EEXIST, "processor-1");
}

CASE(builder, handler_settings)
{
	struct dsr_handler handler = named("culprit");
	struct dsr_builder *b = build(false, 8);

	handler.max_batch = 8;
	expect(dsr_handle_events(b, &handler), 0);
	expect(dsr_builder_destroy(b), 0);
	handler.max_batch = 9;
	expect_handler_refused(handler, -EINVAL, "culprit: max_batch 9");
	handler = named("culprit");
	handler.wait = (enum dsr_wait)99;
	expect_handler_refused(handler, -EINVAL, "culprit: wait strategy 99");
	handler = named("culprit");
	handler.pin = 1;
	expect_handler_refused(handler, -EINVAL, "culprit: pin 0x1");
	handler.pin = -1;
	expect_handler_refused(handler, -EINVAL, "culprit");
	handler.pin = DSR_CPU(1) | DSR_NODE(2);
	expect_handler_refused(handler, -EINVAL, "culprit");
	handler.pin = DSR_ANYWHERE;
	expect_handler_refused(handler, -EINVAL, "culprit");
}

/* Whether it exists is known when it is started only. */
static void expect_no_such_place(int pin, const char *word)
{
	struct dsr_builder *b = build(false, 8);
	struct dsr_handler good = named("good"), lost = named("lost");
	struct dsr_disruptor *d = (void *)b;

	lost.pin = pin;
	expect(dsr_handle_events(b, &good), 0);
	expect(dsr_handle_events(b, &lost), 0);
	expect(dsr_start(b, &d), -ENODEV);
	cr_assert(d == NULL);
	cr_assert(strstr(dsr_builder_message(b), word) != NULL);
	expect_stuck(b, -ENODEV, "lost");
}

CASE(builder, pin_to_what_does_not_exist)
{
	expect_no_such_place(DSR_CPU(100000), "CPU 100000");
	expect_no_such_place(DSR_NODE(900), "node 900");
}

CASE(builder, first_mistake_is_kept)
{
	struct dsr_builder *b = build(false, 8);
	struct dsr_handler twice = named("twice");

	expect(dsr_handle_events(b, &twice), 0);
	expect(dsr_handle_events(b, &twice), -EEXIST);
	expect(dsr_first_sequence(b, -5), -EEXIST);
	expect(dsr_event_alignment(b, 128), -EEXIST);
	cr_assert(strstr(dsr_builder_message(b), "128") == NULL);
	expect_stuck(b, -EEXIST, "twice");
}

CASE(builder, of_another_generation)
{
	struct dsr_builder *b = dsr_builder_create(DSR_ABI + 1, false, 8, 8);

	expect_stuck(b, -ENOEXEC, "generation");
	/* What else is wrong does not matter then. */
	b = dsr_builder_create(DSR_ABI + 1, true, 3, 0);
	expect_stuck(b, -ENOEXEC, "generation");
}

/* A program of tomorrow, with a field that we do not know. */
struct larger_handler {
	struct dsr_handler known;
	uint64_t unknown;
};

CASE(builder, handler_of_newer_headers)
{
	struct larger_handler larger = {.known = {.on_event = nothing, .name = "newer"}};
	struct dsr_builder *b = build(false, 8);

	expect(dsr_handle_events_sized(b, &larger.known, sizeof(larger)), 0);
	larger.known.name = "newest";
	larger.unknown = UINT64_C(1) << 63;
	expect(dsr_handle_events_sized(b, &larger.known, sizeof(larger)), -E2BIG);
	expect_stuck(b, -E2BIG, "handler 1");
}

CASE(builder, handler_of_older_headers)
{
	struct dsr_handler handler = named("older");
	struct dsr_builder *b = build(false, 8);

	/* Beyond the size that is told, nothing is read. */
	handler.max_batch = 9;
	expect(dsr_handle_events_sized(b, &handler, offsetof(struct dsr_handler, max_batch)), 0);
	expect(dsr_builder_destroy(b), 0);
}

CASE(builder, null_is_no_memory)
{
	struct dsr_handler handler = named("any");
	struct dsr_disruptor *d = (void *)&handler;

	expect(dsr_event_alignment(NULL, 8), -ENOMEM);
	expect(dsr_event_lifecycle(NULL, NULL, NULL, NULL), -ENOMEM);
	expect(dsr_first_sequence(NULL, 0), -ENOMEM);
	expect(dsr_place_slots(NULL, DSR_ANYWHERE, DSR_PREFER), -ENOMEM);
	expect(dsr_handle_events(NULL, &handler), -ENOMEM);
	expect(dsr_start(NULL, &d), -ENOMEM);
	cr_assert(d == NULL);
	cr_assert_str_eq(dsr_builder_message(NULL), dsr_strerror(-ENOMEM));
	expect(dsr_builder_destroy(NULL), 0);
}

CASE(builder, start_wants_somewhere_to_put_it)
{
	struct dsr_handler handler = named("any");
	struct dsr_builder *b = build(false, 8);

	expect(dsr_handle_events(b, &handler), 0);
	expect(dsr_start(b, NULL), -EINVAL);
	/* The caller's mistake, not the builder's. */
	cr_assert_str_eq(dsr_builder_message(b), "");
	finish(start(b));
}

CASE_BOTH(builder, start_wants_a_handler)
{
	struct dsr_builder *b = build(many, 8);
	struct dsr_disruptor *d = (void *)b;

	expect(dsr_start(b, &d), -EINVAL);
	cr_assert(d == NULL);
	expect_stuck(b, -EINVAL, "no handler");
}

CASE_BOTH(builder, started_builder_belongs_to_the_disruptor)
{
	struct dsr_builder *b = build(many, 8);
	struct dsr_handler handler = named("any");
	struct dsr_disruptor *d, *second = (void *)b;

	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	expect(dsr_start(b, &second), -EALREADY);
	cr_assert(second == NULL);
	handler.name = "another";
	expect(dsr_handle_events(b, &handler), -EALREADY);
	expect(dsr_event_alignment(b, 16), -EALREADY);
	expect(dsr_event_lifecycle(b, NULL, NULL, NULL), -EALREADY);
	expect(dsr_first_sequence(b, 1), -EALREADY);
	expect(dsr_place_slots(b, DSR_ANYWHERE, DSR_PREFER), -EALREADY);
	expect(dsr_builder_destroy(b), -EBUSY);
	cr_assert_str_eq(dsr_builder_message(b), "");
	expect(dsr_shutdown(d, DSR_FOREVER), 0);
	expect(dsr_builder_destroy(b), -EBUSY);
	expect(dsr_destroy(d), 0);
}

enum { SLOTS = 8, EVENT = 40, NEVER = 1000 };

/* The context of init and fini. */
struct slots {
	uint64_t prepared, cleared, fails_at;
	uint64_t mistakes;
	char *event[SLOTS];
	pthread_t thread;
};

static int prepare(void *event, uint64_t index, void *context)
{
	static const char zeros[EVENT];
	struct slots *s = context;

	s->mistakes += index != s->prepared || index >= SLOTS;
	s->mistakes += memcmp(event, zeros, EVENT) != 0;
	s->mistakes += !pthread_equal(pthread_self(), s->thread);
	if (index == s->fails_at)
		return -ENOSPC;
	memset(event, (int)index + 1, EVENT);
	s->event[s->prepared++] = event;
	return 0;
}

static void clear(void *event, uint64_t index, void *context)
{
	struct slots *s = context;

	s->mistakes += index >= s->prepared || s->event[index] != event;
	s->mistakes += ((char *)event)[0] != (char)(index + 1);
	s->mistakes += ((char *)event)[EVENT - 1] != (char)(index + 1);
	/* A second time would be seen. */
	memset(event, 0, EVENT);
	s->cleared++;
}

static struct dsr_builder *build_slots(struct slots *s, uint64_t fails_at)
{
	struct dsr_builder *b = dsr_build_multi_producer(SLOTS, EVENT);
	struct dsr_handler handler = named("reads nothing");

	*s = (struct slots){.fails_at = fails_at, .thread = pthread_self()};
	expect(dsr_handle_events(b, &handler), 0);
	expect(dsr_event_lifecycle(b, prepare, clear, s), 0);
	return b;
}

CASE(builder, slots_are_prepared_and_cleared_once)
{
	struct slots s;
	struct dsr_disruptor *d = start(build_slots(&s, NEVER));
	struct dsr_producer *p = producer_of(d);

	expect(s.prepared, SLOTS);
	expect(s.cleared, 0);
	for (int64_t i = 0; i < 3 * SLOTS; i++) {
		char *event = dsr_claim(p);

		cr_assert(event == s.event[i % SLOTS]);
		/* An event keeps what it held one lap ago. */
		expect(event[0], i % SLOTS + 1);
		expect(dsr_publish(p), 1);
	}
	expect(dsr_shutdown(d, DSR_FOREVER), 0);
	expect(s.cleared, 0);
	expect(dsr_destroy(d), 0);
	expect(s.prepared, SLOTS);
	expect(s.cleared, SLOTS);
	expect(s.mistakes, 0);
}

CASE(builder, failed_init_clears_what_was_prepared)
{
	struct slots s;
	struct dsr_builder *b = build_slots(&s, 3);
	struct dsr_disruptor *d = (void *)b;

	expect(dsr_start(b, &d), -ENOSPC);
	cr_assert(d == NULL);
	expect(s.prepared, 3);
	expect(s.cleared, 3);
	expect(s.mistakes, 0);
	expect_stuck(b, -ENOSPC, "event 3");
	expect(s.cleared, 3);
}

CASE(builder, init_that_fails_at_once_leaves_nothing)
{
	struct slots s;
	struct dsr_builder *b = build_slots(&s, 0);
	struct dsr_disruptor *d;

	expect(dsr_start(b, &d), -ENOSPC);
	expect(s.cleared, 0);
	expect_stuck(b, -ENOSPC, "event 0");
}

static int refuse(void *state)
{
	(void)state;
	return -ENOTRECOVERABLE;
}

CASE(builder, start_that_fails_late_clears_all)
{
	struct slots s;
	struct dsr_builder *b = build_slots(&s, NEVER);
	struct dsr_handler handler = named("refuses");
	struct dsr_disruptor *d;

	handler.on_start = refuse;
	expect(dsr_handle_events(b, &handler), 0);
	expect(dsr_start(b, &d), -ENOTRECOVERABLE);
	expect(s.prepared, SLOTS);
	expect(s.cleared, SLOTS);
	expect(s.mistakes, 0);
	expect_stuck(b, -ENOTRECOVERABLE, "refuses");
}

CASE(builder, either_of_init_and_fini_may_be_missing)
{
	struct slots s;
	struct dsr_builder *b = build_slots(&s, NEVER);

	expect(dsr_event_lifecycle(b, prepare, NULL, &s), 0);
	finish(start(b));
	expect(s.prepared, SLOTS);
	expect(s.cleared, 0);
	b = build_slots(&s, NEVER);
	expect(dsr_event_lifecycle(b, NULL, NULL, NULL), 0);
	finish(start(b));
	expect(s.prepared + s.cleared, 0);
}

static void count(void *event, uint64_t index, void *context)
{
	(void)event;
	(void)index;
	++*(uint64_t *)context;
}

CASE(builder, fini_alone_sees_each_slot)
{
	struct slots s;
	uint64_t counted = 0;
	struct dsr_builder *b = build_slots(&s, NEVER);

	expect(dsr_event_lifecycle(b, NULL, count, &counted), 0);
	finish(start(b));
	expect(counted, SLOTS);
}
