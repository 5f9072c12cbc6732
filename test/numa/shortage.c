/* SPDX-License-Identifier: MIT */
/*
 * What is short: a node, a cpuset, a control group, the pools of huge pages, what may be
 * locked. It is told as an error, or done without and told; never by a signal, and nobody
 * else is killed for it. For a machine with two nodes at least that have both memory and
 * CPUs. TAP on stdout.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "ring.h"

enum { HUGE = 2 << 20, SMALL_RING = 1 << 16, BYSTANDER = 24 << 20 };

static int near, far;

/* What is asked for. */
struct wish {
	const char *name;
	int slots;
	enum dsr_strictness how;
	enum dsr_pages pages;
	enum dsr_strictness pages_how;
	long pool_near, pool_far; /* huge pages there are */
	bool is_had;              /* it starts */
	bool are_huge;            /* and has pages of 2 MiB then */
	bool is_near;             /* and on the right node */
	bool is_limited;          /* to one huge page, by a control group */
};

static struct dsr_builder *build(struct reader *r, uint64_t capacity, int slots,
				 enum dsr_strictness how)
{
	struct dsr_builder *b = dsr_build_single_producer(capacity, EVENT);
	struct dsr_handler handler = ring_handler(r, DSR_UNPINNED);

	dsr_place_slots(b, slots, how);
	dsr_handle_events(b, &handler);
	return b;
}

static void expect_error(struct dsr_builder *b, int wanted)
{
	struct dsr_disruptor *d;
	int err = dsr_start(b, &d);

	need(err < 0, "it started");
	check(wanted == 0 || err == wanted, "%d (%s), not %d", err, dsr_builder_message(b), wanted);
	check(dsr_builder_message(b)[0] != '\0', "no message");
	printf("# %s\n", dsr_builder_message(b));
	check(dsr_builder_destroy(b) == 0, "destroy");
}

/* Another process, the largest there is, which the kernel would choose first. */
static pid_t stand_by(void)
{
	pid_t pid;
	int ready[2];
	char c;

	need(pipe(ready) == 0, "no pipe");
	pid = fork();
	if (pid == 0) {
		char *memory = mmap(NULL, BYSTANDER, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		kernel_pin(kernel_first(kernel_cpus_of(far)));
		memset(memory, 1, BYSTANDER);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	need(read(ready[0], &c, 1) == 1, "nobody stands by");
	return pid;
}

static void expect_alive(pid_t bystander, long kills)
{
	check(waitpid(bystander, NULL, WNOHANG) == 0, "the bystander was killed");
	check(kernel_kills() == kills, "the kernel has killed %ld", kernel_kills() - kills);
	kill(bystander, SIGKILL);
}

/*
 * Huge pages, which nobody else gets, take all of a node but for what the kernel keeps to
 * itself and 8 to 10 MiB: what a process needs to run at all, or it is killed for that.
 */
static void fill_node(int node)
{
	enum { LEFT_KIB = 8 << 10 };
	long pages = kernel_pool(node, 1 << 20);

	while (pages > 0 && kernel_free_kib(node) < kernel_kept_kib(node) + LEFT_KIB)
		pages = kernel_pool(node, pages - 1);
	printf("# %ld KiB are free on node %d, of which the kernel keeps %ld\n",
	       kernel_free_kib(node), node, kernel_kept_kib(node));
}

static int set_kept(const char *kib)
{
	return kernel_write(kib, "/proc/sys/vm/min_free_kbytes");
}

/* Slots that do not fit on a node which has so much. */
static uint64_t too_many_for(long free_kib)
{
	uint64_t capacity = SMALL_RING;

	while (capacity * STRIDE / 1024 < (uint64_t)free_kib * 2)
		capacity *= 2;
	return capacity;
}

static void full_node(const void *argument)
{
	const struct wish *w = argument;
	struct reader r = {0};
	struct dsr_placement report;
	struct dsr_disruptor *d;
	struct dsr_builder *b;
	long kills = kernel_kills();
	pid_t bystander = stand_by();

	fill_node(near);
	b = build(&r, too_many_for(kernel_free_kib(near)), DSR_NODE(near), w->how);
	if (w->how == DSR_REQUIRE) {
		expect_error(b, -ENOMEM);
	} else {
		d = ring_start(b);
		ring_run(d, &r, 1, 1);
		ring_look(d, &report);
		check(report.reason == -ENOMEM && report.elsewhere > 0,
		      "%" PRIu64 " pages elsewhere, reason %d", report.elsewhere, report.reason);
		ring_end(d);
	}
	expect_alive(bystander, kills);
}

static void enter_cpuset(const char *group, int node)
{
	char text[64];

	need(kernel_group(group) == 0, "no control group");
	kernel_list(kernel_cpus_of(node), text, sizeof(text));
	need(kernel_limit(group, "cpuset.cpus", text) == 0, "cpuset.cpus %s", text);
	kernel_list(UINT64_C(1) << node, text, sizeof(text));
	need(kernel_limit(group, "cpuset.mems", text) == 0, "cpuset.mems %s", text);
	need(kernel_enter(group) == 0, "it cannot be entered");
}

/* Nowhere to go: the kernel would kill for a preference, too. */
static void full_cpuset(const void *argument)
{
	const struct wish *w = argument;
	struct reader r = {0};
	long kills = kernel_kills();
	pid_t bystander = stand_by();

	fill_node(near);
	enter_cpuset(w->how == DSR_REQUIRE ? "full-required" : "full", near);
	expect_error(build(&r, too_many_for(kernel_free_kib(near)), w->slots, w->how), -ENOMEM);
	expect_alive(bystander, kills);
}

/* Of what is free the kernel keeps some, and would rather kill than give it away. */
static void kept_cpuset(const void *argument)
{
	enum { RING = 16 << 20 };
	const struct wish *w = argument;
	struct reader r = {0};
	long kills = kernel_kills();
	pid_t bystander = stand_by();

	need(set_kept("49152") == 0, "it keeps what it wants");
	fill_node(near);
	enter_cpuset(w->how == DSR_REQUIRE ? "kept-required" : "kept", near);
	if (kernel_free_kib(near) < RING / 1024)
		tap_skip("the kernel keeps too little");
	expect_error(build(&r, RING / STRIDE, w->slots, w->how), -ENOMEM);
	expect_alive(bystander, kills);
}

static void limited_memory(const void *argument)
{
	const struct wish *w = argument;
	const char *group = w->how == DSR_REQUIRE ? "limited-required" : "limited";
	struct reader r = {0};
	struct dsr_placement report;
	struct dsr_disruptor *d;
	long kills = kernel_kills();
	pid_t bystander = stand_by();

	need(kernel_group(group) == 0, "no control group");
	need(kernel_limit(group, "memory.max", "16M") == 0, "no limit");
	need(kernel_enter(group) == 0, "it cannot be entered");
	expect_error(build(&r, (32 << 20) / STRIDE, w->slots, w->how), -ENOMEM);
	/* Which is no reason to refuse what fits. */
	d = ring_start(build(&r, (2 << 20) / STRIDE, w->slots, w->how));
	ring_run(d, &r, 1, 2);
	ring_look(d, &report);
	ring_end(d);
	expect_alive(bystander, kills);
}

static void no_such_machine(const void *unused)
{
	struct reader r = {0};
	long kills = kernel_kills();
	pid_t bystander = stand_by();

	(void)unused;
	expect_error(build(&r, (UINT64_C(1) << 30) / STRIDE, DSR_ANYWHERE, DSR_PREFER), -ENOMEM);
	expect_error(build(&r, (UINT64_C(1) << 30) / STRIDE, DSR_NODE(near), DSR_PREFER), -ENOMEM);
	expect_error(build(&r, (UINT64_C(1) << 30) / STRIDE, DSR_INTERLEAVED, DSR_PREFER), -ENOMEM);
	expect_alive(bystander, kills);
}

static void check_pools(const struct wish *w)
{
	/* Pages that it moved stay where they are. */
	check(kernel_pool_free(near) + kernel_pool_free(far) == w->pool_near + w->pool_far,
	      "huge pages were not given back: %ld and %ld are free", kernel_pool_free(near),
	      kernel_pool_free(far));
}

static void pool(const void *argument)
{
	const struct wish *w = argument;
	struct reader r = {0};
	struct dsr_builder *b = build(&r, SMALL_RING, w->slots, w->how);
	struct dsr_placement report;
	struct dsr_disruptor *d;

	need(kernel_pool(near, w->pool_near) == w->pool_near &&
		     kernel_pool(far, w->pool_far) == w->pool_far,
	     "the pools cannot be set up");
	if (w->is_limited) {
		need(kernel_group("pool") == 0, "no control group");
		need(kernel_limit("pool", "hugetlb.2MB.max", "2M") == 0, "no limit");
		need(kernel_enter("pool") == 0, "it cannot be entered");
	}
	dsr_place_pages(b, w->pages, w->pages_how);
	if (!w->is_had) {
		expect_error(b, 0);
		check_pools(w);
		return;
	}
	d = ring_start(b);
	ring_run(d, &r, 1, 2);
	ring_look(d, &report);
	check((report.page_size == HUGE) == w->are_huge, "pages of %" PRIu64, report.page_size);
	check((report.pages_reason == 0) == w->are_huge, "pages: reason %d", report.pages_reason);
	check((report.on_node == report.pages) == w->is_near && (report.reason == 0) == w->is_near,
	      "%" PRIu64 " of %" PRIu64 " pages on node %d, reason %d", report.on_node,
	      report.pages, report.node, report.reason);
	ring_end(d);
	check_pools(w);
}

/* Memory that is free becomes a huge page for one that has to move, whatever the pool has. */
static void pools(void)
{
	static struct wish w[] = {
		{.name = "empty", .is_had = true, .is_near = true},
		{.name = "empty, required", .pages_how = DSR_REQUIRE},
		{.name = "just enough",
		 .pool_near = 2,
		 .is_had = true,
		 .are_huge = true,
		 .is_near = true},
		{.name = "just enough, all required",
		 .pool_near = 2,
		 .how = DSR_REQUIRE,
		 .pages_how = DSR_REQUIRE,
		 .is_had = true,
		 .are_huge = true,
		 .is_near = true},
		{.name = "half full", .pool_near = 1, .is_had = true, .is_near = true},
		{.name = "half full, required", .pool_near = 1, .pages_how = DSR_REQUIRE},
		{.name = "half full, all required",
		 .pool_near = 1,
		 .how = DSR_REQUIRE,
		 .pages_how = DSR_REQUIRE},
		{.name = "half full, the rest on another node",
		 .pool_near = 1,
		 .pool_far = 4,
		 .is_had = true,
		 .is_near = true},
		{.name = "half full, the rest on another node, node required",
		 .pool_near = 1,
		 .pool_far = 4,
		 .how = DSR_REQUIRE,
		 .is_had = true,
		 .is_near = true},
		{.name = "half full, the rest on another node, pages required",
		 .pool_near = 1,
		 .pool_far = 4,
		 .pages_how = DSR_REQUIRE,
		 .is_had = true,
		 .are_huge = true},
		{.name = "half full, the rest on another node, all required",
		 .pool_near = 1,
		 .pool_far = 4,
		 .how = DSR_REQUIRE,
		 .pages_how = DSR_REQUIRE,
		 .is_had = true,
		 .are_huge = true,
		 .is_near = true},
		{.name = "on the wrong node", .pool_far = 4, .is_had = true, .is_near = true},
		{.name = "on the wrong node, pages required",
		 .pool_far = 4,
		 .pages_how = DSR_REQUIRE,
		 .is_had = true,
		 .are_huge = true},
		{.name = "on the wrong node, all required",
		 .pool_far = 4,
		 .how = DSR_REQUIRE,
		 .pages_how = DSR_REQUIRE,
		 .is_had = true,
		 .are_huge = true,
		 .is_near = true},
		{.name = "limited by a control group",
		 .pool_near = 4,
		 .is_limited = true,
		 .is_had = true,
		 .is_near = true},
		{.name = "limited by a control group, required",
		 .pool_near = 4,
		 .pages_how = DSR_REQUIRE,
		 .is_limited = true},
		{.name = "limited by a control group, all required",
		 .pool_near = 4,
		 .how = DSR_REQUIRE,
		 .pages_how = DSR_REQUIRE,
		 .is_limited = true},
	};

	for (size_t i = 0; i < sizeof(w) / sizeof(*w); i++) {
		w[i].slots = DSR_NODE(near);
		w[i].pages = DSR_PAGES_2M;
		tap_case(pool, &w[i], "pool of huge pages is %s", w[i].name);
	}
	kernel_drain_pools();
}

static int set_transparent(const char *mode)
{
	return kernel_write(mode, "/sys/kernel/mm/transparent_hugepage/enabled");
}

/* The kernel makes none for anybody. */
static void no_transparent(const void *argument)
{
	const struct wish *w = argument;
	struct reader r = {0};
	struct dsr_builder *b = build(&r, SMALL_RING, w->slots, w->how);
	struct dsr_placement report;
	struct dsr_disruptor *d;

	need(set_transparent("never") == 0, "they cannot be switched off");
	dsr_place_pages(b, DSR_PAGES_TRANSPARENT, w->how);
	if (w->how == DSR_REQUIRE) {
		expect_error(b, 0);
		return;
	}
	d = ring_start(b);
	ring_run(d, &r, 1, 2);
	ring_look(d, &report);
	check(report.huge_bytes == 0 && report.pages_reason < 0,
	      "%" PRIu64 " bytes in huge pages, reason %d", report.huge_bytes, report.pages_reason);
	ring_end(d);
}

/* It makes some for who asks. */
static void asked_transparent(const void *argument)
{
	const struct wish *w = argument;
	struct reader r = {0};
	struct dsr_builder *b = build(&r, SMALL_RING, w->slots, w->how);
	struct dsr_placement report;
	struct dsr_disruptor *d;

	need(set_transparent("madvise") == 0, "no such mode");
	dsr_place_pages(b, DSR_PAGES_TRANSPARENT, w->how);
	d = ring_start(b);
	ring_run(d, &r, 1, 2);
	ring_look(d, &report);
	check(report.huge_bytes == report.slot_bytes && report.pages_reason == 0,
	      "%" PRIu64 " bytes in huge pages, reason %d", report.huge_bytes, report.pages_reason);
	ring_end(d);
}

/* Somebody who is not root, and may lock so much. */
static void become_user(rlim_t limit)
{
	struct rlimit limits = {limit, limit};

	need(setrlimit(RLIMIT_MEMLOCK, &limits) == 0, "no limit");
	need(setgid(1000) == 0 && setuid(1000) == 0, "it stays root");
	/* Or its own /proc is not its own. */
	prctl(PR_SET_DUMPABLE, 1);
}

static void expect_locked(enum dsr_strictness how, int reason)
{
	struct reader r = {0};
	struct dsr_builder *b = build(&r, SMALL_RING, DSR_NODE(near), DSR_REQUIRE);
	struct dsr_placement report;
	struct dsr_range range;
	struct dsr_disruptor *d;
	uint64_t wanted;

	dsr_place_locked(b, how);
	if (reason < 0 && how == DSR_REQUIRE) {
		expect_error(b, reason);
		return;
	}
	d = ring_start(b);
	ring_run(d, &r, 1, 2);
	need(dsr_placement_read(d, &report) == 0, "no report");
	check(report.lock_reason == reason, "locked: reason %d, not %d", report.lock_reason,
	      reason);
	wanted = reason ? 0 : report.slot_bytes;
	check(report.locked_bytes == wanted, "%" PRIu64 " bytes are locked", report.locked_bytes);
	ring_find(d, DSR_RANGE_SLOTS, 0, &range);
	check((kernel_mapping(range.base, "Locked") > 0) == (wanted > 0),
	      "the kernel has %ld bytes locked", kernel_mapping(range.base, "Locked"));
	ring_end(d);
}

static void locked(const void *argument)
{
	enum dsr_strictness how = *(const enum dsr_strictness *)argument;

	expect_locked(how, 0);
	become_user((rlim_t)64 << 20);
	expect_locked(how, 0);
}

static void locked_above_limit(const void *argument)
{
	become_user((rlim_t)64 << 10);
	expect_locked(*(const enum dsr_strictness *)argument, -ENOMEM);
}

static void locked_not_at_all(const void *argument)
{
	become_user(0);
	expect_locked(*(const enum dsr_strictness *)argument, -EPERM);
}

static void locks(void)
{
	static const enum dsr_strictness hows[] = {DSR_PREFER, DSR_REQUIRE};

	for (int i = 0; i < 2; i++) {
		const char *how = hows[i] ? "required" : "preferred";

		tap_case(locked, &hows[i], "locked, %s", how);
		tap_case(locked_above_limit, &hows[i], "locked above the limit, %s", how);
		tap_case(locked_not_at_all, &hows[i], "locked without leave, %s", how);
	}
}

int main(void)
{
	static struct wish w[] = {
		{.name = "preferred"},
		{.name = "required", .how = DSR_REQUIRE},
	};

	near = kernel_first(kernel_nodes("has_memory") & kernel_nodes("has_cpu"));
	far = kernel_next_node(near);
	kernel_drain_pools();
	set_kept("4096");
	for (int i = 0; i < 2; i++) {
		w[i].slots = DSR_NODE(near);
		tap_case(full_node, &w[i], "node is full, %s", w[i].name);
		kernel_pool(near, 0);
		tap_case(full_cpuset, &w[i], "cpuset is full, %s", w[i].name);
		kernel_pool(near, 0);
		tap_case(kept_cpuset, &w[i], "cpuset has what the kernel keeps, %s", w[i].name);
		set_kept("4096");
		kernel_pool(near, 0);
		tap_case(limited_memory, &w[i], "control group is full, %s", w[i].name);
	}
	for (int i = 0; i < 2; i++) {
		tap_case(no_transparent, &w[i], "no transparent huge pages, %s", w[i].name);
		tap_case(asked_transparent, &w[i], "transparent huge pages for who asks, %s",
			 w[i].name);
		set_transparent("always");
	}
	tap_case(no_such_machine, NULL, "more than the machine has");
	pools();
	locks();
	return tap_end();
}
