/* SPDX-License-Identifier: MIT */
#ifndef BENCH_START_H
#define BENCH_START_H

/*
 * disruptor-bench start: what it costs to start, by where and on what the slots lie. The
 * exit status.
 */
int start_main(int argc, char **argv);

#endif
