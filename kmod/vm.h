/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The KVM VM whose memory a partition is.
 */
#ifndef TARN_VM_H
#define TARN_VM_H

#include <linux/types.h>

struct tarn_partition;

/*
 * Read and clear KVM's accessed bits of a range; see vm.c. False: no VM covers it.
 */
static inline bool tarn_vm_young(struct tarn_partition *part, u64 first,
				 u64 count, unsigned long *young)
{
	return false;
}

#endif
