// SPDX-License-Identifier: GPL-2.0-only
/* See id_set.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "id_set.h"

#define HEAD "ids\n"

/* Where @id is, or would be. */
static size_t find(const struct id_set *set, __u32 id)
{
	size_t from = 0, to = set->count;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (set->ids[mid] < id)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

bool id_set_has(const struct id_set *set, __u32 id)
{
	size_t at = find(set, id);

	return at < set->count && set->ids[at] == id;
}

int id_set_add(struct id_set *set, __u32 id)
{
	size_t at = find(set, id);
	__u32 *ids;

	if (at < set->count && set->ids[at] == id)
		return 0;
	ids = reallocarray(set->ids, set->count + 1, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	set->ids = ids;
	memmove(ids + at + 1, ids + at, (set->count - at) * sizeof(*ids));
	ids[at] = id;
	set->count++;
	return 0;
}

void id_set_remove(struct id_set *set, __u32 id)
{
	size_t at = find(set, id);

	if (at == set->count || set->ids[at] != id)
		return;
	set->count--;
	memmove(set->ids + at, set->ids + at + 1,
		(set->count - at) * sizeof(*set->ids));
}

int id_set_read(struct id_set *set, const char *path, __u32 *highest)
{
	FILE *f = fopen(path, "re");
	char line[24];
	int ret = 0;

	*highest = 0;
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	if (fgets(line, sizeof(line), f) && strcmp(line, HEAD))
		*highest = strtoul(line, NULL, 10);
	while (!ret && fgets(line, sizeof(line), f))
		ret = id_set_add(set, strtoul(line, NULL, 10));
	fclose(f);
	return ret;
}

int id_set_write(const struct id_set *set, const char *path)
{
	char new[PATH_MAX + 8];
	size_t i;
	FILE *f;

	snprintf(new, sizeof(new), "%s.new", path);
	f = fopen(new, "we");
	if (!f)
		return -errno;
	fputs(HEAD, f);
	for (i = 0; i < set->count; i++)
		fprintf(f, "%u\n", set->ids[i]);
	if (fclose(f) || rename(new, path)) {
		int ret = -errno;

		unlink(new);
		return ret;
	}
	return 0;
}

void id_set_free(struct id_set *set)
{
	free(set->ids);
	memset(set, 0, sizeof(*set));
}
