// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctls on the files of a tarnfs: calls on the pool by its directories, calls
 * on a partition by its file. A card for each is in Documentation/uapi/.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "fs/balloon.h"
#include "fs/ctl.h"
#include "fs/domain.h"
#include "fs/donate.h"
#include "fs/fs.h"
#include "fs/info.h"
#include "kvm/metrics.h"
#include "kvm/vm.h"
#include "page/ahead.h"
#include "page/notify.h"
#include "page/pagein.h"
#include "page/pageout.h"
#include "page/peek.h"
#include "page/pending.h"
#include "page/restore.h"
#include "pager/pager.h"
#include "policy/age.h"
#include "policy/area.h"
#include "policy/copy.h"
#include "policy/drain.h"
#include "policy/entitle.h"
#include "policy/homes.h"
#include "policy/match.h"
#include "policy/relocate.h"
#include "policy/search.h"
#include "policy/size.h"
#include "pool/event.h"
#include "pool/partition.h"

#define MAX_PAGES_QUERY	(1U << 20)

/* Done: user space is to know of it. */
static long tell(const struct tarn_ctl *c, union tarn_ctl_arg *copy,
		 void __user *arg, u32 size)
{
	bool told = !copy_to_user(arg, copy, min(size, c->size));

	if (c->settle)
		c->settle(copy, told);
	return told ? 0 : -EFAULT;
}

/**
 * tarn_ctl_call() - check, copy in, call, copy out
 * @file: of the ioctl
 * @cmd: its number
 * @arg: its argument
 * @calls: what this kind of file knows
 * @nr: length of @calls
 * @fn: does it
 *
 * Context: process.
 * Return: what @fn returns, or one of the errors at the top of
 * uapi/linux/tarn.h.
 */
long tarn_ctl_call(struct file *file, unsigned int cmd, void __user *arg,
		   const struct tarn_ctl *calls, unsigned int nr,
		   long (*fn)(struct file *file, unsigned int cmd,
			      union tarn_ctl_arg *arg))
{
	const unsigned int size_bits = _IOC_SIZEMASK << _IOC_SIZESHIFT;
	union tarn_ctl_arg *copy;
	const struct tarn_ctl *c;
	u32 size;
	long ret;

	for (c = calls; c < calls + nr; c++)
		if (!((c->cmd ^ cmd) & ~size_bits))
			break;
	if (c == calls + nr)
		return -ENOTTY;
	if (get_user(size, (u32 __user *)arg))
		return -EFAULT;
	if (size < c->min_size || size > PAGE_SIZE)
		return -EINVAL;
	copy = kzalloc(sizeof(*copy), GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	ret = copy_struct_from_user(copy, c->size, arg, size);
	if (ret)
		goto out;
	/* The first word may have changed since it was read. */
	copy->features.size = size;
	ret = fn(file, c->cmd, copy);
	if (!ret)
		ret = tell(c, copy, arg, size);
out:
	kfree(copy);
	return ret;
}

long tarn_ctl_features(struct tarn_features *f)
{
	if (f->flags)
		return -EINVAL;
	f->features = TARN_FEATURE_PAGING | TARN_FEATURE_CHECKSUM |
		      TARN_FEATURE_GRANT | TARN_FEATURE_VM | TARN_FEATURE_PINS |
		      TARN_FEATURE_FAULTS | TARN_FEATURE_ACTIVITY |
		      TARN_FEATURE_HOMES | TARN_FEATURE_HUGE |
		      TARN_FEATURE_PATTERN | TARN_FEATURE_WIDE |
		      TARN_FEATURE_BALLOON | TARN_FEATURE_IMPORT |
		      TARN_FEATURE_DONATE;
	f->max_queues = TARN_PAGER_MAX_QUEUES;
	f->max_depth = TARN_PAGER_MAX_DEPTH;
	return 0;
}

/* ---- pool --------------------------------------------------------------- */

static long pool_call(struct file *file, unsigned int cmd,
		      union tarn_ctl_arg *arg)
{
	struct tarn_pool *pool = tarn_pool_of(file_inode(file)->i_sb);

	switch (cmd) {
	case TARN_GET_FEATURES:
		return tarn_ctl_features(&arg->features);
	case TARN_POOL_INFO:
		if (arg->pool_info.flags)
			return -EINVAL;
		tarn_pool_info_fill(pool, &arg->pool_info);
		return 0;
	case TARN_POOL_SET:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		if (arg->pool_set.flags & ~TARN_POOL_SET_ALL)
			return -EINVAL;
		return tarn_pool_set(pool, &arg->pool_set);
	case TARN_POOL_PIN_POLICY:
		if (arg->pin_policy.flags && !capable(CAP_SYS_ADMIN))
			return -EPERM;
		return tarn_pin_policy(pool, &arg->pin_policy);
	case TARN_POOL_FAULTS:
		/* It tells which pages guests of others use. */
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		return tarn_pending_list(pool, &arg->pool_faults);
	case TARN_POOL_DETACH:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		return arg->pool_detach.flags ? -EINVAL : tarn_pager_force(pool);
	case TARN_POOL_DRAIN:
		/* It names pages of others. */
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		return tarn_drain(pool, &arg->pool_drain);
	case TARN_POOL_SHARING:
		/* So does this. */
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		return tarn_domain_sharing(pool, &arg->pool_sharing);
	}
	return -ENOTTY;
}

static const struct tarn_ctl pool_calls[] = {
	TARN_CTL(TARN_GET_FEATURES, struct tarn_features, max_depth),
	TARN_CTL(TARN_POOL_INFO, struct tarn_pool_info, latency),
	TARN_CTL(TARN_POOL_SET, struct tarn_pool_set, scan_permille),
	TARN_CTL(TARN_POOL_PIN_POLICY, struct tarn_pool_pin_policy, critical),
	TARN_CTL(TARN_POOL_FAULTS, struct tarn_pool_faults, done),
	TARN_CTL(TARN_POOL_DETACH, struct tarn_pool_detach, flags),
	TARN_CTL(TARN_POOL_DRAIN, struct tarn_pool_drain, held_page),
	TARN_CTL(TARN_POOL_SHARING, struct tarn_pool_sharing, reserved),
};

/* ---- partition ---------------------------------------------------------- */

static u8 describe(struct tarn_partition *part, u64 e)
{
	u8 d = tarn_partition_left_balloon(part, e) ? TARN_PAGE_EMPTY :
						      tarn_entry_state(e);

	if (tarn_entry_mark(e))
		d |= TARN_PAGE_IN_FLIGHT;
	if (tarn_entry_pinned(e))
		d |= TARN_PAGE_PINNED;
	/* Without a reference, which would make pages look held that are to go. */
	if ((d & ~TARN_PAGE_PINNED) == TARN_PAGE_RESIDENT &&
	    !tarn_frame_peek_dirty(part->pool, tarn_entry_payload(e)))
		d |= TARN_PAGE_CLEAN;
	if (tarn_entry_has_frame(e) &&
	    tarn_frame_peek_dma(part->pool, tarn_entry_payload(e)))
		d |= TARN_PAGE_DMA;
	return d;
}

/* Fill an array of user space with a byte a page of a range. */
static long describe_range(struct tarn_partition *part, u64 start, u64 count,
			   u8 __user *to,
			   u8 (*fn)(struct tarn_partition *part, u64 e))
{
	u64 index, n = 0;
	u8 *buf;
	long ret = 0;

	buf = (u8 *)__get_free_page(GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	for (index = 0; index < count && !ret; index += n) {
		n = min_t(u64, count - index, PAGE_SIZE);
		for (u64 i = 0; i < n; i++) {
			atomic64_t *entry =
				tarn_partition_entry(part, start + index + i);

			buf[i] = entry ? fn(part, atomic64_read(entry)) : 0;
		}
		if (copy_to_user(to + index, buf, n))
			ret = -EFAULT;
		cond_resched();
	}
	free_page((unsigned long)buf);
	return ret;
}

/* Cut a range at the end of the file. */
static u64 within(struct tarn_partition *part, u64 start, u64 count)
{
	u64 pages = atomic64_read(&part->pages);

	return start < pages ? min(count, pages - start) : 0;
}

static long partition_pages(struct tarn_partition *part,
			    struct tarn_partition_pages *p)
{
	if (p->flags || p->count > MAX_PAGES_QUERY)
		return -EINVAL;
	p->count = within(part, p->start, p->count);
	return describe_range(part, p->start, p->count,
			      u64_to_user_ptr(p->states), describe);
}

/* What a page shares; 0: nothing, or somebody has it in hand, and it may cease to. */
static u64 shared_id(struct tarn_partition *part, u64 index)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 e = entry ? atomic64_read(entry) : 0;

	return tarn_entry_is_shared(e) && !tarn_entry_mark(e) ?
	       tarn_entry_payload(e) : 0;
}

static long partition_shared(struct tarn_partition *part,
			     struct tarn_partition_shared *s)
{
	u64 __user *to = u64_to_user_ptr(s->ids);
	u64 i;

	if (s->flags || s->count > MAX_PAGES_QUERY)
		return -EINVAL;
	s->count = within(part, s->start, s->count);
	for (i = 0; i < s->count; i++) {
		if (put_user(shared_id(part, s->start + i), to + i))
			return -EFAULT;
		cond_resched();
	}
	/* Whose number was another one's before counts by now. */
	smp_rmb();
	s->left = atomic64_read(&part->stats.count[TARN_STAT_SHARERS_LEFT]);
	return 0;
}

static u8 describe_heat(struct tarn_partition *part, u64 e)
{
	return tarn_age_heat(part, e);
}

static long partition_heat(struct tarn_partition *part,
			   struct tarn_partition_heat *h)
{
	if (h->flags || h->count > MAX_PAGES_QUERY)
		return -EINVAL;
	h->count = within(part, h->start, h->count);
	tarn_age_heat_fill(part, h);
	return describe_range(part, h->start, h->count,
			      u64_to_user_ptr(h->heat), describe_heat);
}

static long partition_range(struct tarn_partition *part, unsigned int cmd,
			    struct tarn_partition_range *r)
{
	u32 known = cmd == TARN_PARTITION_PAGE_IN ? TARN_PAGE_IN_ALL : 0;
	bool spare = r->flags & TARN_PAGE_IN_SPARE;
	u64 count;

	if (r->flags & ~known || r->flags == TARN_PAGE_IN_OWN)
		return -EINVAL;
	if (!part->pool->paging)
		return -ENODEV;
	if (cmd != TARN_PARTITION_PATTERNS && cmd != TARN_PARTITION_SHARE && !spare &&
	    !tarn_pool_served(part->pool))
		return -EAGAIN;
	count = within(part, r->start, r->count);
	r->done = 0;
	if (cmd == TARN_PARTITION_PATTERNS)
		return tarn_search_range(part, r->start, count, &r->done);
	if (cmd == TARN_PARTITION_SHARE)
		return tarn_match_range(part, r->start, count, &r->done);
	if (cmd == TARN_PARTITION_PAGE_OUT)
		return tarn_pageout_range(part, r->start, count, &r->done);
	return spare ? tarn_pagein_spare(part, r->start, count,
					 r->flags & TARN_PAGE_IN_OWN, &r->done) :
		       tarn_pagein_range(part, r->start, count, &r->done);
}

static long partition_set(struct tarn_partition *part,
			  const struct tarn_partition_set *set)
{
	bool huge = set->flags & TARN_PARTITION_SET_HUGE;
	long ret;

	/* Before there was such a setting the field had to be 0. */
	if (huge ? set->huge > TARN_HUGE_ALWAYS : set->huge)
		return -EINVAL;
	ret = tarn_entitle_set(part, set);
	if (!ret && huge)
		WRITE_ONCE(part->huge, set->huge);
	return ret;
}

static long partition_register(struct tarn_partition *part,
			       struct tarn_partition_register *r)
{
	const struct tarn_area_want want = {
		.type = r->type,
		.origin = TARN_AREA_BY_VMM,
		.offset = r->offset,
		.bytes = r->bytes,
	};
	long handle;

	if (r->flags || r->handle || !r->type || r->type >= TARN_AREA_TYPES ||
	    !r->bytes || r->bytes > TARN_AREA_MAX_BYTES)
		return -EINVAL;
	handle = tarn_area_register(part, &want);
	if (handle < 0)
		return handle;
	r->handle = handle;
	return 0;
}

static long partition_unregister(struct tarn_partition *part,
				 const struct tarn_partition_register *r)
{
	if (r->flags || r->type || r->offset || r->bytes)
		return -EINVAL;
	return tarn_area_unregister(part, r->handle, TARN_AREA_BY_VMM);
}

static long partition_call(struct file *file, unsigned int cmd,
			   union tarn_ctl_arg *arg)
{
	struct tarn_partition *part = TARN_I(file_inode(file))->part;

	/* What the memory holds is for who may read it. */
	if ((cmd == TARN_PARTITION_READ || cmd == TARN_PARTITION_METRICS ||
	     cmd == TARN_PARTITION_SHARED) && !(file->f_mode & FMODE_READ))
		return -EPERM;
	switch (cmd) {
	case TARN_GET_FEATURES:
		return tarn_ctl_features(&arg->features);
	case TARN_PARTITION_INFO:
		if (arg->partition_info.flags)
			return -EINVAL;
		tarn_partition_info_fill(part, &arg->partition_info);
		return 0;
	case TARN_PARTITION_PAGES:
		return partition_pages(part, &arg->pages);
	case TARN_PARTITION_READ:
		return tarn_peek_range(part, &arg->read);
	case TARN_PARTITION_SHARED:
		return partition_shared(part, &arg->shared);
	case TARN_PARTITION_AREAS:
		return tarn_areas_list(part, &arg->areas);
	case TARN_PARTITION_METRICS:
		if (arg->metrics.flags)
			return -EINVAL;
		return tarn_metrics_read(part, &arg->metrics.metrics);
	case TARN_PARTITION_HEAT:
		return partition_heat(part, &arg->heat);
	case TARN_PARTITION_RELOCATE:
		if (arg->relocate.op != TARN_RELOCATE_STATUS)
			break;
		return tarn_relocate(part, &arg->relocate);
	case TARN_PARTITION_HOMES:
		if (arg->homes.flags & ~TARN_HOMES_SET || arg->homes.reserved)
			return -EINVAL;
		if (arg->homes.flags)
			break;
		return tarn_homes_list(part, &arg->homes);
	case TARN_PARTITION_DOMAIN:
		if (arg->domain.flags)
			break;
		return tarn_domain_call(part, &arg->domain);
	}
	if (!(file->f_mode & FMODE_WRITE))
		return -EPERM;
	/* A child stays what it was made as. */
	if (tarn_partition_is_child(part) && cmd != TARN_PARTITION_RELOCATE &&
	    cmd != TARN_PARTITION_HOMES)
		return -EPERM;
	switch (cmd) {
	case TARN_PARTITION_RELOCATE:
		return capable(CAP_SYS_ADMIN) ?
			       tarn_relocate(part, &arg->relocate) : -EPERM;
	case TARN_PARTITION_HOMES:
		return capable(CAP_SYS_ADMIN) ?
			       tarn_homes_set(part, &arg->homes) : -EPERM;
	case TARN_PARTITION_DOMAIN:
		return tarn_domain_call(part, &arg->domain);
	case TARN_PARTITION_SET:
		if (arg->partition_set.flags & ~TARN_PARTITION_SET_ALL)
			return -EINVAL;
		return partition_set(part, &arg->partition_set);
	case TARN_PARTITION_PAGE_OUT:
	case TARN_PARTITION_PAGE_IN:
	case TARN_PARTITION_PATTERNS:
	case TARN_PARTITION_SHARE:
		return partition_range(part, cmd, &arg->range);
	case TARN_PARTITION_ATTACH:
		return tarn_vm_attach(part, &arg->vm);
	case TARN_PARTITION_REGISTER:
		return partition_register(part, &arg->area);
	case TARN_PARTITION_UNREGISTER:
		return partition_unregister(part, &arg->area);
	case TARN_PARTITION_NOTIFY:
		return tarn_notify_set(part, &arg->notify);
	case TARN_PARTITION_BALLOON:
		return tarn_balloon_call(file_inode(file), &arg->balloon);
	case TARN_PARTITION_FILL:
		return tarn_restore_fill(part, &arg->fill);
	case TARN_PARTITION_COPY:
		return tarn_copy_range(part, &arg->copy);
	case TARN_PARTITION_IMPORT:
		return tarn_restore_import(part, &arg->import);
	case TARN_PARTITION_DONATE:
		return tarn_donate(file, &arg->donate);
	}
	return -ENOTTY;
}

static const struct tarn_ctl partition_calls[] = {
	TARN_CTL(TARN_GET_FEATURES, struct tarn_features, max_depth),
	TARN_CTL(TARN_PARTITION_INFO, struct tarn_partition_info, latency),
	TARN_CTL(TARN_PARTITION_SET, struct tarn_partition_set, huge),
	TARN_CTL(TARN_PARTITION_PAGES, struct tarn_partition_pages, states),
	TARN_CTL(TARN_PARTITION_PAGE_OUT, struct tarn_partition_range, done),
	TARN_CTL(TARN_PARTITION_PAGE_IN, struct tarn_partition_range, done),
	TARN_CTL(TARN_PARTITION_PATTERNS, struct tarn_partition_range, done),
	TARN_CTL(TARN_PARTITION_SHARE, struct tarn_partition_range, done),
	TARN_CTL(TARN_PARTITION_DOMAIN, struct tarn_partition_domain, name),
	TARN_CTL(TARN_PARTITION_ATTACH, struct tarn_partition_attach, ranges),
	TARN_CTL(TARN_PARTITION_REGISTER, struct tarn_partition_register, bytes),
	TARN_CTL(TARN_PARTITION_UNREGISTER, struct tarn_partition_register,
		 bytes),
	TARN_CTL(TARN_PARTITION_AREAS, struct tarn_partition_areas, held_pages),
	TARN_CTL(TARN_PARTITION_NOTIFY, struct tarn_partition_notify, reserved),
	TARN_CTL(TARN_PARTITION_BALLOON, struct tarn_partition_balloon, done),
	TARN_CTL(TARN_PARTITION_SHARED, struct tarn_partition_shared, left),
	TARN_CTL(TARN_PARTITION_FILL, struct tarn_partition_fill, done),
	TARN_CTL(TARN_PARTITION_COPY, struct tarn_partition_copy, done),
	TARN_CTL(TARN_PARTITION_IMPORT, struct tarn_partition_import, done),
	TARN_CTL_SETTLED(TARN_PARTITION_DONATE, struct tarn_partition_donate, key,
			 tarn_donate_settle),
	TARN_CTL(TARN_PARTITION_METRICS, struct tarn_partition_metrics, metrics),
	TARN_CTL(TARN_PARTITION_HEAT, struct tarn_partition_heat, rounds),
	TARN_CTL(TARN_PARTITION_READ, struct tarn_partition_read, states),
	TARN_CTL(TARN_PARTITION_HOMES, struct tarn_partition_homes, moved_pages),
	TARN_CTL(TARN_PARTITION_RELOCATE, struct tarn_partition_relocate, blocked),
};

long tarn_fs_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct inode *inode = file_inode(file);

	if (S_ISREG(inode->i_mode))
		return tarn_ctl_call(file, cmd, (void __user *)arg,
				     partition_calls,
				     ARRAY_SIZE(partition_calls),
				     partition_call);
	/* It tells of pages of others, as TARN_POOL_FAULTS does. */
	if (cmd == TARN_POOL_EVENTS)
		return perfmon_capable() ?
			       tarn_event_open(tarn_pool_of(inode->i_sb)) :
			       -EPERM;
	return tarn_ctl_call(file, cmd, (void __user *)arg, pool_calls,
			     ARRAY_SIZE(pool_calls), pool_call);
}
