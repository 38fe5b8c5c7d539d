/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that share what they hold (pool/canon.h): how that is read, and how they come to
 * have a frame of their own, or nothing, again. How they come to share is merge.c's.
 */
#ifndef TARN_SHARE_H
#define TARN_SHARE_H

#include <linux/types.h>

struct page;
struct tarn_leaf;
struct tarn_partition;

struct page *tarn_share_lock(struct tarn_partition *part, atomic64_t *entry,
			     u64 e, unsigned int flags);
struct page *tarn_share_grab(struct tarn_partition *part, atomic64_t *entry,
			     u64 e);
atomic64_t *tarn_share_entry(struct tarn_partition *store, u64 e);
bool tarn_share_is_there(struct tarn_partition *part, u64 e);
bool tarn_share_is_alone(struct tarn_partition *part, u64 e);
void tarn_share_look(struct tarn_partition *part, struct tarn_leaf *leaf,
		     u64 first, const unsigned long *young, unsigned int shift,
		     bool decays);
unsigned int tarn_share_remove(struct tarn_partition *part,
			       struct tarn_leaf *leaf, u64 first, u64 end);
void tarn_share_reap(struct tarn_partition *store);
void tarn_share_reap_of(struct tarn_partition *part);
int tarn_share_break_all(struct tarn_partition *part);
void tarn_share_begin(struct tarn_partition *store);
void tarn_share_end(struct tarn_partition *store);
unsigned int tarn_share_turn_back(struct tarn_partition *part,
				  struct tarn_leaf *leaf, u64 first);

#endif
