/* SPDX-License-Identifier: MIT */
/* With it the headers would turn mmap() into mmap64(), and both are defined below. */
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "system.h"

/* As <linux/mempolicy.h> has them; libnuma's headers would declare what is defined here. */
#define MPOL_PREFERRED  1
#define MPOL_BIND       2
#define MPOL_INTERLEAVE 3
#define MPOL_MF_STRICT  1
#define MPOL_MF_MOVE    2

/* Pieces from here on are looked at: a ring of the tests' is one, a line is not. */
#define LARGE (64 * 1024)

struct faults faults;
struct seen seen;

void faults_reset(void)
{
	memset(&faults, 0, sizeof(faults));
	memset(&seen, 0, sizeof(seen));
}

/* The function that would have been called. Through an object, as ISO C wants it. */
static void next(const char *name, void *function)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	memcpy(function, &symbol, sizeof(symbol));
}

/* How many of the pages of a range are there. */
static size_t present(void *base, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i, count = 0;
	unsigned char in[4096];

	if (bytes / page > sizeof(in) || mincore(base, bytes, in) < 0)
		return 0;
	for (i = 0; i < bytes / page; i++)
		count += in[i] & 1;
	return count;
}

static int64_t pages_of(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (int64_t)((bytes + page - 1) / page);
}

static int fail(int error)
{
	errno = error;
	return -1;
}

int numa_available(void);
int numa_available(void)
{
	int (*real)(void);

	next("numa_available", &real);
	return faults.no_numa || !real ? -1 : real();
}

static void look(void *base, unsigned long bytes, int mode, const unsigned long *mask,
		 unsigned long maxnode, unsigned flags)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	/* Of the lines there are many. */
	if (bytes < LARGE)
		return;
	seen.interleaves += mode == MPOL_INTERLEAVE;
	seen.maxnode = maxnode;
	for (seen.node = 0; seen.node + 1 < maxnode; seen.node++)
		if (mask[seen.node / 64] >> seen.node % 64 & 1)
			break;
	if ((uintptr_t)base % page)
		seen.unaligned = true;
	if (mode == MPOL_PREFERRED) {
		seen.prefers++;
		seen.touched_before |= present(base, bytes) > 0;
	} else if (mode == MPOL_BIND) {
		seen.binds++;
		seen.strict_move |= flags == (MPOL_MF_MOVE | MPOL_MF_STRICT);
		seen.untouched_bind |= present(base, bytes) < bytes / page;
	}
}

long mbind(void *base, unsigned long bytes, int mode, const unsigned long *mask,
	   unsigned long maxnode, unsigned flags);
long mbind(void *base, unsigned long bytes, int mode, const unsigned long *mask,
	   unsigned long maxnode, unsigned flags)
{
	look(base, bytes, mode, mask, maxnode, flags);
	if (faults.mbind)
		return fail(faults.mbind);
	if (faults.bind && mode == MPOL_BIND)
		return fail(faults.bind);
	return syscall(SYS_mbind, base, bytes, mode, mask, maxnode, flags);
}

long move_pages(int pid, unsigned long count, void **pages, const int *nodes, int *status,
		int flags);
long move_pages(int pid, unsigned long count, void **pages, const int *nodes, int *status,
		int flags)
{
	unsigned long i;

	if (faults.move_pages)
		return fail(faults.move_pages);
	if (!faults.tell)
		return syscall(SYS_move_pages, pid, count, pages, nodes, status, flags);
	for (i = 0; i < count; i++)
		status[i] = faults.page_status + (faults.spread ? (int)(i % 2) : 0);
	return 0;
}

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	if (faults.setaffinity)
		return fail(faults.setaffinity);
	return (int)syscall(SYS_sched_setaffinity, pid, size, set);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	next("pthread_create", &real);
	if (faults.thread_failing && --faults.thread_failing == 0) {
		/* As glibc does, where it finds no room for a stack. */
		errno = ENOMEM;
		return EAGAIN;
	}
	return real(thread, attr, run, arg);
}

void *mmap(void *base, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	if (faults.mmap_failing && bytes >= faults.mmap_failing) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (flags & MAP_HUGETLB) {
		seen.pools++;
		if (faults.pool)
			flags &= ~(MAP_HUGETLB | MAP_HUGE_MASK << MAP_HUGE_SHIFT);
	}
	if (!(flags & MAP_STACK))
		seen.mapped += pages_of(bytes);
	return (void *)syscall(SYS_mmap, base, bytes, protection, flags, fd, offset);
}

void *mmap64(void *base, size_t bytes, int protection, int flags, int fd, off64_t offset)
	__attribute__((alias("mmap")));

int munmap(void *base, size_t bytes)
{
	seen.mapped -= pages_of(bytes);
	return (int)syscall(SYS_munmap, base, bytes);
}

int madvise(void *base, size_t bytes, int advice)
{
	if (advice == MADV_POPULATE_WRITE && faults.populate && bytes >= LARGE)
		return fail(faults.populate);
	return (int)syscall(SYS_madvise, base, bytes, advice);
}

int mlock(const void *base, size_t bytes)
{
	if (faults.mlock)
		return fail(faults.mlock);
	return (int)syscall(SYS_mlock, base, bytes);
}

ssize_t read(int fd, void *data, size_t bytes)
{
	if (bytes == 1) {
		seen.zeroes++;
		if (faults.zero)
			return fail(faults.zero);
	}
	return syscall(SYS_read, fd, data, bytes);
}

/* The library calls it for membarrier(2), getcpu(2) and gettid(2); so do we, above. */
long syscall(long number, ...)
{
	long (*real)(long, ...);
	long a[6];
	va_list arguments;

	next("syscall", &real);
	va_start(arguments, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(arguments, long);
	va_end(arguments);
	if (number == SYS_membarrier && faults.membarrier)
		return fail(faults.membarrier);
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
