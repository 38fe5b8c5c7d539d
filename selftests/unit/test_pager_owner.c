// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose a device is: one that comes back under another name, by two paths, that another
 * host's pager has, whose superblock can't be read.
 */
#include "tap.h"

#include <fcntl.h>

#include "pager_broken.h"

#define pread leg_pread
#define pwrite leg_pwrite
#include "pager_sources.h"
#include "vmm/pager/mirror.c"
#undef pread
#undef pwrite
#include "pager_devices.h"

void status_poke(void)
{
}

int resilver_request(struct device *device, unsigned int leg)
{
	return 0;
}

/* The same disk under another name: what is on the one is on the other. */
static void copy_file(const char *from, const char *to)
{
	char command[160];

	snprintf(command, sizeof(command), "cp --sparse=always %s %s", from, to);
	CHECK_EQ(system(command), 0);
}

/* As tarnctl pager add does. */
static int add_device(char *path, bool force, char *holds)
{
	struct device_option opt = { .paths = { path }, .nr_paths = 1 };
	struct device *dev;
	int ret;

	dev = device_create(&opt, 0, -1, &ret);
	if (!dev)
		return ret;
	ret = devices_add(&devices, dev, pool_a, force);
	strcpy(holds, dev->legs[0].holds);
	if (ret)
		device_destroy(dev);
	return ret;
}

/* A device that is there already, whatever it is called now. */
static void test_add_again(void)
{
	char holds[CONTENT_TEXT];
	struct extent ext;

	fresh_files();
	add_option(paths[0], NULL, 0);
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	CHECK(device_alloc(devices.opened[1], 1, &ext));
	copy_file(paths[1], paths[2]);
	CHECK_EQ(add_device(paths[2], false, holds), -EEXIST);
	CHECK(strstr(holds, "device 1 of this pool"));
	CHECK_EQ(add_device(paths[2], true, holds), -EEXIST);
	/* Nothing is on it yet, but will be. */
	copy_file(paths[0], paths[3]);
	CHECK_EQ(add_device(paths[3], true, holds), -EEXIST);
	CHECK(strstr(holds, "device 0 of this pool"));
	/* It dropped off the bus and is back: ioctls of disks fail on a file, too. */
	devices.opened[1]->legs[0].block = true;
	CHECK_EQ(add_device(paths[2], true, holds), -EEXIST);
	CHECK_STR(holds, "pages of device 1 of this pool; start the pager again to use them");
	CHECK_EQ(devices.nr, 2);
	/* With nothing on it that is another device, and not the same one. */
	CHECK_EQ(device_free(devices.opened[1], ext.slot, 1), 0);
	CHECK_EQ(add_device(paths[2], false, holds), 0);
	CHECK_EQ(devices.nr, 3);
	CHECK_EQ(devices.opened[2]->number, 2);
	CHECK(memcmp(devices.opened[2]->uuid, devices.opened[1]->uuid, 16));
	shut_down();
}

/* A pager of this pool had it once, and nothing was left on it. */
static void test_add_left(void)
{
	char holds[CONTENT_TEXT];

	fresh_files();
	add_option(paths[0], NULL, 0);
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	put_bytes(paths[1], SIZE, FIRST << PAGER_PAGE_SHIFT, "a page that was freed");
	add_option(paths[0], NULL, 0);
	add_option(paths[2], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	CHECK_EQ(add_device(paths[1], false, holds), 0);
	CHECK_EQ(devices.opened[2]->number, 2);
	shut_down();
}

/* The path of a leg is kept where it was replaced. */
static int replace(struct device *dev, char *path, bool force, char *holds)
{
	char *old = dev->legs[1].path;
	int ret = mirror_replace(&devices, dev, path, -1, force, holds);

	if (!ret)
		free(old);
	return ret;
}

static void test_spare(void)
{
	char holds[CONTENT_TEXT] = "";
	struct device *dev;
	struct extent ext;

	fresh_files();
	add_option(paths[2], NULL, 0);
	open_mirror(paths[0], paths[1], 0);
	dev = devices.opened[1];
	CHECK(device_alloc(devices.opened[0], 1, &ext));
	copy_file(paths[0], paths[3]);
	copy_file(paths[1], paths[4]);
	dev->legs[1].state = LEG_FAILED;
	CHECK_EQ(device_stamp(dev), 0);
	copy_file(paths[2], paths[5]);
	/* Of another device, and of the leg that is left. */
	CHECK_EQ(replace(dev, paths[5], true, holds), -EEXIST);
	CHECK(strstr(holds, "device 0 of this pool"));
	CHECK_EQ(replace(dev, paths[3], true, holds), -EEXIST);
	CHECK(strstr(holds, "device 1 of this pool"));
	/* The failed one itself is what it is for. */
	CHECK_EQ(replace(dev, paths[4], false, holds), 0);
	shut_down();
}

/* Two paths of one blank disk: what the one says is what the other said. */
static void test_two_paths(void)
{
	fresh_files();
	add_option(paths[0], NULL, 0);
	add_option(paths[1], NULL, 0);
	devices = (struct devices){};
	CHECK_EQ(devices_open(&devices, &opts), 0);
	CHECK_EQ(devices_identify(&devices, pool_a, stored, false), 0);
	close(devices.opened[1]->legs[0].fd);
	devices.opened[1]->legs[0].fd = dup(devices.opened[0]->legs[0].fd);
	CHECK_EQ(devices_stamp(&devices), -EEXIST);
	shut_down();

	fresh_files();
	add_option(paths[0], paths[1], 0);
	devices = (struct devices){};
	CHECK_EQ(devices_open(&devices, &opts), 0);
	CHECK_EQ(devices_identify(&devices, pool_a, stored, false), 0);
	close(devices.opened[0]->legs[1].fd);
	devices.opened[0]->legs[1].fd = dup(devices.opened[0]->legs[0].fd);
	CHECK_EQ(devices_stamp(&devices), -EEXIST);
	shut_down();
}

static int lock_as_guest(int fd)
{
	return image_lock(fd, IMAGE_READ | IMAGE_WRITE, IMAGE_READ | IMAGE_REWRITE);
}

/* Who has a file first has it, a guest as a disk or a pager. */
static void test_guest(void)
{
	int fd;

	fresh_files();
	put_bytes(paths[0], SIZE, 0, "");
	fd = open(paths[0], O_RDWR);
	CHECK_EQ(lock_as_guest(fd), 0);
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), -EBUSY);
	shut_down();
	close(fd);
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	fd = open(paths[0], O_RDWR);
	CHECK_EQ(lock_as_guest(fd), -EAGAIN);
	CHECK_EQ(image_lock(fd, IMAGE_READ, IMAGE_ALL), -EAGAIN);
	shut_down();
	CHECK_EQ(lock_as_guest(fd), 0);
	close(fd);
}

/* Two devices, with a page on device 1 if @used. */
static int start_with_copy(const u8 *pool, bool used)
{
	int ret;

	add_option(paths[0], NULL, 0);
	add_option(paths[1], NULL, 0);
	devices = (struct devices){};
	CHECK_EQ(devices_open(&devices, &opts), 0);
	ret = devices_identify(&devices, pool, stored, false);
	if (ret)
		return ret;
	if (used)
		CHECK_EQ(devices_take(&devices, 1ULL << 40 | FIRST), 0);
	return devices_stamp(&devices);
}

static void make_two(void)
{
	broken.path = NULL;
	fresh_files();
	add_option(paths[0], NULL, 0);
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
}

static void test_copy(void)
{
	static const int errors[] = { EIO, ENODATA, EILSEQ };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		make_two();
		stored[1] = 1;
		broken.path = paths[1];
		broken.error = errors[i];
		CHECK_EQ(start_with_copy(pool_a, true), 0);
		CHECK_EQ(devices.opened[1]->number, 1);
		shut_down();
		/* Without a page it is of no use. */
		stored[1] = 0;
		CHECK_EQ(start_with_copy(pool_a, false), -errors[i]);
		shut_down();
		/* What it held for another pool is not known for sure. */
		CHECK_EQ(start_with_copy(pool_b, false), -EIO);
		shut_down();
	}
	/* Half of it was written when the power went. */
	make_two();
	put_bytes(paths[1], SIZE, 100, "x");
	stored[1] = 1;
	CHECK_EQ(start_with_copy(pool_a, true), 0);
	shut_down();
	/* It is whole again. */
	put_bytes(paths[1], SIZE, SIZE - 2 * MIB, "x");
	CHECK_EQ(start_with_copy(pool_a, true), 0);
	shut_down();
	/* Nobody's any more, by its owner's will. */
	put_bytes(paths[1], SIZE, 0, "        ");
	CHECK_EQ(start_with_copy(pool_a, false), -EMEDIUMTYPE);
	shut_down();
}

/* A leg that can't have a superblock fails, or nothing would be stored. */
static void test_copy_of_leg(void)
{
	struct device *dev;

	broken.path = NULL;
	fresh_files();
	open_mirror(paths[0], paths[1], 0);
	shut_down();
	stored[0] = 1;
	broken.path = paths[0];
	broken.error = EIO;
	open_mirror(paths[0], paths[1], 0);
	dev = devices.opened[0];
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_FAILED);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_GOOD);
	CHECK(!atomic_load(&dev->stamp_due));
	shut_down();
	broken.path = NULL;
	open_mirror(paths[0], paths[1], 0);
	CHECK_EQ(leg_state(&devices.opened[0]->legs[0]), LEG_FAILED);
	shut_down();
}

/* Of the two that a leg has the newer one is right. */
static void test_newer_copy(void)
{
	char old[PAGER_PAGE_SIZE];
	int fd;

	fresh_files();
	open_mirror(paths[0], paths[1], 0);
	fd = open(paths[0], O_RDWR);
	CHECK_EQ(pread(fd, old, sizeof(old), 0), sizeof(old));
	devices.opened[0]->legs[1].state = LEG_FAILED;
	CHECK_EQ(device_stamp(devices.opened[0]), 0);
	CHECK_EQ(pwrite(fd, old, sizeof(old), 0), sizeof(old));
	close(fd);
	shut_down();
	stored[0] = 1;
	open_mirror(paths[0], paths[1], 0);
	CHECK_EQ(leg_state(&devices.opened[0]->legs[1]), LEG_FAILED);
	shut_down();
}

/* What a pager of pool_b left on paths[0], with @with for @len bytes at @at of it. */
static void make_left(size_t at, const void *with, size_t len)
{
	_Alignas(PAGER_PAGE_SIZE) u8 page[PAGER_PAGE_SIZE];
	u32 sum;
	int fd;

	fresh_files();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_b), 0);
	shut_down();
	fd = open(paths[0], O_RDWR);
	CHECK_EQ(pread(fd, page, sizeof(page), 0), sizeof(page));
	memcpy(page + at, with, len);
	memset(page + 12, 0, 4);
	sum = htole32(layout_crc32c(0, page, sizeof(page)));
	memcpy(page + 12, &sum, 4);
	CHECK_EQ(pwrite(fd, page, sizeof(page), 0), sizeof(page));
	close(fd);
	add_option(paths[0], NULL, 0);
}

/* A pool that is not mounted here may be mounted elsewhere. */
static void test_host(void)
{
	static const u8 zeros[32] = {};
	u8 others[32];

	/* Of this host, in this boot or another one. */
	memset(others, 'x', sizeof(others));
	make_left(0, "TARNPAGE", 8);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	make_left(88, others, 16);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	/* In a container, or in the initramfs. */
	make_left(72, others, 16);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	/* Who wrote it did not say. */
	make_left(72, zeros, 32);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	make_left(72, others, 32);
	CHECK_EQ(start_up(pool_a), -EMEDIUMTYPE);
	CHECK_STR(devices.opened[0]->legs[0].holds, "pages of a pool of another host");
	shut_down();
	opts.force = true;
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
}

/* It tells a host, and not which one. */
static void test_host_id(void)
{
	static const u8 none[16];
	const struct host_ids *ids = host_ids();
	char id[33] = "", ours[33];
	unsigned int i;
	FILE *f = fopen("/etc/machine-id", "r");

	CHECK(memcmp(ids->boot, none, sizeof(none)));
	if (f && fscanf(f, "%32s", id) == 1 && strlen(id) == 32) {
		CHECK(memcmp(ids->machine, none, sizeof(none)));
		for (i = 0; i < 16; i++)
			sprintf(ours + 2 * i, "%02x", ids->machine[i]);
		CHECK(strcmp(id, ours));
	} else {
		TAP_SKIP("no machine id");
	}
	if (f)
		fclose(f);
}

/* Draining is for as long as the pool is there, whichever pager has it. */
static void test_drain(void)
{
	char holds[CONTENT_TEXT];

	make_two();
	add_option(paths[0], NULL, 0);
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	CHECK_EQ(device_drain(devices.opened[1], true), 0);
	CHECK(!device_is_open(devices.opened[1]));
	shut_down();
	add_option(paths[0], NULL, 0);
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	CHECK(device_is_open(devices.opened[0]));
	CHECK(!device_is_open(devices.opened[1]));
	CHECK_EQ(device_drain(devices.opened[1], false), 0);
	shut_down();
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	CHECK(device_is_open(devices.opened[0]));
	CHECK_EQ(device_drain(devices.opened[0], true), 0);
	shut_down();
	/* Who adds a device wants to store on it. */
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	CHECK_EQ(add_device(paths[1], false, holds), 0);
	CHECK(device_is_open(devices.opened[1]));
	CHECK_EQ(device_drain(devices.opened[1], true), 0);
	shut_down();
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_b), 0);
	CHECK(device_is_open(devices.opened[0]));
	shut_down();
}

static const struct tap_test tests[] = {
	{ "a device of this pager is not added again", test_add_again },
	{ "one that was is", test_add_left },
	{ "nor does it replace a leg", test_spare },
	{ "a guest's disk is no device, nor the other way round", test_guest },
	{ "a superblock that is gone has a copy", test_copy },
	{ "a leg whose superblock cannot be written fails", test_copy_of_leg },
	{ "the newer one of the two is right", test_newer_copy },
	{ "what another host's pager left is refused", test_host },
	{ "hosts are told by their ids", test_host_id },
	{ "a device drains on under the next pager", test_drain },
	{ "two paths of one disk are not two devices", test_two_paths },
};

int main(void)
{
	return run_in_folder(tests, ARRAY_SIZE(tests));
}
