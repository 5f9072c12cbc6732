/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PLACEMENT_H
#define BENCH_PLACEMENT_H

/* Every placement that this machine can tell apart, in turn. The exit status. */
int placement_main(int argc, char **argv);

#endif
