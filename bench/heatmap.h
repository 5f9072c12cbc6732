/* SPDX-License-Identifier: MIT */
#ifndef BENCH_HEATMAP_H
#define BENCH_HEATMAP_H

#include <stdio.h>

#include "matrix.h"

/**
 * heatmap_write() - pairs down, places across, one figure in each cell, and what it
 * can be off by
 *
 * Colours are the same for all kinds of pages, so that maps of one metric can be put
 * beside each other. They go from light to dark, which can be seen without colours;
 * and what differs by less than a fifth differs little in colour, too.
 */
void heatmap_write(FILE *file, const struct matrix *m, enum metric metric, enum dsr_pages pages);

/** heatmap_write_scale() - what the colours mean */
void heatmap_write_scale(FILE *file, const struct matrix *m, enum metric metric);

#endif
