/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A driver of virtio-blk that writes anything into its ring: mostly what a device takes, so
 * that it goes on to look at the rest, now and then an edge, or the address of something that
 * is not the driver's. What is written repeats from run to run.
 */
#ifndef TARN_UNIT_HOSTILE_WORDS_H
#define TARN_UNIT_HOSTILE_WORDS_H

#include <linux/virtio_blk.h>

#include "ring.h"

#define WORDS_TABLE_LEN 16

static inline u64 words_random(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* An address: in RAM, at its edges, or in what is not the driver's. */
static inline u64 words_address(u64 *seed, u64 foreign, u64 foreign_size, u64 ram, u64 size)
{
	u64 r = words_random(seed);

	switch (r % 16) {
	case 0:
		return foreign + (r >> 8) % foreign_size;
	case 1:
		return ram + size - (r >> 8) % 64;
	case 2:
		return r;
	default:
		return ram + 0x10000 + (r >> 8) % (size / 2 - 0x20000);
	}
}

static inline void words_desc(struct ring *r, u64 table, u16 i, u16 nr, u64 hdr, u64 foreign,
			      u64 foreign_size, u64 ram, u64 size, u64 *seed)
{
	u64 rnd = words_random(seed);
	/* Three descriptors a request: header, data, status. */
	u16 part = i % 3, flags = part == 2 ? VRING_DESC_F_WRITE : VRING_DESC_F_NEXT;
	u64 addr = part == 0 ? hdr + 16 * i
			     : words_address(seed, foreign, foreign_size, ram, size);
	u32 len = part == 0 ? 16 : part == 2 ? 1 : ((rnd >> 8) % 64) * 512;

	if (part == 1 && rnd & 1)
		flags |= VRING_DESC_F_WRITE;
	if (rnd % 32 == 1)
		flags = rnd >> 16;
	if (rnd % 64 == 2)
		len = rnd >> 32;
	table_set(r, table, i, addr, len, flags, rnd % 32 == 3 ? (u16)(rnd >> 40) : (i + 1) % nr);
}

/* One change of the ring of a queue, at @base as test_adjunct_image.c lays it out. */
static inline void words_write(struct ring *r, struct tarn_mem *mem, u64 base, u64 table,
			       u64 foreign, u64 foreign_size, u64 ram, u64 size, u64 *seed)
{
	u64 rnd = words_random(seed), hdr = base + 0x3000;
	struct virtio_blk_outhdr h = {
		.type = (rnd >> 8) % 16,
		.sector = rnd % 8 ? (rnd >> 16) % 9000 : rnd,
	};
	u16 i = (rnd >> 8) % r->size, n;

	switch (rnd % 8) {
	case 0:
		tarn_mem_write(mem, hdr + 16 * i, &h, sizeof(h));
		break;
	case 1:
		for (n = 0; n < WORDS_TABLE_LEN; n++)
			words_desc(r, table, n, WORDS_TABLE_LEN, hdr, foreign, foreign_size, ram,
				   size, seed);
		ring_desc(r, i - i % 3, table, 48, VRING_DESC_F_INDIRECT, 0);
		break;
	case 2:
		if (rnd >> 16 & 127)
			break;
		ring_set_idx(r, rnd >> 32);
		break;
	case 3:
	case 4:
		words_desc(r, r->desc, i, r->size, hdr, foreign, foreign_size, ram, size, seed);
		break;
	default:
		i -= i % 3;
		for (n = i; n < i + 3 && n < r->size; n++)
			words_desc(r, r->desc, n, r->size, hdr, foreign, foreign_size, ram, size,
				   seed);
		ring_offer(r, i);
	}
}

#endif
