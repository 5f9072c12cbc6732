/* SPDX-License-Identifier: MIT */
/*
 * Putting memory on a node, in the order that harms nobody: prefer the node,
 * touch, look; and bind only what is there already. Binding first and touching
 * then is the short way, but if the node is full the kernel does not say so: it
 * kills a process, and not always this one.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <disruptor/atomic.h>
#include <disruptor/error.h>

#include "cpu.h"
#include "disruptor.h"
#include "node.h"
#include "placement.h"
#include "text.h"
#include "topology.h"

/* Why pages are not on the node where they were wanted; 0 if all are. */
static int verdict(const struct dsr_node_pages *count)
{
	if (count->elsewhere)
		return -ENOMEM;
	return count->unknown ? count->error : 0;
}

/* The pages are there: hold them to the node, and see that they are on it. */
static int insist(const struct dsr_memory *memory, int node)
{
	struct dsr_node_pages count;
	int err = dsr_node_bind(memory->base, memory->bytes, node);

	if (err < 0)
		return err;
	dsr_node_count(memory->base, memory->bytes, node, &count);
	return verdict(&count);
}

int dsr_placement_take(struct dsr_memory *memory, uint64_t bytes, int node, enum dsr_strictness how,
		       struct dsr_placed *placed)
{
	int err = dsr_memory_map(memory, bytes);

	*placed = (struct dsr_placed){.node = node};
	if (err < 0)
		return err;
	if (node >= 0)
		placed->refused = dsr_node_prefer(memory->base, memory->bytes, node);
	if (how == DSR_REQUIRE)
		err = placed->refused;
	if (err == 0)
		err = dsr_memory_populate(memory);
	if (err == 0 && how == DSR_REQUIRE && node >= 0)
		err = insist(memory, node);
	if (err < 0)
		dsr_memory_unmap(memory);
	return err;
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
	const struct dsr_slots *slots = &d->ring->slots;
	struct dsr_node_pages count;
	int node = d->placed.node;

	memset(out, 0, sizeof(*out));
	out->bytes = d->memory.bytes;
	out->stride = slots->stride;
	out->slot_bytes = slots->stride * (slots->mask + 1);
	out->node = node;
	dsr_node_count(slots->base, out->slot_bytes, node, &count);
	out->reason = d->placed.refused;
	if (node >= 0 && out->reason == 0)
		out->reason = verdict(&count);
	out->pages = count.on_node + count.elsewhere + count.unknown;
	out->on_node = count.on_node;
	out->elsewhere = count.elsewhere;
	out->unknown = count.unknown;
	out->other_node = count.other_node;
	dsr_memory_pages(slots->base, out->slot_bytes, &out->page_size, &out->huge_bytes);
	if (!out->page_size)
		out->page_size = dsr_page_size();
	out->threads = count_threads(d);
	out->waits_yield = d->waits_yield;
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

static void read_processor(const struct dsr_processor *c, struct dsr_thread_placement *out)
{
	/* Relaxed: a moment late is early enough. The kernel may give an ended thread's id away. */
	int cpus = dsr_load_relaxed(&c->ended) ? -ESRCH : dsr_cpu_allowed(c->tid);

	memset(out, 0, sizeof(*out));
	strcpy(out->name, c->consumer.name);
	out->pin = c->handler.pin;
	out->wait = c->handler.wait;
	out->cpu = -1;
	out->node = -1;
	if (cpus < 0)
		return;
	out->tid = c->tid;
	out->cpus = cpus;
	out->cpu = dsr_cpu_of_thread(c->tid);
	if (out->cpu >= 0)
		out->node = out->cpu == c->cpu ? c->node : dsr_topology_node_of(out->cpu);
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

static void put_memory(struct dsr_text *w, const struct dsr_placement *m)
{
	dsr_put(w,
		"slots: %" PRIu64 " bytes (%" PRIu64 " x %" PRIu64 ") on %" PRIu64
		" pages of %" PRIu64 " KiB",
		m->slot_bytes, m->slot_bytes / m->stride, m->stride, m->pages, m->page_size / 1024);
	if (m->huge_bytes)
		dsr_put(w, ", %" PRIu64 " KiB of it in huge pages", m->huge_bytes / 1024);
	if (m->node >= 0)
		dsr_put(w, "; wanted on node %d: %" PRIu64 " are", m->node, m->on_node);
	else if (m->on_node)
		dsr_put(w, "; no node wanted: the first is on node %d", m->other_node);
	if (m->elsewhere)
		dsr_put(w, ", %" PRIu64 " elsewhere", m->elsewhere);
	if (m->elsewhere && m->node >= 0)
		dsr_put(w, ", such as node %d", m->other_node);
	if (m->unknown)
		dsr_put(w, ", of %" PRIu64 " the node is not known", m->unknown);
	if (m->reason < 0)
		dsr_put(w, " (%s)", dsr_strerror(m->reason));
	dsr_put(w, "\n");
}

static void put_thread(struct dsr_text *w, const struct dsr_thread_placement *t)
{
	static const char *const waits[] = {"default",
					    "busy spin",
					    "busy spin with pause",
					    "yield",
					    "sleep",
					    "park",
					    "spin, yield, park",
					    "monitor",
					    "the program's own strategy"};

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
	if (t->cpus == 1)
		dsr_put(w, ", pinned");
	else
		dsr_put(w, ", free to use %d CPUs", t->cpus);
	dsr_put(w, "; waits by %s\n", waits[t->wait]);
}

int dsr_placement_text(struct dsr_disruptor *d, char *text, size_t size)
{
	struct dsr_text w = {.text = text, .size = size};
	struct dsr_thread_placement thread;
	struct dsr_placement memory;

	if (!d || (!text && size))
		return -EINVAL;
	read_memory(d, &memory);
	put_memory(&w, &memory);
	for (uint32_t i = 0; read_thread(d, i, &thread) == 0; i++)
		put_thread(&w, &thread);
	if (memory.waits_yield)
		dsr_put(&w, "too few CPUs for those who spin: they yield\n");
	return (int)w.length;
}
