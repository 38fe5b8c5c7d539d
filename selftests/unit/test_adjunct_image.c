// SPDX-License-Identifier: GPL-2.0-only
/*
 * The service code of an adjunct's image, compiled for this host: a driver's rings on one side,
 * an NVMe controller (nvme_model.h) on the other. Physical addresses are those of this
 * process. ADJUNCT_ROUNDS in the environment makes hostile_driver() a fuzzer.
 */
#include <errno.h>
#include <linux/virtio_blk.h>

#include "adjunct/image/image.h"
#include "nvme_model.h"
#include "ring.h"
#include "tap.h"
#include "hostile_words.h"

#define RAM_SIZE 0x800000ULL
#define MEMORY MIB(2)
#define RINGS KIB(512)
#define BOUNCE (RINGS + ALIGN_UP(ADJUNCT_RINGS_BYTES, 4096))
#define KHZ 2000000ULL
#define QSIZE 64
#define NR_QUEUES 2
#define NONE 0xee

/* Offsets in a queue's part of RAM. */
#define PART 0x400000ULL
#define DESC 0x0
#define AVAIL 0x1000
#define USED 0x2000
#define HEADERS 0x3000
#define STATUSES 0x5000
#define TABLE 0x6000
#define DATA 0x10000

static struct model model;
static u8 *ram;
static u8 *memory;
static struct tarn_mem mem;
static struct adjunct_config *config;
static struct adjunct_shared *shared;
static struct ring rings[NR_QUEUES];

/* What ring.h wants of mem.c, which the image does not have. */
int tarn_mem_read(struct tarn_mem *m, u64 gpa, void *buf, u64 len)
{
	void *p = tarn_mem_ptr(m, gpa, len);

	return p ? (memcpy(buf, p, len), 0) : -EFAULT;
}

int tarn_mem_write(struct tarn_mem *m, u64 gpa, const void *buf, u64 len)
{
	void *p = tarn_mem_ptr(m, gpa, len);

	return p ? (memcpy(p, buf, len), 0) : -EFAULT;
}

static u64 gpa(unsigned int q, u64 off)
{
	return (uintptr_t)ram + q * PART + off;
}

static struct adjunct_log *log_of(unsigned int q)
{
	return (struct adjunct_log *)config->log + q;
}

static struct adjunct_mailbox *enter(unsigned int cpu, u32 command, u32 argument)
{
	struct adjunct_mailbox *box = &shared->mailbox[cpu];

	memset(box, 0, sizeof(*box));
	box->command = command;
	box->argument = argument;
	image_run(config, box);
	return box;
}

/* Pages that a step outside RAM or memory meets. */
static u8 *guarded(u64 size)
{
	u8 *p = mmap(NULL, size + 2 * 4096, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED || mprotect(p + 4096, size, PROT_READ | PROT_WRITE))
		abort();
	return p + 4096;
}

static void queue_start(unsigned int q)
{
	struct adjunct_queue_config *c = &config->queue[q];
	u32 generation = c->generation + 1;

	memset(ram + q * PART, 0, DATA);
	rings[q] = (struct ring){
		.mem = &mem,
		.size = QSIZE,
		.desc = gpa(q, DESC),
		.avail = gpa(q, AVAIL),
		.used = gpa(q, USED),
	};
	memset(log_of(q), 0, sizeof(struct adjunct_log));
	log_of(q)->batch = ADJUNCT_LOG_END;
	*c = (struct adjunct_queue_config){
		.desc = gpa(q, DESC),
		.avail = gpa(q, AVAIL),
		.used = gpa(q, USED),
		.size = QSIZE,
		.attached = 1,
		.live = 1,
		.indirect = 1,
		.generation = generation,
	};
}

static void queues_start(void)
{
	unsigned int q;

	for (q = 0; q < NR_QUEUES; q++)
		queue_start(q);
}

static void setup(void)
{
	ram = guarded(RAM_SIZE);
	memory = guarded(MEMORY);
	mem.nr = 0;
	ram_add(&mem, (uintptr_t)ram, RAM_SIZE, ram);
	model_start(&model, (uintptr_t)memory + RINGS, MEMORY - RINGS);
	config = (struct adjunct_config *)memory;
	shared = (struct adjunct_shared *)(memory + 4096);
	*config = (struct adjunct_config){
		.magic = ADJUNCT_MAGIC,
		.version = ADJUNCT_VERSION,
		.namespace = 1,
		.nr_queues = NR_QUEUES,
		.nr_ranges = 1,
		.bar = (uintptr_t)model.bar,
		.bar_size = MODEL_BAR,
		.shared = (uintptr_t)shared,
		.log = (uintptr_t)memory + 2 * 4096,
		.rings = (uintptr_t)memory + RINGS,
		.bounce = (uintptr_t)memory + BOUNCE,
		.bounce_size = MEMORY - BOUNCE,
		.tsc_khz = KHZ,
		.poll = KHZ * 1000,
		.late = KHZ * 60000,
		.give_up = KHZ * 60000,
		.budget = 64,
		.writeback = 1,
		.discard = 1,
		.zeroes = 1,
		.serial = "serial",
		.range = {{(uintptr_t)ram, RAM_SIZE}},
	};
	image_reset();
	queues_start();
}

static void teardown(void)
{
	CHECK_EQ(model.outside, 0);
	model_end(&model);
	munmap(ram - 4096, RAM_SIZE + 8192);
	munmap(memory - 4096, MEMORY + 8192);
}

static void bring_up(void)
{
	setup();
	CHECK_EQ(enter(0, ADJUNCT_INIT, 0)->result, 0);
}

/* One request of three descriptors; returns its head. */
static u16 offer(unsigned int q, u32 type, u64 sector, u64 addr, u32 len, bool in)
{
	struct ring *r = &rings[q];
	u16 d = r->idx * 3 % (QSIZE - 3), n = d;
	u64 hdr = gpa(q, HEADERS) + 16 * d, status = gpa(q, STATUSES) + d;
	struct virtio_blk_outhdr h = {.type = type, .sector = sector};

	tarn_mem_write(&mem, hdr, &h, sizeof(h));
	*(u8 *)status = NONE;
	ring_desc(r, n, hdr, 16, VRING_DESC_F_NEXT, n + 1);
	n++;
	if (len) {
		ring_desc(r, n, addr, len,
			  VRING_DESC_F_NEXT | (in ? VRING_DESC_F_WRITE : 0), n + 1);
		n++;
	}
	ring_desc(r, n, status, 1, VRING_DESC_F_WRITE, 0);
	ring_offer(r, d);
	return d;
}

static u8 status_of(unsigned int q, u16 head)
{
	return *(u8 *)(gpa(q, STATUSES) + head);
}

static u8 request(unsigned int q, u32 type, u64 sector, u64 addr, u32 len, bool in)
{
	u16 head = offer(q, type, sector, addr, len, in);

	enter(0, ADJUNCT_SERVE, 1U << q);
	CHECK_EQ(ring_used_idx(&rings[q]), rings[q].idx);
	return status_of(q, head);
}

static void pattern(u8 *buf, size_t len, u8 seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = i * 7 + i / 512 + seed;
}

/* Tests */

static void what_it_finds(void)
{
	bring_up();
	CHECK_EQ(shared->info.size, MODEL_BLOCKS * 512);
	CHECK_EQ(shared->info.block, 512);
	CHECK_EQ(shared->info.nr_queues, MODEL_QUEUES);
	CHECK_EQ(shared->info.transfer, 4096 << 5);
	CHECK_EQ(shared->info.features, ADJUNCT_HAS_CACHE | ADJUNCT_HAS_DISCARD |
						ADJUNCT_HAS_ZEROES | ADJUNCT_ZEROES_UNMAP);
	CHECK(!memcmp(shared->info.model, "model", 5));
	teardown();
}

static void disks_that_are_refused(void)
{
	setup();
	config->namespace = 2;
	CHECK_EQ(enter(0, ADJUNCT_INIT, 0)->result, -ENODEV);
	CHECK_EQ(enter(0, ADJUNCT_SERVE, 1)->result, -EAGAIN);
	config->namespace = 1;
	model.metadata = 8;
	CHECK_EQ(enter(0, ADJUNCT_INIT, 0)->result, -EMEDIUMTYPE);
	model.metadata = 0;
	model.shift = 16;
	CHECK_EQ(enter(0, ADJUNCT_INIT, 0)->result, -EMEDIUMTYPE);
	model.shift = 3;
	CHECK_EQ(enter(0, ADJUNCT_INIT, 0)->result, -EMEDIUMTYPE);
	teardown();
}

static void reads_see_writes(void)
{
	/* Within a page, two pages, many pieces; from an odd address. */
	static const u32 sizes[] = {512, 4096, 8192, 12288, 131072, 131072 + 512, 1 << 20};
	u8 *out, *in;
	size_t i;

	bring_up();
	out = ram + DATA + 1;
	in = ram + PART + DATA + 3;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		pattern(out, sizes[i], i);
		CHECK_EQ(request(0, VIRTIO_BLK_T_OUT, 8 + i, (uintptr_t)out, sizes[i], false),
			 VIRTIO_BLK_S_OK);
		CHECK(!memcmp(model.disk + (8 + i) * 512, out, sizes[i]));
		memset(in, 0, sizes[i]);
		CHECK_EQ(request(1, VIRTIO_BLK_T_IN, 8 + i, (uintptr_t)in, sizes[i], true),
			 VIRTIO_BLK_S_OK);
		CHECK(!memcmp(in, out, sizes[i]));
		CHECK_EQ(ring_used(&rings[1], rings[1].idx - 1).len, sizes[i] + 1);
	}
	CHECK_EQ(shared->info.errors, 0);
	teardown();
}

static void what_is_refused(void)
{
	u64 data;

	bring_up();
	data = gpa(0, DATA);
	CHECK_EQ(request(0, VIRTIO_BLK_T_IN, MODEL_BLOCKS, data, 512, true),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(0, VIRTIO_BLK_T_IN, MODEL_BLOCKS - 1, data, 1024, true),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(0, VIRTIO_BLK_T_IN, UINT64_MAX, data, 512, true),
		 VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(0, VIRTIO_BLK_T_IN, 0, data, 100, true), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(0, 77, 0, data, 512, true), VIRTIO_BLK_S_UNSUPP);
	config->read_only = 1;
	CHECK_EQ(request(0, VIRTIO_BLK_T_OUT, 0, data, 512, false), VIRTIO_BLK_S_IOERR);
	config->read_only = 0;
	model.fail = 0x281;
	CHECK_EQ(request(0, VIRTIO_BLK_T_IN, 0, data, 512, true), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(shared->info.errors, 1);
	model.fail = 0;
	CHECK_EQ(request(0, VIRTIO_BLK_T_IN, 0, data, 512, true), VIRTIO_BLK_S_OK);
	teardown();
}

static void large_blocks(void)
{
	u64 data;

	setup();
	model.shift = 12;
	CHECK_EQ(enter(0, ADJUNCT_INIT, 0)->result, 0);
	CHECK_EQ(shared->info.block, 4096);
	data = gpa(0, DATA);
	CHECK_EQ(request(0, VIRTIO_BLK_T_IN, 1, data, 4096, true), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(0, VIRTIO_BLK_T_IN, 8, data, 512, true), VIRTIO_BLK_S_IOERR);
	pattern(ram + DATA, 8192, 9);
	CHECK_EQ(request(0, VIRTIO_BLK_T_OUT, 8, data, 8192, false), VIRTIO_BLK_S_OK);
	CHECK(!memcmp(model.disk + 4096, ram + DATA, 8192));
	teardown();
}

static void caches(void)
{
	u64 data;

	bring_up();
	data = gpa(0, DATA);
	CHECK_EQ(request(0, VIRTIO_BLK_T_FLUSH, 0, 0, 0, false), VIRTIO_BLK_S_OK);
	CHECK_EQ(model.commands[NVME_FLUSH], 1);
	CHECK_EQ(request(0, VIRTIO_BLK_T_OUT, 0, data, 512, false), VIRTIO_BLK_S_OK);
	CHECK_EQ(model.fua, 0);
	config->writeback = 0;
	CHECK_EQ(request(0, VIRTIO_BLK_T_OUT, 0, data, 512, false), VIRTIO_BLK_S_OK);
	CHECK_EQ(model.fua, 1);
	CHECK_EQ(enter(0, ADJUNCT_SYNC, 0)->result, 0);
	CHECK_EQ(model.commands[NVME_FLUSH], 2);
	teardown();
}

static u8 ranges(u32 type, const struct virtio_blk_discard_write_zeroes *r, u32 nr)
{
	memcpy(ram + DATA, r, nr * sizeof(*r));
	return request(0, type, 0, gpa(0, DATA), nr * sizeof(*r), false);
}

static void discards_and_zeroes(void)
{
	struct virtio_blk_discard_write_zeroes r[17] = {{.sector = 10, .num_sectors = 6},
							{.sector = 20, .num_sectors = 1}};
	size_t i;

	bring_up();
	memset(model.disk, 1, MODEL_BLOCKS * 512);
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, r, 2), VIRTIO_BLK_S_OK);
	CHECK_EQ(model.commands[NVME_DATASET], 1);
	for (i = 0; i < 40 * 512; i++)
		if (model.disk[i] == ((i / 512 >= 10 && i / 512 < 16) || i / 512 == 20))
			break;
	CHECK_EQ(i, 40 * 512);
	r[0].sector = 100;
	r[1].sector = 120;
	r[1].flags = VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	CHECK_EQ(ranges(VIRTIO_BLK_T_WRITE_ZEROES, r, 2), VIRTIO_BLK_S_OK);
	CHECK_EQ(model.commands[NVME_WRITE_ZEROES], 2);
	CHECK_EQ(model.deallocates, 1);
	CHECK_EQ(model.disk[120 * 512], 0);
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, r, 2), VIRTIO_BLK_S_UNSUPP);
	r[1] = (struct virtio_blk_discard_write_zeroes){.sector = MODEL_BLOCKS,
							.num_sectors = 1};
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, r, 2), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, r, 17), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(request(0, VIRTIO_BLK_T_DISCARD, 0, gpa(0, DATA), 15, false),
		 VIRTIO_BLK_S_IOERR);
	/* Without a cache to be flushed it has to last. */
	config->writeback = 0;
	r[1].sector = 0;
	i = model.commands[NVME_FLUSH];
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, r, 2), VIRTIO_BLK_S_OK);
	CHECK_EQ(model.commands[NVME_FLUSH], i + 1);
	config->discard = 0;
	CHECK_EQ(ranges(VIRTIO_BLK_T_DISCARD, r, 1), VIRTIO_BLK_S_UNSUPP);
	teardown();
}

static void its_name(void)
{
	bring_up();
	CHECK_EQ(request(0, VIRTIO_BLK_T_GET_ID, 0, gpa(0, DATA), 20, true), VIRTIO_BLK_S_OK);
	CHECK(!memcmp(ram + DATA, "serial", 7));
	teardown();
}

static void one_entry_takes_all(void)
{
	struct adjunct_mailbox *box;
	unsigned int i;

	bring_up();
	for (i = 0; i < 20; i++)
		offer(0, VIRTIO_BLK_T_IN, i, gpa(0, DATA + i * 4096), 4096, true);
	box = enter(0, ADJUNCT_SERVE, 1);
	CHECK_EQ(box->requests, 20);
	CHECK_EQ(box->notify, 1);
	CHECK_EQ(box->pending | box->more | box->broken, 0);
	CHECK_EQ(ring_used_idx(&rings[0]), 20);
	teardown();
}

static void a_budget(void)
{
	struct adjunct_mailbox *box;
	unsigned int i;

	bring_up();
	config->budget = 4;
	for (i = 0; i < 10; i++)
		offer(0, VIRTIO_BLK_T_IN, i, gpa(0, DATA + i * 4096), 4096, true);
	for (i = 4; i <= 8; i += 4) {
		box = enter(0, ADJUNCT_SERVE, 1);
		CHECK_EQ(box->more, 1);
		CHECK_EQ(ring_used_idx(&rings[0]), i);
	}
	CHECK_EQ(enter(0, ADJUNCT_SERVE, 1)->more, 0);
	CHECK_EQ(ring_used_idx(&rings[0]), 10);
	teardown();
}

/* Until the device has done all, as an interrupt would have it. */
static void reap_all(unsigned int cpu, u32 queues)
{
	while (enter(cpu, ADJUNCT_REAP, queues)->pending)
		usleep(50);
}

static void what_takes_longer(void)
{
	struct adjunct_mailbox *box;

	bring_up();
	config->poll = 0;
	model.held = true;
	offer(0, VIRTIO_BLK_T_IN, 0, gpa(0, DATA), 1 << 20, true);
	box = enter(0, ADJUNCT_SERVE, 1);
	CHECK_EQ(box->pending, 1);
	CHECK_EQ(box->notify, 0);
	CHECK_EQ(log_of(0)->busy, 1);
	CHECK_EQ(enter(0, ADJUNCT_TICK, 1)->result, 0);
	config->late = 1;
	CHECK_EQ(enter(0, ADJUNCT_TICK, 1)->result, -ETIMEDOUT);
	config->late = KHZ * 60000;
	__atomic_store_n(&model.held, false, __ATOMIC_SEQ_CST);
	reap_all(1, 1);
	CHECK_EQ(ring_used_idx(&rings[0]), 1);
	model_set(&model, NVME_CSTS, NVME_CSTS_READY | NVME_CSTS_FATAL);
	model.held = true;
	offer(0, VIRTIO_BLK_T_IN, 0, gpa(0, DATA), 4096, true);
	enter(0, ADJUNCT_SERVE, 1);
	CHECK_EQ(enter(0, ADJUNCT_TICK, 1)->result, -EIO);
	teardown();
}

/* More than there are pages for, and than the device has entries for. */
static void more_than_there_is_room(void)
{
	unsigned int i;

	bring_up();
	config->bounce_size = 12 * 4096;
	for (i = 0; i < 20; i++)
		offer(0, VIRTIO_BLK_T_IN, i, gpa(0, DATA + i * 0x8000), 0x8000, true);
	pattern(model.disk, 64 * 512, 5);
	enter(0, ADJUNCT_SERVE, 1);
	reap_all(0, 1);
	CHECK_EQ(ring_used_idx(&rings[0]), 20);
	for (i = 0; i < 20; i++)
		CHECK(!memcmp(ram + DATA + i * 0x8000, model.disk + i * 512, 0x8000));
	teardown();
}

static void new_image(void)
{
	model_reset(&model);
	image_reset();
	memset(shared, 0, sizeof(*shared));
	CHECK_EQ(enter(0, ADJUNCT_INIT, 0)->result, 0);
}

/* What was in flight when an image ended is done by the next one, and nothing twice. */
static void a_new_image_goes_on(void)
{
	unsigned int i;
	u16 head;

	bring_up();
	CHECK_EQ(request(0, VIRTIO_BLK_T_OUT, 0, gpa(0, DATA), 512, false), VIRTIO_BLK_S_OK);
	config->poll = 0;
	model.held = true;
	for (i = 0; i < 5; i++) {
		pattern(ram + DATA + i * 4096, 4096, 40 + i);
		offer(0, VIRTIO_BLK_T_OUT, 8 * i, gpa(0, DATA + i * 4096), 4096, false);
	}
	CHECK_EQ(enter(0, ADJUNCT_SERVE, 1)->pending, 1);
	head = offer(0, VIRTIO_BLK_T_IN, 0, gpa(0, DATA + 0x10000), 4096, true);
	new_image();
	config->poll = KHZ * 1000;
	__atomic_store_n(&model.held, false, __ATOMIC_SEQ_CST);
	CHECK_EQ(enter(1, ADJUNCT_SERVE, 1)->requests, 6);
	CHECK_EQ(ring_used_idx(&rings[0]), 7);
	CHECK_EQ(status_of(0, head), VIRTIO_BLK_S_OK);
	for (i = 0; i < 5; i++)
		CHECK(!memcmp(model.disk + i * 4096, ram + DATA + i * 4096, 4096));
	CHECK_EQ(model.commands[NVME_WRITE], 6);
	CHECK_EQ(log_of(0)->used_idx, 7);
	teardown();
}

/* Where it ended between showing a batch and noting that. */
static void a_batch_that_was_shown(void)
{
	struct adjunct_log *log;
	u16 a, b;

	bring_up();
	a = offer(0, VIRTIO_BLK_T_OUT, 0, gpa(0, DATA), 512, false);
	b = offer(0, VIRTIO_BLK_T_OUT, 1, gpa(0, DATA), 512, false);
	enter(0, ADJUNCT_SERVE, 1);
	log = log_of(0);
	CHECK_EQ(log->used_idx, 2);
	/* As if it had ended behind the used index. */
	log->used_idx = 0;
	log->entry[a].inflight = 1;
	log->entry[b].inflight = 1;
	log->entry[a].next = ADJUNCT_LOG_END;
	log->entry[b].next = a;
	log->batch = b;
	new_image();
	CHECK_EQ(enter(0, ADJUNCT_SERVE, 1)->requests, 0);
	CHECK_EQ(log->used_idx, 2);
	CHECK_EQ(model.commands[NVME_WRITE], 2);
	/* And before it, as one that was given up on. */
	ring_offer(&rings[0], a);
	log->entry[a].seq++;
	log->entry[a].inflight = 1;
	log->entry[a].next = ADJUNCT_LOG_END;
	log->batch = a;
	config->give_up = 1;
	new_image();
	enter(0, ADJUNCT_SERVE, 1);
	CHECK_EQ(log->used_idx, 3);
	CHECK_EQ(status_of(0, a), VIRTIO_BLK_S_IOERR);
	CHECK_EQ(model.commands[NVME_WRITE], 2);
	teardown();
}

/* Two vCPUs kick and reap one queue; no request gets lost, none comes back twice. */
static bool racing;

static void *reaper(void *arg)
{
	while (__atomic_load_n(&racing, __ATOMIC_SEQ_CST))
		enter(1, ADJUNCT_REAP, 1);
	return NULL;
}

static void two_at_one_queue(void)
{
	pthread_t thread;
	unsigned int i, n;
	u64 end;

	bring_up();
	config->poll = 0;
	racing = true;
	pthread_create(&thread, NULL, reaper, NULL);
	for (i = 0; i < 2000; i += n) {
		for (n = 0; n < 1 + i % 15; n++)
			offer(0, VIRTIO_BLK_T_IN, n, gpa(0, DATA + n * 4096), 4096, true);
		enter(0, ADJUNCT_SERVE, 1);
		/* Without another kick. */
		end = clock_cycles() + 20000000000ULL;
		while (ring_used_idx(&rings[0]) != rings[0].idx && clock_cycles() < end)
			usleep(10);
		if (ring_used_idx(&rings[0]) != rings[0].idx)
			break;
	}
	CHECK(i >= 2000);
	CHECK_EQ(ring_used_idx(&rings[0]), rings[0].idx);
	__atomic_store_n(&racing, false, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	teardown();
}

/* A device that completes what nobody asked for. */
static void a_device_that_lies(void)
{
	static const int cids[] = {0, 5, 63, 255, 256, 0xfffe, 0xffff};
	size_t i;

	bring_up();
	for (i = 0; i < ARRAY_SIZE(cids); i++) {
		model.lie = cids[i];
		offer(0, VIRTIO_BLK_T_IN, 0, gpa(0, DATA), 4096, true);
		enter(0, ADJUNCT_SERVE, 1);
		model.lie = -1;
		reap_all(0, 1);
		CHECK_EQ(ring_used_idx(&rings[0]), rings[0].idx);
	}
	CHECK(shared->info.stray > 0);
	teardown();
}

/* Nothing of its own memory can a driver have it read or write. */
static void hostile_driver(void)
{
	const char *env = getenv("ADJUNCT_ROUNDS");
	long rounds = env ? atol(env) : 20000, broken = 0, i;
	u64 seed = 0x9e3779b97f4a7c15ULL, sum, done = 0;
	struct adjunct_mailbox *box;
	u32 q;

	bring_up();
	config->poll = KHZ / 10;
	mprotect(memory, 4096, PROT_READ);
	/* Between the logs and the rings nothing of the image's is written here. */
	memset(memory + KIB(256), 0x5a, KIB(256));
	for (i = 0; i < rounds; i++) {
		q = words_random(&seed) % NR_QUEUES;
		words_write(&rings[q], &mem, gpa(q, 0), gpa(q, TABLE), (uintptr_t)memory, MEMORY,
			    (uintptr_t)ram, RAM_SIZE, &seed);
		box = enter(i % 2, i % 7 ? ADJUNCT_SERVE : ADJUNCT_TICK, 1U << q);
		done += box->requests;
		if (!box->broken)
			continue;
		broken++;
		/* As the VMM does: nothing is in flight before a ring is set up anew. */
		mprotect(memory, 4096, PROT_READ | PROT_WRITE);
		config->queue[q].live = 0;
		mprotect(memory, 4096, PROT_READ);
		reap_all(0, 1U << q);
		mprotect(memory, 4096, PROT_READ | PROT_WRITE);
		queue_start(q);
		mprotect(memory, 4096, PROT_READ);
	}
	for (sum = 0, i = 0; i < (long)KIB(256); i++)
		sum += memory[KIB(256) + i] != 0x5a;
	CHECK_EQ(sum, 0);
	printf("# %llu requests done, %ld rings broken\n", (unsigned long long)done, broken);
	CHECK(done > 0 && broken > 0);
	mprotect(memory, 4096, PROT_READ | PROT_WRITE);
	teardown();
}

static const struct tap_test tests[] = {
	{"what INIT finds", what_it_finds},
	{"disks that are refused", disks_that_are_refused},
	{"reads see writes, of any size and address", reads_see_writes},
	{"requests that are refused, and that the device fails", what_is_refused},
	{"blocks of 4 KiB", large_blocks},
	{"flushes, and writes that have to last", caches},
	{"discards and zeroes", discards_and_zeroes},
	{"the disk's serial number", its_name},
	{"one entry takes all that there is", one_entry_takes_all},
	{"a budget leaves the rest, and says so", a_budget},
	{"requests that take longer than the entry, too long, and for ever", what_takes_longer},
	{"more requests than there are pages and entries", more_than_there_is_room},
	{"a new image does what was in flight", a_new_image_goes_on},
	{"a batch that was shown is not done again; one too old fails", a_batch_that_was_shown},
	{"two vCPUs at one queue lose no kick", two_at_one_queue},
	{"a device that completes what nobody asked for", a_device_that_lies},
	{"a hostile driver reaches none of its memory", hostile_driver},
};

TAP_MAIN(tests)
