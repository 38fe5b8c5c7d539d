/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bringing logical pages into frames, for faults and for read(2) and write(2)
 * alike.
 */
#ifndef TARN_PAGEIN_H
#define TARN_PAGEIN_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/types.h>

struct mm_struct;
struct page;
struct tarn_partition;

/* An empty page gets a frame; a copy with the pager becomes outdated. */
#define TARN_BRING_WRITE	BIT(0)
/* Begin what has to be done, but do not wait for it. */
#define TARN_BRING_NOWAIT	BIT(1)
/* The caller waited before: a load that failed since is its error. */
#define TARN_BRING_TRIED	BIT(2)

int tarn_page_bring(struct tarn_partition *part, u64 index, unsigned int flags,
		    struct mm_struct *mm);
int tarn_page_bring_at(struct tarn_partition *part, u64 index,
		       atomic64_t *entry, unsigned int flags,
		       struct mm_struct *mm);
struct page *tarn_page_lock(struct tarn_partition *part, u64 index,
			    unsigned int flags);
struct page *tarn_page_lock_at(struct tarn_partition *part, u64 index,
			       atomic64_t *entry, unsigned int flags);
struct page *tarn_page_grab_now(struct tarn_partition *part, u64 index,
				unsigned int flags);
struct page *tarn_page_grab(struct tarn_partition *part, u64 index,
			    unsigned int flags);
long tarn_pagein_range(struct tarn_partition *part, u64 start, u64 count,
		       u64 *done);

#endif
