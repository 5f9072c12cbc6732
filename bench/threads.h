/* SPDX-License-Identifier: MIT */
#ifndef BENCH_THREADS_H
#define BENCH_THREADS_H

#include "course.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * struct finish - that there is nothing more to come
 *
 * A consumer that found nothing looks here, and if there is still nothing when it has seen
 * this, events are lost. So a queue that loses some ends its run instead of staying in it.
 */
struct finish {
	int64_t over DSR_ALIGNED(DSR_CACHELINE);
};

ALWAYS bool finish_is_over(const struct finish *finish)
{
	/* [FINISH<-END] All that was put is there. */
	return dsr_load_acquire(&finish->over) != 0;
}

typedef void (*produce_fn)(void *queue, const struct course *course, uint64_t tag, uint64_t end);
typedef void (*consume_fn)(void *queue, const struct course *course, const struct finish *finish,
			   struct checker *out);
typedef void (*produce_paced_fn)(void *queue, const struct course *course,
				 struct schedule schedule);
typedef void (*consume_paced_fn)(void *queue, const struct course *course,
				 const struct finish *finish, struct late *late,
				 struct checker *out);

/**
 * The threads of a run: pinned, started together, timed.
 *
 * @produce: puts the events tagged from @tag to @end - 1
 * @consume: takes all, and counts as wrong what is missing; NULL: the queue has a thread of
 *	     its own for that, and whoever knows it completes the outcome
 *
 * Return: 0 or a negative errno.
 */
int threads_stream(const struct course *course, void *queue, produce_fn produce, consume_fn consume,
		   struct outcome *outcome);

/**
 * The same for one producer that puts each event when it is due, and not before.
 *
 * @schedule: from threads_schedule(), which is called when all else is ready
 */
int threads_paced(const struct course *course, void *queue, struct schedule schedule,
		  produce_paced_fn produce, consume_paced_fn consume, struct outcome *outcome);

/**
 * threads_schedule() - when a course's events are due, the first one as soon as threads
 * can be there
 */
struct schedule threads_schedule(const struct course *course);

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
