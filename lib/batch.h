/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_BATCH_H
#define DSR_LIB_BATCH_H

#include <disruptor/batch.h>

/*
 * The event at @batch->next is there: a batch of at most @max_batch begins with
 * it. All before @settled is known not to change; 0: the stamps have to tell.
 */
void dsr_batch_begin(struct dsr_batch *batch, int64_t max_batch, int64_t settled);

#endif
