/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/atomic.h>

#include "member.h"

int dsr_complain(struct dsr_complaint *complaint, int error, const char *format, ...)
{
	va_list arguments;

	if (complaint->error == 0) {
		complaint->error = error;
		va_start(arguments, format);
		vsnprintf(complaint->message, sizeof(complaint->message), format, arguments);
		va_end(arguments);
	}
	return complaint->error;
}

/* The caller's struct may be older or newer than ours, as long as we know all that is set. */
static int copy_options(void *to, size_t to_size, const void *from, size_t size)
{
	const char *tail = from;

	for (size_t i = to_size; i < size; i++)
		if (tail[i])
			return -E2BIG;
	memset(to, 0, to_size);
	memcpy(to, from, size < to_size ? size : to_size);
	return 0;
}

static int take_name(char *to, const char *name, const char *what, struct dsr_complaint *complaint)
{
	if (!name || !*name)
		return dsr_complain(complaint, -EINVAL, "%s: has no name", what);
	if (strlen(name) > DSR_NAME_MAX)
		return dsr_complain(complaint, -ENAMETOOLONG,
				    "%s %.40s: name of more than %d bytes", what, name,
				    DSR_NAME_MAX);
	strcpy(to, name);
	return 0;
}

static void *cleared(size_t size)
{
	int saved = errno;
	void *memory = aligned_alloc(DSR_CACHELINE,
				     (size + DSR_CACHELINE - 1) / DSR_CACHELINE * DSR_CACHELINE);

	errno = saved;
	if (memory)
		memset(memory, 0, size);
	return memory;
}

static int take_after(struct dsr_member *m, const char *const *after,
		      struct dsr_complaint *complaint)
{
	uint32_t count = 0;

	if (!after)
		return 0;
	m->names_after = true;
	while (after[count])
		count++;
	if (!count)
		return 0;
	m->after_names = cleared(count * sizeof(*m->after_names));
	if (!m->after_names)
		return dsr_complain(complaint, -ENOMEM, "%s: no memory", m->name);
	for (; m->after_names_count < count; m->after_names_count++) {
		const char *name = after[m->after_names_count];

		if (strlen(name) > DSR_NAME_MAX)
			return dsr_complain(complaint, -ENOENT,
					    "%s: follows %.40s, which nobody is", m->name, name);
		strcpy(m->after_names[m->after_names_count], name);
	}
	return 0;
}

static struct dsr_member *make(uint32_t count, struct dsr_complaint *complaint, const char *name)
{
	struct dsr_member *m = cleared(sizeof(*m));
	int err = -ENOMEM;

	if (m && count)
		m->processors = cleared(count * sizeof(*m->processors));
	if (m && (!count || m->processors))
		err = dsr_launch_init(&m->launch);
	if (err < 0) {
		if (m)
			free(m->processors);
		free(m);
		dsr_complain(complaint, err, "%s: no memory", name);
		return NULL;
	}
	m->count = count;
	m->is_alive = true;
	for (uint32_t i = 0; i < count; i++) {
		m->processors[i].consumer.member = m;
		m->processors[i].consumer.index = i;
		m->processors[i].seat = -1;
	}
	return m;
}

static int check_handler(const struct dsr_handler *h, const char *name, uint64_t capacity,
			 struct dsr_complaint *complaint)
{
	if (!h->on_event == !h->on_batch)
		return dsr_complain(complaint, -EINVAL,
				    "handler %s: wants one of on_event and on_batch", name);
	if (!dsr_pin_valid(h->pin))
		return dsr_complain(
			complaint, -EINVAL,
			"handler %s: pin %#x is neither DSR_CPU(n) nor DSR_NODE(n), nor a "
			"choice's name",
			name, (unsigned int)h->pin);
	if (!dsr_wait_valid(h->wait, &h->tuning))
		return dsr_complain(complaint, -EINVAL,
				    "handler %s: wait strategy %d is unknown, or has no turn", name,
				    (int)h->wait);
	if (h->max_batch > capacity)
		return dsr_complain(complaint, -EINVAL,
				    "handler %s: max_batch %u is over the capacity %" PRIu64, name,
				    h->max_batch, capacity);
	if (h->on_idle && h->idle_after <= 0)
		return dsr_complain(complaint, -EINVAL,
				    "handler %s: on_idle wants idle_after above 0", name);
	if (h->retry_pause < 0)
		return dsr_complain(complaint, -EINVAL, "handler %s: retry_pause is below 0", name);
	if (h->fifo > 99)
		return dsr_complain(complaint, -EINVAL, "handler %s: fifo %u is not from 0 to 99",
				    name, h->fifo);
	return 0;
}

static int take_handler(struct dsr_processor *p, const struct dsr_handler *h, const char *name,
			uint64_t capacity, struct dsr_complaint *complaint)
{
	struct dsr_consumer *c = &p->consumer;
	int err = take_name(c->name, name, "handler", complaint);

	if (err == 0)
		err = check_handler(h, name, capacity, complaint);
	if (err < 0)
		return err;
	p->handler = *h;
	/* The caller's memory, or copied above. */
	p->handler.name = NULL;
	p->handler.after = NULL;
	c->max_batch = h->max_batch;
	return 0;
}

struct dsr_member *dsr_member_of_handler(const struct dsr_handler *handler, size_t size,
					 uint64_t capacity, uint32_t number,
					 struct dsr_complaint *complaint)
{
	char name[DSR_NAME_MAX + 1];
	struct dsr_handler h;
	struct dsr_member *m;

	/* Unique, and within DSR_NAME_MAX, whatever the number. */
	snprintf(name, sizeof(name), number < 100000 ? "processor-%u" : "proc-%u", number);
	if (!handler) {
		dsr_complain(complaint, -EINVAL, "handler %u: is NULL", number);
		return NULL;
	}
	if (copy_options(&h, sizeof(h), handler, size) < 0) {
		dsr_complain(complaint, -E2BIG,
			     "handler %u: has fields that this library does not know", number);
		return NULL;
	}
	m = make(1, complaint, h.name ? h.name : name);
	if (!m)
		return NULL;
	m->processors->consumer.kind = DSR_KIND_HANDLER;
	if (take_handler(m->processors, &h, h.name ? h.name : name, capacity, complaint) < 0 ||
	    take_name(m->name, m->processors->consumer.name, "handler", complaint) < 0 ||
	    take_after(m, h.after, complaint) < 0) {
		dsr_member_free(m);
		return NULL;
	}
	if (!m->processors->consumer.max_batch)
		m->processors->consumer.max_batch = (uint32_t)capacity;
	return m;
}

static int check_workers(const struct dsr_workers *w, struct dsr_complaint *complaint)
{
	const char *name = w->name ? w->name : "?";

	if (!w->count || w->count > DSR_WORKERS_MAX || !w->handlers)
		return dsr_complain(complaint, -EINVAL, "workers %.40s: wants 1 to %d handlers",
				    name, DSR_WORKERS_MAX);
	if ((int)w->sharing < DSR_SHARE_CLAIM || w->sharing > DSR_SHARE_KEY)
		return dsr_complain(complaint, -EINVAL, "workers %.40s: sharing %d is unknown",
				    name, (int)w->sharing);
	if (!w->key != (w->sharing != DSR_SHARE_KEY))
		return dsr_complain(
			complaint, -EINVAL,
			"workers %.40s: a key goes with DSR_SHARE_KEY, and only with it", name);
	return 0;
}

/* The i-th of the caller's handlers, which have a size of their own. */
static int take_worker(struct dsr_member *m, const struct dsr_workers *w, uint32_t i,
		       size_t handler_size, uint64_t capacity, struct dsr_complaint *complaint)
{
	struct dsr_processor *p = &m->processors[i];
	char name[DSR_NAME_MAX + 16];
	struct dsr_handler h;
	int err, digits;

	if (copy_options(&h, sizeof(h), (const char *)w->handlers + i * handler_size,
			 handler_size) < 0)
		return dsr_complain(complaint, -E2BIG,
				    "workers %s: handler %u has fields that this library does not "
				    "know",
				    m->name, i);
	if (h.after)
		return dsr_complain(complaint, -EINVAL,
				    "workers %s: handler %u: after is the group's", m->name, i);
	/* As much of the group's name as the number leaves room for. */
	digits = snprintf(name, sizeof(name), "-%u", i);
	snprintf(name, sizeof(name), "%.*s-%u", DSR_NAME_MAX - digits, m->name, i);
	err = take_handler(p, &h, h.name ? h.name : name, capacity, complaint);
	if (err < 0)
		return err;
	err = strcmp(m->name, p->consumer.name);
	for (uint32_t k = 0; k < i && err; k++)
		err = strcmp(m->processors[k].consumer.name, p->consumer.name);
	if (!err)
		return dsr_complain(complaint, -EEXIST, "handler %s: the name is taken",
				    p->consumer.name);
	p->consumer.kind = DSR_KIND_WORKER;
	p->consumer.group = &m->group;
	if (!p->consumer.max_batch)
		p->consumer.max_batch = 1;
	return 0;
}

struct dsr_member *dsr_member_of_workers(const struct dsr_workers *workers, size_t size,
					 size_t handler_size, uint64_t capacity,
					 struct dsr_complaint *complaint)
{
	struct dsr_workers w;
	struct dsr_member *m;
	int err;

	if (!workers) {
		dsr_complain(complaint, -EINVAL, "workers: are NULL");
		return NULL;
	}
	if (copy_options(&w, sizeof(w), workers, size) < 0) {
		dsr_complain(complaint, -E2BIG,
			     "workers: have fields that this library does not know");
		return NULL;
	}
	if (check_workers(&w, complaint) < 0)
		return NULL;
	m = make(w.count, complaint, "workers");
	if (!m)
		return NULL;
	if (pthread_mutex_init(&m->group.lock, NULL)) {
		dsr_complain(complaint, -ENOMEM, "workers: no mutex");
		dsr_member_free(m);
		return NULL;
	}
	m->is_group = true;
	m->group.sharing = w.sharing;
	m->group.count = w.count;
	m->group.live = w.count;
	m->group.key = w.key;
	m->group.key_context = w.key_context;
	err = take_name(m->name, w.name, "workers", complaint);
	if (err == 0)
		err = take_after(m, w.after, complaint);
	for (uint32_t i = 0; i < w.count && err == 0; i++)
		err = take_worker(m, &w, i, handler_size, capacity, complaint);
	if (err < 0) {
		dsr_member_free(m);
		return NULL;
	}
	return m;
}

struct dsr_member *dsr_member_of_poller(const struct dsr_poller_options *options, size_t size,
					uint64_t capacity, struct dsr_complaint *complaint)
{
	struct dsr_poller_options o;
	struct dsr_member *m;
	struct dsr_consumer *c;
	int err;

	if (!options) {
		dsr_complain(complaint, -EINVAL, "poller: is NULL");
		return NULL;
	}
	if (copy_options(&o, sizeof(o), options, size) < 0) {
		dsr_complain(complaint, -E2BIG,
			     "poller: has fields that this library does not know");
		return NULL;
	}
	m = make(0, complaint, "poller");
	if (!m)
		return NULL;
	err = take_name(m->name, o.name, "poller", complaint);
	if (err == 0 && o.max_batch > capacity)
		err = dsr_complain(complaint, -EINVAL,
				   "poller %s: max_batch %u is over the capacity %" PRIu64, m->name,
				   o.max_batch, capacity);
	if (err == 0)
		err = take_after(m, o.after, complaint);
	if (err == 0) {
		m->poller = cleared(sizeof(*m->poller));
		if (!m->poller)
			err = dsr_complain(complaint, -ENOMEM, "poller %s: no memory", m->name);
	}
	if (err < 0) {
		dsr_member_free(m);
		return NULL;
	}
	c = &m->poller->consumer;
	strcpy(c->name, m->name);
	c->kind = DSR_KIND_POLLER;
	c->member = m;
	c->max_batch = o.max_batch ? o.max_batch : (uint32_t)capacity;
	return m;
}

void dsr_member_free(struct dsr_member *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < m->count; i++)
		dsr_consumer_free(&m->processors[i].consumer);
	if (m->poller)
		dsr_consumer_free(&m->poller->consumer);
	if (m->is_group)
		pthread_mutex_destroy(&m->group.lock);
	dsr_launch_fini(&m->launch);
	free(m->processors);
	free(m->poller);
	free(m->sequences);
	free(m->after);
	free(m->after_names);
	free(m);
}

struct dsr_consumer *dsr_member_consumer(const struct dsr_member *m, uint32_t i)
{
	return m->poller ? &m->poller->consumer : &m->processors[i].consumer;
}

uint32_t dsr_member_consumers(const struct dsr_member *m)
{
	return m->poller ? 1 : m->count;
}

bool dsr_member_has_name(const struct dsr_member *m, const char *name)
{
	if (strcmp(m->name, name) == 0)
		return true;
	for (uint32_t i = 0; i < dsr_member_consumers(m); i++)
		if (strcmp(dsr_member_consumer(m, i)->name, name) == 0)
			return true;
	return false;
}

static bool claims(const struct dsr_member *m)
{
	return m->is_group && m->group.sharing == DSR_SHARE_CLAIM;
}

uint32_t dsr_member_needs(const struct dsr_member *m)
{
	return dsr_member_consumers(m) + claims(m);
}

void dsr_member_put(struct dsr_member *m, struct dsr_ring *ring)
{
	while (m->sequence_count)
		dsr_sequences_put(&ring->pool, m->sequences[--m->sequence_count]);
	free(m->sequences);
	m->sequences = NULL;
}

int dsr_member_take(struct dsr_member *m, struct dsr_ring *ring, int64_t value)
{
	uint32_t needs = dsr_member_needs(m), i;

	m->sequences = cleared(needs * sizeof(*m->sequences));
	for (; m->sequences && m->sequence_count < needs; m->sequence_count++) {
		struct dsr_sequence *sequence = dsr_sequences_get(&ring->pool, value);

		if (!sequence)
			break;
		m->sequences[m->sequence_count] = sequence;
	}
	if (m->sequence_count < needs) {
		dsr_member_put(m, ring);
		return -ENOMEM;
	}
	if (claims(m))
		m->group.taken = m->sequences[0];
	for (i = 0; i < dsr_member_consumers(m); i++) {
		struct dsr_consumer *c = dsr_member_consumer(m, i);

		c->ring = ring;
		c->sequence = m->sequences[i + claims(m)];
	}
	return 0;
}

void dsr_member_place(struct dsr_member *m, int64_t start)
{
	m->start = start;
	/* A worker has nothing in hand, so what is taken has to be in place before it says so. */
	for (uint32_t i = 0; i < m->sequence_count; i++) {
		bool idle = claims(m) && i > 0;

		/* [CONSUME->RECLAIM] [CONSUME->FOLLOW] Nothing below is its business. */
		dsr_store_release(&m->sequences[i]->value, idle ? DSR_SEQUENCE_IDLE : start - 1);
	}
	for (uint32_t i = 0; i < dsr_member_consumers(m); i++)
		dsr_member_consumer(m, i)->start = start;
}

int64_t dsr_member_position(const struct dsr_member *m)
{
	int64_t position = DSR_SEQUENCE_ENDED;

	for (uint32_t i = 0; i < m->sequence_count; i++) {
		/*
		 * [RECLAIM<-CONSUME] [FOLLOW<-CONSUME] Done with the events up to there.
		 * [SHARE<-TAKE] And what is taken is read before who has it.
		 */
		int64_t value = dsr_load_acquire(&m->sequences[i]->value);

		if (value < position)
			position = value;
	}
	return position;
}
