// SPDX-License-Identifier: GPL-2.0-only
/* Prints the block of CPUID leaves that tells a guest of Tarn, or that there is none. */
#include <cpuid.h>
#include <stdio.h>
#include <string.h>

#include <linux/tarn_para.h>

int main(void)
{
	unsigned int base, max, r[4], features, hc, c, d;

	for (base = 0x40000000; base < 0x40010000; base += 0x100) {
		__cpuid(base, max, r[0], r[1], r[2]);
		if (memcmp(r, TARN_CPUID_SIGNATURE, 12))
			continue;
		__cpuid(base + TARN_CPUID_FEATURES, features, hc, c, d);
		printf("cpuid %#x max %#x features %#x base %#x\n", base, max,
		       features, hc);
		return 0;
	}
	puts("cpuid none");
	return 0;
}
