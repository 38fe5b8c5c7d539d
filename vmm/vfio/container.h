/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VFIO container with the type1 IOMMU: the addresses that a function can use for DMA,
 * and which memory of this process is behind them. vfio.h tells what maps and unmaps
 * mean; they may be made by any thread.
 */
#ifndef TARN_VFIO_CONTAINER_H
#define TARN_VFIO_CONTAINER_H

#include "lib/types.h"

/* The smallest page of the IOMMU is the processor's. */
#define VFIO_PAGE 4096ULL

/** struct vfio_range - addresses from @start to @last. */
struct vfio_range {
	u64 start;
	u64 last;
};

/**
 * struct vfio_container - one, with no group at first
 * @fd: -1 while it is not open
 * @range: what the IOMMU has for us, in order
 * @nr_ranges: how many
 * @lock_limit: bytes that may be mapped in all, as it began (RLIMIT_MEMLOCK)
 */
struct vfio_container {
	int fd;
	struct vfio_range *range;
	unsigned int nr_ranges;
	u64 lock_limit;
};

/** vfio_container_open() - 0 or -errno, reported. */
int vfio_container_open(struct vfio_container *c);

/** vfio_container_begin() - it has a group now, and thus an IOMMU. 0 or -errno, reported. */
int vfio_container_begin(struct vfio_container *c);

/** vfio_container_close() - unmap all; the group and its device are closed before. */
void vfio_container_close(struct vfio_container *c);

bool vfio_container_usable(const struct vfio_container *c, u64 iova, u64 size);
u64 vfio_container_end(const struct vfio_container *c);

int vfio_container_map(struct vfio_container *c, u64 iova, void *hva, u64 size, bool writable);
int vfio_container_unmap(struct vfio_container *c, u64 iova, u64 size);

#endif
