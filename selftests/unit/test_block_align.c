// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of any sectors and any memory on images with larger blocks: an image
 * with cache.direct=on that is told to want blocks of 4 KiB, and a loop device with
 * sectors of 4 KiB where one can be had. All is compared with a copy in memory.
 */
#include "backend/block-file.h"
#include "error.h"
#include "lib/opts.h"
#include "loop.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SIZE (1U << 20)
#define SECTOR 512
#define NR 40
#define MEM (64U << 10)
#define ROUNDS 150

/* A request and its memory, cut into two at any place. */
struct job {
	struct block_req req;
	struct iovec iov[2];
	u8 *mem;
	u32 skew; /* of the memory from a page */
	u8 seed;
};

static char path[] = "/var/tmp/tarn-test-align-XXXXXX";
static char device[64];
static struct loop *loop;
static struct block *blk;
static struct job jobs[NR];
static u8 copy[SIZE];
static unsigned int pending, failed, seed = 1;

static void open_image(const char *name, const char *driver, u32 align)
{
	char text[256];
	struct block_file *bf;
	struct opts *opts;

	snprintf(text, sizeof(text),
		 "%s,node-name=d,cache.direct=on,discard=unmap,filename=%s",
		 driver, name);
	if (opts_parse(&opts, "blockdev", text, "driver"))
		abort();
	CHECK_EQ(blockdev_create(opts), 0);
	opts_destroy(opts);
	blk = block_attach("d", "a test");
	bf = blk->data;
	CHECK(bf->direct_fd >= 0);
	CHECK(bf->off_align <= align);
	bf->off_align = align;
	bf->mem_align = align;
}

static void close_image(void)
{
	struct block_file *bf = blk->data;

	/* Nothing is held on to. */
	CHECK_EQ(bf->nr_free, BOUNCE_NR);
	CHECK(TAILQ_EMPTY(&bf->writes) && TAILQ_EMPTY(&bf->starved));
	block_detach(blk);
	CHECK_EQ(blockdev_delete("d"), 0);
}

static void done(struct block_req *req, int ret)
{
	failed += !!ret;
	if (!--pending)
		loop_stop(loop);
}

static void job_start(struct job *job, enum block_op op, u32 sector, u32 nr)
{
	struct block_req *req = &job->req;
	u32 len = nr * SECTOR, cut = rand_r(&seed) % (len + 1);

	if (rand_r(&seed) % 2)
		cut = ALIGN_DOWN(cut, 4096);
	job->iov[0] = (struct iovec){job->mem + job->skew, cut};
	job->iov[1] = (struct iovec){job->mem + job->skew + cut, len - cut};
	req->op = op;
	req->flags = op == BLOCK_ZERO ? rand_r(&seed) % 2 * BLOCK_UNMAP : 0;
	req->off = (u64)sector * SECTOR;
	req->len = len;
	req->iov = job->iov + !cut;
	req->nr_iov = 1 + (cut && cut < len);
	req->done = done;
	block_submit(blk, loop, req);
}

/* Requests are submitted by the loop's own thread, which is this one. */
static void run(void (*fn)(struct loop_work *work), unsigned int nr)
{
	struct loop_work work = {.fn = fn};

	pending = nr;
	failed = 0;
	loop = loop_create(64);
	loop_post(loop, &work);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(pending, 0);
	CHECK_EQ(failed, 0);
	loop_destroy(loop);
}

static void fill(struct job *job, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		job->mem[job->skew + i] = i * 13 + i / SECTOR + job->seed;
}

/* One at a time, of any kind, anywhere. */
static struct {
	enum block_op op;
	u32 sector, nr;
} one;

static void start_one(struct loop_work *work)
{
	job_start(&jobs[0], one.op, one.sector, one.nr);
}

static void any_request(void)
{
	static const enum block_op ops[] = {BLOCK_READ, BLOCK_WRITE, BLOCK_WRITE,
					    BLOCK_ZERO};
	static const u32 skews[] = {0, 512, 1, 0};
	struct job *job = &jobs[0];
	u32 len;
	u8 *at;

	one.op = ops[rand_r(&seed) % ARRAY_SIZE(ops)];
	one.sector = rand_r(&seed) % (SIZE / SECTOR);
	one.nr = 1 + rand_r(&seed) % (rand_r(&seed) % 4 ? 20 : 400);
	one.nr = min_t(u32, one.nr, SIZE / SECTOR - one.sector);
	len = one.nr * SECTOR;
	at = copy + one.sector * SECTOR;
	job->skew = skews[rand_r(&seed) % ARRAY_SIZE(skews)];
	job->seed = rand_r(&seed);
	fill(job, len);
	if (one.op == BLOCK_WRITE)
		memcpy(at, job->mem + job->skew, len);
	else if (one.op == BLOCK_ZERO)
		memset(at, 0, len);
	run(start_one, 1);
	if (one.op == BLOCK_READ)
		CHECK(!memcmp(at, job->mem + job->skew, len));
}

/* All sectors of some blocks at once, each by a write of its own. */
static void start_many(struct loop_work *work)
{
	u32 i;

	for (i = 0; i < NR; i++)
		job_start(&jobs[i], i % 5 == 4 ? BLOCK_ZERO : BLOCK_WRITE,
			  3 + i, 1);
}

static void many_at_once(void)
{
	u32 i;

	for (i = 0; i < NR; i++) {
		jobs[i].skew = i % 3 * 512;
		jobs[i].seed = rand_r(&seed);
		fill(&jobs[i], SECTOR);
		if (i % 5 == 4)
			memset(copy + (3 + i) * SECTOR, 0, SECTOR);
		else
			memcpy(copy + (3 + i) * SECTOR,
			       jobs[i].mem + jobs[i].skew, SECTOR);
	}
	run(start_many, NR);
}

static void check_all(const char *name)
{
	static u8 got[SIZE];
	int fd = open(name, O_RDONLY);

	CHECK_EQ(pread(fd, got, SIZE, 0), SIZE);
	CHECK(!memcmp(got, copy, SIZE));
	close(fd);
}

static void try_all(const char *name)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++)
		any_request();
	check_all(name);
	for (i = 0; i < ROUNDS / 5; i++)
		many_at_once();
	check_all(name);
}

static void clear(const char *name)
{
	int fd = open(name, O_RDWR);

	memset(copy, 0, SIZE);
	CHECK_EQ(pwrite(fd, copy, SIZE, 0), SIZE);
	CHECK(!fsync(fd));
	close(fd);
}

static void test_begin(void)
{
	int fd = mkstemp(path);
	unsigned int i;

	CHECK(fd >= 0);
	close(fd);
	clear(path);
	for (i = 0; i < NR; i++)
		jobs[i].mem = aligned_alloc(4096, i ? MEM : SIZE / 2);
}

static void test_file(void)
{
	open_image(path, "file", 4096);
	CHECK_EQ(blk->size, SIZE);
	try_all(path);
	/* As on a block device: fallocate() takes whole blocks alone. */
	((struct block_file *)blk->data)->zero_align = 4096;
	try_all(path);
	/* Or none at all. */
	((struct block_file *)blk->data)->no_zero = true;
	((struct block_file *)blk->data)->no_punch = true;
	try_all(path);
	close_image();
}

static bool loop_device(void)
{
	char command[128];
	FILE *f;

	snprintf(command, sizeof(command),
		 "losetup -f --show --sector-size 4096 %s 2>/dev/null", path);
	f = popen(command, "r");
	if (!f || !fgets(device, sizeof(device), f))
		*device = '\0';
	if (f)
		pclose(f);
	device[strcspn(device, "\n")] = '\0';
	return *device;
}

static void test_device(void)
{
	char command[128];

	if (!loop_device()) {
		TAP_SKIP("no loop device can be had");
		return;
	}
	clear(device);
	open_image(device, "host_device", 4096);
	CHECK_EQ(((struct block_file *)blk->data)->zero_align, 4096);
	try_all(device);
	close_image();
	snprintf(command, sizeof(command), "losetup -d %s", device);
	CHECK_EQ(system(command), 0);
}

static void test_end(void)
{
	unsigned int i;

	block_destroy_all();
	for (i = 0; i < NR; i++)
		free(jobs[i].mem);
	CHECK(!unlink(path));
}

static const struct tap_test tests[] = {
	{"creation", test_begin},
	{"an image with blocks of 4 KiB", test_file},
	{"a device with sectors of 4 KiB", test_device},
	{"end", test_end},
};

TAP_MAIN(tests)
