/* SPDX-License-Identifier: GPL-2.0-only */
/* The BARs of a function: what of them can be mapped, and mapping it. See vfio.h. */
#ifndef TARN_VFIO_BAR_H
#define TARN_VFIO_BAR_H

#include "vfio/vfio.h"

/**
 * struct vfio_extent - a run of a BAR.
 * @start: offset of its first byte
 * @end: of the first byte behind it
 */
struct vfio_extent {
	u64 start;
	u64 end;
};

/**
 * vfio_bar_layout() - the pieces of a BAR, which are not mapped yet.
 * @bar: its size and where its MSI-X table is are set; the pieces are filled in
 * @extent: what can be mapped, in any order; sorted here
 * @nr: number of them
 *
 * Pages with a byte of the table are left out, and what is no whole page. Pieces beyond
 * VFIO_BAR_PIECES stay a hole.
 */
void vfio_bar_layout(struct vfio_bar *bar, struct vfio_extent *extent, unsigned int nr);

/**
 * vfio_bar_map() - find out about a BAR and map it.
 * @device: the function's descriptor
 * @index: of the BAR
 * @bar: with the place of its MSI-X table; the rest is filled in
 * @offset: where the BAR is in @device, for pread() and pwrite()
 *
 * Return: 0, also for one that is not there, or -errno, reported.
 */
int vfio_bar_map(int device, unsigned int index, struct vfio_bar *bar, u64 *offset);

/** vfio_bar_unmap() - undo it. */
void vfio_bar_unmap(struct vfio_bar *bar);

#endif
