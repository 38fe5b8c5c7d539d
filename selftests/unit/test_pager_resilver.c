// SPDX-License-Identifier: GPL-2.0-only
/* Which leg of a mirror is copied to which, by the thread that does it, on files. */
#include "tap.h"

#include "pager_sources.h"
#include "vmm/pager/resilver.c"

#define SIZE (8ULL << 20)
#define PAGES 16

static const u8 pool[16] = { 0xa };
static char folder[] = "/tmp/test_pager_resilver.XXXXXX";
static char paths[2][64];
static struct devices devices;
static struct device *dev;
static u64 first;

void status_poke(void)
{
}

static void fill(unsigned int leg, int byte)
{
	static _Alignas(PAGER_PAGE_SIZE) u8 pages[PAGES * PAGER_PAGE_SIZE];

	memset(pages, byte, sizeof(pages));
	CHECK_EQ(pwrite(dev->legs[leg].fd, pages, sizeof(pages),
			first << PAGER_PAGE_SHIFT), sizeof(pages));
}

/* A mirror with pages of which leg 0 has 'a', leg 1 'b'. */
static void set_up(void)
{
	const u64 stored[DEVICE_MAX] = {};
	static struct options opts;
	struct extent ext;
	int i;

	for (i = 0; i < 2; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%d", folder, i);
		unlink(paths[i]);
	}
	opts.nr_devices = 1;
	opts.devices[0] = (struct device_option){
		.paths = { paths[0], paths[1] }, .nr_paths = 2, .size = SIZE,
		.discard = true,
	};
	CHECK_EQ(devices_open(&devices, &opts), 0);
	CHECK_EQ(devices_identify(&devices, pool, stored, false), 0);
	CHECK_EQ(devices_stamp(&devices), 0);
	dev = devices.opened[0];
	CHECK(device_alloc(dev, PAGES, &ext));
	device_end_writes(dev, ext.parity);
	CHECK_EQ(ext.count, PAGES);
	first = ext.slot;
	fill(0, 'a');
	fill(1, 'b');
}

static char on_leg(unsigned int leg)
{
	_Alignas(PAGER_PAGE_SIZE) char page[PAGER_PAGE_SIZE];

	CHECK_EQ(pread(dev->legs[leg].fd, page, sizeof(page),
		       (first + PAGES - 1) << PAGER_PAGE_SHIFT), sizeof(page));
	return *page;
}

static void set_states(enum leg_state a, enum leg_state b)
{
	pthread_mutex_lock(&dev->lock);
	dev->legs[0].state = a;
	dev->legs[1].state = b;
	pthread_mutex_unlock(&dev->lock);
}

static void wait_for_thread(void)
{
	while (atomic_load(&dev->resilvering))
		usleep(1000);
}

/* It was asked for; the states are what they are by the time that the thread looks. */
static void resilver_with(enum leg_state a, enum leg_state b)
{
	set_states(a, b);
	pthread_mutex_lock(&resilver.lock);
	atomic_store(&dev->resilvering, true);
	pthread_cond_signal(&resilver.wake);
	pthread_mutex_unlock(&resilver.lock);
	wait_for_thread();
}

static void expect(char a, enum leg_state first_state, char b,
		   enum leg_state second_state)
{
	CHECK_EQ(on_leg(0), a);
	CHECK_EQ(leg_state(&dev->legs[0]), first_state);
	CHECK_EQ(on_leg(1), b);
	CHECK_EQ(leg_state(&dev->legs[1]), second_state);
}

static void test_copy(void)
{
	set_states(LEG_GOOD, LEG_FAILED);
	CHECK_EQ(resilver_request(dev, 0), -ENOENT);
	CHECK_EQ(resilver_request(dev, 1), 0);
	wait_for_thread();
	expect('a', LEG_GOOD, 'a', LEG_GOOD);
	fill(1, 'b');
	resilver_with(LEG_REBUILDING, LEG_GOOD);
	expect('b', LEG_GOOD, 'b', LEG_GOOD);
}

/* Both are gone, or the one that was to be copied to is. */
static void test_nothing_to_do(void)
{
	fill(0, 'a');
	fill(1, 'b');
	resilver_with(LEG_FAILED, LEG_FAILED);
	expect('a', LEG_FAILED, 'b', LEG_FAILED);
	resilver_with(LEG_GOOD, LEG_FAILED);
	expect('a', LEG_GOOD, 'b', LEG_FAILED);
	resilver_with(LEG_REBUILDING, LEG_FAILED);
	expect('a', LEG_REBUILDING, 'b', LEG_FAILED);
	resilver_with(LEG_GOOD, LEG_GOOD);
	expect('a', LEG_GOOD, 'b', LEG_GOOD);
}

/* A slot that was freed lacks nothing, when it waits for its discard, too. */
static void test_freed(void)
{
	struct extent ext;
	u64 slot;

	set_states(LEG_GOOD, LEG_REBUILDING);
	CHECK(device_alloc(dev, 1, &ext));
	device_end_writes(dev, ext.parity);
	slot = ext.slot;
	CHECK_EQ(note_lost(dev, 1, slot), 0);
	CHECK_EQ(lost_count(&dev->lost), 1);
	CHECK_EQ(device_free(dev, slot, 1), 0);
	CHECK_EQ(lost_count(&dev->lost), 0);
	CHECK_EQ(note_lost(dev, 1, slot), 0);
	CHECK_EQ(lost_count(&dev->lost), 0);
	/* It was being discarded when it was noted. */
	CHECK_EQ(lost_add(&dev->lost, 1, slot), 0);
	discard_device(dev);
	CHECK_EQ(lost_count(&dev->lost), 0);
	CHECK_EQ(lost_add(&dev->lost, 1, slot), 0);
	dev->slots.cursor = slot;
	CHECK(device_alloc(dev, 1, &ext));
	device_end_writes(dev, ext.parity);
	CHECK_EQ(ext.slot, slot);
	CHECK_EQ(lost_count(&dev->lost), 0);
	CHECK_EQ(device_free(dev, slot, 1), 0);
	set_states(LEG_GOOD, LEG_GOOD);
}

/* A leg that can't have a superblock takes no pages. */
static void test_no_superblock(void)
{
	int fd = open(paths[1], O_RDONLY), old = dup(dev->legs[1].fd);

	set_states(LEG_GOOD, LEG_FAILED);
	CHECK(fd >= 0 && old >= 0);
	CHECK_EQ(dup2(fd, dev->legs[1].fd), dev->legs[1].fd);
	CHECK_EQ(resilver_request(dev, 1), -EROFS);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_FAILED);
	CHECK(!atomic_load(&dev->stamp_due) && !atomic_load(&dev->resilvering));
	CHECK_EQ(dup2(old, dev->legs[1].fd), dev->legs[1].fd);
	close(old);
	close(fd);
}

static const struct tap_test tests[] = {
	{ "the good leg is copied to the other", test_copy },
	{ "a freed slot is not lost", test_freed },
	{ "a leg without a superblock is not copied to", test_no_superblock },
	{ "nothing is copied from a leg that is not good", test_nothing_to_do },
};

int main(void)
{
	int ret;

	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	set_up();
	if (resilver_start(&devices))
		return EXIT_FAILURE;
	ret = tap_run(tests, ARRAY_SIZE(tests));
	unlink(paths[0]);
	unlink(paths[1]);
	rmdir(folder);
	return ret;
}
