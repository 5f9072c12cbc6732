/* SPDX-License-Identifier: MIT */
#ifndef BENCH_WARNINGS_H
#define BENCH_WARNINGS_H

/**
 * What spoils a measurement here, and what to do about it: sentences that are added
 * to the environment, each when it can be known.
 */

#include "environment.h"

/** warnings_before() - about the set-up */
void warnings_before(struct environment *e);

/** warnings_threads() - about more threads than CPUs */
void warnings_threads(struct environment *e);

/** warnings_after() - about what came meanwhile */
void warnings_after(struct environment *e);

#endif
