/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadows <linux/huge_mm.h>.
 *
 * 6.12 has a function that tells whether madvise() or prctl() has refused entries of 2 MiB.
 * Before, each place looked at the same two flags by itself. 6.18 lets prctl() refuse them
 * where madvise() did not ask for them, and so wants to know whether it is asked for now;
 * before there is no such thing, and that does not matter.
 */
#ifndef TARN_COMPAT_HUGE_MM_H
#define TARN_COMPAT_HUGE_MM_H

#include_next <linux/huge_mm.h>

#ifdef HAVE_THP_DISABLED_FLAG
#include <linux/mm_types.h>
#include <linux/sched/coredump.h>

static inline bool vma_thp_disabled(struct vm_area_struct *vma,
				    vm_flags_t flags, bool forced)
{
	return flags & VM_NOHUGEPAGE ||
	       test_bit(MMF_DISABLE_THP, &vma->vm_mm->flags);
}
#endif

#ifdef HAVE_THP_DISABLED_TWO
static inline bool vma_thp_disabled_now(struct vm_area_struct *vma,
					vm_flags_t flags, bool forced)
{
	return vma_thp_disabled(vma, flags);
}

#define vma_thp_disabled vma_thp_disabled_now
#endif

#endif
