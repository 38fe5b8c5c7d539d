/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mapping a block anew, where a process that maps it has a page table for it left from
 * when its pages were small: only where there is none the kernel makes one entry of 2 MiB.
 */
#ifndef TARN_REMAP_H
#define TARN_REMAP_H

#include <linux/mm.h>

struct mempolicy;
struct tarn_partition;
struct tarn_pool;

/**
 * struct tarn_remap - one mapping of a block that is made anew; of a thread
 * @task: the thread
 * @mm: whose mapping, referenced
 * @file: which it is of, referenced
 * @addr: where the block begins in it
 * @first: first page of the block
 * @flags: of the mapping
 * @policy: of the mapping, referenced, on its way from the old one to the new one
 * @allowed: what is there was found to be this mapping, and is replaced
 * @busy: somebody has the address space, or the new mapping would be filled at once
 * @is_gap: it was, and could not be made anew: nothing is there
 */
struct tarn_remap {
	struct task_struct *task;
	struct mm_struct *mm;
	struct file *file;
	unsigned long addr;
	u64 first;
	vm_flags_t flags;
	struct mempolicy *policy;
	bool allowed;
	bool busy;
	bool is_gap;
};

bool tarn_remap_wanted(struct tarn_partition *part, u64 first);
bool tarn_remap_block(struct tarn_remap *remap, struct tarn_partition *part,
		      u64 first);

struct tarn_remap *tarn_remap_current(struct tarn_pool *pool);
unsigned long tarn_remap_check(struct tarn_remap *remap, unsigned long addr);
void tarn_remap_inherit(struct tarn_remap *remap, struct vm_area_struct *vma);

#endif
