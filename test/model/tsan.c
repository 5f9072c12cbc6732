/* SPDX-License-Identifier: MIT */
/*
 * What the compiler calls for each access in code that was built with
 * -fsanitize=thread, in place of that sanitizer's own library. Only what the
 * library's code needs: its atomics have 8 bytes, all of them.
 */
#include "checker.h"

#define PC __builtin_return_address(0)

#define PLAIN(bytes)                                               \
	void __tsan_read##bytes(void *at);                         \
	void __tsan_read##bytes(void *at)                          \
	{                                                          \
		race_access((uintptr_t)at, bytes, RACE_READ, PC);  \
	}                                                          \
	void __tsan_write##bytes(void *at);                        \
	void __tsan_write##bytes(void *at)                         \
	{                                                          \
		race_access((uintptr_t)at, bytes, RACE_WRITE, PC); \
	}                                                          \
	void __tsan_unaligned_read##bytes(void *at);               \
	void __tsan_unaligned_read##bytes(void *at)                \
	{                                                          \
		race_access((uintptr_t)at, bytes, RACE_READ, PC);  \
	}                                                          \
	void __tsan_unaligned_write##bytes(void *at);              \
	void __tsan_unaligned_write##bytes(void *at)               \
	{                                                          \
		race_access((uintptr_t)at, bytes, RACE_WRITE, PC); \
	}                                                          \
	void __tsan_read_write##bytes(void *at);                   \
	void __tsan_read_write##bytes(void *at)                    \
	{                                                          \
		race_access((uintptr_t)at, bytes, RACE_WRITE, PC); \
	}                                                          \
	void __tsan_volatile_read##bytes(void *at);                \
	void __tsan_volatile_read##bytes(void *at)                 \
	{                                                          \
		race_access((uintptr_t)at, bytes, RACE_READ, PC);  \
	}                                                          \
	void __tsan_volatile_write##bytes(void *at);               \
	void __tsan_volatile_write##bytes(void *at)                \
	{                                                          \
		race_access((uintptr_t)at, bytes, RACE_WRITE, PC); \
	}

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *at, size_t bytes);
void __tsan_read_range(void *at, size_t bytes)
{
	race_access((uintptr_t)at, bytes, RACE_READ, PC);
}

void __tsan_write_range(void *at, size_t bytes);
void __tsan_write_range(void *at, size_t bytes)
{
	race_access((uintptr_t)at, bytes, RACE_WRITE, PC);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

static enum order order_of(int order)
{
	static const enum order orders[] = {
		[__ATOMIC_RELAXED] = RELAXED, [__ATOMIC_CONSUME] = ACQUIRE,
		[__ATOMIC_ACQUIRE] = ACQUIRE, [__ATOMIC_RELEASE] = RELEASE,
		[__ATOMIC_ACQ_REL] = ACQ_REL, [__ATOMIC_SEQ_CST] = SEQ_CST,
	};

	return orders[order & 7];
}

int64_t __tsan_atomic64_load(int64_t *word, int order);
int64_t __tsan_atomic64_load(int64_t *word, int order)
{
	return memory_load(word, order_of(order), PC);
}

void __tsan_atomic64_store(int64_t *word, int64_t value, int order);
void __tsan_atomic64_store(int64_t *word, int64_t value, int order)
{
	memory_store(word, value, order_of(order), PC);
}

static int64_t add(int64_t before, int64_t operand)
{
	return (int64_t)((uint64_t)before + (uint64_t)operand);
}

static int64_t replace(int64_t before, int64_t operand)
{
	(void)before;
	return operand;
}

int64_t __tsan_atomic64_fetch_add(int64_t *word, int64_t value, int order);
int64_t __tsan_atomic64_fetch_add(int64_t *word, int64_t value, int order)
{
	return memory_modify(word, value, add, order_of(order), PC);
}

int64_t __tsan_atomic64_exchange(int64_t *word, int64_t value, int order);
int64_t __tsan_atomic64_exchange(int64_t *word, int64_t value, int order)
{
	return memory_modify(word, value, replace, order_of(order), PC);
}

int __tsan_atomic64_compare_exchange_strong(int64_t *word, int64_t *expected, int64_t value,
					    int order, int failure);
int __tsan_atomic64_compare_exchange_strong(int64_t *word, int64_t *expected, int64_t value,
					    int order, int failure)
{
	(void)failure;
	return memory_compare(word, expected, value, order_of(order), PC);
}

int64_t __tsan_atomic64_compare_exchange_val(int64_t *word, int64_t expected, int64_t value,
					     int order, int failure);
int64_t __tsan_atomic64_compare_exchange_val(int64_t *word, int64_t expected, int64_t value,
					     int order, int failure)
{
	(void)failure;
	memory_compare(word, &expected, value, order_of(order), PC);
	return expected;
}

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	memory_fence(order_of(order), PC);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}
