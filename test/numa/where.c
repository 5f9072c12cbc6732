/* SPDX-License-Identifier: MIT */
/*
 * Every place that memory and threads can be asked to be at, on whichever machine this
 * is; each page and each thread is then looked up by our own calls. TAP on stdout.
 */
#include <inttypes.h>

#include "ring.h"

/* Slots: two huge pages of them, where it is about such, else fewer. */
enum { MANY = 1 << 16, FEW = 1 << 13, HUGE = 2 << 20, POOL = 4, NOT_SAID = -1 };

/* What is asked for; and what must come of it: a node, or one of the two below. */
struct wish {
	int pins[READERS]; /* the handlers', up to DSR_UNPINNED */
	int home;          /* the CPU that this thread is on, and produces */
	int slots, sequences, producers;
	enum dsr_strictness how;
	enum dsr_pages pages;
	enum dsr_strictness pages_how;
};

enum { ANYWHERE = -1, SPREAD = -2 };

static kernel_set memory, processors;

static int first_cpu(int node)
{
	return kernel_first(kernel_cpus_of(node));
}

static int node_of_pin(int pin)
{
	int number = pin & 0xfffffff;

	if (pin == DSR_CPU(number))
		return kernel_node_of_cpu(number);
	return pin == DSR_NODE(number) ? number : ANYWHERE;
}

/* From all threads to the memory of a node. */
static int distances(const struct wish *w, int node)
{
	int sum = kernel_distance(kernel_node_of_cpu(w->home), node);

	for (int i = 0; w->pins[i] != DSR_UNPINNED; i++)
		sum += kernel_distance(node_of_pin(w->pins[i]), node);
	return sum;
}

static int middle(const struct wish *w)
{
	int best = -1;

	for (int node = 0; node < NODES; node++)
		if (HAS(memory, node) && (best < 0 || distances(w, node) < distances(w, best)))
			best = node;
	return best;
}

static int nearest(int node)
{
	int best = -1;

	for (int to = 0; to < NODES; to++)
		if (HAS(memory, to) &&
		    (best < 0 || kernel_distance(node, to) < kernel_distance(node, best)))
			best = to;
	return best;
}

static int expected(const struct wish *w, int where)
{
	switch (where) {
	case DSR_CONSUMER_NODE:
		return node_of_pin(w->pins[0]);
	case DSR_PRODUCER_NODE:
		return kernel_node_of_cpu(w->home);
	case DSR_MIDDLE_NODE:
		return middle(w);
	case DSR_INTERLEAVED:
		return SPREAD;
	case DSR_ANYWHERE:
		return ANYWHERE;
	default:
		return node_of_pin(where);
	}
}

static int expected_sequences(const struct wish *w)
{
	int slots = expected(w, w->slots);

	if (w->sequences != NOT_SAID)
		return expected(w, w->sequences);
	return slots == SPREAD ? node_of_pin(w->pins[0]) : slots;
}

static bool is_to_be_had(int node)
{
	return node < 0 || HAS(memory, node);
}

static bool has_huge(const struct wish *w)
{
	return w->pages == DSR_PAGES_TRANSPARENT || w->pages == DSR_PAGES_2M;
}

static struct dsr_builder *build(const struct wish *w, struct reader *readers)
{
	struct dsr_builder *b = dsr_build_single_producer(has_huge(w) ? MANY : FEW, EVENT);

	dsr_place_slots(b, w->slots, w->how);
	if (w->sequences != NOT_SAID)
		dsr_place_sequences(b, w->sequences, w->how);
	if (w->producers != NOT_SAID)
		dsr_place_producers(b, w->producers, w->how);
	if (w->pages != DSR_PAGES_DEFAULT)
		dsr_place_pages(b, w->pages, w->pages_how);
	dsr_producer_at(b, DSR_CPU(w->home));
	for (int i = 0; w->pins[i] != DSR_UNPINNED; i++) {
		struct dsr_handler handler = ring_handler(&readers[i], w->pins[i]);

		dsr_handle_events(b, &handler);
	}
	return b;
}

/* Page by page in turn: no node has more than one more than another. */
static void check_spread(const struct dsr_range *range)
{
	uint64_t on[NODES], most = 0, least = UINT64_MAX;
	uint64_t page = range->huge_bytes ? HUGE : range->page_size;

	ring_count(range, on);
	for (int node = 0; node < NODES; node++) {
		if (!HAS(memory, node)) {
			check(on[node] == 0, "pages on node %d, which has no memory", node);
			continue;
		}
		most = on[node] > most ? on[node] : most;
		least = on[node] < least ? on[node] : least;
	}
	/* Of huge pages the first and the last may be in small pieces. */
	check(most - least <= page / 4096 + (page > 4096),
	      "interleaved, but %" PRIu64 " on one node and %" PRIu64 " on another", most, least);
}

static void check_range(const struct dsr_range *range, int node)
{
	check(range->node == (node < 0 ? -1 : node), "kind %d: wanted on node %d, not %d",
	      range->kind, range->node, node);
	if (node == SPREAD)
		check_spread(range);
	else if (node >= 0 && HAS(memory, node))
		check(range->on_node == range->pages, "kind %d: not all is on node %d", range->kind,
		      node);
	else if (node >= 0)
		check(range->on_node == 0 && range->other_node == nearest(node),
		      "kind %d: on node %d, and not on the nearest to %d that has memory",
		      range->kind, range->other_node, node);
}

static void check_ranges(struct dsr_disruptor *d, const struct wish *w)
{
	int producers =
		w->producers == NOT_SAID ? kernel_node_of_cpu(w->home) : expected(w, w->producers);
	struct dsr_range range;

	for (uint32_t i = 0; dsr_placement_range(d, i, &range) == 0; i++) {
		if (range.kind == DSR_RANGE_SLOTS)
			check_range(&range, expected(w, w->slots));
		else if (range.kind == DSR_RANGE_SEQUENCES)
			check_range(&range, expected_sequences(w));
		else if (range.kind == DSR_RANGE_PRODUCER)
			check_range(&range, producers);
	}
	ring_find(d, DSR_RANGE_SEQUENCES, 0, &range);
	ring_find(d, DSR_RANGE_PRODUCER, 0, &range);
}

static void check_pages(const struct wish *w, const struct dsr_placement *report)
{
	bool is_had = is_to_be_had(report->node);

	switch (w->pages) {
	case DSR_PAGES_SMALL:
		check(report->page_size == 4096 && report->huge_bytes == 0,
		      "small pages are %" PRIu64, report->page_size);
		break;
	case DSR_PAGES_TRANSPARENT:
		check((report->pages_reason == 0) == (report->huge_bytes == report->slot_bytes),
		      "%" PRIu64 " bytes in huge pages, reason %d", report->huge_bytes,
		      report->pages_reason);
		break;
	case DSR_PAGES_2M:
		check((report->pages_reason == 0) == (report->page_size == HUGE),
		      "pages of %" PRIu64 ", reason %d", report->page_size, report->pages_reason);
		break;
	default:
		break;
	}
	if (is_had)
		check(report->pages_reason == 0, "pages: reason %d", report->pages_reason);
}

static void check_threads(struct dsr_disruptor *d, const struct wish *w,
			  const struct reader *readers)
{
	for (uint32_t i = 0; w->pins[i] != DSR_UNPINNED; i++) {
		int node = node_of_pin(w->pins[i]), cpu = w->pins[i] & 0xfffffff;
		bool is_cpu = w->pins[i] == DSR_CPU(cpu);
		kernel_set wanted = is_cpu ? UINT64_C(1) << cpu : kernel_cpus_of(node);
		struct dsr_thread_placement t;

		need(dsr_placement_thread(d, i, &t) == 0, "no thread %u", i);
		check(t.tid == readers[i].tid, "thread %d, not %d", t.tid, readers[i].tid);
		check(t.pin == w->pins[i], "pin %x", (unsigned int)t.pin);
		check(t.pinned_cpu == (is_cpu ? cpu : -1), "pinned to %d", t.pinned_cpu);
		check(kernel_allowed(t.tid) == wanted, "reader %u may use %" PRIx64, i,
		      kernel_allowed(t.tid));
		check(HAS(wanted, readers[i].cpu), "reader %u started on CPU %d", i,
		      readers[i].cpu);
		check(!t.is_lost, "reader %u is lost", i);
	}
}

/* What cannot be had and is required fails, and says which node it was. */
static void check_refusal(struct dsr_builder *b, int err, int node)
{
	char number[16];

	snprintf(number, sizeof(number), "node %d", node);
	check(err < 0, "node %d has no memory, and dsr_start() found some", node);
	check(strstr(dsr_builder_message(b), number) != NULL, "message: %s",
	      dsr_builder_message(b));
	check(dsr_builder_destroy(b) == 0, "destroy");
}

static void place(const void *argument)
{
	const struct wish *w = argument;
	struct reader readers[READERS] = {0};
	struct dsr_builder *b = build(w, readers);
	int slots = expected(w, w->slots), sequences = expected_sequences(w), count = 0;
	struct dsr_placement report;
	struct dsr_producer *p;
	struct dsr_disruptor *d;
	int err;

	need(kernel_pin(w->home), "CPU %d is not to be had", w->home);
	err = dsr_start(b, &d);
	if (w->how == DSR_REQUIRE && !(is_to_be_had(slots) && is_to_be_had(sequences))) {
		check_refusal(b, err, is_to_be_had(slots) ? sequences : slots);
		return;
	}
	need(err == 0, "dsr_start(): %d, %s", err, dsr_builder_message(b));
	while (w->pins[count] != DSR_UNPINNED)
		count++;
	ring_run(d, readers, count, has_huge(w) ? 1 : 3);
	p = dsr_producer(d);
	ring_look(d, &report);
	check((report.reason == 0) == is_to_be_had(slots), "reason %d", report.reason);
	check_ranges(d, w);
	check_pages(w, &report);
	check_threads(d, w, readers);
	dsr_producer_release(p);
	ring_end(d);
}

static const char *name_of(int where, char *name)
{
	int number = where & 0xfffffff;

	switch (where) {
	case DSR_CONSUMER_NODE:
		return "consumer's node";
	case DSR_PRODUCER_NODE:
		return "producer's node";
	case DSR_MIDDLE_NODE:
		return "middle node";
	case DSR_INTERLEAVED:
		return "interleaved";
	case DSR_ANYWHERE:
		return "anywhere";
	default:
		sprintf(name, "%s %d", where == DSR_CPU(number) ? "CPU" : "node", number);
		return name;
	}
}

static const char *const page_names[] = {"", ", small pages", ", transparent huge pages",
					 ", 2 MiB pages"};

static void try(const struct wish *w)
{
	char slots[32], pin[32], sequences[64] = "", producers[64] = "", number[32];

	if (w->sequences != NOT_SAID)
		snprintf(sequences, sizeof(sequences), ", sequences on %s",
			 name_of(w->sequences, number));
	if (w->producers != NOT_SAID)
		snprintf(producers, sizeof(producers), ", producer's line on %s",
			 name_of(w->producers, number));
	tap_case(place, w, "slots %s %s%s%s%s%s, reader on %s, producer on CPU %d",
		 w->how == DSR_REQUIRE ? "required" : "preferred", name_of(w->slots, slots),
		 sequences, producers, page_names[w->pages],
		 w->pages_how == DSR_REQUIRE ? " required" : "", name_of(w->pins[0], pin), w->home);
}

/* Here, with pages of every kind. */
static void try_pages(struct wish w)
{
	for (w.pages = DSR_PAGES_DEFAULT; w.pages <= DSR_PAGES_2M; w.pages++) {
		w.pages_how = DSR_PREFER;
		try(&w);
	}
	w.how = DSR_REQUIRE;
	try(&(struct wish){.pins = {w.pins[0]},
			   .home = w.home,
			   .slots = w.slots,
			   .sequences = w.sequences,
			   .producers = w.producers,
			   .how = DSR_REQUIRE});
	for (w.pages = DSR_PAGES_TRANSPARENT; w.pages <= DSR_PAGES_2M; w.pages++) {
		w.pages_how = DSR_REQUIRE;
		try(&w);
	}
}

/* The reader on each node in turn, the producer on the next one; slots wherever they can be. */
static void try_places(void)
{
	static const int places[] = {DSR_CONSUMER_NODE, DSR_PRODUCER_NODE, DSR_INTERLEAVED,
				     DSR_ANYWHERE};
	int home = first_cpu(kernel_first(processors));
	struct wish w = {.sequences = NOT_SAID, .producers = NOT_SAID};

	for (int node = 0; node < NODES; node++) {
		if (!HAS(processors, node))
			continue;
		w.pins[0] = DSR_CPU(first_cpu(node));
		w.home = first_cpu(kernel_next_node(node));
		w.slots = DSR_CONSUMER_NODE;
		try_pages(w);
		w.pins[0] = DSR_NODE(node);
		try(&w);
	}
	w.pins[0] = DSR_CPU(home);
	for (int node = 0; node < NODES; node++) {
		w.slots = DSR_NODE(node);
		if (HAS(kernel_nodes("online"), node))
			try_pages(w);
	}
	for (int i = 1; i < 4; i++) {
		w.slots = places[i];
		try_pages(w);
	}
}

/* Each of the three kinds of memory on a node of its own. */
static void try_apart(void)
{
	int home = first_cpu(kernel_first(processors));
	struct wish w = {.pins = {DSR_CPU(home)}, .home = home};

	for (int node = 0; node < NODES; node++) {
		if (!HAS(memory, node))
			continue;
		w.slots = DSR_NODE(node);
		w.sequences = DSR_NODE(kernel_next_node(node));
		w.producers = DSR_NODE(kernel_next_node(kernel_next_node(node)));
		w.how = DSR_PREFER;
		try(&w);
		w.how = DSR_REQUIRE;
		try(&w);
		w.slots = DSR_INTERLEAVED;
		w.sequences = DSR_PRODUCER_NODE;
		w.producers = DSR_CONSUMER_NODE;
		try(&w);
	}
}

static void try_middle(void)
{
	struct wish w = {.slots = DSR_MIDDLE_NODE, .sequences = NOT_SAID, .producers = NOT_SAID};
	int a, b, c;

	for (a = 0; a < NODES; a++)
		for (b = 0; b < NODES; b++)
			for (c = a; c < NODES; c++) {
				if (!HAS(processors, a) || !HAS(processors, b) ||
				    !HAS(processors, c))
					continue;
				w.home = first_cpu(b);
				w.pins[0] = DSR_NODE(a);
				w.pins[1] = DSR_NODE(c);
				tap_case(place, &w, "slots in the middle of nodes %d, %d and %d", a,
					 b, c);
			}
}

/* A producer on every node, each with its own line there. */
static void producers(const void *unused)
{
	struct dsr_builder *b = dsr_build_multi_producer(1024, EVENT);
	struct reader r = {0};
	struct dsr_handler handler = ring_handler(&r, DSR_UNPINNED);
	struct dsr_placement report;
	struct dsr_range range;
	struct dsr_disruptor *d;
	kernel_set seen = 0;
	int count = 0;

	(void)unused;
	dsr_handle_events(b, &handler);
	d = ring_start(b);
	for (int node = 0; node < NODES; node++) {
		if (!HAS(processors, node))
			continue;
		need(kernel_pin(first_cpu(node)), "no CPU on node %d", node);
		need(dsr_producer(d) != NULL, "no producer on node %d", node);
		count++;
	}
	ring_look(d, &report);
	for (uint32_t i = 0; dsr_placement_range(d, i, &range) == 0; i++) {
		if (range.kind != DSR_RANGE_PRODUCER)
			continue;
		check_range(&range, range.node);
		seen |= UINT64_C(1) << range.node;
		count--;
	}
	check(count == 0 && seen == processors, "lines for nodes %" PRIx64, seen);
	ring_end(d);
}

/* A consumer that comes later is pinned and reported like the first ones. */
static void attached(const void *unused)
{
	int near = kernel_first(processors & memory), far = kernel_next_node(near);
	struct dsr_builder *b = dsr_build_single_producer(1024, EVENT);
	struct reader readers[2] = {{0}, {0}};
	struct dsr_handler handler = ring_handler(&readers[0], DSR_CPU(first_cpu(near)));
	struct wish w = {.pins = {DSR_CPU(first_cpu(near)), DSR_CPU(first_cpu(far))},
			 .home = first_cpu(near),
			 .sequences = NOT_SAID,
			 .producers = NOT_SAID};
	struct dsr_placement report;
	struct dsr_producer *p;
	struct dsr_disruptor *d;

	(void)unused;
	need(kernel_pin(w.home), "no CPU %d", w.home);
	dsr_handle_events(b, &handler);
	d = ring_start(b);
	handler = ring_handler(&readers[1], w.pins[1]);
	handler.name = "late";
	check(dsr_attach_handler(d, &handler, DSR_FROM_NOW) >= 0, "attach");
	ring_run(d, readers, 2, 3);
	p = dsr_producer(d);
	ring_look(d, &report);
	check(report.threads == 2, "%u threads", report.threads);
	check_threads(d, &w, readers);
	check_ranges(d, &w);
	dsr_producer_release(p);
	ring_end(d);
}

static kernel_set siblings_of(int cpu)
{
	char text[64];
	kernel_set set = 0;

	if (kernel_read(text, sizeof(text),
			"/sys/devices/system/cpu/cpu%d/topology/thread_siblings", cpu) < 0)
		return 0;
	return set | strtoull(text, NULL, 16);
}

static void topology(const void *unused)
{
	struct dsr_topology *t;
	struct dsr_node_info node;
	struct dsr_cpu_info cpu;
	kernel_set nodes = 0, cpus = 0;
	uint32_t i;

	(void)unused;
	need(dsr_topology_read(NULL, &t) == 0, "no topology");
	for (i = 0; dsr_topology_node(t, i, &node) == 0; i++) {
		nodes |= UINT64_C(1) << node.id;
		check((node.bytes > 0) == HAS(memory, node.id), "node %d: %" PRIu64 " bytes",
		      node.id, node.bytes);
		check((int)node.cpus == __builtin_popcountll(kernel_cpus_of(node.id)),
		      "node %d: %u CPUs", node.id, node.cpus);
		for (int to = 0; to < NODES; to++)
			if (HAS(kernel_nodes("online"), to))
				check(dsr_topology_distance(t, node.id, to) ==
					      kernel_distance(node.id, to),
				      "from node %d to %d: %d, not %d", node.id, to,
				      dsr_topology_distance(t, node.id, to),
				      kernel_distance(node.id, to));
	}
	check(nodes == kernel_nodes("online"), "nodes %" PRIx64, nodes);
	for (i = 0; dsr_topology_cpu(t, i, &cpu) == 0; i++) {
		cpus |= UINT64_C(1) << cpu.id;
		check(cpu.node == kernel_node_of_cpu(cpu.id), "CPU %d: node %d", cpu.id, cpu.node);
		check(cpu.core == kernel_first(siblings_of(cpu.id)), "CPU %d: core %d", cpu.id,
		      cpu.core);
		check(cpu.is_online && cpu.is_allowed, "CPU %d is not to be had", cpu.id);
	}
	check(cpus == kernel_allowed(getpid()), "CPUs %" PRIx64, cpus);
	dsr_topology_free(t);
}

/* Threads that leave the choice open: each alone, and no two on a core as long as one is free. */
static void automatic(const void *unused)
{
	struct dsr_builder *b = dsr_build_single_producer(1024, EVENT);
	struct reader readers[2] = {{0}, {0}};
	kernel_set taken = UINT64_C(1) << first_cpu(kernel_first(processors)), cores = 0;
	struct dsr_plan *plan;
	struct dsr_seat seat;
	struct dsr_thread_placement t;
	struct dsr_placement report;
	struct dsr_disruptor *d;
	uint32_t i;

	(void)unused;
	need(kernel_pin(kernel_first(taken)), "no CPU");
	for (i = 0; i < 2; i++) {
		struct dsr_handler handler = ring_handler(&readers[i], DSR_AUTOMATIC);

		handler.wait = DSR_WAIT_PAUSE;
		dsr_handle_events(b, &handler);
	}
	need(dsr_plan_make(b, NULL, &plan) == 0, "no plan");
	d = ring_start(b);
	for (int cpu = 0; cpu < CPUS; cpu++)
		cores |= siblings_of(cpu) ? UINT64_C(1) << kernel_first(siblings_of(cpu)) : 0;
	for (i = 0; i < 2; i++) {
		need(dsr_plan_seat(plan, i + 1, &seat) == 0, "no seat");
		need(dsr_placement_thread(d, i, &t) == 0, "no thread");
		check(t.pinned_cpu == seat.cpu, "planned for CPU %d, pinned to %d", seat.cpu,
		      t.pinned_cpu);
		if (t.pinned_cpu < 0)
			continue;
		check(!HAS(taken, t.pinned_cpu), "CPU %d is taken", t.pinned_cpu);
		taken |= UINT64_C(1) << t.pinned_cpu;
		for (int other = 0; other < t.pinned_cpu && __builtin_popcountll(cores) >= 3;
		     other++)
			check(!HAS(taken & siblings_of(t.pinned_cpu), other),
			      "CPUs %d and %d are of one core", other, t.pinned_cpu);
	}
	dsr_plan_free(plan);
	ring_run(d, readers, 2, 3);
	ring_look(d, &report);
	ring_end(d);
}

int main(void)
{
	memory = kernel_nodes("has_memory");
	processors = kernel_nodes("has_cpu");
	for (int node = 0; node < NODES; node++)
		if (HAS(memory, node) && kernel_pool(node, POOL) != POOL)
			printf("# node %d has no %d huge pages\n", node, POOL);
	tap_case(topology, NULL, "topology is what the kernel says");
	tap_case(producers, NULL, "a producer on every node");
	tap_case(attached, NULL, "a consumer that comes later");
	tap_case(automatic, NULL, "threads that leave the choice open");
	try_apart();
	try_middle();
	try_places();
	kernel_drain_pools();
	return tap_end();
}
