// SPDX-License-Identifier: GPL-2.0-only
/* See restore.h. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "page/claim.h"
#include "page/restore.h"
#include "pager/import.h"
#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/pool.h"
#include "pool/use.h"

/* Checksums that are read at a time. */
#define SUMS	(PAGE_SIZE / sizeof(u32))

/* ---- ranges ------------------------------------------------------------- */

/**
 * struct restoring - a range that is worked on
 * @part: its partition
 * @word: that pages are made of, or
 * @import: that they are in, from
 * @page: of it on, with
 * @sums: checksums of those from
 * @first: this page on
 */
struct restoring {
	struct tarn_partition *part;
	u64 word;
	struct tarn_import *import;
	u64 page;
	const u32 *sums;
	u64 first;
};

static int make_pattern(const struct restoring *r, u64 index, atomic64_t *entry)
{
	struct tarn_partition *part = r->part;
	int ret = tarn_page_claim(part, index, entry);

	if (ret)
		return ret;
	if (!tarn_pattern_keep(part, entry, r->word)) {
		tarn_page_unclaim(part, index, entry);
		return -ENOMEM;
	}
	tarn_entry_settle(part, index, entry, tarn_pattern_entry(r->word));
	tarn_partition_add_pattern(part, 1);
	return 0;
}

static int make_imported(const struct restoring *r, u64 index, atomic64_t *entry)
{
	struct tarn_partition *part = r->part;
	u32 *sums = tarn_leaf_sums(part, tarn_leaf_of(entry));
	int ret = sums ? tarn_page_claim(part, index, entry) : -ENOMEM;
	u64 cookie;

	if (ret)
		return ret;
	cookie = tarn_import_add(r->import, r->page + (index - r->first));
	/* Before the full barrier of the entry's change. */
	WRITE_ONCE(sums[index & (TARN_LEAF_PAGES - 1)], r->sums[index - r->first]);
	tarn_partition_add_paged(part, 1);
	tarn_entry_settle(part, index, entry,
			  tarn_entry_stored(part->pool, cookie));
	return 0;
}

/* From *@at on, which is the first that can't be done if there is an error. */
static int each(const struct restoring *r, u64 *at, u64 end,
		int (*fn)(const struct restoring *r, u64 index, atomic64_t *entry))
{
	int ret = 0;

	while (*at < end && !ret) {
		struct tarn_leaf *leaf = tarn_partition_leaf(r->part, *at, true);
		u64 next = min(end, ALIGN(*at + 1, TARN_LEAF_PAGES));

		if (!leaf)
			return -ENOMEM;
		while (*at < next && !ret) {
			ret = fn(r, *at, tarn_leaf_entry(leaf, *at));
			*at += !ret;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return ret;
}

static u64 end_of(struct tarn_partition *part, u64 start, u64 count)
{
	u64 pages = atomic64_read(&part->pages);

	return start < pages ? start + min(count, pages - start) : start;
}

/* What was done is told, or why nothing was. The end of the file is none. */
static long result(u64 done, int ret)
{
	return done || ret == -ENXIO ? 0 : ret;
}

/**
 * tarn_restore_fill() - TARN_PARTITION_FILL
 * @part: partition; the caller has its inode
 * @f: the call; checked here
 *
 * Context: process.
 * Return: 0 or an errno, see linux/tarn_save.h.
 */
long tarn_restore_fill(struct tarn_partition *part, struct tarn_partition_fill *f)
{
	const struct restoring r = { .part = part, .word = f->word };
	u64 at = f->start;
	int ret;

	if (f->flags || !f->word)
		return -EINVAL;
	if (!part->pool->paging)
		return -ENODEV;
	ret = each(&r, &at, end_of(part, f->start, f->count), make_pattern);
	f->done = at - f->start;
	return result(f->done, ret);
}

/* Some at a time, as many as there is room for their checksums. */
static int import_some(struct restoring *r, u64 *at, u64 end,
		       const u32 __user *from, u32 *sums)
{
	int ret = 0;

	r->sums = sums;
	while (*at < end && !ret) {
		u64 n = min_t(u64, end - *at, SUMS);

		if (copy_from_user(sums, from, n * sizeof(*sums)))
			return -EFAULT;
		r->first = *at;
		ret = each(r, at, *at + n, make_imported);
		r->page += n;
		from += n;
	}
	return ret;
}

static int check(const struct tarn_partition_import *i, u64 count)
{
	u64 page = i->offset >> PAGE_SHIFT;

	if (i->flags || i->reserved)
		return -EINVAL;
	return page > TARN_IMPORT_PAGES || count > TARN_IMPORT_PAGES - page ?
	       -EFBIG : 0;
}

/**
 * tarn_restore_import() - TARN_PARTITION_IMPORT
 * @part: partition; the caller has its inode
 * @i: the call; checked here
 *
 * Context: process.
 * Return: 0 or an errno, see linux/tarn_save.h.
 */
long tarn_restore_import(struct tarn_partition *part,
			 struct tarn_partition_import *i)
{
	struct restoring r = { .part = part, .page = i->offset >> PAGE_SHIFT };
	u64 at = i->start, end = end_of(part, i->start, i->count);
	int ret = check(i, end - i->start);
	u32 *sums;

	if (ret)
		return ret;
	if (!part->pool->paging)
		return -ENODEV;
	sums = kmalloc_array(SUMS, sizeof(*sums), GFP_KERNEL);
	if (!sums)
		return -ENOMEM;
	r.import = tarn_import_get(part, i->fd, offset_in_page(i->offset));
	if (IS_ERR(r.import)) {
		ret = PTR_ERR(r.import);
	} else {
		ret = import_some(&r, &at, end, u64_to_user_ptr(i->sums), sums);
		tarn_import_put(r.import, 1);
	}
	kfree(sums);
	i->done = at - i->start;
	return result(i->done, ret);
}
