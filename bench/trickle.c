/* SPDX-License-Identifier: MIT */
/*
 * A consumer for whom nothing is there for two seconds, and then an event every
 * millisecond. Each carries the time that it was due, and that counts, even if the
 * producer was late itself: it spins for it, on a CPU of its own.
 */
#include <errno.h>
#include <time.h>

#include <disruptor/disruptor.h>

#include "threads.h"
#include "waits.h"

enum { CAPACITY = 1024, EVENTS = 2000, INTERVAL_NS = 1000 * 1000 };

struct due {
	uint64_t ticks;
	uint64_t number;
};

struct consumer {
	clockid_t clock;
	struct histogram *late;
	uint64_t seen;
	uint64_t wrong;
} DSR_ALIGNED(DSR_CACHELINE);

struct pace {
	struct dsr_disruptor *d;
	uint64_t events;
	bool yield;
	int error;
};

static int on_start(void *state)
{
	struct consumer *c = state;

	return -pthread_getcpuclockid(pthread_self(), &c->clock);
}

static int on_due(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	uint64_t now = clock_ticks();
	const struct due *due = event;
	struct consumer *c = state;

	(void)sequence;
	(void)end_of_batch;
	histogram_add(c->late, (int64_t)(now - due->ticks));
	c->wrong += due->number != c->seen++;
	return DSR_CONTINUE;
}

static void publish_paced(void *argument)
{
	struct pace *pace = argument;
	struct dsr_producer *p = dsr_producer(pace->d);
	uint64_t interval = clock_ticks_of(INTERVAL_NS), due = clock_ticks() + interval, i;

	pace->error = p ? 0 : -ENOMEM;
	for (i = 0; i < pace->events && p; i++, due += interval) {
		struct due *event;

		while ((int64_t)(clock_ticks() - due) < 0)
			pass(pace->yield);
		event = dsr_claim(p);
		event->ticks = due;
		event->number = i;
		dsr_publish(p);
	}
}

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The consumer's clock against the world's. */
struct usage {
	int64_t cpu;
	int64_t wall;
};

static struct usage usage_begin(const struct consumer *c)
{
	return (struct usage){clock_read(c->clock), clock_read(CLOCK_MONOTONIC)};
}

static double usage_percent(const struct consumer *c, const struct usage *since)
{
	struct usage now = usage_begin(c);

	return 100 * (double)(now.cpu - since->cpu) / (double)(now.wall - since->wall);
}

static void idle(const struct waits *waits)
{
	int64_t ns = INT64_C(2000000000) / waits->shrink;

	nanosleep(&(struct timespec){ns / 1000000000, ns % 1000000000}, NULL);
}

static int measure(const struct waits *waits, struct dsr_disruptor *d, const struct consumer *c,
		   struct waits_figures *figures)
{
	struct pace pace = {d, EVENTS / waits->shrink, waits->cpus[0] < 0, 0};
	struct dsr_thread_placement thread;
	struct usage since;
	int err = dsr_placement_thread(d, 0, &thread);

	if (err < 0)
		return err;
	figures->used = thread.wait;
	since = usage_begin(c);
	idle(waits);
	figures->idle = usage_percent(c, &since);
	since = usage_begin(c);
	err = threads_alone(waits->cpus[0], publish_paced, &pace);
	figures->trickle = usage_percent(c, &since);
	return err < 0 ? err : pace.error;
}

int trickle_measure(const struct waits *waits, const struct waits_strategy *strategy,
		    struct waits_figures *figures)
{
	struct dsr_builder *b = dsr_build_single_producer(CAPACITY, sizeof(struct due));
	struct consumer c = {.late = &figures->late};
	struct dsr_disruptor *d;
	int err;

	dsr_handle_events(b,
			  &(struct dsr_handler){.on_event = on_due,
						.on_start = on_start,
						.state = &c,
						.pin = waits->cpus[1] < 0 ? DSR_UNPINNED
									  : DSR_CPU(waits->cpus[1]),
						.wait = strategy->wait});
	err = dsr_start(b, &d);
	if (err < 0) {
		dsr_builder_destroy(b);
		return err;
	}
	err = measure(waits, d, &c, figures);
	dsr_shutdown(d, DSR_FOREVER);
	dsr_destroy(d);
	if (err == 0 && (c.wrong || c.seen != EVENTS / waits->shrink))
		err = -EILSEQ;
	return err;
}
