/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BARS_H
#define BENCH_BARS_H

#include <stdio.h>

#include "results.h"

/**
 * bars_write() - a scenario's table: for each contender a bar, its median, and the ratio to
 * disruptor's figure of the same round
 * @metric: one of which less is better
 */
void bars_write(FILE *file, const struct results *r, const char *scenario, const char *metric,
		enum regime regime);

#endif
