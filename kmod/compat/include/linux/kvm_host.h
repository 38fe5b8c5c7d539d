/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadows <linux/kvm_host.h>: from 6.8 on KVM may be built without Hyper-V, and
 * then no guest can have said that it speaks to one. 6.15 moved what is known of
 * Xen's guests, and KVM may be built without that, too.
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

static inline bool tarn_kvm_speaks_xen(struct kvm *kvm)
{
#if defined(HAVE_KVM_XEN_HVM_CONFIG)
	return kvm->arch.xen.hvm_config.flags &
	       KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL;
#elif defined(HAVE_KVM_XEN_CONFIG)
	return kvm->arch.xen_hvm_config.flags &
	       KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL;
#else
	return false;
#endif
}

#endif
