/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory that is a file of a pool (tarnfs): the module is told which VM it
 * belongs to, so that it answers the guest's hypercalls and sees what the guest
 * touches, and it is told which areas of it the VMM and the kernel reach on the
 * guest's behalf, so that it can keep them in memory.
 *
 * Memory that is no such file, and a module that cannot do it, cost nothing and
 * change nothing: the calls below then do nothing.
 *
 * All calls are made under the VM's lock, or before there is a second thread. The
 * module may wait for pages in them, so those threads that can let go of the lock
 * meanwhile (wait.h). What is attached changes only while no vCPU runs.
 */
#ifndef TARN_PARTITION_H
#define TARN_PARTITION_H

#include "lib/types.h"

struct partition;
struct partitions;
struct vm;

/**
 * struct partition_area - a registered area; zeroed, it stands for none.
 * @part: the memory it lies in
 * @handle: the module's name for it
 */
struct partition_area {
	struct partition *part;
	u32 handle;
};

/**
 * partitions_attach() - attach the VM to all of its memory that is in pools.
 * @vm: with its memory slots in KVM, and no vCPU yet
 *
 * Return: 0, also where the module has no such thing, or -errno, reported.
 */
int partitions_attach(struct vm *vm);

/**
 * partitions_reset() - the guest starts anew: what it registered is dropped.
 *
 * Areas of partition_area_add() stay. A guest that cannot be attached again goes
 * on without.
 */
void partitions_reset(struct vm *vm);

/** partitions_detach() - undo partitions_attach(). */
void partitions_detach(struct vm *vm);

/** partitions_features() - TARN_PARA_* that a guest may be told of, or 0. */
u32 partitions_features(const struct vm *vm);

/**
 * partition_area_add() - say that the VMM reaches guest memory behind the
 * guest's back.
 * @area: one that stands for none; filled in
 * @type: enum tarn_area_type
 * @gpa: guest physical address, as of tarn_mem_ptr()
 * @len: in bytes
 *
 * It never fails: an area that is refused, or one too many in a short time (a
 * driver may set a queue up and reset it as fast as it can), is left to be paged
 * like any memory.
 */
void partition_area_add(struct vm *vm, struct partition_area *area, u32 type,
			u64 gpa, u64 len);

/** partition_area_remove() - undo partition_area_add(). */
void partition_area_remove(struct partition_area *area);

#endif
