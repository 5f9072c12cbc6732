/* SPDX-License-Identifier: MIT */
/*
 * Threads as fibres: one runs at a time, and hands over only where the search says
 * so. A fibre is begun with ucontext and switched with setjmp, which leaves the
 * signal mask alone and so costs no system call.
 *
 * Thread-local variables of the program are each fibre's own: the block that the
 * linker laid out for them is copied out and in at a switch.
 */
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "checker.h"

struct fibre fibres[FIBRES_MAX];
int fibre_count;
struct fibre *self;
bool is_live;

static jmp_buf outside;
static void (*first_body)(void);

static struct {
	char *at;
	char *initial;
	size_t bytes;
} tls;

static int find_tls(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS) {
			tls.at = info->dlpi_tls_data;
			tls.bytes = info->dlpi_phdr[i].p_memsz;
		}
	/* The program itself comes first. */
	return 1;
}

static void *map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		abort();
	return at;
}

static void prepare(void)
{
	static bool is_prepared;

	if (is_prepared)
		return;
	is_prepared = true;
	dl_iterate_phdr(find_tls, NULL);
	if (tls.bytes) {
		tls.initial = map(tls.bytes);
		memcpy(tls.initial, tls.at, tls.bytes);
	}
	for (int i = 0; i < FIBRES_MAX; i++) {
		fibres[i].stack = map(STACK_BYTES);
		fibres[i].tls = map(tls.bytes + 1);
	}
}

bool fibre_owns(uintptr_t address)
{
	return address - (uintptr_t)self->stack < STACK_BYTES ||
	       address - (uintptr_t)tls.at < tls.bytes || address == (uintptr_t)&errno;
}

static void enter(struct fibre *to)
{
	self = to;
	if (tls.bytes)
		memcpy(tls.at, to->tls, tls.bytes);
	if (to->started)
		_longjmp(to->where, 1);
	to->started = true;
	setcontext(&to->context);
	abort();
}

static void switch_to(struct fibre *to)
{
	struct fibre *from = self;

	if (to == from)
		return;
	if (tls.bytes)
		memcpy(from->tls, tls.at, tls.bytes);
	if (_setjmp(from->where) == 0)
		enter(to);
}

void fibre_leave(void)
{
	_longjmp(outside, 1);
}

bool fibre_is_enabled(const struct fibre *f)
{
	if (f->state == AWAITING)
		return memory_is_news(f) || system_is_news(f);
	return f->state == READY;
}

static void tell_stuck(void)
{
	char text[512] = "";
	size_t length = 0;

	for (int i = 0; i < fibre_count; i++)
		if (fibres[i].state != ENDED) {
			if (is_traced)
				trace_event(fibres[i].blocked_on, fibres[i].pc,
					    "waits for ever (thread %s)", fibres[i].name);
			if (length < sizeof(text) - 40)
				length += (size_t)snprintf(text + length, sizeof(text) - length,
							   " %s", fibres[i].name);
		}
	search_fail("stuck for ever:%s", text);
}

static uint32_t enabled_fibres(void)
{
	uint32_t enabled = 0;

	for (int i = 0; i < fibre_count; i++)
		if (fibre_is_enabled(&fibres[i]))
			enabled |= 1u << i;
	return enabled;
}

/* Those that only seem to wait for a store: it may be that they give up. */
static bool rouse(void)
{
	bool any = false;

	for (int i = 0; i < fibre_count; i++) {
		struct fibre *f = &fibres[i];

		if (f->state == AWAITING && f->spins && f->spins < SPINS_MAX) {
			f->state = READY;
			any = true;
		}
	}
	return any;
}

/* Somebody else's turn, or the caller's. @stays: the caller could go on. */
static void hand_over(bool stays)
{
	uint32_t enabled = enabled_fibres();
	int next;

	while (!enabled) {
		if (!rouse() && !system_pass_time())
			tell_stuck();
		enabled = enabled_fibres();
	}
	if (is_live)
		next = search_thread(enabled, stays ? 1u << self->id : 0);
	else
		next = stays ? self->id : __builtin_ctz(enabled);
	switch_to(&fibres[next]);
}

void fibre_visit(enum step step, const void *at, const void *pc)
{
	self->pending.step = step;
	self->pending.at = (uintptr_t)at;
	self->pc = pc;
	hand_over(step != STEP_YIELD);
}

void fibre_block(enum fibre_state state, const void *on, const void *pc)
{
	self->state = state;
	self->blocked_on = on;
	self->pc = pc;
	self->pending.step = state == LOCKING ? STEP_LOCK
			     : state == SLEEPING || state == SIGNALLED || state == POLLING
				     ? STEP_SYSTEM
				     : STEP_YIELD;
	self->pending.at = (uintptr_t)on;
	hand_over(false);
	self->state = READY;
	self->blocked_on = NULL;
}

static void end_self(void)
{
	self->state = ENDED;
	for (int i = 0; i < fibre_count; i++)
		if (fibres[i].state == JOINING && fibres[i].blocked_on == self) {
			fibres[i].state = READY;
			memory_join(&fibres[i].now, &self->now);
		}
	if (self->id == 0)
		fibre_leave();
	hand_over(false);
	abort();
}

static void begin(void)
{
	self->result = self->body(self->argument);
	end_self();
}

static void *run_first(void *unused)
{
	(void)unused;
	first_body();
	return NULL;
}

struct fibre *fibre_make(const char *name, void *(*body)(void *), void *argument)
{
	struct fibre *f = &fibres[fibre_count];
	char *stack = f->stack, *local = f->tls;

	if (fibre_count == FIBRES_MAX)
		search_fail("more than %d threads", FIBRES_MAX);
	memset(f, 0, offsetof(struct fibre, where));
	f->stack = stack;
	f->tls = local;
	f->id = fibre_count++;
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->body = body;
	f->argument = argument;
	f->state = READY;
	if (tls.bytes)
		memcpy(f->tls, tls.initial, tls.bytes);
	getcontext(&f->context);
	f->context.uc_stack.ss_sp = f->stack;
	f->context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&f->context, begin, 0);
	f->now.clock[f->id] = 1;
	return f;
}

void fibre_inherit(struct fibre *child)
{
	struct view view;

	memory_let_go(&view);
	memory_join(&child->now, &view);
}

void fibre_run(void (*body)(void))
{
	prepare();
	fibre_count = 0;
	is_live = false;
	self = NULL;
	first_body = body;
	fibre_make("main", run_first, NULL);
	if (_setjmp(outside) == 0)
		enter(&fibres[0]);
	if (tls.bytes)
		memcpy(tls.at, tls.initial, tls.bytes);
}
