/* SPDX-License-Identifier: MIT */
/*
 * A line journal: one fdatasync for as many lines as have come meanwhile.
 *
 *	cc journal.c $(pkg-config --cflags --libs disruptor)
 *
 * The main thread reads a stream of text and publishes it line by line. A
 * consumer, pinned to a CPU of its own, appends what it gets to a file (record.h)
 * and, where a batch ends, writes and syncs: under load, when it is late, the
 * batches grow by themselves and the cost of the disk is shared by more lines.
 *
 * At the end the journal is read back and compared with what went in.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* CPU_SET and friends */
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <disruptor/disruptor.h>

#include "histogram.h"
#include "record.h"

enum {
	DEFAULT_RING = 4096,
	FEED_BYTES = 64 * 1024,
	LOOK_MS = 100, /* how often a reader that waits looks around, and progress is shown */
};

/*
 * One event: a line with its end, or a piece of a line that is longer, or has
 * not ended yet. With the library's 8 bytes it fills four cache lines.
 */
struct line {
	int64_t claimed; /* ns of CLOCK_MONOTONIC */
	uint32_t length;
	uint32_t flags; /* RECORD_CONTINUES */
	char text[RECORD_TEXT_MAX];
};
DSR_EVENT(line, struct line);

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int complain(const char *what, const char *name, int error)
{
	fprintf(stderr, "journal: %s %s: %s\n", what, name, strerror(-error));
	return 1;
}

/* Options */

struct options {
	const char *input;  /* NULL: the port */
	const char *output; /* NULL: a temporary file */
	const char *verify;
	uint64_t ring;
	uint64_t max_batch;
	uint64_t port;
	int pin;
	bool listens, keep, sync, help;
};

static int usage(FILE *to)
{
	fputs("usage: journal [-c CPU] [-r RING] [-b MAX_BATCH] [-S] [-o JOURNAL] [-k]\n"
	      "               [FILE | - | -l PORT]\n"
	      "       journal -v JOURNAL\n"
	      "Journals the lines of FILE, by default the log of this machine's packages, of\n"
	      "standard input (-), or of one TCP connection to PORT of the loopback.\n"
	      "  -c CPU        pin the consumer there; default: the last CPU, if there are more\n"
	      "  -r RING       slots of the ring, a power of two; default: 4096\n"
	      "  -b MAX_BATCH  most events for one sync; default: what the ring holds\n"
	      "  -S            do not sync\n"
	      "  -o JOURNAL    write there; default: a temporary file, removed at the end\n"
	      "  -k            keep the temporary file\n"
	      "  -l PORT       listen; 0: on a free port\n"
	      "  -v JOURNAL    read a journal back and check it\n",
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

static bool parse_option(struct options *o, int option)
{
	uint64_t cpu;

	switch (option) {
	case 'b':
		return parse_number(optarg, UINT32_MAX, &o->max_batch);
	case 'c':
		if (!parse_number(optarg, UINT16_MAX, &cpu))
			return false;
		o->pin = DSR_CPU((int)cpu);
		return true;
	case 'h':
		o->help = true;
		return true;
	case 'k':
		o->keep = true;
		return true;
	case 'l':
		o->listens = true;
		return parse_number(optarg, UINT16_MAX, &o->port);
	case 'o':
		o->output = optarg;
		return true;
	case 'r':
		return parse_number(optarg, UINT64_MAX, &o->ring);
	case 'S':
		o->sync = false;
		return true;
	case 'v':
		o->verify = optarg;
		return true;
	default:
		return false;
	}
}

/* The last CPU: the first ones have the interrupts. With a single one there is no choice. */
static int default_pin(void)
{
	cpu_set_t allowed;
	int cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0 || CPU_COUNT(&allowed) < 2)
		return DSR_UNPINNED;
	while (!CPU_ISSET(cpu, &allowed))
		cpu--;
	return DSR_CPU(cpu);
}

/* Text that is on most machines: a log, or else a dictionary. */
static const char *default_input(void)
{
	static const char *const texts[] = {"/var/log/dpkg.log", "/usr/share/dict/words"};
	struct stat about;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (stat(texts[i], &about) == 0 && about.st_size > 0 && access(texts[i], R_OK) == 0)
			return texts[i];
	fprintf(stderr,
		"journal: neither %s nor %s is here: name a file, or - for standard input\n",
		texts[0], texts[1]);
	return NULL;
}

static bool parse(struct options *o, int argc, char **argv)
{
	int option;

	*o = (struct options){.ring = DEFAULT_RING, .sync = true, .pin = default_pin()};
	while ((option = getopt(argc, argv, "b:c:hkl:o:r:Sv:")) != -1)
		if (!parse_option(o, option))
			return false;
	if (optind < argc)
		o->input = argv[optind++];
	/* One source at most, and none to verify. */
	return optind == argc && (o->input != NULL) + o->listens + (o->verify != NULL) <= 1;
}

/* Interruption */

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

/* No SA_RESTART: what waits for input is to return. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = interrupt};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/*
 * The wait for input has an end: a signal that comes just before poll() does
 * not end it, and while nothing is read, nobody sees that the consumer failed.
 * Returns 0 if @fd is ready; -EAGAIN: not yet, look around.
 */
static int await_input(int fd)
{
	struct pollfd input = {.fd = fd, .events = POLLIN};
	int ready = poll(&input, 1, LOOK_MS);

	if (ready > 0)
		return 0;
	return ready == 0 || errno == EINTR ? -EAGAIN : -errno;
}

/* Input */

/* Returns a socket that listens on the loopback, and says where; or a negative errno. */
static int listen_on(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 1) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	fprintf(stderr, "journal: listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
	return fd;
}

/* Returns a connection; -EAGAIN: none yet; or another negative errno. */
static int accept_now(int listener)
{
	int error = await_input(listener);
	int fd;

	if (error < 0)
		return error;
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		return fd;
	/* It was there and has gone again: the next one, then. */
	return errno == EINTR || errno == ECONNABORTED ? -EAGAIN : -errno;
}

/* Returns the first connection; -EINTR once interrupted; or another negative errno. */
static int accept_one(uint16_t port)
{
	int listener = listen_on(port);
	int fd = -EAGAIN;

	if (listener < 0)
		return listener;
	while (fd == -EAGAIN && !interrupted)
		fd = accept_now(listener);
	close(listener);
	return fd == -EAGAIN ? -EINTR : fd;
}

static int open_input(const struct options *o)
{
	int fd;

	if (o->listens)
		return accept_one((uint16_t)o->port);
	if (strcmp(o->input, "-") == 0)
		/* A copy: fails if it is closed, and the journal must not get its number. */
		fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	else
		fd = open(o->input, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The journal's file */

static int open_temporary(bool keep, char *path, size_t size)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	if (!folder || !*folder)
		folder = "/tmp";
	if ((size_t)snprintf(path, size, "%s/journal-XXXXXX", folder) >= size)
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Removed at once, so that it never stays behind; it goes when it is closed. */
	if (!keep)
		unlink(path);
	return fd;
}

/* May it be overwritten? Not the input; and what cannot seek cannot be read back. */
static int check_output(int fd, int input)
{
	struct stat to, from;

	if (fstat(fd, &to) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	if (fstat(input, &from) == 0 && from.st_dev == to.st_dev && from.st_ino == to.st_ino)
		return -EEXIST;
	return 0;
}

static int open_output(const char *path, int input)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	int error;

	if (fd < 0)
		return -errno;
	error = check_output(fd, input);
	if (error < 0)
		close(fd);
	return error < 0 ? error : fd;
}

static int empty_output(int fd)
{
	struct stat about;

	if (fstat(fd, &about) < 0 || (S_ISREG(about.st_mode) && ftruncate(fd, 0) < 0))
		return -errno;
	return 0;
}

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

/* The consumer */

struct writer {
	int fd;
	bool sync;
	size_t events_max; /* of one batch */
	char *buffer;      /* the records of the batch that is going on */
	size_t used;
	int64_t *claimed; /* and when its events were claimed */
	size_t events;
	int64_t next; /* sequence */
	struct tally tally;
	uint64_t batches, syncs, largest;
	struct histogram handled, durable;
	/* On lines of its own: the one word that the other thread looks at meanwhile. */
	int64_t failed DSR_ALIGNED(DSR_CACHELINE);
};

/* On the consumer's thread, pinned: what it touches first is on its node. */
static int writer_start(void *state)
{
	struct writer *w = state;

	w->buffer = malloc(w->events_max * RECORD_SIZE_MAX);
	w->claimed = malloc(w->events_max * sizeof(*w->claimed));
	if (!w->buffer || !w->claimed)
		return -ENOMEM;
	/* Not before all else is well: an old journal is lost for a new one only. */
	return empty_output(w->fd);
}

/* One write, one sync; what they brought into safety is durable now. */
static int writer_flush(struct writer *w)
{
	int error = write_all(w->fd, w->buffer, w->used);
	int64_t now;

	if (error < 0)
		return error;
	if (w->sync && fdatasync(w->fd) < 0)
		return -errno;
	now = now_ns();
	for (size_t i = 0; i < w->events; i++)
		histogram_add(&w->durable, now - w->claimed[i]);
	w->syncs += w->sync;
	w->used = 0;
	w->events = 0;
	return 0;
}

static int on_line(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	const struct line *l = event;
	struct writer *w = state;

	histogram_add(&w->handled, now_ns() - l->claimed);
	w->claimed[w->events++] = l->claimed;
	w->used += record_write(w->buffer + w->used, sequence, l->flags, l->text, l->length);
	tally_add(&w->tally, l->text, l->length, !(l->flags & RECORD_CONTINUES));
	w->next = sequence + 1;
	if (!end_of_batch)
		return DSR_CONTINUE;
	w->batches++;
	if (w->events > w->largest)
		w->largest = w->events;
	return writer_flush(w);
}

/* Whatever ends it, the producer is told: this handler has left, and holds nobody up. */
static void writer_stop(void *state, int reason)
{
	struct writer *w = state;

	if (reason == 0) {
		w->used = record_write(w->buffer, w->next, RECORD_END, &w->tally, sizeof(w->tally));
		reason = writer_flush(w);
	}
	dsr_store_release(&w->failed, reason);
}

/* The producer */

struct feed {
	int fd;
	struct dsr_producer *producer;
	uint64_t pieces_max; /* of one claim */
	const int64_t *failed;
	struct tally tally; /* of what was read, whatever became of it */
	int64_t progress;   /* when to show it again; 0: never */
	size_t used;
	char buffer[FEED_BYTES];
};

/* Publishes a line, or @length bytes of one that @continues, in as many events as it takes. */
static int feed_line(struct feed *f, const char *text, size_t length, bool continues)
{
	while (length > 0) {
		uint64_t pieces = (length + RECORD_TEXT_MAX - 1) / RECORD_TEXT_MAX;
		int64_t first, now, i;

		if (pieces > f->pieces_max)
			pieces = f->pieces_max;
		first = dsr_claim_n(f->producer, (uint32_t)pieces, DSR_FOREVER);
		if (first < 0)
			return (int)first;
		now = now_ns();
		for (i = first; i < first + (int64_t)pieces; i++) {
			struct line *l = line_event(f->producer, i);
			size_t taken = length < RECORD_TEXT_MAX ? length : RECORD_TEXT_MAX;

			l->claimed = now;
			l->length = (uint32_t)taken;
			l->flags = length > taken || continues ? RECORD_CONTINUES : 0;
			memcpy(l->text, text, taken);
			text += taken;
			length -= taken;
		}
		dsr_publish(f->producer);
	}
	return 0;
}

/* Publishes the lines that are whole. Of one that fills the buffer, all but the last piece. */
static int feed_lines(struct feed *f)
{
	char *text = f->buffer, *end;
	size_t length = f->used, part;
	int error = 0;

	while (!error && (end = memchr(text, '\n', length))) {
		part = (size_t)(end + 1 - text);
		error = feed_line(f, text, part, false);
		text += part;
		length -= part;
	}
	if (!error && length == FEED_BYTES) {
		part = (FEED_BYTES - 1) / RECORD_TEXT_MAX * RECORD_TEXT_MAX;
		error = feed_line(f, text, part, true);
		text += part;
		length -= part;
	}
	memmove(f->buffer, text, length);
	f->used = length;
	return error;
}

static uint64_t count_ends(const char *text, size_t length)
{
	uint64_t ends = 0;

	while (length > 0)
		ends += text[--length] == '\n';
	return ends;
}

static void show_progress(struct feed *f)
{
	int64_t now;

	if (!f->progress)
		return;
	now = now_ns();
	if (now < f->progress)
		return;
	fprintf(stderr, "\r%" PRIu64 " lines, %" PRIu64 " bytes", f->tally.lines, f->tally.bytes);
	f->progress = now + LOOK_MS * INT64_C(1000000);
}

/* Returns how many bytes came; 0: the end; -EAGAIN: none for now; or another negative errno. */
static ssize_t feed_read(struct feed *f)
{
	char *to = f->buffer + f->used;
	ssize_t got = await_input(f->fd);

	if (got < 0)
		return got;
	got = read(f->fd, to, FEED_BYTES - f->used);
	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	tally_add(&f->tally, to, (size_t)got, count_ends(to, (size_t)got));
	f->used += (size_t)got;
	return got;
}

/* Until the end of the input, an interruption or an error, which it returns. */
static int feed_stream(struct feed *f)
{
	ssize_t got = -EAGAIN;
	int error = 0;

	while (!error && !interrupted && !dsr_load_acquire(f->failed)) {
		got = feed_read(f);
		if (got > 0)
			error = feed_lines(f);
		else if (got != -EAGAIN)
			break;
		show_progress(f);
	}
	if (f->progress)
		fputs("\r\033[K", stderr);
	/* The last line has no end. */
	if (!error && f->used > 0) {
		f->tally.lines++;
		error = feed_line(f, f->buffer, f->used, false);
	}
	if (error)
		return error;
	return got < 0 && got != -EAGAIN ? (int)got : 0;
}

/* From one end to the other */

struct session {
	const struct options *options;
	const char *input, *output; /* for messages */
	char path[4096];            /* of the temporary file */
	struct writer writer;
	struct feed feed;
	struct dsr_disruptor *d;
	char placement[4096];
	int64_t elapsed;
};

static int session_open(struct session *s)
{
	const struct options *o = s->options;

	s->input = o->listens ? "the connection" : o->input;
	s->output = o->output ? o->output : s->path;
	s->feed.fd = open_input(o);
	/* Interrupted while it waited for somebody to talk: so there is nothing to read. */
	if (s->feed.fd < 0 && !(s->feed.fd == -EINTR && interrupted))
		return complain("cannot open", s->input, s->feed.fd);
	if (o->output)
		s->writer.fd = open_output(o->output, s->feed.fd);
	else
		s->writer.fd = open_temporary(o->keep, s->path, sizeof(s->path));
	if (s->writer.fd < 0)
		return complain("cannot write", s->output, s->writer.fd);
	return 0;
}

static int session_start(struct session *s)
{
	const struct options *o = s->options;
	struct dsr_builder *b = line_build_single_producer(o->ring);
	int error;

	s->writer.sync = o->sync;
	s->writer.tally = TALLY_START;
	s->writer.events_max = o->max_batch ? o->max_batch : o->ring;
	dsr_handle_events(b, &(struct dsr_handler){.on_event = on_line,
						   .on_start = writer_start,
						   .on_stop = writer_stop,
						   .state = &s->writer,
						   .name = "journal",
						   .pin = o->pin,
						   .max_batch = (uint32_t)o->max_batch});
	error = dsr_start(b, &s->d);
	if (error < 0) {
		fprintf(stderr, "journal: %s\n", dsr_builder_message(b));
		dsr_builder_destroy(b);
		return 1;
	}
	return 0;
}

/* Reads, publishes, drains. Whatever goes wrong, the threads are joined. */
static int session_run(struct session *s)
{
	int64_t begin = now_ns();
	int error = -ENOMEM;

	s->feed.tally = TALLY_START;
	s->feed.failed = &s->writer.failed;
	s->feed.pieces_max = dsr_capacity(s->d);
	s->feed.progress = isatty(STDERR_FILENO) ? begin : 0;
	s->feed.producer = dsr_producer(s->d);
	if (s->feed.producer)
		error = feed_stream(&s->feed);
	/* Now, as long as there is a thread to report about. */
	dsr_placement_text(s->d, s->placement, sizeof(s->placement));
	dsr_shutdown(s->d, DSR_FOREVER);
	dsr_destroy(s->d);
	s->elapsed = now_ns() - begin;
	if (s->writer.failed)
		return complain("cannot write", s->output, (int)s->writer.failed);
	return error ? complain("cannot read", s->input, error) : 0;
}

static void print_latency(const char *name, const struct histogram *h)
{
	static const double percents[] = {50, 90, 99, 99.9};

	printf("  %-8s", name);
	for (size_t i = 0; i < sizeof(percents) / sizeof(*percents); i++)
		printf(" %11.1f", (double)histogram_percentile(h, percents[i]) / 1000);
	printf(" %11.1f\n", (double)histogram_max(h) / 1000);
}

static void session_report(const struct session *s)
{
	const struct writer *w = &s->writer;
	uint64_t events = histogram_count(&w->handled);
	double seconds = (double)s->elapsed / 1e9;

	printf("%s: %" PRIu64 " lines, %" PRIu64 " bytes%s\n", s->input, s->feed.tally.lines,
	       s->feed.tally.bytes, interrupted ? ", interrupted" : "");
	if (s->options->output || s->options->keep)
		printf("journal: %s\n", s->output);
	printf("%" PRIu64 " events in %.3f s, %.0f a second\n", events, seconds,
	       (double)events / seconds);
	printf("%" PRIu64 " batches, the largest of %" PRIu64 " events; %" PRIu64 " syncs%s\n",
	       w->batches, w->largest, w->syncs, w->sync ? ", one of them for the end" : "");
	printf("microseconds       50%%         90%%         99%%       99.9%%         max\n");
	print_latency("handled", &w->handled);
	print_latency(s->options->sync ? "durable" : "written", &w->durable);
	printf("%s", s->placement);
}

/* Checks a journal in itself and, if @wanted, against what went in. */
static int verify(FILE *journal, const char *name, const struct tally *wanted)
{
	struct reader reader = {.file = journal, .tally = TALLY_START};

	if (!reader_check(&reader)) {
		fprintf(stderr, "journal: %s is damaged: %s\n", name, reader.damage);
		return 1;
	}
	if (wanted && !tally_equal(&reader.tally, wanted)) {
		fprintf(stderr,
			"journal: %s holds %" PRIu64 " lines, %" PRIu64
			" bytes, checksum %016" PRIx64 ", but %" PRIu64 ", %" PRIu64 ", %016" PRIx64
			" went in\n",
			name, reader.tally.lines, reader.tally.bytes, reader.tally.checksum,
			wanted->lines, wanted->bytes, wanted->checksum);
		return 1;
	}
	printf("verified: %" PRIu64 " lines, %" PRIu64
	       " bytes, nothing lost, duplicated or reordered\n",
	       reader.tally.lines, reader.tally.bytes);
	return 0;
}

static int session_verify(struct session *s)
{
	FILE *journal = NULL;
	int failed;

	if (lseek(s->writer.fd, 0, SEEK_SET) == 0)
		journal = fdopen(s->writer.fd, "r");
	if (!journal)
		return complain("cannot read", s->output, -errno);
	s->writer.fd = -1;
	failed = verify(journal, s->output, &s->feed.tally);
	fclose(journal);
	return failed;
}

static void session_close(struct session *s)
{
	free(s->writer.buffer);
	free(s->writer.claimed);
	if (s->feed.fd >= 0)
		close(s->feed.fd);
	if (s->writer.fd >= 0)
		close(s->writer.fd);
}

static int journal(const struct options *o)
{
	static struct session session = {.feed.fd = -1, .writer.fd = -1};
	struct session *s = &session;
	int failed;

	s->options = o;
	catch_signals();
	failed = session_open(s) || session_start(s);
	if (!failed) {
		failed = session_run(s);
		/* If reading failed, what came before is in the journal. */
		if (!s->writer.failed) {
			session_report(s);
			failed = session_verify(s) || failed;
		}
	}
	session_close(s);
	return failed;
}

static int verify_file(const char *path)
{
	FILE *file = fopen(path, "re");
	int failed;

	if (!file)
		return complain("cannot read", path, -errno);
	failed = verify(file, path, NULL);
	fclose(file);
	return failed;
}

int main(int argc, char **argv)
{
	struct options o;
	int failed;

	if (!parse(&o, argc, argv))
		return usage(stderr);
	if (o.help)
		return usage(stdout);
	if (!o.input && !o.listens && !o.verify) {
		o.input = default_input();
		if (!o.input)
			return 2;
	}
	failed = o.verify ? verify_file(o.verify) : journal(&o);
	if (fflush(stdout) != 0)
		failed = complain("cannot write", "the report", -errno);
	return failed;
}
