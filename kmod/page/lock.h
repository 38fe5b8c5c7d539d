/* SPDX-License-Identifier: GPL-2.0-only */
/* Locking a range of pages for the child that it is donated to (pool/donation.h). */
#ifndef TARN_PAGE_LOCK_H
#define TARN_PAGE_LOCK_H

#include <linux/types.h>

struct tarn_partition;

int tarn_pages_lock(struct tarn_partition *child);
void tarn_pages_unlock(struct tarn_partition *child);
void tarn_pages_cut(struct tarn_partition *part, u64 first, u64 end);
bool tarn_pages_locked(struct tarn_partition *part, u64 first, u64 end);
bool tarn_pages_held(struct tarn_partition *part, u64 first, u64 end);

#endif
