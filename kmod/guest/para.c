// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finding Tarn, and calling it. The only file that knows how a call is made:
 * kvm_hypercall3() takes the instruction of this processor's maker, which the
 * kernel has patched in, and puts number and arguments where KVM expects them.
 */
#include <linux/cc_platform.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/kvm_para.h>
#include <linux/string.h>
#include <asm/processor.h>
/* For cpuid(), which is in another header since 6.16: this one takes the right one. */
#include <asm/xen/hypervisor.h>

#include "guest.h"

/* How often a call that comes too soon is made again, and after what time. */
#define CALL_ATTEMPTS	8
#define CALL_PAUSE_MS	25

/*
 * Blocks of leaves of a hypervisor begin at multiples of 0x100, and each says its
 * name in the first leaf. KVM has one, Tarn may have another.
 */
static bool cpuid_has_tarn(void)
{
	u32 base, eax, name[3];

	if (!boot_cpu_has(X86_FEATURE_HYPERVISOR))
		return false;
	for (base = 0x40000000; base < 0x40010000; base += 0x100) {
		cpuid(base, &eax, &name[0], &name[1], &name[2]);
		if (!memcmp(name, TARN_CPUID_SIGNATURE, sizeof(name)))
			return eax >= base + TARN_CPUID_FEATURES;
	}
	return false;
}

/**
 * tarn_para_call() - make one call
 * @nr: TARN_HC_*
 * @a: first argument
 * @b: second
 * @c: third
 *
 * Return: what the call returns, its errors as errors of Linux.
 */
long tarn_para_call(unsigned long nr, u64 a, u64 b, u64 c)
{
	long ret = kvm_hypercall3(nr, a, b, c);

	/* All the others have the numbers that they have in Linux. */
	return ret == -TARN_HC_ENOSYS ? -EOPNOTSUPP : ret;
}

/**
 * tarn_para_call_patient() - the same, again if the host had enough for now
 * @nr: TARN_HC_*
 * @a: first argument
 * @b: second
 * @c: third
 *
 * Context: may sleep, up to CALL_ATTEMPTS * CALL_PAUSE_MS.
 */
long tarn_para_call_patient(unsigned long nr, u64 a, u64 b, u64 c)
{
	int attempt;
	long ret;

	for (attempt = 0; attempt < CALL_ATTEMPTS; attempt++) {
		ret = tarn_para_call(nr, a, b, c);
		if (ret != -EAGAIN)
			break;
		msleep(CALL_PAUSE_MS);
	}
	return ret;
}

/**
 * tarn_para_detect() - what can the host do?
 *
 * An instruction for hypercalls means nothing good where no hypervisor expects it,
 * so it is tried on KVM only, or where Tarn's leaf says that it may be, even if KVM
 * itself hides.
 *
 * Return: TARN_PARA_*, or -ENODEV: no Tarn.
 */
long tarn_para_detect(void)
{
	long features;

	if (!cpuid_has_tarn() && !kvm_para_available())
		return -ENODEV;
	/* The host can't read memory that is encrypted, let alone page it. */
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		return -ENODEV;
	features = tarn_para_call_patient(TARN_HC_QUERY, 0, 0, 0);
	return features < 0 ? -ENODEV : features;
}
