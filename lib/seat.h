/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_SEAT_H
#define DSR_LIB_SEAT_H

#include "disruptor.h"

/* Gives each thread its CPU, or none, before it is created. 0 or -ENOMEM. */
int dsr_seats_take(struct dsr_disruptor *d);

/* And how it waits there: once all are pinned, or were refused. */
void dsr_seats_settle(struct dsr_disruptor *d);

/*
 * The same for a member that comes to those that run. It keeps others off its seats
 * until dsr_seats_join() says that it is in the graph, or that it will not be.
 */
int dsr_seats_take_comer(struct dsr_disruptor *d, struct dsr_member *m);
void dsr_seats_settle_comer(struct dsr_disruptor *d, struct dsr_member *m);
void dsr_seats_join(struct dsr_disruptor *d, struct dsr_member *m);

#endif
