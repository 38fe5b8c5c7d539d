/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is particular to mirrors: which leg to read, what happens when one
 * fails, and re-silvering, the copy of all used slots from the good leg to the
 * other while both take new stores.
 *
 * A leg that failed is named stale in the superblock of the other before
 * anything is stored on that one alone, so that a pager started anew knows.
 */
#ifndef TARN_PAGER_MIRROR_H
#define TARN_PAGER_MIRROR_H

#include "device.h"

unsigned int mirror_read_leg(const struct device *dev, u64 slot);
unsigned int mirror_write_legs(const struct device *dev);
bool mirror_leg_failed(struct device *dev, unsigned int leg);
void mirror_mismatch(struct device *dev, u64 slot);

int mirror_resilver(struct device *dev);
int mirror_replace(struct device *dev, const char *path, int fd);

#endif
