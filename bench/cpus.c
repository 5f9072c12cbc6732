/* SPDX-License-Identifier: MIT */
#include <sched.h>

#include <disruptor/topology.h>

#include "course.h"

int cpus_allowed(int *cpus, int most)
{
	cpu_set_t set;
	int cpu, n = 0;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (cpu = 0; cpu < CPU_SETSIZE && n < most; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[n++] = cpu;
	return n;
}

static int add_cpu(int *cpus, int n, int cpu)
{
	int i;

	for (i = 0; i < n; i++)
		if (cpus[i] == cpu)
			return n;
	cpus[n] = cpu;
	return n + 1;
}

int cpus_apart(int *cpus, int most)
{
	struct dsr_topology *t;
	struct dsr_cpu_info cpu;
	int cores[CPU_SETSIZE], n = 0, seen = 0, round;
	uint32_t i;

	if (dsr_topology_read(NULL, &t) < 0)
		return cpus_allowed(cpus, most);
	/* Then the siblings, if that was not enough. */
	for (round = 0; round < 2; round++) {
		for (i = 0; n < most && dsr_topology_cpu(t, i, &cpu) == 0; i++) {
			int before = seen;

			if (!cpu.is_allowed || seen == CPU_SETSIZE)
				continue;
			seen = add_cpu(cores, seen, cpu.core < 0 ? cpu.id : cpu.core);
			if (seen > before || round)
				n = add_cpu(cpus, n, cpu.id);
		}
	}
	dsr_topology_free(t);
	return n;
}

void cpus_pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}
