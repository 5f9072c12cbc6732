/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"

#define NODE_PATH "/sys/devices/system/node/node%d/"
#define POOL_PATH NODE_PATH "hugepages/hugepages-2048kB/"

int kernel_write(const char *text, const char *path, ...)
{
	char name[256];
	va_list args;
	ssize_t n;
	int fd, err;

	va_start(args, path);
	vsnprintf(name, sizeof(name), path, args);
	va_end(args);
	fd = open(name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	err = n < 0 ? -errno : 0;
	close(fd);
	return err;
}

static int read_file(char *text, size_t size, const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (length < size - 1 && (n = read(fd, text + length, size - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	close(fd);
	return n < 0 ? -EIO : 0;
}

int kernel_read(char *text, size_t size, const char *path, ...)
{
	char name[256];
	va_list args;

	va_start(args, path);
	vsnprintf(name, sizeof(name), path, args);
	va_end(args);
	return read_file(text, size, name);
}

static kernel_set parse_set(const char *text)
{
	kernel_set set = 0;
	char *end;

	while (*text >= '0' && *text <= '9') {
		long low = strtol(text, &end, 10), high = low;

		if (*end == '-')
			high = strtol(end + 1, &end, 10);
		for (; low <= high && low < 64; low++)
			set |= UINT64_C(1) << low;
		text = *end == ',' ? end + 1 : end;
	}
	return set;
}

kernel_set kernel_nodes(const char *which)
{
	char text[256];

	if (kernel_read(text, sizeof(text), "/sys/devices/system/node/%s", which) < 0)
		return 0;
	return parse_set(text);
}

kernel_set kernel_cpus(void)
{
	char text[256];

	if (kernel_read(text, sizeof(text), "/sys/devices/system/cpu/online") < 0)
		return 0;
	return parse_set(text);
}

kernel_set kernel_cpus_of(int node)
{
	char text[256];

	if (kernel_read(text, sizeof(text), NODE_PATH "cpulist", node) < 0)
		return 0;
	return parse_set(text);
}

int kernel_node_of_cpu(int cpu)
{
	for (int node = 0; node < NODES; node++)
		if (HAS(kernel_cpus_of(node), cpu))
			return node;
	return -1;
}

/* The row of a node has an entry for each that is online, in their order. */
int kernel_distance(int from, int to)
{
	kernel_set online = kernel_nodes("online");
	char text[256], *next = text;
	int node;

	if (!HAS(online, to) || kernel_read(text, sizeof(text), NODE_PATH "distance", from) < 0)
		return -1;
	for (node = 0; node < to; node++)
		if (HAS(online, node))
			strtol(next, &next, 10);
	return (int)strtol(next, NULL, 10);
}

/* The number behind @field in a text of lines. */
static long find_number(const char *text, const char *field)
{
	const char *found = strstr(text, field);

	return found ? strtol(found + strlen(field), NULL, 10) : -1;
}

long kernel_free_kib(int node)
{
	char text[4096];

	if (kernel_read(text, sizeof(text), NODE_PATH "meminfo", node) < 0)
		return -1;
	return find_number(text, "MemFree:");
}

/* Zone by zone: "Node 0, zone DMA32", and some lines below it "min 123", in pages. */
long kernel_kept_kib(int node)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	long pages, sum = 0;
	int of = -1;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "Node %d, zone", &of);
		if (of == node && sscanf(line, " min %ld", &pages) == 1)
			sum += pages * 4;
	}
	if (file)
		fclose(file);
	return sum;
}

int kernel_first(kernel_set set)
{
	return set ? __builtin_ctzll(set) : -1;
}

int kernel_next_node(int node)
{
	kernel_set both = kernel_nodes("has_memory") & kernel_nodes("has_cpu");
	int i, next = node;

	for (i = 1; i <= NODES; i++) {
		next = (node + i) % NODES;
		if (HAS(both, next))
			return next;
	}
	return node;
}

void kernel_page_nodes(const void *base, size_t count, int *nodes)
{
	enum { CHUNK = 512 };
	void *pages[CHUNK];
	size_t done, n, i;

	for (done = 0; done < count; done += n) {
		n = count - done < CHUNK ? count - done : CHUNK;
		for (i = 0; i < n; i++) {
			pages[i] = (char *)((uintptr_t)base / 4096 * 4096) + (done + i) * 4096;
			nodes[done + i] = -EIO;
		}
		syscall(SYS_move_pages, 0, n, pages, NULL, nodes + done, 0);
	}
}

int kernel_page_node(const void *address)
{
	int node;

	kernel_page_nodes(address, 1, &node);
	return node;
}

long kernel_mapping(const void *address, const char *field)
{
	uintptr_t where = (uintptr_t)address, low, high;
	FILE *file = fopen("/proc/self/smaps", "re");
	size_t length = strlen(field);
	bool inside = false;
	long kib = -1;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &low, &high) == 2)
			inside = where >= low && where < high;
		else if (inside && strncmp(line, field, length) == 0 && line[length] == ':')
			kib = strtol(line + length + 1, NULL, 10);
	}
	if (file)
		fclose(file);
	return kib < 0 ? -1 : kib * 1024;
}

/* Behind the name, which may have blanks, it is the 37th. */
int kernel_cpu_of_thread(int tid)
{
	char text[1024], *field;
	int i;

	if (kernel_read(text, sizeof(text), "/proc/self/task/%d/stat", tid) < 0)
		return -1;
	field = strrchr(text, ')');
	for (i = 0; field && i < 37; i++)
		field = strchr(field + 1, ' ');
	return field ? atoi(field + 1) : -1;
}

kernel_set kernel_allowed(int tid)
{
	static const char field[] = "Cpus_allowed_list:";
	char text[4096], *found;

	if (kernel_read(text, sizeof(text), "/proc/self/task/%d/status", tid) < 0)
		return 0;
	found = strstr(text, field);
	return found ? parse_set(found + sizeof(field)) : 0;
}

static long read_pool(int node, const char *which)
{
	char text[64];

	if (kernel_read(text, sizeof(text), POOL_PATH "%s", node, which) < 0)
		return -1;
	return atol(text);
}

long kernel_pool(int node, long pages)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", pages);
	if (kernel_write(text, POOL_PATH "nr_hugepages", node) < 0)
		return -1;
	return read_pool(node, "nr_hugepages");
}

void kernel_drain_pools(void)
{
	for (int node = 0; node < NODES; node++)
		kernel_pool(node, 0);
}

long kernel_pool_free(int node)
{
	return read_pool(node, "free_hugepages");
}

long kernel_kills(void)
{
	char text[16384];

	if (kernel_read(text, sizeof(text), "/proc/vmstat") < 0)
		return -1;
	return find_number(text, "\noom_kill ");
}

int kernel_group(const char *group)
{
	char path[256];

	kernel_write("+cpuset +memory +hugetlb", "/sys/fs/cgroup/cgroup.subtree_control");
	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", group);
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int kernel_limit(const char *group, const char *file, const char *value)
{
	return kernel_write(value, "/sys/fs/cgroup/%s/%s", group, file);
}

int kernel_enter(const char *group)
{
	return kernel_limit(group, "cgroup.procs", "0");
}

const char *kernel_list(kernel_set set, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (int i = 0; i < 64; i++)
		if (HAS(set, i) && length < size)
			length += (size_t)snprintf(text + length, size - length, "%s%d",
						   length ? "," : "", i);
	return text;
}

bool kernel_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}
