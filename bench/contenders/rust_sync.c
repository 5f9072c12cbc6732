/* SPDX-License-Identifier: MIT */
/* std::sync::mpsc, the bounded channel: a mutex, as it was before Rust 1.67. */
#define RUST_KIND RUST_SYNC_MPSC
#include "rust.h"

#include "../loops.h"

const struct contender rust_sync_contender = {
	.name = "Rust mpsc sync_channel",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.extra = true,
	.paced = paced,
	.sizes = true,
};
