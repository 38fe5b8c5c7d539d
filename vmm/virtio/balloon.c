// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-balloon: pages that the guest gives up go back to the host at once.
 *
 * Inflating and free page reporting both give memory back, so a page that the
 * guest takes again reads as zeroes. A pool that holds the memory is told what is
 * in the balloon, and what leaves it, if the driver has promised to tell before it
 * uses a page again: then a write to another one says that the driver is gone, and
 * the balloon with it. Page numbers of one buffer are sorted and merged first, as
 * a range costs the host what a page does.
 *
 * One buffer can name more pages than can be given back in a moment. What is
 * too much for a turn of the loop stays in the ring, with the number of bytes
 * of the buffer that have been looked at; to begin with it anew, as after a
 * pause, does no harm.
 *
 * Queue numbers: the specification fixes them, but drivers before Linux 6.11
 * close the gaps that features not in use leave. Free page hinting is never
 * offered, so every queue behind the statistics is taken as the one for
 * reporting, and that of the statistics, too, when the driver has none.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "iothread.h"
#include "lib/iov.h"
#include "lib/opts.h"
#include "loop.h"
#include "state.h"
#include "virtio/balloon.h"
#include "virtio/devices.h"
#include "virtio/virtio.h"
#include "vm.h"
#include "wait.h"

#define QUEUE_SIZE 128
#define Q_INFLATE 0
#define Q_DEFLATE 1
#define Q_STATS 2
#define NR_QUEUES 5

#define PAGE 4096ULL
#define PFNS 1024
#define IOVS (QUEUE_SIZE + VQ_IOV_SPARE)

/* Pages a turn; each range counts as that many at least. */
#define TURN_PAGES 65536
#define RANGE_PAGES 16
/* Of free pages that are reported in one piece, at a time. */
#define PART_MAX MIB(64)
#define STATS_MAX 64

struct virtio_balloon {
	struct virtio_dev vdev;
	struct virtio_balloon_config config;
	bool own_thread; /* its loop is a reference to the common one */
	pthread_mutex_t lock; /* innermost; guards the next one */
	struct balloon_info info;
	/* In the loop's thread. */
	struct loop_timer *timer;
	struct loop_work arm_work;
	bool stats_held; /* the guest's statistics buffer is here */
	u16 stats_head;
	long share; /* pages left in this turn */
	size_t done[NR_QUEUES]; /* bytes of the first buffer */
	struct iovec iov[IOVS];
	/* Under the VM's lock. */
	int gone_fd; /* -1: no pool tells */
	struct loop_event *gone;
	void (*listener)(u64 actual, void *arg);
	void *listener_arg;
};

static struct virtio_balloon *the_balloon;

static void count(struct virtio_balloon *b, u64 *counter, u64 bytes)
{
	pthread_mutex_lock(&b->lock);
	*counter += bytes;
	pthread_mutex_unlock(&b->lock);
}

static struct virtio_balloon *to_balloon(struct virtio_dev *vdev)
{
	return container_of(vdev, struct virtio_balloon, vdev);
}

/* Does the driver say what it takes back before it uses it? */
static bool tells(const struct virtio_balloon *b)
{
	return virtio_has(&b->vdev, VIRTIO_BALLOON_F_MUST_TELL_HOST);
}

typedef int range_fn(struct tarn_mem *mem, u64 gpa, u64 len);

/* A run of pages may reach from one range of RAM into the next. */
static void for_ranges(struct virtio_balloon *b, u64 gpa, u64 len,
		       range_fn *fn, u64 *counter)
{
	struct tarn_mem *mem = &b->vdev.vm->mem;
	struct mem_range *range;
	u64 part;
	int ret;

	b->share -= max_t(u64, len / PAGE, RANGE_PAGES);
	for (; len; gpa += part, len -= part) {
		part = PAGE;
		range = tarn_mem_range(mem, gpa, PAGE);
		ret = -EFAULT;
		if (range) {
			part = min_t(u64, len, range->gpa + range->size - gpa);
			ret = fn(mem, gpa, part);
		}
		if (!ret)
			count(b, counter, part);
		else if (ret != -EOPNOTSUPP)
			guest_warn("virtio-balloon: no page can be %s at %#llx: %s",
				   fn == tarn_mem_deflate ? "taken" : "given back",
				   (unsigned long long)gpa, strerror(-ret));
	}
}

/* Inflating and deflating */

static int compare_pfn(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static void for_pfns(struct virtio_balloon *b, u32 *pfns, size_t nr,
		     range_fn *fn, u64 *counter)
{
	size_t i, first = 0;

	qsort(pfns, nr, sizeof(*pfns), compare_pfn);
	for (i = 1; i <= nr; i++) {
		if (i < nr && pfns[i] - pfns[i - 1] <= 1)
			continue;
		for_ranges(b, pfns[first] * PAGE,
			   (pfns[i - 1] - pfns[first] + 1) * PAGE, fn, counter);
		first = i;
	}
}

/* True when all of the chain has been looked at. */
static bool change(struct virtio_balloon *b, struct vq_chain *chain,
		   size_t *done, range_fn *fn, u64 *counter)
{
	u32 pfns[PFNS];
	size_t len, i;

	while (b->share > 0) {
		len = iov_to_buf(chain->iov, chain->nr_out, *done, pfns,
				 sizeof(pfns)) / sizeof(*pfns);
		if (!len)
			return true;
		for (i = 0; i < len; i++)
			pfns[i] = le32toh(pfns[i]);
		for_pfns(b, pfns, len, fn, counter);
		*done += len * sizeof(*pfns);
	}
	return false;
}

/* Free page reporting: the buffers are the free pages themselves. */

static void report_part(struct virtio_balloon *b, u8 *hva, u64 len)
{
	const struct tarn_mem *mem = &b->vdev.vm->mem;
	unsigned int r;

	for (r = 0; r < mem->nr; r++) {
		const struct mem_range *range = &mem->range[r];

		if (hva < range->hva || hva >= range->hva + range->size)
			continue;
		for_ranges(b, range->gpa + (hva - range->hva), len,
			   tarn_mem_discard, &b->info.reported);
		break;
	}
}

static bool report(struct virtio_balloon *b, struct vq_chain *chain,
		   size_t *done)
{
	struct iovec *iov = vq_chain_in(chain);
	unsigned int nr = chain->nr_in;
	size_t len;

	iov_skip(&iov, &nr, *done);
	while (nr && b->share > 0) {
		len = min_t(size_t, iov->iov_len, PART_MAX);
		report_part(b, iov->iov_base, len);
		iov_skip(&iov, &nr, len);
		*done += len;
	}
	return !nr;
}

/* Statistics: the buffer stays here until new ones are wanted. */

static void stats_read(struct virtio_balloon *b, struct vq_chain *chain)
{
	struct virtio_balloon_stat stats[STATS_MAX];
	size_t i, nr = iov_to_buf(chain->iov, chain->nr_out, 0, stats,
				  sizeof(stats)) / sizeof(*stats);
	u16 tag;

	pthread_mutex_lock(&b->lock);
	memset(b->info.stats, 0xff, sizeof(b->info.stats));
	for (i = 0; i < nr; i++) {
		tag = le16toh(stats[i].tag);
		if (tag < VIRTIO_BALLOON_S_NR)
			b->info.stats[tag] = le64toh(stats[i].val);
	}
	b->info.updated = time(NULL);
	pthread_mutex_unlock(&b->lock);
}

static void stats_arm(struct virtio_balloon *b)
{
	u32 interval = READ_ONCE(b->info.interval);

	loop_timer_set(b->timer, interval ? loop_now() +
						    interval * 1000000000ULL :
					    0);
}

static void arm(struct loop_work *work)
{
	stats_arm(container_of(work, struct virtio_balloon, arm_work));
}

static void stats_due(void *arg)
{
	struct virtio_balloon *b = arg;
	struct virtio_queue *q = &b->vdev.queues[Q_STATS];

	if (b->stats_held && q->live) {
		b->stats_held = false;
		vq_push(&q->vq, b->stats_head, 0);
		virtio_notify(q);
	}
	stats_arm(b);
}

/* Queues */

static bool is_stats(const struct virtio_dev *vdev, u16 index)
{
	return index == Q_STATS && virtio_has(vdev, VIRTIO_BALLOON_F_STATS_VQ);
}

static void stats_keep(struct virtio_balloon *b, struct virtio_queue *q,
		       struct vq_chain *chain)
{
	/* A driver has one such buffer; of several the last counts. */
	if (b->stats_held)
		vq_push(&q->vq, b->stats_head, 0);
	stats_read(b, chain);
	b->stats_head = chain->head;
	b->stats_held = true;
}

/* False when some of the chain is left for the next turn. */
static bool handle(struct virtio_balloon *b, struct virtio_queue *q,
		   struct vq_chain *chain)
{
	size_t *done = &b->done[q->index];
	bool all = true;

	if (is_stats(&b->vdev, q->index)) {
		stats_keep(b, q, chain);
		return true;
	}
	if (q->index == Q_INFLATE)
		all = change(b, chain, done,
			     tells(b) ? tarn_mem_inflate : tarn_mem_discard,
			     &b->info.inflated);
	else if (q->index == Q_DEFLATE)
		all = !tells(b) || change(b, chain, done, tarn_mem_deflate,
					  &b->info.deflated);
	else
		all = report(b, chain, done);
	if (!all) {
		vq_unpop(&q->vq, 1);
		virtio_again(q);
		return false;
	}
	*done = 0;
	vq_push(&q->vq, chain->head, 0);
	return true;
}

static void balloon_kick(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct virtio_balloon *b = to_balloon(vdev);
	struct vq_chain chain = {.iov = b->iov, .iov_max = IOVS};
	bool all = true;

	b->share = TURN_PAGES;
	do {
		vq_kick_off(&q->vq);
		while (all && virtio_pop(q, &chain))
			all = handle(b, q, &chain);
	} while (all && virtio_kick_on(q));
	virtio_notify(q);
}

static void balloon_queue_stop(struct virtio_dev *vdev, struct virtio_queue *q)
{
	struct virtio_balloon *b = to_balloon(vdev);

	b->done[q->index] = 0;
	if (!is_stats(vdev, q->index) || !b->stats_held)
		return;
	b->stats_held = false;
	vq_unpop(&q->vq, 1);
}

static void balloon_stop(struct virtio_dev *vdev)
{
	u16 i;

	for (i = 0; i < vdev->nr_queues; i++)
		balloon_queue_stop(vdev, &vdev->queues[i]);
}

/* Configuration */

static u64 pages_to_actual(const struct virtio_balloon *b, u32 pages)
{
	u64 size = b->vdev.vm->mem.size;

	return size - min_t(u64, size, pages * PAGE);
}

static void balloon_config_write(struct virtio_dev *vdev, u32 off,
				 const void *buf, u32 len)
{
	struct virtio_balloon *b = to_balloon(vdev);

	if (off != offsetof(struct virtio_balloon_config, actual) || len != 4)
		return;
	memcpy(&b->config.actual, buf, len);
	b->info.actual = pages_to_actual(b, le32toh(b->config.actual));
	if (b->listener)
		b->listener(b->info.actual, b->listener_arg);
}

/* A pool has seen that the guest has another kernel, which has not reset the device yet. */
static void gone(void *arg)
{
	struct virtio_balloon *b = arg;

	b->config.actual = 0;
	pthread_mutex_lock(&b->lock);
	b->info.actual = b->vdev.vm->mem.size;
	pthread_mutex_unlock(&b->lock);
	if (b->listener)
		b->listener(b->info.actual, b->listener_arg);
}

static void balloon_reset(struct virtio_dev *vdev)
{
	struct virtio_balloon *b = to_balloon(vdev);

	/* The pages of it are looked for. */
	wait_begin(WAIT_PAGES);
	tarn_mem_balloon_reset(&vdev->vm->mem);
	wait_end();
	b->stats_held = false;
	b->config.actual = 0;
	pthread_mutex_lock(&b->lock);
	b->info.actual = vdev->vm->mem.size;
	b->info.updated = 0;
	memset(b->info.stats, 0xff, sizeof(b->info.stats));
	pthread_mutex_unlock(&b->lock);
}

static int balloon_save(struct virtio_dev *vdev, struct state_out *out)
{
	struct virtio_balloon *b = to_balloon(vdev);
	int ret = state_put_u64(out, "pages", le32toh(b->config.num_pages));

	return ret ? ret :
		     state_put_u64(out, "actual", le32toh(b->config.actual));
}

static int balloon_load(struct virtio_dev *vdev, struct state_in *in,
			u32 version)
{
	struct virtio_balloon *b = to_balloon(vdev);
	u64 pages, actual;
	int ret;

	if ((ret = state_get_u64(in, "pages", &pages, UINT32_MAX)) ||
	    (ret = state_get_u64(in, "actual", &actual, UINT32_MAX)))
		return ret;
	b->config.num_pages = htole32(pages);
	b->config.actual = htole32(actual);
	b->info.target = pages_to_actual(b, pages);
	b->info.actual = pages_to_actual(b, actual);
	return 0;
}

static void stats_end(void *arg)
{
	struct virtio_balloon *b = arg;

	loop_work_cancel(b->vdev.loop, &b->arm_work);
	loop_timer_del(b->timer);
}

static void balloon_destroy(struct virtio_dev *vdev)
{
	struct virtio_balloon *b = to_balloon(vdev);

	if (the_balloon == b)
		the_balloon = NULL;
	if (b->timer)
		virtio_call(vdev, stats_end, b);
	if (b->gone)
		loop_event_del(b->gone);
	if (b->gone_fd >= 0)
		close(b->gone_fd);
	virtio_dev_exit(vdev);
	if (b->own_thread)
		iothread_common_put(IOTHREAD_DEVICES);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static const struct virtio_dev_ops balloon_ops = {
	.name = "virtio-balloon",
	.id = VIRTIO_ID_BALLOON,
	.config_write = balloon_config_write,
	.stop = balloon_stop,
	.queue_stop = balloon_queue_stop,
	.kick = balloon_kick,
	.reset = balloon_reset,
	.version = 1,
	.save = balloon_save,
	.load = balloon_load,
	.destroy = balloon_destroy,
};

static void set_features(struct virtio_balloon *b, bool oom, bool reporting)
{
	u64 *f = &b->vdev.host_features;

	*f = 1ULL << VIRTIO_BALLOON_F_STATS_VQ |
	     1ULL << VIRTIO_BALLOON_F_MUST_TELL_HOST;
	if (oom)
		*f |= 1ULL << VIRTIO_BALLOON_F_DEFLATE_ON_OOM;
	if (reporting)
		*f |= 1ULL << VIRTIO_BALLOON_F_REPORTING;
}

/* Where no pool can tell there is nothing to be heard. */
static int listen_to_pools(struct virtio_balloon *b, struct vm *vm)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (!tarn_mem_balloon_begin(&vm->mem, fd)) {
		close(fd);
		return 0;
	}
	b->gone_fd = fd;
	b->gone = loop_event_add(vm->loop, fd, gone, b);
	return b->gone ? 0 : -ENOMEM;
}

static int balloon_setup(struct virtio_balloon *b, struct vm *vm)
{
	struct loop *loop = iothread_common_get(IOTHREAD_DEVICES);
	int ret;

	b->own_thread = loop;
	if (!loop)
		return -EIO;
	b->vdev.config = &b->config;
	/* Fields behind are for hinting and poisoning. */
	b->vdev.config_len = offsetof(struct virtio_balloon_config,
				      free_page_hint_cmd_id);
	b->info.target = vm->mem.size;
	b->arm_work.fn = arm;
	ret = virtio_dev_init(&b->vdev, vm, &balloon_ops, loop, NR_QUEUES,
			      QUEUE_SIZE);
	if (ret)
		return ret;
	b->timer = loop_timer_add(loop, stats_due, b);
	return b->timer ? listen_to_pools(b, vm) : -ENOMEM;
}

int virtio_balloon_create(struct vm *vm, struct opts *opts,
			  struct virtio_dev **out)
{
	bool oom = false, reporting = false;
	struct virtio_balloon *b;
	int ret;

	if ((ret = opts_get_bool(opts, "deflate-on-oom", &oom)) ||
	    (ret = opts_get_bool(opts, "free-page-reporting", &reporting)))
		return ret;
	if (the_balloon)
		return opts_fail(opts, "there is a balloon already");
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	pthread_mutex_init(&b->lock, NULL);
	b->gone_fd = -1;
	set_features(b, oom, reporting);
	ret = balloon_setup(b, vm);
	if (ret) {
		balloon_destroy(&b->vdev);
		return ret;
	}
	the_balloon = b;
	*out = &b->vdev;
	return 0;
}

/* The monitor's side */

int balloon_get(struct balloon_info *info)
{
	struct virtio_balloon *b = the_balloon;

	if (!b)
		return -ENODEV;
	pthread_mutex_lock(&b->lock);
	*info = b->info;
	pthread_mutex_unlock(&b->lock);
	return 0;
}

int balloon_set_target(u64 bytes)
{
	struct virtio_balloon *b = the_balloon;
	u64 size;

	if (!b)
		return -ENODEV;
	size = b->vdev.vm->mem.size;
	b->info.target = min_t(u64, bytes, size);
	b->config.num_pages = htole32((size - b->info.target) / PAGE);
	virtio_config_changed(&b->vdev);
	return 0;
}

int balloon_set_interval(u32 seconds)
{
	struct virtio_balloon *b = the_balloon;

	if (!b)
		return -ENODEV;
	WRITE_ONCE(b->info.interval, seconds);
	loop_post(b->vdev.loop, &b->arm_work);
	return 0;
}

void balloon_set_listener(void (*fn)(u64 actual, void *arg), void *arg)
{
	if (!the_balloon)
		return;
	the_balloon->listener = fn;
	the_balloon->listener_arg = arg;
}
