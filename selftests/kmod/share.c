// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharing: pages of partitions of one domain that hold the same come to share one frame, which
 * is paged out and comes back once for all, and get one of their own when they are written to.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pager.h"

#define PAGES 64
#define SEED 9

static struct pool pool;
static struct pager pg;

/** A partition that is mapped. */
struct guest {
	int fd;
	u64 pages;
	u8 *map;
	char name[8];
};

static long __set_domain(int fd, const char *name)
{
	struct tarn_partition_domain d = {
		.size = sizeof(d), .flags = TARN_DOMAIN_SET,
	};

	memcpy(d.name, name, strnlen(name, sizeof(d.name)));
	return __tarn_op(fd, TARN_PARTITION_DOMAIN, &d);
}

static void set_domain(int fd, const char *name)
{
	ASSERT_OK(__set_domain(fd, name));
}

static struct tarn_partition_domain domain_of(int fd)
{
	struct tarn_partition_domain d = { .size = sizeof(d) };

	tarn_op(fd, TARN_PARTITION_DOMAIN, &d);
	return d;
}

static void begin(const char *options)
{
	pool_mount(&pool, options);
	pager_start(&pg, &pool);
}

static void end(void)
{
	struct tarn_pool_info info;

	pool_assert_idle(&pool);
	info = pool_info(&pool);
	ASSERT_EQ(info.shared_pages, 0);
	ASSERT_EQ(info.shared_contents, 0);
	ASSERT_EQ(info.shared_frames, 0);
	ASSERT_EQ(info.domains, 0);
	WAIT_FOR(!pg.ctl->used);
	pager_stop(&pg);
	pool_umount(&pool);
}

static void guest_begin(struct guest *g, const char *name, const char *domain,
			u64 pages)
{
	g->pages = pages;
	strcpy(g->name, name);
	g->fd = part_create(&pool, name, pages);
	g->map = part_map(g->fd, pages);
	if (domain)
		set_domain(g->fd, domain);
}

static void guest_end(struct guest *g)
{
	munmap(g->map, g->pages * PAGE_SIZE);
	close(g->fd);
	part_unlink(&pool, g->name);
}

static u8 *page_of(struct guest *g, u64 index)
{
	return g->map + index * PAGE_SIZE;
}

/** Page n is what page n of everybody else is who has the same version. */
static void fill(struct guest *g, u64 first, u64 count, u64 version)
{
	u64 i;

	for (i = first; i < first + count; i++)
		page_fill(page_of(g, i), SEED, i, version);
}

static void check(struct guest *g, u64 first, u64 count, u64 version)
{
	u64 i;

	for (i = first; i < first + count; i++)
		ASSERT_PAGE(page_of(g, i), SEED, i, version);
}

/** One look. */
static u64 look(struct guest *g, u64 start, u64 count)
{
	struct tarn_partition_range r = {
		.size = sizeof(r), .start = start, .count = count,
	};

	tarn_op(g->fd, TARN_PARTITION_SHARE, &r);
	return r.done;
}

/**
 * As many as it takes for everything of two that is equal. A page that the scanner looks at
 * just then is held for that moment, and stays.
 */
static void share(struct guest *a, struct guest *b)
{
	u32 vain = 0;

	look(a, 0, a->pages);
	look(b, 0, b->pages);
	while (vain < 2) {
		u64 merged = look(a, 0, a->pages) + look(b, 0, b->pages);

		vain = merged ? 0 : vain + 1;
	}
}

static u64 shared(struct guest *g)
{
	struct tarn_partition_info info = part_info(g->fd);

	ASSERT_EQ(part_count(g->fd, 0, info.logical_pages, TARN_PAGE_STATE_MASK,
			     TARN_PAGE_SHARED), info.shared_pages);
	return info.shared_pages;
}

static u64 used_frames(void)
{
	struct tarn_pool_info info = pool_info(&pool);

	return info.frames - info.free_frames;
}

/* ---- coming to share ------------------------------------------------------ */

static void equal_pages_become_one_frame(void)
{
	struct tarn_pool_info info;
	struct guest a, b;
	u64 i;

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	ASSERT_EQ(used_frames(), 2 * PAGES);
	share(&a, &b);
	ASSERT_EQ(shared(&a), PAGES);
	ASSERT_EQ(shared(&b), PAGES);
	ASSERT_EQ(used_frames(), PAGES);
	info = pool_info(&pool);
	ASSERT_EQ(info.shared_pages, 2 * PAGES);
	ASSERT_EQ(info.shared_contents, PAGES);
	ASSERT_EQ(info.shared_frames, PAGES);
	ASSERT_EQ(info.share_merges, 2 * PAGES);
	ASSERT_EQ(info.share_breaks, 0);
	ASSERT_EQ(info.domains, 1);
	ASSERT_EQ(info.partitions, 2);
	ASSERT_EQ(info.resident_pages, PAGES);
	ASSERT_EQ(part_info(a.fd).resident_pages, 0);
	ASSERT_EQ(part_info(a.fd).shared_charge, PAGES / 2);
	check(&a, 0, PAGES, 1);
	check(&b, 0, PAGES, 1);
	ASSERT_EQ(shared(&a) + shared(&b), 2 * PAGES);
	ASSERT_EQ(pg.ctl->stores, 0);
	/* Each write is seen by who makes it, and by nobody else. */
	for (i = 0; i < PAGES; i += 2)
		page_fill(page_of(&b, i), SEED, i, 2);
	ASSERT_EQ(shared(&a), PAGES);
	ASSERT_EQ(shared(&b), PAGES / 2);
	ASSERT_EQ(part_info(b.fd).share_breaks, PAGES / 2);
	ASSERT_EQ(used_frames(), PAGES + PAGES / 2);
	check(&a, 0, PAGES, 1);
	for (i = 0; i < PAGES; i++)
		check(&b, i, 1, i % 2 ? 1 : 2);
	/* The last one that leaves takes it along. */
	fill(&a, 0, PAGES, 3);
	fill(&b, 0, PAGES, 4);
	ASSERT_EQ(pool_info(&pool).shared_contents, 0);
	ASSERT_EQ(used_frames(), 2 * PAGES);
	check(&a, 0, PAGES, 3);
	check(&b, 0, PAGES, 4);
	guest_end(&a);
	guest_end(&b);
	end();
}

/* Whose content is another one at each look. */
static void volatile_pages_are_left_alone(void)
{
	struct guest a, b;
	u64 version;

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	for (version = 1; version < 8; version++) {
		fill(&a, 0, PAGES, version);
		fill(&b, 0, PAGES, version);
		ASSERT_EQ(look(&a, 0, PAGES), 0);
		ASSERT_EQ(look(&b, 0, PAGES), 0);
	}
	share(&a, &b);
	ASSERT_EQ(shared(&a) + shared(&b), 2 * PAGES);
	check(&a, 0, PAGES, 7);
	check(&b, 0, PAGES, 7);
	guest_end(&a);
	guest_end(&b);
	end();
}

/* Equal pages of one partition, which is alone in its domain. */
static void within_one_partition(void)
{
	struct guest a;
	u64 i;

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	for (i = 0; i < PAGES; i++)
		page_fill(page_of(&a, i), SEED, i % 2, 1);
	share(&a, &a);
	ASSERT_EQ(shared(&a), PAGES);
	ASSERT_EQ(used_frames(), 2);
	page_fill(page_of(&a, 0), SEED, 0, 2);
	for (i = 1; i < PAGES; i++)
		ASSERT_PAGE(page_of(&a, i), SEED, i % 2, 1);
	ASSERT_PAGE(page_of(&a, 0), SEED, 0, 2);
	/* One word needs no frame at all, so it is not shared. */
	memset(page_of(&a, 4), 5, PAGE_SIZE);
	memset(page_of(&a, 5), 5, PAGE_SIZE);
	share(&a, &a);
	ASSERT_EQ(part_state(a.fd, 4), TARN_PAGE_RESIDENT);
	ASSERT_EQ(part_state(a.fd, 5), TARN_PAGE_RESIDENT);
	guest_end(&a);
	end();
}

/* What somebody holds by its frame, or asked a frame for, stays. */
static void held_pages_are_not_merged(void)
{
	struct tarn_partition_register area = {
		.size = sizeof(area), .type = TARN_AREA_DMA,
		.offset = 8 * PAGE_SIZE, .bytes = 3 * PAGE_SIZE,
	};
	u8 *copy = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	struct guest a, b;
	struct iovec v;
	int pipes[2];

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	v = (struct iovec){ page_of(&a, 0), PAGE_SIZE };
	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	ASSERT_OK(fallocate(a.fd, 0, 4 * PAGE_SIZE, 4 * PAGE_SIZE));
	tarn_op(a.fd, TARN_PARTITION_REGISTER, &area);
	share(&a, &b);
	share(&a, &b);
	ASSERT_EQ(part_state(a.fd, 0), TARN_PAGE_RESIDENT);
	ASSERT_EQ(part_count(a.fd, 4, 4, 0xff, TARN_PAGE_RESIDENT), 4);
	ASSERT_EQ(part_count(a.fd, 8, 3, 0xff,
			     TARN_PAGE_RESIDENT | TARN_PAGE_PINNED), 3);
	ASSERT_EQ(shared(&a), PAGES - 8);
	/* What is written now is seen by who holds it. */
	page_fill(page_of(&a, 0), SEED, 0, 2);
	ASSERT_EQ(SYS(read(pipes[0], copy, PAGE_SIZE)), PAGE_SIZE);
	ASSERT_PAGE(copy, SEED, 0, 2);
	/* Those that are shared get frames for the same. */
	area.offset = 20 * PAGE_SIZE;
	area.handle = 0;
	check(&a, 20, 3, 1);
	tarn_op(a.fd, TARN_PARTITION_REGISTER, &area);
	ASSERT_EQ(part_count(a.fd, 20, 3, 0xff,
			     TARN_PAGE_RESIDENT | TARN_PAGE_PINNED), 3);
	ASSERT_OK(fallocate(a.fd, 0, 30 * PAGE_SIZE, 4 * PAGE_SIZE));
	ASSERT_EQ(part_count(a.fd, 30, 4, 0xff, TARN_PAGE_RESIDENT), 4);
	ASSERT_EQ(shared(&a), PAGES - 15);
	check(&a, 1, PAGES - 1, 1);
	check(&b, 0, PAGES, 1);
	close(pipes[0]);
	close(pipes[1]);
	guest_end(&a);
	guest_end(&b);
	end();
}

/* What is cold the scanner finds by itself, and who is left alone with it has it back. */
static void the_scanner_finds_them(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set), .flags = TARN_POOL_SET_SCAN,
		.scan_permille = 1000,
	};
	struct guest a, b;

	begin("size=8M");
	tarn_op(pool.fd, TARN_POOL_SET, &set);
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	WAIT_FOR(pool_info(&pool).shared_pages == 2 * PAGES);
	ASSERT_EQ(used_frames(), PAGES);
	ASSERT_GT(pool_info(&pool).hashed_pages, 0);
	/* It is added when the leaf is done. */
	WAIT_FOR(pool_info(&pool).match_ns);
	check(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 2);
	WAIT_FOR(!pool_info(&pool).shared_pages);
	ASSERT_EQ(part_count(a.fd, 0, PAGES, 0xff, TARN_PAGE_RESIDENT), PAGES);
	ASSERT_EQ(pool_info(&pool).shared_contents, 0);
	check(&a, 0, PAGES, 1);
	fill(&a, 0, PAGES, 3);
	check(&a, 0, PAGES, 3);
	check(&b, 0, PAGES, 2);
	guest_end(&a);
	guest_end(&b);
	end();
}

/*
 * Who shared a page and holds it for I/O, as a pipe does, does not see what the other one
 * writes once he is alone with it.
 */
static void a_held_frame_is_nobodys_to_write(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set), .flags = TARN_POOL_SET_SCAN,
		.scan_permille = 1000,
	};
	static u8 seen[PAGE_SIZE];
	struct guest a, b;
	struct iovec v = { .iov_len = PAGE_SIZE };
	int pipes[2];

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, 2, 1);
	fill(&b, 0, 2, 1);
	share(&a, &b);
	ASSERT_EQ(pool_info(&pool).shared_pages, 4);
	ASSERT_PAGE(page_of(&a, 0), SEED, 0, 1);
	v.iov_base = page_of(&a, 0);
	ASSERT_OK(pipe(pipes));
	ASSERT_EQ(SYS(vmsplice(pipes[1], &v, 1, 0)), PAGE_SIZE);
	fill(&a, 0, 2, 2);
	/* The other page is given back, this one is not. */
	tarn_op(pool.fd, TARN_POOL_SET, &set);
	WAIT_FOR(pool_info(&pool).shared_pages == 1);
	fill(&b, 0, 2, 3);
	ASSERT_EQ(SYS(read(pipes[0], seen, PAGE_SIZE)), PAGE_SIZE);
	ASSERT_PAGE(seen, SEED, 0, 1);
	check(&a, 0, 2, 2);
	check(&b, 0, 2, 3);
	close(pipes[0]);
	close(pipes[1]);
	guest_end(&a);
	guest_end(&b);
	end();
}

/* 8 bytes for a frame, whatever is looked at. */
static void the_table_is_bounded(void)
{
	u64 before, frames, most, i;
	struct guest a;

	begin("size=8M");
	guest_begin(&a, "a", NULL, 1024);
	for (i = 0; i < 1024; i++)
		page_fill(page_of(&a, i), SEED, i, 1);
	frames = pool_info(&pool).frames;
	before = pool_info(&pool).metadata_bytes;
	set_domain(a.fd, "x");
	for (i = 0; i < 10; i++) {
		look(&a, 0, 1024);
		fill(&a, i * 100, 100, i + 2);
	}
	most = pool_info(&pool).metadata_bytes - before;
	ASSERT_LE(most, 8 * frames);
	ASSERT_GT(most, 0);
	ASSERT_EQ(shared(&a), 0);
	set_domain(a.fd, "");
	ASSERT_EQ(pool_info(&pool).metadata_bytes, before);
	guest_end(&a);
	end();
}

/* ---- reading and writing -------------------------------------------------- */

static void calls(void)
{
	static u8 data[4][PAGE_SIZE];
	u8 states[4], buf[PAGE_SIZE];
	struct tarn_partition_read r = {
		.size = sizeof(r), .start = 2, .count = 4,
		.data = (uintptr_t)data, .states = (uintptr_t)states,
	};
	struct guest a, b;
	u64 i;

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	ASSERT_EQ(SYS(pread(a.fd, buf, PAGE_SIZE, 5 * PAGE_SIZE)), PAGE_SIZE);
	ASSERT_PAGE(buf, SEED, 5, 1);
	/* In frames, and with the pager only. */
	for (i = 0; i < 2; i++) {
		r.count = 4;
		memset(data, 0, sizeof(data));
		tarn_op(a.fd, TARN_PARTITION_READ, &r);
		ASSERT_EQ(r.count, 4);
		ASSERT_PAGE(data[0], SEED, 2, 1);
		ASSERT_PAGE(data[3], SEED, 5, 1);
		ASSERT_EQ(states[1], TARN_PAGE_SHARED);
		ASSERT_EQ(pool_info(&pool).shared_frames, i ? 0 : PAGES);
		part_page_out(a.fd, 0, PAGES);
		ASSERT_EQ(pool_info(&pool).shared_frames, 0);
	}
	ASSERT_EQ(SYS(pread(b.fd, buf, PAGE_SIZE, 6 * PAGE_SIZE)), PAGE_SIZE);
	ASSERT_PAGE(buf, SEED, 6, 1);
	ASSERT_EQ(shared(&a) + shared(&b), 2 * PAGES);
	/* A few bytes of a page, and what is around them. */
	ASSERT_EQ(SYS(pwrite(a.fd, "abc", 3, 7 * PAGE_SIZE + 1000)), 3);
	ASSERT(!memcmp(page_of(&a, 7) + 1000, "abc", 3));
	memcpy(buf, page_of(&b, 7), PAGE_SIZE);
	ASSERT_PAGE(buf, SEED, 7, 1);
	ASSERT(!memcmp(page_of(&a, 7), buf, 1000));
	ASSERT(!memcmp(page_of(&a, 7) + 1003, buf + 1003, PAGE_SIZE - 1003));
	ASSERT_EQ(shared(&a), PAGES - 1);
	guest_end(&a);
	guest_end(&b);
	end();
}

static void other_mappings(void)
{
	struct guest a, b;
	u8 *shared_map, *private_map;
	pid_t pid;

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	shared_map = part_map_prot(a.fd, PAGES, PROT_READ);
	private_map = mmap(NULL, PAGES * PAGE_SIZE, PROT_READ, MAP_PRIVATE, a.fd,
			   0);
	ASSERT(private_map != MAP_FAILED);
	ASSERT_PAGE(shared_map, SEED, 0, 1);
	ASSERT_PAGE(private_map, SEED, 0, 1);
	check(&a, 0, PAGES, 1);
	/* By another process, through each mapping that was made for reading. */
	pid = fork();
	ASSERT(pid >= 0);
	if (!pid) {
		check(&a, 0, PAGES, 1);
		fill(&a, 0, PAGES / 2, 2);
		_exit(0);
	}
	ASSERT_EQ(reap(pid), 0);
	check(&a, 0, PAGES / 2, 2);
	check(&a, PAGES / 2, PAGES / 2, 1);
	ASSERT_PAGE(shared_map, SEED, 0, 2);
	ASSERT_PAGE(private_map, SEED, 0, 2);
	check(&b, 0, PAGES, 1);
	munmap(shared_map, PAGES * PAGE_SIZE);
	munmap(private_map, PAGES * PAGE_SIZE);
	guest_end(&a);
	guest_end(&b);
	end();
}

/* ---- paging --------------------------------------------------------------- */

static void desire(int fd, u64 frames)
{
	struct tarn_partition_set set = {
		.size = sizeof(set), .flags = TARN_PARTITION_SET_DESIRED,
		.desired_frames = frames,
	};

	tarn_op(fd, TARN_PARTITION_SET, &set);
}

/* It goes out once, and comes back once for all. */
static void paged_once_for_all(void)
{
	struct guest a, b, hog;
	u64 i;

	begin("size=4M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	ASSERT_EQ(pool_info(&pool).shared_frames, PAGES);
	pool_readahead(&pool, 0);
	/* One that takes all of the pool, and more, loses its own frames for that. */
	guest_begin(&hog, "hog", NULL, 2048);
	fill(&hog, 0, 2048, 1);
	fill(&hog, 0, 2048, 2);
	ASSERT_EQ(pool_info(&pool).shared_frames, PAGES);
	/* Until those who share have more than they shall: then what is charged to them goes. */
	desire(a.fd, 1);
	desire(b.fd, 1);
	for (i = 0; pool_info(&pool).shared_frames > 8; i = (i + 256) % 2048)
		fill(&hog, i, 256, 3);
	ASSERT_EQ(pool_info(&pool).shared_contents, PAGES);
	ASSERT_EQ(shared(&a), PAGES);
	guest_end(&hog);
	part_page_out(a.fd, 0, PAGES);
	ASSERT_EQ(pool_info(&pool).shared_frames, 0);
	pg.ctl->loads = 0;
	check(&a, 0, PAGES, 1);
	ASSERT_EQ(pg.ctl->loads, PAGES);
	check(&b, 0, PAGES, 1);
	ASSERT_EQ(pg.ctl->loads, PAGES);
	ASSERT_EQ(shared(&b), PAGES);
	/* It is clean, so it goes again without being stored. */
	pg.ctl->stores = 0;
	part_page_out(b.fd, 0, PAGES);
	ASSERT_EQ(pool_info(&pool).shared_frames, 0);
	ASSERT_EQ(pg.ctl->stores, 0);
	/* A write to what is out: it comes back, and one has a copy of it. */
	fill(&b, 0, PAGES / 2, 2);
	ASSERT_EQ(shared(&b), PAGES / 2);
	guest_end(&a);
	check(&b, 0, PAGES / 2, 2);
	check(&b, PAGES / 2, PAGES / 2, 1);
	guest_end(&b);
	end();
}

struct reader {
	struct guest *g;
	u64 index;
};

static int read_one(void *arg)
{
	struct reader *r = arg;

	check(r->g, r->index, 1, 1);
	return 0;
}

/* Many who want it at once wait for one read, and their page-ins have numbers. */
static void one_read_for_all(void)
{
	struct tarn_fault faults[8];
	struct reader readers[8];
	struct guest a, b;
	pid_t pid[8];
	u64 i;

	begin("size=4M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	for (i = 0; i < PAGES; i++) {
		page_fill(page_of(&a, i), SEED, 3, 1);
		page_fill(page_of(&b, i), SEED, 3, 1);
	}
	share(&a, &b);
	ASSERT_EQ(shared(&a) + shared(&b), 2 * PAGES);
	part_page_out(a.fd, 0, PAGES);
	ASSERT_EQ(pool_info(&pool).shared_contents, 1);
	ASSERT_EQ(pool_info(&pool).shared_frames, 0);
	pg.ctl->hold = 1U << TARN_OP_LOAD;
	for (i = 0; i < 8; i++) {
		readers[i] = (struct reader){ i % 2 ? &a : &b, 3 };
		pid[i] = spawn(read_one, &readers[i]);
	}
	WAIT_FOR(pool_faults(&pool, 0, faults, 8).pending == 2);
	ASSERT_EQ(pool_faults(&pool, part_info(a.fd).id, faults, 8).pending, 1);
	ASSERT_EQ(faults[0].index, 3);
	/* The pager dies with it; the next one reads it. */
	pager_kill(&pg);
	pg.ctl->hold = 0;
	pg.ctl->loads = 0;
	pager_launch(&pg);
	for (i = 0; i < 8; i++)
		ASSERT_EQ(reap(pid[i]), 0);
	ASSERT_EQ(pg.ctl->loads, 1);
	ASSERT_EQ(pool_info(&pool).faults_pending, 0);
	ASSERT_EQ(shared(&a) + shared(&b), 2 * PAGES);
	guest_end(&a);
	guest_end(&b);
	end();
}

#define MANY 5000
#define SHARERS_MOST 256
#define CANONS ((2 * MANY + SHARERS_MOST - 1) / SHARERS_MOST)

/* Ten thousand pages that hold the same: each frame has so many sharers at most. */
static void many_sharers(void)
{
	struct tarn_shared list[2];
	struct tarn_pool_sharing s = {
		.size = sizeof(s), .list = (uintptr_t)list, .count = 2,
	};
	struct guest a, b;
	u64 i;

	begin("size=44M");
	guest_begin(&a, "a", "x", MANY);
	guest_begin(&b, "b", "x", MANY);
	for (i = 0; i < MANY; i++) {
		page_fill(page_of(&a, i), SEED, 0, 1);
		memcpy(page_of(&b, i), page_of(&a, i), PAGE_SIZE);
	}
	share(&a, &b);
	ASSERT_EQ(shared(&a) + shared(&b), 2 * MANY);
	ASSERT_EQ(pool_info(&pool).shared_contents, CANONS);
	ASSERT_EQ(used_frames(), CANONS);
	tarn_op(pool.fd, TARN_POOL_SHARING, &s);
	ASSERT_EQ(s.count, 2);
	ASSERT_EQ(list[0].sharers, SHARERS_MOST);
	ASSERT_EQ(list[0].state, TARN_PAGE_RESIDENT);
	ASSERT(!strcmp((char *)list[0].domain, "x"));
	ASSERT(list[0].partition == part_info(a.fd).id ||
	       list[0].partition == part_info(b.fd).id);
	ASSERT_LT(list[0].index, MANY);
	/* Mapped by all, it goes out and comes back. */
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(page_of(&a, i)[0], page_of(&b, i)[0]);
	part_page_out(a.fd, 0, 1);
	ASSERT_EQ(used_frames(), CANONS - 1);
	ASSERT_EQ(pg.ctl->stores, 1);
	ASSERT_PAGE(page_of(&a, 77), SEED, 0, 1);
	ASSERT_EQ(pg.ctl->loads, 1);
	/* From the middle of the list, from its ends, and all of them. */
	for (i = 0; i < MANY; i += 3)
		page_of(&a, i)[8] = 1;
	ASSERT_EQ(shared(&a), MANY - (MANY + 2) / 3);
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(page_of(&a, i)[8], !(i % 3));
		ASSERT_EQ(page_of(&b, i)[8], 0);
	}
	guest_end(&b);
	ASSERT_PAGE(page_of(&a, 1), SEED, 0, 1);
	for (i = 0; i < MANY; i++)
		page_of(&a, i)[8] = 2;
	ASSERT_EQ(pool_info(&pool).shared_contents, 0);
	guest_end(&a);
	end();
}

/* Reads of all that is there go on while its frames get fewer and move. */
static void frames_that_go(void)
{
	struct guest a, b;

	begin("size=8M");
	guest_begin(&a, "a", "x", 500);
	guest_begin(&b, "b", "x", 500);
	fill(&a, 0, 500, 1);
	fill(&b, 0, 500, 1);
	share(&a, &b);
	ASSERT_EQ(pool_info(&pool).shared_frames, 500);
	ASSERT_OK(__pool_remount(&pool, "size=4M"));
	check(&a, 0, 500, 1);
	ASSERT_OK(__pool_remount(&pool, "size=2M"));
	check(&b, 0, 500, 1);
	ASSERT_EQ(shared(&a) + shared(&b), 1000);
	guest_end(&a);
	guest_end(&b);
	end();
}

/* ---- domains -------------------------------------------------------------- */

static void leaving(void)
{
	struct guest a, b, hog;

	begin("size=4M");
	guest_begin(&a, "a", "x", 200);
	guest_begin(&b, "b", "x", 200);
	fill(&a, 0, 200, 1);
	fill(&b, 0, 200, 1);
	share(&a, &b);
	ASSERT_EQ(shared(&a), 200);
	/* Nothing is free: others have to give up what it needs. */
	guest_begin(&hog, "hog", NULL, 1200);
	fill(&hog, 0, 1200, 1);
	set_domain(a.fd, "y");
	ASSERT_EQ(shared(&a), 0);
	ASSERT_EQ(shared(&b), 200);
	ASSERT(!strcmp((char *)domain_of(a.fd).name, "y"));
	ASSERT_EQ(pool_info(&pool).domains, 2);
	check(&a, 0, 200, 1);
	check(&hog, 0, 1200, 1);
	fill(&a, 0, 200, 2);
	check(&b, 0, 200, 1);
	set_domain(b.fd, "");
	ASSERT_EQ(shared(&b), 0);
	ASSERT_EQ(pool_info(&pool).domains, 1);
	ASSERT_EQ(pool_info(&pool).shared_contents, 0);
	check(&b, 0, 200, 1);
	check(&a, 0, 200, 2);
	guest_end(&hog);
	guest_end(&a);
	guest_end(&b);
	end();
}

static int leave(void *arg)
{
	struct guest *g = arg;

	return __set_domain(g->fd, "") == -EINTR ? 0 : 1;
}

static void on_alarm(int sig)
{
}

static int leave_till_signal(void *arg)
{
	struct sigaction sa = { .sa_handler = on_alarm };

	sigaction(SIGUSR1, &sa, NULL);
	return leave(arg);
}

/* What is shared is with a pager that is gone: it can't be left, until that is back. */
static void leaving_goes_on(void)
{
	struct guest a, b;
	pid_t pid;

	begin("size=4M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	part_page_out(a.fd, PAGES / 2, PAGES / 2);
	pager_lose(&pg, &pool);
	pid = spawn(leave_till_signal, &a);
	WAIT_FOR(domain_of(a.fd).flags & TARN_DOMAIN_LEAVING);
	WAIT_FOR(shared(&a) == PAGES / 2);
	/* Nothing is shared anew meanwhile. */
	look(&a, 0, PAGES);
	look(&a, 0, PAGES);
	ASSERT_EQ(shared(&a), PAGES / 2);
	ASSERT_OK(kill(pid, SIGUSR1));
	ASSERT_EQ(reap(pid), 0);
	ASSERT(!strcmp((char *)domain_of(a.fd).name, "x"));
	ASSERT(domain_of(a.fd).flags & TARN_DOMAIN_LEAVING);
	/* One that is killed leaves it like that, too. */
	pid = spawn(leave, &a);
	msleep(50);
	ASSERT_OK(kill(pid, SIGKILL));
	ASSERT_EQ(waitpid(pid, NULL, 0), pid);
	pager_launch(&pg);
	check(&a, 0, PAGES, 1);
	/* It stays, and shares again. */
	set_domain(a.fd, "x");
	ASSERT_EQ(domain_of(a.fd).flags, 0);
	share(&a, &b);
	ASSERT_EQ(shared(&a), PAGES);
	set_domain(a.fd, "");
	ASSERT_EQ(shared(&a), 0);
	check(&a, 0, PAGES, 1);
	guest_end(&a);
	guest_end(&b);
	end();
}

static void who_may_and_what(void)
{
	struct tarn_partition_domain d = { .size = sizeof(d), .flags = 8 };
	struct tarn_pool_sharing s = { .size = sizeof(s), .flags = 1 };
	struct guest a;
	int ro;

	begin("size=4M");
	guest_begin(&a, "a", NULL, PAGES);
	ASSERT_EQ(__tarn_op(a.fd, TARN_PARTITION_DOMAIN, &d), -EINVAL);
	ASSERT_EQ(__set_domain(a.fd, "has space"), -EINVAL);
	ASSERT_EQ(__set_domain(a.fd, "a\n"), -EINVAL);
	ASSERT_EQ(__set_domain(a.fd, "\xc3\xa4"), -EINVAL);
	ASSERT_EQ(__set_domain(a.fd, "0123456789012345678901234567890x"), -EINVAL);
	ASSERT_OK(__set_domain(a.fd, "0123456789012345678901234567890"));
	ASSERT_OK(__set_domain(a.fd, "0123456789012345678901234567890"));
	ASSERT_EQ(pool_info(&pool).domains, 1);
	ASSERT_OK(__set_domain(a.fd, ""));
	ASSERT_EQ(pool_info(&pool).domains, 0);
	ASSERT_EQ(__tarn_op(pool.fd, TARN_POOL_SHARING, &s), -EINVAL);
	s.flags = 0;
	s.count = TARN_SHARED_MAX + 1;
	ASSERT_EQ(__tarn_op(pool.fd, TARN_POOL_SHARING, &s), -EINVAL);
	s.count = 0;
	ASSERT_OK(__tarn_op(pool.fd, TARN_POOL_SHARING, &s));
	ro = part_open(&pool, "a", O_RDONLY);
	ASSERT_EQ(__set_domain(ro, "x"), -EPERM);
	ASSERT(!domain_of(ro).name[0]);
	close(ro);
	drop_caps();
	ASSERT_EQ(__set_domain(a.fd, "x"), -EPERM);
	ASSERT_EQ(__tarn_op(pool.fd, TARN_POOL_SHARING, &s), -EPERM);
	ASSERT(!domain_of(a.fd).name[0]);
}

static void only_within_a_domain(void)
{
	struct guest a, b, c;

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "y", PAGES);
	guest_begin(&c, "c", NULL, PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	fill(&c, 0, PAGES, 1);
	share(&a, &b);
	share(&a, &b);
	ASSERT_EQ(shared(&a) + shared(&b), 0);
	ASSERT_EQ(pool_info(&pool).domains, 2);
	/* In none, nothing is looked for. */
	ASSERT_EQ(__tarn_op(c.fd, TARN_PARTITION_SHARE,
			    &(struct tarn_partition_range){
				.size = sizeof(struct tarn_partition_range),
				.count = PAGES }), -ENOENT);
	ASSERT(!domain_of(c.fd).name[0]);
	ASSERT(!strcmp((char *)domain_of(b.fd).name, "y"));
	guest_end(&a);
	guest_end(&b);
	guest_end(&c);
	end();
}

static void holes_and_ends(void)
{
	struct guest a, b;

	begin("size=8M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	check(&a, 0, PAGES / 2, 1);
	ASSERT_OK(fallocate(a.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			    8 * PAGE_SIZE));
	ASSERT(page_is_zero(page_of(&a, 0)));
	ASSERT(page_is_zero(page_of(&a, 7)));
	ASSERT_EQ(shared(&a), PAGES - 8);
	ASSERT_OK(ftruncate(a.fd, 16 * PAGE_SIZE + 100));
	ASSERT_EQ(shared(&a), 8);
	check(&b, 0, PAGES, 1);
	ASSERT_EQ(pool_info(&pool).shared_contents, PAGES);
	ASSERT_OK(ftruncate(b.fd, 0));
	ASSERT_EQ(pool_info(&pool).shared_contents, 8);
	ASSERT_OK(ftruncate(b.fd, PAGES * PAGE_SIZE));
	ASSERT(page_is_zero(page_of(&b, 3)));
	check(&a, 8, 8, 1);
	guest_end(&b);
	check(&a, 8, 8, 1);
	guest_end(&a);
	end();
}

/* ---- memory errors -------------------------------------------------------- */

static void poison(u8 *at)
{
	long ret = SYS(madvise(at, PAGE_SIZE, MADV_HWPOISON));

	TEST_REQUIRE(ret != -EINVAL, "the kernel has no MADV_HWPOISON");
	ASSERT(!ret || ret == -EBUSY);
}

static void map_anew(struct guest *g)
{
	munmap(g->map, g->pages * PAGE_SIZE);
	g->map = part_map(g->fd, g->pages);
}

/* Who shares what is lost is told; what the pager has comes back. */
static void a_memory_error_is_that_of_its_sharers(void)
{
	struct tarn_pool_info info;
	struct guest a, b;
	u8 byte;

	begin("size=4M");
	guest_begin(&a, "a", "x", PAGES);
	guest_begin(&b, "b", "x", PAGES);
	fill(&a, 0, PAGES, 1);
	fill(&b, 0, PAGES, 1);
	share(&a, &b);
	/* Page 4 is clean, page 5 is nowhere else. */
	part_page_out(a.fd, 4, 1);
	check(&a, 0, PAGES, 1);
	poison(page_of(&a, 4));
	map_anew(&a);
	check(&a, 4, 1, 1);
	check(&b, 4, 1, 1);
	poison(page_of(&a, 5));
	map_anew(&a);
	ASSERT_EQ(try_read(page_of(&a, 5), &byte), SIGBUS);
	ASSERT_EQ(try_read(page_of(&b, 5), &byte), SIGBUS);
	ASSERT_EQ(try_write(page_of(&b, 5), 1), SIGBUS);
	ASSERT_EQ(SYS(pread(b.fd, &byte, 1, 5 * PAGE_SIZE)), -EIO);
	ASSERT_EQ(SYS(pwrite(b.fd, &byte, 1, 5 * PAGE_SIZE)), -EIO);
	ASSERT_EQ(__set_domain(b.fd, ""), -EIO);
	set_domain(b.fd, "x");
	check(&a, 0, 5, 1);
	check(&a, 6, PAGES - 6, 1);
	check(&b, 0, 5, 1);
	check(&b, 6, PAGES - 6, 1);
	/* Cut away, there is another one. */
	ASSERT_OK(fallocate(b.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    5 * PAGE_SIZE, PAGE_SIZE));
	fill(&b, 5, 1, 2);
	check(&b, 5, 1, 2);
	ASSERT_EQ(try_read(page_of(&a, 5), &byte), SIGBUS);
	guest_end(&a);
	guest_end(&b);
	WAIT_FOR((info = pool_info(&pool), !info.limbo_frames &&
		  info.free_frames + 2 == info.frames));
	ASSERT_EQ(info.poisoned_frames, 2);
	ASSERT_EQ(info.domains, 0);
	pager_stop(&pg);
	pool_umount(&pool);
}

/* ---- 2 MiB frames --------------------------------------------------------- */

#define BLOCK 512ULL

static void blocks(void)
{
	struct guest a, b;
	u64 i;

	/* On whichever node, with 2 MiB to spare. */
	begin("size=48M,huge=always");
	guest_begin(&a, "a", "x", 2 * BLOCK);
	guest_begin(&b, "b", "x", 2 * BLOCK);
	/* The first block is the same in both, of the other one a little. */
	fill(&a, 0, 2 * BLOCK, 1);
	fill(&b, 0, BLOCK + 50, 1);
	fill(&b, BLOCK + 50, BLOCK - 50, 2);
	ASSERT_EQ(part_info(a.fd).block_pages, 2 * BLOCK);
	ASSERT_EQ(part_info(b.fd).block_pages, 2 * BLOCK);
	for (i = 0; i < 4; i++)
		share(&a, &b);
	ASSERT_EQ(shared(&a), BLOCK);
	ASSERT_EQ(shared(&b), BLOCK);
	ASSERT_EQ(part_info(a.fd).block_pages, BLOCK);
	ASSERT_EQ(part_info(b.fd).block_pages, BLOCK);
	ASSERT_EQ(used_frames(), 3 * BLOCK);
	check(&a, 0, 2 * BLOCK, 1);
	check(&b, 0, BLOCK + 50, 1);
	check(&b, BLOCK + 50, BLOCK - 50, 2);
	guest_end(&a);
	guest_end(&b);
	end();
}

/* ---- all at once ---------------------------------------------------------- */

#define RACE_PAGES 48
#define RACE_ROUNDS 200

struct race {
	_Atomic u32 stop;
	struct guest *a, *b;
};

/* Shares, and gives up, by all ways. */
static int taker(void *arg)
{
	struct race *race = arg;
	struct rng rng = { .state = getpid() };
	u64 done, n = 0;

	while (!race->stop) {
		struct guest *g = rng_below(&rng, 2) ? race->a : race->b;
		u64 first = rng_below(&rng, RACE_PAGES);
		u64 count = 1 + rng_below(&rng, RACE_PAGES - first);

		if (n++ % 4)
			look(g, first, count);
		else
			__part_page_out(g->fd, first, count, &done);
	}
	return 0;
}

/* Whatever it reads, each page is whole, unless it is written just then. */
static int reader(void *arg)
{
	struct race *race = arg;
	u64 i;

	while (!race->stop) {
		for (i = 0; i < RACE_PAGES; i++) {
			const volatile u64 *p = (u64 *)page_of(race->b, i);

			ASSERT_EQ(p[0], (s64)i);
			ASSERT_EQ(p[100], (s64)i);
		}
	}
	return 0;
}

/* Page n begins with n, has it at word 100, and something else that all pages have in turn. */
static void put(struct guest *g, u64 index, u64 what)
{
	u64 *p = (u64 *)page_of(g, index), i;

	for (i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		p[i] = i % 100 ? what * i : index;
}

static void expect(struct guest *g, u64 index, u64 what)
{
	const volatile u64 *p = (u64 *)page_of(g, index);
	u64 i;

	for (i = 0; i < PAGE_SIZE / sizeof(u64); i++)
		if (p[i] != (i % 100 ? what * i : index))
			FAIL("%s: page %llu word %llu is %llx, not of %llu",
			     g->name, (unsigned long long)index,
			     (unsigned long long)i, (unsigned long long)p[i],
			     (unsigned long long)what);
}

static void races(void)
{
	u64 want[2][RACE_PAGES], round, i, n;
	struct rng rng = { .state = 5 };
	struct guest a, b, *g[2] = { &a, &b };
	struct race *race;
	pid_t pid[3];

	begin("size=8M");
	pg.ctl->truncates = 1;
	guest_begin(&a, "a", "x", RACE_PAGES);
	guest_begin(&b, "b", "x", RACE_PAGES);
	for (i = 0; i < RACE_PAGES; i++) {
		for (n = 0; n < 2; n++) {
			want[n][i] = 1;
			put(g[n], i, 1);
		}
	}
	race = shared_alloc(sizeof(*race));
	race->a = &a;
	race->b = &b;
	pid[0] = spawn(taker, race);
	pid[1] = spawn(taker, race);
	pid[2] = spawn(reader, race);
	for (round = 1; round <= RACE_ROUNDS / test_slow(); round++) {
		for (i = 0; i < 2 * RACE_PAGES; i++) {
			u64 index = i / 2;

			n = i % 2;
			expect(g[n], index, want[n][index]);
			if (rng_below(&rng, 4))
				continue;
			/* Mostly one of two things, so that there is something to share. */
			want[n][index] = 1 + rng_below(&rng, 2);
			if (!rng_below(&rng, 8) && !n) {
				ASSERT_OK(fallocate(a.fd, FALLOC_FL_PUNCH_HOLE |
						    FALLOC_FL_KEEP_SIZE,
						    index * PAGE_SIZE, PAGE_SIZE));
				ASSERT(page_is_zero(page_of(&a, index)));
			}
			put(g[n], index, want[n][index]);
		}
	}
	race->stop = 1;
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		ASSERT_EQ(reap(pid[i]), 0);
	diag("merged %llu, broken %llu",
	     (unsigned long long)pool_info(&pool).share_merges,
	     (unsigned long long)pool_info(&pool).share_breaks);
	ASSERT_GT(pool_info(&pool).share_merges, 0);
	ASSERT_GT(pool_info(&pool).share_breaks, 0);
	guest_end(&a);
	guest_end(&b);
	end();
}

static const struct tarn_test tests[] = {
	TEST(equal_pages_become_one_frame),
	TEST(volatile_pages_are_left_alone),
	TEST(within_one_partition),
	TEST(only_within_a_domain),
	TEST(held_pages_are_not_merged),
	TEST(a_held_frame_is_nobodys_to_write),
	TEST(the_table_is_bounded),
	TEST(calls),
	TEST(other_mappings),
	TEST(paged_once_for_all),
	TEST(one_read_for_all),
	TEST(many_sharers),
	TEST(frames_that_go),
	TEST(holes_and_ends),
	TEST(leaving),
	TEST(leaving_goes_on),
	TEST(who_may_and_what),
	TEST(a_memory_error_is_that_of_its_sharers),
	TEST(blocks),
	TEST(races),
	TEST(the_scanner_finds_them),
};

TESTS_MAIN(tests)
