/* SPDX-License-Identifier: GPL-2.0-only */
/* Saving and restoring what KVM holds: vCPUs, interrupt controllers, clocks. */
#ifndef TARN_X86_CPU_STATE_H
#define TARN_X86_CPU_STATE_H

#include "../../fields.h"

struct vcpu;

/** enum x86_msr_turn - when an MSR is loaded, as others want it before or after */
enum x86_msr_turn {
	/** What VMX the processor has: fixed once it is in VMX operation. */
	X86_MSR_VMX,
	X86_MSR_OTHER,
	/** Means something only to an APIC that has its mode. */
	X86_MSR_DEADLINE,
};

/* cpu-fields.c */
extern const struct field x86_regs_fields[], x86_sregs_fields[],
	x86_debugregs_fields[], x86_events_fields[], x86_pic_fields[],
	x86_ioapic_fields[], x86_pit_fields[];
extern const unsigned int x86_nr_regs, x86_nr_sregs, x86_nr_debugregs,
	x86_nr_events, x86_nr_pic, x86_nr_ioapic, x86_nr_pit;

/** x86_vcpu_save() - write the fields of a vCPU that is parked. */
int x86_vcpu_save(struct vcpu *vcpu, struct state_out *out);

/**
 * x86_vcpu_load() - the reverse, on a vCPU that has not run since reset.
 *
 * Return: 0, or -errno, reported: the host has not what the guest uses, or the
 * fields are no state that KVM takes.
 */
int x86_vcpu_load(struct vcpu *vcpu, struct state_in *in);

/* Parts of the two above. */
int x86_nested_save(struct vcpu *vcpu, struct state_out *out);
int x86_nested_load(struct vcpu *vcpu, struct state_in *in);
int x86_msrs_save(struct vcpu *vcpu, struct state_out *out);
int x86_msrs_load(struct vcpu *vcpu, struct state_in *in,
		  enum x86_msr_turn turn);
int x86_cpuid_save(struct vcpu *vcpu, struct state_out *out);
int x86_cpuid_load(struct vcpu *vcpu, struct state_in *in);

#endif
