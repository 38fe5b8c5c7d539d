// SPDX-License-Identifier: GPL-2.0-only
/* Joins each virtio device with the PCI transport under its -device name. */
#include "lib/opts.h"
#include "virtio/devices.h"
#include "virtio/virtio-pci.h"

static int create_on_pci(struct vm *vm, struct opts *opts,
			 const struct device_ops *ops,
			 int (*create)(struct vm *vm, struct opts *opts,
				       struct virtio_dev **out))
{
	struct virtio_dev *vdev;
	int ret;

	ret = create(vm, opts, &vdev);
	if (ret)
		return ret;
	ret = virtio_pci_create(vm, vdev, ops, opts);
	if (ret)
		virtio_destroy(vdev);
	return ret;
}

static const struct device_ops blk_ops =
	VIRTIO_PCI_DEVICE_OPS("virtio-blk-pci");
static const struct device_ops net_ops =
	VIRTIO_PCI_DEVICE_OPS("virtio-net-pci");
static const struct device_ops balloon_ops =
	VIRTIO_PCI_DEVICE_OPS("virtio-balloon-pci");
static const struct device_ops rng_ops =
	VIRTIO_PCI_DEVICE_OPS("virtio-rng-pci");
static const struct device_ops serial_ops =
	VIRTIO_PCI_DEVICE_OPS("virtio-serial-pci");

int virtio_blk_pci_create(struct vm *vm, struct opts *opts)
{
	return create_on_pci(vm, opts, &blk_ops, virtio_blk_create);
}

int virtio_net_pci_create(struct vm *vm, struct opts *opts)
{
	return create_on_pci(vm, opts, &net_ops, virtio_net_create);
}

int virtio_balloon_pci_create(struct vm *vm, struct opts *opts)
{
	return create_on_pci(vm, opts, &balloon_ops, virtio_balloon_create);
}

int virtio_rng_pci_create(struct vm *vm, struct opts *opts)
{
	return create_on_pci(vm, opts, &rng_ops, virtio_rng_create);
}

int virtio_serial_pci_create(struct vm *vm, struct opts *opts)
{
	return create_on_pci(vm, opts, &serial_ops, virtio_serial_create);
}
