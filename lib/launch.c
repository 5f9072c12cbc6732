/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <time.h>

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

bool dsr_launch_pinned(struct dsr_launch *launch, uint32_t index, int error)
{
	int order;

	pthread_mutex_lock(&launch->lock);
	report(launch, &launch->pinned, index, error);
	while (launch->order == 0)
		pthread_cond_wait(&launch->changed, &launch->lock);
	order = launch->order;
	pthread_mutex_unlock(&launch->lock);
	return order > 0;
}

void dsr_launch_running(struct dsr_launch *launch, uint32_t index, int error)
{
	pthread_mutex_lock(&launch->lock);
	report(launch, &launch->running, index, error);
	pthread_mutex_unlock(&launch->lock);
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

int dsr_launch_await_running(struct dsr_launch *launch, uint32_t count)
{
	return await(launch, &launch->running, count);
}

void dsr_launch_order(struct dsr_launch *launch, bool go)
{
	pthread_mutex_lock(&launch->lock);
	launch->order = go ? 1 : -1;
	pthread_cond_broadcast(&launch->changed);
	pthread_mutex_unlock(&launch->lock);
}

int dsr_launch_await_ended(struct dsr_launch *launch, uint32_t count, int64_t deadline)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline / INT64_C(1000000000)),
		.tv_nsec = (long)(deadline % INT64_C(1000000000)),
	};
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
