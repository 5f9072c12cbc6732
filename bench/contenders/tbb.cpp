/* SPDX-License-Identifier: MIT */
/* oneTBB's concurrent_bounded_queue. It has no call for several at once. */
#include <oneapi/tbb/concurrent_queue.h>

#include "event.hpp"

namespace
{

template <unsigned n> using bounded = oneapi::tbb::concurrent_bounded_queue<event<n>>;

struct queue : any_size<bounded> {
};

template <unsigned n> void *open(const struct course *c)
{
	bounded<n> *of = new bounded<n>();

	of->set_capacity(c->capacity);
	return of;
}

} // namespace

static struct queue *queue_open(const struct course *c, bool latency)
{
#define OPEN(n) open<n>(c)
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
#define PUT(n) q->sized<n>().try_push(*events_in<n>(from))
	return SIZED(words, PUT);
}

ALWAYS bool queue_get(struct queue *q, uint64_t *to, uint32_t words, bool)
{
#define GET(n) q->sized<n>().try_pop(*events_in<n>(to))
	return SIZED(words, GET);
}

#include "../loops.h"

extern const struct contender tbb_contender = {
	.name = "oneTBB bounded queue",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.paced = paced,
	.sizes = true,
};
