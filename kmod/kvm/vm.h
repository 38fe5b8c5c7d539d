/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The KVM VM whose memory a partition is: naming it, its lifetime, KVM's accessed
 * bits. Of KVM only what stays open to modules is used: references of the VM,
 * inlines and layouts of linux/kvm_host.h, and the MMU notifier that KVM itself
 * registered.
 */
#ifndef TARN_VM_H
#define TARN_VM_H

#include <linux/kref.h>
#include <linux/kvm_host.h>
#include <linux/rcupdate.h>
#include <linux/tarn.h>
#include <linux/workqueue.h>

#include "kvm/throttle.h"

struct tarn_partition;

/**
 * struct tarn_vm_map - a part of a partition in its guest
 * @gfn: first guest frame
 * @pages: length
 * @index: first page of the partition
 * @hva: where KVM's slots said that it lies, in kvm->mm; they may change
 */
struct tarn_vm_map {
	u64 gfn;
	u64 pages;
	u64 index;
	unsigned long hva;
};

/**
 * struct tarn_vm - a VM attached to a partition
 * @ref: the attachment holds one, each user under way another; the last one
 *	lets go of @kvm and @part, from a workqueue
 * @node: in the table by @kvm, RCU
 * @kvm: referenced: its memory stays, but not what its file descriptors keep
 * @part: referenced, but for its inode
 * @gone: detached; set under part->vm_lock
 * @look: looks, now and then, whether the VM still lives and what the guest told
 *	KVM
 * @release: the end
 * @rcu: for the end
 * @kvm_areas: what the guest told KVM, of @nr_kvm_areas (paravirt.c);
 *	@look's own
 * @nr_kvm_areas: length of @kvm_areas
 * @hypercalls: they are answered
 * @calls: limits the guest's hypercalls
 * @nr_maps: length of @map
 * @map: in ascending order of gfn
 */
struct tarn_vm {
	struct kref ref;
	struct hlist_node node;
	struct kvm *kvm;
	struct tarn_partition *part;
	bool gone;
	struct delayed_work look;
	struct work_struct release;
	struct rcu_head rcu;
	struct tarn_kvm_area *kvm_areas;
	unsigned int nr_kvm_areas;
	bool hypercalls;
	struct tarn_throttle calls;
	unsigned int nr_maps;
	struct tarn_vm_map map[];
};

long tarn_vm_attach(struct tarn_partition *part,
		    struct tarn_partition_attach *a);
void tarn_vm_detach(struct tarn_partition *part);
bool tarn_vm_attached(struct kvm *kvm);
struct tarn_vm *tarn_vm_find(struct kvm *kvm, u64 gpa);
struct tarn_vm *tarn_vm_nth(struct kvm *kvm, unsigned int n);
struct tarn_vm *tarn_vm_of(struct tarn_partition *part);
void tarn_vm_count(struct tarn_partition *part, u32 *vms, u32 *hypercalls);
void tarn_vm_put(struct tarn_vm *vm);
bool tarn_vm_has(struct tarn_partition *part, u64 first, u64 end);
const struct tarn_vm_map *tarn_vm_map(struct tarn_vm *vm, u64 gpa);
bool tarn_vm_writable(struct kvm_vcpu *vcpu, const struct tarn_vm_map *map,
		      u64 gfn, u64 pages);

int tarn_vm_init(void);
void tarn_vm_settle(void);
void tarn_vm_exit(void);

#endif
