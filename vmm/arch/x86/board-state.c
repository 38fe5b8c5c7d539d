// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saved state of what belongs to the machine as a whole and lies in KVM: the
 * interrupt controllers, the PIT, the clock. And which sections of a saved
 * machine are x86's.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../../error.h"
#include "../../loop.h"
#include "../../save/sections.h"
#include "../../vcpu.h"
#include "../../vm.h"
#include "../../wait.h"
#include "cpu-state.h"
#include "x86.h"

#define STATE_VERSION 1

/* KVM's numbers of the chips, and how their sections are called. */
static const char *const chip_names[] = {"pic.0", "pic.1", "ioapic"};

static int pins_save(struct state_out *out, const struct kvm_ioapic_state *s)
{
	char tag[16];
	int i, ret = 0;

	for (i = 0; i < KVM_IOAPIC_NUM_PINS && !ret; i++) {
		snprintf(tag, sizeof(tag), "pin.%d", i);
		ret = state_put_u64(out, tag, s->redirtbl[i].bits);
	}
	return ret;
}

static int pins_load(struct state_in *in, struct kvm_ioapic_state *s)
{
	char tag[16];
	u64 bits;
	int i, ret = 0;

	for (i = 0; i < KVM_IOAPIC_NUM_PINS && !ret; i++) {
		snprintf(tag, sizeof(tag), "pin.%d", i);
		ret = state_get_u64(in, tag, &bits, UINT64_MAX);
		s->redirtbl[i].bits = bits;
	}
	return ret;
}

static int chip_save(struct vm *vm, struct state_out *out, u32 id)
{
	struct kvm_irqchip chip = {.chip_id = id};
	int ret;

	if (ioctl(vm->fd, KVM_GET_IRQCHIP, &chip))
		return err_errno(-errno, "KVM_GET_IRQCHIP");
	ret = state_section(out, chip_names[id], STATE_VERSION);
	if (ret)
		return ret;
	if (id != KVM_IRQCHIP_IOAPIC)
		return fields_put(out, "", &chip.chip.pic, x86_pic_fields,
				  x86_nr_pic);
	ret = fields_put(out, "", &chip.chip.ioapic, x86_ioapic_fields,
			 x86_nr_ioapic);
	return ret ?: pins_save(out, &chip.chip.ioapic);
}

static int chip_load(struct vm *vm, struct sections *sections, u32 id)
{
	struct kvm_irqchip chip = {.chip_id = id};
	struct state_in *in;
	int ret;

	in = sections_take(sections, chip_names[id], STATE_VERSION);
	if (!in)
		return -EINVAL;
	if (id != KVM_IRQCHIP_IOAPIC) {
		ret = fields_get(in, "", &chip.chip.pic, x86_pic_fields,
				 x86_nr_pic);
	} else {
		ret = fields_get(in, "", &chip.chip.ioapic, x86_ioapic_fields,
				 x86_nr_ioapic);
		ret = ret ?: pins_load(in, &chip.chip.ioapic);
	}
	if (!ret && ioctl(vm->fd, KVM_SET_IRQCHIP, &chip))
		ret = err_errno(-errno, "cannot restore '%s'", in->name);
	return ret;
}

/* When a count began is kept as an age: clocks differ from boot to boot. */
static int pit_save(struct vm *vm, struct state_out *out)
{
	struct kvm_pit_state2 pit;
	char prefix[16], tag[24];
	u64 now = loop_now();
	int i, ret;

	if (ioctl(vm->fd, KVM_GET_PIT2, &pit))
		return err_errno(-errno, "KVM_GET_PIT2");
	ret = state_section(out, "pit", STATE_VERSION);
	if (!ret)
		ret = state_put_u64(out, "flags", pit.flags);
	for (i = 0; i < 3 && !ret; i++) {
		u64 began = pit.channels[i].count_load_time;

		snprintf(prefix, sizeof(prefix), "%d.", i);
		ret = fields_put(out, prefix, &pit.channels[i], x86_pit_fields,
				 x86_nr_pit);
		snprintf(tag, sizeof(tag), "%d.age", i);
		ret = ret ?: state_put_u64(out, tag,
					   began < now ? now - began : 0);
	}
	return ret;
}

static int pit_load(struct vm *vm, struct sections *sections)
{
	struct kvm_pit_state2 pit = {0};
	struct state_in *in = sections_take(sections, "pit", STATE_VERSION);
	char prefix[16], tag[24];
	u64 flags, age;
	int i, ret;

	if (!in)
		return -EINVAL;
	ret = state_get_u64(in, "flags", &flags, UINT32_MAX);
	for (i = 0; i < 3 && !ret; i++) {
		snprintf(prefix, sizeof(prefix), "%d.", i);
		ret = fields_get(in, prefix, &pit.channels[i], x86_pit_fields,
				 x86_nr_pit);
		snprintf(tag, sizeof(tag), "%d.age", i);
		ret = ret ?: state_get_u64(in, tag, &age, INT64_MAX);
		if (!ret)
			pit.channels[i].count_load_time =
				(s64)loop_now() - (s64)age;
	}
	if (ret)
		return err_errno(ret, "the saved PIT");
	pit.flags = flags;
	if (ioctl(vm->fd, KVM_SET_PIT2, &pit))
		return err_errno(-errno, "cannot restore the PIT");
	return 0;
}

/*
 * The guest's clock stands still while it is saved, like that of a machine that
 * sleeps.
 */
static int clock_save(struct vm *vm, struct state_out *out)
{
	struct kvm_clock_data data = {0};
	int khz = ioctl(vm->vcpus[0].fd, KVM_GET_TSC_KHZ, 0);
	int ret;

	if (ioctl(vm->fd, KVM_GET_CLOCK, &data))
		return err_errno(-errno, "KVM_GET_CLOCK");
	ret = state_section(out, "clock", STATE_VERSION);
	if (!ret)
		ret = state_put_u64(out, "ns", data.clock);
	return ret ?: state_put_u64(out, "tsc_khz", khz > 0 ? khz : 0);
}

/* A TSC of another speed is made to run as the guest knows it, if possible. */
static int tsc_speed(struct vm *vm, u64 want)
{
	unsigned int i;
	s64 diff;
	int khz;

	for (i = 0; i < vm->nr_vcpus; i++) {
		khz = ioctl(vm->vcpus[i].fd, KVM_GET_TSC_KHZ, 0);
		diff = khz - (s64)want;
		/* 250 ppm is what NTP corrects with ease. */
		if (!want || khz <= 0 || diff * diff <= (want / 4000) * (want / 4000))
			continue;
		if (ioctl(vm->vcpus[i].fd, KVM_SET_TSC_KHZ, want))
			warn("the guest's TSC ran at %llu kHz, here it runs at %d: its clock may drift",
			     (unsigned long long)want, khz);
	}
	return 0;
}

static int clock_set(struct vm *vm, u64 ns)
{
	struct kvm_clock_data data = {.clock = ns};

	return ioctl(vm->fd, KVM_SET_CLOCK, &data)
		       ? err_errno(-errno, "KVM_SET_CLOCK")
		       : 0;
}

static int clock_load(struct vm *vm, struct sections *sections, u64 *ns)
{
	struct state_in *in = sections_take(sections, "clock", STATE_VERSION);
	u64 khz;
	int ret;

	if (!in)
		return -EINVAL;
	if ((ret = state_get_u64(in, "ns", ns, INT64_MAX)) ||
	    (ret = state_get_u64(in, "tsc_khz", &khz, INT32_MAX)))
		return err_errno(ret, "the saved clock");
	/* Now for what is computed from it, and again when all is restored. */
	ret = tsc_speed(vm, khz);
	return ret ?: clock_set(vm, *ns);
}

static void cpu_name(char *name, size_t size, unsigned int index)
{
	snprintf(name, size, "cpu.%u", index);
}

int x86_state_save(struct vm *vm, struct state_out *out)
{
	char name[STATE_NAME_MAX];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(chip_names) && !ret; i++)
		ret = chip_save(vm, out, i);
	if (!ret)
		ret = pit_save(vm, out);
	for (i = 0; i < vm->nr_vcpus && !ret; i++) {
		cpu_name(name, sizeof(name), i);
		ret = state_section(out, name, STATE_VERSION);
		/* KVM looks for page tables in guest memory in some modes. */
		wait_begin(WAIT_PAGES);
		if (!ret)
			ret = x86_vcpu_save(&vm->vcpus[i], out);
		wait_end();
	}
	return ret ?: clock_save(vm, out);
}

int x86_state_load(struct vm *vm, struct sections *sections)
{
	char name[STATE_NAME_MAX];
	struct state_in *in;
	unsigned int i;
	u64 ns = 0;
	int ret;

	ret = clock_load(vm, sections, &ns);
	/* The chips first: what they raise now is part of the APICs' state. */
	for (i = 0; i < ARRAY_SIZE(chip_names) && !ret; i++)
		ret = chip_load(vm, sections, i);
	if (!ret)
		ret = pit_load(vm, sections);
	for (i = 0; i < vm->nr_vcpus && !ret; i++) {
		cpu_name(name, sizeof(name), i);
		in = sections_take(sections, name, STATE_VERSION);
		wait_begin(WAIT_PAGES);
		ret = in ? x86_vcpu_load(&vm->vcpus[i], in) : -EINVAL;
		wait_end();
	}
	return ret ?: clock_set(vm, ns);
}
