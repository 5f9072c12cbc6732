/* SPDX-License-Identifier: MIT */
/*
 * What the library knows of the machine: here there is none. Memory comes from the
 * checker's heap, threads are not pinned. The protocol is all the library's own.
 */
#include <string.h>

#include "monitor.h"
#include "place.h"
#include "seat.h"
#include "system.h"
#include "topology.h"

enum { PAGE = 4096 };

int dsr_region_take(struct dsr_region *region, uint64_t bytes, const struct dsr_wish *wish,
		    const char **what)
{
	(void)wish;
	(void)what;
	*region = (struct dsr_region){0};
	region->memory.base = system_aligned_alloc(PAGE, bytes);
	region->memory.bytes = bytes;
	memset(region->memory.base, 0, bytes);
	return 0;
}

void dsr_region_release(struct dsr_region *region)
{
	system_free(region->memory.base);
	region->memory.base = NULL;
}

int dsr_place_take(struct dsr_disruptor *d, uint64_t slot_bytes, uint64_t head_bytes)
{
	dsr_region_take(&d->slots, slot_bytes, NULL, NULL);
	return dsr_region_take(&d->head, head_bytes, NULL, NULL);
}

void dsr_place_release(struct dsr_disruptor *d)
{
	dsr_region_release(&d->head);
	dsr_region_release(&d->slots);
}

int dsr_seats_take(struct dsr_disruptor *d)
{
	(void)d;
	return 0;
}

int dsr_seats_take_comer(struct dsr_disruptor *d, struct dsr_member *m)
{
	struct dsr_graph *graph = &d->builder->graph;

	pthread_mutex_lock(&graph->lock);
	dsr_graph_expect(graph, m);
	pthread_mutex_unlock(&graph->lock);
	return 0;
}

void dsr_seats_settle_comer(struct dsr_disruptor *d, struct dsr_member *m)
{
	(void)d;
	for (uint32_t i = 0; i < m->count; i++) {
		struct dsr_handler *h = &m->processors[i].handler;

		dsr_waiter_set(&m->processors[i].consumer.waiter,
			       h->wait == DSR_WAIT_DEFAULT ? DSR_WAIT_YIELD : h->wait, &h->tuning);
	}
}

void dsr_seats_settle(struct dsr_disruptor *d)
{
	for (struct dsr_member *m = d->builder->graph.members; m; m = m->next)
		dsr_seats_settle_comer(d, m);
}

int dsr_cpu_pin(int cpu)
{
	(void)cpu;
	return 0;
}

int dsr_cpu_pin_set(const struct dsr_cpus *cpus)
{
	(void)cpus;
	return 0;
}

int dsr_cpu_affinity(int tid, struct dsr_cpus *cpus)
{
	(void)tid;
	(void)cpus;
	return 0;
}

int dsr_cpu_fifo(uint32_t priority)
{
	(void)priority;
	return 0;
}

void dsr_cpu_here(int *cpu, int *node)
{
	*cpu = 0;
	*node = 0;
}

int dsr_topology_node_cpus(int node, struct dsr_cpus *cpus)
{
	(void)node;
	(void)cpus;
	return 0;
}

bool dsr_monitor_available(void)
{
	return false;
}

void dsr_monitor_wait(const int64_t *word, int64_t stale)
{
	(void)word;
	(void)stale;
}
