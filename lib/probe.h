/* SPDX-License-Identifier: MIT */
#ifndef DSR_LIB_PROBE_H
#define DSR_LIB_PROBE_H

/*
 * Probes for tracers (USDT), provider "disruptor". Each is a nop, and a note in
 * the library's file that says where the nop is and where its arguments are. They
 * stand where threads come, wait and go, never on an event's way; blocked.bt
 * shows them at work.
 *
 * start:   a consumer's thread enters its loop
 *	    name:     the consumer's
 * stop:    it has left the loop
 *	    name:     as in start
 *	    reason:   what on_stop() is told
 * blocked: a producer found no room and begins to wait
 *	    ring:     its address, the same in all probes that are about that ring
 *	    sequence: the first one that it wants
 * woken:   it goes on, having found room or given up
 *	    ring:     as in blocked
 *	    sequence: the first one that it wants by now: of many producers, one that
 *		      can give up takes none before there is room
 *	    turns:    of waiting in between
 * gate:    the set of consumers that producers must not lap has changed
 *	    ring:     as in blocked
 *	    members:  how many they are now
 */

#if DSR_WITH_PROBES

#include <stdint.h>
#include <sys/sdt.h>

#define DSR_PROBE_START(name)                  dsr_probe_start(name)
#define DSR_PROBE_STOP(name, reason)           dsr_probe_stop(name, reason)
#define DSR_PROBE_BLOCKED(ring, sequence)      dsr_probe_blocked(ring, sequence)
#define DSR_PROBE_WOKEN(ring, sequence, turns) dsr_probe_woken(ring, sequence, turns)
#define DSR_PROBE_GATE(ring, members)          dsr_probe_gate(ring, members)

/* Functions, for their arguments' types: a tracer finds the same sizes and signs everywhere. */
#define DSR_PROBE_POINT static inline __attribute__((always_inline)) void

/* What sdt.h expands to is GNU C. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

DSR_PROBE_POINT dsr_probe_start(const char *name)
{
	DTRACE_PROBE1(disruptor, start, name);
}

DSR_PROBE_POINT dsr_probe_stop(const char *name, int32_t reason)
{
	DTRACE_PROBE2(disruptor, stop, name, reason);
}

DSR_PROBE_POINT dsr_probe_blocked(const void *ring, int64_t sequence)
{
	DTRACE_PROBE2(disruptor, blocked, ring, sequence);
}

DSR_PROBE_POINT dsr_probe_woken(const void *ring, int64_t sequence, uint64_t turns)
{
	DTRACE_PROBE3(disruptor, woken, ring, sequence, turns);
}

DSR_PROBE_POINT dsr_probe_gate(const void *ring, uint32_t members)
{
	DTRACE_PROBE2(disruptor, gate, ring, members);
}

#pragma GCC diagnostic pop

#else

/* Used, as far as warnings go, and not evaluated. */
#define DSR_PROBE_START(name)             ((void)sizeof(name))
#define DSR_PROBE_STOP(name, reason)      ((void)sizeof(name), (void)sizeof(reason))
#define DSR_PROBE_BLOCKED(ring, sequence) ((void)sizeof(ring), (void)sizeof(sequence))
#define DSR_PROBE_WOKEN(ring, sequence, turns) \
	((void)sizeof(ring), (void)sizeof(sequence), (void)sizeof(turns))
#define DSR_PROBE_GATE(ring, members) ((void)sizeof(ring), (void)sizeof(members))

#endif

#endif
