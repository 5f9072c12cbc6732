/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

enum { SKIPPED = 77, COMPLAINTS = 20, SECONDS = 120 };

static int count, failed;
static int wrong; /* in this case's process */

static void say(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static void say(const char *format, va_list args)
{
	vprintf(format, args);
	printf("\n");
	fflush(stdout);
}

bool tap_check(bool good, const char *file, int line, const char *format, ...)
{
	const char *slash = strrchr(file, '/');
	va_list args;

	if (good || wrong++ >= COMPLAINTS)
		return good;
	printf("# %s:%d: ", slash ? slash + 1 : file, line);
	va_start(args, format);
	say(format, args);
	va_end(args);
	return false;
}

void tap_give_up(void)
{
	exit(1);
}

void tap_skip(const char *format, ...)
{
	va_list args;

	printf("# skipped: ");
	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(SKIPPED);
}

static void run(void (*body)(const void *argument), const void *argument)
{
	/* Whoever waits for what does not come any more. */
	alarm(SECONDS);
	body(argument);
	exit(wrong != 0);
}

void tap_case(void (*body)(const void *argument), const void *argument, const char *format, ...)
{
	char name[256];
	va_list args;
	int status = 1;
	pid_t child;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	fflush(stdout);
	child = fork();
	if (child == 0)
		run(body, argument);
	if (child > 0)
		waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
		printf("ok %d - %s # SKIP not here: the reason is above\n", ++count, name);
		return;
	}
	failed += status != 0;
	printf("%sok %d - %s%s%s\n", status ? "not " : "", ++count, name,
	       WIFSIGNALED(status) ? ": " : "",
	       WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "");
}

int tap_end(void)
{
	printf("1..%d\n", count);
	return failed != 0;
}
