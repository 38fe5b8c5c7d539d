// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_PAGER_GRANT: the module reads a granted block device by itself, and asks
 * the pager where that fails. The device is a loop device on a file.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "pager.h"
#include "slow.h"
#include "uapi.h"

#define PAGES 64

static struct pool pool;
static struct pager pg;
static int part, null, device;
static u8 *map;
static char loop[64], file[] = "/tmp/tarn.loop.XXXXXX";

static void make_device(void)
{
	struct tarn_features f = { .size = sizeof(f) };
	char cmd[256];
	FILE *p;
	int fd;

	pool_mount(&pool, "size=8M");
	tarn_op(pool.fd, TARN_GET_FEATURES, &f);
	TEST_REQUIRE(f.features & TARN_FEATURE_GRANT, "no grants");
	fd = ASSERT_OK(mkstemp(file));
	ASSERT_OK(ftruncate(fd, 64 << 20));
	close(fd);
	snprintf(cmd, sizeof(cmd),
		 "modprobe -q loop; losetup --find --show %s 2>/dev/null", file);
	p = popen(cmd, "r");
	TEST_REQUIRE(p && fgets(loop, sizeof(loop), p), "no loop devices");
	pclose(p);
	loop[strcspn(loop, "\n")] = 0;
	device = ASSERT_OK(open(loop, O_RDWR | O_CLOEXEC));
}

static void drop_device(void)
{
	char cmd[256];

	close(device);
	snprintf(cmd, sizeof(cmd), "losetup -d %s", loop);
	ASSERT_EQ(system(cmd), 0);
	ASSERT_OK(unlink(file));
	pool_umount(&pool);
}

static void begin_on(const char *path)
{
	pager_init(&pg, &pool);
	strcpy(pg.ctl->file, path);
	pg.ctl->grant = 1;
	pager_launch(&pg);
	part = part_create(&pool, "a", PAGES);
	map = part_map_filled(part, PAGES);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
}

static void begin(void)
{
	make_device();
	begin_on(loop);
}

static void end(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	drop_device();
}

static void check(void)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 1);
}

/* The pager, which would be asked for it, does not answer. */
static void a_block(void)
{
	const u64 pages = TARN_WIDE_PAGES;
	u64 i;
	u8 *b;
	int fd;

	begin();
	ASSERT_OK(__pool_remount(&pool, "huge=always"));
	fd = part_create(&pool, "b", pages);
	b = part_map(fd, pages);
	for (i = 0; i < pages; i++)
		page_fill(b + i * PAGE_SIZE, 11, i, 1);
	ASSERT_EQ(part_info(fd).block_pages, pages);
	ASSERT_EQ(part_page_out(fd, 0, pages), pages);
	ASSERT_EQ(pg.ctl->wide_stores, 1);
	pg.ctl->hold = 1U << TARN_OP_LOAD;
	ASSERT_PAGE(b + 77 * PAGE_SIZE, 11, 77, 1);
	ASSERT_EQ(part_info(fd).block_pages, pages);
	for (i = 0; i < pages; i++)
		ASSERT_PAGE(b + i * PAGE_SIZE, 11, i, 1);
	ASSERT_EQ(pg.ctl->loads, 0);
	pg.ctl->hold = 0;
	munmap(b, pages * PAGE_SIZE);
	close(fd);
	part_unlink(&pool, "b");
	end();
}

static int open_attached(void)
{
	struct pager_end e;

	ASSERT_EQ(pager_end_open(&e), 0);
	ASSERT_EQ(pager_end_attach(&e, pool.fd, 1, 16), 0);
	return e.fd;
}

static void close_dev(int fd)
{
	close(fd);
}

static void fill_grant(void *arg)
{
	((struct tarn_pager_grant *)arg)->fd = device;
}

static void form(void)
{
	struct uapi_call call = {
		.name = "PAGER_GRANT",
		.cmd = TARN_PAGER_GRANT,
		.size = sizeof(struct tarn_pager_grant),
		.open = open_attached,
		.close = close_dev,
		.fill = fill_grant,
	};

	make_device();
	null = ASSERT_OK(open("/dev/null", O_RDWR | O_CLOEXEC));
	const int wrong[] = { pool.fd, null };

	uapi_check(&call, wrong, ARRAY_SIZE(wrong));
	call.admin = true;
	uapi_check_admin(&call);
	close(null);
	drop_device();
}

static void values(void)
{
	static const struct {
		u32 device;
		u64 offset;
		int fd, ret;
	} list[] = {
		/* fd -3 stands for the device, -4 for a file of the pool */
		{ 0, 0, -3, 0 },
		{ TARN_GRANT_MAX_DEVICES - 1, 4096, -3, 0 },
		{ 0, 1ULL << 40, -3, 0 },
		{ TARN_GRANT_MAX_DEVICES, 0, -3, -EINVAL },
		{ ~0U, 0, -3, -EINVAL },   { 0, 1, -3, -EINVAL },
		{ 0, 512, -3, -EINVAL },   { 0, 0, -2, -EINVAL },
		{ 0, 0, 9999, -EBADF },	   { 0, 0, -4, -EOPNOTSUPP },
		{ 7, 0, -1, 0 },	   { 0, 0, -1, 0 },
	};
	struct tarn_pager_grant g;
	struct pager_end e;
	size_t i;

	make_device();
	ASSERT_EQ(pager_end_open(&e), 0);
	g = (struct tarn_pager_grant){ .size = sizeof(g), .fd = device };
	ASSERT_EQ(__tarn_op(e.fd, TARN_PAGER_GRANT, &g), -ENOTCONN);
	ASSERT_EQ(pager_end_attach(&e, pool.fd, 1, 16), 0);
	for (i = 0; i < ARRAY_SIZE(list); i++) {
		g = (struct tarn_pager_grant){
			.size = sizeof(g),
			.device = list[i].device,
			.offset = list[i].offset,
			.fd = list[i].fd == -3 ? device :
			      list[i].fd == -4 ? pool.fd : list[i].fd,
		};
		ASSERT_EQ(__tarn_op(e.fd, TARN_PAGER_GRANT, &g), list[i].ret);
	}
	pager_end_close(&e);
	drop_device();
}

static void reads_go_around_the_pager(void)
{
	u64 i;

	begin();
	check();
	ASSERT_EQ(pg.ctl->loads, 0);
	ASSERT_EQ(part_info(part).page_ins, PAGES);
	/* clean, as if the pager had read them */
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(pg.ctl->stores, PAGES);
	ASSERT_EQ(part_page_in(part, 0, PAGES), PAGES);
	ASSERT_EQ(pg.ctl->loads, 0);
	for (i = 0; i < PAGES; i++)
		page_fill(map + i * PAGE_SIZE, 9, i, 1);
	part_page_out(part, 0, PAGES);
	check();
	end();
}

/* Exchange one stored page with what is in @page. */
static void swap_stored(u8 *page)
{
	int fd = ASSERT_OK(open(loop, O_RDWR | O_DIRECT | O_CLOEXEC));
	off_t at = 11 * PAGE_SIZE;
	u8 *buf = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u8 old[PAGE_SIZE];

	ASSERT(buf != MAP_FAILED);
	ASSERT_EQ(SYS(pread(fd, buf, PAGE_SIZE, at)), PAGE_SIZE);
	memcpy(old, buf, PAGE_SIZE);
	memcpy(buf, page, PAGE_SIZE);
	ASSERT_EQ(SYS(pwrite(fd, buf, PAGE_SIZE, at)), PAGE_SIZE);
	memcpy(page, old, PAGE_SIZE);
	munmap(buf, PAGE_SIZE);
	close(fd);
}

/* One page is wrong on the device, and the pager can't help at first. */
static void what_fails_is_asked_of_the_pager(void)
{
	u8 page[PAGE_SIZE];
	u64 i, bad = 0;

	begin();
	memset(page, 0x5a, sizeof(page));
	swap_stored(page);
	pg.ctl->load_error = EIO;
	for (i = 0; i < PAGES; i++)
		bad += try_read(map + i * PAGE_SIZE, NULL) == SIGBUS;
	ASSERT_EQ(bad, 1);
	ASSERT_GE(pg.ctl->loads, 1);
	pg.ctl->load_error = 0;
	swap_stored(page);
	check();
	end();
}

static void grants_end_with_the_pager(void)
{
	begin();
	pager_kill(&pg);
	pg.ctl->grant = 0;
	pager_launch(&pg);
	check();
	ASSERT_EQ(pg.ctl->loads, PAGES);
	end();
}

static void begin_slow(void)
{
	begin();
	pool_readahead(&pool, 0);
	pager_kill(&pg);
	slow_device_make(loop);
	strcpy(pg.ctl->file, SLOW_DEVICE);
	pager_launch(&pg);
}

static int touch(void *arg)
{
	return page_version(map + (uintptr_t)arg * PAGE_SIZE, 9, (uintptr_t)arg);
}

/* A thread that reads a page, and gets no farther. */
static pid_t hang(u64 index)
{
	pid_t pid = spawn(touch, (void *)(uintptr_t)index);

	WAIT_FOR(part_state(part, index) & TARN_PAGE_IN_FLIGHT);
	WAIT_FOR(proc_state(pid) == 'S' || proc_state(pid) == 'D');
	return pid;
}

static void detach_by_force(void)
{
	struct tarn_pool_detach d = { .size = sizeof(d) };

	tarn_op(pool.fd, TARN_POOL_DETACH, &d);
	reap(pg.pid);
	pg.pid = 0;
}

static void punch(u64 index)
{
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    index * PAGE_SIZE, PAGE_SIZE));
}

/*
 * The next pager does without the device that hangs, and serves what was asked of it,
 * too. What is read at last is nobody's: neither frame nor copy are what they were.
 */
static void another_pager_starts_while_a_device_hangs(void)
{
	pid_t reader[2];
	u64 i;

	begin_slow();
	reader[0] = hang(7);
	reader[1] = hang(8);
	detach_by_force();
	/* What is being read keeps its frame. */
	WAIT_FOR(pool_info(&pool).limbo_frames == 2);
	ASSERT_OK(kill(reader[1], SIGKILL));
	reap(reader[1]);
	punch(8);
	strcpy(pg.ctl->file, loop);
	pager_launch(&pg);
	ASSERT_EQ(pg.ctl->listed, PAGES - 1);
	ASSERT_EQ(reap(reader[0]), 1);
	page_fill(map + 8 * PAGE_SIZE, 9, 8, 1);
	check();
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	for (i = 0; i < PAGES; i++)
		page_fill(map + i * PAGE_SIZE, 9, i, 1);
	WAIT_FOR(!pool_info(&pool).limbo_frames);
	check();
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	check();
	slow_device_drop();
	end();
}

/* The mount can go, too: what is read then holds nothing but its page. */
static void a_mount_ends_while_a_device_hangs(void)
{
	pid_t reader;

	begin_slow();
	reader = hang(7);
	detach_by_force();
	ASSERT_OK(kill(reader, SIGKILL));
	reap(reader);
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pager_stop(&pg);
	pool_umount(&pool);
	slow_device_drop();
	pool_mount(&pool, "size=8M");
	drop_device();
}

/* Who asks for a page when the device takes no more can be killed, as others can. */
static void a_device_takes_no_more(void)
{
	pid_t reader[5];
	u64 i;

	begin_slow();
	for (i = 0; i < ARRAY_SIZE(reader); i++)
		reader[i] = hang(i);
	ASSERT_OK(kill(reader[4], SIGKILL));
	reap(reader[4]);
	ASSERT(part_state(part, 0) & TARN_PAGE_IN_FLIGHT);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(reap(reader[i]), 1);
	pager_kill(&pg);
	strcpy(pg.ctl->file, loop);
	pager_launch(&pg);
	check();
	slow_device_drop();
	end();
}

static const struct tarn_test tests[] = {
	TEST(form),
	TEST(values),
	TEST(reads_go_around_the_pager),
	TEST(a_block),
	TEST(what_fails_is_asked_of_the_pager),
	TEST(grants_end_with_the_pager),
	TEST(a_device_takes_no_more),
	TEST(another_pager_starts_while_a_device_hangs),
	TEST(a_mount_ends_while_a_device_hangs),
};

TESTS_MAIN(tests)
