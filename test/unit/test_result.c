/* SPDX-License-Identifier: MIT */
/* What comes of a handler's answers: stop all, again, failed; and what it is told of a batch. */
#include <stdarg.h>

#include "conformance.h"

TestSuite(result, .timeout = 60);

enum { CAPACITY = 8, LINES = 4 };

/* At this event, so many times, this answer. */
struct line {
	int64_t at;
	int times;
	int answer;
};

/**
 * struct script - a handler that does as it is told and keeps a log of it
 * @log:       "4" for an event, "5E" for one at the end of a batch, "[3/5" for
 *	       on_batch_start() with size and depth, "~" for a batch handler that is
 *	       called, "!5:-7" for on_error(), ".0" for on_stop() with its reason;
 *	       "?" behind an event that is not what was put
 * @events:    answers of the handler, 0 otherwise
 * @errors:    answers of on_error(), 0 otherwise
 * @holds:     bit n: held at event n, the first time
 * @take:      batch handler: it leaves after so many; 0: it takes all there are
 * @release:   batch handler: it releases behind this event; 0: never
 * @refuses:   batch handler: the call, 1 the first, in which it takes nothing
 * @refusal:   and returns this
 * @stopped:   posted by on_stop()
 */
struct script {
	char log[1024];
	size_t length;
	struct line events[LINES];
	struct line errors[LINES];
	uint64_t holds;
	int64_t take, release;
	int calls, refuses, refusal;
	sem_t arrived, go, stopped;
};

static void __attribute__((format(printf, 2, 3))) say(struct script *s, const char *format, ...)
{
	size_t room = sizeof(s->log) - s->length;
	va_list list;
	int length;

	/* What goes on for ever is cut off. */
	if (room < 64)
		return;
	va_start(list, format);
	length = vsnprintf(s->log + s->length, room, format, list);
	va_end(list);
	s->length += (size_t)length;
	s->log[s->length++] = ' ';
	s->log[s->length] = '\0';
}

static int answer_at(struct line *lines, int64_t sequence)
{
	for (int i = 0; i < LINES; i++)
		if (lines[i].times > 0 && lines[i].at == sequence) {
			lines[i].times--;
			return lines[i].answer;
		}
	return DSR_CONTINUE;
}

static void hold(struct script *s, int64_t sequence)
{
	uint64_t bit = sequence < 64 ? UINT64_C(1) << sequence : 0;

	if (s->holds & bit) {
		s->holds &= ~bit;
		sem_post(&s->arrived);
		wait_for(&s->go);
	}
}

static int play_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct script *s = state;

	say(s, "%" PRId64 "%s%s", sequence, end_of_batch ? "E" : "",
	    *(int64_t *)event == sequence ? "" : "?");
	hold(s, sequence);
	return answer_at(s->events, sequence);
}

/* The first event has a batch of its own, so that what comes behind it is one, too. */
static int play_batch(struct dsr_batch *batch, void *state)
{
	struct script *s = state;
	int64_t *event, taken = 0;
	int answer = DSR_CONTINUE;

	say(s, "~");
	if (++s->calls == s->refuses)
		return s->refusal;
	while (answer == DSR_CONTINUE && (!s->take || taken < s->take) &&
	       (event = dsr_batch_next(batch))) {
		int64_t sequence = dsr_batch_sequence(batch);

		say(s, "%" PRId64 "%s", sequence, *event == sequence ? "" : "?");
		hold(s, sequence);
		taken++;
		if (s->release && sequence == s->release)
			dsr_batch_release(batch);
		answer = answer_at(s->events, sequence);
		if (sequence == 0)
			break;
	}
	return answer;
}

static int play_error(void *event, int64_t sequence, int error, void *state)
{
	struct script *s = state;

	say(s, "!%" PRId64 ":%d%s", sequence, error, *(int64_t *)event == sequence ? "" : "?");
	return answer_at(s->errors, sequence);
}

static void play_batch_start(int64_t size, int64_t depth, void *state)
{
	say(state, "[%" PRId64 "/%" PRId64, size, depth);
}

static void play_stop(void *state, int reason)
{
	struct script *s = state;

	say(s, ".%d", reason);
	sem_post(&s->stopped);
}

/* Held at its first event, unless told otherwise. */
static void script_init(struct script *s)
{
	memset(s, 0, sizeof(*s));
	s->holds = 1;
	sem_init(&s->arrived, 0, 0);
	sem_init(&s->go, 0, 0);
	sem_init(&s->stopped, 0, 0);
}

/* With what it is to do apart from the script. */
static void add_script(struct dsr_builder *b, struct script *s, struct dsr_handler handler)
{
	if (!handler.on_batch)
		handler.on_event = play_event;
	handler.on_stop = play_stop;
	handler.state = s;
	expect(dsr_handle_events(b, &handler), 0);
}

/* Up, and held at its first event: what is put now is there as a whole afterwards. */
static struct dsr_disruptor *open_play(struct script *s, struct dsr_handler handler,
				       struct dsr_producer **p)
{
	struct dsr_builder *b = build(true, CAPACITY);
	struct dsr_disruptor *d;

	add_script(b, s, handler);
	d = start(b);
	*p = producer_of(d);
	put(*p, 1);
	wait_for(&s->arrived);
	return d;
}

static void close_play(struct dsr_disruptor *d, struct script *s)
{
	sem_post(&s->go);
	finish(d);
}

/* Events 1 to @n behind the first one, and the log of all. */
static const char *play(struct script *s, struct dsr_handler handler, uint32_t n)
{
	struct dsr_producer *p;
	struct dsr_disruptor *d = open_play(s, handler, &p);

	put(p, n);
	close_play(d, s);
	return s->log;
}

/* The log of an event handler that is given one line of answers. */
static const char *play_line(struct dsr_handler handler, int64_t at, int times, int answer)
{
	static struct script s;

	script_init(&s);
	s.events[0] = (struct line){at, times, answer};
	return play(&s, handler, 4);
}

CASE(result, script_without_any_answer)
{
	expect_text(play_line((struct dsr_handler){.name = "plain"}, 0, 0, 0), "0E 1 2 3 4E .0 ");
	expect_text(play_line((struct dsr_handler){.on_batch = play_batch}, 0, 0, 0),
		    "~ 0 ~ 1 2 3 4 .0 ");
}

CASE_BOTH(result, one_stops_all)
{
	struct dsr_builder *b = build(many, CAPACITY);
	struct script stopper, beside, behind;
	struct dsr_batch *batch;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	script_init(&stopper);
	script_init(&beside);
	script_init(&behind);
	beside.holds = 0;
	behind.holds = 0;
	stopper.events[0] = (struct line){2, 1, DSR_STOP_ALL};
	add_script(b, &stopper, (struct dsr_handler){.name = "stopper"});
	add_script(b, &beside, (struct dsr_handler){.name = "beside"});
	add_script(b, &behind, (struct dsr_handler){.after = DSR_AFTER("stopper")});
	expect(dsr_add_poller(b, &(struct dsr_poller_options){.name = "poller"}), 0);
	d = start(b);
	p = producer_of(d);
	put(p, 1);
	wait_for(&stopper.arrived);
	put(p, 4);
	/* The others are done with what is there for them. */
	await_asleep(tid_of(d, 1));
	sem_post(&stopper.go);
	wait_for(&stopper.stopped);
	wait_for(&beside.stopped);
	wait_for(&behind.stopped);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -ECANCELED);
	cr_assert(dsr_producer(d) == NULL);
	expect(dsr_poll(dsr_poller_find(d, "poller"), 1, &batch), -ECANCELED);
	finish(d);
	expect_text(stopper.log, "0E 1 2 .3 ");
	cr_assert(strstr(beside.log, "4E .-125 ") != NULL, "%s", beside.log);
	cr_assert(strstr(behind.log, ".-125 ") != NULL, "%s", behind.log);
	/* Event 2 was the last; who follows may have had what was done with before. */
	cr_assert(strstr(behind.log, "3") == NULL, "%s", behind.log);
}

CASE(result, batch_handler_stops_all)
{
	expect_text(play_line((struct dsr_handler){.on_batch = play_batch}, 2, 1, DSR_STOP_ALL),
		    "~ 0 ~ 1 2 .3 ");
}

CASE_BOTH(result, stopping_all_cancels_blocked_producers)
{
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct script s;
	struct caller c;

	script_init(&s);
	s.events[0] = (struct line){0, 1, DSR_STOP_ALL};
	add_script(b, &s, (struct dsr_handler){.name = "stopper"});
	d = start(b);
	p = producer_of(d);
	put(p, 1);
	wait_for(&s.arrived);
	put_until_full(p);
	expect(dsr_producer_release(p), 0);
	caller_begin(&c, d, 1, 1000);
	caller_await_waiting(&c);
	sem_post(&s.go);
	caller_join(&c);
	expect(c.error, -ECANCELED);
	expect(c.claimed, 0);
	finish(d);
	expect_text(s.log, "0E .3 ");
}

CASE(result, retry_begins_the_batch_again)
{
	static const struct dsr_handler plain = {.wait = DSR_WAIT_YIELD};

	expect_text(play_line(plain, 3, 1, DSR_RETRY), "0E 1 2 3 1 2 3 4E .0 ");
	expect_text(play_line(plain, 3, 2, DSR_RETRY), "0E 1 2 3 1 2 3 1 2 3 4E .0 ");
	expect_text(play_line(plain, 1, 1, DSR_RETRY), "0E 1 1 2 3 4E .0 ");
	expect_text(play_line(plain, 4, 1, DSR_RETRY), "0E 1 2 3 4E 1 2 3 4E .0 ");
	/* A batch of one, and by the time that it asks there are more. */
	expect_text(play_line(plain, 0, 1, DSR_RETRY), "0E 0 1 2 3 4E .0 ");
}

CASE(result, retry_keeps_to_its_batch)
{
	expect_text(play_line((struct dsr_handler){.max_batch = 2}, 3, 1, DSR_RETRY),
		    "0E 1 2E 3 3 4E .0 ");
	expect_text(play_line((struct dsr_handler){.max_batch = 2}, 4, 2, DSR_RETRY),
		    "0E 1 2E 3 4E 3 4E 3 4E .0 ");
	expect_text(play_line((struct dsr_handler){.max_batch = 1}, 2, 2, DSR_RETRY),
		    "0E 1E 2E 2E 2E 3E 4E .0 ");
}

CASE(result, retried_batch_may_have_grown)
{
	struct script s;
	struct dsr_producer *p;
	struct dsr_disruptor *d;

	script_init(&s);
	s.holds = 1 | 1 << 2;
	s.events[0] = (struct line){2, 1, DSR_RETRY};
	d = open_play(&s, (struct dsr_handler){.on_batch_start = play_batch_start}, &p);
	put(p, 2);
	sem_post(&s.go);
	wait_for(&s.arrived);
	put(p, 2);
	close_play(d, &s);
	expect_text(s.log, "[1/1 0E [2/2 1 2E [4/4 1 2 3 4E .0 ");
}

CASE(result, what_was_released_is_not_done_again)
{
	struct script s;
	struct dsr_producer *p;
	struct dsr_disruptor *d;

	script_init(&s);
	s.events[0] = (struct line){2, 1, DSR_RELEASE};
	s.events[1] = (struct line){4, 2, DSR_RETRY};
	s.holds = 1 | 1 << 3;
	d = open_play(&s, (struct dsr_handler){.on_batch_start = play_batch_start}, &p);
	put(p, 5);
	sem_post(&s.go);
	wait_for(&s.arrived);
	/* And 0, 1 and 2 are room for more already. */
	expect(put_until_full(p), 5);
	close_play(d, &s);
	expect_text(s.log, "[1/1 0E [5/5 1 2 3 4 [8/8 3 4 [8/8 3 4 5 6 7 8 9 10E .0 ");
}

CASE(result, retry_steps_over_aborted_slots)
{
	struct script s;
	struct dsr_producer *p;
	struct dsr_disruptor *d;

	script_init(&s);
	s.events[0] = (struct line){5, 1, DSR_RETRY};
	d = open_play(&s, (struct dsr_handler){.on_batch_start = play_batch_start}, &p);
	claim(p, 7);
	expect(dsr_abort_n(p, 1), 1);
	expect(dsr_publish_n(p, 1), 1);
	expect(dsr_abort_n(p, 2), 2);
	expect(dsr_publish_n(p, 2), 2);
	expect(dsr_abort_n(p, 1), 1);
	close_play(d, &s);
	expect_text(s.log, "[1/1 0E [3/3 2 5 [3/3 2 5 6E .0 ");
}

CASE(result, batch_handler_retries)
{
	struct script s;

	expect_text(play_line((struct dsr_handler){.on_batch = play_batch}, 3, 2, DSR_RETRY),
		    "~ 0 ~ 1 2 3 ~ 1 2 3 ~ 1 2 3 4 .0 ");
	script_init(&s);
	s.release = 2;
	s.events[0] = (struct line){3, 1, DSR_RETRY};
	expect_text(play(&s, (struct dsr_handler){.on_batch = play_batch}, 4),
		    "~ 0 ~ 1 2 3 ~ 3 4 .0 ");
	/* Having taken nothing. */
	script_init(&s);
	s.refuses = 2;
	s.refusal = DSR_RETRY;
	expect_text(play(&s, (struct dsr_handler){.on_batch = play_batch}, 4),
		    "~ 0 ~ ~ 1 2 3 4 .0 ");
}

CASE(result, retries_have_an_end)
{
	struct dsr_handler handler = {.retry_most = 2};
	struct script s;

	/* By default it stops, told that it has tried. */
	expect_text(play_line(handler, 2, 100, DSR_RETRY), "0E 1 2 1 2 1 2 .-11 ");
	expect_text(play_line(handler, 2, 2, DSR_RETRY), "0E 1 2 1 2 1 2 3 4E .0 ");
	script_init(&s);
	s.events[0] = (struct line){2, 100, DSR_RETRY};
	handler.on_error = play_error;
	expect_text(play(&s, handler, 4), "0E 1 2 1 2 1 2 !2:-11 3 4E .0 ");
	script_init(&s);
	s.events[0] = (struct line){3, 100, DSR_RETRY};
	handler.on_batch = play_batch;
	handler.retry_most = 1;
	expect_text(play(&s, handler, 4), "~ 0 ~ 1 2 3 ~ 1 2 3 !3:-11 ~ 4 .0 ");
}

/* In a row: what goes well, or is given up, ends the row. */
CASE(result, retries_are_counted_anew)
{
	struct dsr_handler handler = {.retry_most = 1, .max_batch = 1, .on_error = play_error};
	struct script s;

	script_init(&s);
	for (int64_t i = 0; i < 4; i++)
		s.events[i] = (struct line){i, 1, DSR_RETRY};
	expect_text(play(&s, handler, 4), "0E 0E 1E 1E 2E 2E 3E 3E 4E .0 ");
	script_init(&s);
	s.events[0] = (struct line){1, 2, DSR_RETRY};
	s.events[1] = (struct line){2, 1, DSR_RETRY};
	s.events[2] = (struct line){3, 100, DSR_RETRY};
	s.events[3] = (struct line){4, 1, DSR_RETRY};
	expect_text(play(&s, handler, 4), "0E 1E 1E !1:-11 2E 2E 3E 3E !3:-11 4E 4E .0 ");
}

/* Three pauses, and nothing else in it takes long. */
CASE(result, retries_may_pause)
{
	enum { PAUSE = 50 * 1000 * 1000 };
	int64_t begin = clock_now();

	expect_text(play_line((struct dsr_handler){.retry_pause = PAUSE}, 3, 3, DSR_RETRY),
		    "0E 1 2 3 1 2 3 1 2 3 1 2 3 4E .0 ");
	cr_assert(clock_now() - begin >= 3 * PAUSE, "%" PRId64 " ns", clock_now() - begin);
}

/* Neither a handler that never gets on, nor one that pauses for long, outlasts the end. */
static void end_retries(int64_t pause, bool detach)
{
	struct dsr_handler handler = {.name = "stubborn", .retry_pause = pause};
	struct script s;
	struct dsr_producer *p;
	struct dsr_disruptor *d;

	script_init(&s);
	s.events[0] = (struct line){0, INT32_MAX, DSR_RETRY};
	d = open_play(&s, handler, &p);
	sem_post(&s.go);
	if (pause)
		await_asleep(tid_of(d, 0));
	expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
	if (detach)
		expect(dsr_detach(d, "stubborn", DSR_FOREVER), 0);
	else
		expect(dsr_halt(d), 0);
	wait_for(&s.stopped);
	finish(d);
	cr_assert(strncmp(s.log, "0E ", 3) == 0);
	expect(answer_at(s.events, 0), DSR_RETRY);
}

CASE(result, retries_end_with_a_halt)
{
	end_retries(0, false);
	end_retries(INT64_C(3600) * 1000 * 1000 * 1000, false);
}

CASE(result, retries_end_with_a_detach)
{
	end_retries(0, true);
	end_retries(INT64_C(3600) * 1000 * 1000 * 1000, true);
}

/* Before the batch went well, nobody behind has seen anything of it. */
CASE_BOTH(result, follower_waits_for_retries)
{
	struct dsr_builder *b = build(many, CAPACITY);
	struct script first;
	struct seen second;
	struct dsr_handler handler;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	script_init(&first);
	seen_init(&second, 0);
	first.holds = 1 | 1 << 3;
	first.events[0] = (struct line){3, 2, DSR_RETRY};
	add_script(b, &first, (struct dsr_handler){.name = "first"});
	expect(dsr_then(b), 0);
	handler = seen_handler(&second);
	handler.wait = DSR_WAIT_PARK;
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	p = producer_of(d);
	put(p, 1);
	wait_for(&first.arrived);
	put(p, 4);
	sem_post(&first.go);
	wait_for(&first.arrived);
	await_asleep(tid_of(d, 1));
	expect(second.count, 1);
	sem_post(&first.go);
	finish(d);
	expect_text(first.log, "0E 1 2 3 1 2 3 1 2 3 4E .0 ");
	expect(second.count, 5);
	expect(second.gaps, 0);
}

CASE(result, failed_handler_stops)
{
	expect_text(play_line((struct dsr_handler){.wait = DSR_WAIT_YIELD}, 2, 1, -EIO),
		    "0E 1 2 .-5 ");
	expect_text(play_line((struct dsr_handler){.on_error = dsr_error_stop}, 2, 1, -EIO),
		    "0E 1 2 .-5 ");
	expect_text(play_line((struct dsr_handler){.on_batch = play_batch}, 2, 1, -EIO),
		    "~ 0 ~ 1 2 .-5 ");
	expect_text(play_line((struct dsr_handler){.wait = DSR_WAIT_YIELD}, 4, 1, 77),
		    "0E 1 2 3 4E .-22 ");
}

CASE(result, failed_event_is_skipped)
{
	struct dsr_handler handler = {.on_error = dsr_error_skip};

	expect_text(play_line(handler, 2, 1, -EIO), "0E 1 2 3 4E .0 ");
	expect_text(play_line(handler, 1, 1, -EIO), "0E 1 2 3 4E .0 ");
	expect_text(play_line(handler, 4, 1, -EIO), "0E 1 2 3 4E .0 ");
	expect_text(play_line(handler, 2, 1, 77), "0E 1 2 3 4E .0 ");
	handler.max_batch = 2;
	expect_text(play_line(handler, 2, 1, -EIO), "0E 1 2E 3 4E .0 ");
	expect_text(play_line(handler, 3, 1, -EIO), "0E 1 2E 3 4E .0 ");
}

/* What is skipped goes back to the producers, as what went well. */
CASE_BOTH(result, skipped_events_do_not_hold_the_ring)
{
	struct dsr_builder *b = build(many, 2);
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct seen seen[2];

	for (int i = 0; i < 2; i++) {
		struct dsr_handler handler;

		seen_init(&seen[i], 0);
		handler = seen_handler(&seen[i]);
		handler.on_error = dsr_error_skip;
		seen[i].answer = -EIO;
		seen[i].answer_at = i;
		expect(dsr_handle_events(b, &handler), 0);
		if (i == 0)
			expect(dsr_then(b), 0);
	}
	d = start(b);
	p = producer_of(d);
	for (int i = 0; i < 100; i++)
		put(p, 2);
	finish(d);
	for (int i = 0; i < 2; i++) {
		expect(seen[i].count, 200);
		expect(seen[i].gaps, 0);
		expect(seen[i].reason, 0);
	}
}

/* @answer of on_error() at event 2 of four that fails once. */
static const char *fail_with(int error, int answer)
{
	static struct script s;

	script_init(&s);
	s.events[0] = (struct line){2, 1, error};
	s.errors[0] = (struct line){2, 1, answer};
	return play(&s, (struct dsr_handler){.on_error = play_error}, 4);
}

CASE(result, error_function_decides)
{
	expect_text(fail_with(-EIO, DSR_CONTINUE), "0E 1 2 !2:-5 3 4E .0 ");
	expect_text(fail_with(-EIO, DSR_RETRY), "0E 1 2 !2:-5 1 2 3 4E .0 ");
	expect_text(fail_with(-EIO, DSR_STOP), "0E 1 2 !2:-5 .-5 ");
	expect_text(fail_with(-EIO, DSR_STOP_ALL), "0E 1 2 !2:-5 .-5 ");
	expect_text(fail_with(-EIO, -EPIPE), "0E 1 2 !2:-5 .-32 ");
	expect_text(fail_with(-EIO, -EIO), "0E 1 2 !2:-5 .-5 ");
	expect_text(fail_with(-EIO, 77), "0E 1 2 !2:-5 .-22 ");
	/* Any other answer of a handler is an error like others. */
	expect_text(fail_with(77, DSR_CONTINUE), "0E 1 2 !2:-22 3 4E .0 ");
	expect_text(fail_with(5, DSR_STOP), "0E 1 2 !2:-22 .-22 ");
	expect_text(fail_with(-EAGAIN, DSR_CONTINUE), "0E 1 2 !2:-11 3 4E .0 ");
}

CASE(result, error_function_is_asked_each_time)
{
	struct script s;

	script_init(&s);
	for (int64_t i = 0; i < 4; i++)
		s.events[i] = (struct line){i, 1, -EIO - (int)i};
	expect_text(play(&s, (struct dsr_handler){.on_error = play_error}, 4),
		    "0E !0:-5 1 !1:-6 2 !2:-7 3 !3:-8 4E .0 ");
	script_init(&s);
	s.events[0] = (struct line){3, 3, -EIO};
	s.errors[0] = (struct line){3, 2, DSR_RETRY};
	expect_text(play(&s, (struct dsr_handler){.on_error = play_error}, 4),
		    "0E 1 2 3 !3:-5 1 2 3 !3:-5 1 2 3 !3:-5 4E .0 ");
}

/* All are stopped, each with its reason. */
CASE(result, error_function_stops_all)
{
	struct dsr_builder *b = build(true, CAPACITY);
	struct script failing, other;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	script_init(&failing);
	script_init(&other);
	other.holds = 0;
	failing.events[0] = (struct line){0, 1, -EIO};
	failing.errors[0] = (struct line){0, 1, DSR_STOP_ALL};
	add_script(b, &failing, (struct dsr_handler){.on_error = play_error});
	add_script(b, &other, (struct dsr_handler){.on_error = play_error});
	d = start(b);
	p = producer_of(d);
	put(p, 1);
	wait_for(&failing.arrived);
	await_asleep(tid_of(d, 1));
	sem_post(&failing.go);
	wait_for(&other.stopped);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -ECANCELED);
	finish(d);
	expect_text(failing.log, "0E !0:-5 .-5 ");
	expect_text(other.log, "0E .-125 ");
}

/* The builder's default has its own state, and is for who has none of its own. */
CASE(result, default_is_a_function)
{
	struct dsr_builder *b = build(true, CAPACITY);

	expect(dsr_default_on_error(b, NULL, NULL), -EINVAL);
	cr_assert(*dsr_builder_message(b));
	/* It sticks. */
	expect(dsr_default_on_error(b, dsr_error_skip, NULL), -EINVAL);
	expect(dsr_builder_destroy(b), 0);
}

CASE(result, builder_has_a_default)
{
	struct dsr_builder *b = build(true, CAPACITY);
	struct script plain, own, shared;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	script_init(&plain);
	script_init(&own);
	script_init(&shared);
	plain.holds = 0;
	own.holds = 0;
	plain.events[0] = (struct line){1, 1, -EIO};
	own.events[0] = (struct line){2, 1, -EPIPE};
	shared.errors[0] = (struct line){1, 1, DSR_STOP};
	add_script(b, &plain, (struct dsr_handler){.max_batch = 1});
	/* Also for those that were there before. */
	expect(dsr_default_on_error(b, play_error, &shared), 0);
	add_script(b, &own, (struct dsr_handler){.max_batch = 1, .on_error = play_error});
	d = start(b);
	p = producer_of(d);
	put(p, 4);
	finish(d);
	expect_text(plain.log, "0E 1E .-5 ");
	expect_text(own.log, "0E 1E 2E !2:-32 3E .0 ");
	expect_text(shared.log, "!1:-5 ");
}

CASE(result, default_may_be_ready_made)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct script s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	script_init(&s);
	s.holds = 0;
	s.events[0] = (struct line){1, 1, -EIO};
	expect(dsr_default_on_error(b, dsr_error_skip, NULL), 0);
	add_script(b, &s, (struct dsr_handler){.max_batch = 1});
	d = start(b);
	p = producer_of(d);
	put(p, 3);
	finish(d);
	expect_text(s.log, "0E 1E 2E .0 ");
}

/* A batch has failed at the event that was taken last. */
CASE(result, failed_batch_goes_on_behind_its_last_event)
{
	struct dsr_handler handler = {.on_batch = play_batch, .on_error = play_error};
	struct script s;

	script_init(&s);
	s.events[0] = (struct line){3, 1, -EIO};
	expect_text(play(&s, handler, 4), "~ 0 ~ 1 2 3 !3:-5 ~ 4 .0 ");
	script_init(&s);
	s.events[0] = (struct line){4, 1, 77};
	expect_text(play(&s, handler, 4), "~ 0 ~ 1 2 3 4 !4:-22 .0 ");
	script_init(&s);
	s.release = 2;
	s.events[0] = (struct line){3, 1, -EIO};
	expect_text(play(&s, handler, 4), "~ 0 ~ 1 2 3 !3:-5 ~ 4 .0 ");
	script_init(&s);
	s.release = 2;
	s.events[0] = (struct line){2, 1, -EIO};
	expect_text(play(&s, handler, 4), "~ 0 ~ 1 2 !2:-5 ~ 3 4 .0 ");
	script_init(&s);
	s.events[0] = (struct line){3, 1, -EIO};
	s.errors[0] = (struct line){3, 1, DSR_RETRY};
	expect_text(play(&s, handler, 4), "~ 0 ~ 1 2 3 !3:-5 ~ 1 2 3 4 .0 ");
}

/* Or at its first, if none was. */
CASE(result, failed_batch_of_which_nothing_was_taken)
{
	struct dsr_handler handler = {.on_batch = play_batch, .on_error = play_error};
	struct script s;
	struct dsr_producer *p;
	struct dsr_disruptor *d;

	script_init(&s);
	s.refuses = 2;
	s.refusal = -EIO;
	expect_text(play(&s, handler, 4), "~ 0 ~ !1:-5 ~ 2 3 4 .0 ");
	script_init(&s);
	s.refuses = 2;
	s.refusal = -EIO;
	d = open_play(&s, handler, &p);
	claim(p, 5);
	expect(dsr_abort_n(p, 2), 2);
	expect(dsr_publish_n(p, 1), 1);
	expect(dsr_abort_n(p, 1), 1);
	expect(dsr_publish_n(p, 1), 1);
	close_play(d, &s);
	expect_text(s.log, "~ 0 ~ !3:-5 ~ 5 .0 ");
}

static struct dsr_handler told(uint32_t max_batch)
{
	return (struct dsr_handler){.on_batch_start = play_batch_start, .max_batch = max_batch};
}

CASE(result, batch_start_tells_size_and_depth)
{
	struct script s;

	script_init(&s);
	expect_text(play(&s, told(3), 5), "[1/1 0E [3/5 1 2 3E [2/2 4 5E .0 ");
	script_init(&s);
	expect_text(play(&s, told(0), 5), "[1/1 0E [5/5 1 2 3 4 5E .0 ");
	script_init(&s);
	expect_text(play(&s, told(1), 2), "[1/1 0E [1/2 1E [1/1 2E .0 ");
	script_init(&s);
	expect_text(play(&s, told(CAPACITY), CAPACITY - 1), "[1/1 0E [7/7 1 2 3 4 5 6 7E .0 ");
}

CASE(result, batch_start_tells_batch_handlers)
{
	struct dsr_handler handler = told(3);
	struct script s;

	handler.on_batch = play_batch;
	script_init(&s);
	expect_text(play(&s, handler, 5), "[1/1 ~ 0 [3/5 ~ 1 2 3 [2/2 ~ 4 5 .0 ");
	script_init(&s);
	s.take = 2;
	expect_text(play(&s, handler, 5), "[1/1 ~ 0 [3/5 ~ 1 2 [3/3 ~ 3 4 [1/1 ~ 5 .0 ");
}

/* The batch is as it was told, also if there are more by then. */
CASE(result, batch_start_tells_the_truth)
{
	struct dsr_handler handler = told(0);

	for (int batches = 0; batches < 2; batches++) {
		struct script s;
		struct dsr_producer *p;
		struct dsr_disruptor *d;

		script_init(&s);
		s.holds = 1 | 1 << 2;
		if (batches)
			handler.on_batch = play_batch;
		d = open_play(&s, handler, &p);
		put(p, 3);
		sem_post(&s.go);
		wait_for(&s.arrived);
		put(p, 2);
		close_play(d, &s);
		expect_text(s.log, batches ? "[1/1 ~ 0 [3/3 ~ 1 2 3 [2/2 ~ 4 5 .0 "
					   : "[1/1 0E [3/3 1 2 3E [2/2 4 5E .0 ");
	}
}

CASE(result, batch_start_does_not_count_aborted_slots)
{
	struct script s;
	struct dsr_producer *p;
	struct dsr_disruptor *d;

	script_init(&s);
	d = open_play(&s, told(3), &p);
	claim(p, 7);
	expect(dsr_publish_n(p, 1), 1);
	expect(dsr_abort_n(p, 2), 2);
	expect(dsr_publish_n(p, 3), 3);
	expect(dsr_abort_n(p, 1), 1);
	sem_post(&s.go);
	/* Slots of nothing are no batch: it is not called for them. */
	for (int i = 0; i < 3; i++) {
		claim(p, 2);
		expect(dsr_abort(p), 2);
	}
	finish(d);
	expect_text(s.log, "[1/1 0E [3/4 1 4 5E [1/1 6E .0 ");
}

/* Around the end of the ring it is one batch all the same. */
CASE(result, batch_start_looks_across_the_end_of_the_ring)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct script s;
	struct dsr_producer *p;
	struct dsr_disruptor *d;

	script_init(&s);
	s.holds = UINT64_C(1) << 13;
	expect(dsr_first_sequence(b, 13), 0);
	add_script(b, &s, told(4));
	d = start(b);
	p = producer_of(d);
	put(p, 1);
	wait_for(&s.arrived);
	put(p, CAPACITY - 1);
	close_play(d, &s);
	expect_text(s.log, "[1/1 13E [4/7 14 15 16 17E [3/3 18 19 20E .0 ");
}

/* A follower's depth is what those before it have let go. */
CASE(result, batch_start_tells_followers)
{
	struct dsr_builder *b = build(true, CAPACITY);
	struct script first, second;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	script_init(&first);
	script_init(&second);
	first.holds = 1 | 1 << 1 | 1 << 7;
	add_script(b, &first, (struct dsr_handler){.max_batch = 5});
	expect(dsr_then(b), 0);
	add_script(b, &second, told(3));
	d = start(b);
	p = producer_of(d);
	put(p, 1);
	wait_for(&first.arrived);
	claim(p, 7);
	expect(dsr_publish_n(p, 2), 2);
	expect(dsr_abort_n(p, 1), 1);
	expect(dsr_publish_n(p, 4), 4);
	sem_post(&first.go);
	/* The first is at 1 until the second is at 0. */
	wait_for(&first.arrived);
	wait_for(&second.arrived);
	sem_post(&first.go);
	/* The first is done with 1 to 6 and at 7; the second is held at 0 all the while. */
	wait_for(&first.arrived);
	await_asleep(tid_of(d, 0));
	sem_post(&second.go);
	await_asleep(tid_of(d, 1));
	sem_post(&first.go);
	finish(d);
	expect_text(first.log, "0E 1 2 4 5 6E 7E .0 ");
	expect_text(second.log, "[1/1 0E [3/5 1 2 4E [2/2 5 6E [1/1 7E .0 ");
}

static void count_start(int64_t size, int64_t depth, void *state)
{
	struct seen *s = state;

	/* Kept where events of another kind would be. */
	s->value[SEEN_MAX - 1] += size;
	s->gaps += size < 1 || depth < size;
}

/* Where a whole lap more than what is there would be beyond all sequences. */
CASE_BOTH(result, batch_start_at_the_last_sequences)
{
	struct dsr_builder *b = build(many, 64);
	struct dsr_handler handler;
	struct dsr_disruptor *d;
	struct seen s;

	seen_init(&s, 0);
	handler = seen_handler(&s);
	handler.on_batch_start = count_start;
	dsr_first_sequence(b, DSR_SEQUENCE_MAX - 9);
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	put(producer_of(d), 10);
	finish(d);
	expect(s.count, 10);
	expect(s.value[SEEN_MAX - 1], 10);
	expect(s.gaps, 0);
}

/**
 * struct ender - a handler that ends its own disruptor from everywhere
 * @answers: of dsr_shutdown(), wherever it was called
 * @count:   how many of these
 * @close, @again: of dsr_close(), at the first event
 */
struct ender {
	struct dsr_disruptor *d;
	int answers[16];
	int count;
	int close, again;
	uint64_t events;
	int reason;
	bool closes;
	sem_t go, done;
};

static void try_shutdown(struct ender *e)
{
	if (e->count > 14)
		return;
	e->answers[e->count++] = dsr_shutdown(e->d, DSR_NOW);
	e->answers[e->count++] = dsr_shutdown(e->d, DSR_FOREVER);
}

static int end_at_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct ender *e = state;

	(void)event;
	(void)sequence;
	(void)end_of_batch;
	if (e->events++ == 0) {
		try_shutdown(e);
		if (e->closes) {
			e->close = dsr_close(e->d);
			e->again = dsr_close(e->d);
		}
		sem_post(&e->done);
		return -EIO;
	}
	return DSR_CONTINUE;
}

static int end_at_error(void *event, int64_t sequence, int error, void *state)
{
	(void)event;
	(void)sequence;
	(void)error;
	try_shutdown(state);
	return DSR_CONTINUE;
}

static void end_at_batch_start(int64_t size, int64_t depth, void *state)
{
	struct ender *e = state;

	(void)size;
	(void)depth;
	/* Where it is called first: until then the test has to say where the disruptor is. */
	if (e->count == 0) {
		wait_for(&e->go);
		try_shutdown(e);
	}
}

static void end_at_stop(void *state, int reason)
{
	struct ender *e = state;

	e->reason = reason;
	try_shutdown(e);
}

static struct dsr_disruptor *start_ender(bool many, struct ender *e)
{
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_handler handler = {
		.on_event = end_at_event,
		.on_error = end_at_error,
		.on_batch_start = end_at_batch_start,
		.on_stop = end_at_stop,
		.state = e,
	};

	sem_init(&e->go, 0, 0);
	sem_init(&e->done, 0, 0);
	expect(dsr_handle_events(b, &handler), 0);
	e->d = start(b);
	return e->d;
}

CASE_BOTH(result, shutdown_from_anywhere_inside_would_wait_for_itself)
{
	struct ender e = {.closes = false};
	struct dsr_disruptor *d = start_ender(many, &e);
	struct dsr_producer *p = producer_of(d);

	put(p, 4);
	sem_post(&e.go);
	wait_for(&e.done);
	/* It has not begun. */
	put(p, 6);
	finish(d);
	expect(e.events, 10);
	expect(e.count, 8);
	for (int i = 0; i < e.count; i++)
		expect(e.answers[i], -EDEADLK);
	expect(e.reason, 0);
}

CASE_BOTH(result, handler_may_close)
{
	struct ender e = {.closes = true};
	struct dsr_disruptor *d = start_ender(many, &e);
	struct dsr_producer *p = producer_of(d);
	struct caller c = {.d = d};

	expect(put_until_full(p), CAPACITY);
	expect(dsr_producer_release(p), 0);
	caller_begin(&c, d, 2, 1000);
	caller_await_waiting(&c);
	sem_post(&e.go);
	wait_for(&e.done);
	caller_join(&c);
	expect(c.error, -ECANCELED);
	expect(c.claimed, 0);
	cr_assert(dsr_producer(d) == NULL);
	expect(dsr_shutdown(d, DSR_FOREVER), 0);
	expect(dsr_close(d), -EALREADY);
	expect(dsr_destroy(d), 0);
	expect(e.close, 0);
	expect(e.again, 0);
	/* What was claimed is drained. */
	expect(e.events, CAPACITY);
	expect(e.reason, 0);
}

CASE_BOTH(result, closed_ring_goes_on_with_open_claims)
{
	struct script s;
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	script_init(&s);
	s.holds = 1 | 1 << 1;
	add_script(b, &s, (struct dsr_handler){.max_batch = 1});
	d = start(b);
	p = producer_of(d);
	claim(p, 3);
	expect(dsr_close(NULL), -EINVAL);
	expect(dsr_close(d), 0);
	expect(dsr_close(d), 0);
	expect(dsr_claim_n(p, 1, DSR_NOW), many ? -EBUSY : -ECANCELED);
	for (int i = 0; i < 2; i++) {
		expect(dsr_publish_n(p, 1), 1);
		wait_for(&s.arrived);
		sem_post(&s.go);
	}
	expect(dsr_abort(p), 1);
	/* The handler ends by itself, with nobody to join it yet. */
	wait_for(&s.stopped);
	finish(d);
	expect_text(s.log, "0E 1E .0 ");
}
