/* SPDX-License-Identifier: MIT */
/* The examples' histogram against sorted values: percentiles, edges, merging. TAP on stdout. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"

enum { VALUES = 20000 };

static int number;
static int failed;

static void check(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
	failed += !good;
}

/* xorshift64*, by Sebastiano Vigna: seeded, the same everywhere. */
static uint64_t draw(void)
{
	static uint64_t seed = 88172645463325252;

	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * UINT64_C(2685821657736338717);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Never below the true value, and not a step above. Unsigned, for what is near INT64_MAX. */
static bool close_above(int64_t got, int64_t exact)
{
	bool good = got >= exact && (uint64_t)(got - exact) <= (uint64_t)exact / HISTOGRAM_STEPS;

	if (!good)
		printf("# got %" PRId64 " for %" PRId64 "\n", got, exact);
	return good;
}

/* The definition, in whole numbers: thousandths of a percent of @n, rounded up, from 1. */
static int64_t exact_percentile(const int64_t *sorted, uint64_t n, uint64_t thousandths)
{
	uint64_t rank = (n * thousandths + 99999) / 100000;

	return sorted[rank ? rank - 1 : 0];
}

static bool percentiles_fit(const struct histogram *h, int64_t *values, uint64_t n)
{
	static const uint64_t thousandths[] = {0,     1,     1000,  10000, 25000, 50000,
					       75000, 90000, 99000, 99900, 99990, 100000};
	bool good = histogram_count(h) == n;

	qsort(values, n, sizeof(*values), compare);
	for (size_t i = 0; i < sizeof(thousandths) / sizeof(*thousandths); i++)
		good &= close_above(histogram_percentile(h, (double)thousandths[i] / 1000),
				    exact_percentile(values, n, thousandths[i]));
	return good && histogram_max(h) == values[n - 1] &&
	       histogram_percentile(h, 100) == values[n - 1];
}

/* Values of all magnitudes up to 2^@bits. */
static bool random_values(unsigned int bits, uint64_t n)
{
	static int64_t values[VALUES];
	static struct histogram h;

	memset(&h, 0, sizeof(h));
	for (uint64_t i = 0; i < n; i++) {
		values[i] = (int64_t)(draw() >> (64 - bits) >> draw() % bits);
		histogram_add(&h, values[i]);
	}
	return percentiles_fit(&h, values, n);
}

/* 1 to n, once each: the median and the rest are known without looking. */
static bool small_values_are_exact(void)
{
	static struct histogram h;
	bool good = true;

	for (int64_t i = 1; i <= 100; i++)
		histogram_add(&h, i);
	for (int64_t i = 1; i <= 100; i++)
		good &= histogram_percentile(&h, (double)i) == i;
	return good && histogram_percentile(&h, 99.9) == 100 && histogram_percentile(&h, 0.5) == 1;
}

/* 99.9 has no exact double: of 1000 values it is still the 999th. */
static bool rank_is_exact(void)
{
	static struct histogram h;

	histogram_add_n(&h, 1, 999);
	histogram_add_n(&h, 2, 1);
	return histogram_percentile(&h, 99.9) == 1 && histogram_percentile(&h, 99.91) == 2;
}

static bool is_empty(const struct histogram *h)
{
	return histogram_count(h) == 0 && histogram_max(h) == 0 &&
	       histogram_percentile(h, 0) == 0 && histogram_percentile(h, 50) == 0 &&
	       histogram_percentile(h, 100) == 0;
}

static bool empty(void)
{
	static struct histogram h;
	bool good = is_empty(&h);

	histogram_add_n(&h, 1000, 0);
	return good && is_empty(&h);
}

/* One value is every percentile, whatever it is, also exactly at a bucket's edge. */
static bool single(int64_t ns)
{
	static struct histogram h;

	memset(&h, 0, sizeof(h));
	histogram_add(&h, ns);
	return histogram_percentile(&h, 0) == ns && histogram_percentile(&h, 50) == ns &&
	       histogram_percentile(&h, 100) == ns && histogram_max(&h) == ns;
}

static bool edges(void)
{
	bool good = single(0);

	for (unsigned int bit = 0; bit < 63; bit++) {
		int64_t power = INT64_C(1) << bit;

		good &= single(power - 1) && single(power) && single(power + (power >> 6)) &&
			single(power + (power - 1));
	}
	return good && single(INT64_MAX);
}

/* Each bucket ends where the next one begins; the last ends with int64_t. */
static bool buckets_are_seamless(void)
{
	int64_t end = -1;
	bool good = true;

	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		good &= histogram_bucket(end + 1) == i;
		end = histogram_bucket_end(i);
		good &= histogram_bucket(end) == i;
		if (end == INT64_MAX)
			return good && i == HISTOGRAM_BUCKETS - 1;
	}
	return false;
}

static bool both_ends(void)
{
	static struct histogram h;

	histogram_add(&h, 0);
	histogram_add(&h, INT64_MAX);
	return histogram_percentile(&h, 50) == 0 && histogram_percentile(&h, 51) == INT64_MAX &&
	       histogram_count(&h) == 2;
}

static bool negative_is_zero(void)
{
	static struct histogram h;

	histogram_add(&h, -1);
	histogram_add(&h, INT64_MIN);
	return histogram_count(&h) == 2 && histogram_max(&h) == 0 &&
	       histogram_percentile(&h, 100) == 0;
}

static bool percents_outside(void)
{
	static struct histogram h;

	histogram_add(&h, 10);
	histogram_add(&h, 20);
	return histogram_percentile(&h, -5) == 10 && histogram_percentile(&h, 200) == 20;
}

static bool add_n_is_n_adds(void)
{
	static struct histogram one, many;

	for (int64_t ns = 1; ns < 1000000; ns *= 3) {
		for (int64_t i = 0; i < ns % 7; i++)
			histogram_add(&one, ns);
		histogram_add_n(&many, ns, (uint64_t)(ns % 7));
	}
	return memcmp(&one, &many, sizeof(one)) == 0;
}

static bool merged_is_added(void)
{
	static struct histogram parts[3], all, merged;

	for (int i = 0; i < VALUES; i++) {
		int64_t ns = (int64_t)(draw() >> 1 >> draw() % 63);

		histogram_add(&parts[i % 2], ns);
		histogram_add(&all, ns);
	}
	for (int i = 0; i < 3; i++) /* the last one is empty */
		histogram_merge(&merged, &parts[i]);
	return memcmp(&merged, &all, sizeof(all)) == 0;
}

int main(void)
{
	check(random_values(10, VALUES), "percentiles of values below 2^10");
	check(random_values(32, VALUES), "percentiles of values below 2^32");
	check(random_values(63, VALUES), "percentiles of values below 2^63");
	check(random_values(40, 1), "percentiles of one value");
	check(random_values(40, 7), "percentiles of seven values");
	check(small_values_are_exact(), "small values are exact");
	check(rank_is_exact(), "99.9% of a thousand is 999");
	check(empty(), "empty: all zero");
	check(edges(), "powers of two, their neighbours, 0 and INT64_MAX");
	check(buckets_are_seamless(), "buckets have no gap and no overlap");
	check(both_ends(), "0 beside INT64_MAX");
	check(negative_is_zero(), "below zero counts as zero");
	check(percents_outside(), "percents below 0 and above 100");
	check(add_n_is_n_adds(), "n at once are n one by one");
	check(merged_is_added(), "merging is adding all");
	printf("1..%d\n", number);
	return failed != 0;
}
