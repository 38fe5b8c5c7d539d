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

#include "node.h"
#include "share.h"

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
	ASSERT_EQ(info.saved_pages, PAGES);
	ASSERT_EQ(info.resident_pages, PAGES);
	ASSERT_EQ(part_info(a.fd).saved_pages, PAGES / 2);
	ASSERT_EQ(part_info(b.fd).saved_pages, PAGES / 2);
	ASSERT_GE(part_info(a.fd).hashed_pages, 2 * PAGES);
	ASSERT_EQ(part_info(a.fd).hashed_pages + part_info(b.fd).hashed_pages,
		  info.hashed_pages);
	ASSERT_EQ(part_info(a.fd).match_ns + part_info(b.fd).match_ns, info.match_ns);
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

static void map_all(struct guest *g)
{
	u64 i;

	for (i = 0; i < g->pages; i++)
		ASSERT_EQ(*(volatile u8 *)page_of(g, i), page_of(g, 0)[0]);
}

static void check_all_equal(struct guest *g)
{
	u64 i;

	for (i = 0; i < g->pages; i++)
		ASSERT_PAGE(page_of(g, i), SEED, 0, 1);
}

/* Frames that as many as can be have mapped leave a node, and make room for a smaller pool. */
static void many_sharers_move(void)
{
	struct guest a, b;
	u64 i;

	nodes_need(2);
	node_run_on(0);
	begin("nodes=44M:8M");
	guest_begin(&a, "a", "x", MANY);
	guest_begin(&b, "b", "x", MANY);
	for (i = 0; i < MANY; i++) {
		page_fill(page_of(&a, i), SEED, 0, 1);
		memcpy(page_of(&b, i), page_of(&a, i), PAGE_SIZE);
	}
	share(&a, &b);
	ASSERT_EQ(pool_info(&pool).shared_contents, CANONS);
	map_all(&a);
	map_all(&b);
	ASSERT_OK(__pool_drain(&pool, TARN_RELOCATE_START, 0, 0));
	WAIT_FOR((map_all(&a), pool_drain_status(&pool).state != TARN_RELOCATION_RUNNING));
	ASSERT_EQ(pool_drain_status(&pool).state, TARN_RELOCATION_DONE);
	ASSERT_EQ(node_value(&pool, 0, "frames"), 0);
	ASSERT_EQ(used_frames(), CANONS);
	check_all_equal(&a);
	check_all_equal(&b);
	/* All are mapped again. */
	ASSERT_OK(__pool_remount(&pool, "nodes=0:4M"));
	check_all_equal(&b);
	check_all_equal(&a);
	ASSERT_EQ(shared(&a) + shared(&b), 2 * MANY);
	ASSERT_EQ(pg.ctl->stores, 0);
	guest_end(&a);
	guest_end(&b);
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

static const struct tarn_test tests[] = {
	TEST(equal_pages_become_one_frame),
	TEST(volatile_pages_are_left_alone),
	TEST(within_one_partition),
	TEST(held_pages_are_not_merged),
	TEST(a_held_frame_is_nobodys_to_write),
	TEST(the_table_is_bounded),
	TEST(calls),
	TEST(other_mappings),
	TEST(paged_once_for_all),
	TEST(one_read_for_all),
	TEST(many_sharers),
	TEST(many_sharers_move),
	TEST(frames_that_go),
};

TESTS_MAIN(tests)
