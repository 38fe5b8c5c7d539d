// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a restored partition is made of (S14, linux/tarn_save.h): pages of one word, pages that
 * share, pages that a file has. None of it takes a frame before it is touched, and content is
 * right wherever it goes from there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "restore.h"
#include "slow.h"

/* ---- words ---------------------------------------------------------------- */

static void words_need_no_frame(void)
{
	u64 done, i;

	restore_begin("size=8M", NULL, PAGES);
	ASSERT_OK(__fill_words(0, PAGES + 5, WORD, &done));
	ASSERT_EQ(done, PAGES);
	ASSERT_EQ(in_state(0, PAGES, TARN_PAGE_PATTERN), PAGES);
	ASSERT_EQ(part_info(g.fd).pattern_pages, PAGES);
	ASSERT_EQ(part_info(g.fd).resident_pages, 0);
	for (i = 0; i < PAGES * PAGE_SIZE / 8; i++)
		ASSERT_EQ(((u64 *)g.map)[i], WORD);
	page_fill(page_of(&g, 3), SEED, 3, 1);
	check(&g, 3, 1, 1);
	ASSERT_EQ(part_info(g.fd).pattern_pages, PAGES - 1);
	restore_end();
}

static void only_what_is_empty(void)
{
	struct tarn_partition_register area = {
		.size = sizeof(area), .type = TARN_AREA_DMA,
		.offset = 20 * PAGE_SIZE, .bytes = PAGE_SIZE,
	};
	u64 done;

	restore_begin("size=8M", NULL, PAGES);
	page_fill(page_of(&g, 3), SEED, 3, 1);
	ASSERT_OK(__fill_words(0, 8, WORD, &done));
	ASSERT_EQ(done, 3);
	ASSERT_ERR(__fill_words(3, 1, WORD, &done), EEXIST);
	check(&g, 3, 1, 1);
	/* Read as zeroes, by a mapping that has to go. */
	ASSERT(page_is_zero(page_of(&g, 5)));
	ASSERT_OK(__fill_words(5, 1, WORD, &done));
	ASSERT_EQ(*(u64 *)page_of(&g, 5), WORD);
	/* What has to have a frame gets none taken away. */
	tarn_op(g.fd, TARN_PARTITION_REGISTER, &area);
	ASSERT_OK(fallocate(g.fd, 0, 30 * PAGE_SIZE, PAGE_SIZE));
	ASSERT(__fill_words(20, 1, WORD, &done) < 0);
	ASSERT(__fill_words(30, 1, WORD, &done) < 0);
	ASSERT(page_is_zero(page_of(&g, 20)));
	ASSERT(page_is_zero(page_of(&g, 30)));
	ASSERT_ERR(__fill_words(40, 1, 0, &done), EINVAL);
	ASSERT_OK(__fill_words(PAGES, 1, WORD, &done));
	ASSERT_EQ(done, 0);
	ASSERT_OK(__fill_words(UINT64_MAX, 1, WORD, &done));
	ASSERT_EQ(done, 0);
	restore_end();
}

/* ---- copies --------------------------------------------------------------- */

static void copies_share(void)
{
	u64 done;

	restore_begin("size=8M", "x", PAGES);
	fill(&g, 0, 8, 1);
	part_page_out(g.fd, 4, 4);
	ASSERT_OK(__copy(16, 0, 8, &done));
	ASSERT_EQ(done, 8);
	ASSERT_EQ(shared(&g), 16);
	ASSERT_EQ(used_frames(), 8);
	/* Once more of what is shared by now. */
	ASSERT_OK(__copy(32, 16, 8, &done));
	ASSERT_EQ(done, 8);
	ASSERT_EQ(shared(&g), 24);
	for (u64 i = 0; i < 8; i++) {
		ASSERT_PAGE(page_of(&g, 16 + i), SEED, i, 1);
		ASSERT_PAGE(page_of(&g, 32 + i), SEED, i, 1);
	}
	/* A write is the writer's alone. */
	page_fill(page_of(&g, 17), SEED, 17, 2);
	check(&g, 1, 1, 1);
	ASSERT_PAGE(page_of(&g, 33), SEED, 1, 1);
	check(&g, 17, 1, 2);
	restore_end();
}

static void copies_that_cannot_be(void)
{
	u64 done;

	restore_begin("size=8M", NULL, PAGES);
	fill(&g, 0, 4, 1);
	ASSERT_ERR(__copy(16, 0, 4, &done), ENOENT);
	set_domain(g.fd, "x");
	ASSERT_ERR(__copy(16, 8, 1, &done), EINVAL);
	ASSERT_OK(__fill_words(8, 1, WORD, &done));
	ASSERT_ERR(__copy(16, 8, 1, &done), EINVAL);
	ASSERT_ERR(__copy(9, 9, 1, &done), EINVAL);
	ASSERT_ERR(__copy(16, PAGES, 1, &done), EINVAL);
	ASSERT_ERR(__copy(1, 0, 1, &done), EEXIST);
	/* From the first one on that can't be nothing is. */
	ASSERT_OK(__copy(16, 2, 8, &done));
	ASSERT_EQ(done, 2);
	check(&g, 0, 4, 1);
	ASSERT_PAGE(page_of(&g, 17), SEED, 3, 1);
	/* The end of the file. */
	ASSERT_OK(__copy(PAGES - 1, 2, 2, &done));
	ASSERT_EQ(done, 1);
	restore_end();
}

/* More than may share one: the rest is to be written. */
static void copies_have_an_end(void)
{
	u64 done, i, all = 0;

	restore_begin("size=8M", "x", 512);
	fill(&g, 0, 1, 1);
	for (i = 1; i < 512; i++) {
		if (__copy(i, 0, 1, &done))
			break;
		all += done;
	}
	ASSERT_EQ(all, 255);
	ASSERT_ERR(__copy(i, 0, 1, &done), EBUSY);
	ASSERT_EQ(in_state(i, 1, TARN_PAGE_EMPTY), 1);
	ASSERT_EQ(used_frames(), 1);
	restore_end();
}

static void what_shares_is_told(void)
{
	u64 ids[PAGES], done, left, i;
	struct tarn_partition_shared s = {
		.size = sizeof(s), .count = PAGES, .ids = (uintptr_t)ids,
	};

	restore_begin("size=8M", "x", PAGES);
	fill(&g, 0, 8, 1);
	tarn_op(g.fd, TARN_PARTITION_SHARED, &s);
	ASSERT_EQ(s.count, PAGES);
	for (i = 0; i < PAGES; i++)
		ASSERT_EQ(ids[i], 0);
	left = s.left;
	ASSERT_OK(__copy(16, 0, 8, &done));
	tarn_op(g.fd, TARN_PARTITION_SHARED, &s);
	for (i = 0; i < 8; i++) {
		ASSERT_GT(ids[i], 0);
		ASSERT_EQ(ids[i], ids[16 + i]);
		if (i)
			ASSERT(ids[i] != ids[i - 1]);
	}
	ASSERT_EQ(s.left, left);
	page_fill(page_of(&g, 17), SEED, 17, 2);
	s.count = 0;
	tarn_op(g.fd, TARN_PARTITION_SHARED, &s);
	ASSERT_GT(s.left, left);
	s.start = PAGES - 2;
	s.count = 8;
	tarn_op(g.fd, TARN_PARTITION_SHARED, &s);
	ASSERT_EQ(s.count, 2);
	restore_end();
}

/* ---- files ---------------------------------------------------------------- */

static void a_file_is_read_when_touched(void)
{
	u64 i;

	file_begin(PAGES);
	restore_begin("size=8M", NULL, PAGES);
	import(0, PAGES);
	ASSERT_EQ(in_state(0, PAGES, TARN_PAGE_PAGED), PAGES);
	ASSERT_EQ(imported(), PAGES);
	ASSERT_EQ(used_frames(), 0);
	check(&g, 0, PAGES, 1);
	ASSERT_EQ(pg.ctl->loads, 0);
	ASSERT_EQ(imported(), PAGES);
	/* It was not written to: it goes without I/O, and comes again. */
	ASSERT_EQ(part_page_out(g.fd, 0, PAGES), PAGES);
	ASSERT_EQ(pg.ctl->stores, 0);
	check(&g, 0, PAGES, 1);
	/* What was has no copy in the file any more. */
	fill(&g, 0, 16, 2);
	ASSERT_EQ(part_page_out(g.fd, 0, PAGES), PAGES);
	ASSERT_EQ(pg.ctl->stores, 16);
	ASSERT_EQ(pg.ctl->restores, 0);
	ASSERT_EQ(imported(), PAGES - 16);
	check(&g, 0, 16, 2);
	check(&g, 16, PAGES - 16, 1);
	/* By read(2), by a look, and through a hole. */
	ASSERT_EQ(part_page_out(g.fd, 0, PAGES), PAGES);
	ASSERT_OK(fallocate(g.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    32 * PAGE_SIZE, 8 * PAGE_SIZE));
	ASSERT_EQ(imported(), PAGES - 24);
	for (i = 40; i < 48; i++) {
		u8 page[PAGE_SIZE] __attribute__((aligned(8)));

		ASSERT_EQ(pread(g.fd, page, PAGE_SIZE, i * PAGE_SIZE), PAGE_SIZE);
		ASSERT_PAGE(page, SEED, i, 1);
	}
	restore_end();
	file_end();
}

/* Its name goes, its descriptor goes; it stays as long as there is a page. */
static void nobody_else_needs_the_file(void)
{
	file_begin(PAGES);
	restore_begin("size=8M", NULL, PAGES);
	import(0, PAGES);
	file_end();
	check(&g, 0, PAGES, 1);
	fill(&g, 0, PAGES, 2);
	ASSERT_EQ(part_page_out(g.fd, 0, PAGES), PAGES);
	ASSERT_EQ(imported(), 0);
	check(&g, 0, PAGES, 2);
	restore_end();
}

/* ... and with it its filesystem, until the last page is gone. */
static void its_filesystem_is_busy(void)
{
	char dir[] = "/tmp/tarn.fs.XXXXXX", name[64];
	u64 done;

	ASSERT(mkdtemp(dir));
	ASSERT_OK(mount("none", dir, "tmpfs", 0, "size=8M"));
	snprintf(name, sizeof(name), "%s/saved", dir);
	file = ASSERT_OK(open(name, O_RDWR | O_CREAT, 0600));
	write_file(file, 0, PAGES);
	close(file);
	file = ASSERT_OK(open(name, O_RDONLY));
	restore_begin("size=8M", NULL, PAGES);
	ASSERT_OK(__import(file, 0, PAGES, 0, &done));
	close(file);
	ASSERT_ERR(SYS(umount(dir)), EBUSY);
	check(&g, 0, 8, 1);
	ASSERT_OK(ftruncate(g.fd, 0));
	ASSERT_EQ(imported(), 0);
	WAIT_FOR(!umount(dir));
	rmdir(dir);
	restore_end();
}

static void without_a_pager(void)
{
	file_begin(PAGES);
	restore_begin("size=8M", NULL, PAGES);
	pager_stop(&pg);
	import(0, PAGES);
	check(&g, 0, PAGES, 1);
	pager_start(&pg, &pool);
	/* No pager is told of what a file has. */
	ASSERT_EQ(pg.ctl->listed, 0);
	check(&g, 0, PAGES, 1);
	restore_end();
	file_end();
}

/* Who may only read it can't keep others from writing. */
static int try_as_another(void *arg)
{
	u64 done;

	setfsuid(65534);
	drop_caps();
	return __import(file, 0, 1, 0, &done) == -EPERM ? 0 : 1;
}

/* It is needed as it is. Who could write to it already is a reason not to take it. */
static void nobody_can_change_it(void)
{
	u64 done;
	int fd;

	file_begin(PAGES);
	restore_begin("size=8M", NULL, PAGES);
	fd = ASSERT_OK(open(path, O_RDWR));
	ASSERT_ERR(__import(file, 0, 1, 0, &done), ETXTBSY);
	ASSERT_ERR(__import(fd, 0, 1, 0, &done), ETXTBSY);
	close(fd);
	ASSERT_EQ(reap(spawn(try_as_another, NULL)), 0);
	import(0, PAGES);
	ASSERT_ERR(SYS(open(path, O_WRONLY)), ETXTBSY);
	ASSERT_ERR(SYS(open(path, O_WRONLY | O_TRUNC)), ETXTBSY);
	ASSERT_ERR(SYS(truncate(path, 0)), ETXTBSY);
	ASSERT_OK(ftruncate(g.fd, 0));
	/* By a worker, which may come a moment later. */
	WAIT_FOR((fd = open(path, O_WRONLY | O_TRUNC)) >= 0);
	close(fd);
	restore_end();
	file_end();
}

/* No paging device is to blame. */
static void what_is_wrong_is_found_out(void)
{
	u64 done;
	u8 value;

	file_begin(PAGES - 4);
	restore_begin("size=8M", NULL, PAGES);
	sums[7] ^= 1;
	ASSERT_OK(__import(file, 0, PAGES, 0, &done));
	ASSERT_EQ(done, PAGES);
	ASSERT_EQ(try_read(page_of(&g, 7), &value), SIGBUS);
	ASSERT_EQ(try_read(page_of(&g, PAGES - 4), &value), SIGBUS);
	check(&g, 0, 7, 1);
	check(&g, 8, PAGES - 12, 1);
	/* Nor does a guess that failed tell of it. */
	ASSERT_EQ(pool_info(&pool).checksum_errors + pool_info(&pool).load_errors, 0);
	ASSERT_GE(pool_info(&pool).import_errors, 2);
	ASSERT_EQ(part_info(g.fd).errors, pool_info(&pool).import_errors);
	ASSERT_EQ(pg.ctl->loads, 0);
	restore_end();
	file_end();
}

/* What has been written to, or is to be kept without it, needs no file any more. */
static void it_is_let_go(void)
{
	struct tarn_partition_range r = {
		.size = sizeof(r), .flags = TARN_PAGE_IN_SPARE | TARN_PAGE_IN_OWN,
		.count = PAGES,
	};

	file_begin(PAGES);
	restore_begin("size=8M", NULL, PAGES);
	import(0, PAGES);
	fill(&g, 0, 8, 2);
	ASSERT_EQ(imported(), PAGES - 8);
	tarn_op(g.fd, TARN_PARTITION_PAGE_IN, &r);
	ASSERT_EQ(r.done, PAGES);
	WAIT_FOR(part_info(g.fd).resident_pages == PAGES);
	WAIT_FOR(!__tarn_op(g.fd, TARN_PARTITION_PAGE_IN, &r) && !imported());
	file_end();
	ASSERT_EQ(part_page_out(g.fd, 0, PAGES), PAGES);
	ASSERT_EQ(pg.ctl->stores, PAGES);
	check(&g, 0, 8, 2);
	check(&g, 8, PAGES - 8, 1);
	r.flags = TARN_PAGE_IN_OWN;
	ASSERT_ERR(__tarn_op(g.fd, TARN_PARTITION_PAGE_IN, &r), EINVAL);
	restore_end();
}

static void bad_calls_change_nothing(void)
{
	struct tarn_partition_import i = {
		.size = sizeof(i), .sums = (uintptr_t)sums, .count = 1,
	};
	int fds[TARN_IMPORT_FILES + 1], other, pipes[2];
	u64 done, n;

	file_begin(PAGES);
	restore_begin("size=8M", NULL, PAGES);
	i.fd = -1;
	ASSERT_ERR(__tarn_op(g.fd, TARN_PARTITION_IMPORT, &i), EBADF);
	i.fd = file;
	i.offset = TARN_IMPORT_PAGES * PAGE_SIZE;
	ASSERT_ERR(__tarn_op(g.fd, TARN_PARTITION_IMPORT, &i), EFBIG);
	i.offset = 0;
	i.sums = 8;
	ASSERT_ERR(__tarn_op(g.fd, TARN_PARTITION_IMPORT, &i), EFAULT);
	i.reserved = 1;
	ASSERT_ERR(__tarn_op(g.fd, TARN_PARTITION_IMPORT, &i), EINVAL);
	ASSERT_ERR(__import(g.fd, 0, 1, 0, &done), EOPNOTSUPP);
	other = ASSERT_OK(memfd_create("saved", 0));
	ASSERT_ERR(__import(other, 0, 1, 0, &done), EOPNOTSUPP);
	close(other);
	ASSERT_OK(pipe(pipes));
	ASSERT_ERR(__import(pipes[0], 0, 1, 0, &done), EOPNOTSUPP);
	/* Of the call that failed somebody else lets it go. */
	WAIT_FOR((other = open(path, O_WRONLY)) >= 0);
	ASSERT_ERR(__import(other, 0, 1, 0, &done), EBADF);
	close(other);
	/* What lies past the end of the partition is not looked at. */
	i.reserved = 0;
	i.start = PAGES;
	i.count = UINT64_MAX;
	tarn_op(g.fd, TARN_PARTITION_IMPORT, &i);
	ASSERT_EQ(i.done, 0);
	other = part_open(&pool, "a", O_RDONLY);
	i = (struct tarn_partition_import) {
		.size = sizeof(i), .sums = (uintptr_t)sums, .count = 1, .fd = file,
	};
	ASSERT_ERR(__tarn_op(other, TARN_PARTITION_IMPORT, &i), EPERM);
	close(other);
	ASSERT_EQ(imported(), 0);
	ASSERT_EQ(in_state(0, PAGES, TARN_PAGE_EMPTY), PAGES);
	/* So many files, and no more. */
	for (n = 0; n <= TARN_IMPORT_FILES; n++) {
		long ret;

		fds[n] = ASSERT_OK(open(path, O_RDONLY));
		ret = __import(fds[n], n, 1, n, &done);
		ASSERT_EQ(ret, n < TARN_IMPORT_FILES ? 0 : -EMFILE);
	}
	ASSERT_ERR(__import(fds[0], 0, 1, 0, &done), EEXIST);
	for (n = 0; n <= TARN_IMPORT_FILES; n++)
		close(fds[n]);
	ASSERT_OK(ftruncate(g.fd, 0));
	ASSERT_OK(ftruncate(g.fd, PAGES * PAGE_SIZE));
	import(0, PAGES);
	restore_end();
	close(pipes[0]);
	close(pipes[1]);
	file_end();
}

/*
 * Behind a header of any length, however the file is opened; and the file's pages as they lie
 * can be had from the same open, as another one of so many.
 */
static void behind_a_header(void)
{
	struct tarn_partition_import i = {
		.size = sizeof(i), .count = PAGES, .sums = (uintptr_t)sums,
	};
	struct tarn_partition_range r = {
		.size = sizeof(r), .flags = TARN_PAGE_IN_SPARE, .count = PAGES + 2,
	};
	u32 whole[2];
	u8 page[PAGE_SIZE] __attribute__((aligned(4096)));
	u64 done, n, j;

	for (n = 0; n < 2; n++) {
		file_begin_at(SHIFT, PAGES);
		/* Before 6.6 tmpfs takes no such file. */
		if (n && fcntl(file, F_SETFL, O_DIRECT)) {
			ASSERT_EQ(errno, EINVAL);
			file_end();
			break;
		}
		restore_begin("size=8M", NULL, PAGES + 2);
		i.fd = file;
		i.offset = SHIFT;
		tarn_op(g.fd, TARN_PARTITION_IMPORT, &i);
		ASSERT_EQ(i.done, PAGES);
		ASSERT_EQ(imported(), PAGES);
		for (j = 0; j < 2; j++) {
			ASSERT_EQ(pread(file, page, PAGE_SIZE, j * PAGE_SIZE), PAGE_SIZE);
			whole[j] = tarn_page_sum(page);
		}
		i.offset = 0;
		i.sums = (uintptr_t)whole;
		i.start = PAGES;
		tarn_op(g.fd, TARN_PARTITION_IMPORT, &i);
		ASSERT_EQ(i.done, 2);
		i.start = 0;
		i.sums = (uintptr_t)sums;
		/* One by one, and as they follow each other. */
		check(&g, 0, 8, 1);
		done = part_info(g.fd).page_ins;
		ASSERT_GT(done, 0);
		tarn_op(g.fd, TARN_PARTITION_PAGE_IN, &r);
		check(&g, 0, PAGES, 1);
		ASSERT_EQ(memcmp(page_of(&g, PAGES + 1), page, PAGE_SIZE), 0);
		restore_end();
		file_end();
	}
}

/* Only with frames that nobody needs. */
static void spare_frames_bring_it(void)
{
	struct tarn_partition_range r = {
		.size = sizeof(r), .flags = TARN_PAGE_IN_SPARE, .count = 1024,
	};

	file_begin(1024);
	restore_begin("size=2M", NULL, 1024);
	import(0, 1024);
	tarn_op(g.fd, TARN_PARTITION_PAGE_IN, &r);
	ASSERT_GT(r.done, 100);
	ASSERT_LT(r.done, 512);
	WAIT_FOR(part_info(g.fd).resident_pages == r.done);
	ASSERT_EQ(pool_info(&pool).page_outs + pool_info(&pool).clean_drops, 0);
	check(&g, 0, 1024, 1);
	restore_end();
	file_end();
}

/* A source that a file has is read for its copies. */
static void copies_of_what_a_file_has(void)
{
	u64 done;

	file_begin(PAGES);
	restore_begin("size=8M", "x", PAGES);
	import(0, 16);
	ASSERT_OK(__copy(16, 0, 16, &done));
	ASSERT_EQ(done, 16);
	ASSERT_EQ(shared(&g), 32);
	ASSERT_EQ(imported(), 0);
	ASSERT_EQ(used_frames(), 16);
	ASSERT_PAGE(page_of(&g, 20), SEED, 4, 1);
	restore_end();
	file_end();
}

/* ---- reads that hang ------------------------------------------------------ */

static int touch(void *arg)
{
	u8 value;

	return try_read(page_of(&g, 3), &value);
}

/* Whoever waits can be killed, and the mount ends, before the device answers. */
static void a_read_that_hangs_keeps_nobody(void)
{
	u64 done;
	pid_t pid;
	int fd;

	file_begin(PAGES);
	slow_device_make(path);
	fd = ASSERT_OK(open(SLOW_DEVICE, O_RDONLY | O_DIRECT));
	restore_begin("size=8M", NULL, PAGES);
	ASSERT_OK(__import(fd, 0, PAGES, 0, &done));
	close(fd);
	pid = spawn(touch, NULL);
	WAIT_FOR(part_state(g.fd, 3) & TARN_PAGE_IN_FLIGHT);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(reap(pid), 256 + SIGKILL);
	guest_end(&g);
	WAIT_FOR(!pool_info(&pool).partitions);
	pager_stop(&pg);
	pool_umount(&pool);
	slow_device_drop();
	file_end();
}

/* ---- all at once ---------------------------------------------------------- */

#define RACE 512
/* So much of it is always there. */
#define STAYS 256

static volatile u32 *stop;

/* Import, fill and copy whatever is empty just now. */
static int restore_always(void *arg)
{
	u64 done, i;

	while (!*stop) {
		for (i = 0; i < RACE; i += 8) {
			__import(file, i, 4, i, &done);
			__fill_words(i + 4, 2, WORD, &done);
			__copy(i + 6, i, 2, &done);
		}
	}
	return 0;
}

/* What is read is what it was restored to, or nothing. */
static int read_always(void *arg)
{
	u64 i;

	while (!*stop) {
		for (i = 0; i < STAYS; i++) {
			const u8 *page = page_of(&g, i);
			u64 from = i % 8 < 6 ? i : i - 6;

			if (i % 8 == 4 || i % 8 == 5) {
				u64 word = *(volatile u64 *)page;

				ASSERT(!word || word == WORD);
			} else if (!page_is_zero(page)) {
				s64 v = page_version(page, SEED, from);

				/* It may have gone or come while it was compared. */
				ASSERT(v == 0 || v == 1 || v == -EILSEQ);
			}
		}
	}
	return 0;
}

static int page_out_always(void *arg)
{
	u64 done;

	while (!*stop)
		__part_page_out(g.fd, 0, RACE, &done);
	return 0;
}

static void all_at_once(void)
{
	pid_t pid[5];
	unsigned int i;

	file_begin(RACE);
	restore_begin("size=1M", "x", RACE);
	/* Pages are cut away under I/O. */
	pg.ctl->truncates = 1;
	stop = shared_alloc(sizeof(*stop));
	pid[0] = spawn(restore_always, NULL);
	pid[1] = spawn(restore_always, NULL);
	pid[2] = spawn(read_always, NULL);
	pid[3] = spawn(page_out_always, NULL);
	for (i = 0; i < 60; i++) {
		ASSERT_OK(fallocate(g.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    i % 4 * 128 * PAGE_SIZE, 128 * PAGE_SIZE));
		if (i % 10 == 9) {
			ASSERT_OK(ftruncate(g.fd, STAYS * PAGE_SIZE));
			ASSERT_OK(ftruncate(g.fd, RACE * PAGE_SIZE));
		}
		usleep(20000);
	}
	*stop = 1;
	for (i = 0; i < 4; i++)
		ASSERT_EQ(reap(pid[i]), 0);
	ASSERT_OK(ftruncate(g.fd, 0));
	ASSERT_EQ(imported(), 0);
	ASSERT_EQ(part_info(g.fd).shared_pages + part_info(g.fd).pattern_pages +
		  part_info(g.fd).paged_pages, 0);
	ASSERT_OK(ftruncate(g.fd, RACE * PAGE_SIZE));
	import(0, RACE);
	check(&g, 0, RACE, 1);
	restore_end();
	file_end();
}

#define BLOCK 512ULL

/* Through a mapping of its own, which has no page table yet: so a block comes as a whole. */
static int use_block(void *arg)
{
	u8 *map = part_map(g.fd, BLOCK);
	u64 i;

	for (i = 0; i < BLOCK; i++) {
		volatile u64 *page = (u64 *)(map + i * PAGE_SIZE);

		if (i % 8 == 7)
			*page = WORD;
		else
			(void)*page;
	}
	return 0;
}

/* A block that comes from a file by one read, of which pages are cut away meanwhile. */
static void blocks_are_cut_while_they_come(void)
{
	unsigned int i, j;
	pid_t pid[2];
	u64 done;

	file_begin(BLOCK);
	restore_begin("size=8M,huge=always", NULL, BLOCK);
	pg.ctl->truncates = 1;
	fill(&g, 0, BLOCK, 1);
	/* One that went out as a whole comes so. */
	ASSERT_EQ(part_page_out(g.fd, 0, BLOCK), BLOCK);
	for (i = 0; i < 40; i++) {
		ASSERT_OK(fallocate(g.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    0, BLOCK * PAGE_SIZE));
		WAIT_FOR(!imported());
		ASSERT_OK(__import(file, 0, BLOCK, 0, &done));
		ASSERT_EQ(done, BLOCK);
		for (j = 0; j < 2; j++)
			pid[j] = spawn(use_block, NULL);
		for (j = 0; j < i % 8; j++)
			ASSERT_OK(fallocate(g.fd, FALLOC_FL_PUNCH_HOLE |
						  FALLOC_FL_KEEP_SIZE,
					    (i * 37 + j * 61) % BLOCK * PAGE_SIZE,
					    PAGE_SIZE));
		for (j = 0; j < 2; j++)
			ASSERT_EQ(reap(pid[j]), 0);
	}
	/* It did so, and was parted then. */
	ASSERT_GT(part_info(g.fd).block_fills, 1);
	ASSERT_OK(ftruncate(g.fd, 0));
	WAIT_FOR(!imported());
	restore_end();
	file_end();
}

static const struct tarn_test tests[] = {
	TEST(words_need_no_frame),
	TEST(only_what_is_empty),
	TEST(copies_share),
	TEST(copies_that_cannot_be),
	TEST(copies_have_an_end),
	TEST(what_shares_is_told),
	TEST(a_file_is_read_when_touched),
	TEST(nobody_else_needs_the_file),
	TEST(its_filesystem_is_busy),
	TEST(without_a_pager),
	TEST(nobody_can_change_it),
	TEST(what_is_wrong_is_found_out),
	TEST(it_is_let_go),
	TEST(bad_calls_change_nothing),
	TEST(behind_a_header),
	TEST(spare_frames_bring_it),
	TEST(copies_of_what_a_file_has),
	TEST(a_read_that_hangs_keeps_nobody),
	TEST(all_at_once),
	TEST(blocks_are_cut_while_they_come),
};

TESTS_MAIN(tests)
