/* SPDX-License-Identifier: MIT */
/*
 * Putting memory on a node, in the order that harms nobody: prefer the node,
 * touch, look; and bind only what is there already. Binding first and touching
 * then is the short way, but if the node is full the kernel does not say so: it
 * kills a process, and not always this one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <disruptor/atomic.h>
#include <disruptor/error.h>

#include "cpu.h"
#include "disruptor.h"
#include "node.h"
#include "placement.h"
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

static void read_memory(const struct dsr_disruptor *d, struct dsr_placement *out)
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
	out->threads = d->builder->count;
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

static void read_thread(const struct dsr_processor *c, struct dsr_thread_placement *out)
{
	/* Relaxed: a moment late is early enough. The kernel may give an ended thread's id away. */
	int cpus = dsr_load_relaxed(&c->ended) ? -ESRCH : dsr_cpu_allowed(c->tid);

	memset(out, 0, sizeof(*out));
	strcpy(out->name, c->name);
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

int dsr_placement_thread_sized(struct dsr_disruptor *d, uint32_t index,
			       struct dsr_thread_placement *out, size_t size)
{
	struct dsr_thread_placement whole;

	if (!d || !out || index >= d->builder->count || size > sizeof(whole))
		return -EINVAL;
	read_thread(&d->builder->processors[index], &whole);
	memcpy(out, &whole, size);
	return 0;
}

/* Appends like snprintf(): counts on when the room is used up. */
struct writer {
	char *text;
	size_t size;
	size_t length;
};

static void put(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *w, const char *format, ...)
{
	size_t room = w->size > w->length ? w->size - w->length : 0;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(room ? w->text + w->length : NULL, room, format, arguments);
	va_end(arguments);
	w->length += n > 0 ? (size_t)n : 0;
}

static void put_memory(struct writer *w, const struct dsr_placement *m)
{
	put(w,
	    "slots: %" PRIu64 " bytes (%" PRIu64 " x %" PRIu64 ") on %" PRIu64 " pages of %" PRIu64
	    " KiB",
	    m->slot_bytes, m->slot_bytes / m->stride, m->stride, m->pages, m->page_size / 1024);
	if (m->huge_bytes)
		put(w, ", %" PRIu64 " KiB of it in huge pages", m->huge_bytes / 1024);
	if (m->node >= 0)
		put(w, "; wanted on node %d: %" PRIu64 " are", m->node, m->on_node);
	else if (m->on_node)
		put(w, "; no node wanted: the first is on node %d", m->other_node);
	if (m->elsewhere)
		put(w, ", %" PRIu64 " elsewhere", m->elsewhere);
	if (m->elsewhere && m->node >= 0)
		put(w, ", such as node %d", m->other_node);
	if (m->unknown)
		put(w, ", of %" PRIu64 " the node is not known", m->unknown);
	if (m->reason < 0)
		put(w, " (%s)", dsr_strerror(m->reason));
	put(w, "\n");
}

static void put_thread(struct writer *w, const struct dsr_thread_placement *t)
{
	static const char *const waits[] = {"default", "busy spin", "busy spin with pause", "yield",
					    "sleep"};

	put(w, "thread %s: ", t->name);
	if (!t->tid) {
		put(w, "has ended\n");
		return;
	}
	put(w, "tid %d, ", t->tid);
	if (t->cpu >= 0)
		put(w, "on CPU %d", t->cpu);
	else
		put(w, "on a CPU that is not known");
	if (t->node >= 0)
		put(w, ", node %d", t->node);
	if (t->cpus == 1)
		put(w, ", pinned");
	else
		put(w, ", free to use %d CPUs", t->cpus);
	put(w, "; waits by %s\n", waits[t->wait]);
}

int dsr_placement_text(struct dsr_disruptor *d, char *text, size_t size)
{
	struct writer w = {.text = text, .size = size};
	struct dsr_thread_placement thread;
	struct dsr_placement memory;

	if (!d || (!text && size))
		return -EINVAL;
	read_memory(d, &memory);
	put_memory(&w, &memory);
	for (uint32_t i = 0; i < memory.threads; i++) {
		read_thread(&d->builder->processors[i], &thread);
		put_thread(&w, &thread);
	}
	if (memory.waits_yield)
		put(&w, "one CPU only: spinning strategies yield\n");
	return (int)w.length;
}
