// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults on mappings of partitions, of processes and KVM alike.
 *
 * A hit takes a reference and the lock of the page's own frame and returns it
 * locked; the core maps it. A page that has no frame yet, or whose content the
 * pager has, is brought first, with the mmap lock dropped where the kernel
 * allows that; KVM's first try may not sleep and is answered with
 * VM_FAULT_RETRY once the load has begun.
 *
 * Of the mapping no more is needed than that it stays as it is, so the lock of the
 * mapping alone will do where the kernel has one: see tarn_vm_map_pages().
 *
 * A mapping is writable only of a dirty page, so the first write to a clean one
 * comes here (tarn_vm_mkwrite()) and outdates the pager's copy. Reads of empty
 * pages map one page of zeroes a partition, those of patterns one page each (pattern.h),
 * those of shared pages the frame that they share (canon.h).
 */
#include <linux/file.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "fs/fault.h"
#include "fs/fs.h"
#include "kvm/asyncpf.h"
#include "page/block.h"
#include "page/pagein.h"
#include "page/share.h"
#include "policy/huge.h"
#include "pool/partition.h"
#include "pool/pattern.h"
#include "pool/poison.h"
#include "pool/use.h"
#include "pool/wait.h"

/* Resident neighbours are mapped in the aligned block of this many pages. */
#define AROUND_PAGES	16

static struct tarn_partition *part_of(struct vm_area_struct *vma)
{
	return TARN_I(file_inode(vma->vm_file))->part;
}

static bool beyond_end(struct tarn_partition *part, u64 index)
{
	return index >= atomic64_read(&part->pages);
}

/*
 * A copy that is lost is a memory error of who faults: KVM makes a machine check of
 * it. A thread gets an ordinary SIGBUS.
 */
static vm_fault_t fault_error(const struct vm_fault *vmf, int ret)
{
	if (ret == -ENOMEM)
		return VM_FAULT_OOM;
	if (ret == -EHWPOISON ||
	    (ret == -EIO && !(vmf->flags & FAULT_FLAG_USER)))
		return VM_FAULT_HWPOISON;
	return VM_FAULT_SIGBUS;
}

/*
 * Map a page besides the one that the fault is about. vm_insert_page() does so for
 * mappings that are marked VM_MIXEDMAP. On ours that would be a mistake: the kernel drops
 * no reference for an entry of 2 MiB of such a mapping. It looks at no more than the
 * mark, the place and the protection, which a copy has as well. Only to set the mark does
 * it want mmap_lock, which a fault need not hold.
 */
static int insert_page(struct vm_fault *vmf, unsigned long addr,
		       struct page *page)
{
	struct vm_area_struct marked = *vmf->vma;

	vm_flags_init(&marked, marked.vm_flags | VM_MIXEDMAP);
	return vm_insert_page(&marked, addr, page);
}

/*
 * What the fault is about, likewise. That somebody else mapped it meanwhile is as good. Or
 * others took the table away that it was to be put into, as what it had was unmapped: that
 * looks like a lack of memory. Where there is none for a table the core finds that out
 * before it comes here, when the fault is done again.
 */
static vm_fault_t insert_here(struct vm_fault *vmf, struct page *page)
{
	int err = insert_page(vmf, vmf->address & PAGE_MASK, page);

	if (!err || err == -EBUSY ||
	    (err == -ENOMEM && pmd_none(READ_ONCE(*vmf->pmd))))
		return VM_FAULT_NOPAGE;
	return fault_error(vmf, err);
}

/* ---- known pages: empty ones, and patterns ------------------------------- */

#define MAPPINGS_MOST	(INT_MAX / 2)

/*
 * One that has a memory error gives way to another, which keeps it until the partition ends:
 * somebody may be about to map it.
 */
static struct page *zero_page(struct tarn_partition *part)
{
	struct page *was = READ_ONCE(part->zero), *page, *other;

	if (was && !tarn_poisoned(was))
		return was;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return NULL;
	set_page_private(page, (unsigned long)was);
	other = cmpxchg(&part->zero, was, page);
	if (other != was) {
		__free_page(page);
		return other;
	}
	if (was)
		tarn_partition_unmap(part, 0, atomic64_read(&part->pages));
	return page;
}

/* With the page marked, so that no frame comes meanwhile. */
static vm_fault_t insert_known(struct vm_fault *vmf, struct tarn_partition *part,
			       struct page *page)
{
	/* Each mapping has a reference, and they are counted in 32 bits. */
	if (beyond_end(part, vmf->pgoff) || page_ref_count(page) > MAPPINGS_MOST)
		return VM_FAULT_SIGBUS;
	return insert_here(vmf, page);
}

/*
 * Map what a known page is read from, with the page marked meanwhile, so that who gives it
 * a frame either comes first or finds the mapping. 0: look again.
 */
static vm_fault_t map_known(struct vm_fault *vmf, struct tarn_partition *part,
			    atomic64_t *entry, u64 e, u64 word, struct page *page)
{
	u64 marked = tarn_entry_with_mark(e, TARN_MARK_FILL);
	vm_fault_t ret = 0;

	if (!tarn_entry_change(part, vmf->pgoff, entry, &e, marked))
		return 0;
	/* It may have been another word for a moment. */
	if (tarn_pattern_word(entry, marked) == word)
		ret = insert_known(vmf, part, page);
	tarn_entry_change(part, vmf->pgoff, entry, &marked,
			  tarn_entry_make(tarn_entry_state(e),
					  tarn_entry_payload(e)) |
			  TARN_ENTRY_MAPPED);
	tarn_entry_wake(entry);
	return ret;
}

/* A page that is not written to; @flags are changed if it needs a frame. 0: look again. */
static vm_fault_t read_known(struct vm_fault *vmf, struct tarn_partition *part,
			     atomic64_t *entry, u64 e, unsigned int *flags)
{
	struct page *page;
	vm_fault_t ret;
	u64 word;

	if (!tarn_pattern_see(entry, e, &word))
		return 0;
	/* The page of zeroes stays as long as the partition: no reference keeps it. */
	page = word ? tarn_pattern_get(part, word) : zero_page(part);
	/* Each mapping has a reference, as has who holds it: one more, and none is counted. */
	if (page && page_ref_count(page) > MAPPINGS_MOST) {
		if (word)
			put_page(page);
		*flags |= TARN_BRING_WRITE;
		return 0;
	}
	if (!page) {
		if (!word)
			return VM_FAULT_OOM;
		*flags |= TARN_BRING_WRITE;
		return 0;
	}
	if (vmf->flags & FAULT_FLAG_WRITE) {
		/* A private mapping copies it at once. */
		if (!word)
			get_page(page);
		vmf->page = page;
		return VM_FAULT_DONE_COW;
	}
	ret = map_known(vmf, part, entry, e, word, page);
	if (word)
		put_page(page);
	return ret;
}

/* ---- shared pages ------------------------------------------------------- */

/* With the frame locked, see canon.h; as map_known(). */
static vm_fault_t map_shared(struct vm_fault *vmf, struct tarn_partition *part,
			     atomic64_t *entry, u64 e, struct page *page)
{
	u64 marked = tarn_entry_with_mark(e, TARN_MARK_FILL);
	vm_fault_t ret;

	if (!tarn_entry_change(part, vmf->pgoff, entry, &e, marked))
		return 0;
	ret = insert_known(vmf, part, page);
	tarn_entry_change(part, vmf->pgoff, entry, &marked,
			  e | TARN_ENTRY_MAPPED);
	tarn_entry_wake(entry);
	return ret;
}

/* A page that is not written to. 0: what it shares is not there, or it is another one. */
static vm_fault_t read_shared(struct vm_fault *vmf, struct tarn_partition *part,
			      atomic64_t *entry, u64 e, unsigned int flags)
{
	struct page *page = tarn_share_lock(part, entry, e, flags);
	vm_fault_t ret;

	if (!page)
		return 0;
	if (PTR_ERR(page) == -EAGAIN)
		return VM_FAULT_RETRY;
	if (IS_ERR(page))
		return fault_error(vmf, PTR_ERR(page));
	if (vmf->flags & FAULT_FLAG_WRITE) {
		/* A private mapping copies it at once. */
		unlock_page(page);
		vmf->page = page;
		return VM_FAULT_DONE_COW;
	}
	ret = map_shared(vmf, part, entry, e, page);
	unlock_page(page);
	put_page(page);
	return ret;
}

/* ---- neighbours --------------------------------------------------------- */

static bool has_pte(struct vm_fault *vmf, unsigned long addr)
{
	bool has = true;
	pmd_t pmd;

	/* Newer kernels free empty tables under mappings, after a grace period. */
	rcu_read_lock();
	pmd = READ_ONCE(*vmf->pmd);
	if (!pmd_none(pmd) && !pmd_bad(pmd))
		has = !pte_none(READ_ONCE(*pte_offset_kernel(&pmd, addr)));
	rcu_read_unlock();
	return has;
}

static void map_neighbour(struct vm_fault *vmf, struct tarn_partition *part,
			  atomic64_t *entry, u64 index, unsigned long addr)
{
	u64 e = atomic64_read(entry);
	u64 frame = tarn_entry_payload(e);
	struct page *page;

	if (!tarn_entry_has_frame(e) || tarn_entry_mark(e))
		return;
	/* On probation only who misses it may bring it back. */
	if ((tarn_entry_hint(e) & TARN_HINT_PROBATION &&
	     !tarn_entry_pinned(e)) || has_pte(vmf, addr))
		return;
	page = tarn_frame_get(part->pool, frame);
	if (!page)
		return;
	if (!tarn_entry_is_frame(atomic64_read(entry), frame) ||
	    !trylock_page(page))
		goto out;
	/*
	 * The new mapping looks accessed, which is no news: say so. If the entry
	 * is as it was it can't change before the lock is dropped.
	 */
	if (tarn_entry_change(part, index, entry, &e, e | TARN_ENTRY_NEW) &&
	    !beyond_end(part, index) && !tarn_poisoned(page))
		insert_page(vmf, addr, page);
	unlock_page(page);
out:
	put_page(page);
}

/* The block is aligned in the file, so it lies in the leaf of the page. */
static void map_around(struct vm_fault *vmf, struct tarn_partition *part,
		       struct tarn_leaf *leaf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long here = vmf->address & PAGE_MASK;
	u64 first = ALIGN_DOWN(vmf->pgoff, AROUND_PAGES);
	u64 index = max_t(u64, first, vma->vm_pgoff);
	u64 end = min_t(u64, first + AROUND_PAGES,
			vma->vm_pgoff + vma_pages(vma));

	for (; index < end; index++) {
		unsigned long addr = vma->vm_start +
				     ((index - vma->vm_pgoff) << PAGE_SHIFT);

		/* Another page table is not worth looking for. */
		if (addr == here || (addr ^ here) & PMD_MASK)
			continue;
		map_neighbour(vmf, part, tarn_leaf_entry(leaf, index), index,
			      addr);
	}
}

/* ---- the fault ---------------------------------------------------------- */

/*
 * What ends a wait. A fault of user code goes back to it for any signal. GUP, for
 * KVM, looks at signals when a fault is to be done again. The kernel's own copies do
 * not, and come again at once: they are not told from GUP, but after the first try
 * a signal ends a wait late.
 */
static unsigned int signal_flags(struct vm_fault *vmf)
{
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return TARN_BRING_LOCKED;
	if (!(vmf->flags & FAULT_FLAG_INTERRUPTIBLE))
		return 0;
	return vmf->flags & FAULT_FLAG_USER ||
	       !(vmf->flags & FAULT_FLAG_TRIED) ? TARN_BRING_SIGNAL :
						  TARN_BRING_LATE;
}

static unsigned int bring_flags(struct vm_fault *vmf)
{
	unsigned int flags = signal_flags(vmf);

	if (vmf->flags & FAULT_FLAG_WRITE && vmf->vma->vm_flags & VM_SHARED)
		flags |= TARN_BRING_WRITE;
	/* Nobody is told of the first write to it. */
	if (tarn_partition_is_child(part_of(vmf->vma)))
		flags |= TARN_BRING_WRITE;
	if (vmf->flags & FAULT_FLAG_TRIED)
		flags |= TARN_BRING_TRIED;
	if (vmf->flags & FAULT_FLAG_ALLOW_RETRY &&
	    vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		flags |= TARN_BRING_NOWAIT;
	return flags;
}

/*
 * What the page needs takes time. Where the kernel lets us, wait without the
 * lock of the address space, or of the mapping, and have the fault done again,
 * each time: others need the lock to look at the process even when no pager is
 * there, and who changes the mapping waits for it with the other one held. Where it does
 * not, as for who reads /proc/PID/mem, wait for a pager that serves only.
 *
 * GUP looks for a signal before it has a fault done again. KVM's worker gets none: it
 * would come again and again once its process has ended.
 */
static vm_fault_t wait_for_page(struct vm_fault *vmf,
				struct tarn_partition *part, atomic64_t *entry,
				unsigned int flags)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	u64 index = vmf->pgoff;
	struct file *file;
	int ret;

	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY)) {
		ret = tarn_page_bring_at(part, index, entry, flags, mm);
		return ret ? fault_error(vmf, ret) : 0;
	}
	if (tarn_wait_is_pointless(mm))
		return VM_FAULT_SIGBUS;
	file = get_file(vmf->vma->vm_file);
	release_fault_lock(vmf);
	/* An error shows again when the fault is done again. */
	tarn_page_bring_at(part, index, entry, flags | TARN_BRING_UNTOLD, mm);
	fput(file);
	return VM_FAULT_RETRY;
}

/*
 * Of a chunk that is whole though its block is not, what the kernel maps may be more than
 * the page: all of it, from 6.18 on. So the page is mapped here, for reading; a write comes
 * again. Its page is locked, without which nobody maps any of it.
 */
static vm_fault_t map_singly(struct vm_fault *vmf, struct page *page)
{
	vm_fault_t ret = VM_FAULT_NOPAGE;

	if (!pmd_trans_huge(READ_ONCE(*vmf->pmd)))
		ret = insert_here(vmf, page);
	unlock_page(page);
	put_page(page);
	return ret;
}

static vm_fault_t hit(struct vm_fault *vmf, struct tarn_partition *part,
		      struct tarn_leaf *leaf, struct page *page)
{
	if (beyond_end(part, vmf->pgoff)) {
		unlock_page(page);
		put_page(page);
		return VM_FAULT_SIGBUS;
	}
	if (PageCompound(page) && !tarn_block_look(part, vmf->pgoff))
		return map_singly(vmf, page);
	/* Dirty as it is, a writable mapping spares the fault of the write. */
	if (vmf->vma->vm_flags & VM_SHARED && tarn_frame_dirty(page)) {
		vmf->flags |= FAULT_FLAG_WRITE;
		/* As a second try, or the kernel lets go of its lock to throttle. */
		vmf->flags |= FAULT_FLAG_TRIED;
	} else if (!PageCompound(page)) {
		map_around(vmf, part, leaf);
	}
	vmf->page = page;
	return VM_FAULT_LOCKED;
}

/* Can the whole block of a page be mapped by one entry, and is it to be? */
static bool wants_block(struct vm_fault *vmf, struct tarn_partition *part)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long first = vmf->address & PMD_MASK;

	if (!tarn_huge_wanted(part, vma, vma->vm_flags) ||
	    !pmd_none(READ_ONCE(*vmf->pmd)))
		return false;
	if (first < vma->vm_start || first + PMD_SIZE > vma->vm_end)
		return false;
	/* Where the block begins in the file, an entry of 2 MiB has to begin. */
	return IS_ALIGNED(vmf->pgoff - ((vmf->address - first) >> PAGE_SHIFT),
			  TARN_BLOCK_PAGES);
}

static bool is_short(struct tarn_pool *pool)
{
	return tarn_pool_is_low(pool) || READ_ONCE(pool->full);
}

/*
 * KVM's worker asks for a shared page as if it were to be written, see asyncpf.h. Mostly it
 * comes as what is shared was not in a frame, and a frame of its own would end the sharing
 * for nothing. If it was, the guest may have found no frame to write to: then this waits
 * for one.
 */
static bool needs_own(struct vm_fault *vmf, struct tarn_partition *part, u64 e)
{
	return !(vmf->flags & FAULT_FLAG_TRIED) && tarn_share_is_there(part, e) &&
	       is_short(part->pool);
}

/* The page is not resident. 0: it may be now. */
static vm_fault_t miss(struct vm_fault *vmf, struct tarn_partition *part,
		       struct tarn_leaf *leaf, unsigned int flags, bool worker)
{
	atomic64_t *entry = tarn_leaf_entry(leaf, vmf->pgoff);
	u64 e = atomic64_read(entry);
	vm_fault_t known;
	int ret;

	if (worker && tarn_entry_is_shared(e) && !needs_own(vmf, part, e)) {
		if (tarn_share_is_there(part, e))
			return VM_FAULT_SIGBUS;
		flags &= ~TARN_BRING_WRITE;
	} else if (worker && tarn_entry_is_withheld(e) && !is_short(part->pool)) {
		/* The guest reads it, or has it no more. */
		return VM_FAULT_SIGBUS;
	} else if (!(flags & TARN_BRING_WRITE) &&
		   tarn_entry_is_shared(e) && !tarn_entry_mark(e)) {
		known = read_shared(vmf, part, entry, e, flags);
		if (known)
			return known;
	}
	if (!(flags & TARN_BRING_WRITE) &&
	    tarn_entry_is_known(e) && !tarn_entry_mark(e)) {
		known = read_known(vmf, part, entry, e, &flags);
		if (known || !(flags & TARN_BRING_WRITE))
			return known;
	}
	if (wants_block(vmf, part))
		flags |= TARN_BRING_BLOCK;
	ret = tarn_page_bring_at(part, vmf->pgoff, entry,
				 flags | TARN_BRING_NOWAIT, vmf->vma->vm_mm);
	if (ret != -EAGAIN)
		return ret ? fault_error(vmf, ret) : 0;
	if (flags & TARN_BRING_NOWAIT)
		return VM_FAULT_RETRY;
	return wait_for_page(vmf, part, entry, flags);
}

/*
 * KVM's worker has no use for the page, see asyncpf.h. What it is given if the page
 * is clean is an error, which it does not look at.
 */
static vm_fault_t hit_worker(struct vm_fault *vmf, struct tarn_partition *part,
			     struct tarn_leaf *leaf, struct page *page)
{
	if (tarn_frame_dirty(page))
		return hit(vmf, part, leaf, page);
	unlock_page(page);
	put_page(page);
	return VM_FAULT_SIGBUS;
}

static vm_fault_t tarn_vm_fault(struct vm_fault *vmf)
{
	struct tarn_partition *part = part_of(vmf->vma);
	unsigned int flags = bring_flags(vmf);
	bool worker = tarn_asyncpf_is_worker(vmf);
	unsigned int lock_flags = worker ? flags & ~TARN_BRING_WRITE : flags;
	vm_fault_t ret = 0;

	/* Nobody looks at what KVM's worker gets: the guest's next try is told. */
	if (worker)
		flags |= TARN_BRING_UNTOLD | TARN_BRING_WORKER;
	while (!ret) {
		struct tarn_leaf *leaf;
		struct page *page;

		if (beyond_end(part, vmf->pgoff))
			return VM_FAULT_SIGBUS;
		leaf = tarn_partition_leaf(part, vmf->pgoff, true);
		if (!leaf)
			return VM_FAULT_OOM;
		page = tarn_page_lock_at(part, vmf->pgoff,
					 tarn_leaf_entry(leaf, vmf->pgoff),
					 lock_flags);
		if (!page)
			ret = miss(vmf, part, leaf, flags, worker);
		else if (PTR_ERR(page) == -EAGAIN)
			return VM_FAULT_RETRY;
		else if (IS_ERR(page))
			return fault_error(vmf, PTR_ERR(page));
		else if (worker)
			return hit_worker(vmf, part, leaf, page);
		else
			return hit(vmf, part, leaf, page);
	}
	/* For a private copy: an ordinary page. */
	return ret == VM_FAULT_DONE_COW ? 0 : ret;
}

/* The first write through a mapping that was made for reading. */
static vm_fault_t tarn_vm_mkwrite(struct vm_fault *vmf)
{
	struct tarn_partition *part = part_of(vmf->vma);
	atomic64_t *entry = tarn_partition_entry(part, vmf->pgoff);
	struct page *page = vmf->page, *now;
	u64 e;

	/* There is what the guest reads: KVM's worker has no use for more. */
	if (tarn_asyncpf_is_worker(vmf))
		return VM_FAULT_SIGBUS;
	if (!entry)
		return VM_FAULT_NOPAGE;
	e = atomic64_read(entry);
	/* The zeroes that it was mapped for go at once. */
	if (tarn_entry_is_locked(e))
		return VM_FAULT_SIGBUS;
	if (tarn_entry_is_known(e) || tarn_entry_is_shared(e)) {
		/*
		 * Away with what was read. With a frame at hand it goes as the page gets that,
		 * and the next fault finds it; else that one waits, as a write of a known page.
		 * So it does where nobody else shares: the frame is to be free then, and who
		 * faults holds it.
		 */
		if ((tarn_entry_is_shared(e) && tarn_share_is_alone(part, e)) ||
		    tarn_page_bring_at(part, vmf->pgoff, entry,
				       TARN_BRING_WRITE | TARN_BRING_NOWAIT |
				       TARN_BRING_UNTOLD, vmf->vma->vm_mm))
			tarn_partition_unmap(part, vmf->pgoff, 1);
		return VM_FAULT_NOPAGE;
	}
	now = tarn_page_lock(part, vmf->pgoff, TARN_BRING_WRITE);
	if (IS_ERR(now))
		return fault_error(vmf, PTR_ERR(now));
	if (!now)
		return VM_FAULT_NOPAGE;
	/* The core has a reference of its own. */
	put_page(now);
	/* As in hit(): of a block that was parted meanwhile the core would map all. */
	if (now == page && !vmf->pte && PageCompound(now) &&
	    !tarn_block_look(part, vmf->pgoff)) {
		unlock_page(now);
		return VM_FAULT_NOPAGE;
	}
	if (now == page && !beyond_end(part, vmf->pgoff))
		return VM_FAULT_LOCKED;
	unlock_page(now);
	return now == page ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
}

/*
 * What is mapped around a page is mapped by the fault: to insert a page may take a page
 * table, and so sleep, which this may not. It is here for what the kernel takes it for:
 * the handlers of a mapping that has it are called with the lock of that mapping alone,
 * others have each fault done again with mmap_lock.
 *
 * KVM, and whoever else faults by GUP, comes with mmap_lock all the same. So does what is
 * done again after a wait.
 */
static vm_fault_t tarn_vm_map_pages(struct vm_fault *vmf, pgoff_t start,
				    pgoff_t end)
{
	return 0;
}

/*
 * Without MPOL_F_MOF: the kernel's NUMA balancing takes the mappings of pages away to see
 * who misses them, and would move them, which is not for it to do. Which node a page is on
 * is the partition's to say, whatever mbind() was told.
 */
static struct mempolicy no_policy = {
	.refcnt = ATOMIC_INIT(1),
	.mode = MPOL_DEFAULT,
};

static struct mempolicy *tarn_vm_get_policy(struct vm_area_struct *vma,
					    unsigned long addr TARN_GET_POLICY_ILX)
{
	return &no_policy;
}

const struct vm_operations_struct tarn_vm_ops = {
	.get_policy = tarn_vm_get_policy,
	.fault = tarn_vm_fault,
	.map_pages = tarn_vm_map_pages,
	.page_mkwrite = tarn_vm_mkwrite,
};

/*
 * A child's (pool/donation.h), for VFIO and whoever else pins pages for good (FOLL_LONGTERM): of
 * mappings whose first writes a file system wants to be told of, newer kernels refuse that. Here
 * nobody needs to know them: there is no copy that could be outdated. So each fault takes its
 * page to be written, be it a read.
 */
const struct vm_operations_struct tarn_vm_child_ops = {
	.get_policy = tarn_vm_get_policy,
	.fault = tarn_vm_fault,
};
