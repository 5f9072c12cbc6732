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
	const char *high;       /* NULL: none. From there on it is slowed down, for good */
	const char *swap_limit; /* NULL: not apart */
	const char *swap_usage;
	const char *both_limit; /* memory and swap together; NULL: none */
	const char *both_usage;
	const char *const *spare; /* in memory.stat: what goes before anybody is killed */
};

static const char *const unified_spare[] = {"inactive_file", "active_file", "slab_reclaimable",
					    NULL};
static const char *const legacy_spare[] = {"total_inactive_file", "total_active_file", NULL};

static const struct kind unified = {
	.mount = "/sys/fs/cgroup",
	.limit = "memory.max",
	.high = "memory.high",
	.usage = "memory.current",
	.swap_limit = "memory.swap.max",
	.swap_usage = "memory.swap.current",
	.spare = unified_spare,
};

static const struct kind legacy = {
	.mount = "/sys/fs/cgroup/memory",
	.limit = "memory.limit_in_bytes",
	.usage = "memory.usage_in_bytes",
	.both_limit = "memory.memsw.limit_in_bytes",
	.both_usage = "memory.memsw.usage_in_bytes",
	.spare = legacy_spare,
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

static bool is_spare(const char *name, const struct kind *kind)
{
	for (const char *const *spare = kind->spare; *spare; spare++)
		if (strcmp(name, *spare) == 0)
			return true;
	return false;
}

static uint64_t read_spare(const char *group, const struct kind *kind)
{
	FILE *file = open_file(group, "memory.stat");
	uint64_t number, sum = 0;
	char line[256], name[64];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %" SCNu64, name, &number) == 2 && is_spare(name, kind))
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

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t room_of(const char *group, const struct kind *kind, uint64_t swap)
{
	uint64_t usage = read_number(group, kind->usage), spare;
	uint64_t room = left_of(read_number(group, kind->limit), usage);

	if (kind->high)
		room = least(room, left_of(read_number(group, kind->high), usage));
	if (room == UINT64_MAX)
		return room;
	if (kind->swap_limit)
		swap = least(swap, left_of(read_number(group, kind->swap_limit),
					   read_number(group, kind->swap_usage)));
	spare = read_spare(group, kind);
	room += spare + swap;
	if (kind->both_limit) {
		uint64_t both = left_of(read_number(group, kind->both_limit),
					read_number(group, kind->both_usage));

		if (both != UINT64_MAX)
			room = least(room, both + spare);
	}
	return room;
}

/* The least of all from @path to the root. */
static uint64_t room_on_the_way(const struct kind *kind, const char *path, uint64_t swap)
{
	uint64_t room = UINT64_MAX;
	char group[PATH_BYTES];
	size_t root = strlen(kind->mount);
	char *end;

	if (snprintf(group, sizeof(group), "%s%s", kind->mount, path) >= (int)sizeof(group))
		return UINT64_MAX;
	for (;;) {
		room = least(room, room_of(group, kind, swap));
		end = strrchr(group, '/');
		if (strlen(group) <= root || !end)
			return room;
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
	uint64_t room = UINT64_MAX;
	char line[PATH_BYTES];

	while (file && fgets(line, sizeof(line), file)) {
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		if (controllers[1] == '\0')
			room = least(room, room_on_the_way(&unified, path, swap));
		else if (has_memory(controllers + 1))
			room = least(room, room_on_the_way(&legacy, path, swap));
	}
	if (file)
		fclose(file);
	errno = saved;
	return room;
}
