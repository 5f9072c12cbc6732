/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "sequence.h"

int dsr_sequences_init(struct dsr_sequences *pool, bool careful)
{
	int err = -pthread_mutex_init(&pool->lock, NULL);

	if (err < 0)
		return err;
	err = dsr_bells_init(&pool->bells);
	if (err < 0) {
		pthread_mutex_destroy(&pool->lock);
		return err;
	}
	pool->blocks = NULL;
	pool->careful = careful;
	return 0;
}

void dsr_sequences_fini(struct dsr_sequences *pool)
{
	while (pool->blocks) {
		struct dsr_sequence_block *block = pool->blocks;

		pool->blocks = block->next;
		dsr_region_release(&block->region);
		free(block);
	}
	dsr_bells_fini(&pool->bells);
	pthread_mutex_destroy(&pool->lock);
}

/* With the lock held, or before anybody else can take it. */
static struct dsr_sequence_block *add_block(struct dsr_sequences *pool,
					    struct dsr_sequence *sequences, uint32_t count)
{
	int saved = errno;
	struct dsr_sequence_block *block = calloc(1, sizeof(*block));

	errno = saved;
	if (!block)
		return NULL;
	block->sequences = sequences;
	block->count = count;
	block->next = pool->blocks;
	for (uint32_t i = 0; i < count; i++)
		dsr_park_init(&sequences[i].park, &pool->bells, pool->careful);
	pool->blocks = block;
	return block;
}

int dsr_sequences_add(struct dsr_sequences *pool, struct dsr_sequence *sequences, uint32_t count)
{
	uint32_t most;

	for (; count; count -= most, sequences += most) {
		most = count < DSR_SEQUENCES_A_BLOCK ? count : DSR_SEQUENCES_A_BLOCK;
		if (!add_block(pool, sequences, most))
			return -ENOMEM;
	}
	return 0;
}

/* More of them, placed as the first were. */
static struct dsr_sequence_block *map_block(struct dsr_sequences *pool)
{
	struct dsr_sequence_block *block;
	struct dsr_region region;

	if (dsr_region_take(&region, DSR_SEQUENCES_A_BLOCK * sizeof(struct dsr_sequence),
			    &pool->wish, NULL) < 0)
		return NULL;
	block = add_block(pool, region.memory.base, DSR_SEQUENCES_A_BLOCK);
	if (block)
		block->region = region;
	else
		dsr_region_release(&region);
	return block;
}

static uint64_t all_of(const struct dsr_sequence_block *block)
{
	return UINT64_MAX >> (64 - block->count);
}

struct dsr_sequence *dsr_sequences_get(struct dsr_sequences *pool, int64_t value)
{
	struct dsr_sequence_block *block;
	struct dsr_sequence *sequence = NULL;

	pthread_mutex_lock(&pool->lock);
	for (block = pool->blocks; block && block->used == all_of(block); block = block->next)
		;
	if (!block)
		block = map_block(pool);
	if (block) {
		int free = __builtin_ctzll(~block->used);

		block->used |= UINT64_C(1) << free;
		sequence = &block->sequences[free];
		/* Relaxed: whoever is to see it, gets it from us by other means. */
		dsr_store_relaxed(&sequence->value, value);
	}
	pthread_mutex_unlock(&pool->lock);
	return sequence;
}

void dsr_sequences_put(struct dsr_sequences *pool, struct dsr_sequence *sequence)
{
	struct dsr_sequence_block *block;

	pthread_mutex_lock(&pool->lock);
	for (block = pool->blocks; block; block = block->next)
		if (sequence >= block->sequences && sequence < block->sequences + block->count)
			block->used &= ~(UINT64_C(1) << (sequence - block->sequences));
	pthread_mutex_unlock(&pool->lock);
}

void dsr_sequences_wake(struct dsr_sequences *pool)
{
	struct dsr_sequence_block *block;

	pthread_mutex_lock(&pool->lock);
	for (block = pool->blocks; block; block = block->next)
		for (uint32_t i = 0; i < block->count; i++)
			dsr_park_wake(&block->sequences[i].park);
	pthread_mutex_unlock(&pool->lock);
}
