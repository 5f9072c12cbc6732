/* SPDX-License-Identifier: MIT */
/*
 * From builder to running threads and back.
 *
 * Starting goes up in steps, each of which can be taken back: threads first, as
 * only they can say on which node they run; then the memory, put on that node;
 * then the order to go on. A failure halts what runs, joins what was created
 * and frees what was taken, in the reverse order.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/atomic.h>

#include "cpu.h"
#include "disruptor.h"
#include "producer.h"
#include "seat.h"
#include "wait.h"

const char *dsr_version(void)
{
	return DSR_VERSION;
}

uint64_t dsr_capacity(const struct dsr_disruptor *d)
{
	return d ? d->builder->capacity : 0;
}

struct dsr_producer *dsr_producer(struct dsr_disruptor *d)
{
	return d ? dsr_handle_get(d->ring) : NULL;
}

/* What its threads have to have before they are created. */
static void equip(struct dsr_disruptor *d, struct dsr_member *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		struct dsr_processor *p = &m->processors[i];
		struct dsr_handler *h = &p->handler;

		p->launch = &m->launch;
		p->error_state = h->on_error ? h->state : d->builder->error_state;
		if (!h->on_error)
			h->on_error = d->builder->on_error;
	}
}

static int fail_thread(struct dsr_complaint *complaint, const struct dsr_processor *p, int err)
{
	const char *what = dsr_pin_is_cpu(p->handler.pin) ? "CPU" : "node";
	int number = dsr_pin_number(p->handler.pin);

	if (p->fifo_refused)
		return dsr_complain(complaint, err, "handler %s: SCHED_FIFO with priority %u: %s",
				    p->consumer.name, p->handler.fifo, dsr_strerror(err));
	if (p->handler.pin == DSR_UNPINNED || err == -ENOMEM)
		return dsr_complain(complaint, err, "handler %s: %s", p->consumer.name,
				    dsr_strerror(err));
	if (err == -ENODEV)
		return dsr_complain(complaint, err, "handler %s: there is no %s %d",
				    p->consumer.name, what, number);
	return dsr_complain(complaint, err, "handler %s: pinning to %s %d: %s", p->consumer.name,
			    what, number, dsr_strerror(err));
}

static void join_threads(struct dsr_member *m)
{
	for (uint32_t i = 0; i < m->created; i++)
		pthread_join(m->processors[i].thread, NULL);
	m->created = 0;
}

static void send_home(struct dsr_member *m)
{
	dsr_launch_order(&m->launch, DSR_ORDER_GO_HOME);
	join_threads(m);
}

/* Creates its threads and has them pin themselves. The caller sends them home on failure. */
static int launch_member(struct dsr_member *m, struct dsr_complaint *complaint)
{
	int err = m->poller ? dsr_consumer_prepare(&m->poller->consumer, DSR_REGION_ANYWHERE) : 0;

	if (err < 0)
		return dsr_complain(complaint, err, "poller %s: no memory", m->name);
	for (; m->created < m->count; m->created++) {
		err = dsr_processor_create(&m->processors[m->created]);
		if (err < 0)
			return dsr_complain(complaint, err, "handler %s: no thread: %s",
					    m->processors[m->created].consumer.name,
					    dsr_strerror(err));
	}
	err = dsr_launch_await_pinned(&m->launch, m->created);
	return err < 0 ? fail_thread(complaint, &m->processors[m->launch.culprit], err) : 0;
}

static int await_prepared(struct dsr_member *m, struct dsr_complaint *complaint)
{
	int err = dsr_launch_await_prepared(&m->launch, m->count);

	if (err < 0)
		dsr_complain(complaint, err, "handler %s: its on_start failed: %s",
			     m->processors[m->launch.culprit].consumer.name, dsr_strerror(err));
	return err;
}

static void order_all(struct dsr_graph *graph, enum dsr_order order)
{
	struct dsr_member *m;

	for (m = graph->members; m; m = m->next)
		dsr_launch_order(&m->launch, order);
}

static void send_all_home(struct dsr_graph *graph)
{
	struct dsr_member *m;

	order_all(graph, DSR_ORDER_GO_HOME);
	for (m = graph->members; m; m = m->next)
		join_threads(m);
}

/* Creates and pins all threads. On failure none is left. */
static int launch_threads(struct dsr_disruptor *d)
{
	struct dsr_graph *graph = &d->builder->graph;
	struct dsr_member *m;
	int err = 0;

	for (m = graph->members; m && err == 0; m = m->next) {
		equip(d, m);
		err = launch_member(m, &d->builder->complaint);
	}
	if (err < 0)
		send_all_home(graph);
	return err;
}

static uint32_t count_sequences(const struct dsr_builder *b)
{
	const struct dsr_member *m;
	uint32_t count = 0;

	for (m = b->graph.members; m; m = m->next)
		count += dsr_member_needs(m);
	return count;
}

static int lay_out_ring(struct dsr_disruptor *d, uint64_t stride)
{
	struct dsr_builder *b = d->builder;
	struct dsr_ring *ring = d->head.memory.base;
	struct dsr_sequence *sequences = (void *)(ring + 1);
	int err = dsr_ring_init(ring, b->many, b->capacity, b->first);

	if (err < 0)
		return dsr_builder_fail(b, err, "no mutex for the ring");
	ring->slots.base = d->slots.memory.base;
	ring->slots.stride = stride;
	ring->waits_yield = d->waits_yield;
	ring->pool.wish = d->sequence_wish;
	ring->handle_wish = d->handle_wish;
	dsr_ring_clear(ring);
	err = dsr_sequences_add(&ring->pool, sequences, count_sequences(b));
	if (err == 0)
		err = dsr_graph_open(&b->graph, ring);
	if (err < 0) {
		dsr_ring_fini(ring);
		return dsr_builder_fail(b, err, "no memory for the graph");
	}
	d->ring = ring;
	return 0;
}

/* The ring and the consumers' sequences. */
static uint64_t head_bytes(const struct dsr_builder *b)
{
	return sizeof(struct dsr_ring) + count_sequences(b) * sizeof(struct dsr_sequence);
}

static int take_memory(struct dsr_disruptor *d)
{
	struct dsr_builder *b = d->builder;
	uint64_t stride = dsr_ring_stride(b->event_size, b->alignment);
	int err = dsr_place_take(d, stride * b->capacity, head_bytes(b));

	if (err < 0)
		return err;
	err = lay_out_ring(d, stride);
	if (err < 0)
		dsr_place_release(d);
	return err;
}

static int prepare_events(struct dsr_disruptor *d)
{
	struct dsr_builder *b = d->builder;
	int err;

	for (; b->init && d->prepared < b->capacity; d->prepared++) {
		err = b->init(dsr_slots_event(&d->ring->slots, (int64_t)d->prepared), d->prepared,
			      b->context);
		if (err < 0)
			return dsr_builder_fail(b, err, "event %llu: its init failed: %s",
						(unsigned long long)d->prepared, dsr_strerror(err));
	}
	d->prepared = b->capacity;
	return 0;
}

static void free_memory(struct dsr_disruptor *d)
{
	struct dsr_builder *b = d->builder;
	uint64_t i;

	for (i = 0; b->fini && i < d->prepared; i++)
		b->fini(dsr_slots_event(&d->ring->slots, (int64_t)i), i, b->context);
	dsr_handles_free(d->ring);
	dsr_graph_close(&b->graph);
	dsr_ring_fini(d->ring);
	dsr_place_release(d);
}

/* All are waited for, whoever has failed before. */
static int prepare_all(struct dsr_builder *b)
{
	struct dsr_member *m;
	int err = 0;

	order_all(&b->graph, DSR_ORDER_PREPARE);
	for (m = b->graph.members; m; m = m->next) {
		int other = await_prepared(m, &b->complaint);

		if (err == 0)
			err = other;
	}
	return err;
}

/* From pinned threads to running ones, or to none. */
static int fill_and_go(struct dsr_disruptor *d)
{
	struct dsr_builder *b = d->builder;
	int err = take_memory(d);

	if (err < 0) {
		send_all_home(&b->graph);
		return err;
	}
	err = prepare_events(d);
	if (err == 0)
		err = prepare_all(b);
	if (err == 0) {
		order_all(&b->graph, DSR_ORDER_RUN);
		return 0;
	}
	send_all_home(&b->graph);
	free_memory(d);
	return err;
}

static int start(struct dsr_disruptor *d)
{
	int err = -pthread_mutex_init(&d->ending, NULL);

	if (err < 0)
		return dsr_builder_fail(d->builder, err, "no mutex");
	err = dsr_seats_take(d);
	if (err < 0)
		dsr_builder_fail(d->builder, err, "no memory for the plan");
	else
		err = launch_threads(d);
	if (err == 0) {
		dsr_seats_settle(d);
		err = fill_and_go(d);
	}
	if (err < 0)
		pthread_mutex_destroy(&d->ending);
	return err;
}

static int make(struct dsr_builder *b, struct dsr_disruptor **out)
{
	struct dsr_disruptor *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return dsr_builder_fail(b, -ENOMEM, "no memory");
	d->builder = b;
	err = start(d);
	if (err < 0) {
		free(d);
		return err;
	}
	b->made = d;
	*out = d;
	return 0;
}

int dsr_start(struct dsr_builder *b, struct dsr_disruptor **out)
{
	int saved = errno;
	int err;

	if (!out)
		return -EINVAL;
	*out = NULL;
	err = dsr_builder_resolve(b, b ? &b->complaint : NULL);
	if (err == 0)
		err = make(b, out);
	/* What the C library tells by it is in the return value. */
	errno = saved;
	return err;
}

static bool is_joined(struct dsr_disruptor *d)
{
	bool joined;

	pthread_mutex_lock(&d->ending);
	joined = d->joined;
	pthread_mutex_unlock(&d->ending);
	return joined;
}

int dsr_close(struct dsr_disruptor *d)
{
	if (!d)
		return -EINVAL;
	if (is_joined(d))
		return -EALREADY;
	dsr_ring_close(d->ring);
	return 0;
}

int dsr_halt(struct dsr_disruptor *d)
{
	if (!d)
		return -EINVAL;
	if (is_joined(d))
		return -EALREADY;
	dsr_ring_halt(d->ring);
	return 0;
}

/* Its threads, and only once: several may come to it, to shut down or to detach it. */
static int await_member(struct dsr_disruptor *d, struct dsr_member *m, int64_t deadline)
{
	int err = dsr_launch_await_ended(&m->launch, m->count, deadline);

	if (err < 0)
		return err;
	pthread_mutex_lock(&d->ending);
	join_threads(m);
	pthread_mutex_lock(&d->builder->graph.lock);
	m->is_joined = true;
	pthread_mutex_unlock(&d->builder->graph.lock);
	pthread_mutex_unlock(&d->ending);
	return 0;
}

static bool has_threads(const struct dsr_member *m)
{
	return m->count && !m->is_joined;
}

int dsr_shutdown(struct dsr_disruptor *d, int64_t timeout)
{
	struct dsr_graph *graph;
	struct dsr_member *m;
	int64_t deadline;
	int err = 0;

	if (!d)
		return -EINVAL;
	if (dsr_ring_inside(d->ring))
		return -EDEADLK;
	if (is_joined(d))
		return -EALREADY;
	graph = &d->builder->graph;
	deadline = dsr_deadline(timeout);
	dsr_ring_close(d->ring);
	while (err == 0 && (m = dsr_graph_first(graph, has_threads))) {
		err = await_member(d, m, deadline);
		dsr_graph_unref(graph, m);
	}
	if (err < 0)
		return err;
	pthread_mutex_lock(&d->ending);
	err = d->joined ? -EALREADY : 0;
	d->joined = true;
	pthread_mutex_unlock(&d->ending);
	return err;
}

int dsr_destroy(struct dsr_disruptor *d)
{
	if (!d)
		return 0;
	if (!is_joined(d))
		return -EBUSY;
	free_memory(d);
	pthread_mutex_destroy(&d->ending);
	dsr_builder_free(d->builder);
	free(d);
	return 0;
}

struct dsr_poller *dsr_poller_find(struct dsr_disruptor *d, const char *name)
{
	struct dsr_poller *poller = NULL;
	struct dsr_member *m;

	if (!d || !name)
		return NULL;
	m = dsr_graph_find(&d->builder->graph, name);
	if (m) {
		poller = m->poller;
		dsr_graph_unref(&d->builder->graph, m);
	}
	return poller;
}

/* Why the thread's last dsr_attach_*() failed. */
static __thread struct dsr_complaint refusal;

const char *dsr_attach_message(void)
{
	return refusal.message;
}

/* Its threads prepare themselves, it gets its place, and its threads run; or there are none. */
static int64_t attach(struct dsr_disruptor *d, struct dsr_member *m, int64_t from,
		      struct dsr_poller **poller)
{
	struct dsr_graph *graph = &d->builder->graph;
	int64_t start = dsr_graph_check(graph, m, &refusal);

	if (start == 0)
		start = dsr_seats_take_comer(d, m);
	if (start < 0)
		return start;
	equip(d, m);
	for (uint32_t i = 0; i < m->count; i++) {
		m->processors[i].consumer.ring = d->ring;
		/* Not those of the caller, which may be a handler that is pinned. */
		m->processors[i].home = &d->cpus;
	}
	start = launch_member(m, &refusal);
	if (start == 0) {
		dsr_seats_settle_comer(d, m);
		dsr_launch_order(&m->launch, DSR_ORDER_PREPARE);
		start = await_prepared(m, &refusal);
	}
	if (start == 0)
		start = dsr_graph_join(graph, m, from, &refusal);
	else
		dsr_graph_forget(graph, m);
	if (start < 0) {
		send_home(m);
		return start;
	}
	dsr_launch_order(&m->launch, DSR_ORDER_RUN);
	if (m->poller)
		*poller = m->poller;
	dsr_graph_unref(graph, m);
	return start;
}

static int64_t attach_or_free(struct dsr_disruptor *d, struct dsr_member *m, int64_t from,
			      struct dsr_poller **poller)
{
	int saved = errno;
	int64_t start;

	/* The complaint is about why there is none. */
	if (!m)
		return refusal.error;
	/* Relaxed: joining the graph looks again. */
	start = dsr_load_relaxed(&d->ring->closed) ? -ECANCELED : attach(d, m, from, poller);
	if (start < 0) {
		/* What has more to tell has done so. */
		dsr_complain(&refusal, (int)start, "%s: %s", m->name, dsr_strerror((int)start));
		dsr_member_free(m);
	}
	errno = saved;
	return start;
}

/* Before anything else, as this is where the last refusal is forgotten. */
static int check_place(const struct dsr_disruptor *d, int64_t from)
{
	refusal = (struct dsr_complaint){0};
	if (!d)
		return dsr_complain(&refusal, -EINVAL, "the disruptor is NULL");
	if (from >= 0 || from == DSR_FROM_NOW || from == DSR_FROM_OLDEST)
		return 0;
	return dsr_complain(&refusal, -EINVAL,
			    "%" PRId64 " is no sequence, nor DSR_FROM_NOW or DSR_FROM_OLDEST",
			    from);
}

int64_t dsr_attach_handler_sized(struct dsr_disruptor *d, const struct dsr_handler *handler,
				 int64_t from, size_t size)
{
	int err = check_place(d, from);
	int64_t number;

	if (err < 0)
		return err;
	/* Relaxed: a number nobody else has. */
	number = dsr_fetch_add(&d->builder->numbered, 1);
	return attach_or_free(d,
			      dsr_member_of_handler(handler, size, d->builder->capacity,
						    (uint32_t)number, &refusal),
			      from, NULL);
}

int64_t dsr_attach_workers_sized(struct dsr_disruptor *d, const struct dsr_workers *workers,
				 int64_t from, size_t size, size_t handler_size)
{
	int err = check_place(d, from);

	if (err < 0)
		return err;
	return attach_or_free(d,
			      dsr_member_of_workers(workers, size, handler_size,
						    d->builder->capacity, &refusal),
			      from, NULL);
}

int64_t dsr_attach_poller_sized(struct dsr_disruptor *d, const struct dsr_poller_options *options,
				int64_t from, struct dsr_poller **poller, size_t size)
{
	int err = check_place(d, from);

	if (!poller)
		return dsr_complain(&refusal, -EINVAL, "poller: nowhere to leave it");
	*poller = NULL;
	if (err < 0)
		return err;
	return attach_or_free(d,
			      dsr_member_of_poller(options, size, d->builder->capacity, &refusal),
			      from, poller);
}

static int detach_threads(struct dsr_disruptor *d, struct dsr_member *m, int64_t timeout)
{
	if (dsr_processor_inside() == m)
		return -EDEADLK;
	for (uint32_t i = 0; i < m->count; i++)
		/* [HALT->NOTICE] What the caller did before is seen by on_stop(). */
		dsr_store_release(&m->processors[i].consumer.stop, 1);
	dsr_ring_wake(d->ring);
	return await_member(d, m, dsr_deadline(timeout));
}

int dsr_detach(struct dsr_disruptor *d, const char *name, int64_t timeout)
{
	struct dsr_graph *graph;
	struct dsr_member *m;
	int err = 0;

	if (!d || !name)
		return -EINVAL;
	graph = &d->builder->graph;
	m = dsr_graph_find(graph, name);
	if (!m)
		return -ENOENT;
	if (m->poller) {
		dsr_poller_end(m->poller);
		dsr_graph_leave(graph, m);
	} else {
		err = detach_threads(d, m, timeout);
	}
	if (err < 0)
		dsr_graph_unref(graph, m);
	else
		dsr_graph_remove(graph, m);
	return err;
}
