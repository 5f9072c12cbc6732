/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "course.h"

static double ns_per_tick = 1;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void clock_calibrate(void)
{
	uint64_t ns = now_ns(), ticks = clock_ticks(), end;

	do
		end = now_ns();
	while (end - ns < 20 * 1000 * 1000);
	ns_per_tick = (double)(end - ns) / (double)(clock_ticks() - ticks);
}

double clock_ns_of(uint64_t ticks)
{
	return (double)ticks * ns_per_tick;
}

uint64_t clock_ticks_of(double ns)
{
	return (uint64_t)(ns / ns_per_tick);
}
