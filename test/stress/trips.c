/* SPDX-License-Identifier: MIT */
/*
 * There and back: each event of one ring becomes one of the other by the hand of
 * the first one's handler, and comes back by the other's. Each side waits for the
 * other all the time, so a wake-up that is lost, or a slot that does not come
 * free, ends it. Exit status 0 if all trips were made, each with its number.
 *
 *	trips [-r SLOTS] [-n TRIPS] [-W WAIT] [-m]
 */
#include <getopt.h>
#include <sched.h>
#include <semaphore.h>

#include "stress.h"

/* A ring, and whom its handler hands each event over to; on its handler's thread. */
struct side {
	struct dsr_disruptor *d, *other;
	struct dsr_producer *p;
	int64_t trips, most, wrong;
	sem_t *over;
	enum dsr_wait wait;
};

static int hand_back(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct side *s = state;
	int64_t number = *(int64_t *)event, *next;

	(void)end_of_batch;
	s->wrong += number != sequence;
	/* The side that began has its first one from the program. */
	if (++s->trips == s->most) {
		sem_post(s->over);
		return DSR_CONTINUE;
	}
	if (!s->p) {
		/* The program's thread has it for a moment more. */
		while (!(s->p = dsr_producer(s->other)))
			sched_yield();
		dsr_producer_set_wait(s->p, s->wait);
	}
	next = dsr_claim(s->p);
	if (!next)
		return -EPIPE;
	/* Back home it is the next one. */
	*next = s->most ? number + 1 : number;
	dsr_publish(s->p);
	return DSR_CONTINUE;
}

static int open_side(struct side *s, bool many, uint32_t slots)
{
	struct dsr_builder *b = many ? dsr_build_multi_producer(slots, sizeof(int64_t))
				     : dsr_build_single_producer(slots, sizeof(int64_t));
	int err;

	dsr_handle_events(
		b, &(struct dsr_handler){.on_event = hand_back, .state = s, .wait = s->wait});
	err = dsr_start(b, &s->d);
	return err < 0 ? fail("trips", dsr_builder_message(b), err) : 0;
}

static int run(bool many, uint32_t slots, int64_t trips, enum dsr_wait wait)
{
	struct side there = {.wait = wait}, back = {.wait = wait, .most = trips};
	struct dsr_producer *p;
	sem_t over;
	int failed;

	sem_init(&over, 0, 0);
	back.over = &over;
	if (open_side(&there, many, slots) || open_side(&back, many, slots))
		return 1;
	there.other = back.d;
	back.other = there.d;
	p = dsr_producer(there.d);
	*(int64_t *)dsr_claim(p) = 0;
	dsr_publish(p);
	dsr_producer_release(p);
	while (sem_wait(&over) < 0)
		;
	dsr_shutdown(there.d, DSR_FOREVER);
	dsr_shutdown(back.d, DSR_FOREVER);
	failed = there.wrong || back.wrong || there.trips != trips || back.trips != trips;
	if (failed)
		fprintf(stderr, "trips: %" PRId64 " there, %" PRId64 " back, %" PRId64 " wrong\n",
			there.trips, back.trips, there.wrong + back.wrong);
	dsr_destroy(there.d);
	dsr_destroy(back.d);
	sem_destroy(&over);
	return failed;
}

int main(int argc, char **argv)
{
	uint32_t slots = 1;
	int64_t trips = 100000;
	int wait = DSR_WAIT_PARK, c;
	bool many = false;

	while ((c = getopt(argc, argv, "mr:n:W:")) != -1) {
		switch (c) {
		case 'm':
			many = true;
			break;
		case 'r':
			slots = (uint32_t)atoi(optarg);
			break;
		case 'n':
			trips = atoll(optarg);
			break;
		case 'W':
			wait = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	return trips < 1 ? 2 : run(many, slots, trips, (enum dsr_wait)wait);
}
