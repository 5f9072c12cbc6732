/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_PLACE_H
#define DSR_LIB_PLACE_H

#include "region.h"

struct dsr_disruptor;

/* A node, or what else region.h knows, and how it came to it. */
struct dsr_choice {
	int node;
	char reason[160];
};

/*
 * The threads are pinned: takes the memory where it is to be, and settles where more
 * of it is to be later on. 0, or the builder's error.
 */
int dsr_place_take(struct dsr_disruptor *d, uint64_t slot_bytes, uint64_t head_bytes);
void dsr_place_release(struct dsr_disruptor *d);

#endif
