/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

/**
 * All figures of a run of the tool, one by one as they were taken, and how they
 * are written for programs. Tables for people are made elsewhere, from the same.
 */

#include <stdio.h>

#include "scenario.h"

struct environment;
struct results;

/**
 * struct record - one figure of one run
 * @command:   of the tool
 * @scenario:  or what else was measured: a placement, a wait strategy's load
 * @contender: who did it
 * @metric:    what the figure is, its unit included: "ns_per_event", "p99_ns", "cpu_percent"
 * @regime:    of the CPUs while it was taken; UNCLEAR also if nobody looked
 * @round:     counted from 0
 */
struct record {
	const char *command;
	const char *scenario;
	const char *contender;
	const char *metric;
	enum regime regime;
	uint32_t round;
	double value;
};

/** results_new() - none yet. NULL: no memory */
struct results *results_new(void);

/** results_add() - one more; texts are copied. Return: 0; -ENOMEM */
int results_add(struct results *r, const struct record *record);

uint32_t results_count(const struct results *r);

/** results_at() - in the order they were added. Valid until the next is added */
const struct record *results_at(const struct results *r, uint32_t index);

/** results_write_csv() - a line with the names of the columns, and one for each. Return: 0; -EIO */
int results_write_csv(const struct results *r, FILE *file);

/** results_write_json() - one object, with the environment. Return: 0; -EIO */
int results_write_json(const struct results *r, const struct environment *e, FILE *file);

/** results_free() - NULL is fine */
void results_free(struct results *r);

/** regime_name() - "near", "far", "unclear" */
const char *regime_name(enum regime regime);

#endif
