/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_PLAN_H
#define DISRUPTOR_PLAN_H

/**
 * Which thread goes on which CPU, and why: from a builder's graph and a topology,
 * and from nothing else, so that the plan for a machine can be made, looked at
 * and tested on any other. dsr_start() makes this plan, from the machine it runs on,
 * and follows it.
 *
 * What it goes by, for a thread that leaves the choice open: never a CPU that another
 * thread spins on, or the producer's; as near as can be to those whose events it
 * reads (the same last-level cache, then the same node, then the nearest one), but
 * not on a sibling (SMT) of one that is taken as long as there is a free core.
 */

#include <disruptor/builder.h>
#include <disruptor/topology.h>

DSR_BEGIN_DECLS

struct dsr_plan;

/* Bytes of a seat's reason, with its end. */
#define DSR_REASON_MAX 160

/**
 * struct dsr_seat - where a thread is to be
 * @name:   the handler's; "producer" for the first
 * @pin:    what was asked for, as dsr_handler.pin
 * @cpu:    to be pinned to; -1: to none
 * @node:   that CPU's; without one the node that it is pinned to; -1: no matter, or not known
 * @spins:  it keeps its CPU busy while it waits
 * @reason: in words
 */
struct dsr_seat {
	char name[DSR_NAME_MAX + 1];
	int pin;
	int cpu;
	int node;
	bool spins;
	char reason[DSR_REASON_MAX];
};

int dsr_plan_seat_sized(const struct dsr_plan *plan, uint32_t index, struct dsr_seat *out,
			size_t size);

/**
 * dsr_plan_make() - what dsr_start() would do on that machine
 * @t:	  NULL: on this one
 * @plan: receives it; NULL on failure
 *
 * Changes nothing that can be seen. Threads: the builder's. Return: 0; -EINVAL; -ENOMEM; the
 * builder's error; -ENOENT and -ELOOP for its graph, as dsr_start(); -EALREADY:
 * it has been started.
 */
int dsr_plan_make(struct dsr_builder *b, const struct dsr_topology *t, struct dsr_plan **plan);

/** dsr_plan_free() - NULL is fine */
void dsr_plan_free(struct dsr_plan *plan);

/** dsr_plan_seats() - how many: the producer's, and one for each thread; 0 for NULL */
uint32_t dsr_plan_seats(const struct dsr_plan *plan);

/**
 * dsr_plan_seat() - one of them
 * @index: 0: the producer; then the threads in the order they were added
 *
 * Return: 0; -EINVAL.
 */
DSR_INLINE int dsr_plan_seat(const struct dsr_plan *plan, uint32_t index, struct dsr_seat *out)
{
	return dsr_plan_seat_sized(plan, index, out, sizeof(*out));
}

/**
 * dsr_plan_text() - the plan in words, a line a seat
 * @text: takes at most @size bytes, its end included; may be NULL if @size is 0
 *
 * Return: the length of the whole text, as snprintf(); -EINVAL.
 */
int dsr_plan_text(const struct dsr_plan *plan, char *text, size_t size);

/** dsr_plan_json() - the same for programs: one JSON object */
int dsr_plan_json(const struct dsr_plan *plan, char *text, size_t size);

DSR_END_DECLS

#endif
