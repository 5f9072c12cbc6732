/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "environment.h"
#include "json.h"
#include "results.h"

/* Each text once: there are many figures of few names. */
struct names {
	char **all;
	uint32_t count;
	uint32_t room;
};

struct results {
	struct record *records;
	uint32_t count;
	uint32_t room;
	struct names names;
};

const char *regime_name(enum regime regime)
{
	static const char *const names[REGIMES] = {"near", "far", "unclear"};

	return names[regime];
}

struct results *results_new(void)
{
	return calloc(1, sizeof(struct results));
}

/* One more than @count fits into @array, or it is moved to where it does; NULL: no memory. */
static void *with_room(void *array, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t more = *room ? *room * 2 : 64;

	if (count < *room)
		return array;
	array = reallocarray(array, more, size);
	if (array)
		*room = more;
	return array;
}

static const char *name_kept(struct names *n, const char *name)
{
	char **all;
	uint32_t i;

	/* Backwards: it is most often one of the last. */
	for (i = n->count; i > 0; i--)
		if (strcmp(n->all[i - 1], name) == 0)
			return n->all[i - 1];
	all = with_room(n->all, n->count, &n->room, sizeof(*all));
	if (!all)
		return NULL;
	n->all = all;
	all[n->count] = strdup(name);
	return all[n->count] ? all[n->count++] : NULL;
}

int results_add(struct results *r, const struct record *record)
{
	struct record *all = with_room(r->records, r->count, &r->room, sizeof(*all));
	struct record mine = *record;

	if (!all)
		return -ENOMEM;
	r->records = all;
	mine.command = name_kept(&r->names, record->command);
	mine.scenario = name_kept(&r->names, record->scenario);
	mine.contender = name_kept(&r->names, record->contender);
	mine.metric = name_kept(&r->names, record->metric);
	if (!mine.command || !mine.scenario || !mine.contender || !mine.metric)
		return -ENOMEM;
	all[r->count++] = mine;
	return 0;
}

uint32_t results_count(const struct results *r)
{
	return r->count;
}

const struct record *results_at(const struct results *r, uint32_t index)
{
	return &r->records[index];
}

/* Quoted only where that is needed; a quote within is doubled. */
static void put_field(FILE *file, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, file);
		return;
	}
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

int results_write_csv(const struct results *r, FILE *file)
{
	uint32_t i;

	fputs("command,scenario,contender,metric,regime,round,value\n", file);
	for (i = 0; i < r->count; i++) {
		const struct record *one = &r->records[i];

		put_field(file, one->command);
		fputc(',', file);
		put_field(file, one->scenario);
		fputc(',', file);
		put_field(file, one->contender);
		fputc(',', file);
		put_field(file, one->metric);
		fprintf(file, ",%s,%u,%.10g\n", regime_name(one->regime), one->round, one->value);
	}
	return ferror(file) ? -EIO : 0;
}

static void put_member(FILE *file, const char *name, const char *text)
{
	fprintf(file, "\"%s\": ", name);
	json_string(file, text);
	fputs(", ", file);
}

int results_write_json(const struct results *r, const struct environment *e, FILE *file)
{
	uint32_t i;

	fputs("{\"environment\": ", file);
	environment_write_json(e, file);
	fputs(", \"results\": [", file);
	for (i = 0; i < r->count; i++) {
		const struct record *one = &r->records[i];

		fputs(i ? ",\n{" : "\n{", file);
		put_member(file, "command", one->command);
		put_member(file, "scenario", one->scenario);
		put_member(file, "contender", one->contender);
		put_member(file, "metric", one->metric);
		put_member(file, "regime", regime_name(one->regime));
		fprintf(file, "\"round\": %u, \"value\": ", one->round);
		json_number(file, one->value);
		fputc('}', file);
	}
	fputs("\n]}\n", file);
	return ferror(file) ? -EIO : 0;
}

void results_free(struct results *r)
{
	uint32_t i;

	if (!r)
		return;
	for (i = 0; i < r->names.count; i++)
		free(r->names.all[i]);
	free(r->names.all);
	free(r->records);
	free(r);
}
