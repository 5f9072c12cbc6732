/* SPDX-License-Identifier: MIT */
/*
 * Boost.Lockfree's queue, for many producers: a list of nodes from an array that is taken
 * beforehand.
 */
#include <boost/lockfree/queue.hpp>

#include "../course.h"

namespace
{

template <unsigned n> struct event {
	uint64_t words[n];
};

template <unsigned n>
using list = boost::lockfree::queue<event<n>, boost::lockfree::fixed_sized<true>>;

/* Its nodes are numbered with 16 bits. */
static size_t nodes(const struct course *c, uint32_t words)
{
	return c->words != words ? 1 : c->capacity < 65534 ? c->capacity : 65534;
}

struct queue {
	list<1> one;
	list<7> seven;

	explicit queue(const struct course *c) : one(nodes(c, 1)), seven(nodes(c, 7))
	{
	}
};

} // namespace

static struct queue *queue_open(const struct course *c, bool latency)
{
	(void)latency;
	return c->words == 4 ? nullptr : new queue(c);
}

static void queue_close(struct queue *q)
{
	delete q;
}

ALWAYS bool queue_put(struct queue *q, const uint64_t *words_in, uint32_t words, bool)
{
	return words == 1 ? q->one.push(*(const event<1> *)words_in)
			  : q->seven.push(*(const event<7> *)words_in);
}

ALWAYS bool queue_get(struct queue *q, uint64_t *words_out, uint32_t words, bool)
{
	return words == 1 ? q->one.pop(*(event<1> *)words_out)
			  : q->seven.pop(*(event<7> *)words_out);
}

#include "../loops.h"

extern const struct contender boost_many_contender = {
	.name = "Boost queue",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.many_only = true,
};
