/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CLASSES_H
#define BENCH_CLASSES_H

/**
 * Which placements are worth measuring on a machine: of all pairs of CPUs one for
 * each way in which two can lie to each other, and for that pair each place that
 * slots can have and each kind of page. What would be the same thing again is left
 * out, and what the machine does not have is told in a sentence.
 */

#include <disruptor/placement.h>
#include <disruptor/topology.h>

enum { PAIRS_MAX = 12, CELLS_MAX = 200, NOTES_MAX = 12 };

/* How the CPUs of a pair lie to each other, nearest first. */
enum kinship {
	KIN_SIBLINGS, /* of one core */
	KIN_CACHE,    /* of one last-level cache */
	KIN_NODE,     /* of one node */
	KIN_REMOTE,
	KINSHIPS
};

/* Where the slots lie. */
enum place {
	PLACE_CONSUMER,
	PLACE_PRODUCER,
	PLACE_OTHER,  /* the nearest node of neither */
	PLACE_MEMORY, /* the nearest one without CPUs */
	PLACE_INTERLEAVED,
	PLACES
};

/**
 * struct pair - a producer's CPU and a consumer's
 * @distance:	 from the producer to the consumer's memory; 0: not told
 * @back:	 from the consumer to the producer's
 * @has_memory:	 slots can lie on both nodes
 * @cache_level: of the last-level cache; 0: not told
 * @name:	 "cache", "remote-21"; a word
 * @title:	 the same for people
 */
struct pair {
	enum kinship kin;
	int producer, consumer;
	int producer_node, consumer_node;
	int distance, back;
	bool has_memory;
	int cache_level;
	char name[40];
	char title[80];
};

/**
 * struct cell - one placement
 * @pair: which of the pairs
 * @node: where the slots are to lie; -1: interleaved
 * @name: "remote-21/consumer/small"; a word
 */
struct cell {
	uint32_t pair;
	enum place place;
	int node;
	enum dsr_pages pages;
	char name[64];
};

/** struct choice - what to measure, and what cannot be */
struct choice {
	struct pair pairs[PAIRS_MAX];
	uint32_t pair_count;
	struct cell cells[CELLS_MAX];
	uint32_t cell_count;
	char notes[NOTES_MAX][240];
	uint32_t note_count;
	bool knows_nodes; /* there are several, so it matters which */
};

/**
 * struct offer - what there is to choose from
 * @cpus:	     only these, the first ones preferred; if @cpu_count is 0, all that the
 *		     process may use, isolated ones preferred
 * @slot_bytes:	     of a ring's slots
 * @has_transparent: the kernel gives transparent huge pages to who asks
 */
struct offer {
	const struct dsr_topology *topology;
	const int *cpus;
	uint32_t cpu_count;
	uint64_t slot_bytes;
	bool has_transparent;
};

/** classes_choose() - 0; -ENODEV: fewer than two CPUs; -ENOMEM */
int classes_choose(const struct offer *offer, struct choice *choice);

/** classes_has_transparent() - on this machine, or that of @root; true if nobody tells */
bool classes_has_transparent(const char *root);

const char *place_name(enum place place);
const char *place_title(enum place place);
const char *pages_name(enum dsr_pages pages);
const char *pages_title(enum dsr_pages pages);

#endif
