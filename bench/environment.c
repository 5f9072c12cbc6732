/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <disruptor/disruptor.h>

#include "environment.h"
#include "json.h"

enum { TEXT = 160 };

struct environment {
	char cpu[TEXT];
	char kernel[TEXT];
};

static FILE *open_below(const char *root, const char *path)
{
	char name[4096];

	snprintf(name, sizeof(name), "%s/%s", root ? root : "", path);
	return fopen(name, "r");
}

/* What follows "KEY :" in the first line of that key; "" if there is none. */
static void read_key(const char *root, const char *path, const char *key, char *text)
{
	FILE *file = open_below(root, path);
	char line[4096];

	*text = '\0';
	while (file && !*text && fgets(line, sizeof(line), file)) {
		char *value = strchr(line, ':');

		if (!value || strncmp(line, key, strlen(key)) != 0)
			continue;
		value += 1 + strspn(value + 1, " \t");
		snprintf(text, TEXT, "%.*s", (int)strcspn(value, "\n"), value);
	}
	if (file)
		fclose(file);
}

struct environment *environment_read(const char *root, const int *cpus, uint32_t count)
{
	struct environment *e = calloc(1, sizeof(*e));
	struct utsname name;

	(void)cpus;
	(void)count;
	if (!e)
		return NULL;
	read_key(root, "proc/cpuinfo", "model name", e->cpu);
	if (uname(&name) == 0)
		snprintf(e->kernel, sizeof(e->kernel), "%s", name.release);
	return e;
}

void environment_print(const struct environment *e, FILE *file)
{
	fprintf(file, "disruptor %s; %s; Linux %s\n", dsr_version(), e->cpu, e->kernel);
}

static void put_member(FILE *file, const char *name, const char *text)
{
	fprintf(file, ", \"%s\": ", name);
	json_string(file, text);
}

void environment_write_json(const struct environment *e, FILE *file)
{
	fputs("{\"version\": ", file);
	json_string(file, dsr_version());
	put_member(file, "cpu", e->cpu);
	put_member(file, "kernel", e->kernel);
	fputc('}', file);
}

void environment_free(struct environment *e)
{
	free(e);
}
