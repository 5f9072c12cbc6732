/* SPDX-License-Identifier: MIT */
/* Claim, publish and abort; what single and many producers share runs for both. */
#include "unit.h"

TestSuite(producer, .timeout = 60);

static void expect_seen(const struct seen *s, uint64_t count)
{
	expect(s->count, count);
	expect(s->gaps, 0);
	for (uint64_t i = 0; i < count && i < SEEN_MAX; i++)
		expect(s->value[i], s->sequence[i]);
}

/* What was seen, and nothing else, in order. */
static void expect_sequences(const struct seen *s, const int64_t *sequences, uint64_t count)
{
	expect(s->count, count);
	for (uint64_t i = 0; i < count; i++) {
		expect(s->sequence[i], sequences[i]);
		expect(s->value[i], sequences[i]);
	}
}

#define expect_only(s, ...)                                 \
	expect_sequences(s, (const int64_t[]){__VA_ARGS__}, \
			 sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* A ring of @capacity that is full to the brim, and held at its first event. */
static struct dsr_producer *fill_up(struct dsr_disruptor *d, uint32_t capacity, struct seen *s)
{
	struct dsr_producer *p = producer_of(d);

	put_held(p, s);
	if (capacity > 1)
		put(p, capacity - 1);
	return p;
}

CASE_BOTH(producer, goes_round_a_thousand_times)
{
	for (uint32_t capacity = 1; capacity <= 4; capacity *= 2) {
		struct seen s;
		struct dsr_disruptor *d;
		struct dsr_producer *p;

		seen_init(&s, 0);
		d = start_seen(many, capacity, &s);
		p = producer_of(d);
		expect(dsr_capacity(d), capacity);
		for (uint32_t lap = 0; lap < 1000; lap++)
			for (uint32_t done = 0, n; done < capacity; done += n) {
				n = 1 + lap % (capacity - done);
				put(p, n);
			}
		finish(d);
		expect_seen(&s, UINT64_C(1000) * capacity);
		expect(s.last, INT64_C(1000) * capacity - 1);
	}
}

CASE_BOTH(producer, refuses_more_than_the_ring_and_less_than_one)
{
	for (uint32_t capacity = 1; capacity <= 4; capacity *= 2) {
		static const int64_t timeouts[] = {DSR_NOW, 1000, DSR_FOREVER};
		struct seen s;
		struct dsr_disruptor *d;
		struct dsr_producer *p;
		uint32_t n;

		seen_init(&s, 0);
		d = start_seen(many, capacity, &s);
		p = producer_of(d);
		for (int i = 0; i < 3; i++) {
			expect(dsr_claim_n(p, 0, timeouts[i]), -EINVAL);
			expect(dsr_claim_n(p, capacity + 1, timeouts[i]), -EINVAL);
			expect(dsr_claim_n(p, UINT32_MAX, timeouts[i]), -EINVAL);
			expect(dsr_claim_error(p), -EINVAL);
			n = 0;
			expect(dsr_claim_up_to(p, &n, timeouts[i]), -EINVAL);
			expect(n, 0);
			n = capacity + 1;
			expect(dsr_claim_up_to(p, &n, timeouts[i]), -EINVAL);
			expect(n, capacity + 1);
		}
		/* Nothing was taken: all of the ring from its first sequence on. */
		expect(dsr_publish(p), 0);
		expect(claim(p, capacity), 0);
		expect(dsr_publish(p), capacity);
		finish(d);
		expect_seen(&s, capacity);
	}
}

CASE_BOTH(producer, fills_the_ring_exactly)
{
	for (uint32_t capacity = 1; capacity <= 4; capacity *= 2) {
		struct seen s;
		struct dsr_disruptor *d;
		struct dsr_producer *p;
		uint32_t n = capacity;

		seen_init(&s, 1);
		d = start_seen(many, capacity, &s);
		p = fill_up(d, capacity, &s);
		expect(dsr_claim_error(p), 0);
		cr_assert(dsr_try_claim(p) == NULL);
		expect(dsr_claim_error(p), -EAGAIN);
		expect(dsr_claim_n(p, 1, -1), -EAGAIN);
		expect(dsr_claim_n(p, capacity, INT64_MIN), -EAGAIN);
		expect(dsr_claim_n(p, 1, 1), -ETIMEDOUT);
		expect(dsr_claim_n(p, capacity, 100 * 1000), -ETIMEDOUT);
		cr_assert(dsr_claim_for(p, 1) == NULL);
		expect(dsr_claim_error(p), -ETIMEDOUT);
		expect(dsr_claim_up_to(p, &n, DSR_NOW), -EAGAIN);
		expect(dsr_claim_up_to(p, &n, 1), -ETIMEDOUT);
		expect(n, capacity);
		expect(dsr_publish(p), 0);
		sem_post(&s.go);
		/* The claims that failed have left no hole: it goes on with the next sequence. */
		expect(claim(p, 1), capacity);
		expect(dsr_publish(p), 1);
		finish(d);
		expect_seen(&s, capacity + 1);
	}
}

CASE_BOTH(producer, takes_up_to_what_is_free)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	uint32_t n = 4;

	seen_init(&s, 1);
	d = start_seen(many, 4, &s);
	p = producer_of(d);
	put_held(p, &s);
	expect(dsr_claim_up_to(p, &n, DSR_NOW), 1);
	expect(n, 3);
	fill(p, 1, n);
	expect(dsr_publish_n(p, 3), 3);
	expect(dsr_claim_up_to(p, &n, DSR_NOW), -EAGAIN);
	expect(n, 3);
	sem_post(&s.go);
	n = 2;
	expect(dsr_claim_up_to(p, &n, DSR_FOREVER), 4);
	cr_assert(n == 1 || n == 2);
	fill(p, 4, n);
	expect(dsr_publish(p), n);
	finish(d);
	expect_seen(&s, 4 + n);
}

CASE_BOTH(producer, all_or_none_of_a_batch)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 1);
	d = start_seen(many, 4, &s);
	p = producer_of(d);
	put_held(p, &s);
	expect(dsr_claim_n(p, 4, DSR_NOW), -EAGAIN);
	expect(dsr_claim_n(p, 4, 1000), -ETIMEDOUT);
	expect(dsr_claim_n(p, 3, DSR_NOW), 1);
	fill(p, 1, 3);
	expect(dsr_publish(p), 3);
	sem_post(&s.go);
	finish(d);
	expect_seen(&s, 4);
}

CASE_BOTH(producer, begins_anywhere)
{
	static const int64_t firsts[] = {1, 5, INT64_C(1) << 31, INT64_C(1) << 62};

	for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++) {
		struct seen s;
		struct dsr_disruptor *d;
		struct dsr_producer *p;

		seen_init(&s, 0);
		d = start_at(many, 4, firsts[i], &s);
		p = producer_of(d);
		expect(claim(p, 3), firsts[i]);
		expect(dsr_publish(p), 3);
		/* Across the end of the ring, too. */
		expect(claim(p, 4), firsts[i] + 3);
		expect(dsr_publish(p), 4);
		finish(d);
		expect_seen(&s, 7);
		expect(s.sequence[0], firsts[i]);
	}
}

CASE_BOTH(producer, ends_with_the_last_sequence)
{
	static const int64_t timeouts[] = {DSR_FOREVER, 1000 * 1000, DSR_NOW};

	for (uint32_t capacity = 1; capacity <= 4; capacity *= 2) {
		struct seen s;
		struct dsr_disruptor *d;
		struct dsr_producer *p;

		seen_init(&s, 0);
		d = start_at(many, capacity, DSR_SEQUENCE_MAX - 9, &s);
		p = producer_of(d);
		for (int64_t i = 0; i < 10; i++) {
			expect(claim(p, 1), DSR_SEQUENCE_MAX - 9 + i);
			expect(dsr_publish(p), 1);
		}
		/* As often as you like: nothing wraps. */
		for (int i = 0; i < 30; i++) {
			expect(dsr_claim_n(p, 1, DSR_FOREVER), -EOVERFLOW);
			cr_assert(dsr_claim(p) == NULL);
			expect(dsr_claim_error(p), -EOVERFLOW);
			expect(dsr_publish(p), 0);
		}
		finish(d);
		expect_seen(&s, 10);
		expect(s.last, DSR_SEQUENCE_MAX);
	}
	for (int i = 0; i < 3; i++) {
		struct seen s;
		struct dsr_disruptor *d;
		struct dsr_producer *p;

		seen_init(&s, 0);
		d = start_at(many, 4, DSR_SEQUENCE_MAX - 1, &s);
		p = producer_of(d);
		/* Three, and there are two left. */
		expect(dsr_claim_n(p, 3, timeouts[i]), -EOVERFLOW);
		expect(dsr_publish(p), 0);
		finish(d);
		expect_seen(&s, 0);
	}
}

CASE_BOTH(producer, takes_what_is_left_of_the_sequences)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	uint32_t n = 4;

	seen_init(&s, 0);
	d = start_at(many, 4, DSR_SEQUENCE_MAX - 1, &s);
	p = producer_of(d);
	expect(dsr_claim_up_to(p, &n, DSR_FOREVER), DSR_SEQUENCE_MAX - 1);
	expect(n, 2);
	fill(p, DSR_SEQUENCE_MAX - 1, n);
	expect(dsr_publish(p), 2);
	expect(dsr_claim_up_to(p, &n, DSR_FOREVER), -EOVERFLOW);
	expect(n, 2);
	finish(d);
	expect_seen(&s, 2);
}

CASE_BOTH(producer, begins_with_the_last_sequence)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_at(many, 2, DSR_SEQUENCE_MAX, &s);
	p = producer_of(d);
	expect(claim(p, 1), DSR_SEQUENCE_MAX);
	expect(dsr_publish(p), 1);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -EOVERFLOW);
	finish(d);
	expect_only(&s, DSR_SEQUENCE_MAX);
}

CASE_BOTH(producer, aborts_a_whole_claim)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_seen(many, 4, &s);
	p = producer_of(d);
	/* More than a lap of it: consumers step over them and give the slots back. */
	for (int64_t i = 0; i < 5; i++) {
		expect(claim(p, 3), 3 * i);
		expect(dsr_abort(p), 3);
	}
	put(p, 2);
	claim(p, 4);
	expect(dsr_abort(p), 4);
	put(p, 1);
	finish(d);
	expect_only(&s, 15, 16, 21);
}

CASE_BOTH(producer, aborts_in_the_middle_of_a_claim)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_seen(many, 8, &s);
	p = producer_of(d);
	expect(claim(p, 8), 0);
	expect(dsr_publish_n(p, 2), 2);
	expect(dsr_abort_n(p, 3), 3);
	expect(dsr_publish(p), 3);
	expect(claim(p, 4), 8);
	expect(dsr_abort_n(p, 1), 1);
	expect(dsr_publish_n(p, 2), 2);
	expect(dsr_abort(p), 1);
	finish(d);
	expect_only(&s, 0, 1, 5, 6, 7, 9, 10);
}

CASE_BOTH(producer, aborts_the_last_events)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_seen(many, 4, &s);
	p = producer_of(d);
	put(p, 1);
	claim(p, 3);
	expect(dsr_abort(p), 3);
	/* Shutdown steps over them, too. */
	finish(d);
	expect_only(&s, 0);
}

CASE_BOTH(producer, has_nothing_open)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_seen(many, 4, &s);
	p = producer_of(d);
	for (int i = 0; i < 2; i++) {
		expect(dsr_publish(p), 0);
		expect(dsr_abort(p), 0);
		expect(dsr_publish_n(p, 1), -EINVAL);
		expect(dsr_abort_n(p, 1), -EINVAL);
		expect(dsr_publish_n(p, 0), -EINVAL);
		expect(dsr_abort_n(p, 0), -EINVAL);
		expect(dsr_claim_error(p), 0);
		put(p, 2);
	}
	finish(d);
	expect_seen(&s, 4);
}

CASE_BOTH(producer, publishes_no_more_than_is_open)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 1);
	d = start_seen(many, 8, &s);
	p = producer_of(d);
	claim(p, 3);
	expect(dsr_publish_n(p, 0), -EINVAL);
	expect(dsr_publish_n(p, 4), -EINVAL);
	expect(dsr_publish_n(p, UINT32_MAX), -EINVAL);
	expect(dsr_abort_n(p, 0), -EINVAL);
	expect(dsr_abort_n(p, 4), -EINVAL);
	expect(dsr_abort_n(p, UINT32_MAX), -EINVAL);
	expect(dsr_publish_n(p, 1), 1);
	wait_for(&s.arrived);
	expect(dsr_publish_n(p, 3), -EINVAL);
	expect(dsr_abort_n(p, 3), -EINVAL);
	expect(dsr_publish_n(p, 2), 2);
	expect(dsr_publish(p), 0);
	sem_post(&s.go);
	finish(d);
	expect_seen(&s, 3);
}

CASE(producer, open_claim_of_many_has_to_be_dealt_with)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p, *other;
	uint32_t n = 1;

	seen_init(&s, 0);
	d = start_seen(true, 8, &s);
	p = producer_of(d);
	other = producer_of(d);
	cr_assert(p != other);
	expect(claim(p, 2), 0);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -EBUSY);
	expect(dsr_claim_n(p, 1, DSR_NOW), -EBUSY);
	expect(dsr_claim_up_to(p, &n, DSR_NOW), -EBUSY);
	cr_assert(dsr_claim(p) == NULL);
	expect(dsr_claim_error(p), -EBUSY);
	/* The other's lies behind it, and may be published first. */
	expect(claim(other, 1), 2);
	expect(dsr_publish(other), 1);
	expect(dsr_publish_n(p, 1), 1);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -EBUSY);
	expect(dsr_publish_n(p, 1), 1);
	expect(claim(p, 1), 3);
	expect(dsr_publish(p), 1);
	finish(d);
	expect_seen(&s, 4);
}

CASE(producer, open_claim_of_a_single_one_grows)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	uint32_t n = 8;

	seen_init(&s, 0);
	d = start_seen(false, 8, &s);
	p = producer_of(d);
	expect(claim(p, 2), 0);
	expect(claim(p, 1), 2);
	expect(dsr_publish_n(p, 1), 1);
	expect(dsr_claim_n(p, 1, DSR_NOW), 3);
	fill(p, 3, 1);
	expect(dsr_publish(p), 3);
	expect(claim(p, 7), 4);
	expect(dsr_claim_up_to(p, &n, DSR_FOREVER), 11);
	expect(n, 1);
	fill(p, 11, 1);
	expect(dsr_publish(p), 8);
	finish(d);
	expect_seen(&s, 12);
}

CASE(producer, own_open_claim_fills_the_ring)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	uint32_t n = 2;

	seen_init(&s, 0);
	d = start_seen(false, 4, &s);
	p = producer_of(d);
	claim(p, 3);
	expect(dsr_claim_n(p, 2, DSR_FOREVER), -EDEADLK);
	claim(p, 1);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -EDEADLK);
	expect(dsr_claim_n(p, 1, INT64_C(3600) * 1000 * 1000 * 1000), -EDEADLK);
	expect(dsr_claim_up_to(p, &n, DSR_FOREVER), -EDEADLK);
	expect(n, 2);
	cr_assert(dsr_claim(p) == NULL);
	expect(dsr_claim_error(p), -EDEADLK);
	expect(dsr_claim_n(p, 1, DSR_NOW), -EAGAIN);
	/* What was open is open still. */
	expect(dsr_publish(p), 4);
	expect(claim(p, 1), 4);
	expect(dsr_publish(p), 1);
	finish(d);
	expect_seen(&s, 5);
}

CASE(producer, single_handle_is_out_once)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_seen(false, 4, &s);
	cr_assert(dsr_producer(NULL) == NULL);
	p = producer_of(d);
	cr_assert(dsr_producer(d) == NULL);
	claim(p, 1);
	expect(dsr_producer_release(p), -EBUSY);
	cr_assert(dsr_producer(d) == NULL);
	expect(dsr_publish(p), 1);
	expect(dsr_producer_release(p), 0);
	/* It goes on where the last one ended. */
	p = producer_of(d);
	expect(claim(p, 1), 1);
	expect(dsr_publish(p), 1);
	finish(d);
	expect_seen(&s, 2);
}

CASE(producer, many_handles_are_released_and_used_again)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p[20];
	int i, j;

	seen_init(&s, 0);
	d = start_seen(true, 32, &s);
	for (int round = 0; round < 3; round++) {
		for (i = 0; i < 20; i++) {
			p[i] = producer_of(d);
			for (j = 0; j < i; j++)
				cr_assert(p[i] != p[j]);
			put(p[i], 1);
		}
		claim(p[7], 1);
		expect(dsr_producer_release(p[7]), -EBUSY);
		expect(dsr_abort(p[7]), 1);
		for (i = 0; i < 20; i++)
			expect(dsr_producer_release(p[i]), 0);
	}
	expect(dsr_producer_release(p[0]), -EINVAL);
	expect(dsr_producer_release(NULL), -EINVAL);
	finish(d);
	expect(s.count, 60);
	expect(s.gaps, 2);
}

CASE_BOTH(producer, waits_as_it_is_told)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_seen(many, 2, &s);
	p = producer_of(d);
	expect(dsr_producer_set_wait(NULL, DSR_WAIT_YIELD), -EINVAL);
	expect(dsr_producer_set_wait(p, (enum dsr_wait)99), -EINVAL);
	expect(dsr_producer_set_wait(p, (enum dsr_wait) - 1), -EINVAL);
	expect(dsr_producer_set_wait(p, (enum dsr_wait)(DSR_WAIT_CUSTOM + 1)), -EINVAL);
	for (int wait = DSR_WAIT_DEFAULT; wait < DSR_WAIT_CUSTOM; wait++) {
		expect(dsr_producer_set_wait(p, (enum dsr_wait)wait), 0);
		for (int i = 0; i < 20; i++)
			put(p, 2);
	}
	finish(d);
	expect_seen(&s, DSR_WAIT_CUSTOM * 20 * 2);
}

CASE_BOTH(producer, blocked_one_goes_on_when_a_slot_is_free)
{
	for (uint32_t n = 1; n <= 4; n += 3) {
		struct seen s;
		struct dsr_disruptor *d;
		struct dsr_producer *p;
		struct caller c;

		seen_init(&s, 1);
		d = start_seen(many, 4, &s);
		p = fill_up(d, 4, &s);
		expect(dsr_producer_release(p), 0);
		caller_begin(&c, d, n, 3 * n);
		caller_await_waiting(&c);
		sem_post(&s.go);
		caller_join(&c);
		expect(c.error, 0);
		expect(c.claimed, 3 * n);
		finish(d);
		expect_seen(&s, 4 + 3 * n);
	}
}

/* A handler that claims from the ring that it handles. */
struct inner {
	struct dsr_disruptor *d;
	struct dsr_producer *p; /* NULL: takes one itself */
	int64_t blocking, batch, timed, now, up_to;
	int error;
	bool tried, early;
	uint64_t count, sum;
	sem_t arrived, go, done;
};

static int claim_inside(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct inner *in = state;
	uint32_t n = 2;

	(void)sequence;
	(void)end_of_batch;
	in->count++;
	in->sum += (uint64_t)(*(int64_t *)event);
	if (in->tried)
		return DSR_CONTINUE;
	in->tried = true;
	sem_post(&in->arrived);
	wait_for(&in->go);
	if (!in->p)
		in->p = dsr_producer(in->d);
	if (!in->p)
		return sem_post(&in->done), -ENOMEM;
	in->blocking = dsr_claim_n(in->p, 1, DSR_FOREVER);
	in->error = dsr_claim_error(in->p);
	in->early = dsr_claim(in->p) != NULL;
	in->batch = dsr_claim_n(in->p, 4, DSR_FOREVER);
	in->up_to = dsr_claim_up_to(in->p, &n, DSR_FOREVER);
	in->timed = dsr_claim_n(in->p, 1, INT64_C(3600) * 1000 * 1000 * 1000);
	in->now = dsr_claim_n(in->p, 1, DSR_NOW);
	sem_post(&in->done);
	return DSR_CONTINUE;
}

static struct dsr_disruptor *start_inner(bool many, struct inner *in)
{
	struct dsr_builder *b = build(many, 4);

	memset(in, 0, sizeof(*in));
	sem_init(&in->arrived, 0, 0);
	sem_init(&in->go, 0, 0);
	sem_init(&in->done, 0, 0);
	dsr_handle_events(b, &(struct dsr_handler){.on_event = claim_inside, .state = in});
	in->d = start(b);
	return in->d;
}

static void expect_deadlocks(const struct inner *in)
{
	expect(in->blocking, -EDEADLK);
	expect(in->error, -EDEADLK);
	expect(in->early, false);
	expect(in->batch, -EDEADLK);
	expect(in->up_to, -EDEADLK);
	expect(in->timed, -EDEADLK);
	expect(in->now, -EAGAIN);
}

CASE_BOTH(producer, handler_of_a_full_ring_would_wait_for_itself)
{
	struct inner in;
	struct dsr_disruptor *d = start_inner(many, &in);
	struct dsr_producer *p = producer_of(d);

	put(p, 1);
	wait_for(&in.arrived);
	put(p, 3);
	expect(dsr_producer_release(p), 0);
	sem_post(&in.go);
	wait_for(&in.done);
	expect(dsr_shutdown(d, DSR_FOREVER), 0);
	expect_deadlocks(&in);
	expect(in.count, 4);
	expect(in.sum, 0 + 1 + 2 + 3);
	expect(dsr_destroy(d), 0);
}

/* A handle from elsewhere does not know that it is a handler's before it is used. */
CASE(producer, handler_with_a_handle_from_elsewhere)
{
	struct inner in;
	struct dsr_disruptor *d = start_inner(true, &in);
	struct dsr_producer *p = producer_of(d);

	in.p = producer_of(d);
	put(p, 1);
	wait_for(&in.arrived);
	put(p, 3);
	sem_post(&in.go);
	/* And the ring goes on, over the claims that were given back. */
	for (int i = 0; i < 100; i++) {
		*(int64_t *)dsr_claim(p) = 1000;
		expect(dsr_publish(p), 1);
	}
	expect(dsr_shutdown(d, DSR_FOREVER), 0);
	expect_deadlocks(&in);
	expect(in.count, 104);
	expect(in.sum, 0 + 1 + 2 + 3 + 100 * 1000);
	expect(dsr_destroy(d), 0);
}

/* Each event but the last makes another one. */
struct chain {
	struct dsr_disruptor *d;
	int64_t count, most;
	sem_t go, done;
};

static int pass_on(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct chain *c = state;
	struct dsr_producer *p;
	int64_t *next;

	(void)event;
	(void)sequence;
	(void)end_of_batch;
	if (c->count == 0)
		wait_for(&c->go);
	p = c->count < c->most ? dsr_producer(c->d) : NULL;
	next = p ? dsr_claim(p) : NULL;
	if (++c->count > c->most) {
		sem_post(&c->done);
		return DSR_CONTINUE;
	}
	if (!next)
		return -EIO;
	*next = c->count;
	dsr_publish(p);
	return dsr_producer_release(p);
}

CASE_BOTH(producer, handler_may_claim_where_there_is_room)
{
	struct chain c = {.most = 100};
	struct dsr_builder *b = build(many, 4);
	struct dsr_producer *p;

	sem_init(&c.go, 0, 0);
	sem_init(&c.done, 0, 0);
	dsr_handle_events(
		b, &(struct dsr_handler){.on_event = pass_on, .state = &c, .wait = DSR_WAIT_YIELD});
	c.d = start(b);
	p = producer_of(c.d);
	put(p, 1);
	expect(dsr_producer_release(p), 0);
	sem_post(&c.go);
	wait_for(&c.done);
	finish(c.d);
	expect(c.count, 101);
}

static void tell_stop(void *state, int reason)
{
	struct seen *s = state;

	seen_stop(s, reason);
	sem_post(&s->arrived);
}

/* A ring of four that nobody reads: its slots still have one owner at a time. */
static void expect_one_owner(struct dsr_disruptor *d, struct dsr_producer *p, bool many)
{
	struct dsr_producer *other = many ? producer_of(d) : p;
	int64_t first = claim(p, 4);

	cr_assert(dsr_try_claim(other) == NULL);
	expect(dsr_claim_error(other), -EAGAIN);
	if (!many) {
		expect(dsr_claim_n(p, 1, DSR_FOREVER), -EDEADLK);
	} else {
		expect(dsr_claim_n(other, 1, 1), -ETIMEDOUT);
		expect(dsr_publish_n(p, 1), 1);
		expect(dsr_claim_n(other, 1, DSR_FOREVER), first + 4);
		/* The slot of the second is still open. */
		expect(dsr_publish(other), 1);
		expect(dsr_claim_n(other, 1, DSR_NOW), -EAGAIN);
		expect(dsr_abort_n(p, 2), 2);
		expect(dsr_claim_n(other, 3, DSR_NOW), -EAGAIN);
		expect(dsr_claim_n(other, 2, DSR_NOW), first + 5);
		expect(dsr_abort(other), 2);
	}
	dsr_publish(p);
	for (int i = 0; i < 1000; i++)
		put(i % 2 ? other : p, 1 + i % 4);
}

CASE_BOTH(producer, the_last_reader_has_left)
{
	struct seen s;
	struct dsr_builder *b = build(many, 4);
	struct dsr_handler handler = seen_handler(&s);
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	s.answer_at = 2;
	s.answer = DSR_STOP;
	handler.on_stop = tell_stop;
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	p = producer_of(d);
	put(p, 3);
	wait_for(&s.arrived);
	expect_one_owner(d, p, many);
	finish(d);
	expect(s.count, 3);
}

struct tick {
	double price;
	int64_t volume;
};
DSR_EVENT(tick, struct tick);

struct line {
	_Alignas(64) char text[70];
	int64_t number;
};
DSR_EVENT(line, struct line);

static int sum_ticks(struct dsr_batch *batch, void *state)
{
	struct tick *sum = state, *t;

	while ((t = tick_batch_next(batch))) {
		sum->price += t->price;
		sum->volume += t->volume;
	}
	return DSR_CONTINUE;
}

/* A halted ring has nobody to see an event, whatever room there is in it. */
static void expect_cancelled_by_halt(void)
{
	struct seen s;
	struct caller c;
	struct dsr_builder *b = build(true, 4);
	struct dsr_handler handler = seen_handler(&s);
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	handler.on_stop = tell_stop;
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	p = producer_of(d);
	claim(p, 4);
	caller_begin(&c, d, 1, 1);
	caller_await_waiting(&c);
	expect(dsr_halt(d), 0);
	wait_for(&s.arrived);
	expect(dsr_publish(p), 4);
	caller_join(&c);
	expect(c.error, -ECANCELED);
	expect(c.claimed, 0);
	finish(d);
	expect(s.count, 0);
}

CASE(producer, waiting_claim_of_many_is_cancelled_by_a_halt)
{
	/* It depends on who looks first, so more than once. */
	for (int i = 0; i < 10; i++)
		expect_cancelled_by_halt();
}

CASE_BOTH(producer, handle_comes_back_as_new)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 1);
	d = start_seen(many, 1, &s);
	p = producer_of(d);
	put_held(p, &s);
	expect(dsr_claim_n(p, 1, DSR_NOW), -EAGAIN);
	expect(dsr_claim_error(p), -EAGAIN);
	expect(dsr_producer_release(p), 0);
	p = producer_of(d);
	expect(dsr_claim_error(p), 0);
	sem_post(&s.go);
	put(p, 1);
	finish(d);
	expect(s.count, 2);
}

CASE_BOTH(producer, of_typed_events)
{
	struct dsr_builder *b = many ? tick_build_multi_producer(8) : tick_build_single_producer(8);
	struct tick sum = {0}, *t;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	int64_t first;

	dsr_handle_events(b, &(struct dsr_handler){.on_batch = sum_ticks, .state = &sum});
	d = start(b);
	p = producer_of(d);
	t = tick_claim(p);
	*t = (struct tick){.price = 0.5, .volume = 1};
	expect(dsr_publish(p), 1);
	t = tick_try_claim(p);
	*t = (struct tick){.price = 0.25, .volume = 20};
	expect(dsr_publish(p), 1);
	t = tick_claim_for(p, 1000);
	*t = (struct tick){.price = 8, .volume = 300};
	expect(dsr_publish(p), 1);
	first = dsr_claim_n(p, 2, DSR_FOREVER);
	*tick_event(p, first) = (struct tick){.price = 16, .volume = 4000};
	*tick_event(p, first + 1) = (struct tick){.price = 32, .volume = 50000};
	expect(dsr_publish(p), 2);
	finish(d);
	cr_assert(sum.price == 0.5 + 0.25 + 8 + 16 + 32);
	expect(sum.volume, 54321);
}

struct lines {
	int64_t count, misaligned, wrong;
};

static int check_line(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct line *l = event;
	struct lines *lines = state;

	(void)end_of_batch;
	lines->count++;
	lines->misaligned += (uintptr_t)event % 64 != 0;
	lines->wrong += l->number != sequence;
	return DSR_CONTINUE;
}

CASE_BOTH(producer, of_events_that_fill_lines)
{
	struct dsr_builder *b = many ? line_build_multi_producer(8) : line_build_single_producer(8);
	struct lines lines = {0};
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	dsr_handle_events(b, &(struct dsr_handler){.on_event = check_line, .state = &lines});
	d = start(b);
	p = producer_of(d);
	for (int64_t i = 0; i < 40; i++) {
		struct line *l = line_claim(p);

		expect((uintptr_t)l % 64, 0);
		l->number = i;
		expect(dsr_publish(p), 1);
	}
	finish(d);
	expect(lines.count, 40);
	expect(lines.misaligned + lines.wrong, 0);
}

static int count_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)event;
	(void)sequence;
	(void)end_of_batch;
	++*(int64_t *)state;
	return DSR_CONTINUE;
}

/* The stride of a ring; checks on the way that no event is out of line or overlaps. */
static uint64_t stride_of(size_t size, size_t alignment, bool many)
{
	struct dsr_builder *b =
		many ? dsr_build_multi_producer(4, size) : dsr_build_single_producer(4, size);
	int64_t counted = 0;
	struct dsr_handler handler = {.on_event = count_event, .state = &counted};
	struct dsr_placement report;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	if (alignment)
		expect(dsr_event_alignment(b, alignment), 0);
	dsr_handle_events(b, &handler);
	d = start(b);
	p = producer_of(d);
	expect(dsr_placement_read(d, &report), 0);
	expect(dsr_claim_n(p, 4, DSR_NOW), 0);
	for (int64_t i = 0; i < 4; i++) {
		char *event = dsr_event(p, i);

		expect((uintptr_t)event % (alignment ? alignment : 8), 0);
		expect(event - (char *)dsr_event(p, 0), i * (int64_t)report.stride);
		/* All of it is the caller's: nothing but the stamps is there beside. */
		memset(event, 0xff, size);
	}
	expect(dsr_publish(p), 4);
	expect(report.slot_bytes, 4 * report.stride);
	finish(d);
	expect(counted, 4);
	return report.stride;
}

CASE_BOTH(producer, stride)
{
	static const struct {
		size_t size;
		uint64_t stride;
	} cases[] = {{1, 16},  {8, 16},   {9, 32},    {24, 32},  {25, 64},
		     {56, 64}, {57, 128}, {120, 128}, {121, 192}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t size = cases[i].size;

		expect(stride_of(size, 0, many), cases[i].stride);
		/* A stricter alignment widens what is narrower, and nothing else. */
		for (size_t alignment = 1; alignment <= 64; alignment *= 2)
			expect(stride_of(size, alignment, many),
			       cases[i].stride > alignment ? cases[i].stride : alignment);
	}
}
