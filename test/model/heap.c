/* SPDX-License-Identifier: MIT */
/*
 * Memory is taken and never given out again within an execution, so that any use
 * after free is seen. Each thread takes from a part of its own: addresses are the
 * same whatever the interleaving, which the search relies on.
 */
#include <string.h>

#include "checker.h"

enum { PART_BYTES = 1 << 20, BLOCKS = 256 };

static char parts[FIBRES_MAX][PART_BYTES] __attribute__((aligned(4096)));

static struct part {
	size_t used;
	int count;
	struct {
		char *at;
		size_t bytes;
		bool is_free;
	} blocks[BLOCKS];
} heaps[FIBRES_MAX];

void heap_reset(void)
{
	for (int i = 0; i < FIBRES_MAX; i++) {
		memset(parts[i], 0, heaps[i].used);
		heaps[i].used = 0;
		heaps[i].count = 0;
	}
}

void *heap_take(size_t bytes, size_t align)
{
	struct part *part = &heaps[self->id];
	size_t at = (part->used + align - 1) / align * align;

	if (part->count == BLOCKS || at + bytes > PART_BYTES)
		search_fail("more memory than the checker has");
	/* Not zero, as the C library does not promise it. */
	memset(parts[self->id] + at, 0x5a, bytes);
	part->used = at + bytes + 16;
	part->blocks[part->count].at = parts[self->id] + at;
	part->blocks[part->count].bytes = bytes;
	part->blocks[part->count++].is_free = false;
	return parts[self->id] + at;
}

void heap_give(void *block, const void *pc)
{
	for (int i = 0; i < FIBRES_MAX; i++)
		for (int k = 0; k < heaps[i].count; k++) {
			if (heaps[i].blocks[k].at != block || heaps[i].blocks[k].is_free)
				continue;
			heaps[i].blocks[k].is_free = true;
			race_access((uintptr_t)block, heaps[i].blocks[k].bytes,
				    RACE_WRITE | RACE_FREE, pc);
			return;
		}
	search_fail("free of what is no block, or not any more");
}

int heap_left(void)
{
	int left = 0;

	for (int i = 0; i < FIBRES_MAX; i++)
		for (int k = 0; k < heaps[i].count; k++)
			left += !heaps[i].blocks[k].is_free;
	return left;
}
