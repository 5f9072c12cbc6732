/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_HISTOGRAM_H
#define EXAMPLES_HISTOGRAM_H

/**
 * Counts latencies in nanoseconds, from 0 to INT64_MAX, in a fixed array.
 *
 * Log-linear: each power of two is cut into HISTOGRAM_STEPS equal buckets, so
 * a percentile is never below the true one and less than one part in
 * HISTOGRAM_STEPS above it; below 2 * HISTOGRAM_STEPS it is exact. Adding is a
 * shift and an increment, and nothing is allocated: fit for a hot path.
 *
 * All zero is empty: clear it, or have it static. Threads: one at a time; give
 * each thread its own and merge them.
 */

#include <stdint.h>

enum {
	HISTOGRAM_BITS = 6,
	HISTOGRAM_STEPS = 1 << HISTOGRAM_BITS,
	/* One run of buckets for what is below HISTOGRAM_STEPS, one for each power of two above. */
	HISTOGRAM_BUCKETS = (63 - HISTOGRAM_BITS + 1) * HISTOGRAM_STEPS,
};

struct histogram {
	uint64_t count;
	int64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* How many low bits of @ns do not fit into a bucket's number. */
static inline unsigned int histogram_shift(int64_t ns)
{
	unsigned int top = 63 - (unsigned int)__builtin_clzll((uint64_t)ns | HISTOGRAM_STEPS);

	return top - HISTOGRAM_BITS;
}

/* A value below HISTOGRAM_STEPS has its own bucket; above, the leading bit says which run. */
static inline unsigned int histogram_bucket(int64_t ns)
{
	unsigned int shift = histogram_shift(ns);

	return shift * HISTOGRAM_STEPS + (unsigned int)(ns >> shift);
}

/* The highest value that falls into @bucket. */
static inline int64_t histogram_bucket_end(unsigned int bucket)
{
	unsigned int shift = bucket < HISTOGRAM_STEPS ? 0 : bucket / HISTOGRAM_STEPS - 1;
	uint64_t step = bucket - shift * HISTOGRAM_STEPS;

	/* Unsigned: the last bucket ends where int64_t does. */
	return (int64_t)(((step + 1) << shift) - 1);
}

/** histogram_add_n() - the same value @n times; below zero counts as zero */
static inline void histogram_add_n(struct histogram *h, int64_t ns, uint64_t n)
{
	if (ns < 0)
		ns = 0;
	h->buckets[histogram_bucket(ns)] += n;
	h->count += n;
	if (n && ns > h->max)
		h->max = ns;
}

/** histogram_add() - one value */
static inline void histogram_add(struct histogram *h, int64_t ns)
{
	histogram_add_n(h, ns, 1);
}

/** histogram_count() - how many values there are */
static inline uint64_t histogram_count(const struct histogram *h)
{
	return h->count;
}

/** histogram_max() - the highest value, exactly; 0 if there is none */
static inline int64_t histogram_max(const struct histogram *h)
{
	return h->max;
}

/* Which value, counted from 1 in order of size, has @percent of all at or below it. */
static inline uint64_t histogram_rank(const struct histogram *h, double percent)
{
	double wanted = (double)h->count * percent / 100;
	uint64_t rank;

	if (!(wanted > 1))
		return 1;
	if (percent >= 100)
		return h->count;
	rank = (uint64_t)wanted;
	/* Up, unless it is only the 99.9 that is a little more than 99.9 in binary. */
	if (wanted - (double)rank > wanted * 1e-12)
		rank++;
	return rank < h->count ? rank : h->count;
}

/**
 * histogram_percentile() - the value that @percent of all values do not exceed
 * @percent: 50 for the median, 99.9, ...; 0 and less: the lowest, 100: the highest
 *
 * Return: never less than the true value; 0 if there is none.
 */
static inline int64_t histogram_percentile(const struct histogram *h, double percent)
{
	uint64_t rank = histogram_rank(h, percent), seen = 0;

	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= rank)
			return histogram_bucket_end(i) < h->max ? histogram_bucket_end(i) : h->max;
	}
	return h->max;
}

/** histogram_merge() - add all that is in @from to @into */
static inline void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
	into->count += from->count;
	if (from->max > into->max)
		into->max = from->max;
}

#endif
