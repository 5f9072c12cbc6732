/* SPDX-License-Identifier: MIT */
/*
 * The report against what the kernel says to us: pages by our own move_pages(2),
 * threads by /proc. Without NUMA, or where a container forbids the call, the
 * report has to say that instead.
 */
#include "unit.h"

TestSuite(placement, .timeout = 60);

enum { CAPACITY = 1024, EVENT = 56 };

static struct dsr_disruptor *start_placed(int where, enum dsr_strictness how, struct seen *s)
{
	struct dsr_builder *b = dsr_build_multi_producer(CAPACITY, EVENT);
	struct dsr_handler handler;

	seen_init(s, 0);
	handler = seen_handler(s);
	handler.name = "reader";
	handler.pin = DSR_CPU(some_cpu());
	expect(dsr_place_slots(b, where, how), 0);
	expect(dsr_handle_events(b, &handler), 0);
	return start(b);
}

static void read_text(struct dsr_disruptor *d, char *text, size_t size)
{
	int length = dsr_placement_text(d, text, size);

	cr_assert(length > 0 && (size_t)length < size);
	expect(strlen(text), length);
}

/* Where the kernel has the pages of the events, node by node, and below zero. */
struct pages {
	uint64_t count, on_node, elsewhere, unknown;
};

/* Returns 0, or why the kernel does not tell. */
static int read_pages(struct dsr_disruptor *d, int node, struct pages *pages)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), last = 0;
	struct dsr_producer *p = producer_of(d);
	int64_t first = dsr_claim_n(p, CAPACITY, DSR_NOW);
	int err = 0;

	memset(pages, 0, sizeof(*pages));
	for (int64_t i = 0; i < CAPACITY && err == 0; i++) {
		void *address = (void *)((uintptr_t)dsr_event(p, first + i) / page * page);
		int status = -1;

		if ((uintptr_t)address == last)
			continue;
		last = (uintptr_t)address;
		if (syscall(SYS_move_pages, 0, 1UL, &address, NULL, &status, 0) < 0)
			err = -errno;
		pages->count++;
		pages->unknown += status < 0;
		pages->on_node += status >= 0 && status == node;
		pages->elsewhere += status >= 0 && status != node;
	}
	dsr_abort(p);
	dsr_producer_release(p);
	return err;
}

static void expect_pages(struct dsr_disruptor *d, const struct dsr_placement *report)
{
	/* Where none was asked for, it is told which one it became. */
	int node = report->node >= 0 ? report->node : report->other_node;
	struct pages pages;
	int err = read_pages(d, node, &pages);

	expect(report->pages, report->slot_bytes / report->page_size);
	expect(report->pages, report->on_node + report->elsewhere + report->unknown);
	if (err < 0 || report->unknown == report->pages) {
		expect(report->on_node + report->elsewhere, 0);
		expect(report->unknown, report->pages);
		return;
	}
	expect(report->pages, pages.count);
	expect(report->on_node, pages.on_node);
	expect(report->elsewhere, pages.elsewhere);
	expect(report->unknown, pages.unknown);
}

CASE(placement, pages_are_where_the_kernel_says)
{
	static const int places[] = {DSR_CONSUMER_NODE, DSR_ANYWHERE, DSR_NODE(0)};

	for (int i = 0; i < 3; i++) {
		struct seen s;
		struct dsr_disruptor *d = start_placed(places[i], DSR_PREFER, &s);
		struct dsr_placement report;

		expect(dsr_placement_read(d, &report), 0);
		expect_pages(d, &report);
		finish(d);
	}
}

CASE(placement, sizes_add_up)
{
	struct seen s;
	struct dsr_disruptor *d = start_placed(DSR_ANYWHERE, DSR_PREFER, &s);
	struct dsr_placement report;

	memset(&report, 0xff, sizeof(report));
	expect(dsr_placement_read(d, &report), 0);
	expect(report.stride, 64);
	expect(report.slot_bytes, 64 * CAPACITY);
	cr_assert(report.bytes > report.slot_bytes);
	expect(report.bytes % (uint64_t)sysconf(_SC_PAGESIZE), 0);
	expect(report.page_size, sysconf(_SC_PAGESIZE));
	cr_assert(report.huge_bytes <= report.slot_bytes);
	expect(report.node, -1);
	expect(report.reason, 0);
	expect(report.threads, 1);
	finish(d);
}

CASE(placement, one_cpu_is_told)
{
	struct seen s;
	struct dsr_disruptor *d = start_placed(DSR_ANYWHERE, DSR_PREFER, &s);
	struct dsr_placement report;
	cpu_set_t set;

	cr_assert(sched_getaffinity(0, sizeof(set), &set) == 0);
	expect(dsr_placement_read(d, &report), 0);
	expect(report.waits_yield, CPU_COUNT(&set) == 1);
	finish(d);
}

/* On one CPU who spins would keep the other side from running. */
CASE(placement, spinning_on_one_cpu_becomes_yielding)
{
	cpu_set_t one;
	struct seen seen[2];
	struct dsr_builder *b;
	struct dsr_disruptor *d;
	struct dsr_placement report;
	struct dsr_producer *p;
	char text[1024];

	CPU_ZERO(&one);
	CPU_SET(some_cpu(), &one);
	cr_assert(sched_setaffinity(0, sizeof(one), &one) == 0);
	b = build(false, 4);
	for (int i = 0; i < 2; i++) {
		struct dsr_handler handler;

		seen_init(&seen[i], 0);
		handler = seen_handler(&seen[i]);
		handler.wait = i ? DSR_WAIT_PAUSE : DSR_WAIT_BUSY_SPIN;
		expect(dsr_handle_events(b, &handler), 0);
	}
	d = start(b);
	p = producer_of(d);
	expect(dsr_producer_set_wait(p, DSR_WAIT_BUSY_SPIN), 0);
	for (int i = 0; i < 100; i++)
		put(p, 4);
	expect(dsr_placement_read(d, &report), 0);
	expect(report.waits_yield, true);
	for (uint32_t i = 0; i < 2; i++) {
		struct dsr_thread_placement thread;

		expect(dsr_placement_thread(d, i, &thread), 0);
		expect(thread.wait, DSR_WAIT_YIELD);
	}
	read_text(d, text, sizeof(text));
	cr_assert(strstr(text, "too few CPUs") != NULL);
	finish(d);
	expect(seen[0].count, 400);
	expect(seen[1].count, 400);
}

static void expect_comm(int tid, const char *name)
{
	char path[64], comm[64] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	file = fopen(path, "re");
	cr_assert(file != NULL, "no %s", path);
	cr_assert(fgets(comm, sizeof(comm), file) != NULL);
	fclose(file);
	comm[strcspn(comm, "\n")] = '\0';
	cr_assert_str_eq(comm, name);
}

static struct dsr_disruptor *start_three(struct seen *seen)
{
	static const char *const names[] = {"journal", "fifteen-bytes-x", NULL};
	struct dsr_builder *b = build(true, 8);

	for (int i = 0; i < 3; i++) {
		struct dsr_handler handler;

		seen_init(&seen[i], 0);
		handler = seen_handler(&seen[i]);
		handler.name = names[i];
		handler.pin = i == 1 ? DSR_CPU(some_cpu()) : DSR_UNPINNED;
		handler.wait = i == 1 ? DSR_WAIT_YIELD : DSR_WAIT_DEFAULT;
		expect(dsr_handle_events(b, &handler), 0);
	}
	return start(b);
}

CASE(placement, threads_are_what_the_kernel_says)
{
	static const char *const names[] = {"journal", "fifteen-bytes-x", "processor-2"};
	struct seen seen[3];
	struct dsr_disruptor *d = start_three(seen);
	struct dsr_thread_placement thread;
	struct dsr_placement report;
	char list[64], number[16];
	cpu_set_t set;

	cr_assert(sched_getaffinity(0, sizeof(set), &set) == 0);
	expect(dsr_placement_read(d, &report), 0);
	expect(report.threads, 3);
	for (uint32_t i = 0; i < 3; i++) {
		expect(dsr_placement_thread(d, i, &thread), 0);
		cr_assert_str_eq(thread.name, names[i]);
		cr_assert(thread.tid > 0 && thread.tid != getpid());
		expect_comm(thread.tid, names[i]);
		expect(thread.pin, i == 1 ? DSR_CPU(some_cpu()) : DSR_UNPINNED);
		expect(thread.cpus, i == 1 ? 1 : CPU_COUNT(&set));
		expect(thread.wait, i == 1 ? DSR_WAIT_YIELD : DSR_WAIT_PARK);
		cr_assert(thread.cpu >= -1 && thread.cpu < CPU_SETSIZE);
		cr_assert(thread.cpu == -1 || CPU_ISSET(thread.cpu, &set));
		if (i != 1)
			continue;
		snprintf(number, sizeof(number), "%d", some_cpu());
		cr_assert(read_status(thread.tid, "Cpus_allowed_list", list, sizeof(list)));
		cr_assert_str_eq(list, number);
		expect(thread.cpu, some_cpu());
	}
	finish(d);
}

/* Of the waits by default, the one of a handler pinned to a CPU. */
CASE(placement, pinned_thread_spins_by_default)
{
	struct seen s;
	struct dsr_builder *b = build(true, 8);
	struct dsr_handler handler;
	struct dsr_thread_placement thread;
	struct dsr_placement report;
	struct dsr_disruptor *d;

	seen_init(&s, 0);
	handler = seen_handler(&s);
	handler.pin = DSR_CPU(some_cpu());
	handler.wait = DSR_WAIT_DEFAULT;
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	expect(dsr_placement_read(d, &report), 0);
	expect(dsr_placement_thread(d, 0, &thread), 0);
	expect(thread.wait, report.waits_yield ? DSR_WAIT_YIELD : DSR_WAIT_PAUSE);
	finish(d);
}

CASE(placement, threads_that_have_ended)
{
	struct seen seen[3];
	struct dsr_disruptor *d = start_three(seen);
	struct dsr_thread_placement thread;
	struct dsr_placement report;
	char text[2048];

	expect(dsr_shutdown(d, DSR_FOREVER), 0);
	expect(dsr_placement_read(d, &report), 0);
	expect(report.threads, 3);
	/* The memory is there until the end. */
	expect(report.pages, report.on_node + report.elsewhere + report.unknown);
	for (uint32_t i = 0; i < 3; i++) {
		expect(dsr_placement_thread(d, i, &thread), 0);
		expect(thread.tid, 0);
		expect(thread.cpu, -1);
		expect(thread.node, -1);
		cr_assert(thread.name[0] != '\0');
	}
	read_text(d, text, sizeof(text));
	cr_assert(strstr(text, "journal") && strstr(text, "processor-2"));
	expect(dsr_destroy(d), 0);
}

CASE(placement, what_is_not_there_is_not_told)
{
	struct seen seen[3];
	struct dsr_disruptor *d = start_three(seen);
	struct dsr_thread_placement thread;
	struct dsr_placement report;
	char text[8];

	expect(dsr_placement_thread(d, 3, &thread), -EINVAL);
	expect(dsr_placement_thread(d, UINT32_MAX, &thread), -EINVAL);
	expect(dsr_placement_thread(d, 0, NULL), -EINVAL);
	expect(dsr_placement_thread(NULL, 0, &thread), -EINVAL);
	expect(dsr_placement_read(d, NULL), -EINVAL);
	expect(dsr_placement_read(NULL, &report), -EINVAL);
	expect(dsr_placement_text(NULL, text, sizeof(text)), -EINVAL);
	expect(dsr_placement_text(d, NULL, sizeof(text)), -EINVAL);
	finish(d);
}

/* Structs of programs older and newer than the library. */
CASE(placement, structs_of_other_sizes)
{
	struct {
		struct dsr_placement report;
		uint64_t beyond;
	} memory;
	struct {
		struct dsr_thread_placement report;
		uint64_t beyond;
	} thread;
	struct seen seen[3];
	struct dsr_disruptor *d = start_three(seen);

	memset(&memory, 0xee, sizeof(memory));
	memset(&thread, 0xee, sizeof(thread));
	expect(dsr_placement_read_sized(d, &memory.report, sizeof(memory)), -EINVAL);
	expect(dsr_placement_thread_sized(d, 0, &thread.report, sizeof(thread)), -EINVAL);
	expect(memory.report.bytes, INT64_C(-0x1111111111111112));
	expect(dsr_placement_read_sized(d, &memory.report, sizeof(memory.report.bytes)), 0);
	cr_assert(memory.report.bytes < UINT32_MAX);
	expect(memory.report.slot_bytes, INT64_C(-0x1111111111111112));
	expect(dsr_placement_thread_sized(d, 0, &thread.report, sizeof(thread.report.name)), 0);
	cr_assert_str_eq(thread.report.name, "journal");
	expect(thread.report.tid, -0x11111112);
	finish(d);
}

/*
 * The lengths may differ from call to call by digits of a CPU's number; the text
 * that has to fit is compared with itself. Pinned, nothing moves.
 */
CASE(placement, text_is_cut_like_snprintf)
{
	struct seen s;
	struct dsr_disruptor *d = start_placed(DSR_CONSUMER_NODE, DSR_PREFER, &s);
	char whole[1024], part[1024];
	int length = dsr_placement_text(d, whole, sizeof(whole));

	cr_assert(length > 20 && length < (int)sizeof(whole));
	expect(strlen(whole), length);
	cr_assert(strstr(whole, "reader") != NULL);
	expect(dsr_placement_text(d, NULL, 0), length);
	memset(part, 'x', sizeof(part));
	expect(dsr_placement_text(d, part, 0), length);
	expect(part[0], 'x');
	expect(dsr_placement_text(d, part, 1), length);
	expect(part[0], '\0');
	expect(part[1], 'x');
	expect(dsr_placement_text(d, part, 10), length);
	expect(strlen(part), 9);
	expect(strncmp(part, whole, 9), 0);
	expect(part[10], 'x');
	expect(dsr_placement_text(d, part, (size_t)length), length);
	expect(strlen(part), length - 1);
	expect(part[length], 'x');
	expect(dsr_placement_text(d, part, (size_t)length + 1), length);
	cr_assert_str_eq(part, whole);
	finish(d);
}

CASE(placement, text_names_every_thread)
{
	struct seen seen[3];
	struct dsr_disruptor *d = start_three(seen);
	char text[2048];

	read_text(d, text, sizeof(text));
	cr_assert(strstr(text, "thread journal: ") != NULL);
	cr_assert(strstr(text, "thread fifteen-bytes-x: ") != NULL);
	cr_assert(strstr(text, "thread processor-2: ") != NULL);
	finish(d);
}

static struct dsr_builder *build_required(int where, int pin, struct seen *s)
{
	struct dsr_builder *b = dsr_build_multi_producer(CAPACITY, EVENT);
	struct dsr_handler handler;

	seen_init(s, 0);
	handler = seen_handler(s);
	handler.pin = pin;
	expect(dsr_place_slots(b, where, DSR_REQUIRE), 0);
	expect(dsr_handle_events(b, &handler), 0);
	return b;
}

/* This kernel, or what confines us, has no nodes for us; the report of a test says why not. */
static bool has_no_numa(int err)
{
	return err == -EOPNOTSUPP || err == -EPERM || err == -ENOSYS;
}

static void require_works(int where, int pin)
{
	struct seen s;
	struct dsr_builder *b = build_required(where, pin, &s);
	struct dsr_placement report;
	struct dsr_disruptor *d;
	int err = dsr_start(b, &d);

	if (has_no_numa(err)) {
		cr_assert(strstr(dsr_builder_message(b), "slots") != NULL);
		expect(dsr_builder_destroy(b), 0);
		cr_skip_test("not here: %s", dsr_strerror(err));
	}
	cr_assert(err == 0, "%d: %s", err, dsr_builder_message(b));
	expect(dsr_placement_read(d, &report), 0);
	expect(report.reason, 0);
	cr_assert(report.node >= 0);
	expect(report.on_node, report.pages);
	expect(report.elsewhere + report.unknown, 0);
	expect_pages(d, &report);
	put(producer_of(d), 10);
	finish(d);
	/* The look at the pages aborted a lap. */
	expect(s.count, 10);
}

CASE(placement, required_node_is_had)
{
	if (access("/sys/devices/system/node/node0", F_OK) < 0)
		cr_skip_test("not here: no node 0");
	require_works(DSR_NODE(0), DSR_UNPINNED);
}

CASE(placement, required_node_of_the_consumer_is_had)
{
	require_works(DSR_CONSUMER_NODE, DSR_CPU(some_cpu()));
}

CASE(placement, required_node_of_no_pinned_consumer)
{
	struct seen s;
	struct dsr_builder *b = build_required(DSR_CONSUMER_NODE, DSR_UNPINNED, &s);
	struct dsr_disruptor *d;
	int err = dsr_start(b, &d);

	cr_assert(err == -EINVAL || err == -EOPNOTSUPP, "%d", err);
	cr_assert(strstr(dsr_builder_message(b), "pinned") != NULL);
	expect(dsr_builder_destroy(b), 0);
	expect(s.starts, 0);
}

/* Nothing can fail then. */
CASE(placement, anywhere_may_be_required)
{
	struct seen s;
	struct dsr_disruptor *d = start(build_required(DSR_ANYWHERE, DSR_UNPINNED, &s));

	put(producer_of(d), 1);
	finish(d);
	expect(s.count, 1);
}

CASE(placement, node_that_does_not_exist_is_refused)
{
	struct seen s;
	struct dsr_builder *b = build_required(DSR_NODE(900), DSR_UNPINNED, &s);
	struct dsr_disruptor *d = (void *)b;
	int err = dsr_start(b, &d);

	cr_assert(err == -ENODEV || has_no_numa(err), "%d", err);
	cr_assert(d == NULL);
	cr_assert(strstr(dsr_builder_message(b), "node 900") != NULL);
	expect(dsr_builder_destroy(b), 0);
	expect(s.starts, 0);
}

CASE(placement, node_that_does_not_exist_is_done_without)
{
	struct seen s;
	struct dsr_disruptor *d = start_placed(DSR_NODE(900), DSR_PREFER, &s);
	struct dsr_placement report;
	char text[1024];

	expect(dsr_placement_read(d, &report), 0);
	expect(report.node, 900);
	cr_assert(report.reason == -ENODEV || has_no_numa(report.reason), "%d", report.reason);
	expect(report.on_node, 0);
	expect_pages(d, &report);
	read_text(d, text, sizeof(text));
	cr_assert(strstr(text, "node 900") != NULL);
	cr_assert(strstr(text, dsr_strerror(report.reason)) != NULL);
	put(producer_of(d), 5);
	finish(d);
	expect(s.count, 5);
}
