/* SPDX-License-Identifier: MIT */
/*
 * moodycamel's ReaderWriterQueue, with all its blocks from the start. It has no call for
 * several at once.
 */
#include <readerwriterqueue/readerwriterqueue.h>

#include "event.hpp"

namespace
{

template <unsigned n> using ring = moodycamel::ReaderWriterQueue<event<n>>;

struct queue : any_size<ring> {
};

} // namespace

static struct queue *queue_open(const struct course *c, bool latency)
{
#define OPEN(n) (void *)new ring<n>(c->capacity)
	(void)latency;
	return new queue{{SIZED(c->words, OPEN), c->words}};
}

static void queue_close(struct queue *q)
{
#define CLOSE(n) delete &q->sized<n>()
	SIZED(q->words, CLOSE);
	delete q;
}

ALWAYS bool queue_put(struct queue *q, const uint64_t *from, uint32_t words, bool)
{
#define PUT(n) q->sized<n>().try_enqueue(*events_in<n>(from))
	return SIZED(words, PUT);
}

ALWAYS bool queue_get(struct queue *q, uint64_t *to, uint32_t words, bool)
{
#define GET(n) q->sized<n>().try_dequeue(*events_in<n>(to))
	return SIZED(words, GET);
}

#include "../loops.h"

extern const struct contender readerwriterqueue_contender = {
	.name = "readerwriterqueue",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.paced = paced,
	.sizes = true,
};
