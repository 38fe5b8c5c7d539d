/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that are read before somebody waits for them: behind those of a sequence, and where
 * somebody brings pages behind a guest's back. Only with frames that nobody needs.
 */
#ifndef TARN_AHEAD_H
#define TARN_AHEAD_H

#include <linux/types.h>

struct tarn_partition;

bool tarn_page_ahead(struct tarn_partition *part, u64 index);
void tarn_page_ahead_of(struct tarn_partition *part, u64 index, u64 end, u64 *ahead);
void tarn_page_read_ahead(struct tarn_partition *part, u64 index);
long tarn_pagein_spare(struct tarn_partition *part, u64 start, u64 count,
		       bool own, u64 *done);

#endif
