// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saved state that somebody has changed, in fields that a disk on pci.0 and the
 * bus take back: whatever it says is refused, or does to the machine no more than
 * a guest could do by itself.
 */
#include "../../vmm/virtio/blk.c"
#include "machine.h"
#include "pci-internal.h"
#include "tap.h"
#include "virtio/devices.h"
#include "virtio/virtio-pci.h"

#include <unistd.h>

#define DISK (1ULL << 20)
#define QSIZE 64
#define BASE 0x100000ULL
#define ROUNDS 4000

static struct driver drv;
static struct ring ring;
static char path[] = "/tmp/tarn-test-state-XXXXXX";
static const struct device_ops pci_ops = VIRTIO_PCI_DEVICE_OPS("blk");
static unsigned int seed = 1;

static void make_disk(void)
{
	char text[256];
	struct opts *opts;
	struct virtio_dev *vdev;
	int fd = mkstemp(path);

	CHECK(fd >= 0 && !ftruncate(fd, DISK));
	close(fd);
	snprintf(text, sizeof(text),
		 "raw,node-name=d0,file.driver=file,file.filename=%s", path);
	opts = opts_of(text, "driver");
	CHECK_EQ(blockdev_create(opts), 0);
	opts_destroy(opts);
	opts = opts_of("addr=5,drive=d0,queue-size=64", NULL);
	CHECK_EQ(virtio_blk_create(&vm, opts, &vdev), 0);
	CHECK_EQ(virtio_pci_create(&vm, vdev, &pci_ops, opts), 0);
	opts_destroy(opts);
}

/* A request that reads the first sector; the status it got. */
static u8 request(void)
{
	struct virtio_blk_outhdr h = {.type = VIRTIO_BLK_T_IN};
	u8 status = 0xee;

	tarn_mem_write(&vm.mem, 0x180000, &h, sizeof(h));
	tarn_mem_write(&vm.mem, 0x190000, &status, 1);
	ring_desc(&ring, 0, 0x180000, 16, VRING_DESC_F_NEXT, 1);
	ring_desc(&ring, 1, 0x200000, 512,
		  VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 2);
	ring_desc(&ring, 2, 0x190000, 1, VRING_DESC_F_WRITE, 0);
	ring_offer(&ring, 0);
	driver_kick(&drv, 0);
	used_wait(&drv, &ring, 0, ring.idx);
	tarn_mem_read(&vm.mem, 0x190000, &status, 1);
	return status;
}

static struct device *device_at(unsigned int slot)
{
	return &vm.pci->slot[slot]->dev;
}

/* Both functions, a section each. */
static struct state_out *save_all(void)
{
	struct state_out *out = state_out_create();
	unsigned int i;

	for (i = 0; i <= 5; i += 5) {
		CHECK_EQ(state_section(out, "s", 1), 0);
		CHECK_EQ(device_at(i)->ops->save(device_at(i), out), 0);
	}
	return out;
}

static int load_all(const u8 *data, size_t len)
{
	struct state_in in;
	size_t off = 0;
	unsigned int i;
	int ret = 0;

	for (i = 0; i <= 5 && !ret; i += 5) {
		device_at(i)->ops->reset(device_at(i));
		ret = state_next(data, len, &off, &in) == 1 ? 0 : -EINVAL;
		if (!ret)
			ret = device_at(i)->ops->load(device_at(i), &in, 1);
	}
	return ret;
}

/* Values that are at an edge of something, or anything. */
static u64 any_value(void)
{
	static const u64 edges[] = {0, 1, 2, 0xff, 0xffff, 0x10000, 0x7fffffff,
				    0xffffffff, RAM_SIZE - 1, RAM_SIZE,
				    BASE + 1, 1ULL << 63, UINT64_MAX};

	switch (rand_r(&seed) % 3) {
	case 0:
		return edges[rand_r(&seed) % ARRAY_SIZE(edges)];
	case 1:
		return 1ULL << rand_r(&seed) % 64;
	}
	return (u64)rand_r(&seed) << 33 ^ (u64)rand_r(&seed) << 10 ^
	       rand_r(&seed);
}

/* Change one field of one of the two sections. */
static void damage(u8 *data, size_t len)
{
	struct state_in in;
	struct state_field f, chosen = {0};
	unsigned int nr = 0;
	size_t off = 0, at;
	u64 val;

	while (state_next(data, len, &off, &in) == 1)
		for (at = 0; state_field_next(&in, &at, &f) == 1;)
			if (!(rand_r(&seed) % ++nr))
				chosen = f;
	val = htole64(any_value());
	if (chosen.len == sizeof(val))
		memcpy((u8 *)chosen.data, &val, sizeof(val));
	else if (chosen.len)
		((u8 *)chosen.data)[rand_r(&seed) % chosen.len] = val;
}

/* What the guest and the machine do with a device that was restored. */
static void use(void)
{
	unsigned int i;
	u64 bar;

	for (i = 0; i < 256; i += 4)
		cfg_in(5, i, 4);
	bar = cfg_in(5, PCI_BASE_ADDRESS_0, 4) & ~15U;
	guest_read(BUS_MMIO, bar, 4);
	guest_write(BUS_MMIO, bar + 0x100, 1, 4);
	device_at(5)->ops->resume(device_at(5));
	device_at(5)->ops->pause(device_at(5));
	state_out_destroy(save_all());
}

static void test_damage(void)
{
	struct state_out *out;
	const u8 *data;
	unsigned int i, taken = 0;
	u8 *copy, *ram = malloc(RAM_SIZE);
	size_t len;

	vm_lock(&vm);
	device_at(5)->ops->pause(device_at(5));
	tarn_mem_read(&vm.mem, 0, ram, RAM_SIZE);
	out = save_all();
	data = state_out_data(out, &len);
	copy = malloc(len);
	vm_unlock(&vm);
	for (i = 0; i < ROUNDS; i++) {
		memcpy(copy, data, len);
		damage(copy, len);
		if (i % 4 == 0)
			damage(copy, len);
		vm_lock(&vm);
		if (!load_all(copy, i % 10 ? len : rand_r(&seed) % len)) {
			taken++;
			vm_unlock(&vm);
			use();
			vm_lock(&vm);
		}
		device_at(5)->ops->reset(device_at(5));
		CHECK_EQ(areas_left(), 0);
		vm_unlock(&vm);
	}
	CHECK(taken > ROUNDS / 10 && taken < ROUNDS);
	/* None of it has left anything behind, but in what was the guest's. */
	vm_lock(&vm);
	tarn_mem_write(&vm.mem, 0, ram, RAM_SIZE);
	CHECK_EQ(load_all(data, len), 0);
	device_at(5)->ops->resume(device_at(5));
	vm_unlock(&vm);
	CHECK_EQ(request(), VIRTIO_BLK_S_OK);
	free(ram);
	free(copy);
	state_out_destroy(out);
}

static void test_begin(void)
{
	machine_start();
	make_disk();
	machine_run();
	driver_probe(&drv, 5);
	CHECK(driver_negotiate(&drv, 0));
	msix_on(&drv);
	driver_queue(&drv, &ring, 0, QSIZE, BASE);
	driver_ok(&drv);
	CHECK_EQ(request(), VIRTIO_BLK_S_OK);
}

static void test_end(void)
{
	status_out(&drv, 0);
	machine_end();
	block_destroy_all();
	unlink(path);
}

static const struct tap_test tests[] = {
	{"creation", test_begin},
	{"state with changed fields", test_damage},
	{"destruction", test_end},
};

TAP_MAIN(tests)
