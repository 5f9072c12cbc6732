/* SPDX-License-Identifier: MIT */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "results.h"

/**
 * struct table - all runs of one scenario
 * @rounds:  how many
 * @results: contender by contender, round by round
 * @ran:     per contender
 * @yield:   there were more threads than CPUs
 */
struct table {
	const struct scenario *scenario;
	uint32_t rounds;
	struct result *results;
	const bool *ran;
	bool yield;
};

/* 50, 90, 99, 99.9, 99.99, and the highest. */
enum { PERCENTILES = 6 };

static inline struct result *table_at(const struct table *t, uint32_t contender, uint32_t round)
{
	return &t->results[contender * t->rounds + round];
}

/** report_print() - medians per regime and ratios to ours, with their intervals, for people */
void report_print(const struct table *table);

/** report_record() - every figure of every run, for programs. Return: 0; -ENOMEM */
int report_record(const struct table *table, const char *command, struct results *results);

/** report_percentiles() - of single ways, in ns; of round trips corrected for omission */
void report_percentiles(const struct scenario *s, const struct histogram *trips, double *ns);

#endif
