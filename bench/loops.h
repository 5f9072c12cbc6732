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

ALWAYS void consume(struct queue *q, const struct course *c, uint32_t words, bool many,
		    struct checker *out)
{
	uint64_t left = (c->warmup + c->events) * c->producers;
	struct checker checker = {0, 0, {0}};
	uint64_t event[WORDS_MAX];

	while (left--) {
		while (!queue_get(q, event, words, many))
			pass(c->yield);
		event_check(&checker, event, words, many);
	}
	*out = checker;
}

ALWAYS void consume_runs(struct queue *q, const struct course *c, uint32_t words, bool many,
			 struct checker *out)
{
	uint64_t left = (c->warmup + c->events) * c->producers;
	struct checker checker = {0, 0, {0}};
	uint64_t events[WORDS_MAX * BATCH_MAX];

	while (left) {
		uint32_t i, n = queue_get_run(q, events, BATCH_MAX, words, many);

		if (!n)
			pass(c->yield);
		for (i = 0; i < n; i++)
			event_check(&checker, events + i * words, words, many);
		left -= n;
	}
	*out = checker;
}

/* One copy of a loop per size, kind and number at once: what these are is known when it is compiled. */
#define FOR_COURSE(c, one, run, ...)                           \
	do {                                                   \
		if ((c)->words == 1)                           \
			FOR_KIND(c, one, run, 1, __VA_ARGS__); \
		else if ((c)->words == 4)                      \
			FOR_KIND(c, one, run, 4, __VA_ARGS__); \
		else                                           \
			FOR_KIND(c, one, run, 7, __VA_ARGS__); \
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

static void produce_part(void *queue, const struct course *c, uint64_t tag, uint64_t end)
{
	struct queue *q = (struct queue *)queue;

	FOR_COURSE(c, produce, produce_runs, tag, end);
}

static void consume_all(void *queue, const struct course *c, struct checker *out)
{
	struct queue *q = (struct queue *)queue;

	FOR_COURSE(c, consume, consume_runs, out);
}

static int stream(const struct course *c, struct outcome *outcome)
{
	struct queue *q = queue_open(c, false);
	int err;

	if (!q)
		return -ENOMEM;
	err = threads_stream(c, q, produce_part, consume_all, outcome);
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
	struct checker checker = {0, 0, {0}};
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
	if (queues[0])
		queue_close(queues[0]);
	if (queues[1])
		queue_close(queues[1]);
	return err;
}
