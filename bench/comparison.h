/* SPDX-License-Identifier: MIT */
#ifndef BENCH_COMPARISON_H
#define BENCH_COMPARISON_H

/* Contenders side by side, by which scenarios. The exit status. */
int compare_main(int argc, char **argv);
int latency_main(int argc, char **argv);
int throughput_main(int argc, char **argv);
int scenario_main(int argc, char **argv);

#endif
