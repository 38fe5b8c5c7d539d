/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadows <linux/mm.h>.
 *
 * 6.3 gave the flags of a mapping setters, which see to its lock. Before, they
 * were written; the places here are those where a driver may: ->mmap, and a copy
 * of a mapping that is nobody else's.
 *
 * 6.5 lets a fault hold the lock of its mapping alone. Before, it always held
 * that of the address space.
 */
#ifndef TARN_COMPAT_MM_H
#define TARN_COMPAT_MM_H

#include_next <linux/mm.h>

#ifdef HAVE_VM_FLAGS_FIELD
static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}

static inline void vm_flags_init(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags = flags;
}
#endif

#ifdef HAVE_FAULT_LOCK_MMAP
static inline void release_fault_lock(struct vm_fault *vmf)
{
	mmap_read_unlock(vmf->vma->vm_mm);
}
#endif

#endif
