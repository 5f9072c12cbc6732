/* SPDX-License-Identifier: MIT */
/*
 * What the machine is made of, as the kernel tells it under /sys. The only file that reads there.
 *
 * Nothing that is read is believed: a folder of canned files may hold anything,
 * and so do some kernels, containers and firmwares. A file that is no file, is longer
 * than such a file can be, or says what makes no sense, counts as not told; a list
 * is good up to where it stops being one. What comes out is of one piece whatever
 * went in: ids ascend, a CPU's node is one of the nodes, groups do not overlap.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "node.h"
#include "topology.h"

#define NODES "sys/devices/system/node"
#define CPUS  "sys/devices/system/cpu"

/* For a list of 1600 CPUs that are dealt out in turn, and a process's status; on any stack. */
#define LIST_ROOM (8 * 1024)
#define PATH_ROOM 96

/* No machine has more of anything, and a sum over all nodes, and JSON, can still say it. */
#define NUMBER_MAX (UINT64_C(1) << 53)

#define CACHES_MAX 10
#define LEVEL_MAX  9

/* Digits, and no sign. Beyond NUMBER_MAX they are passed over all the same. */
static bool parse_number(const char **at, uint64_t *value)
{
	const char *s = *at;
	uint64_t n = 0;

	for (; isdigit((unsigned char)*s); s++)
		if (n <= NUMBER_MAX)
			n = n * 10 + (uint64_t)(*s - '0');
	if (s == *at || n > NUMBER_MAX)
		return false;
	*at = s;
	*value = n;
	return true;
}

/*
 * "0-3,8,10-11": adds what it names, up to anything that is no such list. The
 * kernel's lists ascend, so that one which does not is none, and takes no time.
 */
static int parse_list(const char *list, struct dsr_cpus *cpus)
{
	uint64_t first, last, next = 0;
	int count = 0;

	while (parse_number(&list, &first)) {
		last = first;
		if (*list == '-') {
			list++;
			if (!parse_number(&list, &last))
				break;
		}
		if (first < next || last < first)
			break;
		for (; first <= last && first < DSR_CPUS_MAX; first++, count++)
			dsr_cpus_add(cpus, (int)first);
		next = last + 1;
		if (*list++ != ',')
			break;
	}
	return count;
}

/* "node8": 8. @before, a number, @after. */
static bool parse_name(const char *name, const char *before, const char *after, uint64_t *number)
{
	size_t length = strlen(before);

	if (strncmp(name, before, length) != 0)
		return false;
	name += length;
	return parse_number(&name, number) && strcmp(name, after) == 0;
}

/* "MemTotal:  16067476 kB", somewhere in it: in bytes. */
static bool parse_kib(const char *text, const char *name, uint64_t *bytes)
{
	uint64_t kib;

	text = strstr(text, name);
	if (!text)
		return false;
	text += strlen(name);
	text += strspn(text, " \t");
	if (!parse_number(&text, &kib) || kib > NUMBER_MAX / 1024)
		return false;
	*bytes = kib * 1024;
	return true;
}

/* False: it is not there, is no file, or is too long to be one of these. Waits for no pipe. */
static bool read_text(int folder, const char *path, char *text, size_t size)
{
	int file = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t length = 0;
	ssize_t n = -1;

	if (file < 0)
		return false;
	while (length < size - 1 && (n = read(file, text + length, size - 1 - length)) > 0)
		length += (size_t)n;
	close(file);
	text[length] = '\0';
	return n == 0;
}

static bool read_number(int folder, const char *path, uint64_t *number)
{
	char text[32];
	const char *at = text;

	return read_text(folder, path, text, sizeof(text)) && parse_number(&at, number) &&
	       (*at == '\n' || *at == '\0');
}

/* How many are in it; -1: not told. An empty list is told. */
static int read_list(int folder, const char *path, struct dsr_cpus *cpus)
{
	char text[LIST_ROOM];

	memset(cpus, 0, sizeof(*cpus));
	return read_text(folder, path, text, sizeof(text)) ? parse_list(text, cpus) : -1;
}

static DIR *open_folder(int folder, const char *path)
{
	int fd = openat(folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

/* Each CPU's folder holds a link to its node's, named after it. */
static int read_node_of(int folder, const char *path)
{
	DIR *dir = open_folder(folder, path);
	struct dirent *entry;
	uint64_t number;
	int node = -1;

	while (dir && node < 0 && (entry = readdir(dir)))
		if (parse_name(entry->d_name, "node", "", &number) && number < DSR_NODES_MAX)
			node = (int)number;
	if (dir)
		closedir(dir);
	return node;
}

bool dsr_topology_has_node(int node)
{
	char path[PATH_ROOM];
	int saved = errno;
	bool found;

	snprintf(path, sizeof(path), "/" NODES "/node%d", node);
	found = access(path, F_OK) == 0;
	errno = saved;
	return found;
}

int dsr_topology_node_cpus(int node, struct dsr_cpus *cpus)
{
	char path[PATH_ROOM];
	int saved = errno;
	int count;

	snprintf(path, sizeof(path), "/" NODES "/node%d/cpulist", node);
	count = read_list(AT_FDCWD, path, cpus);
	errno = saved;
	return count > 0 ? 0 : -ENODEV;
}

int dsr_topology_node_of(int cpu)
{
	char path[PATH_ROOM];
	int saved = errno;
	int node;

	snprintf(path, sizeof(path), "/" CPUS "/cpu%d", cpu);
	node = read_node_of(AT_FDCWD, path);
	errno = saved;
	return node;
}

/*
 * Of a node's free memory the kernel keeps some back, zone by zone, and has somebody
 * killed rather than give it away. 0: not told.
 */
static uint64_t read_kept(int node)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	uint64_t pages, sum = 0;
	int of = -1;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "Node %d, zone", &of);
		if (of == node && sscanf(line, " high %" SCNu64, &pages) == 1)
			sum += pages;
	}
	if (file)
		fclose(file);
	return sum * dsr_page_size();
}

uint64_t dsr_topology_node_room(int node)
{
	/* What files hold goes before anybody is killed. */
	static const char *const names[] = {
		"MemFree:", "Active(file):", "Inactive(file):", "SReclaimable:"};
	char path[PATH_ROOM], text[LIST_ROOM];
	int saved = errno;
	uint64_t room = 0, bytes, kept;
	bool is_told = false;

	snprintf(path, sizeof(path), "/" NODES "/node%d/meminfo", node);
	if (read_text(AT_FDCWD, path, text, sizeof(text))) {
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
			if (!parse_kib(text, names[i], &bytes))
				continue;
			room += bytes;
			is_told = true;
		}
	}
	kept = is_told ? read_kept(node) : 0;
	errno = saved;
	if (!is_told)
		return UINT64_MAX;
	return room > kept ? room - kept : 0;
}

uint64_t dsr_topology_room(bool by_policy)
{
	struct dsr_cpus allowed, bound, all;
	uint64_t room = 0;
	int saved = errno;
	int count = read_list(AT_FDCWD, "/" NODES "/has_memory", &all);

	errno = saved;
	if (count <= 0 || dsr_nodes_allowed(&allowed) < 0)
		return UINT64_MAX;
	if (by_policy && dsr_nodes_bound(&bound))
		allowed = bound;
	for (int node = 0; node < DSR_NODES_MAX; node++) {
		uint64_t here = dsr_cpus_has(&allowed, node) ? dsr_topology_node_room(node) : 0;

		if (here == UINT64_MAX)
			return UINT64_MAX;
		room += here;
		count -= dsr_cpus_has(&allowed, node) && dsr_cpus_has(&all, node);
	}
	/* With all of them at hand it is a matter of the whole machine. */
	return count ? room : UINT64_MAX;
}

/* What a picture is taken of. A folder that is not there is -1, and nothing is in it. */
struct machine {
	bool is_this;
	int root;
	int nodes;
	int cpus;
	struct dsr_cpus allowed;
};

static int open_machine(struct machine *m, const char *root)
{
	m->is_this = !root;
	m->root = open(root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (m->root < 0 && root)
		return errno == ENOTDIR ? -ENOENT : -errno;
	m->nodes = openat(m->root, NODES, O_PATH | O_DIRECTORY | O_CLOEXEC);
	m->cpus = openat(m->root, CPUS, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return 0;
}

static void close_machine(const struct machine *m)
{
	const int folders[] = {m->root, m->nodes, m->cpus};

	for (int i = 0; i < 3; i++)
		if (folders[i] >= 0)
			close(folders[i]);
}

/* A list in /proc/self/status. */
static bool read_status(const struct machine *m, const char *name, struct dsr_cpus *list)
{
	char text[LIST_ROOM];
	const char *at = NULL;

	memset(list, 0, sizeof(*list));
	if (read_text(m->root, "proc/self/status", text, sizeof(text)))
		at = strstr(text, name);
	if (!at)
		return false;
	at += strlen(name);
	return parse_list(at + strspn(at, " \t"), list) > 0;
}

/* False: nobody tells. */
static bool read_allowed(struct machine *m)
{
	if (m->is_this)
		dsr_cpus_allowed(&m->allowed);
	return dsr_cpus_count(&m->allowed) || read_status(m, "\nCpus_allowed_list:", &m->allowed);
}

/* Which there are. Without /sys those that may be used, which are online. */
static void find_cpus(const struct machine *m, struct dsr_cpus *there, struct dsr_cpus *online)
{
	read_list(m->cpus, "present", there);
	if (read_list(m->cpus, "online", online) > 0)
		CPU_OR_S(sizeof(*there), there->sets, there->sets, online->sets);
	else
		*online = *there;
	if (dsr_cpus_count(there))
		return;
	if (read_list(m->cpus, "possible", there) <= 0)
		*there = m->allowed;
	*online = *there;
}

static int make_cpus(struct dsr_topology *t, const struct machine *m)
{
	struct dsr_cpus there, online;

	find_cpus(m, &there, &online);
	t->cpu_count = (uint32_t)dsr_cpus_count(&there);
	t->cpus = calloc(t->cpu_count + 1, sizeof(*t->cpus));
	t->cores = calloc(t->cpu_count + 1, sizeof(*t->cores));
	t->caches = calloc(t->cpu_count + 1, sizeof(*t->caches));
	if (!t->cpus || !t->cores || !t->caches)
		return -ENOMEM;
	for (int id = 0, i = 0; id < DSR_CPUS_MAX; id++) {
		if (!dsr_cpus_has(&there, id))
			continue;
		t->cores[i].first = t->caches[i].first = -1;
		t->cpus[i++] = (struct dsr_cpu_info){.id = id,
						     .node = -1,
						     .package = -1,
						     .core = -1,
						     .cache = -1,
						     .is_online = dsr_cpus_has(&online, id)};
	}
	return 0;
}

static void read_online(struct dsr_topology *t, const struct machine *m, bool is_allowed_told)
{
	struct dsr_cpus isolated, nohz_full;
	char path[PATH_ROOM];
	uint64_t number;

	read_list(m->cpus, "isolated", &isolated);
	read_list(m->cpus, "nohz_full", &nohz_full);
	for (uint32_t i = 0; i < t->cpu_count; i++) {
		struct dsr_cpu_info *cpu = &t->cpus[i];

		snprintf(path, sizeof(path), "cpu%d/online", cpu->id);
		if (read_number(m->cpus, path, &number) && number == 0)
			cpu->is_online = false;
		cpu->is_allowed =
			cpu->is_online && (!is_allowed_told || dsr_cpus_has(&m->allowed, cpu->id));
		cpu->is_isolated = dsr_cpus_has(&isolated, cpu->id);
		cpu->is_nohz_full = dsr_cpus_has(&nohz_full, cpu->id);
	}
}

/* Those of @list that are in no group yet become one, whose first is the CPU of index @at. */
static void gather(struct dsr_cpu_group *groups, const struct dsr_topology *t, uint32_t at,
		   const struct dsr_cpus *list)
{
	struct dsr_cpu_group *group = &groups[at];
	uint32_t i, step, last = at;

	if (!dsr_cpus_has(list, t->cpus[at].id))
		return;
	for (i = at; i < t->cpu_count; i++) {
		if (groups[i].first >= 0 || !t->cpus[i].is_online ||
		    !dsr_cpus_has(list, t->cpus[i].id))
			continue;
		step = (uint32_t)(t->cpus[i].id - t->cpus[last].id);
		groups[i].first = (int)at;
		groups[i].ordinal = group->size++;
		if (group->size == 2)
			group->step = step;
		else if (group->step != step)
			group->step = 0;
		last = i;
	}
}

static void read_core(struct dsr_topology *t, const struct machine *m, uint32_t at)
{
	struct dsr_cpu_info *cpu = &t->cpus[at];
	struct dsr_cpus siblings;
	char path[PATH_ROOM];
	uint64_t number;

	snprintf(path, sizeof(path), "cpu%d/topology/physical_package_id", cpu->id);
	if (read_number(m->cpus, path, &number) && number <= INT32_MAX)
		cpu->package = (int)number;
	if (t->cores[at].first < 0) {
		snprintf(path, sizeof(path), "cpu%d/topology/core_cpus_list", cpu->id);
		if (read_list(m->cpus, path, &siblings) <= 0) {
			snprintf(path, sizeof(path), "cpu%d/topology/thread_siblings_list",
				 cpu->id);
			read_list(m->cpus, path, &siblings);
		}
		gather(t->cores, t, at, &siblings);
	}
	if (t->cores[at].first >= 0)
		cpu->core = t->cpus[t->cores[at].first].id;
}

/* "32768K" */
static uint64_t read_size(int folder, const char *path)
{
	static const char units[] = "KMG";
	char text[32];
	const char *at = text, *unit;
	uint64_t size;
	int shift = 0;

	if (!read_text(folder, path, text, sizeof(text)) || !parse_number(&at, &size))
		return 0;
	unit = *at ? strchr(units, *at) : NULL;
	if (unit)
		shift = 10 * (int)(unit - units + 1);
	return size > NUMBER_MAX >> shift ? 0 : size << shift;
}

/* The index of the last cache for data; -1: not told. */
static int find_last_cache(const struct machine *m, int cpu, int *level)
{
	char path[PATH_ROOM], type[32];
	uint64_t number;
	int found = -1;

	*level = 0;
	for (int i = 0; i < CACHES_MAX; i++) {
		snprintf(path, sizeof(path), "cpu%d/cache/index%d/level", cpu, i);
		if (!read_number(m->cpus, path, &number) || number > LEVEL_MAX ||
		    (int)number <= *level)
			continue;
		snprintf(path, sizeof(path), "cpu%d/cache/index%d/type", cpu, i);
		if (read_text(m->cpus, path, type, sizeof(type)) &&
		    strncmp(type, "Instruction", strlen("Instruction")) == 0)
			continue;
		*level = (int)number;
		found = i;
	}
	return found;
}

/* Who is behind the same cache is behind one of the same level and size, and is not asked again. */
static void read_cache(struct dsr_topology *t, const struct machine *m, uint32_t at)
{
	struct dsr_cpu_info *cpu = &t->cpus[at];
	struct dsr_cpus sharers;
	char path[PATH_ROOM];
	int index;

	if (t->caches[at].first >= 0)
		return;
	index = find_last_cache(m, cpu->id, &cpu->cache_level);
	if (index < 0)
		return;
	snprintf(path, sizeof(path), "cpu%d/cache/index%d/size", cpu->id, index);
	cpu->cache_bytes = read_size(m->cpus, path);
	snprintf(path, sizeof(path), "cpu%d/cache/index%d/shared_cpu_list", cpu->id, index);
	read_list(m->cpus, path, &sharers);
	gather(t->caches, t, at, &sharers);
	for (uint32_t i = at; i < t->cpu_count; i++) {
		if (t->caches[i].first != (int)at)
			continue;
		t->cpus[i].cache = cpu->id;
		t->cpus[i].cache_level = cpu->cache_level;
		t->cpus[i].cache_bytes = cpu->cache_bytes;
	}
}

static void read_pool(int nodes, int node, struct dsr_pool *pool)
{
	uint64_t kib = pool->page_bytes / 1024;
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "node%d/hugepages/hugepages-%" PRIu64 "kB/nr_hugepages", node,
		 kib);
	if (!read_number(nodes, path, &pool->total) || pool->total > NUMBER_MAX / pool->page_bytes)
		pool->total = 0;
	snprintf(path, sizeof(path), "node%d/hugepages/hugepages-%" PRIu64 "kB/free_hugepages",
		 node, kib);
	if (!read_number(nodes, path, &pool->free))
		pool->free = 0;
	if (pool->free > pool->total)
		pool->free = pool->total;
}

/* In the order of their sizes; of too many the smallest are kept. */
static void add_pool(struct dsr_node_info *node, uint64_t page_bytes)
{
	uint32_t at = node->pool_count, last;

	while (at && node->pools[at - 1].page_bytes > page_bytes)
		at--;
	if (at == DSR_POOLS_MAX || (at && node->pools[at - 1].page_bytes == page_bytes))
		return;
	if (node->pool_count < DSR_POOLS_MAX)
		node->pool_count++;
	for (last = node->pool_count - 1; last > at; last--)
		node->pools[last] = node->pools[last - 1];
	node->pools[at] = (struct dsr_pool){.page_bytes = page_bytes};
}

static void read_pools(int nodes, struct dsr_node_info *node)
{
	char path[PATH_ROOM];
	struct dirent *entry;
	uint64_t kib;
	DIR *dir;

	snprintf(path, sizeof(path), "node%d/hugepages", node->id);
	dir = open_folder(nodes, path);
	while (dir && (entry = readdir(dir)))
		if (parse_name(entry->d_name, "hugepages-", "kB", &kib) && kib > 0 &&
		    kib <= NUMBER_MAX / 1024)
			add_pool(node, kib * 1024);
	if (dir)
		closedir(dir);
	for (uint32_t i = 0; i < node->pool_count; i++)
		read_pool(nodes, node->id, &node->pools[i]);
}

static void read_memory(int folder, const char *path, struct dsr_topology_node *node)
{
	char text[4096];

	if (!read_text(folder, path, text, sizeof(text)))
		return;
	node->is_told = parse_kib(text, "MemTotal:", &node->info.bytes);
	parse_kib(text, "MemFree:", &node->info.free_bytes);
	if (node->info.free_bytes > node->info.bytes)
		node->info.free_bytes = node->info.bytes;
}

/* In a row there is a number for each node, in their order. */
static void read_distances(struct dsr_topology *t, int nodes, uint32_t from)
{
	char path[PATH_ROOM], text[LIST_ROOM];
	const char *at = text;
	uint64_t number;

	snprintf(path, sizeof(path), "node%d/distance", t->nodes[from].info.id);
	if (!read_text(nodes, path, text, sizeof(text)))
		return;
	for (uint32_t to = 0; to < t->node_count; to++) {
		at += strspn(at, " \t");
		if (!parse_number(&at, &number) || (*at && !isspace((unsigned char)*at)))
			break;
		if (number <= INT32_MAX)
			t->distances[(size_t)from * t->node_count + to] = (int)number;
	}
}

static void read_node(struct dsr_topology *t, const struct machine *m, uint32_t at)
{
	struct dsr_topology_node *node = &t->nodes[at];
	struct dsr_cpus cpus;
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "node%d/cpulist", node->info.id);
	read_list(m->nodes, path, &cpus);
	for (uint32_t i = 0; i < t->cpu_count; i++)
		if (t->cpus[i].node < 0 && dsr_cpus_has(&cpus, t->cpus[i].id))
			t->cpus[i].node = node->info.id;
	snprintf(path, sizeof(path), "node%d/meminfo", node->info.id);
	read_memory(m->nodes, path, node);
	read_pools(m->nodes, &node->info);
	read_distances(t, m->nodes, at);
}

/* A kernel without NUMA has one node and does not say so. */
static void assume_node(struct dsr_topology *t, const struct machine *m)
{
	for (uint32_t i = 0; i < t->cpu_count; i++)
		t->cpus[i].node = 0;
	read_memory(m->root, "proc/meminfo", &t->nodes[0]);
}

static int make_nodes(struct dsr_topology *t, const struct machine *m, bool *is_told)
{
	DIR *dir = open_folder(m->nodes, ".");
	struct dsr_cpus there;
	struct dirent *entry;
	uint64_t number;
	uint32_t i = 0;

	memset(&there, 0, sizeof(there));
	while (dir && (entry = readdir(dir)))
		if (parse_name(entry->d_name, "node", "", &number) && number < DSR_NODES_MAX)
			dsr_cpus_add(&there, (int)number);
	if (dir)
		closedir(dir);
	*is_told = dsr_cpus_count(&there) > 0;
	if (!*is_told)
		dsr_cpus_add(&there, 0);
	t->node_count = (uint32_t)dsr_cpus_count(&there);
	t->nodes = calloc(t->node_count, sizeof(*t->nodes));
	t->distances = calloc((size_t)t->node_count * t->node_count, sizeof(*t->distances));
	if (!t->nodes || !t->distances)
		return -ENOMEM;
	for (int id = 0; id < DSR_NODES_MAX; id++)
		if (dsr_cpus_has(&there, id))
			t->nodes[i++].info.id = id;
	return 0;
}

static int find_node(const struct dsr_topology *t, int id)
{
	uint32_t low = 0, high = t->node_count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (t->nodes[middle].info.id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->node_count && t->nodes[low].info.id == id ? (int)low : -1;
}

/* An offline CPU is in no node's list, but may still have its link. */
static void find_nodes_of_cpus(struct dsr_topology *t, const struct machine *m)
{
	char path[PATH_ROOM];
	int node;

	for (uint32_t i = 0; i < t->cpu_count; i++) {
		struct dsr_cpu_info *cpu = &t->cpus[i];

		if (cpu->node < 0) {
			snprintf(path, sizeof(path), "cpu%d", cpu->id);
			node = read_node_of(m->cpus, path);
			cpu->node = find_node(t, node) < 0 ? -1 : node;
		}
		if (cpu->node >= 0 && cpu->is_online)
			t->nodes[find_node(t, cpu->node)].info.cpus++;
	}
}

/* From a node that has no memory none can be taken. */
static void read_nodes_allowed(struct dsr_topology *t, const struct machine *m)
{
	struct dsr_cpus allowed;
	bool is_told = (m->is_this && dsr_nodes_allowed(&allowed) == 0) ||
		       read_status(m, "\nMems_allowed_list:", &allowed);

	for (uint32_t i = 0; i < t->node_count; i++) {
		struct dsr_topology_node *node = &t->nodes[i];

		node->info.is_allowed = (node->info.bytes || !node->is_told) &&
					(!is_told || dsr_cpus_has(&allowed, node->info.id));
	}
}

static int read_machine(struct dsr_topology *t, struct machine *m)
{
	bool is_allowed_told = read_allowed(m), has_nodes;
	int err = make_cpus(t, m);

	if (err == 0)
		err = make_nodes(t, m, &has_nodes);
	if (err < 0)
		return err;
	read_online(t, m, is_allowed_told);
	for (uint32_t i = 0; i < t->cpu_count; i++) {
		if (!t->cpus[i].is_online)
			continue;
		read_core(t, m, i);
		read_cache(t, m, i);
	}
	if (!has_nodes)
		assume_node(t, m);
	for (uint32_t i = 0; has_nodes && i < t->node_count; i++)
		read_node(t, m, i);
	find_nodes_of_cpus(t, m);
	read_nodes_allowed(t, m);
	return 0;
}

int dsr_topology_read(const char *root, struct dsr_topology **t)
{
	struct machine m = {.root = -1, .nodes = -1, .cpus = -1};
	int saved = errno;
	int err;

	if (!t)
		return -EINVAL;
	*t = calloc(1, sizeof(**t));
	err = *t ? open_machine(&m, root) : -ENOMEM;
	if (err == 0)
		err = read_machine(*t, &m);
	close_machine(&m);
	if (err < 0) {
		dsr_topology_free(*t);
		*t = NULL;
	}
	errno = saved;
	return err;
}

void dsr_topology_free(struct dsr_topology *t)
{
	if (!t)
		return;
	free(t->nodes);
	free(t->cpus);
	free(t->cores);
	free(t->caches);
	free(t->distances);
	free(t);
}

uint32_t dsr_topology_nodes(const struct dsr_topology *t)
{
	return t ? t->node_count : 0;
}

uint32_t dsr_topology_cpus(const struct dsr_topology *t)
{
	return t ? t->cpu_count : 0;
}

int dsr_topology_node_sized(const struct dsr_topology *t, uint32_t index, struct dsr_node_info *out,
			    size_t size)
{
	if (!t || index >= t->node_count || !out || size > sizeof(*out))
		return -EINVAL;
	memcpy(out, &t->nodes[index].info, size);
	return 0;
}

int dsr_topology_cpu_sized(const struct dsr_topology *t, uint32_t index, struct dsr_cpu_info *out,
			   size_t size)
{
	if (!t || index >= t->cpu_count || !out || size > sizeof(*out))
		return -EINVAL;
	memcpy(out, &t->cpus[index], size);
	return 0;
}

int dsr_topology_distance(const struct dsr_topology *t, int from, int to)
{
	int row, column;

	if (!t)
		return -EINVAL;
	row = find_node(t, from);
	column = find_node(t, to);
	if (row < 0 || column < 0)
		return -ENODEV;
	return t->distances[(size_t)row * t->node_count + (size_t)column];
}

int dsr_topology_nearest(int node)
{
	struct dsr_topology *t;
	struct dsr_node_info info;
	int nearest = -1, least = 0;

	if (dsr_topology_read(NULL, &t) < 0)
		return -1;
	for (uint32_t i = 0; dsr_topology_node(t, i, &info) == 0; i++) {
		int far = dsr_topology_distance(t, node, info.id);

		if (!info.is_allowed || !info.bytes || far <= 0 || (least && far >= least))
			continue;
		least = far;
		nearest = info.id;
	}
	dsr_topology_free(t);
	return nearest;
}
