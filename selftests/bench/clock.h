/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time for the benchmarks: the monotonic clock in nanoseconds. One reading
 * costs a vDSO call, or a system call where the clock source has no vDSO.
 */
#ifndef TARN_BENCH_CLOCK_H
#define TARN_BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NSEC_PER_SEC 1000000000ULL

static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

#endif
