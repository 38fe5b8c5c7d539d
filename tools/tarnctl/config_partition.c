// SPDX-License-Identifier: GPL-2.0-only
/* See config_partition.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_partition.h"
#include "config_wish.h"
#include "error.h"
#include "option.h"
#include "partition_set.h"

/* For writing, which the list does not have them open for. */
static int open_partition(int dirfd, const struct partition *part)
{
	int fd = partition_reopen(dirfd, part), rw;
	char self[32];

	if (fd < 0)
		return fd;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	rw = open(self, O_RDWR | O_CLOEXEC);
	if (rw < 0)
		rw = -errno;
	close(fd);
	return rw;
}

static int set(const struct config_wish *wish, int dirfd,
	       const struct partition *part, bool dry)
{
	struct options opts = {
		.dry_run = dry,
		.home = wish->home,
		.dispatch = wish->dispatch,
		.domain = wish->domain,
	};
	char *name = partition_name(part);
	int fd, ret;

	if (!name)
		return err_nomem();
	fd = open_partition(dirfd, part);
	if (fd < 0) {
		/* It ended meanwhile, or is another one by now. */
		ret = fd == -ENOENT || fd == -ELOOP ? 0 :
		      partition_fail(name, fd, "open");
	} else {
		ret = partition_set_words(fd, name, wish->count,
					  (char **)wish->words, &opts);
		ret = ret > 0 ? -EINVAL : ret ? ret : 1;
		close(fd);
	}
	free(name);
	return ret;
}

int config_partition_apply(const struct config *config, const struct pool *pool,
			   int dirfd, const struct partition *part, bool dry)
{
	struct config_wish wish;
	int ret;

	if (!part->path)
		return 0;
	ret = config_wish(&wish, config, part->path, part->uid);
	if (ret > 0)
		ret = wish.count || wish.home || wish.dispatch || wish.domain ?
			      set(&wish, dirfd, part, dry) : 0;
	config_wish_free(&wish);
	return ret;
}

int config_partitions_apply(const struct config *config,
			    const struct pool *pool, bool dry)
{
	struct partition_list list;
	int dirfd, one, ret;
	size_t i;

	if (!config_find(config, CONFIG_PARTITION))
		return 0;
	ret = partition_list_read(&list, pool);
	if (ret)
		return ret;
	dirfd = pool_open(pool);
	if (dirfd < 0)
		ret = dirfd;
	for (i = 0; dirfd >= 0 && i < list.count; i++) {
		one = config_partition_apply(config, pool, dirfd,
					     &list.items[i], dry);
		ret = one < 0 ? one : ret;
	}
	if (dirfd >= 0)
		close(dirfd);
	partition_list_free(&list);
	return ret;
}
