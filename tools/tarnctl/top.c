// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl top: on the screen, or in batches. */
#include <errno.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "error.h"
#include "replay.h"
#include "top.h"

static bool wants_batch(const struct options *opts)
{
	return opts->plain || opts->json || opts->csv ||
	       !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO);
}

int top_main(int argc, char **argv, const struct options *opts)
{
	enum column_id sort = COLUMN_NAME;
	struct pool_list pools = { 0 };
	int ret;

	if (opts->json && opts->csv) {
		err("tarnctl top: --json and --csv are two formats, give one of them");
		return EXIT_USAGE;
	}
	if (!opts->replay && (opts->since || opts->until || opts->by ||
			      opts->history)) {
		err("tarnctl top: --since, --until, --by and --history go with --replay");
		return EXIT_USAGE;
	}
	if (opts->sort) {
		sort = column_find(opts->sort);
		if (sort == COLUMN_COUNT)
			return EXIT_USAGE;
	}
	ret = opts->replay ? replay_begin(argv[0], opts) :
			     pools_get(&pools, argv[0]);
	if (ret)
		return opts->replay && ret == -EINVAL ? EXIT_USAGE : ret;
	if (wants_batch(opts))
		ret = top_batch(&pools, sort, opts);
	else
		ret = top_screen(&pools, sort, opts);
	pool_list_free(&pools);
	if (opts->replay)
		replay_end();
	return ret;
}
