/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "bars.h"
#include "html.h"

/* Those of which a scenario has one for each run. */
static const char *const metrics[] = {"one_way_ns", "ns_per_event"};

static const char *title_of(const char *scenario)
{
	for (uint32_t i = 0; i < scenario_count; i++)
		if (strcmp(scenarios[i].name, scenario) == 0)
			return scenarios[i].title;
	return "";
}

/* Was it not there before? Most often the one before is of the same. */
static bool is_new(const struct results *r, uint32_t index)
{
	const char *scenario = results_at(r, index)->scenario;

	for (uint32_t i = index; i > 0; i--)
		if (strcmp(results_at(r, i - 1)->scenario, scenario) == 0)
			return false;
	return true;
}

static void write_scenario(FILE *file, const struct results *r, const char *scenario)
{
	fputs("<h2>", file);
	html_text(file, scenario);
	fputs("</h2>\n<p class=\"note\">", file);
	html_text(file, title_of(scenario));
	fputs("</p>\n", file);
	for (uint32_t i = 0; i < sizeof(metrics) / sizeof(*metrics); i++) {
		bars_write(file, r, scenario, metrics[i], NEAR);
		bars_write(file, r, scenario, metrics[i], FAR);
	}
}

int html_comparison(FILE *file, const struct results *r, const struct environment *e)
{
	html_begin(file, "Ways to hand events over, side by side");
	html_warnings(file, e);
	fputs("<p class=\"note\">Medians, and under each what it can be off by: the true one is "
	      "between "
	      "these two, in 95 of 100 cases if there are 6 rounds or more. The ratio is to "
	      "disruptor's figure of the same round: above 1 is slower. Rounds in which the CPUs "
	      "were "
	      "near each other and those in which they were far stand apart. The floor is no "
	      "queue: bare words in lines that both look at, one by one.</p>\n",
	      file);
	for (uint32_t i = 0; i < results_count(r); i++)
		if (is_new(r, i))
			write_scenario(file, r, results_at(r, i)->scenario);
	return html_end(file, e);
}
