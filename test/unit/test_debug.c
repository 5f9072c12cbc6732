/* SPDX-License-Identifier: MIT */
/*
 * What the checks of debug builds refuse, and that right use is the same with
 * and without them. Built for both: DSR_DEBUG is 1 or 0 from outside.
 */
#include "unit.h"

TestSuite(debug, .timeout = 60);

enum { CAPACITY = 8 };

/* The calls of a second thread on a handle, and what they returned. */
struct second {
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	int64_t claim, claim_now, up_to, publish, publish_n, abort, abort_n;
	int error;
	bool claimed;
	pthread_t thread;
};

static void run_second(struct second *s, void *(*body)(void *))
{
	expect(pthread_create(&s->thread, NULL, body, s), 0);
	expect(pthread_join(s->thread, NULL), 0);
}

/* Takes a handle, puts one event, gives it back. */
static void *put_with_own(void *argument)
{
	struct second *s = argument;

	s->p = dsr_producer(s->d);
	if (!s->p)
		return NULL;
	s->claim = dsr_claim_n(s->p, 1, DSR_FOREVER);
	fill(s->p, s->claim, 1);
	s->publish = dsr_publish(s->p);
	s->error = dsr_producer_release(s->p);
	return NULL;
}

CASE_BOTH(debug, handle_moves_by_release)
{
	struct seen s;
	struct second second = {.error = -1};
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_seen(many, CAPACITY, &s);
	second.d = d;
	for (int64_t i = 0; i < 6; i += 2) {
		p = producer_of(d);
		expect(claim(p, 1), i);
		expect(dsr_publish(p), 1);
		expect(dsr_producer_release(p), 0);
		run_second(&second, put_with_own);
		/* The same page again, not another one. */
		cr_assert(second.p == p);
		expect(second.claim, i + 1);
		expect(second.publish, 1);
		expect(second.error, 0);
	}
	finish(d);
	expect(s.count, 6);
	expect(s.gaps, 0);
}

static void *put_with_given(void *argument)
{
	struct second *s = argument;

	s->claim = dsr_claim_n(s->p, 1, DSR_FOREVER);
	fill(s->p, s->claim, 1);
	s->publish = dsr_publish(s->p);
	return NULL;
}

/* It is the thread's that claims with it first. */
CASE_BOTH(debug, handle_that_is_new_is_anybodys)
{
	struct seen s;
	struct second second = {.claim = -1};
	struct dsr_disruptor *d;

	seen_init(&s, 0);
	d = start_seen(many, CAPACITY, &s);
	second.p = producer_of(d);
	run_second(&second, put_with_given);
	expect(second.claim, 0);
	expect(second.publish, 1);
	finish(d);
	expect(s.count, 1);
}

#if DSR_DEBUG

static void *use_anothers(void *argument)
{
	struct second *s = argument;
	uint32_t n = 2;

	s->claim = dsr_claim_n(s->p, 1, DSR_FOREVER);
	s->claim_now = dsr_claim_n(s->p, 2, DSR_NOW);
	s->up_to = dsr_claim_up_to(s->p, &n, DSR_FOREVER);
	s->claimed = dsr_claim(s->p) || dsr_try_claim(s->p) || dsr_claim_for(s->p, 1000);
	s->error = dsr_claim_error(s->p);
	s->publish = dsr_publish(s->p);
	s->publish_n = dsr_publish_n(s->p, 1);
	s->abort = dsr_abort(s->p);
	s->abort_n = dsr_abort_n(s->p, 1);
	return NULL;
}

CASE_BOTH(debug, handle_is_one_threads)
{
	struct seen s;
	struct second second = {.claim = 0};
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_seen(many, CAPACITY, &s);
	p = producer_of(d);
	expect(claim(p, 3), 0);
	second.p = p;
	run_second(&second, use_anothers);
	expect(second.claim, -EPERM);
	expect(second.claim_now, -EPERM);
	expect(second.up_to, -EPERM);
	expect(second.claimed, false);
	expect(second.error, -EPERM);
	expect(second.publish, -EPERM);
	expect(second.publish_n, -EPERM);
	expect(second.abort, -EPERM);
	expect(second.abort_n, -EPERM);
	/* Nothing has changed: its thread goes on with what is open. */
	expect(dsr_publish(p), 3);
	expect(claim(p, 1), 3);
	expect(dsr_publish(p), 1);
	finish(d);
	expect(s.count, 4);
	expect(s.gaps, 0);
}

/* Of NULL there is no field to read. Volatile, for compilers that would know too much. */
CASE(debug, null_is_no_handle)
{
	struct dsr_producer *volatile none = NULL;
	uint32_t n = 1;

	expect(dsr_claim_n(none, 1, DSR_FOREVER), -EINVAL);
	expect(dsr_claim_n(none, 1, DSR_NOW), -EINVAL);
	expect(dsr_claim_up_to(none, &n, DSR_FOREVER), -EINVAL);
	expect(n, 1);
	cr_assert(dsr_claim(none) == NULL);
	cr_assert(dsr_try_claim(none) == NULL);
	cr_assert(dsr_claim_for(none, 1000) == NULL);
	expect(dsr_publish(none), -EINVAL);
	expect(dsr_publish_n(none, 1), -EINVAL);
	expect(dsr_abort(none), -EINVAL);
	expect(dsr_abort_n(none, 1), -EINVAL);
}

#else

static void *finish_anothers(void *argument)
{
	struct second *s = argument;

	s->publish_n = dsr_publish_n(s->p, 1);
	s->abort_n = dsr_abort_n(s->p, 1);
	s->publish = dsr_publish(s->p);
	s->claim = dsr_claim_n(s->p, 2, DSR_FOREVER);
	fill(s->p, s->claim, 2);
	return NULL;
}

/* One after the other, ordered by create and join: nobody looks who it is. */
CASE_BOTH(debug, handle_may_be_passed_on)
{
	struct seen s;
	struct second second = {.claim = -1};
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	d = start_seen(many, CAPACITY, &s);
	p = producer_of(d);
	expect(claim(p, 3), 0);
	second.p = p;
	run_second(&second, finish_anothers);
	expect(second.publish_n, 1);
	expect(second.abort_n, 1);
	expect(second.publish, 1);
	expect(second.claim, 3);
	expect(dsr_publish(p), 2);
	expect(dsr_claim_error(p), 0);
	finish(d);
	expect(s.count, 4);
	expect(s.sequence[1], 2);
	expect(s.last, 4);
}

#endif
