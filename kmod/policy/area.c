// SPDX-License-Identifier: GPL-2.0-only
/* See area.h. */
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/xarray.h>

#include "page/block.h"
#include "page/lock.h"
#include "page/pagein.h"
#include "policy/area.h"
#include "policy/entitle.h"
#include "pool/partition.h"
#include "pool/pins.h"
#include "pool/pool.h"
#include "trace.h"

/*
 * A partition may pin this part of what it is entitled to, but some at least; all of a
 * pool together this part of its frames: the others are what everybody lives by.
 */
#define QUOTA_PART	2
#define QUOTA_MIN	64
#define POOL_PART	2
/*
 * Areas may overlap, and each of them costs work for each of its pages. Together they
 * may be so many times what may be pinned, but some at least.
 */
#define SPAN_TIMES	4
#define SPAN_MIN	65536
/* Pages of an area that are read at once. */
#define HOLD_AHEAD	64

/* Areas that the hypervisor accesses itself, or a device on its behalf. */
static const bool critical[TARN_AREA_TYPES] = {
	[TARN_AREA_CPU] = true,
	[TARN_AREA_CLOCK] = true,
	[TARN_AREA_STEAL] = true,
	[TARN_AREA_ASYNC_FAULT] = true,
	[TARN_AREA_EOI] = true,
	[TARN_AREA_RING] = true,
	[TARN_AREA_DMA] = true,
	[TARN_AREA_METRICS] = true,
};

/**
 * struct area - a registered area
 * @handle: its number, of no other area of any partition
 * @type: enum tarn_area_type
 * @origin: enum tarn_area_origin
 * @pinned: its pages are counted in tarn_pins.pages
 * @offset: first byte in the file
 * @bytes: length
 * @since: when it was registered
 */
struct area {
	u32 handle;
	u16 type;
	u16 origin;
	bool pinned;
	u64 offset;
	u64 bytes;
	ktime_t since;
};

/* Most areas of one partition. */
#define AREAS_MOST	16384

/**
 * struct tarn_areas - the areas of a partition
 * @lock: protects the rest, and changes of the partition's pins
 * @by_handle: struct area
 * @count: areas
 * @span: pages of all areas that are pinned, as often as they touch one
 * @metrics: handle of the page of metrics, or 0
 *
 * Inside: xarrays' locks, page locks. Nobody waits for I/O with it held.
 */
struct tarn_areas {
	struct mutex lock;
	struct xarray by_handle;
	u32 count;
	u64 span;
	u32 metrics;
};

static atomic_t last_handle = ATOMIC_INIT(0);

static u64 first_page(const struct area *a)
{
	return a->offset >> PAGE_SHIFT;
}

static u64 end_page(const struct area *a)
{
	return ((a->offset + a->bytes - 1) >> PAGE_SHIFT) + 1;
}

/* All of a child is pinned, whatever the policy says. */
static bool is_critical(struct tarn_partition *part, unsigned int type)
{
	if (tarn_partition_is_child(part))
		return true;
	switch (READ_ONCE(part->pool->pin_policy[type])) {
	case TARN_PIN_ALWAYS:
		return true;
	case TARN_PIN_NEVER:
		return false;
	}
	return critical[type];
}

/**
 * tarn_pin_quota() - how many pages of a partition may be pinned
 * @part: partition
 *
 * Half of what it is entitled to. What is pinned already stays so when that
 * shrinks, until frames are short (tarn_pin_trim()). Of a child it is all, which was taken
 * from its donor's (tarn_pin_lend()).
 */
u64 tarn_pin_quota(struct tarn_partition *part)
{
	if (tarn_partition_is_child(part))
		return part->donation.pages;
	return max_t(u64, tarn_entitle_fair(part) / QUOTA_PART, QUOTA_MIN);
}

/* Pages that are pinned on its account, in itself and in its children. */
static u64 pins_of(const struct tarn_partition *part)
{
	return READ_ONCE(part->pins.pinned) + READ_ONCE(part->pins.lent);
}

/* ---- pages -------------------------------------------------------------- */

static void part_block(struct tarn_partition *part, u64 index)
{
	struct tarn_leaf *leaf = tarn_partition_leaf(part, index, false);

	if (leaf && tarn_block_is_whole(part->pool, atomic64_read(
					tarn_leaf_entry(leaf, index))))
		tarn_block_part(part, leaf, index);
}

/*
 * With the count of the page taken: give it a frame and have it stay there, as far
 * as this needs no waiting. Who calls may be a guest whose file goes meanwhile.
 */
static int hold_now(struct tarn_partition *part, u64 index)
{
	int ret;

	down_read(&part->pin);
	do {
		ret = part->inode ?
		      tarn_page_bring(part, index,
				      TARN_BRING_WRITE | TARN_BRING_NOWAIT,
				      NULL) : -ENXIO;
		if (ret)
			break;
		/* As part of a block it would be unmapped when another page goes. */
		part_block(part, index);
		tarn_pin_update(part, index);
	} while (tarn_pin_wanted(part, index) && !tarn_pin_holds(part, index));
	up_read(&part->pin);
	return ret;
}

static int hold_page(struct tarn_partition *part, u64 index)
{
	int ret;

	while ((ret = hold_now(part, index)) == -EAGAIN) {
		ret = tarn_page_wait(part, index);
		if (ret)
			break;
	}
	return ret;
}

/* How many of these pages no pinned area touches yet. */
static u64 count_new(struct tarn_partition *part, u64 first, u64 end)
{
	u64 i, n = 0;

	for (i = first; i < end; i++)
		n += !tarn_pin_wanted(part, i);
	return n;
}

static void uncount(struct tarn_partition *part, u64 first, u64 end)
{
	struct tarn_areas *areas = part->areas;
	u64 i;

	lockdep_assert_held(&areas->lock);
	areas->span -= end - first;
	for (i = first; i < end; i++) {
		if (tarn_pin_remove(part, i))
			atomic64_dec(&part->pool->pinned);
		cond_resched();
	}
}

/* For pages that no pinned area touches yet. */
static bool reserve(struct tarn_partition *part, u64 pages)
{
	struct tarn_pool *pool = part->pool;
	s64 most = READ_ONCE(pool->frames) / POOL_PART;
	/* Who pinned these for DMA has ended before the DMA did: they stay as well. */
	s64 limbo = READ_ONCE(pool->limbo_frames);

	lockdep_assert_held(&part->areas->lock);
	if (pins_of(part) + pages > tarn_pin_quota(part))
		return false;
	if (!pages || atomic64_add_return(pages, &pool->pinned) + limbo <= most)
		return true;
	atomic64_sub(pages, &pool->pinned);
	return false;
}

static u64 span_limit(struct tarn_partition *part)
{
	return max_t(u64, SPAN_TIMES * tarn_pin_quota(part), SPAN_MIN);
}

static int count_pages(struct tarn_partition *part, u64 first, u64 end)
{
	struct tarn_areas *areas = part->areas;
	u64 i, fresh;

	lockdep_assert_held(&areas->lock);
	if (areas->span + (end - first) > span_limit(part))
		return -ENOSPC;
	fresh = count_new(part, first, end);
	if (!reserve(part, fresh))
		return -ENOSPC;
	for (i = first; i < end; i++) {
		int ret = tarn_pin_add(part, i);

		if (ret < 0) {
			atomic64_sub(fresh, &part->pool->pinned);
			uncount(part, first, i);
			return ret;
		}
		areas->span++;
		fresh -= ret;
	}
	return 0;
}

/* ---- areas -------------------------------------------------------------- */

static int pin_area(struct tarn_partition *part, struct area *a)
{
	int ret;

	lockdep_assert_held(&part->areas->lock);
	ret = count_pages(part, first_page(a), end_page(a));
	if (!ret)
		a->pinned = true;
	return ret;
}

static void unpin_area(struct tarn_partition *part, struct area *a)
{
	lockdep_assert_held(&part->areas->lock);
	if (a->pinned)
		uncount(part, first_page(a), end_page(a));
	a->pinned = false;
}

static void remove_area(struct tarn_partition *part, struct area *a)
{
	struct tarn_areas *areas = part->areas;

	lockdep_assert_held(&areas->lock);
	unpin_area(part, a);
	xa_erase(&areas->by_handle, a->handle);
	areas->count--;
	if (areas->metrics == a->handle)
		areas->metrics = 0;
	trace_tarn_area(part->id, a->handle, a->type, a->origin, false);
	kfree(a);
}

static int add_area(struct tarn_partition *part, struct area *a)
{
	struct tarn_areas *areas = part->areas;
	int ret;

	lockdep_assert_held(&areas->lock);
	if (areas->count == AREAS_MOST)
		return -ENOSPC;
	do {
		a->handle = atomic_inc_return(&last_handle) & S32_MAX;
		ret = a->handle ? xa_insert(&areas->by_handle, a->handle, a,
					    GFP_KERNEL_ACCOUNT) : -EBUSY;
	} while (ret == -EBUSY);
	if (ret)
		return ret;
	if (is_critical(part, a->type))
		ret = pin_area(part, a);
	if (ret) {
		xa_erase(&areas->by_handle, a->handle);
		return ret;
	}
	areas->count++;
	trace_tarn_area(part->id, a->handle, a->type, a->origin, true);
	return 0;
}

/* No load before, nor after, makes a difference: it is not there, or not to be had. */
static bool is_final(int error)
{
	return error == -ENXIO || error == -EACCES;
}

/*
 * The pages of an area that is pinned; they may come later with @nowait. What has to
 * be read is under way for many at once. An error of a load before does not count.
 */
static int hold_pages(struct tarn_partition *part, u64 first, u64 end,
		      bool nowait)
{
	u64 i, ahead = first;
	int ret = 0;

	for (i = first; i < end && !ret; i++) {
		for (; ahead < min(end, i + HOLD_AHEAD); ahead++) {
			ret = hold_now(part, ahead);
			if (is_final(ret))
				return ret;
			cond_resched();
		}
		ret = nowait ? 0 : hold_page(part, i);
	}
	return ret;
}

/* The file ends with a size of 0, before its areas are dropped. */
static bool in_file(struct tarn_partition *part,
		    const struct tarn_area_want *want)
{
	u64 size = atomic64_read(&part->pages) << PAGE_SHIFT;

	lockdep_assert_held(&part->areas->lock);
	return want->bytes <= size && want->offset <= size - want->bytes;
}

/**
 * tarn_area_register() - register an area, and pin it if that is to be
 * @part: partition
 * @want: the area
 *
 * Context: process; waits for pages to be read, unless it says nowait; any
 * signal ends that.
 * Return: the handle; -EINVAL it is not in the file, or not any more; -ENOSPC a limit
 * would be passed; -ENOMEM; -ERESTARTSYS a signal; -EIO a page could not be read;
 * -EACCES one is locked; -EFAULT who wants it is gone.
 */
long tarn_area_register(struct tarn_partition *part,
			const struct tarn_area_want *want)
{
	struct area *a;
	u64 first, end;
	bool pinned;
	u32 handle;
	int ret;

	a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);
	if (!a)
		return -ENOMEM;
	a->type = want->type;
	a->origin = want->origin;
	a->offset = want->offset;
	a->bytes = want->bytes;
	a->since = ktime_get_real();
	first = first_page(a);
	end = end_page(a);

	mutex_lock(&part->areas->lock);
	/* What is added after a look at @gone that was false, is dropped later. */
	if (want->gone && READ_ONCE(*want->gone))
		ret = -EFAULT;
	else if (!in_file(part, want))
		ret = -EINVAL;
	else if (tarn_pages_locked(part, first, end))
		ret = -EACCES;
	else
		ret = add_area(part, a);
	handle = a->handle;
	pinned = a->pinned;
	mutex_unlock(&part->areas->lock);
	if (ret) {
		kfree(a);
		return ret;
	}
	if (pinned)
		ret = hold_pages(part, first, end, want->nowait);
	if (!ret)
		return handle;
	tarn_area_unregister(part, handle, want->origin);
	return ret == -ENXIO ? -EINVAL : ret;
}

/**
 * tarn_area_unregister() - forget an area
 * @part: partition
 * @handle: of the area
 * @origin: who registered it; nobody forgets another's
 *
 * Return: 0 or -ENOENT.
 */
long tarn_area_unregister(struct tarn_partition *part, u32 handle,
			  enum tarn_area_origin origin)
{
	struct area *a;
	long ret = -ENOENT;

	mutex_lock(&part->areas->lock);
	a = xa_load(&part->areas->by_handle, handle);
	if (a && a->origin == origin) {
		remove_area(part, a);
		ret = 0;
	}
	mutex_unlock(&part->areas->lock);
	return ret;
}

static unsigned int flags_of(struct tarn_partition *part, const struct area *a)
{
	unsigned int flags = 0;
	u64 i;

	cond_resched();
	if (is_critical(part, a->type))
		flags |= TARN_AREA_IS_CRITICAL;
	if (!a->pinned)
		return flags;
	for (i = first_page(a); i < end_page(a); i++)
		if (!tarn_pin_holds(part, i))
			return flags;
	return flags | TARN_AREA_IS_PINNED;
}

/* TARN_AREA_IS_* of an area that @origin registered, or -ENOENT. */
long tarn_area_query(struct tarn_partition *part, u32 handle,
		     enum tarn_area_origin origin)
{
	struct area *a;
	long ret = -ENOENT;

	mutex_lock(&part->areas->lock);
	a = xa_load(&part->areas->by_handle, handle);
	if (a && a->origin == origin)
		ret = flags_of(part, a);
	mutex_unlock(&part->areas->lock);
	return ret;
}

/* Go on with an area whose pages were not all there when it was registered. */
void tarn_area_retry(struct tarn_partition *part, u32 handle)
{
	u64 first = 0, end = 0;
	struct area *a;

	mutex_lock(&part->areas->lock);
	a = xa_load(&part->areas->by_handle, handle);
	if (a && a->pinned && !(flags_of(part, a) & TARN_AREA_IS_PINNED)) {
		first = first_page(a);
		end = end_page(a);
	}
	mutex_unlock(&part->areas->lock);
	hold_pages(part, first, end, true);
}

/* Whichever area is the page of metrics goes, and @handle, if it is one still, is it. */
static void swap_metrics(struct tarn_partition *part, u32 handle)
{
	struct tarn_areas *areas = part->areas;
	struct area *a;

	mutex_lock(&areas->lock);
	a = xa_load(&areas->by_handle, areas->metrics);
	if (a)
		remove_area(part, a);
	if (xa_load(&areas->by_handle, handle))
		areas->metrics = handle;
	mutex_unlock(&areas->lock);
}

/**
 * tarn_area_set_metrics() - which page is the guest's page of metrics
 * @part: partition
 * @want: it, or NULL for none
 *
 * The one before goes first, as there may be room for one only. Of two calls at once
 * the later one's stays.
 *
 * Return: 0, or an error of tarn_area_register(): then it is none.
 */
long tarn_area_set_metrics(struct tarn_partition *part,
			   const struct tarn_area_want *want)
{
	long handle;

	swap_metrics(part, 0);
	if (!want)
		return 0;
	handle = tarn_area_register(part, want);
	if (handle < 0)
		return handle;
	swap_metrics(part, handle);
	return 0;
}

/* The page of metrics, -1 if there is none. */
s64 tarn_area_metrics_page(struct tarn_partition *part)
{
	struct area *a;
	s64 page = -1;

	mutex_lock(&part->areas->lock);
	a = xa_load(&part->areas->by_handle, part->areas->metrics);
	if (a)
		page = first_page(a);
	mutex_unlock(&part->areas->lock);
	return page;
}

/* The first area of these origins behind @handle, which follows it; or NULL. */
static struct area *next_area(struct tarn_areas *areas, unsigned long *handle,
			      unsigned int origins)
{
	struct area *a;

	lockdep_assert_held(&areas->lock);
	do {
		a = xa_find_after(&areas->by_handle, handle, ULONG_MAX,
				  XA_PRESENT);
	} while (a && !(origins & BIT(a->origin)));
	return a;
}

/**
 * tarn_areas_drop() - forget what some have registered
 * @part: partition
 * @origins: a bit an enum tarn_area_origin; they register no more
 *
 * Context: process; others get at the areas in between.
 */
void tarn_areas_drop(struct tarn_partition *part, unsigned int origins)
{
	unsigned long handle = 0;
	struct area *a;

	do {
		mutex_lock(&part->areas->lock);
		a = next_area(part->areas, &handle, origins);
		if (a)
			remove_area(part, a);
		mutex_unlock(&part->areas->lock);
		cond_resched();
	} while (a);
}

/* Does any area touch a range? Context: process. */
bool tarn_areas_touch(struct tarn_partition *part, u64 first, u64 end)
{
	unsigned long handle;
	bool touch = false;
	struct area *a;

	mutex_lock(&part->areas->lock);
	xa_for_each(&part->areas->by_handle, handle, a) {
		touch = first_page(a) < end && first < end_page(a);
		if (touch)
			break;
		cond_resched();
	}
	mutex_unlock(&part->areas->lock);
	return touch;
}

/* ---- children ----------------------------------------------------------- */

/**
 * tarn_pin_lend() - have pages of a child be pinned on its donor's account
 * @part: the donor
 * @pages: as many, until tarn_pin_return()
 *
 * Return: 0; -ENOSPC the donor's quota would be passed.
 */
int tarn_pin_lend(struct tarn_partition *part, u64 pages)
{
	int ret = -ENOSPC;

	mutex_lock(&part->areas->lock);
	if (pins_of(part) + pages <= tarn_pin_quota(part)) {
		WRITE_ONCE(part->pins.lent, part->pins.lent + pages);
		ret = 0;
	}
	mutex_unlock(&part->areas->lock);
	return ret;
}

void tarn_pin_return(struct tarn_partition *part, u64 pages)
{
	mutex_lock(&part->areas->lock);
	WRITE_ONCE(part->pins.lent, part->pins.lent - pages);
	mutex_unlock(&part->areas->lock);
}

/* A partition is made; they go with it. */
int tarn_areas_create(struct tarn_partition *part)
{
	struct tarn_areas *areas = kzalloc(sizeof(*areas), GFP_KERNEL_ACCOUNT);

	if (!areas)
		return -ENOMEM;
	mutex_init(&areas->lock);
	xa_init_flags(&areas->by_handle, XA_FLAGS_ACCOUNT);
	part->areas = areas;
	return 0;
}

/* ---- lists -------------------------------------------------------------- */

/* Of a whole block it does not show which page is held: it counts as one. */
static unsigned int count_held_in(struct tarn_partition *part,
				  struct tarn_leaf *leaf)
{
	unsigned int i, held = 0;
	bool whole = false;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		u64 e = atomic64_read(&leaf->entry[i]);
		bool is_whole = tarn_block_is_whole(part->pool, e);

		if (!tarn_entry_has_frame(e) || (is_whole && whole))
			continue;
		held += tarn_frame_peek_held(part->pool, tarn_entry_payload(e));
		whole |= is_whole;
	}
	return held;
}

/* Resident pages that somebody holds besides mappings: targets of DMA. */
static u64 count_held(struct tarn_partition *part)
{
	struct tarn_leaf *leaf;
	unsigned long at;
	u64 held = 0;

	xa_for_each(&part->leaves, at, leaf) {
		held += count_held_in(part, leaf);
		cond_resched();
	}
	return held;
}

static void describe(struct tarn_partition *part, const struct area *a,
		     struct tarn_area *to)
{
	*to = (struct tarn_area) {
		.handle = a->handle,
		.type = a->type,
		.origin = a->origin,
		.flags = flags_of(part, a),
		.offset = a->offset,
		.bytes = a->bytes,
		.since_ns = ktime_to_ns(a->since),
	};
}

/**
 * tarn_areas_list() - TARN_PARTITION_AREAS
 * @part: partition
 * @list: the call
 *
 * Context: process.
 * Return: 0, -EINVAL, -EFAULT or -ENOMEM.
 */
long tarn_areas_list(struct tarn_partition *part,
		     struct tarn_partition_areas *list)
{
	const u32 most = PAGE_SIZE / sizeof(struct tarn_area);
	struct tarn_area *buf;
	unsigned long handle = list->cursor;
	u32 room = list->count, n;
	struct area *a;
	long ret = 0;

	if (list->flags || room > 4096)
		return -EINVAL;
	buf = (struct tarn_area *)get_zeroed_page(GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	list->count = 0;
	do {
		n = 0;
		mutex_lock(&part->areas->lock);
		while (n < min(most, room - list->count)) {
			a = xa_find_after(&part->areas->by_handle, &handle,
					  ULONG_MAX, XA_PRESENT);
			if (!a)
				break;
			describe(part, a, &buf[n++]);
		}
		mutex_unlock(&part->areas->lock);
		if (copy_to_user((struct tarn_area __user *)
				 u64_to_user_ptr(list->areas) + list->count,
				 buf, n * sizeof(*buf)))
			ret = -EFAULT;
		list->count += n;
	} while (!ret && n == most);
	free_page((unsigned long)buf);
	list->cursor = handle;
	list->pinned_pages = READ_ONCE(part->pins.pinned);
	list->quota_pages = tarn_pin_quota(part);
	list->held_pages = count_held(part);
	return ret;
}

/* ---- policy ------------------------------------------------------------- */

/* First release, then pin, so that the quota is there for what is to be. */
static void apply(struct tarn_partition *part)
{
	unsigned long handle;
	struct area *a;

	mutex_lock(&part->areas->lock);
	xa_for_each(&part->areas->by_handle, handle, a) {
		if (!is_critical(part, a->type))
			unpin_area(part, a);
		cond_resched();
	}
	xa_for_each(&part->areas->by_handle, handle, a) {
		if (is_critical(part, a->type) && !a->pinned)
			pin_area(part, a);
		cond_resched();
	}
	mutex_unlock(&part->areas->lock);
	for (handle = 0;;) {
		mutex_lock(&part->areas->lock);
		a = xa_find_after(&part->areas->by_handle, &handle, ULONG_MAX,
				  XA_PRESENT);
		mutex_unlock(&part->areas->lock);
		if (!a)
			break;
		tarn_area_retry(part, handle);
	}
}

/**
 * tarn_pin_trim() - let go of pins beyond the quota
 * @part: partition that had nothing to give though frames are short
 *
 * The quota sinks when others come to the pool. Areas of the guest go, the oldest
 * first, until the rest is within it; they stay registered, and are pinned again when
 * the policy is set or the guest registers them anew.
 *
 * Context: the reclaimer; does not wait for who registers.
 */
void tarn_pin_trim(struct tarn_partition *part)
{
	u64 quota = tarn_pin_quota(part);
	unsigned long handle = 0;
	struct area *a;

	if (likely(pins_of(part) <= quota) || !mutex_trylock(&part->areas->lock))
		return;
	while (pins_of(part) > quota &&
	       (a = next_area(part->areas, &handle, BIT(TARN_AREA_BY_GUEST))))
		unpin_area(part, a);
	mutex_unlock(&part->areas->lock);
}

/**
 * tarn_pin_policy() - TARN_POOL_PIN_POLICY
 * @pool: the pool
 * @p: the call; the caller checked that it may set
 *
 * Context: process.
 * Return: 0 or -EINVAL.
 */
long tarn_pin_policy(struct tarn_pool *pool, struct tarn_pool_pin_policy *p)
{
	unsigned int i;
	u32 id;

	BUILD_BUG_ON(sizeof(p->policy) < TARN_AREA_TYPES);
	if (p->flags & ~TARN_PIN_POLICY_SET)
		return -EINVAL;
	if (p->flags) {
		if (p->policy[0] || memchr_inv(p->policy + TARN_AREA_TYPES, 0,
					       sizeof(p->policy) -
					       TARN_AREA_TYPES))
			return -EINVAL;
		for (i = 1; i < TARN_AREA_TYPES; i++)
			if (p->policy[i] > TARN_PIN_NEVER)
				return -EINVAL;
		for (i = 0; i < TARN_AREA_TYPES; i++)
			WRITE_ONCE(pool->pin_policy[i], p->policy[i]);
		for (id = 0;;) {
			struct tarn_partition *part =
				tarn_partition_from(pool, id + 1);

			if (!part)
				break;
			id = part->id;
			apply(part);
			tarn_partition_put(part);
		}
	}
	memset(p->policy, 0, sizeof(p->policy));
	memset(p->critical, 0, sizeof(p->critical));
	for (i = 1; i < TARN_AREA_TYPES; i++) {
		p->policy[i] = READ_ONCE(pool->pin_policy[i]);
		p->critical[i] = critical[i];
	}
	return 0;
}
