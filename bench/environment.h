/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ENVIRONMENT_H
#define BENCH_ENVIRONMENT_H

/**
 * What a figure depends on beside the program: the machine, its kernel, how both
 * are set up, how this was built, and who else was there. Part of every result,
 * as without it no two can be put beside each other.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <disruptor/topology.h>

enum { ENVIRONMENT_TEXT = 160, WARNING_TEXT = 320, WARNINGS_MAX = 16, MEASURED_MAX = 1024 };

/**
 * struct times - what CPUs have done, in ticks of the kernel's accounting
 * @all:   idle included
 * @busy:  for this process or others
 * @stolen: they wanted to, but the hypervisor ran somebody else
 */
struct times {
	uint64_t all;
	uint64_t busy;
	uint64_t stolen;
};

/**
 * struct environment - texts are empty, and numbers -1, where nobody tells
 * @root:       "", or the folder that all of it was read from
 * @cpus:       those that are measured
 * @are_chosen: by whoever asked; else they are all that may be used
 * @topology:   of the whole machine
 * @governor:   of the frequency of @cpus; "mixed"
 * @driver:     of that frequency
 * @boost:      may it be above the nominal one?
 * @smt:        do any two CPUs share a core?
 * @hypervisor: who runs this virtual machine; "": it is none
 * @isolated:   CPUs without other threads
 * @nohz_full:  CPUs without a tick
 * @huge_pages: transparent ones: "always", "madvise", "never"
 * @buildtype:  of this program and the library, as Meson names it
 * @flags:      the other ones of that build
 * @runnable:   who wanted to run before it began, this process aside
 * @threads:    that take part in one measurement, at most; 0: not known yet
 * @probe_ns:   a line's way from the first CPU to the second; 0: not looked at
 * @regime:     "near" or "far": what that is
 * @stolen, @others: percent of the time of @cpus that went to other machines, and to
 *              other programs, while it was measured
 * @warnings:   what spoils figures, and what to do about it
 */
struct environment {
	char root[4096];
	int cpus[MEASURED_MAX];
	uint32_t cpu_count;
	bool are_chosen;
	struct dsr_topology *topology;
	char cpu[ENVIRONMENT_TEXT];
	char kernel[ENVIRONMENT_TEXT];
	char governor[ENVIRONMENT_TEXT];
	char driver[ENVIRONMENT_TEXT];
	int boost;
	int smt;
	char hypervisor[ENVIRONMENT_TEXT];
	char isolated[ENVIRONMENT_TEXT];
	char nohz_full[ENVIRONMENT_TEXT];
	char huge_pages[ENVIRONMENT_TEXT];
	long page_bytes;
	const char *compiler;
	const char *buildtype;
	const char *flags;
	int runnable;
	uint32_t threads;
	double probe_ns;
	const char *regime;
	double stolen;
	double others;
	struct times begun;
	uint64_t own_begun;
	char warnings[WARNINGS_MAX][WARNING_TEXT];
	uint32_t warning_count;
};

/**
 * environment_read() - look, before it begins, and warn
 * @root:  NULL: at this machine. Else a folder with another's "sys" and "proc"
 * @cpus:  those that the threads will have
 * @count: of these; 0: not chosen
 * @e:     receives it; NULL on failure
 *
 * Return: 0; -ENOMEM; what dsr_topology_read() says of @root.
 */
int environment_read(const char *root, const int *cpus, uint32_t count, struct environment **e);

/** environment_ended() - look again, when it is over, and warn of what came meanwhile */
void environment_ended(struct environment *e);

/** environment_threads() - so many have @cpus to themselves. Warns if they are too many */
void environment_threads(struct environment *e, uint32_t threads);

/** environment_print() - for people. environment_text.c */
void environment_print(const struct environment *e, FILE *file);

/** environment_print_warnings() - but for the first ones. environment_text.c */
void environment_print_warnings(const struct environment *e, uint32_t first, FILE *file);

/** environment_write_json() - one object. environment_text.c */
void environment_write_json(const struct environment *e, FILE *file);

/** environment_free() - NULL is fine */
void environment_free(struct environment *e);

#endif
