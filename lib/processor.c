/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <disruptor/atomic.h>

#include "batch.h"
#include "cpu.h"
#include "processor.h"
#include "topology.h"
#include "wait.h"

#define PIN_KIND   0x70000000
#define PIN_NUMBER 0x0fffffff

bool dsr_pin_valid(int pin)
{
	int kind = pin & PIN_KIND;

	return pin == DSR_UNPINNED || (pin > 0 && (kind == DSR_CPU(0) || kind == DSR_NODE(0)));
}

bool dsr_pin_is_cpu(int pin)
{
	return (pin & PIN_KIND) == DSR_CPU(0);
}

int dsr_pin_number(int pin)
{
	return pin & PIN_NUMBER;
}

/* Looks that a spinning consumer takes before it asks again whether all is over. */
#define SPIN_LOOKS 64

/*
 * Nothing but looks: is @sequence published? Who sees it goes straight on to the
 * event, with a single branch that no predictor foresees. False: not within
 * SPIN_LOOKS, or the stamp has changed to something else than @stale or that.
 */
static bool spin(const int64_t *word, int64_t sequence, int64_t stale, enum dsr_wait wait)
{
	for (int i = 0; i < SPIN_LOOKS; i++) {
		/* [OBSERVE<-PUBLISH] The stamp is seen before the event is read. */
		int64_t stamp = dsr_load_acquire(word);

		if (stamp == sequence)
			return true;
		if (stamp != stale)
			return false;
		if (wait == DSR_WAIT_PAUSE)
			dsr_relax();
	}
	return false;
}

/*
 * Waits until the event at batch->next is there, stepping over aborted slots.
 * Returns 0, or why there will be none: DSR_STOP for drained, -ECANCELED.
 */
static int await_event(struct dsr_processor *c, struct dsr_batch *batch)
{
	uint64_t turn = 0;

	for (;;) {
		int64_t sequence = batch->next;
		const int64_t *word =
			dsr_slots_stamp(&batch->slots, dsr_slots_event(&batch->slots, sequence));
		/* [OBSERVE<-PUBLISH] The stamp is seen before the event is read. */
		int64_t stamp = dsr_load_acquire(word);
		enum dsr_verdict verdict = DSR_GO_ON;
		int64_t state;

		if (stamp == sequence)
			return 0;
		/*
		 * [NOTICE<-SEAL] [NOTICE<-HALT] Where the end is, which claims
		 * were cancelled: all written before the state says to look.
		 */
		state = dsr_load_acquire(&c->ring->state);
		if (stamp == ~sequence)
			verdict = DSR_SKIP;
		else if (dsr_unlikely(state))
			verdict = dsr_ring_verdict(c->ring, state, sequence);
		switch (verdict) {
		case DSR_GO_ON:
			if (c->handler.wait > DSR_WAIT_PAUSE)
				dsr_wait_turn(c->handler.wait, turn++);
			else if (spin(word, sequence, stamp, c->handler.wait))
				return 0;
			break;
		case DSR_SKIP:
			batch->next++;
			dsr_batch_release(batch);
			turn = 0;
			break;
		case DSR_DRAINED:
			return DSR_STOP;
		case DSR_HALTED:
			return -ECANCELED;
		}
	}
}

static bool is_halted(const struct dsr_processor *c)
{
	/* [NOTICE<-HALT] What was done before the halt is seen by on_stop(). */
	return dsr_unlikely(dsr_load_acquire(&c->ring->state) & DSR_RING_HALTED);
}

/*
 * One batch for an event handler. Whether there is another event has to be
 * known before the handler sees this one; having told it that there is none,
 * the batch ends, even if one has come since.
 */
static int run_events(struct dsr_processor *c, struct dsr_batch *batch)
{
	dsr_event_fn on_event = c->handler.on_event;
	void *state = c->handler.state;
	void *event;

	while ((event = dsr_batch_next(batch))) {
		bool more = dsr_batch_more(batch);
		int result = on_event(event, dsr_batch_sequence(batch), !more, state);

		if (dsr_unlikely(result != DSR_CONTINUE)) {
			if (result != DSR_RELEASE)
				return result;
			dsr_batch_release(batch);
		}
		if (!more || is_halted(c))
			break;
	}
	return DSR_CONTINUE;
}

/* Until the handler has no more to do. Returns the reason for on_stop(). */
static int run(struct dsr_processor *c)
{
	struct dsr_batch batch = {
		.next = c->ring->first,
		.current = c->ring->first - 1,
		.slots = c->ring->slots,
		.sequence = c->sequence,
	};
	int64_t max_batch = c->handler.max_batch;
	int result;

	dsr_batch_set_pace(&batch);
	for (;;) {
		result = await_event(c, &batch);
		if (result != 0)
			return result == DSR_STOP ? 0 : result;
		/* As long as events are there, waiting for one never sees the state. */
		if (is_halted(c))
			return -ECANCELED;
		dsr_batch_begin(&batch, max_batch);
		if (c->handler.on_batch)
			result = c->handler.on_batch(&batch, c->handler.state);
		else
			result = run_events(c, &batch);
		dsr_batch_release(&batch);
		if (dsr_unlikely(result != DSR_CONTINUE && result != DSR_RELEASE))
			return result == DSR_STOP || result < 0 ? result : -EINVAL;
	}
}

static int pin(const struct dsr_processor *c)
{
	struct dsr_cpus cpus;
	int err;

	if (c->handler.pin == DSR_UNPINNED)
		return 0;
	if (dsr_pin_is_cpu(c->handler.pin))
		return dsr_cpu_pin(dsr_pin_number(c->handler.pin));
	err = dsr_topology_node_cpus(dsr_pin_number(c->handler.pin), &cpus);
	return err < 0 ? err : dsr_cpu_pin_set(&cpus);
}

static void *processor_main(void *argument)
{
	struct dsr_processor *c = argument;
	int err = pin(c);
	int reason;

	pthread_setname_np(pthread_self(), c->name);
	c->tid = (int)syscall(SYS_gettid);
	dsr_cpu_here(&c->cpu, &c->node);
	if (!dsr_launch_pinned(c->launch, c->index, err))
		return NULL;
	err = c->handler.on_start ? c->handler.on_start(c->handler.state) : 0;
	dsr_launch_running(c->launch, c->index, err < 0 ? err : 0);
	if (err >= 0) {
		dsr_ring_enter(c->ring, c->sequence);
		reason = run(c);
		dsr_ring_leave(c->ring, c->sequence);
		if (c->handler.on_stop)
			c->handler.on_stop(c->handler.state, reason);
	}
	/* Relaxed: for the report, which may be a moment late. */
	dsr_store_relaxed(&c->ended, 1);
	dsr_launch_ended(c->launch);
	return NULL;
}

int dsr_processor_create(struct dsr_processor *c)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&c->thread, NULL, processor_main, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}
