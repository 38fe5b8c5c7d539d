// SPDX-License-Identifier: GPL-2.0-only
/* 6.7 and later: and for where it interleaves. */
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/module.h>

static struct mempolicy *policy(struct vm_area_struct *vma, unsigned long addr,
				pgoff_t *ilx)
{
	return NULL;
}

extern const struct vm_operations_struct probe;
const struct vm_operations_struct probe = {
	.get_policy = policy,
};

MODULE_LICENSE("GPL");
