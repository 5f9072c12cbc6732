/* SPDX-License-Identifier: MIT */
/*
 * Shutdown and halt against producers that do not expect them. After a shutdown
 * each event whose claim succeeded has been handled, once; after a halt the
 * events handled are the first so many of each producer; and a start that fails
 * half way leaves nothing running. Exit status 0 if all is well.
 *
 * -a: at once behind the start, with producers that may not have begun; a halt and
 * a shutdown in turns.
 */
#include <getopt.h>
#include <pthread.h>
#include <semaphore.h>

#include "stress.h"

enum { WORDS = 3, RING = 16 };

enum ending { SHUTDOWN, HALT };

struct worker {
	struct dsr_disruptor *d;
	uint64_t id, published;
	uint32_t style;
	int error;
	sem_t *begun;
	pthread_t thread;
} DSR_ALIGNED(DSR_CACHELINE);

static bool publish_some(struct worker *w, struct dsr_producer *p)
{
	uint32_t n = 1 + w->style % 3;
	int64_t first;

	if (w->style % 2)
		first = dsr_claim_n(p, n, DSR_FOREVER);
	else
		first = dsr_claim_up_to(p, &n, 1000 * 1000);
	if (first < 0) {
		w->error = (int)first;
		return first == -ETIMEDOUT;
	}
	for (uint32_t i = 0; i < n; i++)
		fill(dsr_event(p, first + i), WORDS, w->id, w->published + i);
	w->published += (uint64_t)dsr_publish(p);
	/* Now and then the consumer has caught up, which is when it may end too early. */
	for (uint32_t i = 0; i < w->style % 5 * 8; i++)
		dsr_relax();
	return true;
}

static void *produce(void *argument)
{
	struct worker *w = argument;
	struct dsr_producer *p = dsr_producer(w->d);
	bool begun = false;

	if (!p)
		w->error = -ECANCELED;
	while (p && publish_some(w, p)) {
		if (!begun)
			sem_post(w->begun);
		begun = true;
	}
	if (!begun)
		sem_post(w->begun);
	return NULL;
}

static int compare(const struct worker *workers, uint32_t producers, const struct checker *c,
		   enum ending ending)
{
	int failed = c->wrong != 0;

	if (failed)
		fprintf(stderr, "endings: %s\n", c->first_wrong);
	for (uint32_t i = 0; i < producers; i++) {
		const struct worker *w = &workers[i];
		bool complete = c->next[i] == w->published;

		if (w->error != -ECANCELED)
			failed |= fail("endings", "a producer ended by another error", w->error);
		if (ending == SHUTDOWN ? !complete : c->next[i] > w->published) {
			fprintf(stderr,
				"endings: %" PRIu64 " of producer %u's %" PRIu64 " were handled\n",
				c->next[i], i, w->published);
			failed = 1;
		}
	}
	return failed;
}

static int round_of(uint32_t producers, bool many, enum ending ending, uint32_t style, bool at_once)
{
	static struct worker workers[PRODUCERS_MAX];
	static struct checker c;
	struct dsr_builder *b = many ? dsr_build_multi_producer(RING, WORDS * 8)
				     : dsr_build_single_producer(RING, WORDS * 8);
	struct dsr_disruptor *d;
	sem_t begun;
	int err;

	memset(&c, 0, sizeof(c));
	c.words = WORDS;
	c.last = -1;
	sem_init(&begun, 0, 0);
	dsr_handle_events(b, &(struct dsr_handler){
				     .on_event = check_event, .state = &c, .wait = DSR_WAIT_YIELD});
	err = dsr_start(b, &d);
	if (err < 0)
		return fail("endings", dsr_builder_message(b), err);
	for (uint32_t i = 0; i < producers; i++) {
		workers[i] = (struct worker){.d = d, .id = i, .style = style + i, .begun = &begun};
		pthread_create(&workers[i].thread, NULL, produce, &workers[i]);
	}
	for (uint32_t i = 0; i < (style % 4 && !at_once ? producers : 0); i++)
		sem_wait(&begun);
	if (ending == HALT)
		dsr_halt(d);
	err = dsr_shutdown(d, DSR_FOREVER);
	for (uint32_t i = 0; i < producers; i++)
		pthread_join(workers[i].thread, NULL);
	dsr_destroy(d);
	sem_destroy(&begun);
	return err < 0 ? fail("endings", "shutdown", err) : compare(workers, producers, &c, ending);
}

static int refuse(void *state)
{
	(void)state;
	return -ENOTRECOVERABLE;
}

/* The last handler does not want to start: the others have, and are taken back. */
static int false_start(uint32_t handlers)
{
	struct dsr_builder *b = dsr_build_multi_producer(RING, 8);
	struct dsr_disruptor *d;
	struct checker c;
	int err;

	for (uint32_t i = 0; i <= handlers; i++)
		dsr_handle_events(b,
				  &(struct dsr_handler){.on_event = check_event,
							.state = &c,
							.on_start = i == handlers ? refuse : NULL});
	err = dsr_start(b, &d);
	dsr_builder_destroy(b);
	return err == -ENOTRECOVERABLE && !d ? 0 : fail("endings", "false start", err);
}

int main(int argc, char **argv)
{
	uint32_t rounds = 200, producers = 1;
	bool many = false, at_once = false;
	int failed = 0, c;

	while ((c = getopt(argc, argv, "amp:n:")) != -1) {
		switch (c) {
		case 'a':
			at_once = true;
			break;
		case 'm':
			many = true;
			break;
		case 'p':
			producers = (uint32_t)atoi(optarg);
			break;
		case 'n':
			rounds = (uint32_t)atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (producers < 1 || producers > PRODUCERS_MAX)
		return 2;
	for (uint32_t i = 0; i < rounds && !failed; i++) {
		enum ending ending = i % (at_once ? 2 : 3) ? SHUTDOWN : HALT;

		failed |= round_of(producers, many || producers > 1, ending, at_once ? i / 2 : i,
				   at_once);
		if (i % 10 == 0)
			failed |= false_start(i / 10 % 4);
	}
	return failed;
}
