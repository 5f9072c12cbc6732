/* SPDX-License-Identifier: MIT */
/*
 * Ratios are taken round by round, each contender against ours in the same
 * round, and only if both ran with the CPUs equally near: then what the machine
 * does meanwhile does to both. Shown are the medians of the figures and of the
 * ratios, each with what it is between (statistics.h), and how many there were.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "report.h"
#include "statistics.h"

enum { ROUNDS_MAX = 1024 };

static const struct {
	double percent;
	const char *metric;
} percentiles[] = {{50, "p50_ns"},     {90, "p90_ns"},       {99, "p99_ns"},
		   {99.9, "p99.9_ns"}, {99.99, "p99.99_ns"}, {100, "max_ns"}};
_Static_assert(sizeof(percentiles) / sizeof(*percentiles) == PERCENTILES, "one for each");

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

	for (round = 0; round < t->rounds && t->ran[ours()]; round++) {
		const struct result *one = table_at(t, contender, round);
		const struct result *base = table_at(t, ours(), round);

		if (one->regime == regime && base->regime == regime && base->value > 0)
			values[n++] = one->value / base->value;
	}
	return n;
}

static void print_within(int width, int decimals, const struct summary *s)
{
	char text[64];

	snprintf(text, sizeof(text), "[%.*f, %.*f]", decimals, s->low, decimals, s->high);
	printf(" %-*s", width, text);
}

/* @counts: how many values there were, for print_levels() */
static void print_row(const struct table *t, uint32_t contender, enum regime regime, bool *counts)
{
	double values[ROUNDS_MAX];
	struct summary s = summarize(values, figures(t, contender, regime, values));

	if (!s.count)
		return;
	counts[s.count] = true;
	printf("    %-26s %-4s %9.1f %7.1f", contenders[contender]->name, regime_name(regime),
	       s.median, s.spread);
	print_within(18, 1, &s);
	printf(" %3u", s.count);
	s = summarize(values, ratios(t, contender, regime, values));
	if (s.count) {
		counts[s.count] = true;
		printf("  %6.2f", s.median);
		print_within(14, 2, &s);
		printf(" %3u", s.count);
	}
	printf("\n");
}

/* An interval's level depends on how many values it is of and on nothing else. */
static void print_levels(const bool *counts)
{
	const char *lead = "    the true median is in [ ] with";
	uint32_t n;
	double level;

	for (n = 1; n < ROUNDS_MAX; n++) {
		if (!counts[n])
			continue;
		median_rank(n, &level);
		printf("%s %.1f %% (n=%u)", lead, 100 * level, n);
		lead = ",";
	}
	printf("%s", *lead == ',' ? "\n" : "");
}

static void print_unclear(const struct table *t)
{
	uint32_t n = 0, i, round;

	for (i = 0; i < contender_count; i++)
		for (round = 0; t->ran[i] && round < t->rounds; round++)
			n += table_at(t, i, round)->regime == UNCLEAR;
	if (n)
		printf("    %u run%s not counted: near became far, or far near\n", n,
		       n == 1 ? "" : "s");
}

static void print_medians(const struct table *t)
{
	bool counts[ROUNDS_MAX] = {false};
	uint32_t i;

	printf("    %-26s %-4s %9s %7s %-18s %3s  %6s %-14s %3s\n",
	       t->scenario->latency ? "ns one way" : "ns an event", "", "median", "spread", "", "n",
	       "ratio", "", "n");
	for (i = 0; i < contender_count; i++) {
		if (!t->ran[i])
			continue;
		print_row(t, i, NEAR, counts);
		print_row(t, i, FAR, counts);
	}
	print_levels(counts);
	print_unclear(t);
}

/*
 * While a late answer is awaited, the questions that should have been asked
 * meanwhile are not, and their waiting is not counted (Gil Tene's coordinated
 * omission). So each trip of more than twice the usual adds those that would
 * have begun every @usual ticks in its course. What is paced counts them by
 * itself, as each event has its own time that it was due.
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

static bool is_paced(const struct scenario *s)
{
	return s->course.interval != 0;
}

void report_percentiles(const struct scenario *s, const struct histogram *trips, double *ns)
{
	static struct histogram h;
	uint32_t i;

	h = *trips;
	if (!is_paced(s))
		correct(&h, histogram_percentile(&h, 50));
	for (i = 0; i < PERCENTILES; i++)
		ns[i] = clock_ns_of((uint64_t)histogram_percentile(&h, percentiles[i].percent)) /
			(is_paced(s) ? 1 : 2);
}

static void print_values(const char *name, const char *regime, const double *ns)
{
	uint32_t i;

	printf("    %-26s %-4s", name, regime);
	for (i = 0; i < PERCENTILES; i++)
		printf(" %9.0f", ns[i]);
	printf("\n");
}

/* Of all rounds together, and how far single rounds lie from each other. */
static void print_percentiles(const struct table *t, uint32_t contender, enum regime regime)
{
	static double of_round[PERCENTILES][ROUNDS_MAX];
	static struct histogram all;
	double ns[PERCENTILES];
	uint32_t n = 0, round, i;

	all = (struct histogram){0};
	for (round = 0; round < t->rounds; round++) {
		const struct result *r = table_at(t, contender, round);

		if (r->regime != regime)
			continue;
		histogram_merge(&all, r->trips);
		report_percentiles(t->scenario, r->trips, ns);
		for (i = 0; i < PERCENTILES; i++)
			of_round[i][n] = ns[i];
		n++;
	}
	if (!n)
		return;
	report_percentiles(t->scenario, &all, ns);
	print_values(contenders[contender]->name, regime_name(regime), ns);
	for (i = 0; i < PERCENTILES; i++)
		ns[i] = summarize(of_round[i], n).spread;
	print_values("  spread", "", ns);
}

void report_print(const struct table *t)
{
	uint32_t i;

	printf("\n%s: %s%s\n", t->scenario->name, t->scenario->title,
	       t->yield ? "; waits yield" : "");
	print_medians(t);
	if (!t->scenario->latency)
		return;
	printf("    %-31s %9s %9s %9s %9s %9s %9s\n",
	       is_paced(t->scenario) ? "percentiles, from when due" : "percentiles, corrected",
	       "50", "90", "99", "99.9", "99.99", "max");
	for (i = 0; i < contender_count; i++) {
		if (!t->ran[i])
			continue;
		print_percentiles(t, i, NEAR);
		print_percentiles(t, i, FAR);
	}
}

/* All figures of one run. */
static int record_result(const struct scenario *s, const struct result *result,
			 struct record *record, struct results *results)
{
	double ns[PERCENTILES];
	uint32_t i;
	int err;

	record->metric = s->latency ? "one_way_ns" : "ns_per_event";
	record->regime = result->regime;
	record->value = result->value;
	err = results_add(results, record);
	if (!s->latency)
		return err;
	report_percentiles(s, result->trips, ns);
	for (i = 0; i < PERCENTILES && err == 0; i++) {
		record->metric = percentiles[i].metric;
		record->value = ns[i];
		err = results_add(results, record);
	}
	return err;
}

int report_record(const struct table *t, const char *command, struct results *results)
{
	struct record record = {.command = command, .scenario = t->scenario->name};
	uint32_t i, round;
	int err = 0;

	for (i = 0; i < contender_count; i++) {
		for (round = 0; t->ran[i] && round < t->rounds && err == 0; round++) {
			record.contender = contenders[i]->name;
			record.round = round;
			err = record_result(t->scenario, table_at(t, i, round), &record, results);
		}
	}
	return err;
}
