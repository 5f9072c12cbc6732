/* SPDX-License-Identifier: MIT */
/*
 * Producers that claim in every way there is, and consumers that check every
 * word: order per producer, nothing lost, repeated, torn, and nothing seen that
 * was aborted. Exit status 0 if all is well.
 */
#include <getopt.h>
#include <pthread.h>

#include "stress.h"

struct options {
	uint32_t producers, handlers, ring, words, max_batch;
	uint64_t events; /* each producer's */
	uint64_t seed;
	bool many, batch;
	enum shape { BESIDE, ROW, DIAMOND } shape;
	enum dsr_wait wait;
	int64_t first;
};

struct worker {
	struct dsr_disruptor *d;
	const struct options *o;
	uint64_t id, seed, published;
	int error;
	pthread_t thread;
} DSR_ALIGNED(DSR_CACHELINE);

/* Claims some, in a way drawn at random. Returns how many; 0: full just now. */
static uint32_t claim_some(struct worker *w, struct dsr_producer *p, int64_t *first)
{
	uint32_t most = w->o->ring < 32 ? w->o->ring : 32;
	uint32_t n = 1 + (uint32_t)(draw(&w->seed) % most);

	switch (draw(&w->seed) % 6) {
	case 0:
		*first = dsr_claim_n(p, n, DSR_FOREVER);
		break;
	case 1:
		*first = dsr_claim_n(p, n, DSR_NOW);
		break;
	case 2:
		*first = dsr_claim_n(p, n, 20 * 1000);
		break;
	case 3:
		*first = dsr_claim_up_to(p, &n, DSR_FOREVER);
		break;
	case 4:
		*first = dsr_claim_up_to(p, &n, DSR_NOW);
		break;
	default:
		n = 1;
		*first = dsr_claim_n(p, n, DSR_FOREVER);
	}
	if (*first >= 0)
		return n;
	if (*first != -EAGAIN && *first != -ETIMEDOUT)
		w->error = (int)*first;
	return 0;
}

/* Fills what was claimed and publishes it, or aborts a part of it. */
static void hand_over(struct worker *w, struct dsr_producer *p, int64_t first, uint32_t n)
{
	uint32_t aborted = draw(&w->seed) % 8 ? 0 : 1 + (uint32_t)(draw(&w->seed) % n);
	uint32_t before = (uint32_t)(draw(&w->seed) % (n - aborted + 1));
	uint32_t i;

	for (i = 0; i < n; i++) {
		/* The aborted ones hold what would be noticed. */
		bool is_aborted = i >= before && i < before + aborted;

		fill(dsr_event(p, first + i), w->o->words, is_aborted ? 0xbad : w->id,
		     is_aborted ? 0 : w->published);
		w->published += !is_aborted;
	}
	if (before && dsr_publish_n(p, before) != before)
		w->error = -EINVAL;
	if (aborted && dsr_abort_n(p, aborted) != aborted)
		w->error = -EINVAL;
	if (dsr_publish(p) != n - aborted - before)
		w->error = -EINVAL;
}

static void *produce(void *argument)
{
	struct worker *w = argument;
	struct dsr_producer *p = dsr_producer(w->d);
	int64_t first;
	uint32_t n;

	if (!p) {
		w->error = -ENOMEM;
		return NULL;
	}
	dsr_producer_set_wait(p, w->o->wait);
	while (w->published < w->o->events && !w->error) {
		n = claim_some(w, p, &first);
		if (n)
			hand_over(w, p, first, n);
	}
	return NULL;
}

/* Beside each other, in a row, or the last one behind all others. */
static bool begins_stage(const struct options *o, uint32_t i)
{
	if (i == 0 || o->shape == BESIDE)
		return false;
	return o->shape == ROW || i == o->handlers - 1;
}

static int start(const struct options *o, struct checker *checkers, struct dsr_disruptor **d)
{
	uint32_t size = (o->words + (o->shape == BESIDE ? 0 : o->handlers)) * 8;
	struct dsr_builder *b = o->many ? dsr_build_multi_producer(o->ring, size)
					: dsr_build_single_producer(o->ring, size);
	int err;

	dsr_first_sequence(b, o->first);
	for (uint32_t i = 0; i < o->handlers; i++) {
		struct dsr_handler handler = {
			.state = &checkers[i],
			.wait = o->wait,
			.max_batch = o->max_batch < o->ring ? o->max_batch : o->ring,
		};

		if (begins_stage(o, i)) {
			dsr_then(b);
			checkers[i].front = (1u << i) - 1;
		}
		checkers[i].marks = o->shape != BESIDE;
		checkers[i].index = i;
		checkers[i].words = o->words;
		checkers[i].last = o->first - 1;
		if (o->batch)
			handler.on_batch = check_batch;
		else
			handler.on_event = check_event;
		dsr_handle_events(b, &handler);
	}
	err = dsr_start(b, d);
	if (err < 0) {
		fprintf(stderr, "producers: %s\n", dsr_builder_message(b));
		dsr_builder_destroy(b);
	}
	return err;
}

static int judge(const struct options *o, const struct worker *workers,
		 const struct checker *checkers)
{
	int failed = 0;

	for (uint32_t i = 0; i < o->producers; i++)
		if (workers[i].error)
			failed |= fail("producers", "a claim or publish failed", workers[i].error);
	for (uint32_t h = 0; h < o->handlers; h++) {
		if (checkers[h].wrong) {
			fprintf(stderr, "producers: handler %u: %" PRIu64 " wrong; first: %s\n", h,
				checkers[h].wrong, checkers[h].first_wrong);
			failed = 1;
		}
		for (uint32_t i = 0; i < o->producers; i++)
			if (checkers[h].next[i] != workers[i].published) {
				fprintf(stderr,
					"producers: handler %u saw %" PRIu64
					" of producer %u's %" PRIu64 "\n",
					h, checkers[h].next[i], i, workers[i].published);
				failed = 1;
			}
	}
	return failed;
}

static int run(const struct options *o)
{
	static struct worker workers[PRODUCERS_MAX];
	static struct checker checkers[PRODUCERS_MAX];
	struct dsr_disruptor *d;
	uint64_t seed = o->seed;
	int err = start(o, checkers, &d);

	if (err < 0)
		return 1;
	for (uint32_t i = 0; i < o->producers; i++) {
		workers[i] = (struct worker){.d = d, .o = o, .id = i, .seed = draw(&seed) | 1};
		pthread_create(&workers[i].thread, NULL, produce, &workers[i]);
	}
	for (uint32_t i = 0; i < o->producers; i++)
		pthread_join(workers[i].thread, NULL);
	err = dsr_shutdown(d, DSR_FOREVER);
	if (err < 0)
		return fail("producers", "shutdown", err);
	dsr_destroy(d);
	return judge(o, workers, checkers);
}

static int usage(void)
{
	fprintf(stderr,
		"usage: producers [-m] [-b] [-p PRODUCERS] [-h HANDLERS] [-r RING] [-e EVENTS]\n"
		"                 [-g SHAPE] [-w WORDS] [-x MAX_BATCH] [-W WAIT] [-f FIRST] [-s "
		"SEED]\n"
		"-m: built for many producers; -b: batch handlers; SHAPE: 0 beside each other, "
		"1 in a\nrow, 2 the last one behind all others; WAIT: 1 to 7 as enum dsr_wait\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct options o = {.producers = 1,
			    .handlers = 1,
			    .ring = 64,
			    .words = 4,
			    .events = 100000,
			    .seed = 1,
			    .wait = DSR_WAIT_YIELD};
	int c;

	while ((c = getopt(argc, argv, "mbp:h:r:e:w:x:W:f:s:g:")) != -1) {
		uint64_t value = optarg ? strtoull(optarg, NULL, 0) : 0;

		switch (c) {
		case 'm':
			o.many = true;
			break;
		case 'b':
			o.batch = true;
			break;
		case 'p':
			o.producers = (uint32_t)value;
			break;
		case 'h':
			o.handlers = (uint32_t)value;
			break;
		case 'r':
			o.ring = (uint32_t)value;
			break;
		case 'e':
			o.events = value;
			break;
		case 'w':
			o.words = (uint32_t)value;
			break;
		case 'x':
			o.max_batch = (uint32_t)value;
			break;
		case 'W':
			o.wait = (enum dsr_wait)value;
			break;
		case 'f':
			o.first = (int64_t)value;
			break;
		case 's':
			o.seed = value;
			break;
		case 'g':
			o.shape = (enum shape)value;
			break;
		default:
			return usage();
		}
	}
	if (!o.producers || o.producers > PRODUCERS_MAX || !o.handlers ||
	    o.handlers > PRODUCERS_MAX || !o.words || o.words > WORDS_MAX || !o.ring || !o.seed ||
	    o.shape > DIAMOND)
		return usage();
	if (o.producers > 1)
		o.many = true;
	return run(&o);
}
