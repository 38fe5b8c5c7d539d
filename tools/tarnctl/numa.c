// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl numa: reading. The nodes are those of the pools that were asked for, and those
 * on which a partition has pages, a home or vCPUs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "error.h"
#include "guest.h"
#include "home.h"
#include "numa.h"
#include "partition.h"
#include "pool.h"
#include "sysfs.h"

/* ---- reading ------------------------------------------------------------ */

static int homes_fail(const char *path, int ret)
{
	if (ret == -ENOTTY) {
		err("the loaded module does not tell what is on which node, load the one that came with this tarnctl");
		return ret;
	}
	return partition_fail(path, ret, "read the nodes of");
}

/* The file, and what is kept by the number of the partition. */
static int identify(struct numa_row *row, const struct pool_list *pools, int fd)
{
	struct stat st;
	size_t i;

	if (fstat(fd, &st))
		return 0;
	row->dev = st.st_dev;
	row->ino = st.st_ino;
	for (i = 0; i < pools->count && pools->items[i].dev != st.st_dev; i++)
		;
	if (i == pools->count)
		return 0;
	row->mark = home_mark_read(pools->items[i].uuid, row->id);
	return node_uses_read(pools->items[i].uuid, row->id, &row->uses) ?
	       err_nomem() : 0;
}

static void row_free(struct numa_row *row)
{
	free(row->path);
	free(row->name);
	homes_free(&row->homes);
	node_uses_free(&row->uses);
}

/* @prefix stands before the path, if it is not NULL. */
static int set_names(struct numa_row *row, const char *prefix,
		     const struct partition *part)
{
	row->path = NULL;
	if (part->path && asprintf(&row->path, "%s%s%s", prefix ? prefix : "",
				   prefix ? "/" : "", part->path) < 0)
		row->path = NULL;
	row->name = !part->name && row->path ? strdup(row->path) :
					       partition_title(part);
	return row->name && (row->path || !part->path) ? 0 : err_nomem();
}

static int add_row(struct numa *numa, const struct pool_list *pools,
		   const char *prefix, const struct partition *part, int fd)
{
	struct numa_row row = { .id = part->info.id }, *rows;
	int ret;

	rows = reallocarray(numa->rows, numa->count + 1, sizeof(*rows));
	if (!rows)
		return err_nomem();
	numa->rows = rows;
	ret = homes_read(fd, &row.homes);
	if (ret)
		return homes_fail(part->path ? part->path : "it", ret);
	ret = identify(&row, pools, fd);
	if (!ret)
		ret = set_names(&row, prefix, part);
	if (ret) {
		row_free(&row);
		return ret;
	}
	numa->rows[numa->count++] = row;
	local_share_add(&numa->local, &row.uses, &row.homes);
	return homes_add(&numa->total, &row.homes) ? err_nomem() : 0;
}

static void add_frames(struct numa *numa, int dirfd, const char *name, __u32 node)
{
	char path[300];
	uint64_t val;

	snprintf(path, sizeof(path), "%s/frames", name);
	if (!sysfs_read(dirfd, path, &val))
		numa->frames[node] += val;
	snprintf(path, sizeof(path), "%s/free_frames", name);
	if (!sysfs_read(dirfd, path, &val))
		numa->free[node] += val;
}

/* A node of the pool has a column though nothing is on it. */
static int add_node(struct numa *numa, int dirfd, const char *name)
{
	struct tarn_home home = { 0 };
	struct homes none = { .items = &home, .count = 1 };
	int len = 0;

	if (sscanf(name, "node%u%n", &home.node, &len) < 1 || name[len] ||
	    home.node > NODE_MAX)
		return 0;
	add_frames(numa, dirfd, name, home.node);
	return homes_add(&numa->total, &none) ? err_nomem() : 0;
}

static int add_nodes(struct numa *numa, const struct pool *pool)
{
	int fd = sysfs_open(SYSFS_ROOT, pool->uuid, NULL), ret = 0;
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return err_nomem();
	}
	while (!ret && (entry = readdir(dir)))
		ret = add_node(numa, dirfd(dir), entry->d_name);
	closedir(dir);
	return ret;
}

static int add_listed(struct numa *numa, const struct pool_list *pools,
		      const struct guests *guests, dev_t dev, int dirfd,
		      const char *prefix, const struct partition *part)
{
	int fd, ret;

	fd = guests_reach(guests, dev, dirfd, part);
	if (fd < 0) {
		/* Or it went meanwhile. */
		numa->nameless += !part->path;
		return 0;
	}
	ret = add_row(numa, pools, prefix, part, fd);
	close(fd);
	return ret;
}

static int add_pool(struct numa *numa, const struct pool_list *pools,
		    const struct guests *guests, const struct pool *pool,
		    bool several)
{
	struct partition_list list;
	int dirfd, ret;
	size_t i;

	ret = partition_list_read(&list, pool);
	if (ret)
		return ret;
	ret = dirfd = pool_open(pool);
	if (dirfd < 0)
		goto out_list;
	ret = add_nodes(numa, pool);
	if (!ret)
		ret = guests_name(guests, pool, &list);
	for (i = 0; !ret && i < list.count; i++)
		ret = add_listed(numa, pools, guests, pool->dev, dirfd,
				 several ? pool->mount : NULL, &list.items[i]);
	numa->hidden += list.hidden;
	close(dirfd);
out_list:
	partition_list_free(&list);
	return ret;
}

static int add_file(struct numa *numa, const struct pool_list *pools,
		    const char *name)
{
	struct partition part = { .path = (char *)name };
	int fd, ret;

	fd = partition_open(name, O_RDONLY);
	if (fd < 0)
		return fd;
	ret = partition_info(fd, &part.info);
	if (ret)
		partition_fail(name, ret, "read the counters of");
	else
		ret = add_row(numa, pools, NULL, &part, fd);
	close(fd);
	return ret;
}

/* A file that is there is meant, whatever pool is called so. */
static int add_argument(struct numa *numa, const struct pool_list *pools,
			const struct guests *guests, const char *arg,
			bool several)
{
	const struct pool *pool;
	struct stat st;

	if ((!stat(arg, &st) && !S_ISDIR(st.st_mode)) ||
	    !pool_list_names(pools, arg))
		return add_file(numa, pools, arg);
	pool = pool_list_select(pools, arg);
	return pool ? add_pool(numa, pools, guests, pool, several) : -ENOENT;
}

/* ---- showing ------------------------------------------------------------ */

static int write_picture(const struct numa *numa, const struct options *opts)
{
	FILE *f = strcmp(opts->svg, "-") ? fopen(opts->svg, "we") : stdout;
	int ret;

	if (!f)
		return err_errno(-errno, "write to %s", opts->svg);
	ret = numa_svg_write(f, numa, opts->bytes);
	if (!ret && (fflush(f) || ferror(f)))
		ret = -(errno ? errno : EIO);
	if (f != stdout && fclose(f) && !ret)
		ret = -errno;
	return ret ? err_errno(ret, "write to %s", opts->svg) : 0;
}

static int show(const struct numa *numa, const struct options *opts)
{
	int ret = opts->svg ? write_picture(numa, opts) : 0;

	if (ret || (opts->svg && !strcmp(opts->svg, "-")))
		return ret;
	ret = opts->json ? numa_print_json(numa) :
			   numa_print(numa, opts);

	if (!ret && numa->hidden)
		err("%zu files or directories may not be opened and are left out, run it as root",
		    numa->hidden);
	if (!ret && numa->nameless)
		err("%zu partition%s without a file, and left out, as there is nothing to ask",
		    numa->nameless, numa->nameless == 1 ? " is" : "s are");
	return ret;
}

static int add_arguments(struct numa *numa, const struct pool_list *pools,
			 int argc, char **argv)
{
	struct guests guests;
	int ret = guests_read(&guests, pools), i;
	size_t j;

	for (i = 0; !ret && i < argc; i++)
		ret = add_argument(numa, pools, &guests, argv[i], argc > 1);
	/* Without an argument all pools are meant. */
	for (j = 0; !ret && !argc && j < pools->count; j++)
		ret = add_pool(numa, pools, &guests, &pools->items[j],
			       pools->count > 1);
	guests_free(&guests);
	return ret;
}

int numa_main(int argc, char **argv, const struct options *opts)
{
	struct numa numa = { 0 };
	struct pool_list pools;
	size_t row;
	int ret;

	ret = pool_list_read(&pools);
	if (ret)
		return ret;
	if (!argc && !pools.count) {
		pool_list_explain(&pools);
		ret = -ENOENT;
	}
	if (!ret)
		ret = add_arguments(&numa, &pools, argc, argv);
	if (!ret)
		ret = numa_find_vcpus(&numa, &pools);
	pool_list_free(&pools);
	if (!ret)
		ret = show(&numa, opts);
	for (row = 0; row < numa.count; row++)
		row_free(&numa.rows[row]);
	free(numa.rows);
	homes_free(&numa.total);
	return ret;
}
