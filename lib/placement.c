/* SPDX-License-Identifier: MIT */
/*
 * Where the memory and the threads are, as the kernel has them now.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <disruptor/atomic.h>
#include <disruptor/error.h>

#include "cpu.h"
#include "disruptor.h"
#include "plan.h"
#include "text.h"
#include "topology.h"

static uint64_t slot_bytes(const struct dsr_disruptor *d)
{
	const struct dsr_slots *slots = &d->ring->slots;

	return slots->stride * (slots->mask + 1);
}

/* Counts *@index down to the region that is asked for. */
static bool is_it(uint32_t *index)
{
	return (*index)-- == 0;
}

static const struct dsr_region *find_block(struct dsr_disruptor *d, uint32_t *index)
{
	struct dsr_sequences *pool = &d->ring->pool;
	const struct dsr_sequence_block *block;

	pthread_mutex_lock(&pool->lock);
	for (block = pool->blocks; block; block = block->next)
		if (block->region.memory.base && is_it(index))
			break;
	pthread_mutex_unlock(&pool->lock);
	return block ? &block->region : NULL;
}

static const struct dsr_region *find_handle(struct dsr_disruptor *d, uint32_t *index)
{
	const struct dsr_handle *handle;

	pthread_mutex_lock(&d->ring->lock);
	for (handle = d->ring->handles; handle; handle = handle->next)
		if (is_it(index))
			break;
	pthread_mutex_unlock(&d->ring->lock);
	return handle ? &handle->region : NULL;
}

/* With the graph's lock held, which keeps it from being freed. */
static const struct dsr_region *find_lane(struct dsr_disruptor *d, uint32_t *index)
{
	const struct dsr_member *m;

	for (m = d->builder->graph.members; m; m = m->next) {
		for (uint32_t i = 0; i < dsr_member_consumers(m); i++) {
			const struct dsr_region *region = &dsr_member_consumer(m, i)->region;

			if (region->memory.base && is_it(index))
				return region;
		}
	}
	return NULL;
}

/* The index-th region; NULL: there are not so many. With the graph's lock held. */
static const struct dsr_region *find_region(struct dsr_disruptor *d, uint32_t index,
					    enum dsr_range_kind *kind)
{
	const struct dsr_region *region;

	*kind = DSR_RANGE_SLOTS;
	if (is_it(&index))
		return &d->slots;
	*kind = DSR_RANGE_SEQUENCES;
	if (is_it(&index))
		return &d->head;
	region = find_block(d, &index);
	if (region)
		return region;
	*kind = DSR_RANGE_PRODUCER;
	region = find_handle(d, &index);
	if (region)
		return region;
	*kind = DSR_RANGE_CONSUMER;
	return find_lane(d, &index);
}

static bool read_range(struct dsr_disruptor *d, uint32_t index, struct dsr_range *out)
{
	const struct dsr_region *region;
	struct dsr_region copy;
	enum dsr_range_kind kind;

	pthread_mutex_lock(&d->builder->graph.lock);
	region = find_region(d, index, &kind);
	if (region)
		copy = *region;
	pthread_mutex_unlock(&d->builder->graph.lock);
	/*
	 * The kernel may take its time, and nobody waits for it: who ends wants the
	 * lock. If a consumer's line is unmapped meanwhile, its page is not known.
	 */
	if (region)
		dsr_region_read(&copy, copy.memory.bytes, kind, out, NULL);
	return region;
}

static uint32_t count_ranges(struct dsr_disruptor *d)
{
	enum dsr_range_kind kind;
	uint32_t count = 0;

	pthread_mutex_lock(&d->builder->graph.lock);
	while (find_region(d, count, &kind))
		count++;
	pthread_mutex_unlock(&d->builder->graph.lock);
	return count;
}

static uint32_t count_threads(struct dsr_disruptor *d)
{
	const struct dsr_member *m;
	uint32_t count = 0;

	pthread_mutex_lock(&d->builder->graph.lock);
	for (m = d->builder->graph.members; m; m = m->next)
		count += m->count;
	pthread_mutex_unlock(&d->builder->graph.lock);
	return count;
}

static void read_memory(struct dsr_disruptor *d, struct dsr_placement *out)
{
	const struct dsr_region *slots = &d->slots;
	struct dsr_range range;

	memset(out, 0, sizeof(*out));
	dsr_region_read(slots, slot_bytes(d), DSR_RANGE_SLOTS, &range, &out->locked_bytes);
	out->bytes = slots->memory.bytes + d->head.memory.bytes;
	out->slot_bytes = slot_bytes(d);
	out->stride = d->ring->slots.stride;
	out->node = range.node;
	out->reason = range.reason;
	out->pages = range.pages;
	out->on_node = range.on_node;
	out->elsewhere = range.elsewhere;
	out->unknown = range.unknown;
	out->other_node = range.other_node;
	out->page_size = range.page_size;
	out->huge_bytes = range.huge_bytes;
	out->threads = count_threads(d);
	out->ranges = count_ranges(d);
	out->waits_yield = d->waits_yield;
	out->pages_reason = slots->pages_reason;
	out->lock_reason = slots->locked_reason < 0 ? slots->locked_reason : d->head.locked_reason;
	strcpy(out->choice, d->choice.reason);
}

int dsr_placement_read_sized(struct dsr_disruptor *d, struct dsr_placement *out, size_t size)
{
	struct dsr_placement whole;

	if (!d || !out || size > sizeof(whole))
		return -EINVAL;
	read_memory(d, &whole);
	memcpy(out, &whole, size);
	return 0;
}

int dsr_placement_range_sized(struct dsr_disruptor *d, uint32_t index, struct dsr_range *out,
			      size_t size)
{
	struct dsr_range whole;

	if (!d || !out || size > sizeof(whole) || !read_range(d, index, &whole))
		return -EINVAL;
	memcpy(out, &whole, size);
	return 0;
}

/* Its affinity is not any more what it was when it had pinned itself. */
static bool is_lost(const struct dsr_processor *p)
{
	struct dsr_cpus now;

	/* Relaxed: a moment late is early enough. */
	return p->is_pinned && !dsr_load_relaxed(&p->ended) &&
	       dsr_cpu_affinity(p->tid, &now) == 0 && !dsr_cpus_equal(&now, &p->pinned);
}

static void read_processor(const struct dsr_processor *p, struct dsr_thread_placement *out)
{
	/* Relaxed: a moment late is early enough. The kernel may give an ended thread's id away. */
	int cpus = dsr_load_relaxed(&p->ended) ? -ESRCH : dsr_cpu_allowed(p->tid);

	memset(out, 0, sizeof(*out));
	strcpy(out->name, p->consumer.name);
	strcpy(out->reason, p->reason);
	out->pin = p->handler.pin;
	out->wait = p->handler.wait;
	out->pinned_cpu = p->seat;
	out->cpu = -1;
	out->node = -1;
	out->policy = -1;
	if (cpus < 0)
		return;
	out->tid = p->tid;
	out->cpus = cpus;
	out->cpu = dsr_cpu_of_thread(p->tid);
	if (out->cpu >= 0)
		out->node = out->cpu == p->cpu ? p->node : dsr_topology_node_of(out->cpu);
	out->is_lost = is_lost(p);
	dsr_cpu_policy(p->tid, &out->policy, &out->priority);
}

/* The index-th of all members' threads. */
static int read_thread(struct dsr_disruptor *d, uint32_t index, struct dsr_thread_placement *out)
{
	const struct dsr_member *m;

	pthread_mutex_lock(&d->builder->graph.lock);
	for (m = d->builder->graph.members; m && index >= m->count; m = m->next)
		index -= m->count;
	if (m)
		read_processor(&m->processors[index], out);
	pthread_mutex_unlock(&d->builder->graph.lock);
	return m ? 0 : -EINVAL;
}

int dsr_placement_thread_sized(struct dsr_disruptor *d, uint32_t index,
			       struct dsr_thread_placement *out, size_t size)
{
	struct dsr_thread_placement whole;
	int err;

	if (!d || !out || size > sizeof(whole))
		return -EINVAL;
	err = read_thread(d, index, &whole);
	if (err == 0)
		memcpy(out, &whole, size);
	return err;
}

int dsr_placement_lost(struct dsr_disruptor *d)
{
	const struct dsr_member *m;
	int count = 0;

	if (!d)
		return -EINVAL;
	pthread_mutex_lock(&d->builder->graph.lock);
	for (m = d->builder->graph.members; m; m = m->next)
		for (uint32_t i = 0; i < m->count; i++)
			count += is_lost(&m->processors[i]);
	pthread_mutex_unlock(&d->builder->graph.lock);
	return count;
}

static const char *const kinds[] = {"slots", "sequences", "producer", "consumer"};

static const char *const waits[] = {
	"default",           "busy spin", "busy spin with pause",      "yield", "sleep", "park",
	"spin, yield, park", "monitor",   "the program's own strategy"};

static const char *policy_name(int policy)
{
	switch (policy) {
	case SCHED_OTHER:
		return "other";
	case SCHED_BATCH:
		return "batch";
	case SCHED_IDLE:
		return "idle";
	case SCHED_DEADLINE:
		return "deadline";
	case SCHED_FIFO:
		return "fifo";
	case SCHED_RR:
		return "rr";
	default:
		return "not told";
	}
}

static void put_pages(struct dsr_text *w, uint64_t on_node, uint64_t elsewhere, uint64_t unknown,
		      int node, int other_node)
{
	if (node >= 0)
		dsr_put(w, "; wanted on node %d: %" PRIu64 " are", node, on_node);
	else if (on_node)
		dsr_put(w, "; no node wanted: the first is on node %d", other_node);
	if (elsewhere)
		dsr_put(w, ", %" PRIu64 " elsewhere", elsewhere);
	if (elsewhere && node >= 0)
		dsr_put(w, ", such as node %d", other_node);
	if (unknown)
		dsr_put(w, ", of %" PRIu64 " the node is not known", unknown);
}

static void put_memory(struct dsr_text *w, const struct dsr_placement *m)
{
	dsr_put(w,
		"slots: %" PRIu64 " bytes (%" PRIu64 " x %" PRIu64 ") on %" PRIu64
		" pages of %" PRIu64 " KiB",
		m->slot_bytes, m->slot_bytes / m->stride, m->stride, m->pages, m->page_size / 1024);
	if (m->huge_bytes)
		dsr_put(w, ", %" PRIu64 " KiB of it in huge pages", m->huge_bytes / 1024);
	if (m->locked_bytes)
		dsr_put(w, ", %" PRIu64 " KiB of it locked", m->locked_bytes / 1024);
	put_pages(w, m->on_node, m->elsewhere, m->unknown, m->node, m->other_node);
	if (m->reason < 0)
		dsr_put(w, " (%s)", dsr_strerror(m->reason));
	dsr_put(w, "\nslots' node: %s\n", m->choice);
	if (m->pages_reason < 0)
		dsr_put(w, "slots' pages: not as asked (%s)\n", dsr_strerror(m->pages_reason));
	if (m->lock_reason < 0)
		dsr_put(w, "not locked (%s)\n", dsr_strerror(m->lock_reason));
}

static void put_range(struct dsr_text *w, const struct dsr_range *r)
{
	dsr_put(w, "%s: %" PRIu64 " bytes on %" PRIu64 " pages of %" PRIu64 " KiB", kinds[r->kind],
		r->bytes, r->pages, r->page_size / 1024);
	put_pages(w, r->on_node, r->elsewhere, r->unknown, r->node, r->other_node);
	if (r->reason < 0)
		dsr_put(w, " (%s)", dsr_strerror(r->reason));
	dsr_put(w, "\n");
}

static void put_thread(struct dsr_text *w, const struct dsr_thread_placement *t)
{
	dsr_put(w, "thread %s: ", t->name);
	if (!t->tid) {
		dsr_put(w, "has ended\n");
		return;
	}
	dsr_put(w, "tid %d, ", t->tid);
	if (t->cpu >= 0)
		dsr_put(w, "on CPU %d", t->cpu);
	else
		dsr_put(w, "on a CPU that is not known");
	if (t->node >= 0)
		dsr_put(w, ", node %d", t->node);
	if (t->is_lost)
		dsr_put(w, ", LOST its place");
	if (t->cpus == 1)
		dsr_put(w, ", pinned");
	else
		dsr_put(w, ", free to use %d CPUs", t->cpus);
	if (t->priority)
		dsr_put(w, ", %s priority %d", policy_name(t->policy), t->priority);
	dsr_put(w, "; waits by %s", waits[t->wait]);
	dsr_put(w, "%s%s\n", *t->reason ? "; " : "", t->reason);
}

static void put_text(struct dsr_text *w, struct dsr_disruptor *d)
{
	struct dsr_thread_placement thread;
	struct dsr_placement memory;
	struct dsr_range range;

	read_memory(d, &memory);
	put_memory(w, &memory);
	for (uint32_t i = 1; read_range(d, i, &range); i++)
		put_range(w, &range);
	for (uint32_t i = 0; read_thread(d, i, &thread) == 0; i++)
		put_thread(w, &thread);
	if (memory.waits_yield)
		dsr_put(w, "too few CPUs for those who spin: they yield\n");
}

static void put_json_memory(struct dsr_text *w, const struct dsr_placement *m)
{
	dsr_put(w,
		"\"bytes\": %" PRIu64 ", \"slot_bytes\": %" PRIu64 ", \"stride\": %" PRIu64
		", \"node\": %d, \"reason\": %d, \"pages_reason\": %d, \"lock_reason\": %d"
		", \"locked_bytes\": %" PRIu64 ", \"waits_yield\": %s, \"choice\": ",
		m->bytes, m->slot_bytes, m->stride, m->node, m->reason, m->pages_reason,
		m->lock_reason, m->locked_bytes, m->waits_yield ? "true" : "false");
	dsr_put_quoted(w, m->choice);
}

static void put_json_range(struct dsr_text *w, const struct dsr_range *r)
{
	dsr_put(w,
		"{\"kind\": \"%s\", \"base\": %" PRIuPTR ", \"bytes\": %" PRIu64
		", \"page_size\": %" PRIu64 ", \"huge_bytes\": %" PRIu64 ", \"node\": %d",
		kinds[r->kind], (uintptr_t)r->base, r->bytes, r->page_size, r->huge_bytes, r->node);
	dsr_put(w,
		", \"pages\": %" PRIu64 ", \"on_node\": %" PRIu64 ", \"elsewhere\": %" PRIu64
		", \"unknown\": %" PRIu64 ", \"other_node\": %d, \"reason\": %d}",
		r->pages, r->on_node, r->elsewhere, r->unknown, r->other_node, r->reason);
}

static void put_json_thread(struct dsr_text *w, const struct dsr_thread_placement *t)
{
	dsr_put(w, "{\"name\": ");
	dsr_put_quoted(w, t->name);
	dsr_put(w,
		", \"tid\": %d, \"pinned_cpu\": %d, \"cpu\": %d, \"node\": %d"
		", \"cpus\": %d, \"is_lost\": %s, \"policy\": \"%s\", \"priority\": %d, \"wait\": ",
		t->tid, t->pinned_cpu, t->cpu, t->node, t->cpus, t->is_lost ? "true" : "false",
		policy_name(t->policy), t->priority);
	dsr_put_quoted(w, waits[t->wait]);
	dsr_put(w, ", \"pin\": ");
	dsr_put_pin(w, t->pin);
	dsr_put(w, ", \"reason\": ");
	dsr_put_quoted(w, t->reason);
	dsr_put(w, "}");
}

static void put_json(struct dsr_text *w, struct dsr_disruptor *d)
{
	struct dsr_thread_placement thread;
	struct dsr_placement memory;
	struct dsr_range range;

	read_memory(d, &memory);
	dsr_put(w, "{");
	put_json_memory(w, &memory);
	dsr_put(w, ", \"ranges\": [");
	for (uint32_t i = 0; read_range(d, i, &range); i++) {
		dsr_put(w, i ? ", " : "");
		put_json_range(w, &range);
	}
	dsr_put(w, "], \"threads\": [");
	for (uint32_t i = 0; read_thread(d, i, &thread) == 0; i++) {
		dsr_put(w, i ? ", " : "");
		put_json_thread(w, &thread);
	}
	dsr_put(w, "]}");
}

static int write_report(struct dsr_disruptor *d, char *text, size_t size,
			void (*put)(struct dsr_text *w, struct dsr_disruptor *d))
{
	struct dsr_text w = {.text = text, .size = size};

	if (!d || (!text && size))
		return -EINVAL;
	put(&w, d);
	return (int)w.length;
}

int dsr_placement_text(struct dsr_disruptor *d, char *text, size_t size)
{
	return write_report(d, text, size, put_text);
}

int dsr_placement_json(struct dsr_disruptor *d, char *text, size_t size)
{
	return write_report(d, text, size, put_json);
}
