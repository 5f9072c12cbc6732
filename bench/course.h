/* SPDX-License-Identifier: MIT */
#ifndef BENCH_COURSE_H
#define BENCH_COURSE_H

/**
 * What every contender runs: so many events of such a size from these threads to
 * those, every word written and every word read and checked.
 */

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include <disruptor/atomic.h>

#include "histogram.h"
#include "shapes.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { WORDS_MAX = 512, BATCH_MAX = 64, CPUS_MAX = 64, TRIPS_TIMED = 64 };

/* A power of two: an event's producer is masked with it. */
enum { PRODUCERS_MAX = 128 };

#define ALWAYS static inline __attribute__((always_inline))

struct placing; /* placing.h */

/**
 * struct course - one scenario
 * @shape:	who follows whom; all but the line have one producer, and those whose
 *		consumers change words have events of 4
 * @words:	8-byte words of an event; loops are compiled for 1, 4 and 7, and for any
 * @batch:	events that are put, and taken, at once; 1: one by one
 * @producers:	producer threads
 * @many:	the queue is built for many producers, even if there is one
 * @capacity:	slots, a power of two
 * @warmup:	events, or round trips, of each producer before the clock starts
 * @events:	the same with the clock running
 * @interval:	paced: ns from one time at which @batch events are due to the next
 * @cpus:	CPUs of the threads in turn, producers first; -1: not pinned
 * @cpu_count:	how many, at least 1
 * @yield:	who waits yields instead of spinning with the core's spin hint
 * @placing:	where the slots lie, and which pages they are made of; NULL: as the contender
 *		does it by itself. Only disruptor knows to do it; its only consumer then has
 *		the second CPU
 */
struct course {
	enum shape shape;
	uint32_t words;
	uint32_t batch;
	uint32_t producers;
	bool many;
	uint32_t capacity;
	uint64_t warmup;
	uint64_t events;
	uint64_t interval;
	int cpus[CPUS_MAX];
	uint32_t cpu_count;
	bool yield;
	struct placing *placing;
};

/**
 * struct outcome - what one run gave
 * @begun: ticks when the first producer began, warmed up
 * @ended: ticks when all consumers had read their last event
 * @sums:  of all words read, for each consumer
 * @wrong: events that were not the next of their producer, of all consumers
 * @trips: latency, in ticks: round trips; paced: from when an event was due to when it was seen
 * @runs:  latency: of so many round trips each, TRIPS_TIMED, the ticks. A single trip may be
 *	   as short as a few steps of the clock
 * @ran:   how many of these
 */
struct outcome {
	uint64_t begun;
	uint64_t ended;
	uint64_t sums[CONSUMERS_MAX];
	uint64_t wrong;
	struct histogram *trips;
	double *runs;
	uint32_t ran;
};

/**
 * struct contender - one way to hand events over
 * @slower:   runs so many times fewer events, or it would take all day
 * @stream:   throughput; 0 or a negative errno
 * @pingpong: round trips through two queues, one each way; NULL: cannot
 * @many:     can have many producers
 * @many_only: is there for these, and left out where the queue is built for one
 * @in_turn:  which wait for each other in the order they came, spinning: if there are more
 *	      of them than CPUs, an event takes a time slice
 * @shapes:   can have several consumers that all see every event
 * @extra:    a variant of another one, which runs only if it is asked for by name
 * @missing:  NULL, or tells what this machine has not that it needs; that may be NULL, too
 * @close:    NULL, or called when a scenario's last run is over
 * @paced:    one way, of events that are due at given times; NULL: cannot
 * @sizes:    events of any number of words; without it 1, 4 and 7
 * @pages:    ours, on pages of one kind: only where these are compared
 */
struct contender {
	const char *name;
	uint32_t slower;
	int (*stream)(const struct course *course, struct outcome *outcome);
	int (*pingpong)(const struct course *course, struct outcome *outcome);
	bool many;
	bool many_only;
	bool in_turn;
	bool shapes;
	bool extra;
	const char *(*missing)(void);
	void (*close)(void);
	int (*paced)(const struct course *course, struct outcome *outcome);
	bool sizes;
	bool pages;
};

extern const struct contender floor_contender, disruptor_contender, disruptor_event_contender,
	disruptor_small_contender, disruptor_huge_contender, ck_contender, rte_contender,
	rte_hts_contender, rte_zc_contender, boost_contender, boost_many_contender,
	readerwriterqueue_contender, concurrentqueue_contender, tbb_contender, wfcqueue_contender,
	crossbeam_contender, crossbeam_channel_contender, rust_mpsc_contender, rust_sync_contender,
	lmax_contender, glib_contender, mutex_contender, pipe_contender, eventfd_contender;

/* clock.c: what a tick is, found out once. */
void clock_calibrate(void);
double clock_ns_of(uint64_t ticks);
uint64_t clock_ticks_of(double ns);

ALWAYS uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
#endif
}

/* The same, but no sooner than all that was read before it is there. */
ALWAYS uint64_t clock_ticks_after(void)
{
#if defined(__x86_64__)
	__builtin_ia32_lfence();
#elif defined(__aarch64__)
	__asm__ __volatile__("isb" ::: "memory");
#endif
	return clock_ticks();
}

/* cpus.c */
int cpus_allowed(int *cpus, int most);
int cpus_apart(int *cpus, int most); /* the same, but one of each core first */
void cpus_pin(int cpu);              /* the calling thread; -1: leaves it as it is */

/* So many times fewer events, but one at least. */
static inline uint64_t course_part(uint64_t events, uint32_t fewer)
{
	return (events + fewer - 1) / fewer;
}

/* The CPU of a thread; producers have the first numbers. */
static inline int course_cpu(const struct course *course, uint32_t thread)
{
	return course->cpus[thread % course->cpu_count];
}

static inline uint32_t course_threads(const struct course *course)
{
	return course->producers + shape_consumers(course->shape);
}

ALWAYS void pass(bool yield)
{
	if (yield)
		sched_yield();
	else
		dsr_relax();
}

/* Word 0 says whose and which, the others follow from it. */
ALWAYS uint64_t event_tag(uint64_t producer, uint64_t i)
{
	return producer << 48 | i;
}

ALWAYS void event_fill(uint64_t *event, uint32_t words, uint64_t tag)
{
	uint32_t k;

	for (k = 0; k < words; k++)
		event[k] = tag + k;
}

/*
 * A consumer's check. Never shared, so a loop may keep it in registers; but for @nexts,
 * which say what comes next of many producers, as @next does of one.
 */
struct checker {
	uint64_t sum;
	uint64_t wrong;
	uint64_t next;
	uint64_t *nexts;
};

/* All words but @skip are summed. */
ALWAYS void event_check_but(struct checker *c, const uint64_t *event, uint32_t words, bool many,
			    uint32_t skip)
{
	uint64_t producer = many ? event[0] >> 48 & (PRODUCERS_MAX - 1) : 0;
	uint64_t *next = many ? &c->nexts[producer] : &c->next;
	uint32_t k;

	c->wrong += event[0] != event_tag(producer, (*next)++);
	for (k = 0; k < words; k++)
		if (k != skip)
			c->sum += event[k];
}

ALWAYS void event_check(struct checker *c, const uint64_t *event, uint32_t words, bool many)
{
	event_check_but(c, event, words, many, NO_WORD);
}

/*
 * When events are due. Which one an event is tells when it was: a consumer counts along,
 * and so a producer cannot make it look better by being late.
 */
struct schedule {
	uint64_t begin;
	/* Since then, and from burst to burst, in parts of a tick: any rate is exact. */
	uint64_t passed, step;
	uint32_t burst, left;
};

enum { SCHEDULE_PARTS = 16 }; /* bits */

/* The first burst is due in @begin ticks of the clock. */
static inline struct schedule schedule_begin(const struct course *c, uint64_t begin)
{
	struct schedule schedule = {begin, 0,
				    clock_ticks_of((double)(c->interval << SCHEDULE_PARTS)),
				    c->batch, c->batch};

	return schedule;
}

/* When the next burst is due. */
ALWAYS uint64_t schedule_burst(struct schedule *p)
{
	uint64_t due = p->begin + (p->passed >> SCHEDULE_PARTS);

	p->passed += p->step;
	return due;
}

/* When the next event was due. */
ALWAYS uint64_t schedule_event(struct schedule *p)
{
	uint64_t due = p->begin + (p->passed >> SCHEDULE_PARTS);

	if (--p->left == 0) {
		p->left = p->burst;
		p->passed += p->step;
	}
	return due;
}

/* A paced consumer's score. */
struct late {
	struct schedule schedule;
	uint64_t warmup;
	struct histogram *ticks;
};

/* The next event is read, all of it. */
ALWAYS void late_count(struct late *l)
{
	uint64_t now = clock_ticks_after(), due = schedule_event(&l->schedule);

	if (l->warmup)
		l->warmup--;
	else
		histogram_add(l->ticks, (int64_t)(now - due));
}

/* One side's clock: strokes so far, and when the last one and the last run began. */
struct rally {
	uint64_t count;
	uint64_t before;
	uint64_t run;
};

/* The ball is back. */
ALWAYS void rally_count(struct rally *r, const struct course *course, struct outcome *outcome)
{
	uint64_t now = clock_ticks();

	if (r->count >= course->warmup)
		histogram_add(outcome->trips, (int64_t)(now - r->before));
	r->before = now;
	if (++r->count < course->warmup)
		return;
	if ((r->count - course->warmup) % TRIPS_TIMED == 0) {
		if (r->count > course->warmup)
			outcome->runs[outcome->ran++] = (double)(now - r->run);
		r->run = now;
	}
}

/* What outcome.sums[@consumer] has to be. */
static inline uint64_t course_sum(const struct course *course, uint32_t consumer)
{
	uint64_t n = course->warmup + course->events, sum = 0, p, k;
	struct role role = shape_role(course->shape, consumer);

	for (p = 0; p < course->producers; p++)
		for (k = 0; k < course->words; k++)
			if (k != role.skip)
				sum += n * (event_tag(p, 0) + k) + n * (n - 1) / 2;
	return sum + n * role.seen;
}

#ifdef __cplusplus
}
#endif

#endif
