// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who waits for a page can be frozen, by a control group or with the whole host, and
 * killed then; thawed, it goes on waiting, or finds the page.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 64
#define CGROUP "/sys/fs/cgroup"

static struct pool pool;
static struct pager pg;
static int part;
static u8 *map;
static char group[300];

/* All pages paged, and no pager. */
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

static void end(void)
{
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pager_assert_protocol(&pg);
	pager_free(&pg);
	pool_umount(&pool);
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* A group below our own, so that it ends with that. */
static void group_begin(void)
{
	char own[256] = "";
	FILE *f = fopen("/proc/self/cgroup", "re");

	TEST_REQUIRE(f && fscanf(f, "0::%255s", own) == 1, "no cgroup2");
	fclose(f);
	snprintf(group, sizeof(group), CGROUP "%s/freezer", own);
	TEST_REQUIRE(!mkdir(group, 0755), "no cgroup2 at " CGROUP);
}

static void group_end(void)
{
	WAIT_FOR(!rmdir(group) || errno != EBUSY);
}

static void group_put(const char *name, const char *text)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", group, name);
	if (!put(path, text))
		FAIL("%s: %s", path, strerror(errno));
}

static bool group_frozen(void)
{
	char path[400], line[64];
	bool frozen = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.events", group);
	f = fopen(path, "re");
	ASSERT(f);
	while (fgets(line, sizeof(line), f))
		frozen |= !strcmp(line, "frozen 1\n");
	fclose(f);
	return frozen;
}

static void group_add(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	group_put("cgroup.procs", text);
}

static int touch(void *arg)
{
	return page_version(map + 3 * PAGE_SIZE, 9, 3);
}

static int read_page(void *arg)
{
	u8 buf[PAGE_SIZE];

	if (SYS(pread(part, buf, PAGE_SIZE, 7 * PAGE_SIZE)) != PAGE_SIZE)
		return 2;
	return page_version(buf, 9, 7);
}

/* The kernel's own copy from the mapping. */
static int copy_page(void *arg)
{
	u8 buf[PAGE_SIZE];
	int fds[2];

	if (pipe(fds) ||
	    write(fds[1], map + 11 * PAGE_SIZE, PAGE_SIZE) != PAGE_SIZE ||
	    read(fds[0], buf, PAGE_SIZE) != PAGE_SIZE)
		return 2;
	return page_version(buf, 9, 11);
}

/* Two tasks that wait for pages, frozen as they do. */
static void begin_frozen(pid_t *pid)
{
	group_begin();
	begin();
	pid[0] = spawn(touch, NULL);
	pid[1] = spawn(read_page, NULL);
	WAIT_FOR(pool_info(&pool).faults_pending == 2);
	group_add(pid[0]);
	group_add(pid[1]);
	group_put("cgroup.freeze", "1");
	WAIT_FOR(group_frozen());
}

static void frozen_and_thawed(void)
{
	pid_t pid[2];

	begin_frozen(pid);
	group_put("cgroup.freeze", "0");
	/* both wait on */
	WAIT_FOR(pool_info(&pool).faults_pending == 2);
	group_put("cgroup.freeze", "1");
	WAIT_FOR(group_frozen());
	pager_launch(&pg);
	ASSERT_EQ(pool_info(&pool).page_ins, 0);
	group_put("cgroup.freeze", "0");
	ASSERT_EQ(reap(pid[0]), 1);
	ASSERT_EQ(reap(pid[1]), 1);
	pager_kill(&pg);
	end();
	group_end();
}

static void killed_while_frozen(void)
{
	pid_t pid[2];
	int i;

	begin_frozen(pid);
	for (i = 0; i < 2; i++) {
		ASSERT_OK(kill(pid[i], SIGKILL));
		ASSERT_EQ(reap(pid[i]), 256 + SIGKILL);
	}
	ASSERT_EQ(pool_info(&pool).faults_pending, 0);
	end();
	group_end();
}

/* A host that goes to sleep freezes all: the kernel's test of that, no more. */
static void host_freezes(void)
{
	int (*const waits[])(void *) = { touch, read_page, copy_page };
	pid_t pid[ARRAY_SIZE(waits)];
	size_t i;

	TEST_REQUIRE(put("/sys/power/pm_test", "freezer"),
		     "the kernel has no test of its freezer");
	put("/sys/module/suspend/parameters/pm_test_delay", "0");
	begin();
	for (i = 0; i < ARRAY_SIZE(waits); i++)
		pid[i] = spawn(waits[i], NULL);
	WAIT_FOR(pool_info(&pool).faults_pending == ARRAY_SIZE(waits));
	if (!put("/sys/power/state", "freeze"))
		FAIL("the host cannot freeze: %s", strerror(errno));
	ASSERT_OK(put("/sys/power/pm_test", "none") ? 0 : -1);
	WAIT_FOR(pool_info(&pool).faults_pending == ARRAY_SIZE(waits));
	pager_launch(&pg);
	for (i = 0; i < ARRAY_SIZE(waits); i++)
		ASSERT_EQ(reap(pid[i]), 1);
	pager_kill(&pg);
	end();
}

static const struct tarn_test tests[] = {
	TEST(frozen_and_thawed),
	TEST(killed_while_frozen),
	TEST(host_freezes),
};

TESTS_MAIN(tests)
