/* SPDX-License-Identifier: GPL-2.0-only */
/* How a pool is, in one word, with the reason and what to do about it. */
#ifndef TARNCTL_STATUS_H
#define TARNCTL_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/tarn.h>

#include "sample.h"

/** enum status_word - from best to worst */
enum status_word {
	STATUS_HEALTHY,
	/** guests wait for frames, or will soon */
	STATUS_PRESSED,
	/** part of what it needs has failed */
	STATUS_DEGRADED,
	/** nothing more can be paged out */
	STATUS_FULL,
	/** no pager is at work */
	STATUS_UNSERVED,
	/** a guest has waited for a page for long */
	STATUS_STUCK,
};

/**
 * struct status_facts - what it is judged by
 * @name: of the pool, for what to do
 * @info: its counters
 * @before: those some time ago
 * @rates: since then
 * @working_set: of all partitions, pages
 * @faults: page-ins under way, or an errno if that is not known
 * @oldest: the oldest one
 * @who: what its partition is called
 */
struct status_facts {
	const char *name;
	const struct tarn_pool_info *info;
	const struct tarn_pool_info *before;
	struct sample_rates rates;
	uint64_t working_set;
	int faults;
	struct tarn_fault oldest;
	const char *who;
};

/**
 * struct status - the judgement
 * @word: in one word
 * @reason: a clause that says why
 * @advice: what to do; "": nothing
 */
struct status {
	enum status_word word;
	char reason[320];
	char advice[320];
};

void status_judge(struct status *status, const struct status_facts *facts);

/** status_word() - "healthy" and so on. */
const char *status_word(enum status_word word);

#endif
