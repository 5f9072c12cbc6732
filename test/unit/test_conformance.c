/* SPDX-License-Identifier: MIT */
/*
 * One and the same course for everything that can be combined: single and many
 * producers, each way to wait, event handlers, batch handlers and pollers. Claims
 * of all lengths go through small rings, some are aborted, and in the later rounds
 * the end comes while producers are at it: a shutdown, a halt, or that the consumer
 * is detached which they all wait for. Whatever the combination, the consumer sees
 * what was published, in order, once, whole, and nothing else; and up to where it
 * was stopped, if it was. CONFORMANCE.md beside this file has the other tests.
 */
#include "conformance.h"

TestSuite(conformance, .timeout = 120);

enum { EVENTS_MAX = 8192, PRODUCERS = 2 };

enum kind { EVENTS, BATCHES, POLLS };

struct parcel {
	int64_t sequence;
	int64_t inverse;
	int64_t mixed;
};

DSR_EVENT(parcel, struct parcel);

static int64_t mix(int64_t sequence)
{
	return (int64_t)((uint64_t)sequence * UINT64_C(0x9e3779b97f4a7c15) ^ 0x5555);
}

/**
 * struct course - one disruptor, and what went in and came out
 * @sent:     which sequences were published; each producer writes its own
 * @got:      how often each was seen
 * @last:     the sequence seen last; -1
 * @disorder: sequences that were not beyond the last
 * @torn:     events that were not what was written
 * @left:     events that the batch is still to have, of what on_batch_start() said
 * @ends:     ends of batches that were not, and batches without an end
 * @run:      events since the last end; never more than @max_batch
 * @told:     on_batch_start() is used
 * @stop_at:  posts @enough when it has seen so many; 0: never
 * @held:     and waits for @go then
 */
struct course {
	enum kind kind;
	enum dsr_wait wait;
	uint32_t max_batch;
	struct dsr_disruptor *d;
	char sent[EVENTS_MAX];
	char got[EVENTS_MAX];
	int64_t count;
	int64_t last;
	int64_t disorder, torn, ends;
	int64_t left, run;
	bool told;
	int64_t stop_at;
	sem_t enough;
	bool held;
	sem_t go;
	int stops, reason;
};

static void see(struct course *c, const struct parcel *event, int64_t sequence)
{
	if (sequence < 0 || sequence >= EVENTS_MAX || event->sequence != sequence ||
	    event->inverse != ~sequence || event->mixed != mix(sequence)) {
		c->torn++;
		return;
	}
	c->disorder += sequence <= c->last;
	c->last = sequence;
	c->got[sequence]++;
	if (++c->count == c->stop_at) {
		sem_post(&c->enough);
		if (c->held)
			wait_for(&c->go);
	}
}

static int see_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct course *c = state;

	see(c, event, sequence);
	c->run++;
	c->left--;
	c->ends += c->told && end_of_batch != (c->left == 0);
	c->ends += c->run > c->max_batch || (c->run == c->max_batch && !end_of_batch);
	if (end_of_batch)
		c->run = 0;
	return c->count % 5 == 0 ? DSR_RELEASE : DSR_CONTINUE;
}

/* Takes all, or leaves early, and releases now and then. */
static void see_some(struct course *c, struct dsr_batch *batch, uint32_t most)
{
	bool leaves = c->count % 7 == 3;
	const struct parcel *event;
	int64_t taken = 0;

	while (!(leaves && taken == 2) && (event = parcel_batch_next(batch))) {
		see(c, event, dsr_batch_sequence(batch));
		if (c->count % 5 == 0)
			dsr_batch_release(batch);
		taken++;
	}
	/* Never for nothing, never more than was asked for, and all that was promised. */
	c->ends += taken == 0 || taken > most || (c->told && !leaves && taken != c->left);
}

static int see_batch(struct dsr_batch *batch, void *state)
{
	struct course *c = state;

	see_some(c, batch, c->max_batch);
	return DSR_CONTINUE;
}

static void see_start(int64_t size, int64_t depth, void *state)
{
	struct course *c = state;

	c->ends += size < 1 || size > c->max_batch || depth < size;
	c->ends += c->kind == EVENTS && c->run != 0;
	c->left = size;
}

static void see_stop(void *state, int reason)
{
	struct course *c = state;

	c->stops++;
	c->reason = reason;
}

/**
 * struct sender - a thread that claims until it has had enough, or is cancelled
 * @first:   its first claim is the one of this number, so that no two are in step
 * @enough:  claimed slots, about
 * @wait:    how it waits for room
 * @closes:  the last one of these that ends closes the ring
 * @ones:    it claims one by one, and waits: until there is no room at all
 */
struct sender {
	struct course *course;
	int64_t first;
	int64_t enough, claimed;
	enum dsr_wait wait;
	bool closes, ones;
	int error;
	pthread_t thread;
};

static int64_t senders; /* that still send */

static void send_claim(struct course *c, struct dsr_producer *p, int64_t first, uint32_t n)
{
	for (int64_t i = first; i < first + n; i++) {
		struct parcel *event = parcel_event(p, i);
		bool aborted = i % 11 == 4 || i % 31 > 27;

		/* An event that nobody is to see is not left as the last lap's, either. */
		*event = (struct parcel){aborted ? -1 : i, ~i, mix(i)};
		c->sent[i] = !aborted;
		if (aborted)
			dsr_abort_n(p, 1);
		else
			dsr_publish_n(p, 1);
	}
}

static int64_t claim_some(struct course *c, struct dsr_producer *p, int64_t round, uint32_t *n)
{
	int64_t hour = INT64_C(3600) * 1000 * 1000 * 1000;

	*n = round % 3 == 0 ? 1 : 1 + (uint32_t)((uint64_t)round % dsr_capacity(c->d));
	switch (round % 4) {
	case 0:
		return dsr_claim_n(p, *n, DSR_FOREVER);
	case 1:
		return dsr_claim_up_to(p, n, DSR_FOREVER);
	case 2:
		return dsr_claim_n(p, *n, hour);
	default:
		return dsr_claim_n(p, *n, DSR_NOW);
	}
}

static void send_all(struct sender *s, struct dsr_producer *p)
{
	for (int64_t round = s->first; s->claimed < s->enough; round++) {
		uint32_t n = 1;
		int64_t first = s->ones ? dsr_claim_n(p, 1, DSR_FOREVER)
					: claim_some(s->course, p, round, &n);

		if (first == -EAGAIN) {
			sched_yield();
			continue;
		}
		if (first < 0 || first + n > EVENTS_MAX) {
			s->error = first < 0 ? (int)first : -ERANGE;
			break;
		}
		send_claim(s->course, p, first, n);
		s->claimed += n;
	}
}

static void *send(void *argument)
{
	struct sender *s = argument;
	struct dsr_disruptor *d = s->course->d;
	struct dsr_wait_tuning tuning = tuning_of(s->wait);
	struct dsr_producer *p = dsr_producer(d);

	/* It may be over before it begins. */
	s->error = p ? dsr_producer_tune_wait(p, s->wait, &tuning) : -ECANCELED;
	if (s->error == 0)
		send_all(s, p);
	if (p)
		dsr_producer_release(p);
	if (dsr_fetch_add(&senders, -1) == 1 && s->closes)
		dsr_close(d);
	return NULL;
}

static void add_course(struct dsr_builder *b, struct course *c, const char *name)
{
	struct dsr_handler handler = {
		.on_event = c->kind == EVENTS ? see_event : NULL,
		.on_batch = c->kind == BATCHES ? see_batch : NULL,
		.on_batch_start = c->told ? see_start : NULL,
		.on_stop = see_stop,
		.state = c,
		.name = name,
		.wait = c->wait,
		.tuning = tuning_of(c->wait),
		.max_batch = c->max_batch,
	};

	if (c->kind == POLLS)
		expect(dsr_add_poller(b, &(struct dsr_poller_options){.name = name,
								      .max_batch = c->max_batch}),
		       0);
	else
		expect(dsr_handle_events(b, &handler), 0);
}

/* With another one beside it, or NULL. */
static void start_course(struct course *c, struct course *beside, bool many, uint32_t capacity)
{
	struct dsr_builder *b = many ? parcel_build_multi_producer(capacity)
				     : parcel_build_single_producer(capacity);

	add_course(b, c, "tested");
	if (beside)
		add_course(b, beside, "beside");
	c->d = start(b);
	/* No limit is as much as the ring holds. */
	if (!c->max_batch)
		c->max_batch = capacity;
	if (beside)
		beside->max_batch = capacity;
}

enum ending { CLOSE, HALT, DETACH };

/**
 * struct leg - a ring, and how much goes through it
 * @events: claimed in all, about
 * @ends:   the end comes when so many were seen; 0: when all are
 * @ending: and is this one
 */
struct leg {
	uint32_t capacity, max_batch;
	bool told;
	int64_t events, ends;
	enum ending ending;
};

/* Until it has no more to see, in turns by a batch and by calls. */
static void poll_all(struct course *c, enum ending ending)
{
	struct dsr_poller *poller = dsr_poller_find(c->d, "tested");
	uint32_t limit = c->max_batch;
	int state = DSR_POLL_IDLE;

	for (uint32_t round = 0; state >= 0 && state != DSR_POLL_DRAINED; round++) {
		uint32_t most = 1 + round % (limit + 1);
		struct dsr_batch *batch;

		c->max_batch = most < limit ? most : limit;
		if (round / 8 % 2 == 0) {
			state = dsr_poll(poller, most, &batch);
			if (state == DSR_POLL_EVENTS)
				see_some(c, batch, c->max_batch);
		} else {
			state = dsr_poll_events(poller, most, see_event, c);
		}
		cr_assert(state != DSR_POLL_GATED);
		if (state == DSR_POLL_IDLE)
			sched_yield();
		if (sem_trywait(&c->enough) == 0) {
			if (ending == DETACH)
				break;
			expect(ending == HALT ? dsr_halt(c->d) : dsr_close(c->d), 0);
		}
	}
	c->stops = 1;
	c->reason = state < 0 ? state : 0;
}

static void await_full(struct dsr_disruptor *d)
{
	int64_t remaining;

	do {
		struct dsr_snapshot *s;

		expect(dsr_snapshot_take(d, &s), 0);
		remaining = s->remaining;
		dsr_snapshot_free(s);
		sched_yield();
	} while (remaining);
}

/* The consumer holds the producers, and goes; whoever is beside it goes on. */
static void take_away(struct course *c)
{
	await_full(c->d);
	if (c->kind == POLLS) {
		expect(dsr_detach(c->d, "tested", DSR_FOREVER), 0);
		c->reason = -ECANCELED;
		return;
	}
	expect(dsr_detach(c->d, "tested", DSR_NOW), -ETIMEDOUT);
	sem_post(&c->go);
	expect(dsr_detach(c->d, "tested", DSR_FOREVER), 0);
}

/* In the middle of it. */
static void end_course(struct course *c, const struct leg *leg)
{
	if (c->kind == POLLS)
		poll_all(c, leg->ending);
	else if (leg->ends)
		wait_for(&c->enough);
	if (leg->ending == DETACH)
		take_away(c);
	else if (c->kind != POLLS && leg->ending == HALT)
		expect(dsr_halt(c->d), 0);
}

static void send_through(struct course *c, const struct leg *leg, bool many)
{
	bool is_cut = leg->ends && leg->ending != DETACH;
	struct sender sender[PRODUCERS];
	int count = many ? PRODUCERS : 1;

	senders = count;
	for (int i = 0; i < count; i++) {
		sender[i] = (struct sender){.course = c,
					    .first = 5 * i,
					    .enough = leg->events / count,
					    .closes = c->kind == POLLS && !leg->ends,
					    .ones = leg->ending == DETACH,
					    .wait = c->wait};
		/* Two that spin, and a handler that does, would be too many for two CPUs. */
		if (many && is_spinning(c->wait))
			sender[i].wait = DSR_WAIT_YIELD;
		expect(pthread_create(&sender[i].thread, NULL, send, &sender[i]), 0);
	}
	end_course(c, leg);
	if (c->kind != POLLS && is_cut)
		expect(dsr_shutdown(c->d, DSR_FOREVER), 0);
	for (int i = 0; i < count; i++) {
		expect(pthread_join(sender[i].thread, NULL), 0);
		cr_assert(sender[i].error == 0 || (is_cut && sender[i].error == -ECANCELED),
			  "sender: %d", sender[i].error);
	}
	if (c->kind == POLLS || !is_cut)
		expect(dsr_shutdown(c->d, DSR_FOREVER), 0);
	expect(dsr_destroy(c->d), 0);
}

/* Saw what was sent, up to and with the sequence @end, and nothing of what came then. */
static void judge(const struct course *c, const char *sent, int64_t end, const struct leg *leg)
{
	cr_assert(c->disorder + c->torn + c->ends == 0,
		  "capacity %u: %" PRId64 " out of order, %" PRId64 " torn, %" PRId64 " wrong ends",
		  leg->capacity, c->disorder, c->torn, c->ends);
	for (int64_t i = 0; i < EVENTS_MAX; i++)
		cr_assert(c->got[i] == (i <= end ? sent[i] : 0),
			  "capacity %u: %" PRId64 " was sent %d times and seen %d times",
			  leg->capacity, i, sent[i], c->got[i]);
	expect(c->stops, 1);
}

static void run_leg(enum kind kind, enum dsr_wait wait, bool many, const struct leg *leg)
{
	static struct course course, other;
	struct course *c = &course;
	bool is_stopped = leg->ending != CLOSE;

	memset(c, 0, sizeof(*c));
	c->kind = kind;
	c->wait = wait;
	c->max_batch = leg->max_batch;
	c->told = leg->told && kind != POLLS;
	c->last = -1;
	c->stop_at = leg->ends;
	c->held = leg->ending == DETACH && kind != POLLS;
	sem_init(&c->enough, 0, 0);
	sem_init(&c->go, 0, 0);
	memset(&other, 0, sizeof(other));
	other.kind = EVENTS;
	other.wait = DSR_WAIT_PARK;
	other.last = -1;
	start_course(c, leg->ending == DETACH ? &other : NULL, many, leg->capacity);
	send_through(c, leg, many);
	judge(c, c->sent, is_stopped ? c->last : EVENTS_MAX, leg);
	cr_assert(c->count > (leg->ends ? leg->ends - 1 : leg->events / 2));
	expect(is_stopped ? 0 : c->run, 0);
	expect(c->reason, is_stopped ? -ECANCELED : 0);
	if (leg->ending == DETACH) {
		judge(&other, c->sent, EVENTS_MAX, leg);
		expect(other.reason, 0);
		cr_assert(other.count > leg->events / 2 && other.count > c->count);
	}
}

static void run(enum kind kind, enum dsr_wait wait, bool many)
{
	static const struct leg legs[] = {
		{.capacity = 1, .events = 400},
		{.capacity = 2, .max_batch = 1, .told = true, .events = 1000},
		{.capacity = 8, .events = 2000},
		{.capacity = 8, .max_batch = 3, .told = true, .events = 6000, .ends = 500},
		{.capacity = 8, .max_batch = 3, .events = 6000, .ends = 300, .ending = HALT},
		{.capacity = 4, .max_batch = 2, .events = 600, .ends = 100, .ending = DETACH},
	};

	for (size_t i = 0; i < sizeof(legs) / sizeof(*legs); i++) {
		struct leg leg = legs[i];

		/*
		 * Where both sides spin, somebody else on a CPU makes them wait for whole
		 * slices.
		 */
		if (is_spinning(wait)) {
			leg.events /= 4;
			leg.ends /= 4;
		}
		run_leg(kind, wait, many, &leg);
	}
}

#define CASE_COURSE(name, strategy)                 \
	CASE_BOTH(conformance, events_by_##name)    \
	{                                           \
		run(EVENTS, strategy, many);        \
	}                                           \
	CASE_BOTH(conformance, batches_by_##name)   \
	{                                           \
		run(BATCHES, strategy, many);       \
	}                                           \
	CASE_BOTH(conformance, polls_beside_##name) \
	{                                           \
		run(POLLS, strategy, many);         \
	}

EACH_WAIT(CASE_COURSE)
