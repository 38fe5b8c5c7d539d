// SPDX-License-Identifier: GPL-2.0-only
/*
 * See copy.h. What is to be shared is brought, shares a canon or becomes one (merge.h), and
 * the empty page becomes one more sharer (canon.h). As with pages that are found equal this is
 * done under the lock of who looks for such: no partition leaves its domain meanwhile.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "page/ahead.h"
#include "page/claim.h"
#include "page/merge.h"
#include "page/pagein.h"
#include "page/share.h"
#include "policy/copy.h"
#include "policy/match.h"
#include "pool/canon.h"
#include "pool/chunk.h"
#include "pool/copy.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/use.h"

/* A source that goes out again so often is in somebody's hand. */
#define TRIES	16

/**
 * struct copying - pages that come to share
 * @part: their partition; the caller has its inode
 * @store: of its domain, referenced
 * @merge: for a source that nobody shares yet
 */
struct copying {
	struct tarn_partition *part;
	struct tarn_partition *store;
	struct tarn_merge merge;
};

/* In its frame, with the canon's page locked. */
static int share(struct copying *c, u64 index, atomic64_t *entry, u64 canon)
{
	u64 to = tarn_canon_entry(c->store, canon);
	struct tarn_partition *part = c->part;
	int ret = tarn_page_claim(part, index, entry);

	if (ret)
		return ret;
	if (!tarn_canon_add(c->store, canon, part, index)) {
		tarn_page_unclaim(part, index, entry);
		return -EBUSY;
	}
	tarn_partition_add_shared(part, 1);
	tarn_entry_settle(part, index, entry, tarn_entry_with_hint(to, TARN_USE_FIRST));
	return 0;
}

/* -EAGAIN: what it shares is in no frame, or in somebody's hand. */
static int share_with(struct copying *c, u64 index, atomic64_t *entry,
		      atomic64_t *source, u64 e)
{
	u64 canon = tarn_canon_of(e);
	struct page *page;
	int ret = -EAGAIN;

	page = tarn_share_lock(c->part, source, e, TARN_BRING_NOWAIT);
	if (page == ERR_PTR(-EHWPOISON))
		return -EIO;
	if (IS_ERR_OR_NULL(page))
		return -EAGAIN;
	if (!tarn_entry_mark(atomic64_read(tarn_share_entry(c->store, e))))
		ret = share(c, index, entry, canon);
	unlock_page(page);
	put_page(page);
	return ret;
}

/*
 * Have the source share a canon that there is, or become one. False: it is held, pinned, or part
 * of a 2 MiB frame.
 */
static bool make_canon(struct copying *c, u64 index, atomic64_t *source, u64 e)
{
	struct tarn_merge *m = &c->merge;
	u64 canon, hash;

	if (tarn_chunk_is_one(c->part->pool, tarn_entry_payload(e)) ||
	    !tarn_leaf_sums(c->part, tarn_leaf_of(source)))
		return false;
	canon = tarn_match_find(c->store, e, &hash);
	tarn_merge_begin(m, c->part, c->store);
	if (canon == TARN_MERGE_ANEW && !tarn_merge_prepare(m))
		return false;
	if (tarn_merge_add(m, index, source, e, canon))
		tarn_merge_flush(m);
	tarn_merge_rest(m);
	if (m->merged && canon == TARN_MERGE_ANEW)
		tarn_match_note_canon(c->store, m->canon[0], hash);
	return m->merged;
}

/* One try, with the source in a frame a moment ago. */
static int try_copy(struct copying *c, u64 index, atomic64_t *entry, u64 from,
		    atomic64_t *source)
{
	u64 e = atomic64_read(source);

	if (tarn_entry_mark(e))
		return -EAGAIN;
	if (tarn_entry_has_frame(e)) {
		if (!make_canon(c, from, source, e))
			return -EBUSY;
		e = atomic64_read(source);
	}
	return tarn_canon_is_of(c->store, e) && !tarn_entry_mark(e) ?
	       share_with(c, index, entry, source, e) : -EAGAIN;
}

/* As a look for equal pages: with the partition's pin, and while nobody leaves a domain. */
static int try_copy_locked(struct copying *c, u64 index, atomic64_t *entry,
			   u64 from, atomic64_t *source)
{
	struct tarn_partition *part = c->part;
	int ret = -ENOENT;

	down_read(&part->pin);
	tarn_match_lock(part->pool);
	if (rcu_access_pointer(part->store) == c->store &&
	    !READ_ONCE(part->leaves_domain))
		ret = try_copy(c, index, entry, from, source);
	tarn_match_unlock(part->pool);
	up_read(&part->pin);
	return ret;
}

/* Has its content no frame, whoever reads it? */
static bool is_known(atomic64_t *source)
{
	return !source || tarn_entry_is_known(atomic64_read(source));
}

/* Is it, or what it shares, with a pager that is not there? */
static bool is_out_of_reach(struct copying *c, atomic64_t *source)
{
	u64 e = atomic64_read(source);

	if (tarn_canon_is_of(c->store, e))
		source = tarn_share_entry(c->store, e);
	e = source ? atomic64_read(source) : 0;
	return tarn_entry_is_stored(e) && !tarn_copy_reachable(c->part->pool, e);
}

static int copy_one(struct copying *c, u64 index, u64 from)
{
	struct tarn_leaf *leaf = tarn_partition_leaf(c->part, index, true);
	atomic64_t *source = tarn_partition_entry(c->part, from), *entry;
	unsigned int i;
	int ret = 0;
	u64 e;

	if (!leaf || !tarn_leaf_sums(c->part, leaf))
		return -ENOMEM;
	entry = tarn_leaf_entry(leaf, index);
	for (i = 0; i < TRIES && !ret; i++) {
		/* Before a page is read for nothing. */
		e = atomic64_read(entry);
		if (!tarn_entry_is_empty(e))
			return tarn_entry_is_locked(e) ? -EACCES : -EEXIST;
		if (is_known(source) || from == index)
			return -EINVAL;
		if (is_out_of_reach(c, source))
			return -EAGAIN;
		ret = tarn_page_bring_at(c->part, from, source,
					 TARN_BRING_SIGNAL, NULL);
		if (ret)
			break;
		ret = try_copy_locked(c, index, entry, from, source);
		if (ret != -EAGAIN)
			return ret;
		ret = signal_pending(current) ? -ERESTARTSYS : 0;
	}
	return ret ?: -EBUSY;
}

static int copy_all(struct copying *c, u64 start, u64 source, u64 count, u64 *done)
{
	u64 ahead = 0;
	int ret = 0;

	while (*done < count && !ret) {
		tarn_page_ahead_of(c->part, source + *done, source + count, &ahead);
		ret = copy_one(c, start + *done, source + *done);
		*done += !ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return ret;
}

/**
 * tarn_copy_range() - TARN_PARTITION_COPY
 * @part: partition; the caller has its inode
 * @call: the call; checked here
 *
 * Context: process, may sleep for long; any signal ends it.
 * Return: 0 or an errno, see linux/tarn_save.h.
 */
long tarn_copy_range(struct tarn_partition *part, struct tarn_partition_copy *call)
{
	u64 pages = atomic64_read(&part->pages), last = max(call->start, call->source);
	struct copying *c;
	long ret = -ENOENT;

	if (call->flags || call->source >= pages)
		return -EINVAL;
	if (!part->pool->paging)
		return -ENODEV;
	call->done = 0;
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	c->part = part;
	c->store = tarn_store_get(part);
	if (c->store) {
		ret = copy_all(c, call->start, call->source,
			       last < pages ? min(call->count, pages - last) : 0,
			       &call->done);
		tarn_share_reap(c->store);
		tarn_partition_put(c->store);
	}
	kfree(c);
	return call->done || ret == -ENXIO ? 0 : ret;
}
