// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations that fail, on a kernel with fault injection: each call with its
 * first, second, ... allocation failing, until none is left to fail; then the
 * load with a part of all allocations failing. Errors are ENOMEM, nothing
 * leaks, no content is wrong.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "pager.h"

static struct pool pool;
static struct pager pg;
static int part;

static bool write_to(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return ok;
}

static void set_attr(const char *what, const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", what, name);
	/* the two know different attributes */
	write_to(path, value);
}

static void setup(void)
{
	static const char *const what[] = { "failslab", "fail_page_alloc" };
	size_t i;

	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	TEST_REQUIRE(!access("/sys/kernel/debug/failslab", F_OK) &&
		     !access("/proc/self/fail-nth", F_OK),
		     "this kernel injects no faults");
	for (i = 0; i < ARRAY_SIZE(what); i++) {
		set_attr(what[i], "task-filter", "Y");
		set_attr(what[i], "ignore-gfp-wait", "N");
		set_attr(what[i], "ignore-gfp-highmem", "N");
		set_attr(what[i], "min-order", "0");
		set_attr(what[i], "interval", "1");
		set_attr(what[i], "times", "-1");
		set_attr(what[i], "space", "0");
		set_attr(what[i], "verbose", "0");
		set_attr(what[i], "probability", "0");
	}
}

/* ---- one call, one failure ---------------------------------------------- */

static int fail_nth;

static void arm(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	ASSERT_EQ(SYS(pwrite(fail_nth, text, len, 0)), len);
}

/* True if the allocation that was to fail came. */
static bool disarm(void)
{
	char text[16] = "";

	ASSERT_GT(SYS(pread(fail_nth, text, sizeof(text) - 1, 0)), 0);
	arm(0);
	return atoi(text) == 0;
}

/* @op must end with 0 or -ENOMEM; @undo follows when it ended with 0. */
static void each_failure(const char *name, long (*op)(void), void (*undo)(void))
{
	int n = 0, failed = 0;
	bool came;
	long ret;

	do {
		arm(++n);
		ret = op();
		came = disarm();
		if (ret && (!came || ret != -ENOMEM))
			FAIL("%s, allocation %d: %ld", name, n, ret);
		failed += ret == -ENOMEM;
		if (!ret && undo)
			undo();
	} while (came && n < 2000);
	ASSERT_LT(n, 2000);
	diag("%s: %d allocations, %d of them fatal", name, n - 1, failed);
}

static char spare[64];

static long op_mount(void)
{
	return __pool_mount(spare, "size=2M");
}

static void undo_mount(void)
{
	ASSERT_OK(umount2(spare, 0));
}

static long op_create(void)
{
	int fd = SYS(openat(pool.fd, "f", O_RDWR | O_CREAT | O_EXCL, 0600));

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void undo_create(void)
{
	part_unlink(&pool, "f");
}

static long op_mkdir(void)
{
	return SYS(mkdirat(pool.fd, "d", 0700));
}

static void undo_mkdir(void)
{
	ASSERT_OK(unlinkat(pool.fd, "d", AT_REMOVEDIR));
}

static long op_write(void)
{
	u8 page[PAGE_SIZE];
	long ret;

	page_fill(page, 1, 0, 1);
	ret = SYS(pwrite(part, page, PAGE_SIZE, 5000 * PAGE_SIZE));
	return ret == PAGE_SIZE ? 0 : ret;
}

static void undo_write(void)
{
	ASSERT_OK(ftruncate(part, 0));
	ASSERT_OK(ftruncate(part, 10000 * PAGE_SIZE));
}

static long op_page_out(void)
{
	u64 done;

	return __part_page_out(part, 0, 8, &done);
}

static u64 version;

static void undo_page_out(void)
{
	u8 *map = part_map(part, 8);
	u64 i;

	for (i = 0; i < 8; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, version);
	version++;
	for (i = 0; i < 8; i++)
		page_fill(map + i * PAGE_SIZE, 9, i, version);
	munmap(map, 8 * PAGE_SIZE);
}

static void undo_page_in(void)
{
	undo_page_out();
	part_page_out(part, 0, 8);
}

static long op_page_in(void)
{
	u64 done;

	return __part_page_in(part, 0, 8, &done);
}

static long op_punch(void)
{
	return SYS(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     100 * PAGE_SIZE, PAGE_SIZE));
}

static long op_events(void)
{
	int fd = __tarn_op(pool.fd, TARN_POOL_EVENTS, NULL);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static long op_grow(void)
{
	return __pool_remount(&pool, "size=10M");
}

static void undo_grow(void)
{
	ASSERT_EQ(__pool_remount(&pool, "size=8M"), 0);
}

static long op_info(void)
{
	struct tarn_pool_info info = { .size = sizeof(info) };

	return __tarn_op(pool.fd, TARN_POOL_INFO, &info);
}

static void begin(void)
{
	char path[64];

	setup();
	pool_mount(&pool, "size=8M");
	part = part_create(&pool, "a", 10000);
	snprintf(path, sizeof(path), "/proc/self/task/%d/fail-nth", gettid());
	fail_nth = ASSERT_OK(open(path, O_RDWR | O_CLOEXEC));
}

static void end(void)
{
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

static void each_call(void)
{
	begin();
	strcpy(spare, "/tmp/tarn.XXXXXX");
	ASSERT(mkdtemp(spare));
	each_failure("mount", op_mount, undo_mount);
	each_failure("create", op_create, undo_create);
	each_failure("mkdir", op_mkdir, undo_mkdir);
	each_failure("write", op_write, undo_write);
	each_failure("punch", op_punch, NULL);
	each_failure("events", op_events, NULL);
	each_failure("grow", op_grow, undo_grow);
	each_failure("info", op_info, NULL);
	end();
}

static void page_out_and_in(void)
{
	u8 *map;
	int i;

	begin();
	pager_start(&pg, &pool);
	map = part_map(part, 8);
	version = 1;
	for (i = 0; i < 8; i++)
		page_fill(map + i * PAGE_SIZE, 9, i, 1);
	munmap(map, 8 * PAGE_SIZE);
	each_failure("page out", op_page_out, undo_page_out);
	ASSERT_EQ(part_page_out(part, 0, 8), 8);
	each_failure("page in", op_page_in, undo_page_in);
	pager_stop(&pg);
	end();
}

static struct pager_end pager_end;

static long op_attach(void)
{
	long ret = pager_end_attach(&pager_end, pool.fd, 2, 64);

	return ret ? ret : pager_end_map(&pager_end);
}

/* It may be attached though its mappings failed: a new one then. */
static void attach(void)
{
	int n = 0;
	bool came;
	long ret;

	begin();
	do {
		ASSERT_EQ(pager_end_open(&pager_end), 0);
		arm(++n);
		ret = op_attach();
		came = disarm();
		ASSERT(!ret || (came && ret == -ENOMEM));
		pager_end_close(&pager_end);
	} while (came && n < 2000);
	end();
}

/* ---- the load ----------------------------------------------------------- */

static void load_with(const char *what, const char *percent)
{
	struct load_config cfg = {
		.workers = 6,
		.parts = 3,
		.pages = 768,
		.ops = test_param("ops", 300),
		.what = LOAD_ALL & ~LOAD_RECREATE,
		.seed = test_param("seed", time(NULL)),
		.tolerant = true,
		.injected = true,
	};
	struct load l;

	setup();
	pool_mount(&pool, "size=4M");
	pager_start(&pg, &pool);
	set_attr(what, "probability", percent);
	load_begin(&l, &pool, &cfg);
	load_end(&l);
	set_attr(what, "probability", "0");
	ASSERT_EQ(pool_info(&pool).checksum_errors, 0);
	ASSERT_EQ(pool_info(&pool).load_errors, 0);
	ASSERT_EQ(pool_info(&pool).store_errors, 0);
	pool_assert_idle(&pool);
	pager_stop(&pg);
	pool_umount(&pool);
}

static void failslab_2_percent(void)
{
	load_with("failslab", "2");
}

static void failslab_20_percent(void)
{
	load_with("failslab", "20");
}

static void fail_page_alloc_2_percent(void)
{
	load_with("fail_page_alloc", "2");
}

static void fail_page_alloc_20_percent(void)
{
	load_with("fail_page_alloc", "20");
}

static const struct tarn_test tests[] = {
	TEST(each_call),
	TEST(page_out_and_in),
	TEST(attach),
	TEST(failslab_2_percent),
	TEST(failslab_20_percent),
	TEST(fail_page_alloc_2_percent),
	TEST(fail_page_alloc_20_percent),
};

TESTS_MAIN(tests)
