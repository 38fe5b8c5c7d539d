/* SPDX-License-Identifier: GPL-2.0-only */
/* Bringing what pages share (pool/canon.h) to where those who share it are at home. */
#ifndef TARN_PLACE_CANON_H
#define TARN_PLACE_CANON_H

#include <linux/types.h>

struct tarn_partition;

bool tarn_place_canons(struct tarn_partition *store, bool anew);

#endif
