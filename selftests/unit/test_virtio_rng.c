// SPDX-License-Identifier: GPL-2.0-only
/* Random numbers: how many one buffer gets, quotas, drivers that want all. */
#include "../../vmm/virtio/rng.c"
#include "hostile.h"
#include "machine.h"
#include "tap.h"
#include "virtio/virtio-pci.h"

#define BASE 0x100000ULL
#define DATA 0x400000ULL

static struct driver drv;
static struct ring ring;
static struct virtio_dev *dev;
static const struct device_ops pci_ops = VIRTIO_PCI_DEVICE_OPS("rng");

static void bring_up(void)
{
	CHECK(driver_negotiate(&drv, 1ULL << VIRTIO_RING_F_INDIRECT_DESC));
	msix_on(&drv);
	driver_queue(&drv, &ring, 0, QUEUE_SIZE, BASE);
	driver_ok(&drv);
}

static u32 ask(u32 len)
{
	u16 slot = ring.idx % QUEUE_SIZE;

	ring_desc(&ring, slot, DATA, len, VRING_DESC_F_WRITE, 0);
	ring_offer(&ring, slot);
	driver_kick(&drv, 0);
	used_wait(&drv, &ring, 0, ring.idx);
	return ring_used(&ring, ring.idx - 1).len;
}

static void test_begin(void)
{
	struct opts *opts = opts_of("addr=5", NULL);

	machine_start();
	CHECK_EQ(virtio_rng_create(&vm, opts, &dev), 0);
	CHECK_EQ(virtio_pci_create(&vm, dev, &pci_ops, opts), 0);
	opts_destroy(opts);
	machine_run();
	driver_probe(&drv, 5);
}

static void test_lengths(void)
{
	u32 i, sum = 0;
	u8 *data = tarn_mem_ptr(&vm.mem, DATA, 1 << 20);

	bring_up();
	CHECK_EQ(ask(1), 1);
	CHECK_EQ(ask(100), 100);
	for (i = 0; i < 100; i++)
		sum += data[i];
	CHECK(sum);
	/* A driver that wants a lot asks again. */
	memset(data, 0, 1 << 20);
	CHECK_EQ(ask(1 << 20), CHAIN_MAX);
	for (i = CHAIN_MAX; i < 1 << 20; i++)
		CHECK(!data[i]);
}

static void test_hostile(void)
{
	hostile(&drv, &ring, 1, bring_up, NULL);
	CHECK_EQ(ask(10), 10);
}

static void test_end(void)
{
	machine_end();
}

static const struct tap_test tests[] = {
	{"creation", test_begin},
	{"short and long buffers", test_lengths},
	{"a hostile driver", test_hostile},
	{"destruction", test_end},
};

TAP_MAIN(tests)
