/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_CGROUP_H
#define DSR_LIB_CGROUP_H

#include <stdint.h>

/*
 * How many more bytes the control groups that the process is in let it have before
 * they kill; UINT64_MAX: no limit, or none that can be seen. @swap: what the machine
 * has left of that.
 */
uint64_t dsr_cgroup_room(uint64_t swap);

#endif
