// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_PARTITION_DONATE: what a locked page answers, what a child is, and how each of the two
 * ends.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "donate.h"

#define PAGES 64ULL
#define START 16ULL
#define COUNT 8ULL
#define SECRET 77

static struct pool pool;
static int part;
static u8 *map;

static u8 *page_of(u64 index)
{
	return map + index * PAGE_SIZE;
}

static void begin(const char *options)
{
	pool_mount(&pool, options);
	part = part_create(&pool, "a", PAGES);
	map = part_map_filled(part, PAGES);
}

static void end(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	ASSERT_EQ(pool_info(&pool).pinned_pages, 0);
	pool_umount(&pool);
}

/* The others are as they were. */
static void check_rest(const struct donation *d)
{
	u64 i;

	for (i = 0; i < PAGES; i++)
		if (i < d->start || i >= d->start + d->count)
			ASSERT_PAGE(page_of(i), 9, i, 1);
}

static u8 *map_child(const struct donation *d)
{
	return part_map(d->fd, d->count);
}

static void fill_child(u8 *child, u64 count)
{
	u64 i;

	for (i = 0; i < count; i++)
		page_fill(child + i * PAGE_SIZE, SECRET, i, 3);
}

static void check_child(u8 *child, u64 count)
{
	u64 i;

	for (i = 0; i < count; i++)
		ASSERT_PAGE(child + i * PAGE_SIZE, SECRET, i, 3);
}

/* What was donated reads as zeroes, however it is read. */
static void check_returned(const struct donation *d)
{
	u8 page[PAGE_SIZE];
	u64 i;

	ASSERT(all_empty(part, d));
	for (i = d->start; i < d->start + d->count; i++) {
		ASSERT(page_is_zero(page_of(i)));
		ASSERT_EQ(SYS(pread(part, page, PAGE_SIZE, i * PAGE_SIZE)), PAGE_SIZE);
		ASSERT(page_is_zero(page));
	}
	ASSERT_EQ(part_info(part).locked_pages, 0);
}

/* ---- what is locked ------------------------------------------------------ */

static void mappings_give_sigbus(void)
{
	struct donation d;
	u8 *other, value;
	u64 i;

	begin("size=4M,paging=none");
	d = donate(part, START, COUNT);
	other = part_map_prot(part, PAGES, PROT_READ);
	ASSERT(all_locked(part, &d));
	for (i = START; i < START + COUNT; i++) {
		ASSERT_EQ(try_read(page_of(i), &value), SIGBUS);
		ASSERT_EQ(try_write(page_of(i), 1), SIGBUS);
		ASSERT_EQ(try_read(other + i * PAGE_SIZE, &value), SIGBUS);
	}
	check_rest(&d);
	ASSERT_EQ(part_info(part).locked_pages, COUNT);
	ASSERT_EQ(part_info(part).lent_pages, COUNT);
	ASSERT_EQ(part_info(d.fd).donor, part_info(part).id);
	ASSERT_EQ(part_info(d.fd).id, d.key);
	ASSERT_EQ(part_info(part).donor, 0);
	munmap(other, PAGES * PAGE_SIZE);
	close(d.fd);
	check_returned(&d);
	end();
}

/* Zeroes of a page that was only read are mapped, too. */
static void mapped_zeroes_go(void)
{
	struct donation d;
	u8 value;

	begin("size=4M,paging=none");
	ASSERT_OK(__punch(part, START, COUNT));
	ASSERT_EQ(try_read(page_of(START), &value), 0);
	d = donate(part, START, COUNT);
	ASSERT_EQ(try_read(page_of(START), &value), SIGBUS);
	ASSERT_EQ(try_write(page_of(START), 1), SIGBUS);
	close(d.fd);
	end();
}

static void calls_are_refused(void)
{
	u8 buf[2 * PAGE_SIZE] = {}, states[2];
	struct tarn_partition_read read = {
		.size = sizeof(read), .start = START - 1, .count = 2,
		.data = (uintptr_t)buf, .states = (uintptr_t)states,
	};
	struct tarn_partition_fill fill = {
		.size = sizeof(fill), .start = START, .count = 1, .word = 1,
	};
	struct donation d;
	u32 type;

	begin("size=4M");
	d = donate(part, START, COUNT);
	ASSERT_ERR(pread(part, buf, 1, START * PAGE_SIZE), EACCES);
	ASSERT_ERR(pwrite(part, buf, 1, (START + COUNT) * PAGE_SIZE - 1), EACCES);
	/* as far as it goes */
	ASSERT_EQ(SYS(pread(part, buf, sizeof(buf), (START - 1) * PAGE_SIZE)), PAGE_SIZE);
	ASSERT_PAGE(buf, 9, START - 1, 1);
	ASSERT_EQ(SYS(pwrite(part, buf, sizeof(buf), (START - 1) * PAGE_SIZE)), PAGE_SIZE);
	tarn_op(part, TARN_PARTITION_READ, &read);
	ASSERT_EQ(read.count, 1);
	read.start = START;
	read.count = 2;
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_READ, &read), -EACCES);
	ASSERT_EQ(__punch(part, START + COUNT - 1, 3), -EBUSY);
	ASSERT_EQ(__punch(part, 0, PAGES), -EBUSY);
	ASSERT_ERR(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     START * PAGE_SIZE + 1, 1), EBUSY);
	ASSERT_ERR(madvise(page_of(START), PAGE_SIZE, MADV_REMOVE), EBUSY);
	ASSERT_ERR(fallocate(part, 0, START * PAGE_SIZE, PAGE_SIZE), EACCES);
	ASSERT_ERR(fallocate(part, 0, 0, PAGES * PAGE_SIZE), EACCES);
	for (type = TARN_AREA_CPU; type < TARN_AREA_TYPES; type++)
		ASSERT_EQ(__register_area(part, type, START - 1, 2), -EACCES);
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_FILL, &fill), -EACCES);
	ASSERT(all_locked(part, &d));
	ASSERT_EQ(part_info(part).pinned_pages, 0);
	check_rest(&d);
	close(d.fd);
	end();
}

/* Calls on a range that has locked pages in it leave them out, and do their work. */
static void calls_pass_over(void)
{
	struct tarn_partition_balloon b = {
		.size = sizeof(b), .op = TARN_BALLOON_INFLATE, .start = START - 2,
		.count = COUNT + 4,
	};
	struct tarn_partition_heat heat = { .size = sizeof(heat), .count = PAGES };
	u8 heats[PAGES];
	struct donation d;
	struct pager pg;
	u64 done;

	begin("size=4M");
	pager_start(&pg, &pool);
	d = donate(part, START, COUNT);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	ASSERT_EQ(in_state(part, 0, PAGES, TARN_PAGE_PAGED), PAGES - COUNT);
	ASSERT_EQ(part_page_in(part, 0, PAGES), PAGES - COUNT);
	ASSERT_OK(__part_find_patterns(part, 0, PAGES, &done));
	ASSERT_EQ(done, 0);
	heat.heat = (uintptr_t)heats;
	tarn_op(part, TARN_PARTITION_HEAT, &heat);
	ASSERT_EQ(heats[START], TARN_ACTIVITY_NONE);
	ASSERT(all_locked(part, &d));
	check_rest(&d);
	tarn_op(part, TARN_PARTITION_BALLOON, &b);
	ASSERT_EQ(b.done, 4);
	b.op = TARN_BALLOON_DEFLATE;
	tarn_op(part, TARN_PARTITION_BALLOON, &b);
	b.op = TARN_BALLOON_RESET;
	b.start = 0;
	b.count = 0;
	tarn_op(part, TARN_PARTITION_BALLOON, &b);
	ASSERT(all_locked(part, &d));
	ASSERT_EQ(part_info(part).locked_pages, COUNT);
	close(d.fd);
	check_returned(&d);
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

/* Whatever was there: frames, copies, one word, zeroes that are mapped, a balloon. */
static void content_goes(void)
{
	struct tarn_partition_balloon b = {
		.size = sizeof(b), .op = TARN_BALLOON_INFLATE, .start = START + 5, .count = 1,
	};
	struct donation d;
	struct pager pg;
	u64 done;

	begin("size=4M");
	pager_start(&pg, &pool);
	ASSERT_EQ(part_page_out(part, START, 3), 3);
	ASSERT_EQ(part_page_in(part, START, 1), 1);
	memset(page_of(START + 3), 0x5a, PAGE_SIZE);
	memset(page_of(START + 4), 0, PAGE_SIZE);
	ASSERT_OK(__part_find_patterns(part, START + 3, 2, &done));
	ASSERT_EQ(done, 2);
	tarn_op(part, TARN_PARTITION_BALLOON, &b);
	ASSERT_OK(fallocate(part, 0, (START + 6) * PAGE_SIZE, PAGE_SIZE));
	d = donate(part, START, COUNT);
	ASSERT(all_locked(part, &d));
	ASSERT_EQ(part_info(part).pattern_pages, 0);
	ASSERT_EQ(part_info(part).balloon_pages, 0);
	ASSERT_EQ(part_info(part).paged_pages, 0);
	ASSERT_EQ(part_info(part).resident_pages, PAGES - COUNT);
	WAIT_FOR(!pg.ctl->used);
	check_rest(&d);
	close(d.fd);
	check_returned(&d);
	pager_stop(&pg);
	end();
}

/* ---- what is refused ----------------------------------------------------- */

static void bad_ranges(void)
{
	static const struct { u64 start, count; } bad[] = {
		{ 0, 0 }, { PAGES, 1 }, { PAGES - 1, 2 }, { 0, PAGES + 1 },
		{ ~0ULL, 1 }, { 1, ~0ULL }, { 0, TARN_DONATE_PAGES + 1 },
		{ 1ULL << 52, 1 }, { PAGES + 1, ~0ULL - PAGES },
	};
	struct donation d, e;
	size_t i;
	int ro;

	begin("size=4M,paging=none");
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ASSERT_EQ(__donate(part, bad[i].start, bad[i].count, &d), -EINVAL);
	/* of the last page a part is no page */
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE - 1));
	ASSERT_EQ(__donate(part, PAGES - 1, 1, &d), -EINVAL);
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	page_fill(page_of(PAGES - 1), 9, PAGES - 1, 1);
	ro = part_open(&pool, "a", O_RDONLY);
	ASSERT_EQ(__donate(ro, START, COUNT, &d), -EPERM);
	close(ro);
	d = (struct donation){};
	check_rest(&d);

	d = donate(part, START, COUNT);
	ASSERT_EQ(__donate(part, START, COUNT, &e), -EBUSY);
	ASSERT_EQ(__donate(part, START + COUNT - 1, 2, &e), -EBUSY);
	ASSERT_EQ(__donate(part, START - 1, 2, &e), -EBUSY);
	ASSERT_EQ(__donate(d.fd, 0, 1, &e), -EPERM);
	ASSERT(all_locked(part, &d));
	check_rest(&d);
	e = donate(part, START + COUNT, 1);
	ASSERT_NE(e.key, d.key);
	close(d.fd);
	ASSERT(all_empty(part, &d));
	ASSERT(all_locked(part, &e));
	close(e.fd);
	end();
}

static void children_have_a_limit(void)
{
	struct donation d[64], more;
	u32 i;

	begin("size=4M,paging=none");
	ASSERT_OK(ftruncate(part, 80 * PAGE_SIZE));
	for (i = 0; i < ARRAY_SIZE(d); i++)
		d[i] = donate(part, i, 1);
	ASSERT_EQ(__donate(part, 70, 1, &more), -ENOSPC);
	close(d[7].fd);
	more = donate(part, 70, 1);
	for (i = 0; i < ARRAY_SIZE(d); i++)
		if (i != 7)
			close(d[i].fd);
	close(more.fd);
	ASSERT_EQ(part_info(part).locked_pages, 0);
	ASSERT_EQ(part_info(part).lent_pages, 0);
	end();
}

static int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	ASSERT(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Where user space can't be told of the child there is none. */
static void descriptors_do_not_leak(void)
{
	struct tarn_partition_donate *call = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
						  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rlimit limit, none;
	struct donation d = { .start = START, .count = COUNT };
	int before;

	begin("size=4M,paging=none");
	ASSERT(call != MAP_FAILED);
	*call = (struct tarn_partition_donate){
		.size = sizeof(*call), .start = START, .count = COUNT, .fd = -1,
	};
	ASSERT_OK(mprotect(call, PAGE_SIZE, PROT_READ));
	before = open_files();
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_DONATE, call), -EFAULT);
	ASSERT_EQ(open_files(), before);
	ASSERT_EQ(pool_info(&pool).partitions, 1);
	check_returned(&d);
	check_rest(&d);

	/* without one to be had nothing is lost */
	page_fill(page_of(START), 9, START, 1);
	ASSERT_OK(getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = 0;
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &none));
	ASSERT_EQ(__donate(part, START, COUNT, &d), -EMFILE);
	ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
	ASSERT_PAGE(page_of(START), 9, START, 1);
	ASSERT_EQ(pool_info(&pool).partitions, 1);
	munmap(call, PAGE_SIZE);
	end();
}

/* ---- the child ----------------------------------------------------------- */

static void a_child_stays_what_it_is(void)
{
	struct tarn_partition_set set = {
		.size = sizeof(set), .flags = TARN_PARTITION_SET_WEIGHT, .weight = 1,
	};
	struct tarn_partition_info info;
	struct donation d;
	u8 byte, *child;
	struct stat st;
	u64 i, done;

	begin("size=4M");
	d = donate(part, START, COUNT);
	child = map_child(&d);
	for (i = 0; i < COUNT; i++)
		ASSERT(page_is_zero(child + i * PAGE_SIZE));
	fill_child(child, COUNT);
	ASSERT_EQ(SYS(fcntl(d.fd, F_GETFD)), FD_CLOEXEC);
	ASSERT_OK(fstat(d.fd, &st));
	ASSERT_EQ(st.st_size, COUNT * PAGE_SIZE);
	ASSERT_EQ(st.st_mode, S_IFREG | 0600);
	ASSERT_EQ(st.st_nlink, 0);
	ASSERT_ERR(ftruncate(d.fd, 0), EPERM);
	ASSERT_ERR(ftruncate(d.fd, 2 * COUNT * PAGE_SIZE), EPERM);
	ASSERT_EQ(__punch(d.fd, 0, 1), -EPERM);
	ASSERT_ERR(fallocate(d.fd, 0, 0, PAGE_SIZE), EPERM);
	ASSERT_ERR(madvise(child, PAGE_SIZE, MADV_REMOVE), EPERM);
	ASSERT_ERR(read(d.fd, &byte, 1), EINVAL);
	ASSERT_ERR(write(d.fd, &byte, 1), EINVAL);
	ASSERT_EQ(__tarn_op(d.fd, TARN_PARTITION_SET, &set), -EPERM);
	ASSERT_EQ(__register_area(d.fd, TARN_AREA_DMA, 0, 1), -EPERM);
	ASSERT_EQ(__part_page_out(d.fd, 0, COUNT, &done), -EPERM);
	ASSERT(mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE, d.fd, 0) == MAP_FAILED);
	ASSERT_EQ(errno, EINVAL);
	ASSERT(mremap(child, COUNT * PAGE_SIZE, 2 * COUNT * PAGE_SIZE, MREMAP_MAYMOVE) ==
	       MAP_FAILED);
	ASSERT_EQ(part_count(d.fd, 0, COUNT, 0xff, TARN_PAGE_RESIDENT | TARN_PAGE_PINNED),
		  COUNT);
	info = part_info(d.fd);
	ASSERT_EQ(info.weight, 0);
	ASSERT_EQ(info.fair_frames, 0);
	ASSERT_EQ(info.pinned_pages, COUNT);
	ASSERT_EQ(info.logical_pages, COUNT);
	check_child(child, COUNT);
	check_rest(&d);
	munmap(child, COUNT * PAGE_SIZE);
	close(d.fd);
	end();
}

static void the_last_mapping_ends_it(void)
{
	struct donation d;
	u8 *child, value;

	begin("size=4M,paging=none");
	d = donate(part, START, COUNT);
	child = map_child(&d);
	fill_child(child, COUNT);
	close(d.fd);
	ASSERT(all_locked(part, &d));
	ASSERT_EQ(try_read(page_of(START), &value), SIGBUS);
	check_child(child, COUNT);
	munmap(child, (COUNT - 1) * PAGE_SIZE);
	ASSERT(all_locked(part, &d));
	munmap(child + (COUNT - 1) * PAGE_SIZE, PAGE_SIZE);
	check_returned(&d);
	ASSERT_EQ(pool_info(&pool).partitions, 1);
	/* it is a place as any other */
	page_fill(page_of(START), 9, START, 2);
	ASSERT_PAGE(page_of(START), 9, START, 2);
	end();
}

static int hold(void *arg)
{
	char byte;

	close(part);
	munmap(map, PAGES * PAGE_SIZE);
	check_child(arg, COUNT);
	page_fill(arg, SECRET, 0, 4);
	return read(STDIN_FILENO, &byte, 1) != 0;
}

static void a_fork_has_it_too(void)
{
	struct donation d;
	int pipes[2];
	u8 *child;
	pid_t pid;

	begin("size=4M,paging=none");
	d = donate(part, START, COUNT);
	child = map_child(&d);
	fill_child(child, COUNT);
	ASSERT_OK(pipe2(pipes, O_CLOEXEC));
	ASSERT_OK(dup2(pipes[0], STDIN_FILENO));
	pid = spawn(hold, child);
	WAIT_FOR(page_version(child, SECRET, 0) == 4);
	close(d.fd);
	munmap(child, COUNT * PAGE_SIZE);
	ASSERT(all_locked(part, &d));
	/* it has an end of the pipe as well */
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(reap(pid), 256 + SIGKILL);
	check_returned(&d);
	close(pipes[0]);
	close(pipes[1]);
	end();
}

/* ---- the donor ----------------------------------------------------------- */

static void a_donor_may_be_cut(void)
{
	struct donation d, e;
	u8 *child, value;

	begin("size=4M,paging=none");
	d = donate(part, START, COUNT);
	child = map_child(&d);
	fill_child(child, COUNT);
	/* in the middle of a locked page, and back */
	ASSERT_OK(ftruncate(part, (START + 2) * PAGE_SIZE + 5));
	ASSERT_EQ(part_info(part).locked_pages, 3);
	ASSERT_EQ(part_info(part).lent_pages, COUNT);
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	ASSERT_EQ(try_read(page_of(START + 2), &value), SIGBUS);
	ASSERT_EQ(in_state(part, START, COUNT, LOCKED), 3);
	ASSERT(page_is_zero(page_of(START + 3)));
	check_child(child, COUNT);
	/* what grew is the donor's, to be donated again, and the first child leaves it alone */
	e = donate(part, START + 3, 2);
	ASSERT_EQ(__donate(part, START + 2, 1, &e), -EBUSY);
	munmap(child, COUNT * PAGE_SIZE);
	close(d.fd);
	ASSERT_EQ(in_state(part, START, COUNT, LOCKED), 2);
	ASSERT(all_locked(part, &e));
	ASSERT_OK(ftruncate(part, 0));
	ASSERT_EQ(part_info(part).locked_pages, 0);
	ASSERT_EQ(part_info(part).lent_pages, 2);
	close(e.fd);
	ASSERT_EQ(part_info(part).lent_pages, 0);
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	end();
}

static void a_donor_may_end_first(void)
{
	struct tarn_partition_info info;
	struct donation d;
	u8 *child;

	begin("size=4M,paging=none");
	d = donate(part, START, COUNT);
	child = map_child(&d);
	fill_child(child, COUNT);
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	WAIT_FOR(pool_info(&pool).partitions == 1);
	ASSERT_EQ(pool_info(&pool).resident_pages, COUNT);
	info = part_info(d.fd);
	ASSERT_EQ(info.fair_frames, 0);
	ASSERT_EQ(info.resident_pages, COUNT);
	check_child(child, COUNT);
	/* all that is left, and it keeps the mount */
	close(pool.fd);
	ASSERT_EQ(__pool_umount(&pool), -EBUSY);
	close(d.fd);
	ASSERT_EQ(__pool_umount(&pool), -EBUSY);
	pool.fd = ASSERT_OK(open(pool.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	check_child(child, COUNT);
	munmap(child, COUNT * PAGE_SIZE);
	pool_assert_idle(&pool);
	ASSERT_EQ(pool_info(&pool).pinned_pages, 0);
	pool_umount(&pool);
}

static const struct tarn_test tests[] = {
	TEST(mappings_give_sigbus), TEST(mapped_zeroes_go),
	TEST(calls_are_refused), TEST(calls_pass_over), TEST(content_goes),
	TEST(bad_ranges), TEST(children_have_a_limit), TEST(descriptors_do_not_leak),
	TEST(a_child_stays_what_it_is), TEST(the_last_mapping_ends_it), TEST(a_fork_has_it_too),
	TEST(a_donor_may_be_cut), TEST(a_donor_may_end_first),
};

TESTS_MAIN(tests)
