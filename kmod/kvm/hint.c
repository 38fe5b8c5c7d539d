// SPDX-License-Identifier: GPL-2.0-only
/* See hint.h. */
#include <linux/mm.h>

#include "kvm/hint.h"
#include "page/truncate.h"
#include "policy/age.h"
#include "policy/search.h"
#include "pool/partition.h"

/* Give up pages whose content is worth nothing, but for pinned ones. */
static long discard(struct tarn_partition *part, u64 first, u64 end)
{
	u64 i, from = first;
	long done = 0;

	lockdep_assert_held_read(&part->pin);
	for (i = first; i <= end; i++) {
		atomic64_t *entry = i < end ? tarn_partition_entry(part, i) :
					      NULL;

		if (i < end && !(entry && tarn_entry_pinned(atomic64_read(entry))))
			continue;
		if (from < i) {
			tarn_partition_unmap(part, from, i - from);
			tarn_partition_remove(part, from, i);
		}
		done += i - from;
		from = i + 1;
	}
	return done;
}

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
		done = discard(part, first, end);
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
