/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_PROCESSOR_H
#define DSR_LIB_PROCESSOR_H

#include <disruptor/plan.h>
#include <disruptor/processor.h>

#include "consumer.h"
#include "cpu.h"
#include "launch.h"

/**
 * struct dsr_processor - a consumer with a thread and the handler it runs
 *
 * The starter fills the first part before the thread is created, and the
 * consumer's place in the ring before it gives the order to run. The thread fills
 * the second part before it reports as pinned, and keeps the third to itself.
 */
struct dsr_processor {
	struct dsr_consumer consumer;
	struct dsr_handler handler; /* wait and on_error as they really are */
	void *error_state;
	struct dsr_launch *launch;
	const struct dsr_cpus *home; /* unpinned: where to run; NULL: where its maker may */
	int seat;                    /* the CPU to be pinned to; -1: none */
	char reason[DSR_REASON_MAX]; /* why that one, or none */
	bool crowded;                /* spins where others do, or would: it yields instead */
	pthread_t thread;

	int seat_refused; /* negative errno: the kernel did; 0 */
	int tid;
	int cpu;
	int node;
	bool is_pinned;
	bool fifo_refused;      /* that is what the error is about */
	struct dsr_cpus pinned; /* its affinity, as the kernel made it of the pin */
	int64_t ended;          /* set once, at its end */

	uint32_t attempts; /* of this batch, in a row */
	int64_t idle_at;   /* when to call on_idle */
};

/* What a pin asks for. */
bool dsr_pin_valid(int pin);
bool dsr_pin_is_cpu(int pin);
bool dsr_pin_is_node(int pin);
bool dsr_pin_is_open(int pin); /* a CPU that the plan chooses */
int dsr_pin_number(int pin);

/* The member whose thread the caller is; NULL: none's. */
const struct dsr_member *dsr_processor_inside(void);

/* Creates the thread, which pins itself and reports to the launch. 0 or a negative errno. */
int dsr_processor_create(struct dsr_processor *p);

#endif
