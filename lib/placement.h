/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_PLACEMENT_H
#define DSR_LIB_PLACEMENT_H

#include <disruptor/placement.h>

#include "memory.h"

/* What was asked of the ring's memory, and what the kernel said then. */
struct dsr_placed {
	int node;    /* -1: any */
	int refused; /* 0, or why it would not even try */
};

/*
 * Takes @bytes and puts them on @node, if it is not -1: asked for there before
 * the first touch, touched once; if it is required also checked. Nothing is
 * left mapped on failure. 0; -ENOMEM; -EOVERFLOW; with DSR_REQUIRE why not.
 */
int dsr_placement_take(struct dsr_memory *memory, uint64_t bytes, int node, enum dsr_strictness how,
		       struct dsr_placed *placed);

#endif
