/* SPDX-License-Identifier: MIT */
/* Batches, what a handler's answers do, and the thread that it runs on. */
#include <dirent.h>
#include <signal.h>

#include "unit.h"

TestSuite(processor, .timeout = 60);

enum { CAPACITY = 8 };

static struct dsr_disruptor *start_handlers(const struct dsr_handler *handlers, int n)
{
	struct dsr_builder *b = build(false, CAPACITY);

	for (int i = 0; i < n; i++)
		expect(dsr_handle_events(b, &handlers[i]), 0);
	return start(b);
}

/* Where batches ended, as one letter an event: '-' within, 'E' at the end. */
static void expect_ends(const struct seen *s, const char *ends)
{
	char got[SEEN_MAX + 1] = "";

	for (uint64_t i = 0; i < s->count && i < SEEN_MAX; i++)
		got[i] = s->end[i] ? 'E' : '-';
	cr_assert_str_eq(got, ends, "batches end at %s, not at %s", got, ends);
}

/*
 * Event 0 is held, so that its batch is over before there is another event;
 * what is put then is there as a whole when the next batch begins.
 */
static struct dsr_disruptor *start_held(uint32_t max_batch, struct seen *s, struct dsr_producer **p)
{
	struct dsr_handler handler;
	struct dsr_disruptor *d;

	seen_init(s, 1);
	handler = seen_handler(s);
	handler.max_batch = max_batch;
	d = start_handlers(&handler, 1);
	*p = producer_of(d);
	put_held(*p, s);
	return d;
}

CASE(processor, batch_ends_at_its_most)
{
	struct seen s;
	struct dsr_producer *p;
	struct dsr_disruptor *d = start_held(3, &s, &p);

	put(p, 5);
	sem_post(&s.go);
	finish(d);
	expect_ends(&s, "E--E-E");
	expect(s.gaps, 0);
}

CASE(processor, batches_of_one)
{
	struct seen s;
	struct dsr_producer *p;
	struct dsr_disruptor *d = start_held(1, &s, &p);

	put(p, 5);
	sem_post(&s.go);
	finish(d);
	expect_ends(&s, "EEEEEE");
}

CASE(processor, batch_is_as_long_as_there_are_events)
{
	struct seen s;
	struct dsr_producer *p;
	struct dsr_disruptor *d = start_held(0, &s, &p);

	put(p, CAPACITY - 1);
	sem_post(&s.go);
	finish(d);
	expect_ends(&s, "E------E");
}

CASE(processor, batch_goes_across_the_end_of_the_ring)
{
	struct seen s;
	struct dsr_handler handler;
	struct dsr_disruptor *d;
	struct dsr_producer *p;
	struct dsr_builder *b = build(true, CAPACITY);

	seen_init(&s, 1);
	handler = seen_handler(&s);
	dsr_first_sequence(b, 3 * CAPACITY - 3);
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	p = producer_of(d);
	put_held(p, &s);
	put(p, CAPACITY - 1);
	sem_post(&s.go);
	finish(d);
	expect_ends(&s, "E------E");
	expect(s.gaps, 0);
}

CASE(processor, aborted_slots_are_not_of_the_batch)
{
	struct seen s;
	struct dsr_producer *p;
	struct dsr_disruptor *d = start_held(3, &s, &p);

	claim(p, 7);
	expect(dsr_publish_n(p, 1), 1);
	expect(dsr_abort_n(p, 2), 2);
	expect(dsr_publish(p), 4);
	sem_post(&s.go);
	finish(d);
	/* 0; 1, 4, 5; 6, 7 */
	expect_ends(&s, "E--E-E");
	expect(s.sequence[2], 4);
}

CASE(processor, batch_that_begins_with_aborted_slots)
{
	struct seen s;
	struct dsr_producer *p;
	struct dsr_disruptor *d = start_held(3, &s, &p);

	claim(p, 7);
	expect(dsr_abort_n(p, 3), 3);
	expect(dsr_publish(p), 4);
	sem_post(&s.go);
	finish(d);
	/* 0; 4, 5, 6; 7 */
	expect_ends(&s, "E--EE");
	expect(s.sequence[1], 4);
}

struct counter {
	uint64_t events, empty;
	sem_t arrived;
};

static int count_batch(struct dsr_batch *batch, void *state)
{
	struct counter *c = state;
	uint64_t before = c->events;

	while (dsr_batch_next(batch))
		c->events++;
	c->empty += c->events == before;
	sem_post(&c->arrived);
	return DSR_CONTINUE;
}

/* Whatever a handler that spins sees first of a slot, it is called for an event only. */
CASE_BOTH(processor, batch_handler_is_never_called_for_nothing)
{
	enum { ROUNDS = 300 };
	struct counter c = {0};
	struct dsr_builder *b = build(many, 8);
	struct dsr_handler handler = {.on_batch = count_batch, .state = &c, .wait = DSR_WAIT_PAUSE};
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	sem_init(&c.arrived, 0, 0);
	expect(dsr_handle_events(b, &handler), 0);
	d = start(b);
	p = producer_of(d);
	for (int i = 0; i < ROUNDS; i++) {
		claim(p, 1);
		expect(dsr_abort(p), 1);
		put(p, 1);
		wait_for(&c.arrived);
	}
	finish(d);
	expect(c.events, ROUNDS);
	expect(c.empty, 0);
}

CASE(processor, batch_ends_before_aborted_slots)
{
	struct seen s;
	struct dsr_producer *p;
	struct dsr_disruptor *d = start_held(0, &s, &p);

	claim(p, 7);
	expect(dsr_publish_n(p, 2), 2);
	expect(dsr_abort(p), 5);
	sem_post(&s.go);
	finish(d);
	expect_ends(&s, "E-E");
}

CASE(processor, batch_ends_at_its_most_before_aborted_slots)
{
	struct seen s;
	struct dsr_producer *p;
	struct dsr_disruptor *d = start_held(2, &s, &p);

	claim(p, 7);
	expect(dsr_publish_n(p, 2), 2);
	expect(dsr_abort_n(p, 2), 2);
	expect(dsr_publish_n(p, 1), 1);
	expect(dsr_abort(p), 2);
	sem_post(&s.go);
	finish(d);
	/* 0; 1, 2; 5 */
	expect_ends(&s, "E-EE");
	expect(s.sequence[3], 5);
}

/* A ring of aborted slots only, which the look for more must not go round in. */
CASE(processor, batch_before_a_ring_of_aborted_slots)
{
	struct seen s;
	struct dsr_producer *p;
	struct dsr_disruptor *d = start_held(0, &s, &p);

	claim(p, CAPACITY - 1);
	expect(dsr_abort(p), CAPACITY - 1);
	sem_post(&s.go);
	claim(p, CAPACITY);
	expect(dsr_abort(p), CAPACITY);
	put(p, 1);
	finish(d);
	expect(s.count, 2);
	expect(s.sequence[1], 2 * CAPACITY);
	expect_ends(&s, "EE");
}

/* A batch handler: takes up to @leave events of a batch; held in its first, after one event. */
struct batches {
	int count, leave;
	int size[SEEN_MAX];
	int64_t first[SEEN_MAX];
	int64_t events, gaps, last;
	int64_t mores; /* times that dsr_batch_more() was not what dsr_batch_next() did then */
	int answer;    /* of the second batch */
	sem_t arrived, go;
	int stops, reason;
};

static void *take(struct batches *t, struct dsr_batch *batch)
{
	bool more = dsr_batch_more(batch), again = dsr_batch_more(batch);
	void *event = dsr_batch_next(batch);
	int64_t sequence = dsr_batch_sequence(batch);

	/* There may have come one in between. */
	t->mores += more && (!again || !event);
	if (!event)
		return NULL;
	t->gaps += sequence != t->last + 1 || *(int64_t *)event != sequence;
	t->last = sequence;
	t->events++;
	return event;
}

static int take_batch(struct dsr_batch *batch, void *state)
{
	struct batches *t = state;
	int number = t->count++;
	int n = 0;

	t->first[number] = t->last + 1;
	while (n < t->leave && take(t, batch)) {
		n++;
		if (number == 0) {
			sem_post(&t->arrived);
			wait_for(&t->go);
			break;
		}
	}
	t->size[number] = n;
	return number == 1 ? t->answer : DSR_CONTINUE;
}

static void stop_batches(void *state, int reason)
{
	struct batches *t = state;

	t->stops++;
	t->reason = reason;
}

static struct dsr_disruptor *start_batches(struct batches *t, int leave, uint32_t max_batch,
					   struct dsr_producer **p)
{
	struct dsr_handler handler = {
		.on_batch = take_batch,
		.on_stop = stop_batches,
		.state = t,
		.max_batch = max_batch,
		.wait = DSR_WAIT_YIELD,
	};
	struct dsr_disruptor *d;

	*t = (struct batches){.leave = leave, .last = -1};
	sem_init(&t->arrived, 0, 0);
	sem_init(&t->go, 0, 0);
	d = start_handlers(&handler, 1);
	*p = producer_of(d);
	put(*p, 1);
	wait_for(&t->arrived);
	return d;
}

static void expect_batches(const struct batches *t, const int *sizes, int count)
{
	int64_t first = 0;

	expect(t->count, count);
	for (int i = 0; i < count; i++) {
		expect(t->size[i], sizes[i]);
		expect(t->first[i], first);
		first += sizes[i];
	}
	expect(t->events, first);
	expect(t->gaps, 0);
	expect(t->mores, 0);
	expect(t->stops, 1);
}

CASE(processor, batch_handler_takes_all)
{
	struct batches t;
	struct dsr_producer *p;
	struct dsr_disruptor *d = start_batches(&t, CAPACITY, 0, &p);

	put(p, 5);
	sem_post(&t.go);
	finish(d);
	expect_batches(&t, (const int[]){1, 5}, 2);
	expect(t.reason, 0);
}

CASE(processor, batch_handler_gets_no_more_than_its_most)
{
	struct batches t;
	struct dsr_producer *p;
	struct dsr_disruptor *d = start_batches(&t, CAPACITY, 3, &p);

	put(p, 7);
	sem_post(&t.go);
	finish(d);
	expect_batches(&t, (const int[]){1, 3, 3, 1}, 4);
}

CASE(processor, batch_handler_leaves_early)
{
	struct batches t;
	struct dsr_producer *p;
	struct dsr_disruptor *d = start_batches(&t, 2, 0, &p);

	put(p, 5);
	sem_post(&t.go);
	finish(d);
	expect_batches(&t, (const int[]){1, 2, 2, 1}, 4);
}

CASE(processor, batch_handler_may_ask_for_release_or_stop)
{
	struct batches t;
	struct dsr_producer *p;
	struct dsr_disruptor *d = start_batches(&t, 2, 0, &p);

	t.answer = DSR_RELEASE;
	put(p, 4);
	sem_post(&t.go);
	finish(d);
	expect_batches(&t, (const int[]){1, 2, 2}, 3);
	expect(t.reason, 0);

	d = start_batches(&t, 2, 0, &p);
	t.answer = DSR_STOP;
	put(p, 4);
	sem_post(&t.go);
	finish(d);
	expect_batches(&t, (const int[]){1, 2}, 2);
	expect(t.reason, DSR_STOP);

	d = start_batches(&t, 2, 0, &p);
	t.answer = -ENOSPC;
	put(p, 4);
	sem_post(&t.go);
	finish(d);
	expect_batches(&t, (const int[]){1, 2}, 2);
	expect(t.reason, -ENOSPC);
}

/* Says what it found at each look, with aborted slots between and behind. */
struct looks {
	char found[64]; /* 'm' for more, 'n' for none, a digit for the sequence taken */
	size_t length;
	sem_t arrived, go;
};

static void look(struct looks *l, struct dsr_batch *batch)
{
	l->found[l->length++] = dsr_batch_more(batch) ? 'm' : 'n';
}

static int look_twice(struct dsr_batch *batch, void *state)
{
	struct looks *l = state;
	bool first = l->length == 0;

	look(l, batch);
	look(l, batch);
	while (dsr_batch_next(batch)) {
		l->found[l->length++] = (char)('0' + dsr_batch_sequence(batch));
		if (first) {
			sem_post(&l->arrived);
			wait_for(&l->go);
			return DSR_CONTINUE;
		}
		look(l, batch);
		look(l, batch);
	}
	look(l, batch);
	return DSR_CONTINUE;
}

CASE(processor, more_stays_true_until_it_is_taken)
{
	struct looks l = {.length = 0};
	struct dsr_handler handler = {.on_batch = look_twice, .state = &l, .max_batch = 3};
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	sem_init(&l.arrived, 0, 0);
	sem_init(&l.go, 0, 0);
	d = start_handlers(&handler, 1);
	p = producer_of(d);
	put(p, 1);
	wait_for(&l.arrived);
	claim(p, 7);
	expect(dsr_publish_n(p, 1), 1);
	expect(dsr_abort_n(p, 1), 1);
	expect(dsr_publish_n(p, 3), 3);
	expect(dsr_abort(p), 2);
	sem_post(&l.go);
	finish(d);
	/* 0; 1, 3, 4 and full; 5 and only aborted ones behind it */
	cr_assert_str_eq(l.found, "mm0mm1mm3mm4nnnmm5nnn", "%s", l.found);
}

/*
 * Gives two of a full ring's slots back while it is in the middle of a batch,
 * and goes on only when a producer has got them.
 */
struct releaser {
	int64_t seen;
	sem_t arrived, go, got;
};

static int release_by_answer(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct releaser *r = state;

	(void)event;
	(void)end_of_batch;
	r->seen++;
	if (sequence == 0) {
		sem_post(&r->arrived);
		wait_for(&r->go);
	}
	/* Released by the answers before: 1 and 2, and the batch goes on to 7. */
	if (sequence == 3)
		wait_for(&r->got);
	return sequence == 2 ? DSR_RELEASE : DSR_CONTINUE;
}

static int release_by_call(struct dsr_batch *batch, void *state)
{
	struct releaser *r = state;

	while (dsr_batch_next(batch)) {
		int64_t sequence = dsr_batch_sequence(batch);

		r->seen++;
		if (sequence == 0) {
			sem_post(&r->arrived);
			wait_for(&r->go);
			return DSR_CONTINUE;
		}
		if (sequence == 2) {
			dsr_batch_release(batch);
			wait_for(&r->got);
		}
	}
	return DSR_CONTINUE;
}

static void release_within_a_batch(struct dsr_handler handler)
{
	struct releaser r = {.seen = 0};
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	sem_init(&r.arrived, 0, 0);
	sem_init(&r.go, 0, 0);
	sem_init(&r.got, 0, 0);
	handler.state = &r;
	d = start_handlers(&handler, 1);
	p = producer_of(d);
	put(p, 1);
	wait_for(&r.arrived);
	put(p, CAPACITY - 1);
	sem_post(&r.go);
	/* One slot comes back with event 0's batch; the others with the release only. */
	put(p, 1);
	put(p, 2);
	sem_post(&r.got);
	finish(d);
	expect(r.seen, CAPACITY + 3);
}

CASE(processor, release_gives_slots_back_within_a_batch)
{
	release_within_a_batch((struct dsr_handler){.on_event = release_by_answer});
	release_within_a_batch((struct dsr_handler){.on_batch = release_by_call});
}

static void run_answer(int answer, int reason)
{
	struct seen s;
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&s, 0);
	s.answer = answer;
	s.answer_at = 2;
	d = start_seen(true, CAPACITY, &s);
	p = producer_of(d);
	/* Nobody is at the gate any longer: producers go round and round. */
	for (int i = 0; i < 10 * CAPACITY; i++)
		put(p, 1);
	finish(d);
	expect(s.count, 3);
	expect(s.starts, 1);
	expect(s.stops, 1);
	expect(s.reason, reason);
}

CASE(processor, handler_stops)
{
	run_answer(DSR_STOP, DSR_STOP);
}

CASE(processor, handler_fails)
{
	run_answer(-EIO, -EIO);
	run_answer(-ECANCELED, -ECANCELED);
}

CASE(processor, handler_answers_nonsense)
{
	run_answer(DSR_RETRY + 1, -EINVAL);
	run_answer(77, -EINVAL);
	run_answer(INT32_MAX, -EINVAL);
}

CASE(processor, stopped_handler_leaves_the_others)
{
	struct seen seen[2];
	struct dsr_handler handlers[2];
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	for (int i = 0; i < 2; i++) {
		seen_init(&seen[i], 0);
		handlers[i] = seen_handler(&seen[i]);
	}
	seen[0].answer = DSR_STOP;
	d = start_handlers(handlers, 2);
	p = producer_of(d);
	for (int i = 0; i < 10; i++)
		put(p, CAPACITY);
	finish(d);
	expect(seen[0].count, 1);
	expect(seen[0].reason, DSR_STOP);
	expect(seen[1].count, 10 * CAPACITY);
	expect(seen[1].gaps, 0);
	expect(seen[1].reason, 0);
}

CASE_BOTH(processor, each_handler_sees_each_event)
{
	enum { HANDLERS = 4 };
	struct seen seen[HANDLERS];
	struct dsr_builder *b = build(many, CAPACITY);
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	for (int i = 0; i < HANDLERS; i++) {
		struct dsr_handler handler;

		seen_init(&seen[i], 0);
		handler = seen_handler(&seen[i]);
		handler.max_batch = (uint32_t)i;
		expect(dsr_handle_events(b, &handler), 0);
	}
	d = start(b);
	p = producer_of(d);
	for (uint32_t i = 0; i < 100; i++)
		put(p, 1 + i % CAPACITY);
	finish(d);
	for (int i = 0; i < HANDLERS; i++) {
		expect(seen[i].count, seen[0].count);
		expect(seen[i].gaps, 0);
		expect(seen[i].last, seen[0].last);
		expect(seen[i].starts, 1);
		expect(seen[i].stops, 1);
		for (int j = 0; j < SEEN_MAX; j++)
			expect(seen[i].value[j], j);
	}
}

/* A slot is free again when the slowest is done with it. */
CASE(processor, slowest_handler_holds_the_ring)
{
	struct seen seen[2];
	struct dsr_handler handlers[2];
	struct dsr_disruptor *d;
	struct dsr_producer *p;

	seen_init(&seen[0], 0);
	seen_init(&seen[1], 1);
	handlers[0] = seen_handler(&seen[0]);
	handlers[1] = seen_handler(&seen[1]);
	d = start_handlers(handlers, 2);
	p = producer_of(d);
	put_held(p, &seen[1]);
	put(p, CAPACITY - 1);
	cr_assert(dsr_try_claim(p) == NULL);
	sem_post(&seen[1].go);
	put(p, CAPACITY);
	finish(d);
	expect(seen[0].count, 2 * CAPACITY);
	expect(seen[1].count, 2 * CAPACITY);
}

/* The thread as it finds itself. */
struct self {
	pthread_t thread;
	char name[16];
	int cpus, cpu;
	int signals; /* that are not blocked */
	int starts, events, stops, others;
};

static int note_start(void *state)
{
	struct self *self = state;
	sigset_t blocked;
	cpu_set_t set;

	self->starts++;
	self->thread = pthread_self();
	pthread_getname_np(pthread_self(), self->name, sizeof(self->name));
	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	self->cpus = CPU_COUNT(&set);
	for (self->cpu = 0; self->cpu < CPU_SETSIZE && !CPU_ISSET(self->cpu, &set); self->cpu++)
		;
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	for (int i = 1; i <= SIGRTMAX; i++) {
		/* What cannot be blocked, and what is the C library's own. */
		if (i == SIGKILL || i == SIGSTOP || (i > SIGSYS && i < SIGRTMIN))
			continue;
		self->signals += sigismember(&blocked, i) != 1;
	}
	return 0;
}

static int note_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct self *self = state;

	(void)event;
	(void)sequence;
	(void)end_of_batch;
	self->events++;
	self->others += !pthread_equal(pthread_self(), self->thread);
	return DSR_CONTINUE;
}

static void note_stop(void *state, int reason)
{
	struct self *self = state;

	(void)reason;
	self->stops++;
	self->others += !pthread_equal(pthread_self(), self->thread);
}

static struct self run_self(const char *name, int pin)
{
	struct self self = {.starts = 0};
	struct dsr_handler handler = {
		.on_event = note_event,
		.on_start = note_start,
		.on_stop = note_stop,
		.state = &self,
		.name = name,
		.pin = pin,
	};
	struct dsr_disruptor *d = start_handlers(&handler, 1);

	put(producer_of(d), 3);
	finish(d);
	expect(self.starts, 1);
	expect(self.events, 3);
	expect(self.stops, 1);
	expect(self.others, 0);
	cr_assert(!pthread_equal(self.thread, pthread_self()));
	return self;
}

CASE(processor, thread_has_its_name)
{
	struct self self = run_self("fifteen-bytes-x", DSR_UNPINNED);

	cr_assert_str_eq(self.name, "fifteen-bytes-x");
	self = run_self(NULL, DSR_UNPINNED);
	cr_assert_str_eq(self.name, "processor-0");
}

CASE(processor, thread_is_pinned_before_it_begins)
{
	int cpu = some_cpu();
	struct self self = run_self("pinned", DSR_CPU(cpu));

	expect(self.cpus, 1);
	expect(self.cpu, cpu);
}

CASE(processor, thread_that_is_not_pinned_is_as_its_parent)
{
	struct self self = run_self("free", DSR_UNPINNED);
	cpu_set_t set;

	cr_assert(sched_getaffinity(0, sizeof(set), &set) == 0);
	expect(self.cpus, CPU_COUNT(&set));
}

CASE(processor, thread_gets_no_signals)
{
	struct self self;
	sigset_t before, after;

	sigemptyset(&before);
	sigaddset(&before, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &before, NULL);
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	self = run_self("deaf", DSR_UNPINNED);
	expect(self.signals, 0);
	/* The caller's own are what they were. */
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	for (int i = 1; i <= SIGRTMAX; i++)
		expect(sigismember(&after, i), sigismember(&before, i));
}

static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

CASE(processor, refusing_to_start_takes_all_back)
{
	struct seen seen[3];
	struct dsr_builder *b = build(true, CAPACITY);
	struct dsr_disruptor *d = (void *)b;
	int before = count_threads();

	for (int i = 0; i < 3; i++) {
		struct dsr_handler handler;

		seen_init(&seen[i], 0);
		seen[i].start_error = i == 1 ? -ENOTCONN : 0;
		handler = seen_handler(&seen[i]);
		expect(dsr_handle_events(b, &handler), 0);
	}
	expect(dsr_start(b, &d), -ENOTCONN);
	cr_assert(d == NULL);
	cr_assert(strstr(dsr_builder_message(b), "processor-1") != NULL);
	expect(count_threads(), before);
	/* Who has begun is told that it is over; who refused has not begun. */
	for (int i = 0; i < 3; i++) {
		expect(seen[i].starts, 1);
		expect(seen[i].stops, i == 1 ? 0 : 1);
		expect(seen[i].reason, i == 1 ? 0 : -ECANCELED);
		expect(seen[i].count, 0);
	}
	expect(dsr_builder_destroy(b), 0);
}

/* Only below zero is an error. */
CASE(processor, starting_with_a_positive_answer)
{
	struct seen s;
	struct dsr_disruptor *d;

	seen_init(&s, 0);
	s.start_error = 5;
	d = start_seen(false, CAPACITY, &s);
	put(producer_of(d), 1);
	finish(d);
	expect(s.count, 1);
}

CASE(processor, waits_each_way)
{
	for (int wait = DSR_WAIT_DEFAULT; wait < DSR_WAIT_CUSTOM; wait++) {
		struct seen s;
		struct dsr_handler handler;
		struct dsr_disruptor *d;
		struct dsr_producer *p;

		seen_init(&s, 0);
		handler = seen_handler(&s);
		handler.wait = (enum dsr_wait)wait;
		d = start_handlers(&handler, 1);
		p = producer_of(d);
		for (int i = 0; i < 50; i++)
			put(p, 2);
		finish(d);
		expect(s.count, 100);
		expect(s.gaps, 0);
	}
}
