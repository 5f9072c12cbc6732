/* SPDX-License-Identifier: MIT */
/*
 * What the library does when the system refuses: each fault ends in a named
 * errno or in a report that says what was had instead, and nothing is left
 * behind. Faults are made by system.c; TAP on stdout.
 */
#include <errno.h>
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
	bool good = err == error && d == NULL && strstr(dsr_builder_message(b), word) &&
		    seen.mapped == 0;

	check(good, what, good ? "" : dsr_builder_message(b));
	dsr_builder_destroy(b);
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

static void test_membarrier_is_refused(void)
{
	faults_reset();
	race_shutdown("shutdown loses nothing, with membarrier");
	faults_reset();
	faults.membarrier = EPERM;
	race_shutdown("shutdown loses nothing, without membarrier");
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
	test_affinity_is_refused();
	test_threads_run_out();
	test_membarrier_is_refused();
	printf("1..%d\n", number);
	return failed != 0;
}
