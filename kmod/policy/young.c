// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accessed bits of the process page tables that map a partition, and of KVM's
 * (vm.c), read and cleared for a range at once. As the kernel's own reclaim on
 * x86, no TLB flush follows: a page in use is marked again soon enough.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>

#include "policy/mappings.h"
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

/* The table that holds @addr, or NULL: there is none, or one entry of 2 MiB. */
static pte_t *find_table(struct mm_struct *mm, unsigned long addr, pmd_t **huge)
{
	pmd_t *pmd = tarn_mapping_pmd(mm, addr), pmdv;

	if (!pmd)
		return NULL;
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
	struct address_space *mapping;
	u64 last = first + count - 1;
	unsigned int looks = 0;
	struct vm_area_struct *vma;
	bool opaque = false;

	/* Nobody maps a store: the use of what is in it is that of who shares it. */
	if (tarn_partition_is_store(part))
		return false;
	mapping = part->inode->i_mapping;
	i_mmap_lock_read(mapping);
	rcu_read_lock();
	for (vma = tarn_mappings_iter_first(&mapping->i_mmap, first, last);
	     vma && looks < LOOKS_MOST;
	     vma = tarn_mappings_iter_next(vma, first, last), looks++) {
		opaque |= mm_has_notifiers(vma->vm_mm);
		collect_vma(vma, first, count, young);
	}
	opaque |= !!vma;
	rcu_read_unlock();
	i_mmap_unlock_read(mapping);
	/* With its VM attached, KVM tells what was accessed. */
	return !others->collect(part, first, count, young) && opaque;
}
