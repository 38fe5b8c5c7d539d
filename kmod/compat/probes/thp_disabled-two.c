// SPDX-License-Identifier: GPL-2.0-only
/* 6.12 and later: of a mapping and its flags. */
#include <linux/mm.h>
#include <linux/module.h>

bool probe(struct vm_area_struct *vma);
bool probe(struct vm_area_struct *vma)
{
	return vma_thp_disabled(vma, vma->vm_flags);
}

MODULE_LICENSE("GPL");
