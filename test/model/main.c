/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checker.h"

static const char usage[] =
	"usage: model [OPTION]... litmus | SCENARIO... | all | list\n"
	"\n"
	"Runs scenarios of the library under the C11 memory model.\n"
	"\n"
	"-d N  at most N delays: times that another thread goes on than whose turn it is;\n"
	"      -1: any number, exhaustively\n"
	"-s N  at most N stale reads, -1: any number\n"
	"-n N  at most N executions\n"
	"-r N  only N random executions\n"
	"-S N  the first seed of these\n"
	"-q    fails silently: no trace\n"
	"-x    stops at the first scenario that fails\n";

static int delays = -2, stale = -2;
static bool stops_early;
static uint64_t most, random_runs, seed = 1;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void report(const char *name, const char *how, const struct search_result *r, double time)
{
	printf("# %-22s %-28s %10llu executions, %7llu cut, %10llu steps, %6.2f s%s\n", name, how,
	       (unsigned long long)r->executions, (unsigned long long)r->cut,
	       (unsigned long long)r->steps, time,
	       r->failed     ? ": FAILED"
	       : r->complete ? ""
			     : " (not all)");
	fflush(stdout);
}

static bool search(const struct model_scenario *s, const struct search_bounds *bounds)
{
	double begun = now();
	struct search_result result = search_run(s->run, bounds);
	char how[64];

	if (bounds->seed)
		snprintf(how, sizeof(how), "random from %llu", (unsigned long long)bounds->seed);
	else if (bounds->delays < 0)
		snprintf(how, sizeof(how), bounds->stale < 0 ? "exhaustive" : "stale <= %d",
			 bounds->stale);
	else
		snprintf(how, sizeof(how), "delays <= %d, stale <= %d", bounds->delays,
			 bounds->stale);
	report(s->name, how, &result, now() - begun);
	return !result.failed;
}

static bool run(const struct model_scenario *s)
{
	struct search_bounds bounds = {.delays = s->delays, .stale = s->stale};
	struct search_bounds dice = {.seed = seed, .most = random_runs ? random_runs : s->seeds};

	if (delays > -2)
		bounds.delays = delays;
	if (stale > -2)
		bounds.stale = stale;
	bounds.most = most;
	return (random_runs || search(s, &bounds)) && (!dice.most || search(s, &dice));
}

static int run_named(const char *name, int *number)
{
	int bad = 0;
	bool is_known = false;

	for (const struct model_scenario *s = model_scenarios; s->name; s++) {
		bool good;

		if (strcmp(name, "all") != 0 && strcmp(name, s->name) != 0)
			continue;
		is_known = true;
		good = run(s);
		printf("%sok %d - %s\n", good ? "" : "not ", ++*number, s->name);
		bad += !good;
		if (bad && stops_early)
			break;
	}
	if (!is_known) {
		fprintf(stderr, "model: there is no scenario %s\n", name);
		return 1;
	}
	return bad;
}

static void list(void)
{
	for (const struct model_scenario *s = model_scenarios; s->name; s++)
		printf("%s\n", s->name);
}

int main(int argc, char **argv)
{
	int option, bad = 0, number = 0;

	while ((option = getopt(argc, argv, "d:s:n:r:S:qx")) != -1)
		switch (option) {
		case 'd':
			delays = atoi(optarg);
			break;
		case 's':
			stale = atoi(optarg);
			break;
		case 'n':
			most = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			random_runs = strtoull(optarg, NULL, 10);
			break;
		case 'S':
			seed = strtoull(optarg, NULL, 10);
			break;
		case 'x':
			stops_early = true;
			break;
		case 'q':
			trace_silence(true);
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	if (optind == argc || !seed) {
		fputs(usage, stderr);
		return 2;
	}
	if (strcmp(argv[optind], "litmus") == 0)
		return model_litmus() ? 1 : 0;
	if (strcmp(argv[optind], "list") == 0) {
		list();
		return 0;
	}
	for (; optind < argc; optind++)
		bad += run_named(argv[optind], &number);
	printf("1..%d\n", number);
	return bad ? 1 : 0;
}
