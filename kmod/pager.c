// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/tarn: attaching a pager, the frame window, what is stored, and the end
 * of a pager however it comes. See Documentation/design/pager-protocol.rst.
 *
 * A descriptor attaches once. The pager detaches when the process that attached
 * closes it or dies: parked io_uring commands keep the file open, so this is
 * seen in ->flush, which runs for every close, and not in ->release. The
 * struct tarn_pager stays until ->release, as commands may be on their way in.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/io_uring_cmd.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/srcu.h>

#include "ctl.h"
#include "event.h"
#include "fs.h"
#include "io.h"
#include "pager.h"
#include "partition.h"
#include "reclaim.h"

#define MIN_DEPTH	16

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

/* ---- drops -------------------------------------------------------------- */

/* The next cookie that the pager may forget, 0 if there is none. */
u64 tarn_drop_next(struct tarn_pager *pager)
{
	struct tarn_drop_batch *batch, *done = NULL;
	u64 cookie = TARN_COOKIE_NONE;

	spin_lock(&pager->drop_lock);
	batch = list_first_entry_or_null(&pager->drops, struct tarn_drop_batch,
					 link);
	if (batch) {
		cookie = batch->cookies[--batch->count];
		if (!batch->count) {
			list_del(&batch->link);
			done = batch;
		}
	}
	spin_unlock(&pager->drop_lock);
	if (done)
		free_page((unsigned long)done);
	return cookie;
}

/* False if there is no room for @cookie and no @fresh batch to put it in. */
static bool drop_add(struct tarn_pager *pager, u64 cookie,
		     struct tarn_drop_batch **fresh)
{
	struct tarn_drop_batch *batch;

	lockdep_assert_held(&pager->drop_lock);
	batch = list_first_entry_or_null(&pager->drops, struct tarn_drop_batch,
					 link);
	if (!batch || batch->count == TARN_DROP_BATCH) {
		if (!*fresh)
			return false;
		batch = *fresh;
		*fresh = NULL;
		list_add(&batch->link, &pager->drops);
	}
	batch->cookies[batch->count++] = cookie;
	return true;
}

/**
 * tarn_cookie_drop() - a stored copy is not needed any more
 * @pool: of this pool
 * @cookie: of the copy; nothing of the module names it now
 *
 * Without a pager there is nobody to tell: the next one learns what is stored
 * and takes all else for free. One that is just learning has to begin anew.
 *
 * Context: process.
 */
void tarn_cookie_drop(struct tarn_pool *pool, u64 cookie)
{
	struct tarn_drop_batch *fresh = NULL;
	struct tarn_pager *pager;
	bool added;

again:
	added = true;
	rcu_read_lock();
	pager = rcu_dereference(pool->pager);
	if (pager) {
		spin_lock(&pager->drop_lock);
		if (pager->takes_drops)
			added = drop_add(pager, cookie, &fresh);
		else
			pool->drop_generation++;
		spin_unlock(&pager->drop_lock);
		if (added)
			tarn_queue_kick(&pager->queues[0]);
	}
	rcu_read_unlock();
	if (!added) {
		fresh = (void *)get_zeroed_page(GFP_KERNEL | __GFP_NOFAIL);
		goto again;
	}
	if (fresh)
		free_page((unsigned long)fresh);
}

static void drops_free(struct tarn_pager *pager)
{
	struct tarn_drop_batch *batch, *next;

	list_for_each_entry_safe(batch, next, &pager->drops, link)
		free_page((unsigned long)batch);
	INIT_LIST_HEAD(&pager->drops);
}

/* ---- attach, start, detach ---------------------------------------------- */

static void pager_free(struct tarn_pager *pager)
{
	u32 i;

	for (i = 0; i < pager->nr_queues; i++)
		tarn_queue_exit(&pager->queues[i]);
	drops_free(pager);
	tarn_pool_put(pager->pool);
	kfree_rcu(pager, rcu);
}

static struct tarn_pager *pager_create(struct tarn_pool *pool, u32 queues,
				       u32 depth)
{
	struct tarn_pager *pager;
	u32 i;

	pager = kzalloc(struct_size(pager, queues, queues), GFP_KERNEL);
	if (!pager)
		return NULL;
	pager->pool = tarn_pool_get(pool);
	pager->tgid = current->tgid;
	spin_lock_init(&pager->drop_lock);
	INIT_LIST_HEAD(&pager->drops);
	pager->nr_queues = queues;
	for (i = 0; i < queues; i++) {
		if (tarn_queue_init(&pager->queues[i], pager, depth)) {
			pager_free(pager);
			return NULL;
		}
	}
	return pager;
}

static u64 count_stored(struct tarn_pool *pool)
{
	/* Paged pages, and at most as many resident ones with a copy. */
	return atomic64_read(&pool->paged) + atomic64_read(&pool->resident);
}

static long pager_attach(struct file *file, struct tarn_pager_attach *a)
{
	struct tarn_pager *pager;
	struct tarn_pool *pool;
	struct fd f;
	long ret;

	if (a->flags || a->reserved || !a->queues ||
	    a->queues > TARN_PAGER_MAX_QUEUES || a->depth < MIN_DEPTH ||
	    a->depth > TARN_PAGER_MAX_DEPTH || !is_power_of_2(a->depth))
		return -EINVAL;
	f = fdget(a->pool_fd);
	if (!fd_file(f))
		return -EBADF;
	ret = -EXDEV;
	pool = tarn_pool_of(file_inode(fd_file(f))->i_sb);
	if (!pool)
		goto out_fd;
	ret = -ENODEV;
	if (!pool->paging)
		goto out_fd;
	ret = -ENOMEM;
	pager = pager_create(pool, a->queues, a->depth);
	if (!pager)
		goto out_fd;

	mutex_lock(&pool->pager_lock);
	ret = -EBUSY;
	if (rcu_access_pointer(pool->pager) ||
	    cmpxchg(&file->private_data, NULL, pager)) {
		mutex_unlock(&pool->pager_lock);
		pager_free(pager);
		goto out_fd;
	}
	pager->mapping = file->f_mapping;
	pager->path = fd_file(f)->f_path;
	path_get(&pager->path);
	pager->listed_at = pool->drop_generation;
	rcu_assign_pointer(pool->pager, pager);
	mutex_unlock(&pool->pager_lock);

	a->window_bytes = pool->max_chunks << (TARN_CHUNK_SHIFT + PAGE_SHIFT);
	a->queue_bytes = tarn_queue_bytes(a->depth);
	a->stored_pages = count_stored(pool);
	export_uuid(a->uuid, &pool->uuid);
	ret = 0;
out_fd:
	fdput(f);
	return ret;
}

static long pager_start(struct tarn_pager *pager)
{
	struct tarn_pool *pool = pager->pool;
	long ret = 0;
	u32 i;

	/*
	 * Reads by grants of the pager before name cookies of its: if they ended
	 * later, what they drop would be taken for a copy of this one's.
	 */
	if (!READ_ONCE(pager->started))
		ret = wait_event_killable(pool->store_wait,
					  !atomic_read(&pool->reads));
	if (ret)
		return -EINTR;
	mutex_lock(&pool->pager_lock);
	if (rcu_access_pointer(pool->pager) != pager)
		ret = -ENOTCONN;
	else if (pager->started)
		ret = -EBUSY;
	if (ret)
		goto out;
	synchronize_srcu(&cookie_srcu);
	spin_lock(&pager->drop_lock);
	if (pager->listed_at != pool->drop_generation)
		ret = -EAGAIN;
	else
		pager->takes_drops = true;
	spin_unlock(&pager->drop_lock);
	if (ret)
		goto out;
	for (i = 0; i < pager->nr_queues; i++)
		tarn_queue_start(&pager->queues[i]);
	tarn_pool_set_full(pool, false);
	WRITE_ONCE(pager->started, true);
out:
	mutex_unlock(&pool->pager_lock);
	if (ret)
		return ret;
	wake_up_var(&pool->pager);
	tarn_event(pool, TARN_EVENT_PAGER_ATTACHED, TARN_PARTITION_NONE, 0, 0);
	tarn_reclaim_kick(pool);
	return 0;
}

static void pager_detach(struct tarn_pager *pager)
{
	struct tarn_pool *pool = pager->pool;
	struct tarn_io *io, *next;
	LIST_HEAD(orphans);
	u32 i;

	mutex_lock(&pool->pager_lock);
	if (rcu_access_pointer(pool->pager) != pager) {
		mutex_unlock(&pool->pager_lock);
		return;
	}
	rcu_assign_pointer(pool->pager, NULL);
	for (i = 0; i < pager->nr_queues; i++)
		tarn_queue_stop(&pager->queues[i], &orphans);
	synchronize_rcu();
	synchronize_srcu(&cookie_srcu);
	tarn_grant_clear(pager);
	list_for_each_entry_safe(io, next, &orphans, link)
		tarn_io_abort(io);
	mutex_unlock(&pool->pager_lock);

	tarn_event(pool, TARN_EVENT_PAGER_LOST, TARN_PARTITION_NONE, 0, 0);
	path_put(&pager->path);
}

/* Is there a pager that takes requests? */
bool tarn_pool_served(struct tarn_pool *pool)
{
	struct tarn_pager *pager;
	bool served;

	rcu_read_lock();
	pager = rcu_dereference(pool->pager);
	served = pager && READ_ONCE(pager->started);
	rcu_read_unlock();
	return served;
}

/* ---- what is stored ----------------------------------------------------- */

/* The copy of a page, or none. The page may change hands while we look. */
static u64 stored_cookie(struct tarn_pool *pool, u64 e)
{
	struct page *page;
	u64 cookie;

	if (tarn_entry_state(e) == TARN_PAGE_PAGED)
		return tarn_entry_payload(e);
	if (tarn_entry_state(e) != TARN_PAGE_RESIDENT)
		return TARN_COOKIE_NONE;
	page = tarn_frame_get(pool, tarn_entry_payload(e));
	if (!page)
		return TARN_COOKIE_NONE;
	cookie = READ_ONCE(tarn_frame(pool, tarn_entry_payload(e))->copy);
	put_page(page);
	return cookie;
}

static u32 list_leaf(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 first, struct tarn_stored_page *pages)
{
	u32 i, n = 0;

	for (i = 0; i < TARN_LEAF_PAGES; i++) {
		atomic64_t *entry = &leaf->entry[i];
		u64 e, cookie;

		do {
			e = atomic64_read(entry);
			cookie = stored_cookie(part->pool, e);
		} while (e != atomic64_read(entry));
		if (!cookie)
			continue;
		pages[n++] = (struct tarn_stored_page) {
			.cookie = cookie,
			.index = first + i,
			.partition = part->id,
		};
	}
	return n;
}

/*
 * The cursor is partition id << 40 | leaf; a call lists whole leaves, so there
 * must be room for one.
 */
#define CURSOR_LEAF_BITS	40

static long list_partition(struct tarn_partition *part, u64 *leaf_number,
			   struct tarn_stored_page *buf,
			   struct tarn_pager_stored *s)
{
	struct tarn_stored_page __user *to = u64_to_user_ptr(s->pages);
	unsigned long at = *leaf_number;
	struct tarn_leaf *leaf;
	u32 room = s->reserved, n;

	xa_for_each_start(&part->leaves, at, leaf, *leaf_number) {
		*leaf_number = at;
		if (room - s->count < TARN_LEAF_PAGES)
			return 1;
		n = list_leaf(part, leaf, (u64)at << TARN_LEAF_SHIFT, buf);
		if (copy_to_user(to + s->count, buf, n * sizeof(*buf)))
			return -EFAULT;
		s->count += n;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static long pager_stored(struct tarn_pager *pager, struct tarn_pager_stored *s)
{
	struct tarn_pool *pool = pager->pool;
	u64 leaf = s->cursor & (BIT_ULL(CURSOR_LEAF_BITS) - 1);
	u32 id = s->cursor >> CURSOR_LEAF_BITS;
	struct tarn_stored_page *buf;
	struct tarn_partition *part;
	long ret = 0;

	if (s->flags || s->reserved || s->count < TARN_LEAF_PAGES)
		return -EINVAL;
	if (pager->started)
		return -EBUSY;
	buf = kvmalloc_array(TARN_LEAF_PAGES, sizeof(*buf), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (!s->cursor)
		pager->listed_at = READ_ONCE(pool->drop_generation);
	s->reserved = s->count;
	s->count = 0;
	while (!ret && (part = tarn_partition_from(pool, id))) {
		if (part->id != id)
			leaf = 0;
		id = part->id;
		ret = list_partition(part, &leaf, buf, s);
		tarn_partition_put(part);
		if (!ret) {
			id++;
			leaf = 0;
		}
	}
	s->reserved = 0;
	s->cursor = (u64)id << CURSOR_LEAF_BITS | leaf;
	kvfree(buf);
	return ret < 0 ? ret : 0;
}

/* ---- status ------------------------------------------------------------- */

static long pager_status(struct tarn_pager *pager,
			 const struct tarn_pager_status *s)
{
	struct tarn_pool *pool = pager->pool;
	bool degraded = s->flags & TARN_PAGER_IS_DEGRADED;
	bool was;

	if (s->flags & ~TARN_PAGER_IS_ALL)
		return -EINVAL;
	WRITE_ONCE(pool->capacity, s->capacity_pages);
	WRITE_ONCE(pool->used, s->used_pages);
	was = xchg(&pool->degraded, degraded);
	if (was != degraded)
		tarn_event(pool, TARN_EVENT_DEGRADED, TARN_PARTITION_NONE, 0,
			   degraded);
	tarn_pool_set_full(pool, s->flags & TARN_PAGER_IS_FULL);
	return 0;
}

/* ---- the file ----------------------------------------------------------- */

static int tarn_dev_open(struct inode *inode, struct file *file)
{
	/* miscdevice put itself there; from here on it is the pager. */
	file->private_data = NULL;
	return 0;
}

static int tarn_dev_flush(struct file *file, fl_owner_t id)
{
	struct tarn_pager *pager = READ_ONCE(file->private_data);

	if (pager && pager->tgid == current->tgid)
		pager_detach(pager);
	return 0;
}

static int tarn_dev_release(struct inode *inode, struct file *file)
{
	struct tarn_pager *pager = file->private_data;

	if (pager) {
		pager_detach(pager);
		pager_free(pager);
	}
	return 0;
}

static long attached_ioctl(struct tarn_pager *pager, unsigned int cmd,
			   union tarn_ctl_arg *arg)
{
	if (!pager)
		return -ENOTCONN;
	switch (cmd) {
	case TARN_PAGER_STORED:
		return pager_stored(pager, &arg->stored);
	case TARN_PAGER_START:
		return arg->start.flags ? -EINVAL : pager_start(pager);
	case TARN_PAGER_STATUS:
		return pager_status(pager, &arg->status);
	case TARN_PAGER_GRANT:
		return tarn_grant_set(pager, &arg->grant);
	}
	return -ENOTTY;
}

static long pager_call(struct file *file, unsigned int cmd,
		       union tarn_ctl_arg *arg)
{
	if (cmd == TARN_GET_FEATURES)
		return tarn_ctl_features(&arg->features);
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (cmd == TARN_PAGER_ATTACH)
		return pager_attach(file, &arg->attach);
	return attached_ioctl(READ_ONCE(file->private_data), cmd, arg);
}

static const struct tarn_ctl pager_calls[] = {
	TARN_CTL(TARN_GET_FEATURES, struct tarn_features, max_depth),
	TARN_CTL(TARN_PAGER_ATTACH, struct tarn_pager_attach, uuid),
	TARN_CTL(TARN_PAGER_STORED, struct tarn_pager_stored, reserved),
	TARN_CTL(TARN_PAGER_START, struct tarn_pager_start, flags),
	TARN_CTL(TARN_PAGER_STATUS, struct tarn_pager_status, used_pages),
	TARN_CTL(TARN_PAGER_GRANT, struct tarn_pager_grant, offset),
};

static long tarn_dev_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	return tarn_ctl_call(file, cmd, (void __user *)arg, pager_calls,
			     ARRAY_SIZE(pager_calls), pager_call);
}

static int tarn_dev_uring_cmd(struct io_uring_cmd *cmd,
			      unsigned int issue_flags)
{
	struct tarn_pager *pager = READ_ONCE(cmd->file->private_data);

	if (cmd->cmd_op != TARN_CMD_SERVE)
		return -ENOTTY;
	if (!pager)
		return -ENOTCONN;
	if (pager->tgid != current->tgid)
		return -EPERM;
	return tarn_queue_serve(pager, cmd, issue_flags);
}

static vm_fault_t window_fault(struct vm_fault *vmf)
{
	struct tarn_pager *pager = vmf->vma->vm_file->private_data;

	struct page *page = tarn_frame_get(pager->pool, vmf->pgoff);

	if (!page)
		return VM_FAULT_SIGBUS;
	/* Pairs with tarn_pager_forget_chunk(): see it gone, or be seen. */
	lock_page(page);
	if (!tarn_chunk_exists(pager->pool, vmf->pgoff >> TARN_CHUNK_SHIFT)) {
		unlock_page(page);
		put_page(page);
		return VM_FAULT_SIGBUS;
	}
	vmf->page = page;
	return VM_FAULT_LOCKED;
}

/**
 * tarn_pager_forget_chunk() - take a chunk out of the pager's window
 * @pool: of this pool
 * @number: of the chunk, which is not in the pool's table any more
 * @page: its first page
 *
 * Context: process, pool->resize_lock.
 */
void tarn_pager_forget_chunk(struct tarn_pool *pool, u64 number,
			     struct page *page)
{
	struct tarn_pager *pager;
	unsigned int i;

	mutex_lock(&pool->pager_lock);
	pager = rcu_dereference_protected(pool->pager,
					  lockdep_is_held(&pool->pager_lock));
	if (!pager)
		goto out;
	/* A fault that found the chunk maps it before its page is unlocked. */
	for (i = 0; i < TARN_CHUNK_FRAMES; i++) {
		lock_page(page + i);
		unlock_page(page + i);
	}
	unmap_mapping_range(pager->mapping,
			    number << (TARN_CHUNK_SHIFT + PAGE_SHIFT),
			    1 << (TARN_CHUNK_SHIFT + PAGE_SHIFT), 1);
out:
	mutex_unlock(&pool->pager_lock);
}

static const struct vm_operations_struct window_ops = {
	.fault = window_fault,
};

static int window_mmap(struct tarn_pager *pager, struct vm_area_struct *vma)
{
	u64 end = vma->vm_pgoff + vma_pages(vma);

	if (end > pager->pool->max_chunks << TARN_CHUNK_SHIFT)
		return -EINVAL;
	/* Another process or a core dump has no business in guests' memory. */
	vm_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &window_ops;
	return 0;
}

static int tarn_dev_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct tarn_pager *pager = READ_ONCE(file->private_data);
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 q;

	if (!pager)
		return -ENOTCONN;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (offset < TARN_MMAP_QUEUE(0))
		return window_mmap(pager, vma);
	q = (offset - TARN_MMAP_QUEUE(0)) >> 32;
	if (q >= pager->nr_queues || offset != TARN_MMAP_QUEUE(q))
		return -EINVAL;
	return tarn_queue_mmap(&pager->queues[q], vma);
}

static const struct file_operations tarn_dev_fops = {
	.owner = THIS_MODULE,
	.open = tarn_dev_open,
	.flush = tarn_dev_flush,
	.release = tarn_dev_release,
	.unlocked_ioctl = tarn_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = tarn_dev_uring_cmd,
	.mmap = tarn_dev_mmap,
	.llseek = noop_llseek,
};

static struct miscdevice tarn_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "tarn",
	.mode = 0600,
	.fops = &tarn_dev_fops,
};

int tarn_pager_init(void)
{
	return misc_register(&tarn_dev);
}

void tarn_pager_exit(void)
{
	misc_deregister(&tarn_dev);
}
