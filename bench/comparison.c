/* SPDX-License-Identifier: MIT */
/*
 * The commands that let contenders take turns at scenarios: which of them, how often; then
 * tables.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "comparison.h"
#include "html.h"
#include "progress.h"
#include "report.h"
#include "sitting.h"

#define READING                                                                               \
	"Contenders take turns, round by round. Shown are medians, apart for rounds in\n"     \
	"which the CPUs were near each other and rounds in which they were far, and the\n"    \
	"ratio to disruptor's figure of the same round: above 1 is slower than disruptor.\n"  \
	"In brackets is where the true median lies, with the certainty that is told below.\n" \
	"\"floor\" is no queue: bare words in lines that both look at, one by one.\n"

static const struct command compare_command = {
	.name = "compare",
	.text = "Which queue is fastest here? The usual scenarios, by every contender that was\n"
		"built: some minutes.\n"
		"\n" READING,
	.examples = "  disruptor-bench compare --cpus 2,3 --json all.json\n"
		    "  disruptor-bench compare --contender disruptor --rounds 3\n",
	.common = "crpqjVHlh",
	.rounds = 7,
	.cpus_least = 2,
	.cpus_most = CPUS_MAX,
};

static const struct command latency_command = {
	.name = "latency",
	.text = "How long is an event on its way? One event at a time goes to another CPU and\n"
		"back; half of that is one way. Paced ones are due at fixed times, and what is\n"
		"told is how long after that each was read. Percentiles are of single events.\n"
		"\n" READING,
	.examples = "  disruptor-bench latency --cpus 2,3\n"
		    "  disruptor-bench latency --contender disruptor --csv trips.csv\n",
	.common = "crpqjVHlh",
	.rounds = 7,
	.cpus_least = 2,
	.cpus_most = CPUS_MAX,
};

static const struct command throughput_command = {
	.name = "throughput",
	.text = "How many events a second? Producers put what they can, and the time of an event\n"
		"is the whole time by the number of events.\n"
		"\n" READING,
	.examples = "  disruptor-bench throughput --cpus 2,3\n"
		    "  disruptor-bench throughput --cpus 0-3 --rounds 11\n",
	.common = "crpqjVHlh",
	.rounds = 7,
	.cpus_least = 2,
	.cpus_most = CPUS_MAX,
};

static const struct command scenario_command = {
	.name = "scenario",
	.arguments = "NAME...",
	.text = "Only the scenarios of these names, which may have * and ? in them, or all;\n"
		"--list tells which there are, and which of them are the usual ones.\n"
		"\n" READING,
	.examples = "  disruptor-bench scenario --list\n"
		    "  disruptor-bench scenario single-8 'many*' --cpus 2,3\n",
	.common = "crpqjVHlh",
	.rounds = 7,
	.cpus_least = 2,
	.cpus_most = CPUS_MAX,
};

static const char *missing(const struct contender *c)
{
	return c->missing ? c->missing() : NULL;
}

static void print_missing(void)
{
	uint32_t i;

	for (i = 0; i < optional_count; i++)
		if (!optionals[i].built)
			printf("Without %s: built without %s.\n", optionals[i].name,
			       optionals[i].packages);
	for (i = 0; i < contender_count; i++)
		if (missing(contenders[i]))
			printf("Without %s: %s.\n", contenders[i]->name, missing(contenders[i]));
}

static bool is_named(const char *pattern, const struct scenario *s)
{
	return strcmp(pattern, "all") == 0 || fnmatch(pattern, s->name, 0) == 0;
}

/* Is the scenario one of the command's? */
static bool is_ours(const struct command *c, const struct options *o, const struct scenario *s)
{
	uint32_t i;

	if (c == &scenario_command && !o->argument_count)
		return true;
	if (c == &latency_command)
		return s->latency;
	if (c != &scenario_command)
		return s->usual && (c == &compare_command || !s->latency);
	for (i = 0; i < o->argument_count; i++)
		if (is_named(o->arguments[i], s))
			return true;
	return false;
}

static int list(const struct command *c, const struct options *o)
{
	uint32_t i;

	for (i = 0; i < scenario_count; i++)
		if (is_ours(c, o, &scenarios[i]))
			printf("scenario   %-12s %s%s\n", scenarios[i].name, scenarios[i].title,
			       scenarios[i].usual ? " (usual)" : "");
	for (i = 0; i < contender_count; i++)
		if (options_wanted(o, contenders[i]->name))
			printf("contender  %s\n", contenders[i]->name);
	return STATUS_DONE;
}

static struct course course_here(const struct scenario *s, const struct options *o)
{
	return scenario_course(s, o->cpus, o->cpu_count, o->shrink);
}

static bool can_run(const struct scenario *s, const struct options *o, uint32_t contender)
{
	const struct contender *c = contenders[contender];

	return contender_wanted(c, o->contender) && scenario_fits(s, o->cpu_count, c) &&
	       !missing(c);
}

/* One round: all contenders, another one first each time. */
static int run_round(const struct table *t, const struct options *o, uint32_t round)
{
	struct course course = course_here(t->scenario, o);
	uint32_t n;

	for (n = 0; n < contender_count; n++) {
		uint32_t i = (n + round) % contender_count;
		int err;

		if (!t->ran[i])
			continue;
		progress_step("%s, round %u of %u: %s", t->scenario->name, round + 1, t->rounds,
			      contenders[i]->name);
		err = scenario_run(t->scenario, &course, contenders[i], table_at(t, i, round));
		if (err < 0)
			return sitting_failed(t->scenario->name, contenders[i]->name, err);
	}
	return 0;
}

static int run_rounds(const struct table *t, const struct sitting *s)
{
	uint32_t round, i;
	int err = 0;

	for (round = 0; round < t->rounds && err == 0; round++)
		err = run_round(t, s->options, round);
	for (i = 0; i < contender_count; i++)
		if (contenders[i]->close)
			contenders[i]->close();
	if (err < 0)
		return err;
	progress_clear();
	report_print(t);
	fflush(stdout);
	return sitting_failed(t->scenario->name, NULL,
			      report_record(t, s->command->name, s->results));
}

static int run_scenario(const struct scenario *scenario, const struct sitting *s)
{
	const struct options *o = s->options;
	bool *ran = calloc(contender_count, sizeof(*ran));
	struct table t = {.scenario = scenario,
			  .rounds = o->rounds,
			  .ran = ran,
			  .yield = course_here(scenario, o).yield};
	uint32_t i;
	int err = -ENOMEM;

	t.results = calloc(contender_count * o->rounds, sizeof(*t.results));
	if (ran && t.results) {
		for (i = 0; i < contender_count; i++)
			ran[i] = can_run(scenario, o, i);
		err = run_rounds(&t, s);
	}
	for (i = 0; t.results && i < contender_count * o->rounds; i++)
		free(t.results[i].trips);
	free(t.results);
	free(ran);
	return err;
}

/* Each name has to be one: what is misspelt is not to be left out in silence. */
static int check_scenarios(const struct options *o)
{
	uint32_t i, n;

	for (i = 0; i < o->argument_count; i++) {
		for (n = 0; n < scenario_count; n++)
			if (is_named(o->arguments[i], &scenarios[n]))
				break;
		if (n < scenario_count)
			continue;
		complain("no scenario \"%s\"; there are:", o->arguments[i]);
		for (n = 0; n < scenario_count; n++)
			fprintf(stderr, "  %s\n", scenarios[n].name);
		return STATUS_USAGE;
	}
	return STATUS_NONE;
}

static int check_contenders(const struct options *o)
{
	uint32_t n;

	for (n = 0; n < contender_count; n++)
		if (options_wanted(o, contenders[n]->name))
			return STATUS_NONE;
	complain("no contender \"%s\"; there are:", o->contender);
	for (n = 0; n < contender_count; n++)
		fprintf(stderr, "  %s\n", contenders[n]->name);
	return STATUS_USAGE;
}

/* Is there anybody for any of it? */
static int check_pairs(const struct command *c, const struct options *o)
{
	uint32_t i, n;

	for (i = 0; i < scenario_count; i++)
		for (n = 0; n < contender_count; n++)
			if (is_ours(c, o, &scenarios[i]) && can_run(&scenarios[i], o, n))
				return STATUS_NONE;
	complain("none of these contenders can do any of these scenarios here");
	return STATUS_REFUSED;
}

static int check(const struct command *c, const struct options *o)
{
	int status = STATUS_NONE;

	if (c == &scenario_command && !o->argument_count)
		status = complain("scenario: which? --list tells what there is");
	if (status < 0)
		status = check_scenarios(o);
	if (status < 0)
		status = check_contenders(o);
	return status < 0 ? check_pairs(c, o) : status;
}

/* How much there is to do, and for how many threads at once. */
static void announce(const struct command *c, struct sitting *s)
{
	const struct options *o = s->options;
	uint32_t steps = 0, threads = 0, i, n;

	for (i = 0; i < scenario_count; i++) {
		struct course course = course_here(&scenarios[i], o);
		uint32_t these = course_threads(&course), before = steps;

		for (n = 0; is_ours(c, o, &scenarios[i]) && n < contender_count; n++)
			steps += can_run(&scenarios[i], o, n) * o->rounds;
		if (steps > before && these > threads)
			threads = these;
	}
	progress_begin(steps);
	environment_threads(s->environment, threads);
	sitting_warn(s);
}

static int write_page(const struct sitting *s, const void *subject)
{
	(void)subject;
	return html_comparison(s->html, s->results, s->environment);
}

static int run(const struct command *c, int argc, char **argv)
{
	struct options o;
	struct sitting s;
	int status = options_parse(c, argc, argv, &o), err = 0;
	uint32_t i;

	if (status < 0 && o.list)
		return list(c, &o);
	if (status < 0)
		status = check(c, &o);
	if (status < 0)
		status = sitting_begin(&s, c, &o);
	if (status >= 0)
		return status;
	s.page = write_page;
	announce(c, &s);
	print_missing();
	for (i = 0; i < scenario_count && err == 0; i++)
		if (is_ours(c, &o, &scenarios[i]))
			err = run_scenario(&scenarios[i], &s);
	return sitting_end(&s, err);
}

int compare_main(int argc, char **argv)
{
	return run(&compare_command, argc, argv);
}

int latency_main(int argc, char **argv)
{
	return run(&latency_command, argc, argv);
}

int throughput_main(int argc, char **argv)
{
	return run(&throughput_command, argc, argv);
}

int scenario_main(int argc, char **argv)
{
	return run(&scenario_command, argc, argv);
}
