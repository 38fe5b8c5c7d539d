// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a function tells as eventfds: its MSI-X vectors, which have their table in one of
 * its BARs and are set up by the kernel alone, and what the host tells on its behalf.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "error.h"
#include "vfio/function.h"

/* No more fit into configuration space. */
#define CAPABILITIES_MAX 48
#define TABLE_ENTRY 16U

/* Where a capability is in configuration space; 0 if there is none, or -errno. */
static int find_capability(struct vfio_function *fn, u8 id)
{
	unsigned int left;
	u16 status;
	u8 at, head[2];
	int ret;

	ret = vfio_function_config_read(fn, PCI_STATUS, &status, sizeof(status));
	if (ret || !(le16toh(status) & PCI_STATUS_CAP_LIST))
		return ret;
	ret = vfio_function_config_read(fn, PCI_CAPABILITY_LIST, &at, sizeof(at));
	for (left = CAPABILITIES_MAX; !ret && left && (at &= ~3); left--) {
		ret = vfio_function_config_read(fn, at, head, sizeof(head));
		if (!ret && head[PCI_CAP_LIST_ID] == id)
			return at;
		at = head[PCI_CAP_LIST_NEXT];
	}
	return ret;
}

int vfio_msix_find(struct vfio_function *fn)
{
	int at = find_capability(fn, PCI_CAP_ID_MSIX), ret;
	unsigned int bar;
	u32 table;
	u16 flags;

	if (at <= 0)
		return at;
	ret = vfio_function_config_read(fn, at + PCI_MSIX_FLAGS, &flags, sizeof(flags));
	if (!ret)
		ret = vfio_function_config_read(fn, at + PCI_MSIX_TABLE, &table, sizeof(table));
	if (ret)
		return ret;
	table = le32toh(table);
	bar = table & PCI_MSIX_TABLE_BIR;
	if (bar >= VFIO_BARS) {
		err("%s has its MSI-X table in BAR %u, which is none", fn->bdf, bar);
		return -ENXIO;
	}
	fn->nr_vectors = (le16toh(flags) & PCI_MSIX_FLAGS_QSIZE) + 1;
	fn->bar[bar].msix_off = table & PCI_MSIX_TABLE_OFFSET;
	fn->bar[bar].msix_len = fn->nr_vectors * TABLE_ENTRY;
	return 0;
}

/* Interrupts 0 to @nr - 1 of an index signal @eventfds; none any more if @nr is 0. */
static int set_irqs(struct vfio_function *fn, u32 index, const int *eventfds, unsigned int nr)
{
	const size_t size = sizeof(struct vfio_irq_set) + nr * sizeof(*eventfds);
	struct vfio_irq_set *set = calloc(1, size);
	int ret;

	if (!set)
		return -ENOMEM;
	set->argsz = size;
	set->index = index;
	set->count = nr;
	set->flags = VFIO_IRQ_SET_ACTION_TRIGGER |
		     (nr ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	if (nr)
		memcpy(set->data, eventfds, nr * sizeof(*eventfds));
	ret = ioctl(fn->device, VFIO_DEVICE_SET_IRQS, set);
	if (ret < 0)
		ret = -errno;
	free(set);
	return ret;
}

int vfio_msix_off(struct vfio_function *fn)
{
	int ret;

	if (!fn->msix_on)
		return 0;
	ret = set_irqs(fn, VFIO_PCI_MSIX_IRQ_INDEX, NULL, 0);
	if (ret)
		return err_errno(ret, "cannot end the interrupts of %s", fn->bdf);
	fn->msix_on = false;
	return 0;
}

unsigned int vfio_function_vectors(const struct vfio_function *fn)
{
	return fn->nr_vectors;
}

int vfio_function_interrupts(struct vfio_function *fn, const int *eventfds, unsigned int nr)
{
	int ret;

	if (nr > fn->nr_vectors) {
		err("%s has %u MSI-X vectors, not %u", fn->bdf, fn->nr_vectors, nr);
		return -EINVAL;
	}
	ret = vfio_msix_off(fn);
	if (ret || !nr)
		return ret;
	ret = set_irqs(fn, VFIO_PCI_MSIX_IRQ_INDEX, eventfds, nr);
	if (ret > 0) {
		err("the host has %d interrupts left for %s, not %u", ret, fn->bdf, nr);
		return -ENOSPC;
	}
	if (ret)
		return err_errno(ret, "cannot have %u interrupts of %s", nr, fn->bdf);
	fn->msix_on = true;
	return 0;
}

/* A single one, which only some functions have. */
static int set_notice(struct vfio_function *fn, u32 index, int eventfd, const char *what)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};
	int ret;

	if (ioctl(fn->device, VFIO_DEVICE_GET_IRQ_INFO, &info) || !info.count) {
		err("%s has no notice of %s", fn->bdf, what);
		return -EOPNOTSUPP;
	}
	ret = set_irqs(fn, index, &eventfd, 1);
	return ret ? err_errno(ret, "cannot be told of %s of %s", what, fn->bdf) : 0;
}

int vfio_function_on_error(struct vfio_function *fn, int eventfd)
{
	return set_notice(fn, VFIO_PCI_ERR_IRQ_INDEX, eventfd, "errors");
}

int vfio_function_on_request(struct vfio_function *fn, int eventfd)
{
	return set_notice(fn, VFIO_PCI_REQ_IRQ_INDEX, eventfd, "requests");
}
