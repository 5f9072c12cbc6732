/* SPDX-License-Identifier: MIT */
/*
 * A soak: random graphs of consumers of every kind, while others are attached and
 * detached, stop by themselves, begin batches again and fail. All that can be
 * drawn comes from a round's seed, which is printed with what went wrong:
 * `graphs -s SEED -n 1` is that round again. Exit status 0 if all is well.
 */
#include <getopt.h>

#include "graphs.h"

enum { PERMANENT_MAX = 12, GUESTS_MAX = 12, NAMES = 6 };

enum ending { DRAIN_LATE, DRAIN, DRAIN_CLOSED, HALT, ENDINGS };

struct options {
	uint64_t seed, rounds, seconds;
	bool verbose;
};

struct totals {
	uint64_t rounds, events, attached, detached, stops, retries;
};

/* How the builder is told. */
struct script {
	uint32_t order[PERMANENT_MAX];
	uint32_t then; /* bits: dsr_then() comes before that one */
};

/* The main thread's part of a round. */
struct control {
	struct checker c;
	struct story *s;
	uint64_t seed;
	uint32_t permanent;
	struct totals *totals;
};

static void object(struct control *k, const char *what, int64_t got, int64_t wanted)
{
	complain(&k->c, what, -1, (uint64_t)got, (uint64_t)wanted);
}

static void draw_ring(struct story *s, uint64_t *seed)
{
	uint32_t total;

	s->many = one_in(seed, 2);
	s->racer_count = s->many ? 1 + below(seed, 3) : 1;
	s->capacity = 1U << below(seed, 11);
	s->words = 1 + below(seed, PAYLOAD_MAX);
	s->first = one_in(seed, 4) ? (int64_t)(draw(seed) >> 20) : 0;
	/* A small ring makes for much waiting. */
	total = 60 + below(seed, 60 + 8 * s->capacity);
	draw_racers(s, total / s->racer_count, seed);
}

/* Everybody names whom it follows, also those that the builder hears of later. */
static void draw_named(struct story *s, struct script *script, uint64_t *seed)
{
	uint32_t density = below(seed, 4);

	for (uint32_t i = 0; i < s->consumer_count; i++) {
		struct consumer *c = &s->consumers[i];
		uint32_t at = below(seed, i + 1);

		for (uint32_t j = 0; j < i; j++)
			if (density == 1 ? j + 1 == i : density && one_in(seed, 5 - density))
				follow(c, &s->consumers[j]);
		if (!c->after && one_in(seed, 2))
			c->after = c->names;
		script->order[i] = script->order[at];
		script->order[at] = i;
	}
}

/* Stages, and some who name somebody all the same. */
static void draw_stages(struct story *s, struct script *script, uint64_t *seed)
{
	uint32_t last = 0, stage = 0; /* bits: the stage before, and this one */

	for (uint32_t i = 0; i < s->consumer_count; i++) {
		struct consumer *c = &s->consumers[i];

		if (i && one_in(seed, 2)) {
			script->then |= UINT32_C(1) << i;
			last = stage;
			stage = 0;
		}
		stage |= UINT32_C(1) << i;
		script->order[i] = i;
		if (i && one_in(seed, 4)) {
			follow(c, &s->consumers[below(seed, i)]);
			continue;
		}
		c->behind = last;
		for (uint32_t rest = last; rest; rest &= rest - 1)
			c->behind |= s->consumers[__builtin_ctz(rest)].behind;
	}
}

static void draw_graph(struct story *s, struct script *script, uint64_t *seed)
{
	memset(script, 0, sizeof(*script));
	s->consumer_count = 1 + below(seed, PERMANENT_MAX);
	for (uint32_t i = 0; i < s->consumer_count; i++) {
		struct consumer *c = &s->consumers[i];

		draw_consumer(s, c, seed);
		snprintf(c->name, sizeof(c->name), "p%u", i);
		if (one_in(seed, 8))
			draw_stop(c, seed);
	}
	if (one_in(seed, 3))
		draw_stages(s, script, seed);
	else
		draw_named(s, script, seed);
}

static int start(struct story *s, const struct script *script)
{
	uint32_t size = (s->words + CONSUMERS_MAX / 8) * 8;
	struct dsr_builder *b = s->many ? dsr_build_multi_producer(s->capacity, size)
					: dsr_build_single_producer(s->capacity, size);
	int err;

	dsr_first_sequence(b, s->first);
	for (uint32_t i = 0; i < s->consumer_count; i++) {
		uint32_t next = script->order[i];

		if (script->then >> next & 1)
			dsr_then(b);
		build(b, &s->consumers[next]);
	}
	err = dsr_start(b, &s->d);
	if (err < 0) {
		fprintf(stderr, "graphs: start: %s\n", dsr_builder_message(b));
		dsr_builder_destroy(b);
	}
	return err;
}

static void drive_pollers(struct control *k)
{
	struct story *s = k->s;

	for (uint32_t i = 0; i < s->consumer_count; i++) {
		struct consumer *c = &s->consumers[i];

		c->poller = dsr_poller_find(s->d, c->name);
		if ((c->poller != NULL) != (c->kind == POLLER))
			object(k, "found a poller that is none, or not", i, (int64_t)c->kind);
		if (c->poller)
			begin_driving(c);
	}
}

static bool is_present(const struct consumer *c)
{
	return c->there && !c->gone;
}

static struct consumer *draw_present(struct control *k)
{
	for (uint32_t tries = 0; tries < 8; tries++) {
		struct consumer *c = &k->s->consumers[below(&k->seed, k->s->consumer_count)];

		if (is_present(c))
			return c;
	}
	return NULL;
}

static bool is_free(const struct story *s, const char *name)
{
	for (uint32_t i = 0; i < s->consumer_count; i++)
		if (is_present(&s->consumers[i]) && !strcmp(s->consumers[i].name, name))
			return false;
	return true;
}

/* Names come again when they are free. */
static void draw_name(struct control *k, struct consumer *c)
{
	uint32_t number = below(&k->seed, NAMES);

	do
		snprintf(c->name, sizeof(c->name), "g%u", number++);
	while (!is_free(k->s, c->name));
}

/* A sequence that is in the ring now, as far as we can know. */
static int64_t draw_sequence(struct control *k)
{
	struct dsr_snapshot *now;
	int64_t from;

	if (dsr_snapshot_take(k->s->d, &now) < 0)
		return DSR_FROM_NOW;
	from = now->done + 1;
	if (now->published > now->done)
		from += below(&k->seed, (uint32_t)(now->published - now->done) + 1);
	dsr_snapshot_free(now);
	return from;
}

static int64_t draw_from(struct control *k)
{
	switch (below(&k->seed, 3)) {
	case 0:
		return DSR_FROM_NOW;
	case 1:
		return DSR_FROM_OLDEST;
	default:
		return draw_sequence(k);
	}
}

static void attach_guest(struct control *k)
{
	struct story *s = k->s;
	struct consumer *c = &s->consumers[s->consumer_count], *other;
	bool may_miss = false;
	int64_t from, first;

	if (s->consumer_count == k->permanent + GUESTS_MAX)
		return;
	draw_consumer(s, c, &k->seed);
	draw_name(k, c);
	if (one_in(&k->seed, 6))
		draw_stop(c, &k->seed);
	for (uint32_t i = below(&k->seed, 3); i; i--) {
		other = draw_present(k);
		if (!other || (c->behind >> other->index & 1))
			continue;
		follow(c, other);
		may_miss |= may_stop(other);
	}
	from = draw_from(k);
	s->consumer_count++;
	first = attach(s, c, from);
	k->totals->attached += first >= 0;
	if (first < 0 && !(first == -ENOENT && may_miss) && !(first == -ERANGE && from >= 0))
		object(k, "cannot attach", first, 0);
	if (first >= 0 && from >= 0 && first != from)
		object(k, "attached elsewhere", first, from);
}

/* At once, or asking again and again. */
static int detach(struct control *k, const char *name)
{
	int err;

	if (one_in(&k->seed, 2))
		return dsr_detach(k->s->d, name, DSR_FOREVER);
	do {
		err = dsr_detach(k->s->d, name, below(&k->seed, 2) * 1000);
		sched_yield();
	} while (err == -ETIMEDOUT);
	return err;
}

static void detach_one(struct control *k)
{
	struct consumer *c = draw_present(k);
	bool has_left;
	int err;

	if (!c || (c->index < k->permanent && !one_in(&k->seed, 8)))
		return;
	c->told = true;
	end_driving(c, true);
	err = detach(k, c->name);
	has_left = c->kind == POLLER && c->workers[0].wished;
	if (err != (has_left ? -ENOENT : 0))
		object(k, "cannot detach", err, 0);
	c->gone = true;
	k->totals->detached++;
	for (uint32_t i = 0; i < c->count; i++)
		if (c->workers[i].ended != 1)
			object(k, "detached, and not ended", c->index, c->workers[i].ended);
}

static void look(struct control *k)
{
	struct story *s = k->s;
	struct dsr_snapshot *now;
	char text[256];
	int err = dsr_snapshot_take(s->d, &now);

	if (err < 0) {
		object(k, "cannot take a snapshot", err, 0);
		return;
	}
	if (now->capacity != s->capacity)
		object(k, "snapshot: capacity", (int64_t)now->capacity, s->capacity);
	if (now->remaining < 0 || now->remaining > (int64_t)s->capacity)
		object(k, "snapshot: remaining", now->remaining, s->capacity);
	for (uint32_t i = 0; i < now->consumer_count; i++)
		if (is_free(s, now->consumers[i].group[0] ? now->consumers[i].group
							  : now->consumers[i].name))
			object(k, "snapshot: of nobody", i, 0);
	if (now->producer_count > s->racer_count)
		object(k, "snapshot: producers", now->producer_count, s->racer_count);
	err = dsr_snapshot_text(now, text, sizeof(text));
	if (err < 1 || memchr(text, 0, sizeof(text)) == NULL)
		object(k, "snapshot: text", err, 0);
	dsr_snapshot_free(now);
}

/* What cannot be done changes nothing. */
static void try_in_vain(struct control *k)
{
	struct story *s = k->s;
	struct consumer *c = &s->consumers[s->consumer_count], *other = draw_present(k);
	int64_t first;
	int err;

	if (!other || (other->kind == POLLER && may_stop(other)) ||
	    s->consumer_count == CONSUMERS_MAX)
		return;
	draw_consumer(s, c, &k->seed);
	strcpy(c->name, other->name);
	first = attach(s, c, DSR_FROM_NOW);
	if (first != -EEXIST)
		object(k, "two of a name", first, -EEXIST);
	strcpy(c->name, "new");
	c->names[0] = "nobody";
	c->names[1] = NULL;
	c->after = c->names;
	first = attach(s, c, DSR_FROM_NOW);
	if (first != -ENOENT)
		object(k, "followed nobody", first, -ENOENT);
	err = dsr_detach(s->d, "nobody", DSR_FOREVER);
	if (err != -ENOENT)
		object(k, "detached nobody", err, -ENOENT);
}

static void meddle(struct control *k)
{
	for (uint32_t actions = below(&k->seed, 24); actions; actions--) {
		linger(below(&k->seed, 50));
		switch (below(&k->seed, 8)) {
		case 0:
			look(k);
			break;
		case 1:
			try_in_vain(k);
			break;
		case 2:
		case 3:
		case 4:
			detach_one(k);
			break;
		default:
			attach_guest(k);
		}
	}
}

/* All at once, or a bit at a time. */
static int shut_down(struct control *k)
{
	int err;

	if (one_in(&k->seed, 2))
		return dsr_shutdown(k->s->d, DSR_FOREVER);
	do {
		err = dsr_shutdown(k->s->d, below(&k->seed, 2) * 50 * 1000);
		sched_yield();
	} while (err == -ETIMEDOUT);
	return err;
}

/* Of what has ended nothing more can be had. */
static void check_end(struct control *k)
{
	struct story *s = k->s;
	struct consumer *c = &s->consumers[s->consumer_count];
	struct dsr_snapshot *now;
	int64_t first;

	if (dsr_shutdown(s->d, DSR_FOREVER) != -EALREADY)
		object(k, "shut down twice", 0, -EALREADY);
	if (dsr_producer(s->d))
		object(k, "a producer after the end", 0, 0);
	draw_consumer(s, c, &k->seed);
	strcpy(c->name, "late");
	first = attach(s, c, DSR_FROM_OLDEST);
	if (first != -ECANCELED)
		object(k, "attached after the end", first, -ECANCELED);
	if (dsr_snapshot_take(s->d, &now) < 0) {
		object(k, "no snapshot of the end", 0, 0);
		return;
	}
	if (!now->closed || now->remaining)
		object(k, "snapshot: open after the end", now->remaining, 0);
	dsr_snapshot_free(now);
}

static void end(struct control *k, enum ending ending)
{
	struct story *s = k->s;
	int err;

	watchdog_phase("the end", s->d);
	if (ending == DRAIN_LATE)
		end_racing(s);
	if (ending == DRAIN_CLOSED)
		dsr_close(s->d);
	s->halted = ending == HALT;
	if (s->halted)
		dsr_halt(s->d);
	err = shut_down(k);
	if (err < 0)
		object(k, "cannot shut down", err, 0);
	if (ending != DRAIN_LATE)
		end_racing(s);
	for (uint32_t i = 0; i < s->consumer_count; i++)
		end_driving(&s->consumers[i], false);
	check_end(k);
	watchdog_phase("dsr_destroy()", NULL);
	err = dsr_destroy(s->d);
	if (err < 0)
		object(k, "cannot destroy", err, 0);
}

static void count(const struct story *s, struct totals *totals)
{
	totals->rounds++;
	for (uint32_t i = 0; i < s->racer_count; i++)
		totals->events += s->racers[i].published;
	for (uint32_t i = 0; i < s->consumer_count; i++)
		for (uint32_t j = 0; j < s->consumers[i].count; j++) {
			totals->stops += s->consumers[i].workers[j].wished;
			totals->retries += s->consumers[i].workers[j].retried;
		}
}

static int round_of(uint64_t number, struct totals *totals, bool verbose)
{
	static struct story s;
	uint64_t seed = seed_from(number);
	struct control k = {.s = &s, .totals = totals, .c.last = -1};
	struct script script;
	enum ending ending;
	int failed;

	begin_story(&s, "graphs", number);
	draw_ring(&s, &seed);
	draw_graph(&s, &script, &seed);
	ending = (enum ending)below(&seed, ENDINGS);
	k.permanent = s.consumer_count;
	k.seed = seed_from(draw(&seed));
	if (verbose)
		print_story(stdout, &s);
	watchdog_phase("dsr_start()", NULL);
	if (start(&s, &script) < 0)
		return 1;
	watchdog_phase("the middle", s.d);
	drive_pollers(&k);
	begin_racing(&s);
	meddle(&k);
	end(&k, ending);
	failed = tell(&s, "main thread", &k.c) | judge(&s);
	if (failed)
		print_story(stderr, &s);
	count(&s, totals);
	return failed;
}

static int usage(void)
{
	fprintf(stderr, "usage: graphs [-s SEED] [-n ROUNDS] [-t SECONDS] [-v]\n"
			"-t: as many rounds as fit; -v: print each round's graph\n");
	return 2;
}

static int run(const struct options *o)
{
	struct totals t = {0};
	struct timespec begun, now;
	int failed = 0;

	watchdog_begin("graphs");
	clock_gettime(CLOCK_MONOTONIC, &begun);
	now = begun;
	while (!failed && (o->seconds ? (uint64_t)(now.tv_sec - begun.tv_sec) < o->seconds
				      : t.rounds < o->rounds)) {
		watchdog_round(o->seed + t.rounds);
		failed = round_of(o->seed + t.rounds, &t, o->verbose);
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	watchdog_end();
	printf("%" PRIu64 " rounds, %" PRIu64 " events, %" PRIu64 " attached, %" PRIu64
	       " detached, %" PRIu64 " stops, %" PRIu64 " retries\n",
	       t.rounds, t.events, t.attached, t.detached, t.stops, t.retries);
	return failed;
}

int main(int argc, char **argv)
{
	struct options o = {.seed = 1, .rounds = 200};
	int c;

	while ((c = getopt(argc, argv, "s:n:t:v")) != -1) {
		uint64_t value = optarg ? strtoull(optarg, NULL, 0) : 0;

		switch (c) {
		case 's':
			o.seed = value;
			break;
		case 'n':
			o.rounds = value;
			break;
		case 't':
			o.seconds = value;
			break;
		case 'v':
			o.verbose = true;
			break;
		default:
			return usage();
		}
	}
	return run(&o);
}
