/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "advice.h"

enum { CRITERIA = 2 };

/* Which figures are compared, and how they are called. Less is better in all of them. */
static const struct {
	enum metric metric;
	const char *name;
	const char *gain;
} criteria[CRITERIA] = {
	{METRIC_P99, "p99 one way", "lower p99 one way"},
	{METRIC_PER_EVENT, "time of an event in a stream", "less time an event in a stream"},
};

enum topic { TOPIC_SLOTS, TOPIC_THREADS, TOPIC_PAGES, TOPICS };

/*
 * struct finding - one comparison
 * @gain: the part that is saved; 0: no difference that shows
 */
struct finding {
	enum topic topic;
	uint32_t criterion;
	double gain;
	char text[320];
};

struct findings {
	const struct matrix *matrix;
	struct finding list[ADVICE_MAX];
	uint32_t count;
};

/* Two cells, and how they are called. */
struct sides {
	uint32_t here, there;
	const char *here_name, *there_name;
};

static bool is_cell(const struct matrix *m, uint32_t cell)
{
	return cell < m->choice.cell_count;
}

static bool is_sure(const struct summary *s)
{
	return s->level >= STATISTICS_LEVEL && (s->high < 1 || s->low > 1);
}

static void __attribute__((format(printf, 5, 6)))
add(struct findings *f, enum topic topic, uint32_t criterion, double gain, const char *format, ...)
{
	struct finding *finding = &f->list[f->count];
	va_list arguments;

	if (f->count == ADVICE_MAX)
		return;
	f->count++;
	finding->topic = topic;
	finding->criterion = criterion;
	finding->gain = gain;
	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
	finding->text[0] = (char)toupper((unsigned char)finding->text[0]);
}

/* @about: what the sides have in common. @verb: what to do with the better one. */
static void compare(struct findings *f, enum topic topic, uint32_t criterion, struct sides s,
		    const char *about, const char *verb)
{
	enum metric metric = criteria[criterion].metric;
	struct summary ratio = matrix_ratio(f->matrix, s.here, s.there, metric);

	if (!ratio.count)
		return;
	if (!is_sure(&ratio)) {
		add(f, topic, criterion, 0,
		    "%s: no difference in %s that %u round%s can tell, %s against %s: ratio %.2f "
		    "(%.2f to %.2f).",
		    about, criteria[criterion].name, ratio.count, ratio.count == 1 ? "" : "s",
		    s.here_name, s.there_name, ratio.median, ratio.low, ratio.high);
		return;
	}
	if (ratio.median > 1) {
		s = (struct sides){s.there, s.here, s.there_name, s.here_name};
		ratio = matrix_ratio(f->matrix, s.here, s.there, metric);
	}
	add(f, topic, criterion, 1 - ratio.median,
	    "%s: %s %s: %.0f %% %s than on %s (%.0f to %.0f %%).", about, verb, s.here_name,
	    100 * (1 - ratio.median), criteria[criterion].gain, s.there_name,
	    100 * (1 - ratio.high), 100 * (1 - ratio.low));
}

/* The cell of the pair with the lowest figure, on small pages; cell_count: none. */
static uint32_t best_place(const struct matrix *m, uint32_t pair, enum metric metric, uint32_t but)
{
	uint32_t best = m->choice.cell_count;
	double least = 0;

	for (uint32_t place = 0; place < PLACES; place++) {
		uint32_t cell = matrix_find(m, pair, place, DSR_PAGES_SMALL);
		double median;

		if (!is_cell(m, cell) || cell == but)
			continue;
		median = matrix_figure(m, cell, metric).median;
		if (!is_cell(m, best) || median < least) {
			best = cell;
			least = median;
		}
	}
	return best;
}

/*
 * What the best place is held against: the library's own choice; if that is it, the other
 * side's.
 */
static uint32_t rival_of(const struct matrix *m, uint32_t pair, enum metric metric, uint32_t best)
{
	uint32_t consumer = matrix_find(m, pair, PLACE_CONSUMER, DSR_PAGES_SMALL);
	uint32_t producer = matrix_find(m, pair, PLACE_PRODUCER, DSR_PAGES_SMALL);

	if (consumer != best && is_cell(m, consumer))
		return consumer;
	if (producer != best && is_cell(m, producer))
		return producer;
	return best_place(m, pair, metric, best);
}

static void compare_places(struct findings *f, uint32_t pair, uint32_t criterion)
{
	const struct matrix *m = f->matrix;
	enum metric metric = criteria[criterion].metric;
	uint32_t best = best_place(m, pair, metric, m->choice.cell_count);
	uint32_t rival = is_cell(m, best) ? rival_of(m, pair, metric, best) : best;
	char here[60], there[60];

	if (!is_cell(m, rival))
		return;
	cell_slots(&m->choice.cells[best], here, sizeof(here));
	cell_slots(&m->choice.cells[rival], there, sizeof(there));
	compare(f, TOPIC_SLOTS, criterion, (struct sides){best, rival, here, there},
		m->choice.pairs[pair].title,
		m->choice.cells[best].place == PLACE_CONSUMER ? "keep slots on" : "put slots on");
}

static void compare_pages(struct findings *f, uint32_t pair, uint32_t criterion,
			  enum dsr_pages pages)
{
	const struct matrix *m = f->matrix;
	uint32_t small = matrix_find(m, pair, PLACE_CONSUMER, DSR_PAGES_SMALL);
	uint32_t huge = matrix_find(m, pair, PLACE_CONSUMER, pages);

	if (is_cell(m, small) && is_cell(m, huge))
		compare(f, TOPIC_PAGES, criterion,
			(struct sides){huge, small, pages_title(pages),
				       pages_title(DSR_PAGES_SMALL)},
			m->choice.pairs[pair].title, "take");
}

/* The pair's cell that stands for it. */
static uint32_t face(const struct matrix *m, uint32_t pair, enum metric metric)
{
	uint32_t cell = matrix_find(m, pair, PLACE_CONSUMER, DSR_PAGES_SMALL);

	return is_cell(m, cell) ? cell : best_place(m, pair, metric, m->choice.cell_count);
}

static uint32_t best_pair(const struct matrix *m, enum metric metric)
{
	uint32_t best = m->choice.cell_count;

	for (uint32_t pair = 0; pair < m->choice.pair_count; pair++) {
		uint32_t cell = face(m, pair, metric);

		if (is_cell(m, cell) &&
		    (!is_cell(m, best) ||
		     matrix_figure(m, cell, metric).median < matrix_figure(m, best, metric).median))
			best = cell;
	}
	return best;
}

static void compare_pairs(struct findings *f, uint32_t criterion)
{
	const struct matrix *m = f->matrix;
	uint32_t best = best_pair(m, criteria[criterion].metric);

	for (uint32_t pair = 0; is_cell(m, best) && pair < m->choice.pair_count; pair++) {
		uint32_t cell = face(m, pair, criteria[criterion].metric);

		if (cell != best && is_cell(m, cell))
			compare(f, TOPIC_THREADS, criterion,
				(struct sides){best, cell,
					       m->choice.pairs[m->choice.cells[best].pair].title,
					       m->choice.pairs[pair].title},
				"threads", "put them on the");
	}
}

static void compare_all(struct findings *f)
{
	for (uint32_t criterion = 0; criterion < CRITERIA; criterion++) {
		compare_pairs(f, criterion);
		for (uint32_t pair = 0; pair < f->matrix->choice.pair_count; pair++) {
			compare_places(f, pair, criterion);
			compare_pages(f, pair, criterion, DSR_PAGES_TRANSPARENT);
			compare_pages(f, pair, criterion, DSR_PAGES_2M);
		}
	}
}

/* The largest difference of a kind, or, if all are none, the first of these. */
static struct finding *head_of(struct findings *f, enum topic topic, uint32_t criterion)
{
	struct finding *head = NULL;

	for (uint32_t i = 0; i < f->count; i++) {
		struct finding *one = &f->list[i];

		if (one->topic == topic && one->criterion == criterion &&
		    (!head || one->gain > head->gain))
			head = one;
	}
	return head;
}

static void take(struct advice *a, struct finding *finding)
{
	memcpy(a->lines[a->count++], finding->text, sizeof(a->lines[0]));
	finding->text[0] = '\0';
}

void advice_draw(const struct matrix *m, struct advice *a)
{
	static struct findings f;

	memset(a, 0, sizeof(*a));
	f = (struct findings){.matrix = m};
	compare_all(&f);
	for (uint32_t topic = 0; topic < TOPICS; topic++) {
		for (uint32_t criterion = 0; criterion < CRITERIA; criterion++) {
			struct finding *head = head_of(&f, topic, criterion);

			if (head)
				take(a, head);
		}
	}
	if (!a->count)
		snprintf(a->lines[a->count++], sizeof(a->lines[0]),
			 "Nothing to choose between on this machine, so no advice.");
	else if (m->rounds < 6)
		snprintf(a->lines[a->count++], sizeof(a->lines[0]),
			 "Fewer than 6 rounds cannot tell a difference from chance: --rounds 9.");
	a->heads = a->count;
	for (uint32_t i = 0; i < f.count && a->count < ADVICE_MAX; i++)
		if (*f.list[i].text)
			take(a, &f.list[i]);
}
