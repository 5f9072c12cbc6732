/* SPDX-License-Identifier: MIT */
/*
 * Plans: for machines that are not here, seat by seat with the reason; for graphs
 * made at random on each of them, by what must hold of any plan; and for this
 * machine, by what the kernel says of the threads that were started.
 */
#include <stdlib.h>

#include "unit.h"

TestSuite(plan, .timeout = 100);

static const char *const machines[] = {
	"ampere",   "asymmetric", "container", "cxl",          "epyc-nps1", "epyc-nps4", "garbage",
	"graviton", "intel-snc2", "isolated",  "laptop",       "no-numa",   "no-sys",    "one-cpu",
	"pinned",   "power9",     "smt-off",   "threadripper", "untold",    "vm",        NULL,
};

/* NULL: this one. */
static struct dsr_topology *machine(const char *name)
{
	const char *folder = getenv("DSR_TEST_TOPOLOGIES");
	struct dsr_topology *t;
	char path[4096];

	cr_assert(folder != NULL, "DSR_TEST_TOPOLOGIES is not set");
	snprintf(path, sizeof(path), "%s/%s", folder, name ? name : "");
	cr_assert(dsr_topology_read(name ? path : NULL, &t) == 0, "%s", path);
	return t;
}

static int on_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)event;
	(void)sequence;
	(void)end_of_batch;
	(void)state;
	return DSR_CONTINUE;
}

static void add(struct dsr_builder *b, const char *name, int pin)
{
	struct dsr_handler handler = {.on_event = on_event, .name = name, .pin = pin};

	expect(dsr_handle_events(b, &handler), 0);
}

static void add_waiting(struct dsr_builder *b, const char *name, int pin, enum dsr_wait wait)
{
	struct dsr_handler handler = {.on_event = on_event, .name = name, .pin = pin, .wait = wait};

	expect(dsr_handle_events(b, &handler), 0);
}

static void add_after(struct dsr_builder *b, const char *name, int pin, const char *const *after)
{
	struct dsr_handler handler = {
		.on_event = on_event, .name = name, .pin = pin, .after = after};

	expect(dsr_handle_events(b, &handler), 0);
}

static struct dsr_builder *build_at(int producer)
{
	struct dsr_builder *b = build(false, 8);

	if (producer)
		expect(dsr_producer_at(b, producer), 0);
	return b;
}

struct wanted {
	const char *name;
	int cpu;
	int node;
	const char *reason;
};

static void expect_seat(const struct dsr_plan *plan, uint32_t index, const struct wanted *wanted)
{
	struct dsr_seat seat;

	expect(dsr_plan_seat(plan, index, &seat), 0);
	cr_assert_str_eq(seat.name, wanted->name);
	cr_assert(seat.cpu == wanted->cpu && seat.node == wanted->node, "%s: CPU %d, node %d (%s)",
		  seat.name, seat.cpu, seat.node, seat.reason);
	cr_assert_str_eq(seat.reason, wanted->reason, "%s: %s", seat.name, seat.reason);
}

/* Ends the builder, too. */
static void expect_plan(const char *name, struct dsr_builder *b, const struct wanted *wanted)
{
	struct dsr_topology *t = machine(name);
	struct dsr_plan *plan;
	uint32_t count = 0;
	int err = dsr_plan_make(b, t, &plan);

	cr_assert(err == 0, "%d", err);
	for (; wanted[count].name; count++)
		expect_seat(plan, count, &wanted[count]);
	expect(dsr_plan_seats(plan), count);
	dsr_plan_free(plan);
	dsr_topology_free(t);
	expect(dsr_builder_destroy(b), 0);
}

CASE(plan, handler_is_near_the_producer)
{
	static const struct wanted wanted[] = {
		{"producer", 33, 4, "as asked"},
		{"reader", 32, 4, "shares L3 with producer, not a sibling"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(DSR_CPU(33));

	add(b, "reader", DSR_NEAR_PRODUCER);
	expect_plan("epyc-nps4", b, wanted);
}

CASE(plan, pipeline_stays_behind_one_cache)
{
	static const struct wanted wanted[] = {
		{"producer", 0, 0, "not pinned; CPU 0 is left free for it"},
		{"decode", 1, 0, "shares L3 with producer, not a sibling"},
		{"apply", 2, 0, "shares L3 with decode, not a sibling"},
		{"report", 3, 0, "shares L3 with apply, not a sibling"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(0);

	add_after(b, "decode", DSR_AUTOMATIC, NULL);
	add_after(b, "apply", DSR_AUTOMATIC, DSR_AFTER("decode"));
	add_after(b, "report", DSR_AUTOMATIC, DSR_AFTER("apply"));
	expect_plan("epyc-nps4", b, wanted);
}

/* Who follows is seated after those it follows, whatever the order of adding. */
CASE(plan, predecessors_are_seated_first)
{
	static const struct wanted wanted[] = {
		{"producer", 0, 0, "as asked"},
		{"last", 2, 0, "shares L3 with first, not a sibling"},
		{"first", 1, 0, "shares L3 with producer, not a sibling"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(DSR_CPU(0));

	add_after(b, "last", DSR_AUTOMATIC, DSR_AFTER("first"));
	add_after(b, "first", DSR_AUTOMATIC, DSR_AFTER_NOBODY);
	expect_plan("epyc-nps4", b, wanted);
}

CASE(plan, diamond)
{
	static const struct wanted wanted[] = {
		{"producer", 16, 1, "as asked"},
		{"journal", 17, 1, "shares L3 with producer, not a sibling"},
		{"replicate", 18, 1, "shares L3 with producer, not a sibling"},
		{"apply", 19, 1, "shares L3 with journal and 1 more, not a sibling"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(DSR_CPU(16));

	add(b, "journal", DSR_AUTOMATIC);
	add(b, "replicate", DSR_AUTOMATIC);
	expect(dsr_then(b), 0);
	add(b, "apply", DSR_AUTOMATIC);
	expect_plan("intel-snc2", b, wanted);
}

CASE(plan, eight_side_by_side)
{
	static const struct wanted wanted[] = {
		{"producer", 0, 0, "not pinned; CPU 0 is left free for it"},
		{"processor-0", 1, 0, "shares L3 with producer, not a sibling"},
		{"processor-1", 2, 0, "shares L3 with producer, not a sibling"},
		{"processor-2", 3, 0, "shares L3 with producer, not a sibling"},
		{"processor-3", 4, 0, "same node as producer, not a sibling"},
		{"processor-4", 5, 0, "same node as producer, not a sibling"},
		{"processor-5", 6, 0, "same node as producer, not a sibling"},
		{"processor-6", 7, 0, "same node as producer, not a sibling"},
		{"processor-7", 8, 1,
		 "node 1: nearest to producer with a free core (distance 12), not a sibling"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(0);

	for (int i = 0; i < 8; i++)
		add(b, NULL, DSR_AUTOMATIC);
	expect_plan("epyc-nps4", b, wanted);
}

/* Fast cores first, whole ones; then the slow ones; siblings only when no core is whole. */
CASE(plan, whole_cores_before_siblings)
{
	struct dsr_topology *t = machine("laptop");
	struct dsr_builder *b = build_at(0);
	struct dsr_plan *plan;
	struct dsr_seat seat;

	for (int i = 0; i < 14; i++)
		add(b, NULL, DSR_AUTOMATIC);
	expect(dsr_plan_make(b, t, &plan), 0);
	for (uint32_t i = 0; i < 15; i++) {
		static const int cpus[] = {0, 2, 4, 6, 8, 9, 10, 11, 12, 13, 14, 15, 1, 3, 5};

		expect(dsr_plan_seat(plan, i, &seat), 0);
		expect(seat.cpu, cpus[i]);
	}
	cr_assert_str_eq(
		seat.reason,
		"shares L3 with producer; sibling of processor-1's core: no whole core was free");
	dsr_plan_free(plan);
	dsr_topology_free(t);
	expect(dsr_builder_destroy(b), 0);
}

CASE(plan, slow_core_has_no_sibling)
{
	static const struct wanted wanted[] = {
		{"producer", 8, 0, "as asked"},
		{"a", 0, 0, "shares L3 with producer, not a sibling"},
		{"b", 2, 0, "as asked"},
		{"c", 4, 0, "as asked"},
		{"d", 6, 0, "as asked"},
		{"e", 9, 0, "shares L3 with producer"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(DSR_CPU(8));

	add(b, "a", DSR_AUTOMATIC);
	add(b, "b", DSR_CPU(2));
	add(b, "c", DSR_CPU(4));
	add(b, "d", DSR_CPU(6));
	add(b, "e", DSR_AUTOMATIC);
	expect_plan("laptop", b, wanted);
}

CASE(plan, more_handlers_than_cpus)
{
	static const struct wanted wanted[] = {
		{"producer", 2, 0,
		 "on node 0, as the caller; not pinned; CPU 2 is left free for it"},
		{"a", 4, 0, "shares L3 with producer, not a sibling"},
		{"b", 18, 0,
		 "shares L3 with producer; sibling of producer's core: no whole core was free"},
		{"c", 20, 0,
		 "shares L3 with producer; sibling of a's core: no whole core was free"},
		{"d", -1, -1, "no free CPU: not pinned"},
		{"e", -1, -1, "no free CPU: not pinned"},
		{NULL, 0, 0, NULL},
	};
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	struct dsr_builder *b = build_at(0);

	for (int i = 0; i < 5; i++)
		add(b, names[i], i % 2 ? DSR_NEAR_PRODUCER : DSR_AUTOMATIC);
	expect_plan("container", b, wanted);
}

CASE(plan, explicit_pins_are_kept_and_kept_out_of)
{
	static const struct wanted wanted[] = {
		{"producer", 0, 0, "as asked"},
		{"a", 3, 0, "shares L3 with producer, not a sibling"},
		{"b", 1, 0, "as asked"},
		{"c", 2, 0, "as asked"},
		{"d", 1, 0, "as asked; shared with b"},
		{"e", -1, 3, "as asked: any CPU of node 3"},
		{"f", -1, -1, "not asked to be pinned"},
		{"g", 200, -1, "as asked; there is no CPU 200 here"},
		{"h", -1, 9, "as asked; there is no node 9 here"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(DSR_CPU(0));

	add(b, "a", DSR_AUTOMATIC);
	add(b, "b", DSR_CPU(1));
	add(b, "c", DSR_CPU(2));
	add(b, "d", DSR_CPU(1));
	add(b, "e", DSR_NODE(3));
	add(b, "f", DSR_UNPINNED);
	add(b, "g", DSR_CPU(200));
	add(b, "h", DSR_NODE(9));
	expect_plan("epyc-nps4", b, wanted);
}

CASE(plan, offline_cpus_are_not_chosen)
{
	static const struct wanted wanted[] = {
		{"producer", 0, 0, "not pinned; CPU 0 is left free for it"},
		{"a", 1, 0, "shares L3 with producer"},
		{"b", 2, 0, "shares L3 with producer"},
		{"c", 3, 0, "shares L3 with producer"},
		{"d", -1, -1, "no free CPU: not pinned"},
		{NULL, 0, 0, NULL},
	};
	static const char *const names[] = {"a", "b", "c", "d"};
	struct dsr_topology *t = machine("smt-off");
	struct dsr_builder *b = build_at(0);
	struct dsr_plan *plan;
	struct dsr_seat seat;

	for (int i = 0; i < 4; i++)
		add(b, names[i], DSR_AUTOMATIC);
	expect_plan("smt-off", b, wanted);
	b = build_at(0);
	add(b, "off", DSR_CPU(5));
	expect(dsr_plan_make(b, t, &plan), 0);
	expect(dsr_plan_seat(plan, 1, &seat), 0);
	expect(seat.cpu, 5);
	cr_assert_str_eq(seat.reason, "as asked; CPU 5 is offline");
	dsr_plan_free(plan);
	dsr_topology_free(t);
	expect(dsr_builder_destroy(b), 0);
}

CASE(plan, isolated_cpus_are_for_those_who_ask)
{
	static const struct wanted wanted[] = {
		{"producer", 0, 0, "not pinned; CPU 0 is left free for it"},
		{"a", 1, 0, "shares L3 with producer, not a sibling"},
		{"hot", 2, 0, "isolated; shares L3 with producer, not a sibling"},
		{"b", 8, 0,
		 "shares L3 with producer; sibling of producer's core: no whole core was free"},
		{"c", 9, 0, "shares L3 with producer; sibling of a's core: no whole core was free"},
		{"d", -1, -1, "no free CPU: not pinned"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(0);

	add(b, "a", DSR_AUTOMATIC);
	add(b, "hot", DSR_ISOLATED);
	add(b, "b", DSR_NEAR_PRODUCER);
	add(b, "c", DSR_AUTOMATIC);
	add(b, "d", DSR_AUTOMATIC);
	expect_plan("isolated", b, wanted);
}

CASE(plan, where_none_is_isolated_any_will_do)
{
	static const struct wanted wanted[] = {
		{"producer", 1, 0, "as asked"},
		{"hot", 0, 0, "no isolated CPU is free; same node as producer"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(DSR_CPU(1));

	add(b, "hot", DSR_ISOLATED);
	expect_plan("vm", b, wanted);
}

/* From where it is read to where it was written, not the other way round. */
CASE(plan, distances_that_differ_both_ways)
{
	static const struct wanted wanted[] = {
		{"producer", 0, 0, "as asked"},         {"a", 1, 0, "as asked"},
		{"b", 4, 2, "shares L3 with producer"}, {"c", 5, 2, "shares L3 with producer"},
		{"d", 6, 3, "shares L3 with producer"}, {"e", 7, 3, "shares L3 with producer"},
		{"f", 2, 1, "shares L3 with producer"}, {NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(DSR_CPU(0));

	add(b, "a", DSR_CPU(1));
	add(b, "b", DSR_AUTOMATIC);
	add(b, "c", DSR_AUTOMATIC);
	add(b, "d", DSR_AUTOMATIC);
	add(b, "e", DSR_AUTOMATIC);
	add(b, "f", DSR_AUTOMATIC);
	expect_plan("asymmetric", b, wanted);
}

CASE(plan, node_without_cpus_is_stepped_over)
{
	struct dsr_topology *t = machine("cxl");
	struct dsr_builder *b = build_at(DSR_CPU(47));
	struct dsr_plan *plan;
	struct dsr_seat seat;

	for (int i = 0; i < 24; i++)
		add(b, NULL, DSR_AUTOMATIC);
	expect(dsr_plan_make(b, t, &plan), 0);
	expect(dsr_plan_seat(plan, 1, &seat), 0);
	expect(seat.cpu, 24);
	expect(dsr_plan_seat(plan, 24, &seat), 0);
	expect(seat.cpu, 0);
	expect(seat.node, 0);
	cr_assert_str_eq(
		seat.reason,
		"node 0: nearest to producer with a free core (distance 21), not a sibling");
	dsr_plan_free(plan);
	dsr_topology_free(t);
	expect(dsr_builder_destroy(b), 0);
}

/* Nodes 0 and 8, and what is between and behind has no CPU. */
CASE(plan, node_numbers_with_holes)
{
	static const struct wanted wanted[] = {
		{"producer", 64, 8, "on node 8, as told; not pinned; CPU 64 is left free for it"},
		{"a", 68, 8, "shares L3 with producer, not a sibling"},
		{"b", 72, 8, "same node as producer, not a sibling"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(DSR_NODE(8));

	add(b, "a", DSR_AUTOMATIC);
	add(b, "b", DSR_AUTOMATIC);
	expect_plan("power9", b, wanted);
}

CASE(plan, producer_that_is_nowhere_here)
{
	static const struct wanted nodeless[] = {
		{"producer", 0, 0,
		 "on node 7, as told, which is not here; not pinned; CPU 0 is left free for it"},
		{"a", 1, 0, "same node as producer"},
		{NULL, 0, 0, NULL},
	};
	static const struct wanted cpuless[] = {
		{"producer", 70, -1, "as asked; there is no CPU 70 here"},
		{"a", 0, 0, "nobody to be near to"},
		{"b", 1, 0, "nobody to be near to"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(DSR_NODE(7));

	add(b, "a", DSR_AUTOMATIC);
	expect_plan("vm", b, nodeless);
	b = build_at(DSR_CPU(70));
	add(b, "a", DSR_NEAR_PRODUCER);
	add(b, "b", DSR_AUTOMATIC);
	expect_plan("vm", b, cpuless);
}

/* Nobody told, but there is one to be near to; and that nobody knows is told, too. */
CASE(plan, producer_is_left_a_cpu_near_its_first_reader)
{
	static const struct wanted wanted[] = {
		{"producer", 41, 5, "not pinned; CPU 41 is left free for it"},
		{"first", 40, 5, "as asked"},
		{"second", 42, 5, "shares L3 with first, not a sibling"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(0);

	expect(dsr_producer_at(b, DSR_UNPINNED), 0);
	add(b, "first", DSR_CPU(40));
	expect(dsr_then(b), 0);
	add(b, "second", DSR_AUTOMATIC);
	expect_plan("epyc-nps4", b, wanted);
}

CASE(plan, workers_are_near_each_other)
{
	static const struct wanted wanted[] = {
		{"producer", 9, 2, "as asked"},
		{"pool-0", 8, 2, "shares L3 with producer, not a sibling"},
		{"pool-1", 10, 2, "shares L3 with producer and 1 more, not a sibling"},
		{"pool-2", 11, 2, "shares L3 with producer and 2 more, not a sibling"},
		{"pool-3", 12, 2, "same node as producer and 3 more, not a sibling"},
		{"after", 13, 2, "shares L3 with pool-3, not a sibling"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_handler handlers[4];
	struct dsr_builder *b = build_at(DSR_CPU(9));

	for (int i = 0; i < 4; i++)
		handlers[i] = (struct dsr_handler){.on_event = on_event, .pin = DSR_AUTOMATIC};
	expect(dsr_handle_with_workers(
		       b, &(struct dsr_workers){.name = "pool", .handlers = handlers, .count = 4}),
	       0);
	add_after(b, "after", DSR_AUTOMATIC, DSR_AFTER("pool"));
	expect_plan("threadripper", b, wanted);
}

/* A poller has no place; who follows it is near to the producer. */
CASE(plan, poller_is_nobody_to_be_near_to)
{
	static const struct wanted wanted[] = {
		{"producer", 2, 0, "as asked"},
		{"after", 0, 0, "shares L2 with producer"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(DSR_CPU(2));

	expect(dsr_add_poller(b, &(struct dsr_poller_options){.name = "poller"}), 0);
	add_after(b, "after", DSR_AUTOMATIC, DSR_AFTER("poller"));
	expect_plan("no-numa", b, wanted);
}

CASE(plan, without_sys_the_affinity_is_all_there_is)
{
	static const struct wanted wanted[] = {
		{"producer", 1, 0, "not pinned; CPU 1 is left free for it"},
		{"a", 3, 0, "same node as producer"},
		{"b", 4, 0, "same node as producer"},
		{"c", -1, -1, "no free CPU: not pinned"},
		{NULL, 0, 0, NULL},
	};
	static const char *const names[] = {"a", "b", "c"};
	struct dsr_builder *b = build_at(0);

	for (int i = 0; i < 3; i++)
		add(b, names[i], DSR_AUTOMATIC);
	expect_plan("no-sys", b, wanted);
}

/* There is nobody else to keep apart from. */
CASE(plan, one_cpu_is_the_producers)
{
	static const struct wanted wanted[] = {
		{"producer", 0, 0, "not pinned; CPU 0 is left free for it"},
		{"a", -1, -1, "no free CPU: not pinned"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(0);

	add(b, "a", DSR_AUTOMATIC);
	expect_plan("one-cpu", b, wanted);
}

/* What it may use is no more than where it is. */
CASE(plan, caller_on_one_cpu_leaves_the_others)
{
	static const struct wanted wanted[] = {
		{"producer", 4, 0, "where the caller is pinned"},
		{"a", 2, 0, "shares L3 with producer"},
		{"b", 1, 0, "isolated; shares L3 with producer"},
		{"c", 3, 0, "no isolated CPU is free; shares L3 with producer"},
		{"d", 5, 0, "shares L3 with producer"},
		{"e", -1, -1, "no free CPU: not pinned"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(0);

	add(b, "a", DSR_AUTOMATIC);
	add(b, "b", DSR_ISOLATED);
	add(b, "c", DSR_ISOLATED);
	add(b, "d", DSR_NEAR_PRODUCER);
	add(b, "e", DSR_AUTOMATIC);
	expect_plan("pinned", b, wanted);
}

/* The isolated one is in the affinity, but there are others as good. */
CASE(plan, node_that_tells_no_distance_is_the_farthest)
{
	static const struct wanted wanted[] = {
		{"producer", 1, 0, "not pinned; CPU 1 is left free for it"},
		{"a", 0, 0, "same node as producer"},
		{"b", 4, 2, "node 2: nearest to producer with a free core (distance 30)"},
		{"c", 5, 2, "node 2: nearest to producer with a free core (distance 30)"},
		{"d", 2, 1, "node 1: how far from producer is not known"},
		{NULL, 0, 0, NULL},
	};
	static const char *const names[] = {"a", "b", "c", "d"};
	struct dsr_builder *b = build_at(0);

	for (int i = 0; i < 4; i++)
		add(b, names[i], DSR_AUTOMATIC);
	expect_plan("untold", b, wanted);
}

CASE(plan, near_the_producer_is_not_near_others)
{
	static const struct wanted wanted[] = {
		{"producer", 0, 0, "as asked"},
		{"first", 40, 5, "as asked"},
		{"near", 1, 0, "shares L3 with producer, not a sibling"},
		{"far", 41, 5, "shares L3 with first, not a sibling"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(DSR_CPU(0));

	add(b, "first", DSR_CPU(40));
	expect(dsr_then(b), 0);
	add(b, "near", DSR_NEAR_PRODUCER);
	add(b, "far", DSR_AUTOMATIC);
	expect_plan("epyc-nps4", b, wanted);
}

/* Two there, one here; and the sum of distances is the same from both. */
CASE(plan, most_neighbours_count_before_distance)
{
	static const struct wanted wanted[] = {
		{"producer", 7, 3, "as asked"},
		{"a", -1, 1, "as asked: any CPU of node 1"},
		{"b", -1, 0, "as asked: any CPU of node 0"},
		{"c", -1, 1, "as asked: any CPU of node 1"},
		{"d", 2, 1, "same node as a and 1 more"},
		{NULL, 0, 0, NULL},
	};
	struct dsr_builder *b = build_at(DSR_CPU(7));

	add(b, "a", DSR_NODE(1));
	add(b, "b", DSR_NODE(0));
	add(b, "c", DSR_NODE(1));
	expect(dsr_then(b), 0);
	add(b, "d", DSR_AUTOMATIC);
	expect_plan("asymmetric", b, wanted);
}

/* Whom it has no events for is no reason to be near to; it begins where there is room. */
static struct dsr_builder *build_behind_a_poller(const int *cpus)
{
	struct dsr_builder *b = build_at(0);

	expect(dsr_add_poller(b, &(struct dsr_poller_options){.name = "poller"}), 0);
	expect(dsr_then(b), 0);
	for (; *cpus >= 0; cpus++)
		add(b, NULL, DSR_CPU(*cpus));
	return b;
}

static void expect_producer(struct dsr_builder *b, const char *name, int cpu)
{
	struct dsr_topology *t = machine(name);
	struct dsr_plan *plan;
	struct dsr_seat seat;

	expect(dsr_plan_make(b, t, &plan), 0);
	expect(dsr_plan_seat(plan, 0, &seat), 0);
	expect(seat.cpu, cpu);
	dsr_plan_free(plan);
	dsr_topology_free(t);
	expect(dsr_builder_destroy(b), 0);
}

CASE(plan, producer_begins_where_there_is_room)
{
	static const int one[] = {0, -1}, one_a_node[] = {0, 8, 16, 24, -1};

	/* Another node; and where they are all alike, another cache. */
	expect_producer(build_behind_a_poller(one), "epyc-nps4", 8);
	expect_producer(build_behind_a_poller(one_a_node), "threadripper", 4);
}

static void expect_spins(struct dsr_builder *b, const char *name, const bool *spins)
{
	struct dsr_topology *t = machine(name);
	struct dsr_plan *plan;
	struct dsr_seat seat;

	expect(dsr_plan_make(b, t, &plan), 0);
	for (uint32_t i = 1; i < dsr_plan_seats(plan); i++) {
		expect(dsr_plan_seat(plan, i, &seat), 0);
		cr_assert(seat.spins == spins[i - 1], "%s", seat.name);
	}
	dsr_plan_free(plan);
	dsr_topology_free(t);
	expect(dsr_builder_destroy(b), 0);
}

CASE(plan, who_spins_is_told)
{
	static const bool spins[] = {true, true, false, false, false, true, false, false};
	static const bool few[] = {false, false};
	struct dsr_builder *b = build_at(DSR_CPU(0));

	add_waiting(b, "a", DSR_AUTOMATIC, DSR_WAIT_DEFAULT);
	add_waiting(b, "b", DSR_AUTOMATIC, DSR_WAIT_BUSY_SPIN);
	add_waiting(b, "c", DSR_AUTOMATIC, DSR_WAIT_PARK);
	add_waiting(b, "d", DSR_NODE(0), DSR_WAIT_DEFAULT);
	add_waiting(b, "e", DSR_UNPINNED, DSR_WAIT_DEFAULT);
	add_waiting(b, "f", DSR_UNPINNED, DSR_WAIT_PAUSE);
	/* They would keep each other from running. */
	add_waiting(b, "g", DSR_CPU(9), DSR_WAIT_DEFAULT);
	add_waiting(b, "h", DSR_CPU(9), DSR_WAIT_BUSY_SPIN);
	expect_spins(b, "epyc-nps4", spins);
	/* As many of them as CPUs. */
	b = build_at(0);
	add_waiting(b, "a", DSR_AUTOMATIC, DSR_WAIT_DEFAULT);
	add_waiting(b, "b", DSR_AUTOMATIC, DSR_WAIT_BUSY_SPIN);
	expect_spins(b, "vm", few);
}

/* Random graphs. */

struct dice {
	uint64_t state;
};

static uint32_t roll(struct dice *d, uint32_t sides)
{
	d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(d->state >> 33) % sides;
}

enum { SHAPES = 60, HANDLERS_MAX = 24 };

static int random_cpu(struct dice *d, const struct dsr_topology *t)
{
	struct dsr_cpu_info cpu;

	expect(dsr_topology_cpu(t, roll(d, dsr_topology_cpus(t)), &cpu), 0);
	return DSR_CPU(cpu.id);
}

static int random_pin(struct dice *d, const struct dsr_topology *t)
{
	static const int open[] = {DSR_AUTOMATIC, DSR_NEAR_PRODUCER, DSR_ISOLATED};

	switch (roll(d, 8)) {
	case 0:
		return DSR_UNPINNED;
	case 1:
		return random_cpu(d, t);
	case 2:
		return DSR_NODE((int)roll(d, 4));
	default:
		return open[roll(d, 3)];
	}
}

static void random_workers(struct dice *d, const struct dsr_topology *t, struct dsr_builder *b,
			   int number)
{
	struct dsr_handler handlers[3];
	char name[16];

	for (int i = 0; i < 3; i++)
		handlers[i] = (struct dsr_handler){.on_event = on_event, .pin = random_pin(d, t)};
	snprintf(name, sizeof(name), "group%d", number);
	expect(dsr_handle_with_workers(b, &(struct dsr_workers){.name = name,
								.handlers = handlers,
								.count = 3,
								.sharing = DSR_SHARE_STRIPE}),
	       0);
}

/* The same graph for the same seed. */
static struct dsr_builder *random_graph(uint64_t seed, const struct dsr_topology *t)
{
	static const enum dsr_wait waits[] = {DSR_WAIT_DEFAULT, DSR_WAIT_PAUSE, DSR_WAIT_PARK};
	struct dice d = {seed};
	struct dsr_builder *b = build(false, 8);
	uint32_t count = 1 + roll(&d, HANDLERS_MAX);
	bool is_begun = false;

	switch (roll(&d, 4)) {
	case 0:
		expect(dsr_producer_at(b, random_cpu(&d, t)), 0);
		break;
	case 1:
		expect(dsr_producer_at(b, DSR_NODE((int)roll(&d, 3))), 0);
		break;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (is_begun && roll(&d, 3) == 0) {
			expect(dsr_then(b), 0);
			is_begun = false;
		}
		if (roll(&d, 6) == 0)
			random_workers(&d, t, b, (int)i);
		else
			add_waiting(b, NULL, random_pin(&d, t), waits[roll(&d, 3)]);
		is_begun = true;
	}
	return b;
}

struct picture {
	const char *machine;
	uint64_t seed;
	uint32_t allowed; /* CPUs that are online and allowed */
	uint32_t online;
	const struct dsr_topology *t;
	const struct dsr_plan *plan;
};

static struct dsr_seat seat_of(const struct picture *p, uint32_t index)
{
	struct dsr_seat seat;

	expect(dsr_plan_seat(p->plan, index, &seat), 0);
	return seat;
}

static bool is_open(const struct dsr_seat *seat)
{
	return seat->pin == DSR_AUTOMATIC || seat->pin == DSR_NEAR_PRODUCER ||
	       seat->pin == DSR_ISOLATED;
}

static bool find_cpu(const struct picture *p, int id, struct dsr_cpu_info *cpu)
{
	for (uint32_t i = 0; i < dsr_topology_cpus(p->t); i++) {
		expect(dsr_topology_cpu(p->t, i, cpu), 0);
		if (cpu->id == id)
			return true;
	}
	return false;
}

/* May it be chosen for who asked for @pin? */
static bool is_choice(const struct picture *p, const struct dsr_cpu_info *cpu, int pin)
{
	if (!cpu->is_online)
		return false;
	if (pin == DSR_ISOLATED && cpu->is_isolated)
		return true;
	/* A caller that is pinned has said nothing about the others. */
	return p->allowed == 1 && p->online > 1 ? !cpu->is_isolated : cpu->is_allowed;
}

static bool is_taken(const struct picture *p, int cpu)
{
	for (uint32_t i = 0; i < dsr_plan_seats(p->plan); i++)
		if (seat_of(p, i).cpu == cpu)
			return true;
	return false;
}

/* Is anything free in the end, a whole core or just a CPU, that could be had for @pin? */
static bool is_any_free(const struct picture *p, int pin, bool is_whole)
{
	struct dsr_cpu_info cpu, other;

	for (uint32_t i = 0; i < dsr_topology_cpus(p->t); i++) {
		bool is_free = true;

		expect(dsr_topology_cpu(p->t, i, &cpu), 0);
		if (!is_choice(p, &cpu, pin) || is_taken(p, cpu.id))
			continue;
		for (uint32_t k = 0; k < dsr_topology_cpus(p->t) && is_whole; k++) {
			expect(dsr_topology_cpu(p->t, k, &other), 0);
			if (cpu.core >= 0 && other.core == cpu.core && is_taken(p, other.id))
				is_free = false;
		}
		if (is_free)
			return true;
	}
	return false;
}

#define holds(condition)                                                             \
	cr_assert(condition, "%s, seed %" PRIu64 ", %s on CPU %d (%s): " #condition, \
		  p->machine ? p->machine : "here", p->seed, seat.name, seat.cpu, seat.reason)

static void check_alone(const struct picture *p, uint32_t index)
{
	struct dsr_seat seat = seat_of(p, index);
	struct dsr_cpu_info cpu, other_cpu;
	bool is_known = find_cpu(p, seat.cpu, &cpu);

	for (uint32_t i = 0; i < dsr_plan_seats(p->plan); i++) {
		struct dsr_seat other = seat_of(p, i);

		if (i == index || other.cpu < 0)
			continue;
		holds(seat.cpu != other.cpu || (!is_open(&seat) && !is_open(&other)));
		holds(seat.cpu != other.cpu || !seat.spins || !other.spins);
		if (!is_open(&seat) || !is_known || cpu.core < 0)
			continue;
		/* A sibling is somebody's own only if there was no whole core. */
		if (find_cpu(p, other.cpu, &other_cpu) && other_cpu.core == cpu.core &&
		    seat.pin != DSR_ISOLATED && is_open(&other) && other.pin != DSR_ISOLATED)
			holds(!is_any_free(p, DSR_AUTOMATIC, true));
	}
}

static void check_seat(const struct picture *p, uint32_t index)
{
	struct dsr_seat seat = seat_of(p, index);
	struct dsr_cpu_info cpu;

	holds(seat.reason[0] && strlen(seat.reason) < DSR_REASON_MAX - 1);
	if ((seat.pin & ~0xffff) == DSR_CPU(0))
		holds(DSR_CPU(seat.cpu) == seat.pin);
	if ((seat.pin & ~0xffff) == DSR_NODE(0) && index)
		holds(seat.cpu == -1 && DSR_NODE(seat.node) == seat.pin);
	if (seat.pin == DSR_UNPINNED && index)
		holds(seat.cpu == -1);
	if (!is_open(&seat))
		return;
	if (seat.cpu < 0) {
		holds(!seat.spins);
		holds(!is_any_free(p, seat.pin, false));
		return;
	}
	holds(find_cpu(p, seat.cpu, &cpu));
	holds(cpu.node == seat.node);
	holds(is_choice(p, &cpu, seat.pin));
	if (seat.pin == DSR_ISOLATED && !cpu.is_isolated)
		for (uint32_t i = 0; i < dsr_topology_cpus(p->t); i++) {
			expect(dsr_topology_cpu(p->t, i, &cpu), 0);
			holds(!cpu.is_isolated || !cpu.is_online || is_taken(p, cpu.id));
		}
}

static char *text_of(const struct dsr_plan *plan)
{
	int length = dsr_plan_text(plan, NULL, 0);
	char *text = malloc((size_t)length + 1);

	cr_assert(text != NULL);
	expect(dsr_plan_text(plan, text, (size_t)length + 1), length);
	return text;
}

/* Once more from the same builder, and from one that is made the same way. */
static void check_repeatable(const struct picture *p, struct dsr_builder *b)
{
	struct dsr_builder *other = random_graph(p->seed, p->t);
	char *text = text_of(p->plan);
	struct dsr_plan *plan;
	char *again;

	for (int i = 0; i < 2; i++) {
		expect(dsr_plan_make(i ? other : b, p->t, &plan), 0);
		again = text_of(plan);
		cr_assert_str_eq(again, text);
		free(again);
		dsr_plan_free(plan);
	}
	free(text);
	expect(dsr_builder_destroy(other), 0);
}

static void check_machine(const char *name, uint64_t seed)
{
	struct dsr_topology *t = machine(name);
	struct picture p = {.machine = name, .t = t, .seed = seed};
	struct dsr_builder *b = random_graph(seed, t);
	struct dsr_plan *plan;
	struct dsr_cpu_info cpu;

	for (uint32_t i = 0; i < dsr_topology_cpus(t); i++) {
		expect(dsr_topology_cpu(t, i, &cpu), 0);
		p.online += cpu.is_online;
		p.allowed += cpu.is_online && cpu.is_allowed;
	}
	expect(dsr_plan_make(b, t, &plan), 0);
	p.plan = plan;
	for (uint32_t i = 0; i < dsr_plan_seats(plan); i++) {
		check_seat(&p, i);
		check_alone(&p, i);
	}
	check_repeatable(&p, b);
	dsr_plan_free(plan);
	dsr_topology_free(t);
	expect(dsr_builder_destroy(b), 0);
}

CASE(plan, what_holds_of_any_plan)
{
	for (int i = 0; machines[i]; i++)
		for (uint64_t seed = 1; seed <= SHAPES; seed++)
			check_machine(machines[i], seed);
	for (uint64_t seed = 1; seed <= SHAPES; seed++)
		check_machine(NULL, seed);
}

/* The calls. */

CASE(plan, mistakes_are_told_and_do_not_stick)
{
	struct dsr_topology *t = machine("vm");
	struct dsr_builder *b = build(false, 8);
	struct dsr_plan *plan = (void *)b;
	struct dsr_seat seat;

	expect(dsr_plan_make(b, t, NULL), -EINVAL);
	expect(dsr_plan_make(NULL, t, &plan), -ENOMEM);
	cr_assert(plan == NULL);
	/* Nobody is there yet; then one that follows nobody; then a circle. */
	expect(dsr_plan_make(b, t, &plan), -EINVAL);
	add_after(b, "a", DSR_AUTOMATIC, DSR_AFTER("b"));
	expect(dsr_plan_make(b, t, &plan), -ENOENT);
	cr_assert(plan == NULL);
	cr_assert_str_eq(dsr_builder_message(b), "");
	add_after(b, "b", DSR_AUTOMATIC, NULL);
	expect(dsr_plan_make(b, t, &plan), 0);
	expect(dsr_plan_seats(plan), 3);
	expect(dsr_plan_seat(plan, 3, &seat), -EINVAL);
	expect(dsr_plan_seat(plan, 0, NULL), -EINVAL);
	expect(dsr_plan_seat(NULL, 0, &seat), -EINVAL);
	expect(dsr_plan_seat_sized(plan, 0, &seat, sizeof(seat) + 1), -EINVAL);
	memset(&seat, 0x55, sizeof(seat));
	expect(dsr_plan_seat_sized(plan, 1, &seat, sizeof(seat.name)), 0);
	cr_assert_str_eq(seat.name, "a");
	expect(seat.pin, 0x55555555);
	dsr_plan_free(plan);
	dsr_plan_free(NULL);
	expect(dsr_plan_seats(NULL), 0);
	expect(dsr_builder_destroy(b), 0);
	b = build(false, 8);
	add_after(b, "a", DSR_AUTOMATIC, DSR_AFTER("b"));
	add_after(b, "b", DSR_AUTOMATIC, DSR_AFTER("a"));
	expect(dsr_plan_make(b, t, &plan), -ELOOP);
	cr_assert_str_eq(dsr_builder_message(b), "");
	expect(dsr_builder_destroy(b), 0);
	b = build(false, 3);
	expect(dsr_plan_make(b, t, &plan), -EINVAL);
	expect(dsr_builder_destroy(b), 0);
	dsr_topology_free(t);
}

CASE(plan, json_is_utf8_whatever_the_names)
{
	struct dsr_topology *t = machine("vm");
	struct dsr_builder *b = build(false, 8);
	struct dsr_plan *plan;
	char text[2000];

	/*
	 * A character; a byte that begins none; one cut off; one longer than it need be; a
	 * surrogate.
	 */
	add_after(b, "caf\xc3\xa9", DSR_AUTOMATIC, NULL);
	add_after(b, "a\xff", DSR_AUTOMATIC, NULL);
	add_after(b, "b\xe2\x82", DSR_AUTOMATIC, NULL);
	add_after(b, "c\xc0\xaf", DSR_AUTOMATIC, NULL);
	add_after(b, "d\xed\xa0\x80", DSR_AUTOMATIC, NULL);
	expect(dsr_plan_make(b, t, &plan), 0);
	cr_assert(dsr_plan_json(plan, text, sizeof(text)) < (int)sizeof(text));
	cr_assert(strstr(text, "\"caf\xc3\xa9\""), "%s", text);
	cr_assert(strstr(text, "\"a\\ufffd\""), "%s", text);
	cr_assert(strstr(text, "\"b\\ufffd\\ufffd\""), "%s", text);
	cr_assert(strstr(text, "\"c\\ufffd\\ufffd\""), "%s", text);
	cr_assert(strstr(text, "\"d\\ufffd\\ufffd\\ufffd\""), "%s", text);
	dsr_plan_free(plan);
	dsr_topology_free(t);
	expect(dsr_builder_destroy(b), 0);
}

CASE(plan, no_spinner_where_the_producer_is)
{
	struct dsr_topology *t = machine("laptop");
	struct dsr_builder *b = build_at(DSR_CPU(1));
	struct dsr_plan *plan;
	struct dsr_seat seat;

	add_after(b, "with", DSR_CPU(1), NULL);
	add_after(b, "apart", DSR_CPU(0), NULL);
	expect(dsr_plan_make(b, t, &plan), 0);
	expect(dsr_plan_seat(plan, 1, &seat), 0);
	expect(seat.spins, false);
	expect(dsr_plan_seat(plan, 2, &seat), 0);
	expect(seat.spins, true);
	dsr_plan_free(plan);
	dsr_topology_free(t);
	expect(dsr_builder_destroy(b), 0);
}

CASE(plan, producer_is_at_a_cpu_or_a_node)
{
	static const int bad[] = {1,
				  -1,
				  DSR_AUTOMATIC,
				  DSR_NEAR_PRODUCER,
				  DSR_ISOLATED,
				  DSR_ISOLATED + 1,
				  DSR_ANYWHERE,
				  DSR_CPU(0) | DSR_NODE(0) | 7};

	expect(dsr_producer_at(NULL, DSR_CPU(0)), -ENOMEM);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct dsr_builder *b = build(false, 8);

		expect(dsr_producer_at(b, bad[i]), -EINVAL);
		cr_assert(strstr(dsr_builder_message(b), "producer") != NULL);
		expect(dsr_producer_at(b, DSR_CPU(0)), -EINVAL);
		expect(dsr_builder_destroy(b), 0);
	}
}

CASE(plan, open_pins_are_no_places_for_memory)
{
	static const int bad[] = {DSR_AUTOMATIC, DSR_NEAR_PRODUCER, DSR_ISOLATED};

	for (int i = 0; i < 3; i++) {
		struct dsr_builder *b = build(false, 8);

		expect(dsr_place_slots(b, bad[i], DSR_PREFER), -EINVAL);
		expect(dsr_builder_destroy(b), 0);
	}
}

CASE(plan, text_and_json)
{
	static const char text[] = "producer: CPU 0, node 0 (as asked)\n"
				   "a: CPU 1, node 0, spins (same node as producer)\n"
				   "b: no CPU (no free CPU: not pinned)\n";
	static const char json[] =
		"{\"seats\": [{\"name\": \"producer\", \"pin\": \"CPU 0\", \"cpu\": 0, \"node\": "
		"0, "
		"\"spins\": false, \"reason\": \"as asked\"}, "
		"{\"name\": \"a\", \"pin\": \"near producer\", \"cpu\": 1, \"node\": 0, "
		"\"spins\": true, \"reason\": \"same node as producer\"}, "
		"{\"name\": \"b\", \"pin\": \"isolated\", \"cpu\": -1, \"node\": -1, "
		"\"spins\": false, \"reason\": \"no free CPU: not pinned\"}]}";
	struct dsr_topology *t = machine("vm");
	struct dsr_builder *b = build_at(DSR_CPU(0));
	char got[1024], part[8];
	struct dsr_plan *plan;

	add(b, "a", DSR_NEAR_PRODUCER);
	add(b, "b", DSR_ISOLATED);
	expect(dsr_plan_make(b, t, &plan), 0);
	expect(dsr_plan_text(plan, got, sizeof(got)), sizeof(text) - 1);
	cr_assert_str_eq(got, text);
	expect(dsr_plan_text(plan, part, sizeof(part)), sizeof(text) - 1);
	cr_assert_str_eq(part, "produce");
	expect(dsr_plan_text(plan, NULL, 0), sizeof(text) - 1);
	expect(dsr_plan_text(plan, NULL, 1), -EINVAL);
	expect(dsr_plan_text(NULL, got, sizeof(got)), -EINVAL);
	expect(dsr_plan_json(plan, got, sizeof(got)), sizeof(json) - 1);
	cr_assert_str_eq(got, json);
	expect(dsr_plan_json(plan, NULL, 0), sizeof(json) - 1);
	expect(dsr_plan_json(plan, NULL, 1), -EINVAL);
	expect(dsr_plan_json(NULL, got, sizeof(got)), -EINVAL);
	dsr_plan_free(plan);
	dsr_topology_free(t);
	expect(dsr_builder_destroy(b), 0);
}

/* Here. */

static struct dsr_thread_placement thread_at(struct dsr_disruptor *d, uint32_t index)
{
	struct dsr_thread_placement thread;

	/* Nothing behind it that this library may not know yet. */
	memset(&thread, 0, sizeof(thread));
	expect(dsr_placement_thread_sized(d, index, &thread,
					  offsetof(struct dsr_thread_placement, pinned_cpu)),
	       0);
	return thread;
}

/* What the kernel lets a thread use. */
static cpu_set_t affinity_of(int tid)
{
	cpu_set_t set;

	cr_assert(sched_getaffinity(tid, sizeof(set), &set) == 0);
	return set;
}

static void expect_pinned(struct dsr_disruptor *d, uint32_t index, int cpu)
{
	struct dsr_thread_placement thread = thread_at(d, index);
	cpu_set_t set = affinity_of(thread.tid), own = affinity_of(0);

	if (cpu < 0) {
		cr_assert(CPU_EQUAL(&set, &own), "%s", thread.name);
		return;
	}
	cr_assert(CPU_COUNT(&set) == 1 && CPU_ISSET(cpu, &set), "%s is not on %d", thread.name,
		  cpu);
}

static void run_planned(int handlers)
{
	struct dsr_builder *b = build(false, 8);
	struct dsr_disruptor *d, *other;
	struct dsr_plan *plan;
	struct dsr_seat seat;

	for (int i = 0; i < handlers; i++)
		add(b, NULL, i % 2 ? DSR_NEAR_PRODUCER : DSR_AUTOMATIC);
	expect(dsr_plan_make(b, NULL, &plan), 0);
	expect(dsr_plan_seats(plan), handlers + 1);
	d = start(b);
	expect(dsr_plan_make(b, NULL, (struct dsr_plan **)&other), -EALREADY);
	for (uint32_t i = 1; i < dsr_plan_seats(plan); i++) {
		struct dsr_thread_placement thread = thread_at(d, i - 1);

		expect(dsr_plan_seat(plan, i, &seat), 0);
		expect(thread.pin, seat.pin);
		expect_pinned(d, i - 1, seat.cpu);
		cr_assert((thread.wait == DSR_WAIT_PAUSE) == seat.spins, "%s waits by %d",
			  seat.name, (int)thread.wait);
		if (seat.cpu < 0)
			expect(thread.wait, DSR_WAIT_PARK);
	}
	put(producer_of(d), 8);
	dsr_plan_free(plan);
	finish(d);
}

CASE(plan, threads_are_where_it_said)
{
	run_planned(1);
	run_planned(2);
	run_planned(40);
}

/* As the producer's own thread does: the others are not to be kept to its CPU. */
CASE(plan, caller_that_is_pinned_is_the_producer)
{
	struct dsr_topology *t = machine(NULL);
	struct dsr_builder *b = build(false, 8);
	int own = some_cpu(), online = 0;
	struct dsr_cpu_info cpu;
	struct dsr_disruptor *d;
	struct dsr_plan *plan;
	struct dsr_seat seat;
	cpu_set_t set;

	for (uint32_t i = 0; i < dsr_topology_cpus(t); i++) {
		expect(dsr_topology_cpu(t, i, &cpu), 0);
		online += cpu.is_online && !cpu.is_isolated;
	}
	dsr_topology_free(t);
	if (online < 2)
		cr_skip_test("not here: one CPU");
	CPU_ZERO(&set);
	CPU_SET((size_t)own, &set);
	cr_assert(sched_setaffinity(0, sizeof(set), &set) == 0);
	add(b, "reader", DSR_NEAR_PRODUCER);
	expect(dsr_plan_make(b, NULL, &plan), 0);
	expect(dsr_plan_seat(plan, 0, &seat), 0);
	expect(seat.cpu, own);
	cr_assert_str_eq(seat.reason, "where the caller is pinned");
	expect(dsr_plan_seat(plan, 1, &seat), 0);
	cr_assert(seat.cpu >= 0 && seat.cpu != own);
	d = start(b);
	set = affinity_of(thread_at(d, 0).tid);
	expect(CPU_COUNT(&set), 1);
	/* Or the kernel has refused that CPU, in a container with one. */
	expect(thread_at(d, 0).wait, CPU_ISSET(seat.cpu, &set) ? DSR_WAIT_PAUSE : DSR_WAIT_PARK);
	dsr_plan_free(plan);
	put(producer_of(d), 8);
	finish(d);
}

static int64_t attach_open(struct dsr_disruptor *d, const char *name, enum dsr_wait wait)
{
	struct dsr_handler handler = {
		.on_event = on_event, .name = name, .pin = DSR_AUTOMATIC, .wait = wait};

	return dsr_attach_handler(d, &handler, DSR_FROM_NOW);
}

/* The CPU that the thread with that name is pinned to; -1: to none. */
static int cpu_of(struct dsr_disruptor *d, const char *name)
{
	struct dsr_placement report;

	expect(dsr_placement_read_sized(d, &report, offsetof(struct dsr_placement, pages_reason)),
	       0);
	for (uint32_t i = 0; i < report.threads; i++) {
		struct dsr_thread_placement thread = thread_at(d, i);
		cpu_set_t set;

		if (strcmp(thread.name, name) != 0 || !thread.tid)
			continue;
		set = affinity_of(thread.tid);
		for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&set) == 1; cpu++)
			if (CPU_ISSET((size_t)cpu, &set))
				return cpu;
		return -1;
	}
	cr_assert(false, "no thread %s", name);
	return -1;
}

CASE(plan, who_comes_takes_what_is_left)
{
	struct dsr_builder *b = build(false, 8);
	cpu_set_t own = affinity_of(0), taken;
	struct dsr_disruptor *d;
	char name[16];
	int first, cpu;

	if (CPU_COUNT(&own) < 2)
		cr_skip_test("not here: one CPU");
	add(b, "first", DSR_AUTOMATIC);
	d = start(b);
	first = cpu_of(d, "first");
	cr_assert(first >= 0);
	CPU_ZERO(&taken);
	CPU_SET((size_t)first, &taken);
	/* All but the producer's. */
	for (int i = 2; i <= CPU_COUNT(&own); i++) {
		snprintf(name, sizeof(name), "comer-%d", i % 1000);
		expect(attach_open(d, name, DSR_WAIT_PARK), 0);
		cpu = cpu_of(d, name);
		if (i == CPU_COUNT(&own)) {
			expect(cpu, -1);
			break;
		}
		cr_assert(cpu >= 0 && !CPU_ISSET((size_t)cpu, &taken), "CPU %d", cpu);
		CPU_SET((size_t)cpu, &taken);
	}
	/* Who spins without a CPU of its own does not keep others from theirs. */
	expect(attach_open(d, "spinner", DSR_WAIT_BUSY_SPIN), 0);
	expect(cpu_of(d, "spinner"), -1);
	/* What is given back can be had again. */
	expect(dsr_detach(d, "first", DSR_FOREVER), 0);
	expect(attach_open(d, "second", DSR_WAIT_DEFAULT), 0);
	expect(cpu_of(d, "second"), first);
	put(producer_of(d), 8);
	finish(d);
}

CASE(plan, spinner_without_a_cpu_yields)
{
	struct dsr_builder *b = build(false, 8);
	cpu_set_t own = affinity_of(0);
	struct dsr_disruptor *d;

	/* None of them spins but the last, for which there is none. */
	for (int i = 0; i < CPU_COUNT(&own) - 1; i++)
		add_waiting(b, NULL, DSR_AUTOMATIC, DSR_WAIT_PARK);
	add_waiting(b, "spinner", DSR_AUTOMATIC, DSR_WAIT_BUSY_SPIN);
	d = start(b);
	expect(thread_at(d, (uint32_t)CPU_COUNT(&own) - 1).wait, DSR_WAIT_YIELD);
	expect(cpu_of(d, "spinner"), CPU_COUNT(&own) > 1 ? -1 : some_cpu());
	finish(d);
}

/* A CPU that was left free for the producer stays so, whatever else becomes free. */
CASE(plan, producers_cpu_is_never_given_away)
{
	struct dsr_builder *b = build(false, 8);
	cpu_set_t own = affinity_of(0);
	struct dsr_disruptor *d;
	struct dsr_plan *plan;
	struct dsr_seat seat;
	char name[16];

	if (CPU_COUNT(&own) < 2)
		cr_skip_test("not here: one CPU");
	add_waiting(b, "first", DSR_CPU(some_cpu()), DSR_WAIT_PARK);
	add_waiting(b, "second", DSR_AUTOMATIC, DSR_WAIT_PARK);
	expect(dsr_plan_make(b, NULL, &plan), 0);
	expect(dsr_plan_seat(plan, 0, &seat), 0);
	dsr_plan_free(plan);
	cr_assert(seat.cpu >= 0 && seat.cpu != some_cpu());
	d = start(b);
	expect(dsr_detach(d, "first", DSR_FOREVER), 0);
	for (int i = 0; i < CPU_COUNT(&own); i++) {
		snprintf(name, sizeof(name), "comer-%d", i % 1000);
		expect(attach_open(d, name, DSR_WAIT_PARK), 0);
		cr_assert(cpu_of(d, name) != seat.cpu);
	}
	finish(d);
}

/* Its CPUs are those of the caller of dsr_start(). */
CASE(plan, who_attaches_may_be_pinned)
{
	struct dsr_builder *b = build(false, 8);
	cpu_set_t own = affinity_of(0), two;
	struct dsr_disruptor *d;
	struct dsr_plan *plan;
	struct dsr_seat seat;

	if (CPU_COUNT(&own) < 3)
		cr_skip_test("not here: fewer than three CPUs");
	add(b, "first", DSR_AUTOMATIC);
	expect(dsr_plan_make(b, NULL, &plan), 0);
	CPU_ZERO(&two);
	for (uint32_t i = 0; i < 2; i++) {
		expect(dsr_plan_seat(plan, i, &seat), 0);
		CPU_SET((size_t)seat.cpu, &two);
	}
	dsr_plan_free(plan);
	d = start(b);
	cr_assert(sched_setaffinity(0, sizeof(two), &two) == 0);
	expect(attach_open(d, "second", DSR_WAIT_PARK), 0);
	cr_assert(cpu_of(d, "second") >= 0 && !CPU_ISSET((size_t)cpu_of(d, "second"), &two));
	finish(d);
}

struct nested {
	struct dsr_disruptor *d;
	int64_t result;
};

/* On the thread of one that is being attached, and has its seat already. */
static int attach_another(void *state)
{
	struct nested *n = state;

	n->result = attach_open(n->d, "inner", DSR_WAIT_PARK);
	return 0;
}

CASE(plan, two_that_come_at_once_get_two_cpus)
{
	struct dsr_builder *b = build(false, 8);
	struct nested nested = {.result = -1};
	struct dsr_handler handler = {.on_event = on_event,
				      .on_start = attach_another,
				      .state = &nested,
				      .name = "outer",
				      .pin = DSR_AUTOMATIC,
				      .wait = DSR_WAIT_PARK};
	cpu_set_t own = affinity_of(0);
	struct dsr_disruptor *d;

	if (CPU_COUNT(&own) < 2)
		cr_skip_test("not here: one CPU");
	add(b, "first", DSR_UNPINNED);
	d = start(b);
	nested.d = d;
	expect(dsr_attach_handler(d, &handler, DSR_FROM_NOW), 0);
	expect(nested.result, 0);
	cr_assert(cpu_of(d, "outer") >= 0);
	cr_assert(cpu_of(d, "outer") != cpu_of(d, "inner"));
	finish(d);
}

static int attach_a_spinner(void *state)
{
	struct nested *n = state;
	struct dsr_handler handler = {.on_event = on_event,
				      .name = "inner",
				      .pin = DSR_CPU(some_cpu()),
				      .wait = DSR_WAIT_BUSY_SPIN};

	n->result = dsr_attach_handler(n->d, &handler, DSR_FROM_NOW);
	return 0;
}

CASE(plan, two_that_come_at_once_do_not_spin_on_one_cpu)
{
	struct dsr_builder *b = build(false, 8);
	struct nested nested = {.result = -1};
	struct dsr_handler handler = {.on_event = on_event,
				      .on_start = attach_a_spinner,
				      .state = &nested,
				      .name = "outer",
				      .pin = DSR_CPU(some_cpu()),
				      .wait = DSR_WAIT_BUSY_SPIN};
	struct dsr_disruptor *d;
	int spinners = 0;

	add(b, "first", DSR_UNPINNED);
	d = start(b);
	nested.d = d;
	expect(dsr_attach_handler(d, &handler, DSR_FROM_NOW), 0);
	expect(nested.result, 0);
	for (uint32_t i = 0; i < 3; i++)
		spinners += thread_at(d, i).wait == DSR_WAIT_BUSY_SPIN;
	cr_assert(spinners <= 1, "%d spin on one CPU", spinners);
	finish(d);
}

static int stop_at_once(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)event;
	(void)sequence;
	(void)end_of_batch;
	(void)state;
	return DSR_STOP;
}

CASE(plan, who_has_ended_has_given_its_cpu_back)
{
	struct dsr_handler handler = {
		.on_event = stop_at_once, .name = "first", .pin = DSR_AUTOMATIC};
	struct dsr_builder *b = build(false, 8);
	cpu_set_t own = affinity_of(0);
	struct dsr_disruptor *d;
	int first;

	if (CPU_COUNT(&own) < 2)
		cr_skip_test("not here: one CPU");
	expect(dsr_handle_events(b, &handler), 0);
	add(b, "other", DSR_UNPINNED);
	d = start(b);
	first = cpu_of(d, "first");
	cr_assert(first >= 0);
	put(producer_of(d), 1);
	while (thread_at(d, 0).tid)
		sched_yield();
	cr_assert(attach_open(d, "second", DSR_WAIT_DEFAULT) >= 0);
	expect(cpu_of(d, "second"), first);
	finish(d);
}
