/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CURVES_H
#define BENCH_CURVES_H

#include <stdio.h>

#include "matrix.h"

/**
 * curves_write() - a pair's latency by percentile: a picture and its numbers
 *
 * A line for each place of the slots; where there is one only, one for each kind of
 * page. Both axes are logarithmic: a step to the right is ten times as rare.
 */
void curves_write(FILE *file, const struct matrix *m, uint32_t pair);

#endif
