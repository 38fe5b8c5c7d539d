// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI transport and the life cycle of devices, on a device that returns
 * what it is sent in reverse order.
 */
#include "../../vmm/virtio/virtio-pci.c"
#include "lib/iov.h"
#include "machine.h"
#include "tap.h"

#include <linux/tarn_para.h>

#define QUEUES 2
#define QSIZE 16
#define BASE(i) (0x100000ULL + 0x10000 * (i))
#define DATA 0x200000ULL

struct echo {
	struct virtio_dev vdev;
	u8 config[6];
	unsigned int starts;
	unsigned int stops;
	unsigned int resets;
	unsigned int kicks;
};

static struct echo echo;
static struct driver drv;
static struct ring rings[QUEUES];

static struct echo *to_echo(struct virtio_dev *vdev)
{
	return container_of(vdev, struct echo, vdev);
}

static void echo_kick(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct iovec iov[QSIZE + VQ_IOV_SPARE];
	struct vq_chain chain = {.iov = iov, .iov_max = ARRAY_SIZE(iov)};
	u8 buf[64];
	size_t n, i;

	to_echo(vdev)->kicks++;
	do {
		while (virtio_pop(q, &chain)) {
			n = iov_to_buf(iov, chain.nr_out, 0, buf, sizeof(buf));
			for (i = 0; i < n; i++)
				iov_from_buf(vq_chain_in(&chain), chain.nr_in,
					     i, &buf[n - 1 - i], 1);
			vq_push(&q->vq, chain.head, n);
		}
	} while (virtio_kick_on(q));
	virtio_notify(q);
}

static int echo_start(struct virtio_dev *vdev)
{
	to_echo(vdev)->starts++;
	return 0;
}

static void echo_stop(struct virtio_dev *vdev)
{
	to_echo(vdev)->stops++;
}

static void echo_reset(struct virtio_dev *vdev)
{
	to_echo(vdev)->resets++;
}

static void echo_config_write(struct virtio_dev *vdev, u32 off, const void *buf,
			      u32 len)
{
	memcpy(to_echo(vdev)->config + off, buf, len);
}

static void echo_destroy(struct virtio_dev *vdev)
{
	virtio_dev_exit(vdev);
}

static const struct virtio_dev_ops echo_ops = {
	.name = "echo",
	.id = 42,
	.config_write = echo_config_write,
	.start = echo_start,
	.stop = echo_stop,
	.kick = echo_kick,
	.reset = echo_reset,
	.version = 1,
	.destroy = echo_destroy,
};

static const struct device_ops echo_pci_ops = VIRTIO_PCI_DEVICE_OPS("echo");

static void make_echo(void)
{
	struct opts *opts = opts_of("addr=5", NULL);

	if (virtio_dev_init(&echo.vdev, &vm, &echo_ops, NULL, QUEUES, QSIZE))
		abort();
	echo.vdev.config = echo.config;
	echo.vdev.config_len = sizeof(echo.config);
	CHECK_EQ(virtio_pci_create(&vm, &echo.vdev, &echo_pci_ops, opts), 0);
	CHECK_EQ(opts_check_used(opts), 0);
	opts_destroy(opts);
}

static struct device *echo_device(void)
{
	return TAILQ_LAST(&vm.devices, device_list);
}

static u64 echo_features(void)
{
	return 1ULL << VIRTIO_F_RING_RESET | 1ULL << VIRTIO_RING_F_EVENT_IDX |
	       1ULL << VIRTIO_RING_F_INDIRECT_DESC;
}

static void bring_up(u64 features)
{
	unsigned int i;

	CHECK(driver_negotiate(&drv, features));
	msix_on(&drv);
	common_out(&drv, VIRTIO_PCI_COMMON_MSIX, 0, 2);
	for (i = 0; i < QUEUES; i++)
		driver_queue(&drv, &rings[i], i, QSIZE, BASE(i));
	driver_ok(&drv);
}

static void offer(u16 index, const char *text)
{
	struct ring *r = &rings[index];
	u16 slot = r->idx % (QSIZE / 2) * 2;
	u64 out = DATA + slot * 64;

	tarn_mem_write(&vm.mem, out, text, strlen(text));
	ring_desc(r, slot, out, strlen(text), VRING_DESC_F_NEXT, slot + 1);
	ring_desc(r, slot + 1, out + 64, 64, VRING_DESC_F_WRITE, 0);
	ring_offer(r, slot);
}

static void check_echo(u16 index, const char *want)
{
	struct ring *r = &rings[index];
	struct vring_used_elem elem = ring_used(r, r->idx - 1);
	char got[64];

	CHECK_EQ(elem.len, strlen(want));
	tarn_mem_read(&vm.mem, DATA + elem.id * 64 + 64, got, strlen(want));
	CHECK(!memcmp(got, want, strlen(want)));
}

static void round_trip(u16 index)
{
	offer(index, "tarn");
	driver_kick(&drv, index);
	used_wait(&drv, &rings[index], index, rings[index].idx);
	check_echo(index, "nrat");
}

static void test_identity(void)
{
	CHECK_EQ(cfg_in(5, PCI_VENDOR_ID, 2), 0x1af4);
	CHECK_EQ(cfg_in(5, PCI_DEVICE_ID, 2), 0x1040 + 42);
	CHECK(cfg_in(5, PCI_REVISION_ID, 1) >= 1);
	CHECK(drv.regs[VIRTIO_PCI_CAP_COMMON_CFG]);
	CHECK(drv.regs[VIRTIO_PCI_CAP_NOTIFY_CFG]);
	CHECK(drv.regs[VIRTIO_PCI_CAP_ISR_CFG]);
	CHECK(drv.regs[VIRTIO_PCI_CAP_DEVICE_CFG]);
	CHECK(drv.window && drv.msix);
	CHECK_EQ(cfg_in(5, drv.msix + 2, 2) & 0x7ff, QUEUES);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_NUMQ, 2), QUEUES);
}

static void test_negotiation(void)
{
	u64 offered;

	status_out(&drv, 0);
	CHECK_EQ(status_in(&drv), 0);
	offered = features_in(&drv);
	CHECK_EQ(offered, echo_features() | 1ULL << VIRTIO_F_VERSION_1);
	common_out(&drv, VIRTIO_PCI_COMMON_DFSELECT, 2, 4);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_DF, 4), 0);

	CHECK(driver_negotiate(&drv, 0));
	/* What was not offered, and a driver of before 1.0. */
	CHECK(!driver_negotiate(&drv, 1ULL << 60));
	status_out(&drv, 0);
	features_out(&drv, 0);
	status_out(&drv, VIRTIO_CONFIG_S_FEATURES_OK);
	CHECK(!(status_in(&drv) & VIRTIO_CONFIG_S_FEATURES_OK));

	/* Features do not change any more after FEATURES_OK. */
	CHECK(driver_negotiate(&drv, 0));
	features_out(&drv, offered);
	common_out(&drv, VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_GF, 4), 0);

	status_out(&drv, 0);
	status_out(&drv, VIRTIO_CONFIG_S_DRIVER_OK);
	CHECK(status_in(&drv) & VIRTIO_CONFIG_S_NEEDS_RESET);
	status_out(&drv, 0);
	CHECK_EQ(status_in(&drv), 0);
}

static void test_round_trips(void)
{
	unsigned int i;

	bring_up(echo_features());
	CHECK_EQ(echo.starts, 1);
	for (i = 0; i < 40; i++)
		round_trip(i % QUEUES);

	bring_up(0);
	for (i = 0; i < 40; i++)
		round_trip(i % QUEUES);
	/* A doorbell that KVM does not catch works, too. */
	offer(0, "abc");
	guest_write(BUS_MMIO, doorbell_addr(&drv, 0), 0, 2);
	used_wait(&drv, &rings[0], 0, rings[0].idx);
	check_echo(0, "cba");
}

static void test_one_interrupt_a_batch(void)
{
	unsigned int i;

	bring_up(0);
	irq_clear(&drv, 2);
	vm_lock(&vm);
	for (i = 0; i < QSIZE / 2; i++)
		offer(1, "x");
	vm_unlock(&vm);
	driver_kick(&drv, 1);
	CHECK_EQ(irq_wait(&drv, 2), 1);
	CHECK_EQ(ring_used_idx(&rings[1]), QSIZE / 2);
}

static void test_intx(void)
{
	u64 isr = drv.regs[VIRTIO_PCI_CAP_ISR_CFG];
	int pin = -1, i;
	u16 ctrl;

	bring_up(0);
	ctrl = cfg_in(5, drv.msix + 2, 2);
	cfg_out(5, drv.msix + 2, ctrl & ~PCI_MSIX_FLAGS_ENABLE, 2);
	offer(0, "ab");
	driver_kick(&drv, 0);
	while (pin < 0)
		for (i = 0; i < IRQ_NR_PINS; i++)
			if (__atomic_load_n(&line[i], __ATOMIC_SEQ_CST))
				pin = i;
	CHECK(pin >= IRQ_PCI_FIRST);
	CHECK_EQ(guest_read(BUS_MMIO, isr, 1), 1);
	CHECK(!line[pin]);
	CHECK_EQ(guest_read(BUS_MMIO, isr, 1), 0);
	check_echo(0, "ba");
	/* A reset takes the line down. */
	offer(0, "ab");
	driver_kick(&drv, 0);
	while (!__atomic_load_n(&line[pin], __ATOMIC_SEQ_CST))
		;
	status_out(&drv, 0);
	CHECK(!line[pin]);
}

static void test_broken_ring(void)
{
	u16 bad = 0xffff;

	bring_up(0);
	round_trip(0);
	tarn_mem_write(&vm.mem, rings[1].avail + 4, &bad, 2);
	ring_set_idx(&rings[1], 1);
	driver_kick(&drv, 1);
	/* Told by the interrupt for changes of the configuration. */
	irq_wait(&drv, 0);
	CHECK(status_in(&drv) & VIRTIO_CONFIG_S_NEEDS_RESET);
	CHECK(status_in(&drv) & VIRTIO_CONFIG_S_DRIVER_OK);
	bring_up(0);
	CHECK(!(status_in(&drv) & VIRTIO_CONFIG_S_NEEDS_RESET));
	round_trip(1);

	CHECK(driver_negotiate(&drv, 0));
	driver_queue(&drv, &rings[0], 0, QSIZE, BASE(0));
	common_out(&drv, VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	addr_out(&drv, VIRTIO_PCI_COMMON_Q_DESCLO, RAM_SIZE - 16);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	CHECK(status_in(&drv) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void test_queue_reset(void)
{
	bring_up(echo_features());
	round_trip(0);
	round_trip(1);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_RESET, 1, 2);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_Q_RESET, 2), 0);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_Q_SIZE, 2), QSIZE);
	round_trip(0);
	/* Smaller and elsewhere. */
	driver_queue(&drv, &rings[1], 1, QSIZE / 2, BASE(5));
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	offer(1, "0123");
	driver_kick(&drv, 1);
	used_wait(&drv, &rings[1], 1, 1);
	check_echo(1, "3210");
	round_trip(0);
	CHECK_EQ(echo.starts, echo.stops + 1);
}

/* Addresses of a queue in use are the device's. */
static void test_enabled_queue_is_fixed(void)
{
	bring_up(0);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
	addr_out(&drv, VIRTIO_PCI_COMMON_Q_DESCLO, 0x5000);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_SIZE, 2, 2);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_ENABLE, 0, 2);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_Q_DESCLO, 4), BASE(0));
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_Q_SIZE, 2), QSIZE);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	/* Not negotiated. */
	common_out(&drv, VIRTIO_PCI_COMMON_Q_RESET, 1, 2);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_Q_ENABLE, 2), 1);
	/* No such queue, no such vector. */
	common_out(&drv, VIRTIO_PCI_COMMON_Q_MSIX, QUEUES + 1, 2);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_Q_MSIX, 2), 0xffff);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_SELECT, QUEUES, 2);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	round_trip(0xffff & 1);
}

static unsigned int ring_areas(u64 base, u16 size)
{
	return area_count(TARN_AREA_RING, base, 16 * size) +
	       area_count(TARN_AREA_RING, base + 0x1000, 6 + 2 * size) +
	       area_count(TARN_AREA_RING, base + 0x2000, 6 + 8 * size);
}

/* The rings are areas from the time a queue is enabled until it is reset. */
static void test_areas(void)
{
	status_out(&drv, 0);
	CHECK_EQ(areas_left(), 0);
	bring_up(echo_features());
	CHECK_EQ(areas_left(), 3 * QUEUES);
	CHECK_EQ(ring_areas(BASE(0), QSIZE), 3);
	CHECK_EQ(ring_areas(BASE(1), QSIZE), 3);
	/* Again is nothing new. */
	common_out(&drv, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	CHECK_EQ(areas_left(), 3 * QUEUES);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_RESET, 1, 2);
	CHECK_EQ(ring_areas(BASE(1), QSIZE), 0);
	CHECK_EQ(areas_left(), 3 * (QUEUES - 1));
	driver_queue(&drv, &rings[1], 1, QSIZE / 2, BASE(5));
	CHECK_EQ(ring_areas(BASE(5), QSIZE / 2), 3);
	/* A ring outside of RAM breaks the device and is no area. */
	common_out(&drv, VIRTIO_PCI_COMMON_Q_RESET, 1, 2);
	addr_out(&drv, VIRTIO_PCI_COMMON_Q_USEDLO, RAM_SIZE);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
	CHECK_EQ(areas_left(), 3 * (QUEUES - 1));
	status_out(&drv, 0);
	CHECK_EQ(areas_left(), 0);
}

static void test_config(void)
{
	u64 cfg = drv.regs[VIRTIO_PCI_CAP_DEVICE_CFG];

	bring_up(0);
	memcpy(echo.config, "\x01\x02\x03\x04\x05\x06", 6);
	CHECK_EQ(guest_read(BUS_MMIO, cfg, 4), 0x04030201);
	CHECK_EQ(guest_read(BUS_MMIO, cfg + 3, 2), 0x0504);
	CHECK_EQ(guest_read(BUS_MMIO, cfg + 4, 4), 0x0605);
	CHECK_EQ(guest_read(BUS_MMIO, cfg, 8), 0x060504030201);
	CHECK_EQ(guest_read(BUS_MMIO, cfg + 6, 1), 0);
	guest_write(BUS_MMIO, cfg + 4, 0xbbaa, 2);
	CHECK_EQ(echo.config[5], 0xbb);
	/* Half outside is outside. */
	guest_write(BUS_MMIO, cfg + 4, 0x11111111, 4);
	CHECK_EQ(echo.config[4], 0xaa);

	vm_lock(&vm);
	virtio_config_changed(&echo.vdev);
	vm_unlock(&vm);
	irq_wait(&drv, 0);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_CFGGENERATION, 1),
		 echo.vdev.config_gen);
}

/* Wide reads are the bytes that narrow ones give, wherever they begin. */
static void test_every_read(void)
{
	u64 base = drv.regs[VIRTIO_PCI_CAP_COMMON_CFG];
	unsigned int size, i;
	u32 off;
	u64 want;

	bring_up(0);
	common_out(&drv, VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
	for (off = 0; off < 96; off++) {
		for (size = 2; size <= 8; size *= 2) {
			want = 0;
			for (i = 0; i < size; i++)
				want |= guest_read(BUS_MMIO, base + off + i, 1)
					<< 8 * i;
			CHECK_EQ(guest_read(BUS_MMIO, base + off, size), want);
		}
	}
	/* Everything else at least answers; the last bytes of the BAR, too. */
	for (off = 0; off < REGS_BAR_SIZE; off++)
		for (size = 1; size <= 8 && off + size <= REGS_BAR_SIZE;
		     size *= 2)
			guest_read(BUS_MMIO, base + off, size);
	round_trip(1);
}

static void test_every_write(void)
{
	u64 base = drv.regs[VIRTIO_PCI_CAP_COMMON_CFG], val;
	static const u64 values[] = {0, ~0ULL, 0x0f0f0f0f0f0f0f0f};
	unsigned int size;
	size_t i;
	u32 off;

	srandom(4711);
	for (i = 0; i < ARRAY_SIZE(values) + 2; i++) {
		bring_up(echo_features());
		for (off = 0; off < REGS_BAR_SIZE; off++) {
			/* The rest of a page is as its beginning. */
			if (off % REGION_SIZE >= 96)
				off = ALIGN_UP(off, REGION_SIZE);
			if (off >= REGS_BAR_SIZE)
				break;
			for (size = 1; size <= 8; size *= 2) {
				val = i < ARRAY_SIZE(values) ? values[i] :
							       (u64)random();
				guest_write(BUS_MMIO, base + off, val, size);
			}
		}
		status_out(&drv, 0);
		CHECK_EQ(status_in(&drv), 0);
	}
	bring_up(0);
	round_trip(0);
}

static void window_set(u8 bar, u32 off, u32 len)
{
	cfg_out(5, drv.window + 4, bar, 1);
	cfg_out(5, drv.window + 8, off, 4);
	cfg_out(5, drv.window + 12, len, 4);
}

static void test_window(void)
{
	u8 data = drv.window + 16;

	bring_up(0);
	window_set(REGS_BAR, VIRTIO_PCI_COMMON_NUMQ, 2);
	CHECK_EQ(cfg_in(5, data, 4) & 0xffff, QUEUES);
	window_set(REGS_BAR, VIRTIO_PCI_COMMON_STATUS, 1);
	CHECK(cfg_in(5, data, 1) & VIRTIO_CONFIG_S_DRIVER_OK);
	window_set(REGS_BAR, VIRTIO_PCI_COMMON_Q_SELECT, 2);
	cfg_out(5, data, 1, 2);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_Q_SELECT, 2), 1);
	/* Nowhere: no BAR, no length, not aligned, past the end. */
	window_set(0, VIRTIO_PCI_COMMON_Q_SELECT, 2);
	cfg_out(5, data, 0, 2);
	window_set(REGS_BAR, VIRTIO_PCI_COMMON_Q_SELECT, 0);
	cfg_out(5, data, 0, 4);
	window_set(REGS_BAR, VIRTIO_PCI_COMMON_Q_SELECT, 3);
	cfg_out(5, data, 0, 4);
	window_set(REGS_BAR, 21, 2);
	cfg_out(5, data, 0, 2);
	window_set(REGS_BAR, REGS_BAR_SIZE, 4);
	cfg_out(5, data, 0, 4);
	cfg_in(5, data, 4);
	window_set(REGS_BAR, 0xfffffffc, 4);
	cfg_out(5, data, 0, 4);
	cfg_in(5, data, 4);
	CHECK_EQ(common_in(&drv, VIRTIO_PCI_COMMON_Q_SELECT, 2), 1);
	/* The doorbell through the window. */
	offer(0, "ab");
	window_set(REGS_BAR, NOTIFY_OFF, 2);
	cfg_out(5, data, 0, 2);
	used_wait(&drv, &rings[0], 0, 1);
	check_echo(0, "ba");
}

static void test_pause(void)
{
	struct device *dev = echo_device();
	unsigned int kicks;

	bring_up(echo_features());
	round_trip(0);
	vm_lock(&vm);
	CHECK_EQ(dev->ops->pause(dev), 0);
	kicks = echo.kicks;
	vm_unlock(&vm);
	offer(0, "ab");
	driver_kick(&drv, 0);
	/* What was posted before this has been served when it returns. */
	vm_lock(&vm);
	CHECK_EQ(echo.kicks, kicks);
	CHECK_EQ(ring_used_idx(&rings[0]), 1);
	dev->ops->resume(dev);
	vm_unlock(&vm);
	used_wait(&drv, &rings[0], 0, 2);
	check_echo(0, "ba");
	round_trip(1);
}

static void test_save_load(void)
{
	struct device *dev = echo_device();
	struct state_out *out = state_out_create();
	struct state_in in;
	size_t len, off = 0;
	const void *data;
	unsigned int i;

	bring_up(echo_features());
	for (i = 0; i < 5; i++)
		round_trip(0);
	vm_lock(&vm);
	dev->ops->pause(dev);
	offer(0, "left");
	CHECK_EQ(state_section(out, "echo", dev->ops->version), 0);
	CHECK_EQ(dev->ops->save(dev, out), 0);
	dev->ops->reset(dev);
	CHECK_EQ(areas_left(), 0);
	vm_unlock(&vm);
	driver_probe(&drv, 5);
	CHECK_EQ(status_in(&drv), 0);
	msix_on(&drv);

	data = state_out_data(out, &len);
	CHECK_EQ(state_next(data, len, &off, &in), 1);
	vm_lock(&vm);
	CHECK_EQ(dev->ops->load(dev, &in, in.version), 0);
	CHECK_EQ(ring_areas(BASE(0), QSIZE), 3);
	CHECK_EQ(ring_used_idx(&rings[0]), 5);
	dev->ops->resume(dev);
	vm_unlock(&vm);
	used_wait(&drv, &rings[0], 0, 6);
	check_echo(0, "tfel");
	CHECK(status_in(&drv) & VIRTIO_CONFIG_S_DRIVER_OK);
	round_trip(0);
	round_trip(1);

	/* A stream that was cut is refused. */
	vm_lock(&vm);
	dev->ops->reset(dev);
	in.len /= 2;
	CHECK(dev->ops->load(dev, &in, in.version) < 0);
	dev->ops->reset(dev);
	CHECK_EQ(areas_left(), 0);
	vm_unlock(&vm);
	driver_probe(&drv, 5);
	state_out_destroy(out);
}

static void test_end(void)
{
	status_out(&drv, 0);
	machine_end();
	CHECK(TAILQ_EMPTY(&vm.devices));
	CHECK_EQ(areas_left(), 0);
}

static void test_begin(void)
{
	machine_start();
	make_echo();
	machine_run();
	driver_probe(&drv, 5);
	CHECK(echo.resets >= 1);
}

static const struct tap_test tests[] = {
	{"creation", test_begin},
	{"identity and capabilities", test_identity},
	{"negotiation", test_negotiation},
	{"round trips", test_round_trips},
	{"one interrupt a batch", test_one_interrupt_a_batch},
	{"INTx", test_intx},
	{"a broken ring breaks the device until it is reset", test_broken_ring},
	{"queue reset", test_queue_reset},
	{"an enabled queue is fixed", test_enabled_queue_is_fixed},
	{"areas of the rings", test_areas},
	{"device configuration", test_config},
	{"reads of every size and offset", test_every_read},
	{"writes of every size and offset", test_every_write},
	{"the window in configuration space", test_window},
	{"pause", test_pause},
	{"save and load", test_save_load},
	{"destruction", test_end},
};

TAP_MAIN(tests)
