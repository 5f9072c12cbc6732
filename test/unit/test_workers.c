/* SPDX-License-Identifier: MIT */
/* Worker groups: each event goes to one worker, whoever comes, stops, fails or ends. */
#include "conformance.h"

TestSuite(workers, .timeout = 60);

enum { CAPACITY = 8, EVENTS_MAX = 8192, CREW_MAX = 16, HOLDS = 4 };

struct crew;

/* One worker, written by its thread only. */
struct worker {
	struct crew *crew;
	int64_t index;
	int64_t count, last;
	int64_t gaps;         /* sequences that did not follow the one before */
	int64_t backward;     /* sequences that were not beyond the one before */
	int64_t run, longest; /* events since the last end of a batch, and the most */
	int64_t wrong;
	int64_t answer_at; /* at its event of this number, 1 the first, @answer */
	int answer;
	bool retries; /* has just asked for it */
	int64_t sizes, idles;
	int starts, start_error, stops, reason;
};

/* Held at one event, the first time it is seen. */
struct hold {
	int64_t sequence;
	int64_t used;
	sem_t arrived, go;
};

/**
 * struct crew - a group, and what became of each event
 * @times:	   how often each was handled, from sequence @first on
 * @who:	   by whom, the last time
 * @holder:	   the last that was held; -1
 * @holder_answer: what it returns for that event. It does not stop by its own
 *		   worker.answer
 * @stubborn:	   whoever is at this event wants it again; -1
 * @keys:	   DSR_SHARE_KEY: so many different ones
 * @added:	   what the handler before has added to each event
 * @poisoned:	   aborted events that anybody looked at
 * @each:	   posted for each event handled
 */
struct crew {
	struct worker worker[CREW_MAX];
	struct dsr_handler handler[CREW_MAX];
	uint32_t count;
	int64_t first;
	int64_t times[EVENTS_MAX];
	int64_t who[EVENTS_MAX];
	struct hold holds[HOLDS];
	int64_t holder;
	int holder_answer;
	int64_t stubborn;
	int64_t keys;
	int64_t added;
	int64_t poisoned;
	sem_t each;
};

static bool hold_at(struct crew *c, struct worker *w, int64_t sequence)
{
	for (int i = 0; i < HOLDS; i++) {
		struct hold *hold = &c->holds[i];

		if (hold->sequence != sequence || dsr_exchange(&hold->used, 1))
			continue;
		dsr_store_release(&c->holder, w->index);
		sem_post(&hold->arrived);
		wait_for(&hold->go);
		return true;
	}
	return false;
}

static void note_event(struct worker *w, const void *event, int64_t sequence)
{
	struct crew *c = w->crew;
	int64_t value = *(const int64_t *)event, index = sequence - c->first;

	if (value < 0)
		dsr_fetch_add(&c->poisoned, 1);
	if (index < 0 || index >= EVENTS_MAX || value != sequence + c->added) {
		w->wrong++;
		return;
	}
	/* Again is right after one's own wish, and only from where it was to begin. */
	if (dsr_fetch_add(&c->times[index], 1) && dsr_load_relaxed(&c->who[index]) != w->index)
		w->wrong++;
	if (w->retries && sequence > w->last)
		w->wrong++;
	w->retries = false;
	dsr_store_relaxed(&c->who[index], w->index);
	w->gaps += w->count && sequence != w->last + 1;
	w->backward += w->count && sequence <= w->last;
	w->last = sequence;
	w->count++;
}

static int work(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct worker *w = state;
	struct crew *c = w->crew;
	bool held = hold_at(c, w, sequence);
	int answer = DSR_CONTINUE;

	note_event(w, event, sequence);
	w->run++;
	w->longest = w->run > w->longest ? w->run : w->longest;
	if (end_of_batch)
		w->run = 0;
	if (held && c->holder_answer)
		answer = c->holder_answer;
	else if (sequence == c->stubborn)
		answer = DSR_RETRY;
	else if (w->count == w->answer_at && dsr_load_relaxed(&c->holder) != w->index)
		answer = w->answer;
	w->retries = answer == DSR_RETRY;
	sem_post(&c->each);
	return answer;
}

/* Leaves every third batch after two events, and releases within every fourth. */
static int work_batch(struct dsr_batch *batch, void *state)
{
	struct worker *w = state;
	int64_t most = w->count % 3 == 2 ? 2 : INT64_MAX, taken = 0;
	int answer = DSR_CONTINUE;

	while (answer == DSR_CONTINUE && taken < most) {
		bool more = dsr_batch_more(batch);
		void *event = dsr_batch_next(batch);

		w->wrong += more && !event;
		if (!event)
			break;
		answer = work(event, dsr_batch_sequence(batch), false, w);
		if (w->count % 4 == 0)
			dsr_batch_release(batch);
		taken++;
	}
	w->wrong += taken == 0;
	w->run = 0;
	return answer;
}

static int start_work(void *state)
{
	struct worker *w = state;

	w->starts++;
	return w->start_error;
}

static void stop_work(void *state, int reason)
{
	struct worker *w = state;

	w->stops++;
	w->reason = reason;
}

static uint64_t key_of(const void *event, void *context)
{
	struct crew *c = context;
	int64_t value = *(const int64_t *)event;

	if (value < 0)
		dsr_fetch_add(&c->poisoned, 1);
	return (uint64_t)((value - c->added) % c->keys);
}

static void crew_init(struct crew *c, uint32_t count)
{
	memset(c, 0, sizeof(*c));
	c->count = count;
	c->keys = 16;
	c->holder = -1;
	c->stubborn = -1;
	sem_init(&c->each, 0, 0);
	for (int i = 0; i < HOLDS; i++) {
		c->holds[i].sequence = -1;
		sem_init(&c->holds[i].arrived, 0, 0);
		sem_init(&c->holds[i].go, 0, 0);
	}
	for (uint32_t i = 0; i < count; i++) {
		c->worker[i] = (struct worker){.crew = c, .index = i};
		c->handler[i] = (struct dsr_handler){.on_event = work,
						     .on_start = start_work,
						     .on_stop = stop_work,
						     .state = &c->worker[i]};
	}
}

static struct dsr_workers group_of(struct crew *c, const char *name, enum dsr_sharing sharing)
{
	bool by_key = sharing == DSR_SHARE_KEY;

	return (struct dsr_workers){
		.name = name,
		.handlers = c->handler,
		.count = c->count,
		.sharing = sharing,
		.key = by_key ? key_of : NULL,
		.key_context = by_key ? c : NULL,
	};
}

static void add_crew(struct dsr_builder *b, struct crew *c, const char *name,
		     enum dsr_sharing sharing)
{
	struct dsr_workers group = group_of(c, name, sharing);
	int err = dsr_handle_with_workers(b, &group);

	cr_assert(err == 0, "dsr_handle_with_workers: %d: %s", err, dsr_builder_message(b));
}

static struct dsr_disruptor *start_crew(bool many, uint32_t capacity, struct crew *c,
					enum dsr_sharing sharing)
{
	struct dsr_builder *b = build(many, capacity);

	expect(dsr_first_sequence(b, c->first), 0);
	add_crew(b, c, "crew", sharing);
	return start(b);
}

static void add_seen(struct dsr_builder *b, const char *name, struct seen *s, uint64_t holds)
{
	struct dsr_handler handler;

	seen_init(s, holds);
	handler = seen_handler(s);
	handler.name = name;
	handler.wait = DSR_WAIT_DEFAULT;
	expect(dsr_handle_events(b, &handler), 0);
}

static int64_t handled(struct crew *c)
{
	int64_t sum = 0;

	for (int i = 0; i < EVENTS_MAX; i++)
		sum += dsr_load_relaxed(&c->times[i]);
	return sum;
}

static void expect_nothing_wrong(struct crew *c)
{
	int64_t count = 0;

	for (uint32_t i = 0; i < c->count; i++) {
		expect(c->worker[i].wrong, 0);
		expect(c->worker[i].starts, 1);
		expect(c->worker[i].stops, 1);
		count += c->worker[i].count;
	}
	expect(count, handled(c));
	expect(c->poisoned, 0);
}

/* Each of the first @count events once, and none else. */
static void expect_once(struct crew *c, int64_t count)
{
	for (int64_t i = 0; i < EVENTS_MAX; i++)
		cr_assert(c->times[i] == (i < count), "event %" PRId64 ": %" PRId64 " times", i,
			  c->times[i]);
	expect_nothing_wrong(c);
}

static void expect_reasons(struct crew *c, int reason)
{
	for (uint32_t i = 0; i < c->count; i++)
		expect(c->worker[i].reason, reason);
}

/* A test for each way to share. */
#define CASE_SHARING(name)                                           \
	static void workers_##name##_body(enum dsr_sharing sharing); \
	Test(workers, name##_claim)                                  \
	{                                                            \
		workers_##name##_body(DSR_SHARE_CLAIM);              \
		expect_no_leak();                                    \
	}                                                            \
	Test(workers, name##_stripe)                                 \
	{                                                            \
		workers_##name##_body(DSR_SHARE_STRIPE);             \
		expect_no_leak();                                    \
	}                                                            \
	Test(workers, name##_key)                                    \
	{                                                            \
		workers_##name##_body(DSR_SHARE_KEY);                \
		expect_no_leak();                                    \
	}                                                            \
	static void workers_##name##_body(enum dsr_sharing sharing)

static struct crew crew, other_crew;

static void share(bool many, enum dsr_sharing sharing, uint32_t max_batch)
{
	struct crew *c = &crew;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	int64_t count = 3;

	crew_init(c, 4);
	for (uint32_t i = 0; i < c->count; i++)
		c->handler[i].max_batch = max_batch;
	d = start_crew(many, 16, c, sharing);
	p = producer_of(d);
	await_all_asleep(d);
	expect(handled(c), 0);
	claim(p, 3);
	await_all_asleep(d);
	expect(handled(c), 0);
	expect(dsr_publish(p), 3);
	for (uint32_t i = 0; i < 300; i++, count += i % 7 + 1)
		put(p, (i + 1) % 7 + 1);
	finish(d);
	expect_once(c, count);
	expect_reasons(c, 0);
	for (uint32_t i = 0; i < c->count; i++) {
		expect(c->worker[i].backward, 0);
		expect(c->worker[i].run, 0);
		/* Every event ends its batch, unless more are asked for. */
		cr_assert(c->worker[i].longest <= (max_batch ? max_batch : 1));
	}
}

CASE_SHARING(handle_each_event_once)
{
	share(false, sharing, 0);
	share(true, sharing, 0);
}

CASE_SHARING(handle_each_event_once_in_batches)
{
	share(false, sharing, 4);
	share(true, sharing, 16);
}

CASE(workers, of_stripes_have_their_own)
{
	static const int64_t firsts[] = {0, 5, INT64_C(1) << 40};

	for (int f = 0; f < 3; f++) {
		struct dsr_disruptor *d;
		struct dsr_producer *p;

		crew_init(&crew, 3);
		crew.first = firsts[f];
		d = start_crew(true, CAPACITY, &crew, DSR_SHARE_STRIPE);
		p = producer_of(d);
		for (int i = 0; i < 60; i++)
			put(p, 5);
		finish(d);
		expect_once(&crew, 300);
		for (int64_t i = 0; i < 300; i++)
			expect(crew.who[i], (firsts[f] + i) % 3);
	}
}

CASE(workers, of_keys_keep_to_their_keys)
{
	/* No multiple of the workers: by the sequence it would be different. */
	enum { EVENTS = 2000, KEYS = 61 };
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 4);
	crew.keys = KEYS;
	d = start_crew(true, CAPACITY, &crew, DSR_SHARE_KEY);
	p = producer_of(d);
	for (int i = 0; i < EVENTS / 4; i++)
		put(p, 4);
	finish(d);
	expect_once(&crew, EVENTS);
	for (int64_t i = KEYS; i < EVENTS; i++)
		expect(crew.who[i], crew.who[i % KEYS]);
	/* So many keys do not all go to a few. */
	for (uint32_t i = 0; i < crew.count; i++) {
		cr_assert(crew.worker[i].count > 0, "worker %u has no key", i);
		expect(crew.worker[i].backward, 0);
	}
}

/* Who is at an event that takes long leaves the rest to the others. */
CASE_BOTH(workers, of_a_claiming_group_even_out)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 3);
	crew.holds[0].sequence = 0;
	d = start_crew(many, CAPACITY, &crew, DSR_SHARE_CLAIM);
	p = producer_of(d);
	put(p, CAPACITY);
	for (int i = 1; i < CAPACITY; i++)
		wait_for(&crew.each);
	expect(handled(&crew), CAPACITY - 1);
	expect(crew.times[0], 0);
	sem_post(&crew.holds[0].go);
	finish(d);
	expect_once(&crew, CAPACITY);
	expect(crew.worker[crew.holder].count, 1);
}

CASE_SHARING(one_is_as_a_handler)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 1);
	d = start_crew(false, 4, &crew, sharing);
	p = producer_of(d);
	for (uint32_t i = 0; i < 200; i++)
		put(p, 1 + i % 4);
	finish(d);
	expect_once(&crew, 500);
	expect(crew.worker[0].gaps, 0);
}

CASE_SHARING(many_workers_on_few_cpus)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, CREW_MAX);
	for (uint32_t i = 0; i < crew.count; i++)
		crew.handler[i].wait = DSR_WAIT_PARK;
	d = start_crew(true, 64, &crew, sharing);
	p = producer_of(d);
	for (int i = 0; i < 1000; i++)
		put(p, 5);
	finish(d);
	expect_once(&crew, 5000);
}

CASE_SHARING(more_workers_than_slots)
{
	for (uint32_t capacity = 1; capacity <= 4; capacity *= 2) {
		struct dsr_disruptor *d;
		struct dsr_producer *p;

		crew_init(&crew, 3);
		d = start_crew(true, capacity, &crew, sharing);
		p = producer_of(d);
		for (uint32_t i = 0; i < 600 / capacity; i++)
			put(p, capacity);
		finish(d);
		expect_once(&crew, 600 / capacity * capacity);
	}
}

CASE_SHARING(go_to_the_last_sequence)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 3);
	crew.first = DSR_SEQUENCE_MAX - 9;
	d = start_crew(true, 4, &crew, sharing);
	p = producer_of(d);
	for (int i = 0; i < 5; i++)
		put(p, 2);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -EOVERFLOW);
	finish(d);
	expect_once(&crew, 10);
}

CASE_SHARING(wait_each_way)
{
	for (int wait = DSR_WAIT_DEFAULT; wait <= DSR_WAIT_CUSTOM; wait++) {
		struct dsr_disruptor *d;
		struct dsr_producer *p;

		crew_init(&crew, 2);
		for (uint32_t i = 0; i < crew.count; i++) {
			crew.handler[i].wait = (enum dsr_wait)wait;
			crew.handler[i].tuning = tuning_of((enum dsr_wait)wait);
		}
		d = start_crew(false, 4, &crew, sharing);
		p = producer_of(d);
		for (int i = 0; i < 50; i++)
			put(p, 3);
		finish(d);
		expect_once(&crew, 150);
	}
}

CASE_SHARING(batch_handlers_share)
{
	static const uint32_t most[] = {0, 1, 4, CAPACITY};

	for (int i = 0; i < 4; i++) {
		struct dsr_disruptor *d;
		struct dsr_producer *p;

		crew_init(&crew, 3);
		for (uint32_t w = 0; w < crew.count; w++) {
			crew.handler[w].on_event = NULL;
			crew.handler[w].on_batch = work_batch;
			crew.handler[w].max_batch = most[i];
		}
		d = start_crew(true, CAPACITY, &crew, sharing);
		p = producer_of(d);
		for (uint32_t n = 0; n < 400; n++)
			put(p, 1 + n % CAPACITY);
		finish(d);
		expect_once(&crew, 400 * (CAPACITY + 1) / 2);
		for (uint32_t w = 0; w < crew.count; w++) {
			expect(crew.worker[w].backward, 0);
			cr_assert(crew.worker[w].longest <= (most[i] ? most[i] : 1));
		}
	}
}

/*
 * A follower sees an event when its worker and those of all before are done
 * with it. What of the rest was handled by then is in @then.
 */
static void follow(bool many, enum dsr_sharing sharing, int64_t *then)
{
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_poller *poller;
	struct dsr_disruptor *d;
	struct dsr_batch *batch;
	struct seen s;

	crew_init(&crew, 2);
	crew.holds[0].sequence = 2;
	add_crew(b, &crew, "crew", sharing);
	expect(dsr_then(b), 0);
	add_seen(b, "follower", &s, 0);
	expect(dsr_add_poller(b, &(struct dsr_poller_options){.name = "poller"}), 0);
	d = start(b);
	poller = dsr_poller_find(d, "poller");
	expect(dsr_poll(poller, 1, &batch), DSR_POLL_IDLE);
	put(producer_of(d), CAPACITY);
	wait_for(&crew.holds[0].arrived);
	await_all_asleep(d);
	for (int i = 0; i < CAPACITY; i++)
		then[i] = crew.times[i];
	expect(s.count, 2);
	expect(dsr_poll(poller, CAPACITY, &batch), DSR_POLL_EVENTS);
	for (int64_t i = 0; i < 2; i++)
		expect(*(int64_t *)dsr_batch_next(batch), i);
	cr_assert(dsr_batch_next(batch) == NULL);
	expect(dsr_poll(poller, CAPACITY, &batch), DSR_POLL_GATED);
	sem_post(&crew.holds[0].go);
	expect(dsr_shutdown(d, DSR_FOREVER), 0);
	expect(s.count, CAPACITY);
	expect(s.gaps, 0);
	expect(dsr_poll(poller, CAPACITY, &batch), DSR_POLL_EVENTS);
	for (int64_t i = 2; i < CAPACITY; i++)
		expect(*(int64_t *)dsr_batch_next(batch), i);
	expect(dsr_poll(poller, CAPACITY, &batch), DSR_POLL_DRAINED);
	expect(dsr_destroy(d), 0);
	expect_once(&crew, CAPACITY);
}

CASE_SHARING(follower_stops_at_what_is_held)
{
	for (int many = 0; many < 2; many++) {
		int64_t then[CAPACITY];

		follow(many, sharing, then);
		for (int64_t i = 0; i < CAPACITY; i++) {
			bool held = i == 2 || (sharing != DSR_SHARE_CLAIM && i > 2 &&
					       crew.who[i] == crew.who[2]);

			expect(then[i], !held);
		}
	}
}

CASE_SHARING(follower_sees_all_of_batches)
{
	struct dsr_builder *b = build(true, CAPACITY);
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct seen s;

	crew_init(&crew, 3);
	for (uint32_t i = 0; i < crew.count; i++)
		crew.handler[i].max_batch = 1 + i;
	add_crew(b, &crew, "crew", sharing);
	expect(dsr_then(b), 0);
	add_seen(b, "follower", &s, 0);
	d = start(b);
	p = producer_of(d);
	for (uint32_t i = 0; i < 200; i++)
		put(p, 1 + i % CAPACITY);
	finish(d);
	expect_once(&crew, 200 * (CAPACITY + 1) / 2);
	expect(s.count, 200 * (CAPACITY + 1) / 2);
	expect(s.gaps, 0);
}

CASE_SHARING(wait_for_the_handler_before_them)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct seen s;

	crew_init(&crew, 3);
	add_seen(b, "first", &s, 2);
	expect(dsr_then(b), 0);
	add_crew(b, &crew, "crew", sharing);
	d = start(b);
	p = producer_of(d);
	put_held(p, &s);
	put(p, 3);
	await_all_asleep(d);
	expect(handled(&crew), 0);
	sem_post(&s.go);
	wait_for(&s.arrived);
	wait_for(&crew.each);
	await_all_asleep(d);
	expect(handled(&crew), 1);
	expect(crew.times[0], 1);
	sem_post(&s.go);
	finish(d);
	expect_once(&crew, 4);
}

static int add_thousand(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)sequence;
	(void)end_of_batch;
	(void)state;
	*(int64_t *)event += 1000;
	return DSR_CONTINUE;
}

CASE_SHARING(see_what_the_handler_before_them_wrote)
{
	struct dsr_builder *b = build(true, 4);
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 3);
	crew.added = 1000;
	expect(dsr_handle_events(b, &(struct dsr_handler){.on_event = add_thousand}), 0);
	expect(dsr_then(b), 0);
	add_crew(b, &crew, "crew", sharing);
	d = start(b);
	p = producer_of(d);
	for (int i = 0; i < 400; i++)
		put(p, 2);
	finish(d);
	expect_once(&crew, 800);
}

CASE_SHARING(two_groups_each_see_each_event)
{
	struct dsr_builder *b = build(true, CAPACITY);
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 3);
	crew_init(&other_crew, 2);
	add_crew(b, &crew, "crew", sharing);
	add_crew(b, &other_crew, "others", (enum dsr_sharing)((sharing + 1) % 3));
	d = start(b);
	p = producer_of(d);
	for (uint32_t i = 0; i < 200; i++)
		put(p, 1 + i % 4);
	finish(d);
	expect_once(&crew, 500);
	expect_once(&other_crew, 500);
}

CASE_SHARING(one_group_behind_the_other)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 2);
	crew_init(&other_crew, 3);
	crew.holds[0].sequence = 3;
	add_crew(b, &crew, "crew", sharing);
	expect(dsr_then(b), 0);
	add_crew(b, &other_crew, "others", sharing);
	d = start(b);
	p = producer_of(d);
	put(p, CAPACITY);
	wait_for(&crew.holds[0].arrived);
	await_all_asleep(d);
	/* As any follower: up to what is held, and not beyond. */
	expect(handled(&other_crew), 3);
	for (int i = 0; i < 3; i++)
		expect(other_crew.times[i], 1);
	sem_post(&crew.holds[0].go);
	for (int i = 0; i < 100; i++)
		put(p, 3);
	finish(d);
	expect_once(&crew, CAPACITY + 300);
	expect_once(&other_crew, CAPACITY + 300);
}

static bool is_aborted(int64_t sequence)
{
	return sequence % 5 == 1 || sequence % 7 == 3 || sequence % 40 > 28;
}

/* The n from @first on, aborted or not; nobody is to look at those that are. */
static void put_some(struct dsr_producer *p, uint32_t n, bool (*aborted)(int64_t))
{
	int64_t first = claim(p, n);

	for (int64_t i = first; i < first + n; i++)
		if (aborted(i))
			*(int64_t *)dsr_event(p, i) = -1;
	for (int64_t i = first; i < first + n; i++)
		expect(aborted(i) ? dsr_abort_n(p, 1) : dsr_publish_n(p, 1), 1);
}

static void expect_some(struct crew *c, int64_t count, bool (*aborted)(int64_t))
{
	for (int64_t i = 0; i < EVENTS_MAX; i++)
		cr_assert(c->times[i] == (i < count && !aborted(i)),
			  "event %" PRId64 ": %" PRId64 " times", i, c->times[i]);
	expect_nothing_wrong(c);
}

CASE_SHARING(aborted_slots_are_nobodys)
{
	for (uint32_t max_batch = 0; max_batch <= 4; max_batch += 4) {
		struct dsr_builder *b = build(true, CAPACITY);
		struct dsr_disruptor *d;
		struct dsr_producer *p;
		struct seen s;

		crew_init(&crew, 3);
		for (uint32_t i = 0; i < crew.count; i++)
			crew.handler[i].max_batch = max_batch;
		add_crew(b, &crew, "crew", sharing);
		expect(dsr_then(b), 0);
		add_seen(b, "follower", &s, 0);
		d = start(b);
		p = producer_of(d);
		for (uint32_t i = 0; i < 200; i++)
			put_some(p, 1 + i % CAPACITY, is_aborted);
		finish(d);
		expect_some(&crew, 900, is_aborted);
		expect(s.count, handled(&crew));
		for (uint32_t i = 0; i < crew.count; i++)
			expect(crew.worker[i].run, 0);
	}
}

static bool is_odd(int64_t sequence)
{
	return sequence % 2 != 0;
}

static bool is_even(int64_t sequence)
{
	return sequence % 2 == 0;
}

static bool is_anything(int64_t sequence)
{
	(void)sequence;
	return true;
}

/* A worker whose every event is aborted holds up neither the ring nor who follows. */
CASE_SHARING(share_that_is_all_aborted)
{
	bool (*const patterns[])(int64_t) = {is_odd, is_even, is_anything};

	for (int i = 0; i < 3; i++) {
		struct dsr_builder *b = build(true, 4);
		struct dsr_disruptor *d;
		struct dsr_producer *p;
		struct seen s;

		crew_init(&crew, 2);
		add_crew(b, &crew, "crew", sharing);
		expect(dsr_then(b), 0);
		add_seen(b, "follower", &s, 0);
		d = start(b);
		p = producer_of(d);
		for (int n = 0; n < 100; n++)
			put_some(p, 3, patterns[i]);
		await_all_asleep(d);
		/* All has been stepped over, with nothing more to come. */
		expect(dsr_claim_n(p, 4, DSR_NOW), 300);
		expect(dsr_abort(p), 4);
		finish(d);
		expect_some(&crew, 300, patterns[i]);
		expect(s.count, handled(&crew));
		if (sharing == DSR_SHARE_STRIPE && i < 2)
			expect(crew.worker[1 - i].count, 0);
	}
}

/* All events have one key, or belong to nobody but one. */
CASE(workers, idle_ones_do_not_hold_the_ring)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 4);
	crew.keys = 1;
	d = start_crew(false, 4, &crew, DSR_SHARE_KEY);
	p = producer_of(d);
	for (int i = 0; i < 200; i++)
		put(p, 3);
	finish(d);
	expect_once(&crew, 600);
	expect(crew.worker[crew.who[0]].count, 600);
	expect(crew.worker[crew.who[0]].gaps, 0);
}

/* Each of three is at an event, and the ring is full: it is exactly the oldest that holds it. */
static void gate_three(bool many, enum dsr_sharing sharing)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 3);
	for (int i = 0; i < 3; i++)
		crew.holds[i].sequence = i;
	d = start_crew(many, 4, &crew, sharing);
	p = producer_of(d);
	put(p, 3);
	for (int i = 0; i < 3; i++)
		wait_for(&crew.holds[i].arrived);
	expect(put_until_full(p), 1);
	for (int i = 1; i < 3; i++) {
		sem_post(&crew.holds[i].go);
		wait_for(&crew.each);
		await_all_asleep(d);
		expect(put_until_full(p), 0);
	}
	sem_post(&crew.holds[0].go);
	await_all_asleep(d);
	expect(dsr_claim_n(p, 4, DSR_NOW), 4);
	fill(p, 4, 4);
	expect(dsr_publish(p), 4);
	finish(d);
	expect_once(&crew, 8);
}

CASE_BOTH(workers, oldest_event_in_hand_gates)
{
	gate_three(many, DSR_SHARE_CLAIM);
	gate_three(many, DSR_SHARE_STRIPE);
}

CASE_SHARING(exactly_the_ring_can_be_claimed)
{
	for (uint32_t capacity = 1; capacity <= 8; capacity *= 2) {
		struct dsr_disruptor *d;
		struct dsr_producer *p;

		crew_init(&crew, 2);
		crew.holds[0].sequence = 0;
		d = start_crew(true, capacity, &crew, sharing);
		p = producer_of(d);
		put(p, 1);
		wait_for(&crew.holds[0].arrived);
		expect(put_until_full(p), capacity - 1);
		await_all_asleep(d);
		expect(put_until_full(p), 0);
		sem_post(&crew.holds[0].go);
		await_all_asleep(d);
		expect(dsr_claim_n(p, capacity, DSR_NOW), capacity);
		expect(dsr_abort(p), capacity);
		finish(d);
		expect_once(&crew, capacity);
	}
}

/*
 * A handler lets go of one event, and then of the rest at once: so that workers
 * find more than one to take.
 */
static struct dsr_disruptor *start_burst(struct crew *c, struct seen *s, uint32_t max_batch,
					 enum dsr_sharing sharing)
{
	struct dsr_builder *b = build(true, CAPACITY);

	add_seen(b, "burst", s, 2);
	expect(dsr_then(b), 0);
	for (uint32_t i = 0; i < c->count; i++)
		c->handler[i].max_batch = max_batch;
	add_crew(b, c, "crew", sharing);
	return start(b);
}

static void burst(struct dsr_disruptor *d, struct seen *s)
{
	struct dsr_producer *p = producer_of(d);

	put_held(p, s);
	put(p, CAPACITY - 1);
	sem_post(&s->go);
	wait_for(&s->arrived);
	/* The first is somebody's by now, and the others are not there. */
	await_all_asleep(d);
	sem_post(&s->go);
	expect(dsr_producer_release(p), 0);
}

static void use_batches(struct crew *c)
{
	for (uint32_t i = 0; i < c->count; i++) {
		c->handler[i].on_event = NULL;
		c->handler[i].on_batch = work_batch;
	}
}

/* While one is held, the other ends; what is left is the first one's. */
static void inherit_held(enum dsr_sharing sharing, uint32_t max_batch, bool batches, int answer)
{
	struct dsr_disruptor *d;
	struct seen s;
	int64_t ended;

	crew_init(&crew, 2);
	if (batches)
		use_batches(&crew);
	crew.holds[0].sequence = 0;
	for (int i = 0; i < 2; i++) {
		crew.worker[i].answer_at = 1;
		crew.worker[i].answer = answer;
	}
	d = start_burst(&crew, &s, max_batch, sharing);
	burst(d, &s);
	wait_for(&crew.holds[0].arrived);
	await_all_asleep(d);
	ended = 1 - crew.holder;
	expect(crew.worker[ended].count, 1);
	expect(handled(&crew), 1);
	sem_post(&crew.holds[0].go);
	finish(d);
	expect_once(&crew, CAPACITY);
	expect(crew.worker[ended].count, 1);
	expect(crew.worker[ended].reason, answer);
	expect(crew.worker[1 - ended].reason, 0);
}

CASE_SHARING(one_that_stops_leaves_its_share)
{
	for (uint32_t max_batch = 1; max_batch <= CAPACITY; max_batch *= 2) {
		inherit_held(sharing, max_batch, false, DSR_STOP);
		inherit_held(sharing, max_batch, true, DSR_STOP);
	}
}

CASE_SHARING(one_that_fails_leaves_its_share)
{
	for (uint32_t max_batch = 1; max_batch <= CAPACITY; max_batch *= 2) {
		inherit_held(sharing, max_batch, false, -EIO);
		inherit_held(sharing, max_batch, true, -EIO);
	}
}

/*
 * The heir sleeps, and nothing is published that would wake it; or it has seen
 * that there is nothing more for it to come.
 */
static void inherit_asleep(enum dsr_sharing sharing, uint32_t max_batch, bool closes)
{
	struct dsr_disruptor *d;
	struct seen s;

	crew_init(&crew, 2);
	crew.holds[0].sequence = 1;
	crew.holder_answer = DSR_STOP;
	d = start_burst(&crew, &s, max_batch, sharing);
	burst(d, &s);
	wait_for(&crew.holds[0].arrived);
	if (closes)
		expect(dsr_close(d), 0);
	await_all_asleep(d);
	cr_assert(handled(&crew) < CAPACITY);
	sem_post(&crew.holds[0].go);
	for (int i = 0; i < CAPACITY; i++)
		wait_for(&crew.each);
	finish(d);
	expect_once(&crew, CAPACITY);
	expect(crew.worker[crew.holder].reason, DSR_STOP);
	expect(crew.worker[1 - crew.holder].reason, 0);
}

CASE_SHARING(one_that_stops_wakes_its_heir)
{
	for (uint32_t max_batch = 1; max_batch <= CAPACITY; max_batch *= 2)
		inherit_asleep(sharing, max_batch, false);
}

CASE_SHARING(one_that_stops_at_the_end_has_an_heir)
{
	for (uint32_t max_batch = 1; max_batch <= CAPACITY; max_batch *= 2)
		inherit_asleep(sharing, max_batch, true);
}

/* One stops with more in hand, the other finds the end: as often as it takes for these to race. */
CASE_SHARING(nothing_is_lost_between_a_stop_and_the_end)
{
	for (int64_t round = 0; round < 300; round++) {
		struct dsr_disruptor *d;

		crew_init(&crew, 2);
		for (uint32_t i = 0; i < 2; i++)
			crew.handler[i].max_batch = 4;
		crew.worker[round % 2].answer_at = 1 + round % 3;
		crew.worker[round % 2].answer = DSR_STOP;
		d = start_crew(true, CAPACITY, &crew, sharing);
		put(producer_of(d), CAPACITY);
		finish(d);
		expect_once(&crew, CAPACITY);
	}
}

/* Keys stay in order, also from one worker to its heir. */
CASE(workers, keys_keep_their_order_when_one_ends)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	for (int64_t at = 1; at <= 4; at++) {
		crew_init(&crew, 3);
		crew.keys = 8;
		crew.worker[0].answer_at = at;
		crew.worker[0].answer = DSR_STOP;
		crew.worker[1].answer_at = 2 * at;
		crew.worker[1].answer = DSR_STOP;
		d = start_crew(true, CAPACITY, &crew, DSR_SHARE_KEY);
		p = producer_of(d);
		for (int i = 0; i < 100; i++)
			put(p, 4);
		finish(d);
		expect_once(&crew, 400);
		expect(crew.worker[0].reason, crew.worker[0].count == at ? DSR_STOP : 0);
		expect(crew.worker[2].reason, 0);
		/* One change of hands for each that ended, and never back. */
		for (int64_t i = 8; i < 400; i++)
			cr_assert(crew.who[i] == crew.who[i - 8] || crew.who[i - 8] < 2);
	}
}

static void end_group(enum dsr_sharing sharing, bool follows)
{
	struct dsr_builder *b = build(true, CAPACITY);
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct seen s;

	crew_init(&crew, 3);
	for (uint32_t i = 0; i < 3; i++) {
		crew.worker[i].answer_at = 2;
		crew.worker[i].answer = i ? DSR_STOP : -EPIPE;
	}
	add_crew(b, &crew, "crew", sharing);
	if (follows) {
		expect(dsr_then(b), 0);
		add_seen(b, "follower", &s, 0);
	}
	d = start(b);
	p = producer_of(d);
	/* From the end of the group on, nobody but its follower holds the ring. */
	for (int i = 0; i < 100; i++)
		put(p, 5);
	finish(d);
	expect(handled(&crew), 6);
	for (uint32_t i = 0; i < 3; i++) {
		expect(crew.worker[i].count, 2);
		expect(crew.worker[i].wrong, 0);
		expect(crew.worker[i].stops, 1);
		expect(crew.worker[i].reason, i ? DSR_STOP : -EPIPE);
	}
	if (follows) {
		expect(s.count, 500);
		expect(s.gaps, 0);
	}
}

CASE_SHARING(last_one_ends_the_group)
{
	end_group(sharing, true);
	end_group(sharing, false);
}

CASE_SHARING(failed_one_may_go_on)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 2);
	for (uint32_t i = 0; i < 2; i++) {
		crew.handler[i].on_error = dsr_error_skip;
		crew.worker[i].answer_at = 2;
		crew.worker[i].answer = -EIO;
	}
	d = start_crew(false, 4, &crew, sharing);
	p = producer_of(d);
	for (int i = 0; i < 50; i++)
		put(p, 4);
	finish(d);
	expect_once(&crew, 200);
	expect_reasons(&crew, 0);
}

CASE_SHARING(begin_again_with_what_is_theirs)
{
	for (uint32_t max_batch = 1; max_batch <= CAPACITY; max_batch *= 2) {
		struct dsr_disruptor *d;
		struct seen s;
		int64_t again = 0;

		crew_init(&crew, 2);
		for (int i = 0; i < 2; i++) {
			crew.worker[i].answer_at = 2;
			crew.worker[i].answer = DSR_RETRY;
		}
		d = start_burst(&crew, &s, max_batch, sharing);
		burst(d, &s);
		finish(d);
		/* note_event() has looked who sees what again, and from where. */
		expect_nothing_wrong(&crew);
		for (int64_t i = 0; i < CAPACITY; i++) {
			cr_assert(crew.times[i] >= 1 && crew.times[i] <= 2);
			again += crew.times[i] - 1;
		}
		cr_assert(again > 0);
		if (max_batch == 1)
			expect(again, (crew.worker[0].count > 1) + (crew.worker[1].count > 1));
		expect(handled(&crew), CAPACITY + again);
	}
}

CASE_SHARING(one_that_retries_too_often_fails)
{
	struct dsr_disruptor *d;
	struct seen s;
	int64_t failed;

	crew_init(&crew, 2);
	crew.stubborn = 1;
	for (int i = 0; i < 2; i++)
		crew.handler[i].retry_most = 2;
	d = start_burst(&crew, &s, 1, sharing);
	burst(d, &s);
	finish(d);
	expect_nothing_wrong(&crew);
	/* Twice more, and no more than that. */
	expect(crew.times[1], 3);
	expect(handled(&crew), CAPACITY + 2);
	failed = crew.who[1];
	expect(crew.worker[failed].reason, -EAGAIN);
	expect(crew.worker[1 - failed].reason, 0);
}

CASE_SHARING(halt_stops_each_after_its_event)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	int64_t before;

	crew_init(&crew, 3);
	crew.holds[0].sequence = 1;
	d = start_crew(true, CAPACITY, &crew, sharing);
	p = producer_of(d);
	put(p, CAPACITY);
	wait_for(&crew.holds[0].arrived);
	await_all_asleep(d);
	before = handled(&crew);
	expect(dsr_halt(d), 0);
	sem_post(&crew.holds[0].go);
	finish(d);
	expect(handled(&crew), before + 1);
	expect_nothing_wrong(&crew);
	expect_reasons(&crew, -ECANCELED);
}

CASE_SHARING(one_stops_all)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 3);
	crew.holds[0].sequence = 1;
	crew.holder_answer = DSR_STOP_ALL;
	d = start_crew(true, CAPACITY, &crew, sharing);
	p = producer_of(d);
	put(p, CAPACITY);
	wait_for(&crew.holds[0].arrived);
	sem_post(&crew.holds[0].go);
	/* The end comes by itself. */
	await_all_asleep(d);
	expect(dsr_claim_n(p, 1, DSR_FOREVER), -ECANCELED);
	finish(d);
	expect_nothing_wrong(&crew);
	for (int64_t i = 0; i < 3; i++)
		expect(crew.worker[i].reason, i == crew.holder ? DSR_STOP_ALL : -ECANCELED);
}

CASE_SHARING(shutdown_drains)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 3);
	crew.holds[0].sequence = 0;
	d = start_crew(true, CAPACITY, &crew, sharing);
	p = producer_of(d);
	put(p, CAPACITY - 2);
	claim(p, 2);
	wait_for(&crew.holds[0].arrived);
	expect(dsr_shutdown(d, DSR_NOW), -ETIMEDOUT);
	sem_post(&crew.holds[0].go);
	expect(dsr_shutdown(d, 1000 * 1000), -ETIMEDOUT);
	expect(dsr_publish_n(p, 1), 1);
	expect(dsr_abort(p), 1);
	finish(d);
	expect_once(&crew, CAPACITY - 1);
	expect_reasons(&crew, 0);
}

/* One that is idle for long may leave, and leaves its share. */
static int stop_idle(int64_t sequence, void *state)
{
	struct worker *w = state;

	(void)sequence;
	w->idles++;
	return w->idles < 3 ? DSR_CONTINUE : DSR_STOP;
}

CASE_SHARING(idle_one_may_leave)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	crew_init(&crew, 2);
	crew.handler[1].on_idle = stop_idle;
	crew.handler[1].idle_after = 1000 * 1000;
	d = start_crew(false, CAPACITY, &crew, sharing);
	p = producer_of(d);
	while (tid_of(d, 1))
		sched_yield();
	for (int i = 0; i < 10; i++)
		put(p, 4);
	finish(d);
	expect_once(&crew, 40);
	expect(crew.worker[0].count, 40);
	expect(crew.worker[1].idles, 3);
	expect(crew.worker[1].reason, DSR_STOP);
}

static void note_start(int64_t size, int64_t depth, void *state)
{
	struct worker *w = state;

	w->wrong += size < 1 || depth < size;
	w->sizes += size;
}

CASE_SHARING(are_told_what_a_batch_will_have)
{
	for (uint32_t max_batch = 1; max_batch <= 4; max_batch *= 2) {
		struct dsr_disruptor *d;
		struct dsr_producer *p;

		crew_init(&crew, 3);
		for (uint32_t i = 0; i < 3; i++) {
			crew.handler[i].max_batch = max_batch;
			crew.handler[i].on_batch_start = note_start;
		}
		d = start_crew(true, CAPACITY, &crew, sharing);
		p = producer_of(d);
		for (uint32_t i = 0; i < 100; i++)
			put_some(p, 1 + i % CAPACITY, is_aborted);
		finish(d);
		expect_nothing_wrong(&crew);
		for (uint32_t i = 0; i < 3; i++)
			expect(crew.worker[i].sizes, crew.worker[i].count);
	}
}

CASE(workers, have_names)
{
	static const char *const names[] = {"crew-0", "boss", "crew-2"};
	struct dsr_thread_placement thread;
	struct dsr_disruptor *d;
	char group[] = "crew", boss[] = "boss";
	struct dsr_workers workers;
	struct dsr_builder *b = build(false, CAPACITY);

	crew_init(&crew, 3);
	crew.handler[1].name = boss;
	workers = group_of(&crew, group, DSR_SHARE_CLAIM);
	expect(dsr_handle_with_workers(b, &workers), 0);
	/* All was copied. */
	memset(group, 'x', sizeof(group) - 1);
	memset(boss, 'x', sizeof(boss) - 1);
	memset(crew.handler, 0xff, sizeof(crew.handler));
	d = start(b);
	for (uint32_t i = 0; i < 3; i++) {
		expect(dsr_placement_thread(d, i, &thread), 0);
		expect_text(thread.name, names[i]);
		expect(thread.wait, DSR_WAIT_PARK);
	}
	put(producer_of(d), 5);
	finish(d);
	expect_once(&crew, 5);
}

static void expect_refused(const struct dsr_workers *workers, int error, const char *word)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct dsr_disruptor *d;
	struct seen s;

	add_seen(b, "taken", &s, 0);
	expect(dsr_handle_with_workers(b, workers), error);
	cr_assert(strstr(dsr_builder_message(b), word) != NULL, "%s", dsr_builder_message(b));
	/* It sticks. */
	crew_init(&other_crew, 1);
	expect(dsr_handle_events(b, &other_crew.handler[0]), error);
	expect(dsr_start(b, &d), error);
	cr_assert(d == NULL);
	expect(dsr_builder_destroy(b), 0);
}

CASE(workers, group_is_checked)
{
	static struct dsr_handler many[DSR_WORKERS_MAX + 1];
	struct dsr_workers w;

	for (int i = 0; i <= DSR_WORKERS_MAX; i++)
		many[i] = (struct dsr_handler){.on_event = work};
	crew_init(&crew, 2);
	expect_refused(NULL, -EINVAL, "");
	w = group_of(&crew, "crew", DSR_SHARE_CLAIM);
	w.count = 0;
	expect_refused(&w, -EINVAL, "crew");
	w.count = DSR_WORKERS_MAX + 1;
	w.handlers = many;
	expect_refused(&w, -EINVAL, "crew");
	w = group_of(&crew, "crew", DSR_SHARE_CLAIM);
	w.handlers = NULL;
	expect_refused(&w, -EINVAL, "crew");
	w = group_of(&crew, "crew", DSR_SHARE_KEY);
	w.key = NULL;
	expect_refused(&w, -EINVAL, "crew");
	w = group_of(&crew, "crew", DSR_SHARE_KEY);
	w.sharing = DSR_SHARE_STRIPE;
	expect_refused(&w, -EINVAL, "crew");
	w.sharing = (enum dsr_sharing)3;
	w.key = NULL;
	expect_refused(&w, -EINVAL, "crew");
	w = group_of(&crew, NULL, DSR_SHARE_CLAIM);
	expect_refused(&w, -EINVAL, "");
	w = group_of(&crew, "sixteen-bytes-xx", DSR_SHARE_CLAIM);
	expect_refused(&w, -ENAMETOOLONG, "sixteen-bytes-xx");
}

CASE(workers, names_are_checked)
{
	struct dsr_workers w;

	crew_init(&crew, 2);
	w = group_of(&crew, "taken", DSR_SHARE_CLAIM);
	expect_refused(&w, -EEXIST, "taken");
	w = group_of(&crew, "crew", DSR_SHARE_CLAIM);
	crew.handler[1].name = "taken";
	expect_refused(&w, -EEXIST, "taken");
	crew.handler[1].name = "crew-0";
	expect_refused(&w, -EEXIST, "crew-0");
	crew.handler[0].name = "twin";
	crew.handler[1].name = "twin";
	expect_refused(&w, -EEXIST, "twin");
	crew.handler[0].name = "crew";
	crew.handler[1].name = NULL;
	expect_refused(&w, -EEXIST, "crew");
	crew.handler[0].name = "sixteen-bytes-xx";
	expect_refused(&w, -ENAMETOOLONG, "sixteen-bytes-xx");
}

/* What a handler may not have, a worker may not have; nor predecessors of its own. */
CASE(workers, each_worker_is_checked)
{
	struct dsr_workers w;
	struct dsr_handler good;

	crew_init(&crew, 2);
	w = group_of(&crew, "crew", DSR_SHARE_CLAIM);
	good = crew.handler[1];
	crew.handler[1].after = DSR_AFTER("taken");
	expect_refused(&w, -EINVAL, "crew");
	crew.handler[1] = good;
	crew.handler[1].on_event = NULL;
	expect_refused(&w, -EINVAL, "crew");
	crew.handler[1] = good;
	crew.handler[1].on_batch = work_batch;
	expect_refused(&w, -EINVAL, "crew");
	crew.handler[1] = good;
	crew.handler[1].max_batch = CAPACITY + 1;
	expect_refused(&w, -EINVAL, "crew");
	crew.handler[1] = good;
	crew.handler[1].wait = DSR_WAIT_CUSTOM;
	expect_refused(&w, -EINVAL, "crew");
	crew.handler[1] = good;
	crew.handler[1].wait = (enum dsr_wait)99;
	expect_refused(&w, -EINVAL, "crew");
}

CASE(workers, group_cannot_follow_nobody)
{
	struct dsr_builder *b = build(false, CAPACITY);
	struct dsr_workers w;
	struct dsr_disruptor *d;

	crew_init(&crew, 2);
	w = group_of(&crew, "crew", DSR_SHARE_CLAIM);
	w.after = DSR_AFTER("ghost");
	expect(dsr_handle_with_workers(b, &w), 0);
	expect(dsr_start(b, &d), -ENOENT);
	cr_assert(strstr(dsr_builder_message(b), "ghost") != NULL);
	expect(dsr_builder_destroy(b), 0);
	expect(crew.worker[0].starts, 0);
}

CASE_SHARING(refusing_to_start_takes_all_back)
{
	struct dsr_builder *b = build(true, CAPACITY);
	struct dsr_disruptor *d;
	struct seen s;

	crew_init(&crew, 3);
	crew.worker[1].start_error = -ENOTCONN;
	add_seen(b, "first", &s, 0);
	add_crew(b, &crew, "crew", sharing);
	expect(dsr_start(b, &d), -ENOTCONN);
	cr_assert(d == NULL);
	cr_assert(strstr(dsr_builder_message(b), "crew-1") != NULL, "%s", dsr_builder_message(b));
	expect(dsr_builder_destroy(b), 0);
	expect(s.stops, 1);
	for (int i = 0; i < 3; i++) {
		expect(crew.worker[i].starts, 1);
		expect(crew.worker[i].stops, i != 1);
		expect(crew.worker[i].reason, i == 1 ? 0 : -ECANCELED);
		expect(crew.worker[i].count, 0);
	}
}

CASE_SHARING(group_is_detached_and_attached)
{
	struct dsr_builder *b = build(true, CAPACITY);
	struct dsr_workers w;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct seen s;
	int64_t first;

	crew_init(&crew, 2);
	crew.holds[0].sequence = 0;
	add_crew(b, &crew, "crew", sharing);
	add_seen(b, "other", &s, 0);
	d = start(b);
	p = producer_of(d);
	put(p, 1);
	wait_for(&crew.holds[0].arrived);
	/* It is one consumer; its workers are not. */
	expect(dsr_detach(d, "crew-0", DSR_NOW), -ENOENT);
	expect(dsr_detach(d, "crew", DSR_NOW), -ETIMEDOUT);
	sem_post(&crew.holds[0].go);
	expect(dsr_detach(d, "crew", DSR_FOREVER), 0);
	expect(dsr_detach(d, "crew", DSR_FOREVER), -ENOENT);
	expect_once(&crew, 1);
	expect_reasons(&crew, -ECANCELED);
	for (int i = 0; i < 20; i++)
		put(p, CAPACITY);
	/* The names are free again. */
	crew_init(&crew, 3);
	w = group_of(&crew, "crew", sharing);
	first = dsr_attach_workers(d, &w, DSR_FROM_NOW);
	cr_assert(first >= 0 && first <= 1 + 20 * CAPACITY, "%" PRId64, first);
	for (int i = 0; i < 20; i++)
		put(p, CAPACITY);
	finish(d);
	expect(s.count, 1 + 40 * CAPACITY);
	expect(s.gaps, 0);
	expect_nothing_wrong(&crew);
	for (int64_t i = 0; i < EVENTS_MAX; i++)
		expect(crew.times[i], i >= first && i < 1 + 40 * CAPACITY);
}

CASE_SHARING(detached_group_lets_blocked_producers_go)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct caller c;

	crew_init(&crew, 2);
	crew.holds[0].sequence = 0;
	d = start_crew(true, CAPACITY, &crew, sharing);
	p = producer_of(d);
	put(p, 1);
	wait_for(&crew.holds[0].arrived);
	put_until_full(p);
	caller_begin(&c, d, 3, 30);
	caller_await_waiting(&c);
	expect(dsr_detach(d, "crew", DSR_NOW), -ETIMEDOUT);
	sem_post(&crew.holds[0].go);
	expect(dsr_detach(d, "crew", DSR_FOREVER), 0);
	caller_join(&c);
	expect(c.error, 0);
	expect(c.claimed, 30);
	finish(d);
	expect_nothing_wrong(&crew);
	expect(crew.times[0], 1);
}

/**
 * struct releaser - what a batch handler does behind dsr_batch_release()
 * @c:	     its group
 * @retry:   it asks once for a batch, all of which it has released
 * @d:	     it claims there until that fails; NULL: not
 * @claimed: so often it did not,
 * @error:   and why then
 * @idle_at: the most that on_idle was told, and @idle: posted behind it
 */
struct releaser {
	struct crew *c;
	bool retry;
	struct dsr_disruptor *d;
	int64_t claimed, error;
	int64_t idle_at;
	sem_t idle;
};

static struct releaser releaser;

static void claim_until_refused(struct releaser *r)
{
	struct dsr_producer *p = dsr_producer(r->d);
	int64_t first;

	while (p && (first = dsr_claim_n(p, 1, DSR_FOREVER)) >= 0) {
		fill(p, first, 1);
		r->claimed += dsr_publish(p);
	}
	r->error = p ? first : -ENOMEM;
	r->d = NULL;
	if (p)
		dsr_producer_release(p);
}

/* Takes all of the batch, gives it back, and is held, or claims, as if it had copied it. */
static int release_all(struct dsr_batch *batch, void *state)
{
	struct worker *w = state;
	int64_t first = w->crew->first - 1;
	void *event;

	/* Not past the last event: what is none behind it stays in hand. */
	while (dsr_batch_more(batch) && (event = dsr_batch_next(batch))) {
		note_event(w, event, dsr_batch_sequence(batch));
		if (first < w->crew->first)
			first = dsr_batch_sequence(batch);
		sem_post(&w->crew->each);
	}
	dsr_batch_release(batch);
	if (dsr_batch_more(batch) || dsr_batch_next(batch))
		w->wrong++;
	hold_at(w->crew, w, first);
	if (releaser.d)
		claim_until_refused(&releaser);
	if (!releaser.retry)
		return DSR_CONTINUE;
	releaser.retry = false;
	return DSR_RETRY;
}

static int note_idle_at(int64_t sequence, void *state)
{
	(void)state;
	if (sequence > releaser.idle_at)
		releaser.idle_at = sequence;
	sem_post(&releaser.idle);
	return DSR_CONTINUE;
}

static void releasers_init(struct crew *c, uint32_t count, uint32_t max_batch)
{
	crew_init(c, count);
	releaser = (struct releaser){.c = c};
	sem_init(&releaser.idle, 0, 0);
	for (uint32_t i = 0; i < count; i++) {
		c->handler[i].on_event = NULL;
		c->handler[i].on_batch = release_all;
		c->handler[i].max_batch = max_batch;
	}
}

CASE_BOTH(workers, released_event_does_not_gate)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	releasers_init(&crew, 2, 0);
	crew.holds[0].sequence = 0;
	d = start_crew(many, CAPACITY, &crew, DSR_SHARE_CLAIM);
	p = producer_of(d);
	put(p, 1);
	wait_for(&crew.holds[0].arrived);
	for (int i = 0; i < 10; i++)
		put(p, CAPACITY);
	for (int i = 0; i < 1 + 10 * CAPACITY; i++)
		wait_for(&crew.each);
	sem_post(&crew.holds[0].go);
	finish(d);
	expect_once(&crew, 1 + 10 * CAPACITY);
	/* It was the other one's work. */
	expect(crew.worker[crew.holder].count, 1);
}

static bool is_behind_the_third(int64_t sequence)
{
	return sequence > 2 && sequence < 6;
}

/* Nor do those behind it that are in hand, and no events. */
CASE_BOTH(workers, released_event_and_what_is_none_do_not_gate)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	releasers_init(&crew, 2, 4);
	for (int i = 0; i < 3; i++)
		crew.holds[i].sequence = i;
	d = start_crew(many, CAPACITY, &crew, DSR_SHARE_CLAIM);
	p = producer_of(d);
	for (int i = 0; i < 2; i++) {
		put(p, 1);
		wait_for(&crew.holds[i].arrived);
	}
	/* Both are at work, so all of this is one hand of whoever comes first. */
	put_some(p, 4, is_behind_the_third);
	sem_post(&crew.holds[0].go);
	wait_for(&crew.holds[2].arrived);
	sem_post(&crew.holds[1].go);
	for (int i = 0; i < 10; i++)
		put(p, CAPACITY);
	sem_post(&crew.holds[2].go);
	finish(d);
	expect_some(&crew, 6 + 10 * CAPACITY, is_behind_the_third);
}

CASE_BOTH(workers, released_batch_does_not_come_again)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	for (uint32_t max_batch = 1; max_batch <= CAPACITY; max_batch += CAPACITY - 1) {
		releasers_init(&crew, 1, max_batch);
		releaser.retry = true;
		crew.handler[0].on_idle = note_idle_at;
		crew.handler[0].idle_after = 1;
		d = start_crew(many, CAPACITY, &crew, DSR_SHARE_CLAIM);
		p = producer_of(d);
		put(p, 1);
		wait_for(&crew.each);
		/* One may have been under way before it. */
		while (sem_trywait(&releaser.idle) == 0)
			;
		for (int i = 0; i < 2; i++)
			wait_for(&releaser.idle);
		for (int i = 0; i < 4; i++)
			put(p, CAPACITY);
		finish(d);
		cr_assert(!releaser.retry);
		expect_once(&crew, 1 + 4 * CAPACITY);
		cr_assert(releaser.idle_at <= 4 * CAPACITY, "%" PRId64, releaser.idle_at);
	}
}

/* What it has released it waits for no more, but for its group, which is itself. */
CASE(workers, one_that_released_would_wait_for_its_group)
{
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	releasers_init(&crew, 1, 0);
	crew.holds[0].sequence = 0;
	d = start_crew(true, CAPACITY, &crew, DSR_SHARE_CLAIM);
	p = producer_of(d);
	put(p, 1);
	wait_for(&crew.holds[0].arrived);
	releaser.d = d;
	sem_post(&crew.holds[0].go);
	/* Its first event, and as many as it could claim behind it. */
	for (int i = 0; i < 1 + CAPACITY; i++)
		wait_for(&crew.each);
	finish(d);
	expect(releaser.error, -EDEADLK);
	expect(releaser.claimed, CAPACITY);
	expect_once(&crew, 1 + CAPACITY);
}

static int retry_what_failed(void *event, int64_t sequence, int error, void *state)
{
	struct worker *w = state;

	(void)event;
	w->wrong += sequence != 1 || error != -EIO;
	w->retries = true;
	return DSR_RETRY;
}

CASE_SHARING(failed_event_comes_again_to_its_worker)
{
	struct dsr_disruptor *d;

	crew_init(&crew, 2);
	crew.holds[0].sequence = 1;
	crew.holder_answer = -EIO;
	for (int i = 0; i < 2; i++)
		crew.handler[i].on_error = retry_what_failed;
	d = start_crew(true, CAPACITY, &crew, sharing);
	put(producer_of(d), 4);
	wait_for(&crew.holds[0].arrived);
	sem_post(&crew.holds[0].go);
	finish(d);
	expect_nothing_wrong(&crew);
	for (int64_t i = 0; i < EVENTS_MAX; i++)
		expect(crew.times[i], i == 1 ? 2 : i < 4);
	expect(crew.who[1], crew.holder);
	expect_reasons(&crew, 0);
}

/* A worker that claims in its own ring, which is full as long as it has its event. */
struct claimer {
	struct dsr_disruptor *d;
	sem_t arrived, go, done;
	int64_t claimed, timed, tried;
};

static int claim_within(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct claimer *c = state;
	struct dsr_producer *p;

	(void)event;
	(void)end_of_batch;
	if (sequence != 0)
		return DSR_CONTINUE;
	sem_post(&c->arrived);
	wait_for(&c->go);
	p = dsr_producer(c->d);
	if (!p)
		return -ENOMEM;
	c->claimed = dsr_claim_n(p, 1, DSR_FOREVER);
	c->timed = dsr_claim_n(p, 1, INT64_C(3600) * 1000 * 1000 * 1000);
	c->tried = dsr_claim_n(p, 1, DSR_NOW);
	sem_post(&c->done);
	return dsr_producer_release(p);
}

static uint64_t key_is_value(const void *event, void *context)
{
	(void)context;
	return (uint64_t) * (const int64_t *)event;
}

CASE_SHARING(of_a_full_ring_would_wait_for_themselves)
{
	struct claimer c = {.claimed = 0};
	struct dsr_handler handlers[2] = {{.on_event = claim_within, .state = &c},
					  {.on_event = claim_within, .state = &c}};
	struct dsr_builder *b = build(true, 4);
	struct dsr_producer *p;

	sem_init(&c.arrived, 0, 0);
	sem_init(&c.go, 0, 0);
	sem_init(&c.done, 0, 0);
	expect(dsr_handle_with_workers(b, &(struct dsr_workers){.name = "crew",
								.handlers = handlers,
								.count = 2,
								.sharing = sharing,
								.key = sharing == DSR_SHARE_KEY
									       ? key_is_value
									       : NULL}),
	       0);
	c.d = start(b);
	p = producer_of(c.d);
	put(p, 1);
	wait_for(&c.arrived);
	put_until_full(p);
	sem_post(&c.go);
	/* Not before: an end would be the answer, too. */
	wait_for(&c.done);
	finish(c.d);
	expect(c.claimed, -EDEADLK);
	expect(c.timed, -EDEADLK);
	expect(c.tried, -EAGAIN);
}
