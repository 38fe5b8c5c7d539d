// SPDX-License-Identifier: GPL-2.0-only
/* See merge.h. */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "page/merge.h"
#include "page/reserve.h"
#include "pager/drop.h"
#include "pool/canon.h"
#include "pool/copy.h"
#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/use.h"

void tarn_merge_begin(struct tarn_merge *m, struct tarn_partition *part,
		      struct tarn_partition *store)
{
	tarn_batch_begin(&m->pages, part, TARN_MARK_OUT);
	m->store = store;
	m->nr_spare = 0;
	m->more = 1;
	m->used = 0;
	m->merged = 0;
	m->dropped = 0;
}

/**
 * tarn_merge_prepare() - make canons for pages that are to be added anew
 * @m: nothing in hand: there has to be memory, and pages in hand are locked
 *
 * Each time it is twice as many as the time before.
 *
 * Context: process.
 * Return: false without memory, or if there is no place for more.
 */
bool tarn_merge_prepare(struct tarn_merge *m)
{
	unsigned int i;

	WARN_ON_ONCE(m->pages.count);
	for (i = 0; i < m->more && m->nr_spare < TARN_BATCH_MOST; i++) {
		u64 canon = tarn_canon_create(m->store);

		if (canon == TARN_CANON_NONE)
			break;
		m->spare[m->nr_spare++] = canon;
	}
	m->more = min(2 * m->more, TARN_BATCH_MOST);
	return m->nr_spare;
}

/**
 * tarn_merge_rest() - give back canons that were made for nothing
 * @m: nothing in hand; it may be used on
 *
 * As many as were needed are made the next time.
 */
void tarn_merge_rest(struct tarn_merge *m)
{
	WARN_ON_ONCE(m->pages.count);
	while (m->nr_spare)
		tarn_canon_destroy(m->store, m->spare[--m->nr_spare]);
	m->more = clamp(m->used, 1U, TARN_BATCH_MOST);
	m->used = 0;
}

/* With the page locked. Nor one that leaves its domain, see tarn_match_synchronize(). */
static bool may_share(struct tarn_partition *part, u64 index, struct page *page)
{
	return !tarn_poisoned(page) && !tarn_page_needs_frame(part, index) &&
	       !READ_ONCE(part->leaves_domain);
}

/**
 * tarn_merge_add() - take a page in hand
 * @m: with room, and no page after @index
 * @index: page
 * @entry: its entry
 * @e: what that was, resident and without a mark
 * @canon: what it is to share; or TARN_MERGE_ANEW, for which one was prepared
 *
 * Context: process; does not wait.
 * Return: false if somebody else has it, or it can't.
 */
bool tarn_merge_add(struct tarn_merge *m, u64 index, atomic64_t *entry, u64 e,
		    u64 canon)
{
	struct tarn_partition *part = m->pages.part;
	unsigned int i = m->pages.count;
	bool anew = canon == TARN_MERGE_ANEW;
	struct page *page;

	if (tarn_entry_pinned(e) || (anew && WARN_ON_ONCE(!m->nr_spare)))
		return false;
	page = tarn_batch_lock(&m->pages, entry, e);
	if (!page)
		return false;
	if (!may_share(part, index, page) ||
	    !tarn_batch_add(&m->pages, page, index, entry, e, false)) {
		tarn_batch_unlock(page);
		return false;
	}
	if (anew) {
		canon = m->spare[--m->nr_spare];
		m->used++;
	}
	m->canon[i] = canon;
	__assign_bit(i, m->anew, anew);
	return true;
}

/* It is as the others who share it now, and without a copy, but with a use, of its own. */
static void settle(struct tarn_merge *m, unsigned int i)
{
	struct tarn_partition *part = m->pages.part;
	u64 index = m->pages.page[i].index;
	u64 e = atomic64_read(tarn_partition_entry(part, index));
	u64 to = tarn_canon_entry(m->store, m->canon[i]);

	tarn_batch_settle(part, index, tarn_entry_with_hint(to, tarn_entry_use(e)));
	tarn_partition_add_shared(part, 1);
	tarn_stats_add(part, TARN_STAT_MERGES, 1);
	m->merged++;
}

/* The cookie is dropped when no page is locked any more. */
static void take_copy(struct tarn_merge *m, struct tarn_frame *f)
{
	if (f->copy)
		m->copies[m->dropped++] = f->copy;
	f->copy = TARN_COPY_NONE;
}

/* The page's frame becomes that of an empty canon, which it is the first to share. */
static bool become(struct tarn_merge *m, unsigned int i)
{
	struct tarn_partition *part = m->pages.part, *store = m->store;
	u64 frame = m->pages.page[i].frame, canon = m->canon[i];
	atomic64_t *entry = tarn_partition_entry(store, canon);
	struct tarn_frame *f = tarn_frame(part->pool, frame);
	int nid = tarn_frame_node(part->pool, frame);
	u64 index = m->pages.page[i].index, e, to, word;

	/* It may have been written to until now: what needs no frame is no canon. */
	if (tarn_pattern_find(tarn_frame_page(part->pool, frame), &word))
		return false;
	/* Of a canon without sharers nobody knows. It needs no memory for the first one. */
	if (!tarn_canon_add(store, canon, part, index))
		return false;
	e = atomic64_read(tarn_partition_entry(part, index));
	take_copy(m, f);
	tarn_frame_set_dirty(tarn_frame_page(part->pool, frame));
	f->owner = tarn_owner_page(store->id, canon);
	to = tarn_entry_with_hint(tarn_entry_make(TARN_PAGE_RESIDENT, frame),
				  tarn_entry_hint(e) & TARN_USE_MASK);
	e = tarn_entry_make(TARN_PAGE_EMPTY, 0);
	WARN_ON_ONCE(!tarn_entry_change(store, canon, entry, &e,
					tarn_entry_with_mark(e, TARN_MARK_FILL)));
	e = tarn_entry_with_mark(e, TARN_MARK_FILL);
	WARN_ON_ONCE(!tarn_entry_change(store, canon, entry, &e, to));
	tarn_entry_wake(entry);
	tarn_partition_left(part, frame);
	tarn_partition_came(store, entry, nid);
	settle(m, i);
	return true;
}

/* The page of a canon's frame, locked, if it can be at once; two locks are never waited for. */
static struct page *lock_canon(struct tarn_partition *store, u64 canon)
{
	atomic64_t *entry = tarn_partition_entry(store, canon);
	u64 e = entry ? atomic64_read(entry) : 0;
	u64 frame = tarn_entry_payload(e);
	struct page *page;

	if (!tarn_entry_has_frame(e) || tarn_entry_mark(e))
		return NULL;
	page = tarn_frame_get(store->pool, frame);
	if (!page)
		return NULL;
	if (tarn_entry_is_frame(atomic64_read(entry), frame) &&
	    trylock_page(page)) {
		e = atomic64_read(entry);
		if (tarn_entry_is_frame(e, frame) && !tarn_entry_mark(e))
			return page;
		unlock_page(page);
	}
	put_page(page);
	return NULL;
}

/* The page shares a canon that there is, if it holds the same. Its frame is nobody's then. */
static bool join(struct tarn_merge *m, unsigned int i, struct page *page)
{
	struct tarn_partition *part = m->pages.part;
	u64 frame = m->pages.page[i].frame;
	struct page *canon = lock_canon(m->store, m->canon[i]);
	bool joined;

	if (!canon)
		return false;
	joined = tarn_poison_equal(page, canon) &&
		 tarn_canon_add(m->store, m->canon[i], part,
				m->pages.page[i].index);
	if (joined) {
		take_copy(m, tarn_frame(part->pool, frame));
		tarn_partition_left(part, frame);
		settle(m, i);
	}
	tarn_batch_unlock(canon);
	return joined;
}

/* Unmapped, who holds it shows. True: its frame is to be given back. */
static bool merge(struct tarn_merge *m, unsigned int i)
{
	struct tarn_partition *part = m->pages.part;
	struct page *page = tarn_batch_page(&m->pages, i);
	bool anew = test_bit(i, m->anew), done = false;

	if (tarn_frame_idle(page) && may_share(part, m->pages.page[i].index, page))
		done = anew ? become(m, i) : join(m, i, page);
	if (done)
		return !anew;
	tarn_batch_let_go(&m->pages, i);
	return false;
}

/* What did not become anything; without page locks. */
static void give_up_canon(struct tarn_merge *m, unsigned int i)
{
	if (test_bit(i, m->anew))
		tarn_canon_destroy(m->store, m->canon[i]);
	m->canon[i] = TARN_CANON_NONE;
}

/**
 * tarn_merge_flush() - have what is in hand share what it holds
 * @m: is empty afterwards; its @canon and @anew tell what became of each
 *
 * Context: process; does not wait for I/O.
 * Return: how many pages were in hand.
 */
unsigned int tarn_merge_flush(struct tarn_merge *m)
{
	struct tarn_batch *pages = &m->pages;
	unsigned int i, n = pages->count;
	int section;

	lockdep_assert_held_read(&pages->part->pin);
	if (!n)
		return 0;
	tarn_batch_unmap(pages);
	section = tarn_cookie_begin();
	for (i = 0; i < n; i++) {
		struct page *page = tarn_batch_page(pages, i);
		unsigned int before = m->merged;
		bool spare = merge(m, i);

		unlock_page(page);
		if (spare)
			tarn_frame_release(pages->part->pool,
					   pages->page[i].frame);
		if (m->merged == before)
			give_up_canon(m, i);
	}
	for (i = 0; i < m->dropped; i++)
		tarn_copy_drop(pages->part->pool, m->copies[i]);
	tarn_cookie_end(section);
	pages->count = 0;
	m->dropped = 0;
	return n;
}
