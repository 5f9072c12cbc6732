/* SPDX-License-Identifier: MIT */
/* The tool: which scenarios, which contenders, how often; then tables. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/disruptor.h>

#include "report.h"

enum { ROUNDS_MOST = 1000 };

struct options {
	const char *scenario, *contender, *csv;
	uint32_t rounds;
	uint32_t shrink;
	int cpus[2];
	bool yield;
};

static const char usage_text[] =
	"usage: disruptor-bench [-s SCENARIO] [-c CONTENDER] [-r ROUNDS] [-p CPU,CPU] [-o FILE]\n"
	"                       [-S] [-l] [-h]\n"
	"\n"
	"Hands events from one CPU to another, through disruptor and through other queues\n"
	"in turn, and prints medians in ns and their ratios to disruptor's of the same round.\n"
	"\n"
	"-s, -c   only those whose name contains this; floor is what the machine can do at all\n"
	"-r       rounds, 7 unless told otherwise\n"
	"-p       the CPUs of producer and consumer; unless told, the first two allowed ones\n"
	"-o       every single run, as comma separated values\n"
	"-S       a hundredth of the events: does it run at all?\n"
	"-l       lists scenarios and contenders\n";

static int list(void)
{
	uint32_t i;

	for (i = 0; i < scenario_count; i++)
		printf("scenario   %-12s %s\n", scenarios[i].name, scenarios[i].title);
	for (i = 0; i < contender_count; i++)
		printf("contender  %s\n", contenders[i]->name);
	return 0;
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
	/* More threads than CPUs: who spins keeps the others from running. */
	course.yield = o->yield || course.producers > 1;
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
	struct table t = {.scenario = s, .rounds = o->rounds, .ran = ran};
	uint32_t i, round;
	int err = 0;

	for (i = 0; i < contender_count; i++)
		ran[i] = matches(contenders[i]->name, o->contender) &&
			 scenario_fits(s, contenders[i]);
	t.results = calloc(contender_count * o->rounds, sizeof(*t.results));
	if (!t.results)
		return -ENOMEM;
	for (round = 0; round < o->rounds && err == 0; round++)
		err = run_round(&t, o, round);
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

static int choose_cpus(struct options *o, const char *text)
{
	int allowed[2], n = cpus_allowed(allowed, 2);

	if (text)
		return sscanf(text, "%d,%d", &o->cpus[0], &o->cpus[1]) == 2 && o->cpus[0] >= 0 &&
				       o->cpus[1] >= 0
			       ? 0
			       : -EINVAL;
	o->cpus[0] = n == 2 ? allowed[0] : -1;
	o->cpus[1] = n == 2 ? allowed[1] : -1;
	o->yield = n < 2;
	return 0;
}

static int run_all(const struct options *o)
{
	FILE *csv = o->csv ? fopen(o->csv, "w") : NULL;
	uint32_t i;
	int err = 0;

	if (o->csv && !csv) {
		fprintf(stderr, "disruptor-bench: %s: %s\n", o->csv, strerror(errno));
		return 1;
	}
	printf("disruptor %s; producer on CPU %d, consumer on CPU %d, %u rounds\n", dsr_version(),
	       o->cpus[0], o->cpus[1], o->rounds);
	if (o->yield)
		printf("One CPU only: all waits yield, and figures say little.\n");
	clock_calibrate();
	for (i = 0; i < scenario_count && err == 0; i++)
		if (matches(scenarios[i].name, o->scenario))
			err = run_scenario(&scenarios[i], o, csv);
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

	while ((c = getopt(argc, argv, "s:c:r:p:o:Slh")) != -1) {
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
	if (optind != argc || !o.rounds || o.rounds > ROUNDS_MOST || choose_cpus(&o, cpus) < 0)
		return usage(2);
	return run_all(&o);
}
