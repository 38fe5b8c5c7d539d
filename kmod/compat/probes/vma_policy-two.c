// SPDX-License-Identifier: GPL-2.0-only
/* Up to 6.6: the policy of a mapping is asked for by its address. */
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/module.h>

static struct mempolicy *policy(struct vm_area_struct *vma, unsigned long addr)
{
	return NULL;
}

extern const struct vm_operations_struct probe;
const struct vm_operations_struct probe = {
	.get_policy = policy,
};

MODULE_LICENSE("GPL");
