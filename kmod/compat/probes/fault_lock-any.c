// SPDX-License-Identifier: GPL-2.0-only
/* 6.5 and later: a fault may hold the lock of its mapping alone. */
#include <linux/mm.h>
#include <linux/module.h>

void probe(struct vm_fault *vmf);
void probe(struct vm_fault *vmf)
{
	release_fault_lock(vmf);
}

MODULE_LICENSE("GPL");
