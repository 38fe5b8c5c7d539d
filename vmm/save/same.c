// SPDX-License-Identifier: GPL-2.0-only
/* Lists of equal pages; see same.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/tarn.h>

#include "save/same.h"

#define PAGE (1ULL << TARN_PAGE_SHIFT)

static bool goes_on(const struct same_run *run, u64 gpa, u64 source)
{
	return run->gpa + run->count * PAGE == gpa &&
	       run->source + run->count * PAGE == source;
}

static int grow(struct same_list *list)
{
	size_t room = list->room ? 2 * list->room : 64;
	struct same_run *run = reallocarray(list->run, room, sizeof(*run));

	if (!run)
		return -ENOMEM;
	list->run = run;
	list->room = room;
	return 0;
}

int same_add(struct same_list *list, u64 gpa, u64 source, u64 count)
{
	struct same_run *last = list->nr ? &list->run[list->nr - 1] : NULL;
	int ret;

	list->pages += count;
	if (last && goes_on(last, gpa, source)) {
		last->count += count;
		return 0;
	}
	ret = list->nr < list->room ? 0 : grow(list);
	if (!ret)
		list->run[list->nr++] = (struct same_run){gpa, source, count};
	return ret;
}

void same_free(struct same_list *list)
{
	free(list->run);
	memset(list, 0, sizeof(*list));
}

size_t same_find(const struct same_list *list, u64 gpa)
{
	size_t low = 0, high = list->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct same_run *run = &list->run[mid];

		if (run->gpa + run->count * PAGE > gpa)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}
