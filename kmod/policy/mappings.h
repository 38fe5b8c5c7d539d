/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mappings of a partition, and the page tables of the processes that have them: to be
 * looked at, with i_mmap_rwsem and RCU held.
 */
#ifndef TARN_MAPPINGS_H
#define TARN_MAPPINGS_H

#include <linux/fs.h>
#include <linux/interval_tree_generic.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

static inline unsigned long tarn_mapping_first(struct vm_area_struct *vma)
{
	return vma->vm_pgoff;
}

static inline unsigned long tarn_mapping_last(struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma) - 1;
}

/* The kernel's own look-up in the tree of a file's mappings is not for modules. */
INTERVAL_TREE_DEFINE(struct vm_area_struct, shared.rb, unsigned long,
		     shared.rb_subtree_last, tarn_mapping_first,
		     tarn_mapping_last, static inline __maybe_unused,
		     tarn_mappings)

/*
 * The entry for the 2 MiB around an address, or NULL: no table has one. Page tables of a
 * mapped file are freed with i_mmap_rwsem held for writing first; newer kernels free empty
 * ones under RCU besides.
 */
static inline pmd_t *tarn_mapping_pmd(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd) || pgd_bad(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d) || p4d_bad(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud) || pud_bad(*pud))
		return NULL;
	return pmd_offset(pud, addr);
}

#endif
