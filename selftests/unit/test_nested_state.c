// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that run guests are reset, saved and loaded in the order that KVM wants, of
 * which there is a model here: a processor in VMX operation keeps CR4.VMXE and what
 * its MSRs say of VMX, and a nested guest under AMD's extensions wants EFER.SVME.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "arch/x86/cpu-state.h"
#include "arch/x86/x86.h"
#include "fake_error.h"
#include "state.h"
#include "tap.h"
#include "vcpu.h"
#include "vm.h"

#define CR4_VMXE (1U << 13)
#define EFER_SVME (1U << 12)
#define MSR_VMX_MISC 0x485
#define MSR_OTHER 0xc0000103
#define NO_ADDRESS (~0ULL)
#define VMCB 4096

struct block {
	struct kvm_nested_state head;
	u8 data[VMCB];
};

/* A processor, as KVM has it. */
static struct {
	struct kvm_sregs sregs;
	struct block nested;
	u64 vmx_misc, other;
	bool intel;
	u32 max; /* 0: no nested state on this host */
} cpu;

static struct vm vm = {.fd = 1, .kvm_fd = 2};
static struct vcpu vcpu = {.vm = &vm, .fd = 3};

static bool vmx_on(void)
{
	return cpu.intel && cpu.nested.head.hdr.vmx.vmxon_pa != NO_ADDRESS;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

static int set_sregs(const struct kvm_sregs *sregs)
{
	if (vmx_on() && !(sregs->cr4 & CR4_VMXE))
		return fail(EINVAL);
	cpu.sregs = *sregs;
	return 0;
}

static int get_nested(struct kvm_nested_state *nested)
{
	if (!cpu.max)
		return fail(EINVAL);
	if (nested->size < cpu.nested.head.size)
		return fail(E2BIG);
	memcpy(nested, &cpu.nested, cpu.nested.head.size);
	return 0;
}

static int set_nested(const struct kvm_nested_state *nested)
{
	bool guest = nested->flags & KVM_STATE_NESTED_GUEST_MODE;

	if (!cpu.max || nested->format != cpu.nested.head.format ||
	    nested->size != sizeof(*nested) + (guest ? VMCB : 0))
		return fail(EINVAL);
	if (cpu.intel && nested->hdr.vmx.vmxon_pa != NO_ADDRESS &&
	    !(cpu.sregs.cr4 & CR4_VMXE))
		return fail(EINVAL);
	if (!cpu.intel && guest && !(cpu.sregs.efer & EFER_SVME))
		return fail(EINVAL);
	memcpy(&cpu.nested, nested, nested->size);
	return 0;
}

static void list_msrs(struct kvm_msr_list *list)
{
	list->nmsrs = 0;
	list->indices[list->nmsrs++] = MSR_OTHER;
	if (cpu.intel)
		list->indices[list->nmsrs++] = MSR_VMX_MISC;
}

/* As KVM does, how many could be got or set: of one. */
static int access_msr(struct kvm_msr_entry *e, bool set)
{
	u64 *val = e->index == MSR_OTHER		    ? &cpu.other :
		   e->index == MSR_VMX_MISC && cpu.intel ? &cpu.vmx_misc :
							    NULL;

	if (!val || (set && val == &cpu.vmx_misc && vmx_on()))
		return 0;
	if (set)
		*val = e->data;
	else
		e->data = *val;
	return 1;
}

static int extension(long name)
{
	return name == KVM_CAP_NESTED_STATE ? (int)cpu.max : 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return extension((long)arg);
	case KVM_GET_SREGS:
		*(struct kvm_sregs *)arg = cpu.sregs;
		return 0;
	case KVM_SET_SREGS:
		return set_sregs(arg);
	case KVM_GET_NESTED_STATE:
		return get_nested(arg);
	case KVM_SET_NESTED_STATE:
		return set_nested(arg);
	case KVM_GET_CPUID2:
		((struct kvm_cpuid2 *)arg)->nent = 0;
		return 0;
	case KVM_GET_MSR_INDEX_LIST:
		list_msrs(arg);
		return 0;
	case KVM_GET_MSRS:
	case KVM_SET_MSRS:
		return access_msr(((struct kvm_msrs *)arg)->entries,
				  request == KVM_SET_MSRS);
	default:
		return 0;
	}
}

int x86_cpuid_set(struct vcpu *v)
{
	return 0;
}

int tarn_mem_write(struct tarn_mem *mem, u64 gpa, const void *buf, u64 len)
{
	return -EFAULT;
}

void *tarn_mem_ptr(struct tarn_mem *mem, u64 gpa, u64 len)
{
	return NULL;
}

static void set_up(bool intel, u32 max)
{
	memset(&cpu, 0, sizeof(cpu));
	cpu.intel = intel;
	cpu.max = max;
	cpu.nested.head.size = sizeof(cpu.nested.head);
	if (intel) {
		cpu.nested.head.format = KVM_STATE_NESTED_FORMAT_VMX;
		cpu.nested.head.hdr.vmx.vmxon_pa = NO_ADDRESS;
		cpu.nested.head.hdr.vmx.vmcs12_pa = NO_ADDRESS;
	} else {
		cpu.nested.head.format = KVM_STATE_NESTED_FORMAT_SVM;
		cpu.nested.head.flags = KVM_STATE_NESTED_GIF_SET;
	}
	CHECK_EQ(x86_vcpu_create(&vcpu), 0);
}

/* The guest has begun to run guests; with @inside it is in one of them. */
static void enter(bool inside)
{
	if (cpu.intel) {
		cpu.sregs.cr4 |= CR4_VMXE;
		cpu.nested.head.hdr.vmx.vmxon_pa = 0x1000;
	} else {
		cpu.sregs.efer |= EFER_SVME;
	}
	if (!inside)
		return;
	cpu.nested.head.flags |= KVM_STATE_NESTED_GUEST_MODE;
	cpu.nested.head.size = sizeof(cpu.nested);
	memset(cpu.nested.data, 'v', VMCB);
}

static void test_reset(bool intel, bool inside)
{
	struct block before;

	set_up(intel, sizeof(struct block));
	before = cpu.nested;
	enter(inside);
	CHECK_EQ(x86_vcpu_reset(&vcpu), 0);
	CHECK(!memcmp(&cpu.nested, &before, sizeof(before.head)));
	CHECK_EQ(cpu.sregs.cr4, 0);
	CHECK_EQ(cpu.sregs.efer, 0);
	x86_vcpu_destroy(&vcpu);
}

static void test_resets(void)
{
	test_reset(true, false);
	test_reset(true, true);
	test_reset(false, false);
	test_reset(false, true);
	set_up(false, 0);
	CHECK_EQ(x86_vcpu_reset(&vcpu), 0);
	x86_vcpu_destroy(&vcpu);
}

static struct state_out *save(struct state_in *in)
{
	struct state_out *out = state_out_create();
	size_t len, off = 0;
	const void *data;

	CHECK_EQ(state_section(out, "cpu.0", 1), 0);
	CHECK_EQ(x86_vcpu_save(&vcpu, out), 0);
	data = state_out_data(out, &len);
	CHECK_EQ(state_next(data, len, &off, in), 1);
	x86_vcpu_destroy(&vcpu);
	return out;
}

static void test_reload(bool intel, bool inside)
{
	struct state_out *out;
	struct block before;
	struct state_in in;

	set_up(intel, sizeof(struct block));
	enter(inside);
	before = cpu.nested;
	cpu.other = 5;
	cpu.vmx_misc = intel ? 7 : 0;
	out = save(&in);
	set_up(intel, sizeof(struct block));
	CHECK_EQ(x86_vcpu_load(&vcpu, &in), 0);
	CHECK(!memcmp(&cpu.nested, &before, before.head.size));
	CHECK_EQ(cpu.other, 5);
	CHECK_EQ(cpu.vmx_misc, intel ? 7 : 0);
	state_out_destroy(out);
	x86_vcpu_destroy(&vcpu);
}

static void test_reloads(void)
{
	test_reload(true, false);
	test_reload(true, true);
	test_reload(false, false);
	test_reload(false, true);
}

/* A guest that has none goes anywhere, one that has not. */
static void test_other_host(void)
{
	struct state_out *out;
	struct state_in in;

	set_up(false, sizeof(struct block));
	out = save(&in);
	set_up(false, 0);
	CHECK_EQ(x86_vcpu_load(&vcpu, &in), 0);
	x86_vcpu_destroy(&vcpu);
	set_up(true, sizeof(struct block));
	CHECK_EQ(x86_vcpu_load(&vcpu, &in), 0);
	x86_vcpu_destroy(&vcpu);
	state_out_destroy(out);

	set_up(false, sizeof(struct block));
	enter(true);
	out = save(&in);
	set_up(false, 0);
	CHECK_EQ(x86_vcpu_load(&vcpu, &in), -EINVAL);
	CHECK(strstr(fake_error, "in a way that this host cannot"));
	x86_vcpu_destroy(&vcpu);
	set_up(false, sizeof(struct kvm_nested_state));
	CHECK_EQ(x86_vcpu_load(&vcpu, &in), -EINVAL);
	x86_vcpu_destroy(&vcpu);
	set_up(true, sizeof(struct block));
	CHECK_EQ(x86_vcpu_load(&vcpu, &in), -EINVAL);
	x86_vcpu_destroy(&vcpu);
	state_out_destroy(out);
}

static const struct tap_test tests[] = {
	{"reset", test_resets},
	{"saved and loaded", test_reloads},
	{"on another host", test_other_host},
};

TAP_MAIN(tests)
