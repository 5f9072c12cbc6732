/* SPDX-License-Identifier: MIT */
/*
 * The system, modelled: mutexes, threads, futexes, membarrier(2), eventfds, time.
 *
 * A system call about a futex or an eventfd takes a lock of the kernel's, so it
 * synchronises with those about the same one before it, and with nothing else.
 * Time stands still unless a scenario lets it pass (model_let_time_pass()), and
 * then it jumps, once; or unless nobody can go on without it.
 */
#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "checker.h"
#include "system.h"

#define PC __builtin_return_address(0)

enum { LOCKS_MAX = 32, FILES_MAX = 8, FIRST_FD = 100, HOUR = 3600 };

/* A mutex, or the kernel's lock of a futex. */
struct lock {
	const void *at;
	int owner; /* -1: free */
	bool is_alive;
	uint32_t changes;          /* of what is under it */
	uint32_t seen[FIBRES_MAX]; /* of these, when that thread last had it */
	struct view view;
};

static struct lock locks[LOCKS_MAX];
static int lock_count;

static struct file {
	bool is_open;
	int64_t count;
	struct view view;
} files[FILES_MAX];

static int64_t seconds;
static bool has_membarrier, may_time_pass;

void system_reset(void)
{
	lock_count = 0;
	memset(files, 0, sizeof(files));
	seconds = 1000;
	has_membarrier = true;
	may_time_pass = false;
}

void model_allow_membarrier(bool allowed)
{
	has_membarrier = allowed;
}

void model_let_time_pass(bool may)
{
	may_time_pass = may;
}

static bool is_past(const struct timespec *time)
{
	return time->tv_sec < seconds || (time->tv_sec == seconds && time->tv_nsec == 0);
}

static struct lock *lock_of(const void *at)
{
	struct lock *lock;

	for (lock = locks; lock < locks + lock_count; lock++)
		if (lock->at == at)
			return lock;
	if (lock_count++ == LOCKS_MAX)
		search_fail("more than %d locks", LOCKS_MAX);
	lock->at = at;
	lock->owner = -1;
	lock->is_alive = false;
	lock->view.count = 0;
	lock->changes = 0;
	memset(lock->seen, 0, sizeof(lock->seen));
	memset(lock->view.clock, 0, sizeof(lock->view.clock));
	return lock;
}

static void wake(enum fibre_state state, const void *at)
{
	for (int i = 0; i < fibre_count; i++)
		if (fibres[i].state == state && fibres[i].blocked_on == at)
			fibres[i].state = READY;
}

/* Both ways: what was known before is known after. */
static void synchronise(struct view *view)
{
	memory_join(&self->now, view);
	memory_let_go(view);
}

void system_fence(void)
{
	memory_fence(SEQ_CST, PC);
}

int system_mutex_init(pthread_mutex_t *mutex)
{
	struct lock *lock = lock_of(mutex);

	lock->is_alive = true;
	lock->owner = -1;
	return 0;
}

int system_mutex_destroy(pthread_mutex_t *mutex)
{
	struct lock *lock = lock_of(mutex);

	if (!lock->is_alive || lock->owner >= 0)
		search_fail("a mutex is destroyed that is not there, or locked");
	lock->is_alive = false;
	return 0;
}

static void acquire(struct lock *lock, const void *pc)
{
	while (lock->owner >= 0) {
		if (lock->owner == self->id)
			search_fail("locked twice by %s", self->name);
		fibre_block(LOCKING, lock->at, pc);
	}
	lock->owner = self->id;
	memory_join(&self->now, &lock->view);
	/* Of several times in one look the first counts. */
	if (!(self->locks_seen & 1u << (lock - locks))) {
		self->locks_seen |= 1u << (lock - locks);
		lock->seen[self->id] = lock->changes;
		self->locks_news += lock->changes;
	}
	self->wrote = false;
	if (is_live && is_traced)
		trace_event(lock->at, pc, "lock");
}

int system_mutex_lock(pthread_mutex_t *mutex, bool is_explored)
{
	struct lock *lock = lock_of(mutex);

	race_access((uintptr_t)mutex, 8, RACE_ATOMIC | RACE_WRITE, PC);
	if (!lock->is_alive)
		search_fail("lock of a mutex that is not there");
	if (is_live && is_explored && search_is_shared(mutex, self->id, true))
		fibre_visit(STEP_LOCK, mutex, PC);
	acquire(lock, PC);
	return 0;
}

static void release(struct lock *lock, const void *pc)
{
	if (lock->owner != self->id)
		search_fail("unlock of a mutex that somebody else has");
	lock->owner = -1;
	if (self->wrote) {
		lock->seen[self->id] += lock->seen[self->id] == lock->changes;
		lock->changes++;
	}
	memory_let_go(&lock->view);
	wake(LOCKING, lock->at);
	if (is_live && is_traced)
		trace_event(lock->at, pc, "unlock");
}

int system_mutex_unlock(pthread_mutex_t *mutex)
{
	release(lock_of(mutex), PC);
	return 0;
}

int system_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
	struct lock *lock = lock_of(mutex);

	if (until && is_past(until))
		return ETIMEDOUT;
	release(lock, PC);
	self->timed = until != NULL;
	self->timed_out = false;
	fibre_block(SIGNALLED, cond, PC);
	self->timed = false;
	acquire(lock, PC);
	return self->timed_out ? ETIMEDOUT : 0;
}

int system_cond_broadcast(pthread_cond_t *cond)
{
	wake(SIGNALLED, cond);
	return 0;
}

int system_thread_create(pthread_t *thread, void *(*body)(void *), void *argument)
{
	struct fibre *f = fibre_make("thread", body, argument);

	fibre_inherit(f);
	*thread = (pthread_t)(f->id + 1);
	return 0;
}

int system_thread_join(pthread_t thread)
{
	struct fibre *f = &fibres[thread - 1];

	if (f->state != ENDED)
		fibre_block(JOINING, f, PC);
	memory_join(&self->now, &f->now);
	return 0;
}

pthread_t system_thread_self(void)
{
	return (pthread_t)(self->id + 1);
}

int system_thread_name(const char *name)
{
	snprintf(self->name, sizeof(self->name), "%s", name);
	return 0;
}

int model_thread(const char *name, void (*body)(void *), void *argument)
{
	/* Nobody looks at what it returns. */
	struct fibre *f = fibre_make(name, (void *(*)(void *))(uintptr_t)body, argument);

	fibre_inherit(f);
	return f->id;
}

void model_join(int thread)
{
	system_thread_join((pthread_t)(thread + 1));
}

void model_go(void)
{
	for (int i = 1; i < fibre_count; i++) {
		memory_join(&fibres[0].now, &fibres[i].now);
		fibres[i].now.clock[i]++;
	}
	for (int i = 1; i < fibre_count; i++)
		memory_join(&fibres[i].now, &fibres[0].now);
	fibres[0].now.clock[0]++;
	is_live = true;
}

void model_end(void)
{
	is_live = false;
}

unsigned int model_choose(unsigned int n)
{
	return search_choose(n);
}

void model_await(void)
{
	if (!is_live)
		return;
	memory_end_look(self);
	if (memory_is_news(self) || system_is_news(self))
		fibre_visit(STEP_YIELD, NULL, PC);
	else
		fibre_block(AWAITING, NULL, PC);
	self->looks = 0;
	self->locks_seen = 0;
	self->locks_news = 0;
	self->look_at_clock = false;
}

bool system_is_news(const struct fibre *f)
{
	for (int i = 0; i < lock_count; i++)
		if (f->locks_seen & 1u << i && locks[i].seen[f->id] < locks[i].changes &&
		    !f->spins_on_it)
			return true;
	return false;
}

/* The halves of a futex's word: only the lower one is looked at, and it is all of it here. */
static int64_t *word_of(const void *futex)
{
	return (int64_t *)((uintptr_t)futex & ~(uintptr_t)7);
}

static long futex_wait(const void *futex, uint32_t ticket, const struct timespec *until)
{
	struct lock *lock = lock_of(word_of(futex));

	if (is_live)
		fibre_visit(STEP_SYSTEM, word_of(futex), PC);
	synchronise(&lock->view);
	if ((uint32_t)memory_peek(word_of(futex), PC) != ticket) {
		errno = EAGAIN;
		return -1;
	}
	if (is_live && is_traced)
		trace_event(word_of(futex), PC, "sleeps");
	if (until && is_past(until))
		return -1;
	self->timed = until != NULL;
	self->timed_out = false;
	fibre_block(SLEEPING, lock->at, PC);
	self->timed = false;
	memory_join(&self->now, &lock->view);
	if (is_live && is_traced)
		trace_event(word_of(futex), PC, self->timed_out ? "too late" : "wakes up");
	errno = ETIMEDOUT;
	return self->timed_out ? -1 : 0;
}

static long futex_wake(const void *futex)
{
	struct lock *lock = lock_of(word_of(futex));

	if (is_live)
		fibre_visit(STEP_SYSTEM, word_of(futex), PC);
	synchronise(&lock->view);
	wake(SLEEPING, lock->at);
	if (is_live && is_traced)
		trace_event(word_of(futex), PC, "wakes all who sleep there");
	return 0;
}

static long membarrier(int command)
{
	if (!has_membarrier) {
		errno = EPERM;
		return -1;
	}
	if (command == MEMBARRIER_CMD_PRIVATE_EXPEDITED)
		memory_barrier(PC);
	return 0;
}

long system_call(long number, ...)
{
	va_list arguments;
	const void *futex;
	int command;
	uint32_t value;
	long result = 0;

	va_start(arguments, number);
	if (number == SYS_membarrier) {
		result = membarrier(va_arg(arguments, int));
	} else if (number == SYS_futex) {
		futex = va_arg(arguments, const void *);
		command = va_arg(arguments, int);
		value = va_arg(arguments, uint32_t);
		if ((command & FUTEX_CMD_MASK) == FUTEX_WAKE)
			result = futex_wake(futex);
		else
			result = futex_wait(futex, value,
					    va_arg(arguments, const struct timespec *));
	} else if (number == SYS_gettid) {
		result = self->id + 1;
	} else {
		search_fail("system call %ld is not modelled", number);
	}
	va_end(arguments);
	return result;
}

static struct file *file_of(int fd)
{
	struct file *file = &files[fd - FIRST_FD];

	if (fd < FIRST_FD || fd >= FIRST_FD + FILES_MAX || !file->is_open)
		search_fail("descriptor %d is not open", fd);
	return file;
}

int system_eventfd(unsigned int count)
{
	int i;

	for (i = 0; i < FILES_MAX && files[i].is_open; i++)
		;
	if (i == FILES_MAX)
		search_fail("more than %d descriptors", FILES_MAX);
	files[i].is_open = true;
	files[i].count = count;
	return FIRST_FD + i;
}

ssize_t system_read(int fd, void *buffer, size_t bytes)
{
	struct file *file = file_of(fd);

	if (is_live)
		fibre_visit(STEP_SYSTEM, file, PC);
	synchronise(&file->view);
	if (is_live && is_traced)
		trace_event(file, PC, "eventfd: read %lld", (long long)file->count);
	if (!file->count) {
		errno = EAGAIN;
		return -1;
	}
	memcpy(buffer, &file->count, bytes);
	file->count = 0;
	return (ssize_t)bytes;
}

ssize_t system_write(int fd, const void *buffer, size_t bytes)
{
	struct file *file = file_of(fd);

	(void)buffer;
	if (is_live)
		fibre_visit(STEP_SYSTEM, file, PC);
	synchronise(&file->view);
	file->count++;
	wake(POLLING, file);
	if (is_live && is_traced)
		trace_event(file, PC, "eventfd: written");
	return (ssize_t)bytes;
}

int system_close(int fd)
{
	file_of(fd)->is_open = false;
	return 0;
}

void model_poll(int fd)
{
	struct file *file = file_of(fd);

	if (is_live)
		fibre_visit(STEP_SYSTEM, file, PC);
	while (!file->count)
		fibre_block(POLLING, file, PC);
	memory_join(&self->now, &file->view);
	if (is_live && is_traced)
		trace_event(file, PC, "eventfd: is readable");
}

int system_clock(struct timespec *now)
{
	self->look_at_clock = true;
	if (is_live && may_time_pass) {
		fibre_visit(STEP_CLOCK, NULL, PC);
		if (may_time_pass && search_choose(2)) {
			may_time_pass = false;
			seconds += HOUR;
		}
	}
	*now = (struct timespec){.tv_sec = seconds};
	return 0;
}

void system_sleep(const struct timespec *until)
{
	(void)until;
	self->look_at_clock = true;
	model_await();
}

bool system_pass_time(void)
{
	bool any = false;

	for (int i = 0; i < fibre_count; i++) {
		struct fibre *f = &fibres[i];
		bool sleeps = (f->state == SLEEPING || f->state == SIGNALLED) && f->timed;

		if (sleeps || (f->state == AWAITING && f->look_at_clock)) {
			f->timed_out = true;
			f->state = READY;
			any = true;
		}
	}
	seconds += any ? HOUR : 0;
	return any;
}

void *system_malloc(size_t bytes)
{
	return heap_take(bytes, 16);
}

void *system_calloc(size_t count, size_t bytes)
{
	return memset(heap_take(count * bytes, 16), 0, count * bytes);
}

void *system_aligned_alloc(size_t align, size_t bytes)
{
	return heap_take(bytes, align);
}

void system_free(void *block)
{
	if (block)
		heap_give(block, PC);
}

void *system_memcpy(void *to, const void *from, size_t bytes)
{
	race_access((uintptr_t)from, bytes, RACE_READ, PC);
	race_access((uintptr_t)to, bytes, RACE_WRITE, PC);
	return memcpy(to, from, bytes);
}

void *system_memset(void *to, int value, size_t bytes)
{
	race_access((uintptr_t)to, bytes, RACE_WRITE, PC);
	return memset(to, value, bytes);
}
