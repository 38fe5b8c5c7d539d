// SPDX-License-Identifier: GPL-2.0-only
/* Which members of KVM's structures are saved, and how they are called. */
#include <linux/kvm.h>

#include "cpu-state.h"

#define R(member) FIELD(#member, struct kvm_regs, member)
const struct field x86_regs_fields[] = {
	R(rax), R(rbx), R(rcx), R(rdx), R(rsi),	   R(rdi),
	R(rsp), R(rbp), R(r8),	R(r9),	R(r10),	   R(r11),
	R(r12), R(r13), R(r14), R(r15), R(rip),	   R(rflags),
};
const unsigned int x86_nr_regs = ARRAY_SIZE(x86_regs_fields);

#define S(member) FIELD(#member, struct kvm_sregs, member)
#define SEGMENT(r)                                                             \
	S(r.base), S(r.limit), S(r.selector), S(r.type), S(r.present),         \
		S(r.dpl), S(r.db), S(r.s), S(r.l), S(r.g), S(r.avl),           \
		S(r.unusable)
const struct field x86_sregs_fields[] = {
	SEGMENT(cs),
	SEGMENT(ds),
	SEGMENT(es),
	SEGMENT(fs),
	SEGMENT(gs),
	SEGMENT(ss),
	SEGMENT(tr),
	SEGMENT(ldt),
	S(gdt.base),
	S(gdt.limit),
	S(idt.base),
	S(idt.limit),
	S(cr0),
	S(cr2),
	S(cr3),
	S(cr4),
	S(cr8),
	S(efer),
	S(apic_base),
	FIELD("pending.0", struct kvm_sregs, interrupt_bitmap[0]),
	FIELD("pending.1", struct kvm_sregs, interrupt_bitmap[1]),
	FIELD("pending.2", struct kvm_sregs, interrupt_bitmap[2]),
	FIELD("pending.3", struct kvm_sregs, interrupt_bitmap[3]),
};
const unsigned int x86_nr_sregs = ARRAY_SIZE(x86_sregs_fields);

#define D(member) FIELD(#member, struct kvm_debugregs, member)
const struct field x86_debugregs_fields[] = {
	FIELD("db0", struct kvm_debugregs, db[0]),
	FIELD("db1", struct kvm_debugregs, db[1]),
	FIELD("db2", struct kvm_debugregs, db[2]),
	FIELD("db3", struct kvm_debugregs, db[3]),
	D(dr6),
	D(dr7),
};
const unsigned int x86_nr_debugregs = ARRAY_SIZE(x86_debugregs_fields);

#define E(member) FIELD(#member, struct kvm_vcpu_events, member)
const struct field x86_events_fields[] = {
	E(exception.injected),
	E(exception.nr),
	E(exception.has_error_code),
	E(exception.pending),
	E(exception.error_code),
	E(interrupt.injected),
	E(interrupt.nr),
	E(interrupt.soft),
	E(interrupt.shadow),
	E(nmi.injected),
	E(nmi.pending),
	E(nmi.masked),
	E(sipi_vector),
	E(flags),
	E(smi.smm),
	E(smi.pending),
	E(smi.smm_inside_nmi),
	E(smi.latched_init),
	E(triple_fault.pending),
	E(exception_has_payload),
	E(exception_payload),
};
const unsigned int x86_nr_events = ARRAY_SIZE(x86_events_fields);

#define P(member) FIELD(#member, struct kvm_pic_state, member)
const struct field x86_pic_fields[] = {
	P(last_irr),
	P(irr),
	P(imr),
	P(isr),
	P(priority_add),
	P(irq_base),
	P(read_reg_select),
	P(poll),
	P(special_mask),
	P(init_state),
	P(auto_eoi),
	P(rotate_on_auto_eoi),
	P(special_fully_nested_mode),
	P(init4),
	P(elcr),
	P(elcr_mask),
};
const unsigned int x86_nr_pic = ARRAY_SIZE(x86_pic_fields);

#define I(member) FIELD(#member, struct kvm_ioapic_state, member)
const struct field x86_ioapic_fields[] = {
	I(base_address),
	I(ioregsel),
	I(id),
	I(irr),
};
const unsigned int x86_nr_ioapic = ARRAY_SIZE(x86_ioapic_fields);

#define T(member) FIELD(#member, struct kvm_pit_channel_state, member)
const struct field x86_pit_fields[] = {
	T(count),	T(latched_count), T(count_latched), T(status_latched),
	T(status),	T(read_state),	  T(write_state),   T(write_latch),
	T(rw_mode),	T(mode),	  T(bcd),	    T(gate),
};
const unsigned int x86_nr_pit = ARRAY_SIZE(x86_pit_fields);
