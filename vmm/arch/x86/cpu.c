// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of a vCPU: what reset leaves and how the boot CPU enters a kernel.
 * The state after reset is what KVM itself made, read back before the vCPU ran.
 */
#include <asm/kvm_para.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../../error.h"
#include "../../vcpu.h"
#include "../../vm.h"
#include "x86.h"

#define CR0_PE (1U << 0)
#define CR0_ET (1U << 4)
#define CR0_PG (1U << 31)
#define CR4_PAE (1U << 5)
#define EFER_LME (1U << 8)
#define EFER_LMA (1U << 10)
#define RFLAGS_FIXED 2

struct msr_value {
	u32 index;
	u64 value;
};

/*
 * MSRs with a value that reset must bring back. Those of KVM come first in
 * importance: a clock or async page fault area that stays armed would be
 * written into the memory of the next kernel.
 */
static const struct msr_value reset_msrs[] = {
	{MSR_KVM_WALL_CLOCK_NEW, 0},
	{MSR_KVM_SYSTEM_TIME_NEW, 0},
	{MSR_KVM_ASYNC_PF_EN, 0},
	{MSR_KVM_ASYNC_PF_INT, 0},
	{MSR_KVM_STEAL_TIME, 0},
	{MSR_KVM_PV_EOI_EN, 0},
	{MSR_KVM_POLL_CONTROL, 1},
	{MSR_KVM_WALL_CLOCK, 0},
	{MSR_KVM_SYSTEM_TIME, 0},
	{0x00000048, 0}, /* SPEC_CTRL */
	{0x00000174, 0}, /* SYSENTER_CS, _ESP, _EIP */
	{0x00000175, 0},
	{0x00000176, 0},
	{0x0000017a, 0}, /* MCG_STATUS */
	{0x000001a0, 1}, /* MISC_ENABLE: fast strings */
	{0x00000277, 0x0007040600070406ULL}, /* PAT */
	{0x000002ff, 0x806}, /* MTRRs on, all memory write-back */
	{0x00000da0, 0}, /* XSS */
	{0x0000038f, 0}, /* performance counters off */
	{0x000006e0, 0}, /* TSC_DEADLINE */
	{0xc0000081, 0}, /* STAR, LSTAR, CSTAR, SFMASK, KERNEL_GS_BASE */
	{0xc0000082, 0},
	{0xc0000083, 0},
	{0xc0000084, 0},
	{0xc0000102, 0},
	{0xc0000103, 0}, /* TSC_AUX */
};

static int set_msrs(struct vcpu *vcpu)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[1];
	} m = {.head.nmsrs = 1};
	unsigned int i;

	/* One at a time: KVM stops at the first that this host has not got. */
	for (i = 0; i < ARRAY_SIZE(reset_msrs); i++) {
		m.entry[0].index = reset_msrs[i].index;
		m.entry[0].data = reset_msrs[i].value;
		if (ioctl(vcpu->fd, KVM_SET_MSRS, &m) < 0)
			return err_errno(-errno, "KVM_SET_MSRS");
	}
	return 0;
}

/* One register set: its name and how to read and write it. */
struct regset {
	const char *name;
	unsigned long get;
	unsigned long set;
	size_t off;
	bool optional;
};

/*
 * In the order in which they must be set: a guest that runs guests leaves them before
 * CR4 and EFER forbid them, and the APIC base comes before the APIC.
 */
static const struct regset regsets[] = {
	{"the nested state", KVM_GET_NESTED_STATE, KVM_SET_NESTED_STATE,
	 offsetof(struct x86_vcpu, nested), true},
	{"sregs", KVM_GET_SREGS, KVM_SET_SREGS,
	 offsetof(struct x86_vcpu, sregs), false},
	{"regs", KVM_GET_REGS, KVM_SET_REGS, offsetof(struct x86_vcpu, regs),
	 false},
	{"xsave", KVM_GET_XSAVE, KVM_SET_XSAVE,
	 offsetof(struct x86_vcpu, xsave), true},
	{"xcrs", KVM_GET_XCRS, KVM_SET_XCRS, offsetof(struct x86_vcpu, xcrs),
	 true},
	{"debugregs", KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS,
	 offsetof(struct x86_vcpu, debugregs), true},
	{"lapic", KVM_GET_LAPIC, KVM_SET_LAPIC,
	 offsetof(struct x86_vcpu, lapic), false},
	{"events", KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS,
	 offsetof(struct x86_vcpu, events), false},
};

static int regsets_do(struct vcpu *vcpu, bool set)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(regsets); i++) {
		const struct regset *r = &regsets[i];

		if (ioctl(vcpu->fd, set ? r->set : r->get,
			  (u8 *)vcpu->arch + r->off) &&
		    !r->optional)
			return err_errno(-errno, "cannot %s %s of CPU %u",
					 set ? "set" : "get", r->name,
					 vcpu->index);
	}
	return 0;
}

int x86_vcpu_create(struct vcpu *vcpu)
{
	int ret;

	vcpu->arch = calloc(1, sizeof(*vcpu->arch));
	if (!vcpu->arch)
		return -ENOMEM;
	vcpu->arch->nested.size = sizeof(vcpu->arch->nested);
	ret = x86_cpuid_set(vcpu);
	return ret ?: regsets_do(vcpu, false);
}

void x86_vcpu_destroy(struct vcpu *vcpu)
{
	free(vcpu->arch);
	vcpu->arch = NULL;
}

int x86_vcpu_reset(struct vcpu *vcpu)
{
	struct kvm_mp_state mp = {
		.mp_state = vcpu->index ? KVM_MP_STATE_UNINITIALIZED
					: KVM_MP_STATE_RUNNABLE,
	};
	int ret;

	if (ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp))
		return err_errno(-errno, "KVM_SET_MP_STATE");
	ret = regsets_do(vcpu, true);
	return ret ?: set_msrs(vcpu);
}

static struct kvm_segment segment(u16 selector, u8 type, bool code64)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.db = !code64,
		.s = 1,
		.l = code64,
		.g = 1,
	};
}

static void set_segments(struct kvm_sregs *s, bool code64)
{
	s->cs = segment(0x10, 0xb, code64);
	s->ds = s->es = s->fs = s->gs = s->ss = segment(0x18, 0x3, false);
	s->tr = (struct kvm_segment){
		.limit = 0x67,
		.selector = 0x20,
		.type = 0xb,
		.present = 1,
	};
	s->gdt.base = BOOT_GDT;
	s->gdt.limit = 5 * 8 - 1;
}

static int write_gdt(struct vm *vm, bool code64)
{
	const u64 gdt[] = {
		0,
		0,
		htole64(code64 ? 0x00af9b000000ffffULL : 0x00cf9b000000ffffULL),
		htole64(0x00cf93000000ffffULL),
		htole64(0x00008b0000000067ULL),
	};

	return tarn_mem_write(&vm->mem, BOOT_GDT, gdt, sizeof(gdt));
}

/* 4 GiB mapped flat by 2 MiB pages; the kernel soon makes its own. */
static int write_page_tables(struct vm *vm)
{
	u64 *pml4 = tarn_mem_ptr(&vm->mem, BOOT_PAGE_TABLES, 6 * 4096);
	u64 *pdpt = pml4 + 512, *pd = pdpt + 512;
	u64 i;

	if (!pml4)
		return -EFAULT;
	memset(pml4, 0, 2 * 4096);
	pml4[0] = htole64((BOOT_PAGE_TABLES + 4096) | 3);
	for (i = 0; i < 4; i++)
		pdpt[i] = htole64((BOOT_PAGE_TABLES + (2 + i) * 4096) | 3);
	for (i = 0; i < 4 * 512; i++)
		pd[i] = htole64(i << 21 | 0x83);
	return 0;
}

int x86_vcpu_enter(struct vcpu *vcpu, const struct x86_boot *boot)
{
	bool code64 = boot->entry == X86_ENTRY_64;
	struct kvm_sregs sregs = vcpu->arch->sregs;
	struct kvm_regs regs = {.rflags = RFLAGS_FIXED, .rip = boot->start};
	int ret;

	set_segments(&sregs, code64);
	sregs.cr0 = CR0_PE | CR0_ET;
	if (code64) {
		sregs.cr0 |= CR0_PG;
		sregs.cr3 = BOOT_PAGE_TABLES;
		sregs.cr4 = CR4_PAE;
		sregs.efer = EFER_LME | EFER_LMA;
		regs.rsi = BOOT_PARAMS;
	} else {
		regs.rbx = BOOT_PVH_INFO;
	}
	ret = write_gdt(vcpu->vm, code64);
	if (!ret && code64)
		ret = write_page_tables(vcpu->vm);
	if (ret)
		return err_errno(ret, "cannot write the boot structures");
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		return err_errno(-errno, "KVM_SET_SREGS");
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return err_errno(-errno, "KVM_SET_REGS");
	return 0;
}

void x86_vcpu_describe(struct vcpu *vcpu, char *buf, size_t size)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) ||
	    ioctl(vcpu->fd, KVM_GET_SREGS, &sregs)) {
		snprintf(buf, size, "registers unknown");
		return;
	}
	snprintf(buf, size,
		 "rip %#llx rsp %#llx rflags %#llx cr0 %#llx cr2 %#llx cr3 %#llx cr4 %#llx",
		 regs.rip, regs.rsp, regs.rflags, sregs.cr0, sregs.cr2,
		 sregs.cr3, sregs.cr4);
}
