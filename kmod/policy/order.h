/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In which order the pages of a partition come home (S06): one of several heuristics, by
 * the pool's setting. Who moves them is place.c; here is only what comes first.
 */
#ifndef TARN_ORDER_H
#define TARN_ORDER_H

#include <linux/tarn.h>
#include <linux/types.h>

struct tarn_pool;

/* How much a page is used (pool/use.h), as orders have it: in bands of 16. */
#define TARN_BAND	16
#define TARN_BANDS	8

/**
 * enum tarn_share - what of a block goes in a step
 * @TARN_SHARE_NONE: nothing
 * @TARN_SHARE_PAGES: those that the order's ->page() says
 * @TARN_SHARE_ALL: all that are not at home
 */
enum tarn_share {
	TARN_SHARE_NONE,
	TARN_SHARE_PAGES,
	TARN_SHARE_ALL,
};

/**
 * struct tarn_order - a heuristic
 * @steps: a way through a partition goes through all of it so many times
 * @rounds: rounds of the scanner after which other pages may come first, so that a way
 *	that has moved some begins anew
 * @block: NULL, for TARN_SHARE_PAGES; or what goes of a block of TARN_LEAF_PAGES, of which
 *	@astray pages of each band of use are not at home
 * @page: whether a resident page with entry @e that is not at home goes in a step
 *
 * Each page goes in the last step at the latest. Context: any.
 */
struct tarn_order {
	unsigned int steps;
	unsigned int rounds;
	enum tarn_share (*block)(unsigned int step, const u16 *astray);
	bool (*page)(struct tarn_pool *pool, unsigned int step, u64 e);
};

const struct tarn_order *tarn_order_of(struct tarn_pool *pool);

#endif
