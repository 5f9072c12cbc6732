/* SPDX-License-Identifier: MIT */
/*
 * The memory limits of control groups, the old kind and the new. The only file that
 * reads them.
 *
 * A group at its limit does not refuse memory: it kills somebody. So who is about to
 * take much has to look first. The limit of each group counts, up to the root; in a
 * container the upper ones cannot be seen, and the path that the kernel tells may be
 * the host's, of which only the end of the way up exists here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cgroup.h"

enum { PATH_BYTES = 4096 };

/* How a kind of control groups calls its things. */
struct kind {
	const char *mount;
	const char *limit;
	const char *usage;
	const char *swap_limit; /* NULL: not apart */
	const char *swap_usage;
	const char *inactive; /* in memory.stat: files, which go before anybody is killed */
	const char *active;
};

static const struct kind unified = {
	.mount = "/sys/fs/cgroup",
	.limit = "memory.max",
	.usage = "memory.current",
	.swap_limit = "memory.swap.max",
	.swap_usage = "memory.swap.current",
	.inactive = "inactive_file",
	.active = "active_file",
};

static const struct kind legacy = {
	.mount = "/sys/fs/cgroup/memory",
	.limit = "memory.limit_in_bytes",
	.usage = "memory.usage_in_bytes",
	.inactive = "total_inactive_file",
	.active = "total_active_file",
};

static FILE *open_file(const char *group, const char *name)
{
	char path[PATH_BYTES + 64];

	snprintf(path, sizeof(path), "%s/%s", group, name);
	return fopen(path, "re");
}

/* UINT64_MAX: "max", or nobody tells. */
static uint64_t read_number(const char *group, const char *name)
{
	FILE *file = open_file(group, name);
	uint64_t number = UINT64_MAX;

	if (!file)
		return UINT64_MAX;
	if (fscanf(file, "%" SCNu64, &number) != 1)
		number = UINT64_MAX;
	fclose(file);
	return number;
}

static uint64_t read_files(const char *group, const struct kind *kind)
{
	FILE *file = open_file(group, "memory.stat");
	uint64_t number, sum = 0;
	char line[256], name[64];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %" SCNu64, name, &number) == 2 &&
		    (strcmp(name, kind->inactive) == 0 || strcmp(name, kind->active) == 0))
			sum += number;
	if (file)
		fclose(file);
	return sum;
}

/* What is left of a limit. */
static uint64_t left_of(uint64_t limit, uint64_t usage)
{
	if (limit == UINT64_MAX || usage == UINT64_MAX)
		return UINT64_MAX;
	return limit > usage ? limit - usage : 0;
}

static uint64_t room_of(const char *group, const struct kind *kind, uint64_t swap)
{
	uint64_t room = left_of(read_number(group, kind->limit), read_number(group, kind->usage));
	uint64_t swap_room = UINT64_MAX;

	if (room == UINT64_MAX)
		return room;
	if (kind->swap_limit)
		swap_room = left_of(read_number(group, kind->swap_limit),
				    read_number(group, kind->swap_usage));
	return room + read_files(group, kind) + (swap < swap_room ? swap : swap_room);
}

/* The least of all from @path to the root. */
static uint64_t room_on_the_way(const struct kind *kind, const char *path, uint64_t swap)
{
	uint64_t room, least = UINT64_MAX;
	char group[PATH_BYTES];
	size_t root = strlen(kind->mount);
	char *end;

	if (snprintf(group, sizeof(group), "%s%s", kind->mount, path) >= (int)sizeof(group))
		return UINT64_MAX;
	for (;;) {
		room = room_of(group, kind, swap);
		if (room < least)
			least = room;
		end = strrchr(group, '/');
		if (strlen(group) <= root || !end)
			return least;
		*end = '\0';
	}
}

/* The old kind's line names its controllers; the new kind's names none. */
static bool has_memory(const char *controllers)
{
	const char *at = strstr(controllers, "memory");

	return at && (at == controllers || at[-1] == ',') && (at[6] == '\0' || at[6] == ',');
}

uint64_t dsr_cgroup_room(uint64_t swap)
{
	int saved = errno;
	FILE *file = fopen("/proc/self/cgroup", "re");
	uint64_t room, least = UINT64_MAX;
	char line[PATH_BYTES];

	while (file && fgets(line, sizeof(line), file)) {
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		if (controllers[1] == '\0')
			room = room_on_the_way(&unified, path, swap);
		else if (has_memory(controllers + 1))
			room = room_on_the_way(&legacy, path, swap);
		else
			continue;
		if (room < least)
			least = room;
	}
	if (file)
		fclose(file);
	errno = saved;
	return least;
}
