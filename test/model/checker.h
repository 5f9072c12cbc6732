/* SPDX-License-Identifier: MIT */
#ifndef MODEL_CHECKER_H
#define MODEL_CHECKER_H

/* What the files of the checker know of each other. */

#include <setjmp.h>
#include <stdarg.h>
#include <ucontext.h>

#include "model.h"

enum {
	FIBRES_MAX = 8,
	PLACES_MAX = 384, /* words that are accessed atomically */
	LOOK_MAX = 64,
	SPINS_MAX = 1000, /* more than any loop of the library looks before it gives up */
	STACK_BYTES = 128 * 1024,
};

enum order { RELAXED, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST };

/**
 * struct view - what somebody knows
 * @clock: how far the knower has seen each thread get: happens before
 * @count: of @seen that are in use
 * @seen:  the oldest store to each place that it may still read
 */
struct view {
	uint32_t clock[FIBRES_MAX];
	uint32_t count;
	uint16_t seen[PLACES_MAX];
};

/* What a thread is about to do, where others might do something first. */
enum step {
	STEP_NONE,
	STEP_LOAD,
	STEP_STORE, /* and read-modify-write */
	STEP_FENCE,
	STEP_BARRIER, /* membarrier(2): everybody's business */
	STEP_LOCK,
	STEP_SYSTEM, /* a call that is about the word at its address */
	STEP_CLOCK,
	STEP_YIELD,
};

enum fibre_state { READY, LOCKING, SLEEPING, SIGNALLED, AWAITING, POLLING, JOINING, ENDED };

/* A load of a look: which store it saw. */
struct glance {
	struct place *place;
	uint32_t index;
};

struct fibre {
	int id;
	char name[32];
	void *(*body)(void *);
	void *argument;
	void *result;
	enum fibre_state state;
	const void *blocked_on;
	bool timed; /* sleeps until a time that may come */
	bool timed_out;
	bool started;

	struct {
		enum step step;
		uintptr_t at;
	} pending;

	struct view now;           /* what it knows */
	struct view pool;          /* what an acquire fence would tell it */
	const struct view *let_go; /* what it knew at the last release fence */

	struct glance look[LOOK_MAX], last_look[LOOK_MAX];
	int looks, last_looks;
	struct glance last_load;
	bool spins_on_it;    /* waits for a newer store than that one */
	uint32_t locks_seen; /* in this look: a bit each, and the sum of what was new under them */
	uint64_t locks_news, last_locks_news;
	bool wrote; /* plainly, since it last took a lock */
	bool look_at_clock;
	uint32_t spins; /* loads of the same store in a row */
	const void *pc; /* of what it does, or waits in */

	jmp_buf where;
	ucontext_t context;
	char *stack;
	char *tls;
};

/* fibre.c: threads, of which one runs at a time. */
extern struct fibre fibres[FIBRES_MAX];
extern int fibre_count;
extern struct fibre *self;
extern bool is_live; /* between model_go() and model_end() */

struct fibre *fibre_make(const char *name, void *(*body)(void *), void *argument);
/* Runs @body as the first fibre until it ends, or somebody calls fibre_leave(). */
void fibre_run(void (*body)(void));
/* Ends the execution at once. */
__attribute__((noreturn)) void fibre_leave(void);
/* About to do that: lets the search choose who comes first. */
void fibre_visit(enum step step, const void *at, const void *pc);
/* Not before its state has changed back, by whomever. */
void fibre_block(enum fibre_state state, const void *on, const void *pc);
bool fibre_is_enabled(const struct fibre *f);
bool fibre_owns(uintptr_t address);
/* Creates a thread: what the maker knows it knows. */
void fibre_inherit(struct fibre *child);

/* memory.c: stores, views and fences. */
struct place;
void memory_reset(void);
/* As the kernel reads it, in a system call about it. */
int64_t memory_peek(int64_t *word, const void *pc);
int64_t memory_load(int64_t *word, enum order order, const void *pc);
void memory_store(int64_t *word, int64_t value, enum order order, const void *pc);
/* Stores what @make makes of the newest value and @operand; returns what was there. */
int64_t memory_modify(int64_t *word, int64_t operand, int64_t (*make)(int64_t, int64_t),
		      enum order order, const void *pc);
bool memory_compare(int64_t *word, int64_t *expected, int64_t value, enum order order,
		    const void *pc);
void memory_fence(enum order order, const void *pc);
void memory_barrier(const void *pc);
void memory_join(struct view *to, const struct view *from);
/* Copies what the caller knows, for somebody else to join: its own time goes on. */
void memory_let_go(struct view *to);
bool memory_is_news(const struct fibre *f);
void memory_end_look(struct fibre *f);
/* For so long as the execution lasts. */
void *memory_keep(size_t bytes);

/* race.c: plain accesses, and what was freed. */
enum { RACE_READ = 0, RACE_WRITE = 1, RACE_ATOMIC = 2, RACE_FREE = 4 };
void race_reset(void);
void race_access(uintptr_t at, size_t bytes, unsigned int kind, const void *pc);
struct place **race_place(uintptr_t at);

/* heap.c: memory that is never used twice. */
void heap_reset(void);
void *heap_take(size_t bytes, size_t align);
void heap_give(void *block, const void *pc);
/* Blocks that nobody has freed. */
int heap_left(void);

/* system.c */
void system_reset(void);
/* Under a lock that @f took in its look somebody has changed something since. */
bool system_is_news(const struct fibre *f);
/* Nobody can go on: does time, if it passes? */
bool system_pass_time(void);

/* search.c: which way to go. */
enum verdict { FINE, FAILED, CUT };
int search_thread(uint32_t enabled, uint32_t staying);
unsigned int search_read(unsigned int n);
unsigned int search_choose(unsigned int n);
/* Nothing new would come of this one. */
__attribute__((noreturn)) void search_cut(void);
/* The word at @at is somebody else's business too: a step that others may come before. */
bool search_is_shared(const void *at, int who, bool writes);
bool search_is_exhaustive(void);
/* The execution failed. It is run once more for its trace. */
__attribute__((noreturn, format(printf, 1, 2))) void search_fail(const char *format, ...);

struct search_bounds {
	int delays;
	int stale;
	uint64_t most; /* executions; 0: no limit */
	uint64_t seed; /* 0: exhaustive within the bounds */
};

struct search_result {
	uint64_t executions;
	uint64_t cut;
	uint64_t steps;
	bool failed;
	bool complete;
};

struct search_result search_run(void (*body)(void), const struct search_bounds *bounds);

/* trace.c: what happened, for people. */
extern bool is_traced;
void trace_reset(void);
__attribute__((format(printf, 3, 4))) void trace_event(const void *at, const void *pc,
						       const char *format, ...);
void trace_print(const char *why);
/* A failure that is wanted. */
void trace_silence(bool silent);

#endif
