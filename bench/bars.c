/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>

#include "bars.h"
#include "html.h"
#include "options.h"
#include "statistics.h"

enum { WIDTH = 120, HEIGHT = 14 };

/* So many times disruptor's figure at most: a slow one would make dots of all others. */
#define LONGEST 10.0

static const char ours[] = "disruptor";

struct bar {
	const char *contender;
	struct summary figure, ratio;
};

struct bars {
	struct bar bars[CONTENDERS_MAX];
	uint32_t count;
	double longest;
};

/* One round's figure of every contender that has one. */
static bool is_one(const struct record *record, const char *scenario, const char *metric,
		   enum regime regime)
{
	return record->regime == regime && strcmp(record->scenario, scenario) == 0 &&
	       strcmp(record->metric, metric) == 0;
}

static bool find_round(const struct results *r, const char *scenario, const char *metric,
		       enum regime regime, uint32_t round, double *value)
{
	for (uint32_t i = 0; i < results_count(r); i++) {
		const struct record *record = results_at(r, i);

		if (is_one(record, scenario, metric, regime) && record->round == round &&
		    strcmp(record->contender, ours) == 0) {
			*value = record->value;
			return *value > 0;
		}
	}
	return false;
}

static void summarize_bar(const struct results *r, const char *scenario, const char *metric,
			  enum regime regime, struct bar *bar)
{
	double values[ROUNDS_MOST], ratios[ROUNDS_MOST], base;
	uint32_t n = 0, pairs = 0;

	for (uint32_t i = 0; i < results_count(r) && n < ROUNDS_MOST; i++) {
		const struct record *record = results_at(r, i);

		if (!is_one(record, scenario, metric, regime) ||
		    strcmp(record->contender, bar->contender) != 0)
			continue;
		values[n++] = record->value;
		if (find_round(r, scenario, metric, regime, record->round, &base))
			ratios[pairs++] = record->value / base;
	}
	bar->figure = summarize(values, n);
	bar->ratio = summarize(ratios, pairs);
}

static void collect(const struct results *r, const char *scenario, const char *metric,
		    enum regime regime, struct bars *b)
{
	double limit = INFINITY;
	uint32_t i, k;

	*b = (struct bars){.count = 0};
	for (i = 0; i < results_count(r); i++) {
		const struct record *record = results_at(r, i);

		if (!is_one(record, scenario, metric, regime))
			continue;
		for (k = 0; k < b->count; k++)
			if (strcmp(b->bars[k].contender, record->contender) == 0)
				break;
		if (k == b->count && k < CONTENDERS_MAX)
			b->bars[b->count++].contender = record->contender;
	}
	for (i = 0; i < b->count; i++) {
		summarize_bar(r, scenario, metric, regime, &b->bars[i]);
		b->longest = fmax(b->longest, b->bars[i].figure.high);
		if (strcmp(b->bars[i].contender, ours) == 0)
			limit = LONGEST * b->bars[i].figure.median;
	}
	b->longest = fmin(b->longest, limit);
}

static double length(const struct bars *b, double value)
{
	return fmin(value / b->longest, 1) * WIDTH;
}

/* From 0; the stroke is what it can be off by; one that is cut off ends in an arrow. */
static void write_bar(FILE *file, const struct bars *b, const struct bar *bar)
{
	double end = length(b, bar->figure.median);

	fprintf(file,
		"<svg width=\"%d\" height=\"%d\" aria-hidden=\"true\">"
		"<rect x=\"0\" y=\"2\" width=\"%.1f\" height=\"%d\" fill=\"var(--%s)\"/>"
		"<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"var(--text)\" "
		"stroke-width=\"2\"/>",
		WIDTH + 10, HEIGHT, end, HEIGHT - 4,
		strcmp(bar->contender, ours) == 0 ? "ours" : "bar", length(b, bar->figure.low),
		length(b, bar->figure.high), HEIGHT / 2, HEIGHT / 2);
	if (bar->figure.median > b->longest)
		fprintf(file, "<path d=\"M%d 1l8 6l-8 6z\" fill=\"var(--bar)\"/>", WIDTH + 1);
	fputs("</svg></th>", file);
}

static void write_summary(FILE *file, const struct summary *s)
{
	fputs("<td>", file);
	if (s->count) {
		html_number(file, s->median);
		fputs("<small>", file);
		html_number(file, s->low);
		fputs(" to ", file);
		html_number(file, s->high);
		fputs("</small>", file);
	}
	fputs("</td>", file);
}

void bars_write(FILE *file, const struct results *r, const char *scenario, const char *metric,
		enum regime regime)
{
	struct bars b;

	collect(r, scenario, metric, regime, &b);
	if (!b.count)
		return;
	fprintf(file,
		"<h3>%s</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
		"aria-label=\"contenders, %s\">\n<table "
		"class=\"rows\">\n<thead><tr><th>contender</th>"
		"<th>",
		regime_name(regime), regime_name(regime));
	html_text(file, metric);
	fputs("</th><th>ratio</th><th>rounds</th></tr></thead>\n<tbody>\n", file);
	for (uint32_t i = 0; i < b.count; i++) {
		fputs("<tr><th scope=\"row\">", file);
		html_text(file, b.bars[i].contender);
		write_bar(file, &b, &b.bars[i]);
		write_summary(file, &b.bars[i].figure);
		write_summary(file, &b.bars[i].ratio);
		fprintf(file, "<td>%u</td></tr>\n", b.bars[i].figure.count);
	}
	fputs("</tbody>\n</table>\n</div>\n", file);
}
