/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/error.h>

#include "builder.h"
#include "wait.h"

int dsr_builder_fail(struct dsr_builder *b, int error, const char *format, ...)
{
	va_list arguments;

	if (b->error == 0) {
		b->error = error;
		va_start(arguments, format);
		vsnprintf(b->message, sizeof(b->message), format, arguments);
		va_end(arguments);
	}
	return b->error;
}

/* May the builder still be changed? 0, or what every call answers now. */
static int check(struct dsr_builder *b)
{
	if (!b)
		return -ENOMEM;
	if (b->error == 0 && b->made)
		return -EALREADY;
	return b->error;
}

static void check_ring(struct dsr_builder *b)
{
	uint64_t stride;

	if (b->capacity == 0 || b->capacity & (b->capacity - 1)) {
		dsr_builder_fail(b, -EINVAL, "capacity %" PRIu64 " is not a power of two",
				 b->capacity);
		return;
	}
	if (b->capacity > DSR_CAPACITY_MAX) {
		dsr_builder_fail(b, -EOVERFLOW, "capacity %" PRIu64 " is over %" PRIu64,
				 b->capacity, DSR_CAPACITY_MAX);
		return;
	}
	if (b->event_size == 0) {
		dsr_builder_fail(b, -EINVAL, "event size is 0");
		return;
	}
	stride = dsr_ring_stride(b->event_size, b->alignment);
	if (stride == 0 || stride > (UINT64_C(1) << 47) / b->capacity)
		dsr_builder_fail(b, -EOVERFLOW,
				 "%" PRIu64 " events of %" PRIu64 " bytes cannot be addressed",
				 b->capacity, b->event_size);
}

struct dsr_builder *dsr_builder_create(int abi, bool many, uint64_t capacity, size_t event_size)
{
	int saved = errno;
	struct dsr_builder *b = calloc(1, sizeof(*b));

	errno = saved;
	if (!b)
		return NULL;
	b->many = many;
	b->capacity = capacity;
	b->event_size = event_size;
	b->alignment = sizeof(int64_t);
	if (abi != DSR_ABI)
		dsr_builder_fail(b, -ENOEXEC, "headers of generation %d, library of generation %d",
				 abi, DSR_ABI);
	check_ring(b);
	return b;
}

int dsr_event_alignment(struct dsr_builder *b, size_t alignment)
{
	int err = check(b);

	if (err < 0)
		return err;
	if (alignment == 0 || alignment & (alignment - 1) || alignment > DSR_ALIGNMENT_MAX)
		return dsr_builder_fail(b, -EINVAL, "alignment %zu is not a power of two up to %d",
					alignment, DSR_ALIGNMENT_MAX);
	b->alignment = alignment;
	check_ring(b);
	return b->error;
}

int dsr_event_lifecycle(struct dsr_builder *b,
			int (*init)(void *event, uint64_t index, void *context),
			void (*fini)(void *event, uint64_t index, void *context), void *context)
{
	int err = check(b);

	if (err < 0)
		return err;
	b->init = init;
	b->fini = fini;
	b->context = context;
	return 0;
}

int dsr_first_sequence(struct dsr_builder *b, int64_t first)
{
	int err = check(b);

	if (err < 0)
		return err;
	if (first < 0 || first > DSR_SEQUENCE_MAX)
		return dsr_builder_fail(b, -EINVAL,
					"first sequence %" PRId64 " is not from 0 to %" PRId64,
					first, DSR_SEQUENCE_MAX);
	b->first = first;
	return 0;
}

int dsr_place_slots(struct dsr_builder *b, int where, enum dsr_strictness how)
{
	bool is_node = dsr_pin_valid(where) && where != DSR_UNPINNED && !dsr_pin_is_cpu(where);
	int err = check(b);

	if (err < 0)
		return err;
	if (where != DSR_CONSUMER_NODE && where != DSR_ANYWHERE && !is_node)
		return dsr_builder_fail(b, -EINVAL,
					"slots: %#x is neither DSR_NODE(n) nor a place's name",
					(unsigned int)where);
	if (how != DSR_PREFER && how != DSR_REQUIRE)
		return dsr_builder_fail(b, -EINVAL, "slots: strictness %d is unknown", (int)how);
	b->where = where;
	b->how = how;
	return 0;
}

static int check_handler(struct dsr_builder *b, const struct dsr_handler *h, const char *name)
{
	if (!h->on_event == !h->on_batch)
		return dsr_builder_fail(b, -EINVAL,
					"handler %s: wants one of on_event and on_batch", name);
	if (!dsr_pin_valid(h->pin))
		return dsr_builder_fail(b, -EINVAL,
					"handler %s: pin %#x is neither DSR_CPU(n) nor DSR_NODE(n)",
					name, (unsigned int)h->pin);
	if (!dsr_wait_valid(h->wait))
		return dsr_builder_fail(b, -EINVAL, "handler %s: wait strategy %d is unknown", name,
					(int)h->wait);
	if (h->max_batch > b->capacity)
		return dsr_builder_fail(b, -EINVAL,
					"handler %s: max_batch %u is over the capacity %" PRIu64,
					name, h->max_batch, b->capacity);
	for (uint32_t i = 0; i < b->count; i++)
		if (strcmp(b->processors[i].name, name) == 0)
			return dsr_builder_fail(b, -EEXIST, "handler %s: the name is taken", name);
	return 0;
}

/* The caller's struct may be older or newer than ours, as long as we know all that is set. */
static int copy_handler(struct dsr_handler *to, const void *from, size_t size)
{
	const char *tail = from;

	for (size_t i = sizeof(*to); i < size; i++)
		if (tail[i])
			return -E2BIG;
	memset(to, 0, sizeof(*to));
	memcpy(to, from, size < sizeof(*to) ? size : sizeof(*to));
	return 0;
}

int dsr_handle_events_sized(struct dsr_builder *b, const struct dsr_handler *handler, size_t size)
{
	struct dsr_processor *grown, *c;
	char name[sizeof(c->name)];
	struct dsr_handler h;
	int err = check(b), saved = errno;

	if (err < 0)
		return err;
	if (!handler)
		return dsr_builder_fail(b, -EINVAL, "handler %u: is NULL", b->count);
	if (copy_handler(&h, handler, size) < 0)
		return dsr_builder_fail(b, -E2BIG,
					"handler %u: has fields that this library does not know",
					b->count);
	if (h.name && strlen(h.name) > DSR_NAME_MAX)
		return dsr_builder_fail(b, -ENAMETOOLONG,
					"handler %.40s: name of more than %d bytes", h.name,
					DSR_NAME_MAX);
	if (h.name)
		strcpy(name, h.name);
	else
		snprintf(name, sizeof(name), "processor-%u", b->count % 10000);
	err = check_handler(b, &h, name);
	if (err < 0)
		return err;
	grown = realloc(b->processors, (b->count + 1) * sizeof(*grown));
	errno = saved;
	if (!grown)
		return dsr_builder_fail(b, -ENOMEM, "handler %s: no memory", name);
	b->processors = grown;
	c = &grown[b->count];
	memset(c, 0, sizeof(*c));
	c->handler = h;
	strcpy(c->name, name);
	c->handler.name = NULL;
	c->index = b->count++;
	return 0;
}

const char *dsr_builder_message(const struct dsr_builder *b)
{
	return b ? b->message : dsr_strerror(-ENOMEM);
}

void dsr_builder_free(struct dsr_builder *b)
{
	free(b->processors);
	free(b);
}

int dsr_builder_destroy(struct dsr_builder *b)
{
	if (!b)
		return 0;
	if (b->made)
		return -EBUSY;
	dsr_builder_free(b);
	return 0;
}
