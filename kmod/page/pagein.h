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

/* An empty page, a pattern, or a shared one gets a frame; a copy with the pager becomes outdated. */
#define TARN_BRING_WRITE	BIT(0)
/* Begin what has to be done, but do not wait for it. */
#define TARN_BRING_NOWAIT	BIT(1)
/* The caller waited before: a load that failed since is its error. */
#define TARN_BRING_TRIED	BIT(2)
/* Somebody else is to tell of the error: who comes next has it as well. */
#define TARN_BRING_UNTOLD	BIT(3)
/* Any signal ends the wait: -ERESTARTSYS. */
#define TARN_BRING_SIGNAL	BIT(4)
/* The same, but see TARN_WAIT_LATE. */
#define TARN_BRING_LATE		BIT(5)
/* An address space stays locked meanwhile: do not wait for a pager to come. */
#define TARN_BRING_LOCKED	BIT(6)
/* The caller is about to make the file longer, or reserves what lies behind its end. */
#define TARN_BRING_BEYOND	BIT(7)
/* No page-in gets a number for it: that of who shares the page has one. */
#define TARN_BRING_UNNUMBERED	BIT(9)
/* To be read only, but in a frame of its own. */
#define TARN_BRING_OWN		BIT(10)
/* For KVM's worker, which asks for each page as if it were written to. */
#define TARN_BRING_WORKER	BIT(11)
/* All of its block is wanted, if that can be a 2 MiB frame. */
#define TARN_BRING_BLOCK	BIT(8)

int tarn_page_bring(struct tarn_partition *part, u64 index, unsigned int flags,
		    struct mm_struct *mm);
int tarn_page_bring_at(struct tarn_partition *part, u64 index,
		       atomic64_t *entry, unsigned int flags,
		       struct mm_struct *mm);
int tarn_page_wait(struct tarn_partition *part, u64 index);
struct page *tarn_page_lock(struct tarn_partition *part, u64 index,
			    unsigned int flags);
struct page *tarn_page_lock_at(struct tarn_partition *part, u64 index,
			       atomic64_t *entry, unsigned int flags);
struct page *tarn_page_grab_now(struct tarn_partition *part, u64 index,
				unsigned int flags, u64 *word);
struct page *tarn_page_grab(struct tarn_partition *part, u64 index,
			    unsigned int flags, u64 *word);
long tarn_pagein_range(struct tarn_partition *part, u64 start, u64 count,
		       u64 *done);

#endif
