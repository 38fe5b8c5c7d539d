// SPDX-License-Identifier: GPL-2.0-only
/* The block of CPUID leaves that tells a guest of Tarn. */
#include "fake_error.h"
#include "tap.h"

#include "arch/x86/cpuid.c"

u32 partitions_features(const struct vm *vm)
{
	return 0;
}

static struct {
	struct kvm_cpuid2 cpuid;
	struct kvm_cpuid_entry2 room[CPUID_MAX_ENTRIES];
} leaves;

static void leaf_add(u32 function)
{
	leaves.room[leaves.cpuid.nent++].function = function;
}

static void check_block(u32 base)
{
	const struct kvm_cpuid_entry2 *e = entry_find(&leaves.cpuid, base);
	char signature[13] = "";

	CHECK(e);
	if (!e)
		return;
	memcpy(signature, &e->ebx, 4);
	memcpy(signature + 4, &e->ecx, 4);
	memcpy(signature + 8, &e->edx, 4);
	CHECK_STR(signature, TARN_CPUID_SIGNATURE);
	CHECK_EQ(e->eax, base + 1);
	e = entry_find(&leaves.cpuid, base + TARN_CPUID_FEATURES);
	CHECK(e && e->eax == 5 && e->ebx == TARN_HC_BASE && !e->ecx && !e->edx);
}

static void test_behind_kvm(void)
{
	memset(&leaves, 0, sizeof(leaves));
	leaf_add(0);
	leaf_add(0x40000000);
	leaf_add(0x40000001);
	leaf_add(0x80000000);
	set_tarn(&leaves.cpuid, 5);
	CHECK_EQ(leaves.cpuid.nent, 6);
	check_block(0x40000100);
}

static void test_virtualization(void)
{
	struct vm_config cfg = {};
	u32 i;

	memset(&leaves, 0, sizeof(leaves));
	leaf_add(1);
	leaf_add(0x80000001);
	leaf_add(0x8000000a);
	for (i = 0; i < leaves.cpuid.nent; i++)
		leaves.room[i].ecx = ~0U;
	hide_virtualization(&leaves.cpuid, &cfg);
	CHECK_EQ(leaves.cpuid.nent, 3);
	CHECK_EQ(leaves.room[0].ecx, ~0U);
	CHECK_EQ(leaves.room[1].ecx, ~0U);
	cfg.vmx_hidden = true;
	hide_virtualization(&leaves.cpuid, &cfg);
	CHECK_EQ(leaves.room[0].ecx, ~(1U << 5));
	CHECK_EQ(leaves.room[1].ecx, ~0U);
	cfg.svm_hidden = true;
	hide_virtualization(&leaves.cpuid, &cfg);
	CHECK_EQ(leaves.cpuid.nent, 2);
	CHECK_EQ(leaves.room[1].ecx, ~(1U << 2));
}

static void test_first_free(void)
{
	memset(&leaves, 0, sizeof(leaves));
	leaf_add(0x40000000);
	leaf_add(0x400001ff);
	leaf_add(0x40000300);
	set_tarn(&leaves.cpuid, 5);
	check_block(0x40000200);
}

static void test_no_room(void)
{
	unsigned int i;

	memset(&leaves, 0, sizeof(leaves));
	for (i = 0; i < 256; i++)
		leaf_add(0x40000000 + i * 0x100);
	set_tarn(&leaves.cpuid, 5);
	CHECK_EQ(leaves.cpuid.nent, 256);

	memset(&leaves, 0, sizeof(leaves));
	for (i = 0; i < CPUID_MAX_ENTRIES - 1; i++)
		leaf_add(i);
	set_tarn(&leaves.cpuid, 5);
	CHECK_EQ(leaves.cpuid.nent, CPUID_MAX_ENTRIES - 1);
}

static const struct tap_test tests[] = {
	{"guests without virtualization", test_virtualization},
	{"the block behind KVM's", test_behind_kvm},
	{"the first free block", test_first_free},
	{"no room for it", test_no_room},
};

TAP_MAIN(tests)
