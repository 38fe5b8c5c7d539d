// SPDX-License-Identifier: GPL-2.0-only
/*
 * tarnctl pool import: makes the file of a pool from one of an earlier version, or from
 * the pool and its pager as they are.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "area.h"
#include "client.h"
#include "config.h"
#include "config_commands.h"
#include "config_edit.h"
#include "config_key.h"
#include "error.h"
#include "home.h"
#include "mountinfo.h"
#include "placement.h"
#include "pool.h"
#include "pool_node.h"

#define CMD "tarnctl pool import"
/* What a pool has at first, which need not be said. */
#define SCAN_DEFAULT 20
#define PROMOTE_DEFAULT 10
/* Of a node, where no marks were set: as tarn_size_set_marks() has it. */
#define LOW_SHARE 64
#define LOW_LEAST 16
#define LOW_MOST 65536

/* ---- the pool ---------------------------------------------------------------------- */

static int add(struct config *config, struct config_section *section,
	       const char *key, const char *value)
{
	return config_add(config, section, key, value, 0);
}

/* Options of a mount are as they can be given again. */
static int add_options(struct config *config, struct config_section *section,
		       char *options)
{
	char *word;
	int ret = 0;

	while (!ret && (word = strsep(&options, ","))) {
		char *value = strchr(word, '=');

		if (!value || !strncmp(word, "mode=", 5))
			continue;
		*value++ = '\0';
		if (config_key_find(CONFIG_POOL, word))
			ret = add(config, section, word, value);
	}
	return ret;
}

static int add_mount(struct config *config, struct config_section *section,
		     const struct pool *pool)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	struct mount_list mounts = { 0 };
	int ret = -ENOENT;
	size_t i;

	if (!f)
		return err_errno(-errno, "/proc/self/mountinfo");
	if (mountinfo_read(f, "tarnfs", &mounts))
		ret = err_nomem();
	fclose(f);
	for (i = 0; i < mounts.count; i++) {
		if (mounts.items[i].dev != pool->dev ||
		    strcmp(mounts.items[i].point, pool->mount))
			continue;
		ret = add_options(config, section, mounts.items[i].options);
		break;
	}
	mountinfo_free(&mounts);
	return ret;
}

static int add_mode(struct config *config, struct config_section *section,
		    const struct pool *pool)
{
	char text[16];
	struct stat st;

	if (stat(pool->mount, &st))
		return err_errno(-errno, "%s", pool->mount);
	snprintf(text, sizeof(text), "%04o", st.st_mode & 07777);
	return add(config, section, "mode", text);
}

static int add_share(struct config *config, struct config_section *section,
		     const char *key, unsigned int permille)
{
	char text[32];

	snprintf(text, sizeof(text), "%u.%u%%", permille / 10, permille % 10);
	return add(config, section, key, permille ? text : "0");
}

/* The low mark that the pool has by itself; the high one is twice that. */
static uint64_t low_default(const struct pool *pool)
{
	uint64_t frames, low, sum = 0;
	unsigned int node;

	for (node = 0; node <= NODE_MAX; node++) {
		if (pool_node_read(pool, node, &frames, NULL) || !frames)
			continue;
		low = frames / LOW_SHARE;
		sum += low < LOW_LEAST ? LOW_LEAST :
		       low > LOW_MOST  ? LOW_MOST :
					 low;
	}
	return sum;
}

static int add_pages(struct config *config, struct config_section *section,
		     const char *key, uint64_t pages)
{
	char text[32];

	snprintf(text, sizeof(text), "%lluK", 4 * (unsigned long long)pages);
	return add(config, section, key, pages ? text : "0");
}

static int add_marks(struct config *config, struct config_section *section,
		     const struct pool *pool)
{
	const struct tarn_pool_info *info = &pool->info;
	uint64_t low = low_default(pool);
	int ret;

	if (info->low_frames == low && info->high_frames == 2 * low)
		return 0;
	ret = add_pages(config, section, "low", info->low_frames);
	return ret ? ret : add_pages(config, section, "high", info->high_frames);
}

static int add_settings(struct config *config, struct config_section *section,
			const struct tarn_pool_info *info)
{
	int ret = 0;

	if (info->scan_permille != SCAN_DEFAULT)
		ret = add_share(config, section, "scan", info->scan_permille);
	if (!ret && info->promote_permille != PROMOTE_DEFAULT)
		ret = add_share(config, section, "promote",
				info->promote_permille);
	if (!ret)
		ret = add_pages(config, section, "readahead",
				info->readahead_pages);
	if (!ret && info->placement)
		ret = add(config, section, "placement",
			  placement_name(info->placement));
	return ret;
}

static int add_pins(struct config *config, const struct pool *pool)
{
	struct tarn_pool_pin_policy policy = { .size = sizeof(policy) };
	struct config_section *section = NULL;
	int fd = pool_open(pool), ret = 0;
	unsigned int type;

	if (fd < 0)
		return fd;
	if (ioctl(fd, TARN_POOL_PIN_POLICY, &policy))
		ret = pool_fail(pool, -errno, "read the pin policy of");
	close(fd);
	for (type = 1; !ret && type < TARN_AREA_TYPES; type++) {
		if (policy.policy[type] == TARN_PIN_CRITICAL)
			continue;
		if (!section)
			section = config_add_section(config, CONFIG_PINS, 0);
		ret = section ? add(config, section, area_type_name(type),
				    pin_policy_name(policy.policy[type])) :
				-ENOMEM;
	}
	return ret;
}

/* ---- its pager --------------------------------------------------------------------- */

static int add_device(struct config *config, const json_t *device)
{
	const json_t *legs = json_object_get(device, "legs"), *leg;
	enum config_kind kind = json_array_size(legs) > 1 ? CONFIG_MIRROR :
							    CONFIG_DEVICE;
	struct config_section *section = config_add_section(config, kind, 0);
	char text[24];
	size_t i;
	int ret = section ? 0 : -ENOMEM;

	json_array_foreach(legs, i, leg) {
		if (!ret)
			ret = add(config, section, "path",
				  client_text(leg, "path"));
	}
	if (!ret && client_number(device, "priority")) {
		snprintf(text, sizeof(text), "%lld",
			 client_number(device, "priority"));
		ret = add(config, section, "priority", text);
	}
	if (!ret && client_flag(device, "discard"))
		ret = add(config, section, "discard", "on");
	return ret;
}

static int add_pager(struct config *config, const struct pool *pool)
{
	const struct options opts = { 0 };
	char *path = client_socket(pool, &opts);
	int sock = path ? client_open(path) : -ENOMEM, ret;
	json_t *answer, *device;
	size_t i;

	free(path);
	if (sock < 0) {
		err("note: no pager answers, so the file has no devices");
		return sock == -ENOMEM ? sock : 0;
	}
	ret = client_call(sock, json_pack("{s:s}", "cmd", "devices"), -1,
			  &answer);
	close(sock);
	if (ret)
		return ret;
	json_array_foreach(json_object_get(answer, "devices"), i, device) {
		if (!ret)
			ret = add_device(config, device);
	}
	json_decref(answer);
	return ret;
}

/* ---- the file ---------------------------------------------------------------------- */

static int gather(struct config *config, const char *name)
{
	struct config_section *section;
	char dir[PATH_MAX];
	struct pool pool;
	int ret;

	config->path = strdup(CMD);
	config->name = strdup(name);
	if (!config->path || !config->name)
		return err_nomem();
	pool_dir(dir, name);
	ret = pool_get(&pool, dir);
	if (ret)
		return ret;
	if (strcmp(pool.mount, dir)) {
		err(CMD ": the pool is mounted at %s; its units want it at %s",
		    pool.mount, dir);
		pool_put(&pool);
		return -EINVAL;
	}
	section = config_add_section(config, CONFIG_POOL, 0);
	ret = section ? add_mount(config, section, &pool) : -ENOMEM;
	if (!ret)
		ret = add_mode(config, section, &pool);
	if (!ret)
		ret = add_settings(config, section, &pool.info);
	if (!ret)
		ret = add_marks(config, section, &pool);
	if (!ret)
		ret = add_pins(config, &pool);
	if (!ret && pool.info.flags & TARN_POOL_PAGING)
		ret = add_pager(config, &pool);
	pool_put(&pool);
	return ret;
}

/* What an earlier version had is kept, under a name that nothing reads. */
static int put_aside(const struct config *config)
{
	char *aside;
	int ret = 0;

	if (asprintf(&aside, "%s.old", config->path) < 0)
		return err_nomem();
	if (rename(config->path, aside))
		ret = err_errno(-errno, "rename %s", config->path);
	else
		printf("%s is %s now\n", config->path, aside);
	free(aside);
	return ret;
}

static int tell(const struct config *config, const char *path)
{
	printf("# %s would be:\n", path);
	if (config_write(config, stdout))
		return err_errno(-EIO, "write to stdout");
	if (config->old)
		printf("# and %s would be %s.old\n", config->path,
		       config->path);
	return 0;
}

/* The pager's unit starts the pool as well; that of the pool alone starts no pager. */
static void tell_boot(const struct config *config, const char *path)
{
	const char *paging = config_value(config, CONFIG_POOL, "paging");
	bool none = paging && !strcmp(paging, "none");

	printf("%s is in %s; 'systemctl enable %s@%s' has it at each boot\n",
	       config->name, path, none ? "tarn-pool" : "tarn-pager",
	       config->name);
}

static int import(const char *name, const char *path, bool dry)
{
	struct config config;
	int ret = config_load(&config, name, true);

	if (!ret && !config.old) {
		err(CMD ": %s is there already", path);
		ret = -EEXIST;
	} else if (ret == -ENOENT) {
		config_free(&config);
		ret = gather(&config, name);
	}
	if (!ret && config.wrong) {
		err(CMD ": nothing is made of it");
		ret = -EINVAL;
	}
	if (!ret && dry) {
		ret = tell(&config, path);
		goto out_free;
	}
	if (!ret)
		ret = config_save(&config, path);
	if (!ret)
		tell_boot(&config, path);
	if (!ret && config.old)
		ret = put_aside(&config);
out_free:
	config_free(&config);
	return ret;
}

int pool_import_main(int argc, char **argv, const struct options *opts)
{
	char *path;
	int ret;

	if (config_name_arg(CMD, argv[0]))
		return EXIT_USAGE;
	path = config_path(argv[0]);
	if (!path)
		return err_nomem();
	ret = import(argv[0], path, opts->dry_run);
	free(path);
	return ret;
}
