/* SPDX-License-Identifier: MIT */
#ifndef BENCH_EVENT_HPP
#define BENCH_EVENT_HPP

/* Events as types, for queues that are templates, which have one queue per size. */

#include "../course.h"

template <unsigned n> struct event {
	uint64_t words[n];
};

/* call(n), where n are as many words as there are: known when a loop is compiled up to 7. */
#define SIZED(words, call)            \
	((words) == 1     ? call(1)   \
	 : (words) == 4   ? call(4)   \
	 : (words) == 7   ? call(7)   \
	 : (words) == 8   ? call(8)   \
	 : (words) == 15  ? call(15)  \
	 : (words) == 31  ? call(31)  \
	 : (words) == 127 ? call(127) \
			  : call(512))

template <unsigned n> ALWAYS const event<n> *events_in(const uint64_t *words)
{
	return (const event<n> *)words;
}

template <unsigned n> ALWAYS event<n> *events_in(uint64_t *words)
{
	return (event<n> *)words;
}

/* A queue of which the size is not in the type, as loops.h has it. */
template <template <unsigned n> class of> struct any_size {
	void *of_size;
	uint32_t words;

	template <unsigned n> of<n> &sized()
	{
		return *(of<n> *)of_size;
	}
};

#endif
