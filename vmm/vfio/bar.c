// SPDX-License-Identifier: GPL-2.0-only
/* See bar.h. */
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "error.h"
#include "vfio/bar.h"
#include "vfio/container.h"
#include "vfio/info.h"

static int by_start(const void *a, const void *b)
{
	const struct vfio_extent *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Behind the last piece, or as more of it. */
static void add_piece(struct vfio_bar *bar, u64 start, u64 end)
{
	struct vfio_bar_piece *last = bar->nr ? &bar->piece[bar->nr - 1] : NULL;

	start = ALIGN_UP(start, VFIO_PAGE);
	end = ALIGN_DOWN(end, VFIO_PAGE);
	if (start >= end)
		return;
	if (last && last->off + last->size >= start) {
		if (end > last->off + last->size)
			last->size = end - last->off;
		return;
	}
	if (bar->nr == VFIO_BAR_PIECES)
		return;
	bar->piece[bar->nr++] = (struct vfio_bar_piece){.off = start, .size = end - start};
}

void vfio_bar_layout(struct vfio_bar *bar, struct vfio_extent *extent, unsigned int nr)
{
	/* The kernel keeps the rest of the page of a small BAR free. */
	const u64 size = ALIGN_UP(bar->size, VFIO_PAGE);
	const u64 table = ALIGN_DOWN(bar->msix_off, VFIO_PAGE);
	const u64 behind = ALIGN_UP(bar->msix_off + bar->msix_len, VFIO_PAGE);
	unsigned int i;
	u64 start, end;

	bar->nr = 0;
	qsort(extent, nr, sizeof(*extent), by_start);
	for (i = 0; i < nr; i++) {
		start = extent[i].start;
		end = min_t(u64, extent[i].end, size);
		if (!bar->msix_len) {
			add_piece(bar, start, end);
			continue;
		}
		add_piece(bar, start, min_t(u64, end, table));
		add_piece(bar, max_t(u64, start, behind), end);
	}
}

/* Where the kernel lets a region be mapped only in parts, it says which; in *@extent. */
static int read_extents(const struct vfio_region_info *info, struct vfio_extent **extent)
{
	const struct vfio_region_info_cap_sparse_mmap *cap;
	unsigned int i;

	cap = vfio_info_cap(info, info->flags & VFIO_REGION_INFO_FLAG_CAPS ? info->cap_offset : 0,
			    VFIO_REGION_INFO_CAP_SPARSE_MMAP, sizeof(*cap));
	if (cap && vfio_info_room(info, cap->areas) / sizeof(cap->areas[0]) < cap->nr_areas)
		return -EPROTO;
	*extent = calloc(cap ? max_t(u32, cap->nr_areas, 1) : 1, sizeof(**extent));
	if (!*extent)
		return -ENOMEM;
	if (!cap) {
		(*extent)->end = UINT64_MAX;
		return 1;
	}
	for (i = 0; i < cap->nr_areas; i++) {
		(*extent)[i].start = cap->areas[i].offset;
		(*extent)[i].end = cap->areas[i].offset + cap->areas[i].size;
	}
	return cap->nr_areas;
}

static int map_pieces(int device, struct vfio_bar *bar, u64 offset)
{
	struct vfio_bar_piece *piece;
	unsigned int i;

	for (i = 0; i < bar->nr; i++) {
		piece = &bar->piece[i];
		piece->hva = mmap(NULL, piece->size, PROT_READ | PROT_WRITE, MAP_SHARED,
				  device, offset + piece->off);
		if (piece->hva == MAP_FAILED) {
			/* What is not mapped is no piece. */
			bar->nr = i;
			return -errno;
		}
	}
	return 0;
}

static int map_region(int device, struct vfio_bar *bar, const struct vfio_region_info *info)
{
	const u32 needed = VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_READ |
			   VFIO_REGION_INFO_FLAG_WRITE;
	struct vfio_extent *extent;
	int nr;

	bar->size = info->size;
	if (!bar->size || (info->flags & needed) != needed)
		return 0;
	nr = read_extents(info, &extent);
	if (nr < 0)
		return nr;
	vfio_bar_layout(bar, extent, nr);
	free(extent);
	return map_pieces(device, bar, info->offset);
}

int vfio_bar_map(int device, unsigned int index, struct vfio_bar *bar, u64 *offset)
{
	const struct vfio_region_info question = {
		.index = VFIO_PCI_BAR0_REGION_INDEX + index,
	};
	struct vfio_region_info *info;
	void *answer;
	int ret;

	ret = vfio_info_get(device, VFIO_DEVICE_GET_REGION_INFO, &question, sizeof(question),
			    &answer);
	if (ret)
		return err_errno(ret, "cannot ask about BAR %u", index);
	info = answer;
	*offset = info->offset;
	ret = map_region(device, bar, info);
	if (ret)
		err_errno(ret, "cannot map BAR %u", index);
	free(answer);
	return ret;
}

void vfio_bar_unmap(struct vfio_bar *bar)
{
	while (bar->nr) {
		bar->nr--;
		munmap(bar->piece[bar->nr].hva, bar->piece[bar->nr].size);
	}
}

volatile void *vfio_bar_ptr(const struct vfio_bar *bar, u64 off, u64 len)
{
	const struct vfio_bar_piece *piece;

	if (!len || len > bar->size || off > bar->size - len)
		return NULL;
	for (piece = bar->piece; piece < bar->piece + bar->nr; piece++)
		if (off >= piece->off && off - piece->off < piece->size &&
		    len <= piece->size - (off - piece->off))
			return (char *)piece->hva + (off - piece->off);
	return NULL;
}
