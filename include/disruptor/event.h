/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_EVENT_H
#define DISRUPTOR_EVENT_H

/**
 * The calls that hand out events, for one type of event:
 *
 *	struct tick { double price; };
 *	DSR_EVENT(tick, struct tick);
 *
 * makes tick_build_single_producer(), tick_build_multi_producer(),
 * tick_claim(), tick_try_claim(), tick_claim_for(), tick_event() and
 * tick_batch_next(). The builders take the type's size and alignment; the
 * others return a pointer to it. The rest of the API has no type in it.
 */

#include <disruptor/batch.h>
#include <disruptor/builder.h>
#include <disruptor/producer.h>

#define DSR_TYPED static inline __attribute__((unused))

#define DSR_EVENT(name, type)                                                              \
	DSR_STATIC_ASSERT(DSR_ALIGNOF(type) <= DSR_ALIGNMENT_MAX,                          \
			  "an event is aligned to a cache line at most");                  \
	DSR_TYPED struct dsr_builder *name##_build_single_producer(uint64_t capacity)      \
	{                                                                                  \
		struct dsr_builder *b = dsr_build_single_producer(capacity, sizeof(type)); \
                                                                                           \
		dsr_event_alignment(b, DSR_ALIGNOF(type));                                 \
		return b;                                                                  \
	}                                                                                  \
	DSR_TYPED struct dsr_builder *name##_build_multi_producer(uint64_t capacity)       \
	{                                                                                  \
		struct dsr_builder *b = dsr_build_multi_producer(capacity, sizeof(type));  \
                                                                                           \
		dsr_event_alignment(b, DSR_ALIGNOF(type));                                 \
		return b;                                                                  \
	}                                                                                  \
	DSR_TYPED type *name##_claim(struct dsr_producer *p)                               \
	{                                                                                  \
		return (type *)dsr_claim(p);                                               \
	}                                                                                  \
	DSR_TYPED type *name##_try_claim(struct dsr_producer *p)                           \
	{                                                                                  \
		return (type *)dsr_try_claim(p);                                           \
	}                                                                                  \
	DSR_TYPED type *name##_claim_for(struct dsr_producer *p, int64_t timeout)          \
	{                                                                                  \
		return (type *)dsr_claim_for(p, timeout);                                  \
	}                                                                                  \
	DSR_TYPED type *name##_event(const struct dsr_producer *p, int64_t sequence)       \
	{                                                                                  \
		return (type *)dsr_event(p, sequence);                                     \
	}                                                                                  \
	DSR_TYPED type *name##_batch_next(struct dsr_batch *batch)                         \
	{                                                                                  \
		return (type *)dsr_batch_next(batch);                                      \
	}                                                                                  \
	DSR_STATIC_ASSERT(sizeof(type) > 0, "takes the semicolon")

#endif
