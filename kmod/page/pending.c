// SPDX-License-Identifier: GPL-2.0-only
/*
 * See pending.h. Records lie in a hash by partition and page, a lock and a cache
 * line a bucket, so threads meet only on the same page or by chance, and finding
 * the number of a page is a short walk. A bucket counts what began in it. Numbers are
 * made of that count and the bucket's own place: they are unique without anything being
 * shared. Guests see them (TARN_HC_FAULT), and a count would tell a guest how much all
 * the others wait, so what is given out is where a permutation that is the pool's secret
 * takes the count.
 */
#include <linux/bits.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

#include "page/notify.h"
#include "page/pending.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/stats.h"
#include "trace.h"

#define BUCKET_BITS	8
#define BUCKETS		BIT(BUCKET_BITS)
#define STALE_NS	NSEC_PER_SEC
/* A list is made of the oldest of so many, should there be more. */
#define LIST_MAX	65536
/* Numbers are of two halves, and so never negative for a guest. */
#define HALF_BITS	31
#define ROUNDS		4

/**
 * struct tarn_pending_bucket - part of the hash
 * @lock: protects the rest; nothing is taken inside
 * @begun: records that ever were in it
 * @done: of these, ended
 * @list: the others
 */
struct tarn_pending_bucket {
	spinlock_t lock;
	u64 begun;
	u64 done;
	struct hlist_head list;
} ____cacheline_aligned_in_smp;

static struct kmem_cache *pending_cache;

/* A guest picks pages, but it doesn't know the factor. */
static struct tarn_pending_bucket *bucket_of(struct tarn_partition *part,
					     u64 index)
{
	struct tarn_pool *pool = part->pool;
	u64 key = index ^ (u64)part->id << 40;

	return &pool->pending[key * pool->pending_factor >> (64 - BUCKET_BITS)];
}

static struct tarn_pending *find(struct tarn_pending_bucket *b,
				 struct tarn_partition *part, u64 index)
{
	struct tarn_pending *p;

	lockdep_assert_held(&b->lock);
	hlist_for_each_entry(p, &b->list, node)
		if (p->index == index && p->part == part)
			return p;
	return NULL;
}

static bool being_read(const struct tarn_pending *p)
{
	return tarn_entry_mark(atomic64_read(p->entry)) == TARN_MARK_IN;
}

/* Is the page there, or does nobody want it? @later: somebody will. */
static bool is_over(const struct tarn_pending *p, bool later)
{
	u64 e = atomic64_read(p->entry);

	if (tarn_entry_has_frame(e))
		return tarn_entry_mark(e) != TARN_MARK_MOVE || !p->holders;
	return !p->holders && tarn_entry_mark(e) != TARN_MARK_IN && !later;
}

static bool is_stale(const struct tarn_pending *p, ktime_t now)
{
	return !p->holders && !being_read(p) &&
	       ktime_to_ns(ktime_sub(now, p->left)) > STALE_NS;
}

/* What became of it, for the trace. */
static int outcome(const struct tarn_pending *p)
{
	u64 e = atomic64_read(p->entry);

	switch (tarn_entry_state(e)) {
	case TARN_PAGE_RESIDENT:
	case TARN_PAGE_PATTERN:
	case TARN_PAGE_SHARED:
		return 0;
	case TARN_PAGE_PAGED:
		return e & TARN_ENTRY_FAILED ? -EIO : -EINTR;
	default:
		return -ENOENT;
	}
}

/* A Feistel network, so each number comes of one other. */
static u64 permute(const siphash_key_t *key, u64 n)
{
	u32 left = n >> HALF_BITS & GENMASK(HALF_BITS - 1, 0);
	u32 right = n & GENMASK(HALF_BITS - 1, 0);
	u32 round;

	for (round = 0; round < ROUNDS; round++) {
		u32 mixed = left ^ (siphash_2u32(right, round, key) &
				    GENMASK(HALF_BITS - 1, 0));

		left = right;
		right = mixed;
	}
	return (u64)left << HALF_BITS | right;
}

static u64 next_number(struct tarn_pool *pool, struct tarn_pending_bucket *b)
{
	u64 n;

	lockdep_assert_held(&b->lock);
	n = ++b->begun * BUCKETS + (b - pool->pending);
	/* 0 is none; what would be 0 takes the place of what 0 would be. */
	do {
		n = permute(&pool->pending_key, n);
	} while (!n);
	return n;
}

static void begin(struct tarn_pending_bucket *b, struct tarn_pending *p,
		  struct tarn_partition *part, u64 index, atomic64_t *entry,
		  enum tarn_fault_state state)
{
	lockdep_assert_held(&b->lock);
	p->part = part;
	p->index = index;
	p->entry = entry;
	p->number = next_number(part->pool, b);
	p->start = ktime_get();
	p->since = p->start;
	p->left = p->start;
	p->holders = 0;
	p->state = state;
	hlist_add_head(&p->node, &b->list);
	trace_tarn_fault_begin(p, 0);
}

/* It goes to @gone, for reap() without the lock. */
static void end(struct tarn_pending_bucket *b, struct tarn_pending *p,
		struct hlist_head *gone)
{
	lockdep_assert_held(&b->lock);
	p->state = TARN_FAULT_DONE;
	trace_tarn_fault_end(p, outcome(p));
	WRITE_ONCE(b->done, b->done + 1);
	hlist_del(&p->node);
	hlist_add_head(&p->node, gone);
}

/* Partitions of others are safe to use in the caller's RCU section only. */
static void reap(struct hlist_head *gone)
{
	struct tarn_pending *p;
	struct hlist_node *next;

	hlist_for_each_entry_safe(p, next, gone, node) {
		tarn_notify(p->part);
		kmem_cache_free(pending_cache, p);
	}
}

static void end_stale(struct tarn_pending_bucket *b, ktime_t now,
		      struct hlist_head *gone)
{
	struct tarn_pending *p;
	struct hlist_node *next;

	hlist_for_each_entry_safe(p, next, &b->list, node)
		if (is_stale(p, now))
			end(b, p, gone);
}

/* A thread may say that it waits for a frame while another one's read began. */
static void set_state(struct tarn_pending *p, enum tarn_fault_state state)
{
	if (p->state == state || (p->state == TARN_FAULT_READ && being_read(p)))
		return;
	p->state = state;
	p->since = ktime_get();
	trace_tarn_fault_state(p, 0);
}

/* It came after its entry was looked at: if its load found no record, nobody ends this one. */
static bool came_meanwhile(const struct tarn_pending *p)
{
	/* Pairs with the exchange by which it came, see settle(). */
	smp_mb();
	return is_over(p, true);
}

/**
 * tarn_pending_hold() - this thread wants a page that is not there
 * @part: partition; the caller has its inode
 * @index: page
 * @entry: its entry
 * @state: what has to be waited for now
 * @held: what the last call for this page returned, 0 if there was none
 * @stays: it will wait, and call tarn_pending_release()
 *
 * To be called before what @state says begins, and each time that it changes.
 *
 * Context: process, may sleep for memory.
 * Return: the number; 0 if it will not wait and the page is there by now.
 */
u64 tarn_pending_hold(struct tarn_partition *part, u64 index,
		      atomic64_t *entry, enum tarn_fault_state state, u64 held,
		      bool stays)
{
	struct tarn_pending_bucket *b = bucket_of(part, index);
	struct tarn_pending *p, *fresh = NULL;
	bool begun = false;
	HLIST_HEAD(gone);
	u64 number;

	spin_lock(&b->lock);
	while (!(p = find(b, part, index)) && !fresh) {
		spin_unlock(&b->lock);
		fresh = kmem_cache_alloc(pending_cache,
					 GFP_KERNEL | __GFP_NOFAIL);
		spin_lock(&b->lock);
	}
	rcu_read_lock();
	if (!p) {
		end_stale(b, ktime_get(), &gone);
		swap(p, fresh);
		begin(b, p, part, index, entry, state);
		begun = true;
	} else {
		set_state(p, state);
		/* Who comes again and again keeps it, too. */
		if (!stays)
			p->left = ktime_get();
	}
	if (stays && p->number != held)
		p->holders++;
	number = p->number;
	if (!stays && came_meanwhile(p)) {
		end(b, p, &gone);
		number = 0;
	}
	spin_unlock(&b->lock);
	if (fresh)
		kmem_cache_free(pending_cache, fresh);
	else if (begun)
		tarn_notify(part);
	reap(&gone);
	rcu_read_unlock();
	return number;
}

/**
 * tarn_pending_release() - this thread waits for the page no more
 * @part: as it was held
 * @index: page
 * @number: what tarn_pending_hold() returned last
 *
 * Context: process.
 */
void tarn_pending_release(struct tarn_partition *part, u64 index, u64 number)
{
	struct tarn_pending_bucket *b = bucket_of(part, index);
	struct tarn_pending *p;
	HLIST_HEAD(gone);

	spin_lock(&b->lock);
	p = find(b, part, index);
	/* It may have ended since, even another may have begun. */
	if (p && p->number == number) {
		p->holders--;
		if (is_over(p, false))
			end(b, p, &gone);
		else
			p->left = ktime_get();
	}
	spin_unlock(&b->lock);
	reap(&gone);
}

static void settle(struct tarn_partition *part, u64 index, bool loaded,
		   bool later)
{
	struct tarn_pending_bucket *b = bucket_of(part, index);
	ktime_t start = 0;
	struct tarn_pending *p;
	HLIST_HEAD(gone);

	/*
	 * Who puts a record there now sees the entry as it has become when it
	 * releases it: the entry's change was a full barrier, as is taking the
	 * lock.
	 */
	if (hlist_empty(&b->list))
		return;
	spin_lock(&b->lock);
	p = find(b, part, index);
	if (p && is_over(p, later)) {
		start = p->start;
		end(b, p, &gone);
	} else if (p) {
		p->left = ktime_get();
	}
	spin_unlock(&b->lock);
	if (start && loaded)
		tarn_stats_latency(part, start);
	reap(&gone);
}

/**
 * tarn_pending_settle() - a page's entry has changed
 * @part: partition
 * @index: page that is there now, or was taken away, or could not be read
 *
 * Context: process.
 */
void tarn_pending_settle(struct tarn_partition *part, u64 index)
{
	settle(part, index, false, false);
}

/* The same after a read that went well: how long it took is counted. */
void tarn_pending_loaded(struct tarn_partition *part, u64 index)
{
	settle(part, index, true, false);
}

/* The same after a read whose pager died: it will be asked for again. */
void tarn_pending_aborted(struct tarn_partition *part, u64 index)
{
	settle(part, index, false, true);
}

/* The partition is going; nobody has its inode. */
void tarn_pending_end_all(struct tarn_partition *part)
{
	struct tarn_pending *p;
	struct hlist_node *next;
	HLIST_HEAD(gone);
	u32 i;

	for (i = 0; i < BUCKETS; i++) {
		struct tarn_pending_bucket *b = &part->pool->pending[i];

		if (hlist_empty(&b->list))
			continue;
		spin_lock(&b->lock);
		hlist_for_each_entry_safe(p, next, &b->list, node)
			if (p->part == part)
				end(b, p, &gone);
		spin_unlock(&b->lock);
	}
	reap(&gone);
}

/* ---- looking ------------------------------------------------------------ */

/**
 * tarn_pending_number() - TARN_HC_FAULT
 * @part: partition
 * @index: page, any number
 *
 * Context: process. Bounded work: one bucket.
 * Return: the number of the page-in under way, or 0.
 */
u64 tarn_pending_number(struct tarn_partition *part, u64 index)
{
	struct tarn_pending_bucket *b = bucket_of(part, index);
	struct tarn_pending *p;
	u64 number = 0;

	if (hlist_empty(&b->list))
		return 0;
	spin_lock(&b->lock);
	p = find(b, part, index);
	if (p && !is_over(p, true) && !is_stale(p, ktime_get()))
		number = p->number;
	spin_unlock(&b->lock);
	return number;
}

static u64 count_done(struct tarn_pool *pool)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < BUCKETS; i++)
		sum += READ_ONCE(pool->pending[i].done);
	return sum;
}

static void describe(const struct tarn_pending *p, ktime_t now,
		     struct tarn_fault *f)
{
	*f = (struct tarn_fault) {
		.number = p->number,
		.index = p->index,
		.partition = p->part->id,
		.state = being_read(p) ? TARN_FAULT_READ : p->state,
		.age_ns = max_t(s64, 0, ktime_to_ns(ktime_sub(now, p->start))),
		.waiting_ns = max_t(s64, 0,
				    ktime_to_ns(ktime_sub(now, p->since))),
	};
}

/* Those of @partition, or all if it is 0; only counted beyond @room. */
static u64 collect(struct tarn_pool *pool, u32 partition,
		   struct tarn_fault *faults, u64 room)
{
	ktime_t now = ktime_get();
	struct tarn_pending *p;
	HLIST_HEAD(gone);
	u64 n = 0;
	u32 i;

	rcu_read_lock();
	for (i = 0; i < BUCKETS; i++) {
		struct tarn_pending_bucket *b = &pool->pending[i];

		if (hlist_empty(&b->list))
			continue;
		spin_lock(&b->lock);
		end_stale(b, now, &gone);
		hlist_for_each_entry(p, &b->list, node) {
			if (partition && p->part->id != partition)
				continue;
			if (n < room)
				describe(p, now, &faults[n]);
			n++;
		}
		spin_unlock(&b->lock);
	}
	reap(&gone);
	rcu_read_unlock();
	return n;
}

u64 tarn_pending_count(struct tarn_pool *pool)
{
	return collect(pool, 0, NULL, 0);
}

static int oldest_first(const void *a, const void *b)
{
	const struct tarn_fault *f = a, *g = b;

	if (f->age_ns == g->age_ns)
		return f->number < g->number ? -1 : f->number > g->number;
	return f->age_ns > g->age_ns ? -1 : 1;
}

/**
 * tarn_pending_list() - TARN_POOL_FAULTS
 * @pool: the pool
 * @f: checked here
 *
 * Context: process.
 * Return: 0; -EINVAL; -ENOMEM; -EFAULT.
 */
long tarn_pending_list(struct tarn_pool *pool, struct tarn_pool_faults *f)
{
	struct tarn_fault *faults = NULL;
	u64 room = 0, n;
	long ret = 0;

	if (f->flags || f->count > TARN_FAULTS_MAX)
		return -EINVAL;
	if (f->count) {
		/* The oldest of all are wanted, so look at all. */
		room = min_t(u64, tarn_pending_count(pool) + 64, LIST_MAX);
		faults = kvmalloc_array(room, sizeof(*faults), GFP_KERNEL);
		if (!faults)
			return -ENOMEM;
	}
	f->pending = collect(pool, f->partition, faults, room);
	f->done = count_done(pool);
	n = min(f->pending, room);
	if (n)
		sort(faults, n, sizeof(*faults), oldest_first, NULL);
	f->count = min_t(u64, n, f->count);
	if (f->count && copy_to_user(u64_to_user_ptr(f->faults), faults,
				     f->count * sizeof(*faults)))
		ret = -EFAULT;
	kvfree(faults);
	return ret;
}

/* ---- life --------------------------------------------------------------- */

int tarn_pending_create(struct tarn_pool *pool)
{
	u32 i;

	pool->pending = kvcalloc(BUCKETS, sizeof(*pool->pending), GFP_KERNEL);
	if (!pool->pending)
		return -ENOMEM;
	for (i = 0; i < BUCKETS; i++)
		spin_lock_init(&pool->pending[i].lock);
	pool->pending_factor = get_random_u64() | 1;
	get_random_bytes(&pool->pending_key, sizeof(pool->pending_key));
	return 0;
}

int tarn_pending_init(void)
{
	pending_cache = KMEM_CACHE(tarn_pending, 0);
	return pending_cache ? 0 : -ENOMEM;
}

void tarn_pending_exit(void)
{
	kmem_cache_destroy(pending_cache);
}
