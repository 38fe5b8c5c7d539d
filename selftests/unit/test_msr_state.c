// SPDX-License-Identifier: GPL-2.0-only
/* The MSRs of a vCPU, saved and loaded again: also those that KVM does not list. */
#include <sys/ioctl.h>

#include "vcpu.h"
#include "vm.h"

static int fake_ioctl(int fd, unsigned long request, void *arg);

#define ioctl(fd, request, arg) fake_ioctl(fd, request, arg)
#include "../../vmm/arch/x86/msr-state.c"
#undef ioctl
#include "../../vmm/state.c"
#include "fake_error.h"
#include "tap.h"

#define NR_BANKS 3

static u64 tsc_aux, mcg_cap = 1 << 24 | NR_BANKS;
static u64 banks[NR_BANKS * MSRS_A_BANK];

/* Which there are, NULL for others. */
static u64 *find_msr(u32 index)
{
	if (index == 0xc0000103)
		return &tsc_aux;
	if (index == MSR_MCG_CAP)
		return &mcg_cap;
	if (index - MSR_MC0_CTL < ARRAY_SIZE(banks))
		return &banks[index - MSR_MC0_CTL];
	return NULL;
}

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	struct kvm_msr_list *list = arg;
	struct one_msr *m = arg;
	u64 *val;

	if (request == KVM_GET_MSR_INDEX_LIST) {
		list->nmsrs = 2;
		list->indices[0] = 0xc0000103;
		/* Listed, and hidden from this guest. */
		list->indices[1] = 0x48;
		return 0;
	}
	val = find_msr(m->entry.index);
	if (!val)
		return 0;
	if (request == KVM_GET_MSRS)
		m->entry.data = *val;
	else
		*val = m->entry.data;
	return 1;
}

static void test_round(void)
{
	struct state_out *out = state_out_create();
	struct vm vm = {0};
	struct vcpu vcpu = {.vm = &vm};
	struct state_in in;
	size_t len, off = 0;
	const void *data;
	unsigned int i;

	tsc_aux = 77;
	for (i = 0; i < ARRAY_SIZE(banks); i++)
		banks[i] = 100 + i;
	CHECK_EQ(state_section(out, "cpu.0", 1), 0);
	CHECK_EQ(x86_msrs_save(&vcpu, out), 0);
	data = state_out_data(out, &len);
	CHECK_EQ(state_next(data, len, &off, &in), 1);
	tsc_aux = 0;
	memset(banks, 0, sizeof(banks));
	CHECK_EQ(x86_msrs_load(&vcpu, &in, X86_MSR_OTHER), 0);
	CHECK_EQ(tsc_aux, 77);
	for (i = 0; i < ARRAY_SIZE(banks); i++)
		CHECK_EQ(banks[i], 100 + i);
	state_out_destroy(out);
}

static const struct tap_test tests[] = {
	{"all come back, banks of machine checks too", test_round},
};

TAP_MAIN(tests)
