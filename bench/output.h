/* SPDX-License-Identifier: MIT */
#ifndef BENCH_OUTPUT_H
#define BENCH_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/**
 * output_open() - a file that is written for programs
 * @name: "-": standard output, which is the file's alone from now on: what is printed for
 *	  people goes to standard error. NULL: none, and *@file is NULL
 *
 * Return: STATUS_NONE: go on. Else all is said, and it is the exit status.
 */
int output_open(const char *name, FILE **file);

/** output_close() - NULL is fine. Return: was all of it written? If not, that is said */
bool output_close(const char *name, FILE *file);

#endif
