/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_MEMBARRIER_H
#define DSR_LIB_MEMBARRIER_H

#include <stdbool.h>

/* May this process use dsr_heavy_fence()? Asks the kernel for it, as often as it is called. */
bool dsr_membarrier_register(void);

/*
 * The other half of dsr_light_fence(): every thread of the process that runs
 * has executed a full fence somewhere between call and return, and so has the
 * caller. Without dsr_membarrier_register() it is only the caller's own fence.
 */
void dsr_heavy_fence(void);

#endif
