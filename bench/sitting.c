/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"
#include "sitting.h"

/* Standard output becomes the file's alone. NULL: no such file, and has told why. */
static FILE *open_output(void)
{
	int out = dup(STDOUT_FILENO);

	if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return NULL;
	return fdopen(out, "w");
}

static int open_file(const char *name, FILE **file)
{
	*file = NULL;
	if (!name)
		return STATUS_NONE;
	*file = strcmp(name, "-") == 0 ? open_output() : fopen(name, "w");
	return *file ? STATUS_NONE : complain("%s: %s", name, strerror(errno));
}

static int open_files(struct sitting *s)
{
	int status = open_file(s->options->json, &s->json);

	if (status < 0)
		status = open_file(s->options->csv, &s->csv);
	if (status < 0)
		status = open_file(s->options->html, &s->html);
	return status;
}

static bool close_file(FILE *file)
{
	return !file || fclose(file) == 0;
}

/* Return: 0; -EIO: not all of it was written. */
static int close_all(struct sitting *s)
{
	bool json = close_file(s->json), csv = close_file(s->csv), html = close_file(s->html);

	results_free(s->results);
	environment_free(s->environment);
	return json && csv && html ? 0 : -EIO;
}

static void print_setting(const struct options *o)
{
	uint32_t i;

	printf("threads    ");
	if (o->cpus[0] < 0)
		printf("all on one CPU");
	for (i = 0; i < o->cpu_count && o->cpus[0] >= 0; i++)
		printf("%s%d", i ? ", " : "on CPUs ", o->cpus[i]);
	printf("%s; %u round%s\n", o->cpu_count > 1 ? " in turn, producers first" : "", o->rounds,
	       o->rounds == 1 ? "" : "s");
}

/* What the regime is before it begins; each run is looked at for itself. */
static void probe(struct environment *e, const struct options *o)
{
	e->probe_ns = scenario_probe(o->cpus, o->cpu_count);
	e->regime = regime_name(regime_of(e->probe_ns, e->probe_ns));
	printf("probe      CPU %d to %d: %.0f ns one way, %s\n", o->cpus[0], o->cpus[1],
	       e->probe_ns, e->regime);
}

void sitting_warn(struct sitting *s)
{
	environment_print_warnings(s->environment, s->warned, stdout);
	s->warned = s->environment->warning_count;
}

int sitting_begin(struct sitting *s, const struct command *command, const struct options *options)
{
	int status;

	*s = (struct sitting){.command = command, .options = options};
	status = open_files(s);
	s->results = results_new();
	s->environment = environment_read(NULL, options->cpus, options->cpu_count);
	if (status < 0 && (!s->results || !s->environment)) {
		sitting_failed(command->name, NULL, -ENOMEM);
		status = STATUS_FAILED;
	}
	if (status >= 0) {
		close_all(s);
		return status;
	}
	environment_print(s->environment, stdout);
	if (command->cpus_most)
		print_setting(options);
	clock_calibrate();
	if (options->cpu_count > 1)
		probe(s->environment, options);
	sitting_warn(s);
	return STATUS_NONE;
}

int sitting_end(struct sitting *s, int err)
{
	int closed;

	progress_clear();
	environment_ended(s->environment);
	sitting_warn(s);
	if (err == 0 && s->json)
		err = results_write_json(s->results, s->environment, s->json);
	if (err == 0 && s->csv)
		err = results_write_csv(s->results, s->csv);
	closed = close_all(s);
	if (err == -EIO || closed < 0)
		complain("not all could be written to the files");
	return err < 0 || closed < 0 ? STATUS_FAILED : STATUS_DONE;
}

int sitting_failed(const char *what, const char *who, int err)
{
	if (err < 0) {
		progress_clear();
		complain("%s%s%s: %s", what, who ? ", " : "", who ? who : "",
			 err == -EILSEQ ? "lost events, or mixed them up" : strerror(-err));
	}
	return err;
}
