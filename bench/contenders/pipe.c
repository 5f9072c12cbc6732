/* SPDX-License-Identifier: MIT */
/*
 * A pipe(2), which blocks who has to wait. The events are copied into the kernel and
 * out of it; as many as the system lets a pipe have of the scenario's slots.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "../course.h"

struct queue {
	int out, in;
};

/* What an unprivileged process may have is told in /proc; half as much until it is granted. */
static void enlarge(int pipe, size_t bytes)
{
	while (bytes > PIPE_BUF && fcntl(pipe, F_SETPIPE_SZ, (int)bytes) < 0)
		bytes /= 2;
}

static struct queue *queue_open(const struct course *c, bool latency)
{
	struct queue *q = malloc(sizeof(*q));
	int ends[2];

	(void)latency;
	if (!q || pipe2(ends, O_CLOEXEC) < 0) {
		free(q);
		return NULL;
	}
	*q = (struct queue){ends[0], ends[1]};
	enlarge(q->in, (size_t)c->capacity * c->words * 8);
	return q;
}

static void queue_close(struct queue *q)
{
	close(q->in);
	close(q->out);
	free(q);
}

/* All of it: what is larger than PIPE_BUF may take several calls. */
ALWAYS void write_all(int file, const char *from, size_t bytes)
{
	while (bytes) {
		ssize_t n = write(file, from, bytes);

		if (n > 0) {
			from += n;
			bytes -= (size_t)n;
		}
	}
}

/* A multiple of @size, at least one. */
ALWAYS size_t read_some(int file, char *to, size_t size, size_t bytes)
{
	size_t done = 0;

	while (!done || done % size) {
		ssize_t n = read(file, to + done, done ? size - done % size : bytes);

		if (n > 0)
			done += (size_t)n;
	}
	return done;
}

#define QUEUE_BLOCKS
#define QUEUE_HAS_RUNS_ONLY
ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	/* What is larger than that may be mixed with another producer's. */
	if (many && n > PIPE_BUF / 8 / words)
		n = PIPE_BUF / 8 / words;
	write_all(q->in, (const char *)events, n * words * 8);
	return n;
}

ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *events, uint32_t n, uint32_t words,
			      bool many)
{
	(void)many;
	return (uint32_t)(read_some(q->out, (char *)events, words * 8, n * words * 8) / words / 8);
}

#include "../loops.h"

const struct contender pipe_contender = {
	.name = "pipe",
	.slower = 10,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.paced = paced,
	.sizes = true,
};
