// SPDX-License-Identifier: GPL-2.0-only
/* See claim.h. */
#include "page/claim.h"
#include "page/reserve.h"
#include "pool/partition.h"

/**
 * tarn_page_claim() - take an empty page in hand that is to hold something without a frame
 * @part: partition; the caller has its inode
 * @index: page
 * @entry: its entry, marked FILL then, and of no mapping
 *
 * As for one that gets a frame: who cuts the file changes its size first, and then waits for
 * the mark, with a full barrier in between that pairs with the exchange here. Who pins the
 * page does that first, too, and then brings it.
 *
 * Context: process; does not wait.
 * Return: 0; -EEXIST it is not empty; -EACCES nor can it be, as it is locked; -EBUSY it has to
 * have a frame, or is in somebody's hand; -ENXIO it lies behind the end of the file.
 */
int tarn_page_claim(struct tarn_partition *part, u64 index, atomic64_t *entry)
{
	u64 e = atomic64_read(entry);
	int ret = 0;

	do {
		if (!tarn_entry_is_empty(e))
			return tarn_entry_is_locked(e) ? -EACCES : -EEXIST;
		if (tarn_entry_mark(e))
			return -EBUSY;
	} while (!tarn_entry_change(part, index, entry, &e,
				    tarn_entry_with_mark(e, TARN_MARK_FILL)));
	if (index >= atomic64_read(&part->pages))
		ret = -ENXIO;
	else if (tarn_page_needs_frame(part, index))
		ret = -EBUSY;
	if (ret)
		tarn_page_unclaim(part, index, entry);
	else if (e & TARN_ENTRY_MAPPED)
		tarn_partition_unmap(part, index, 1);
	return ret;
}

/* It stays as it was, if not even to be read it is mapped any more. */
void tarn_page_unclaim(struct tarn_partition *part, u64 index, atomic64_t *entry)
{
	tarn_entry_settle(part, index, entry,
			  tarn_entry_with_mark(atomic64_read(entry), TARN_MARK_NONE));
}
