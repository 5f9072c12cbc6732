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

static inline struct result *table_at(const struct table *t, uint32_t contender, uint32_t round)
{
	return &t->results[contender * t->rounds + round];
}

/** report_print() - medians per regime and ratios to ours, with their intervals, for people */
void report_print(const struct table *table);

/** report_record() - every figure of every run, for programs. Return: 0; -ENOMEM */
int report_record(const struct table *table, const char *command, struct results *results);

#endif
