// SPDX-License-Identifier: GPL-2.0-only
/* See keeper.h. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "error.h"
#include "keeper.h"
#include "sample.h"

#define SECOND_NS 1000000000ULL
/* From one try to the next: each is twice as long as the one before. */
#define WAIT_FIRST 10
#define WAIT_MOST 600

/* Why was reported; here, what comes of it. */
static void pause_it(struct keeper *keeper, int ret)
{
	if (!keeper->wait)
		err("%s: no history is kept until it can be written again (%s); alerts go on",
		    keeper->path, strerror(-ret));
	keeper->wait = keeper->wait ? 2 * keeper->wait : WAIT_FIRST;
	if (keeper->wait > WAIT_MOST)
		keeper->wait = WAIT_MOST;
	keeper->again = sample_clock() + keeper->wait * SECOND_NS;
	keeper->begun = false;
}

static void resume(struct keeper *keeper)
{
	if (keeper->wait)
		err("%s: the history is kept again", keeper->path);
	keeper->wait = 0;
	keeper->again = 0;
}

int keeper_open(struct keeper *keeper)
{
	int ret;

	if (!keeper->path)
		return 0;
	ret = history_create(&keeper->history, keeper->path, keeper->limit);
	switch (ret) {
	case -ENOSPC:
	case -EDQUOT:
	case -EIO:
	case -EROFS:
	case -ENOMEM:
		pause_it(keeper, ret);
		return 0;
	}
	return ret;
}

static int open_again(struct keeper *keeper)
{
	return keeper->history ? 0 : history_create(&keeper->history,
						    keeper->path,
						    keeper->limit);
}

bool keeper_ready(struct keeper *keeper)
{
	uint64_t now = sample_clock();
	struct timespec ts;
	int ret;

	if (keeper->begun)
		return true;
	if (!keeper->path || now < keeper->again)
		return false;
	ret = open_again(keeper);
	if (!ret) {
		clock_gettime(CLOCK_REALTIME, &ts);
		ret = history_begin(keeper->history, ts.tv_sec,
				    now / SECOND_NS);
	}
	keeper->begun = !ret;
	/* A reader that does not end is looked for each second anyway. */
	if (ret && ret != -EAGAIN)
		pause_it(keeper, ret);
	return keeper->begun;
}

void keeper_end(struct keeper *keeper)
{
	int ret = keeper->begun ? history_commit(keeper->history) : 0;

	if (ret)
		pause_it(keeper, ret);
	else if (keeper->begun)
		resume(keeper);
	keeper->begun = false;
}

void keeper_close(struct keeper *keeper)
{
	history_close(keeper->history);
	keeper->history = NULL;
}
