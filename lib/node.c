/* SPDX-License-Identifier: MIT */
/*
 * NUMA memory policy, through libnuma. The only file that includes its headers.
 *
 * Of libnuma it takes the calls that return an error. Those that place memory
 * themselves (numa_alloc_onnode() and such) print and go on where the kernel
 * refused, and so hand out memory on the wrong node.
 */
#include <errno.h>
#include <string.h>

#include "node.h"
#include "topology.h"

#if DSR_WITH_NUMA

#include <numa.h>
#include <numaif.h>

int dsr_node_support(void)
{
	int saved = errno;
	int err = numa_available() < 0 ? -EOPNOTSUPP : 0;

	errno = saved;
	return err;
}

/* The bits above are flags of a mode. */
enum { MODES = 0xff };

/* As mbind(2) wants it: it looks at one bit less than it is told. */
enum { MASK_BITS = DSR_NODES_MAX + 1, WORD_BITS = 8 * sizeof(unsigned long) };

struct mask {
	unsigned long words[DSR_NODES_MAX / WORD_BITS];
};

static int set_policy(void *base, size_t bytes, int mode, const struct mask *mask,
		      unsigned int flags)
{
	int saved = errno;
	int err = 0;

	if (mbind(base, bytes, mode, mask->words, MASK_BITS, flags) < 0)
		err = -errno;
	errno = saved;
	return err == -ENOSYS ? -EOPNOTSUPP : err;
}

static int bind_range(void *base, size_t bytes, int node, int mode, unsigned int flags)
{
	struct mask mask = {{0}};
	int err = dsr_node_support();

	if (err < 0)
		return err;
	if (node < 0 || node >= DSR_NODES_MAX)
		return -ENODEV;
	mask.words[node / WORD_BITS] |= 1ul << node % WORD_BITS;
	err = set_policy(base, bytes, mode, &mask, flags);
	/* The same answer for a node that is not there, is not ours, or has no memory. */
	if (err == -EINVAL)
		return dsr_topology_has_node(node) ? -EPERM : -ENODEV;
	return err;
}

int dsr_node_prefer(void *base, size_t bytes, int node)
{
	return bind_range(base, bytes, node, MPOL_PREFERRED, 0);
}

int dsr_node_bind(void *base, size_t bytes, int node)
{
	int err = bind_range(base, bytes, node, MPOL_BIND, MPOL_MF_MOVE | MPOL_MF_STRICT);

	return err == -EIO ? -ENOMEM : err;
}

/*
 * libnuma's own lists are those of the process's start, and a cpuset may have changed
 * since; its numa_get_mems_allowed() is this call, and prints where that is refused.
 */
static int read_allowed(struct mask *mask)
{
	int saved = errno;
	int err = dsr_node_support();

	memset(mask, 0, sizeof(*mask));
	if (err == 0 && get_mempolicy(NULL, mask->words, MASK_BITS, NULL, MPOL_F_MEMS_ALLOWED) < 0)
		err = -errno;
	errno = saved;
	return err;
}

int dsr_node_interleave(void *base, size_t bytes)
{
	struct mask mask;
	int err = read_allowed(&mask);

	return err < 0 ? err : set_policy(base, bytes, MPOL_INTERLEAVE, &mask, 0);
}

static void to_set(const struct mask *mask, struct dsr_cpus *nodes)
{
	memset(nodes, 0, sizeof(*nodes));
	for (int node = 0; node < DSR_NODES_MAX; node++)
		if (mask->words[node / WORD_BITS] >> node % WORD_BITS & 1)
			dsr_cpus_add(nodes, node);
}

int dsr_nodes_allowed(struct dsr_cpus *nodes)
{
	struct mask mask;
	int err = read_allowed(&mask);

	to_set(&mask, nodes);
	return err;
}

bool dsr_nodes_bound(struct dsr_cpus *nodes)
{
	struct mask mask = {{0}};
	int saved = errno;
	int mode = MPOL_DEFAULT;
	bool is_bound = dsr_node_support() == 0 &&
			get_mempolicy(&mode, mask.words, MASK_BITS, NULL, 0) == 0 &&
			(mode & MODES) == MPOL_BIND;

	errno = saved;
	to_set(&mask, nodes);
	return is_bound;
}

static void count_page(int status, int node, struct dsr_node_pages *count)
{
	/* Below zero: not present, by whichever errno this kernel says so. */
	if (status < 0) {
		count->unknown++;
		count->error = status;
		return;
	}
	if (count->other_node < 0 && status != node)
		count->other_node = status;
	if (status == (node < 0 ? count->other_node : node))
		count->on_node++;
	else
		count->elsewhere++;
}

void dsr_node_count(const void *base, size_t bytes, size_t page, int node,
		    struct dsr_node_pages *count)
{
	enum { CHUNK = 1024 };
	size_t pages = (bytes + page - 1) / page, done, n, i;
	int saved = errno;
	void *addresses[CHUNK];
	int status[CHUNK];

	*count = (struct dsr_node_pages){.other_node = -1};
	for (done = 0; done < pages; done += n) {
		n = pages - done < CHUNK ? pages - done : CHUNK;
		for (i = 0; i < n; i++)
			addresses[i] = (void *)((uintptr_t)base + (done + i) * page);
		if (dsr_node_support() < 0 || move_pages(0, n, addresses, NULL, status, 0) < 0) {
			count->error = dsr_node_support() < 0 ? -EOPNOTSUPP : -errno;
			count->unknown += n;
			continue;
		}
		for (i = 0; i < n; i++)
			count_page(status[i], node, count);
	}
	errno = saved;
}

#else

int dsr_node_support(void)
{
	return -EOPNOTSUPP;
}

int dsr_nodes_allowed(struct dsr_cpus *nodes)
{
	(void)nodes;
	return -EOPNOTSUPP;
}

bool dsr_nodes_bound(struct dsr_cpus *nodes)
{
	(void)nodes;
	return false;
}

int dsr_node_prefer(void *base, size_t bytes, int node)
{
	(void)base;
	(void)bytes;
	(void)node;
	return -EOPNOTSUPP;
}

int dsr_node_bind(void *base, size_t bytes, int node)
{
	return dsr_node_prefer(base, bytes, node);
}

int dsr_node_interleave(void *base, size_t bytes)
{
	return dsr_node_prefer(base, bytes, 0);
}

void dsr_node_count(const void *base, size_t bytes, size_t page, int node,
		    struct dsr_node_pages *count)
{
	(void)base;
	(void)node;
	*count = (struct dsr_node_pages){
		.unknown = (bytes + page - 1) / page, .other_node = -1, .error = -EOPNOTSUPP};
}

#endif
