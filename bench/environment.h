/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ENVIRONMENT_H
#define BENCH_ENVIRONMENT_H

/**
 * What a figure depends on beside the program: the machine, its kernel, how both
 * are set up, and how this was built. Part of every result, as without it no two
 * can be put beside each other.
 */

#include <stdint.h>
#include <stdio.h>

struct environment;

/**
 * environment_read() - look
 * @root:  NULL: of this machine. Else a folder with another's "sys" and "proc"
 * @cpus:  those that the threads will have; -1: any
 * @count: of these; 0: all that this process may use
 *
 * What cannot be read is left out. Return: NULL: no memory.
 */
struct environment *environment_read(const char *root, const int *cpus, uint32_t count);

/** environment_print() - for people */
void environment_print(const struct environment *e, FILE *file);

/** environment_write_json() - one object */
void environment_write_json(const struct environment *e, FILE *file);

/** environment_free() - NULL is fine */
void environment_free(struct environment *e);

#endif
