// SPDX-License-Identifier: GPL-2.0-only
/* Finds the pool of a domain, and whether it has room for its minimum. */
#include <errno.h>
#include <limits.h>

#include "domain_pool.h"
#include "error.h"
#include "partition.h"
#include "size.h"

int domain_pool_get(struct pool *pool, const struct domain *dom,
		    const struct domain_settings *set)
{
	char path[PATH_MAX];

	if (!set->pool)
		return pool_get(pool, NULL);
	pool_dir(path, set->pool);
	return pool_get(pool, path);
}

int domain_pool_check(const struct pool *pool, const struct domain *dom,
		      const struct domain_settings *set)
{
	char wanted[SIZE_TEXT_MAX], kept[SIZE_TEXT_MAX], all[SIZE_TEXT_MAX];
	uint64_t min = set->min >> TARN_PAGE_SHIFT, sum = 0;
	struct partition_list list;
	size_t i;
	int ret;

	if (!min)
		return 0;
	ret = partition_list_read(&list, pool);
	if (ret)
		return ret;
	for (i = 0; i < list.count; i++)
		sum += list.items[i].info.min_frames;
	partition_list_free(&list);
	if (sum + min <= pool->info.frames)
		return 0;
	domain_err(dom, dom->settings,
		   "the pool %s cannot keep %s for the domain: of its %s, other minimums take %s; lower <min> or make the pool larger",
		   pool->mount, size_format_pages(wanted, min, false),
		   size_format_pages(all, pool->info.frames, false),
		   size_format_pages(kept, sum, false));
	return -ENOSPC;
}
