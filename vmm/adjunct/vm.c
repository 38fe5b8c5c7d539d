// SPDX-License-Identifier: GPL-2.0-only
/*
 * An adjunct's virtual machine in KVM: a process's memory shared with the client's, no
 * interrupt controller, vCPUs in long mode from their first instruction. So HLT is an exit,
 * no asynchronous page fault comes in between, and all interrupts are the VMM's.
 *
 * A vCPU belongs to one thread: KVM waits for an RCU grace period where another one enters it.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adjunct/internal.h"
#include "error.h"
#include "mem.h"
#include "vfio/vfio.h"
#include "vm.h"

/* Where Intel's processors want pages of their own; nothing else lies there. */
#define TSS_ADDR 0xfeffd000UL
#define IDENTITY_ADDR 0xfeffc000ULL
#define CPUID_ENTRIES 256
#define CPUID_EXTENDED 0x80000001
#define CPUID_EDX_PAGES_1G (1U << 26)

#define CR0_LONG_MODE 0x80010033ULL /* PG WP NE ET MP PE */
#define CR4_LONG_MODE 0x20ULL	    /* PAE */
#define EFER_LONG_MODE 0xd00ULL	    /* NXE LMA LME */
#define SEGMENT_CODE 11
#define SEGMENT_DATA 3
#define SEGMENT_TSS_BUSY 11

struct slots {
	int vm_fd;
	u32 next;
};

static int add_slot(struct slots *slots, u64 gpa, u64 size, void *hva, bool read_only)
{
	struct kvm_userspace_memory_region region = {
		.slot = slots->next,
		.flags = read_only ? KVM_MEM_READONLY : 0,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	if (ioctl(slots->vm_fd, KVM_SET_USER_MEMORY_REGION, &region))
		return err_errno(-errno, "cannot give an adjunct memory at %#llx",
				 (unsigned long long)gpa);
	slots->next++;
	return 0;
}

static int add_slots(struct adjunct *adj)
{
	const struct vfio_bar *bar = vfio_function_bar(adj->fn, 0);
	const struct adjunct_map *map = &adj->map;
	struct slots slots = {.vm_fd = adj->vm_fd};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < adj->mem->nr && !ret; i++) {
		const struct mem_range *r = &adj->mem->range[i];

		ret = add_slot(&slots, r->gpa, r->size, r->hva, false);
	}
	if (ret)
		return ret;
	if ((ret = add_slot(&slots, map->base, ADJUNCT_PAGE, adj->memory.hva, true)) ||
	    (ret = add_slot(&slots, map->base + ADJUNCT_PAGE, map->size - ADJUNCT_PAGE,
			    adj->memory.hva + ADJUNCT_PAGE, false)))
		return ret;
	/* Between pieces there is the MSI-X table, which is not the adjunct's. */
	for (i = 0; i < bar->nr && !ret; i++)
		ret = add_slot(&slots, map->bar + bar->piece[i].off, bar->piece[i].size,
			       bar->piece[i].hva, false);
	return ret;
}

static struct kvm_cpuid2 *get_cpuid(struct vm *vm)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + CPUID_ENTRIES *
							       sizeof(cpuid->entries[0]));

	if (!cpuid)
		return NULL;
	cpuid->nent = CPUID_ENTRIES;
	if (!ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid))
		return cpuid;
	err_errno(-errno, "KVM_GET_SUPPORTED_CPUID");
	free(cpuid);
	return NULL;
}

int adjunct_vm_huge(struct vm *vm)
{
	struct kvm_cpuid2 *cpuid = get_cpuid(vm);
	int huge = 0;
	u32 i;

	if (!cpuid)
		return -EIO;
	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == CPUID_EXTENDED)
			huge = !!(cpuid->entries[i].edx & CPUID_EDX_PAGES_1G);
	free(cpuid);
	return huge;
}

static int cpu_create(struct adjunct *adj, unsigned int index, struct kvm_cpuid2 *cpuid,
		      size_t run_size)
{
	struct adjunct_cpu *cpu = &adj->cpu[index];

	cpu->adj = adj;
	cpu->index = index;
	cpu->fd = ioctl(adj->vm_fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (cpu->fd < 0)
		return err_errno(-errno, "cannot create a CPU of an adjunct");
	cpu->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (cpu->run == MAP_FAILED) {
		cpu->run = NULL;
		return err_errno(-errno, "cannot map a CPU of an adjunct");
	}
	cpu->run_size = run_size;
	if (ioctl(cpu->fd, KVM_SET_CPUID2, cpuid))
		return err_errno(-errno, "KVM_SET_CPUID2");
	return 0;
}

static int cpus_create(struct adjunct *adj, struct vm *vm)
{
	int run_size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0), khz, ret = 0;
	struct kvm_cpuid2 *cpuid = get_cpuid(vm);
	unsigned int i;

	if (!cpuid)
		return -EIO;
	for (i = 0; i <= adj->nr_client && !ret; i++)
		ret = cpu_create(adj, i, cpuid, run_size);
	free(cpuid);
	if (ret)
		return ret;
	khz = ioctl(adj->cpu[0].fd, KVM_GET_TSC_KHZ, 0);
	if (khz <= 0)
		return err_errno(khz ? -errno : -EIO, "the speed of an adjunct's clock");
	adj->tsc_khz = khz;
	return 0;
}

int adjunct_vm_create(struct adjunct *adj, struct vm *vm)
{
	u64 identity = IDENTITY_ADDR;
	unsigned int i;
	int ret;

	for (i = 0; i < ADJUNCT_CPUS; i++)
		adj->cpu[i].fd = -1;
	adj->mem = &vm->mem;
	adj->nr_client = min_t(unsigned int, vm->nr_vcpus, ADJUNCT_CLIENT_CPUS);
	adj->vm_fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0UL);
	if (adj->vm_fd < 0)
		return err_errno(-errno, "cannot create a VM for an adjunct");
	if (ioctl(adj->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) ||
	    ioctl(adj->vm_fd, KVM_SET_TSS_ADDR, TSS_ADDR))
		return err_errno(-errno, "cannot set an adjunct up");
	ret = add_slots(adj);
	return ret ?: cpus_create(adj, vm);
}

static struct kvm_segment segment(u16 selector, u8 type, bool system)
{
	return (struct kvm_segment){
		.limit = system ? 0x67 : 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = !system,
		.l = type == SEGMENT_CODE && !system,
		.db = type == SEGMENT_DATA,
		.g = !system,
	};
}

static int set_sregs(struct adjunct_cpu *cpu)
{
	const struct adjunct_map *map = &cpu->adj->map;
	const struct kvm_segment data = segment(ADJUNCT_DS, SEGMENT_DATA, false);
	struct kvm_sregs s;

	if (ioctl(cpu->fd, KVM_GET_SREGS, &s))
		return err_errno(-errno, "KVM_GET_SREGS");
	s.cs = segment(ADJUNCT_CS, SEGMENT_CODE, false);
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.tr = segment(ADJUNCT_TR, SEGMENT_TSS_BUSY, true);
	s.ldt = (struct kvm_segment){.type = 2, .unusable = 1};
	s.gdt.base = map->base + map->gdt;
	s.gdt.limit = ADJUNCT_TR + 16 - 1;
	s.idt.base = 0;
	s.idt.limit = 0;
	s.cr0 = CR0_LONG_MODE;
	s.cr3 = map->base + map->tables;
	s.cr4 = CR4_LONG_MODE;
	s.efer = EFER_LONG_MODE;
	return ioctl(cpu->fd, KVM_SET_SREGS, &s) ? err_errno(-errno, "KVM_SET_SREGS") : 0;
}

static int set_regs(struct adjunct_cpu *cpu)
{
	struct adjunct *adj = cpu->adj;
	const struct adjunct_map *map = &adj->map;
	u64 stack = map->stacks + (cpu->index + 1) * ADJUNCT_STACK - ADJUNCT_STACK_TOP;
	struct kvm_regs regs = {
		.rip = adj->image.entry,
		.rflags = 2,
		.rsp = map->base + stack,
		.rdi = cpu->index,
		.rsi = map->base,
	};

	/* For exceptions: struct adjunct_shared is the page behind the configuration. */
	*(u64 *)(adj->memory.hva + stack) =
		map->base + ADJUNCT_PAGE + cpu->index * sizeof(struct adjunct_mailbox);
	return ioctl(cpu->fd, KVM_SET_REGS, &regs) ? err_errno(-errno, "KVM_SET_REGS") : 0;
}

/* An exception or an access that was being carried out is not any more. */
static int clear_events(struct adjunct_cpu *cpu)
{
	struct kvm_vcpu_events events = {0};

	cpu->run->immediate_exit = 1;
	if (ioctl(cpu->fd, KVM_RUN, 0) && errno != EINTR)
		return err_errno(-errno, "KVM_RUN");
	cpu->run->immediate_exit = 0;
	return ioctl(cpu->fd, KVM_SET_VCPU_EVENTS, &events)
		       ? err_errno(-errno, "KVM_SET_VCPU_EVENTS")
		       : 0;
}

int adjunct_vm_reset(struct adjunct *adj)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i <= adj->nr_client && !ret; i++) {
		struct adjunct_cpu *cpu = &adj->cpu[i];

		if ((ret = clear_events(cpu)) || (ret = set_sregs(cpu)))
			break;
		ret = set_regs(cpu);
	}
	return ret;
}

void adjunct_vm_destroy(struct adjunct *adj)
{
	unsigned int i;

	for (i = 0; i < ADJUNCT_CPUS; i++) {
		struct adjunct_cpu *cpu = &adj->cpu[i];

		if (cpu->run)
			munmap(cpu->run, cpu->run_size);
		if (cpu->adj && cpu->fd >= 0)
			close(cpu->fd);
		cpu->run = NULL;
		cpu->fd = -1;
	}
	if (adj->vm_fd >= 0)
		close(adj->vm_fd);
	adj->vm_fd = -1;
}
