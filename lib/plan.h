/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_PLAN_H
#define DSR_LIB_PLAN_H

#include <disruptor/plan.h>

#include "cpu.h"
#include "graph.h"
#include "text.h"

/**
 * struct dsr_terms - what a plan goes by, beside the graph and the machine
 * @producer: where it is, as a pin
 * @is_told:  that is known; else it is where the caller is, if the caller is pinned
 * @allowed:  the CPUs to choose from; NULL: those that the machine's picture allows
 * @confines: NULL, or the CPUs that the kernel lets the process have, where the caller's
 *	      own affinity says no more than where it is itself
 * @comer:    NULL, or one that comes to members that run: only for its threads
 *	      there is something to choose
 */
struct dsr_terms {
	int producer;
	bool is_told;
	const struct dsr_cpus *allowed;
	const struct dsr_cpus *confines;
	const struct dsr_member *comer;
};

/* Does it leave the CPU to the plan? */
bool dsr_plan_is_open(const struct dsr_member *m);

/*
 * The plan for a graph whose names are edges. Seats are the producer's, then those
 * of all threads in order that have not ended, the comer's last. 0 or -ENOMEM.
 */
int dsr_plan_lay_out(const struct dsr_graph *graph, const struct dsr_terms *terms,
		     const struct dsr_topology *t, struct dsr_plan **plan);

/* What a pin asks for, as a JSON string. */
void dsr_put_pin(struct dsr_text *w, int pin);

/* One seat; NULL: there is none. */
const struct dsr_seat *dsr_plan_at(const struct dsr_plan *plan, uint32_t index);

#endif
