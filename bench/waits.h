/* SPDX-License-Identifier: MIT */
#ifndef BENCH_WAITS_H
#define BENCH_WAITS_H

/**
 * How each wait strategy does: what a consumer burns while nothing comes and
 * while a little does, how late it is then, and what its kind of waiting costs
 * the producer when nobody sleeps.
 */

#include <disruptor/wait.h>

#include "options.h"

/**
 * struct waits_strategy
 * @parks: sleeps until it is woken
 */
struct waits_strategy {
	const char *name;
	enum dsr_wait wait;
	bool parks;
};

/**
 * struct waits - what is asked for
 * @cpus:   of producer and consumer; -1: not pinned
 * @shrink: so many times shorter
 */
struct waits {
	const struct options *options;
	int cpus[2];
	uint32_t rounds;
	uint32_t shrink;
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

/** waits_main() - the command: all of it. The exit status */
int waits_main(int argc, char **argv);

/* Return, both: 0; -EILSEQ: events got lost or out of order; another negative errno. */

/** trickle_measure() - fills in all but @publish. trickle.c */
int trickle_measure(const struct waits *waits, const struct waits_strategy *strategy,
		    struct waits_figures *figures);

/** burst_measure() - fills in @publish. burst.c */
int burst_measure(const struct waits *waits, const struct waits_strategy *strategy,
		  struct waits_figures *figures);

#endif
