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
 * There are three loads:
 *
 *   scattered  pages that are used much lie anywhere
 *   blocks     they lie together, as those of a guest with huge pages do
 *   refaults   half of the pages were used for long, still on node 0; then the other half
 *              comes back from the pager, and is what is used from then on
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
/* Longest that moving may take. */
#define MOST_ROUNDS 60
/* What the module, or the kernel, may see before pages are moved. */
#define WARM_ROUNDS 10
/* With what has come back from the pager, which is what is used by now. */
#define BACK_ROUNDS 2
/* Drawn to see which part is local, for each page. */
#define DRAWS 20
#define BLOCK_PAGES 512
#define MOST_NODES 64

enum load {
	SCATTERED,
	BLOCKS,
	REFAULTS,
};

static const char *const loads[] = { "scattered", "blocks", "refaults" };

/**
 * struct local - a run
 * @memory: what is used
 * @pages: of it
 * @wanted: pages that are to go to node 1
 * @load: how it is used
 * @theta: of the distribution
 * @first: page from which on pages are drawn
 * @drawn: that many of them
 * @zipf: by which they are
 * @rng: likewise
 * @next: when the next burst is due, in ns
 */
struct local {
	struct memory memory;
	uint32_t pages;
	uint32_t wanted;
	enum load load;
	double theta;
	uint32_t first;
	uint32_t drawn;
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

static uint32_t draw(struct local *l)
{
	return l->first + zipf_next(&l->zipf, &l->rng);
}

/* Blocks by chance, in each the pages in order. */
static int init_blocks(struct local *l)
{
	uint32_t blocks = l->pages / BLOCK_PAGES, i;
	uint32_t *block = calloc(blocks, sizeof(*block));
	uint32_t *order = calloc(l->pages, sizeof(*order));
	int ret = -ENOMEM;

	if (block && order) {
		rng_permutation(&l->rng, block, blocks);
		for (i = 0; i < l->pages; i++)
			order[i] = block[i / BLOCK_PAGES] * BLOCK_PAGES +
				   i % BLOCK_PAGES;
		ret = zipf_init_order(&l->zipf, l->pages, l->theta, order);
	}
	free(block);
	free(order);
	return ret;
}

/* What is used from now on. */
static int draw_from(struct local *l, uint32_t first, uint32_t count)
{
	zipf_exit(&l->zipf);
	l->first = first;
	l->drawn = count;
	return l->load == BLOCKS ? init_blocks(l) :
	       zipf_init(&l->zipf, count, l->theta, &l->rng);
}

/* Some accesses, then computing until the next ones are due. */
static void burst(struct local *l)
{
	uint32_t i;

	for (i = 0; i < l->pages / BURSTS; i++)
		(void)*page_at(l, draw(l));
	while (clock_ns() < l->next)
		;
	l->next += ROUND_NS / BURSTS;
}

static void rounds_of_load(struct local *l, unsigned int rounds)
{
	unsigned int i;

	for (i = 0; i < rounds * BURSTS; i++) {
		if (i % BURSTS == 0)
			l->next = clock_ns();
		if (i % 20 == 0)
			flush_tlb();
		burst(l);
	}
}

/* ---- moving ------------------------------------------------------------- */

/* Pages that are resident, all and on node 1. */
static int count_nodes(struct local *l, uint64_t *all, uint64_t *there)
{
	struct tarn_home homes[MOST_NODES];
	struct tarn_partition_homes call = {
		.size = sizeof(call),
		.count = MOST_NODES,
		.homes = (uintptr_t)homes,
	};
	uint32_t i;

	*all = *there = 0;
	if (ioctl(l->memory.fd, TARN_PARTITION_HOMES, &call))
		return -errno;
	for (i = 0; i < call.count && i < MOST_NODES; i++) {
		*all += homes[i].resident_pages;
		if (homes[i].node == 1)
			*there = homes[i].resident_pages;
	}
	return 0;
}

static int set_homes(struct local *l)
{
	struct tarn_home homes[] = {
		{ .node = 0, .flags = TARN_NODE_IS_HOME },
		{ .node = 1, .flags = TARN_NODE_IS_HOME,
		  .wanted_frames = l->wanted },
	};
	struct tarn_partition_homes call = {
		.size = sizeof(call),
		.flags = TARN_HOMES_SET,
		.count = 2,
		.homes = (uintptr_t)homes,
	};
	uint64_t all, there;
	int ret = count_nodes(l, &all, &there);

	if (ret)
		return ret;
	homes[0].wanted_frames = all - l->wanted;
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

/* On tarn what is paged in comes to node 1 as well, from where it is used. */
static int64_t arrived(struct local *l)
{
	uint64_t all, there;
	int ret;

	if (l->memory.fd < 0)
		return migrated();
	ret = count_nodes(l, &all, &there);
	return ret ? ret : (int64_t)there;
}

/* The load goes on until so many are there. */
static int move(struct local *l)
{
	bool tarn = l->memory.fd >= 0;
	int64_t before = arrived(l), now = before;
	unsigned int i;
	int ret = tarn ? set_homes(l) : set_balancing(true);

	l->next = clock_ns();
	for (i = 0; !ret && now - before < l->wanted; i++) {
		if (i == MOST_ROUNDS * BURSTS)
			ret = -ETIME;
		burst(l);
		now = arrived(l);
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

/*
 * On which node each page lies; what has no frame is on none. Where a page that is not
 * mapped lies nobody tells, so they are touched. Anonymous ones stay mapped, and to touch
 * them now might move them.
 */
static int find_nodes(struct local *l, int *nodes)
{
	unsigned char *there = calloc(l->pages, 1);
	uint32_t i;
	int ret = there ? 0 : -ENOMEM;

	if (!ret && l->memory.fd >= 0)
		ret = memory_residency(&l->memory, there);
	for (i = 0; i < l->pages && !ret && l->memory.fd >= 0; i++)
		if (there[i])
			(void)*page_at(l, i);
	if (!ret)
		ret = node_of_pages(l->memory.base, l->pages, nodes);
	free(there);
	return ret;
}

static void print_part(struct local *l, uint32_t *count, const int *nodes)
{
	uint64_t all = (uint64_t)l->drawn * DRAWS, local = 0, best = 0;
	uint32_t i, moved = 0;

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
}

static int judge(struct local *l)
{
	uint32_t *count = calloc(l->pages, sizeof(*count));
	int *nodes = calloc(l->pages, sizeof(*nodes));
	int ret = count && nodes ? find_nodes(l, nodes) : -ENOMEM;
	uint64_t n;

	if (!ret) {
		for (n = 0; n < (uint64_t)l->drawn * DRAWS; n++)
			count[draw(l)]++;
		print_part(l, count, nodes);
	}
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

/* What the pages are like when they are about to move. */
static int warm(struct local *l)
{
	int ret = node_run_on(1);

	if (!ret)
		ret = draw_from(l, 0, l->pages);
	if (!ret)
		rounds_of_load(l, WARM_ROUNDS);
	return ret;
}

/* Half of them was used, and is not any more; the other half begins to come back. */
static int warm_refaults(struct local *l)
{
	uint32_t half = l->pages / 2;
	struct tarn_partition_range out = {
		.size = sizeof(out),
		.start = half,
		.count = l->pages - half,
	};
	int ret = draw_from(l, 0, half);

	if (ret)
		return ret;
	rounds_of_load(l, WARM_ROUNDS);
	if (ioctl(l->memory.fd, TARN_PARTITION_PAGE_OUT, &out))
		return -errno;
	ret = draw_from(l, half, l->pages - half);
	if (ret)
		return ret;
	rounds_of_load(l, BACK_ROUNDS);
	return node_run_on(1);
}

static int run(struct local *l)
{
	unsigned int i;
	int ret = node_run_on(0);

	for (i = 0; i < l->pages && !ret; i++)
		*(uint64_t *)page_at(l, i) = mix64(i);
	if (!ret)
		ret = l->load == REFAULTS ? warm_refaults(l) : warm(l);
	if (!ret) {
		print_classes(l);
		ret = move(l);
	}
	if (!ret)
		ret = judge(l);
	zipf_exit(&l->zipf);
	return ret;
}

static int parse_load(const char *text, enum load *load)
{
	unsigned int i;

	for (i = 0; i < sizeof(loads) / sizeof(*loads); i++) {
		if (strcmp(loads[i], text))
			continue;
		*load = (enum load)i;
		return 0;
	}
	return -EINVAL;
}

/* Refaults want a pager. */
static bool makes_sense(const struct local *l, const char *memory, size_t size,
			unsigned int part)
{
	return memory && size / PAGE_SIZE >= BURSTS &&
	       size % (BLOCK_PAGES * PAGE_SIZE) == 0 && part && part <= 100 &&
	       (l->load != REFAULTS || !strncmp(memory, "tarn", 4));
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "memory", required_argument, NULL, 'm' },
		{ "size", required_argument, NULL, 's' },
		{ "part", required_argument, NULL, 'p' },
		{ "theta", required_argument, NULL, 'z' },
		{ "load", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 },
	};
	struct local l = { .theta = 0.99, .rng = { .state = 1 } };
	const char *memory = NULL;
	size_t size = 64UL << 20;
	unsigned int part = 20;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'm')
			memory = optarg;
		else if (c == 's')
			size = memory_parse_size(optarg);
		else if (c == 'p')
			part = (unsigned int)atoi(optarg);
		else if (c == 'z')
			l.theta = atof(optarg);
		else if (c != 'l' || parse_load(optarg, &l.load))
			return 2;
	}
	if (!makes_sense(&l, memory, size, part)) {
		fprintf(stderr, "usage: homeward --memory KIND [--size N] "
				"[--part PERCENT] [--theta T] "
				"[--load scattered|blocks|refaults]\n");
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
		ret = run(&l);
		memory_close(&l.memory);
	}
	if (ret)
		fprintf(stderr, "homeward: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
