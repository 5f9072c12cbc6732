/* SPDX-License-Identifier: MIT */
/*
 * LMAX's Disruptor 3.4, in Java: Lmax.java is the other end. One process for the
 * runs of a scenario, on the CPUs that everybody else has, stopped while others
 * run. Its threads are not pinned further, and never real-time: they would keep
 * its own compiler from running.
 *
 * DISRUPTOR_BENCH_JAR names the jar; else it is the one beside the tool, as it was
 * built, or the installed one.
 */
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../course.h"

static struct {
	pid_t pid; /* 0: none */
	int socket;
} java;

/* Makes @path of the first @length bytes of @folder and of @name. */
static bool is_there(const char *folder, int length, const char *name, char *path, size_t size)
{
	int n = snprintf(path, size, "%.*s%s", length, folder, name);

	return n > 0 && (size_t)n < size && access(path, R_OK) == 0;
}

static bool jar_find(char *path, size_t size)
{
	const char *named = getenv("DISRUPTOR_BENCH_JAR");
	char tool[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", tool, sizeof(tool) - 1);

	if (named)
		return is_there(named, INT_MAX, "", path, size);
	if (n > 0) {
		tool[n] = '\0';
		n = strrchr(tool, '/') - tool;
		if (is_there(tool, (int)n, "/lmax.jar", path, size))
			return true;
	}
	return is_there(BENCH_DATADIR, INT_MAX, "/lmax.jar", path, size);
}

static bool on_path(const char *program)
{
	const char *folder = getenv("PATH");

	while (folder && *folder) {
		size_t n = strcspn(folder, ":");
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%.*s/%s", (int)n, folder, program) <
			    (int)sizeof(path) &&
		    access(path, X_OK) == 0)
			return true;
		folder += n + (folder[n] == ':');
	}
	return false;
}

static const char *missing(void)
{
	char jar[PATH_MAX];

	if (!on_path("java"))
		return "there is no java (default-jre-headless)";
	if (access(BENCH_LMAX_JAR, R_OK) != 0)
		return BENCH_LMAX_JAR " is not there (libdisruptor-java)";
	if (!jar_find(jar, sizeof(jar)))
		return "lmax.jar is neither beside the tool nor installed";
	return NULL;
}

static void confine(const struct course *c)
{
	struct sched_param normal = {0};
	cpu_set_t set;
	uint32_t i;

	sched_setscheduler(0, SCHED_OTHER, &normal);
	if (c->cpus[0] < 0)
		return;
	CPU_ZERO(&set);
	for (i = 0; i < c->cpu_count; i++)
		CPU_SET(c->cpus[i], &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/*
 * In MiB: room for the ring, for those of the runs before it, which are collected before a
 * run begins, and for some more, so that nothing is collected while it is on.
 */
static uint64_t heap_of(const struct course *c)
{
	uint64_t event = c->words * 8 + 48;

	return 256 + (3 * c->capacity * event >> 20);
}

/* In the child. It does not outlive the tool, which may end in any way. */
static void become_java(const struct course *c, int socket, const char *classpath, pid_t parent)
{
	char least[32], most[32];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	snprintf(least, sizeof(least), "-Xms%llum", (unsigned long long)heap_of(c));
	snprintf(most, sizeof(most), "-Xmx%llum", (unsigned long long)heap_of(c));
	confine(c);
	dup2(socket, STDIN_FILENO);
	dup2(socket, STDOUT_FILENO);
	execlp("java", "java", least, most, "-XX:+UseSerialGC", "-XX:-UsePerfData",
	       "-XX:+DisplayVMOutputToStderr", "-cp", classpath, "Lmax", (char *)NULL);
	_exit(127);
}

static int open_java(const struct course *c)
{
	char jar[PATH_MAX], classpath[PATH_MAX + sizeof(BENCH_LMAX_JAR) + 1];
	pid_t pid, parent = getpid();
	int ends[2];

	if (!jar_find(jar, sizeof(jar)))
		return -ENOENT;
	snprintf(classpath, sizeof(classpath), "%s:%s", jar, BENCH_LMAX_JAR);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_java(c, ends[1], classpath, parent);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	java.pid = pid;
	java.socket = ends[0];
	return 0;
}

static void close_java(void)
{
	if (!java.pid)
		return;
	kill(java.pid, SIGKILL);
	waitpid(java.pid, NULL, 0);
	close(java.socket);
	java.pid = 0;
}

static int ask(const struct course *c, const char *what)
{
	static const char *const shapes[] = {"line", "multicast", "pipeline", "diamond"};
	char line[256];
	int n = snprintf(line, sizeof(line), "%s %s %u %u %u %d %u %llu %llu %d %llu\n", what,
			 shapes[c->shape], c->words, c->batch, c->producers, c->many, c->capacity,
			 (unsigned long long)c->warmup, (unsigned long long)c->events, c->yield,
			 (unsigned long long)c->interval);

	return send(java.socket, line, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -EPIPE;
}

static int hear(uint64_t *word)
{
	ssize_t n = recv(java.socket, word, sizeof(*word), MSG_WAITALL);

	*word = be64toh(*word);
	return n == (ssize_t)sizeof(*word) ? 0 : -EPIPE;
}

static int hear_runs(struct outcome *outcome)
{
	uint64_t n, ns;
	int err = hear(&n);

	for (; err == 0 && n; n--) {
		err = hear(&ns);
		outcome->runs[outcome->ran++] = (double)clock_ticks_of((double)ns);
	}
	return err;
}

static int hear_trips(struct outcome *outcome)
{
	uint64_t n, ns;
	int err = hear(&n);

	for (; err == 0 && n; n--) {
		err = hear(&ns);
		histogram_add(outcome->trips, (int64_t)clock_ticks_of((double)ns));
	}
	return err;
}

static int hear_outcome(struct outcome *outcome)
{
	uint64_t ns = 0;
	uint32_t i;
	int err = hear(&ns);

	outcome->begun = 0;
	outcome->ended = clock_ticks_of((double)ns);
	if (err == 0)
		err = hear(&outcome->wrong);
	for (i = 0; i < CONSUMERS_MAX && err == 0; i++)
		err = hear(&outcome->sums[i]);
	if (err == 0)
		err = hear_trips(outcome);
	return err < 0 ? err : hear_runs(outcome);
}

/* The process runs only while it is its turn. */
static int run(const struct course *c, struct outcome *outcome, const char *what)
{
	int err = java.pid ? 0 : open_java(c);

	if (err < 0)
		return err;
	kill(java.pid, SIGCONT);
	err = ask(c, what);
	if (err == 0)
		err = hear_outcome(outcome);
	kill(java.pid, SIGSTOP);
	return err;
}

static int stream(const struct course *c, struct outcome *outcome)
{
	return run(c, outcome, "stream");
}

static int pingpong(const struct course *c, struct outcome *outcome)
{
	return run(c, outcome, "pingpong");
}

static int paced(const struct course *c, struct outcome *outcome)
{
	return run(c, outcome, "paced");
}

const struct contender lmax_contender = {
	.name = "LMAX Disruptor 3.4 (Java)",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.shapes = true,
	.missing = missing,
	.close = close_java,
	.paced = paced,
	.sizes = true,
};
