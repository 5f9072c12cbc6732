/* SPDX-License-Identifier: MIT */
#include <sched.h>

#include "monitor.h"
#include "park.h"
#include "wait.h"

/* Turns before a strategy goes on to the next thing it does, and how long it naps. */
enum {
	SPINS = 100,
	SPINS_PHASED = 2000,
	YIELDS = 100,
	NAP = 50 * 1000,
};

bool dsr_wait_valid(enum dsr_wait wait, const struct dsr_wait_tuning *tuning)
{
	if ((int)wait < DSR_WAIT_DEFAULT || wait > DSR_WAIT_CUSTOM)
		return false;
	return wait != DSR_WAIT_CUSTOM || tuning->turn;
}

bool dsr_wait_spins(enum dsr_wait wait)
{
	return wait == DSR_WAIT_BUSY_SPIN || wait == DSR_WAIT_PAUSE || wait == DSR_WAIT_MONITOR;
}

static int32_t turns(int32_t asked, int32_t otherwise)
{
	if (asked < 0)
		return 0;
	return asked ? asked : otherwise;
}

void dsr_waiter_set(struct dsr_waiter *w, enum dsr_wait how, const struct dsr_wait_tuning *tuning)
{
	bool phased = how == DSR_WAIT_PHASED;

	if (how == DSR_WAIT_MONITOR && !dsr_monitor_available())
		how = DSR_WAIT_PAUSE;
	w->how = how;
	w->tuning = *tuning;
	w->tuning.spins = turns(tuning->spins, phased ? SPINS_PHASED : SPINS);
	w->tuning.yields = how == DSR_WAIT_PARK ? 0 : turns(tuning->yields, YIELDS);
	if (tuning->nap <= 0)
		w->tuning.nap = NAP;
}

void dsr_sleep_until(int64_t deadline)
{
	const struct timespec until = dsr_timespec(deadline);

	/* It returns its error: errno stays the caller's. Interrupted: the caller looks. */
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

void dsr_pass_time(uint64_t turn)
{
	if (turn < SPINS)
		dsr_relax();
	else if (turn < SPINS + YIELDS)
		sched_yield();
	else
		dsr_sleep_until(dsr_deadline(NAP));
}

static void nap(struct dsr_waiter *w, int64_t deadline)
{
	int64_t until = dsr_deadline(w->tuning.nap);

	dsr_count(&w->counts[DSR_COUNT_NAPS]);
	dsr_sleep_until(until < deadline ? until : deadline);
}

static void park(struct dsr_waiter *w, const struct dsr_target *target, int64_t deadline)
{
	if (w->park != target->park) {
		if (w->park)
			dsr_park_leave(w->park);
		w->park = target->park;
		dsr_park_enter(w->park);
	} else {
		dsr_count(&w->counts[DSR_COUNT_PARKS]);
		/* Relaxed: for observers. */
		dsr_store_relaxed(&w->state, DSR_STATE_PARKED);
		dsr_park_sleep(w->park, w->ticket, deadline);
		dsr_store_relaxed(&w->state, DSR_STATE_WAITING);
	}
	w->ticket = dsr_park_ticket(w->park);
}

/* What comes when there has been enough spinning. */
static void turn_behind_spinning(struct dsr_waiter *w, const struct dsr_target *target,
				 int64_t deadline)
{
	uint64_t yields = (uint64_t)w->tuning.spins + (uint64_t)w->tuning.yields;

	if (w->how == DSR_WAIT_YIELD || w->turn < yields) {
		dsr_count(&w->counts[DSR_COUNT_YIELDS]);
		sched_yield();
	} else if (w->how == DSR_WAIT_SLEEP) {
		nap(w, deadline);
	} else {
		park(w, target, deadline);
	}
}

void dsr_waiter_turn(struct dsr_waiter *w, const struct dsr_target *target, int64_t deadline)
{
	if (w->turn == 0) {
		dsr_count(&w->counts[DSR_COUNT_WAITS]);
		/* Relaxed: for observers. */
		dsr_store_relaxed(&w->state, DSR_STATE_WAITING);
	}
	switch (w->how) {
	case DSR_WAIT_BUSY_SPIN:
		break;
	case DSR_WAIT_PAUSE:
		dsr_relax();
		break;
	case DSR_WAIT_MONITOR:
		dsr_monitor_wait(target->word, target->stale);
		break;
	case DSR_WAIT_CUSTOM:
		w->tuning.turn(w->turn, w->tuning.context);
		break;
	default:
		if (w->turn < (uint64_t)w->tuning.spins)
			dsr_relax();
		else
			turn_behind_spinning(w, target, deadline);
		break;
	}
	w->turn++;
}

void dsr_waiter_leave(struct dsr_waiter *w)
{
	dsr_park_leave(w->park);
	w->park = NULL;
}

void dsr_waiter_read(const struct dsr_waiter *w, struct dsr_waits *out)
{
	/* Relaxed: see dsr_count(). */
	out->waits = (uint64_t)dsr_load_relaxed(&w->counts[DSR_COUNT_WAITS]);
	out->yields = (uint64_t)dsr_load_relaxed(&w->counts[DSR_COUNT_YIELDS]);
	out->naps = (uint64_t)dsr_load_relaxed(&w->counts[DSR_COUNT_NAPS]);
	out->parks = (uint64_t)dsr_load_relaxed(&w->counts[DSR_COUNT_PARKS]);
}

int64_t dsr_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t dsr_deadline(int64_t timeout)
{
	int64_t now;

	if (timeout == DSR_FOREVER)
		return DSR_FOREVER;
	now = dsr_now();
	if (timeout < 0)
		return now;
	return timeout > DSR_FOREVER - 1 - now ? DSR_FOREVER - 1 : now + timeout;
}
