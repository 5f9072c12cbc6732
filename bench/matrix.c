/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "matrix.h"
#include "options.h"

const char *metric_name(enum metric metric)
{
	static const char *const names[] = {"one_way_ns", "p50_ns",    "p90_ns", "p99_ns",
					    "p99.9_ns",   "p99.99_ns", "max_ns", "ns_per_event"};

	return names[metric];
}

int matrix_init(struct matrix *m, struct results *results, uint32_t rounds)
{
	m->results = results;
	m->rounds = rounds;
	m->figures = calloc((size_t)m->choice.cell_count * METRICS * rounds, sizeof(*m->figures));
	return m->figures || !m->choice.cell_count ? 0 : -ENOMEM;
}

void matrix_fini(struct matrix *m)
{
	free(m->figures);
}

static struct figure *figure_at(const struct matrix *m, uint32_t cell, enum metric metric,
				uint32_t round)
{
	return &m->figures[((size_t)cell * METRICS + metric) * m->rounds + round];
}

int matrix_add(struct matrix *m, uint32_t cell, enum metric metric, uint32_t round,
	       enum regime regime, double value)
{
	struct record record = {
		.command = "placement",
		.scenario = m->choice.cells[cell].name,
		.contender = "disruptor",
		.metric = metric_name(metric),
		.regime = regime,
		.round = round,
		.value = value,
	};

	*figure_at(m, cell, metric, round) = (struct figure){value, regime, true};
	return results_add(m->results, &record);
}

enum regime matrix_regime(const struct matrix *m, uint32_t pair)
{
	uint32_t counts[REGIMES] = {0};

	for (uint32_t cell = 0; cell < m->choice.cell_count; cell++) {
		for (uint32_t i = 0; m->choice.cells[cell].pair == pair && i < m->rounds; i++) {
			/* One figure of each run: the others are percentiles. */
			const struct figure *latency = figure_at(m, cell, METRIC_ONE_WAY, i);
			const struct figure *stream = figure_at(m, cell, METRIC_PER_EVENT, i);

			counts[latency->regime] += latency->is_there;
			counts[stream->regime] += stream->is_there;
		}
	}
	return counts[NEAR] >= counts[FAR] ? NEAR : FAR;
}

/* NULL: it was not measured in that round, or in the other regime. */
static const struct figure *figure_in(const struct matrix *m, uint32_t cell, enum metric metric,
				      uint32_t round, enum regime regime)
{
	const struct figure *figure = figure_at(m, cell, metric, round);

	return figure->is_there && figure->regime == regime ? figure : NULL;
}

struct summary matrix_figure(const struct matrix *m, uint32_t cell, enum metric metric)
{
	enum regime regime = matrix_regime(m, m->choice.cells[cell].pair);
	double values[ROUNDS_MOST];
	uint32_t n = 0;

	for (uint32_t round = 0; round < m->rounds; round++) {
		const struct figure *figure = figure_in(m, cell, metric, round, regime);

		if (figure)
			values[n++] = figure->value;
	}
	return summarize(values, n);
}

struct summary matrix_ratio(const struct matrix *m, uint32_t cell, uint32_t base,
			    enum metric metric)
{
	/* Two pairs may well be near and far: that is what sets them apart. */
	enum regime regime = matrix_regime(m, m->choice.cells[cell].pair);
	enum regime other = matrix_regime(m, m->choice.cells[base].pair);
	double values[ROUNDS_MOST];
	uint32_t n = 0;

	for (uint32_t round = 0; round < m->rounds; round++) {
		const struct figure *one = figure_in(m, cell, metric, round, regime);
		const struct figure *two = figure_in(m, base, metric, round, other);

		if (one && two && two->value > 0)
			values[n++] = one->value / two->value;
	}
	return summarize(values, n);
}

static bool has_figures(const struct matrix *m, uint32_t cell)
{
	return matrix_figure(m, cell, METRIC_P50).count &&
	       matrix_figure(m, cell, METRIC_PER_EVENT).count;
}

uint32_t matrix_find(const struct matrix *m, uint32_t pair, enum place place, enum dsr_pages pages)
{
	uint32_t i;

	for (i = 0; i < m->choice.cell_count; i++) {
		const struct cell *cell = &m->choice.cells[i];

		if (cell->pair == pair && cell->place == place && cell->pages == pages &&
		    has_figures(m, i))
			break;
	}
	return i;
}

void cell_slots(const struct cell *cell, char *text, size_t size)
{
	if (cell->node < 0)
		snprintf(text, size, "%s", place_title(cell->place));
	else
		snprintf(text, size, "%s, %d", place_title(cell->place), cell->node);
}
