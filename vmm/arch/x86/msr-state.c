// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSRs of a vCPU: all that KVM lists, and the banks of machine checks, which it
 * has without listing them. One that this host cannot set counts
 * only when the guest's value differs from what is there.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../../error.h"
#include "../../vcpu.h"
#include "../../vm.h"
#include "cpu-state.h"

#define MSR_FEAT_CTL 0x3a
#define MSR_VMX_BASIC 0x480
#define MSR_VMX_VMFUNC 0x491
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_MCG_CAP 0x179
#define MCG_CAP_BANKS 0xff
/* Of each bank: CTL, STATUS, ADDR, MISC. */
#define MSR_MC0_CTL 0x400
#define MSRS_A_BANK 4
#define BANKS_MAX 32
#define MSR_LIST_MAX 4096

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

static int msr_get(struct vcpu *vcpu, u32 index, u64 *val)
{
	struct one_msr m = {.head.nmsrs = 1, .entry.index = index};

	if (ioctl(vcpu->fd, KVM_GET_MSRS, &m) != 1)
		return -EIO;
	*val = m.entry.data;
	return 0;
}

static int msr_set(struct vcpu *vcpu, u32 index, u64 val)
{
	struct one_msr m = {
		.head.nmsrs = 1,
		.entry.index = index,
		.entry.data = val,
	};

	return ioctl(vcpu->fd, KVM_SET_MSRS, &m) == 1 ? 0 : -EIO;
}

static struct kvm_msr_list *msr_list(struct vcpu *vcpu)
{
	struct kvm_msr_list *list;

	list = calloc(1, sizeof(*list) + MSR_LIST_MAX * sizeof(u32));
	if (!list)
		return NULL;
	list->nmsrs = MSR_LIST_MAX;
	if (ioctl(vcpu->vm->kvm_fd, KVM_GET_MSR_INDEX_LIST, list)) {
		err_errno(-errno, "KVM_GET_MSR_INDEX_LIST");
		free(list);
		return NULL;
	}
	return list;
}

static int msr_save(struct vcpu *vcpu, struct state_out *out, u32 index)
{
	char tag[24];
	u64 val;

	/* Listed is also what this guest's CPUID hides from it. */
	if (msr_get(vcpu, index, &val))
		return 0;
	snprintf(tag, sizeof(tag), "msr.%08x", index);
	return state_put_u64(out, tag, val);
}

static int banks_save(struct vcpu *vcpu, struct state_out *out)
{
	u32 i, nr = 0;
	int ret = 0;
	u64 cap;

	if (!msr_get(vcpu, MSR_MCG_CAP, &cap))
		nr = min_t(u32, cap & MCG_CAP_BANKS, BANKS_MAX);
	for (i = 0; i < nr * MSRS_A_BANK && !ret; i++)
		ret = msr_save(vcpu, out, MSR_MC0_CTL + i);
	return ret;
}

int x86_msrs_save(struct vcpu *vcpu, struct state_out *out)
{
	struct kvm_msr_list *list = msr_list(vcpu);
	int ret = 0;
	u32 i;

	if (!list)
		return -ENOMEM;
	for (i = 0; i < list->nmsrs && !ret; i++)
		ret = msr_save(vcpu, out, list->indices[i]);
	free(list);
	return ret ?: banks_save(vcpu, out);
}

static int msr_load(struct vcpu *vcpu, u32 index, u64 val)
{
	u64 now;

	if (!msr_set(vcpu, index, val))
		return 0;
	if (!msr_get(vcpu, index, &now) ? now == val : !val)
		return 0;
	err("CPU %u: this host cannot set MSR %#x to %#llx, as the saved guest has it",
	    vcpu->index, index, (unsigned long long)val);
	return -EINVAL;
}

/* The index in the tag of a field, or 0 when it is none of an MSR. */
static u32 msr_of(const struct state_field *f)
{
	char hex[9] = {0};
	char *end;
	u32 index;

	if (f->tag_len != 12 || memcmp(f->tag, "msr.", 4))
		return 0;
	memcpy(hex, f->tag + 4, 8);
	index = strtoul(hex, &end, 16);
	return *end ? 0 : index;
}

static enum x86_msr_turn turn_of(u32 index)
{
	if (index == MSR_TSC_DEADLINE)
		return X86_MSR_DEADLINE;
	return index == MSR_FEAT_CTL ||
			       (index >= MSR_VMX_BASIC && index <= MSR_VMX_VMFUNC) ?
		       X86_MSR_VMX :
		       X86_MSR_OTHER;
}

int x86_msrs_load(struct vcpu *vcpu, struct state_in *in,
		  enum x86_msr_turn turn)
{
	struct state_field f;
	size_t off = 0;
	u64 val;
	u32 index;
	int ret;

	while ((ret = state_field_next(in, &off, &f)) > 0) {
		index = msr_of(&f);
		if (!index || turn_of(index) != turn)
			continue;
		if (f.len != sizeof(val)) {
			err("saved state of '%s': an MSR of %u bytes", in->name,
			    f.len);
			return -EINVAL;
		}
		memcpy(&val, f.data, sizeof(val));
		ret = msr_load(vcpu, index, le64toh(val));
		if (ret)
			return ret;
	}
	return ret;
}
