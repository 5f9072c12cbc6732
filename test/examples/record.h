/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_RECORD_H
#define EXAMPLES_RECORD_H

/**
 * The journal's file: records, one behind the other, and nothing between.
 *
 *	bytes  0 to 7	sequence: 0 for the first record, one more each time
 *	bytes  8 to 11	length of the text, 1 to RECORD_TEXT_MAX
 *	bytes 12 to 15	flags
 *	bytes 16 to 23	checksum of bytes 0 to 15 and the text: FNV-1a, 64 bits
 *	bytes 24 on	the text
 *
 * Numbers are in the byte order of the machine. The texts in a row are the
 * stream, byte by byte, ends of lines included. A record's text is a line or,
 * with RECORD_CONTINUES, a part of a line that goes on in the next record.
 *
 * The last record has RECORD_END and a struct tally for its text, which says
 * what the stream amounted to: a journal without it was cut off.
 */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	RECORD_HEADER = 24,
	RECORD_TEXT_MAX = 232,
	RECORD_SIZE_MAX = RECORD_HEADER + RECORD_TEXT_MAX,
};

enum {
	RECORD_CONTINUES = 1,
	RECORD_END = 2,
};

struct record {
	int64_t sequence;
	uint32_t length;
	uint32_t flags;
	uint64_t checksum;
	char text[RECORD_TEXT_MAX];
};

_Static_assert(offsetof(struct record, text) == RECORD_HEADER,
	       "the header is as it is in the file");

#define FNV1A_START UINT64_C(0xcbf29ce484222325)

/* FNV-1a, by Glenn Fowler, Landon Curt Noll and Kiem-Phong Vo; goes on from @hash. */
static inline uint64_t fnv1a(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* What a stream amounts to; begins as TALLY_START. */
struct tally {
	uint64_t lines;
	uint64_t bytes;
	uint64_t checksum;
};

#define TALLY_START ((struct tally){.checksum = FNV1A_START})

static inline void tally_add(struct tally *t, const char *text, size_t length, uint64_t lines)
{
	t->lines += lines;
	t->bytes += length;
	t->checksum = fnv1a(t->checksum, text, length);
}

static inline bool tally_equal(const struct tally *a, const struct tally *b)
{
	return a->lines == b->lines && a->bytes == b->bytes && a->checksum == b->checksum;
}

static inline uint64_t record_checksum(const struct record *r)
{
	return fnv1a(fnv1a(FNV1A_START, r, offsetof(struct record, checksum)), r->text, r->length);
}

/* Writes a record to memory, where RECORD_SIZE_MAX bytes are free. Returns its size. */
static inline size_t record_write(char *to, int64_t sequence, uint32_t flags, const void *text,
				  uint32_t length)
{
	struct record r = {.sequence = sequence, .length = length, .flags = flags};

	memcpy(r.text, text, length);
	r.checksum = record_checksum(&r);
	memcpy(to, &r, RECORD_HEADER + length);
	return RECORD_HEADER + length;
}

/* Reads a journal back. Begins with the file and TALLY_START, the rest zero. */
struct reader {
	FILE *file;
	struct tally tally;
	int64_t due;     /* the sequence that has to come */
	uint64_t offset; /* where the record begins */
	bool ended;      /* by its last record */
	char damage[160];
};

static inline bool reader_refuse(struct reader *reader, const char *damage)
{
	snprintf(reader->damage, sizeof(reader->damage),
		 "the record at byte %" PRIu64 ", due to be number %" PRId64 ": %s", reader->offset,
		 reader->due, damage);
	return false;
}

/* Takes a record that is undamaged in itself: does it belong here? */
static inline bool reader_accept(struct reader *reader, const struct record *r)
{
	char wrong[40];

	if (r->sequence != reader->due) {
		snprintf(wrong, sizeof(wrong), "is number %" PRId64, r->sequence);
		return reader_refuse(reader, wrong);
	}
	if (!(r->flags & RECORD_END)) {
		tally_add(&reader->tally, r->text, r->length, !(r->flags & RECORD_CONTINUES));
	} else {
		if (r->length != sizeof(reader->tally) ||
		    memcmp(r->text, &reader->tally, sizeof(reader->tally)) != 0)
			return reader_refuse(reader, "the end does not fit what came before");
		reader->ended = true;
	}
	reader->due++;
	reader->offset += RECORD_HEADER + r->length;
	return true;
}

/* Reads the next record. Returns false at the end of the file, and if there is @damage. */
static inline bool reader_next(struct reader *reader, struct record *r)
{
	size_t got = fread(r, 1, RECORD_HEADER, reader->file);

	if (ferror(reader->file))
		return reader_refuse(reader, "cannot be read");
	if (got == 0)
		return reader->ended ? false : reader_refuse(reader, "is not there");
	if (reader->ended)
		return reader_refuse(reader, "comes after the end");
	if (got < RECORD_HEADER)
		return reader_refuse(reader, "is cut off");
	if (r->length < 1 || r->length > RECORD_TEXT_MAX)
		return reader_refuse(reader, "has a length that no record has");
	if (fread(r->text, 1, r->length, reader->file) < r->length)
		return reader_refuse(reader, "is cut off");
	if (r->checksum != record_checksum(r))
		return reader_refuse(reader, "its checksum is another");
	return reader_accept(reader, r);
}

/* Reads all of it. Returns whether it is complete and in order; if not, @damage says why. */
static inline bool reader_check(struct reader *reader)
{
	struct record r;

	while (reader_next(reader, &r))
		;
	return reader->damage[0] == '\0';
}

#endif
