// SPDX-License-Identifier: GPL-2.0-only
/* KVM can answer Xen's guests, and has their configuration in a place of its own: 6.15 and later. */
#include <linux/kvm_host.h>
#include <linux/module.h>

u32 probe(struct kvm *kvm);
u32 probe(struct kvm *kvm)
{
	return kvm->arch.xen.hvm_config.flags;
}

MODULE_LICENSE("GPL");
