// SPDX-License-Identifier: GPL-2.0-only
/* See kept.h. */
#include <stdlib.h>
#include <string.h>

#include "kept.h"

/* Each second processor of all, with five digits and a comma. */
#define LIST_MAX (CPUS_MAX / 2 * 6)

/* "TID START BASE GIVEN". */
static bool parse_line(char *line, struct kept *k)
{
	char *field[4], *end;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		field[i] = strsep(&line, "\n ");
		if (!field[i] || !*field[i])
			return false;
	}
	k->tid = strtol(field[0], &end, 10);
	if (*end || k->tid <= 0)
		return false;
	k->start = strtoull(field[1], &end, 10);
	return !*end && !cpus_parse(field[2], &k->base) &&
	       !cpus_parse(field[3], &k->given);
}

void kept_read(struct kept_list *list, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	struct kept k;

	while (getline(&line, &size, f) > 0) {
		struct kept *items;

		if (!parse_line(line, &k))
			continue;
		items = reallocarray(list->items, list->count + 1,
				     sizeof(*items));
		if (!items)
			break;
		list->items = items;
		items[list->count++] = k;
	}
	free(line);
}

void kept_free(struct kept_list *list)
{
	free(list->items);
	*list = (struct kept_list){ 0 };
}

void kept_write(FILE *f, const struct affinity *a, uint64_t start)
{
	char *text = malloc(LIST_MAX);

	if (!text)
		return;
	fprintf(f, "%d %llu ", a->tid, (unsigned long long)start);
	cpus_format(&a->base, text, LIST_MAX);
	fprintf(f, "%s ", text);
	cpus_format(&a->given, text, LIST_MAX);
	fprintf(f, "%s\n", text);
	free(text);
}

bool kept_restore(const struct kept_list *list, struct affinity *a,
		  uint64_t start)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		const struct kept *k = &list->items[i];

		if (k->tid != a->tid || k->start != start)
			continue;
		if (!cpus_equal(&k->given, &a->given))
			return false;
		a->base = k->base;
		return true;
	}
	return false;
}
