/* SPDX-License-Identifier: MIT */
/* The tool: which scenarios, which contenders, how often; then tables. Or how waits do. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/disruptor.h>

#include "report.h"
#include "start.h"
#include "topology.h"
#include "waits.h"

enum { ROUNDS_MOST = 1000 };

struct options {
	const char *scenario, *contender, *csv;
	uint32_t rounds;
	uint32_t shrink;
	int cpus[CPUS_MAX];
	uint32_t cpu_count;
	bool waits;
};

static const char usage_text[] =
	"usage: disruptor-bench [-s SCENARIO] [-c CONTENDER] [-r ROUNDS] [-p CPU,CPU,...]\n"
	"                       [-o FILE] [-S] [-l] [-h]\n"
	"       disruptor-bench -w [-c STRATEGY] [-r ROUNDS] [-p CPU,CPU] [-o FILE] [-S]\n"
	"       disruptor-bench topology | start [-h]\n"
	"\n"
	"Hands events from one CPU to another, through disruptor and through other queues\n"
	"in turn, and prints medians in ns and their ratios to disruptor's of the same round.\n"
	"\n"
	"-s, -c   only those whose name contains this; floor is what the machine can do at all\n"
	"-r       rounds, 7 unless told otherwise\n"
	"-p       two to four CPUs, which the threads take in turn, producers first; unless\n"
	"         told, the first two allowed ones\n"
	"-o       every single run, as comma separated values\n"
	"-S       a hundredth of the events: does it run at all?\n"
	"-w       instead, how each wait strategy does: CPU used, how late it wakes up, and\n"
	"         what it costs the producer\n"
	"-l       lists scenarios, contenders and wait strategies\n";

static int list(void)
{
	uint32_t i;

	for (i = 0; i < scenario_count; i++)
		printf("scenario   %-12s %s\n", scenarios[i].name, scenarios[i].title);
	for (i = 0; i < contender_count; i++)
		printf("contender  %s\n", contenders[i]->name);
	for (i = 0; i < waits_strategy_count; i++)
		printf("strategy   %s\n", waits_strategies[i].name);
	return 0;
}

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

static bool matches(const char *name, const char *part)
{
	return !part || strstr(name, part);
}

/* The scenario's course on this machine. */
static struct course course_here(const struct scenario *s, const struct options *o)
{
	struct course course = s->course;

	memcpy(course.cpus, o->cpus, sizeof(course.cpus));
	course.cpu_count = o->cpu_count;
	/* More threads than CPUs: who spins keeps the others from running. */
	course.yield = course_threads(&course) > o->cpu_count;
	course.events = course.events / o->shrink + 1;
	course.warmup = course.warmup / o->shrink + 1;
	return course;
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
		err = scenario_run(t->scenario, &course, contenders[i], table_at(t, i, round));
		if (err < 0) {
			fprintf(stderr, "disruptor-bench: %s, %s: %s\n", t->scenario->name,
				contenders[i]->name,
				err == -EILSEQ ? "lost events, or mixed them up" : strerror(-err));
			return err;
		}
	}
	return 0;
}

static int run_scenario(const struct scenario *s, const struct options *o, FILE *csv)
{
	bool ran[16] = {false};
	struct table t = {
		.scenario = s, .rounds = o->rounds, .ran = ran, .yield = course_here(s, o).yield};
	uint32_t i, round;
	int err = 0;

	for (i = 0; i < contender_count; i++)
		ran[i] = matches(contenders[i]->name, o->contender) &&
			 scenario_fits(s, o->cpu_count, contenders[i]) && !missing(contenders[i]);
	t.results = calloc(contender_count * o->rounds, sizeof(*t.results));
	if (!t.results)
		return -ENOMEM;
	for (round = 0; round < o->rounds && err == 0; round++)
		err = run_round(&t, o, round);
	for (i = 0; i < contender_count; i++)
		if (contenders[i]->close)
			contenders[i]->close();
	if (err == 0) {
		report_print(&t);
		fflush(stdout);
		if (csv)
			report_write(csv, &t);
	}
	for (i = 0; i < contender_count * o->rounds; i++)
		free(t.results[i].trips);
	free(t.results);
	return err;
}

static bool has_cpu(const struct options *o, long cpu)
{
	uint32_t i;

	for (i = 0; i < o->cpu_count; i++)
		if (o->cpus[i] == cpu)
			return true;
	return false;
}

static int parse_cpus(struct options *o, const char *text)
{
	char *end;

	for (o->cpu_count = 0; o->cpu_count < CPUS_MAX; text = end + 1) {
		long cpu = strtol(text, &end, 10);

		if (end == text || cpu < 0 || cpu >= CPU_SETSIZE || has_cpu(o, cpu))
			return -EINVAL;
		o->cpus[o->cpu_count++] = (int)cpu;
		if (*end != ',')
			return *end || o->cpu_count < 2 ? -EINVAL : 0;
	}
	return -EINVAL;
}

static int choose_cpus(struct options *o, const char *text)
{
	if (text)
		return parse_cpus(o, text);
	o->cpu_count = (uint32_t)cpus_allowed(o->cpus, 2);
	if (o->cpu_count < 2) {
		o->cpu_count = 1;
		o->cpus[0] = -1;
	}
	return 0;
}

static void print_setting(const struct options *o)
{
	uint32_t i;

	printf("disruptor %s; %u round%s", dsr_version(), o->rounds, o->rounds == 1 ? "" : "s");
	if (o->cpus[0] < 0) {
		printf("\nOne CPU only: all waits yield, and figures say little.\n");
		return;
	}
	printf("; threads on CPUs ");
	for (i = 0; i < o->cpu_count; i++)
		printf("%s%d", i ? ", " : "", o->cpus[i]);
	printf(" in turn, producers first\n");
}

static int run_scenarios(const struct options *o, FILE *csv)
{
	uint32_t i;
	int err = 0;

	print_missing();
	for (i = 0; i < scenario_count && err == 0; i++)
		if (matches(scenarios[i].name, o->scenario))
			err = run_scenario(&scenarios[i], o, csv);
	return err;
}

static int run_waits(const struct options *o, FILE *csv)
{
	struct waits waits = {.rounds = o->rounds, .shrink = o->shrink, .only = o->contender};

	memcpy(waits.cpus, o->cpus, sizeof(waits.cpus));
	if (o->cpu_count < 2)
		waits.cpus[1] = waits.cpus[0];
	return waits_run(&waits, csv);
}

static int run(const struct options *o)
{
	FILE *csv = o->csv ? fopen(o->csv, "w") : NULL;
	int err;

	if (o->csv && !csv) {
		fprintf(stderr, "disruptor-bench: %s: %s\n", o->csv, strerror(errno));
		return 1;
	}
	print_setting(o);
	clock_calibrate();
	err = o->waits ? run_waits(o, csv) : run_scenarios(o, csv);
	if (csv && fclose(csv) != 0)
		err = -EIO;
	return err < 0;
}

static int usage(int status)
{
	fputs(usage_text, status ? stderr : stdout);
	return status;
}

int main(int argc, char **argv)
{
	struct options o = {.rounds = 7, .shrink = 1};
	const char *cpus = NULL;
	int c;

	if (argc > 1 && strcmp(argv[1], "topology") == 0)
		return topology_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "start") == 0)
		return start_main(argc - 1, argv + 1);
	while ((c = getopt(argc, argv, "s:c:r:p:o:wSlh")) != -1) {
		switch (c) {
		case 's':
			o.scenario = optarg;
			break;
		case 'c':
			o.contender = optarg;
			break;
		case 'r':
			o.rounds = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			cpus = optarg;
			break;
		case 'o':
			o.csv = optarg;
			break;
		case 'w':
			o.waits = true;
			break;
		case 'S':
			o.shrink = 100;
			break;
		case 'l':
			return list();
		case 'h':
			return usage(0);
		default:
			return usage(2);
		}
	}
	if (optind != argc || !o.rounds || o.rounds > ROUNDS_MOST || (o.waits && o.scenario) ||
	    choose_cpus(&o, cpus) < 0)
		return usage(2);
	return run(&o);
}
