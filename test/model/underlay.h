/* SPDX-License-Identifier: MIT */
#ifndef MODEL_UNDERLAY_H
#define MODEL_UNDERLAY_H

/*
 * Included before all else into the sources that are checked: what the library
 * calls below itself is the checker's. The headers come first, with the names
 * that they have.
 */

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <urcu/arch.h>
#include <urcu/compiler.h>
#include <urcu/system.h>
#include <urcu/uatomic.h>

#include "system.h"

/* Assembly is not seen. */
#undef cmm_smp_mb
#define cmm_smp_mb() system_fence()
#undef caa_cpu_relax
/* In wait.c it is a turn of waiting for a store; elsewhere it is a hint and no more. */
#ifdef MODEL_RELAX_AWAITS
#define caa_cpu_relax() model_await()
#else
#define caa_cpu_relax() ((void)0)
#endif

#define pthread_mutex_init(m, a) system_mutex_init(m)
#define pthread_mutex_destroy(m) system_mutex_destroy(m)
#ifdef MODEL_LOCKS_ARE_COARSE
/* Bringing threads up is not what is explored. */
#define pthread_mutex_lock(m) system_mutex_lock(m, false)
#else
#define pthread_mutex_lock(m) system_mutex_lock(m, true)
#endif
#define pthread_mutex_unlock(m)         system_mutex_unlock(m)
#define pthread_cond_init(c, a)         ((void)(c), (void)(a), 0)
#define pthread_cond_destroy(c)         ((void)(c))
#define pthread_cond_wait(c, m)         system_cond_wait(c, m, NULL)
#define pthread_cond_timedwait(c, m, t) system_cond_wait(c, m, t)
#define pthread_cond_broadcast(c)       system_cond_broadcast(c)
#define pthread_create(t, a, body, arg) system_thread_create(t, body, arg)
#define pthread_join(t, result)         system_thread_join(t)
#define pthread_self()                  system_thread_self()
#define pthread_setname_np(t, name)     system_thread_name(name)
#define pthread_sigmask(how, set, old)  ((void)(set), (void)(old))

#define syscall(...)                    system_call(__VA_ARGS__)
#define eventfd(count, flags)           system_eventfd(count)
#define read(fd, buffer, bytes)         system_read(fd, buffer, bytes)
#define write(fd, buffer, bytes)        system_write(fd, buffer, bytes)
#define close(fd)                       system_close(fd)
#define sched_yield()                   model_await()
#define clock_gettime(clock, time)      system_clock(time)
#define clock_nanosleep(c, f, t, left)  system_sleep(t)

#define malloc(bytes)                   system_malloc(bytes)
#define calloc(count, bytes)            system_calloc(count, bytes)
#define aligned_alloc(align, bytes)     system_aligned_alloc(align, bytes)
#define free(block)                     system_free(block)
#undef memcpy
#undef memset
#define memcpy(to, from, bytes)  system_memcpy(to, from, bytes)
#define memset(to, value, bytes) system_memset(to, value, bytes)

#endif
