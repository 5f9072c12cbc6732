/* SPDX-License-Identifier: MIT */
/*
 * A log pipeline: lines come in, are journaled, parsed and counted, and none is
 * reported that is not safe on disk.
 *
 *	cc pipeline.c $(pkg-config --cflags --libs disruptor)
 *
 *	main --+--> journal -----------------------+--> report
 *	       +--> parse (3 workers) --> enrich --+
 *	                                           +--> tail, while it is wanted
 *
 * The main thread copies each line into an event, once. There it stays, and all
 * stages work on it in place; the slot is free again when the last of them is
 * done. Nobody is pinned: a log is not worth a CPU that spins, and a handler that
 * is not pinned sleeps while there is nothing to do.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* strcasestr */
#endif
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <disruptor/disruptor.h>

enum { RING = 1024, BATCH_MAX = 512, WORKERS = 3, TEXT_MAX = 455, WORD_MAX = 31, COMPONENTS = 64 };

enum level { DEBUG, INFO, WARNING, ERROR, LEVELS };

static const char *const level_names[LEVELS] = {"debug", "info", "warning", "error"};

/*
 * One event: a line with its end, or a piece of a longer one. Stages that run
 * beside each other share it, so each writes to fields of its own and reads those
 * of whom it follows. With the library's 8 bytes it fills eight cache lines.
 */
struct line {
	uint32_t length;
	bool starts, ends; /* a line, here; neither: a piece from its middle */
	struct parsed {    /* by parse, in a piece that starts a line; offsets in @text */
		int time_end, component, component_end;
		enum level level;
	} parsed;
	struct facts {       /* by enrich */
		int64_t id;  /* 1 for the first line */
		int64_t nth; /* 1 for the first line of its component */
		uint32_t component;
		enum level level;
	} facts;
	char text[TEXT_MAX + 1]; /* and a NUL */
};
DSR_EVENT(line, struct line);

static int complain(const char *what, const char *name, int error)
{
	fprintf(stderr, "pipeline: %s %s: %s\n", what, name, strerror(-error));
	return 1;
}

/*
 * The main thread may be asleep over its input when it is wanted. All signals that
 * it waits for are blocked everywhere, so this is but a note to its signalfd.
 */
static void wake_main(void)
{
	kill(getpid(), SIGUSR2);
}

/* Journal */

struct journal {
	int fd;
	uint64_t syncs;
	/* On lines of their own: what other threads look at meanwhile. */
	int64_t durable DSR_ALIGNED(DSR_CACHELINE); /* the last sequence that is on disk */
	int64_t error;
};

static int write_all(int fd, struct iovec *parts, int count)
{
	while (count > 0) {
		ssize_t written = writev(fd, parts, count);

		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		for (; count > 0 && (size_t)written >= parts->iov_len; parts++, count--)
			written -= (ssize_t)parts->iov_len;
		if (count > 0) {
			parts->iov_base = (char *)parts->iov_base + written;
			parts->iov_len -= (size_t)written;
		}
	}
	return 0;
}

/*
 * A batch handler, because the batch is what it pays for: one write, straight from
 * the slots, and one sync for as many lines as have come meanwhile. The slower the
 * disk, the larger the batches; but at most half the ring, so that the other half
 * can fill during the sync.
 */
static int journal_lines(struct dsr_batch *batch, void *state)
{
	struct journal *j = state;
	struct iovec parts[BATCH_MAX];
	struct line *l;
	int count = 0, error;

	while ((l = line_batch_next(batch)))
		parts[count++] = (struct iovec){.iov_base = l->text, .iov_len = l->length};
	error = write_all(j->fd, parts, count);
	if (error < 0)
		return error;
	if (fdatasync(j->fd) < 0)
		return -errno;
	j->syncs++;
	dsr_store_release(&j->durable, dsr_batch_sequence(batch));
	return DSR_CONTINUE;
}

/* Lines that cannot be kept are worth no more work: everybody stops. */
static int journal_failed(void *event, int64_t sequence, int error, void *state)
{
	struct journal *j = state;

	(void)event, (void)sequence;
	dsr_store_release(&j->error, error);
	wake_main();
	return DSR_STOP_ALL;
}

/* Parse */

/* Log files do not say how bad it is: the words do. */
static enum level find_level(const char *text)
{
	if (strcasestr(text, "error") || strcasestr(text, "fail"))
		return ERROR;
	if (strcasestr(text, "warn"))
		return WARNING;
	return strcasestr(text, "debug") ? DEBUG : INFO;
}

/* Where the time ends, where the component begins and ends; a host may be between. */
#define HOST      " %*s"
#define COMPONENT " %n%*[^ :[\n]%n"

/*
 * All that needs nothing but the line itself, so that several can share it. They
 * have no state: what spans the pieces of a line, or lines, is for enrich.
 */
static int parse_line(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct line *l = event;
	const char *text = l->text;
	struct parsed f = {0};

	(void)sequence, (void)end_of_batch, (void)state;
	if (!l->starts)
		return DSR_CONTINUE;
	/* syslog of today, syslog of old, dpkg.log */
	sscanf(text, "%*4u-%*2u-%*2uT%*[0-9:.+Z-]%n" HOST COMPONENT, &f.time_end, &f.component,
	       &f.component_end);
	if (!f.time_end)
		sscanf(text, "%*3[A-Za-z] %*2u %*2u:%*2u:%*2u%n" HOST COMPONENT, &f.time_end,
		       &f.component, &f.component_end);
	if (!f.time_end)
		sscanf(text, "%*4u-%*2u-%*2u %*2u:%*2u:%*2u%n" COMPONENT, &f.time_end, &f.component,
		       &f.component_end);
	if (!f.component_end)
		f.component = 0;
	f.level = find_level(text);
	l->parsed = f; /* every field: an event keeps what it held one lap ago */
	return DSR_CONTINUE;
}

/* Enrich */

struct enrich {
	struct facts facts; /* of the line that goes on */
	uint32_t count;
	struct component {
		char name[WORD_MAX + 1];
		int64_t lines;
	} components[COMPONENTS]; /* the first is for lines without, and for one too many */
};

/* They are few: it looks at one after the other. */
static uint32_t component_number(struct enrich *e, const struct line *l)
{
	char name[WORD_MAX + 1];
	uint32_t i;

	if (l->parsed.component_end == 0)
		return 0;
	snprintf(name, sizeof(name), "%.*s", l->parsed.component_end - l->parsed.component,
		 l->text + l->parsed.component);
	for (i = 1; i < e->count; i++)
		if (strcmp(e->components[i].name, name) == 0)
			return i;
	if (i == COMPONENTS)
		return 0;
	memcpy(e->components[i].name, name, sizeof(name));
	e->count++;
	return i;
}

/* One thread that sees each line in its turn: it numbers and counts without a lock. */
static int enrich_line(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	struct line *l = event;
	struct enrich *e = state;

	(void)sequence, (void)end_of_batch;
	if (l->starts) {
		e->facts.id++;
		e->facts.level = l->parsed.level;
		e->facts.component = component_number(e, l);
		e->facts.nth = ++e->components[e->facts.component].lines;
	}
	l->facts = e->facts;
	return DSR_CONTINUE;
}

/* Report */

struct report {
	bool print;
	int error; /* of standard output */
	const int64_t *durable;
	int64_t lines, bytes, levels[LEVELS], components[COMPONENTS];
	char first[WORD_MAX + 1], last[WORD_MAX + 1]; /* times */
};

static void print_line(const struct line *l)
{
	if (l->starts)
		printf("%" PRId64 " %s %.*s#%" PRId64 ": ", l->facts.id,
		       level_names[l->facts.level], l->parsed.component_end - l->parsed.component,
		       l->text + l->parsed.component, l->facts.nth);
	fwrite(l->text, 1, l->length, stdout);
	if (l->ends && l->text[l->length - 1] != '\n')
		putchar('\n');
}

/* Follows journal and enrich; and parse, because enrich does. */
static int report_line(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	const struct line *l = event;
	struct report *r = state;

	/* One that has ended holds nobody back: if journal has, here are lines it never wrote. */
	if (sequence > dsr_load_acquire(r->durable))
		return DSR_STOP;
	if (r->print)
		print_line(l);
	r->bytes += l->length;
	if (l->starts && l->parsed.time_end > 0) {
		snprintf(r->last, sizeof(r->last), "%.*s", l->parsed.time_end, l->text);
		if (!*r->first)
			memcpy(r->first, r->last, sizeof(r->first));
	}
	if (l->ends) {
		r->lines++;
		r->levels[l->facts.level]++;
		/* Not what enrich has counted by now, which may be ahead of the disk. */
		r->components[l->facts.component] = l->facts.nth;
	}
	if (end_of_batch && r->print && fflush(stdout) != 0)
		r->error = -errno;
	return DSR_CONTINUE;
}

/* Tail: comes while the others run, and goes again */

struct tail {
	const char *word;
	uint64_t events, left, matched;
	bool attached;
	int64_t ended;
};

/* To stderr: standard output is the report's alone. */
static int tail_line(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	const struct line *l = event;
	struct tail *t = state;

	(void)sequence, (void)end_of_batch;
	if (strstr(l->text, t->word)) {
		t->matched++;
		fprintf(stderr, "tail: %" PRId64 " %s: %.*s\n", l->facts.id,
			level_names[l->facts.level], (int)strcspn(l->text, "\n"), l->text);
	}
	/* One that stops holds nobody up any more, be it detached soon or late. */
	return --t->left > 0 ? DSR_CONTINUE : DSR_STOP;
}

static void tail_stop(void *state, int reason)
{
	struct tail *t = state;

	(void)reason;
	/* Before it is told, so that whoever reads that can have the next one. */
	dsr_store_release(&t->ended, 1);
	fprintf(stderr, "tail: ends, %" PRIu64 " of %" PRIu64 " events matched\n", t->matched,
		t->events - t->left);
	wake_main();
}

/* Behind enrich, for its numbers; not behind journal: it need not wait for the disk. */
static void tail_attach(struct tail *t, struct dsr_disruptor *d)
{
	struct dsr_handler handler = {.on_event = tail_line,
				      .on_stop = tail_stop,
				      .state = t,
				      .name = "tail",
				      .after = DSR_AFTER("enrich")};
	int64_t first;

	t->left = t->events;
	t->matched = 0;
	t->ended = 0;
	first = dsr_attach_handler(d, &handler, DSR_FROM_NOW);
	t->attached = first >= 0;
	if (t->attached)
		fprintf(stderr, "tail: begins at event %" PRId64 "\n", first);
	else
		fprintf(stderr, "pipeline: cannot attach: %s\n", dsr_strerror((int)first));
}

/* Input */

struct pipeline {
	struct dsr_disruptor *d;
	struct dsr_producer *producer;
	struct journal journal;
	struct enrich enrich;
	struct report report;
	struct tail tail;
	struct line *open; /* claimed, and being filled */
	bool inside;       /* a line whose first piece is published, and its last is not */
	bool stop;         /* a signal said so */
	int signals;       /* a signalfd */
	uint64_t lines;    /* that were read, whatever became of them */
	uint64_t ring, generate, generated;
	int64_t interval, due; /* ns: between statistics, or DSR_FOREVER; and the next ones */
	const char *path;      /* of the journal */
	char buffer[64 * 1024];
};

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Who looks pays for it, not those who work. */
static void show_statistics(struct pipeline *p)
{
	struct dsr_snapshot *s;
	char text[4096];

	p->due = now_ns() + p->interval;
	if (dsr_snapshot_take(p->d, &s) < 0)
		return;
	dsr_snapshot_text(s, text, sizeof(text));
	dsr_snapshot_free(s);
	fputs(text, stderr);
}

/* Waits while the ring is full, and that is when one wants to see why. NULL: all is over. */
static struct line *claim(struct pipeline *p)
{
	struct line *l;

	while (!(l = line_claim_for(p->producer, p->interval)) &&
	       dsr_claim_error(p->producer) == -ETIMEDOUT)
		show_statistics(p);
	return l;
}

static void publish(struct pipeline *p, bool ends)
{
	p->open->text[p->open->length] = '\0';
	p->open->starts = !p->inside;
	p->open->ends = ends;
	dsr_publish(p->producer);
	p->open = NULL;
	p->inside = !ends;
	p->lines += ends;
}

/*
 * A line that has not ended yet stays in its slot, claimed. A single producer may do
 * that, because nobody comes behind it. Returns false if all is over.
 */
static bool feed_text(struct pipeline *p, const char *text, size_t length)
{
	for (size_t taken; length > 0; text += taken, length -= taken) {
		const char *end;

		/* Not as soon as it is full: its line might end there. */
		if (p->open && p->open->length == TEXT_MAX)
			publish(p, false);
		if (!p->open) {
			p->open = claim(p);
			if (!p->open)
				return false;
			p->open->length = 0;
		}
		taken = TEXT_MAX - p->open->length;
		taken = length < taken ? length : taken;
		end = memchr(text, '\n', taken);
		taken = end ? (size_t)(end + 1 - text) : taken;
		memcpy(p->open->text + p->open->length, text, taken);
		p->open->length += (uint32_t)taken;
		if (end)
			publish(p, true);
	}
	return true;
}

/* Makes up some log. Returns how many bytes; 0: that was all. */
static ssize_t generate(struct pipeline *p)
{
	static const char *const components[] = {"sshd[801]", "cron[77]", "kernel"};
	static const char *const texts[] = {"session opened", "debug: tick",
					    "warning: disk is nearly full", "error: no route"};
	size_t used = 0;

	for (; p->generated < p->generate && used < sizeof(p->buffer) - TEXT_MAX; p->generated++) {
		unsigned int i = (unsigned int)(p->generated % 86400);

		used += (size_t)snprintf(p->buffer + used, TEXT_MAX,
					 "May  1 %02u:%02u:%02u host %s: %s, number %" PRIu64 "\n",
					 i / 3600, i / 60 % 60, i % 60, components[i % 3],
					 texts[i % 4], p->generated);
	}
	return (ssize_t)used;
}

/* A signal of the user's, or a note of a handler's. */
static void answer(struct pipeline *p)
{
	struct signalfd_siginfo got;

	if (read(p->signals, &got, sizeof(got)) < 0)
		return;
	if (got.ssi_signo == SIGINT || got.ssi_signo == SIGTERM)
		p->stop = true;
	if (p->tail.attached && dsr_load_acquire(&p->tail.ended)) {
		/* Joins its thread and frees its name, so that it can come again. */
		dsr_detach(p->d, "tail", DSR_FOREVER);
		p->tail.attached = false;
	}
	if (got.ssi_signo == SIGUSR1 && p->tail.events > 0 && !p->tail.attached)
		tail_attach(&p->tail, p->d);
}

static bool over(const struct pipeline *p)
{
	return p->stop || dsr_load_acquire(&p->journal.error);
}

/* Returns 1 if there is input, 0 if something else has to be looked at, or a negative errno. */
static int await_input(struct pipeline *p, int fd)
{
	struct pollfd awaited[] = {{.fd = p->signals, .events = POLLIN},
				   {.fd = fd, .events = POLLIN}};
	int64_t left = p->due - now_ns();
	int timeout = p->interval == DSR_FOREVER ? -1 : left > 0 ? (int)(left / 1000000) + 1 : 0;

	/* poll() passes over -1, and what is generated is always there. */
	if (poll(awaited, 2, fd < 0 ? 0 : timeout) < 0)
		return errno == EINTR ? 0 : -errno;
	if (awaited[0].revents)
		answer(p);
	if (p->interval != DSR_FOREVER && now_ns() >= p->due)
		show_statistics(p);
	return fd < 0 || awaited[1].revents;
}

/* Until the end of @fd (-1: what is generated), a signal or an error, which it returns. */
static int feed_stream(struct pipeline *p, int fd)
{
	int ready = 0;
	ssize_t got;

	while (ready >= 0 && !over(p)) {
		ready = await_input(p, fd);
		if (ready <= 0 || over(p))
			continue;
		got = fd < 0 ? generate(p) : read(fd, p->buffer, sizeof(p->buffer));
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			ready = -errno;
		if (got == 0 || (got > 0 && !feed_text(p, p->buffer, (size_t)got)))
			break;
	}
	/* The last line has no end, or a signal came in its midst. It was read, so it counts. */
	if (p->open)
		publish(p, true);
	return ready < 0 ? ready : 0;
}

/* Returns 1 if it complained. */
static int feed_file(struct pipeline *p, const char *name)
{
	int fd = strcmp(name, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
					: open(name, O_RDONLY | O_CLOEXEC);
	struct stat from, to;
	int error;

	if (fd < 0)
		return complain("cannot open", name, -errno);
	if (fstat(fd, &from) == 0 && fstat(p->journal.fd, &to) == 0 && from.st_dev == to.st_dev &&
	    from.st_ino == to.st_ino) {
		/* There would be no end to it. */
		fprintf(stderr, "pipeline: %s is the journal itself\n", name);
		close(fd);
		return 1;
	}
	error = feed_stream(p, fd);
	close(fd);
	return error < 0 ? complain("cannot read", name, error) : 0;
}

/* From one end to the other */

/* The graph. Names say who follows whom; journal and parse follow nobody. */
static int start(struct pipeline *p)
{
	const struct dsr_handler journal = {
		.on_batch = journal_lines,
		.on_error = journal_failed,
		.state = &p->journal,
		.name = "journal",
		.max_batch = p->ring / 2 < BATCH_MAX ? (uint32_t)(p->ring + 1) / 2 : BATCH_MAX,
	};
	const struct dsr_handler worker = {.on_event = parse_line};
	const struct dsr_workers parse = {
		.name = "parse",
		.handlers = (const struct dsr_handler[WORKERS]){worker, worker, worker},
		.count = WORKERS,
		.sharing = DSR_SHARE_CLAIM, /* who is free takes one: some lines take longer */
	};
	const struct dsr_handler enrich = {
		.on_event = enrich_line,
		.state = &p->enrich,
		.name = "enrich",
		.after = DSR_AFTER("parse"),
	};
	const struct dsr_handler report = {
		.on_event = report_line,
		.state = &p->report,
		.name = "report",
		.after = DSR_AFTER("journal", "enrich"),
	};
	struct dsr_builder *b = line_build_single_producer(p->ring);

	dsr_handle_events(b, &journal);
	dsr_handle_with_workers(b, &parse);
	dsr_handle_events(b, &enrich);
	dsr_handle_events(b, &report);
	/* These calls need no checks: mistakes stick, and the first is told here. */
	if (dsr_start(b, &p->d) < 0) {
		fprintf(stderr, "pipeline: %s\n", dsr_builder_message(b));
		dsr_builder_destroy(b);
		return -1;
	}
	return 0;
}

/* So that nothing else gets the number of a standard stream that is closed. */
static void keep_standard_streams(void)
{
	int fd;

	while ((fd = open("/", O_PATH | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO)
		;
	close(fd);
}

/* Blocked before there are threads, which inherit that: they come to the main thread only. */
static int open_signals(void)
{
	static const int wanted[] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void summary(const struct pipeline *p)
{
	const struct report *r = &p->report;

	printf("%" PRIu64 " lines read%s, %" PRId64 " journaled and reported: %" PRId64
	       " bytes, %" PRIu64 " syncs\n",
	       p->lines, p->stop ? " until the signal" : "", r->lines, r->bytes, p->journal.syncs);
	if (*r->first)
		printf("from %s to %s\n", r->first, r->last);
	for (int i = 0; i < LEVELS; i++)
		printf("%8" PRId64 " %s\n", r->levels[i], level_names[i]);
	for (uint32_t i = 0; i < p->enrich.count; i++)
		if (r->components[i] > 0)
			printf("%8" PRId64 " %s\n", r->components[i], p->enrich.components[i].name);
}

static int run(struct pipeline *p, char **files)
{
	int failed = 0;

	p->producer = dsr_producer(p->d);
	if (!p->producer)
		failed = complain("cannot", "produce", -ENOMEM);
	/* It would yield and look again; the disk takes longer than that. */
	dsr_producer_set_wait(p->producer, DSR_WAIT_PARK);
	if (p->tail.events > 0)
		tail_attach(&p->tail, p->d);
	p->due = p->interval == DSR_FOREVER ? 0 : now_ns() + p->interval;
	if (p->generate > 0 && !failed)
		feed_stream(p, -1);
	for (; *files && p->producer && !over(p); files++)
		failed |= feed_file(p, *files);
	/* All that was read is journaled and reported now, unless that failed. */
	while (dsr_shutdown(p->d, p->interval) == -ETIMEDOUT)
		show_statistics(p);
	dsr_destroy(p->d);
	if (p->journal.error)
		failed = complain("cannot write", p->path, (int)p->journal.error);
	summary(p);
	if (fflush(stdout) != 0)
		p->report.error = -errno;
	if (p->report.error)
		failed = complain("cannot write", "the report", p->report.error);
	return failed;
}

static int usage(FILE *to)
{
	fputs("usage: pipeline -o JOURNAL [-g LINES] [-i SECONDS] [-p] [-r RING]\n"
	      "                [-t EVENTS [-m WORD]] [FILE | -]...\n"
	      "Appends lines of files or standard input to JOURNAL, and sums up those that are\n"
	      "safe there. SIGINT and SIGTERM end it in order.\n"
	      "  -g LINES    make so many up instead\n"
	      "  -i SECONDS  between statistics, on standard error; 0: none; default: 1\n"
	      "  -p          print the lines, too, with what was found out about them\n"
	      "  -r RING     slots of the ring, a power of two; default: 1024\n"
	      "  -t EVENTS   look at so many, now and after each SIGUSR1, and show\n"
	      "  -m WORD     those with WORD in them; default: all\n",
	      to);
	return to == stdout ? 0 : 2;
}

static bool parse_number(const char *text, uint64_t most, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !*end && !errno && *value <= most;
}

static bool parse_option(struct pipeline *p, int option)
{
	uint64_t seconds;

	switch (option) {
	case 'g':
		return parse_number(optarg, UINT64_MAX, &p->generate) && p->generate > 0;
	case 'i':
		if (!parse_number(optarg, INT16_MAX, &seconds))
			return false;
		p->interval = seconds ? (int64_t)seconds * 1000000000 : DSR_FOREVER;
		return true;
	case 'm':
		p->tail.word = optarg;
		return true;
	case 'o':
		p->path = optarg;
		return true;
	case 'p':
		p->report.print = true;
		return true;
	case 'r':
		return parse_number(optarg, UINT64_MAX, &p->ring);
	case 't':
		return parse_number(optarg, UINT64_MAX, &p->tail.events);
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static struct pipeline pipeline = {.ring = RING,
					   .interval = 1000000000,
					   .tail.word = "",
					   .journal.durable = -1,
					   .report.durable = &pipeline.journal.durable,
					   .enrich.count = 1,
					   .enrich.components[0].name = "-"};
	struct pipeline *p = &pipeline;
	char input[] = "-", *standard_input[] = {input, NULL};
	int option;

	while ((option = getopt(argc, argv, "g:hi:m:o:pr:t:")) != -1) {
		if (option == 'h')
			return usage(stdout);
		if (!parse_option(p, option))
			return usage(stderr);
	}
	if (!p->path || (p->generate > 0 && optind < argc))
		return usage(stderr);
	keep_standard_streams();
	p->signals = open_signals();
	if (p->signals < 0)
		return complain("cannot", "wait for signals", -errno);
	/* Appends: what was journaled before stays. */
	p->journal.fd = open(p->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (p->journal.fd < 0)
		return complain("cannot write", p->path, -errno);
	if (start(p) < 0)
		return 1;
	return run(p, optind < argc || p->generate > 0 ? argv + optind : standard_input);
}
