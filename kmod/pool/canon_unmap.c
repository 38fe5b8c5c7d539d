// SPDX-License-Identifier: GPL-2.0-only
/* Taking what pages share out of the page tables of all of them, see canon.h. */
#include <linux/mm.h>
#include <linux/sched.h>

#include "pool/canon.h"
#include "pool/partition.h"
#include "pool/pool.h"

static void unmap_page(struct tarn_partition *part, u64 index, u64 shared)
{
	atomic64_t *entry = tarn_partition_entry(part, index);
	u64 e = entry ? atomic64_read(entry) : 0;

	if (!tarn_entry_is_shared(e) || !(e & TARN_ENTRY_MAPPED) ||
	    tarn_entry_payload(e) != tarn_entry_payload(shared))
		return;
	/* Only the end of the inode holds it for writing: then there are no mappings. */
	if (!down_read_trylock(&part->pin))
		return;
	if (part->inode)
		tarn_partition_unmap(part, index, 1);
	up_read(&part->pin);
	/*
	 * Whoever marked it meanwhile may think that there is one: no harm. With the canon locked
	 * nobody maps it anew, and where it is of another one by now the flag is not this one's.
	 */
	while (!tarn_entry_mark(e) && tarn_entry_is_shared(e) &&
	       tarn_entry_payload(e) == tarn_entry_payload(shared) &&
	       !tarn_entry_change(part, index, entry, &e,
				  e & ~TARN_ENTRY_MAPPED))
		;
}

/**
 * tarn_canon_unmap() - take a canon out of all page tables
 * @store: its store
 * @canon: which one, with its page locked
 *
 * A few sharers at a time, and no lock is held while their mappings go but that of the page.
 *
 * Context: process.
 */
void tarn_canon_unmap(struct tarn_partition *store, u64 canon)
{
	u64 owners[TARN_SHARERS_STEP];
	u32 at = U32_MAX;
	unsigned int n;

	while ((n = tarn_canon_sharers_before(store, canon, &at, owners))) {
		while (n--) {
			struct tarn_partition *part =
				tarn_partition_find(store->pool,
						    tarn_owner_id(owners[n]));

			if (!part)
				continue;
			unmap_page(part, tarn_owner_index(owners[n]),
				   tarn_canon_entry(store, canon));
			tarn_partition_put(part);
		}
		cond_resched();
	}
}
