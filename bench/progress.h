/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

/**
 * One line on standard error, if that is a terminal: how far it is, and with what.
 * Written between runs only, so that no run has a terminal to wait for.
 */

#include <stdint.h>

/** progress_begin() - so many steps from here */
void progress_begin(uint32_t steps);

/** progress_step() - this one comes now */
void progress_step(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** progress_clear() - the line is gone, for what is printed next */
void progress_clear(void);

#endif
