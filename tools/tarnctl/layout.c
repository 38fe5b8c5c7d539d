// SPDX-License-Identifier: GPL-2.0-only
/* The layouts of QEMU's machines for x86. */
#include <stddef.h>
#include <string.h>

#include "layout.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

/* Video memory, ROMs and their shadows. */
#define HOLE_START 0xa0000ULL
#define HOLE_END 0x100000ULL

/**
 * struct rule - what a machine has below 4 GiB
 * @most: memory that it has there if there is less than that,
 * @other: and otherwise
 */
struct rule {
	uint64_t most;
	uint64_t other;
};

static const struct rule rules[] = {
	{ 0xe0000000, 0xc0000000 }, /* pc */
	{ 0xb0000000, 0x80000000 }, /* q35 */
	{ 0xc0000000, 0xc0000000 }, /* microvm, tarn-vmm */
	{ 0xe0000000, 0xe0000000 }, /* pc of old, max-ram-below-4g=3.5G */
	{ 0xb0000000, 0xb0000000 },
	{ 0x80000000, 0x80000000 }, /* max-ram-below-4g=2G */
	{ 0x40000000, 0x40000000 }, /* max-ram-below-4g=1G */
};

/* Hidden at the top of low memory for system management mode (q35). */
static const uint64_t hidden[] = { 0, MIB(1), MIB(2), MIB(8), MIB(16) };

/* Where it goes on; AMD's interrupts take the end of the first TiB. */
static const uint64_t highs[] = { GIB(4), GIB(1024) };

/* The part [@start, @end) of the guest's memory is at @gpa. */
static void piece_add(struct layout *layout, const struct layout_memory *mem,
		uint64_t start, uint64_t end, uint64_t gpa)
{
	uint64_t from = start > mem->at ? start : mem->at;
	uint64_t to = mem->at + mem->bytes;

	if (to > end)
		to = end;
	if (from >= to)
		return;
	layout->ranges[layout->count++] = (struct tarn_vm_range){
		.gpa = gpa + (from - start),
		.bytes = to - from,
		.offset = mem->offset + (from - mem->at),
	};
}

/* Bytes below 4 GiB by a rule; false if an earlier one says the same. */
static bool low_bytes(unsigned int rule, uint64_t total, uint64_t *low)
{
	uint64_t earlier;
	unsigned int i;

	*low = total < rules[rule].most ? total : rules[rule].other;
	for (i = 0; i < rule; i++) {
		earlier = total < rules[i].most ? total : rules[i].other;
		if (earlier == *low)
			return false;
	}
	return true;
}

bool layout_get(unsigned int n, const struct layout_memory *mem,
		struct layout *layout)
{
	unsigned int rule = n % COUNT(rules);
	unsigned int high = n / COUNT(rules) % COUNT(highs);
	unsigned int cut = n / COUNT(rules) / COUNT(highs);
	uint64_t low;

	memset(layout, 0, sizeof(*layout));
	if (cut >= COUNT(hidden))
		return false;
	if (!low_bytes(rule, mem->total, &low))
		return true;
	/* These matter where there is such memory only. */
	if ((high && low == mem->total) ||
	    (cut && (low <= HOLE_END + hidden[cut] || mem->at >= low ||
		     mem->at + mem->bytes <= low - hidden[cut])))
		return true;
	piece_add(layout, mem, 0, HOLE_START, 0);
	piece_add(layout, mem, HOLE_END, low - hidden[cut], HOLE_END);
	piece_add(layout, mem, low, mem->total, highs[high]);
	return true;
}
