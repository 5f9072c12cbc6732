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
#include <stdlib.h>
#include <string.h>

#include <disruptor/atomic.h>

#include "cpu.h"
#include "disruptor.h"
#include "node.h"
#include "producer.h"
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

/* The defaults of what the builder left open, now that the machine is known. */
static void settle_handlers(struct dsr_disruptor *d)
{
	struct dsr_builder *b = d->builder;
	uint32_t i;

	d->waits_yield = dsr_cpu_allowed(0) == 1;
	for (i = 0; i < b->count; i++) {
		struct dsr_handler *h = &b->processors[i].handler;

		if (!h->max_batch)
			h->max_batch = (uint32_t)b->capacity;
		if (h->wait == DSR_WAIT_DEFAULT)
			h->wait = h->pin != DSR_UNPINNED && dsr_pin_is_cpu(h->pin) ? DSR_WAIT_PAUSE
										   : DSR_WAIT_SLEEP;
		if (d->waits_yield)
			h->wait = dsr_wait_on_one_cpu(h->wait);
	}
}

static int fail_thread(struct dsr_builder *b, const struct dsr_processor *c, int err)
{
	const char *what = dsr_pin_is_cpu(c->handler.pin) ? "CPU" : "node";
	int number = dsr_pin_number(c->handler.pin);

	if (err == -ENODEV)
		return dsr_builder_fail(b, err, "handler %s: there is no %s %d", c->name, what,
					number);
	return dsr_builder_fail(b, err, "handler %s: pinning to %s %d: %s", c->name, what, number,
				dsr_strerror(err));
}

/* Creates and pins all threads. On failure none is left. */
static int launch_threads(struct dsr_disruptor *d)
{
	struct dsr_builder *b = d->builder;
	uint32_t created;
	int err = 0;

	for (created = 0; created < b->count; created++) {
		b->processors[created].launch = &d->launch;
		err = dsr_processor_create(&b->processors[created]);
		if (err < 0) {
			dsr_builder_fail(b, err, "handler %s: no thread: %s",
					 b->processors[created].name, dsr_strerror(err));
			break;
		}
	}
	if (err == 0) {
		err = dsr_launch_await_pinned(&d->launch, created);
		if (err == 0)
			return 0;
		fail_thread(b, &b->processors[d->launch.culprit], err);
	}
	dsr_launch_order(&d->launch, false);
	while (created--)
		pthread_join(b->processors[created].thread, NULL);
	return err;
}

/* Where the slots are to be; -1: anywhere. */
static int wanted_node(const struct dsr_builder *b)
{
	uint32_t i;

	if (b->where == DSR_ANYWHERE)
		return -1;
	if (b->where != DSR_CONSUMER_NODE)
		return dsr_pin_number(b->where);
	for (i = 0; i < b->count; i++) {
		const struct dsr_processor *c = &b->processors[i];

		if (c->handler.pin == DSR_UNPINNED)
			continue;
		return dsr_pin_is_cpu(c->handler.pin) ? c->node : dsr_pin_number(c->handler.pin);
	}
	return -1;
}

/* The header of the memory: the ring, the consumers' sequences, then whole pages of slots. */
static uint64_t header_bytes(const struct dsr_builder *b)
{
	uint64_t bytes = sizeof(struct dsr_ring) + b->count * sizeof(struct dsr_sequence);
	uint64_t page = dsr_page_size();

	return (bytes + page - 1) / page * page;
}

static int lay_out_ring(struct dsr_disruptor *d, uint64_t stride)
{
	struct dsr_builder *b = d->builder;
	struct dsr_ring *ring = d->memory.base;
	struct dsr_sequence *sequences = (void *)(ring + 1);
	int err = dsr_ring_init(ring, b->many, b->capacity, b->first);
	uint32_t i;

	if (err < 0)
		return dsr_builder_fail(b, err, "no mutex for the ring");
	ring->slots.base = (char *)d->memory.base + header_bytes(b);
	ring->slots.stride = stride;
	ring->one_cpu = d->waits_yield;
	ring->gate.sequences = sequences;
	ring->gate.count = b->count;
	dsr_ring_clear(ring);
	for (i = 0; i < b->count; i++) {
		sequences[i].value = b->first - 1;
		b->processors[i].ring = ring;
		b->processors[i].sequence = &sequences[i];
	}
	d->ring = ring;
	return 0;
}

static int take_memory(struct dsr_disruptor *d)
{
	struct dsr_builder *b = d->builder;
	uint64_t stride = dsr_ring_stride(b->event_size, b->alignment);
	int node = wanted_node(b);
	int err;

	if (node < 0 && b->how == DSR_REQUIRE && b->where == DSR_CONSUMER_NODE) {
		/* Pinned, and still no node known: there is none to be had. */
		err = dsr_node_support();
		return dsr_builder_fail(b, err < 0 ? err : -EINVAL,
					"slots: the consumer's node is required, and no handler is "
					"pinned to one");
	}
	err = dsr_placement_take(&d->memory, header_bytes(b) + stride * b->capacity, node, b->how,
				 &d->placed);
	if (err < 0)
		return dsr_builder_fail(b, err, "slots: %llu bytes on node %d: %s",
					(unsigned long long)(stride * b->capacity), node,
					dsr_strerror(err));
	err = lay_out_ring(d, stride);
	if (err < 0)
		dsr_memory_unmap(&d->memory);
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
	dsr_ring_fini(d->ring);
	dsr_memory_unmap(&d->memory);
}

static void join_threads(struct dsr_disruptor *d)
{
	uint32_t i;

	for (i = 0; i < d->builder->count; i++)
		pthread_join(d->builder->processors[i].thread, NULL);
}

/* From pinned threads to running ones, or to none. */
static int fill_and_go(struct dsr_disruptor *d)
{
	struct dsr_builder *b = d->builder;
	int err = take_memory(d);

	if (err == 0) {
		err = prepare_events(d);
		if (err < 0)
			free_memory(d);
	}
	dsr_launch_order(&d->launch, err == 0);
	if (err < 0) {
		join_threads(d);
		return err;
	}
	err = dsr_launch_await_running(&d->launch, b->count);
	if (err < 0) {
		dsr_builder_fail(b, err, "handler %s: its on_start failed: %s",
				 b->processors[d->launch.culprit].name, dsr_strerror(err));
		dsr_ring_halt(d->ring);
		join_threads(d);
		free_memory(d);
	}
	return err;
}

static int start(struct dsr_disruptor *d)
{
	int err = -pthread_mutex_init(&d->ending, NULL);

	if (err < 0)
		return dsr_builder_fail(d->builder, err, "no mutex");
	err = dsr_launch_init(&d->launch);
	if (err < 0) {
		pthread_mutex_destroy(&d->ending);
		return dsr_builder_fail(d->builder, err, "no mutex");
	}
	settle_handlers(d);
	err = launch_threads(d);
	if (err == 0)
		err = fill_and_go(d);
	if (err < 0) {
		dsr_launch_fini(&d->launch);
		pthread_mutex_destroy(&d->ending);
	}
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
	if (!b)
		return -ENOMEM;
	if (b->error < 0)
		return b->error;
	if (b->made)
		return -EALREADY;
	if (!b->count)
		return dsr_builder_fail(b, -EINVAL, "no handler: nobody would see the events");
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

int dsr_halt(struct dsr_disruptor *d)
{
	if (!d)
		return -EINVAL;
	if (is_joined(d))
		return -EALREADY;
	dsr_ring_halt(d->ring);
	return 0;
}

int dsr_shutdown(struct dsr_disruptor *d, int64_t timeout)
{
	int err;

	if (!d)
		return -EINVAL;
	if (dsr_ring_inside(d->ring))
		return -EDEADLK;
	if (is_joined(d))
		return -EALREADY;
	dsr_ring_close(d->ring);
	err = dsr_launch_await_ended(&d->launch, d->builder->count, dsr_deadline(timeout));
	if (err < 0)
		return err;
	pthread_mutex_lock(&d->ending);
	if (d->joined)
		err = -EALREADY;
	else
		join_threads(d);
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
	dsr_launch_fini(&d->launch);
	pthread_mutex_destroy(&d->ending);
	dsr_builder_free(d->builder);
	free(d);
	return 0;
}
