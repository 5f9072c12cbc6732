/* SPDX-License-Identifier: MIT */
/*
 * Medians of known samples, and how sure they are: the level of an interval is held
 * against all ways in which so many coins can fall.
 */
#include "statistics.h"
#include "unit.h"

TestSuite(statistics, .timeout = 30);

enum { COINS_MAX = 18 };

#define COUNT(values) (uint32_t)(sizeof(values) / sizeof(*(values)))

/* These are sums and halves of small numbers, which have no error. */
#define expect_double(got, wanted)                                                                \
	cr_assert((got) >= (wanted) && (got) <= (wanted), "line %d: " #got " is %.17g", __LINE__, \
		  (double)(got))

Test(statistics, nothing_is_known_of_no_values)
{
	struct summary s = summarize(NULL, 0);

	expect(s.count, 0);
	expect_double(s.median, 0);
	expect_double(s.level, 0);
}

Test(statistics, a_single_value_says_nothing_about_the_median)
{
	double one[] = {7.5};
	struct summary s = summarize(one, 1);

	expect(s.count, 1);
	expect_double(s.median, 7.5);
	expect_double(s.spread, 0);
	expect_double(s.low, 7.5);
	expect_double(s.high, 7.5);
	expect_double(s.level, 0);
}

Test(statistics, a_median_is_the_one_in_the_middle)
{
	double odd[] = {9, 1, 5, 3, 7}, even[] = {4, 1, 3, 2};

	expect_double(median(odd, COUNT(odd)), 5);
	expect_double(median(even, COUNT(even)), 2.5);
}

Test(statistics, a_spread_does_not_see_one_that_is_far_off)
{
	double values[] = {100, 2, 4, 1, 3};
	struct summary s = summarize(values, COUNT(values));

	expect_double(s.median, 3);
	expect_double(s.spread, 1); /* of 0 1 1 2 97 */
	expect_double(s.low, 1);
	expect_double(s.high, 100);
	expect_double(s.level, 0.9375); /* 1 - 2/32: no five values have more */
}

Test(statistics, an_interval_is_as_many_values_from_either_end)
{
	double values[] = {12, 3, 8, 1, 10, 5, 7, 2, 11, 4, 9, 6};
	struct summary s = summarize(values, COUNT(values));

	expect_double(s.median, 6.5);
	expect_double(s.low, 3);
	expect_double(s.high, 10);
	expect_double(s.level, 1 - 2 * 79.0 / 4096); /* 1 + 12 + 66 of 2^12 */
}

/* Of 2^@n ways to fall, those in which the true median is between the @k-th from both ends. */
static double covered(uint32_t n, uint32_t k)
{
	uint32_t ways, count = 0;

	for (ways = 0; ways < 1u << n; ways++) {
		uint32_t below = (uint32_t)__builtin_popcount(ways);

		count += below >= k && n - below >= k;
	}
	return (double)count / (1u << n);
}

Test(statistics, a_level_is_the_share_of_all_ways_to_fall)
{
	double level;
	uint32_t n;

	for (n = 1; n <= COINS_MAX; n++) {
		uint32_t k = median_rank(n, &level);

		cr_assert(k >= 1 && 2 * k <= n + 1, "%u of %u", k, n);
		cr_assert(fabs(level - covered(n, k)) < 1e-12, "%u: %.15g", n, level);
		cr_assert(n < 6 ? k == 1 : level >= STATISTICS_LEVEL, "%u: %.15g", n, level);
		/* And no narrower one would do. */
		cr_assert(covered(n, k + 1) < STATISTICS_LEVEL, "%u: %u is too wide", n, k);
	}
}

/* Out of tables of the sign test. */
Test(statistics, many_values_have_the_ranks_of_the_tables)
{
	static const struct {
		uint32_t n, rank;
	} tables[] = {{20, 6}, {25, 8}, {30, 10}, {40, 14}, {50, 18}, {100, 40}, {1000, 469}};
	double level;
	uint32_t i;

	for (i = 0; i < COUNT(tables); i++) {
		expect(median_rank(tables[i].n, &level), tables[i].rank);
		cr_assert(level >= 0.95 && level < 0.98, "%u: %g", tables[i].n, level);
	}
}
