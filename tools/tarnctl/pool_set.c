// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pool set */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "config_edit.h"
#include "error.h"
#include "placement.h"
#include "pool.h"
#include "setting.h"
#include "size.h"

#define READAHEAD_MAX 256
#define SHARE_MAX 1000

enum {
	SET_LOW,
	SET_HIGH,
	SET_READAHEAD,
	SET_SCAN,
	SET_PROMOTE,
};

/* Both watermarks are set at once, so the one not given stays as it is. */
static int fill_watermarks(struct tarn_pool_set *set,
			   const struct setting *settings,
			   const struct tarn_pool_info *info)
{
	uint64_t low = info->low_frames, high = info->high_frames;
	char low_text[SIZE_TEXT_MAX], high_text[SIZE_TEXT_MAX];
	int ret = 0;

	if (!settings[SET_LOW].value && !settings[SET_HIGH].value)
		return 0;
	if (settings[SET_LOW].value)
		ret = setting_pages(&settings[SET_LOW], info->frames, &low);
	if (!ret && settings[SET_HIGH].value)
		ret = setting_pages(&settings[SET_HIGH], info->frames, &high);
	if (ret)
		return ret;
	if (!low || low >= high || high > info->frames / 2) {
		err("low=%s high=%s: low must be above 0 and below high, and high at most half the pool",
		    size_format_pages(low_text, low, false),
		    size_format_pages(high_text, high, false));
		return -EINVAL;
	}
	set->flags |= TARN_POOL_SET_WATERMARKS;
	set->low_frames = low;
	set->high_frames = high;
	return 0;
}

static int fill_readahead(struct tarn_pool_set *set,
			  const struct setting *setting)
{
	uint64_t pages;
	int ret;

	if (!setting->value)
		return 0;
	ret = setting_pages(setting, 0, &pages);
	if (ret)
		return ret;
	if (pages > READAHEAD_MAX) {
		err("readahead=%s: at most %u pages (1M)", setting->value,
		    READAHEAD_MAX);
		return -EINVAL;
	}
	set->flags |= TARN_POOL_SET_READAHEAD;
	set->readahead_pages = pages;
	return 0;
}

/* A share of one CPU: "2%", "0.5%", or 0. A bare number could be thought to be either. */
static int fill_share(struct tarn_pool_set *set, const struct setting *setting,
		      uint32_t flag, uint32_t *permille)
{
	double share;
	bool percent;
	char *end;

	if (!setting->value)
		return 0;
	share = strtod(setting->value, &end);
	percent = end != setting->value && *end == '%';
	if (percent) {
		share *= 10;
		end++;
	}
	/* The comparison is false for NaN. */
	if (end == setting->value || *end || (!percent && share) ||
	    !(share >= 0 && share <= SHARE_MAX)) {
		err("%s=%s: wants a share of one CPU with %%, from 0%% to 100%% (2%%, 0.5%%)",
		    setting->key, setting->value);
		return -EINVAL;
	}
	set->flags |= flag;
	*permille = share + 0.5;
	/* Little is not nothing. */
	if (share > 0 && !*permille)
		*permille = 1;
	return 0;
}

static int fill_placement(struct tarn_pool_set *set, const char *text)
{
	if (!text)
		return 0;
	set->flags |= TARN_POOL_SET_PLACEMENT;
	return placement_parse("--placement", text, &set->placement);
}

static int set_fail(const struct pool *pool, int ret,
		    const struct tarn_pool_set *set)
{
	/* What else could be wrong was looked at before. */
	if ((ret == -E2BIG || ret == -EINVAL) &&
	    set->flags & (TARN_POOL_SET_PLACEMENT | TARN_POOL_SET_PROMOTE)) {
		err("%s: the loaded module knows no %s, load the one that came with this tarnctl",
		    pool->mount,
		    set->flags & TARN_POOL_SET_PROMOTE ? "promote=" : "--placement");
		return ret;
	}
	return pool_fail(pool, ret, "change the settings of");
}

static int set_pool(const struct pool *pool, const struct setting *settings,
		    const struct options *opts)
{
	struct tarn_pool_set set = { .size = sizeof(set) };
	int fd, ret;

	if (fill_placement(&set, opts->placement) || fill_watermarks(&set, settings, &pool->info) ||
	    fill_readahead(&set, &settings[SET_READAHEAD]) ||
	    fill_share(&set, &settings[SET_SCAN], TARN_POOL_SET_SCAN,
		       &set.scan_permille) ||
	    fill_share(&set, &settings[SET_PROMOTE], TARN_POOL_SET_PROMOTE,
		       &set.promote_permille))
		return EXIT_USAGE;
	fd = pool_open(pool);
	if (fd < 0)
		return fd;
	ret = ioctl(fd, TARN_POOL_SET, &set) ? -errno : 0;
	close(fd);
	return ret ? set_fail(pool, ret, &set) : 0;
}

/* A setting that the file does not take is refused before anything is set. */
static int prepare(struct config_edit *edit, const struct pool *pool,
		   const struct setting *settings, const struct options *opts)
{
	int ret = config_edit_pool(edit, pool->mount);

	for (; !ret && settings->key && !settings->instead; settings++) {
		if (settings->value)
			ret = config_edit_set(edit, CONFIG_POOL, settings->key,
					      settings->value);
	}
	if (!ret && opts->placement)
		ret = config_edit_set(edit, CONFIG_POOL, "placement",
				      opts->placement);
	return ret;
}

static int set_persistently(const struct pool *pool,
			    const struct setting *settings,
			    const struct options *opts)
{
	struct config_edit edit;
	int ret = prepare(&edit, pool, settings, opts);

	if (!ret)
		ret = set_pool(pool, settings, opts);
	if (!ret)
		ret = config_edit_commit(&edit);
	config_edit_free(&edit);
	return ret;
}

int pool_set_main(int argc, char **argv, const struct options *opts)
{
	struct setting settings[] = {
		[SET_LOW] = { .key = "low" },
		[SET_HIGH] = { .key = "high" },
		[SET_READAHEAD] = { .key = "readahead" },
		[SET_SCAN] = { .key = "scan" },
		[SET_PROMOTE] = { .key = "promote" },
		{ .key = "placement", .instead = "the option --placement" },
		{ .key = "huge", .instead = "'mount -o remount,huge=... /run/tarn/NAME', of partitions that are made from then on; for good huge= in [pool] of its file" },
		{ .key = "size", .instead = "'tarnctl pool resize'" },
		{ .key = "nodes", .instead = "'tarnctl pool resize' with a size for each node" },
		{ .key = "weight", .instead = "'tarnctl partition set', of one partition" },
		{ .key = "min", .instead = "'tarnctl partition set', of one partition" },
		{ .key = "desired", .instead = "'tarnctl partition set', of one partition" },
		{ .key = "home", .instead = "the option --home of 'tarnctl partition set', of one partition" },
		{ 0 },
	};
	const char *name = NULL;
	struct pool pool;
	int ret;

	if (argc && !setting_is(argv[0])) {
		name = *argv++;
		argc--;
	}
	if (!argc && !opts->placement) {
		err("tarnctl pool set: say what to set, as in 'tarnctl pool set %s%slow=2%% high=4%%'",
		    name ? name : "", name ? " " : "");
		return EXIT_USAGE;
	}
	if (settings_parse(settings, "tarnctl pool set", argc, argv))
		return EXIT_USAGE;
	ret = pool_get(&pool, name);
	if (ret)
		return ret;
	ret = opts->persistent ? set_persistently(&pool, settings, opts) :
				 set_pool(&pool, settings, opts);
	pool_put(&pool);
	return ret;
}
