/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_PROCESSOR_H
#define DSR_LIB_PROCESSOR_H

#include <disruptor/processor.h>

#include "launch.h"
#include "ring.h"

/**
 * struct dsr_processor - a thread and the handler it runs
 *
 * The starter fills the first part before the thread is created, and @ring and
 * @sequence before it gives the order to go on. The thread fills the second
 * before it reports as pinned.
 */
struct dsr_processor {
	struct dsr_handler handler; /* max_batch and wait as they really are */
	char name[DSR_NAME_MAX + 1];
	uint32_t index;
	struct dsr_launch *launch;
	struct dsr_ring *ring;
	struct dsr_sequence *sequence;
	pthread_t thread;

	int tid;
	int cpu;
	int node;
	int64_t ended; /* set once, at its end */
};

/* What a pin asks for. */
bool dsr_pin_valid(int pin);
bool dsr_pin_is_cpu(int pin);
int dsr_pin_number(int pin);

/* Creates the thread, which pins itself and reports to the launch. 0 or a negative errno. */
int dsr_processor_create(struct dsr_processor *c);

#endif
