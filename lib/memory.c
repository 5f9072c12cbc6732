/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cgroup.h"
#include "memory.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#ifndef MAP_HUGETLB
#define MAP_HUGETLB 0x40000
#endif

enum { HUGETLB_SHIFT = 26 };

#define HUGE     (UINT64_C(1) << 21)
#define GIGANTIC (UINT64_C(1) << 30)

/* Beyond what 64-bit machines address. */
#define BYTES_MAX (UINT64_C(1) << 47)

size_t dsr_page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static uint64_t round_up(uint64_t bytes, uint64_t page)
{
	return (bytes + page - 1) / page * page;
}

/*
 * More than the machine has: an overcommitting kernel would grant it and kill
 * somebody once it is touched.
 */
static bool exceeds_machine(uint64_t bytes)
{
	long pages = sysconf(_SC_PHYS_PAGES);

	return pages > 0 && bytes / dsr_page_size() > (uint64_t)pages;
}

/*
 * Between two pages that nobody may touch, and the first at a multiple of @align. So
 * the kernel never makes one mapping of it and a neighbour, of which it then tells
 * only the sum; and who runs over the end is stopped there.
 */
static void *map_fenced(size_t bytes, size_t align)
{
	size_t page = dsr_page_size(), ahead, behind;
	size_t reserved = bytes + align + page;
	char *base = mmap(NULL, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return NULL;
	ahead = (size_t)(-(uintptr_t)(base + page) % align);
	behind = reserved - ahead - page - bytes - page;
	if (ahead)
		munmap(base, ahead);
	base += ahead + page;
	if (behind)
		munmap(base + bytes + page, behind);
	if (mprotect(base, bytes, PROT_READ | PROT_WRITE) == 0)
		return base;
	munmap(base - page, bytes + 2 * page);
	return NULL;
}

/* Such pages are in no mapping with others anyway. */
static void *map_pool(size_t bytes, size_t page)
{
	int size = __builtin_ctzll(page) << HUGETLB_SHIFT;
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | size, -1, 0);

	return base == MAP_FAILED ? NULL : base;
}

/* Reserves it and says how it is to be; the C library's errno says why not. */
static bool reserve(struct dsr_memory *memory, enum dsr_pages pages)
{
	switch (pages) {
	case DSR_PAGES_2M:
	case DSR_PAGES_1G:
		memory->base = map_pool(memory->bytes, memory->page);
		return memory->base;
	case DSR_PAGES_TRANSPARENT:
		memory->base = map_fenced(memory->bytes, HUGE);
		return memory->base && madvise(memory->base, memory->bytes, MADV_HUGEPAGE) == 0;
	default:
		memory->base = map_fenced(memory->bytes, dsr_page_size());
		if (!memory->base)
			return false;
		/* Refused: a kernel that knows no others. */
		if (pages == DSR_PAGES_SMALL)
			(void)madvise(memory->base, memory->bytes, MADV_NOHUGEPAGE);
		return true;
	}
}

static size_t unit_of(enum dsr_pages pages)
{
	if (pages == DSR_PAGES_1G)
		return GIGANTIC;
	return pages == DSR_PAGES_2M || pages == DSR_PAGES_TRANSPARENT ? HUGE : dsr_page_size();
}

int dsr_memory_map(struct dsr_memory *memory, uint64_t bytes, enum dsr_pages pages)
{
	bool is_pool = pages == DSR_PAGES_2M || pages == DSR_PAGES_1G;
	int saved = errno;
	int err = 0;

	memory->base = NULL;
	if (bytes > BYTES_MAX)
		return -EOVERFLOW;
	if (exceeds_machine(bytes))
		return -ENOMEM;
	memory->page = is_pool ? unit_of(pages) : dsr_page_size();
	memory->bytes = round_up(bytes, unit_of(pages));
	if (!reserve(memory, pages))
		err = errno == EINVAL ? -EOPNOTSUPP : -ENOMEM;
	/*
	 * It would share the pages until one side writes, and the producer's next store
	 * would be to a copy, who knows where; of huge ones there may be no second.
	 */
	else if (madvise(memory->base, memory->bytes, MADV_DONTFORK) < 0)
		err = -errno;
	if (err < 0)
		dsr_memory_unmap(memory);
	errno = saved;
	return err;
}

void dsr_memory_unmap(struct dsr_memory *memory)
{
	size_t fence = memory->page == dsr_page_size() ? memory->page : 0;

	if (memory->base)
		munmap((char *)memory->base - fence, memory->bytes + 2 * fence);
	memory->base = NULL;
}

/* Before Linux 5.14. Writing there oneself may end in a signal, when a pool has run out. */
static int populate_by_reading(const struct dsr_memory *memory)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;
	for (size_t at = 0; at < memory->bytes && !err; at += memory->page)
		if (read(fd, (char *)memory->base + at, 1) < 0)
			err = errno;
	close(fd);
	return err;
}

int dsr_memory_populate(const struct dsr_memory *memory)
{
	int saved = errno;
	int err = 0;

	if (madvise(memory->base, memory->bytes, MADV_POPULATE_WRITE) < 0)
		err = errno;
	if (err == EINVAL && memory->page == dsr_page_size()) {
		memset(memory->base, 0, memory->bytes);
		err = 0;
	} else if (err == EINVAL) {
		err = populate_by_reading(memory);
	}
	errno = saved;
	return err == EFAULT ? -ENOMEM : -err;
}

int dsr_memory_lock(const struct dsr_memory *memory)
{
	int saved = errno;
	int err = mlock(memory->base, memory->bytes) < 0 ? -errno : 0;

	errno = saved;
	return err;
}

/* One line "Name:  123 kB" of smaps; adds to *sum or leaves it. */
static void read_kib(const char *line, const char *name, uint64_t *sum)
{
	uint64_t kib;
	size_t length = strlen(name);

	if (strncmp(line, name, length) == 0 && line[length] == ':' &&
	    sscanf(line + length + 1, " %" SCNu64, &kib) == 1)
		*sum += kib * 1024;
}

uint64_t dsr_memory_room(void)
{
	uint64_t available = 0, swap = 0, room;
	int saved = errno;
	FILE *file = fopen("/proc/meminfo", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		read_kib(line, "MemAvailable", &available);
		read_kib(line, "SwapFree", &swap);
	}
	if (file)
		fclose(file);
	errno = saved;
	room = dsr_cgroup_room(swap);
	if (available && available + swap < room)
		room = available + swap;
	return room;
}

/* Slots are the first part of their mapping, which may be larger. */
static void clip(uint64_t *bytes, uint64_t most)
{
	if (*bytes > most)
		*bytes = most;
}

void dsr_memory_read(const void *address, size_t bytes, struct dsr_memory_use *use)
{
	uintptr_t begin = (uintptr_t)address, end = begin + bytes, low, high;
	int saved = errno;
	FILE *file = fopen("/proc/self/smaps", "re");
	int inside = 0;
	char line[512];

	*use = (struct dsr_memory_use){0};
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &low, &high) == 2)
			inside = low < end && high > begin;
		/* They ascend, and the kernel looks only at what is asked for. */
		if (!inside && use->page_size)
			break;
		if (inside && !use->page_size)
			read_kib(line, "KernelPageSize", &use->page_size);
		if (inside) {
			read_kib(line, "AnonHugePages", &use->huge);
			read_kib(line, "Locked", &use->locked);
		}
	}
	if (file)
		fclose(file);
	clip(&use->huge, bytes);
	clip(&use->locked, bytes);
	errno = saved;
}
