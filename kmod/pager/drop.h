/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cookies of stored copies that nothing of the module names any more.
 */
#ifndef TARN_DROP_H
#define TARN_DROP_H

#include <linux/list.h>
#include <linux/types.h>

struct drop_batch;
struct tarn_pager;
struct tarn_pager_start;
struct tarn_pool;

int tarn_cookie_begin(void);
void tarn_cookie_end(int section);
void tarn_cookie_synchronize(void);
#ifdef CONFIG_DEBUG_LOCK_ALLOC
void tarn_cookie_assert(void);
#else
static inline void tarn_cookie_assert(void) { }
#endif
void tarn_cookie_drop(struct tarn_pool *pool, u64 cookie);
void tarn_cookie_drop_into(struct tarn_pool *pool, u64 cookie,
			   struct drop_batch *fresh);
void tarn_copy_drop(struct tarn_pool *pool, u64 copy);
struct drop_batch *tarn_drop_room(void);

unsigned int tarn_drop_next(struct tarn_pager *pager, u64 *cookie);
void tarn_drops_forget(struct tarn_pager *pager);
long tarn_drops_take(struct tarn_pager *pager, u32 room,
		     struct list_head *drops);
long tarn_drops_copy(const struct list_head *drops,
		     struct tarn_pager_start *s);
void tarn_drops_lose(struct tarn_pager *pager);
void tarn_drops_free(struct list_head *drops);

#endif
