/* SPDX-License-Identifier: MIT */
/*
 * One run of one contender: what the machine is like before and after, the figure, and
 * whether all events came, once, whole and in order. Who loses one in a stream is found
 * out when the producers have ended (struct finish, threads.h) and who gives one twice
 * when it is asked for more than there were (loops.h). Where both sides wait for the one
 * that was lost, and where a queue waits by itself, only the time tells.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenario.h"
#include "statistics.h"

/*
 * One way, in ns: CPUs of one core complex are below, of two or of a virtual machine's
 * whim above.
 */
#define NEAR_BELOW 110.0

enum {
	RUNS_MAX = SCENARIO_TRIPS / TRIPS_TIMED + 2,
	/*
	 * Of a run, in seconds. None takes more than a few; with a Java process's first
	 * ones, some.
	 */
	LIMIT = 120,
	LIMIT_STATUS = 1, /* as options.h has it: a run failed */
};

/* The median run, as ns for one way of one trip. */
static double one_way(struct outcome *outcome)
{
	if (!outcome->ran)
		return clock_ns_of((uint64_t)histogram_percentile(outcome->trips, 50)) / 2;
	return clock_ns_of((uint64_t)median(outcome->runs, outcome->ran)) / TRIPS_TIMED / 2;
}

/* The floor's ping-pong, for a moment. */
double scenario_probe(const int *cpus, uint32_t cpu_count)
{
	static struct histogram trips;
	static double runs[32];
	struct course course = {.shape = SHAPE_LINE,
				.words = 1,
				.batch = 1,
				.producers = 1,
				.capacity = 1,
				.warmup = 500,
				.events = 2000,
				.cpu_count = cpu_count,
				/* Two threads, a CPU each; but if there is only one for both. */
				.yield = cpus[0] < 0};
	struct outcome outcome = {.trips = &trips, .runs = runs};

	memcpy(course.cpus, cpus, cpu_count * sizeof(*cpus));
	trips = (struct histogram){0};
	floor_contender.pingpong(&course, &outcome);
	return one_way(&outcome);
}

enum regime regime_of(double before, double after)
{
	if ((before < NEAR_BELOW) != (after < NEAR_BELOW))
		return UNCLEAR;
	return before < NEAR_BELOW ? NEAR : FAR;
}

/* Did each consumer read every word, and, where events were due, tell how late each was? */
static bool all_read(const struct course *course, const struct outcome *outcome)
{
	uint32_t i;

	for (i = 0; i < shape_consumers(course->shape); i++)
		if (outcome->sums[i] != course_sum(course, i))
			return false;
	/* One without a time would look as if it had not been late. */
	if (course->interval && histogram_count(outcome->trips) != course->events)
		return false;
	return !outcome->wrong;
}

static int run(const struct scenario *s, const struct course *course, const struct contender *c,
	       struct outcome *outcome)
{
	if (!s->latency)
		return c->stream(course, outcome);
	return course->interval ? c->paced(course, outcome) : c->pingpong(course, outcome);
}

static double value(const struct scenario *s, const struct course *course, struct outcome *outcome)
{
	if (!s->latency)
		return clock_ns_of(outcome->ended - outcome->begun) /
		       (double)(course->events * course->producers);
	if (course->interval)
		return clock_ns_of((uint64_t)histogram_percentile(outcome->trips, 50));
	return one_way(outcome);
}

static int measure(const struct scenario *s, const struct course *course, const struct contender *c,
		   struct result *result)
{
	static double runs[RUNS_MAX] DSR_ALIGNED(DSR_CACHELINE);
	struct outcome outcome = {.trips = result->trips, .runs = runs};
	int err = run(s, course, c, &outcome);

	if (err < 0)
		return err;
	if (!all_read(course, &outcome))
		return -EILSEQ;
	result->value = value(s, course, &outcome);
	return 0;
}

/* What on_limit() says: it can only say what is ready. */
static char limit_text[256];

static void on_limit(int signal)
{
	ssize_t written = write(STDERR_FILENO, limit_text, strlen(limit_text));

	(void)signal;
	(void)written;
	_exit(LIMIT_STATUS);
}

static void limit_begin(const struct scenario *s, const struct contender *c)
{
	struct sigaction action = {.sa_handler = on_limit};

	snprintf(limit_text, sizeof(limit_text),
		 "disruptor-bench: %s, %s: no end after %d s: an event is lost\n", s->name, c->name,
		 LIMIT);
	sigaction(SIGALRM, &action, NULL);
	alarm(LIMIT);
}

/* Apart from all else: the consumer writes to it while others wait for it. */
static struct histogram *new_histogram(void)
{
	size_t bytes =
		(sizeof(struct histogram) + DSR_CACHELINE - 1) / DSR_CACHELINE * DSR_CACHELINE;
	struct histogram *h = aligned_alloc(DSR_CACHELINE, bytes);

	if (h)
		memset(h, 0, bytes);
	return h;
}

int scenario_run(const struct scenario *s, const struct course *course, const struct contender *c,
		 struct result *result)
{
	struct course mine = *course;
	double before = scenario_probe(course->cpus, course->cpu_count);
	int err;

	mine.events = course_part(mine.events, c->slower);
	mine.warmup = course_part(mine.warmup, c->slower);
	*result = (struct result){0};
	if (s->latency) {
		result->trips = new_histogram();
		if (!result->trips)
			return -ENOMEM;
	}
	limit_begin(s, c);
	err = measure(s, &mine, c, result);
	alarm(0);
	result->regime = regime_of(before, scenario_probe(course->cpus, course->cpu_count));
	return err;
}
