/* SPDX-License-Identifier: MIT */
#ifndef DISRUPTOR_WAIT_H
#define DISRUPTOR_WAIT_H

/**
 * How a thread passes the time until its turn comes. There are two policies,
 * and they are apart: how a handler waits for events (struct dsr_handler) and
 * how a producer waits for a free slot (dsr_producer_set_wait()).
 */

#include <disruptor/compiler.h>

/**
 * enum dsr_wait - wait strategies
 * @DSR_WAIT_DEFAULT:	handler pinned to a CPU: pause; any other handler: park;
 *			producer: yield
 * @DSR_WAIT_BUSY_SPIN:	look again at once. Burns its CPU; wants it for itself
 * @DSR_WAIT_PAUSE:	busy spin with the core's spin hint between two looks. Faster
 *			where it was measured (bench/README.md): looks under way when
 *			the line comes have to be undone. Leaves more to a sibling
 *			hyperthread, too
 * @DSR_WAIT_YIELD:	spin with the hint, then sched_yield() every turn. Burns a CPU
 *			that nobody else wants
 * @DSR_WAIT_SLEEP:	spin, yield, then sleep for a while every turn. Costs whoever is
 *			waited for nothing; with its short naps it burns a part of a
 *			CPU (bench/README.md), and it wakes up late
 * @DSR_WAIT_PARK:	spin for a short while, then sleep until woken. Burns nothing;
 *			whoever is waited for makes one system call to wake all that
 *			sleep over it, and none while nobody sleeps
 * @DSR_WAIT_PHASED:	spin for longer, yield, then park: quick while events come
 *			often, asleep when they do not
 * @DSR_WAIT_MONITOR:	have the core wait for the word to change: UMWAIT, MWAITX or
 *			WFE. Nearly as quick as pause, uses less power and leaves the
 *			core to its sibling. Becomes pause on a machine without
 * @DSR_WAIT_CUSTOM:	call dsr_wait_tuning.turn
 *
 * Each strategy looks again after each turn, so it also ends when the disruptor
 * does, or when the thread's consumer is detached.
 *
 * Where threads that spin would keep each other from running, busy spin, pause
 * and monitor become yield, and dsr_placement_thread() says so: where two
 * handlers that spin are pinned to one CPU, where one left its CPU to the library and
 * there was none for it, and where there are not fewer of them than CPUs. The CPUs are
 * those that the caller of dsr_start() may use, and those
 * that handlers are pinned to. It is decided in dsr_start(); of a handler that is
 * attached later, whether another one spins on its CPU, and what was decided then.
 */
enum dsr_wait {
	DSR_WAIT_DEFAULT,
	DSR_WAIT_BUSY_SPIN,
	DSR_WAIT_PAUSE,
	DSR_WAIT_YIELD,
	DSR_WAIT_SLEEP,
	DSR_WAIT_PARK,
	DSR_WAIT_PHASED,
	DSR_WAIT_MONITOR,
	DSR_WAIT_CUSTOM,
};

/**
 * struct dsr_wait_tuning - what a strategy does for how long
 * @spins:   looks with the spin hint between them before anything else: yield,
 *	     sleep and park: 100 unless set; phased: 2000
 * @yields:  looks with sched_yield() between them after that: sleep: 100 unless
 *	     set; phased: 100
 * @nap:     nanoseconds of one sleep: 50000 unless it is above 0
 * @turn:    custom: passes one turn of waiting, @number 0 being the first since
 *	     there was something to do, and returns for the next look. It should
 *	     not take long: only the look learns that all is over
 * @context: handed to @turn
 *
 * A zero means the default; a negative number of turns none at all. Fields that
 * are not the strategy's have no effect.
 */
struct dsr_wait_tuning {
	int32_t spins;
	int32_t yields;
	int64_t nap;
	void (*turn)(uint64_t number, void *context);
	void *context;
	int64_t reserved[2]; /* 0 */
};

/*
 * Timeouts, in nanoseconds of CLOCK_MONOTONIC from the call on. What is below zero is
 * over: DSR_NOW.
 */
#define DSR_NOW     INT64_C(0)
#define DSR_FOREVER INT64_MAX

#endif
