// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving mapped memory to another NUMA node and back: MB/s, the median of the rounds. On
 * tarn by a relocation, on anonymous memory ("swap") by move_pages(2).
 *
 * The clock runs until all pages lie on the other node. Each of them is mapped before and
 * is touched again afterwards, which is printed as well, and with both together: move_pages(2)
 * maps what it has moved, a relocation leaves that to the next touch.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/tarn.h>

#include "clock.h"
#include "memory.h"
#include "node.h"
#include "work.h"

#define PAGE_SIZE 4096UL
#define POLL_US 500

/**
 * struct run - what is moved, and how fast that was
 * @memory: what
 * @pages: of it
 * @addresses: for move_pages(2), as the two after it
 * @nodes: see there
 * @status: see there
 * @mbps: a number a round
 * @mbps_touched: with the touches afterwards, likewise
 * @touch_ns: of these, a page, a number a round
 */
struct run {
	struct memory memory;
	size_t pages;
	void **addresses;
	int *nodes;
	int *status;
	double *mbps;
	double *mbps_touched;
	double *touch_ns;
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int relocate(int fd, unsigned int nid)
{
	struct tarn_partition_relocate r = {
		.size = sizeof(r),
		.op = TARN_RELOCATE_START,
		.node = nid,
		.count = UINT64_MAX,
	};

	if (ioctl(fd, TARN_PARTITION_RELOCATE, &r))
		return -errno;
	r.op = TARN_RELOCATE_STATUS;
	while (r.state == TARN_RELOCATION_RUNNING) {
		usleep(POLL_US);
		r.flags = 0;
		if (ioctl(fd, TARN_PARTITION_RELOCATE, &r))
			return -errno;
		r.op = TARN_RELOCATE_STATUS;
	}
	return r.state == TARN_RELOCATION_DONE && !r.held ? 0 : -EBUSY;
}

static void touch(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->pages; i++)
		(void)*(volatile unsigned char *)(run->memory.base +
						  i * PAGE_SIZE);
}

static int check_node(struct run *run, int nid)
{
	int ret = node_of_pages(run->memory.base, run->pages, run->status);
	size_t i;

	for (i = 0; i < run->pages && !ret; i++)
		if (run->status[i] != nid)
			ret = -EXDEV;
	return ret;
}

static int run_round(struct run *run, int nid, unsigned int round)
{
	uint64_t began, took, touched;
	int ret;

	touch(run);
	began = clock_ns();
	if (run->memory.fd >= 0)
		ret = relocate(run->memory.fd, nid);
	else
		ret = node_move_pages(run->memory.base, run->pages, nid,
				      run->addresses, run->nodes, run->status);
	took = clock_ns() - began;
	run->mbps[round] = (double)run->memory.size * 1000 / (double)took;
	began = clock_ns();
	touch(run);
	touched = clock_ns() - began;
	run->touch_ns[round] = (double)touched / (double)run->pages;
	run->mbps_touched[round] = (double)run->memory.size * 1000 /
				   (double)(took + touched);
	return ret ? ret : check_node(run, nid);
}

static int alloc(struct run *run, unsigned int rounds)
{
	run->addresses = calloc(run->pages, sizeof(*run->addresses));
	run->nodes = calloc(run->pages, sizeof(*run->nodes));
	run->status = calloc(run->pages, sizeof(*run->status));
	run->mbps = calloc(rounds, sizeof(*run->mbps));
	run->mbps_touched = calloc(rounds, sizeof(*run->mbps_touched));
	run->touch_ns = calloc(rounds, sizeof(*run->touch_ns));
	return run->addresses && run->nodes && run->status && run->mbps &&
	       run->mbps_touched && run->touch_ns ? 0 : -ENOMEM;
}

static int measure(struct run *run, unsigned int rounds)
{
	struct work work;
	unsigned int i;
	int ret;

	ret = work_init(&work, run->memory.base, run->memory.size, 1, 0, 0.99,
			0, 1);
	for (i = 0; i < work.pages && !ret; i++)
		work_fill(&work, i);
	for (i = 0; i < rounds && !ret; i++)
		ret = run_round(run, !(i & 1), i);
	if (ret)
		goto out;
	qsort(run->mbps, rounds, sizeof(double), by_value);
	qsort(run->mbps_touched, rounds, sizeof(double), by_value);
	qsort(run->touch_ns, rounds, sizeof(double), by_value);
	printf("mbps %.1f\nmbps_touched %.1f\ntouch_ns %.0f\n",
	       run->mbps[rounds / 2], run->mbps_touched[rounds / 2],
	       run->touch_ns[rounds / 2]);
	work_verify(&work);
	printf("wrong %llu\n", (unsigned long long)work.wrong_bytes);
	ret = work.wrong_bytes ? -EILSEQ : 0;
out:
	work_exit(&work);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	const char *memory = NULL;
	unsigned int rounds = 6;
	size_t size = 64UL << 20;
	struct run run = { 0 };
	int c, ret;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'm')
			memory = optarg;
		else if (c == 's')
			size = memory_parse_size(optarg);
		else if (c == 'r')
			rounds = (unsigned int)atoi(optarg);
		else
			return 2;
	}
	if (!memory || !size || !rounds) {
		fprintf(stderr, "usage: relocate --memory KIND [--size N] "
				"[--rounds N]\n");
		return 2;
	}
	run.pages = size / PAGE_SIZE;
	ret = node_run_on(0);
	if (!ret)
		ret = alloc(&run, rounds);
	if (!ret)
		ret = memory_open(&run.memory, memory, size);
	if (!ret) {
		ret = measure(&run, rounds);
		memory_close(&run.memory);
	}
	if (ret)
		fprintf(stderr, "relocate: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
