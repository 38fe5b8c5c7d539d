// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of a partition: what is refused, where they end, and what a full
 * pool without paging answers.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pool.h"

#define OPTIONS "size=8M,paging=none"
#define PAGES 64
#define BYTES (PAGES * PAGE_SIZE)

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

static struct pool p;
static int fd;
static u8 *map;

static void begin(const char *options)
{
	int i;

	pool_mount(&p, options);
	fd = part_create(&p, "a", PAGES);
	map = part_map(fd, PAGES);
	for (i = 0; i < 8; i++)
		page_fill(map + i * PAGE_SIZE, 1, i, 1);
}

static void end(void)
{
	int i;

	for (i = 0; i < 8; i++)
		ASSERT_PAGE(map + i * PAGE_SIZE, 1, i, 1);
	munmap(map, BYTES);
	close(fd);
	part_unlink(&p, "a");
	pool_assert_idle(&p);
	pool_umount(&p);
}

static void private_writable_is_refused(void)
{
	void *m;

	begin(OPTIONS);
	m = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT(m == MAP_FAILED && errno == EINVAL);
	m = mmap(NULL, BYTES, PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT(m == MAP_FAILED && errno == EINVAL);
	end();
}

/* A private mapping must not become writable behind the pool's back. */
static void private_read_only(void)
{
	u8 byte = 0xaa, *m;
	int mem;

	begin(OPTIONS);
	m = mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
	if (m == MAP_FAILED) {
		ASSERT_EQ(errno, EINVAL);
		end();
		return;
	}
	ASSERT_PAGE(m, 1, 0, 1);
	ASSERT_ERR(mprotect(m, BYTES, PROT_READ | PROT_WRITE), EACCES);
	ASSERT_ERR(mprotect(m, PAGE_SIZE, PROT_WRITE), EACCES);
	ASSERT_ERR(mprotect(m, BYTES, PROT_READ | PROT_WRITE | PROT_EXEC),
		   EACCES);
	ASSERT_EQ(try_write(m, 1), SIGSEGV);
	/* as a debugger writes */
	mem = ASSERT_OK(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
	ASSERT_LT(SYS(pwrite(mem, &byte, 1, (uintptr_t)m)), 0);
	ASSERT_LT(SYS(pwrite(mem, &byte, 1, (uintptr_t)m + 40 * PAGE_SIZE)), 0);
	close(mem);
	ASSERT_PAGE(m, 1, 0, 1);
	ASSERT_EQ(m[40 * PAGE_SIZE], 0);
	ASSERT_EQ(madvise(m, BYTES, MADV_REMOVE), -1);
	page_fill(map + 9 * PAGE_SIZE, 1, 9, 2);
	ASSERT_PAGE(m + 9 * PAGE_SIZE, 1, 9, 2);
	munmap(m, BYTES);
	end();
}

static void read_only_descriptor(void)
{
	int ro;
	u8 *m;

	begin(OPTIONS);
	ro = part_open(&p, "a", O_RDONLY);
	ASSERT(mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) ==
	       MAP_FAILED);
	ASSERT_EQ(errno, EACCES);
	m = part_map_prot(ro, PAGES, PROT_READ);
	ASSERT_ERR(mprotect(m, BYTES, PROT_READ | PROT_WRITE), EACCES);
	ASSERT_PAGE(m + PAGE_SIZE, 1, 1, 1);
	ASSERT_EQ(try_write(m, 1), SIGSEGV);
	ASSERT_ERR(madvise(m, PAGE_SIZE, MADV_REMOVE), EACCES);
	munmap(m, BYTES);
	close(ro);
	end();
}

static void protection_changes(void)
{
	begin(OPTIONS);
	ASSERT_OK(mprotect(map, BYTES, PROT_READ));
	ASSERT_EQ(try_write(map + 20 * PAGE_SIZE, 1), SIGSEGV);
	ASSERT_EQ(try_read(map + 20 * PAGE_SIZE, NULL), 0);
	ASSERT_OK(mprotect(map, BYTES, PROT_READ | PROT_WRITE));
	ASSERT_EQ(try_write(map + 20 * PAGE_SIZE, 7), 0);
	ASSERT_EQ(map[20 * PAGE_SIZE], 7);
	ASSERT_OK(mprotect(map, BYTES, PROT_NONE));
	ASSERT_EQ(try_read(map, NULL), SIGSEGV);
	ASSERT_OK(mprotect(map, BYTES, PROT_READ | PROT_WRITE));
	end();
}

static void past_the_end(void)
{
	int i;

	begin(OPTIONS);
	ASSERT_OK(ftruncate(fd, 8 * PAGE_SIZE + 1));
	ASSERT_EQ(try_write(map + 8 * PAGE_SIZE + 4095, 1), 0);
	for (i = 9; i < PAGES; i++) {
		ASSERT_EQ(try_read(map + i * PAGE_SIZE, NULL), SIGBUS);
		ASSERT_EQ(try_write(map + i * PAGE_SIZE, 1), SIGBUS);
	}
	ASSERT_OK(ftruncate(fd, BYTES));
	ASSERT_EQ(try_read(map + 20 * PAGE_SIZE, NULL), 0);
	/* what was written past the end of the file is not part of it */
	ASSERT_EQ(map[8 * PAGE_SIZE + 4095], 0);
	end();
}

static void full_pool(void)
{
	struct tarn_pool_info info;
	u64 n, i;
	int big;
	u8 *m;

	begin(OPTIONS);
	big = part_create(&p, "big", 4096);
	m = part_map(big, 4096);
	for (n = 0; !try_write(m + n * PAGE_SIZE, n | 1); n++)
		;
	info = pool_info(&p);
	ASSERT_EQ(info.resident_pages, n + 8);
	ASSERT_LE(info.free_frames, info.frames / 16);
	ASSERT_EQ(try_write(m + n * PAGE_SIZE, 1), SIGBUS);
	ASSERT_EQ(try_read(m + n * PAGE_SIZE, NULL), 0);
	/* the fault handler's SIGBUS is EFAULT in the core's populate */
	ASSERT(madvise(m, 4096 * PAGE_SIZE, MADV_POPULATE_WRITE) &&
	       (errno == ENOSPC || errno == EFAULT));
	for (i = 0; i < n; i++)
		ASSERT_EQ(m[i * PAGE_SIZE], (u8)(i | 1));
	ASSERT_OK(madvise(m, PAGE_SIZE, MADV_REMOVE));
	ASSERT_EQ(try_write(m + n * PAGE_SIZE, 1), 0);
	munmap(m, 4096 * PAGE_SIZE);
	close(big);
	part_unlink(&p, "big");
	end();
}

/* A page that a pipe holds keeps its content and its frame. */
static void held_frames_are_in_limbo(void)
{
	struct iovec v;
	u8 copy[PAGE_SIZE];
	int pipes[2], i;

	begin(OPTIONS);
	page_fill(map + 10 * PAGE_SIZE, 1, 10, 1);
	ASSERT_OK(pipe2(pipes, O_CLOEXEC));
	v = (struct iovec){ map + 10 * PAGE_SIZE, PAGE_SIZE };
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	ASSERT_OK(madvise(v.iov_base, PAGE_SIZE, MADV_REMOVE));
	ASSERT_EQ(pool_info(&p).limbo_frames, 1);
	ASSERT_EQ(pool_info(&p).free_frames, 2048 - 9);
	ASSERT(page_is_zero(v.iov_base));
	for (i = 11; i < PAGES; i++)
		page_fill(map + i * PAGE_SIZE, 1, i, 1);
	ASSERT_EQ(SYS(read(pipes[0], copy, PAGE_SIZE)), PAGE_SIZE);
	ASSERT_PAGE(copy, 1, 10, 1);
	close(pipes[0]);
	close(pipes[1]);
	end();
}

/* To dump a guest would bring all of it in. */
static void not_in_core_dumps(void)
{
	char line[512], start[32];
	bool here = false, found = false;
	FILE *f;

	begin(OPTIONS);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)map);
	f = fopen("/proc/self/smaps", "r");
	ASSERT(f);
	while (!found && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, start, strlen(start)))
			here = true;
		found = here && !strncmp(line, "VmFlags:", 8);
	}
	fclose(f);
	ASSERT(found);
	ASSERT(strstr(line, " dd"));
	end();
}

static int child_writes(void *arg)
{
	ASSERT_PAGE(map, 1, 0, 1);
	page_fill(map + 20 * PAGE_SIZE, 1, 20, 5);
	return 0;
}

static void fork_and_mremap(void)
{
	u8 *m;

	begin(OPTIONS);
	ASSERT_EQ(map[20 * PAGE_SIZE], 0);
	ASSERT_EQ(reap(spawn(child_writes, NULL)), 0);
	ASSERT_PAGE(map + 20 * PAGE_SIZE, 1, 20, 5);
	m = mremap(map, BYTES, BYTES / 2, 0);
	ASSERT(m == map);
	m = mmap(NULL, BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT(m != MAP_FAILED);
	/* As of hugetlbfs no mapping grows; it moves. */
	ASSERT_EQ(SYS(mremap(map, BYTES / 2, BYTES,
			     MREMAP_MAYMOVE | MREMAP_FIXED, m)), -EFAULT);
	ASSERT_PAGE(map + 20 * PAGE_SIZE, 1, 20, 5);
	map = mremap(map, BYTES / 2, BYTES / 2, MREMAP_MAYMOVE | MREMAP_FIXED,
		     m);
	ASSERT(map == m);
	ASSERT_PAGE(map + 20 * PAGE_SIZE, 1, 20, 5);
	end();
}

static const struct tarn_test tests[] = {
	TEST(private_writable_is_refused),
	TEST(private_read_only),
	TEST(read_only_descriptor),
	TEST(protection_changes),
	TEST(past_the_end),
	TEST(full_pool),
	TEST(held_frames_are_in_limbo),
	TEST(not_in_core_dumps),
	TEST(fork_and_mremap),
};

TESTS_MAIN(tests)
