/* SPDX-License-Identifier: MIT */
/* The machine as a person wants to see it, and who would run where on it. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/disruptor.h>

#include "ignore.h"
#include "output.h"
#include "sitting.h"
#include "topology.h"

enum { MACHINE, PRODUCER };

static const struct own_option own[] = {
	[MACHINE] = {'R', "machine", "FOLDER",
		     "of the machine whose sys and proc are in this folder"},
	[PRODUCER] = {'P', "producer", "PIN", "where the producer is: a CPU's number or nodeN"},
	{0},
};

static const struct command command = {
	.name = "topology",
	.arguments = "[STAGE...]",
	.text = "What is this machine made of, and what of it would spoil a measurement? With\n"
		"stages also: which handler of such a graph would run on which CPU, and why?\n"
		"\n"
		"STAGE  handlers, which follow all of the stage before: NAME[@PIN],NAME[@PIN]...\n"
		"PIN    a CPU's number, nodeN, auto (unless told otherwise), near (the producer),\n"
		"       isolated or none\n",
	.examples = "  disruptor-bench topology\n"
		    "  disruptor-bench topology --producer 0 journal,replicate apply@near\n",
	.common = "j",
	.own = own,
};

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

/* NAME[@PIN]; it is cut in two. */
static int add_handler(struct dsr_builder *b, char *text)
{
	struct dsr_handler handler = {.on_event = ignore_event, .name = text, .pin = DSR_AUTOMATIC};
	char *pin = strchr(text, '@');

	if (pin) {
		*pin++ = '\0';
		if (!parse_pin(pin, &handler.pin))
			return complain("%s: neither a CPU's number, nor nodeN, nor a choice", pin);
	}
	/* The builder keeps its first mistake. */
	(void)dsr_handle_events(b, &handler);
	return STATUS_NONE;
}

static int add_stages(struct dsr_builder *b, char **stages, uint32_t count)
{
	int status = STATUS_NONE;

	for (uint32_t i = 0; i < count && status < 0; i++) {
		char *rest = NULL, *handler;

		if (i)
			(void)dsr_then(b);
		for (handler = strtok_r(stages[i], ",", &rest); handler && status < 0;
		     handler = strtok_r(NULL, ",", &rest))
			status = add_handler(b, handler);
	}
	return status;
}

/* A text whose length is not known before: it is asked for. NULL: no memory. */
static char *machine_text(const struct dsr_topology *t, bool json)
{
	int (*write)(const struct dsr_topology *, char *, size_t) =
		json ? dsr_topology_json : dsr_topology_text;
	int length = write(t, NULL, 0);
	char *text = length < 0 ? NULL : malloc((size_t)length + 1);

	if (text)
		write(t, text, (size_t)length + 1);
	return text;
}

static char *plan_text(const struct dsr_plan *plan, bool json)
{
	int (*write)(const struct dsr_plan *, char *, size_t) =
		json ? dsr_plan_json : dsr_plan_text;
	int length = write(plan, NULL, 0);
	char *text = length < 0 ? NULL : malloc((size_t)length + 1);

	if (text)
		write(plan, text, (size_t)length + 1);
	return text;
}

static int put(char *text, FILE *file)
{
	if (!text)
		return sitting_failed("topology", NULL, -ENOMEM) < 0 ? STATUS_FAILED : STATUS_NONE;
	fputs(text, file);
	free(text);
	return STATUS_NONE;
}

/* A graph is only asked for its plan: the ring is as small as one can be. */
static int make_plan(const struct dsr_topology *t, const struct options *o, struct dsr_plan **made)
{
	struct dsr_builder *b = dsr_build_multi_producer(1, sizeof(int64_t));
	const char *producer = o->own[PRODUCER];
	int pin = DSR_UNPINNED, status = STATUS_NONE, err;

	if (producer && (!parse_pin(producer, &pin) || dsr_producer_at(b, pin) < 0))
		status = complain("%s: neither a CPU's number nor nodeN", producer);
	if (status < 0)
		status = add_stages(b, o->arguments, o->argument_count);
	err = status < 0 ? dsr_plan_make(b, t, made) : 0;
	if (err < 0)
		status = complain("plan: %s", *dsr_builder_message(b) ? dsr_builder_message(b)
								      : dsr_strerror(err));
	dsr_builder_destroy(b);
	return status;
}

static int write_json(const struct environment *e, const struct dsr_plan *plan, FILE *file)
{
	int status;

	fputs("{\"environment\": ", file);
	environment_write_json(e, file);
	fputs(", \"topology\": ", file);
	status = put(machine_text(e->topology, true), file);
	if (plan) {
		fputs(", \"plan\": ", file);
		status = status < 0 ? put(plan_text(plan, true), file) : status;
	}
	fputs("}\n", file);
	return status;
}

static int print(const struct environment *e, const struct dsr_plan *plan)
{
	int status = put(machine_text(e->topology, false), stdout);

	environment_print(e, stdout);
	environment_print_warnings(e, 0, stdout);
	if (!plan)
		return status;
	puts("");
	return status < 0 ? put(plan_text(plan, false), stdout) : status;
}

static int show(const struct options *o, FILE *json)
{
	struct environment *e;
	struct dsr_plan *plan = NULL;
	int status = STATUS_NONE, err = environment_read(o->own[MACHINE], NULL, 0, &e);

	if (err < 0)
		return complain("%s: %s", o->own[MACHINE] ? o->own[MACHINE] : "topology",
				dsr_strerror(err));
	if (o->argument_count)
		status = make_plan(e->topology, o, &plan);
	if (status < 0)
		status = print(e, plan);
	if (status < 0 && json)
		status = write_json(e, plan, json);
	dsr_plan_free(plan);
	environment_free(e);
	return status < 0 ? STATUS_DONE : status;
}

int topology_main(int argc, char **argv)
{
	struct options o;
	FILE *json;
	int status = options_parse(&command, argc, argv, &o);

	if (status < 0)
		status = output_open(o.json, &json);
	if (status >= 0)
		return status;
	status = show(&o, json);
	if (!output_close(o.json, json) && status == STATUS_DONE)
		status = STATUS_FAILED;
	return status;
}
