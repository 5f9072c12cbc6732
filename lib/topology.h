/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_TOPOLOGY_H
#define DSR_LIB_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include <disruptor/topology.h>

#include "cpu.h"

struct dsr_topology_node {
	struct dsr_node_info info;
	bool is_told; /* info.bytes, if it is 0 */
};

/*
 * A CPU's place among those it shares a core, or its last cache, with. No CPU is
 * in two groups of a kind, whatever the kernel says.
 */
struct dsr_cpu_group {
	int first;        /* the index of the lowest CPU in it; -1: not told */
	uint32_t ordinal; /* of this one in it, from 0 */
	uint32_t size;    /* of the group; kept at its first */
	uint32_t step;    /* from each CPU in it to the next, 0: uneven; kept at its first */
};

/* Both by index; ids ascend. */
struct dsr_topology {
	uint32_t node_count;
	uint32_t cpu_count;
	struct dsr_topology_node *nodes;
	struct dsr_cpu_info *cpus;
	struct dsr_cpu_group *cores;
	struct dsr_cpu_group *caches;
	int *distances; /* row by row: from, to; 0: not told */
};

/* The CPUs of a node of this machine. 0; -ENODEV: no such node, or it has no CPU. */
int dsr_topology_node_cpus(int node, struct dsr_cpus *cpus);

/* Of this machine. */
bool dsr_topology_has_node(int node);

/* The nearest one to it of which memory may be taken; -1: not told. */
int dsr_topology_nearest(int node);

/* The node of a CPU of this machine; -1: not told. */
int dsr_topology_node_of(int cpu);

/*
 * How much memory there is to be had of a node, or of all those that the process may
 * use if it may not use them all, before the kernel kills somebody. @by_policy: memory
 * without a policy of its own, so the process's counts (numactl --membind).
 * Without swap: a ring that is there is of no use. UINT64_MAX: not told.
 */
uint64_t dsr_topology_node_room(int node);
uint64_t dsr_topology_room(bool by_policy);

#endif
