/* SPDX-License-Identifier: MIT */
#ifndef TEST_UNIT_H
#define TEST_UNIT_H

/**
 * What the unit tests share: a test that ends with a look for leaks, a handler
 * that collects what it sees and can be held, and rings that are up in one line.
 *
 * Assertions leave a test by a jump, so they are for the test's own thread: a
 * handler or a helper thread writes down what it saw, and the test looks at it
 * after the thread was joined or has said so by a semaphore.
 */

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <disruptor/disruptor.h>

#if defined(__SANITIZE_THREAD__)
#define UNIT_PLAIN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNIT_PLAIN 1
#endif
#endif

#if defined(UNIT_PLAIN)
#include "plain.h"
#else
#include <criterion/criterion.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define UNIT_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNIT_LEAKS 1
#endif
#endif

/* Criterion has judged a test before its process ends, so the look at the end comes too late. */
#if defined(UNIT_LEAKS)
#include <sanitizer/lsan_interface.h>
#define expect_no_leak() expect(__lsan_do_recoverable_leak_check(), 0)
#else
#define expect_no_leak() ((void)0)
#endif

/* Both numbers are in the message: an assertion's text alone has neither. */
#define expect(got, wanted) expect_number((int64_t)(got), (int64_t)(wanted), #got, __LINE__)

static inline void expect_number(int64_t got, int64_t wanted, const char *what, int line)
{
	cr_assert(got == wanted, "line %d: %s is %" PRId64 ", not %" PRId64, line, what, got,
		  wanted);
}

/* A test that looks for leaks after its body. */
#define CASE(suite, name)                        \
	static void suite##_##name##_body(void); \
	Test(suite, name)                        \
	{                                        \
		suite##_##name##_body();         \
		expect_no_leak();                \
	}                                        \
	static void suite##_##name##_body(void)

/* The same for a single producer's ring and for many producers'. */
#define CASE_BOTH(suite, name)                        \
	static void suite##_##name##_body(bool many); \
	Test(suite, name##_single)                    \
	{                                             \
		suite##_##name##_body(false);         \
		expect_no_leak();                     \
	}                                             \
	Test(suite, name##_many)                      \
	{                                             \
		suite##_##name##_body(true);          \
		expect_no_leak();                     \
	}                                             \
	static void suite##_##name##_body(bool many)

enum { SEEN_MAX = 64 };

/**
 * struct seen - what a handler saw, and how it is to behave
 * @count:    events so far; of these the first SEEN_MAX are kept
 * @value:    what each held, as int64_t
 * @end:      its end_of_batch
 * @gaps:     sequences that did not follow the one before
 * @holds:    so many events, the first ones, are held: the handler posts
 *	      @arrived and waits for @go. Set it before the start
 * @answer:   what the handler returns at event @answer_at, 0 before
 * @starts:   calls of on_start, which returns @start_error
 * @stops:    calls of on_stop, the last with @reason
 *
 * The handler's thread writes; look at it after shutdown, or while it is held.
 */
struct seen {
	uint64_t count;
	int64_t sequence[SEEN_MAX];
	int64_t value[SEEN_MAX];
	bool end[SEEN_MAX];
	int64_t last;
	uint64_t gaps;
	uint64_t holds;
	sem_t arrived, go;
	uint64_t answer_at;
	int answer;
	int starts, start_error;
	int stops, reason;
};

static inline void seen_init(struct seen *s, uint64_t holds)
{
	memset(s, 0, sizeof(*s));
	s->holds = holds;
	sem_init(&s->arrived, 0, 0);
	sem_init(&s->go, 0, 0);
}

static inline void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) < 0)
		;
}

static inline void seen_note(struct seen *s, const void *event, int64_t sequence, bool end)
{
	if (s->count < s->holds) {
		sem_post(&s->arrived);
		wait_for(&s->go);
	}
	if (s->count < SEEN_MAX) {
		s->sequence[s->count] = sequence;
		memcpy(&s->value[s->count], event, sizeof(s->value[0]));
		s->end[s->count] = end;
	}
	s->gaps += s->count && sequence != s->last + 1;
	s->last = sequence;
	s->count++;
}

static inline int seen_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct seen *s = state;
	bool now = s->count == s->answer_at;

	seen_note(s, event, sequence, end_of_batch);
	return now ? s->answer : DSR_CONTINUE;
}

static inline int seen_start(void *state)
{
	struct seen *s = state;

	s->starts++;
	return s->start_error;
}

static inline void seen_stop(void *state, int reason)
{
	struct seen *s = state;

	s->stops++;
	s->reason = reason;
}

/* Unpinned, and yielding: fast also where there is one CPU for all. */
static inline struct dsr_handler seen_handler(struct seen *s)
{
	return (struct dsr_handler){
		.on_event = seen_event,
		.on_start = seen_start,
		.on_stop = seen_stop,
		.state = s,
		.wait = DSR_WAIT_YIELD,
	};
}

static inline struct dsr_builder *build(bool many, uint64_t capacity)
{
	return many ? dsr_build_multi_producer(capacity, sizeof(int64_t))
		    : dsr_build_single_producer(capacity, sizeof(int64_t));
}

static inline struct dsr_disruptor *start(struct dsr_builder *b)
{
	struct dsr_disruptor *d;
	int err = dsr_start(b, &d);

	cr_assert(err == 0, "dsr_start: %d: %s", err, dsr_builder_message(b));
	cr_assert(d != NULL);
	return d;
}

/* Begins at @first. */
static inline struct dsr_disruptor *start_at(bool many, uint64_t capacity, int64_t first,
					     struct seen *s)
{
	struct dsr_builder *b = build(many, capacity);
	struct dsr_handler handler = seen_handler(s);

	dsr_first_sequence(b, first);
	dsr_handle_events(b, &handler);
	return start(b);
}

static inline struct dsr_disruptor *start_seen(bool many, uint64_t capacity, struct seen *s)
{
	return start_at(many, capacity, 0, s);
}

static inline void finish(struct dsr_disruptor *d)
{
	expect(dsr_shutdown(d, DSR_FOREVER), 0);
	expect(dsr_destroy(d), 0);
}

static inline struct dsr_producer *producer_of(struct dsr_disruptor *d)
{
	struct dsr_producer *p = dsr_producer(d);

	cr_assert(p != NULL);
	return p;
}

/* Writes each event's sequence into it, for the n from @first on. */
static inline void fill(struct dsr_producer *p, int64_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		*(int64_t *)dsr_event(p, first + i) = first + i;
}

/* Claims, fills and does not publish. */
static inline int64_t claim(struct dsr_producer *p, uint32_t n)
{
	int64_t first = dsr_claim_n(p, n, DSR_FOREVER);

	cr_assert(first >= 0, "dsr_claim_n: %" PRId64, first);
	fill(p, first, n);
	return first;
}

static inline void put(struct dsr_producer *p, uint32_t n)
{
	claim(p, n);
	expect(dsr_publish(p), n);
}

/* One event, and the handler holds it: what comes now lies ready for its next batch. */
static inline void put_held(struct dsr_producer *p, struct seen *s)
{
	put(p, 1);
	wait_for(&s->arrived);
}

/* Any CPU that we may use: there need not be a CPU 0 for us. */
static inline int some_cpu(void)
{
	cpu_set_t set;

	cr_assert(sched_getaffinity(0, sizeof(set), &set) == 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			return cpu;
	cr_assert(false, "no CPU is allowed");
	return -1;
}

/* How many the process may use. */
static inline int usable_cpus(void)
{
	cpu_set_t set;

	cr_assert(sched_getaffinity(0, sizeof(set), &set) == 0);
	return CPU_COUNT(&set);
}

/* The value of a line "name: value" of a thread's status; false if there is none. */
static inline bool read_status(int tid, const char *name, char *value, size_t size)
{
	char path[64], line[256];
	size_t length = strlen(name);
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		char *from = line + length + 1;

		if (strncmp(line, name, length) != 0 || line[length] != ':')
			continue;
		from += strspn(from, " \t");
		from[strcspn(from, "\n")] = '\0';
		snprintf(value, size, "%s", from);
		found = true;
	}
	if (file)
		fclose(file);
	return found;
}

/**
 * struct caller - a thread that claims, with all it needs
 * @d:	       where it takes a handle
 * @n:	       how many it claims at once, again and again until @most or an error
 * @claimed:   how many it got and published
 * @error:     why it ended, 0: has had @most
 * @ready:     posted before the first claim
 * @tid:       to see it wait
 */
struct caller {
	struct dsr_disruptor *d;
	uint32_t n;
	uint64_t most;
	uint64_t claimed;
	int error;
	sem_t ready;
	int tid;
	pthread_t thread;
};

static inline void *caller_main(void *argument)
{
	struct caller *c = argument;
	struct dsr_producer *p = dsr_producer(c->d);

	c->tid = (int)syscall(SYS_gettid);
	if (p)
		dsr_producer_set_wait(p, DSR_WAIT_SLEEP);
	sem_post(&c->ready);
	while (p && c->claimed < c->most) {
		int64_t first = dsr_claim_n(p, c->n, DSR_FOREVER);

		if (first < 0) {
			c->error = (int)first;
			break;
		}
		fill(p, first, c->n);
		c->claimed += (uint64_t)dsr_publish(p);
	}
	if (!p)
		c->error = -ENOMEM;
	else
		dsr_producer_release(p);
	return NULL;
}

static inline void caller_begin(struct caller *c, struct dsr_disruptor *d, uint32_t n,
				uint64_t most)
{
	*c = (struct caller){.d = d, .n = n, .most = most};
	sem_init(&c->ready, 0, 0);
	expect(pthread_create(&c->thread, NULL, caller_main, c), 0);
	wait_for(&c->ready);
}

static inline uint64_t naps_of(int tid)
{
	char text[32];

	/* A kernel that does not count: take it that it naps. */
	return read_status(tid, "voluntary_ctxt_switches", text, sizeof(text))
		       ? strtoull(text, NULL, 10)
		       : UINT64_MAX;
}

/*
 * Until the thread waits inside a claim: it naps there again and again, and
 * gives its CPU up by itself nowhere else that often.
 */
static inline void caller_await_waiting(struct caller *c)
{
	uint64_t begin = naps_of(c->tid);

	while (begin != UINT64_MAX && naps_of(c->tid) < begin + 8)
		sched_yield();
}

static inline void caller_join(struct caller *c)
{
	expect(pthread_join(c->thread, NULL), 0);
	sem_destroy(&c->ready);
}

#endif
