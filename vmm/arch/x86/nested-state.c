// SPDX-License-Identifier: GPL-2.0-only
/*
 * Of a guest that runs guests of its own: what the processor holds beside its
 * registers. It is one block, laid out by KVM for AMD or for Intel, and saved where
 * it differs from what reset leaves, so that other guests fit to hosts without.
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

#define NESTED_MAX KIB(64)

/* How large it may be here; 0: this host has none. */
static u32 nested_max(struct vcpu *vcpu)
{
	int size = ioctl(vcpu->vm->fd, KVM_CHECK_EXTENSION,
			 KVM_CAP_NESTED_STATE);

	return size < (int)sizeof(struct kvm_nested_state)
		       ? 0
		       : min_t(u32, size, NESTED_MAX);
}

static bool is_as_after_reset(const struct vcpu *vcpu,
			      const struct kvm_nested_state *nested)
{
	const struct kvm_nested_state *reset = &vcpu->arch->nested;

	return nested->size == reset->size &&
	       !memcmp(nested, reset, sizeof(*reset));
}

int x86_nested_save(struct vcpu *vcpu, struct state_out *out)
{
	u32 max = nested_max(vcpu);
	struct kvm_nested_state *nested;
	int ret = 0;

	if (!max)
		return 0;
	nested = calloc(1, max);
	if (!nested)
		return -ENOMEM;
	nested->size = max;
	if (ioctl(vcpu->fd, KVM_GET_NESTED_STATE, nested))
		ret = err_errno(-errno, "cannot get the nested state of CPU %u",
				vcpu->index);
	else if (!is_as_after_reset(vcpu, nested))
		ret = state_put_bytes(out, "nested", nested, nested->size);
	free(nested);
	return ret;
}

int x86_nested_load(struct vcpu *vcpu, struct state_in *in)
{
	u32 max = nested_max(vcpu), len;
	struct kvm_nested_state *nested = calloc(1, max ?: sizeof(*nested));
	int ret;

	if (!nested)
		return -ENOMEM;
	ret = state_get_var(in, "nested", nested, max, &len);
	if (ret == -ENOENT) {
		ret = 0;
	} else if (ret || len < sizeof(*nested) || nested->size != len) {
		err("CPU %u: the guest runs guests of its own, in a way that this host cannot",
		    vcpu->index);
		ret = -EINVAL;
	} else if (ioctl(vcpu->fd, KVM_SET_NESTED_STATE, nested)) {
		ret = err_errno(-errno, "cannot set the nested state of CPU %u",
				vcpu->index);
	}
	free(nested);
	return ret;
}
