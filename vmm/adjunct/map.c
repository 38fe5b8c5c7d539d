// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the parts of an adjunct's memory lie. It begins at the first GiB behind the guest's
 * RAM that the function can use for DMA; BAR 0 has the GiB behind that. So page tables stay
 * simple, and neither can be taken for the guest's RAM.
 */
#include <errno.h>

#include "adjunct/internal.h"
#include "error.h"
#include "mem.h"
#include "vfio/vfio.h"

/* One page directory pointer table. */
#define ADDRESS_END GIB(512)

static u64 ram_end(const struct tarn_mem *mem)
{
	const struct mem_range *last = &mem->range[mem->nr - 1];

	return last->gpa + last->size;
}

static int choose_base(struct adjunct *adj, const struct tarn_mem *mem)
{
	struct adjunct_map *map = &adj->map;
	u64 base = ALIGN_UP(ram_end(mem), GIB(1)), end;

	end = min_t(u64, vfio_function_iova_end(adj->fn), ADDRESS_END - GIB(1));
	for (; base + map->size <= end; base += GIB(1)) {
		if (!vfio_function_iova_usable(adj->fn, base, map->size))
			continue;
		map->base = base;
		map->bar = base + GIB(1);
		return 0;
	}
	err("'%s' reaches no address behind %llu MiB of guest RAM by DMA", adj->device,
	    (unsigned long long)(ram_end(mem) >> 20));
	return -ENOSPC;
}

static u64 place(u64 *at, u64 size, u64 align)
{
	u64 off = ALIGN_UP(*at, align);

	*at = off + ALIGN_UP(size, ADJUNCT_PAGE);
	return off;
}

int adjunct_map_make(struct adjunct *adj, const struct tarn_mem *mem)
{
	const struct vfio_bar *bar = vfio_function_bar(adj->fn, 0);
	struct adjunct_map *map = &adj->map;
	u64 at = 2 * ADJUNCT_PAGE; /* struct adjunct_config and _shared */

	if (!bar || !bar->nr || bar->piece[0].off || bar->size > GIB(1)) {
		err("'%s' has no registers that can be mapped", adj->device);
		return -ENODEV;
	}
	map->size = adj->memory.size;
	map->bar_size = bar->size;
	map->log = place(&at, ADJUNCT_QUEUES * sizeof(struct adjunct_log), ADJUNCT_PAGE);
	map->image = place(&at, ADJUNCT_IMAGE_MAX, ADJUNCT_PAGE);
	map->stacks = place(&at, ADJUNCT_CPUS * ADJUNCT_STACK, ADJUNCT_STACK);
	map->gdt = place(&at, ADJUNCT_PAGE, ADJUNCT_PAGE);
	map->nr_tables = adjunct_tables_count(mem, map->size, adj->huge);
	map->tables = place(&at, map->nr_tables * ADJUNCT_PAGE, ADJUNCT_PAGE);
	map->dma = place(&at, ADJUNCT_RINGS_BYTES, ADJUNCT_PAGE);
	map->bounce = at;
	/* A request of each queue is to have pages, and one that names them. */
	if (map->bounce + ADJUNCT_QUEUES * 8 * ADJUNCT_PAGE > map->size) {
		err("%llu KiB are too few for the adjunct of '%s': give it more by memory= of -object tarn-adjunct",
		    (unsigned long long)(map->size >> 10), adj->device);
		return -ENOSPC;
	}
	return choose_base(adj, mem);
}
