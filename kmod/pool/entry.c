// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state machine of a logical page, written down once. Every change of an
 * entry passes tarn_entry_change(), which traces it and, in a kernel built
 * with DEBUG_VM, checks it against the table.
 */
#include <linux/kernel.h>
#include <linux/mmdebug.h>

#include "pool/entry.h"
#include "pool/partition.h"
#include "trace.h"

#define TO(state, mark)	BIT_ULL(TARN_PAGE_##state * TARN_MARK_COUNT + TARN_MARK_##mark)

/*
 * legal[state][mark] is the set of (state, mark) that may follow. A state that
 * nothing leads to yet has no row; a change of hint or flag alone is not a
 * transition.
 */
static const u64 legal[TARN_ENTRY_STATE + 1][TARN_MARK_COUNT] = {
	[TARN_PAGE_EMPTY] = {
		[TARN_MARK_NONE] = TO(EMPTY, FILL) | TO(BALLOON, NONE) |
				   TO(LOCKED, NONE),
		[TARN_MARK_FILL] = TO(EMPTY, NONE) | TO(RESIDENT, NONE) |
				   TO(BALLOON, NONE) | TO(PATTERN, NONE) |
				   TO(SHARED, NONE) | TO(PAGED, NONE),
	},
	[TARN_PAGE_RESIDENT] = {
		[TARN_MARK_NONE] = TO(RESIDENT, OUT) | TO(RESIDENT, MOVE) |
				   TO(EMPTY, NONE),
		[TARN_MARK_OUT] = TO(RESIDENT, NONE) | TO(RESIDENT, RESCUED) |
				  TO(PAGED, NONE) | TO(EMPTY, NONE) |
				  TO(PATTERN, NONE) | TO(SHARED, NONE),
		[TARN_MARK_RESCUED] = TO(RESIDENT, NONE) | TO(EMPTY, NONE),
		[TARN_MARK_MOVE] = TO(RESIDENT, NONE),
	},
	[TARN_PAGE_PATTERN] = {
		[TARN_MARK_NONE] = TO(PATTERN, FILL) | TO(EMPTY, NONE),
		[TARN_MARK_FILL] = TO(PATTERN, NONE) | TO(RESIDENT, NONE) |
				   TO(EMPTY, NONE),
	},
	[TARN_PAGE_SHARED] = {
		[TARN_MARK_NONE] = TO(SHARED, FILL),
		[TARN_MARK_FILL] = TO(SHARED, NONE) | TO(RESIDENT, NONE) |
				   TO(EMPTY, NONE),
	},
	[TARN_PAGE_PAGED] = {
		[TARN_MARK_NONE] = TO(PAGED, IN) | TO(EMPTY, NONE),
		[TARN_MARK_IN] = TO(RESIDENT, NONE) | TO(PAGED, NONE) |
				 TO(EMPTY, NONE) | TO(PATTERN, FILL),
	},
	[TARN_PAGE_BALLOON] = {
		[TARN_MARK_NONE] = TO(BALLOON, FILL) | TO(EMPTY, NONE),
		[TARN_MARK_FILL] = TO(BALLOON, NONE) | TO(RESIDENT, NONE),
	},
	[TARN_PAGE_LOCKED] = {
		[TARN_MARK_NONE] = TO(EMPTY, NONE),
	},
};

static bool transition_legal(u64 old, u64 new)
{
	unsigned int bit = tarn_entry_state(new) * TARN_MARK_COUNT +
			   tarn_entry_mark(new);

	if (tarn_entry_state(old) == tarn_entry_state(new) &&
	    tarn_entry_mark(old) == tarn_entry_mark(new))
		return true;
	return legal[tarn_entry_state(old)][tarn_entry_mark(old)] & BIT_ULL(bit);
}

/**
 * tarn_entry_change() - change an entry if nobody else did
 * @part: partition of the page
 * @index: page, for the trace
 * @entry: the entry
 * @old: what it is thought to be; updated when that is wrong
 * @new: what it shall be
 *
 * Context: any. A full barrier when it succeeds.
 * Return: true if the entry was *@old and is @new now.
 */
bool tarn_entry_change(struct tarn_partition *part, u64 index,
		       atomic64_t *entry, u64 *old, u64 new)
{
	VM_WARN_ONCE(!transition_legal(*old, new), "tarn: %llx -> %llx\n",
		     *old, new);
	if (!atomic64_try_cmpxchg(entry, (s64 *)old, new))
		return false;
	trace_tarn_page_state(part->id, index, *old, new);
	return true;
}

/* End the mark of an entry that is in the caller's hand, so that nobody else changes it. */
void tarn_entry_settle(struct tarn_partition *part, u64 index,
		       atomic64_t *entry, u64 to)
{
	u64 e = atomic64_read(entry);

	WARN_ON_ONCE(!tarn_entry_change(part, index, entry, &e, to));
	tarn_entry_wake(entry);
}
