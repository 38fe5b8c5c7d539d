// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that a file has (S14, linux/tarn_save.h) where other parts of the module have them in
 * hand: blocks that become one frame, files that are slow, faults that can't wait, and many
 * files at once. What a file is taken for, and when it is let go, is restore.c's.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>

#include "restore.h"
#include "slow.h"

#define BLOCK 512ULL

static void promote_at_once(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_SCAN | TARN_POOL_SET_PROMOTE,
		.scan_permille = 1000,
		.promote_permille = 1000,
	};

	tarn_op(pool.fd, TARN_POOL_SET, &set);
}

/* Use pages, from the last one to the first: so no two frames lie as their pages do. */
static bool touch_back(u64 from, u64 count)
{
	flush_tlb();
	while (count--)
		(void)*(volatile u8 *)page_of(&g, from + count);
	return true;
}

/* ---- blocks --------------------------------------------------------------- */

/* One of its pages differs from its copy, and the frame says so of all. */
static void a_block_that_is_gathered_needs_no_file(void)
{
	int fd;

	file_begin(BLOCK - 1);
	restore_begin("size=16M,huge=always", NULL, BLOCK);
	import(0, BLOCK - 1);
	page_fill(page_of(&g, BLOCK - 1), SEED, BLOCK - 1, 1);
	touch_back(0, BLOCK - 1);
	ASSERT_EQ(imported(), BLOCK - 1);
	promote_at_once();
	WAIT_FOR(touch_back(0, BLOCK) && part_info(g.fd).block_promotions);
	WAIT_FOR(!imported());
	WAIT_FOR((fd = open(path, O_WRONLY)) >= 0);
	close(fd);
	check(&g, 0, BLOCK, 1);
	restore_end();
	file_end();
}

/* What a file has of it comes for that, whoever serves; and it stays clean, until it is to go. */
static void a_block_is_fetched_without_a_pager(void)
{
	struct tarn_partition_range r = {
		.size = sizeof(r), .flags = TARN_PAGE_IN_SPARE | TARN_PAGE_IN_OWN,
		.count = BLOCK,
	};
	const u64 most = BLOCK - 16;

	file_begin(BLOCK);
	restore_begin("size=16M,huge=always", NULL, BLOCK);
	pager_stop(&pg);
	import(0, BLOCK);
	touch_back(0, most);
	promote_at_once();
	WAIT_FOR(touch_back(0, most) && part_info(g.fd).block_promotions);
	ASSERT_EQ(imported(), BLOCK);
	ASSERT_EQ(part_info(g.fd).resident_pages, BLOCK);
	check(&g, 0, BLOCK, 1);
	WAIT_FOR(!__tarn_op(g.fd, TARN_PARTITION_PAGE_IN, &r) && !imported());
	check(&g, 0, BLOCK, 1);
	pager_start(&pg, &pool);
	restore_end();
	file_end();
}

/* ---- waits ---------------------------------------------------------------- */

/* Who brings pages behind a guest's back is told that a file is slow, and may do something else. */
static void a_slow_file_is_told(void)
{
	struct tarn_partition_range r = {
		.size = sizeof(r), .flags = TARN_PAGE_IN_SPARE,
	};
	const u64 pages = 2 * BLOCK;
	u64 done, at;
	long ret = 0;
	int fd;

	file_begin(256);
	slow_device_make(path);
	fd = ASSERT_OK(open(SLOW_DEVICE, O_RDONLY | O_DIRECT));
	restore_begin("size=8M", NULL, pages);
	ASSERT_OK(__import(fd, 0, pages, 0, &done));
	close(fd);
	for (at = 0; at < pages; at += r.done) {
		r.start = at;
		r.count = pages - at;
		ret = __tarn_op(g.fd, TARN_PARTITION_PAGE_IN, &r);
		if (ret)
			break;
		ASSERT_GT(r.done, 0);
	}
	ASSERT_EQ(ret, -ETIME);
	ASSERT_GT(at, 0);
	guest_end(&g);
	WAIT_FOR(!pool_info(&pool).partitions);
	pager_stop(&pg);
	pool_umount(&pool);
	slow_device_drop();
	file_end();
}

/* Until there is no frame. */
static int write_all(void *arg)
{
	u64 i;

	for (i = 8; i < g.pages; i++)
		page_fill(page_of(&g, i), SEED, i, 2);
	return 0;
}

static int read_of(void *arg)
{
	int fd = *(int *)arg;
	u8 buf[8];

	return -SYS(pread(fd, buf, sizeof(buf), (off_t)(uintptr_t)g.map));
}

/*
 * Who reads the memory of another process keeps that locked. The file would be waited for,
 * but where no pager makes room there is no frame to read it into.
 */
static void a_frame_is_not_waited_for_in_vain(void)
{
	pid_t pid, reader;
	char name[64];
	int fd;

	file_begin(8);
	restore_begin("size=2M", NULL, 2 * BLOCK);
	pager_stop(&pg);
	import(0, 8);
	pid = spawn(write_all, NULL);
	WAIT_FOR(pool_info(&pool).faults_pending && proc_state(pid) == 'S');
	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	fd = ASSERT_OK(open(name, O_RDONLY | O_CLOEXEC));
	reader = spawn(read_of, &fd);
	ASSERT_EQ(reap(reader), EIO);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(reap(pid), 256 + SIGKILL);
	close(fd);
	pager_start(&pg, &pool);
	check(&g, 0, 8, 1);
	restore_end();
	file_end();
}

/* ---- many ----------------------------------------------------------------- */

/* Each of so many has as many files as it may have. */
static void each_partition_has_its_files(void)
{
	enum { GUESTS = 70, FILES = TARN_IMPORT_FILES };
	int fd[GUESTS], files[FILES];
	struct tarn_partition_import i = {
		.size = sizeof(i), .count = 1, .sums = (uintptr_t)sums,
	};
	u8 page[PAGE_SIZE] __attribute__((aligned(8)));
	char name[16];
	u32 n, j;

	file_begin(1);
	restore_begin("size=8M", NULL, 1);
	for (j = 0; j < FILES; j++)
		files[j] = ASSERT_OK(open(path, O_RDONLY));
	for (n = 0; n < GUESTS; n++) {
		snprintf(name, sizeof(name), "g%u", n);
		fd[n] = part_create(&pool, name, FILES);
		for (j = 0; j < FILES; j++) {
			i.fd = files[j];
			i.start = j;
			tarn_op(fd[n], TARN_PARTITION_IMPORT, &i);
			ASSERT_EQ(i.done, 1);
		}
		ASSERT_EQ(part_info(fd[n]).imported_pages, FILES);
	}
	for (j = 0; j < FILES; j++)
		close(files[j]);
	for (n = 0; n < GUESTS; n++) {
		ASSERT_EQ(pread(fd[n], page, PAGE_SIZE, n % FILES * PAGE_SIZE),
			  PAGE_SIZE);
		ASSERT_PAGE(page, SEED, 0, 1);
		snprintf(name, sizeof(name), "g%u", n);
		close(fd[n]);
		part_unlink(&pool, name);
	}
	restore_end();
	file_end();
}

/* ---- copies --------------------------------------------------------------- */

static u64 copy_of(struct guest *guest, u64 start, u64 source, u64 count)
{
	struct tarn_partition_copy c = {
		.size = sizeof(c), .start = start, .source = source, .count = count,
	};

	tarn_op(guest->fd, TARN_PARTITION_COPY, &c);
	return c.done;
}

/* Guests of one domain that were restored from the same share what each of them has twice. */
static void copies_share_with_other_guests(void)
{
	struct guest h;

	restore_begin("size=8M", "x", PAGES);
	guest_begin(&h, "b", "x", PAGES);
	fill(&g, 0, 8, 1);
	ASSERT_EQ(copy_of(&g, 16, 0, 8), 8);
	ASSERT_EQ(used_frames(), 8);
	/* What is shared others share at the first look at them. */
	fill(&h, 0, 8, 1);
	ASSERT_EQ(look(&h, 0, 4), 4);
	ASSERT_EQ(used_frames(), 12);
	/* Who copies finds it by himself. */
	ASSERT_EQ(copy_of(&h, 16, 4, 4), 4);
	ASSERT_EQ(used_frames(), 8);
	ASSERT_EQ(pool_info(&pool).shared_contents, 8);
	check(&h, 0, 8, 1);
	ASSERT_PAGE(page_of(&h, 18), SEED, 6, 1);
	guest_end(&h);
	restore_end();
}

static const struct tarn_test tests[] = {
	TEST(a_block_that_is_gathered_needs_no_file),
	TEST(a_block_is_fetched_without_a_pager),
	TEST(a_slow_file_is_told),
	TEST(a_frame_is_not_waited_for_in_vain),
	TEST(each_partition_has_its_files),
	TEST(copies_share_with_other_guests),
};

TESTS_MAIN(tests)
