/* SPDX-License-Identifier: MIT */
/* The machine as a person wants to see it, and who would run where on it. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/disruptor.h>

#include "topology.h"

static const char usage_text[] =
	"usage: disruptor-bench topology [-j] [-R FOLDER] [-p PIN] [-h] [STAGE...]\n"
	"\n"
	"Prints the machine: nodes, memory, huge pages, distances, CPUs, caches. With stages\n"
	"also the plan for a graph: which handler on which CPU, and why.\n"
	"\n"
	"STAGE    handlers, which follow all of the stage before: NAME[@PIN],NAME[@PIN]...\n"
	"PIN      a CPU's number, nodeN, auto (unless told otherwise), near (the producer),\n"
	"         isolated or none\n"
	"-p PIN   where the producer is: a CPU's number or nodeN\n"
	"-R       of the machine whose sys and proc are in this folder\n"
	"-j       as JSON\n"
	"\n"
	"       disruptor-bench topology -p 0 journal,replicate apply@near\n";

struct wishes {
	const char *root;
	const char *producer;
	bool json;
};

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "disruptor-bench: %s: %s\n", what, why);
	return 2;
}

static bool parse_pin(const char *text, int *pin)
{
	static const struct {
		const char *name;
		int pin;
	} names[] = {
		{"auto", DSR_AUTOMATIC},
		{"near", DSR_NEAR_PRODUCER},
		{"isolated", DSR_ISOLATED},
		{"none", DSR_UNPINNED},
	};
	const char *digits = strncmp(text, "node", 4) == 0 ? text + 4 : text;
	unsigned long number;
	char *end;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(text, names[i].name) == 0) {
			*pin = names[i].pin;
			return true;
		}
	}
	if (!isdigit((unsigned char)*digits))
		return false;
	number = strtoul(digits, &end, 10);
	if (*end || number > 1000000)
		return false;
	*pin = digits == text ? DSR_CPU((int)number) : DSR_NODE((int)number);
	return true;
}

/* Never called: the plan is all that is made. */
static int on_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)event;
	(void)sequence;
	(void)end_of_batch;
	(void)state;
	return DSR_CONTINUE;
}

/* NAME[@PIN]; it is cut in two. */
static int add_handler(struct dsr_builder *b, char *text)
{
	struct dsr_handler handler = {.on_event = on_event, .name = text, .pin = DSR_AUTOMATIC};
	char *pin = strchr(text, '@');

	if (pin) {
		*pin++ = '\0';
		if (!parse_pin(pin, &handler.pin))
			return complain(pin, "neither a CPU's number, nor nodeN, nor a choice");
	}
	/* The builder keeps its first mistake. */
	(void)dsr_handle_events(b, &handler);
	return 0;
}

static int add_stages(struct dsr_builder *b, char **stages, int count)
{
	int err = 0;

	for (int i = 0; i < count && err == 0; i++) {
		char *rest = NULL, *handler;

		if (i)
			(void)dsr_then(b);
		for (handler = strtok_r(stages[i], ",", &rest); handler && err == 0;
		     handler = strtok_r(NULL, ",", &rest))
			err = add_handler(b, handler);
	}
	return err;
}

/* For a text of which the length is known. */
static char *room_for(int length)
{
	return length < 0 ? NULL : malloc((size_t)length + 1);
}

static int put(char *text)
{
	if (!text)
		return complain("topology", "no memory");
	fputs(text, stdout);
	free(text);
	return 0;
}

static int show_machine(const struct dsr_topology *t, bool json)
{
	int (*write)(const struct dsr_topology *, char *, size_t) =
		json ? dsr_topology_json : dsr_topology_text;
	int length = write(t, NULL, 0);
	char *text = room_for(length);

	if (text)
		write(t, text, (size_t)length + 1);
	return put(text);
}

static int show_plan(const struct dsr_plan *plan, bool json)
{
	int (*write)(const struct dsr_plan *, char *, size_t) =
		json ? dsr_plan_json : dsr_plan_text;
	int length = write(plan, NULL, 0);
	char *text = room_for(length);

	if (text)
		write(plan, text, (size_t)length + 1);
	return put(text);
}

static int plan(struct dsr_builder *b, const struct dsr_topology *t, const struct wishes *w)
{
	struct dsr_plan *made;
	int err = dsr_plan_make(b, t, &made);

	if (err < 0)
		return complain("plan", *dsr_builder_message(b) ? dsr_builder_message(b)
								: dsr_strerror(err));
	if (!w->json)
		puts("");
	err = show_plan(made, w->json);
	dsr_plan_free(made);
	return err;
}

/* A graph is only asked for its plan: the ring is as small as one can be. */
static int plan_stages(const struct dsr_topology *t, const struct wishes *w, char **stages,
		       int count)
{
	struct dsr_builder *b = dsr_build_multi_producer(1, sizeof(int64_t));
	int pin = DSR_UNPINNED, err = 0;

	if (w->producer && (!parse_pin(w->producer, &pin) || dsr_producer_at(b, pin) < 0))
		err = complain(w->producer, "neither a CPU's number nor nodeN");
	if (err == 0)
		err = add_stages(b, stages, count);
	if (err == 0)
		err = plan(b, t, w);
	dsr_builder_destroy(b);
	return err;
}

static int show(const struct wishes *w, char **stages, int count)
{
	struct dsr_topology *t;
	int err = dsr_topology_read(w->root, &t);

	if (err < 0)
		return complain(w->root ? w->root : "topology", dsr_strerror(err));
	if (w->json)
		fputs("{\"topology\": ", stdout);
	err = show_machine(t, w->json);
	if (err == 0 && count) {
		if (w->json)
			fputs(", \"plan\": ", stdout);
		err = plan_stages(t, w, stages, count);
	}
	if (w->json)
		puts("}");
	dsr_topology_free(t);
	return err;
}

int topology_main(int argc, char **argv)
{
	struct wishes w = {0};
	int c;

	while ((c = getopt(argc, argv, "jR:p:h")) != -1) {
		switch (c) {
		case 'j':
			w.json = true;
			break;
		case 'R':
			w.root = optarg;
			break;
		case 'p':
			w.producer = optarg;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		default:
			fputs(usage_text, stderr);
			return 2;
		}
	}
	return show(&w, argv + optind, argc - optind);
}
