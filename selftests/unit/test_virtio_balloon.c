// SPDX-License-Identifier: GPL-2.0-only
/* The balloon: what is given back reads as zeroes, and only that. */
#include "../../vmm/virtio/balloon.c"
#include "hostile.h"
#include "tap.h"
#include "virtio/virtio-pci.h"

#define BASE(i) (0x100000ULL + 0x10000 * (i))
#define ARRAY 0x180000ULL
#define AREA 0x400000ULL
#define AREA_PAGES 64

static struct driver drv;
static struct ring rings[NR_QUEUES];
static const struct device_ops pci_ops = VIRTIO_PCI_DEVICE_OPS("balloon");

static void bring_up(u64 features, u16 reporting)
{
	static const u16 both[] = {Q_INFLATE, Q_DEFLATE};
	size_t i;

	CHECK(driver_negotiate(&drv, features));
	msix_on(&drv);
	for (i = 0; i < ARRAY_SIZE(both); i++)
		driver_queue(&drv, &rings[i], i, 32, BASE(i));
	if (features & 1ULL << VIRTIO_BALLOON_F_STATS_VQ)
		driver_queue(&drv, &rings[Q_STATS], Q_STATS, 8, BASE(Q_STATS));
	if (features & 1ULL << VIRTIO_BALLOON_F_REPORTING)
		driver_queue(&drv, &rings[reporting], reporting, 32,
			     BASE(reporting));
	driver_ok(&drv);
}

static void fill(void)
{
	u64 i;

	for (i = 0; i < AREA_PAGES; i++)
		memset(tarn_mem_ptr(&vm.mem, AREA + i * PAGE, PAGE), 0xaa,
		       PAGE);
}

static bool is_zero(u64 page)
{
	return *(u8 *)tarn_mem_ptr(&vm.mem, AREA + page * PAGE, 1) == 0;
}

static void give(u16 queue, u64 addr, u32 len, u16 flags)
{
	struct ring *r = &rings[queue];
	u16 slot = r->idx % r->size;

	ring_desc(r, slot, addr, len, flags, 0);
	ring_offer(r, slot);
	driver_kick(&drv, queue);
}

static void give_pfns(u16 queue, const u32 *pfns, size_t nr)
{
	tarn_mem_write(&vm.mem, ARRAY, pfns, nr * sizeof(*pfns));
	give(queue, ARRAY, nr * sizeof(*pfns), 0);
	used_wait(&drv, &rings[queue], queue, rings[queue].idx);
}

static void test_begin(void)
{
	struct opts *opts = opts_of("addr=5,free-page-reporting=on,"
				    "deflate-on-oom=on", NULL);
	struct virtio_dev *vdev;

	machine_start();
	CHECK_EQ(virtio_balloon_create(&vm, opts, &vdev), 0);
	CHECK_EQ(virtio_pci_create(&vm, vdev, &pci_ops, opts), 0);
	CHECK_EQ(opts_check_used(opts), 0);
	opts_destroy(opts);
	machine_run();
	driver_probe(&drv, 5);
	CHECK(features_in(&drv) & 1ULL << VIRTIO_BALLOON_F_REPORTING);
	CHECK(features_in(&drv) & 1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
}

static void test_inflate(void)
{
	u32 first = AREA / PAGE;
	/* Out of order, twice the same, runs and single pages. */
	u32 pfns[] = {first + 9, first + 3, first + 2, first + 4, first + 9,
		      first + 20};
	struct balloon_info info;
	u64 i;

	bring_up(0, 0);
	fill();
	give_pfns(Q_INFLATE, pfns, ARRAY_SIZE(pfns));
	for (i = 0; i < AREA_PAGES; i++)
		CHECK_EQ(is_zero(i), (i >= 2 && i <= 4) || i == 9 || i == 20);
	CHECK_EQ(balloon_get(&info), 0);
	CHECK_EQ(info.inflated, 5 * PAGE);
	CHECK_EQ(ring_used(&rings[0], 0).len, 0);
	fill();
	give_pfns(Q_DEFLATE, pfns, ARRAY_SIZE(pfns));
	for (i = 0; i < AREA_PAGES; i++)
		CHECK(!is_zero(i));
}

static void test_hostile_pfns(void)
{
	u32 first = AREA / PAGE, end = RAM_SIZE / PAGE;
	u32 pfns[] = {end, end - 1, end + 1, 0xffffffff, 0xfffffffe, first};
	u32 many[3000];
	size_t i;

	bring_up(0, 0);
	fill();
	give_pfns(Q_INFLATE, pfns, ARRAY_SIZE(pfns));
	CHECK(is_zero(0));
	CHECK(!is_zero(1));
	/* More than one round of the array, and half a number at the end. */
	for (i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = first + i % AREA_PAGES;
	tarn_mem_write(&vm.mem, ARRAY, many, sizeof(many));
	give(Q_INFLATE, ARRAY, sizeof(many) - 2, 0);
	used_wait(&drv, &rings[0], 0, rings[0].idx);
	for (i = 0; i < AREA_PAGES; i++)
		CHECK(is_zero(i));
	/* Writable buffers carry no page numbers. */
	fill();
	give(Q_INFLATE, ARRAY, 4, VRING_DESC_F_WRITE);
	used_wait(&drv, &rings[0], 0, rings[0].idx);
	CHECK(!is_zero(0));
	CHECK(!(status_in(&drv) & VIRTIO_CONFIG_S_NEEDS_RESET));
}

static void report_on(u64 features, u16 queue)
{
	u64 i;

	bring_up(features | 1ULL << VIRTIO_BALLOON_F_REPORTING, queue);
	fill();
	give(queue, AREA + 8 * PAGE, 16 * PAGE, VRING_DESC_F_WRITE);
	used_wait(&drv, &rings[queue], queue, 1);
	for (i = 0; i < AREA_PAGES; i++)
		CHECK_EQ(is_zero(i), i >= 8 && i < 24);
}

/* As the specification numbers the queue, and as drivers did before 6.11. */
static void test_reporting(void)
{
	u64 stats = 1ULL << VIRTIO_BALLOON_F_STATS_VQ;

	report_on(stats, 4);
	report_on(stats, 3);
	report_on(0, 2);
	/* Half pages are left alone. */
	fill();
	give(2, AREA + 100, PAGE, VRING_DESC_F_WRITE);
	used_wait(&drv, &rings[2], 2, 2);
	CHECK(!is_zero(0) && !is_zero(1));
}

static void offer_stats(u64 free)
{
	struct virtio_balloon_stat stats[] = {
		{VIRTIO_BALLOON_S_MEMFREE, free},
		{VIRTIO_BALLOON_S_MEMTOT, 1000},
		{0x7777, 1},
	};

	tarn_mem_write(&vm.mem, ARRAY, stats, sizeof(stats));
	give(Q_STATS, ARRAY, sizeof(stats), 0);
}

static void stats_now(struct balloon_info *info)
{
	/* The kick is served by the main loop, which takes the lock. */
	do {
		vm_lock(&vm);
		balloon_get(info);
		vm_unlock(&vm);
	} while (!info->updated);
}

static void test_stats(void)
{
	struct balloon_info info;

	bring_up(1ULL << VIRTIO_BALLOON_F_STATS_VQ, 0);
	offer_stats(500);
	stats_now(&info);
	CHECK_EQ(info.stats[VIRTIO_BALLOON_S_MEMFREE], 500);
	CHECK_EQ(info.stats[VIRTIO_BALLOON_S_MEMTOT], 1000);
	CHECK(info.stats[VIRTIO_BALLOON_S_MAJFLT] == UINT64_MAX);
	/* The buffer stays until it is asked for. */
	CHECK_EQ(ring_used_idx(&rings[Q_STATS]), 0);
	vm_lock(&vm);
	CHECK_EQ(balloon_set_interval(1), 0);
	vm_unlock(&vm);
	used_wait(&drv, &rings[Q_STATS], Q_STATS, 1);
	vm_lock(&vm);
	balloon_set_interval(0);
	vm_unlock(&vm);
	/* A reset in between gives the buffer back without a word. */
	offer_stats(600);
	status_out(&drv, 0);
	bring_up(1ULL << VIRTIO_BALLOON_F_STATS_VQ, 0);
	offer_stats(700);
	stats_now(&info);
	CHECK_EQ(info.stats[VIRTIO_BALLOON_S_MEMFREE], 700);
}

static u64 heard;

static void listener(u64 actual, void *arg)
{
	heard = actual;
}

static void test_target(void)
{
	u64 cfg = drv.regs[VIRTIO_PCI_CAP_DEVICE_CFG];
	struct balloon_info info;

	bring_up(0, 0);
	common_out(&drv, VIRTIO_PCI_COMMON_MSIX, 0, 2);
	irq_clear(&drv, 0);
	vm_lock(&vm);
	balloon_set_listener(listener, NULL);
	CHECK_EQ(balloon_set_target(RAM_SIZE - 10 * PAGE), 0);
	vm_unlock(&vm);
	CHECK_EQ(irq_wait(&drv, 0), 1);
	CHECK_EQ(guest_read(BUS_MMIO, cfg, 4), 10);
	guest_write(BUS_MMIO, cfg + 4, 7, 4);
	CHECK_EQ(heard, RAM_SIZE - 7 * PAGE);
	balloon_get(&info);
	CHECK_EQ(info.actual, RAM_SIZE - 7 * PAGE);
	CHECK_EQ(info.target, RAM_SIZE - 10 * PAGE);
	/* num_pages is the host's; more than there is counts as all. */
	guest_write(BUS_MMIO, cfg, 99, 4);
	CHECK_EQ(guest_read(BUS_MMIO, cfg, 4), 10);
	guest_write(BUS_MMIO, cfg + 4, 0xffffffff, 4);
	CHECK_EQ(heard, 0);
	balloon_set_target(UINT64_MAX);
	CHECK_EQ(guest_read(BUS_MMIO, cfg, 4), 0);
}

static bool irq_came(unsigned int vec)
{
	struct pollfd p = {.fd = irq_fd(&drv, vec), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/* Interrupts that were on their way when the state was taken come after it. */
static void test_state(void)
{
	struct device *dev = TAILQ_LAST(&vm.devices, device_list);
	struct state_out *out = state_out_create();
	struct state_in in;
	const void *data;
	size_t len, off = 0;

	bring_up(0, 0);
	common_out(&drv, VIRTIO_PCI_COMMON_MSIX, 0, 2);
	vm_lock(&vm);
	CHECK_EQ(dev->ops->pause(dev), 0);
	CHECK_EQ(state_section(out, "balloon", 1), 0);
	CHECK_EQ(dev->ops->save(dev, out), 0);
	balloon_set_target(RAM_SIZE / 2);
	dev->ops->reset(dev);
	data = state_out_data(out, &len);
	CHECK_EQ(state_next(data, len, &off, &in), 1);
	CHECK_EQ(dev->ops->load(dev, &in, dev->ops->version), 0);
	irq_clear(&drv, 0);
	irq_clear(&drv, 1);
	dev->ops->resume(dev);
	CHECK(irq_came(0) && irq_came(1));
	/* A guest that was only stopped has missed none. */
	irq_clear(&drv, 0);
	CHECK_EQ(dev->ops->pause(dev), 0);
	dev->ops->resume(dev);
	CHECK(!irq_came(0));
	vm_unlock(&vm);
	state_out_destroy(out);
}

static void bring_up_all(void)
{
	bring_up(1ULL << VIRTIO_BALLOON_F_STATS_VQ |
			 1ULL << VIRTIO_BALLOON_F_REPORTING,
		 Q_STATS + 1);
}

/* Page numbers where descriptors mostly point, and some that are nowhere. */
static void any_pages(void)
{
	static u64 seed = 1;
	u64 r, i;
	u32 pfn;

	for (i = 0; i < 64; i++) {
		r = hostile_random(&seed);
		pfn = r % 16 ? AREA / PAGE + (r >> 8) % 0x400 : r >> 8;
		tarn_mem_write(&vm.mem, AREA + (r >> 40) % 0x400000, &pfn,
			       sizeof(pfn));
	}
	/* Others have to come to it, on few processors, too. */
	usleep(50);
}

/* Arrays and descriptors change while they are read; what was in them goes. */
static void test_hostile(void)
{
	u32 pfn = AREA / PAGE + 1;
	struct balloon_info info, before;

	CHECK_EQ(balloon_get(&before), 0);
	hostile(&drv, rings, Q_STATS + 2, bring_up_all, any_pages);
	fill();
	give_pfns(Q_INFLATE, &pfn, 1);
	CHECK(is_zero(1) && !is_zero(0) && !is_zero(2));
	CHECK_EQ(balloon_get(&info), 0);
	/* The last page, and some of before. */
	printf("# %llu pages\n", (unsigned long long)(
		info.inflated + info.reported - before.inflated -
		before.reported) / PAGE);
	CHECK(info.inflated + info.reported >
	      before.inflated + before.reported + PAGE);
}

static void test_end(void)
{
	machine_end();
	CHECK_EQ(balloon_set_target(0), -ENODEV);
}

static const struct tap_test tests[] = {
	{"creation", test_begin},
	{"inflating and deflating", test_inflate},
	{"hostile page numbers", test_hostile_pfns},
	{"free page reporting", test_reporting},
	{"statistics", test_stats},
	{"target and actual size", test_target},
	{"saved and loaded", test_state},
	{"a hostile driver", test_hostile},
	{"destruction", test_end},
};

TAP_MAIN(tests)
