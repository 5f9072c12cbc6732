/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/atomic.h>

#include "disruptor.h"
#include "text.h"

void dsr_snapshot_free(struct dsr_snapshot *snapshot)
{
	if (!snapshot)
		return;
	free(snapshot->consumers);
	free(snapshot->producers);
	free(snapshot);
}

/* With the graph's and the ring's lock held, as all that follows. */
static int make_room(struct dsr_snapshot *s, const struct dsr_disruptor *d)
{
	const struct dsr_member *m;
	const struct dsr_handle *handle;
	uint32_t consumers = 0, producers = 0;

	for (m = d->builder->graph.members; m; m = m->next)
		consumers += dsr_member_consumers(m);
	for (handle = d->ring->handles; handle; handle = handle->next)
		producers++;
	s->consumers = calloc(consumers + 1, sizeof(*s->consumers));
	s->producers = calloc(producers + 1, sizeof(*s->producers));
	return s->consumers && s->producers ? 0 : -ENOMEM;
}

static int64_t position_of(const struct dsr_consumer *c)
{
	/* [RECLAIM<-CONSUME] As a producer reads it. */
	int64_t position = dsr_load_acquire(&c->sequence->value);

	/* Relaxed: for observers. */
	if (position == DSR_SEQUENCE_IDLE)
		position = dsr_load_relaxed(&c->group->taken->value);
	return position;
}

static void read_consumer(struct dsr_consumer_snapshot *out, const struct dsr_member *m,
			  const struct dsr_consumer *c, const struct dsr_snapshot *s)
{
	/* Relaxed, here and below: a moment late is early enough. */
	int64_t state = dsr_load_relaxed(&c->waiter.state);
	bool ended = state == DSR_STATE_ENDED || !m->is_alive;

	strcpy(out->name, c->name);
	if (m->is_group)
		strcpy(out->group, m->name);
	out->kind = c->kind;
	out->state = ended ? DSR_STATE_ENDED : (enum dsr_consumer_state)state;
	out->gates = m->gates && !ended;
	out->sequence = ended ? -1 : position_of(c);
	if (!ended && out->sequence < s->published)
		out->lag = s->published - out->sequence;
	/* Relaxed: counters. */
	out->batches = (uint64_t)dsr_load_relaxed(&c->batches);
	out->retries = (uint64_t)dsr_load_relaxed(&c->retries);
	out->errors = (uint64_t)dsr_load_relaxed(&c->errors);
	dsr_waiter_read(&c->waiter, &out->waited);
}

static void read_producer(struct dsr_producer_snapshot *out, const struct dsr_handle *handle)
{
	out->out = handle->out;
	/* Relaxed: a moment late is early enough. */
	out->open = dsr_load_relaxed(&handle->hot.open);
	out->next = dsr_load_relaxed(&handle->hot.next);
	out->failures = (uint64_t)dsr_load_relaxed(&handle->failures);
	dsr_waiter_read(&handle->waiter, &out->waited);
}

/* Who stands at @sequence. */
static void name_slowest(struct dsr_snapshot *s, const struct dsr_graph *graph,
			 const struct dsr_sequence *sequence)
{
	const struct dsr_member *m;

	for (m = graph->members; m; m = m->next) {
		/* What a claiming group has taken is nobody's in it. */
		if (sequence && m->is_group && m->group.taken == sequence)
			strcpy(s->slowest, m->name);
		for (uint32_t i = 0; i < dsr_member_consumers(m); i++)
			if (dsr_member_consumer(m, i)->sequence == sequence)
				strcpy(s->slowest, dsr_member_consumer(m, i)->name);
	}
}

/* Where producers and consumers are. False: they went on meanwhile, more than a lap. */
static bool read_ring(struct dsr_snapshot *s, const struct dsr_disruptor *d,
		      const struct dsr_sequence **slowest)
{
	const struct dsr_ring *ring = d->ring;
	const struct dsr_sequence *other;
	int64_t end, again;

	s->done = dsr_graph_done(&d->builder->graph, slowest);
	if (!*slowest)
		s->done = ring->swept;
	end = dsr_ring_claimed(ring);
	s->claimed = end - 1;
	s->published = dsr_ring_settled(ring, s->done + 1, end) - 1;
	if (!*slowest)
		s->done = s->published;
	again = dsr_graph_done(&d->builder->graph, &other);
	if (!other || again <= s->published)
		return true;
	/* A stamp of the next lap looks like none. What consumers are done with was published. */
	s->published = again;
	if (s->claimed < again)
		s->claimed = again;
	return false;
}

static void read_positions(struct dsr_snapshot *s, const struct dsr_disruptor *d)
{
	const struct dsr_sequence *slowest;
	int tries = 4;

	while (!read_ring(s, d, &slowest) && --tries)
		;
	if (slowest)
		name_slowest(s, &d->builder->graph, slowest);
	s->capacity = d->ring->slots.mask + 1;
	/* Relaxed: written under the lock. */
	s->closed = dsr_load_relaxed(&d->ring->closed);
	s->remaining = s->done + (int64_t)s->capacity - s->claimed;
	if (s->closed || s->remaining < 0)
		s->remaining = 0;
	/* After so many tries nobody is stuck anywhere. */
	s->hole = tries && s->published < s->claimed ? s->published + 1 : -1;
}

static void read_members(struct dsr_snapshot *s, const struct dsr_disruptor *d)
{
	const struct dsr_member *m;
	const struct dsr_handle *handle;

	for (m = d->builder->graph.members; m; m = m->next)
		for (uint32_t i = 0; i < dsr_member_consumers(m); i++)
			read_consumer(&s->consumers[s->consumer_count++], m,
				      dsr_member_consumer(m, i), s);
	for (handle = d->ring->handles; handle; handle = handle->next)
		read_producer(&s->producers[s->producer_count++], handle);
}

/* How long has it been seen there? */
static void age_hole(struct dsr_snapshot *s, struct dsr_disruptor *d)
{
	int64_t now = dsr_now();

	pthread_mutex_lock(&d->ending);
	if (s->hole < 0 || s->hole != d->hole || !d->hole_since)
		d->hole_since = now;
	else
		s->hole_age = now - d->hole_since;
	d->hole = s->hole;
	pthread_mutex_unlock(&d->ending);
}

int dsr_snapshot_take(struct dsr_disruptor *d, struct dsr_snapshot **out)
{
	int saved = errno;
	struct dsr_snapshot *s;
	int err = -ENOMEM;

	if (!out)
		return -EINVAL;
	*out = NULL;
	if (!d)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (s) {
		pthread_mutex_lock(&d->builder->graph.lock);
		pthread_mutex_lock(&d->ring->lock);
		err = make_room(s, d);
		if (err == 0) {
			read_positions(s, d);
			read_members(s, d);
		}
		pthread_mutex_unlock(&d->ring->lock);
		pthread_mutex_unlock(&d->builder->graph.lock);
	}
	errno = saved;
	if (err < 0) {
		dsr_snapshot_free(s);
		return err;
	}
	age_hole(s, d);
	*out = s;
	return 0;
}

static void put_waits(struct dsr_text *t, const struct dsr_waits *w)
{
	dsr_put(t, "; waited %" PRIu64 " times", w->waits);
	if (w->yields)
		dsr_put(t, ", %" PRIu64 " yields", w->yields);
	if (w->naps)
		dsr_put(t, ", %" PRIu64 " naps", w->naps);
	if (w->parks)
		dsr_put(t, ", %" PRIu64 " parks", w->parks);
}

static void put_consumer(struct dsr_text *t, const struct dsr_consumer_snapshot *c)
{
	static const char *const kinds[] = {"handler", "worker", "poller"};
	static const char *const states[] = {"running", "waiting", "parked", "ended"};

	dsr_put(t, "%s %s", kinds[c->kind], c->name);
	if (*c->group)
		dsr_put(t, " of %s", c->group);
	dsr_put(t, ": %s", states[c->state]);
	if (c->state != DSR_STATE_ENDED)
		dsr_put(t, " at %" PRId64 ", %" PRId64 " behind", c->sequence, c->lag);
	if (c->gates)
		dsr_put(t, ", gates");
	dsr_put(t, "; %" PRIu64 " batches", c->batches);
	if (c->retries)
		dsr_put(t, ", %" PRIu64 " retries", c->retries);
	if (c->errors)
		dsr_put(t, ", %" PRIu64 " errors", c->errors);
	put_waits(t, &c->waited);
	dsr_put(t, "\n");
}

static void put_producer(struct dsr_text *t, uint32_t index, const struct dsr_producer_snapshot *p)
{
	dsr_put(t, "producer %" PRIu32 ": ", index);
	if (!p->out)
		dsr_put(t, "given back");
	else if (p->open != p->next)
		dsr_put(t, "has %" PRId64 " to %" PRId64 " open", p->open, p->next - 1);
	else
		dsr_put(t, "has nothing open");
	if (p->failures)
		dsr_put(t, "; %" PRIu64 " claims failed", p->failures);
	put_waits(t, &p->waited);
	dsr_put(t, "\n");
}

int dsr_snapshot_text(const struct dsr_snapshot *snapshot, char *text, size_t size)
{
	const struct dsr_snapshot *s = snapshot;
	struct dsr_text t = {.text = text, .size = size};

	if (!s || (!text && size))
		return -EINVAL;
	dsr_put(&t,
		"ring of %" PRIu64 ": claimed to %" PRId64 ", published to %" PRId64
		", done to %" PRId64 "; ",
		s->capacity, s->claimed, s->published, s->done);
	if (s->closed)
		dsr_put(&t, "closed");
	else
		dsr_put(&t, "%" PRId64 " free", s->remaining);
	if (*s->slowest)
		dsr_put(&t, ", held by %s", s->slowest);
	if (s->hole >= 0)
		dsr_put(&t,
			"; %" PRId64 " is claimed and not published, for %" PRId64 " us or more",
			s->hole, s->hole_age / 1000);
	dsr_put(&t, "\n");
	for (uint32_t i = 0; i < s->consumer_count; i++)
		put_consumer(&t, &s->consumers[i]);
	for (uint32_t i = 0; i < s->producer_count; i++)
		put_producer(&t, i, &s->producers[i]);
	return (int)t.length;
}
