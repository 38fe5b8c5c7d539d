/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that do checked accesses (work.h) on one memory: each fills its part
 * of the pages, warms up, waits for the word to go, then does a number of
 * accesses or goes on until it is stopped.
 */
#ifndef TARN_BENCH_WORKERS_H
#define TARN_BENCH_WORKERS_H

#include <stddef.h>
#include <stdint.h>

/* As many accesses as there is time for. */
#define WORKERS_ENDLESS UINT64_MAX

/**
 * struct workers_options - what they do
 * @threads: how many, at most 64
 * @write_percent: accesses that write the page
 * @warm: accesses before the start, all threads together
 * @ops: accesses after it, all threads together, or WORKERS_ENDLESS
 * @theta: of the zipf distribution
 * @seed: of contents and sequence
 */
struct workers_options {
	unsigned int threads;
	unsigned int write_percent;
	uint64_t warm;
	uint64_t ops;
	double theta;
	uint64_t seed;
};

#define WORKERS_DEFAULTS                                         \
	{                                                        \
		.threads = 4, .write_percent = 20, .warm = 60000, \
		.ops = 60000, .theta = 0.99, .seed = 1,          \
	}

struct workers;

int workers_create(struct workers **workers, const struct workers_options *opt,
		   void *base, size_t size);

/* Returns when all are filled and warm, and holds them there. */
void workers_wait_warm(struct workers *workers);

/* Lets them go; returns at once. */
void workers_go(struct workers *workers);

/* Ends endless ones. */
void workers_stop(struct workers *workers);

/* Returns when they have done their accesses. */
void workers_wait(struct workers *workers);

/* Pages filled, accesses done, bytes found wrong, so far. */
uint64_t workers_filled(const struct workers *workers);
uint64_t workers_ops(const struct workers *workers);
uint64_t workers_wrong(const struct workers *workers);

void workers_destroy(struct workers *workers);

#endif
