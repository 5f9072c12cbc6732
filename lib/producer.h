/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_PRODUCER_H
#define DSR_LIB_PRODUCER_H

#include <disruptor/producer.h>

#include "ring.h"

/* A handle of @ring for the calling thread; NULL if the ring is closed, the one handle is out, or
 * there is no memory. */
struct dsr_producer *dsr_handle_get(struct dsr_ring *ring);

/* Frees all handles. Nobody may use one any more. */
void dsr_handles_free(struct dsr_ring *ring);

#endif
