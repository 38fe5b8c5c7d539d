/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose a leg is: this pool's, as its superblock says, nobody's any more, or
 * somebody's who is not to lose what is on it.
 */
#ifndef TARN_PAGER_OWNER_H
#define TARN_PAGER_OWNER_H

#include "types.h"

struct device;
struct devices;
struct leg;
struct superblock;

int identify_leg(struct leg *leg, const u8 *pool, bool force,
		 struct superblock *sb);
int identify_new(struct leg *leg, struct devices *devices, const u8 *pool);
int identify_spare(struct leg *leg, struct devices *devices, const struct device *dev,
		   bool force);

#endif
