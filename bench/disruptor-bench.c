/* SPDX-License-Identifier: MIT */
/* The tool: which command. */
#include <stdio.h>
#include <string.h>

#include <disruptor/disruptor.h>

#include "comparison.h"
#include "options.h"
#include "placement.h"
#include "start.h"
#include "topology.h"
#include "waits.h"

static const char help_text[] =
	"usage: disruptor-bench COMMAND [OPTION...]\n"
	"\n"
	"Measures how events get from one CPU of this machine to another: through the ring\n"
	"of the disruptor library, and through other queues in turn.\n"
	"\n"
	"  latency      How long is an event on its way?\n"
	"               disruptor-bench latency --cpus 2,3\n"
	"  throughput   How many events a second?\n"
	"               disruptor-bench throughput --cpus 2,3\n"
	"  compare      Which queue is fastest here? All of both, in some minutes.\n"
	"               disruptor-bench compare --json all.json\n"
	"  scenario     The same for one situation only, like three producers.\n"
	"               disruptor-bench scenario many3-8\n"
	"  placement    Where to put producer, consumer and memory?\n"
	"               disruptor-bench placement --html placement.html\n"
	"  waits        What does waiting cost: spin, yield, sleep, park?\n"
	"               disruptor-bench waits\n"
	"  start        What does it cost to start, by where the memory lies?\n"
	"               disruptor-bench start\n"
	"  topology     What is this machine made of, and who would run where on it?\n"
	"               disruptor-bench topology\n"
	"\n"
	"disruptor-bench COMMAND -h tells a command's options and how to read what it prints.\n"
	"It wants CPUs that nobody else uses meanwhile; what spoils a figure it tells.\n"
	"Exit status: 0 done; 1 a run failed or lost events; 2 not understood; 3 this machine\n"
	"has not what it takes.\n";

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
} commands[] = {
	{"latency", latency_main},   {"throughput", throughput_main}, {"compare", compare_main},
	{"scenario", scenario_main}, {"placement", placement_main},   {"waits", waits_main},
	{"start", start_main},       {"topology", topology_main},
};

enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

static int run(int argc, char **argv)
{
	uint32_t i;

	for (i = 0; i < COMMANDS; i++)
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].main(argc, argv);
	complain("no command \"%s\"; there are:", argv[0]);
	for (i = 0; i < COMMANDS; i++)
		fprintf(stderr, "  %s\n", commands[i].name);
	return STATUS_USAGE;
}

static bool is_one_of(const char *word, const char *one, const char *other)
{
	return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

int main(int argc, char **argv)
{
	char help[] = "--help", *asked[] = {NULL, help, NULL};
	int status;

	if (argc == 1 || is_one_of(argv[1], "-h", "--help") ||
	    (argc == 2 && strcmp(argv[1], "help") == 0)) {
		fputs(help_text, stdout);
		return STATUS_DONE;
	}
	if (strcmp(argv[1], "help") == 0) {
		asked[0] = argv[2];
		return run(2, asked);
	}
	status = run(argc - 1, argv + 1);
	/* What nobody could read has not been told. */
	return fflush(stdout) != 0 && status == STATUS_DONE ? STATUS_FAILED : status;
}
