// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Mapping anew
 *
 * The kernel frees a page table when what is mapped there is unmapped for good, not when
 * its entries go, and no other way to free one is open to modules. So a thread of ours
 * goes into the address space and maps the file at that place once more, over what is
 * there: mmap() with MAP_FIXED, at once as for all who use the address space.
 *
 * Meanwhile the process may have put something else there. The kernel asks the file for
 * the address, with mmap_lock held for writing from there until the new mapping is in
 * place. There we look what it is that would be replaced: a mapping of the very file, at
 * the same place in it and with the same flags as when it was chosen, of which each is
 * known to be none that the new one would lack. Anything else is left alone.
 *
 * A mapping of a partition merges with no neighbour, so each block that is mapped anew
 * by itself makes two or one more of them. A process has MAPS_MOST before that ends.
 */
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mempolicy.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>

#include "page/block.h"
#include "policy/huge.h"
#include "policy/mappings.h"
#include "policy/remap.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "trace.h"

/* The kernel's own limit is 65530 by default, and others want some. */
#define MAPS_MOST	16384
/* Mappings of a block that are looked at, and that are made anew. */
#define LOOKS_MOST	64
#define REMAPS_MOST	8
/* If a mapping is gone, and there was no memory for the new one. */
#define GAP_TRIES	100

/* What the new mapping has from mmap(), and what it gets from the old one. */
#define FROM_MMAP	(VM_READ | VM_WRITE | VM_EXEC | VM_SHARED | VM_MAYREAD | \
			 VM_MAYWRITE | VM_MAYEXEC | VM_MAYSHARE | \
			 VM_DONTEXPAND | VM_DONTDUMP | VM_SOFTDIRTY)
#define FROM_OLD	(VM_DONTCOPY | VM_HUGEPAGE | VM_SEQ_READ | VM_RAND_READ | \
			 VM_NORESERVE)

/* ---- choosing ----------------------------------------------------------- */

static unsigned long address_of(const struct vm_area_struct *vma, u64 first)
{
	return vma->vm_start + ((first - vma->vm_pgoff) << PAGE_SHIFT);
}

/*
 * Can all of the block have one entry here, and is it to? Flags may change meanwhile: what
 * is judged are @flags, which are compared when nobody can change them any more.
 */
static bool is_suitable(struct tarn_partition *part, struct vm_area_struct *vma,
			vm_flags_t flags, u64 first)
{
	return flags & VM_SHARED && !(flags & ~(FROM_MMAP | FROM_OLD)) &&
	       vma->vm_pgoff <= first &&
	       first + TARN_BLOCK_PAGES <= vma->vm_pgoff + vma_pages(vma) &&
	       IS_ALIGNED(address_of(vma, first), PMD_SIZE) &&
	       tarn_huge_wanted(part, vma, flags);
}

/* With what the table is looked at under, see mappings.h. */
static bool has_table(struct mm_struct *mm, unsigned long addr)
{
	pmd_t *pmd = tarn_mapping_pmd(mm, addr), pmdv;

	if (!pmd)
		return false;
	pmdv = READ_ONCE(*pmd);
	return pmd_present(pmdv) && !pmd_trans_huge(pmdv) && !pmd_bad(pmdv);
}

/* A mapping of the block, from the @skip-th on, with a table or not; under the lock. */
static struct vm_area_struct *find(struct tarn_partition *part, u64 first,
				   unsigned int skip, bool table,
				   vm_flags_t *flags)
{
	struct rb_root_cached *root = &part->inode->i_mapping->i_mmap;
	u64 last = first + TARN_BLOCK_PAGES - 1;
	struct vm_area_struct *vma;
	unsigned int looks = 0;

	for (vma = tarn_mappings_iter_first(root, first, last);
	     vma && looks < LOOKS_MOST;
	     vma = tarn_mappings_iter_next(vma, first, last), looks++) {
		*flags = READ_ONCE(vma->vm_flags);
		if (is_suitable(part, vma, *flags, first) &&
		    (!table || has_table(vma->vm_mm, address_of(vma, first))) &&
		    !skip--)
			return vma;
	}
	return NULL;
}

/**
 * tarn_remap_wanted() - is a block to have one entry in a mapping that there is?
 * @part: partition; the caller holds its pin, and it has an inode
 * @first: first page of the block
 *
 * Context: process.
 */
bool tarn_remap_wanted(struct tarn_partition *part, u64 first)
{
	struct address_space *mapping = part->inode->i_mapping;
	vm_flags_t flags;
	bool wanted;

	i_mmap_lock_read(mapping);
	wanted = find(part, first, 0, false, &flags);
	i_mmap_unlock_read(mapping);
	return wanted;
}

/* Its file and address space stay until put_back(). */
static bool choose(struct tarn_remap *r, struct tarn_partition *part, u64 first,
		   unsigned int skip)
{
	struct address_space *mapping = part->inode->i_mapping;
	struct vm_area_struct *vma;
	vm_flags_t flags;

	i_mmap_lock_read(mapping);
	rcu_read_lock();
	vma = find(part, first, skip, true, &flags);
	/* One that ends just now needs no table. */
	if (vma && !mmget_not_zero(vma->vm_mm))
		vma = NULL;
	if (vma) {
		r->mm = vma->vm_mm;
		r->file = get_file(vma->vm_file);
		r->addr = address_of(vma, first);
		r->first = first;
		r->flags = flags;
	}
	rcu_read_unlock();
	i_mmap_unlock_read(mapping);
	return vma;
}

static void put_back(struct tarn_remap *r)
{
	/* The last one: at once, as the mount may be about to end. */
	__fput_sync(r->file);
	/* Of an address space that ended meanwhile all of it would go here, and wait. */
	mmput_async(r->mm);
	r->mm = NULL;
	r->file = NULL;
}

/* ---- in the address space ----------------------------------------------- */

/* Is this thread just mapping a block of the pool anew? */
struct tarn_remap *tarn_remap_current(struct tarn_pool *pool)
{
	struct tarn_remap *r = READ_ONCE(pool->remap);

	return r && r->task == current ? r : NULL;
}

/* Is it still what was chosen, and its process still one that wants it? */
static bool is_same(const struct tarn_remap *r, struct vm_area_struct *vma)
{
	return vma && vma->vm_start <= r->addr &&
	       vma->vm_end - r->addr >= PMD_SIZE && vma->vm_file == r->file &&
	       vma->vm_flags == r->flags && vma->vm_pgoff <= r->first &&
	       address_of(vma, r->first) == r->addr &&
	       !vma_thp_disabled(vma, r->flags, false);
}

/**
 * tarn_remap_check() - may a mapping be replaced?
 * @remap: by this thread
 * @addr: where it is to be
 *
 * Context: process, the lock of the address space held for writing.
 * Return: the address, or a negative errno: nothing changes.
 */
unsigned long tarn_remap_check(struct tarn_remap *remap, unsigned long addr)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	mmap_assert_write_locked(mm);
	if (mm != remap->mm || addr != remap->addr)
		return -EINVAL;
	vma = find_vma(mm, addr);
	if (remap->is_gap)
		return vma && vma->vm_start < addr + PMD_SIZE ? -EEXIST : addr;
	if (!is_same(remap, vma) || !has_table(mm, addr))
		return -EAGAIN;
	if (mm->map_count > MAPS_MOST)
		return -ENOMEM;
	remap->allowed = true;
	remap->policy = vma->vm_policy;
	mpol_get(remap->policy);
	return addr;
}

/**
 * tarn_remap_inherit() - what madvise() and mbind() gave the old mapping
 * @remap: by this thread
 * @vma: the new one
 *
 * Context: process, the lock of the address space held for writing.
 */
void tarn_remap_inherit(struct tarn_remap *remap, struct vm_area_struct *vma)
{
	vm_flags_set(vma, remap->flags & FROM_OLD);
	vma->vm_policy = remap->policy;
	remap->policy = NULL;
}

static unsigned long map(struct tarn_remap *r, unsigned long flags)
{
	unsigned long prot = 0;

	if (r->flags & VM_READ)
		prot |= PROT_READ;
	if (r->flags & VM_WRITE)
		prot |= PROT_WRITE;
	if (r->flags & VM_EXEC)
		prot |= PROT_EXEC;
	return vm_mmap(r->file, r->addr, PMD_SIZE, prot, MAP_SHARED | flags,
		       r->first << PAGE_SHIFT);
}

/*
 * The old mapping may be gone. Its memory was as much as the new one's, so there is some,
 * sooner or later; a place that is not free is somebody else's by now, or never was a gap.
 */
static unsigned long fill_gap(struct tarn_remap *r)
{
	unsigned long ret = -ENOMEM;
	unsigned int i;

	r->is_gap = true;
	for (i = 0; i < GAP_TRIES && ret == -ENOMEM; i++) {
		if (i)
			schedule_timeout_uninterruptible(1);
		ret = map(r, MAP_FIXED_NOREPLACE);
	}
	r->is_gap = false;
	if (IS_ERR_VALUE(ret) && ret != -EEXIST)
		pr_warn("tarn: a mapping of 2 MiB at %lx is lost, error %ld\n",
			r->addr, (long)ret);
	return -ENOMEM;
}

/*
 * Whoever has an address space locked may wait for long, and whoever wants it after us waits
 * behind us. One whose new mappings are locked has them filled as well, by who maps them.
 */
static bool is_busy(struct mm_struct *mm)
{
	bool busy;

	/* Bare, as nothing is changed under it. */
	if (!down_write_trylock(&mm->mmap_lock))
		return true;
	busy = mm->def_flags & VM_LOCKED;
	up_write(&mm->mmap_lock);
	return busy;
}

static bool map_anew(struct tarn_remap *r)
{
	unsigned long ret;

	r->busy = is_busy(r->mm);
	if (r->busy)
		return false;
	r->allowed = false;
	kthread_use_mm(r->mm);
	ret = map(r, MAP_FIXED);
	if (IS_ERR_VALUE(ret) && r->allowed)
		ret = fill_gap(r);
	kthread_unuse_mm(r->mm);
	/* Did not get into the new one: not the last reference, or it stays. */
	if (r->policy)
		atomic_add_unless(&r->policy->refcnt, -1, 1);
	r->policy = NULL;
	return !IS_ERR_VALUE(ret);
}

/**
 * tarn_remap_block() - have mappings of a block that is one frame have one entry for it
 * @remap: of this kernel thread, and its pool's
 * @part: partition, referenced; the caller has neither its pin nor any lock
 * @first: first page of the block
 *
 * Context: process; may wait for who has an address space locked.
 * Return: false if one is left that was busy just now.
 */
bool tarn_remap_block(struct tarn_remap *remap, struct tarn_partition *part,
		      u64 first)
{
	unsigned int i, skip = 0;
	bool more, done, all = true;

	for (i = 0; i < REMAPS_MOST; i++) {
		down_read(&part->pin);
		more = part->inode && choose(remap, part, first, skip);
		up_read(&part->pin);
		if (!more)
			break;
		done = map_anew(remap);
		all &= !remap->busy;
		trace_tarn_block_remap(part->id, first, remap->addr, done);
		skip += !done;
		put_back(remap);
		cond_resched();
	}
	return all;
}
