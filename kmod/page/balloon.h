/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages of a guest's balloon (pool/balloon.h): how they come to it and leave it. */
#ifndef TARN_PAGE_BALLOON_H
#define TARN_PAGE_BALLOON_H

#include <linux/atomic.h>
#include <linux/types.h>

struct tarn_leaf;
struct tarn_partition;

/* As the number of a balloon to be kept: none is. */
#define TARN_BALLOON_NONE	U64_MAX

u64 tarn_balloon_take(struct tarn_partition *part, struct tarn_leaf *leaf,
		      u64 first, u64 end);
void tarn_balloon_forget(struct tarn_partition *part, struct tarn_leaf *leaf, u64 first);
void tarn_balloon_leave(struct tarn_partition *part, u64 first, u64 end, u64 keep);
bool tarn_balloon_remove(struct tarn_partition *part, u64 index,
			 atomic64_t *entry, u64 e);
void tarn_balloon_left(struct tarn_partition *part, u64 index, u64 e, bool guest);
void tarn_balloon_reset(struct tarn_partition *part);

void tarn_balloon_begin(struct tarn_partition *part);
void tarn_balloon_end(struct tarn_partition *part);
int tarn_balloon_init(void);
void tarn_balloon_exit(void);

#endif
