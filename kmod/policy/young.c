// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accessed bits of the process page tables that map a partition, and of KVM's
 * (vm.c), read and cleared for a range at once. As the kernel's own reclaim on
 * x86, no TLB flush follows: a page in use is marked again soon enough.
 */
#include <linux/fs.h>
#include <linux/interval_tree_generic.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pgtable.h>

#include "policy/young.h"
#include "pool/partition.h"

/*
 * Mappings of a range that are looked at: this is done with locks that reclaim of all
 * partitions needs, and a process may map its file as often as it likes.
 */
#define LOOKS_MOST	256

static const struct tarn_young_source *others __ro_after_init;

/* While there is no partition. */
void tarn_young_set_source(const struct tarn_young_source *source)
{
	others = source;
}

/*
 * The table that holds @addr, or NULL: there is none, or one entry of 2 MiB. Page tables of a mapped file are freed
 * with i_mmap_rwsem held for writing first; newer kernels free empty ones under
 * RCU besides. The caller holds both.
 */
static pte_t *find_table(struct mm_struct *mm, unsigned long addr, pmd_t **huge)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd, pmdv;

	if (pgd_none(*pgd) || pgd_bad(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d) || p4d_bad(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud) || pud_bad(*pud))
		return NULL;
	pmd = pmd_offset(pud, addr);
	pmdv = READ_ONCE(*pmd);
	if (pmd_none(pmdv))
		return NULL;
	if (pmd_trans_huge(pmdv))
		*huge = pmd;
	if (pmd_bad(pmdv))
		return NULL;
	return pte_offset_kernel(&pmdv, addr);
}

/*
 * Test and clear without the table's lock: the exchange fails if the entry
 * became something else meanwhile.
 */
static bool clear_young(pte_t *ptep)
{
	pte_t old = READ_ONCE(*ptep);

	if (!pte_present(old) || !pte_young(old))
		return false;
	return try_cmpxchg(&ptep->pte, &old.pte, pte_mkold(old).pte);
}

static bool clear_young_huge(pmd_t *pmd)
{
	pmd_t old = READ_ONCE(*pmd);

	if (!pmd_present(old) || !pmd_trans_huge(old) || !pmd_young(old))
		return false;
	return try_cmpxchg(&pmd->pmd, &old.pmd, pmd_mkold(old).pmd);
}

static void collect_vma(struct vm_area_struct *vma, u64 first, u64 count,
			unsigned long *young)
{
	u64 from = max_t(u64, first, vma->vm_pgoff);
	u64 to = min_t(u64, first + count, vma->vm_pgoff + vma_pages(vma));
	u64 i;

	for (i = from; i < to;) {
		unsigned long addr = vma->vm_start +
				     ((i - vma->vm_pgoff) << PAGE_SHIFT);
		unsigned long next = min(pmd_addr_end(addr, vma->vm_end),
					 addr + ((to - i) << PAGE_SHIFT));
		pmd_t *huge = NULL;
		pte_t *pte = find_table(vma->vm_mm, addr, &huge);

		if (!pte) {
			/* Which page of it was used does not show. */
			if (huge && clear_young_huge(huge))
				bitmap_set(young, i - first,
					   (next - addr) >> PAGE_SHIFT);
			i += (next - addr) >> PAGE_SHIFT;
			continue;
		}
		for (; addr < next; addr += PAGE_SIZE, pte++, i++)
			if (clear_young(pte))
				__set_bit(i - first, young);
	}
}

static unsigned long first_of(struct vm_area_struct *vma)
{
	return vma->vm_pgoff;
}

static unsigned long last_of(struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma) - 1;
}

/* The kernel's own look-up in the tree of a file's mappings is not for modules. */
INTERVAL_TREE_DEFINE(struct vm_area_struct, shared.rb, unsigned long,
		     shared.rb_subtree_last, first_of, last_of,
		     static __maybe_unused, mappings)

/**
 * tarn_young_collect() - which pages of a range were accessed
 * @part: partition; the caller holds its pin
 * @first: first page
 * @count: pages
 * @young: a bit a page, set for those that were; not cleared for others
 *
 * Context: process.
 * Return: true if there are mappings that accessed bits say nothing of, as the
 * hardware walks tables of its own (KVM) and no VM is attached that tells, or more
 * than are looked at.
 */
bool tarn_young_collect(struct tarn_partition *part, u64 first, u64 count,
			unsigned long *young)
{
	struct address_space *mapping = part->inode->i_mapping;
	u64 last = first + count - 1;
	unsigned int looks = 0;
	struct vm_area_struct *vma;
	bool opaque = false;

	i_mmap_lock_read(mapping);
	rcu_read_lock();
	for (vma = mappings_iter_first(&mapping->i_mmap, first, last);
	     vma && looks < LOOKS_MOST;
	     vma = mappings_iter_next(vma, first, last), looks++) {
		opaque |= mm_has_notifiers(vma->vm_mm);
		collect_vma(vma, first, count, young);
	}
	opaque |= !!vma;
	rcu_read_unlock();
	i_mmap_unlock_read(mapping);
	/* With its VM attached, KVM tells what was accessed. */
	return !others->collect(part, first, count, young) && opaque;
}
