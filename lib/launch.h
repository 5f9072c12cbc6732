/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_LAUNCH_H
#define DSR_LIB_LAUNCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum dsr_order {
	DSR_ORDER_WAIT,
	DSR_ORDER_PREPARE,
	DSR_ORDER_RUN,
	DSR_ORDER_GO_HOME,
};

/**
 * struct dsr_launch - brings threads up together, and tells when they are down
 *
 * Each thread pins itself and reports; when all have, the starter places the
 * memory, knowing where they run, and has them prepare. Each then runs its
 * on_start, reports again, and enters its loop as soon as it may. The first
 * error, and whose it is, is kept.
 */
struct dsr_launch {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t pinned;
	uint32_t prepared;
	uint32_t ended;
	enum dsr_order order;
	int error;
	uint32_t culprit;
};

int dsr_launch_init(struct dsr_launch *launch);
void dsr_launch_fini(struct dsr_launch *launch);

/* A thread's side. */
bool dsr_launch_pinned(struct dsr_launch *launch, uint32_t index, int error);   /* true: go on */
bool dsr_launch_prepared(struct dsr_launch *launch, uint32_t index, int error); /* likewise */
void dsr_launch_ended(struct dsr_launch *launch);

/* The starter's: wait until @count threads have reported; the first error among them, or 0. */
int dsr_launch_await_pinned(struct dsr_launch *launch, uint32_t count);
int dsr_launch_await_prepared(struct dsr_launch *launch, uint32_t count);
void dsr_launch_order(struct dsr_launch *launch, enum dsr_order order);

/* Until @count threads have ended: 0, or -ETIMEDOUT at @deadline (dsr_deadline()). */
int dsr_launch_await_ended(struct dsr_launch *launch, uint32_t count, int64_t deadline);

#endif
