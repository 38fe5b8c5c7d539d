// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames on several NUMA nodes: where they are taken from, nodes that have none
 * or come later; and who waits for a frame while a pool changes its size.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node.h"
#include "pager.h"

#define MIB_PAGES (1048576 / PAGE_SIZE)

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;

static void begin(const char *options, u64 pages)
{
	pool_mount(&pool, options);
	part = part_create(&pool, "a", pages);
	map = part_map(part, pages);
}

static void end(u64 pages)
{
	munmap(map, pages * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

static void fill(u64 start, u64 count)
{
	u64 i;

	for (i = start; i < start + count; i++)
		page_fill(map + i * PAGE_SIZE, 5, i, 1);
}

/* Kernel threads that keep frames of a node free, of all pools. */
static unsigned int reclaimers(unsigned int nid)
{
	char name[32], path[300], comm[32] = "";
	DIR *dir = opendir("/proc");
	struct dirent *d;
	unsigned int n = 0;

	ASSERT(dir);
	snprintf(name, sizeof(name), "tarn_reclaim/%u", nid);
	while ((d = readdir(dir))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%s/comm", d->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%31s", comm) == 1 &&
		    !strncmp(comm, name, strlen(name)))
			n++;
		fclose(f);
	}
	closedir(dir);
	return n;
}

/* ---- nodes -------------------------------------------------------------- */

/* Nothing is kept free there, and nobody works at it. */
static void a_node_without_frames(void)
{
	struct tarn_pool_info info;

	nodes_need(2);
	begin("nodes=64M:0", 16);
	info = pool_info(&pool);
	ASSERT_EQ(info.frames, 64 * MIB_PAGES);
	ASSERT_EQ(info.low_frames, info.frames / 64);
	ASSERT_EQ(info.high_frames, info.frames / 32);
	ASSERT_GE(reclaimers(0), 1);
	ASSERT_EQ(reclaimers(1), 0);
	ASSERT_OK(__pool_remount(&pool, "nodes=32M:32M"));
	ASSERT_GE(reclaimers(1), 1);
	ASSERT_EQ(pool_info(&pool).low_frames, info.low_frames);
	ASSERT_OK(__pool_remount(&pool, "nodes=0:64M"));
	ASSERT_EQ(reclaimers(0), 0);
	ASSERT_GE(reclaimers(1), 1);
	/* A processor whose node has none takes them where they are. */
	node_run_on(0);
	fill(0, 16);
	ASSERT_EQ(node_value(&pool, 0, "free_frames"), 0);
	ASSERT_EQ(node_value(&pool, 1, "free_frames"), 64 * MIB_PAGES - 16);
	end(16);
}

static void frames_of_the_own_node_come_first(void)
{
	nodes_need(2);
	begin("nodes=8M:8M", 512);
	node_run_on(0);
	fill(0, 256);
	ASSERT_EQ(node_value(&pool, 0, "free_frames"), 8 * MIB_PAGES - 256);
	ASSERT_EQ(node_value(&pool, 1, "free_frames"), 8 * MIB_PAGES);
	node_run_on(1);
	fill(256, 256);
	ASSERT_EQ(node_value(&pool, 0, "free_frames"), 8 * MIB_PAGES - 256);
	ASSERT_EQ(node_value(&pool, 1, "free_frames"), 8 * MIB_PAGES - 256);
	end(512);
}

/* Nothing goes out for as long as another node has room. */
static void other_nodes_come_before_the_pager(void)
{
	const u64 pages = 24 * MIB_PAGES;
	struct tarn_pool_info info;

	nodes_need(2);
	begin("nodes=16M:16M", pages);
	pager_start(&pg, &pool);
	node_run_on(0);
	fill(0, pages);
	info = pool_info(&pool);
	ASSERT_EQ(info.resident_pages, pages);
	ASSERT_EQ(info.page_outs + info.clean_drops + info.zero_drops, 0);
	ASSERT_EQ(info.frame_waits, 0);
	/* The own node keeps what is below its low mark for when all are. */
	ASSERT_GE(node_value(&pool, 0, "free_frames"), 16 * MIB_PAGES / 64);
	ASSERT_LE(node_value(&pool, 0, "free_frames"), 16 * MIB_PAGES / 32);
	pager_stop(&pg);
	end(pages);
}

/* The first or the last block of memory that is offline; -1: there is none. */
static int offline_block(bool last)
{
	DIR *dir = opendir("/sys/devices/system/memory");
	struct dirent *d;
	int found = -1, n;

	TEST_REQUIRE(dir, "needs a kernel that can be given memory");
	while ((d = readdir(dir))) {
		char path[320], state[16] = "";
		FILE *f;

		if (sscanf(d->d_name, "memory%d", &n) != 1)
			continue;
		snprintf(path, sizeof(path),
			 "/sys/devices/system/memory/%s/state", d->d_name);
		f = fopen(path, "r");
		ASSERT(f);
		ASSERT_EQ(fscanf(f, "%15s", state), 1);
		fclose(f);
		if (!strcmp(state, "offline") &&
		    (found < 0 || (last ? n > found : n < found)))
			found = n;
	}
	closedir(dir);
	return found;
}

static void set_block(int block, const char *state)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/sys/devices/system/memory/memory%d/state",
		 block);
	fd = ASSERT_OK(open(path, O_WRONLY | O_CLOEXEC));
	ASSERT_EQ(SYS(write(fd, state, strlen(state))), strlen(state));
	close(fd);
}

/* It counts once it has memory that the kernel itself may use. */
static void a_node_that_gets_memory(void)
{
	int nid = 0, movable;

	while (node_exists(nid + 1))
		nid++;
	movable = offline_block(true);
	TEST_REQUIRE(movable >= 0 && movable != offline_block(false),
		     "needs a node without memory that two blocks can give it");
	begin("size=16M", 16);
	set_block(movable, "online_movable");
	ASSERT_OK(__pool_remount(&pool, "size=20M"));
	ASSERT_EQ(node_value(&pool, nid, "frames"), -1);
	ASSERT_ERR(__pool_remount(&pool, "nodes=16M:16M:16M"), EINVAL);
	set_block(offline_block(false), "online_kernel");
	ASSERT_OK(__pool_remount(&pool, "size=24M"));
	ASSERT_GE(node_value(&pool, nid, "frames"), 6 * MIB_PAGES);
	ASSERT_GE(reclaimers(nid), 1);
	fill(0, 16);
	end(16);
}

/* ---- waiting ------------------------------------------------------------ */

static int fill_all(void *arg)
{
	u64 count = (uintptr_t)arg;

	fill(0, count);
	return 0;
}

static void set_marks(u64 low, u64 high)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_WATERMARKS,
		.low_frames = low,
		.high_frames = high,
	};

	tarn_op(pool.fd, TARN_POOL_SET, &set);
}

/* Without a pager nothing but the new frames can help. */
static void growing_ends_waits(void)
{
	const u64 pages = 10 * MIB_PAGES;
	pid_t pid;

	begin("size=8M", pages);
	pid = spawn(fill_all, (void *)(uintptr_t)pages);
	WAIT_FOR(pool_info(&pool).frame_waits && proc_state(pid) == 'S');
	ASSERT_OK(__pool_remount(&pool, "size=12M"));
	ASSERT_EQ(reap(pid), 0);
	end(pages);
}

/* A shrink that fails gives back what it had kept from those who wait. */
static void a_failed_shrink_ends_waits(void)
{
	const u64 pages = 5 * MIB_PAGES;
	pid_t pid;

	begin("size=8M", 7 * MIB_PAGES);
	fill(0, pages);
	pid = spawn(fill_all, (void *)(uintptr_t)(7 * MIB_PAGES));
	ASSERT_ERR(__pool_remount(&pool, "size=4M"), EBUSY);
	ASSERT_EQ(reap(pid), 0);
	end(7 * MIB_PAGES);
}

/* While the pager is full, growth leaves what is below the low mark alone. */
static void lower_marks_end_waits(void)
{
	const u64 pages = 7 * MIB_PAGES;
	pid_t pid;

	begin("size=8M", pages);
	pager_init(&pg, &pool);
	pg.ctl->capacity = 0;
	pager_launch(&pg);
	/* before the marks: once it is full, what grows beyond them waits */
	fill(0, pages - MIB_PAGES / 2);
	ASSERT_EQ(part_page_out(part, 0, 1), 0);
	ASSERT(pool_info(&pool).flags & TARN_POOL_FULL);
	set_marks(2 * MIB_PAGES, 3 * MIB_PAGES);
	pid = spawn(fill_all, (void *)(uintptr_t)pages);
	WAIT_FOR(pool_info(&pool).frame_waits && proc_state(pid) == 'S');
	set_marks(16, 32);
	ASSERT_EQ(reap(pid), 0);
	pager_stop(&pg);
	end(pages);
}

static const struct tarn_test tests[] = {
	TEST(a_node_without_frames),
	TEST(frames_of_the_own_node_come_first),
	TEST(other_nodes_come_before_the_pager),
	TEST(a_node_that_gets_memory),
	TEST(growing_ends_waits),
	TEST(a_failed_shrink_ends_waits),
	TEST(lower_marks_end_waits),
};

TESTS_MAIN(tests)
