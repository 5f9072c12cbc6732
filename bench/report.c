/* SPDX-License-Identifier: MIT */
/*
 * Ratios are taken round by round, each contender against ours in the same
 * round, and only if both ran with the CPUs equally near: then what the machine
 * does meanwhile does to both. Shown is the median of these, and beside it the
 * median of the figures themselves.
 */
#include "median.h"
#include "report.h"

enum { ROUNDS_MAX = 1024 };

static uint32_t ours(void)
{
	uint32_t i;

	for (i = 0; contenders[i] != &disruptor_contender; i++)
		;
	return i;
}

/* The figures of @contender in @regime; returns how many. */
static uint32_t figures(const struct table *t, uint32_t contender, enum regime regime,
			double *values)
{
	uint32_t n = 0, round;

	for (round = 0; round < t->rounds; round++)
		if (table_at(t, contender, round)->regime == regime)
			values[n++] = table_at(t, contender, round)->value;
	return n;
}

static uint32_t ratios(const struct table *t, uint32_t contender, enum regime regime,
		       double *values)
{
	uint32_t n = 0, round;

	for (round = 0; round < t->rounds; round++) {
		const struct result *one = table_at(t, contender, round);
		const struct result *base = table_at(t, ours(), round);

		if (one->regime == regime && base->regime == regime && base->value > 0)
			values[n++] = one->value / base->value;
	}
	return n;
}

static void print_cell(const struct table *t, uint32_t contender, enum regime regime)
{
	double values[ROUNDS_MAX];
	uint32_t n = figures(t, contender, regime, values);

	if (!n) {
		printf("  %9s %7s %6s", "", "", "");
		return;
	}
	printf("  %9.1f", median(values, n));
	n = t->ran[ours()] ? ratios(t, contender, regime, values) : 0;
	if (n)
		printf(" %7.2f", median(values, n));
	else
		printf(" %7s", "");
	printf(" %5ux", n);
}

/*
 * While a late answer is awaited, the questions that should have been asked
 * meanwhile are not, and their waiting is not counted (Gil Tene's coordinated
 * omission). So each trip of more than twice the usual adds those that would
 * have begun every @usual ticks in its course.
 */
static void correct(struct histogram *h, int64_t usual)
{
	static struct histogram raw;
	uint32_t i;

	raw = *h;
	for (i = 0; i < HISTOGRAM_BUCKETS && usual > 0; i++) {
		int64_t ticks = histogram_bucket_end(i);

		if (!raw.buckets[i])
			continue;
		if (ticks > raw.max)
			ticks = raw.max;
		for (ticks -= usual; ticks > usual; ticks -= usual)
			histogram_add_n(h, ticks, raw.buckets[i]);
	}
}

static void print_percentiles(const struct table *t, uint32_t contender, enum regime regime)
{
	static const double percents[] = {50, 90, 99, 99.9, 99.99, 100};
	static struct histogram all;
	uint32_t round, i;

	all = (struct histogram){0};
	for (round = 0; round < t->rounds; round++)
		if (table_at(t, contender, round)->regime == regime)
			histogram_merge(&all, table_at(t, contender, round)->trips);
	if (!histogram_count(&all))
		return;
	correct(&all, histogram_percentile(&all, 50));
	printf("    %-26s %-5s", contenders[contender]->name, regime == NEAR ? "near" : "far");
	for (i = 0; i < sizeof(percents) / sizeof(*percents); i++)
		printf(" %9.0f",
		       clock_ns_of((uint64_t)histogram_percentile(&all, percents[i])) / 2);
	printf("\n");
}

void report_print(const struct table *t)
{
	uint32_t i;

	printf("\n%s: %s%s\n", t->scenario->name, t->scenario->title,
	       t->yield ? "; waits yield" : "");
	printf("    %-26s  %9s %7s %6s  %9s %7s %6s\n", t->scenario->latency ? "ns" : "ns an event",
	       "near", "ratio", "rounds", "far", "ratio", "rounds");
	for (i = 0; i < contender_count; i++) {
		if (!t->ran[i])
			continue;
		printf("    %-26s", contenders[i]->name);
		print_cell(t, i, NEAR);
		print_cell(t, i, FAR);
		printf("\n");
	}
	if (!t->scenario->latency)
		return;
	printf("    %-32s %9s %9s %9s %9s %9s %9s\n", "percentiles, corrected", "50", "90", "99",
	       "99.9", "99.99", "max");
	for (i = 0; i < contender_count; i++) {
		if (!t->ran[i])
			continue;
		print_percentiles(t, i, NEAR);
		print_percentiles(t, i, FAR);
	}
}

int report_record(const struct table *t, const char *command, struct results *results)
{
	struct record record = {.command = command,
				.scenario = t->scenario->name,
				.metric = t->scenario->latency ? "one_way_ns" : "ns_per_event"};
	uint32_t i, round;
	int err = 0;

	for (i = 0; i < contender_count; i++) {
		for (round = 0; t->ran[i] && round < t->rounds && err == 0; round++) {
			record.contender = contenders[i]->name;
			record.regime = table_at(t, i, round)->regime;
			record.round = round;
			record.value = table_at(t, i, round)->value;
			err = results_add(results, &record);
		}
	}
	return err;
}
