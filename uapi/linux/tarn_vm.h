/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The VM of a partition: its attachment, the areas that its guest registers, which of them
 * are pinned (S02), and what the guest tells of itself. Included by linux/tarn.h, which
 * tells what all calls share and has their numbers.
 */
#ifndef _UAPI_LINUX_TARN_VM_H
#define _UAPI_LINUX_TARN_VM_H

#include <linux/tarn_para.h>
#include <linux/types.h>

/** Most ranges of one attachment. */
#define TARN_VM_MAX_RANGES	64

/**
 * struct tarn_vm_range - where a part of a partition lies in its guest
 * @gpa: guest physical address, a multiple of the page size
 * @bytes: length, likewise, not 0
 * @offset: in the file, likewise
 */
struct tarn_vm_range {
	__aligned_u64 gpa;
	__aligned_u64 bytes;
	__aligned_u64 offset;
};

/**
 * struct tarn_partition_attach - TARN_PARTITION_ATTACH: whose memory this is
 * @size: of this structure
 * @flags: 0
 * @vm_fd: what KVM_CREATE_VM returned
 * @count: ranges, 1 to TARN_VM_MAX_RANGES; 0 with @vm_fd -1: detach
 * @ranges: address of an array of struct tarn_vm_range, in ascending order of
 *	@gpa, none overlapping another in @gpa or in @offset
 * @hypercalls: out: 1 if the guest's hypercalls are answered, 0 if they can't be,
 *	which the kernel's log explains
 * @reserved: 0
 *
 * Names the KVM VM that has the partition as memory (S02, S03, S09). From then on
 * the guest's hypercalls are answered (linux/tarn_para.h), KVM's
 * accessed bits are read, and its paravirtual areas pinned by policy. Every page
 * of a range has to lie in one of the VM's memory slots whose user memory is a
 * shared mapping of this file at that offset. A change of the slots afterwards
 * does no harm: ranges name pages of this file only. Of what is not in its place
 * KVM's accessed bits are not read, and the guest can give up none of it.
 *
 * Hypercalls are not answered where the kernel does not let the module hook KVM's
 * function: a live patch has it, or tracing of functions is off
 * (/proc/sys/kernel/ftrace_enabled). All else works. While they are answered the
 * kernel refuses to switch that off.
 *
 * The attachment does not keep the VM alive. It ends with the VM, with the
 * partition, or by another call.
 *
 * EBADF: @vm_fd is no VM of KVM. EBUSY: the partition has a VM. EACCES: a page of a range
 * is locked, as it was donated (linux/tarn_adjunct.h). EFAULT: a page of
 * a range is not in a slot or not of this file. EOPNOTSUPP: there is no
 * tarn_kvm.ko, or KVM is another one than it was built for.
 */
struct tarn_partition_attach {
	__u32 size;
	__u32 flags;
	__s32 vm_fd;
	__u32 count;
	__aligned_u64 ranges;
	__u32 hypercalls;
	__u32 reserved;
};

/** enum tarn_pin_policy - what a pool does with areas of a type (S02) */
enum tarn_pin_policy {
	/** pinned if the hypervisor itself accesses areas of this type */
	TARN_PIN_CRITICAL = 0,
	TARN_PIN_ALWAYS = 1,
	TARN_PIN_NEVER = 2,
};

/**
 * struct tarn_pool_pin_policy - TARN_POOL_PIN_POLICY: get or set
 * @size: of this structure
 * @flags: TARN_PIN_POLICY_SET or 0
 * @policy: by enum tarn_area_type of linux/tarn_para.h: enum tarn_pin_policy
 * @critical: out: by type, 1 where TARN_PIN_CRITICAL means to pin
 *
 * Setting wants CAP_SYS_ADMIN.
 * A change concerns areas that are registered already, too: when the call
 * returns, those that are not to be pinned are released, and those that are,
 * pinned as far as the quota goes.
 */
struct tarn_pool_pin_policy {
	__u32 size;
	__u32 flags;
	__u8 policy[32];
	__u8 critical[32];
};
#define TARN_PIN_POLICY_SET	(1U << 0)

/** enum tarn_area_origin - who registered an area */
enum tarn_area_origin {
	/** the guest, by TARN_HC_REGISTER */
	TARN_AREA_BY_GUEST = 1,
	/** the VMM, by TARN_PARTITION_REGISTER */
	TARN_AREA_BY_VMM = 2,
	/** the module, from what the guest told KVM */
	TARN_AREA_BY_KVM = 3,
	/** the module, all of a child (linux/tarn_adjunct.h) */
	TARN_AREA_BY_DONOR = 4,
};

/**
 * struct tarn_partition_register - TARN_PARTITION_REGISTER, _UNREGISTER: an area
 * @size: of this structure
 * @flags: 0
 * @type: enum tarn_area_type; UNREGISTER: 0
 * @handle: out: its handle; UNREGISTER: in
 * @offset: first byte, in the file; UNREGISTER: 0
 * @bytes: length, 1 to TARN_AREA_MAX_BYTES; UNREGISTER: 0
 *
 * For an area that the VMM or the kernel accesses on the guest's behalf (S02). The
 * file must be open for writing. Returns when a critical area is resident and
 * pinned. ENOSPC: the quota of pinned pages, or the limit of areas, would be
 * passed; EINVAL: beyond the end of the file; EACCES: a page of it is locked; ENOENT: no such
 * area; EINTR.
 */
struct tarn_partition_register {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 handle;
	__aligned_u64 offset;
	__aligned_u64 bytes;
};

/**
 * struct tarn_area - one registered area
 * @handle: its number in the partition
 * @type: enum tarn_area_type
 * @origin: enum tarn_area_origin
 * @flags: TARN_AREA_IS_* of linux/tarn_para.h
 * @reserved: 0
 * @offset: first byte in the file
 * @bytes: length
 * @since_ns: CLOCK_REALTIME when it was registered
 */
struct tarn_area {
	__u32 handle;
	__u16 type;
	__u16 origin;
	__u32 flags;
	__u32 reserved;
	__aligned_u64 offset;
	__aligned_u64 bytes;
	__aligned_u64 since_ns;
};

/**
 * struct tarn_partition_areas - TARN_PARTITION_AREAS: list areas
 * @size: of this structure
 * @flags: 0
 * @cursor: in: areas with a greater handle are listed, 0 at first; out: for the
 *	next call
 * @count: in: room in @areas, at most 4096; out: how many, 0 at the end
 * @areas: address of an array of struct tarn_area
 * @pinned_pages: out: pages pinned for areas, each counted once
 * @quota_pages: out: how many may be
 * @held_pages: out: resident pages that somebody outside holds (DMA)
 */
struct tarn_partition_areas {
	__u32 size;
	__u32 flags;
	__u32 cursor;
	__u32 count;
	__aligned_u64 areas;
	__aligned_u64 pinned_pages;
	__aligned_u64 quota_pages;
	__aligned_u64 held_pages;
};

/**
 * struct tarn_partition_metrics - TARN_PARTITION_METRICS: the guest of itself
 * @size: of this structure
 * @flags: 0
 * @metrics: out: struct tarn_metrics of linux/tarn_para.h as the guest wrote it
 *	last; numbers that nobody has checked
 *
 * ENODATA: it shares none. EPROTO: what it shares is not that structure. EAGAIN:
 * try again. EIO: the frame of its page has a memory error.
 */
struct tarn_partition_metrics {
	__u32 size;
	__u32 flags;
	struct tarn_metrics metrics;
};

#endif /* _UAPI_LINUX_TARN_VM_H */
