// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a fault needs of the address space: not its lock, where the kernel has one for
 * each mapping, so it is done once, and goes on while others have the address space
 * locked.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "pager.h"
#include "tracefs.h"

#define PAGES 64
#define EVENT "tarn_fault"

static struct pool p;
static struct pager pg;
static int fd;
static u8 *map;

/* Nothing but a test changes pages meanwhile. */
static void begin(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_SCAN,
	};

	pool_mount(&p, "size=8M");
	pager_start(&pg, &p);
	pool_readahead(&p, 0);
	tarn_op(p.fd, TARN_POOL_SET, &set);
	fd = part_create(&p, "a", 2 * PAGES);
	map = part_map(fd, 2 * PAGES);
}

static void end(void)
{
	munmap(map, 2 * PAGES * PAGE_SIZE);
	close(fd);
	part_unlink(&p, "a");
	pool_assert_idle(&p);
	pager_stop(&pg);
	pool_umount(&p);
}

/* ---- how often a fault is done ------------------------------------------- */

static void trace_end(void)
{
	trace_write("events/kprobes/" EVENT "/enable", "0");
	trace_put("kprobe_events", "-:" EVENT, O_APPEND);
	trace_write("tracing_on", "1");
}

/* Have each fault of this thread's traced that ends with VM_FAULT_RETRY. */
static bool trace_begin(void)
{
	char filter[64];

	snprintf(filter, sizeof(filter), "ret & 0x400 && common_pid == %d",
		 gettid());
	trace_end();
	trace_write("tracing_on", "0");
	return trace_put("kprobe_events",
			 "r:" EVENT " handle_mm_fault ret=$retval", O_APPEND) &&
	       trace_write("events/kprobes/" EVENT "/filter", filter) &&
	       trace_write("events/kprobes/" EVENT "/enable", "1");
}

/* Read, or write, so many pages; how many faults were to be done again. */
static int retries(u64 first, u64 count, bool write)
{
	volatile u8 *at;
	u64 i;

	trace_write("trace", " ");
	trace_write("tracing_on", "1");
	for (i = first; i < first + count; i++) {
		at = map + i * PAGE_SIZE;
		if (write)
			*at = i + 1;
		else
			(void)*at;
	}
	trace_write("tracing_on", "0");
	return trace_lines(EVENT);
}

enum { TOUCH, READ_CLEAN, WRITE_CLEAN, READ_EMPTY, WRITE_EMPTY, READ_PAGED, WAYS };

static void faults_are_done_once(void)
{
	static const char *const name[WAYS] = {
		"first touch", "read of clean pages", "write of clean pages",
		"read of empty pages", "write of what was read", "wait",
	};
	int n[WAYS], way;

	/* What the program itself faults on would count as well. */
	ASSERT_OK(mlockall(MCL_CURRENT));
	begin();
	if (!trace_begin())
		test_skip("no probes");
	n[TOUCH] = retries(0, PAGES, true);
	ASSERT_EQ(part_page_out(fd, 0, PAGES), PAGES);
	ASSERT_EQ(part_page_in(fd, 0, PAGES), PAGES);
	n[READ_CLEAN] = retries(0, PAGES, false);
	n[WRITE_CLEAN] = retries(0, PAGES, true);
	n[READ_EMPTY] = retries(PAGES, PAGES, false);
	n[WRITE_EMPTY] = retries(PAGES, PAGES, true);
	/* what has to wait is done again, which the probe sees */
	ASSERT_EQ(part_page_out(fd, 0, PAGES), PAGES);
	pg.ctl->delay_ms = 20;
	n[READ_PAGED] = retries(0, 1, false);
	trace_end();
	for (way = 0; way < WAYS; way++)
		diag("%s: %d", name[way], n[way]);
	for (way = 0; way < READ_PAGED; way++)
		ASSERT_EQ(n[way], 0);
	ASSERT_GE(n[READ_PAGED], 1);
	end();
}

/* ---- an address space that is locked ------------------------------------- */

/* What a process and its test tell each other. */
struct steps {
	_Atomic int change, touch, touched;
	_Atomic pid_t changer;
};

static struct steps *steps;

/* Reads its own memory as a debugger does: it waits with the address space locked. */
static void *look(void *arg)
{
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	u8 byte = 0;

	return (void *)(uintptr_t)(pread(mem, &byte, 1, (uintptr_t)map) == 1);
}

/* Wants it locked for itself, and whoever wants it after that waits for this. */
static void *change(void *arg)
{
	steps->changer = gettid();
	WAIT_FOR(steps->change);
	return mmap(NULL, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
}

static int touch_locked(void *arg)
{
	pthread_t looker, changer;
	void *looked, *at;
	u64 i;

	pthread_create(&changer, NULL, change, NULL);
	pthread_create(&looker, NULL, look, NULL);
	WAIT_FOR(steps->touch);
	for (i = PAGES; i < 2 * PAGES; i++)
		*(volatile u8 *)(map + i * PAGE_SIZE) = i;
	steps->touched = 1;
	pthread_join(looker, &looked);
	pthread_join(changer, &at);
	return !looked || at == MAP_FAILED;
}

static bool has_lock_of_mapping(void)
{
	struct utsname name;
	int major, minor;

	return !uname(&name) &&
	       sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 7));
}

static void faults_go_on_while_locked(void)
{
	pid_t pid;
	u64 i;

	TEST_REQUIRE(has_lock_of_mapping(),
		     "this kernel has one lock for all mappings");
	begin();
	for (i = 0; i < PAGES; i++)
		page_fill(map + i * PAGE_SIZE, 1, i, 1);
	ASSERT_EQ(part_page_out(fd, 0, PAGES), PAGES);
	steps = shared_alloc(sizeof(*steps));
	pg.ctl->hold = 1U << TARN_OP_LOAD;
	pid = spawn(touch_locked, NULL);
	WAIT_FOR(steps->changer && pool_info(&p).faults_pending);
	steps->change = 1;
	WAIT_FOR(proc_state(steps->changer) == 'D');
	steps->touch = 1;
	WAIT_FOR(steps->touched);
	ASSERT_EQ(proc_state(steps->changer), 'D');
	pg.ctl->hold = 0;
	ASSERT_EQ(reap(pid), 0);
	ASSERT_EQ(part_count(fd, PAGES, PAGES, TARN_PAGE_STATE_MASK,
			     TARN_PAGE_RESIDENT), PAGES);
	end();
}

static const struct tarn_test tests[] = {
	TEST(faults_are_done_once),
	TEST(faults_go_on_while_locked),
};

TESTS_MAIN(tests)
