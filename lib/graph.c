/* SPDX-License-Identifier: MIT */
/*
 * The graph: who follows whom, and what of it producers have to know.
 *
 * Members are handlers, pollers and worker groups. An edge says that one of them
 * sees an event when the other is done with it. Edges that follow from others
 * are left out, so that a barrier has no more sequences to read than it needs.
 * The gate, which producers read, has those that nobody follows: they are never
 * ahead of anybody.
 *
 * Coming and going
 *
 * Producers read the gate under RCU: the one they get stays what it is until they
 * are done with it. A change makes another one, puts it in place, and waits for a
 * grace period, after which nobody uses the old one: [ATTACH->SNAPSHOT]. A
 * producer remembers the limit that it computed and claims up to it without
 * another look, so a gate that is gone may live on in limits.
 *
 * A consumer that comes is put in the gate first, at a place where it grants
 * nobody more than the largest limit there is: what a producer computes with it
 * is no news. After the grace period each limit has either been computed with it,
 * or is stored in its producer's handle, where it can be read (dsr_ring_window()).
 * What the largest of these lets producers overwrite is lost to the new consumer;
 * all behind it is safe, and there it begins.
 *
 * It begins where it likes between that and what is published last. One that it
 * follows may not be there yet, and would be ahead of it no more if it left the
 * gate. So that one stays in the gate until a change finds that it got there.
 *
 * A consumer that goes gives its place to those that it followed: in the barriers
 * of those that followed it, and, if there are none, in the gate. Only after a
 * grace period with that gate its sequence moves to DSR_SEQUENCE_ENDED. Earlier,
 * a producer with the old gate would take the end for a position, and lap those
 * in front. Who has it in a barrier sees it ended and asks for the barrier anew.
 *
 * Nobody allocates to go: the barrier has room for all that were ever in front,
 * and the gate exists twice, the other one being spare.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <disruptor/atomic.h>

#include "graph.h"
#include "probe.h"
#include "rcu.h"

int dsr_graph_init(struct dsr_graph *graph)
{
	*graph = (struct dsr_graph){0};
	return -pthread_mutex_init(&graph->lock, NULL);
}

static void free_list(struct dsr_member *m)
{
	while (m) {
		struct dsr_member *next = m->next;

		dsr_member_free(m);
		m = next;
	}
}

void dsr_graph_fini(struct dsr_graph *graph)
{
	free_list(graph->members);
	free_list(graph->zombies);
	pthread_mutex_destroy(&graph->lock);
}

/* With the lock held, here and in all static functions below. */
static struct dsr_member *find(const struct dsr_graph *graph, const char *name)
{
	struct dsr_member *m;

	for (m = graph->members; m && strcmp(m->name, name) != 0; m = m->next)
		;
	return m;
}

/* A name of @m that somebody else has already, or NULL. */
static const char *taken_name(const struct dsr_graph *graph, const struct dsr_member *m)
{
	const struct dsr_member *other;

	for (other = graph->members; other; other = other->next) {
		if (dsr_member_has_name(other, m->name))
			return m->name;
		for (uint32_t i = 0; i < m->count; i++)
			if (dsr_member_has_name(other, m->processors[i].consumer.name))
				return m->processors[i].consumer.name;
	}
	return NULL;
}

static void append(struct dsr_graph *graph, struct dsr_member *m)
{
	struct dsr_member **at;

	for (at = &graph->members; *at; at = &(*at)->next)
		;
	m->next = NULL;
	*at = m;
}

static int check_names(const struct dsr_graph *graph, const struct dsr_member *m,
		       struct dsr_complaint *complaint)
{
	const char *name = taken_name(graph, m);

	return name ? dsr_complain(complaint, -EEXIST, "handler %s: the name is taken", name) : 0;
}

int dsr_graph_add(struct dsr_graph *graph, struct dsr_member *m, struct dsr_complaint *complaint)
{
	int err = check_names(graph, m, complaint);

	if (err == 0)
		append(graph, m);
	return err;
}

static bool follows(const struct dsr_member *m, const struct dsr_member *other)
{
	for (uint32_t i = 0; i < m->after_count; i++)
		if (m->after[i] == other)
			return true;
	return false;
}

static void add_edge(struct dsr_member *m, struct dsr_member *to)
{
	if (!follows(m, to))
		m->after[m->after_count++] = to;
}

/* Who has the i-th of the names that it follows; NULL, and the complaint says that nobody has. */
static struct dsr_member *named(const struct dsr_graph *graph, const struct dsr_member *m,
				uint32_t i, struct dsr_complaint *complaint)
{
	struct dsr_member *other = find(graph, m->after_names[i]);

	if (other && other->is_alive)
		return other;
	dsr_complain(complaint, -ENOENT, "%s: follows %s, which nobody is", m->name,
		     m->after_names[i]);
	return NULL;
}

/* What it was told to follow. @most: how many there may be, with all behind them. */
static int add_edges(struct dsr_graph *graph, struct dsr_member *m, uint32_t most,
		     struct dsr_complaint *complaint)
{
	struct dsr_member *other;
	uint32_t i;
	int saved = errno;

	/* Those of the last time, if a plan was made before the start. */
	free(m->after);
	m->after_count = 0;
	m->after = calloc(most + 1, sizeof(*m->after));
	errno = saved;
	if (!m->after)
		return dsr_complain(complaint, -ENOMEM, "%s: no memory", m->name);
	for (i = 0; i < m->after_names_count; i++) {
		other = named(graph, m, i, complaint);
		if (!other)
			return complaint->error;
		add_edge(m, other);
	}
	for (other = graph->members; other && !m->names_after; other = other->next)
		if (m->stage && other->stage + 1 == m->stage)
			add_edge(m, other);
	return 0;
}

/* Marks all that those in front of @m follow, at any distance. */
static void mark_in_front(struct dsr_graph *graph, const struct dsr_member *m)
{
	struct dsr_member *other;
	bool more = true;
	uint32_t i, k;

	for (other = graph->members; other; other = other->next)
		other->marked = false;
	for (i = 0; i < m->after_count; i++)
		for (k = 0; k < m->after[i]->after_count; k++)
			m->after[i]->after[k]->marked = true;
	while (more) {
		more = false;
		for (other = graph->members; other; other = other->next)
			for (k = 0; other->marked && k < other->after_count; k++) {
				more = more || !other->after[k]->marked;
				other->after[k]->marked = true;
			}
	}
}

/* Leaves out the edges that follow from others. */
static void reduce(struct dsr_graph *graph, struct dsr_member *m)
{
	uint32_t i, kept = 0;

	mark_in_front(graph, m);
	for (i = 0; i < m->after_count; i++)
		if (!m->after[i]->marked)
			m->after[kept++] = m->after[i];
	m->after_count = kept;
}

static uint32_t count_members(const struct dsr_graph *graph)
{
	const struct dsr_member *m;
	uint32_t count = 0;

	for (m = graph->members; m; m = m->next)
		count++;
	return count;
}

/* Marks whom the ring reaches: all in front of them are reached. */
static void mark_reached(struct dsr_graph *graph)
{
	struct dsr_member *m;
	bool more = true;
	uint32_t i;

	for (m = graph->members; m; m = m->next)
		m->marked = false;
	while (more) {
		more = false;
		for (m = graph->members; m; m = m->next) {
			for (i = 0; i < m->after_count && m->after[i]->marked; i++)
				;
			if (m->marked || i < m->after_count)
				continue;
			m->marked = true;
			more = true;
		}
	}
}

/* Is @other in front of @m, at any distance? */
static bool is_in_front(struct dsr_graph *graph, const struct dsr_member *other,
			const struct dsr_member *m)
{
	if (follows(m, other))
		return true;
	mark_in_front(graph, m);
	return other->marked;
}

/* Whom does it follow that it is in front of? NULL: nobody. */
static const struct dsr_member *closes_circle(struct dsr_graph *graph, const struct dsr_member *m)
{
	for (uint32_t i = 0; i < m->after_count; i++)
		if (m->after[i] == m || is_in_front(graph, m, m->after[i]))
			return m->after[i];
	return NULL;
}

static int find_circle(struct dsr_graph *graph, struct dsr_complaint *complaint)
{
	const struct dsr_member *m, *other;

	mark_reached(graph);
	for (m = graph->members; m && m->marked; m = m->next)
		;
	if (!m)
		return 0;
	for (m = graph->members; m; m = m->next) {
		other = closes_circle(graph, m);
		if (other == m)
			return dsr_complain(complaint, -ELOOP,
					    "%s: follows itself, so it would never see an event",
					    m->name);
		if (other)
			return dsr_complain(complaint, -ELOOP,
					    "%s: follows %s, which follows it in turn, so none of "
					    "them would ever see an event",
					    m->name, other->name);
	}
	return 0;
}

int dsr_graph_resolve(struct dsr_graph *graph, struct dsr_complaint *complaint)
{
	uint32_t count = count_members(graph);
	struct dsr_member *m;
	int err = 0;

	for (m = graph->members; m && err == 0; m = m->next)
		err = add_edges(graph, m, count, complaint);
	if (err == 0)
		err = find_circle(graph, complaint);
	for (m = graph->members; m && err == 0; m = m->next)
		reduce(graph, m);
	return err;
}

/* All sequences of those in front of @m, at any distance, and how many members these are. */
static uint32_t sequences_in_front(struct dsr_graph *graph, const struct dsr_member *m,
				   uint32_t *members)
{
	struct dsr_member *other;
	uint32_t count = 0;

	mark_in_front(graph, m);
	for (uint32_t i = 0; i < m->after_count; i++)
		m->after[i]->marked = true;
	*members = 0;
	for (other = graph->members; other; other = other->next) {
		if (!other->marked)
			continue;
		count += dsr_member_needs(other);
		++*members;
	}
	return count;
}

static int make_barrier(struct dsr_graph *graph, struct dsr_consumer *c)
{
	uint32_t members, sequences = sequences_in_front(graph, c->member, &members);
	struct dsr_barrier *barrier = &c->barrier;
	int saved = errno;

	barrier->sequences = calloc(sequences + 1, sizeof(*barrier->sequences));
	barrier->members = calloc(members + 1, sizeof(*barrier->members));
	errno = saved;
	return barrier->sequences && barrier->members ? 0 : -ENOMEM;
}

static void unref(struct dsr_graph *graph, struct dsr_member *m)
{
	struct dsr_member **at;

	if (--m->refs || m->is_listed)
		return;
	for (at = &graph->zombies; *at != m; at = &(*at)->next)
		;
	*at = m->next;
	dsr_member_put(m, graph->ring);
	dsr_member_free(m);
}

static void fill_barrier(struct dsr_graph *graph, struct dsr_consumer *c)
{
	const struct dsr_member *m = c->member;
	struct dsr_barrier *barrier = &c->barrier;
	uint32_t i, k;

	/* First, or one that is in both would be freed in between. */
	for (i = 0; i < m->after_count; i++)
		m->after[i]->refs++;
	while (barrier->member_count)
		unref(graph, barrier->members[--barrier->member_count]);
	barrier->count = 0;
	for (i = 0; i < m->after_count; i++) {
		barrier->members[barrier->member_count++] = m->after[i];
		for (k = 0; k < m->after[i]->sequence_count; k++)
			barrier->sequences[barrier->count++] = m->after[i]->sequences[k];
	}
}

static void drop_barrier(struct dsr_graph *graph, struct dsr_consumer *c)
{
	c->barrier.count = 0;
	while (c->barrier.member_count)
		unref(graph, c->barrier.members[--c->barrier.member_count]);
}

/* It has its sequences, and so have those in front of it: its consumers' barriers. */
static int connect(struct dsr_graph *graph, struct dsr_member *m)
{
	int err = 0;
	uint32_t i;

	for (i = 0; i < dsr_member_consumers(m) && err == 0; i++) {
		dsr_member_consumer(m, i)->graph = graph;
		err = make_barrier(graph, dsr_member_consumer(m, i));
		if (err == 0)
			fill_barrier(graph, dsr_member_consumer(m, i));
	}
	return err;
}

void dsr_graph_follow(struct dsr_graph *graph, struct dsr_consumer *c)
{
	pthread_mutex_lock(&graph->lock);
	fill_barrier(graph, c);
	pthread_mutex_unlock(&graph->lock);
}

/* Room for the sequences of all there are, and @more. */
static int grow_gates(struct dsr_graph *graph, uint32_t more)
{
	/* Relaxed: written under the lock. */
	struct dsr_gate *old = (void *)(intptr_t)dsr_load_relaxed(&graph->ring->gate);
	const struct dsr_member *m;
	uint32_t room = more;
	int saved = errno;
	struct dsr_gate *gates[2];
	size_t size;

	for (m = graph->members; m; m = m->next)
		room += dsr_member_needs(m);
	if (room <= graph->room)
		return 0;
	size = sizeof(struct dsr_gate) + room * sizeof(struct dsr_sequence *);
	gates[0] = malloc(size);
	gates[1] = malloc(size);
	errno = saved;
	if (!gates[0] || !gates[1]) {
		free(gates[0]);
		free(gates[1]);
		return -ENOMEM;
	}
	gates[0]->count = 0;
	if (old)
		memcpy(gates[0], old, sizeof(*old) + old->count * sizeof(old->sequences[0]));
	/* [ATTACH->SNAPSHOT] The same set, whole, before it is found. */
	dsr_store_release(&graph->ring->gate, (intptr_t)gates[0]);
	if (old)
		dsr_rcu_synchronize(graph->ring);
	free(old);
	free(graph->spare);
	graph->spare = gates[1];
	graph->room = room;
	return 0;
}

/* Is there one behind it that it is, and will be, ahead of? */
static bool is_covered(const struct dsr_graph *graph, const struct dsr_member *m)
{
	const struct dsr_member *other;

	for (other = graph->members; other; other = other->next)
		if (other->is_alive && other->sequences && follows(other, m) &&
		    dsr_member_position(m) >= other->start - 1)
			return true;
	return false;
}

/*
 * Puts the gate in place that the members make now, and returns when nobody has
 * the one before.
 */
static void change_gate(struct dsr_graph *graph)
{
	struct dsr_gate *gate = graph->spare;
	struct dsr_member *m;

	gate->count = 0;
	for (m = graph->members; m; m = m->next) {
		m->gates = m->is_alive && m->sequences && !is_covered(graph, m);
		for (uint32_t i = 0; m->gates && i < m->sequence_count; i++)
			gate->sequences[gate->count++] = m->sequences[i];
	}
	/* Relaxed: written under the lock. */
	graph->spare = (void *)(intptr_t)dsr_load_relaxed(&graph->ring->gate);
	DSR_PROBE_GATE(graph->ring, gate->count);
	/* [ATTACH->SNAPSHOT] The set is whole before a producer finds it. */
	dsr_store_release(&graph->ring->gate, (intptr_t)gate);
	dsr_rcu_synchronize(graph->ring);
}

int dsr_graph_open(struct dsr_graph *graph, struct dsr_ring *ring)
{
	struct dsr_member *m;
	int err;

	graph->ring = ring;
	err = grow_gates(graph, 0);
	/* All have their sequences before any has a barrier. */
	for (m = graph->members; m && err == 0; m = m->next) {
		m->is_listed = true;
		err = dsr_member_take(m, ring, ring->first - 1);
	}
	for (m = graph->members; m && err == 0; m = m->next) {
		err = connect(graph, m);
		dsr_member_place(m, ring->first);
	}
	if (err < 0) {
		dsr_graph_close(graph);
		return err;
	}
	change_gate(graph);
	for (m = graph->members; m; m = m->next)
		if (m->poller)
			dsr_poller_begin(m->poller);
	return 0;
}

void dsr_graph_close(struct dsr_graph *graph)
{
	struct dsr_member *m;

	for (m = graph->members; m; m = m->next)
		if (m->poller)
			dsr_poller_end(m->poller);
	for (m = graph->members; m; m = m->next)
		for (uint32_t i = 0; i < dsr_member_consumers(m); i++)
			drop_barrier(graph, dsr_member_consumer(m, i));
	for (m = graph->members; m; m = m->next)
		dsr_member_put(m, graph->ring);
	/* Relaxed: no thread is left. */
	free((void *)(intptr_t)dsr_load_relaxed(&graph->ring->gate));
	dsr_store_relaxed(&graph->ring->gate, 0);
	free(graph->spare);
	graph->spare = NULL;
	graph->room = 0;
}

int64_t dsr_graph_done(const struct dsr_graph *graph, const struct dsr_sequence **slowest)
{
	/* Relaxed: written under the lock. */
	const struct dsr_gate *gate = (void *)(intptr_t)dsr_load_relaxed(&graph->ring->gate);
	int64_t done = DSR_SEQUENCE_IDLE;

	*slowest = NULL;
	for (uint32_t i = 0; i < gate->count; i++) {
		/* [RECLAIM<-CONSUME] [SHARE<-TAKE] as a producer reads it */
		int64_t value = dsr_load_acquire(&gate->sequences[i]->value);

		if (value < done) {
			done = value;
			*slowest = gate->sequences[i];
		}
	}
	return done;
}

/* In the list and in the gate, where it holds everybody back; then where it begins. */
static int64_t place(struct dsr_graph *graph, struct dsr_member *m, int64_t from,
		     struct dsr_complaint *complaint)
{
	int64_t oldest, now, start;
	int err;

	append(graph, m);
	change_gate(graph);
	err = dsr_ring_window(graph->ring, &oldest, &now);
	if (err < 0)
		return err;
	/* What those in front of it have not seen, they cannot be done with. */
	for (uint32_t i = 0; i < m->after_count; i++)
		if (m->after[i]->start > oldest)
			oldest = m->after[i]->start;
	if (now < oldest)
		now = oldest;
	start = from == DSR_FROM_NOW ? now : from == DSR_FROM_OLDEST ? oldest : from;
	if (start < oldest || start > now)
		return dsr_complain(complaint, -ERANGE,
				    "%s: cannot begin at %" PRId64 ", only from %" PRId64
				    " to %" PRId64,
				    m->name, from, oldest, now);
	dsr_member_place(m, start);
	/* Those in front of it that are there already may leave the gate to it. */
	change_gate(graph);
	return start;
}

static void unlink_member(struct dsr_member **list, struct dsr_member *m)
{
	while (*list != m)
		list = &(*list)->next;
	*list = m->next;
}

static int64_t join(struct dsr_graph *graph, struct dsr_member *m, int64_t from,
		    struct dsr_complaint *complaint)
{
	int64_t oldest;
	int64_t start = check_names(graph, m, complaint);
	bool is_member = false;

	if (start < 0)
		return start;
	start = add_edges(graph, m, count_members(graph), complaint);
	if (start == 0)
		reduce(graph, m);
	if (start == 0)
		start = grow_gates(graph, dsr_member_needs(m));
	/* No limit grows until it has its place, whoever computes one with it. */
	if (start == 0)
		start = dsr_ring_window(graph->ring, &oldest, NULL);
	if (start == 0)
		start = dsr_member_take(m, graph->ring, oldest - 1);
	if (start == 0)
		start = connect(graph, m);
	if (start == 0) {
		/* Nobody is ahead of it before it has a place. */
		m->start = DSR_SEQUENCE_ENDED;
		is_member = true;
		start = place(graph, m, from, complaint);
	}
	if (start >= 0) {
		m->is_listed = true;
		m->refs++;
		if (m->poller)
			dsr_poller_begin(m->poller);
		/* It held everybody where it stood first, and has moved on. */
		dsr_ring_wake(graph->ring);
		return start;
	}
	if (is_member) {
		unlink_member(&graph->members, m);
		change_gate(graph);
	}
	for (uint32_t i = 0; i < dsr_member_consumers(m); i++)
		drop_barrier(graph, dsr_member_consumer(m, i));
	/* Producers that wait for it go on. */
	dsr_ring_wake(graph->ring);
	dsr_member_put(m, graph->ring);
	return start;
}

int dsr_graph_check(struct dsr_graph *graph, const struct dsr_member *m,
		    struct dsr_complaint *complaint)
{
	int err;

	pthread_mutex_lock(&graph->lock);
	err = check_names(graph, m, complaint);
	for (uint32_t i = 0; i < m->after_names_count && err == 0; i++)
		if (!named(graph, m, i, complaint))
			err = complaint->error;
	pthread_mutex_unlock(&graph->lock);
	return err;
}

void dsr_graph_expect(struct dsr_graph *graph, struct dsr_member *m)
{
	m->next = graph->coming;
	graph->coming = m;
}

void dsr_graph_forget(struct dsr_graph *graph, struct dsr_member *m)
{
	pthread_mutex_lock(&graph->lock);
	unlink_member(&graph->coming, m);
	pthread_mutex_unlock(&graph->lock);
}

int64_t dsr_graph_join(struct dsr_graph *graph, struct dsr_member *m, int64_t from,
		       struct dsr_complaint *complaint)
{
	int64_t start;

	pthread_mutex_lock(&graph->lock);
	unlink_member(&graph->coming, m);
	start = join(graph, m, from, complaint);
	pthread_mutex_unlock(&graph->lock);
	return start;
}

/* Those behind it follow what it followed. */
static void bridge(struct dsr_graph *graph, struct dsr_member *gone)
{
	struct dsr_member *m;
	uint32_t i, kept;

	for (m = graph->members; m; m = m->next) {
		if (!follows(m, gone))
			continue;
		for (i = kept = 0; i < m->after_count; i++)
			if (m->after[i] != gone)
				m->after[kept++] = m->after[i];
		m->after_count = kept;
		for (i = 0; i < gone->after_count; i++)
			add_edge(m, gone->after[i]);
		reduce(graph, m);
	}
}

static bool is_anybody_alive(const struct dsr_graph *graph)
{
	const struct dsr_member *m;

	for (m = graph->members; m && !m->is_alive; m = m->next)
		;
	return m;
}

void dsr_graph_leave(struct dsr_graph *graph, struct dsr_member *m)
{
	const struct dsr_sequence *slowest;
	int64_t done;
	uint32_t i;

	pthread_mutex_lock(&graph->lock);
	/* A poller that two threads detach at once. */
	if (!m->is_alive) {
		pthread_mutex_unlock(&graph->lock);
		return;
	}
	done = dsr_graph_done(graph, &slowest);
	m->is_alive = false;
	bridge(graph, m);
	if (slowest && !is_anybody_alive(graph))
		dsr_ring_abandon(graph->ring, done);
	change_gate(graph);
	for (i = 0; i < m->sequence_count; i++) {
		/*
		 * [CONSUME->RECLAIM] [CONSUME->FOLLOW] Done with all events, for good.
		 * What takes its place is there already.
		 */
		dsr_store_release(&m->sequences[i]->value, DSR_SEQUENCE_ENDED);
		dsr_park_notify(&m->sequences[i]->park);
	}
	for (i = 0; i < dsr_member_consumers(m); i++)
		drop_barrier(graph, dsr_member_consumer(m, i));
	pthread_mutex_unlock(&graph->lock);
	/* Who waited for its group's other sequences, or for anybody else in its place. */
	dsr_ring_wake(graph->ring);
}

void dsr_graph_remove(struct dsr_graph *graph, struct dsr_member *m)
{
	pthread_mutex_lock(&graph->lock);
	/* Unless another thread was faster. */
	if (m->is_listed) {
		unlink_member(&graph->members, m);
		m->next = graph->zombies;
		graph->zombies = m;
		m->is_listed = false;
	}
	unref(graph, m);
	pthread_mutex_unlock(&graph->lock);
}

struct dsr_member *dsr_graph_find(struct dsr_graph *graph, const char *name)
{
	struct dsr_member *m;

	pthread_mutex_lock(&graph->lock);
	m = find(graph, name);
	if (m)
		m->refs++;
	pthread_mutex_unlock(&graph->lock);
	return m;
}

struct dsr_member *dsr_graph_first(struct dsr_graph *graph,
				   bool (*wants)(const struct dsr_member *))
{
	struct dsr_member *m;

	pthread_mutex_lock(&graph->lock);
	for (m = graph->members; m && !wants(m); m = m->next)
		;
	if (m)
		m->refs++;
	pthread_mutex_unlock(&graph->lock);
	return m;
}

void dsr_graph_unref(struct dsr_graph *graph, struct dsr_member *m)
{
	pthread_mutex_lock(&graph->lock);
	unref(graph, m);
	pthread_mutex_unlock(&graph->lock);
}
