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

/* Bytes of the UTF-8 character that begins there; 0: none does (RFC 3629, section 4). */
static int utf8_length(const unsigned char *s)
{
	int length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	/* Neither longer than it need be, nor a surrogate, nor beyond the last. */
	if (s[0] > 0xf4 || (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	for (int i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

void dsr_put_quoted(struct dsr_text *t, const char *string)
{
	int length;

	dsr_put(t, "\"");
	for (; *string; string += length ? length : 1) {
		unsigned char c = (unsigned char)*string;

		length = utf8_length((const unsigned char *)string);
		if (!length)
			dsr_put(t, "\\ufffd");
		else if (length > 1)
			dsr_put(t, "%.*s", length, string);
		else if (c < ' ')
			dsr_put(t, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			dsr_put(t, "\\%c", c);
		else
			dsr_put(t, "%c", c);
	}
	dsr_put(t, "\"");
}
