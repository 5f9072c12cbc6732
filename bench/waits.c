/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "progress.h"
#include "sitting.h"
#include "statistics.h"
#include "waits.h"

static const struct waits_strategy strategies[] = {
	{"busy spin", DSR_WAIT_BUSY_SPIN, false},
	{"pause", DSR_WAIT_PAUSE, false},
	{"yield", DSR_WAIT_YIELD, false},
	{"sleep", DSR_WAIT_SLEEP, false},
	{"park", DSR_WAIT_PARK, true},
	{"phased", DSR_WAIT_PHASED, true},
	{"monitor", DSR_WAIT_MONITOR, false},
};

/* What publishing is compared with. */
enum { BASE = 1, STRATEGIES = sizeof(strategies) / sizeof(*strategies) };

static const struct command command = {
	.name = "waits",
	.text = "What does waiting cost, and how late is who waits? For each wait strategy of a\n"
		"consumer with a CPU of its own: how much of that CPU it uses while nothing comes\n"
		"for two seconds and while an event comes every millisecond for two more, how\n"
		"late it sees each of these, and what an event costs the producer while the\n"
		"consumer is awake. Half a minute a round.\n",
	.examples = "  disruptor-bench waits --cpus 2,3\n"
		    "  disruptor-bench waits --contender pa --rounds 3 --json waits.json\n",
	.common = "crpqjVlh",
	.rounds = 7,
	.cpus_least = 2,
	.cpus_most = 2,
};

static const double percents[] = {50, 90, 99, 99.9, 100};
enum { PERCENTS = sizeof(percents) / sizeof(*percents) };

static bool wanted(const struct waits *waits, uint32_t strategy)
{
	return options_wanted(waits->options, strategies[strategy].name);
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

	for (n = 0; n < STRATEGIES; n++) {
		uint32_t i = (n + round) % STRATEGIES;
		int err;

		if (!wanted(waits, i))
			continue;
		progress_step("round %u of %u: %s", round + 1, waits->rounds, strategies[i].name);
		err = measure(waits, &strategies[i], figures_at(waits, all, i, round));
		if (err < 0)
			return sitting_failed("waits", strategies[i].name, err);
	}
	return 0;
}

static const char *name_of(enum dsr_wait wait)
{
	uint32_t i;

	for (i = 0; i < STRATEGIES; i++)
		if (strategies[i].wait == wait)
			return strategies[i].name;
	return "another";
}

static void print_name(uint32_t strategy, enum dsr_wait used)
{
	char text[64];

	if (used == strategies[strategy].wait)
		snprintf(text, sizeof(text), "%s", strategies[strategy].name);
	else
		snprintf(text, sizeof(text), "%s, here %s", strategies[strategy].name,
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
	for (i = 0; i < STRATEGIES; i++)
		if (wanted(waits, i))
			print_strategy(waits, all, i, values);
}

struct figure {
	const char *load;
	const char *metric;
	double value;
};

static int add(struct sitting *s, uint32_t strategy, uint32_t round, const struct figure *figure)
{
	return results_add(s->results, &(struct record){.command = s->command->name,
							.scenario = figure->load,
							.contender = strategies[strategy].name,
							.metric = figure->metric,
							.regime = UNCLEAR,
							.round = round,
							.value = figure->value});
}

static int record_round(struct sitting *s, struct waits_figures *f, uint32_t strategy,
			uint32_t round)
{
	const struct figure figures[] = {{"idle", "cpu_percent", f->idle},
					 {"1000/s", "cpu_percent", f->trickle},
					 {"burst", "ns_per_event", f->publish}};
	/* The last one is that of a strategy which never was awake all the time. */
	uint32_t count = f->publish > 0 ? 3 : 2, i;
	int err = 0;

	for (i = 0; i < count && err == 0; i++)
		err = add(s, strategy, round, &figures[i]);
	for (i = 0; i < PERCENTS && err == 0; i++) {
		char metric[32] = "max_ns";
		int64_t late = histogram_percentile(&f->late, percents[i]);

		if (percents[i] < 100)
			snprintf(metric, sizeof(metric), "p%g_ns", percents[i]);
		err = add(s, strategy, round,
			  &(struct figure){"1000/s", metric, clock_ns_of((uint64_t)late)});
	}
	return err;
}

static int record_all(const struct waits *waits, struct waits_figures *all, struct sitting *s)
{
	uint32_t i, round;
	int err = 0;

	for (i = 0; i < STRATEGIES; i++)
		for (round = 0; wanted(waits, i) && round < waits->rounds && err == 0; round++)
			err = record_round(s, figures_at(waits, all, i, round), i, round);
	return sitting_failed("waits", NULL, err);
}

static int run(const struct waits *waits, struct sitting *s)
{
	struct waits_figures *all = calloc(STRATEGIES * waits->rounds, sizeof(*all));
	double *values = calloc(waits->rounds, sizeof(*values));
	int err = all && values ? 0 : sitting_failed("waits", NULL, -ENOMEM);
	uint32_t wanted_count = 0, i;

	for (i = 0; i < STRATEGIES; i++)
		wanted_count += wanted(waits, i);
	progress_begin(2 * waits->rounds * wanted_count);
	for (i = 0; i < waits->rounds && err == 0; i++) {
		err = run_turn(waits, all, i, trickle_measure);
		/* Apart, so that these are close to each other in time: they are compared. */
		if (err == 0)
			err = run_turn(waits, all, i, burst_measure);
	}
	if (err == 0)
		err = record_all(waits, all, s);
	progress_clear();
	if (err == 0)
		print_table(waits, all, values);
	free(values);
	free(all);
	return err;
}

static int list(const struct waits *waits)
{
	uint32_t i;

	for (i = 0; i < STRATEGIES; i++)
		if (wanted(waits, i))
			printf("strategy   %s\n", strategies[i].name);
	return STATUS_DONE;
}

static int check(const struct waits *waits)
{
	uint32_t i;

	for (i = 0; i < STRATEGIES; i++)
		if (wanted(waits, i))
			return STATUS_NONE;
	complain("no wait strategy \"%s\"; there are:", waits->options->contender);
	for (i = 0; i < STRATEGIES; i++)
		fprintf(stderr, "  %s\n", strategies[i].name);
	return STATUS_USAGE;
}

int waits_main(int argc, char **argv)
{
	struct options o;
	int status = options_parse(&command, argc, argv, &o);
	struct waits waits = {.options = &o, .rounds = o.rounds, .shrink = o.shrink};
	struct sitting s;

	waits.cpus[0] = o.cpus[0];
	waits.cpus[1] = o.cpus[o.cpu_count < 2 ? 0 : 1];
	if (status < 0 && o.list)
		return list(&waits);
	if (status < 0)
		status = check(&waits);
	if (status < 0)
		status = sitting_begin(&s, &command, &o);
	if (status >= 0)
		return status;
	environment_threads(s.environment, 2);
	sitting_warn(&s);
	return sitting_end(&s, run(&waits, &s));
}
