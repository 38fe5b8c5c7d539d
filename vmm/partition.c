// SPDX-License-Identifier: GPL-2.0-only
/*
 * Partitions of pools as guest memory; see partition.h. A memory backend on
 * tarnfs is one partition, and all of its pieces in guest physical space are the
 * ranges of one attachment.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/tarn.h>
#include <linux/tarn_para.h>

#include "config.h"
#include "error.h"
#include "loop.h"
#include "partition.h"
#include "vm.h"
#include "wait.h"

/*
 * How many areas may be registered: so many at once, which is more than all
 * queues of a large machine have, and then so many a second. Each may have the
 * module read pages and count them, so a driver must not get them for free.
 */
#define AREAS_BURST 4096
#define AREAS_PER_SECOND 64

/* How long to wait for a VM that is dead already, ns, and how often to look, us. */
#define BUSY_WAIT 2000000000ULL
#define BUSY_STEP 50000

/* Each try after the first one takes another signal. */
#define TRIES 16

/**
 * struct partition - a memory backend that is a file of a pool.
 * @backend: the object
 * @features: TARN_FEATURE_* of the module
 * @attached: the VM is
 * @nr: ranges
 * @range: where it is in the guest
 */
struct partition {
	const struct mem_backend *backend;
	u64 features;
	bool attached;
	u32 nr;
	struct tarn_vm_range range[MEM_MAX_RANGES];
};

/**
 * struct partitions - those of a VM.
 * @tokens: areas that may be registered now
 * @filled: when @tokens was last added to
 * @fresh: attached and not reset since
 */
struct partitions {
	unsigned int tokens;
	u64 filled;
	bool fresh;
	unsigned int nr;
	struct partition part[MEM_MAX_RANGES];
};

/* Calls */

/* Areas come and go with pages locked or read, which takes as long as it takes. */
static int part_ioctl(const struct partition *part, unsigned long request,
		      void *arg)
{
	int tries, ret = -EINTR;

	wait_begin(WAIT_PAGES);
	for (tries = 0; ret == -EINTR && tries < TRIES; tries++)
		ret = ioctl(part->backend->fd, request, arg) ? -errno : 0;
	wait_end();
	return ret;
}

static u64 part_features(const struct partition *part)
{
	struct tarn_features features = {.size = sizeof(features)};

	return part_ioctl(part, TARN_GET_FEATURES, &features)
		       ? 0
		       : features.features;
}

static int part_attach(struct vm *vm, struct partition *part)
{
	struct tarn_partition_attach attach = {
		.size = sizeof(attach),
		.vm_fd = vm->fd,
		.count = part->nr,
		.ranges = (uintptr_t)part->range,
	};
	int ret = part_ioctl(part, TARN_PARTITION_ATTACH, &attach);

	part->attached = !ret;
	return ret;
}

static void part_detach(struct partition *part)
{
	struct tarn_partition_attach detach = {
		.size = sizeof(detach),
		.vm_fd = -1,
	};
	int ret;

	if (!part->attached)
		return;
	ret = part_ioctl(part, TARN_PARTITION_ATTACH, &detach);
	if (ret)
		info("cannot detach the memory of '%s': %s", part->backend->id,
		     strerror(-ret));
	part->attached = false;
}

/*
 * A VMM that was killed leaves its areas behind in a file that stays. Nobody else
 * has any there once the VM is attached.
 */
static void drop_stale(const struct partition *part)
{
	struct tarn_area areas[64];
	struct tarn_partition_areas list = {.size = sizeof(list)};
	struct tarn_partition_register reg = {.size = sizeof(reg)};
	u32 i;

	do {
		list.count = ARRAY_SIZE(areas);
		list.areas = (uintptr_t)areas;
		if (part_ioctl(part, TARN_PARTITION_AREAS, &list))
			return;
		for (i = 0; i < list.count; i++) {
			if (areas[i].origin != TARN_AREA_BY_VMM)
				continue;
			reg.handle = areas[i].handle;
			part_ioctl(part, TARN_PARTITION_UNREGISTER, &reg);
		}
	} while (list.count);
}

/* Which memory is in pools */

static struct partition *part_find(struct partitions *parts,
				   const struct mem_backend *backend)
{
	unsigned int i;

	for (i = 0; i < parts->nr; i++)
		if (parts->part[i].backend == backend)
			return &parts->part[i];
	return NULL;
}

static void parts_collect(struct partitions *parts, const struct tarn_mem *mem)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		const struct mem_range *range = &mem->range[i];
		struct partition *part = part_find(parts, range->backend);

		if (!part && !mem_backend_in_pool(range->backend))
			continue;
		if (!part) {
			part = &parts->part[parts->nr++];
			part->backend = range->backend;
			part->features = part_features(part);
		}
		part->range[part->nr++] = (struct tarn_vm_range){
			.gpa = range->gpa,
			.bytes = range->size,
			.offset = range->fd_offset,
		};
	}
}

/* Attaching */

static int attach_fail(const struct partition *part, int ret)
{
	const char *id = part->backend->id;

	switch (-ret) {
	case EBUSY:
		err("the memory of '%s' belongs to another guest; end that one, or take it away: tarnctl partition detach",
		    id);
		return ret;
	case EPERM:
		err("the memory of '%s' may not be attached: its file is open for reading only",
		    id);
		return ret;
	}
	return err_errno(ret, "cannot attach the VM to the memory of '%s'", id);
}

/* That another guest has just ended is noticed a moment later. */
static int attach_patiently(struct vm *vm, struct partition *part)
{
	u64 end = loop_now() + BUSY_WAIT;
	int ret;

	do {
		ret = part_attach(vm, part);
	} while (ret == -EBUSY && loop_now() < end && !usleep(BUSY_STEP));
	return ret;
}

/* Return: 0, 1 if it works without, or -errno, reported. */
static int attach_first(struct vm *vm, struct partition *part)
{
	const char *id = part->backend->id;
	int ret = -EOPNOTSUPP;

	if (part->features & TARN_FEATURE_VM)
		ret = attach_patiently(vm, part);
	if (!ret && part->features & TARN_FEATURE_PINS)
		drop_stale(part);
	if (ret != -EOPNOTSUPP && ret != -ENOTTY)
		return ret ? attach_fail(part, ret) : 0;
	if (vm->config->tarn == CONFIG_TARN_ON) {
		err("-machine tarn=on: the loaded tarn.ko cannot attach the memory of '%s' on this kernel",
		    id);
		return -EOPNOTSUPP;
	}
	warn("the loaded tarn.ko cannot attach the memory of '%s' on this kernel: the guest runs without hypercalls and pins",
	     id);
	return 1;
}

int partitions_attach(struct vm *vm)
{
	struct partitions *parts;
	unsigned int i;
	int ret = 0;

	if (vm->config->tarn == CONFIG_TARN_OFF)
		return 0;
	parts = calloc(1, sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	vm->partitions = parts;
	parts_collect(parts, &vm->mem);
	if (!parts->nr && vm->config->tarn == CONFIG_TARN_ON) {
		err("-machine tarn=on: no memory of this guest is in a pool");
		ret = -EINVAL;
	}
	for (i = 0; i < parts->nr && ret >= 0; i++)
		ret = attach_first(vm, &parts->part[i]);
	if (ret < 0 || !parts->nr) {
		partitions_detach(vm);
		return ret;
	}
	parts->tokens = AREAS_BURST;
	parts->filled = loop_now();
	parts->fresh = true;
	return 0;
}

void partitions_reset(struct vm *vm)
{
	struct partitions *parts = vm->partitions;
	unsigned int i;
	int ret;

	if (!parts)
		return;
	/* The reset before the first start has nothing to drop. */
	if (parts->fresh) {
		parts->fresh = false;
		return;
	}
	for (i = 0; i < parts->nr; i++) {
		struct partition *part = &parts->part[i];

		if (!part->attached)
			continue;
		part_detach(part);
		ret = part_attach(vm, part);
		if (ret)
			warn("the memory of '%s' cannot be attached again, the guest goes on without hypercalls: %s",
			     part->backend->id, strerror(-ret));
	}
}

void partitions_detach(struct vm *vm)
{
	struct partitions *parts = vm->partitions;
	unsigned int i;

	if (!parts)
		return;
	for (i = 0; i < parts->nr; i++)
		part_detach(&parts->part[i]);
	free(parts);
	vm->partitions = NULL;
}

u32 partitions_features(const struct vm *vm)
{
	const struct partitions *parts = vm->partitions;
	u32 features = 0;
	unsigned int i;

	for (i = 0; parts && i < parts->nr; i++) {
		const struct partition *part = &parts->part[i];

		if (!part->attached)
			continue;
		features |= TARN_PARA_METRICS | TARN_PARA_HINTS;
		if (part->features & TARN_FEATURE_PINS)
			features |= TARN_PARA_AREAS;
		if (part->features & TARN_FEATURE_FAULTS)
			features |= TARN_PARA_FAULTS;
	}
	return features;
}

/* Areas */

static bool take_token(struct partitions *parts)
{
	const u64 step = 1000000000ULL / AREAS_PER_SECOND;
	u64 n = (loop_now() - parts->filled) / step;

	parts->filled += n * step;
	parts->tokens = min_t(u64, parts->tokens + n, AREAS_BURST);
	if (!parts->tokens)
		return false;
	parts->tokens--;
	return true;
}

static int area_register(struct partition_area *area, u32 type, u64 offset,
			 u64 len)
{
	struct tarn_partition_register reg = {
		.size = sizeof(reg),
		.type = type,
		.offset = offset,
		.bytes = len,
	};
	int ret = part_ioctl(area->part, TARN_PARTITION_REGISTER, &reg);

	area->handle = reg.handle;
	return ret;
}

void partition_area_add(struct vm *vm, struct partition_area *area, u32 type,
			u64 gpa, u64 len)
{
	struct partitions *parts = vm->partitions;
	struct mem_range *range = tarn_mem_range(&vm->mem, gpa, len);
	struct partition *part;
	int ret;

	area->part = NULL;
	part = parts && range ? part_find(parts, range->backend) : NULL;
	if (!part || !part->attached || !(part->features & TARN_FEATURE_PINS))
		return;
	if (!take_token(parts)) {
		guest_warn("queues are set up too often: what is new stays unpinned");
		return;
	}
	area->part = part;
	ret = area_register(area, type, range->fd_offset + (gpa - range->gpa),
			    len);
	if (!ret)
		return;
	area->part = NULL;
	guest_warn("the area at %#llx stays unpinned: %s",
		   (unsigned long long)gpa, strerror(-ret));
}

void partition_area_remove(struct partition_area *area)
{
	struct tarn_partition_register reg = {
		.size = sizeof(reg),
		.handle = area->handle,
	};
	int ret;

	if (!area->part)
		return;
	ret = part_ioctl(area->part, TARN_PARTITION_UNREGISTER, &reg);
	if (ret)
		info("area %u cannot be given up: %s", area->handle,
		     strerror(-ret));
	area->part = NULL;
}
