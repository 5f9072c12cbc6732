/* SPDX-License-Identifier: MIT */
/*
 * The core's own way to wait for a line to be written: UMONITOR and UMWAIT of
 * Intel, MONITORX and MWAITX of AMD, WFE of arm64. Each arms a monitor on the
 * line, looks once more, and then stops the core until the line is written, an
 * interrupt comes or the time is over. Written in bytes, so that no flag of
 * compiler or assembler decides whether they are there: the CPU does, at run
 * time.
 */
#include <disruptor/atomic.h>

#include "monitor.h"

#if defined(__x86_64__)

#include <cpuid.h>

/* Ticks of the time stamp counter, whose rate is a few per nanosecond. */
enum { TICKS = 100000 };

enum kind { NONE, UMWAIT, MWAITX };

static enum kind find_out(void)
{
	unsigned int a, b, c, d;

	if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && c & (1u << 5))
		return UMWAIT;
	if (__get_cpuid(0x80000001, &a, &b, &c, &d) && c & (1u << 29))
		return MWAITX;
	return NONE;
}

static enum kind kind(void)
{
	static int64_t known; /* the kind and one; 0: not asked yet */
	/* Relaxed: everybody finds out the same. */
	int64_t found = dsr_load_relaxed(&known);

	if (!found) {
		found = find_out() + 1;
		dsr_store_relaxed(&known, found);
	}
	return (enum kind)(found - 1);
}

bool dsr_monitor_available(void)
{
	return kind() != NONE;
}

static void umwait(const int64_t *word, int64_t stale)
{
	uint64_t until = __builtin_ia32_rdtsc() + TICKS;

	__asm__ __volatile__(".byte 0xf3, 0x0f, 0xae, 0xf0" : : "a"(word) : "memory");
	/* Relaxed: the caller looks again. */
	if (dsr_load_relaxed(word) != stale)
		return;
	/* State 1, C0.1: the one that wakes sooner. */
	__asm__ __volatile__(".byte 0xf2, 0x0f, 0xae, 0xf1"
			     :
			     : "c"(1), "d"((uint32_t)(until >> 32)), "a"((uint32_t)until)
			     : "memory", "cc");
}

static void mwaitx(const int64_t *word, int64_t stale)
{
	__asm__ __volatile__(".byte 0x0f, 0x01, 0xfa" : : "a"(word), "c"(0), "d"(0) : "memory");
	/* Relaxed: the caller looks again. */
	if (dsr_load_relaxed(word) != stale)
		return;
	/* Bit 1: with a time limit. Hint 0xf0: C0, the state that wakes soonest. */
	__asm__ __volatile__(".byte 0x0f, 0x01, 0xfb" : : "a"(0xf0), "b"(TICKS), "c"(2) : "memory");
}

void dsr_monitor_wait(const int64_t *word, int64_t stale)
{
	switch (kind()) {
	case UMWAIT:
		umwait(word, stale);
		break;
	case MWAITX:
		mwaitx(word, stale);
		break;
	case NONE:
		dsr_relax();
		break;
	}
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

/* HWCAP_EVTSTRM: the timer sends an event every 100 us, so nobody waits for longer. */
bool dsr_monitor_available(void)
{
	return getauxval(AT_HWCAP) & (1ul << 2);
}

void dsr_monitor_wait(const int64_t *word, int64_t stale)
{
	int64_t value;

	__asm__ __volatile__("ldxr %0, [%1]" : "=&r"(value) : "r"(word) : "memory");
	if (value == stale)
		__asm__ __volatile__("wfe" : : : "memory");
}

#else

bool dsr_monitor_available(void)
{
	return false;
}

void dsr_monitor_wait(const int64_t *word, int64_t stale)
{
	(void)word;
	(void)stale;
	dsr_relax();
}

#endif
