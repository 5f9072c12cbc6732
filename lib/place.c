/* SPDX-License-Identifier: MIT */
/*
 * From a place's name to memory on a node: the threads are pinned, and what is to be
 * near them, or in the middle of them, can be settled.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include <disruptor/error.h>
#include <disruptor/topology.h>

#include "cpu.h"
#include "disruptor.h"
#include "node.h"
#include "place.h"
#include "topology.h"

static int choose(struct dsr_choice *choice, int node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int choose(struct dsr_choice *choice, int node, const char *format, ...)
{
	va_list arguments;

	choice->node = node;
	va_start(arguments, format);
	vsnprintf(choice->reason, sizeof(choice->reason), format, arguments);
	va_end(arguments);
	return node;
}

/* The node that a thread was pinned to, by its CPU or as such; -1: to none. */
static int node_of_processor(const struct dsr_processor *p)
{
	if (p->seat >= 0)
		return p->node;
	return dsr_pin_is_node(p->handler.pin) ? dsr_pin_number(p->handler.pin) : -1;
}

static int node_of_pin(int pin)
{
	if (dsr_pin_is_cpu(pin))
		return dsr_topology_node_of(dsr_pin_number(pin));
	return dsr_pin_is_node(pin) ? dsr_pin_number(pin) : -1;
}

/* The index-th of all members' threads; NULL: there are not so many. */
static const struct dsr_processor *processor_at(struct dsr_disruptor *d, uint32_t index)
{
	const struct dsr_member *m;

	for (m = d->builder->graph.members; m && index >= m->count; m = m->next)
		index -= m->count;
	return m ? &m->processors[index] : NULL;
}

/* Is a handler pinned to another node than this one? */
static const struct dsr_processor *find_elsewhere(struct dsr_disruptor *d, int node)
{
	const struct dsr_processor *p;

	for (uint32_t i = 0; (p = processor_at(d, i)); i++)
		if (node_of_processor(p) >= 0 && node_of_processor(p) != node)
			return p;
	return NULL;
}

static void choose_consumers(struct dsr_disruptor *d, struct dsr_choice *choice)
{
	const struct dsr_processor *p, *other;

	for (uint32_t i = 0; (p = processor_at(d, i)); i++)
		if (node_of_processor(p) >= 0)
			break;
	if (!p) {
		choose(choice, DSR_REGION_ANYWHERE, "no handler is pinned");
		return;
	}
	choose(choice, node_of_processor(p), "that of handler %s", p->consumer.name);
	other = find_elsewhere(d, choice->node);
	if (other)
		choose(choice, choice->node, "that of handler %s, the first; %s is on node %d",
		       p->consumer.name, other->consumer.name, node_of_processor(other));
}

/* The one node that the caller of dsr_start() keeps to; -1: there is none. */
static int node_of_caller(const struct dsr_cpus *cpus)
{
	int node = -1;

	for (int cpu = 0; cpu < DSR_CPUS_MAX; cpu++) {
		int here;

		if (!dsr_cpus_has(cpus, cpu))
			continue;
		here = dsr_topology_node_of(cpu);
		if (node >= 0 && here != node)
			return -1;
		node = here;
	}
	return node;
}

/* Where the program says that it is, or where we are; -1: nobody knows. */
static int node_of_producer(struct dsr_disruptor *d)
{
	const struct dsr_builder *b = d->builder;

	return b->producer_told ? node_of_pin(b->producer) : node_of_caller(&d->cpus);
}

static void choose_producers(struct dsr_disruptor *d, enum dsr_strictness how,
			     struct dsr_choice *choice)
{
	int node = node_of_producer(d);

	if (node >= 0)
		choose(choice, node, "the producer's");
	else if (how == DSR_PREFER && node_of_pin(d->producer) >= 0)
		choose(choice, node_of_pin(d->producer), "that of the CPU left for the producer");
	else
		choose(choice, DSR_REGION_ANYWHERE, "where the producer is, is not known");
}

/* Nobody tells: then near is 10 and far is 20, as most machines have it. */
static int distance(const struct dsr_topology *t, int from, int to)
{
	int told = dsr_topology_distance(t, from, to);

	if (told > 0)
		return told;
	return from == to ? 10 : 20;
}

/* From all that are pinned, and the producer, to the memory of @node; 0: nobody is. */
static long sum_of_distances(struct dsr_disruptor *d, const struct dsr_topology *t, int producer,
			     int node)
{
	const struct dsr_processor *p;
	long sum = producer >= 0 ? distance(t, producer, node) : 0;

	for (uint32_t i = 0; (p = processor_at(d, i)); i++)
		if (node_of_processor(p) >= 0)
			sum += distance(t, node_of_processor(p), node);
	return sum;
}

static int choose_middle(struct dsr_disruptor *d, struct dsr_choice *choice)
{
	struct dsr_topology *t;
	struct dsr_node_info info;
	int producer = node_of_producer(d);
	long sum, least = 0;
	int err = dsr_topology_read(NULL, &t);

	if (err < 0)
		return err;
	choose(choice, DSR_REGION_ANYWHERE, "no thread is pinned");
	for (uint32_t i = 0; dsr_topology_node(t, i, &info) == 0; i++) {
		sum = sum_of_distances(d, t, producer, info.id);
		if (sum && !info.is_allowed && !least)
			choose(choice, DSR_REGION_ANYWHERE, "no node's memory may be used");
		if (!sum || !info.is_allowed)
			continue;
		if (!least || sum < least) {
			least = sum;
			choose(choice, info.id,
			       "in the middle: the distances from all that are pinned make %ld",
			       sum);
		}
	}
	dsr_topology_free(t);
	return 0;
}

/* A place by name becomes a node, or none. */
static int resolve(struct dsr_disruptor *d, const struct dsr_place_wish *place,
		   struct dsr_choice *choice)
{
	switch (place->where) {
	case DSR_ANYWHERE:
		choose(choice, DSR_REGION_ANYWHERE, "as asked");
		return 0;
	case DSR_INTERLEAVED:
		choose(choice, DSR_REGION_INTERLEAVED, "as asked");
		return 0;
	case DSR_CONSUMER_NODE:
		choose_consumers(d, choice);
		return 0;
	case DSR_PRODUCER_NODE:
		choose_producers(d, place->how, choice);
		return 0;
	case DSR_MIDDLE_NODE:
		return choose_middle(d, choice);
	default:
		choose(choice, dsr_pin_number(place->where), "as asked");
		return 0;
	}
}

/* It has to be on a node, and there is none to be had. */
static int check_choice(struct dsr_disruptor *d, const struct dsr_place_wish *place,
			const struct dsr_choice *choice, const char *what)
{
	int err;

	if (place->how != DSR_REQUIRE || place->where == DSR_ANYWHERE ||
	    choice->node != DSR_REGION_ANYWHERE)
		return 0;
	err = dsr_node_support();
	return dsr_builder_fail(d->builder, err < 0 ? err : -EINVAL,
				"%s: a node is required, but %s", what, choice->reason);
}

static int take(struct dsr_disruptor *d, struct dsr_region *region, uint64_t bytes,
		const struct dsr_wish *wish, const char *name)
{
	const char *what;
	int err = dsr_region_take(region, bytes, wish, &what);

	if (err == 0)
		return 0;
	if (wish->node >= 0)
		return dsr_builder_fail(d->builder, err, "%s: %" PRIu64 " bytes %s, on node %d: %s",
					name, bytes, what, wish->node, dsr_strerror(err));
	return dsr_builder_fail(d->builder, err, "%s: %" PRIu64 " bytes %s: %s", name, bytes, what,
				dsr_strerror(err));
}

/* With the slots, if the program does not say otherwise. */
static int resolve_sequences(struct dsr_disruptor *d, struct dsr_choice *choice)
{
	const struct dsr_builder *b = d->builder;

	if (b->sequences.is_said)
		return resolve(d, &b->sequences, choice);
	*choice = d->choice;
	/* Page by page they would be on one node only, so on the best. */
	if (choice->node == DSR_REGION_INTERLEAVED)
		choose_consumers(d, choice);
	return 0;
}

static int take_slots(struct dsr_disruptor *d, uint64_t bytes)
{
	struct dsr_builder *b = d->builder;
	struct dsr_wish wish = {
		.node_how = b->slots.how,
		.pages = b->pages,
		.pages_how = b->pages_how,
		.locked = b->locked,
		.locked_how = b->locked_how,
	};
	int err = resolve(d, &b->slots, &d->choice);

	if (err < 0)
		return dsr_builder_fail(b, err, "slots: no memory to find their node");
	err = check_choice(d, &b->slots, &d->choice, "slots");
	if (err < 0)
		return err;
	wish.node = d->choice.node;
	return take(d, &d->slots, bytes, &wish, "slots");
}

static enum dsr_strictness how_of_sequences(const struct dsr_builder *b)
{
	if (b->sequences.is_said)
		return b->sequences.how;
	/* Nobody asked for the node that they are on then. */
	return b->slots.where == DSR_INTERLEAVED ? DSR_PREFER : b->slots.how;
}

static int take_head(struct dsr_disruptor *d, uint64_t bytes)
{
	struct dsr_builder *b = d->builder;
	struct dsr_wish wish = {
		.node_how = how_of_sequences(b),
		.locked = b->locked,
		.locked_how = b->locked_how,
	};
	struct dsr_choice choice;
	int err = resolve_sequences(d, &choice);

	if (err < 0)
		return dsr_builder_fail(b, err, "sequences: no memory to find their node");
	err = check_choice(d, &b->sequences, &choice, "sequences");
	if (err < 0)
		return err;
	wish.node = choice.node;
	return take(d, &d->head, bytes, &wish, "sequences");
}

/* Those to come are as the first, but not more than a preference: who comes must not fail. */
static int wish_for_lines(struct dsr_disruptor *d)
{
	struct dsr_builder *b = d->builder;
	struct dsr_choice choice = {.node = DSR_REGION_HERE};
	int err = b->producers.is_said ? resolve(d, &b->producers, &choice) : 0;

	if (err < 0)
		return dsr_builder_fail(b, err, "producers: no memory to find their node");
	/* Of a single producer it is known where it will be, even if we are elsewhere. */
	if (!b->producers.is_said && !b->many && b->producer_told && node_of_pin(b->producer) >= 0)
		choice.node = node_of_pin(b->producer);
	d->handle_wish = (struct dsr_wish){.node = choice.node, .node_how = b->producers.how};
	d->sequence_wish = (struct dsr_wish){.node = d->head.node, .locked = b->locked};
	return check_choice(d, &b->producers, &choice, "producers");
}

int dsr_place_take(struct dsr_disruptor *d, uint64_t slot_bytes, uint64_t head_bytes)
{
	int err = take_slots(d, slot_bytes);

	if (err < 0)
		return err;
	err = take_head(d, head_bytes);
	if (err == 0) {
		err = wish_for_lines(d);
		if (err == 0)
			return 0;
		dsr_region_release(&d->head);
	}
	dsr_region_release(&d->slots);
	return err;
}

void dsr_place_release(struct dsr_disruptor *d)
{
	dsr_region_release(&d->head);
	dsr_region_release(&d->slots);
}
