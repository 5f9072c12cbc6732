/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_LAUNCH_H
#define DSR_LIB_LAUNCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct dsr_launch - brings threads up together, and tells when they are down
 *
 * Each thread pins itself and reports; when all have, the starter places the
 * memory, knowing where they run, and gives the order. Each then runs its
 * on_start and reports again, from the door of its loop. The first error, and
 * whose it is, is kept.
 */
struct dsr_launch {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t pinned;
	uint32_t running;
	uint32_t ended;
	int order; /* 0: wait; 1: go on; -1: go home */
	int error;
	uint32_t culprit;
};

int dsr_launch_init(struct dsr_launch *launch);
void dsr_launch_fini(struct dsr_launch *launch);

/* A thread's side. */
bool dsr_launch_pinned(struct dsr_launch *launch, uint32_t index, int error); /* true: go on */
void dsr_launch_running(struct dsr_launch *launch, uint32_t index, int error);
void dsr_launch_ended(struct dsr_launch *launch);

/* The starter's: wait until @count threads have reported; the first error among them, or 0. */
int dsr_launch_await_pinned(struct dsr_launch *launch, uint32_t count);
int dsr_launch_await_running(struct dsr_launch *launch, uint32_t count);
void dsr_launch_order(struct dsr_launch *launch, bool go);

/* Until @count threads have ended: 0, or -ETIMEDOUT at @deadline (dsr_deadline()). */
int dsr_launch_await_ended(struct dsr_launch *launch, uint32_t count, int64_t deadline);

#endif
