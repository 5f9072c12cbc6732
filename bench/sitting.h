/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SITTING_H
#define BENCH_SITTING_H

/**
 * What all commands that measure do before and after: open the files that are
 * asked for, as nobody wants to learn after minutes that there is no such folder,
 * look at the machine and tell about it; then write all figures.
 */

#include <stdio.h>

#include "environment.h"
#include "options.h"
#include "results.h"

/**
 * struct sitting
 * @results: to which figures are added
 * @warned:  so many of the environment's warnings are printed
 * @page:    writes what --html asks for, of @subject. Return: 0; -EIO
 */
struct sitting {
	const struct command *command;
	const struct options *options;
	struct environment *environment;
	struct results *results;
	FILE *json, *csv, *html;
	uint32_t warned;
	int (*page)(const struct sitting *s, const void *subject);
	const void *subject;
};

/**
 * sitting_begin() - opens files, prints the heading and warnings, calibrates the clock
 *
 * If a file is standard output, all that is printed from now on goes to standard error.
 * Return: STATUS_NONE: go on. Else all is said, and it is the exit status.
 */
int sitting_begin(struct sitting *s, const struct command *command, const struct options *options);

/** sitting_warn() - prints those that have come since the last time */
void sitting_warn(struct sitting *s);

/**
 * sitting_end() - writes the files
 * @err: 0; a negative errno that has been told, and the files stay empty. -ENODEV: this
 *	 machine has not what it takes
 *
 * Return: the exit status.
 */
int sitting_end(struct sitting *s, int err);

/** sitting_failed() - tells who failed and how; 0 is fine. Return: @err */
int sitting_failed(const char *what, const char *who, int err);

#endif
