// SPDX-License-Identifier: GPL-2.0-only
/*
 * The self-checking load: workers, their operations, and the parent that
 * starts, kills, mends and verifies.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"
#include "node.h"

#define TAIL 64

struct one {
	struct load *l;
	u32 part, index;
	s64 version;
};

static struct load_page *page_of(struct load *l, u32 part, u32 index)
{
	return &l->shared->page[part * l->cfg.pages + index];
}

static u8 *addr_of(struct load *l, u32 part, u32 index)
{
	return l->map[part] + index * PAGE_SIZE;
}

static u64 seed_of(struct load *l, u32 part)
{
	return l->cfg.seed * 64 + part + 1;
}

static bool page_lock(struct load *l, u32 part, u32 index)
{
	u32 unlocked = 0;

	return atomic_compare_exchange_strong(&page_of(l, part, index)->lock,
					      &unlocked, getpid());
}

static void page_unlock(struct load *l, u32 part, u32 index)
{
	atomic_store(&page_of(l, part, index)->lock, 0);
}

static void retry(struct load *l, const char *what, long err)
{
	if (!l->cfg.tolerant)
		FAIL("%s: %ld", what, err);
	l->shared->retries++;
	msleep(1);
}

static bool is_pattern(struct load *l, u64 version)
{
	return l->cfg.what & LOAD_PATTERN && version && !(version % 4);
}

/* Of a pattern the word that says all of it. */
static u64 pattern_of(struct load *l, u32 part, u32 index, u64 version)
{
	return (seed_of(l, part) << 40 ^ (u64)index << 20 ^ version) *
		       0x9e3779b97f4a7c15ULL | 1;
}

/* Contents that pages have in common. */
#define COMMON 8
#define COMMON_SEED 77

static bool is_common(struct load *l, u64 version)
{
	return l->cfg.what & LOAD_SHARE && version % 4 == 2;
}

static u64 common_of(u64 version)
{
	return version / 4 % COMMON;
}

static void fill_content(struct load *l, u32 part, u32 index, u64 version,
			 void *to)
{
	volatile u64 *w = to;
	u64 i;

	if (is_common(l, version)) {
		page_fill(to, COMMON_SEED, 0, 1 + common_of(version));
		return;
	}
	if (!is_pattern(l, version)) {
		page_fill(to, seed_of(l, part), index, version);
		return;
	}
	for (i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		w[i] = pattern_of(l, part, index, version);
}

/*
 * The version of what is there: a pattern, or what is common, only tells whether it is what it
 * should be.
 */
static s64 content_version(struct load *l, u32 part, u32 index,
			   const void *content)
{
	u64 version = page_of(l, part, index)->version, i;
	const volatile u64 *w = content;

	if (is_common(l, version))
		return page_version(content, COMMON_SEED, 0) ==
		       (s64)(1 + common_of(version)) ? (s64)version : -EILSEQ;
	if (!is_pattern(l, version))
		return page_version(content, seed_of(l, part), index);
	for (i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		if (w[i] != pattern_of(l, part, index, version))
			return -EILSEQ;
	return version;
}

static void do_fill(void *arg)
{
	struct one *o = arg;

	fill_content(o->l, o->part, o->index, o->version,
		     addr_of(o->l, o->part, o->index));
}

static void do_check(void *arg)
{
	struct one *o = arg;

	o->version = content_version(o->l, o->part, o->index,
				     addr_of(o->l, o->part, o->index));
}

static void write_mapped(struct load *l, u32 part, u32 index)
{
	struct load_page *pg = page_of(l, part, index);
	struct one o = { l, part, index, ++pg->version };
	int sig;

	while ((sig = try_call(do_fill, &o)))
		retry(l, "write of a mapped page", sig);
}

static void check_mapped(struct load *l, u32 part, u32 index)
{
	struct one o = { l, part, index, 0 };
	int sig;

	while ((sig = try_call(do_check, &o)))
		retry(l, "read of a mapped page", sig);
	if (o.version != (s64)page_of(l, part, index)->version)
		FAIL("partition %u page %u: version %lld, should be %llu", part,
		     index, (long long)o.version,
		     (unsigned long long)page_of(l, part, index)->version);
}

static void write_called(struct load *l, u32 part, u32 index)
{
	struct load_page *pg = page_of(l, part, index);
	u8 buf[PAGE_SIZE];
	size_t done = 0;
	long ret;

	fill_content(l, part, index, ++pg->version, buf);
	while (done < PAGE_SIZE) {
		ret = SYS(pwrite(l->fd[part], buf + done, PAGE_SIZE - done,
				 index * PAGE_SIZE + done));
		if (ret <= 0)
			retry(l, "pwrite", ret);
		else
			done += ret;
	}
}

static void check_called(struct load *l, u32 part, u32 index)
{
	u8 buf[PAGE_SIZE];
	long ret;

	while ((ret = SYS(pread(l->fd[part], buf, PAGE_SIZE,
				index * PAGE_SIZE))) != PAGE_SIZE)
		retry(l, "pread", ret);
	ASSERT_EQ(content_version(l, part, index, buf),
		  page_of(l, part, index)->version);
}

/* Lock [from, to) or nothing. */
static bool range_lock(struct load *l, u32 part, u32 from, u32 to)
{
	u32 i;

	for (i = from; i < to; i++) {
		if (page_lock(l, part, i))
			continue;
		while (i-- > from)
			page_unlock(l, part, i);
		return false;
	}
	return true;
}

static void range_forget(struct load *l, u32 part, u32 from, u32 to)
{
	for (; from < to; from++) {
		page_of(l, part, from)->version = 0;
		if (l->rng.state & 1)
			check_mapped(l, part, from);
		page_unlock(l, part, from);
	}
}

static void do_punch(struct load *l, u32 part, u32 index)
{
	u32 to = index + 1 + rng_below(&l->rng, 16);
	long ret;

	if (to > l->cfg.pages)
		to = l->cfg.pages;
	if (!range_lock(l, part, index, to))
		return;
	for (;;) {
		if (rng_below(&l->rng, 2))
			ret = SYS(fallocate(l->fd[part], FALLOC_FL_PUNCH_HOLE |
						FALLOC_FL_KEEP_SIZE,
					    index * PAGE_SIZE,
					    (to - index) * PAGE_SIZE));
		else
			ret = SYS(madvise(addr_of(l, part, index),
					  (to - index) * PAGE_SIZE,
					  MADV_REMOVE));
		if (!ret)
			break;
		retry(l, "punch", ret);
	}
	range_forget(l, part, index, to);
}

#define BLOCK_PAGES 512U

/*
 * With page tables that have no table for a block, and nothing left of it, the first
 * write to it is one to all of it.
 */
static void do_block(struct load *l, u32 part, u32 index)
{
	u32 from = index & ~(BLOCK_PAGES - 1), to = from + BLOCK_PAGES;
	u8 *map = l->map[part];

	while (mmap(map, l->cfg.pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, l->fd[part], 0) != map)
		retry(l, "mapping anew", -errno);
	if (to > l->cfg.pages || !range_lock(l, part, from, to))
		return;
	while (fallocate(l->fd[part], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 from * PAGE_SIZE, BLOCK_PAGES * PAGE_SIZE))
		retry(l, "punch of a block", -errno);
	page_of(l, part, index)->version = 0;
	write_mapped(l, part, index);
	for (; from < to; from++) {
		if (from != index) {
			page_of(l, part, from)->version = 0;
			check_mapped(l, part, from);
		}
		page_unlock(l, part, from);
	}
}

static void do_truncate(struct load *l, u32 part)
{
	u32 from = l->cfg.pages - TAIL + rng_below(&l->rng, TAIL);
	long ret;

	if (!range_lock(l, part, from, l->cfg.pages))
		return;
	while ((ret = SYS(ftruncate(l->fd[part], from * PAGE_SIZE))))
		retry(l, "shrink", ret);
	while ((ret = SYS(ftruncate(l->fd[part], l->cfg.pages * PAGE_SIZE))))
		retry(l, "grow", ret);
	range_forget(l, part, from, l->cfg.pages);
}

/* What a child holds is its own; it is as many pages as are locked for it. */
static void use_child(struct load *l, int fd, u32 pages)
{
	u8 *m = mmap(NULL, pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	u32 i;

	if (m == MAP_FAILED) {
		retry(l, "mmap of a child", -errno);
		return;
	}
	for (i = 0; i < pages && !l->cfg.tolerant; i++) {
		ASSERT(page_is_zero(m + i * PAGE_SIZE));
		page_fill(m + i * PAGE_SIZE, getpid(), i, pages);
	}
	for (i = 0; i < pages && !l->cfg.tolerant; i++)
		ASSERT_PAGE(m + i * PAGE_SIZE, getpid(), i, pages);
	munmap(m, pages * PAGE_SIZE);
}

static void do_donate(struct load *l, u32 part, u32 index)
{
	u32 to = index + 1 + rng_below(&l->rng, 8);
	struct tarn_partition_donate d = { .size = sizeof(d), .start = index };
	long ret;

	if (to > l->cfg.pages)
		to = l->cfg.pages;
	if (!range_lock(l, part, index, to))
		return;
	d.count = to - index;
	ret = __tarn_op(l->fd[part], TARN_PARTITION_DONATE, &d);
	if (!ret) {
		use_child(l, d.fd, d.count);
		close(d.fd);
		range_forget(l, part, index, to);
		return;
	}
	/* Somebody holds a page, or no more may be pinned: they are as they were. */
	for (; index < to; index++)
		page_unlock(l, part, index);
	if (ret != -EBUSY && ret != -ENOSPC)
		retry(l, "donate", ret);
}

/* A partition of this worker alone, made, filled, partly read, and dropped. */
static void do_recreate(struct load *l)
{
	u32 n = 1 + rng_below(&l->rng, 200), i;
	char name[32];
	u8 *m;
	long fd;

	snprintf(name, sizeof(name), "own%d", getpid());
	unlinkat(l->pool->fd, name, 0);
	while ((fd = SYS(openat(l->pool->fd, name,
				O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
				0600))) < 0)
		retry(l, "create", fd);
	while (ftruncate(fd, n * PAGE_SIZE))
		retry(l, "size", -errno);
	while ((m = mmap(NULL, n * PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED, fd, 0)) == MAP_FAILED)
		retry(l, "mmap", -errno);
	if (rng_below(&l->rng, 2))
		unlinkat(l->pool->fd, name, 0);
	for (i = 0; i < n && !l->cfg.tolerant; i++)
		page_fill(m + i * PAGE_SIZE, getpid(), i, n);
	for (i = 0; i < n && !l->cfg.tolerant; i += 1 + rng_below(&l->rng, 3))
		ASSERT_PAGE(m + i * PAGE_SIZE, getpid(), i, n);
	unlinkat(l->pool->fd, name, 0);
	munmap(m, n * PAGE_SIZE);
	close(fd);
}

/* Most are in one domain; the last one is in none. */
static const char *domain_of(struct load *l, u32 part)
{
	return part + 1 < l->cfg.parts ? "load" : "";
}

static long set_domain(struct load *l, u32 part, const char *name)
{
	struct tarn_partition_domain d = {
		.size = sizeof(d), .flags = TARN_DOMAIN_SET,
	};

	memcpy(d.name, name, strlen(name));
	return __tarn_op(l->fd[part], TARN_PARTITION_DOMAIN, &d);
}

static void do_share(struct load *l, u32 part, u32 index)
{
	struct tarn_partition_range r = {
		.size = sizeof(r), .start = index,
		.count = 1 + rng_below(&l->rng, 64),
	};
	long ret;

	if (!rng_below(&l->rng, 64)) {
		ret = set_domain(l, part, rng_below(&l->rng, 2) ? "other" : "");
		if (!ret)
			ret = set_domain(l, part, domain_of(l, part));
	} else {
		ret = __tarn_op(l->fd[part], TARN_PARTITION_SHARE, &r);
	}
	if (ret && ret != -ENOENT && ret != -ENODEV)
		retry(l, "share", ret);
}

static void do_page_out(struct load *l, u32 part, u32 index)
{
	u32 n = 1 + rng_below(&l->rng, 32);
	u64 done;
	long ret;

	if (l->cfg.what & LOAD_PATTERN && rng_below(&l->rng, 2))
		ret = __part_find_patterns(l->fd[part], index, n, &done);
	else if (rng_below(&l->rng, 3))
		ret = __part_page_out(l->fd[part], index, n, &done);
	else
		ret = __part_page_in(l->fd[part], index, n, &done);
	if (ret && ret != -EAGAIN && ret != -ENODEV)
		retry(l, "page out or in", ret);
}

/* Homes on one node or the other, with a number or without, or none any more. */
static void set_homes(struct load *l, u32 part)
{
	struct tarn_home home = { .node = rng_below(&l->rng, 2) };
	long ret;

	if (home.node && !node_exists(1))
		home.node = 0;
	if (rng_below(&l->rng, 2))
		home.wanted_frames = 1 + rng_below(&l->rng, l->cfg.pages);
	ret = __part_set_homes(l->fd[part], &home, rng_below(&l->rng, 4) != 0);
	/* The pool may have nothing on the other node just now. */
	if (ret && (ret != -EINVAL || !node_exists(1)))
		retry(l, "homes", ret);
}

static void do_move(struct load *l, u32 part, u32 index)
{
	struct tarn_partition_relocate r = {
		.op = rng_below(&l->rng, 4) ? TARN_RELOCATE_START :
					      TARN_RELOCATE_CANCEL,
		.node = rng_below(&l->rng, 2),
		.flags = rng_below(&l->rng, 8),
		.start = index,
		.count = rng_below(&l->rng, 2) ? UINT64_MAX : 64,
		.granule = 1U << rng_below(&l->rng, 10),
	};
	long ret;

	if (rng_below(&l->rng, 2)) {
		set_homes(l, part);
		return;
	}
	if (!rng_below(&l->rng, 3)) {
		r.granule = 0;
		r.blocked_most = rng_below(&l->rng, 3000);
	}
	if (r.flags & TARN_RELOCATE_COMPACT) {
		r.flags &= ~TARN_RELOCATE_AWAY;
		r.node = 0;
		r.granule = 0;
		r.blocked_most = 0;
	}
	ret = __part_relocate(l->fd[part], &r);
	/* One is under way, or none is; the pool has nothing on the node, or there are no blocks. */
	if (ret && ret != -EBUSY && ret != -ENOENT && ret != -EINVAL)
		retry(l, "move", ret);
}

/* A pipe holds the page while it is written: the pipe shows the write. */
static void do_pipe(struct load *l, u32 part, u32 index)
{
	struct iovec v = { addr_of(l, part, index), PAGE_SIZE };
	u64 version = page_of(l, part, index)->version;
	u8 buf[PAGE_SIZE];
	int p[2];
	long ret;

	while ((ret = SYS(pipe2(p, O_CLOEXEC))))
		retry(l, "pipe", ret);
	while ((ret = SYS(vmsplice(p[1], &v, 1, 0))) <= 0)
		retry(l, "vmsplice", ret);
	/*
	 * an empty page, or a pattern, may have no frame that a pipe could hold, and what is
	 * shared is held as it is
	 */
	if (ret == PAGE_SIZE && version && !is_pattern(l, version) &&
	    !is_common(l, version) && rng_below(&l->rng, 2))
		write_mapped(l, part, index);
	if (ret == PAGE_SIZE) {
		ASSERT_EQ(SYS(read(p[0], buf, PAGE_SIZE)), PAGE_SIZE);
		ASSERT_EQ(content_version(l, part, index, buf),
			  page_of(l, part, index)->version);
	}
	close(p[0]);
	close(p[1]);
}

static void operate(struct load *l, bool may_fork);

static void do_fork(struct load *l)
{
	pid_t pid = fork();
	int i;

	if (pid < 0)
		return;
	if (!pid) {
		l->shared->forks_begun++;
		l->rng.state ^= getpid() * 0x9e3779b97f4a7c15ULL;
		for (i = 0; i < 10; i++)
			operate(l, false);
		l->shared->forks_ended++;
		_exit(0);
	}
	if (reap(pid))
		l->shared->failed = 1;
}

static void operate_locked(struct load *l, u32 part, u32 index)
{
	u32 n = rng_below(&l->rng, 16);

	if (n < 5)
		write_mapped(l, part, index);
	else if (n < 11)
		check_mapped(l, part, index);
	else if (n < 13)
		write_called(l, part, index);
	else if (n < 15 || !(l->cfg.what & LOAD_PIPE))
		check_called(l, part, index);
	else
		do_pipe(l, part, index);
}

static void operate(struct load *l, bool may_fork)
{
	u32 part = rng_below(&l->rng, l->cfg.parts);
	u32 index = rng_below(&l->rng, l->cfg.pages);
	u32 n = rng_below(&l->rng, 256), what = l->cfg.what;

	/* half of the work on a tenth of the pages */
	if (rng_below(&l->rng, 2))
		index /= 10;
	while (l->shared->pause)
		msleep(1);
	if (what & LOAD_SHARE && !rng_below(&l->rng, 20))
		do_share(l, part, index);
	if (n < 4 && (what & LOAD_PUNCH)) {
		do_punch(l, part, index);
	} else if (n < 6 && (what & LOAD_TRUNCATE)) {
		do_truncate(l, part);
	} else if (n < 7 && (what & LOAD_RECREATE)) {
		do_recreate(l);
	} else if (n < 8 && (what & LOAD_FORK) && may_fork) {
		do_fork(l);
	} else if (n < 12 && (what & LOAD_PAGE_OUT)) {
		do_page_out(l, part, index);
	} else if (n < 14 && (what & LOAD_MOVE)) {
		do_move(l, part, index);
	} else if (n < 15 && (what & LOAD_BLOCK)) {
		do_block(l, part, index);
	} else if (n < 17 && (what & LOAD_DONATE)) {
		do_donate(l, part, index);
	} else if (page_lock(l, part, index)) {
		operate_locked(l, part, index);
		page_unlock(l, part, index);
	}
	l->shared->done++;
}

static void inject_faults(void)
{
	int fd = ASSERT_OK(open("/proc/self/make-it-fail",
				O_WRONLY | O_CLOEXEC));

	ASSERT_EQ(SYS(write(fd, "1", 1)), 1);
	close(fd);
}

static int work(void *arg)
{
	struct load *l = arg;
	u64 i;

	if (l->cfg.injected)
		inject_faults();
	for (i = 0; i < l->cfg.ops && !l->shared->stop; i++)
		operate(l, true);
	return 0;
}

static void start_worker(struct load *l, u32 n)
{
	l->rng.state = (l->cfg.seed + 1) * 0x9e3779b97f4a7c15ULL +
		       ++l->started * 0xd1342543de82ef95ULL;
	l->worker[n] = spawn(work, l);
}

/* A killed process leaves its pages half written and files half as long. */
static void mend(struct load *l, pid_t pid)
{
	char name[32];
	u32 part, i;

	snprintf(name, sizeof(name), "own%d", pid);
	unlinkat(l->pool->fd, name, 0);
	for (part = 0; part < l->cfg.parts; part++) {
		for (i = 0; i < l->cfg.pages; i++) {
			if (page_of(l, part, i)->lock != (u32)pid)
				continue;
			ASSERT_OK(ftruncate(l->fd[part],
					    l->cfg.pages * PAGE_SIZE));
			write_mapped(l, part, i);
			page_unlock(l, part, i);
		}
	}
}

static void ended(struct load *l, pid_t pid, int status)
{
	u32 n;

	if (!(WIFEXITED(status) && !WEXITSTATUS(status)) &&
	    !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
		l->shared->failed = 1;
	if (WIFSIGNALED(status))
		mend(l, pid);
	for (n = 0; n < l->cfg.workers; n++) {
		if (l->worker[n] == pid)
			l->worker[n] = 0;
	}
}

void load_begin(struct load *l, struct pool *p, const struct load_config *cfg)
{
	char name[16];
	u32 n;

	memset(l, 0, sizeof(*l));
	l->cfg = *cfg;
	l->pool = p;
	ASSERT_GE(cfg->pages, 2 * TAIL);
	ASSERT_LE(cfg->parts, LOAD_MAX_PARTS);
	ASSERT_LE(cfg->workers, LOAD_MAX_WORKERS);
	l->shared = shared_alloc(sizeof(*l->shared) +
				 cfg->parts * cfg->pages *
					 sizeof(struct load_page));
	ASSERT_OK(pipe2(l->alive, O_CLOEXEC));
	for (n = 0; n < cfg->parts; n++) {
		snprintf(name, sizeof(name), "part%u", n);
		l->fd[n] = part_create(p, name, cfg->pages);
		l->map[n] = part_map(l->fd[n], cfg->pages);
		if (cfg->what & LOAD_SHARE)
			set_domain(l, n, domain_of(l, n));
	}
	for (n = 0; n < cfg->workers; n++)
		start_worker(l, n);
}

bool load_running(struct load *l)
{
	bool running = false;
	int status;
	pid_t pid;
	u32 n;

	for (n = 0; n < l->cfg.workers; n++) {
		if (!l->worker[n])
			continue;
		pid = waitpid(l->worker[n], &status, WNOHANG);
		if (pid > 0)
			ended(l, pid, status);
		else
			running = true;
	}
	if (l->shared->failed)
		FAIL("a worker failed (seed %llu)",
		     (unsigned long long)l->cfg.seed);
	return running;
}

void load_kill_one(struct load *l)
{
	u32 n = rng_below(&l->rng, l->cfg.workers);
	pid_t pid = l->worker[n];
	int status;

	if (!pid)
		return;
	kill(pid, SIGKILL);
	ASSERT_EQ(waitpid(pid, &status, 0), pid);
	ended(l, pid, status);
	start_worker(l, n);
}

void load_verify(struct load *l)
{
	u32 part, i;

	for (part = 0; part < l->cfg.parts; part++) {
		for (i = 0; i < l->cfg.pages; i++) {
			ASSERT_EQ(page_of(l, part, i)->lock, 0);
			check_mapped(l, part, i);
		}
	}
}

static void forget(struct load *l)
{
	char name[16];
	u32 n;

	for (n = 0; n < l->cfg.parts; n++) {
		snprintf(name, sizeof(name), "part%u", n);
		part_unlink(l->pool, name);
		munmap(l->map[n], l->cfg.pages * PAGE_SIZE);
		close(l->fd[n]);
	}
}

void load_end(struct load *l)
{
	char byte;

	while (load_running(l))
		msleep(5);
	/* children of killed workers may be left: the pipe's end is theirs */
	close(l->alive[1]);
	ASSERT_EQ(SYS(read(l->alive[0], &byte, 1)), 0);
	close(l->alive[0]);
	ASSERT_EQ(l->shared->forks_begun, l->shared->forks_ended);
	load_verify(l);
	diag("%llu operations, %llu retries",
	     (unsigned long long)l->shared->done,
	     (unsigned long long)l->shared->retries);
	forget(l);
}

void load_abandon(struct load *l)
{
	DIR *dir = fdopendir(dup(l->pool->fd));
	struct dirent *d;
	char byte;
	u32 n;

	for (n = 0; n < l->cfg.workers; n++) {
		if (l->worker[n])
			kill(l->worker[n], SIGKILL);
	}
	for (n = 0; n < l->cfg.workers; n++) {
		if (l->worker[n])
			reap(l->worker[n]);
	}
	/* their children see that, as their files are cut under them */
	l->shared->stop = 1;
	for (n = 0; n < l->cfg.parts; n++)
		ASSERT_OK(ftruncate(l->fd[n], 0));
	close(l->alive[1]);
	ASSERT_EQ(SYS(read(l->alive[0], &byte, 1)), 0);
	close(l->alive[0]);
	forget(l);
	ASSERT(dir);
	while ((d = readdir(dir)))
		unlinkat(l->pool->fd, d->d_name, 0);
	closedir(dir);
}
