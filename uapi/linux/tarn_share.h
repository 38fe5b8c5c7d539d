/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Sharing: with whom a partition shares pages that hold the same, and what most pages
 * share (S10). Included by linux/tarn.h, which tells what all calls share and has their
 * numbers.
 */
#ifndef _UAPI_LINUX_TARN_SHARE_H
#define _UAPI_LINUX_TARN_SHARE_H

#include <linux/types.h>

/** Room for the name of a domain, with the 0 that ends it. */
#define TARN_DOMAIN_NAME	32

/** in: be in the domain @name from now on; without it only tell. CAP_SYS_ADMIN */
#define TARN_DOMAIN_SET		(1U << 0)
/** out: it is leaving the domain: nothing more is shared, what is shared gets frames */
#define TARN_DOMAIN_LEAVING	(1U << 1)

/**
 * struct tarn_partition_domain - TARN_PARTITION_DOMAIN: with whom a partition shares
 * @size: of this structure
 * @flags: TARN_DOMAIN_*
 * @name: of the domain, of letters, digits and other ASCII that prints, but no space; all
 *	0: none, as for a partition that is made
 *
 * Partitions of one domain share frames of pages that hold the same. Who is in it can tell
 * by the time that a write takes whether others hold what he holds, so it is for those who
 * may know that; a partition that is alone in a domain shares within itself.
 *
 * From one domain to another, or to none, all that is shared has to get frames first: what
 * needs some waits for them, as a write would. When a signal ends that (EINTR) the partition
 * is still in the old domain, LEAVING it; the same call goes on, and one that names the old
 * domain has it stay. EIO: what a page shares can't be read any more. ENODEV: the pool has
 * no paging. ENOSPC: it has as many partitions and domains as it may have.
 */
struct tarn_partition_domain {
	__u32 size;
	__u32 flags;
	__u8 name[TARN_DOMAIN_NAME];
};

/**
 * struct tarn_shared - something that many pages hold
 * @partition: one of them
 * @sharers: how many they are
 * @index: which page of that partition
 * @domain: whose they are
 * @state: where it is, enum tarn_page_state: resident or paged
 * @reserved: 0
 */
struct tarn_shared {
	__u32 partition;
	__u32 sharers;
	__aligned_u64 index;
	__u8 domain[TARN_DOMAIN_NAME];
	__u32 state;
	__u32 reserved;
};

#define TARN_SHARED_MAX		1024

/**
 * struct tarn_pool_sharing - TARN_POOL_SHARING: what is shared most, CAP_SYS_ADMIN
 * @size: of this structure
 * @flags: 0
 * @list: address of an array of struct tarn_shared, what most pages share first
 * @count: in: room in @list, at most TARN_SHARED_MAX; out: filled in
 * @reserved: 0
 */
struct tarn_pool_sharing {
	__u32 size;
	__u32 flags;
	__aligned_u64 list;
	__u32 count;
	__u32 reserved;
};

#endif /* _UAPI_LINUX_TARN_SHARE_H */
