/* SPDX-License-Identifier: MIT */
#ifndef TEST_PLAIN_H
#define TEST_PLAIN_H

/**
 * The little of Criterion that the unit tests use, for ThreadSanitizer, under
 * which Criterion does not run. A test program is one file, so all of it is here:
 * each case in a child of its own, one after the other, told as TAP.
 *
 *	test_wait [--filter SUITE/PATTERN] [anything else is Criterion's: ignored]
 */

#include <fnmatch.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* An assertion without a message has no argument there, as with Criterion. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif

/* The exit status of a case that was skipped. And everything takes longer. */
enum { PLAIN_SKIPPED = 77, PLAIN_PATIENCE = 4, PLAIN_CASES_MAX = 512 };

struct plain_suite {
	unsigned int timeout;
	void (*fini)(void);
};

struct plain_case {
	const char *suite, *name;
	void (*run)(void);
};

static struct plain_suite plain_suite;
static struct plain_case plain_cases[PLAIN_CASES_MAX];
static int plain_count, plain_now;

#define TestSuite(suite, ...)                                              \
	static void __attribute__((constructor)) plain_begin_##suite(void) \
	{                                                                  \
		plain_suite = (struct plain_suite){__VA_ARGS__};           \
	}                                                                  \
	/* For the semicolon. */                                           \
	extern int plain_suite_##suite

#define Test(suite, name)                                                         \
	static void plain_##suite##_##name(void);                                 \
	static void __attribute__((constructor)) plain_add_##suite##_##name(void) \
	{                                                                         \
		plain_add(#suite, #name, plain_##suite##_##name);                 \
	}                                                                         \
	static void plain_##suite##_##name(void)

static inline void plain_add(const char *suite, const char *name, void (*run)(void))
{
	if (plain_count == PLAIN_CASES_MAX)
		abort();
	plain_cases[plain_count++] = (struct plain_case){suite, name, run};
}

/* Without a look at what is still running, as the process ends with it. */
#define plain_fail(...)                                        \
	do {                                                   \
		fprintf(stderr, "%s:%d:", __FILE__, __LINE__); \
		fprintf(stderr, " " __VA_ARGS__);              \
		fputc('\n', stderr);                           \
		_exit(1);                                      \
	} while (0)

#define cr_assert(condition, ...)                                    \
	do {                                                         \
		if (!(condition)) {                                  \
			fprintf(stderr, "not so: %s\n", #condition); \
			plain_fail(__VA_ARGS__);                     \
		}                                                    \
	} while (0)

#define cr_assert_str_eq(a, b, ...)  cr_assert(strcmp(a, b) == 0, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) cr_assert(strcmp(a, b) != 0, __VA_ARGS__)

#define cr_skip_test(...)                                                                     \
	do {                                                                                  \
		printf("ok %d - %s::%s # SKIP ", plain_now + 1, plain_cases[plain_now].suite, \
		       plain_cases[plain_now].name);                                          \
		printf(__VA_ARGS__);                                                          \
		putchar('\n');                                                                \
		fflush(stdout);                                                               \
		_exit(PLAIN_SKIPPED);                                                         \
	} while (0)

static inline void *plain_nothing(void *argument)
{
	return argument;
}

/* The sanitizer makes a thread of its own with the first one: before any case counts them. */
static inline void plain_warm_up(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, plain_nothing, NULL) == 0)
		pthread_join(thread, NULL);
}

/* The sanitizer has its say when the child exits, and then another status. */
static inline int plain_run(const struct plain_case *c)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		alarm(plain_suite.timeout * PLAIN_PATIENCE);
		plain_warm_up();
		c->run();
		if (plain_suite.fini)
			plain_suite.fini();
		exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline bool plain_is_wanted(const struct plain_case *c, const char *filter)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", c->suite, c->name);
	return !filter || fnmatch(filter, path, 0) == 0;
}

int main(int argc, char **argv)
{
	const char *filter = NULL;
	int failed = 0;

	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--filter") == 0)
			filter = argv[i + 1];
	printf("TAP version 13\n1..%d\n", plain_count);
	for (; plain_now < plain_count; plain_now++) {
		const struct plain_case *c = &plain_cases[plain_now];
		int status = plain_is_wanted(c, filter) ? plain_run(c) : 0;

		failed |= status && status != PLAIN_SKIPPED;
		if (status != PLAIN_SKIPPED)
			printf("%s %d - %s::%s%s\n", status ? "not ok" : "ok", plain_now + 1,
			       c->suite, c->name, status == -14 ? " took too long" : "");
	}
	return failed;
}

#endif
