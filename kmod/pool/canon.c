// SPDX-License-Identifier: GPL-2.0-only
/* See canon.h. */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "pool/canon.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* Sharers that need no memory besides the canon's; more are kept so many together. */
#define FEW	6
#define SOME	64
/* A canon is so many units, as what each sharer has of it is a whole number up to EXACT. */
#define UNIT	26880U
#define EXACT	8

/* In domain->canons: the last but one sharer left it. */
#define LEFT	XA_MARK_1

static_assert(UNIT % (2 * 3 * 4 * 5 * 7) == 0 && UNIT % TARN_SHARERS_MOST == 0);

/**
 * struct canon - what pages hold that share it
 * @lock: protects the rest; only arrays' locks are taken inside
 * @index: in the store
 * @count: sharers
 * @unit: units that are charged to each of them: to the partition's @share_units, and the
 *	domain's @units
 * @unit_at: @count when that was worked out
 * @lone: there was one at a look of tarn_canon_is_lone(), and no other since
 * @gone: it had sharers, and has none: nobody joins it any more
 * @dead: on the domain's list of those
 * @few: the first sharers, as owners of a frame are written (frame.h)
 * @more: the others, SOME in each element
 * @rcu: for its end
 */
struct canon {
	spinlock_t lock;
	u32 index;
	u32 count;
	u32 unit;
	u32 unit_at;
	bool lone;
	bool gone;
	struct llist_node dead;
	u64 few[FEW];
	struct xarray more;
	struct rcu_head rcu;
};

/* ---- domains ------------------------------------------------------------ */

/**
 * tarn_domain_alloc() - a domain that nobody is in
 * @store: its store
 * @name: its name, which fits
 *
 * Context: process.
 * Return: the domain, which ends with its store; NULL without memory.
 */
struct tarn_domain *tarn_domain_alloc(struct tarn_partition *store,
				      const char *name)
{
	struct tarn_domain *d = kzalloc(sizeof(*d), GFP_KERNEL_ACCOUNT);

	if (!d)
		return NULL;
	INIT_LIST_HEAD(&d->link);
	d->store = store;
	strscpy(d->name, name, sizeof(d->name));
	xa_init_flags(&d->canons, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);
	init_llist_head(&d->dead);
	spin_lock_init(&d->dead_lock);
	return d;
}

static void free_canon(struct canon *c)
{
	unsigned long at;
	void *some;

	xa_for_each(&c->more, at, some)
		kfree(some);
	xa_destroy(&c->more);
	kfree(c);
}

/* Nobody has a reference of its store any more. Who finds that under RCU reads counts only. */
void tarn_domain_empty(struct tarn_domain *domain)
{
	struct canon *c;
	unsigned long at;

	xa_for_each(&domain->canons, at, c)
		free_canon(c);
	WARN_ON_ONCE(atomic64_read(&domain->units));
	xa_destroy(&domain->canons);
}

/**
 * tarn_store_get() - the store of the domain that a partition is in
 * @part: partition
 *
 * While a page of it is shared that one stays its store.
 *
 * Context: any.
 * Return: the store, referenced; NULL: it is in none.
 */
struct tarn_partition *tarn_store_get(struct tarn_partition *part)
{
	struct tarn_partition *store;

	rcu_read_lock();
	store = rcu_dereference(part->store);
	if (store && !kref_get_unless_zero(&store->ref))
		store = NULL;
	rcu_read_unlock();
	return store;
}

/**
 * tarn_canon_store() - the store that something shared is in
 * @pool: the pool
 * @e: entry of a page that shares it, or did
 *
 * Context: any.
 * Return: the store, referenced; NULL: it is gone, so the entry is another one by now.
 */
struct tarn_partition *tarn_canon_store(struct tarn_pool *pool, u64 e)
{
	struct tarn_partition *store;

	store = tarn_partition_find(pool,
				    tarn_entry_payload(e) >> TARN_CANON_BITS);
	if (!store || tarn_partition_is_store(store))
		return store;
	tarn_partition_put(store);
	return NULL;
}

/* The entry of who shares it. */
u64 tarn_canon_entry(const struct tarn_partition *store, u64 canon)
{
	return tarn_entry_make(TARN_PAGE_SHARED,
			       (u64)store->id << TARN_CANON_BITS | canon);
}

/* Does a page with that entry share something of the store? */
bool tarn_canon_is_of(const struct tarn_partition *store, u64 e)
{
	return tarn_entry_is_shared(e) &&
	       tarn_entry_payload(e) >> TARN_CANON_BITS == store->id;
}

/* ---- canons ------------------------------------------------------------- */

static struct canon *find(struct tarn_partition *store, u64 canon)
{
	return xa_load(&store->domain->canons, canon);
}

/**
 * tarn_canon_create() - a place in a store, with an empty page and no sharers
 * @store: the store
 *
 * Context: process.
 * Return: where; TARN_CANON_NONE without memory, or if there is no more place.
 */
u64 tarn_canon_create(struct tarn_partition *store)
{
	struct tarn_domain *d = store->domain;
	struct tarn_leaf *leaf;
	struct canon *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);

	if (!c)
		return TARN_CANON_NONE;
	spin_lock_init(&c->lock);
	xa_init(&c->more);
	/* The lowest that is free, so that leaves are used that are there. */
	if (xa_alloc(&d->canons, &c->index, c,
		     XA_LIMIT(0, TARN_CANONS_MOST - 1), GFP_KERNEL_ACCOUNT)) {
		kfree(c);
		return TARN_CANON_NONE;
	}
	atomic64_inc(&d->count);
	atomic64_add(sizeof(*c), &store->pool->metadata);
	leaf = tarn_partition_leaf(store, c->index, true);
	if (!leaf || !tarn_leaf_sums(store, leaf)) {
		tarn_canon_destroy(store, c->index);
		return TARN_CANON_NONE;
	}
	/* So far reading ahead may go. Nobody sees its size, so it counts for nothing. */
	if (c->index >= atomic64_read(&store->pages))
		atomic64_set(&store->pages, (u64)c->index + 1);
	return c->index;
}

static void free_canon_rcu(struct rcu_head *rcu)
{
	kfree(container_of(rcu, struct canon, rcu));
}

/* It has no sharers, and its page is empty: its place is free. */
void tarn_canon_destroy(struct tarn_partition *store, u64 canon)
{
	struct tarn_domain *d = store->domain;
	struct canon *c = xa_erase(&d->canons, canon);

	if (WARN_ON_ONCE(!c || c->count))
		return;
	atomic64_dec(&d->count);
	atomic64_sub(sizeof(*c), &store->pool->metadata);
	xa_destroy(&c->more);
	call_rcu(&c->rcu, free_canon_rcu);
}

/* One without sharers, that is the caller's to take away; TARN_CANON_NONE: there is none. */
u64 tarn_canon_next_dead(struct tarn_domain *domain)
{
	struct llist_node *first;

	if (llist_empty(&domain->dead))
		return TARN_CANON_NONE;
	spin_lock(&domain->dead_lock);
	first = llist_del_first(&domain->dead);
	spin_unlock(&domain->dead_lock);
	return first ? container_of(first, struct canon, dead)->index :
		       TARN_CANON_NONE;
}

/* ---- who shares --------------------------------------------------------- */

/* Where a sharer is written, or NULL. */
static u64 *slot(struct canon *c, u32 at)
{
	u64 *some;

	lockdep_assert_held(&c->lock);
	if (at < FEW)
		return &c->few[at];
	some = xa_load(&c->more, (at - FEW) / SOME);
	return some ? &some[(at - FEW) % SOME] : NULL;
}

/* Room for one more. It is made under the lock, so there may be none though there is memory. */
static bool make_room(struct tarn_pool *pool, struct canon *c)
{
	u32 at = c->count;
	u64 *some;

	lockdep_assert_held(&c->lock);
	if (at < FEW || (at - FEW) % SOME)
		return true;
	some = kcalloc(SOME, sizeof(*some), GFP_NOWAIT | __GFP_NOWARN);
	if (!some)
		return false;
	if (xa_err(xa_store(&c->more, (at - FEW) / SOME, some,
			    GFP_NOWAIT | __GFP_NOWARN))) {
		kfree(some);
		return false;
	}
	atomic64_add(SOME * sizeof(*some), &pool->metadata);
	return true;
}

static void drop_room(struct tarn_pool *pool, struct canon *c)
{
	u32 at = c->count;

	lockdep_assert_held(&c->lock);
	if (at < FEW || (at - FEW) % SOME)
		return;
	kfree(xa_erase(&c->more, (at - FEW) / SOME));
	atomic64_sub(SOME * sizeof(u64), &pool->metadata);
}

/* A sharer's word for its place. Its partition is there as long as it is a sharer. */
static u32 *place_of(struct tarn_pool *pool, u64 owner)
{
	struct tarn_partition *part = xa_load(&pool->partitions,
					      tarn_owner_id(owner));
	u64 index = tarn_owner_index(owner);
	struct tarn_leaf *leaf = part ? tarn_partition_leaf(part, index, false) :
					NULL;
	u32 *sum = leaf ? READ_ONCE(leaf->sum) : NULL;

	return sum ? &sum[index & (TARN_LEAF_PAGES - 1)] : NULL;
}

/* ---- what is charged for it --------------------------------------------- */

static void charge(struct tarn_domain *d, struct tarn_partition *part, s64 units)
{
	atomic64_add(units, &part->share_units);
	atomic64_add(units, &d->units);
}

/* Each sharer has so much more of it; what pages in a row of one partition have goes at once. */
static void charge_all(struct tarn_domain *d, struct canon *c, s64 more)
{
	struct tarn_partition *part;
	u32 id = 0, at, run = 0;

	lockdep_assert_held(&c->lock);
	for (at = 0; at <= c->count; at++) {
		u32 next = at < c->count ? tarn_owner_id(*slot(c, at)) : 0;

		if (run && next != id) {
			/* It is there as long as it is a sharer. */
			part = xa_load(&d->store->pool->partitions, id);
			if (!WARN_ON_ONCE(!part))
				charge(d, part, more * run);
			run = 0;
		}
		id = next;
		run++;
	}
}

/* Have so many sharers come or gone that what each has is too far from its part? */
static bool is_out_of_date(const struct canon *c)
{
	return c->count <= EXACT || 4 * c->count > 5 * c->unit_at ||
	       4 * c->count < 3 * c->unit_at;
}

/*
 * The sharers are others: what each of them has is worked out anew. Of few exactly; of more only
 * when they are a quarter more or fewer than they were then, so that who comes or leaves has four
 * others charged on average, however many there are.
 */
static void share_out(struct tarn_domain *d, struct canon *c)
{
	u32 unit;

	lockdep_assert_held(&c->lock);
	if (!c->count || !is_out_of_date(c))
		return;
	unit = UNIT / c->count;
	c->unit_at = c->count;
	if (unit == c->unit)
		return;
	charge_all(d, c, (s64)unit - c->unit);
	c->unit = unit;
}

/**
 * tarn_canon_add() - a page shares a canon from now on
 * @store: the store
 * @canon: which one, with its page locked, resident, without a mark
 * @part: partition of the page
 * @index: page, in hand; its leaf has sums, and what is there for the page is worth nothing
 *	any more
 *
 * Context: process.
 * Return: false without memory, or if the canon is dead or has as many as it may have.
 */
bool tarn_canon_add(struct tarn_partition *store, u64 canon,
		    struct tarn_partition *part, u64 index)
{
	struct tarn_pool *pool = store->pool;
	u64 owner = tarn_owner_page(part->id, index);
	bool added = false;
	struct canon *c;
	u32 *place;

	rcu_read_lock();
	c = find(store, canon);
	place = place_of(pool, owner);
	if (WARN_ON_ONCE(!c || !place))
		goto out;
	spin_lock(&c->lock);
	if (!c->gone && c->count < TARN_SHARERS_MOST && make_room(pool, c)) {
		WRITE_ONCE(*place, c->count);
		*slot(c, c->count++) = owner;
		c->lone = false;
		charge(store->domain, part, c->unit);
		share_out(store->domain, c);
		added = true;
	}
	spin_unlock(&c->lock);
	if (added)
		atomic64_inc(&store->domain->shared);
out:
	rcu_read_unlock();
	return added;
}

/* The last sharer takes the place of the one that leaves. */
static bool take_out(struct tarn_domain *d, struct canon *c,
		     struct tarn_partition *part, u64 index)
{
	u64 *here, owner = tarn_owner_page(part->id, index);
	struct tarn_pool *pool = part->pool;
	u32 *place = place_of(pool, owner), at, last;

	lockdep_assert_held(&c->lock);
	at = place ? *place : 0;
	here = at < c->count ? slot(c, at) : NULL;
	if (WARN_ON_ONCE(!place || !here || *here != owner))
		return false;
	last = --c->count;
	if (at != last) {
		*here = *slot(c, last);
		place = place_of(pool, *here);
		if (!WARN_ON_ONCE(!place))
			WRITE_ONCE(*place, at);
	}
	drop_room(pool, c);
	charge(d, part, -(s64)c->unit);
	share_out(d, c);
	return true;
}

/**
 * tarn_canon_was_left() - one sharer is left with a canon: look soon whether he still is
 * @store: the store; the caller has a reference
 * @canon: which one
 *
 * Context: any.
 */
void tarn_canon_was_left(struct tarn_partition *store, u64 canon)
{
	struct tarn_domain *d = store->domain;

	xa_set_mark(&d->canons, canon, LEFT);
	tarn_partition_get(store);
	/* It is on its way, with a reference of its own; this one is not the last. */
	if (!queue_delayed_work(system_dfl_wq, &d->lone_work, TARN_LONE_DELAY))
		tarn_partition_put(store);
}

/* The next canon from *@canon on that one sharer was left with, which is forgotten by that. */
bool tarn_canon_next_left(struct tarn_domain *domain, unsigned long *canon)
{
	if (!xa_find(&domain->canons, canon, ULONG_MAX, LEFT))
		return false;
	xa_clear_mark(&domain->canons, *canon, LEFT);
	return true;
}

/**
 * tarn_canon_leave() - a page shares a canon no more
 * @store: the store
 * @canon: which one
 * @part: partition of the page
 * @index: page, marked FILL
 *
 * Context: any.
 */
void tarn_canon_leave(struct tarn_partition *store, u64 canon,
		      struct tarn_partition *part, u64 index)
{
	struct canon *c;

	/* Before the canon's number may be another one's, see TARN_PARTITION_SHARED. */
	tarn_stats_add(part, TARN_STAT_SHARERS_LEFT, 1);
	rcu_read_lock();
	c = find(store, canon);
	if (WARN_ON_ONCE(!c))
		goto out;
	spin_lock(&c->lock);
	if (take_out(store->domain, c, part, index)) {
		atomic64_dec(&store->domain->shared);
		c->gone = !c->count;
		if (c->gone)
			llist_add(&c->dead, &store->domain->dead);
		else if (c->count == 1)
			tarn_canon_was_left(store, canon);
	}
	spin_unlock(&c->lock);
out:
	rcu_read_unlock();
}

/**
 * tarn_canon_leave_alone() - the same, for the only sharer of a canon
 * @store: the store
 * @canon: which one
 * @part: partition of the page
 * @index: page, marked FILL
 * @page: of the canon's frame, locked, with one reference of the caller's
 *
 * Not while somebody else holds the frame: who shared it may have it for I/O, and would see
 * what is written to it from then on.
 *
 * Context: any.
 * Return: whether it was the only one. Then the canon is the caller's to take away.
 */
bool tarn_canon_leave_alone(struct tarn_partition *store, u64 canon,
			    struct tarn_partition *part, u64 index,
			    struct page *page)
{
	bool alone = false;
	struct canon *c;

	rcu_read_lock();
	c = find(store, canon);
	if (c) {
		spin_lock(&c->lock);
		/* Others lost their mappings before they left, so no more of them hold it. */
		alone = c->count == 1 && !tarn_frame_held_by(page, 1) &&
			take_out(store->domain, c, part, index);
		c->gone |= alone;
		spin_unlock(&c->lock);
	}
	rcu_read_unlock();
	if (!alone)
		return false;
	/* Before the canon's number may be another one's. */
	tarn_stats_add(part, TARN_STAT_SHARERS_LEFT, 1);
	atomic64_dec(&store->domain->shared);
	return true;
}

/* How many share a canon; 0: it is none. One of them, as an owner is written, if any does. */
u32 tarn_canon_sharers(struct tarn_partition *store, u64 canon, u64 *example)
{
	struct canon *c;
	u32 count = 0;

	rcu_read_lock();
	c = find(store, canon);
	if (c) {
		spin_lock(&c->lock);
		count = c->count;
		*example = c->few[0];
		spin_unlock(&c->lock);
	}
	rcu_read_unlock();
	return count;
}

/* Pages that are unmapped one by one, with it locked, when a page goes, if that is a canon. */
u32 tarn_canon_weight(struct tarn_partition *part, u64 index)
{
	u64 example;

	return tarn_partition_is_store(part) ?
	       tarn_canon_sharers(part, index, &example) : 0;
}

/* Has it had one sharer only, at this look and at the one before? */
bool tarn_canon_is_lone(struct tarn_partition *store, u64 canon)
{
	bool was = false;
	struct canon *c;

	rcu_read_lock();
	c = find(store, canon);
	if (c) {
		spin_lock(&c->lock);
		was = c->lone;
		c->lone = c->count == 1;
		was &= c->lone;
		spin_unlock(&c->lock);
	}
	rcu_read_unlock();
	return was;
}

/**
 * tarn_canon_sharers_before() - some of those who share a canon, from the last to the first
 * @store: the store
 * @canon: which one
 * @at: those before this place, which goes back by as many; U32_MAX at first
 * @owners: TARN_SHARERS_STEP of them, as owners of a frame are written (frame.h)
 *
 * While the page is locked none are added, and who leaves brings the last one to a place before:
 * one that was given out already, or comes later. Else some may be missing.
 *
 * Context: any.
 * Return: how many; 0: there are no more.
 */
unsigned int tarn_canon_sharers_before(struct tarn_partition *store, u64 canon,
				       u32 *at, u64 *owners)
{
	unsigned int i, n = 0;
	struct canon *c;

	rcu_read_lock();
	c = find(store, canon);
	if (c) {
		spin_lock(&c->lock);
		*at = min(*at, c->count);
		n = min_t(u32, *at, TARN_SHARERS_STEP);
		*at -= n;
		for (i = 0; i < n; i++)
			owners[i] = *slot(c, *at + i);
		spin_unlock(&c->lock);
	}
	rcu_read_unlock();
	return n;
}
