// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl partition relocate: have pages moved to a NUMA node, away from one, or into 2 MiB
 * frames.
 * The kernel does it by itself; what waits here only looks how it goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "dry_run.h"
#include "error.h"
#include "home.h"
#include "json.h"
#include "partition.h"
#include "range.h"
#include "relocation.h"
#include "size.h"
#include "waiting.h"

#define CMD "tarnctl partition relocate"

/* ---- the command line --------------------------------------------------- */

static int check_options(int argc, const struct options *opts)
{
	int ways = !!opts->to + !!opts->away_from + opts->compact;
	bool starts = argc > 1 || ways || opts->refuse || opts->granule ||
		      opts->blocked_most || opts->background || opts->dry_run;

	if ((opts->status && opts->cancel) ||
	    ((opts->status || opts->cancel) && starts)) {
		err(CMD ": --status and --cancel want a file and nothing else, as it has one relocation at a time");
		return EXIT_USAGE;
	}
	if (opts->status || opts->cancel)
		return 0;
	if (ways > 1) {
		err(CMD ": --to, --away-from and --compact are relocations of their own, give one of them");
		return EXIT_USAGE;
	}
	if (!ways) {
		err(CMD ": say where to, by --to NODE, --away-from NODE ('tarnctl numa' shows the nodes) or --compact");
		return EXIT_USAGE;
	}
	if (opts->compact && (opts->granule || opts->blocked_most)) {
		err(CMD ": --compact has a granule of its own, 2 MiB; leave --granule and --blocked-most out");
		return EXIT_USAGE;
	}
	if (opts->granule && opts->blocked_most) {
		err(CMD ": with --blocked-most the granules are as large as that allows; leave --granule out");
		return EXIT_USAGE;
	}
	return 0;
}

static int parse_granule(const char *text, __u32 *granule)
{
	uint64_t pages;

	if (size_parse_pages(text, 0, &pages) || !pages ||
	    pages & (pages - 1) || pages > TARN_RELOCATE_GRANULE_MOST) {
		err("--granule: wants 1, 2, 4 and so on up to %u pages, or a size of so many (2M), not '%s'",
		    TARN_RELOCATE_GRANULE_MOST, text);
		return EXIT_USAGE;
	}
	*granule = pages;
	return 0;
}

static int parse_blocked_most(const char *text, __u32 *us)
{
	uint64_t ns;

	if (time_parse(text, &ns) || ns < 1000 || ns / 1000 > UINT32_MAX) {
		err("--blocked-most: wants a time of 1us to an hour with its unit, as in 800us or 2ms, not '%s'",
		    text);
		return EXIT_USAGE;
	}
	*us = ns / 1000;
	return 0;
}

static int fill_start(struct tarn_partition_relocate *call,
		      const struct options *opts)
{
	call->size = sizeof(*call);
	call->op = TARN_RELOCATE_START;
	if (opts->to && node_parse("--to", opts->to, &call->node))
		return EXIT_USAGE;
	if (opts->away_from &&
	    node_parse("--away-from", opts->away_from, &call->node))
		return EXIT_USAGE;
	if (opts->away_from)
		call->flags |= TARN_RELOCATE_AWAY;
	if (opts->compact)
		call->flags |= TARN_RELOCATE_COMPACT;
	if (opts->refuse)
		call->flags |= TARN_RELOCATE_REFUSE;
	if (opts->blocked_most &&
	    parse_blocked_most(opts->blocked_most, &call->blocked_most))
		return EXIT_USAGE;
	return opts->granule ? parse_granule(opts->granule, &call->granule) : 0;
}

/* ---- calls -------------------------------------------------------------- */

/* A module of before has no such flag. */
static void compact_fail(const char *path)
{
	err("%s: its blocks are to have no 2 MiB frames (huge=never, 'tarnctl partition set' changes that), or the loaded module gathers none",
	    path);
}

static int call_fail(const char *path, int ret, const char *what, __u32 node)
{
	switch (-ret) {
	case EBUSY:
		err("%s: a relocation is under way; '" CMD " %s --status' tells how far, --cancel ends it",
		    path, path);
		return ret;
	case EINVAL:
		err("%s: node %u has no frames of the pool, 'tarnctl numa' shows the nodes that have",
		    path, node);
		return ret;
	case ENOENT:
		err("%s: no relocation is under way", path);
		return ret;
	case EPERM:
		err("%s: only root may relocate pages", path);
		return ret;
	case ENOTTY:
		err("%s: the loaded module relocates nothing, load the one that came with this tarnctl",
		    path);
		return ret;
	}
	return partition_fail(path, ret, what);
}

static int read_status(int fd, const char *path,
		       struct tarn_partition_relocate *r)
{
	*r = (struct tarn_partition_relocate){
		.size = sizeof(*r),
		.op = TARN_RELOCATE_STATUS,
	};
	if (ioctl(fd, TARN_PARTITION_RELOCATE, r))
		return call_fail(path, -errno, "ask for the relocation of", 0);
	return 0;
}

static int print(const char *path, const struct tarn_partition_relocate *r,
		 const struct options *opts)
{
	if (opts->json)
		return json_print(relocation_json(r), JSON_INDENT(2));
	relocation_print(path, r, opts->bytes);
	return 0;
}

static int show_status(int fd, const char *path, const struct options *opts)
{
	struct tarn_partition_relocate r;
	int ret = read_status(fd, path, &r);

	return ret ? ret : print(path, &r, opts);
}

static int run_cancel(int fd, const char *path, const struct options *opts)
{
	struct tarn_partition_relocate call = {
		.size = sizeof(call),
		.op = TARN_RELOCATE_CANCEL,
	};

	if (ioctl(fd, TARN_PARTITION_RELOCATE, &call))
		return call_fail(path, -errno, "cancel the relocation of", 0);
	return show_status(fd, path, opts);
}

/* ---- waiting ------------------------------------------------------------ */

static int wait_end(int fd, const char *path, const sigset_t *signals,
		    struct tarn_partition_relocate *r,
		    const struct options *opts)
{
	char text[RELOCATION_TEXT_MAX];
	bool goes_on = true;
	int ret;

	do {
		ret = read_status(fd, path, r);
		if (ret || r->state != TARN_RELOCATION_RUNNING)
			break;
		waiting_tell(relocation_progress(text, r, opts->bytes));
		goes_on = waiting_on(signals);
	} while (goes_on);
	waiting_tell(NULL);
	if (goes_on)
		return ret;
	err("%s: the relocation goes on; '" CMD " %s --cancel' ends it, --status tells how far it is",
	    path, path);
	return -EINTR;
}

static void no_room(const char *path,
		    const struct tarn_partition_relocate *start)
{
	char node[32];

	if (start->flags & TARN_RELOCATE_COMPACT) {
		err("%s: no more 2 MiB in one piece is to be had; page something out, or make the pool larger ('tarnctl pool resize')",
		    path);
		return;
	}
	if (start->flags & TARN_RELOCATE_AWAY)
		snprintf(node, sizeof(node), "no node but %u", start->node);
	else
		snprintf(node, sizeof(node), "node %u no longer", start->node);
	err("%s: %s has frames to spare; page something out, or make the pool larger ('tarnctl pool resize')",
	    path, node);
}

/* What it came to; @start is what was asked for. */
static int judge(const char *path, const struct tarn_partition_relocate *start,
		 const struct tarn_partition_relocate *r)
{
	switch (r->state) {
	case TARN_RELOCATION_DONE:
		return 0;
	case TARN_RELOCATION_CANCELLED:
		err("%s: the relocation was cancelled, what was moved stays there",
		    path);
		return -ECANCELED;
	case TARN_RELOCATION_HELD:
		err("%s: somebody holds page %llu (for DMA, say); without --refuse that is waited for",
		    path, r->held_page);
		return -EBUSY;
	case TARN_RELOCATION_NO_ROOM:
		no_room(path, start);
		return -ENOSPC;
	}
	err("%s: the relocation is gone", path);
	return -EIO;
}

static int run_and_wait(int fd, const char *path,
			const struct tarn_partition_relocate *start,
			const struct options *opts)
{
	struct tarn_partition_relocate r = *start;
	sigset_t signals;
	int ret;

	if (!opts->background)
		waiting_begin(&signals);
	if (ioctl(fd, TARN_PARTITION_RELOCATE, &r)) {
		ret = -errno;
		if (ret != -EINVAL || !opts->compact)
			return call_fail(path, ret, "relocate", start->node);
		compact_fail(path);
		return ret;
	}
	if (opts->background)
		return show_status(fd, path, opts);
	ret = wait_end(fd, path, &signals, &r, opts);
	if (!ret)
		ret = print(path, &r, opts);
	return ret ? ret : judge(path, start, &r);
}

static int run_start(int fd, int argc, char **argv, const struct options *opts)
{
	struct tarn_partition_relocate call = { 0 };
	struct tarn_partition_info info;
	struct range range;
	int ret;

	if (fill_start(&call, opts))
		return EXIT_USAGE;
	ret = partition_info(fd, &info);
	if (ret)
		return partition_fail(argv[0], ret, "read the counters of");
	if (range_parse(&range, CMD, argc - 1, argv + 1, info.logical_pages))
		return EXIT_USAGE;
	if (opts->dry_run)
		return opts->compact ?
			       dry_run_compact(argv[0], &range, &info, opts) :
			       dry_run_relocate(fd, argv[0], &range, call.node,
						opts->away_from, opts);
	call.start = range.start;
	call.count = range.count;
	return run_and_wait(fd, argv[0], &call, opts);
}

int partition_relocate_main(int argc, char **argv, const struct options *opts)
{
	int fd, ret;

	if (check_options(argc, opts))
		return EXIT_USAGE;
	fd = partition_open(argv[0], opts->status || opts->dry_run ? O_RDONLY :
								     O_RDWR);
	if (fd < 0)
		return fd;
	if (opts->status)
		ret = show_status(fd, argv[0], opts);
	else if (opts->cancel)
		ret = run_cancel(fd, argv[0], opts);
	else
		ret = run_start(fd, argc, argv, opts);
	close(fd);
	return ret;
}
