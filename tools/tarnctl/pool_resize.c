// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl pool resize: a remount with another size. The newer mount calls serve
 * here, as they leave the flags of the mount alone and hand over the reason
 * where the file system gives one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "config_edit.h"
#include "drain.h"
#include "dry_run.h"
#include "error.h"
#include "pool.h"
#include "pool_resize.h"
#include "pool_watch.h"
#include "size.h"
#include "tracker.h"

/*
 * "8G" and "30%" are sizes for mount(8), too; a bare number asks for doubt, unless it
 * is nothing on one of several nodes.
 */
static int check_size(const char *text, bool node)
{
	uint64_t val;
	size_t len = strlen(text);

	if (node && !strcmp(text, "0"))
		return 0;
	if (len && text[len - 1] == '%')
		return size_parse_pages(text, 100, &val);
	return size_parse_bytes(text, &val);
}

/* Copy a size as the mount option takes it: bytes, or a percentage. */
static int append_size(char *to, size_t room, const char *text, bool node)
{
	uint64_t bytes = 0;
	int len;

	if (check_size(text, node)) {
		err("'%s' is no size for a pool: give it a unit, as in 8G, 512M or 30%%",
		    text);
		return -EINVAL;
	}
	if (strchr(text, '%')) {
		len = snprintf(to, room, "%s", text);
	} else {
		size_parse_bytes(text, &bytes);
		len = snprintf(to, room, "%llu", (unsigned long long)bytes);
	}
	if ((size_t)len >= room) {
		err("there are too many sizes");
		return -E2BIG;
	}
	return len;
}

/* "256M:256M" becomes "268435456:268435456". */
static int make_value(char *value, size_t room, char *arg)
{
	bool nodes = strchr(arg, ':');
	size_t used = 0;
	char *text;

	/* An empty part is no size, and so reported as such. */
	while ((text = strsep(&arg, ":"))) {
		int len;

		if (used && used + 1 < room)
			value[used++] = ':';
		len = append_size(value + used, room - used, text, nodes);
		if (len < 0)
			return len;
		used += len;
	}
	return 0;
}

/* What the file system said about the last failure: "e tarn: pages are held". */
static void read_reason(int fsfd, char *buf, size_t size)
{
	static const char mark[] = "e tarn: ";
	ssize_t len = read(fsfd, buf, size - 1);

	buf[len > 0 ? len : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	if (!strncmp(buf, mark, strlen(mark)))
		memmove(buf, buf + strlen(mark), strlen(buf + strlen(mark)) + 1);
}

static int resize_fail(const struct pool *pool, int ret, const char *reason)
{
	if (*reason) {
		err("resize %s: %s; the size is as before", pool->mount,
		    reason);
		return ret;
	}
	switch (-ret) {
	case EBUSY:
		err("resize %s: what it holds does not fit and could not be paged out; the size is as before (see tarnctl pager show, tarnctl partition pins)",
		    pool->mount);
		return ret;
	case ENOSPC:
		err("resize %s: partitions have more than that as their minimum ('tarnctl partition set FILE min='); the size is as before",
		    pool->mount);
		return ret;
	case ENOMEM:
		err("resize %s: this machine has not so much memory free in pieces of 2 MiB; the size is as before. To have more: write 3 to /proc/sys/vm/drop_caches, then 1 to /proc/sys/vm/compact_memory",
		    pool->mount);
		return ret;
	}
	return pool_fail(pool, ret, "resize");
}

int pool_reconfigure(const struct pool *pool, const char *key,
		     const char *value)
{
	struct pool_watch watch;
	char reason[256] = "";
	int fd, ret = 0;

	fd = fspick(AT_FDCWD, pool->mount, FSPICK_CLOEXEC);
	if (fd < 0)
		return pool_fail(pool, -errno, "resize");
	pool_watch_begin(&watch, pool);
	if (fsconfig(fd, FSCONFIG_SET_STRING, key, value, 0) ||
	    fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0)) {
		ret = -errno;
		read_reason(fd, reason, sizeof(reason));
	}
	pool_watch_end(&watch);
	close(fd);
	return ret ? resize_fail(pool, ret, reason) : 0;
}

/* Of size= and nodes= a file has one. */
static int resize(const struct pool *pool, const char *key, const char *value,
		  const char *text, bool persistent)
{
	struct config_edit edit = { 0 };
	int ret = 0;

	if (persistent)
		ret = config_edit_pool(&edit, pool->mount);
	if (!ret && persistent)
		ret = config_edit_drop(&edit, CONFIG_POOL,
				       strcmp(key, "size") ? "size" : "nodes");
	if (!ret && persistent)
		ret = config_edit_set(&edit, CONFIG_POOL, key, text);
	if (!ret)
		ret = pool_reconfigure(pool, key, value);
	if (!ret && persistent)
		ret = config_edit_commit(&edit);
	config_edit_free(&edit);
	return ret;
}

/* What is told of frames that leave; nothing, if the module tells nothing. */
static void read_told(const struct pool *pool, struct tarn_pool_drain *d)
{
	int fd = pool_open(pool);

	memset(d, 0, sizeof(*d));
	if (fd < 0)
		return;
	if (drain_read(fd, d))
		memset(d, 0, sizeof(*d));
	close(fd);
}

/* @before: what was told before; a pool that becomes larger moves nothing. */
static void print_done(const struct pool *pool, uint64_t frames,
		       const struct tarn_pool_drain *before)
{
	char size[SIZE_TEXT_MAX], old[SIZE_TEXT_MAX], text[SIZE_TEXT_MAX];
	struct tarn_pool_drain d;

	read_told(pool, &d);
	printf("%s: %s, was %s", pool->mount,
	       size_format_pages(size, pool->info.frames, false),
	       size_format_pages(old, frames, false));
	if (d.why == TARN_DRAIN_WHY_SIZE && d.moved &&
	    memcmp(&d, before, sizeof(d)))
		printf("; %s moved, longest blocked %s",
		       size_format_pages(size, d.moved, false),
		       tracker_longest(text, d.blocked));
	putchar('\n');
}

int pool_resize_main(int argc, char **argv, const struct options *opts)
{
	char *size = argv[argc - 1];
	const char *key = strchr(size, ':') ? "nodes" : "size";
	char value[512], text[512];
	struct tarn_pool_drain before;
	struct pool pool;
	uint64_t frames;
	int ret;

	snprintf(text, sizeof(text), "%s", size);
	if (make_value(value, sizeof(value), size))
		return EXIT_USAGE;
	ret = pool_get(&pool, argc > 1 ? argv[0] : NULL);
	if (ret)
		return ret;
	if (opts->dry_run) {
		ret = dry_run_resize(&pool, value);
		goto out_put;
	}
	frames = pool.info.frames;
	read_told(&pool, &before);
	ret = resize(&pool, key, value, text, opts->persistent);
	if (!ret)
		ret = pool_refresh(&pool);
	if (!ret)
		print_done(&pool, frames, &before);
out_put:
	pool_put(&pool);
	return ret;
}
