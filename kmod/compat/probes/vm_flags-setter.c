// SPDX-License-Identifier: GPL-2.0-only
/* 6.3 and later: flags of a mapping have setters. */
#include <linux/mm.h>
#include <linux/module.h>

void probe(struct vm_area_struct *vma);
void probe(struct vm_area_struct *vma)
{
	vm_flags_set(vma, VM_MIXEDMAP);
}

MODULE_LICENSE("GPL");
