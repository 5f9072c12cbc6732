/* SPDX-License-Identifier: MIT */
#ifndef TEST_NUMA_RING_H
#define TEST_NUMA_RING_H

/**
 * A ring to look at: events through it, and its report against the kernel's word.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <disruptor/disruptor.h>

#include "kernel.h"
#include "tap.h"

enum { EVENT = 56, STRIDE = 64, READERS = 4 };

/* One handler, and what it saw. */
struct reader {
	int64_t count, sum;
	int tid;
	int cpu; /* when it started */
};

/* A handler that counts. It does not spin for long: others need its CPU, too. */
struct dsr_handler ring_handler(struct reader *r, int pin);

/* Starts, or fails the case. */
struct dsr_disruptor *ring_start(struct dsr_builder *b);

/* From here, @laps times through; true if every one of @readers has seen all of them. */
void ring_run(struct dsr_disruptor *d, struct reader *readers, int count, int laps);
void ring_end(struct dsr_disruptor *d);

/* Reads the report and holds each claim against the kernel's answer. */
void ring_look(struct dsr_disruptor *d, struct dsr_placement *report);

/* The same of one range; the first of its kind, from @index on. Returns its index. */
uint32_t ring_find(struct dsr_disruptor *d, enum dsr_range_kind kind, uint32_t index,
		   struct dsr_range *range);

/* How many of its pages of 4 KiB are on each node, the kernel says. */
void ring_count(const struct dsr_range *range, uint64_t on[NODES]);

/* Waits, with a deadline, until @is_so says yes; false: it never did. */
bool ring_await(bool (*is_so)(void *), void *state);

#endif
