/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classes.h"

enum { POOL_PAGE = 2 << 20, FAR_AWAY = 1000 };

/* What the choice is made from: CPUs in the order of preference, and nodes. */
struct machine {
	const struct offer *offer;
	struct dsr_cpu_info *cpus;
	uint32_t cpu_count;
	struct dsr_node_info *nodes;
	uint32_t node_count;
};

const char *place_name(enum place place)
{
	static const char *const names[] = {"consumer", "producer", "other", "memory",
					    "interleaved"};

	return names[place];
}

const char *place_title(enum place place)
{
	static const char *const titles[] = {"the consumer's node", "the producer's node",
					     "another node", "a node without CPUs",
					     "all nodes in turn"};

	return titles[place];
}

const char *pages_name(enum dsr_pages pages)
{
	return pages == DSR_PAGES_SMALL ? "small" : pages == DSR_PAGES_2M ? "2m" : "transparent";
}

const char *pages_title(enum dsr_pages pages)
{
	return pages == DSR_PAGES_SMALL ? "small pages"
	       : pages == DSR_PAGES_2M  ? "2 MiB pages of the pool"
					: "transparent huge pages";
}

static void __attribute__((format(printf, 2, 3))) note(struct choice *c, const char *format, ...)
{
	va_list arguments;

	if (c->note_count == NOTES_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(c->notes[c->note_count++], sizeof(c->notes[0]), format, arguments);
	va_end(arguments);
}

static bool find_cpu(const struct dsr_topology *t, int id, struct dsr_cpu_info *out)
{
	for (uint32_t i = 0; i < dsr_topology_cpus(t); i++)
		if (dsr_topology_cpu(t, i, out) == 0 && out->id == id)
			return true;
	return false;
}

static void take_named(struct machine *m)
{
	const struct offer *offer = m->offer;

	for (uint32_t i = 0; i < offer->cpu_count; i++)
		if (find_cpu(offer->topology, offer->cpus[i], &m->cpus[m->cpu_count]) &&
		    m->cpus[m->cpu_count].is_allowed)
			m->cpu_count++;
}

static void take_allowed(struct machine *m, bool isolated)
{
	const struct dsr_topology *t = m->offer->topology;

	for (uint32_t i = 0; i < dsr_topology_cpus(t); i++) {
		struct dsr_cpu_info *cpu = &m->cpus[m->cpu_count];

		if (dsr_topology_cpu(t, i, cpu) == 0 && cpu->is_allowed &&
		    cpu->is_isolated == isolated)
			m->cpu_count++;
	}
}

static int read_machine(struct machine *m, const struct offer *offer)
{
	const struct dsr_topology *t = offer->topology;
	/* One more: where the next one is looked at. */
	uint32_t cpus = dsr_topology_cpus(t) + offer->cpu_count + 1, i;

	*m = (struct machine){.offer = offer};
	m->cpus = calloc(cpus, sizeof(*m->cpus));
	m->nodes = calloc(dsr_topology_nodes(t) + 1, sizeof(*m->nodes));
	if (!m->cpus || !m->nodes)
		return -ENOMEM;
	if (offer->cpu_count) {
		take_named(m);
	} else {
		take_allowed(m, true);
		take_allowed(m, false);
	}
	for (i = 0; i < dsr_topology_nodes(t); i++)
		if (dsr_topology_node(t, i, &m->nodes[m->node_count]) == 0)
			m->node_count++;
	return m->cpu_count < 2 ? -ENODEV : 0;
}

static const struct dsr_node_info *node_of(const struct machine *m, int id)
{
	for (uint32_t i = 0; i < m->node_count; i++)
		if (m->nodes[i].id == id)
			return &m->nodes[i];
	return NULL;
}

/* Can slots lie there? Where nodes are not told there is one, which can. */
static bool has_memory(const struct machine *m, int id)
{
	const struct dsr_node_info *node = node_of(m, id);

	return node ? node->is_allowed : m->node_count <= 1;
}

static uint32_t memory_nodes(const struct machine *m)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < m->node_count; i++)
		count += m->nodes[i].is_allowed;
	return count;
}

static int distance(const struct machine *m, int from, int to)
{
	int units = dsr_topology_distance(m->offer->topology, from, to);

	return units > 0 ? units : 0;
}

static enum kinship kinship_of(const struct dsr_cpu_info *a, const struct dsr_cpu_info *b)
{
	if (a->node != b->node)
		return KIN_REMOTE;
	if (a->core >= 0 && a->core == b->core)
		return KIN_SIBLINGS;
	return a->cache >= 0 && a->cache == b->cache ? KIN_CACHE : KIN_NODE;
}

static void name_remote(struct pair *p)
{
	const char *bare = p->has_memory ? "" : "-memoryless";

	if (!p->distance) {
		snprintf(p->name, sizeof(p->name), "remote%s", bare);
		snprintf(p->title, sizeof(p->title), "other node");
	} else if (p->distance == p->back) {
		snprintf(p->name, sizeof(p->name), "remote-%d%s", p->distance, bare);
		snprintf(p->title, sizeof(p->title), "other node, distance %d", p->distance);
	} else {
		snprintf(p->name, sizeof(p->name), "remote-%d-%d%s", p->distance, p->back, bare);
		snprintf(p->title, sizeof(p->title), "other node, distance %d, and %d back",
			 p->distance, p->back);
	}
	if (!p->has_memory)
		strncat(p->title, ", one without memory", sizeof(p->title) - strlen(p->title) - 1);
}

static void name_pair(struct pair *p)
{
	static const char *const names[] = {"sibling", "cache", "node"};

	if (p->kin == KIN_REMOTE) {
		name_remote(p);
		return;
	}
	snprintf(p->name, sizeof(p->name), "%s", names[p->kin]);
	if (p->kin == KIN_SIBLINGS)
		snprintf(p->title, sizeof(p->title), "same core");
	else if (p->kin == KIN_CACHE)
		snprintf(p->title, sizeof(p->title), "same L%d, another core", p->cache_level);
	else if (p->cache_level)
		snprintf(p->title, sizeof(p->title), "same node, another L%d", p->cache_level);
	else
		snprintf(p->title, sizeof(p->title), "same node, caches not told");
}

static bool is_same_class(const struct pair *a, const struct pair *b)
{
	if (a->kin != b->kin)
		return false;
	return a->kin != KIN_REMOTE ||
	       (a->distance == b->distance && a->back == b->back && a->has_memory == b->has_memory);
}

static void add_pair(struct choice *c, const struct machine *m, const struct dsr_cpu_info *producer,
		     const struct dsr_cpu_info *consumer)
{
	struct pair pair = {
		.kin = kinship_of(producer, consumer),
		.producer = producer->id,
		.consumer = consumer->id,
		.producer_node = producer->node,
		.consumer_node = consumer->node,
		.distance = distance(m, producer->node, consumer->node),
		.back = distance(m, consumer->node, producer->node),
		.has_memory = has_memory(m, producer->node) && has_memory(m, consumer->node),
		.cache_level = producer->cache >= 0 ? producer->cache_level : 0,
	};
	uint32_t i;

	/* Half of it says nothing. */
	if (!pair.distance || !pair.back)
		pair.distance = pair.back = 0;
	for (i = 0; i < c->pair_count; i++)
		if (is_same_class(&c->pairs[i], &pair))
			return;
	if (c->pair_count == PAIRS_MAX) {
		if (!c->note_count)
			note(c, "More than %d classes of pairs: some other nodes are left out.",
			     PAIRS_MAX);
		return;
	}
	name_pair(&pair);
	c->pairs[c->pair_count++] = pair;
}

/* Of the first CPUs of each node, in any order: there and back may be two things. */
static void add_remote_pairs(struct choice *c, const struct machine *m)
{
	for (uint32_t i = 0; i < m->cpu_count; i++) {
		uint32_t first = 0;

		while (m->cpus[first].node != m->cpus[i].node)
			first++;
		if (first != i)
			continue;
		for (uint32_t k = 0; k < m->cpu_count; k++)
			if (m->cpus[k].node != m->cpus[i].node)
				add_pair(c, m, &m->cpus[i], &m->cpus[k]);
	}
}

static void add_local_pairs(struct choice *c, const struct machine *m)
{
	bool has[KINSHIPS] = {false};

	for (uint32_t i = 0; i < m->cpu_count; i++) {
		for (uint32_t k = i + 1; k < m->cpu_count; k++) {
			enum kinship kin = kinship_of(&m->cpus[i], &m->cpus[k]);

			if (kin != KIN_REMOTE && !has[kin])
				add_pair(c, m, &m->cpus[i], &m->cpus[k]);
			has[kin] = true;
		}
	}
}

static int compare_pairs(const void *a, const void *b)
{
	const struct pair *p = a, *q = b;

	if (p->kin != q->kin)
		return p->kin < q->kin ? -1 : 1;
	if (p->distance + p->back != q->distance + q->back)
		return p->distance + p->back - q->distance - q->back;
	return p->distance - q->distance;
}

/* How far a node is from both of a pair. */
static int way(const struct machine *m, const struct pair *pair, int node)
{
	int there = distance(m, pair->producer_node, node);
	int back = distance(m, pair->consumer_node, node);

	return there && back ? there + back : FAR_AWAY;
}

/* Who has no memory lies with the nearest who has, be that the other one's. */
static bool is_other(const struct pair *pair, int node)
{
	return !pair->has_memory || (node != pair->producer_node && node != pair->consumer_node);
}

/* -1: none. */
static int nearest(const struct machine *m, const struct pair *pair, bool has_cpus)
{
	int found = -1, best = 0;

	for (uint32_t i = 0; i < m->node_count; i++) {
		const struct dsr_node_info *node = &m->nodes[i];
		int far = way(m, pair, node->id);

		if (!node->is_allowed || (node->cpus > 0) != has_cpus || !is_other(pair, node->id))
			continue;
		if (found < 0 || far < best) {
			found = node->id;
			best = far;
		}
	}
	return found;
}

/* Two rings, as a ping-pong has them, from the pool of one node. */
static bool has_pool(const struct machine *m, int id)
{
	const struct dsr_node_info *node = node_of(m, id);
	uint64_t pages = (m->offer->slot_bytes + POOL_PAGE - 1) / POOL_PAGE * 2;

	for (uint32_t i = 0; node && i < node->pool_count; i++)
		if (node->pools[i].page_bytes == POOL_PAGE)
			return node->pools[i].free >= pages;
	return false;
}

static bool have_pools(const struct machine *m, const struct pair *pair, enum place place, int node)
{
	if (place == PLACE_OTHER || place == PLACE_MEMORY)
		return has_pool(m, node);
	if (place != PLACE_INTERLEAVED)
		return has_pool(m, pair->producer_node) && has_pool(m, pair->consumer_node);
	for (uint32_t i = 0; i < m->node_count; i++)
		if (m->nodes[i].is_allowed && !has_pool(m, m->nodes[i].id))
			return false;
	return true;
}

static void add_cell(struct choice *c, uint32_t pair, enum place place, int node,
		     enum dsr_pages pages)
{
	struct cell cell = {.pair = pair, .place = place, .node = node, .pages = pages};

	if (c->cell_count == CELLS_MAX)
		return;
	snprintf(cell.name, sizeof(cell.name), "%s/%s/%s", c->pairs[pair].name, place_name(place),
		 pages_name(pages));
	c->cells[c->cell_count++] = cell;
}

static void add_place(struct choice *c, const struct machine *m, uint32_t pair, enum place place,
		      int node)
{
	add_cell(c, pair, place, node, DSR_PAGES_SMALL);
	if (m->offer->has_transparent)
		add_cell(c, pair, place, node, DSR_PAGES_TRANSPARENT);
	if (have_pools(m, &c->pairs[pair], place, node))
		add_cell(c, pair, place, node, DSR_PAGES_2M);
}

static void add_places(struct choice *c, const struct machine *m, uint32_t index)
{
	const struct pair *pair = &c->pairs[index];
	int other = nearest(m, pair, true), memory = nearest(m, pair, false);

	if (pair->has_memory) {
		add_place(c, m, index, PLACE_CONSUMER, pair->consumer_node);
		if (pair->producer_node != pair->consumer_node)
			add_place(c, m, index, PLACE_PRODUCER, pair->producer_node);
	}
	if (other >= 0)
		add_place(c, m, index, PLACE_OTHER, other);
	if (memory >= 0)
		add_place(c, m, index, PLACE_MEMORY, memory);
	if (memory_nodes(m) > 1)
		add_place(c, m, index, PLACE_INTERLEAVED, -1);
}

static bool has_kin(const struct choice *c, enum kinship kin)
{
	for (uint32_t i = 0; i < c->pair_count; i++)
		if (c->pairs[i].kin == kin)
			return true;
	return false;
}

static bool has_pages(const struct choice *c, enum dsr_pages pages)
{
	for (uint32_t i = 0; i < c->cell_count; i++)
		if (c->cells[i].pages == pages)
			return true;
	return false;
}

static void note_nodes(struct choice *c, const struct machine *m)
{
	if (m->node_count <= 1)
		note(c, "One node: nothing to choose between nodes, for threads or for slots.");
	else if (memory_nodes(m) == 1)
		note(c, "Memory of one node only may be used: nothing to choose for slots.");
	if (m->node_count > 1 && !has_kin(c, KIN_REMOTE))
		note(c, "The CPUs are all on one node: no consumer on another.");
	for (uint32_t i = 0; i < m->node_count; i++)
		if (m->nodes[i].cpus && !m->nodes[i].is_allowed)
			note(c,
			     "Node %d has CPUs, and no memory that may be used: no slots beside "
			     "its "
			     "threads.",
			     m->nodes[i].id);
}

static void note_caches(struct choice *c, const struct machine *m)
{
	if (!has_kin(c, KIN_SIBLINGS))
		note(c, "No two of the CPUs are one core's: nothing to say about siblings.");
	if (!has_kin(c, KIN_CACHE))
		note(c, m->cpus[0].cache < 0
				? "The kernel does not tell which CPUs share a cache."
				: "No two cores share a last-level cache, among the CPUs.");
	else if (!has_kin(c, KIN_NODE))
		note(c, "Who shares a node shares its last-level cache, among the CPUs.");
}

static void note_pages(struct choice *c, const struct machine *m)
{
	uint64_t pages = (m->offer->slot_bytes + POOL_PAGE - 1) / POOL_PAGE * 2;

	if (!m->offer->has_transparent)
		note(c, "Transparent huge pages are off: as root, echo madvise > "
			"/sys/kernel/mm/transparent_hugepage/enabled.");
	if (!has_pages(c, DSR_PAGES_2M))
		note(c,
		     "No node's pool has the %" PRIu64
		     " pages of 2 MiB that are wanted: as root, echo %" PRIu64
		     " > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/"
		     "nr_hugepages, and for other nodes.",
		     pages, pages);
}

int classes_choose(const struct offer *offer, struct choice *choice)
{
	struct machine m;
	int err = read_machine(&m, offer);

	memset(choice, 0, sizeof(*choice));
	choice->knows_nodes = m.node_count > 1;
	if (err == 0) {
		add_local_pairs(choice, &m);
		add_remote_pairs(choice, &m);
		qsort(choice->pairs, choice->pair_count, sizeof(*choice->pairs), compare_pairs);
		for (uint32_t i = 0; i < choice->pair_count; i++)
			add_places(choice, &m, i);
		note_nodes(choice, &m);
		note_caches(choice, &m);
		note_pages(choice, &m);
	}
	free(m.cpus);
	free(m.nodes);
	return err;
}

bool classes_has_transparent(const char *root)
{
	char text[4096] = "";
	FILE *file;

	snprintf(text, sizeof(text), "%s/sys/kernel/mm/transparent_hugepage/enabled",
		 root ? root : "");
	file = fopen(text, "re");
	text[0] = '\0';
	if (file && !fgets(text, sizeof(text), file))
		text[0] = '\0';
	if (file)
		fclose(file);
	return !strstr(text, "[never]");
}
