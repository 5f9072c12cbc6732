/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "scenario.h"

const struct contender *const contenders[] = {
	&floor_contender,
	&disruptor_contender,
	&disruptor_event_contender,
	&disruptor_small_contender,
	&disruptor_huge_contender,
#if BENCH_WITH_CK
	&ck_contender,
#endif
#if BENCH_WITH_RTE
	&rte_contender,
	&rte_hts_contender,
	&rte_zc_contender,
#endif
#if BENCH_WITH_BOOST
	&boost_contender,
	&boost_many_contender,
#endif
#if BENCH_WITH_READERWRITERQUEUE
	&readerwriterqueue_contender,
#endif
#if BENCH_WITH_CONCURRENTQUEUE
	&concurrentqueue_contender,
#endif
#if BENCH_WITH_TBB
	&tbb_contender,
#endif
#if BENCH_WITH_WFCQUEUE
	&wfcqueue_contender,
#endif
#if BENCH_WITH_RUST
	&crossbeam_contender,
	&crossbeam_channel_contender,
	&rust_mpsc_contender,
	&rust_sync_contender,
#endif
#if BENCH_WITH_LMAX
	&lmax_contender,
#endif
#if BENCH_WITH_GLIB
	&glib_contender,
#endif
	&mutex_contender,
	&pipe_contender,
	&eventfd_contender,
};
const uint32_t contender_count = sizeof(contenders) / sizeof(*contenders);
_Static_assert(sizeof(contenders) / sizeof(*contenders) <= CONTENDERS_MAX, "too many to compare");

const struct optional optionals[] = {
	{"ck_ring", "libck-dev", BENCH_WITH_CK},
	{"rte_ring", "libdpdk-dev", BENCH_WITH_RTE},
	{"Boost", "libboost-dev and a C++ compiler", BENCH_WITH_BOOST},
	{"readerwriterqueue", "libreaderwriterqueue-dev and a C++ compiler",
	 BENCH_WITH_READERWRITERQUEUE},
	{"concurrentqueue", "libconcurrentqueue-dev and a C++ compiler",
	 BENCH_WITH_CONCURRENTQUEUE},
	{"oneTBB", "libtbb-dev and a C++ compiler", BENCH_WITH_TBB},
	{"liburcu wfcqueue", "liburcu-dev", BENCH_WITH_WFCQUEUE},
	{"crossbeam and Rust mpsc",
	 "rustc, librust-crossbeam-queue-dev and librust-crossbeam-channel-dev", BENCH_WITH_RUST},
	{"LMAX Disruptor", "libdisruptor-java and default-jdk-headless", BENCH_WITH_LMAX},
	{"GAsyncQueue", "libglib2.0-dev", BENCH_WITH_GLIB},
};
const uint32_t optional_count = sizeof(optionals) / sizeof(*optionals);

#define LATENCY(w)                                                                        \
	{                                                                                 \
		.words = w, .batch = 1, .producers = 1, .capacity = 1024, .warmup = 5000, \
		.events = SCENARIO_TRIPS                                                  \
	}
/* A million events a second, n of them due at once. */
#define PACED(w, n)                                                                        \
	{                                                                                  \
		.words = w, .batch = n, .producers = 1, .capacity = 1024, .warmup = 10000, \
		.events = 50000, .interval = 1000 * n                                      \
	}
#define STREAM(w, n, p, m)                                                            \
	{                                                                             \
		.words = w, .batch = n, .producers = p, .many = m, .capacity = 65536, \
		.warmup = 65536, .events = 1000000                                    \
	}
/* Rings of 4 MiB for all, as with the slots of 56 bytes, so that it is sizes that differ. */
#define SIZE(w, n, slots, count)                                                            \
	{                                                                                   \
		.words = w, .batch = n, .producers = 1, .capacity = slots, .warmup = slots, \
		.events = count                                                             \
	}
/* As many events for all of them as two producers have. */
#define CROWD(w, p)                                                                      \
	{                                                                                \
		.words = w, .batch = 1, .producers = p, .many = true, .capacity = 65536, \
		.warmup = 65536 / p, .events = 2000000 / p                               \
	}
#define SHAPE(w, s)                                                                    \
	{                                                                              \
		.shape = s, .words = w, .batch = 1, .producers = 1, .capacity = 65536, \
		.warmup = 65536, .events = 1000000                                     \
	}

#define SCENARIO(n, t, ...)                                  \
	{                                                    \
		.name = n, .title = t, .course = __VA_ARGS__ \
	}

const struct scenario scenarios[] = {
	SCENARIO("latency-8", "one way, 8-byte events", LATENCY(1), .latency = true, .usual = true),
	SCENARIO("latency-56", "one way, 56-byte events", LATENCY(7), .latency = true,
		 .usual = true),
	SCENARIO("paced-8", "one is due each us, 8 bytes", PACED(1, 1), .latency = true),
	SCENARIO("paced-56", "one is due each us, 56 bytes", PACED(7, 1), .latency = true,
		 .usual = true),
	SCENARIO("paced10-8", "10 are due at once each 10 us, 8 bytes", PACED(1, 10),
		 .latency = true),
	SCENARIO("paced10-56", "10 are due at once each 10 us, 56 bytes", PACED(7, 10),
		 .latency = true, .usual = true),
	SCENARIO("single-8", "one producer, one by one, 8 bytes", STREAM(1, 1, 1, false),
		 .usual = true),
	SCENARIO("single-32", "one producer, one by one, 32 bytes", STREAM(4, 1, 1, false),
		 .usual = true),
	SCENARIO("single-56", "one producer, one by one, 56 bytes", STREAM(7, 1, 1, false),
		 .usual = true),
	SCENARIO("batch10-8", "one producer, 10 at once, 8 bytes", STREAM(1, 10, 1, false),
		 .usual = true),
	SCENARIO("batch10-32", "one producer, 10 at once, 32 bytes", STREAM(4, 10, 1, false)),
	SCENARIO("batch10-56", "one producer, 10 at once, 56 bytes", STREAM(7, 10, 1, false),
		 .usual = true),
	SCENARIO("batch64-8", "one producer, 64 at once, 8 bytes", STREAM(1, 64, 1, false),
		 .usual = true),
	SCENARIO("batch64-32", "one producer, 64 at once, 32 bytes", STREAM(4, 64, 1, false)),
	SCENARIO("batch64-56", "one producer, 64 at once, 56 bytes", STREAM(7, 64, 1, false),
		 .usual = true),
	SCENARIO("many1-8", "built for many, one producer, 8 bytes", STREAM(1, 1, 1, true),
		 .usual = true),
	SCENARIO("many1-56", "built for many, one producer, 56 bytes", STREAM(7, 1, 1, true),
		 .usual = true),
	SCENARIO("many2-8", "two producers, 8 bytes", STREAM(1, 1, 2, true), .usual = true),
	SCENARIO("many2-56", "two producers, 56 bytes", STREAM(7, 1, 2, true)),
	SCENARIO("many3-8", "three producers, 8 bytes", STREAM(1, 1, 3, true)),
	SCENARIO("multicast-8", "three consumers, each sees all, 8 bytes",
		 SHAPE(1, SHAPE_MULTICAST), .usual = true),
	SCENARIO("pipeline-32", "three consumers in a row, 32 bytes", SHAPE(4, SHAPE_PIPELINE),
		 .usual = true),
	SCENARIO("diamond-32", "two consumers, and one behind both, 32 bytes",
		 SHAPE(4, SHAPE_DIAMOND), .usual = true),
	SCENARIO("single-64", "one producer, one by one, 64 bytes", SIZE(8, 1, 32768, 1000000)),
	SCENARIO("single-120", "one producer, one by one, 120 bytes", SIZE(15, 1, 32768, 1000000)),
	SCENARIO("single-248", "one producer, one by one, 248 bytes", SIZE(31, 1, 16384, 500000)),
	SCENARIO("single-1016", "one producer, one by one, 1016 bytes", SIZE(127, 1, 4096, 200000)),
	SCENARIO("single-4096", "one producer, one by one, 4096 bytes", SIZE(512, 1, 1024, 50000)),
	SCENARIO("batch10-64", "one producer, 10 at once, 64 bytes", SIZE(8, 10, 32768, 1000000)),
	SCENARIO("batch10-120", "one producer, 10 at once, 120 bytes",
		 SIZE(15, 10, 32768, 1000000)),
	SCENARIO("batch10-248", "one producer, 10 at once, 248 bytes", SIZE(31, 10, 16384, 500000)),
	SCENARIO("batch10-1016", "one producer, 10 at once, 1016 bytes",
		 SIZE(127, 10, 4096, 200000)),
	SCENARIO("batch10-4096", "one producer, 10 at once, 4096 bytes",
		 SIZE(512, 10, 1024, 50000)),
	SCENARIO("ring-l1", "56 bytes, a ring of half the first cache", STREAM(7, 1, 1, false),
		 .ring = RING_L1),
	SCENARIO("ring-l2", "56 bytes, a ring of half the second cache", STREAM(7, 1, 1, false),
		 .ring = RING_L2),
	SCENARIO("ring-last", "56 bytes, a ring of half the last cache", STREAM(7, 1, 1, false),
		 .ring = RING_LAST, .pages = true),
	SCENARIO("ring-memory", "56 bytes, a ring of four times the last cache",
		 STREAM(7, 1, 1, false), .ring = RING_MEMORY, .pages = true),
	SCENARIO("many4-8", "4 producers, 8 bytes", CROWD(1, 4)),
	SCENARIO("many8-8", "8 producers, 8 bytes", CROWD(1, 8)),
	SCENARIO("many16-8", "16 producers, 8 bytes", CROWD(1, 16)),
	SCENARIO("many32-8", "32 producers, 8 bytes", CROWD(1, 32)),
	SCENARIO("many4-56", "4 producers, 56 bytes", CROWD(7, 4)),
	SCENARIO("many8-56", "8 producers, 56 bytes", CROWD(7, 8)),
	SCENARIO("many16-56", "16 producers, 56 bytes", CROWD(7, 16)),
	SCENARIO("many32-56", "32 producers, 56 bytes", CROWD(7, 32)),
	SCENARIO("crowd-8", "twice as many threads as CPUs, one consumer, 8 bytes", CROWD(1, 2),
		 .crowd = true),
	SCENARIO("crowd-56", "twice as many threads as CPUs, one consumer, 56 bytes", CROWD(7, 2),
		 .crowd = true),
};
const uint32_t scenario_count = sizeof(scenarios) / sizeof(*scenarios);

bool contender_wanted(const struct contender *c, const char *part)
{
	return part ? strstr(c->name, part) != NULL : !c->extra;
}

/* With twice as many threads as CPUs, all but one are producers. */
static uint32_t producers(const struct scenario *s, uint32_t cpu_count)
{
	uint32_t most = cpu_count > PRODUCERS_MAX / 2 ? PRODUCERS_MAX / 2 : cpu_count;

	return s->crowd ? 2 * most - 1 : s->course.producers;
}

/* Is there a loop, or a structure, for events of this size? */
static bool has_size(const struct contender *c, uint32_t words)
{
	return c->sizes || words == 1 || words == 4 || words == 7;
}

static bool does_latency(const struct scenario *s, const struct contender *c)
{
	return s->course.interval ? c->paced != NULL : c->pingpong != NULL;
}

bool scenario_fits(const struct scenario *s, uint32_t cpu_count, const struct contender *c)
{
	uint32_t n = producers(s, cpu_count);

	/* Up to three are LMAX's own scenarios; more want a CPU each, and one for the consumer. */
	if (!s->crowd && n > 3 && n >= cpu_count)
		return false;
	if ((c->in_turn && n > cpu_count) || (c->pages && !s->pages))
		return false;
	if (s->course.shape != SHAPE_LINE)
		return c->shapes;
	if (s->course.many)
		return c->many;
	return !c->many_only && has_size(c, s->course.words) && (!s->latency || does_latency(s, c));
}

struct course scenario_course(const struct scenario *s, const int *cpus, uint32_t cpu_count,
			      uint32_t shrink)
{
	struct course course = s->course;

	memcpy(course.cpus, cpus, cpu_count * sizeof(*cpus));
	course.cpu_count = cpu_count;
	if (s->crowd) {
		course.events = course.events * course.producers / producers(s, cpu_count);
		course.producers = producers(s, cpu_count);
	}
	if (s->ring != RING_GIVEN) {
		course.capacity = ring_slots(s->ring, cpus[0]);
		/* All of it is there before the clock starts, and is gone through twice. */
		course.warmup = course.capacity;
		if (course.events < 2ul * course.capacity)
			course.events = 2ul * course.capacity;
	}
	/* More threads than CPUs: who spins keeps the others from running. */
	course.yield = course_threads(&course) > cpu_count;
	course.events = course_part(course.events, shrink);
	course.warmup = course_part(course.warmup, shrink);
	return course;
}
