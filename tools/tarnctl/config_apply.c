// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl config apply: has a mounted pool be as its file says. What a file does not
 * say stays as it is. One thing that fails keeps none of the others from being done.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "area.h"
#include "config.h"
#include "config_commands.h"
#include "config_key.h"
#include "config_partition.h"
#include "dry_run.h"
#include "error.h"
#include "placement.h"
#include "pool.h"
#include "pool_resize.h"
#include "size.h"

/* ---- what the mount has ------------------------------------------------------- */

static int apply_size(const struct pool *pool,
		      const struct config_section *section)
{
	const char *nodes = config_get(section, "nodes");
	const char *size = config_get(section, "size");
	char *value;
	int ret;

	if (!nodes && !size)
		return 0;
	value = config_mount_size(nodes ? nodes : size);
	if (!value)
		return err_nomem();
	ret = pool_reconfigure(pool, nodes ? "nodes" : "size", value);
	free(value);
	return ret;
}

static int apply_huge(const struct pool *pool,
		      const struct config_section *section)
{
	const char *huge = config_get(section, "huge");

	return huge ? pool_reconfigure(pool, "huge", huge) : 0;
}

static int apply_owner(int fd, const struct pool *pool,
		       const struct config_section *section)
{
	const char *mode = config_get(section, "mode");
	const char *uid = config_get(section, "uid");
	const char *gid = config_get(section, "gid");
	struct stat st;

	if (fstat(fd, &st))
		return err_errno(-errno, "%s", pool->mount);
	if (uid)
		st.st_uid = config_uid(uid);
	if (gid)
		st.st_gid = config_gid(gid);
	if ((uid || gid) && fchown(fd, st.st_uid, st.st_gid))
		return err_errno(-errno, "change the owner of %s", pool->mount);
	if (mode && fchmod(fd, strtoul(mode, NULL, 8)))
		return err_errno(-errno, "change the mode of %s", pool->mount);
	return 0;
}

static int check_paging(const struct pool *pool,
			const struct config_section *section)
{
	const char *paging = config_get(section, "paging");
	bool has = pool->info.flags & TARN_POOL_PAGING;

	if (!paging || !strcmp(paging, "none") == !has)
		return 0;
	err("%s: paging=%s cannot change while it is mounted: stop its guests and its pager, then 'systemctl restart tarn-pool@%s'",
	    pool->mount, paging, strrchr(pool->mount, '/') + 1);
	return -EBUSY;
}

/* ---- settings ----------------------------------------------------------------- */

/* Both watermarks are set at once, so the one not given stays as it is. */
static int fill_watermarks(struct tarn_pool_set *set, const struct pool *pool,
			   const struct config_section *section)
{
	const char *low = config_get(section, "low");
	const char *high = config_get(section, "high");
	uint64_t frames = pool->info.frames;
	uint64_t low_frames = pool->info.low_frames;
	uint64_t high_frames = pool->info.high_frames;

	if (!low && !high)
		return 0;
	if (low)
		config_amount(low, frames, &low_frames);
	if (high)
		config_amount(high, frames, &high_frames);
	if (!low_frames || low_frames >= high_frames || high_frames > frames / 2) {
		char a[SIZE_TEXT_MAX], b[SIZE_TEXT_MAX];

		err("%s: low=%s high=%s: low must be above 0 and below high, and high at most half the pool",
		    pool->mount, size_format_pages(a, low_frames, false),
		    size_format_pages(b, high_frames, false));
		return -EINVAL;
	}
	set->flags |= TARN_POOL_SET_WATERMARKS;
	set->low_frames = low_frames;
	set->high_frames = high_frames;
	return 0;
}

static void fill_others(struct tarn_pool_set *set,
			const struct config_section *section)
{
	const char *readahead = config_get(section, "readahead");
	const char *scan = config_get(section, "scan");
	const char *promote = config_get(section, "promote");
	const char *placement = config_get(section, "placement");
	uint64_t pages;

	if (readahead && !config_amount(readahead, 0, &pages)) {
		set->flags |= TARN_POOL_SET_READAHEAD;
		set->readahead_pages = pages;
	}
	if (scan) {
		set->flags |= TARN_POOL_SET_SCAN;
		set->scan_permille = config_share(scan);
	}
	if (promote) {
		set->flags |= TARN_POOL_SET_PROMOTE;
		set->promote_permille = config_share(promote);
	}
	if (placement && !placement_parse("placement", placement,
					  &set->placement))
		set->flags |= TARN_POOL_SET_PLACEMENT;
}

static int apply_settings(int fd, const struct pool *pool,
			  const struct config_section *section)
{
	struct tarn_pool_set set = { .size = sizeof(set) };
	int ret = fill_watermarks(&set, pool, section);

	fill_others(&set, section);
	if (set.flags && ioctl(fd, TARN_POOL_SET, &set))
		ret = pool_fail(pool, -errno, "change the settings of");
	return ret;
}

static int apply_pins(int fd, const struct pool *pool,
		      const struct config_section *section)
{
	struct tarn_pool_pin_policy policy = { .size = sizeof(policy) };
	size_t i;

	if (!section || !section->count)
		return 0;
	if (ioctl(fd, TARN_POOL_PIN_POLICY, &policy))
		return pool_fail(pool, -errno, "read the pin policy of");
	for (i = 0; i < section->count; i++)
		policy.policy[area_type_find(section->pairs[i].key)] =
			pin_policy_find(section->pairs[i].value);
	policy.size = sizeof(policy);
	policy.flags = TARN_PIN_POLICY_SET;
	memset(policy.critical, 0, sizeof(policy.critical));
	if (ioctl(fd, TARN_POOL_PIN_POLICY, &policy))
		return pool_fail(pool, -errno, "change the pin policy of");
	return 0;
}

/* ---- all of it ---------------------------------------------------------------- */

static int apply(const struct config *config, struct pool *pool)
{
	const struct config_section *section = config_find(config, CONFIG_POOL);
	int fd = pool_open(pool), ret, one;

	if (fd < 0)
		return fd;
	ret = check_paging(pool, section);
	one = apply_size(pool, section);
	if (!one)
		one = pool_refresh(pool);
	ret = one ? one : ret;
	one = apply_huge(pool, section);
	ret = one ? one : ret;
	one = apply_owner(fd, pool, section);
	ret = one ? one : ret;
	one = apply_settings(fd, pool, section);
	ret = one ? one : ret;
	one = apply_pins(fd, pool, config_find(config, CONFIG_PINS));
	ret = one ? one : ret;
	close(fd);
	one = config_partitions_apply(config, pool, false);
	return one ? one : ret;
}

/* ---- or what it would be -------------------------------------------------------- */

static void tell_section(const struct pool *pool,
			 const struct config_section *section, const char *what)
{
	size_t i;

	for (i = 0; section && i < section->count; i++) {
		const struct config_pair *pair = &section->pairs[i];

		if (!strcmp(pair->key, "size") || !strcmp(pair->key, "nodes") ||
		    !strcmp(pair->key, "paging"))
			continue;
		printf("%s: %s%s=%s would be set\n", pool->mount, what,
		       pair->key, pair->value);
	}
}

static int tell_size(const struct pool *pool,
		     const struct config_section *section)
{
	const char *size = config_get(section, "nodes");
	char *value;
	int ret;

	size = size ? size : config_get(section, "size");
	if (!size)
		return 0;
	value = config_mount_size(size);
	if (!value)
		return err_nomem();
	ret = dry_run_resize(pool, value);
	free(value);
	return ret;
}

static int tell(const struct config *config, const struct pool *pool)
{
	const struct config_section *section = config_find(config, CONFIG_POOL);
	struct tarn_pool_set set = { 0 };
	int ret = check_paging(pool, section), one;

	one = tell_size(pool, section);
	ret = one ? one : ret;
	one = fill_watermarks(&set, pool, section);
	ret = one ? one : ret;
	tell_section(pool, section, "");
	tell_section(pool, config_find(config, CONFIG_PINS), "pins of ");
	one = config_partitions_apply(config, pool, true);
	return one ? one : ret;
}

int config_apply_main(int argc, char **argv, const struct options *opts)
{
	char dir[PATH_MAX];
	struct config config;
	struct pool pool;
	int ret;

	if (config_name_arg("tarnctl config apply", argv[0]))
		return EXIT_USAGE;
	ret = config_load(&config, argv[0], false);
	if (ret)
		goto out_config;
	if (config.wrong) {
		err("nothing is changed");
		ret = -EINVAL;
		goto out_config;
	}
	pool_dir(dir, argv[0]);
	ret = pool_get(&pool, dir);
	if (ret)
		goto out_config;
	ret = opts->dry_run ? tell(&config, &pool) : apply(&config, &pool);
	pool_put(&pool);
out_config:
	config_free(&config);
	return ret;
}
