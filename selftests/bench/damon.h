/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DAMON as a peer of the scanner: monitors a mapping of this process at the
 * finest that it can, a region a page, each looked at once an interval.
 */
#ifndef TARN_BENCH_DAMON_H
#define TARN_BENCH_DAMON_H

#include <stddef.h>
#include <stdint.h>

/**
 * damon_start() - Begin.
 * @base: of the mapping
 * @pages: number of its pages, each a region
 * @interval_us: from one look at a page to the next
 * Return: 0 or a negative errno; -EOPNOTSUPP: this kernel has no DAMON.
 */
int damon_start(const void *base, size_t pages, uint64_t interval_us);

/** damon_cpu_ns() - Processor time that its thread took, or a negative errno. */
int64_t damon_cpu_ns(void);

void damon_stop(void);

#endif
