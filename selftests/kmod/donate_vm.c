// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locked pages and VMs: KVM gets nothing at such a place, a VM is not attached over one, and
 * what a VM is attached with is not donated.
 */
#define _GNU_SOURCE
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "donate.h"

#define PAGES 64ULL
#define START 16ULL
#define COUNT 8ULL
#define HLT 0xf4

static struct pool pool;
static int part, vm, vcpu;
static long run_size;
static struct kvm_run *run;
static u8 *map;

/* A VM with the partition as memory from 0 on, and a processor in real mode. */
static void begin(void)
{
	struct kvm_userspace_memory_region slot = { .memory_size = PAGES * PAGE_SIZE };
	int kvm = SYS(open("/dev/kvm", O_RDWR | O_CLOEXEC));

	TEST_REQUIRE(kvm >= 0, "no /dev/kvm");
	pool_mount(&pool, "size=4M,paging=none");
	part = part_create(&pool, "a", PAGES);
	map = part_map(part, PAGES);
	vm = ASSERT_OK(ioctl(kvm, KVM_CREATE_VM, 0));
	slot.userspace_addr = (uintptr_t)map;
	ASSERT_OK(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot));
	vcpu = ASSERT_OK(ioctl(vm, KVM_CREATE_VCPU, 0));
	run_size = ASSERT_OK(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	ASSERT(run != MAP_FAILED);
	close(kvm);
}

static void end(void)
{
	munmap(run, run_size);
	close(vcpu);
	close(vm);
	munmap(map, PAGES * PAGE_SIZE);
	close(part);
	part_unlink(&pool, "a");
	pool_assert_idle(&pool);
	pool_umount(&pool);
}

/* Have it execute what is at a page; 0 if that is HLT. */
static long execute(u64 index)
{
	struct kvm_regs regs = { .rflags = 2 };
	struct kvm_sregs sregs;
	long ret;

	ASSERT_OK(ioctl(vcpu, KVM_GET_SREGS, &sregs));
	sregs.cs.base = index * PAGE_SIZE;
	sregs.cs.selector = index * PAGE_SIZE / 16;
	ASSERT_OK(ioctl(vcpu, KVM_SET_SREGS, &sregs));
	ASSERT_OK(ioctl(vcpu, KVM_SET_REGS, &regs));
	ret = SYS(ioctl(vcpu, KVM_RUN, 0));
	if (!ret)
		ASSERT_EQ(run->exit_reason, KVM_EXIT_HLT);
	return ret;
}

static long attach(u64 start, u64 count)
{
	struct tarn_vm_range range = {
		.gpa = start * PAGE_SIZE, .bytes = count * PAGE_SIZE,
		.offset = start * PAGE_SIZE,
	};
	struct tarn_partition_attach a = {
		.size = sizeof(a), .vm_fd = vm, .count = 1, .ranges = (uintptr_t)&range,
	};

	return __tarn_op(part, TARN_PARTITION_ATTACH, &a);
}

static void detach(void)
{
	struct tarn_partition_attach a = { .size = sizeof(a), .vm_fd = -1 };

	tarn_op(part, TARN_PARTITION_ATTACH, &a);
}

/* What it had mapped goes, and what it comes for is not there. */
static void nothing_is_there(void)
{
	struct donation d;
	u8 *child;

	begin();
	map[START * PAGE_SIZE] = HLT;
	map[(START + COUNT) * PAGE_SIZE] = HLT;
	ASSERT_EQ(execute(START), 0);
	ASSERT_EQ(execute(START + COUNT), 0);
	d = donate(part, START, COUNT);
	child = part_map(d.fd, COUNT);
	child[0] = HLT;
	ASSERT_EQ(execute(START), -EFAULT);
	ASSERT_EQ(execute(START + COUNT), 0);
	ASSERT_EQ(execute(START), -EFAULT);
	munmap(child, COUNT * PAGE_SIZE);
	close(d.fd);
	map[START * PAGE_SIZE] = HLT;
	ASSERT_EQ(execute(START), 0);
	end();
}

/* A child is memory of another VM, as it is of any: the adjunct's. */
static void a_child_is_memory_of_a_vm(void)
{
	struct kvm_userspace_memory_region slot = {
		.slot = 1, .guest_phys_addr = PAGES * PAGE_SIZE,
		.memory_size = COUNT * PAGE_SIZE,
	};
	struct donation d;
	u8 *child;

	begin();
	d = donate(part, START, COUNT);
	child = part_map(d.fd, COUNT);
	slot.userspace_addr = (uintptr_t)child;
	ASSERT_OK(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot));
	child[3 * PAGE_SIZE] = HLT;
	ASSERT_EQ(execute(PAGES + 3), 0);
	slot.memory_size = 0;
	ASSERT_OK(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot));
	munmap(child, COUNT * PAGE_SIZE);
	close(d.fd);
	ASSERT(all_empty(part, &d));
	end();
}

static void attachments_and_locks(void)
{
	struct donation d, e;
	long ret;

	begin();
	d = donate(part, START, COUNT);
	ret = attach(0, PAGES);
	if (ret == -EOPNOTSUPP) {
		close(d.fd);
		end();
		test_skip("no tarn_kvm.ko");
	}
	ASSERT_EQ(ret, -EACCES);
	ASSERT_EQ(attach(START + COUNT - 1, 1), -EACCES);
	ASSERT_EQ(part_info(part).vms, 0);
	/* beside it */
	ASSERT_EQ(attach(START + COUNT, PAGES - START - COUNT), 0);
	ASSERT_EQ(__donate(part, START + COUNT, 1, &e), -EBUSY);
	ASSERT_EQ(__donate(part, START - 1, 1, &e), 0);
	close(e.fd);
	detach();
	close(d.fd);
	ASSERT_EQ(attach(0, PAGES), 0);
	ASSERT_EQ(__donate(part, START, COUNT, &d), -EBUSY);
	ASSERT_EQ(part_info(part).locked_pages, 0);
	detach();
	d = donate(part, START, COUNT);
	close(d.fd);
	end();
}

static const struct tarn_test tests[] = {
	TEST(nothing_is_there), TEST(a_child_is_memory_of_a_vm), TEST(attachments_and_locks),
};

TESTS_MAIN(tests)
