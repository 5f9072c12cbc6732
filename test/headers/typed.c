/* SPDX-License-Identifier: MIT */
/*
 * Each call that DSR_EVENT() makes, and what a program does beside: compiled,
 * never run, as C and as C++. Three types: a plain one, one with a strict
 * alignment, and one that is not a struct.
 */
#include <disruptor/disruptor.h>

struct tick {
	double price;
};

struct wide {
	char bytes[80];
} DSR_ALIGNED(64);

DSR_EVENT(tick, struct tick);
DSR_EVENT(wide, struct wide);
DSR_EVENT(number, int64_t);

/* Where the language has more than C to put around it. */
#if defined(__cplusplus)
namespace market
{
struct trade {
	int64_t volume = 0;
};

DSR_EVENT(trade, trade);

static int64_t volume_of(struct dsr_batch *batch)
{
	int64_t sum = 0;

	while (trade *t = trade_batch_next(batch))
		sum += t->volume;
	return sum;
}
} // namespace market
#endif

static int on_tick(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	const struct tick *t = (const struct tick *)event;
	double *total = (double *)state;

	*total += t->price;
	return end_of_batch && sequence > 10 ? DSR_STOP : DSR_CONTINUE;
}

static int on_ticks(struct dsr_batch *batch, void *state)
{
	double *total = (double *)state;
	struct tick *t;

	while ((t = tick_batch_next(batch)))
		*total += t->price;
	if (!dsr_batch_more(batch) && dsr_batch_sequence(batch) > 10)
		dsr_batch_release(batch);
	return DSR_RELEASE;
}

static int on_others(struct dsr_batch *batch, void *state)
{
	int64_t *total = (int64_t *)state;
	struct wide *w = wide_batch_next(batch);
	int64_t *n = number_batch_next(batch);

	if (!w || !n)
		return -EINVAL;
	*total += *n + w->bytes[0];
#if defined(__cplusplus)
	*total += market::volume_of(batch);
#endif
	return DSR_CONTINUE;
}

/* The same for each type; int64_t is what is filled in. */
#define PRODUCE(name, type)                                                                       \
	static int64_t produce_##name(struct dsr_producer *p)                                     \
	{                                                                                         \
		type *one = name##_claim(p);                                                      \
		type *other = name##_try_claim(p);                                                \
		type *third = name##_claim_for(p, DSR_NOW);                                       \
		uint32_t n = 4;                                                                   \
		int64_t first = dsr_claim_up_to(p, &n, DSR_FOREVER);                              \
                                                                                                  \
		if (!one || !other || !third || !name##_event(p, first))                          \
			return dsr_claim_error(p);                                                \
		*one = *other;                                                                    \
		*name##_event(p, first) = *third;                                                 \
		return dsr_publish_n(p, 2) + dsr_abort_n(p, 1) + dsr_publish(p);                  \
	}                                                                                         \
	struct dsr_builder *build_##name(bool many);                                              \
	struct dsr_builder *build_##name(bool many)                                               \
	{                                                                                         \
		return many ? name##_build_multi_producer(64) : name##_build_single_producer(64); \
	}

PRODUCE(tick, struct tick)
PRODUCE(wide, struct wide)
PRODUCE(number, int64_t)

/* The calls without a type, so that the names of all of them are seen. */
static int prepare(struct dsr_builder *b, const struct dsr_handler *handler)
{
	dsr_event_lifecycle(b, NULL, NULL, NULL);
	dsr_first_sequence(b, DSR_SEQUENCE_MAX);
	dsr_place_slots(b, DSR_NODE(0), DSR_REQUIRE);
	return dsr_handle_events(b, handler);
}

static int look(struct dsr_disruptor *d, char *text, size_t size)
{
	struct dsr_placement where;
	struct dsr_thread_placement thread;

	return dsr_placement_read(d, &where) + dsr_placement_thread(d, 0, &thread) +
	       (int)dsr_placement_text(d, text, size) + (int)dsr_capacity(d);
}

static int produce_all(struct dsr_disruptor *d)
{
	struct dsr_producer *p = dsr_producer(d);
	int64_t sum = dsr_producer_set_wait(p, DSR_WAIT_PAUSE);

	sum += produce_tick(p) + produce_wide(p) + produce_number(p);
	sum += dsr_claim_n(p, 3, DSR_NOW) + dsr_abort(p);
	return (int)sum + dsr_producer_release(p);
}

const char *use_all(struct dsr_builder *b);
const char *use_all(struct dsr_builder *b)
{
	static double total;
	static int64_t sum;
	static struct dsr_handler handler;
	static char text[DSR_CACHELINE];
	struct dsr_disruptor *d;

	handler.on_event = on_tick;
	handler.state = &total;
	handler.pin = DSR_CPU(1);
	prepare(b, &handler);
	handler.on_event = NULL;
	handler.on_batch = on_ticks;
	prepare(b, &handler);
	handler.on_batch = on_others;
	handler.state = &sum;
	prepare(b, &handler);
	if (dsr_start(b, &d) < 0)
		return dsr_builder_destroy(b) < 0 ? dsr_version() : dsr_builder_message(b);
	sum += produce_all(d) + look(d, text, sizeof(text)) + dsr_halt(d);
	return dsr_strerror(dsr_shutdown(d, DSR_FOREVER) + dsr_destroy(d) + DSR_VERSION_MAJOR);
}
