/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_SEAT_H
#define DSR_LIB_SEAT_H

#include "disruptor.h"

/* Gives each thread its CPU, or none, before it is created. 0 or -ENOMEM. */
int dsr_seats_take(struct dsr_disruptor *d);

/* And how it waits there: once all are pinned, or were refused. */
void dsr_seats_settle(struct dsr_disruptor *d);

/*
 * The same for a member that comes to those that run. The graph expects it from then on,
 * so that others keep off its seats.
 */
int dsr_seats_take_comer(struct dsr_disruptor *d, struct dsr_member *m);
void dsr_seats_settle_comer(struct dsr_disruptor *d, struct dsr_member *m);

#endif
