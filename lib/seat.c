/* SPDX-License-Identifier: MIT */
/*
 * Who runs where, and how it waits there: from the plan to the threads.
 *
 * In two steps, for the kernel has the last word about CPUs. Each thread has its seat
 * before it is created. When all are pinned, or have given up a seat that they could
 * not have, it is known who spins where, and who would keep whom from running.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <disruptor/atomic.h>
#include <disruptor/error.h>

#include "monitor.h"
#include "plan.h"
#include "seat.h"
#include "wait.h"

/* Where there is nothing to choose there is no need to know the machine. */
static void seat_plainly(struct dsr_member *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		struct dsr_processor *p = &m->processors[i];
		int pin = p->handler.pin;

		if (dsr_pin_is_node(pin)) {
			snprintf(p->reason, sizeof(p->reason), "as asked: any CPU of node %d",
				 dsr_pin_number(pin));
			continue;
		}
		if (dsr_pin_is_cpu(pin))
			p->seat = dsr_pin_number(pin);
		strcpy(p->reason, p->seat >= 0 ? "as asked" : "not asked to be pinned");
	}
}

/* @index: of its first seat; afterwards of the next member's. */
static void seat_by_plan(struct dsr_member *m, const struct dsr_plan *plan, uint32_t *index)
{
	for (uint32_t i = 0; i < m->count; i++) {
		struct dsr_processor *p = &m->processors[i];
		const struct dsr_seat *seat = dsr_plan_at(plan, (*index)++);

		p->seat = seat->cpu;
		strcpy(p->reason, seat->reason);
	}
}

static int lay_out(struct dsr_disruptor *d, const struct dsr_member *comer,
		   const struct dsr_topology *t, struct dsr_plan **plan)
{
	const struct dsr_builder *b = d->builder;
	struct dsr_terms terms = {
		.producer = b->producer,
		.is_told = b->producer_told,
		.allowed = dsr_cpus_count(&d->cpus) ? &d->cpus : NULL,
		.comer = comer,
	};
	struct dsr_cpus reachable;
	int err;

	/* All that it says is where the caller is; what may the others have? */
	if (dsr_cpus_count(&d->cpus) == 1 && dsr_cpus_reachable(&reachable) == 0)
		terms.confines = &reachable;
	/* What was left free for it once stays so. */
	if (d->producer != DSR_UNPINNED) {
		terms.producer = d->producer;
		terms.is_told = true;
	}
	err = dsr_plan_lay_out(&b->graph, &terms, t, plan);
	if (err == 0 && dsr_plan_at(*plan, 0)->cpu >= 0)
		d->producer = DSR_CPU(dsr_plan_at(*plan, 0)->cpu);
	return err;
}

static bool is_anything_open(const struct dsr_graph *graph)
{
	const struct dsr_member *m;

	for (m = graph->members; m && !dsr_plan_is_open(m); m = m->next)
		;
	return m;
}

static int seat_all_by_plan(struct dsr_disruptor *d)
{
	struct dsr_topology *t;
	struct dsr_member *m;
	struct dsr_plan *plan;
	uint32_t index = 1;
	int err = dsr_topology_read(NULL, &t);

	if (err < 0)
		return err;
	err = lay_out(d, NULL, t, &plan);
	dsr_topology_free(t);
	if (err < 0)
		return err;
	for (m = d->builder->graph.members; m; m = m->next)
		seat_by_plan(m, plan, &index);
	dsr_plan_free(plan);
	return 0;
}

int dsr_seats_take(struct dsr_disruptor *d)
{
	struct dsr_member *m;

	dsr_cpus_allowed(&d->cpus);
	if (is_anything_open(&d->builder->graph))
		return seat_all_by_plan(d);
	for (m = d->builder->graph.members; m; m = m->next)
		seat_plainly(m);
	return 0;
}

int dsr_seats_take_comer(struct dsr_disruptor *d, struct dsr_member *m)
{
	struct dsr_graph *graph = &d->builder->graph;
	bool is_open = dsr_plan_is_open(m);
	struct dsr_topology *t = NULL;
	struct dsr_plan *plan = NULL;
	uint32_t first;
	int err = is_open ? dsr_topology_read(NULL, &t) : 0;

	if (err < 0)
		return err;
	pthread_mutex_lock(&graph->lock);
	if (is_open)
		err = lay_out(d, m, t, &plan);
	if (plan) {
		first = dsr_plan_seats(plan) - m->count;
		seat_by_plan(m, plan, &first);
	} else if (err == 0) {
		seat_plainly(m);
	}
	if (err == 0)
		dsr_graph_expect(graph, m);
	pthread_mutex_unlock(&graph->lock);
	dsr_plan_free(plan);
	dsr_topology_free(t);
	return err;
}

/* The CPUs that its threads may run on: those of everybody, and those pinned to beside. */
static void usable_cpus(struct dsr_disruptor *d, struct dsr_cpus *cpus, int *spinners)
{
	const struct dsr_member *m;

	*cpus = d->cpus;
	*spinners = 0;
	for (m = d->builder->graph.members; m; m = m->next) {
		for (uint32_t i = 0; i < m->count; i++) {
			*spinners += dsr_wait_spins(m->processors[i].handler.wait);
			dsr_cpus_add(cpus, m->processors[i].seat);
		}
	}
}

static bool shares_cpu(const struct dsr_processor *p, const struct dsr_member *m)
{
	for (uint32_t i = 0; m && i < m->count; i++) {
		const struct dsr_processor *other = &m->processors[i];

		/* Relaxed: one that is about to end counts, too. */
		if (other != p && other->seat == p->seat && dsr_wait_spins(other->handler.wait) &&
		    !dsr_load_relaxed(&other->ended))
			return true;
	}
	return false;
}

/* How many of a member's threads spin on CPUs of this one's, and on no others. */
static int count_spinners(const struct dsr_member *m, const struct dsr_processor *p)
{
	int count = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		const struct dsr_processor *other = &m->processors[i];

		/* Relaxed: one that is about to end counts, too. */
		count += other->is_pinned && dsr_wait_spins(other->handler.wait) &&
			 !dsr_load_relaxed(&other->ended) &&
			 dsr_cpus_within(&other->pinned, &p->pinned);
	}
	return count;
}

/* Are there more of them than CPUs? A node may have one. */
static bool is_overfull(struct dsr_disruptor *d, const struct dsr_member *own,
			const struct dsr_processor *p)
{
	const struct dsr_member *m;
	int count = count_spinners(own, p);

	for (m = d->builder->graph.members; m; m = m->next)
		if (m != own)
			count += count_spinners(m, p);
	return p->is_pinned && count > dsr_cpus_count(&p->pinned);
}

/* Is it where the program says that the producer is? */
static bool is_with_producer(const struct dsr_disruptor *d, const struct dsr_processor *p)
{
	const struct dsr_builder *b = d->builder;

	return p->seat >= 0 && b->producer_told && b->producer == DSR_CPU(p->seat);
}

/* Would it spin where another one spins? */
static bool is_crowded(struct dsr_disruptor *d, const struct dsr_member *own,
		       const struct dsr_processor *p)
{
	const struct dsr_member *m;

	/* There was no CPU left for it. */
	if (p->seat < 0 && dsr_pin_is_open(p->handler.pin))
		return true;
	if (is_with_producer(d, p))
		return true;
	if (is_overfull(d, own, p))
		return true;
	if (p->seat < 0)
		return false;
	if (shares_cpu(p, own))
		return true;
	for (m = d->builder->graph.members; m; m = m->next)
		if (m != own && shares_cpu(p, m))
			return true;
	for (m = d->builder->graph.coming; m; m = m->next)
		if (m != own && shares_cpu(p, m))
			return true;
	return false;
}

/* A CPU that was chosen for it may have been refused: a cpuset, or gone offline since. */
static void give_up_refused(struct dsr_processor *p)
{
	if (!p->seat_refused)
		return;
	snprintf(p->reason, sizeof(p->reason), "CPU %d was refused (%s): not pinned", p->seat,
		 dsr_strerror(p->seat_refused));
	p->seat = -1;
}

/* What the program left open. */
static void settle_defaults(struct dsr_member *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		struct dsr_processor *p = &m->processors[i];
		struct dsr_handler *h = &p->handler;

		give_up_refused(p);
		if (h->wait == DSR_WAIT_DEFAULT)
			h->wait = p->seat >= 0 ? DSR_WAIT_PAUSE : DSR_WAIT_PARK;
		if (h->wait == DSR_WAIT_MONITOR && !dsr_monitor_available())
			h->wait = DSR_WAIT_PAUSE;
	}
}

/* Two threads that spin on one CPU would wait for the end of each other's time slices. */
static void mark_crowded(struct dsr_disruptor *d, struct dsr_member *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		struct dsr_processor *p = &m->processors[i];

		p->crowded =
			dsr_wait_spins(p->handler.wait) && (d->waits_yield || is_crowded(d, m, p));
	}
}

/* It would yield to nobody: it, or who made it, asked for a priority. */
static bool is_urgent(const struct dsr_processor *p)
{
	int policy, priority;

	dsr_cpu_policy(p->tid, &policy, &priority);
	return priority > 0;
}

/* All that are crowded are marked. */
static void settle_waits(struct dsr_member *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		struct dsr_processor *p = &m->processors[i];

		if (p->crowded)
			p->handler.wait = is_urgent(p) ? DSR_WAIT_PARK : DSR_WAIT_YIELD;
		dsr_waiter_set(&p->consumer.waiter, p->handler.wait, &p->handler.tuning);
	}
}

void dsr_seats_settle(struct dsr_disruptor *d)
{
	struct dsr_graph *graph = &d->builder->graph;
	struct dsr_member *m;
	struct dsr_cpus cpus;
	int spinners;

	for (m = graph->members; m; m = m->next)
		settle_defaults(m);
	usable_cpus(d, &cpus, &spinners);
	/* A producer wants one, too. */
	d->waits_yield =
		dsr_cpus_count(&cpus) == 1 || (spinners && spinners >= dsr_cpus_count(&cpus));
	for (m = graph->members; m; m = m->next)
		mark_crowded(d, m);
	for (m = graph->members; m; m = m->next)
		settle_waits(m);
}

void dsr_seats_settle_comer(struct dsr_disruptor *d, struct dsr_member *m)
{
	pthread_mutex_lock(&d->builder->graph.lock);
	settle_defaults(m);
	mark_crowded(d, m);
	settle_waits(m);
	pthread_mutex_unlock(&d->builder->graph.lock);
}
