// SPDX-License-Identifier: GPL-2.0-only
/* See lost.h. */
#include "lost.h"

#include <errno.h>

static bool is_in(u64 slot, u64 first, u64 count)
{
	return slot - first < count;
}

/* Returns 0, or -ENOSPC where there are too many. */
int lost_add(struct lost_slots *lost, unsigned int leg, u64 slot)
{
	unsigned int nr = lost_count(lost);

	if (nr == LOST_MAX)
		return -ENOSPC;
	lost->leg = leg;
	lost->slots[nr] = slot;
	atomic_store(&lost->nr, nr + 1);
	return 0;
}

/* Strike off all of a run. Returns whether they were the last ones. */
bool lost_remove(struct lost_slots *lost, u64 first, u64 count)
{
	unsigned int nr = lost_count(lost), i, left = 0;

	if (!nr)
		return false;
	for (i = 0; i < nr; i++)
		if (!is_in(lost->slots[i], first, count))
			lost->slots[left++] = lost->slots[i];
	atomic_store(&lost->nr, left);
	return !left;
}

bool lost_has(const struct lost_slots *lost, u64 first, u64 count)
{
	unsigned int nr = lost_count(lost), i;

	for (i = 0; i < nr; i++)
		if (is_in(lost->slots[i], first, count))
			return true;
	return false;
}
