// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests over NBD. A handle of libnbd is driven by the one loop of the device on the
 * node: it is told when its socket is ready, and calls back for each part of a request
 * that is complete. A callback must not use the handle, which a device that hears of its
 * request would, so those that are complete are collected first.
 */
#include <errno.h>
#include <libnbd.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "backend/block-nbd.h"
#include "backend/nbd-end.h"
#include "backend/nbd-server.h"
#include "error.h"
#include "lib/iov.h"
#include "wait.h"

/* Of one part: what every server takes. */
#define TRANSFER_MAX (32U << 20)
#define RANGE_MAX (1U << 30)

struct flush;

/**
 * struct block_nbd - an image that is served.
 * @nbd: the connection
 * @loop: of the device, once it has sent a request
 * @in: its polls of the socket; @out only while there is something to be sent
 * @complete: requests that are to be reported
 * @flushes: those of another thread that are under way
 * @busy: they are being reported
 * @connected: it was there
 * @dead: the server is gone, which was said
 */
struct block_nbd {
	struct block *blk;
	struct nbd_server server;
	struct nbd_handle *nbd;
	struct loop *loop;
	struct loop_poll *in;
	struct loop_poll *out;
	TAILQ_HEAD(, block_req) complete;
	TAILQ_HEAD(, flush) flushes;
	bool busy;
	bool connected;
	bool dead;
};

static struct block_nbd *to_nbd(struct block_req *req)
{
	return req->nbd;
}

static void fail(struct block_req *req, int error)
{
	if (!req->error)
		req->error = error > 0 ? -error : -EIO;
}

/* A part is complete, or could not be sent. */
static void part_end(struct block_req *req)
{
	if (!--req->parts)
		TAILQ_INSERT_TAIL(&to_nbd(req)->complete, req, ranges);
}

static int part_done(void *arg, int *error)
{
	struct block_req *req = arg;

	if (*error)
		fail(req, *error);
	part_end(req);
	return 1; /* it needs no further look */
}

static void report_complete(struct block_nbd *nb)
{
	struct block_req *req;

	if (nb->busy)
		return;
	nb->busy = true;
	while ((req = TAILQ_FIRST(&nb->complete))) {
		TAILQ_REMOVE(&nb->complete, req, ranges);
		req->top->stats.ns[req->op] += loop_now() - req->start;
		if (req->error)
			req->top->stats.failed[req->op]++;
		req->done(req, req->error);
	}
	nb->busy = false;
}

static void say_dead(struct block_nbd *nb)
{
	char buf[512];
	const char *why;

	if (nb->dead)
		return;
	nb->dead = true;
	why = nbd_server_explain(&nb->server, buf, sizeof(buf));
	err("what serves '%s' has ended%s%s: the disk fails until the VMM is started again",
	    nb->blk->filename, why ? ": " : "", why ? why : "");
}

static void look(struct block_nbd *nb);

static void on_in(void *arg, int revents)
{
	struct block_nbd *nb = arg;

	nbd_aio_notify_read(nb->nbd);
	look(nb);
}

static void on_out(void *arg, int revents)
{
	struct block_nbd *nb = arg;

	if (nbd_aio_get_direction(nb->nbd) & LIBNBD_AIO_DIRECTION_WRITE)
		nbd_aio_notify_write(nb->nbd);
	look(nb);
}

static void polls_del(struct block_nbd *nb)
{
	loop_poll_del(nb->in);
	loop_poll_del(nb->out);
	nb->in = nb->out = NULL;
}

/* After anything happened to the handle: report, and poll for what it waits for. */
static void look(struct block_nbd *nb)
{
	unsigned int dir;

	report_complete(nb);
	if (nb->busy)
		return;
	if (nbd_aio_is_dead(nb->nbd) || nbd_aio_is_closed(nb->nbd)) {
		polls_del(nb);
		say_dead(nb);
		return;
	}
	dir = nbd_aio_get_direction(nb->nbd);
	if (!!(dir & LIBNBD_AIO_DIRECTION_WRITE) == !!nb->out)
		return;
	if (nb->out) {
		loop_poll_del(nb->out);
		nb->out = NULL;
	} else {
		nb->out = loop_poll_add(nb->loop, nbd_aio_get_fd(nb->nbd),
					POLLOUT | LOOP_POLL_LEVEL, on_out, nb);
	}
}

/* Whether answers will be heard of. */
static bool watch(struct block_nbd *nb, struct loop *loop)
{
	if (nb->in)
		return true;
	nb->loop = loop;
	nb->in = loop_poll_add(loop, nbd_aio_get_fd(nb->nbd),
			       POLLIN | LOOP_POLL_LEVEL, on_in, nb);
	return nb->in;
}

/* Sending */

#define PART(call, ...)                                                        \
	do {                                                                   \
		nbd_completion_callback cb_ = {                                \
			.callback = part_done,                                 \
			.user_data = req,                                      \
		};                                                             \
		req->parts++;                                                  \
		if (call(nb->nbd, __VA_ARGS__) < 0) {                          \
			fail(req, nbd_get_errno());                            \
			part_end(req);                                         \
		}                                                              \
	} while (0)

static void send_buffer(struct block_nbd *nb, struct block_req *req, u8 *buf,
			size_t len)
{
	u32 flags = req->flags & BLOCK_FUA ? LIBNBD_CMD_FLAG_FUA : 0;

	while (len && !req->error) {
		size_t n = min_t(size_t, len, TRANSFER_MAX);

		if (req->op == BLOCK_READ)
			PART(nbd_aio_pread, buf, n, req->off, cb_, 0);
		else
			PART(nbd_aio_pwrite, buf, n, req->off, cb_, flags);
		buf += n;
		len -= n;
		req->off += n;
	}
}

static void send_range(struct block_nbd *nb, struct block_req *req)
{
	u32 flags = req->flags & BLOCK_UNMAP ? 0 : LIBNBD_CMD_FLAG_NO_HOLE;
	u64 len = req->len;

	while (len && !req->error) {
		u64 n = min_t(u64, len, RANGE_MAX);

		if (req->op == BLOCK_DISCARD)
			PART(nbd_aio_trim, n, req->off, cb_, 0);
		else
			PART(nbd_aio_zero, n, req->off, cb_, flags);
		len -= n;
		req->off += n;
	}
}

static bool nothing_to_do(struct block *blk, struct block_req *req)
{
	if (req->op == BLOCK_FLUSH)
		return blk->no_flush;
	return !req->len || (req->op == BLOCK_DISCARD && !blk->unmap);
}

void block_nbd_submit(struct block *blk, struct block_nbd *nb,
		      struct block_req *req)
{
	unsigned int i;

	req->nbd = nb;
	req->error = 0;
	/* One part is this function itself: it is not complete before its end. */
	req->parts = 1;
	if (nb->dead) {
		fail(req, EIO);
	} else if (!watch(nb, req->loop)) {
		fail(req, ENOMEM);
	} else if (!nothing_to_do(blk, req)) {
		switch (req->op) {
		case BLOCK_READ:
		case BLOCK_WRITE:
			for (i = 0; i < req->nr_iov; i++)
				send_buffer(nb, req, req->iov[i].iov_base,
					    req->iov[i].iov_len);
			break;
		case BLOCK_FLUSH:
			PART(nbd_aio_flush, cb_, 0);
			break;
		case BLOCK_DISCARD:
		case BLOCK_ZERO:
			send_range(nb, req);
			break;
		}
	}
	part_end(req);
	if (nb->dead)
		report_complete(nb);
	else
		look(nb);
}

/* A server that hangs */

static bool is_over(struct block_nbd *nb)
{
	return nbd_aio_is_dead(nb->nbd) || nbd_aio_is_closed(nb->nbd);
}

/*
 * Hang up. What is under way fails, each request by its callback, and nothing is
 * written to the guest's memory any more. The server ends when it can.
 */
static void hang_up(void *arg)
{
	struct block_nbd *nb = arg;
	int fd = nbd_aio_get_fd(nb->nbd);

	if (nb->dead)
		return;
	nb->dead = true;
	err("what serves '%s' does not complete requests: the disk fails until the VMM is started again",
	    nb->blk->filename);
	shutdown(fd, SHUT_RDWR);
	while (!is_over(nb)) {
		if (nbd_aio_get_direction(nb->nbd) & LIBNBD_AIO_DIRECTION_WRITE)
			nbd_aio_notify_write(nb->nbd);
		else
			nbd_aio_notify_read(nb->nbd);
	}
	polls_del(nb);
	report_complete(nb);
}

void block_nbd_abandon(struct block_nbd *nb)
{
	if (nb->loop)
		loop_call(nb->loop, hang_up, nb);
}

/* Flushing from another thread */

/**
 * struct flush - a flush that is waited for, and goes on when that takes too long.
 * @refs: of who waits, and of the request
 */
struct flush {
	struct block_req req;
	struct block *blk;
	struct block_nbd *nb;
	sem_t done;
	int ret;
	unsigned int refs;
	TAILQ_ENTRY(flush) link;
};

static void flush_put(struct flush *f)
{
	if (__atomic_sub_fetch(&f->refs, 1, __ATOMIC_SEQ_CST))
		return;
	sem_destroy(&f->done);
	free(f);
}

static void flush_done(struct block_req *req, int ret)
{
	struct flush *f = container_of(req, struct flush, req);

	TAILQ_REMOVE(&f->nb->flushes, f, link);
	f->ret = ret;
	sem_post(&f->done);
	flush_put(f);
}

static void flush_start(void *arg)
{
	struct flush *f = arg;

	TAILQ_INSERT_TAIL(&f->nb->flushes, f, link);
	block_nbd_submit(f->blk, f->nb, &f->req);
}

static int flush_wait(struct flush *f)
{
	u64 end = loop_now() + nbd_limits.server_ms * 1000000ULL;
	struct timespec ts = {
		.tv_sec = end / 1000000000,
		.tv_nsec = end % 1000000000,
	};

	while (sem_clockwait(&f->done, CLOCK_MONOTONIC, &ts))
		if (errno != EINTR)
			return -errno;
	return f->ret;
}

/*
 * By the loop: two threads that wait for answers of one connection take them from
 * each other. Without a loop there was no request, so there is nothing to flush.
 */
static int flush(struct block *blk, struct block_nbd *nb)
{
	struct flush *f;
	int ret;

	if (!nb->loop)
		return 0;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->req = (struct block_req){.op = BLOCK_FLUSH, .top = blk,
		.loop = nb->loop, .start = loop_now(), .done = flush_done};
	f->blk = blk;
	f->nb = nb;
	f->refs = 2;
	sem_init(&f->done, 0, 0);
	loop_call(nb->loop, flush_start, f);
	ret = flush_wait(f);
	flush_put(f);
	return ret;
}

int block_nbd_sync(struct block *blk, struct block_nbd *nb)
{
	int ret = nb->dead ? -EIO : flush(blk, nb);

	return ret ? err_errno(ret, "'%s' cannot be flushed", blk->filename)
		   : 0;
}

/* Start and end */

static int nbd_error(void)
{
	int error = nbd_get_errno();

	return error > 0 ? -error : -EIO;
}

/* What is served is what was asked for, and takes all requests. */
static int check(struct block *blk, struct block_nbd *nb)
{
	s64 size = nbd_get_size(nb->nbd);
	s64 align = nbd_get_block_size(nb->nbd, LIBNBD_SIZE_MINIMUM);

	if (size < 0 || (u64)size < blk->size) {
		err("'%s' is served with %lld bytes, not %llu", blk->filename,
		    (long long)size, (unsigned long long)blk->size);
		return -EINVAL;
	}
	if (align > 1) {
		err("'%s' is served in units of %lld bytes, which is not supported",
		    blk->filename, (long long)align);
		return -EINVAL;
	}
	if (!blk->read_only &&
	    (nbd_is_read_only(nb->nbd) || !nbd_can_flush(nb->nbd) ||
	     !nbd_can_fua(nb->nbd) || !nbd_can_zero(nb->nbd))) {
		err("'%s' is served without what writing it takes",
		    blk->filename);
		return -EINVAL;
	}
	if (!nbd_can_trim(nb->nbd))
		blk->unmap = false;
	return 0;
}

/* qemu-nbd repeats what it was told, then says what is wrong with it. */
static const char *reason(struct block_nbd *nb, char *buf, size_t size)
{
	const char *text = nbd_server_explain(&nb->server, buf, size), *end;

	if (!text)
		return nbd_get_error();
	while ((end = strstr(text, "}': ")))
		text = end + 4;
	if (strstr(text, "\" lock"))
		return "it, or a file below it, is in use by another program, as the disk of a guest perhaps";
	return text;
}

/* All of the handshake, in which the server opens the image. */
static int connect_socket(struct block_nbd *nb, int sock)
{
	u64 end = loop_now() + nbd_limits.server_ms * 1000000ULL, now;

	if (nbd_aio_connect_socket(nb->nbd, sock) < 0)
		return nbd_error();
	while (nbd_aio_is_connecting(nb->nbd)) {
		now = loop_now();
		if (now >= end)
			return -ETIMEDOUT;
		if (nbd_poll(nb->nbd, (end - now) / 1000000 + 1) < 0)
			return nbd_error();
	}
	return nbd_aio_is_ready(nb->nbd) ? 0 : nbd_error();
}

static int negotiate(struct block *blk, struct block_nbd *nb)
{
	char buf[8192];
	int sock = nb->server.sock, ret;

	/* It owns the socket from now on, whatever comes of it. */
	nb->server.sock = -1;
	ret = connect_socket(nb, sock);
	if (!ret) {
		nb->connected = true;
		return check(blk, nb);
	}
	if (ret == -ETIMEDOUT)
		err("cannot use '%s': what serves it did not open it within %d s",
		    blk->filename, nbd_limits.server_ms / 1000);
	else
		err("cannot use '%s': %s", blk->filename,
		    reason(nb, buf, sizeof(buf)));
	return ret;
}

int block_nbd_start(struct block *blk, struct block_nbd **out,
		    const char *node)
{
	struct block_nbd *nb = calloc(1, sizeof(*nb));
	int ret;

	if (!nb)
		return -ENOMEM;
	TAILQ_INIT(&nb->complete);
	TAILQ_INIT(&nb->flushes);
	nb->blk = blk;
	nb->server = NBD_SERVER_NONE;
	nb->nbd = nbd_create();
	ret = nb->nbd ? nbd_server_start(&nb->server, node, blk->read_only)
		      : -ENOMEM;
	if (!ret)
		ret = negotiate(blk, nb);
	if (ret) {
		block_nbd_stop(blk, nb, NULL, NULL);
		return ret;
	}
	*out = nb;
	return 0;
}

static void unwatch(void *arg)
{
	polls_del(arg);
}

bool block_nbd_stop(struct block *blk, struct block_nbd *nb,
		    void (*done)(void *arg), void *arg)
{
	struct flush *f;
	bool later;

	if (!nb)
		return false;
	if (nb->loop) {
		wait_begin(WAIT_PAGES);
		loop_call(nb->loop, unwatch, nb);
		wait_end();
	}
	/* All was flushed that the guest wanted to be. */
	if (nb->connected && !nb->dead)
		nbd_aio_disconnect(nb->nbd, 0);
	/* It forgets what is under way without a word. */
	nbd_close(nb->nbd);
	while ((f = TAILQ_FIRST(&nb->flushes))) {
		TAILQ_REMOVE(&nb->flushes, f, link);
		flush_put(f);
	}
	if (nb->server.sock >= 0)
		close(nb->server.sock);
	nb->server.sock = -1;
	later = nbd_end(&nb->server, blk->filename, !nb->connected, done, arg);
	free(nb);
	return later;
}
