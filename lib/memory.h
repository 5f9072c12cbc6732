/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_MEMORY_H
#define DSR_LIB_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <disruptor/placement.h>

/* Whole pages, zero, private to this process: a child after fork(2) has none of it. */
struct dsr_memory {
	void *base;
	size_t bytes;
	size_t page; /* bytes of one; huge ones count if they came from a pool */
};

size_t dsr_page_size(void);

/*
 * Reserves @bytes, rounded up to whole @pages, and touches nothing. 0; -ENOMEM, for
 * huge pages also: so many are not set aside; -EOPNOTSUPP: this kernel has none of
 * that size, or none that are transparent; -EOVERFLOW.
 */
int dsr_memory_map(struct dsr_memory *memory, uint64_t bytes, enum dsr_pages pages);
void dsr_memory_unmap(struct dsr_memory *memory);

/* Touches every page, for writing. 0 or a negative errno instead of a signal. */
int dsr_memory_populate(const struct dsr_memory *memory);

/* Keeps it in memory. 0; -ENOMEM or -EPERM: the limit; what else mlock(2) says. */
int dsr_memory_lock(const struct dsr_memory *memory);

/* What the machine could still give, without killing anybody; UINT64_MAX: not told. */
uint64_t dsr_memory_room(void);

/*
 * What the kernel uses there: bytes per page, 0: it does not tell anything; of the
 * range's bytes, those
 * in transparent huge pages, and those that are locked.
 */
struct dsr_memory_use {
	uint64_t page_size;
	uint64_t huge;
	uint64_t locked;
};

void dsr_memory_read(const void *address, size_t bytes, struct dsr_memory_use *use);

#endif
