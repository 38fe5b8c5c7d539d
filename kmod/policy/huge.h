/* SPDX-License-Identifier: GPL-2.0-only */
/* Which blocks become 2 MiB frames (page/block.h). */
#ifndef TARN_HUGE_H
#define TARN_HUGE_H

#include <linux/huge_mm.h>
#include <linux/mm.h>

#include "pool/partition.h"

/*
 * As the partition and the mapping that is touched, with these flags, say. What madvise()
 * refuses for the mapping and prctl() for its process comes first.
 */
static inline bool tarn_huge_wanted(struct tarn_partition *part,
				    struct vm_area_struct *vma,
				    vm_flags_t flags)
{
	if (vma_thp_disabled(vma, flags, false))
		return false;
	switch (READ_ONCE(part->huge)) {
	case TARN_HUGE_NEVER:
		return false;
	case TARN_HUGE_ALWAYS:
		return true;
	case TARN_HUGE_AUTO:
		if (rcu_access_pointer(part->vm))
			return true;
		fallthrough;
	default:
		return flags & VM_HUGEPAGE;
	}
}

#endif
