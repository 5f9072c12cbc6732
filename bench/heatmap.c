/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "heatmap.h"
#include "html.h"

struct colour {
	double red, green, blue;
};

/* From little to much, after the cividis map: even in lightness for every eye. */
static const struct colour stops[] = {
	{253, 234, 69}, {187, 173, 108}, {124, 123, 120}, {66, 78, 108}, {0, 32, 77},
};

enum { STOPS = sizeof(stops) / sizeof(*stops) };

static struct colour colour_at(double part)
{
	double at = part * (STOPS - 1);
	uint32_t i = at >= STOPS - 1 ? STOPS - 2 : (uint32_t)at;
	double rest = at - i;
	const struct colour *a = &stops[i], *b = &stops[i + 1];

	return (struct colour){a->red + (b->red - a->red) * rest,
			       a->green + (b->green - a->green) * rest,
			       a->blue + (b->blue - a->blue) * rest};
}

static double light(const struct colour *c)
{
	return 0.2126 * pow(c->red / 255, 2.2) + 0.7152 * pow(c->green / 255, 2.2) +
	       0.0722 * pow(c->blue / 255, 2.2);
}

struct range {
	double low, high;
};

/* Of all cells. At least a factor of 2: noise is not to look like a finding. */
static struct range range_of(const struct matrix *m, enum metric metric)
{
	struct range range = {INFINITY, 0};

	for (uint32_t i = 0; i < m->choice.cell_count; i++) {
		struct summary s = matrix_figure(m, i, metric);

		if (!s.count || s.median <= 0)
			continue;
		range.low = fmin(range.low, s.median);
		range.high = fmax(range.high, s.median);
	}
	if (range.high < 2 * range.low) {
		double middle = sqrt(range.low * range.high);

		range = (struct range){middle / sqrt(2), middle * sqrt(2)};
	}
	return range;
}

static double part_of(const struct range *range, double value)
{
	double part = log(value / range->low) / log(range->high / range->low);

	return fmin(fmax(part, 0), 1);
}

static void write_figure(FILE *file, const struct range *range, const struct summary *s,
			 const char *name)
{
	struct colour c = colour_at(part_of(range, s->median));

	/* At this light black and white stand out from it alike. */
	fprintf(file, "<td data-cell=\"%s\" style=\"background:#%02x%02x%02x;color:%s\"><b>", name,
		(unsigned int)lround(c.red), (unsigned int)lround(c.green),
		(unsigned int)lround(c.blue), light(&c) > 0.18 ? "#000" : "#fff");
	html_number(file, s->median);
	fputs("</b><small>", file);
	html_number(file, s->low);
	fputs(" to ", file);
	html_number(file, s->high);
	fputs("</small></td>", file);
}

static bool has_cell(const struct matrix *m, uint32_t pair, enum place place, enum dsr_pages pages,
		     uint32_t *cell)
{
	for (*cell = 0; *cell < m->choice.cell_count; ++*cell) {
		const struct cell *c = &m->choice.cells[*cell];

		if (c->pair == pair && c->place == place && c->pages == pages)
			return true;
	}
	return false;
}

static void write_cell(FILE *file, const struct matrix *m, uint32_t pair, enum place place,
		       enum dsr_pages pages, enum metric metric, const struct range *range)
{
	const char *name;
	struct summary s;
	uint32_t cell;

	if (!has_cell(m, pair, place, pages, &cell)) {
		fputs("<td class=\"none\">&ndash;</td>", file);
		return;
	}
	name = m->choice.cells[cell].name;
	s = matrix_figure(m, cell, metric);
	if (*m->refusals[cell])
		fprintf(file, "<td class=\"refused\" data-cell=\"%s\">not as<br>asked</td>", name);
	else if (!s.count)
		fprintf(file, "<td class=\"none\" data-cell=\"%s\">no steady run</td>", name);
	else
		write_figure(file, range, &s, name);
}

/* Is there such a place, of any pair? */
static bool has_place(const struct matrix *m, enum place place, enum dsr_pages pages)
{
	uint32_t cell;

	for (uint32_t pair = 0; pair < m->choice.pair_count; pair++)
		if (has_cell(m, pair, place, pages, &cell))
			return true;
	return false;
}

static void write_head(FILE *file, const struct matrix *m, enum dsr_pages pages)
{
	fputs("<thead><tr><th>threads</th>", file);
	for (uint32_t place = 0; place < PLACES; place++)
		if (has_place(m, place, pages))
			fprintf(file, "<th scope=\"col\">%s</th>", place_title(place));
	fputs("</tr></thead>\n<tbody>\n", file);
}

static void write_pair(FILE *file, const struct pair *p)
{
	fputs("<tr><th scope=\"row\">", file);
	html_text(file, p->title);
	fprintf(file, "<small>CPU %d (node %d) to %d (node %d)</small></th>", p->producer,
		p->producer_node, p->consumer, p->consumer_node);
}

void heatmap_write(FILE *file, const struct matrix *m, enum metric metric, enum dsr_pages pages)
{
	struct range range = range_of(m, metric);

	fprintf(file,
		"<div>\n<h3>%s</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
		"aria-label=\"%s, %s\">\n<table class=\"heat\" data-metric=\"%s\" "
		"data-pages=\"%s\">\n",
		pages_title(pages), metric_name(metric), pages_title(pages), metric_name(metric),
		pages_name(pages));
	write_head(file, m, pages);
	for (uint32_t pair = 0; pair < m->choice.pair_count; pair++) {
		write_pair(file, &m->choice.pairs[pair]);
		for (uint32_t place = 0; place < PLACES; place++)
			if (has_place(m, place, pages))
				write_cell(file, m, pair, place, pages, metric, &range);
		fputs("</tr>\n", file);
	}
	fputs("</tbody>\n</table>\n</div>\n</div>\n", file);
}

void heatmap_write_scale(FILE *file, const struct matrix *m, enum metric metric)
{
	struct range range = range_of(m, metric);

	if (!(range.high > 0) || !isfinite(range.low))
		return;
	fputs("<p class=\"scale\"><span>", file);
	html_number(file, range.low);
	fputs(" ns</span><i style=\"background:linear-gradient(90deg", file);
	for (uint32_t i = 0; i < STOPS; i++)
		fprintf(file, ",#%02x%02x%02x", (unsigned int)stops[i].red,
			(unsigned int)stops[i].green, (unsigned int)stops[i].blue);
	fputs(")\"></i><span>", file);
	html_number(file, range.high);
	fputs(" ns</span></p>\n", file);
}
