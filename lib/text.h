/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_TEXT_H
#define DSR_LIB_TEXT_H

#include <stddef.h>

/* Text that is appended like snprintf() does: counts on when the room is used up. */
struct dsr_text {
	char *text;
	size_t size;
	size_t length;
};

void dsr_put(struct dsr_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As a JSON string, quotes included; bytes beyond ASCII go as they are. */
void dsr_put_quoted(struct dsr_text *t, const char *string);

#endif
