/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The partitions of a pool by their ids, those that were there before as well: the
 * name of a destroyed one can't be asked for any more.
 */
#ifndef TARNCTL_KNOWN_H
#define TARNCTL_KNOWN_H

#include "partition.h"

/** known_learn() - Look which partitions @pool has now; @known: zeroed, or as it was. */
void known_learn(struct partition_list *known, const struct pool *pool);

/**
 * known_find() - The partition of an event.
 * Return: NULL when it means none, or nothing is known of it.
 */
const struct partition *known_find(struct partition_list *known,
				   const struct pool *pool,
				   const struct tarn_event *event);

/**
 * known_name() - A partition is found to be a guest's, as these are some while after
 * they were made.
 * @part: with its names
 */
void known_name(struct partition_list *known, const struct partition *part);

/** known_forget() - It is gone, and its event told. */
void known_forget(struct partition_list *known, __u32 id);

#endif
