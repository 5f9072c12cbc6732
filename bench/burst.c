/* SPDX-License-Identifier: MIT */
/*
 * What it costs to publish to a consumer that is awake. A burst finds room for
 * all of it, and its first part wakes the consumer up; the clock runs for the
 * rest, which comes too fast for anybody to go to sleep. Who parks has to have
 * slept once from burst to burst, in between; else the burst does not count.
 */
#include <errno.h>
#include <time.h>

#include <disruptor/disruptor.h>

#include "statistics.h"
#include "threads.h"
#include "waits.h"

enum { CAPACITY = 65536, BURSTS = 15, WAKING = 8192, TIMED = 32768 };

struct consumer {
	uint64_t next;
	uint64_t wrong;
	/* The consumer tells, the producer looks: events seen so far. */
	int64_t seen DSR_ALIGNED(DSR_CACHELINE);
} DSR_ALIGNED(DSR_CACHELINE);

struct bursts {
	struct dsr_disruptor *d;
	struct dsr_producer *producer;
	struct consumer *consumer;
	uint64_t published;
	uint32_t timed;
	bool parks;
	bool yield;
	double ns[BURSTS];
	uint32_t count;
	int error;
} DSR_ALIGNED(DSR_CACHELINE);

static int on_batch(struct dsr_batch *batch, void *state)
{
	struct consumer *c = state;
	uint64_t next = c->next, wrong = 0;
	const uint64_t *event;

	while ((event = dsr_batch_next(batch)))
		wrong += *event != next++;
	c->next = next;
	c->wrong += wrong;
	/* Relaxed: how far, and nothing else. */
	dsr_store_relaxed(&c->seen, (int64_t)next);
	return DSR_CONTINUE;
}

static void publish(struct bursts *b, uint32_t n)
{
	uint64_t i = b->published, end = i + n;

	for (; i != end; i++) {
		*(uint64_t *)dsr_claim(b->producer) = i;
		dsr_publish(b->producer);
	}
	b->published = end;
}

/* How often it has parked, once it sleeps again; who does not park: 0. */
static int64_t parks_asleep(struct bursts *b)
{
	uint32_t tries;

	for (tries = 0; b->parks && tries < 100000; tries++) {
		struct dsr_snapshot *s;
		int64_t parks = -1;
		int err = dsr_snapshot_take(b->d, &s);

		if (err < 0)
			return err;
		if (s->consumers[0].state == DSR_STATE_PARKED)
			parks = (int64_t)s->consumers[0].waited.parks;
		dsr_snapshot_free(s);
		if (parks >= 0)
			return parks;
		nanosleep(&(struct timespec){0, 100000}, NULL);
	}
	return b->parks ? -ETIMEDOUT : 0;
}

static void burst(struct bursts *b)
{
	int64_t before = parks_asleep(b), after;
	uint64_t ticks;

	publish(b, WAKING);
	ticks = clock_ticks();
	publish(b, b->timed);
	ticks = clock_ticks() - ticks;
	/* Relaxed: how far, and nothing else. */
	while (dsr_load_relaxed(&b->consumer->seen) != (int64_t)b->published)
		pass(b->yield);
	after = parks_asleep(b);
	if (before < 0 || after < 0)
		b->error = (int)(before < 0 ? before : after);
	else if (after - before <= 1)
		b->ns[b->count++] = clock_ns_of(ticks) / b->timed;
}

static void produce(void *argument)
{
	struct bursts *b = argument;
	uint32_t i;

	b->producer = dsr_producer(b->d);
	b->error = b->producer ? 0 : -ENOMEM;
	for (i = 0; i < BURSTS && b->error == 0; i++)
		burst(b);
}

int burst_measure(const struct waits *waits, const struct waits_strategy *strategy,
		  struct waits_figures *figures)
{
	struct dsr_builder *builder = dsr_build_single_producer(CAPACITY, sizeof(uint64_t));
	struct consumer c = {0};
	struct bursts b = {.consumer = &c,
			   .timed = TIMED / waits->shrink,
			   .parks = strategy->parks,
			   .yield = waits->cpus[0] < 0};
	int err;

	dsr_handle_events(builder,
			  &(struct dsr_handler){.on_batch = on_batch,
						.state = &c,
						.pin = waits->cpus[1] < 0 ? DSR_UNPINNED
									  : DSR_CPU(waits->cpus[1]),
						.wait = strategy->wait});
	err = dsr_start(builder, &b.d);
	if (err < 0) {
		dsr_builder_destroy(builder);
		return err;
	}
	err = threads_alone(waits->cpus[0], produce, &b);
	dsr_shutdown(b.d, DSR_FOREVER);
	dsr_destroy(b.d);
	if (err == 0)
		err = b.error;
	if (err == 0 && (c.wrong || c.next != b.published))
		err = -EILSEQ;
	figures->publish = err == 0 && b.count ? median(b.ns, b.count) : 0;
	return err;
}
