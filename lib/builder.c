/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <disruptor/error.h>

#include "builder.h"

/* May the builder still be changed? 0, or what every call answers now. */
static int check(struct dsr_builder *b)
{
	if (!b)
		return -ENOMEM;
	if (b->complaint.error == 0 && b->made)
		return -EALREADY;
	return b->complaint.error;
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
	if (b && dsr_graph_init(&b->graph) < 0) {
		free(b);
		b = NULL;
	}
	if (!b)
		return NULL;
	b->many = many;
	b->capacity = capacity;
	b->event_size = event_size;
	b->alignment = sizeof(int64_t);
	b->on_error = dsr_error_stop;
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
	return b->complaint.error;
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

static bool is_place(int where)
{
	switch (where) {
	case DSR_CONSUMER_NODE:
	case DSR_ANYWHERE:
	case DSR_PRODUCER_NODE:
	case DSR_INTERLEAVED:
	case DSR_MIDDLE_NODE:
		return true;
	default:
		return where == DSR_NODE(dsr_pin_number(where)) && dsr_pin_valid(where);
	}
}

static bool is_strictness(enum dsr_strictness how)
{
	return how == DSR_PREFER || how == DSR_REQUIRE;
}

static int place(struct dsr_builder *b, struct dsr_place_wish *wish, const char *what, int where,
		 enum dsr_strictness how)
{
	int err = check(b);

	if (err < 0)
		return err;
	/* One after the other they would be no more than a page, mostly. */
	if (!is_place(where) || (where == DSR_INTERLEAVED && wish != &b->slots))
		return dsr_builder_fail(b, -EINVAL,
					"%s: %#x is neither DSR_NODE(n) nor a place's name", what,
					(unsigned int)where);
	if (!is_strictness(how))
		return dsr_builder_fail(b, -EINVAL, "%s: strictness %d is unknown", what, (int)how);
	*wish = (struct dsr_place_wish){.where = where, .how = how, .is_said = true};
	return 0;
}

int dsr_place_slots(struct dsr_builder *b, int where, enum dsr_strictness how)
{
	return b ? place(b, &b->slots, "slots", where, how) : -ENOMEM;
}

int dsr_place_sequences(struct dsr_builder *b, int where, enum dsr_strictness how)
{
	return b ? place(b, &b->sequences, "sequences", where, how) : -ENOMEM;
}

int dsr_place_producers(struct dsr_builder *b, int where, enum dsr_strictness how)
{
	return b ? place(b, &b->producers, "producers", where, how) : -ENOMEM;
}

int dsr_place_pages(struct dsr_builder *b, enum dsr_pages pages, enum dsr_strictness how)
{
	int err = check(b);

	if (err < 0)
		return err;
	if ((int)pages < DSR_PAGES_DEFAULT || pages > DSR_PAGES_1G)
		return dsr_builder_fail(b, -EINVAL, "pages %d are unknown", (int)pages);
	if (!is_strictness(how))
		return dsr_builder_fail(b, -EINVAL, "pages: strictness %d is unknown", (int)how);
	b->pages = pages;
	b->pages_how = how;
	return 0;
}

int dsr_place_locked(struct dsr_builder *b, enum dsr_strictness how)
{
	int err = check(b);

	if (err < 0)
		return err;
	if (!is_strictness(how))
		return dsr_builder_fail(b, -EINVAL, "lock: strictness %d is unknown", (int)how);
	b->locked = true;
	b->locked_how = how;
	return 0;
}

int dsr_producer_at(struct dsr_builder *b, int pin)
{
	int err = check(b);

	if (err < 0)
		return err;
	if (!dsr_pin_valid(pin) || dsr_pin_is_open(pin))
		return dsr_builder_fail(b, -EINVAL,
					"producer: pin %#x is neither DSR_CPU(n) nor DSR_NODE(n)",
					(unsigned int)pin);
	b->producer = pin;
	b->producer_told = true;
	return 0;
}

/* @m: NULL if it could not be made. */
static int add(struct dsr_builder *b, struct dsr_member *m)
{
	if (!m)
		return b->complaint.error;
	m->stage = b->stage;
	if (dsr_graph_add(&b->graph, m, &b->complaint) < 0) {
		dsr_member_free(m);
		return b->complaint.error;
	}
	b->stage_begun = true;
	b->numbered++;
	return 0;
}

int dsr_handle_events_sized(struct dsr_builder *b, const struct dsr_handler *handler, size_t size)
{
	int err = check(b);

	if (err < 0)
		return err;
	return add(b, dsr_member_of_handler(handler, size, b->capacity, (uint32_t)b->numbered,
					    &b->complaint));
}

int dsr_handle_with_workers_sized(struct dsr_builder *b, const struct dsr_workers *workers,
				  size_t size, size_t handler_size)
{
	int err = check(b);

	if (err < 0)
		return err;
	return add(b,
		   dsr_member_of_workers(workers, size, handler_size, b->capacity, &b->complaint));
}

int dsr_add_poller_sized(struct dsr_builder *b, const struct dsr_poller_options *options,
			 size_t size)
{
	int err = check(b);

	if (err < 0)
		return err;
	return add(b, dsr_member_of_poller(options, size, b->capacity, &b->complaint));
}

int dsr_then(struct dsr_builder *b)
{
	int err = check(b);

	if (err < 0)
		return err;
	if (!b->stage_begun)
		return dsr_builder_fail(b, -EINVAL,
					"then: nothing was added that could be followed");
	b->stage++;
	b->stage_begun = false;
	return 0;
}

int dsr_default_on_error(struct dsr_builder *b, dsr_error_fn on_error, void *state)
{
	int err = check(b);

	if (err < 0)
		return err;
	if (!on_error)
		return dsr_builder_fail(b, -EINVAL, "default on_error is NULL");
	b->on_error = on_error;
	b->error_state = state;
	return 0;
}

const char *dsr_builder_message(const struct dsr_builder *b)
{
	return b ? b->complaint.message : dsr_strerror(-ENOMEM);
}

int dsr_builder_resolve(struct dsr_builder *b, struct dsr_complaint *complaint)
{
	int err = check(b);

	if (err < 0)
		return err;
	if (!b->graph.members)
		return dsr_complain(complaint, -EINVAL, "no handler: nobody would see the events");
	return dsr_graph_resolve(&b->graph, complaint);
}

void dsr_builder_free(struct dsr_builder *b)
{
	dsr_graph_fini(&b->graph);
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
