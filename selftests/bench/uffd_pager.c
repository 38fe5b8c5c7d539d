// SPDX-License-Identifier: GPL-2.0-only
/*
 * The userfaultfd pager. Made as good as the interface lets it be:
 *
 *  - Faults are read in batches and submitted together; reads go by io_uring
 *    into registered bounce pages, then by UFFDIO_COPY into the mapping.
 *  - A page that a read brought in is installed write-protected: while no
 *    write comes, its copy on the device stays valid and dropping it is free.
 *  - Eviction runs ahead of demand. A dirty page is write-protected, written
 *    straight from the mapping, then dropped by MADV_DONTNEED; a write that
 *    comes in between keeps the page.
 *  - Accessed bits can't be had here, so victims are taken in order of
 *    arrival, and a page earns one more round for each time that it came back
 *    (as often as HEAT_MAX).
 *
 * The device's block n holds page n. The ring is made by the pager's thread,
 * which alone uses it.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uffd_pager.h"

#define PAGE_SIZE 4096UL
#define BOUNCES 64U
#define EVENTS 64
#define MAX_WRITES 32U
#define HEAT_MAX 3

enum page_state {
	PAGE_EMPTY,
	/* On the device alone. */
	PAGE_OUT,
	PAGE_LOADING,
	/* Write-protected, the device's copy is valid. */
	PAGE_CLEAN,
	PAGE_DIRTY,
	/* Write-protected, being written to the device. */
	PAGE_WRITING,
	/* Written to by its owner while being written to the device. */
	PAGE_REDIRTIED,
};

enum io_kind {
	IO_FAULTS,
	IO_CONTROL,
	IO_LOAD,
	IO_STORE,
};

struct page {
	uint8_t state;
	uint8_t heat;
	uint8_t wants_write;
	/* Waits for room and was never written. */
	uint8_t fresh;
	uint8_t bounce;
};

struct uffd_pager {
	unsigned char *base;
	uint32_t pages;
	uint32_t limit;
	int uffd;
	int device;
	int control;
	pthread_t thread;
	struct io_uring ring;
	unsigned char *bounce;
	uint8_t bounce_free[BOUNCES];
	uint32_t bounces_free;
	struct page *page;

	/* Resident pages in order of arrival. */
	uint32_t *queue;
	uint32_t queue_head;
	uint32_t queued;

	/* Faults that wait for a bounce page or for room. */
	uint32_t *waiting;
	uint32_t waiting_head;
	uint32_t waiting_count;

	uint32_t resident;
	uint32_t loading;
	uint32_t writing;
	uint32_t reserve;
	int error;

	/* Shared with the caller's thread. */
	pthread_mutex_t lock;
	pthread_cond_t drained;
	bool drain;
	bool stop;
};

static void *page_address(struct uffd_pager *pager, uint32_t index)
{
	return pager->base + (size_t)index * PAGE_SIZE;
}

static void pager_fail(struct uffd_pager *pager, const char *what, int error)
{
	fprintf(stderr, "uffd pager: %s: %s\n", what, strerror(error));
	pager->error = -error;
	/* Whoever waits for a page would wait for ever. */
	abort();
}

static void page_wake(struct uffd_pager *pager, uint32_t index)
{
	struct uffdio_range range = {
		.start = (uintptr_t)page_address(pager, index),
		.len = PAGE_SIZE,
	};

	if (ioctl(pager->uffd, UFFDIO_WAKE, &range))
		pager_fail(pager, "UFFDIO_WAKE", errno);
}

static void page_protect(struct uffd_pager *pager, uint32_t index, bool on)
{
	struct uffdio_writeprotect wp = {
		.range.start = (uintptr_t)page_address(pager, index),
		.range.len = PAGE_SIZE,
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	while (ioctl(pager->uffd, UFFDIO_WRITEPROTECT, &wp)) {
		if (errno != EAGAIN)
			pager_fail(pager, "UFFDIO_WRITEPROTECT", errno);
	}
}

static void queue_push(struct uffd_pager *pager, uint32_t index)
{
	uint32_t at = (pager->queue_head + pager->queued) % pager->pages;

	pager->queue[at] = index;
	pager->queued++;
}

static uint32_t queue_pop(struct uffd_pager *pager)
{
	uint32_t index = pager->queue[pager->queue_head];

	pager->queue_head = (pager->queue_head + 1) % pager->pages;
	pager->queued--;
	return index;
}

static struct io_uring_sqe *pager_sqe(struct uffd_pager *pager)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&pager->ring);

	if (sqe)
		return sqe;
	io_uring_submit(&pager->ring);
	return io_uring_get_sqe(&pager->ring);
}

/* io_uring_prep_*() clear user_data in some versions: call this after them. */
static void sqe_tag(struct io_uring_sqe *sqe, enum io_kind kind, uint32_t index)
{
	sqe->user_data = (uint64_t)kind << 32 | index;
}

static void page_install(struct uffd_pager *pager, uint32_t index, void *from,
			 bool writable)
{
	struct page *page = &pager->page[index];
	struct uffdio_copy copy = {
		.dst = (uintptr_t)page_address(pager, index),
		.src = (uintptr_t)from,
		.len = PAGE_SIZE,
		.mode = writable ? 0 : UFFDIO_COPY_MODE_WP,
	};

	while (ioctl(pager->uffd, UFFDIO_COPY, &copy)) {
		if (errno != EAGAIN)
			pager_fail(pager, "UFFDIO_COPY", errno);
		copy.copy = 0;
	}
	page->state = writable ? PAGE_DIRTY : PAGE_CLEAN;
	if (page->heat < HEAT_MAX)
		page->heat++;
	pager->resident++;
	queue_push(pager, index);
}

static void page_load(struct uffd_pager *pager, uint32_t index)
{
	struct page *page = &pager->page[index];
	struct io_uring_sqe *sqe = pager_sqe(pager);

	page->state = PAGE_LOADING;
	page->bounce = pager->bounce_free[--pager->bounces_free];
	pager->loading++;
	io_uring_prep_read_fixed(sqe, 0,
				 pager->bounce + page->bounce * PAGE_SIZE,
				 PAGE_SIZE, (uint64_t)index * PAGE_SIZE, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe_tag(sqe, IO_LOAD, index);
}

static void page_bring(struct uffd_pager *pager, uint32_t index)
{
	static const unsigned char zeroes[PAGE_SIZE]
		__attribute__((aligned(4096)));

	if (pager->page[index].fresh) {
		pager->page[index].fresh = 0;
		page_install(pager, index, (void *)zeroes, true);
	} else {
		page_load(pager, index);
	}
}

static bool pager_has_room(struct uffd_pager *pager)
{
	return pager->resident + pager->loading < pager->limit &&
	       pager->bounces_free;
}

static void handle_missing(struct uffd_pager *pager, uint32_t index, bool write)
{
	struct page *page = &pager->page[index];
	uint32_t at;

	switch (page->state) {
	case PAGE_EMPTY:
	case PAGE_OUT:
		page->fresh = page->state == PAGE_EMPTY;
		page->wants_write = write;
		if (pager_has_room(pager)) {
			page_bring(pager, index);
			break;
		}
		page->state = PAGE_LOADING;
		at = pager->waiting_head + pager->waiting_count;
		pager->waiting[at % pager->pages] = index;
		pager->waiting_count++;
		break;
	case PAGE_LOADING:
		page->wants_write |= write;
		break;
	default:
		page_wake(pager, index);
		break;
	}
}

static void handle_protected(struct uffd_pager *pager, uint32_t index)
{
	struct page *page = &pager->page[index];

	switch (page->state) {
	case PAGE_CLEAN:
		page->state = PAGE_DIRTY;
		page_protect(pager, index, false);
		break;
	case PAGE_WRITING:
		page->state = PAGE_REDIRTIED;
		page_protect(pager, index, false);
		break;
	default:
		/* Dropped since: it faults again, as missing. */
		page_wake(pager, index);
		break;
	}
}

static bool handle_faults(struct uffd_pager *pager)
{
	struct uffd_msg msg[EVENTS];
	ssize_t len = read(pager->uffd, msg, sizeof(msg));
	uint64_t flags, address;
	size_t i;

	if (len < 0) {
		if (errno != EAGAIN && errno != EINTR)
			pager_fail(pager, "read", errno);
		return false;
	}
	for (i = 0; i < (size_t)len / sizeof(*msg); i++) {
		uint32_t index;

		if (msg[i].event != UFFD_EVENT_PAGEFAULT)
			continue;
		flags = msg[i].arg.pagefault.flags;
		address = msg[i].arg.pagefault.address;
		index = (uint32_t)((address - (uintptr_t)pager->base) /
				   PAGE_SIZE);
		if (flags & UFFD_PAGEFAULT_FLAG_WP)
			handle_protected(pager, index);
		else
			handle_missing(pager, index,
				       flags & UFFD_PAGEFAULT_FLAG_WRITE);
	}
	return true;
}

static void page_drop(struct uffd_pager *pager, uint32_t index)
{
	if (madvise(page_address(pager, index), PAGE_SIZE, MADV_DONTNEED))
		pager_fail(pager, "MADV_DONTNEED", errno);
	pager->page[index].state = PAGE_OUT;
	pager->resident--;
}

static void page_store(struct uffd_pager *pager, uint32_t index)
{
	struct io_uring_sqe *sqe = pager_sqe(pager);

	pager->page[index].state = PAGE_WRITING;
	page_protect(pager, index, true);
	io_uring_prep_write(sqe, 0, page_address(pager, index), PAGE_SIZE,
			    (uint64_t)index * PAGE_SIZE);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe_tag(sqe, IO_STORE, index);
	pager->writing++;
}

static void page_evict(struct uffd_pager *pager, uint32_t index)
{
	if (pager->page[index].state == PAGE_CLEAN)
		page_drop(pager, index);
	else
		page_store(pager, index);
}

/* Keep @reserve pages free ahead of the faults. */
static void pager_balance(struct uffd_pager *pager)
{
	uint32_t target = pager->limit - pager->reserve, index;
	bool drain = __atomic_load_n(&pager->drain, __ATOMIC_ACQUIRE);

	if (drain)
		target = 0;
	while (pager->queued && pager->writing < MAX_WRITES &&
	       pager->resident + pager->loading + pager->waiting_count >
		       target + pager->writing) {
		index = queue_pop(pager);
		if (pager->page[index].heat > 1 && !drain) {
			pager->page[index].heat--;
			queue_push(pager, index);
			continue;
		}
		page_evict(pager, index);
	}
	while (pager->waiting_count && pager_has_room(pager)) {
		index = pager->waiting[pager->waiting_head];
		pager->waiting_head = (pager->waiting_head + 1) % pager->pages;
		pager->waiting_count--;
		page_bring(pager, index);
	}
	if (drain && !pager->resident && !pager->loading) {
		pthread_mutex_lock(&pager->lock);
		pager->drain = false;
		pthread_cond_signal(&pager->drained);
		pthread_mutex_unlock(&pager->lock);
	}
}

static void load_done(struct uffd_pager *pager, uint32_t index, int result)
{
	struct page *page = &pager->page[index];

	if (result != (int)PAGE_SIZE)
		pager_fail(pager, "load", result < 0 ? -result : EIO);
	pager->loading--;
	page_install(pager, index, pager->bounce + page->bounce * PAGE_SIZE,
		     page->wants_write);
	pager->bounce_free[pager->bounces_free++] = page->bounce;
}

static void store_done(struct uffd_pager *pager, uint32_t index, int result)
{
	if (result != (int)PAGE_SIZE)
		pager_fail(pager, "store", result < 0 ? -result : EIO);
	pager->writing--;
	if (pager->page[index].state == PAGE_REDIRTIED) {
		pager->page[index].state = PAGE_DIRTY;
		queue_push(pager, index);
		return;
	}
	page_drop(pager, index);
}

static void poll_arm(struct uffd_pager *pager, enum io_kind kind, int fd)
{
	struct io_uring_sqe *sqe = pager_sqe(pager);

	io_uring_prep_poll_multishot(sqe, fd, POLLIN);
	sqe_tag(sqe, kind, 0);
}

static void handle_cqe(struct uffd_pager *pager, struct io_uring_cqe *cqe)
{
	enum io_kind kind = (enum io_kind)(cqe->user_data >> 32);
	uint32_t index = (uint32_t)cqe->user_data;
	uint64_t count;

	switch (kind) {
	case IO_FAULTS:
		/* The main loop reads faults in any case. */
		if (!(cqe->flags & IORING_CQE_F_MORE))
			poll_arm(pager, IO_FAULTS, pager->uffd);
		break;
	case IO_CONTROL:
		if (read(pager->control, &count, sizeof(count)) < 0 &&
		    errno != EAGAIN)
			pager_fail(pager, "control", errno);
		if (!(cqe->flags & IORING_CQE_F_MORE))
			poll_arm(pager, IO_CONTROL, pager->control);
		break;
	case IO_LOAD:
		load_done(pager, index, cqe->res);
		break;
	case IO_STORE:
		store_done(pager, index, cqe->res);
		break;
	}
}

static bool handle_cqes(struct uffd_pager *pager)
{
	struct io_uring_cqe *cqe;
	unsigned int head, n = 0;

	io_uring_for_each_cqe(&pager->ring, head, cqe) {
		handle_cqe(pager, cqe);
		n++;
	}
	io_uring_cq_advance(&pager->ring, n);
	return n > 0;
}

static int pager_ring_init(struct uffd_pager *pager)
{
	struct iovec iov = { pager->bounce, BOUNCES * PAGE_SIZE };
	int ret;

	ret = io_uring_queue_init(256, &pager->ring,
				  IORING_SETUP_SINGLE_ISSUER |
					  IORING_SETUP_DEFER_TASKRUN);
	if (ret)
		return ret;
	ret = io_uring_register_buffers(&pager->ring, &iov, 1);
	if (!ret)
		ret = io_uring_register_files(&pager->ring, &pager->device, 1);
	return ret;
}

static void *pager_main(void *arg)
{
	struct uffd_pager *pager = arg;
	int ret = pager_ring_init(pager);
	bool busy;

	if (ret)
		pager_fail(pager, "io_uring", -ret);
	poll_arm(pager, IO_FAULTS, pager->uffd);
	poll_arm(pager, IO_CONTROL, pager->control);
	while (!__atomic_load_n(&pager->stop, __ATOMIC_ACQUIRE)) {
		busy = handle_faults(pager);
		pager_balance(pager);
		if (busy)
			io_uring_submit_and_get_events(&pager->ring);
		else
			io_uring_submit_and_wait(&pager->ring, 1);
		handle_cqes(pager);
	}
	io_uring_queue_exit(&pager->ring);
	return NULL;
}

static int pager_register(struct uffd_pager *pager)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
	};
	struct uffdio_register reg = {
		.range.start = (uintptr_t)pager->base,
		.range.len = (uint64_t)pager->pages * PAGE_SIZE,
		.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP,
	};

	pager->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (pager->uffd < 0)
		return -errno;
	if (ioctl(pager->uffd, UFFDIO_API, &api))
		return -errno;
	if (ioctl(pager->uffd, UFFDIO_REGISTER, &reg))
		return -errno;
	return 0;
}

static int pager_tables(struct uffd_pager *pager)
{
	uint32_t i;

	pager->page = calloc(pager->pages, sizeof(*pager->page));
	pager->queue = calloc(pager->pages, sizeof(*pager->queue));
	pager->waiting = calloc(pager->pages, sizeof(*pager->waiting));
	pager->bounce = mmap(NULL, BOUNCES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (!pager->page || !pager->queue || !pager->waiting ||
	    pager->bounce == MAP_FAILED)
		return -ENOMEM;
	for (i = 0; i < BOUNCES; i++)
		pager->bounce_free[i] = (uint8_t)i;
	pager->bounces_free = BOUNCES;
	return 0;
}

int uffd_pager_start(struct uffd_pager **out, const char *device, void *base,
		     size_t size, uint32_t limit)
{
	struct uffd_pager *pager = calloc(1, sizeof(*pager));
	int ret;

	if (!pager)
		return -ENOMEM;
	pager->base = base;
	pager->pages = (uint32_t)(size / PAGE_SIZE);
	pager->limit = limit;
	pager->reserve = limit / 4 < 64 ? limit / 4 : 64;
	pthread_mutex_init(&pager->lock, NULL);
	pthread_cond_init(&pager->drained, NULL);
	ret = pager_tables(pager);
	if (ret)
		return ret;
	pager->device = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (pager->device < 0)
		return -errno;
	pager->control = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pager->control < 0)
		return -errno;
	ret = pager_register(pager);
	if (ret)
		return ret;
	ret = pthread_create(&pager->thread, NULL, pager_main, pager);
	if (ret)
		return -ret;
	*out = pager;
	return 0;
}

static void pager_kick(struct uffd_pager *pager)
{
	uint64_t one = 1;

	if (write(pager->control, &one, sizeof(one)) < 0)
		pager_fail(pager, "kick", errno);
}

void uffd_pager_stop(struct uffd_pager *pager)
{
	__atomic_store_n(&pager->stop, true, __ATOMIC_RELEASE);
	pager_kick(pager);
	pthread_join(pager->thread, NULL);
	close(pager->uffd);
	close(pager->device);
	close(pager->control);
	munmap(pager->bounce, BOUNCES * PAGE_SIZE);
	free(pager->page);
	free(pager->queue);
	free(pager->waiting);
	free(pager);
}

int uffd_pager_page_out(struct uffd_pager *pager)
{
	pthread_mutex_lock(&pager->lock);
	__atomic_store_n(&pager->drain, true, __ATOMIC_RELEASE);
	pager_kick(pager);
	while (pager->drain)
		pthread_cond_wait(&pager->drained, &pager->lock);
	pthread_mutex_unlock(&pager->lock);
	return 0;
}
