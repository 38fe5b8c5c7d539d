/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is particular to mirrors: which leg to read, what happens when one
 * fails, and re-silvering, the copy of all used slots from the good leg to the
 * other while both take new stores.
 *
 * A leg that failed is named stale in the superblock of the other before
 * anything is stored on that one alone, so that a pager started anew knows.
 *
 * A page that one leg can't read, or has wrong, is read from the other and, being
 * right there, written anew on the first: disks have bad sectors, and give a spare
 * one for what is written there. A leg fails when it can't be written, is gone, or has
 * many such pages.
 */
#ifndef TARN_PAGER_MIRROR_H
#define TARN_PAGER_MIRROR_H

#include "device.h"

struct devices;

unsigned int mirror_read_leg(struct device *dev, u64 slot, u32 count);
u32 mirror_run(struct device *dev, u64 slot, u32 count);
unsigned int mirror_write_legs(const struct device *dev);
bool mirror_leg_failed(struct device *dev, unsigned int leg);
bool mirror_leg_gone(struct device *dev, unsigned int leg);
bool mirror_page_failed(struct device *dev, unsigned int leg);
void mirror_mismatch(struct device *dev, unsigned int leg, u64 slot);
bool mirror_has_copy(struct device *dev, unsigned int leg, u64 slot);

int mirror_resilver(struct device *dev);
unsigned int mirror_resilver_all(struct devices *devices, int *error);
int mirror_replace(struct devices *devices, struct device *dev, const char *path,
		   int fd, bool force, char *holds);

#endif
