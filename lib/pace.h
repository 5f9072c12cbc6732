/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_PACE_H
#define DSR_LIB_PACE_H

#include <disruptor/batch.h>

/**
 * struct dsr_pace - how a consumer keeps its distance (pace.c); its thread's own
 * @ahead: how far it looks, in slots; 0: it keeps none
 * @pause: ns for which it keeps off the producer; 0: it follows at its heels
 * @from:  where the present window began
 * @since: and when; 0: none has
 * @heel:  ns for PACE_WINDOW events, at the producer's heels
 * @rest:  windows until keeping off is tried again
 * @wait:  how many these were the last time
 */
struct dsr_pace {
	int64_t ahead;
	int64_t pause;
	int64_t from;
	int64_t since;
	int64_t heel;
	int64_t rest;
	int64_t wait;
};

/* Once, when the slots are known: it reads what producers write, and keeps a distance. */
void dsr_pace_begin(struct dsr_pace *pace, struct dsr_batch *batch);

#endif
