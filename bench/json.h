/* SPDX-License-Identifier: MIT */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <math.h>
#include <stdio.h>

/* A JSON string, quotes included; bytes beyond ASCII go as they are. */
static inline void json_string(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ')
			fprintf(file, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else
			fputc(c, file);
	}
	fputc('"', file);
}

/* JSON has no word for what is not a number. */
static inline void json_number(FILE *file, double value)
{
	if (isfinite(value))
		fprintf(file, "%.10g", value);
	else
		fputs("null", file);
}

#endif
