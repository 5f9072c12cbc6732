/* SPDX-License-Identifier: MIT */
/*
 * A topology in words, which have to do for a laptop and for a machine of 256 CPUs:
 * so CPUs are told in ranges, and cores and caches by what they have in common.
 * And as JSON, which tells each CPU by itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "text.h"
#include "topology.h"

/* Lists that do not fit in a line go on in the next, behind a tab. */
#define LINE_ROOM 80
#define TAB       8

/* "0-3,8" */
static void put_list(struct dsr_text *w, const struct dsr_cpus *cpus)
{
	const char *before = "";
	int last;

	for (int first = 0; first < DSR_CPUS_MAX; first = last + 1) {
		last = first;
		if (!dsr_cpus_has(cpus, first))
			continue;
		while (dsr_cpus_has(cpus, last + 1))
			last++;
		dsr_put(w, last > first ? "%s%d-%d" : "%s%d", before, first, last);
		before = ",";
	}
}

/* 16 MiB, 62.6 GiB */
static void put_bytes(struct dsr_text *w, uint64_t bytes)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
	unsigned int unit = 0;
	uint64_t one = 1;

	while (unit < 5 && bytes >= one * 1024) {
		one *= 1024;
		unit++;
	}
	if (bytes % one == 0)
		dsr_put(w, "%" PRIu64 " %s", bytes / one, units[unit]);
	else
		dsr_put(w, "%.1f %s", (double)bytes / (double)one, units[unit]);
}

static void put_count(struct dsr_text *w, uint32_t count, const char *what)
{
	dsr_put(w, "%" PRIu32 " %s%s", count, what, count == 1 ? "" : "s");
}

static uint32_t count_packages(const struct dsr_topology *t)
{
	uint32_t count = 0, i, j;

	for (i = 0; i < t->cpu_count; i++) {
		if (t->cpus[i].package < 0)
			continue;
		for (j = 0; t->cpus[j].package != t->cpus[i].package; j++)
			;
		count += j == i;
	}
	return count;
}

static void put_summary(struct dsr_text *w, const struct dsr_topology *t)
{
	uint32_t packages = count_packages(t), cores = 0, online = 0, i;
	uint64_t bytes = 0;

	for (i = 0; i < t->cpu_count; i++) {
		cores += t->cores[i].size > 0;
		online += t->cpus[i].is_online;
	}
	for (i = 0; i < t->node_count; i++)
		bytes += t->nodes[i].info.bytes;
	dsr_put(w, "machine: ");
	if (packages) {
		put_count(w, packages, "package");
		dsr_put(w, ", ");
	}
	if (cores) {
		put_count(w, cores, "core");
		dsr_put(w, ", ");
	}
	put_count(w, online, "CPU");
	dsr_put(w, ", ");
	put_count(w, t->node_count, "node");
	if (bytes) {
		dsr_put(w, ", ");
		put_bytes(w, bytes);
	}
	dsr_put(w, "\n");
}

static void put_pools(struct dsr_text *w, const struct dsr_node_info *node)
{
	const char *before = "; huge pages: ";

	for (uint32_t i = 0; i < node->pool_count; i++) {
		const struct dsr_pool *pool = &node->pools[i];

		if (!pool->total)
			continue;
		dsr_put(w, "%s%" PRIu64 " of ", before, pool->total);
		put_bytes(w, pool->page_bytes);
		dsr_put(w, ", %" PRIu64 " free", pool->free);
		before = ", and ";
	}
}

static void put_node(struct dsr_text *w, const struct dsr_topology *t, uint32_t index)
{
	const struct dsr_topology_node *node = &t->nodes[index];
	struct dsr_cpus cpus;

	memset(&cpus, 0, sizeof(cpus));
	for (uint32_t i = 0; i < t->cpu_count; i++)
		if (t->cpus[i].node == node->info.id && t->cpus[i].is_online)
			dsr_cpus_add(&cpus, t->cpus[i].id);
	dsr_put(w, "node %d: %s", node->info.id, node->info.cpus ? "CPUs " : "no CPU");
	put_list(w, &cpus);
	if (node->info.bytes) {
		dsr_put(w, "; ");
		put_bytes(w, node->info.bytes);
		dsr_put(w, ", ");
		put_bytes(w, node->info.free_bytes);
		dsr_put(w, " free");
	} else {
		dsr_put(w, node->is_told ? "; no memory" : "; memory not told");
	}
	put_pools(w, &node->info);
	if (!node->info.is_allowed && (node->info.bytes || !node->is_told))
		dsr_put(w, "; its memory is not for this process");
	dsr_put(w, "\n");
}

/* Does a group of that kind begin with this CPU? */
static bool is_first(const struct dsr_cpu_group *groups, uint32_t index)
{
	return groups[index].first == (int)index;
}

static void get_group(struct dsr_cpus *cpus, const struct dsr_topology *t,
		      const struct dsr_cpu_group *groups, uint32_t first)
{
	memset(cpus, 0, sizeof(*cpus));
	for (uint32_t i = first; i < t->cpu_count; i++)
		if (groups[i].first == (int)first)
			dsr_cpus_add(cpus, t->cpus[i].id);
}

/* Goes on in the next line when this one, which began at @line, is full. */
static void put_group(struct dsr_text *w, size_t *line, const char *before,
		      const struct dsr_cpus *cpus)
{
	struct dsr_text measure = {.text = NULL};

	put_list(&measure, cpus);
	if (w->length - *line + strlen(before) + measure.length > LINE_ROOM) {
		dsr_put(w, "\n\t");
		*line = w->length - TAB;
	} else {
		dsr_put(w, " ");
	}
	dsr_put(w, "%s", before);
	put_list(w, cpus);
}

static bool are_alike(const struct dsr_cpu_group *a, const struct dsr_cpu_group *b)
{
	return a->size == b->size && a->step == b->step;
}

/* The first CPUs of all cores that are alike, or the second ones, and so on. */
static void get_ordinal(struct dsr_cpus *cpus, const struct dsr_topology *t,
			const struct dsr_cpu_group *alike, uint32_t ordinal)
{
	for (uint32_t i = 0; i < t->cpu_count; i++)
		if (t->cores[i].first >= 0 && t->cores[i].ordinal == ordinal &&
		    are_alike(&t->cores[t->cores[i].first], alike))
			dsr_cpus_add(cpus, t->cpus[i].id);
}

static void put_uneven_cores(struct dsr_text *w, const struct dsr_topology *t, uint32_t first,
			     size_t line)
{
	struct dsr_cpus cpus;
	const char *before = "";

	for (uint32_t i = first; i < t->cpu_count; i++) {
		if (!is_first(t->cores, i) || !are_alike(&t->cores[i], &t->cores[first]))
			continue;
		get_group(&cpus, t, t->cores, i);
		put_group(w, &line, before, &cpus);
		before = "| ";
	}
}

/* "0-7, side by side", "0-63 with 64-127" */
static void put_even_cores(struct dsr_text *w, const struct dsr_topology *t,
			   const struct dsr_cpu_group *alike, size_t line)
{
	bool side_by_side = alike->step == 1;
	struct dsr_cpus cpus;

	memset(&cpus, 0, sizeof(cpus));
	for (uint32_t i = 0; i < alike->size; i++) {
		get_ordinal(&cpus, t, alike, i);
		if (side_by_side)
			continue;
		put_group(w, &line, i ? "with " : "", &cpus);
		memset(&cpus, 0, sizeof(cpus));
	}
	if (side_by_side) {
		put_group(w, &line, "", &cpus);
		dsr_put(w, ", side by side");
	}
}

static void put_cores(struct dsr_text *w, const struct dsr_topology *t, uint32_t first)
{
	const struct dsr_cpu_group *core = &t->cores[first];
	size_t line = w->length;

	for (uint32_t i = 0; i < first; i++)
		if (is_first(t->cores, i) && are_alike(&t->cores[i], core))
			return;
	dsr_put(w, "cores of ");
	put_count(w, core->size, "CPU");
	dsr_put(w, ":");
	if (core->step || core->size == 1)
		put_even_cores(w, t, core, line);
	else
		put_uneven_cores(w, t, first, line);
	dsr_put(w, "\n");
}

/* Those that are told in one line. */
static bool are_caches_alike(const struct dsr_topology *t, uint32_t a, uint32_t b)
{
	return is_first(t->caches, a) && is_first(t->caches, b) &&
	       t->cpus[a].cache_level == t->cpus[b].cache_level &&
	       t->cpus[a].cache_bytes == t->cpus[b].cache_bytes &&
	       (t->caches[a].size == 1) == (t->caches[b].size == 1);
}

static void put_shared_caches(struct dsr_text *w, const struct dsr_topology *t, uint32_t first,
			      size_t line)
{
	struct dsr_cpus cpus;
	const char *before = "";

	dsr_put(w, ":");
	for (uint32_t i = first; i < t->cpu_count; i++) {
		if (!are_caches_alike(t, first, i))
			continue;
		get_group(&cpus, t, t->caches, i);
		put_group(w, &line, before, &cpus);
		before = "| ";
	}
}

static void put_own_caches(struct dsr_text *w, const struct dsr_topology *t, uint32_t first)
{
	struct dsr_cpus cpus;

	memset(&cpus, 0, sizeof(cpus));
	for (uint32_t i = first; i < t->cpu_count; i++)
		if (are_caches_alike(t, first, i))
			dsr_cpus_add(&cpus, t->cpus[i].id);
	dsr_put(w, " to each CPU of ");
	put_list(w, &cpus);
}

static void put_caches(struct dsr_text *w, const struct dsr_topology *t, uint32_t first)
{
	size_t line = w->length;

	for (uint32_t i = 0; i < first; i++)
		if (are_caches_alike(t, i, first))
			return;
	dsr_put(w, "last caches: L%d", t->cpus[first].cache_level);
	if (t->cpus[first].cache_bytes) {
		dsr_put(w, " of ");
		put_bytes(w, t->cpus[first].cache_bytes);
	}
	if (t->caches[first].size > 1)
		put_shared_caches(w, t, first, line);
	else
		put_own_caches(w, t, first);
	dsr_put(w, "\n");
}

static bool is_online(const struct dsr_cpu_info *cpu)
{
	return cpu->is_online;
}

static bool is_offline(const struct dsr_cpu_info *cpu)
{
	return !cpu->is_online;
}

static bool is_isolated(const struct dsr_cpu_info *cpu)
{
	return cpu->is_isolated;
}

static bool is_nohz_full(const struct dsr_cpu_info *cpu)
{
	return cpu->is_nohz_full;
}

static bool is_nowhere(const struct dsr_cpu_info *cpu)
{
	return cpu->is_online && cpu->node < 0;
}

static bool is_allowed(const struct dsr_cpu_info *cpu)
{
	return cpu->is_allowed;
}

static int get_cpus(struct dsr_cpus *cpus, const struct dsr_topology *t,
		    bool (*is_so)(const struct dsr_cpu_info *cpu))
{
	memset(cpus, 0, sizeof(*cpus));
	for (uint32_t i = 0; i < t->cpu_count; i++)
		if (is_so(&t->cpus[i]))
			dsr_cpus_add(cpus, t->cpus[i].id);
	return dsr_cpus_count(cpus);
}

static void put_cpus(struct dsr_text *w, const struct dsr_topology *t, const char *what,
		     bool (*is_so)(const struct dsr_cpu_info *cpu))
{
	struct dsr_cpus cpus;

	if (!get_cpus(&cpus, t, is_so))
		return;
	dsr_put(w, "%s: CPUs ", what);
	put_list(w, &cpus);
	dsr_put(w, "\n");
}

/* Unless it may use them all. */
static void put_allowed(struct dsr_text *w, const struct dsr_topology *t)
{
	struct dsr_cpus cpus;
	int online = get_cpus(&cpus, t, is_online), count = get_cpus(&cpus, t, is_allowed);

	if (count == online)
		return;
	dsr_put(w, "for this process: %s", count ? "CPUs " : "no CPU");
	put_list(w, &cpus);
	dsr_put(w, "\n");
}

static int distance(const struct dsr_topology *t, uint32_t from, uint32_t to)
{
	return t->distances[(size_t)from * t->node_count + to];
}

static void put_distances(struct dsr_text *w, const struct dsr_topology *t)
{
	uint32_t from, to;

	if (t->node_count < 2)
		return;
	dsr_put(w, "distances, from the row's CPUs to the column's memory:\n    ");
	for (to = 0; to < t->node_count; to++)
		dsr_put(w, " %4d", t->nodes[to].info.id);
	for (from = 0; from < t->node_count; from++) {
		dsr_put(w, "\n%4d", t->nodes[from].info.id);
		for (to = 0; to < t->node_count; to++) {
			if (distance(t, from, to))
				dsr_put(w, " %4d", distance(t, from, to));
			else
				dsr_put(w, "    -");
		}
	}
	dsr_put(w, "\n");
}

int dsr_topology_text(const struct dsr_topology *t, char *text, size_t size)
{
	struct dsr_text w = {.text = text, .size = size};
	uint32_t i;

	if (!t || (!text && size))
		return -EINVAL;
	put_summary(&w, t);
	for (i = 0; i < t->node_count; i++)
		put_node(&w, t, i);
	put_cpus(&w, t, "offline", is_offline);
	put_cpus(&w, t, "of no known node", is_nowhere);
	put_cpus(&w, t, "isolated", is_isolated);
	put_cpus(&w, t, "without a timer tick", is_nohz_full);
	put_allowed(&w, t);
	for (i = 0; i < t->cpu_count; i++)
		if (is_first(t->cores, i))
			put_cores(&w, t, i);
	for (i = 0; i < t->cpu_count; i++)
		if (is_first(t->caches, i))
			put_caches(&w, t, i);
	put_distances(&w, t);
	return (int)w.length;
}

static const char *boolean(bool value)
{
	return value ? "true" : "false";
}

static void put_json_node(struct dsr_text *w, const struct dsr_node_info *node)
{
	dsr_put(w,
		"{\"id\":%d,\"cpus\":%" PRIu32 ",\"bytes\":%" PRIu64 ",\"free_bytes\":%" PRIu64
		",\"is_allowed\":%s,\"pools\":[",
		node->id, node->cpus, node->bytes, node->free_bytes, boolean(node->is_allowed));
	for (uint32_t i = 0; i < node->pool_count; i++)
		dsr_put(w,
			"%s{\"page_bytes\":%" PRIu64 ",\"total\":%" PRIu64 ",\"free\":%" PRIu64 "}",
			i ? "," : "", node->pools[i].page_bytes, node->pools[i].total,
			node->pools[i].free);
	dsr_put(w, "]}");
}

static void put_json_cpu(struct dsr_text *w, const struct dsr_cpu_info *cpu)
{
	dsr_put(w,
		"{\"id\":%d,\"node\":%d,\"package\":%d,\"core\":%d,\"cache\":%d,"
		"\"cache_level\":%d,\"cache_bytes\":%" PRIu64 ",\"is_online\":%s,"
		"\"is_allowed\":%s,\"is_isolated\":%s,\"is_nohz_full\":%s}",
		cpu->id, cpu->node, cpu->package, cpu->core, cpu->cache, cpu->cache_level,
		cpu->cache_bytes, boolean(cpu->is_online), boolean(cpu->is_allowed),
		boolean(cpu->is_isolated), boolean(cpu->is_nohz_full));
}

int dsr_topology_json(const struct dsr_topology *t, char *text, size_t size)
{
	struct dsr_text w = {.text = text, .size = size};
	uint32_t i, to;

	if (!t || (!text && size))
		return -EINVAL;
	dsr_put(&w, "{\"nodes\":[");
	for (i = 0; i < t->node_count; i++) {
		dsr_put(&w, i ? "," : "");
		put_json_node(&w, &t->nodes[i].info);
	}
	dsr_put(&w, "],\"cpus\":[");
	for (i = 0; i < t->cpu_count; i++) {
		dsr_put(&w, i ? "," : "");
		put_json_cpu(&w, &t->cpus[i]);
	}
	dsr_put(&w, "],\"distances\":[");
	for (i = 0; i < t->node_count; i++) {
		for (to = 0; to < t->node_count; to++)
			dsr_put(&w, "%s%d", to ? "," : (i ? ",[" : "["), distance(t, i, to));
		dsr_put(&w, "]");
	}
	dsr_put(&w, "]}");
	return (int)w.length;
}
