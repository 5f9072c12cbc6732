/* SPDX-License-Identifier: MIT */
/*
 * What the library does when the system refuses: each fault ends in a named
 * errno or in a report that says what was had instead, and nothing is left
 * behind. Faults are made by system.c; TAP on stdout.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include <disruptor/disruptor.h>

#include "system.h"

enum { CAPACITY = 4096, EVENT = 56, RING_BYTES = CAPACITY * 64 };

static int number;
static int failed;

static void check(bool good, const char *what, const char *detail)
{
	printf("%sok %d - %s%s%s\n", good ? "" : "not ", ++number, what, *detail ? ": " : "",
	       detail);
	failed += !good;
}

static int on_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	int64_t *sum = state;

	(void)sequence;
	(void)end_of_batch;
	*sum += *(int64_t *)event;
	return DSR_CONTINUE;
}

static int64_t sum;
static enum dsr_wait wait = DSR_WAIT_YIELD;

static struct dsr_builder *build(enum dsr_strictness how, int where)
{
	struct dsr_builder *b = dsr_build_single_producer(CAPACITY, EVENT);

	dsr_place_slots(b, where, how);
	dsr_handle_events(b, &(struct dsr_handler){.on_event = on_event,
						   .state = &sum,
						   .name = "first",
						   .pin = DSR_NODE(0),
						   .wait = wait});
	return b;
}

/* Runs events through; true if all arrived. */
static bool works(struct dsr_disruptor *d)
{
	struct dsr_producer *p = dsr_producer(d);
	int64_t i;

	sum = 0;
	for (i = 1; i <= 3 * CAPACITY; i++) {
		*(int64_t *)dsr_claim(p) = i;
		dsr_publish(p);
	}
	return dsr_shutdown(d, DSR_FOREVER) == 0 &&
	       sum == INT64_C(3) * CAPACITY * (3 * CAPACITY + 1) / 2;
}

/* With DSR_PREFER the program runs all the same, and the report has the reason. */
static void expect_fallback(const char *what, int reason, uint64_t on_node, uint64_t elsewhere)
{
	struct dsr_builder *b = build(DSR_PREFER, DSR_CONSUMER_NODE);
	struct dsr_placement report = {0};
	struct dsr_disruptor *d;
	char detail[200];
	bool good;
	int err = dsr_start(b, &d);

	if (err < 0) {
		check(false, what, dsr_builder_message(b));
		dsr_builder_destroy(b);
		return;
	}
	dsr_placement_read(d, &report);
	good = report.reason == reason && report.on_node == on_node &&
	       report.elsewhere == elsewhere && report.pages == RING_BYTES / 4096 && works(d);
	snprintf(detail, sizeof(detail),
		 "reason %d, %llu on the node, %llu elsewhere, %llu unknown", report.reason,
		 (unsigned long long)report.on_node, (unsigned long long)report.elsewhere,
		 (unsigned long long)report.unknown);
	dsr_destroy(d);
	check(good && seen.mapped == 0, what, good ? "" : detail);
}

static void expect_refusal(struct dsr_builder *b, const char *what, int error, const char *word)
{
	struct dsr_disruptor *d = (void *)b;
	int err = dsr_start(b, &d);
	bool good = err == error && d == NULL && strstr(dsr_builder_message(b), word);
	char detail[200];

	snprintf(detail, sizeof(detail), "%s", good ? "" : dsr_builder_message(b));
	dsr_builder_destroy(b);
	check(good && seen.mapped == 0, what, detail);
}

static void test_numa_is_missing(void)
{
	faults_reset();
	faults.no_numa = true;
	expect_fallback("no NUMA: prefer runs and says so", -EOPNOTSUPP, 0, 0);
	faults_reset();
	faults.no_numa = true;
	expect_refusal(build(DSR_REQUIRE, DSR_CONSUMER_NODE), "no NUMA: require fails", -EOPNOTSUPP,
		       "slots");
	check(seen.prefers == 0, "no NUMA: libnuma is not called", "");
}

static void test_mbind_refuses(void)
{
	faults_reset();
	faults.mbind = EPERM;
	expect_fallback("mbind EPERM, as in containers: prefer runs and says so", -EPERM,
			RING_BYTES / 4096, 0);
	faults_reset();
	faults.mbind = EPERM;
	expect_refusal(build(DSR_REQUIRE, DSR_CONSUMER_NODE), "mbind EPERM: require fails", -EPERM,
		       "slots");
	faults_reset();
	faults.mbind = EINVAL;
	expect_fallback("mbind EINVAL on a node that is there: not for us", -EPERM,
			RING_BYTES / 4096, 0);
	faults_reset();
	expect_refusal(build(DSR_REQUIRE, DSR_NODE(900)), "a node that does not exist", -ENODEV,
		       "900");
	check(seen.node == 900 && seen.maxnode > 901, "the node's bit is within maxnode - 1", "");
}

static void test_pages_lie_elsewhere(void)
{
	faults_reset();
	faults.tell = true;
	faults.page_status = 3;
	expect_fallback("pages on another node: prefer reports them", -ENOMEM, 0,
			RING_BYTES / 4096);
	faults_reset();
	faults.tell = true;
	faults.page_status = 3;
	expect_refusal(build(DSR_REQUIRE, DSR_CONSUMER_NODE),
		       "pages on another node: require fails", -ENOMEM, "slots");
	faults_reset();
	faults.bind = EIO;
	expect_refusal(build(DSR_REQUIRE, DSR_CONSUMER_NODE),
		       "pages that cannot be moved: require fails", -ENOMEM, "slots");
}

/* Nobody asked for a node: the report compares with where the first page is. */
static void test_pages_lie_anywhere(void)
{
	struct dsr_builder *b;
	struct dsr_placement report;
	struct dsr_disruptor *d;
	int err;

	faults_reset();
	faults.tell = true;
	faults.spread = true;
	faults.page_status = 3;
	b = build(DSR_PREFER, DSR_ANYWHERE);
	err = dsr_start(b, &d);
	if (err == 0) {
		dsr_placement_read(d, &report);
		check(report.node == -1 && report.other_node == 3 && report.reason == 0 &&
			      report.on_node == RING_BYTES / 8192 &&
			      report.elsewhere == RING_BYTES / 8192 && works(d),
		      "pages on two nodes, none asked for: all are counted", "");
		dsr_destroy(d);
	} else {
		check(false, "pages on two nodes, none asked for", dsr_strerror(err));
		dsr_builder_destroy(b);
	}
}

static void test_nobody_tells(void)
{
	faults_reset();
	faults.move_pages = ENOSYS;
	expect_fallback("move_pages refused: reported as not known", -ENOSYS, 0, 0);
	faults_reset();
	faults.move_pages = EPERM;
	expect_refusal(build(DSR_REQUIRE, DSR_CONSUMER_NODE),
		       "move_pages refused: require cannot be met", -EPERM, "slots");
	faults_reset();
	faults.tell = true;
	faults.page_status = -ENOENT;
	expect_fallback("a page that is not present counts as not known", -ENOENT, 0, 0);
}

static void test_order_of_placing(void)
{
	struct dsr_builder *b;
	struct dsr_disruptor *d;

	faults_reset();
	b = build(DSR_REQUIRE, DSR_CONSUMER_NODE);
	check(dsr_start(b, &d) == 0, "require on this machine's node works",
	      dsr_builder_message(b));
	if (!d) {
		dsr_builder_destroy(b);
		return;
	}
	check(seen.prefers == 1 && !seen.touched_before, "preferred before it is touched", "");
	check(seen.binds == 1 && seen.strict_move && !seen.untouched_bind,
	      "bound when all of it is there, moving what is elsewhere", "");
	check(!seen.unaligned && seen.node == 0, "at a page's address, to the node asked for", "");
	check(works(d), "and events pass", "");
	dsr_destroy(d);
	check(seen.mapped == 0, "and all is unmapped", "");
}

static void test_no_memory(void)
{
	faults_reset();
	faults.mmap_failing = RING_BYTES;
	expect_refusal(build(DSR_PREFER, DSR_CONSUMER_NODE), "mmap ENOMEM", -ENOMEM, "slots");
}

static struct dsr_builder *build_pages(enum dsr_pages pages, enum dsr_strictness how)
{
	struct dsr_builder *b = build(DSR_PREFER, DSR_CONSUMER_NODE);

	dsr_place_pages(b, pages, how);
	return b;
}

/* It runs, on small pages, and the report says why. */
static void expect_small(const char *what, int reason)
{
	struct dsr_builder *b = build_pages(DSR_PAGES_2M, DSR_PREFER);
	struct dsr_placement report = {0};
	struct dsr_disruptor *d;
	char detail[100];
	bool good = dsr_start(b, &d) == 0;

	if (!good) {
		check(false, what, dsr_builder_message(b));
		dsr_builder_destroy(b);
		return;
	}
	dsr_placement_read(d, &report);
	snprintf(detail, sizeof(detail), "pages_reason %d", report.pages_reason);
	good = report.pages_reason == reason && works(d);
	dsr_destroy(d);
	check(good && seen.mapped == 0, what, good ? "" : detail);
}

static void test_pools_of_huge_pages(void)
{
	faults_reset();
	faults.pool = true;
	faults.populate = EFAULT;
	expect_refusal(build_pages(DSR_PAGES_2M, DSR_REQUIRE),
		       "a pool runs out at the first touch: an error, no signal", -ENOMEM,
		       "huge pages");
	faults_reset();
	faults.pool = true;
	faults.tell = true;
	faults.page_status = 3;
	expect_small("a pool on another node: near pages are better than huge ones", -ENOMEM);
	check(seen.pools == 1, "and the pool was asked first", "");
	faults_reset();
	faults.pool = true;
	faults.populate = EINVAL;
	expect_small("an older kernel: pages are filled by read()", 0);
	check(seen.zeroes == 1, "a byte for each huge page", "");
	faults_reset();
	faults.pool = true;
	faults.populate = EINVAL;
	faults.zero = EFAULT;
	expect_refusal(build_pages(DSR_PAGES_2M, DSR_REQUIRE), "an older kernel's pool runs out",
		       -ENOMEM, "huge pages");
}

static void test_populate_is_refused(void)
{
	faults_reset();
	faults.populate = EFAULT;
	expect_refusal(build(DSR_PREFER, DSR_CONSUMER_NODE), "no page at the first touch", -ENOMEM,
		       "slots");
	faults_reset();
	faults.populate = EINVAL;
	expect_fallback("an older kernel: pages are touched by hand", 0, RING_BYTES / 4096, 0);
}

static void test_lock_is_refused(void)
{
	struct dsr_placement report = {0};
	struct dsr_disruptor *d;
	struct dsr_builder *b;

	faults_reset();
	faults.mlock = EAGAIN;
	b = build(DSR_PREFER, DSR_CONSUMER_NODE);
	dsr_place_locked(b, DSR_REQUIRE);
	expect_refusal(b, "mlock fails, required", -EAGAIN, "locked");
	faults_reset();
	faults.mlock = EAGAIN;
	b = build(DSR_PREFER, DSR_CONSUMER_NODE);
	dsr_place_locked(b, DSR_PREFER);
	check(dsr_start(b, &d) == 0, "mlock fails, preferred", dsr_builder_message(b));
	if (!d) {
		dsr_builder_destroy(b);
		return;
	}
	dsr_placement_read(d, &report);
	check(report.lock_reason == -EAGAIN && works(d), "and the report says so", "");
	dsr_destroy(d);
}

static void test_interleaving(void)
{
	struct dsr_placement report = {0};
	struct dsr_disruptor *d;
	struct dsr_builder *b;

	faults_reset();
	b = build(DSR_REQUIRE, DSR_INTERLEAVED);
	check(dsr_start(b, &d) == 0, "interleaved on this machine works", dsr_builder_message(b));
	if (d) {
		check(seen.interleaves == 1 && seen.binds == 0, "by one mbind(2)", "");
		works(d);
		dsr_destroy(d);
	} else {
		dsr_builder_destroy(b);
	}
	faults_reset();
	faults.mbind = EPERM;
	expect_refusal(build(DSR_REQUIRE, DSR_INTERLEAVED), "interleaving refused, required",
		       -EPERM, "slots");
	faults_reset();
	faults.mbind = EPERM;
	b = build(DSR_PREFER, DSR_INTERLEAVED);
	if (dsr_start(b, &d) == 0) {
		dsr_placement_read(d, &report);
		check(report.reason == -EPERM && works(d), "refused, preferred: told", "");
		dsr_destroy(d);
	} else {
		check(false, "interleaving refused, preferred", dsr_builder_message(b));
		dsr_builder_destroy(b);
	}
}

static void test_affinity_is_refused(void)
{
	struct dsr_builder *b;

	faults_reset();
	faults.setaffinity = EINVAL;
	b = dsr_build_single_producer(CAPACITY, EVENT);
	dsr_handle_events(
		b, &(struct dsr_handler){.on_event = on_event, .name = "risk", .pin = DSR_CPU(0)});
	expect_refusal(b, "a CPU that is there and not ours", -EPERM, "risk");
}

static enum dsr_wait wait_of(struct dsr_disruptor *d, uint32_t index)
{
	struct dsr_thread_placement thread;

	/* Up to @wait, and no more. */
	thread.wait = DSR_WAIT_CUSTOM;
	dsr_placement_thread_sized(d, index, &thread,
				   offsetof(struct dsr_thread_placement, wait) +
					   sizeof(thread.wait));
	return thread.wait;
}

/* A CPU that nobody named is no reason to fail, nor to spin where others run. */
static void test_choice_is_refused(void)
{
	struct dsr_handler handler = {.on_event = on_event, .state = &sum, .pin = DSR_AUTOMATIC};
	struct dsr_builder *b = dsr_build_single_producer(CAPACITY, EVENT);
	int64_t other_sum = 0;
	struct dsr_disruptor *d;

	faults_reset();
	faults.setaffinity = EINVAL;
	dsr_handle_events(b, &handler);
	handler.state = &other_sum;
	handler.wait = DSR_WAIT_BUSY_SPIN;
	dsr_handle_events(b, &handler);
	if (dsr_start(b, &d) < 0) {
		check(false, "a choice that is refused", dsr_builder_message(b));
		dsr_builder_destroy(b);
		return;
	}
	check(wait_of(d, 0) == DSR_WAIT_PARK, "not pinned after all: it parks", "");
	check(wait_of(d, 1) == DSR_WAIT_YIELD, "one that was to spin yields", "");
	handler.wait = DSR_WAIT_DEFAULT;
	handler.name = "late";
	check(dsr_attach_handler(d, &handler, DSR_FROM_NOW) == 0 && wait_of(d, 2) == DSR_WAIT_PARK,
	      "and one that comes later parks", "");
	faults.setaffinity = 0;
	check(works(d), "a choice that is refused, and all events arrive", "");
	dsr_destroy(d);
}

static int starts;
static int stops;

static int on_start(void *state)
{
	(void)state;
	starts++;
	return 0;
}

static void on_stop(void *state, int reason)
{
	(void)state;
	(void)reason;
	stops++;
}

static void test_threads_run_out(void)
{
	struct dsr_builder *b = dsr_build_multi_producer(CAPACITY, EVENT);

	faults_reset();
	for (int i = 0; i < 4; i++)
		dsr_handle_events(b, &(struct dsr_handler){.on_event = on_event,
							   .state = &sum,
							   .on_start = on_start,
							   .on_stop = on_stop});
	faults.thread_failing = 3;
	errno = EXDEV;
	expect_refusal(b, "no third thread: the two others go home", -EAGAIN, "processor-2");
	check(errno == EXDEV, "and errno is the caller's", "");
	check(starts == 0 && stops == 0, "and have not begun", "");
}

static struct dsr_disruptor *racing;
static sem_t some;

static void *produce(void *argument)
{
	struct dsr_producer *p = dsr_producer(racing);
	int64_t *published = argument, *event;

	while ((event = dsr_claim(p))) {
		*event = 1;
		dsr_publish(p);
		if (++*published == 1)
			sem_post(&some);
		/* A consumer that has caught up is the one that may end too early. */
		for (int i = 0; i < 16; i++)
			dsr_relax();
	}
	return NULL;
}

/*
 * Shutdown against a running single producer: each claim that was granted is
 * handled, whichever way the two sides fence.
 */
static void race_shutdown(const char *what)
{
	int64_t published = 0, lost = 0;
	pthread_t thread;
	int err = 0;

	for (int round = 0; round < 2000 && err == 0; round++) {
		struct dsr_builder *b = build(DSR_PREFER, DSR_CONSUMER_NODE);

		sem_init(&some, 0, 0);
		sum = 0;
		published = 0;
		err = dsr_start(b, &racing);
		if (err < 0)
			break;
		pthread_create(&thread, NULL, produce, &published);
		sem_wait(&some);
		err = dsr_shutdown(racing, DSR_FOREVER);
		pthread_join(thread, NULL);
		lost += published != sum;
		dsr_destroy(racing);
		sem_destroy(&some);
	}
	check(err == 0 && lost == 0, what, "");
}

enum { STAGES = 3, TRIPS = 2000 };

static sem_t arrived;

static int at_the_end(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)event;
	(void)sequence;
	(void)end_of_batch;
	(void)state;
	sem_post(&arrived);
	return DSR_CONTINUE;
}

/* Goes to sleep at once, and is asleep when the next event comes, or about to be. */
static struct dsr_handler sleeper(dsr_event_fn on_event_fn)
{
	return (struct dsr_handler){
		.on_event = on_event_fn,
		.state = &sum,
		.wait = DSR_WAIT_PARK,
		.tuning = {.spins = -1},
	};
}

static void *poll_till_drained(void *argument)
{
	struct dsr_poller *poller = argument;
	struct pollfd fd = {.fd = dsr_poller_fd(poller), .events = POLLIN};
	struct dsr_batch *batch;
	int found;

	while ((found = dsr_poll(poller, 16, &batch)) != DSR_POLL_DRAINED) {
		if (found == DSR_POLL_EVENTS)
			while (dsr_batch_next(batch))
				;
		else if (found >= 0)
			poll(&fd, 1, -1);
		else
			break;
	}
	return found == DSR_POLL_DRAINED ? NULL : poller;
}

/*
 * One event at a time through sleepers in a row, the second of them waiting by a
 * descriptor, and a producer that sleeps for each slot. Somebody who is not
 * woken stays where it is for ever, and this test with it.
 */
static void wake_a_row(bool many, const char *what)
{
	struct dsr_builder *b =
		many ? dsr_build_multi_producer(1, EVENT) : dsr_build_single_producer(1, EVENT);
	struct dsr_handler handler = sleeper(on_event);
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	void *failure = NULL;
	pthread_t thread;
	int64_t i;

	sem_init(&arrived, 0, 0);
	sum = 0;
	dsr_handle_events(b, &handler);
	dsr_then(b);
	dsr_add_poller(b, &(struct dsr_poller_options){.name = "poller"});
	for (i = 0; i < STAGES; i++) {
		dsr_then(b);
		handler = sleeper(at_the_end);
		dsr_handle_events(b, &handler);
	}
	if (dsr_start(b, &d) < 0) {
		check(false, what, dsr_builder_message(b));
		dsr_builder_destroy(b);
		return;
	}
	pthread_create(&thread, NULL, poll_till_drained, dsr_poller_find(d, "poller"));
	p = dsr_producer(d);
	dsr_producer_tune_wait(p, DSR_WAIT_PARK, &(struct dsr_wait_tuning){.spins = -1});
	for (i = 1; i <= TRIPS; i++) {
		*(int64_t *)dsr_claim(p) = i;
		dsr_publish(p);
		/* Now and then all of them sleep when the next one comes. */
		for (int k = 0; i % 4 == 0 && k < 4 * STAGES; k++)
			sem_wait(&arrived);
	}
	dsr_shutdown(d, DSR_FOREVER);
	pthread_join(thread, &failure);
	dsr_destroy(d);
	sem_destroy(&arrived);
	check(!failure && sum == (int64_t)TRIPS * (TRIPS + 1) / 2, what, "");
}

static void test_membarrier_is_refused(void)
{
	faults_reset();
	race_shutdown("shutdown loses nothing, with membarrier");
	wake_a_row(false, "who sleeps is woken, with membarrier");
	wake_a_row(true, "who sleeps is woken, with membarrier, many producers");
	wait = DSR_WAIT_PARK;
	race_shutdown("shutdown loses nothing and wakes all, with membarrier");
	faults_reset();
	faults.membarrier = EPERM;
	race_shutdown("shutdown loses nothing and wakes all, without membarrier");
	wait = DSR_WAIT_YIELD;
	race_shutdown("shutdown loses nothing, without membarrier");
	wake_a_row(false, "who sleeps is woken, without membarrier");
	wake_a_row(true, "who sleeps is woken, without membarrier, many producers");
}

/* What fails while the ring runs leaves it as it was. */
static void test_attaching_fails(void)
{
	struct dsr_builder *b = build(DSR_PREFER, DSR_CONSUMER_NODE);
	const struct dsr_handler late = {.on_event = on_event,
					 .state = &sum,
					 .on_start = on_start,
					 .on_stop = on_stop,
					 .name = "late"};
	const struct dsr_poller_options options = {.name = "late"};
	struct dsr_disruptor *d;
	struct dsr_poller *poller;
	int64_t mapped;

	faults_reset();
	starts = stops = 0;
	if (dsr_start(b, &d) < 0) {
		check(false, "attaching", dsr_builder_message(b));
		dsr_builder_destroy(b);
		return;
	}
	mapped = seen.mapped;
	errno = EXDEV;
	faults.thread_failing = 1;
	check(dsr_attach_handler(d, &late, DSR_FROM_NOW) == -EAGAIN, "attach: no thread", "");
	faults.mmap_failing = 1;
	check(dsr_attach_handler(d, &late, DSR_FROM_NOW) == -ENOMEM, "attach: no page", "");
	check(dsr_attach_poller(d, &options, DSR_FROM_NOW, &poller) == -ENOMEM && !poller,
	      "attach: no page for a poller", "");
	faults.mmap_failing = 0;
	faults.setaffinity = EINVAL;
	check(dsr_attach_handler(d, &(struct dsr_handler){.on_event = on_event, .pin = DSR_CPU(0)},
				 DSR_FROM_NOW) == -EPERM,
	      "attach: not our CPU", "");
	faults.setaffinity = 0;
	check(starts == 0 && stops == 0 && errno == EXDEV && seen.mapped == mapped,
	      "attach: nothing has begun, and nothing is left", "");
	check(dsr_detach(d, "late", DSR_NOW) == -ENOENT, "attach: and nobody is there", "");
	check(works(d), "attach: the others go on", "");
	dsr_destroy(d);
}

int main(void)
{
	test_numa_is_missing();
	test_mbind_refuses();
	test_pages_lie_elsewhere();
	test_pages_lie_anywhere();
	test_nobody_tells();
	test_order_of_placing();
	test_no_memory();
	test_pools_of_huge_pages();
	test_populate_is_refused();
	test_lock_is_refused();
	test_interleaving();
	test_affinity_is_refused();
	test_choice_is_refused();
	test_threads_run_out();
	test_attaching_fails();
	test_membarrier_is_refused();
	printf("1..%d\n", number);
	return failed != 0;
}
