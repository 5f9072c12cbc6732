/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "threads.h"

/* How long threads have to start before the first event is due. */
#define SCHEDULE_LEAD_NS (1000.0 * 1000)

struct stream {
	const struct course *course;
	void *queue;
	produce_fn produce;
	consume_fn consume;
	produce_paced_fn produce_paced;
	consume_paced_fn consume_paced;
	struct late late;
	pthread_barrier_t warm;
	struct finish finish;
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
	struct stream *s = w->stream;

	cpus_pin(course_cpu(s->course, w->index));
	s->consume(s->queue, s->course, &s->finish, &w->checker);
	w->ticks = clock_ticks();
	return NULL;
}

static void *produce_paced_main(void *argument)
{
	struct worker *w = argument;
	struct stream *s = w->stream;

	cpus_pin(course_cpu(s->course, w->index));
	w->ticks = s->late.schedule.begin;
	s->produce_paced(s->queue, s->course, s->late.schedule);
	return NULL;
}

static void *consume_paced_main(void *argument)
{
	struct worker *w = argument;
	struct stream *s = w->stream;
	struct late late = s->late;

	cpus_pin(course_cpu(s->course, w->index));
	s->consume_paced(s->queue, s->course, &s->finish, &late, &w->checker);
	w->ticks = clock_ticks();
	return NULL;
}

static int start(struct worker *w, uint32_t index, struct stream *stream,
		 void *(*main)(void *argument))
{
	memset(w, 0, sizeof(*w));
	w->stream = stream;
	w->index = index;
	return -pthread_create(&w->thread, NULL, main, w);
}

/* Producers come first, and then the consumer, if it is one of ours. */
static void join(struct stream *stream, struct worker *workers, uint32_t consumers,
		 struct outcome *outcome)
{
	uint32_t n = stream->course->producers, i;

	outcome->begun = UINT64_MAX;
	for (i = 0; i < n; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].ticks < outcome->begun)
			outcome->begun = workers[i].ticks;
	}
	/* [END->FINISH] Those who have ended have put all. */
	dsr_store_release(&stream->finish.over, 1);
	if (!consumers)
		return;
	pthread_join(workers[n].thread, NULL);
	outcome->ended = workers[n].ticks;
	outcome->sums[0] = workers[n].checker.sum;
	outcome->wrong = workers[n].checker.wrong;
}

static int run_all(struct stream *stream, void *(*produce)(void *argument),
		   void *(*consume)(void *argument), struct outcome *outcome)
{
	uint32_t n = stream->course->producers, threads = n + (consume ? 1 : 0), i;
	struct worker *workers = aligned_alloc(DSR_CACHELINE, threads * sizeof(*workers));
	int err = workers ? 0 : -ENOMEM;

	pthread_barrier_init(&stream->warm, NULL, n);
	/* A thread that cannot be had leaves the others waiting: nothing to save in a benchmark. */
	for (i = 0; i < threads && err == 0; i++)
		err = start(&workers[i], i, stream, i < n ? produce : consume);
	if (err < 0)
		return err;
	join(stream, workers, consume ? 1 : 0, outcome);
	pthread_barrier_destroy(&stream->warm);
	free(workers);
	return 0;
}

int threads_stream(const struct course *course, void *queue, produce_fn produce, consume_fn consume,
		   struct outcome *outcome)
{
	struct stream stream = {
		.course = course, .queue = queue, .produce = produce, .consume = consume};

	return run_all(&stream, produce_main, consume ? consume_main : NULL, outcome);
}

struct schedule threads_schedule(const struct course *course)
{
	return schedule_begin(course, clock_ticks() + clock_ticks_of(SCHEDULE_LEAD_NS));
}

int threads_paced(const struct course *course, void *queue, struct schedule schedule,
		  produce_paced_fn produce, consume_paced_fn consume, struct outcome *outcome)
{
	struct stream stream = {.course = course,
				.queue = queue,
				.produce_paced = produce,
				.consume_paced = consume,
				.late = {schedule, course->warmup, outcome->trips}};

	return run_all(&stream, produce_paced_main, consume ? consume_paced_main : NULL, outcome);
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
