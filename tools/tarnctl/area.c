// SPDX-License-Identifier: GPL-2.0-only
/* Tables of names. */
#include <stdio.h>
#include <string.h>

#include "area.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const types[TARN_AREA_TYPES] = {
	[TARN_AREA_CPU] = "cpu",
	[TARN_AREA_CLOCK] = "clock",
	[TARN_AREA_STEAL] = "steal",
	[TARN_AREA_ASYNC_FAULT] = "async-fault",
	[TARN_AREA_EOI] = "eoi",
	[TARN_AREA_RING] = "ring",
	[TARN_AREA_DMA] = "dma",
	[TARN_AREA_METRICS] = "metrics",
	[TARN_AREA_TABLES] = "tables",
	[TARN_AREA_OTHER] = "other",
};

static const char *const origins[] = {
	[TARN_AREA_BY_GUEST] = "guest",
	[TARN_AREA_BY_VMM] = "vmm",
	[TARN_AREA_BY_KVM] = "kvm",
	[TARN_AREA_BY_DONOR] = "donor",
};

static const char *const policies[] = {
	[TARN_PIN_CRITICAL] = "critical",
	[TARN_PIN_ALWAYS] = "always",
	[TARN_PIN_NEVER] = "never",
};

const char *area_type_name(unsigned int type)
{
	static char unknown[24];

	if (type < COUNT(types) && types[type])
		return types[type];
	snprintf(unknown, sizeof(unknown), "type %u", type);
	return unknown;
}

unsigned int area_type_find(const char *name)
{
	unsigned int i;

	for (i = 1; i < COUNT(types); i++) {
		if (!strcmp(types[i], name))
			return i;
	}
	return 0;
}

const char *area_origin_name(unsigned int origin)
{
	if (origin < COUNT(origins) && origins[origin])
		return origins[origin];
	return "?";
}

const char *area_state_name(unsigned int flags)
{
	if (flags & TARN_AREA_IS_PINNED)
		return "pinned";
	return flags & TARN_AREA_IS_CRITICAL ? "not pinned" : "recorded";
}

const char *pin_policy_name(unsigned int policy)
{
	return policy < COUNT(policies) ? policies[policy] : "?";
}

int pin_policy_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < COUNT(policies); i++) {
		if (!strcmp(policies[i], name))
			return i;
	}
	return -1;
}
