/* SPDX-License-Identifier: MIT */
/*
 * Races. Every 8 bytes that were touched have a record of the last access of each
 * kind by each thread, with the thread's own time; an access that conflicts with
 * one that does not happen before it is a race, whoever came first. Atomic
 * accesses do not race with each other. What was freed stays so.
 */
#include <string.h>

#include "checker.h"

enum { CELLS = 1 << 15, RECORDS = 6 };

struct record {
	const void *pc;
	uint32_t clock;
	uint8_t kind;
	uint8_t who;
	uint8_t bytes; /* a bit each */
};

struct cell {
	uintptr_t at;
	uint32_t execution;
	uint16_t count, room;
	struct record *records;
	struct place *place;
	bool is_freed;
};

static struct cell cells[CELLS];
static uint32_t execution;
static uint32_t used;

void race_reset(void)
{
	execution++;
	used = 0;
}

static struct cell *cell_of(uintptr_t at)
{
	uintptr_t key = at / 8;
	uint32_t i = (uint32_t)(key * 0x9e3779b97f4a7c15u >> 40) % CELLS;

	while (cells[i].execution == execution && cells[i].at != key)
		i = (i + 1) % CELLS;
	if (cells[i].execution != execution) {
		if (++used > CELLS / 2)
			search_fail("more memory than the checker follows");
		cells[i] = (struct cell){.at = key, .execution = execution};
	}
	return &cells[i];
}

struct place **race_place(uintptr_t at)
{
	return &cell_of(at)->place;
}

static const char *name_of(unsigned int kind)
{
	if (kind & RACE_FREE)
		return "free";
	if (kind & RACE_ATOMIC)
		return kind & RACE_WRITE ? "atomic store" : "atomic load";
	return kind & RACE_WRITE ? "write" : "read";
}

static void tell(const struct record *r, uintptr_t at, unsigned int kind, const void *pc)
{
	const char *what = r->kind & RACE_FREE ? "use after free" : "race";

	if (is_traced) {
		trace_event((void *)at, r->pc, "%s: the earlier %s, by %s", what, name_of(r->kind),
			    fibres[r->who].name);
		trace_event((void *)at, pc, "%s: the later %s, by %s", what, name_of(kind),
			    self->name);
	}
	search_fail("%s: %s by %s and %s by %s, and neither happens before the other", what,
		    name_of(r->kind), fibres[r->who].name, name_of(kind), self->name);
}

static bool conflicts(const struct record *r, unsigned int kind, uint8_t bytes)
{
	if (!(r->bytes & bytes))
		return false;
	if (r->kind & RACE_FREE)
		return true;
	if (r->who == self->id || !((r->kind | kind) & RACE_WRITE) ||
	    (r->kind & kind & RACE_ATOMIC))
		return false;
	return r->clock > self->now.clock[r->who];
}

static void note(struct cell *cell, unsigned int kind, uint8_t bytes, const void *pc)
{
	struct record *r,
		new = {pc, self->now.clock[self->id], (uint8_t)kind, (uint8_t)self->id, bytes};

	for (r = cell->records; r < cell->records + cell->count; r++)
		if (r->who == new.who && r->kind == new.kind && r->bytes == new.bytes) {
			*r = new;
			return;
		}
	if (cell->count == cell->room) {
		uint16_t room = cell->room ? 2 * cell->room : RECORDS;
		struct record *records = memory_keep(room * sizeof(*records));

		if (cell->count)
			memcpy(records, cell->records, cell->count * sizeof(*records));
		cell->records = records;
		cell->room = room;
	}
	cell->records[cell->count++] = new;
}

void race_access(uintptr_t at, size_t size, unsigned int kind, const void *pc)
{
	if (!is_live || fibre_owns(at))
		return;
	if (kind == RACE_WRITE)
		self->wrote = true;
	while (size) {
		unsigned int offset = at % 8;
		unsigned int here = size < 8 - offset ? (unsigned int)size : 8 - offset;
		uint8_t bytes = (uint8_t)(((1u << here) - 1) << offset);
		struct cell *cell = cell_of(at);

		for (uint16_t i = 0; i < cell->count; i++)
			if (conflicts(&cell->records[i], kind, bytes))
				tell(&cell->records[i], at, kind, pc);
		note(cell, kind, bytes, pc);
		at += here;
		size -= here;
	}
}
