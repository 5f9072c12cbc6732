/* SPDX-License-Identifier: MIT */
/*
 * What happened in the execution that failed, a line a step: who, where in the
 * source, which word, what, and the line of source itself. addr2line(1) knows the
 * lines; without it there are addresses.
 */
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checker.h"

enum { EVENTS_MAX = 4096, NAMES_MAX = 256, LINE = 256 };

bool is_traced;
static bool is_silent;

void trace_silence(bool silent)
{
	is_silent = silent;
}

static struct event {
	const void *pc;
	const void *at;
	int who;
	char text[120];
} events[EVENTS_MAX];
static int event_count;

static struct {
	const char *at;
	size_t bytes, count;
	char name[40];
} names[NAMES_MAX];
static int name_count;

void trace_reset(void)
{
	event_count = 0;
	name_count = 0;
}

void model_name(const void *at, size_t bytes, size_t count, const char *name)
{
	if (!is_traced || name_count == NAMES_MAX)
		return;
	names[name_count].at = at;
	names[name_count].bytes = bytes;
	names[name_count].count = count;
	snprintf(names[name_count].name, sizeof(names[0].name), "%s", name);
	name_count++;
}

/* The last that was named: a part comes after the whole. */
static void name_of(const void *at, char *text, size_t size)
{
	*text = 0;
	if (!at)
		return;
	for (int i = name_count - 1; i >= 0; i--) {
		size_t offset = (size_t)((const char *)at - names[i].at);

		if (offset >= names[i].bytes * names[i].count)
			continue;
		if (names[i].count > 1)
			snprintf(text, size, "%s[%zu]", names[i].name, offset / names[i].bytes);
		else
			snprintf(text, size, "%s", names[i].name);
		return;
	}
	snprintf(text, size, "%p", at);
}

void trace_event(const void *at, const void *pc, const char *format, ...)
{
	va_list arguments;
	struct event *e = &events[event_count];

	if (!is_traced || event_count == EVENTS_MAX)
		return;
	event_count++;
	e->pc = pc;
	e->at = at;
	e->who = self->id;
	va_start(arguments, format);
	vsnprintf(e->text, sizeof(e->text), format, arguments);
	va_end(arguments);
}

static int find_base(struct dl_phdr_info *info, size_t size, void *base)
{
	(void)size;
	*(uintptr_t *)base = info->dlpi_addr;
	return 1;
}

/* "file.c:12" of each event, and the line; empty if unknown. */
struct source {
	char where[LINE];
	char line[LINE];
};

static void read_line(struct source *source)
{
	char path[LINE], *colon, *slash;
	FILE *file;
	int number;

	snprintf(path, sizeof(path), "%.*s", LINE - 1, source->where);
	colon = strrchr(path, ':');
	if (!colon)
		return;
	number = atoi(colon + 1);
	*colon = 0;
	file = fopen(path, "r");
	while (file && number-- && fgets(source->line, LINE, file))
		;
	if (file)
		fclose(file);
	source->line[strcspn(source->line, "\n")] = 0;
	memmove(source->line, source->line + strspn(source->line, " \t"),
		strlen(source->line + strspn(source->line, " \t")) + 1);
	slash = strrchr(path, '/');
	slash = slash ? slash + 1 : path;
	snprintf(source->where, LINE, "%.200s:%d", slash, atoi(colon + 1));
}

/* addr2line's answer for one address: the function's inner frames first; atomic.h is no news. */
static void read_frames(FILE *answers, struct source *source)
{
	char line[LINE];
	bool done = false;

	while (fgets(line, sizeof(line), answers) && strncmp(line, "0x1 ", 4) != 0 &&
	       strcmp(line, "0x1\n") != 0 && strncmp(line, "0x0000000000000001", 18) != 0) {
		line[strcspn(line, " \n")] = 0;
		if (done || strstr(line, "/atomic.h:") || !strchr(line, ':') ||
		    strncmp(line, "0x", 2) == 0)
			continue;
		snprintf(source->where, LINE, "%s", line);
		done = true;
	}
	/* The marker's own answer. */
	if (fgets(line, sizeof(line), answers))
		read_line(source);
}

static void find_sources(struct source *sources)
{
	static char command[EVENTS_MAX * 32];
	uintptr_t base = 0;
	size_t used;
	FILE *answers;

	dl_iterate_phdr(find_base, &base);
	used = (size_t)snprintf(command, sizeof(command), "addr2line -a -i -e /proc/%d/exe",
				getpid());
	for (int i = 0; i < event_count; i++)
		used += (size_t)snprintf(command + used, sizeof(command) - used, " %#zx 0x1",
					 (size_t)events[i].pc - base - 1);
	snprintf(command + used, sizeof(command) - used, " 2>/dev/null");
	answers = popen(command, "r");
	for (int i = 0; answers && i < event_count; i++)
		read_frames(answers, &sources[i]);
	if (answers)
		pclose(answers);
}

void trace_print(const char *why)
{
	static struct source sources[EVENTS_MAX];
	char name[64];

	if (is_silent)
		return;
	memset(sources, 0, sizeof(sources));
	find_sources(sources);
	for (int i = 0; i < event_count; i++) {
		const struct event *e = &events[i];

		name_of(e->at, name, sizeof(name));
		fprintf(stderr, "%4d %-10s %-18s %-26s %-34s | %s\n", i + 1, fibres[e->who].name,
			sources[i].where, name, e->text, sources[i].line);
	}
	fprintf(stderr, "FAILED: %s\n", why);
}

void model_note(const char *format, ...)
{
	va_list arguments;
	char text[100];

	if (!is_traced)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	trace_event(NULL, __builtin_return_address(0), "%s", text);
}

void model_fail(const char *file, int line, const char *condition, const char *format, ...)
{
	const char *slash = strrchr(file, '/');
	va_list arguments;
	char text[200];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	search_fail("%s:%d: %s does not hold. %s", slash ? slash + 1 : file, line, condition, text);
}
