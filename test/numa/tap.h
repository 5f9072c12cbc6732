/* SPDX-License-Identifier: MIT */
#ifndef TEST_NUMA_TAP_H
#define TEST_NUMA_TAP_H

/**
 * Cases, each in a process of its own: one that the kernel kills fails by itself, and what
 * it was told about CPUs, limits and cpusets ends with it. TAP on stdout.
 */

#include <stdbool.h>

/* Says what is wrong and goes on. Returns @good. */
#define check(good, ...) tap_check(good, __FILE__, __LINE__, __VA_ARGS__)

/* Without it there is no going on. */
#define need(good, ...)                                                \
	do {                                                           \
		if (!tap_check(good, __FILE__, __LINE__, __VA_ARGS__)) \
			tap_give_up();                                 \
	} while (0)

bool tap_check(bool good, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void tap_give_up(void) __attribute__((noreturn));

/* This machine has not what the case is about. */
void tap_skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Runs @body in a process of its own. The name is printf()'s. */
void tap_case(void (*body)(const void *argument), const void *argument, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The plan. Returns main()'s answer. */
int tap_end(void);

#endif
