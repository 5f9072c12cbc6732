/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_TOPOLOGY_H
#define DISRUPTOR_TOPOLOGY_H

/**
 * What the machine is made of: nodes with their memory and distances, CPUs with
 * their cores and caches, and what of it this process may use. A picture taken
 * at one moment; nothing in it changes afterwards.
 *
 * Numbers of nodes and CPUs are the kernel's, and may have gaps: to see all,
 * count by index.
 */

#include <disruptor/compiler.h>

DSR_BEGIN_DECLS

struct dsr_topology;

/* Sizes of huge pages that a node can have. */
#define DSR_POOLS_MAX 4

/**
 * struct dsr_pool - a node's pages of one huge size
 * @page_bytes: of one page
 * @total:	pages set aside
 * @free:	of these, not in use
 */
struct dsr_pool {
	uint64_t page_bytes;
	uint64_t total;
	uint64_t free;
};

/**
 * struct dsr_node_info - a node
 * @id:		the kernel's number
 * @cpus:	CPUs that are online; 0: memory only
 * @bytes:	its memory; 0: none, or not told
 * @free_bytes:	of that, free
 * @is_allowed:	this process may take memory from it, which it has; true if nobody tells
 * @pool_count:	of @pools
 * @pools:	smallest pages first
 */
struct dsr_node_info {
	int id;
	uint32_t cpus;
	uint64_t bytes;
	uint64_t free_bytes;
	bool is_allowed;
	uint32_t pool_count;
	struct dsr_pool pools[DSR_POOLS_MAX];
};

/**
 * struct dsr_cpu_info - a CPU; -1 where the kernel does not tell
 * @id:		 the kernel's number
 * @node:	 where its memory is near
 * @package:	 the socket
 * @core:	 the lowest CPU of the same core: siblings (SMT) have the same
 * @cache:	 the lowest CPU behind the same last-level cache, which need not end
 *		 where the node does
 * @cache_level: of that cache; 0: not told
 * @cache_bytes: its size; 0: not told
 * @is_online:	 the kernel runs threads there
 * @is_allowed:	 the caller's affinity had it when the picture was taken; it is online
 * @is_isolated: kept clear of threads that do not ask for it (isolcpus)
 * @is_nohz_full: has no timer tick while one thread runs
 */
struct dsr_cpu_info {
	int id;
	int node;
	int package;
	int core;
	int cache;
	int cache_level;
	uint64_t cache_bytes;
	bool is_online;
	bool is_allowed;
	bool is_isolated;
	bool is_nohz_full;
};

int dsr_topology_node_sized(const struct dsr_topology *t, uint32_t index, struct dsr_node_info *out,
			    size_t size);
int dsr_topology_cpu_sized(const struct dsr_topology *t, uint32_t index, struct dsr_cpu_info *out,
			   size_t size);

/**
 * dsr_topology_read() - take a picture
 * @root: NULL: of this machine. Else a folder that has another machine's "sys" and
 *	  "proc" below it: what a plan would be there can be tried here
 * @t:	  receives it; NULL on failure
 *
 * What cannot be read, or makes no sense, is left out: without /sys there is one
 * node, 0, that has all CPUs which the caller may use. Below @root the caller is
 * who proc/self/status is about. Reads a few files for each CPU, so not for a hot
 * path.
 *
 * Threads: any. Return: 0; -EINVAL; -ENOMEM; -ENOENT: @root is no folder; what
 * else open(2) says about it.
 */
int dsr_topology_read(const char *root, struct dsr_topology **t);

/** dsr_topology_free() - NULL is fine */
void dsr_topology_free(struct dsr_topology *t);

/** dsr_topology_nodes() - how many nodes, one at least; 0 for NULL */
uint32_t dsr_topology_nodes(const struct dsr_topology *t);

/** dsr_topology_cpus() - how many CPUs, those that are offline included; 0 for NULL */
uint32_t dsr_topology_cpus(const struct dsr_topology *t);

/**
 * dsr_topology_node() - one node
 * @index: 0 to dsr_topology_nodes() - 1, in the order of their numbers
 *
 * Return: 0; -EINVAL.
 */
DSR_INLINE int dsr_topology_node(const struct dsr_topology *t, uint32_t index,
				 struct dsr_node_info *out)
{
	return dsr_topology_node_sized(t, index, out, sizeof(*out));
}

/**
 * dsr_topology_cpu() - one CPU
 * @index: 0 to dsr_topology_cpus() - 1, in the order of their numbers
 *
 * Return: 0; -EINVAL.
 */
DSR_INLINE int dsr_topology_cpu(const struct dsr_topology *t, uint32_t index,
				struct dsr_cpu_info *out)
{
	return dsr_topology_cpu_sized(t, index, out, sizeof(*out));
}

/**
 * dsr_topology_distance() - how far a CPU of one node is from the memory of another
 *
 * In the firmware's units: 10 is the node itself, 20 about twice the time. Need
 * not be the same both ways. Return: above 0; 0: nobody tells; -EINVAL; -ENODEV:
 * no such node.
 */
int dsr_topology_distance(const struct dsr_topology *t, int from, int to);

/**
 * dsr_topology_text() - the whole picture, for people
 * @text: takes at most @size bytes, its end included; may be NULL if @size is 0
 *
 * Return: the length of the whole text, as snprintf(); -EINVAL.
 */
int dsr_topology_text(const struct dsr_topology *t, char *text, size_t size);

/**
 * dsr_topology_json() - the same for programs: one JSON object
 *
 * "nodes" and "cpus" are arrays of objects with the members of the structs above,
 * "distances" is one of arrays: from each node to each, in their order.
 */
int dsr_topology_json(const struct dsr_topology *t, char *text, size_t size);

DSR_END_DECLS

#endif
