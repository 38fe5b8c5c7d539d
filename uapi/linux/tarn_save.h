/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Tarn: what a partition is made of again that was saved (S14), without its content being
 * written: pages of one word, pages that share, pages that a file has. Included by
 * linux/tarn.h, which tells what all calls share and has their numbers.
 *
 * TARN_PARTITION_FILL, _COPY and _IMPORT are about pages that are empty, go from the first
 * one on, and end before a page that they can't do; the file must be open for writing. Where
 * nothing was done they tell why: EEXIST the first page is not empty; EACCES it is locked (or
 * the source of COPY is); EBUSY it has to have a frame, as it is pinned or reserved, or somebody has it in hand; ENODEV the pool has no
 * paging; ENOMEM; EINTR: killed.
 */
#ifndef _UAPI_LINUX_TARN_SAVE_H
#define _UAPI_LINUX_TARN_SAVE_H

#include <linux/types.h>

/**
 * struct tarn_partition_shared - TARN_PARTITION_SHARED: which pages share what
 * @size: of this structure
 * @flags: 0
 * @start: first page
 * @count: pages; in: room in @ids, at most 2^20, out: pages filled in (the range ends at
 *	the end of the file)
 * @ids: address of an array, a __u64 a page: 0: it does not share; else what it shares
 * @left: out: how often a page of the partition has ceased to share, ever
 *
 * Two pages with the same number hold the same, if none has ceased to share between the call
 * before the first of them was looked at and one after the second was: @left is the same in
 * both. (A @count of 0 tells just that.) Numbers are used again otherwise, and say no more.
 * The file must be open for reading.
 */
struct tarn_partition_shared {
	__u32 size;
	__u32 flags;
	__aligned_u64 start;
	__aligned_u64 count;
	__aligned_u64 ids;
	__aligned_u64 left;
};

/**
 * struct tarn_partition_fill - TARN_PARTITION_FILL: pages of which all is one word
 * @size: of this structure
 * @flags: 0
 * @start: first page
 * @count: pages; a range past the end of the file is cut
 * @word: over and over, not 0: pages of that are empty
 * @done: out: pages that are so since
 *
 * They get no frames.
 */
struct tarn_partition_fill {
	__u32 size;
	__u32 flags;
	__aligned_u64 start;
	__aligned_u64 count;
	__aligned_u64 word;
	__aligned_u64 done;
};

/**
 * struct tarn_partition_copy - TARN_PARTITION_COPY: pages that share what others hold
 * @size: of this structure
 * @flags: 0
 * @start: first page
 * @count: pages; a range past the end of the file is cut
 * @source: page of the same partition that holds what @start is to hold; the next one is
 *	that of the next page, and so on
 * @done: out: pages that share with their sources since
 *
 * They get no frames. A source that the pager or a file has is read first, and waited for:
 * any signal ends that. Ends before a page whose source is no frame's: empty, a pattern, in
 * the balloon; whose source is held by somebody, pinned, reserved, or part of a 2 MiB frame;
 * or whose source as many pages share already as may: those are to be written. ENOENT the partition is in no domain;
 * EINVAL the first page has such a source; EIO it can't be read; EAGAIN that needs a pager,
 * and none serves.
 */
struct tarn_partition_copy {
	__u32 size;
	__u32 flags;
	__aligned_u64 start;
	__aligned_u64 count;
	__aligned_u64 source;
	__aligned_u64 done;
};

/**
 * Files, as they are opened, that a partition's pages may be in at a time. One in which some
 * pages lie further behind a multiple of 4096 than others is as many.
 */
#define TARN_IMPORT_FILES	4
/** No page of a file lies behind so many pages. */
#define TARN_IMPORT_PAGES	(1ULL << 32)

/**
 * struct tarn_partition_import - TARN_PARTITION_IMPORT: pages that a file has
 * @size: of this structure
 * @flags: 0
 * @fd: of the file, open for reading
 * @reserved: 0
 * @start: first page
 * @count: pages; a range past the end of the file is cut
 * @offset: byte of the file at which the first page lies; the others follow it
 * @sums: address of an array, a __u32 a page: tarn_page_sum() of each
 * @done: out: pages that are there since
 *
 * Such a page counts as paged. It is read from the file when it is touched, or brought by
 * TARN_PARTITION_PAGE_IN, and checked by its sum; no pager is needed for that, but for
 * PAGE_IN without TARN_PAGE_IN_SPARE. Once it was written to, the file's copy is forgotten; a
 * page that was not is given up without being stored, and is in the file again. Until the last
 * copy is forgotten (TARN_PAGE_IN_OWN) the file stays open, and its filesystem busy, and nobody
 * can open it to write (ETXTBSY) or cut it. Its name may go. A block device has to be kept
 * as it is by who may write to it: a page that does not have its sum any more is lost, as one
 * with the pager.
 *
 * The file is read as it is opened: with O_DIRECT past the page cache, if @offset is a multiple
 * of 4096. EBADF; EOPNOTSUPP: not
 * a regular file or a block device, or of a filesystem whose reads may depend on a server or
 * on other hosts (such as are on block devices of this one are taken, and tmpfs, but no memfd);
 * EPERM: it is not the caller's, who has no CAP_FOWNER either: others could not write to it;
 * ETXTBSY: somebody has it open to write, or @fd is; EFBIG: behind TARN_IMPORT_PAGES; EMFILE: the partition has
 * pages of TARN_IMPORT_FILES other opens, or the pool of 4096; EFAULT.
 */
struct tarn_partition_import {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 reserved;
	__aligned_u64 start;
	__aligned_u64 count;
	__aligned_u64 offset;
	__aligned_u64 sums;
	__aligned_u64 done;
};

#endif /* _UAPI_LINUX_TARN_SAVE_H */
