/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "launch.h"
#include "wait.h"

int dsr_launch_init(struct dsr_launch *launch)
{
	pthread_condattr_t attr;
	int err;

	*launch = (struct dsr_launch){0};
	err = pthread_mutex_init(&launch->lock, NULL);
	if (err)
		return -err;
	err = pthread_condattr_init(&attr);
	if (!err) {
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		err = pthread_cond_init(&launch->changed, &attr);
		pthread_condattr_destroy(&attr);
	}
	if (err)
		pthread_mutex_destroy(&launch->lock);
	return -err;
}

void dsr_launch_fini(struct dsr_launch *launch)
{
	pthread_cond_destroy(&launch->changed);
	pthread_mutex_destroy(&launch->lock);
}

static void report(struct dsr_launch *launch, uint32_t *count, uint32_t index, int error)
{
	(*count)++;
	if (error < 0 && launch->error == 0) {
		launch->error = error;
		launch->culprit = index;
	}
	pthread_cond_broadcast(&launch->changed);
}

/* Reports, and waits for an order of @least: true unless it is to go home. */
static bool report_and_wait(struct dsr_launch *launch, uint32_t *count, uint32_t index, int error,
			    enum dsr_order least)
{
	enum dsr_order order;

	pthread_mutex_lock(&launch->lock);
	report(launch, count, index, error);
	while (launch->order < least)
		pthread_cond_wait(&launch->changed, &launch->lock);
	order = launch->order;
	pthread_mutex_unlock(&launch->lock);
	return order != DSR_ORDER_GO_HOME;
}

bool dsr_launch_pinned(struct dsr_launch *launch, uint32_t index, int error)
{
	return report_and_wait(launch, &launch->pinned, index, error, DSR_ORDER_PREPARE);
}

bool dsr_launch_prepared(struct dsr_launch *launch, uint32_t index, int error)
{
	return report_and_wait(launch, &launch->prepared, index, error, DSR_ORDER_RUN);
}

void dsr_launch_ended(struct dsr_launch *launch)
{
	pthread_mutex_lock(&launch->lock);
	report(launch, &launch->ended, 0, 0);
	pthread_mutex_unlock(&launch->lock);
}

static int await(struct dsr_launch *launch, const uint32_t *reported, uint32_t count)
{
	int error;

	pthread_mutex_lock(&launch->lock);
	while (*reported < count)
		pthread_cond_wait(&launch->changed, &launch->lock);
	error = launch->error;
	pthread_mutex_unlock(&launch->lock);
	return error;
}

int dsr_launch_await_pinned(struct dsr_launch *launch, uint32_t count)
{
	return await(launch, &launch->pinned, count);
}

int dsr_launch_await_prepared(struct dsr_launch *launch, uint32_t count)
{
	return await(launch, &launch->prepared, count);
}

void dsr_launch_order(struct dsr_launch *launch, enum dsr_order order)
{
	pthread_mutex_lock(&launch->lock);
	launch->order = order;
	pthread_cond_broadcast(&launch->changed);
	pthread_mutex_unlock(&launch->lock);
}

int dsr_launch_await_ended(struct dsr_launch *launch, uint32_t count, int64_t deadline)
{
	const struct timespec until = dsr_timespec(deadline);
	int err = 0;

	pthread_mutex_lock(&launch->lock);
	while (launch->ended < count && err != ETIMEDOUT) {
		if (deadline == DSR_FOREVER)
			pthread_cond_wait(&launch->changed, &launch->lock);
		else
			err = pthread_cond_timedwait(&launch->changed, &launch->lock, &until);
	}
	err = launch->ended < count ? -ETIMEDOUT : 0;
	pthread_mutex_unlock(&launch->lock);
	return err;
}
