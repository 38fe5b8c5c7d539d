// SPDX-License-Identifier: GPL-2.0-only
/*
 * See paravirt.h. KVM keeps what the guest wrote in its struct kvm_vcpu, and tells
 * nobody, so this looks there now and then: when a VM is attached, and a few times
 * a second. An area that the guest has just set up was just used, and is not given
 * up before the next look.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_para.h>
#include <linux/slab.h>
#include <linux/tarn_para.h>

#include "kvm/paravirt.h"
#include "kvm/vm.h"
#include "policy/area.h"

/* Kinds of areas that a vCPU has one of. */
enum kind { KIND_CLOCK, KIND_STEAL, KIND_ASYNC_FAULT, KIND_EOI, KIND_COUNT };

/**
 * struct tarn_kvm_area - one of them
 * @gpa: where it was when it was registered, 0 if it was not
 * @handle: of the area, in the partition
 */
struct tarn_kvm_area {
	u64 gpa;
	u32 handle;
};

static const struct {
	u16 type;
	u16 bytes;
} kinds[KIND_COUNT] = {
	[KIND_CLOCK] = { TARN_AREA_CLOCK,
			 sizeof(struct pvclock_vcpu_time_info) },
	[KIND_STEAL] = { TARN_AREA_STEAL, sizeof(struct kvm_steal_time) },
	[KIND_ASYNC_FAULT] = { TARN_AREA_ASYNC_FAULT,
			       sizeof(struct kvm_vcpu_pv_apf_data) },
	[KIND_EOI] = { TARN_AREA_EOI, sizeof(u32) },
};

/* The MSR's value as KVM keeps it; a torn or old one is seen right next time. */
static u64 msr_of(struct kvm_vcpu *vcpu, enum kind kind)
{
	switch (kind) {
	case KIND_CLOCK:
		return READ_ONCE(vcpu->arch.time);
	case KIND_STEAL:
		return READ_ONCE(vcpu->arch.st.msr_val);
	case KIND_ASYNC_FAULT:
		return READ_ONCE(vcpu->arch.apf.msr_en_val);
	case KIND_EOI:
		return READ_ONCE(vcpu->arch.pv_eoi.msr_val);
	default:
		return 0;
	}
}

/* Bit 0 of each says that it counts; what the other low bits say differs. */
static u64 gpa_of(struct kvm_vcpu *vcpu, enum kind kind)
{
	static const u64 flags[KIND_COUNT] = { 0x1, 0x3f, 0x3f, 0x3 };
	u64 msr = msr_of(vcpu, kind);

	return msr & 1 ? msr & ~flags[kind] : 0;
}

static void forget(struct tarn_vm *vm, struct tarn_kvm_area *area)
{
	if (area->handle)
		tarn_area_unregister(vm->part, area->handle, TARN_AREA_BY_KVM);
	*area = (struct tarn_kvm_area){};
}

static void look_at(struct tarn_vm *vm, struct tarn_kvm_area *area, u64 gpa,
		    enum kind kind)
{
	const struct tarn_vm_map *map;
	long handle;

	if (gpa != area->gpa)
		forget(vm, area);
	if (area->handle)
		tarn_area_retry(vm->part, area->handle);
	if (!gpa || area->gpa == gpa)
		return;
	map = tarn_vm_map(vm, gpa);
	if (!map || gpa - (map->gfn << PAGE_SHIFT) + kinds[kind].bytes >
		    map->pages << PAGE_SHIFT)
		return;
	/* If it is refused it is tried again at the next look. */
	handle = tarn_area_register(vm->part, &(struct tarn_area_want) {
		.type = kinds[kind].type,
		.origin = TARN_AREA_BY_KVM,
		.nowait = true,
		.gone = &vm->gone,
		.offset = (map->index << PAGE_SHIFT) + gpa -
			  (map->gfn << PAGE_SHIFT),
		.bytes = kinds[kind].bytes,
	});
	if (handle <= 0)
		return;
	area->gpa = gpa;
	area->handle = handle;
}

/* There may be more vCPUs than at the last look. */
static bool make_room(struct tarn_vm *vm, unsigned int vcpus)
{
	struct tarn_kvm_area *areas;

	if (vcpus <= vm->nr_kvm_areas / KIND_COUNT)
		return true;
	areas = kcalloc(vcpus, KIND_COUNT * sizeof(*areas), GFP_KERNEL_ACCOUNT);
	if (!areas)
		return false;
	if (vm->kvm_areas)
		memcpy(areas, vm->kvm_areas,
		       vm->nr_kvm_areas * sizeof(*areas));
	kfree(vm->kvm_areas);
	vm->kvm_areas = areas;
	vm->nr_kvm_areas = vcpus * KIND_COUNT;
	return true;
}

/**
 * tarn_paravirt_look() - register what the guest told KVM since
 * @vm: attached; what it has is dropped when it is detached
 *
 * Context: the VM's own work; does not wait for I/O.
 */
void tarn_paravirt_look(struct tarn_vm *vm)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;
	enum kind kind;

	if (!make_room(vm, atomic_read(&vm->kvm->online_vcpus)))
		return;
	kvm_for_each_vcpu(i, vcpu, vm->kvm) {
		if ((i + 1) * KIND_COUNT > vm->nr_kvm_areas)
			break;
		for (kind = 0; kind < KIND_COUNT; kind++)
			look_at(vm, &vm->kvm_areas[i * KIND_COUNT + kind],
				gpa_of(vcpu, kind), kind);
	}
}
