/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Samples of pools for live views: the counters of all partitions at two
 * moments make rates and the latencies of the time between.
 */
#ifndef TARNCTL_SAMPLE_H
#define TARNCTL_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "guest.h"
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
 * @breaks: pages that shared what they hold and were written to
 * @p50: page-in latency that half of them did not exceed, ns; 0: none were
 * @p99: likewise, 99 of 100
 */
struct sample_rates {
	double page_ins;
	double page_outs;
	double drops;
	double refaults;
	double waits;
	double breaks;
	uint64_t p50;
	uint64_t p99;
};

/** Room for the home nodes of a partition; more end with "+". */
#define SAMPLE_HOMES_MAX 16

/**
 * struct sample_pool - a pool
 * @pool: with its counters
 * @list: its partitions
 * @rates: since the sample before
 */
struct sample_pool {
	struct pool pool;
	struct partition_list list;
	struct sample_rates rates;
};

/**
 * struct sample_row - a partition
 * @name: clean text, after its guest or its file
 * @in: its pool
 * @part: its counters; owned by the sample
 * @guest: whose it is, or NULL
 * @rates: since the sample before
 * @homes: its home nodes, as "0,1"; behind "auto:" if they are computed; "-": none
 * @misplaced: pages that are not at home
 */
struct sample_row {
	char *name;
	const struct sample_pool *in;
	const struct partition *part;
	const struct guest *guest;
	struct sample_rates rates;
	char homes[SAMPLE_HOMES_MAX];
	uint64_t misplaced;
};

/**
 * struct sample - pools at one moment
 * @time: CLOCK_MONOTONIC, ns
 * @wall: seconds since the epoch: when it was so
 * @pools: the pools
 * @nr_pools: number of them
 * @rows: partitions of all of them that pass the filter, sorted
 * @nr_rows: number of them
 * @hidden: files and directories that this user may not open
 * @guests: of the host, found some samples ago, as that takes long
 * @guests_time: CLOCK_MONOTONIC, ns
 */
struct sample {
	uint64_t time;
	time_t wall;
	struct sample_pool *pools;
	size_t nr_pools;
	struct sample_row *rows;
	size_t nr_rows;
	size_t hidden;
	struct guests guests;
	uint64_t guests_time;
};

/**
 * sample_begin() - Take a first sample: all rates are 0.
 * @sample: result
 * @pools: their counters are read anew
 * @filter: text that names or paths must have in them, or NULL
 * Return: 0 or an errno, reported; then @sample needs no sample_free().
 */
int sample_begin(struct sample *sample, const struct pool_list *pools,
		 const char *filter);

/**
 * sample_next() - Replace a sample by a newer one. If this fails it stays as it was.
 * Return: 0 or an errno, reported; -ENODATA: the end of what is replayed, not reported.
 */
int sample_next(struct sample *sample, const char *filter);

void sample_free(struct sample *sample);

/**
 * sample_maker - makes a sample in another way than by asking pools
 * @before: the one before, NULL: the first one is made
 * Return: as sample_next().
 */
typedef int sample_maker(struct sample *sample, const struct sample *before,
			 const char *filter);

/** sample_play() - Have @maker make all samples from now on; NULL: pools are asked. */
void sample_play(sample_maker *maker);

/** sample_sleep() - Wait until @seconds after @since (CLOCK_MONOTONIC, ns). */
void sample_sleep(uint64_t since, double seconds);

uint64_t sample_clock(void);

/* Apart for tests. */
bool sample_passes(const struct partition *part, const char *filter);
void sample_homes_format(char *text, const struct homes *homes, bool automatic);
void sample_partition_rates(struct sample_rates *rates,
			    const struct tarn_partition_info *now,
			    const struct tarn_partition_info *before,
			    double seconds);
void sample_pool_rates(struct sample_rates *rates,
		       const struct tarn_pool_info *now,
		       const struct tarn_pool_info *before, double seconds);

#endif
