// SPDX-License-Identifier: GPL-2.0-only
/*
 * References that others take of a mapping's pages (direct I/O, pipes, KVM): of
 * what is mapped they are taken without a lock, by the kernel's fast path.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pool.h"
#include "tracefs.h"

#define PAGES 8

static struct pool p;
static int fd, pipes[2];
static u8 *map;

/* Have calls of the slow path traced. Which of its functions is not inlined, and called? */
static bool trace_begin(void)
{
	static const char *const slow[] = { "__gup_longterm_locked",
					    "__get_user_pages_locked",
					    "__get_user_pages" };
	char pid[16];
	bool any = false;
	size_t i;

	snprintf(pid, sizeof(pid), "%d", getpid());
	trace_write("tracing_on", "0");
	trace_write("set_ftrace_filter", " ");
	for (i = 0; i < ARRAY_SIZE(slow); i++)
		any |= trace_put("set_ftrace_filter", slow[i], O_APPEND);
	return any && trace_write("set_ftrace_pid", pid) &&
	       trace_write("current_tracer", "function");
}

static void trace_end(void)
{
	trace_write("current_tracer", "nop");
	trace_write("set_ftrace_filter", " ");
	trace_write("set_ftrace_pid", " ");
	trace_write("tracing_on", "1");
}

/* Calls of the slow path when a pipe takes the pages. */
static int slow_calls(void)
{
	struct iovec v = { map, PAGES * PAGE_SIZE };
	u8 copy[PAGES * PAGE_SIZE];
	u64 i;

	trace_write("trace", " ");
	trace_write("tracing_on", "1");
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), sizeof(copy));
	trace_write("tracing_on", "0");
	ASSERT_EQ(SYS(read(pipes[0], copy, sizeof(copy))), sizeof(copy));
	for (i = 0; i < PAGES; i++)
		ASSERT_PAGE(copy + i * PAGE_SIZE, 1, i, 1);
	return trace_lines("<-");
}

/*
 * The fast path reads an entry of a page table twice, and leaves the page to the slow
 * one when it has changed in between: so it does if its accessed bit was cleared.
 */
static void scanner_off(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_SCAN,
	};

	tarn_op(p.fd, TARN_POOL_SET, &set);
}

static void mapped_pages_take_no_lock(void)
{
	int mapped, unmapped;
	u64 i;

	if (!trace_begin())
		test_skip("no function tracer");
	pool_mount(&p, "size=4M,paging=none");
	scanner_off();
	fd = part_create(&p, "a", PAGES);
	map = part_map(fd, PAGES);
	ASSERT_OK(pipe2(pipes, O_CLOEXEC));
	for (i = 0; i < PAGES; i++)
		page_fill(map + i * PAGE_SIZE, 1, i, 1);
	mapped = slow_calls();
	/* what is not mapped has to be faulted in, which the tracer sees */
	ASSERT_OK(madvise(map, PAGES * PAGE_SIZE, MADV_DONTNEED));
	unmapped = slow_calls();
	trace_end();
	ASSERT_EQ(mapped, 0);
	ASSERT_GE(unmapped, 1);
	close(pipes[0]);
	close(pipes[1]);
	munmap(map, PAGES * PAGE_SIZE);
	close(fd);
	part_unlink(&p, "a");
	pool_assert_idle(&p);
	pool_umount(&p);
}

static const struct tarn_test tests[] = {
	TEST(mapped_pages_take_no_lock),
};

TESTS_MAIN(tests)
