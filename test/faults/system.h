/* SPDX-License-Identifier: MIT */
#ifndef TEST_FAULTS_SYSTEM_H
#define TEST_FAULTS_SYSTEM_H

/**
 * The system calls that the library makes, with faults to order.
 *
 * system.c defines them in the test program, where they come before the C
 * library's and libnuma's. Each passes through unless a fault is set.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct faults {
	bool no_numa;    /* numa_available() says -1 */
	int mbind;       /* every mbind() fails with this errno */
	int bind;        /* only mbind(MPOL_BIND) does */
	int move_pages;  /* move_pages() fails with this errno */
	int page_status; /* what move_pages() tells of each page, if tell is set */
	bool tell;
	bool spread;         /* that, and the next node's number for every second page */
	int membarrier;      /* membarrier(2) fails with this errno */
	int setaffinity;     /* sched_setaffinity() fails with this errno */
	int thread_failing;  /* the n-th pthread_create() from now fails with EAGAIN; 0: none */
	int populate;        /* madvise(MADV_POPULATE_WRITE) fails with this errno */
	int mlock;           /* mlock() fails with this errno */
	int zero;            /* read() of /dev/zero fails with this errno */
	bool pool;           /* mmap(MAP_HUGETLB) gives what it can: small pages */
	size_t mmap_failing; /* mmap() of at least so many bytes fails with ENOMEM; 0: none */
};

/* What was seen since the last reset. */
struct seen {
	int prefers;         /* mbind(MPOL_PREFERRED), of large pieces; as all that follows */
	int binds;           /* mbind(MPOL_BIND) */
	bool touched_before; /* pages were there already when they were preferred */
	bool unaligned;      /* an address that is no page's */
	bool strict_move;    /* MPOL_BIND came with MPOL_MF_MOVE | MPOL_MF_STRICT */
	bool untouched_bind; /* MPOL_BIND before all pages were there */
	int interleaves;     /* mbind(MPOL_INTERLEAVE) */
	int pools;           /* mmap(MAP_HUGETLB) */
	int zeroes;          /* read() of /dev/zero, a byte each */
	int64_t mapped;      /* mmap() less munmap(), in pages */
	unsigned long node;  /* the mask's lowest bit, last mbind() */
	unsigned long maxnode;
};

extern struct faults faults;
extern struct seen seen;

void faults_reset(void);

#endif
