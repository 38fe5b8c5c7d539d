// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VM of a bare guest: its memory, its processor, one call, its program.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"

#define CR0_PE	0x1
#define CR0_ET	0x10
#define CR0_PG	0x80000000UL
#define CR4_PAE	0x20
#define EFER_LME	0x100
#define EFER_LMA	0x400
#define FLAGS_1	0x2
#define FLAGS_IF	0x200
/* Ports from every level. */
#define FLAGS_IOPL	0x3000

/* Present, writable, for every level; and a page of 2 MiB. */
#define TABLE	0x7UL
#define LARGE	0x87UL
#define SELECTOR_CODE	0x08
#define SELECTOR_DATA	0x10
#define SELECTOR_TASK	0x18

extern const u8 bare_program[], bare_program_end[];

static const struct mode {
	u8 level, l, db;
	bool paging, protected;
} modes[BARE_MODES] = {
	[BARE_KERNEL64] = { 0, 1, 0, true, true },
	[BARE_USER64] = { 3, 1, 0, true, true },
	[BARE_COMPAT] = { 0, 0, 1, true, true },
	[BARE_COMPAT_USER] = { 3, 0, 1, true, true },
	[BARE_PROTECTED] = { 0, 0, 1, false, true },
	[BARE_REAL] = { 0, 0, 0, false, false },
};

static bool on_intel(void)
{
	u32 eax = 0, ebx, ecx, edx;

	asm("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	return ebx == 0x756e6547;
}

/* The first 4 GiB at their own addresses, by pages of 2 MiB. */
static void make_tables(u8 *firmware)
{
	u64 *top = (u64 *)(firmware + BARE_TABLES), *second = top + 512, *third = second + 512;
	u64 i;

	top[0] = (BARE_TABLES + 0x1000) | TABLE;
	for (i = 0; i < 4; i++)
		second[i] = (BARE_TABLES + 0x2000 + i * 0x1000) | TABLE;
	for (i = 0; i < 4 * 512; i++)
		third[i] = (i << 21) | LARGE;
}

static void make_firmware(struct bare *b)
{
	static const u8 vmmcall[] = { 0x0f, 0x01, 0xd9 }, vmcall[] = { 0x0f, 0x01, 0xc1 };
	static const u8 out[] = { 0xe6, BARE_PORT_STUB, 0xf4 };
	size_t bytes = (size_t)(bare_program_end - bare_program);

	b->firmware = mmap(NULL, BARE_FIRMWARE_BYTES, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(b->firmware != MAP_FAILED);
	ASSERT_LE(bytes, BARE_FIRMWARE_BYTES - BARE_CODE);
	make_tables(b->firmware);
	memcpy(b->firmware + BARE_STUB, on_intel() ? vmcall : vmmcall, 3);
	memcpy(b->firmware + BARE_STUB + 3, out, sizeof(out));
	memcpy(b->firmware + BARE_CODE, bare_program, bytes);
	b->box = (struct bare_box *)(b->firmware + BARE_BOX);
	b->box->intel = on_intel();
}

static long set_slot(struct bare *b, u32 slot, u64 gpa, u64 bytes, void *address)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot, .guest_phys_addr = gpa, .memory_size = bytes,
		.userspace_addr = (u64)(uintptr_t)address,
	};

	return SYS(ioctl(b->vm, KVM_SET_USER_MEMORY_REGION, &region));
}

static void make_vcpu(struct bare *b)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[256];
	} cpuid = { .head.nent = 256 };

	b->vcpu = ASSERT_OK(ioctl(b->vm, KVM_CREATE_VCPU, 0));
	b->run_bytes = ASSERT_OK(ioctl(b->kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	b->run = mmap(NULL, b->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, b->vcpu, 0);
	ASSERT(b->run != MAP_FAILED);
	ASSERT_OK(ioctl(b->kvm, KVM_GET_SUPPORTED_CPUID, &cpuid));
	ASSERT_OK(ioctl(b->vcpu, KVM_SET_CPUID2, &cpuid));
	b->mode = BARE_MODES;
}

static struct kvm_segment segment(u16 selector, u8 type, const struct mode *m)
{
	return (struct kvm_segment){
		.limit = m->protected ? 0xffffffff : 0xffff,
		.selector = m->protected ? selector | m->level : selector,
		.type = type, .present = 1, .dpl = m->level, .s = 1,
		.db = m->db, .l = 0, .g = m->protected,
	};
}

static void set_mode(struct bare *b, enum bare_mode mode)
{
	const struct mode *m = &modes[mode];
	struct kvm_sregs s;

	if (b->mode == mode)
		return;
	ASSERT_OK(ioctl(b->vcpu, KVM_GET_SREGS, &s));
	s.cr0 = CR0_ET | (m->protected ? CR0_PE : 0) | (m->paging ? CR0_PG : 0);
	s.cr3 = m->paging ? BARE_TABLES : 0;
	s.cr4 = m->paging ? CR4_PAE : 0;
	s.efer = m->paging ? EFER_LME | EFER_LMA : 0;
	s.cs = segment(m->protected ? SELECTOR_CODE : 0, 11, m);
	s.cs.l = m->l;
	s.ss = segment(m->protected ? SELECTOR_DATA : 0, 3, m);
	s.ds = s.es = s.fs = s.gs = s.ss;
	s.tr = segment(SELECTOR_TASK, 11, m);
	s.tr.s = 0;
	s.tr.dpl = 0;
	s.tr.selector = SELECTOR_TASK;
	s.tr.limit = 0x67;
	s.tr.g = 0;
	s.tr.db = 0;
	s.gdt.base = BARE_GDT;
	s.gdt.limit = 0xff;
	s.idt.base = 0;
	s.idt.limit = 0;
	ASSERT_OK(ioctl(b->vcpu, KVM_SET_SREGS, &s));
	b->mode = mode;
}

static void create(struct bare *b, struct pool *p, const char *name, u64 pages,
		   const struct tarn_vm_range *range, u32 nr, bool irqchip)
{
	u32 i;

	memset(b, 0, sizeof(*b));
	b->irqchip = irqchip;
	b->kvm = ASSERT_OK(open("/dev/kvm", O_RDWR | O_CLOEXEC));
	b->vm = ASSERT_OK(ioctl(b->kvm, KVM_CREATE_VM, 0));
	if (irqchip)
		ASSERT_OK(ioctl(b->vm, KVM_CREATE_IRQCHIP, 0));
	b->part = part_create(p, name, pages);
	b->pages = pages;
	b->memory = part_map(b->part, pages);
	make_firmware(b);
	ASSERT_OK(set_slot(b, 0, 0, BARE_FIRMWARE_BYTES, b->firmware));
	ASSERT_LE(nr, BARE_RANGES);
	for (i = 0; i < nr; i++)
		ASSERT_OK(set_slot(b, i + 1, range[i].gpa, range[i].bytes,
				   b->memory + range[i].offset));
	memcpy(b->range, range, nr * sizeof(*range));
	b->nr_ranges = nr;
	make_vcpu(b);
}

void bare_create_at(struct bare *b, struct pool *p, const char *name, u64 pages,
		    const struct tarn_vm_range *range, u32 nr)
{
	create(b, p, name, pages, range, nr, false);
}

void bare_create(struct bare *b, struct pool *p, const char *name, u64 pages)
{
	struct tarn_vm_range all = { .gpa = BARE_BASE, .bytes = pages * PAGE_SIZE };

	create(b, p, name, pages, &all, 1, false);
}

void bare_create_async(struct bare *b, struct pool *p, const char *name, u64 pages)
{
	struct tarn_vm_range all = { .gpa = BARE_BASE, .bytes = pages * PAGE_SIZE };

	create(b, p, name, pages, &all, 1, true);
}

void bare_close_vm(struct bare *b)
{
	if (b->run)
		munmap(b->run, b->run_bytes);
	if (b->vcpu >= 0)
		close(b->vcpu);
	if (b->vm >= 0)
		close(b->vm);
	b->run = NULL;
	b->vcpu = -1;
	b->vm = -1;
}

void bare_unmap(struct bare *b)
{
	if (b->memory)
		munmap(b->memory, b->pages * PAGE_SIZE);
	b->memory = NULL;
}

void bare_destroy(struct bare *b)
{
	bare_close_vm(b);
	bare_unmap(b);
	munmap(b->firmware, BARE_FIRMWARE_BYTES);
	close(b->kvm);
	if (b->part >= 0)
		close(b->part);
}

static const char *exit_name(u32 reason)
{
	switch (reason) {
	case KVM_EXIT_SHUTDOWN:
		return "triple fault";
	case KVM_EXIT_INTERNAL_ERROR:
		return "internal error";
	case KVM_EXIT_MMIO:
		return "access to no memory";
	case KVM_EXIT_FAIL_ENTRY:
		return "entry failed";
	}
	return "exit";
}

/* Run until the guest gives the processor back by @port. */
static int run_until(struct bare *b, u16 port)
{
	struct kvm_regs regs;
	long ret;

	for (;;) {
		ret = SYS(ioctl(b->vcpu, KVM_RUN, 0));
		if (ret == -EINTR)
			continue;
		if (ret)
			return ret;
		if (b->run->exit_reason == KVM_EXIT_IO && b->run->io.port == port)
			return 0;
		ASSERT_OK(ioctl(b->vcpu, KVM_GET_REGS, &regs));
		FAIL("guest: %s (%u) in mode %d at %#llx", exit_name(b->run->exit_reason),
		     b->run->exit_reason, b->mode, regs.rip);
	}
}

s64 bare_call_in(struct bare *b, enum bare_mode mode, u64 nr, u64 a1, u64 a2, u64 a3)
{
	const u64 canary = 0x5ca1ab1e0ddba11ULL;
	struct kvm_regs regs = {
		.rax = nr, .rbx = a1, .rcx = a2, .rdx = a3,
		.rsi = canary, .rdi = ~canary, .rbp = canary + 1, .r8 = canary + 8,
		.r15 = canary + 15, .rsp = BARE_STACK, .rip = BARE_STUB,
		.rflags = FLAGS_1 | FLAGS_IOPL,
	}, after;

	set_mode(b, mode);
	ASSERT_OK(ioctl(b->vcpu, KVM_SET_REGS, &regs));
	ASSERT_EQ(run_until(b, BARE_PORT_STUB), 0);
	ASSERT_OK(ioctl(b->vcpu, KVM_GET_REGS, &after));
	/* A call changes RAX and nothing else. */
	regs.rax = after.rax;
	regs.rip = after.rip;
	if (modes[mode].l)
		ASSERT(!memcmp(&regs, &after, sizeof(regs)));
	return (s64)after.rax;
}

s64 bare_call(struct bare *b, u64 nr, u64 a1, u64 a2, u64 a3)
{
	return bare_call_in(b, BARE_KERNEL64, nr, a1, a2, a3);
}

s64 bare_ask(struct bare *b, u64 nr, u64 a1, u64 a2, u64 a3)
{
	s64 ret;

	while ((ret = bare_call(b, nr, a1, a2, a3)) == -TARN_HC_EAGAIN)
		msleep(5);
	return ret;
}

struct bare_box *bare_job(struct bare *b, enum bare_job job, u64 count)
{
	u32 intel = b->box->intel;

	memset(b->box, 0, sizeof(*b->box));
	b->box->intel = intel;
	b->box->job = job;
	b->box->count = count;
	b->box->base = b->range[0].gpa;
	b->box->bytes = b->range[0].bytes;
	b->box->seed = 1;
	return b->box;
}

int __bare_run(struct bare *b)
{
	struct kvm_regs regs = {
		.rdi = BARE_BOX, .rsp = BARE_STACK - 8, .rip = BARE_CODE,
		.rflags = FLAGS_1 | (b->irqchip ? FLAGS_IF : 0),
	};

	set_mode(b, BARE_KERNEL64);
	ASSERT_OK(ioctl(b->vcpu, KVM_SET_REGS, &regs));
	return run_until(b, BARE_PORT_DONE);
}

void bare_run(struct bare *b)
{
	ASSERT_EQ(__bare_run(b), 0);
}

static void *run_thread(void *arg)
{
	bare_run(arg);
	return NULL;
}

void bare_start(struct bare *b)
{
	ASSERT_EQ(pthread_create(&b->thread, NULL, run_thread, b), 0);
}

void bare_stop(struct bare *b)
{
	b->box->stop = 1;
	ASSERT_EQ(pthread_join(b->thread, NULL), 0);
}

void bare_set_msr(struct bare *b, u32 index, u64 value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[1];
	} msrs = { .head.nmsrs = 1, .entry = { { .index = index, .data = value } } };

	ASSERT_EQ(ASSERT_OK(ioctl(b->vcpu, KVM_SET_MSRS, &msrs)), 1);
}
