/* SPDX-License-Identifier: GPL-2.0-only */
/* Page-in latencies: bucket n counts those in [2^n, 2^(n+1)) ns. */
#ifndef TARNCTL_LATENCY_H
#define TARNCTL_LATENCY_H

#include <stdint.h>
#include <stdio.h>

#include <linux/tarn.h>

/** latency_total() - Number of latencies counted. */
uint64_t latency_total(const __u64 *buckets);

/**
 * latency_percentile() - The latency that @percent of all do not exceed.
 *
 * Within a bucket the latencies are taken to be spread evenly, so the result is
 * an estimate that is never off by more than a factor of two.
 *
 * Return: nanoseconds, 0 if there are none.
 */
uint64_t latency_percentile(const __u64 *buckets, double percent);

/**
 * latency_summary() - Write percentiles and, if there are any latencies, the
 * histogram, as wide as the terminal.
 */
void latency_summary(FILE *f, const __u64 *buckets);

/**
 * latency_print() - Draw a histogram, a line a bucket.
 * @width: columns of the terminal
 */
void latency_print(FILE *f, const __u64 *buckets, unsigned int width);

#endif
