/* SPDX-License-Identifier: MIT */
#ifndef BENCH_WAITS_H
#define BENCH_WAITS_H

/**
 * How each wait strategy does: what a consumer burns while nothing comes and
 * while a little does, how late it is then, and what its kind of waiting costs
 * the producer when nobody sleeps.
 */

#include <stdio.h>

#include <disruptor/wait.h>

#include "course.h"

/**
 * struct waits_strategy
 * @parks: sleeps until it is woken
 */
struct waits_strategy {
	const char *name;
	enum dsr_wait wait;
	bool parks;
};

extern const struct waits_strategy waits_strategies[];
extern const uint32_t waits_strategy_count;

/**
 * struct waits - what is asked for
 * @cpus:   of producer and consumer; -1: not pinned
 * @shrink: so many times shorter
 * @only:   strategies whose name contains this; NULL: all
 */
struct waits {
	int cpus[CPUS_MAX];
	uint32_t rounds;
	uint32_t shrink;
	const char *only;
};

/**
 * struct waits_figures - one round of one strategy
 * @idle:    share of a CPU, in percent, that the consumer takes while nothing comes
 * @trickle: the same at a thousand events a second
 * @late:    ticks from when each of these was due to when it was seen
 * @publish: ns to claim, fill and publish while the consumer is awake; 0: it never was
 * @used:    the strategy that the library took
 */
struct waits_figures {
	double idle;
	double trickle;
	struct histogram late;
	double publish;
	enum dsr_wait used;
};

/** waits_run() - all of it; prints a table. Return: 0 or a negative errno, and has told why. */
int waits_run(const struct waits *waits, FILE *csv);

/* Return, both: 0; -EILSEQ: events got lost or out of order; another negative errno. */

/** trickle_measure() - fills in all but @publish. trickle.c */
int trickle_measure(const struct waits *waits, const struct waits_strategy *strategy,
		    struct waits_figures *figures);

/** burst_measure() - fills in @publish. burst.c */
int burst_measure(const struct waits *waits, const struct waits_strategy *strategy,
		  struct waits_figures *figures);

#endif
