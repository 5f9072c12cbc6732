/* SPDX-License-Identifier: MIT */
/*
 * Which thread goes on which CPU.
 *
 * The plan is greedy: it goes once through the threads and gives each the best CPU
 * that is left. All that a thread can be near to is then seated before it,
 * for producers and predecessors come first in any graph, and whoever reads the plan can
 * check it line by line. Looking for the best of all plans would be slower, its
 * results would jump when a handler is added, and nobody could say why.
 *
 * 1. CPUs that were named are taken, whatever comes of it: an explicit wish is never
 *    overruled, nor is it moved out of another's way.
 * 2. The producer's, if it is known. If not, one is chosen as below and left free, for
 *    it will run somewhere; with nobody to be near to it begins where most is free.
 * 3. The threads that leave it open, predecessors before those that follow them. A CPU
 *    has one thread at most: two that park get along on one, but then the kernel knows
 *    better where, so who finds none free is not pinned at all.
 *
 * Of two free CPUs the better one is, the first difference counting:
 *
 *    isolated       only for a thread that asked for it
 *    a whole core   none of its siblings (SMT) is taken: two that spin on one core
 *		     halve each other
 *    same cache     the more of its neighbours behind the same last-level cache, the
 *		     better: there a line goes over without leaving it
 *    same node      likewise
 *    near           the smaller sum of distances from here to the neighbours' nodes, for
 *		     what it reads they have written; one that nobody tells is the farthest
 *    room           for a producer that nobody told of: free CPUs on its node, then
 *		     behind its cache
 *    not isolated   only for a thread that did not ask for it
 *    low number     so that the plan is always the same
 *
 * Neighbours are those whose events a thread reads: the members that it follows, or the
 * producer, and in a worker group the other workers, who share a word with it. Who
 * has neither CPU nor node, as pollers and unpinned handlers, is no neighbour.
 *
 * CPUs to choose from are those of the caller's affinity. A caller that has
 * pinned itself to one CPU has said where it is, but nothing about the others: then
 * it is all that are online and not isolated, and the kernel has the last word.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/atomic.h>

#include "builder.h"
#include "plan.h"
#include "text.h"
#include "wait.h"

#define NOBODY  UINT32_MAX
#define NOWHERE UINT32_MAX

/* Farther than the firmware can say; and for a node that is not known. */
#define FARTHEST 256

struct dsr_plan {
	uint32_t count;
	struct dsr_seat seats[];
};

/* A CPU. Groups are indexes of CPUs: of the one after which the group is called. */
struct spot {
	struct dsr_cpu_info info;
	uint32_t core;
	uint32_t cache; /* NOWHERE: not told */
	uint32_t node;  /* index of the node; NOWHERE: not told */
	bool is_open;   /* to whom does not ask for an isolated one */
	uint32_t holder;
	/* Of the group that is called after it: */
	uint32_t core_holder;
	uint32_t neighbours; /* of the thread at hand, behind this cache */
	uint32_t room;
};

struct node {
	struct dsr_node_info info;
	uint32_t neighbours;
	uint32_t room;
	int64_t far;
};

/* A thread; the first one is the producer's. */
struct job {
	const struct dsr_member *member;
	const struct dsr_processor *processor;
	bool is_settled; /* nothing to choose */
	uint32_t spot;   /* NOWHERE: on no CPU that we know */
	uint32_t node;
};

struct planner {
	const struct dsr_topology *topology;
	const struct dsr_terms *terms;
	struct dsr_plan *plan;
	struct spot *spots;
	uint32_t spot_count;
	struct node *nodes;
	uint32_t node_count;
	struct job *jobs;
	uint32_t job_count;
	uint32_t *neighbours; /* of the thread at hand */
	uint32_t neighbour_count;
};

enum key {
	KEY_ISOLATED,
	KEY_WHOLE,
	KEY_CACHE,
	KEY_NODE,
	KEY_NEAR,
	KEY_ROOM,
	KEY_CACHE_ROOM,
	KEY_ORDINARY,
	KEYS
};

/* Ids ascend. */
static uint32_t find_cpu(const struct planner *p, int id)
{
	uint32_t low = 0, high = p->spot_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (p->spots[middle].info.id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->spot_count && p->spots[low].info.id == id ? low : NOWHERE;
}

static uint32_t find_node(const struct planner *p, int id)
{
	for (uint32_t i = 0; i < p->node_count; i++)
		if (p->nodes[i].info.id == id)
			return i;
	return NOWHERE;
}

static const char *name_of(const struct planner *p, uint32_t job)
{
	return p->plan->seats[job].name;
}

static struct dsr_seat *seat_of(const struct planner *p, uint32_t job)
{
	return &p->plan->seats[job];
}

static void take(struct planner *p, uint32_t job, uint32_t at)
{
	struct spot *s = &p->spots[at];

	if (s->holder == NOBODY)
		s->holder = job;
	if (p->spots[s->core].core_holder == NOBODY)
		p->spots[s->core].core_holder = job;
	p->jobs[job].spot = at;
	p->jobs[job].node = s->node;
	seat_of(p, job)->cpu = s->info.id;
	seat_of(p, job)->node = s->info.node;
}

/* The machine */

static int read_machine(struct planner *p)
{
	p->spot_count = dsr_topology_cpus(p->topology);
	p->node_count = dsr_topology_nodes(p->topology);
	p->spots = calloc(p->spot_count + 1, sizeof(*p->spots));
	p->nodes = calloc(p->node_count + 1, sizeof(*p->nodes));
	if (!p->spots || !p->nodes)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->node_count; i++)
		dsr_topology_node(p->topology, i, &p->nodes[i].info);
	for (uint32_t i = 0; i < p->spot_count; i++)
		dsr_topology_cpu(p->topology, i, &p->spots[i].info);
	for (uint32_t i = 0; i < p->spot_count; i++) {
		struct spot *s = &p->spots[i];

		s->core = find_cpu(p, s->info.core);
		if (s->core == NOWHERE)
			s->core = i;
		s->cache = find_cpu(p, s->info.cache);
		s->node = find_node(p, s->info.node);
		s->holder = NOBODY;
		s->core_holder = NOBODY;
	}
	return 0;
}

static bool is_allowed(const struct planner *p, const struct spot *s)
{
	if (p->terms->allowed)
		return dsr_cpus_has(p->terms->allowed, s->info.id);
	return s->info.is_allowed;
}

static bool is_on_one_node(const struct planner *p)
{
	uint32_t node = NOWHERE;

	for (uint32_t i = 0; i < p->spot_count; i++) {
		const struct spot *s = &p->spots[i];

		if (!s->info.is_online)
			continue;
		if (node != NOWHERE && s->node != node)
			return false;
		node = s->node;
	}
	return true;
}

/* What the caller's affinity says: the only CPU that it has, the only node; or NOWHERE. */
static void find_caller(const struct planner *p, uint32_t *spot, uint32_t *node)
{
	uint32_t online = 0, count = 0;

	*spot = NOWHERE;
	*node = NOWHERE;
	for (uint32_t i = 0; i < p->spot_count; i++) {
		const struct spot *s = &p->spots[i];

		online += s->info.is_online;
		if (!s->info.is_online || !is_allowed(p, s))
			continue;
		*node = count == 0 || *node == s->node ? s->node : NOWHERE;
		*spot = i;
		count++;
	}
	if (count != 1 || online == 1)
		*spot = NOWHERE;
	/* Of one node, or of a machine that has no other. */
	if (is_on_one_node(p))
		*node = NOWHERE;
}

static void open_spots(struct planner *p, bool is_pinned)
{
	const struct dsr_cpus *confines = p->terms->confines;

	for (uint32_t i = 0; i < p->spot_count; i++) {
		struct spot *s = &p->spots[i];
		bool is_within = !confines || dsr_cpus_has(confines, s->info.id);

		s->is_open = s->info.is_online &&
			     (is_pinned ? is_within && !s->info.is_isolated : is_allowed(p, s));
	}
}

/* The threads */

static bool has_ended(const struct dsr_processor *processor)
{
	/* Relaxed: one that is about to end has its CPU for a moment more. */
	return dsr_load_relaxed(&processor->ended);
}

static uint32_t count_jobs(const struct dsr_graph *graph, const struct dsr_terms *terms)
{
	const struct dsr_member *m;
	uint32_t count = 1;

	for (m = graph->members; m; m = m->next)
		count += m->count;
	for (m = graph->coming; m; m = m->next)
		count += m->count;
	return count + (terms->comer ? terms->comer->count : 0);
}

static void add_jobs(struct planner *p, const struct dsr_member *m)
{
	for (uint32_t i = 0; m && i < m->count; i++) {
		const struct dsr_processor *processor = &m->processors[i];
		struct job *job = &p->jobs[p->job_count];
		struct dsr_seat *seat = seat_of(p, p->job_count);

		if (has_ended(processor))
			continue;
		*job = (struct job){m, processor, true, NOWHERE, NOWHERE};
		/* Who runs already has what it got. */
		if (!p->terms->comer || m == p->terms->comer)
			job->is_settled = !dsr_pin_is_open(processor->handler.pin);
		strcpy(seat->name, processor->consumer.name);
		seat->pin = processor->handler.pin;
		seat->cpu = -1;
		seat->node = -1;
		p->job_count++;
	}
}

static int list_jobs(struct planner *p, const struct dsr_graph *graph)
{
	uint32_t count = count_jobs(graph, p->terms);
	const struct dsr_member *m;

	p->plan = calloc(1, sizeof(*p->plan) + count * sizeof(*p->plan->seats));
	p->jobs = calloc(count, sizeof(*p->jobs));
	p->neighbours = calloc(count, sizeof(*p->neighbours));
	if (!p->plan || !p->jobs || !p->neighbours)
		return -ENOMEM;
	p->jobs[0] = (struct job){NULL, NULL, true, NOWHERE, NOWHERE};
	p->job_count = 1;
	strcpy(seat_of(p, 0)->name, "producer");
	seat_of(p, 0)->pin = p->terms->is_told ? p->terms->producer : DSR_UNPINNED;
	seat_of(p, 0)->cpu = -1;
	seat_of(p, 0)->node = -1;
	for (m = graph->members; m; m = m->next)
		add_jobs(p, m);
	for (m = graph->coming; m; m = m->next)
		add_jobs(p, m);
	add_jobs(p, p->terms->comer);
	p->plan->count = p->job_count;
	return 0;
}

static void say(const struct planner *p, uint32_t job, struct dsr_text *reason)
{
	struct dsr_seat *seat = seat_of(p, job);

	*reason = (struct dsr_text){.text = seat->reason, .size = sizeof(seat->reason)};
}

/* On a CPU that was named, or that it has since it began. */
static void settle_cpu(struct planner *p, uint32_t job, int cpu)
{
	uint32_t at = find_cpu(p, cpu);
	struct dsr_text reason;

	say(p, job, &reason);
	seat_of(p, job)->cpu = cpu;
	if (at == NOWHERE)
		dsr_put(&reason, "as asked; there is no CPU %d here", cpu);
	else if (!p->spots[at].info.is_online)
		dsr_put(&reason, "as asked; CPU %d is offline", cpu);
	else
		dsr_put(&reason, "as asked");
	if (at == NOWHERE)
		return;
	if (p->spots[at].holder != NOBODY)
		dsr_put(&reason, "; shared with %s", name_of(p, p->spots[at].holder));
	take(p, job, at);
}

/* All of the node's CPUs. */
static void settle_node(struct planner *p, uint32_t job, int node)
{
	struct dsr_text reason;

	say(p, job, &reason);
	p->jobs[job].node = find_node(p, node);
	seat_of(p, job)->node = node;
	if (p->jobs[job].node == NOWHERE)
		dsr_put(&reason, "as asked; there is no node %d here", node);
	else
		dsr_put(&reason, "as asked: any CPU of node %d", node);
}

static void settle_explicit(struct planner *p)
{
	for (uint32_t i = 1; i < p->job_count; i++) {
		const struct job *job = &p->jobs[i];
		int pin = seat_of(p, i)->pin;
		struct dsr_text reason;

		if (!job->is_settled)
			continue;
		say(p, i, &reason);
		if (dsr_pin_is_cpu(pin))
			settle_cpu(p, i, dsr_pin_number(pin));
		else if (job->processor->seat >= 0)
			settle_cpu(p, i, job->processor->seat);
		else if (dsr_pin_is_node(pin))
			settle_node(p, i, dsr_pin_number(pin));
		else
			dsr_put(&reason, "not asked to be pinned");
	}
}

/* The best CPU */

static bool is_placed(const struct job *job)
{
	return job->spot != NOWHERE || job->node != NOWHERE;
}

/* Attached members have the names only. */
static bool reads_from(const struct dsr_member *m, const struct dsr_member *other)
{
	for (uint32_t i = 0; i < m->after_count; i++)
		if (m->after[i] == other)
			return true;
	for (uint32_t i = 0; !m->after_count && i < m->after_names_count; i++)
		if (strcmp(m->after_names[i], other->name) == 0)
			return true;
	return false;
}

static bool reads_from_producer(const struct dsr_member *m)
{
	return !m->after_count && !m->after_names_count;
}

static void add_neighbour(struct planner *p, uint32_t job)
{
	if (is_placed(&p->jobs[job]))
		p->neighbours[p->neighbour_count++] = job;
}

static void find_neighbours(struct planner *p, uint32_t job)
{
	const struct dsr_member *m = p->jobs[job].member;
	bool is_near = seat_of(p, job)->pin == DSR_NEAR_PRODUCER;
	uint32_t i;

	p->neighbour_count = 0;
	for (i = 1; i < p->job_count && !is_near; i++)
		if (m ? reads_from(m, p->jobs[i].member) : reads_from_producer(p->jobs[i].member))
			add_neighbour(p, i);
	if (m && p->neighbour_count == 0)
		add_neighbour(p, 0);
	for (i = 1; i < p->job_count && m && !is_near; i++)
		if (p->jobs[i].member == m && i != job)
			add_neighbour(p, i);
}

static int64_t distance(const struct planner *p, uint32_t from, uint32_t to)
{
	int d;

	if (from == to)
		return 0;
	d = dsr_topology_distance(p->topology, p->nodes[from].info.id, p->nodes[to].info.id);
	return d > 0 ? d : FARTHEST;
}

/* How near each cache and each node is to the neighbours. */
static void count_neighbours(struct planner *p)
{
	uint32_t i, k;

	for (i = 0; i < p->spot_count; i++)
		p->spots[i].neighbours = 0;
	for (i = 0; i < p->node_count; i++)
		p->nodes[i].neighbours = 0;
	for (i = 0; i < p->neighbour_count; i++) {
		const struct job *job = &p->jobs[p->neighbours[i]];

		if (job->spot != NOWHERE && p->spots[job->spot].cache != NOWHERE)
			p->spots[p->spots[job->spot].cache].neighbours++;
		if (job->node != NOWHERE)
			p->nodes[job->node].neighbours++;
	}
	for (i = 0; i < p->node_count; i++) {
		p->nodes[i].far = 0;
		for (k = 0; k < p->node_count; k++)
			if (p->nodes[k].neighbours)
				p->nodes[i].far += p->nodes[k].neighbours * distance(p, i, k);
	}
}

static void count_room(struct planner *p)
{
	for (uint32_t i = 0; i < p->spot_count; i++) {
		const struct spot *s = &p->spots[i];

		if (!s->is_open || s->holder != NOBODY)
			continue;
		if (s->node != NOWHERE)
			p->nodes[s->node].room++;
		if (s->cache != NOWHERE)
			p->spots[s->cache].room++;
	}
}

/* The higher the better, the first one most. */
static void rate(const struct planner *p, uint32_t job, const struct spot *s, int64_t *keys)
{
	bool wants_isolated = seat_of(p, job)->pin == DSR_ISOLATED;

	memset(keys, 0, KEYS * sizeof(*keys));
	keys[KEY_ISOLATED] = wants_isolated && s->info.is_isolated;
	keys[KEY_WHOLE] = p->spots[s->core].core_holder == NOBODY;
	keys[KEY_ORDINARY] = !wants_isolated && !s->info.is_isolated;
	if (s->cache != NOWHERE) {
		keys[KEY_CACHE] = p->spots[s->cache].neighbours;
		keys[KEY_CACHE_ROOM] = job ? 0 : p->spots[s->cache].room;
	}
	keys[KEY_NEAR] = -(int64_t)p->neighbour_count * FARTHEST;
	if (s->node != NOWHERE) {
		keys[KEY_NODE] = p->nodes[s->node].neighbours;
		keys[KEY_NEAR] = -p->nodes[s->node].far;
		keys[KEY_ROOM] = job ? 0 : p->nodes[s->node].room;
	}
}

static bool is_better(const int64_t *keys, const int64_t *than)
{
	int i;

	for (i = 0; i < KEYS - 1 && keys[i] == than[i]; i++)
		;
	return keys[i] > than[i];
}

static bool is_free_for(const struct planner *p, uint32_t job, const struct spot *s)
{
	bool wants_isolated = seat_of(p, job)->pin == DSR_ISOLATED;

	if (s->holder != NOBODY || !s->info.is_online)
		return false;
	/* The producer's node may be known, and no more. */
	if (!job && p->jobs[0].node != NOWHERE && s->node != p->jobs[0].node)
		return false;
	return s->is_open || (wants_isolated && s->info.is_isolated);
}

static uint32_t choose(struct planner *p, uint32_t job)
{
	int64_t keys[KEYS], best[KEYS];
	uint32_t at = NOWHERE;

	find_neighbours(p, job);
	count_neighbours(p);
	for (uint32_t i = 0; i < p->spot_count; i++) {
		const struct spot *s = &p->spots[i];

		if (!is_free_for(p, job, s))
			continue;
		rate(p, job, s, keys);
		if (at != NOWHERE && !is_better(keys, best))
			continue;
		memcpy(best, keys, sizeof(best));
		at = i;
	}
	return at;
}

/* Why */

enum nearness { NEAR_CACHE, NEAR_NODE, NEAR_FAR };

static enum nearness nearness(const struct planner *p, const struct spot *s,
			      const struct job *other)
{
	if (other->spot != NOWHERE && s->cache != NOWHERE &&
	    p->spots[other->spot].cache == s->cache)
		return NEAR_CACHE;
	return s->node != NOWHERE && other->node == s->node ? NEAR_NODE : NEAR_FAR;
}

/* The nearest of its neighbours, and how many are as near. */
static uint32_t nearest(const struct planner *p, const struct spot *s, enum nearness *how,
			uint32_t *more)
{
	uint32_t found = NOBODY;

	*more = 0;
	*how = NEAR_FAR;
	for (uint32_t i = 0; i < p->neighbour_count; i++) {
		uint32_t other = p->neighbours[i];
		enum nearness this = nearness(p, s, &p->jobs[other]);

		if (found == NOBODY || this < *how) {
			found = other;
			*how = this;
			*more = 0;
		} else if (this == *how) {
			++*more;
		}
	}
	return found;
}

static void put_far(const struct planner *p, const struct spot *s, uint32_t other,
		    struct dsr_text *reason)
{
	int id = s->info.node;
	int d = 0;

	if (s->node != NOWHERE && p->jobs[other].node != NOWHERE)
		d = dsr_topology_distance(p->topology, id, p->nodes[p->jobs[other].node].info.id);
	if (id < 0)
		dsr_put(reason, "how near to %s is not known", name_of(p, other));
	else if (d > 0)
		dsr_put(reason, "node %d: nearest to %s with a free %s (distance %d)", id,
			name_of(p, other), p->spots[s->core].core_holder == NOBODY ? "core" : "CPU",
			d);
	else
		dsr_put(reason, "node %d: how far from %s is not known", id, name_of(p, other));
}

static void put_nearness(const struct planner *p, const struct spot *s, struct dsr_text *reason)
{
	enum nearness how;
	uint32_t more, other = nearest(p, s, &how, &more);

	if (other == NOBODY)
		dsr_put(reason, "nobody to be near to");
	else if (how == NEAR_CACHE && s->info.cache_level > 0)
		dsr_put(reason, "shares L%d with %s", s->info.cache_level, name_of(p, other));
	else if (how == NEAR_CACHE)
		dsr_put(reason, "shares a cache with %s", name_of(p, other));
	else if (how == NEAR_NODE)
		dsr_put(reason, "same node as %s", name_of(p, other));
	else
		put_far(p, s, other, reason);
	if (other != NOBODY && how != NEAR_FAR && more)
		dsr_put(reason, " and %u more", more);
}

static bool has_sibling(const struct planner *p, uint32_t at)
{
	for (uint32_t i = 0; i < p->spot_count; i++)
		if (i != at && p->spots[i].info.is_online && p->spots[i].core == p->spots[at].core)
			return true;
	return false;
}

/* Before the CPU is taken: whose core it is. */
static void explain(const struct planner *p, uint32_t job, uint32_t at)
{
	const struct spot *s = &p->spots[at];
	uint32_t sibling = p->spots[s->core].core_holder;
	struct dsr_text reason;

	say(p, job, &reason);
	if (seat_of(p, job)->pin == DSR_ISOLATED)
		dsr_put(&reason, s->info.is_isolated ? "isolated; " : "no isolated CPU is free; ");
	put_nearness(p, s, &reason);
	if (sibling != NOBODY)
		dsr_put(&reason, "; sibling of %s's core: no whole core was free",
			name_of(p, sibling));
	else if (has_sibling(p, at))
		dsr_put(&reason, ", not a sibling");
}

static void seat(struct planner *p, uint32_t job)
{
	uint32_t at = choose(p, job);
	struct dsr_text reason;

	if (at == NOWHERE) {
		say(p, job, &reason);
		dsr_put(&reason, "no free CPU: not pinned");
		return;
	}
	explain(p, job, at);
	take(p, job, at);
}

static bool are_seated(const struct planner *p, const struct dsr_member *m)
{
	for (uint32_t i = 1; i < p->job_count; i++)
		if (p->jobs[i].member == m && !p->jobs[i].is_settled)
			return false;
	return true;
}

/* Those whose predecessors are seated; in the order that they were added. */
static void seat_open(struct planner *p)
{
	bool more = true;

	while (more) {
		more = false;
		for (uint32_t i = 1; i < p->job_count; i++) {
			const struct dsr_member *m = p->jobs[i].member;
			bool is_ready = !p->jobs[i].is_settled;

			for (uint32_t k = 0; k < m->after_count && is_ready; k++)
				is_ready = are_seated(p, m->after[k]);
			if (!is_ready)
				continue;
			seat(p, i);
			p->jobs[i].is_settled = true;
			more = true;
		}
	}
}

/* The producer */

/* Its thread is the program's, so a CPU for it is no more than one that is left free. */
static void leave_one_free(struct planner *p, struct dsr_text *reason)
{
	uint32_t at;

	count_room(p);
	at = choose(p, 0);
	dsr_put(reason, "not pinned; ");
	if (at == NOWHERE) {
		dsr_put(reason, "no CPU is free for it");
		return;
	}
	take(p, 0, at);
	dsr_put(reason, "CPU %d is left free for it", seat_of(p, 0)->cpu);
}

static void settle_told(struct planner *p)
{
	int pin = p->terms->producer, number = dsr_pin_number(pin);
	struct dsr_text reason;

	if (dsr_pin_is_cpu(pin)) {
		settle_cpu(p, 0, number);
		return;
	}
	if (dsr_pin_is_node(pin))
		settle_node(p, 0, number);
	say(p, 0, &reason);
	if (p->jobs[0].node != NOWHERE)
		dsr_put(&reason, "on node %d, as told; ", number);
	else if (dsr_pin_is_node(pin))
		dsr_put(&reason, "on node %d, as told, which is not here; ", number);
	leave_one_free(p, &reason);
}

/* @spot and @node: what the caller's affinity says. */
static void settle_producer(struct planner *p, uint32_t spot, uint32_t node)
{
	struct dsr_text reason;

	if (p->terms->is_told) {
		settle_told(p);
		return;
	}
	if (spot != NOWHERE) {
		settle_cpu(p, 0, p->spots[spot].info.id);
		say(p, 0, &reason);
		dsr_put(&reason, "where the caller is pinned");
		return;
	}
	say(p, 0, &reason);
	if (node != NOWHERE) {
		p->jobs[0].node = node;
		seat_of(p, 0)->node = p->nodes[node].info.id;
		dsr_put(&reason, "on node %d, as the caller; ", p->nodes[node].info.id);
	}
	leave_one_free(p, &reason);
}

static void forget_shared(struct planner *p, uint32_t job)
{
	const struct dsr_seat *own = seat_of(p, job);
	bool is_shared = false;

	for (uint32_t i = job + 1; own->spins && own->cpu >= 0 && i < p->job_count; i++) {
		struct dsr_seat *other = seat_of(p, i);

		if (other->cpu != own->cpu || !other->spins)
			continue;
		other->spins = false;
		is_shared = true;
	}
	if (is_shared)
		seat_of(p, job)->spins = false;
}

/* All CPUs that its threads may run on. */
static uint32_t count_usable(const struct planner *p)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < p->spot_count; i++) {
		const struct spot *s = &p->spots[i];

		count += s->info.is_online &&
			 (is_allowed(p, s) || (s->holder != NOBODY && s->holder));
	}
	return count;
}

/* Who keeps a CPU busy. Who would keep others from running yields instead (seat.c). */
static void find_spinners(struct planner *p)
{
	uint32_t i, count = 0, usable = count_usable(p);

	for (i = 1; i < p->job_count; i++) {
		enum dsr_wait wait = p->jobs[i].processor->handler.wait;
		struct dsr_seat *own = seat_of(p, i);

		own->spins = wait == DSR_WAIT_DEFAULT ? own->cpu >= 0 : dsr_wait_spins(wait);
		count += own->spins;
		if (own->cpu < 0 && dsr_pin_is_open(own->pin))
			own->spins = false;
	}
	for (i = 1; i < p->job_count; i++) {
		forget_shared(p, i);
		/* The program says that its producer runs there. */
		if (p->terms->is_told && seat_of(p, i)->pin == p->terms->producer)
			seat_of(p, i)->spins = false;
	}
	for (i = 1; i < p->job_count && (usable == 1 || count >= usable); i++)
		seat_of(p, i)->spins = false;
}

static void fill(struct planner *p)
{
	uint32_t spot, node;

	find_caller(p, &spot, &node);
	/* What one pinned thread may use is not what there is for the others. */
	open_spots(p, spot != NOWHERE);
	settle_explicit(p);
	settle_producer(p, spot, node);
	seat_open(p);
	find_spinners(p);
}

bool dsr_plan_is_open(const struct dsr_member *m)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (dsr_pin_is_open(m->processors[i].handler.pin))
			return true;
	return false;
}

int dsr_plan_lay_out(const struct dsr_graph *graph, const struct dsr_terms *terms,
		     const struct dsr_topology *t, struct dsr_plan **plan)
{
	struct planner p = {.topology = t, .terms = terms};
	int err = read_machine(&p);

	if (err == 0)
		err = list_jobs(&p, graph);
	if (err == 0)
		fill(&p);
	else
		free(p.plan);
	free(p.spots);
	free(p.nodes);
	free(p.jobs);
	free(p.neighbours);
	*plan = err == 0 ? p.plan : NULL;
	return err;
}

static int make(struct dsr_builder *b, const struct dsr_topology *t, struct dsr_plan **plan)
{
	struct dsr_terms terms = {.producer = b->producer, .is_told = b->producer_told};
	struct dsr_topology *own = NULL;
	int err = 0;

	if (!t)
		err = dsr_topology_read(NULL, &own);
	if (err == 0)
		err = dsr_plan_lay_out(&b->graph, &terms, t ? t : own, plan);
	dsr_topology_free(own);
	return err;
}

int dsr_plan_make(struct dsr_builder *b, const struct dsr_topology *t, struct dsr_plan **plan)
{
	/* What is wrong with the graph may still be put right. */
	struct dsr_complaint complaint = {0};
	int saved = errno;
	int err;

	if (!plan)
		return -EINVAL;
	*plan = NULL;
	err = dsr_builder_resolve(b, &complaint);
	if (err == 0)
		err = make(b, t, plan);
	errno = saved;
	return err;
}

void dsr_plan_free(struct dsr_plan *plan)
{
	free(plan);
}

uint32_t dsr_plan_seats(const struct dsr_plan *plan)
{
	return plan ? plan->count : 0;
}

const struct dsr_seat *dsr_plan_at(const struct dsr_plan *plan, uint32_t index)
{
	return index < dsr_plan_seats(plan) ? &plan->seats[index] : NULL;
}

int dsr_plan_seat_sized(const struct dsr_plan *plan, uint32_t index, struct dsr_seat *out,
			size_t size)
{
	const struct dsr_seat *seat = dsr_plan_at(plan, index);

	if (!seat || !out || size > sizeof(*seat))
		return -EINVAL;
	memcpy(out, seat, size);
	return 0;
}
