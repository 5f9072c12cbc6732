/* SPDX-License-Identifier: MIT */
/*
 * What changes under a ring that runs, or confines it: cpusets, CPUs that go offline, the
 * kernel's balancing between nodes. For a machine with two nodes at least that have both
 * memory and CPUs. TAP on stdout.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "ring.h"

enum { CAPACITY = 1 << 15 };

static int near, far;

static int first_cpu(int node)
{
	return kernel_first(kernel_cpus_of(node));
}

/* The one that can go offline, which CPU 0 cannot. */
static int last_cpu(int node)
{
	return 63 - __builtin_clzll(kernel_cpus_of(node));
}

static struct dsr_builder *build(struct reader *r, int pin, int slots, enum dsr_strictness how)
{
	struct dsr_builder *b = dsr_build_single_producer(CAPACITY, EVENT);
	struct dsr_handler handler = ring_handler(r, pin);

	dsr_place_slots(b, slots, how);
	dsr_handle_events(b, &handler);
	return b;
}

/* Fails, tells about it, and leaves nothing. */
static void expect_refusal(struct dsr_builder *b, const char *word)
{
	struct dsr_disruptor *d;
	int err = dsr_start(b, &d);

	need(err < 0, "it started, against %s", word);
	check(strstr(dsr_builder_message(b), word) != NULL, "message: %s", dsr_builder_message(b));
	check(dsr_builder_destroy(b) == 0, "destroy");
}

/* All slots are on nodes of this set. */
static void expect_slots_on(struct dsr_disruptor *d, kernel_set nodes)
{
	struct dsr_range range;
	uint64_t on[NODES], count = 0;

	ring_find(d, DSR_RANGE_SLOTS, 0, &range);
	ring_count(&range, on);
	for (int node = 0; node < NODES; node++)
		count += HAS(nodes, node) ? on[node] : 0;
	check(count == range.bytes / 4096, "%" PRIu64 " of %" PRIu64 " pages on nodes %" PRIx64,
	      count, range.bytes / 4096, nodes);
}

/* Works there, with what it was asked for or without. Reason 0 or another one. */
static void expect_slots(int where, enum dsr_strictness how, kernel_set nodes, bool has_reason)
{
	struct reader r = {0};
	struct dsr_disruptor *d = ring_start(build(&r, DSR_UNPINNED, where, how));
	struct dsr_placement report;

	ring_run(d, &r, 1, 2);
	ring_look(d, &report);
	check((report.reason != 0) == has_reason, "slots at %x: reason %d", (unsigned int)where,
	      report.reason);
	expect_slots_on(d, nodes);
	ring_end(d);
}

static void expect_topology(kernel_set nodes, kernel_set cpus)
{
	struct dsr_topology *t;
	struct dsr_node_info node;
	struct dsr_cpu_info cpu;
	uint32_t i;

	need(dsr_topology_read(NULL, &t) == 0, "no topology");
	for (i = 0; dsr_topology_node(t, i, &node) == 0; i++)
		check(node.is_allowed == HAS(nodes, node.id), "node %d: allowed %d", node.id,
		      node.is_allowed);
	for (i = 0; dsr_topology_cpu(t, i, &cpu) == 0; i++)
		check(cpu.is_allowed == HAS(cpus, cpu.id), "CPU %d: allowed %d", cpu.id,
		      cpu.is_allowed);
	dsr_topology_free(t);
}

static kernel_set cpus_of(kernel_set nodes)
{
	kernel_set cpus = 0;

	for (int node = 0; node < NODES; node++)
		if (HAS(nodes, node))
			cpus |= kernel_cpus_of(node);
	return cpus;
}

static void set_cpuset(const char *group, kernel_set nodes)
{
	char text[128];
	int err =
		kernel_limit(group, "cpuset.cpus", kernel_list(cpus_of(nodes), text, sizeof(text)));

	need(err == 0, "cpuset.cpus %s: %s", text, strerror(-err));
	err = kernel_limit(group, "cpuset.mems", kernel_list(nodes, text, sizeof(text)));
	need(err == 0, "cpuset.mems %s: %s", text, strerror(-err));
}

static void enter_cpuset(const char *group, kernel_set nodes)
{
	need(kernel_group(group) == 0, "no control group");
	set_cpuset(group, nodes);
	need(kernel_enter(group) == 0, "it cannot be entered");
}

static void confined(const void *argument)
{
	kernel_set nodes = *(const kernel_set *)argument, memory = kernel_nodes("has_memory");
	char group[32], word[32];
	struct reader r = {0};

	snprintf(group, sizeof(group), "confined-%" PRIx64, nodes);
	enter_cpuset(group, nodes);
	expect_topology(nodes & memory, cpus_of(nodes));
	expect_slots(DSR_ANYWHERE, DSR_PREFER, nodes, false);
	expect_slots(DSR_INTERLEAVED, DSR_REQUIRE, nodes, false);
	for (int node = 0; node < NODES; node++) {
		if (!HAS(memory, node))
			continue;
		if (HAS(nodes, node)) {
			expect_slots(DSR_NODE(node), DSR_REQUIRE, UINT64_C(1) << node, false);
			continue;
		}
		snprintf(word, sizeof(word), "node %d", node);
		expect_slots(DSR_NODE(node), DSR_PREFER, nodes, true);
		expect_refusal(build(&r, DSR_UNPINNED, DSR_NODE(node), DSR_REQUIRE), word);
		if (kernel_cpus_of(node) == 0)
			continue;
		expect_refusal(build(&r, DSR_NODE(node), DSR_ANYWHERE, DSR_PREFER), word);
		snprintf(word, sizeof(word), "CPU %d", first_cpu(node));
		expect_refusal(build(&r, DSR_CPU(first_cpu(node)), DSR_ANYWHERE, DSR_PREFER), word);
	}
	check(r.count == 0 && r.tid == 0, "a refused handler ran");
}

/* Somebody else moves a ring that runs to another node, threads and pages. */
static void moved(const void *argument)
{
	enum dsr_strictness how = *(const enum dsr_strictness *)argument;
	const char *group = how == DSR_REQUIRE ? "moved-required" : "moved";
	struct reader r = {0};
	struct dsr_placement report;
	struct dsr_thread_placement t;
	struct dsr_disruptor *d;

	enter_cpuset(group, UINT64_C(1) << near | UINT64_C(1) << far);
	d = ring_start(build(&r, DSR_CPU(first_cpu(near)), DSR_CONSUMER_NODE, how));
	ring_run(d, &r, 1, 2);
	ring_look(d, &report);
	check(report.node == near && report.reason == 0, "node %d, reason %d", report.node,
	      report.reason);
	check(dsr_placement_lost(d) == 0, "lost before anything happened");

	set_cpuset(group, UINT64_C(1) << far);
	check(dsr_placement_lost(d) == 1, "it does not see that its thread was moved");
	ring_run(d, &r, 1, 2);
	need(dsr_placement_thread(d, 0, &t) == 0, "no thread");
	check(t.is_lost && t.pinned_cpu == first_cpu(near) && t.node == far,
	      "lost %d, pinned to CPU %d, on node %d", t.is_lost, t.pinned_cpu, t.node);
	expect_slots_on(d, UINT64_C(1) << far);
	ring_look(d, &report);
	check(report.on_node == 0 && report.other_node == far && report.reason < 0,
	      "%" PRIu64 " pages on node %d still, others on %d, reason %d", report.on_node,
	      report.node, report.other_node, report.reason);
	ring_end(d);
}

static int set_online(int cpu, bool is_online)
{
	return kernel_write(is_online ? "1" : "0", "/sys/devices/system/cpu/cpu%d/online", cpu);
}

/* What can be had of a CPU, or a node, that is offline. */
static void expect_offline(int cpu)
{
	int node = far;
	struct dsr_topology *t;
	struct dsr_cpu_info info;
	struct reader r = {0};
	char word[32];

	snprintf(word, sizeof(word), "CPU %d", cpu);
	expect_refusal(build(&r, DSR_CPU(cpu), DSR_ANYWHERE, DSR_PREFER), word);
	if (kernel_cpus_of(node) == 0) {
		snprintf(word, sizeof(word), "node %d", node);
		expect_refusal(build(&r, DSR_NODE(node), DSR_ANYWHERE, DSR_PREFER), word);
	}
	need(dsr_topology_read(NULL, &t) == 0, "no topology");
	for (uint32_t i = 0; dsr_topology_cpu(t, i, &info) == 0; i++)
		check(info.is_online == (info.id != cpu), "CPU %d: online %d", info.id,
		      info.is_online);
	dsr_topology_free(t);
}

static void unplugged(const void *unused)
{
	int cpu = last_cpu(far);
	struct reader r = {0};
	struct dsr_placement report;
	struct dsr_thread_placement t;
	struct dsr_disruptor *d;

	(void)unused;
	need(kernel_pin(first_cpu(near)), "no CPU");
	d = ring_start(build(&r, DSR_CPU(cpu), DSR_CONSUMER_NODE, DSR_REQUIRE));
	ring_run(d, &r, 1, 2);
	check(dsr_placement_lost(d) == 0, "lost before anything happened");
	if (set_online(cpu, false) < 0)
		tap_skip("CPU %d cannot go offline", cpu);
	check(dsr_placement_lost(d) == 1, "it does not see that its CPU is gone");
	ring_look(d, &report);
	/* Waking up it finds itself elsewhere. */
	ring_run(d, &r, 1, 2);
	need(dsr_placement_thread(d, 0, &t) == 0, "no thread");
	check(t.is_lost && t.pinned_cpu == cpu && t.cpu != cpu && t.cpus > 0,
	      "lost %d, pinned to CPU %d, on CPU %d of %d", t.is_lost, t.pinned_cpu, t.cpu, t.cpus);
	check(dsr_placement_lost(d) == 1, "it is not lost any more");
	ring_look(d, &report);
	check(report.reason == 0, "the pages have gone with it");
	expect_offline(cpu);

	/* Nobody puts the thread back. */
	need(set_online(cpu, true) == 0, "CPU %d does not come back", cpu);
	check(dsr_placement_lost(d) == 1, "the thread is back all by itself");
	ring_run(d, &r, 1, 2);
	ring_end(d);
	r = (struct reader){0};
	d = ring_start(build(&r, DSR_CPU(cpu), DSR_CONSUMER_NODE, DSR_REQUIRE));
	check(dsr_placement_lost(d) == 0, "lost on a CPU that is back");
	ring_run(d, &r, 1, 2);
	ring_look(d, &report);
	ring_end(d);
}

/* Memory without a policy, on the far node, which the kernel is to bring near. */
enum { BAIT = 4 << 20 };

static char *make_bait(void)
{
	char *bait = mmap(NULL, BAIT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(bait != MAP_FAILED, "no memory");
	madvise(bait, BAIT, MADV_NOHUGEPAGE);
	need(kernel_pin(first_cpu(far)), "no CPU on node %d", far);
	memset(bait, 1, BAIT);
	need(kernel_pin(first_cpu(near)), "no CPU on node %d", near);
	return bait;
}

/* Uses it, from the near node; true once a good part of it has come. */
static bool has_come(char *bait)
{
	size_t count = 0, at;

	for (at = 0; at < BAIT; at += 64)
		bait[at]++;
	for (at = 0; at < BAIT; at += 4096)
		count += kernel_page_node(bait + at) == near;
	return count > BAIT / 4096 / 4;
}

static void balanced(const void *argument)
{
	enum dsr_strictness how = *(const enum dsr_strictness *)argument;
	struct reader r = {0};
	struct dsr_placement report;
	struct dsr_disruptor *d;
	char *bait;
	int turns;

	/* First, so that who scans the process for pages to move has been there, too. */
	d = ring_start(build(&r, DSR_CPU(first_cpu(near)), DSR_NODE(far), how));
	bait = make_bait();
	for (turns = 0; turns < 1000 && (!has_come(bait) || turns < 10); turns++)
		ring_run(d, &r, 1, 1);
	if (turns == 1000)
		tap_skip("the kernel balances nothing");
	printf("# %d turns\n", turns);
	ring_look(d, &report);
	check(report.reason == 0 && report.on_node == report.pages,
	      "%" PRIu64 " pages have left node %d", report.elsewhere, far);
	ring_end(d);
}

static void set_balancing(const char *value)
{
	static const char folder[] = "/sys/kernel/debug/sched/numa_balancing";

	kernel_write("10", "%s/scan_delay_ms", folder);
	kernel_write("10", "%s/scan_period_min_ms", folder);
	kernel_write("50", "%s/scan_period_max_ms", folder);
	kernel_write(value, "/proc/sys/kernel/numa_balancing");
}

int main(void)
{
	static const enum dsr_strictness hows[] = {DSR_PREFER, DSR_REQUIRE};
	kernel_set both = kernel_nodes("has_memory") & kernel_nodes("has_cpu"), some;
	char text[64];

	near = kernel_first(both);
	far = kernel_next_node(near);
	for (int node = near; HAS(both, node); node = node == near ? far : NODES) {
		some = UINT64_C(1) << node;
		tap_case(confined, &some, "in a cpuset of node %d", node);
	}
	some = both & ~(UINT64_C(1) << far);
	if (some != UINT64_C(1) << near)
		tap_case(confined, &some, "in a cpuset of nodes %s",
			 kernel_list(some, text, sizeof(text)));
	for (int i = 0; i < 2; i++)
		tap_case(moved, &hows[i], "cpuset changes, slots %s",
			 hows[i] ? "required" : "preferred");
	tap_case(unplugged, NULL, "CPU goes offline and comes back");
	set_online(last_cpu(far) < 0 ? 1 : last_cpu(far), true);
	set_balancing("1");
	for (int i = 0; i < 2; i++)
		tap_case(balanced, &hows[i], "kernel balances, slots %s",
			 hows[i] ? "required" : "preferred");
	set_balancing("0");
	return tap_end();
}
