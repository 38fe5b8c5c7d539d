/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The superblock in slot 0 of each file or block device: whose pages lie on it
 * and under which device number, so that cookies keep their meaning when a
 * pager is started anew, and which leg of a mirror is out of date. This file
 * only turns it into bytes and back; device.c reads and writes it.
 */
#ifndef TARN_PAGER_LAYOUT_H
#define TARN_PAGER_LAYOUT_H

#include "types.h"

#define LAYOUT_MAX_LEGS 2
#define LAYOUT_VERSION 1

/**
 * struct superblock - what slot 0 says
 * @pool: uuid of the pool, new with each mount
 * @device: uuid of the device, the same on both legs of a mirror
 * @number: device number in cookies
 * @nr_legs: 1, or 2 for a mirror
 * @leg: which one this is
 * @stale: bit n: leg n lacks what was stored lately
 * @generation: grows with each change; of two legs the higher one is right
 * @slots: that the device has
 */
struct superblock {
	u8 pool[16];
	u8 device[16];
	u32 number;
	u8 nr_legs;
	u8 leg;
	u8 stale;
	u64 generation;
	u64 slots;
};

void layout_encode(const struct superblock *sb, void *page);
int layout_decode(struct superblock *sb, const void *page);
bool layout_is_blank(const void *page);
u32 layout_crc32c(u32 crc, const void *data, size_t len);

#endif
