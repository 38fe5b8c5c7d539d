// SPDX-License-Identifier: GPL-2.0-only
/* See pin.h. */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "entitle.h"
#include "pagein.h"
#include "partition.h"
#include "pin.h"
#include "pool.h"
#include "reclaim.h"
#include "trace.h"

/* A partition may pin this part of what it is entitled to, but some at least. */
#define QUOTA_PART	2
#define QUOTA_MIN	64

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
 * @pinned: its pages are counted in tarn_areas.pages
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

static atomic_t last_handle = ATOMIC_INIT(0);

static u64 first_page(const struct area *a)
{
	return a->offset >> PAGE_SHIFT;
}

static u64 end_page(const struct area *a)
{
	return ((a->offset + a->bytes - 1) >> PAGE_SHIFT) + 1;
}

static bool is_critical(struct tarn_pool *pool, unsigned int type)
{
	switch (READ_ONCE(pool->pin_policy[type])) {
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
 * shrinks.
 */
u64 tarn_pin_quota(struct tarn_partition *part)
{
	return max_t(u64, tarn_entitle_fair(part) / QUOTA_PART, QUOTA_MIN);
}

/* ---- pages -------------------------------------------------------------- */

static bool wanted(struct tarn_partition *part, u64 index)
{
	return xa_load(&part->areas.pages, index);
}

/**
 * tarn_pin_hint() - hint of a page that gets a frame
 * @part: partition
 * @index: page
 * @otherwise: if it is not pinned
 */
unsigned int tarn_pin_hint(struct tarn_partition *part, u64 index,
			   unsigned int otherwise)
{
	if (likely(!READ_ONCE(part->areas.pinned)))
		return otherwise;
	return wanted(part, index) ? TARN_HINT_PINNED : otherwise;
}

static bool set_hint(struct tarn_partition *part, u64 index, atomic64_t *entry,
		     u64 frame)
{
	u64 e = atomic64_read(entry), to;

	do {
		if (!tarn_entry_is_frame(e, frame))
			return false;
		to = e;
		if (!wanted(part, index)) {
			if (tarn_entry_pinned(e))
				to = tarn_entry_with_hint(e, TARN_USE_MAX);
		} else {
			to = tarn_entry_with_hint(e, TARN_HINT_PINNED);
			if (tarn_entry_mark(e) == TARN_MARK_OUT)
				to = tarn_entry_with_mark(to, TARN_MARK_RESCUED);
		}
	} while (to != e && !tarn_entry_change(part, index, entry, &e, to));
	return true;
}

/*
 * Make the hint of a page that has a frame what @pages says. Both sides do this
 * with the page lock held after they changed @pages, so the last one is right.
 */
static void update_hint(struct tarn_partition *part, u64 index)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	bool done = !entry;

	while (!done) {
		u64 e = atomic64_read(entry);
		struct page *page;

		if (tarn_entry_state(e) != TARN_PAGE_RESIDENT)
			return;
		page = tarn_frame_get(part->pool, tarn_entry_payload(e));
		if (!page)
			continue;
		if (tarn_entry_is_frame(atomic64_read(entry),
					tarn_entry_payload(e))) {
			lock_page(page);
			done = set_hint(part, index, entry,
					tarn_entry_payload(e));
			unlock_page(page);
		}
		put_page(page);
	}
}

static bool is_pinned(struct tarn_partition *part, u64 index)
{
	atomic64_t *entry = tarn_partition_entry(part, index);

	return entry && tarn_entry_pinned(atomic64_read(entry));
}

/* With the count of the page taken: give it a frame and have it stay there. */
static int hold_page(struct tarn_partition *part, u64 index, unsigned int flags)
{
	int ret;

	do {
		ret = tarn_page_bring(part, index, TARN_BRING_WRITE | flags,
				      current->mm);
		if (ret)
			return ret;
		update_hint(part, index);
	} while (wanted(part, index) && !is_pinned(part, index));
	return 0;
}

/* How many of these pages no pinned area touches yet. */
static u64 count_new(struct tarn_partition *part, u64 first, u64 end)
{
	u64 i, n = 0;

	for (i = first; i < end; i++)
		n += !wanted(part, i);
	return n;
}

static void uncount(struct tarn_partition *part, u64 first, u64 end)
{
	struct tarn_areas *areas = &part->areas;
	u64 i;

	lockdep_assert_held(&areas->lock);
	for (i = first; i < end; i++) {
		unsigned long n = xa_to_value(xa_load(&areas->pages, i));

		if (n > 1) {
			/* In place of a value: needs no memory. */
			xa_store(&areas->pages, i, xa_mk_value(n - 1),
				 GFP_KERNEL);
			continue;
		}
		xa_erase(&areas->pages, i);
		areas->pinned--;
		atomic64_dec(&part->pool->pinned);
		update_hint(part, i);
	}
}

static int count_pages(struct tarn_partition *part, u64 first, u64 end)
{
	struct tarn_areas *areas = &part->areas;
	u64 i;

	lockdep_assert_held(&areas->lock);
	if (areas->pinned + count_new(part, first, end) > tarn_pin_quota(part))
		return -ENOSPC;
	for (i = first; i < end; i++) {
		void *old = xa_load(&areas->pages, i);
		unsigned long n = old ? xa_to_value(old) : 0;
		int ret = xa_err(xa_store(&areas->pages, i, xa_mk_value(n + 1),
					  GFP_KERNEL_ACCOUNT));

		if (ret) {
			uncount(part, first, i);
			return ret;
		}
		if (!n) {
			WRITE_ONCE(areas->pinned, areas->pinned + 1);
			atomic64_inc(&part->pool->pinned);
		}
	}
	return 0;
}

/* ---- areas -------------------------------------------------------------- */

static int pin_area(struct tarn_partition *part, struct area *a)
{
	int ret;

	lockdep_assert_held(&part->areas.lock);
	ret = count_pages(part, first_page(a), end_page(a));
	if (!ret)
		a->pinned = true;
	return ret;
}

static void unpin_area(struct tarn_partition *part, struct area *a)
{
	lockdep_assert_held(&part->areas.lock);
	if (a->pinned)
		uncount(part, first_page(a), end_page(a));
	a->pinned = false;
}

static void remove_area(struct tarn_partition *part, struct area *a)
{
	struct tarn_areas *areas = &part->areas;

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
	struct tarn_areas *areas = &part->areas;
	int ret;

	lockdep_assert_held(&areas->lock);
	if (areas->count == TARN_AREAS_MAX)
		return -ENOSPC;
	do {
		a->handle = atomic_inc_return(&last_handle) & S32_MAX;
		ret = a->handle ? xa_insert(&areas->by_handle, a->handle, a,
					    GFP_KERNEL_ACCOUNT) : -EBUSY;
	} while (ret == -EBUSY);
	if (ret)
		return ret;
	if (is_critical(part->pool, a->type))
		ret = pin_area(part, a);
	if (ret) {
		xa_erase(&areas->by_handle, a->handle);
		return ret;
	}
	areas->count++;
	trace_tarn_area(part->id, a->handle, a->type, a->origin, true);
	return 0;
}

/* The pages of an area that is pinned; they may come later with NOWAIT. */
static int hold_pages(struct tarn_partition *part, u64 first, u64 end,
		      bool nowait)
{
	int ret = 0;
	u64 i;

	for (i = first; i < end && !ret; i++) {
		ret = hold_page(part, i, nowait ? TARN_BRING_NOWAIT : 0);
		if (ret == -EAGAIN && nowait)
			ret = 0;
		cond_resched();
	}
	return ret;
}

/**
 * tarn_area_register() - register an area, and pin it if that is to be
 * @part: partition
 * @want: the area
 *
 * Context: process; waits for pages to be read, killable, unless it says nowait.
 * Return: the handle; -EINVAL it is not in the file; -ENOSPC a limit would be
 * passed; -ENOMEM; -EINTR; -EIO a page could not be read; -EFAULT who wants it is
 * gone.
 */
long tarn_area_register(struct tarn_partition *part,
			const struct tarn_area_want *want)
{
	u64 size = atomic64_read(&part->pages) << PAGE_SHIFT;
	struct area *a;
	u64 first, end;
	bool pinned;
	u32 handle;
	int ret;

	if (want->bytes > size || want->offset > size - want->bytes)
		return -EINVAL;
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

	mutex_lock(&part->areas.lock);
	/* What is added after a look at @gone that was false, is dropped later. */
	if (want->gone && READ_ONCE(*want->gone))
		ret = -EFAULT;
	else
		ret = add_area(part, a);
	handle = a->handle;
	pinned = a->pinned;
	mutex_unlock(&part->areas.lock);
	if (ret) {
		kfree(a);
		return ret;
	}
	if (pinned)
		ret = hold_pages(part, first, end, want->nowait);
	if (!ret)
		return handle;
	tarn_area_unregister(part, handle, want->origin);
	return ret;
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

	mutex_lock(&part->areas.lock);
	a = xa_load(&part->areas.by_handle, handle);
	if (a && a->origin == origin) {
		remove_area(part, a);
		ret = 0;
	}
	mutex_unlock(&part->areas.lock);
	return ret;
}

static unsigned int flags_of(struct tarn_partition *part, const struct area *a)
{
	unsigned int flags = 0;
	u64 i;

	if (is_critical(part->pool, a->type))
		flags |= TARN_AREA_IS_CRITICAL;
	if (!a->pinned)
		return flags;
	for (i = first_page(a); i < end_page(a); i++)
		if (!is_pinned(part, i))
			return flags;
	return flags | TARN_AREA_IS_PINNED;
}

/* TARN_AREA_IS_* of an area that @origin registered, or -ENOENT. */
long tarn_area_query(struct tarn_partition *part, u32 handle,
		     enum tarn_area_origin origin)
{
	struct area *a;
	long ret = -ENOENT;

	mutex_lock(&part->areas.lock);
	a = xa_load(&part->areas.by_handle, handle);
	if (a && a->origin == origin)
		ret = flags_of(part, a);
	mutex_unlock(&part->areas.lock);
	return ret;
}

/* Go on with an area whose pages were not all there when it was registered. */
void tarn_area_retry(struct tarn_partition *part, u32 handle)
{
	u64 first = 0, end = 0;
	struct area *a;

	mutex_lock(&part->areas.lock);
	a = xa_load(&part->areas.by_handle, handle);
	if (a && a->pinned && !(flags_of(part, a) & TARN_AREA_IS_PINNED)) {
		first = first_page(a);
		end = end_page(a);
	}
	mutex_unlock(&part->areas.lock);
	hold_pages(part, first, end, true);
}

/**
 * tarn_area_set_metrics() - which page is the guest's page of metrics
 * @part: partition
 * @want: it, or NULL for none
 *
 * Return: 0, or an error of tarn_area_register(): then it is none.
 */
long tarn_area_set_metrics(struct tarn_partition *part,
			   const struct tarn_area_want *want)
{
	struct tarn_areas *areas = &part->areas;
	long handle = 0;
	struct area *a;

	mutex_lock(&areas->lock);
	a = xa_load(&areas->by_handle, areas->metrics);
	if (a)
		remove_area(part, a);
	mutex_unlock(&areas->lock);
	if (want)
		handle = tarn_area_register(part, want);
	if (handle <= 0)
		return handle;
	mutex_lock(&areas->lock);
	if (xa_load(&areas->by_handle, handle))
		areas->metrics = handle;
	mutex_unlock(&areas->lock);
	return 0;
}

/* The page of metrics, -1 if there is none. */
s64 tarn_area_metrics_page(struct tarn_partition *part)
{
	struct area *a;
	s64 page = -1;

	mutex_lock(&part->areas.lock);
	a = xa_load(&part->areas.by_handle, part->areas.metrics);
	if (a)
		page = first_page(a);
	mutex_unlock(&part->areas.lock);
	return page;
}

/**
 * tarn_areas_drop() - forget what some have registered
 * @part: partition
 * @origins: a bit an enum tarn_area_origin
 *
 * Context: process.
 */
void tarn_areas_drop(struct tarn_partition *part, unsigned int origins)
{
	unsigned long handle;
	struct area *a;

	mutex_lock(&part->areas.lock);
	xa_for_each(&part->areas.by_handle, handle, a)
		if (origins & BIT(a->origin))
			remove_area(part, a);
	mutex_unlock(&part->areas.lock);
}

void tarn_areas_init(struct tarn_areas *areas)
{
	mutex_init(&areas->lock);
	xa_init_flags(&areas->by_handle, XA_FLAGS_ACCOUNT);
	xa_init_flags(&areas->pages, XA_FLAGS_ACCOUNT);
}

/* ---- lists -------------------------------------------------------------- */

/* Resident pages that somebody holds besides mappings: targets of DMA. */
static u64 count_held(struct tarn_partition *part)
{
	struct tarn_leaf *leaf;
	unsigned long at;
	u64 held = 0;

	xa_for_each(&part->leaves, at, leaf) {
		unsigned int i;

		for (i = 0; i < TARN_LEAF_PAGES; i++) {
			u64 e = atomic64_read(&leaf->entry[i]);
			struct page *page;

			if (tarn_entry_state(e) != TARN_PAGE_RESIDENT)
				continue;
			page = tarn_frame_get(part->pool,
					      tarn_entry_payload(e));
			if (!page)
				continue;
			held += tarn_frame_held(page, 1);
			put_page(page);
		}
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
		mutex_lock(&part->areas.lock);
		while (n < min(most, room - list->count)) {
			a = xa_find_after(&part->areas.by_handle, &handle,
					  ULONG_MAX, XA_PRESENT);
			if (!a)
				break;
			describe(part, a, &buf[n++]);
		}
		mutex_unlock(&part->areas.lock);
		if (copy_to_user((struct tarn_area __user *)
				 u64_to_user_ptr(list->areas) + list->count,
				 buf, n * sizeof(*buf)))
			ret = -EFAULT;
		list->count += n;
	} while (!ret && n == most);
	free_page((unsigned long)buf);
	list->cursor = handle;
	list->pinned_pages = READ_ONCE(part->areas.pinned);
	list->quota_pages = tarn_pin_quota(part);
	list->held_pages = count_held(part);
	return ret;
}

/* ---- policy ------------------------------------------------------------- */

void tarn_pin_policy_init(struct tarn_pool *pool)
{
	/* 0 is TARN_PIN_CRITICAL. */
	memset(pool->pin_policy, 0, sizeof(pool->pin_policy));
}

/* First release, then pin, so that the quota is there for what is to be. */
static void apply(struct tarn_partition *part)
{
	unsigned long handle;
	struct area *a;

	mutex_lock(&part->areas.lock);
	xa_for_each(&part->areas.by_handle, handle, a)
		if (!is_critical(part->pool, a->type))
			unpin_area(part, a);
	xa_for_each(&part->areas.by_handle, handle, a)
		if (is_critical(part->pool, a->type) && !a->pinned)
			pin_area(part, a);
	mutex_unlock(&part->areas.lock);
	for (handle = 0;;) {
		mutex_lock(&part->areas.lock);
		a = xa_find_after(&part->areas.by_handle, &handle, ULONG_MAX,
				  XA_PRESENT);
		mutex_unlock(&part->areas.lock);
		if (!a)
			break;
		tarn_area_retry(part, handle);
	}
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
