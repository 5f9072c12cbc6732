/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "placing.h"

static int slots_at(const struct placing *p)
{
	switch (p->place) {
	case PLACE_CONSUMER:
		return DSR_CONSUMER_NODE;
	case PLACE_PRODUCER:
		return DSR_PRODUCER_NODE;
	case PLACE_INTERLEAVED:
		return DSR_INTERLEAVED;
	default:
		return DSR_NODE(p->node);
	}
}

void placing_ask(const struct placing *p, struct dsr_builder *b, int producer_cpu)
{
	/* Preferred, not required: a ring that lies elsewhere can tell how much of it does. */
	dsr_place_slots(b, slots_at(p), DSR_PREFER);
	dsr_place_sequences(b, DSR_CONSUMER_NODE, DSR_PREFER);
	dsr_place_producers(b, DSR_PRODUCER_NODE, DSR_PREFER);
	dsr_place_pages(b, p->pages, DSR_PREFER);
	dsr_producer_at(b, DSR_CPU(producer_cpu));
}

static int __attribute__((format(printf, 2, 3))) refuse(struct placing *p, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(p->reason, sizeof(p->reason), format, arguments);
	va_end(arguments);
	return -EXDEV;
}

/* The node that all slots are to be on; -1: in turn on all. */
static int node_wanted(const struct placing *p, uint32_t producer)
{
	switch (p->place) {
	case PLACE_CONSUMER:
		return p->nodes[!producer];
	case PLACE_PRODUCER:
		return p->nodes[producer];
	case PLACE_INTERLEAVED:
		return -1;
	default:
		return p->node;
	}
}

static int check_nodes(struct placing *p, const struct dsr_placement *now, uint32_t producer)
{
	int wanted = node_wanted(p, producer);

	if (now->unknown || (now->reason && !now->elsewhere))
		return refuse(p, "the kernel does not tell where the slots are: %s",
			      dsr_strerror(now->reason));
	if (now->node != wanted || now->reason)
		return refuse(p,
			      "asked for node %d, settled on %d: %" PRIu64 " pages there, %" PRIu64
			      " elsewhere",
			      wanted, now->node, now->on_node, now->elsewhere);
	/* Those of a ring that is one page are on one node, however they are dealt out. */
	if (wanted < 0 && now->pages > 1 && !now->elsewhere)
		return refuse(p, "asked for all nodes in turn: all pages are on node %d",
			      now->other_node);
	if (wanted >= 0 && now->elsewhere)
		return refuse(p, "%" PRIu64 " of %" PRIu64 " pages are not on node %d",
			      now->elsewhere, now->pages, wanted);
	return 0;
}

static int check_pages(struct placing *p, const struct dsr_placement *now)
{
	if (now->pages_reason)
		return refuse(p, "the pages are others: %s", dsr_strerror(now->pages_reason));
	if (p->pages == DSR_PAGES_SMALL && now->huge_bytes)
		return refuse(p, "huge pages hold %" PRIu64 " bytes of them", now->huge_bytes);
	return 0;
}

int placing_check(struct placing *p, struct dsr_disruptor *d, uint32_t producer)
{
	struct dsr_placement now;
	int err = dsr_placement_read(d, &now);

	if (err < 0)
		return refuse(p, "the placement cannot be read: %s", dsr_strerror(err));
	if (dsr_placement_lost(d) > 0)
		return refuse(p, "a thread has lost its CPU");
	err = check_pages(p, &now);
	return err < 0 || !p->knows_nodes ? err : check_nodes(p, &now, producer);
}

int placing_failed(struct placing *p, const struct dsr_builder *b)
{
	return refuse(p, "%s", dsr_builder_message(b));
}
