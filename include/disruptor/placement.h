/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_PLACEMENT_H
#define DISRUPTOR_PLACEMENT_H

/**
 * Where the ring and the threads really are: read from the kernel at the time
 * of the call, not remembered from the request.
 *
 * The slots lie on the node of the first handler that is pinned, or on the one
 * that dsr_place_slots() named. They are bound there before they are touched,
 * touched once, and looked up page by page with move_pages(2).
 */

#include <disruptor/processor.h>

DSR_BEGIN_DECLS

struct dsr_disruptor;

/* For dsr_place_slots(), beside DSR_NODE(n). */
#define DSR_CONSUMER_NODE 0 /* the default */
#define DSR_ANYWHERE      0x40000000

/**
 * enum dsr_strictness - what if the node cannot be had?
 * @DSR_PREFER:	 take other memory, and let the report say so
 * @DSR_REQUIRE: dsr_start() fails with the reason
 */
enum dsr_strictness {
	DSR_PREFER,
	DSR_REQUIRE,
};

/**
 * struct dsr_placement - the memory
 * @bytes:	 mapped for the ring: slots, and the lines of the consumers
 * @slot_bytes:	 of these, the slots: capacity times stride
 * @stride:	 bytes from slot to slot
 * @node:	 the node asked for, or -1: none was
 * @reason:	 0: the slots are where they were asked to be, or anywhere was
 *		 fine; else the negative errno that says why they are not, or
 *		 why nobody can tell
 * @pages:	 pages that hold slots, of @page_size bytes each
 * @on_node:	 of these, on @node; with @node -1 on @other_node
 * @elsewhere:	 on any other node
 * @unknown:	 the kernel does not say
 * @other_node:	 -1, or one node that holds some of those not on @node
 * @page_size:	 bytes of the kernel's pages here
 * @huge_bytes:	 of the slots' bytes, held by transparent huge pages
 * @threads:	 how many threads dsr_placement_thread() can describe
 * @waits_yield: too few CPUs for those who spin (wait.h): they yield instead
 */
struct dsr_placement {
	uint64_t bytes;
	uint64_t slot_bytes;
	uint64_t stride;
	int node;
	int reason;
	uint64_t pages;
	uint64_t on_node;
	uint64_t elsewhere;
	uint64_t unknown;
	int other_node;
	uint32_t threads;
	uint64_t page_size;
	uint64_t huge_bytes;
	bool waits_yield;
};

/**
 * struct dsr_thread_placement - one processor's thread
 * @name:   the handler's name
 * @tid:    the kernel's thread id; 0: it has ended
 * @pin:    what the handler asked for
 * @cpu:    where it last ran; -1: ended, or the kernel does not say
 * @node:   that CPU's node; -1: likewise
 * @cpus:   how many CPUs its affinity allows now: 1 as long as it is pinned to one
 * @wait:   the strategy in use
 */
struct dsr_thread_placement {
	char name[DSR_NAME_MAX + 1];
	int tid;
	int pin;
	int cpu;
	int node;
	int cpus;
	enum dsr_wait wait;
};

int dsr_placement_read_sized(struct dsr_disruptor *d, struct dsr_placement *out, size_t size);
int dsr_placement_thread_sized(struct dsr_disruptor *d, uint32_t index,
			       struct dsr_thread_placement *out, size_t size);

/**
 * dsr_placement_read() - where the memory is now
 *
 * Takes a system call per thousand pages, and reads /proc: not for a hot path.
 *
 * Threads: any. Return: 0; -EINVAL.
 */
DSR_INLINE int dsr_placement_read(struct dsr_disruptor *d, struct dsr_placement *out)
{
	return dsr_placement_read_sized(d, out, sizeof(*out));
}

/**
 * dsr_placement_thread() - where a processor's thread is now
 * @index: 0 to dsr_placement.threads - 1, in the order they were added
 *
 * Threads: any. Return: 0; -EINVAL.
 */
DSR_INLINE int dsr_placement_thread(struct dsr_disruptor *d, uint32_t index,
				    struct dsr_thread_placement *out)
{
	return dsr_placement_thread_sized(d, index, out, sizeof(*out));
}

/**
 * dsr_placement_text() - both, for people
 * @text: takes at most @size bytes, its end included; may be NULL if @size is 0
 *
 * Threads: any. Return: the length of the whole text, as snprintf(); -EINVAL.
 */
int dsr_placement_text(struct dsr_disruptor *d, char *text, size_t size);

DSR_END_DECLS

#endif
