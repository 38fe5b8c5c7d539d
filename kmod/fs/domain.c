// SPDX-License-Identifier: GPL-2.0-only
/* See domain.h. */
#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

#include "fs/domain.h"
#include "fs/life.h"
#include "page/pending.h"
#include "page/share.h"
#include "page/truncate.h"
#include "policy/match.h"
#include "policy/search.h"
#include "pool/canon.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* ---- domains ------------------------------------------------------------ */

static struct tarn_domain *find(struct tarn_pool *pool, const char *name)
{
	struct tarn_domain *d;

	lockdep_assert_held(&pool->domains_lock);
	list_for_each_entry(d, &pool->domains, link)
		if (!strcmp(d->name, name))
			return d;
	return NULL;
}

/* Nobody is in it any more, nothing shares anything. */
static void end(struct tarn_domain *d)
{
	struct tarn_partition *store = d->store;

	lockdep_assert_held(&store->pool->domains_lock);
	list_del(&d->link);
	store->pool->nr_domains--;
	tarn_share_end(store);
	/* What its last members left is reaped perhaps by others just now. */
	tarn_share_reap(store);
	tarn_partition_remove(store, 0, U64_MAX);
	tarn_match_leave(store);
	tarn_partition_erase(store);
	tarn_partition_put(store);
}

static struct tarn_domain *make(struct tarn_pool *pool, const char *name)
{
	struct tarn_partition *store = tarn_store_create(pool, name);
	int ret;

	lockdep_assert_held(&pool->domains_lock);
	if (IS_ERR(store))
		return ERR_CAST(store);
	list_add_tail(&store->domain->link, &pool->domains);
	pool->nr_domains++;
	ret = tarn_match_join(store);
	if (!ret)
		return store->domain;
	end(store->domain);
	return ERR_PTR(ret);
}

/* One more is in a domain, which is made if need be; its store, with a reference for him. */
static struct tarn_partition *enter(struct tarn_pool *pool, const char *name)
{
	struct tarn_domain *d;

	mutex_lock(&pool->domains_lock);
	d = find(pool, name) ?: make(pool, name);
	if (!IS_ERR(d)) {
		d->members++;
		tarn_partition_get(d->store);
	}
	mutex_unlock(&pool->domains_lock);
	return IS_ERR(d) ? ERR_CAST(d) : d->store;
}

/* One less; the last one ends it. */
static void leave(struct tarn_partition *store)
{
	struct tarn_pool *pool = store->pool;

	mutex_lock(&pool->domains_lock);
	if (!--store->domain->members)
		end(store->domain);
	mutex_unlock(&pool->domains_lock);
	tarn_partition_put(store);
}

/* ---- who is in it ------------------------------------------------------- */

static struct tarn_partition *store_of(struct tarn_partition *part)
{
	return rcu_dereference_protected(part->store,
					 lockdep_is_held(&part->domain_lock));
}

/* From here on it shares nothing more; then nothing at all. */
static int unshare(struct tarn_partition *part)
{
	WRITE_ONCE(part->leaves_domain, true);
	tarn_match_synchronize(part->pool);
	return tarn_share_break_all(part);
}

/* @store, or NULL, is the partition's from now on, and with it the reference. */
static void be_in(struct tarn_partition *part, struct tarn_partition *store)
{
	struct tarn_partition *old = tarn_match_set_store(part, store);

	WARN_ON_ONCE(atomic64_read(&part->share_units));
	if (!store)
		tarn_match_leave(part);
	if (old)
		leave(old);
	tarn_search_soon(part);
}

static int change(struct tarn_partition *part, struct tarn_partition *store)
{
	int ret = store ? tarn_match_join(part) : 0;

	if (!ret && store_of(part))
		ret = unshare(part);
	if (!ret)
		be_in(part, store);
	return ret;
}

static int set_locked(struct tarn_partition *part, const char *name)
{
	struct tarn_partition *store = NULL;
	int ret;

	lockdep_assert_held(&part->domain_lock);
	if (*name) {
		store = enter(part->pool, name);
		if (IS_ERR(store))
			return PTR_ERR(store);
	}
	if (store != store_of(part)) {
		ret = change(part, store);
		if (ret && store)
			leave(store);
		return ret;
	}
	/* It stays in it. */
	WRITE_ONCE(part->leaves_domain, false);
	if (store)
		leave(store);
	return 0;
}

static bool is_name(const char *name)
{
	size_t len = strnlen(name, TARN_DOMAIN_NAME), i;

	if (len == TARN_DOMAIN_NAME || memchr_inv(name + len, 0,
						  TARN_DOMAIN_NAME - len))
		return false;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || !isgraph(name[i]))
			return false;
	return true;
}

static int set(struct tarn_partition *part, const char *name)
{
	int ret;

	if (!is_name(name))
		return -EINVAL;
	if (!part->pool->paging)
		return -ENODEV;
	ret = mutex_lock_interruptible(&part->domain_lock);
	if (ret)
		return ret;
	ret = set_locked(part, name);
	mutex_unlock(&part->domain_lock);
	return ret;
}

static void tell(struct tarn_partition *part, struct tarn_partition_domain *d)
{
	struct tarn_partition *store = tarn_store_get(part);

	memset(d->name, 0, sizeof(d->name));
	d->flags = 0;
	if (!store)
		return;
	memcpy(d->name, store->domain->name, sizeof(d->name));
	if (READ_ONCE(part->leaves_domain))
		d->flags |= TARN_DOMAIN_LEAVING;
	tarn_partition_put(store);
}

/**
 * tarn_domain_call() - TARN_PARTITION_DOMAIN
 * @part: the partition; the caller has its inode
 * @d: the call
 *
 * Context: process, may sleep for long; any signal ends it.
 * Return: 0, or as linux/tarn.h says.
 */
long tarn_domain_call(struct tarn_partition *part,
		      struct tarn_partition_domain *d)
{
	int ret;

	if (d->flags & ~TARN_DOMAIN_SET)
		return -EINVAL;
	if (d->flags) {
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		ret = set(part, (const char *)d->name);
		if (ret)
			return ret;
	}
	tell(part, d);
	return 0;
}

/* The file is gone, and with it all that the partition shared. */
void tarn_domain_leave(struct tarn_partition *part)
{
	mutex_lock(&part->domain_lock);
	if (store_of(part))
		be_in(part, NULL);
	else
		tarn_match_leave(part);
	mutex_unlock(&part->domain_lock);
}

/* ---- what is shared most ------------------------------------------------ */

/**
 * struct most - what is shared most of what was seen
 * @list: a heap: what fewest share first
 * @count: in it
 * @room: for so many
 */
struct most {
	struct tarn_shared *list;
	u32 count;
	u32 room;
};

static void sift_down(struct most *m, u32 i)
{
	for (;;) {
		u32 least = i, child = 2 * i + 1;

		for (; child <= 2 * i + 2 && child < m->count; child++)
			if (m->list[child].sharers < m->list[least].sharers)
				least = child;
		if (least == i)
			return;
		swap(m->list[i], m->list[least]);
		i = least;
	}
}

static void sift_up(struct most *m, u32 i)
{
	for (; i; i = (i - 1) / 2) {
		if (m->list[i].sharers >= m->list[(i - 1) / 2].sharers)
			return;
		swap(m->list[i], m->list[(i - 1) / 2]);
	}
}

static void consider(struct most *m, const struct tarn_shared *s)
{
	if (m->count < m->room) {
		m->list[m->count] = *s;
		sift_up(m, m->count++);
	} else if (m->room && s->sharers > m->list[0].sharers) {
		m->list[0] = *s;
		sift_down(m, 0);
	}
}

static void consider_canon(struct most *m, struct tarn_partition *store, u64 canon)
{
	atomic64_t *entry = tarn_partition_entry(store, canon);
	struct tarn_shared s = {};
	u64 example;

	s.sharers = tarn_canon_sharers(store, canon, &example);
	if (!s.sharers || !entry)
		return;
	s.partition = tarn_owner_id(example);
	s.index = tarn_owner_index(example);
	s.state = tarn_entry_state(atomic64_read(entry));
	memcpy(s.domain, store->domain->name, sizeof(s.domain));
	consider(m, &s);
}

static int consider_store(struct most *m, struct tarn_partition *store)
{
	unsigned long at;
	void *canon;

	xa_for_each(&store->domain->canons, at, canon) {
		consider_canon(m, store, at);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int by_sharers(const void *a, const void *b)
{
	const struct tarn_shared *x = a, *y = b;

	return x->sharers < y->sharers ? 1 : x->sharers > y->sharers ? -1 : 0;
}

static int collect(struct most *m, struct tarn_pool *pool)
{
	struct tarn_partition *part;
	int ret = 0;
	u32 id = 0;

	while (!ret && (part = tarn_partition_from(pool, id + 1))) {
		id = part->id;
		if (tarn_partition_is_store(part))
			ret = consider_store(m, part);
		tarn_partition_put(part);
	}
	if (m->count)
		sort(m->list, m->count, sizeof(*m->list), by_sharers, NULL);
	return ret;
}

/**
 * tarn_domain_sharing() - TARN_POOL_SHARING
 * @pool: the pool
 * @s: the call
 *
 * Context: process.
 * Return: 0; -EINVAL; -ENOMEM; -EFAULT; -EINTR.
 */
long tarn_domain_sharing(struct tarn_pool *pool, struct tarn_pool_sharing *s)
{
	struct most m = { .room = s->count };
	long ret;

	if (s->flags || s->reserved || s->count > TARN_SHARED_MAX)
		return -EINVAL;
	m.list = kvcalloc(max(s->count, 1U), sizeof(*m.list), GFP_KERNEL);
	if (!m.list)
		return -ENOMEM;
	ret = collect(&m, pool);
	s->count = m.count;
	if (!ret && m.count &&
	    copy_to_user(u64_to_user_ptr(s->list), m.list,
			 m.count * sizeof(*m.list)))
		ret = -EFAULT;
	kvfree(m.list);
	return ret;
}
