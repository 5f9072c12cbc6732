/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "median.h"
#include "scenario.h"

/* One way, in ns: CPUs of one core complex are below, of two or of a virtual machine's whim above. */
#define NEAR_BELOW 110.0

const struct contender *const contenders[] = {
	&floor_contender, &disruptor_contender,  &disruptor_event_contender,
#if BENCH_WITH_CK
	&ck_contender,
#endif
#if BENCH_WITH_RTE
	&rte_contender,
#endif
#if BENCH_WITH_BOOST
	&boost_contender, &boost_many_contender,
#endif
#if BENCH_WITH_LMAX
	&lmax_contender,
#endif
	&mutex_contender,
};
const uint32_t contender_count = sizeof(contenders) / sizeof(*contenders);
_Static_assert(sizeof(contenders) / sizeof(*contenders) <= CONTENDERS_MAX, "too many to compare");

const struct optional optionals[] = {
	{"ck_ring", "libck-dev", BENCH_WITH_CK},
	{"rte_ring", "libdpdk-dev", BENCH_WITH_RTE},
	{"Boost", "libboost-dev and a C++ compiler", BENCH_WITH_BOOST},
	{"LMAX Disruptor", "libdisruptor-java and default-jdk-headless", BENCH_WITH_LMAX},
};
const uint32_t optional_count = sizeof(optionals) / sizeof(*optionals);

enum { TRIPS = 100000, RUNS_MAX = TRIPS / TRIPS_TIMED + 2 };

#define LATENCY(w)                                                                        \
	{                                                                                 \
		.words = w, .batch = 1, .producers = 1, .capacity = 1024, .warmup = 5000, \
		.events = TRIPS                                                           \
	}
#define STREAM(w, n, p, m)                                                            \
	{                                                                             \
		.words = w, .batch = n, .producers = p, .many = m, .capacity = 65536, \
		.warmup = 65536, .events = 1000000                                    \
	}

#define SHAPE(w, s)                                                                    \
	{                                                                              \
		.shape = s, .words = w, .batch = 1, .producers = 1, .capacity = 65536, \
		.warmup = 65536, .events = 1000000                                     \
	}

const struct scenario scenarios[] = {
	{"latency-8", "one way, 8-byte events", LATENCY(1), true},
	{"latency-56", "one way, 56-byte events", LATENCY(7), true},
	{"single-8", "one producer, one by one, 8 bytes", STREAM(1, 1, 1, false), false},
	{"single-32", "one producer, one by one, 32 bytes", STREAM(4, 1, 1, false), false},
	{"single-56", "one producer, one by one, 56 bytes", STREAM(7, 1, 1, false), false},
	{"batch10-8", "one producer, 10 at once, 8 bytes", STREAM(1, 10, 1, false), false},
	{"batch10-32", "one producer, 10 at once, 32 bytes", STREAM(4, 10, 1, false), false},
	{"batch10-56", "one producer, 10 at once, 56 bytes", STREAM(7, 10, 1, false), false},
	{"batch64-8", "one producer, 64 at once, 8 bytes", STREAM(1, 64, 1, false), false},
	{"batch64-32", "one producer, 64 at once, 32 bytes", STREAM(4, 64, 1, false), false},
	{"batch64-56", "one producer, 64 at once, 56 bytes", STREAM(7, 64, 1, false), false},
	{"many1-8", "built for many, one producer, 8 bytes", STREAM(1, 1, 1, true), false},
	{"many1-56", "built for many, one producer, 56 bytes", STREAM(7, 1, 1, true), false},
	{"many2-8", "two producers, 8 bytes", STREAM(1, 1, 2, true), false},
	{"many2-56", "two producers, 56 bytes", STREAM(7, 1, 2, true), false},
	{"many3-8", "three producers, 8 bytes", STREAM(1, 1, 3, true), false},
	{"multicast-8", "three consumers, each sees all, 8 bytes", SHAPE(1, SHAPE_MULTICAST),
	 false},
	{"pipeline-32", "three consumers in a row, 32 bytes", SHAPE(4, SHAPE_PIPELINE), false},
	{"diamond-32", "two consumers, and one behind both, 32 bytes", SHAPE(4, SHAPE_DIAMOND),
	 false},
};
const uint32_t scenario_count = sizeof(scenarios) / sizeof(*scenarios);

bool contender_wanted(const struct contender *c, const char *part)
{
	return part ? strstr(c->name, part) != NULL : !c->extra;
}

bool scenario_fits(const struct scenario *s, uint32_t cpu_count, const struct contender *c)
{
	if (c->in_turn && s->course.producers > cpu_count)
		return false;
	if (s->course.shape != SHAPE_LINE)
		return c->shapes;
	if (s->course.many)
		return c->many;
	return !c->many_only && (!s->latency || c->pingpong);
}

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

/* Did each consumer read every word? */
static bool all_read(const struct course *course, const struct outcome *outcome)
{
	uint32_t i;

	for (i = 0; i < shape_consumers(course->shape); i++)
		if (outcome->sums[i] != course_sum(course, i))
			return false;
	return !outcome->wrong;
}

static int measure(const struct scenario *s, const struct course *course, const struct contender *c,
		   struct result *result)
{
	static double runs[RUNS_MAX];
	struct outcome outcome = {.trips = result->trips, .runs = runs};
	int err = s->latency ? c->pingpong(course, &outcome) : c->stream(course, &outcome);

	if (err < 0)
		return err;
	if (!all_read(course, &outcome))
		return -EILSEQ;
	if (s->latency)
		result->value = one_way(&outcome);
	else
		result->value = clock_ns_of(outcome.ended - outcome.begun) /
				(double)(course->events * course->producers);
	return 0;
}

int scenario_run(const struct scenario *s, const struct course *course, const struct contender *c,
		 struct result *result)
{
	struct course mine = *course;
	double before = scenario_probe(course->cpus, course->cpu_count);
	int err;

	mine.events = mine.events / c->slower + 1;
	mine.warmup = mine.warmup / c->slower + 1;
	*result = (struct result){0};
	if (s->latency) {
		result->trips = calloc(1, sizeof(*result->trips));
		if (!result->trips)
			return -ENOMEM;
	}
	err = measure(s, &mine, c, result);
	result->regime = regime_of(before, scenario_probe(course->cpus, course->cpu_count));
	return err;
}
