// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client's memory as virtqueue.c asks for it (mem.h). The client's addresses are the
 * adjunct's own, so all that is done here is to check that nothing but the client's RAM is
 * reached: neither the adjunct's memory nor the registers of the function.
 */
#include "adjunct/image/image.h"
#include "mem.h"

struct mem_range *tarn_mem_range(struct tarn_mem *mem, u64 gpa, u64 len)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		struct mem_range *range = &mem->range[i];
		u64 off = gpa - range->gpa;

		if (gpa >= range->gpa && off < range->size)
			return len && len <= range->size - off ? range : NULL;
	}
	return NULL;
}

void *tarn_mem_ptr(struct tarn_mem *mem, u64 gpa, u64 len)
{
	struct mem_range *range = tarn_mem_range(mem, gpa, len);

	return range ? range->hva + (gpa - range->gpa) : NULL;
}

void memory_setup(struct tarn_mem *mem, const struct adjunct_config *config)
{
	unsigned int i;

	mem->nr = min_t(u32, config->nr_ranges, ADJUNCT_RANGES);
	mem->size = 0;
	for (i = 0; i < mem->nr; i++) {
		const struct adjunct_range *range = &config->range[i];

		mem->range[i] = (struct mem_range){
			.gpa = range->gpa,
			.size = range->size,
			.hva = (u8 *)range->gpa,
			.fd = -1,
		};
		mem->size += range->size;
	}
}
