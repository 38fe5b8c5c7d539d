// SPDX-License-Identifier: GPL-2.0-only
/* See hint.h. */
#include <linux/mm.h>

#include "kvm/hint.h"
#include "page/truncate.h"
#include "policy/age.h"
#include "policy/search.h"
#include "pool/partition.h"

/**
 * tarn_hint_apply() - act on a hint
 * @part: partition
 * @hint: what is said
 * @first: first page, in the partition
 * @count: pages, 1 to TARN_HINT_MAX_PAGES
 *
 * Context: process; does not wait for I/O.
 * Return: pages that were dealt with: those that are pinned are not.
 */
long tarn_hint_apply(struct tarn_partition *part, enum tarn_hint hint,
		     u64 first, u64 count)
{
	u64 end = min_t(u64, first + count, atomic64_read(&part->pages));
	long done = 0;
	u64 i;

	down_read(&part->pin);
	if (!part->inode || first >= end)
		goto out;
	if (hint == TARN_HINT_UNUSED) {
		done = tarn_partition_discard(part, first, end);
		goto out;
	}
	for (i = first; i < end; i++)
		tarn_age_advise(part, i,
				hint == TARN_HINT_HOT ? TARN_USE_MAX : 0);
	if (hint == TARN_HINT_COLD)
		tarn_search_pages(part, first, end);
	done = end - first;
out:
	up_read(&part->pin);
	return done;
}
