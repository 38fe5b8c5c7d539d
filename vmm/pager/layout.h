/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where things lie on each file or block device:
 *
 *	slot 0				the superblock
 *	up to LAYOUT_HEAD_SLOTS		zeros
 *	slots of pages
 *	the last LAYOUT_TAIL_SLOTS	a copy of the superblock, then zeros
 *
 * What a guest writes to its memory it also writes to a device. Where hosts look
 * for signatures of filesystems, volumes and arrays no page must lie: a guest could
 * have udev assemble an array of its making, or a pager take its pages for somebody
 * else's. libblkid looks at the first 4 MiB and 4 KiB and at the last 1544 KiB.
 *
 * The superblock says whose pages lie there and under which device number, so that
 * cookies keep their meaning when a pager is started anew, and which leg of a mirror
 * is out of date. The copy is for when slot 0 can't be read; it lies 2 MiB from the
 * end, where nobody looks for signatures. Pagers of before had none, and leave one be.
 * This file only turns it into bytes and back; leg.c reads and writes
 * it.
 */
#ifndef TARN_PAGER_LAYOUT_H
#define TARN_PAGER_LAYOUT_H

#include "host.h"
#include "types.h"

#define LAYOUT_MAX_LEGS 2
/** Since version 2 no pages lie in head and tail. */
#define LAYOUT_VERSION 2
#define LAYOUT_HEAD_SLOTS (5 << 20 >> PAGER_PAGE_SHIFT)
#define LAYOUT_TAIL_SLOTS (2 << 20 >> PAGER_PAGE_SHIFT)
/** Head, tail and something worth the name of a device: 8 MiB. */
#define LAYOUT_MIN_SLOTS (LAYOUT_HEAD_SLOTS + LAYOUT_TAIL_SLOTS + 256)
#define LAYOUT_MIN_TEXT "8 MiB"

/**
 * struct superblock - what slot 0 says
 * @version: of the layout, where it was read; what is written has LAYOUT_VERSION
 * @pool: uuid of the pool, new with each mount
 * @device: uuid of the device, the same on both legs of a mirror
 * @number: device number in cookies
 * @nr_legs: 1, or 2 for a mirror
 * @leg: which one this is
 * @stale: bit n: leg n lacks what was stored lately
 * @draining: nothing new is to be stored on it
 * @generation: grows with each change; of two legs the higher one is right
 * @slots: that the device has for pages
 * @host: on which it was written; zeros of pagers of before
 */
struct superblock {
	u32 version;
	u8 pool[16];
	u8 device[16];
	u32 number;
	u8 nr_legs;
	u8 leg;
	u8 stale;
	bool draining;
	u64 generation;
	u64 slots;
	struct host_ids host;
};

void layout_encode(const struct superblock *sb, void *page);
int layout_decode(struct superblock *sb, const void *page);
bool superblock_was_alone(const struct superblock *sb);
u32 layout_crc32c(u32 crc, const void *data, size_t len);

#endif
