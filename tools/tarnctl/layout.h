/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a VMM may have put its guest's memory. KVM does not tell its memory slots
 * to others, but the layouts of machines are known and few, and a wrong one does
 * no harm: the module takes only ranges that are what KVM's slots say.
 *
 * Guests of QEMU see their memory, whatever it is made of, as one piece that is
 * cut where room for devices begins below 4 GiB, and goes on at 4 GiB. Below
 * 1 MiB there are ROMs and their shadows, which come and go; they are left out.
 */
#ifndef TARNCTL_LAYOUT_H
#define TARNCTL_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/tarn.h>

/** Ranges that a layout has at most. */
#define LAYOUT_RANGES 3

/**
 * struct layout_memory - a piece of a guest's memory
 * @total: bytes that the guest has in all
 * @at: what of it lies before this piece
 * @bytes: of this piece
 * @offset: of its first byte in its file
 */
struct layout_memory {
	uint64_t total;
	uint64_t at;
	uint64_t bytes;
	uint64_t offset;
};

/**
 * struct layout - where it may be
 * @count: ranges
 * @ranges: in ascending order of addresses
 */
struct layout {
	unsigned int count;
	struct tarn_vm_range ranges[LAYOUT_RANGES];
};

/**
 * layout_get() - A layout to try.
 * @n: its number, 0 for the likeliest
 * @mem: the memory
 * @layout: result; without ranges there is none of this number, but there may be
 *	of the next ones
 *
 * Layouts that leave memory out come after those that do not.
 *
 * Return: false when @n is beyond the last layout.
 */
bool layout_get(unsigned int n, const struct layout_memory *mem,
		struct layout *layout);

#endif
