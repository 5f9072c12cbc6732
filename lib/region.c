/* SPDX-License-Identifier: MIT */
/*
 * Memory where and as it is wanted, in the order that harms nobody.
 *
 * The short way to memory on a node is to bind it there and to touch it. If the node
 * is full the kernel does not say so then: it kills a process, the largest of the
 * machine and not always this one. Huge pages that have run out are a signal. So:
 * see that there is so much at all; ask for the node as a preference, which takes
 * other memory rather than kill; touch by calls that fail instead; look where it
 * came to lie; and only then, if the node is required, bind what is there already,
 * which moves the rest or says that it does not fit.
 *
 * A preference holds, too: the kernel's balancing between nodes leaves alone what
 * has a policy, while what was merely touched first by the right thread wanders.
 */
#include <errno.h>

#include "cpu.h"
#include "node.h"
#include "region.h"
#include "topology.h"

/* A step that failed: what it was about, and why. */
struct failure {
	const char *what;
	bool is_pages; /* other pages might do */
	int error;
};

static bool fail(struct failure *failure, const char *what, int error)
{
	*failure = (struct failure){.what = what, .error = error};
	return false;
}

static bool fail_pages(struct failure *failure, int error)
{
	*failure = (struct failure){.what = "in huge pages", .is_pages = true, .error = error};
	return false;
}

static bool is_pool(enum dsr_pages pages)
{
	return pages == DSR_PAGES_2M || pages == DSR_PAGES_1G;
}

/* Why pages are not on the node where they were wanted; 0 if all are. */
static int verdict(const struct dsr_node_pages *count)
{
	if (count->elsewhere)
		return -ENOMEM;
	return count->unknown ? count->error : 0;
}

static void count_pages(const struct dsr_region *region, struct dsr_node_pages *count)
{
	const struct dsr_memory *memory = &region->memory;

	dsr_node_count(memory->base, memory->bytes, memory->page, region->node, count);
}

/* Small things always fit, or nothing works any more. */
static bool fits(uint64_t bytes, const struct dsr_wish *wish)
{
	enum { SMALL = 1 << 20 };
	uint64_t room;

	if (bytes <= SMALL)
		return true;
	room = dsr_memory_room();
	if (bytes <= room)
		room = dsr_topology_room(wish->node == DSR_REGION_ANYWHERE);
	if (bytes <= room && wish->node >= 0 && wish->node_how == DSR_REQUIRE)
		room = dsr_topology_node_room(wish->node);
	return bytes <= room;
}

/* If it has none, that of the nearest that has: the kernel would take the caller's own. */
static int prefer(const struct dsr_memory *memory, int node)
{
	int err = dsr_node_prefer(memory->base, memory->bytes, node);
	int nearest = err == -EPERM ? dsr_topology_nearest(node) : -1;

	if (nearest >= 0)
		(void)dsr_node_prefer(memory->base, memory->bytes, nearest);
	return err;
}

static int ask_for_node(struct dsr_region *region)
{
	struct dsr_memory *memory = &region->memory;

	if (region->node == DSR_REGION_INTERLEAVED)
		return dsr_node_interleave(memory->base, memory->bytes);
	return region->node >= 0 ? prefer(memory, region->node) : 0;
}

/* The pages are there. Are they where they must be? */
static bool insist_on_node(struct dsr_region *region, const struct dsr_wish *wish,
			   struct failure *failure)
{
	struct dsr_memory *memory = &region->memory;
	struct dsr_node_pages count;
	int err;

	if (region->node < 0 || wish->node_how != DSR_REQUIRE)
		return true;
	err = dsr_node_bind(memory->base, memory->bytes, region->node);
	if (err == 0) {
		count_pages(region, &count);
		err = verdict(&count);
	}
	if (err == 0)
		return true;
	/* Of small ones there may be enough. */
	return is_pool(wish->pages) ? fail_pages(failure, err) : fail(failure, "on the node", err);
}

/*
 * The pool gave pages of another node. Near ones that are small are better than far
 * ones that are huge, if the program does not say otherwise.
 */
static bool prefer_near_pages(struct dsr_region *region, const struct dsr_wish *wish,
			      struct failure *failure)
{
	struct dsr_node_pages count;

	if (!is_pool(wish->pages) || wish->pages_how == DSR_REQUIRE || region->node < 0)
		return true;
	count_pages(region, &count);
	return count.elsewhere ? fail_pages(failure, -ENOMEM) : true;
}

/* The kernel may have had none, or do it to nobody; it does not say. */
static bool see_transparent(struct dsr_region *region, const struct dsr_wish *wish,
			    struct failure *failure)
{
	struct dsr_memory *memory = &region->memory;
	struct dsr_memory_use use;

	if (wish->pages != DSR_PAGES_TRANSPARENT)
		return true;
	dsr_memory_read(memory->base, memory->bytes, &use);
	if (use.huge == memory->bytes)
		return true;
	if (use.page_size)
		region->pages_reason = use.huge ? -ENOMEM : -EOPNOTSUPP;
	else
		region->pages_reason = -ENODATA; /* asked for, and nobody tells what came of it */
	return wish->pages_how == DSR_PREFER || fail_pages(failure, region->pages_reason);
}

static bool lock(struct dsr_region *region, const struct dsr_wish *wish, struct failure *failure)
{
	if (!wish->locked)
		return true;
	region->locked_reason = dsr_memory_lock(&region->memory);
	return region->locked_reason == 0 || wish->locked_how == DSR_PREFER ||
	       fail(failure, "locked", region->locked_reason);
}

static bool fill(struct dsr_region *region, const struct dsr_wish *wish, struct failure *failure)
{
	int err;

	region->node_reason = ask_for_node(region);
	if (region->node_reason < 0 && wish->node_how == DSR_REQUIRE)
		return fail(failure, "on the node", region->node_reason);
	err = dsr_memory_populate(&region->memory);
	if (err < 0)
		return is_pool(wish->pages) ? fail_pages(failure, err)
					    : fail(failure, "of memory", err);
	return prefer_near_pages(region, wish, failure) && insist_on_node(region, wish, failure) &&
	       see_transparent(region, wish, failure) && lock(region, wish, failure);
}

static bool attempt(struct dsr_region *region, uint64_t bytes, const struct dsr_wish *wish,
		    struct failure *failure)
{
	int err;

	/* A pool has its own count, and refuses. */
	if (!is_pool(wish->pages) && !fits(bytes, wish))
		return fail(failure, "of memory", -ENOMEM);
	err = dsr_memory_map(&region->memory, bytes, wish->pages);
	if (err < 0 && wish->pages > DSR_PAGES_SMALL && err != -EOVERFLOW)
		return fail_pages(failure, err);
	if (err < 0)
		return fail(failure, "of memory", err);
	if (fill(region, wish, failure))
		return true;
	dsr_memory_unmap(&region->memory);
	return false;
}

/* The next best pages. */
static enum dsr_pages lesser(enum dsr_pages pages)
{
	return is_pool(pages) ? DSR_PAGES_TRANSPARENT : DSR_PAGES_DEFAULT;
}

static int resolve_node(int node)
{
	int cpu, here;

	if (node != DSR_REGION_HERE)
		return node;
	dsr_cpu_here(&cpu, &here);
	return here;
}

int dsr_region_take(struct dsr_region *region, uint64_t bytes, const struct dsr_wish *wish,
		    const char **what)
{
	struct dsr_wish now = *wish;
	struct failure failure = {0};
	int reason = 0;

	now.node = resolve_node(wish->node);
	for (;;) {
		*region = (struct dsr_region){.node = now.node};
		if (attempt(region, bytes, &now, &failure)) {
			if (reason < 0)
				region->pages_reason = reason;
			return 0;
		}
		if (!failure.is_pages || wish->pages_how == DSR_REQUIRE)
			break;
		/* The first answer is about what the program asked for. */
		if (reason == 0)
			reason = failure.error;
		now.pages = lesser(now.pages);
	}
	if (what)
		*what = failure.what;
	return failure.error;
}

void dsr_region_release(struct dsr_region *region)
{
	dsr_memory_unmap(&region->memory);
}

void dsr_region_read(const struct dsr_region *region, uint64_t bytes, enum dsr_range_kind kind,
		     struct dsr_range *out, uint64_t *locked)
{
	const struct dsr_memory *memory = &region->memory;
	int node = region->node < 0 ? -1 : region->node;
	struct dsr_node_pages count;
	struct dsr_memory_use use = {0};

	dsr_node_count(memory->base, bytes, memory->page, node, &count);
	/* It takes a look at all of the process; and of a single page there is nothing to tell. */
	if (memory->bytes > dsr_page_size() || locked)
		dsr_memory_read(memory->base, bytes, &use);
	*out = (struct dsr_range){
		.kind = kind,
		.node = node,
		.base = memory->base,
		.bytes = memory->bytes,
		.page_size = use.page_size ? use.page_size : memory->page,
		.huge_bytes = use.huge,
		.pages = count.on_node + count.elsewhere + count.unknown,
		.on_node = count.on_node,
		.elsewhere = count.elsewhere,
		.unknown = count.unknown,
		.other_node = count.other_node,
		.reason = region->node_reason,
	};
	if (node >= 0 && out->reason == 0)
		out->reason = verdict(&count);
	if (locked)
		*locked = use.locked;
}
