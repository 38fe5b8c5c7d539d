/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module tells of pages that it moves, for people and programs: for how long they
 * were blocked, and the block that it is at just now. Relocations (relocation.h) have it, and
 * so have frames that leave a pool (drain.h).
 */
#ifndef TARNCTL_TRACKER_H
#define TARNCTL_TRACKER_H

#include <stdbool.h>

#include <jansson.h>
#include <linux/tarn.h>

/**
 * tracker_longest() - For how long granules were blocked, at most.
 * @buf: SIZE_TEXT_MAX
 * @blocked: TARN_BLOCKED_BUCKETS
 * Return: a text, "-" if none were.
 */
const char *tracker_longest(char *buf, const __u64 *blocked);

/** tracker_print_times() - Write in which times that are powers of two granules were. */
void tracker_print_times(const __u64 *blocked, __u64 tried);

/** tracker_times_json() - The same as an array, NULL when memory ran out. */
json_t *tracker_times_json(const __u64 *blocked);

/** tracker_print_block() - Write all about a block, if one is told of. */
void tracker_print_block(const struct tarn_relocation_block *b, bool exact);

/** tracker_block_json() - The same as an object, or null. */
json_t *tracker_block_json(const struct tarn_relocation_block *b);

#endif
