// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of a pool: what is told, to whom, and what happens to slow readers.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "pager.h"

static struct pool pool;

static int listen_to(struct pool *p)
{
	int fd = tarn_op(p->fd, TARN_POOL_EVENTS, NULL);

	ASSERT_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	return fd;
}

static struct tarn_event next(int fd)
{
	struct tarn_event ev = {};
	struct pollfd p = { .fd = fd, .events = POLLIN };

	ASSERT_EQ(poll(&p, 1, -1), 1);
	ASSERT_EQ(SYS(read(fd, &ev, sizeof(ev))), sizeof(ev));
	return ev;
}

static void expect(int fd, u32 type, u32 partition, s64 value)
{
	struct tarn_event ev = next(fd);

	ASSERT_EQ(ev.type, type);
	ASSERT_EQ(ev.partition, partition);
	ASSERT_EQ(ev.value, value);
}

static bool silent(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct tarn_event ev;

	return !poll(&p, 1, 0) && SYS(read(fd, &ev, sizeof(ev))) == -EAGAIN;
}

static void each_kind(void)
{
	struct pager pg;
	int ev, part;
	u32 id;

	pool_mount(&pool, "size=8M");
	ev = listen_to(&pool);
	ASSERT(silent(ev));
	part = part_create(&pool, "a", 16);
	id = part_info(part).id;
	expect(ev, TARN_EVENT_PARTITION_CREATED, id, 0);
	close(part);
	part_unlink(&pool, "a");
	expect(ev, TARN_EVENT_PARTITION_DESTROYED, id, 0);
	pager_start(&pg, &pool);
	expect(ev, TARN_EVENT_PAGER_ATTACHED, TARN_PARTITION_NONE, 0);
	pager_status(&pg, TARN_PAGER_IS_DEGRADED);
	expect(ev, TARN_EVENT_DEGRADED, TARN_PARTITION_NONE, 1);
	pager_status(&pg, TARN_PAGER_IS_DEGRADED | TARN_PAGER_IS_FULL);
	expect(ev, TARN_EVENT_PAGING_FULL, TARN_PARTITION_NONE, 1);
	/* a change is an event, saying it again is none */
	pager_status(&pg, TARN_PAGER_IS_DEGRADED | TARN_PAGER_IS_FULL);
	ASSERT(silent(ev));
	pager_status(&pg, TARN_PAGER_IS_FULL);
	expect(ev, TARN_EVENT_DEGRADED, TARN_PARTITION_NONE, 0);
	pager_status(&pg, 0);
	expect(ev, TARN_EVENT_PAGING_FULL, TARN_PARTITION_NONE, 0);
	ASSERT_EQ(__pool_remount(&pool, "size=16M"), 0);
	expect(ev, TARN_EVENT_RESIZED, TARN_PARTITION_NONE, 4096);
	pager_kill(&pg);
	expect(ev, TARN_EVENT_PAGER_LOST, TARN_PARTITION_NONE, 0);
	ASSERT(silent(ev));
	close(ev);
	pager_free(&pg);
	pool_umount(&pool);
}

static void time_is_the_real_one(void)
{
	struct timespec before, after;
	struct tarn_event e;
	int ev;

	pool_mount(&pool, "size=8M");
	ev = listen_to(&pool);
	clock_gettime(CLOCK_REALTIME, &before);
	close(part_create(&pool, "a", 1));
	clock_gettime(CLOCK_REALTIME, &after);
	e = next(ev);
	ASSERT_GE(e.time_ns, before.tv_sec * 1000000000LL + before.tv_nsec);
	ASSERT_LE(e.time_ns, after.tv_sec * 1000000000LL + after.tv_nsec);
	close(ev);
	pool_umount(&pool);
}

static void readers_are_independent(void)
{
	struct tarn_event buf[4];
	struct pool other;
	int a, b, c;

	pool_mount(&pool, "size=4M");
	pool_mount(&other, "size=4M");
	a = listen_to(&pool);
	b = listen_to(&pool);
	c = listen_to(&other);
	close(part_create(&pool, "a", 1));
	close(part_create(&pool, "b", 1));
	ASSERT(silent(c));
	ASSERT_ERR(read(a, buf, sizeof(buf[0]) - 1), EINVAL);
	ASSERT_EQ(SYS(read(a, buf, sizeof(buf))), 2 * sizeof(buf[0]));
	ASSERT_EQ(buf[1].type, TARN_EVENT_PARTITION_CREATED);
	/* whole records only */
	ASSERT_EQ(SYS(read(b, buf, sizeof(buf[0]) + 20)), sizeof(buf[0]));
	ASSERT_ERR(read(b, (void *)-4096L, sizeof(buf[0])), EFAULT);
	/* what could not be given out is not lost */
	ASSERT_EQ(SYS(read(b, buf, sizeof(buf))), sizeof(buf[0]));
	ASSERT(silent(a) && silent(b));
	close(a);
	close(b);
	close(c);
	pool_umount(&other);
	pool_umount(&pool);
}

static void slow_readers_are_told(void)
{
	struct tarn_event ev;
	u64 n = 0, lost = 0;
	int fd, i;

	pool_mount(&pool, "size=4M");
	fd = listen_to(&pool);
	for (i = 0; i < 2000; i++) {
		close(part_create(&pool, "a", 1));
		part_unlink(&pool, "a");
	}
	while (SYS(read(fd, &ev, sizeof(ev))) == sizeof(ev)) {
		if (ev.type == TARN_EVENT_LOST)
			lost += ev.value;
		else
			n++;
	}
	/* the loss is told with the next event at the latest */
	close(part_create(&pool, "a", 1));
	while (SYS(read(fd, &ev, sizeof(ev))) == sizeof(ev)) {
		if (ev.type == TARN_EVENT_LOST)
			lost += ev.value;
		else
			n++;
	}
	ASSERT_GT(lost, 0);
	ASSERT_EQ(n + lost, 4001);
	close(fd);
	pool_umount(&pool);
}

/* Users make and remove files as fast as they like. */
static void files_leave_room(void)
{
	struct tarn_event ev;
	bool attached = false, degraded = false, full = false;
	struct pager pg;
	u64 n = 0, lost = 0;
	int fd, i;

	pool_mount(&pool, "size=4M");
	fd = listen_to(&pool);
	for (i = 0; i < 1000; i++) {
		close(part_create(&pool, "a", 1));
		part_unlink(&pool, "a");
	}
	pager_start(&pg, &pool);
	for (i = 0; i < 1000; i++) {
		close(part_create(&pool, "a", 1));
		part_unlink(&pool, "a");
	}
	pager_status(&pg, TARN_PAGER_IS_DEGRADED);
	pager_status(&pg, TARN_PAGER_IS_DEGRADED | TARN_PAGER_IS_FULL);
	while (SYS(read(fd, &ev, sizeof(ev))) == sizeof(ev)) {
		attached |= ev.type == TARN_EVENT_PAGER_ATTACHED;
		degraded |= ev.type == TARN_EVENT_DEGRADED;
		full |= ev.type == TARN_EVENT_PAGING_FULL;
		if (ev.type == TARN_EVENT_LOST)
			lost += ev.value;
		else
			n++;
	}
	ASSERT(attached && degraded && full);
	ASSERT_EQ(n + lost, 4003);
	close(fd);
	pager_kill(&pg);
	pager_free(&pg);
	pool_umount(&pool);
}

static int blocked_reader(void *arg)
{
	struct tarn_event ev;
	int fd = *(int *)arg;

	return read(fd, &ev, sizeof(ev)) == sizeof(ev) ? (int)ev.type : 100;
}

static void blocking_read(void)
{
	pid_t pid;
	int fd;

	pool_mount(&pool, "size=4M");
	fd = tarn_op(pool.fd, TARN_POOL_EVENTS, NULL);
	pid = spawn(blocked_reader, &fd);
	WAIT_FOR(proc_state(pid) == 'S');
	close(part_create(&pool, "a", 1));
	ASSERT_EQ(reap(pid), TARN_EVENT_PARTITION_CREATED);
	close(fd);
	pool_umount(&pool);
}

/* A listener does not keep the mount busy; it sees the end. */
static void pool_goes_away(void)
{
	struct pollfd p = { .events = POLLIN };
	struct tarn_event ev;

	pool_mount(&pool, "size=4M");
	p.fd = tarn_op(pool.fd, TARN_POOL_EVENTS, NULL);
	pool_umount(&pool);
	ASSERT_EQ(poll(&p, 1, -1), 1);
	ASSERT(p.revents & POLLHUP);
	ASSERT_EQ(SYS(read(p.fd, &ev, sizeof(ev))), 0);
	close(p.fd);
}

static const struct tarn_test tests[] = {
	TEST(each_kind),
	TEST(time_is_the_real_one),
	TEST(readers_are_independent),
	TEST(slow_readers_are_told),
	TEST(files_leave_room),
	TEST(blocking_read),
	TEST(pool_goes_away),
};

TESTS_MAIN(tests)
