/* SPDX-License-Identifier: MIT */
/* What the benchmark tool's figures are written as: texts that need care, and numbers. TAP. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../bench/environment.h"
#include "../../bench/results.h"
#include "../numa/tap.h"

enum { MANY = 1000 };

static void add(struct results *r, const char *contender, enum regime regime, uint32_t round,
		double value)
{
	int err = results_add(r, &(struct record){"latency", "one", contender, "one_way_ns", regime,
						  round, value});

	need(err == 0, "results_add: %d", err);
}

/* What @write writes; the caller's to free. */
static char *written(const struct results *r, int (*write)(const struct results *r, FILE *file))
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	need(file, "open_memstream");
	check(write(r, file) == 0, "it can be written");
	fclose(file);
	return text;
}

static int write_json(const struct results *r, FILE *file)
{
	struct environment *e;
	int err = environment_read(NULL, NULL, 0, &e);

	need(err == 0, "environment_read: %d", err);
	err = results_write_json(r, e, file);
	environment_free(e);
	return err;
}

static void csv(const void *argument)
{
	struct results *r = results_new();
	char *text;

	(void)argument;
	add(r, "plain", NEAR, 0, 1.5);
	add(r, "with, comma", FAR, 1, 100);
	add(r, "with \"quotes\"", UNCLEAR, 2, 0.000123456789);
	add(r, "two\nlines", NEAR, 3, 123456789);
	text = written(r, results_write_csv);
	check(strcmp(text,
		     "command,scenario,contender,metric,regime,round,value\n"
		     "latency,one,plain,one_way_ns,near,0,1.5\n"
		     "latency,one,\"with, comma\",one_way_ns,far,1,100\n"
		     "latency,one,\"with \"\"quotes\"\"\",one_way_ns,unclear,2,0.000123456789\n"
		     "latency,one,\"two\nlines\",one_way_ns,near,3,123456789\n") == 0,
	      "%s", text);
	free(text);
	results_free(r);
}

static void json(const void *argument)
{
	struct results *r = results_new();
	char *text;

	(void)argument;
	add(r, "with \"quotes\", \\ and \n", NEAR, 0, 1.5);
	add(r, "no number", FAR, 1, NAN);
	text = written(r, write_json);
	check(strstr(text, "\"contender\": \"with \\\"quotes\\\", \\\\ and \\u000a\""), "quotes");
	check(strstr(text, "\"regime\": \"far\", \"round\": 1, \"value\": null}"), "no number");
	free(text);
	results_free(r);
}

/* Texts are the caller's, who may use their memory for the next ones. */
static void kept(const void *argument)
{
	struct results *r = results_new();
	char name[16];
	int i;

	(void)argument;
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i % 100);
		add(r, name, NEAR, (uint32_t)i, i);
	}
	check(results_count(r) == MANY, "%u", results_count(r));
	for (i = 0; i < MANY; i++) {
		const struct record *one = results_at(r, (uint32_t)i);

		snprintf(name, sizeof(name), "%d", i % 100);
		check(strcmp(one->contender, name) == 0 && one->round == (uint32_t)i,
		      "%d is %s in round %u", i, one->contender, one->round);
	}
	results_free(r);
}

static void full(const void *argument)
{
	struct results *r = results_new();
	FILE *file = fopen("/dev/full", "w");

	(void)argument;
	need(file, "there is no /dev/full");
	setvbuf(file, NULL, _IONBF, 0);
	add(r, "plain", NEAR, 0, 1.5);
	check(results_write_csv(r, file) == -EIO, "CSV on a full disk");
	clearerr(file);
	check(write_json(r, file) == -EIO, "JSON on a full disk");
	fclose(file);
	results_free(r);
}

int main(void)
{
	tap_case(csv, NULL, "CSV");
	tap_case(json, NULL, "JSON");
	tap_case(kept, NULL, "texts are kept");
	tap_case(full, NULL, "a full disk");
	return tap_end();
}
