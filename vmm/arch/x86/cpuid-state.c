// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPUID of a saved guest. A restored one sees the processor that it has seen
 * before; a host that lacks one of its features refuses it.
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

#define CPUID_MAX 256

/* An entry in the saved state: seven words. */
struct cpuid_words {
	u32 function;
	u32 index;
	u32 flags;
	u32 reg[4]; /* eax, ebx, ecx, edx */
} __attribute__((packed));

/*
 * Where features are. What the CPU itself turns on and off with the guest's
 * settings (APIC, OSXSAVE, MWAIT, OSPKE) is none.
 */
static const struct {
	u32 function;
	u32 index;
	u32 mask[4];
} features[] = {
	{0x1, 0, {0, 0, ~(1U << 27 | 1U << 3), ~(1U << 9)}},
	{0x6, 0, {1U << 2, 0, 0, 0}},
	{0x7, 0, {0, ~0U, ~(1U << 4), ~0U}},
	{0x7, 1, {~0U, 0, 0, ~0U}},
	{0xd, 0, {~0U, 0, 0, ~0U}},
	{0xd, 1, {~0U, 0, ~0U, ~0U}},
	{0x80000001, 0, {0, 0, ~0U, ~(1U << 9)}},
	{0x80000007, 0, {0, 0, 0, ~0U}},
	{0x80000008, 0, {0, ~0U, 0, 0}},
	{0x40000001, 0, {~0U, 0, 0, 0}},
};

static const char *const reg_names[] = {"eax", "ebx", "ecx", "edx"};

static struct kvm_cpuid2 *cpuid_alloc(void)
{
	struct kvm_cpuid2 *c;

	c = calloc(1, sizeof(*c) + CPUID_MAX * sizeof(c->entries[0]));
	if (c)
		c->nent = CPUID_MAX;
	return c;
}

static struct kvm_cpuid2 *cpuid_get(struct vcpu *vcpu)
{
	struct kvm_cpuid2 *c = cpuid_alloc();

	if (c && ioctl(vcpu->fd, KVM_GET_CPUID2, c)) {
		err_errno(-errno, "KVM_GET_CPUID2");
		free(c);
		c = NULL;
	}
	return c;
}

int x86_cpuid_save(struct vcpu *vcpu, struct state_out *out)
{
	struct kvm_cpuid2 *c = cpuid_get(vcpu);
	struct cpuid_words *words;
	u32 i;
	int ret = -ENOMEM;

	words = c ? calloc(c->nent + 1, sizeof(*words)) : NULL;
	if (!words)
		goto out;
	for (i = 0; i < c->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &c->entries[i];

		words[i] = (struct cpuid_words){
			htole32(e->function), htole32(e->index),
			htole32(e->flags),
			{htole32(e->eax), htole32(e->ebx), htole32(e->ecx),
			 htole32(e->edx)}};
	}
	ret = state_put_bytes(out, "cpuid", words, c->nent * sizeof(*words));
out:
	free(words);
	free(c);
	return ret;
}

static const struct kvm_cpuid_entry2 *entry_find(const struct kvm_cpuid2 *c,
						 u32 function, u32 index)
{
	u32 i;

	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == function &&
		    c->entries[i].index == index)
			return &c->entries[i];
	return NULL;
}

static void regs_of(const struct kvm_cpuid_entry2 *e, u32 *reg)
{
	memset(reg, 0, 4 * sizeof(*reg));
	if (!e)
		return;
	reg[0] = e->eax;
	reg[1] = e->ebx;
	reg[2] = e->ecx;
	reg[3] = e->edx;
}

static int check(const struct kvm_cpuid2 *host, const struct kvm_cpuid2 *saved)
{
	u32 have[4], want[4], missing;
	unsigned int i, r;

	/* Makers differ in more than features: how system calls are made, say. */
	regs_of(entry_find(host, 0, 0), have);
	regs_of(entry_find(saved, 0, 0), want);
	if (memcmp(have + 1, want + 1, 3 * sizeof(u32))) {
		err("the saved guest ran on a processor of another maker: restore it on one of the same");
		return -EOPNOTSUPP;
	}
	for (i = 0; i < ARRAY_SIZE(features); i++) {
		regs_of(entry_find(host, features[i].function,
				   features[i].index), have);
		regs_of(entry_find(saved, features[i].function,
				   features[i].index), want);
		for (r = 0; r < 4; r++) {
			missing = want[r] & ~have[r] & features[i].mask[r];
			if (!missing)
				continue;
			err("the saved guest uses features that this host's processor or -cpu lacks: CPUID %#x.%u %s bits %#x",
			    features[i].function, features[i].index,
			    reg_names[r], missing);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

static int cpuid_parse(struct state_in *in, struct kvm_cpuid2 *c)
{
	struct cpuid_words *words = calloc(CPUID_MAX, sizeof(*words));
	u32 i, len;
	int ret;

	if (!words)
		return -ENOMEM;
	ret = state_get_var(in, "cpuid", words, CPUID_MAX * sizeof(*words),
			    &len);
	if (ret || len % sizeof(*words)) {
		err("saved state of '%s': no CPUID that makes sense", in->name);
		free(words);
		return -EINVAL;
	}
	c->nent = len / sizeof(*words);
	for (i = 0; i < c->nent; i++)
		c->entries[i] = (struct kvm_cpuid_entry2){
			.function = le32toh(words[i].function),
			.index = le32toh(words[i].index),
			.flags = le32toh(words[i].flags),
			.eax = le32toh(words[i].reg[0]),
			.ebx = le32toh(words[i].reg[1]),
			.ecx = le32toh(words[i].reg[2]),
			.edx = le32toh(words[i].reg[3]),
		};
	free(words);
	return 0;
}

int x86_cpuid_load(struct vcpu *vcpu, struct state_in *in)
{
	struct kvm_cpuid2 *host = cpuid_get(vcpu), *saved = cpuid_alloc();
	int ret = -ENOMEM;

	if (!host || !saved)
		goto out;
	ret = cpuid_parse(in, saved);
	if (!ret)
		ret = check(host, saved);
	if (!ret && ioctl(vcpu->fd, KVM_SET_CPUID2, saved))
		ret = err_errno(-errno, "cannot set the CPUID of CPU %u",
				vcpu->index);
out:
	free(host);
	free(saved);
	return ret;
}
