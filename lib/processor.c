/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <disruptor/atomic.h>
#include <disruptor/error.h>

#include "cpu.h"
#include "probe.h"
#include "processor.h"
#include "topology.h"

#define PIN_KIND   0x70000000
#define PIN_NUMBER 0x0fffffff

bool dsr_pin_valid(int pin)
{
	int kind = pin & PIN_KIND;

	return pin == DSR_UNPINNED || dsr_pin_is_open(pin) ||
	       (pin > 0 && (kind == DSR_CPU(0) || kind == DSR_NODE(0)));
}

bool dsr_pin_is_cpu(int pin)
{
	return (pin & PIN_KIND) == DSR_CPU(0);
}

bool dsr_pin_is_node(int pin)
{
	return (pin & PIN_KIND) == DSR_NODE(0);
}

bool dsr_pin_is_open(int pin)
{
	return pin == DSR_AUTOMATIC || pin == DSR_NEAR_PRODUCER || pin == DSR_ISOLATED;
}

int dsr_pin_number(int pin)
{
	return pin & PIN_NUMBER;
}

int dsr_error_skip(void *event, int64_t sequence, int error, void *state)
{
	(void)event;
	(void)sequence;
	(void)error;
	(void)state;
	return DSR_CONTINUE;
}

int dsr_error_stop(void *event, int64_t sequence, int error, void *state)
{
	(void)event;
	(void)sequence;
	(void)error;
	(void)state;
	return DSR_STOP;
}

/* Why a handler's loop has ended; not a result of any handler. */
#define GO_ON INT32_MAX

/* Looks that a spinning consumer takes before it asks again whether all is over. */
#define SPIN_LOOKS 64

/*
 * Nothing but looks: is @wanted there? Who sees it goes straight on to the event,
 * with a single branch that no predictor foresees. False: not within SPIN_LOOKS,
 * or the word has changed to something else than @stale or that.
 */
static bool spin(const struct dsr_target *target, int64_t wanted, enum dsr_wait wait)
{
	for (int i = 0; i < SPIN_LOOKS; i++) {
		/* [OBSERVE<-PUBLISH] The stamp is seen before the event is read. */
		int64_t now = dsr_load_acquire(target->word);

		if (now == wanted)
			return true;
		if (now != target->stale)
			return false;
		if (wait == DSR_WAIT_PAUSE)
			dsr_relax();
	}
	return false;
}

/* Nothing has come for long enough: what does the handler say? */
static int tell_idle(struct dsr_processor *p)
{
	const struct dsr_handler *h = &p->handler;
	const struct dsr_waiter *w = &p->consumer.waiter;
	int result;

	/* A turn of spinning is much shorter than a look at the clock. */
	if (w->turn % 16 && w->turn < (uint64_t)w->tuning.spins)
		return DSR_CONTINUE;
	if (w->turn == 0 || p->idle_at == 0)
		p->idle_at = dsr_deadline(h->idle_after);
	if (dsr_now() < p->idle_at)
		return DSR_CONTINUE;
	p->idle_at = dsr_deadline(h->idle_after);
	/* Relaxed: our own. */
	result = h->on_idle(p->consumer.own->batch.next - 1, h->state);
	if (result == DSR_RELEASE || result == DSR_RETRY)
		return DSR_CONTINUE;
	return result <= DSR_STOP_ALL ? result : -EINVAL;
}

/* One turn of waiting; true: the event that the only lane waits for is there, for certain. */
static bool pass_turn(struct dsr_processor *p, const struct dsr_target *target)
{
	struct dsr_consumer *c = &p->consumer;
	struct dsr_waiter *w = &c->waiter;
	bool is_stamp = !c->group && !c->barrier.count;

	/* The first one counts, and most waits are longer. */
	if (w->turn == 0 || w->how > DSR_WAIT_PAUSE) {
		dsr_waiter_turn(w, target, p->handler.on_idle ? p->idle_at : DSR_FOREVER);
		return false;
	}
	w->turn++;
	/* Others look anew whatever it became. */
	return spin(target, is_stamp ? c->own->batch.next : DSR_STAMP_NONE, w->how) && is_stamp;
}

/*
 * Waits until a lane has an event. Returns GO_ON, or why there will be none, for
 * on_stop(): 0 for drained, -ECANCELED, or what on_idle() said.
 */
static int await_event(struct dsr_processor *p, struct dsr_lane **lane)
{
	struct dsr_consumer *c = &p->consumer;
	struct dsr_target target;
	int result = GO_ON;

	for (;;) {
		enum dsr_look look = dsr_consumer_look(c, lane, &target);

		if (dsr_likely(look == DSR_LOOK_READY))
			break;
		if (look == DSR_LOOK_DRAINED || look == DSR_LOOK_HALTED) {
			result = look == DSR_LOOK_DRAINED ? 0 : -ECANCELED;
			break;
		}
		if (dsr_unlikely(p->handler.on_idle)) {
			result = tell_idle(p);
			if (result == DSR_STOP_ALL)
				dsr_ring_halt(c->ring);
			if (result != DSR_CONTINUE)
				break;
			result = GO_ON;
		}
		if (pass_turn(p, &target)) {
			*lane = c->own;
			break;
		}
	}
	dsr_waiter_end(&c->waiter);
	return result;
}

/*
 * One batch for an event handler. Whether there is another event has to be
 * known before the handler sees this one; having told it that there is none,
 * the batch ends, even if one has come since.
 */
static int run_events(struct dsr_processor *p, struct dsr_batch *batch)
{
	dsr_event_fn on_event = p->handler.on_event;
	void *state = p->handler.state;
	void *event;

	while ((event = dsr_batch_next(batch))) {
		bool more = dsr_batch_more(batch);
		int result = on_event(event, dsr_batch_sequence(batch), !more, state);

		if (dsr_unlikely(result != DSR_CONTINUE)) {
			if (result != DSR_RELEASE)
				return result;
			dsr_batch_release(batch);
		}
		if (!more || dsr_consumer_is_halted(&p->consumer))
			break;
	}
	return DSR_CONTINUE;
}

static int run_batch(struct dsr_processor *p, struct dsr_lane *lane)
{
	const struct dsr_handler *h = &p->handler;
	int64_t size, depth;

	if (dsr_unlikely(h->on_batch_start)) {
		size = dsr_lane_begin_counted(lane, p->consumer.max_batch, &depth);
		h->on_batch_start(size, depth, h->state);
	} else {
		dsr_lane_begin(lane, p->consumer.max_batch);
	}
	dsr_count(&p->consumer.batches);
	return h->on_batch ? h->on_batch(&lane->batch, h->state) : run_events(p, &lane->batch);
}

/* A batch is to begin again; long pauses end when the ring does. */
static int retry(struct dsr_processor *p, struct dsr_lane *lane)
{
	enum { SLICE = 5 * 1000 * 1000 };
	int64_t until = dsr_deadline(p->handler.retry_pause), now;

	dsr_count(&p->consumer.retries);
	dsr_lane_rewind(lane);
	if (!p->handler.retry_pause)
		return GO_ON;
	while ((now = dsr_now()) < until && !dsr_consumer_is_halted(&p->consumer))
		dsr_sleep_until(until - now > SLICE ? now + SLICE : until);
	return GO_ON;
}

/* The handler failed with @error: GO_ON, or the reason to stop. */
static int fail(struct dsr_processor *p, struct dsr_lane *lane, int error)
{
	struct dsr_batch *batch = &lane->batch;
	int result;

	dsr_count(&p->consumer.errors);
	/* A batch handler that took nothing failed at the first. */
	if (batch->next <= lane->first) {
		batch->current = lane->first;
		batch->next = lane->first + 1;
	}
	result = p->handler.on_error(dsr_slots_event(&batch->slots, batch->current), batch->current,
				     error, p->error_state);
	switch (result) {
	case DSR_CONTINUE:
	case DSR_RELEASE:
		p->attempts = 0;
		dsr_lane_done(lane);
		return GO_ON;
	case DSR_RETRY:
		p->attempts = 0;
		return retry(p, lane);
	case DSR_STOP_ALL:
		dsr_ring_halt(p->consumer.ring);
		return error;
	case DSR_STOP:
		return error;
	default:
		return result < 0 ? result : -EINVAL;
	}
}

/* What to do about a batch that did not end as most do: GO_ON, or the reason to stop. */
static int answer(struct dsr_processor *p, struct dsr_lane *lane, int result)
{
	switch (result) {
	case DSR_STOP:
		return DSR_STOP;
	case DSR_STOP_ALL:
		dsr_ring_halt(p->consumer.ring);
		return DSR_STOP_ALL;
	case DSR_RETRY:
		if (p->handler.retry_most && p->attempts == p->handler.retry_most)
			return fail(p, lane, -EAGAIN);
		p->attempts++;
		return retry(p, lane);
	default:
		return fail(p, lane, result < 0 ? result : -EINVAL);
	}
}

/* Until the handler has no more to do. Returns the reason for on_stop(). */
static int run(struct dsr_processor *p)
{
	struct dsr_consumer *c = &p->consumer;
	struct dsr_lane *lane;

	for (;;) {
		int result = await_event(p, &lane);

		if (dsr_unlikely(result != GO_ON))
			return result;
		/* As long as events are there, waiting for one never sees the state. */
		if (dsr_consumer_is_halted(c))
			return -ECANCELED;
		result = run_batch(p, lane);
		if (dsr_unlikely(result != DSR_CONTINUE && result != DSR_RELEASE)) {
			result = answer(p, lane, result);
			if (result != GO_ON) {
				dsr_lane_done(lane);
				return result;
			}
			continue;
		}
		/* What the handler kept of the batch is to be there in on_stop(). */
		if (dsr_unlikely(dsr_consumer_is_halted(c)))
			return -ECANCELED;
		p->attempts = 0;
		dsr_lane_done(lane);
	}
}

/* To its seat. One that was chosen for it may be refused: a cpuset, or gone offline since. */
static int pin_to_seat(struct dsr_processor *p)
{
	int err = dsr_cpu_pin(p->seat);

	if (err == 0 || !dsr_pin_is_open(p->handler.pin))
		return err;
	/* Others may be looking at the seat: it is given up by who gave it (seat.c). */
	p->seat_refused = err;
	return 0;
}

static int pin(struct dsr_processor *p)
{
	struct dsr_cpus cpus;
	int err;

	if (p->seat >= 0) {
		err = pin_to_seat(p);
		if (err < 0 || !p->seat_refused)
			return err;
	}
	if (!dsr_pin_is_node(p->handler.pin)) {
		/* If they are not to be had any more, it stays where it is. */
		if (p->home)
			(void)dsr_cpu_pin_set(p->home);
		return 0;
	}
	err = dsr_topology_node_cpus(dsr_pin_number(p->handler.pin), &cpus);
	return err < 0 ? err : dsr_cpu_pin_set(&cpus);
}

/* Pins itself and takes its priority, before it touches anything. */
static int settle_down(struct dsr_processor *p)
{
	int err = pin(p);

	if (err == 0 && !p->seat_refused && (p->seat >= 0 || dsr_pin_is_node(p->handler.pin)))
		p->is_pinned = dsr_cpu_affinity(0, &p->pinned) == 0;
	if (err == 0 && p->handler.fifo) {
		err = dsr_cpu_fifo(p->handler.fifo);
		p->fifo_refused = err < 0;
	}
	return err;
}

static void stop(struct dsr_processor *p, int reason)
{
	if (p->handler.on_stop)
		p->handler.on_stop(p->handler.state, reason);
}

/* From the first event to the last. */
static void live(struct dsr_processor *p)
{
	struct dsr_consumer *c = &p->consumer;
	int reason;

	dsr_consumer_begin(c);
	dsr_ring_enter(&c->own->hold);
	DSR_PROBE_START(c->name);
	reason = run(p);
	DSR_PROBE_STOP(c->name, reason);
	/* Who is told to stop in the midst of a batch may still have its events. */
	if (reason == -ECANCELED)
		stop(p, reason);
	dsr_ring_let_go();
	dsr_consumer_leave(c);
	if (reason != -ECANCELED)
		stop(p, reason);
}

static __thread const struct dsr_member *inside;

const struct dsr_member *dsr_processor_inside(void)
{
	return inside;
}

static void *processor_main(void *argument)
{
	struct dsr_processor *p = argument;
	const struct dsr_handler *h = &p->handler;
	uint32_t index = p->consumer.index;
	int err = settle_down(p);

	inside = p->consumer.member;
	pthread_setname_np(pthread_self(), p->consumer.name);
	p->tid = (int)syscall(SYS_gettid);
	dsr_cpu_here(&p->cpu, &p->node);
	if (err == 0)
		err = dsr_consumer_prepare(&p->consumer,
					   p->is_pinned ? DSR_REGION_HERE : DSR_REGION_ANYWHERE);
	if (!dsr_launch_pinned(p->launch, index, err))
		return NULL;
	dsr_ring_belong(p->consumer.ring);
	err = h->on_start ? h->on_start(h->state) : 0;
	if (dsr_launch_prepared(p->launch, index, err < 0 ? err : 0))
		live(p);
	else if (err >= 0)
		stop(p, -ECANCELED);
	/* Relaxed: for the report, which may be a moment late. */
	dsr_store_relaxed(&p->ended, 1);
	dsr_launch_ended(p->launch);
	return NULL;
}

int dsr_processor_create(struct dsr_processor *p)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&p->thread, NULL, processor_main, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}
