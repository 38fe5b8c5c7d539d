// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bus pci.0: devices in their slots, configuration space through ports
 * 0xcf8 and 0xcfc, INTx lines and the host bridge. BARs are in pci-bar.c,
 * MSI-X in pci-msix.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "config.h"
#include "error.h"
#include "irq.h"
#include "lib/opts.h"
#include "pci-internal.h"
#include "state.h"
#include "vm.h"
#include "wait.h"

/*
 * Intel, a host bridge without quirks that guests would work around; for firmware,
 * the 440FX of QEMU's machines, by which it knows where it is.
 */
#define HOST_BRIDGE_VENDOR 0x8086
#define HOST_BRIDGE_DEVICE 0x0d57
#define HOST_BRIDGE_440FX 0x1237
#define QEMU_SUBVENDOR 0x1af4
#define QEMU_SUBDEVICE 0x1100

#define CFG_ADDR 0xcf8
#define CFG_ADDR_ENABLE 0x80000000U
#define RESET_OFF 1 /* port 0xcf9 */
#define RESET_NOW 0x04
#define CFG_DATA_OFF 4

/* Configuration space */

static u32 cfg_get(const struct pci_device *pdev, u32 off, unsigned int size)
{
	u32 val = 0;

	memcpy(&val, pdev->cfg + off, size);
	return val;
}

static u32 cfg_read(struct pci_device *pdev, u32 off, unsigned int size)
{
	if (pdev->cfg_read)
		pdev->cfg_read(pdev, off, size);
	return cfg_get(pdev, off, size);
}

static void cfg_write(struct pci_device *pdev, u32 off, u32 val,
		      unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++, val >>= 8) {
		u8 mask = pdev->wmask[off + i];

		pdev->cfg[off + i] =
			(pdev->cfg[off + i] & ~mask) | ((u8)val & mask);
	}
	if (off < PCI_CAPABILITY_LIST)
		pci_bar_update(pdev);
	pci_msix_cfg_written(pdev, off, size);
	if (pdev->cfg_write)
		pdev->cfg_write(pdev, off, size);
}

/*
 * A BAR that moves takes doorbells along, for which KVM waits (vm_ioeventfd()). So
 * these accesses let go of the VM's lock, and come one at a time: each finds BARs as
 * the registers say. Who comes to a BAR meanwhile finds it or does not.
 */
static void access_begin(struct pci_bus *bus)
{
	while (bus->accessed)
		pthread_cond_wait(&bus->access_ended, &bus->vm->lock);
	bus->accessed = true;
	wait_allow(&bus->vm->lock, NULL);
}

static void access_end(struct pci_bus *bus)
{
	wait_forbid();
	bus->accessed = false;
	pthread_cond_broadcast(&bus->access_ended);
}

/* The device and offset that the address register points at. */
static struct pci_device *cfg_target(struct pci_bus *bus, u64 port, u32 *off)
{
	u32 addr = bus->cfg_addr;

	if (!(addr & CFG_ADDR_ENABLE) || (addr >> 16 & 0xff) || (addr & 0x700))
		return NULL;
	*off = (addr & 0xfc) | (port & 3);
	return bus->slot[addr >> 11 & 0x1f];
}

static u64 port_read(void *arg, u64 port, unsigned int size)
{
	struct pci_bus *bus = arg;
	struct pci_device *pdev;
	u32 off, val;

	if (port < CFG_DATA_OFF)
		return port == 0 && size == 4 ? bus->cfg_addr : ~0ULL;
	pdev = cfg_target(bus, port, &off);
	/* An access does not cross its double word. */
	if (!pdev || size > 4 - (port & 3))
		return ~0ULL;
	access_begin(bus);
	val = cfg_read(pdev, off, size);
	access_end(bus);
	return val;
}

static void port_write(void *arg, u64 port, u64 val, unsigned int size)
{
	struct pci_bus *bus = arg;
	struct pci_device *pdev;
	u32 off;

	if (port == 0 && size == 4) {
		bus->cfg_addr = val;
		return;
	}
	if (port == RESET_OFF && size == 1) {
		if (val & RESET_NOW)
			vm_request_reset(bus->vm);
		return;
	}
	if (port < CFG_DATA_OFF)
		return;
	pdev = cfg_target(bus, port, &off);
	if (!pdev || size > 4 - (port & 3))
		return;
	access_begin(bus);
	cfg_write(pdev, off, val, size);
	access_end(bus);
}

static const struct bus_ops port_ops = {
	.read = port_read,
	.write = port_write,
};

int pci_cap_add(struct pci_device *pdev, u8 id, const void *data, u8 len)
{
	u16 off = ALIGN_UP(pdev->cap_next, 4);

	if (off + 2 + len > PCI_CFG_SIZE)
		return -ENOSPC;
	pdev->cfg[off] = id;
	memcpy(pdev->cfg + off + 2, data, len);
	pdev->cfg[pdev->cap_last ? pdev->cap_last + 1 : PCI_CAPABILITY_LIST] =
		off;
	pdev->cfg[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	pdev->cap_last = off;
	pdev->cap_next = off + 2 + len;
	return off;
}

void pci_cfg_writable(struct pci_device *pdev, u32 off, u32 len)
{
	if (off + len <= PCI_CFG_SIZE)
		memset(pdev->wmask + off, 0xff, len);
}

/* INTx: slot n is on line n % 8; a line is up while any device on it is. */

static unsigned int intx_line(const struct pci_device *pdev)
{
	return pdev->slot % IRQ_NR_PCI;
}

void pci_intx_set(struct pci_device *pdev, bool level)
{
	struct pci_bus *bus = pdev->bus;
	unsigned int line = intx_line(pdev);
	u32 bit = 1U << pdev->slot, old;

	pthread_mutex_lock(&bus->intx_lock);
	old = bus->intx[line];
	bus->intx[line] = level ? old | bit : old & ~bit;
	if (!old != !bus->intx[line])
		irq_set(bus->vm, IRQ_PCI_FIRST + line, level);
	pthread_mutex_unlock(&bus->intx_lock);
}

bool pci_intx_get(struct pci_device *pdev)
{
	struct pci_bus *bus = pdev->bus;
	bool level;

	pthread_mutex_lock(&bus->intx_lock);
	level = bus->intx[intx_line(pdev)] & 1U << pdev->slot;
	pthread_mutex_unlock(&bus->intx_lock);
	return level;
}

/* Devices */

static int slot_from_opts(struct opts *opts, int *slot)
{
	const char *bus = NULL, *addr = NULL;
	char *end;
	int ret;

	if ((ret = opts_get_str(opts, "bus", &bus)) ||
	    (ret = opts_get_str(opts, "addr", &addr)))
		return ret;
	if (bus && strcmp(bus, "pci.0")) {
		err("no bus '%s'; the only one is pci.0", bus);
		return -EINVAL;
	}
	if (!addr)
		return 0;
	*slot = strtol(addr, &end, 16);
	if (end != addr && !strcmp(end, ".0"))
		end += 2;
	if (end == addr || *end || *slot < 1 || *slot >= PCI_NR_SLOTS) {
		err("bad PCI address '%s': slots are 1 to 1f, function 0",
		    addr);
		return -EINVAL;
	}
	return 0;
}

/* Whether a device takes bootindex= at all its class says. */
static int bootindex_from_opts(struct vm *vm, struct opts *opts,
			       struct pci_device *pdev)
{
	u64 index = 0;
	unsigned int i;
	int ret;

	if (!opts_has(opts, "bootindex"))
		return 0;
	ret = opts_get_uint(opts, "bootindex", INT16_MAX, &index);
	if (ret)
		return ret;
	for (i = 0; i < PCI_NR_SLOTS; i++)
		if (vm->pci->slot[i] &&
		    vm->pci->slot[i]->bootindex == (int)index)
			return opts_fail(opts, "another device has bootindex %u",
					 (unsigned int)index);
	pdev->bootindex = index;
	return 0;
}

static int slot_pick(struct pci_bus *bus, int slot)
{
	int i;

	if (slot >= 0) {
		if (!bus->slot[slot])
			return slot;
		err("PCI slot %#x is taken by '%s'", slot,
		    bus->slot[slot]->dev.id ?: bus->slot[slot]->dev.ops->name);
		return -EBUSY;
	}
	for (i = 1; i < PCI_NR_SLOTS; i++)
		if (!bus->slot[i])
			return i;
	err("all PCI slots are taken");
	return -EBUSY;
}

static void cfg_fill(struct pci_device *pdev,
		     const struct pci_device_info *info)
{
	u8 *cfg = pdev->cfg;

	*(u16 *)(cfg + PCI_VENDOR_ID) = htole16(info->vendor);
	*(u16 *)(cfg + PCI_DEVICE_ID) = htole16(info->device);
	*(u16 *)(cfg + PCI_SUBSYSTEM_VENDOR_ID) = htole16(info->subsys_vendor);
	*(u16 *)(cfg + PCI_SUBSYSTEM_ID) = htole16(info->subsys);
	cfg[PCI_REVISION_ID] = info->revision;
	cfg[PCI_CLASS_PROG] = info->class;
	cfg[PCI_CLASS_PROG + 1] = info->class >> 8;
	cfg[PCI_CLASS_PROG + 2] = info->class >> 16;

	pdev->wmask[PCI_COMMAND] =
		PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	pdev->wmask[PCI_COMMAND + 1] = PCI_COMMAND_INTX_DISABLE >> 8;
	pdev->wmask[PCI_CACHE_LINE_SIZE] = 0xff;
	if (info->intx) {
		cfg[PCI_INTERRUPT_PIN] = 1;
		cfg[PCI_INTERRUPT_LINE] = IRQ_PCI_FIRST + intx_line(pdev);
		pdev->wmask[PCI_INTERRUPT_LINE] = 0xff;
	}
	pdev->cap_next = PCI_STD_HEADER_SIZEOF;
}

static int attach(struct pci_device *pdev, struct vm *vm,
		  const struct device_ops *ops,
		  const struct pci_device_info *info, int slot, const char *id)
{
	int ret = device_init(&pdev->dev, vm, ops, id);

	if (ret)
		return ret;
	pdev->bus = vm->pci;
	pdev->slot = slot;
	TAILQ_INIT(&pdev->ioeventfds);
	cfg_fill(pdev, info);
	vm->pci->slot[slot] = pdev;
	return 0;
}

int pci_device_init(struct pci_device *pdev, struct vm *vm,
		    const struct device_ops *ops,
		    const struct pci_device_info *info, struct opts *opts)
{
	const char *id = NULL;
	int slot = -1, ret;

	pdev->bootindex = -1;
	if (opts && ((ret = opts_get_str(opts, "id", &id)) ||
		     (ret = bootindex_from_opts(vm, opts, pdev)) ||
		     (ret = slot_from_opts(opts, &slot))))
		return ret;
	slot = slot_pick(vm->pci, slot);
	if (slot < 0)
		return slot;
	return attach(pdev, vm, ops, info, slot, id);
}

void pci_device_reset(struct pci_device *pdev)
{
	pci_intx_set(pdev, false);
	pci_msix_reset(pdev);
	pdev->cfg[PCI_COMMAND] = 0;
	pdev->cfg[PCI_COMMAND + 1] = 0;
	if (pdev->cfg[PCI_INTERRUPT_PIN])
		pdev->cfg[PCI_INTERRUPT_LINE] = IRQ_PCI_FIRST + intx_line(pdev);
	pci_bar_reset(pdev);
}

void pci_device_exit(struct pci_device *pdev)
{
	pci_intx_set(pdev, false);
	pci_bar_exit(pdev);
	pci_msix_exit(pdev);
	pdev->bus->slot[pdev->slot] = NULL;
	device_remove(&pdev->dev);
}

/* The host bridge, a device that does nothing but be there. */

static void bridge_reset(struct device *dev)
{
	struct pci_device *pdev = to_pci_device(dev);

	pdev->bus->cfg_addr = 0;
	pci_device_reset(pdev);
}

static void bridge_destroy(struct device *dev)
{
	struct pci_device *pdev = to_pci_device(dev);

	pci_device_exit(pdev);
	free(pdev);
}

static int bridge_save(struct device *dev, struct state_out *out)
{
	struct pci_device *pdev = to_pci_device(dev);
	int ret = pci_device_save(pdev, out);

	return ret ?: state_put_u64(out, "address", pdev->bus->cfg_addr);
}

static int bridge_load(struct device *dev, struct state_in *in, u32 version)
{
	struct pci_device *pdev = to_pci_device(dev);
	int ret = pci_device_load(pdev, in);
	u64 addr;

	ret = ret ?: state_get_u64(in, "address", &addr, UINT32_MAX);
	if (!ret)
		pdev->bus->cfg_addr = addr;
	return ret;
}

static const struct device_ops bridge_ops = {
	.name = "pci-host-bridge",
	.reset = bridge_reset,
	.version = 1,
	.save = bridge_save,
	.load = bridge_load,
	.destroy = bridge_destroy,
};

static int bridge_create(struct vm *vm)
{
	struct pci_device_info info = {
		.vendor = HOST_BRIDGE_VENDOR,
		.device = HOST_BRIDGE_DEVICE,
		.class = 0x060000,
	};
	struct pci_device *pdev = calloc(1, sizeof(*pdev));
	int ret;

	if (!pdev)
		return -ENOMEM;
	if (!vm->config->kernel) {
		info.device = HOST_BRIDGE_440FX;
		info.subsys_vendor = QEMU_SUBVENDOR;
		info.subsys = QEMU_SUBDEVICE;
	}
	pdev->bootindex = -1;
	ret = attach(pdev, vm, &bridge_ops, &info, 0, NULL);
	if (ret)
		free(pdev);
	return ret;
}

int pci_init(struct vm *vm)
{
	struct pci_bus *bus = calloc(1, sizeof(*bus));
	int ret;

	if (!bus)
		return -ENOMEM;
	bus->vm = vm;
	pthread_mutex_init(&bus->intx_lock, NULL);
	pthread_cond_init(&bus->access_ended, NULL);
	vm->pci = bus;
	ret = bus_add(vm, BUS_PIO, CFG_ADDR, 8, &port_ops, bus);
	if (!ret)
		ret = bridge_create(vm);
	if (ret)
		pci_exit(vm);
	return ret;
}

void pci_exit(struct vm *vm)
{
	struct pci_bus *bus = vm->pci;

	if (!bus)
		return;
	bus_del(vm, BUS_PIO, CFG_ADDR);
	pthread_cond_destroy(&bus->access_ended);
	pthread_mutex_destroy(&bus->intx_lock);
	free(bus);
	vm->pci = NULL;
}
