/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "curves.h"
#include "html.h"

enum { LINES_MAX = PLACES, POINTS = 6, WIDTH = 400, HEIGHT = 260 };
enum { LEFT = 52, RIGHT = WIDTH - 14, TOP = 10, BOTTOM = HEIGHT - 38 };

static const struct {
	enum metric metric;
	const char *name;
	double rarity; /* how many tenths of tenths are above */
} points[POINTS] = {
	{METRIC_P50, "50 %", 0.30103}, {METRIC_P90, "90", 1},       {METRIC_P99, "99", 2},
	{METRIC_P99_9, "99.9", 3},     {METRIC_P99_99, "99.99", 4}, {METRIC_MAX, "max", 5},
};

static const char *const dashes[LINES_MAX] = {"none", "7 3", "2 3", "9 3 2 3", "4 2"};

/* Which cells are drawn, and the range of what is to be seen. */
struct picture {
	uint32_t cells[LINES_MAX];
	uint32_t count;
	bool by_pages;
	double low, high;
};

static void collect(const struct matrix *m, uint32_t pair, struct picture *p)
{
	static const enum dsr_pages pages[] = {DSR_PAGES_SMALL, DSR_PAGES_TRANSPARENT,
					       DSR_PAGES_2M};
	uint32_t only;

	p->count = 0;
	for (uint32_t place = 0; place < PLACES; place++) {
		uint32_t cell = matrix_find(m, pair, place, DSR_PAGES_SMALL);

		if (cell < m->choice.cell_count)
			p->cells[p->count++] = cell;
	}
	p->by_pages = p->count <= 1;
	if (!p->by_pages)
		return;
	only = p->count ? m->choice.cells[p->cells[0]].place : PLACE_CONSUMER;
	p->count = 0;
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t cell = matrix_find(m, pair, only, pages[i]);

		if (cell < m->choice.cell_count)
			p->cells[p->count++] = cell;
	}
}

static void measure(const struct matrix *m, struct picture *p)
{
	p->low = INFINITY;
	p->high = 0;
	for (uint32_t i = 0; i < p->count; i++) {
		for (uint32_t k = 0; k < POINTS; k++) {
			struct summary s = matrix_figure(m, p->cells[i], points[k].metric);

			if (!s.count || s.low <= 0)
				continue;
			p->low = fmin(p->low, s.low);
			p->high = fmax(p->high, s.high);
		}
	}
	/* To the next line of the grid. */
	p->low = pow(10, floor(log10(p->low)));
	p->high = pow(10, ceil(log10(p->high) + 1e-9));
}

static double x_at(double rarity)
{
	return LEFT + (RIGHT - LEFT) * rarity / 5;
}

static double y_at(const struct picture *p, double value)
{
	double part = log(fmax(value, p->low) / p->low) / log(p->high / p->low);

	return BOTTOM - (BOTTOM - TOP) * part;
}

static void write_unit(FILE *file, double ns)
{
	if (ns >= 1e6)
		fprintf(file, "%g ms", ns / 1e6);
	else if (ns >= 1e3)
		fprintf(file, "%g &micro;s", ns / 1e3);
	else
		fprintf(file, "%g ns", ns);
}

static void write_grid(FILE *file, const struct picture *p)
{
	for (double ns = p->low; ns <= p->high * 1.001; ns *= 10) {
		double y = y_at(p, ns);

		fprintf(file,
			"<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
			LEFT, RIGHT, y, y, LEFT - 6, y + 4);
		write_unit(file, ns);
		fputs("</text>\n", file);
	}
	for (uint32_t i = 0; i < POINTS; i++) {
		double x = x_at(points[i].rarity);

		fprintf(file,
			"<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>"
			"<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
			x, x, TOP, BOTTOM, x, BOTTOM + 16, points[i].name);
	}
	fprintf(file,
		"<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">percentile of round trips, "
		"halved</text>\n",
		(LEFT + RIGHT) / 2, HEIGHT - 6);
}

/* A mark of its own for each line. */
static void write_mark(FILE *file, uint32_t line, double x, double y)
{
	switch (line % 3) {
	case 0:
		fprintf(file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", x, y);
		break;
	case 1:
		fprintf(file, "<rect x=\"%.1f\" y=\"%.1f\" width=\"6\" height=\"6\"/>", x - 3,
			y - 3);
		break;
	default:
		fprintf(file, "<path d=\"M%.1f %.1fl4 7h-8z\"/>", x, y - 4);
	}
}

static void write_line(FILE *file, const struct matrix *m, const struct picture *p, uint32_t line)
{
	fprintf(file,
		"<g style=\"color:var(--s%u)\" fill=\"currentColor\" stroke=\"none\">"
		"<polyline fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" "
		"stroke-dasharray=\"%s\" points=\"",
		line, dashes[line]);
	for (uint32_t i = 0; i < POINTS; i++) {
		struct summary s = matrix_figure(m, p->cells[line], points[i].metric);

		fprintf(file, "%.1f,%.1f ", x_at(points[i].rarity), y_at(p, s.median));
	}
	fputs("\"/>", file);
	for (uint32_t i = 0; i < POINTS; i++) {
		struct summary s = matrix_figure(m, p->cells[line], points[i].metric);
		double x = x_at(points[i].rarity);

		fprintf(file,
			"<line stroke=\"currentColor\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" "
			"y2=\"%.1f\"/>",
			x, x, y_at(p, s.low), y_at(p, s.high));
		write_mark(file, line, x, y_at(p, s.median));
	}
	fputs("</g>\n", file);
}

static void write_name(FILE *file, const struct matrix *m, const struct picture *p, uint32_t line)
{
	const struct cell *cell = &m->choice.cells[p->cells[line]];
	char text[60];

	cell_slots(cell, text, sizeof(text));
	html_text(file, p->by_pages ? pages_title(cell->pages) : text);
}

static void write_key(FILE *file, const struct matrix *m, const struct picture *p)
{
	fputs("<ul class=\"key\">\n", file);
	for (uint32_t i = 0; i < p->count; i++) {
		fprintf(file,
			"<li><svg width=\"34\" height=\"12\" aria-hidden=\"true\">"
			"<g style=\"color:var(--s%u)\" fill=\"currentColor\">"
			"<line x1=\"0\" x2=\"34\" y1=\"6\" y2=\"6\" stroke=\"currentColor\" "
			"stroke-width=\"2\" stroke-dasharray=\"%s\"/>",
			i, dashes[i]);
		write_mark(file, i, 17, 6);
		fputs("</g></svg><span>", file);
		write_name(file, m, p, i);
		fputs("</span></li>\n", file);
	}
	fputs("</ul>\n", file);
}

static void write_numbers(FILE *file, const struct matrix *m, const struct picture *p)
{
	fputs("<details><summary>The numbers, ns</summary>\n<div class=\"scroll\" tabindex=\"0\" "
	      "role=\"region\" aria-label=\"percentiles\">\n<table class=\"rows\">\n<thead><tr>"
	      "<th></th>",
	      file);
	for (uint32_t i = 0; i < POINTS; i++)
		fprintf(file, "<th scope=\"col\">%s</th>", points[i].name);
	fputs("</tr></thead>\n<tbody>\n", file);
	for (uint32_t line = 0; line < p->count; line++) {
		fputs("<tr><th scope=\"row\">", file);
		write_name(file, m, p, line);
		fputs("</th>", file);
		for (uint32_t i = 0; i < POINTS; i++) {
			struct summary s = matrix_figure(m, p->cells[line], points[i].metric);

			fputs("<td>", file);
			html_number(file, s.median);
			fputs("<small>", file);
			html_number(file, s.low);
			fputs(" to ", file);
			html_number(file, s.high);
			fputs("</small></td>", file);
		}
		fputs("</tr>\n", file);
	}
	fputs("</tbody>\n</table>\n</div>\n</details>\n", file);
}

void curves_write(FILE *file, const struct matrix *m, uint32_t pair)
{
	struct picture p;

	collect(m, pair, &p);
	if (!p.count)
		return;
	measure(m, &p);
	fputs("<figure>\n<h3>", file);
	html_text(file, m->choice.pairs[pair].title);
	fprintf(file,
		"</h3>\n<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" "
		"aria-label=\"latency by percentile\">\n",
		WIDTH, HEIGHT);
	write_grid(file, &p);
	for (uint32_t line = 0; line < p.count; line++)
		write_line(file, m, &p, line);
	fputs("</svg>\n", file);
	write_key(file, m, &p);
	write_numbers(file, m, &p);
	fputs("</figure>\n", file);
}
