/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page-outs of a pool as a whole: how many are under way, how they go, and whether
 * the pager has room for more.
 */
#ifndef TARN_STORES_H
#define TARN_STORES_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/wait.h>

struct tarn_pool;

/**
 * struct tarn_stores - of a pool
 * @under_way: were sent and are not committed
 * @limit: most of them
 * @ended: when the last of them ended, in jiffies
 * @failures: how many failed since one went well, as far as that is counted
 * @again: jiffies before which reclaim sends none, if many did
 * @room: copies that the pager dropped since it is full: so many pages it can
 *	take all the same
 * @wait: woken when @under_way sinks
 */
struct tarn_stores {
	atomic_t under_way;
	unsigned int limit;
	unsigned long ended;
	unsigned int failures;
	unsigned long again;
	atomic_t room;
	wait_queue_head_t wait;
};

/* May more page-outs be sent? Some too many are no harm. */
static inline bool tarn_stores_allowed(const struct tarn_stores *s)
{
	return atomic_read(&s->under_way) < READ_ONCE(s->limit);
}

void tarn_stores_init(struct tarn_stores *s);
void tarn_stores_begin(struct tarn_stores *s, unsigned int n);
void tarn_stores_end(struct tarn_stores *s, unsigned int n);
void tarn_stores_failed(struct tarn_stores *s);
void tarn_stores_went_well(struct tarn_stores *s);
void tarn_stores_try(struct tarn_stores *s);
bool tarn_stores_hang(const struct tarn_stores *s);
bool tarn_stores_fail(const struct tarn_stores *s);

bool tarn_pool_is_scarce(struct tarn_pool *pool);
bool tarn_pool_has_room(struct tarn_pool *pool);
bool tarn_pool_take_room(struct tarn_pool *pool);
void tarn_pool_room_made(struct tarn_pool *pool, unsigned int n);
void tarn_pool_set_full(struct tarn_pool *pool, bool full);

#endif
