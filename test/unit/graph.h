/* SPDX-License-Identifier: MIT */
#ifndef TEST_GRAPH_H
#define TEST_GRAPH_H

/**
 * What the tests of several consumers share: stages, which write a mark of their
 * own into the event, in plain memory, and look for the marks of those before
 * them; and writers, whose events show if one was torn or is of another lap.
 */

#include <dirent.h>
#include <stdlib.h>

#include "unit.h"

enum { MARKS = 112, BODY = 6 };

/**
 * struct sheet - an event that goes from stage to stage
 * @value: its sequence; fill() of unit.h writes this only
 * @body:  made of the sequence, too, where write_sheet() wrote it
 * @mark:  one for each stage
 *
 * Nothing is cleared: what is here of the lap before is wrong in this one.
 */
struct sheet {
	int64_t value;
	int64_t body[BODY];
	uint8_t mark[MARKS];
};

/* Those of two laps differ, in a ring of up to 128 slots, and none is 0 in the first. */
static inline uint8_t mark_of(int64_t sequence, int id)
{
	return (uint8_t)((uint64_t)sequence + (uint64_t)id + 1);
}

static inline int64_t body_of(int64_t sequence, int i)
{
	return sequence ^ ((int64_t)(i + 1) << 48);
}

static inline void write_sheet(struct sheet *sheet, int64_t sequence)
{
	sheet->value = sequence;
	for (int i = 0; i < BODY; i++)
		sheet->body[i] = body_of(sequence, i);
}

static inline bool is_torn(const struct sheet *sheet, int64_t sequence)
{
	bool torn = sheet->value != sequence;

	for (int i = 0; i < BODY; i++)
		torn |= sheet->body[i] != body_of(sequence, i);
	return torn;
}

/* The marks to look for, as bits; of ids up to 63. */
#define LOOK(id) (UINT64_C(1) << (id))

/**
 * struct stage - a handler's state, and how it is to be added
 * @seen:      what it saw, and what it answers. First: the functions that take a
 *	       struct seen take it
 * @handler:   change what you like of it before it is added
 * @id:        the mark that it leaves
 * @looks:     the marks that it looks for; @crowd: and those of 0 to @crowd - 1
 * @whole:     the events are write_sheet()'s
 * @wrong:     events that were not as they had to be
 * @hold_from: it is held within the events from here on,
 * @hold_to:   up to before this one: posts seen.arrived, waits for seen.go
 * @saw:       posted behind each event
 * @stopped:   posted by on_stop
 */
struct stage {
	struct seen seen;
	struct dsr_handler handler;
	int id;
	uint64_t looks;
	int crowd;
	bool whole;
	uint64_t wrong;
	int64_t hold_from, hold_to;
	sem_t saw, stopped;
};

static inline bool is_marked(const struct sheet *sheet, int64_t sequence, int id)
{
	return sheet->mark[id] == mark_of(sequence, id);
}

static inline bool is_as_it_has_to_be(const struct stage *s, const struct sheet *sheet,
				      int64_t sequence)
{
	bool good = sheet->value == sequence && !(s->whole && is_torn(sheet, sequence));

	for (int id = 0; id < 64; id++)
		if (s->looks & LOOK(id))
			good &= is_marked(sheet, sequence, id);
	for (int id = 0; id < s->crowd; id++)
		good &= is_marked(sheet, sequence, id);
	return good;
}

static inline int stage_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct sheet *sheet = event;
	struct stage *s = state;
	bool good = is_as_it_has_to_be(s, sheet, sequence);
	int result;

	if (sequence >= s->hold_from && sequence < s->hold_to) {
		sem_post(&s->seen.arrived);
		wait_for(&s->seen.go);
		/* And nobody has written there meanwhile. */
		good &= is_as_it_has_to_be(s, sheet, sequence);
	}
	s->wrong += !good;
	sheet->mark[s->id] = mark_of(sequence, s->id);
	result = seen_event(event, sequence, end_of_batch, &s->seen);
	sem_post(&s->saw);
	return result;
}

static inline void stage_stop(void *state, int reason)
{
	struct stage *s = state;

	seen_stop(&s->seen, reason);
	sem_post(&s->stopped);
}

static inline void stage_init(struct stage *s, int id, uint64_t looks)
{
	memset(s, 0, sizeof(*s));
	seen_init(&s->seen, 0);
	s->handler = seen_handler(&s->seen);
	s->handler.on_event = stage_event;
	s->handler.on_stop = stage_stop;
	s->handler.state = s;
	s->id = id;
	s->looks = looks;
	sem_init(&s->saw, 0, 0);
	sem_init(&s->stopped, 0, 0);
}

/* Is held in the events of [from, to), one after the other, which are its batches then. */
static inline void stage_hold(struct stage *s, int64_t from, int64_t to)
{
	s->hold_from = from;
	s->hold_to = to;
	s->handler.max_batch = 1;
}

static inline void wait_held(struct stage *s)
{
	wait_for(&s->seen.arrived);
}

static inline void let_go(struct stage *s)
{
	sem_post(&s->seen.go);
}

/* Until it has handled n more. */
static inline void wait_saw(struct stage *s, uint64_t n)
{
	for (; n; n--)
		wait_for(&s->saw);
}

static inline bool has_seen_more(struct stage *s)
{
	return sem_trywait(&s->saw) == 0;
}

/* For dsr_handler.after: follows nobody, whatever the stage is. */
static const char *const nobody[] __attribute__((unused)) = {NULL};

static inline struct dsr_handler stage_handler(const struct stage *s, const char *name,
					       const char *const *after)
{
	struct dsr_handler handler = s->handler;

	handler.name = name;
	handler.after = after;
	return handler;
}

static inline void add_stage(struct dsr_builder *b, const struct stage *s, const char *name,
			     const char *const *after)
{
	struct dsr_handler handler = stage_handler(s, name, after);
	int err = dsr_handle_events(b, &handler);

	cr_assert(err == 0, "%s: %d: %s", name ? name : "?", err, dsr_builder_message(b));
}

static inline struct dsr_workers group_of(const char *name, const struct dsr_handler *handlers,
					  uint32_t count, const char *const *after)
{
	return (struct dsr_workers){
		.name = name, .handlers = handlers, .count = count, .after = after};
}

static inline int add_group(struct dsr_builder *b, const char *name,
			    const struct dsr_handler *handlers, uint32_t count,
			    const char *const *after)
{
	struct dsr_workers workers = group_of(name, handlers, count, after);

	return dsr_handle_with_workers(b, &workers);
}

static inline int add_poller(struct dsr_builder *b, const char *name, const char *const *after)
{
	struct dsr_poller_options options = {.name = name, .after = after};

	return dsr_add_poller(b, &options);
}

static inline struct dsr_builder *build_sheets(bool many, uint64_t capacity)
{
	return many ? dsr_build_multi_producer(capacity, sizeof(struct sheet))
		    : dsr_build_single_producer(capacity, sizeof(struct sheet));
}

/* Publishes so many, by claims of all sizes up to the capacity. */
static inline void put_mixed(struct dsr_producer *p, uint64_t capacity, uint64_t total)
{
	for (uint64_t i = 0; total; i++) {
		uint64_t n = 1 + i * 3 % capacity;

		n = n < total ? n : total;
		put(p, (uint32_t)n);
		total -= n;
	}
}

/* As put(), one by one, whole. */
static inline void put_whole(struct dsr_producer *p, uint64_t n)
{
	for (; n; n--) {
		int64_t sequence = dsr_claim_n(p, 1, DSR_FOREVER);

		cr_assert(sequence >= 0, "dsr_claim_n: %" PRId64, sequence);
		write_sheet(dsr_event(p, sequence), sequence);
		expect(dsr_publish(p), 1);
	}
}

/* Claims and publishes as long as there is room now, whole; how many these were. */
static inline uint32_t put_until_full(struct dsr_producer *p, int64_t next)
{
	struct sheet *sheet;
	uint32_t n = 0;

	while (n < 1000 && (sheet = dsr_try_claim(p))) {
		write_sheet(sheet, next + n++);
		expect(dsr_publish(p), 1);
	}
	expect(dsr_claim_error(p), -EAGAIN);
	return n;
}

static inline void expect_of(const struct stage *s, uint64_t got, uint64_t wanted, const char *what,
			     int line)
{
	cr_assert(got == wanted, "line %d: stage %d: %s %" PRId64 ", not %" PRId64, line, s->id,
		  what, (int64_t)got, (int64_t)wanted);
}

/* Saw so many events and no gap between, all as they had to be, and ended so; not of workers. */
#define expect_stage(s, count, reason) expect_stage_at(s, (uint64_t)(count), reason, __LINE__)

static inline void expect_stage_at(const struct stage *s, uint64_t count, int reason, int line)
{
	expect_of(s, s->seen.count, count, "events", line);
	expect_of(s, s->seen.gaps, 0, "gaps", line);
	expect_of(s, s->wrong, 0, "wrong events", line);
	expect_of(s, (uint64_t)s->seen.starts, 1, "starts", line);
	expect_of(s, (uint64_t)s->seen.stops, 1, "stops", line);
	expect_of(s, (uint64_t)s->seen.reason, (uint64_t)reason, "stopped with", line);
}

/**
 * struct writer - a caller of unit.h that writes each event as a whole
 * @stop: posted to end it; a claim that fails ends it, too
 */
struct writer {
	struct caller caller;
	sem_t stop;
};

static inline void *writer_main(void *argument)
{
	struct writer *w = argument;
	struct caller *c = &w->caller;
	struct dsr_producer *p = dsr_producer(c->d);

	sem_post(&c->ready);
	while (p && sem_trywait(&w->stop) < 0) {
		int64_t first = dsr_claim_n(p, c->n, DSR_FOREVER);

		if (first < 0) {
			c->error = (int)first;
			break;
		}
		for (int64_t s = first; s < first + c->n; s++)
			write_sheet(dsr_event(p, s), s);
		c->claimed += (uint64_t)dsr_publish(p);
	}
	if (!p)
		c->error = -ENOMEM;
	else
		dsr_producer_release(p);
	return NULL;
}

static inline void writer_begin(struct writer *w, struct dsr_disruptor *d, uint32_t n)
{
	w->caller = (struct caller){.d = d, .n = n};
	sem_init(&w->caller.ready, 0, 0);
	sem_init(&w->stop, 0, 0);
	expect(pthread_create(&w->caller.thread, NULL, writer_main, w), 0);
	wait_for(&w->caller.ready);
}

/* Until that consumer is done with all up to @sequence. */
static inline void await_position(struct dsr_disruptor *d, const char *name, int64_t sequence)
{
	bool there = false;

	while (!there) {
		struct dsr_snapshot *s;

		expect(dsr_snapshot_take(d, &s), 0);
		for (uint32_t i = 0; i < s->consumer_count; i++)
			there |= strcmp(s->consumers[i].name, name) == 0 &&
				 s->consumers[i].sequence == sequence;
		dsr_snapshot_free(s);
		sched_yield();
	}
}

/* How many threads the process has. */
static inline int tasks(void)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;
	int n = 0;

	cr_assert(dir != NULL);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* No more than that: a thread that was joined is listed for a moment more. */
static inline void await_tasks(int n)
{
	while (tasks() > n)
		sched_yield();
}

#endif
