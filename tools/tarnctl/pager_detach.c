// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pager detach: takes a pool from a pager that hangs. */
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/tarn.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "pool.h"

static int take_away(const struct pool *pool)
{
	struct tarn_pool_detach d = { .size = sizeof(d) };
	int fd, ret;

	fd = pool_open(pool);
	if (fd < 0)
		return fd;
	ret = ioctl(fd, TARN_POOL_DETACH, &d) ? -errno : 0;
	close(fd);
	if (ret == -ENOTCONN)
		err("%s has no pager", pool->mount);
	else if (ret)
		pool_fail(pool, ret, "detach the pager of");
	return ret;
}

static int say(const struct pool *pool)
{
	if (!(pool->info.flags & TARN_POOL_SERVED)) {
		err("%s has no pager", pool->mount);
		return -ENOTCONN;
	}
	printf("%s would be taken from its pager, and %llu page-ins under way would wait for the next one\n",
	       pool->mount, pool->info.faults_pending);
	return 0;
}

int pager_detach_main(int argc, char **argv, const struct options *opts)
{
	struct pool pool;
	int ret;

	if (!opts->force) {
		err("tarnctl pager detach: this is for a pager that cannot even be killed, and wants --force; another one is better ended");
		return EXIT_USAGE;
	}
	ret = pool_get(&pool, argv[0]);
	if (ret)
		return ret;
	if (opts->dry_run) {
		ret = say(&pool);
		goto out_put;
	}
	ret = take_away(&pool);
	if (!ret)
		printf("%s has no pager any more; until the old one's process is gone, give the next one other devices\n",
		       pool.mount);
out_put:
	pool_put(&pool);
	return ret;
}
