/* SPDX-License-Identifier: MIT */
#ifndef MODEL_WAITS_H
#define MODEL_WAITS_H

void waits_park(void);
void waits_park_careful(void);
void waits_park_seen(void);
void waits_park_seen_careful(void);
void waits_park_producer(void);
void waits_park_producer_careful(void);
void waits_park_producer_many(void);
void waits_park_all(void);
void waits_park_workers(void);
void waits_park_halt(void);
void waits_park_detach(void);
void waits_timed(void);
void waits_timed_park(void);
void waits_timed_many(void);
void waits_timed_many_two(void);
void waits_poller(void);
void waits_descriptor(void);
void waits_descriptor_one(void);
void waits_descriptor_one_careful(void);
void waits_hole(void);
void waits_hole_parked(void);

#endif
