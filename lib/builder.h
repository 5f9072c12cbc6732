/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_BUILDER_H
#define DSR_LIB_BUILDER_H

#include <disruptor/builder.h>

#include "processor.h"

struct dsr_builder {
	int error; /* the first mistake */
	char message[200];
	struct dsr_disruptor *made; /* by dsr_start() */

	bool many;
	uint64_t capacity;
	uint64_t event_size;
	uint64_t alignment;
	int64_t first;
	int where;
	enum dsr_strictness how;
	int (*init)(void *event, uint64_t index, void *context);
	void (*fini)(void *event, uint64_t index, void *context);
	void *context;

	/* Become the disruptor's. */
	struct dsr_processor *processors;
	uint32_t count;
};

/* Keeps the first error and its sentence; returns it. */
int dsr_builder_fail(struct dsr_builder *b, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void dsr_builder_free(struct dsr_builder *b);

#endif
