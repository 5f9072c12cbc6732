/* SPDX-License-Identifier: MIT */
#ifndef BENCH_THREADS_H
#define BENCH_THREADS_H

#include "course.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The threads of a run: pinned, started together, timed.
 *
 * @produce: puts the events tagged from @tag to @end - 1
 * @consume: takes all; NULL: the queue has a thread of its own for that, and whoever
 *	     knows it completes the outcome
 *
 * Return: 0 or a negative errno.
 */
int threads_stream(const struct course *course, void *queue,
		   void (*produce)(void *queue, const struct course *course, uint64_t tag,
				   uint64_t end),
		   void (*consume)(void *queue, const struct course *course, struct checker *out),
		   struct outcome *outcome);

/** One thread strikes on the first CPU and keeps the score, the other on the second returns. */
int threads_pingpong(const struct course *course, void *queues,
		     void (*volley)(void *queues, const struct course *course,
				    struct outcome *outcome),
		     void (*serve)(void *queues, const struct course *course),
		     struct outcome *outcome);

/** Runs @run on a thread of its own, on that CPU or, -1, anywhere, and waits for its end. */
int threads_alone(int cpu, void (*run)(void *argument), void *argument);

#ifdef __cplusplus
}
#endif

#endif
