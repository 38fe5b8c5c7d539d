/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests of restored partitions have in common: calls that restore, and a file with pages. */
#ifndef SELFTESTS_KMOD_RESTORE_H
#define SELFTESTS_KMOD_RESTORE_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "share.h"

#define WORD 0x1122334455667788ULL
/* Of what is in front of the pages in a file, as a header of libvirt is. */
#define SHIFT (3 * PAGE_SIZE + 1917)

static struct guest g;
static u32 sums[4 * 512];
static char path[] = "/tmp/tarn.saved.XXXXXX";
static int file = -1;

/* ---- calls ---------------------------------------------------------------- */

static inline long __fill_words(u64 start, u64 count, u64 word, u64 *done)
{
	struct tarn_partition_fill f = {
		.size = sizeof(f), .start = start, .count = count, .word = word,
	};
	long ret = __tarn_op(g.fd, TARN_PARTITION_FILL, &f);

	*done = f.done;
	return ret;
}

static inline long __copy(u64 start, u64 source, u64 count, u64 *done)
{
	struct tarn_partition_copy c = {
		.size = sizeof(c), .start = start, .source = source, .count = count,
	};
	long ret = __tarn_op(g.fd, TARN_PARTITION_COPY, &c);

	*done = c.done;
	return ret;
}

static inline long __import(int fd, u64 start, u64 count, u64 page, u64 *done)
{
	struct tarn_partition_import i = {
		.size = sizeof(i),
		.fd = fd,
		.start = start,
		.count = count,
		.offset = page * PAGE_SIZE,
		.sums = (uintptr_t)(sums + page),
	};
	long ret = __tarn_op(g.fd, TARN_PARTITION_IMPORT, &i);

	*done = i.done;
	return ret;
}

/* Page n of the file is page n of a partition that was filled with version 1. */
static inline void import(u64 start, u64 count)
{
	u64 done;

	ASSERT_OK(__import(file, start, count, start, &done));
	ASSERT_EQ(done, count);
}

static inline u64 imported(void)
{
	return part_info(g.fd).imported_pages;
}

static inline u64 in_state(u64 start, u64 count, u8 value)
{
	return part_count(g.fd, start, count, 0xff, value);
}

static inline void restore_begin(const char *options, const char *domain, u64 pages)
{
	begin(options);
	pool_readahead(&pool, 0);
	guest_begin(&g, "a", domain, pages);
}

static inline void restore_end(void)
{
	guest_end(&g);
	end();
}

static inline void write_file(int fd, off_t shift, u64 pages)
{
	u8 page[PAGE_SIZE] __attribute__((aligned(4096)));
	u64 i;

	ASSERT_LE(pages, sizeof(sums) / sizeof(*sums));
	for (i = 0; i < pages; i++) {
		page_fill(page, SEED, i, 1);
		sums[i] = tarn_page_sum(page);
		ASSERT_EQ(pwrite(fd, page, PAGE_SIZE, shift + i * PAGE_SIZE),
			  PAGE_SIZE);
	}
	ASSERT_OK(fsync(fd));
}

/* Nobody may have it open to write. */
static inline void file_begin_at(off_t shift, u64 pages)
{
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = ASSERT_OK(mkstemp(path));
	write_file(fd, shift, pages);
	close(fd);
	file = ASSERT_OK(open(path, O_RDONLY));
}

static inline void file_begin(u64 pages)
{
	file_begin_at(0, pages);
}

static inline void file_end(void)
{
	close(file);
	unlink(path);
}

#endif
