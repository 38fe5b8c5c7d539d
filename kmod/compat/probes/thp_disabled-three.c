// SPDX-License-Identifier: GPL-2.0-only
/* 6.18 and later: and whether they are asked for now. */
#include <linux/mm.h>
#include <linux/module.h>

bool probe(struct vm_area_struct *vma);
bool probe(struct vm_area_struct *vma)
{
	return vma_thp_disabled(vma, vma->vm_flags, false);
}

MODULE_LICENSE("GPL");
