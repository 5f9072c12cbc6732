/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until a word changes, without slowing down who changes it
 *
 * The word may be a stamp or a consumer's sequence; beside it is a count of
 * sleepers. Who sleeps counts itself and then looks at the word once more; who
 * changes the word looks at the count afterwards. Each has stored one word and
 * loads the other, so both orders need a fence between store and load, or both
 * could miss each other and the sleeper would never wake. The changer is the hot
 * side, so the sleeper pays for both: between its two accesses it runs
 * membarrier(2), which makes every running thread of the process execute a full
 * fence. If that falls before the changer's load, the load sees the count; if it
 * falls after it, the change came before it, too, and the sleeper's look sees it:
 * [PARK->WAKE]. So a changer with nobody to wake pays for one load of a word
 * that hardly ever changes.
 *
 * Where membarrier(2) is refused, the count never is 0: DSR_PARK_CAREFUL is in
 * it. Every changer then takes the cold way, and fences there itself.
 *
 * The futex is a count of wakes, not the word: several threads may wait for
 * different values of the word, and a stamp has no futex beside it. A ticket, the
 * count as it was before the last look, keeps a wake that comes between look and
 * sleep from being slept through. (Eventcounts: Reed and Kanodia, 1979.)
 *
 * A program that waits by epoll cannot sleep in a futex. Its bell is an eventfd
 * that is armed at a park, counted there as a sleeper, and rung by the waker. It
 * is rung once, and then has to be armed again.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <disruptor/atomic.h>
#include <disruptor/wait.h>

#include "membarrier.h"
#include "park.h"
#include "wait.h"

#define DSR_PARK_CAREFUL (INT64_C(1) << 62)

/* The half of the count that the kernel looks at: the lower one. */
static uint32_t *futex_of(const struct dsr_park *park)
{
	uint32_t *halves = (uint32_t *)(uintptr_t)&park->wakes;

	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? halves + 1 : halves;
}

void dsr_park_init(struct dsr_park *park, struct dsr_bells *bells, bool careful)
{
	*park = (struct dsr_park){.waiters = careful ? DSR_PARK_CAREFUL : 0, .bells = bells};
}

void dsr_park_enter(struct dsr_park *park)
{
	/* [PARK->WAKE] Counted before the last look at the word; relaxed: the fence orders it. */
	dsr_fetch_add(&park->waiters, 1);
	dsr_heavy_fence();
}

void dsr_park_leave(struct dsr_park *park)
{
	/* Relaxed: a waker that still counts us wakes nobody. */
	dsr_fetch_add(&park->waiters, -1);
}

int64_t dsr_park_ticket(const struct dsr_park *park)
{
	/* [TICKET<-WAKE] A change whose wake is in the ticket is seen by the look after it. */
	return dsr_load_acquire(&park->wakes);
}

void dsr_park_sleep(struct dsr_park *park, int64_t ticket, int64_t deadline)
{
	const struct timespec until = dsr_timespec(deadline);
	int saved = errno;

	/* Woken, too late, interrupted, or woken before: the caller looks in any case. */
	syscall(SYS_futex, futex_of(park), FUTEX_WAIT_BITSET_PRIVATE, (uint32_t)ticket,
		deadline == DSR_FOREVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
	errno = saved;
}

static void signal_fd(int fd)
{
	const uint64_t one = 1;
	int saved = errno;
	ssize_t written = write(fd, &one, sizeof(one));

	/* It cannot fail but by being readable already. */
	(void)written;
	errno = saved;
}

/* With the lock held. */
static void disarm(struct dsr_bells *bells, struct dsr_bell *bell)
{
	/* Relaxed: written under the lock; who reads it without one has fenced before. */
	dsr_fetch_add(&bells->armed, -1);
	dsr_park_leave(bell->park);
	bell->park = NULL;
}

static void ring_bells_at(struct dsr_bells *bells, const struct dsr_park *park)
{
	struct dsr_bell *bell;

	pthread_mutex_lock(&bells->lock);
	for (bell = bells->first; bell; bell = bell->next) {
		if (bell->park != park)
			continue;
		disarm(bells, bell);
		signal_fd(bell->fd);
	}
	pthread_mutex_unlock(&bells->lock);
}

void dsr_park_wake(struct dsr_park *park)
{
	struct dsr_bells *bells = park->bells;
	int saved = errno;

	/*
	 * [WAKE<-PARK] Without membarrier(2) this is what orders the change before the count.
	 * [WAKE->TICKET] And the change before the wake that tells of it.
	 */
	dsr_full_fence();
	/* Relaxed: as above. */
	if ((dsr_load_relaxed(&park->waiters) & ~DSR_PARK_CAREFUL) == 0)
		return;
	dsr_fetch_add(&park->wakes, 1);
	syscall(SYS_futex, futex_of(park), FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
	errno = saved;
	/*
	 * [WAKE<-PARK] A bell is armed before it is counted, and we have seen it counted.
	 */
	dsr_full_fence();
	if (bells && dsr_load_relaxed(&bells->armed))
		ring_bells_at(bells, park);
}

int dsr_bells_init(struct dsr_bells *bells)
{
	bells->first = NULL;
	bells->armed = 0;
	return -pthread_mutex_init(&bells->lock, NULL);
}

void dsr_bells_fini(struct dsr_bells *bells)
{
	pthread_mutex_destroy(&bells->lock);
}

int dsr_bell_init(struct dsr_bells *bells, struct dsr_bell *bell)
{
	int saved = errno;
	int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	int err = fd < 0 ? -errno : 0;

	errno = saved;
	if (err < 0)
		return err;
	bell->fd = fd;
	bell->park = NULL;
	pthread_mutex_lock(&bells->lock);
	bell->next = bells->first;
	bells->first = bell;
	pthread_mutex_unlock(&bells->lock);
	return 0;
}

void dsr_bell_fini(struct dsr_bells *bells, struct dsr_bell *bell)
{
	struct dsr_bell **at;

	pthread_mutex_lock(&bells->lock);
	if (bell->park)
		disarm(bells, bell);
	for (at = &bells->first; *at != bell; at = &(*at)->next)
		;
	*at = bell->next;
	pthread_mutex_unlock(&bells->lock);
	close(bell->fd);
}

void dsr_bell_arm(struct dsr_bells *bells, struct dsr_bell *bell, struct dsr_park *park)
{
	uint64_t count;
	int saved = errno;

	pthread_mutex_lock(&bells->lock);
	if (bell->park && bell->park != park)
		disarm(bells, bell);
	if (!bell->park) {
		ssize_t got = read(bell->fd, &count, sizeof(count));

		/* It is empty now, whether or not it was before. */
		(void)got;
		bell->park = park;
		/* Relaxed: the fence, next, orders it. */
		dsr_fetch_add(&bells->armed, 1);
		/* [PARK->WAKE] Armed before it is counted. */
		dsr_full_fence();
		dsr_park_enter(park);
	}
	pthread_mutex_unlock(&bells->lock);
	errno = saved;
}

void dsr_bell_ring(struct dsr_bells *bells, struct dsr_bell *bell)
{
	pthread_mutex_lock(&bells->lock);
	if (bell->park) {
		disarm(bells, bell);
		signal_fd(bell->fd);
	}
	pthread_mutex_unlock(&bells->lock);
}

bool dsr_bell_is_armed(struct dsr_bells *bells, struct dsr_bell *bell)
{
	bool armed;

	pthread_mutex_lock(&bells->lock);
	armed = bell->park != NULL;
	pthread_mutex_unlock(&bells->lock);
	return armed;
}
