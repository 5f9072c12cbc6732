/* SPDX-License-Identifier: MIT */
#include <disruptor/disruptor.h>

#include "environment.h"
#include "json.h"

static const char *or_unknown(const char *text)
{
	return *text ? text : "not told";
}

static const char *on_or_off(int value)
{
	return value < 0 ? "not told" : value ? "on" : "off";
}

static void print_machine(const struct environment *e, FILE *file)
{
	uint32_t nodes = dsr_topology_nodes(e->topology);
	uint32_t cpus = dsr_topology_cpus(e->topology);

	fprintf(file, "system: %s; %u CPU%s, SMT %s; %u node%s; Linux %s%s%s\n", or_unknown(e->cpu),
		cpus, cpus == 1 ? "" : "s", on_or_off(e->smt), nodes, nodes == 1 ? "" : "s",
		or_unknown(e->kernel), *e->hypervisor ? "; virtual, by " : "", e->hypervisor);
}

void environment_print(const struct environment *e, FILE *file)
{
	print_machine(e, file);
	fprintf(file,
		"set-up: governor %s; driver %s; boost %s; isolated %s; nohz_full %s; "
		"transparent huge pages %s\n",
		or_unknown(e->governor), or_unknown(e->driver), on_or_off(e->boost),
		*e->isolated ? e->isolated : "none", *e->nohz_full ? e->nohz_full : "none",
		or_unknown(e->huge_pages));
	fprintf(file, "build: disruptor %s; %s; %s\n", dsr_version(), e->compiler, e->buildtype);
}

void environment_print_warnings(const struct environment *e, uint32_t first, FILE *file)
{
	uint32_t i;

	for (i = first; i < e->warning_count; i++)
		fprintf(file, "warning: %s\n", e->warnings[i]);
}

static void put_text(FILE *file, const char *name, const char *text)
{
	fprintf(file, ",\n \"%s\": ", name);
	if (*text)
		json_string(file, text);
	else
		fputs("null", file);
}

static void put_value(FILE *file, double number, bool is_told)
{
	if (is_told)
		json_number(file, number);
	else
		fputs("null", file);
}

static void put_number(FILE *file, const char *name, double number, bool is_told)
{
	fprintf(file, ",\n \"%s\": ", name);
	put_value(file, number, is_told);
}

static void put_flag(FILE *file, const char *name, int flag)
{
	fprintf(file, ",\n \"%s\": %s", name, flag < 0 ? "null" : flag ? "true" : "false");
}

static void put_cpus(FILE *file, const struct environment *e)
{
	uint32_t i;

	fputs(",\n \"measured_cpus\": [", file);
	for (i = 0; i < e->cpu_count; i++)
		fprintf(file, "%s%d", i ? ", " : "", e->cpus[i]);
	fputc(']', file);
}

/* From each node to each, in the order of "node_ids"; null: not told. */
static void put_distances(FILE *file, const struct dsr_topology *t)
{
	struct dsr_node_info from, to;
	uint32_t i, n;

	fputs(",\n \"node_ids\": [", file);
	for (i = 0; dsr_topology_node(t, i, &from) == 0; i++)
		fprintf(file, "%s%d", i ? ", " : "", from.id);
	fputs("],\n \"distances\": [", file);
	for (i = 0; dsr_topology_node(t, i, &from) == 0; i++) {
		fputs(i ? ", [" : "[", file);
		for (n = 0; dsr_topology_node(t, n, &to) == 0; n++) {
			int distance = dsr_topology_distance(t, from.id, to.id);

			fputs(n ? ", " : "", file);
			put_value(file, distance, distance > 0);
		}
		fputc(']', file);
	}
	fputc(']', file);
}

static void put_warnings(FILE *file, const struct environment *e)
{
	uint32_t i;

	fputs(",\n \"warnings\": [", file);
	for (i = 0; i < e->warning_count; i++) {
		if (i)
			fputs(", ", file);
		json_string(file, e->warnings[i]);
	}
	fputc(']', file);
}

static void put_setup(FILE *file, const struct environment *e)
{
	put_text(file, "cpu", e->cpu);
	put_number(file, "cpus", dsr_topology_cpus(e->topology), true);
	put_cpus(file, e);
	put_text(file, "kernel", e->kernel);
	put_text(file, "hypervisor", e->hypervisor);
	put_text(file, "governor", e->governor);
	put_text(file, "frequency_driver", e->driver);
	put_flag(file, "boost", e->boost);
	put_flag(file, "smt", e->smt);
	put_text(file, "isolated", e->isolated);
	put_text(file, "nohz_full", e->nohz_full);
	put_text(file, "transparent_huge_pages", e->huge_pages);
	put_number(file, "page_bytes", (double)e->page_bytes, e->page_bytes > 0);
	put_distances(file, e->topology);
}

void environment_write_json(const struct environment *e, FILE *file)
{
	fputs("{\"version\": ", file);
	json_string(file, dsr_version());
	put_text(file, "compiler", e->compiler);
	put_text(file, "buildtype", e->buildtype);
	put_text(file, "flags", e->flags);
	put_setup(file, e);
	put_number(file, "runnable_before", e->runnable, e->runnable >= 0);
	put_number(file, "threads", e->threads, e->threads);
	put_number(file, "probe_ns", e->probe_ns, e->probe_ns > 0);
	put_text(file, "regime", e->probe_ns > 0 ? e->regime : "");
	put_number(file, "stolen_percent", e->stolen, e->stolen >= 0);
	put_number(file, "others_percent", e->others, e->others >= 0);
	put_warnings(file, e);
	fputc('}', file);
}
