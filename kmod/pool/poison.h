/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames with a memory error. The kernel marks their page (PG_hwpoison) when the
 * hardware reports one, at any moment and under no lock of the module's, and
 * leaves it where it is, as it is on no LRU list. From then on nobody reads it.
 *
 * A clean page is given up, as its pager has it (tarn_evict_poisoned()), and keeps
 * its copy until then. Any other stays and gives SIGBUS, or EIO, to whoever touches
 * it, until it is truncated. Then its frame is retired: it belongs to nobody and is
 * never free again.
 */
#ifndef TARN_POISON_H
#define TARN_POISON_H

#include <linux/page-flags.h>
#include <linux/types.h>

struct page;
struct tarn_partition;
struct tarn_pool;

static inline bool tarn_poisoned(struct page *page)
{
	return unlikely(PageHWPoison(page));
}

void tarn_poison_page(struct tarn_partition *part, u64 index, u64 frame);
void tarn_poison_frame(struct tarn_pool *pool, u64 frame);
bool tarn_poison_found(struct page *page);
bool tarn_poison_copy(struct page *to, struct page *from);
const void *tarn_poison_look_at(struct page *page, size_t at, size_t bytes);
void tarn_poison_looked(const void *seen);
bool tarn_poison_sum(struct page *page, u32 *sum);
bool tarn_poison_equal(struct page *a, struct page *b);

/* What it begins with. */
static inline const void *tarn_poison_look(struct page *page, size_t bytes)
{
	return tarn_poison_look_at(page, 0, bytes);
}

int tarn_poison_init(void);
void tarn_poison_exit(void);

#endif
