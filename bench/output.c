/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "output.h"

static FILE *take_standard_output(void)
{
	int out = dup(STDOUT_FILENO);

	if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return NULL;
	return fdopen(out, "w");
}

int output_open(const char *name, FILE **file)
{
	*file = NULL;
	if (!name)
		return STATUS_NONE;
	*file = strcmp(name, "-") == 0 ? take_standard_output() : fopen(name, "w");
	return *file ? STATUS_NONE : complain("%s: %s", name, strerror(errno));
}

bool output_close(const char *name, FILE *file)
{
	bool good;

	if (!file)
		return true;
	good = !ferror(file);
	good = fclose(file) == 0 && good;
	if (!good)
		complain("%s: not all could be written", name);
	return good;
}
