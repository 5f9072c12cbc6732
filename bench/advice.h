/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ADVICE_H
#define BENCH_ADVICE_H

#include "matrix.h"

enum { ADVICE_MAX = 96 };

/**
 * struct advice - sentences, first those that matter most
 * @count: of @lines
 * @heads: of these, that are the largest difference of their kind
 */
struct advice {
	char lines[ADVICE_MAX][320];
	uint32_t count;
	uint32_t heads;
};

/**
 * advice_draw() - what the figures say, and what they do not
 *
 * A difference counts if the interval of the median of its ratios, round by round,
 * has 1 outside and a level of 95 % or more; else it is told to be none.
 */
void advice_draw(const struct matrix *m, struct advice *advice);

#endif
