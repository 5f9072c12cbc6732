/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SCENARIO_H
#define BENCH_SCENARIO_H

#include "course.h"
#include "rings.h"

/* Round trips of a run, at most. */
enum { SCENARIO_TRIPS = 100000 };

/**
 * struct scenario - a course with a name
 * @latency: round trips are timed one by one, or, if the course has an interval, single ways;
 *	     else a stream of events as a whole
 * @usual:   one of those that compare runs unless others are asked for
 * @crowd:   with as many producers as make it twice as many threads as CPUs
 * @ring:    how large a ring, by the caches of this machine
 * @pages:   where kinds of pages are compared
 */
struct scenario {
	const char *name;
	const char *title;
	struct course course;
	bool latency;
	bool usual;
	bool crowd;
	bool pages;
	enum ring ring;
};

/* How near the two CPUs were when a run was made; UNCLEAR: it changed meanwhile. */
enum regime { NEAR, FAR, UNCLEAR, REGIMES };

/**
 * struct result - one run of one contender
 * @value: ns an event; latency: ns one way, median
 * @trips: latency: as in struct outcome; NULL otherwise. The caller's to free
 */
struct result {
	enum regime regime;
	double value;
	struct histogram *trips;
};

enum { CONTENDERS_MAX = 64 };

extern const struct scenario scenarios[];
extern const uint32_t scenario_count;
extern const struct contender *const contenders[];
extern const uint32_t contender_count;

/**
 * struct optional - a contender that is there if its packages were when this was built
 */
struct optional {
	const char *name;
	const char *packages;
	bool built;
};

extern const struct optional optionals[];
extern const uint32_t optional_count;

/** contender_wanted() - is @part in its name? NULL: all are wanted but the variants */
bool contender_wanted(const struct contender *c, const char *part);

/** scenario_fits() - can it, with so many CPUs, and is it worth looking at? */
bool scenario_fits(const struct scenario *s, uint32_t cpu_count, const struct contender *c);

/**
 * scenario_course() - what it is on this machine
 * @shrink: so many times fewer events
 */
struct course scenario_course(const struct scenario *s, const int *cpus, uint32_t cpu_count,
			      uint32_t shrink);

/* measurement.c */

/** scenario_probe() - how near the first two CPUs are just now: ns one way. Takes a millisecond */
double scenario_probe(const int *cpus, uint32_t cpu_count);

/** regime_of() - a run that had these probes around it */
enum regime regime_of(double before, double after);

/**
 * scenario_run() - one run, with a look at the machine before and after
 * @course: the scenario's, changed to what this machine has
 *
 * A run that does not end within two minutes ends the process, with status 1: threads that
 * wait for a lost event cannot be told to stop. It takes SIGALRM for that.
 *
 * Return: 0; a negative errno; -EILSEQ if events got lost, doubled, torn or out of order.
 */
int scenario_run(const struct scenario *s, const struct course *course, const struct contender *c,
		 struct result *result);

#endif
