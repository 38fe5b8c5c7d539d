// SPDX-License-Identifier: GPL-2.0-only
/* See outdate.h. */
#include <linux/mm.h>

#include "page/outdate.h"
#include "pager/import.h"
#include "pool/copy.h"
#include "pool/partition.h"
#include "pool/pool.h"

/* Not one that is being stored, or was cut away: its copy is the request's. */
static bool is_its_owners(struct tarn_partition *part, const struct tarn_frame *f,
			  u64 frame)
{
	atomic64_t *entry;
	u64 e;

	if (tarn_owner_id(f->owner) != part->id)
		return false;
	entry = tarn_partition_entry(part, tarn_owner_index(f->owner));
	e = entry ? atomic64_read(entry) : 0;
	return tarn_entry_is_frame(e, frame) &&
	       tarn_entry_mark(e) != TARN_MARK_OUT &&
	       tarn_entry_mark(e) != TARN_MARK_RESCUED;
}

/* Of a whole chunk all pages are meant, as they have one dirty bit. */
static void forget(struct tarn_partition *part, u64 frame, struct page *page)
{
	struct tarn_pool *pool = part->pool;
	unsigned int i, count = 1;

	if (PageCompound(page)) {
		frame = ALIGN_DOWN(frame, TARN_CHUNK_FRAMES);
		count = TARN_CHUNK_FRAMES;
	}
	for (i = 0; i < count; i++) {
		struct tarn_frame *f = tarn_frame(pool, frame + i);
		u64 cookie = tarn_copy_cookie(f->copy);

		if (tarn_cookie_where(cookie) != TARN_COPY_IN_FILE ||
		    !is_its_owners(part, f, frame + i))
			continue;
		f->copy = TARN_COPY_NONE;
		tarn_import_drop(pool, cookie);
	}
}

/**
 * tarn_page_outdate() - a page is going to differ from its copy
 * @part: its partition
 * @frame: where it is, as its entry says by now
 * @page: of the frame, locked
 *
 * Context: process; does not wait. The caller has the inode, or the pin while there is one.
 */
void tarn_page_outdate(struct tarn_partition *part, u64 frame, struct page *page)
{
	VM_WARN_ON_ONCE(!PageLocked(compound_head(page)));
	tarn_frame_set_dirty(page);
	if (unlikely(tarn_import_any(part)))
		forget(part, frame, page);
}
