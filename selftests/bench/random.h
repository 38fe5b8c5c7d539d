/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers of the benchmarks: a 64-bit generator that depends on its
 * seed alone, so that both sides of a comparison walk the same pages, and a
 * zipf distribution drawn in constant time with integers alone (an emulated
 * CPU is slow at floating point).
 */
#ifndef TARN_BENCH_RANDOM_H
#define TARN_BENCH_RANDOM_H

#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t mix64(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static inline uint64_t rng_next(struct rng *rng)
{
	rng->state += 0x9e3779b97f4a7c15ULL;
	return mix64(rng->state);
}

/* Uniform in [0, n), n < 2^32. */
static inline uint32_t rng_below(struct rng *rng, uint32_t n)
{
	return (uint32_t)(((rng_next(rng) >> 32) * n) >> 32);
}

/* Shuffle the numbers 0 .. n-1 into @order. */
void rng_permutation(struct rng *rng, uint32_t *order, uint32_t n);

struct zipf_slot {
	uint32_t cut;
	uint32_t other;
};

/*
 * Walker's alias table: draw a slot, then take its own item or the other one.
 * Ranks are dealt to items at random, so hot items are not neighbours.
 */
struct zipf {
	uint32_t n;
	struct zipf_slot *slots;
};

int zipf_init(struct zipf *zipf, uint32_t n, double theta, struct rng *rng);
/* With ranks dealt by the caller: @order[rank] is the item. It is not the same afterwards. */
int zipf_init_order(struct zipf *zipf, uint32_t n, double theta, uint32_t *order);
void zipf_exit(struct zipf *zipf);

static inline uint32_t zipf_next(const struct zipf *zipf, struct rng *rng)
{
	uint64_t r = rng_next(rng);
	uint32_t i = (uint32_t)(((r >> 32) * zipf->n) >> 32);

	return (uint32_t)r < zipf->slots[i].cut ? i : zipf->slots[i].other;
}

#endif
