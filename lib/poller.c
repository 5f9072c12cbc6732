/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include <disruptor/atomic.h>

#include "poller.h"

void dsr_poller_begin(struct dsr_poller *poller)
{
	struct dsr_consumer *c = &poller->consumer;
	struct dsr_hold *hold = &c->own->hold;

	dsr_consumer_begin(c);
	/* Relaxed: for observers. */
	dsr_store_relaxed(&c->waiter.state, DSR_STATE_WAITING);
	pthread_mutex_lock(&c->ring->lock);
	hold->next = c->ring->polled;
	c->ring->polled = hold;
	poller->is_begun = true;
	pthread_mutex_unlock(&c->ring->lock);
}

void dsr_poller_end(struct dsr_poller *poller)
{
	struct dsr_consumer *c = &poller->consumer;
	struct dsr_hold **at;
	bool was_begun;

	if (!c->ring)
		return;
	pthread_mutex_lock(&c->ring->lock);
	was_begun = poller->is_begun;
	poller->is_begun = false;
	for (at = &c->ring->polled; was_begun && *at != &c->own->hold; at = &(*at)->next)
		;
	if (was_begun)
		*at = (*at)->next;
	pthread_mutex_unlock(&c->ring->lock);
	if (was_begun && poller->fd_made)
		dsr_bell_fini(&c->ring->pool.bells, &poller->bell);
}

/* Nothing there: arms the bell, if there is one, and looks once more. */
static enum dsr_look look_and_arm(struct dsr_poller *poller, struct dsr_lane **lane)
{
	struct dsr_consumer *c = &poller->consumer;
	struct dsr_bells *bells = &c->ring->pool.bells;
	struct dsr_target target;
	struct dsr_park *armed = NULL;
	enum dsr_look look;

	for (;;) {
		look = dsr_consumer_look(c, lane, &target);
		if (!poller->fd_made)
			return look;
		if (look != DSR_LOOK_IDLE && look != DSR_LOOK_GATED)
			break;
		/* Armed before the look, where the look now says to wait. */
		if (armed == target.park && dsr_bell_is_armed(bells, &poller->bell))
			return look;
		armed = target.park;
		dsr_bell_arm(bells, &poller->bell, armed);
	}
	dsr_bell_ring(bells, &poller->bell);
	return look;
}

static void note(struct dsr_consumer *c, enum dsr_consumer_state state)
{
	int64_t self = (int64_t)pthread_self();

	/* Relaxed, all: for observers, and for the thread's own claims. */
	if (dsr_load_relaxed(&c->own->hold.thread) != self)
		dsr_store_relaxed(&c->own->hold.thread, self);
	if (state == DSR_STATE_RUNNING)
		dsr_count(&c->batches);
	else
		dsr_count(&c->waiter.counts[DSR_COUNT_WAITS]);
	dsr_store_relaxed(&c->waiter.state, state);
}

static void give_back(struct dsr_poller *poller)
{
	if (poller->open)
		dsr_lane_done(poller->open);
	poller->open = NULL;
}

int dsr_poll(struct dsr_poller *poller, uint32_t most, struct dsr_batch **batch)
{
	struct dsr_consumer *c;
	struct dsr_lane *lane;
	enum dsr_look look;

	if (!poller || !most || !batch)
		return -EINVAL;
	c = &poller->consumer;
	give_back(poller);
	look = look_and_arm(poller, &lane);
	if (look == DSR_LOOK_READY && dsr_consumer_is_halted(c))
		look = DSR_LOOK_HALTED;
	note(c, look == DSR_LOOK_READY ? DSR_STATE_RUNNING
		: poller->fd_made      ? DSR_STATE_PARKED
				       : DSR_STATE_WAITING);
	switch (look) {
	case DSR_LOOK_READY:
		break;
	case DSR_LOOK_GATED:
		return DSR_POLL_GATED;
	case DSR_LOOK_DRAINED:
		return DSR_POLL_DRAINED;
	case DSR_LOOK_HALTED:
		return -ECANCELED;
	default:
		return DSR_POLL_IDLE;
	}
	dsr_lane_begin(lane, most < c->max_batch ? most : c->max_batch);
	poller->open = lane;
	*batch = &lane->batch;
	return DSR_POLL_EVENTS;
}

int dsr_poll_events(struct dsr_poller *poller, uint32_t most, dsr_event_fn on_event, void *state)
{
	int found, result = DSR_CONTINUE;
	struct dsr_batch *batch;
	void *event;

	if (!on_event)
		return -EINVAL;
	found = dsr_poll(poller, most, &batch);
	if (found != DSR_POLL_EVENTS)
		return found;
	while (result != DSR_STOP && (event = dsr_batch_next(batch))) {
		bool more = dsr_batch_more(batch);

		result = on_event(event, dsr_batch_sequence(batch), !more, state);
		if (result < DSR_CONTINUE || result > DSR_STOP) {
			/* Not done with: it comes first the next time. */
			batch->next = dsr_batch_sequence(batch);
			break;
		}
		if (result == DSR_RELEASE)
			dsr_batch_release(batch);
		if (!more)
			break;
	}
	give_back(poller);
	if (result > DSR_STOP)
		return -EINVAL;
	return result < 0 ? result : DSR_POLL_EVENTS;
}

int dsr_poller_fd(struct dsr_poller *poller)
{
	int err;

	if (!poller)
		return -EINVAL;
	if (!poller->fd_made) {
		err = dsr_bell_init(&poller->consumer.ring->pool.bells, &poller->bell);
		if (err < 0)
			return err;
		poller->fd_made = true;
	}
	return poller->bell.fd;
}
