// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demo inside L1: starts the guests, shows the table once a second until
 * all have ended, then the summary. Fails if a guest died or a byte was wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../bench/clock.h"
#include "board.h"

#define MAX_GUESTS 16
/* Without a terminal a table this often, in seconds. */
#define PLAIN_PERIOD 5

struct demo {
	struct guest_config config;
	unsigned int guests;
	unsigned int deadline;
	bool terminal;
	int pool;
};

/* Listens to the consoles until @until; returns how many are still open. */
static unsigned int listen_until(struct guest *guests, unsigned int count,
				 uint64_t until)
{
	unsigned int open_count, i;

	for (;;) {
		struct pollfd fds[MAX_GUESTS];
		uint64_t now = clock_ns();

		open_count = 0;
		for (i = 0; i < count; i++) {
			fds[i].fd = guests[i].console;
			fds[i].events = POLLIN;
			fds[i].revents = 0;
			open_count += guests[i].console >= 0;
		}
		if (now >= until || !open_count)
			return open_count;
		if (poll(fds, count, (int)((until - now) / 1000000) + 1) <= 0)
			continue;
		for (i = 0; i < count; i++)
			if (fds[i].fd >= 0 && fds[i].revents)
				guest_listen(&guests[i]);
	}
}

static void board_count(struct board *board, int pool_fd, uint64_t *ops,
			double seconds)
{
	struct tarn_pool_info pool = { .size = sizeof(pool) };
	unsigned int i;

	for (i = 0; i < board->count; i++) {
		struct guest *guest = &board->guests[i];

		guest_count(guest, seconds);
		guest->rate = (double)(guest->ops - ops[i]) / seconds;
		ops[i] = guest->ops;
	}
	if (!ioctl(pool_fd, TARN_POOL_INFO, &pool))
		board->pool = pool;
}

static bool watch(const struct demo *demo, struct board *board)
{
	uint64_t period = demo->terminal ? 1 : PLAIN_PERIOD;
	uint64_t began = clock_ns(), last = began, now;
	uint64_t ops[MAX_GUESTS] = { 0 };
	unsigned int left;

	do {
		left = listen_until(board->guests, board->count,
				    last + period * NSEC_PER_SEC);
		now = clock_ns();
		board_count(board, demo->pool, ops,
			    (double)(now - last) / NSEC_PER_SEC);
		last = now;
		board_draw(board, (double)(now - began) / NSEC_PER_SEC);
	} while (left && now - began < demo->deadline * NSEC_PER_SEC);
	if (left)
		printf("The time is over, %u guests still run.\n", left);
	return board_summary(board, (double)(now - began) / NSEC_PER_SEC);
}

static int run(struct demo *demo)
{
	struct guest guests[MAX_GUESTS];
	struct board board = {
		.guests = guests,
		.count = demo->guests,
		.terminal = demo->terminal,
	};
	unsigned int started, i;
	int ret = 0;

	demo->pool = open(demo->config.pool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (demo->pool < 0)
		return -errno;
	for (started = 0; started < demo->guests; started++) {
		ret = guest_start(&guests[started], &demo->config, started + 1);
		if (ret)
			break;
	}
	if (!ret && !watch(demo, &board))
		ret = -EILSEQ;
	for (i = 0; i < started; i++)
		guest_end(&guests[i]);
	close(demo->pool);
	return ret;
}

static int parse(struct demo *demo, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "pool", required_argument, NULL, 'p' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "initrd", required_argument, NULL, 'i' },
		{ "guests", required_argument, NULL, 'g' },
		{ "memory", required_argument, NULL, 'm' },
		{ "work", required_argument, NULL, 'w' },
		{ "seconds", required_argument, NULL, 's' },
		{ "deadline", required_argument, NULL, 'd' },
		{ "terminal", no_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'p':
			demo->config.pool = optarg;
			break;
		case 'k':
			demo->config.kernel = optarg;
			break;
		case 'i':
			demo->config.initrd = optarg;
			break;
		case 'g':
			demo->guests = (unsigned int)atoi(optarg);
			break;
		case 'm':
			demo->config.memory_mib = (unsigned int)atoi(optarg);
			break;
		case 'w':
			demo->config.work_mib = (unsigned int)atoi(optarg);
			break;
		case 's':
			demo->config.seconds = (unsigned int)atoi(optarg);
			break;
		case 'd':
			demo->deadline = (unsigned int)atoi(optarg);
			break;
		case 't':
			demo->terminal = true;
			break;
		default:
			return -EINVAL;
		}
	}
	if (!demo->config.pool || !demo->config.kernel || !demo->config.initrd ||
	    !demo->guests || demo->guests > MAX_GUESTS)
		return -EINVAL;
	return 0;
}

int main(int argc, char **argv)
{
	struct demo demo = {
		.config = { .memory_mib = 160, .work_mib = 92, .seconds = 60 },
		.guests = 4,
		.deadline = 900,
	};
	int ret;

	if (parse(&demo, argc, argv)) {
		fprintf(stderr,
			"usage: demo --pool DIR --kernel FILE --initrd FILE "
			"[--guests N] [--memory MIB] [--work MIB] "
			"[--seconds N] [--deadline N] [--terminal]\n");
		return 2;
	}
	ret = run(&demo);
	if (ret && ret != -EILSEQ)
		fprintf(stderr, "demo: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
