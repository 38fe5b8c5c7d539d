/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Areas (S02): what of a partition is registered, and whether its pages stay in
 * memory (pins.h).
 *
 * Which areas are pinned is decided here, by a table of what the hypervisor itself
 * accesses and by the pool's policy; who registers them only says what they are.
 */
#ifndef TARN_AREA_H
#define TARN_AREA_H

#include <linux/tarn.h>
#include <linux/tarn_para.h>
#include <linux/types.h>

struct tarn_partition;
struct tarn_pool;

/**
 * struct tarn_area_want - an area to be registered
 * @type: enum tarn_area_type
 * @origin: enum tarn_area_origin
 * @nowait: do not wait for pages to be read; they are pinned as they come
 * @gone: NULL, or set before the areas of who wants this one are dropped
 * @offset: first byte in the file
 * @bytes: length, not 0
 */
struct tarn_area_want {
	u16 type;
	u16 origin;
	bool nowait;
	const bool *gone;
	u64 offset;
	u64 bytes;
};

int tarn_areas_create(struct tarn_partition *part);
void tarn_areas_drop(struct tarn_partition *part, unsigned int origins);
long tarn_area_register(struct tarn_partition *part,
			const struct tarn_area_want *want);
long tarn_area_unregister(struct tarn_partition *part, u32 handle,
			  enum tarn_area_origin origin);
long tarn_area_query(struct tarn_partition *part, u32 handle,
		     enum tarn_area_origin origin);
long tarn_area_set_metrics(struct tarn_partition *part,
			   const struct tarn_area_want *want);
bool tarn_areas_touch(struct tarn_partition *part, u64 first, u64 end);
s64 tarn_area_metrics_page(struct tarn_partition *part);
void tarn_area_retry(struct tarn_partition *part, u32 handle);
long tarn_areas_list(struct tarn_partition *part,
		     struct tarn_partition_areas *list);
u64 tarn_pin_quota(struct tarn_partition *part);
long tarn_pin_policy(struct tarn_pool *pool, struct tarn_pool_pin_policy *p);
int tarn_pin_lend(struct tarn_partition *part, u64 pages);
void tarn_pin_return(struct tarn_partition *part, u64 pages);
void tarn_pin_trim(struct tarn_partition *part);

#endif
