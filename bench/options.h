/* SPDX-License-Identifier: MIT */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

/**
 * What is asked for on the command line. Options have one name, and one form, in
 * all commands; each command takes those that mean something to it, and may have
 * a few of its own. What -h prints is made of the same tables.
 */

#include "course.h"

enum { ROUNDS_MOST = 1000, OWN_MAX = 4 };

/* How a command ends: the exit status. */
enum status {
	STATUS_NONE = -1, /* go on */
	STATUS_DONE,
	STATUS_FAILED,  /* events got lost, or there was no memory; no figure is to be trusted */
	STATUS_USAGE,   /* not understood; nothing was measured */
	STATUS_REFUSED, /* this machine, or this build, has not what it takes */
};

/**
 * struct own_option - one that only this command has
 * @letter:   its short form
 * @argument: what the help calls its value
 */
struct own_option {
	char letter;
	const char *name;
	const char *argument;
	const char *help;
};

/**
 * struct command - what is told about a command, and what it takes
 * @arguments: what follows the options, for the help; NULL: nothing may
 * @text:      what it does, for somebody who has never used it; lines
 * @examples:  lines, each a command
 * @common:    letters of the common options that it takes: see options.c
 * @own:       the others, the last one without a name; NULL: none
 * @rounds:    unless told otherwise
 * @cpus_most: that can be given; 0: --cpus is none of its options
 */
struct command {
	const char *name;
	const char *arguments;
	const char *text;
	const char *examples;
	const char *common;
	const struct own_option *own;
	uint32_t rounds;
	uint32_t cpus_least;
	uint32_t cpus_most;
};

/**
 * struct options - of all commands
 * @json, @csv, @html: files; "-": standard output; NULL: none
 * @contender: part of the names that are wanted; NULL: all
 * @shrink:    so many times fewer events: 1, or 100 for --quick
 * @cpus:      those given, else the first allowed ones that are not of one core; -1, only at
 *             the first place: there is but one
 * @list:      tell what there is, and measure nothing
 * @own:       values of the command's own options, in the order of its table; NULL: not given
 * @arguments: what follows the options
 */
struct options {
	const char *json, *csv, *html;
	const char *contender;
	uint32_t rounds;
	uint32_t shrink;
	int cpus[CPUS_MAX];
	uint32_t cpu_count;
	bool list;
	const char *own[OWN_MAX];
	char **arguments;
	uint32_t argument_count;
};

/**
 * options_parse() - @argv[0] is the command
 *
 * Return: STATUS_NONE: go on. Else all is said, and it is the exit status: help was asked
 * for, or something is wrong.
 */
int options_parse(const struct command *command, int argc, char **argv, struct options *o);

/** options_wanted() - does @name have the part that --contender asks for? */
bool options_wanted(const struct options *o, const char *name);

/** options_number() - a whole decimal number up to @most. Return: is it one? */
bool options_number(const char *text, uint64_t most, uint64_t *number);

/** complain() - a sentence on standard error. Return: STATUS_USAGE */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
