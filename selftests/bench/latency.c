// SPDX-License-Identifier: GPL-2.0-only
/*
 * Percentiles. See latency.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "latency.h"

static int latency_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void latency_print(uint64_t *ns, size_t count)
{
	if (!count)
		return;
	qsort(ns, count, sizeof(*ns), latency_compare);
	printf("p50_us %.1f\n", (double)ns[count / 2] / 1000);
	printf("p99_us %.1f\n", (double)ns[count - 1 - count / 100] / 1000);
	printf("max_us %.1f\n", (double)ns[count - 1] / 1000);
}
