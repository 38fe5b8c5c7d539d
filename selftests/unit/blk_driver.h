/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Disks in the machine of machine.h and a driver of one, for tests that include
 * vmm/virtio/blk.c. There is one request at a time in the making; many can be in
 * flight.
 */
#ifndef TARN_UNIT_BLK_DRIVER_H
#define TARN_UNIT_BLK_DRIVER_H

#include "machine.h"
#include "tap.h"
#include "virtio/devices.h"
#include "virtio/virtio-pci.h"

#define QSIZE 64
#define BASE 0x100000ULL
#define HEADERS 0x180000ULL
#define STATUS 0x190000ULL
#define DATA 0x200000ULL
#define NONE 0xee

static struct driver drv;
static struct ring ring;
static const struct device_ops pci_ops = VIRTIO_PCI_DEVICE_OPS("blk");

static inline void disk_create(const char *blockdev, const char *device)
{
	struct opts *opts = opts_of(blockdev, "driver");
	struct virtio_dev *vdev;

	CHECK_EQ(blockdev_create(opts), 0);
	opts_destroy(opts);
	opts = opts_of(device, NULL);
	CHECK_EQ(virtio_blk_create(&vm, opts, &vdev), 0);
	CHECK_EQ(virtio_pci_create(&vm, vdev, &pci_ops, opts), 0);
	CHECK_EQ(opts_check_used(opts), 0);
	opts_destroy(opts);
}

static inline void bring_up(u64 features)
{
	CHECK(driver_negotiate(&drv, features));
	msix_on(&drv);
	driver_queue(&drv, &ring, 0, QSIZE, BASE);
	driver_ok(&drv);
}

static inline u64 all_features(void)
{
	return 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_DISCARD |
	       1ULL << VIRTIO_BLK_F_WRITE_ZEROES |
	       1ULL << VIRTIO_RING_F_INDIRECT_DESC;
}

/* One request: header, payload in or out, status; three descriptors. */
static inline void offer(u32 type, u64 sector, u64 addr, u32 len, bool in)
{
	u16 d = ring.idx * 3 % (QSIZE - 3), n = d;
	u64 hdr = HEADERS + 16 * d, status = STATUS + d;
	struct virtio_blk_outhdr h = {.type = type, .sector = sector};

	tarn_mem_write(&vm.mem, hdr, &h, sizeof(h));
	tarn_mem_write(&vm.mem, status, &(u8){NONE}, 1);
	ring_desc(&ring, n, hdr, 16, VRING_DESC_F_NEXT, n + 1);
	n++;
	if (len) {
		ring_desc(&ring, n, addr, len,
			  VRING_DESC_F_NEXT | (in ? VRING_DESC_F_WRITE : 0),
			  n + 1);
		n++;
	}
	ring_desc(&ring, n, status, 1, VRING_DESC_F_WRITE, 0);
	ring_offer(&ring, d);
}

static inline u8 finish(u32 *len)
{
	struct vring_used_elem elem;
	u8 status;

	driver_kick(&drv, 0);
	used_wait(&drv, &ring, 0, ring.idx);
	elem = ring_used(&ring, ring.idx - 1);
	if (len)
		*len = elem.len;
	tarn_mem_read(&vm.mem, STATUS + elem.id, &status, 1);
	return status;
}

static inline u8 request(u32 type, u64 sector, u64 addr, u32 len, bool in, u32 *used)
{
	offer(type, sector, addr, len, in);
	return finish(used);
}

static inline void pattern(u8 *buf, size_t len, u8 seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = i * 7 + i / 512 + seed;
}

#endif
