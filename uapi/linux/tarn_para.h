/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Tarn as its guests see it: hypercalls (S02, S03, S09), and the page of metrics
 * that a guest shares. The other side is tarn.ko on the host, which answers while
 * the guest's memory is a partition and its VM is attached to it
 * (TARN_PARTITION_ATTACH).
 *
 * Calling: vmcall on Intel, vmmcall on AMD, from kernel mode in 64-bit mode. RAX
 * holds the number, RBX, RCX and RDX the first three arguments; RAX holds the
 * result: 0 or more, or one of the negative errors below, which are those of
 * KVM's own calls and of Linux. Other registers keep their values. A call that is
 * not known, or whose host has no Tarn, returns -TARN_HC_ENOSYS as any hypercall
 * of KVM that does not exist, so a guest finds out by TARN_HC_QUERY alone. Where
 * the VMM says so, CPUID tells too (TARN_CPUID_SIGNATURE).
 *
 * Addresses are guest physical. All are looked up in the ranges that were attached
 * and mean pages of the caller's own partition, whatever they are; one outside of
 * them gives -TARN_HC_EFAULT.
 */
#ifndef _UAPI_LINUX_TARN_PARA_H
#define _UAPI_LINUX_TARN_PARA_H

#include <linux/types.h>

/* ---- CPUID -------------------------------------------------------------- */

/**
 * Found at the first leaf 0x40000000 + n * 0x100 (n below 256) whose EBX, ECX and
 * EDX spell this; EAX is then the highest leaf of the block.
 */
#define TARN_CPUID_SIGNATURE	"TarnTarnTarn"
/** Block + 1: EAX the features, as of TARN_HC_QUERY; EBX TARN_HC_BASE. */
#define TARN_CPUID_FEATURES	1

/* ---- hypercalls --------------------------------------------------------- */

#define TARN_HC_BASE		0x54410000UL
/** (version wanted: 0) -> features, TARN_PARA_* */
#define TARN_HC_QUERY		(TARN_HC_BASE + 0)
/** (type, address, bytes) -> handle, 1 or more */
#define TARN_HC_REGISTER	(TARN_HC_BASE + 1)
/** (handle) -> 0 */
#define TARN_HC_UNREGISTER	(TARN_HC_BASE + 2)
/** (handle) -> TARN_AREA_IS_* */
#define TARN_HC_QUERY_AREA	(TARN_HC_BASE + 3)
/** (address of struct tarn_metrics, or TARN_METRICS_OFF) -> 0 */
#define TARN_HC_METRICS		(TARN_HC_BASE + 4)
/** (enum tarn_hint, address, pages) -> pages that were dealt with */
#define TARN_HC_HINT		(TARN_HC_BASE + 5)
/** (address) -> page-fault number of the page-in under way there, or 0 */
#define TARN_HC_FAULT		(TARN_HC_BASE + 6)
#define TARN_HC_COUNT		7

#define TARN_HC_EPERM		1
#define TARN_HC_ENOENT		2
#define TARN_HC_E2BIG		7
#define TARN_HC_ENOMEM		12
#define TARN_HC_EFAULT		14
#define TARN_HC_EINVAL		22
#define TARN_HC_ENOSPC		28
/** too many calls: try again in a while */
#define TARN_HC_EAGAIN		11
#define TARN_HC_ENOSYS		1000

#define TARN_PARA_AREAS		(1UL << 0)
#define TARN_PARA_METRICS	(1UL << 1)
#define TARN_PARA_HINTS		(1UL << 2)
#define TARN_PARA_FAULTS	(1UL << 3)

/* ---- areas -------------------------------------------------------------- */

/**
 * enum tarn_area_type - what lies in a registered area
 *
 * Only what the hypervisor itself, or a device on its behalf, accesses without a
 * fault of the guest is worth a pin; which types those are is the host's
 * decision and not the guest's. The guest registers what it has.
 */
enum tarn_area_type {
	/** data of one processor that is accessed with interrupts off */
	TARN_AREA_CPU = 1,
	/** KVM's clock page of a processor, or the wall clock */
	TARN_AREA_CLOCK = 2,
	/** KVM's steal time of a processor */
	TARN_AREA_STEAL = 3,
	/** KVM's area for asynchronous page faults */
	TARN_AREA_ASYNC_FAULT = 4,
	/** KVM's paravirtual end of interrupt */
	TARN_AREA_EOI = 5,
	/** descriptors and rings of a virtual device */
	TARN_AREA_RING = 6,
	/** target of a device's DMA */
	TARN_AREA_DMA = 7,
	/** struct tarn_metrics */
	TARN_AREA_METRICS = 8,
	/** tables of the guest's kernel: page tables, descriptor tables */
	TARN_AREA_TABLES = 9,
	/** anything else */
	TARN_AREA_OTHER = 10,
};
#define TARN_AREA_TYPES		11

/** The area is critical by the host's policy. */
#define TARN_AREA_IS_CRITICAL	(1UL << 0)
/** All of its pages are pinned. */
#define TARN_AREA_IS_PINNED	(1UL << 1)

/** Most bytes of one area. */
#define TARN_AREA_MAX_BYTES	(16UL << 20)

/* ---- hints -------------------------------------------------------------- */

/** enum tarn_hint - what a guest knows of pages of its own */
enum tarn_hint {
	/** their content is worth nothing: reading them may give zeroes */
	TARN_HINT_UNUSED = 1,
	/** they will be used soon and often */
	TARN_HINT_HOT = 2,
	/** they will not be used for long */
	TARN_HINT_COLD = 3,
};

/** Most pages of one call that are dealt with; call again for the rest. */
#define TARN_HINT_MAX_PAGES	512

/* ---- metrics ------------------------------------------------------------ */

#define TARN_METRICS_MAGIC	0x4d4e5254
#define TARN_METRICS_VERSION	1
/** For TARN_HC_METRICS: share no more. */
#define TARN_METRICS_OFF	(~0UL)

/**
 * struct tarn_metrics - what a guest tells of itself, in one page of its own
 * @magic: TARN_METRICS_MAGIC
 * @version: TARN_METRICS_VERSION
 * @sequence: odd while the guest writes what follows, then one more
 * @updates: times it was written
 * @time_ns: the guest's monotonic clock when it was
 * @total_pages: memory that the guest's kernel manages, here and below in pages
 *	of 4 KiB
 * @free_pages: of it, free
 * @active_pages: on its active lists
 * @inactive_pages: on its inactive lists
 * @file_pages: page cache
 * @dirty_pages: of it, dirty or under writeback
 * @swap_pages: swap in use
 * @refaults: pages that it read back soon after it had given them up, since boot
 * @scanned: pages that its reclaim looked at, since boot
 * @swap_ins: since boot
 * @swap_outs: since boot
 * @psi_some_us: time in which some task waited for memory, since boot
 * @psi_full_us: time in which all did
 * @reserved: 0
 *
 * The hypervisor believes nothing of it: numbers are used as advice that concerns
 * the partition that wrote them alone.
 */
struct tarn_metrics {
	__u32 magic;
	__u32 version;
	__u32 sequence;
	__u32 updates;
	__aligned_u64 time_ns;
	__aligned_u64 total_pages;
	__aligned_u64 free_pages;
	__aligned_u64 active_pages;
	__aligned_u64 inactive_pages;
	__aligned_u64 file_pages;
	__aligned_u64 dirty_pages;
	__aligned_u64 swap_pages;
	__aligned_u64 refaults;
	__aligned_u64 scanned;
	__aligned_u64 swap_ins;
	__aligned_u64 swap_outs;
	__aligned_u64 psi_some_us;
	__aligned_u64 psi_full_us;
	__aligned_u64 reserved[16];
};

#endif
