// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests on 2 MiB frames: KVM has one entry for each as its own statistics tell, until
 * a page of it goes its own way.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bare.h"

#define BLOCK 512UL
#define PAGES (4 * BLOCK)

static struct pool pool;
static struct pager pg;
static struct bare b;

static void begin(void)
{
	pool_mount(&pool, "size=32M");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_PINS |
			    TARN_FEATURE_HUGE);
	pager_start(&pg, &pool);
	bare_create(&b, &pool, "a", PAGES);
}

static void end(void)
{
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pager_stop(&pg);
	pool_umount(&pool);
}

/* A word into each page, another one each. */
static void touch(u64 times)
{
	bare_job(&b, BARE_JOB_TOUCH, times)->seed = 1;
	bare_run(&b);
}

static void check(u64 first, u64 count)
{
	u64 i;

	for (i = first; i < first + count; i++)
		ASSERT_EQ(*(u64 *)(b.memory + i * PAGE_SIZE),
			  1 + i * PAGE_SIZE);
}

static u64 blocks(void)
{
	return part_info(b.part).block_pages / BLOCK;
}

/* A number of the VM's statistics. */
static u64 vm_stat(const char *name)
{
	struct kvm_stats_header h;
	int fd = ASSERT_OK(ioctl(b.vm, KVM_GET_STATS_FD, NULL));
	struct kvm_stats_desc *desc;
	u64 value = 0;
	size_t size;
	u32 i;

	ASSERT_EQ(pread(fd, &h, sizeof(h), 0), sizeof(h));
	size = sizeof(*desc) + h.name_size;
	desc = malloc(size);
	ASSERT(desc);
	for (i = 0; i < h.num_desc; i++) {
		ASSERT_EQ(pread(fd, desc, size, h.desc_offset + i * size), size);
		if (!strcmp(desc->name, name))
			break;
	}
	ASSERT_LT(i, h.num_desc);
	ASSERT_EQ(pread(fd, &value, sizeof(value), h.data_offset + desc->offset),
		  sizeof(value));
	free(desc);
	close(fd);
	return value;
}

/* By default where a VM is attached. */
static void an_attached_guest_has_them(void)
{
	begin();
	bare_attach(&b);
	touch(1);
	ASSERT_EQ(blocks(), PAGES / BLOCK);
	ASSERT_EQ(vm_stat("pages_2m"), PAGES / BLOCK);
	touch(1);
	ASSERT_EQ(blocks(), PAGES / BLOCK);
	end();
}

static void another_one_has_not(void)
{
	begin();
	touch(1);
	ASSERT_EQ(blocks(), 0);
	ASSERT_EQ(vm_stat("pages_2m"), 0);
	end();
}

/* The others keep theirs. */
static void a_block_goes_and_comes(void)
{
	begin();
	bare_attach(&b);
	touch(1);
	ASSERT_EQ(part_page_out(b.part, BLOCK, BLOCK), BLOCK);
	ASSERT_EQ(vm_stat("pages_2m"), PAGES / BLOCK - 1);
	ASSERT_EQ(blocks(), PAGES / BLOCK - 1);
	check(BLOCK, BLOCK);
	touch(1);
	ASSERT_EQ(part_info(b.part).resident_pages, PAGES);
	end();
}

/* An area's page stays, its neighbours go; of its block it is the only one that has to. */
static void a_pinned_page_stays(void)
{
	const u64 at = BARE_BASE + (BLOCK + 7) * PAGE_SIZE;

	begin();
	bare_attach(&b);
	touch(1);
	bare_policy(&pool, TARN_AREA_RING, TARN_PIN_CRITICAL);
	ASSERT_GT(bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_RING, at, 64), 0);
	ASSERT_EQ(blocks(), PAGES / BLOCK - 1);
	part_page_out(b.part, BLOCK, BLOCK);
	ASSERT_EQ(part_state(b.part, BLOCK + 7) & TARN_PAGE_STATE_MASK,
		  TARN_PAGE_RESIDENT);
	ASSERT_EQ(part_info(b.part).paged_pages, BLOCK - 1);
	touch(1);
	end();
}

/* The guest has no use for a page any more. */
static void a_hint_takes_one_page(void)
{
	const u64 at = BARE_BASE + 9 * PAGE_SIZE;

	begin();
	bare_attach(&b);
	touch(1);
	ASSERT_EQ(bare_ask(&b, TARN_HC_HINT, TARN_HINT_UNUSED, at, 1), 1);
	ASSERT_EQ(blocks(), PAGES / BLOCK - 1);
	ASSERT_EQ(vm_stat("pages_2m"), PAGES / BLOCK - 1);
	ASSERT_EQ(part_info(b.part).resident_pages, PAGES - 1);
	touch(1);
	ASSERT_EQ(part_info(b.part).resident_pages, PAGES);
	end();
}

/* Half of the guest goes round all the time, and is not lost. */
static void more_than_fits(void)
{
	pool_mount(&pool, "size=6M");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_HUGE);
	pager_start(&pg, &pool);
	bare_create(&b, &pool, "a", PAGES);
	bare_attach(&b);
	touch(3);
	check(0, PAGES);
	end();
}

/* Of what the guest uses; the VMM's mapping and KVM's follow. */
static void a_split_block_becomes_one_again(void)
{
	struct tarn_pool_set set = {
		.size = sizeof(set),
		.flags = TARN_POOL_SET_SCAN | TARN_POOL_SET_PROMOTE,
		.scan_permille = 1000,
		.promote_permille = 1000,
	};
	const u64 at = BARE_BASE + (BLOCK + 9) * PAGE_SIZE;

	begin();
	tarn_op(pool.fd, TARN_POOL_SET, &set);
	bare_attach(&b);
	touch(1);
	ASSERT_EQ(bare_ask(&b, TARN_HC_HINT, TARN_HINT_UNUSED, at, 1), 1);
	ASSERT_EQ(part_page_out(b.part, BLOCK + 100, 20), 20);
	ASSERT_EQ(blocks(), PAGES / BLOCK - 1);
	touch(1);
	ASSERT_EQ(vm_stat("pages_2m"), PAGES / BLOCK - 1);
	WAIT_FOR((touch(1), part_info(b.part).block_promotions));
	WAIT_FOR((touch(1), vm_stat("pages_2m") == PAGES / BLOCK));
	ASSERT_EQ(blocks(), PAGES / BLOCK);
	check(0, PAGES);
	end();
}

static const struct tarn_test tests[] = {
	TEST(an_attached_guest_has_them),
	TEST(another_one_has_not),
	TEST(a_block_goes_and_comes),
	TEST(a_pinned_page_stays),
	TEST(a_hint_takes_one_page),
	TEST(more_than_fits),
	TEST(a_split_block_becomes_one_again),
};

TESTS_MAIN(tests)
