/* SPDX-License-Identifier: MIT */
/* The same as a channel, which adds ends that come and go and ways to wait for many. */
#define RUST_KIND RUST_CHANNEL
#include "rust.h"

#include "../loops.h"

const struct contender crossbeam_channel_contender = {
	.name = "crossbeam channel",
	.slower = 1,
	.stream = stream,
	.pingpong = pingpong,
	.many = true,
	.extra = true,
	.paced = paced,
	.sizes = true,
};
