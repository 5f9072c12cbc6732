/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <string.h>

#include <disruptor/disruptor.h>

#include "build.h"
#include "warnings.h"

/* Percent of the CPUs' time. A slice that is stolen is in somebody's maximum, however rare. */
#define STOLEN_HARMS 0.1
#define OTHERS_HARM  3.0

static void warn(struct environment *e, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void warn(struct environment *e, const char *format, ...)
{
	va_list arguments;

	if (e->warning_count == WARNINGS_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(e->warnings[e->warning_count++], WARNING_TEXT, format, arguments);
	va_end(arguments);
}

static void warn_of_build(struct environment *e)
{
	if (strcmp(BUILD_SANITIZE, "none") != 0)
		warn(e,
		     "the library was built with the sanitizer \"%s\", and takes many times as "
		     "long; "
		     "configure without -Db_sanitize",
		     BUILD_SANITIZE);
#ifndef NDEBUG
	warn(e,
	     "the library was built to check its caller (buildtype %s); "
	     "configure with --buildtype=release",
	     e->buildtype);
#endif
}

static void warn_of_frequency(struct environment *e)
{
	if (*e->governor && strcmp(e->governor, "performance") != 0)
		warn(e,
		     "the frequency governor is \"%s\", so CPUs change their pace meanwhile; "
		     "cpupower frequency-set -g performance",
		     e->governor);
	if (e->boost == 1)
		warn(e,
		     "the CPUs may boost their frequency, and do so while they are cool and few "
		     "are "
		     "busy; echo %s",
		     strstr(e->driver, "intel") ? "1 >/sys/devices/system/cpu/intel_pstate/no_turbo"
						: "0 >/sys/devices/system/cpu/cpufreq/boost");
}

static int core_of(const struct environment *e, int cpu)
{
	struct dsr_cpu_info info;
	uint32_t i;

	for (i = 0; dsr_topology_cpu(e->topology, i, &info) == 0; i++)
		if (info.id == cpu)
			return info.core;
	return -1;
}

static void warn_of_siblings(struct environment *e)
{
	uint32_t i, n;

	for (i = 0; e->are_chosen && i < e->cpu_count; i++) {
		for (n = 0; n < i; n++) {
			int core = core_of(e, e->cpus[i]);

			if (core < 0 || core != core_of(e, e->cpus[n]))
				continue;
			warn(e,
			     "CPUs %d and %d are one core, of which each gets a part; "
			     "choose others with --cpus: disruptor-bench topology shows cores",
			     e->cpus[n], e->cpus[i]);
			return;
		}
	}
}

static uint32_t online_count(const struct environment *e)
{
	struct dsr_cpu_info cpu;
	uint32_t i, online = 0;

	for (i = 0; dsr_topology_cpu(e->topology, i, &cpu) == 0; i++)
		online += cpu.is_online;
	return online;
}

/* Others have room as long as there are CPUs that are not measured. */
static void warn_of_load(struct environment *e)
{
	uint32_t online = online_count(e), measured = e->are_chosen ? e->cpu_count : online;
	uint32_t room = online > measured ? online - measured : 0;

	if (e->runnable > 0 && (uint32_t)e->runnable > room)
		warn(e, "%d other thread%s to run, and there is room for %u; end what else runs",
		     e->runnable, e->runnable == 1 ? " wants" : "s want", room);
}

void warnings_before(struct environment *e)
{
	warn_of_build(e);
	if (*e->hypervisor)
		warn(e,
		     "this is a virtual machine (%s), whose CPUs move and pause unseen; "
		     "trust ratios of the same round only, or measure where it runs",
		     e->hypervisor);
	warn_of_frequency(e);
	warn_of_siblings(e);
	if (strcmp(e->huge_pages, "never") == 0)
		warn(e,
		     "transparent huge pages are switched off, so large rings lie on small pages; "
		     "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled");
	warn_of_load(e);
}

void warnings_threads(struct environment *e)
{
	uint32_t cpus = e->are_chosen ? e->cpu_count : 1;

	if (e->threads > cpus)
		warn(e,
		     "up to %u threads share %u CPU%s, where they yield and figures say little; "
		     "give each its own with --cpus",
		     e->threads, cpus, cpus == 1 ? "" : "s");
}

void warnings_after(struct environment *e)
{
	if (e->stolen > STOLEN_HARMS)
		warn(e,
		     "%.2f %% of the CPUs' time was stolen meanwhile: the hypervisor ran others; "
		     "measure again when the host is quiet, or reserve CPUs there",
		     e->stolen);
	if (e->others > OTHERS_HARM)
		warn(e,
		     "%.1f %% of the CPUs' time went to other programs meanwhile; "
		     "end them, or keep them off these CPUs with isolcpus or cpusets",
		     e->others);
}
