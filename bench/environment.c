/* SPDX-License-Identifier: MIT */
/* All that the tool reads of /sys and /proc; what the library knows of them, it is asked for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <disruptor/disruptor.h>

#include "build.h"
#include "environment.h"
#include "warnings.h"

#define CPU_FOLDER "sys/devices/system/cpu"

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

enum { LINE = 8192 };

static FILE *open_below(const struct environment *e, const char *path)
{
	char name[sizeof(e->root) + 256];

	snprintf(name, sizeof(name), "%s/%.255s", e->root, path);
	return fopen(name, "r");
}

/* The first line, without its end; "" if there is none. */
static void read_line(const struct environment *e, const char *path, char *text)
{
	FILE *file = open_below(e, path);

	*text = '\0';
	if (!file)
		return;
	if (!fgets(text, ENVIRONMENT_TEXT, file))
		*text = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(file);
}

/* As read_line(), for a number; -1 if there is none. */
static int read_number(const struct environment *e, const char *path)
{
	char text[ENVIRONMENT_TEXT], *end;
	long number;

	read_line(e, path, text);
	number = strtol(text, &end, 10);
	return end == text || number < 0 || number > INT32_MAX ? -1 : (int)number;
}

/*
 * What follows "KEY :" in the first line of /proc/cpuinfo with that key, in @line, which
 * has LINE bytes; NULL if there is none.
 */
static const char *read_cpuinfo(const struct environment *e, const char *key, char *line)
{
	FILE *file = open_below(e, "proc/cpuinfo");
	const char *found = NULL;
	size_t length = strlen(key);

	while (file && !found && fgets(line, LINE, file)) {
		size_t at = length;

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, key, length) == 0)
			at += strspn(line + length, " \t");
		if (line[at] == ':' && strncmp(line, key, length) == 0)
			found = line + at + 1 + strspn(line + at + 1, " \t");
	}
	if (file)
		fclose(file);
	return found;
}

/* x86 has a name for it, POWER calls that "cpu", and ARM has only numbers. */
static void read_model(struct environment *e)
{
	char line[LINE];
	const char *model = read_cpuinfo(e, "model name", line);

	if (!model)
		model = read_cpuinfo(e, "cpu", line);
	if (model)
		snprintf(e->cpu, sizeof(e->cpu), "%s", model);
	else if ((model = read_cpuinfo(e, "CPU part", line)))
		snprintf(e->cpu, sizeof(e->cpu), "part %s", model);
}

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);
	const char *at = text;

	for (; at && (at = strstr(at, word)); at += length)
		if ((at == text || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	return false;
}

/* Hypervisors sign with twelve letters. */
static void read_signature(struct environment *e)
{
#if defined(__x86_64__)
	unsigned int most, words[3] = {0};

	__cpuid(0x40000000, most, words[0], words[1], words[2]);
	if (most >= 0x40000000)
		snprintf(e->hypervisor, sizeof(e->hypervisor), "%.12s", (const char *)words);
#else
	(void)e;
#endif
}

/* The CPU tells whether; the firmware who, or the hypervisor itself. */
static void read_hypervisor(struct environment *e)
{
	char line[LINE];

	read_line(e, "sys/hypervisor/type", e->hypervisor);
	if (*e->hypervisor)
		return;
	read_line(e, "proc/device-tree/hypervisor/compatible", e->hypervisor);
	if (*e->hypervisor || !has_word(read_cpuinfo(e, "flags", line), "hypervisor"))
		return;
	read_line(e, "sys/class/dmi/id/sys_vendor", e->hypervisor);
	if (!*e->hypervisor && !*e->root)
		read_signature(e);
	if (!*e->hypervisor)
		snprintf(e->hypervisor, sizeof(e->hypervisor), "unnamed");
}

/* Of all measured CPUs, or "mixed". */
static void read_frequency(const struct environment *e, const char *name, char *text)
{
	char one[ENVIRONMENT_TEXT], path[128];
	uint32_t i;

	*text = '\0';
	for (i = 0; i < e->cpu_count; i++) {
		snprintf(path, sizeof(path), CPU_FOLDER "/cpu%d/cpufreq/%s", e->cpus[i], name);
		read_line(e, path, one);
		if (i && strcmp(one, text) != 0) {
			snprintf(text, ENVIRONMENT_TEXT, "mixed");
			return;
		}
		snprintf(text, ENVIRONMENT_TEXT, "%s", one);
	}
}

static void read_boost(struct environment *e)
{
	int off = read_number(e, CPU_FOLDER "/intel_pstate/no_turbo");

	e->boost = off < 0 ? read_number(e, CPU_FOLDER "/cpufreq/boost") : !off;
}

/* The one in brackets. */
static void read_huge_pages(struct environment *e)
{
	char line[ENVIRONMENT_TEXT];
	const char *open;

	read_line(e, "sys/kernel/mm/transparent_hugepage/enabled", line);
	open = strchr(line, '[');
	if (open)
		snprintf(e->huge_pages, sizeof(e->huge_pages), "%.*s", (int)strcspn(open + 1, "]"),
			 open + 1);
}

static void put_run(char *text, int first, int last)
{
	size_t length = strlen(text);
	const char *comma = length ? "," : "";

	if (first == last)
		snprintf(text + length, ENVIRONMENT_TEXT - length, "%s%d", comma, first);
	else
		snprintf(text + length, ENVIRONMENT_TEXT - length, "%s%d-%d", comma, first, last);
}

static bool is_isolated(const struct dsr_cpu_info *cpu)
{
	return cpu->is_isolated;
}

static bool is_nohz_full(const struct dsr_cpu_info *cpu)
{
	return cpu->is_nohz_full;
}

/* Those that @are, as the kernel writes them: 0-3,8. */
static void list_cpus(const struct dsr_topology *t, bool (*are)(const struct dsr_cpu_info *cpu),
		      char *text)
{
	struct dsr_cpu_info cpu;
	int first = -1, last = -1;
	uint32_t i;

	for (i = 0; dsr_topology_cpu(t, i, &cpu) == 0; i++) {
		if (!are(&cpu))
			continue;
		if (first >= 0 && cpu.id != last + 1)
			put_run(text, first, last);
		if (first < 0 || cpu.id != last + 1)
			first = cpu.id;
		last = cpu.id;
	}
	if (first >= 0)
		put_run(text, first, last);
}

/* Siblings have the lowest of them for their core. */
static void read_smt(struct environment *e)
{
	struct dsr_cpu_info cpu;
	uint32_t i;

	e->smt = -1;
	for (i = 0; dsr_topology_cpu(e->topology, i, &cpu) == 0; i++)
		if (cpu.is_online && cpu.core >= 0 && e->smt < 1)
			e->smt = cpu.core != cpu.id;
}

/* Those that were chosen, or all that may be used. */
static void read_cpus(struct environment *e, const int *cpus, uint32_t count)
{
	struct dsr_cpu_info cpu;
	uint32_t i;

	e->are_chosen = count && cpus[0] >= 0;
	for (i = 0; e->are_chosen && i < count && i < MEASURED_MAX; i++)
		e->cpus[e->cpu_count++] = cpus[i];
	for (i = 0; !e->are_chosen && dsr_topology_cpu(e->topology, i, &cpu) == 0; i++)
		if (cpu.is_allowed && e->cpu_count < MEASURED_MAX)
			e->cpus[e->cpu_count++] = cpu.id;
}

static bool is_measured(const struct environment *e, int cpu)
{
	uint32_t i;

	for (i = 0; i < e->cpu_count; i++)
		if (e->cpus[i] == cpu)
			return true;
	return false;
}

/* user nice system idle iowait irq softirq steal; guests are part of user. */
static void add_times(struct times *times, const char *line)
{
	uint64_t fields[8] = {0};
	uint32_t i;

	for (i = 0; i < 8; i++) {
		char *end;

		fields[i] = strtoull(line, &end, 10);
		line = end;
		times->all += fields[i];
	}
	times->busy += times->all ? fields[0] + fields[1] + fields[2] + fields[5] + fields[6] : 0;
	times->stolen += fields[7];
}

/* Returns how many threads of all programs run or want to; -1: nobody tells. */
static int read_stat(const struct environment *e, struct times *times)
{
	FILE *file = open_below(e, "proc/stat");
	char line[LINE];
	int runnable = -1, at, cpu;

	*times = (struct times){0};
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "cpu%d%n", &cpu, &at) == 1 && is_measured(e, cpu))
			add_times(times, line + at);
		(void)sscanf(line, "procs_running %d", &runnable);
	}
	if (file)
		fclose(file);
	return runnable;
}

/* This process aside. The least of some looks: who comes and goes does little harm. */
static int read_runnable(const struct environment *e)
{
	struct times times;
	int least = read_stat(e, &times), looks;

	for (looks = 0; looks < 4 && least > 1 && !*e->root; looks++) {
		int now;

		nanosleep(&(struct timespec){0, 10000000}, NULL);
		now = read_stat(e, &times);
		least = now < least ? now : least;
	}
	return least > 0 ? least - 1 : least;
}

/* This process's share of the busy ticks, with those of its children that have ended. */
static uint64_t own_ticks(const struct environment *e)
{
	static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
	struct rusage usage;
	uint64_t us = 0;
	uint32_t i;

	for (i = 0; i < 2 && !*e->root; i++) {
		getrusage(whose[i], &usage);
		us += (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000;
		us += (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	}
	return us * (uint64_t)sysconf(_SC_CLK_TCK) / 1000000;
}

static void read_all(struct environment *e, const int *cpus, uint32_t count)
{
	read_cpus(e, cpus, count);
	read_model(e);
	read_line(e, "proc/sys/kernel/osrelease", e->kernel);
	read_frequency(e, "scaling_governor", e->governor);
	read_frequency(e, "scaling_driver", e->driver);
	read_boost(e);
	read_smt(e);
	read_hypervisor(e);
	list_cpus(e->topology, is_isolated, e->isolated);
	list_cpus(e->topology, is_nohz_full, e->nohz_full);
	read_huge_pages(e);
	e->page_bytes = *e->root ? -1 : sysconf(_SC_PAGESIZE);
	e->compiler = COMPILER;
	e->buildtype = BUILD_TYPE;
	e->flags = BUILD_FLAGS;
	e->stolen = -1;
	e->others = -1;
	e->runnable = read_runnable(e);
	e->own_begun = own_ticks(e);
	read_stat(e, &e->begun);
}

int environment_read(const char *root, const int *cpus, uint32_t count, struct environment **out)
{
	struct environment *e = calloc(1, sizeof(*e));
	int err = e ? dsr_topology_read(root, &e->topology) : -ENOMEM;

	*out = NULL;
	if (err < 0) {
		free(e);
		return err;
	}
	snprintf(e->root, sizeof(e->root), "%s", root ? root : "");
	read_all(e, cpus, count);
	warnings_before(e);
	*out = e;
	return 0;
}

void environment_ended(struct environment *e)
{
	struct times now;
	uint64_t all, busy, own = own_ticks(e) - e->own_begun;

	read_stat(e, &now);
	all = now.all > e->begun.all ? now.all - e->begun.all : 0;
	busy = now.busy - e->begun.busy;
	/* A tick is some ms: of less than a second there is not much to say. */
	if (!e->cpu_count || all / e->cpu_count < (uint64_t)sysconf(_SC_CLK_TCK))
		return;
	e->stolen = 100 * (double)(now.stolen - e->begun.stolen) / (double)all;
	e->others = busy > own ? 100 * (double)(busy - own) / (double)all : 0;
	warnings_after(e);
}

void environment_threads(struct environment *e, uint32_t threads)
{
	e->threads = threads;
	warnings_threads(e);
}

void environment_free(struct environment *e)
{
	if (e)
		dsr_topology_free(e->topology);
	free(e);
}
