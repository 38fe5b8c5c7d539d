// SPDX-License-Identifier: GPL-2.0-only
/* virtio-blk on a raw file: contents, limits, hostile requests, resets. */
#include "../../vmm/virtio/blk.c"
#include "blk_driver.h"
#include "hostile.h"
#include "tap.h"
#include "virtio/devices.h"
#include "virtio/virtio-pci.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK (8ULL << 20)
#define SECTORS (DISK / SECTOR)

static char path[] = "/tmp/tarn-test-blk-XXXXXX";
static int disk_fd;

static void make_disk(const char *options)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "raw,node-name=d0,discard=unmap,file.driver=file,"
		 "file.filename=%s%s", path, options);
	disk_create(text, "addr=5,drive=d0,serial=tarn-serial,queue-size=64");
}

static void test_begin(void)
{
	disk_fd = mkstemp(path);
	CHECK(disk_fd >= 0 && !ftruncate(disk_fd, DISK));
	machine_start();
	make_disk("");
	machine_run();
	driver_probe(&drv, 5);
}

static void test_config(void)
{
	u64 cfg = drv.regs[VIRTIO_PCI_CAP_DEVICE_CFG];

	CHECK_EQ(guest_read(BUS_MMIO, cfg, 8), SECTORS);
	CHECK_EQ(guest_read(BUS_MMIO, cfg + 12, 4), 62);
	CHECK_EQ(guest_read(BUS_MMIO, cfg + 20, 4), 512);
	CHECK_EQ(guest_read(BUS_MMIO, cfg + 34, 2), 1);
	CHECK((features_in(&drv) & all_features()) == all_features());
	CHECK(!(features_in(&drv) & 1ULL << VIRTIO_BLK_F_RO));
	CHECK(!(features_in(&drv) & 1ULL << VIRTIO_BLK_F_MQ));
}

static void test_read_write(void)
{
	u8 want[65536], got[65536];
	u8 *mem = tarn_mem_ptr(&vm.mem, DATA, sizeof(want));
	u32 used;

	bring_up(all_features());
	pattern(want, sizeof(want), 1);
	memcpy(mem, want, sizeof(want));
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, 100, DATA, sizeof(want), false,
			 &used), VIRTIO_BLK_S_OK);
	CHECK_EQ(used, 1);
	CHECK_EQ(pread(disk_fd, got, sizeof(got), 100 * 512), sizeof(got));
	CHECK(!memcmp(got, want, sizeof(got)));
	CHECK_EQ(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0, false, &used),
		 VIRTIO_BLK_S_OK);

	pattern(want, sizeof(want), 2);
	CHECK_EQ(pwrite(disk_fd, want, sizeof(want), 0), sizeof(want));
	CHECK_EQ(request(VIRTIO_BLK_T_IN, 1, DATA, 4096, true, &used),
		 VIRTIO_BLK_S_OK);
	CHECK_EQ(used, 4097);
	CHECK(!memcmp(mem, want + 512, 4096));
	/* The last sector. */
	CHECK_EQ(request(VIRTIO_BLK_T_IN, SECTORS - 1, DATA, 512, true, &used),
		 VIRTIO_BLK_S_OK);
}

static void test_many(void)
{
	u8 want[512], *mem;
	unsigned int i, round;

	bring_up(all_features());
	for (i = 0; i < 64; i++) {
		pattern(want, sizeof(want), i);
		CHECK_EQ(pwrite(disk_fd, want, 512, i * 512), 512);
	}
	for (round = 0; round < 50; round++) {
		for (i = 0; i < 20; i++)
			offer(VIRTIO_BLK_T_IN, (i * 13 + round) % 64,
			      DATA + i * 512, 512, true);
		CHECK_EQ(finish(NULL), VIRTIO_BLK_S_OK);
		for (i = 0; i < 20; i++) {
			pattern(want, sizeof(want), (i * 13 + round) % 64);
			mem = tarn_mem_ptr(&vm.mem, DATA + i * 512, 512);
			CHECK(!memcmp(mem, want, 512));
		}
	}
}

static void test_get_id(void)
{
	u32 used;

	bring_up(all_features());
	CHECK_EQ(request(VIRTIO_BLK_T_GET_ID, 0, DATA, 20, true, &used),
		 VIRTIO_BLK_S_OK);
	CHECK_EQ(used, 21);
	CHECK(!strcmp(tarn_mem_ptr(&vm.mem, DATA, 20), "tarn-serial"));
	/* Less room than the serial takes. */
	CHECK_EQ(request(VIRTIO_BLK_T_GET_ID, 0, DATA, 4, true, &used),
		 VIRTIO_BLK_S_OK);
	CHECK_EQ(used, 5);
}

static u8 ranges(u32 type, const struct virtio_blk_discard_write_zeroes *r,
		 size_t len)
{
	tarn_mem_write(&vm.mem, DATA, r, len);
	return request(type, 0, DATA, len, false, NULL);
}

static bool all_zero(u64 sector, u64 nr)
{
	u8 buf[512];
	size_t i;

	for (; nr; sector++, nr--) {
		if (pread(disk_fd, buf, 512, sector * 512) != 512)
			return false;
		for (i = 0; i < 512; i++)
			if (buf[i])
				return false;
	}
	return true;
}

static void fill_disk(void)
{
	static u8 buf[DISK];

	memset(buf, 0x5a, sizeof(buf));
	CHECK_EQ(pwrite(disk_fd, buf, DISK, 0), DISK);
}

static void test_discard(void)
{
	struct virtio_blk_discard_write_zeroes r[] = {{1024, 4096, 0},
						      {8192, 8, 0}};
	struct stat before, after;

	bring_up(all_features());
	fill_disk();
	fsync(disk_fd);
	fstat(disk_fd, &before);
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, r, sizeof(r)), VIRTIO_BLK_S_OK);
	fstat(disk_fd, &after);
	CHECK(after.st_blocks < before.st_blocks);
	CHECK_EQ(after.st_size, DISK);
	CHECK(all_zero(1024, 4096) && all_zero(8192, 8));
	CHECK(!all_zero(1023, 1) && !all_zero(5120, 1) && !all_zero(8200, 1));
}

static void test_write_zeroes(void)
{
	struct virtio_blk_discard_write_zeroes r[] = {
		{16, 3, 0},
		{64, 200, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP},
		{400, 0, 0},
	};

	bring_up(all_features());
	fill_disk();
	CHECK_EQ(ranges(VIRTIO_BLK_T_WRITE_ZEROES, r, sizeof(r)),
		 VIRTIO_BLK_S_OK);
	CHECK(all_zero(16, 3) && all_zero(64, 200));
	CHECK(!all_zero(15, 1) && !all_zero(19, 1) && !all_zero(63, 1) &&
	      !all_zero(264, 1) && !all_zero(400, 1));
}

static void test_bad_ranges(void)
{
	struct virtio_blk_discard_write_zeroes r = {0, 8, 0};
	struct virtio_blk_discard_write_zeroes many[17] = {{0, 8, 0}};

	bring_up(all_features());
	fill_disk();
	r.sector = SECTORS - 4;
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, &r, 16), VIRTIO_BLK_S_IOERR);
	r.sector = UINT64_MAX - 3;
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, &r, 16), VIRTIO_BLK_S_IOERR);
	r.sector = 0;
	r.num_sectors = 0xffffffff;
	CHECK_EQ(ranges(VIRTIO_BLK_T_WRITE_ZEROES, &r, 16), VIRTIO_BLK_S_IOERR);
	r.num_sectors = 8;
	r.flags = 1;
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, &r, 16), VIRTIO_BLK_S_UNSUPP);
	r.flags = 2;
	CHECK_EQ(ranges(VIRTIO_BLK_T_WRITE_ZEROES, &r, 16),
		 VIRTIO_BLK_S_UNSUPP);
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, &r, 15), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, &r, 0), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, many, sizeof(many)),
		 VIRTIO_BLK_S_IOERR);
	CHECK(!all_zero(0, 1));
	/* Not negotiated. */
	bring_up(1ULL << VIRTIO_BLK_F_FLUSH);
	r.flags = 0;
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, &r, 16), VIRTIO_BLK_S_UNSUPP);
}

static void test_out_of_range(void)
{
	bring_up(all_features());
	CHECK_EQ(request(VIRTIO_BLK_T_IN, SECTORS, DATA, 512, true, NULL),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, SECTORS - 1, DATA, 1024, false,
			 NULL), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, UINT64_MAX, DATA, 512, false, NULL),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, UINT64_MAX / 512, DATA, 512, false,
			 NULL), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, 0, DATA, 511, true, NULL),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, 0, DATA, 513, false, NULL),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(4711, 0, DATA, 512, false, NULL),
		 VIRTIO_BLK_S_UNSUPP);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, 0, 0, 0, true, NULL),
		 VIRTIO_BLK_S_OK);
	/* An image that somebody cut: an error, and the device goes on. */
	CHECK_EQ(ftruncate(disk_fd, DISK / 2), 0);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, SECTORS - 8, DATA, 512, true, NULL),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(ftruncate(disk_fd, DISK), 0);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, SECTORS - 8, DATA, 512, true, NULL),
		 VIRTIO_BLK_S_OK);
}

/* Header and status where no field boundary is. */
static void test_framing(void)
{
	struct virtio_blk_outhdr h = {.type = VIRTIO_BLK_T_OUT, .sector = 7};
	u8 want[1024], got[1024], status;
	u16 i;

	bring_up(all_features());
	pattern(want, sizeof(want), 3);
	tarn_mem_write(&vm.mem, DATA, &h, sizeof(h));
	tarn_mem_write(&vm.mem, DATA + 16, want, sizeof(want));
	/* Out: 1 + 14 + (1 + 511) + 512 + 1 bytes of header and data. */
	ring_desc(&ring, 0, DATA, 1, VRING_DESC_F_NEXT, 1);
	ring_desc(&ring, 1, DATA + 1, 14, VRING_DESC_F_NEXT, 2);
	ring_desc(&ring, 2, DATA + 15, 512, VRING_DESC_F_NEXT, 3);
	ring_desc(&ring, 3, DATA + 527, 513, VRING_DESC_F_NEXT, 4);
	ring_desc(&ring, 4, STATUS, 1, VRING_DESC_F_WRITE, 0);
	ring_offer(&ring, 0);
	CHECK_EQ(finish(NULL), VIRTIO_BLK_S_OK);
	CHECK_EQ(pread(disk_fd, got, sizeof(got), 7 * 512), sizeof(got));
	CHECK(!memcmp(got, want, sizeof(got)));

	/* In: data and status in one buffer, through an indirect table. */
	h.type = VIRTIO_BLK_T_IN;
	tarn_mem_write(&vm.mem, DATA, &h, sizeof(h));
	table_set(&ring, STATUS + 0x1000, 0, DATA, 16, VRING_DESC_F_NEXT, 1);
	for (i = 1; i < 4; i++)
		table_set(&ring, STATUS + 0x1000, i,
			  DATA + 0x1000 + (i - 1) * 100, 100,
			  VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, i + 1);
	table_set(&ring, STATUS + 0x1000, 4, DATA + 0x1000 + 300, 725,
		  VRING_DESC_F_WRITE, 0);
	ring_desc(&ring, 9, STATUS + 0x1000, 5 * 16, VRING_DESC_F_INDIRECT, 0);
	ring_offer(&ring, 9);
	finish(NULL);
	tarn_mem_read(&vm.mem, DATA + 0x1000 + 1024, &status, 1);
	CHECK_EQ(status, VIRTIO_BLK_S_OK);
	tarn_mem_read(&vm.mem, DATA + 0x1000, got, sizeof(got));
	CHECK(!memcmp(got, want, sizeof(got)));
}

static void broken_by(u32 out_len, u32 in_len)
{
	u16 n = 0;

	bring_up(all_features());
	common_out(&drv, VIRTIO_PCI_COMMON_MSIX, 0, 2);
	irq_clear(&drv, 0);
	if (out_len)
		ring_desc(&ring, n++, DATA, out_len,
			  in_len ? VRING_DESC_F_NEXT : 0, 1);
	if (in_len)
		ring_desc(&ring, n++, STATUS, in_len, VRING_DESC_F_WRITE, 0);
	ring_offer(&ring, 0);
	driver_kick(&drv, 0);
	irq_wait(&drv, 0);
	CHECK(status_in(&drv) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void test_headerless(void)
{
	broken_by(15, 1);
	broken_by(16, 0);
	broken_by(0, 17);
	bring_up(all_features());
	CHECK_EQ(request(VIRTIO_BLK_T_IN, 0, DATA, 512, true, NULL),
		 VIRTIO_BLK_S_OK);
}

/* After a reset nothing writes into the guest's buffers any more. */
static void test_reset_in_flight(void)
{
	unsigned int round, i;
	u8 *mem = tarn_mem_ptr(&vm.mem, DATA, 20 * 65536);

	fill_disk();
	for (round = 0; round < 100; round++) {
		bring_up(all_features());
		for (i = 0; i < 20; i++)
			offer(VIRTIO_BLK_T_IN, i * 128, DATA + i * 65536,
			      65536, true);
		driver_kick(&drv, 0);
		status_out(&drv, 0);
		memset(mem, 0x11, 20 * 65536);
		bring_up(all_features());
		CHECK_EQ(request(VIRTIO_BLK_T_FLUSH, 0, 0, 0, false, NULL),
			 VIRTIO_BLK_S_OK);
		for (i = 0; i < 20 * 65536; i++)
			if (mem[i] != 0x11)
				break;
		CHECK_EQ(i, 20 * 65536);
	}
}

static void test_pause(void)
{
	struct device *dev = TAILQ_LAST(&vm.devices, device_list);
	unsigned int round, i;
	u16 seen;

	bring_up(all_features());
	for (round = 0; round < 50; round++) {
		for (i = 0; i < 10; i++)
			offer(VIRTIO_BLK_T_IN, i * 128, DATA + i * 65536,
			      65536, true);
		driver_kick(&drv, 0);
		vm_lock(&vm);
		CHECK_EQ(dev->ops->pause(dev), 0);
		seen = ring_used_idx(&ring);
		CHECK_EQ(to_blk(virtio_pci_dev(dev))->queues[0].inflight, 0);
		CHECK_EQ(virtio_pci_dev(dev)->queues[0].vq.last_avail, seen);
		dev->ops->resume(dev);
		vm_unlock(&vm);
		used_wait(&drv, &ring, 0, ring.idx);
	}
}

static void bring_up_all(void)
{
	bring_up(all_features());
}

/* A header, sectors, a status: one behind the other, where any_requests() writes. */
static void shape(struct vring_desc *d, u16 i, u64 r)
{
	const struct vring_desc parts[] = {
		{0, sizeof(struct virtio_blk_outhdr), VRING_DESC_F_NEXT, 0},
		{0, SECTOR * (1 + (r >> 33) % 8),
		 VRING_DESC_F_NEXT | (r >> 32 & VRING_DESC_F_WRITE), 0},
		{0, 1, VRING_DESC_F_WRITE, 0},
	};

	*d = parts[i % 3];
	d->addr = 0x400000 + (r & 0x1ffe0);
	d->next = (i + 1) % QSIZE;
}

static void any_requests(void)
{
	static u64 seed = 1;
	struct virtio_blk_outhdr h;
	u64 r, i;

	for (i = 0; i < 64; i++) {
		r = hostile_random(&seed);
		h = (struct virtio_blk_outhdr){
			.type = r % 16,
			.sector = r >> 4 & 7 ? (r >> 8) % SECTORS : r};
		tarn_mem_write(&vm.mem, 0x400000 + (r >> 32 & 0x1ffe0), &h,
			       sizeof(h));
	}
	/* Others have to come to it, on few processors, too. */
	usleep(100);
}

/* Descriptors and headers change while they are read, and with requests in flight. */
static void test_hostile(void)
{
	const struct block_stats *stats = &block_find("d0")->stats;
	u64 reads = stats->ops[BLOCK_READ], writes = stats->ops[BLOCK_WRITE];
	u8 *mem = tarn_mem_ptr(&vm.mem, DATA, SECTOR);

	hostile_shape = shape;
	hostile_parts = 3;
	hostile(&drv, &ring, 1, bring_up_all, any_requests);
	reads = stats->ops[BLOCK_READ] - reads;
	writes = stats->ops[BLOCK_WRITE] - writes;
	printf("# %llu reads and %llu writes\n", (unsigned long long)reads,
	       (unsigned long long)writes);
	CHECK(reads + writes);
	memset(mem, 0x5a, SECTOR);
	CHECK_EQ(request(VIRTIO_BLK_T_OUT, 7, DATA, SECTOR, false, NULL),
		 VIRTIO_BLK_S_OK);
	memset(mem, 0, SECTOR);
	CHECK_EQ(request(VIRTIO_BLK_T_IN, 7, DATA, SECTOR, true, NULL),
		 VIRTIO_BLK_S_OK);
	CHECK_EQ(mem[0], 0x5a);
	CHECK_EQ(mem[SECTOR - 1], 0x5a);
}

static void test_end(void)
{
	machine_end();
	CHECK(!block_find("d0")->user);
	block_destroy_all();
	CHECK(!block_find("d0"));
	close(disk_fd);
	unlink(path);
}

static const struct tap_test tests[] = {
	{"creation", test_begin},
	{"configuration", test_config},
	{"reading, writing, flushing", test_read_write},
	{"many in flight", test_many},
	{"serial number", test_get_id},
	{"discard", test_discard},
	{"write zeroes", test_write_zeroes},
	{"ranges that are refused", test_bad_ranges},
	{"requests that are refused", test_out_of_range},
	{"any framing", test_framing},
	{"no header or no status", test_headerless},
	{"reset with requests in flight", test_reset_in_flight},
	{"pause with requests in flight", test_pause},
	{"a hostile driver", test_hostile},
	{"destruction", test_end},
};

TAP_MAIN(tests)
