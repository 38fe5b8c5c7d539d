// SPDX-License-Identifier: GPL-2.0-only
/* tarn-logd: which pools it follows, of those that are mounted. */
#define source_open fake_open
#define pool_list_read fake_list_read
#include "../../tools/tarn-logd/logd.c"
#undef source_open
#undef pool_list_read
#include "tap.h"

static unsigned int tries;
static int answer;

int fake_open(struct source *source, struct pool *pool)
{
	tries++;
	if (answer)
		return answer;
	memset(source, 0, sizeof(*source));
	source->fd = -1;
	source->pool = *pool;
	pool->mount = NULL;
	return 0;
}

/* A pool where none is, so that there are no samples of it. */
int fake_list_read(struct pool_list *list)
{
	*list = (struct pool_list){ .items = calloc(1, sizeof(*list->items)),
				    .count = 1 };
	list->items[0].mount = strdup("/nonexistent");
	strcpy(list->items[0].uuid, "u-u");
	return 0;
}

/* No other mount may come that would have it looked for. */
static void test_tried_again(void)
{
	static struct logd logd;

	answer = -EMFILE;
	find_pools(&logd);
	CHECK_EQ(logd.count, 0);
	CHECK_EQ(tries, 1);
	look_at_clock(&logd);
	CHECK_EQ(tries, 2);
	CHECK_EQ(logd.count, 0);
	answer = 0;
	logd.next = 0;
	look_at_clock(&logd);
	CHECK_EQ(logd.count, 1);
	CHECK_EQ(tries, 3);
	/* And not any more. */
	logd.next = 0;
	logd.second = 0;
	look_at_clock(&logd);
	CHECK_EQ(tries, 3);
	source_close(&logd.sources[0]);
	free(logd.sources);
	guests_free(&logd.guests);
}

static const struct tap_test tests[] = {
	{ "one that could not be opened", test_tried_again },
};

TAP_MAIN(tests)
