// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pager's end of /dev/tarn: attach, mappings, TARN_CMD_SERVE on a ring.
 * Knows nothing of what requests mean.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pager.h"

int pager_end_open(struct pager_end *e)
{
	memset(e, 0, sizeof(*e));
	e->fd = SYS(open("/dev/tarn", O_RDWR | O_CLOEXEC));
	return e->fd < 0 ? e->fd : 0;
}

int pager_end_attach(struct pager_end *e, int pool_fd, u32 queues, u32 depth)
{
	struct tarn_pager_attach attach = {
		.size = sizeof(attach),
		.flags = e->flags,
		.pool_fd = pool_fd,
		.queues = queues,
		.depth = depth,
	};
	int ret = __tarn_op(e->fd, TARN_PAGER_ATTACH, &attach);

	if (ret)
		return ret;
	e->queues = queues;
	e->depth = depth;
	e->window_bytes = attach.window_bytes;
	e->queue_bytes = attach.queue_bytes;
	e->stored_pages = attach.stored_pages;
	memcpy(e->uuid, attach.uuid, sizeof(e->uuid));
	return 0;
}

int pager_end_map(struct pager_end *e)
{
	void *map;
	u32 q;

	map = mmap(NULL, e->window_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		   e->fd, TARN_MMAP_WINDOW);
	if (map == MAP_FAILED)
		return -errno;
	e->window = map;
	for (q = 0; q < e->queues && q < PAGER_QUEUES; q++) {
		map = mmap(NULL, e->queue_bytes, PROT_READ | PROT_WRITE,
			   MAP_SHARED, e->fd, TARN_MMAP_QUEUE(q));
		if (map == MAP_FAILED)
			return -errno;
		e->area[q] = map;
	}
	return 0;
}

int pager_end_start_with(struct pager_end *e, u64 *dropped, u32 *count)
{
	struct tarn_pager_start start = {
		.size = sizeof(start),
		.dropped = (uintptr_t)dropped,
		.count = *count,
	};
	int ret = 0;

	if (!e->has_ring)
		ret = io_uring_queue_init(64, &e->ring, 0);
	if (ret)
		return ret;
	e->has_ring = true;
	ret = __tarn_op(e->fd, TARN_PAGER_START, &start);
	*count = start.count;
	return ret;
}

int pager_end_start(struct pager_end *e)
{
	u32 none = 0;

	return pager_end_start_with(e, NULL, &none);
}

void pager_end_close(struct pager_end *e)
{
	u32 q;

	if (e->has_ring)
		io_uring_queue_exit(&e->ring);
	if (e->window)
		munmap(e->window, e->window_bytes);
	for (q = 0; q < PAGER_QUEUES; q++) {
		if (e->area[q])
			munmap(e->area[q], e->queue_bytes);
	}
	if (e->fd >= 0)
		close(e->fd);
	memset(e, 0, sizeof(*e));
	e->fd = -1;
}

int pager_end_submit(struct pager_end *e, const struct tarn_serve *serve,
		     u64 user)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&e->ring);
	int ret;

	if (!sqe)
		return -EAGAIN;
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, e->fd, NULL, 0, 0);
	sqe->cmd_op = TARN_CMD_SERVE;
	sqe->user_data = user;
	memcpy(sqe->cmd, serve, sizeof(*serve));
	ret = io_uring_submit(&e->ring);
	return ret < 0 ? ret : 0;
}

int pager_end_wait(struct pager_end *e, u64 *user, int ms)
{
	struct __kernel_timespec ts = { ms / 1000, (ms % 1000) * 1000000LL };
	struct io_uring_cqe *cqe;
	int ret;

	do {
		ret = ms < 0 ? io_uring_wait_cqe(&e->ring, &cqe) :
			       io_uring_wait_cqe_timeout(&e->ring, &cqe, &ts);
	} while (ret == -EINTR);
	if (ret)
		return ret;
	ret = cqe->res;
	if (user)
		*user = cqe->user_data;
	io_uring_cqe_seen(&e->ring, cqe);
	return ret;
}

int pager_end_serve(struct pager_end *e, u32 q, u32 flags, u32 completions,
		    u32 seen)
{
	const struct tarn_serve serve = {
		.queue = q,
		.flags = flags,
		.completions = completions,
		.seen = seen,
	};
	int ret = pager_end_submit(e, &serve, 0x5e7e);
	u64 user;

	ASSERT_EQ(ret, 0);
	ret = pager_end_wait(e, &user, -1);
	ASSERT_EQ(user, 0x5e7e);
	return ret;
}
