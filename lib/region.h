/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_REGION_H
#define DSR_LIB_REGION_H

#include "memory.h"

/* Beside a node's number. */
enum {
	DSR_REGION_ANYWHERE = -1,
	DSR_REGION_INTERLEAVED = -2,
	DSR_REGION_HERE = -3, /* on the node of the thread that takes it */
};

/* What is wanted of a run of pages. All clear: node 0, preferred, and no more. */
struct dsr_wish {
	int node;
	enum dsr_strictness node_how;
	enum dsr_pages pages;
	enum dsr_strictness pages_how;
	bool locked;
	enum dsr_strictness locked_how;
};

/**
 * struct dsr_region - a run of pages, and what became of the wish
 * @node: asked for; below zero: none in particular
 *
 * The reasons are 0, or the negative errno why it is not as was wished.
 */
struct dsr_region {
	struct dsr_memory memory;
	int node;
	int node_reason;
	int pages_reason;
	int locked_reason;
};

/*
 * Takes @bytes, as is wished: placed before the first touch, touched once, and what
 * is required checked. On failure nothing is left, and *@what, if not NULL, says in a
 * few words how it could not be had: "in huge pages". 0; -ENOMEM; -EOVERFLOW; why not
 * what is required.
 */
int dsr_region_take(struct dsr_region *region, uint64_t bytes, const struct dsr_wish *wish,
		    const char **what);
void dsr_region_release(struct dsr_region *region);

/* How it is now: of the first @bytes. */
void dsr_region_read(const struct dsr_region *region, uint64_t bytes, enum dsr_range_kind kind,
		     struct dsr_range *out, uint64_t *locked);

#endif
