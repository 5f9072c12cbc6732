/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_ATOMIC_H
#define DISRUPTOR_ATOMIC_H

/**
 * Every atomic access of the library, named by the ordering it gives.
 *
 * They are liburcu's. Its 0.15 has loads and stores with a C11 ordering;
 * before that it had none, so for 0.13 and 0.14 acquire and release are spelt
 * here the way 0.15 expands them. Read-modify-writes are liburcu's throughout:
 * on x86 the same `lock xadd` and `lock cmpxchg`, elsewhere what its authors
 * found right for the machine.
 *
 * A sanitizer or model checker cannot see inline assembly or tell a volatile
 * access from a race. Under ThreadSanitizer, or with DSR_ATOMIC_BUILTINS
 * defined, the same names are the compiler's builtins.
 *
 * All shared words are int64_t: one width, no mistakes about it, and nothing
 * to choose at the call.
 *
 * What is ordered with what is said at the call, where the meaning is known;
 * here is only the mechanism. Ordering promised, at least:
 *
 *	dsr_load_relaxed, dsr_store_relaxed	the access happens once, whole
 *	dsr_load_acquire			later accesses stay later
 *	dsr_store_release			earlier accesses stay earlier
 *	dsr_fetch_add, dsr_exchange		atomic; treat as relaxed
 *	dsr_compare_exchange			atomic; treat as relaxed
 *	dsr_compare_exchange_release		earlier accesses stay earlier, if it took
 *	dsr_full_fence				store-load too
 *	dsr_light_fence				the compiler only; the other side
 *						pays with membarrier(2)
 *
 * Threads: any.
 */

#include <disruptor/compiler.h>

#if !defined(DSR_ATOMIC_BUILTINS) && defined(__SANITIZE_THREAD__)
#define DSR_ATOMIC_BUILTINS 1
#endif
#if !defined(DSR_ATOMIC_BUILTINS) && defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DSR_ATOMIC_BUILTINS 1
#endif
#endif

#include <urcu/arch.h>
#include <urcu/compiler.h>
#include <urcu/system.h>
#include <urcu/uatomic.h>

#define DSR_ATOMIC_INLINE static inline __attribute__((always_inline))

DSR_ATOMIC_INLINE int64_t dsr_load_relaxed(const int64_t *word)
{
#if defined(DSR_ATOMIC_BUILTINS)
	return __atomic_load_n(word, __ATOMIC_RELAXED);
#else
	return CMM_LOAD_SHARED(*word);
#endif
}

DSR_ATOMIC_INLINE int64_t dsr_load_acquire(const int64_t *word)
{
#if defined(DSR_ATOMIC_BUILTINS)
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
#elif defined(uatomic_load)
	return uatomic_load((int64_t *)word, CMM_ACQUIRE);
#else
	return __atomic_load_n((const volatile int64_t *)word, __ATOMIC_ACQUIRE);
#endif
}

DSR_ATOMIC_INLINE void dsr_store_relaxed(int64_t *word, int64_t value)
{
#if defined(DSR_ATOMIC_BUILTINS)
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
#else
	(void)CMM_STORE_SHARED(*word, value);
#endif
}

DSR_ATOMIC_INLINE void dsr_store_release(int64_t *word, int64_t value)
{
#if defined(DSR_ATOMIC_BUILTINS)
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
#elif defined(uatomic_store)
	uatomic_store(word, value, CMM_RELEASE);
#else
	__atomic_store_n((volatile int64_t *)word, value, __ATOMIC_RELEASE);
#endif
}

/* Adds and returns what was there before. */
DSR_ATOMIC_INLINE int64_t dsr_fetch_add(int64_t *word, int64_t value)
{
#if defined(DSR_ATOMIC_BUILTINS)
	return __atomic_fetch_add(word, value, __ATOMIC_RELAXED);
#else
	/* Back through unsigned: at the end of the sequences the sum wraps. */
	return (int64_t)((uint64_t)uatomic_add_return(word, value) - (uint64_t)value);
#endif
}

/* Stores @value and returns what was there before. */
DSR_ATOMIC_INLINE int64_t dsr_exchange(int64_t *word, int64_t value)
{
#if defined(DSR_ATOMIC_BUILTINS)
	return __atomic_exchange_n(word, value, __ATOMIC_RELAXED);
#else
	return uatomic_xchg(word, value);
#endif
}

/* Stores @value if @expected is there. Returns what was there before: @expected means it took. */
DSR_ATOMIC_INLINE int64_t dsr_compare_exchange(int64_t *word, int64_t expected, int64_t value)
{
#if defined(DSR_ATOMIC_BUILTINS)
	__atomic_compare_exchange_n(word, &expected, value, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
	return expected;
#else
	return uatomic_cmpxchg(word, expected, value);
#endif
}

/*
 * The same for who lets go by it. liburcu documents a full barrier on both
 * sides; it is one of release at the least on every machine and compiler.
 */
DSR_ATOMIC_INLINE int64_t dsr_compare_exchange_release(int64_t *word, int64_t expected,
						       int64_t value)
{
#if defined(DSR_ATOMIC_BUILTINS)
	__atomic_compare_exchange_n(word, &expected, value, false, __ATOMIC_RELEASE,
				    __ATOMIC_RELAXED);
	return expected;
#else
	return uatomic_cmpxchg(word, expected, value);
#endif
}

DSR_ATOMIC_INLINE void dsr_full_fence(void)
{
#if defined(DSR_ATOMIC_BUILTINS) && !defined(__SANITIZE_THREAD__)
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#else
	/* gcc refuses a thread fence under ThreadSanitizer; liburcu's orders the machine. */
	cmm_smp_mb();
#endif
}

/*
 * Keeps the compiler from reordering, and nothing else. Enough against a
 * thread that runs membarrier(2) between its own two accesses: the system call
 * makes every running thread of the process execute a full fence.
 */
DSR_ATOMIC_INLINE void dsr_light_fence(void)
{
	cmm_barrier();
}

/* Tells the core that this is a spin loop. */
DSR_ATOMIC_INLINE void dsr_relax(void)
{
	caa_cpu_relax();
}

#endif
