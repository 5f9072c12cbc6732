/* SPDX-License-Identifier: MIT */
/*
 * Keeping a distance
 *
 * A consumer that is as fast as its producer runs into it: it asks for the line
 * that is just being written, gets it half done, and both wait for it once
 * more. Worse, its core reads on speculatively, and fetches ahead, into lines that
 * are not written yet, and each of these crosses twice. Then a line costs several
 * times what it does when it is left alone until it is done, and as that slows the
 * producer down, the consumer stays where it is: at its heels.
 *
 * So before a consumer goes on it looks PACE_BYTES ahead. If that slot is published,
 * all up to it can be fetched at full speed, many lines at a time, and nothing else
 * is to be done. If it is not, the consumer takes what there is, one by one, at once;
 * and if that goes on it tries to keep off: it pauses before it takes the next events,
 * and does not look meanwhile, for each look takes away a line that somebody wants to
 * write. What is gained is measured, as nothing but the machine can tell:
 *
 *	at the heels	PACE_WINDOW events in a row, one by one, take so long. If that is
 *			less than PACE_SLOWEST a line, events are flowing: try it
 *	keeping off	the same number of events took so long, pauses included. An eighth
 *			less, or better: go on, with pauses twice as long, up to PACE_MOST.
 *			If not, the producer has other things to do than to wait for lines:
 *			back to its heels, and wait twice as long for the next try
 *	nothing		came in a pause: the flow is over
 *
 * A consumer whose events come further apart than PACE_SLOWEST a line, or fewer than
 * PACE_WINDOW at a time, never pauses. A steady stream that is no faster for it pays for
 * one try in more and more events. The end of a long burst comes late by a pause, which is
 * never more than PACE_MOST. Figures, and what else was tried: bench/README.md.
 *
 * It is about speed only. Whether an event is there is for its own stamp to
 * say, so all looks here may be relaxed, and be wrong, as with several producers
 * that publish out of order.
 */
#include "consumer.h"
#include "pace.h"

enum {
	PACE_BYTES = 1024,
	PACE_WINDOW = 128,  /* events */
	PACE_SLOWEST = 128, /* ns a line */
	PACE_LEAST = 2000,  /* ns; a shorter pause is not seen to be of any use */
	PACE_MOST = 4000,   /* ns */
	PACE_HINTS = 4,     /* spin hints from one look at the clock to the next */
	PACE_RESTS = 8191,  /* windows, at most, from try to try */
	PACE_BACKLOG = 4,   /* windows of so many times the events: it was not at the heels */
	PACE_LINE = 64,
};

static bool is_there(const struct dsr_batch *batch, int64_t sequence)
{
	void *event = dsr_slots_event(&batch->slots, sequence);
	/* Relaxed: see above. */
	int64_t stamp = dsr_load_relaxed(dsr_slots_stamp(&batch->slots, event));

	return stamp == sequence || stamp == ~sequence;
}

/* How far on from the next one producers can have got: not into what we have not given back. */
static int64_t room(const struct dsr_batch *batch)
{
	/* Relaxed: our own. */
	int64_t done = dsr_load_relaxed(&batch->sequence->value);
	int64_t slots = (int64_t)batch->slots.mask + 1 - (batch->next - done);
	int64_t left = DSR_SEQUENCE_MAX - batch->next;

	return slots < left ? slots : left;
}

/* The one so many slots on from the next, or the last one that can be there. */
static int64_t ahead_of(const struct dsr_batch *batch, int64_t slots)
{
	int64_t most = room(batch);

	return batch->next + (slots < most ? slots : most);
}

/* Longer than until the ring is half full it would only hold the producer up. */
static void pause_for(const struct dsr_batch *batch, int64_t ns)
{
	int64_t half = ahead_of(batch, (int64_t)(batch->slots.mask + 1) / 2);
	int64_t until = dsr_now() + ns;

	do
		for (int i = 0; i < PACE_HINTS; i++)
			dsr_relax();
	while (dsr_now() < until && !is_there(batch, half));
}

/* How many are there from the next one on: at least, and no more than it looks ahead. */
static int64_t published(const struct dsr_batch *batch, const struct dsr_pace *pace)
{
	int64_t most = pace->ahead < room(batch) ? pace->ahead : room(batch), n = 0, step;

	if (!is_there(batch, batch->next))
		return 0;
	for (step = 1; step <= most && is_there(batch, batch->next + step); step *= 2)
		n = step;
	return n + 1;
}

/*
 * What PACE_WINDOW events took in the window that ends, and the next begins. 0: it goes
 * on, or says nothing.
 */
static int64_t end_window(struct dsr_pace *pace, int64_t sequence, int64_t most)
{
	int64_t count = sequence - pace->from, now, took = 0;

	if (pace->since && count < PACE_WINDOW)
		return 0;
	now = dsr_now();
	/* One more, as 0 says something else. */
	if (pace->since && count <= most)
		took = (now - pace->since) * PACE_WINDOW / count + 1;
	pace->from = sequence;
	pace->since = now;
	return took;
}

/* At the producer's heels. */
static bool is_worth_a_try(struct dsr_pace *pace, const struct dsr_batch *batch)
{
	int64_t stride = (int64_t)batch->slots.stride;
	int64_t lines = stride > PACE_LINE ? stride / PACE_LINE : 1;
	int64_t took = end_window(pace, batch->next, PACE_BACKLOG * PACE_WINDOW);

	if (!took || took > PACE_SLOWEST * PACE_WINDOW * lines)
		return false;
	pace->heel = took;
	if (!pace->rest)
		return true;
	pace->rest--;
	return false;
}

/* While it keeps off. */
static bool is_worth_it(struct dsr_pace *pace, const struct dsr_batch *batch)
{
	int64_t took = end_window(pace, batch->next, INT64_MAX);

	if (took > pace->heel - pace->heel / 8) {
		pace->pause = 0;
		pace->wait = pace->wait < PACE_RESTS ? 2 * pace->wait + 1 : PACE_RESTS;
		pace->rest = pace->wait;
		return false;
	}
	if (took) {
		pace->pause = pace->pause < PACE_MOST ? 2 * pace->pause : PACE_MOST;
		pace->wait = 0;
	}
	return true;
}

/* The producer is near. How many to take without another look? */
static int64_t keep_distance(struct dsr_pace *pace, const struct dsr_batch *batch)
{
	int64_t n;

	if (!pace->pause && is_worth_a_try(pace, batch))
		pace->pause = PACE_LEAST;
	if (!pace->pause || !is_worth_it(pace, batch))
		return 1;
	pause_for(batch, pace->pause);
	n = published(batch, pace);
	if (n)
		return n;
	pace->pause = 0;
	pace->since = 0;
	return 1;
}

void dsr_batch_pace(struct dsr_batch *batch)
{
	struct dsr_pace *pace = &((struct dsr_lane *)(void *)batch)->pace;
	int64_t far = ahead_of(batch, pace->ahead);

	if (batch->next < batch->settled)
		batch->paced = batch->settled;
	else if (far < batch->next)
		/* All is in this batch: nothing comes before it has been given back. */
		batch->paced = batch->next + 1;
	else if (is_there(batch, far))
		batch->paced = far + 1;
	else
		batch->paced = batch->next + keep_distance(pace, batch);
}

void dsr_pace_begin(struct dsr_pace *pace, struct dsr_batch *batch)
{
	int64_t ahead = PACE_BYTES / (int64_t)batch->slots.stride;
	int64_t most = (int64_t)(batch->slots.mask + 1) / 4;

	/* In a small ring the producer would be waiting for us, not we for it. */
	*pace = (struct dsr_pace){.ahead = ahead < most ? ahead : most};
	batch->paced = pace->ahead ? batch->next : INT64_MAX;
}
