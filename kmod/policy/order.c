// SPDX-License-Identifier: GPL-2.0-only
/* See order.h. */
#include <linux/kernel.h>

#include "policy/order.h"
#include "pool/copy.h"
#include "pool/partition.h"
#include "pool/pool.h"
#include "pool/use.h"

/* ---- by class ----------------------------------------------------------- */

/*
 * The hottest first, in bands of use, of which a class has some: of the hot pages there may
 * be more than have room. What is used more by now than in its step goes at once.
 */
static bool class_page(struct tarn_pool *pool, unsigned int step, u64 e)
{
	return tarn_entry_use(e) / TARN_BAND >= TARN_BANDS - 1 - step;
}

/* ---- by class and density ----------------------------------------------- */

/*
 * Of each degree of use those blocks come first that have most of it: in the first step
 * blocks from three quarters on, and these as a whole, with what is colder in them. A block
 * of 2 MiB that lies on two nodes can be mapped by 4 KiB only, so a few cold pages that go
 * early cost less than a hot block that is torn. The last step takes what is scattered.
 */
#define QUARTERS	4
#define DEGREES		4

static unsigned int band_of_degree(unsigned int degree)
{
	return TARN_BANDS / DEGREES * (DEGREES - 1 - degree);
}

static unsigned int least_of_step(unsigned int step)
{
	return max(TARN_LEAF_PAGES / QUARTERS * (QUARTERS - 1 - step % QUARTERS),
		   1U);
}

static enum tarn_share density_block(unsigned int step, const u16 *astray)
{
	unsigned int n = 0, i;

	for (i = band_of_degree(step / QUARTERS); i < TARN_BANDS; i++)
		n += astray[i];
	if (n < least_of_step(step))
		return TARN_SHARE_NONE;
	return step % QUARTERS ? TARN_SHARE_PAGES : TARN_SHARE_ALL;
}

static bool density_page(struct tarn_pool *pool, unsigned int step, u64 e)
{
	return tarn_entry_use(e) / TARN_BAND >= band_of_degree(step / QUARTERS);
}

/* ---- by refault history ------------------------------------------------- */

/*
 * A page that was paged in was wanted, which is known at once: accessed bits take some
 * looks to tell, and tell nothing of a guest whose VM is not attached. Two things show it.
 * The frame still names the pager's copy, valid or outdated: the page came back some time. (A
 * copy in a file says nothing: all of a guest that was restored has one.)
 * The entry is NEW: that was after the last look. How long ago it was otherwise is what is
 * left of its use, which began anew when it came back.
 */
static const struct {
	bool back;
	bool fresh;
	unsigned int use;
} refault_steps[] = {
	{ true, true, 0 },
	{ true, false, TARN_USE_HOT },
	{ true, false, TARN_USE_WARM },
	{ true, false, TARN_USE_COOL },
	{ false, false, 5 * TARN_BAND },
	{ false, false, TARN_USE_HOT },
	{ false, false, 3 * TARN_BAND },
	{ false, false, TARN_USE_WARM },
	{ false, false, TARN_USE_COOL },
	{ false, false, 0 },
};

static bool came_back(struct tarn_pool *pool, u64 e)
{
	return tarn_copy_where(tarn_frame_peek_copy(pool, tarn_entry_payload(e))) ==
	       TARN_COPY_WITH_PAGER;
}

static bool refault_page(struct tarn_pool *pool, unsigned int step, u64 e)
{
	return tarn_entry_use(e) >= refault_steps[step].use &&
	       (!refault_steps[step].fresh || e & TARN_ENTRY_NEW) &&
	       (!refault_steps[step].back || came_back(pool, e));
}

/* ---- choice ------------------------------------------------------------- */

static const struct tarn_order orders[] = {
	[TARN_PLACE_CLASS] = {
		.steps = TARN_BANDS,
		.rounds = 8,
		.page = class_page,
	},
	[TARN_PLACE_DENSITY] = {
		.steps = DEGREES * QUARTERS,
		.rounds = 8,
		.block = density_block,
		.page = density_page,
	},
	[TARN_PLACE_REFAULT] = {
		.steps = ARRAY_SIZE(refault_steps),
		.rounds = 1,
		.page = refault_page,
	},
};

static_assert(ARRAY_SIZE(orders) == TARN_PLACEMENTS);

/* That of a pool as it is set now. */
const struct tarn_order *tarn_order_of(struct tarn_pool *pool)
{
	return &orders[READ_ONCE(pool->placement)];
}
