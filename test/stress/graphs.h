/* SPDX-License-Identifier: MIT */
#ifndef TEST_STRESS_GRAPHS_H
#define TEST_STRESS_GRAPHS_H

/**
 * What graphs.c and comings.c share: producers that write down where each event
 * went, consumers of every kind that check what they see, a judge, a watchdog.
 *
 * An event is some words of payload (stress.h), and behind them one byte for
 * each consumer of the round. A consumer sets its own mark there and looks at
 * those of the consumers that it follows. All of it is plain memory: who sees
 * an event too early, or keeps it too long, makes a data race as well.
 *
 * Each thread notes for every sequence whether it was done with it and whose
 * mark was missing then. A mark may be missing if the one that follows outlived
 * the other, so only judge() can tell, when all threads are joined.
 */

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

enum {
	CONSUMERS_MAX = 32, /* of a round, those that have left included: one bit each */
	GROUP_MAX = 4,      /* workers */
	RACERS_MAX = 8,     /* producers */
	CAPACITY_MAX = 1024,
	CLAIM_MAX = 64,
	PAYLOAD_MAX = 16,
	SPAN = 1 << 15, /* sequences of a round */
	KEYS = 13,
	EPOCHS = CONSUMERS_MAX + 1,
};

/* In story.word: no event was published there. */
#define NOTHING UINT64_MAX

enum kind { EVENTS, BATCHES, POLLER, WORKERS, KINDS };

struct story;
struct consumer;

/* For dsr_wait_tuning.turn: the numbers grow by one, or begin again. */
struct turns {
	uint64_t last, wrong;
};

/* An event that was seen and can come again: DSR_RETRY. */
struct held {
	void *event;
	int64_t sequence;
	int64_t last;   /* as worker.c.last was */
	int64_t of_key; /* as consumer.last_of_key was */
};

/* A thread of a consumer's; all but worker groups have one. Its own lines. */
struct worker {
	struct checker c;
	struct consumer *of;
	uint32_t index;
	uint64_t seed;

	/* What it is to do. Constant. */
	enum dsr_wait wait;
	struct dsr_wait_tuning tuning;
	uint32_t max_batch;
	int pin;
	uint64_t stop_after; /* so many events, retried ones included; 0: never */
	int wish;            /* what to answer then */
	bool retries, counts, idles;
	int64_t retry_pause;
	void (*hook)(struct worker *w, int64_t sequence);

	/* Where it is. */
	uint32_t held_count;
	int64_t again; /* the sequence that has to come next; -1: anyone above the last */
	int64_t size;  /* of this batch, as on_batch_start() was told; -1: it was not */
	int64_t run;   /* events of this batch so far */
	bool skipped;  /* a part of this batch: what a retry would begin with is not ours to say */
	bool disorder; /* took a sequence below its last: somebody else's */
	uint32_t strays; /* bits of the workers whose events it took */
	struct turns turns;

	/* How it ended. */
	uint32_t begun, ended;
	int reason;
	bool wished;
	uint64_t retried;

	int64_t dirty; /* so much of the notes is from the round before */
	struct held held[CAPACITY_MAX];
	uint8_t done[SPAN];
	uint32_t missing[SPAN];
} DSR_ALIGNED(DSR_CACHELINE);

struct consumer {
	struct story *story;
	uint32_t index; /* of its mark, and its bit */
	enum kind kind;
	char name[DSR_NAME_MAX + 1];
	const char *names[CONSUMERS_MAX + 1];
	const char *const *after; /* NULL, or names */
	uint32_t behind;          /* bits of all that it follows, directly or not */
	enum dsr_sharing sharing;
	uint32_t count; /* of workers */
	struct worker workers[GROUP_MAX];
	int64_t last_of_key[KEYS];
	int32_t worker_of_key[KEYS];

	/* Whoever started it. */
	bool there;    /* it was started or attached */
	bool told;     /* dsr_detach() was called */
	bool gone;     /* and was through */
	int64_t from;  /* the first sequence that it sees */
	int64_t epoch; /* story.epoch when the attach had returned; 0: not asked */

	/* Pollers. */
	struct dsr_poller *poller;
	pthread_t thread;
	bool by_fd, driven;
	int wake;      /* eventfd */
	int64_t leave; /* atomic: its thread is to end */
};

/* A producer's thread. Its own lines. */
struct racer {
	struct checker c; /* for what it has to complain about */
	struct story *story;
	uint64_t id, seed, published, quota;
	enum dsr_wait wait;
	struct dsr_wait_tuning tuning;
	struct turns turns;
	bool moves;
	int64_t epoch;
	int64_t first_of_epoch[EPOCHS]; /* its first sequence published in that epoch or later */
	pthread_t thread;
} DSR_ALIGNED(DSR_CACHELINE);

/* A round: what is to be, and what has been. */
struct story {
	const char *program;
	uint64_t seed;
	struct dsr_disruptor *d;
	bool many, halted;
	uint32_t capacity, words, racer_count, consumer_count;
	int64_t first;
	int64_t high;  /* sequences of the round end before it, counted from @first */
	int64_t epoch; /* atomic: consumers attached so far */
	sem_t *moving; /* NULL, or each producer posts when it has published or will not */
	struct racer racers[RACERS_MAX];
	struct consumer consumers[CONSUMERS_MAX];
	int64_t dirty;       /* so many of the words are from the round before */
	uint64_t word[SPAN]; /* word 0 of the event published at @first + i */
};

static inline uint32_t below(uint64_t *seed, uint32_t n)
{
	return (uint32_t)((draw(seed) >> 32) % n);
}

static inline bool one_in(uint64_t *seed, uint32_t n)
{
	return below(seed, n) == 0;
}

/* A seed of its own for each thread, and never 0. */
static inline uint64_t seed_from(uint64_t seed)
{
	seed = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	seed ^= seed >> 29;
	return seed ? seed : 1;
}

/* Lets others run for a while. It is no way to wait for anything. */
static inline void linger(uint32_t turns)
{
	while (turns--)
		sched_yield();
}

struct watchdog {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	const char *program, *phase;
	uint64_t seed;
	struct dsr_disruptor *d; /* NULL: none now */
	uint64_t round;
	bool over;
};

/* Seconds for a round: far more than one takes, with a sanitizer as well. */
enum { PATIENCE = 120 };

static struct watchdog watchdog = {.lock = PTHREAD_MUTEX_INITIALIZER,
				   .changed = PTHREAD_COND_INITIALIZER};

static inline void print_snapshot(struct dsr_disruptor *d)
{
	static char text[1 << 16];
	struct dsr_snapshot *snapshot;

	if (dsr_snapshot_take(d, &snapshot) < 0)
		return;
	dsr_snapshot_text(snapshot, text, sizeof(text));
	dsr_snapshot_free(snapshot);
	fputs(text, stderr);
}

/* Ends the process if a round takes for ever. */
static inline void *watch(void *argument)
{
	struct watchdog *w = argument;
	uint64_t round = 0;
	struct timespec until;
	int err;

	pthread_mutex_lock(&w->lock);
	while (!w->over) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += PATIENCE;
		round = w->round;
		err = 0;
		while (!w->over && w->round == round && err != ETIMEDOUT)
			err = pthread_cond_timedwait(&w->changed, &w->lock, &until);
		if (w->over || w->round != round)
			continue;
		fprintf(stderr, "%s: hangs in %s\nseed %" PRIu64 "\n", w->program, w->phase,
			w->seed);
		/* Who hangs may have a lock that a snapshot wants. */
		alarm(10);
		if (w->d)
			print_snapshot(w->d);
		_exit(1);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static inline void watchdog_begin(const char *program)
{
	watchdog.program = program;
	watchdog.phase = "no round";
	pthread_create(&watchdog.thread, NULL, watch, &watchdog);
}

static inline void watchdog_end(void)
{
	pthread_mutex_lock(&watchdog.lock);
	watchdog.over = true;
	pthread_cond_signal(&watchdog.changed);
	pthread_mutex_unlock(&watchdog.lock);
	pthread_join(watchdog.thread, NULL);
}

/* A new round: the time begins again. */
static inline void watchdog_round(uint64_t seed)
{
	pthread_mutex_lock(&watchdog.lock);
	watchdog.seed = seed;
	watchdog.round++;
	pthread_cond_signal(&watchdog.changed);
	pthread_mutex_unlock(&watchdog.lock);
}

static inline void watchdog_phase(const char *phase, struct dsr_disruptor *d)
{
	pthread_mutex_lock(&watchdog.lock);
	watchdog.phase = phase;
	watchdog.d = d;
	pthread_mutex_unlock(&watchdog.lock);
}

static inline bool is_in_order(const struct consumer *c)
{
	return c->kind != WORKERS;
}

static inline bool is_keyed(const struct consumer *c)
{
	return c->kind == WORKERS && c->sharing == DSR_SHARE_KEY;
}

static inline uint8_t mark_of(int64_t sequence)
{
	return (uint8_t)(1 + (uint64_t)sequence % 251);
}

static inline uint8_t *marks_of(const struct story *s, void *event)
{
	return (uint8_t *)((uint64_t *)event + s->words);
}

static inline uint64_t key_of(const void *event, void *context)
{
	(void)context;
	return *(const uint64_t *)event % KEYS;
}

static inline void check_payload(struct worker *w, const void *event, int64_t sequence)
{
	const struct story *s = w->of->story;
	uint64_t was = s->word[sequence - s->first];
	uint64_t producer = was >> 48, count = was & ((UINT64_C(1) << 48) - 1);
	const uint64_t *word = event;

	if (word[0] != was) {
		complain(&w->c, was == NOTHING ? "not published" : "another event", sequence,
			 word[0], was);
		return;
	}
	for (uint32_t i = 1; i < s->words; i++)
		if (word[i] != word_of(producer, count, i))
			complain(&w->c, "torn event", sequence, word[i],
				 word_of(producer, count, i));
}

static inline void look_at_marks(struct worker *w, void *event, int64_t sequence)
{
	const struct story *s = w->of->story;
	uint8_t *marks = marks_of(s, event);
	uint32_t missing = 0;

	for (uint32_t rest = w->of->behind; rest; rest &= rest - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(rest);

		if (marks[i] != mark_of(sequence))
			missing |= UINT32_C(1) << i;
	}
	w->missing[sequence - s->first] = missing;
	marks[w->of->index] = mark_of(sequence);
}

/* Whose is it? What another worker should have had is fine only if that one has ended. */
static inline void check_share(struct worker *w, const void *event, int64_t sequence)
{
	struct consumer *c = w->of;
	uint32_t owner = w->index;
	uint64_t key;

	if (c->sharing == DSR_SHARE_STRIPE)
		owner = (uint32_t)((uint64_t)sequence % c->count);
	if (is_keyed(c)) {
		key = key_of(event, NULL);
		if (c->worker_of_key[key] >= 0)
			owner = (uint32_t)c->worker_of_key[key];
		if (sequence <= c->last_of_key[key])
			complain(&w->c, "key out of order", sequence, (uint64_t)sequence,
				 (uint64_t)c->last_of_key[key] + 1);
		c->worker_of_key[key] = (int32_t)w->index;
		c->last_of_key[key] = sequence;
	}
	if (owner != w->index)
		w->strays |= UINT32_C(1) << owner;
}

static inline void check_order(struct worker *w, int64_t sequence)
{
	if (w->ended || w->wished)
		complain(&w->c, "an event after the end", sequence, (uint64_t)sequence, 0);
	if (w->again >= 0 && sequence != w->again)
		complain(&w->c, "began again elsewhere", sequence, (uint64_t)sequence,
			 (uint64_t)w->again);
	w->again = -1;
	if (sequence <= w->c.last) {
		w->disorder = true;
		if (is_in_order(w->of))
			complain(&w->c, "repeated or out of order", sequence, (uint64_t)sequence,
				 (uint64_t)w->c.last + 1);
	}
}

static inline int64_t *last_of_key(struct worker *w, const void *event)
{
	return &w->of->last_of_key[key_of(event, NULL)];
}

static inline void check_batch_size(struct worker *w, int64_t sequence)
{
	int64_t most = w->max_batch ? w->max_batch : w->of->story->capacity;

	w->run++;
	if (w->run > most)
		complain(&w->c, "batch too long", sequence, (uint64_t)w->run, (uint64_t)most);
	if (w->size >= 0 && w->run > w->size)
		complain(&w->c, "batch longer than announced", sequence, (uint64_t)w->run,
			 (uint64_t)w->size);
}

/* Sees one event. False: it is nothing that can be handled. */
static inline bool take(struct worker *w, void *event, int64_t sequence)
{
	const struct story *s = w->of->story;
	int64_t before = INT64_MIN;

	w->c.events++;
	if (sequence < s->first || sequence - s->first >= SPAN) {
		complain(&w->c, "no such sequence", sequence, (uint64_t)sequence,
			 (uint64_t)s->first);
		return false;
	}
	check_order(w, sequence);
	check_batch_size(w, sequence);
	check_payload(w, event, sequence);
	look_at_marks(w, event, sequence);
	if (is_keyed(w->of))
		before = *last_of_key(w, event);
	if (w->of->kind == WORKERS)
		check_share(w, event, sequence);
	if (w->held_count < CAPACITY_MAX)
		w->held[w->held_count++] = (struct held){event, sequence, w->c.last, before};
	w->c.last = sequence;
	w->done[sequence - s->first]++;
	if (w->hook)
		w->hook(w, sequence);
	return true;
}

/* What was seen so far cannot come again. */
static inline void forget(struct worker *w)
{
	w->held_count = 0;
}

/*
 * What was seen and not released comes again. Its marks are spoilt: whoever follows
 * and sees it before it was done with will miss them.
 */
static inline void take_back(struct worker *w)
{
	const struct story *s = w->of->story;

	w->retried++;
	w->run = 0;
	while (w->held_count) {
		struct held *h = &w->held[--w->held_count];

		marks_of(s, h->event)[w->of->index] = 0;
		w->done[h->sequence - s->first]--;
		w->again = h->sequence;
		w->c.last = h->last;
		if (is_keyed(w->of))
			*last_of_key(w, h->event) = h->of_key;
	}
}

/* What was seen and not released is still there, whole. */
static inline void check_held(struct worker *w)
{
	for (uint32_t i = 0; i < w->held_count; i++)
		check_payload(w, w->held[i].event, w->held[i].sequence);
}

/* Between two batches. */
static inline void end_batch(struct worker *w)
{
	check_held(w);
	if (w->size >= 0 && w->run != w->size && !w->skipped)
		complain(&w->c, "batch shorter than announced", w->c.last, (uint64_t)w->run,
			 (uint64_t)w->size);
	w->run = 0;
	w->skipped = false;
	forget(w);
}

/* What to answer for the event just seen: mostly to go on. */
static inline int decide(struct worker *w)
{
	uint32_t whim = below(&w->seed, 256);

	if (one_in(&w->seed, 64)) {
		sched_yield();
		check_held(w);
	}
	if (w->stop_after && w->c.events >= w->stop_after) {
		w->wished = true;
		return w->wish;
	}
	if (whim < 16)
		return DSR_RELEASE;
	if (w->retries && whim == 16)
		return -EIO;
	if (w->retries && whim == 17 && !w->skipped)
		return DSR_RETRY;
	return DSR_CONTINUE;
}

static inline int see_start(void *state)
{
	struct worker *w = state;

	w->begun++;
	return 0;
}

static inline void see_stop(void *state, int reason)
{
	struct worker *w = state;

	w->ended++;
	w->reason = reason;
	/* Halted or detached in the midst of a batch. */
	if (reason == -ECANCELED)
		check_held(w);
}

static inline int see_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct worker *w = state;
	int result;

	if (!take(w, event, sequence))
		return DSR_CONTINUE;
	result = decide(w);
	if (result == DSR_RETRY)
		take_back(w);
	else if (result >= 0 && end_of_batch)
		end_batch(w);
	else if (result == DSR_RELEASE)
		forget(w);
	return result;
}

/* Leaves early now and then. */
static inline int see_batch(struct dsr_batch *batch, void *state)
{
	struct worker *w = state;
	uint32_t leave = one_in(&w->seed, 4) ? 1 + below(&w->seed, 8) : UINT32_MAX;
	uint32_t seen = 0;
	int result = DSR_CONTINUE;
	void *event = NULL;

	w->run = 0;
	w->skipped = false;
	forget(w);
	while (seen < leave && (event = dsr_batch_next(batch))) {
		seen++;
		if (!take(w, event, dsr_batch_sequence(batch)))
			continue;
		result = decide(w);
		if (result == DSR_RELEASE) {
			dsr_batch_release(batch);
			forget(w);
		} else if (result != DSR_CONTINUE) {
			break;
		}
	}
	if (!seen)
		complain(&w->c, "a batch of nothing", w->c.last, 0, 1);
	if (result == DSR_RETRY)
		take_back(w);
	else if (!event)
		end_batch(w);
	else if (result >= 0)
		forget(w);
	return result;
}

/* Goes on behind the event or begins again. */
static inline int see_error(void *event, int64_t sequence, int error, void *state)
{
	struct worker *w = state;

	if (error != -EIO || sequence != w->c.last || !w->held_count ||
	    w->held[w->held_count - 1].event != event)
		complain(&w->c, "an error that was not", sequence, (uint64_t)-error,
			 (uint64_t)w->c.last);
	if (one_in(&w->seed, 2) && !w->skipped) {
		take_back(w);
		return DSR_RETRY;
	}
	w->run = 0;
	w->skipped = true;
	forget(w);
	return DSR_CONTINUE;
}

static inline void see_batch_start(int64_t size, int64_t depth, void *state)
{
	struct worker *w = state;
	int64_t most = w->max_batch ? w->max_batch : w->of->story->capacity;

	if (size < 1 || size > most || depth < size)
		complain(&w->c, "batch announced wrongly", w->c.last, (uint64_t)size,
			 (uint64_t)depth);
	w->size = size;
	w->run = 0;
}

/* Nothing was published between its last event and what it says to be done with. */
static inline int see_idle(int64_t sequence, void *state)
{
	static const int answers[] = {DSR_CONTINUE, DSR_RELEASE, DSR_RETRY};
	struct worker *w = state;
	const struct story *s = w->of->story;

	if (w->ended || w->wished)
		complain(&w->c, "idle after the end", sequence, (uint64_t)sequence, 0);
	if (is_in_order(w->of) && w->again < 0 && w->c.last >= s->first) {
		if (sequence < w->c.last)
			complain(&w->c, "idle elsewhere", sequence, (uint64_t)sequence,
				 (uint64_t)w->c.last);
		for (int64_t i = w->c.last + 1; i <= sequence && i - s->first < SPAN; i++)
			if (s->word[i - s->first] != NOTHING)
				complain(&w->c, "idle, and an event was passed", i, 0, 0);
	}
	if (w->stop_after && one_in(&w->seed, 8)) {
		w->wished = true;
		return w->wish;
	}
	return answers[below(&w->seed, 3)];
}

static inline void count_turn(uint64_t number, void *context)
{
	struct turns *turns = context;

	turns->wrong += number != 0 && number != turns->last + 1;
	turns->last = number;
	sched_yield();
}

static inline int poll_batch(struct consumer *c)
{
	struct worker *w = c->workers;
	uint32_t most = 1 + below(&w->seed, 64), seen = 0;
	uint32_t leave = one_in(&w->seed, 4) ? 1 + below(&w->seed, 8) : UINT32_MAX;
	struct dsr_batch *batch = NULL;
	void *event;
	int state = dsr_poll(c->poller, most, &batch);

	if (state != DSR_POLL_EVENTS)
		return state;
	w->run = 0;
	while (seen < leave && !w->wished && (event = dsr_batch_next(batch))) {
		seen++;
		if (!take(w, event, dsr_batch_sequence(batch)))
			continue;
		forget(w);
		w->wished = w->stop_after && w->c.events >= w->stop_after;
		if (one_in(&w->seed, 16))
			dsr_batch_release(batch);
	}
	if (seen < 1 || seen > most)
		complain(&w->c, "polled too few or too many", w->c.last, seen, most);
	return state;
}

static inline int see_polled(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct worker *w = state;

	(void)end_of_batch;
	forget(w);
	if (!take(w, event, sequence))
		return DSR_CONTINUE;
	if (w->stop_after && w->c.events >= w->stop_after) {
		w->wished = true;
		return DSR_STOP;
	}
	switch (below(&w->seed, 64)) {
	case 0:
	case 1:
		return DSR_RELEASE;
	case 2:
		take_back(w);
		return -EINTR;
	default:
		return DSR_CONTINUE;
	}
}

static inline int poll_calls(struct consumer *c)
{
	struct worker *w = c->workers;
	uint64_t retried = w->retried;
	uint32_t most = 1 + below(&w->seed, 64);
	int state;

	w->run = 0;
	state = dsr_poll_events(c->poller, most, see_polled, w);
	if (w->run > most)
		complain(&w->c, "polled too many", w->c.last, (uint64_t)w->run, most);
	if ((state == -EINTR) != (retried != w->retried))
		complain(&w->c, "answer got lost", w->c.last, (uint64_t)-state, EINTR);
	return state == -EINTR ? (int)DSR_POLL_EVENTS : state;
}

/* Nothing there: sleeps until there is, or until told to leave, or looks again at once. */
static inline void rest(struct consumer *c)
{
	struct pollfd fds[2] = {{.fd = c->wake, .events = POLLIN}, {.events = POLLIN}};

	if (!c->by_fd) {
		sched_yield();
		return;
	}
	fds[1].fd = dsr_poller_fd(c->poller);
	if (fds[1].fd < 0)
		complain(&c->workers[0].c, "no descriptor", -1, (uint64_t)-fds[1].fd, 0);
	else
		poll(fds, 2, -1);
}

static inline void end_poller(struct consumer *c, int state)
{
	struct worker *w = c->workers;
	struct dsr_batch *batch;
	int err;

	w->ended++;
	w->reason = w->wished ? (int)DSR_STOP : -ECANCELED;
	if (w->wished) {
		err = dsr_detach(c->story->d, c->name, DSR_NOW);
		if (err < 0)
			complain(&w->c, "cannot leave", w->c.last, (uint64_t)-err, 0);
	} else if (state == DSR_POLL_DRAINED) {
		w->reason = 0;
		err = dsr_poll(c->poller, 1, &batch);
		if (err != DSR_POLL_DRAINED && err != -ECANCELED)
			complain(&w->c, "drained, and not", w->c.last, (uint64_t)err, 0);
	} else if (state < 0 && state != -ECANCELED) {
		complain(&w->c, "polling failed", w->c.last, (uint64_t)-state, 0);
	}
}

static inline void *drive(void *argument)
{
	struct consumer *c = argument;
	struct worker *w = c->workers;
	int state;

	w->begun++;
	for (;;) {
		state = one_in(&w->seed, 2) ? poll_batch(c) : poll_calls(c);
		if (state < 0 || state == DSR_POLL_DRAINED || w->wished)
			break;
		/* It is only to end: nothing is handed over by it. */
		if (dsr_load_relaxed(&c->leave))
			break;
		if (state != DSR_POLL_EVENTS)
			rest(c);
	}
	end_poller(c, state);
	return NULL;
}

static inline void begin_driving(struct consumer *c)
{
	c->wake = eventfd(0, EFD_CLOEXEC);
	c->driven = true;
	pthread_create(&c->thread, NULL, drive, c);
}

/* After that nobody uses the poller. */
static inline void end_driving(struct consumer *c, bool now)
{
	if (!c->driven)
		return;
	if (now) {
		dsr_store_relaxed(&c->leave, 1);
		eventfd_write(c->wake, 1);
	}
	pthread_join(c->thread, NULL);
	close(c->wake);
	c->driven = false;
}

/* Threads that spin keep the others from running, so they are few. */
static inline enum dsr_wait draw_wait(uint64_t *seed, struct dsr_wait_tuning *tuning,
				      struct turns *turns)
{
	static const enum dsr_wait spinning[] = {DSR_WAIT_BUSY_SPIN, DSR_WAIT_PAUSE,
						 DSR_WAIT_MONITOR};
	static const enum dsr_wait others[] = {
		DSR_WAIT_PARK,  DSR_WAIT_PARK,   DSR_WAIT_DEFAULT, DSR_WAIT_SLEEP,
		DSR_WAIT_YIELD, DSR_WAIT_PHASED, DSR_WAIT_CUSTOM,
	};
	static const int32_t counts[] = {0, -1, 1, 30};
	enum dsr_wait wait = one_in(seed, 30) ? spinning[below(seed, 3)] : others[below(seed, 7)];

	*tuning = (struct dsr_wait_tuning){0};
	if (one_in(seed, 2)) {
		tuning->spins = counts[below(seed, 4)];
		tuning->yields = counts[below(seed, 4)];
		tuning->nap = one_in(seed, 2) ? 0 : 1 + below(seed, 100000);
	}
	if (wait == DSR_WAIT_CUSTOM) {
		tuning->turn = count_turn;
		tuning->context = turns;
	}
	return wait;
}

/* DSR_CPU() of one that we may use, or no pin. */
static inline int draw_pin(uint64_t *seed)
{
	cpu_set_t set;
	int wanted;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return DSR_UNPINNED;
	wanted = (int)below(seed, (uint32_t)CPU_COUNT(&set));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && wanted-- == 0)
			return DSR_CPU(cpu);
	return DSR_UNPINNED;
}

static inline void draw_worker(struct worker *w, struct consumer *c, uint32_t index, uint64_t *seed)
{
	const struct story *s = c->story;

	/* Not the whole of it: that would take longer than the round. */
	memset(w, 0, offsetof(struct worker, dirty));
	memset(w->done, 0, (size_t)w->dirty * sizeof(*w->done));
	memset(w->missing, 0, (size_t)w->dirty * sizeof(*w->missing));
	w->of = c;
	w->index = index;
	w->seed = seed_from(draw(seed));
	w->c.last = -1;
	w->again = w->size = -1;
	w->wait = draw_wait(seed, &w->tuning, &w->turns);
	w->max_batch = one_in(seed, 2) ? 0 : 1 + below(seed, s->capacity);
	if (c->kind == WORKERS && !w->max_batch)
		w->max_batch = 1;
	w->pin = one_in(seed, 32) ? draw_pin(seed) : DSR_UNPINNED;
	w->wish = DSR_STOP;
	w->retries = c->kind != POLLER && one_in(seed, 2);
	w->retry_pause = one_in(seed, 2) ? 0 : 1 + below(seed, 20000);
	w->counts = one_in(seed, 4);
	w->idles = one_in(seed, 8);
}

/* One of any kind. It follows nobody yet. */
static inline void draw_consumer(struct story *s, struct consumer *c, uint64_t *seed)
{
	c->story = s;
	c->index = (uint32_t)(c - s->consumers);
	c->kind = (enum kind)below(seed, KINDS);
	c->names[0] = NULL;
	c->after = NULL;
	c->behind = 0;
	c->sharing = (enum dsr_sharing)below(seed, 3);
	c->count = c->kind == WORKERS ? 1 + below(seed, GROUP_MAX) : 1;
	c->there = c->told = c->gone = c->driven = false;
	c->from = s->first;
	c->epoch = 0;
	c->poller = NULL;
	c->by_fd = one_in(seed, 2);
	c->leave = 0;
	for (uint32_t i = 0; i < KEYS; i++) {
		c->last_of_key[i] = INT64_MIN;
		c->worker_of_key[i] = -1;
	}
	for (uint32_t i = 0; i < c->count; i++)
		draw_worker(&c->workers[i], c, i, seed);
}

/* It may stop by itself: which of its workers, and when. */
static inline void draw_stop(struct consumer *c, uint64_t *seed)
{
	uint32_t stopping = one_in(seed, 3) ? c->count : 1;

	for (uint32_t i = 0; i < stopping; i++)
		c->workers[i].stop_after = 1 + below(seed, 300);
}

static inline bool may_stop(const struct consumer *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (!c->workers[i].stop_after)
			return false;
	return true;
}

/* @c follows @other as well. */
static inline void follow(struct consumer *c, const struct consumer *other)
{
	uint32_t i = 0;

	while (c->names[i])
		i++;
	c->names[i] = other->name;
	c->names[i + 1] = NULL;
	c->after = c->names;
	c->behind |= other->behind | UINT32_C(1) << other->index;
}

static inline struct dsr_handler handler_of(struct worker *w)
{
	bool batches = w->of->kind == BATCHES || (w->of->kind == WORKERS && w->seed % 4 == 0);

	return (struct dsr_handler){
		.on_event = batches ? NULL : see_event,
		.on_batch = batches ? see_batch : NULL,
		.on_start = see_start,
		.on_stop = see_stop,
		.state = w,
		.name = w->of->kind == WORKERS ? NULL : w->of->name,
		.pin = w->pin,
		.wait = w->wait,
		.max_batch = w->max_batch,
		.tuning = w->tuning,
		.after = w->of->kind == WORKERS ? NULL : w->of->after,
		.on_batch_start = w->counts ? see_batch_start : NULL,
		.on_idle = w->idles ? see_idle : NULL,
		.idle_after = w->idles ? 100 * 1000 : 0,
		.on_error = see_error,
		.retry_pause = w->retry_pause,
	};
}

static inline struct dsr_workers group_of(struct consumer *c, struct dsr_handler *handlers)
{
	for (uint32_t i = 0; i < c->count; i++)
		handlers[i] = handler_of(&c->workers[i]);
	return (struct dsr_workers){
		.name = c->name,
		.handlers = handlers,
		.count = c->count,
		.sharing = c->sharing,
		.key = c->sharing == DSR_SHARE_KEY ? key_of : NULL,
		.after = c->after,
	};
}

static inline struct dsr_poller_options options_of(const struct consumer *c)
{
	return (struct dsr_poller_options){
		.name = c->name, .after = c->after, .max_batch = c->workers[0].max_batch};
}

static inline int build(struct dsr_builder *b, struct consumer *c)
{
	struct dsr_handler handlers[GROUP_MAX];
	struct dsr_workers group;
	struct dsr_poller_options options;

	c->there = true;
	switch (c->kind) {
	case WORKERS:
		group = group_of(c, handlers);
		return dsr_handle_with_workers(b, &group);
	case POLLER:
		options = options_of(c);
		return dsr_add_poller(b, &options);
	default:
		handlers[0] = handler_of(&c->workers[0]);
		return dsr_handle_events(b, &handlers[0]);
	}
}

/* As dsr_attach_*(). A poller's thread begins as well. */
static inline int64_t attach(struct story *s, struct consumer *c, int64_t from)
{
	struct dsr_handler handlers[GROUP_MAX];
	struct dsr_workers group;
	struct dsr_poller_options options;
	int64_t first;

	switch (c->kind) {
	case WORKERS:
		group = group_of(c, handlers);
		first = dsr_attach_workers(s->d, &group, from);
		break;
	case POLLER:
		options = options_of(c);
		first = dsr_attach_poller(s->d, &options, from, &c->poller);
		break;
	default:
		handlers[0] = handler_of(&c->workers[0]);
		first = dsr_attach_handler(s->d, &handlers[0], from);
	}
	if (first < 0)
		return first;
	c->there = true;
	c->from = first;
	if (from < 0) {
		/* Whoever has seen it publishes after the call. */
		dsr_full_fence();
		c->epoch = dsr_fetch_add(&s->epoch, 1) + 1;
	}
	if (c->kind == POLLER)
		begin_driving(c);
	return first;
}

/* Claims some, in a way drawn at random. Returns how many; 0: none now; -1: never again. */
static inline int64_t claim_some(struct racer *r, struct dsr_producer *p, int64_t *first)
{
	uint32_t most = r->story->capacity < CLAIM_MAX ? r->story->capacity : CLAIM_MAX;
	uint32_t n = 1 + below(&r->seed, most);

	switch (below(&r->seed, 7)) {
	case 0:
		*first = dsr_claim_n(p, n, DSR_FOREVER);
		break;
	case 1:
		*first = dsr_claim_n(p, n, DSR_NOW);
		break;
	case 2:
		*first = dsr_claim_n(p, n, 1 + below(&r->seed, 200 * 1000));
		break;
	case 3:
		*first = dsr_claim_up_to(p, &n, DSR_FOREVER);
		break;
	case 4:
		*first = dsr_claim_up_to(p, &n, DSR_NOW);
		break;
	case 5:
		*first = dsr_claim_up_to(p, &n, 1 + below(&r->seed, 200 * 1000));
		break;
	default:
		n = 1;
		*first = dsr_claim_n(p, n, DSR_FOREVER);
	}
	if (*first >= 0)
		return n;
	if (*first == -ECANCELED)
		return -1;
	if (*first != -EAGAIN && *first != -ETIMEDOUT)
		complain(&r->c, "a claim failed", -1, (uint64_t) - *first, 0);
	return r->c.wrong ? -1 : 0;
}

/* A single producer's claim can grow. Returns how many more. */
static inline uint32_t claim_more(struct racer *r, struct dsr_producer *p, int64_t next,
				  uint32_t room)
{
	uint32_t n = room ? 1 + below(&r->seed, room) : 0;
	int64_t first;

	if (!n || r->story->many || !one_in(&r->seed, 8))
		return 0;
	first = dsr_claim_up_to(p, &n, DSR_NOW);
	if (first < 0)
		return 0;
	if (first != next)
		complain(&r->c, "grew elsewhere", next, (uint64_t)first, (uint64_t)next);
	return n;
}

/* Notes which is the first sequence that was published after an attach had returned. */
static inline void note_epoch(struct racer *r, int64_t sequence)
{
	/* Acquire: what follows comes after the attach. */
	int64_t epoch = dsr_load_acquire(&r->story->epoch);

	while (r->epoch < epoch)
		r->first_of_epoch[++r->epoch] = sequence;
}

static inline void write_event(struct racer *r, struct dsr_producer *p, int64_t sequence,
			       bool aborted)
{
	struct story *s = r->story;
	uint64_t *word = dsr_event(p, sequence);

	/* An aborted one holds what would be noticed. */
	fill(word, s->words, aborted ? 0xbad : r->id, aborted ? 0 : r->published);
	memset(marks_of(s, word), 0, CONSUMERS_MAX);
	if (!aborted) {
		s->word[sequence - s->first] = word[0];
		r->published++;
	}
}

/* Fills what was claimed and publishes it, or aborts a part of it. */
static inline void hand_over(struct racer *r, struct dsr_producer *p, int64_t first, uint32_t n)
{
	uint32_t aborted = one_in(&r->seed, 8) ? 1 + below(&r->seed, n) : 0;
	uint32_t before = below(&r->seed, n - aborted + 1);
	bool wrong = false;

	for (uint32_t i = 0; i < n; i++)
		write_event(r, p, first + i, i >= before && i < before + aborted);
	if (aborted < n)
		note_epoch(r, before ? first : first + aborted);
	if (before)
		wrong |= dsr_publish_n(p, before) != before;
	if (aborted)
		wrong |= dsr_abort_n(p, aborted) != aborted;
	wrong |= dsr_publish(p) != n - aborted - before;
	if (wrong)
		complain(&r->c, "published another number", first, n, 0);
}

/* Whether there is room for it in the notes. Gives it up otherwise. */
static inline bool is_in_span(struct racer *r, struct dsr_producer *p, int64_t first, uint32_t n)
{
	const struct story *s = r->story;

	if (first <= r->c.last)
		complain(&r->c, "claimed out of order", first, (uint64_t)first,
			 (uint64_t)r->c.last + 1);
	r->c.last = first + n - 1;
	if (first >= s->first && first + n - s->first <= SPAN)
		return true;
	dsr_abort(p);
	return false;
}

/* NULL: it is over. */
static inline struct dsr_producer *get_handle(struct racer *r)
{
	struct dsr_producer *p = dsr_producer(r->story->d);
	int err = p ? dsr_producer_tune_wait(p, r->wait, &r->tuning) : 0;

	if (err < 0)
		complain(&r->c, "cannot tune the handle", -1, (uint64_t)-err, 0);
	return p;
}

static inline void give_handle(struct racer *r, struct dsr_producer *p)
{
	int err = dsr_producer_release(p);

	if (err < 0)
		complain(&r->c, "cannot give the handle back", -1, (uint64_t)-err, 0);
}

/* False: no more of it. */
static inline bool publish_some(struct racer *r, struct dsr_producer *p)
{
	int64_t first = 0, n = claim_some(r, p, &first);

	if (n < 0)
		return false;
	if (n == 0) {
		sched_yield();
		return true;
	}
	n += claim_more(r, p, first + n, r->story->capacity - (uint32_t)n);
	if (!is_in_span(r, p, first, (uint32_t)n))
		return false;
	hand_over(r, p, first, (uint32_t)n);
	return true;
}

static inline void tell_moving(struct racer *r)
{
	if (r->story->moving && !r->moves)
		sem_post(r->story->moving);
	r->moves = true;
}

static inline void *race(void *argument)
{
	struct racer *r = argument;
	struct dsr_producer *p = get_handle(r);

	while (p && r->published < r->quota && publish_some(r, p)) {
		if (r->published)
			tell_moving(r);
		if (one_in(&r->seed, 64)) {
			give_handle(r, p);
			p = get_handle(r);
		}
	}
	tell_moving(r);
	if (p)
		give_handle(r, p);
	return NULL;
}

static inline void draw_racers(struct story *s, uint64_t quota, uint64_t *seed)
{
	for (uint32_t i = 0; i < s->racer_count; i++) {
		struct racer *r = &s->racers[i];

		memset(r, 0, sizeof(*r));
		r->story = s;
		r->id = i;
		r->seed = seed_from(draw(seed));
		r->quota = quota;
		r->c.last = -1;
		r->wait = draw_wait(seed, &r->tuning, &r->turns);
		for (uint32_t e = 0; e < EPOCHS; e++)
			r->first_of_epoch[e] = INT64_MAX;
	}
}

static inline void begin_racing(struct story *s)
{
	for (uint32_t i = 0; i < s->racer_count; i++)
		pthread_create(&s->racers[i].thread, NULL, race, &s->racers[i]);
}

static inline void end_racing(struct story *s)
{
	for (uint32_t i = 0; i < s->racer_count; i++)
		pthread_join(s->racers[i].thread, NULL);
}

static inline bool has_done(const struct consumer *c, int64_t i)
{
	for (uint32_t k = 0; k < c->count; k++)
		if (c->workers[k].done[i])
			return true;
	return false;
}

static inline bool is_drained(const struct consumer *c)
{
	for (uint32_t k = 0; k < c->count; k++)
		if (c->workers[k].ended && c->workers[k].reason == 0)
			return true;
	return false;
}

/* How the consumer ended, and whether there was a cause. */
static inline void judge_ending(const struct story *s, struct consumer *c, struct worker *w)
{
	bool stopped = s->halted || c->told;
	bool fits = w->reason == 0 || (w->reason == -ECANCELED && stopped) ||
		    (w->reason == w->wish && w->wished);

	if (w->begun > 1 || w->ended != w->begun || (c->there && !w->begun))
		complain(&w->c, "did not begin once and end once", w->c.last, w->begun, w->ended);
	if (w->wished && w->reason != w->wish && !stopped)
		fits = false;
	if (w->ended && !fits && c->there)
		complain(&w->c, "ended without a cause", w->c.last, (uint64_t)w->reason, 0);
	if (!c->there && w->c.events)
		complain(&w->c, "saw events and was not attached", w->c.last, w->c.events, 0);
}

/* Who took what was another worker's? That one has to have ended. */
static inline void judge_sharing(struct consumer *c, struct worker *w)
{
	uint32_t ended = 0;

	for (uint32_t k = 0; k < c->count; k++)
		if (c->workers[k].wished)
			ended |= UINT32_C(1) << k;
	if (w->strays & ~ended)
		complain(&w->c, "took another worker's event", w->c.last, w->strays, ended);
	if (w->disorder && !(ended & ~(UINT32_C(1) << w->index)))
		complain(&w->c, "went back", w->c.last, 0, 0);
}

static inline void judge_marks(const struct story *s, struct worker *w, int64_t i)
{
	for (uint32_t rest = w->missing[i]; rest && w->done[i]; rest &= rest - 1) {
		uint32_t j = (uint32_t)__builtin_ctz(rest);

		if (has_done(&s->consumers[j], i))
			complain(&w->c, "ran ahead of the consumer of that number", s->first + i, j,
				 w->of->behind);
	}
}

/* Each event once that it was to see: of its start, until it ended. */
static inline void judge_events(const struct story *s, struct consumer *c)
{
	struct worker *w = &c->workers[0];
	int64_t from = c->from - s->first, last = w->c.last - s->first;
	bool drained = is_drained(c);

	for (int64_t i = 0; i < s->high; i++) {
		uint32_t times = 0, wanted = s->word[i] != NOTHING && i >= from;

		for (uint32_t k = 0; k < c->count; k++) {
			times += c->workers[k].done[i];
			judge_marks(s, &c->workers[k], i);
		}
		if (!drained && is_in_order(c))
			wanted = wanted && i <= last;
		if (!drained && !is_in_order(c) && times < wanted)
			wanted = times;
		if (times != wanted)
			complain(&w->c, "was not seen as often as it should", s->first + i, times,
				 wanted);
	}
}

/* What was published after the attach had returned was to be seen. */
static inline void judge_start(const struct story *s, struct consumer *c)
{
	for (uint32_t i = 0; c->epoch && i < s->racer_count; i++)
		if (c->from > s->racers[i].first_of_epoch[c->epoch])
			complain(&c->workers[0].c, "began behind what came later", c->from,
				 (uint64_t)c->from,
				 (uint64_t)s->racers[i].first_of_epoch[c->epoch]);
}

static inline int tell(const struct story *s, const char *who, const struct checker *c)
{
	if (!c->wrong)
		return 0;
	fprintf(stderr, "%s: %s: %" PRIu64 " wrong; first: %s\n", s->program, who, c->wrong,
		c->first_wrong);
	return 1;
}

/* How far the notes of this round go. */
static inline void measure(struct story *s)
{
	s->high = 0;
	for (uint32_t i = 0; i < s->racer_count; i++)
		if (s->racers[i].c.last - s->first >= s->high)
			s->high = s->racers[i].c.last - s->first + 1;
	if (s->high > SPAN)
		s->high = SPAN;
	s->dirty = s->high;
	for (uint32_t i = 0; i < s->consumer_count; i++)
		for (uint32_t k = 0; k < s->consumers[i].count; k++)
			s->consumers[i].workers[k].dirty = s->high;
}

/* 0 if all is well. */
static inline int judge(struct story *s)
{
	char who[64];
	int failed = 0;

	measure(s);
	for (uint32_t i = 0; i < s->racer_count; i++) {
		if (s->racers[i].turns.wrong)
			complain(&s->racers[i].c, "turns miscounted", -1, 0, 0);
		snprintf(who, sizeof(who), "producer %u", i);
		failed |= tell(s, who, &s->racers[i].c);
	}
	for (uint32_t i = 0; i < s->consumer_count; i++) {
		struct consumer *c = &s->consumers[i];

		if (c->there) {
			judge_events(s, c);
			judge_start(s, c);
		}
		for (uint32_t k = 0; k < c->count; k++) {
			if (c->workers[k].turns.wrong)
				complain(&c->workers[k].c, "turns miscounted", -1, 0, 0);
			judge_ending(s, c, &c->workers[k]);
			if (c->kind == WORKERS)
				judge_sharing(c, &c->workers[k]);
			snprintf(who, sizeof(who), "consumer %u, %s, worker %u", i, c->name, k);
			failed |= tell(s, who, &c->workers[k].c);
		}
	}
	return failed;
}

/* The notes of the round before go away. */
static inline void begin_story(struct story *s, const char *program, uint64_t seed)
{
	if (!s->program)
		s->dirty = SPAN;
	s->program = program;
	s->seed = seed;
	s->d = NULL;
	s->halted = false;
	s->moving = NULL;
	s->epoch = 0;
	s->consumer_count = 0;
	memset(s->word, 0xff, (size_t)s->dirty * sizeof(*s->word));
}

static inline void print_consumer(FILE *file, const struct consumer *c)
{
	static const char *const kinds[] = {"handler", "batch handler", "poller", "group"};
	const struct worker *w = c->workers;

	fprintf(file, "  %2u %-4s %s", c->index, c->name, kinds[c->kind]);
	if (c->kind == WORKERS)
		fprintf(file, " of %u, sharing %d", c->count, (int)c->sharing);
	fprintf(file, ", after");
	for (uint32_t i = 0; c->after && c->names[i]; i++)
		fprintf(file, " %s", c->names[i]);
	fprintf(file, " (%#x)", c->behind);
	if (c->there)
		fprintf(file, ", from %" PRId64 "%s", c->from, c->told ? ", detached" : "");
	for (uint32_t k = 0; k < c->count; k++, w++) {
		fprintf(file, "; wait %d, max_batch %u", (int)w->wait, w->max_batch);
		if (w->stop_after)
			fprintf(file, ", stops after %" PRIu64, w->stop_after);
	}
	fprintf(file, "\n");
}

static inline void print_story(FILE *file, const struct story *s)
{
	fprintf(file, "seed %" PRIu64 ": %s%u producers, ring %u, %u words, first %" PRId64 "\n",
		s->seed, s->many ? "many, " : "", s->racer_count, s->capacity, s->words, s->first);
	for (uint32_t i = 0; i < s->consumer_count; i++)
		print_consumer(file, &s->consumers[i]);
}

#endif
