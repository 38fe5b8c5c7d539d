// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a child costs its donor, that its pages stay in memory, and that devices may write to
 * them: pins that are for residency and pins that are for DMA, told apart.
 */
#define _GNU_SOURCE
#include <linux/if_xdp.h>
#include <liburing.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "donate.h"

#define PAGES 256ULL
#define START 16ULL
#define COUNT 8ULL
#define SECRET 77
/* Of a pool of 4 MiB. */
#define FRAMES 1024ULL

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;

static u8 *page_of(u64 index)
{
	return map + index * PAGE_SIZE;
}

static void begin(const char *options, u64 pages)
{
	pool_mount(&pool, options);
	part = part_create(&pool, "a", pages);
	map = part_map_filled(part, pages);
}

static void end(u64 pages)
{
	munmap(map, pages * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	ASSERT_EQ(pool_info(&pool).pinned_pages, 0);
	pool_umount(&pool);
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

/* ---- the donor's account ------------------------------------------------- */

static u64 quota_of(int fd)
{
	struct tarn_partition_areas areas = { .size = sizeof(areas) };

	tarn_op(fd, TARN_PARTITION_AREAS, &areas);
	return areas.quota_pages;
}

/* The child's pins are in its donor's quota, with those that the donor has itself. */
static void quota(void)
{
	struct donation d, e;
	long handle;
	u64 most;

	begin("size=4M,paging=none", PAGES);
	ASSERT_OK(ftruncate(part, FRAMES * PAGE_SIZE));
	most = quota_of(part);
	ASSERT_EQ(most, FRAMES / 2);
	ASSERT_EQ(__donate(part, 0, most + 1, &d), -ENOSPC);
	ASSERT_PAGE(page_of(0), 9, 0, 1);
	handle = __register_area(part, TARN_AREA_DMA, 0, 100);
	ASSERT_GT(handle, 0);
	ASSERT_EQ(__donate(part, PAGES, most - 99, &d), -ENOSPC);
	d = donate(part, PAGES, most - 100);
	ASSERT_EQ(pool_info(&pool).pinned_pages, most);
	ASSERT_EQ(part_info(part).pinned_pages, 100);
	ASSERT_EQ(part_info(part).lent_pages, most - 100);
	ASSERT_EQ(quota_of(d.fd), most - 100);
	ASSERT_EQ(__donate(part, 200, 1, &e), -ENOSPC);
	ASSERT_EQ(__register_area(part, TARN_AREA_DMA, 200, 1), -ENOSPC);
	/* the pages that are pinned already take no more of it */
	ASSERT_GT(__register_area(part, TARN_AREA_DMA, 50, 10), 0);
	close(d.fd);
	ASSERT_EQ(pool_info(&pool).pinned_pages, 100);
	e = donate(part, 200, 1);
	close(e.fd);
	end(PAGES);
}

/* No policy says that the pages of a child need not stay. */
static void policy_is_for_others(void)
{
	struct tarn_pool_pin_policy p = { .size = sizeof(p) };
	struct tarn_area area = {};
	struct tarn_partition_areas areas = {
		.size = sizeof(areas), .count = 1, .areas = (uintptr_t)&area,
	};
	struct tarn_partition_register r = { .size = sizeof(r) };
	struct donation d;

	begin("size=4M,paging=none", PAGES);
	d = donate(part, START, COUNT);
	p.flags = TARN_PIN_POLICY_SET;
	p.policy[TARN_AREA_DMA] = TARN_PIN_NEVER;
	tarn_op(pool.fd, TARN_POOL_PIN_POLICY, &p);
	ASSERT_EQ(part_info(d.fd).pinned_pages, COUNT);
	tarn_op(d.fd, TARN_PARTITION_AREAS, &areas);
	ASSERT_EQ(areas.count, 1);
	ASSERT_EQ(area.origin, TARN_AREA_BY_DONOR);
	ASSERT_EQ(area.flags, TARN_AREA_IS_CRITICAL | TARN_AREA_IS_PINNED);
	ASSERT_EQ(area.bytes, COUNT * PAGE_SIZE);
	r.handle = area.handle;
	ASSERT_EQ(__tarn_op(d.fd, TARN_PARTITION_UNREGISTER, &r), -EPERM);
	ASSERT_EQ(__tarn_op(part, TARN_PARTITION_UNREGISTER, &r), -ENOENT);
	close(d.fd);
	end(PAGES);
}

/* The donor has what is registered, and somebody what he holds. */
static void what_is_in_use_is_not_given(void)
{
	struct tarn_partition_register r = { .size = sizeof(r) };
	struct iovec v;
	struct donation d;
	int pipes[2];
	u8 page[PAGE_SIZE];
	u32 type;

	begin("size=4M,paging=none", PAGES);
	/* pinned, or just on record */
	for (type = TARN_AREA_DMA; type <= TARN_AREA_TABLES; type += 2) {
		r.handle = ASSERT_OK(__register_area(part, type, START + 3, 1));
		ASSERT_EQ(__donate(part, START, COUNT, &d), -EBUSY);
		tarn_op(part, TARN_PARTITION_UNREGISTER, &r);
	}
	ASSERT_OK(pipe2(pipes, O_CLOEXEC));
	v = (struct iovec){ page_of(START + 5), PAGE_SIZE };
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	ASSERT_EQ(__donate(part, START, COUNT, &d), -EBUSY);
	ASSERT_PAGE(page_of(START + 5), 9, START + 5, 1);
	ASSERT_EQ(SYS(read(pipes[0], page, PAGE_SIZE)), PAGE_SIZE);
	ASSERT_EQ(in_state(part, START, COUNT, TARN_PAGE_RESIDENT), COUNT);
	d = donate(part, START, COUNT);
	close(d.fd);
	close(pipes[0]);
	close(pipes[1]);
	end(PAGES);
}

/* ---- it stays ------------------------------------------------------------ */

/* Twice as much as there is, over and over: all others come and go. */
static void never_paged(void)
{
	const u64 count = 128, many = 2 * FRAMES;
	struct tarn_partition_info info;
	struct donation d;
	u8 *child, *more;
	u64 i, round;
	int other;

	begin("size=4M", PAGES);
	pager_start(&pg, &pool);
	d = donate(part, START, count);
	child = part_map(d.fd, count);
	fill_child(child, count);
	/* words that others would lose their frames for */
	memset(child + 3 * PAGE_SIZE, 0, PAGE_SIZE);
	memset(child + 4 * PAGE_SIZE, 0x5a, PAGE_SIZE);
	other = part_create(&pool, "b", many);
	more = part_map(other, many);
	for (round = 1; round <= 3; round++)
		for (i = 0; i < many; i++)
			page_fill(more + i * PAGE_SIZE, 5, i, round);
	ASSERT_GT(pool_info(&pool).page_outs, many);
	ASSERT_EQ(part_count(d.fd, 0, count, 0xff, TARN_PAGE_RESIDENT | TARN_PAGE_PINNED),
		  count);
	info = part_info(d.fd);
	ASSERT_EQ(info.resident_pages, count);
	ASSERT_EQ(info.page_outs + info.page_ins + info.zero_drops + info.pattern_drops, 0);
	ASSERT(page_is_zero(child + 3 * PAGE_SIZE));
	page_fill(child + 3 * PAGE_SIZE, SECRET, 3, 3);
	ASSERT_EQ(child[5 * PAGE_SIZE - 1], 0x5a);
	page_fill(child + 4 * PAGE_SIZE, SECRET, 4, 3);
	check_child(child, count);
	/* nor does the end of the pager matter */
	pager_lose(&pg, &pool);
	check_child(child, count);
	pager_launch(&pg);
	munmap(child, count * PAGE_SIZE);
	close(d.fd);
	munmap(more, many * PAGE_SIZE);
	close(other);
	part_unlink(&pool, "b");
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	pool_umount(&pool);
}

/* A block with a locked page is 2 MiB no more, whoever uses the rest. */
static void blocks_come_apart(void)
{
	const u64 block = 512;
	struct donation d;
	u64 i, round;

	begin("size=16M,paging=none,huge=always", 2 * block);
	ASSERT_EQ(part_info(part).block_pages, 2 * block);
	d = donate(part, START, COUNT);
	ASSERT_EQ(part_info(part).block_pages, block);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < block; i++)
			if (i < START || i >= START + COUNT)
				page_fill(page_of(i), 9, i, round + 2);
		msleep(50);
	}
	ASSERT_EQ(part_info(part).block_pages, block);
	/* of what nobody touched, nor does the first touch take one */
	ASSERT_OK(__punch(part, 0, START));
	ASSERT_OK(__punch(part, START + COUNT, block - START - COUNT));
	munmap(map, 2 * block * PAGE_SIZE);
	map = part_map(part, 2 * block);
	page_fill(page_of(0), 9, 0, 3);
	ASSERT_EQ(part_info(part).block_pages, block);
	ASSERT(all_locked(part, &d));
	ASSERT_EQ(part_info(d.fd).block_pages, 0);
	close(d.fd);
	ASSERT_OK(__punch(part, 0, 1));
	munmap(map, 2 * block * PAGE_SIZE);
	map = part_map(part, 2 * block);
	page_fill(page_of(0), 9, 0, 4);
	ASSERT_EQ(part_info(part).block_pages, 2 * block);
	end(2 * block);
}

/* ---- DMA ----------------------------------------------------------------- */

/*
 * Have the kernel pin memory for good to write to it (FOLL_LONGTERM, FOLL_WRITE), as VFIO does:
 * packets of an AF_XDP socket. A descriptor that lets go of it when it is closed, or -errno.
 */
static long pin_longterm(void *at, u64 bytes)
{
	struct xdp_umem_reg reg = {
		.addr = (uintptr_t)at, .len = bytes, .chunk_size = PAGE_SIZE,
	};
	int fd = SYS(socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
	long ret;

	TEST_REQUIRE(fd >= 0, "the kernel has no AF_XDP");
	ret = SYS(setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)));
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static u64 pinned_for_dma(int fd, u64 start, u64 count)
{
	return part_count(fd, start, count, TARN_PAGE_DMA, TARN_PAGE_DMA);
}

static void devices_may_write_to_it(void)
{
	struct donation d;
	u8 *child, value;
	long dma;

	begin("size=4M,paging=none", PAGES);
	d = donate(part, START, COUNT);
	/* untouched, read first, and written first */
	child = part_map(d.fd, COUNT);
	ASSERT_EQ(try_read(child + PAGE_SIZE, &value), 0);
	child[2 * PAGE_SIZE] = 1;
	dma = ASSERT_OK(pin_longterm(child, COUNT * PAGE_SIZE));
	ASSERT_EQ(pinned_for_dma(d.fd, 0, COUNT), COUNT);
	/* what the processor writes the device would see */
	fill_child(child, COUNT);
	check_child(child, COUNT);
	ASSERT_EQ(pinned_for_dma(part, 0, PAGES), 0);
	/* residency alone is no such pin */
	ASSERT_GT(__register_area(part, TARN_AREA_DMA, 0, 1), 0);
	ASSERT_EQ(part_state(part, 0), TARN_PAGE_RESIDENT | TARN_PAGE_PINNED);
	close(dma);
	WAIT_FOR(!pinned_for_dma(d.fd, 0, COUNT));
	check_child(child, COUNT);
	munmap(child, COUNT * PAGE_SIZE);
	close(d.fd);

	dma = pin_longterm(page_of(64), PAGE_SIZE);
	diag("a guest's own memory as a target of DMA: %ld", dma < 0 ? dma : 0);
	ASSERT(dma >= 0 || dma == -EFAULT);
	if (dma >= 0) {
		ASSERT_EQ(pinned_for_dma(part, 64, 1), 1);
		close(dma);
	}
	WAIT_FOR(!pool_info(&pool).limbo_frames);
	end(PAGES);
}

/* The file's end does not give a frame away that a device still writes to. */
static void a_device_outlives_the_file(void)
{
	struct donation d;
	u8 *child;
	long dma;
	u64 i;

	begin("size=4M,paging=none", PAGES);
	d = donate(part, START, COUNT);
	child = part_map(d.fd, COUNT);
	fill_child(child, COUNT);
	dma = ASSERT_OK(pin_longterm(child, COUNT * PAGE_SIZE));
	munmap(child, COUNT * PAGE_SIZE);
	close(d.fd);
	ASSERT(all_empty(part, &d));
	ASSERT_EQ(pool_info(&pool).limbo_frames, COUNT);
	for (i = START; i < START + COUNT; i++) {
		ASSERT(page_is_zero(page_of(i)));
		page_fill(page_of(i), 9, i, 2);
	}
	close(dma);
	WAIT_FOR(!pool_info(&pool).limbo_frames);
	for (i = START; i < START + COUNT; i++)
		ASSERT_PAGE(page_of(i), 9, i, 2);
	end(PAGES);
}

/* Buffers that io_uring keeps. Before 6.5 it took no file but tmpfs, once it had pinned it. */
static void registered_buffers(void)
{
	struct io_uring ring;
	struct donation d;
	struct iovec v;
	long ret;
	u8 *child;

	begin("size=4M,paging=none", PAGES);
	d = donate(part, START, COUNT);
	child = part_map(d.fd, COUNT);
	ASSERT_EQ(io_uring_queue_init(4, &ring, 0), 0);
	v = (struct iovec){ child, COUNT * PAGE_SIZE };
	ret = io_uring_register_buffers(&ring, &v, 1);
	diag("registered: %ld", ret);
	ASSERT(!ret || ret == -EOPNOTSUPP);
	if (!ret)
		ASSERT_EQ(pinned_for_dma(d.fd, 0, COUNT), COUNT);
	v = (struct iovec){ page_of(64), PAGE_SIZE };
	if (!ret)
		ASSERT_EQ(io_uring_unregister_buffers(&ring), 0);
	ret = io_uring_register_buffers(&ring, &v, 1);
	diag("a guest's own memory: %ld", ret);
	/* that of a page that is locked is nowhere */
	v = (struct iovec){ page_of(START), PAGE_SIZE };
	if (!ret)
		ASSERT_EQ(io_uring_unregister_buffers(&ring), 0);
	ASSERT_EQ(io_uring_register_buffers(&ring, &v, 1), -EFAULT);
	io_uring_queue_exit(&ring);
	munmap(child, COUNT * PAGE_SIZE);
	close(d.fd);
	end(PAGES);
}

/* ---- memory errors, and races -------------------------------------------- */

static void memory_error(void)
{
	struct donation d;
	u8 *child, value;
	u64 i;
	long ret;

	begin("size=4M,paging=none", PAGES);
	d = donate(part, START, COUNT);
	child = part_map(d.fd, COUNT);
	fill_child(child, COUNT);
	ret = SYS(madvise(child + PAGE_SIZE, PAGE_SIZE, MADV_HWPOISON));
	TEST_REQUIRE(ret != -EINVAL, "the kernel has no MADV_HWPOISON");
	ASSERT(!ret || ret == -EBUSY);
	munmap(child, COUNT * PAGE_SIZE);
	child = part_map(d.fd, COUNT);
	ASSERT_EQ(try_read(child + PAGE_SIZE, &value), SIGBUS);
	for (i = 0; i < COUNT; i++)
		if (i != 1)
			ASSERT_PAGE(child + i * PAGE_SIZE, SECRET, i, 3);
	munmap(child, COUNT * PAGE_SIZE);
	close(d.fd);
	ASSERT(all_empty(part, &d));
	for (i = START; i < START + COUNT; i++)
		ASSERT(page_is_zero(page_of(i)));
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	WAIT_FOR(pool_info(&pool).free_frames + 1 == pool_info(&pool).frames);
	ASSERT_EQ(pool_info(&pool).poisoned_frames, 1);
	ASSERT_EQ(pool_info(&pool).pinned_pages, 0);
	pool_umount(&pool);
}

static _Atomic bool stop;
static _Atomic u64 touches, faults;

static void *touch(void *arg)
{
	struct rng r = { (uintptr_t)arg };

	while (!stop) {
		u64 i = START - 2 + rng_below(&r, COUNT + 4);
		int sig = rng_below(&r, 2) ? try_read(page_of(i), NULL) :
					     try_write(page_of(i) + 8, 1);

		ASSERT(!sig || (sig == SIGBUS && i >= START && i < START + COUNT));
		touches++;
		faults += !!sig;
	}
	return NULL;
}

static void *punch_and_page(void *arg)
{
	struct rng r = { (uintptr_t)arg };
	u64 done;

	while (!stop) {
		u64 i = START + rng_below(&r, COUNT);
		long ret = rng_below(&r, 2) ? __punch(part, i, 1) :
					      __part_page_out(part, i, 2, &done);

		ASSERT(!ret || ret == -EBUSY);
	}
	return NULL;
}

/* The guest uses the range while it is given away and comes back, time and again. */
static void under_fire(void)
{
	u64 i, n, given = 0, rounds = test_param("rounds", 300);
	pthread_t t[3];
	struct donation d;
	u8 *child;

	begin("size=4M", PAGES);
	pager_init(&pg, &pool);
	pg.ctl->truncates = 1;
	pager_launch(&pg);
	stop = false;
	ASSERT_EQ(pthread_create(&t[0], NULL, touch, (void *)1), 0);
	ASSERT_EQ(pthread_create(&t[1], NULL, touch, (void *)2), 0);
	ASSERT_EQ(pthread_create(&t[2], NULL, punch_and_page, (void *)3), 0);
	for (n = 0; n < rounds; n++) {
		long ret = __donate(part, START, COUNT, &d);

		ASSERT(!ret || ret == -EBUSY);
		if (ret)
			continue;
		given++;
		ASSERT(all_locked(part, &d));
		child = part_map(d.fd, COUNT);
		for (i = 0; i < COUNT; i++)
			ASSERT(page_is_zero(child + i * PAGE_SIZE));
		fill_child(child, COUNT);
		sched_yield();
		check_child(child, COUNT);
		ASSERT(all_locked(part, &d));
		munmap(child, COUNT * PAGE_SIZE);
		close(d.fd);
	}
	stop = true;
	for (i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	diag("%llu of %llu given, %llu of %llu touches met a lock", (unsigned long long)given,
	     (unsigned long long)rounds, (unsigned long long)faults,
	     (unsigned long long)touches);
	ASSERT_GT(given, 0);
	ASSERT_EQ(part_info(part).locked_pages, 0);
	ASSERT_EQ(part_info(part).lent_pages, 0);
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	pool_umount(&pool);
}

static const struct tarn_test tests[] = {
	TEST(quota), TEST(policy_is_for_others), TEST(what_is_in_use_is_not_given),
	TEST(never_paged), TEST(blocks_come_apart),
	TEST(devices_may_write_to_it), TEST(a_device_outlives_the_file),
	TEST(registered_buffers),
	TEST(memory_error), TEST(under_fire),
};

TESTS_MAIN(tests)
