/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_DISRUPTOR_H
#define DSR_LIB_DISRUPTOR_H

#include <disruptor/disruptor.h>

#include "builder.h"
#include "placement.h"

struct dsr_disruptor {
	struct dsr_builder *builder; /* what it is, and its processors */
	struct dsr_ring *ring;       /* at the head of the memory */
	struct dsr_memory memory;
	struct dsr_placed placed;
	struct dsr_launch launch;
	bool waits_yield;
	uint64_t prepared;      /* slots that init has seen */
	pthread_mutex_t ending; /* who joins */
	bool joined;            /* under it */
};

#endif
