// SPDX-License-Identifier: GPL-2.0-only
/* KVM can answer Xen's guests, and has their configuration in its part of the architecture: up to 6.14. */
#include <linux/kvm_host.h>
#include <linux/module.h>

u32 probe(struct kvm *kvm);
u32 probe(struct kvm *kvm)
{
	return kvm->arch.xen_hvm_config.flags;
}

MODULE_LICENSE("GPL");
