// SPDX-License-Identifier: GPL-2.0-only
/*
 * A live pool gets another size: by what is free, by moving, by paging out, or
 * not at all.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pager.h"

static void remount_without_paging(void)
{
	struct pool p;
	u8 *map;
	int fd, i;

	pool_mount(&p, "size=8M,paging=none");
	ASSERT_EQ(__pool_remount(&p, "size=16M"), 0);
	ASSERT_EQ(pool_info(&p).frames, 4096);
	ASSERT_EQ(pool_info(&p).free_frames, 4096);
	fd = part_create(&p, "a", 3000);
	map = part_map(fd, 3000);
	for (i = 0; i < 3000; i++)
		page_fill(map + i * PAGE_SIZE, 7, i, 1);
	ASSERT_EQ(__pool_remount(&p, "size=8M"), -EBUSY);
	ASSERT_EQ(pool_info(&p).frames, 4096);
	ASSERT_EQ(pool_info(&p).free_frames, 4096 - 3000);
	for (i = 0; i < 3000; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 7, i, 1);
	munmap(map, 3000 * PAGE_SIZE);
	close(fd);
	part_unlink(&p, "a");
	pool_assert_idle(&p);
	ASSERT_EQ(__pool_remount(&p, "size=2M"), 0);
	ASSERT_EQ(pool_info(&p).frames, 512);
	ASSERT_EQ(__pool_remount(&p, "paging=pager"), -EINVAL);
	ASSERT_EQ(__pool_remount(&p, "size=0"), -EINVAL);
	ASSERT_EQ(__pool_remount(&p, "size=1000G"), -ENOMEM);
	ASSERT_EQ(pool_info(&p).frames, 512);
	pool_umount(&p);
}

static void remount_pages_out(void)
{
	struct pager pg;
	struct pool p;
	u8 *map;
	int fd, i;

	pool_mount(&p, "size=16M");
	fd = part_create(&p, "a", 3000);
	map = part_map(fd, 3000);
	for (i = 0; i < 3000; i++)
		page_fill(map + i * PAGE_SIZE, 7, i, 1);
	ASSERT_EQ(__pool_remount(&p, "size=8M"), -EBUSY);
	ASSERT_EQ(pool_info(&p).frames, 4096);
	pager_start(&pg, &p);
	ASSERT_EQ(__pool_remount(&p, "size=8M"), 0);
	ASSERT_EQ(pool_info(&p).frames, 2048);
	ASSERT_GE(pool_info(&p).paged_pages, 3000 - 2048);
	for (i = 0; i < 3000; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 7, i, 1);
	ASSERT_EQ(__pool_remount(&p, "size=32M"), 0);
	ASSERT_EQ(pool_info(&p).frames, 8192);
	for (i = 0; i < 3000; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 7, i, 1);
	munmap(map, 3000 * PAGE_SIZE);
	close(fd);
	pager_stop(&pg);
	pool_umount(&p);
}

/* Pages that somebody holds can't move: refused as a whole. */
static void remount_with_held_pages(void)
{
	struct iovec v;
	struct pager pg;
	struct pool p;
	int fd, i, pipes[2];
	u8 *map;

	pool_mount(&p, "size=8M");
	pager_start(&pg, &p);
	fd = part_create(&p, "a", 2048);
	map = part_map(fd, 2048);
	ASSERT_OK(pipe2(pipes, O_CLOEXEC));
	for (i = 0; i < 1900; i++)
		page_fill(map + i * PAGE_SIZE, 7, i, 1);
	/* one in every chunk, wherever they are */
	for (i = 0; i < 16; i++) {
		v = (struct iovec){ map + i * 115 * PAGE_SIZE, PAGE_SIZE };
		ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	}
	ASSERT_EQ(__pool_remount(&p, "size=2M"), -EBUSY);
	ASSERT_EQ(pool_info(&p).frames, 2048);
	for (i = 0; i < 1900; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 7, i, 1);
	close(pipes[0]);
	close(pipes[1]);
	ASSERT_EQ(__pool_remount(&p, "size=2M"), 0);
	ASSERT_EQ(pool_info(&p).frames, 512);
	for (i = 0; i < 1900; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 7, i, 1);
	munmap(map, 2048 * PAGE_SIZE);
	close(fd);
	pager_stop(&pg);
	pool_umount(&p);
}

static const struct tarn_test tests[] = {
	TEST(remount_without_paging),
	TEST(remount_pages_out),
	TEST(remount_with_held_pages),
};

TESTS_MAIN(tests)
