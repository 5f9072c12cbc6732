/* SPDX-License-Identifier: MIT */
/* std::sync::mpsc, the channel without a bound. */
#define RUST_KIND RUST_MPSC
#define RUST_UNBOUNDED
#include "rust.h"

#include "../loops.h"

const struct contender rust_mpsc_contender = {
	.name = "Rust mpsc channel",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.paced = paced,
	.sizes = true,
};
