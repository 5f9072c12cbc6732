/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

/* The common ones. Who has no short form has a letter that is none. */
enum { CSV = 'V', HTML = 'H' };

static const struct common {
	int letter;
	const char *name;
	const char *argument;
	const char *help;
} common[] = {
	{'c', "contender", "NAME", "only those with this in their name"},
	{'r', "rounds", "N", "how often all is measured, 1 to 1000"},
	{'p', "cpus", "LIST", "CPUs for the threads in turn, producers first: 0,2 or 4-7"},
	{'q', "quick", NULL, "a hundredth of the events: does it run at all?"},
	{'j', "json", "FILE", "all figures and what the machine is, as JSON; -: standard output"},
	{CSV, "csv", "FILE", "all figures, a line each"},
	{HTML, "html", "FILE", "the same as a page with pictures"},
	{'l', "list", NULL, "tell what there is to measure, and end"},
	{'h', "help", NULL, "this text"},
};

enum { COMMON = sizeof(common) / sizeof(*common) };

int complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("disruptor-bench: ", stderr);
	vfprintf(stderr, format, arguments);
	fputs("\n", stderr);
	va_end(arguments);
	return STATUS_USAGE;
}

static bool takes(const struct command *c, const struct common *option)
{
	return option->letter == 'h' || strchr(c->common, option->letter);
}

static void print_option(int letter, const char *name, const char *argument, const char *help)
{
	char text[40], form[8] = "    ";

	if (isalpha(letter) && letter != CSV && letter != HTML)
		snprintf(form, sizeof(form), "-%c, ", letter);
	snprintf(text, sizeof(text), "%s--%s%s%s", form, name, argument ? " " : "",
		 argument ? argument : "");
	printf("  %-22s %s", text, help);
}

static int print_help(const struct command *c)
{
	uint32_t i;

	printf("usage: disruptor-bench %s [OPTION...]%s%s\n\n%s\nOptions:\n", c->name,
	       c->arguments ? " " : "", c->arguments ? c->arguments : "", c->text);
	for (i = 0; c->own && c->own[i].name; i++) {
		print_option(c->own[i].letter, c->own[i].name, c->own[i].argument, c->own[i].help);
		puts("");
	}
	for (i = 0; i < COMMON; i++) {
		if (!takes(c, &common[i]))
			continue;
		print_option(common[i].letter, common[i].name, common[i].argument, common[i].help);
		if (common[i].letter == 'r')
			printf("; %u unless told", c->rounds);
		puts("");
	}
	printf("\nExamples:\n%s", c->examples);
	return STATUS_DONE;
}

bool options_number(const char *text, uint64_t most, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && errno == 0 && *number <= most;
}

bool options_wanted(const struct options *o, const char *name)
{
	return !o->contender || strstr(name, o->contender);
}

static bool has_cpu(const int *cpus, uint32_t count, int cpu)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (cpus[i] == cpu)
			return true;
	return false;
}

static int add_cpu(const struct command *c, struct options *o, long cpu)
{
	int allowed[CPU_SETSIZE];

	if (!has_cpu(allowed, (uint32_t)cpus_allowed(allowed, CPU_SETSIZE), (int)cpu))
		return complain("--cpus: this process may not run on CPU %ld", cpu);
	if (has_cpu(o->cpus, o->cpu_count, (int)cpu))
		return complain("--cpus: CPU %ld is there twice", cpu);
	if (o->cpu_count == c->cpus_most)
		return complain("--cpus: no more than %u", c->cpus_most);
	o->cpus[o->cpu_count++] = (int)cpu;
	return STATUS_NONE;
}

static int parse_cpus(const struct command *c, struct options *o, const char *list)
{
	const char *text = list;
	int status = STATUS_NONE;

	o->cpu_count = 0;
	do {
		char *end;
		long first = strtol(text, &end, 10), last = first;
		bool good = isdigit((unsigned char)*text);

		if (*end == '-') {
			text = end + 1;
			good = good && isdigit((unsigned char)*text);
			last = strtol(text, &end, 10);
		}
		if (!good || (*end && *end != ',') || last < first || last >= CPU_SETSIZE)
			return complain("--cpus: \"%s\" is no list of CPUs, like 0,2 or 4-7", list);
		for (; first <= last && status < 0; first++)
			status = add_cpu(c, o, first);
		text = *end ? end + 1 : NULL;
	} while (text && status < 0);
	if (status < 0 && o->cpu_count < c->cpus_least)
		return complain("--cpus: no fewer than %u", c->cpus_least);
	return status;
}

static void choose_cpus(const struct command *c, struct options *o)
{
	o->cpu_count = (uint32_t)cpus_apart(o->cpus, (int)c->cpus_least);
	if (o->cpu_count < c->cpus_least) {
		o->cpu_count = 1;
		o->cpus[0] = -1;
	}
}

static int take(const struct command *c, struct options *o, int letter, const char *text)
{
	uint64_t number;

	switch (letter) {
	case 'c':
		o->contender = text;
		return STATUS_NONE;
	case 'r':
		if (!options_number(text, ROUNDS_MOST, &number) || !number)
			return complain("--rounds: \"%s\" is not a number from 1 to %d", text,
					ROUNDS_MOST);
		o->rounds = (uint32_t)number;
		return STATUS_NONE;
	case 'p':
		return parse_cpus(c, o, text);
	case 'q':
		o->shrink = 100;
		return STATUS_NONE;
	case 'j':
		o->json = text;
		return STATUS_NONE;
	case CSV:
		o->csv = text;
		return STATUS_NONE;
	case HTML:
		o->html = text;
		return STATUS_NONE;
	case 'l':
		o->list = true;
		return STATUS_NONE;
	case 'h':
		return print_help(c);
	default:
		fprintf(stderr, "Try: disruptor-bench %s -h\n", c->name);
		return STATUS_USAGE;
	}
}

static int take_own(const struct command *c, struct options *o, int letter, const char *text)
{
	uint32_t i;

	for (i = 0; c->own && c->own[i].name; i++) {
		if (c->own[i].letter == letter) {
			o->own[i] = text;
			return STATUS_NONE;
		}
	}
	return take(c, o, letter, text);
}

struct forms {
	struct option longs[COMMON + OWN_MAX + 1];
	char shorts[2 * (COMMON + OWN_MAX) + 1];
	uint32_t count;
	uint32_t length;
};

static void add_form(struct forms *f, int letter, const char *name, bool has_argument)
{
	f->longs[f->count++] =
		(struct option){name, has_argument ? required_argument : no_argument, NULL, letter};
	if (letter == CSV || letter == HTML)
		return;
	f->shorts[f->length++] = (char)letter;
	if (has_argument)
		f->shorts[f->length++] = ':';
}

static void make_forms(const struct command *c, struct forms *f)
{
	uint32_t i;

	for (i = 0; c->own && c->own[i].name; i++)
		add_form(f, c->own[i].letter, c->own[i].name, c->own[i].argument);
	for (i = 0; i < COMMON; i++)
		if (takes(c, &common[i]))
			add_form(f, common[i].letter, common[i].name, common[i].argument);
}

static int check_files(const struct options *o)
{
	const char *const files[] = {o->json, o->csv, o->html};
	uint32_t i, outputs = 0;

	for (i = 0; i < 3; i++)
		outputs += files[i] && strcmp(files[i], "-") == 0;
	return outputs > 1 ? complain("only one file can be standard output") : STATUS_NONE;
}

int options_parse(const struct command *c, int argc, char **argv, struct options *o)
{
	struct forms forms = {.count = 0};
	int status = STATUS_NONE, letter;

	*o = (struct options){.rounds = c->rounds, .shrink = 1};
	make_forms(c, &forms);
	argv[0] = program_invocation_name; /* getopt_long() names it when it complains */
	optind = 1;
	while (status < 0 &&
	       (letter = getopt_long(argc, argv, forms.shorts, forms.longs, NULL)) != -1)
		status = take_own(c, o, letter, optarg);
	if (status >= 0)
		return status;
	o->arguments = argv + optind;
	o->argument_count = (uint32_t)(argc - optind);
	if (o->argument_count && !c->arguments)
		return complain("%s: \"%s\" is one word too many", c->name, o->arguments[0]);
	if (!o->cpu_count && c->cpus_most)
		choose_cpus(c, o);
	return check_files(o);
}
