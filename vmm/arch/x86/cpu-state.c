// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of a vCPU, as fields. Two are blocks whose layout the architecture
 * defines: the registers of the local APIC and the XSAVE area.
 *
 * The order of loading matters: CPUID says which registers there are, EFER and CR4
 * whether there may be a nested guest, and this whose the other registers are. The
 * APIC's base comes before the APIC, and its timer after the TSC that it is
 * compared with.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../../error.h"
#include "../../vcpu.h"
#include "../../vm.h"
#include "cpu-state.h"
#include "x86.h"

#define XSAVE_MAX KIB(64)

/* One of KVM's structures that is saved member by member. */
struct regset {
	const char *name;
	const char *prefix;
	unsigned long get;
	unsigned long set;
	const struct field *fields;
	const unsigned int *nr;
	u16 size;
};

union regset_buf {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
};

static const struct regset sregs_set = {
	"sregs", "s.", KVM_GET_SREGS, KVM_SET_SREGS, x86_sregs_fields,
	&x86_nr_sregs, sizeof(struct kvm_sregs)};
static const struct regset regs_set = {
	"regs", "r.", KVM_GET_REGS, KVM_SET_REGS, x86_regs_fields, &x86_nr_regs,
	sizeof(struct kvm_regs)};
static const struct regset debugregs_set = {
	"debugregs", "d.", KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS,
	x86_debugregs_fields, &x86_nr_debugregs, sizeof(struct kvm_debugregs)};
static const struct regset events_set = {
	"events", "e.", KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS,
	x86_events_fields, &x86_nr_events, sizeof(struct kvm_vcpu_events)};

static int fail(struct vcpu *vcpu, const char *verb, const char *what)
{
	return err_errno(-errno, "cannot %s %s of CPU %u", verb, what,
			 vcpu->index);
}

static int regset_save(struct vcpu *vcpu, struct state_out *out,
		       const struct regset *set)
{
	union regset_buf buf = {0};

	if (ioctl(vcpu->fd, set->get, &buf))
		return fail(vcpu, "get", set->name);
	return fields_put(out, set->prefix, &buf, set->fields, *set->nr);
}

static int regset_load(struct vcpu *vcpu, struct state_in *in,
		       const struct regset *set)
{
	union regset_buf buf = {0};
	int ret = fields_get(in, set->prefix, &buf, set->fields, *set->nr);

	if (!ret && ioctl(vcpu->fd, set->set, &buf))
		ret = fail(vcpu, "set", set->name);
	return ret;
}

/* The size of the XSAVE area of this VM, by KVM's newer call if it has it. */
static u32 xsave_size(struct vcpu *vcpu, bool *newer)
{
	int size = ioctl(vcpu->vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);

	*newer = size > 0 && (u32)size <= XSAVE_MAX;
	return *newer ? max_t(u32, size, sizeof(struct kvm_xsave))
		      : sizeof(struct kvm_xsave);
}

static int xsave_save(struct vcpu *vcpu, struct state_out *out)
{
	bool newer;
	u32 size = xsave_size(vcpu, &newer);
	void *buf = calloc(1, size);
	int ret;

	if (!buf)
		return -ENOMEM;
	if (ioctl(vcpu->fd, newer ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, buf))
		ret = fail(vcpu, "get", "the FPU");
	else
		ret = state_put_bytes(out, "xsave", buf, size);
	free(buf);
	return ret;
}

static int xsave_load(struct vcpu *vcpu, struct state_in *in)
{
	bool newer;
	u32 len, size = xsave_size(vcpu, &newer);
	void *buf = calloc(1, size);
	int ret;

	if (!buf)
		return -ENOMEM;
	ret = state_get_var(in, "xsave", buf, size, &len);
	if (ret)
		err("CPU %u: the saved FPU does not fit to this host's",
		    vcpu->index);
	else if (ioctl(vcpu->fd, KVM_SET_XSAVE, buf))
		ret = fail(vcpu, "set", "the FPU");
	free(buf);
	return ret;
}

/* XCR0 is the only one there is. */
static int xcr_save(struct vcpu *vcpu, struct state_out *out)
{
	struct kvm_xcrs xcrs = {0};
	u32 i;

	/* A host without XSAVE has none. */
	if (ioctl(vcpu->fd, KVM_GET_XCRS, &xcrs))
		return 0;
	for (i = 0; i < xcrs.nr_xcrs && i < KVM_MAX_XCRS; i++)
		if (!xcrs.xcrs[i].xcr)
			return state_put_u64(out, "xcr0", xcrs.xcrs[i].value);
	return 0;
}

static int xcr_load(struct vcpu *vcpu, struct state_in *in)
{
	struct kvm_xcrs xcrs = {.nr_xcrs = 1};
	u64 val;
	int ret = state_get_u64(in, "xcr0", &val, UINT64_MAX);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	xcrs.xcrs[0].value = val;
	return ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs) ? fail(vcpu, "set", "XCR0")
						    : 0;
}

static int lapic_save(struct vcpu *vcpu, struct state_out *out)
{
	struct kvm_lapic_state lapic;

	if (ioctl(vcpu->fd, KVM_GET_LAPIC, &lapic))
		return fail(vcpu, "get", "the APIC");
	return state_put_bytes(out, "apic", lapic.regs, sizeof(lapic.regs));
}

static int lapic_load(struct vcpu *vcpu, struct state_in *in)
{
	struct kvm_lapic_state lapic;
	int ret = state_get_bytes(in, "apic", lapic.regs, sizeof(lapic.regs));

	if (ret)
		return err_errno(ret, "CPU %u: the saved APIC", vcpu->index);
	return ioctl(vcpu->fd, KVM_SET_LAPIC, &lapic)
		       ? fail(vcpu, "set", "the APIC")
		       : 0;
}

static int mp_save(struct vcpu *vcpu, struct state_out *out)
{
	struct kvm_mp_state mp;

	if (ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp))
		return fail(vcpu, "get", "the run state");
	return state_put_u64(out, "mp_state", mp.mp_state);
}

static int mp_load(struct vcpu *vcpu, struct state_in *in)
{
	struct kvm_mp_state mp;
	u64 val;
	int ret = state_get_u64(in, "mp_state", &val, UINT32_MAX);

	if (ret)
		return err_errno(ret, "CPU %u: mp_state", vcpu->index);
	mp.mp_state = val;
	return ioctl(vcpu->fd, KVM_SET_MP_STATE, &mp)
		       ? fail(vcpu, "set", "the run state")
		       : 0;
}

int x86_vcpu_save(struct vcpu *vcpu, struct state_out *out)
{
	int ret;

	/* KVM turns pending INITs into state when it is asked for this one. */
	if ((ret = mp_save(vcpu, out)) || (ret = x86_cpuid_save(vcpu, out)) ||
	    (ret = x86_nested_save(vcpu, out)) ||
	    (ret = regset_save(vcpu, out, &sregs_set)) ||
	    (ret = regset_save(vcpu, out, &regs_set)) ||
	    (ret = xsave_save(vcpu, out)) || (ret = xcr_save(vcpu, out)) ||
	    (ret = x86_msrs_save(vcpu, out)) || (ret = lapic_save(vcpu, out)) ||
	    (ret = regset_save(vcpu, out, &events_set)))
		return ret;
	return regset_save(vcpu, out, &debugregs_set);
}

int x86_vcpu_load(struct vcpu *vcpu, struct state_in *in)
{
	int ret;

	if ((ret = x86_cpuid_load(vcpu, in)) ||
	    (ret = x86_msrs_load(vcpu, in, X86_MSR_VMX)) ||
	    (ret = regset_load(vcpu, in, &sregs_set)) ||
	    (ret = x86_nested_load(vcpu, in)) ||
	    (ret = regset_load(vcpu, in, &regs_set)) ||
	    (ret = xsave_load(vcpu, in)) || (ret = xcr_load(vcpu, in)) ||
	    (ret = x86_msrs_load(vcpu, in, X86_MSR_OTHER)) ||
	    (ret = lapic_load(vcpu, in)) ||
	    (ret = x86_msrs_load(vcpu, in, X86_MSR_DEADLINE)) ||
	    (ret = regset_load(vcpu, in, &events_set)) ||
	    (ret = mp_load(vcpu, in)))
		return ret;
	return regset_load(vcpu, in, &debugregs_set);
}
