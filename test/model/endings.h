/* SPDX-License-Identifier: MIT */
#ifndef MODEL_ENDINGS_H
#define MODEL_ENDINGS_H

void endings_close(void);
void endings_close_careful(void);
void endings_close_full(void);
void endings_close_parked(void);
void endings_close_many(void);
void endings_close_many_two(void);
void endings_halt(void);
void endings_halt_many(void);
void endings_leave(void);
void endings_leave_many(void);
void endings_leave_front(void);
void endings_leave_behind(void);
void endings_leave_group(void);
void endings_attach(void);
void endings_attach_many(void);
void endings_attach_poller(void);
void endings_detach(void);
void endings_detach_last(void);
void endings_detach_front(void);

#endif
