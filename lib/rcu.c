/* SPDX-License-Identifier: MIT */
/*
 * A reader counts up when it begins and when it ends, so its count is odd within.
 * Who has put another gate into its place looks at all counts: of an even one,
 * the next read finds the new gate; an odd one it waits for. Reader and writer
 * each store one word and load the other's, with a full fence between:
 * [READ->GRACE]. The reader's is on a path that reads other cores' lines anyway.
 *
 * liburcu has flavours of RCU that are made for more than this. Its one that wants
 * no registration (urcu-bp, 0.13 to 0.15) ends the process if membarrier(2) is
 * refused after it was granted once, as in a program that puts on a seccomp filter
 * when it has started; and a library that never aborts cannot have that below
 * it. Here the readers are known already, by their handles, and what is left is
 * a dozen lines on liburcu's atomics. (McKenney and Slingwine, 1998, for the
 * idea; Desnoyers et al., 2012, for doing it in user space.)
 */
#include <disruptor/atomic.h>

#include "rcu.h"

void dsr_rcu_read_lock(struct dsr_handle *reader)
{
	/*
	 * [READ->REUSE] Who sees this count and not the one before has to see the read
	 * before it over, too: a relaxed store would cut that one's release off.
	 */
	dsr_store_release(&reader->reads, dsr_load_relaxed(&reader->reads) + 1);
	/* [READ->GRACE] Counted before the gate is looked up. */
	dsr_full_fence();
}

void dsr_rcu_read_unlock(struct dsr_handle *reader)
{
	/* [READ->REUSE] All that was read of the gate, and the limit stored, come before. */
	dsr_store_release(&reader->reads, dsr_load_relaxed(&reader->reads) + 1);
}

static void await_reader(const struct dsr_handle *reader)
{
	/* [REUSE<-READ] What it read, it has read; its limit is to be seen. */
	int64_t began = dsr_load_acquire(&reader->reads);
	uint64_t turn;

	if (began % 2 == 0)
		return;
	/* [REUSE<-READ] likewise */
	for (turn = 0; dsr_load_acquire(&reader->reads) == began; turn++)
		dsr_pass_time(turn);
}

void dsr_rcu_synchronize(struct dsr_ring *ring)
{
	const struct dsr_handle *reader;

	/* [GRACE<-READ] The new gate is in its place before the counts are looked at. */
	dsr_full_fence();
	/* Who comes later takes the lock later, and sees the new gate by it. */
	pthread_mutex_lock(&ring->lock);
	reader = ring->handles;
	pthread_mutex_unlock(&ring->lock);
	for (; reader; reader = reader->next)
		await_reader(reader);
}
