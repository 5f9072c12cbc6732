/* SPDX-License-Identifier: MIT */
/* What a start costs: the memory is found, placed, touched and looked at before it returns. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/disruptor.h>

#include "course.h"
#include "median.h"
#include "start.h"

static const char usage_text[] =
	"usage: disruptor-bench start [-n SLOTS] [-r ROUNDS] [-p CPU] [-h]\n"
	"\n"
	"Starts and ends rings of 64 byte slots, in turn by where and on which pages the\n"
	"slots lie, and prints the medians of how long that took, and ratios of each round.\n"
	"\n"
	"-n   slots, a power of two, 1048576 unless told otherwise\n"
	"-r   rounds, 11 unless told otherwise\n"
	"-p   the handler's CPU, the first allowed one unless told otherwise\n";

enum { ROUNDS_MAX = 1000, EVENT = 56 };

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
	double start_ms[ROUNDS_MAX];
	double end_ms[ROUNDS_MAX];
	double ratio[ROUNDS_MAX];
	struct dsr_placement report;
	char refused[200];
};

static int on_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)event;
	(void)sequence;
	(void)end_of_batch;
	(void)state;
	return DSR_CONTINUE;
}

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
	dsr_handle_events(b, &(struct dsr_handler){.on_event = on_event,
						   .pin = DSR_CPU(cpu),
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

static int measure(uint64_t slots, uint32_t rounds, int cpu)
{
	struct sample *samples = calloc(KINDS, sizeof(*samples));

	if (!samples)
		return 1;
	for (uint32_t round = 0; round < rounds; round++) {
		for (int i = 0; i < KINDS; i++) {
			struct sample *s = &samples[i];

			if (*s->refused || !try_once(&kinds[i], slots, cpu, s, round))
				continue;
			s->ratio[round] = s->start_ms[round] / samples[0].start_ms[round];
		}
	}
	printf("%llu slots of 64 bytes\n%-16s %9s %7s %9s\n", (unsigned long long)slots, "slots",
	       "start ms", "ratio", "end ms");
	for (int i = 0; i < KINDS; i++)
		print(&kinds[i], &samples[i], rounds);
	free(samples);
	return 0;
}

int start_main(int argc, char **argv)
{
	uint64_t slots = 1 << 20;
	uint32_t rounds = 11;
	int cpu = -1, c;

	while ((c = getopt(argc, argv, "n:r:p:h")) != -1) {
		switch (c) {
		case 'n':
			slots = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			rounds = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			cpu = atoi(optarg);
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		default:
			fputs(usage_text, stderr);
			return 2;
		}
	}
	if (optind != argc || !rounds || rounds > ROUNDS_MAX || !slots || slots & (slots - 1)) {
		fputs(usage_text, stderr);
		return 2;
	}
	if (cpu < 0 && cpus_allowed(&cpu, 1) < 1)
		cpu = 0;
	clock_calibrate();
	return measure(slots, rounds, cpu);
}
