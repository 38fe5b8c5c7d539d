/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Tarn: memory that a partition donates, and keys that lock it (S18). Included by linux/tarn.h,
 * which tells what all calls share and has their numbers.
 */
#ifndef _UAPI_LINUX_TARN_ADJUNCT_H
#define _UAPI_LINUX_TARN_ADJUNCT_H

#include <linux/types.h>

/** Most pages of one donation. */
#define TARN_DONATE_PAGES	16384U

/**
 * struct tarn_partition_donate - TARN_PARTITION_DONATE: give a range away
 * @size: of this structure
 * @flags: 0
 * @start: first page
 * @count: pages, 1 to TARN_DONATE_PAGES, all of them within the file
 * @fd: out: the child's file, O_CLOEXEC
 * @key: out: names the child: its partition's id in the pool, and not 0
 *
 * The range is emptied, as by a hole that is punched, and locked: its pages are
 * TARN_PAGE_LOCKED. In its place there is a partition of its own, the child, of @count pages,
 * which are all zero at first. Who has @fd, or a mapping of it, has them, and nobody else:
 * under the address of a locked page there is nothing. A touch gives SIGBUS (in a VM, KVM_RUN
 * fails with EFAULT), whoever touches it, the donor among them; read(2), write(2),
 * fallocate(2), TARN_PARTITION_READ, _REGISTER, _ATTACH, _FILL, _COPY and _IMPORT give EACCES,
 * and a hole that is to be punched there EBUSY.
 *
 * The child's file has no name, mode 0600, and the caller for owner. It takes mmap(2) with
 * MAP_SHARED, calls that tell, and TARN_PARTITION_HOMES and _RELOCATE; its size stays as it is
 * (EPERM), and so do its settings (EPERM). Its mappings can be targets of DMA. All of its pages
 * are in memory for as long as it lives: they are pinned as an area of TARN_AREA_BY_DONOR is,
 * whatever the policy says, are in the donor's quota of pins, and count among the frames that
 * the donor is entitled to.
 *
 * The lock ends with the child, which ends with the last descriptor and mapping of it: what is
 * still locked for it becomes empty, so who reads it then reads zeroes. Until then the donor's
 * file can only be cut; what grows there again is empty and not locked. Nothing of that, nor
 * the end of the donor, changes anything for the child.
 *
 * After an error the range is as it was; after EFAULT, and perhaps EBUSY, it is empty. The file
 * must be open for writing. EBUSY: a page of the range is locked; is in an area that is
 * registered, pinned or not, or in a part of the file that a VM is attached with; is held by
 * somebody (DMA), or touched all the time. ENOSPC: the donor's quota of pins, or what may be
 * pinned of the pool, would be passed; it has 64 children; the pool has as many partitions as
 * it may have; or, with paging=none, no frames. EPERM: the file is that of a child. EMFILE,
 * ENFILE, ENOMEM; EINTR: a signal came while it waited for frames.
 */
struct tarn_partition_donate {
	__u32 size;
	__u32 flags;
	__aligned_u64 start;
	__aligned_u64 count;
	__s32 fd;
	__u32 key;
};

#endif /* _UAPI_LINUX_TARN_ADJUNCT_H */
