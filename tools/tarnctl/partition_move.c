// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl partition page-out, page-in, find-patterns and share */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "dry_run.h"
#include "error.h"
#include "partition.h"
#include "range.h"
#include "size.h"

/* Pages a call, so that a signal is answered soon. */
#define CHUNK_PAGES (1ULL << 14)

struct move {
	const char *cmd;
	const char *what;
	const char *done;
	unsigned long call;
};

static const struct move move_out = {
	.cmd = "tarnctl partition page-out",
	.what = "page out",
	.done = "paged out",
	.call = TARN_PARTITION_PAGE_OUT,
};

static const struct move move_in = {
	.cmd = "tarnctl partition page-in",
	.what = "page in",
	.done = "paged in",
	.call = TARN_PARTITION_PAGE_IN,
};

static const struct move find_patterns = {
	.cmd = "tarnctl partition find-patterns",
	.what = "look for patterns",
	.done = "found and given up",
	.call = TARN_PARTITION_PATTERNS,
};

static const struct move share = {
	.cmd = "tarnctl partition share",
	.what = "look for what can be shared of",
	.done = "found to be shared",
	.call = TARN_PARTITION_SHARE,
};

/* What is meant is not 'no such file'. */
static int range_fail(const char *path, int ret, const struct move *move)
{
	if (move != &share || ret != -ENOENT)
		return partition_fail(path, ret, move->what);
	err("%s: it is in no sharing domain; 'tarnctl partition set %s --domain NAME' puts it into one",
	    path, path);
	return ret;
}

static int move_range(int fd, const struct move *move,
		      const struct range *range, uint64_t *done)
{
	uint64_t at = range->start, end = range->start + range->count;

	*done = 0;
	while (at < end) {
		uint64_t left = end - at;
		uint64_t count = left < CHUNK_PAGES ? left : CHUNK_PAGES;
		struct tarn_partition_range call = {
			.size = sizeof(call),
			.start = at,
			.count = count,
		};

		if (ioctl(fd, move->call, &call))
			return -errno;
		*done += call.done;
		at += count;
	}
	return 0;
}

static int run_move(const struct move *move, int argc, char **argv,
		    const struct options *opts)
{
	struct tarn_partition_info info;
	char size[SIZE_TEXT_MAX];
	struct range range;
	uint64_t done;
	int fd, ret;

	fd = partition_open(argv[0], opts->dry_run ? O_RDONLY : O_RDWR);
	if (fd < 0)
		return fd;
	ret = partition_info(fd, &info);
	if (ret) {
		partition_fail(argv[0], ret, move->what);
		goto out_close;
	}
	if (range_parse(&range, move->cmd, argc - 1, argv + 1,
			info.logical_pages)) {
		ret = EXIT_USAGE;
		goto out_close;
	}
	if (opts->dry_run) {
		ret = dry_run_page(fd, argv[0], &range, move == &move_out,
				   opts);
		goto out_close;
	}
	ret = move_range(fd, move, &range, &done);
	printf("%s: %s %s\n", argv[0],
	       size_format_pages(size, done, opts->bytes), move->done);
	if (ret)
		range_fail(argv[0], ret, move);
out_close:
	close(fd);
	return ret;
}

int partition_page_out_main(int argc, char **argv, const struct options *opts)
{
	return run_move(&move_out, argc, argv, opts);
}

int partition_page_in_main(int argc, char **argv, const struct options *opts)
{
	return run_move(&move_in, argc, argv, opts);
}

int partition_find_patterns_main(int argc, char **argv,
				 const struct options *opts)
{
	return run_move(&find_patterns, argc, argv, opts);
}

int partition_share_main(int argc, char **argv, const struct options *opts)
{
	return run_move(&share, argc, argv, opts);
}
