// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.4: a fault holds the lock of the address space. */
#include <linux/mm.h>
#include <linux/module.h>

static inline void release_fault_lock(struct vm_fault *vmf)
{
	mmap_read_unlock(vmf->vma->vm_mm);
}

void probe(struct vm_fault *vmf);
void probe(struct vm_fault *vmf)
{
	release_fault_lock(vmf);
}

MODULE_LICENSE("GPL");
