/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_GRAPH_H
#define DSR_LIB_GRAPH_H

#include "gate.h"
#include "member.h"

/**
 * struct dsr_graph - who follows whom, now
 * @lock:     all of it, and the third part of each member
 * @members:  in the order they were added, those that have ended included
 * @coming:   about to join, and have their seats
 * @zombies:  detached, and still in somebody's barrier
 * @spare:    the gate that is not in use; each has room for @room sequences
 */
struct dsr_graph {
	pthread_mutex_t lock;
	struct dsr_ring *ring;
	struct dsr_member *members;
	struct dsr_member *coming;
	struct dsr_member *zombies;
	struct dsr_gate *spare;
	uint32_t room;
};

int dsr_graph_init(struct dsr_graph *graph);
/* Frees its members: their threads are joined. */
void dsr_graph_fini(struct dsr_graph *graph);

/* Adds one at the end; nothing but its name is looked at. -EEXIST. */
int dsr_graph_add(struct dsr_graph *graph, struct dsr_member *m, struct dsr_complaint *complaint);

/*
 * Before any thread runs: turns names into edges, and sees that they make no circle. May
 * be repeated.
 */
int dsr_graph_resolve(struct dsr_graph *graph, struct dsr_complaint *complaint);

/* Everybody begins at the ring's first sequence: places, barriers and the gate. */
int dsr_graph_open(struct dsr_graph *graph, struct dsr_ring *ring);
/* The same backwards: the ring's memory goes. */
void dsr_graph_close(struct dsr_graph *graph);

/* Could it join now? 0, -EEXIST or -ENOENT: before it is put to any trouble. */
int dsr_graph_check(struct dsr_graph *graph, const struct dsr_member *m,
		    struct dsr_complaint *complaint);

/* With the lock held: it is about to join; and, without, it will not. */
void dsr_graph_expect(struct dsr_graph *graph, struct dsr_member *m);
void dsr_graph_forget(struct dsr_graph *graph, struct dsr_member *m);

/*
 * Adds one to a ring that runs, and takes it off those that are to come; it begins where
 * @from says. Its start, and a
 * reference to be given back, or a negative errno, for which the complaint may have
 * no words.
 */
int64_t dsr_graph_join(struct dsr_graph *graph, struct dsr_member *m, int64_t from,
		       struct dsr_complaint *complaint);

/* It ends: nobody waits for it any more. */
void dsr_graph_leave(struct dsr_graph *graph, struct dsr_member *m);

/*
 * Takes one that has left off the list, and the caller's reference off it; frees it after
 * the last.
 */
void dsr_graph_remove(struct dsr_graph *graph, struct dsr_member *m);

/* The consumer's barrier, as it is now. */
void dsr_graph_follow(struct dsr_graph *graph, struct dsr_consumer *c);

/* By name, and not to be freed before dsr_graph_unref(). NULL: there is none. */
struct dsr_member *dsr_graph_find(struct dsr_graph *graph, const char *name);
/* The first one for which @wants says so. */
struct dsr_member *dsr_graph_first(struct dsr_graph *graph,
				   bool (*wants)(const struct dsr_member *));
void dsr_graph_unref(struct dsr_graph *graph, struct dsr_member *m);

/*
 * All up to here is done with, and who it is that is not further; DSR_SEQUENCE_IDLE
 * and NULL: nobody holds anybody back. With the lock held.
 */
int64_t dsr_graph_done(const struct dsr_graph *graph, const struct dsr_sequence **slowest);

#endif
