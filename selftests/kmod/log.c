// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an operator has to know is in the kernel's log, even if nobody listens for events:
 * once each time, at its level, with pool, partition and page, and with what to do. Many of
 * a kind are cut short, and hide none of another.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "klog.h"
#include "pager.h"

#define PAGES 16
#define BAD 5
/* Of the kernel's ratelimit.h: so many lines of a kind in five seconds. */
#define BURST 10
#define INTERVAL_MS 5100

/** struct line - a kind of line */
struct line {
	int level;
	bool about_a_page;
	const char *what, *todo;
};

/* Of errors only that one is named: not every kernel knows their names. */
static const struct line load_line = {
	LOG_ERR, true, "cannot be read (-",
	"). A guest that touches it gets SIGBUS; repair the paging device, the next touch tries",
};
static const struct line sum_line = {
	LOG_ERR, true, "what was read is not what was stored. A guest that touches it gets SIGBUS;",
	"replace the paging device",
};
static const struct line store_line = {
	LOG_ERR, true, "cannot be stored (-",
	"). It stays in memory; look after the paging devices",
};
static const struct line import_line = {
	LOG_ERR, true, "the file that it was restored from cannot be read, or has changed (-",
	"). A guest that touches it gets SIGBUS; end the guest and start it anew from its disks",
};
static const struct line memory_line = {
	LOG_ERR, true, "has a memory error and is not used any more. A guest that touches the page",
	"replace the memory",
};
static const struct line free_memory_line = {
	LOG_ERR, false, "which held nothing, has a memory error and is not used any more.",
	"Replace the memory",
};
static const struct line gone_line = {
	LOG_WARNING, false, "its pager is gone. A guest that touches a paged page waits;",
	"start it again",
};
static const struct line serves_line = { LOG_INFO, false, "a pager serves", "" };
static const struct line full_line = {
	LOG_WARNING, false, "paging space is full. Guests that touch new pages wait;",
	"add a paging device, or end a guest",
};
static const struct line room_line = { LOG_INFO, false, "there is paging space again", "" };
static const struct line degraded_line = {
	LOG_WARNING, false, "its pager lost a paging device.",
	"Look at 'tarnctl pager show', and replace it",
};
static const struct line whole_line = { LOG_INFO, false, "its paging devices are whole again", "" };

/** struct watch - who looks for a line */
struct watch {
	const struct line *line;
	int fd;
};

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;
/* What lines begin with. */
static char of_pool[80], of_page[120];

static bool is(const struct klog_record *r, const struct line *line)
{
	return !strncmp(r->text, "tarn: pool ", 11) && strstr(r->text, line->what);
}

/* A test has it said a few times. Those before may have left too few. */
static struct watch watch(const struct line *line)
{
	struct watch w = { line, klog_open() };
	struct klog_record r;
	u32 before = 0;

	klog_rewind(w.fd);
	while (klog_next(w.fd, &r))
		before += is(&r, line);
	if (before > BURST / 2)
		msleep(INTERVAL_MS * test_slow());
	return w;
}

/* How often it was said since this was called the last time. */
static u32 said(struct watch *w)
{
	const char *begin = w->line->about_a_page ? of_page : of_pool;
	struct klog_record r;
	u32 n = 0;

	while (klog_next(w->fd, &r)) {
		if (!is(&r, w->line))
			continue;
		if (r.level != w->line->level || !strstr(r.text, w->line->todo) ||
		    strncmp(r.text, begin, strlen(begin)))
			FAIL("%d: %s", r.level, r.text);
		n++;
	}
	return n;
}

static void name_lines(void)
{
	struct tarn_pool_info info = pool_info(&pool);
	int i, n = sprintf(of_pool, "tarn: pool ");

	for (i = 0; i < TARN_UUID_SIZE; i++)
		n += sprintf(of_pool + n, "%s%02x",
			     i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			     info.uuid[i]);
	sprintf(of_page, "%s, partition %u, page %u: ", of_pool, part_info(part).id,
		BAD);
	strcpy(of_pool + n, ": ");
}

static void begin(void)
{
	pool_mount(&pool, "size=4M");
	pool_readahead(&pool, 0);
	pager_init(&pg, &pool);
	pg.ctl->match_index = BAD;
	part = part_create(&pool, "a", PAGES);
	map = part_map_filled(part, PAGES);
	name_lines();
}

static void end(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	WAIT_FOR(!pool_info(&pool).partitions);
	pager_stop(&pg);
	pool_umount(&pool);
}

static void begin_paged(void)
{
	begin();
	pager_launch(&pg);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
}

static void fail_to_load(void)
{
	pg.ctl->load_error = EIO;
	ASSERT_EQ(try_read(map + BAD * PAGE_SIZE, NULL), SIGBUS);
	pg.ctl->load_error = 0;
}

static void fail_to_match(void)
{
	pg.ctl->corrupt = PAGER_CORRUPT_EILSEQ;
	ASSERT_EQ(try_read(map + BAD * PAGE_SIZE, NULL), SIGBUS);
	pg.ctl->corrupt = PAGER_CORRUPT_NONE;
}

static void a_pager_comes_and_goes(void)
{
	struct watch gone = watch(&gone_line), serves = watch(&serves_line);
	int i;

	begin();
	for (i = 0; i < 2; i++) {
		pager_launch(&pg);
		ASSERT_EQ(said(&serves), 1);
		ASSERT_EQ(said(&gone), 0);
		pager_lose(&pg, &pool);
		ASSERT_EQ(said(&serves), 0);
		ASSERT_EQ(said(&gone), 1);
	}
	end();
}

/* Each time that somebody wants the page; not when it is well again. */
static void a_page_cannot_be_read(void)
{
	struct watch w = watch(&load_line);

	begin_paged();
	fail_to_load();
	ASSERT_EQ(said(&w), 1);
	fail_to_load();
	ASSERT_EQ(said(&w), 1);
	ASSERT_PAGE(map + BAD * PAGE_SIZE, 9, BAD, 1);
	ASSERT_EQ(said(&w), 0);
	end();
}

static void a_page_is_not_what_was_stored(void)
{
	struct watch w = watch(&sum_line);

	begin_paged();
	/* There is a good copy. */
	pg.ctl->corrupt = PAGER_CORRUPT_FIRST;
	ASSERT_PAGE(map + BAD * PAGE_SIZE, 9, BAD, 1);
	ASSERT_EQ(said(&w), 0);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	fail_to_match();
	ASSERT_EQ(said(&w), 1);
	end();
}

static void a_page_cannot_be_stored(void)
{
	struct watch w = watch(&store_line);

	begin();
	pager_launch(&pg);
	pg.ctl->store_error = EIO;
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES - 1);
	ASSERT_EQ(said(&w), 1);
	pg.ctl->store_error = 0;
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(said(&w), 0);
	end();
}

/* The checksums are those of other pages. */
static int import_something_else(void)
{
	char path[] = "/tmp/tarn.log.XXXXXX";
	u32 sums[PAGES] = {};
	struct tarn_partition_import i = {
		.size = sizeof(i), .count = PAGES, .sums = (uintptr_t)sums,
	};

	close(ASSERT_OK(mkstemp(path)));
	ASSERT_OK(truncate(path, PAGES * PAGE_SIZE));
	i.fd = ASSERT_OK(open(path, O_RDONLY | O_CLOEXEC));
	unlink(path);
	ASSERT_OK(ftruncate(part, 0));
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	tarn_op(part, TARN_PARTITION_IMPORT, &i);
	ASSERT_EQ(i.done, PAGES);
	return i.fd;
}

static void a_file_has_changed(void)
{
	struct watch w = watch(&import_line);
	int file;

	begin();
	file = import_something_else();
	ASSERT_EQ(try_read(map + BAD * PAGE_SIZE, NULL), SIGBUS);
	ASSERT_EQ(said(&w), 1);
	end();
	close(file);
}

/* At a touch, and when the page is given up. */
static void memory_is_bad(void)
{
	struct watch w = watch(&memory_line), nobodys = watch(&free_memory_line);

	begin();
	TEST_REQUIRE(SYS(madvise(map + BAD * PAGE_SIZE, PAGE_SIZE,
				 MADV_HWPOISON)) != -EINVAL,
		     "the kernel has no MADV_HWPOISON");
	munmap(map, PAGES * PAGE_SIZE);
	map = part_map(part, PAGES);
	ASSERT_EQ(try_read(map + BAD * PAGE_SIZE, NULL), SIGBUS);
	ASSERT_EQ(said(&w), 1);
	ASSERT_EQ(try_read(map + BAD * PAGE_SIZE, NULL), SIGBUS);
	ASSERT_EQ(said(&w) + said(&nobodys), 0);
	madvise(map, PAGE_SIZE, MADV_HWPOISON);
	end();
	ASSERT_EQ(said(&w), 0);
	ASSERT_EQ(said(&nobodys), 1);
}

/* Until there is room again, however that comes. */
static void paging_space_is_full(void)
{
	struct watch full = watch(&full_line), room = watch(&room_line);
	int i;

	begin();
	pager_launch(&pg);
	for (i = 0; i < 2; i++) {
		pager_status(&pg, TARN_PAGER_IS_FULL);
		pager_status(&pg, TARN_PAGER_IS_FULL);
		ASSERT_EQ(said(&full), 1);
		ASSERT_EQ(said(&room), 0);
		pager_status(&pg, 0);
		pager_status(&pg, 0);
		ASSERT_EQ(said(&full), 0);
		ASSERT_EQ(said(&room), 1);
	}
	pg.ctl->capacity = 0;
	ASSERT_EQ(part_page_out(part, 0, PAGES), 0);
	ASSERT_EQ(said(&full), 1);
	pager_lose(&pg, &pool);
	ASSERT_EQ(said(&room), 0);
	pager_launch(&pg);
	ASSERT_EQ(said(&room), 1);
	ASSERT_EQ(said(&full), 0);
	end();
}

static void a_mirror_is_degraded(void)
{
	struct watch degraded = watch(&degraded_line), whole = watch(&whole_line);
	int i;

	begin();
	pager_launch(&pg);
	for (i = 0; i < 2; i++) {
		pager_status(&pg, TARN_PAGER_IS_DEGRADED);
		pager_status(&pg, TARN_PAGER_IS_DEGRADED);
		ASSERT_EQ(said(&degraded), 1);
		ASSERT_EQ(said(&whole), 0);
		pager_status(&pg, 0);
		ASSERT_EQ(said(&degraded), 0);
		ASSERT_EQ(said(&whole), 1);
	}
	end();
}

static bool fails_unsaid(struct watch *w)
{
	fail_to_load();
	return !said(w);
}

/* Fail until an interval begins, and count those that are left out before. */
static void begin_interval(struct watch *w, u32 *left_out)
{
	u32 i;

	for (i = 0; !fails_unsaid(w); i++)
		ASSERT_LT(i, 10 * BURST);
	++*left_out;
	/* It is measured by a clock that may be late, so nothing but this tells its end. */
	for (; fails_unsaid(w); ++*left_out)
		msleep(20);
}

/* How many the kernel says it left out, since it was asked last. */
static u32 told_of(int log)
{
	struct klog_record r;
	u32 n, sum = 0;

	while (klog_next(log, &r))
		if (sscanf(r.text, "tarn_log_page: %u callbacks suppressed", &n) == 1)
			sum += n;
	return sum;
}

static void many_are_cut_short(void)
{
	struct watch sum = watch(&sum_line), w = watch(&load_line);
	u32 i, n, left_out = 0, told = 0;
	int log = klog_open();
	time_t begun;

	begin_paged();
	begin_interval(&w, &left_out);
	/* What was left out before is told of by now. */
	told_of(log);
	left_out = 0;
	do {
		begin_interval(&w, &left_out);
		/*
		 * In whichever intervals they were. On a slow machine a page may be asked for
		 * once more than it is touched.
		 */
		told += told_of(log);
		ASSERT_GE(told, left_out);
		ASSERT_LE(told, 2 * left_out);
		begun = time(NULL);
		for (i = n = 0; i < BURST + 2; i++)
			n += !fails_unsaid(&w);
		left_out += i - n;
	} while (time(NULL) - begun >= 4);
	ASSERT_LE(n, BURST - 1);
	ASSERT_GE(n, BURST / 2);
	/* They hide no other kind. */
	fail_to_match();
	ASSERT_EQ(said(&sum), 1);
	end();
}

static const struct tarn_test tests[] = {
	TEST(a_pager_comes_and_goes),
	TEST(a_page_cannot_be_read),
	TEST(a_page_is_not_what_was_stored),
	TEST(a_page_cannot_be_stored),
	TEST(a_file_has_changed),
	TEST(memory_is_bad),
	TEST(paging_space_is_full),
	TEST(a_mirror_is_degraded),
	TEST(many_are_cut_short),
};

TESTS_MAIN(tests)
