/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_MEMBER_H
#define DSR_LIB_MEMBER_H

#include "consumer.h"
#include "poller.h"
#include "processor.h"

/* Keeps the first thing that was wrong, and its sentence. */
struct dsr_complaint {
	int error;
	char message[200];
};

/* Returns the error that is kept. */
int dsr_complain(struct dsr_complaint *complaint, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * struct dsr_member - what has a name and a place in the graph: a handler, a
 * poller or a worker group
 *
 * The first part is constant once it is made, the second once its sequences are
 * taken; the third is the graph's, under its lock.
 */
struct dsr_member {
	char name[DSR_NAME_MAX + 1];
	char (*after_names)[DSR_NAME_MAX + 1];
	uint32_t after_names_count;
	bool names_after; /* its predecessors, or that there are none; else its stage does */
	uint32_t stage;
	struct dsr_processor *processors; /* count of them; none: a poller */
	uint32_t count;
	uint32_t created; /* threads that are to be joined */
	struct dsr_poller *poller;
	struct dsr_group group;
	bool is_group;
	struct dsr_launch launch;

	struct dsr_sequence **sequences; /* in the order to read them */
	uint32_t sequence_count;
	int64_t start;

	struct dsr_member *next;   /* in the graph, or among those that are to come */
	struct dsr_member **after; /* never more than all that were before it */
	uint32_t after_count;
	bool marked;    /* a search's */
	bool is_alive;  /* not ended */
	bool gates;     /* is in the gate */
	bool is_joined; /* its threads are */
	uint32_t refs;  /* barriers that have it, and who waits for its threads */
	bool is_listed; /* can be found by name */
};

/*
 * From what the program described; @capacity: the ring's. @number: for names that
 * were not given. NULL, and the complaint says why not.
 */
struct dsr_member *dsr_member_of_handler(const struct dsr_handler *handler, size_t size,
					 uint64_t capacity, uint32_t number,
					 struct dsr_complaint *complaint);
struct dsr_member *dsr_member_of_workers(const struct dsr_workers *workers, size_t size,
					 size_t handler_size, uint64_t capacity,
					 struct dsr_complaint *complaint);
struct dsr_member *dsr_member_of_poller(const struct dsr_poller_options *options, size_t size,
					uint64_t capacity, struct dsr_complaint *complaint);

/* Nobody uses it, and its threads are joined. */
void dsr_member_free(struct dsr_member *m);

/* How many consumers it has, and the i-th of them. */
uint32_t dsr_member_consumers(const struct dsr_member *m);
struct dsr_consumer *dsr_member_consumer(const struct dsr_member *m, uint32_t i);

/* Is the name its own, or one of its workers'? */
bool dsr_member_has_name(const struct dsr_member *m, const char *name);

/* How many sequences it takes. */
uint32_t dsr_member_needs(const struct dsr_member *m);

/* Takes them, at @value, from the pool. 0 or -ENOMEM, and nothing is taken. */
int dsr_member_take(struct dsr_member *m, struct dsr_ring *ring, int64_t value);
void dsr_member_put(struct dsr_member *m, struct dsr_ring *ring);

/* All its sequences go to where it begins. Before its threads do. */
void dsr_member_place(struct dsr_member *m, int64_t start);

/* It is done with all up to here. */
int64_t dsr_member_position(const struct dsr_member *m);

#endif
