/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of a function, for the files of this folder. See vfio.h. */
#ifndef TARN_VFIO_FUNCTION_H
#define TARN_VFIO_FUNCTION_H

#include "vfio/container.h"
#include "vfio/group.h"
#include "vfio/vfio.h"

/**
 * struct vfio_region - a run of a function's descriptor, for pread() and pwrite().
 * @offset: where it is there
 * @size: in bytes; 0 if it is not there
 */
struct vfio_region {
	u64 offset;
	u64 size;
};

/**
 * struct vfio_function - a function, which owns its container, and all of a group
 * @bdf: its address
 * @container: its addresses for DMA
 * @group: a descriptor, -1 at first
 * @device: likewise
 * @can_reset: the kernel knows a way
 * @vendor: from configuration space, as the next two
 * @config: configuration space
 * @bar: its BARs
 * @bar_region: where they are in @device
 * @nr_vectors: MSI-X vectors that it has
 * @msix_on: some of them are in use
 *
 * All but @msix_on stays as it is from open to close, and is read by any thread.
 */
struct vfio_function {
	char bdf[VFIO_BDF_MAX];
	struct vfio_container container;
	int group;
	int device;
	bool can_reset;
	u16 vendor;
	u16 device_id;
	u32 class;
	struct vfio_region config;
	struct vfio_bar bar[VFIO_BARS];
	struct vfio_region bar_region[VFIO_BARS];
	unsigned int nr_vectors;
	bool msix_on;
};

/** vfio_msix_find() - where the MSI-X table is, into fn->bar; 0 or -errno, reported. */
int vfio_msix_find(struct vfio_function *fn);

/** vfio_msix_off() - no vector is in use any more; 0 or -errno, reported. */
int vfio_msix_off(struct vfio_function *fn);

#endif
