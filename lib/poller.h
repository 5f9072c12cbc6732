/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_POLLER_H
#define DSR_LIB_POLLER_H

#include <disruptor/poller.h>

#include "consumer.h"

/**
 * struct dsr_poller - a consumer on the program's own threads
 * @is_begun: the ring knows it
 * @fd_made: @bell is one
 * @open:    the batch that was handed out and is not dealt with; NULL: none
 */
struct dsr_poller {
	struct dsr_consumer consumer;
	struct dsr_bell bell;
	bool is_begun;
	bool fd_made;
	struct dsr_lane *open;
};

/* Its place in the ring is set: it can be polled. */
void dsr_poller_begin(struct dsr_poller *poller);

/* It is not in use, and will not be. Nothing, if it was told so before. */
void dsr_poller_end(struct dsr_poller *poller);

#endif
