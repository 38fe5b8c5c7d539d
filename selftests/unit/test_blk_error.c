// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disks whose requests fail: a file system that is full, and a node that fails at
 * will. The machine stops, is perhaps saved and restored, and goes on.
 */
#include "../../vmm/virtio/blk.c"
#include "blk_driver.h"
#include "pci-internal.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN 64
#define DISK (8 << 20)
#define PART 65536
#define NR 20

static char dir[] = "/tmp/tarn-test-error-XXXXXX";
/* Images, named by what becomes of errors; the first is on a small file system. */
static char full[PATH_LEN], stop[PATH_LEN], ignore[PATH_LEN];
static bool have_full;

/* What monitors heard. */
static struct block_error told;
static unsigned int nr_told;

static void listener(const struct block *blk, const struct block_error *error)
{
	told = *error;
	nr_told++;
}

/* A node that fails requests of one kind. */
static const struct block_ops *real_ops;
static enum block_op fail_op;
static int fail_with;
static unsigned int submitted[5]; /* by enum block_op */

static void faulty_submit(struct block *blk, struct block_req *req)
{
	__atomic_add_fetch(&submitted[req->op], 1, __ATOMIC_SEQ_CST);
	if (fail_with && req->op == fail_op)
		req->done(req, fail_with);
	else
		real_ops->submit(blk, req);
}

static void make_faulty(const char *name)
{
	static struct block_ops ops;

	if (!real_ops)
		real_ops = block_find(name)->ops;
	ops = *real_ops;
	ops.submit = faulty_submit;
	block_find(name)->ops = &ops;
}

static void fail(enum block_op op, int ret)
{
	vm_lock(&vm);
	fail_op = op;
	WRITE_ONCE(fail_with, ret);
	vm_unlock(&vm);
}

/* Without the right to mount, the node says that there is no room. */
static void take_room(void)
{
	if (!have_full) {
		fail(BLOCK_WRITE, -ENOSPC);
		return;
	}
	CHECK(!truncate(full, 0) && !truncate(full, DISK));
	CHECK(!mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=1M"));
}

static void give_room(void)
{
	if (have_full)
		CHECK(!mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=64M"));
	else
		fail(BLOCK_WRITE, 0);
}

static struct device *disk(unsigned int slot)
{
	return &vm.pci->slot[slot]->dev;
}

static struct virtio_blk *blk_at(unsigned int slot)
{
	return to_blk(virtio_pci_dev(disk(slot)));
}

static void use_disk(unsigned int slot)
{
	/* They have their rings in one place. */
	if (drv.slot)
		status_out(&drv, 0);
	driver_probe(&drv, slot);
	bring_up(all_features());
	told = (struct block_error){0};
}

/* Until the machine stands still, and as it goes on. */
static void stopped(void)
{
	while (sem_wait(&disk_stop))
		;
	/* The main thread has the lock until all is told. */
	vm_lock(&vm);
	CHECK_EQ(vm.state, VM_IO_ERROR);
	vm_unlock(&vm);
}

static void go_on(void)
{
	struct device *dev;

	vm_lock(&vm);
	vm.state = VM_RUNNING;
	TAILQ_FOREACH(dev, &vm.devices, link)
		if (dev->ops->resume)
			dev->ops->resume(dev);
	vm_unlock(&vm);
}

static void image_disk(const char *name, char *path, const char *options)
{
	char blockdev[256], device[128];
	int fd;

	snprintf(path, PATH_LEN, "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	CHECK(fd >= 0 && !ftruncate(fd, DISK));
	close(fd);
	snprintf(blockdev, sizeof(blockdev),
		 "raw,node-name=%s,discard=unmap,file.driver=file,file.filename=%s",
		 name, path);
	snprintf(device, sizeof(device), "drive=%s,queue-size=64,%s", name,
		 options);
	disk_create(blockdev, device);
	make_faulty(name);
}

static void mount_small(void)
{
	int flag = geteuid() ? CLONE_NEWUSER : 0;

	have_full = !unshare(CLONE_NEWNS | flag) &&
		    !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		    !mount("tmpfs", dir, "tmpfs", 0, "size=1M");
}

static void test_begin(void)
{
	CHECK(mkdtemp(dir));
	mount_small();
	block_set_listener(listener);
	machine_start();
	image_disk("d0", full, "addr=5");
	image_disk("d1", stop, "addr=6,werror=stop,rerror=stop");
	image_disk("d2", ignore, "addr=7,werror=ignore,rerror=ignore");
	vm.state = VM_RUNNING;
	machine_run();
}

/* More than there is room for, all at once. */
static void fill(void)
{
	u8 *mem = tarn_mem_ptr(&vm.mem, DATA, NR * PART);
	unsigned int i;

	for (i = 0; i < NR; i++) {
		pattern(mem + i * PART, PART, i);
		offer(VIRTIO_BLK_T_OUT, i * (PART / 512), DATA + i * PART,
		      PART, false);
	}
	driver_kick(&drv, 0);
}

static void check_filled(void)
{
	static u8 want[NR * PART], got[NR * PART];
	int fd = open(full, O_RDONLY);
	unsigned int i;
	u8 status;

	used_wait(&drv, &ring, 0, ring.idx);
	for (i = 0; i < NR; i++) {
		pattern(want + i * PART, PART, i);
		tarn_mem_read(&vm.mem,
			      STATUS + ring_used(&ring, ring.idx - 1 - i).id,
			      &status, 1);
		CHECK_EQ(status, VIRTIO_BLK_S_OK);
	}
	CHECK_EQ(pread(fd, got, sizeof(got), 0), sizeof(got));
	CHECK(!memcmp(want, got, sizeof(got)));
	close(fd);
}

/* The guest sees nothing of it but time that passes. */
static void test_full(void)
{
	take_room();
	use_disk(5);
	fill();
	stopped();
	CHECK(ring_used_idx(&ring) < NR);
	CHECK_EQ(told.error, ENOSPC);
	CHECK_EQ(told.action, BLOCK_ACTION_STOP);
	CHECK(told.write);
	CHECK_EQ(block_find("d0")->error, ENOSPC);
	/* Gone on too early, it stops again. */
	go_on();
	stopped();
	CHECK(ring_used_idx(&ring) < NR);
	give_room();
	go_on();
	check_filled();
	CHECK_EQ(block_find("d0")->error, 0);
}

static struct state_out *save(unsigned int slot)
{
	struct state_out *out = state_out_create();

	CHECK_EQ(state_section(out, "disk", 1), 0);
	CHECK_EQ(disk(slot)->ops->save(disk(slot), out), 0);
	return out;
}

static void load(unsigned int slot, struct state_out *out, int want)
{
	struct state_in in;
	size_t len, off = 0;
	const void *data = state_out_data(out, &len);

	disk(slot)->ops->reset(disk(slot));
	CHECK_EQ(state_next(data, len, &off, &in), 1);
	CHECK_EQ(disk(slot)->ops->load(disk(slot), &in, 1), want);
	state_out_destroy(out);
}

/* What was kept is part of what is saved. */
static void test_saved(void)
{
	take_room();
	use_disk(5);
	fill();
	stopped();
	vm_lock(&vm);
	load(5, save(5), 0);
	CHECK(blk_at(5)->queues[0].nr_kept > 0);
	vm_unlock(&vm);
	give_room();
	go_on();
	check_filled();
}

/* Another image is in the place of the saved one. */
static void test_other_size(void)
{
	struct state_out *out;

	use_disk(6);
	vm_lock(&vm);
	out = save(6);
	block_find("d1")->size -= 512;
	load(6, out, -EINVAL);
	block_find("d1")->size += 512;
	disk(6)->ops->reset(disk(6));
	out = save(6);
	blk_at(6)->config.blk_size = htole32(4096);
	load(6, out, -EINVAL);
	blk_at(6)->config.blk_size = htole32(512);
	disk(6)->ops->reset(disk(6));
	load(6, save(6), 0);
	vm_unlock(&vm);
}

static void test_read(void)
{
	u8 *mem = tarn_mem_ptr(&vm.mem, DATA, 512);

	use_disk(6);
	pattern(mem, 512, 9);
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, 3, DATA, 512, false, NULL),
		 VIRTIO_BLK_S_OK);
	memset(mem, 0, 512);
	fail(BLOCK_READ, -EIO);
	offer(VIRTIO_BLK_T_IN, 3, DATA, 512, true);
	driver_kick(&drv, 0);
	stopped();
	CHECK_EQ(told.error, EIO);
	CHECK(!told.write);
	CHECK_EQ(block_find("d1")->error, EIO);
	fail(BLOCK_READ, 0);
	go_on();
	CHECK_EQ(finish(NULL), VIRTIO_BLK_S_OK);
	CHECK_EQ(mem[1], 7 + 9);
}

static void one_kind(u32 type, enum block_op op, u32 len)
{
	struct virtio_blk_discard_write_zeroes r = {8, 8, 0};

	use_disk(6);
	tarn_mem_write(&vm.mem, DATA, &r, sizeof(r));
	fail(op, -EIO);
	offer(type, 0, DATA, len, false);
	driver_kick(&drv, 0);
	stopped();
	CHECK(told.write);
	CHECK_EQ(ring_used_idx(&ring), 0);
	fail(op, 0);
	go_on();
	CHECK_EQ(finish(NULL), VIRTIO_BLK_S_OK);
}

static void test_kinds(void)
{
	one_kind(VIRTIO_BLK_T_FLUSH, BLOCK_FLUSH, 0);
	one_kind(VIRTIO_BLK_T_DISCARD, BLOCK_DISCARD, 16);
	one_kind(VIRTIO_BLK_T_WRITE_ZEROES, BLOCK_ZERO, 16);
}

/* By default a guest is told of what is no want of room. */
static void test_report(void)
{
	use_disk(5);
	fail(BLOCK_WRITE, -EIO);
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, 0, DATA, 512, false, NULL),
		 VIRTIO_BLK_S_IOERR);
	fail(BLOCK_READ, -ENOSPC);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, 0, DATA, 512, true, NULL),
		 VIRTIO_BLK_S_IOERR);
	fail(BLOCK_READ, 0);
	CHECK_EQ(vm.state, VM_RUNNING);
}

static void test_ignore(void)
{
	use_disk(7);
	fail(BLOCK_WRITE, -EIO);
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, 0, DATA, 512, false, NULL),
		 VIRTIO_BLK_S_OK);
	fail(BLOCK_READ, -EIO);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, 0, DATA, 512, true, NULL),
		 VIRTIO_BLK_S_OK);
	fail(BLOCK_READ, 0);
	CHECK_EQ(vm.state, VM_RUNNING);
}

/* A reset forgets what was kept, before the machine stops or after. */
static void test_reset(void)
{
	use_disk(6);
	fail(BLOCK_WRITE, -EIO);
	offer(VIRTIO_BLK_T_OUT, 0, DATA, 512, false);
	driver_kick(&drv, 0);
	stopped();
	status_out(&drv, 0);
	CHECK_EQ(blk_at(6)->queues[0].nr_kept, 0);
	fail(BLOCK_WRITE, 0);
	go_on();
	use_disk(6);
	CHECK_EQ(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0, false, NULL),
		 VIRTIO_BLK_S_OK);
	CHECK_EQ(ring_used_idx(&ring), 1);
}

/* A chain that the guest has changed meanwhile is looked at as if it were new. */
static void test_changed(void)
{
	u32 bad;

	for (bad = 0; bad < 3; bad++) {
		use_disk(6);
		common_out(&drv, VIRTIO_PCI_COMMON_MSIX, 0, 2);
		irq_clear(&drv, 0);
		fail(BLOCK_WRITE, -EIO);
		offer(VIRTIO_BLK_T_OUT, 0, DATA, 512, false);
		driver_kick(&drv, 0);
		stopped();
		if (bad == 0)
			ring_desc(&ring, 0, RAM_SIZE, 16, VRING_DESC_F_NEXT, 1);
		else if (bad == 1)
			ring_desc(&ring, 0, HEADERS, 15, 0, 0);
		else
			ring_desc(&ring, 0, HEADERS, 16, VRING_DESC_F_NEXT, 0);
		fail(BLOCK_WRITE, 0);
		go_on();
		irq_wait(&drv, 0);
		CHECK(status_in(&drv) & VIRTIO_CONFIG_S_NEEDS_RESET);
	}
	use_disk(6);
	CHECK_EQ(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0, false, NULL),
		 VIRTIO_BLK_S_OK);
}

/* Where no cache is told of, nothing may be in one when a request is complete. */
static void test_write_through(void)
{
	struct virtio_blk_discard_write_zeroes r[] = {{8, 8, 0}, {32, 8, 0}};
	static const u32 types[] = {VIRTIO_BLK_T_WRITE_ZEROES,
				    VIRTIO_BLK_T_DISCARD};
	unsigned int i, before;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		use_disk(6);
		before = submitted[BLOCK_FLUSH];
		tarn_mem_write(&vm.mem, DATA, r, sizeof(r));
		CHECK_EQ(request(types[i], 0, DATA, sizeof(r), false, NULL),
			 VIRTIO_BLK_S_OK);
		CHECK_EQ(submitted[BLOCK_FLUSH], before);
		status_out(&drv, 0);
		bring_up(all_features() & ~(1ULL << VIRTIO_BLK_F_FLUSH));
		CHECK_EQ(request(types[i], 0, DATA, sizeof(r), false, NULL),
			 VIRTIO_BLK_S_OK);
		CHECK_EQ(submitted[BLOCK_FLUSH], before + 1);
	}
}

/* In the place of libc's: a flush by the main thread. */
static int sync_fails;
static unsigned int nr_syncs;

int fdatasync(int fd)
{
	nr_syncs++;
	errno = sync_fails;
	return sync_fails ? -1 : 0;
}

/* The disks stand still. What was lost stays so: no later flush succeeds. */
static void test_sync(void)
{
	unsigned int slot;

	use_disk(7);
	vm_lock(&vm);
	CHECK_EQ(block_sync_all(), 0);
	CHECK_EQ(nr_syncs, 3);
	sync_fails = ENOSPC;
	CHECK_EQ(block_sync_all(), -ENOTRECOVERABLE);
	sync_fails = 0;
	CHECK_EQ(block_sync_all(), -ENOTRECOVERABLE);
	vm_unlock(&vm);
	/*
	 * Guests hear of it: they would stop for ever, be it for want of room or for
	 * any error. What they can write anew they can.
	 */
	for (slot = 5; slot <= 6; slot++) {
		use_disk(slot);
		CHECK_EQ(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0, false, NULL),
			 VIRTIO_BLK_S_IOERR);
		CHECK_EQ(vm.state, VM_RUNNING);
		CHECK_EQ(request(VIRTIO_BLK_T_OUT, 0, DATA, 512, false, NULL),
			 VIRTIO_BLK_S_OK);
	}
}

static void test_end(void)
{
	machine_end();
	block_destroy_all();
	if (have_full)
		umount(dir);
	unlink(full);
	unlink(stop);
	unlink(ignore);
	CHECK(!rmdir(dir));
}

static const struct tap_test tests[] = {
	{"creation", test_begin},
	{"a full file system stops the machine", test_full},
	{"saved and restored meanwhile", test_saved},
	{"restored with a disk of another size", test_other_size},
	{"reads with rerror=stop", test_read},
	{"flush, discard, write zeroes with werror=stop", test_kinds},
	{"what is reported", test_report},
	{"what is ignored", test_ignore},
	{"reset while it stands still", test_reset},
	{"chains changed while it stands still", test_changed},
	{"write zeroes and discard without a cache", test_write_through},
	{"flush of all", test_sync},
	{"destruction", test_end},
};

TAP_MAIN(tests)
