/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages that hold the same as others below them, as runs. */
#ifndef TARN_SAVE_SAME_H
#define TARN_SAVE_SAME_H

#include "mem.h"

/**
 * struct same_run - @count pages.
 * @gpa: of the first one
 * @source: of the one that holds what it does; the next one's follows, and so on
 */
struct same_run {
	u64 gpa;
	u64 source;
	u64 count;
};

/** struct same_list - runs in the order in which they came; zeroed, there are none. */
struct same_list {
	struct same_run *run;
	size_t nr;
	size_t room;
	u64 pages;
};

/** same_add() - 0 or -ENOMEM. */
int same_add(struct same_list *list, u64 gpa, u64 source, u64 count);

/** same_free() - there are none any more. */
void same_free(struct same_list *list);

/**
 * same_find() - the first run that ends behind @gpa, or @nr.
 *
 * For a list whose addresses ascend.
 */
size_t same_find(const struct same_list *list, u64 gpa);

/**
 * same_collect() - which pages of memory share what they hold with one below.
 * @list: none yet
 * @cancel: as of a channel
 *
 * Guest memory stands still. Where nobody knows there is none. Return: 0 or -errno.
 */
int same_collect(struct same_list *list, const struct tarn_mem *mem,
		 const bool *cancel);

#endif
