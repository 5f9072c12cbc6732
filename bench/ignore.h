/* SPDX-License-Identifier: MIT */
#ifndef BENCH_IGNORE_H
#define BENCH_IGNORE_H

#include <stdbool.h>
#include <stdint.h>

#include <disruptor/processor.h>

/** ignore_event() - a handler for rings through which nothing goes */
static inline int ignore_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)event;
	(void)sequence;
	(void)end_of_batch;
	(void)state;
	return DSR_CONTINUE;
}

#endif
