/* SPDX-License-Identifier: MIT */
#ifndef MODEL_SYSTEM_H
#define MODEL_SYSTEM_H

/* The system and the C library, as far as the library uses them. */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

void model_await(void);

void system_fence(void);
int system_mutex_init(pthread_mutex_t *mutex);
int system_mutex_destroy(pthread_mutex_t *mutex);
int system_mutex_lock(pthread_mutex_t *mutex, bool is_explored);
int system_mutex_unlock(pthread_mutex_t *mutex);
int system_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until);
int system_cond_broadcast(pthread_cond_t *cond);
int system_thread_create(pthread_t *thread, void *(*body)(void *), void *argument);
int system_thread_join(pthread_t thread);
pthread_t system_thread_self(void);
int system_thread_name(const char *name);

long system_call(long number, ...);
int system_eventfd(unsigned int count);
ssize_t system_read(int fd, void *buffer, size_t bytes);
ssize_t system_write(int fd, const void *buffer, size_t bytes);
int system_close(int fd);
int system_clock(struct timespec *now);
void system_sleep(const struct timespec *until);

void *system_malloc(size_t bytes);
void *system_calloc(size_t count, size_t bytes);
void *system_aligned_alloc(size_t align, size_t bytes);
void system_free(void *block);
void *system_memcpy(void *to, const void *from, size_t bytes);
void *system_memset(void *to, int value, size_t bytes);

#endif
