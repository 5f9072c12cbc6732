/* SPDX-License-Identifier: MIT */
/* Boost.Lockfree's spsc_queue: one producer only. */
#include <boost/lockfree/spsc_queue.hpp>

#include "../course.h"

namespace
{

template <unsigned n> struct event {
	uint64_t words[n];
};

template <unsigned n> using ring = boost::lockfree::spsc_queue<event<n>>;

struct queue {
	ring<1> one;
	ring<4> four;
	ring<7> seven;

	explicit queue(const struct course *c)
	    : one(c->words == 1 ? c->capacity : 1), four(c->words == 4 ? c->capacity : 1),
	      seven(c->words == 7 ? c->capacity : 1)
	{
	}
};

} // namespace

static struct queue *queue_open(const struct course *c, bool latency)
{
	(void)latency;
	return new queue(c);
}

static void queue_close(struct queue *q)
{
	delete q;
}

template <unsigned n> ALWAYS uint32_t put(ring<n> &r, const uint64_t *events, uint32_t count)
{
	return (uint32_t)r.push((const event<n> *)events, count);
}

template <unsigned n> ALWAYS uint32_t get(ring<n> &r, uint64_t *events, uint32_t count)
{
	return (uint32_t)r.pop((event<n> *)events, count);
}

#define QUEUE_HAS_RUNS
ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *events, uint32_t n, uint32_t words,
			      bool)
{
	return words == 1   ? put(q->one, events, n)
	       : words == 4 ? put(q->four, events, n)
			    : put(q->seven, events, n);
}

ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *events, uint32_t n, uint32_t words, bool)
{
	return words == 1   ? get(q->one, events, n)
	       : words == 4 ? get(q->four, events, n)
			    : get(q->seven, events, n);
}

ALWAYS bool queue_put(struct queue *q, const uint64_t *words_in, uint32_t words, bool)
{
	return words == 1   ? q->one.push(*(const event<1> *)words_in)
	       : words == 4 ? q->four.push(*(const event<4> *)words_in)
			    : q->seven.push(*(const event<7> *)words_in);
}

ALWAYS bool queue_get(struct queue *q, uint64_t *words_out, uint32_t words, bool)
{
	return words == 1   ? q->one.pop(*(event<1> *)words_out)
	       : words == 4 ? q->four.pop(*(event<4> *)words_out)
			    : q->seven.pop(*(event<7> *)words_out);
}

#include "../loops.h"

extern const struct contender boost_contender = {
	.name = "Boost spsc_queue",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
};
