/* SPDX-License-Identifier: MIT */
/* What a start costs: the memory is found, placed, touched and looked at before it returns. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/disruptor.h>

#include "ignore.h"
#include "progress.h"
#include "sitting.h"
#include "statistics.h"
#include "start.h"

enum { SLOTS };

static const struct own_option own[] = {
	[SLOTS] = {'n', "slots", "N", "a power of two; 1048576 unless told, or 8192 if quick"},
	{0},
};

static const struct command command = {
	.name = "start",
	.text = "What does a start cost? Starts and ends rings of 64-byte slots, in turn by where\n"
		"and on which pages the slots lie, and shows medians of how long that took, and\n"
		"the ratio to what it takes if nothing is asked for, of the same round. Memory is\n"
		"placed, touched and looked at before the start returns.\n",
	.examples = "  disruptor-bench start\n"
		    "  disruptor-bench start --slots 65536 --cpus 3\n",
	.common = "rpqjVh",
	.own = own,
	.rounds = 11,
	.cpus_least = 1,
	.cpus_most = 1,
};

enum { EVENT = 56 };

static const struct kind {
	const char *name;
	int where;
	enum dsr_strictness how;
	enum dsr_pages pages;
	bool locked;
} kinds[] = {
	{"anywhere", DSR_ANYWHERE, DSR_PREFER, DSR_PAGES_DEFAULT, false},
	{"node preferred", DSR_CONSUMER_NODE, DSR_PREFER, DSR_PAGES_DEFAULT, false},
	{"node required", DSR_CONSUMER_NODE, DSR_REQUIRE, DSR_PAGES_DEFAULT, false},
	{"small pages", DSR_CONSUMER_NODE, DSR_PREFER, DSR_PAGES_SMALL, false},
	{"transparent", DSR_CONSUMER_NODE, DSR_PREFER, DSR_PAGES_TRANSPARENT, false},
	{"pool of 2 MiB", DSR_CONSUMER_NODE, DSR_PREFER, DSR_PAGES_2M, false},
	{"locked", DSR_CONSUMER_NODE, DSR_PREFER, DSR_PAGES_DEFAULT, true},
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

struct sample {
	double start_ms[ROUNDS_MOST];
	double end_ms[ROUNDS_MOST];
	double ratio[ROUNDS_MOST];
	struct dsr_placement report;
	char refused[200];
};

static double ms_since(uint64_t ticks)
{
	return clock_ns_of(clock_ticks() - ticks) / 1e6;
}

static struct dsr_builder *describe(const struct kind *kind, uint64_t slots, int cpu)
{
	struct dsr_builder *b = dsr_build_single_producer(slots, EVENT);

	dsr_place_slots(b, kind->where, kind->how);
	dsr_place_pages(b, kind->pages, DSR_PREFER);
	if (kind->locked)
		dsr_place_locked(b, DSR_PREFER);
	dsr_handle_events(b, &(struct dsr_handler){.on_event = ignore_event,
						   .pin = cpu < 0 ? DSR_UNPINNED : DSR_CPU(cpu),
						   .wait = DSR_WAIT_PARK});
	return b;
}

/* One start and its end. False: refused, and that is what there is to tell. */
static bool try_once(const struct kind *kind, uint64_t slots, int cpu, struct sample *s,
		     uint32_t round)
{
	struct dsr_builder *b = describe(kind, slots, cpu);
	struct dsr_disruptor *d;
	uint64_t begun = clock_ticks();

	if (dsr_start(b, &d) < 0) {
		snprintf(s->refused, sizeof(s->refused), "%s", dsr_builder_message(b));
		dsr_builder_destroy(b);
		return false;
	}
	s->start_ms[round] = ms_since(begun);
	dsr_placement_read(d, &s->report);
	dsr_shutdown(d, DSR_FOREVER);
	begun = clock_ticks();
	dsr_destroy(d);
	s->end_ms[round] = ms_since(begun);
	return true;
}

static void print(const struct kind *kind, struct sample *s, uint32_t rounds)
{
	const struct dsr_placement *m = &s->report;

	if (*s->refused) {
		printf("%-16s %s\n", kind->name, s->refused);
		return;
	}
	printf("%-16s %9.2f %7.2f %9.2f   %llu pages of %llu KiB, %llu KiB transparent%s\n",
	       kind->name, median(s->start_ms, rounds), median(s->ratio, rounds),
	       median(s->end_ms, rounds), (unsigned long long)m->pages,
	       (unsigned long long)(m->page_size / 1024),
	       (unsigned long long)(m->huge_bytes / 1024),
	       m->pages_reason < 0 || m->lock_reason < 0 || m->reason < 0 ? ", not as asked" : "");
}

static void measure(uint64_t slots, const struct options *o, struct sample *samples)
{
	progress_begin(o->rounds);
	for (uint32_t round = 0; round < o->rounds; round++) {
		progress_step("round %u of %u", round + 1, o->rounds);
		for (int i = 0; i < KINDS; i++) {
			struct sample *s = &samples[i];

			if (*s->refused || !try_once(&kinds[i], slots, o->cpus[0], s, round))
				continue;
			if (!*samples[0].refused)
				s->ratio[round] = s->start_ms[round] / samples[0].start_ms[round];
		}
	}
	progress_clear();
}

static int add(struct sitting *s, const char *contender, const char *metric, uint32_t round,
	       double value)
{
	return results_add(s->results, &(struct record){.command = command.name,
							.scenario = "slots of 64 bytes",
							.contender = contender,
							.metric = metric,
							.regime = UNCLEAR,
							.round = round,
							.value = value});
}

static int record(struct sitting *s, struct sample *samples)
{
	int err = 0;

	for (int i = 0; i < KINDS; i++) {
		uint32_t rounds = *samples[i].refused ? 0 : s->options->rounds;

		for (uint32_t round = 0; round < rounds && err == 0; round++) {
			err = add(s, kinds[i].name, "start_ms", round, samples[i].start_ms[round]);
			if (err == 0)
				err = add(s, kinds[i].name, "end_ms", round,
					  samples[i].end_ms[round]);
		}
	}
	return err;
}

static int run(uint64_t slots, struct sitting *s)
{
	struct sample *samples = calloc(KINDS, sizeof(*samples));
	int err = -ENOMEM;

	if (samples) {
		measure(slots, s->options, samples);
		err = record(s, samples);
		printf("\n%llu slots of 64 bytes\n%-16s %9s %7s %9s\n", (unsigned long long)slots,
		       "slots", "start ms", "ratio", "end ms");
		for (int i = 0; i < KINDS; i++)
			print(&kinds[i], &samples[i], s->options->rounds);
		if (err == 0 && !results_count(s->results))
			err = -ENODEV;
	}
	free(samples);
	return sitting_failed("start", NULL, err);
}

static int parse_slots(const struct options *o, uint64_t *slots)
{
	const char *text = o->own[SLOTS];

	*slots = o->shrink > 1 ? 1 << 13 : 1 << 20;
	if (text &&
	    (!options_number(text, DSR_CAPACITY_MAX, slots) || !*slots || *slots & (*slots - 1)))
		return complain("--slots: \"%s\" is no power of two up to %lld", text,
				(long long)DSR_CAPACITY_MAX);
	return STATUS_NONE;
}

int start_main(int argc, char **argv)
{
	struct options o;
	struct sitting s;
	uint64_t slots;
	int status = options_parse(&command, argc, argv, &o);

	if (status < 0)
		status = parse_slots(&o, &slots);
	if (status < 0)
		status = sitting_begin(&s, &command, &o);
	return status < 0 ? sitting_end(&s, run(slots, &s)) : status;
}
