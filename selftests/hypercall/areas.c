// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls on the partition and the pool that tests of hypercalls need, and sums of
 * what the guest's program counted.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>

#include "bare.h"

void bare_require(struct pool *p, u64 features)
{
	struct tarn_features f = { .size = sizeof(f) };

	TEST_REQUIRE(!access("/dev/kvm", R_OK | W_OK), "no /dev/kvm");
	tarn_op(p->fd, TARN_GET_FEATURES, &f);
	TEST_REQUIRE((f.features & features) == features,
		     "the module has features %#llx, not %#llx", f.features,
		     (unsigned long long)features);
}

long __bare_attach_at(struct bare *b, const struct tarn_vm_range *range, u32 nr)
{
	struct tarn_partition_attach attach = {
		.size = sizeof(attach), .vm_fd = b->vm, .count = nr,
		.ranges = (u64)(uintptr_t)range,
	};

	return __tarn_op(b->part, TARN_PARTITION_ATTACH, &attach);
}

long __bare_attach(struct bare *b)
{
	return __bare_attach_at(b, b->range, b->nr_ranges);
}

long __bare_detach(struct bare *b)
{
	struct tarn_partition_attach attach = { .size = sizeof(attach), .vm_fd = -1 };

	return __tarn_op(b->part, TARN_PARTITION_ATTACH, &attach);
}

struct tarn_partition_areas bare_areas(int part, struct tarn_area *area, u32 room)
{
	struct tarn_partition_areas areas = {
		.size = sizeof(areas), .count = room, .areas = (u64)(uintptr_t)area,
	};

	tarn_op(part, TARN_PARTITION_AREAS, &areas);
	return areas;
}

u64 bare_count_areas(int part)
{
	static struct tarn_area area[4096];
	struct tarn_partition_areas areas = { .size = sizeof(areas) };
	u64 found = 0;
	u32 i;

	do {
		areas.count = ARRAY_SIZE(area);
		areas.areas = (u64)(uintptr_t)area;
		areas.pinned_pages = 0;
		areas.quota_pages = 0;
		areas.held_pages = 0;
		tarn_op(part, TARN_PARTITION_AREAS, &areas);
		for (i = 1; i < areas.count; i++)
			ASSERT_GT(area[i].handle, area[i - 1].handle);
		found += areas.count;
	} while (areas.count);
	return found;
}

long __bare_register(int part, u32 type, u64 offset, u64 bytes)
{
	struct tarn_partition_register reg = {
		.size = sizeof(reg), .type = type, .offset = offset, .bytes = bytes,
	};
	long ret = __tarn_op(part, TARN_PARTITION_REGISTER, &reg);

	return ret < 0 ? ret : (long)reg.handle;
}

long __bare_unregister(int part, u32 handle)
{
	struct tarn_partition_register reg = { .size = sizeof(reg), .handle = handle };

	return __tarn_op(part, TARN_PARTITION_UNREGISTER, &reg);
}

void bare_policy(struct pool *p, u32 type, u8 policy)
{
	struct tarn_pool_pin_policy get = { .size = sizeof(get) };

	tarn_op(p->fd, TARN_POOL_PIN_POLICY, &get);
	get.flags = TARN_PIN_POLICY_SET;
	get.policy[type] = policy;
	memset(get.critical, 0, sizeof(get.critical));
	tarn_op(p->fd, TARN_POOL_PIN_POLICY, &get);
}

u64 bare_outcomes(struct bare *b, u64 nr, enum bare_outcome outcome)
{
	u64 row = nr - TARN_HC_BASE;

	return b->box->outcome[row < TARN_HC_COUNT ? row : BARE_CALLS - 1][outcome];
}

void bare_print_outcomes(struct bare *b)
{
	static const char *const call[BARE_CALLS] = {
		"query", "register", "unregister", "query_area", "metrics", "hint",
		"fault", "unknown",
	};
	static const char *const name[BARE_OUTCOMES] = {
		"good", "EPERM", "ENOENT", "E2BIG", "EAGAIN", "ENOMEM", "EFAULT",
		"EINVAL", "ENOSPC", "ENOSYS", "other",
	};
	u32 i, j;

	for (i = 0; i < BARE_CALLS; i++) {
		char line[256];
		int at = snprintf(line, sizeof(line), "%-10s", call[i]);

		for (j = 0; j < BARE_OUTCOMES; j++)
			if (b->box->outcome[i][j])
				at += snprintf(line + at, sizeof(line) - at, " %s %llu",
					       name[j], b->box->outcome[i][j]);
		diag("%s", line);
	}
}
