/* SPDX-License-Identifier: MIT */
/* What the machine is made of, as the kernel tells it under /sys. The only file that reads there. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topology.h"

#define NODES "/sys/devices/system/node"
#define CPUS  "/sys/devices/system/cpu"

bool dsr_topology_has_node(int node)
{
	char path[64];
	int saved = errno;
	bool found;

	snprintf(path, sizeof(path), NODES "/node%d", node);
	found = access(path, F_OK) == 0;
	errno = saved;
	return found;
}

/* "0-3,8,10-11": adds what it names, up to anything that is no such list. */
static int parse_list(const char *list, struct dsr_cpus *cpus)
{
	int count = 0;

	while (isdigit((unsigned char)*list)) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && first < DSR_CPUS_MAX; first++, count++)
			CPU_SET_S(first, sizeof(*cpus), cpus->sets);
		if (*end != ',')
			break;
		list = end + 1;
	}
	return count;
}

int dsr_topology_node_cpus(int node, struct dsr_cpus *cpus)
{
	char path[64], list[4096];
	int saved = errno;
	int count = 0;
	FILE *file;

	memset(cpus, 0, sizeof(*cpus));
	snprintf(path, sizeof(path), NODES "/node%d/cpulist", node);
	file = fopen(path, "re");
	if (file) {
		if (fgets(list, sizeof(list), file))
			count = parse_list(list, cpus);
		fclose(file);
	}
	errno = saved;
	return count ? 0 : -ENODEV;
}

int dsr_topology_node_of(int cpu)
{
	char path[64];
	int saved = errno;
	int node = -1;
	struct dirent *entry;
	DIR *dir;

	/* Each CPU's folder holds a link to its node's, named after it. */
	snprintf(path, sizeof(path), CPUS "/cpu%d", cpu);
	dir = opendir(path);
	while (dir && node < 0 && (entry = readdir(dir)))
		if (sscanf(entry->d_name, "node%d", &node) != 1)
			node = -1;
	if (dir)
		closedir(dir);
	errno = saved;
	return node;
}
