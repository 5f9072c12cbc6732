/* SPDX-License-Identifier: MIT */
/*
 * usage: here [-n NODE] [-r] [-p PIN] [-l]
 *
 * Starts a ring with one handler, hands events through it and prints the machine and
 * the report, with and without braces. -n: slots on that node; -r: required; -p: pins
 * the handler to a CPU, without it the plan does; -l: locked. Exit status: 0; 1: events
 * were lost; 3: it did not start, and the message says why.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <disruptor/disruptor.h>

enum { CAPACITY = 4096, EVENTS = 3 * CAPACITY };

static int on_event(void *event, int64_t sequence, bool end_of_batch, void *state)
{
	int64_t *sum = state;

	(void)sequence;
	(void)end_of_batch;
	*sum += *(int64_t *)event;
	return DSR_CONTINUE;
}

static bool hand_over(struct dsr_disruptor *d, const int64_t *sum)
{
	struct dsr_producer *p = dsr_producer(d);

	for (int64_t i = 1; p && i <= EVENTS; i++) {
		*(int64_t *)dsr_claim(p) = i;
		dsr_publish(p);
	}
	return dsr_shutdown(d, DSR_FOREVER) == 0 && *sum == (int64_t)EVENTS * (EVENTS + 1) / 2;
}

static void print(struct dsr_disruptor *d)
{
	static char text[65536];
	struct dsr_topology *t;

	if (dsr_topology_read(NULL, &t) == 0 && dsr_topology_text(t, text, sizeof(text)) > 0)
		fputs(text, stdout);
	dsr_topology_free(t);
	if (dsr_placement_text(d, text, sizeof(text)) > 0)
		fputs(text, stdout);
	if (dsr_placement_json(d, text, sizeof(text)) > 0)
		puts(text);
}

int main(int argc, char **argv)
{
	struct dsr_builder *b = dsr_build_multi_producer(CAPACITY, sizeof(int64_t));
	enum dsr_strictness how = DSR_PREFER;
	struct dsr_disruptor *d;
	int64_t sum = 0;
	int node = -1, pin = DSR_AUTOMATIC, c;

	while ((c = getopt(argc, argv, "n:rp:l")) != -1) {
		switch (c) {
		case 'n':
			node = atoi(optarg);
			break;
		case 'r':
			how = DSR_REQUIRE;
			break;
		case 'p':
			pin = DSR_CPU(atoi(optarg));
			break;
		case 'l':
			dsr_place_locked(b, DSR_PREFER);
			break;
		default:
			return 2;
		}
	}
	dsr_place_slots(b, node < 0 ? DSR_CONSUMER_NODE : DSR_NODE(node), how);
	dsr_handle_events(b, &(struct dsr_handler){.on_event = on_event,
						   .state = &sum,
						   .name = "here",
						   .pin = pin,
						   .wait = DSR_WAIT_YIELD});
	if (dsr_start(b, &d) < 0) {
		printf("did not start: %s\n", dsr_builder_message(b));
		dsr_builder_destroy(b);
		return 3;
	}
	print(d);
	if (!hand_over(d, &sum))
		return 1;
	return dsr_destroy(d) < 0;
}
