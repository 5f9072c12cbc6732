/* SPDX-License-Identifier: MIT */
/*
 * Several producers, one consumer: three threads publish prices to the same
 * ring, and a handler adds them up, a batch at a time.
 *
 *	cc ticks.c $(pkg-config --cflags --libs disruptor)
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include <disruptor/disruptor.h>

enum { PRODUCERS = 3, TICKS = 100000, RING = 1024 };

struct tick {
	uint32_t producer;
	int64_t price;
};
DSR_EVENT(tick, struct tick);

struct total {
	uint64_t ticks;
	int64_t prices;
};

/* Nothing is called per event; the slots go back when it returns. */
static int on_ticks(struct dsr_batch *batch, void *state)
{
	struct total *totals = state;
	struct tick *t;

	while ((t = tick_batch_next(batch))) {
		totals[t->producer].ticks++;
		totals[t->producer].prices += t->price;
	}
	return DSR_CONTINUE;
}

struct source {
	struct dsr_disruptor *d;
	uint32_t number;
	pthread_t thread;
};

static void *produce(void *argument)
{
	struct source *source = argument;
	struct dsr_producer *p = dsr_producer(source->d); /* each thread has its own */
	struct tick *t;

	for (int64_t i = 1; p && i <= TICKS && (t = tick_claim(p)); i++) {
		*t = (struct tick){.producer = source->number, .price = i + source->number};
		dsr_publish(p);
	}
	return NULL;
}

/* Returns the exit status: are they all there? */
static int report(const struct total *totals)
{
	struct total all = {0};

	for (int i = 0; i < PRODUCERS; i++) {
		printf("producer %d: %" PRIu64 " ticks, sum %" PRId64 "\n", i, totals[i].ticks,
		       totals[i].prices);
		all.ticks += totals[i].ticks;
		all.prices += totals[i].prices;
	}
	printf("total: %" PRIu64 " ticks, sum %" PRId64 "\n", all.ticks, all.prices);
	return all.ticks != (uint64_t)PRODUCERS * TICKS;
}

int main(void)
{
	struct total totals[PRODUCERS] = {0};
	struct source sources[PRODUCERS];
	struct dsr_builder *b = tick_build_multi_producer(RING);
	struct dsr_disruptor *d;
	int n;

	/* Not pinned: it sleeps between batches and leaves the CPU to others. */
	dsr_handle_events(b, &(struct dsr_handler){.on_batch = on_ticks, .state = totals});
	if (dsr_start(b, &d) < 0) {
		fprintf(stderr, "ticks: %s\n", dsr_builder_message(b));
		return dsr_builder_destroy(b), 1;
	}
	for (n = 0; n < PRODUCERS; n++) {
		sources[n] = (struct source){.d = d, .number = (uint32_t)n};
		if (pthread_create(&sources[n].thread, NULL, produce, &sources[n]))
			break;
	}
	while (n > 0)
		pthread_join(sources[--n].thread, NULL);
	dsr_shutdown(d, DSR_FOREVER); /* drain, stop, join: the totals are ours to read now */
	dsr_destroy(d);
	return report(totals);
}
