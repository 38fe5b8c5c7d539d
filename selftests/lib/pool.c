// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool fixture: mount, partitions, calls on them, page contents and
 * accesses that may fault. Nothing here knows of a pager.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pool.h"

int __pool_mount(const char *dir, const char *options)
{
	return SYS(mount("tarn", dir, "tarnfs", 0, options));
}

void pool_mount(struct pool *p, const char *options)
{
	int ret;

	TEST_REQUIRE(geteuid() == 0, "needs root");
	strcpy(p->dir, "/tmp/tarn.XXXXXX");
	ASSERT(mkdtemp(p->dir));
	ret = __pool_mount(p->dir, options);
	TEST_REQUIRE(ret != -ENODEV, "the module tarn is not loaded");
	if (ret)
		FAIL("mount %s: %s", options, strerror(-ret));
	p->fd = ASSERT_OK(open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int __pool_remount(struct pool *p, const char *options)
{
	return SYS(mount("tarn", p->dir, "tarnfs", MS_REMOUNT, options));
}

int __pool_umount(struct pool *p)
{
	return SYS(umount2(p->dir, 0));
}

void pool_umount(struct pool *p)
{
	close(p->fd);
	p->fd = -1;
	ASSERT_OK(__pool_umount(p));
	ASSERT_OK(rmdir(p->dir));
}

struct tarn_pool_info pool_info(struct pool *p)
{
	struct tarn_pool_info info = { .size = sizeof(info) };

	tarn_op(p->fd, TARN_POOL_INFO, &info);
	return info;
}

struct tarn_pool_faults pool_faults(struct pool *p, u32 partition,
				    struct tarn_fault *list, u32 count)
{
	struct tarn_pool_faults f = {
		.size = sizeof(f),
		.partition = partition,
		.count = count,
		.faults = (uintptr_t)list,
	};

	tarn_op(p->fd, TARN_POOL_FAULTS, &f);
	ASSERT_LE(f.count, count);
	ASSERT_LE(f.count, f.pending);
	return f;
}

u64 pool_latencies(struct pool *p, u64 *slow, u64 ms)
{
	struct tarn_pool_info i = pool_info(p);
	u64 sum = 0;
	int n;

	*slow = 0;
	for (n = 0; n < TARN_LATENCY_BUCKETS; n++) {
		sum += i.latency[n];
		if (2ULL << n > ms * 1000000)
			*slow += i.latency[n];
	}
	return sum;
}

void pool_readahead(struct pool *p, u32 pages)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_READAHEAD,
		.readahead_pages = pages,
	};

	tarn_op(p->fd, TARN_POOL_SET, &set);
}

void pool_assert_idle(struct pool *p)
{
	struct tarn_pool_info info;

	/* who was killed a moment ago may still be giving its mappings back */
	WAIT_FOR((info = pool_info(p),
		  info.free_frames == info.frames && !info.partitions));
	ASSERT_EQ(info.limbo_frames, 0);
	ASSERT_EQ(info.resident_pages, 0);
	ASSERT_EQ(info.paged_pages, 0);
	ASSERT_EQ(info.logical_pages, 0);
	ASSERT_EQ(info.partitions, 0);
}

long __tarn_op(int fd, unsigned long cmd, void *arg)
{
	return SYS(ioctl(fd, cmd, arg));
}

int part_open(struct pool *p, const char *name, int flags)
{
	return ASSERT_OK(openat(p->fd, name, flags | O_CLOEXEC, 0600));
}

int part_create(struct pool *p, const char *name, u64 pages)
{
	int fd = part_open(p, name, O_RDWR | O_CREAT | O_EXCL);

	ASSERT_OK(ftruncate(fd, pages * PAGE_SIZE));
	return fd;
}

void part_unlink(struct pool *p, const char *name)
{
	ASSERT_OK(unlinkat(p->fd, name, 0));
}

u8 *part_map_prot(int fd, u64 pages, int prot)
{
	void *map = mmap(NULL, pages * PAGE_SIZE, prot, MAP_SHARED, fd, 0);

	ASSERT(map != MAP_FAILED);
	return map;
}

u8 *part_map(int fd, u64 pages)
{
	return part_map_prot(fd, pages, PROT_READ | PROT_WRITE);
}

u8 *part_map_filled(int fd, u64 pages)
{
	u8 *map = part_map(fd, pages);
	u64 i;

	for (i = 0; i < pages; i++)
		page_fill(map + i * PAGE_SIZE, 9, i, 1);
	return map;
}

struct tarn_partition_info part_info(int fd)
{
	struct tarn_partition_info info = { .size = sizeof(info) };

	tarn_op(fd, TARN_PARTITION_INFO, &info);
	return info;
}

void part_states(int fd, u64 start, u64 count, u8 *states)
{
	struct tarn_partition_pages pages = {
		.size = sizeof(pages),
		.start = start,
		.count = count,
		.states = (uintptr_t)states,
	};

	tarn_op(fd, TARN_PARTITION_PAGES, &pages);
	ASSERT_EQ(pages.count, count);
}

u8 part_state(int fd, u64 index)
{
	u8 state = 0xff;

	part_states(fd, index, 1, &state);
	return state;
}

u64 part_count(int fd, u64 start, u64 count, u8 mask, u8 value)
{
	u8 *states = malloc(count);
	u64 i, n = 0;

	ASSERT(states);
	part_states(fd, start, count, states);
	for (i = 0; i < count; i++)
		n += (states[i] & mask) == value;
	free(states);
	return n;
}

static long range_op(int fd, unsigned long cmd, u64 start, u64 count, u64 *done)
{
	struct tarn_partition_range range = {
		.size = sizeof(range),
		.start = start,
		.count = count,
	};
	long ret = __tarn_op(fd, cmd, &range);

	if (done)
		*done = range.done;
	return ret;
}

long __part_page_out(int fd, u64 start, u64 count, u64 *done)
{
	return range_op(fd, TARN_PARTITION_PAGE_OUT, start, count, done);
}

long __part_page_in(int fd, u64 start, u64 count, u64 *done)
{
	return range_op(fd, TARN_PARTITION_PAGE_IN, start, count, done);
}

long __part_find_patterns(int fd, u64 start, u64 count, u64 *done)
{
	return range_op(fd, TARN_PARTITION_PATTERNS, start, count, done);
}

u64 part_page_out(int fd, u64 start, u64 count)
{
	u64 done;

	ASSERT_EQ(__part_page_out(fd, start, count, &done), 0);
	return done;
}

u64 part_page_in(int fd, u64 start, u64 count)
{
	u64 done;

	ASSERT_EQ(__part_page_in(fd, start, count, &done), 0);
	return done;
}

static __thread sigjmp_buf fault_env;
static __thread volatile sig_atomic_t fault_armed;

static void on_fault(int sig)
{
	if (!fault_armed) {
		signal(sig, SIG_DFL);
		return;
	}
	siglongjmp(fault_env, sig);
}

int try_call(void (*fn)(void *arg), void *arg)
{
	struct sigaction sa = { .sa_handler = on_fault };
	int sig;

	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sig = sigsetjmp(fault_env, 1);
	if (!sig) {
		fault_armed = 1;
		fn(arg);
	}
	fault_armed = 0;
	return sig;
}

struct access {
	volatile u8 *p;
	u8 value;
};

static void do_read(void *arg)
{
	struct access *a = arg;

	a->value = *a->p;
}

static void do_write(void *arg)
{
	struct access *a = arg;

	*a->p = a->value;
}

int try_read(const volatile u8 *p, u8 *value)
{
	struct access a = { (volatile u8 *)p, 0 };
	int sig = try_call(do_read, &a);

	if (!sig && value)
		*value = a.value;
	return sig;
}

int try_write(volatile u8 *p, u8 value)
{
	struct access a = { p, value };

	return try_call(do_write, &a);
}

/* A page is 512 words: seed, index, version, then a stream made from them. */
static u64 word_start(u64 seed, u64 index, u64 version)
{
	return (seed * 0x9e3779b97f4a7c15ULL) ^ (index << 20) ^
	       (version * 0xff51afd7ed558ccdULL) ^ 0x7461726e;
}

void page_fill(void *page, u64 seed, u64 index, u64 version)
{
	struct rng r = { word_start(seed, index, version) };
	volatile u64 *w = page;
	int i;

	w[0] = seed;
	w[1] = index;
	w[2] = version;
	for (i = 3; i < 512; i++)
		w[i] = rng_next(&r);
}

bool page_is_zero(const void *page)
{
	const volatile u64 *w = page;
	int i;

	for (i = 0; i < 512; i++) {
		if (w[i])
			return false;
	}
	return true;
}

s64 page_version(const void *page, u64 seed, u64 index)
{
	const volatile u64 *w = page;
	struct rng r;
	int i;

	if (!w[0] && !w[2] && page_is_zero(page))
		return 0;
	if (w[0] != seed || w[1] != index)
		goto bad;
	r.state = word_start(seed, index, w[2]);
	for (i = 3; i < 512; i++) {
		if (w[i] != rng_next(&r))
			goto bad;
	}
	return w[2];
bad:
	diag("page %llu of seed %llx: seed %llx index %llu version %llu",
	     (unsigned long long)index, (unsigned long long)seed,
	     (unsigned long long)w[0], (unsigned long long)w[1],
	     (unsigned long long)w[2]);
	return -EILSEQ;
}

void drop_caps(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {};

	ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	ASSERT_OK(syscall(SYS_capset, &header, data));
}
