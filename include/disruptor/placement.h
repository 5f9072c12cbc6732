/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_PLACEMENT_H
#define DISRUPTOR_PLACEMENT_H

/**
 * Where the ring and the threads really are: read from the kernel at the time
 * of the call, not remembered from the request.
 *
 * The slots lie on the node of the first handler that is pinned, or where
 * dsr_place_slots() said (builder.h), and so do the consumers' sequences, which the
 * consumers write; each producer's own line lies on the node of the thread that got
 * its handle, or, of a single producer, where dsr_producer_at() says that it is.
 * Memory is asked for on its node before it is touched, touched once, and looked up
 * page by page with move_pages(2); where a node is required it is bound to it then,
 * when the pages are already there. Binding first would be shorter, but a node that
 * is full gets a process killed that way, and not always this one. A child after
 * fork(2) does not have this memory (MADV_DONTFORK).
 */

#include <disruptor/processor.h>

DSR_BEGIN_DECLS

struct dsr_disruptor;

/*
 * Where memory is to lie, beside DSR_NODE(n): on the node of the first handler that
 * is pinned; anywhere; on the producer's (dsr_producer_at()); page by page over all
 * nodes in turn; on the one with the smallest sum of distances from all threads
 * that are pinned.
 */
#define DSR_CONSUMER_NODE 0
#define DSR_ANYWHERE      0x40000000
#define DSR_PRODUCER_NODE 0x40000001
#define DSR_INTERLEAVED   0x40000002
#define DSR_MIDDLE_NODE   0x40000003

/**
 * enum dsr_strictness - what if it cannot be had?
 * @DSR_PREFER:	 take what there is, and let the report say so
 * @DSR_REQUIRE: dsr_start() fails with the reason
 */
enum dsr_strictness {
	DSR_PREFER,
	DSR_REQUIRE,
};

/**
 * enum dsr_pages - what pages the slots are made of
 * @DSR_PAGES_DEFAULT:	   as the kernel does it by itself
 * @DSR_PAGES_SMALL:	   the machine's smallest, 4 KiB mostly
 * @DSR_PAGES_TRANSPARENT: huge ones that the kernel finds (THP), at least 2 MiB
 * @DSR_PAGES_2M:	   from the pool of 2 MiB pages (hugetlb), which somebody set aside
 * @DSR_PAGES_1G:	   from that of 1 GiB
 *
 * What is not to be had of the last two becomes transparent, and that small.
 */
enum dsr_pages {
	DSR_PAGES_DEFAULT,
	DSR_PAGES_SMALL,
	DSR_PAGES_TRANSPARENT,
	DSR_PAGES_2M,
	DSR_PAGES_1G,
};

/**
 * struct dsr_placement - the memory
 * @bytes:	  mapped in the start: slots, sequences and the ring's own lines
 * @slot_bytes:	  of these, the slots: capacity times stride
 * @stride:	  bytes from slot to slot
 * @node:	  the node that was settled on, or -1: none, or interleaved
 * @reason:	  0: the slots are where they were asked to be, or anywhere was
 *		  fine; else the negative errno that says why they are not, or
 *		  why nobody can tell
 * @pages:	  pages that hold slots, of @page_size bytes each
 * @on_node:	  of these, on @node; with @node -1 on @other_node
 * @elsewhere:	  on any other node
 * @unknown:	  the kernel does not say
 * @other_node:	  -1, or one node that holds some of those not on @node
 * @threads:	  how many threads dsr_placement_thread() can describe
 * @page_size:	  bytes of the kernel's pages here
 * @huge_bytes:	  of the slots' bytes, held by transparent huge pages
 * @waits_yield:  too few CPUs for those who spin (wait.h): they yield instead
 * @pages_reason: 0: the slots' pages are what was asked for; else why not
 * @lock_reason:  0: locked, or not asked to be; else why not
 * @locked_bytes: of the slots' bytes, locked into memory
 * @ranges:	  how many ranges dsr_placement_range() can describe
 * @choice:	  how it came to @node, in words
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
	int pages_reason;
	int lock_reason;
	uint32_t ranges;
	uint64_t locked_bytes;
	char choice[160];
};

/**
 * enum dsr_range_kind - what lies there
 * @DSR_RANGE_SLOTS:	 the events
 * @DSR_RANGE_SEQUENCES: how far the consumers are, and the ring's own lines
 * @DSR_RANGE_PRODUCER:	 one producer's own line
 * @DSR_RANGE_CONSUMER:	 one consumer's own lines
 */
enum dsr_range_kind {
	DSR_RANGE_SLOTS,
	DSR_RANGE_SEQUENCES,
	DSR_RANGE_PRODUCER,
	DSR_RANGE_CONSUMER,
};

/**
 * struct dsr_range - a run of pages
 * @kind:	what for
 * @node:	the node that it is to be on; -1: any
 * @base:	where it begins
 * @bytes:	whole pages
 * @page_size:	bytes of one
 * @huge_bytes: held by transparent huge pages
 * @pages, @on_node, @elsewhere, @unknown, @other_node, @reason: as in dsr_placement
 */
struct dsr_range {
	enum dsr_range_kind kind;
	int node;
	const void *base;
	uint64_t bytes;
	uint64_t page_size;
	uint64_t huge_bytes;
	uint64_t pages;
	uint64_t on_node;
	uint64_t elsewhere;
	uint64_t unknown;
	int other_node;
	int reason;
};

/**
 * struct dsr_thread_placement - one processor's thread
 * @name:     the handler's name
 * @tid:      the kernel's thread id; 0: it has ended
 * @pin:      what the handler asked for
 * @cpu:      where it last ran; -1: ended, or the kernel does not say
 * @node:     that CPU's node; -1: likewise
 * @cpus:     how many CPUs its affinity allows now: 1 as long as it is pinned to one
 * @wait:     the strategy in use
 * @pinned_cpu: the CPU that it was pinned to; -1: none
 * @is_lost:  its affinity is not any more what it was pinned to: its CPU went
 *	      offline, or somebody, a cpuset's owner perhaps, moved it
 * @policy:   its scheduling policy, SCHED_OTHER and so on; -1: not told
 * @priority: within SCHED_FIFO or SCHED_RR; else 0
 * @reason:   why it is where it was put, in words
 */
struct dsr_thread_placement {
	char name[DSR_NAME_MAX + 1];
	int tid;
	int pin;
	int cpu;
	int node;
	int cpus;
	enum dsr_wait wait;
	int pinned_cpu;
	bool is_lost;
	int policy;
	int priority;
	char reason[160];
};

int dsr_placement_read_sized(struct dsr_disruptor *d, struct dsr_placement *out, size_t size);
int dsr_placement_range_sized(struct dsr_disruptor *d, uint32_t index, struct dsr_range *out,
			      size_t size);
int dsr_placement_thread_sized(struct dsr_disruptor *d, uint32_t index,
			       struct dsr_thread_placement *out, size_t size);

/**
 * dsr_placement_read() - where the memory is now
 *
 * Takes a system call per thousand pages, and reads /proc: not for a hot path, but
 * it stops nobody.
 *
 * Threads: any. Return: 0; -EINVAL.
 */
DSR_INLINE int dsr_placement_read(struct dsr_disruptor *d, struct dsr_placement *out)
{
	return dsr_placement_read_sized(d, out, sizeof(*out));
}

/**
 * dsr_placement_range() - one run of pages, as it is now
 * @index: 0 to dsr_placement.ranges - 1: the slots, the sequences, then producers'
 *	   and consumers' lines
 *
 * When consumers or handles come or go meanwhile, numbers change. Threads: any. Return:
 * 0; -EINVAL.
 */
DSR_INLINE int dsr_placement_range(struct dsr_disruptor *d, uint32_t index, struct dsr_range *out)
{
	return dsr_placement_range_sized(d, index, out, sizeof(*out));
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
 * dsr_placement_lost() - has a thread lost its CPU?
 *
 * The kernel moves the threads of a CPU that goes offline, and those of a cpuset that
 * is changed, and tells nobody. This is cheap enough, a system call a thread, to ask
 * every second.
 *
 * Threads: any. Return: how many threads have dsr_thread_placement.is_lost now; -EINVAL.
 */
int dsr_placement_lost(struct dsr_disruptor *d);

/**
 * dsr_placement_text() - all of it, for people
 * @text: takes at most @size bytes, its end included; may be NULL if @size is 0
 *
 * Threads: any. Return: the length of the whole text, as snprintf(); -EINVAL.
 */
int dsr_placement_text(struct dsr_disruptor *d, char *text, size_t size);

/** dsr_placement_json() - the same for programs: one JSON object */
int dsr_placement_json(struct dsr_disruptor *d, char *text, size_t size);

DSR_END_DECLS

#endif
