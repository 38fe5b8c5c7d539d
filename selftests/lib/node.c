// SPDX-License-Identifier: GPL-2.0-only
/* See node.h. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "node.h"

bool node_exists(unsigned int nid)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u", nid);
	return !access(path, F_OK);
}

void nodes_need(unsigned int count)
{
	TEST_REQUIRE(node_exists(count - 1), "needs %u NUMA nodes", count);
}

void node_run_on(unsigned int nid)
{
	unsigned int cpu;
	char path[64];
	cpu_set_t set;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpulist",
		 nid);
	f = fopen(path, "r");
	ASSERT(f);
	ASSERT_EQ(fscanf(f, "%u", &cpu), 1);
	fclose(f);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	ASSERT_OK(sched_setaffinity(0, sizeof(set), &set));
}

/* A number below the directory of a pool, -1 if there is no such file. */
static s64 sysfs_value(struct pool *p, const char *file)
{
	struct tarn_pool_info info = pool_info(p);
	const u8 *u = info.uuid;
	char path[160];
	long long value;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/fs/tarn/%02x%02x%02x%02x-%02x%02x-"
		 "%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x/%s",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9],
		 u[10], u[11], u[12], u[13], u[14], u[15], file);
	f = fopen(path, "r");
	if (!f)
		return -1;
	ASSERT_EQ(fscanf(f, "%lld", &value), 1);
	fclose(f);
	return value;
}

s64 node_value(struct pool *p, unsigned int nid, const char *name)
{
	char file[64];

	snprintf(file, sizeof(file), "node%u/%s", nid, name);
	return sysfs_value(p, file);
}

s64 part_node_value(struct pool *p, u32 id, unsigned int nid, const char *name)
{
	char file[80];

	snprintf(file, sizeof(file), "partitions/%u/node%u/%s", id, nid, name);
	return sysfs_value(p, file);
}

s64 part_value(struct pool *p, u32 id, const char *name)
{
	char file[80];

	snprintf(file, sizeof(file), "partitions/%u/%s", id, name);
	return sysfs_value(p, file);
}

/* ---- homes -------------------------------------------------------------- */

#define NODES_MOST 64

long __part_set_homes(int fd, const struct tarn_home *homes, u32 count)
{
	struct tarn_partition_homes h = {
		.size = sizeof(h),
		.flags = TARN_HOMES_SET,
		.count = count,
		.homes = (uintptr_t)homes,
	};

	return __tarn_op(fd, TARN_PARTITION_HOMES, &h);
}

void part_set_home(int fd, u32 node, u64 wanted)
{
	const struct tarn_home home = {
		.node = node,
		.flags = TARN_NODE_IS_HOME,
		.wanted_frames = wanted,
	};

	ASSERT_OK(__part_set_homes(fd, &home, 1));
}

struct tarn_partition_homes part_homes(int fd)
{
	struct tarn_partition_homes h = { .size = sizeof(h) };

	tarn_op(fd, TARN_PARTITION_HOMES, &h);
	return h;
}

u64 part_on_node(int fd, unsigned int nid)
{
	struct tarn_home homes[NODES_MOST];
	struct tarn_partition_homes h = {
		.size = sizeof(h),
		.count = NODES_MOST,
		.homes = (uintptr_t)homes,
	};
	u32 i;

	tarn_op(fd, TARN_PARTITION_HOMES, &h);
	for (i = 0; i < h.count; i++)
		if (homes[i].node == nid)
			return homes[i].resident_pages;
	return 0;
}

/* ---- relocation --------------------------------------------------------- */

long __part_relocate(int fd, struct tarn_partition_relocate *r)
{
	r->size = sizeof(*r);
	return __tarn_op(fd, TARN_PARTITION_RELOCATE, r);
}

struct tarn_partition_relocate part_relocate_status(int fd)
{
	struct tarn_partition_relocate r = { .op = TARN_RELOCATE_STATUS };

	ASSERT_OK(__part_relocate(fd, &r));
	return r;
}

static u64 sum_of(const __u64 *blocked)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < TARN_BLOCKED_BUCKETS; i++)
		sum += blocked[i];
	return sum;
}

u64 part_blocked(const struct tarn_partition_relocate *r)
{
	return sum_of(r->blocked);
}

struct tarn_partition_relocate part_relocate(int fd, u32 node, u32 flags)
{
	struct tarn_partition_relocate r = {
		.op = TARN_RELOCATE_START,
		.node = node,
		.flags = flags,
		.count = UINT64_MAX,
	};

	ASSERT_OK(__part_relocate(fd, &r));
	WAIT_FOR(part_relocate_status(fd).state != TARN_RELOCATION_RUNNING);
	return part_relocate_status(fd);
}

void part_back_and_forth(int fd, unsigned int times, unsigned int granules,
			 u64 held)
{
	const u64 pages = part_info(fd).logical_pages - held;
	unsigned int i;
	u64 moved = 0;

	for (i = 0; i < times; i++) {
		struct tarn_partition_relocate r = {
			.op = TARN_RELOCATE_START,
			.node = !(i & 1),
			.count = UINT64_MAX,
			.granule = 1U << (i % granules),
		}, stop = { .op = TARN_RELOCATE_CANCEL };

		ASSERT_OK(__part_relocate(fd, &r));
		WAIT_FOR(part_relocate_status(fd).moved >= pages ||
			 part_relocate_status(fd).state !=
			 TARN_RELOCATION_RUNNING);
		__part_relocate(fd, &stop);
		r = part_relocate_status(fd);
		ASSERT_EQ(part_blocked(&r), r.tried);
		moved += r.moved;
	}
	ASSERT_GE(moved, times * pages / 2);
}

/* ---- draining ----------------------------------------------------------- */

long __pool_drain(struct pool *p, u32 op, u32 node, u32 flags)
{
	struct tarn_pool_drain d = {
		.size = sizeof(d),
		.op = op,
		.node = node,
		.flags = flags,
	};

	return __tarn_op(p->fd, TARN_POOL_DRAIN, &d);
}

struct tarn_pool_drain pool_drain_status(struct pool *p)
{
	struct tarn_pool_drain d = { .size = sizeof(d) };

	tarn_op(p->fd, TARN_POOL_DRAIN, &d);
	return d;
}

u64 pool_drain_blocked(const struct tarn_pool_drain *d)
{
	return sum_of(d->blocked);
}
