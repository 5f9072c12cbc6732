/* SPDX-License-Identifier: MIT */
/*
 * Ours: a managed thread takes the events, by a batch handler that loops inline
 * or by an event handler that is called for each. For latency two disruptors
 * face each other, and a handler of the one publishes to the other.
 */
#include <errno.h>

#include <disruptor/disruptor.h>

#include "../placing.h"
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
	struct late late;
	uint64_t nexts[PRODUCERS_MAX];
} DSR_ALIGNED(DSR_CACHELINE);

/* @n more are read. */
ALWAYS int read_done(struct reader *r, uint64_t n)
{
	r->left -= n;
	if (!r->left)
		r->ended = clock_ticks();
	return DSR_CONTINUE;
}

ALWAYS int read_batch(struct dsr_batch *batch, struct reader *r, uint32_t words, bool many,
		      struct role role)
{
	struct checker checker = r->checker;
	uint64_t *event;
	uint64_t n = 0;

	for (; (event = dsr_batch_next(batch)); n++) {
		event_check_but(&checker, event, words, many, role.skip);
		if (role.edit != NO_WORD)
			event[role.edit]++;
	}
	r->checker = checker;
	return read_done(r, n);
}

ALWAYS int read_event(uint64_t *event, struct reader *r, uint32_t words, bool many,
		      struct role role)
{
	event_check_but(&r->checker, event, words, many, role.skip);
	if (role.edit != NO_WORD)
		event[role.edit]++;
	return read_done(r, 1);
}

/* Each event has a time that it was due. */
ALWAYS int read_batch_due(struct dsr_batch *batch, struct reader *r, uint32_t words)
{
	struct checker checker = r->checker;
	struct late late = r->late;
	const uint64_t *event;
	uint64_t n = 0;

	for (; (event = dsr_batch_next(batch)); n++) {
		event_check(&checker, event, words, false);
		late_count(&late);
	}
	r->checker = checker;
	r->late = late;
	return read_done(r, n);
}

ALWAYS int read_event_due(const uint64_t *event, struct reader *r, uint32_t words)
{
	event_check(&r->checker, event, words, false);
	late_count(&r->late);
	return read_done(r, 1);
}

/* One handler per size, kind and role: what these are is known when it is compiled. */
#define READER(name, words, many, skip, edit)                                                  \
	static int batch_##name(struct dsr_batch *batch, void *state)                          \
	{                                                                                      \
		return read_batch(batch, state, words, many, (struct role){skip, edit, 0});    \
	}                                                                                      \
	static int event_##name(void *event, int64_t sequence, bool end_of_batch, void *state) \
	{                                                                                      \
		(void)sequence;                                                                \
		(void)end_of_batch;                                                            \
		return read_event(event, state, words, many, (struct role){skip, edit, 0});    \
	}
READER(1, 1, false, NO_WORD, NO_WORD)
READER(4, 4, false, NO_WORD, NO_WORD)
READER(7, 7, false, NO_WORD, NO_WORD)
READER(many_1, 1, true, NO_WORD, NO_WORD)
READER(many_4, 4, true, NO_WORD, NO_WORD)
READER(many_7, 7, true, NO_WORD, NO_WORD)
READER(any, ((const struct reader *)state)->words, false, NO_WORD, NO_WORD)
READER(first, 4, false, NO_WORD, 1)
READER(second, 4, false, NO_WORD, 2)
READER(left, 4, false, 2, 1)
READER(right, 4, false, 1, 2)

#define DUE_READER(words)                                                              \
	static int batch_due_##words(struct dsr_batch *batch, void *state)             \
	{                                                                              \
		return read_batch_due(batch, state, words);                            \
	}                                                                              \
	static int event_due_##words(void *event, int64_t sequence, bool end_of_batch, \
				     void *state)                                      \
	{                                                                              \
		(void)sequence;                                                        \
		(void)end_of_batch;                                                    \
		return read_event_due(event, state, words);                            \
	}
DUE_READER(1)
DUE_READER(7)

struct readers {
	dsr_batch_fn batch;
	dsr_event_fn event;
};
#define READERS(name) ((struct readers){batch_##name, event_##name})

static struct readers readers_of(const struct course *c, struct role role)
{
	if (c->interval)
		return c->words == 1 ? READERS(due_1) : READERS(due_7);
	if (role.edit == 1)
		return role.skip == NO_WORD ? READERS(first) : READERS(left);
	if (role.edit == 2)
		return role.skip == NO_WORD ? READERS(second) : READERS(right);
	if (c->words == 1)
		return c->many ? READERS(many_1) : READERS(1);
	if (c->words == 4)
		return c->many ? READERS(many_4) : READERS(4);
	if (c->words == 7)
		return c->many ? READERS(many_7) : READERS(7);
	return READERS(any);
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

ALWAYS void publish_part(struct dsr_producer *p, const struct course *c, uint32_t words,
			 uint64_t tag, uint64_t end)
{
	if (c->batch == 1)
		publish(p, words, tag, end);
	else
		publish_runs(p, words, c->batch, tag, end);
}

static struct dsr_producer *producer_at(struct queue *q, const struct course *c, uint64_t producer)
{
	struct dsr_producer **p = &q->producers[producer];

	if (!*p)
		*p = dsr_producer(q->d);
	dsr_producer_set_wait(*p, c->yield ? DSR_WAIT_YIELD : DSR_WAIT_PAUSE);
	return *p;
}

static void produce(void *queue, const struct course *c, uint64_t tag, uint64_t end)
{
	struct dsr_producer *p = producer_at(queue, c, tag >> 48);

	if (c->words == 1)
		publish_part(p, c, 1, tag, end);
	else if (c->words == 4)
		publish_part(p, c, 4, tag, end);
	else if (c->words == 7)
		publish_part(p, c, 7, tag, end);
	else
		publish_part(p, c, c->words, tag, end);
}

ALWAYS void publish_due(struct dsr_producer *p, const struct course *c, uint32_t words,
			struct schedule schedule)
{
	uint64_t end = c->warmup + c->events, tag, next;

	for (tag = 0; tag < end; tag = next) {
		uint64_t due = schedule_burst(&schedule);

		next = end - tag < c->batch ? end : tag + c->batch;
		while ((int64_t)(clock_ticks() - due) < 0)
			pass(c->yield);
		publish_part(p, c, words, tag, next);
	}
}

static void produce_paced(void *queue, const struct course *c, struct schedule schedule)
{
	struct dsr_producer *p = producer_at(queue, c, 0);

	if (c->words == 1)
		publish_due(p, c, 1, schedule);
	else
		publish_due(p, c, 7, schedule);
}

static struct dsr_builder *build(const struct course *c, enum dsr_pages pages)
{
	struct dsr_builder *b = c->many ? dsr_build_multi_producer(c->capacity, c->words * 8)
					: dsr_build_single_producer(c->capacity, c->words * 8);

	/* Or it is no figure of these pages. */
	if (pages != DSR_PAGES_DEFAULT)
		dsr_place_pages(b, pages, DSR_REQUIRE);
	return b;
}

static void add(struct dsr_builder *b, const struct course *c, struct dsr_handler *handler, int cpu)
{
	handler->pin = cpu < 0 ? DSR_UNPINNED : DSR_CPU(cpu);
	handler->wait = c->yield ? DSR_WAIT_YIELD : DSR_WAIT_PAUSE;
	dsr_handle_events(b, handler);
}

/* @producer: the thread that is to produce. */
static int start(const struct course *c, struct dsr_builder *b, uint32_t producer,
		 struct dsr_disruptor **d)
{
	int err;

	if (c->placing)
		placing_ask(c->placing, b, course_cpu(c, producer));
	err = dsr_start(b, d);
	if (err < 0) {
		if (c->placing)
			err = placing_failed(c->placing, b);
		dsr_builder_destroy(b);
		return err;
	}
	if (c->placing)
		err = placing_check(c->placing, *d, producer);
	if (err < 0) {
		dsr_shutdown(*d, DSR_FOREVER);
		dsr_destroy(*d);
	}
	return err;
}

/* Does @consumer follow the ones before it? */
static bool begins_stage(enum shape shape, uint32_t consumer)
{
	return shape == SHAPE_PIPELINE ? consumer > 0 : shape == SHAPE_DIAMOND && consumer == 2;
}

static int start_readers(const struct course *c, struct reader *readers, bool batches,
			 enum dsr_pages pages, struct dsr_disruptor **d)
{
	struct dsr_builder *b = build(c, pages);
	uint32_t i;

	for (i = 0; i < shape_consumers(c->shape); i++) {
		struct readers fn = readers_of(c, shape_role(c->shape, i));
		struct dsr_handler handler = {.state = &readers[i]};

		if (batches)
			handler.on_batch = fn.batch;
		else
			handler.on_event = fn.event;
		readers[i].left = (c->warmup + c->events) * c->producers;
		readers[i].words = c->words;
		readers[i].checker.nexts = readers[i].nexts;
		if (begins_stage(c->shape, i))
			dsr_then(b);
		add(b, c, &handler, course_cpu(c, c->producers + i));
	}
	return start(c, b, 0, d);
}

static int run_threads(const struct course *c, struct queue *q, struct reader *first,
		       struct outcome *outcome)
{
	struct schedule schedule;

	if (!c->interval)
		return threads_stream(c, q, produce, NULL, outcome);
	schedule = threads_schedule(c);
	first->late = (struct late){schedule, c->warmup, outcome->trips};
	return threads_paced(c, q, schedule, produce_paced, NULL, outcome);
}

static int run(const struct course *c, struct outcome *outcome, bool batches, enum dsr_pages pages)
{
	struct reader readers[CONSUMERS_MAX] = {0};
	struct queue q = {0};
	uint32_t i;
	int err = start_readers(c, readers, batches, pages, &q.d);

	if (err < 0)
		return err;
	err = run_threads(c, &q, &readers[0], outcome);
	dsr_shutdown(q.d, DSR_FOREVER);
	dsr_destroy(q.d);
	outcome->ended = 0;
	for (i = 0; i < shape_consumers(c->shape); i++) {
		if (readers[i].ended > outcome->ended)
			outcome->ended = readers[i].ended;
		outcome->sums[i] = readers[i].checker.sum;
		outcome->wrong += readers[i].checker.wrong + readers[i].left;
	}
	return err;
}

static int run_batches(const struct course *c, struct outcome *outcome)
{
	return run(c, outcome, true, DSR_PAGES_DEFAULT);
}

static int run_events(const struct course *c, struct outcome *outcome)
{
	return run(c, outcome, false, DSR_PAGES_DEFAULT);
}

static int run_small(const struct course *c, struct outcome *outcome)
{
	return run(c, outcome, true, DSR_PAGES_SMALL);
}

static int run_huge(const struct course *c, struct outcome *outcome)
{
	return run(c, outcome, true, DSR_PAGES_TRANSPARENT);
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

static int start_side(const struct course *c, struct side *state, dsr_event_fn on_event,
		      uint32_t thread, struct dsr_disruptor **d)
{
	struct dsr_builder *b = build(c, DSR_PAGES_DEFAULT);

	add(b, c, &(struct dsr_handler){.on_event = on_event, .state = state},
	    course_cpu(c, thread));
	return start(c, b, 1 - thread, d);
}

static int pingpong(const struct course *c, struct outcome *outcome)
{
	pthread_barrier_t over;
	struct side here = {
		.course = c, .outcome = outcome, .left = c->warmup + c->events, .over = &over};
	struct side there = {.course = c};
	int err;

	err = start_side(c, &here, c->words == 1 ? volley_1 : volley_7, 0, &there.other);
	if (err < 0)
		return err;
	err = start_side(c, &there, c->words == 1 ? serve_1 : serve_7, 1, &here.other);
	if (err == 0) {
		pthread_barrier_init(&over, NULL, 2);
		play(&here, &there);
		dsr_shutdown(here.other, DSR_FOREVER);
		pthread_barrier_destroy(&over);
		dsr_destroy(here.other);
	}
	dsr_shutdown(there.other, DSR_FOREVER);
	dsr_destroy(there.other);
	outcome->sums[0] = here.checker.sum;
	outcome->wrong = here.checker.wrong;
	return err;
}

/* Is there a ring of huge pages? It is tried once. */
static const char *no_huge_pages(void)
{
	static const struct course course = {.words = 7,
					     .batch = 1,
					     .producers = 1,
					     .capacity = 65536,
					     .cpus = {-1},
					     .cpu_count = 1};
	static int error = 1;
	struct reader readers[CONSUMERS_MAX] = {0};
	struct dsr_disruptor *d;

	if (error > 0) {
		error = start_readers(&course, readers, true, DSR_PAGES_TRANSPARENT, &d);
		if (error == 0) {
			dsr_shutdown(d, DSR_FOREVER);
			dsr_destroy(d);
		}
	}
	return error < 0 ? "there are no transparent huge pages" : NULL;
}

const struct contender disruptor_contender = {
	.name = "disruptor",
	.slower = 1,
	.stream = run_batches,
	.pingpong = pingpong,
	.paced = run_batches,
	.many = true,
	.shapes = true,
	.sizes = true,
};

const struct contender disruptor_event_contender = {
	.name = "disruptor, event handler",
	.slower = 1,
	.stream = run_events,
	.paced = run_events,
	.many = true,
	.shapes = true,
	.sizes = true,
};

const struct contender disruptor_small_contender = {
	.name = "disruptor, small pages",
	.slower = 1,
	.stream = run_small,
	.sizes = true,
	.pages = true,
};

const struct contender disruptor_huge_contender = {
	.name = "disruptor, huge pages",
	.slower = 1,
	.stream = run_huge,
	.sizes = true,
	.pages = true,
	.missing = no_huge_pages,
};
