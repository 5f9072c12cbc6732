/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "text.h"

void dsr_put(struct dsr_text *t, const char *format, ...)
{
	size_t room = t->size > t->length ? t->size - t->length : 0;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(room ? t->text + t->length : NULL, room, format, arguments);
	va_end(arguments);
	t->length += n > 0 ? (size_t)n : 0;
}

void dsr_put_quoted(struct dsr_text *t, const char *string)
{
	dsr_put(t, "\"");
	for (; *string; string++) {
		unsigned char c = (unsigned char)*string;

		if (c < ' ')
			dsr_put(t, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			dsr_put(t, "\\%c", c);
		else
			dsr_put(t, "%c", c);
	}
	dsr_put(t, "\"");
}
