/* SPDX-License-Identifier: GPL-2.0-only */
/* What searches for patterns (search.c) and for equal pages (match.c) look at. */
#ifndef TARN_COLD_H
#define TARN_COLD_H

#include "pool/frame.h"
#include "pool/partition.h"
#include "pool/pins.h"
#include "pool/use.h"

static inline bool tarn_cold(u64 e)
{
	return !(e & TARN_ENTRY_NEW) &&
	       (tarn_entry_hint(e) & TARN_USE_MASK) < TARN_USE_COOL;
}

/* May a page be taken in hand, by its entry? Who holds one would only see it unmapped. */
static inline bool tarn_cold_may_take(struct tarn_partition *part, u64 e,
				      bool even_used)
{
	return tarn_entry_has_frame(e) && !tarn_entry_mark(e) &&
	       !tarn_entry_pinned(e) && (even_used || tarn_cold(e)) &&
	       !tarn_frame_peek_held(part->pool, tarn_entry_payload(e));
}

#endif
