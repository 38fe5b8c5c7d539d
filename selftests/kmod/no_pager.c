// SPDX-License-Identifier: GPL-2.0-only
/*
 * No pager serves: what needs one waits, can be killed, holds up nobody else,
 * and goes on when a pager comes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 64

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;

/* All pages paged, and the pager gone. */
static void begin(void)
{
	pool_mount(&pool, "size=8M");
	pager_start(&pg, &pool);
	pool_readahead(&pool, 0);
	part = part_create(&pool, "a", PAGES);
	map = part_map_filled(part, PAGES);
	ASSERT_EQ(part_page_out(part, 0, PAGES), PAGES);
	pager_lose(&pg, &pool);
}

static void unmap(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
}

static void end(void)
{
	unmap();
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pager_assert_protocol(&pg);
	pager_free(&pg);
	pool_umount(&pool);
}

static int touch(void *arg)
{
	u64 i = (uintptr_t)arg;
	int sig = try_read(map + i * PAGE_SIZE, NULL);

	return sig ? sig : page_version(map + i * PAGE_SIZE, 9, i);
}

static int touch_group(void *arg)
{
	int i;

	setpgid(0, 0);
	for (i = 20; i < 28; i++)
		spawn(touch, (void *)(uintptr_t)i);
	for (i = 20; i < 28; i++)
		wait(NULL);
	return 0;
}

/* How many pages are waited for: a page-in is there for as long as its holder. */
static u64 waiting(void)
{
	return pool_info(&pool).faults_pending;
}

static bool waits_for(u64 i)
{
	struct tarn_fault list[PAGES];
	u32 n, count = pool_faults(&pool, 0, list, PAGES).count;

	for (n = 0; n < count; n++) {
		if (list[n].index == i)
			return true;
	}
	return false;
}

/* Any signal ends what a process waits for here, so it sleeps like others. */
static bool asleep(pid_t pid)
{
	return proc_state(pid) == 'S';
}

static pid_t waiter(u64 i)
{
	pid_t pid = spawn(touch, (void *)(uintptr_t)i);

	WAIT_FOR(waits_for(i) && asleep(pid));
	return pid;
}

static void faults_wait_for_the_next_pager(void)
{
	pid_t pid[8];
	u64 i;

	begin();
	for (i = 0; i < 8; i++)
		pid[i] = waiter(i);
	pager_launch(&pg);
	for (i = 0; i < 8; i++)
		ASSERT_EQ(reap(pid[i]), 1);
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 1);
	pager_kill(&pg);
	end();
}

static void waiters_can_be_killed(void)
{
	pid_t pid, group;
	int i;

	begin();
	for (i = 0; i < 10; i++) {
		pid = waiter(i);
		ASSERT_OK(kill(pid, SIGKILL));
		ASSERT_EQ(reap(pid), 256 + SIGKILL);
	}
	/* its children come to this process when it has ended before them */
	ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	group = spawn(touch_group, NULL);
	WAIT_FOR(waiting() == 8);
	ASSERT_OK(kill(-group, SIGKILL));
	ASSERT_EQ(reap(group), 256 + SIGKILL);
	while (wait(NULL) > 0)
		;
	end();
}

static int read_call(void *arg)
{
	u8 buf[PAGE_SIZE];

	return pread(part, buf, PAGE_SIZE, 3 * PAGE_SIZE) == PAGE_SIZE ? 0 : 1;
}

static int write_call(void *arg)
{
	return pwrite(part, "x", 1, 4 * PAGE_SIZE) == 1 ? 0 : 1;
}

static int page_in_call(void *arg)
{
	u64 done;

	return __part_page_in(part, 0, PAGES, &done) == 0 ? 0 : 1;
}

static void calls_can_be_killed(void)
{
	int (*const calls[])(void *) = { read_call, write_call };
	pid_t pid;
	size_t i;

	begin();
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		pid = spawn(calls[i], NULL);
		WAIT_FOR(waits_for(3 + i) && asleep(pid));
		ASSERT_OK(kill(pid, SIGKILL));
		ASSERT_EQ(reap(pid), 256 + SIGKILL);
	}
	/* this one says at once that there is no pager */
	ASSERT_EQ(reap(spawn(page_in_call, NULL)), 1);
	end();
}

static void truncate_meanwhile(void)
{
	pid_t pid;

	begin();
	pid = waiter(40);
	ASSERT_OK(ftruncate(part, 20 * PAGE_SIZE));
	ASSERT_EQ(reap(pid), SIGBUS);
	ASSERT_EQ(pool_info(&pool).paged_pages, 20);
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	ASSERT(page_is_zero(map + 40 * PAGE_SIZE));
	end();
}

static void punch_meanwhile(void)
{
	pid_t pid;

	begin();
	pid = waiter(40);
	ASSERT_OK(fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    30 * PAGE_SIZE, 20 * PAGE_SIZE));
	ASSERT_EQ(reap(pid), 0);
	ASSERT_EQ(pool_info(&pool).paged_pages, PAGES - 20);
	end();
}

static void unlink_meanwhile(void)
{
	pid_t pid;

	begin();
	pid = waiter(40);
	part_unlink(&pool, "a");
	unmap();
	ASSERT_EQ(pool_info(&pool).paged_pages, PAGES);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(reap(pid), 256 + SIGKILL);
	pool_assert_idle(&pool);
	pager_free(&pg);
	pool_umount(&pool);
}

static void lazy_umount_meanwhile(void)
{
	pid_t pid;

	begin();
	pid = waiter(40);
	ASSERT_EQ(__pool_umount(&pool), -EBUSY);
	ASSERT_OK(umount2(pool.dir, MNT_DETACH));
	unmap();
	close(pool.fd);
	ASSERT(asleep(pid));
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(reap(pid), 256 + SIGKILL);
	pager_free(&pg);
	/* the harness sees to it that no pool is left */
	ASSERT_OK(rmdir(pool.dir));
}

/* Ends inside of a paged page, whose rest is to be zeroes. */
static int cut_call(void *arg)
{
	return ftruncate(part, 10 * PAGE_SIZE + 5);
}

/* From inside of one page to inside of another. */
static int punch_call(void *arg)
{
	return fallocate(part, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 20 * PAGE_SIZE + 5, 2 * PAGE_SIZE);
}

static int allocate_call(void *arg)
{
	return fallocate(part, 0, 30 * PAGE_SIZE, (PAGES - 20) * PAGE_SIZE);
}

/* A write from memory that waits for a pager itself. */
static int copy_call(void *arg)
{
	return pwrite(part, map + 5 * PAGE_SIZE, PAGE_SIZE,
		      2 * PAGES * PAGE_SIZE) == PAGE_SIZE ? 0 : 1;
}

static int (*const waiting_calls[])(void *) = {
	write_call, cut_call, punch_call, allocate_call, copy_call,
};

/* The page that each waits for first. */
static const u64 first_page[] = { 4, 10, 20, 30, 5 };

/* What waits has not locked the file: it can be changed, and removed. */
static void calls_hold_up_nobody(void)
{
	pid_t pid[ARRAY_SIZE(waiting_calls)];
	size_t i;
	int ret;

	begin();
	for (i = 0; i < ARRAY_SIZE(waiting_calls); i++) {
		pid[i] = spawn(waiting_calls[i], NULL);
		WAIT_FOR(waits_for(first_page[i]) && asleep(pid[i]));
		ASSERT_EQ(SYS(pwrite(part, "new", 3, PAGES * PAGE_SIZE)), 3);
		ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	}
	part_unlink(&pool, "a");
	/* the file is shorter than what most of them are to change */
	ASSERT_OK(ftruncate(part, 0));
	for (i = 0; i < ARRAY_SIZE(waiting_calls); i++) {
		ret = reap(pid[i]);
		/* what the write was to copy may be gone */
		ASSERT(!ret || (ret == 1 && waiting_calls[i] == copy_call));
	}
	unmap();
	pool_assert_idle(&pool);
	pager_free(&pg);
	pool_umount(&pool);
}

/* Looked at through the map: what is behind the end of the file shows there. */
static void assert_zero_from(u64 index, size_t from, size_t to)
{
	for (; from < to; from++)
		ASSERT_EQ(map[index * PAGE_SIZE + from], 0);
}

static void calls_go_on_with_the_next_pager(void)
{
	pid_t pid[ARRAY_SIZE(waiting_calls)];
	u8 want[PAGE_SIZE], got[PAGE_SIZE];
	size_t i;

	begin();
	for (i = 0; i < ARRAY_SIZE(waiting_calls); i++) {
		/* the next one would find the file cut */
		if (waiting_calls[i] == cut_call)
			continue;
		pid[i] = spawn(waiting_calls[i], NULL);
		WAIT_FOR(waits_for(first_page[i]) && asleep(pid[i]));
	}
	pager_launch(&pg);
	for (i = 0; i < ARRAY_SIZE(waiting_calls); i++) {
		if (waiting_calls[i] != cut_call)
			ASSERT_EQ(reap(pid[i]), 0);
	}
	page_fill(want, 9, 4, 1);
	want[0] = 'x';
	ASSERT(!memcmp(map + 4 * PAGE_SIZE, want, PAGE_SIZE));
	page_fill(want, 9, 20, 1);
	ASSERT(!memcmp(map + 20 * PAGE_SIZE, want, 5));
	assert_zero_from(20, 5, PAGE_SIZE);
	ASSERT(page_is_zero(map + 21 * PAGE_SIZE));
	page_fill(want, 9, 22, 1);
	assert_zero_from(22, 0, 5);
	ASSERT(!memcmp(map + 22 * PAGE_SIZE + 5, want + 5, PAGE_SIZE - 5));
	for (i = 30; i < PAGES; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 1);
	ASSERT_EQ(SYS(pread(part, got, PAGE_SIZE, 2 * PAGES * PAGE_SIZE)),
		  PAGE_SIZE);
	ASSERT_PAGE(got, 9, 5, 1);
	pager_kill(&pg);
	end();
}

static void cut_goes_on_with_the_next_pager(void)
{
	u8 want[PAGE_SIZE];
	struct stat st;
	pid_t pid;

	begin();
	pid = spawn(cut_call, NULL);
	WAIT_FOR(waits_for(10) && asleep(pid));
	ASSERT_OK(fstat(part, &st));
	ASSERT_EQ(st.st_size, PAGES * PAGE_SIZE);
	pager_launch(&pg);
	ASSERT_EQ(reap(pid), 0);
	ASSERT_OK(fstat(part, &st));
	ASSERT_EQ(st.st_size, 10 * PAGE_SIZE + 5);
	page_fill(want, 9, 10, 1);
	ASSERT(!memcmp(map + 10 * PAGE_SIZE, want, 5));
	assert_zero_from(10, 5, PAGE_SIZE);
	pager_kill(&pg);
	end();
}

#define RECORD 30

static int append_call(void *arg)
{
	char path[64], record[RECORD];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", part);
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	memset(record, (uintptr_t)arg, RECORD);
	return write(fd, record, RECORD) == RECORD ? 0 : 1;
}

/* Each looks anew for the end when it can go on, so nothing is overwritten. */
static void appends_wait_one_beside_the_other(void)
{
	const off_t old = PAGES * PAGE_SIZE - 2 * RECORD;
	char got[4 * RECORD];
	pid_t pid[4];
	int i, j;

	begin();
	pager_launch(&pg);
	ASSERT_OK(ftruncate(part, old));
	ASSERT_EQ(part_page_out(part, PAGES - 1, 1), 1);
	pager_kill(&pg);
	for (i = 0; i < 4; i++) {
		pid[i] = spawn(append_call, (void *)(uintptr_t)('a' + i));
		WAIT_FOR(waits_for(PAGES - 1) && asleep(pid[i]));
	}
	pager_launch(&pg);
	for (i = 0; i < 4; i++)
		ASSERT_EQ(reap(pid[i]), 0);
	ASSERT_EQ(SYS(pread(part, got, sizeof(got), old)), sizeof(got));
	for (i = 0; i < 4; i++) {
		for (j = 1; j < RECORD; j++)
			ASSERT_EQ(got[i * RECORD + j], got[i * RECORD]);
		for (j = 0; j < i; j++)
			ASSERT(got[i * RECORD] != got[j * RECORD]);
	}
	pager_kill(&pg);
	end();
}

#define OTHER_PAGES 2048

static int fill_call(void *arg)
{
	u64 i;

	/* None of them could spare its frame. */
	for (i = 0; i < OTHER_PAGES; i++)
		page_fill((u8 *)arg + i * PAGE_SIZE, 1, i, 1);
	return 0;
}

/* It waits for a frame of a page that lies far behind the end when it goes on. */
static void append_to_what_became_shorter(void)
{
	pid_t filler, pid;
	u8 *other_map;
	int other;

	begin();
	other = part_create(&pool, "b", OTHER_PAGES);
	other_map = part_map(other, OTHER_PAGES);
	filler = spawn(fill_call, other_map);
	WAIT_FOR(asleep(filler) && pool_info(&pool).frame_waits);
	pid = spawn(append_call, (void *)(uintptr_t)'a');
	WAIT_FOR(waits_for(PAGES) && asleep(pid));
	ASSERT_OK(ftruncate(part, 0));
	ASSERT_OK(kill(filler, SIGKILL));
	ASSERT_EQ(reap(filler), 256 + SIGKILL);
	ASSERT_OK(ftruncate(other, 0));
	ASSERT_EQ(reap(pid), 0);
	ASSERT_EQ(lseek(part, 0, SEEK_END), RECORD);
	ASSERT_EQ(part_info(part).resident_pages, 1);
	munmap(other_map, OTHER_PAGES * PAGE_SIZE);
	close(other);
	part_unlink(&pool, "b");
	end();
}

static void *munmap_half(void *arg)
{
	ASSERT_OK(munmap(map + 32 * PAGE_SIZE, 32 * PAGE_SIZE));
	return NULL;
}

static void *touch_thread(void *arg)
{
	return (void *)(uintptr_t)try_read(map + 40 * PAGE_SIZE, NULL);
}

/* The waiting thread holds no lock that its own process needs. */
static int munmap_in_a_thread(void *arg)
{
	pthread_t t, u;
	void *ret;

	setpgid(0, 0);
	pthread_create(&t, NULL, touch_thread, NULL);
	WAIT_FOR(waits_for(40));
	pthread_create(&u, NULL, munmap_half, NULL);
	pthread_join(u, NULL);
	if (mmap(map + 32 * PAGE_SIZE, 32 * PAGE_SIZE, PROT_READ,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return 1;
	*(_Atomic int *)arg = 1;
	pthread_join(t, &ret);
	return ret ? 2 : 0;
}

static void munmap_meanwhile(void)
{
	_Atomic int *unmapped = shared_alloc(PAGE_SIZE);
	pid_t pid;

	begin();
	pid = spawn(munmap_in_a_thread, (void *)unmapped);
	WAIT_FOR(*unmapped);
	/* its thread still waits for the page; then it finds the new mapping */
	pager_launch(&pg);
	ASSERT_EQ(reap(pid), 0);
	pager_kill(&pg);
	end();
}

struct handled {
	_Atomic int begun, signals;
};

static struct handled *handled;

static void on_signal(int sig)
{
	handled->signals++;
}

static void handle(int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &sa, NULL);
	handled->begun = 1;
}

static int touch_handling(void *arg)
{
	handle(0);
	return touch(arg);
}

static int read_handling(void *arg)
{
	u8 buf[PAGE_SIZE];
	long ret;

	handle(arg ? SA_RESTART : 0);
	ret = SYS(pread(part, buf, PAGE_SIZE, 3 * PAGE_SIZE));
	return ret == PAGE_SIZE ? page_version(buf, 9, 3) : -ret;
}

/* The kernel copies from a paged page, and does not ask for signals. */
static int copy_handling(void *arg)
{
	u8 buf[PAGE_SIZE];
	int p[2];

	handle(0);
	if (pipe(p) || write(p[1], map + 3 * PAGE_SIZE, PAGE_SIZE) != PAGE_SIZE ||
	    read(p[0], buf, PAGE_SIZE) != PAGE_SIZE)
		return 2;
	return page_version(buf, 9, 3);
}

static pid_t handling_waiter(int (*fn)(void *), bool arg, u64 i)
{
	pid_t pid;

	handled = shared_alloc(PAGE_SIZE);
	pid = spawn(fn, arg ? (void *)i : NULL);
	WAIT_FOR(handled->begun && waits_for(i) && asleep(pid));
	return pid;
}

/* A handler runs while its page is waited for, as often as there are signals. */
static void signals_are_handled_meanwhile(void)
{
	pid_t pid;
	int i;

	begin();
	pid = handling_waiter(touch_handling, true, 7);
	for (i = 1; i <= 3; i++) {
		ASSERT_OK(kill(pid, SIGUSR1));
		WAIT_FOR(handled->signals == i);
		WAIT_FOR(waits_for(7) && asleep(pid));
	}
	pager_launch(&pg);
	ASSERT_EQ(reap(pid), 1);
	pager_kill(&pg);
	end();
}

static void signals_end_calls(void)
{
	pid_t pid;

	begin();
	pid = handling_waiter(read_handling, false, 3);
	ASSERT_OK(kill(pid, SIGUSR1));
	ASSERT_EQ(reap(pid), EINTR);
	ASSERT_EQ(handled->signals, 1);
	/* or not, if the handler was set up like that */
	pid = handling_waiter(read_handling, true, 3);
	ASSERT_OK(kill(pid, SIGUSR1));
	WAIT_FOR(handled->signals == 1);
	WAIT_FOR(waits_for(3) && asleep(pid));
	pager_launch(&pg);
	ASSERT_EQ(reap(pid), 1);
	pager_kill(&pg);
	end();
}

/* It goes on as if there was no signal, but it can be killed. */
static void signals_during_a_copy(void)
{
	pid_t pid, other;

	begin();
	pid = handling_waiter(copy_handling, false, 3);
	ASSERT_OK(kill(pid, SIGUSR1));
	WAIT_FOR(proc_state(pid) == 'D');
	other = handling_waiter(copy_handling, false, 3);
	ASSERT_OK(kill(other, SIGUSR1));
	ASSERT_OK(kill(other, SIGKILL));
	ASSERT_EQ(reap(other), 256 + SIGKILL);
	ASSERT_EQ(handled->signals, 0);
	pager_launch(&pg);
	ASSERT_EQ(reap(pid), 1);
	pager_kill(&pg);
	end();
}

static int pause_call(void *arg)
{
	*(_Atomic int *)arg = 1;
	return pause();
}

/*
 * The kernel keeps the address space locked for who reads it from outside. So
 * without a pager there is nothing to wait for.
 */
static void memory_of_another_process(void)
{
	_Atomic int *there = shared_alloc(PAGE_SIZE);
	pid_t pid, reader;
	char path[64];
	u8 buf[8];
	int fd;

	begin();
	pid = spawn(pause_call, (void *)there);
	WAIT_FOR(*there);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = ASSERT_OK(open(path, O_RDONLY | O_CLOEXEC));
	reader = fork();
	if (!reader)
		_exit(-SYS(pread(fd, buf, sizeof(buf), (off_t)(uintptr_t)map)));
	ASSERT_EQ(reap(reader), EIO);
	pager_launch(&pg);
	ASSERT_EQ(SYS(pread(fd, buf, sizeof(buf), (off_t)(uintptr_t)map)), sizeof(buf));
	pager_kill(&pg);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(reap(pid), 256 + SIGKILL);
	close(fd);
	end();
}

static void writes_without_a_pager(void)
{
	u64 i;

	begin();
	/* what has frames and what is new needs no pager while there is room */
	ASSERT_OK(ftruncate(part, 0));
	ASSERT_OK(ftruncate(part, PAGES * PAGE_SIZE));
	for (i = 0; i < PAGES; i++)
		page_fill(map + i * PAGE_SIZE, 9, i, 2);
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 9, i, 2);
	end();
}

static const struct tarn_test tests[] = {
	TEST(faults_wait_for_the_next_pager),
	TEST(waiters_can_be_killed),
	TEST(calls_can_be_killed),
	TEST(truncate_meanwhile),
	TEST(punch_meanwhile),
	TEST(unlink_meanwhile),
	TEST(lazy_umount_meanwhile),
	TEST(calls_hold_up_nobody),
	TEST(calls_go_on_with_the_next_pager),
	TEST(cut_goes_on_with_the_next_pager),
	TEST(appends_wait_one_beside_the_other),
	TEST(append_to_what_became_shorter),
	TEST(munmap_meanwhile),
	TEST(signals_are_handled_meanwhile),
	TEST(signals_end_calls),
	TEST(signals_during_a_copy),
	TEST(memory_of_another_process),
	TEST(writes_without_a_pager),
};

TESTS_MAIN(tests)
