// SPDX-License-Identifier: GPL-2.0-only
/*
 * Base address registers: their first addresses, mapping them on the bus as
 * the guest moves and enables them, and the doorbells (ioeventfds) in them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "error.h"
#include "pci-internal.h"
#include "vm.h"

static u32 *bar_reg(struct pci_device *pdev, unsigned int index)
{
	return (u32 *)(pdev->cfg + PCI_BASE_ADDRESS_0 + 4 * index);
}

static u32 *bar_mask(struct pci_device *pdev, unsigned int index)
{
	return (u32 *)(pdev->wmask + PCI_BASE_ADDRESS_0 + 4 * index);
}

static u64 bar_read(void *arg, u64 off, unsigned int size)
{
	struct pci_bar *bar = arg;

	return bar->ops->read(bar->dev, off, size);
}

static void bar_write(void *arg, u64 off, u64 val, unsigned int size)
{
	struct pci_bar *bar = arg;

	bar->ops->write(bar->dev, off, val, size);
}

static const struct bus_ops bar_bus_ops = {
	.read = bar_read,
	.write = bar_write,
};

static enum bus_kind bar_kind(const struct pci_bar *bar)
{
	return bar->flags & PCI_BAR_IO ? BUS_PIO : BUS_MMIO;
}

/* Doorbells */

static int ioeventfd_set(struct pci_bar *bar, struct pci_ioeventfd *io,
			 bool add)
{
	int ret = vm_ioeventfd(bar->dev->dev.vm, io->fd, bar->addr + io->off,
			       io->len, bar->flags & PCI_BAR_IO, add);

	io->active = add && !ret;
	return ret;
}

int pci_ioeventfd_add(struct pci_device *pdev, unsigned int index, u64 off,
		      unsigned int len, int fd)
{
	struct pci_bar *bar = &pdev->bar[index];
	struct pci_ioeventfd *io = calloc(1, sizeof(*io));
	int ret = 0;

	if (!io)
		return -ENOMEM;
	io->fd = fd;
	io->bar = index;
	io->len = len;
	io->off = off;
	if (bar->mapped)
		ret = ioeventfd_set(bar, io, true);
	if (ret) {
		free(io);
		return ret;
	}
	TAILQ_INSERT_TAIL(&pdev->ioeventfds, io, link);
	return 0;
}

static void ioeventfd_free(struct pci_device *pdev, struct pci_ioeventfd *io)
{
	if (io->active)
		ioeventfd_set(&pdev->bar[io->bar], io, false);
	TAILQ_REMOVE(&pdev->ioeventfds, io, link);
	free(io);
}

void pci_ioeventfd_del(struct pci_device *pdev, unsigned int bar, u64 off,
		       int fd)
{
	struct pci_ioeventfd *io;

	TAILQ_FOREACH(io, &pdev->ioeventfds, link)
	{
		if (io->bar == bar && io->off == off && io->fd == fd) {
			ioeventfd_free(pdev, io);
			return;
		}
	}
}

/* Mapping */

static void bar_unmap(struct pci_bar *bar)
{
	struct pci_ioeventfd *io;

	if (!bar->mapped)
		return;
	TAILQ_FOREACH(io, &bar->dev->ioeventfds, link)
	if (io->bar == bar->index && io->active)
		ioeventfd_set(bar, io, false);
	bus_del(bar->dev->dev.vm, bar_kind(bar), bar->addr);
	bar->mapped = false;
}

static void bar_map(struct pci_bar *bar, u64 addr)
{
	struct pci_ioeventfd *io;

	/* A BAR over something else, RAM for one, is just not there. */
	if (bar_kind(bar) == BUS_MMIO &&
	    tarn_mem_range(&bar->dev->dev.vm->mem, addr, 1))
		return;
	if (bus_add(bar->dev->dev.vm, bar_kind(bar), addr, bar->size,
		    &bar_bus_ops, bar))
		return;
	bar->addr = addr;
	bar->mapped = true;
	TAILQ_FOREACH(io, &bar->dev->ioeventfds, link)
	if (io->bar == bar->index)
		ioeventfd_set(bar, io, true);
}

/* Where the registers say that the BAR is, or 0 while it is disabled. */
static u64 bar_wanted(struct pci_device *pdev, unsigned int index)
{
	struct pci_bar *bar = &pdev->bar[index];
	u8 enable =
		bar->flags & PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	u64 addr = *bar_reg(pdev, index);

	if (!(pdev->cfg[PCI_COMMAND] & enable))
		return 0;
	if (bar->flags & PCI_BAR_IO)
		return addr & PCI_BASE_ADDRESS_IO_MASK & 0xffff;
	addr &= PCI_BASE_ADDRESS_MEM_MASK;
	if (bar->flags & PCI_BAR_64)
		addr |= (u64)*bar_reg(pdev, index + 1) << 32;
	return addr;
}

void pci_bar_update(struct pci_device *pdev)
{
	unsigned int i;

	for (i = 0; i < PCI_NR_BARS; i++) {
		struct pci_bar *bar = &pdev->bar[i];
		u64 addr = bar->size ? bar_wanted(pdev, i) : 0;

		if (bar->mapped && addr == bar->addr)
			continue;
		bar_unmap(bar);
		if (addr)
			bar_map(bar, addr);
	}
}

/* A page at least, so that none shares one with a neighbour. */
static u64 bar_span(const struct pci_bar *bar)
{
	return bar->flags & PCI_BAR_IO ? bar->size :
					 max_t(u64, bar->size, 4096);
}

/* A BAR of the same kind whose first address is in the way, or NULL. */
static const struct pci_bar *bar_clash(struct pci_bus *bus,
				       const struct pci_bar *bar, u64 addr)
{
	unsigned int slot, i;

	for (slot = 0; slot < PCI_NR_SLOTS; slot++) {
		for (i = 0; bus->slot[slot] && i < PCI_NR_BARS; i++) {
			const struct pci_bar *other = &bus->slot[slot]->bar[i];

			if (other != bar && other->size &&
			    bar_kind(other) == bar_kind(bar) &&
			    addr < other->first + bar_span(other) &&
			    other->first < addr + bar_span(bar))
				return other;
		}
	}
	return NULL;
}

/* The lowest place that is free; devices come and go. */
static int bar_alloc(struct pci_bus *bus, struct pci_bar *bar, u64 *addr)
{
	bool io = bar->flags & PCI_BAR_IO;
	u64 span = bar_span(bar), end = io ? PCI_IO_END : PCI_MEM_END;
	const struct pci_bar *other;

	*addr = ALIGN_UP(io ? (u64)PCI_IO_START : PCI_MEM_START, span);
	while ((other = bar_clash(bus, bar, *addr)))
		*addr = ALIGN_UP(other->first + bar_span(other), span);
	return *addr + span > end ? -ENOSPC : 0;
}

int pci_bar_add(struct pci_device *pdev, unsigned int index, u64 size,
		unsigned int flags, const struct pci_bar_ops *ops)
{
	bool wide = flags & PCI_BAR_64;
	struct pci_bar *bar;
	u64 type, mask;
	int ret;

	if (index + wide >= PCI_NR_BARS || !size || size & (size - 1) ||
	    size < (flags & PCI_BAR_IO ? 4 : 16) || pdev->bar[index].size)
		return -EINVAL;
	bar = &pdev->bar[index];
	bar->flags = flags;
	bar->size = size;
	ret = bar_alloc(pdev->bus, bar, &bar->first);
	if (ret) {
		bar->size = 0;
		err("no room for BAR %u of %llu bytes", index,
		    (unsigned long long)size);
		return ret;
	}
	bar->dev = pdev;
	bar->index = index;
	bar->ops = ops;

	if (flags & PCI_BAR_IO)
		type = PCI_BASE_ADDRESS_SPACE_IO;
	else
		type = (wide ? PCI_BASE_ADDRESS_MEM_TYPE_64 : 0) |
		       (flags & PCI_BAR_PREFETCH ? PCI_BASE_ADDRESS_MEM_PREFETCH
						 : 0);
	mask = ~(size - 1);
	*bar_reg(pdev, index) = type;
	*bar_mask(pdev, index) = mask;
	if (wide)
		*bar_mask(pdev, index + 1) = mask >> 32;
	pci_bar_reset(pdev);
	return 0;
}

void pci_bar_reset(struct pci_device *pdev)
{
	unsigned int i;

	for (i = 0; i < PCI_NR_BARS; i++) {
		struct pci_bar *bar = &pdev->bar[i];
		u32 type;

		if (!bar->size)
			continue;
		type = *bar_reg(pdev, i) & ~*bar_mask(pdev, i);
		*bar_reg(pdev, i) = type | (u32)bar->first;
		if (bar->flags & PCI_BAR_64)
			*bar_reg(pdev, i + 1) = bar->first >> 32;
	}
	pci_bar_update(pdev);
}

void pci_bar_exit(struct pci_device *pdev)
{
	struct pci_ioeventfd *io;
	unsigned int i;

	for (i = 0; i < PCI_NR_BARS; i++)
		bar_unmap(&pdev->bar[i]);
	while ((io = TAILQ_FIRST(&pdev->ioeventfds)))
		ioeventfd_free(pdev, io);
}
