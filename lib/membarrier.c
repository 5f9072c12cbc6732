/* SPDX-License-Identifier: MIT */
#include <linux/membarrier.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <disruptor/atomic.h>

#include "membarrier.h"

static int membarrier(int command)
{
	int saved = errno;
	long rc = syscall(__NR_membarrier, command, 0, 0);

	errno = saved;
	return (int)rc;
}

bool dsr_membarrier_register(void)
{
	return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

void dsr_heavy_fence(void)
{
	dsr_full_fence();
	membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	dsr_full_fence();
}
