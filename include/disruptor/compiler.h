/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_COMPILER_H
#define DISRUPTOR_COMPILER_H

/**
 * The few things that are the compiler's and not C's. Nothing here depends on
 * the machine that built the library: a program compiled elsewhere has to see
 * the same layout.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Around a header's declarations: C names, and visible whatever -fvisibility says. */
#if defined(__cplusplus)
#define DSR_BEGIN_DECLS                                    \
	_Pragma("GCC visibility push(default)") extern "C" \
	{
#define DSR_END_DECLS \
	}             \
	_Pragma("GCC visibility pop")
#else
#define DSR_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define DSR_END_DECLS   _Pragma("GCC visibility pop")
#endif

/**
 * DSR_INLINE, DSR_INLINE_ALWAYS - every function of the hot path is declared with one of them
 *
 * lib/inline.c redefines them so that each one is also emitted as a symbol: for
 * languages that cannot read C headers, and so that an ABI checker sees the
 * structs that inline code was compiled against.
 */
#ifndef DSR_INLINE
#define DSR_INLINE static inline
/* Worth a copy at every call, whatever the compiler thinks of its size: most of it folds away. */
#define DSR_INLINE_ALWAYS static inline __attribute__((always_inline))
#endif

/* Exported, and kept away from the hot code that calls it. */
#define DSR_COLD        __attribute__((cold, noinline))

#define dsr_likely(x)   __builtin_expect(!!(x), 1)
#define dsr_unlikely(x) __builtin_expect(!!(x), 0)

/**
 * DSR_CACHELINE - how far apart, in bytes, two threads' words are kept
 *
 * Two lines of 64 bytes: the adjacent-line prefetcher of x86 and the 128-byte
 * lines of some arm64 machines make neighbours of both.
 */
#define DSR_CACHELINE  128

#define DSR_ALIGNED(n) __attribute__((aligned(n)))

#if defined(__cplusplus)
#define DSR_STATIC_ASSERT(cond, text) static_assert(cond, text)
#define DSR_ALIGNOF(type)             alignof(type)
#else
#define DSR_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#define DSR_ALIGNOF(type)             _Alignof(type)
#endif

/**
 * DSR_DEBUG - 1 where the inline calls check what costs too much in release:
 * that a handle is not NULL and is used by one thread only
 *
 * Follows NDEBUG unless set by hand. It changes code, never a layout, so both
 * kinds of translation unit may meet in one program.
 */
#ifndef DSR_DEBUG
#ifdef NDEBUG
#define DSR_DEBUG 0
#else
#define DSR_DEBUG 1
#endif
#endif

/**
 * DSR_ABI - the generation of the inline code
 *
 * Constructors hand it to the library, which refuses a generation that it does
 * not lay its structs out for (-ENOEXEC) instead of running into them.
 */
#define DSR_ABI 1

#if !defined(__LP64__)
#error "disruptor needs a 64-bit target: sequences are 64-bit words that are read and written at once"
#endif

#endif
