/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_NODE_H
#define DSR_LIB_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"

#define DSR_NODES_MAX 1024

/* 0, or -EOPNOTSUPP: built without libnuma, or the kernel knows no NUMA. */
int dsr_node_support(void);

/*
 * From which nodes memory may be taken, in the set's first DSR_NODES_MAX. 0; -EOPNOTSUPP
 * and such.
 */
int dsr_nodes_allowed(struct dsr_cpus *nodes);

/* Does the calling thread have a policy that binds it to nodes, and to which? */
bool dsr_nodes_bound(struct dsr_cpus *nodes);

/*
 * Where pages that are not there yet will come from: @node, or another if it
 * has none left. 0; -EOPNOTSUPP; -ENODEV: no such node; -EPERM: not for us, or
 * it has no memory; what else mbind(2) says.
 */
int dsr_node_prefer(void *base, size_t bytes, int node);

/* Pages that are there move to @node, and stay. As above; -ENOMEM: they do not all fit. */
int dsr_node_bind(void *base, size_t bytes, int node);

/* Pages that are not there yet will come from all nodes that we may use, in turn. As above. */
int dsr_node_interleave(void *base, size_t bytes);

struct dsr_node_pages {
	uint64_t on_node;   /* @node; any, if -1 */
	uint64_t elsewhere; /* on others */
	uint64_t unknown;   /* the kernel does not say */
	int other_node;     /* one of the others; the first page's node, if @node was -1 */
	int error;          /* why unknown */
};

/* Asks the kernel for the node of each page, of @page bytes. */
void dsr_node_count(const void *base, size_t bytes, size_t page, int node,
		    struct dsr_node_pages *count);

#endif
