// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.2: flags of a mapping are a field. */
#include <linux/mm.h>
#include <linux/module.h>

void probe(struct vm_area_struct *vma);
void probe(struct vm_area_struct *vma)
{
	vma->vm_flags |= VM_MIXEDMAP;
}

MODULE_LICENSE("GPL");
