/* SPDX-License-Identifier: MIT */
/*
 * The search: all executions, or as many as the bounds let through, one after the
 * other, depth first. An execution is the list of what was chosen where there was
 * a choice; the next one repeats it up to the last choice that has another way.
 *
 * Unbounded, sleep sets keep it from trying two orders of steps that cannot tell
 * each other apart (Godefroid, 1996): what was explored from here stays asleep
 * until something happens that it depends on. A bound on stale reads goes with it,
 * for equal executions have equally many.
 *
 * Within a bound on delays, threads take turns: who runs goes on for as long as it
 * can, then comes the next. Each time that somebody else is chosen is a delay
 * (Emmi, Qadeer and Rakamaric, "Delay-bounded scheduling", POPL 2011). Few are
 * enough for most mistakes, and executions are few then, too. Sleep sets would lose
 * some of them, so there are none.
 *
 * A word that only one thread ever touches is no place to switch at. Which ones
 * these are is learnt: when another thread comes to one, the search begins again.
 */
#include <stdio.h>
#include <string.h>

#include "checker.h"

enum { NODES_MAX = 1 << 16, STEPS_MAX = 50000, WORDS = 4096 };

enum kind { THREAD, READ, CHOICE };

struct node {
	uint8_t kind;
	uint8_t count;
	uint8_t at;
	uint8_t options[FIBRES_MAX];
};

static struct node nodes[NODES_MAX];
static uint32_t node_count, depth;

static struct search_bounds bounds;
static int delays, stale;
static uint32_t asleep;
static uint64_t steps;
static enum verdict verdict;
static uint64_t dice;

struct word {
	uintptr_t at;
	uint8_t readers, writers;
};

static struct word words[WORDS], words_before[WORDS];
static bool is_new_shared, are_words_changed;

static struct word *word_of(uintptr_t at)
{
	uint32_t i = (uint32_t)(at / 8 * 0x9e3779b97f4a7c15u >> 40) % WORDS;

	while (words[i].at && words[i].at != at)
		i = (i + 1) % WORDS;
	words[i].at = at;
	return &words[i];
}

static bool is_shared(const struct word *word)
{
	uint8_t all = word->readers | word->writers;

	return word->writers && (all & (all - 1));
}

bool search_is_shared(const void *at, int who, bool writes)
{
	struct word *word = word_of((uintptr_t)at);
	bool before = is_shared(word);
	uint8_t *set = writes ? &word->writers : &word->readers;

	if (!(*set & 1u << who)) {
		*set |= (uint8_t)(1u << who);
		are_words_changed = true;
	}
	if (!before && is_shared(word))
		is_new_shared = true;
	if (++steps > STEPS_MAX)
		search_fail("an execution without end");
	return is_shared(word);
}

bool search_is_exhaustive(void)
{
	return !bounds.seed && bounds.delays < 0;
}

static uint32_t roll(uint32_t n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)(dice >> 33) % n;
}

/* The choice that comes next: as before, or the first of @count. */
static struct node *node_next(enum kind kind, unsigned int count)
{
	struct node *node = &nodes[depth];

	if (depth == NODES_MAX)
		search_fail("an execution without end");
	if (depth++ < node_count) {
		if (node->kind != kind || node->count != count)
			search_fail("the checker was led astray: not the same again");
		return node;
	}
	node_count++;
	*node = (struct node){.kind = (uint8_t)kind, .count = (uint8_t)count};
	if (bounds.seed)
		node->at = (uint8_t)(kind == READ && roll(2) ? 0 : roll(count));
	return node;
}

static bool is_local(enum step step)
{
	return step == STEP_NONE || step == STEP_YIELD;
}

static bool is_independent(const struct fibre *a, const struct fibre *b)
{
	enum step one = a->pending.step, other = b->pending.step;

	if (one == STEP_BARRIER || other == STEP_BARRIER)
		return false;
	if (is_local(one) || is_local(other))
		return true;
	if (one == STEP_FENCE || other == STEP_FENCE || one == STEP_CLOCK || other == STEP_CLOCK)
		return one != other;
	if (a->pending.at != b->pending.at)
		return true;
	return one == STEP_LOAD && other == STEP_LOAD;
}

static void fall_asleep(uint32_t sleepers, int chosen)
{
	asleep = 0;
	for (int i = 0; i < fibre_count; i++)
		if (sleepers & 1u << i && i != chosen &&
		    is_independent(&fibres[i], &fibres[chosen]))
			asleep |= 1u << i;
}

/* In the order in which they are tried: who stays, then who comes next in turn, the caller last. */
static unsigned int order(uint32_t set, uint32_t staying, uint8_t options[FIBRES_MAX])
{
	unsigned int count = 0;

	if (staying & set)
		options[count++] = (uint8_t)self->id;
	for (int i = 1; i <= fibre_count; i++) {
		int id = (self->id + i) % fibre_count;

		if (set & 1u << id && !(staying & 1u << id))
			options[count++] = (uint8_t)id;
	}
	return count;
}

int search_thread(uint32_t enabled, uint32_t staying)
{
	uint8_t options[FIBRES_MAX];
	uint32_t sleepers = asleep;
	unsigned int count, at = 0;

	if (++steps > STEPS_MAX)
		search_fail("an execution without end");
	if (bounds.seed && staying && roll(4))
		return self->id;
	if (search_is_exhaustive())
		enabled &= ~asleep;
	if (!enabled)
		search_cut();
	count = order(enabled, staying, options);
	if (!bounds.seed && !search_is_exhaustive() && delays >= bounds.delays)
		count = 1;
	if (count > 1)
		at = node_next(THREAD, count)->at;
	for (unsigned int i = 0; i < at; i++)
		sleepers |= 1u << options[i];
	if (search_is_exhaustive())
		fall_asleep(sleepers, options[at]);
	delays += at > 0;
	return options[at];
}

unsigned int search_read(unsigned int n)
{
	unsigned int at;

	if (!bounds.seed && bounds.stale >= 0 && stale >= bounds.stale)
		return 0;
	if (n > 255)
		n = 255;
	at = node_next(READ, n)->at;
	stale += at > 0;
	return at;
}

unsigned int search_choose(unsigned int n)
{
	return n > 1 ? node_next(CHOICE, n)->at : 0;
}

void search_cut(void)
{
	verdict = CUT;
	fibre_leave();
}

void search_fail(const char *format, ...)
{
	char why[600];
	va_list arguments;

	verdict = FAILED;
	if (is_traced) {
		va_start(arguments, format);
		vsnprintf(why, sizeof(why), format, arguments);
		va_end(arguments);
		trace_print(why);
	}
	fibre_leave();
}

static void run_once(void (*body)(void))
{
	depth = 0;
	delays = 0;
	stale = 0;
	asleep = 0;
	verdict = FINE;
	is_new_shared = false;
	memory_reset();
	race_reset();
	heap_reset();
	system_reset();
	trace_reset();
	fibre_run(body);
}

/* The same again, for people. */
static void run_traced(void (*body)(void), uint64_t seed)
{
	memcpy(words, words_before, sizeof(words));
	is_traced = true;
	dice = seed;
	if (bounds.seed)
		node_count = 0;
	run_once(body);
	is_traced = false;
	if (verdict != FAILED)
		fprintf(stderr, "the failure did not come again: the checker was led astray\n");
}

/* To the last choice that has another way; false: there is none. */
static bool backtrack(void)
{
	while (node_count && nodes[node_count - 1].at + 1 == nodes[node_count - 1].count)
		node_count--;
	if (!node_count)
		return false;
	nodes[node_count - 1].at++;
	return true;
}

static bool next(struct search_result *result)
{
	if (are_words_changed) {
		memcpy(words_before, words, sizeof(words));
		are_words_changed = false;
	}
	if (bounds.most && result->executions >= bounds.most)
		return false;
	if (bounds.seed || is_new_shared) {
		node_count = 0;
		return true;
	}
	result->complete = !backtrack();
	return !result->complete;
}

struct search_result search_run(void (*body)(void), const struct search_bounds *within)
{
	struct search_result result = {0};
	uint64_t seed;

	bounds = *within;
	seed = bounds.seed;
	memset(words, 0, sizeof(words));
	memset(words_before, 0, sizeof(words_before));
	node_count = 0;
	do {
		steps = 0;
		dice = seed * 0x9e3779b97f4a7c15u | 1;
		run_once(body);
		result.executions++;
		result.cut += verdict == CUT;
		result.steps += steps;
		result.failed = verdict == FAILED;
		if (result.failed) {
			if (bounds.seed)
				fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
			steps = 0;
			run_traced(body, dice = seed * 0x9e3779b97f4a7c15u | 1);
			break;
		}
		if (bounds.seed)
			seed++;
	} while (next(&result));
	return result;
}
