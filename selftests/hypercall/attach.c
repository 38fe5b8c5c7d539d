// SPDX-License-Identifier: GPL-2.0-only
/*
 * TARN_PARTITION_ATTACH: what it takes and refuses, a guest of which a part is
 * attached, and all orders in which a VM and its partition can go.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bare.h"

#define PAGES 64UL
#define BYTES (PAGES * PAGE_SIZE)
#define HIGH 0x140000000UL
#define NONE (-1000)

static struct pool pool;
static struct bare b;

/* The first half of the file low, the second above 4 GiB. */
static const struct tarn_vm_range halves[] = {
	{ .gpa = BARE_BASE, .bytes = BYTES / 2, .offset = 0 },
	{ .gpa = HIGH, .bytes = BYTES / 2, .offset = BYTES / 2 },
};

static void begin(void)
{
	pool_mount(&pool, "size=16M,paging=none");
	bare_require(&pool, TARN_FEATURE_VM | TARN_FEATURE_PINS);
	bare_create_at(&b, &pool, "a", PAGES, halves, 2);
}

static void end(void)
{
	bare_destroy(&b);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

static void ranges_bad(void)
{
	static const struct {
		struct tarn_vm_range range[2];
		u32 nr;
		int error;
	} bad[] = {
		{ { { BARE_BASE + 1, PAGE_SIZE, 0 } }, 1, EINVAL },
		{ { { BARE_BASE, PAGE_SIZE + 1, 0 } }, 1, EINVAL },
		{ { { BARE_BASE, PAGE_SIZE, 1 } }, 1, EINVAL },
		{ { { BARE_BASE, 0, 0 } }, 1, EINVAL },
		/* not in ascending order, overlapping here or there */
		{ { { HIGH, PAGE_SIZE, BYTES / 2 }, { BARE_BASE, PAGE_SIZE, 0 } }, 2, EINVAL },
		{ { { BARE_BASE, 2 * PAGE_SIZE, 0 },
		    { BARE_BASE + PAGE_SIZE, PAGE_SIZE, PAGE_SIZE } }, 2, EINVAL },
		{ { { BARE_BASE, PAGE_SIZE, 0 }, { HIGH, PAGE_SIZE, 0 } }, 2, EINVAL },
		/* no slot, or not all of it; the firmware's; of another page */
		{ { { 0x20000000, PAGE_SIZE, 0 } }, 1, EFAULT },
		{ { { BARE_BASE, BYTES, 0 } }, 1, EFAULT },
		{ { { 0, PAGE_SIZE, 0 } }, 1, EFAULT },
		{ { { BARE_BASE, PAGE_SIZE, PAGE_SIZE } }, 1, EFAULT },
		{ { { HIGH, PAGE_SIZE, 0 } }, 1, EFAULT },
		{ { { BARE_BASE, PAGE_SIZE, 0 }, { HIGH, PAGE_SIZE, PAGE_SIZE } }, 2, EFAULT },
	};
	static const struct tarn_vm_range beyond[] = {
		{ -PAGE_SIZE, PAGE_SIZE, 0 },
		{ -PAGE_SIZE, 2 * PAGE_SIZE, 0 },
		{ BARE_BASE, -BARE_BASE, 0 },
		{ BARE_BASE, PAGE_SIZE, -PAGE_SIZE },
		{ BARE_BASE, PAGE_SIZE, BYTES },
		{ BARE_BASE, 1UL << 62, 0 },
	};
	long ret;
	u32 i;

	begin();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ret = __bare_attach_at(&b, bad[i].range, bad[i].nr);
		if (ret != -bad[i].error)
			FAIL("range %u: %ld", i, ret);
	}
	for (i = 0; i < ARRAY_SIZE(beyond); i++) {
		ret = __bare_attach_at(&b, &beyond[i], 1);
		if (ret != -EINVAL && ret != -EFAULT)
			FAIL("range beyond %u: %ld", i, ret);
	}
	ASSERT_ERR(__bare_attach_at(&b, halves, TARN_VM_MAX_RANGES + 1), EINVAL);
	ASSERT_ERR(__bare_attach_at(&b, halves, ~0U), EINVAL);
	ASSERT_ERR(__bare_attach_at(&b, NULL, 1), EFAULT);
	ASSERT_EQ(part_info(b.part).vms, 0);
	ASSERT_CALL(&b, TARN_HC_QUERY, 0, 0, 0, NONE);
	end();
}

static void vm_bad(void)
{
	int vm, wrong[] = { -1, 0, 0, 0, 0 };
	u32 i;

	begin();
	vm = b.vm;
	wrong[1] = b.vcpu;
	wrong[2] = b.kvm;
	wrong[3] = b.part;
	wrong[4] = ASSERT_OK(open("/dev/null", O_RDWR | O_CLOEXEC));
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		b.vm = wrong[i];
		ASSERT_LT(__bare_attach(&b), 0);
	}
	b.vm = wrong[4];
	ASSERT_ERR(__bare_attach(&b), EBADF);
	b.vm = vm;
	ASSERT_ERR(__bare_attach_at(&b, halves, 0), EINVAL);
	close(wrong[4]);
	bare_attach(&b);
	ASSERT_ERR(__bare_attach(&b), EBUSY);
	bare_detach(&b);
	end();
}

/* The slot maps a file, and it is this one's partition that has to be named. */
static void of_another(void)
{
	struct bare other;
	int mine;

	begin();
	bare_create_at(&other, &pool, "b", PAGES, halves, 2);
	mine = b.part;
	b.part = other.part;
	ASSERT_ERR(__bare_attach(&b), EFAULT);
	b.part = mine;
	bare_attach(&b);
	bare_attach(&other);
	bare_destroy(&other);
	part_unlink(&pool, "b");
	end();
}

static void part_attached(void)
{
	begin();
	ASSERT_OK(__bare_attach_at(&b, &halves[1], 1));
	ASSERT_CALL(&b, TARN_HC_FAULT, BARE_BASE, 0, 0, -TARN_HC_EFAULT);
	ASSERT_CALL(&b, TARN_HC_REGISTER, TARN_AREA_OTHER, BARE_BASE, 1, -TARN_HC_EFAULT);
	ASSERT_CALL(&b, TARN_HC_HINT, TARN_HINT_COLD, BARE_BASE, 1, -TARN_HC_EFAULT);
	ASSERT_CALL(&b, TARN_HC_METRICS, BARE_BASE, 0, 0, -TARN_HC_EFAULT);
	ASSERT_CALL(&b, TARN_HC_FAULT, HIGH, 0, 0, 0);
	ASSERT_GT(bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_OTHER, HIGH + BYTES / 2 - 1, 1), 0);
	ASSERT_CALL(&b, TARN_HC_FAULT, HIGH + BYTES / 2, 0, 0, -TARN_HC_EFAULT);
	end();
}

/* An address is a page of the file by its range, whatever the slots become. */
static void ranges_count(void)
{
	struct tarn_area area[4];
	struct kvm_userspace_memory_region gone = { .slot = 1, .guest_phys_addr = BARE_BASE };

	begin();
	bare_attach(&b);
	ASSERT_GT(bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_OTHER, HIGH + PAGE_SIZE, 1), 0);
	ASSERT_EQ(bare_areas(b.part, area, 4).count, 1);
	ASSERT_EQ(area[0].offset, BYTES / 2 + PAGE_SIZE);
	tarn_op(b.vm, KVM_SET_USER_MEMORY_REGION, &gone);
	ASSERT_GT(bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_OTHER, BARE_BASE, 1), 0);
	ASSERT_EQ(bare_areas(b.part, area, 4).count, 2);
	ASSERT_EQ(area[1].offset, 0);
	/* The file may be shorter than it was. */
	ASSERT_OK(ftruncate(b.part, BYTES / 2));
	ASSERT_LT(bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_OTHER, HIGH, 1), 0);
	ASSERT_LE(bare_ask(&b, TARN_HC_HINT, TARN_HINT_UNUSED, HIGH, 1), 1);
	ASSERT_LE(bare_ask(&b, TARN_HC_METRICS, HIGH, 0, 0), 0);
	bare_ask(&b, TARN_HC_FAULT, HIGH, 0, 0);
	end();
}

/* What the guest registered goes with its VM, what the VMM did with the partition. */
static void areas_end(void)
{
	begin();
	bare_policy(&pool, TARN_AREA_OTHER, TARN_PIN_ALWAYS);
	bare_attach(&b);
	ASSERT_GT(bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_OTHER, BARE_BASE, 1), 0);
	ASSERT_CALL(&b, TARN_HC_METRICS, BARE_BASE + PAGE_SIZE, 0, 0, 0);
	ASSERT_GE(part_info(b.part).pinned_pages, 1);
	bare_detach(&b);
	ASSERT_EQ(bare_count_areas(b.part), 0);
	ASSERT_EQ(part_info(b.part).pinned_pages, 0);
	bare_attach(&b);
	ASSERT_GT(bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_OTHER, BARE_BASE, 1), 0);
	bare_close_vm(&b);
	/* The VM ends with its last descriptor, or a moment later. */
	WAIT_FOR(!part_info(b.part).vms);
	WAIT_FOR(!bare_count_areas(b.part));
	ASSERT_EQ(part_info(b.part).pinned_pages, 0);
	end();
}

static void step(u32 what)
{
	switch (what) {
	case 0:
		bare_close_vm(&b);
		break;
	case 1:
		bare_unmap(&b);
		break;
	case 2:
		close(b.part);
		b.part = -1;
		break;
	case 3:
		part_unlink(&pool, "a");
		break;
	}
}

/* VM, mapping, descriptor and name, in each of the 24 orders. */
static void orders_of_end(void)
{
	u32 code, i, j, order[4];
	bool valid;

	for (code = 0; code < 256; code++) {
		valid = true;
		for (i = 0; i < 4; i++) {
			order[i] = code >> (2 * i) & 3;
			for (j = 0; j < i; j++)
				valid &= order[i] != order[j];
		}
		if (!valid)
			continue;
		begin();
		bare_policy(&pool, TARN_AREA_OTHER, TARN_PIN_ALWAYS);
		bare_attach(&b);
		memset(b.memory, 1, BYTES);
		ASSERT_GT(bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_OTHER, BARE_BASE, 5000), 0);
		for (i = 0; i < 4; i++) {
			step(order[i]);
			if (b.vm >= 0)
				bare_call(&b, TARN_HC_QUERY, 0, 0, 0);
		}
		pool_assert_idle(&pool);
		bare_destroy(&b);
		pool_umount(&pool);
	}
}

/* Its end is noticed though each of its partitions holds on to it. */
static void two_parts(void)
{
	const u64 base = 0x200000000UL;
	struct kvm_userspace_memory_region region = {
		.slot = 3, .guest_phys_addr = base, .memory_size = BYTES,
	};
	struct tarn_vm_range range = { .gpa = base, .bytes = BYTES };
	struct tarn_partition_attach attach = {
		.size = sizeof(attach), .count = 1, .ranges = (u64)(uintptr_t)&range,
	};
	int other;
	u8 *map;

	begin();
	other = part_create(&pool, "b", PAGES);
	map = part_map(other, PAGES);
	region.userspace_addr = (u64)(uintptr_t)map;
	tarn_op(b.vm, KVM_SET_USER_MEMORY_REGION, &region);
	attach.vm_fd = b.vm;
	bare_attach(&b);
	tarn_op(other, TARN_PARTITION_ATTACH, &attach);
	ASSERT_GT(bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_OTHER, base, 1), 0);
	ASSERT_GT(bare_ask(&b, TARN_HC_REGISTER, TARN_AREA_OTHER, BARE_BASE, 1), 0);
	bare_close_vm(&b);
	WAIT_FOR(!part_info(b.part).vms && !part_info(other).vms);
	WAIT_FOR(!bare_count_areas(b.part) && !bare_count_areas(other));
	munmap(map, BYTES);
	close(other);
	part_unlink(&pool, "b");
	end();
}

/* The mount can go while the VM still runs; its calls are KVM's again. */
static void vm_outlives_pool(void)
{
	begin();
	bare_attach(&b);
	bare_unmap(&b);
	close(b.part);
	b.part = -1;
	part_unlink(&pool, "a");
	pool_umount(&pool);
	ASSERT_CALL(&b, TARN_HC_QUERY, 0, 0, 0, NONE);
	bare_destroy(&b);
}

static void load_tarn_kvm(void)
{
	const char *ko = getenv("TARN_KO");
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%.*s_kvm.ko", (int)strlen(ko) - 3, ko);
	fd = ASSERT_OK(open(path, O_RDONLY | O_CLOEXEC));
	ASSERT_OK(syscall(SYS_finit_module, fd, "", 0));
	close(fd);
}

/* What ties the module to this kernel's KVM is held by VMs, and needed for them only. */
static void without_tarn_kvm(void)
{
	long ret;

	TEST_REQUIRE(getenv("TARN_KO"), "no TARN_KO");
	begin();
	bare_attach(&b);
	ASSERT_ERR(syscall(SYS_delete_module, "tarn_kvm", O_NONBLOCK), EAGAIN);
	bare_detach(&b);
	WAIT_FOR((ret = SYS(syscall(SYS_delete_module, "tarn_kvm",
				    O_NONBLOCK))) != -EAGAIN);
	ASSERT_EQ(ret, 0);
	ret = __bare_attach(&b);
	load_tarn_kvm();
	ASSERT_EQ(ret, -EOPNOTSUPP);
	bare_attach(&b);
	end();
}

static const struct tarn_test tests[] = {
	TEST(ranges_bad), TEST(vm_bad), TEST(of_another), TEST(part_attached),
	TEST(ranges_count), TEST(areas_end), TEST(two_parts), TEST(orders_of_end),
	TEST(vm_outlives_pool), TEST(without_tarn_kvm),
};

TESTS_MAIN(tests)
