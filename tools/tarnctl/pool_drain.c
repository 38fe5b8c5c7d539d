// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl pool drain-node: have a pool leave a NUMA node. The kernel does it by itself;
 * what waits here only looks how it goes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "config.h"
#include "drain.h"
#include "dry_run.h"
#include "error.h"
#include "home.h"
#include "json.h"
#include "pool.h"
#include "pool_node.h"
#include "waiting.h"

#define CMD "tarnctl pool drain-node"

/* ---- the command line --------------------------------------------------- */

static int check_options(int argc, const struct options *opts)
{
	bool asks = opts->status || opts->cancel;

	if ((opts->status && opts->cancel) ||
	    (asks && (argc > 1 || opts->shrink || opts->refuse ||
		      opts->background || opts->dry_run))) {
		err(CMD ": --status and --cancel want a pool and nothing else, as it drains one node at a time");
		return EXIT_USAGE;
	}
	if (!asks && !argc) {
		err(CMD ": say which node, by its number ('tarnctl pool show' lists them)");
		return EXIT_USAGE;
	}
	return 0;
}

static int fill_start(struct tarn_pool_drain *call, const char *node,
		      const struct options *opts)
{
	*call = (struct tarn_pool_drain){
		.size = sizeof(*call),
		.op = TARN_RELOCATE_START,
	};
	if (opts->shrink)
		call->flags |= TARN_DRAIN_SHRINK;
	if (opts->refuse)
		call->flags |= TARN_DRAIN_REFUSE;
	return node_parse(CMD, node, &call->node) ? EXIT_USAGE : 0;
}

/* ---- calls -------------------------------------------------------------- */

static int call_fail(const struct pool *pool, int ret, const char *what,
		     __u32 node)
{
	switch (-ret) {
	case EBUSY:
		err("%s: a node is being drained; '" CMD " --status' tells how far, --cancel ends it",
		    pool->mount);
		return ret;
	case EINVAL:
		err("%s: the pool has nothing on node %u, 'tarnctl pool show' lists its nodes",
		    pool->mount, node);
		return ret;
	case ENOENT:
		err("%s: no node is being drained", pool->mount);
		return ret;
	}
	return pool_fail(pool, ret, what);
}

static int read_status(int fd, const struct pool *pool,
		       struct tarn_pool_drain *d)
{
	int ret = drain_read(fd, d);

	return ret ? call_fail(pool, ret, "ask for the draining of", 0) : 0;
}

static int print(const struct pool *pool, const struct tarn_pool_drain *d,
		 const struct options *opts)
{
	if (opts->json)
		return json_print(drain_json(d), JSON_INDENT(2));
	drain_print(pool->mount, d, opts->bytes);
	return 0;
}

/*
 * The file of the pool still has what it had: a reload, or the next boot, would put
 * frames on the node again.
 */
static void tell_file(const struct pool *pool, unsigned int node)
{
	const char *title = pool_title(pool);
	char sizes[POOL_NODES_TEXT];
	char *path;

	/* Only one at /run/tarn/NAME has a file, and is called NAME. */
	if (!config_name_ok(title))
		return;
	path = config_path(title);
	if (path && !access(path, F_OK) &&
	    !pool_nodes_format(pool, node, sizes, sizeof(sizes)))
		printf("Its file does not know of that; to have it so after a reload and at each boot:\n  tarnctl pool resize --persistent %s %s\n",
		       title, sizes);
	free(path);
}

/* ---- waiting ------------------------------------------------------------ */

/* Another size, that was made since it ended, is told of in its place. */
static bool is_under_way(const struct tarn_pool_drain *d)
{
	return d->why == TARN_DRAIN_WHY_NODE &&
	       d->state == TARN_RELOCATION_RUNNING;
}

static int wait_end(int fd, const struct pool *pool, const sigset_t *signals,
		    struct tarn_pool_drain *d, const struct options *opts)
{
	char text[DRAIN_TEXT_MAX];
	bool goes_on = true;
	int ret;

	do {
		ret = read_status(fd, pool, d);
		if (ret || !is_under_way(d))
			break;
		waiting_tell(drain_progress(text, d, opts->bytes));
		goes_on = waiting_on(signals);
	} while (goes_on);
	waiting_tell(NULL);
	if (goes_on)
		return ret;
	err("%s: it goes on; '" CMD " --cancel' ends it, --status tells how far it is",
	    pool->mount);
	return -EINTR;
}

/* What it came to. */
static int judge(const struct pool *pool, const struct tarn_pool_drain *d)
{
	switch (d->why == TARN_DRAIN_WHY_NODE ? d->state :
						TARN_RELOCATION_NONE) {
	case TARN_RELOCATION_DONE:
		return 0;
	case TARN_RELOCATION_CANCELLED:
		err("%s: that was cancelled, the pool is as it was before",
		    pool->mount);
		return -ECANCELED;
	case TARN_RELOCATION_HELD:
		err("%s: somebody holds page %llu of partition id:%u (for DMA, say); without --refuse that is waited for",
		    pool->mount, d->held_page, d->held_partition);
		return -EBUSY;
	case TARN_RELOCATION_NO_ROOM:
		if (d->flags & TARN_DRAIN_SHRINK)
			err("%s: what the pool holds, or guarantees to partitions ('min='), does not fit on the other nodes, and could not be paged out",
			    pool->mount);
		else
			err("%s: the other nodes have not so much memory free in pieces of 2 MiB; with --shrink the pool becomes smaller by what they lack",
			    pool->mount);
		return -ENOSPC;
	}
	err("%s: it is not known any more how that went", pool->mount);
	return -EIO;
}

static int run_start(int fd, const struct pool *pool,
		     const struct tarn_pool_drain *start,
		     const struct options *opts)
{
	struct tarn_pool_drain d = *start;
	sigset_t signals;
	int ret;

	if (!opts->background)
		waiting_begin(&signals);
	if (ioctl(fd, TARN_POOL_DRAIN, &d))
		return call_fail(pool, -errno, "drain a node of", start->node);
	if (opts->background)
		return print(pool, &d, opts);
	ret = wait_end(fd, pool, &signals, &d, opts);
	if (!ret)
		ret = print(pool, &d, opts);
	if (!ret && !opts->json && d.state == TARN_RELOCATION_DONE)
		tell_file(pool, d.node);
	return ret ? ret : judge(pool, &d);
}

static int run_cancel(int fd, const struct pool *pool,
		      const struct options *opts)
{
	struct tarn_pool_drain d = {
		.size = sizeof(d),
		.op = TARN_RELOCATE_CANCEL,
	};
	sigset_t signals;
	int ret;

	waiting_begin(&signals);
	if (ioctl(fd, TARN_POOL_DRAIN, &d))
		ret = call_fail(pool, -errno, "cancel the draining of", 0);
	else
		ret = wait_end(fd, pool, &signals, &d, opts);
	return ret ? ret : print(pool, &d, opts);
}

static int run_status(int fd, const struct pool *pool,
		      const struct options *opts)
{
	struct tarn_pool_drain d;
	int ret = read_status(fd, pool, &d);

	return ret ? ret : print(pool, &d, opts);
}

int pool_drain_node_main(int argc, char **argv, const struct options *opts)
{
	struct tarn_pool_drain start = { 0 };
	const char *name = argc > 1 ? argv[0] : NULL;
	struct pool pool;
	int fd, ret;

	if (check_options(argc, opts))
		return EXIT_USAGE;
	if (opts->status || opts->cancel)
		name = argv[0];
	else if (fill_start(&start, argv[argc - 1], opts))
		return EXIT_USAGE;
	ret = pool_get(&pool, name);
	if (ret)
		return ret;
	ret = fd = pool_open(&pool);
	if (fd < 0)
		goto out_put;
	if (opts->dry_run && !opts->status && !opts->cancel)
		ret = dry_run_drain(&pool, start.node, opts);
	else if (opts->status)
		ret = run_status(fd, &pool, opts);
	else if (opts->cancel)
		ret = run_cancel(fd, &pool, opts);
	else
		ret = run_start(fd, &pool, &start, opts);
	close(fd);
out_put:
	pool_put(&pool);
	return ret;
}
