/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_CPU_H
#define DSR_LIB_CPU_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for the 8192 CPUs that Linux can be built for. */
#define DSR_CPUS_MAX 8192

struct dsr_cpus {
	cpu_set_t sets[DSR_CPUS_MAX / CPU_SETSIZE];
};

/* Pins the calling thread. 0; -ENODEV: no such CPU; -EPERM: the kernel does not let us. */
int dsr_cpu_pin(int cpu);
int dsr_cpu_pin_set(const struct dsr_cpus *cpus);

/* Which CPUs the caller may use; none if the kernel does not say. */
void dsr_cpus_allowed(struct dsr_cpus *cpus);
/*
 * Which CPUs the kernel would let the process have, if it is pinned to fewer: a
 * cpuset's, or all that are online. 0, or a negative errno: nobody tells.
 */
int dsr_cpus_reachable(struct dsr_cpus *cpus);
void dsr_cpus_add(struct dsr_cpus *cpus, int cpu);
bool dsr_cpus_has(const struct dsr_cpus *cpus, int cpu);
int dsr_cpus_count(const struct dsr_cpus *cpus);

bool dsr_cpus_within(const struct dsr_cpus *part, const struct dsr_cpus *whole);
bool dsr_cpus_equal(const struct dsr_cpus *a, const struct dsr_cpus *b);

/* Which CPUs thread @tid may use now (0: the caller). 0 or a negative errno. */
int dsr_cpu_affinity(int tid, struct dsr_cpus *cpus);

/* How many CPUs thread @tid may use now (0: the caller), or a negative errno. */
int dsr_cpu_allowed(int tid);

/* The calling thread runs under SCHED_FIFO from here on. 0; -EPERM; -EINVAL. */
int dsr_cpu_fifo(uint32_t priority);

/* A thread's scheduling policy and priority; -1 and 0: not told. */
void dsr_cpu_policy(int tid, int *policy, int *priority);

/* Where the calling thread runs. */
void dsr_cpu_here(int *cpu, int *node);

/* The CPU where thread @tid of this process last ran; -1: ended, or not told. */
int dsr_cpu_of_thread(int tid);

#endif
