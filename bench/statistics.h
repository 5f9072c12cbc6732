/* SPDX-License-Identifier: MIT */
#ifndef BENCH_STATISTICS_H
#define BENCH_STATISTICS_H

/**
 * What some runs say about a figure: its median, how far single runs lie from that,
 * and between which two values the true median is.
 *
 * The interval supposes nothing about how figures are distributed, only that runs do
 * not hang together. A run is below the true median as often as it is above, like a
 * coin; so all of n are above it, or all below, once in 2^(n-1), and then it is not
 * between the lowest and the highest. In general it is between the k-th lowest and the
 * k-th highest with the probability 1 - 2 P(fewer than k heads of n coins), which is
 * the level that is told: not "about 95 %", but what it is for this n. Equal values
 * only make it safer.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/* What an interval is asked to have; with fewer than 6 values none has that much. */
#define STATISTICS_LEVEL 0.95

/**
 * struct summary
 * @count:  values; 0: all else is 0, too
 * @spread: the median distance from the median: half of all runs are not farther from it
 * @low:    the true median is from here...
 * @high:   ...to here, both included,
 * @level:  with this probability: the least that is STATISTICS_LEVEL or more; for fewer than 6
 *	    values it is less, and the interval is from the lowest to the highest
 */
struct summary {
	uint32_t count;
	double median;
	double spread;
	double low;
	double high;
	double level;
};

static inline int statistics_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/** median() - of at least one value; sorts them */
static inline double median(double *values, uint32_t n)
{
	qsort(values, n, sizeof(*values), statistics_compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/**
 * median_rank() - which values, counted from both ends, the interval is between
 * @n:	   at most 1000
 * @level: receives the probability
 *
 * Return: the k of above, from 1 to half of @n.
 */
static inline uint32_t median_rank(uint32_t n, double *level)
{
	/* Of exactly @k heads, and of at most as many. */
	double exactly = ldexp(1, -(int)n), at_most = exactly;
	uint32_t k = 0;

	*level = 1 - 2 * at_most;
	for (;;) {
		exactly *= (double)(n - k) / (k + 1);
		at_most += exactly;
		k++;
		if (1 - 2 * at_most < STATISTICS_LEVEL)
			return k;
		*level = 1 - 2 * at_most;
	}
}

/** summarize() - of any number of values up to 1000, which are lost by it */
static inline struct summary summarize(double *values, uint32_t n)
{
	struct summary s = {0, 0, 0, 0, 0, 0};
	uint32_t k, i;

	if (!n)
		return s;
	s.count = n;
	s.median = median(values, n);
	k = median_rank(n, &s.level);
	s.low = values[k - 1];
	s.high = values[n - k];
	for (i = 0; i < n; i++)
		values[i] = fabs(values[i] - s.median);
	s.spread = median(values, n);
	return s;
}

#endif
