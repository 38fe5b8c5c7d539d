// SPDX-License-Identifier: GPL-2.0-only
/* See domain_share.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain_share.h"
#include "error.h"
#include "partition.h"
#include "sharing.h"

/**
 * struct shared - the sharing of a partition
 * @name: its domain before, "" for none
 * @changed: it is in another one now
 */
struct shared {
	char name[TARN_DOMAIN_NAME];
	bool changed;
};

static int share_one(const struct domain *dom, const char *name,
		     const struct process_part *part, struct shared *before)
{
	bool leaves;
	int ret = sharing_read(part->fd, before->name, &leaves);

	/* In a module without domains it is in none. */
	if (ret == -ENOTTY && !*name)
		return 0;
	if (ret == -ENOTTY) {
		domain_err(dom, dom->settings,
			   "%s: the loaded module shares no pages, load the one that came with this tarnctl, or remove <sharing>",
			   part->file.path);
		return ret;
	}
	if (ret)
		return partition_fail(part->file.path, ret, "read the domain of");
	if (!leaves && !strcmp(name, before->name))
		return 0;
	ret = sharing_set(part->fd, part->file.path, name);
	before->changed = !ret;
	return ret;
}

static void restore_shared(const struct process_parts *parts,
			   const struct shared *before, size_t count)
{
	while (count--) {
		if (before[count].changed)
			sharing_set(parts->items[count].fd,
				    parts->items[count].file.path,
				    before[count].name);
	}
}

int domain_share(const struct domain *dom, const struct domain_settings *set,
		 const struct process_parts *parts)
{
	struct shared *before = calloc(parts->count, sizeof(*before));
	char name[TARN_DOMAIN_NAME] = "";
	int ret = 0;
	size_t i;

	if (!before)
		return err_nomem();
	/* Its length was looked at when it was read. */
	if (set->sharing && strcmp(set->sharing, SHARING_NONE))
		memcpy(name, set->sharing, strnlen(set->sharing, sizeof(name) - 1));
	for (i = 0; i < parts->count && !ret; i++)
		ret = share_one(dom, name, &parts->items[i], &before[i]);
	if (ret)
		restore_shared(parts, before, i);
	free(before);
	return ret;
}
