/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_DISRUPTOR_H
#define DSR_LIB_DISRUPTOR_H

#include <disruptor/disruptor.h>

#include "builder.h"
#include "cpu.h"
#include "placement.h"

struct dsr_disruptor {
	struct dsr_builder *builder; /* what it is, and its graph */
	struct dsr_ring *ring;       /* at the head of the memory */
	struct dsr_memory memory;
	struct dsr_placed placed;
	bool waits_yield;
	struct dsr_cpus cpus;   /* what dsr_start()'s caller may use: unpinned threads, too */
	uint64_t prepared;      /* slots that init has seen */
	pthread_mutex_t ending; /* who joins */
	bool joined;            /* under it: all threads, and there will be no more */
	int64_t hole;           /* under it: the last one that a snapshot saw */
	int64_t hole_since;     /* and when it was first seen */
};

#endif
