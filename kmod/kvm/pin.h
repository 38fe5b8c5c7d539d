/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pins (S02): areas of a partition that are registered, and which of their pages
 * stay in their frames.
 *
 * Which areas are pinned is decided here, by a table of what the hypervisor itself
 * accesses and by the pool's policy; who registers them only says what they are. A
 * page is pinned as often as areas that are pinned touch it. While it is, its entry
 * has the hint TARN_HINT_PINNED, and reclaim passes it over.
 *
 * This is a residency pin: the page may be moved to another frame. Who holds a
 * reference of the frame (GUP, DMA) makes it unmovable, which is seen at the frame
 * (tarn_frame_idle()) and not recorded here.
 */
#ifndef TARN_PIN_H
#define TARN_PIN_H

#include <linux/mutex.h>
#include <linux/tarn.h>
#include <linux/tarn_para.h>
#include <linux/xarray.h>

struct tarn_partition;
struct tarn_pool;

/* Most areas of one partition. */
#define TARN_AREAS_MAX	16384

/**
 * struct tarn_areas - the areas of a partition
 * @lock: protects all but reads of @pages
 * @by_handle: struct area
 * @pages: by index, how many pinned areas touch it
 * @count: areas
 * @pinned: pages in @pages; read without the lock as a hint that there are any
 * @span: pages of all areas that are pinned, as often as they touch one
 * @metrics: handle of the page of metrics, or 0
 *
 * Inside: xarrays' locks, page locks. Nobody waits for I/O with it held.
 */
struct tarn_areas {
	struct mutex lock;
	struct xarray by_handle;
	struct xarray pages;
	u32 count;
	u64 pinned;
	u64 span;
	u32 metrics;
};

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

void tarn_areas_init(struct tarn_areas *areas);
void tarn_areas_drop(struct tarn_partition *part, unsigned int origins);
long tarn_area_register(struct tarn_partition *part,
			const struct tarn_area_want *want);
long tarn_area_unregister(struct tarn_partition *part, u32 handle,
			  enum tarn_area_origin origin);
long tarn_area_query(struct tarn_partition *part, u32 handle,
		     enum tarn_area_origin origin);
long tarn_area_set_metrics(struct tarn_partition *part,
			   const struct tarn_area_want *want);
s64 tarn_area_metrics_page(struct tarn_partition *part);
void tarn_area_retry(struct tarn_partition *part, u32 handle);
long tarn_areas_list(struct tarn_partition *part,
		     struct tarn_partition_areas *list);
u64 tarn_pin_quota(struct tarn_partition *part);
void tarn_pin_policy_init(struct tarn_pool *pool);
long tarn_pin_policy(struct tarn_pool *pool, struct tarn_pool_pin_policy *p);
void tarn_pin_trim(struct tarn_partition *part);
unsigned int tarn_pin_hint(struct tarn_partition *part, u64 index,
			   unsigned int otherwise);
void tarn_pin_recheck(struct tarn_partition *part, u64 index,
		      unsigned int hint);

#endif
