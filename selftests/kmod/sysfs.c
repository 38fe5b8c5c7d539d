// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/fs/tarn/<uuid>: one file a counter, the same values as the calls give.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

static struct pool pool;
static char base[128];

struct field {
	const char *name;
	size_t offset;
	size_t size;
};

#define F(type, f) { #f, offsetof(struct type, f), sizeof(((struct type *)0)->f) }
#define P(f) F(tarn_pool_info, f)
#define Q(f) F(tarn_partition_info, f)

static const struct field pool_fields[] = {
	P(frames), P(free_frames), P(limbo_frames), P(logical_pages),
	P(resident_pages), P(paged_pages), P(page_ins), P(page_outs),
	P(clean_drops), P(zero_drops), P(pattern_drops), P(pattern_pages),
	P(refaults), P(frame_waits),
	P(load_errors), P(checksum_errors), P(store_errors), P(pinned_pages), P(low_frames),
	P(high_frames), P(paging_capacity), P(paging_used), P(metadata_bytes),
	P(readahead_pages), P(scan_permille), P(placement), P(faults_pending), P(poisoned_frames),
	P(block_promotions), P(promote_permille), P(shared_pages), P(shared_contents),
	P(shared_frames), P(share_merges), P(share_breaks), P(domains),
	P(balloon_pages), P(balloons_gone), P(saved_pages), P(import_errors),
};

static const struct field part_fields[] = {
	Q(weight), Q(fair_frames), Q(logical_pages), Q(resident_pages),
	Q(paged_pages), Q(page_ins), Q(page_outs), Q(clean_drops),
	Q(zero_drops), Q(pattern_drops), Q(pattern_pages), Q(pattern_frames),
	Q(refaults), Q(readahead), Q(frame_waits),
	Q(page_waits), Q(errors), Q(min_frames), Q(desired_frames),
	Q(working_set), Q(pinned_pages), Q(vms), Q(hypercalls), Q(block_promotions),
	Q(shared_pages), Q(shared_charge), Q(share_merges), Q(share_breaks),
	Q(balloon_pages), Q(balloons_gone), Q(imported_pages), Q(saved_pages),
	Q(hashed_pages), Q(match_ns), Q(locked_pages), Q(lent_pages), Q(donor),
};

static bool read_file(const char *dir, const char *name, char *buf, size_t size)
{
	char path[512];
	int fd;
	long n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = SYS(read(fd, buf, size - 1));
	close(fd);
	/* what it is about went after it was opened */
	if (n == -ENODEV)
		return false;
	ASSERT_GE(n, 0);
	buf[n] = 0;
	return true;
}

static u64 number(const char *dir, const char *name)
{
	char buf[256], *end;
	u64 v;

	if (!read_file(dir, name, buf, sizeof(buf)))
		FAIL("%s/%s: %s", dir, name, strerror(errno));
	v = strtoull(buf, &end, 10);
	if (end == buf || strcmp(end, "\n"))
		FAIL("%s/%s holds \"%s\"", dir, name, buf);
	return v;
}

static void compare(const char *dir, const struct field *f, size_t n,
		    const void *info)
{
	u64 want, got;
	size_t i;

	for (i = 0; i < n; i++) {
		want = f[i].size == 4 ?
			       *(const u32 *)((const u8 *)info + f[i].offset) :
			       *(const u64 *)((const u8 *)info + f[i].offset);
		got = number(dir, f[i].name);
		if (got != want)
			FAIL("%s: %llu in sysfs, %llu by the call", f[i].name,
			     (unsigned long long)got,
			     (unsigned long long)want);
	}
}

static void find_base(void)
{
	struct tarn_pool_info info = pool_info(&pool);
	char *p = base + sprintf(base, "/sys/fs/tarn/");
	int i;

	for (i = 0; i < TARN_UUID_SIZE; i++)
		p += sprintf(p, i == 4 || i == 6 || i == 8 || i == 10 ?
					"-%02x" : "%02x", info.uuid[i]);
}

static void values(void)
{
	struct tarn_partition_info pi;
	struct tarn_pool_info info;
	char dir[256], latency[4096];
	struct pager pg;
	u64 sum = 0;
	int part, i;
	u8 *map;

	pool_mount(&pool, "size=8M");
	find_base();
	pager_start(&pg, &pool);
	part = part_create(&pool, "a", 256);
	map = part_map(part, 256);
	for (i = 0; i < 256; i++)
		map[i * PAGE_SIZE] = i & 7;
	part_page_out(part, 0, 256);
	for (i = 0; i < 128; i++)
		ASSERT_EQ(map[i * PAGE_SIZE], i & 7);
	/* what was read ahead may be on its way still */
	WAIT_FOR(!part_count(part, 0, 256, TARN_PAGE_IN_FLIGHT,
			     TARN_PAGE_IN_FLIGHT));
	info = pool_info(&pool);
	compare(base, pool_fields, ARRAY_SIZE(pool_fields), &info);
	pi = part_info(part);
	snprintf(dir, sizeof(dir), "%s/partitions/%u", base, pi.id);
	compare(dir, part_fields, ARRAY_SIZE(part_fields), &pi);
	ASSERT_GT(info.page_ins, 0);
	ASSERT_EQ(info.page_ins, pi.page_ins);
	ASSERT_EQ(info.page_outs, pi.page_outs);
	ASSERT_EQ(info.zero_drops, pi.zero_drops);
	/* somebody waited for the pages that were not read ahead, or for more */
	for (i = 0; i < TARN_LATENCY_BUCKETS; i++)
		sum += pi.latency[i];
	ASSERT_GE(sum, pi.page_ins - pi.readahead);
	ASSERT_LE(sum, pi.page_ins);
	ASSERT(read_file(base, "latency", latency, sizeof(latency)));
	ASSERT(read_file(dir, "latency", latency, sizeof(latency)));
	snprintf(dir, sizeof(dir), "%s/node0", base);
	ASSERT_EQ(number(dir, "frames"), info.frames);
	ASSERT_EQ(number(dir, "free_frames"), info.free_frames);
	munmap(map, 256 * PAGE_SIZE);
	close(part);
	snprintf(dir, sizeof(dir), "%s/partitions/%u", base, pi.id);
	ASSERT_OK(access(dir, F_OK));
	part_unlink(&pool, "a");
	ASSERT_ERR(access(dir, F_OK), ENOENT);
	pager_stop(&pg);
	ASSERT_OK(access(base, F_OK));
	pool_umount(&pool);
	ASSERT_ERR(access(base, F_OK), ENOENT);
}

/* Files are for reading; all of them, by anybody at any time. */
static int reader(void *arg)
{
	_Atomic int *stop = arg;
	char path[512], dir[512], buf[4096];
	struct dirent *d;
	DIR *list;

	snprintf(path, sizeof(path), "%s/partitions", base);
	while (!*stop) {
		list = opendir(path);
		if (!list)
			continue;
		while ((d = readdir(list))) {
			if (d->d_name[0] == '.')
				continue;
			snprintf(dir, sizeof(dir), "%.200s/%.200s", path,
				 d->d_name);
			if (read_file(dir, "resident_pages", buf, 4096))
				read_file(dir, "latency", buf, 4096);
			read_file(dir, "place_rate", buf, 4096);
			read_file(dir, "node0/misplaced_pages", buf, 4096);
		}
		closedir(list);
		msleep(1);
	}
	return 0;
}

static void partitions_come_and_go(void)
{
	_Atomic int *stop = shared_alloc(PAGE_SIZE);
	char name[16];
	pid_t pid[2];
	int i, fd;

	pool_mount(&pool, "size=4M");
	find_base();
	pid[0] = spawn(reader, (void *)stop);
	pid[1] = spawn(reader, (void *)stop);
	for (i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		fd = part_create(&pool, name, 16);
		ASSERT_EQ(SYS(pwrite(fd, "x", 1, 0)), 1);
		part_unlink(&pool, name);
		close(fd);
	}
	*stop = 1;
	ASSERT_EQ(reap(pid[0]), 0);
	ASSERT_EQ(reap(pid[1]), 0);
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

/* A file held open while its pool goes: an error, not a crash. */
static void open_file_of_a_gone_pool(void)
{
	char path[256], buf[64];
	long ret;
	int fd;

	pool_mount(&pool, "size=4M");
	find_base();
	snprintf(path, sizeof(path), "%s/frames", base);
	fd = ASSERT_OK(open(path, O_RDONLY | O_CLOEXEC));
	pool_umount(&pool);
	ret = SYS(read(fd, buf, sizeof(buf)));
	ASSERT_EQ(ret, -ENODEV);
	close(fd);
}

static const struct tarn_test tests[] = {
	TEST(values),
	TEST(partitions_come_and_go),
	TEST(open_file_of_a_gone_pool),
};

TESTS_MAIN(tests)
