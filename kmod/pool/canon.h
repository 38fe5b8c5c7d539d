/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Domains and canons (S10). Partitions of one domain share what pages of theirs hold that
 * are equal. What is shared is a canon: a logical page of a partition that the domain has for
 * that, its store, which no file shows. So a canon has a frame or a copy with the pager, a
 * checksum, a use, marks and a lock as any page, and is given up, brought and moved like
 * any. It is never written to: its content is the same as long as it is a canon.
 *
 * Of a page that shares one, a sharer, the entry is SHARED and says which store it is and
 * where in it the canon is, so that an entry seen before its partition went to another domain
 * is told from one after that: ids of partitions are used again only when all others were. A canon knows its sharers, as their mappings have to go when its frame does. A
 * sharer knows its place among them (struct tarn_leaf, sum), so to come and to leave takes
 * no time that depends on how many they are. When the last one leaves the canon is dead:
 * it is taken away by who reaps (page/share.c).
 *
 * A sharer is added with the canon's page locked, resident and without a mark. It leaves
 * with its own entry marked FILL, before that says something else: without a mark, SHARED
 * means that it is among the sharers, and so that the canon is there.
 *
 * A mapping of a sharer is made with the canon's page locked and the sharer's entry marked
 * FILL. So who has the page locked and takes mappings away finds all of them by the sharers'
 * TARN_ENTRY_MAPPED, and who has marked a sharer finds its own.
 */
#ifndef TARN_CANON_H
#define TARN_CANON_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <linux/tarn.h>

#include "pool/entry.h"
#include "pool/frame.h"

struct page;
struct tarn_partition;
struct tarn_pool;

/* The payload of a sharer's entry: the id of the store, and where in it the canon is. */
#define TARN_CANON_BITS		(TARN_ENTRY_PAYLOAD_BITS - TARN_OWNER_ID_BITS)
/* Canons of a domain, at most. */
#define TARN_CANONS_MOST	BIT(TARN_CANON_BITS)
#define TARN_CANON_NONE		U64_MAX
/*
 * Sharers of a canon, at most: who takes a canon's frame away unmaps it from all of them, and
 * whoever touches it meanwhile waits. What more pages hold has several canons.
 */
#define TARN_SHARERS_MOST	256
/* So many are looked up at once: the canon's lock is held for no more. */
#define TARN_SHARERS_STEP	32
/* Sharers of all canons that go together, at most. */
#define TARN_SHARERS_BATCH	1024
/* What one sharer was left with is given back to him after so long. */
#define TARN_LONE_DELAY		(10 * HZ)

/**
 * struct tarn_domain - who shares with whom
 * @link: on the pool's list
 * @store: the partition that its canons are pages of, which has the domain
 * @name: unique in the pool
 * @members: partitions that are in it or about to be
 * @canons: struct canon by index in @store
 * @count: how many
 * @shared: sharers of all of them
 * @units: sum of what is charged to them, see struct canon
 * @excess: frames of @store that are charged to who is above his entitlement, as far as he
 *	is; policy/entitle.c's, under pool->entitle_lock
 * @least: those that are guaranteed to who shares them, likewise
 * @dead: those without sharers, to be taken away
 * @dead_lock: one at a time takes from it
 * @lone_work: gives those that one sharer was left with back to him (page/share.c); they have a
 *	mark in @canons. While it is to run it has a reference of @store
 *
 * Locking: pool->domains_lock for @link and @members; @canons has its own, and is read
 * under RCU. It lives as long as its store.
 */
struct tarn_domain {
	struct list_head link;
	struct tarn_partition *store;
	char name[TARN_DOMAIN_NAME];
	u32 members;
	struct xarray canons;
	atomic64_t count;
	atomic64_t shared;
	atomic64_t units;
	u64 excess;
	u64 least;
	struct llist_head dead;
	spinlock_t dead_lock;
	struct delayed_work lone_work;
};

struct tarn_domain *tarn_domain_alloc(struct tarn_partition *store,
				      const char *name);
void tarn_domain_empty(struct tarn_domain *domain);

struct tarn_partition *tarn_store_get(struct tarn_partition *part);
struct tarn_partition *tarn_canon_store(struct tarn_pool *pool, u64 e);
u64 tarn_canon_entry(const struct tarn_partition *store, u64 canon);
bool tarn_canon_is_of(const struct tarn_partition *store, u64 e);

u64 tarn_canon_create(struct tarn_partition *store);
void tarn_canon_destroy(struct tarn_partition *store, u64 canon);
u64 tarn_canon_next_dead(struct tarn_domain *domain);
bool tarn_canon_add(struct tarn_partition *store, u64 canon,
		    struct tarn_partition *part, u64 index);
void tarn_canon_leave(struct tarn_partition *store, u64 canon,
		      struct tarn_partition *part, u64 index);
bool tarn_canon_leave_alone(struct tarn_partition *store, u64 canon,
			    struct tarn_partition *part, u64 index,
			    struct page *page);
u32 tarn_canon_sharers(struct tarn_partition *store, u64 canon, u64 *example);
unsigned int tarn_canon_sharers_before(struct tarn_partition *store, u64 canon,
				       u32 *at, u64 *owners);
u32 tarn_canon_weight(struct tarn_partition *part, u64 index);
bool tarn_canon_is_lone(struct tarn_partition *store, u64 canon);
bool tarn_canon_next_left(struct tarn_domain *domain, unsigned long *canon);
void tarn_canon_was_left(struct tarn_partition *store, u64 canon);
int tarn_canon_home(struct tarn_partition *store, u64 canon, int here);
void tarn_canon_unmap(struct tarn_partition *store, u64 canon);

/* Where in its store is what a page shares that has the entry @e? */
static inline u64 tarn_canon_of(u64 e)
{
	return tarn_entry_payload(e) & (TARN_CANONS_MOST - 1);
}

#endif
