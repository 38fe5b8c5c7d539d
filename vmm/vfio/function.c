// SPDX-License-Identifier: GPL-2.0-only
/* The life of a function: taking it from the kernel, resetting it, giving it back. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "error.h"
#include "sandbox.h"
#include "vfio/bar.h"
#include "vfio/function.h"
#include "vfio/info.h"

/* The kernel does not wait for who else is about to reset it, so we do. */
#define RESET_TRIES 100
#define RESET_PAUSE_MS 10

static int open_device(struct vfio_function *fn)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};

	fn->device = ioctl(fn->group, VFIO_GROUP_GET_DEVICE_FD, fn->bdf);
	if (fn->device < 0)
		return err_errno(-errno, "the kernel does not hand over %s", fn->bdf);
	if (ioctl(fn->device, VFIO_DEVICE_GET_INFO, &info))
		return err_errno(-errno, "cannot ask about %s", fn->bdf);
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI)) {
		err("%s is no PCI function", fn->bdf);
		return -ENXIO;
	}
	fn->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	return 0;
}

static int find_config(struct vfio_function *fn)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};

	if (ioctl(fn->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		return err_errno(-errno, "cannot find the configuration space of %s", fn->bdf);
	fn->config.offset = info.offset;
	fn->config.size = info.size;
	return 0;
}

static int read_identity(struct vfio_function *fn)
{
	u16 id[2];
	u32 class;
	int ret;

	ret = vfio_function_config_read(fn, PCI_VENDOR_ID, id, sizeof(id));
	if (!ret)
		ret = vfio_function_config_read(fn, PCI_CLASS_REVISION, &class, sizeof(class));
	if (ret)
		return ret;
	fn->vendor = le16toh(id[0]);
	fn->device_id = le16toh(id[1]);
	fn->class = le32toh(class) >> 8;
	return 0;
}

static int map_bars(struct vfio_function *fn)
{
	struct vfio_region *region;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < VFIO_BARS && !ret; i++) {
		region = &fn->bar_region[i];
		ret = vfio_bar_map(fn->device, i, &fn->bar[i], &region->offset);
		region->size = fn->bar[i].size;
	}
	return ret;
}

/*
 * The kernel wants this order: a container has an IOMMU when it has a group, and a group
 * hands its functions over when it has an IOMMU.
 */
static int take(struct vfio_function *fn)
{
	unsigned int group;
	int ret;

	ret = vfio_group_find(VFIO_SYSFS, fn->bdf, &group);
	if (!ret)
		ret = vfio_container_open(&fn->container);
	if (ret)
		return ret;
	fn->group = vfio_group_open(group, fn->container.fd);
	if (fn->group < 0)
		return fn->group;
	ret = vfio_container_begin(&fn->container);
	return ret ? ret : open_device(fn);
}

static int look_at(struct vfio_function *fn)
{
	int ret;

	ret = find_config(fn);
	if (!ret)
		ret = read_identity(fn);
	/* As the kernel left it, it may have memory space on. */
	if (!ret)
		ret = vfio_function_enable(fn, false);
	if (!ret)
		ret = vfio_msix_find(fn);
	return ret ? ret : map_bars(fn);
}

int vfio_function_open(const char *bdf, struct vfio_function **out)
{
	struct vfio_function *fn;
	int ret;

	*out = NULL;
	if (sandbox_confined()) {
		err("a VMM that runs takes no function of a device any more");
		return -EPERM;
	}
	fn = calloc(1, sizeof(*fn));
	if (!fn)
		return -ENOMEM;
	fn->container.fd = -1;
	fn->group = -1;
	fn->device = -1;
	ret = vfio_bdf_parse(fn->bdf, bdf);
	if (!ret)
		ret = take(fn);
	if (!ret)
		ret = look_at(fn);
	if (!ret)
		ret = sandbox_allow_offsets(fn->device);
	if (ret) {
		vfio_function_close(fn);
		return ret;
	}
	*out = fn;
	return 0;
}

void vfio_function_close(struct vfio_function *fn)
{
	unsigned int i;

	if (!fn)
		return;
	for (i = 0; i < VFIO_BARS; i++)
		vfio_bar_unmap(&fn->bar[i]);
	/* With its last descriptor its interrupts and its DMA end. */
	if (fn->device >= 0)
		close(fn->device);
	if (fn->group >= 0)
		close(fn->group);
	vfio_container_close(&fn->container);
	free(fn);
}

const char *vfio_function_name(const struct vfio_function *fn)
{
	return fn->bdf;
}

u16 vfio_function_vendor(const struct vfio_function *fn)
{
	return fn->vendor;
}

u16 vfio_function_device(const struct vfio_function *fn)
{
	return fn->device_id;
}

u32 vfio_function_class(const struct vfio_function *fn)
{
	return fn->class;
}

const struct vfio_bar *vfio_function_bar(const struct vfio_function *fn, unsigned int bar)
{
	return bar < VFIO_BARS ? &fn->bar[bar] : NULL;
}

int vfio_function_map(struct vfio_function *fn, u64 iova, void *hva, u64 size, bool writable)
{
	return vfio_container_map(&fn->container, iova, hva, size, writable);
}

int vfio_function_unmap(struct vfio_function *fn, u64 iova, u64 size)
{
	return vfio_container_unmap(&fn->container, iova, size);
}

bool vfio_function_iova_usable(const struct vfio_function *fn, u64 iova, u64 size)
{
	return vfio_container_usable(&fn->container, iova, size);
}

u64 vfio_function_iova_end(const struct vfio_function *fn)
{
	return vfio_container_end(&fn->container);
}

static int ask_reset(struct vfio_function *fn)
{
	unsigned int left;

	for (left = RESET_TRIES; left; left--) {
		if (!ioctl(fn->device, VFIO_DEVICE_RESET))
			return 0;
		if (errno != EAGAIN)
			return -errno;
		/* Of all that sleeps, what the sandbox has. */
		poll(NULL, 0, RESET_PAUSE_MS);
	}
	return -EAGAIN;
}

int vfio_function_reset(struct vfio_function *fn)
{
	int ret;

	/* No interrupt and no DMA of before may come once this has returned. */
	ret = vfio_msix_off(fn);
	if (!ret)
		ret = vfio_function_enable(fn, false);
	if (ret)
		return ret;
	if (!fn->can_reset) {
		err("%s can be reset by nothing that leaves others alone", fn->bdf);
		return -EOPNOTSUPP;
	}
	ret = ask_reset(fn);
	return ret ? err_errno(ret, "cannot reset %s", fn->bdf) : 0;
}
