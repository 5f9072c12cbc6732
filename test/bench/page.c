/* SPDX-License-Identifier: MIT */
/*
 * usage: page placement MACHINE | page comparison | page cells MACHINE
 *
 * Writes a page from figures that are made up, always the same, as if they had been
 * taken on a machine that is not here; or the names of its cells.
 */
#include <stdlib.h>
#include <string.h>

#include "html.h"

enum { ROUNDS = 9, REFUSED = 1 };

/* What a page must not take for its own. */
#define MISCHIEF "<script src=\"http://example.org/x.js\">alert('&amp;')</script>"

const struct scenario scenarios[] = {
	{.name = "latency-8", .title = "one way, 8-byte events"},
	{.name = "single-56", .title = MISCHIEF},
};
const uint32_t scenario_count = 2;

static const char *const queues[] = {"floor", "disruptor", "a queue with a rather long name",
				     "mutex & <condition>"};

static int choose(const char *machine, struct choice *choice)
{
	struct offer offer = {.slot_bytes = 4 << 20, .has_transparent = true};
	struct dsr_topology *t;
	int err = dsr_topology_read(machine, &t);

	if (err < 0)
		return err;
	offer.topology = t;
	err = classes_choose(&offer, choice);
	dsr_topology_free(t);
	return err;
}

/* From 0 to 1, different and yet always the same. */
static double chance(uint32_t seed)
{
	uint32_t x = seed * 2654435761u;

	x = (x ^ x >> 15) * 2246822519u;
	return (double)(x >> 8) / (1 << 24);
}

static double made_up(const struct choice *c, uint32_t cell, uint32_t metric, uint32_t round)
{
	static const double tail[METRICS] = {1, 1, 1.2, 2, 9, 40, 300, 0.3};
	static const double place[PLACES] = {1, 1.6, 2.1, 2.4, 1.4};
	const struct pair *pair = &c->pairs[c->cells[cell].pair];
	double base = 30 + 40 * pair->kin + pair->distance * 3;

	return base * tail[metric] * place[c->cells[cell].place] *
	       (1 - 0.05 * c->cells[cell].pages) *
	       (1 + 0.08 * chance(cell * 1000 + metric * 100 + round));
}

static int fill(struct matrix *m)
{
	int err = 0;

	for (uint32_t cell = 0; cell < m->choice.cell_count; cell++)
		for (uint32_t i = 0; i < METRICS * ROUNDS && cell != REFUSED && err == 0; i++)
			err = matrix_add(m, cell, i % METRICS, i / METRICS, FAR,
					 made_up(&m->choice, cell, i % METRICS, i / METRICS));
	snprintf(m->refusals[REFUSED], sizeof(m->refusals[0]), "the pages are others: %s",
		 MISCHIEF);
	return err;
}

static int compare(struct results *r)
{
	int err = 0;

	for (uint32_t i = 0; i < scenario_count * 4 * 2 * ROUNDS && err == 0; i++) {
		uint32_t who = i % 4, scenario = i / 4 % 2, round = i / 16;
		struct record record = {
			.command = "compare",
			.scenario = scenarios[scenario].name,
			.contender = queues[who],
			.metric = scenario ? "ns_per_event" : "one_way_ns",
			.regime = i / 8 % 2 ? NEAR : FAR,
			.round = round,
			.value = (who == 3 ? 900 : 50 + 20 * who) * (1 + 0.2 * chance(i)),
		};

		err = results_add(r, &record);
	}
	return err;
}

static struct environment *look(const char *machine)
{
	struct environment *e = NULL;

	if (environment_read(machine, NULL, 0, &e) < 0)
		exit(1);
	snprintf(e->cpu, sizeof(e->cpu), "A CPU %s", MISCHIEF);
	e->warning_count = 1;
	snprintf(e->warnings[0], sizeof(e->warnings[0]), "this machine is %s", MISCHIEF);
	return e;
}

static int put_placement(const char *machine)
{
	static struct matrix m;
	struct results *r = results_new();
	struct environment *e = look(machine);
	int err = choose(machine, &m.choice);

	if (err == 0)
		err = matrix_init(&m, r, ROUNDS);
	if (err == 0)
		err = fill(&m);
	if (err == 0)
		err = html_placement(stdout, &m, e);
	matrix_fini(&m);
	results_free(r);
	environment_free(e);
	return err;
}

static int put_comparison(void)
{
	struct results *r = results_new();
	struct environment *e = look(NULL);
	int err = compare(r);

	if (err == 0)
		err = html_comparison(stdout, r, e);
	results_free(r);
	environment_free(e);
	return err;
}

static int put_cells(const char *machine)
{
	static struct choice choice;
	int err = choose(machine, &choice);

	for (uint32_t i = 0; i < choice.cell_count; i++)
		puts(choice.cells[i].name);
	return err;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "comparison") == 0)
		return put_comparison() < 0;
	if (argc == 3 && strcmp(argv[1], "placement") == 0)
		return put_placement(argv[2]) < 0;
	if (argc == 3 && strcmp(argv[1], "cells") == 0)
		return put_cells(argv[2]) < 0;
	return 2;
}
