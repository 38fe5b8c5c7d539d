// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pager's devices on real files: numbers that stay, legs that are stale,
 * what is refused, in which order devices are filled, locks.
 */
#include "tap.h"

#include <stdarg.h>
#include <sys/ioctl.h>

/* A block device of that many bytes; -1: none, files are as they are. */
static long long disk_bytes = -1;

static int leg_ioctl(int fd, unsigned long request, ...);

#define ioctl leg_ioctl
#include "pager_sources.h"
#undef ioctl
#include "pager_devices.h"

static int leg_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (disk_bytes < 0)
		return ioctl(fd, request, arg);
	switch (request) {
	case BLKGETSIZE64:
		*(u64 *)arg = disk_bytes;
		return 0;
	case BLKSSZGET:
		*(int *)arg = 512;
		return 0;
	default:
		errno = ENOTTY;
		return -1;
	}
}

static void test_numbers(void)
{
	fresh_files();
	add_option(paths[0], NULL, 0);
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	CHECK_EQ(devices.opened[0]->number, 0);
	CHECK_EQ(devices.opened[1]->number, 1);
	CHECK_EQ(devices.opened[0]->slots.first, FIRST);
	CHECK_EQ(slots_count(&devices.opened[0]->slots), SLOTS);
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
	CHECK_EQ(devices_take(&devices, 1ULL << 40 | (FIRST + SLOTS - 1)), 0);
	CHECK_EQ(devices_take(&devices, 1ULL << 40 | (FIRST + SLOTS - 1)),
		 -EEXIST);
	CHECK_EQ(devices_take(&devices, 1ULL << 40 | (FIRST + SLOTS)), -ERANGE);
	CHECK_EQ(devices_take(&devices, 1ULL << 40 | (FIRST - 1)), -ERANGE);
	CHECK_EQ(devices_take(&devices, 1ULL << 40), -ERANGE);
	CHECK_EQ(devices_take(&devices, 3ULL << 40 | FIRST), -ENODEV);
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

static void punch_first(const char *path)
{
	int fd = open(path, O_RDWR);

	CHECK(fd >= 0 && !fallocate(fd, FALLOC_FL_PUNCH_HOLE |
					FALLOC_FL_KEEP_SIZE, 0, 4096));
	close(fd);
}

/* A pager refuses paths[0] for what is on it. */
static void refuse_content(const char *holds)
{
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), -EMEDIUMTYPE);
	CHECK_STR(devices.opened[0]->legs[0].holds, holds);
	shut_down();
}

static void refuse_data(off_t at)
{
	char text[CONTENT_TEXT];

	snprintf(text, sizeof(text), "data without a known signature at byte %lld",
		 (long long)at);
	refuse_content(text);
}

/* The first page says nothing: what begins behind it, and what is at the end. */
static void test_content(void)
{
	static const off_t places[] = { 1024, 4096, 70000, MIB - 1, MIB, MIB + 4096,
					SIZE / 2 + 5, SIZE - 2 * MIB, SIZE - MIB - 1,
					SIZE - MIB, SIZE - 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		fresh_files();
		put_bytes(paths[0], SIZE, places[i], "x");
		refuse_data(places[i]);
	}
	/* A volume descriptor of ISO 9660. */
	fresh_files();
	put_bytes(paths[0], SIZE, 32768, "\1CD001\1");
	refuse_content("a signature of iso9660 (filesystem)");
}

/* What a gone pool left is nothing, but for who has had the device since. */
static void test_left_over(void)
{
	fresh_files();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_b), 0);
	shut_down();
	put_bytes(paths[0], SIZE, FIRST << PAGER_PAGE_SHIFT, "a page of a guest");
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_b), 0);
	shut_down();
	put_bytes(paths[0], SIZE, 32768, "\1CD001\1");
	refuse_content("a signature of iso9660 (filesystem)");
	/* Our own pool's pages are nobody else's, whatever they look like. */
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_b), 0);
	shut_down();
}

/* Pages that look like a CD, a btrfs and a swap area wherever libblkid looks. */
static void fill_with_images(struct device *dev)
{
	_Alignas(PAGER_PAGE_SIZE) u8 page[PAGER_PAGE_SIZE] = "\1CD001\1";
	struct extent ext;
	u32 i;

	memcpy(page + 64, "_BHRfS_M", 8);
	memcpy(page + 4086, "SWAPSPACE2", 10);
	while (device_alloc(dev, 64, &ext))
		for (i = 0; i < ext.count; i++)
			CHECK_EQ(pwrite(dev->legs[0].fd, page, sizeof(page),
					(ext.slot + i) << PAGER_PAGE_SHIFT),
				 sizeof(page));
}

/* Without a superblock nothing tells pages from what somebody could miss. */
static void test_pages_alone(void)
{
	fresh_files();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	put_bytes(paths[0], SIZE, FIRST << PAGER_PAGE_SHIFT, "a page of a guest");
	punch_first(paths[0]);
	refuse_data(FIRST << PAGER_PAGE_SHIFT);
}

/* A guest can't keep the next pool's pager from starting by what it writes. */
static void test_hostile_pages(void)
{
	fresh_files();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	fill_with_images(devices.opened[0]);
	shut_down();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_b), 0);
	shut_down();
}

/* What was there before is gone for good, wherever it was. */
static void test_cleared(void)
{
	fresh_files();
	put_bytes(paths[0], SIZE, 32768, "\1CD001\1");
	put_bytes(paths[0], SIZE, SIZE - 4096, "data at the end");
	opts.force = true;
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	opts.force = false;
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_b), 0);
	shut_down();
	/* Without the superblock, too. */
	put_bytes(paths[0], SIZE, 0, "        ");
	refuse_data(0);
	punch_first(paths[0]);
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_b), 0);
	shut_down();
	/* What lies where there could be a copy is none. */
	punch_first(paths[0]);
	put_bytes(paths[0], SIZE, SIZE - 2 * MIB, "somebody's data");
	refuse_data(SIZE - 2 * MIB);
}

/* As little as there may be, and less. */
static void test_small(void)
{
	unsigned int errors = log_errors();

	fresh_files();
	add_option(paths[0], NULL, 0)->size = SIZE - 1;
	CHECK_EQ(start_up(pool_a), -ERANGE);
	/* Which says all there is to say. */
	CHECK_EQ(log_errors() - errors, 1);
	shut_down();
	/* A page more, and a part of one. */
	add_option(paths[0], NULL, 0)->size = SIZE + 4096 + 512;
	CHECK_EQ(start_up(pool_a), 0);
	CHECK_EQ(slots_count(&devices.opened[0]->slots), SLOTS + 1);
	shut_down();
}

/* A disk that is too small stays so, one without a medium may get it. */
static void test_disk_size(void)
{
	struct leg leg = { .path = "disk", .fd = -1 };

	disk_bytes = 2 * SIZE;
	CHECK_EQ(size_block(&leg, SIZE), 0);
	CHECK_EQ(leg.bytes, SIZE);
	CHECK_EQ(size_block(&leg, 0), 0);
	CHECK_EQ(leg.bytes, 2 * SIZE);
	CHECK_EQ(size_block(&leg, 3 * SIZE), -EFBIG);
	disk_bytes = 0;
	CHECK_EQ(size_block(&leg, SIZE), -ENOMEDIUM);
	CHECK_EQ(size_block(&leg, 0), -ENOMEDIUM);
	disk_bytes = -1;
}

static void test_foreign(void)
{
	fresh_files();
	put_bytes(paths[0], SIZE, 1024, "somebody's data");
	refuse_data(1024);
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
	unsigned int errors = log_errors();

	fresh_files();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	CHECK_EQ(symlink(paths[0], paths[1]), 0);
	add_option(paths[0], NULL, 0);
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_a), -EEXIST);
	CHECK_EQ(log_errors() - errors, 1);
	shut_down();
	add_option(paths[0], paths[1], 0);
	CHECK_EQ(start_up(pool_a), -EEXIST);
	CHECK_EQ(log_errors() - errors, 2);
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
		CHECK_EQ(ext.count, 64);
	}
	while (devices_alloc(&devices, 64, NULL, &ext))
		;
	CHECK_EQ(devices.opened[0]->slots.used, SLOTS);
	CHECK_EQ(devices.opened[1]->slots.used, SLOTS);
	CHECK_EQ(devices.opened[2]->slots.used, SLOTS);
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
	CHECK_EQ(totals.capacity, SLOTS);
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
	CHECK(!device_rewrite(dev, FIRST, 1, &ext));
	devices_sum(&devices, &totals);
	CHECK(totals.degraded);
	shut_down();
}

/* A file that is made for a pager that does not start is not left behind. */
static void test_created(void)
{
	fresh_files();
	add_option(paths[0], NULL, 0);
	devices = (struct devices){};
	CHECK_EQ(devices_open(&devices, &opts), 0);
	CHECK_EQ(access(paths[0], F_OK), 0);
	devices_remove_created(&devices);
	CHECK_EQ(access(paths[0], F_OK), -1);
	shut_down();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	devices_remove_created(&devices);
	shut_down();
	CHECK_EQ(access(paths[0], F_OK), 0);
	/* The second one can't be had. */
	add_option(paths[1], NULL, 0);
	add_option(folder, NULL, 0);
	CHECK_EQ(start_up(pool_a), -ENOTBLK);
	CHECK_EQ(access(paths[1], F_OK), -1);
	opts.nr_devices = 0;
}

/* A file that is passed has to be where the next pager looks for it. */
static void test_passed(void)
{
	struct device_option *opt;
	struct device *dev;
	int fd, error;

	fresh_files();
	opt = add_option(paths[0], NULL, 0);
	fd = open(paths[0], O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0);
	dev = device_create(opt, 0, fd, &error);
	CHECK(dev);
	if (dev)
		device_destroy(dev);
	CHECK_EQ(access(paths[0], F_OK), 0);

	fd = open(paths[0], O_RDWR);
	unlink(paths[0]);
	CHECK(!device_create(opt, 0, fd, &error));
	CHECK_EQ(error, -ESTALE);
	close(open(paths[0], O_RDWR | O_CREAT, 0600));
	CHECK(!device_create(opt, 0, fd, &error));
	CHECK_EQ(error, -ESTALE);
	close(fd);
	opts.nr_devices = 0;
}

/* Room is found by writing, and only where there is a slot to write. */
static void test_space(void)
{
	struct device *dev;
	struct extent ext;

	fresh_files();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	dev = devices.opened[0];
	CHECK(device_no_space(dev, 0));
	CHECK(!device_no_space(dev, 0));
	CHECK(!device_alloc(dev, 1, &ext));
	device_retry_space(dev);
	CHECK(!dev->legs[0].no_space);
	CHECK_EQ(device_used(dev), 0);
	CHECK(device_alloc(dev, SLOTS, &ext));
	CHECK_EQ(ext.count, SLOTS);
	shut_down();
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

/* A mirror of paths[0] and paths[1] on which pages are; leg @lost failed, -1: none. */
static void make_mirror(int lost)
{
	fresh_files();
	open_mirror(paths[0], paths[1], 0);
	if (lost >= 0)
		devices.opened[0]->legs[lost].state = LEG_FAILED;
	CHECK_EQ(device_stamp(devices.opened[0]), 0);
	shut_down();
	stored[0] = 1;
}

/* A path at which nothing is, and nothing is made. */
static char *nowhere(void)
{
	static char path[80];

	snprintf(path, sizeof(path), "%s/none/leg", folder);
	return path;
}

static void open_degraded(char *a, char *b, int expect)
{
	add_option(a, b, 0)->degraded = true;
	CHECK_EQ(start_up(pool_a), expect);
}

static void expect_legs(enum leg_state first, enum leg_state second)
{
	struct device *dev = devices.opened[0];

	CHECK_EQ(leg_state(&dev->legs[0]), first);
	CHECK_EQ(leg_state(&dev->legs[1]), second);
}

/* The leg that failed is there, the good one is not: it can't know. */
static void test_stale_alone(void)
{
	make_mirror(1);
	open_mirror(nowhere(), paths[1], -ENODEV);
	shut_down();
	/* Nor as a plain device, nor with another one for the good leg. */
	add_option(paths[1], NULL, 0);
	CHECK_EQ(start_up(pool_a), -ENODEV);
	shut_down();
	open_mirror(paths[2], paths[1], -ENODEV);
	shut_down();
	/* It was left as it is: the good leg is right when it is back. */
	open_mirror(paths[0], paths[1], 0);
	expect_legs(LEG_GOOD, LEG_FAILED);
	shut_down();
	/* That one knows, and needs no other. */
	open_mirror(paths[0], nowhere(), 0);
	expect_legs(LEG_GOOD, LEG_FAILED);
	shut_down();
	/* Nothing is stored: nothing to lack. */
	stored[0] = 0;
	open_mirror(nowhere(), paths[1], 0);
	expect_legs(LEG_FAILED, LEG_GOOD);
	shut_down();
}

/* Neither leg had failed, so the one may not go on without the other unasked. */
static void test_one_of_two(void)
{
	make_mirror(-1);
	open_mirror(paths[0], nowhere(), -ENODEV);
	shut_down();
	open_degraded(paths[0], nowhere(), 0);
	expect_legs(LEG_GOOD, LEG_FAILED);
	shut_down();
	/* From now on it is the one that is right. */
	open_mirror(nowhere(), paths[0], 0);
	expect_legs(LEG_GOOD, LEG_FAILED);
	shut_down();
	open_mirror(paths[1], paths[0], 0);
	expect_legs(LEG_GOOD, LEG_FAILED);
	CHECK_STR(devices.opened[0]->legs[0].path, paths[0]);
	shut_down();
}

/* Pages of this pool in another layout are lost by force, and not by less. */
static void test_version(void)
{
	_Alignas(PAGER_PAGE_SIZE) u8 page[PAGER_PAGE_SIZE];
	const u32 version = htole32(1), zero = 0;
	u32 sum;
	int fd;

	fresh_files();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	fd = open(paths[0], O_RDWR);
	CHECK_EQ(pread(fd, page, sizeof(page), 0), sizeof(page));
	memcpy(page + 8, &version, sizeof(version));
	memcpy(page + 12, &zero, sizeof(zero));
	sum = htole32(layout_crc32c(0, page, sizeof(page)));
	memcpy(page + 12, &sum, sizeof(sum));
	CHECK_EQ(pwrite(fd, page, sizeof(page), 0), sizeof(page));
	close(fd);
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), -EPROTONOSUPPORT);
	CHECK_STR(devices.opened[0]->legs[0].holds,
		  "pages of this pool, stored by a tarn-pager of layout 1");
	shut_down();
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_b), -EPROTONOSUPPORT);
	CHECK(strstr(devices.opened[0]->legs[0].holds, "another pool"));
	shut_down();
	opts.force = true;
	add_option(paths[0], NULL, 0);
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	opts.force = false;
}

/* Both were used alone: whichever is taken, pages of the other one are lost. */
static void test_split(void)
{
	int i;

	make_mirror(1);
	/* Newer than the good leg, for what that is worth. */
	for (i = 0; i < 3; i++) {
		open_degraded(nowhere(), paths[1], 0);
		expect_legs(LEG_FAILED, LEG_GOOD);
		shut_down();
	}
	open_mirror(paths[0], paths[1], -EIO);
	shut_down();
	open_degraded(paths[1], paths[0], -EIO);
	shut_down();
	/* Either may be chosen. */
	open_mirror(paths[0], paths[2], 0);
	expect_legs(LEG_GOOD, LEG_FAILED);
	shut_down();
	open_mirror(paths[2], paths[1], 0);
	expect_legs(LEG_FAILED, LEG_GOOD);
	shut_down();
	/* A leg that became a plain device was used alone, too. */
	make_mirror(1);
	add_option(paths[1], NULL, 0)->degraded = true;
	CHECK_EQ(start_up(pool_a), 0);
	shut_down();
	open_mirror(paths[0], paths[1], -EIO);
	shut_down();
}

/* A leg that lacks slots by its own word is better than none, if that is said. */
static void test_incomplete_alone(void)
{
	fresh_files();
	open_mirror(paths[0], paths[1], 0);
	devices.opened[0]->legs[1].state = LEG_REBUILDING;
	CHECK_EQ(device_stamp(devices.opened[0]), 0);
	shut_down();
	stored[0] = 1;
	open_mirror(nowhere(), paths[1], -ENODEV);
	shut_down();
	open_degraded(nowhere(), paths[1], 0);
	expect_legs(LEG_FAILED, LEG_GOOD);
	shut_down();
}

static void open_sized(char *a, char *b, int expect)
{
	struct device_option *opt = add_option(a, b, 0);

	/* As the files are. */
	opt->size = 0;
	CHECK_EQ(start_up(pool_a), expect);
}

static u64 slots_now(void)
{
	return slots_count(&devices.opened[0]->slots);
}

/* A mirror does not grow past a leg that is missing, nor shrink for a new one. */
static void test_unequal_legs(void)
{
	const u64 small = (16 * MIB >> PAGER_PAGE_SHIFT) - LAYOUT_HEAD_SLOTS -
			  LAYOUT_TAIL_SLOTS;

	fresh_files();
	put_bytes(paths[0], 16 * MIB, 0, "");
	put_bytes(paths[1], 32 * MIB, 0, "");
	put_bytes(paths[2], 16 * MIB - 4096, 0, "");
	open_sized(paths[0], paths[1], 0);
	CHECK_EQ(slots_now(), small);
	devices.opened[0]->legs[0].state = LEG_FAILED;
	CHECK_EQ(device_stamp(devices.opened[0]), 0);
	shut_down();
	stored[0] = 1;
	open_sized(nowhere(), paths[1], 0);
	CHECK_EQ(slots_now(), small);
	CHECK_EQ(devices_take(&devices, FIRST + small - 1), 0);
	shut_down();
	open_sized(paths[0], paths[1], 0);
	CHECK_EQ(slots_now(), small);
	CHECK_EQ(devices_take(&devices, FIRST + small - 1), 0);
	shut_down();
	/* Another one, of less room than may be used. */
	open_sized(paths[2], paths[1], 0);
	CHECK_EQ(slots_now(), small);
	CHECK_EQ(devices_take(&devices, FIRST + small - 1), 0);
	expect_legs(LEG_FAILED, LEG_GOOD);
	shut_down();
	/* With nothing stored, it is as good as any. */
	stored[0] = 0;
	open_sized(paths[2], paths[1], 0);
	CHECK_EQ(slots_now(), small - 1);
	expect_legs(LEG_GOOD, LEG_GOOD);
	shut_down();
}

/* While a leg lacks slots, the next pager must not take it for whole. */
static void test_lost(void)
{
	struct device_totals totals;
	struct device *dev;
	struct extent ext;

	fresh_files();
	open_mirror(paths[0], paths[1], 0);
	dev = devices.opened[0];
	CHECK(device_alloc(dev, 10, &ext));
	CHECK_EQ(lost_add(&dev->lost, 1, FIRST + 3), 0);
	CHECK_EQ(lost_add(&dev->lost, 1, FIRST + 7), 0);
	CHECK(lost_has(&dev->lost, 1, FIRST + 3) && !lost_has(&dev->lost, 4, 3));
	CHECK_EQ(device_stamp(dev), 0);
	devices_sum(&devices, &totals);
	CHECK(totals.degraded);
	shut_down();
	stored[0] = 10;
	open_mirror(paths[0], paths[1], 0);
	dev = devices.opened[0];
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_FAILED);
	dev->legs[1].state = LEG_GOOD;
	CHECK_EQ(lost_add(&dev->lost, 1, FIRST + 3), 0);
	CHECK_EQ(lost_add(&dev->lost, 1, FIRST + 7), 0);
	CHECK_EQ(device_stamp(dev), 0);

	/* One is freed, one is written anew: the leg is whole. */
	CHECK_EQ(slots_take(&dev->slots, FIRST + 3), 0);
	CHECK_EQ(slots_take(&dev->slots, FIRST + 7), 0);
	CHECK_EQ(device_free(dev, FIRST + 3, 1), 0);
	CHECK_EQ(lost_count(&dev->lost), 1);
	CHECK(device_rewrite(dev, FIRST + 6, 2, &ext));
	CHECK_EQ(lost_count(&dev->lost), 0);
	shut_down();
	open_mirror(paths[0], paths[1], 0);
	CHECK_EQ(leg_state(&devices.opened[0]->legs[1]), LEG_GOOD);
	shut_down();
}

static void test_lost_limit(void)
{
	static struct lost_slots lost;
	u64 slot;

	for (slot = 1; slot <= LOST_MAX; slot++)
		CHECK_EQ(lost_add(&lost, 0, slot), 0);
	CHECK_EQ(lost_add(&lost, 0, slot), -ENOSPC);
	CHECK(!lost_remove(&lost, 2, LOST_MAX));
	CHECK_EQ(lost_count(&lost), 1);
	CHECK(lost_has(&lost, 1, 1));
	CHECK(lost_remove(&lost, 0, 2));
	CHECK(!lost_remove(&lost, 0, 2));
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
	CHECK_EQ(device_used(dev), SLOTS);
	CHECK_EQ(fallocate(dev->legs[0].fd, 0, 0, SIZE), 0);
	for (i = 101; i <= 200; i++)
		CHECK_EQ(device_free(dev, FIRST + i, 1), 0);
	CHECK_EQ(device_free(dev, FIRST + 101, 1), -ENOENT);
	CHECK_EQ(device_used(dev), SLOTS - 100);
	/* Nothing else is free: they are taken as they are. */
	CHECK(device_alloc(dev, 60, &ext));
	CHECK_EQ(ext.slot, FIRST + 101);
	CHECK_EQ(ext.count, 60);
	CHECK_EQ(device_used(dev), SLOTS - 40);
	for (i = 1; i <= 50; i++)
		CHECK_EQ(device_free(dev, FIRST + i, 1), 0);
	discard_device(dev);
	CHECK_EQ(dev->nr_trim, 0);
	CHECK_EQ(dev->slots.used, SLOTS - 90);
	CHECK_EQ(fstat(dev->legs[0].fd, &st), 0);
	/* The filesystem may need a block to tell where the holes are. */
	CHECK(st.st_blocks / 8 - (SIZE / PAGER_PAGE_SIZE - 50) <= 1);
	shut_down();
}

static const struct tap_test tests[] = {
	{ "numbers stay with the pool", test_numbers },
	{ "a missing device is refused", test_missing },
	{ "foreign data is refused", test_foreign },
	{ "wherever it is", test_content },
	{ "what a gone pool left is not refused", test_left_over },
	{ "nor what a guest wrote to look like somebody else's", test_hostile_pages },
	{ "what lost its superblock is refused", test_pages_alone },
	{ "what force overcomes is gone", test_cleared },
	{ "a device has a least size", test_small },
	{ "a disk may have no medium yet", test_disk_size },
	{ "a file made for nothing is removed", test_created },
	{ "a file that is passed is at its path", test_passed },
	{ "a full device is tried by a write", test_space },
	{ "a locked file is refused", test_locked },
	{ "one file is no two devices", test_same },
	{ "devices are filled by priority, in turn", test_order },
	{ "failed and draining devices are passed over", test_exclusion },
	{ "a device that fails all writes is given up", test_write_failures },
	{ "a mirror knows its legs", test_mirror },
	{ "the newer leg is right", test_stale_leg },
	{ "another version of the pager has its say", test_version },
	{ "the leg that failed does not start alone", test_stale_alone },
	{ "nor does one of two that are whole, but as asked to", test_one_of_two },
	{ "two that were used alone do not start together", test_split },
	{ "one that is not whole starts alone, as asked to", test_incomplete_alone },
	{ "a mirror keeps its size", test_unequal_legs },
	{ "a leg that lacks slots is not whole", test_lost },
	{ "it may lack a few", test_lost_limit },
	{ "freed slots are discarded", test_discard },
};

int main(void)
{
	return run_in_folder(tests, ARRAY_SIZE(tests));
}
