/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadows <linux/kvm_host.h>: from 6.8 on KVM may be built without Hyper-V, and
 * then no guest can have said that it speaks to one.
 */
#ifndef TARN_COMPAT_KVM_HOST_H
#define TARN_COMPAT_KVM_HOST_H

#include_next <linux/kvm_host.h>

static inline bool tarn_kvm_speaks_hyperv(struct kvm *kvm)
{
#ifdef HAVE_KVM_HYPERV
	return kvm->arch.hyperv.hv_guest_os_id;
#else
	return false;
#endif
}

#endif
