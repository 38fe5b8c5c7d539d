// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that a file has (S14, linux/tarn_save.h) where other parts of the module have them in
 * hand: blocks that become one frame, files that are slow, faults that can't wait, and many
 * files at once. What a file is taken for, and when it is let go, is restore.c's.
 */
#define _GNU_SOURCE

#include "restore.h"

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

static const struct tarn_test tests[] = {
	TEST(a_block_that_is_gathered_needs_no_file),
};

TESTS_MAIN(tests)
