/* SPDX-License-Identifier: MIT */
#ifndef BENCH_MATRIX_H
#define BENCH_MATRIX_H

/**
 * All figures of all placements, and what they come to. Regimes are kept apart: of
 * each pair only those runs count that were made in the regime which most of its runs
 * had, and a ratio is of two runs of one round.
 */

#include "classes.h"
#include "results.h"
#include "statistics.h"

/* Latencies are for one way, in ns; the last one is throughput. */
enum metric {
	METRIC_ONE_WAY, /* median of runs of 64 trips */
	METRIC_P50,
	METRIC_P90,
	METRIC_P99,
	METRIC_P99_9,
	METRIC_P99_99,
	METRIC_MAX,
	METRIC_PER_EVENT,
	METRICS
};

struct figure {
	double value;
	enum regime regime;
	bool is_there;
};

/**
 * struct matrix
 * @figures:  cell by cell, metric by metric, round by round
 * @refusals: why a cell has none; "" if it has
 */
struct matrix {
	struct choice choice;
	uint32_t rounds;
	struct figure *figures;
	struct results *results;
	char refusals[CELLS_MAX][160];
};

/** matrix_init() - none yet; with the choice made. Return: 0; -ENOMEM */
int matrix_init(struct matrix *m, struct results *results, uint32_t rounds);
void matrix_fini(struct matrix *m);

/** matrix_add() - one figure, to the results, too. Return: 0; -ENOMEM */
int matrix_add(struct matrix *m, uint32_t cell, enum metric metric, uint32_t round,
	       enum regime regime, double value);

/** matrix_regime() - the one that counts, of a pair */
enum regime matrix_regime(const struct matrix *m, uint32_t pair);

/** matrix_figure() - what the runs of a cell say; none: count is 0 */
struct summary matrix_figure(const struct matrix *m, uint32_t cell, enum metric metric);

/** matrix_ratio() - of a cell's figures to those of another, round by round */
struct summary matrix_ratio(const struct matrix *m, uint32_t cell, uint32_t base,
			    enum metric metric);

/**
 * matrix_find() - the cell with that. Return: its number; cell_count: there is none with
 * figures
 */
uint32_t matrix_find(const struct matrix *m, uint32_t pair, enum place place, enum dsr_pages pages);

const char *metric_name(enum metric metric);

/** cell_slots() - "the consumer's node, 0" */
void cell_slots(const struct cell *cell, char *text, size_t size);

#endif
