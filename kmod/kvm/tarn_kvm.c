// SPDX-License-Identifier: GPL-2.0-only
/* See tarn_kvm.h. */
#include <linux/module.h>

#include "kvm/tarn_kvm.h"

const struct tarn_kvm_ops tarn_kvm_ops = {
	.layout = TARN_KVM_LAYOUT,
	.get = kvm_get_kvm,
	.put = kvm_put_kvm,
};
EXPORT_SYMBOL_GPL(tarn_kvm_ops);

MODULE_DESCRIPTION("Tarn: what ties it to the KVM that it was built for");
MODULE_AUTHOR("The Tarn authors");
MODULE_LICENSE("GPL");
