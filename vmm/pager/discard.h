/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Telling a device which slots are free: BLKDISCARD, or a hole in a file.
 * A slot that is freed stays out of use until a thread of its own, about once
 * a second, has discarded the run it is in; runs too short to be worth a
 * command are just freed. A device that runs out of slots takes them at once.
 */
#ifndef TARN_PAGER_DISCARD_H
#define TARN_PAGER_DISCARD_H

#include "types.h"

struct device;
struct devices;

bool discard_waits(const struct device *dev, u64 slot);
int discard_add(struct device *dev, u64 slot);
bool discard_cancel(struct device *dev);
void discard_all(struct device *dev);
int discard_start(struct devices *devices);

#endif
