// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the pager makes of errors of its devices: bad sectors and wrong content of
 * a mirror's leg, legs without room, disks that are gone. There is no ring: the
 * test takes each SQE and does what it says on a file, or fails it.
 */
#include "tap.h"

#include <errno.h>

#include "pager_broken.h"

#define pread leg_pread
#define pwrite leg_pwrite
#include "pager_sources.h"
#include "vmm/pager/io.c"
#include "vmm/pager/io_wide.c"
#include "vmm/pager/mirror.c"
#undef pread
#undef pwrite

#define MIB (1ULL << 20)
#define FRAMES 8
#define TASKS 8
/* Of an error in a slot: reads, writes. */
#define ON_READ 1U
#define ON_WRITE 2U

static const u8 pool_uuid[16] = { 0xa };
static char folder[] = "/tmp/test_pager_io.XXXXXX";
static char paths[3][64];
static struct devices devices;
static struct device *dev;
static struct attachment at;
static struct queue queue;
static struct task tasks[TASKS];
static struct io ios[TASKS];
static struct io_uring_sqe sqes[64];
static unsigned int nr_sqes;
static s32 results[TASKS];
static u64 cookies[TASKS];
static unsigned int nr_answers;

static struct {
	unsigned int leg;
	u64 first, end;
	unsigned int when;
	unsigned int times; /* 0: always */
	s32 error;
} faults[4];
static unsigned int nr_faults;

struct io_uring_sqe *queue_get_sqe(struct queue *q)
{
	return &sqes[nr_sqes++];
}

void queue_complete(struct queue *q, struct task *task, s32 result, u64 cookie)
{
	results[task->tag] = result;
	cookies[task->tag] = cookie;
	nr_answers++;
	task->next = q->free_tasks;
	q->free_tasks = task;
}

void queue_free_cookies(struct queue *q, u64 cookie, u32 count)
{
}

void status_poke(void)
{
}

int resilver_request(struct device *device, unsigned int leg)
{
	return 0;
}

static void fault(unsigned int leg, u64 first, u64 count, unsigned int when,
		  s32 error)
{
	faults[nr_faults].leg = leg;
	faults[nr_faults].first = first;
	faults[nr_faults].end = first + count;
	faults[nr_faults].when = when;
	faults[nr_faults].times = 0;
	faults[nr_faults++].error = error;
}

static void fault_passes(unsigned int leg, unsigned int when, s32 error,
			 unsigned int times)
{
	fault(leg, 0, ~0ULL, when, error);
	faults[nr_faults - 1].times = times;
}

static s32 find_fault(unsigned int leg, u64 first, u64 count, bool write)
{
	unsigned int i;

	for (i = 0; i < nr_faults; i++)
		if (faults[i].leg == leg && first < faults[i].end &&
		    first + count > faults[i].first &&
		    faults[i].when & (write ? ON_WRITE : ON_READ)) {
			if (faults[i].times && !--faults[i].times)
				faults[i].when = 0;
			return faults[i].error;
		}
	return 0;
}

static s32 transfer(const struct io_uring_sqe *sqe, const struct io *io,
		    unsigned int leg)
{
	s32 error = find_fault(leg, io->ext.slot, io->ext.count, io->write);
	int fd = dev->legs[leg].fd;

	if (sqe->opcode == IORING_OP_NOP)
		return 0;
	/* A file that has room for the first page alone. */
	if (error > 0 && io->ext.count == 1)
		return -ENOSPC;
	if (error)
		return error;
	CHECK_EQ(sqe->off, io->ext.slot << PAGER_PAGE_SHIFT);
	return io->write ? pwritev(fd, io->iov, io->niov, sqe->off) :
			   preadv(fd, io->iov, io->niov, sqe->off);
}

/* Do what is asked for from the SQE @i on, and what comes of it. */
static void run_from(unsigned int i)
{
	for (; i < nr_sqes; i++) {
		u64 data = sqes[i].user_data;
		unsigned int leg = data & QUEUE_DATA_LEGS;
		struct io *io = (struct io *)(uintptr_t)(data &
							 ~QUEUE_DATA_LEGS);

		io_done(&queue, io, leg, transfer(&sqes[i], io, leg));
	}
	nr_sqes = 0;
}

static void run(void)
{
	run_from(0);
	CHECK_EQ(queue.nr_ios, 0);
}

static void set_up_queue(void)
{
	unsigned int i;

	if (!at.window)
		at.window = aligned_alloc(PAGER_PAGE_SIZE,
					  FRAMES * PAGER_PAGE_SIZE);
	queue = (struct queue){ .at = &at, .devices = &devices,
				.ring = { .ring_fd = -1 } };
	for (i = 0; i < TASKS; i++) {
		tasks[i].tag = i;
		tasks[i].pages = 1;
		ios[i].next = queue.free_ios;
		queue.free_ios = &ios[i];
	}
	nr_sqes = nr_answers = nr_faults = 0;
}

static void open_files(unsigned int legs)
{
	struct options opts = { .nr_devices = 1 };

	opts.devices[0] = (struct device_option){
		.paths = { paths[0], paths[1] }, .nr_paths = legs, .size = 16 * MIB,
	};
	devices = (struct devices){};
	CHECK_EQ(devices_open(&devices, &opts), 0);
	dev = devices.opened[0];
}

static void fresh_files(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%u", folder, i);
		unlink(paths[i]);
	}
}

static int identify(bool force)
{
	const u64 stored[DEVICE_MAX] = {};

	return devices_identify(&devices, pool_uuid, stored, force);
}

static void set_up(unsigned int legs)
{
	fresh_files();
	open_files(legs);
	CHECK_EQ(identify(false), 0);
	CHECK_EQ(devices_stamp(&devices), 0);
	/* From slots on that are read from leg 0. */
	dev->slots.cursor = 2 * LAYOUT_HEAD_SLOTS;
	set_up_queue();
}

static void shut_down(void)
{
	devices_close(&devices);
	free(devices.order);
}

static u8 *frame(unsigned int n)
{
	return at.window + n * PAGER_PAGE_SIZE;
}

static void request(unsigned int n, u8 op, u8 flags, u64 cookie)
{
	tasks[n].next = NULL;
	tasks[n].op = op;
	tasks[n].flags = flags;
	tasks[n].frame = n;
	tasks[n].cookie = cookie;
	tasks[n].retried = false;
	if (n)
		tasks[n - 1].next = &tasks[n];
}

/* Pages 'a', 'b', ... in new slots; returns the first. */
static u64 store(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		memset(frame(i), 'a' + i, PAGER_PAGE_SIZE);
		request(i, TARN_OP_STORE, 0, 0);
	}
	io_store(&queue, &tasks[0], nr);
	run();
	return cookie_slot(cookies[0]);
}

static void load(u64 slot, unsigned int nr, u8 flags)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		request(i, TARN_OP_LOAD, flags, device_cookie(dev, slot + i));
		/* As store() had it. */
		memset(frame(i), 'a' + i, PAGER_PAGE_SIZE);
		tasks[i].sum = tarn_page_sum(frame(i));
	}
	memset(at.window, 0, FRAMES * PAGER_PAGE_SIZE);
	io_load(&queue, &tasks[0], nr);
	run();
}

static char on_leg(unsigned int leg, u64 slot)
{
	char byte = 0;

	CHECK_EQ(pread(dev->legs[leg].fd, frame(FRAMES - 1), PAGER_PAGE_SIZE,
		       slot << PAGER_PAGE_SHIFT),
		 PAGER_PAGE_SIZE);
	byte = *frame(FRAMES - 1);
	return byte;
}

static void spoil(unsigned int leg, u64 slot)
{
	memset(frame(FRAMES - 1), 'x', PAGER_PAGE_SIZE);
	CHECK_EQ(pwrite(dev->legs[leg].fd, frame(FRAMES - 1), PAGER_PAGE_SIZE,
			slot << PAGER_PAGE_SHIFT),
		 PAGER_PAGE_SIZE);
}

static bool both_good(void)
{
	return leg_state(&dev->legs[0]) == LEG_GOOD &&
	       leg_state(&dev->legs[1]) == LEG_GOOD;
}

/* One bad sector in a run: the page comes from the other leg and goes back. */
static void test_bad_sector(void)
{
	u64 slot;
	int i;

	set_up(2);
	slot = store(4);
	spoil(0, slot + 2);
	fault(0, slot + 2, 1, ON_READ, -EIO);
	load(slot, 4, 0);
	for (i = 0; i < 4; i++) {
		CHECK_EQ(results[i], 0);
		CHECK_EQ(*frame(i), 'a' + i);
	}
	CHECK(both_good());
	CHECK_EQ(dev->legs[0].repaired, 1);
	CHECK_EQ(on_leg(0, slot + 2), 'c');
	CHECK(!dev->writes[0] && !dev->writes[1]);
	shut_down();
}

static void test_wrong_content(void)
{
	u64 slot;

	set_up(2);
	slot = store(1);
	spoil(0, slot);
	load(slot, 1, TARN_REQ_MISMATCH);
	CHECK_EQ(results[0], 0);
	CHECK_EQ(*frame(0), 'a');
	CHECK(both_good());
	CHECK_EQ(dev->legs[0].mismatches, 1);
	CHECK_EQ(on_leg(0, slot), 'a');

	/* The other leg can't help: nothing is written. */
	spoil(0, slot);
	fault(1, slot, 1, ON_READ, -EIO);
	load(slot, 1, TARN_REQ_MISMATCH);
	CHECK_EQ(results[0], -EIO);
	CHECK_EQ(on_leg(1, slot), 'a');
	shut_down();

	set_up(1);
	slot = store(1);
	load(slot, 1, TARN_REQ_MISMATCH);
	CHECK_EQ(results[0], -EILSEQ);
	shut_down();
}

/* What was read where the first leg failed is wrong: it must not be spread. */
static void test_wrong_rescue(void)
{
	u64 slot;

	set_up(2);
	slot = store(1);
	spoil(1, slot);
	fault(0, slot, 1, ON_READ, -EIO);
	load(slot, 1, 0);
	CHECK_EQ(on_leg(0, slot), 'a');
	CHECK_EQ(dev->legs[0].repaired, 0);
	CHECK_EQ(dev->legs[1].mismatches, 1);
	/* The module sees it, and asks again: the error has passed. */
	CHECK_EQ(results[0], 0);
	nr_faults = 0;
	load(slot, 1, TARN_REQ_MISMATCH);
	CHECK_EQ(results[0], 0);
	CHECK_EQ(*frame(0), 'a');
	CHECK_EQ(on_leg(0, slot), 'a');

	/* It has not: whoever is right, nothing is written. */
	fault(0, slot, 1, ON_READ, -EIO);
	load(slot, 1, TARN_REQ_MISMATCH);
	CHECK_EQ(results[0], -EILSEQ);
	CHECK_EQ(on_leg(0, slot), 'a');
	CHECK_EQ(on_leg(1, slot), 'x');

	/* Nor where both are wrong. */
	nr_faults = 0;
	spoil(0, slot);
	load(slot, 1, TARN_REQ_MISMATCH);
	CHECK_EQ(results[0], -EILSEQ);
	CHECK_EQ(dev->legs[0].repaired + dev->legs[1].repaired, 0);
	CHECK(both_good());
	CHECK(!dev->writes[0] && !dev->writes[1]);
	shut_down();
}

/* The page is lost while it is read: nobody is to blame, nothing is written. */
static void test_frame_goes(void)
{
	u64 slot;

	set_up(2);
	slot = store(1);
	spoil(1, slot);
	fault(0, slot, 1, ON_READ, -EFAULT);
	load(slot, 1, 0);
	CHECK_EQ(results[0], -EIO);
	CHECK_EQ(dev->legs[0].read_errors, 0);
	CHECK_EQ(on_leg(0, slot), 'a');
	shut_down();
}

static void test_both_bad(void)
{
	u64 slot;
	int i;

	set_up(2);
	slot = store(1);
	fault(0, slot, 1, ON_READ, -EIO);
	fault(1, slot, 1, ON_READ, -EIO);
	load(slot, 1, 0);
	CHECK_EQ(results[0], -EIO);
	CHECK(both_good());
	/* However often the guest asks for this one page. */
	for (i = 0; i < 2 * LEG_FAULTS_MAX; i++)
		load(slot, 1, 0);
	CHECK_EQ(results[0], -EIO);
	CHECK(both_good());
	nr_faults = 0;
	load(slot, 1, 0);
	CHECK_EQ(results[0], 0);
	shut_down();
}

/* What can't be written anew fails the leg, and so do many bad pages. */
static void test_leg_fails(void)
{
	u64 slot;
	int i;

	set_up(2);
	slot = store(1);
	fault(0, slot, 1, ON_READ | ON_WRITE, -EIO);
	load(slot, 1, 0);
	CHECK_EQ(results[0], 0);
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_FAILED);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_GOOD);
	shut_down();

	set_up(2);
	slot = store(1);
	fault(0, slot, 1, ON_READ, -EIO);
	for (i = 0; i < LEG_FAULTS_MAX; i++)
		load(slot, 1, 0);
	CHECK(both_good());
	load(slot, 1, 0);
	CHECK_EQ(results[0], 0);
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_FAILED);
	shut_down();
}

/* A slot that a leg lacks is never read from it, nor written from it. */
static void test_lost(void)
{
	u64 slot;

	set_up(2);
	slot = store(2);
	spoil(0, slot + 1);
	CHECK_EQ(lost_add(&dev->lost, 0, slot + 1), 0);
	load(slot, 2, 0);
	CHECK_EQ(results[1], 0);
	CHECK_EQ(*frame(1), 'b');
	fault(1, slot + 1, 1, ON_READ, -EIO);
	load(slot, 2, 0);
	CHECK_EQ(results[0], 0);
	CHECK_EQ(results[1], -EIO);
	CHECK_EQ(on_leg(1, slot + 1), 'b');
	shut_down();
}

/* A leg without room: nothing is stored, nothing is lost, nobody fails. */
static void test_no_room(s32 error)
{
	set_up(2);
	fault(1, 0, ~0ULL, ON_WRITE, error);
	store(4);
	CHECK_EQ(nr_answers, 4);
	CHECK_EQ(results[3], -ENOSPC);
	CHECK(queue.refused);
	CHECK(both_good());
	CHECK(dev->no_space && dev->legs[1].no_space && !dev->legs[0].no_space);
	CHECK_EQ(device_used(dev), 0);
	nr_faults = 0;
	device_retry_space(dev);
	CHECK(!dev->no_space);
	CHECK_EQ(on_leg(1, store(4) + 3), 'd');
	CHECK_EQ(results[3], 0);
	shut_down();
}

static void test_room(void)
{
	test_no_room(-ENOSPC);
	test_no_room(-EDQUOT);
	test_no_room(PAGER_PAGE_SIZE);
}

/* A leg's error that passes does, whatever the other one's; that is left alone. */
static void test_one_passes(unsigned int failing, s32 error)
{
	u64 slot;

	set_up(2);
	fault(failing, 0, ~0ULL, ON_WRITE, -EIO);
	fault_passes(!failing, ON_WRITE, error, 2);
	slot = store(1);
	CHECK_EQ(results[0], 0);
	CHECK_EQ(leg_state(&dev->legs[failing]), LEG_FAILED);
	CHECK_EQ(leg_state(&dev->legs[!failing]), LEG_GOOD);
	CHECK_EQ(on_leg(!failing, slot), 'a');
	CHECK_EQ(queue.counters.ios, 4);
	CHECK_EQ(dev->legs[failing].write_errors, 1);
	CHECK_EQ(dev->legs[!failing].write_errors, 0);
	CHECK_EQ(dev->bad, 0);
	CHECK(!dev->writes[0] && !dev->writes[1]);
	shut_down();
}

static void test_passing(void)
{
	test_one_passes(0, -EAGAIN);
	test_one_passes(0, -ENOMEM);
	test_one_passes(1, -EINTR);

	/* Not for ever. */
	set_up(2);
	fault(1, 0, ~0ULL, ON_WRITE, -EAGAIN);
	store(1);
	CHECK_EQ(results[0], 0);
	CHECK_EQ(queue.counters.ios, 2 + IO_RETRIES);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_FAILED);
	shut_down();
}

/* Dead, it is not waited for any more: a mirror goes on without. */
static void test_full_then_dead(void)
{
	set_up(2);
	fault(1, 0, ~0ULL, ON_WRITE, -ENOSPC);
	store(4);
	CHECK(dev->no_space);
	broken.path = paths[1];
	broken.everywhere = true;
	broken.error = ENOSPC;
	device_retry_space(dev);
	CHECK(dev->no_space);
	broken.error = EDQUOT;
	device_retry_space(dev);
	CHECK(dev->no_space);
	broken.error = EIO;
	device_retry_space(dev);
	CHECK(!dev->no_space && !dev->legs[1].no_space);
	faults[0].error = -EIO;
	store(4);
	CHECK_EQ(results[3], 0);
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_GOOD);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_FAILED);
	broken.path = NULL;
	shut_down();
}

/* Disks have several errors for a sector that can't be read. */
static void test_unreadable(int error)
{
	fresh_files();
	open_files(1);
	broken.path = paths[0];
	broken.everywhere = false;
	broken.error = error;
	CHECK_EQ(identify(false), -EIO);
	CHECK(strstr(dev->legs[0].holds, "can't be read"));
	CHECK_EQ(identify(true), 0);
	CHECK_STR(dev->legs[0].holds, "");
	broken.path = NULL;
	shut_down();
}

/* What nobody has read may be somebody's: it takes force to use it. */
static void test_unreadable_leg(void)
{
	char holds[CONTENT_TEXT] = "";
	char *path;

	test_unreadable(EIO);
	test_unreadable(ENODATA);
	test_unreadable(EILSEQ);
	fresh_files();
	open_files(2);
	broken.path = paths[1];
	broken.error = EIO;
	CHECK_EQ(identify(false), 0);
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_GOOD);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_FAILED);
	CHECK_EQ(devices_stamp(&devices), 0);
	CHECK_EQ(mirror_resilver(dev), -EIO);
	CHECK_EQ(mirror_replace(&devices, dev, paths[1], -1, false, holds), -EIO);
	CHECK(strstr(holds, "can't be read"));
	CHECK_EQ(mirror_replace(&devices, dev, paths[1], -1, true, holds), 0);
	CHECK_EQ(mirror_resilver(dev), 0);

	/* Another one in its place. */
	broken.path = paths[2];
	close(open(paths[2], O_RDWR | O_CREAT, 0600));
	CHECK_EQ(truncate(paths[2], 16 * MIB), 0);
	*holds = '\0';
	CHECK_EQ(mirror_replace(&devices, dev, paths[2], -1, false, holds), -EIO);
	CHECK(strstr(holds, "can't be read"));
	CHECK_STR(dev->legs[1].path, paths[1]);
	path = dev->legs[1].path;
	CHECK_EQ(mirror_replace(&devices, dev, paths[2], -1, true, holds), 0);
	/* It is kept for who may be writing a message. */
	free(path);
	CHECK_STR(dev->legs[1].path, paths[2]);
	broken.path = NULL;
	shut_down();
}

/* A leg that has pages of its own takes no place before somebody says so. */
static void test_spare(void)
{
	char holds[CONTENT_TEXT] = "";
	char *path;

	set_up(2);
	dev->legs[1].state = LEG_FAILED;
	CHECK_EQ(device_stamp(dev), 0);
	/* Of the same mirror, and used without the leg that is left. */
	dev->legs[0].state = LEG_FAILED;
	dev->legs[1].state = LEG_GOOD;
	CHECK_EQ(device_stamp(dev), 0);
	close(dev->legs[1].fd);
	dev->legs[1].fd = -1;
	dev->legs[0].state = LEG_GOOD;
	dev->legs[1].state = LEG_FAILED;
	CHECK_EQ(mirror_replace(&devices, dev, paths[1], -1, false, holds), -EMEDIUMTYPE);
	CHECK(strstr(holds, "stored without the other leg"));
	path = dev->legs[1].path;
	CHECK_EQ(mirror_replace(&devices, dev, paths[1], -1, true, holds), 0);
	free(path);
	shut_down();
}

/* An ioctl of block devices fails on a file as it does on a disk that is gone. */
static void test_gone(void)
{
	u64 slot;

	set_up(1);
	slot = store(1);
	dev->legs[0].block = true;
	fault(0, 0, ~0ULL, ON_WRITE, -ENOSPC);
	store(4);
	CHECK_EQ(results[3], -ENOSPC);
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_FAILED);
	CHECK(dev->write_failed && !dev->no_space);
	CHECK_EQ(dev->bad, 0);
	device_retry_space(dev);
	CHECK(!device_is_open(dev));
	fault(0, 0, ~0ULL, ON_READ, 0);
	faults[1].error = -ENXIO;
	load(slot, 1, 0);
	CHECK_EQ(results[0], -EIO);
	shut_down();

	/* A leg of a mirror fails for it, and the other one goes on. */
	set_up(2);
	slot = store(1);
	dev->legs[1].block = true;
	fault(1, 0, ~0ULL, ON_WRITE, -ENOSPC);
	store(2);
	CHECK_EQ(results[1], 0);
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_GOOD);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_FAILED);
	CHECK(!dev->no_space);

	/* What is left of the one that failed before is no help. */
	dev->legs[1].block = false;
	dev->legs[0].block = true;
	nr_faults = 0;
	fault(0, 0, ~0ULL, ON_WRITE, -ENXIO);
	store(1);
	CHECK_EQ(results[0], -ENOSPC);
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_FAILED);
	CHECK(!device_is_open(dev));
	CHECK_EQ(dev->bad, 0);
	dev->legs[0].block = false;
	shut_down();

	/* Nor is one that is being re-silvered: it lacks what was stored. */
	set_up(2);
	dev->legs[1].state = LEG_REBUILDING;
	dev->legs[0].block = true;
	fault(0, 0, ~0ULL, ON_WRITE, -ENXIO);
	store(1);
	CHECK_EQ(results[0], -ENOSPC);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_FAILED);
	CHECK(!device_is_open(dev));
	CHECK_EQ(dev->bad, 0);
	dev->legs[0].block = false;
	shut_down();
}

/* Two stores of several pages each are under way when both legs go. */
static void test_both_gone(void)
{
	struct io_uring_sqe late[2];
	unsigned int i;

	set_up(2);
	dev->legs[0].block = dev->legs[1].block = true;
	fault(0, 0, ~0ULL, ON_WRITE, -ENXIO);
	fault(1, 0, ~0ULL, ON_WRITE, -ENXIO);
	for (i = 0; i < TASKS; i++)
		request(i, TARN_OP_STORE, 0, 0);
	tasks[3].next = NULL;
	/* The answers to the first one come last. */
	io_store(&queue, &tasks[0], 4);
	CHECK_EQ(nr_sqes, 2);
	memcpy(late, sqes, sizeof(late));
	io_store(&queue, &tasks[4], 4);
	run_from(2);
	memcpy(sqes, late, sizeof(late));
	nr_sqes = 2;
	run();
	CHECK_EQ(nr_answers, TASKS);
	for (i = 0; i < TASKS; i++)
		CHECK_EQ(results[i], -ENOSPC);
	CHECK(!device_is_open(dev));
	CHECK(!dev->writes[0] && !dev->writes[1]);
	CHECK_EQ(device_used(dev), 0);
	shut_down();
}

/* It goes between the choice of slots and that of legs. */
static void test_gone_meanwhile(void)
{
	struct extent ext;

	set_up(2);
	request(0, TARN_OP_STORE, 0, 0);
	request(1, TARN_OP_STORE, 0, 0);
	CHECK(place(&queue, &tasks[0], 2, &ext));
	dev->legs[0].state = dev->legs[1].state = LEG_FAILED;
	io_begin(&queue, &tasks[0], &ext, true);
	/* Nobody is answered before the ring is. */
	CHECK_EQ(nr_answers, 0);
	run();
	CHECK_EQ(nr_answers, 2);
	CHECK_EQ(results[1], -ENOSPC);
	CHECK(!device_is_open(dev));
	CHECK(!dev->writes[0] && !dev->writes[1]);
	shut_down();
}

/* That the other leg lacks a page has to be on record before the page counts. */
static void test_no_record(void)
{
	u64 slot;

	set_up(2);
	fault(1, 0, ~0ULL, ON_WRITE, -EIO);
	broken.path = paths[0];
	broken.everywhere = false;
	broken.error = EIO;
	store(1);
	CHECK_EQ(nr_answers, 1);
	CHECK_EQ(results[0], -ENOSPC);
	CHECK(queue.refused);
	CHECK_EQ(leg_state(&dev->legs[0]), LEG_GOOD);
	CHECK_EQ(leg_state(&dev->legs[1]), LEG_FAILED);
	CHECK_EQ(device_used(dev), 0);
	/* Nothing is tried before it is. */
	store(4);
	CHECK_EQ(results[3], -ENOSPC);
	CHECK_EQ(queue.counters.ios, 2);
	device_retry_stamp(dev);
	store(1);
	CHECK_EQ(results[0], -ENOSPC);
	broken.path = NULL;
	device_retry_stamp(dev);
	slot = store(1);
	CHECK_EQ(results[0], 0);
	CHECK_EQ(on_leg(0, slot), 'a');
	CHECK(!dev->writes[0] && !dev->writes[1]);
	shut_down();
}

/* A leg that was done without for its size has no room still. */
static void test_small_leg(void)
{
	set_up(2);
	dev->legs[1].state = LEG_FAILED;
	dev->legs[1].bytes -= PAGER_PAGE_SIZE;
	CHECK_EQ(mirror_resilver(dev), -EFBIG);
	dev->legs[1].bytes += PAGER_PAGE_SIZE;
	CHECK_EQ(mirror_resilver(dev), 0);
	shut_down();
}

/* ---- wide requests ------------------------------------------------------- */

#define WIDE 4U

static void request_wide(u8 op, u64 cookie)
{
	request(0, op, TARN_REQ_WIDE, cookie);
	tasks[0].pages = WIDE;
	nr_answers = 0;
}

static s32 store_wide(u64 outdated)
{
	unsigned int i;

	for (i = 0; i < WIDE; i++)
		memset(frame(i), 'a' + i, PAGER_PAGE_SIZE);
	request_wide(TARN_OP_STORE, outdated);
	io_store_wide(&queue, &tasks[0]);
	run();
	CHECK_EQ(nr_answers, 1);
	CHECK(!dev->writes[0] && !dev->writes[1]);
	tasks[0].pages = 1;
	return results[0];
}

static s32 load_wide(u64 cookie)
{
	memset(at.window, 0, FRAMES * PAGER_PAGE_SIZE);
	request_wide(TARN_OP_LOAD, cookie);
	io_load_wide(&queue, &tasks[0]);
	run();
	CHECK_EQ(nr_answers, 1);
	tasks[0].pages = 1;
	return results[0];
}

/* One write a leg, one read, one answer. */
static void test_wide(void)
{
	unsigned int i;
	u64 slot;

	set_up(2);
	CHECK_EQ(store_wide(0), 0);
	CHECK_EQ(queue.counters.ios, 2);
	CHECK_EQ(queue.counters.stores, WIDE);
	CHECK_EQ(device_used(dev), WIDE);
	slot = cookie_slot(cookies[0]);
	for (i = 0; i < WIDE; i++) {
		CHECK_EQ(on_leg(0, slot + i), 'a' + (int)i);
		CHECK_EQ(on_leg(1, slot + i), 'a' + (int)i);
	}
	CHECK_EQ(load_wide(cookies[0]), 0);
	CHECK_EQ(queue.counters.ios, 3);
	for (i = 0; i < WIDE; i++)
		CHECK_EQ(*frame(i), 'a' + (int)i);
	CHECK_EQ(load_wide(device_cookie(dev, dev->slots.end - 1)), -EIO);
	shut_down();
}

/* What is wrong with one page is found out when they are asked for one by one. */
static void test_wide_fails(void)
{
	u64 slot;

	set_up(2);
	slot = dev->slots.cursor;
	fault(0, slot + 2, 1, ON_WRITE, -EIO);
	CHECK(store_wide(0) < 0);
	CHECK_EQ(device_used(dev), 0);
	CHECK(both_good());
	CHECK_EQ(dev->legs[0].write_errors, 0);
	CHECK_EQ(queue.counters.store_errors, 0);
	CHECK(!queue.refused);
	nr_faults = 0;
	CHECK_EQ(store_wide(0), 0);
	slot = cookie_slot(cookies[0]);
	fault(0, slot + 2, 1, ON_READ, -EIO);
	CHECK(load_wide(cookies[0]) < 0);
	CHECK_EQ(dev->legs[0].read_errors, 0);
	load(slot, WIDE, 0);
	CHECK_EQ(results[2], 0);
	CHECK_EQ(*frame(2), 'c');
	CHECK_EQ(dev->legs[0].repaired, 1);
	shut_down();
}

/* The old copies' place will do; without any nothing is taken. */
static void test_wide_without_run(void)
{
	u64 slot, cookie;

	set_up(1);
	CHECK_EQ(store_wide(0), 0);
	cookie = cookies[0];
	for (slot = dev->slots.first; slot < dev->slots.end; slot += WIDE - 1)
		slots_take(&dev->slots, slot);
	slot = device_used(dev);
	CHECK_EQ(store_wide(0), -ENOSPC);
	CHECK(!queue.refused);
	CHECK_EQ(device_used(dev), slot);
	CHECK_EQ(store_wide(cookie), 0);
	CHECK_EQ(cookies[0], cookie);
	CHECK_EQ(device_used(dev), slot);
	/* Its page keeps the slot, whatever is in it now. */
	fault(0, cookie_slot(cookie) + 1, 1, ON_WRITE, -EIO);
	CHECK(store_wide(cookie) < 0);
	CHECK_EQ(device_used(dev), slot);
	shut_down();
}

static const struct tap_test tests[] = {
	{ "a bad sector is written anew", test_bad_sector },
	{ "so is wrong content", test_wrong_content },
	{ "what is not right is not written anew", test_wrong_rescue },
	{ "a frame that is gone", test_frame_goes },
	{ "a page that neither leg can read", test_both_bad },
	{ "when a leg fails", test_leg_fails },
	{ "slots that a leg lacks", test_lost },
	{ "a leg without room", test_room },
	{ "an error that passes", test_passing },
	{ "a leg that is full and then dies", test_full_then_dead },
	{ "a leg whose first page can't be read", test_unreadable_leg },
	{ "a leg that has pages of its own", test_spare },
	{ "a disk that is gone", test_gone },
	{ "a failed leg that is not on record", test_no_record },
	{ "a leg that is too small", test_small_leg },
	{ "both disks of a mirror, with stores under way", test_both_gone },
	{ "and with one that is about to be", test_gone_meanwhile },
	{ "a wide request is one write and one read", test_wide },
	{ "a wide request with a bad slot", test_wide_fails },
	{ "a wide request without a run of slots", test_wide_without_run },
};

int main(void)
{
	int ret;

	if (!mkdtemp(folder))
		return EXIT_FAILURE;
	ret = tap_run(tests, ARRAY_SIZE(tests));
	fresh_files();
	rmdir(folder);
	return ret;
}
