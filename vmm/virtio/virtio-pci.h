/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PCI transport of virtio 1.x, modern only: it shows a struct virtio_dev as
 * a PCI function with the registers that the specification gives it, and sends
 * its interrupts by MSI-X or INTx. It knows nothing of what the device does.
 */
#ifndef TARN_VIRTIO_PCI_H
#define TARN_VIRTIO_PCI_H

#include "device.h"
#include "virtio/virtio.h"

/**
 * virtio_pci_create() - put @vdev on pci.0.
 * @vm: the machine
 * @vdev: ready but for its transport; on failure it stays the caller's
 * @ops: made by VIRTIO_PCI_DEVICE_OPS()
 * @opts: id=, bus=, addr=, vectors= are taken from it
 */
int virtio_pci_create(struct vm *vm, struct virtio_dev *vdev,
		      const struct device_ops *ops, struct opts *opts);

/** virtio_pci_dev() - the virtio device behind a machine's device. */
struct virtio_dev *virtio_pci_dev(struct device *dev);

void virtio_pci_reset(struct device *dev);
int virtio_pci_pause(struct device *dev);
void virtio_pci_resume(struct device *dev);
int virtio_pci_save(struct device *dev, struct state_out *out);
int virtio_pci_load(struct device *dev, struct state_in *in, u32 version);
void virtio_pci_destroy(struct device *dev);

/* The operations of a device called @type_name on this transport. */
#define VIRTIO_PCI_DEVICE_OPS(type_name)                                       \
	{                                                                      \
		.name = type_name,                                             \
		.reset = virtio_pci_reset,                                     \
		.pause = virtio_pci_pause,                                     \
		.resume = virtio_pci_resume,                                   \
		.version = 1,                                                  \
		.save = virtio_pci_save,                                       \
		.load = virtio_pci_load,                                       \
		.destroy = virtio_pci_destroy,                                 \
	}

#endif
