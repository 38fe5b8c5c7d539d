// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where an adjunct's memory comes from: the end of the guest's RAM, where that is in a pool,
 * which gives it away for a partition that the guest cannot open; a memfd otherwise, which is
 * memory beside the guest's.
 *
 * What was given away is cut off the RAM before KVM and the guest's firmware tables hear of
 * it, so that the guest finds nothing there.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/tarn.h>

#include "adjunct/internal.h"
#include "error.h"
#include "mem.h"

static int map_file(struct adjunct_memory *memory)
{
	void *hva = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 memory->fd, 0);

	if (hva == MAP_FAILED)
		return err_errno(-errno, "cannot map the adjunct's memory");
	memory->hva = hva;
	return 0;
}

static int get_own(struct adjunct_memory *memory)
{
	memory->fd = memfd_create("tarn-adjunct", MFD_CLOEXEC);
	if (memory->fd < 0)
		return err_errno(-errno, "memory of an adjunct");
	if (ftruncate(memory->fd, memory->size))
		return err_errno(-errno, "memory of an adjunct");
	return map_file(memory);
}

#ifdef TARN_PARTITION_DONATE

/* Of the last range, so that all RAM before stays where it is. */
static int donate(struct adjunct_memory *memory, struct tarn_mem *mem)
{
	struct mem_range *last = &mem->range[mem->nr - 1];
	struct tarn_partition_donate d = {
		.size = sizeof(d),
		.start = (last->fd_offset + last->size - memory->size) / ADJUNCT_PAGE,
		.count = memory->size / ADJUNCT_PAGE,
	};

	if (last->size <= memory->size)
		return -ENOSPC;
	if (ioctl(last->fd, TARN_PARTITION_DONATE, &d))
		return -errno;
	memory->fd = d.fd;
	memory->donated = true;
	last->size -= memory->size;
	mem->size -= memory->size;
	return map_file(memory);
}

#else

static int donate(struct adjunct_memory *memory, struct tarn_mem *mem)
{
	return -EOPNOTSUPP;
}

#endif

int adjunct_memory_get(struct adjunct_memory *memory, u64 size, struct tarn_mem *mem)
{
	const struct mem_range *last = &mem->range[mem->nr - 1];
	int ret;

	memory->size = size;
	if (!last->backend || !mem_backend_in_pool(last->backend))
		return get_own(memory);
	ret = donate(memory, mem);
	if (!ret || memory->donated)
		return ret;
	/* A module that is older than this, or a guest of one page. */
	warn("the pool gives no memory to the adjunct (%s): it has memory beside the guest's",
	     strerror(-ret));
	return get_own(memory);
}

void adjunct_memory_put(struct adjunct_memory *memory)
{
	if (memory->hva)
		munmap(memory->hva, memory->size);
	if (memory->fd >= 0)
		close(memory->fd);
	memory->hva = NULL;
	memory->fd = -1;
}
