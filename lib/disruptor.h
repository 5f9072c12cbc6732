/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_DISRUPTOR_H
#define DSR_LIB_DISRUPTOR_H

#include <disruptor/disruptor.h>

#include "builder.h"
#include "cpu.h"
#include "place.h"

struct dsr_disruptor {
	struct dsr_builder *builder; /* what it is, and its graph */
	struct dsr_ring *ring;       /* at the beginning of the head */
	struct dsr_region head;
	struct dsr_region slots;
	struct dsr_choice choice;                   /* of the slots' node */
	struct dsr_wish handle_wish, sequence_wish; /* for more of them */
	bool waits_yield;
	/* Where the producer is taken to be, as a pin; DSR_UNPINNED: no plan was made. */
	int producer;
	struct dsr_cpus cpus;   /* what dsr_start()'s caller may use: unpinned threads, too */
	uint64_t prepared;      /* slots that init has seen */
	pthread_mutex_t ending; /* who joins */
	bool joined;            /* under it: all threads, and there will be no more */
	int64_t hole;           /* under it: the last one that a snapshot saw */
	int64_t hole_since;     /* and when it was first seen */
};

#endif
