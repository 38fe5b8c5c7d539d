// SPDX-License-Identifier: GPL-2.0-only
/* See affinity.h. */
#include "lib/affinity.h"

int affinity_init(struct affinity *a, pid_t tid)
{
	int ret;

	a->tid = tid;
	ret = cpus_get(tid, &a->base);
	a->given = a->base;
	return ret;
}

static bool give(struct affinity *a, const struct cpus *cpus)
{
	if (cpus_equal(cpus, &a->given))
		return true;
	if (cpus_set(a->tid, cpus))
		return false;
	a->given = *cpus;
	return true;
}

/*
 * Whether nobody else set the mask @now of a thread. A processor that went offline
 * and a cpuset narrow it, too: then the same is given, and the same comes of it.
 */
static bool mask_is_ours(const struct affinity *a, const struct cpus *now)
{
	struct cpus again;

	if (cpus_equal(now, &a->given))
		return true;
	if (cpus_set(a->tid, &a->given))
		return false;
	if (!cpus_get(a->tid, &again) && cpus_equal(now, &again))
		return true;
	cpus_set(a->tid, now);
	return false;
}

static void note_others(struct affinity *a)
{
	struct cpus now;

	if (cpus_get(a->tid, &now) || mask_is_ours(a, &now))
		return;
	a->base = now;
	a->given = now;
}

bool affinity_place(struct affinity *a, const struct cpus *cpus)
{
	struct cpus common;

	note_others(a);
	cpus_common(&common, &a->base, cpus);
	return !cpus_empty(&common) && give(a, &common);
}

bool affinity_widen(struct affinity *a)
{
	note_others(a);
	return give(a, &a->base);
}
