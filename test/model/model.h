/* SPDX-License-Identifier: MIT */
#ifndef MODEL_H
#define MODEL_H

/*
 * What a scenario sees of the checker. A scenario is a function that is run again
 * and again, each time with another interleaving and other stale reads. It begins
 * alone, as the thread "main", and in peace: nothing is explored before model_go()
 * and nothing after model_end(). Its threads have to end in between.
 *
 * Threads are run by the checker, not by the kernel, so a scenario has no data
 * races with the checker, and what it keeps outside of what it checks may be plain.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For whoever reads the trace: what lies there. An index is shown if @count is not 1. */
void model_name(const void *at, size_t bytes, size_t count, const char *name);

/* A thread of the program's own; it is created, and may run from model_go() on. */
int model_thread(const char *name, void (*body)(void *), void *argument);
void model_join(int thread);

void model_go(void);
void model_end(void);

/* One of @n, all of which are tried. */
unsigned int model_choose(unsigned int n);

/* A loop looks again for something that another thread does. */
void model_await(void);

/* Waits until the descriptor is readable. */
void model_poll(int fd);

/* May the system call be used in this execution? It may, unless told. */
void model_allow_membarrier(bool allowed);

/* The clock may jump ahead once, whenever it is read; else it only does if all wait for it. */
void model_let_time_pass(bool may);

/* What has to hold. A failure ends the execution. */
#define model_check(condition) model_check_that(condition, "%s", "")
#define model_check_that(condition, ...)                                         \
	do {                                                                     \
		if (!(condition))                                                \
			model_fail(__FILE__, __LINE__, #condition, __VA_ARGS__); \
	} while (0)

__attribute__((noreturn, format(printf, 4, 5))) void model_fail(const char *file, int line,
								const char *condition,
								const char *format, ...);

/* In the trace, if there is one. */
__attribute__((format(printf, 1, 2))) void model_note(const char *format, ...);

/**
 * struct model_scenario - one of them, and how far it is searched by default
 * @run:         what happens in one execution
 * @delays: most times that another thread goes on than whose turn it is; below zero:
 *	    any number, exhaustively
 * @stale:       most loads that do not see the newest store; below zero: any number
 * @seeds:       so many random executions without bounds, behind the search
 */
struct model_scenario {
	const char *name;
	void (*run)(void);
	int delays;
	int stale;
	uint32_t seeds;
};

extern const struct model_scenario model_scenarios[];

/* The litmus tests: 0, or how many had other outcomes than C11 has. */
int model_litmus(void);

#endif
