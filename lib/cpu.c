/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cpu.h"

static int set_affinity(const struct dsr_cpus *cpus)
{
	int saved = errno;
	int err = sched_setaffinity(0, sizeof(*cpus), cpus->sets) < 0 ? -errno : 0;

	errno = saved;
	return err;
}

int dsr_cpu_pin(int cpu)
{
	struct dsr_cpus cpus;
	int err;

	if (cpu < 0 || cpu >= DSR_CPUS_MAX)
		return -ENODEV;
	memset(&cpus, 0, sizeof(cpus));
	CPU_SET_S((size_t)cpu, sizeof(cpus), cpus.sets);
	err = set_affinity(&cpus);
	/* One answer for a CPU that is not there, is offline, or is not ours. */
	if (err == -EINVAL)
		return cpu >= sysconf(_SC_NPROCESSORS_CONF) ? -ENODEV : -EPERM;
	return err;
}

int dsr_cpu_pin_set(const struct dsr_cpus *cpus)
{
	int err = set_affinity(cpus);

	return err == -EINVAL ? -EPERM : err;
}

int dsr_cpu_affinity(int tid, struct dsr_cpus *cpus)
{
	int saved = errno;
	int err = 0;

	memset(cpus, 0, sizeof(*cpus));
	if (sched_getaffinity(tid, sizeof(*cpus), cpus->sets) < 0)
		err = -errno;
	errno = saved;
	return err;
}

void dsr_cpus_allowed(struct dsr_cpus *cpus)
{
	dsr_cpu_affinity(0, cpus);
}

struct reach {
	struct dsr_cpus *cpus;
	int err;
};

/* What is asked for too much, the kernel leaves out. */
static void *reach(void *argument)
{
	struct reach *r = argument;
	struct dsr_cpus all;

	memset(&all, 0xff, sizeof(all));
	r->err = set_affinity(&all);
	if (r->err == 0)
		r->err = dsr_cpu_affinity(0, r->cpus);
	return NULL;
}

int dsr_cpus_reachable(struct dsr_cpus *cpus)
{
	struct reach r = {.cpus = cpus};
	sigset_t all, old;
	pthread_t thread;
	int err;

	/* A thread that is there only to be asked: the caller's own pin is not touched. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&thread, NULL, reach, &r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err < 0)
		return err;
	pthread_join(thread, NULL);
	return r.err;
}

void dsr_cpus_add(struct dsr_cpus *cpus, int cpu)
{
	if (cpu >= 0 && cpu < DSR_CPUS_MAX)
		CPU_SET_S((size_t)cpu, sizeof(*cpus), cpus->sets);
}

bool dsr_cpus_has(const struct dsr_cpus *cpus, int cpu)
{
	return cpu >= 0 && cpu < DSR_CPUS_MAX &&
	       CPU_ISSET_S((size_t)cpu, sizeof(*cpus), cpus->sets);
}

int dsr_cpus_count(const struct dsr_cpus *cpus)
{
	return CPU_COUNT_S(sizeof(*cpus), cpus->sets);
}

bool dsr_cpus_within(const struct dsr_cpus *part, const struct dsr_cpus *whole)
{
	struct dsr_cpus both;

	CPU_AND_S(sizeof(both), both.sets, part->sets, whole->sets);
	return dsr_cpus_equal(&both, part);
}

bool dsr_cpus_equal(const struct dsr_cpus *a, const struct dsr_cpus *b)
{
	return CPU_EQUAL_S(sizeof(*a), a->sets, b->sets);
}

int dsr_cpu_allowed(int tid)
{
	struct dsr_cpus cpus;
	int err = dsr_cpu_affinity(tid, &cpus);

	return err < 0 ? err : dsr_cpus_count(&cpus);
}

int dsr_cpu_fifo(uint32_t priority)
{
	const struct sched_param param = {.sched_priority = (int)priority};
	int saved = errno;
	int err = sched_setscheduler(0, SCHED_FIFO, &param) < 0 ? -errno : 0;

	errno = saved;
	return err;
}

void dsr_cpu_policy(int tid, int *policy, int *priority)
{
	struct sched_param param = {0};
	int saved = errno;

	*policy = sched_getscheduler(tid);
	if (*policy < 0 || sched_getparam(tid, &param) < 0)
		*policy = -1;
	else
		*policy &= ~SCHED_RESET_ON_FORK;
	*priority = param.sched_priority;
	errno = saved;
}

void dsr_cpu_here(int *cpu, int *node)
{
	unsigned int c, n;
	int saved = errno;

	*cpu = -1;
	*node = -1;
	if (syscall(SYS_getcpu, &c, &n, NULL) == 0) {
		*cpu = (int)c;
		*node = (int)n;
	}
	errno = saved;
}

int dsr_cpu_of_thread(int tid)
{
	int saved = errno;
	int cpu = -1;
	char path[64], text[1024];
	char *at;
	FILE *file;
	size_t length;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "re");
	if (file) {
		length = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
		text[length] = '\0';
		/* The name, field 2, may hold anything; the CPU is field 39, 37 after its ')'. */
		at = strrchr(text, ')');
		for (int field = 2; at && field < 39; field++)
			at = strchr(at + 1, ' ');
		if (at)
			sscanf(at, " %d", &cpu);
	}
	errno = saved;
	return cpu;
}
