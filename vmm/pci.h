/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flat bus pci.0: configuration space, BARs, capabilities, INTx, MSI-X and
 * ioeventfds of its devices. 32 slots of one function each; slot 0 is the host
 * bridge. There is no firmware: BARs get their addresses here when the device
 * is added and the guest may move them.
 *
 * Everything is called under the VM's lock, except what says "any thread".
 */
#ifndef TARN_PCI_H
#define TARN_PCI_H

#include <linux/pci_regs.h>

#include "device.h"
#include "lib/types.h"

#define PCI_NR_SLOTS 32
#define PCI_NR_BARS 6
#define PCI_CFG_SIZE 256

struct pci_bus;
struct pci_device;
struct pci_msix;
struct opts;

/**
 * struct pci_bar_ops - accesses to one BAR.
 * @read: the value at @off; @size is 1, 2, 4 or 8, never past the BAR's end
 * @write: the reverse; bits above @size are zero
 */
struct pci_bar_ops {
	u64 (*read)(struct pci_device *dev, u64 off, unsigned int size);
	void (*write)(struct pci_device *dev, u64 off, u64 val,
		      unsigned int size);
};

/* Kinds of BAR; PCI_BAR_64 also takes the next index. */
#define PCI_BAR_MEM 0
#define PCI_BAR_64 (1 << 0)
#define PCI_BAR_PREFETCH (1 << 1)
#define PCI_BAR_IO (1 << 2)

/** struct pci_bar - one BAR; private to pci.c but for @size and @addr. */
struct pci_bar {
	u64 size;
	u64 addr; /* where it is mapped now, valid when @mapped */
	u64 first; /* the address given out at start-up */
	bool mapped;
	unsigned int flags;
	const struct pci_bar_ops *ops;
	struct pci_device *dev;
	u8 index;
};

/**
 * struct pci_ioeventfd - a doorbell in a BAR that KVM turns into an eventfd
 * write.
 */
struct pci_ioeventfd {
	int fd;
	u8 bar;
	u8 len; /* 0: any width */
	bool active;
	u64 off;
	TAILQ_ENTRY(pci_ioeventfd) link;
};

/**
 * struct pci_device_info - what a device is, for its configuration header.
 * @class: 24 bits, base class, subclass and interface
 */
struct pci_device_info {
	u16 vendor;
	u16 device;
	u16 subsys_vendor;
	u16 subsys;
	u32 class;
	u8 revision;
	bool intx; /* has an interrupt pin */
};

/**
 * struct pci_device - a function on pci.0. Embed it in the device.
 * @dev: the common part
 * @slot: 0-31
 * @bootindex: firmware starts from the device with the lowest, -1 is none
 * @cfg: configuration space as the guest reads it
 * @wmask: which of its bits the guest can write
 * @bar: the BARs
 * @cfg_read: optional: called before the guest reads [@off, @off + @size), may
 *	      update @cfg
 * @cfg_write: optional: called after the guest wrote there
 */
struct pci_device {
	struct device dev;
	struct pci_bus *bus;
	u8 slot;
	int bootindex;
	u8 cfg[PCI_CFG_SIZE] __attribute__((aligned(8)));
	u8 wmask[PCI_CFG_SIZE] __attribute__((aligned(8)));
	struct pci_bar bar[PCI_NR_BARS];
	void (*cfg_read)(struct pci_device *dev, u32 off, unsigned int size);
	void (*cfg_write)(struct pci_device *dev, u32 off, unsigned int size);
	/* private: */
	u16 cap_next; /* first free byte for a capability */
	u8 cap_last; /* offset of the last capability, 0 for none */
	bool intx_level;
	struct pci_msix *msix;
	TAILQ_HEAD(, pci_ioeventfd) ioeventfds;
};

/**
 * pci_device_init() - put a device on the bus.
 * @pdev: zeroed, embedded in the caller's structure
 * @vm: the machine
 * @ops: the device's own; its @reset calls pci_device_reset(), its @destroy
 *	 pci_device_exit()
 * @info: for the configuration header
 * @opts: id=, bus=pci.0, addr=SLOT[.0] are taken from it; NULL picks the first
 *	  free slot
 *
 * Return: 0; -EBUSY when the slot is taken, -EINVAL for a bad address, both
 * reported.
 */
int pci_device_init(struct pci_device *pdev, struct vm *vm,
		    const struct device_ops *ops,
		    const struct pci_device_info *info, struct opts *opts);
void pci_device_exit(struct pci_device *pdev);

/** pci_device_reset() - command, BAR enable, MSI-X and INTx as at power-on. */
void pci_device_reset(struct pci_device *pdev);

/**
 * pci_device_save() - write configuration space, INTx and MSI-X.
 *
 * A device's @save and @load call these two first.
 */
int pci_device_save(struct pci_device *pdev, struct state_out *out);

/** pci_device_load() - the reverse, on a device that was just reset. */
int pci_device_load(struct pci_device *pdev, struct state_in *in);

/** pci_slot_of() - the slot of @dev, or -ENOENT: it is none of pci.0. */
int pci_slot_of(struct vm *vm, const struct device *dev);

/** to_pci_device() - from the common part. */
static inline struct pci_device *to_pci_device(struct device *dev)
{
	return container_of(dev, struct pci_device, dev);
}

/**
 * pci_bar_add() - give the device a BAR.
 * @index: 0-5
 * @size: a power of two, at least 16 (PCI_BAR_IO: 4)
 * @flags: PCI_BAR_*
 */
int pci_bar_add(struct pci_device *pdev, unsigned int index, u64 size,
		unsigned int flags, const struct pci_bar_ops *ops);

/**
 * pci_cap_add() - append a capability.
 * @id: PCI_CAP_ID_*
 * @data: its bytes behind the two of the header (id, next)
 * @len: their number
 *
 * Return: its offset in configuration space, or -ENOSPC. Bytes are read-only
 * for the guest; set @wmask for those that are not.
 */
int pci_cap_add(struct pci_device *pdev, u8 id, const void *data, u8 len);

/** pci_cfg_writable() - let the guest write [@off, @off + @len). */
void pci_cfg_writable(struct pci_device *pdev, u32 off, u32 len);

/**
 * pci_msix_init() - give the device MSI-X in a BAR of its own.
 * @nvec: 1-2048
 * @bar: an unused index
 *
 * Each vector is an eventfd. While the guest has it unmasked the eventfd is an
 * irqfd of KVM; masked, the counter just keeps what is pending.
 */
int pci_msix_init(struct pci_device *pdev, unsigned int nvec, unsigned int bar);

/** pci_msix_enabled() - whether the guest has turned MSI-X on. Any thread. */
bool pci_msix_enabled(const struct pci_device *pdev);

/** pci_msix_nvec() - number of vectors, 0 without MSI-X. */
unsigned int pci_msix_nvec(const struct pci_device *pdev);

/** pci_msix_notify() - raise vector @vec; ignored out of range. Any thread. */
void pci_msix_notify(const struct pci_device *pdev, unsigned int vec);

/** pci_msix_fd() - the eventfd of @vec (for vhost), or -EINVAL. */
int pci_msix_fd(const struct pci_device *pdev, unsigned int vec);

/** pci_intx_set() - drive the INTx line of the device. Any thread. */
void pci_intx_set(struct pci_device *pdev, bool level);

/**
 * pci_ioeventfd_add() - let KVM turn a write to a BAR into a write to @fd.
 * @bar: index of the BAR
 * @off: of the doorbell in it
 * @len: width of the write: 1, 2, 4, 8, or 0 for any
 * @fd: an eventfd, stays the caller's
 *
 * Follows the BAR when the guest moves, enables or disables it.
 */
int pci_ioeventfd_add(struct pci_device *pdev, unsigned int bar, u64 off,
		      unsigned int len, int fd);
void pci_ioeventfd_del(struct pci_device *pdev, unsigned int bar, u64 off,
		       int fd);

/* For the machine: */

/** pci_init() - the bus, the host bridge and ports 0xcf8-0xcff. */
int pci_init(struct vm *vm);
void pci_exit(struct vm *vm);

#endif
