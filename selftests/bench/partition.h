/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of the benchmarks on a partition, which is memory of a kind that is on tarnfs
 * (memory.h), and on its pool. All return 0 or a negative errno.
 */
#ifndef TARN_BENCH_PARTITION_H
#define TARN_BENCH_PARTITION_H

#include <stdint.h>

#include <linux/tarn.h>

struct memory;

int partition_info(const struct memory *memory, struct tarn_partition_info *info);

/* Of the pool that it is in. */
int partition_pool_info(const struct memory *memory, struct tarn_pool_info *info);

/* Be in the sharing domain @name. */
int partition_set_domain(const struct memory *memory, const char *name);

/* One of the calls that take a range, for all pages: TARN_PARTITION_PATTERNS, _SHARE. */
int partition_range(const struct memory *memory, unsigned long call, uint64_t *done);

/* TARN_PARTITION_BALLOON. */
int partition_balloon(const struct memory *memory, uint32_t op, uint64_t start,
		      uint64_t count, uint64_t *done);

#endif
