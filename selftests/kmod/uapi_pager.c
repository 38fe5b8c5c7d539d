// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_PAGER_ATTACH, _STORED, _START, _STATUS, _GRANT and the mappings of
 * /dev/tarn: form, values, and what may be called when.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"
#include "uapi.h"

static struct pool pool;
static int part, null;
static struct tarn_stored_page listed[512];

static int open_dev(void)
{
	return SYS(open("/dev/tarn", O_RDWR | O_CLOEXEC));
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

static void begin(void)
{
	pool_mount(&pool, "size=8M");
	part = part_create(&pool, "a", 64);
	null = ASSERT_OK(open("/dev/null", O_RDWR | O_CLOEXEC));
}

static void end(void)
{
	close(part);
	close(null);
	pool_umount(&pool);
}

static void fill_attach(void *arg)
{
	struct tarn_pager_attach *attach = arg;

	attach->pool_fd = pool.fd;
	attach->queues = 1;
	attach->depth = 16;
}

static void fill_stored(void *arg)
{
	struct tarn_pager_stored *stored = arg;

	stored->pages = (uintptr_t)listed;
	stored->count = ARRAY_SIZE(listed);
}

static void forms(void)
{
	static const struct uapi_call calls[] = {
		{
			.name = "PAGER_ATTACH",
			.cmd = TARN_PAGER_ATTACH,
			.size = sizeof(struct tarn_pager_attach),
			.flags = TARN_PAGER_ALL,
			.reserved = { offsetof(struct tarn_pager_attach,
					       reserved) },
			.open = open_dev,
			.fill = fill_attach,
		},
		{
			.name = "PAGER_STORED",
			.cmd = TARN_PAGER_STORED,
			.size = sizeof(struct tarn_pager_stored),
			.reserved = { offsetof(struct tarn_pager_stored,
					       reserved) },
			.open = open_attached,
			.fill = fill_stored,
		},
		{
			.name = "PAGER_START",
			.cmd = TARN_PAGER_START,
			.size = sizeof(struct tarn_pager_start),
			.min_size = offsetof(struct tarn_pager_start, dropped),
			.reserved = { offsetof(struct tarn_pager_start,
					       reserved) },
			.open = open_attached,
		},
		{
			.name = "PAGER_STATUS",
			.cmd = TARN_PAGER_STATUS,
			.size = sizeof(struct tarn_pager_status),
			.flags = TARN_PAGER_IS_ALL,
			.open = open_attached,
		},
	};
	struct uapi_call call;
	size_t i;

	begin();
	const int wrong[] = { pool.fd, part, null };

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		call = calls[i];
		call.close = close_dev;
		uapi_check(&call, wrong, ARRAY_SIZE(wrong));
		call.admin = true;
		uapi_check_admin(&call);
	}
	end();
}

static int open_without_caps(void *arg)
{
	struct tarn_pager_attach attach = { .size = sizeof(attach) };
	int fd;

	fill_attach(&attach);
	drop_caps();
	fd = open_dev();
	if (fd >= 0)
		return -__tarn_op(fd, TARN_PAGER_ATTACH, &attach);
	return -fd == EACCES ? EPERM : -fd;
}

static void wants_a_capability(void)
{
	begin();
	ASSERT_EQ(reap(spawn(open_without_caps, NULL)), EPERM);
	end();
}

static void attach_values(void)
{
	static const struct {
		u32 queues, depth;
		int ret;
	} list[] = {
		{ 0, 16, -EINVAL },	{ 65, 16, -EINVAL },
		{ ~0U, 16, -EINVAL },	{ 1, 0, -EINVAL },
		{ 1, 8, -EINVAL },	{ 1, 15, -EINVAL },
		{ 1, 17, -EINVAL },	{ 1, 48, -EINVAL },
		{ 1, 8192, -EINVAL },	{ 1, 1U << 31, -EINVAL },
		{ 1, 16, 0 },		{ 64, 16, 0 },
		{ 1, 4096, 0 },		{ 4, 256, 0 },
	};
	struct pager_end e;
	size_t i;
	int ret;

	begin();
	for (i = 0; i < ARRAY_SIZE(list); i++) {
		ASSERT_EQ(pager_end_open(&e), 0);
		ret = pager_end_attach(&e, pool.fd, list[i].queues,
				       list[i].depth);
		if (ret != list[i].ret)
			FAIL("queues %u depth %u: %d", list[i].queues,
			     list[i].depth, ret);
		if (!ret) {
			ASSERT_GE(e.window_bytes, 8 << 20);
			ASSERT_EQ(e.window_bytes % PAGE_SIZE, 0);
			ASSERT_GE(e.queue_bytes,
				  64 + list[i].depth *
					       (sizeof(struct tarn_request) +
						sizeof(struct tarn_completion)));
			ASSERT_EQ(e.queue_bytes % PAGE_SIZE, 0);
			ASSERT_EQ(e.stored_pages, 0);
			ASSERT(!memcmp(e.uuid, pool_info(&pool).uuid, 16));
		}
		pager_end_close(&e);
	}
	end();
}

static void attach_to_what(void)
{
	struct pager_end e, f;
	struct pool none;

	begin();
	pool_mount(&none, "size=4M,paging=none");
	ASSERT_EQ(pager_end_open(&e), 0);
	ASSERT_EQ(pager_end_attach(&e, -1, 1, 16), -EBADF);
	ASSERT_EQ(pager_end_attach(&e, 9999, 1, 16), -EBADF);
	ASSERT_EQ(pager_end_attach(&e, null, 1, 16), -EXDEV);
	ASSERT_EQ(pager_end_attach(&e, e.fd, 1, 16), -EXDEV);
	ASSERT_EQ(pager_end_attach(&e, none.fd, 1, 16), -ENODEV);
	/* any file of the mount will do */
	ASSERT_EQ(pager_end_attach(&e, part, 1, 16), 0);
	ASSERT_EQ(pager_end_attach(&e, pool.fd, 1, 16), -EBUSY);
	ASSERT_EQ(pager_end_open(&f), 0);
	ASSERT_EQ(pager_end_attach(&f, pool.fd, 1, 16), -EBUSY);
	pager_end_close(&e);
	ASSERT_EQ(pager_end_attach(&f, pool.fd, 1, 16), 0);
	close(part);
	close(pool.fd);
	ASSERT_EQ(__pool_umount(&pool), -EBUSY);
	pager_end_close(&f);
	ASSERT_EQ(__pool_umount(&pool), 0);
	pool_umount(&none);
}

static void order_of_calls(void)
{
	struct tarn_pager_stored stored = {
		.size = sizeof(stored),
		.pages = (uintptr_t)listed,
		.count = ARRAY_SIZE(listed),
	};
	struct tarn_pager_status status = { .size = sizeof(status) };
	struct tarn_pager_start start = { .size = sizeof(start) };
	struct pager_end e;

	begin();
	ASSERT_EQ(pager_end_open(&e), 0);
	ASSERT_EQ(__tarn_op(e.fd, TARN_PAGER_STORED, &stored), -ENOTCONN);
	ASSERT_EQ(__tarn_op(e.fd, TARN_PAGER_START, &start), -ENOTCONN);
	ASSERT_EQ(__tarn_op(e.fd, TARN_PAGER_STATUS, &status), -ENOTCONN);
	ASSERT_EQ(pager_end_attach(&e, pool.fd, 1, 16), 0);
	ASSERT_EQ(pool_info(&pool).flags, TARN_POOL_PAGING);
	ASSERT_EQ(__tarn_op(e.fd, TARN_PAGER_STORED, &stored), 0);
	ASSERT_EQ(stored.count, 0);
	ASSERT_EQ(pager_end_start(&e), 0);
	ASSERT_EQ(pool_info(&pool).flags, TARN_POOL_PAGING | TARN_POOL_SERVED);
	ASSERT_EQ(pager_end_start(&e), -EBUSY);
	stored.count = ARRAY_SIZE(listed);
	ASSERT_EQ(__tarn_op(e.fd, TARN_PAGER_STORED, &stored), -EBUSY);
	pager_end_close(&e);
	WAIT_FOR(pool_info(&pool).flags == TARN_POOL_PAGING);
	end();
}

static void status_shows_in_the_pool(void)
{
	struct tarn_pager_status status = {
		.size = sizeof(status),
		.flags = TARN_PAGER_IS_ALL,
		.capacity_pages = 1000,
		.used_pages = 10,
	};
	struct tarn_pool_info info;
	struct pager_end e;

	begin();
	ASSERT_EQ(pager_end_open(&e), 0);
	ASSERT_EQ(pager_end_attach(&e, pool.fd, 1, 16), 0);
	ASSERT_EQ(pager_end_start(&e), 0);
	tarn_op(e.fd, TARN_PAGER_STATUS, &status);
	info = pool_info(&pool);
	ASSERT_EQ(info.flags, TARN_POOL_PAGING | TARN_POOL_SERVED |
				      TARN_POOL_FULL | TARN_POOL_DEGRADED);
	ASSERT_EQ(info.paging_capacity, 1000);
	ASSERT_EQ(info.paging_used, 10);
	status.flags = 0;
	tarn_op(e.fd, TARN_PAGER_STATUS, &status);
	ASSERT_EQ(pool_info(&pool).flags, TARN_POOL_PAGING | TARN_POOL_SERVED);
	pager_end_close(&e);
	end();
}

static void stored_values(void)
{
	struct tarn_pager_stored stored = { .size = sizeof(stored) };
	struct pager_end e;
	struct pager pg;
	u64 seen = 0, n = 0;
	u8 *map;
	int i;

	begin();
	map = part_map(part, 64);
	for (i = 0; i < 64; i++)
		page_fill(map + i * PAGE_SIZE, 1, i, 1);
	pager_start(&pg, &pool);
	ASSERT_EQ(part_page_out(part, 0, 64), 64);
	pager_stop(&pg);
	ASSERT_EQ(pager_end_open(&e), 0);
	ASSERT_EQ(pager_end_attach(&e, pool.fd, 1, 16), 0);
	ASSERT_GE(e.stored_pages, 64);
	stored.count = ARRAY_SIZE(listed);
	ASSERT_EQ(__tarn_op(e.fd, TARN_PAGER_STORED, &stored), -EFAULT);
	stored.cursor = ~0ULL;
	stored.pages = (uintptr_t)listed;
	i = __tarn_op(e.fd, TARN_PAGER_STORED, &stored);
	ASSERT((!i && !stored.count) || i == -EINVAL);
	stored.cursor = 0;
	for (;;) {
		stored.count = ARRAY_SIZE(listed);
		tarn_op(e.fd, TARN_PAGER_STORED, &stored);
		if (!stored.count)
			break;
		ASSERT_LE(stored.count, ARRAY_SIZE(listed));
		for (i = 0; i < (int)stored.count; i++) {
			ASSERT_NE(listed[i].cookie, TARN_COOKIE_NONE);
			ASSERT_EQ(listed[i].cookie >> TARN_COOKIE_BITS, 0);
			ASSERT_EQ(listed[i].partition, part_info(part).id);
			ASSERT_EQ(listed[i].reserved, 0);
			ASSERT_LT(listed[i].index, 64);
			ASSERT(!(seen & (1ULL << listed[i].index)));
			seen |= 1ULL << listed[i].index;
			n++;
		}
	}
	ASSERT_EQ(n, 64);
	pager_end_close(&e);
	munmap(map, 64 * PAGE_SIZE);
	end();
}

static const struct tarn_test tests[] = {
	TEST(forms),
	TEST(wants_a_capability),
	TEST(attach_values),
	TEST(attach_to_what),
	TEST(order_of_calls),
	TEST(status_shows_in_the_pool),
	TEST(stored_values),
};

TESTS_MAIN(tests)
