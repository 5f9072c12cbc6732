/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "threads.h"

struct stream {
	const struct course *course;
	void *queue;
	void (*produce)(void *queue, const struct course *course, uint64_t tag, uint64_t end);
	void (*consume)(void *queue, const struct course *course, struct checker *out);
	pthread_barrier_t warm;
};

struct worker {
	struct stream *stream;
	uint32_t index;
	uint64_t ticks;
	struct checker checker;
	pthread_t thread;
} DSR_ALIGNED(DSR_CACHELINE);

static void *produce_main(void *argument)
{
	struct worker *w = argument;
	const struct course *c = w->stream->course;
	uint64_t tag = event_tag(w->index, 0);

	cpus_pin(course_cpu(c, w->index));
	w->stream->produce(w->stream->queue, c, tag, tag + c->warmup);
	pthread_barrier_wait(&w->stream->warm);
	w->ticks = clock_ticks();
	w->stream->produce(w->stream->queue, c, tag + c->warmup, tag + c->warmup + c->events);
	return NULL;
}

static void *consume_main(void *argument)
{
	struct worker *w = argument;

	cpus_pin(course_cpu(w->stream->course, w->index));
	w->stream->consume(w->stream->queue, w->stream->course, &w->checker);
	w->ticks = clock_ticks();
	return NULL;
}

static int start(struct worker *workers, uint32_t index, struct stream *stream,
		 void *(*main)(void *argument))
{
	struct worker *w = &workers[index];

	memset(w, 0, sizeof(*w));
	w->stream = stream;
	w->index = index;
	return -pthread_create(&w->thread, NULL, main, w);
}

int threads_stream(const struct course *course, void *queue,
		   void (*produce)(void *queue, const struct course *course, uint64_t tag,
				   uint64_t end),
		   void (*consume)(void *queue, const struct course *course, struct checker *out),
		   struct outcome *outcome)
{
	struct stream stream = {course, queue, produce, consume, {{0}}};
	struct worker workers[PRODUCERS_MAX + 1];
	uint32_t consumers = consume ? 1 : 0, n = course->producers, i;
	int err = 0;

	pthread_barrier_init(&stream.warm, NULL, n);
	/* A thread that cannot be had leaves the others waiting: nothing to save in a benchmark. */
	for (i = 0; i < n + consumers && err == 0; i++)
		err = start(workers, i, &stream, i < n ? produce_main : consume_main);
	if (err < 0)
		return err;
	outcome->begun = UINT64_MAX;
	for (i = 0; i < n; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].ticks < outcome->begun)
			outcome->begun = workers[i].ticks;
	}
	if (consume) {
		pthread_join(workers[n].thread, NULL);
		outcome->ended = workers[n].ticks;
		outcome->sums[0] = workers[n].checker.sum;
		outcome->wrong = workers[n].checker.wrong;
	}
	pthread_barrier_destroy(&stream.warm);
	return 0;
}

struct match {
	const struct course *course;
	void *queues;
	void (*serve)(void *queues, const struct course *course);
	void (*volley)(void *queues, const struct course *course, struct outcome *outcome);
	struct outcome *outcome;
};

static void *serve_main(void *argument)
{
	struct match *m = argument;

	cpus_pin(course_cpu(m->course, 1));
	m->serve(m->queues, m->course);
	return NULL;
}

static void *volley_main(void *argument)
{
	struct match *m = argument;

	cpus_pin(course_cpu(m->course, 0));
	m->volley(m->queues, m->course, m->outcome);
	return NULL;
}

int threads_pingpong(const struct course *course, void *queues,
		     void (*volley)(void *queues, const struct course *course,
				    struct outcome *outcome),
		     void (*serve)(void *queues, const struct course *course),
		     struct outcome *outcome)
{
	struct match match = {course, queues, serve, volley, outcome};
	pthread_t server, striker;
	int err = pthread_create(&server, NULL, serve_main, &match);

	if (err)
		return -err;
	err = pthread_create(&striker, NULL, volley_main, &match);
	if (err)
		return -err;
	pthread_join(striker, NULL);
	pthread_join(server, NULL);
	return 0;
}

struct errand {
	int cpu;
	void (*run)(void *argument);
	void *argument;
};

static void *alone_main(void *argument)
{
	struct errand *errand = argument;

	cpus_pin(errand->cpu);
	errand->run(errand->argument);
	return NULL;
}

int threads_alone(int cpu, void (*run)(void *argument), void *argument)
{
	struct errand errand = {cpu, run, argument};
	pthread_t thread;
	int err = pthread_create(&thread, NULL, alone_main, &errand);

	if (err)
		return -err;
	pthread_join(thread, NULL);
	return 0;
}
