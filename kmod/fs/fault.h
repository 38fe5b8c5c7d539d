/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TARN_FAULT_H
#define TARN_FAULT_H

#include <linux/mm.h>

extern const struct vm_operations_struct tarn_vm_ops;
extern const struct vm_operations_struct tarn_vm_child_ops;

#endif
