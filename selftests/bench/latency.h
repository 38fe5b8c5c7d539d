/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Latencies of single accesses, every one kept, so percentiles are exact.
 */
#ifndef TARN_BENCH_LATENCY_H
#define TARN_BENCH_LATENCY_H

#include <stddef.h>
#include <stdint.h>

/* Sorts @ns and prints "p50_us", "p99_us" and "max_us", a line each. */
void latency_print(uint64_t *ns, size_t count);

#endif
