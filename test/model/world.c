/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker.h"
#include "disruptor.h"
#include "producer.h"
#include "world.h"

struct world world;

void world_build(bool many, uint64_t capacity)
{
	world = (struct world){0};
	world.builder = many ? dsr_build_multi_producer(capacity, sizeof(struct event))
			     : dsr_build_single_producer(capacity, sizeof(struct event));
}

uint64_t world_bits(int64_t first, int64_t count)
{
	return ((UINT64_C(1) << count) - 1) << first;
}

int world_see(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct tally *t = state;
	struct event *e = event;

	(void)end_of_batch;
	model_note("%s: event %lld", t->name, (long long)sequence);
	model_check_that(sequence > t->last, "%s saw %lld after %lld", t->name, (long long)sequence,
			 (long long)t->last);
	model_check_that(e->number == sequence, "%s found %lld in event %lld", t->name,
			 (long long)e->number, (long long)sequence);
	model_check_that(!t->behind || e->mark == t->behind, "%s: mark %lld", t->name,
			 (long long)e->mark);
	if (t->mark)
		e->mark = t->mark;
	t->last = sequence;
	t->seen |= UINT64_C(1) << (sequence - world.first);
	return sequence == t->stop_at ? t->answer : DSR_CONTINUE;
}

void world_stopped(void *state, int reason)
{
	struct tally *t = state;

	model_check_that(!t->stopped, "%s stopped twice", t->name);
	t->stopped = true;
	t->reason = reason;
}

struct dsr_handler world_handler(struct tally *tally, const char *name)
{
	tally->name = name;
	tally->seen = 0;
	tally->last = -1;
	tally->reason = 0;
	tally->stopped = false;
	if (!tally->answer)
		tally->stop_at = NEVER;
	return (struct dsr_handler){
		.on_event = world_see,
		.on_stop = world_stopped,
		.state = tally,
		.name = name,
		.wait = DSR_WAIT_YIELD,
	};
}

void world_add(struct tally *tally, const char *name, const char *const *after)
{
	struct dsr_handler handler = world_handler(tally, name);

	handler.after = after ? after : DSR_AFTER_NOBODY;
	dsr_handle_events(world.builder, &handler);
}

struct dsr_wait_tuning world_parks_at_once(void)
{
	return (struct dsr_wait_tuning){.spins = -1, .yields = -1};
}

static void name_sequence(const struct dsr_sequence *sequence, const char *name)
{
	char text[48];

	snprintf(text, sizeof(text), "%s.done", name);
	model_name(&sequence->value, 8, 1, text);
	snprintf(text, sizeof(text), "%s.waiters", name);
	model_name(&sequence->park.waiters, 8, 1, text);
	snprintf(text, sizeof(text), "%s.wakes", name);
	model_name(&sequence->park.wakes, 8, 1, text);
}

static void name_ring(const struct dsr_ring *ring)
{
	const struct dsr_slots *slots = &ring->slots;
	char text[32];

	for (uint64_t i = 0; i <= slots->mask; i++) {
		void *event = dsr_slots_event(slots, (int64_t)i);

		snprintf(text, sizeof(text), "event[%d]", (int)i);
		model_name(event, slots->stride, 1, text);
		snprintf(text, sizeof(text), "stamp[%d]", (int)i);
		model_name(dsr_slots_stamp(slots, event), 8, 1, text);
	}
	model_name(&ring->closed, 8, 1, "ring.closed");
	model_name(&ring->state, 8, 1, "ring.state");
	model_name(&ring->gate, 8, 1, "ring.gate");
	model_name(&ring->end, 8, 1, "ring.end");
	model_name(&ring->skips_end, 8, 1, "ring.skips_end");
	model_name(&ring->lock, sizeof(ring->lock), 1, "ring.lock");
	model_name(&ring->published.waiters, 8, 1, "published.waiters");
	model_name(&ring->published.wakes, 8, 1, "published.wakes");
	model_name(&ring->cursor, 8, 1, "ring.cursor");
	model_name(&ring->pool.bells.armed, 8, 1, "bells.armed");
	model_name(&ring->pool.bells.lock, sizeof(ring->lock), 1, "bells.lock");
}

static void name_members(const struct dsr_graph *graph)
{
	char text[32];

	model_name(&graph->lock, sizeof(graph->lock), 1, "graph.lock");
	for (const struct dsr_member *m = graph->members; m; m = m->next) {
		for (uint32_t i = 0; i < m->count; i++) {
			snprintf(text, sizeof(text), "%s's own", m->processors[i].consumer.name);
			model_name(&m->processors[i], sizeof(m->processors[i]), 1, text);
			snprintf(text, sizeof(text), "%s.stop", m->processors[i].consumer.name);
			model_name(&m->processors[i].consumer.stop, 8, 1, text);
		}
		for (uint32_t i = 0; i < m->sequence_count; i++) {
			if (m->sequence_count > 1)
				snprintf(text, sizeof(text), "%s(%u)", m->name, i);
			else
				snprintf(text, sizeof(text), "%s", m->name);
			name_sequence(m->sequences[i], text);
		}
	}
}

void world_start(void)
{
	int err = dsr_start(world.builder, &world.d);

	model_check_that(err == 0, "%s", dsr_builder_message(world.builder));
	name_ring(world.d->ring);
	name_members(&world.d->builder->graph);
}

struct dsr_producer *world_producer(const char *name)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
		{"next", offsetof(struct dsr_handle, hot.next)},
		{"open", offsetof(struct dsr_handle, hot.open)},
		{"limit", offsetof(struct dsr_handle, hot.limit)},
		{"skip_first", offsetof(struct dsr_handle, hot.skip_first)},
		{"skip_end", offsetof(struct dsr_handle, hot.skip_end)},
		{"reads", offsetof(struct dsr_handle, reads)},
	};
	struct dsr_producer *p = dsr_producer(world.d);
	char text[48];

	model_check(p);
	snprintf(text, sizeof(text), "%s's own", name);
	model_name(p, sizeof(struct dsr_handle), 1, text);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		snprintf(text, sizeof(text), "%s.%s", name, fields[i].name);
		model_name((char *)p + fields[i].offset, 8, 1, text);
	}
	return p;
}

void world_destroy(void)
{
	int err;

	model_end();
	err = dsr_destroy(world.d);
	model_check(err == 0);
	model_check_that(heap_left() == 0, "%d blocks are left", heap_left());
}

void world_end(void)
{
	int err = dsr_shutdown(world.d, DSR_FOREVER);

	model_check(err == 0);
	world_destroy();
}

void world_fill(struct dsr_producer *p, int64_t sequence)
{
	struct event *e = dsr_event(p, sequence);

	e->number = sequence;
	e->mark = 0;
}

int world_publish(struct dsr_producer *p, int64_t timeout)
{
	int64_t first = dsr_claim_n(p, 1, timeout);

	if (first < 0) {
		model_note("claim fails: %lld", (long long)first);
		return (int)first;
	}
	world_fill(p, first);
	dsr_publish(p);
	return 0;
}

void world_publisher(void *publisher)
{
	struct publisher *me = publisher;

	me->published = 0;
	me->error = 0;
	while (me->published < me->count && !me->error) {
		me->error = world_publish(me->p, DSR_FOREVER);
		me->published += !me->error;
	}
}
