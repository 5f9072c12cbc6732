/* SPDX-License-Identifier: MIT */
/*
 * usage: driver MODE EVENTS
 *
 * A run of EVENTS events for callgrind, which is started with
 * --collect-atstart=no: what the mode measures lies between two calls of
 * toggle(), and each thread has a switch of its own, so nothing else counts.
 *
 * Nobody waits while somebody counts. The handler is held inside its first
 * event until all others are published, and the ring is large enough for that:
 * the producer always finds room, and the consumer always the next event. So
 * the counts are the same in each run.
 *
 * For one that follows there are pollers, all of them polled by the one thread that
 * there is: a row in which each follows the one before, and behind it the one that
 * counts. They take each event in turn, so that it looks for each of them how far
 * those are that it follows.
 */
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/callgrind.h>

#include <disruptor/disruptor.h>

enum { CAPACITY = 65536, BATCH = 64, ROW = 8 };

struct value {
	int64_t number;
};

DSR_EVENT(value, struct value);

struct consumer {
	int64_t sum;
	bool measured;
	int stops; /* how often it came to an end of what there was */
	sem_t held;
	sem_t go;
};

static void toggle(void)
{
	CALLGRIND_TOGGLE_COLLECT;
}

/* Behind the first event, and behind the last: these are the only two ends there are. */
static void stop_over(struct consumer *c)
{
	if (c->stops++ == 0) {
		sem_post(&c->held);
		sem_wait(&c->go);
	}
	if (c->measured)
		toggle();
}

static int on_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct consumer *c = (struct consumer *)state;
	struct value *v = (struct value *)event;

	(void)sequence;
	c->sum += v->number;
	if (end_of_batch)
		stop_over(c);
	return DSR_CONTINUE;
}

static int on_batch(struct dsr_batch *batch, void *state)
{
	struct consumer *c = (struct consumer *)state;
	struct value *v;
	int64_t sum = 0;

	while ((v = value_batch_next(batch)))
		sum += v->number;
	c->sum += sum;
	stop_over(c);
	return DSR_CONTINUE;
}

static bool publish_one(struct dsr_producer *p, int64_t events)
{
	for (int64_t i = 1; i <= events; i++) {
		struct value *v = value_claim(p);

		if (!v)
			return false;
		v->number = i;
		dsr_publish(p);
	}
	return true;
}

static bool publish_many(struct dsr_producer *p, int64_t events)
{
	for (int64_t i = 1; i <= events; i += BATCH) {
		int64_t first = dsr_claim_n(p, BATCH, DSR_FOREVER);

		if (first < 0)
			return false;
		for (int64_t k = 0; k < BATCH; k++)
			value_event(p, first + k)->number = i + k;
		dsr_publish(p);
	}
	return true;
}

/* What is measured, and how it is done; the rest is done in the plainest way. */
static const struct mode {
	const char *name;
	bool many;
	bool (*publish)(struct dsr_producer *p, int64_t events);
	bool consumes;
	dsr_batch_fn on_batch;
	uint32_t follows; /* so many of the row, the last ones */
} modes[] = {
	{"publish-1-single", false, publish_one, false, on_batch, 0},
	{"publish-1-multi", true, publish_one, false, on_batch, 0},
	{"publish-64-single", false, publish_many, false, on_batch, 0},
	{"publish-64-multi", true, publish_many, false, on_batch, 0},
	{"consume-events", false, publish_one, true, NULL, 0},
	{"consume-batches", false, publish_one, true, on_batch, 0},
	{"consume-behind-1", false, publish_one, true, NULL, 1},
	/* All but one are known by that one to be further. */
	{"consume-behind-named", false, publish_one, true, NULL, ROW},
};

static int give_up(const char *what)
{
	fprintf(stderr, "driver: %s\n", what);
	return 1;
}

static bool produce(const struct mode *mode, struct dsr_producer *p, struct consumer *c,
		    int64_t events)
{
	bool done;

	if (!p || !publish_one(p, 1))
		return false;
	sem_wait(&c->held);
	if (!mode->consumes)
		toggle();
	done = mode->publish(p, events);
	if (!mode->consumes)
		toggle();
	sem_post(&c->go);
	return done;
}

static int run(const struct mode *mode, int64_t events)
{
	struct consumer c = {.measured = mode->consumes};
	struct dsr_handler handler = {.state = &c, .on_batch = mode->on_batch};
	struct dsr_builder *b = mode->many ? value_build_multi_producer(CAPACITY)
					   : value_build_single_producer(CAPACITY);
	struct dsr_disruptor *d;
	bool done;

	if (!mode->on_batch)
		handler.on_event = on_event;
	sem_init(&c.held, 0, 0);
	sem_init(&c.go, 0, 0);
	dsr_handle_events(b, &handler);
	if (dsr_start(b, &d) < 0)
		return give_up(dsr_builder_message(b));
	done = produce(mode, dsr_producer(d), &c, events);
	/* Should it have failed, the consumer may wait for ever: leave it. */
	if (!done)
		return give_up("a claim failed");
	dsr_shutdown(d, DSR_FOREVER);
	dsr_destroy(d);
	if (c.sum != 1 + events * (events + 1) / 2)
		return give_up("not each event was seen");
	if (c.stops != 2)
		return give_up("there were other ends than the first event's and the last's");
	return 0;
}

static const char *const row[ROW + 1] = {"a", "b", "c", "d", "e", "f", "g", "h", NULL};

static void add_row(struct dsr_builder *b, uint32_t follows)
{
	for (int i = 0; i < ROW; i++) {
		const char *const before[] = {i ? row[i - 1] : NULL, NULL};

		dsr_add_poller(b, &(struct dsr_poller_options){.name = row[i], .after = before});
	}
	dsr_add_poller(b,
		       &(struct dsr_poller_options){.name = "last", .after = row + ROW - follows});
}

static bool poll_one(struct dsr_poller *poller, int64_t *sum)
{
	struct dsr_batch *batch;
	struct value *v;

	if (dsr_poll(poller, 1, &batch) != DSR_POLL_EVENTS)
		return false;
	v = value_batch_next(batch);
	if (!v)
		return false;
	*sum += v->number;
	dsr_batch_release(batch);
	return true;
}

static bool poll_all(struct dsr_disruptor *d, int64_t events, int64_t *sum)
{
	struct dsr_poller *last = dsr_poller_find(d, "last"), *pollers[ROW];
	int64_t others = 0;
	bool good = true;

	for (int i = 0; i < ROW; i++)
		pollers[i] = dsr_poller_find(d, row[i]);
	for (int64_t n = 0; n < events && good; n++) {
		for (int i = 0; i < ROW; i++)
			good = poll_one(pollers[i], &others) && good;
		toggle();
		good = poll_one(last, sum) && good;
		toggle();
	}
	return good && others == ROW * *sum;
}

static int run_row(const struct mode *mode, int64_t events)
{
	struct dsr_builder *b = value_build_single_producer(CAPACITY);
	struct dsr_disruptor *d;
	int64_t sum = 0;
	bool done;

	add_row(b, mode->follows);
	if (dsr_start(b, &d) < 0)
		return give_up(dsr_builder_message(b));
	done = mode->publish(dsr_producer(d), events) && poll_all(d, events, &sum);
	dsr_shutdown(d, DSR_FOREVER);
	dsr_destroy(d);
	return done && sum == events * (events + 1) / 2 ? 0 : give_up("not each event was seen");
}

int main(int count, char **arguments)
{
	int64_t events = count == 3 ? strtoll(arguments[2], NULL, 10) : 0;

	if (events < BATCH || events >= CAPACITY || events % BATCH)
		return give_up("usage: driver MODE EVENTS, these a multiple of 64 below 65536");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].name, arguments[1]))
			return modes[i].follows ? run_row(&modes[i], events)
						: run(&modes[i], events);
	return give_up("no such mode");
}
