/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/syscall.h>
#include <time.h>

#include "ring.h"

static int on_start(void *state)
{
	struct reader *r = state;

	r->tid = (int)syscall(SYS_gettid);
	r->cpu = sched_getcpu();
	return 0;
}

static int on_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct reader *r = state;

	(void)sequence;
	(void)end_of_batch;
	r->sum += *(int64_t *)event;
	dsr_store_release(&r->count, r->count + 1);
	return DSR_CONTINUE;
}

struct dsr_handler ring_handler(struct reader *r, int pin)
{
	return (struct dsr_handler){.on_event = on_event,
				    .on_start = on_start,
				    .state = r,
				    .pin = pin,
				    .wait = DSR_WAIT_PHASED};
}

struct dsr_disruptor *ring_start(struct dsr_builder *b)
{
	struct dsr_disruptor *d;
	int err = dsr_start(b, &d);

	need(err == 0, "dsr_start(): %d, %s", err, dsr_builder_message(b));
	return d;
}

struct awaited {
	struct reader *readers;
	int count;
	int64_t events;
};

static bool have_seen(void *state)
{
	struct awaited *a = state;

	for (int i = 0; i < a->count; i++)
		if (dsr_load_acquire(&a->readers[i].count) < a->events)
			return false;
	return true;
}

bool ring_await(bool (*is_so)(void *), void *state)
{
	struct timespec pause = {.tv_nsec = 1000 * 1000};

	for (int i = 0; i < 30 * 1000; i++) {
		if (is_so(state))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

void ring_run(struct dsr_disruptor *d, struct reader *readers, int count, int laps)
{
	struct dsr_producer *p = dsr_producer(d);
	int64_t events = (int64_t)dsr_capacity(d) * laps, before[READERS], i;
	struct awaited awaited = {readers, count, readers->count + events};

	need(p != NULL, "no producer");
	for (i = 0; i < count; i++)
		before[i] = readers[i].sum;
	for (i = 1; i <= events; i++) {
		*(int64_t *)dsr_claim(p) = i;
		dsr_publish(p);
	}
	check(ring_await(have_seen, &awaited), "events are lost: %" PRId64 " of %" PRId64,
	      readers->count, awaited.events);
	for (i = 0; i < count; i++)
		check(readers[i].sum - before[i] == events * (events + 1) / 2,
		      "reader %d has other events than were published", (int)i);
	dsr_producer_release(p);
}

void ring_end(struct dsr_disruptor *d)
{
	check(dsr_shutdown(d, DSR_FOREVER) == 0, "shutdown");
	check(dsr_destroy(d) == 0, "destroy");
}

uint32_t ring_find(struct dsr_disruptor *d, enum dsr_range_kind kind, uint32_t index,
		   struct dsr_range *range)
{
	for (; dsr_placement_range(d, index, range) == 0; index++)
		if (range->kind == kind)
			return index;
	need(false, "no range of kind %d", kind);
	return 0;
}

/* Is it, at this moment, part of a transparent huge page? By its frame's flags. */
static bool is_transparent_huge(uintptr_t address)
{
	enum { HUGETLB = 17, THP = 22 };
	static int pagemap = -1, flags = -1;
	uint64_t entry = 0, flag = 0;

	if (pagemap < 0) {
		pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
		flags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
		need(pagemap >= 0 && flags >= 0, "the kernel does not tell of its pages");
	}
	if (pread(pagemap, &entry, 8, (off_t)(address / 4096 * 8)) != 8 || !(entry >> 63))
		return false;
	entry &= (UINT64_C(1) << 55) - 1;
	if (pread(flags, &flag, 8, (off_t)(entry * 8)) != 8)
		return false;
	return flag >> THP & 1 && !(flag >> HUGETLB & 1);
}

/* Of all pages, also those that are on no node. */
static uint64_t count_pages(const struct dsr_range *range, uint64_t on[NODES])
{
	size_t count = range->bytes / 4096;
	int *nodes = calloc(count, sizeof(*nodes));

	need(nodes != NULL, "no memory");
	memset(on, 0, NODES * sizeof(*on));
	kernel_page_nodes(range->base, count, nodes);
	for (size_t i = 0; i < count; i++)
		if (nodes[i] >= 0 && nodes[i] < NODES)
			on[nodes[i]]++;
	free(nodes);
	return count;
}

void ring_count(const struct dsr_range *range, uint64_t on[NODES])
{
	count_pages(range, on);
}

static uint64_t count_huge(const struct dsr_range *range)
{
	uintptr_t base = (uintptr_t)range->base, at;
	uint64_t huge = 0;

	for (at = base; at < base + range->bytes; at += 4096)
		huge += is_transparent_huge(at);
	return huge * 4096;
}

/* Does the kernel have it as the report has it? */
static bool is_agreed(const struct dsr_range *range, bool is_last)
{
	uint64_t on[NODES], small = range->page_size / 4096, on_node = 0, elsewhere = 0;
	uint64_t unknown = count_pages(range, on);
	int wanted = range->node >= 0 ? range->node : range->other_node;
	bool is_so;

	for (int node = 0; node < NODES; node++) {
		unknown -= on[node];
		*(node == wanted ? &on_node : &elsewhere) += on[node];
	}
	is_so = range->on_node * small == on_node && range->elsewhere * small == elsewhere &&
		range->unknown * small == unknown;
	if (is_last)
		check(is_so,
		      "kind %d, node %d: %" PRIu64 " on it, %" PRIu64 " elsewhere, %" PRIu64
		      " unknown; the kernel has %" PRIu64 ", %" PRIu64 ", %" PRIu64 " of 4 KiB",
		      range->kind, range->node, range->on_node, range->elsewhere, range->unknown,
		      on_node, elsewhere, unknown);
	return is_so;
}

/*
 * On a node that is nearly full the kernel moves pages about to make huge ones, and one on
 * its way is nowhere at that moment. So it may be looked at again.
 */
static void look_at_range(struct dsr_disruptor *d, uint32_t index, struct dsr_range *range)
{
	enum { LOOKS = 5 };
	uint64_t huge;

	for (int look = 1; look <= LOOKS; look++) {
		need(dsr_placement_range(d, index, range) == 0, "no range %u", index);
		if (is_agreed(range, look == LOOKS))
			break;
	}
	huge = count_huge(range);
	check((uintptr_t)range->base % 4096 == 0 && range->bytes == range->pages * range->page_size,
	      "range of %" PRIu64 " bytes has %" PRIu64 " pages of %" PRIu64, range->bytes,
	      range->pages, range->page_size);
	check(range->huge_bytes == huge, "kind %d: %" PRIu64 " bytes in huge pages, not %" PRIu64,
	      range->kind, range->huge_bytes, huge);
	check((long)range->page_size == kernel_mapping(range->base, "KernelPageSize"),
	      "kind %d: pages of %" PRIu64, range->kind, range->page_size);
	if (range->node >= 0)
		check((range->reason == 0) == (range->on_node == range->pages),
		      "kind %d, node %d: reason %d", range->kind, range->node, range->reason);
}

static void look_at_thread(const struct dsr_thread_placement *t)
{
	/* The kernel may leave CPUs there that are offline, but does not run it on them. */
	kernel_set allowed = kernel_allowed(t->tid) & kernel_cpus();

	check(t->tid > 0, "%s: no thread %d", t->name, t->tid);
	check(t->cpus == __builtin_popcountll(allowed), "%s: may use %d CPUs, not %d", t->name,
	      __builtin_popcountll(allowed), t->cpus);
	/* One that sleeps was last where it may not be any more. */
	check(HAS(allowed, t->cpu) || t->is_lost, "%s: on CPU %d, which it may not use", t->name,
	      t->cpu);
	if (HAS(allowed, t->cpu))
		check(t->node == kernel_node_of_cpu(t->cpu), "%s: CPU %d is not of node %d",
		      t->name, t->cpu, t->node);
	if (t->cpus == 1 && HAS(allowed, t->cpu))
		check(t->cpu == kernel_cpu_of_thread(t->tid), "%s: on CPU %d, not %d", t->name,
		      kernel_cpu_of_thread(t->tid), t->cpu);
	check(t->policy == sched_getscheduler(t->tid), "%s: policy %d", t->name, t->policy);
	if (t->pinned_cpu >= 0)
		check(t->is_lost ==
			      (kernel_allowed(t->tid) != UINT64_C(1) << t->pinned_cpu || !allowed),
		      "%s: pinned to CPU %d, is_lost %d", t->name, t->pinned_cpu, t->is_lost);
	check(t->reason[0] != '\0', "%s: no reason", t->name);
}

static void look_at_text(struct dsr_disruptor *d)
{
	static char text[65536];
	int length = dsr_placement_json(d, text, sizeof(text));

	check(length > 2 && text[0] == '{', "JSON begins with %.10s", text);
	length = dsr_placement_text(d, text, sizeof(text));
	check(length > 0 && (size_t)length < sizeof(text) && strstr(text, "node"), "text: %s",
	      text);
}

void ring_look(struct dsr_disruptor *d, struct dsr_placement *report)
{
	struct dsr_thread_placement thread;
	struct dsr_range range;
	int lost = 0;
	uint32_t i;

	need(dsr_placement_read(d, report) == 0, "no report");
	check(report->slot_bytes == dsr_capacity(d) * STRIDE && report->stride == STRIDE,
	      "%" PRIu64 " bytes of slots", report->slot_bytes);
	check(report->choice[0] != '\0', "it does not say how it came to node %d", report->node);
	for (i = 0; i < report->ranges; i++) {
		look_at_range(d, i, &range);
		if (range.kind != DSR_RANGE_SLOTS)
			continue;
		check(range.node == report->node && range.reason == report->reason &&
			      range.page_size == report->page_size &&
			      range.elsewhere * range.page_size >= report->elsewhere * 4096,
		      "the report and the range of the slots are not of one mind");
	}
	check(dsr_placement_range(d, i, &range) < 0, "more ranges than are told");
	for (i = 0; i < report->threads; i++) {
		need(dsr_placement_thread(d, i, &thread) == 0, "no thread %u", i);
		look_at_thread(&thread);
		lost += thread.is_lost;
	}
	check(dsr_placement_lost(d) == lost, "%d threads are lost, not %d", lost,
	      dsr_placement_lost(d));
	look_at_text(d);
}
