// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device whose buffer has been paged out, while nobody brings the page: the
 * machine goes on without it. userfaultfd is the one who does not.
 */
#include "../../vmm/virtio/rng.c"
#include "machine.h"
#include "tap.h"
#include "virtio/virtio-pci.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <semaphore.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BASE 0x100000ULL
#define PAGED 0x400000ULL
#define PAGE_SIZE 4096ULL
/* Far more than an answer takes, and less than a wait that has no end. */
#define LIMIT 20

static struct driver drv;
static struct ring ring;
static struct virtio_dev *dev;
static int uffd = -1;
static const struct device_ops pci_ops = VIRTIO_PCI_DEVICE_OPS("rng");

static struct timespec limit(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += LIMIT;
	return ts;
}

/* A vCPU's exit and a monitor's command need that much. */
static bool lock_is_free(void)
{
	struct timespec ts = limit();

	if (pthread_mutex_timedlock(&vm.lock, &ts))
		return false;
	vm_unlock(&vm);
	return true;
}

struct answer {
	struct loop_work work;
	sem_t sem;
};

static void answer(struct loop_work *work)
{
	sem_post(&container_of(work, struct answer, work)->sem);
}

static bool main_loop_answers(void)
{
	/* Stays where it is: the loop may come to it after this has given up. */
	struct answer *a = calloc(1, sizeof(*a));
	struct timespec ts = limit();
	bool ok;

	a->work.fn = answer;
	sem_init(&a->sem, 0, 0);
	loop_post(vm.loop, &a->work);
	ok = !sem_timedwait(&a->sem, &ts);
	if (ok)
		free(a);
	return ok;
}

static bool fault_comes(void)
{
	struct pollfd p = {.fd = uffd, .events = POLLIN};
	struct uffd_msg msg;

	return poll(&p, 1, LIMIT * 1000) == 1 &&
	       read(uffd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT;
}

static void bring_page(void)
{
	struct uffdio_zeropage zero = {
		.range = {(uintptr_t)tarn_mem_ptr(&vm.mem, PAGED, PAGE_SIZE),
			  PAGE_SIZE},
	};

	CHECK(!ioctl(uffd, UFFDIO_ZEROPAGE, &zero));
}

static bool page_out(void)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register reg = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	void *page = tarn_mem_ptr(&vm.mem, PAGED, PAGE_SIZE);

	if (uffd < 0) {
		uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
		if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api)) {
			TAP_SKIP("no userfaultfd here");
			return false;
		}
	}
	reg.range.start = (uintptr_t)page;
	reg.range.len = PAGE_SIZE;
	return !madvise(page, PAGE_SIZE, MADV_DONTNEED) &&
	       !ioctl(uffd, UFFDIO_REGISTER, &reg);
}

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
