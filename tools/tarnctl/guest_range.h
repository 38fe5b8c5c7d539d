/* SPDX-License-Identifier: GPL-2.0-only */
/* Ranges of guest memory on the command line: GPA:BYTES:OFFSET. */
#ifndef TARNCTL_GUEST_RANGE_H
#define TARNCTL_GUEST_RANGE_H

#include <linux/tarn.h>

#include "option.h"

/**
 * guest_ranges_parse() - Read all that --range gave, in ascending order.
 * @list: the texts
 * @ranges: result, room for TARN_VM_MAX_RANGES
 *
 * Return: how many there are, or -EINVAL, reported.
 */
int guest_ranges_parse(const struct option_list *list,
		       struct tarn_vm_range *ranges);

#endif
