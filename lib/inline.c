/* SPDX-License-Identifier: MIT */
/*
 * Every inline function of the hot path, once more as a symbol: for languages
 * that bind to symbols, and for ABI checkers, which see through them the
 * structs that inline code reads. Release code whatever the build: what a
 * program's own NDEBUG chooses is chosen in the program.
 */
#define DSR_DEBUG 0
#define DSR_INLINE
#define DSR_INLINE_ALWAYS

#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#include <disruptor/disruptor.h>
