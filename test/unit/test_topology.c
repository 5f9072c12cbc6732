/* SPDX-License-Identifier: MIT */
/*
 * This machine against what the kernel says to us; machines that are not here,
 * test/topology/, against what is known of them; and files that nobody can trust,
 * of which nothing may be believed that does not fit together.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "unit.h"

#define NODES "sys/devices/system/node"
#define CPUS  "sys/devices/system/cpu"

static const char *const machines[] = {
	"ampere",     "asymmetric", "container", "cxl",    "epyc-nps1",    "epyc-nps4",
	"garbage",    "graviton",   "isolated",  "laptop", "no-numa",      "no-sys",
	"intel-snc2", "power9",     "smt-off",   "vm",     "threadripper",
};
enum { MACHINES = sizeof(machines) / sizeof(machines[0]) };

/* A folder of the test's own, for files that it makes up. */
static char root[] = "/tmp/test_topology_XXXXXX";
static bool has_root;

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static void clean_up(void)
{
	if (has_root)
		nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(topology, .timeout = 60, .fini = clean_up);

static void make_root(void)
{
	cr_assert(mkdtemp(root) != NULL);
	has_root = true;
}

static void path_of(char *path, size_t size, const char *name)
{
	cr_assert((size_t)snprintf(path, size, "%s/%s", root, name) < size);
}

/* The folders above @name are made. */
static void write_bytes(const char *name, const char *bytes, size_t size)
{
	char path[512];
	FILE *file;

	path_of(path, sizeof(path), name);
	for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(path, 0755);
		*at = '/';
	}
	file = fopen(path, "we");
	cr_assert(file != NULL, "%s", path);
	cr_assert(fwrite(bytes, 1, size, file) == size);
	cr_assert(fclose(file) == 0);
}

static void write_text(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static void write_folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/.keep", name);
	write_text(path, "");
}

static struct dsr_topology *read_root(const char *from)
{
	struct dsr_topology *t = NULL;
	int err = dsr_topology_read(from, &t);

	cr_assert(err == 0, "%s: %d", from ? from : "this machine", err);
	cr_assert(t != NULL);
	return t;
}

static const char *machine_path(const char *machine)
{
	static char path[512];
	const char *folder = getenv("DSR_TEST_TOPOLOGIES");

	cr_assert(folder != NULL, "DSR_TEST_TOPOLOGIES is not set");
	snprintf(path, sizeof(path), "%s/%s", folder, machine);
	return path;
}

static struct dsr_topology *read_machine(const char *machine)
{
	return read_root(machine_path(machine));
}

static struct dsr_node_info node_at(const struct dsr_topology *t, uint32_t index)
{
	struct dsr_node_info node;

	memset(&node, 0xee, sizeof(node));
	expect(dsr_topology_node(t, index, &node), 0);
	return node;
}

static struct dsr_cpu_info cpu_at(const struct dsr_topology *t, uint32_t index)
{
	struct dsr_cpu_info cpu;

	memset(&cpu, 0xee, sizeof(cpu));
	expect(dsr_topology_cpu(t, index, &cpu), 0);
	return cpu;
}

static struct dsr_node_info node_of(const struct dsr_topology *t, int id)
{
	uint32_t i = 0;

	while (i < dsr_topology_nodes(t) && node_at(t, i).id != id)
		i++;
	return node_at(t, i);
}

/* No index is above the number it is of, as numbers ascend. */
static struct dsr_cpu_info cpu_of(const struct dsr_topology *t, int id)
{
	uint32_t count = dsr_topology_cpus(t), i = (uint32_t)id;

	cr_assert(id >= 0 && count > 0);
	if (i >= count)
		i = count - 1;
	while (i > 0 && cpu_at(t, i).id > id)
		i--;
	expect(cpu_at(t, i).id, id);
	return cpu_at(t, i);
}

/* Behind a value of JSON, or NULL. Members that are arrays of numbers, or objects, nest. */
static const char *skip_json(const char *s);

static const char *skip_word(const char *s, const char *word)
{
	return strncmp(s, word, strlen(word)) == 0 ? s + strlen(word) : NULL;
}

static const char *skip_number(const char *s)
{
	s += *s == '-';
	if (*s == '0')
		return s + 1;
	return strspn(s, "0123456789") ? s + strspn(s, "0123456789") : NULL;
}

static const char *skip_name(const char *s)
{
	size_t length = *s == '"' ? strcspn(s + 1, "\"\\") : 0;

	return length && s[length + 1] == '"' && s[length + 2] == ':' ? s + length + 3 : NULL;
}

static const char *skip_many(const char *s, bool is_object)
{
	const char end = is_object ? '}' : ']';

	if (s[1] == end)
		return s + 2;
	do {
		s = is_object ? skip_name(s + 1) : s + 1;
		s = s ? skip_json(s) : NULL;
	} while (s && *s == ',');
	return s && *s == end ? s + 1 : NULL;
}

static const char *skip_json(const char *s)
{
	if (*s == '{' || *s == '[')
		return skip_many(s, *s == '{');
	if (*s == 't')
		return skip_word(s, "true");
	return *s == 'f' ? skip_word(s, "false") : skip_number(s);
}

typedef int (*writer)(const struct dsr_topology *t, char *text, size_t size);

/* All of it, to be freed; the length is the same however much room there is. */
static char *get_text(const struct dsr_topology *t, writer write)
{
	int length = write(t, NULL, 0);
	char *text;

	cr_assert(length > 0);
	text = malloc((size_t)length + 1);
	cr_assert(text != NULL);
	expect(write(t, text, (size_t)length + 1), length);
	expect(strlen(text), length);
	return text;
}

static void expect_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	cr_assert(at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n',
		  "no line \"%s\" in:\n%s", line, text);
}

static void check_texts(const struct dsr_topology *t)
{
	char *text = get_text(t, dsr_topology_text), *json = get_text(t, dsr_topology_json);
	const char *end = skip_json(json);

	for (const char *c = text; *c; c++)
		cr_assert((*c >= ' ' && *c <= '~') || *c == '\n' || *c == '\t', "%d", *c);
	expect(text[strlen(text) - 1], '\n');
	cr_assert(end && *end == '\0', "no JSON: %s", json);
	free(text);
	free(json);
}

static void check_node(const struct dsr_topology *t, uint32_t index)
{
	struct dsr_node_info node = node_at(t, index);
	uint32_t cpus = 0;

	cr_assert(node.id >= 0);
	cr_assert(index == 0 || node.id > node_at(t, index - 1).id);
	cr_assert(node.free_bytes <= node.bytes);
	cr_assert(node.pool_count <= DSR_POOLS_MAX);
	for (uint32_t i = 0; i < node.pool_count; i++) {
		const struct dsr_pool *pool = &node.pools[i];

		cr_assert(pool->page_bytes > (i ? node.pools[i - 1].page_bytes : 0));
		cr_assert(pool->free <= pool->total);
		cr_assert(pool->total <= UINT64_MAX / pool->page_bytes);
	}
	for (uint32_t i = 0; i < dsr_topology_cpus(t); i++)
		cpus += cpu_at(t, i).node == node.id && cpu_at(t, i).is_online;
	expect(node.cpus, cpus);
}

static void check_cpu(const struct dsr_topology *t, uint32_t index)
{
	struct dsr_cpu_info cpu = cpu_at(t, index), other;

	cr_assert(cpu.id >= 0);
	cr_assert(index == 0 || cpu.id > cpu_at(t, index - 1).id);
	cr_assert(cpu.package >= -1);
	if (cpu.node != -1)
		expect(node_of(t, cpu.node).id, cpu.node);
	if (cpu.core != -1) {
		other = cpu_of(t, cpu.core);
		cr_assert(other.id <= cpu.id && other.core == other.id && other.is_online);
	}
	if (cpu.cache != -1) {
		other = cpu_of(t, cpu.cache);
		cr_assert(other.id <= cpu.id && other.cache == other.id && other.is_online);
		cr_assert(cpu.cache_level > 0);
		expect(cpu.cache_level, other.cache_level);
		expect(cpu.cache_bytes, other.cache_bytes);
	}
	cr_assert(cpu.cache_level >= 0);
	cr_assert(cpu.cache_level > 0 || cpu.cache_bytes == 0);
	if (!cpu.is_online) {
		expect(cpu.is_allowed, false);
		expect(cpu.core, -1);
		expect(cpu.cache, -1);
	}
}

/* What is true of each picture, whatever the files said. */
static void check_whole(const struct dsr_topology *t)
{
	uint32_t nodes = dsr_topology_nodes(t), i, j;

	cr_assert(nodes > 0);
	for (i = 0; i < nodes; i++)
		check_node(t, i);
	for (i = 0; i < dsr_topology_cpus(t); i++)
		check_cpu(t, i);
	for (i = 0; i < nodes; i++)
		for (j = 0; j < nodes; j++)
			cr_assert(dsr_topology_distance(t, node_at(t, i).id, node_at(t, j).id) >=
				  0);
	check_texts(t);
}

/* How many CPUs have a value of their own: so many groups there are. */
static uint32_t count_groups(const struct dsr_topology *t, size_t member)
{
	uint32_t count = 0, i, j;

	for (i = 0; i < dsr_topology_cpus(t); i++) {
		struct dsr_cpu_info cpu = cpu_at(t, i), other;
		int a, b = -1;

		memcpy(&a, (char *)&cpu + member, sizeof(a));
		for (j = 0; j < i && b != a; j++) {
			other = cpu_at(t, j);
			memcpy(&b, (char *)&other + member, sizeof(b));
		}
		count += a >= 0 && (i == 0 || b != a);
	}
	return count;
}

CASE(topology, this_machine_is_what_the_kernel_says)
{
	struct dsr_topology *t = read_root(NULL);
	uint32_t allowed = 0, node_allowed = 0;
	cpu_set_t set;

	check_whole(t);
	cr_assert(sched_getaffinity(0, sizeof(set), &set) == 0);
	for (uint32_t i = 0; i < dsr_topology_cpus(t); i++) {
		struct dsr_cpu_info cpu = cpu_at(t, i);

		expect(cpu.is_allowed, cpu.id < CPU_SETSIZE && CPU_ISSET(cpu.id, &set));
		allowed += cpu.is_allowed;
	}
	expect(allowed, CPU_COUNT(&set));
	for (uint32_t i = 0; i < dsr_topology_nodes(t); i++)
		node_allowed += node_at(t, i).is_allowed;
	cr_assert(node_allowed > 0);
	dsr_topology_free(t);
}

CASE(topology, node_of_this_machine_has_what_its_files_say)
{
	struct dsr_topology *t = read_root(NULL);
	struct dsr_node_info node = node_at(t, 0);
	char path[128], line[128];
	unsigned long long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/" NODES "/node%d/meminfo", node.id);
	file = fopen(path, "re");
	if (!file) {
		dsr_topology_free(t);
		cr_skip_test("not here: no %s", path);
	}
	while (fgets(line, sizeof(line), file) && !strstr(line, "MemTotal:"))
		;
	fclose(file);
	expect(sscanf(line, "Node %*d MemTotal: %llu kB", &kib), 1);
	expect(node.bytes, kib * 1024);
	cr_assert(node.free_bytes > 0);
	dsr_topology_free(t);
}

CASE(topology, affinity_is_that_of_the_moment)
{
	int one = some_cpu();
	struct dsr_topology *t;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(one, &set);
	cr_assert(sched_setaffinity(0, sizeof(set), &set) == 0);
	t = read_root(NULL);
	for (uint32_t i = 0; i < dsr_topology_cpus(t); i++)
		expect(cpu_at(t, i).is_allowed, cpu_at(t, i).id == one);
	dsr_topology_free(t);
}

static void check_machine(const char *name, uint32_t nodes, uint32_t cpus, uint32_t packages,
			  uint32_t cores, uint32_t caches)
{
	struct dsr_topology *t = read_machine(name);

	check_whole(t);
	expect(dsr_topology_nodes(t), nodes);
	expect(dsr_topology_cpus(t), cpus);
	expect(count_groups(t, offsetof(struct dsr_cpu_info, package)), packages);
	expect(count_groups(t, offsetof(struct dsr_cpu_info, core)), cores);
	expect(count_groups(t, offsetof(struct dsr_cpu_info, cache)), caches);
	dsr_topology_free(t);
}

CASE(topology, each_machine_has_what_it_is_made_of)
{
	check_machine("ampere", 1, 80, 1, 80, 80);
	check_machine("asymmetric", 4, 8, 1, 8, 1);
	check_machine("container", 2, 32, 2, 16, 2);
	check_machine("cxl", 3, 96, 2, 48, 2);
	check_machine("epyc-nps1", 2, 256, 2, 128, 16);
	check_machine("epyc-nps4", 8, 128, 2, 64, 16);
	check_machine("graviton", 1, 64, 1, 64, 1);
	check_machine("intel-snc2", 4, 128, 2, 64, 2);
	check_machine("isolated", 1, 16, 1, 8, 1);
	check_machine("laptop", 1, 16, 1, 12, 1);
	check_machine("no-numa", 1, 4, 1, 4, 1);
	check_machine("no-sys", 1, 3, 0, 0, 0);
	check_machine("power9", 6, 128, 2, 32, 16);
	check_machine("smt-off", 1, 8, 1, 4, 1);
	check_machine("threadripper", 4, 64, 1, 32, 8);
	check_machine("vm", 1, 2, 2, 2, 0);
}

CASE(topology, four_nodes_a_socket)
{
	struct dsr_topology *t = read_machine("epyc-nps4");
	struct dsr_node_info node = node_of(t, 1);
	struct dsr_cpu_info cpu = cpu_of(t, 77);

	expect(node.cpus, 16);
	expect(node.bytes, UINT64_C(66058336) * 1024);
	expect(node.free_bytes, UINT64_C(63220108) * 1024);
	expect(node.is_allowed, true);
	expect(node.pool_count, 2);
	expect(node.pools[0].page_bytes, 2 << 20);
	expect(node.pools[0].total, 2048);
	expect(node.pools[0].free, 2048);
	expect(node.pools[1].page_bytes, 1 << 30);
	expect(node.pools[1].total, 8);
	expect(node_of(t, 0).pools[0].free, 1536);
	expect(cpu.node, 1);
	expect(cpu.package, 0);
	expect(cpu.core, 13);
	expect(cpu.cache, 12);
	expect(cpu.cache_level, 3);
	expect(cpu.cache_bytes, 32 << 20);
	expect(cpu.is_online, true);
	expect(cpu.is_allowed, true);
	expect(cpu.is_isolated, false);
	expect(cpu.is_nohz_full, false);
	expect(dsr_topology_distance(t, 1, 1), 10);
	expect(dsr_topology_distance(t, 1, 2), 12);
	expect(dsr_topology_distance(t, 1, 4), 32);
	dsr_topology_free(t);
}

CASE(topology, cache_may_span_nodes)
{
	struct dsr_topology *t = read_machine("intel-snc2");

	expect(cpu_of(t, 15).node, 0);
	expect(cpu_of(t, 16).node, 1);
	expect(cpu_of(t, 15).cache, 0);
	expect(cpu_of(t, 95).cache, 0);
	expect(cpu_of(t, 32).cache, 32);
	expect(dsr_topology_distance(t, 0, 1), 11);
	dsr_topology_free(t);
}

/* The last cache for data that the kernel tells of, be it one that nobody shares. */
CASE(topology, last_cache)
{
	struct dsr_topology *t = read_machine("ampere");

	expect(cpu_of(t, 79).cache, 79);
	expect(cpu_of(t, 79).cache_level, 2);
	expect(cpu_of(t, 79).cache_bytes, 1 << 20);
	dsr_topology_free(t);
	t = read_machine("laptop");
	expect(cpu_of(t, 15).core, 15);
	expect(cpu_of(t, 7).core, 6);
	expect(cpu_of(t, 15).cache, 0);
	expect(cpu_of(t, 15).cache_bytes, 18 << 20);
	dsr_topology_free(t);
	t = read_machine("vm");
	expect(cpu_of(t, 1).cache, -1);
	expect(cpu_of(t, 1).cache_level, 0);
	expect(cpu_of(t, 1).cache_bytes, 0);
	dsr_topology_free(t);
}

CASE(topology, nodes_without_cpu)
{
	struct dsr_topology *t = read_machine("cxl");

	expect(node_of(t, 2).cpus, 0);
	expect(node_of(t, 2).bytes, UINT64_C(128) << 30);
	expect(node_of(t, 2).is_allowed, true);
	expect(dsr_topology_distance(t, 0, 2), 14);
	expect(dsr_topology_distance(t, 1, 2), 24);
	dsr_topology_free(t);
}

CASE(topology, numbers_have_gaps)
{
	static const int ids[] = {0, 8, 252, 253, 254, 255};
	struct dsr_topology *t = read_machine("power9");

	for (uint32_t i = 0; i < 6; i++)
		expect(node_at(t, i).id, ids[i]);
	expect(cpu_of(t, 64).node, 8);
	expect(cpu_of(t, 67).core, 64);
	expect(cpu_of(t, 71).cache, 64);
	expect(dsr_topology_distance(t, 8, 0), 40);
	expect(dsr_topology_distance(t, 8, 255), 80);
	expect(dsr_topology_distance(t, 255, 255), 10);
	expect(dsr_topology_distance(t, 0, 1), -ENODEV);
	expect(dsr_topology_distance(t, 1, 0), -ENODEV);
	expect(dsr_topology_distance(t, 256, 0), -ENODEV);
	expect(dsr_topology_distance(t, 0, -1), -ENODEV);
	dsr_topology_free(t);
}

/* Of a node without memory none may be taken, though its CPUs are as good as any. */
CASE(topology, nodes_without_memory)
{
	struct dsr_topology *t = read_machine("threadripper");

	expect(node_of(t, 3).cpus, 16);
	expect(node_of(t, 3).bytes, 0);
	expect(node_of(t, 3).is_allowed, false);
	expect(node_of(t, 2).is_allowed, true);
	expect(cpu_of(t, 63).node, 3);
	expect(cpu_of(t, 63).is_allowed, true);
	dsr_topology_free(t);
}

CASE(topology, offline_cpus)
{
	struct dsr_topology *t = read_machine("smt-off");

	expect(node_of(t, 0).cpus, 4);
	expect(cpu_of(t, 3).is_online, true);
	expect(cpu_of(t, 3).is_allowed, true);
	expect(cpu_of(t, 3).cache, 0);
	expect(cpu_of(t, 4).is_online, false);
	expect(cpu_of(t, 4).is_allowed, false);
	expect(cpu_of(t, 4).node, 0);
	expect(cpu_of(t, 4).package, -1);
	expect(cpu_of(t, 4).core, -1);
	dsr_topology_free(t);
}

CASE(topology, isolated_cpus)
{
	struct dsr_topology *t = read_machine("isolated");

	expect(cpu_of(t, 1).is_isolated, false);
	expect(cpu_of(t, 1).is_allowed, true);
	expect(cpu_of(t, 2).is_isolated, true);
	expect(cpu_of(t, 2).is_allowed, false);
	expect(cpu_of(t, 2).is_nohz_full, false);
	expect(cpu_of(t, 4).is_nohz_full, true);
	expect(cpu_of(t, 12).is_nohz_full, true);
	expect(cpu_of(t, 8).is_nohz_full, false);
	dsr_topology_free(t);
}

CASE(topology, distances_there_and_back)
{
	struct dsr_topology *t = read_machine("asymmetric");

	expect(dsr_topology_distance(t, 0, 1), 15);
	expect(dsr_topology_distance(t, 1, 0), 30);
	expect(dsr_topology_distance(t, 3, 0), 20);
	expect(dsr_topology_distance(t, 0, 3), 40);
	dsr_topology_free(t);
}

CASE(topology, container_has_a_part)
{
	struct dsr_topology *t = read_machine("container");

	for (int i = 0; i < 32; i++) {
		expect(cpu_of(t, i).is_allowed, i == 2 || i == 4 || i == 18 || i == 20);
		expect(cpu_of(t, i).node, i % 2);
	}
	expect(node_of(t, 0).is_allowed, true);
	expect(node_of(t, 1).is_allowed, false);
	expect(node_of(t, 1).bytes, UINT64_C(66044372) * 1024);
	dsr_topology_free(t);
}

CASE(topology, kernel_without_nodes)
{
	struct dsr_topology *t = read_machine("no-numa");

	expect(node_at(t, 0).id, 0);
	expect(node_at(t, 0).cpus, 4);
	expect(node_at(t, 0).bytes, UINT64_C(7998924) * 1024);
	expect(node_at(t, 0).free_bytes, UINT64_C(6210380) * 1024);
	expect(node_at(t, 0).is_allowed, true);
	expect(cpu_of(t, 3).node, 0);
	expect(dsr_topology_distance(t, 0, 0), 0);
	dsr_topology_free(t);
}

CASE(topology, without_sys_there_are_the_allowed_cpus)
{
	struct dsr_topology *t = read_machine("no-sys");

	expect(cpu_at(t, 0).id, 1);
	expect(cpu_at(t, 2).id, 4);
	expect(cpu_at(t, 2).node, 0);
	expect(cpu_at(t, 2).is_online, true);
	expect(cpu_at(t, 2).is_allowed, true);
	expect(node_at(t, 0).cpus, 3);
	expect(node_at(t, 0).bytes, 0);
	expect(node_at(t, 0).is_allowed, true);
	dsr_topology_free(t);
}

CASE(topology, empty_folder)
{
	struct dsr_topology *t;

	make_root();
	t = read_root(root);
	check_whole(t);
	expect(dsr_topology_nodes(t), 1);
	expect(dsr_topology_cpus(t), 0);
	dsr_topology_free(t);
}

CASE(topology, garbage_is_not_told)
{
	struct dsr_topology *t = read_machine("garbage");

	check_whole(t);
	expect(dsr_topology_nodes(t), 4);
	expect(dsr_topology_cpus(t), 10);
	/* The list of those online ends at 7. */
	expect(cpu_of(t, 7).is_online, true);
	expect(cpu_of(t, 9).is_online, false);
	expect(cpu_of(t, 7).is_isolated, false);
	expect(cpu_of(t, 7).is_nohz_full, false);
	expect(cpu_of(t, 7).is_allowed, true);
	expect(cpu_of(t, 0).package, 0);
	expect(cpu_of(t, 1).package, -1);
	expect(cpu_of(t, 2).package, -1);
	expect(cpu_of(t, 5).package, -1);
	/* Who says first whose sibling a CPU is, counts. */
	expect(cpu_of(t, 3).core, 2);
	expect(cpu_of(t, 4).core, -1);
	expect(cpu_of(t, 5).core, 5);
	expect(cpu_of(t, 7).core, 6);
	expect(cpu_of(t, 1).cache, 0);
	expect(cpu_of(t, 1).cache_bytes, 0);
	expect(cpu_of(t, 2).cache, -1);
	expect(cpu_of(t, 2).cache_level, 3);
	expect(node_of(t, 1).bytes, 0);
	expect(node_of(t, 1).is_allowed, true);
	expect(node_of(t, 1).pool_count, 1);
	expect(node_of(t, 1).pools[0].total, 0);
	expect(node_of(t, 5).free_bytes, node_of(t, 5).bytes);
	expect(node_of(t, 5).pools[0].free, 3);
	expect(dsr_topology_distance(t, 1, 0), 20);
	expect(dsr_topology_distance(t, 1, 5), 0);
	expect(dsr_topology_distance(t, 5, 0), 30);
	expect(dsr_topology_distance(t, 5, 1), 0);
	expect(dsr_topology_distance(t, 6, 0), 0);
	dsr_topology_free(t);
}

static uint32_t cpus_of_list(const char *list)
{
	struct dsr_topology *t;
	uint32_t cpus;

	write_text(CPUS "/present", list);
	t = read_root(root);
	cpus = dsr_topology_cpus(t);
	dsr_topology_free(t);
	return cpus;
}

CASE(topology, list_is_good_up_to_where_it_ends)
{
	static const struct {
		const char *list;
		uint32_t cpus;
	} cases[] = {
		{"", 0},
		{"\n", 0},
		{"0", 1},
		{"0\n", 1},
		{"7", 1},
		{"0-3", 4},
		{"0-3\n", 4},
		{"0-3,8\n", 5},
		{"0-3,8,10-11\n", 7},
		{"8190-8191", 2},
		{"8191-8192", 1},
		{"8192", 0},
		{"0-99999", 8192},
		{"0-18446744073709551615", 0},
		{"0-18446744073709551616", 0},
		{"99999999999999999999999999999999,1", 0},
		{"1,99999999999999999999999999999999", 1},
		{"0-", 0},
		{"3-", 0},
		{"1,3-", 1},
		{"-", 0},
		{"-1", 0},
		{"-1-3", 0},
		{"1--3", 0},
		{"0--1", 0},
		{",,", 0},
		{",1", 0},
		{"1,", 1},
		{"1,,2", 1},
		{"1,,\n2", 1},
		{"3-1", 0},
		{"3-1,4", 0},
		{"3,1", 1},
		{"0-3,2-5", 4},
		{"0-3,3", 4},
		{"2,2", 1},
		{"1 ,2", 1},
		{" 1", 0},
		{"+1", 0},
		{"0x3", 1},
		{"all", 0},
		{"1;2", 1},
		{"1\xff,2", 1},
	};

	make_root();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t cpus = cpus_of_list(cases[i].list);

		cr_assert(cpus == cases[i].cpus, "\"%s\" is %" PRIu32 " CPUs, not %" PRIu32,
			  cases[i].list, cpus, cases[i].cpus);
	}
}

/* No list is that long, so it is none. */
CASE(topology, list_without_end)
{
	enum { LENGTH = 1 << 20 };
	char *list = malloc(LENGTH + 1);

	make_root();
	cr_assert(list != NULL);
	for (int i = 0; i < LENGTH; i += 2)
		memcpy(list + i, "1,", 2);
	list[LENGTH] = '\0';
	expect(cpus_of_list(list), 0);
	memset(list, '1', LENGTH);
	expect(cpus_of_list(list), 0);
	free(list);
}

/* What is no file of text is as if it were not there, and nobody waits for a pipe's other end. */
CASE(topology, things_in_place_of_files)
{
	char path[256];
	struct dsr_topology *t;

	make_root();
	write_folder(CPUS "/present");
	write_folder(NODES "/node0/cpulist");
	write_folder(NODES "/node1");
	write_text(CPUS "/possible", "0-3\n");
	path_of(path, sizeof(path), CPUS "/isolated");
	cr_assert(symlink("/dev/zero", path) == 0);
	path_of(path, sizeof(path), CPUS "/nohz_full");
	cr_assert(symlink("nohz_full", path) == 0);
	path_of(path, sizeof(path), CPUS "/online");
	cr_assert(mkfifo(path, 0644) == 0);
	path_of(path, sizeof(path), NODES "/node1/distance");
	cr_assert(symlink("/proc/self/mem", path) == 0);
	write_text(NODES "/node1/hugepages", "2048\n");
	write_text(NODES "/node2", "a file\n");
	t = read_root(root);
	check_whole(t);
	expect(dsr_topology_nodes(t), 3);
	expect(dsr_topology_cpus(t), 4);
	expect(cpu_at(t, 0).node, -1);
	expect(cpu_at(t, 0).is_online, true);
	dsr_topology_free(t);
}

/* Older kernels: another name for a core's CPUs, and each CPU's own file says it is offline. */
CASE(topology, other_ways_to_say_it)
{
	struct dsr_topology *t;

	make_root();
	write_text(CPUS "/present", "0-3\n");
	write_text(CPUS "/cpu2/online", "1\n");
	write_text(CPUS "/cpu3/online", "0\n");
	write_text(CPUS "/cpu0/topology/thread_siblings_list", "0,2\n");
	write_folder(CPUS "/cpu1/node8");
	write_folder(CPUS "/cpu2/node9");
	write_folder(NODES "/node8");
	write_text(NODES "/node8/cpulist", "0\n");
	t = read_root(root);
	check_whole(t);
	expect(cpu_of(t, 0).is_online, true);
	expect(cpu_of(t, 2).is_online, true);
	expect(cpu_of(t, 3).is_online, false);
	expect(cpu_of(t, 2).core, 0);
	expect(cpu_of(t, 1).core, -1);
	expect(cpu_of(t, 1).node, 8);
	expect(cpu_of(t, 2).node, -1);
	expect(node_at(t, 0).cpus, 2);
	expect(cpu_of(t, 3).is_allowed, false);
	expect(cpu_of(t, 2).is_allowed, true);
	dsr_topology_free(t);
}

CASE(topology, cpu_has_one_node)
{
	struct dsr_topology *t;

	make_root();
	write_text(CPUS "/present", "0-3\n");
	write_text(NODES "/node0/cpulist", "0-2\n");
	write_text(NODES "/node1/cpulist", "1-3,77\n");
	t = read_root(root);
	check_whole(t);
	expect(node_at(t, 0).cpus, 3);
	expect(node_at(t, 1).cpus, 1);
	dsr_topology_free(t);
}

/* The first that is asked has the say. */
CASE(topology, cpu_has_one_core)
{
	struct dsr_topology *t;
	char *text;

	make_root();
	write_text(CPUS "/present", "0-3\n");
	write_text(CPUS "/cpu0/topology/core_cpus_list", "0,3\n");
	write_text(CPUS "/cpu1/topology/core_cpus_list", "1-3\n");
	t = read_root(root);
	check_whole(t);
	expect(cpu_of(t, 2).core, 1);
	expect(cpu_of(t, 3).core, 0);
	text = get_text(t, dsr_topology_text);
	expect_line(text, "cores of 2 CPUs: 0 with 3");
	expect_line(text, "cores of 2 CPUs: 1-2, side by side");
	dsr_topology_free(t);
	free(text);
}

CASE(topology, what_is_online_is_there)
{
	struct dsr_topology *t;

	make_root();
	write_text(CPUS "/present", "0-1\n");
	write_text(CPUS "/online", "1-3\n");
	t = read_root(root);
	check_whole(t);
	expect(dsr_topology_cpus(t), 4);
	expect(cpu_of(t, 0).is_online, false);
	expect(cpu_of(t, 3).is_online, true);
	dsr_topology_free(t);
}

/* Nobody says what is allowed; but where there is nothing, nothing can be had. */
CASE(topology, memory_that_is_not_there_is_not_allowed)
{
	struct dsr_topology *t;

	make_root();
	write_text(NODES "/node0/meminfo", "Node 0 MemTotal:        0 kB\n");
	write_text(NODES "/node1/meminfo", "Node 1 MemTotal:        4 kB\n");
	write_text(NODES "/node2/meminfo", "Node 2 MemFree:        4 kB\n");
	t = read_root(root);
	check_whole(t);
	expect(node_of(t, 0).is_allowed, false);
	expect(node_of(t, 1).is_allowed, true);
	expect(node_of(t, 1).bytes, 4096);
	expect(node_of(t, 2).is_allowed, true);
	dsr_topology_free(t);
}

/* Each unit; the biggest level; and instructions are not for data. */
CASE(topology, caches_of_many_kinds)
{
	static const struct {
		const char *size;
		uint64_t bytes;
	} sizes[] = {
		{"512K\n", 512 << 10},
		{"4M\n", 4 << 20},
		{"1G\n", 1 << 30},
		{"4096\n", 4096},
		{"0K\n", 0},
		{"-1K\n", 0},
		{"K\n", 0},
		{"", 0},
		{"12Q\n", 12},
		{"9007199254740991G\n", 0},
		{"99999999999999999999K\n", 0},
	};

	make_root();
	write_text(CPUS "/present", "0-1\n");
	write_text(CPUS "/cpu0/cache/index0/level", "2\n");
	write_text(CPUS "/cpu0/cache/index0/shared_cpu_list", "0-1\n");
	write_text(CPUS "/cpu0/cache/index1/level", "1\n");
	write_text(CPUS "/cpu0/cache/index3/level", "3\n");
	write_text(CPUS "/cpu0/cache/index3/type", "Instruction\n");
	write_text(CPUS "/cpu0/cache/index4/level", "99\n");
	write_text(CPUS "/cpu0/cache/index5/level", "2\n");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct dsr_topology *t;

		write_text(CPUS "/cpu0/cache/index0/size", sizes[i].size);
		t = read_root(root);
		check_whole(t);
		expect(cpu_of(t, 1).cache, 0);
		expect(cpu_of(t, 1).cache_level, 2);
		cr_assert(cpu_of(t, 1).cache_bytes == sizes[i].bytes, "%s", sizes[i].size);
		dsr_topology_free(t);
	}
}

CASE(topology, more_pools_than_are_kept)
{
	static const char *const kib[] = {"1048576",  "64",    "32768", "2048",
					  "16777216", "02048", "x"};
	struct dsr_topology *t;
	struct dsr_node_info node;
	char path[128];

	make_root();
	for (int i = 0; i < 7; i++) {
		snprintf(path, sizeof(path), NODES "/node0/hugepages/hugepages-%skB/nr_hugepages",
			 kib[i]);
		write_text(path, i == 3 ? "9007199254740992\n" : "5\n");
	}
	/* In whatever order the folder has them: some come when there are four already. */
	for (int i = 1; i < 30; i++) {
		snprintf(path, sizeof(path), NODES "/node0/hugepages/hugepages-%dkB/nr_hugepages",
			 i * 2 << 20);
		write_text(path, "5\n");
	}
	t = read_root(root);
	check_whole(t);
	node = node_at(t, 0);
	expect(node.pool_count, 4);
	expect(node.pools[0].page_bytes, 64 << 10);
	expect(node.pools[0].total, 5);
	expect(node.pools[0].free, 0);
	expect(node.pools[1].page_bytes, 2 << 20);
	expect(node.pools[1].total, 0);
	expect(node.pools[2].page_bytes, 32 << 20);
	expect(node.pools[3].page_bytes, 1 << 30);
	dsr_topology_free(t);
}

CASE(topology, as_many_as_there_can_be)
{
	struct dsr_topology *t;
	char path[128];

	make_root();
	write_text(CPUS "/present", "0-8191\n");
	for (int i = 0; i < 1030; i += 10) {
		snprintf(path, sizeof(path), NODES "/node%d/distance", i);
		write_text(path, "10 20 0 30\n");
	}
	write_text(NODES "/node0/cpulist", "0-8191\n");
	t = read_root(root);
	check_texts(t);
	expect(dsr_topology_cpus(t), 8192);
	expect(dsr_topology_nodes(t), 103);
	expect(node_at(t, 102).id, 1020);
	expect(node_at(t, 0).cpus, 8192);
	expect(dsr_topology_distance(t, 1020, 10), 20);
	expect(dsr_topology_distance(t, 1020, 20), 0);
	expect(dsr_topology_distance(t, 1020, 30), 30);
	expect(dsr_topology_distance(t, 1020, 40), 0);
	dsr_topology_free(t);
}

CASE(topology, what_is_not_there_is_refused)
{
	struct dsr_topology *t = (void *)root;
	struct dsr_node_info node;
	struct dsr_cpu_info cpu;
	char path[256], text[8];

	make_root();
	write_text("file", "");
	path_of(path, sizeof(path), "file");
	errno = 1234;
	expect(dsr_topology_read(path, &t), -ENOENT);
	cr_assert(t == NULL);
	path_of(path, sizeof(path), "nothing");
	t = (void *)root;
	expect(dsr_topology_read(path, &t), -ENOENT);
	cr_assert(t == NULL);
	expect(dsr_topology_read("", &t), -ENOENT);
	expect(dsr_topology_read(root, NULL), -EINVAL);
	t = read_machine("vm");
	expect(errno, 1234);
	expect(dsr_topology_node(t, 1, &node), -EINVAL);
	expect(dsr_topology_node(t, UINT32_MAX, &node), -EINVAL);
	expect(dsr_topology_node(t, 0, NULL), -EINVAL);
	expect(dsr_topology_node(NULL, 0, &node), -EINVAL);
	expect(dsr_topology_cpu(t, 2, &cpu), -EINVAL);
	expect(dsr_topology_cpu(t, 0, NULL), -EINVAL);
	expect(dsr_topology_cpu(NULL, 0, &cpu), -EINVAL);
	expect(dsr_topology_distance(NULL, 0, 0), -EINVAL);
	expect(dsr_topology_text(NULL, text, sizeof(text)), -EINVAL);
	expect(dsr_topology_text(t, NULL, 1), -EINVAL);
	expect(dsr_topology_json(NULL, text, sizeof(text)), -EINVAL);
	expect(dsr_topology_json(t, NULL, 1), -EINVAL);
	expect(dsr_topology_nodes(NULL), 0);
	expect(dsr_topology_cpus(NULL), 0);
	dsr_topology_free(NULL);
	dsr_topology_free(t);
}

/* Structs of programs older and newer than the library. */
CASE(topology, structs_of_other_sizes)
{
	struct {
		struct dsr_node_info info;
		uint64_t beyond;
	} node;
	struct {
		struct dsr_cpu_info info;
		uint64_t beyond;
	} cpu;
	struct dsr_topology *t = read_machine("vm");

	memset(&node, 0xee, sizeof(node));
	memset(&cpu, 0xee, sizeof(cpu));
	expect(dsr_topology_node_sized(t, 0, &node.info, sizeof(node)), -EINVAL);
	expect(dsr_topology_cpu_sized(t, 1, &cpu.info, sizeof(cpu)), -EINVAL);
	expect(node.info.id, -0x11111112);
	expect(cpu.info.id, -0x11111112);
	expect(dsr_topology_node_sized(t, 0, &node.info, sizeof(node.info.id)), 0);
	expect(dsr_topology_cpu_sized(t, 1, &cpu.info, sizeof(cpu.info.id)), 0);
	expect(node.info.id, 0);
	expect(node.info.cpus, 0xeeeeeeee);
	expect(cpu.info.id, 1);
	expect(cpu.info.node, -0x11111112);
	dsr_topology_free(t);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

CASE(topology, no_descriptor_is_left_open)
{
	int before = open_descriptors();

	for (int i = 0; i < MACHINES; i++)
		dsr_topology_free(read_machine(machines[i]));
	dsr_topology_free(read_root(NULL));
	expect(open_descriptors(), before);
}

static void expect_text(const char *machine, const char *const *lines)
{
	struct dsr_topology *t = read_machine(machine);
	char *text = get_text(t, dsr_topology_text);

	for (; *lines; lines++)
		expect_line(text, *lines);
	dsr_topology_free(t);
	free(text);
}

CASE(topology, text_says_it_short)
{
	expect_text("laptop",
		    (const char *[]){"machine: 1 package, 12 cores, 16 CPUs, 1 node, 15.3 GiB",
				     "node 0: CPUs 0-15; 15.3 GiB, 3.2 GiB free",
				     "cores of 2 CPUs: 0-7, side by side", "cores of 1 CPU: 8-15",
				     "last caches: L3 of 18 MiB: 0-15", NULL});
	expect_text("epyc-nps1",
		    (const char *[]){"machine: 2 packages, 128 cores, 256 CPUs, 2 nodes, 503.6 GiB",
				     "cores of 2 CPUs: 0-127 with 128-255", "\t| 120-127,248-255",
				     "   1   32   10", NULL});
	expect_text(
		"epyc-nps4",
		(const char *[]){"node 1: CPUs 8-15,72-79; 63.0 GiB, 60.3 GiB free; huge pages: "
				 "2048 of 2 MiB, 2048 free, and 8 of 1 GiB, 8 free",
				 NULL});
	expect_text("ampere",
		    (const char *[]){"cores of 1 CPU: 0-79",
				     "last caches: L2 of 1 MiB to each CPU of 0-79", NULL});
	expect_text("cxl", (const char *[]){"node 2: no CPU; 128 GiB, 127.9 GiB free", NULL});
	expect_text("threadripper", (const char *[]){"node 1: CPUs 16-23,48-55; no memory", NULL});
	expect_text("power9", (const char *[]){"cores of 4 CPUs: 0-127, side by side", NULL});
	expect_text("no-sys", (const char *[]){"machine: 3 CPUs, 1 node",
					       "node 0: CPUs 1,3-4; memory not told", NULL});
}

CASE(topology, text_says_what_is_kept_away)
{
	expect_text("container",
		    (const char *[]){
			    "node 1: CPUs 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31; 63.0 GiB, "
			    "38.4 GiB free; its memory is not for this process",
			    "for this process: CPUs 2,4,18,20", NULL});
	expect_text("smt-off", (const char *[]){"node 0: CPUs 0-3; 31.3 GiB, 17.4 GiB free",
						"offline: CPUs 4-7", NULL});
	expect_text("isolated", (const char *[]){"isolated: CPUs 2-7,10-15",
						 "without a timer tick: CPUs 4-7,12-15",
						 "for this process: CPUs 0-1,8-9", NULL});
	expect_text("garbage", (const char *[]){"   1   20    -    -    -", NULL});
}

/* A core of an odd shape, and a process that is left without a CPU. */
CASE(topology, text_of_what_is_rare)
{
	struct dsr_topology *t;
	char *text;

	make_root();
	write_text(CPUS "/present", "0-5\n");
	write_text(CPUS "/cpu0/topology/core_cpus_list", "0-1,4\n");
	write_text(CPUS "/cpu2/topology/core_cpus_list", "2-3,5\n");
	write_text("proc/self/status", "Name:\tx\nCpus_allowed_list:\t9\n");
	write_folder(NODES "/node0");
	t = read_root(root);
	text = get_text(t, dsr_topology_text);
	expect_line(text, "cores of 3 CPUs: 0-1,4 | 2-3,5");
	expect_line(text, "of no known node: CPUs 0-5");
	expect_line(text, "for this process: no CPU");
	expect_line(text, "node 0: no CPU; memory not told");
	dsr_topology_free(t);
	free(text);
}

static void write_cache(int cpu, const char *level, const char *size, const char *list)
{
	static const char *const names[] = {"level", "size", "shared_cpu_list"};
	const char *const texts[] = {level, size, list};
	char path[128];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), CPUS "/cpu%d/cache/index0/%s", cpu, names[i]);
		write_text(path, texts[i]);
	}
}

CASE(topology, text_has_a_line_for_each_kind_of_cache)
{
	struct dsr_topology *t;
	char *text;

	make_root();
	write_text(CPUS "/present", "0-9\n");
	write_cache(0, "3", "1024K", "0-1");
	write_cache(2, "3", "2048K", "2-3");
	write_cache(4, "2", "1024K", "4-5");
	write_cache(6, "3", "1024K", "6-7");
	write_cache(8, "3", "1024K", "8");
	t = read_root(root);
	text = get_text(t, dsr_topology_text);
	expect_line(text, "last caches: L3 of 1 MiB: 0-1 | 6-7");
	expect_line(text, "last caches: L3 of 2 MiB: 2-3");
	expect_line(text, "last caches: L2 of 1 MiB: 4-5");
	expect_line(text, "last caches: L3 of 1 MiB to each CPU of 8");
	cr_assert(strstr(text, "distances") == NULL);
	dsr_topology_free(t);
	free(text);
}

CASE(topology, json_has_distances_there_and_back)
{
	struct dsr_topology *t = read_machine("asymmetric");
	char *json = get_text(t, dsr_topology_json);

	cr_assert(strstr(json, ",\"distances\":[[10,15,30,40],[30,10,15,40],[15,30,10,40],"
			       "[20,20,20,10]]}") != NULL);
	dsr_topology_free(t);
	free(json);
}

CASE(topology, json_has_the_members_of_the_structs)
{
	struct dsr_topology *t = read_machine("epyc-nps4");
	char *json = get_text(t, dsr_topology_json);

	cr_assert(strstr(json, "{\"nodes\":[{\"id\":0,\"cpus\":16,\"bytes\":67225182208,"
			       "\"free_bytes\":53456224256,\"is_allowed\":true,\"pools\":["
			       "{\"page_bytes\":2097152,\"total\":2048,\"free\":1536},"
			       "{\"page_bytes\":1073741824,\"total\":0,\"free\":0}]},"
			       "{\"id\":1,") == json);
	cr_assert(strstr(json,
			 ",{\"id\":77,\"node\":1,\"package\":0,\"core\":13,\"cache\":12,"
			 "\"cache_level\":3,\"cache_bytes\":33554432,\"is_online\":true,"
			 "\"is_allowed\":true,\"is_isolated\":false,\"is_nohz_full\":false},") !=
		  NULL);
	cr_assert(strstr(json, "],\"distances\":[[10,12,12,12,32,32,32,32],[12,10,") != NULL);
	dsr_topology_free(t);
	free(json);
}

static void expect_cut(const struct dsr_topology *t, writer write)
{
	char *whole = get_text(t, write), *part = malloc(strlen(whole) + 2);
	size_t length = strlen(whole);

	cr_assert(part != NULL);
	memset(part, 'x', length + 2);
	expect(write(t, part, 0), length);
	expect(part[0], 'x');
	expect(write(t, part, 1), length);
	expect(part[0], '\0');
	expect(part[1], 'x');
	expect(write(t, part, length), length);
	expect(strlen(part), length - 1);
	expect(strncmp(part, whole, length - 1), 0);
	expect(part[length], 'x');
	expect(write(t, part, length + 2), length);
	cr_assert_str_eq(part, whole);
	free(whole);
	free(part);
}

CASE(topology, texts_are_cut_like_snprintf)
{
	struct dsr_topology *t = read_machine("container");

	expect_cut(t, dsr_topology_text);
	expect_cut(t, dsr_topology_json);
	dsr_topology_free(t);
}

/* The files of a machine, that can be put back. */
enum { FILES_MAX = 1024 };

static struct {
	char path[256];
	char *bytes;
	size_t size;
} files[FILES_MAX];
static int file_count;
static size_t prefix;

static int keep_file(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	FILE *file;

	(void)where;
	if (kind != FTW_F || file_count == FILES_MAX)
		return 0;
	files[file_count].size = (size_t)status->st_size;
	files[file_count].bytes = malloc((size_t)status->st_size + 1);
	snprintf(files[file_count].path, sizeof(files[0].path), "%s", path + prefix);
	file = fopen(path, "re");
	if (!file || !files[file_count].bytes ||
	    fread(files[file_count].bytes, 1, files[file_count].size, file) !=
		    files[file_count].size)
		return -1;
	fclose(file);
	write_bytes(files[file_count].path, files[file_count].bytes, files[file_count].size);
	file_count++;
	return 0;
}

static void copy_machine(const char *machine)
{
	const char *path = machine_path(machine);

	prefix = strlen(path) + 1;
	file_count = 0;
	make_root();
	expect(nftw(path, keep_file, 16, FTW_PHYS), 0);
	cr_assert(file_count > 10 && file_count < FILES_MAX);
}

static uint64_t random_state;

static uint32_t draw(size_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 16) % below);
}

/* Cuts, flips, writes over, doubles, or says something else. */
static void spoil(int index)
{
	static const char *const words[] = {
		"",
		"\n",
		"-",
		",",
		"-1",
		"0-",
		"0-8191",
		"0,,3",
		"99999999999999999999",
		"9007199254740993",
		"1024",
		"3",
		"2147483648",
		"Instruction",
		"kB",
		"10 20",
	};
	char bytes[2 * 4096];
	size_t size = files[index].size < 4096 ? files[index].size : 4096;
	const char *word = words[draw(sizeof(words) / sizeof(words[0]))];

	memcpy(bytes, files[index].bytes, size);
	switch (size ? draw(6) : 5) {
	case 0:
		size = draw(size);
		break;
	case 1:
		bytes[draw(size)] ^= (char)(1 << draw(8));
		break;
	case 2:
		bytes[draw(size)] = "0123456789-, \n"[draw(14)];
		break;
	case 3:
		memcpy(bytes + size, bytes, size);
		size *= 2;
		break;
	case 4:
		memcpy(bytes + draw(size), word, strlen(word));
		break;
	default:
		size = strlen(word);
		memcpy(bytes, word, size);
	}
	write_bytes(files[index].path, bytes, size);
}

static void mutate(const char *machine, uint64_t seed, int rounds)
{
	int spoilt[4];

	random_state = seed;
	copy_machine(machine);
	for (int round = 0; round < rounds; round++) {
		int count = 1 + (int)draw(4);
		struct dsr_topology *t;

		for (int i = 0; i < count; i++) {
			spoilt[i] = (int)draw((size_t)file_count);
			spoil(spoilt[i]);
		}
		t = read_root(root);
		check_whole(t);
		dsr_topology_free(t);
		for (int i = 0; i < count; i++)
			write_bytes(files[spoilt[i]].path, files[spoilt[i]].bytes,
				    files[spoilt[i]].size);
	}
	for (int i = 0; i < file_count; i++)
		free(files[i].bytes);
}

CASE(topology, spoilt_files_of_a_guest)
{
	mutate("asymmetric", 1, 200);
}

CASE(topology, spoilt_files_of_a_small_machine)
{
	mutate("vm", 2, 400);
}

CASE(topology, spoilt_files_of_garbage)
{
	mutate("garbage", 3, 200);
}

CASE(topology, spoilt_files_of_a_machine_with_offline_cpus)
{
	mutate("smt-off", 4, 200);
}
