/* SPDX-License-Identifier: MIT */
/*
 * usage: test_environment MACHINES
 * What the benchmark tool sees of machines that are not here, and warns of: little
 * ones that are made for a case, and the canned ones in the folder MACHINES. TAP.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../bench/environment.h"
#include "../numa/tap.h"

static const char *machines;

/* The machine of a case; what it was before is in the way of nobody else. */
static char root[] = "/tmp/dsr-environment-XXXXXX";

/* A file of that machine, and the folders above it. */
static void put(const char *path, const char *text)
{
	char name[512], *slash;
	FILE *file;

	snprintf(name, sizeof(name), "%s/%s", root, path);
	for (slash = name + sizeof(root); (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		need(mkdir(name, 0700) == 0 || errno == EEXIST, "%s: %s", name, strerror(errno));
		*slash = '/';
	}
	file = fopen(name, "w");
	need(file, "%s: %s", name, strerror(errno));
	fputs(text, file);
	fclose(file);
}

static struct environment *read_of(const char *folder, const int *cpus, uint32_t count)
{
	struct environment *e;
	int err = environment_read(folder, cpus, count, &e);

	need(err == 0, "environment_read: %d", err);
	return e;
}

/* How many warnings have this in them. */
static uint32_t told(const struct environment *e, const char *text)
{
	uint32_t i, n = 0;

	for (i = 0; i < e->warning_count; i++)
		n += strstr(e->warnings[i], text) != NULL;
	return n;
}

/* Those that are about this build: wherever it is, they are the same. */
static uint32_t told_of_build(const struct environment *e)
{
	return told(e, "the library was built");
}

/**
 * struct sight - a file that a machine has, and what is to be said about that
 * @warning: a part of it; NULL: nothing is
 */
struct sight {
	const char *name;
	const char *path;
	const char *text;
	const char *warning;
};

#define CPU "sys/devices/system/cpu/"

static const struct sight sights[] = {
	{"a quiet machine", "proc/stat", "procs_running 1\n", NULL},
	{"a governor that saves power", CPU "cpu1/cpufreq/scaling_governor", "powersave\n",
	 "governor is \"mixed\""},
	{"a turbo of Intel's", CPU "intel_pstate/no_turbo", "0\n", "boost"},
	{"a turbo that is off", CPU "intel_pstate/no_turbo", "1\n", NULL},
	{"boost", CPU "cpufreq/boost", "1\n", "echo 0 >/sys/devices/system/cpu/cpufreq/boost"},
	{"boost that is off", CPU "cpufreq/boost", "0\n", NULL},
	{"huge pages never", "sys/kernel/mm/transparent_hugepage/enabled",
	 "always madvise [never]\n", "huge pages are switched off"},
	{"huge pages if wanted", "sys/kernel/mm/transparent_hugepage/enabled",
	 "always [madvise] never\n", NULL},
	{"a flag of virtual CPUs", "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor lm\n",
	 "virtual machine (unnamed)"},
	{"a longer word", "proc/cpuinfo", "flags\t\t: fpu hypervisors lm\n", NULL},
	{"Xen", "sys/hypervisor/type", "xen\n", "virtual machine (xen)"},
	{"firmware of a bare machine", "sys/class/dmi/id/sys_vendor", "QEMU\n", NULL},
	{"load", "proc/stat", "procs_running 4\n", "3 other threads want to run"},
	{"one at work", "proc/stat", "procs_running 2\n", "1 other thread wants to run"},
};

enum { SIGHTS = sizeof(sights) / sizeof(*sights) };

static const int both[] = {0, 1};

static void put_two_cpus(void)
{
	put("proc/self/status", "Name:\tprogram\nCpus_allowed_list:\t0-1\n");
}

static void see(const void *argument)
{
	const struct sight *sight = argument;
	struct environment *e;

	put_two_cpus();
	put(sight->path, sight->text);
	e = read_of(root, both, 2);
	check(e->warning_count == told_of_build(e) + (sight->warning ? 1 : 0), "%u warnings: %s",
	      e->warning_count, e->warning_count ? e->warnings[e->warning_count - 1] : "");
	check(!sight->warning || told(e, sight->warning) == 1, "not told: %s", sight->warning);
	check(told(e, "; ") == e->warning_count, "a warning without advice");
	environment_free(e);
}

static void see_governor(const void *argument)
{
	struct environment *e;

	(void)argument;
	put_two_cpus();
	put(CPU "cpu0/cpufreq/scaling_governor", "performance\n");
	put(CPU "cpu1/cpufreq/scaling_governor", "performance\n");
	put(CPU "cpu0/cpufreq/scaling_driver", "acpi-cpufreq\n");
	put(CPU "cpu1/cpufreq/scaling_driver", "acpi-cpufreq\n");
	e = read_of(root, both, 2);
	check(strcmp(e->governor, "performance") == 0, "governor %s", e->governor);
	check(strcmp(e->driver, "acpi-cpufreq") == 0, "driver %s", e->driver);
	check(!told(e, "governor"), "it is the right one");
	environment_free(e);
	put(CPU "cpu0/cpufreq/scaling_governor", "powersave\n");
	put(CPU "cpu1/cpufreq/scaling_governor", "powersave\n");
	e = read_of(root, both, 2);
	check(told(e, "governor is \"powersave\"") == 1, "powersave is told");
	environment_free(e);
}

/* Of CPUs that are not measured the governor does not matter. */
static void see_other_governor(const void *argument)
{
	static const int first = 0;
	struct environment *e;

	(void)argument;
	put_two_cpus();
	put(CPU "cpu0/cpufreq/scaling_governor", "performance\n");
	put(CPU "cpu1/cpufreq/scaling_governor", "powersave\n");
	e = read_of(root, &first, 1);
	check(!told(e, "governor"), "%s", e->governor);
	environment_free(e);
}

struct model {
	const char *name;
	const char *cpuinfo;
	const char *cpu;
};

static const struct model models[] = {
	{"a CPU with a name", "processor\t: 0\ncpu family\t: 6\nmodel name\t: Xeon 9\n", "Xeon 9"},
	{"a CPU of POWER", "processor\t: 0\ncpu\t\t: POWER9, altivec\n", "POWER9, altivec"},
	{"a CPU of ARM", "processor\t: 0\nCPU part\t: 0xd0c\n", "part 0xd0c"},
	{"a CPU without a name", "processor\t: 0\n", ""},
};

static void see_model(const void *argument)
{
	const struct model *model = argument;
	struct environment *e;

	put_two_cpus();
	put("proc/cpuinfo", model->cpuinfo);
	put("proc/sys/kernel/osrelease", "6.1.0-test\n");
	e = read_of(root, both, 2);
	check(strcmp(e->cpu, model->cpu) == 0, "CPU %s", e->cpu);
	check(strcmp(e->kernel, "6.1.0-test") == 0, "kernel %s", e->kernel);
	environment_free(e);
}

static void in_machine(const char *name, char *folder, size_t size)
{
	snprintf(folder, size, "%s/%s", machines, name);
}

static void see_siblings(const void *argument)
{
	static const int one_core[] = {0, 1}, two_cores[] = {0, 2}, three[] = {2, 0, 3};
	char folder[512];
	struct environment *e;

	(void)argument;
	in_machine("laptop", folder, sizeof(folder));
	e = read_of(folder, one_core, 2);
	check(told(e, "CPUs 0 and 1 are one core") == 1, "siblings");
	check(e->smt == 1, "SMT %d", e->smt);
	environment_free(e);
	e = read_of(folder, three, 3);
	check(told(e, "CPUs 2 and 3 are one core") == 1, "siblings that are not beside each other");
	environment_free(e);
	e = read_of(folder, two_cores, 2);
	check(!told(e, "one core"), "two cores");
	environment_free(e);
	e = read_of(folder, NULL, 0);
	check(!told(e, "one core"), "nobody has chosen siblings");
	check(e->cpu_count == 16, "%u CPUs may be used", e->cpu_count);
	environment_free(e);
}

static void see_lists(const void *argument)
{
	char folder[512];
	struct environment *e;

	(void)argument;
	in_machine("isolated", folder, sizeof(folder));
	e = read_of(folder, NULL, 0);
	check(strcmp(e->isolated, "2-7,10-15") == 0, "isolated %s", e->isolated);
	check(strcmp(e->nohz_full, "4-7,12-15") == 0, "nohz_full %s", e->nohz_full);
	environment_free(e);
	in_machine("smt-off", folder, sizeof(folder));
	e = read_of(folder, NULL, 0);
	check(e->smt == 0, "SMT %d", e->smt);
	check(!*e->isolated, "isolated %s", e->isolated);
	environment_free(e);
}

/* There is room for others where nobody measures. */
static void see_load_elsewhere(const void *argument)
{
	struct environment *e;

	(void)argument;
	put("proc/self/status", "Name:\tprogram\nCpus_allowed_list:\t0-3\n");
	put("proc/stat", "procs_running 3\n");
	e = read_of(root, both, 2);
	check(e->runnable == 2, "%d runnable", e->runnable);
	check(!told(e, "to run"), "two for two CPUs");
	environment_free(e);
	put("proc/stat", "procs_running 4\n");
	e = read_of(root, both, 2);
	check(told(e, "3 other threads want to run, and there is room for 2") == 1,
	      "three for two");
	environment_free(e);
}

static void see_threads(const void *argument)
{
	struct environment *e;

	(void)argument;
	put_two_cpus();
	e = read_of(root, both, 2);
	environment_threads(e, 2);
	check(!told(e, "share"), "one for each");
	environment_threads(e, 3);
	check(told(e, "up to 3 threads share 2 CPUs") == 1, "one too many");
	environment_free(e);
}

/**
 * struct course - what CPUs 0 and 1 did meanwhile, in ticks of 1/100 s; CPU 2 is not measured
 * @stolen, @others: percent, as they are to be seen; below 0: too short to say
 */
struct course {
	const char *name;
	const char *after;
	double stolen;
	double others;
	const char *warning;
};

static const struct course courses[] = {
	{"nothing comes", "cpu0 10 0 0 1090 0 0 0 0 0 0\ncpu1 10 0 0 1090 0 0 0 0 0 0\n", 0, 0,
	 NULL},
	{"time is stolen", "cpu0 10 0 0 1090 0 0 0 0 0 0\ncpu1 10 0 0 1080 0 0 0 10 0 0\n", 0.5, 0,
	 "0.50 % of the CPUs' time was stolen"},
	{"a tick is stolen", "cpu0 10 0 0 1090 0 0 0 0 0 0\ncpu1 10 0 0 1089 0 0 0 1 0 0\n", 0.05,
	 0, NULL},
	{"others run", "cpu0 50 20 20 990 0 5 15 0 9 9\ncpu1 10 0 0 1090 0 0 0 0 0 0\n", 0, 5,
	 "5.0 % of the CPUs' time went to other programs"},
	{"others run for a moment", "cpu0 30 0 0 1070 0 0 0 0 0 0\ncpu1 10 0 0 1090 0 0 0 0 0 0\n",
	 0, 1, NULL},
	{"it waits for a disk", "cpu0 10 0 0 590 500 0 0 0 0 0\ncpu1 10 0 0 1090 0 0 0 0 0 0\n", 0,
	 0, NULL},
	{"it was short", "cpu0 60 0 0 130 0 0 0 0 0 0\ncpu1 10 0 0 130 0 0 0 50 0 0\n", -1, -1,
	 NULL},
	{"nobody tells", "intr 5\n", -1, -1, NULL},
};

enum { COURSES = sizeof(courses) / sizeof(*courses) };

static bool is_about(double value, double wanted)
{
	return value > wanted - 0.01 && value < wanted + 0.01;
}

static void see_course(const void *argument)
{
	const struct course *course = argument;
	char after[256];
	struct environment *e;
	uint32_t before;

	put_two_cpus();
	put("proc/stat", "cpu 0 0 0 0 0 0 0 0 0 0\n"
			 "cpu0 10 0 0 90 0 0 0 0 0 0\ncpu1 10 0 0 90 0 0 0 0 0 0\n"
			 "cpu2 0 0 0 0 0 0 0 0 0 0\nprocs_running 1\n");
	e = read_of(root, both, 2);
	before = e->warning_count;
	snprintf(after, sizeof(after),
		 "cpu 9 9 9 9 9 9 9 900 9 9\n%scpu2 500 0 0 0 0 0 0 500 0 0\n", course->after);
	put("proc/stat", after);
	environment_ended(e);
	check(is_about(e->stolen, course->stolen), "stolen %g", e->stolen);
	check(is_about(e->others, course->others), "others %g", e->others);
	check(e->warning_count == before + (course->warning ? 1 : 0), "%u warnings",
	      e->warning_count - before);
	check(!course->warning || told(e, course->warning) == 1, "not told: %s", course->warning);
	environment_free(e);
}

static void refuse(const void *argument)
{
	struct environment *e = (struct environment *)&machines;
	int err = environment_read("/tmp/dsr-there-is-no-such-folder", NULL, 0, &e);

	(void)argument;
	check(err == -ENOENT && !e, "%d", err);
}

/* Each case has its machine for itself. */
static void case_of(void (*body)(const void *argument), const void *argument, const char *name)
{
	char command[128];

	memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
	if (!mkdtemp(root)) {
		perror(root);
		exit(1);
	}
	tap_case(body, argument, "%s", name);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	if (system(command) != 0)
		perror(command);
}

int main(int argc, char **argv)
{
	uint32_t i;

	machines = argc > 1 ? argv[1] : "";
	for (i = 0; i < SIGHTS; i++)
		case_of(see, &sights[i], sights[i].name);
	case_of(see_governor, NULL, "governors of all that is measured");
	case_of(see_other_governor, NULL, "a governor of a CPU that is not measured");
	for (i = 0; i < sizeof(models) / sizeof(*models); i++)
		case_of(see_model, &models[i], models[i].name);
	case_of(see_siblings, NULL, "siblings");
	case_of(see_lists, NULL, "isolated CPUs, SMT");
	case_of(see_load_elsewhere, NULL, "load beside what is measured");
	case_of(see_threads, NULL, "more threads than CPUs");
	for (i = 0; i < COURSES; i++)
		case_of(see_course, &courses[i], courses[i].name);
	case_of(refuse, NULL, "a folder that is not there");
	return tap_end();
}
