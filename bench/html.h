/* SPDX-License-Identifier: MIT */
#ifndef BENCH_HTML_H
#define BENCH_HTML_H

/**
 * A page that is one file: no network, no script, light or dark as its reader has it,
 * and as narrow as a telephone. What may be wider than that lies in a box of its own
 * which scrolls.
 */

#include <stdint.h>
#include <stdio.h>

#include "environment.h"
#include "matrix.h"
#include "results.h"

/** html_begin() - all before the page's own parts */
void html_begin(FILE *file, const char *title);

/** html_end() - the machine, and the end. Return: 0; -EIO */
int html_end(FILE *file, const struct environment *e);

/** html_text() - with all that means something else in HTML escaped */
void html_text(FILE *file, const char *text);

/** html_warnings() - what spoils the figures; nothing if there is none */
void html_warnings(FILE *file, const struct environment *e);

/** html_list() - with a heading; nothing if it is empty. @lines are @size bytes apart */
void html_list(FILE *file, const char *title, const char *lines, size_t size, uint32_t count);

/** html_items() - the same without a heading */
void html_items(FILE *file, const char *lines, size_t size, uint32_t count);

/** html_number() - with three digits that count */
void html_number(FILE *file, double number);

/** html_placement() - a page of the matrix. Return: 0; -EIO */
int html_placement(FILE *file, const struct matrix *m, const struct environment *e);

/** html_comparison() - a page of contenders side by side. Return: 0; -EIO */
int html_comparison(FILE *file, const struct results *r, const struct environment *e);

#endif
