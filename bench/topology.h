/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TOPOLOGY_H
#define BENCH_TOPOLOGY_H

/* disruptor-bench topology: the machine, and the plan for a graph. The exit status. */
int topology_main(int argc, char **argv);

#endif
