/* SPDX-License-Identifier: MIT */
#ifndef TEST_STRESS_H
#define TEST_STRESS_H

/**
 * What the stress programs share: events that can be told to be whole, and a
 * consumer that checks them.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/disruptor.h>

enum { PRODUCERS_MAX = 16, WORDS_MAX = 64 };

/* xorshift64*, by Sebastiano Vigna: small, seeded, the same everywhere. */
static inline uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * UINT64_C(2685821657736338717);
}

static inline uint64_t word_of(uint64_t producer, uint64_t count, uint64_t index)
{
	uint64_t seed = producer * 1000003 + count * 7919 + index + 1;

	return draw(&seed);
}

/* Word 0: who and which; the others follow from it. Plain memory, so that a race is a race. */
static inline void fill(void *event, uint32_t words, uint64_t producer, uint64_t count)
{
	uint64_t *word = event;

	word[0] = producer << 48 | count;
	for (uint32_t i = 1; i < words; i++)
		word[i] = word_of(producer, count, i);
}

/* One consumer's view, its own lines. */
struct checker {
	uint64_t next[PRODUCERS_MAX]; /* per producer: the count that has to come */
	uint64_t events;
	uint64_t wrong;
	int64_t last; /* sequence */
	uint32_t words;
	bool marks;     /* behind the words there is one more for each consumer */
	uint32_t index; /* its own */
	uint32_t front; /* a bit for each of those that it follows */
	char first_wrong[160];
} DSR_ALIGNED(DSR_CACHELINE);

static inline void complain(struct checker *c, const char *what, int64_t sequence, uint64_t got,
			    uint64_t wanted)
{
	if (c->wrong++ == 0)
		snprintf(c->first_wrong, sizeof(c->first_wrong),
			 "sequence %" PRId64 ": %s: got %" PRIu64 ", wanted %" PRIu64, sequence,
			 what, got, wanted);
}

/* Those in front have left their marks, in plain memory, and it leaves its own. */
static inline void check_marks(struct checker *c, uint64_t *mark, int64_t sequence)
{
	for (uint32_t i = 0; i < c->index; i++)
		if (c->front >> i & 1 && mark[i] != (uint64_t)sequence)
			complain(c, "ahead of whom it follows", sequence, mark[i],
				 (uint64_t)sequence);
	mark[c->index] = (uint64_t)sequence;
}

static inline void check(struct checker *c, void *event, int64_t sequence)
{
	uint64_t *word = event;
	uint64_t producer = word[0] >> 48, count = word[0] & ((UINT64_C(1) << 48) - 1);

	c->events++;
	if (sequence <= c->last)
		complain(c, "sequence did not grow", sequence, (uint64_t)sequence,
			 (uint64_t)c->last + 1);
	c->last = sequence;
	if (producer >= PRODUCERS_MAX) {
		complain(c, "no such producer", sequence, producer, 0);
		return;
	}
	if (count != c->next[producer])
		complain(c, "lost, repeated or out of order", sequence, count, c->next[producer]);
	c->next[producer] = count + 1;
	for (uint32_t i = 1; i < c->words; i++)
		if (word[i] != word_of(producer, count, i))
			complain(c, "torn event", sequence, word[i], word_of(producer, count, i));
	if (c->marks)
		check_marks(c, word + c->words, sequence);
}

static inline int check_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	(void)end_of_batch;
	check(state, event, sequence);
	return DSR_CONTINUE;
}

/* Leaves early now and then, and releases now and then: nothing may come of it. */
static inline int check_batch(struct dsr_batch *batch, void *state)
{
	struct checker *c = state;
	void *event;

	while ((event = dsr_batch_next(batch))) {
		check(c, event, dsr_batch_sequence(batch));
		if (c->events % 64 == 7)
			dsr_batch_release(batch);
		if (c->events % 128 == 5)
			break;
	}
	return DSR_CONTINUE;
}

static inline int fail(const char *program, const char *what, int error)
{
	fprintf(stderr, "%s: %s: %s\n", program, what, dsr_strerror(error));
	return 1;
}

#endif
