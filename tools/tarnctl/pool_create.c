// SPDX-License-Identifier: GPL-2.0-only
/* tarnctl pool create: writes the file of a pool, and has its units started and enabled. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "config_commands.h"
#include "config_edit.h"
#include "config_key.h"
#include "error.h"
#include "pool.h"
#include "setting.h"
#include "systemctl.h"

#define CMD "tarnctl pool create"

/* ---- from words to sections ------------------------------------------------------- */

/* A key of the pool or its pager; no two of them have the same name. */
static int take_word(struct config *config, char *word)
{
	char *value = strchr(word, '=');
	enum config_kind kind = CONFIG_POOL;
	struct config_section *section;

	*value++ = '\0';
	if (!strcmp(word, "device"))
		return config_add_device(config, CONFIG_DEVICE, value, 0);
	if (!strcmp(word, "mirror"))
		return config_add_device(config, CONFIG_MIRROR, value, 0);
	if (config_key_find(CONFIG_PAGER, word))
		kind = CONFIG_PAGER;
	section = config_section_of(config, kind, 0);
	return section ? config_add(config, section, word, value, 0) : -ENOMEM;
}

static int take_words(struct config *config, int argc, char **argv)
{
	int i, ret = 0;

	for (i = 0; i < argc && ret != -ENOMEM; i++) {
		if (setting_is(argv[i])) {
			ret = take_word(config, argv[i]);
			continue;
		}
		config_complain(config, NULL, 0,
				"'%s' is no setting of the form KEY=VALUE",
				argv[i]);
	}
	if (ret != -ENOMEM && !config->wrong)
		config_check_whole(config);
	return ret == -ENOMEM ? ret : 0;
}

static int check_size(struct config *config)
{
	if (config->wrong)
		return -EINVAL;
	if (config_value(config, CONFIG_POOL, "size") ||
	    config_value(config, CONFIG_POOL, "nodes"))
		return 0;
	err(CMD ": say how large it is, as in size=8G or size=60%%");
	return -EINVAL;
}

/* ---- the host --------------------------------------------------------------------- */

static bool has_pager(const struct config *config)
{
	return config_find(config, CONFIG_DEVICE) ||
	       config_find(config, CONFIG_MIRROR);
}

/* What failed has been said by systemctl; the journal has the rest. */
static void undo(const char *pool, const char *pager, const char *path)
{
	systemctl_run("disable", "--quiet", "--now", pager, pool, NULL);
	systemctl_forget(pager);
	systemctl_forget(pool);
	unlink(path);
	err("nothing was made; 'journalctl -e -u %s -u %s' says why", pool,
	    pager);
}

static int start(const struct config *config, const char *path)
{
	char *pool = NULL, *pager = NULL;
	int ret;

	if (asprintf(&pool, "tarn-pool@%s.service", config->name) < 0 ||
	    asprintf(&pager, "tarn-pager@%s.service", config->name) < 0)
		return err_nomem();
	ret = systemctl_run("enable", "--quiet", "--now", pool, NULL);
	if (!ret && has_pager(config))
		ret = systemctl_run("enable", "--quiet", "--now", pager, NULL);
	if (ret)
		undo(pool, pager, path);
	free(pool);
	free(pager);
	return ret;
}

static void tell(const struct config *config, const char *path)
{
	printf("%s is in %s\n", config->name, path);
	if (!has_pager(config) &&
	    strcmp(config_value(config, CONFIG_POOL, "paging") ?: "", "none"))
		printf("It has nothing to page to yet: add a [device] there, and 'systemctl enable --now tarn-pager@%s'\n",
		       config->name);
	if (!systemctl_there())
		printf("systemd does not run here: 'tarnctl config mount %s' mounts it, 'tarnctl config pager %s' is its pager\n",
		       config->name, config->name);
}

/* Of an earlier version, or made by hand: that is not made anew, and not undone. */
static int check_free(const struct config *config)
{
	char dir[PATH_MAX], old[PATH_MAX];

	pool_dir(dir, config->name);
	snprintf(old, sizeof(old), "/etc/tarn/%s" CONFIG_SUFFIX, config->name);
	if (!config_is_mounted(dir) && access(old, F_OK))
		return 0;
	err(CMD ": %s is there already; 'tarnctl pool import %s' makes its file",
	    config->name, config->name);
	return -EEXIST;
}

/* What would be written, once nothing is in its place. */
static int tell_file(const struct config *config, const char *path)
{
	if (!access(path, F_OK)) {
		err(CMD ": %s is there already", path);
		return -EEXIST;
	}
	printf("# %s would be:\n", path);
	return config_write(config, stdout) ?
		       err_errno(-EIO, "write to stdout") : 0;
}

static int create(const struct config *config, bool dry)
{
	char *path = config_path(config->name);
	int ret;

	if (!path)
		return err_nomem();
	ret = check_free(config);
	if (!ret && dry) {
		ret = tell_file(config, path);
		goto out_free;
	}
	if (!ret)
		ret = config_save(config, path);
	if (!ret && systemctl_there())
		ret = start(config, path);
	if (!ret)
		tell(config, path);
out_free:
	free(path);
	return ret;
}

int pool_create_main(int argc, char **argv, const struct options *opts)
{
	struct config config = { 0 };
	int ret;

	if (config_name_arg(CMD, argv[0]))
		return EXIT_USAGE;
	config.path = strdup(CMD);
	config.name = strdup(argv[0]);
	ret = config.path && config.name ?
		      take_words(&config, argc - 1, argv + 1) : err_nomem();
	if (!ret && check_size(&config))
		ret = EXIT_USAGE;
	else if (!ret)
		ret = create(&config, opts->dry_run);
	config_free(&config);
	return ret;
}
