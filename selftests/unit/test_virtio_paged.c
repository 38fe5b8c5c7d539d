// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device whose buffer has been paged out, while nobody brings the page: the
 * machine goes on without it.
 */
#include "../../vmm/virtio/rng.c"
#include "paged.h"
#include "virtio/virtio-pci.h"

#define BASE 0x100000ULL

static struct driver drv;
static struct ring ring;
static struct virtio_dev *dev;
static const struct device_ops pci_ops = VIRTIO_PCI_DEVICE_OPS("rng");

static void bring_up(void)
{
	CHECK(driver_negotiate(&drv, 0));
	msix_on(&drv);
	driver_queue(&drv, &ring, 0, QUEUE_SIZE, BASE);
	driver_ok(&drv);
}

static void ask(void)
{
	u16 slot = ring.idx % QUEUE_SIZE;

	ring_desc(&ring, slot, PAGED, 64, VRING_DESC_F_WRITE, 0);
	ring_offer(&ring, slot);
	driver_kick(&drv, 0);
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

static void test_wait(void)
{
	bring_up();
	if (!page_out())
		return;
	ask();
	CHECK(fault_comes());
	CHECK(lock_is_free());
	CHECK(main_loop_answers());
	bring_page();
	used_wait(&drv, &ring, 0, 1);
	CHECK_EQ(ring_used(&ring, 0).len, 64);
}

static void *reset(void *arg)
{
	status_out(&drv, 0);
	return NULL;
}

/* Who resets the device has to wait, alone. */
static void test_reset(void)
{
	pthread_t vcpu;

	bring_up();
	if (!page_out())
		return;
	ask();
	CHECK(fault_comes());
	pthread_create(&vcpu, NULL, reset, NULL);
	while (!READ_ONCE(dev->accessed))
		sched_yield();
	CHECK(lock_is_free());
	CHECK(main_loop_answers());
	CHECK(dev->accessed);
	bring_page();
	pthread_join(vcpu, NULL);
	CHECK_EQ(status_in(&drv), 0);
	/* It is as good as new. */
	bring_up();
	ask();
	used_wait(&drv, &ring, 0, 1);
}

static void test_end(void)
{
	machine_end();
	close(uffd);
}

static const struct tap_test tests[] = {
	{"creation", test_begin},
	{"the machine goes on while a device waits", test_wait},
	{"and while a vCPU waits for that device", test_reset},
	{"destruction", test_end},
};

TAP_MAIN(tests)
