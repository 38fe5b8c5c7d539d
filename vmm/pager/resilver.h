/* SPDX-License-Identifier: GPL-2.0-only */
/* The thread that re-silvers mirrors, see mirror.h. */
#ifndef TARN_PAGER_RESILVER_H
#define TARN_PAGER_RESILVER_H

struct device;
struct devices;

int resilver_start(struct devices *devices);
int resilver_request(struct device *dev, unsigned int leg);

#endif
