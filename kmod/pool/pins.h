/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pinned pages (S02): those that stay in memory. A page is pinned as often as areas
 * that are pinned touch it (policy/area.c). While it is, its entry has the hint
 * TARN_HINT_PINNED, and reclaim passes it over.
 *
 * This is a residency pin: the page may be moved to another frame. Who holds a
 * reference of the frame (GUP, DMA) makes it unmovable, which is seen at the frame
 * (tarn_frame_idle()) and not recorded here.
 */
#ifndef TARN_PINS_H
#define TARN_PINS_H

#include <linux/types.h>
#include <linux/xarray.h>

struct tarn_partition;

/**
 * struct tarn_pins - which pages of a partition are pinned
 * @pages: by index, how many pinned areas touch it
 * @pinned: pages in @pages
 * @lent: pages of children (donation.h), which are pinned there on this one's account, and
 *	whose frames count as this one's
 *
 * Locking: whoever pins and unpins excludes others of his kind; the others look without,
 * and @pinned is a hint that there are any.
 */
struct tarn_pins {
	struct xarray pages;
	u64 pinned;
	u64 lent;
};

void tarn_pins_init(struct tarn_pins *pins);
int tarn_pin_add(struct tarn_partition *part, u64 index);
bool tarn_pin_remove(struct tarn_partition *part, u64 index);
bool tarn_pin_any(struct tarn_partition *part, u64 first, u64 count);
bool tarn_pin_wanted(struct tarn_partition *part, u64 index);
bool tarn_pin_holds(struct tarn_partition *part, u64 index);
void tarn_pin_update(struct tarn_partition *part, u64 index);
unsigned int tarn_pin_hint(struct tarn_partition *part, u64 index,
			   unsigned int otherwise);
void tarn_pin_recheck(struct tarn_partition *part, u64 index,
		      unsigned int hint);

#endif
