// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kinds of memory that the benchmarks compare. See memory.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/tarn.h>

#include "cgroup.h"
#include "memory.h"
#include "uffd_pager.h"

#define PAGE_SIZE 4096UL
/* Rounds of pushing out before what is left counts as stuck. */
#define PAGE_OUT_ROUNDS 20
/* A page in so many may stay: some lie on lists that reclaim passes over. */
#define FEW 256
/* Of an entry of /proc/self/pagemap: the page is mapped. */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_AT_ONCE 512

struct memory_ops {
	const char *name;
	bool huge;
	int (*open)(struct memory *memory, const char *arg);
	void (*close)(struct memory *memory);
	int (*page_out)(struct memory *memory);
	int (*residency)(struct memory *memory, unsigned char *vec);
};

static int memory_map(struct memory *memory, int flags, int fd)
{
	memory->base = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, flags,
			    fd, 0);
	if (memory->base == MAP_FAILED) {
		memory->base = NULL;
		return -errno;
	}
	/* Refused where the kernel has no huge pages, which is as good for small ones. */
	if (!madvise(memory->base, memory->size,
		     memory->ops->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		return 0;
	return memory->ops->huge ? -errno : 0;
}

static int tarn_open(struct memory *memory, const char *arg)
{
	memory->path = strdup(arg);
	if (!memory->path)
		return -ENOMEM;
	memory->fd = open(arg, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (memory->fd < 0)
		return -errno;
	if (ftruncate(memory->fd, (off_t)memory->size))
		return -errno;
	return memory_map(memory, MAP_SHARED, memory->fd);
}

static void tarn_close(struct memory *memory)
{
	if (memory->fd >= 0)
		unlink(memory->path);
}

static int tarn_page_out(struct memory *memory)
{
	struct tarn_partition_range range = {
		.size = sizeof(range),
		.count = memory->size / PAGE_SIZE,
	};

	if (ioctl(memory->fd, TARN_PARTITION_PAGE_OUT, &range))
		return -errno;
	return 0;
}

/* A resident page need not be mapped, so mincore() does not know of it. */
static int tarn_residency(struct memory *memory, unsigned char *vec)
{
	struct tarn_partition_pages call = {
		.size = sizeof(call),
		.count = memory->size / PAGE_SIZE,
		.states = (uintptr_t)vec,
	};
	uint64_t i;

	if (ioctl(memory->fd, TARN_PARTITION_PAGES, &call))
		return -errno;
	for (i = 0; i < call.count; i++)
		vec[i] = (vec[i] & TARN_PAGE_STATE_MASK) == TARN_PAGE_RESIDENT;
	return 0;
}

static int swap_open(struct memory *memory, const char *arg)
{
	return memory_map(memory, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/*
 * MADV_PAGEOUT returns when the writes are queued, and the pages then lie in
 * the swap cache until somebody reclaims them: a fault would find them there
 * and read nothing. So reclaim what is left in the cgroup's swap cache.
 */
static int swap_page_out(struct memory *memory)
{
	long few = (long)(memory->size / PAGE_SIZE / FEW);
	long long cached;
	int i, ret;

	for (i = 0; i < PAGE_OUT_ROUNDS; i++) {
		if (madvise(memory->base, memory->size, MADV_PAGEOUT))
			return -errno;
		if (memory_resident(memory) < few)
			return 0;
		cached = cgroup_stat("memory.stat", "swapcached");
		if (cached < 0)
			return (int)cached;
		ret = cgroup_reclaim(cached);
		if (ret && ret != -EAGAIN)
			return ret;
		if (memory_resident(memory) < few)
			return 0;
	}
	return -EBUSY;
}

static int memfd_open(struct memory *memory, const char *arg)
{
	memory->fd = memfd_create("bench", MFD_CLOEXEC);
	if (memory->fd < 0)
		return -errno;
	if (ftruncate(memory->fd, (off_t)memory->size))
		return -errno;
	return memory_map(memory, MAP_SHARED, memory->fd);
}

static int memfd_page_out(struct memory *memory)
{
	return -EOPNOTSUPP;
}

static int uffd_open(struct memory *memory, const char *arg)
{
	const char *colon = strrchr(arg, ':');
	unsigned long pages;
	int ret;

	if (!colon)
		return -EINVAL;
	pages = strtoul(colon + 1, NULL, 10);
	memory->path = strndup(arg, (size_t)(colon - arg));
	if (!memory->path)
		return -ENOMEM;
	ret = memory_map(memory, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (ret)
		return ret;
	return uffd_pager_start(&memory->pager, memory->path, memory->base,
				memory->size, (uint32_t)pages);
}

static void uffd_close(struct memory *memory)
{
	if (memory->pager)
		uffd_pager_stop(memory->pager);
}

static int uffd_page_out(struct memory *memory)
{
	return uffd_pager_page_out(memory->pager);
}

static const struct memory_ops memory_kinds[] = {
	{ "tarn", false, tarn_open, tarn_close, tarn_page_out, tarn_residency },
	{ "tarn2m", true, tarn_open, tarn_close, tarn_page_out, tarn_residency },
	{ "swap", false, swap_open, NULL, swap_page_out, NULL },
	{ "memfd", false, memfd_open, NULL, memfd_page_out, NULL },
	{ "memfd2m", true, memfd_open, NULL, memfd_page_out, NULL },
	{ "uffd", false, uffd_open, uffd_close, uffd_page_out, NULL },
};

int memory_open(struct memory *memory, const char *spec, size_t size)
{
	const char *arg = strchr(spec, ':');
	size_t len = arg ? (size_t)(arg - spec) : strlen(spec), i;
	int ret = -EINVAL;

	memset(memory, 0, sizeof(*memory));
	memory->fd = -1;
	memory->size = size;
	for (i = 0; i < sizeof(memory_kinds) / sizeof(*memory_kinds); i++) {
		if (strlen(memory_kinds[i].name) == len &&
		    !strncmp(memory_kinds[i].name, spec, len))
			memory->ops = &memory_kinds[i];
	}
	if (memory->ops)
		ret = memory->ops->open(memory, arg ? arg + 1 : "");
	if (ret) {
		fprintf(stderr, "memory %s: %s\n", spec, strerror(-ret));
		memory_close(memory);
	}
	return ret;
}

void memory_close(struct memory *memory)
{
	if (memory->ops && memory->ops->close)
		memory->ops->close(memory);
	if (memory->base)
		munmap(memory->base, memory->size);
	if (memory->fd >= 0)
		close(memory->fd);
	free(memory->path);
	memset(memory, 0, sizeof(*memory));
	memory->fd = -1;
}

int memory_page_out(struct memory *memory)
{
	return memory->ops->page_out(memory);
}

long memory_resident(struct memory *memory)
{
	size_t pages = memory->size / PAGE_SIZE, i;
	unsigned char *vec = malloc(pages);
	long count = 0;

	if (!vec)
		return -ENOMEM;
	if (mincore(memory->base, memory->size, vec)) {
		free(vec);
		return -errno;
	}
	for (i = 0; i < pages; i++)
		count += vec[i] & 1;
	free(vec);
	return count;
}

int memory_residency(struct memory *memory, unsigned char *vec)
{
	if (memory->ops->residency)
		return memory->ops->residency(memory, vec);
	return mincore(memory->base, memory->size, vec) ? -errno : 0;
}

long memory_mapped(const void *base, size_t size)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t page = (uintptr_t)base / PAGE_SIZE, end = page + size / PAGE_SIZE;
	uint64_t entry[PAGEMAP_AT_ONCE];
	long mapped = 0;
	size_t i, n;

	if (fd < 0)
		return -errno;
	for (; page < end; page += n) {
		n = end - page < PAGEMAP_AT_ONCE ? end - page : PAGEMAP_AT_ONCE;
		if (pread(fd, entry, n * sizeof(*entry),
			  (off_t)(page * sizeof(*entry))) !=
		    (ssize_t)(n * sizeof(*entry))) {
			mapped = -EIO;
			break;
		}
		for (i = 0; i < n; i++)
			mapped += !!(entry[i] & PAGEMAP_PRESENT);
	}
	close(fd);
	return mapped;
}

size_t memory_parse_size(const char *text)
{
	char *end;
	size_t size = strtoull(text, &end, 0);

	switch (*end) {
	case 'G':
		size <<= 10;
		/* fall through */
	case 'M':
		size <<= 10;
		/* fall through */
	case 'K':
		size <<= 10;
		end++;
		break;
	}
	return *end ? 0 : size;
}
