/* SPDX-License-Identifier: MIT */
/*
 * The placement matrix: each cell takes its turn in each round, its latency and its
 * throughput, so that what the machine does meanwhile is done to all. After each
 * start the kernel is asked where the slots are, and a cell that is not as it was to
 * be has no figure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/disruptor.h>

#include "advice.h"
#include "html.h"
#include "placement.h"
#include "placing.h"
#include "progress.h"
#include "report.h"
#include "sitting.h"

/*
 * One size of ring for both: latency in a ring that fits the first cache would say
 * nothing about pages or about memory.
 */
enum { SLOTS = 65536, SLOT_WORDS = 8, LIST_MACHINE = 0 };

#define COURSE(n)                                                                           \
	{                                                                                   \
		.words = 7, .batch = 1, .producers = 1, .capacity = SLOTS, .warmup = SLOTS, \
		.events = n, .cpu_count = 2                                                 \
	}

static const struct scenario latency = {
	.name = "placement", .title = "one way", .course = COURSE(SCENARIO_TRIPS), .latency = true};
static const struct scenario stream = {
	.name = "placement", .title = "one by one", .course = COURSE(1000000)};

static const struct own_option own_options[] = {
	{'R', "machine", "FOLDER", "with --list: of the machine whose sys and proc are there"},
	{0, NULL, NULL, NULL},
};

static const struct command command = {
	.name = "placement",
	.text = "Where to put producer, consumer and memory? For each way in which two CPUs can "
		"lie\n"
		"to each other - of one core, one cache, one node, different nodes - one pair "
		"takes\n"
		"its turn, with the slots on each node that makes a difference, and on each kind "
		"of\n"
		"page. It ends with what the figures advise. What this machine cannot show is "
		"told.\n"
		"\n"
		"A ring of 65536 events of 56 bytes, 4 MiB. One way: half of a round trip, "
		"through\n"
		"two rings; each has its slots on its own consumer's node, or its own producer's, "
		"or\n"
		"both are where the table says. Percentiles are of single trips, corrected for\n"
		"coordinated omission. Consumers' sequences stay on their node, producers' on "
		"theirs.\n",
	.examples = "  disruptor-bench placement --html placement.html\n"
		    "  disruptor-bench placement --cpus 0,1,32 --rounds 21\n"
		    "  disruptor-bench placement --list\n",
	.common = "rpqjVHlh",
	.own = own_options,
	.rounds = 9,
	.cpus_most = CPUS_MAX,
};

static int choose(const struct options *o, struct choice *choice)
{
	const char *root = o->own[LIST_MACHINE];
	struct dsr_topology *t;
	struct offer offer = {.cpus = o->cpus,
			      .cpu_count = o->cpu_count,
			      .slot_bytes = (uint64_t)SLOTS * SLOT_WORDS * 8,
			      .has_transparent = classes_has_transparent(root)};
	int err = dsr_topology_read(root, &t);

	if (err < 0) {
		complain("%s: %s", root ? root : "topology", dsr_strerror(err));
		return STATUS_USAGE;
	}
	offer.topology = t;
	err = classes_choose(&offer, choice);
	dsr_topology_free(t);
	if (err == 0)
		return STATUS_NONE;
	complain("placement: %s", err == -ENODEV ? "takes two CPUs" : dsr_strerror(err));
	return err == -ENODEV ? STATUS_REFUSED : STATUS_FAILED;
}

static void print_notes(const struct choice *c)
{
	for (uint32_t i = 0; i < c->note_count; i++)
		printf("%s%s\n", i ? "" : "\nWhat this cannot show:\n", c->notes[i]);
}

static void print_pair(const struct pair *p)
{
	printf("\n%s: producer CPU %d, node %d; consumer CPU %d, node %d", p->title, p->producer,
	       p->producer_node, p->consumer, p->consumer_node);
}

static int list(const struct choice *c)
{
	char slots[60];

	for (uint32_t i = 0; i < c->cell_count; i++) {
		const struct cell *cell = &c->cells[i];

		if (!i || cell->pair != c->cells[i - 1].pair) {
			print_pair(&c->pairs[cell->pair]);
			puts("");
		}
		cell_slots(cell, slots, sizeof(slots));
		printf("    %-32s slots on %s, %s\n", cell->name, slots, pages_title(cell->pages));
	}
	print_notes(c);
	return STATUS_DONE;
}

static struct placing placing_of(const struct choice *c, const struct cell *cell)
{
	const struct pair *pair = &c->pairs[cell->pair];

	return (struct placing){
		.place = cell->place,
		.node = cell->node,
		.pages = cell->pages,
		.nodes = {pair->producer_node, pair->consumer_node},
		.knows_nodes = c->knows_nodes,
	};
}

static struct course course_of(const struct scenario *s, const struct pair *pair, uint32_t shrink,
			       struct placing *placing)
{
	struct course course = s->course;

	course.cpus[0] = pair->producer;
	course.cpus[1] = pair->consumer;
	course.events = course.events / shrink + 1;
	course.warmup = course.warmup / shrink + 1;
	course.placing = placing;
	return course;
}

static int add_latency(struct matrix *m, uint32_t cell, uint32_t round, struct result *result)
{
	int err = matrix_add(m, cell, METRIC_ONE_WAY, round, result->regime, result->value);
	double ns[PERCENTILES];

	report_percentiles(&latency, result->trips, ns);
	for (uint32_t i = 0; i < PERCENTILES && err == 0; i++)
		err = matrix_add(m, cell, METRIC_P50 + i, round, result->regime, ns[i]);
	return err;
}

/* Return: 0, also if it was refused, which is kept; else it is no use to go on. */
static int run_one(struct matrix *m, const struct options *o, uint32_t cell, uint32_t round,
		   const struct scenario *scenario)
{
	const struct cell *what = &m->choice.cells[cell];
	struct placing placing = placing_of(&m->choice, what);
	struct course course =
		course_of(scenario, &m->choice.pairs[what->pair], o->shrink, &placing);
	struct result result;
	int err = scenario_run(scenario, &course, &disruptor_contender, &result);

	if (err == -EXDEV) {
		snprintf(m->refusals[cell], sizeof(m->refusals[cell]), "%s", placing.reason);
		err = 0;
	} else if (err == 0 && scenario->latency) {
		err = add_latency(m, cell, round, &result);
	} else if (err == 0) {
		err = matrix_add(m, cell, METRIC_PER_EVENT, round, result.regime, result.value);
	}
	free(result.trips);
	return sitting_failed("placement", what->name, err);
}

static int run_all(struct matrix *m, const struct options *o)
{
	uint32_t count = m->choice.cell_count, round, n;
	int err = 0;

	progress_begin(o->rounds * count);
	for (round = 0; round < o->rounds; round++) {
		for (n = 0; n < count && err == 0; n++) {
			uint32_t cell = (n + round) % count;

			progress_step("round %u of %u: %s", round + 1, o->rounds,
				      m->choice.cells[cell].name);
			if (!*m->refusals[cell])
				err = run_one(m, o, cell, round, &latency);
			if (err == 0 && !*m->refusals[cell])
				err = run_one(m, o, cell, round, &stream);
		}
	}
	progress_clear();
	return err;
}

/* Return: 0; -ENODEV: not one placement was to be had. */
static int check_refusals(const struct matrix *m)
{
	for (uint32_t i = 0; i < m->choice.cell_count; i++)
		if (!*m->refusals[i])
			return 0;
	return sitting_failed("placement", "every one", -ENODEV);
}

static void print_figure(const struct matrix *m, uint32_t cell, enum metric metric)
{
	struct summary s = matrix_figure(m, cell, metric);

	if (s.count)
		printf(" %8.1f %6.1f", s.median, s.spread);
	else
		printf(" %8s %6s", "", "");
}

static void print_cell(const struct matrix *m, uint32_t cell)
{
	char slots[60];

	cell_slots(&m->choice.cells[cell], slots, sizeof(slots));
	printf("    %-24s %-11s", slots, pages_name(m->choice.cells[cell].pages));
	if (*m->refusals[cell]) {
		printf("  not as asked: %s\n", m->refusals[cell]);
		return;
	}
	print_figure(m, cell, METRIC_ONE_WAY);
	print_figure(m, cell, METRIC_P99);
	print_figure(m, cell, METRIC_P99_9);
	print_figure(m, cell, METRIC_PER_EVENT);
	printf(" %6u\n", matrix_figure(m, cell, METRIC_P50).count);
}

static void print_table(const struct matrix *m)
{
	for (uint32_t i = 0; i < m->choice.cell_count; i++) {
		uint32_t pair = m->choice.cells[i].pair;

		if (!i || pair != m->choice.cells[i - 1].pair) {
			print_pair(&m->choice.pairs[pair]);
			printf("; %s\n    %-24s %-11s %8s %6s %8s %6s %8s %6s %8s %6s %6s\n",
			       regime_name(matrix_regime(m, pair)), "slots on", "pages, ns",
			       "one way", "+-", "99 %", "+-", "99.9 %", "+-", "an event", "+-",
			       "rounds");
		}
		print_cell(m, i);
	}
}

static void print_advice(const struct matrix *m)
{
	static struct advice advice;

	advice_draw(m, &advice);
	for (uint32_t i = 0; i < advice.count; i++)
		printf("%s%s\n",
		       i == advice.heads ? "\n"
					   "In detail:\n"
		       : i               ? ""
					 : "\nAdvice:\n",
		       advice.lines[i]);
}

static int write_page(const struct sitting *s, const void *subject)
{
	return html_placement(s->html, subject, s->environment);
}

static int measure(struct matrix *m, struct options *o)
{
	struct sitting sitting;
	int status, err;

	/* Each pair has its own; what is told about the machine is about all of it. */
	o->cpu_count = 0;
	status = sitting_begin(&sitting, &command, o);
	if (status >= 0)
		return status;
	err = matrix_init(m, sitting.results, o->rounds);
	print_notes(&m->choice);
	if (err == 0)
		err = run_all(m, o);
	if (err == 0) {
		print_table(m);
		print_advice(m);
		fflush(stdout);
		err = check_refusals(m);
	}
	sitting.page = write_page;
	sitting.subject = m;
	status = sitting_end(&sitting, err);
	matrix_fini(m);
	return status;
}

int placement_main(int argc, char **argv)
{
	static struct matrix m;
	struct options o;
	int status = options_parse(&command, argc, argv, &o);

	if (status < 0 && o.own[LIST_MACHINE] && !o.list)
		status = complain("--machine: only with --list");
	if (status < 0)
		status = choose(&o, &m.choice);
	if (status >= 0)
		return status;
	return o.list ? list(&m.choice) : measure(&m, &o);
}
