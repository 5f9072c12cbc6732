/* SPDX-License-Identifier: MIT */
/*
 * moodycamel's ConcurrentQueue, as its authors say that it is fastest: with tokens, and
 * runs by its bulk calls. It grows without bound, so producers have credit (credit.h),
 * and it has blocks for that from the start.
 */
#include <concurrentqueue/concurrentqueue.h>
#include <vector>

#include "credit.h"
#include "event.hpp"

namespace
{

template <unsigned n> struct crowd {
	moodycamel::ConcurrentQueue<event<n>> events;
	/* A queue for each producer within it. */
	std::vector<moodycamel::ProducerToken> producers;
	alignas(DSR_CACHELINE) moodycamel::ConsumerToken consumer;

	/*
	 * Of a producer: one that it fills, one that is being read, and what is left of
	 * its share.
	 */
	static constexpr size_t blocks = 4 * moodycamel::ConcurrentQueueDefaultTraits::BLOCK_SIZE;

	explicit crowd(const struct course *c)
	    : events(c->capacity + c->producers * blocks), consumer(events)
	{
		while (producers.size() < c->producers)
			producers.emplace_back(events);
	}
};

struct queue : any_size<crowd> {
	struct credit credits[PRODUCERS_MAX];
};

} // namespace

static struct queue *queue_open(const struct course *c, bool latency)
{
	struct queue *q = new queue();

#define OPEN(n) (void *)new crowd<n>(c)
	(void)latency;
	q->of_size = SIZED(c->words, OPEN);
	q->words = c->words;
	credits_open(q->credits, c);
	return q;
}

static void queue_close(struct queue *q)
{
#define CLOSE(n) delete &q->sized<n>()
	SIZED(q->words, CLOSE);
	delete q;
}

template <unsigned n>
ALWAYS bool put(crowd<n> &to, struct credit *credits, const uint64_t *from, bool many)
{
	uint32_t producer = credit_of(from, many);

	if (!credit_for(&credits[producer], 1))
		return false;
	credit_take(credits, producer, 1);
	return to.events.enqueue(to.producers[producer], *events_in<n>(from));
}

template <unsigned n>
ALWAYS uint32_t put_run(crowd<n> &to, struct credit *credits, const uint64_t *from, uint32_t count,
			bool many)
{
	uint32_t producer = credit_of(from, many);

	count = credit_for(&credits[producer], count);
	credit_take(credits, producer, count);
	if (count)
		to.events.enqueue_bulk(to.producers[producer], events_in<n>(from), count);
	return count;
}

template <unsigned n>
ALWAYS bool get(crowd<n> &from, struct credit *credits, uint64_t *to, bool many)
{
	if (!from.events.try_dequeue(from.consumer, *events_in<n>(to)))
		return false;
	credit_return(&credits[credit_of(to, many)]);
	return true;
}

template <unsigned n>
ALWAYS uint32_t get_run(crowd<n> &from, struct credit *credits, uint64_t *to, uint32_t most,
			bool many)
{
	uint32_t count =
		(uint32_t)from.events.try_dequeue_bulk(from.consumer, events_in<n>(to), most);
	uint32_t i;

	for (i = 0; i < count; i++)
		credit_return(&credits[credit_of(to + i * n, many)]);
	return count;
}

ALWAYS bool queue_put(struct queue *q, const uint64_t *from, uint32_t words, bool many)
{
#define PUT(n) put<n>(q->sized<n>(), q->credits, from, many)
	return SIZED(words, PUT);
}

ALWAYS bool queue_get(struct queue *q, uint64_t *to, uint32_t words, bool many)
{
#define GET(n) get<n>(q->sized<n>(), q->credits, to, many)
	return SIZED(words, GET);
}

#define QUEUE_HAS_RUNS
ALWAYS uint32_t queue_put_run(struct queue *q, const uint64_t *from, uint32_t count, uint32_t words,
			      bool many)
{
#define PUT_RUN(n) put_run<n>(q->sized<n>(), q->credits, from, count, many)
	return SIZED(words, PUT_RUN);
}

ALWAYS uint32_t queue_get_run(struct queue *q, uint64_t *to, uint32_t most, uint32_t words,
			      bool many)
{
#define GET_RUN(n) get_run<n>(q->sized<n>(), q->credits, to, most, many)
	return SIZED(words, GET_RUN);
}

#include "../loops.h"

extern const struct contender concurrentqueue_contender = {
	.name = "concurrentqueue",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.paced = paced,
	.sizes = true,
};
