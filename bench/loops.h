/* SPDX-License-Identifier: MIT */
/*
 * The loops that all plain queues run, compiled once per queue and event size
 * with the queue's calls inside. A contender's file defines these and then
 * includes this one:
 *
 *	struct queue
 *	static struct queue *queue_open(const struct course *course, bool latency)
 *	static void queue_close(struct queue *q)
 *	ALWAYS bool queue_put(struct queue *q, const uint64_t *event, uint32_t words, bool many)
 *	ALWAYS bool queue_get(struct queue *q, uint64_t *event, uint32_t words, bool many)
 *
 * and, if it can move several at once, QUEUE_HAS_RUNS (or QUEUE_HAS_RUNS_ONLY instead of the
 * calls above, where one is a run of 1) with
 *
 *	ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *events, uint32_t n,
 *				      uint32_t words, bool many)
 *	ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *events, uint32_t n,
 *				      uint32_t words, bool many)
 *
 * and QUEUE_BLOCKS, if to get waits where there is nothing.
 *
 * Words are known when a loop is compiled if they are 1, 4 or 7. A queue that takes any number
 * says so in its struct contender (@sizes).
 *
 * Plain C that is also C++, as some queues are templates.
 */

#include <errno.h>

#include "threads.h"

#if defined(QUEUE_HAS_RUNS_ONLY)
ALWAYS bool queue_put(struct queue *q, const uint64_t *event, uint32_t words, bool many)
{
	return queue_put_run(q, event, 1, words, many) == 1;
}

ALWAYS bool queue_get(struct queue *q, uint64_t *event, uint32_t words, bool many)
{
	return queue_get_run(q, event, 1, words, many) == 1;
}
#elif !defined(QUEUE_HAS_RUNS)
ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	uint32_t done = 0;

	while (done < n && queue_put(q, events + done * words, words, many))
		done++;
	return done;
}

ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	uint32_t done = 0;

	while (done < n && queue_get(q, events + done * words, words, many))
		done++;
	return done;
}
#endif

ALWAYS void produce(struct queue *q, const struct course *c, uint32_t words, bool many,
		    uint64_t tag, uint64_t end)
{
	uint64_t event[WORDS_MAX];

	for (; tag != end; tag++) {
		event_fill(event, words, tag);
		while (!queue_put(q, event, words, many))
			pass(c->yield);
	}
}

ALWAYS void produce_runs(struct queue *q, const struct course *c, uint32_t words, bool many,
			 uint64_t tag, uint64_t end)
{
	uint64_t events[WORDS_MAX * BATCH_MAX];

	while (tag != end) {
		uint32_t n = end - tag < c->batch ? (uint32_t)(end - tag) : c->batch;
		uint32_t i, done = 0;

		for (i = 0; i < n; i++)
			event_fill(events + i * words, words, tag++);
		while ((done += queue_put_run(q, events + done * words, n - done, words, many)) < n)
			pass(c->yield);
	}
}

/* Waits for an event. False: there will be none, so it is lost. */
ALWAYS bool await(struct queue *q, const struct course *c, uint32_t words, bool many,
		  const struct finish *finish, uint64_t *event)
{
	bool over = false;

	while (!queue_get(q, event, words, many)) {
		if (over)
			return false;
		over = finish_is_over(finish);
		pass(c->yield);
	}
	return true;
}

/* The same for some at once. 0: there will be none. */
ALWAYS uint32_t await_run(struct queue *q, const struct course *c, uint32_t words, bool many,
			  const struct finish *finish, uint64_t *events)
{
	bool over = false;
	uint32_t n;

	while ((n = queue_get_run(q, events, BATCH_MAX, words, many)) == 0) {
		if (over)
			return 0;
		over = finish_is_over(finish);
		pass(c->yield);
	}
	return n;
}

/*
 * What a consumer has when its run is over; @left: events that did not come, or too many
 * of them.
 */
ALWAYS void tell(struct checker *out, const struct checker *checker, int64_t left)
{
	*out = *checker;
	out->wrong += (uint64_t)(left < 0 ? -left : left);
}

ALWAYS int64_t all_events(const struct course *c)
{
	return (int64_t)((c->warmup + c->events) * c->producers);
}

ALWAYS void consume(struct queue *q, const struct course *c, uint32_t words, bool many,
		    const struct finish *finish, struct checker *out)
{
	uint64_t event[WORDS_MAX], nexts[PRODUCERS_MAX] = {0};
	struct checker checker = {0, 0, 0, nexts};
	int64_t left = all_events(c);

	for (; left > 0 && await(q, c, words, many, finish, event); left--)
		event_check(&checker, event, words, many);
	tell(out, &checker, left);
}

ALWAYS void consume_runs(struct queue *q, const struct course *c, uint32_t words, bool many,
			 const struct finish *finish, struct checker *out)
{
	uint64_t events[WORDS_MAX * BATCH_MAX], nexts[PRODUCERS_MAX] = {0};
	struct checker checker = {0, 0, 0, nexts};
	int64_t left = all_events(c);
	uint32_t i, n;

	for (; left > 0 && (n = await_run(q, c, words, many, finish, events)); left -= n)
		for (i = 0; i < n; i++)
			event_check(&checker, events + i * words, words, many);
	tell(out, &checker, left);
}

/*
 * One copy of a loop per size, kind and number at once: what these are is known when it is
 * compiled.
 */
#define FOR_COURSE(c, one, run, ...)                           \
	do {                                                   \
		if ((c)->words == 1)                           \
			FOR_KIND(c, one, run, 1, __VA_ARGS__); \
		else if ((c)->words == 4)                      \
			FOR_KIND(c, one, run, 4, __VA_ARGS__); \
		else if ((c)->words == 7)                      \
			FOR_KIND(c, one, run, 7, __VA_ARGS__); \
		else                                           \
			FOR_SIZE(c, one, run, __VA_ARGS__);    \
	} while (0)
#define FOR_KIND(c, one, run, words, ...)                     \
	do {                                                  \
		if ((c)->many && (c)->batch == 1)             \
			one(q, c, words, true, __VA_ARGS__);  \
		else if ((c)->many)                           \
			run(q, c, words, true, __VA_ARGS__);  \
		else if ((c)->batch == 1)                     \
			one(q, c, words, false, __VA_ARGS__); \
		else                                          \
			run(q, c, words, false, __VA_ARGS__); \
	} while (0)

/* Of any size, from one producer. */
#define FOR_SIZE(c, one, run, ...)                                 \
	do {                                                       \
		if ((c)->batch == 1)                               \
			one(q, c, (c)->words, false, __VA_ARGS__); \
		else                                               \
			run(q, c, (c)->words, false, __VA_ARGS__); \
	} while (0)

static void produce_part(void *queue, const struct course *c, uint64_t tag, uint64_t end)
{
	struct queue *q = (struct queue *)queue;

	FOR_COURSE(c, produce, produce_runs, tag, end);
}

static void consume_all(void *queue, const struct course *c, const struct finish *finish,
			struct checker *out)
{
	struct queue *q = (struct queue *)queue;

#if defined(QUEUE_HAS_RUNS) || defined(QUEUE_HAS_RUNS_ONLY)
	/* However they were put, as a disruptor's consumer does. */
	FOR_COURSE(c, consume_runs, consume_runs, finish, out);
#else
	FOR_COURSE(c, consume, consume_runs, finish, out);
#endif
}

/* Called when all threads have ended: is there an event that nobody put, or put once only? */
static uint64_t left_over(struct queue *q, const struct course *c)
{
#if defined(QUEUE_BLOCKS)
	(void)q;
	(void)c;
	return 0;
#else
	uint64_t event[WORDS_MAX];

	return c->words == 1   ? queue_get(q, event, 1, c->many)
	       : c->words == 4 ? queue_get(q, event, 4, c->many)
	       : c->words == 7 ? queue_get(q, event, 7, c->many)
			       : queue_get(q, event, c->words, c->many);
#endif
}

static int stream(const struct course *c, struct outcome *outcome)
{
	struct queue *q = queue_open(c, false);
	int err;

	if (!q)
		return -ENOMEM;
	err = threads_stream(c, q, produce_part, consume_all, outcome);
	if (err == 0)
		outcome->wrong += left_over(q, c);
	queue_close(q);
	return err;
}

/* Fills and puts the @n events from @tag, which are due. */
ALWAYS void put_due(struct queue *q, const struct course *c, uint32_t words, uint64_t *events,
		    uint64_t tag, uint32_t n)
{
	uint32_t i, done = 0;

	for (i = 0; i < n; i++)
		event_fill(events + i * words, words, tag + i);
	if (n == 1)
		while (!queue_put(q, events, words, false))
			pass(c->yield);
	else
		while ((done += queue_put_run(q, events + done * words, n - done, words, false)) <
		       n)
			pass(c->yield);
}

ALWAYS void produce_due(struct queue *q, const struct course *c, uint32_t words, uint32_t batch,
			struct schedule schedule)
{
	uint64_t events[WORDS_MAX * BATCH_MAX], end = c->warmup + c->events, tag;

	for (tag = 0; tag < end; tag += batch) {
		uint64_t due = schedule_burst(&schedule);

		while ((int64_t)(clock_ticks() - due) < 0)
			pass(c->yield);
		put_due(q, c, words, events, tag,
			end - tag < batch ? (uint32_t)(end - tag) : batch);
	}
}

ALWAYS void consume_due(struct queue *q, const struct course *c, uint32_t words,
			const struct finish *finish, struct late *late, struct checker *out)
{
	struct checker checker = {0, 0, 0, NULL};
	int64_t left = all_events(c);
	uint64_t event[WORDS_MAX];

	for (; left > 0 && await(q, c, words, false, finish, event); left--) {
		event_check(&checker, event, words, false);
		late_count(late);
	}
	tell(out, &checker, left);
}

ALWAYS void consume_due_runs(struct queue *q, const struct course *c, uint32_t words,
			     const struct finish *finish, struct late *late, struct checker *out)
{
	struct checker checker = {0, 0, 0, NULL};
	uint64_t events[WORDS_MAX * BATCH_MAX];
	int64_t left = all_events(c);
	uint32_t i, n;

	for (; left > 0 && (n = await_run(q, c, words, false, finish, events)); left -= n) {
		for (i = 0; i < n; i++) {
			event_check(&checker, events + i * words, words, false);
			late_count(late);
		}
	}
	tell(out, &checker, left);
}

static void produce_all_due(void *queue, const struct course *c, struct schedule schedule)
{
	struct queue *q = (struct queue *)queue;

	if (c->words == 1)
		c->batch == 1 ? produce_due(q, c, 1, 1, schedule)
			      : produce_due(q, c, 1, c->batch, schedule);
	else
		c->batch == 1 ? produce_due(q, c, 7, 1, schedule)
			      : produce_due(q, c, 7, c->batch, schedule);
}

static void consume_all_due(void *queue, const struct course *c, const struct finish *finish,
			    struct late *late, struct checker *out)
{
	struct queue *q = (struct queue *)queue;

	if (c->words == 1)
		c->batch == 1 ? consume_due(q, c, 1, finish, late, out)
			      : consume_due_runs(q, c, 1, finish, late, out);
	else
		c->batch == 1 ? consume_due(q, c, 7, finish, late, out)
			      : consume_due_runs(q, c, 7, finish, late, out);
}

/* Not every queue is asked for it. */
__attribute__((unused)) static int paced(const struct course *c, struct outcome *outcome)
{
	struct queue *q = queue_open(c, false);
	int err;

	if (!q)
		return -ENOMEM;
	err = threads_paced(c, q, threads_schedule(c), produce_all_due, consume_all_due, outcome);
	if (err == 0)
		outcome->wrong += left_over(q, c);
	queue_close(q);
	return err;
}

ALWAYS void serve(struct queue *const *queues, const struct course *c, uint32_t words)
{
	uint64_t event[WORDS_MAX], left = c->warmup + c->events;

	while (left--) {
		while (!queue_get(queues[0], event, words, false))
			pass(c->yield);
		while (!queue_put(queues[1], event, words, false))
			pass(c->yield);
	}
}

ALWAYS void volley(struct queue *const *queues, const struct course *c, uint32_t words,
		   struct outcome *out)
{
	struct checker checker = {0, 0, 0, NULL};
	struct rally rally = {0, 0, 0};
	uint64_t event[WORDS_MAX], i;

	for (i = 0; i < c->warmup + c->events; i++) {
		event_fill(event, words, i);
		while (!queue_put(queues[0], event, words, false))
			pass(c->yield);
		while (!queue_get(queues[1], event, words, false))
			pass(c->yield);
		event_check(&checker, event, words, false);
		rally_count(&rally, c, out);
	}
	out->sums[0] = checker.sum;
	out->wrong = checker.wrong;
}

static void serve_all(void *queues, const struct course *c)
{
	struct queue *const *q = (struct queue *const *)queues;

	if (c->words == 1)
		serve(q, c, 1);
	else
		serve(q, c, 7);
}

static void volley_all(void *queues, const struct course *c, struct outcome *out)
{
	struct queue *const *q = (struct queue *const *)queues;

	if (c->words == 1)
		volley(q, c, 1, out);
	else
		volley(q, c, 7, out);
}

static int pingpong(const struct course *c, struct outcome *outcome)
{
	struct queue *queues[2];
	int err = -ENOMEM;

	queues[0] = queue_open(c, true);
	queues[1] = queue_open(c, true);
	if (queues[0] && queues[1])
		err = threads_pingpong(c, queues, volley_all, serve_all, outcome);
	if (queues[0] && queues[1] && err == 0)
		outcome->wrong += left_over(queues[0], c) + left_over(queues[1], c);
	if (queues[0])
		queue_close(queues[0]);
	if (queues[1])
		queue_close(queues[1]);
	return err;
}
