/* SPDX-License-Identifier: MIT */
/*
 * Where memory is wanted, and what became of it. What cannot be had here, huge
 * pages say, has to be told by the report, and to fail the start where it is required.
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "unit.h"

TestSuite(place, .timeout = 60);

enum { CAPACITY = 65536, EVENT = 56, SLOT_BYTES = CAPACITY * 64, HUGE = 2 << 20 };

static struct dsr_builder *build_seen(struct seen *s, int pin)
{
	struct dsr_builder *b = dsr_build_multi_producer(CAPACITY, EVENT);
	struct dsr_handler handler;

	seen_init(s, 0);
	handler = seen_handler(s);
	handler.name = "reader";
	handler.pin = pin;
	expect(dsr_handle_events(b, &handler), 0);
	return b;
}

static void read_all(struct dsr_disruptor *d, struct dsr_placement *report)
{
	expect(dsr_placement_read(d, report), 0);
	expect(report->pages, report->on_node + report->elsewhere + report->unknown);
}

static bool text_has(struct dsr_disruptor *d, const char *words)
{
	char text[4096];
	int length = dsr_placement_text(d, text, sizeof(text));

	cr_assert(length > 0 && length < (int)sizeof(text));
	return strstr(text, words);
}

/* It works, whatever it is made of. */
static void put_and_finish(struct dsr_disruptor *d, struct seen *s)
{
	put(producer_of(d), 3 * 1024);
	finish(d);
	expect(s->count, 3 * 1024);
	expect(s->gaps, 0);
}

CASE(place, wrong_wishes_are_refused_by_name)
{
	static const struct {
		int (*call)(struct dsr_builder *b, int where, enum dsr_strictness how);
		const char *name;
	} calls[] = {
		{dsr_place_slots, "slots"},
		{dsr_place_sequences, "sequences"},
		{dsr_place_producers, "producers"},
	};

	for (int i = 0; i < 3; i++) {
		for (int bad = 0; bad < 3; bad++) {
			static const int places[] = {DSR_CPU(0), 12, DSR_NODE(0)};
			struct dsr_builder *b = build(true, 8);

			expect(calls[i].call(b, places[bad], bad == 2 ? 2 : DSR_PREFER), -EINVAL);
			cr_assert(strstr(dsr_builder_message(b), calls[i].name) != NULL);
			expect(dsr_builder_destroy(b), 0);
		}
		expect(calls[i].call(NULL, DSR_ANYWHERE, DSR_PREFER), -ENOMEM);
	}
}

CASE(place, lines_are_not_interleaved)
{
	struct dsr_builder *b = build(true, 8);

	expect(dsr_place_sequences(b, DSR_INTERLEAVED, DSR_PREFER), -EINVAL);
	expect(dsr_builder_destroy(b), 0);
	b = build(true, 8);
	expect(dsr_place_producers(b, DSR_INTERLEAVED, DSR_PREFER), -EINVAL);
	expect(dsr_builder_destroy(b), 0);
}

CASE(place, wrong_pages_are_refused)
{
	static const int pages[] = {-1, DSR_PAGES_1G + 1, DSR_PAGES_SMALL};

	for (int i = 0; i < 3; i++) {
		struct dsr_builder *b = build(true, 8);

		expect(dsr_place_pages(b, (enum dsr_pages)pages[i],
				       i == 2 ? (enum dsr_strictness)7 : DSR_PREFER),
		       -EINVAL);
		cr_assert(strstr(dsr_builder_message(b), "pages") != NULL);
		expect(dsr_builder_destroy(b), 0);
	}
	expect(dsr_place_pages(NULL, DSR_PAGES_SMALL, DSR_PREFER), -ENOMEM);
	expect(dsr_place_locked(NULL, DSR_PREFER), -ENOMEM);
}

CASE(place, wrong_lock_is_refused)
{
	struct dsr_builder *b = build(true, 8);

	expect(dsr_place_locked(b, (enum dsr_strictness)9), -EINVAL);
	cr_assert(strstr(dsr_builder_message(b), "lock") != NULL);
	expect(dsr_builder_destroy(b), 0);
}

CASE(place, small_pages_stay_small)
{
	struct dsr_placement report;
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = build_seen(&s, DSR_UNPINNED);

	expect(dsr_place_pages(b, DSR_PAGES_SMALL, DSR_REQUIRE), 0);
	d = start(b);
	read_all(d, &report);
	expect(report.page_size, sysconf(_SC_PAGESIZE));
	expect(report.huge_bytes, 0);
	expect(report.pages_reason, 0);
	put_and_finish(d, &s);
}

/* The kernel may have none to give; then it has to be told. */
CASE(place, transparent_pages_are_had_or_missed)
{
	struct dsr_placement report;
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = build_seen(&s, DSR_UNPINNED);

	expect(dsr_place_pages(b, DSR_PAGES_TRANSPARENT, DSR_PREFER), 0);
	d = start(b);
	read_all(d, &report);
	if (report.pages_reason == 0) {
		expect(report.huge_bytes, report.slot_bytes);
	} else {
		cr_assert(report.huge_bytes < report.slot_bytes);
		cr_assert(text_has(d, "not as asked"));
	}
	put_and_finish(d, &s);
}

static void require_pages(enum dsr_pages pages, uint64_t page_size)
{
	struct dsr_placement report;
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = build_seen(&s, DSR_UNPINNED);
	int err;

	expect(dsr_place_pages(b, pages, DSR_REQUIRE), 0);
	err = dsr_start(b, &d);
	if (err < 0) {
		cr_assert(err == -ENOMEM || err == -EOPNOTSUPP, "%d", err);
		cr_assert(strstr(dsr_builder_message(b), "huge pages") != NULL);
		cr_assert(d == NULL);
		expect(dsr_builder_destroy(b), 0);
		expect(s.starts, 0);
		return;
	}
	read_all(d, &report);
	expect(report.pages_reason, 0);
	if (page_size)
		expect(report.page_size, page_size);
	else
		expect(report.huge_bytes, report.slot_bytes);
	put_and_finish(d, &s);
}

CASE(place, required_pages_are_had_or_refused)
{
	require_pages(DSR_PAGES_TRANSPARENT, 0);
	require_pages(DSR_PAGES_2M, HUGE);
	require_pages(DSR_PAGES_1G, UINT64_C(1) << 30);
}

CASE(place, preferred_pools_are_done_without)
{
	static const enum dsr_pages pages[] = {DSR_PAGES_2M, DSR_PAGES_1G};

	for (int i = 0; i < 2; i++) {
		struct dsr_placement report;
		struct dsr_disruptor *d;
		struct seen s;
		struct dsr_builder *b = build_seen(&s, DSR_UNPINNED);

		expect(dsr_place_pages(b, pages[i], DSR_PREFER), 0);
		d = start(b);
		read_all(d, &report);
		if (report.page_size == (uint64_t)sysconf(_SC_PAGESIZE)) {
			cr_assert(report.pages_reason == -ENOMEM ||
				  report.pages_reason == -EOPNOTSUPP);
			cr_assert(text_has(d, "not as asked"));
		} else {
			expect(report.pages_reason, 0);
		}
		put_and_finish(d, &s);
	}
}

/* The limit is for who is not root. */
static void become_nobody(rlim_t lockable)
{
	const struct rlimit limit = {lockable, lockable};

	cr_assert(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
	if (geteuid() == 0)
		cr_assert(seteuid(65534) == 0);
}

/* Only so can a look for leaks look. */
static void become_oneself(void)
{
	cr_assert(seteuid(getuid()) == 0);
}

/* The sanitizers make it a call that does nothing. */
static void need_locking(void)
{
#if defined(UNIT_LEAKS) || defined(UNIT_PLAIN)
	cr_skip_test("not here: the sanitizer locks nothing");
#endif
}

CASE(place, memory_is_locked)
{
	struct dsr_placement report;
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b;

	need_locking();
	b = build_seen(&s, DSR_UNPINNED);
	expect(dsr_place_locked(b, DSR_PREFER), 0);
	d = start(b);
	read_all(d, &report);
	if (report.lock_reason == 0) {
		expect(report.locked_bytes, report.slot_bytes);
		cr_assert(text_has(d, "locked"));
	} else {
		expect(report.locked_bytes, 0);
		cr_assert(text_has(d, "not locked"));
	}
	put_and_finish(d, &s);
}

CASE(place, lock_over_the_limit)
{
	static const rlim_t limits[] = {0, 64 * 1024};

	need_locking();
	become_nobody(64 * 1024);
	for (int i = 1; i >= 0; i--) {
		struct rlimit limit = {limits[i], limits[i]};
		struct dsr_placement report;
		struct dsr_disruptor *d;
		struct seen s;
		struct dsr_builder *b = build_seen(&s, DSR_UNPINNED);
		int err;

		cr_assert(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
		expect(dsr_place_locked(b, DSR_REQUIRE), 0);
		err = dsr_start(b, &d);
		cr_assert(err == -ENOMEM || err == -EPERM, "%d", err);
		cr_assert(strstr(dsr_builder_message(b), "locked") != NULL);
		expect(dsr_builder_destroy(b), 0);
		b = build_seen(&s, DSR_UNPINNED);
		expect(dsr_place_locked(b, DSR_PREFER), 0);
		d = start(b);
		read_all(d, &report);
		expect(report.lock_reason, err);
		expect(report.locked_bytes, 0);
		cr_assert(text_has(d, "not locked"));
		put_and_finish(d, &s);
	}
	become_oneself();
}

CASE(place, interleaved_slots)
{
	struct dsr_placement report;
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = build_seen(&s, DSR_UNPINNED);

	expect(dsr_place_slots(b, DSR_INTERLEAVED, DSR_PREFER), 0);
	d = start(b);
	read_all(d, &report);
	expect(report.node, -1);
	cr_assert(report.reason == 0 || report.reason == -EPERM || report.reason == -EOPNOTSUPP);
	put_and_finish(d, &s);
}

/* One of the two is a node that there is. */
static void place_by_threads(int where, const char *choice)
{
	struct dsr_placement report;
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = build_seen(&s, DSR_CPU(some_cpu()));

	expect(dsr_producer_at(b, DSR_CPU(some_cpu())), 0);
	expect(dsr_place_slots(b, where, DSR_PREFER), 0);
	d = start(b);
	read_all(d, &report);
	if (access("/sys/devices/system/node/node0", F_OK) == 0) {
		cr_assert(report.node >= 0);
		cr_assert(strstr(report.choice, choice) != NULL, "%s", report.choice);
		cr_assert(text_has(d, choice));
	}
	put_and_finish(d, &s);
}

CASE(place, by_threads)
{
	place_by_threads(DSR_CONSUMER_NODE, "reader");
	place_by_threads(DSR_PRODUCER_NODE, "producer");
	place_by_threads(DSR_MIDDLE_NODE, "middle");
}

CASE(place, required_place_of_nobody)
{
	static const int places[] = {DSR_CONSUMER_NODE, DSR_MIDDLE_NODE};

	for (int i = 0; i < 2; i++) {
		struct dsr_disruptor *d;
		struct seen s;
		struct dsr_builder *b = build_seen(&s, DSR_UNPINNED);
		int err;

		expect(dsr_place_slots(b, places[i], DSR_REQUIRE), 0);
		err = dsr_start(b, &d);
		/* The caller is a producer, if it is pinned itself. */
		if (err == 0 && i == 1) {
			finish(d);
			continue;
		}
		cr_assert(err == -EINVAL || err == -EOPNOTSUPP, "%d", err);
		cr_assert(strstr(dsr_builder_message(b), "slots") != NULL);
		cr_assert(i == 1 || strstr(dsr_builder_message(b), "pinned") != NULL);
		expect(dsr_builder_destroy(b), 0);
	}
}

CASE(place, sequences_on_a_node_that_is_not_there)
{
	struct dsr_disruptor *d;
	struct dsr_range range;
	struct seen s;
	struct dsr_builder *b = build_seen(&s, DSR_UNPINNED);
	int err;

	expect(dsr_place_sequences(b, DSR_NODE(900), DSR_REQUIRE), 0);
	err = dsr_start(b, &d);
	cr_assert(err < 0);
	cr_assert(strstr(dsr_builder_message(b), "sequences") != NULL);
	expect(dsr_builder_destroy(b), 0);
	b = build_seen(&s, DSR_UNPINNED);
	expect(dsr_place_sequences(b, DSR_NODE(900), DSR_PREFER), 0);
	d = start(b);
	expect(dsr_placement_range(d, 1, &range), 0);
	expect(range.kind, DSR_RANGE_SEQUENCES);
	expect(range.node, 900);
	expect(range.reason, err);
	expect(range.on_node, 0);
	put_and_finish(d, &s);
}

CASE(place, producers_on_a_node_that_is_not_there)
{
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = build_seen(&s, DSR_UNPINNED);

	expect(dsr_place_producers(b, DSR_NODE(900), DSR_REQUIRE), 0);
	d = start(b);
	cr_assert(dsr_producer(d) == NULL);
	finish(d);
	b = build_seen(&s, DSR_UNPINNED);
	expect(dsr_place_producers(b, DSR_NODE(900), DSR_PREFER), 0);
	d = start(b);
	put_and_finish(d, &s);
}

static bool is_within(const void *address, const struct dsr_range *range)
{
	return (uintptr_t)address - (uintptr_t)range->base < range->bytes;
}

/* What the kernel says, without the library. */
static void expect_range(const struct dsr_range *range)
{
	uint64_t on_node = 0, elsewhere = 0, unknown = 0, page;

	expect((uintptr_t)range->base % range->page_size, 0);
	expect(range->bytes % range->page_size, 0);
	expect(range->pages, range->bytes / range->page_size);
	for (page = 0; page < range->pages; page++) {
		void *address = (void *)((uintptr_t)range->base + page * range->page_size);
		int status = -1;

		if (syscall(SYS_move_pages, 0, 1UL, &address, NULL, &status, 0) < 0 || status < 0)
			unknown++;
		else if (status == (range->node < 0 ? range->other_node : range->node))
			on_node++;
		else
			elsewhere++;
	}
	if (range->unknown == range->pages)
		return;
	expect(range->on_node, on_node);
	expect(range->elsewhere, elsewhere);
	expect(range->unknown, unknown);
}

CASE(place, ranges_are_what_the_kernel_says)
{
	uint32_t counts[4] = {0};
	struct dsr_placement report;
	struct dsr_range ranges[8], beyond;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	int64_t first;
	struct seen s;
	struct dsr_builder *b = build_seen(&s, DSR_CPU(some_cpu()));

	expect(dsr_add_poller(b, &(struct dsr_poller_options){.name = "poller"}), 0);
	d = start(b);
	p = producer_of(d);
	first = dsr_claim_n(p, CAPACITY, DSR_NOW);
	read_all(d, &report);
	/* Slots, sequences, one producer's line, two consumers'. */
	expect(report.ranges, 5);
	for (uint32_t i = 0; i < report.ranges; i++) {
		expect(dsr_placement_range(d, i, &ranges[i]), 0);
		expect_range(&ranges[i]);
		counts[ranges[i].kind]++;
		for (uint32_t j = 0; j < i; j++)
			cr_assert(!is_within(ranges[i].base, &ranges[j]) &&
				  !is_within(ranges[j].base, &ranges[i]));
	}
	expect(ranges[0].kind, DSR_RANGE_SLOTS);
	expect(counts[DSR_RANGE_SEQUENCES], 1);
	expect(counts[DSR_RANGE_PRODUCER], 1);
	expect(counts[DSR_RANGE_CONSUMER], 2);
	cr_assert(is_within(dsr_event(p, first), &ranges[0]));
	cr_assert(is_within(dsr_event(p, first + CAPACITY - 1), &ranges[0]));
	cr_assert(is_within(p, &ranges[2]));
	expect(report.bytes, ranges[0].bytes + ranges[1].bytes);
	expect(dsr_placement_range(d, 5, &beyond), -EINVAL);
	expect(dsr_placement_range(d, 0, NULL), -EINVAL);
	expect(dsr_placement_range(NULL, 0, &beyond), -EINVAL);
	expect(dsr_placement_range_sized(d, 0, &beyond, sizeof(beyond) + 1), -EINVAL);
	dsr_abort(p);
	finish(d);
}

/* Huge pages of the slots, if there are any, are not told of the lines beside them. */
CASE(place, lines_are_not_huge)
{
	struct dsr_disruptor *d;
	struct dsr_range range;
	struct seen s;
	struct dsr_builder *b = build_seen(&s, DSR_UNPINNED);

	expect(dsr_place_slots(b, DSR_ANYWHERE, DSR_PREFER), 0);
	expect(dsr_place_pages(b, DSR_PAGES_TRANSPARENT, DSR_PREFER), 0);
	d = start(b);
	(void)producer_of(d);
	for (uint32_t i = 1; dsr_placement_range(d, i, &range) == 0; i++)
		expect(range.huge_bytes, 0);
	finish(d);
}

/* Enough consumers come that another block of sequences is taken. */
CASE(place, ranges_of_who_comes)
{
	struct dsr_placement before, after;
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = build_seen(&s, DSR_UNPINNED);
	uint32_t sequences = 0;

	d = start(b);
	read_all(d, &before);
	for (int i = 0; i < 40; i++) {
		struct dsr_poller *poller;
		char name[24];

		snprintf(name, sizeof(name), "poller-%d", i);
		cr_assert(dsr_attach_poller(d, &(struct dsr_poller_options){.name = name},
					    DSR_FROM_NOW, &poller) >= 0);
	}
	read_all(d, &after);
	for (uint32_t i = 0; i < after.ranges; i++) {
		struct dsr_range range;

		expect(dsr_placement_range(d, i, &range), 0);
		expect_range(&range);
		sequences += range.kind == DSR_RANGE_SEQUENCES;
	}
	cr_assert(sequences > 1);
	expect(after.ranges, before.ranges + 40 + sequences - 1);
	finish(d);
}

/* In a child the memory is not there: what it copied would tear the pages apart. */
CASE(place, child_has_none_of_it)
{
	struct dsr_range ranges[5];
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = build_seen(&s, DSR_UNPINNED);
	uint32_t count = 0;
	int said[2], status;
	char answer;
	pid_t child;

	d = start(b);
	(void)producer_of(d);
	while (count < 5 && dsr_placement_range(d, count, &ranges[count]) == 0)
		count++;
	expect(count, 4);
	cr_assert(pipe(said) == 0);
	child = fork();
	if (child == 0) {
		char there = 0;

		for (uint32_t i = 0; i < count; i++) {
			unsigned char in;

			there |= mincore((void *)ranges[i].base, (size_t)sysconf(_SC_PAGESIZE),
					 &in) == 0 ||
				 errno != ENOMEM;
		}
		/* No end of its own: it would be asked where it has left what lies there. */
		while (write(said[1], &there, 1) == 1)
			pause();
		_exit(1);
	}
	cr_assert(child > 0);
	expect(read(said[0], &answer, 1), 1);
	expect(answer, 0);
	cr_assert(kill(child, SIGKILL) == 0);
	expect(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status));
	close(said[0]);
	close(said[1]);
	finish(d);
}

CASE(place, lost_cpu_is_told)
{
	struct dsr_thread_placement thread;
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = build_seen(&s, DSR_CPU(some_cpu()));
	cpu_set_t all, one;

	d = start(b);
	expect(dsr_placement_lost(NULL), -EINVAL);
	expect(dsr_placement_lost(d), 0);
	expect(dsr_placement_thread(d, 0, &thread), 0);
	expect(thread.is_lost, false);
	expect(thread.pinned_cpu, some_cpu());
	cr_assert(sched_getaffinity(0, sizeof(all), &all) == 0);
	cr_assert(sched_getaffinity(thread.tid, sizeof(one), &one) == 0);
	if (CPU_COUNT(&all) == 1) {
		finish(d);
		cr_skip_test("not here: one CPU");
	}
	cr_assert(sched_setaffinity(thread.tid, sizeof(all), &all) == 0);
	expect(dsr_placement_lost(d), 1);
	expect(dsr_placement_thread(d, 0, &thread), 0);
	expect(thread.is_lost, true);
	expect(thread.cpus, CPU_COUNT(&all));
	cr_assert(text_has(d, "LOST"));
	cr_assert(sched_setaffinity(thread.tid, sizeof(one), &one) == 0);
	expect(dsr_placement_lost(d), 0);
	finish(d);
}

/* Nobody was promised a place. */
CASE(place, unpinned_thread_has_nothing_to_lose)
{
	struct dsr_thread_placement thread;
	struct dsr_disruptor *d;
	struct seen s;
	cpu_set_t one;

	d = start(build_seen(&s, DSR_UNPINNED));
	expect(dsr_placement_thread(d, 0, &thread), 0);
	expect(thread.pinned_cpu, -1);
	CPU_ZERO(&one);
	CPU_SET(some_cpu(), &one);
	cr_assert(sched_setaffinity(thread.tid, sizeof(one), &one) == 0);
	expect(dsr_placement_lost(d), 0);
	finish(d);
}

CASE(place, threads_run_as_others_do)
{
	struct dsr_thread_placement thread;
	struct dsr_disruptor *d;
	struct seen s;

	d = start(build_seen(&s, DSR_UNPINNED));
	expect(dsr_placement_thread(d, 0, &thread), 0);
	expect(thread.policy, sched_getscheduler(0));
	expect(thread.priority, 0);
	finish(d);
}

static struct dsr_builder *build_fifo(struct seen *s, uint32_t priority)
{
	struct dsr_builder *b = build(true, 8);
	struct dsr_handler handler;

	seen_init(s, 0);
	handler = seen_handler(s);
	handler.name = "urgent";
	handler.wait = DSR_WAIT_PARK;
	handler.fifo = priority;
	(void)dsr_handle_events(b, &handler);
	return b;
}

CASE(place, fifo_is_had_or_refused)
{
	struct dsr_thread_placement thread;
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = build_fifo(&s, 7);
	int err = dsr_start(b, &d);

	if (err < 0) {
		expect(err, -EPERM);
		cr_assert(strstr(dsr_builder_message(b), "urgent: SCHED_FIFO") != NULL);
		expect(dsr_builder_destroy(b), 0);
		return;
	}
	expect(dsr_placement_thread(d, 0, &thread), 0);
	expect(thread.policy, SCHED_FIFO);
	expect(thread.priority, 7);
	cr_assert(text_has(d, "fifo priority 7"));
	expect(sched_getscheduler(0), SCHED_OTHER);
	put(producer_of(d), 5);
	finish(d);
	expect(s.count, 5);
}

CASE(place, fifo_that_is_not_allowed)
{
	const struct rlimit none = {0, 0};
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = build_fifo(&s, 7);

	cr_assert(setrlimit(RLIMIT_RTPRIO, &none) == 0);
	if (geteuid() == 0)
		cr_assert(seteuid(65534) == 0);
	expect(dsr_start(b, &d), -EPERM);
	cr_assert(strstr(dsr_builder_message(b), "urgent: SCHED_FIFO") != NULL);
	expect(dsr_builder_destroy(b), 0);
	expect(s.starts, 0);
	become_oneself();
}

CASE(place, fifo_beyond_the_range)
{
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = build_fifo(&s, 100);

	expect(dsr_start(b, &d), -EINVAL);
	cr_assert(strstr(dsr_builder_message(b), "fifo 100") != NULL);
	expect(dsr_builder_destroy(b), 0);
}

/* Under SCHED_FIFO a thread that yields keeps everybody else off its CPU all the same. */
CASE(place, fifo_that_shares_a_cpu_sleeps)
{
	struct dsr_builder *b = build(true, 8);
	struct dsr_thread_placement thread;
	struct dsr_disruptor *d;
	struct seen seen[2];
	int err;

	for (int i = 0; i < 2; i++) {
		struct dsr_handler handler;

		seen_init(&seen[i], 0);
		handler = seen_handler(&seen[i]);
		handler.pin = DSR_CPU(some_cpu());
		handler.wait = DSR_WAIT_BUSY_SPIN;
		handler.fifo = 1;
		expect(dsr_handle_events(b, &handler), 0);
	}
	err = dsr_start(b, &d);
	if (err == -EPERM) {
		expect(dsr_builder_destroy(b), 0);
		cr_skip_test("not here: no SCHED_FIFO");
	}
	expect(err, 0);
	for (uint32_t i = 0; i < 2; i++) {
		expect(dsr_placement_thread(d, i, &thread), 0);
		expect(thread.wait, DSR_WAIT_PARK);
	}
	put(producer_of(d), 8);
	finish(d);
	expect(seen[0].count, 8);
	expect(seen[1].count, 8);
}

/* The producer spins, too. */
CASE(place, spinner_on_the_producers_cpu_yields)
{
	struct dsr_thread_placement thread;
	struct dsr_disruptor *d;
	struct seen s;
	struct dsr_builder *b = dsr_build_single_producer(8, EVENT);
	struct dsr_handler handler;

	seen_init(&s, 0);
	handler = seen_handler(&s);
	handler.pin = DSR_CPU(some_cpu());
	handler.wait = DSR_WAIT_BUSY_SPIN;
	expect(dsr_producer_at(b, DSR_CPU(some_cpu())), 0);
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	expect(dsr_placement_thread(d, 0, &thread), 0);
	expect(thread.wait, DSR_WAIT_YIELD);
	finish(d);
}

/* As numactl --membind does it; the ring's memory asks for no node then. */
CASE(place, process_that_is_bound_to_a_node)
{
	enum { BIND = 2 };
	unsigned long mask = 1;
	struct dsr_disruptor *d;
	struct seen s;

	if (syscall(SYS_set_mempolicy, BIND, &mask, 64UL) < 0)
		cr_skip_test("not here: no policies of memory");
	d = start(build_seen(&s, DSR_UNPINNED));
	put_and_finish(d, &s);
}
