// SPDX-License-Identifier: MIT
// What a C++ program sees of the headers, and of the library behind them.
#include <cstdint>

#include <disruptor/disruptor.h>

struct tick {
	int64_t price;
};

DSR_EVENT(tick, tick);

static int on_ticks(dsr_batch *batch, void *state)
{
	int64_t *total = static_cast<int64_t *>(state);

	while (tick *t = tick_batch_next(batch))
		*total += t->price;
	return DSR_CONTINUE;
}

int main()
{
	int64_t total = 0;
	dsr_handler handler = {};
	dsr_disruptor *d;
	dsr_builder *b = tick_build_multi_producer(64);

	handler.on_batch = on_ticks;
	handler.state = &total;
	dsr_handle_events(b, &handler);
	if (dsr_start(b, &d) < 0)
		return 1;

	struct dsr_producer *p = dsr_producer(d);

	for (int64_t i = 1; i <= 1000; i++) {
		tick_claim(p)->price = i;
		dsr_publish(p);
	}
	if (dsr_shutdown(d, DSR_FOREVER) < 0 || dsr_destroy(d) < 0)
		return 1;
	return total == 500500 ? 0 : 1;
}
