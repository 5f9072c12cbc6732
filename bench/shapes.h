/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SHAPES_H
#define BENCH_SHAPES_H

/**
 * Who follows whom: the shapes of LMAX's own benchmarks.
 *
 *	line		P -> 1		one consumer; three producers are their "three to one"
 *
 *	multicast	P -> 1		each sees every event
 *			P -> 2
 *			P -> 3
 *
 *	pipeline	P -> 1 -> 2 -> 3
 *
 *	diamond		P -> 1 -> 3	the last one behind both
 *			P -> 2 -> 3
 *
 * Who is followed changes a word of each event, and who follows has to have seen
 * that: so each consumer's sum also says whether it kept to its place.
 */

#include <stdint.h>

enum shape { SHAPE_LINE, SHAPE_MULTICAST, SHAPE_PIPELINE, SHAPE_DIAMOND };

/* No word of an event has this number. */
enum { CONSUMERS_MAX = 3, NO_WORD = 1 << 16 };

/**
 * struct role - what a consumer does with an event
 * @skip: the word it leaves alone, as the one beside it changes that
 * @edit: the word it adds 1 to
 * @seen: how many words have had their 1 when it comes to see them
 */
struct role {
	uint32_t skip;
	uint32_t edit;
	uint32_t seen;
};

static inline uint32_t shape_consumers(enum shape shape)
{
	return shape == SHAPE_LINE ? 1 : CONSUMERS_MAX;
}

static inline struct role shape_role(enum shape shape, uint32_t consumer)
{
	static const struct role only = {NO_WORD, NO_WORD, 0}, last = {NO_WORD, NO_WORD, 2},
				 pipeline[] = {{NO_WORD, 1, 0}, {NO_WORD, 2, 1}},
				 diamond[] = {{2, 1, 0}, {1, 2, 0}};

	if (shape == SHAPE_LINE || shape == SHAPE_MULTICAST)
		return only;
	if (consumer == CONSUMERS_MAX - 1)
		return last;
	return shape == SHAPE_PIPELINE ? pipeline[consumer] : diamond[consumer];
}

#endif
