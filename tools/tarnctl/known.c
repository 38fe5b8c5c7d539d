// SPDX-License-Identifier: GPL-2.0-only
/* See known.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "known.h"

/* Put what is known from before and not in @fresh any more behind it. */
static int keep_old(struct partition_list *fresh, struct partition_list *old)
{
	struct partition *items;
	size_t i;

	items = reallocarray(fresh->items, fresh->count + old->count + 1,
			     sizeof(*items));
	if (!items)
		return -ENOMEM;
	fresh->items = items;
	for (i = 0; i < old->count; i++) {
		if (partition_list_find(fresh, old->items[i].info.id))
			continue;
		items[fresh->count++] = old->items[i];
		old->items[i].path = NULL;
		old->items[i].name = NULL;
		old->items[i].guest = NULL;
	}
	return 0;
}

void known_learn(struct partition_list *known, const struct pool *pool)
{
	struct partition_list fresh;

	if (partition_list_read(&fresh, pool))
		return;
	guests_name_list(pool, &fresh);
	if (keep_old(&fresh, known)) {
		partition_list_free(&fresh);
		return;
	}
	partition_list_free(known);
	*known = fresh;
}

const struct partition *known_find(struct partition_list *known,
				   const struct pool *pool,
				   const struct tarn_event *event)
{
	const struct partition *part;

	if (event->partition == TARN_PARTITION_NONE)
		return NULL;
	part = partition_list_find(known, event->partition);
	if (!part && event->type != TARN_EVENT_PARTITION_DESTROYED) {
		known_learn(known, pool);
		part = partition_list_find(known, event->partition);
	}
	return part;
}

/* What cannot be copied stays as it was. */
static void replace(char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return;
	free(*to);
	*to = copy;
}

void known_name(struct partition_list *known, const struct partition *part)
{
	size_t i;

	for (i = 0; i < known->count && part->name && part->guest; i++) {
		if (known->items[i].info.id != part->info.id)
			continue;
		replace(&known->items[i].name, part->name);
		replace(&known->items[i].guest, part->guest);
		return;
	}
}

void known_forget(struct partition_list *known, __u32 id)
{
	size_t i;

	for (i = 0; i < known->count; i++) {
		if (known->items[i].info.id != id)
			continue;
		free(known->items[i].path);
		free(known->items[i].name);
		free(known->items[i].guest);
		known->items[i] = known->items[--known->count];
		return;
	}
}
