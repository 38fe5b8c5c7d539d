/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtio devices that -device can make, and how each one is made without
 * its transport. devices.c joins the two.
 */
#ifndef TARN_VIRTIO_DEVICES_H
#define TARN_VIRTIO_DEVICES_H

#include "device.h"

struct opts;
struct virtio_dev;
struct vm;

/* Constructors of struct device_class. */
int virtio_blk_pci_create(struct vm *vm, struct opts *opts);
int virtio_net_pci_create(struct vm *vm, struct opts *opts);
int virtio_balloon_pci_create(struct vm *vm, struct opts *opts);
int virtio_rng_pci_create(struct vm *vm, struct opts *opts);
int virtio_serial_pci_create(struct vm *vm, struct opts *opts);
/* -device virtconsole and virtserialport: ports of the last virtio-serial. */
int virtconsole_create(struct vm *vm, struct opts *opts);
int virtserialport_create(struct vm *vm, struct opts *opts);

/**
 * virtio_net_set_link() - plug the cable of a network card in or out.
 * @name: id of the card or of its netdev
 *
 * Return: 0, or -ENODEV when there is none of that name.
 */
int virtio_net_set_link(const char *name, bool up);

/** virtio_serial_set_listener() - hear of ports that the guest opens. */
void virtio_serial_set_listener(void (*fn)(const char *id, bool open));

/* Entries of device_classes[], in braces. */
#define VIRTIO_DEVICE_CLASSES                                                  \
	{"virtio-blk-pci", "disk: drive=, serial=, iothread=, num-queues=",    \
	 "drive serial iothread num-queues queue-size bootindex config-wce "   \
	 "discard write-zeroes logical_block_size physical_block_size "        \
	 "request-merging rerror werror scsi share-rw write-cache",            \
	 true, virtio_blk_pci_create},                                         \
	{"virtio-net-pci", "network card: netdev=, mac=, host_mtu=",           \
	 "netdev mac bootindex host_mtu rx_queue_size tx_queue_size", true,    \
	 virtio_net_pci_create},                                               \
	{"virtio-balloon-pci", "memory balloon: deflate-on-oom=, "             \
	 "free-page-reporting=", "deflate-on-oom free-page-reporting", true,   \
	 virtio_balloon_pci_create},                                           \
	{"virtio-rng-pci", "random numbers: rng=", "rng max-bytes period",     \
	 true, virtio_rng_pci_create},                                         \
	{"virtio-serial-pci", "console ports: max_ports=", "max_ports", true,  \
	 virtio_serial_pci_create},                                            \
	{"virtconsole", "a console: chardev=", "bus chardev name nr", false,   \
	 virtconsole_create},                                                  \
	{"virtserialport", "a port: chardev=, name=", "bus chardev name nr",   \
	 false, virtserialport_create}

/* One a file; the device is complete but for its transport. */
int virtio_blk_create(struct vm *vm, struct opts *opts,
		      struct virtio_dev **out);
int virtio_net_create(struct vm *vm, struct opts *opts,
		      struct virtio_dev **out);
int virtio_balloon_create(struct vm *vm, struct opts *opts,
			  struct virtio_dev **out);
int virtio_rng_create(struct vm *vm, struct opts *opts,
		      struct virtio_dev **out);
int virtio_serial_create(struct vm *vm, struct opts *opts,
			 struct virtio_dev **out);

#endif
