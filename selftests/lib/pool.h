/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pool of its own for a test, partitions in it, and the calls on both.
 * __name() returns -errno, name() asserts success. Page contents are made
 * from a seed, the page's index and a version, so a page says by itself
 * whether it is whole and which write it comes from.
 */
#ifndef SELFTESTS_LIB_POOL_H
#define SELFTESTS_LIB_POOL_H

#include <linux/tarn_pager.h>

#include "harness.h"

/** struct pool - a tarnfs that a test mounted on a fresh directory */
struct pool {
	char dir[64];
	int fd;
};

int __pool_mount(const char *dir, const char *options);
void pool_mount(struct pool *p, const char *options);
int __pool_remount(struct pool *p, const char *options);
int __pool_umount(struct pool *p);
void pool_umount(struct pool *p);
struct tarn_pool_info pool_info(struct pool *p);
/** TARN_POOL_FAULTS: at most @count into @list. */
struct tarn_pool_faults pool_faults(struct pool *p, u32 partition,
				    struct tarn_fault *list, u32 count);
/** Page-ins in the histogram; @slow: those that may have taken @ms or more. */
u64 pool_latencies(struct pool *p, u64 *slow, u64 ms);
void pool_readahead(struct pool *p, u32 pages);
/** Assert that no frame is used by anybody, after what was freed is back. */
void pool_assert_idle(struct pool *p);

/** An ioctl; -errno or what it returns. */
long __tarn_op(int fd, unsigned long cmd, void *arg);
#define tarn_op(fd, cmd, arg) ASSERT_OK(__tarn_op(fd, cmd, arg))

int part_open(struct pool *p, const char *name, int flags);
int part_create(struct pool *p, const char *name, u64 pages);
void part_unlink(struct pool *p, const char *name);
u8 *part_map(int fd, u64 pages);
/** The same with content: version 1 of each page, of seed 9. */
u8 *part_map_filled(int fd, u64 pages);
u8 *part_map_prot(int fd, u64 pages, int prot);
struct tarn_partition_info part_info(int fd);
/** enum tarn_page_state and TARN_PAGE_* bits of one page. */
u8 part_state(int fd, u64 index);
void part_states(int fd, u64 start, u64 count, u8 *states);
u64 part_count(int fd, u64 start, u64 count, u8 mask, u8 value);
long __part_page_out(int fd, u64 start, u64 count, u64 *done);
long __part_page_in(int fd, u64 start, u64 count, u64 *done);
/** TARN_PARTITION_PATTERNS */
long __part_find_patterns(int fd, u64 start, u64 count, u64 *done);
u64 part_page_out(int fd, u64 start, u64 count);
u64 part_page_in(int fd, u64 start, u64 count);

/** Call @fn, which may fault; 0, or SIGBUS or SIGSEGV that ended it. */
int try_call(void (*fn)(void *arg), void *arg);
/** Touch one byte; 0, or SIGBUS or SIGSEGV. */
int try_read(const volatile u8 *p, u8 *value);
int try_write(volatile u8 *p, u8 value);

void page_fill(void *page, u64 seed, u64 index, u64 version);
/** Version of a page's content, 0 of a zero page, -EILSEQ of a damaged one. */
s64 page_version(const void *page, u64 seed, u64 index);
bool page_is_zero(const void *page);
#define ASSERT_PAGE(page, seed, index, version)                                \
	ASSERT_EQ(page_version(page, seed, index), version)

/** Drop every capability of this process. */
void drop_caps(void);

#endif /* SELFTESTS_LIB_POOL_H */
