/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_BUILDER_H
#define DSR_LIB_BUILDER_H

#include <disruptor/builder.h>

#include "graph.h"

/* Where something is to lie, by name, and how badly. */
struct dsr_place_wish {
	int where;
	enum dsr_strictness how;
	bool is_said; /* by the program */
};

struct dsr_builder {
	struct dsr_complaint complaint; /* the first mistake */
	struct dsr_disruptor *made;     /* by dsr_start() */

	int producer; /* where it is, as a pin */
	bool producer_told;
	bool many;
	uint64_t capacity;
	uint64_t event_size;
	uint64_t alignment;
	int64_t first;
	struct dsr_place_wish slots;
	struct dsr_place_wish sequences;
	struct dsr_place_wish producers;
	enum dsr_pages pages;
	enum dsr_strictness pages_how;
	bool locked;
	enum dsr_strictness locked_how;
	int (*init)(void *event, uint64_t index, void *context);
	void (*fini)(void *event, uint64_t index, void *context);
	void *context;
	dsr_error_fn on_error;
	void *error_state;

	/* Become the disruptor's. */
	struct dsr_graph graph;
	uint32_t stage;   /* of what is added now */
	bool stage_begun; /* something was */
	int64_t numbered; /* members so far; attached ones are counted by whoever attaches */
};

/* Keeps the first error and its sentence; returns it. */
#define dsr_builder_fail(b, error, ...) dsr_complain(&(b)->complaint, error, __VA_ARGS__)

/*
 * Could it be started? 0, its names being edges then; what every call answers now; or what
 * is wrong with the graph, of which @complaint has the words.
 */
int dsr_builder_resolve(struct dsr_builder *b, struct dsr_complaint *complaint);

void dsr_builder_free(struct dsr_builder *b);

#endif
