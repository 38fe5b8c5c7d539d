// SPDX-License-Identifier: GPL-2.0-only
/*
 * The window: a pager's mapping of all frames of its pool, from which and into which it
 * does its I/O. It is filled by faults, and emptied when a chunk goes or the pager does.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "pager/pager.h"
#include "pager/window.h"
#include "pool/chunk.h"
#include "pool/poison.h"

/* Faults of a window that are under way with a page of a chunk have mapped it now. */
static void wait_for_window_faults(struct page *page)
{
	unsigned int i;

	for (i = 0; i < TARN_CHUNK_FRAMES; i++) {
		if (!PageLocked(page + i) || !tarn_page_get(page + i))
			continue;
		lock_page(page + i);
		unlock_page(page + i);
		put_page(page + i);
	}
}

/*
 * The process may live on, and its window lead to all frames of the pool: guests'
 * memory, and what it was asked to fill, which is going to be somebody else's. A fault
 * sees @gone, or has locked its page before the look at it here and maps it before it
 * unlocks it; then it is unmapped. No fault comes from a process that let go of its
 * memory. I/O that it left behind holds its frames by references of their pages, which
 * keep them in limbo until it has ended (frame.c).
 */
void tarn_window_close(struct tarn_pager *pager)
{
	struct tarn_pool *pool = pager->pool;
	u64 n;

	lockdep_assert_held(&pool->pager_lock);
	WRITE_ONCE(pager->gone, true);
	/* Pairs with the barrier in window_fault(). */
	smp_mb();
	for (n = 0; n < pool->max_chunks && atomic_read(&pager->mm->mm_users);
	     n++) {
		struct tarn_chunk *chunk = READ_ONCE(pool->chunks[n]);

		if (chunk)
			wait_for_window_faults(chunk->page);
		cond_resched();
	}
	unmap_mapping_range(pager->mapping, 0,
			    pool->max_chunks << (TARN_CHUNK_SHIFT + PAGE_SHIFT),
			    1);
}

static bool is_frame(struct tarn_pool *pool, u64 frame)
{
	u64 number = frame >> TARN_CHUNK_SHIFT;

	return number < pool->max_chunks && tarn_chunk_exists(pool, number);
}

/* With its page locked. */
static bool is_asked(struct tarn_pool *pool, u64 frame)
{
	struct tarn_chunk *chunk;
	bool asked;

	rcu_read_lock();
	chunk = tarn_chunk_of(pool, frame);
	asked = chunk && chunk->asked;
	rcu_read_unlock();
	return asked;
}

/* See insert_page() of fs/fault.c for the copy. */
static int insert_page(const struct vm_fault *vmf, u64 frame, struct page *page)
{
	struct vm_area_struct marked = *vmf->vma;

	vm_flags_init(&marked, marked.vm_flags | VM_MIXEDMAP);
	return vm_insert_page(&marked, marked.vm_start +
			      ((frame - marked.vm_pgoff) << PAGE_SHIFT), page);
}

/*
 * Where there is a table of small entries there is no entry for all of a chunk: as many are made
 * at once as the request will use. Its page is locked.
 */
static vm_fault_t map_each(struct vm_fault *vmf, struct page *page)
{
	u64 first = ALIGN_DOWN(vmf->pgoff, TARN_CHUNK_FRAMES);
	u64 at = max_t(u64, first, vmf->vma->vm_pgoff);
	u64 end = min_t(u64, first + TARN_CHUNK_FRAMES,
			vmf->vma->vm_pgoff + vma_pages(vmf->vma));
	struct page *head = compound_head(page);
	vm_fault_t ret = VM_FAULT_NOPAGE;

	for (; at < end; at++) {
		int err = insert_page(vmf, at,
				      head + (at - first));

		if (err && err != -EBUSY && at == vmf->pgoff)
			ret = VM_FAULT_OOM;
	}
	unlock_page(page);
	put_page(page);
	return ret;
}

static vm_fault_t window_fault(struct vm_fault *vmf)
{
	struct tarn_pager *pager = vmf->vma->vm_file->private_data;
	vm_fault_t ret = VM_FAULT_LOCKED;
	struct page *page;

	/* A child may have it after all, see tarn_window_mmap(). */
	if (vmf->vma->vm_mm != pager->mm)
		return VM_FAULT_SIGBUS;
	page = tarn_frame_get(pager->pool, vmf->pgoff);
	/* Its chunk may be becoming whole or split. */
	if (!page)
		return is_frame(pager->pool, vmf->pgoff) ? VM_FAULT_NOPAGE :
							   VM_FAULT_SIGBUS;
	lock_page(page);
	/*
	 * Pairs with tarn_window_forget_chunk() and tarn_window_close(): see it gone,
	 * or be seen with the page locked.
	 */
	smp_mb();
	if (READ_ONCE(pager->gone) ||
	    !tarn_chunk_exists(pager->pool, vmf->pgoff >> TARN_CHUNK_SHIFT))
		ret = VM_FAULT_SIGBUS;
	else if (tarn_poisoned(page))
		ret = VM_FAULT_HWPOISON;
	/* No request is about one of its pages, and mapped it could not be split. */
	else if (PageCompound(page) && !is_asked(pager->pool, vmf->pgoff))
		ret = VM_FAULT_SIGBUS;
	if (ret == VM_FAULT_LOCKED && PageCompound(page) &&
	    !pmd_none(READ_ONCE(*vmf->pmd)))
		return map_each(vmf, page);
	if (ret == VM_FAULT_LOCKED) {
		vmf->page = page;
		return ret;
	}
	unlock_page(page);
	put_page(page);
	return ret;
}

/**
 * tarn_window_forget_chunk() - take a chunk out of the pager's window
 * @pool: of this pool
 * @chunk: which is not in the pool's table any more
 *
 * The pager's lock is held from when it was: a pager that detaches in between would
 * find no chunk whose pages faults might be mapping.
 *
 * Context: process, pool->pager_lock, after a grace period.
 */
void tarn_window_forget_chunk(struct tarn_pool *pool,
			     const struct tarn_chunk *chunk)
{
	struct tarn_pager *pager =
		rcu_dereference_protected(pool->pager,
					  lockdep_is_held(&pool->pager_lock));

	if (!pager)
		return;
	/* Pairs with the barrier in window_fault(). */
	smp_mb();
	wait_for_window_faults(chunk->page);
	unmap_mapping_range(pager->mapping,
			    chunk->number << (TARN_CHUNK_SHIFT + PAGE_SHIFT),
			    1 << (TARN_CHUNK_SHIFT + PAGE_SHIFT), 1);
}

/**
 * tarn_window_unmap() - take frames out of the pager's window for now
 * @pool: of this pool
 * @frame: the first
 * @count: how many
 *
 * A pager that uses them has them mapped again by that.
 *
 * Context: process; page locks may be held.
 */
void tarn_window_unmap(struct tarn_pool *pool, u64 frame, u64 count)
{
	struct tarn_pager *pager;
	struct inode *inode = NULL;

	rcu_read_lock();
	pager = rcu_dereference(pool->pager);
	if (pager)
		inode = igrab(pager->mapping->host);
	rcu_read_unlock();
	if (!inode)
		return;
	unmap_mapping_pages(inode->i_mapping, frame, count, false);
	iput(inode);
}

static const struct vm_operations_struct window_ops = {
	.fault = window_fault,
};

int tarn_window_mmap(struct tarn_pager *pager, struct vm_area_struct *vma)
{
	u64 end = vma->vm_pgoff + vma_pages(vma);

	if (end > pager->pool->max_chunks << TARN_CHUNK_SHIFT)
		return -EINVAL;
	/*
	 * Another process or a core dump has no business in guests' memory.
	 * On older kernels MADV_DOFORK undoes VM_DONTCOPY, and VM_IO, which would keep
	 * it, stops I/O from and to the window: a child with the mapping gets SIGBUS
	 * from it.
	 */
	vm_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &window_ops;
	return 0;
}
