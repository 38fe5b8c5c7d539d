/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Samples of a pool for live views: the counters of all partitions at two
 * moments make rates and the latencies of the time between.
 */
#ifndef TARNCTL_SAMPLE_H
#define TARNCTL_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "home.h"
#include "partition.h"
#include "pool.h"

/**
 * struct sample_rates - events a second
 * @page_ins: pages read
 * @page_outs: pages written
 * @drops: pages given up without I/O
 * @refaults: pages read that had been given up a short while before
 * @waits: times that a thread waited, for a frame or a page
 * @p50: page-in latency that half of them did not exceed, ns; 0: none were
 * @p99: likewise, 99 of 100
 */
struct sample_rates {
	double page_ins;
	double page_outs;
	double drops;
	double refaults;
	double waits;
	uint64_t p50;
	uint64_t p99;
};

/** Room for the home nodes of a partition; more end with "+". */
#define SAMPLE_HOMES_MAX 16

/**
 * struct sample_row - a partition
 * @name: clean text
 * @part: its counters; owned by the sample
 * @rates: since the sample before
 * @homes: its home nodes, as "0,1"; behind "auto:" if they are computed; "-": none
 * @misplaced: pages that are not at home
 */
struct sample_row {
	char *name;
	const struct partition *part;
	struct sample_rates rates;
	char homes[SAMPLE_HOMES_MAX];
	uint64_t misplaced;
};

/**
 * struct sample - a pool at one moment
 * @pool: the pool with its counters
 * @time: CLOCK_MONOTONIC, ns
 * @wall: seconds since the epoch: when it was so
 * @list: its partitions
 * @rows: one a partition, sorted
 * @rates: of the pool, since the sample before
 */
struct sample {
	struct pool pool;
	uint64_t time;
	time_t wall;
	struct partition_list list;
	struct sample_row *rows;
	struct sample_rates rates;
};

/**
 * sample_take() - Take a sample.
 * @sample: result
 * @pool: its counters are read anew
 * @before: an older sample of the pool, NULL for none: all rates are 0 then
 * Return: 0 or an errno, reported; then @sample needs no sample_free(). -ENODATA: the
 * end of what is replayed, not reported.
 */
int sample_take(struct sample *sample, const struct pool *pool,
		const struct sample *before);
void sample_free(struct sample *sample);

/**
 * sample_play() - Have something else make all samples from now on.
 * @take: makes the sample behind @before, as sample_take() does; NULL: sample_take() again
 */
void sample_play(int (*take)(struct sample *sample, const struct sample *before));

/** sample_sleep() - Wait until @seconds after @since (CLOCK_MONOTONIC, ns). */
void sample_sleep(uint64_t since, double seconds);

uint64_t sample_clock(void);

/* Apart for tests. */
void sample_homes_format(char *text, const struct homes *homes, bool automatic);
void sample_partition_rates(struct sample_rates *rates,
			    const struct tarn_partition_info *now,
			    const struct tarn_partition_info *before,
			    double seconds);
void sample_pool_rates(struct sample_rates *rates,
		       const struct tarn_pool_info *now,
		       const struct tarn_pool_info *before, double seconds);

#endif
