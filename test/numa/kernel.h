/* SPDX-License-Identifier: MIT */
#ifndef TEST_NUMA_KERNEL_H
#define TEST_NUMA_KERNEL_H

/**
 * What the guest's kernel says, asked by ourselves and not through the library;
 * and its switches, for the guest is ours.
 */

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NODES = 8, CPUS = 8 };

/* A set of small numbers, as "0,2-3" in a file says. */
typedef uint64_t kernel_set;

#define HAS(set, n) ((n) >= 0 && ((set) >> (n)&1))

/* Of the whole machine. -1 where there is no file. */
kernel_set kernel_nodes(const char *which); /* "online", "has_memory", "has_cpu" */
kernel_set kernel_cpus(void);               /* online */
kernel_set kernel_cpus_of(int node);
int kernel_node_of_cpu(int cpu);
int kernel_distance(int from, int to);
long kernel_free_kib(int node);
long kernel_kept_kib(int node); /* of that, for nobody but itself */

/* The lowest of a set; -1: it is empty. */
int kernel_first(kernel_set set);

/*
 * The first node behind @node, round and round, that has both; @node itself if there is no
 * other.
 */
int kernel_next_node(int node);

/* Where pages of 4 KiB are: each one's node, or a negative errno; and where one is. */
void kernel_page_nodes(const void *base, size_t count, int *nodes);
int kernel_page_node(const void *address);

/* Of the page's mapping: a field of smaps in bytes, or -1. */
long kernel_mapping(const void *address, const char *field);

/* Of a thread: the CPU it last ran on; which it may run on; -1: no such thread. */
int kernel_cpu_of_thread(int tid);
kernel_set kernel_allowed(int tid);

/* Of hugetlb pages of 2 MiB on a node: sets how many there are; tells how many it became. */
long kernel_pool(int node, long pages);
void kernel_drain_pools(void); /* of all nodes */
long kernel_pool_free(int node);

/* How many processes the kernel has killed for want of memory. */
long kernel_kills(void);

/* 0 or a negative errno; printf()'s arguments are the path's. */
int kernel_write(const char *text, const char *path, ...) __attribute__((format(printf, 2, 3)));
int kernel_read(char *text, size_t size, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A control group of this name, in which memory, cpusets and huge pages can be limited:
 * makes it if need be. Then, of that group, a file; and the caller moves into it.
 */
int kernel_group(const char *group);
int kernel_limit(const char *group, const char *file, const char *value);
int kernel_enter(const char *group);

/* "0,2-3" for a set. Returns @text. */
const char *kernel_list(kernel_set set, char *text, size_t size);

/* Pins the caller; false: it cannot be. */
bool kernel_pin(int cpu);

#endif
