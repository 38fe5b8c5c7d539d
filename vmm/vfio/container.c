// SPDX-License-Identifier: GPL-2.0-only
/* See container.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "error.h"
#include "vfio/container.h"
#include "vfio/info.h"

#define PATH "/dev/vfio/vfio"

int vfio_container_open(struct vfio_container *c)
{
	c->fd = open(PATH, O_RDWR | O_CLOEXEC);
	if (c->fd < 0 && (errno == ENOENT || errno == ENODEV))
		return err_errno(-errno, "cannot open " PATH ", does \"modprobe vfio-pci\" help");
	if (c->fd < 0)
		return err_errno(-errno, "cannot open " PATH);
	if (ioctl(c->fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
	    ioctl(c->fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1) {
		err("this kernel's VFIO has no type1 IOMMU: \"modprobe vfio_iommu_type1\"");
		return -EOPNOTSUPP;
	}
	return 0;
}

static int read_ranges(struct vfio_container *c, const struct vfio_iommu_type1_info *info)
{
	const struct vfio_iommu_type1_info_cap_iova_range *cap;
	unsigned int i;

	cap = vfio_info_cap(info, info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0,
			    VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, sizeof(*cap));
	if (!cap ||
	    vfio_info_room(info, cap->iova_ranges) / sizeof(cap->iova_ranges[0]) < cap->nr_iovas)
		return -EPROTO;
	c->range = calloc(max_t(u32, cap->nr_iovas, 1), sizeof(*c->range));
	if (!c->range)
		return -ENOMEM;
	for (i = 0; i < cap->nr_iovas; i++) {
		c->range[i].start = cap->iova_ranges[i].start;
		c->range[i].last = cap->iova_ranges[i].end;
	}
	c->nr_ranges = cap->nr_iovas;
	return 0;
}

int vfio_container_begin(struct vfio_container *c)
{
	const struct vfio_iommu_type1_info question = {0};
	struct vfio_iommu_type1_info *info;
	struct rlimit limit;
	void *answer;
	int ret;

	/* For a message, when a sandbox lets nobody ask any more. */
	c->lock_limit = getrlimit(RLIMIT_MEMLOCK, &limit) ? 0 : limit.rlim_cur;
	if (ioctl(c->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return err_errno(-errno, "the IOMMU takes no function of a user's");
	ret = vfio_info_get(c->fd, VFIO_IOMMU_GET_INFO, &question, sizeof(question), &answer);
	if (ret)
		return err_errno(ret, "cannot ask for the IOMMU's addresses");
	info = answer;
	if (!(info->flags & VFIO_IOMMU_INFO_PGSIZES) || !(info->iova_pgsizes & VFIO_PAGE)) {
		err("the IOMMU has no pages of 4 KiB");
		ret = -EOPNOTSUPP;
	} else {
		ret = read_ranges(c, info);
		if (ret)
			err_errno(ret, "cannot tell the IOMMU's addresses");
	}
	free(answer);
	return ret;
}

void vfio_container_close(struct vfio_container *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	free(c->range);
	c->range = NULL;
	c->nr_ranges = 0;
}

bool vfio_container_usable(const struct vfio_container *c, u64 iova, u64 size)
{
	unsigned int i;

	if (!size || iova + (size - 1) < iova)
		return false;
	for (i = 0; i < c->nr_ranges; i++)
		if (iova >= c->range[i].start && iova + (size - 1) <= c->range[i].last)
			return true;
	return false;
}

u64 vfio_container_end(const struct vfio_container *c)
{
	u64 last;

	if (!c->nr_ranges)
		return 0;
	last = c->range[c->nr_ranges - 1].last;
	return last == UINT64_MAX ? last : last + 1;
}

static int check(const struct vfio_container *c, u64 iova, u64 size)
{
	if (!size || !IS_ALIGNED(iova | size, VFIO_PAGE)) {
		err("DMA is mapped by pages of 4 KiB, and %llx bytes at %llx are none",
		    (unsigned long long)size, (unsigned long long)iova);
		return -EINVAL;
	}
	if (!vfio_container_usable(c, iova, size)) {
		err("the IOMMU has no %llx bytes at %llx for DMA: its addresses end at %llx, with gaps for interrupts and for what firmware has reserved",
		    (unsigned long long)size, (unsigned long long)iova,
		    (unsigned long long)vfio_container_end(c));
		return -EINVAL;
	}
	return 0;
}

static int map_failed(const struct vfio_container *c, int ret, u64 iova, u64 size)
{
	const unsigned long long at = iova, kib = size >> 10;

	switch (ret) {
	case -EFAULT:
		return err_errno(ret, "cannot map %llu KiB for DMA at %llx, as not all of it is memory that can stay in place: a memfd can, a file that keeps track of what is written to it cannot",
				 kib, at);
	case -ENOMEM:
		return err_errno(ret, "cannot map %llu KiB for DMA: RLIMIT_MEMLOCK is %llu KiB for all memory that is",
				 kib, (unsigned long long)c->lock_limit >> 10);
	case -EEXIST:
		return err_errno(ret, "cannot map %llu KiB for DMA at %llx, where something is mapped",
				 kib, at);
	case -ENOSPC:
		return err_errno(ret, "cannot map %llu KiB for DMA: it would be one mapping more than dma_entry_limit of vfio_iommu_type1 allows",
				 kib);
	default:
		return err_errno(ret, "cannot map %llu KiB for DMA at %llx", kib, at);
	}
}

int vfio_container_map(struct vfio_container *c, u64 iova, void *hva, u64 size, bool writable)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | (writable ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = (uintptr_t)hva,
		.iova = iova,
		.size = size,
	};
	int ret = check(c, iova, size);

	if (ret)
		return ret;
	if (!IS_ALIGNED(map.vaddr, VFIO_PAGE)) {
		err("DMA is mapped by pages of 4 KiB, and memory at %p begins within one", hva);
		return -EINVAL;
	}
	return ioctl(c->fd, VFIO_IOMMU_MAP_DMA, &map) ? map_failed(c, -errno, iova, size) : 0;
}

int vfio_container_unmap(struct vfio_container *c, u64 iova, u64 size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};
	int ret = check(c, iova, size);

	if (ret)
		return ret;
	if (ioctl(c->fd, VFIO_IOMMU_UNMAP_DMA, &unmap))
		return err_errno(-errno, "cannot unmap %llu KiB at %llx, is it part of a larger mapping",
				 (unsigned long long)size >> 10, (unsigned long long)iova);
	if (unmap.size != size) {
		err("of %llu KiB to unmap at %llx, %llu KiB were mapped",
		    (unsigned long long)size >> 10, (unsigned long long)iova,
		    (unsigned long long)unmap.size >> 10);
		return -ENOENT;
	}
	return 0;
}
