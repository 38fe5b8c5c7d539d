// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adjuncts as KVM runs them: the image that is installed, and one that goes wrong on purpose,
 * in a virtual machine with the registers of an NVMe controller that is a thread of this
 * program (nvme_model.h), by way of a VFIO that is its own, too. This program is the guest
 * and its device. Needs /dev/kvm.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/virtio_blk.h>
#include <semaphore.h>
#include <stdarg.h>
#include <sys/resource.h>

#include "adjunct/adjunct.h"
#include "adjunct/internal.h"
#include "lib/opts.h"
#include "nvme_model.h"
#include "ring.h"
#include "sandbox.h"
#include "tap.h"
#include "vfio/vfio.h"
#include "virtio/virtqueue.h"
#include "vm.h"

#define RAM_SIZE MIB(16)
#define QSIZE 64
#define BASE 0x100000ULL
#define HEADERS (BASE + 0x4000)
#define STATUSES (BASE + 0x6000)
#define DATA 0x200000ULL
#define NONE 0xee
#define DEVICE "0000:00:00.0"

static struct vm vm = {.kvm_fd = -1, .nr_vcpus = 2};
static struct model model;
static struct vfio_bar bar;
static struct adjunct *adj;
static struct ring ring;
static struct virtqueue vq;
static u8 *ram;
static char product[PATH_MAX], faulty[PATH_MAX];
static u32 notified, failed;
static sem_t failure;
static char messages[4096];

/* error.h: all that was said. */

static void say(const char *fmt, va_list ap)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	size_t len;

	pthread_mutex_lock(&lock);
	len = strlen(messages);
	vsnprintf(messages + len, sizeof(messages) - len, fmt, ap);
	pthread_mutex_unlock(&lock);
}

#define SAY()                                                                  \
	do {                                                                   \
		va_list ap;                                                    \
									       \
		va_start(ap, fmt);                                             \
		say(fmt, ap);                                                  \
		va_end(ap);                                                    \
	} while (0)

void err(const char *fmt, ...)
{
	SAY();
}

int err_errno(int ret, const char *fmt, ...)
{
	SAY();
	return ret;
}

void warn(const char *fmt, ...)
{
	SAY();
}

void info(const char *fmt, ...)
{
}

void guest_warn(const char *fmt, ...)
{
}

/* vfio.h, with one function, whose DMA reaches what was mapped. */

int vfio_function_open(const char *bdf, struct vfio_function **fn)
{
	*fn = (struct vfio_function *)&model;
	return 0;
}

void vfio_function_close(struct vfio_function *fn)
{
}

u32 vfio_function_class(const struct vfio_function *fn)
{
	return 0x010802;
}

int vfio_function_map(struct vfio_function *fn, u64 iova, void *hva, u64 size, bool writable)
{
	model.dma = iova;
	model.dma_hva = hva;
	model.dma_size = size;
	return 0;
}

bool vfio_function_iova_usable(const struct vfio_function *fn, u64 iova, u64 size)
{
	/* So that it is not simply the first one. */
	return iova >= GIB(2);
}

u64 vfio_function_iova_end(const struct vfio_function *fn)
{
	return GIB(512);
}

const struct vfio_bar *vfio_function_bar(const struct vfio_function *fn, unsigned int i)
{
	return i ? NULL : &bar;
}

int vfio_function_enable(struct vfio_function *fn, bool on)
{
	return 0;
}

int vfio_function_interrupts(struct vfio_function *fn, const int *eventfds, unsigned int nr)
{
	__atomic_store_n(&model.irq_fd, nr ? eventfds[0] : -1, __ATOMIC_SEQ_CST);
	return 0;
}

int vfio_function_on_error(struct vfio_function *fn, int eventfd)
{
	return -EOPNOTSUPP;
}

int vfio_function_reset(struct vfio_function *fn)
{
	model_reset(&model);
	return 0;
}

/* The device that is served */

static void on_notify(void *arg, u16 index)
{
	__atomic_add_fetch(&notified, 1, __ATOMIC_SEQ_CST);
}

static void on_broken(void *arg, u16 index)
{
}

static void on_more(void *arg, u16 index)
{
	adjunct_serve(adj, index);
}

static void on_failed(void *arg)
{
	__atomic_store_n(&failed, 1, __ATOMIC_SEQ_CST);
	sem_post(&failure);
}

static const struct adjunct_client_ops client_ops = {
	.notify = on_notify,
	.broken = on_broken,
	.more = on_more,
	.failed = on_failed,
};

static void begin(void *arg)
{
	adjunct_queue_start(adj, 0, &vq, NULL, 0);
	adjunct_serve(adj, 0);
}

static void stop(void *arg)
{
	adjunct_queue_stop(adj, 0);
}

static void resume(void *arg)
{
	adjunct_queue_resume(adj, 0);
	adjunct_serve(adj, 0);
}

static void ring_make(void)
{
	memset(ram + BASE, 0, 0x10000);
	ring = (struct ring){.mem = &vm.mem, .size = QSIZE, .desc = BASE,
			     .avail = BASE + 0x1000, .used = BASE + 0x2000};
	vq_init(&vq, &vm.mem, QSIZE);
	vq.desc_gpa = ring.desc;
	vq.avail_gpa = ring.avail;
	vq.used_gpa = ring.used;
	CHECK_EQ(vq_enable(&vq), 0);
}

static void create(const char *image, const char *serial, const char *more)
{
	const struct adjunct_client_config config = {
		.nr_queues = 1,
		.writeback = true,
		.serial = serial,
	};
	struct opts *opts;
	char text[2 * PATH_MAX];

	snprintf(text, sizeof(text), "qom-type=tarn-adjunct,id=a,device=" DEVICE ",image=%s%s",
		 image, more);
	messages[0] = '\0';
	notified = 0;
	failed = 0;
	sem_init(&failure, 0, 0);
	ram = ram_alloc(RAM_SIZE);
	memset(&vm.mem, 0, sizeof(vm.mem));
	ram_add(&vm.mem, 0, RAM_SIZE, ram);
	model_start(&model, 0, 0);
	bar = (struct vfio_bar){.size = MODEL_BAR, .nr = 1,
				.piece = {{.size = MODEL_BAR, .hva = model.bar}}};
	CHECK_EQ(opts_parse(&opts, "-object", text, NULL), 0);
	CHECK_EQ(adjunct_settings_create(opts), 0);
	opts_destroy(opts);
	CHECK_EQ(adjunct_create("node", DEVICE, 1, false, &adj), 0);
	CHECK_EQ(adjuncts_place(&vm), 0);
	CHECK_EQ(adjuncts_start(&vm), 0);
	adjunct_attach(adj, &client_ops, NULL);
	adjunct_configure(adj, &config);
	ring_make();
	loop_call(adjunct_loop(adj), begin, NULL);
}

static void destroy(void)
{
	adjunct_detach(adj);
	/* As where the program ends, and not as where a node is removed. */
	if (notified & 1)
		adjuncts_stop();
	adjunct_destroy(adj);
	adjunct_settings_destroy_all();
	CHECK_EQ(model.outside, 0);
	model_end(&model);
	munmap(ram, RAM_SIZE);
	adjunct_forget_machine();
	sem_destroy(&failure);
}

static u16 offer(u32 type, u64 sector, u64 addr, u32 len, bool in)
{
	u16 d = ring.idx * 3 % (QSIZE - 3);
	struct virtio_blk_outhdr h = {.type = type, .sector = sector};

	tarn_mem_write(&vm.mem, HEADERS + 16 * d, &h, sizeof(h));
	ram[STATUSES + d] = NONE;
	ring_desc(&ring, d, HEADERS + 16 * d, 16, VRING_DESC_F_NEXT, d + 1);
	ring_desc(&ring, d + 1, addr, len,
		  VRING_DESC_F_NEXT | (in ? VRING_DESC_F_WRITE : 0), d + 2);
	ring_desc(&ring, d + 2, STATUSES + d, 1, VRING_DESC_F_WRITE, 0);
	ring_offer(&ring, d);
	return d;
}

/* As a vCPU does. */
static void kick(void)
{
	CHECK(adjunct_note(adj, 0));
	adjunct_serve_noted();
}

/* All that was offered is back within half a minute. */
static bool all_back(void)
{
	u64 end = loop_now() + 30000000000ULL;

	while (ring_used_idx(&ring) != ring.idx) {
		if (loop_now() > end)
			return false;
		usleep(100);
	}
	return true;
}

/* Interrupts and counts come a moment after what they are about. */
static bool comes_to(const void *counter, size_t size, u64 wanted)
{
	u64 end = loop_now() + 30000000000ULL, now;

	for (;;) {
		now = size == 4 ? READ_ONCE(*(const u32 *)counter)
				: READ_ONCE(*(const u64 *)counter);
		if (now == wanted || loop_now() > end)
			return now == wanted;
		usleep(100);
	}
}

#define COMES_TO(counter, wanted) CHECK(comes_to(&(counter), sizeof(counter), wanted))

static struct adjunct_stats stats(void)
{
	struct adjunct_stats st;

	adjunct_get_stats(adj, &st);
	return st;
}

static u16 *lefts;

/* With room for no more than the ring has. */
static u16 left(u16 *nr)
{
	free(lefts);
	lefts = calloc(QSIZE, sizeof(*lefts));
	return adjunct_queue_left(adj, 0, &vq, lefts, nr);
}

/* Tests */

static void it_comes_up(void)
{
	const struct adjunct_disk *disk;

	create(product, "serial              ", "");
	disk = adjunct_disk(adj);
	CHECK(disk);
	CHECK_EQ(disk->size, MODEL_BLOCKS * 512);
	CHECK_EQ(disk->nr_queues, MODEL_QUEUES);
	CHECK(disk->cache && disk->discard && disk->zeroes && disk->unmap);
	CHECK(adjunct_is_up(adj));
	destroy();
}

static void a_vcpu_serves(void)
{
	u16 head;

	create(product, "serial              ", ",poll-us=100000,watchdog-ms=60000");
	memset(ram + DATA, 0x77, 8192);
	head = offer(VIRTIO_BLK_T_OUT, 8, DATA, 8192, false);
	kick();
	CHECK_EQ(ring_used_idx(&ring), 1);
	CHECK_EQ(ram[STATUSES + head], VIRTIO_BLK_S_OK);
	CHECK(model.disk[8 * 512] == 0x77 && model.disk[8 * 512 + 8191] == 0x77);
	CHECK_EQ(model.disk[8 * 512 + 8192], 0);
	head = offer(VIRTIO_BLK_T_IN, 8, DATA + 8192, 8192, true);
	kick();
	CHECK_EQ(ram[STATUSES + head], VIRTIO_BLK_S_OK);
	CHECK(!memcmp(ram + DATA, ram + DATA + 8192, 8192));
	CHECK_EQ(notified, 2);
	CHECK_EQ(stats().donated, 2);
	CHECK_EQ(stats().requests, 2);
	CHECK_EQ(messages[0], 0);
	destroy();
}

/* 20 without a kick: nobody is entered. A kick: one entry. */
static void one_entry_for_all(void)
{
	u64 service;
	unsigned int i;

	create(product, "serial              ", ",poll-us=100000,watchdog-ms=60000");
	service = stats().service;
	for (i = 0; i < 20; i++)
		offer(VIRTIO_BLK_T_IN, i, DATA + i * 4096, 4096, true);
	usleep(50000);
	CHECK_EQ(stats().donated, 0);
	kick();
	CHECK_EQ(stats().donated, 1);
	CHECK_EQ(stats().service, service);
	CHECK_EQ(ring_used_idx(&ring), 20);
	CHECK_EQ(notified, 1);
	destroy();
}

static void the_service_thread_reaps(void)
{
	create(product, "serial              ", ",poll-us=0");
	__atomic_store_n(&model.held, true, __ATOMIC_SEQ_CST);
	offer(VIRTIO_BLK_T_IN, 0, DATA, 1 << 20, true);
	kick();
	CHECK_EQ(ring_used_idx(&ring), 0);
	__atomic_store_n(&model.held, false, __ATOMIC_SEQ_CST);
	CHECK(all_back());
	COMES_TO(notified, 1);
	CHECK_EQ(stats().donated, 1);
	destroy();
}

/* Interrupts are lost, and the first request is done before the timer looks. */
static void the_timer_goes_on(void)
{
	create(product, "serial              ", ",poll-us=0");
	__atomic_store_n(&model.held, true, __ATOMIC_SEQ_CST);
	offer(VIRTIO_BLK_T_IN, 0, DATA, 4096, true);
	kick();
	/* It polls before there is anything, and never sees it. */
	usleep(100000);
	CHECK(READ_ONCE(adj->armed));
	vfio_function_interrupts(NULL, NULL, 0);
	__atomic_store_n(&model.held, false, __ATOMIC_SEQ_CST);
	CHECK(all_back());
	COMES_TO(notified, 1);
	/* Until it has nothing to look for. */
	usleep(700000);
	CHECK(READ_ONCE(adj->armed));
	CHECK(!READ_ONCE(adj->ticking));
	__atomic_store_n(&model.held, true, __ATOMIC_SEQ_CST);
	offer(VIRTIO_BLK_T_IN, 0, DATA, 4096, true);
	kick();
	CHECK_EQ(ring_used_idx(&ring), 1);
	__atomic_store_n(&model.held, false, __ATOMIC_SEQ_CST);
	CHECK(all_back());
	destroy();
}

/* The disk is read-only, its node is not. */
static void a_client_that_only_reads(void)
{
	struct adjunct_client_config config = {.nr_queues = 1, .read_only = true, .writeback = true,
					       .serial = "serial              "};
	u16 head;

	create(product, config.serial, ",poll-us=100000,watchdog-ms=60000");
	memset(ram + DATA, 0x77, 4096);
	adjunct_configure(adj, &config);
	head = offer(VIRTIO_BLK_T_OUT, 0, DATA, 4096, false);
	kick();
	CHECK_EQ(ram[STATUSES + head], VIRTIO_BLK_S_IOERR);
	CHECK_EQ(model.disk[0], 0);
	config.read_only = false;
	adjunct_configure(adj, &config);
	head = offer(VIRTIO_BLK_T_OUT, 0, DATA, 4096, false);
	kick();
	CHECK_EQ(ram[STATUSES + head], VIRTIO_BLK_S_OK);
	CHECK_EQ(model.disk[0], 0x77);
	destroy();
}

static void queues_stop_and_go_on(void)
{
	u16 nr;

	create(product, "serial              ", ",poll-us=0");
	__atomic_store_n(&model.held, true, __ATOMIC_SEQ_CST);
	offer(VIRTIO_BLK_T_IN, 0, DATA, 4096, true);
	kick();
	loop_call(adjunct_loop(adj), stop, NULL);
	CHECK_EQ(adjunct_queues_drain(adj, 1, 300), -ETIMEDOUT);
	__atomic_store_n(&model.held, false, __ATOMIC_SEQ_CST);
	CHECK_EQ(adjunct_queues_drain(adj, 1, 30000), 0);
	CHECK_EQ(left(&nr), 1);
	CHECK_EQ(nr, 0);
	/* Nothing is taken from a queue that was stopped. */
	offer(VIRTIO_BLK_T_IN, 0, DATA, 4096, true);
	kick();
	CHECK_EQ(ring_used_idx(&ring), 1);
	CHECK_EQ(adjunct_sync(adj), 0);
	vq.last_avail = vq.used_idx = 1;
	loop_call(adjunct_loop(adj), begin, NULL);
	CHECK(all_back());
	destroy();
}

/* A stop in vain: what is at the device is not forgotten, and the ring goes on behind it. */
static void a_queue_goes_on_undrained(void)
{
	u32 generation;
	u16 heads[2], nr;
	int i;

	create(product, "serial              ", ",poll-us=0");
	__atomic_store_n(&model.held, true, __ATOMIC_SEQ_CST);
	heads[0] = offer(VIRTIO_BLK_T_IN, 0, DATA, 4096, true);
	kick();
	generation = adj->config->queue[0].generation;
	loop_call(adjunct_loop(adj), stop, NULL);
	CHECK_EQ(adjunct_queues_drain(adj, 1, 300), -ETIMEDOUT);
	CHECK_EQ(adjunct_queues_attached(adj), 1);
	heads[1] = offer(VIRTIO_BLK_T_IN, 8, DATA + 4096, 4096, true);
	loop_call(adjunct_loop(adj), resume, NULL);
	CHECK_EQ(adj->config->queue[0].generation, generation);
	__atomic_store_n(&model.held, false, __ATOMIC_SEQ_CST);
	CHECK(all_back());
	for (i = 0; i < 2; i++)
		CHECK_EQ(ram[STATUSES + heads[i]], VIRTIO_BLK_S_OK);
	loop_call(adjunct_loop(adj), stop, NULL);
	CHECK_EQ(adjunct_queues_drain(adj, 1, 30000), 0);
	CHECK_EQ(adjunct_queues_attached(adj), 0);
	CHECK_EQ(left(&nr), 2);
	CHECK_EQ(nr, 0);
	CHECK_EQ(model.outside, 0);
	CHECK_EQ(stats().restarts, 0);
	destroy();
}

/* Each way to go wrong, once, with requests in flight and more to come. */
static void it_goes_wrong(const char *serial, const char *why)
{
	unsigned int i;
	u16 heads[8];

	create(faulty, serial, ",watchdog-ms=200,poll-us=100");
	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		memset(ram + DATA + i * 4096, i + 1, 4096);
		heads[i] = offer(VIRTIO_BLK_T_OUT, i * 8, DATA + i * 4096, 4096, false);
		kick();
	}
	CHECK(all_back());
	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		CHECK_EQ(ram[STATUSES + heads[i]], VIRTIO_BLK_S_OK);
		CHECK_EQ(model.disk[i * 4096], i + 1);
	}
	COMES_TO(adj->restarts, 1);
	CHECK(!failed);
	if (!strstr(messages, why)) {
		printf("# %s: '%s' is not in '%s'\n", serial, why, messages);
		tap_failed++;
	}
	destroy();
}

static void it_is_started_anew(void)
{
	it_goes_wrong("fault-ud-4-1       ", "exception 6");
	it_goes_wrong("fault-wild-4-1     ", "where it has nothing");
	it_goes_wrong("fault-conf-4-1     ", "exception 14");
	it_goes_wrong("fault-text-4-1     ", "exception 14");
	it_goes_wrong("fault-deep-4-1     ", "triple fault");
}

static void one_that_loops(void)
{
	it_goes_wrong("fault-loop-4-1     ", "has not come back within 200 ms");
}

/* Started anew it does no better. */
static void one_that_is_always_busy(void)
{
	u16 nr;

	create(product, "serial              ", ",poll-us=0");
	__atomic_store_n(&model.held, true, __ATOMIC_SEQ_CST);
	offer(VIRTIO_BLK_T_IN, 0, DATA, 4096, true);
	kick();
	loop_call(adjunct_loop(adj), stop, NULL);
	adjunct_queues_end(adj, 1, 1000);
	CHECK_EQ(adjunct_queues_attached(adj), 0);
	CHECK_EQ(stats().restarts, 1);
	CHECK(adjunct_has_failed(adj) && failed);
	CHECK_EQ(left(&nr), 0);
	CHECK_EQ(nr, 1);
	destroy();
}

static void one_that_ends_in_time(void)
{
	u16 nr;

	create(product, "serial              ", ",poll-us=0");
	__atomic_store_n(&model.held, true, __ATOMIC_SEQ_CST);
	offer(VIRTIO_BLK_T_IN, 0, DATA, 4096, true);
	kick();
	loop_call(adjunct_loop(adj), stop, NULL);
	CHECK_EQ(adjunct_queues_drain(adj, 1, 100), -ETIMEDOUT);
	__atomic_store_n(&model.held, false, __ATOMIC_SEQ_CST);
	adjunct_queues_end(adj, 1, 30000);
	CHECK(!adjunct_has_failed(adj));
	CHECK_EQ(left(&nr), 1);
	CHECK_EQ(nr, 0);
	destroy();
}

/* All that an image can leave in its log, good and bad. */
static void what_is_left(void)
{
	struct adjunct_log *log;
	u16 nr, i;

	create(product, "serial              ", "");
	loop_call(adjunct_loop(adj), stop, NULL);
	CHECK_EQ(adjunct_queues_drain(adj, 1, 30000), 0);
	log = adjunct_log(adj, 0);
	/* A batch of two of three: not in the ring yet, then there. */
	log->used_idx = 5;
	log->batch = 7;
	log->entry[7] = (struct adjunct_log_entry){.seq = 3, .inflight = 1, .next = 2};
	log->entry[2] = (struct adjunct_log_entry){.seq = 9, .inflight = 1,
						   .next = ADJUNCT_LOG_END};
	log->entry[4] = (struct adjunct_log_entry){.seq = 1, .inflight = 1};
	vq.used->idx = htole16(5);
	CHECK_EQ(left(&nr), 5);
	CHECK_EQ(nr, 3);
	CHECK(lefts[0] == 4 && lefts[1] == 7 && lefts[2] == 2);
	vq.used->idx = htole16(7);
	CHECK_EQ(left(&nr), 7);
	CHECK_EQ(nr, 1);
	CHECK_EQ(lefts[0], 4);
	/* One that goes in circles, or out of the ring, ends. */
	log->entry[2].next = 7;
	CHECK_EQ(left(&nr), 5);
	CHECK_EQ(nr, 3);
	log->entry[2].next = QSIZE;
	CHECK_EQ(left(&nr), 7);
	/* Heads that the ring does not have are none. */
	for (i = 0; i < ADJUNCT_QUEUE_SIZE; i++)
		log->entry[i] = (struct adjunct_log_entry){.seq = i, .inflight = 1};
	log->batch = ADJUNCT_LOG_END;
	CHECK_EQ(left(&nr), 5);
	CHECK_EQ(nr, QSIZE);
	destroy();
}

static void one_that_crashes_too_often(void)
{
	u16 nr;

	create(faulty, "fault-ud-2-1000    ", "");
	offer(VIRTIO_BLK_T_IN, 0, DATA, 4096, true);
	kick();
	while (sem_wait(&failure))
		;
	CHECK(adjunct_has_failed(adj));
	CHECK_EQ(stats().restarts, 3);
	CHECK_EQ(left(&nr), 0);
	CHECK_EQ(nr, 0);
	/* A kick does nothing, and ends. */
	kick();
	CHECK_EQ(adjunct_queues_drain(adj, 1, 1000), 0);
	destroy();
}

static void a_device_that_dies(void)
{
	create(product, "serial              ", ",poll-us=0");
	__atomic_store_n(&model.held, true, __ATOMIC_SEQ_CST);
	offer(VIRTIO_BLK_T_IN, 0, DATA, 4096, true);
	kick();
	model_set(&model, NVME_CSTS, NVME_CSTS_READY | NVME_CSTS_FATAL);
	usleep(600000);
	__atomic_store_n(&model.held, false, __ATOMIC_SEQ_CST);
	CHECK(all_back());
	COMES_TO(adj->restarts, 1);
	CHECK(strstr(messages, "the device has failed"));
	destroy();
}

/* Two vCPUs and the service thread, with crashes in between; each request comes back once. */
static void *other_vcpu(void *arg)
{
	adjunct_thread_is(1);
	while (!__atomic_load_n((bool *)arg, __ATOMIC_SEQ_CST))
		if (adjunct_note(adj, 0))
			adjunct_serve_noted();
	return NULL;
}

static void many_at_once(void)
{
	bool end = false;
	pthread_t thread;
	unsigned int i, n;

	create(faulty, "fault-ud-500-1     ", ",poll-us=10,budget=3");
	pthread_create(&thread, NULL, other_vcpu, &end);
	for (i = 0; i < 100; i++) {
		for (n = 0; n < 1 + i % 16; n++)
			offer(VIRTIO_BLK_T_IN, n, DATA + n * 4096, 4096, true);
		kick();
		if (!all_back())
			break;
	}
	CHECK_EQ(i, 100);
	__atomic_store_n(&end, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	printf("# %llu entries by vCPUs, %llu by the service thread, %llu restarts\n",
	       (unsigned long long)stats().donated, (unsigned long long)stats().service,
	       (unsigned long long)stats().restarts);
	COMES_TO(adj->restarts, 1);
	if (stats().restarts != 1)
		printf("# %s\n", messages);
	destroy();
}

/* It has kicked, and is late to serve. */
static void *late_vcpu(void *arg)
{
	adjunct_thread_is(1);
	adjunct_note(adj, 0);
	sem_post(arg);
	usleep(300000);
	adjunct_serve_noted();
	return NULL;
}

static void the_end_waits_for_a_vcpu(void)
{
	pthread_t thread;
	sem_t noted;
	u64 start;

	create(product, "serial              ", "");
	sem_init(&noted, 0, 0);
	pthread_create(&thread, NULL, late_vcpu, &noted);
	while (sem_wait(&noted))
		;
	start = loop_now();
	loop_call(adjunct_loop(adj), stop, NULL);
	CHECK_EQ(adjunct_queues_drain(adj, 1, 30000), 0);
	/* ASan has a word where it does not. */
	destroy();
	CHECK(loop_now() - start >= 200000000);
	pthread_join(thread, NULL);
	sem_destroy(&noted);
}

/* The watchdog may be late with it: the entry that it meant has left, another one comes. */
static void an_evict_is_for_one_entry(void)
{
	struct adjunct_cpu *cpu;

	create(product, "serial              ", ",poll-us=100000,watchdog-ms=60000");
	cpu = &adj->cpu[0];
	offer(VIRTIO_BLK_T_IN, 0, DATA, 4096, true);
	kick();
	adjunct_evict(cpu, cpu->entries);
	offer(VIRTIO_BLK_T_IN, 0, DATA, 4096, true);
	kick();
	CHECK_EQ(ring_used_idx(&ring), 2);
	CHECK(adjunct_is_up(adj));
	/* The one that comes next is sent out, and does not come in again by that. */
	adjunct_evict(cpu, cpu->entries + 1);
	adjunct_evict(cpu, cpu->entries);
	offer(VIRTIO_BLK_T_IN, 0, DATA, 4096, true);
	kick();
	CHECK_EQ(ring_used_idx(&ring), 2);
	kick();
	CHECK_EQ(ring_used_idx(&ring), 3);
	CHECK_EQ(stats().restarts, 0);
	destroy();
}

static void what_an_entry_takes(void)
{
	u64 start;
	int i;

	create(product, "serial              ", ",poll-us=0");
	kick();
	start = loop_now();
	for (i = 0; i < 1000; i++)
		kick();
	printf("# %llu ns an entry that finds nothing\n",
	       (unsigned long long)(loop_now() - start) / 1000);
	CHECK_EQ(stats().donated, 1001);
	CHECK_EQ(stats().restarts, 0);
	destroy();
}

static const struct tap_test tests[] = {
	{"the image comes up and finds the disk", it_comes_up},
	{"a vCPU serves what it has kicked", a_vcpu_serves},
	{"one entry takes all that there is", one_entry_for_all},
	{"what takes longer is the service thread's", the_service_thread_reaps},
	{"the timer looks again after it had nothing to look for", the_timer_goes_on},
	{"a client that only reads writes nothing", a_client_that_only_reads},
	{"queues stop, drained, and go on", queues_stop_and_go_on},
	{"a queue that could not be drained goes on", a_queue_goes_on_undrained},
	{"one that goes wrong is started anew, and no request fails", it_is_started_anew},
	{"one that loops is, too", one_that_loops},
	{"one that is always busy is given up where it has to end", one_that_is_always_busy},
	{"one that is done in time is not", one_that_ends_in_time},
	{"what is left in the log is taken with care", what_is_left},
	{"one that crashes too often is given up", one_that_crashes_too_often},
	{"a device that dies is reset", a_device_that_dies},
	{"vCPUs and the service thread at once", many_at_once},
	{"the end waits for a vCPU that is late", the_end_waits_for_a_vcpu},
	{"who is sent out is one entry", an_evict_is_for_one_entry},
	{"1,000 entries", what_an_entry_takes},
};

static bool find_images(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return false;
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	if (strlen(self) > PATH_MAX - 64)
		return false;
	snprintf(product, sizeof(product), "%.4000s/../../bin/tarn-adjunct", self);
	snprintf(faulty, sizeof(faulty), "%.4000s/adjunct-fault", self);
	return !access(product, R_OK) && !access(faulty, R_OK);
}

/* ASan would give each thread an alternate stack, which the sandbox does not. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "use_sigaltstack=0";
}

int main(void)
{
	vm.kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm.kvm_fd < 0) {
		printf("1..0 # SKIP /dev/kvm is missing\n");
		return 4;
	}
	if (!find_images()) {
		printf("1..0 # SKIP the images are not built\n");
		return 4;
	}
	adjunct_thread_is(0);
	/* Threads that it starts are confined, as in the VMM. */
	if (sandbox_init(true))
		return EXIT_FAILURE;
	return tap_run(tests, ARRAY_SIZE(tests));
}
