// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pager's devices on real files: numbers that stay, legs that are stale,
 * what is refused, in which order devices are filled, locks.
 */
#include "tap.h"

#include "vmm/pager/device.c"
#include "vmm/pager/devices.c"
#include "vmm/pager/discard.c"
#include "vmm/pager/identify.c"
#include "vmm/pager/layout.c"
#include "vmm/pager/leg.c"
#include "vmm/pager/log.c"
#include "vmm/pager/slots.c"
#include "vmm/pager/thread.c"

#define MIB (1ULL << 20)

static const u8 pool_a[16] = { 0xa };
static const u8 pool_b[16] = { 0xb };
static char folder[] = "/tmp/test_pager_devices.XXXXXX";
static char paths[6][64];
static u64 stored[DEVICE_MAX];
static struct devices devices;
static struct options opts;

/* Files that nobody has seen, or those that are there. */
static void fresh_files(void)
{
	int i;

	memset(stored, 0, sizeof(stored));
	for (i = 0; i < 6; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%d", folder, i);
		unlink(paths[i]);
	}
	opts = (struct options){};
}

static struct device_option *add_option(char *path, char *mirror, int priority)
{
	struct device_option *opt = &opts.devices[opts.nr_devices++];

	*opt = (struct device_option){
		.paths = { path, mirror },
		.nr_paths = mirror ? 2 : 1,
		.priority = priority,
		.size = MIB,
	};
	return opt;
}

static int start_up(const u8 *pool)
{
	int ret;

	devices = (struct devices){};
	ret = devices_open(&devices, &opts);
	if (!ret)
		ret = devices_identify(&devices, pool, stored, opts.force);
	if (!ret)
		ret = devices_stamp(&devices);
	return ret;
}

static void shut_down(void)
{
	devices_close(&devices);
	free(devices.order);
	opts.nr_devices = 0;
}

static void test_numbers(void)
{
	fresh_files();
	add_option(paths[0], NULL, 0);
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	CHECK_EQ(devices.opened[0]->number, 0);
	CHECK_EQ(devices.opened[1]->number, 1);
	CHECK_EQ(devices.opened[0]->slots.count, 255);
	shut_down();

	/* The other way round, with a new one in between. */
	stored[0] = stored[1] = 5;
	add_option(paths[1], NULL, 0);
	add_option(paths[2], NULL, 0);
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	CHECK_EQ(devices.opened[0]->number, 1);
	CHECK_EQ(devices.opened[1]->number, 2);
	CHECK_EQ(devices.opened[2]->number, 0);
	CHECK_EQ(devices_take(&devices, 1ULL << 40 | 255), 0);
	CHECK_EQ(devices_take(&devices, 1ULL << 40 | 255), -EEXIST);
	CHECK_EQ(devices_take(&devices, 1ULL << 40 | 256), -ERANGE);
	CHECK_EQ(devices_take(&devices, 1ULL << 40), -ERANGE);
	CHECK_EQ(devices_take(&devices, 3ULL << 40 | 1), -ENODEV);
	shut_down();

	/* Another pool, as the first one is gone: numbers begin anew. */
	memset(stored, 0, sizeof(stored));
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_b), 0);
	CHECK_EQ(devices.opened[0]->number, 0);
	shut_down();
}

static void test_missing(void)
{
	fresh_files();
	add_option(paths[0], NULL, 0);
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	stored[1] = 1;
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), -ENODEV);
	shut_down();
	/* A new device must not get the number of the missing one. */
	add_option(paths[0], NULL, 0);
	add_option(paths[2], NULL, 0);
	CHECK_EQ(start_up(pool_a), -ENODEV);
	shut_down();
}

static void test_foreign(void)
{
	static const char text[] = "somebody's data";
	int fd;

	fresh_files();
	fd = open(paths[0], O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && pwrite(fd, text, sizeof(text), 1024) > 0);
	close(fd);
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), -EMEDIUMTYPE);
	shut_down();
	opts.force = true;
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
}

static void test_locked(void)
{
	int fd;

	fresh_files();
	fd = open(paths[0], O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB));
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), -EBUSY);
	shut_down();
	/* A mirror doesn't do without a leg that another pager has. */
	add_option(paths[1], paths[0], 0);
	CHECK_EQ(start_up(pool_a), -EBUSY);
	shut_down();
	close(fd);
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
}

static void test_same(void)
{
	fresh_files();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	CHECK_EQ(symlink(paths[0], paths[1]), 0);
	add_option(paths[0], NULL, 0);
	add_option(paths[1], NULL, 0);
	/* The lock of our own other descriptor is in the way first. */
	CHECK_EQ(start_up(pool_a), -EBUSY);
	shut_down();
}

static void test_order(void)
{
	static const unsigned int expect[] = { 1, 1, 1, 1, 0, 2, 0, 2 };
	struct extent ext;
	unsigned int i;

	fresh_files();
	add_option(paths[0], NULL, 5);
	add_option(paths[1], NULL, 10);
	add_option(paths[2], NULL, 5);
	CHECK_EQ(start_up(pool_a), 0);
	for (i = 0; i < 8; i++) {
		CHECK(devices_alloc(&devices, 64, NULL, &ext));
		CHECK_EQ(ext.dev->number, expect[i]);
		CHECK_EQ(ext.count, i == 3 ? 63 : 64);
	}
	while (devices_alloc(&devices, 64, NULL, &ext))
		;
	CHECK_EQ(devices.opened[0]->slots.used, 255);
	CHECK_EQ(devices.opened[1]->slots.used, 255);
	CHECK_EQ(devices.opened[2]->slots.used, 255);
	shut_down();
}

static void test_exclusion(void)
{
	struct device_set but = {};
	struct device_totals totals;
	struct extent ext;

	fresh_files();
	add_option(paths[0], NULL, 1);
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	device_set_add(&but, devices.opened[0]);
	CHECK(devices_alloc(&devices, 8, &but, &ext));
	CHECK_EQ(ext.dev->number, 1);
	device_set_add(&but, devices.opened[1]);
	CHECK(!devices_alloc(&devices, 8, &but, &ext));
	atomic_store(&devices.opened[0]->draining, true);
	CHECK(devices_alloc(&devices, 8, NULL, &ext));
	CHECK_EQ(ext.dev->number, 1);
	devices_sum(&devices, &totals);
	CHECK_EQ(totals.capacity, 255);
	CHECK_EQ(totals.used, 16);
	CHECK(!totals.degraded);
	shut_down();
}

/* A device that fails every write is given up. */
static void test_write_failures(void)
{
	struct device_totals totals;
	struct device *dev;
	struct extent ext;
	int i;

	fresh_files();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	dev = devices.opened[0];
	for (i = 0; i < 100; i++)
		device_write_result(dev, i % 10 == 0);
	CHECK(device_alloc(dev, 1, &ext));
	for (i = 0; i < FAILED_WRITES_MAX; i++)
		device_write_result(dev, false);
	CHECK(!device_alloc(dev, 1, &ext));
	CHECK(!device_rewrite(dev, 1, 1, &ext));
	devices_sum(&devices, &totals);
	CHECK(totals.degraded);
	shut_down();
}

static void open_mirror(char *a, char *b, int expect)
{
	add_option(a, b, 0);
	CHECK_EQ(start_up(pool_a), expect);
}

static void test_mirror(void)
{
	struct device *dev;

	fresh_files();
	open_mirror(paths[0], paths[1], 0);
	dev = devices.opened[0];
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_GOOD);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_GOOD);
	/* Leg 1 is lost, and leg 0 knows. */
	dev->legs[1].state = LEG_FAILED;
	CHECK_EQ(device_stamp(dev), 0);
	shut_down();

	/* The order on the command line does not matter. */
	stored[0] = 1;
	open_mirror(paths[1], paths[0], 0);
	dev = devices.opened[0];
	CHECK_STR(dev->legs[0].path, paths[0]);
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_GOOD);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_FAILED);
	shut_down();

	/* The stale leg alone won't do, the good one will. */
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	open_mirror(paths[0], paths[2], 0);
	dev = devices.opened[0];
	CHECK_STR(dev->legs[0].path, paths[0]);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_FAILED);
	shut_down();

	/* Once nothing is stored, all is as good as new. */
	stored[0] = 0;
	open_mirror(paths[0], paths[1], 0);
	dev = devices.opened[0];
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_GOOD);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_GOOD);
	shut_down();
}

static void test_stale_leg(void)
{
	struct device *dev;

	fresh_files();
	open_mirror(paths[0], paths[1], 0);
	dev = devices.opened[0];
	dev->legs[0].state = LEG_FAILED;
	CHECK_EQ(device_stamp(dev), 0);
	shut_down();
	stored[0] = 1;
	/* Leg 0 does not know that it is stale, but leg 1 is newer. */
	open_mirror(paths[0], paths[1], 0);
	dev = devices.opened[0];
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_FAILED);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_GOOD);
	shut_down();
	/* A missing leg is done without. */
	unlink(paths[0]);
	mkdir(paths[0], 0700);
	open_mirror(paths[0], paths[1], 0);
	dev = devices.opened[0];
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_GOOD);
	CHECK_EQ(dev->legs[0].fd, -1);
	shut_down();
	rmdir(paths[0]);
}

/* Freed slots wait for their discard unless they are needed. */
static void test_discard(void)
{
	struct device *dev;
	struct extent ext;
	struct stat st;
	int i;

	fresh_files();
	add_option(paths[0], NULL, 0)->discard = true;
	CHECK_EQ(start_up(pool_a), 0);
	dev = devices.opened[0];
	while (device_alloc(dev, 64, &ext))
		;
	CHECK_EQ(device_used(dev), 255);
	CHECK_EQ(fallocate(dev->legs[0].fd, 0, 0, MIB), 0);
	for (i = 101; i <= 200; i++)
		CHECK_EQ(device_free(dev, i), 0);
	CHECK_EQ(device_free(dev, 101), -ENOENT);
	CHECK_EQ(device_used(dev), 155);
	/* Nothing else is free: they are taken as they are. */
	CHECK(device_alloc(dev, 60, &ext));
	CHECK_EQ(ext.slot, 101);
	CHECK_EQ(ext.count, 60);
	CHECK_EQ(device_used(dev), 215);
	for (i = 1; i <= 50; i++)
		CHECK_EQ(device_free(dev, i), 0);
	discard_device(dev);
	CHECK_EQ(dev->nr_trim, 0);
	CHECK_EQ(dev->slots.used, 165);
	CHECK_EQ(fstat(dev->legs[0].fd, &st), 0);
	CHECK_EQ(st.st_blocks, (256 - 50) * 8);
	shut_down();
}

static const struct tap_test tests[] = {
	{ "numbers stay with the pool", test_numbers },
	{ "a missing device is refused", test_missing },
	{ "foreign data is refused", test_foreign },
	{ "a locked file is refused", test_locked },
	{ "one file is no two devices", test_same },
	{ "devices are filled by priority, in turn", test_order },
	{ "failed and draining devices are passed over", test_exclusion },
	{ "a device that fails all writes is given up", test_write_failures },
	{ "a mirror knows its legs", test_mirror },
	{ "the newer leg is right", test_stale_leg },
	{ "freed slots are discarded", test_discard },
};

int main(void)
{
	int ret;

	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	fresh_files();
	ret = tap_run(tests, ARRAY_SIZE(tests));
	fresh_files();
	rmdir(folder);
	return ret;
}
