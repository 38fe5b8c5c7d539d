// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_PARTITION_INFO, _SET, _PAGES, _READ, _PAGE_OUT, _PAGE_IN, _NOTIFY, _HOMES,
 * _RELOCATE: form and values. _DONATE: form.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pager.h"
#include "uapi.h"

#define PAGES 64

static struct pool pool;
static int part, null, dev;
static u8 *map;
static u8 states[PAGES];

static int open_part(void)
{
	return part;
}

static void keep(int fd)
{
}

static void begin(const char *options)
{
	pool_mount(&pool, options);
	part = part_create(&pool, "a", PAGES);
	map = part_map(part, PAGES);
	null = ASSERT_OK(open("/dev/null", O_RDWR | O_CLOEXEC));
	dev = ASSERT_OK(open("/dev/tarn", O_RDWR | O_CLOEXEC));
}

static void end(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	close(null);
	close(dev);
	pool_umount(&pool);
}

static void fill_set(void *arg)
{
	struct tarn_partition_set *set = arg;

	set->flags = TARN_PARTITION_SET_ALL;
	set->weight = 200;
}

static void fill_pages(void *arg)
{
	struct tarn_partition_pages *pages = arg;

	pages->count = PAGES;
	pages->states = (uintptr_t)states;
}

static void fill_read(void *arg)
{
	struct tarn_partition_read *read = arg;

	read->states = (uintptr_t)states;
}

/* Of no page, so that it can be repeated. */
static void fill_word(void *arg)
{
	((struct tarn_partition_fill *)arg)->word = 1;
}

static void fill_range(void *arg)
{
	struct tarn_partition_range *range = arg;

	range->count = 1;
}

static void fill_notify(void *arg)
{
	struct tarn_partition_notify *notify = arg;

	notify->eventfd = -1;
}

static void fill_balloon(void *arg)
{
	struct tarn_partition_balloon *balloon = arg;

	balloon->op = TARN_BALLOON_INFLATE;
}

static void fill_donate(void *arg)
{
	((struct tarn_partition_donate *)arg)->count = 1;
}

static void forms(void)
{
	static const struct uapi_call calls[] = {
		{
			.name = "PARTITION_INFO",
			.cmd = TARN_PARTITION_INFO,
			.size = sizeof(struct tarn_partition_info),
			.min_size = offsetof(struct tarn_partition_info,
					     min_frames),
		},
		{
			.name = "PARTITION_SET",
			.cmd = TARN_PARTITION_SET,
			.size = sizeof(struct tarn_partition_set),
			.min_size = offsetof(struct tarn_partition_set,
					     min_frames),
			.flags = TARN_PARTITION_SET_ALL,
			.fill = fill_set,
			.admin = true,
		},
		{
			.name = "PARTITION_PAGES",
			.cmd = TARN_PARTITION_PAGES,
			.size = sizeof(struct tarn_partition_pages),
			.fill = fill_pages,
		},
		{
			.name = "PARTITION_READ",
			.cmd = TARN_PARTITION_READ,
			.size = sizeof(struct tarn_partition_read),
			.fill = fill_read,
		},
		{
			.name = "PARTITION_PAGE_OUT",
			.cmd = TARN_PARTITION_PAGE_OUT,
			.size = sizeof(struct tarn_partition_range),
			.fill = fill_range,
		},
		{
			.name = "PARTITION_PAGE_IN",
			.cmd = TARN_PARTITION_PAGE_IN,
			.size = sizeof(struct tarn_partition_range),
			.flags = TARN_PAGE_IN_ALL,
			.fill = fill_range,
		},
		{
			.name = "PARTITION_SHARED",
			.cmd = TARN_PARTITION_SHARED,
			.size = sizeof(struct tarn_partition_shared),
		},
		{
			.name = "PARTITION_FILL",
			.cmd = TARN_PARTITION_FILL,
			.size = sizeof(struct tarn_partition_fill),
			.fill = fill_word,
		},
		{
			.name = "PARTITION_PATTERNS",
			.cmd = TARN_PARTITION_PATTERNS,
			.size = sizeof(struct tarn_partition_range),
			.fill = fill_range,
		},
		{
			.name = "PARTITION_NOTIFY",
			.cmd = TARN_PARTITION_NOTIFY,
			.size = sizeof(struct tarn_partition_notify),
			.flags = TARN_NOTIFY_BALLOON,
			.reserved = { offsetof(struct tarn_partition_notify,
					       reserved) },
			.fill = fill_notify,
		},
		{
			.name = "PARTITION_BALLOON",
			.cmd = TARN_PARTITION_BALLOON,
			.size = sizeof(struct tarn_partition_balloon),
			.reserved = { offsetof(struct tarn_partition_balloon,
					       reserved) },
			.fill = fill_balloon,
		},
		{
			.name = "PARTITION_HOMES",
			.cmd = TARN_PARTITION_HOMES,
			.size = sizeof(struct tarn_partition_homes),
			.flags = TARN_HOMES_SET,
			.reserved = { offsetof(struct tarn_partition_homes,
					       reserved) },
		},
		{
			.name = "PARTITION_RELOCATE",
			.cmd = TARN_PARTITION_RELOCATE,
			.size = sizeof(struct tarn_partition_relocate),
			.min_size = offsetof(struct tarn_partition_relocate,
					     tried),
			.flags = TARN_RELOCATE_ALL,
		},
	};
	struct uapi_call call;
	struct pager pg;
	size_t i;

	begin("size=8M");
	pager_start(&pg, &pool);
	const int wrong[] = { pool.fd, null, dev };

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		call = calls[i];
		call.open = open_part;
		call.close = keep;
		uapi_check(&call, wrong, ARRAY_SIZE(wrong));
		if (call.cmd != TARN_PARTITION_SET)
			uapi_check_admin(&call);
	}
	pager_stop(&pg);
	end();
}

/* A file a call, as it works once a page. */
static int open_donor(void)
{
	int fd = part_open(&pool, "donor", O_RDWR | O_CREAT | O_EXCL);

	ASSERT_OK(ftruncate(fd, PAGE_SIZE));
	part_unlink(&pool, "donor");
	return fd;
}

/* And the child, whose number the checks do not know. */
static void close_donor(int fd)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *d;
	char name[64];
	ssize_t n;

	ASSERT(dir);
	while ((d = readdir(dir))) {
		n = readlinkat(dirfd(dir), d->d_name, name, sizeof(name) - 1);
		name[n < 0 ? 0 : n] = 0;
		if (strstr(name, "tarn-child"))
			close(atoi(d->d_name));
	}
	closedir(dir);
	close(fd);
}

static void donation_form(void)
{
	static const struct uapi_call call = {
		.name = "PARTITION_DONATE",
		.cmd = TARN_PARTITION_DONATE,
		.size = sizeof(struct tarn_partition_donate),
		.open = open_donor,
		.close = close_donor,
		.fill = fill_donate,
	};

	begin("size=8M,paging=none");
	const int wrong[] = { pool.fd, null, dev };

	uapi_check(&call, wrong, ARRAY_SIZE(wrong));
	uapi_check_admin(&call);
	WAIT_FOR(pool_info(&pool).partitions == 1);
	end();
}

static int moves_without_rights(void *arg)
{
	struct tarn_partition_relocate r = {
		.size = sizeof(r),
		.op = TARN_RELOCATE_START,
	};
	struct tarn_home home = {};
	struct tarn_partition_homes h = {
		.size = sizeof(h),
		.flags = TARN_HOMES_SET,
		.count = 1,
		.homes = (uintptr_t)&home,
	};

	drop_caps();
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_HOMES, &h), -EPERM);
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_RELOCATE, &r), -EPERM);
	r.op = TARN_RELOCATE_CANCEL;
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_RELOCATE, &r), -EPERM);
	r.op = TARN_RELOCATE_STATUS;
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_RELOCATE, &r), 0);
	h.flags = 0;
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_HOMES, &h), 0);
	ASSERT_EQ(h.count, 0);
	return 0;
}

static void where_it_lies(void)
{
	begin("size=8M,paging=none");
	ASSERT_EQ(reap(spawn(moves_without_rights, NULL)), 0);
	end();
}

static void info(void)
{
	struct tarn_partition_info i, j;
	int b;

	begin("size=8M,paging=none");
	b = part_create(&pool, "b", 10);
	map[0] = 1;
	i = part_info(part);
	j = part_info(b);
	/* all of the pool while the other one has nothing, half if it had */
	ASSERT_EQ(i.fair_frames, 2048);
	ASSERT_EQ(j.fair_frames, 1024);
	ASSERT_EQ(i.size, sizeof(i));
	ASSERT_EQ(i.flags, 0);
	ASSERT_NE(i.id, TARN_PARTITION_NONE);
	ASSERT_NE(i.id, j.id);
	ASSERT_EQ(i.weight, TARN_WEIGHT_DEFAULT);
	ASSERT_EQ(i.logical_pages, PAGES);
	ASSERT_EQ(j.logical_pages, 10);
	ASSERT_EQ(i.resident_pages, 1);
	ASSERT_EQ(j.resident_pages, 0);
	ASSERT_EQ(i.paged_pages, 0);
	close(b);
	part_unlink(&pool, "b");
	/* an id is not used twice */
	b = part_create(&pool, "b", 10);
	ASSERT_NE(part_info(b).id, j.id);
	ASSERT_NE(part_info(b).id, i.id);
	close(b);
	end();
}

static long set_weight(int fd, u32 weight)
{
	struct tarn_partition_set set = {
		.size = sizeof(set),
		.flags = TARN_PARTITION_SET_WEIGHT,
		.weight = weight,
	};

	return __tarn_op(fd, TARN_PARTITION_SET, &set);
}

static int as_owner(void *arg)
{
	int ro = part_open(&pool, "a", O_RDONLY);

	drop_caps();
	ASSERT_EQ(set_weight(part, TARN_WEIGHT_DEFAULT + 1), -EPERM);
	ASSERT_EQ(set_weight(ro, TARN_WEIGHT_DEFAULT - 1), -EPERM);
	ASSERT_EQ(set_weight(part, TARN_WEIGHT_DEFAULT - 1), 0);
	ASSERT_EQ(set_weight(part, TARN_WEIGHT_DEFAULT), -EPERM);
	return 0;
}

static void weights(void)
{
	int b, ro;

	begin("size=8M,paging=none");
	ASSERT_EQ(set_weight(part, 0), -EINVAL);
	ASSERT_EQ(set_weight(part, TARN_WEIGHT_MAX + 1), -EINVAL);
	ASSERT_EQ(set_weight(part, ~0U), -EINVAL);
	ro = part_open(&pool, "a", O_RDONLY);
	ASSERT_EQ(set_weight(ro, 50), -EPERM);
	close(ro);
	ASSERT_EQ(part_info(part).weight, TARN_WEIGHT_DEFAULT);
	ASSERT_EQ(reap(spawn(as_owner, NULL)), 0);
	ASSERT_EQ(part_info(part).weight, TARN_WEIGHT_DEFAULT - 1);
	ASSERT_EQ(set_weight(part, 1), 0);
	ASSERT_EQ(set_weight(part, TARN_WEIGHT_MAX), 0);
	ASSERT_EQ(part_info(part).weight, TARN_WEIGHT_MAX);
	b = part_create(&pool, "b", 4096);
	ASSERT_EQ(set_weight(b, 300), 0);
	ASSERT_EQ(set_weight(part, 100), 0);
	ASSERT_EQ(SYS(pwrite(b, "x", 1, 0)), 1);
	map[0] = 1;
	ASSERT_EQ(part_info(b).fair_frames, 2048 / 4 * 3);
	ASSERT_EQ(part_info(part).fair_frames, 2048 / 4);
	ASSERT_EQ(set_weight(b, 100), 0);
	ASSERT_EQ(part_info(b).fair_frames, 2048 / 2);
	close(b);
	end();
}

/* The content is for who may read the file. */
static void for_writing_only(void)
{
	static u8 data[PAGE_SIZE], state;
	struct tarn_partition_read read = {
		.size = sizeof(read), .count = 1, .data = (uintptr_t)data,
		.states = (uintptr_t)&state,
	};
	struct tarn_partition_metrics metrics = { .size = sizeof(metrics) };
	int wo;

	begin("size=8M,paging=none");
	wo = part_open(&pool, "a", O_WRONLY);
	ASSERT_ERR(__tarn_op(wo, TARN_PARTITION_READ, &read), EPERM);
	ASSERT_ERR(__tarn_op(wo, TARN_PARTITION_METRICS, &metrics), EPERM);
	tarn_op(part, TARN_PARTITION_READ, &read);
	ASSERT_ERR(__tarn_op(part, TARN_PARTITION_METRICS, &metrics), ENODATA);
	ASSERT_EQ(part_info(wo).id, part_info(part).id);
	close(wo);
	end();
}

static long pages_op(u64 start, u64 count, void *array, u64 *got)
{
	struct tarn_partition_pages pages = {
		.size = sizeof(pages),
		.start = start,
		.count = count,
		.states = (uintptr_t)array,
	};
	long ret = __tarn_op(part, TARN_PARTITION_PAGES, &pages);

	*got = pages.count;
	return ret;
}

static void pages_ranges(void)
{
	u8 *buf = malloc(1 << 20);
	u64 got;

	begin("size=8M,paging=none");
	map[3 * PAGE_SIZE] = 1;
	ASSERT_EQ(pages_op(0, 0, buf, &got), 0);
	ASSERT_EQ(got, 0);
	memset(buf, 0xcc, PAGES + 1);
	ASSERT_EQ(pages_op(0, 1 << 20, buf, &got), 0);
	ASSERT_EQ(got, PAGES);
	ASSERT_EQ(buf[2], TARN_PAGE_EMPTY);
	ASSERT_EQ(buf[3], TARN_PAGE_RESIDENT);
	ASSERT_EQ(buf[PAGES - 1], TARN_PAGE_EMPTY);
	ASSERT_EQ(buf[PAGES], 0xcc);
	ASSERT_EQ(pages_op(PAGES - 2, 10, buf, &got), 0);
	ASSERT_EQ(got, 2);
	ASSERT_EQ(pages_op(PAGES, 10, buf, &got), 0);
	ASSERT_EQ(got, 0);
	ASSERT_EQ(pages_op(~0ULL, 10, buf, &got), 0);
	ASSERT_EQ(got, 0);
	ASSERT_EQ(pages_op(0, (1 << 20) + 1, buf, &got), -EINVAL);
	ASSERT_EQ(pages_op(0, ~0ULL, buf, &got), -EINVAL);
	ASSERT_EQ(pages_op(0, 10, NULL, &got), -EFAULT);
	ASSERT_EQ(pages_op(0, 10, (void *)-4096L, &got), -EFAULT);
	/* the array lies in the partition itself */
	ASSERT_EQ(pages_op(0, PAGES, map + 10 * PAGE_SIZE, &got), 0);
	ASSERT_EQ(map[10 * PAGE_SIZE + 3], TARN_PAGE_RESIDENT);
	ASSERT_OK(ftruncate(part, 0));
	ASSERT_EQ(pages_op(0, 10, buf, &got), 0);
	ASSERT_EQ(got, 0);
	end();
	free(buf);
}

static void ranges(void)
{
	struct pager pg;
	u64 done;
	int i;

	begin("size=8M");
	pager_start(&pg, &pool);
	for (i = 0; i < PAGES; i++)
		page_fill(map + i * PAGE_SIZE, 1, i, 1);
	ASSERT_EQ(__part_page_out(part, 0, 0, &done), 0);
	ASSERT_EQ(done, 0);
	ASSERT_EQ(__part_page_out(part, PAGES, 10, &done), 0);
	ASSERT_EQ(done, 0);
	ASSERT_EQ(__part_page_out(part, ~0ULL, ~0ULL, &done), 0);
	ASSERT_EQ(done, 0);
	ASSERT_EQ(__part_page_out(part, PAGES - 3, ~0ULL, &done), 0);
	ASSERT_EQ(done, 3);
	ASSERT_EQ(part_count(part, 0, PAGES, 0x0f, TARN_PAGE_PAGED), 3);
	ASSERT_EQ(__part_page_out(part, 0, 1ULL << 63, &done), 0);
	ASSERT_EQ(done, PAGES);
	ASSERT_EQ(part_count(part, 0, PAGES, 0x0f, TARN_PAGE_PAGED), PAGES);
	ASSERT_EQ(__part_page_in(part, 5, 3, &done), 0);
	ASSERT_EQ(done, 3);
	ASSERT_EQ(part_count(part, 0, PAGES, 0x0f, TARN_PAGE_RESIDENT), 3);
	ASSERT_EQ(__part_page_in(part, 0, ~0ULL, &done), 0);
	ASSERT_EQ(done, PAGES);
	ASSERT_EQ(__part_page_in(part, PAGES + 7, ~0ULL, &done), 0);
	ASSERT_EQ(done, 0);
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 1, i, 1);
	pager_stop(&pg);
	ASSERT_EQ(__part_page_out(part, 0, PAGES, &done), -EAGAIN);
	end();
	begin("size=8M,paging=none");
	map[0] = 1;
	ASSERT_EQ(__part_page_out(part, 0, PAGES, &done), -ENODEV);
	ASSERT_EQ(__part_page_in(part, 0, PAGES, &done), -ENODEV);
	end();
}

static long try_notify(int fd, int eventfd)
{
	struct tarn_partition_notify notify = {
		.size = sizeof(notify),
		.eventfd = eventfd,
	};

	return __tarn_op(fd, TARN_PARTITION_NOTIFY, &notify);
}

static void notify_values(void)
{
	int event = ASSERT_OK(eventfd(0, EFD_CLOEXEC)), ro;

	begin("size=8M,paging=none");
	ro = part_open(&pool, "a", O_RDONLY);
	ASSERT_EQ(try_notify(ro, event), -EPERM);
	ASSERT_EQ(try_notify(ro, -1), -EPERM);
	close(ro);
	ASSERT_EQ(try_notify(part, event), 0);
	ASSERT_EQ(try_notify(part, -2), -EINVAL);
	ASSERT_EQ(try_notify(part, INT_MIN), -EINVAL);
	ASSERT_EQ(try_notify(part, INT_MAX), -EBADF);
	ASSERT_EQ(try_notify(part, part), -EINVAL);
	ASSERT_EQ(try_notify(part, null), -EINVAL);
	ASSERT_EQ(try_notify(part, dev), -EINVAL);
	close(event);
	ASSERT_EQ(try_notify(part, event), -EBADF);
	end();
}

static const struct tarn_test tests[] = {
	TEST(forms), TEST(donation_form),
	TEST(info),
	TEST(weights), TEST(where_it_lies), TEST(for_writing_only),
	TEST(pages_ranges),
	TEST(ranges),
	TEST(notify_values),
};

TESTS_MAIN(tests)
