/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RINGS_H
#define BENCH_RINGS_H

/**
 * Rings by the caches of this machine: of half a cache, so that what a thread has
 * besides finds room, or of so much that it comes from memory.
 *
 * Slots are reckoned as 64 bytes, which is what 56 bytes and a stamp are, and what other
 * queues take a little less than.
 */

#include <stdint.h>

/* RING_LAST: of the last cache, third level or not. */
enum ring { RING_GIVEN, RING_L1, RING_L2, RING_LAST, RING_MEMORY };

/** ring_slots() - a power of two; @cpu: whose caches, -1: any */
uint32_t ring_slots(enum ring ring, int cpu);

#endif
