// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the device gives without any paging: O_DIRECT reads or writes at a
 * queue depth through io_uring (registered buffers and file), or one at a time
 * by pread(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "latency.h"
#include "memory.h"
#include "random.h"

struct options {
	const char *device;
	bool write;
	bool sequential;
	bool plain;
	unsigned int depth;
	size_t block;
	size_t span;
	size_t count;
	uint64_t seed;
};

struct rawio {
	const struct options *opt;
	int fd;
	unsigned char *buffers;
	struct rng rng;
	size_t next;
	uint64_t *began;
	uint64_t *ns;
};

static off_t rawio_offset(struct rawio *io)
{
	uint32_t blocks = (uint32_t)(io->opt->span / io->opt->block);
	uint32_t at = io->opt->sequential ? (uint32_t)(io->next % blocks) :
					    rng_below(&io->rng, blocks);

	io->next++;
	return (off_t)at * (off_t)io->opt->block;
}

static int rawio_plain(struct rawio *io)
{
	const struct options *opt = io->opt;
	size_t i;

	for (i = 0; i < opt->count; i++) {
		off_t offset = rawio_offset(io);
		uint64_t before = clock_ns();
		ssize_t len;

		if (opt->write)
			len = pwrite(io->fd, io->buffers, opt->block, offset);
		else
			len = pread(io->fd, io->buffers, opt->block, offset);
		if (len != (ssize_t)opt->block)
			return len < 0 ? -errno : -EIO;
		io->ns[i] = clock_ns() - before;
	}
	return 0;
}

static void ring_queue(struct rawio *io, struct io_uring *ring,
		       unsigned int slot)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	unsigned char *buffer = io->buffers + slot * io->opt->block;
	unsigned int len = (unsigned int)io->opt->block;
	uint64_t offset = (uint64_t)rawio_offset(io);

	if (io->opt->write)
		io_uring_prep_write_fixed(sqe, 0, buffer, len, offset, 0);
	else
		io_uring_prep_read_fixed(sqe, 0, buffer, len, offset, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->user_data = slot;
	io->began[slot] = clock_ns();
}

static int ring_run(struct rawio *io, struct io_uring *ring)
{
	const struct options *opt = io->opt;
	size_t queued = 0, done = 0;
	struct io_uring_cqe *cqe;
	unsigned int slot, head, n;
	int ret;

	for (slot = 0; slot < opt->depth && queued < opt->count; slot++) {
		ring_queue(io, ring, slot);
		queued++;
	}
	while (done < opt->count) {
		ret = io_uring_submit_and_wait(ring, 1);
		if (ret < 0)
			return ret;
		n = 0;
		io_uring_for_each_cqe(ring, head, cqe) {
			n++;
			if (cqe->res != (int)opt->block)
				return cqe->res < 0 ? cqe->res : -EIO;
			slot = (unsigned int)cqe->user_data;
			io->ns[done++] = clock_ns() - io->began[slot];
			if (queued < opt->count) {
				ring_queue(io, ring, slot);
				queued++;
			}
		}
		io_uring_cq_advance(ring, n);
	}
	return 0;
}

static int rawio_ring(struct rawio *io)
{
	struct iovec iov = { io->buffers, io->opt->depth * io->opt->block };
	struct io_uring ring;
	int ret;

	ret = io_uring_queue_init(io->opt->depth, &ring,
				  IORING_SETUP_SINGLE_ISSUER |
					  IORING_SETUP_DEFER_TASKRUN);
	if (ret)
		return ret;
	ret = io_uring_register_buffers(&ring, &iov, 1);
	if (!ret)
		ret = io_uring_register_files(&ring, &io->fd, 1);
	if (!ret)
		ret = ring_run(io, &ring);
	io_uring_queue_exit(&ring);
	return ret;
}

static int run(const struct options *opt)
{
	struct rawio io = { .opt = opt, .rng.state = opt->seed };
	uint64_t began, took;
	int ret;

	io.fd = open(opt->device, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (io.fd < 0)
		return -errno;
	io.buffers = aligned_alloc(4096, opt->depth * opt->block);
	io.began = calloc(opt->depth, sizeof(*io.began));
	io.ns = calloc(opt->count, sizeof(*io.ns));
	if (!io.buffers || !io.began || !io.ns)
		return -ENOMEM;
	memset(io.buffers, 0x5a, opt->depth * opt->block);
	memset(io.ns, 1, opt->count * sizeof(*io.ns));
	began = clock_ns();
	ret = opt->plain ? rawio_plain(&io) : rawio_ring(&io);
	took = clock_ns() - began;
	close(io.fd);
	if (ret)
		return ret;
	printf("rate %.0f\n", (double)opt->count * NSEC_PER_SEC / (double)took);
	printf("mbps %.1f\n",
	       (double)(opt->count * opt->block) * 1000 / (double)took);
	latency_print(io.ns, opt->count);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "write", no_argument, NULL, 'w' },
		{ "sequential", no_argument, NULL, 's' },
		{ "plain", no_argument, NULL, 'p' },
		{ "depth", required_argument, NULL, 'q' },
		{ "block", required_argument, NULL, 'b' },
		{ "span", required_argument, NULL, 'z' },
		{ "count", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 'x' },
		{ NULL, 0, NULL, 0 },
	};
	struct options opt = {
		.depth = 1, .block = 4096, .span = 256UL << 20, .count = 2000,
		.seed = 1,
	};
	int c, ret;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			opt.device = optarg;
			break;
		case 'w':
			opt.write = true;
			break;
		case 's':
			opt.sequential = true;
			break;
		case 'p':
			opt.plain = true;
			break;
		case 'q':
			opt.depth = (unsigned int)atoi(optarg);
			break;
		case 'b':
			opt.block = memory_parse_size(optarg);
			break;
		case 'z':
			opt.span = memory_parse_size(optarg);
			break;
		case 'c':
			opt.count = strtoull(optarg, NULL, 0);
			break;
		case 'x':
			opt.seed = strtoull(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	if (!opt.device || !opt.depth || !opt.block || !opt.count) {
		fprintf(stderr, "usage: rawio --device FILE [--write] "
				"[--sequential] [--plain] [--depth N] "
				"[--block N] [--span N] [--count N]\n");
		return 2;
	}
	ret = run(&opt);
	if (ret)
		fprintf(stderr, "rawio: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
