// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.11: that prctl() refuses entries of 2 MiB is a flag, and no function tells. */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/coredump.h>

bool vma_thp_disabled(struct vm_area_struct *vma);
bool vma_thp_disabled(struct vm_area_struct *vma)
{
	return test_bit(MMF_DISABLE_THP, &vma->vm_mm->flags);
}

MODULE_LICENSE("GPL");
