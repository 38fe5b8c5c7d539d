// SPDX-License-Identifier: GPL-2.0-only
/* KVM can be built without Hyper-V from 6.8 on; before, it never is. */
#include <linux/kvm_host.h>
#include <linux/module.h>

u64 probe(struct kvm *kvm);
u64 probe(struct kvm *kvm)
{
	return kvm->arch.hyperv.hv_guest_os_id;
}

MODULE_LICENSE("GPL");
