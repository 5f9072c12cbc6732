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

/* One of them has the events, the others are empty. */
struct queue {
	ring<1> one;
	ring<4> four;
	ring<7> seven;
	ring<8> eight;
	ring<15> fifteen;
	ring<31> thirty_one;
	ring<127> many_words;
	ring<512> page;

	static size_t slots(const struct course *c, unsigned words)
	{
		return c->words == words ? c->capacity : 1;
	}

	explicit queue(const struct course *c)
	    : one(slots(c, 1)), four(slots(c, 4)), seven(slots(c, 7)), eight(slots(c, 8)),
	      fifteen(slots(c, 15)), thirty_one(slots(c, 31)), many_words(slots(c, 127)),
	      page(slots(c, 512))
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

template <unsigned n> ALWAYS bool put_one(ring<n> &r, const uint64_t *words)
{
	return r.push(*(const event<n> *)words);
}

template <unsigned n> ALWAYS bool get_one(ring<n> &r, uint64_t *words)
{
	return r.pop(*(event<n> *)words);
}

/* By size: known when a loop is compiled up to 7 words. */
#define SIZED(words, call, ...)                              \
	((words) == 1     ? call(q->one, __VA_ARGS__)        \
	 : (words) == 4   ? call(q->four, __VA_ARGS__)       \
	 : (words) == 7   ? call(q->seven, __VA_ARGS__)      \
	 : (words) == 8   ? call(q->eight, __VA_ARGS__)      \
	 : (words) == 15  ? call(q->fifteen, __VA_ARGS__)    \
	 : (words) == 31  ? call(q->thirty_one, __VA_ARGS__) \
	 : (words) == 127 ? call(q->many_words, __VA_ARGS__) \
			  : call(q->page, __VA_ARGS__))

#define QUEUE_HAS_RUNS
ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *events, uint32_t n, uint32_t words,
			      bool)
{
	return SIZED(words, put, events, n);
}

ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *events, uint32_t n, uint32_t words, bool)
{
	return SIZED(words, get, events, n);
}

ALWAYS bool queue_put(struct queue *q, const uint64_t *words_in, uint32_t words, bool)
{
	return SIZED(words, put_one, words_in);
}

ALWAYS bool queue_get(struct queue *q, uint64_t *words_out, uint32_t words, bool)
{
	return SIZED(words, get_one, words_out);
}

#include "../loops.h"

extern const struct contender boost_contender = {
	.name = "Boost spsc_queue",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.paced = paced,
	.sizes = true,
};
