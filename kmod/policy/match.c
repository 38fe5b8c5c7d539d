// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: The search for pages that hold the same
 *
 * A page is hashed with a key of the pool's, and the hash looked up in a table (match_table.h):
 * 8 bytes a place, and no more places than the pool has frames. A look at a page finds
 *
 *	a canon that hashes the same	That is what it may share, if they look equal. If that
 *					has as many sharers as it may have the page becomes
 *					another one.
 *	no place of its own		One is made, if there are few of that hash.
 *	its own place			It holds what it held. Another page of its domain that
 *					hashes the same has held that at a look before, too:
 *					this one becomes a canon, and the other will share
 *					that when the look comes to it.
 *
 * Who changes from one look to the next has no place by his new hash, and is left alone, as
 * long as he does not become what others share already. Nothing in the table is relied on.
 * Pages are compared as a whole when nobody can write to them (page/merge.c); a place that is
 * out of date costs a comparison, and goes when it is met.
 *
 * To share a page that is written to right after costs a comparison, two passes over mappings
 * and a copy, and the first two are paid by who looks. So the scanner passes a leaf by of whose
 * pages many were written to since it had them share: one look at first, each time that it is
 * so again more than twice as many.
 *
 * Domains differ in what they add to the hash, so pages of one are not even compared with
 * those of another.
 */
#include <linux/hash.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "page/block.h"
#include "page/merge.h"
#include "page/share.h"
#include "policy/cold.h"
#include "policy/hash.h"
#include "policy/match.h"
#include "policy/match_table.h"
#include "policy/search.h"
#include "pool/canon.h"
#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/poison.h"
#include "pool/pool.h"
#include "pool/use.h"

/* Pages with places of one hash: one is enough to be found by, and may be gone soon. */
#define SAME_MOST	4
/* Pages that are looked at before others have their turn. */
#define BURST		64
/* Pages of a block that need not be equal to any if it is split. */
#define BLOCK_OTHERS	(TARN_BLOCK_PAGES / 4)
/* Pages of a leaf that were written to, of those that shared, if it is to be passed by. */
#define BREAKS_MANY	(TARN_LEAF_PAGES / 16)
/* Looks that pass it by, at most: some ten minutes, if something is found in each. */
#define BACK_MOST	63

static_assert(BREAKS_MANY <= U8_MAX);

/**
 * struct tarn_match - of a pool
 * @table: whose lock makes who looks one at a time
 * @key: of the hash
 * @pages: that were hashed
 * @ns: time that this took
 */
struct tarn_match {
	struct tarn_match_table table;
	struct tarn_hash_key *key;
	atomic64_t pages;
	atomic64_t ns;
};

/* ---- one leaf ----------------------------------------------------------- */

/**
 * struct look - a look at some pages of a leaf
 * @table: the pool's
 * @part: partition; the caller holds its pin
 * @store: of its domain
 * @leaf: the leaf
 * @even_used: pages that are not cold are looked at as well
 * @block: what becomes of its block, if that is one frame
 * @seen: what is counted
 * @batch: what is to share
 * @hash: of each page of it
 */
struct look {
	struct tarn_match_table *table;
	struct tarn_partition *part;
	struct tarn_partition *store;
	struct tarn_leaf *leaf;
	bool even_used;
	enum { BLOCK_UNSEEN, BLOCK_STAYS, BLOCK_PARTED } block;
	struct tarn_match_seen *seen;
	struct tarn_merge batch;
	u64 hash[TARN_BATCH_MOST];
};

static bool may_share(const struct look *l, u64 e)
{
	return tarn_cold_may_take(l->part, e, l->even_used);
}

/* Of what a page holds now; somebody may be writing to it. False: it can't be read. */
static bool hash_page(const struct tarn_partition *store, struct page *page, u64 *hash)
{
	const void *seen = tarn_poison_look(page, PAGE_SIZE);

	if (!seen)
		return false;
	*hash = tarn_hash_words(store->pool->match->key, seen);
	tarn_poison_looked(seen);
	*hash ^= hash_64(store->id, 64);
	return true;
}

/* The hash of a page that may share. False: it may not, or is one word, which needs no frame. */
static bool hash_of(struct look *l, u64 e, u64 *hash)
{
	struct page *page;
	bool good;
	u64 word;

	if (!may_share(l, e))
		return false;
	page = tarn_frame_get(l->part->pool, tarn_entry_payload(e));
	if (!page)
		return false;
	good = !tarn_pattern_find(page, &word) && hash_page(l->store, page, hash);
	put_page(page);
	l->seen->looked += good;
	return good;
}

/* A frame's page, referenced, of a page that is in one; a guess. */
static struct page *get_page_of(struct tarn_partition *part, u64 index)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 e = entry ? atomic64_read(entry) : 0;

	return tarn_entry_has_frame(e) ?
	       tarn_frame_get(part->pool, tarn_entry_payload(e)) : NULL;
}

/* Do a page and one of another partition hold the same? A guess, before anything is done. */
static bool frames_equal(u64 e, struct tarn_partition *other, u64 index)
{
	struct page *a, *b = NULL;
	bool equal;

	a = tarn_frame_get(other->pool, tarn_entry_payload(e));
	if (a)
		b = get_page_of(other, index);
	equal = a && b && a != b && tarn_poison_equal(a, b);
	if (a)
		put_page(a);
	if (b)
		put_page(b);
	return equal;
}

/* Does another page of the domain still hold the same? */
static bool looks_equal(struct look *l, u64 place, u64 e)
{
	struct tarn_partition *other = tarn_table_owner(l->table, place);

	return other && rcu_access_pointer(other->store) == l->store &&
	       !READ_ONCE(other->leaves_domain) &&
	       frames_equal(e, other, tarn_place_index(place));
}

/*
 * How many others hold the same as a page, of those that hash as it does; no more than @most are
 * looked for. @one: whose one of them is. What says so of who does not any more goes.
 */
static unsigned int equal_others(struct look *l, u64 e, u64 hash, u64 own,
				 unsigned int most, struct tarn_partition **one)
{
	unsigned int i, n = 0;

	for (i = 0; i < TARN_PLACES && n < most; i++) {
		u64 *place = tarn_table_place(l->table, hash, i);

		if (!tarn_place_has_hash(*place, hash) || *place == own ||
		    tarn_table_owner(l->table, *place) == l->store)
			continue;
		if (looks_equal(l, *place, e)) {
			*one = tarn_table_owner(l->table, *place);
			n++;
		} else {
			*place = 0;
		}
	}
	return n;
}

/* What a place is good for that is one of a canon. */
enum use {
	USE_NONE,	/* nothing, now or ever again */
	USE_AWAY,	/* it may be equal, but is in no frame, or in somebody's hand */
	USE_FULL,	/* it is equal, with as many sharers as it may have */
	USE_SHARE,	/* it may be shared */
};

/* Seen before the page is unmapped for it, as many pages may hash as it does. */
static enum use use_of(struct tarn_partition *store, u64 canon, u64 e)
{
	atomic64_t *entry = tarn_partition_entry(store, canon);
	u64 c = entry ? atomic64_read(entry) : 0, example;
	u32 sharers = tarn_canon_sharers(store, canon, &example);

	if (!sharers)
		return USE_NONE;
	if (!tarn_entry_has_frame(c) || tarn_entry_mark(c))
		return USE_AWAY;
	if (!frames_equal(e, store, canon))
		return USE_NONE;
	return sharers < TARN_SHARERS_MOST ? USE_SHARE : USE_FULL;
}

/*
 * Remember a page by what it holds, unless enough others are. Whether the @alike still hold it
 * is of interest only when they would keep it out.
 */
static void remember(struct look *l, u64 index, u64 e, u64 hash, unsigned int alike)
{
	u64 own = tarn_place_make(hash, l->part->member, index);
	struct tarn_partition *one;

	if (alike < SAME_MOST ||
	    equal_others(l, e, hash, own, SAME_MOST, &one) < SAME_MOST)
		*tarn_table_give(l->table, hash) = own;
}

/* What a page may share: a canon, TARN_MERGE_ANEW, or TARN_CANON_NONE. */
static u64 look_up(struct look *l, u64 index, u64 e, u64 hash)
{
	u64 own = tarn_place_make(hash, l->part->member, index);
	bool known = false, away = false, full = false;
	struct tarn_partition *other = NULL;
	u64 canon = TARN_CANON_NONE;
	unsigned int i, alike = 0;

	for (i = 0; i < TARN_PLACES && canon == TARN_CANON_NONE; i++) {
		u64 *place = tarn_table_place(l->table, hash, i);
		enum use use;

		if (!tarn_place_has_hash(*place, hash))
			continue;
		if (*place == own) {
			known = true;
			continue;
		}
		if (tarn_table_owner(l->table, *place) != l->store) {
			alike++;
			continue;
		}
		use = use_of(l->store, tarn_place_index(*place), e);
		if (use == USE_SHARE)
			canon = tarn_place_index(*place);
		away |= use == USE_AWAY;
		/* One tells that there are many such pages. */
		if (use == USE_FULL && full)
			use = USE_NONE;
		full |= use == USE_FULL;
		/* It says what is so no more. */
		if (use == USE_NONE)
			*place = 0;
	}
	if (canon != TARN_CANON_NONE || away)
		return canon;
	if (full)
		return TARN_MERGE_ANEW;
	if (!known) {
		remember(l, index, e, hash, alike);
		return TARN_CANON_NONE;
	}
	if (!equal_others(l, e, hash, own, 1, &other))
		return TARN_CANON_NONE;
	/* That page is to come to it before it is found alone. */
	tarn_search_soon(other);
	return TARN_MERGE_ANEW;
}

/* It did share, or did not: the places of the pages say so. */
static void note(struct look *l, unsigned int i)
{
	u64 index = l->batch.pages.page[i].index, canon = l->batch.canon[i];
	u64 own = tarn_place_make(l->hash[i], l->part->member, index);
	unsigned int n;

	if (canon == TARN_CANON_NONE)
		return;
	for (n = 0; n < TARN_PLACES; n++) {
		u64 *place = tarn_table_place(l->table, l->hash[i], n);

		if (*place == own)
			*place = 0;
	}
	if (test_bit(i, l->batch.anew))
		*tarn_table_give(l->table, l->hash[i]) =
			tarn_place_make(l->hash[i], l->store->member, canon);
}

static void flush(struct look *l)
{
	unsigned int i, n = tarn_merge_flush(&l->batch);

	for (i = 0; i < n; i++)
		note(l, i);
}

/* ---- what is known to be equal without a look ------------------------------ */

/* Of one with more sharers, who has the content many times may find no room for the others. */
static bool has_room(struct tarn_partition *store, u64 canon)
{
	u64 example;

	return tarn_canon_sharers(store, canon, &example) <= TARN_SHARERS_MOST / 2;
}

/**
 * tarn_match_find() - what a page may share that is to be shared
 * @store: of its domain
 * @e: its entry, in a frame that no block is
 * @hash: of what it holds, for tarn_match_note_canon()
 *
 * Context: process, with tarn_match_lock().
 * Return: a canon that there is, if it looks equal; or TARN_MERGE_ANEW.
 */
u64 tarn_match_find(struct tarn_partition *store, u64 e, u64 *hash)
{
	struct tarn_match_table *t = &store->pool->match->table;
	struct page *page = NULL;
	unsigned int i;
	bool good;

	lockdep_assert_held(&t->lock);
	*hash = 0;
	if (tarn_table_make(t, store->pool))
		page = tarn_frame_get(store->pool, tarn_entry_payload(e));
	if (!page)
		return TARN_MERGE_ANEW;
	good = hash_page(store, page, hash);
	put_page(page);
	for (i = 0; good && i < TARN_PLACES; i++) {
		u64 place = *tarn_table_place(t, *hash, i);
		u64 canon = tarn_place_index(place);

		if (tarn_place_has_hash(place, *hash) &&
		    tarn_table_owner(t, place) == store &&
		    use_of(store, canon, e) == USE_SHARE && has_room(store, canon))
			return canon;
	}
	return TARN_MERGE_ANEW;
}

/* What has become a canon is to be found by others. With the lock still. */
void tarn_match_note_canon(struct tarn_partition *store, u64 canon, u64 hash)
{
	struct tarn_match_table *t = &store->pool->match->table;

	lockdep_assert_held(&t->lock);
	if (t->places && hash && canon < BIT(TARN_PLACE_INDEX_BITS))
		*tarn_table_give(t, hash) =
			tarn_place_make(hash, store->member, canon);
}

/* ---- blocks that are one frame ------------------------------------------ */

/*
 * Are all of its pages cold, and can most of them share? Who asks for a look at pages that are
 * used asks for those that are frames of their own: what a block in use is worth nobody gets
 * back.
 */
static bool pays_to_part(struct look *l, u64 first)
{
	unsigned int i, others = 0;

	for (i = 0; i < TARN_BLOCK_PAGES; i++) {
		u64 e = atomic64_read(&l->leaf->entry[i]), hash, word;
		struct page *page;

		if (!tarn_cold_may_take(l->part, e, false))
			return false;
		if (hash_of(l, e, &hash)) {
			others += look_up(l, first + i, e, hash) ==
				  TARN_CANON_NONE;
			continue;
		}
		/* A pattern is as good. */
		page = tarn_frame_get(l->part->pool, tarn_entry_payload(e));
		others += !page || !tarn_pattern_find(page, &word);
		if (page)
			put_page(page);
	}
	return others <= BLOCK_OTHERS;
}

/* False: the page is part of a 2 MiB frame, which stays. */
static bool is_parted(struct look *l, u64 index, u64 e)
{
	if (!tarn_block_is_whole(l->part->pool, e))
		return true;
	if (l->block == BLOCK_UNSEEN) {
		l->block = BLOCK_STAYS;
		if (pays_to_part(l, ALIGN_DOWN(index, TARN_LEAF_PAGES)) &&
		    tarn_block_part(l->part, l->leaf, index))
			l->block = BLOCK_PARTED;
	}
	return l->block == BLOCK_PARTED;
}

/* Others may look, set domains, end, in between. False: there is nothing more to look for. */
static bool let_others(struct look *l)
{
	flush(l);
	tarn_merge_rest(&l->batch);
	mutex_unlock(&l->table->lock);
	cond_resched();
	mutex_lock(&l->table->lock);
	return rcu_access_pointer(l->part->store) == l->store &&
	       !READ_ONCE(l->part->leaves_domain) &&
	       tarn_table_make(l->table, l->part->pool);
}

/* Is one in hand that holds the same, and may be what a page is to share? */
static bool is_in_hand(const struct look *l, u64 hash)
{
	unsigned int i;

	for (i = 0; i < l->batch.pages.count; i++)
		if (l->hash[i] == hash)
			return true;
	return false;
}

static void look_at(struct look *l, u64 index)
{
	atomic64_t *entry = tarn_leaf_entry(l->leaf, index);
	u64 e = atomic64_read(entry), hash, canon;

	if (!may_share(l, e) || !is_parted(l, index, e))
		return;
	/* Another one, if its block was parted just now. */
	e = atomic64_read(entry);
	if (!hash_of(l, e, &hash))
		return;
	canon = look_up(l, index, e, hash);
	if (canon == TARN_MERGE_ANEW && is_in_hand(l, hash)) {
		flush(l);
		canon = look_up(l, index, e, hash);
	}
	/* They are there when something is in hand. */
	if (canon == TARN_CANON_NONE || !tarn_leaf_sums(l->part, l->leaf))
		return;
	if (canon == TARN_MERGE_ANEW && !l->batch.nr_spare) {
		flush(l);
		if (!tarn_merge_prepare(&l->batch))
			return;
	}
	l->hash[l->batch.pages.count] = hash;
	if (tarn_merge_add(&l->batch, index, entry, e, canon) &&
	    tarn_batch_is_full(&l->batch.pages))
		flush(l);
}

static void look_at_leaf(struct look *l, u64 from, u64 to)
{
	u64 i;

	lockdep_assert_held(&l->table->lock);
	if (!tarn_table_make(l->table, l->part->pool))
		return;
	l->block = BLOCK_UNSEEN;
	tarn_merge_begin(&l->batch, l->part, l->store);
	for (i = from; i < min_t(u64, to, BIT(TARN_PLACE_INDEX_BITS)); i++) {
		if (i > from && !(i % BURST) && !let_others(l))
			break;
		look_at(l, i);
	}
	flush(l);
	tarn_merge_rest(&l->batch);
	l->seen->merged += l->batch.merged;
}

/* ---- leaves that do not stay shared --------------------------------------- */

/* Does this look of the scanner pass a leaf by? */
static bool is_put_off(struct tarn_match *m, struct tarn_leaf *leaf)
{
	bool many = READ_ONCE(leaf->breaks) >= BREAKS_MANY;

	lockdep_assert_held(&m->table.lock);
	/* At the last one it is looked at; of what was shared before nothing is said by that. */
	if (leaf->match_wait) {
		WRITE_ONCE(leaf->breaks, 0);
		return --leaf->match_wait;
	}
	WRITE_ONCE(leaf->breaks, 0);
	leaf->match_back = many ? min(2 * leaf->match_back + 1, BACK_MOST) :
				  leaf->match_back / 2;
	leaf->match_wait = many ? leaf->match_back : 0;
	return many;
}

/**
 * tarn_match_leaf() - look for what pages of a leaf may share
 * @part: partition; the caller holds its pin, with an inode
 * @leaf: the leaf
 * @from: first page to look at
 * @to: page after the last one, of the same leaf
 * @even_used: pages that are not cold as well
 * @seen: is added to
 *
 * Does nothing for a partition that is in no domain, or leaves it.
 *
 * Context: process.
 */
void tarn_match_leaf(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 from, u64 to, bool even_used,
		     struct tarn_match_seen *seen)
{
	struct tarn_match *m = part->pool->match;
	struct look *l;
	u64 began, ns;

	lockdep_assert_held_read(&part->pin);
	if (!rcu_access_pointer(part->store) || !part->pool->paging)
		return;
	l = kzalloc(sizeof(*l), GFP_KERNEL);
	if (!l)
		return;
	began = ktime_get_ns();
	l->table = &m->table;
	l->part = part;
	l->leaf = leaf;
	l->even_used = even_used;
	l->seen = seen;
	mutex_lock(&m->table.lock);
	l->store = tarn_store_get(part);
	if (l->store && !READ_ONCE(part->leaves_domain) &&
	    (even_used || !is_put_off(m, leaf))) {
		unsigned int before = seen->looked;

		look_at_leaf(l, from, to);
		atomic64_add(seen->looked - before, &part->search->hashed);
		atomic64_add(seen->looked - before, &m->pages);
	}
	mutex_unlock(&m->table.lock);
	if (l->store) {
		/* Where everything is looked at, nobody is alone for want of a look. */
		if (!even_used)
			seen->merged += tarn_share_turn_back(part, leaf,
					ALIGN_DOWN(from, TARN_LEAF_PAGES));
		tarn_share_reap(l->store);
		tarn_partition_put(l->store);
	}
	kfree(l);
	ns = ktime_get_ns() - began;
	atomic64_add(ns, &part->search->match_ns);
	atomic64_add(ns, &m->ns);
}

/**
 * tarn_match_range() - TARN_PARTITION_SHARE
 * @part: partition; the caller has its inode
 * @start: first page
 * @count: pages, within the file
 * @done: how many of them share a frame since
 *
 * Context: process; any signal ends it.
 * Return: 0; -ENOENT it is in no domain; -ERESTARTSYS.
 */
long tarn_match_range(struct tarn_partition *part, u64 start, u64 count,
		      u64 *done)
{
	struct tarn_leaf *leaf;
	unsigned long at;
	u64 end = start + count;

	if (!rcu_access_pointer(part->store))
		return -ENOENT;
	if (!count)
		return 0;
	xa_for_each_range(&part->leaves, at, leaf, start >> TARN_LEAF_SHIFT,
			  (end - 1) >> TARN_LEAF_SHIFT) {
		u64 first = (u64)at << TARN_LEAF_SHIFT;
		struct tarn_match_seen seen = {};

		down_read(&part->pin);
		tarn_match_leaf(part, leaf, max(start, first),
				min(end, first + TARN_LEAF_PAGES), true, &seen);
		up_read(&part->pin);
		*done += seen.merged;
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
	}
	return 0;
}

/* ---- who takes part ----------------------------------------------------- */

/* A partition is about to be in a domain, or is its store: it gets a number. */
int tarn_match_join(struct tarn_partition *part)
{
	return tarn_table_join(&part->pool->match->table, part);
}

/* It is in none any more, and ends perhaps; its places are out of date. */
void tarn_match_leave(struct tarn_partition *part)
{
	tarn_table_leave(&part->pool->match->table, part);
}

/**
 * tarn_match_set_store() - a partition is in another domain from now on, or in none
 * @part: partition, none of whose pages is shared; the caller holds its domain_lock
 * @store: of the domain, or NULL; the caller's reference is the partition's
 *
 * No look goes on with the old store and finds that the partition leaves it no more.
 *
 * Context: process.
 * Return: the store that it was, and the reference.
 */
struct tarn_partition *tarn_match_set_store(struct tarn_partition *part,
					    struct tarn_partition *store)
{
	struct tarn_match *m = part->pool->match;
	struct tarn_partition *old;

	mutex_lock(&m->table.lock);
	old = rcu_replace_pointer(part->store, store,
				  lockdep_is_held(&part->domain_lock));
	WRITE_ONCE(part->leaves_domain, false);
	mutex_unlock(&m->table.lock);
	return old;
}

/* Nobody looks meanwhile, and no partition that is in a domain is found to leave it. */
void tarn_match_lock(struct tarn_pool *pool)
{
	mutex_lock(&pool->match->table.lock);
}

void tarn_match_unlock(struct tarn_pool *pool)
{
	mutex_unlock(&pool->match->table.lock);
}

/* Looks that began before have ended: what was set before that is heeded. */
void tarn_match_synchronize(struct tarn_pool *pool)
{
	tarn_match_lock(pool);
	tarn_match_unlock(pool);
}

u64 tarn_match_pages(struct tarn_pool *pool)
{
	return atomic64_read(&pool->match->pages);
}

u64 tarn_match_ns(struct tarn_pool *pool)
{
	return atomic64_read(&pool->match->ns);
}

int tarn_match_create(struct tarn_pool *pool)
{
	struct tarn_match *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return -ENOMEM;
	m->key = kvmalloc(sizeof(*m->key), GFP_KERNEL);
	if (!m->key) {
		kfree(m);
		return -ENOMEM;
	}
	get_random_bytes(m->key, sizeof(*m->key));
	tarn_table_init(&m->table);
	pool->match = m;
	return 0;
}

/* The mount ends; nobody is in any domain. */
void tarn_match_destroy(struct tarn_pool *pool)
{
	struct tarn_match *m = pool->match;

	if (!m)
		return;
	tarn_table_destroy(&m->table);
	kvfree_sensitive(m->key, sizeof(*m->key));
	kfree(m);
	pool->match = NULL;
}
