/* SPDX-License-Identifier: MIT */
#include "advice.h"
#include "curves.h"
#include "heatmap.h"
#include "html.h"

static bool has_pages(const struct matrix *m, enum dsr_pages pages)
{
	for (uint32_t i = 0; i < m->choice.cell_count; i++)
		if (m->choice.cells[i].pages == pages)
			return true;
	return false;
}

static void write_maps(FILE *file, const struct matrix *m, enum metric metric, const char *title,
		       const char *note)
{
	static const enum dsr_pages pages[] = {DSR_PAGES_SMALL, DSR_PAGES_TRANSPARENT,
					       DSR_PAGES_2M};

	fprintf(file, "<h2>%s</h2>\n<p class=\"note\">%s</p>\n", title, note);
	heatmap_write_scale(file, m, metric);
	fputs("<div class=\"maps\">\n", file);
	for (uint32_t i = 0; i < 3; i++)
		if (has_pages(m, pages[i]))
			heatmap_write(file, m, metric, pages[i]);
	fputs("</div>\n", file);
}

static void write_curves(FILE *file, const struct matrix *m)
{
	fputs("<h2>Latency by percentile</h2>\n<p class=\"note\">One way, of single trips, "
	      "corrected "
	      "for coordinated omission. Medians of the rounds; the strokes are what these can be "
	      "off by.</p>\n<div class=\"charts\">\n",
	      file);
	for (uint32_t pair = 0; pair < m->choice.pair_count; pair++)
		curves_write(file, m, pair);
	fputs("</div>\n", file);
}

static void write_advice(FILE *file, const struct matrix *m)
{
	static struct advice advice;

	advice_draw(m, &advice);
	fputs("<section class=\"advice\">\n", file);
	html_list(file, "What to do", advice.lines[0], sizeof(advice.lines[0]), advice.heads);
	if (advice.count > advice.heads) {
		fprintf(file, "<details><summary>%u more comparisons</summary>\n",
			advice.count - advice.heads);
		html_items(file, advice.lines[advice.heads], sizeof(advice.lines[0]),
			   advice.count - advice.heads);
		fputs("</details>\n", file);
	}
	fputs("</section>\n", file);
}

static void write_refusals(FILE *file, const struct matrix *m)
{
	bool begun = false;

	for (uint32_t i = 0; i < m->choice.cell_count; i++) {
		if (!*m->refusals[i])
			continue;
		fprintf(file, "%s<li>%s: ", begun ? "" : "<h2>Not as asked</h2>\n<ul>\n",
			m->choice.cells[i].name);
		html_text(file, m->refusals[i]);
		fputs("</li>\n", file);
		begun = true;
	}
	if (begun)
		fputs("</ul>\n", file);
}

static void write_regimes(FILE *file, const struct matrix *m)
{
	fprintf(file,
		"<p class=\"note\">%u round%s, each with every placement in turn. Under each "
		"median is what it can be off by: the true one is between these two, in 95 of 100 "
		"cases if there are 6 rounds or more. Where there is a dash, it would be the same "
		"as another, or cannot be had. Runs count that were ",
		m->rounds, m->rounds == 1 ? "" : "s");
	for (uint32_t pair = 0; pair < m->choice.pair_count; pair++) {
		fprintf(file, "%s%s on the ", pair ? ", " : "",
			regime_name(matrix_regime(m, pair)));
		html_text(file, m->choice.pairs[pair].title);
	}
	fputs(".</p>\n", file);
}

int html_placement(FILE *file, const struct matrix *m, const struct environment *e)
{
	html_begin(file, "Where to put producer, consumer and memory");
	write_advice(file, m);
	html_warnings(file, e);
	html_list(file, "What this machine cannot show", m->choice.notes[0],
		  sizeof(m->choice.notes[0]), m->choice.note_count);
	write_maps(file, m, METRIC_ONE_WAY, "Latency, median",
		   "ns one way: half of a round trip through two rings, median of runs of 64. Each "
		   "ring has its slots where "
		   "the column says, seen from its own producer and consumer.");
	write_maps(file, m, METRIC_P99, "Latency, 99 %",
		   "ns one way: one trip in a hundred is slower.");
	write_maps(file, m, METRIC_PER_EVENT, "Throughput",
		   "ns an event of 56 bytes, in a stream; 1000 by that are millions a second.");
	write_regimes(file, m);
	write_refusals(file, m);
	write_curves(file, m);
	return html_end(file, e);
}
