/* SPDX-License-Identifier: MIT */
/* What each atomic access returns and leaves behind. Built for both ways to spell them. */
#include "unit.h"

TestSuite(atomic, .timeout = 60);

static const int64_t values[] = {0, 1, -1, INT64_C(0x0123456789abcdef), INT64_MAX, INT64_MIN};

enum { VALUES = sizeof(values) / sizeof(*values) };

CASE(atomic, load_and_store)
{
	int64_t word;

	for (int i = 0; i < VALUES; i++) {
		word = 7;
		dsr_store_relaxed(&word, values[i]);
		expect(word, values[i]);
		expect(dsr_load_relaxed(&word), values[i]);
		word = 7;
		dsr_store_release(&word, values[i]);
		expect(word, values[i]);
		expect(dsr_load_acquire(&word), values[i]);
	}
}

/* A neighbour's byte would show: the words are written whole and nothing else is. */
CASE(atomic, neighbours_are_left_alone)
{
	int64_t words[3] = {-1, 0, -1};

	dsr_store_relaxed(&words[1], INT64_MIN);
	dsr_store_release(&words[1], INT64_MAX);
	dsr_fetch_add(&words[1], 1);
	dsr_exchange(&words[1], 5);
	dsr_compare_exchange(&words[1], 5, 6);
	expect(words[0], -1);
	expect(words[1], 6);
	expect(words[2], -1);
}

CASE(atomic, fetch_add_returns_what_was_there)
{
	int64_t word = 40;

	expect(dsr_fetch_add(&word, 2), 40);
	expect(word, 42);
	expect(dsr_fetch_add(&word, 0), 42);
	expect(dsr_fetch_add(&word, -43), 42);
	expect(word, -1);
	expect(dsr_fetch_add(&word, INT64_C(1) << 40), -1);
	expect(word, (INT64_C(1) << 40) - 1);
}

CASE(atomic, fetch_add_wraps)
{
	int64_t word = INT64_MAX;

	expect(dsr_fetch_add(&word, 1), INT64_MAX);
	expect(word, INT64_MIN);
	expect(dsr_fetch_add(&word, -1), INT64_MIN);
	expect(word, INT64_MAX);
	expect(dsr_fetch_add(&word, INT64_MAX), INT64_MAX);
	expect(word, -2);
	word = INT64_MIN;
	expect(dsr_fetch_add(&word, INT64_MIN), INT64_MIN);
	expect(word, 0);
}

CASE(atomic, exchange_returns_what_was_there)
{
	int64_t word = 9;

	for (int i = 0; i < VALUES; i++) {
		int64_t before = word;

		expect(dsr_exchange(&word, values[i]), before);
		expect(word, values[i]);
	}
}

CASE(atomic, compare_exchange_takes_only_what_it_expects)
{
	int64_t word = 9;

	for (int i = 0; i < VALUES; i++) {
		int64_t before = word;

		expect(dsr_compare_exchange(&word, before ^ 1, 77), before);
		expect(word, before);
		/* The upper half counts too. */
		expect(dsr_compare_exchange(&word, before ^ INT64_MIN, 77), before);
		expect(word, before);
		expect(dsr_compare_exchange(&word, before, values[i]), before);
		expect(word, values[i]);
	}
}

CASE(atomic, fences_change_nothing)
{
	int64_t word = 3;

	dsr_full_fence();
	dsr_light_fence();
	dsr_relax();
	expect(word, 3);
}

enum { ROUNDS = 20000, ADDERS = 4 };

static int64_t sum, swapped, taken;

static void *add(void *argument)
{
	(void)argument;
	for (int i = 0; i < ROUNDS; i++) {
		int64_t before;

		dsr_fetch_add(&sum, 1);
		do
			before = dsr_load_relaxed(&swapped);
		while (dsr_compare_exchange(&swapped, before, before + 1) != before);
	}
	/* Each value is handed on exactly once: what is left and what was taken is all. */
	dsr_fetch_add(&taken, dsr_exchange(&sum, 0));
	return NULL;
}

CASE(atomic, nothing_is_lost_between_threads)
{
	pthread_t threads[ADDERS];

	for (int i = 0; i < ADDERS; i++)
		expect(pthread_create(&threads[i], NULL, add, NULL), 0);
	for (int i = 0; i < ADDERS; i++)
		expect(pthread_join(threads[i], NULL), 0);
	expect(sum + taken, ROUNDS * ADDERS);
	expect(swapped, ROUNDS * ADDERS);
}
