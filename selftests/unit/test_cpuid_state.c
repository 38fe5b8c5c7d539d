// SPDX-License-Identifier: GPL-2.0-only
/* A saved guest's CPUID against the host's: what is missing is refused by name. */
#include <sys/ioctl.h>

#include "vcpu.h"

static int fake_ioctl(int fd, unsigned long request, void *arg);

#define ioctl(fd, request, arg) fake_ioctl(fd, request, arg)
#include "../../vmm/arch/x86/cpuid-state.c"
#undef ioctl
#include "../../vmm/state.c"
#include "fake_error.h"
#include "tap.h"

static struct kvm_cpuid_entry2 host[] = {
	{.function = 0, .eax = 0xd, .ebx = 1, .ecx = 2, .edx = 3},
	{.function = 1, .ecx = 0xff, .edx = 0xf0f},
	{.function = 7, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .ebx = 0x30},
	{.function = 0xd, .index = 1, .eax = 0xf},
};
static struct kvm_cpuid_entry2 now[8];
static u32 nr_now;

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	struct kvm_cpuid2 *c = arg;

	if (request == KVM_GET_CPUID2) {
		c->nent = ARRAY_SIZE(host);
		memcpy(c->entries, host, sizeof(host));
		return 0;
	}
	nr_now = c->nent;
	memcpy(now, c->entries, sizeof(now));
	return 0;
}

/* Save, let @change something, load again. */
static int reload(void (*change)(struct kvm_cpuid_entry2 *host))
{
	struct kvm_cpuid_entry2 before[ARRAY_SIZE(host)];
	struct state_out *out = state_out_create();
	struct vcpu vcpu = {0};
	struct state_in in;
	size_t len, off = 0;
	const void *data;
	int ret;

	nr_now = 0;
	memcpy(before, host, sizeof(host));
	CHECK_EQ(state_section(out, "cpu.0", 1), 0);
	CHECK_EQ(x86_cpuid_save(&vcpu, out), 0);
	data = state_out_data(out, &len);
	CHECK_EQ(state_next(data, len, &off, &in), 1);
	if (change)
		change(host);
	ret = x86_cpuid_load(&vcpu, &in);
	memcpy(host, before, sizeof(host));
	state_out_destroy(out);
	return ret;
}

static void less_avx(struct kvm_cpuid_entry2 *e)
{
	e[1].ecx &= ~0x10;
}

static void more(struct kvm_cpuid_entry2 *e)
{
	e[1].ecx |= 0x100;
	e[2].ebx |= 0x100;
}

static void less_osxsave(struct kvm_cpuid_entry2 *e)
{
	e[1].edx &= ~(1U << 9);
}

static void no_leaf(struct kvm_cpuid_entry2 *e)
{
	e[2].function = 0x70;
}

static void other_maker(struct kvm_cpuid_entry2 *e)
{
	e[0].ecx = 7;
}

static void test_same(void)
{
	CHECK_EQ(reload(NULL), 0);
	CHECK_EQ(nr_now, ARRAY_SIZE(host));
	CHECK(!memcmp(now, host, sizeof(host)));
}

static void test_host_has_more(void)
{
	CHECK_EQ(reload(more), 0);
	/* The guest sees what it has seen. */
	CHECK_EQ(now[1].ecx, 0xff);
	CHECK_EQ(now[2].ebx, 0x30);
	CHECK_EQ(reload(less_osxsave), 0);
}

static void test_host_has_less(void)
{
	CHECK(reload(less_avx) < 0);
	CHECK_EQ(nr_now, 0);
	CHECK(strstr(fake_error, "CPUID 0x1.0 ecx bits 0x10"));
	CHECK(reload(no_leaf) < 0);
	CHECK(strstr(fake_error, "CPUID 0x7.0 ebx bits 0x30"));
	CHECK(reload(other_maker) < 0);
	CHECK(strstr(fake_error, "another maker"));
	CHECK_EQ(nr_now, 0);
}

static const struct tap_test tests[] = {
	{"the same host", test_same},
	{"a host that has more", test_host_has_more},
	{"a host that has less", test_host_has_less},
};

TAP_MAIN(tests)
