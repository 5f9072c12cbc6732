/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "progress.h"

/* Narrower than any terminal: a line that wraps cannot be taken back. */
enum { WIDTH = 72 };

static struct {
	uint32_t steps;
	uint32_t step;
	bool is_shown;
} progress;

void progress_begin(uint32_t steps)
{
	progress.steps = steps;
	progress.step = 0;
}

void progress_step(const char *format, ...)
{
	char text[WIDTH];
	va_list arguments;
	uint32_t percent = progress.steps ? progress.step++ * 100 / progress.steps : 0;

	if (!isatty(STDERR_FILENO))
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fprintf(stderr, "\r\033[K%3u %% %s", percent, text);
	fflush(stderr);
	progress.is_shown = true;
}

void progress_clear(void)
{
	if (progress.is_shown)
		fputs("\r\033[K", stderr);
	fflush(stderr);
	progress.is_shown = false;
}
