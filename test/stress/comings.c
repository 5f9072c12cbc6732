/* SPDX-License-Identifier: MIT */
/*
 * Consumers come and go by two threads, behind each other, while producers run at
 * full speed and another thread ends it all: by a shutdown, a halt or a close, as
 * soon as the start has returned, or because a handler wished so. It has to end,
 * and at a drain no consumer that stayed has lost an event. Exit status 0 if all
 * is well.
 */
#include <getopt.h>

#include "graphs.h"

enum { PERMANENT_MAX = 3, COMERS = 2, EACH = 14, SPARE = PERMANENT_MAX + COMERS * EACH };

_Static_assert((int)SPARE < (int)CONSUMERS_MAX, "one bit each");

enum mode {
	SHUTDOWN,
	HALT,
	CLOSE,
	AT_ONCE,
	STOP_ALL,
	STOP_ONE,
	STOP_EACH,
	STOP_LATE,
	FROM_WITHIN,
	MODES
};

struct options {
	uint64_t seed, rounds;
	uint32_t producers;
	bool many;
};

struct round;

/* A thread that attaches and detaches. */
struct comer {
	struct checker c;
	struct round *r;
	uint64_t seed;
	uint32_t first; /* of the consumers that it may attach */
	pthread_t thread;
} DSR_ALIGNED(DSR_CACHELINE);

struct round {
	struct story s; /* first: a consumer's story is its round */
	enum mode mode;
	uint32_t permanent, delay;
	bool patient;         /* the end waits until all producers have published */
	uint64_t seed;        /* the ender's */
	int64_t started;      /* atomic: the disruptor's address */
	int64_t ending;       /* atomic: somebody has begun to end it */
	sem_t moving, raced;  /* the producers have published; have ended */
	struct checker ender; /* what it has to complain about */
	struct comer comers[COMERS];
	pthread_mutex_t lock;
	uint32_t present, told; /* bits, under the lock */
};

struct totals {
	uint64_t events, attached, detached;
};

static struct dsr_disruptor *started(struct round *r)
{
	/* Acquire: all of it is there. */
	return (struct dsr_disruptor *)(intptr_t)dsr_load_acquire(&r->started);
}

static void announce_end(struct round *r)
{
	dsr_store_relaxed(&r->ending, 1);
	/* Before whatever it leads to. */
	dsr_full_fence();
}

static struct consumer *draw_present(struct round *r, uint64_t *seed)
{
	uint32_t present, i;

	pthread_mutex_lock(&r->lock);
	present = r->present;
	pthread_mutex_unlock(&r->lock);
	for (i = below(seed, CONSUMERS_MAX); present && !(present >> i & 1);)
		i = (i + 1) % CONSUMERS_MAX;
	return present ? &r->s.consumers[i] : NULL;
}

static void set_present(struct round *r, const struct consumer *c)
{
	pthread_mutex_lock(&r->lock);
	r->present |= UINT32_C(1) << c->index;
	pthread_mutex_unlock(&r->lock);
}

/* Whether it had been told before. Others may still find it, to follow it or to tell it again. */
static bool set_told(struct round *r, const struct consumer *c, bool hide)
{
	uint32_t bit = UINT32_C(1) << c->index;
	bool before;

	pthread_mutex_lock(&r->lock);
	before = r->told & bit;
	r->told |= bit;
	if (hide)
		r->present &= ~bit;
	pthread_mutex_unlock(&r->lock);
	return before;
}

static int64_t attach_one(struct comer *k, struct consumer *c)
{
	struct round *r = k->r;
	int64_t first;

	for (uint32_t i = below(&k->seed, 3); i; i--) {
		struct consumer *other = draw_present(r, &k->seed);

		if (other && !(c->behind >> other->index & 1))
			follow(c, other);
	}
	first = attach(&r->s, c, one_in(&k->seed, 2) ? DSR_FROM_NOW : DSR_FROM_OLDEST);
	if (first >= 0) {
		set_present(r, c);
	} else if (first == -ECANCELED) {
		/* Relaxed: announced before it began. */
		if (!dsr_load_relaxed(&r->ending) && r->mode != STOP_ALL && r->mode != FROM_WITHIN)
			complain(&k->c, "cancelled, and nobody had", -1, c->index, 0);
	} else if (first != -ENOENT || !c->behind) {
		complain(&k->c, "cannot attach", -1, (uint64_t)-first, c->index);
	}
	return first;
}

static int detach(struct comer *k, const struct consumer *c)
{
	struct dsr_disruptor *d = k->r->s.d;
	int err;

	switch (below(&k->seed, 4)) {
	case 0:
		err = dsr_detach(d, c->name, DSR_NOW);
		/* Somebody else may tell it again, or the end does. */
		return err == -ETIMEDOUT ? 0 : err;
	case 1:
		while ((err = dsr_detach(d, c->name, 1000)) == -ETIMEDOUT)
			sched_yield();
		return err;
	default:
		return dsr_detach(d, c->name, DSR_FOREVER);
	}
}

/* Also one of the other's; but pollers only by whoever attached them. */
static void detach_one(struct comer *k)
{
	struct consumer *c = draw_present(k->r, &k->seed);
	bool mine, before, has_left;
	int err;

	if (!c || c->index < PERMANENT_MAX)
		return;
	mine = c->index >= k->first && c->index < k->first + EACH;
	if (c->kind == POLLER && !mine)
		return;
	before = set_told(k->r, c, c->kind == POLLER || !one_in(&k->seed, 4));
	if (c->kind == POLLER)
		end_driving(c, true);
	err = detach(k, c);
	has_left = c->kind == POLLER && c->workers[0].wished;
	if (err < 0 && !(err == -ENOENT && (before || has_left || c->kind != POLLER)))
		complain(&k->c, "cannot detach", -1, (uint64_t)-err, c->index);
}

static void *come_and_go(void *argument)
{
	struct comer *k = argument;
	struct consumer *c = &k->r->s.consumers[k->first];

	for (uint32_t i = 0; i < EACH; i++) {
		linger(below(&k->seed, 10));
		if (attach_one(k, c++) == -ECANCELED)
			break;
		if (one_in(&k->seed, 2))
			detach_one(k);
	}
	for (uint32_t i = below(&k->seed, EACH); i; i--)
		detach_one(k);
	return NULL;
}

/* Ends it all, in one way or another. */
static void *end(void *argument)
{
	struct round *r = argument;
	struct dsr_disruptor *d;
	int err = 0;

	while (!(d = started(r)))
		sched_yield();
	for (uint32_t i = 0; r->patient && i < r->s.racer_count; i++)
		sem_wait(&r->moving);
	linger(r->delay);
	/* Producers that a handler's wish ended need nobody else for it. */
	if (r->mode == STOP_ALL)
		sem_wait(&r->raced);
	announce_end(r);
	if (r->mode == HALT)
		err = dsr_halt(d);
	if (r->mode == CLOSE)
		err = dsr_close(d);
	if (err < 0)
		complain(&r->ender, "cannot halt or close", -1, (uint64_t)-err, 0);
	if (one_in(&r->seed, 2))
		while ((err = dsr_shutdown(d, below(&r->seed, 2) * 20000)) == -ETIMEDOUT)
			sched_yield();
	else
		err = dsr_shutdown(d, DSR_FOREVER);
	if (err < 0)
		complain(&r->ender, "cannot shut down", -1, (uint64_t)-err, 0);
	return NULL;
}

/* What a handler may do from within, and what would have it wait for itself. */
static void meddle_within(struct worker *w, int64_t sequence)
{
	struct round *r = (struct round *)(void *)w->of->story;
	struct consumer *spare = &r->s.consumers[SPARE];
	struct dsr_disruptor *d = started(r);
	int64_t first;

	if (!d || w->c.events % 3 != 2)
		return;
	w->hook = NULL;
	if (dsr_shutdown(d, DSR_FOREVER) != -EDEADLK ||
	    dsr_detach(d, w->of->name, DSR_FOREVER) != -EDEADLK)
		complain(&w->c, "waited for itself", sequence, 0, 0);
	if (one_in(&w->seed, 2))
		follow(spare, w->of);
	first = attach(&r->s, spare, DSR_FROM_NOW);
	if (first < 0 && first != -ECANCELED)
		complain(&w->c, "cannot attach", sequence, (uint64_t)-first, 0);
	if (one_in(&w->seed, 3))
		dsr_close(d);
	else if (one_in(&w->seed, 2))
		dsr_halt(d);
}

/* A worker that leaves when the end has begun, with what it has in hand. */
static void stop_late(struct worker *w, int64_t sequence)
{
	struct round *r = (struct round *)(void *)w->of->story;

	(void)sequence;
	/* It is the slow one, so that it has something in hand and the others have nothing. */
	linger(1);
	/* Relaxed: any time will do. */
	if (dsr_load_relaxed(&r->ending)) {
		linger(below(&w->seed, 30));
		w->stop_after = 1;
	}
}

/* A group of which only the last worker sees the end. */
static void draw_leaving(struct round *r, uint64_t *seed)
{
	struct consumer *c = &r->s.consumers[r->permanent - 1];

	if (r->permanent == 1)
		return;
	while (c->kind != WORKERS || c->count < 2)
		draw_consumer(&r->s, c, seed);
	for (uint32_t i = 0; i < c->count - 1; i++) {
		c->workers[i].hook = stop_late;
		c->workers[i].max_batch = r->s.capacity;
	}
	/* It looks again and again. */
	c->workers[c->count - 1].wait = DSR_WAIT_YIELD;
}

/* The consumers that stay. The first one is a handler: it may have wishes. */
static void draw_permanent(struct round *r, uint64_t *seed)
{
	struct story *s = &r->s;

	while (s->consumers[0].kind >= POLLER)
		draw_consumer(s, &s->consumers[0], seed);
	r->permanent = 1 + below(seed, PERMANENT_MAX);
	if (r->mode == STOP_LATE)
		draw_leaving(r, seed);
	for (uint32_t i = 1; i < r->permanent; i++)
		if (one_in(seed, 2))
			follow(&s->consumers[i], &s->consumers[below(seed, i)]);
	if (r->mode == STOP_ALL)
		s->consumers[0].workers[0].wish = DSR_STOP_ALL;
	if (r->mode == STOP_ALL || r->mode == STOP_ONE)
		s->consumers[0].workers[0].stop_after = 1;
	if (r->mode == FROM_WITHIN)
		s->consumers[0].workers[0].hook = meddle_within;
	for (uint32_t i = 0; r->mode == STOP_EACH && i < r->permanent; i++)
		for (uint32_t j = 0; j < s->consumers[i].count; j++)
			s->consumers[i].workers[j].stop_after = 1;
}

static void draw_round(struct round *r, const struct options *o, uint64_t number)
{
	struct story *s = &r->s;
	uint64_t seed = seed_from(number);

	begin_story(s, "comings", number);
	s->many = o->many;
	s->racer_count = o->producers;
	s->capacity = 1U << below(&seed, 7);
	s->words = 1 + below(&seed, 4);
	s->first = 0;
	draw_racers(s, UINT64_MAX, &seed);
	r->mode = (enum mode)(number % MODES);
	r->patient = r->mode != AT_ONCE && !one_in(&seed, 8);
	r->delay = r->mode == AT_ONCE || one_in(&seed, 4) ? 0 : below(&seed, 300);
	r->seed = seed_from(draw(&seed));
	s->halted = r->mode == HALT || r->mode == STOP_ALL || r->mode == FROM_WITHIN;
	s->consumer_count = SPARE + 1;
	for (uint32_t i = 0; i < s->consumer_count; i++) {
		draw_consumer(s, &s->consumers[i], &seed);
		snprintf(s->consumers[i].name, sizeof(s->consumers[i].name), "c%u", i);
		if (i >= PERMANENT_MAX && one_in(&seed, 8))
			draw_stop(&s->consumers[i], &seed);
	}
	draw_permanent(r, &seed);
	for (uint32_t i = 0; i < COMERS; i++)
		r->comers[i] = (struct comer){
			.r = r, .seed = seed_from(draw(&seed)), .first = PERMANENT_MAX + i * EACH};
	r->ender = (struct checker){0};
	r->started = r->ending = 0;
	r->told = 0;
	r->present = (UINT32_C(1) << r->permanent) - 1;
}

static int start(struct round *r)
{
	struct story *s = &r->s;
	uint32_t size = (s->words + CONSUMERS_MAX / 8) * 8;
	struct dsr_builder *b = s->many ? dsr_build_multi_producer(s->capacity, size)
					: dsr_build_single_producer(s->capacity, size);
	int err;

	for (uint32_t i = 0; i < r->permanent; i++)
		build(b, &s->consumers[i]);
	err = dsr_start(b, &s->d);
	if (err < 0) {
		fprintf(stderr, "comings: start: %s\n", dsr_builder_message(b));
		dsr_builder_destroy(b);
		_exit(1);
	}
	/* [started] Release: all of it is there. */
	dsr_store_release(&r->started, (int64_t)(intptr_t)s->d);
	return err;
}

static void drive_permanent(struct round *r)
{
	for (uint32_t i = 0; i < r->permanent; i++) {
		struct consumer *c = &r->s.consumers[i];

		c->poller = c->kind == POLLER ? dsr_poller_find(r->s.d, c->name) : NULL;
		if (c->poller)
			begin_driving(c);
		else if (c->kind == POLLER)
			complain(&c->workers[0].c, "no such poller", -1, 0, 0);
	}
}

/* The round itself: from dsr_start() until all threads are joined. */
static void play(struct round *r)
{
	struct story *s = &r->s;
	pthread_t ender;

	pthread_mutex_init(&r->lock, NULL);
	sem_init(&r->moving, 0, 0);
	sem_init(&r->raced, 0, 0);
	s->moving = &r->moving;
	pthread_create(&ender, NULL, end, r);
	start(r);
	watchdog_phase("the middle", s->d);
	drive_permanent(r);
	begin_racing(s);
	for (uint32_t i = 0; i < COMERS; i++)
		pthread_create(&r->comers[i].thread, NULL, come_and_go, &r->comers[i]);
	end_racing(s);
	sem_post(&r->raced);
	for (uint32_t i = 0; i < COMERS; i++)
		pthread_join(r->comers[i].thread, NULL);
	pthread_join(ender, NULL);
	for (uint32_t i = 0; i < s->consumer_count; i++)
		end_driving(&s->consumers[i], false);
	watchdog_phase("dsr_destroy()", NULL);
	sem_destroy(&r->moving);
	sem_destroy(&r->raced);
	pthread_mutex_destroy(&r->lock);
}

static int conclude(struct round *r, struct totals *totals)
{
	struct story *s = &r->s;
	int err = dsr_destroy(s->d), failed = err < 0 ? fail("comings", "destroy", err) : 0;

	failed |= tell(s, "who ends it", &r->ender);
	for (uint32_t i = 0; i < COMERS; i++)
		failed |= tell(s, "who attaches and detaches", &r->comers[i].c);
	for (uint32_t i = 0; i <= SPARE; i++) {
		s->consumers[i].told = r->told >> i & 1;
		totals->attached += i >= PERMANENT_MAX && s->consumers[i].there;
		totals->detached += s->consumers[i].told;
	}
	for (uint32_t i = 0; i < s->racer_count; i++)
		totals->events += s->racers[i].published;
	failed |= judge(s);
	if (failed) {
		fprintf(stderr, "mode %d, ", (int)r->mode);
		print_story(stderr, s);
	}
	return failed;
}

static int usage(void)
{
	fprintf(stderr, "usage: comings [-m] [-n ROUNDS] [-p PRODUCERS] [-s SEED]\n"
			"-m: built for many producers\n");
	return 2;
}

static int run(const struct options *o)
{
	static struct round r;
	struct totals t = {0};
	int failed = 0;

	watchdog_begin("comings");
	for (uint64_t i = 0; i < o->rounds && !failed; i++) {
		watchdog_round(o->seed + i);
		draw_round(&r, o, o->seed + i);
		play(&r);
		failed = conclude(&r, &t);
	}
	watchdog_end();
	printf("%" PRIu64 " events, %" PRIu64 " attached, %" PRIu64 " detached\n", t.events,
	       t.attached, t.detached);
	return failed;
}

int main(int argc, char **argv)
{
	struct options o = {.seed = 1, .rounds = 500, .producers = 1};
	int c;

	while ((c = getopt(argc, argv, "mn:p:s:")) != -1) {
		uint64_t value = optarg ? strtoull(optarg, NULL, 0) : 0;

		switch (c) {
		case 'm':
			o.many = true;
			break;
		case 'n':
			o.rounds = value;
			break;
		case 'p':
			o.producers = (uint32_t)value;
			break;
		case 's':
			o.seed = value;
			break;
		default:
			return usage();
		}
	}
	if (o.producers < 1 || o.producers > RACERS_MAX)
		return usage();
	o.many |= o.producers > 1;
	return run(&o);
}
