/* SPDX-License-Identifier: MIT */
/* Rust's crossbeam: its ArrayQueue. It has no call for several at once. */
#define RUST_KIND RUST_ARRAY
#include "rust.h"

#include "../loops.h"

const struct contender crossbeam_contender = {
	.name = "crossbeam ArrayQueue",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.paced = paced,
	.sizes = true,
};
