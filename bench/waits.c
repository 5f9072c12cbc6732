/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "median.h"
#include "waits.h"

const struct waits_strategy waits_strategies[] = {
	{"busy spin", DSR_WAIT_BUSY_SPIN, false},
	{"pause", DSR_WAIT_PAUSE, false},
	{"yield", DSR_WAIT_YIELD, false},
	{"sleep", DSR_WAIT_SLEEP, false},
	{"park", DSR_WAIT_PARK, true},
	{"phased", DSR_WAIT_PHASED, true},
	{"monitor", DSR_WAIT_MONITOR, false},
};
const uint32_t waits_strategy_count = sizeof(waits_strategies) / sizeof(*waits_strategies);

/* What publishing is compared with. */
enum { BASE = 1 };

static const double percents[] = {50, 90, 99, 99.9, 100};
enum { PERCENTS = sizeof(percents) / sizeof(*percents) };

static bool wanted(const struct waits *waits, uint32_t strategy)
{
	return !waits->only || strstr(waits_strategies[strategy].name, waits->only);
}

/* All figures: strategy by strategy, round by round. */
static struct waits_figures *figures_at(const struct waits *waits, struct waits_figures *all,
					uint32_t strategy, uint32_t round)
{
	return &all[strategy * waits->rounds + round];
}

typedef int (*measure_fn)(const struct waits *waits, const struct waits_strategy *strategy,
			  struct waits_figures *figures);

/* All strategies in turn, another one first each time. */
static int run_turn(const struct waits *waits, struct waits_figures *all, uint32_t round,
		    measure_fn measure)
{
	uint32_t n;

	for (n = 0; n < waits_strategy_count; n++) {
		uint32_t i = (n + round) % waits_strategy_count;
		int err = wanted(waits, i) ? measure(waits, &waits_strategies[i],
						     figures_at(waits, all, i, round))
					   : 0;

		if (err < 0) {
			fprintf(stderr, "disruptor-bench: %s: %s\n", waits_strategies[i].name,
				err == -EILSEQ ? "lost events, or mixed them up" : strerror(-err));
			return err;
		}
	}
	return 0;
}

static const char *name_of(enum dsr_wait wait)
{
	uint32_t i;

	for (i = 0; i < waits_strategy_count; i++)
		if (waits_strategies[i].wait == wait)
			return waits_strategies[i].name;
	return "another";
}

static void print_name(uint32_t strategy, enum dsr_wait used)
{
	char text[64];

	if (used == waits_strategies[strategy].wait)
		snprintf(text, sizeof(text), "%s", waits_strategies[strategy].name);
	else
		snprintf(text, sizeof(text), "%s, here %s", waits_strategies[strategy].name,
			 name_of(used));
	printf("    %-22s", text);
}

/* The median, or nothing if there is no figure. */
static void print_median(int width, double *values, uint32_t n)
{
	char text[32] = "";

	if (n)
		snprintf(text, sizeof(text), "%.2f", median(values, n));
	printf(" %*s", width, text);
}

static void print_publish(const struct waits *waits, struct waits_figures *all, uint32_t strategy,
			  double *values)
{
	uint32_t n = 0, ratios = 0, i;

	for (i = 0; i < waits->rounds; i++)
		if (figures_at(waits, all, strategy, i)->publish > 0)
			values[n++] = figures_at(waits, all, strategy, i)->publish;
	print_median(8, values, n);
	for (i = 0; i < waits->rounds; i++) {
		double one = figures_at(waits, all, strategy, i)->publish;
		double base = figures_at(waits, all, BASE, i)->publish;

		if (one > 0 && base > 0)
			values[ratios++] = one / base;
	}
	print_median(6, values, ratios);
	printf(" %5ux\n", n);
}

static void print_strategy(const struct waits *waits, struct waits_figures *all, uint32_t strategy,
			   double *values)
{
	struct histogram *late = &figures_at(waits, all, strategy, 0)->late;
	uint32_t i;

	print_name(strategy, figures_at(waits, all, strategy, 0)->used);
	for (i = 0; i < waits->rounds; i++)
		values[i] = figures_at(waits, all, strategy, i)->idle;
	print_median(7, values, waits->rounds);
	for (i = 0; i < waits->rounds; i++)
		values[i] = figures_at(waits, all, strategy, i)->trickle;
	print_median(7, values, waits->rounds);
	for (i = 1; i < waits->rounds; i++)
		histogram_merge(late, &figures_at(waits, all, strategy, i)->late);
	printf(" ");
	for (i = 0; i < PERCENTS; i++)
		printf(" %8.2f",
		       clock_ns_of((uint64_t)histogram_percentile(late, percents[i])) / 1000);
	printf(" ");
	print_publish(waits, all, strategy, values);
}

static void print_table(const struct waits *waits, struct waits_figures *all, double *values)
{
	uint32_t i;

	printf("\nwaits: nothing for %g s, then an event every ms for as long; then bursts\n",
	       2.0 / waits->shrink);
	printf("    %-22s %15s  %-44s  %-22s\n", "", "CPU used, %", "   late, us, percentiles",
	       "   publish, awake");
	printf("    %-22s %7s %7s  %8s %8s %8s %8s %8s  %8s %6s %6s\n", "", "idle", "1000/s", "50",
	       "90", "99", "99.9", "max", "ns", "ratio", "rounds");
	for (i = 0; i < waits_strategy_count; i++)
		if (wanted(waits, i))
			print_strategy(waits, all, i, values);
}

static void write_strategy(const struct waits *waits, struct waits_figures *all, uint32_t strategy,
			   FILE *csv)
{
	const char *name = waits_strategies[strategy].name;
	uint32_t round, i;

	for (round = 0; round < waits->rounds; round++) {
		struct waits_figures *f = figures_at(waits, all, strategy, round);

		fprintf(csv, "waits,%s,%u,idle,%.3f\n", name, round, f->idle);
		fprintf(csv, "waits,%s,%u,1000/s,%.3f\n", name, round, f->trickle);
		for (i = 0; i < PERCENTS; i++)
			fprintf(csv, "waits,%s,%u,%g,%.3f\n", name, round, percents[i],
				clock_ns_of((uint64_t)histogram_percentile(&f->late, percents[i])));
		fprintf(csv, "waits,%s,%u,publish,%.3f\n", name, round, f->publish);
	}
}

int waits_run(const struct waits *waits, FILE *csv)
{
	struct waits_figures *all = calloc(waits_strategy_count * waits->rounds, sizeof(*all));
	double *values = calloc(waits->rounds, sizeof(*values));
	int err = all && values ? 0 : -ENOMEM;
	uint32_t i;

	for (i = 0; i < waits->rounds && err == 0; i++) {
		err = run_turn(waits, all, i, trickle_measure);
		/* Apart, so that these are close to each other in time: they are compared. */
		if (err == 0)
			err = run_turn(waits, all, i, burst_measure);
	}
	for (i = 0; i < waits_strategy_count && err == 0 && csv; i++)
		if (wanted(waits, i))
			write_strategy(waits, all, i, csv);
	if (err == 0)
		print_table(waits, all, values);
	free(values);
	free(all);
	return err;
}
