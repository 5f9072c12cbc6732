/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Beyond what 64-bit machines address. */
#define BYTES_MAX (UINT64_C(1) << 47)

size_t dsr_page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static uint64_t round_up(uint64_t bytes)
{
	uint64_t page = dsr_page_size();

	return (bytes + page - 1) / page * page;
}

/*
 * More than the machine has: an overcommitting kernel would grant it and kill
 * somebody once it is touched.
 */
static int exceeds_machine(uint64_t bytes)
{
	long pages = sysconf(_SC_PHYS_PAGES);

	return pages > 0 && bytes / dsr_page_size() > (uint64_t)pages;
}

static void *map(size_t bytes)
{
	int saved = errno;
	void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	errno = saved;
	return base == MAP_FAILED ? NULL : base;
}

int dsr_memory_map(struct dsr_memory *memory, uint64_t bytes)
{
	if (bytes > BYTES_MAX)
		return -EOVERFLOW;
	if (exceeds_machine(bytes))
		return -ENOMEM;
	memory->bytes = round_up(bytes);
	memory->base = map(memory->bytes);
	return memory->base ? 0 : -ENOMEM;
}

void dsr_memory_unmap(struct dsr_memory *memory)
{
	if (memory->base)
		munmap(memory->base, memory->bytes);
	memory->base = NULL;
}

int dsr_memory_populate(const struct dsr_memory *memory)
{
	int saved = errno;
	int err = 0;

	if (madvise(memory->base, memory->bytes, MADV_POPULATE_WRITE) < 0)
		err = errno;
	errno = saved;
	/* Before Linux 5.14. */
	if (err == EINVAL) {
		memset(memory->base, 0, memory->bytes);
		return 0;
	}
	return err == EFAULT ? -ENOMEM : -err;
}

void *dsr_page_map(size_t bytes)
{
	return map(round_up(bytes));
}

void dsr_page_unmap(void *page, size_t bytes)
{
	munmap(page, round_up(bytes));
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

void dsr_memory_pages(const void *address, size_t bytes, uint64_t *page_size, uint64_t *huge)
{
	uintptr_t begin = (uintptr_t)address, end = begin + bytes, low, high;
	int saved = errno;
	FILE *file = fopen("/proc/self/smaps", "re");
	int inside = 0;
	char line[512];

	*page_size = 0;
	*huge = 0;
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &low, &high) == 2)
			inside = low < end && high > begin;
		else if (inside && !*page_size)
			read_kib(line, "KernelPageSize", page_size);
		if (inside)
			read_kib(line, "AnonHugePages", huge);
	}
	if (file)
		fclose(file);
	/* A neighbour may have been merged into the same mapping. */
	if (*huge > bytes)
		*huge = bytes;
	errno = saved;
}
