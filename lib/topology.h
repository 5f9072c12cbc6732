/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_TOPOLOGY_H
#define DSR_LIB_TOPOLOGY_H

#include <stdbool.h>

#include "cpu.h"

/* The CPUs of a node. 0; -ENODEV: no such node, or it has no CPU. */
int dsr_topology_node_cpus(int node, struct dsr_cpus *cpus);

bool dsr_topology_has_node(int node);

/* The node of a CPU; -1: not told. */
int dsr_topology_node_of(int cpu);

#endif
