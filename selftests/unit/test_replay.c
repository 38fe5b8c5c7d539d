// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl top --replay: samples of moments, and which part of the history is meant. */
#include <unistd.h>

#include "../../tools/tarnctl/replay.c"
#include "../../tools/tarnctl/history_query.c"
#include "tap.h"

static char dir[] = "/tmp/test_replay.XXXXXX";
static char path[64];

static struct history_partition parts[2] = {
	{ .part = { .path = (char *)"a", .name = (char *)"web", .guest = (char *)"web",
		    .info = { .id = 1, .page_ins = 100 } },
	  .homes = "0" },
	{ .part = { .info = { .id = 2, .page_ins = 7 } }, .homes = "-",
	  .misplaced = 5 },
};

static struct history_moment make_moment(int64_t time, const char *uuid,
					 struct history_partition *items,
					 size_t count)
{
	struct history_moment moment = {
		.time = time, .items = items, .count = count,
		.pool = { .mount = (char *)"/run/tarn/p" },
	};

	strcpy(moment.pool.uuid, uuid);
	moment.pool.info.page_outs = time * 10;
	return moment;
}

static void test_rates(void)
{
	struct history_partition old = parts[0];
	struct history_moment before = make_moment(1000, "u", &old, 1);
	struct history_moment now = make_moment(1010, "u", parts, 2);
	struct sample sample;

	old.part.info.page_ins = 50;
	CHECK_EQ(replay_fill(&sample, &now, &before, NULL), 0);
	CHECK_EQ(sample.wall, 1010);
	CHECK_EQ(sample.pools[0].rates.page_outs, 10);
	CHECK_EQ(sample.nr_pools, 1);
	CHECK_EQ(sample.pools[0].list.count, 2);
	CHECK_EQ(sample.nr_rows, 2);
	CHECK_EQ(sample.rows[0].rates.page_ins, 5);
	/* New since then. */
	CHECK_EQ(sample.rows[1].rates.page_ins * 10, 7);
	CHECK_EQ(sample.rows[1].misplaced, 5);
	CHECK_STR(sample.rows[0].homes, "0");
	CHECK_STR(sample.rows[0].name, "web");
	CHECK_STR(sample.rows[0].part->path, "a");
	CHECK(sample.rows[0].in == &sample.pools[0]);
	CHECK_STR(sample.rows[1].name, "id:2");
	sample_free(&sample);
	/* Another pool at this place: its counters began anew. */
	strcpy(before.pool.uuid, "v");
	CHECK_EQ(replay_fill(&sample, &now, &before, NULL), 0);
	CHECK_EQ(sample.pools[0].rates.page_outs, 0);
	CHECK_EQ(sample.rows[0].rates.page_ins, 0);
	sample_free(&sample);
	CHECK_EQ(replay_fill(&sample, &now, NULL, NULL), 0);
	CHECK_EQ(sample.pools[0].rates.page_outs, 0);
	sample_free(&sample);
}

static void put(struct history *history, unsigned int period, int64_t time,
		const char *mount, const char *uuid)
{
	struct history_moment moment = make_moment(time, uuid, parts, 2);

	moment.pool.mount = (char *)mount;
	CHECK_EQ(history_begin(history, time, time), 0);
	CHECK_EQ(history_write(history, period, &moment), 0);
	CHECK_EQ(history_commit(history), 0);
}

static void make_history(time_t now)
{
	struct history *history;
	int i;

	CHECK_EQ(history_create(&history, path, HISTORY_SIZE), 0);
	for (i = 0; i < 5; i++)
		put(history, HISTORY_MINUTE, now - 600 + i * 60, "/run/tarn/p", "u");
	for (i = 0; i < 9; i++)
		put(history, HISTORY_SECOND, now - 9 + i, "/run/tarn/p", "u");
	put(history, HISTORY_SECOND, now - 1, "/mnt/q", "w");
	put(history, HISTORY_MINUTE, now - 60, "/mnt/r", "0a1b2c3d-0000");
	put(history, HISTORY_MINUTE, now - 60, "/mnt/s", "0a1b2c3e-0000");
	history_close(history);
}

static int query_period(const char *name, const struct options *opts)
{
	struct history_query query;
	int ret = history_query_init(&query, "test", name, opts);

	if (ret)
		return ret;
	ret = query.period;
	history_query_exit(&query);
	return ret;
}

static const char *query_mount(const char *name, const struct options *opts)
{
	static char mount[64];
	struct history_query query;

	CHECK_EQ(history_query_init(&query, "test", name, opts), 0);
	snprintf(mount, sizeof(mount), "%s", query.mount);
	history_query_exit(&query);
	return mount;
}

static void test_query(void)
{
	struct options opts = { .history = path };

	CHECK_EQ(query_period("p", &opts), HISTORY_MINUTE);
	CHECK_EQ(query_period("/run/tarn/p", &opts), HISTORY_MINUTE);
	CHECK_EQ(query_period(NULL, &opts), -ENOENT);
	CHECK_EQ(query_period("z", &opts), -ENOENT);
	CHECK_EQ(query_period("0A1b2c3d", &opts), HISTORY_MINUTE);
	CHECK_STR(query_mount("0a1b2c3e", &opts), "/mnt/s");
	/* Of several, one that is none, and what no uuid has. */
	CHECK_EQ(query_period("0a1b", &opts), -ENOENT);
	CHECK_EQ(query_period("0a1c", &opts), -ENOENT);
	CHECK_EQ(query_period("%", &opts), -ENOENT);
	opts.since = "10m";
	CHECK_EQ(query_period("p", &opts), HISTORY_SECOND);
	opts.until = "5m";
	CHECK_EQ(query_period("p", &opts), HISTORY_MINUTE);
	opts.by = "second";
	CHECK_EQ(query_period("p", &opts), HISTORY_SECOND);
	opts.by = "hour";
	CHECK_EQ(query_period("p", &opts), -EINVAL);
	opts = (struct options){ .history = path, .since = "1m", .until = "2m" };
	CHECK_EQ(query_period("p", &opts), -EINVAL);
	opts = (struct options){ .history = "/nonexistent" };
	CHECK_EQ(query_period("p", &opts), -ENOENT);
}

static void test_filter(void)
{
	struct history_moment now = make_moment(1010, "u", parts, 2);
	struct sample sample;

	CHECK_EQ(replay_fill(&sample, &now, NULL, "eb"), 0);
	CHECK_EQ(sample.pools[0].list.count, 2);
	CHECK_EQ(sample.nr_rows, 1);
	CHECK_STR(sample.rows[0].name, "web");
	sample_free(&sample);
}

static void test_play(void)
{
	struct options opts = { .history = path, .by = "second" };
	struct pool_list none = { 0 };
	struct sample sample;
	unsigned int count = 1;
	time_t wall;
	int ret;

	CHECK_EQ(replay_begin("p", &opts), 0);
	CHECK(replay_runs());
	CHECK_EQ(sample_begin(&sample, &none, NULL), 0);
	CHECK_STR(sample.pools[0].pool.mount, "/run/tarn/p");
	CHECK_EQ(sample.pools[0].rates.page_outs, 0);
	wall = sample.wall;
	while (!(ret = sample_next(&sample, NULL))) {
		CHECK_EQ(sample.wall, ++wall);
		CHECK_EQ(sample.pools[0].rates.page_outs, 10);
		count++;
	}
	CHECK_EQ(ret, -ENODATA);
	CHECK_EQ(count, 9);
	/* The last one stays, and is shown with another filter. */
	CHECK_EQ(sample.wall, wall);
	CHECK_EQ(sample.nr_rows, 2);
	CHECK_EQ(replay_again(&sample, "web"), 0);
	CHECK_EQ(sample.wall, wall);
	CHECK_EQ(sample.nr_rows, 1);
	CHECK_EQ(sample.pools[0].rates.page_outs, 10);
	sample_free(&sample);
	replay_end();
	CHECK(!replay_runs());
	opts = (struct options){ .history = path, .since = "3d", .until = "2d" };
	CHECK_EQ(replay_begin("p", &opts), -ENODATA);
	CHECK(!replay_runs());
}

static const struct tap_test tests[] = {
	{ "rates", test_rates },
	{ "which part is meant", test_query },
	{ "some partitions", test_filter },
	{ "it is played to its end", test_play },
};

int main(void)
{
	char command[64];
	int ret;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/db", dir);
	make_history(time(NULL));
	ret = tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) ? 1 : ret;
}
