// SPDX-License-Identifier: GPL-2.0-only
/*
 * How early accesses become local. A process draws pages from a zipf distribution on node
 * 1, while its memory lies on node 0; then pages are moved to it until a fifth of them is
 * there. Printed is which part of the accesses is local then, as a part of what could be:
 * the best fifth of the pages.
 *
 * On tarn node 1 becomes the home of a fifth of the pages; anonymous memory ("swap") is
 * moved by the kernel's NUMA balancing, which is switched on, and off at a fifth.
 *
 * Accesses are counted by page, and where the page lies the kernel is asked: no time is
 * measured. They are paced, as many in two seconds as there are pages, with computing in
 * between: when each page is used all the time, none is used more.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/tarn.h>

#include "clock.h"
#include "memory.h"
#include "node.h"
#include "random.h"

#define PAGE_SIZE 4096UL
#define BALANCING "/proc/sys/kernel/numa_balancing"
/* In which as many accesses are made as there are pages. */
#define ROUND_NS (2 * NSEC_PER_SEC)
/* Accesses are made in bursts, so many a round. */
#define BURSTS 200
/* What the module, or the kernel, may see before pages are moved. */
#define WARM_ROUNDS 10
/* Longest that moving may take. */
#define MOST_ROUNDS 60
/* Drawn to see which part is local, for each page. */
#define DRAWS 20

struct local {
	struct memory memory;
	uint32_t pages;
	uint32_t wanted;
	struct zipf zipf;
	struct rng rng;
	uint64_t next;
};

/* ---- the load ----------------------------------------------------------- */

/*
 * Accessed bits are cleared without a flush of the TLB, and an emulated one is large and
 * keeps what a real one would lose in no time. To unmap many pages flushes it.
 */
static void flush_tlb(void)
{
	const size_t bytes = 128 * PAGE_SIZE;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p != MAP_FAILED)
		munmap(p, bytes);
}

static volatile unsigned char *page_at(struct local *l, uint32_t i)
{
	return l->memory.base + (size_t)i * PAGE_SIZE;
}

/* Some accesses, then computing until the next ones are due. */
static void burst(struct local *l)
{
	uint32_t i;

	for (i = 0; i < l->pages / BURSTS; i++)
		(void)*page_at(l, zipf_next(&l->zipf, &l->rng));
	while (clock_ns() < l->next)
		;
	l->next += ROUND_NS / BURSTS;
}

static void round_of_load(struct local *l)
{
	unsigned int i;

	l->next = clock_ns();
	for (i = 0; i < BURSTS; i++) {
		if (i % 20 == 0)
			flush_tlb();
		burst(l);
	}
}

/* ---- moving ------------------------------------------------------------- */

static int set_homes(struct local *l)
{
	const struct tarn_home homes[] = {
		{ .node = 0, .flags = TARN_NODE_IS_HOME,
		  .wanted_frames = l->pages - l->wanted },
		{ .node = 1, .flags = TARN_NODE_IS_HOME,
		  .wanted_frames = l->wanted },
	};
	struct tarn_partition_homes call = {
		.size = sizeof(call),
		.flags = TARN_HOMES_SET,
		.count = 2,
		.homes = (uintptr_t)homes,
	};

	return ioctl(l->memory.fd, TARN_PARTITION_HOMES, &call) ? -errno : 0;
}

static int set_balancing(bool on)
{
	int fd = open(BALANCING, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, on ? "1" : "0", 1) != 1)
		ret = -errno;
	close(fd);
	return ret;
}

/* Pages that NUMA balancing has migrated since boot. */
static int64_t migrated(void)
{
	FILE *f = fopen("/proc/vmstat", "re");
	char name[64];
	long long value;
	int64_t found = -ENOENT;

	if (!f)
		return -errno;
	while (found < 0 && fscanf(f, "%63s %lld", name, &value) == 2)
		if (!strcmp(name, "numa_pages_migrated"))
			found = value;
	fclose(f);
	return found;
}

static int64_t moved_by_tarn(struct local *l)
{
	struct tarn_partition_homes call = { .size = sizeof(call) };

	return ioctl(l->memory.fd, TARN_PARTITION_HOMES, &call) ?
		       -errno : (int64_t)call.moved_pages;
}

/* The load goes on until so many have moved. */
static int move(struct local *l)
{
	bool tarn = l->memory.fd >= 0;
	int64_t before = tarn ? 0 : migrated(), now = before;
	unsigned int i;
	int ret = tarn ? set_homes(l) : set_balancing(true);

	l->next = clock_ns();
	for (i = 0; !ret && now - before < l->wanted; i++) {
		if (i == MOST_ROUNDS * BURSTS)
			ret = -ETIME;
		burst(l);
		now = tarn ? moved_by_tarn(l) : migrated();
		if (now < 0)
			ret = (int)now;
	}
	if (!tarn)
		set_balancing(false);
	return ret;
}

/* ---- what came of it ---------------------------------------------------- */

static int by_count(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x > y ? -1 : x < y;
}

static int judge(struct local *l)
{
	uint32_t *count = calloc(l->pages, sizeof(*count)), i, moved = 0;
	int *nodes = calloc(l->pages, sizeof(*nodes));
	uint64_t all = (uint64_t)l->pages * DRAWS, local = 0, best = 0, n;
	int ret = -ENOMEM;

	if (!count || !nodes)
		goto out;
	/*
	 * Where a page that is not mapped lies nobody tells. Anonymous ones stay mapped, and
	 * to touch them now might move them.
	 */
	for (i = 0; i < l->pages && l->memory.fd >= 0; i++)
		(void)*page_at(l, i);
	ret = node_of_pages(l->memory.base, l->pages, nodes);
	if (ret)
		goto out;
	for (n = 0; n < all; n++)
		count[zipf_next(&l->zipf, &l->rng)]++;
	for (i = 0; i < l->pages; i++) {
		if (nodes[i] != 1)
			continue;
		moved++;
		local += count[i];
	}
	qsort(count, l->pages, sizeof(*count), by_count);
	for (i = 0; i < moved; i++)
		best += count[i];
	printf("moved %.1f\nlocal %.1f\nbest %.1f\nof_best %.1f\n",
	       100.0 * moved / l->pages, 100.0 * (double)local / (double)all,
	       100.0 * (double)best / (double)all,
	       best ? 100.0 * (double)local / (double)best : 0);
out:
	free(count);
	free(nodes);
	return ret;
}

/* How well the module can tell pages from each other. */
static void print_classes(struct local *l)
{
	struct tarn_partition_heat h = { .size = sizeof(h) };

	if (l->memory.fd < 0 || ioctl(l->memory.fd, TARN_PARTITION_HEAT, &h))
		return;
	printf("hot %llu\nwarm %llu\nrounds %llu\n",
	       (unsigned long long)h.by_class[TARN_ACTIVITY_HOT],
	       (unsigned long long)h.by_class[TARN_ACTIVITY_WARM],
	       (unsigned long long)h.rounds);
}

static int run(struct local *l, double theta)
{
	unsigned int i;
	int ret = node_run_on(0);

	for (i = 0; i < l->pages && !ret; i++)
		*(uint64_t *)page_at(l, i) = mix64(i);
	if (!ret)
		ret = node_run_on(1);
	if (!ret)
		ret = zipf_init(&l->zipf, l->pages, theta, &l->rng);
	if (ret)
		return ret;
	for (i = 0; i < WARM_ROUNDS; i++)
		round_of_load(l);
	print_classes(l);
	ret = move(l);
	if (!ret)
		ret = judge(l);
	zipf_exit(&l->zipf);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "part", required_argument, NULL, 'p' },
		{ "theta", required_argument, NULL, 'z' },
		{ NULL, 0, NULL, 0 },
	};
	struct local l = { .rng = { .state = 1 } };
	const char *memory = NULL;
	size_t size = 64UL << 20;
	unsigned int part = 20;
	double theta = 0.99;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'm')
			memory = optarg;
		else if (c == 's')
			size = memory_parse_size(optarg);
		else if (c == 'p')
			part = (unsigned int)atoi(optarg);
		else if (c == 'z')
			theta = atof(optarg);
		else
			return 2;
	}
	if (!memory || size / PAGE_SIZE < BURSTS || !part || part > 100) {
		fprintf(stderr, "usage: homeward --memory KIND [--size N] "
				"[--part PERCENT] [--theta T]\n");
		return 2;
	}
	l.pages = size / PAGE_SIZE;
	l.wanted = l.pages / 100.0 * part;
	/* Nothing is moved before it is to be. */
	ret = set_balancing(false);
	if (ret == -ENOENT)
		return 4;
	if (!ret)
		ret = memory_open(&l.memory, memory, size);
	if (!ret) {
		ret = run(&l, theta);
		memory_close(&l.memory);
	}
	if (ret)
		fprintf(stderr, "homeward: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
