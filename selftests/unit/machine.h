/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine without KVM for tests of PCI devices: memory, the main loop in a
 * thread of its own, the bus and PCI are the real ones; interrupts and
 * ioeventfds end here instead of in the kernel. The test is the guest: it
 * reaches devices by configuration space, BARs and rings.
 */
#ifndef TARN_UNIT_MACHINE_H
#define TARN_UNIT_MACHINE_H

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/eventfd.h>

#include "bus.h"
#include "config.h"
#include "iothread.h"
#include "irq.h"
#include "lib/opts.h"
#include "loop.h"
#include "partition.h"
#include "pci.h"
#include "ring.h"
#include "vm.h"
#include "wait.h"
#include "worker.h"

#define RAM_SIZE (16ULL << 20)
#define NR_GSI 64
#define NR_DOORBELL 64

static struct vm_config config = {.cpus = 1};
static struct vm vm = {.config = &config};
static pthread_t main_thread;

/* What KVM does */

static int gsi_fd[NR_GSI];
static int nr_gsi;
static bool line[IRQ_NR_PINS];

static struct {
	u64 addr;
	int fd;
} doorbells[NR_DOORBELL];

static inline int doorbell_set(int fd, u64 addr, bool add)
{
	int i;

	for (i = 0; i < NR_DOORBELL; i++) {
		if (doorbells[i].addr != (add ? 0 : addr))
			continue;
		doorbells[i].addr = add ? addr : 0;
		doorbells[i].fd = fd;
		return 0;
	}
	return -ENOSPC;
}

void irq_set(struct vm *v, unsigned int gsi, bool level)
{
	__atomic_store_n(&line[gsi], level, __ATOMIC_SEQ_CST);
}

/* Up when a disk has stopped the machine. */
static sem_t disk_stop;

/* What vm.c does, for tests that have it not. */

#ifndef MACHINE_HAS_VM

void vm_request_reset(struct vm *v)
{
}

int vm_stop_for_disk(struct vm *v)
{
	struct device *dev;

	if (v->state == VM_IO_ERROR)
		return 0;
	TAILQ_FOREACH(dev, &v->devices, link)
		if (dev->ops->pause)
			dev->ops->pause(dev);
	v->state = VM_IO_ERROR;
	sem_post(&disk_stop);
	return 0;
}

int vm_ioeventfd(struct vm *v, int fd, u64 addr, unsigned int len, bool pio,
		 bool add)
{
	return doorbell_set(fd, addr, add);
}

#endif

int irq_msi_alloc(struct vm *v)
{
	return nr_gsi < NR_GSI ? nr_gsi++ : -ENOSPC;
}

void irq_msi_free(struct vm *v, int gsi)
{
}

int irq_msi_update(struct vm *v, int gsi, u64 addr, u32 data)
{
	return 0;
}

int irq_fd_add(struct vm *v, int gsi, int fd)
{
	gsi_fd[gsi] = fd;
	return 0;
}

int irq_fd_del(struct vm *v, int gsi, int fd)
{
	gsi_fd[gsi] = -1;
	return 0;
}

/* What partition.c does: areas are kept by their addresses. */

#ifndef MACHINE_HAS_PARTITION

#define NR_AREA 64

static struct {
	u32 type;
	u64 gpa;
	u64 len;
} areas[NR_AREA];

void partition_area_add(struct vm *v, struct partition_area *area, u32 type,
			u64 gpa, u64 len)
{
	u32 i;

	for (i = 0; i < NR_AREA && areas[i].type; i++)
		;
	if (i == NR_AREA)
		return;
	areas[i].type = type;
	areas[i].gpa = gpa;
	areas[i].len = len;
	area->part = (void *)areas;
	area->handle = i;
}

void partition_area_remove(struct partition_area *area)
{
	if (area->part)
		areas[area->handle].type = 0;
	area->part = NULL;
}

/* Areas of type @type at @gpa, of @len bytes. */
static inline unsigned int area_count(u32 type, u64 gpa, u64 len)
{
	unsigned int i, n = 0;

	for (i = 0; i < NR_AREA; i++)
		n += areas[i].type == type && areas[i].gpa == gpa &&
		     areas[i].len == len;
	return n;
}

static inline unsigned int areas_left(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < NR_AREA; i++)
		n += !!areas[i].type;
	return n;
}

#endif

/* What a guest does */

static inline u64 guest_read(enum bus_kind kind, u64 addr, unsigned int size)
{
	u64 val = 0;

	vm_lock(&vm);
	bus_access(&vm, kind, addr, &val, size, false);
	vm_unlock(&vm);
	return val;
}

static inline void guest_write(enum bus_kind kind, u64 addr, u64 val,
			       unsigned int size)
{
	vm_lock(&vm);
	bus_access(&vm, kind, addr, &val, size, true);
	vm_unlock(&vm);
}

static inline u32 cfg_in(unsigned int slot, u32 off, unsigned int size)
{
	guest_write(BUS_PIO, 0xcf8, 0x80000000 | slot << 11 | (off & ~3U), 4);
	return guest_read(BUS_PIO, 0xcfc + (off & 3), size);
}

static inline void cfg_out(unsigned int slot, u32 off, u32 val,
			   unsigned int size)
{
	guest_write(BUS_PIO, 0xcf8, 0x80000000 | slot << 11 | (off & ~3U), 4);
	guest_write(BUS_PIO, 0xcfc + (off & 3), val, size);
}

/**
 * struct driver - a device as its driver sees it.
 * @bar: base addresses
 * @regs: guest physical address of each VIRTIO_PCI_CAP_* structure
 * @msix: offset of the MSI-X capability
 * @window: offset of VIRTIO_PCI_CAP_PCI_CFG
 */
struct driver {
	unsigned int slot;
	u64 bar[6];
	u64 regs[6];
	u32 notify_stride;
	u8 msix;
	u8 window;
};

static inline void driver_cap(struct driver *d, u8 off)
{
	u8 type = cfg_in(d->slot, off + 3, 1);
	u8 bar = cfg_in(d->slot, off + 4, 1);

	if (type == VIRTIO_PCI_CAP_PCI_CFG) {
		d->window = off;
		return;
	}
	d->regs[type] = d->bar[bar] + cfg_in(d->slot, off + 8, 4);
	if (type == VIRTIO_PCI_CAP_NOTIFY_CFG)
		d->notify_stride = cfg_in(d->slot, off + 16, 4);
}

static inline void driver_probe(struct driver *d, unsigned int slot)
{
	u8 off;
	int i;

	memset(d, 0, sizeof(*d));
	d->slot = slot;
	for (i = 0; i < 6; i++) {
		u32 low = cfg_in(slot, 0x10 + 4 * i, 4);

		d->bar[i] = low & ~0xfU;
		if (low & 4) {
			d->bar[i] |= (u64)cfg_in(slot, 0x14 + 4 * i, 4) << 32;
			i++;
		}
	}
	for (off = cfg_in(slot, 0x34, 1); off; off = cfg_in(slot, off + 1, 1)) {
		if (cfg_in(slot, off, 1) == PCI_CAP_ID_VNDR)
			driver_cap(d, off);
		else if (cfg_in(slot, off, 1) == PCI_CAP_ID_MSIX)
			d->msix = off;
	}
	cfg_out(slot, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static inline u64 common_in(struct driver *d, u32 off, unsigned int size)
{
	return guest_read(BUS_MMIO, d->regs[VIRTIO_PCI_CAP_COMMON_CFG] + off,
			  size);
}

static inline void common_out(struct driver *d, u32 off, u64 val,
			      unsigned int size)
{
	guest_write(BUS_MMIO, d->regs[VIRTIO_PCI_CAP_COMMON_CFG] + off, val,
		    size);
}

static inline u8 status_in(struct driver *d)
{
	return common_in(d, VIRTIO_PCI_COMMON_STATUS, 1);
}

static inline void status_out(struct driver *d, u8 status)
{
	common_out(d, VIRTIO_PCI_COMMON_STATUS, status, 1);
}

static inline u64 features_in(struct driver *d)
{
	u64 low;

	common_out(d, VIRTIO_PCI_COMMON_DFSELECT, 0, 4);
	low = common_in(d, VIRTIO_PCI_COMMON_DF, 4);
	common_out(d, VIRTIO_PCI_COMMON_DFSELECT, 1, 4);
	return low | common_in(d, VIRTIO_PCI_COMMON_DF, 4) << 32;
}

static inline void features_out(struct driver *d, u64 features)
{
	common_out(d, VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	common_out(d, VIRTIO_PCI_COMMON_GF, (u32)features, 4);
	common_out(d, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	common_out(d, VIRTIO_PCI_COMMON_GF, features >> 32, 4);
}

/* All vectors unmasked, each with a message of its own. */
static inline void msix_on(struct driver *d)
{
	u16 ctrl = cfg_in(d->slot, d->msix + 2, 2);
	unsigned int i, nr = (ctrl & 0x7ff) + 1;

	for (i = 0; i < nr; i++) {
		u64 entry = d->bar[1] + 16 * i;

		guest_write(BUS_MMIO, entry, 0xfee00000, 4);
		guest_write(BUS_MMIO, entry + 4, 0, 4);
		guest_write(BUS_MMIO, entry + 8, 0x40 + i, 4);
		guest_write(BUS_MMIO, entry + 12, 0, 4);
	}
	cfg_out(d->slot, d->msix + 2, ctrl | PCI_MSIX_FLAGS_ENABLE, 2);
}

/* Reset up to FEATURES_OK; true when the device agrees. */
static inline bool driver_negotiate(struct driver *d, u64 features)
{
	status_out(d, 0);
	status_out(d, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	status_out(d, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	features_out(d, features | 1ULL << VIRTIO_F_VERSION_1);
	status_out(d, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			      VIRTIO_CONFIG_S_FEATURES_OK);
	return status_in(d) & VIRTIO_CONFIG_S_FEATURES_OK;
}

static inline void addr_out(struct driver *d, u32 off, u64 addr)
{
	common_out(d, off, (u32)addr, 4);
	common_out(d, off + 4, addr >> 32, 4);
}

/* Queue @index at @base of guest memory, interrupting by vector @index + 1. */
static inline void driver_queue(struct driver *d, struct ring *r, u16 index,
				u16 size, u64 base)
{
	static const u8 zero[0x4000];

	tarn_mem_write(&vm.mem, base, zero, sizeof(zero));
	*r = (struct ring){&vm.mem, size, base, base + 0x1000, base + 0x2000,
			   0};
	common_out(d, VIRTIO_PCI_COMMON_Q_SELECT, index, 2);
	common_out(d, VIRTIO_PCI_COMMON_Q_SIZE, size, 2);
	common_out(d, VIRTIO_PCI_COMMON_Q_MSIX, index + 1, 2);
	addr_out(d, VIRTIO_PCI_COMMON_Q_DESCLO, r->desc);
	addr_out(d, VIRTIO_PCI_COMMON_Q_AVAILLO, r->avail);
	addr_out(d, VIRTIO_PCI_COMMON_Q_USEDLO, r->used);
	common_out(d, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
}

static inline void driver_ok(struct driver *d)
{
	status_out(d, status_in(d) | VIRTIO_CONFIG_S_DRIVER_OK);
}

static inline u64 doorbell_addr(struct driver *d, u16 index)
{
	common_out(d, VIRTIO_PCI_COMMON_Q_SELECT, index, 2);
	return d->regs[VIRTIO_PCI_CAP_NOTIFY_CFG] +
	       common_in(d, VIRTIO_PCI_COMMON_Q_NOFF, 2) * d->notify_stride;
}

/* A notification as KVM handles it: an eventfd where one is attached. */
static inline bool driver_kick(struct driver *d, u16 index)
{
	u64 addr = doorbell_addr(d, index);
	int i;

	for (i = 0; i < NR_DOORBELL; i++) {
		if (doorbells[i].addr == addr)
			return !eventfd_write(doorbells[i].fd, 1);
	}
	guest_write(BUS_MMIO, addr, index, 2);
	return false;
}

static inline int irq_fd(struct driver *d, unsigned int vec)
{
	struct pci_device *pdev;
	struct device *dev;

	TAILQ_FOREACH(dev, &vm.devices, link) {
		pdev = to_pci_device(dev);
		if (pdev->slot == d->slot)
			return pci_msix_fd(pdev, vec);
	}
	return -1;
}

/* Forget interrupts of vector @vec that nobody waited for. */
static inline void irq_clear(struct driver *d, unsigned int vec)
{
	struct pollfd p = {.fd = irq_fd(d, vec), .events = POLLIN};
	eventfd_t n;

	if (poll(&p, 1, 0) == 1)
		eventfd_read(p.fd, &n);
}

/* The interrupts of vector @vec since the last call; waits for the first. */
static inline u64 irq_wait(struct driver *d, unsigned int vec)
{
	int fd = irq_fd(d, vec);
	eventfd_t n = 0;

	while (fd >= 0 && eventfd_read(fd, &n) && errno == EAGAIN)
		poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
	return n;
}

static inline void used_wait(struct driver *d, struct ring *r, u16 index,
			     u16 want)
{
	u16 seen;

	while ((s16)((seen = ring_used_idx(r)) - want) < 0) {
		/* Where event indices are in use: the next entry interrupts. */
		ring_used_event(r, seen);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (ring_used_idx(r) == seen)
			irq_wait(d, index + 1);
	}
}

/* Making and ending it */

static void *main_loop(void *arg)
{
	wait_never(true);
	loop_run(vm.loop);
	return NULL;
}

static inline void machine_start(void)
{
	memset(gsi_fd, 0xff, sizeof(gsi_fd));
	pthread_mutex_init(&vm.lock, NULL);
	sem_init(&disk_stop, 0, 0);
	TAILQ_INIT(&vm.devices);
	ram_add(&vm.mem, 0, RAM_SIZE, ram_alloc(RAM_SIZE));
	vm.loop = loop_create(64);
	if (!vm.loop || pci_init(&vm))
		abort();
	loop_set_lock(vm.loop, &vm.lock);
}

/* After all devices are there. */
static inline void machine_run(void)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &vm.devices, link)
		if (dev->ops->reset)
			dev->ops->reset(dev);
	if (worker_create(&vm, SANDBOX_MAIN))
		abort();
	pthread_create(&main_thread, NULL, main_loop, NULL);
}

static inline void machine_end(void)
{
	struct device *dev;

	loop_stop(vm.loop);
	pthread_join(main_thread, NULL);
	worker_destroy(&vm);
	while ((dev = TAILQ_LAST(&vm.devices, device_list)))
		dev->ops->destroy(dev);
	pci_exit(&vm);
	iothread_destroy_all();
	bus_exit(&vm);
	loop_destroy(vm.loop);
}

static inline struct opts *opts_of(const char *text, const char *implied)
{
	struct opts *opts;

	if (opts_parse(&opts, "test", text, implied))
		abort();
	return opts;
}

#endif
