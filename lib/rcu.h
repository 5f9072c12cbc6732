/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_RCU_H
#define DSR_LIB_RCU_H

#include "ring.h"

/*
 * Read-copy-update for the gate. Who reads it is a producer, with its handle, so
 * the handles are the readers, and no thread has to be registered anywhere.
 */

/* The gate that is found in between stays as it is. Neither waits nor fails; not nested. */
void dsr_rcu_read_lock(struct dsr_handle *reader);
void dsr_rcu_read_unlock(struct dsr_handle *reader);

/* Every read of @ring's gate that had begun before the call is over. Without the ring's lock. */
void dsr_rcu_synchronize(struct dsr_ring *ring);

#endif
