// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cookies of stored copies: a cookie is dropped when nothing of the module names it
 * any more, and the pager is told that it may forget the copy. How that is told has
 * three times: while no list of what is stored is being read, nobody is told; from the
 * first page of a list to TARN_PAGER_START, drops gather for that call; later they are
 * requests of queue 0.
 */
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "pager/drop.h"
#include "pager/import.h"
#include "pager/io.h"
#include "pager/pager.h"
#include "pool/copy.h"

#define DROP_BATCH	(PAGE_SIZE / sizeof(u64) - 4)

/**
 * struct drop_batch - cookies that the pager may forget, one page
 * @link: on tarn_pager.drops
 * @count: how many
 * @cookies: them
 */
struct drop_batch {
	struct list_head link;
	u64 count;
	u64 cookies[DROP_BATCH];
};

/*
 * Between the moment that an entry names a cookie no more and the moment that
 * this is told, a pager could attach, take the cookie for free and use it for
 * another page. So both happen in one section of this, as does a commit, and a
 * pager starts, or is gone, only when the sections before it have ended.
 */
DEFINE_STATIC_SRCU(cookie_srcu);

int tarn_cookie_begin(void) __acquires(&cookie_srcu)
{
	return srcu_read_lock(&cookie_srcu);
}

void tarn_cookie_end(int section) __releases(&cookie_srcu)
{
	srcu_read_unlock(&cookie_srcu, section);
}

#ifdef CONFIG_DEBUG_LOCK_ALLOC
/* The caller is in such a section. */
void tarn_cookie_assert(void)
{
	RCU_LOCKDEP_WARN(!srcu_read_lock_held(&cookie_srcu),
			 "not in a section of cookies");
}
#endif

/* Wait for the sections that have begun. Context: process, not in such a section. */
void tarn_cookie_synchronize(void)
{
	synchronize_srcu(&cookie_srcu);
}

/*
 * Cookies at the end of a batch that follow each other, up or down: those of a block come
 * together, in its order.
 */
static unsigned int take_run(struct drop_batch *batch, unsigned int most,
			     u64 *first)
{
	u64 last = batch->cookies[--batch->count];
	unsigned int count = 1;

	*first = last;
	while (batch->count && count < most) {
		u64 cookie = batch->cookies[batch->count - 1];

		if (cookie == *first - 1)
			*first = cookie;
		else if (cookie == last + 1)
			last = cookie;
		else
			break;
		batch->count--;
		count++;
	}
	return count;
}

/**
 * tarn_drop_next() - cookies that the pager may forget
 * @pager: which is told
 * @cookie: where to put the first of them
 *
 * Context: any, with the lock of a queue.
 * Return: how many, which follow each other; 0 if there is none.
 */
unsigned int tarn_drop_next(struct tarn_pager *pager, u64 *cookie)
{
	unsigned int most = pager->wide ? TARN_WIDE_PAGES : 1, count = 0;
	struct drop_batch *batch, *done = NULL;

	spin_lock(&pager->drop_lock);
	batch = list_first_entry_or_null(&pager->drops, struct drop_batch, link);
	if (batch) {
		count = take_run(batch, most, cookie);
		pager->nr_drops -= count;
		if (!batch->count) {
			list_del(&batch->link);
			done = batch;
		}
	}
	spin_unlock(&pager->drop_lock);
	if (done)
		free_page((unsigned long)done);
	return count;
}

/*
 * A list that lacks one is of no use to a pager that has not started: it lists anew,
 * and learns so what is free.
 */
static bool drop_is_lost(struct tarn_pager *pager)
{
	lockdep_assert_held(&pager->drop_lock);
	if (pager->takes_drops)
		return false;
	if (pager->nr_drops == TARN_PAGER_MAX_DROPPED)
		pager->drops_lost = true;
	return pager->drops_lost;
}

/* False if there is no room for @cookie and no @fresh batch to put it in. */
static bool drop_add(struct tarn_pager *pager, u64 cookie,
		     struct drop_batch **fresh)
{
	struct drop_batch *batch;

	lockdep_assert_held(&pager->drop_lock);
	if (drop_is_lost(pager))
		return true;
	batch = list_first_entry_or_null(&pager->drops, struct drop_batch, link);
	if (!batch || batch->count == DROP_BATCH) {
		if (!*fresh)
			return false;
		batch = *fresh;
		*fresh = NULL;
		list_add(&batch->link, &pager->drops);
	}
	batch->cookies[batch->count++] = cookie;
	pager->nr_drops++;
	return true;
}

/**
 * tarn_drop_room() - room for a cookie that is going to be dropped
 *
 * Context: process; does not wait for memory.
 * Return: it, for tarn_cookie_drop_into(); NULL if there is no memory at hand.
 */
struct drop_batch *tarn_drop_room(void)
{
	return (void *)get_zeroed_page(GFP_NOWAIT | __GFP_NOWARN);
}

/**
 * tarn_cookie_drop_into() - a stored copy is not needed any more
 * @pool: of this pool
 * @cookie: of the copy; nothing of the module names it now
 * @fresh: from tarn_drop_room(), or NULL to wait for memory if need be
 *
 * Without a pager there is nobody to tell: the next one learns what is stored
 * and takes all else for free. One that is just learning is told when it starts.
 *
 * Context: process.
 */
void tarn_cookie_drop_into(struct tarn_pool *pool, u64 cookie,
			   struct drop_batch *fresh)
{
	struct tarn_pager *pager;
	bool added;

	if (unlikely(tarn_cookie_where(cookie) == TARN_COPY_IN_FILE)) {
		tarn_import_drop(pool, cookie);
		goto out;
	}
again:
	added = true;
	rcu_read_lock();
	pager = rcu_dereference(pool->pager);
	if (pager) {
		tarn_cookie_assert();
		spin_lock(&pager->drop_lock);
		added = drop_add(pager, cookie, &fresh);
		spin_unlock(&pager->drop_lock);
		if (added)
			tarn_queue_kick(&pager->queues[0]);
	}
	rcu_read_unlock();
	if (!added) {
		fresh = (void *)get_zeroed_page(GFP_KERNEL | __GFP_NOFAIL);
		goto again;
	}
out:
	if (fresh)
		free_page((unsigned long)fresh);
}

/* The same for those who may wait for memory, with no page locked. */
void tarn_cookie_drop(struct tarn_pool *pool, u64 cookie)
{
	tarn_cookie_drop_into(pool, cookie, NULL);
}

/* A copy of whatever kind is not needed any more; or there was none. */
void tarn_copy_drop(struct tarn_pool *pool, u64 copy)
{
	u64 cookie = tarn_copy_cookie(copy);

	if (cookie)
		tarn_cookie_drop(pool, cookie);
}

/* Those of a list that nobody is to be told of. */
void tarn_drops_free(struct list_head *drops)
{
	struct drop_batch *batch, *next;

	list_for_each_entry_safe(batch, next, drops, link)
		free_page((unsigned long)batch);
}

/* What was dropped before a list begins is not on it. */
void tarn_drops_forget(struct tarn_pager *pager)
{
	LIST_HEAD(drops);

	spin_lock(&pager->drop_lock);
	if (!pager->takes_drops) {
		list_splice_init(&pager->drops, &drops);
		pager->nr_drops = 0;
		pager->drops_lost = false;
	}
	spin_unlock(&pager->drop_lock);
	tarn_drops_free(&drops);
}

/*
 * All that was dropped since the list began, into @drops. Each cookie that is dropped
 * from here on was listed, and is told as a request.
 */
long tarn_drops_take(struct tarn_pager *pager, u32 room,
		     struct list_head *drops)
{
	long ret = 0;

	spin_lock(&pager->drop_lock);
	if (pager->takes_drops)
		ret = -EBUSY;
	else if (pager->drops_lost || pager->nr_drops > room)
		ret = -EAGAIN;
	if (!ret) {
		list_splice_init(&pager->drops, drops);
		pager->nr_drops = 0;
		WRITE_ONCE(pager->takes_drops, true);
	}
	spin_unlock(&pager->drop_lock);
	return ret;
}

/* The pager did not learn what was taken: it has to list anew. */
void tarn_drops_lose(struct tarn_pager *pager)
{
	spin_lock(&pager->drop_lock);
	WRITE_ONCE(pager->takes_drops, false);
	pager->drops_lost = true;
	spin_unlock(&pager->drop_lock);
}

long tarn_drops_copy(const struct list_head *drops,
		     struct tarn_pager_start *s)
{
	u64 __user *to = u64_to_user_ptr(s->dropped);
	const struct drop_batch *batch;

	s->count = 0;
	list_for_each_entry(batch, drops, link) {
		if (copy_to_user(to + s->count, batch->cookies,
				 batch->count * sizeof(*to)))
			return -EFAULT;
		s->count += batch->count;
		cond_resched();
	}
	return 0;
}
