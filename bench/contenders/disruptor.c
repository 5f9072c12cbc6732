/* SPDX-License-Identifier: MIT */
/*
 * Ours: a managed thread takes the events, by a batch handler that loops inline
 * or by an event handler that is called for each. For latency two disruptors
 * face each other, and a handler of the one publishes to the other.
 */
#include <errno.h>

#include <disruptor/disruptor.h>

#include "../threads.h"

struct queue {
	struct dsr_disruptor *d;
	struct dsr_producer *producers[PRODUCERS_MAX];
} DSR_ALIGNED(DSR_CACHELINE);

struct reader {
	struct checker checker;
	uint64_t left;
	uint64_t ended;
	uint32_t words;
	bool many;
} DSR_ALIGNED(DSR_CACHELINE);

ALWAYS int read_batch(struct dsr_batch *batch, struct reader *r, uint32_t words, bool many)
{
	struct checker checker = r->checker;
	const uint64_t *event;
	uint64_t n = 0;

	for (; (event = dsr_batch_next(batch)); n++)
		event_check(&checker, event, words, many);
	r->checker = checker;
	r->left -= n;
	if (!r->left)
		r->ended = clock_ticks();
	return DSR_CONTINUE;
}

/* One handler per size and kind: what these are is known when it is compiled. */
#define READER(words, many)                                                                 \
	static int batch_##words##_##many(struct dsr_batch *batch, void *state)             \
	{                                                                                   \
		return read_batch(batch, state, words, many);                               \
	}                                                                                   \
	static int event_##words##_##many(void *event, int64_t sequence, bool end_of_batch, \
					  void *state)                                      \
	{                                                                                   \
		struct reader *r = state;                                                   \
                                                                                            \
		(void)sequence;                                                             \
		(void)end_of_batch;                                                         \
		event_check(&r->checker, event, words, many);                               \
		if (!--r->left)                                                             \
			r->ended = clock_ticks();                                           \
		return DSR_CONTINUE;                                                        \
	}
READER(1, false)
READER(4, false)
READER(7, false)
READER(1, true)
READER(4, true)
READER(7, true)

static dsr_batch_fn batch_reader(const struct course *c)
{
	if (c->words == 1)
		return c->many ? batch_1_true : batch_1_false;
	if (c->words == 4)
		return c->many ? batch_4_true : batch_4_false;
	return c->many ? batch_7_true : batch_7_false;
}

static dsr_event_fn event_reader(const struct course *c)
{
	if (c->words == 1)
		return c->many ? event_1_true : event_1_false;
	if (c->words == 4)
		return c->many ? event_4_true : event_4_false;
	return c->many ? event_7_true : event_7_false;
}

ALWAYS void publish(struct dsr_producer *p, uint32_t words, uint64_t tag, uint64_t end)
{
	for (; tag != end; tag++) {
		event_fill(dsr_claim(p), words, tag);
		dsr_publish(p);
	}
}

ALWAYS void publish_runs(struct dsr_producer *p, uint32_t words, uint32_t batch, uint64_t tag,
			 uint64_t end)
{
	while (tag != end) {
		uint32_t n = end - tag < batch ? (uint32_t)(end - tag) : batch, i;
		int64_t first = dsr_claim_n(p, n, DSR_FOREVER);

		for (i = 0; i < n; i++)
			event_fill(dsr_event(p, first + i), words, tag++);
		dsr_publish(p);
	}
}

static void produce(void *queue, const struct course *c, uint64_t tag, uint64_t end)
{
	struct queue *q = queue;
	struct dsr_producer **p = &q->producers[tag >> 48];

	if (!*p)
		*p = dsr_producer(q->d);
	dsr_producer_set_wait(*p, c->yield ? DSR_WAIT_YIELD : DSR_WAIT_PAUSE);
	if (c->words == 1)
		c->batch == 1 ? publish(*p, 1, tag, end) : publish_runs(*p, 1, c->batch, tag, end);
	else if (c->words == 4)
		c->batch == 1 ? publish(*p, 4, tag, end) : publish_runs(*p, 4, c->batch, tag, end);
	else
		c->batch == 1 ? publish(*p, 7, tag, end) : publish_runs(*p, 7, c->batch, tag, end);
}

static int start(struct dsr_disruptor **d, const struct course *c, struct dsr_handler *handler,
		 int cpu)
{
	struct dsr_builder *b = c->many ? dsr_build_multi_producer(c->capacity, c->words * 8)
					: dsr_build_single_producer(c->capacity, c->words * 8);
	int err;

	handler->pin = cpu < 0 ? DSR_UNPINNED : DSR_CPU(cpu);
	handler->wait = c->yield ? DSR_WAIT_YIELD : DSR_WAIT_PAUSE;
	dsr_handle_events(b, handler);
	err = dsr_start(b, d);
	if (err < 0)
		dsr_builder_destroy(b);
	return err;
}

static int run(const struct course *c, struct outcome *outcome, struct dsr_handler *handler)
{
	struct reader reader = {.left = (c->warmup + c->events) * c->producers};
	struct queue q = {0};
	int err;

	handler->state = &reader;
	err = start(&q.d, c, handler, c->cpus[1]);
	if (err < 0)
		return err;
	err = threads_stream(c, &q, produce, NULL, outcome);
	dsr_shutdown(q.d, DSR_FOREVER);
	dsr_destroy(q.d);
	outcome->ended = reader.ended;
	outcome->sum = reader.checker.sum;
	outcome->wrong = reader.checker.wrong + reader.left;
	return err;
}

static int stream_batches(const struct course *c, struct outcome *outcome)
{
	return run(c, outcome, &(struct dsr_handler){.on_batch = batch_reader(c)});
}

static int stream_events(const struct course *c, struct outcome *outcome)
{
	return run(c, outcome, &(struct dsr_handler){.on_event = event_reader(c)});
}

/* One side of the ping-pong: the other's disruptor, and what to keep of it. */
struct side {
	const struct course *course;
	struct dsr_disruptor *other;
	struct dsr_producer *producer;
	struct checker checker;
	struct outcome *outcome;
	uint64_t left;
	uint64_t struck;
	struct rally rally;
	pthread_barrier_t *over;
} DSR_ALIGNED(DSR_CACHELINE);

/* The single handle moves from the main thread, which opens the game, to the handler's. */
static struct dsr_producer *producer_of(struct side *s)
{
	while (!s->producer)
		s->producer = dsr_producer(s->other);
	return s->producer;
}

ALWAYS int serve(struct side *s, const uint64_t *event, uint32_t words)
{
	struct dsr_producer *p = producer_of(s);
	uint64_t *back = dsr_claim(p);
	uint32_t k;

	if (!back)
		return DSR_STOP;
	for (k = 0; k < words; k++)
		back[k] = event[k];
	dsr_publish(p);
	return DSR_CONTINUE;
}

/* The first event is only to begin with. */
ALWAYS int volley(struct side *s, const uint64_t *event, int64_t sequence, uint32_t words)
{
	struct dsr_producer *p = producer_of(s);

	if (sequence > 0) {
		event_check(&s->checker, event, words, false);
		rally_count(&s->rally, s->course, s->outcome);
	}
	if (s->left--) {
		event_fill(dsr_claim(p), words, s->struck++);
		dsr_publish(p);
	} else {
		pthread_barrier_wait(s->over);
	}
	return DSR_CONTINUE;
}

#define PLAYER(words)                                                                            \
	static int serve_##words(void *event, int64_t sequence, bool end_of_batch, void *state)  \
	{                                                                                        \
		(void)sequence;                                                                  \
		(void)end_of_batch;                                                              \
		return serve(state, event, words);                                               \
	}                                                                                        \
	static int volley_##words(void *event, int64_t sequence, bool end_of_batch, void *state) \
	{                                                                                        \
		(void)end_of_batch;                                                              \
		return volley(state, event, sequence, words);                                    \
	}
PLAYER(1)
PLAYER(7)

static void play(struct side *here, struct side *there)
{
	struct dsr_producer *p = dsr_producer(there->other);

	event_fill(dsr_claim(p), here->course->words, 0);
	dsr_publish(p);
	dsr_producer_release(p);
	pthread_barrier_wait(here->over);
}

static int pingpong(const struct course *c, struct outcome *outcome)
{
	pthread_barrier_t over;
	struct side here = {
		.course = c, .outcome = outcome, .left = c->warmup + c->events, .over = &over};
	struct side there = {.course = c};
	int err;

	err = start(&there.other, c,
		    &(struct dsr_handler){.on_event = c->words == 1 ? volley_1 : volley_7,
					  .state = &here},
		    c->cpus[0]);
	if (err < 0)
		return err;
	err = start(&here.other, c,
		    &(struct dsr_handler){.on_event = c->words == 1 ? serve_1 : serve_7,
					  .state = &there},
		    c->cpus[1]);
	if (err == 0) {
		pthread_barrier_init(&over, NULL, 2);
		play(&here, &there);
		dsr_shutdown(here.other, DSR_FOREVER);
		pthread_barrier_destroy(&over);
		dsr_destroy(here.other);
	}
	dsr_shutdown(there.other, DSR_FOREVER);
	dsr_destroy(there.other);
	outcome->sum = here.checker.sum;
	outcome->wrong = here.checker.wrong;
	return err;
}

const struct contender disruptor_contender = {
	.name = "disruptor",
	.slower = 1,
	.stream = stream_batches,
	.pingpong = pingpong,
	.many = true,
};

const struct contender disruptor_event_contender = {
	.name = "disruptor, event handler",
	.slower = 1,
	.stream = stream_events,
	.many = true,
};
