// SPDX-License-Identifier: GPL-2.0-only
/*
 * See layout.h. On disk all is little endian:
 *
 *	  0  8	"TARNPAGE"
 *	  8  4	version
 *	 12  4	crc32c of the whole page with this field as zero
 *	 16 16	uuid of the pool
 *	 32 16	uuid of the device
 *	 48  4	device number
 *	 52  1	legs
 *	 53  1	leg
 *	 54  1	stale legs
 *	 55  1	bit 0: draining
 *	 56  8	generation
 *	 64  8	slots
 *	 72 16	machine, see host.h; zeros: not known
 *	 88 16	boot
 *	104	zeros to the end of the page
 *
 * What is zeros, pagers leave zeros and don't look at: new fields there need no new
 * version, if it does no harm to overlook them.
 */
#include "layout.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include <linux/tarn_pager.h>

#define FLAG_DRAINING 1

static const char layout_magic[8] = "TARNPAGE";

struct raw_superblock {
	char magic[8];
	u32 version;
	u32 checksum;
	u8 pool[16];
	u8 device[16];
	u32 number;
	u8 nr_legs;
	u8 leg;
	u8 stale;
	u8 flags;
	u64 generation;
	u64 slots;
	u8 machine[16];
	u8 boot[16];
	u8 rest[PAGER_PAGE_SIZE - 104];
};

_Static_assert(sizeof(struct raw_superblock) == PAGER_PAGE_SIZE,
	       "a superblock is a page");

/*
 * Pages were stored on this leg and not on the other one of its mirror. A plain device
 * is alone always, one that was the leg of a mirror before, too.
 */
bool superblock_was_alone(const struct superblock *sb)
{
	return sb->nr_legs == 1 || sb->stale >> !sb->leg & 1;
}

/* Bit by bit: it runs a few times in the life of a pager. */
u32 layout_crc32c(u32 crc, const void *data, size_t len)
{
	const u8 *p = data;
	int bit;

	crc = ~crc;
	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

void layout_encode(const struct superblock *sb, void *page)
{
	struct raw_superblock raw = {
		.version = htole32(LAYOUT_VERSION),
		.number = htole32(sb->number),
		.nr_legs = sb->nr_legs,
		.leg = sb->leg,
		.stale = sb->stale,
		.flags = sb->draining ? FLAG_DRAINING : 0,
		.generation = htole64(sb->generation),
		.slots = htole64(sb->slots),
	};

	memcpy(raw.magic, layout_magic, sizeof(raw.magic));
	memcpy(raw.pool, sb->pool, sizeof(raw.pool));
	memcpy(raw.device, sb->device, sizeof(raw.device));
	memcpy(raw.machine, sb->host.machine, sizeof(raw.machine));
	memcpy(raw.boot, sb->host.boot, sizeof(raw.boot));
	raw.checksum = htole32(layout_crc32c(0, &raw, sizeof(raw)));
	memcpy(page, &raw, sizeof(raw));
}

/**
 * layout_decode() - read a superblock
 *
 * Return: 0; -ENODATA: this is none; -EILSEQ: one that is damaged;
 * -EPROTONOSUPPORT: one of another version, whose pool alone is known.
 */
int layout_decode(struct superblock *sb, const void *page)
{
	struct raw_superblock raw;
	u32 checksum;

	memcpy(&raw, page, sizeof(raw));
	if (memcmp(raw.magic, layout_magic, sizeof(raw.magic)))
		return -ENODATA;
	checksum = le32toh(raw.checksum);
	raw.checksum = 0;
	if (layout_crc32c(0, &raw, sizeof(raw)) != checksum)
		return -EILSEQ;
	*sb = (struct superblock){ .version = le32toh(raw.version) };
	memcpy(sb->pool, raw.pool, sizeof(sb->pool));
	if (sb->version != LAYOUT_VERSION)
		return -EPROTONOSUPPORT;
	sb->number = le32toh(raw.number);
	sb->nr_legs = raw.nr_legs;
	sb->leg = raw.leg;
	sb->stale = raw.stale;
	sb->draining = raw.flags & FLAG_DRAINING;
	sb->generation = le64toh(raw.generation);
	sb->slots = le64toh(raw.slots);
	memcpy(sb->device, raw.device, sizeof(sb->device));
	memcpy(sb->host.machine, raw.machine, sizeof(sb->host.machine));
	memcpy(sb->host.boot, raw.boot, sizeof(sb->host.boot));
	if (sb->number >= TARN_GRANT_MAX_DEVICES || !sb->nr_legs ||
	    sb->nr_legs > LAYOUT_MAX_LEGS || sb->leg >= sb->nr_legs)
		return -EILSEQ;
	return 0;
}
