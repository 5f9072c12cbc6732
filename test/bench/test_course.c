/* SPDX-License-Identifier: MIT */
/*
 * Would the benchmark see a queue that loses, doubles, mixes up or tears an event? Here is
 * one that does it on demand, run by the same loops as all that are measured. And a
 * producer that stands still has to be seen in how late its events are.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "scenario.h"
#include "unit.h"

TestSuite(course, .timeout = 100);

enum fault {
	SOUND,
	LOSE,
	DOUBLE,
	SWAP,  /* with the next one */
	TEAR,  /* the last word is another event's */
	STRAY, /* as if another producer had sent it */
	EARLY, /* it is taken before it is there */
	FAULTS
};

/* Of a run, which has all of it before its threads begin. */
static struct {
	enum fault fault;
	uint64_t at; /* which event, in the order they are put */
	uint64_t stall;
} now;

/* A ring under a lock: nothing about it is subtle but what is done on purpose. */
struct queue {
	pthread_mutex_t lock;
	uint64_t *slots, *held;
	uint64_t mask, put, got, count, misses;
	uint32_t words;
	bool is_early, is_pingpong;
};

static struct queue *queue_open(const struct course *c, bool latency)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->is_pingpong = latency;
	pthread_mutex_init(&q->lock, NULL);
	q->mask = c->capacity - 1;
	q->words = c->words;
	q->slots = calloc(c->capacity, c->words * 8);
	q->held = calloc(1, c->words * 8);
	return q;
}

static void queue_close(struct queue *q)
{
	pthread_mutex_destroy(&q->lock);
	free(q->held);
	free(q->slots);
	free(q);
}

static uint64_t *slot_of(struct queue *q, uint64_t n)
{
	return q->slots + (n & q->mask) * q->words;
}

static uint64_t *store(struct queue *q, const uint64_t *event)
{
	uint64_t *slot = slot_of(q, q->put++);

	memcpy(slot, event, q->words * 8);
	return slot;
}

static void stall(uint64_t ticks)
{
	uint64_t end = clock_ticks() + ticks;

	while ((int64_t)(clock_ticks() - end) < 0)
		sched_yield();
}

/* The event that is done wrong. */
static void store_wrong(struct queue *q, const uint64_t *event)
{
	switch (now.fault) {
	case LOSE:
		break;
	case DOUBLE:
		store(q, event);
		store(q, event);
		break;
	case SWAP:
		memcpy(q->held, event, q->words * 8);
		break;
	case TEAR:
		store(q, event)[q->words - 1]--;
		break;
	case STRAY:
		store(q, event)[0] ^= UINT64_C(1) << 48;
		break;
	default:
		store(q, event);
	}
}

static bool put_locked(struct queue *q, const uint64_t *event)
{
	/* Room for two. */
	if (q->put - q->got >= q->mask)
		return false;
	if (now.fault == EARLY && q->count == now.at && !q->is_early)
		return false;
	if (q->count == now.at)
		store_wrong(q, event);
	else
		store(q, event);
	if (now.fault == SWAP && q->count == now.at + 1)
		store(q, q->held);
	q->count++;
	return true;
}

ALWAYS bool queue_put(struct queue *q, const uint64_t *event, uint32_t words, bool many)
{
	bool done;

	(void)words;
	(void)many;
	pthread_mutex_lock(&q->lock);
	if (now.stall && q->count == now.at)
		stall(now.stall);
	done = put_locked(q, event);
	pthread_mutex_unlock(&q->lock);
	return done;
}

/* Of a slot that nobody has written yet. */
static bool get_early(struct queue *q, uint64_t *event)
{
	if (now.fault != EARLY || q->is_early || q->got < now.at)
		return false;
	q->is_early = true;
	memcpy(event, slot_of(q, q->got), q->words * 8);
	return true;
}

static bool get_locked(struct queue *q, uint64_t *event)
{
	if (q->put == q->got)
		return get_early(q, event);
	memcpy(event, slot_of(q, q->got++), q->words * 8);
	return true;
}

ALWAYS bool queue_get(struct queue *q, uint64_t *event, uint32_t words, bool many)
{
	bool done;

	(void)words;
	(void)many;
	pthread_mutex_lock(&q->lock);
	done = get_locked(q, event);
	q->misses = done ? 0 : q->misses + 1;
	/* Of a ping-pong it is known, here, that it has stopped. */
	if (q->is_pingpong && now.fault == LOSE && q->count > now.at && q->misses == 100000)
		raise(SIGALRM);
	pthread_mutex_unlock(&q->lock);
	return done;
}

#include "loops.h"

static const struct contender contender = {
	.name = "on demand",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.paced = paced,
	.sizes = true,
};

enum { WARMUP = 100, EVENTS = 400 };

static struct course course_of(uint32_t words, uint32_t batch, uint32_t producers)
{
	return (struct course){
		.words = words,
		.batch = batch,
		.producers = producers,
		.many = producers > 1,
		.capacity = 64,
		.warmup = WARMUP,
		.events = EVENTS,
		.cpus = {-1},
		.cpu_count = 1,
		.yield = true,
	};
}

static int run(const struct course *course, bool latency, enum fault fault, uint64_t at)
{
	struct scenario scenario = {.name = "test", .course = *course, .latency = latency};
	struct result result;
	int err;

	now.fault = fault;
	now.at = at;
	err = scenario_run(&scenario, course, &contender, &result);
	if (latency && fault == SOUND)
		expect(histogram_count(result.trips), course->events);
	free(result.trips);
	return err;
}

/* What cannot be: a word alone does not tear, and the last one has none to change places with. */
static bool is_possible(const struct course *c, enum fault fault, uint64_t at)
{
	if (fault == TEAR)
		return c->words > 1;
	return fault != SWAP || at + 1 < (c->warmup + c->events) * c->producers;
}

/* Each fault, at the beginning, in the middle and at the very end. */
static void expect_seen(const struct course *c, bool latency)
{
	uint64_t last = (c->warmup + c->events) * c->producers - 1;
	const uint64_t at[] = {0, WARMUP + 7, last};
	uint32_t fault, i;

	expect(run(c, latency, SOUND, 0), 0);
	for (fault = LOSE; fault < FAULTS; fault++)
		for (i = 0; i < 3; i++)
			if (is_possible(c, fault, at[i]))
				cr_assert(run(c, latency, fault, at[i]) == -EILSEQ,
					  "%u words, %u at once, %u producers: fault %u at %u",
					  c->words, c->batch, c->producers, fault, (uint32_t)at[i]);
}

Test(course, one_by_one_every_fault_is_seen)
{
	static const uint32_t words[] = {1, 4, 7, 8, 512};
	uint32_t i;

	for (i = 0; i < 5; i++) {
		struct course c = course_of(words[i], 1, 1);

		expect_seen(&c, false);
	}
}

Test(course, ten_at_once_every_fault_is_seen)
{
	static const uint32_t words[] = {1, 4, 7, 15};
	uint32_t i;

	for (i = 0; i < 4; i++) {
		struct course c = course_of(words[i], 10, 1);

		expect_seen(&c, false);
	}
}

Test(course, of_many_producers_every_fault_is_seen)
{
	struct course three = course_of(1, 1, 3), two = course_of(7, 10, 2);

	/* Whose events change places depends on who comes when, so that may be no fault. */
	expect(run(&three, false, SOUND, 0), 0);
	expect(run(&two, false, SOUND, 0), 0);
	for (uint32_t fault = LOSE; fault < FAULTS; fault++) {
		if (fault == SWAP)
			continue;
		expect(run(&three, false, fault, WARMUP + 7), -EILSEQ);
		if (fault != TEAR)
			expect(run(&two, false, fault, 0), -EILSEQ);
	}
}

Test(course, of_paced_events_every_fault_is_seen)
{
	struct course one = course_of(1, 1, 1), ten = course_of(7, 10, 1);

	one.interval = 1000;
	ten.interval = 10000;
	expect_seen(&one, true);
	expect_seen(&ten, true);
}

Test(course, in_a_ping_pong_one_that_comes_twice_is_seen)
{
	struct course c = course_of(7, 1, 1);

	expect(run(&c, true, SOUND, 0), 0);
	expect(run(&c, true, DOUBLE, 0), -EILSEQ);
	expect(run(&c, true, DOUBLE, WARMUP + 7), -EILSEQ);
	expect(run(&c, true, DOUBLE, WARMUP + EVENTS - 1), -EILSEQ);
	expect(run(&c, true, TEAR, WARMUP + 7), -EILSEQ);
}

/* Both sides wait for it for ever, and the limit ends the process. */
Test(course, in_a_ping_pong_one_that_is_lost_ends_the_tool)
{
	struct course c = course_of(7, 1, 1);
	char text[512];
	int ends[2], status;
	ssize_t n;
	pid_t child;

	expect(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		run(&c, true, LOSE, WARMUP + 7);
		_exit(0);
	}
	close(ends[1]);
	n = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	expect(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status %x", (unsigned)status);
	text[n > 0 ? n : 0] = '\0';
	cr_assert(strstr(text, "test, on demand: ") != NULL, "%s", text);
	cr_assert(strstr(text, "lost") != NULL, "%s", text);
}

/* How many were later than so many ticks. */
static uint64_t later_than(const struct histogram *h, uint64_t ticks)
{
	uint64_t n = 0;

	for (uint32_t i = histogram_bucket((int64_t)ticks) + 1; i < HISTOGRAM_BUCKETS; i++)
		n += h->buckets[i];
	return n;
}

/*
 * The producer stands still for 2000 intervals, and then puts all at once. None of what was due
 * in the first half may be told to have been less than the other half late.
 */
static void expect_late(uint32_t batch)
{
	enum { INTERVAL = 10000, STALL = 2000 };
	struct course c = course_of(1, batch, 1);
	struct scenario scenario = {.name = "late", .latency = true};
	struct result result;

	c.interval = INTERVAL;
	c.events = 3000 * batch;
	now.fault = SOUND;
	now.at = 500 * batch;
	now.stall = clock_ticks_of((double)INTERVAL * STALL);
	expect(scenario_run(&scenario, &c, &contender, &result), 0);
	now.stall = 0;
	expect(histogram_count(result.trips), c.events);
	/* Less some for the width of a bucket. */
	cr_assert(later_than(result.trips, clock_ticks_of((double)INTERVAL * STALL / 2)) >=
			  (STALL / 2 - STALL / 20) * batch,
		  "%u at once", batch);
	free(result.trips);
}

Test(course, events_of_a_producer_that_stands_still_are_late)
{
	clock_calibrate();
	expect_late(1);
	expect_late(10);
}

/* Producers count bursts, consumers events. */
Test(course, both_sides_of_a_schedule_agree)
{
	struct course c = course_of(1, 10, 1);
	struct schedule put, got;
	uint64_t due = 0;

	c.interval = 777;
	clock_calibrate();
	put = got = schedule_begin(&c, 1000);
	for (uint32_t i = 0; i < 1000000; i++) {
		if (i % 10 == 0)
			due = schedule_burst(&put);
		expect(schedule_event(&got), due);
	}
	/* It does not drift: after 77.7 ms by less than 2 ticks. */
	cr_assert(clock_ticks_of(777.0 * 99999) - (due - 1000) < 3, "%" PRIu64, due);
}
