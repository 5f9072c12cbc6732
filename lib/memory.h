/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_MEMORY_H
#define DSR_LIB_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Whole pages, zero, private to this process. */
struct dsr_memory {
	void *base;
	size_t bytes;
};

size_t dsr_page_size(void);

/* Reserves @bytes, rounded up to pages, and touches nothing. 0, -ENOMEM or -EOVERFLOW. */
int dsr_memory_map(struct dsr_memory *memory, uint64_t bytes);
void dsr_memory_unmap(struct dsr_memory *memory);

/* Touches every page, for writing. 0 or a negative errno instead of a signal. */
int dsr_memory_populate(const struct dsr_memory *memory);

/* What the kernel uses there: bytes per page, and bytes in transparent huge pages; 0: not told. */
void dsr_memory_pages(const void *address, size_t bytes, uint64_t *page_size, uint64_t *huge);

/* A few bytes that have their pages to themselves, untouched: they go where they are used. */
void *dsr_page_map(size_t bytes);
void dsr_page_unmap(void *page, size_t bytes);

#endif
