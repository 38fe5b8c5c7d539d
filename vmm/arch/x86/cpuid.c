// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID as the guest sees it: what KVM supports on this host (-cpu host), plus
 * what only the VMM knows: APIC ids, the topology and the hypervisor bit.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/tarn_para.h>

#include "../../config.h"
#include "../../error.h"
#include "../../partition.h"
#include "../../vcpu.h"
#include "../../vm.h"
#include "x86.h"

#define CPUID_MAX_ENTRIES 256

/* Leaves of hypervisors, in blocks of 0x100. */
#define HYPERVISOR_BASE 0x40000000U
#define HYPERVISOR_END 0x40010000U

/* Widths of the fields of an APIC id, and where this vCPU is. */
struct topology {
	unsigned int threads; /* per core */
	unsigned int cores; /* per package, dies counted in */
	unsigned int thread_bits;
	unsigned int package_bits; /* threads and cores together */
	u32 apic_id;
};

static unsigned int bits_for(unsigned int n)
{
	return n > 1 ? 32 - __builtin_clz(n - 1) : 0;
}

static void topology_get(struct vm *vm, unsigned int index,
			 struct topology *topo)
{
	const struct vm_config *cfg = vm->config;
	unsigned int core_bits, core, package;

	topo->threads = cfg->threads;
	topo->cores = cfg->cores * cfg->dies;
	topo->thread_bits = bits_for(topo->threads);
	core_bits = bits_for(topo->cores);
	topo->package_bits = topo->thread_bits + core_bits;
	core = index / topo->threads % topo->cores;
	package = index / topo->threads / topo->cores;
	topo->apic_id = package << topo->package_bits |
			core << topo->thread_bits | index % topo->threads;
}

u32 x86_apic_id(struct vm *vm, unsigned int index)
{
	struct topology topo;

	topology_get(vm, index, &topo);
	return topo.apic_id;
}

static struct kvm_cpuid_entry2 *entry_find(struct kvm_cpuid2 *cpuid,
					   u32 function)
{
	u32 i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function)
			return &cpuid->entries[i];
	return NULL;
}

static void entry_remove(struct kvm_cpuid2 *cpuid, u32 function)
{
	u32 i, n = 0;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function != function)
			cpuid->entries[n++] = cpuid->entries[i];
	cpuid->nent = n;
}

static void set_field(u32 *reg, unsigned int shift, unsigned int width, u32 val)
{
	u32 mask = ((1U << width) - 1) << shift;

	*reg = (*reg & ~mask) | (val << shift & mask);
}

static void set_features(struct vm *vm, struct kvm_cpuid_entry2 *e,
			 const struct topology *topo)
{
	bool deadline = ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION,
			      KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	u32 logical = 1U << topo->package_bits;

	e->ecx |= 1U << 31; /* hypervisor */
	e->ecx |= 1U << 21; /* x2APIC, emulated by KVM on any host */
	if (deadline)
		e->ecx |= 1U << 24;
	set_field(&e->ebx, 24, 8, topo->apic_id);
	set_field(&e->ebx, 16, 8, min_t(u32, logical, 255));
	set_field(&e->edx, 28, 1, topo->package_bits > 0);
}

/* Intel's leaf 4 and AMD's 0x8000001d: who shares a cache. */
static void set_caches(struct kvm_cpuid2 *cpuid, u32 function,
		       const struct topology *topo)
{
	u32 i;

	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];
		u32 level = e->eax >> 5 & 7;

		if (e->function != function || !(e->eax & 0x1f))
			continue;
		set_field(&e->eax, 14, 12,
			  (1U << (level < 3 ? topo->thread_bits
					    : topo->package_bits)) -
				  1);
		if (function == 4)
			set_field(&e->eax, 26, 6,
				  (1U << (topo->package_bits -
					  topo->thread_bits)) -
					  1);
	}
}

static void add_level(struct kvm_cpuid2 *cpuid, u32 index, u32 bits, u32 count,
		      u32 type, u32 apic_id)
{
	struct kvm_cpuid_entry2 *e;

	if (cpuid->nent == CPUID_MAX_ENTRIES)
		return;
	e = &cpuid->entries[cpuid->nent++];
	memset(e, 0, sizeof(*e));
	e->function = 0xb;
	e->index = index;
	e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	e->eax = bits;
	e->ebx = count;
	e->ecx = type << 8 | index;
	e->edx = apic_id;
}

/* Leaf 0xb counts threads at each level: 1 is SMT, 2 is core. */
static void set_levels(struct kvm_cpuid2 *cpuid, const struct topology *topo)
{
	struct kvm_cpuid_entry2 *base = entry_find(cpuid, 0);

	entry_remove(cpuid, 0xb);
	entry_remove(cpuid, 0x1f);
	if (!base || base->eax < 0xb)
		return;
	if (base->eax == 0x1f)
		base->eax = 0x1e;
	add_level(cpuid, 0, topo->thread_bits, topo->threads, 1, topo->apic_id);
	add_level(cpuid, 1, topo->package_bits, topo->threads * topo->cores, 2,
		  topo->apic_id);
	add_level(cpuid, 2, 0, 0, 0, topo->apic_id);
}

static void set_amd(struct kvm_cpuid2 *cpuid, const struct topology *topo)
{
	struct kvm_cpuid_entry2 *e;
	u32 n = topo->threads * topo->cores;

	e = entry_find(cpuid, 0x80000001);
	if (e)
		set_field(&e->ecx, 1, 1, n > 1); /* more than one core */
	e = entry_find(cpuid, 0x80000008);
	if (e) {
		set_field(&e->ecx, 0, 8, n - 1);
		set_field(&e->ecx, 12, 4, topo->package_bits);
	}
	e = entry_find(cpuid, 0x8000001e);
	if (e) {
		e->eax = topo->apic_id;
		e->ebx = topo->apic_id >> topo->thread_bits &
			 ((1U << (topo->package_bits - topo->thread_bits)) - 1);
		set_field(&e->ebx, 8, 8, topo->threads - 1);
		e->ecx = topo->apic_id >> topo->package_bits;
	}
}

static bool block_used(const struct kvm_cpuid2 *cpuid, u32 base)
{
	u32 i;

	for (i = 0; i < cpuid->nent; i++)
		if ((cpuid->entries[i].function & ~0xffU) == base)
			return true;
	return false;
}

/* The first block of the hypervisors' leaves that KVM leaves free is Tarn's. */
static void set_tarn(struct kvm_cpuid2 *cpuid, u32 features)
{
	struct kvm_cpuid_entry2 *e = &cpuid->entries[cpuid->nent];
	u32 base = HYPERVISOR_BASE;

	while (base < HYPERVISOR_END && block_used(cpuid, base))
		base += 0x100;
	if (base == HYPERVISOR_END || cpuid->nent + 2 > CPUID_MAX_ENTRIES)
		return;
	memset(e, 0, 2 * sizeof(*e));
	e[0].function = base;
	e[0].eax = base + TARN_CPUID_FEATURES;
	memcpy(&e[0].ebx, TARN_CPUID_SIGNATURE, 4);
	memcpy(&e[0].ecx, TARN_CPUID_SIGNATURE + 4, 4);
	memcpy(&e[0].edx, TARN_CPUID_SIGNATURE + 8, 4);
	e[1].function = base + TARN_CPUID_FEATURES;
	e[1].eax = features;
	e[1].ebx = TARN_HC_BASE;
	cpuid->nent += 2;
}

/* Without them the guest runs no guests of its own. */
static void hide_virtualization(struct kvm_cpuid2 *cpuid,
				const struct vm_config *cfg)
{
	struct kvm_cpuid_entry2 *e = entry_find(cpuid, 1);

	if (e && cfg->vmx_hidden)
		set_field(&e->ecx, 5, 1, 0);
	e = entry_find(cpuid, 0x80000001);
	if (e && cfg->svm_hidden) {
		set_field(&e->ecx, 2, 1, 0);
		entry_remove(cpuid, 0x8000000a);
	}
}

static bool is_amd(struct kvm_cpuid2 *cpuid)
{
	struct kvm_cpuid_entry2 *e = entry_find(cpuid, 0);

	/* "Auth" of AMD, "Hygo" of Hygon. */
	return e && (e->ebx == 0x68747541 || e->ebx == 0x6f677948);
}

int x86_cpuid_set(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct kvm_cpuid2 *cpuid;
	struct kvm_cpuid_entry2 *e;
	struct topology topo;
	int ret = 0;

	cpuid = calloc(1, sizeof(*cpuid) +
				  CPUID_MAX_ENTRIES * sizeof(*cpuid->entries));
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = CPUID_MAX_ENTRIES;
	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid)) {
		ret = err_errno(-errno, "KVM_GET_SUPPORTED_CPUID");
		goto out;
	}

	topology_get(vm, vcpu->index, &topo);
	e = entry_find(cpuid, 1);
	if (e)
		set_features(vm, e, &topo);
	if (is_amd(cpuid)) {
		set_amd(cpuid, &topo);
		set_caches(cpuid, 0x8000001d, &topo);
	} else {
		set_caches(cpuid, 4, &topo);
	}
	set_levels(cpuid, &topo);
	hide_virtualization(cpuid, vm->config);
	if (!vm->config->tarn_hidden && partitions_features(vm))
		set_tarn(cpuid, partitions_features(vm));
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		ret = err_errno(-errno, "KVM_SET_CPUID2");
out:
	free(cpuid);
	return ret;
}
