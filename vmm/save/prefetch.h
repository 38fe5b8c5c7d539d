/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages of a restored guest that are in the file still, and come into memory before the
 * guest touches them: those that it uses most before it runs, the others behind its back.
 * Only frames that nobody needs are taken for that. When all have come the file is let go
 * of. What was paged when the guest was saved is none of it.
 */
#ifndef TARN_SAVE_PREFETCH_H
#define TARN_SAVE_PREFETCH_H

#include "mem.h"

struct prefetch;

/**
 * prefetch_create() - with its thread, which does nothing yet.
 *
 * It takes no lock but its own. It confines itself as SANDBOX_TRANSFER.
 *
 * Return: it, or NULL, reported.
 */
struct prefetch *prefetch_create(const struct tarn_mem *mem);

/** prefetch_destroy() - end the thread. NULL is none. */
void prefetch_destroy(struct prefetch *p);

/**
 * prefetch_add() - a page is in the file. Before prefetch_begin().
 * @heat: enum tarn_activity
 */
void prefetch_add(struct prefetch *p, const struct mem_range *range, u64 off,
		  u8 heat);

/** prefetch_leave() - a page is in the file, and stays there until the guest touches it. */
void prefetch_leave(struct prefetch *p);

/**
 * prefetch_hot() - bring those that are hot or warm, for a second. Before prefetch_begin().
 * @cancel: NULL, or looked at meanwhile
 */
void prefetch_hot(struct prefetch *p, const bool *cancel);

/**
 * prefetch_wanted() - which pages are still to be brought.
 * @p: NULL: none is
 * @heat: becomes enum tarn_activity of each, 0: it is none of them
 */
void prefetch_wanted(struct prefetch *p, const struct mem_range *range, u64 off,
		     u32 count, u8 *heat);

/** prefetch_begin() - have the thread bring all others. */
void prefetch_begin(struct prefetch *p);

/** prefetch_stop() - bring no more, soon. */
void prefetch_stop(struct prefetch *p);

#endif
