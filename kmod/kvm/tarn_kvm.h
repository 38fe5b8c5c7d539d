/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tarn.ko needs of KVM, which it works without, too: so tarn_kvm.ko is what is
 * linked with KVM, and tarn.ko asks for that module when a VM is attached.
 *
 * The module loader compares the versions of the symbols that are linked, which
 * depend on each structure that is behind their arguments, and refuses tarn_kvm.ko
 * where KVM is not the one that it was built for. A symbol that is only looked up is
 * not compared: between the two modules the layout tells whether they are of one build.
 */
#ifndef TARN_KVM_H
#define TARN_KVM_H

#include <linux/kvm_host.h>

/* Where tarn.ko finds what it reads of KVM's structures, and how large these are. */
#define TARN_KVM_LAYOUT {						\
	sizeof(struct kvm),						\
	offsetof(struct kvm, mm),					\
	offsetof(struct kvm, memslots),					\
	offsetof(struct kvm, srcu),					\
	offsetof(struct kvm, users_count),				\
	offsetof(struct kvm, mmu_notifier),				\
	offsetof(struct kvm, online_vcpus),				\
	offsetof(struct kvm, vcpu_array),				\
	offsetof(struct kvm, arch),					\
	sizeof(struct kvm_vcpu),					\
	offsetof(struct kvm_vcpu, kvm),					\
	offsetof(struct kvm_vcpu, arch.regs),				\
	offsetof(struct kvm_vcpu, arch.efer),				\
	offsetof(struct kvm_vcpu, arch.hflags),				\
	offsetof(struct kvm_vcpu, arch.guest_state_protected),		\
	offsetof(struct kvm_vcpu, arch.time),				\
	offsetof(struct kvm_vcpu, arch.st),				\
	offsetof(struct kvm_vcpu, arch.apf),				\
	offsetof(struct kvm_vcpu, arch.pv_eoi),				\
	sizeof(struct kvm_memslots),					\
	sizeof(struct kvm_memory_slot),					\
	offsetof(struct kvm_memory_slot, base_gfn),			\
	offsetof(struct kvm_memory_slot, npages),			\
	offsetof(struct kvm_memory_slot, userspace_addr),		\
	offsetof(struct kvm_memory_slot, flags),			\
}

#define TARN_KVM_LAYOUT_WORDS	25

/**
 * struct tarn_kvm_ops - references of VMs
 * @layout: TARN_KVM_LAYOUT
 * @get: kvm_get_kvm()
 * @put: kvm_put_kvm()
 */
struct tarn_kvm_ops {
	u32 layout[TARN_KVM_LAYOUT_WORDS];
	void (*get)(struct kvm *kvm);
	void (*put)(struct kvm *kvm);
};

extern const struct tarn_kvm_ops tarn_kvm_ops;

#endif
