/* SPDX-License-Identifier: MIT */
/*
 * The memory of C11, operationally.
 *
 * Each word has all its stores, in the order in which they were executed: that is
 * its modification order. A thread's view says, for each word, how old a store it
 * may still read: none older than one that it has read or written itself, or that
 * happens before. A load may return any store from there on; a release store
 * carries the storer's view and an acquire load joins it. A relaxed load keeps
 * what it read for an acquire fence to join, and a release fence keeps the view
 * for relaxed stores to carry. A read-modify-write reads the newest store and
 * passes on what that one carried: a release sequence, as of C++20 and C23, so a
 * plain relaxed store of the same thread ends it. (Release and acquire by views:
 * Kang et al., "A promising semantics", POPL 2017.)
 *
 * Sequentially consistent fences share one more view, of words only: who fences
 * later may read nothing older than what was known to who fenced before. It makes
 * nothing happen before anything, so a race between plain accesses stays one.
 * membarrier(2) is such a fence in every thread, between two of its caller's.
 *
 * What this cannot show: a load that returns a store executed later (load
 * buffering), and a store that is put before an older one in modification order
 * (2+2W).
 */
#include <string.h>

#include "checker.h"

enum { ARENA_BYTES = 64 << 20 };

struct store {
	int64_t value;
	const struct view *carried;
	const void *pc;
	int writer;
};

struct place {
	int64_t *word;
	uint16_t id;
	uint16_t floor; /* older ones were overwritten plainly, by somebody all know of */
	uint16_t count, room;
	struct store *stores;
};

static struct place places[PLACES_MAX];
static uint32_t place_count;
static struct view fenced;

static char arena[ARENA_BYTES] __attribute__((aligned(64)));
static size_t arena_used;

void *memory_keep(size_t bytes)
{
	void *at = arena + arena_used;

	arena_used += (bytes + 15) / 16 * 16;
	if (arena_used > ARENA_BYTES)
		search_fail("an execution without end");
	return at;
}

void memory_reset(void)
{
	place_count = 0;
	arena_used = 0;
	memset(&fenced, 0, sizeof(fenced));
}

void memory_join(struct view *to, const struct view *from)
{
	for (int i = 0; i < FIBRES_MAX; i++)
		if (to->clock[i] < from->clock[i])
			to->clock[i] = from->clock[i];
	while (to->count < from->count)
		to->seen[to->count++] = 0;
	for (uint32_t i = 0; i < from->count; i++)
		if (to->seen[i] < from->seen[i])
			to->seen[i] = from->seen[i];
}

static void copy(struct view *to, const struct view *from)
{
	memcpy(to, from, offsetof(struct view, seen) + from->count * sizeof(from->seen[0]));
}

static struct view *keep_view(const struct view *view)
{
	struct view *kept =
		memory_keep(offsetof(struct view, seen) + view->count * sizeof(view->seen[0]));

	copy(kept, view);
	return kept;
}

void memory_let_go(struct view *to)
{
	copy(to, &self->now);
	self->now.clock[self->id]++;
}

static struct store *push(struct place *place, int64_t value, const struct view *carried,
			  const void *pc)
{
	struct store *store;

	if (place->count == place->room) {
		uint16_t room = place->room ? 2 * place->room : 8;
		struct store *stores = memory_keep(room * sizeof(*stores));

		if (room > 4096)
			search_fail("stores to one word without end");
		if (place->count)
			memcpy(stores, place->stores, place->count * sizeof(*stores));
		place->stores = stores;
		place->room = room;
	}
	store = &place->stores[place->count++];
	*store = (struct store){value, carried, pc, self->id};
	return store;
}

static struct place *place_of(int64_t *word)
{
	struct place **at = race_place((uintptr_t)word);
	struct place *place = *at;

	if (!place) {
		if (place_count == PLACES_MAX)
			search_fail("more than %d atomic words", PLACES_MAX);
		place = &places[place_count];
		*place = (struct place){.word = word, .id = (uint16_t)place_count++};
		*at = place;
		push(place, *word, NULL, NULL);
	} else if (place->stores[place->count - 1].value != *word) {
		/* Plainly, and not in a race: else that was told. */
		push(place, *word, NULL, NULL);
		place->floor = place->count - 1;
	}
	return place;
}

static uint32_t oldest(const struct fibre *f, const struct place *place)
{
	uint32_t seen = place->id < f->now.count ? f->now.seen[place->id] : 0;

	return seen > place->floor ? seen : place->floor;
}

static void note_seen(struct view *view, const struct place *place, uint32_t index)
{
	while (view->count <= place->id)
		view->seen[view->count++] = 0;
	if (view->seen[place->id] < index)
		view->seen[place->id] = (uint16_t)index;
}

static bool has_acquire(enum order order)
{
	return order == ACQUIRE || order >= ACQ_REL;
}

static bool has_release(enum order order)
{
	return order >= RELEASE;
}

static void take(const struct place *place, uint32_t index, enum order order)
{
	const struct view *carried = place->stores[index].carried;

	note_seen(&self->now, place, index);
	if (carried)
		memory_join(has_acquire(order) ? &self->now : &self->pool, carried);
}

static void remember(struct place *place, uint32_t index)
{
	/* Of several loads in one look the first counts: what came of it may be old. */
	for (int i = 0; i < self->looks; i++)
		if (self->look[i].place == place)
			return;
	if (self->looks < LOOK_MAX)
		self->look[self->looks++] = (struct glance){place, index};
}

static void tell_load(const struct place *place, uint32_t index, const void *pc, const char *what)
{
	const struct store *store = &place->stores[index];
	uint32_t behind = place->count - 1u - index;

	if (!is_traced)
		return;
	if (behind)
		trace_event(place->word, pc, "%s %lld (STALE: %u newer)", what,
			    (long long)store->value, behind);
	else
		trace_event(place->word, pc, "%s %lld", what, (long long)store->value);
}

static const char *const load_names[] = {"load relaxed", "load acquire", "load", "load acquire",
					 "load seq_cst"};
static const char *const store_names[] = {"store relaxed", "store", "store release",
					  "store release", "store seq_cst"};
static const char *const modify_names[] = {"modify relaxed", "modify acquire", "modify release",
					   "modify acq_rel", "modify seq_cst"};

static void visit(enum step step, int64_t *word, const void *pc)
{
	if (search_is_shared(word, self->id, step == STEP_STORE))
		fibre_visit(step, word, pc);
	race_access((uintptr_t)word, sizeof(*word),
		    RACE_ATOMIC | (step == STEP_STORE ? RACE_WRITE : RACE_READ), pc);
}

static int64_t load(int64_t *word, enum order order, const void *pc)
{
	struct place *place = place_of(word);
	uint32_t index = place->count - 1u;

	if (index > oldest(self, place))
		index -= search_read(index - oldest(self, place) + 1);
	take(place, index, order);
	remember(place, index);
	self->last_load = (struct glance){place, index};
	tell_load(place, index, pc, load_names[order]);
	return place->stores[index].value;
}

int64_t memory_peek(int64_t *word, const void *pc)
{
	return is_live ? load(word, RELAXED, pc) : *word;
}

/*
 * A loop that looks and looks, and does not say that it waits. It goes on when
 * there is news, or when nobody else can.
 */
static void slow_down(int64_t *word, const void *pc)
{
	const struct glance *last = &self->last_load;

	if (!last->place || last->place->word != word || last->index + 1u < last->place->count) {
		self->spins = 0;
		return;
	}
	if (++self->spins > 2) {
		self->spins_on_it = true;
		fibre_block(AWAITING, word, pc);
		self->spins_on_it = false;
	}
}

int64_t memory_load(int64_t *word, enum order order, const void *pc)
{
	if (!is_live)
		return *word;
	if (order == SEQ_CST)
		memory_fence(SEQ_CST, pc);
	slow_down(word, pc);
	visit(STEP_LOAD, word, pc);
	return load(word, order, pc);
}

static const struct view *carried_by(struct place *place, enum order order)
{
	const struct view *carried;

	note_seen(&self->now, place, place->count);
	self->last_load.place = NULL;
	/* Nobody waits for what he does himself. */
	for (int i = 0; i < self->looks; i++)
		if (self->look[i].place == place && self->look[i].index + 1u == place->count)
			self->look[i].index = place->count;
	if (!has_release(order))
		return self->let_go;
	carried = keep_view(&self->now);
	self->now.clock[self->id]++;
	return carried;
}

void memory_store(int64_t *word, int64_t value, enum order order, const void *pc)
{
	struct place *place;

	if (is_live) {
		visit(STEP_STORE, word, pc);
		place = place_of(word);
		push(place, value, carried_by(place, order), pc);
		if (is_traced)
			trace_event(word, pc, "%s %lld", store_names[order], (long long)value);
	}
	*word = value;
	if (is_live && order == SEQ_CST)
		memory_fence(SEQ_CST, pc);
}

/* The second half of a read-modify-write: @place's newest store was taken. */
static void replace(struct place *place, int64_t value, enum order order, const void *pc)
{
	const struct view *before = place->stores[place->count - 1].carried;
	const struct view *carried = carried_by(place, order);

	if (before && before != carried) {
		struct view *both = memory_keep(sizeof(*both));

		copy(both, before);
		if (carried)
			memory_join(both, carried);
		carried = both;
	}
	push(place, value, carried, pc);
	*place->word = value;
}

int64_t memory_modify(int64_t *word, int64_t operand, int64_t (*make)(int64_t, int64_t),
		      enum order order, const void *pc)
{
	int64_t before = *word;
	struct place *place;

	if (!is_live) {
		*word = make(before, operand);
		return before;
	}
	visit(STEP_STORE, word, pc);
	place = place_of(word);
	before = *word;
	take(place, place->count - 1u, order);
	replace(place, make(before, operand), order, pc);
	if (is_traced)
		trace_event(word, pc, "%s %lld -> %lld", modify_names[order], (long long)before,
			    (long long)*word);
	return before;
}

/* Which store a compare-and-swap reads: an older one only if it fails by it. */
static uint32_t compared(const struct place *place, int64_t expected)
{
	uint32_t newest = place->count - 1u, first = oldest(self, place), others = 0, which;

	for (uint32_t i = first; i < newest; i++)
		others += place->stores[i].value != expected;
	which = others ? search_read(others + 1) : 0;
	for (uint32_t i = newest; which; which--)
		do
			newest = --i;
		while (place->stores[i].value == expected);
	return newest;
}

bool memory_compare(int64_t *word, int64_t *expected, int64_t value, enum order order,
		    const void *pc)
{
	struct place *place;
	uint32_t index;

	if (!is_live) {
		bool same = *word == *expected;

		if (same)
			*word = value;
		else
			*expected = *word;
		return same;
	}
	visit(STEP_STORE, word, pc);
	place = place_of(word);
	index = compared(place, *expected);
	take(place, index, order == RELEASE ? RELAXED : order);
	remember(place, index);
	if (place->stores[index].value != *expected) {
		*expected = place->stores[index].value;
		tell_load(place, index, pc, "compare-and-swap fails:");
		return false;
	}
	replace(place, value, order, pc);
	if (is_traced)
		trace_event(word, pc, "%s %lld -> %lld", modify_names[order], (long long)*expected,
			    (long long)value);
	return true;
}

/* A sequentially consistent one, by any thread. */
static void fence(struct fibre *f)
{
	memory_join(&f->now, &f->pool);
	memset(fenced.clock, 0, sizeof(fenced.clock));
	memory_join(&f->now, &fenced);
	copy(&fenced, &f->now);
	f->let_go = keep_view(&f->now);
	f->now.clock[f->id]++;
}

void memory_fence(enum order order, const void *pc)
{
	if (!is_live)
		return;
	if (order == SEQ_CST) {
		fibre_visit(STEP_FENCE, NULL, pc);
		fence(self);
	} else {
		if (has_acquire(order))
			memory_join(&self->now, &self->pool);
		if (has_release(order)) {
			self->let_go = keep_view(&self->now);
			self->now.clock[self->id]++;
		}
	}
	if (is_traced)
		trace_event(NULL, pc, "fence%s",
			    order == SEQ_CST   ? ""
			    : order == ACQUIRE ? " acquire"
			    : order == RELEASE ? " release"
					       : " acq_rel");
}

void memory_barrier(const void *pc)
{
	if (!is_live)
		return;
	fibre_visit(STEP_BARRIER, NULL, pc);
	fence(self);
	for (int i = 0; i < fibre_count; i++)
		/* Those that have ended, too: they were switched away from for good. */
		if (&fibres[i] != self)
			fence(&fibres[i]);
	fence(self);
	if (is_traced)
		trace_event(NULL, pc, "membarrier: a fence in every thread");
}

bool memory_is_news(const struct fibre *f)
{
	if (f->spins_on_it)
		return f->last_load.index + 1u < f->last_load.place->count;
	for (int i = 0; i < f->looks; i++)
		if (f->look[i].index + 1u < f->look[i].place->count)
			return true;
	return false;
}

static bool is_same(const struct fibre *f, const struct glance *a, const struct glance *b)
{
	const struct store *stores = a->place->stores;

	if (a->place != b->place)
		return false;
	return a->index == b->index ||
	       (stores[a->index].writer == f->id && stores[b->index].writer == f->id);
}

/* Looking again with nothing new seen is what the thread did before: not worth another path. */
void memory_end_look(struct fibre *f)
{
	bool same = f->looks && f->looks == f->last_looks && f->locks_news == f->last_locks_news;

	for (int i = 0; same && i < f->looks; i++)
		same = is_same(f, &f->look[i], &f->last_look[i]);
	if (same && memory_is_news(f) && !system_is_news(f))
		search_cut();
	f->last_locks_news = f->locks_news;
	memcpy(f->last_look, f->look, sizeof(f->look[0]) * (size_t)f->looks);
	f->last_looks = f->looks;
}
