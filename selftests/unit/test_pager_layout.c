// SPDX-License-Identifier: GPL-2.0-only
/* The superblock of a paging device. */
#include "tap.h"

#include <errno.h>

#include "vmm/pager/layout.c"

static const struct superblock sample = {
	.pool = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
	.device = { 0xff, 0xfe },
	.number = 239,
	.nr_legs = 2,
	.leg = 1,
	.stale = 1,
	.draining = true,
	.generation = 0x0123456789abcdef,
	.slots = 1ULL << 39,
	.host = { { 0x11 }, { 0x22 } },
};

static u8 page[PAGER_PAGE_SIZE];

static void test_crc(void)
{
	u8 zeros[32] = {};

	/* RFC 3720, B.4 */
	CHECK_EQ(layout_crc32c(0, zeros, 32), 0x8a9136aa);
	CHECK_EQ(layout_crc32c(0, "123456789", 9), 0xe3069283);
	/* In pieces. */
	CHECK_EQ(layout_crc32c(layout_crc32c(0, "1234", 4), "56789", 5),
		 0xe3069283);
}

static void test_round_trip(void)
{
	struct superblock sb;

	layout_encode(&sample, page);
	CHECK_EQ(layout_decode(&sb, page), 0);
	CHECK(!memcmp(sb.pool, sample.pool, 16));
	CHECK(!memcmp(sb.device, sample.device, 16));
	CHECK_EQ(sb.number, sample.number);
	CHECK_EQ(sb.nr_legs, sample.nr_legs);
	CHECK_EQ(sb.leg, sample.leg);
	CHECK_EQ(sb.stale, sample.stale);
	CHECK_EQ(sb.generation, sample.generation);
	CHECK_EQ(sb.slots, sample.slots);
	CHECK(sb.draining);
	CHECK(!memcmp(&sb.host, &sample.host, sizeof(sb.host)));
}

/* The bytes are fixed: a pager of another build must read them. */
static void test_bytes(void)
{
	static const u8 head[] = { 'T', 'A', 'R', 'N', 'P', 'A',
				   'G', 'E', 2,   0,   0,   0 };
	static const u8 generation[] = { 0xef, 0xcd, 0xab, 0x89,
					 0x67, 0x45, 0x23, 0x01 };

	layout_encode(&sample, page);
	CHECK(!memcmp(page, head, sizeof(head)));
	CHECK(!memcmp(page + 16, sample.pool, 16));
	CHECK_EQ(page[48], 239);
	CHECK_EQ(page[52], 2);
	CHECK_EQ(page[53], 1);
	CHECK_EQ(page[54], 1);
	CHECK_EQ(page[55], 1);
	CHECK(!memcmp(page + 56, generation, sizeof(generation)));
	CHECK_EQ(page[72], 0x11);
	CHECK_EQ(page[88], 0x22);
	CHECK_EQ(page[104], 0);
}

static void test_blank(void)
{
	struct superblock sb;

	memset(page, 0, sizeof(page));
	CHECK_EQ(layout_decode(&sb, page), -ENODATA);
	page[PAGER_PAGE_SIZE - 1] = 1;
	CHECK_EQ(layout_decode(&sb, page), -ENODATA);
}

/* No single flipped bit goes unnoticed. */
static void test_damage(void)
{
	struct superblock sb;
	size_t bit;
	int ret;

	layout_encode(&sample, page);
	for (bit = 0; bit < PAGER_PAGE_SIZE * 8; bit += bit < 1024 ? 1 : 997) {
		page[bit / 8] ^= 1 << bit % 8;
		ret = layout_decode(&sb, page);
		CHECK_EQ(ret, bit < 64 ? -ENODATA : -EILSEQ);
		page[bit / 8] ^= 1 << bit % 8;
	}
	CHECK_EQ(layout_decode(&sb, page), 0);
}

/* Whole, but not what this build can work with. */
static void resum(void)
{
	u32 sum;

	memset(page + 12, 0, 4);
	sum = htole32(layout_crc32c(0, page, sizeof(page)));
	memcpy(page + 12, &sum, 4);
}

static void check_field(size_t at, u8 value, int expect)
{
	struct superblock sb;

	layout_encode(&sample, page);
	page[at] = value;
	resum();
	CHECK_EQ(layout_decode(&sb, page), expect);
}

/* Of another version, it is known for whom it was. */
static void test_version(void)
{
	struct superblock sb;

	check_field(8, 1, -EPROTONOSUPPORT);
	CHECK_EQ(layout_decode(&sb, page), -EPROTONOSUPPORT);
	CHECK_EQ(sb.version, 1);
	CHECK(!memcmp(sb.pool, sample.pool, 16));
	layout_encode(&sample, page);
	CHECK_EQ(layout_decode(&sb, page), 0);
	CHECK_EQ(sb.version, LAYOUT_VERSION);
}

static void test_ranges(void)
{
	check_field(8, 1, -EPROTONOSUPPORT);
	check_field(8, 3, -EPROTONOSUPPORT);
	check_field(48, 240, -EILSEQ);
	check_field(49, 1, -EILSEQ);
	check_field(52, 0, -EILSEQ);
	check_field(52, 3, -EILSEQ);
	check_field(52, 1, -EILSEQ);
	check_field(53, 2, -EILSEQ);
	check_field(53, 0, 0);
}

static const struct tap_test tests[] = {
	{ "crc32c has the known values", test_crc },
	{ "what is written is read back", test_round_trip },
	{ "the bytes are as documented", test_bytes },
	{ "blank and foreign pages are no superblocks", test_blank },
	{ "a flipped bit is found", test_damage },
	{ "what another version wrote has an owner", test_version },
	{ "values out of range are refused", test_ranges },
};

TAP_MAIN(tests)
