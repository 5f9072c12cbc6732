/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "wait.h"

bool dsr_wait_valid(enum dsr_wait wait)
{
	return (int)wait >= DSR_WAIT_DEFAULT && wait <= DSR_WAIT_SLEEP;
}

enum dsr_wait dsr_wait_on_one_cpu(enum dsr_wait wait)
{
	return wait == DSR_WAIT_BUSY_SPIN || wait == DSR_WAIT_PAUSE ? DSR_WAIT_YIELD : wait;
}

void dsr_wait_sleep(void)
{
	/* clock_nanosleep() returns its error: errno stays the caller's. */
	const struct timespec nap = {.tv_nsec = 50 * 1000};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
}

int64_t dsr_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t dsr_deadline(int64_t timeout)
{
	int64_t now;

	if (timeout == DSR_FOREVER)
		return DSR_FOREVER;
	now = dsr_now();
	if (timeout < 0)
		return now;
	return timeout > DSR_FOREVER - 1 - now ? DSR_FOREVER - 1 : now + timeout;
}
