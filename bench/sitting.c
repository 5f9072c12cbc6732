/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "output.h"
#include "progress.h"
#include "sitting.h"

static int open_files(struct sitting *s)
{
	int status = output_open(s->options->json, &s->json);

	if (status < 0)
		status = output_open(s->options->csv, &s->csv);
	if (status < 0)
		status = output_open(s->options->html, &s->html);
	return status;
}

/* Return: was all of it written? */
static bool close_all(struct sitting *s)
{
	bool json = output_close(s->options->json, s->json);
	bool csv = output_close(s->options->csv, s->csv);
	bool html = output_close(s->options->html, s->html);

	results_free(s->results);
	environment_free(s->environment);
	return json && csv && html;
}

static void print_setting(const struct options *o)
{
	uint32_t i;

	printf("threads: ");
	if (o->cpus[0] < 0)
		printf("all on one CPU");
	for (i = 0; i < o->cpu_count && o->cpus[0] >= 0; i++)
		printf("%s%d", i ? ", " : o->cpu_count > 1 ? "on CPUs " : "on CPU ", o->cpus[i]);
	printf("%s; %u round%s\n", o->cpu_count > 1 ? " in turn, producers first" : "", o->rounds,
	       o->rounds == 1 ? "" : "s");
}

/* What the regime is before it begins; each run is looked at for itself. */
static void probe(struct environment *e, const struct options *o)
{
	e->probe_ns = scenario_probe(o->cpus, o->cpu_count);
	e->regime = regime_name(regime_of(e->probe_ns, e->probe_ns));
	printf("probe: CPU %d to %d: %.0f ns one way, %s\n", o->cpus[0], o->cpus[1], e->probe_ns,
	       e->regime);
}

void sitting_warn(struct sitting *s)
{
	environment_print_warnings(s->environment, s->warned, stdout);
	s->warned = s->environment->warning_count;
}

static int look(struct sitting *s)
{
	const struct options *o = s->options;
	int err = environment_read(NULL, o->cpus, o->cpu_count, &s->environment);

	s->results = results_new();
	if (err == 0 && !s->results)
		err = -ENOMEM;
	return sitting_failed(s->command->name, NULL, err);
}

int sitting_begin(struct sitting *s, const struct command *command, const struct options *options)
{
	int status;

	*s = (struct sitting){.command = command, .options = options};
	status = open_files(s);
	if (status < 0 && look(s) < 0)
		status = STATUS_FAILED;
	if (status >= 0) {
		close_all(s);
		return status;
	}
	environment_print(s->environment, stdout);
	if (command->cpus_least)
		print_setting(options);
	clock_calibrate();
	if (options->cpu_count > 1)
		probe(s->environment, options);
	sitting_warn(s);
	return STATUS_NONE;
}

int sitting_end(struct sitting *s, int err)
{
	bool is_written;

	progress_clear();
	environment_ended(s->environment);
	sitting_warn(s);
	/* A file that cannot take it says so when it is closed. */
	if (err == 0 && s->json)
		(void)results_write_json(s->results, s->environment, s->json);
	if (err == 0 && s->csv)
		(void)results_write_csv(s->results, s->csv);
	if (err == 0 && s->html && s->page)
		(void)s->page(s, s->subject);
	is_written = close_all(s);
	if (err == -ENODEV)
		return STATUS_REFUSED;
	return err < 0 || !is_written ? STATUS_FAILED : STATUS_DONE;
}

int sitting_failed(const char *what, const char *who, int err)
{
	if (err < 0) {
		progress_clear();
		complain("%s%s%s: %s", what, who ? ", " : "", who ? who : "",
			 err == -EILSEQ   ? "lost events, or mixed them up"
			 : err == -ENODEV ? "this machine has not what it takes"
					  : strerror(-err));
	}
	return err;
}
